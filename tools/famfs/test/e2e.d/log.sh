# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# getmap, logplay and fsck. Sourced by e2e.

test_getmap() {
	good famfs creat -s 3m "$M/f"
	good famfs getmap "$M/f"
	says "extent 0: device 0 offset $((10 * MIB)) length $((4 * MIB))"
	good famfs getmap -q "$M/f"
	is "$(cat "$T/out")" ""
	good touch "$M/unmapped"
	bad 2 'has no map' famfs getmap "$M/unmapped"
	bad 1 'no file of a famfs mount' famfs getmap /etc/passwd
	bad 1 'no file of a famfs mount' famfs getmap /dev/null
	bad 2 'No such file' famfs getmap "$M/none"
	bad 21 'directory' famfs getmap "$M"
	bad 22 'needed' famfs getmap
}

test_logplay() {
	good famfs logplay "$M"
	says '^.*: 0 log entries'
	"$PLANT" "$M" dir d
	"$PLANT" "$M" file d/f "$MIB" $((64 * MIB)) $((2 * MIB))
	good famfs logplay -n "$M"
	says '1 files and 1 directories to make|1 errors'
	[ ! -e "$M/d" ] || fail "a dry run has made d"
	good famfs logplay -v "$M"
	says 'made d/f'
	says '1 files and 1 directories made, 0 and 0 were there, 0 errors'
	good famfs logplay -r "$M"
	says '0 files and 0 directories made, 1 and 1 were there, 0 errors'
	good famfs logplay -m "$M"
	bad 1 'not in a famfs mount' famfs logplay "$T"
	bad 1 'No such file' famfs logplay "$M/none"
	good famfs logplay "$M/d"
	says '1 and 1 were there'
	bad 1 'Not a directory' famfs logplay "$M/d/f"
	bad 1 'needed' famfs logplay
}

# Each entry is bad in its own way; the good ones around them are played
test_replay_bad_entries() {
	local n=0
	"$PLANT" "$M" file ../escaped "$MIB" $((64 * MIB)) $((2 * MIB))
	"$PLANT" "$M" file /tmp/escaped "$MIB" $((64 * MIB)) $((2 * MIB))
	"$PLANT" "$M" file .meta/.log "$MIB" $((64 * MIB)) $((2 * MIB))
	"$PLANT" "$M" file "" "$MIB" $((64 * MIB)) $((2 * MIB))
	"$PLANT" "$M" file "$(printf 'y%.0s' {1..80})" "$MIB" $((64 * MIB)) \
		$((2 * MIB))
	"$PLANT" "$M" dir a/../../../escaped
	"$PLANT" "$M" file super "$MIB" 0 $((2 * MIB))
	"$PLANT" "$M" file log "$MIB" $((8 * MIB)) $((4 * MIB))
	"$PLANT" "$M" file past "$MIB" $((1 << 40)) $((2 * MIB))
	"$PLANT" "$M" file short $((3 * MIB)) $((64 * MIB)) $((2 * MIB))
	"$PLANT" "$M" file unaligned 100 $((64 * MIB + 100)) 4096
	"$PLANT" "$M" file device "$MIB" $((64 * MIB)) $((2 * MIB)) 1
	"$PLANT" "$M" file none/x "$MIB" $((64 * MIB)) $((2 * MIB))
	"$PLANT" "$M" daxdev 1
	"$PLANT" "$M" file first "$MIB" $((64 * MIB)) $((2 * MIB))
	"$PLANT" "$M" file second "$MIB" $((65 * MIB)) $((2 * MIB))
	"$PLANT" "$M" file first $((2 * MIB)) $((80 * MIB)) $((2 * MIB))
	"$PLANT" "$M" file good "$MIB" $((96 * MIB)) $((2 * MIB))
	good umount "$M"
	good mount -t famfs "$DEV" "$M"
	while [ "$n" -lt 14 ]; do
		warns "log entry $n:"
		n=$((n + 1))
	done
	warns 'log entry 15: second: its memory is mapped by another'
	warns 'log entry 16: first: a file of another size'
	warns '16 of 18 log entries'
	[ ! -e /tmp/famfs-e2e/escaped ] || fail "it got out"
	[ ! -e /tmp/escaped ] || fail "it got out"
	is "$(find "$M" -mindepth 1 -path "$M/.meta" -prune -o -mindepth 1 \
		-printf '%P\n' | sort | xargs)" "first good"
	is "$(stat -c %s "$M/.meta/.log")" $((8 * MIB))
	bad 4 '' famfs fsck "$M"
	# Nothing is added to a log that is not understood
	bad 1 'damaged log' famfs creat -s 1m "$M/x"
}

