# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Making and copying files and directories. Sourced by e2e.

test_creat() {
	good famfs creat -v -s 3m "$M/f"
	says 'made'
	is "$(stat -c '%s %a' "$M/f")" "$((3 * MIB)) 644"
	good famfs creat -s 3145728 "$M/f"
	good famfs creat -s 0x300000 "$M/f"
	is "$(entries)" 1
	bad 1 'sizes never change' famfs creat -s 4m "$M/f"
	good famfs creat -s 1K -m 0600 -u 12 -g 34 "$M/owned"
	is "$(stat -c '%s %a %u %g' "$M/owned")" "1024 600 12 34"
	remount
	is "$(stat -c '%s %a %u %g' "$M/owned")" "1024 600 12 34"
	is "$(stat -c '%s %a' "$M/f")" "$((3 * MIB)) 644"
}

test_creat_refusals() {
	good famfs mkdir "$M/d"
	good mkdir "$M/by-hand"
	good famfs creat -s 1m "$M/f"
	snapshot
	bad 1 'a size is needed' famfs creat "$M/x"
	bad 1 'exactly one file is needed' famfs creat -s 1m
	bad 1 'exactly one file is needed' famfs creat -s 1m "$M/x" "$M/y"
	bad 1 'expected a number' famfs creat -s 1x "$M/x"
	bad 1 'expected a number' famfs creat -s -1 "$M/x"
	bad 1 'expected a number' famfs creat -s 17179869184g "$M/x"
	bad 1 '0 bytes' famfs creat -s 0 "$M/x"
	bad 1 'do not fit' famfs creat -s 64g "$M/x"
	bad 1 '2\^63' famfs creat -s 0xffffffffffffffff "$M/x"
	bad 1 'octal' famfs creat -s 1m -m 9 "$M/x"
	bad 1 'uid' famfs creat -s 1m -u root "$M/x"
	bad 1 'is a directory' famfs creat -s 1m "$M/d"
	bad 1 'is a directory' famfs creat -s 1m "$M"
	bad 1 'not in the log' famfs creat -s 1m "$M/by-hand/x"
	bad 1 'not there' famfs creat -s 1m "$M/none/x"
	bad 1 'Not a directory' famfs creat -s 1m "$M/f/x"
	bad 1 'never logged' famfs creat -s 1m "$M/.meta/x"
	bad 1 'not in a famfs mount' famfs creat -s 1m "$T/x"
	bad 1 '79 at most' famfs creat -s 1m "$M/$(printf 'x%.0s' {1..80})"
	unchanged
	good famfs creat -s 1m "$M/$(printf 'x%.0s' {1..79})"
}

test_creat_full() {
	local free
	free=$(free_bytes)
	good famfs creat -s "$free" "$M/all"
	is "$(free_bytes)" 0
	snapshot
	bad 1 'do not fit: 0 are free' famfs creat -s 1 "$M/more"
	unchanged
	good famfs fsck "$M"
	remount
	is "$(stat -c %s "$M/all")" "$free"
}

test_creat_log_full() {
	"$PLANT" "$M" fill 1
	good famfs mkdir "$M/last"
	snapshot
	bad 1 'log is full' famfs mkdir "$M/one-more"
	bad 1 'log is full' famfs creat -s 1m "$M/one-more"
	unchanged
	good famfs fsck "$M"
}

test_creat_debris() {
	# What a creat that was killed before the append leaves behind
	good touch "$M/f"
	good famfs creat -s 1m "$M/f"
	is "$(stat -c %s "$M/f")" "$MIB"
	is "$(entries)" 1
	# And after the append: in the log, not in the mount
	"$PLANT" "$M" file g "$MIB" $((64 * MIB)) $((2 * MIB))
	good touch "$M/g"
	good famfs creat -s 1m "$M/g"
	is "$(stat -c %s "$M/g")" "$MIB"
	is "$(entries)" 2
	good famfs fsck "$M"
}

