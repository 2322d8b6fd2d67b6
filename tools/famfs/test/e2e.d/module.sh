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
