# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Copying: what the options of famfs cp do. Sourced by e2e.

# extents FILE: how many it has
extents() {
	famfs getmap "$1" | grep -cE '^(extent|strip) [0-9]+: device'
}

test_cp_archive() {
	mkdir -p "$T/src/d/e"
	random_file "$T/src/d/a" 5000
	random_file "$T/src/d/e/b" 300000
	chown 11:22 "$T/src/d/a"
	chmod 0640 "$T/src/d/a"
	chmod 4755 "$T/src/d/e/b"
	chown 33:44 "$T/src/d"
	chmod 0500 "$T/src/d"
	touch -d '2001-02-03 04:05:06.789 UTC' "$T/src/d/a" "$T/src/d/e/b"
	touch -d '2002-02-02 02:02:02 UTC' "$T/src/d/e"
	touch -d '2003-03-03 03:03:03 UTC' "$T/src/d"
	good famfs cp -a "$T/src/d" "$M"
	is "$(cd "$M" && find d -printf '%p %U %G %m %T@\n' | sort)" \
		"$(cd "$T/src" && find d -printf '%p %U %G %m %T@\n' | sort)"
	good diff -r "$T/src/d" "$M/d"
	# Owners and modes are logged, times are of this host
	remount
	is "$(cd "$M" && find d -printf '%p %U %G %m\n' | sort)" \
		"$(cd "$T/src" && find d -printf '%p %U %G %m\n' | sort)"
	# Again, as a restart
	good famfs cp -a "$T/src/d" "$M"
	is "$(stat -c %Y "$M/d/a")" "$(stat -c %Y "$T/src/d/a")"
}

# The copy is root's: the rights of another's program are not for it
test_cp_set_id() {
	random_file "$T/f" 100
	chown 65534:65534 "$T/f"
	chmod 6755 "$T/f"
	good famfs cp "$T/f" "$M/f"
	is "$(stat -c '%u %a' "$M/f")" "0 755"
	good famfs cp -m 4711 "$T/f" "$M/g"
	is "$(stat -c %a "$M/g")" 4711
	good famfs cp -a "$T/f" "$M/h"
	is "$(stat -c '%u %a' "$M/h")" "65534 6755"
}

# waits PID: until it waits for the lock of a file
waits() {
	until grep -q -- "-> FLOCK .* $1 " /proc/locks; do
		kill -0 "$1" 2>"$T/gone" || fail "it has not waited"
		sleep 0.01
	done
}

# Who waits for somebody else's lock can be told to end, too
test_cp_stopped_waiting() {
	local pid rc=0
	random_file "$T/f" 100
	exec 8<"$M/.meta/.log"
	flock 8
	famfs cp "$T/f" "$M/f" >"$T/out" 2>"$T/err" 8<&- &
	pid=$!
	waits "$pid"
	kill -TERM "$pid"
	timeout 20 tail -s 0.1 --pid="$pid" -f /dev/null ||
		fail "it goes on waiting"
	wait "$pid" || rc=$?
	is "$rc" 143
	warns "can't lock the log: Interrupted"
	exec 8<&-
	[ ! -e "$M/f" ] || fail "f was made"
}

# What nohup has it ignore does not end it
test_cp_nohup() {
	local pid
	big_file "$T/big" 300000000
	(trap '' HUP; exec famfs cp "$T/big" "$M/big") >"$T/out" 2>"$T/err" &
	pid=$!
	until [[ -e $M/big ]]; do sleep 0.01; done
	kill -HUP "$pid"
	wait "$pid" || fail "it was stopped"
	good cmp "$T/big" "$M/big"
}

# swap_midway: copy $T/src to $M/dst, and halfway, when one directory has been seen
# and the other has not, put links in the place of what is not copied yet. Sets
# NOW, NEXT and STATUS; fails where it was too late for that.
swap_midway() {
	local i pid
	mkdir -p "$T/src/d" "$T/src/e"
	for i in {1..300}; do
		printf '%70000s' "$i" >"$T/src/d/$i"
		printf '%70000s' "$i" >"$T/src/e/$i"
	done
	exec 8<"$M/.meta/.log"
	flock 8
	famfs cp -r -m 0644 "$T/src" "$M/dst" >"$T/out" 2>"$T/err" 8<&- &
	pid=$!
	waits "$pid"
	flock -u 8
	until compgen -G "$M/dst/[de]/[0-9]*" >"$T/gone"; do sleep 0.01; done
	flock 8
	NOW=d NEXT=e
	[ -d "$M/dst/d" ] || NOW=e NEXT=d
	if [ -e "$M/dst/$NEXT" ]; then
		exec 8<&-
		wait "$pid"
		return 1
	fi
	waits "$pid"
	perl -e 'my ($copy, $src, $secret) = @ARGV;
		for (grep { !-e "$copy/$_" } 1 .. 300) {
			unlink("$src/$_") && symlink($secret, "$src/$_") or die;
		}' "$M/dst/$NOW" "$T/src/$NOW" "$T/secrets/f"
	mv "$T/src/$NEXT" "$T/src/old"
	ln -s "$T/secrets" "$T/src/$NEXT"
	exec 8<&-
	STATUS=0
	wait "$pid" || STATUS=$?
}

