# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Media that test/mkmedia has built by the table of the format, on a device; and
# what our tools write there against what mkmedia makes of the same. Sourced by
# e2e.

MEDIA=$(dirname "$0")/media
MKMEDIA=$(dirname "$0")/mkmedia
OTHER=11111111-2222-3333-4444-555555555555

# i_am UUID: what this host takes for its identity
i_am() {
	mkdir -p "$(dirname "$ID")"
	echo "$1" >"$ID"
}

# lay NAME: the medium on the device; not mounted then. $T/list has its listing.
lay() {
	"$MKMEDIA" -s "$T/super" -l "$T/log" -t "$T/list" "$MEDIA/$1.media"
	mounted && good umount "$M"
	good mkfs.famfs -f -l "$(stat -c %s "$T/log")" "$DEV"
	good mount -t famfs "$DEV" "$M"
	good "$PLANT" "$M" image "$T/super"
	good "$PLANT" "$M" log "$T/log"
	good umount "$M"
}

# value NAME LINE: of a field of the listing
value() {
	local rest=${2#* "$1"=}
	[ "$rest" = "$2" ] || echo "${rest%% *}"
}

# What getmap prints of the map that a line of the listing has
map_of() {
	local what='extent' ext n=0
	[ "$(value chunk "$1")" = 0 ] || what='strip'
	for ext in $(value ext "$1" | tr ',' ' '); do
		ext=${ext/:/ offset }
		echo "$what $n: device ${ext/:/ length }"
		n=$((n + 1))
	done
}

# as_listed ROLE: all of the listing is there, as that role has to have it
as_listed() {
	local role=$1 line path mode n=0 found
	while read -r line; do
		case $line in
		super* | log*) continue ;;
		esac
		n=$((n + 1))
		path=$M/${line#* path=}
		mode=$((0$(value mode "$line") & 07777))
		if [[ $line == *" mkdir "* ]]; then
			[ -d "$path" ] || fail "no directory $path"
		else
			is "$(stat -c '%F %s' "$path")" \
				"regular file $(value size "$line")"
			case $role,$(value flags "$line") in
			*,1 | client,0) mode=$((mode & ~0222)) ;;
			esac
			good famfs getmap "$path"
			is "$(grep -E '^(extent|strip) [0-9]+: device' "$T/out")" \
				"$(map_of "$line")"
			[ "$(value chunk "$line")" = 0 ] ||
				says "chunk size $(value chunk "$line"),"
		fi
		is "$(stat -c '%a %u %g' "$path")" \
			"$(printf '%o' "$mode") $(value uid "$line") $(value gid "$line")"
	done <"$T/list"
	found=$(find "$M" -mindepth 1 -path "$M/.meta" -prune -o \
		-mindepth 1 -print | wc -l)
	is "$found" "$n"
	good famfs fsck -v "$M"
	says "^entries: $n$"
}

test_fixtures() {
	local name
	for name in empty files old unit-4k; do
		echo "# $name"
		rm -f "$ID"
		lay "$name"
		good famfs fsck "$DEV"
		good mount -t famfs "$DEV" "$M"
		is "$(cat "$T/err")" ""
		as_listed client
		bad 1 'client' famfs creat -s 1m "$M/new"
		bad 1 'client' famfs mkdir "$M/new"
		# Nothing of it was written on
		cmp "$M/.meta/.superblock" "$T/super" || fail "superblock differs"
		cmp "$M/.meta/.log" "$T/log" || fail "log differs"
		good umount "$M"

		i_am "$(value system_uuid "$(head -n 1 "$T/list")" | sed \
			's/\(.\{8\}\)\(....\)\(....\)\(....\)/\1-\2-\3-\4-/')"
		good mount -t famfs "$DEV" "$M"
		as_listed master
	done
}

# The modes say who may write, on a client too
test_fixtures_rights() {
	lay files
	good mount -t famfs "$DEV" "$M"
	good "${USER_CMD[@]}" dd if=/dev/zero of="$M/dir/rw" bs=1 count=1 \
		conv=notrunc
	bad 1 'Permission' "${USER_CMD[@]}" dd if=/dev/zero of="$M/dir/ro" \
		bs=1 count=1 conv=notrunc
	good "${USER_CMD[@]}" cat "$M/dir/ro"
	bad 2 'Permission' "${USER_CMD[@]}" ls "$M/closed"
	bad 1 'Permission' "${USER_CMD[@]}" cat "$M/roomy"
}

# What lies where it was put: data of one map are seen through the other's bytes
test_fixtures_data() {
	lay files
	good mount -t famfs "$DEV" "$M"
	# Two extents that lie on the device the other way round
	random_file "$T/r" $((3 * MIB + 1))
	dd if="$T/r" of="$M/dir/two extents" bs=1M conv=notrunc 2>"$T/err" ||
		fail "it can't be written"
	good cmp "$T/r" "$M/dir/two extents"
	# Interleaved: chunks of 8 KiB by turns on three strips
	random_file "$T/r" 20481
	dd if="$T/r" of="$M/small chunks" conv=notrunc 2>"$T/err" ||
		fail "it can't be written"
	good cmp "$T/r" "$M/small chunks"
	lay old
	good mount -t famfs "$DEV" "$M"
	# The same bytes of the device, now as bytes of others' files: a/d has
	# 12 MiB to 14 MiB and 16 MiB to 18 MiB
	random_file "$T/r" $((5 * MIB))
	dd if="$T/r" of="$M/a/d" bs=1M conv=notrunc 2>"$T/err" ||
		fail "it can't be written"
	lay files
	good mount -t famfs "$DEV" "$M"
	good cmp -n $((2 * MIB)) -i $((2 * MIB)):0 "$T/r" "$M/dir/two extents"
	good cmp -n $((MIB + 1)) -i 0:$((2 * MIB)) "$T/r" "$M/dir/two extents"
}