test_creat_parallel() {
	local i k
	for i in 1 2 3 4; do
		for k in 1 2 3 4 5 6 7 8; do
			famfs creat -s 1m "$M/f$i-$k" || touch "$T/failed"
		done &
	done
	wait
	[ ! -e "$T/failed" ] || fail "a creat failed"
	is "$(entries)" 32
	good famfs fsck "$M"
	remount
	is "$(find "$M" -name 'f*' -size 1M | wc -l)" 32
}

test_mkdir() {
	good famfs mkdir "$M/d"
	bad 1 'there already' famfs mkdir "$M/d"
	good famfs mkdir -p "$M/d"
	bad 1 'not there' famfs mkdir "$M/x/y"
	good famfs mkdir -p -m 0700 -u 5 -g 6 "$M/x/y/z/"
	is "$(stat -c '%a %u %g' "$M/x/y/z")" "700 5 6"
	is "$(stat -c %a "$M/x/y")" 755
	good famfs creat -s 1m "$M/f"
	bad 1 'is a file' famfs mkdir "$M/f"
	bad 1 '.' famfs mkdir -p "$M/f/g"
	bad 1 'root of the mount' famfs mkdir "$M"
	good famfs mkdir -p "$M"
	bad 1 '\.\.' famfs mkdir -p "$M/new/../other"
	bad 1 '79 at most' famfs mkdir "$M/$(printf 'x%.0s' {1..80})"
	# One made by hand is taken into the log
	good mkdir "$M/by-hand"
	good famfs mkdir "$M/by-hand"
	(cd "$M" && good famfs mkdir -p rel/a/b)
	remount
	[ -d "$M/by-hand" ] || fail "by-hand is not logged"
	[ -d "$M/rel/a/b" ] || fail "rel/a/b is not logged"
	is "$(stat -c '%a %u %g' "$M/x/y/z")" "700 5 6"
	good famfs fsck "$M"
}

test_cp() {
	random_file "$T/a" 5000001
	random_file "$T/b" 4096
	chmod 0751 "$T/a"
	good famfs cp -v "$T/a" "$M/copy"
	good cmp "$T/a" "$M/copy"
	is "$(stat -c %a "$M/copy")" 751
	good famfs mkdir "$M/d"
	good famfs cp -m 0600 -u 7 -g 8 "$T/a" "$T/b" "$M/d"
	is "$(stat -c '%a %u %g' "$M/d/b")" "600 7 8"
	# The right size is copied over, another is refused
	random_file "$T/b" 4096
	good famfs cp "$T/b" "$M/d"
	good cmp "$T/b" "$M/d/b"
	random_file "$T/b" 4097
	bad 1 'sizes never change' famfs cp "$T/b" "$M/d"
	remount
	good cmp "$T/a" "$M/copy"
	good cmp "$T/a" "$M/d/a"
	is "$(entries)" 4
	good famfs fsck "$M"
}

test_cp_refusals() {
	random_file "$T/a" 4096
	: >"$T/empty"
	good famfs mkdir "$M/d"
	good famfs creat -s 1m "$M/f"
	snapshot
	bad 1 'needed' famfs cp "$T/a"
	bad 1 'No such file' famfs cp "$T/none" "$M/x"
	bad 1 'is a directory' famfs cp "$T" "$M/x"
	bad 1 '0 bytes' famfs cp "$T/empty" "$M/x"
	bad 1 'no directory' famfs cp "$T/a" "$T/empty" "$M/x"
	bad 1 'not a|no directory' famfs cp "$T/a" "$M/x/"
	bad 1 'not in a famfs mount' famfs cp "$T/a" "$T/b"
	bad 1 'same file' famfs cp "$M/f" "$M/f"
	bad 1 'in the mount' famfs cp -r "$M" "$M/d"
	bad 1 'no regular file' famfs cp /dev/null "$M/x"
	for o in "-t 257" "-t -1" "-t x" "-N 0" "-N 17" "-C 0" "-C 5000" \
		"-C 4g" "-B 0" "-B 65"; do
		# shellcheck disable=SC2086
		bad 1 'expected a (number|multiple)' famfs cp $o "$T/a" "$M/x"
	done
	bad 1 'multiple of this file system' famfs cp -N 2 -C 4k "$T/a" "$M/x"
	bad 1 '4 strips do not go into 2 buckets' \
		famfs cp -N 4 -B 2 "$T/a" "$M/x"
	unchanged
	# One that fails does not keep the others back
	bad 1 'none' famfs cp "$T/none" "$T/a" "$M/d"
	good cmp "$T/a" "$M/d/a"
}

