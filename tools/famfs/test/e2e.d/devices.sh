# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Several devices, and what devices there are. Sourced by e2e.

# need_third: a device besides the two, of the other kind
need_third() {
	[ -b "$PMEM" ] || fail "no $PMEM; run with --dax SIZE --dax SIZE --pmem SIZE"
}

blank() {
	good mkfs.famfs -f -M "$1"
	good mkfs.famfs -f -k "$1"
}

# on DEVICE...: the devices of the mount, as the kernel has them
on() {
	is "$(cut -d' ' -f2 "/sys/fs/famfs/${DEV##*/}/devices" | xargs)" \
		"$(printf '%s\n' "${@##*/}" | xargs)"
}

field() {
	sed -n "s/^$1: //p" "$T/out"
}

test_adddev() {
	local before after
	blank "$DEV2"
	before=$(free_bytes)
	good famfs -n adddev -v "$M" "$DEV2"
	on "$DEV"
	is "$(entries)" 0
	good famfs adddev -v "$M" "$DEV2"
	says 'as device 1'
	on "$DEV" "$DEV2"
	is "$(entries)" 1
	after=$(free_bytes)
	is $((after - before)) \
		$(($(cat "/sys/bus/dax/devices/${DEV2##*/}/size") - 2 * MIB))
	# A file that does not fit on either alone
	good famfs creat -s 600m "$M/big"
	good famfs getmap "$M/big"
	says 'device 1'
	random_file "$T/data" $((3 * MIB))
	good dd if="$T/data" of="$M/big" bs=1M seek=540 conv=notrunc
	good famfs logplay "$M"
	says '0 devices opened, 1 were there'
	remount
	on "$DEV" "$DEV2"
	dd if="$M/big" bs=1M skip=540 count=3 status=none | cmp - "$T/data" ||
		fail "other bytes"
	good famfs check "$M"
	good famfs fsck "$M"
	# All of them are let go by the unmount
	good umount "$M"
	good famfs fsck "$DEV"
	good mkfs.famfs -f "$DEV2"
	good mkfs.famfs -f "$DEV"
}

test_adddev_bad() {
	local i
	blank "$DEV2"
	good famfs adddev --help
	bad 1 'a directory and a device are needed' famfs adddev "$M"
	bad 1 'unknown' famfs adddev -x "$M" "$DEV2"
	bad 1 'not in a famfs mount' famfs adddev "$T" "$DEV2"
	bad 1 'No such file' famfs adddev "$T/none" "$DEV2"
	mkdir "$M/dir"
	good famfs -n adddev "$M/dir" "$DEV2"
	bad 1 'No such file' famfs adddev "$M" /dev/nonexistent
	bad 1 '/dev/null' famfs adddev "$M" /dev/null
	bad 1 'mounted already|in use|held' famfs adddev "$M" "$DEV"
	is "$(entries)" 0
	to_devdax "$DEV2"
	bad 1 'devdax mode.*-M' famfs adddev "$M" "$DEV2"
	good famfs adddev -M "$M" "$DEV2"
	bad 1 'mounted already|in use|held' famfs adddev "$M" "$DEV2"
	is "$(entries)" 1
	# What is there is lost only if that was asked for
	good umount "$M"
	good mkfs.famfs -f "$DEV2"
	good mkfs.famfs -f "$DEV"
	good mount -t famfs "$DEV" "$M"
	bad 1 'holds a famfs file system; .*-f' famfs adddev "$M" "$DEV2"
	good famfs adddev -f "$M" "$DEV2"
	on "$DEV" "$DEV2"
}

test_adddev_room() {
	blank "$DEV2"
	"$PLANT" "$M" fill 0
	bad 1 'log is full' famfs adddev "$M" "$DEV2"
	# It was not written to
	good mkfs.famfs "$DEV2"
	good umount "$M"
	good mkfs.famfs -f "$DEV"
	good mount -t famfs "$DEV" "$M"
	"$PLANT" "$M" daxdev 1 $((64 * MIB)) 00000000-0000-0000-0000-000000000001
	"$PLANT" "$M" flip .log $((48 + 100))
	bad 1 'damaged log' famfs adddev -f "$M" "$DEV2"
	on "$DEV"
}

test_adddev_many() {
	local i
	blank "$DEV2"
	for i in {1..63}; do
		"$PLANT" "$M" daxdev "$i" $((64 * MIB)) \
			"$(printf '00000000-0000-0000-0000-0000000000%02x' "$i")"
	done
	bad 1 'no more' famfs adddev "$M" "$DEV2"
	good mkfs.famfs "$DEV2"
	# Files go where there is memory
	good famfs creat -s 1m "$M/f"
	good famfs getmap "$M/f"
	says 'device 0'
}

test_adddev_client() {
	blank "$DEV2"
	mkdir -p "${ID%/*}"
	cat /proc/sys/kernel/random/uuid >"$ID"
	bad 1 'is a client' famfs adddev "$M" "$DEV2"
	good mkfs.famfs "$DEV2"
	rm "$ID"
	good famfs adddev -f "$M" "$DEV2"
	good famfs creat -s 600m "$M/big"
	cat /proc/sys/kernel/random/uuid >"$ID"
	remount
	on "$DEV" "$DEV2"
	is "$(stat -c '%s %a' "$M/big")" "$((600 * MIB)) 444"
	# Nor may it take the device away from the master
	good umount "$M"
	bad 1 'another host' mkfs.famfs "$DEV2"
}

# Two at a time: the device that the log names is the one that there is
test_adddev_twice() {
	local first second
	blank "$DEV2"
	exec 8<"$M/.meta/.log" 9<"$DEV2"
	flock 9
	famfs adddev "$M" "$DEV2" >"$T/out" 2>"$T/err" 8<&- 9<&- &
	first=$!
	until grep -q -- "-> FLOCK .* $first " /proc/locks; do
		kill -0 "$first" 2>"$T/gone" || fail "it has not waited"
		sleep 0.05
	done
	# It waits for the device, which nobody else is to give another name
	! flock -n 8 || fail "the log is not locked"
	famfs adddev "$M" "$DEV2" >"$T/out2" 2>"$T/err2" 8<&- 9<&- &
	second=$!
	exec 9<&-
	wait "$first" || fail "it was not added"
	! wait "$second" || fail "it was added twice"
	grep -q 'is mounted already' "$T/err2" || fail "$(cat "$T/err2")"
	is "$(entries)" 1
	exec 8<&-
	remount
	on "$DEV" "$DEV2"
}

# Cut off before the entry counted, and after the superblock was written
test_adddev_cut_off() {
	blank "$DEV2"
	good famfs adddev "$M" "$DEV2"
	"$PLANT" "$M" next 0
	remount
	on "$DEV"
	is "$(entries)" 0
	good famfs adddev "$M" "$DEV2"
	on "$DEV" "$DEV2"
	is "$(entries)" 1
	remount
	on "$DEV" "$DEV2"
}

# One that is smaller than it was: no file goes where there is no memory any more
test_device_smaller() {
	local size uuid
	blank "$DEV2"
	good famfs adddev "$M" "$DEV2"
	size=$(cat "/sys/bus/dax/devices/${DEV2##*/}/size")
	uuid=$(od -An -tx1 -j $((48 + 16 + 8)) -N 16 "$M/.meta/.log" |
		tr -d ' \n' | sed -E 's/(.{8})(.{4})(.{4})(.{4})/\1-\2-\3-\4-/')
	"$PLANT" "$M" next 0
	"$PLANT" "$M" daxdev 1 $((size + 64 * MIB)) "$uuid"
	remount
	warns 'had .*; files past its end will be missing'
	on "$DEV" "$DEV2"
	# On the second alone, if that were as large as it was
	good famfs creat -s $((size + 32 * MIB)) "$M/f"
	good famfs getmap "$M/f"
	says 'device 0'
	says 'device 1'
	bad 1 'do not fit' famfs creat -s $((size + 32 * MIB)) "$M/g"
	is "$(entries)" 2
	good famfs check "$M"
}

# A device may have another name, or another mode, each time
test_devices_swapped() {
	local name=${DEV2##*/}
	blank "$DEV2"
	good umount "$M"
	good mkfs.famfs "$DEV2"
	good mount -t famfs "$DEV2" "$M"
	good famfs adddev -f "$M" "$DEV"
	is "$(cut -d' ' -f2 "/sys/fs/famfs/$name/devices" | xargs)" \
		"$name ${DEV##*/}"
	good famfs creat -s 600m "$M/big"
	good umount "$M"
	to_devdax "$DEV"
	bad 32 'further device of the famfs file system [0-9a-f-]{36}' \
		mount -t famfs "$DEV" "$M"
	bad 8 'further device of the famfs file system' famfs fsck "$DEV"
	bad 1 'further device of the famfs file system' mkfs.famfs "$DEV"
	to_devdax "$DEV"
	to_devdax "$DEV2"
	good mount -t famfs "$DEV2" "$M"
	is "$(stat -c %s "$M/big")" $((600 * MIB))
	good umount "$M"
	# Without leave to change modes
	to_devdax "$DEV"
	good mount -t famfs -o nomode "$DEV2" "$M"
	warns 'log entry 0: adds device 1, [0-9a-f-]{36}, which'
	warns 'devdax mode'
	[ ! -e "$M/big" ] || fail "big is there"
	bad 1 'device 1' famfs logplay "$M"
	good famfs logplay -M "$M"
	says '1 files'
	says '1 devices opened'
	is "$(stat -c %s "$M/big")" $((600 * MIB))
	good umount "$M"
	good mkfs.famfs -f "$DEV"
	good mkfs.famfs -f -k "$DEV2"
	good mount -t famfs "$DEV" "$M"
}

test_device_missing() {
	local drv=/sys/bus/dax/drivers/fsdev_dax size
	blank "$DEV2"
	good famfs creat -s 1m "$M/small"
	good famfs adddev "$M" "$DEV2"
	# All but a rest that is too little for 32 MiB on either
	size=$(($(free_bytes) - 16 * MIB))
	good famfs creat -s "$size" "$M/big"
	good umount "$M"
	echo "${DEV2##*/}" >"$drv/unbind"
	good mount -t famfs "$DEV" "$M"
	warns 'log entry 1: adds device 1, [0-9a-f-]{36}, and this machine shows none that is free and has a driver'
	warns 'log entry 2: big: .*device that this mount does not have'
	[ -e "$M/small" ] || fail "small is not there"
	on "$DEV"
	# Nothing goes where there is no memory, or where big's is
	bad 1 'do not fit' famfs creat -s 32m "$M/more"
	good famfs fsck "$M"
	echo "${DEV2##*/}" >"$drv/bind"
	good famfs logplay -v "$M"
	says 'device 1 is'
	on "$DEV" "$DEV2"
	is "$(stat -c %s "$M/big")" "$size"
	good famfs creat -s 16m "$M/more"
	good famfs fsck "$M"
	good umount "$M"
	# Its node is open, and that is no hindrance
	exec 8<"$DEV2"
	good famfs mount "$DEV" "$M"
	on "$DEV" "$DEV2"
	exec 8<&-
	good umount "$M"
	# It is held by another mount
	mkdir "$T/m2"
	good mount -i -t famfs "$DEV2" "$T/m2"
	good mount -t famfs "$DEV" "$M"
	warns 'log entry 1: adds device 1, .* shows none'
	good umount "$T/m2"
	good famfs logplay "$M"
	on "$DEV" "$DEV2"
	good umount "$M"
	# One of that uuid that is no further device of this file system is not it
	good mkfs.famfs -f -k "$DEV2"
	good mount -t famfs "$DEV" "$M"
	warns 'log entry 1: adds device 1, .* shows none'
}

# What a log says of devices is held against what there is
test_devices_bad_entries() {
	local uuid
	blank "$DEV2"
	good umount "$M"
	good mkfs.famfs "$DEV2"
	mkdir "$T/m2"
	good mount -t famfs "$DEV2" "$T/m2"
	good famfs fsck -v "$T/m2"
	uuid=$(field dev_uuid)
	good umount "$T/m2"
	good mount -t famfs "$DEV" "$M"
	good famfs fsck -v "$M"
	# Another file system's device, our own, one twice, one that is not next
	"$PLANT" "$M" daxdev 1 $((64 * MIB)) "$uuid"
	"$PLANT" "$M" daxdev 2 $((64 * MIB)) "$(field dev_uuid)"
	"$PLANT" "$M" daxdev 1 $((64 * MIB)) 00000000-0000-0000-0000-000000000001
	"$PLANT" "$M" daxdev 3 $((64 * MIB)) 00000000-0000-0000-0000-000000000002
	"$PLANT" "$M" file a "$MIB" $((2 * MIB)) $((2 * MIB)) 1
	"$PLANT" "$M" file b "$MIB" 0 $((2 * MIB)) 1
	"$PLANT" "$M" file c "$MIB" $((63 * MIB)) $((2 * MIB)) 1
	"$PLANT" "$M" file d "$MIB" $((2 * MIB)) $((2 * MIB)) 2
	bad 4 '' famfs fsck "$M"
	warns 'log entry 1 at 0x[0-9a-f]+: device is one that the file system has already'
	warns 'log entry 2 at 0x[0-9a-f]+: device index is that of another'
	warns 'log entry 3 at 0x[0-9a-f]+: device index is not the next one'
	warns 'log entry 5 at 0x[0-9a-f]+: b: an extent overlaps superblock or log'
	warns 'log entry 6 at 0x[0-9a-f]+: c: an extent runs past the end'
	warns 'log entry 7 at 0x[0-9a-f]+: d: an extent is on a device that no entry before it adds'
	gives 1 famfs logplay "$M"
	warns "log entry 0: adds device 1, $uuid, and this machine shows none"
	warns 'log entry 4: a: .*device that this mount does not have'
	on "$DEV"
	bad 1 'damaged log' famfs adddev -f "$M" "$DEV2"
	good mkfs.famfs -f "$DEV2"
}

test_devices_superblock_flags() {
	"$PLANT" "$M" flags 1
	remount
	good famfs fsck -v "$M"
	says '^flags: 1$'
	"$PLANT" "$M" flags 3
	bad 4 'both first and further' famfs fsck "$M"
	"$PLANT" "$M" image /dev/zero
	good umount "$M"
	good mkfs.famfs "$DEV"
	good mount -t famfs "$DEV" "$M"
}

# A block device as a further one, and as the first
test_devices_block() {
	need_third
	good mkfs.famfs -f "$PMEM"
	good mkfs.famfs -f -k "$PMEM"
	good mkswap "$PMEM"
	bad 1 'not famfs: swap.*-f' famfs adddev "$M" "$PMEM"
	good famfs adddev -f "$M" "$PMEM"
	good famfs creat -s 530m "$M/big"
	good famfs getmap "$M/big"
	says 'device 1'
	random_file "$T/data" $((8 * MIB))
	good dd if="$T/data" of="$M/big" bs=1M seek=522 conv=notrunc
	good dd if="$T/data" of="$M/big" bs=1M conv=notrunc
	remount
	on "$DEV" "$PMEM"
	cmp -n $((8 * MIB)) "$T/data" "$M/big" || fail "other bytes"
	tail -c $((8 * MIB)) "$M/big" | cmp - "$T/data" || fail "other bytes"
	good umount "$M"
	bad 32 'further device' mount -t famfs "$PMEM" "$M"
	good mkfs.famfs -f -k "$PMEM"
	good mount -t famfs "$DEV" "$M"
	warns 'adds device 1'
}

# --- famfs devices ---------------------------------------------------------------

# about DEVICE: what famfs devices says of that one alone
about() {
	good famfs devices "$1"
	says "^$1: [0-9]+ bytes, mode "
}

test_devices_list() {
	local uuid c
	need_third
	blank "$DEV2"
	good mkfs.famfs -f "$PMEM"
	good mkfs.famfs -f -k "$PMEM"
	good famfs devices
	is "$(grep -c '^/dev/' "$T/out")" 3
	good famfs devices -h
	says "^$PMEM: [0-9.]+MiB, mode fsdax"
	bad 1 'unknown' famfs devices -x
	bad 1 'is no memory device' famfs devices /dev/null
	bad 1 'is no memory device' famfs devices "$DEV2" /dev/nonexistent
	says "^$DEV2: "
	# What is mounted is looked at through the mount, which knows its superblock
	good famfs fsck -v "$M"
	uuid=$(field uuid)
	about "$DEV"
	says 'mode famfs'
	says "holds: famfs $uuid, first device, this host is the master, mounted on $M\$"
	says "use: +famfs cp FILE $M\$"
	about "$DEV2"
	says 'holds: nothing known'
	says "use: +mkfs.famfs $DEV2\$"
	good mkswap "$PMEM"
	about "$PMEM"
	says 'holds: swap'
	says "use: +mkfs.famfs -f $PMEM\$"
	good famfs adddev "$M" "$DEV2"
	good famfs adddev -f "$M" "$PMEM"
	about "$DEV2"
	says "holds: famfs $uuid, further device, this host is the master, mounted on $M\$"
	about "$PMEM"
	says "holds: famfs $uuid, further device.*mounted on $M\$"
	good umount "$M"
	about "$DEV"
	says "holds: famfs $uuid, first device, this host is the master\$"
	says "use: +mount -t famfs $DEV DIR\$"
	about "$PMEM"
	says "holds: famfs $uuid, further device, this host is the master\$"
	says "use: +mount -t famfs $DEV DIR\$"
	to_devdax "$DEV2"
	about "$DEV2"
	says 'mode devdax'
	says "holds: famfs $uuid, further device"
	good mount -t famfs -o nomode "$DEV" "$M"
	about "$DEV2"
	says "use: +famfs logplay $M\$"
	good mkfs.famfs -f -k -M "$DEV2"
	to_devdax "$DEV2"
	about "$DEV2"
	says 'holds: nothing known'
	says "use: +mkfs.famfs -M $DEV2\$"
	echo "${DEV2##*/}" >/sys/bus/dax/drivers/device_dax/unbind
	about "$DEV2"
	says 'mode none'
	says 'holds: unknown: no driver'
	# What can be undone, as nothing is known of what is on it
	says "use: +famfs fsck -M $DEV2\$"
	for c in "mkfs.famfs -M $DEV2" "mount.famfs $DEV2 $T" \
		"famfs mount -M $DEV2 $T"; do
		# shellcheck disable=SC2086
		bad 1 'no mode.*may not change.*this needs root' \
			"${USER_CMD[@]}" $c
	done
	about "$DEV2"
	says 'mode none'
	bad 4 'not a famfs file system' famfs fsck -M "$DEV2"
	about "$DEV2"
	says 'mode famfs'
	says "use: +mkfs.famfs $DEV2\$"
	good mkfs.famfs -M "$DEV2"
}

test_devices_json() {
	need_third
	good famfs creat -s 1m "$M/f"
	good famfs devices --json "$DEV"
	says '"chardev":"dax'
	says "\"path\":\"$DEV\""
	says '"size":[0-9]+,'
	says '"mode":"famfs"'
	says '"content":"famfs"'
	says '"device":"first"'
	says '"role":"master"'
	says "\"mountpoint\":\"$M\""
	good famfs devices --json -h "$PMEM"
	says '"blockdev":"pmem'
	says '"size":"[0-9.]+.iB"'
	says '"mode":"fsdax"'
	bad 1 'no memory device' famfs devices --json /dev/null
	says '^\[\]?$'
}

# Without rights less is seen, and that is said
test_devices_user() {
	need_third
	blank "$DEV2"
	good "${USER_CMD[@]}" famfs devices
	says "^$DEV: [0-9]+ bytes, mode famfs"
	says "holds: famfs, first device, mounted on $M\$"
	says 'holds: unknown: only root can look'
	is "$(grep -c '^/dev/' "$T/out")" 3
	bad 1 'this needs root' "${USER_CMD[@]}" mkfs.famfs "$DEV2"
	to_devdax "$DEV2"
	bad 1 'this needs root' "${USER_CMD[@]}" mkfs.famfs -M "$DEV2"
	good mkfs.famfs -M "$DEV2"
	good mkfs.famfs -f -k "$DEV2"
	bad 1 '.' "${USER_CMD[@]}" famfs adddev "$M" "$DEV2"
	# What is mounted in another namespace nobody here can look into
	good mkfs.famfs "$DEV2"
	mkdir "$T/m2"
	good unshare -m sh -c "mount -t famfs $DEV2 $T/m2 &&
		umount $M && famfs devices $DEV2"
	says "mounted on $T/m2\$"
	coproc ELSE { exec unshare -m sh -c "mount -t famfs $DEV2 $T/m2 &&
		echo ready && read -r _"; }
	read -r _ <&"${ELSE[0]}"
	local pid=$ELSE_PID
	about "$DEV2"
	says 'holds: famfs, first device, mounted where this process'
	echo >&"${ELSE[1]}"
	wait "$pid"
	about "$DEV2"
	says 'use: +mount'
}

test_devices_ram() {
	local drv=/sys/bus/dax/drivers name=${DEV2##*/} auto
	auto=/sys/devices/system/memory/auto_online_blocks
	modprobe -q kmem || fail "no kmem module"
	to_devdax "$DEV2"
	echo offline >"$auto"
	echo "$name" >"$drv/device_dax/unbind"
	echo "$name" >"$drv/kmem/new_id"
	[ -e "$drv/kmem/$name" ] || fail "kmem does not take $name"
	about "$DEV2"
	says 'mode system-ram'
	says 'holds: unknown: in use as system RAM'
	says "use: +daxctl reconfigure-device --mode=devdax --force $name\$"
	bad 1 'system RAM.*daxctl reconfigure-device' mkfs.famfs -f -M "$DEV2"
	bad 1 'system RAM' famfs adddev -f -M "$M" "$DEV2"
	bad 1 'system RAM' famfs mount -M "$DEV2" "$M"
	echo "$name" >"$drv/kmem/unbind"
	echo "$name" >"$drv/kmem/remove_id"
	about "$DEV2"
	says 'mode none'
	good mkfs.famfs -f -M "$DEV2"
}

# Who looks for a further device does not get in the way of other mounts
test_devices_parallel() {
	local i pid rc=0
	need_third
	blank "$DEV2"
	mkdir "$T/m2"
	good mkfs.famfs -f "$PMEM"
	good mount -t famfs "$PMEM" "$T/m2"
	good famfs adddev "$T/m2" "$DEV2"
	good umount "$T/m2"
	good umount "$M"
	(
		for i in {1..15}; do
			mount -t famfs "$DEV" "$M" && umount "$M" || exit 1
		done
	) 2>"$T/other" &
	pid=$!
	for i in {1..15}; do
		good mount -t famfs "$PMEM" "$T/m2"
		is "$(wc -l <"/sys/fs/famfs/${PMEM##*/}/devices")" 2
		good umount "$T/m2"
	done
	wait "$pid" || rc=$?
	cat "$T/other" >>"$T/err"
	is "$rc" 0
	good mount -t famfs "$DEV" "$M"
}

# A kernel before 7.1: there is no such driver, and none that could be loaded
old_kernel() {
	unshare -m sh -c 'mount -t tmpfs none /lib/modules && exec "$@"' - "$@"
}

test_devices_old_kernel() {
	need_third
	good famfs adddev -f "$M" "$PMEM"
	good umount "$M"
	good mkfs.famfs -f -k -M "$DEV2"
	to_devdax "$DEV"
	to_devdax "$DEV2"
	good rmmod fsdev_dax
	bad 1 "can't carry famfs on a /dev/dax device.*ndctl" \
		old_kernel mkfs.famfs -f "$DEV2"
	bad 1 "can't carry famfs on a /dev/dax device" \
		old_kernel mkfs.famfs -f -M "$DEV2"
	bad 32 "can't carry famfs on a /dev/dax device" \
		old_kernel mount -t famfs "$DEV" "$M"
	good old_kernel famfs devices "$DEV"
	says 'holds: famfs [0-9a-f-]{36}, first device'
	says "use: +this kernel can't carry famfs on a /dev/dax device"
	# Nor can it mount what that is the first device of
	good old_kernel famfs devices "$PMEM"
	says 'holds: famfs [0-9a-f-]{36}, further device'
	grep -q 'use:' "$T/out" && fail "there is no use for it"
	good famfs devices "$PMEM"
	says "use: +mount -t famfs $DEV DIR\$"
	good old_kernel famfs devices --json "$DEV"
	says '"supported":false'
	good famfs devices "$DEV2"
	says "use: +mkfs.famfs -M $DEV2"
	good mount -t famfs "$DEV" "$M"
}

test_devices_node_missing() {
	need_third
	good umount "$M"
	mv "$DEV" "$T/node"
	mv "$PMEM" "$T/node2"
	gives 32 mount.famfs "$DEV" "$M"
	warns 'its node is missing; mknod -m 0600 /dev/dax.* c [0-9]+ [0-9]+ makes it'
	gives 1 mkfs.famfs "$PMEM"
	warns 'its node is missing; mknod -m 0600 /dev/pmem.* b [0-9]+ [0-9]+ makes it'
	good famfs devices
	says 'holds: unknown: its node is missing'
	is "$(grep -c 'use:' "$T/out")" 1
	mv "$T/node" "$DEV"
	mv "$T/node2" "$PMEM"
	good mount -t famfs "$DEV" "$M"
}

# Another file system has it, and a process has it
test_devices_held() {
	need_third
	blank "$DEV2"
	good mkfs.famfs -f "$PMEM"
	good mkfs.famfs -f -k "$PMEM"
	good mke2fs -q "$PMEM"
	mkdir "$T/ext"
	good mount "$PMEM" "$T/ext"
	about "$PMEM"
	says "holds: ext2, mounted on $T/ext\$"
	grep -q 'use:' "$T/out" && fail "there is no use for it"
	bad 1 "is mounted already \(ext[234]\), on $T/ext\$" mkfs.famfs -f "$PMEM"
	good umount "$T/ext"
	about "$PMEM"
	says "use: +mkfs.famfs -f $PMEM"
	good mkfs.famfs -f -k "$PMEM"
}

# --- bad memory ------------------------------------------------------------------

heal() {
	echo "${1##*/}" >/sys/bus/dax/drivers/fsdev_dax/unbind
	echo "${1##*/}" >/sys/bus/dax/drivers/fsdev_dax/bind
}

# Nothing is lost for nothing
test_mkfs_bad_memory() {
	local uuid
	good famfs fsck -v "$M"
	uuid=$(field uuid)
	good "$PLANT" "$M/.meta/.log" poison $((4 * MIB))
	good umount "$M"
	bad 1 "memory of the device is bad at offset $((6 * MIB)), in the log: left as it is" \
		mkfs.famfs -f "$DEV"
	good famfs devices "$DEV"
	says "$uuid"
	heal "$DEV"
	good mount -t famfs "$DEV" "$M"
	good famfs fsck -v "$M"
	is "$(field uuid)" "$uuid"
	good "$PLANT" "$M/.meta/.superblock" poison $((1 * MIB))
	good umount "$M"
	bad 1 'is bad at offset 1048576, in the superblock' mkfs.famfs -f "$DEV"
	bad 1 'is bad at offset 1048576, in the superblock' mkfs.famfs -f -k "$DEV"
	good mkfs.famfs -f -M "$DEV2"
	good mount -t famfs "$DEV2" "$M"
	bad 1 'is bad at offset 1048576' famfs adddev -f "$M" "$DEV"
	is "$(entries)" 0
	good umount "$M"
	# What can't be read is passed over
	good famfs devices
	says "^$DEV: "
	heal "$DEV"
	good mkfs.famfs -f "$DEV"
	good mount -t famfs "$DEV" "$M"
}