# The master of a foreign file system goes on where it ends
test_fixtures_continued() {
	i_am 30313233-3435-3637-3839-3a3b3c3d3e3f
	lay files
	good mount -t famfs "$DEV" "$M"
	good famfs creat -s 4m "$M/dir/new"
	good famfs mkdir "$M/dir/more"
	good famfs cp /etc/passwd "$M/dir/more/"
	remount
	good cmp /etc/passwd "$M/dir/more/passwd"
	good famfs fsck -v "$M"
	says '^entries: 18$'
	# All that was there before is as it was, but for the header's counters
	cmp -n $((15 * 544)) -i 48 "$M/.meta/.log" "$T/log" ||
		fail "old entries differ"
	i_am "$OTHER"
	remount
	is "$(stat -c %a "$M/dir/new")" 444
}

# ours: the medium that $T/ours.media describes, with what fsck -v says of the
# superblock in it, is what is mounted
ours() {
	local v=() name
	good famfs fsck -v "$M"
	for name in uuid dev_uuid system_uuid dev_size dev_path; do
		v+=(-D "$name=$(sed -n "s/^$name: //p" "$T/out")")
	done
	cat - "$T/ours.media" >"$T/all.media" <<-EOM
	super
	  version 48
	  omf_major 2
	  omf_minor 2
	  log_offset 2m
	  log_len 8m
	  alloc_unit 2m
	  fs_uuid @uuid@
	  dev_uuid @dev_uuid@
	  system_uuid @system_uuid@
	  flags $(sed -n 's/^flags: //p' "$T/out")
	  dev_size @dev_size@
	  slot_uuid @dev_uuid@
	  dev_path @dev_path@
	EOM
	good "$MKMEDIA" "${v[@]}" -s "$T/super" -l "$T/log" "$T/all.media"
	good cmp "$T/super" "$M/.meta/.superblock"
	good cmp "$T/log" "$M/.meta/.log"
}

# strips FILE: as getmap has them, for a description
strips() {
	good famfs getmap "$1"
	sed -n 's/^strip .*: device \(.*\) offset \(.*\) length \(.*\)$/ strip \1 \2 \3/p' \
		"$T/out"
}

# What our tools write is, byte for byte, what mkmedia makes of the same values
test_written_as_by_table() {
	local long
	long=d/$(printf 'x%.0s' {1..77})
	i_am 0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0
	good umount "$M"
	good mkfs.famfs -f "$DEV"
	good mount -t famfs "$DEV" "$M"
	good famfs mkdir -m 0750 -u 7 -g 8 "$M/d"
	good famfs creat -m 0640 -u 1000 -g 1001 -s 3m "$M/d/f"
	good famfs creat -m 0604 -s 1 "$M/$long"
	good famfs mkdir -m 0700 "$M/d/e"
	good famfs creat -m 0644 -s 9m -N 2 -C 4m -B 2 "$M/il"
	cat >"$T/ours.media" <<-EOM
	mkdir d
	  uid 7
	  gid 8
	  mode 0750
	file d/f
	  size 3m
	  uid 1000
	  gid 1001
	  mode 0640
	  extent 0 10m 4m
	file $long
	  size 1
	  mode 0604
	  extent 0 14m 2m
	mkdir d/e
	  mode 0700
	file il
	  size 9m
	  mode 0644
	  chunk 4m
	$(strips "$M/il")
	EOM
	ours
	is "$(sed -n 's/^system_uuid: //p' < <(famfs fsck -v "$M"))" \
		0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0
}

# With a second device, whose uuid and size only the log has
test_written_on_devices() {
	local uuid size
	good mkfs.famfs -f -M "$DEV2"
	good mkfs.famfs -f -k "$DEV2"
	good famfs adddev "$M" "$DEV2"
	good famfs creat -m 0644 -s 5m -N 2 -C 2m "$M/il"
	uuid=$(od -An -v -tx1 -j $((48 + 24)) -N 16 "$M/.meta/.log" | tr -d ' \n')
	size=$(od -An -v -tu8 -j $((48 + 16)) -N 8 "$M/.meta/.log" | tr -d ' ')
	is "$size" "$(cat "/sys/bus/dax/devices/${DEV2##*/}/size")"
	cat >"$T/ours.media" <<-EOM
	daxdev
	  index 1
	  size $size
	  uuid $uuid
	file il
	  size 5m
	  mode 0644
	  chunk 2m
	$(strips "$M/il")
	EOM
	ours
	is "$(grep -c '^ strip [01] ' "$T/ours.media")" 2
	is "$(grep -c '^ strip 1 ' "$T/ours.media")" 1
}
