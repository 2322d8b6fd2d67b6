# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Mounting. Sourced by e2e.

test_mount_meta_files() {
	is "$(stat -c '%a %U %s' "$M/.meta/.superblock")" "600 root $((2 * MIB))"
	is "$(stat -c '%a %U %s' "$M/.meta/.log")" "600 root $((8 * MIB))"
	is "$(stat -c %a "$M/.meta")" 700
	good famfs getmap "$M/.meta/.superblock"
	says 'superblock file'
	says 'offset 0 length 2097152'
	good famfs getmap "$M/.meta/.log"
	says 'log file'
}

test_mount_twice() {
	mkdir "$T/second"
	bad 32 'mounted already|held|busy' mount -t famfs "$DEV" "$T/second"
	mountpoint -q "$T/second" && fail "it was mounted"
	good famfs creat -s 1m "$M/still-works"
}

test_mount_bad_arguments() {
	good umount "$M"
	bad 1 'a device and a directory' mount.famfs "$DEV"
	bad 1 'option -q: unknown' mount.famfs -q "$DEV" "$M"
	bad 1 'other than famfs' mount.famfs -t ext4 "$DEV" "$M"
	bad 32 'mount point' mount.famfs "$DEV" "$T/nowhere"
	bad 32 'not a directory' mount.famfs "$DEV" "$T/out"
	bad 32 '.' mount.famfs /dev/null "$M"
	bad 32 'No such file' mount.famfs /dev/nonexistent "$M"
	bad 32 '.' mount.famfs "$T/out" "$M"
	bad 32 'bogus' mount.famfs -o bogus "$DEV" "$M"
	bad 32 'bogus=1' mount.famfs -o ro,bogus=1 "$DEV" "$M"
	bad 1 'loop' mount.famfs -o loop "$DEV" "$M"
	bad 1 'bind' mount.famfs -o bind "$DEV" "$M"
	mounted && fail "it was mounted"
	good mount.famfs -s -o bogus,mode=0711 "$DEV" "$M"
	warns 'bogus.*ignored'
	is "$(wc -l <"$T/err")" 1
	is "$(stat -c %a "$M")" 711
}

test_mount_options() {
	good umount "$M"
	good mount -t famfs -o ro,nosuid,nodev,noexec,noatime "$DEV" "$M"
	good findmnt -n -o VFS-OPTIONS "$M"
	says '(^|,)ro,'
	says nosuid
	says noexec
	says noatime
	bad 1 'Read-only' touch "$M/x"
	good mount -o remount,rw "$M"
	good touch "$M/x"
	good umount "$M"
	good mount -t famfs -o mode=0700 "$DEV" "$M"
	is "$(stat -c %a "$M")" 700
}

test_mount_fake() {
	good umount "$M"
	good mount.famfs -f "$DEV" "$M"
	mounted && fail "it was mounted"
	good famfs -n mount "$DEV" "$M"
	mounted && fail "it was mounted"
	good mount.famfs -n -v "$DEV" "$M"
	says 'this host is the master'
}

test_mount_fstab() {
	good umount "$M"
	echo "$DEV $M famfs defaults,noauto,nofail,x-note=1,nosuid 0 0" \
		>"$T/fstab"
	good mount -T "$T/fstab" "$M"
	good findmnt -n -o VFS-OPTIONS "$M"
	says nosuid
}

# A device that need not be there is not missed, but one that is bad is
test_mount_nofail() {
	good umount "$M"
	echo "/dev/nonexistent $M famfs defaults,nofail 0 0" >"$T/fstab"
	good mount -a -T "$T/fstab"
	is "$(cat "$T/out" "$T/err")" ""
	good mount.famfs -v -o nofail /dev/nonexistent "$M"
	says 'need not be'
	mounted && fail "it was mounted"
	bad 32 '/dev/null' mount.famfs -o nofail /dev/null "$M"
	echo "/dev/nonexistent $M famfs defaults 0 0" >"$T/fstab"
	bad 32 'No such file' mount -a -T "$T/fstab"
	echo "$DEV $M famfs nofail 0 0" >"$T/fstab"
	good mount -a -T "$T/fstab"
	mounted || fail "not mounted"
}

test_mount_silent() {
	good umount "$M"
	good mount -t famfs -o silent,nosuid "$DEV" "$M"
	good umount "$M"
	good mount.famfs -o loud "$DEV" "$M"
	mounted || fail "not mounted"
}

