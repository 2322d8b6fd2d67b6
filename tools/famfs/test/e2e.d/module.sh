# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The module. Sourced by e2e.

test_mount_loads_the_module() {
	good umount "$M"
	good rmmod famfs
	good env -u PATH /usr/bin/mount -t famfs "$DEV" "$M"
	good umount "$M"
	good rmmod famfs
	good mount -t famfs "$DEV" "$M"
}

# The kernel asks for it by itself, where it has a modprobe to ask
test_kernel_loads_the_module() {
	local old=/proc/sys/kernel/modprobe
	good umount "$M"
	good rmmod famfs
	good famfs mount "$DEV" "$M"
	good umount "$M"
	good rmmod famfs
	good famfs fsck "$DEV"
	good rmmod famfs
	cp "$old" "$T/modprobe"
	trap 'cat "$T/modprobe" >/proc/sys/kernel/modprobe' EXIT
	echo /none >"$old"
	bad 1 'no famfs file system; load the module' famfs mount "$DEV" "$M"
	bad 8 'no famfs file system; load the module' famfs fsck "$DEV"
	good famfs mount -L "$DEV" "$M"
}