# A tree that its owner changes while root copies it: no link that takes the
# place of a file or directory leads to what is not in it
test_cp_swapped() {
	local n
	mkdir "$T/secrets"
	echo secret >"$T/secrets/f"
	echo secret >"$T/secrets/g"
	for n in 1 2 3 4 5 6 7 8 9 10; do
		good umount "$M"
		good mkfs.famfs -f --4k "$DEV"
		good mount -t famfs "$DEV" "$M"
		if swap_midway; then
			n=
			break
		fi
	done
	[ -z "$n" ] || fail "it was too late each time"
	is "$STATUS" 1
	! grep -rl secret "$M/dst" >"$T/out" || fail "a secret is out"
	warns "/$NOW/[0-9]*: Too many levels of symbolic links"
	warns "/$NEXT: No such file"
	! grep -q 'do not fit' "$T/err" || fail "there was no room"
}

# What is no path, and what would never end
test_cp_nowhere() {
	random_file "$T/f" 100
	bad 1 'empty path' famfs cp "$T/f" ""
	bad 1 'No such file' famfs cp "" "$M"
	mkdir -p "$T/src/d"
	good mount --bind "$T/src" "$T/src/d"
	bad 1 'd: is a directory that it lies in itself' \
		famfs cp -r "$T/src" "$M/dst"
	good umount "$T/src/d"
}

# Memory keeps what was in it, so a hole has to be written: but not read
test_cp_sparse() {
	good famfs creat -s 100m "$M/old"
	tr '\0' 'x' </dev/zero | head -c 100m >"$T/x" || true
	good famfs cp "$T/x" "$M/old"
	good umount "$M"
	good mkfs.famfs -f "$DEV"
	good mount -t famfs "$DEV" "$M"
	truncate -s 90000001 "$T/sparse"
	printf begin | dd of="$T/sparse" conv=notrunc status=none
	printf middle | dd of="$T/sparse" conv=notrunc status=none bs=1 \
		seek=45000000
	printf end | dd of="$T/sparse" conv=notrunc status=none bs=1 \
		seek=89999990
	good famfs cp -c "$T/sparse" "$M/sparse"
	good cmp "$T/sparse" "$M/sparse"
	truncate -s 3m "$T/hole"
	good famfs cp "$T/hole" "$M/hole"
	good cmp "$T/hole" "$M/hole"
}

# The pieces of a large file are the work of several threads
test_cp_threads() {
	local n
	random_file "$T/big" 150000001
	mkdir "$T/src"
	for n in 1 2 3 4 5 6 7 8 9; do
		random_file "$T/src/$n" $((n * 30000))
	done
	for n in 0 1 3 256; do
		good famfs cp -r -t "$n" "$T/src" "$M/copy$n"
		good diff -r "$T/src" "$M/copy$n"
	done
	good famfs cp -t 4 --compare "$T/big" "$M/big"
	good cmp "$T/big" "$M/big"
	bad 1 'none: No such file' famfs cp -r -t 2 "$T/none" "$T/src" "$M"
	good diff -r "$T/src" "$M/src"
	good famfs fsck "$M"
}

# By 256 KiB at a time, the last part less
test_cp_large_stores() {
	random_file "$T/f" 20000000
	good strace -f -e trace=pwrite64 -o "$T/trace" famfs cp "$T/f" "$M/f"
	is "$(grep -c 'pwrite64(' "$T/trace")" 77
}

test_cp_strips() {
	local i
	random_file "$T/f" 30000001
	good famfs cp -N 4 -B 8 -C 2m "$T/f" "$M/f"
	good cmp "$T/f" "$M/f"
	is "$(extents "$M/f")" 4
	good famfs getmap "$M/f"
	says '4 strips, chunk size 2097152'
	# As many strips as buckets, chunks of 2 MiB, where nothing is said
	good famfs cp --nbuckets 5 "$T/f" "$M/g"
	is "$(extents "$M/g")" 5
	good famfs cp --chunksize 4m "$T/f" "$M/h"
	is "$(extents "$M/h")" 1
	good famfs cp -N 16 "$T/f" "$M/i"
	# It has 15 chunks
	is "$(extents "$M/i")" 15
	remount
	for i in f g h i; do
		good cmp "$T/f" "$M/$i"
	done
	good famfs fsck "$M"
	truncate -s 64g "$T/f"
	bad 1 'do not fit in such strips' famfs cp -N 2 "$T/f" "$M/x"
}

