# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# famfs check, and bad memory where the tools themselves look. Sourced by e2e.

test_check_all_is_well() {
	good famfs mkdir "$M/d"
	good famfs creat -s 1m "$M/d/a"
	good famfs check "$M"
	says ': 3 files, 3 directories, 0 bad ranges$'
	[ ! -s "$T/err" ] || fail "messages"
	good famfs check -v "$M/d"
	says '^d/a: 1048576 bytes'
	good famfs check --help
	says 'usage: famfs check'
	bad 16 'a directory is needed' famfs check
	bad 16 'a directory is needed' famfs check "$M" "$M"
	bad 16 'No such file' famfs check "$M/none"
	bad 16 'not in a famfs mount' famfs check /tmp
}

test_check_without_maps() {
	good touch "$M/empty"
	bad 1 'empty: has no map' famfs check "$M"
	good rm "$M/empty"
	good famfs check "$M"
}

test_check_without_meta() {
	good umount "$M"
	good mount -i -t famfs "$DEV" "$M"
	bad 6 '.meta/.superblock: is not there' famfs check "$M"
	warns '.meta/.log: is not there'
	good famfs mkmeta "$DEV"
	good famfs check "$M"
}

# Its memory is good again once the driver has it anew
rebind() {
	local driver
	driver=$(readlink -f "/sys/bus/dax/devices/${DEV##*/}/driver")
	echo "${DEV##*/}" >"$driver/unbind"
	echo "${DEV##*/}" >"$driver/bind"
}

forget_poison() {
	good umount "$M"
	rebind
	good mount -t famfs "$DEV" "$M"
}

test_check_bad_memory() {
	good famfs creat -s 4m "$M/a"
	good famfs creat -s 1m "$M/b"
	good "$PLANT" "$M/a" poison 8192
	good "$PLANT" "$M/a" poison 12288
	good "$PLANT" "$M/a" poison 2097152
	gives 8 famfs check "$M"
	says '^a: bad memory: offset 8192 length 8192, device 0 offset [0-9]+$'
	says '^a: bad memory: offset 2097152 length 4096, device 0 offset [0-9]+$'
	says ': 4 files, 2 directories, 2 bad ranges$'
	is "$(grep -c 'bad memory' "$T/out")" 2
	# The next mount knows too, and so does a file without the log's map
	remount
	gives 8 famfs check "$M"
	says '^a: bad memory: offset 8192 length 8192,'
	good touch "$M/empty"
	bad 9 'empty: has no map' famfs check "$M"
	forget_poison
	good famfs check "$M"
	says ' 0 bad ranges$'
}

test_check_device_gone() {
	good famfs creat -s 4m "$M/a"
	rebind
	gives 8 famfs check "$M"
	says '^a: bad memory: offset 0 length 4194304, device 0 '
	bad 1 'gone away' famfs logplay "$M"
	remount
	good famfs check "$M"
}

# What is mounted in it is not looked at
test_check_other_mounts() {
	good famfs mkdir "$M/d"
	good famfs creat -s 1m "$M/f"
	good mount -t tmpfs none "$M/d"
	touch "$M/d/x"
	mkdir "$M/d/y"
	echo x >"$T/x"
	good mount --bind "$T/x" "$M/f"
	gives 0 famfs check "$M"
	cp "$T/err" "$T/said"
	gives 0 famfs check -v "$M"
	good umount "$M/d"
	good umount "$M/f"
	[ ! -s "$T/said" ] || fail "messages"
}

# Directories of a user can not be too many, or too deep, to look at the mount
test_fsck_deep() {
	local path=$M/pub
	good famfs mkdir -m 0777 "$M/pub"
	for _ in {1..60}; do
		path=$path/d
	done
	good "${USER_CMD[@]}" mkdir -p "$path"
	(
		ulimit -n 40
		good famfs fsck "$M"
	)
	is "$(grep -c 'is not in the log' "$T/err")" 1
	warns 'pub/d: mount differs: is not in the log'
}

# --- bad memory where the tools themselves look ---------------------------------

test_bad_memory_of_the_log() {
	good "$PLANT" "$M/.meta/.log" poison 0
	bad 1 'memory of the device is bad' famfs logplay "$M"
	bad 1 'memory of the device is bad' famfs creat -s 1m "$M/a"
	bad 8 'memory of the device is bad' famfs fsck "$M"
	good umount "$M"
	bad 32 'memory of the device is bad' mount -t famfs "$DEV" "$M"
	bad 1 'memory of the device is bad' mkfs.famfs -f "$DEV"
	rebind
	good mkfs.famfs -f "$DEV"
	good mount -t famfs "$DEV" "$M"
}