# Any directory of a mount stands for the mount
test_any_directory() {
	local dir
	good famfs mkdir "$M/x"
	good famfs mkdir "$M/x/y"
	good famfs creat -s 1m "$M/x/f"
	good famfs creat -s 1m "$M/top"
	good ln -s "$M/x" "$T/link"
	for dir in "$M" "$M/x" "$M/x/y" "$T/link"; do
		good famfs logplay "$dir"
		says '2 and 2 were there, 0 errors'
		good famfs fsck -v "$dir"
		says '^files: 2$'
		good famfs check "$dir"
		says ': 4 files'
		good famfs df "$dir"
	done
	(cd "$M/x/y" && good famfs fsck . && good famfs logplay ..)
	bad 8 'Not a directory|block device|not a' famfs fsck "$M/x/f"
	bad 16 'Not a directory' famfs check "$M/x/f"
	# Of which ls lists that one
	good famfs ls "$M/x"
	is "$(xargs <"$T/out")" "x/f x/y"
	good famfs ls "$T/link"
	is "$(xargs <"$T/out")" "x/f x/y"
	good famfs ls "$M/x/y"
	is "$(cat "$T/out")" ""
	good famfs ls "$M/x" x/f /
	is "$(xargs <"$T/out")" "x/f top x"
	good mkdir "$M/mine"
	bad 1 'mine: is not in the log' famfs ls "$M/mine"
	# A mount of that directory alone does not have the log
	good mkdir "$T/bound"
	good mount --bind "$M/x" "$T/bound"
	bad 1 'mount of directory /x alone' famfs logplay "$T/bound"
	bad 8 'mount of directory /x alone' famfs fsck "$T/bound/y"
	bad 1 'mount of directory /x alone' famfs df "$T/bound"
	bad 1 'mount of directory /x alone' famfs ls "$T/bound"
	good umount "$T/bound"
	good mount --bind "$M" "$T/bound"
	good famfs fsck "$T/bound/x"
	good umount "$T/bound"
}

test_mount_command() {
	good umount "$M"
	good famfs mount -v -u -p -F -M -L "$DEV" "$M"
	is "$(stat -c %a "$M")" 700
	good umount "$M"
	bad 1 'not supported' famfs mount -f "$DEV" "$M"
	bad 1 'no famfs is mounted here' famfs mount --remount "$DEV" "$M"
	bad 1 'needed' famfs mount "$DEV"
	bad 1 'not supported' famfs mount --fuse "$DEV" "$M"
	mounted && fail "it was mounted"
	good famfs mount -d "$DEV" "$M"
	says 'this host is the master'
	bad 16 'not supported' famfs fsck -f "$M"
	bad 16 'not supported' famfs fsck --fuse "$M"
}

# What the system lacks has a status of its own
test_mount_no_descriptors() {
	good umount "$M"
	bad 2 'Too many open files' bash -c \
		"ulimit -n 5; exec mount.famfs '$DEV' '$M'"
	mounted && fail "it was mounted"
	good mount -t famfs "$DEV" "$M"
}

# No other mount is changed by mistake
test_mount_remount() {
	good famfs mount -R "$DEV" "$M"
	good famfs -n mount --remount "$DEV" "$M"
	good mount.famfs -o remount,ro,noexec "$DEV" "$M"
	good findmnt -n -o VFS-OPTIONS "$M"
	says '(^|,)ro,'
	says noexec
	good mount.famfs -o remount,rw,exec "$DEV" "$M"
	good touch "$M/x"
	bad 1 'chmod' famfs mount -R -u "$DEV" "$M"
	bad 1 "what is mounted here is $DEV and not $DEV2" \
		famfs mount -R "$DEV2" "$M"
	mkdir "$T/other"
	good mount -t tmpfs none "$T/other"
	bad 32 'no famfs is mounted here' \
		mount.famfs -o remount,ro "$DEV" "$T/other"
	good touch "$T/other/x"
	good umount "$T/other"
	bad 32 'No such file' mount.famfs -o remount "$DEV" "$T/nowhere"
	mkdir "$M/dir"
	bad 32 'nothing is mounted here' mount.famfs -o remount,ro "$DEV" "$M/dir"
}