# A user has made, and holds open, what the log is about to make
test_replay_squatted() {
	good famfs mkdir -m 0777 "$M/pub"
	hold "$M/pub/f"
	good "${USER_CMD[@]}" mkdir -m 0777 "$M/pub/d"
	"$PLANT" "$M" file pub/f "$MIB" $((64 * MIB)) $((2 * MIB))
	"$PLANT" "$M" dir pub/d
	"$PLANT" "$M" file pub/d/g "$MIB" $((66 * MIB)) $((2 * MIB))
	good famfs logplay -n "$M"
	says '2 files and 0 directories to make, 0 and 2 were there'
	is "$(stat -c '%u %s' "$M/pub/f")" "65534 0"
	is "$(stat -c '%u %a' "$M/pub/d")" "65534 777"
	good famfs logplay "$M"
	says '2 files and 0 directories made, 0 and 2 were there, 0 errors'
	cp "$T/err" "$T/said"
	held
	is "$HELD" 0
	grep -q 'entry 2: pub/d: .* belongs to uid 65534' "$T/said" ||
		fail "nothing was said of pub/d"
	is "$(stat -c '%u %a %s' "$M/pub/f")" "0 644 $MIB"
	is "$(stat -c '%u %a' "$M/pub/d")" "0 755"
	bad 1 'Permission' "${USER_CMD[@]}" touch "$M/pub/d/x"
	# What root sets on this host lasts
	good chmod 0700 "$M/pub/d"
	good chown 0:12 "$M/pub/d"
	good famfs logplay "$M"
	is "$(stat -c '%u %g %a' "$M/pub/d")" "0 12 700"
	# Nor is a user's own directory taken from him
	good famfs mkdir -u 65534 -m 0755 "$M/his"
	good "${USER_CMD[@]}" chmod 0711 "$M/his"
	good famfs logplay "$M"
	is "$(stat -c '%u %a' "$M/his")" "65534 711"
}

# Replay puts new files in the place of empty ones, so it has to keep away from
# one that a creat is just about to map
test_replay_locked() {
	local pid
	good famfs creat -s 1m "$M/f"
	"$PLANT" "$M" file g "$MIB" $((64 * MIB)) $((2 * MIB))
	exec 8<"$M/.meta/.log"
	flock 8
	good famfs logplay -n "$M"
	famfs logplay "$M" >"$T/out" 2>"$T/err" 8<&- &
	pid=$!
	until grep -q -- "-> FLOCK .* $pid " /proc/locks; do
		kill -0 "$pid" 2>"$T/gone" || fail "it has not waited"
		sleep 0.1
	done
	[ ! -e "$M/g" ] || fail "g was made under the lock"
	exec 8<&-
	wait "$pid" || fail "logplay failed"
	is "$(stat -c %s "$M/g")" "$MIB"
}

test_replay_striped() {
	"$PLANT" "$M" striped il $((4 * MIB)) $((2 * MIB)) \
		$((64 * MIB)) $((2 * MIB)) $((80 * MIB)) $((2 * MIB))
	"$PLANT" "$M" file good "$MIB" $((96 * MIB)) $((2 * MIB))
	remount
	[ -e "$M/good" ] || fail "good was not played"
	# The kernel decides whether it can; a file it can't map is not there
	if [ -e "$M/il" ]; then
		is "$(stat -c %s "$M/il")" $((4 * MIB))
	else
		warns 'log entry 0: il: '
	fi
	good famfs fsck "$M"
}

