# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# df and ls, and what commands print as JSON. Sourced by e2e.

# json STATUS COMMAND...: it has to print JSON, and nothing else, on stdout
json() {
	local want=$1
	shift
	gives "$want" "$@"
	cp "$T/out" "$T/json"
	python3 -c 'import json, sys; json.load(open(sys.argv[1]))' "$T/json" ||
		fail "no JSON: $*"
}

# json_field EXPRESSION: of the last JSON, j
json_field() {
	python3 -c 'import json, sys
j = json.load(open(sys.argv[1]))
print(eval(sys.argv[2]))' "$T/json" "$1"
}

test_df() {
	local size
	size=$(($(stat -f -c '%b * %S' "$M")))
	good famfs mkdir "$M/d"
	good famfs creat -s 3m "$M/d/f"
	good famfs df "$M"
	is "$(sed -n '2s/  */ /gp' "$T/out")" \
		"$M $size $((4 * MIB)) $((size - 14 * MIB)) $((size - 14 * MIB)) 1 1 2 15418"
	# Any directory of a mount, and the device of one, stand for it
	good famfs df "$M/d" "$DEV"
	is "$(wc -l <"$T/out")" 3
	is "$(sed 1d "$T/out" | awk '{ print $4 }' | uniq | wc -l)" 1
	good famfs df -h
	says "^$M .* 4.00MiB .*MiB"
	bad 1 'not in a famfs mount' famfs df "$T"
	bad 1 'No such file' famfs df "$T/none"
	bad 1 'unknown' famfs df -x
	# One that is bad does not keep the others from being shown
	bad 1 'No such file' famfs df "$T/none" "$M"
	says "^$M "
	good umount "$M"
	good famfs df -M -L "$DEV"
	is "$(awk 'NR == 2 { print $2, $3, $6, $7 }' "$T/out")" \
		"$size $((4 * MIB)) 1 1"
	[ -z "$(findmnt -t famfs)" ] || fail "it has left a mount"
	bad 1 'no famfs file system is mounted here' famfs df
	good mount -t famfs "$DEV" "$M"
	"$PLANT" "$M" flip .log $((48 + 544 + 20))
	bad 1 '1 errors in it.*famfs fsck' famfs df "$M"
	"$PLANT" "$M" flip .log 8
	bad 1 'log header checksum is wrong' famfs df "$M"
	"$PLANT" "$M" flip .superblock 40
	bad 1 'famfs file system' famfs df "$M"
}

# What a file can have at most is in its 16 longest free ranges
test_df_largest() {
	local i at size largest
	size=$(($(stat -f -c '%b * %S' "$M")))
	at=$((10 * MIB))
	for i in {1..20}; do
		"$PLANT" "$M" file "f$i" "$MIB" "$at" $((2 * MIB))
		at=$((at + 4 * MIB))
	done
	"$PLANT" "$M" file rest "$MIB" "$at" $((size - at))
	good famfs logplay "$M"
	json 0 famfs df --json "$M"
	is "$(json_field 'j[0]["free"]')" $((40 * MIB))
	largest=$(json_field 'j[0]["largest_file"]')
	is "$largest" $((32 * MIB))
	bad 1 '' famfs creat -s $((largest + 1)) "$M/g"
	good famfs creat -s "$largest" "$M/g"
}

test_ls() {
	good famfs mkdir -m 0750 -u 7 -g 8 "$M/d"
	good famfs mkdir -m 1777 "$M/d/e"
	good famfs creat -s 3m -m 04751 "$M/d/f"
	good famfs creat -s 1000 -m 0640 -u 9 -g 10 "$M/top"
	good famfs creat -s 1m "$M/d/e/deep"
	good famfs ls "$M"
	is "$(xargs <"$T/out")" "d top"
	good famfs ls -R "$M"
	is "$(xargs <"$T/out")" "d d/e d/e/deep d/f top"
	good famfs ls "$M" d
	is "$(xargs <"$T/out")" "d/e d/f"
	good famfs ls "$M" /d/e/ top
	is "$(xargs <"$T/out")" "d/e/deep top"
	good famfs ls -R "$M" d/e /
	is "$(xargs <"$T/out")" "d/e/deep d d/e d/e/deep d/f top"
	good famfs ls -l "$M" . d
	is "$(sed 's/  */ /g' "$T/out")" "drwxr-x--- 7 8 0 0 d
-rw-r----- 9 10 1000 1 top
drwxrwxrwt 0 0 0 0 d/e
-rwsr-x--x 0 0 $((3 * MIB)) 1 d/f"
	bad 1 'none: is not in the log' famfs ls "$M" none d
	is "$(xargs <"$T/out")" "d/e d/f"
	bad 1 'path has a .. part' famfs ls "$M" d/../top
	bad 1 'longer than any' famfs ls "$M" "$(printf 'y%.0s' {1..80})"
	bad 1 'needed' famfs ls
	bad 1 'No such file' famfs ls "$T/none"
	bad 1 'not in a famfs mount' famfs ls "$T"
	bad 1 'unknown' famfs ls -x "$M"
	# A file that was made here and not logged is not there
	good touch "$M/mine"
	good famfs ls "$M"
	is "$(xargs <"$T/out")" "d top"
	good umount "$M"
	good famfs ls -M -L "$DEV" d
	is "$(xargs <"$T/out")" "d/e d/f"
}

