# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# mkfs.famfs. Sourced by e2e.

test_mkfs_arguments() {
	good umount "$M"
	good mkfs.famfs -?
	says 'usage: mkfs.famfs'
	good mkfs.famfs --help
	bad 1 'exactly one device is needed' mkfs.famfs
	bad 1 'exactly one device is needed' mkfs.famfs "$DEV" "$DEV"
	bad 1 'unknown' mkfs.famfs -x "$DEV"
	bad 1 'unknown' mkfs.famfs --bogus "$DEV"
	bad 1 'expected a number' mkfs.famfs -l many "$DEV"
	bad 1 'needs an argument' mkfs.famfs -l
	bad 1 'power of two' mkfs.famfs -f -l 4m "$DEV"
	bad 1 'power of two' mkfs.famfs -f -l 9m "$DEV"
	bad 1 'too few' mkfs.famfs -f -l 64g "$DEV"
	bad 1 '-f too' mkfs.famfs -k "$DEV"
	bad 1 'No such file' mkfs.famfs /dev/nonexistent
	bad 1 '/dev/null' mkfs.famfs /dev/null
	bad 1 '.' mkfs.famfs "$T/out"
	# None of these has changed what was there
	good famfs fsck "$DEV"
}

test_mkfs_force_and_kill() {
	good umount "$M"
	bad 1 'use -f' mkfs.famfs "$DEV"
	good famfs fsck "$DEV"
	good mkfs.famfs -k -f "$DEV"
	bad 4 'not a famfs file system' famfs fsck "$DEV"
	bad 32 'not a famfs file system' mount -t famfs "$DEV" "$M"
	mounted && fail "it was mounted"
	good mkfs.famfs -F -v "$DEV"
	good mount -t famfs "$DEV" "$M"
}

test_mkfs_mounted() {
	bad 1 'mounted already|held|busy' mkfs.famfs -f "$DEV"
	good famfs fsck "$M"
}

# Nothing is lost but by -f: neither what is ours and not understood...
test_mkfs_over_damage() {
	local off
	for off in 8 16 24 32 40 44 48 96; do
		"$PLANT" "$M" flip .superblock "$off"
		good umount "$M"
		bad 1 'damaged, or of a version unknown here: .*use -f' \
			mkfs.famfs "$DEV"
		good mkfs.famfs -f "$DEV"
		good mount -t famfs "$DEV" "$M"
	done
}

# ... nor what is somebody else's
test_mkfs_over_others() {
	local kind
	truncate -s 512M "$T/xfs" "$T/swap" "$T/dos"
	good mkfs.xfs -q "$T/xfs"
	good mkswap "$T/swap"
	# A partition of type 83 at sector 2048, of 4096 sectors
	{
		printf '\0%.0s' {1..450}
		printf '\x83\0\0\0\0\x08\0\0\0\x10\0\0'
		printf '\0%.0s' {1..48}
		printf '\x55\xaa'
	} | dd of="$T/dos" conv=notrunc status=none
	for kind in xfs swap dos; do
		"$PLANT" "$M" image "$T/$kind"
		good umount "$M"
		bad 1 "not famfs: $kind.*use -f" mkfs.famfs "$DEV"
		# It was left as it is
		bad 1 "not famfs: $kind.*use -f" mkfs.famfs "$DEV"
		good mkfs.famfs -f "$DEV"
		# No trace of it is left to keep the next one out
		good mkfs.famfs -f -k "$DEV"
		good mkfs.famfs "$DEV"
		good mount -t famfs "$DEV" "$M"
	done
}

test_mkfs_clears_log() {
	good famfs mkdir "$M/d"
	good famfs creat -s 1m "$M/d/f"
	good umount "$M"
	good mkfs.famfs -f "$DEV"
	good mount -t famfs "$DEV" "$M"
	is "$(tail -c +49 "$M/.meta/.log" | tr -d '\0' | wc -c)" 0
}

test_mkfs_log_length() {
	good umount "$M"
	good mkfs.famfs -f --loglen 16M "$DEV"
	good famfs fsck -v "$DEV"
	says '^log_len: 16777216$'
	good mount -t famfs "$DEV" "$M"
	is "$(stat -c %s "$M/.meta/.log")" $((16 * MIB))
	good famfs creat -s 1m "$M/f"
	good famfs getmap "$M/f"
	says 'offset 18874368 '
}

test_mkfs_unit_4k() {
	good umount "$M"
	good mkfs.famfs -f --4k "$DEV"
	good mount -t famfs "$DEV" "$M"
	good famfs creat -s 5000 "$M/a"
	good famfs creat -s 1 "$M/b"
	good famfs getmap "$M/b"
	says "offset $((10 * MIB + 8192)) length 4096"
	remount
	good famfs fsck "$M"
	is "$(stat -c %s "$M/a")" 5000
}

test_mkfs_unit_by_name() {
	good umount "$M"
	bad 1 'unit 8k: expected 4k or 2m' mkfs.famfs -f --alloc-unit 8k "$DEV"
	bad 1 'unit : expected' mkfs.famfs -f --alloc-unit= "$DEV"
	good mkfs.famfs -f --alloc-unit 4K "$DEV"
	good mount -t famfs "$DEV" "$M"
	good famfs creat -s 1 "$M/a"
	good famfs getmap "$M/a"
	says "offset $((10 * MIB)) length 4096"
	good umount "$M"
	good mkfs.famfs -f -a 2M "$DEV"
	good mount -t famfs "$DEV" "$M"
	good famfs creat -s 1 "$M/a"
	good famfs getmap "$M/a"
	says "offset $((10 * MIB)) length $((2 * MIB))"
}
