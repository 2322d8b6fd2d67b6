# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The device's mode. Sourced by e2e.

to_devdax() {
	local name=${1##*/} drv=/sys/bus/dax/drivers
	if [ -e "$drv/fsdev_dax/$name" ]; then
		echo "$name" >"$drv/fsdev_dax/unbind"
		echo "$name" >"$drv/fsdev_dax/remove_id"
	fi
	[ -e "$drv/device_dax/$name" ] || echo "$name" >"$drv/device_dax/bind"
}

is_devdax() {
	[ -e "/sys/bus/dax/drivers/device_dax/${1##*/}" ] ||
		fail "$1 is no longer in devdax mode"
}

test_device_mode() {
	local line pid in c
	[ -e "$DEV2" ] || fail "no second device"
	mkdir "$T/m2"
	to_devdax "$DEV2"
	bad 1 'devdax mode.*-M' mkfs.famfs -f "$DEV2"
	good mkfs.famfs -f -M -v "$DEV2"
	says 'now in the mode'
	# To mount or check it must not take from others what is not famfs
	good mkfs.famfs -f -k "$DEV2"
	to_devdax "$DEV2"
	for c in "mount -M $DEV2 $T/m2" "fsck -M $DEV2" "adddev -M $M $DEV2"; do
		# shellcheck disable=SC2086
		famfs -n $c >"$T/out" 2>"$T/err" && fail "famfs -n $c"
		warns 'devdax mode, which a dry run does not change'
	done
	is_devdax "$DEV2"
	bad 32 'no famfs file system on it.*devdax mode: left as it is' \
		mount -t famfs "$DEV2" "$T/m2"
	bad 1 'no famfs file system on it.*left as it is' \
		famfs mount -M "$DEV2" "$T/m2"
	bad 8 'no famfs file system on it.*left as it is' famfs fsck -M "$DEV2"
	is_devdax "$DEV2"
	# Nor what somebody uses, open or mapped, not even by mkfs
	exec 8<"$DEV2"
	bad 1 'in use by process [0-9]+' mkfs.famfs -f -M "$DEV2"
	exec 8<&-
	coproc HOLDER { exec "$PLANT" "$DEV2" map; }
	pid=$HOLDER_PID
	read -r line <&"${HOLDER[0]}" || fail "plant can't map it"
	is "$line" mapped
	bad 1 "in use by process $pid," mkfs.famfs -f -M "$DEV2"
	is_devdax "$DEV2"
	in=${HOLDER[1]}
	exec {in}>&-
	wait "$pid"
	good mkfs.famfs -M "$DEV2"
	to_devdax "$DEV2"
	bad 8 'devdax mode' famfs fsck "$DEV2"
	bad 1 'devdax mode' famfs mount "$DEV2" "$T/m2"
	bad 32 'devdax mode' mount -t famfs -o nomode "$DEV2" "$T/m2"
	good mount -t famfs "$DEV2" "$T/m2"
	# Two file systems do not get in each other's way
	good famfs creat -s 1m "$M/one"
	good famfs creat -s 1m "$T/m2/two"
	[ ! -e "$M/two" ] || fail "mixed up"
	[ ! -e "$T/m2/one" ] || fail "mixed up"
	good umount "$T/m2"
	echo "${DEV2##*/}" >/sys/bus/dax/drivers/fsdev_dax/unbind
	bad 1 'no mode' mkfs.famfs -f "$DEV2"
	good famfs fsck -M "$DEV2"
}