# Bad entries are told and left out; no name drives the terminal
test_ls_bad() {
	local esc=$'\033[2J\xff'
	good famfs mkdir "$M/d"
	"$PLANT" "$M" file ../up "$MIB" $((64 * MIB)) $((2 * MIB))
	"$PLANT" "$M" file "d/$esc" "$MIB" $((64 * MIB)) $((2 * MIB))
	"$PLANT" "$M" dir d
	"$PLANT" "$M" file past "$MIB" $((1 << 40)) $((2 * MIB))
	bad 1 'entry 1 at 0x200250: ../up: path has a .. part' famfs ls -R "$M"
	warns 'entry 3 at .*: d: path is that of entry 0'
	warns 'entry 4 at .*: past: an extent runs past the end'
	is "$(cat "$T/out")" 'd
d/\033[2J\377'
	json 1 famfs ls --json -R "$M"
	is "$(json_field 'j[1]["path"]')" 'd/\033[2J\377'
	is "$(json_field 'len(j)')" 2
}

test_json() {
	local name=$'\xe2\x82\xac"\\\n\x80'
	good famfs mkdir -m 0755 -u 7 -g 8 "$M/d"
	good famfs creat -s 3m -m 0644 "$M/d/$name"
	"$PLANT" "$M" striped il $((4 * MIB)) $((2 * MIB)) \
		$((64 * MIB)) $((2 * MIB)) $((80 * MIB)) $((2 * MIB))
	good famfs logplay "$M"

	json 0 famfs getmap --json "$M/d/$name"
	is "$(json_field 'j[0]["file"]')" "$M/d/"$'\xe2\x82\xac"\\134\\012\\200'
	is "$(json_field '[j[0][k] for k in ("type", "size", "map")]')" \
		"['regular', 3145728, 'simple']"
	is "$(json_field 'j[0]["extents"]')" \
		"[{'device': 0, 'offset': 10485760, 'length': 4194304}]"
	json 0 famfs getmap --json "$M/il"
	is "$(json_field 'j[0]["extents"][0]["strips"][1]["offset"]')" \
		$((80 * MIB))
	good touch "$M/unmapped"
	json 2 famfs getmap --json "$M/unmapped"
	is "$(json_field j)" "[]"
	good rm "$M/unmapped"

	json 0 famfs ls --json -l "$M" d il
	is "$(json_field 'j[0]["path"]')" 'd/'$'\xe2\x82\xac"\\134\\012\\200'
	is "$(json_field 'j[0]["mode"]')" "-rw-r--r--"
	is "$(json_field 'j[1]["map"], j[1]["extents"]')" "('interleaved', 2)"
	json 0 famfs ls --json "$M"
	is "$(json_field 'j[0]["type"], j[0]["uid"], j[0]["gid"]')" \
		"('directory', 7, 8)"

	json 0 famfs df --json
	is "$(json_field 'j[0]["mounted_on"]')" "$M"
	is "$(json_field 'j[0]["used"], j[0]["files"], j[0]["entries"]')" \
		"($((8 * MIB)), 2, 3)"
	is "$(json_field 'j[0]["size"] - j[0]["free"]')" $((18 * MIB))
	json 0 famfs df --json --human "$M"
	is "$(json_field 'j[0]["used"]')" 8.00MiB
	json 1 famfs df --json "$T/none"
	is "$(json_field j)" "[]"

	json 0 famfs check -v --json "$M"
	is "$(json_field 'j["files"], j["directories"], j["problems"]')" \
		"(4, 3, [])"
	good touch "$M/unmapped"
	json 1 famfs check --json "$M"
	is "$(json_field 'j["problems"][0]["path"]')" unmapped
	warns 'unmapped: has no map'
	good rm "$M/unmapped"
}

test_json_fsck() {
	good famfs mkdir "$M/d"
	json 0 famfs fsck -v --json -B 2 "$M"
	is "$(json_field 'j["superblock"]["log_len"]')" $((8 * MIB))
	is "$(json_field 'j["superblock"]["version"]')" 48
	is "$(json_field 'j["entries"], j["files"], j["directories"]')" "(1, 0, 1)"
	is "$(json_field 'j["free"]')" "$(free_bytes)"
	is "$(json_field 'j["errors"], j["warnings"], j["problems"]')" "(0, 0, [])"
	is "$(json_field 'sum(b["free"] for b in j["devices"][0]["buckets"])')" \
		"$(free_bytes)"
	json 0 famfs fsck --json --human "$M"
	is "$(json_field 'j["superblock"]["log_len"]')" 8.00MiB
	"$PLANT" "$M" file $'none/\xff' "$MIB" $((64 * MIB)) $((2 * MIB))
	json 4 famfs fsck --json "$M"
	is "$(json_field 'j["errors"]')" 1
	is "$(json_field 'sorted(j["problems"][0].items())')" \
		"[('entry', 1), ('level', 'error'), ('offset', 2097744), ('path', 'none/\\\\377'), ('what', 'its directory is not logged')]"
	warns 'entry 1 at 0x200250: none/\\377: its directory'
	"$PLANT" "$M" flip .log 8
	json 4 famfs fsck --json "$M"
	is "$(json_field '[p["what"] for p in j["problems"]]')" \
		"['log: log header checksum is wrong', \"log: log length differs from the superblock's\"]"
	is "$(json_field 'j["problems"][0]["offset"]')" $((2 * MIB))
	"$PLANT" "$M" flip .superblock 48
	json 4 famfs fsck --json "$M"
	is "$(json_field 'j["problems"][0]["what"]')" 'superblock checksum is wrong'
	# Where nothing could be looked at, nothing is printed
	gives 8 famfs fsck --json "$T"
	is "$(cat "$T/out")" ""
}

# Nor does the name of a mount drive the terminal
test_names_of_mounts() {
	local esc=$T/$'m\033[2J'
	good umount "$M"
	mkdir "$esc"
	good mount -t famfs "$DEV" "$esc"
	good famfs mkdir "$esc/d"
	"$PLANT" "$esc" file "none/x" "$MIB" $((64 * MIB)) $((2 * MIB))
	"$PLANT" "$esc" dir more
	bad 8 'on .*/m\\033\[2J; check it there' famfs fsck "$DEV"
	bad 4 'm\\033\[2J: log entry 1' famfs fsck "$esc"
	warns 'famfs logplay .*/m\\033\[2J makes them'
	bad 1 'm\\033\[2J: there are 1 errors' famfs df "$esc"
	bad 1 'm\\033\[2J: log entry 1' famfs ls "$esc"
	good famfs devices "$DEV"
	says 'use: .* FILE .*/m\\033\[2J$'
	"$PLANT" "$esc" flip .log 8
	bad 4 'm\\033\[2J: log: log header checksum' famfs fsck "$esc"
	"$PLANT" "$esc" flip .superblock 48
	bad 4 'm\\033\[2J: a famfs file system that' famfs fsck "$esc"
	good umount "$esc"
	good mkfs.famfs -f "$DEV"
	good mount -t famfs "$DEV" "$M"
}

# A mount that another one hides is not taken for that
test_df_covered() {
	good famfs mkdir "$M/d"
	good mkfs.famfs -f -M "$DEV2"
	good mount -t famfs "$DEV2" "$M"
	gives 1 famfs df "$DEV"
	cp "$T/err" "$T/said"
	gives 0 famfs df
	cp "$T/out" "$T/all"
	gives 1 famfs ls "$DEV"
	gives 0 famfs ls "$DEV2"
	gives 0 famfs devices --json "$DEV"
	cp "$T/out" "$T/json"
	good umount "$M"
	is "$(json_field '"uuid" in j[0], "use" in j[0], j[0]["mounted"]')" \
		"(False, False, True)"
	grep -q 'is mounted on .*, and something else over it' "$T/said" ||
		fail "it did not say why"
	is "$(wc -l <"$T/all")" 2
	is "$(awk 'NR == 2 { print $7 }' "$T/all")" 0
	good famfs ls "$DEV"
	says '^d$'
}