test_replay_header() {
	good famfs creat -s 1m "$M/f"
	"$PLANT" "$M" flip .log 8
	bad 1 'log header checksum' famfs logplay "$M"
	bad 4 'log header checksum' famfs fsck "$M"
	bad 1 'log header checksum' famfs creat -s 1m "$M/g"
	good umount "$M"
	bad 32 'log header checksum' mount -t famfs "$DEV" "$M"
	mounted && fail "it was mounted"
	bad 4 'log header checksum' famfs fsck "$DEV"
	good mkfs.famfs -f "$DEV"
	good mount -t famfs "$DEV" "$M"
	"$PLANT" "$M" next 100000
	bad 4 'next index is past' famfs fsck "$M"
}

test_superblock_damage() {
	good umount "$M"
	for off in 0 8 16 24 32 40 44 48 64 80 96 100; do
		good mkfs.famfs -f "$DEV"
		good mount -t famfs "$DEV" "$M"
		"$PLANT" "$M" flip .superblock "$off"
		bad 4 'famfs file system' famfs fsck "$M"
		good umount "$M"
		bad 32 'famfs file system' mount -t famfs "$DEV" "$M"
		mounted && fail "it was mounted"
	done
	# The device's size has no checksum: too large is seen all the same
	good mkfs.famfs -f "$DEV"
	good mount -t famfs "$DEV" "$M"
	"$PLANT" "$M" flip .superblock 117
	bad 4 'superblock says' famfs fsck "$M"
}

test_fsck() {
	local free n
	good famfs fsck "$M"
	says '^Device capacity: [0-9]+$'
	says '^Free space: [0-9]+$'
	free=$(free_bytes)
	good famfs creat -s 3m "$M/f"
	is $((free - $(free_bytes))) $((4 * MIB))
	is "$(famfs fsck "$M" | sed -n 's/^Device capacity: //p')" \
		"$(($(stat -f -c '%b * %S' "$M")))"
	good famfs fsck --human "$M"
	says '^Device capacity: [0-9.]+[KMG]iB$'
	good famfs fsck -v -m "$M"
	says '^log_len: 8388608$'
	good famfs fsck -r "$M"
	bad 8 'is mounted on' famfs fsck "$DEV"
	bad 8 'not in a famfs mount' famfs fsck "$T"
	bad 8 'No such file' famfs fsck "$T/none"
	bad 16 'needed' famfs fsck
	bad 16 'unknown' famfs fsck -x "$M"
	for n in 0 65 -1 x ''; do
		bad 16 'expected 1 to 64' famfs fsck -B "$n" "$M"
	done
	good umount "$M"
	bad 8 'not in a famfs mount' famfs fsck "$M"
	good famfs fsck -M -L -F "$DEV"
	says "^Free space: $((free - 4 * MIB))$"
}

# fsck -B divides the space for files, and all of it
test_fsck_buckets() {
	local n free capacity
	good famfs creat -s 6m "$M/f"
	for n in 1 2 3 64; do
		good famfs fsck -B "$n" "$M"
		is "$(grep -c '^Device 0 bucket [0-9]* capacity: [0-9]*$' \
			"$T/out")" "$n"
		free=$(sed -n 's/^Device 0 bucket .* free space: //p' "$T/out" |
			paste -sd+)
		is "$((free))" "$(free_bytes)"
		capacity=$(sed -n 's/^Device 0 bucket .* capacity: //p' \
			"$T/out" | paste -sd+)
		is "$((capacity))" $(($(free_bytes) + 6 * MIB))
	done
	good famfs fsck -h --nbuckets 2 "$M"
	says '^Device 0 bucket 1 free space: [0-9.]+MiB$'
}

