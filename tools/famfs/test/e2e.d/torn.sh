# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Logs that a crash, chance or another host's hand has left torn, truncated,
# repeated or out of order: each bad entry is named, all others are played, and
# nothing is added. Sourced by e2e.

# Entries 0 to 9: d0, d0/f1, d2, d2/f3 ...
ten_entries() {
	local n
	for n in 0 2 4 6 8; do
		good famfs mkdir "$M/d$n"
		good famfs creat -s 1m "$M/d$n/f$((n + 1))"
	done
}

tree() {
	find "$M" -mindepth 1 -path "$M/.meta" -prune -o -mindepth 1 \
		-printf '%P\n' | sort | xargs
}

# again ERRORS TREE: mounted anew, that many entries are refused, and the rest
# is there. The messages are in $T/err, fsck's in $T/fsck.
again() {
	local errors=$1 want=$2
	good umount "$M"
	gives "$([ "$errors" = 0 ] && echo 0 || echo 4)" famfs fsck "$DEV"
	cp "$T/err" "$T/fsck"
	good mount -t famfs "$DEV" "$M"
	cp "$T/err" "$T/said"
	is "$(grep -c 'not played$' "$T/said")" "$errors"
	is "$(tree)" "$want"
	[ "$errors" = 0 ] && return
	snapshot
	bad 1 'damaged log' famfs creat -s 1m "$M/new"
	bad 1 'damaged log' famfs mkdir "$M/new"
	bad 1 'damaged log' famfs cp /etc/passwd "$M/new"
	unchanged
	gives 1 famfs logplay "$M"
	unchanged
	cp "$T/said" "$T/err"
}

# names INDEX WHY: replay and fsck both say so of the entry
names() {
	warns "log entry $1: $2; not played"
	grep -qE "log entry $1 at 0x[0-9a-f]+: (.*: )?$2\$" "$T/fsck" ||
		fail "fsck has not named $1"
}

test_torn_entry() {
	local bytes
	for bytes in 16 300 539; do
		fresh
		ten_entries
		good "$PLANT" "$M" tear 3 "$bytes"
		again 1 "d0 d0/f1 d2 d4 d4/f5 d6 d6/f7 d8 d8/f9"
		names 3 'checksum is wrong'
	done
	# All of its bytes, and so nothing was torn
	fresh
	ten_entries
	good "$PLANT" "$M" tear 3 544
	again 0 "d0 d0/f1 d2 d2/f3 d4 d4/f5 d6 d6/f7 d8 d8/f9"
}

# The header has come and the entry has not
test_torn_away() {
	ten_entries
	good "$PLANT" "$M" zero 9
	again 1 "d0 d0/f1 d2 d2/f3 d4 d4/f5 d6 d6/f7 d8"
	names 9 'checksum is wrong'
	fresh
	ten_entries
	# A directory that is lost takes along what is in it
	good "$PLANT" "$M" zero 4
	again 2 "d0 d0/f1 d2 d2/f3 d6 d6/f7 d8 d8/f9"
	names 4 'checksum is wrong'
	names 5 'd4/f5: its directory is not (there|logged)'
}

test_torn_truncated() {
	# Fewer than there were: what is cut off is as if it had never been
	ten_entries
	good "$PLANT" "$M" next 7
	again 0 "d0 d0/f1 d2 d2/f3 d4 d4/f5 d6"
	# Whose memory and places in the log are taken anew
	good famfs creat -s 1m "$M/d6/again"
	again 0 "d0 d0/f1 d2 d2/f3 d4 d4/f5 d6 d6/again"
	is "$(entries)" 8
	# More than there were
	fresh
	ten_entries
	good "$PLANT" "$M" next 12
	again 2 "d0 d0/f1 d2 d2/f3 d4 d4/f5 d6 d6/f7 d8 d8/f9"
	names 10 'checksum is wrong'
	names 11 'checksum is wrong'
	# None
	fresh
	ten_entries
	good "$PLANT" "$M" next 0
	again 0 ""
}

test_torn_repeated() {
	ten_entries
	good "$PLANT" "$M" copy 3 5
	again 1 "d0 d0/f1 d2 d2/f3 d4 d6 d6/f7 d8 d8/f9"
	names 5 "sequence number is not the entry's index"
}

test_torn_reordered() {
	ten_entries
	good "$PLANT" "$M" swap 1 7
	again 2 "d0 d2 d2/f3 d4 d4/f5 d6 d8 d8/f9"
	names 1 "sequence number is not the entry's index"
	names 7 "sequence number is not the entry's index"
	# In their old order they are as good as ever
	good "$PLANT" "$M" swap 7 1
	again 0 "d0 d0/f1 d2 d2/f3 d4 d4/f5 d6 d6/f7 d8 d8/f9"
}

# An entry of a file system that was there before, in its old place: the number
# is right and so is the checksum, and nothing else can tell
test_torn_stale() {
	good famfs mkdir "$M/old"
	cp "$M/.meta/.log" "$T/old"
	good umount "$M"
	good mkfs.famfs -f "$DEV"
	good mount -t famfs "$DEV" "$M"
	# mkfs has left nothing of it
	good "$PLANT" "$M" next 1
	again 1 ""
	names 0 'checksum is wrong'
}