# Whoever holds it is named
test_mount_held() {
	local pid
	mkdir "$T/m2"
	bad 32 "$DEV: is mounted already \(famfs\), on $M\$" \
		mount -t famfs "$DEV" "$T/m2"
	bad 1 "is mounted already \(famfs\), on $M\$" mkfs.famfs -f "$DEV"
	good mkfs.famfs -f -M "$DEV2"
	good famfs adddev -f "$M" "$DEV2"
	bad 32 "as device 1 of the file system on $M\$" \
		mount -t famfs "$DEV2" "$T/m2"
	is "$(cat /sys/fs/famfs/*/devices | wc -l)" 2
	# In another mount namespace
	good umount "$M"
	coproc ELSE { exec unshare -m sh -c "mount -t famfs $DEV $M &&
		echo ready && read -r _"; }
	read -r _ <&"${ELSE[0]}"
	pid=$ELSE_PID
	bad 32 "mounted already, where this process can't see it" \
		mount -t famfs "$DEV" "$M"
	echo >&"${ELSE[1]}"
	wait "$pid"
	good mount -t famfs "$DEV" "$M"
}

# An interrupted helper leaves nothing behind, and says that it was
test_mount_interrupted() {
	local pid rc=0
	good umount "$M"
	exec 8<"$DEV"
	flock 8
	# In the background it would ignore the signal
	perl -e '$SIG{INT} = "DEFAULT"; exec @ARGV' mount.famfs "$DEV" "$M" \
		>"$T/out" 2>"$T/err" &
	pid=$!
	sleep 1
	kill -INT "$pid"
	wait "$pid" || rc=$?
	exec 8<&-
	is "$rc" 8
	mounted && fail "it was mounted"
	good mount -t famfs "$DEV" "$M"
}

test_mkmeta() {
	good famfs creat -s 1m "$M/f"
	bad 1 'not mounted' famfs mkmeta "$DEV2"
	bad 1 'No such file' famfs mkmeta /dev/nonexistent
	good famfs mkmeta "$DEV"
	good umount "$M"
	# Without the helper: the file system is bare
	good mount -i -t famfs "$DEV" "$M"
	[ ! -e "$M/.meta" ] || fail ".meta is there"
	bad 1 'mkmeta' famfs logplay "$M"
	bad 8 'mkmeta' famfs fsck "$M"
	bad 1 'mkmeta' famfs creat -s 1m "$M/g"
	good famfs mkmeta -v "$DEV"
	good famfs logplay "$M"
	says '1 files'
	is "$(stat -c %s "$M/f")" "$MIB"
	# What lies on top of it is none of its business
	good mount -t tmpfs none "$M"
	bad 1 'another mount hides it' famfs mkmeta "$DEV"
	is "$(ls -A "$M")" ""
	good umount "$M"
}

# Copies of the meta files are files like any other, and no log to be played
test_meta_copied() {
	good famfs mkdir "$M/d"
	good famfs mkdir "$M/d/.meta"
	good famfs cp "$M/.meta/.superblock" "$M/d/.meta/.superblock"
	good famfs cp "$M/.meta/.log" "$M/d/.meta/.log"
	good famfs logplay "$M/d"
	good mkdir -p "$T/bound"
	good mount --bind "$M/d" "$T/bound"
	bad 1 'mount of directory /d alone' famfs creat -s 1m "$T/bound/f"
	bad 1 'mount of directory /d alone' famfs logplay "$T/bound"
	bad 8 'mount of directory /d alone' famfs fsck "$T/bound/.meta"
	grep -q mkmeta "$T/err" && fail "mkmeta would not help"
	good umount "$T/bound"
	[ ! -e "$M/d/d" ] || fail "it was played"
}

# A user who was in the mount before the meta files were
test_mkmeta_squatted() {
	good umount "$M"
	good mount -i -t famfs -o mode=0777 "$DEV" "$M"
	good "${USER_CMD[@]}" mkdir -m 0777 "$M/.meta"
	hold "$M/.meta/.superblock"
	good famfs mkmeta "$DEV"
	held
	is "$HELD" 0
	is "$(stat -c '%a %u' "$M/.meta")" "700 0"
	is "$(stat -c '%a %u %s' "$M/.meta/.superblock")" "600 0 $((2 * MIB))"
	is "$(stat -c '%a %u %s' "$M/.meta/.log")" "600 0 $((8 * MIB))"
	good famfs mkmeta "$DEV"
	# One that root has given away since
	good chown 65534 "$M/.meta/.log"
	bad 1 'log: is there, and others than root' famfs mkmeta "$DEV"
	good chown 0 "$M/.meta/.log"
	good chmod 0602 "$M/.meta/.superblock"
	bad 1 'superblock: is there, and others than root' famfs mkmeta "$DEV"
}