test_fsck_damage() {
	good famfs mkdir "$M/d"
	good famfs creat -s 2m "$M/d/a"
	good famfs creat -s 2m "$M/d/b"
	good famfs fsck "$M"
	is "$(cat "$T/err")" ""
	"$PLANT" "$M" file d/c $((2 * MIB)) $((12 * MIB)) $((2 * MIB))
	bad 4 'entry 3 at 0x200690: d/c: shares 2097152 bytes at offset 12582912 of device 0 with entry 2, d/b$' \
		famfs fsck "$M"
	warns '1 errors, left as they are'
	"$PLANT" "$M" file d/a "$MIB" $((64 * MIB)) $((2 * MIB))
	bad 4 'entry 4 at 0x2008b0: d/a: path is that of entry 1$' \
		famfs fsck "$M"
	"$PLANT" "$M" file late/f "$MIB" $((66 * MIB)) $((2 * MIB))
	"$PLANT" "$M" dir late
	bad 4 'entry 5 at 0x200ad0: late/f: its directory is not logged before it, but by entry 6$' \
		famfs fsck "$M"
	"$PLANT" "$M" flip .log $((48 + 544 + 20))
	bad 4 'entry 1 at 0x200250: d/a: checksum is wrong$' famfs fsck "$M"
	good umount "$M"
	bad 4 'entry 1 at 0x200250: d/a: checksum is wrong$' famfs fsck "$DEV"
	warns 'with entry 2, d/b'
	# In the order of the log
	is "$(sed -n 's/.*log entry \([0-9]*\) at.*/\1/p' "$T/err" | xargs)" \
		"1 3 5"
}

# What is odd and harmless is told, and is no error
test_fsck_warnings() {
	good famfs mkdir "$M/d"
	"$PLANT" "$M" file d//f $((2 * MIB)) $((64 * MIB)) $((2 * MIB))
	"$PLANT" "$M" file small 4096 $((70 * MIB)) 4096
	good famfs logplay "$M"
	good famfs fsck "$M"
	warns 'warning: .*entry 1 at 0x200250: d//f: path is not in its short form, and is played as d/f$'
	warns 'warning: .*entry 2 at 0x200470: small: an extent is no multiple of the allocation unit$'
	"$PLANT" "$M" next 2
	good famfs fsck "$M"
	warns 'warning: .*entry 2 at 0x200470: is past the end of the log and looks valid, the first of 1 such'
	warns 'small: mount differs: is not in the log'
	"$PLANT" "$M" flip .superblock 108
	good famfs fsck "$M"
	warns 'warning: .*superblock bytes that the format leaves 0 are not 0'
	# All at once of a superblock that can't be used
	"$PLANT" "$M" flip .superblock 16
	"$PLANT" "$M" flip .superblock 32
	bad 4 'checksum is wrong, log offset is not 2 MiB, allocation unit is neither' \
		famfs fsck "$M"
}

# The mount is held against the log, and a replay makes good what it can
test_fsck_mount() {
	good famfs creat -s 1m "$M/f"
	"$PLANT" "$M" dir d
	"$PLANT" "$M" file d/g "$MIB" $((64 * MIB)) $((2 * MIB))
	"$PLANT" "$M" striped il $((4 * MIB)) $((2 * MIB)) \
		$((80 * MIB)) $((2 * MIB)) $((96 * MIB)) $((2 * MIB))
	good touch "$M/mine"
	good famfs fsck "$M"
	warns 'warning: .*mine: mount differs: is not in the log'
	warns "warning: .*mount differs: 3 of the log are not there yet; famfs logplay $M makes them"
	good famfs fsck -v "$M"
	says 'd/g: is not in the mount yet'
	good famfs logplay "$M"
	good rm "$M/mine"
	good famfs fsck "$M"
	is "$(cat "$T/err")" ""
	# By device there is nothing to compare with
	good umount "$M"
	good famfs fsck "$DEV"
	is "$(cat "$T/err")" ""
}

# full STATUS COMMAND...: it has to say that its output got nowhere
full() {
	local want=$1
	shift
	# shellcheck disable=SC2016 # expanded there
	bad "$want" "can't write the output: No space left" \
		bash -c '"$@" >/dev/full' - "$@"
}

# Nobody may take that for an answer: 1 has a meaning of its own for some
test_output_lost() {
	good famfs creat -s 1m "$M/f"
	full 8 famfs fsck "$M"
	full 8 famfs fsck --json "$M"
	full 16 famfs check "$M"
	full 5 famfs getmap "$M/f"
	full 1 famfs ls "$M"
	full 1 famfs df "$M"
	full 1 famfs --help
	full 8 famfs fsck --help
}