# On a terminal, and only there, a line tells how far it has come
test_cp_progress() {
	big_file "$T/f" 300000000
	script -qec "famfs cp $T/f $M/f" "$T/typescript" >"$T/out" 2>"$T/err" ||
		fail "script failed"
	grep -q 'copied [0-9]* files, [0-9.]*MiB' "$T/typescript" ||
		fail "nothing was shown"
	# A message is a line of its own
	script -qec "famfs cp $T/f $T/none $M/" "$T/typescript" \
		>"$T/out" 2>"$T/err" && fail "it worked"
	grep -q 'famfs cp: .*none: No such file' "$T/typescript" ||
		fail "no message"
	good famfs cp "$T/f" "$M/f"
	is "$(cat "$T/out" "$T/err")" ""
}

# What is not the source's any more is not a copy
test_cp_changed() {
	local pid rc=0
	big_file "$T/f" 200000000
	famfs cp -t 0 "$T/f" "$M/f" >"$T/out" 2>"$T/err" &
	pid=$!
	until [[ -e $M/f ]]; do sleep 0.01; done
	truncate -s 300000000 "$T/f"
	wait "$pid" || rc=$?
	is "$rc" 1
	warns 'changed its size while it was copied'
}

test_cp_bad_memory() {
	random_file "$T/f" 300000
	good famfs cp "$T/f" "$M/f"
	good "$PLANT" "$M/f" poison 8192
	bad 1 "can't copy to f: Input/output error; the copy is not complete" \
		famfs cp "$T/f" "$M/f"
	bad 1 "can't copy to g: Input/output error" famfs cp "$M/f" "$M/g"
	forget_poison
	good famfs cp "$T/f" "$M/f"
	good famfs cp "$M/f" "$M/g"
	good cmp "$T/f" "$M/g"
}

# All of a tree, or nothing: neither the device nor the log is filled with half
test_cp_no_room() {
	local n
	mkdir -p "$T/src/d"
	for n in 1 2 3 4 5 6; do
		truncate -s 100m "$T/src/d/$n"
	done
	snapshot
	bad 1 'new files of 629145600 bytes in all do not fit: [0-9]+ are free; nothing was made' \
		famfs cp -r "$T/src" "$M"
	bad 1 'do not fit' famfs cp "$T"/src/d/* "$M"
	bad 1 'do not fit' famfs -n cp -r "$T/src" "$M"
	unchanged
	# What is there needs no room of its own
	rm "$T/src/d/5" "$T/src/d/6"
	good famfs cp -r "$T/src" "$M"
	good famfs cp -r "$T/src" "$M"
	remount
	"$PLANT" "$M" fill 3
	mkdir -p "$T/more"
	random_file "$T/more/a" 10
	random_file "$T/more/b" 10
	random_file "$T/more/c" 10
	snapshot
	bad 1 '4 new files and directories do not fit: the log has room for 3' \
		famfs cp -r "$T/more" "$M"
	unchanged
	rm "$T/more/c"
	good famfs cp -r "$T/more" "$M"
	good diff -r "$T/more" "$M/more"
}

# Owner and mode are the log's to keep: what they are to protect does not go into
# a file that has others
test_cp_over_others() {
	random_file "$T/f" 5000
	chmod 0644 "$T/f"
	good famfs cp "$T/f" "$M/f"
	cp "$M/f" "$T/was"
	random_file "$T/f" 5000
	chmod 0600 "$T/f"
	bad 1 'there with mode 0644 and owner 0:0, not 0600 and 0:0' \
		famfs cp -a "$T/f" "$M/f"
	bad 1 'not 0600' famfs cp -m 0600 "$T/f" "$M/f"
	bad 1 'not 0600 and 5:0' famfs cp -m 0600 -u 5 "$T/f" "$M/f"
	good cmp "$T/was" "$M/f"
	good famfs cp -m 0644 -u 0 -g 0 "$T/f" "$M/f"
	good cmp "$T/f" "$M/f"
}

# What the format can't name is told once, and the rest is copied
test_cp_long_names() {
	local long
	long=$(printf 'x%.0s' {1..76})
	mkdir -p "$T/src/$long/d"
	random_file "$T/src/$long/f" 10
	random_file "$T/src/g" 10
	bad 1 "$long: path has 80 bytes .* 79 at most" famfs cp -r "$T/src" "$M"
	is "$(wc -l <"$T/err")" 1
	good cmp "$T/src/g" "$M/src/g"
	[ ! -e "$M/src/$long" ] || fail "$long is there"
}