test_cp_tree() {
	local i
	mkdir -p "$T/src/x/y" "$T/src/z"
	for i in src/1 src/x/2 src/x/y/3 src/x/y/4; do
		random_file "$T/$i" $((RANDOM + 1))
	done
	good famfs cp -r "$T/src" "$M"
	good diff -r "$T/src" "$M/src"
	# Into a place that is not there: under that name; and again, restarted
	good famfs cp -r "$T/src" "$M/dst"
	good diff -r "$T/src" "$M/dst"
	good famfs cp -r "$T/src/." "$M/dst"
	remount
	good diff -r "$T/src" "$M/src"
	good diff -r "$T/src" "$M/dst"
	# What famfs can't hold is named, and the rest comes
	: >"$T/src/empty"
	ln -s 1 "$T/src/link"
	mkfifo "$T/src/fifo"
	random_file "$T/src/new" 100
	bad 1 '/empty: is empty' famfs cp -r "$T/src/." "$M/dst"
	warns '/link: is a symbolic link'
	warns '/fifo: is neither'
	good cmp "$T/src/new" "$M/dst/new"
	good famfs fsck "$M"
}

# Told to end, it says which copy is not complete; the same again makes it so
test_cp_stopped() {
	big_file "$T/big" 400000000
	famfs cp "$T/big" "$M/big" 2>"$T/err" &
	local pid=$! rc=0
	until [[ -e $M/big ]]; do sleep 0.01; done
	kill -TERM "$pid"
	wait "$pid" || rc=$?
	is "$rc" 143
	warns 'interrupted; the copy is not complete'
	good famfs cp "$T/big" "$M/big"
	good cmp "$T/big" "$M/big"
}

test_cp_killed() {
	local i
	mkdir "$T/src"
	for i in 1 2 3 4 5 6 7 8 9; do
		random_file "$T/src/$i" $((3 * MIB))
	done
	for i in 0.02 0.05 0.1 0.15 0.2 0.3 0.4 0.6 0.8; do
		# The shell's own word about the kill goes nowhere, too
		(timeout -s KILL "$i" famfs cp -r "$T/src" "$M" || true) \
			>/dev/null 2>&1
		good famfs fsck "$M"
	done
	good famfs logplay "$M"
	good famfs cp -r "$T/src" "$M"
	good diff -r "$T/src" "$M/src"
	is "$(entries)" 10
	remount
	good diff -r "$T/src" "$M/src"
}

test_dryrun() {
	random_file "$T/a" 4096
	mkdir -p "$T/src/x"
	cp "$T/a" "$T/src/x/a"
	snapshot
	good famfs -n creat -v -s 1m "$M/f"
	says 'would make'
	good famfs -n mkdir -pv "$M/x/y/z"
	good famfs --dryrun cp -rv "$T/src" "$M"
	says 'would copy'
	bad 1 'do not fit' famfs -n creat -s 64g "$M/f"
	unchanged
}

test_usage() {
	bad 1 'usage: famfs' famfs
	bad 1 'bogus: unknown' famfs bogus
	bad 1 'unknown' famfs -x
	good famfs --help
	says '  logplay '
	good famfs -?
	for c in mount mkmeta logplay fsck mkdir creat cp verify \
		flush getmap clone chkread; do
		good famfs "$c" -?
		says "usage: famfs $c"
		good famfs "$c" --help
	done
	for c in mkfs.famfs mount.famfs; do
		good "$c" --help
		says "usage: $c"
		good "$c" -h
	done
	bad 1 'option -t: needs an argument' mount.famfs -t
	bad 1 'option --bogus: unknown' mount.famfs --bogus "$DEV" "$M"
}
