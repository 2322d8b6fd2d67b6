# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What is in files: creat -r, verify, flush, chkread, getmap, clone. Sourced by
# e2e.

# change FILE OFFSET: another byte there
change() {
	local byte
	byte=$(od -An -tu1 -j "$2" -N 1 "$1")
	# shellcheck disable=SC2059 # the format is the byte
	printf "\\x$(printf %x $((byte ^ 128)))" |
		dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

test_creat_random() {
	local seed size
	good famfs creat -r -s 3000001 -S 5 "$M/f"
	[ ! -s "$T/out" ] || fail "it says something"
	is "$(stat -c '%s %a' "$M/f")" "3000001 644"
	good famfs verify -S 5 -f "$M/f"
	says 'f: good, 3000001 bytes'
	good famfs verify -q --seed 0x5 --filename "$M/f"
	[ ! -s "$T/out" ] || fail "it is not quiet"
	bad 1 'f: wrong from offset [0-3] ' famfs verify -q -S 6 -f "$M/f"
	# Without -S a seed is chosen, and told
	good famfs creat --randomize -s 5m "$M/g"
	seed=$(sed -n 's/^seed: //p' "$T/out")
	good famfs verify -S "$seed" -f "$M/g"
	cp "$M/g" "$T/g"
	# Filled anew: by the size it has, or by the right one
	good famfs creat -r "$M/g"
	[ "$(sed -n 's/^seed: //p' "$T/out")" != "$seed" ] ||
		fail "the same seed"
	bad 1 'wrong' famfs verify -S "$seed" -f "$M/g"
	good famfs creat -rv -s 5m -S "$seed" "$M/g"
	says 'is there'
	says "filled .*seed $seed"
	good cmp "$M/g" "$T/g"
	# A copy elsewhere passes as well
	good famfs verify -S "$seed" -f "$T/g"
	is "$(entries)" 2
	# Any size, any seed, any number of threads
	for size in 1 7 8 9 4095 4097 4194303 4194305 12582913; do
		for seed in 0 18446744073709551615; do
			good famfs creat -r -s "$size" -S "$seed" -t 256 \
				"$M/s$size-$seed"
			good famfs verify -S "$seed" -f "$M/s$size-$seed" -t 1
			good famfs verify -S "$seed" -f "$M/s$size-$seed" -t 256
		done
		change "$M/s$size-0" $((size - 1))
		bad 1 "from offset $((size - 1)) on" \
			famfs verify -S 0 -f "$M/s$size-0" --threadct 3
	done
	# Strips, and too little memory for all of the threads
	good famfs creat -r -s 40000001 -S 9 -N 3 -B 4 "$M/strips"
	good famfs getmap "$M/strips"
	says 'interleaved'
	(
		ulimit -v 400000
		good famfs creat -r -S 10 -t 256 "$M/strips"
		good famfs verify -S 10 -f "$M/strips" -t 256
	)
	remount
	good famfs verify -m "$M/f,5" -m "$M/strips,10"
}

test_creat_random_refusals() {
	local n s
	good famfs mkdir "$M/d"
	good famfs creat -r -S 1 -s 1m "$M/f"
	snapshot
	bad 1 'for filling' famfs creat -s 1m -S 1 "$M/x"
	bad 1 'for filling' famfs creat -S 1 "$M/f"
	bad 1 'is not there; say with -s' famfs creat -r "$M/x"
	bad 1 'is a directory' famfs creat -r "$M/d"
	bad 1 'is a directory' famfs creat -r "$M"
	bad 1 'never logged' famfs creat -r "$M/.meta/.log"
	bad 1 'sizes never change' famfs creat -r -s 2m "$M/f"
	bad 1 'do not fit' famfs creat -r -s 64g "$M/x"
	bad 1 'exactly one file' famfs creat -r "$M/f" "$M/x"
	for s in -1 '' x 1k 18446744073709551616 1.5 0x; do
		bad 1 'seed' famfs creat -r -s 1m -S "$s" "$M/x"
	done
	for n in 0 257 -1 x '' 4294967297; do
		bad 1 'threads.*from 1 to 256' \
			famfs creat -r -s 1m -t "$n" "$M/x"
	done
	good touch "$T/by-hand"
	bad 1 'not in a famfs mount' famfs creat -r "$T/by-hand"
	good famfs -n creat -v -r -s 1m "$M/x"
	says 'would fill'
	good famfs -n creat -v -r "$M/f"
	unchanged
	mkdir -p "$(dirname "$ID")"
	echo 11111111-2222-3333-4444-555555555555 >"$ID"
	bad 1 'client' famfs creat -r "$M/f"
	unchanged
	good famfs verify -S 1 -f "$M/f"
}

test_creat_multi() {
	good famfs mkdir -p "$M/d/e"
	good famfs creat -v -M "$M/a,3000001,7" --multi "$M/d/b,1m" \
		-M "$M/d/e/c,0x1001,0xffffffffffffffff" -t 3 -m 0600
	says 'made .*/d/b, 1048576 bytes'
	is "$(stat -c '%s %a' "$M/d/b")" "1048576 600"
	is "$(stat -c %s "$M/d/e/c")" 4097
	good famfs verify -m "$M/a,7" -m "$M/d/e/c,18446744073709551615"
	is "$(entries)" 5
	# Again: they are there
	good famfs creat -M "$M/a,3000001,8" -M "$M/d/b,1m"
	good famfs verify -m "$M/a,8"
	# Names with blanks and commas
	good famfs creat -M "$M/x y,z,4k" -M "$M/1,2,4096,5" -M "$M/,,1m"
	is "$(stat -c %s "$M/x y,z")" 4096
	is "$(stat -c %s "$M/,")" "$MIB"
	is "$(stat -c %s "$M/1,2")" 4096
	good famfs verify -m "$M/1,2,5"
	# The good ones are made, though there is no room for another
	bad 1 'no: 68719476736 bytes do not fit' famfs creat -M "$M/g1,1m,1" \
		-M "$M/no,64g,2" -M "$T/no,1m,3" -M "$M/none/x,1m" \
		-M "$M/g1,1m,4" -M "$M/a,1m" -M "$M/d,1m,5" -M "$M/g2,1m,6"
	warns 'not in a famfs mount'
	warns 'not there'
	warns 'g1: is named twice'
	warns 'a: is there with'
	warns 'd: is a directory'
	good famfs verify -m "$M/g1,1" -m "$M/g2,6"
	[ ! -e "$M/no" ] || fail "the one that does not fit is there"
	# And though it is the first
	bad 1 'no famfs|not in a famfs' famfs creat -M "$T/no,1m" -M "$M/g3,2m,1"
	good famfs verify -m "$M/g3,1"
	remount
	good famfs verify -m "$M/a,8" -m "$M/g1,1" -m "$M/g2,6" -m "$M/1,2,5"
	good famfs fsck "$M"
}

test_creat_multi_refusals() {
	local arg
	snapshot
	for arg in "$M/x" "$M/x," ",1m" ",1m,1" "$M/x,y" "$M/x,1m,1k" \
		"$M/x,1m,-1" "$M/x,1q,1" "$M/x,y,4096" "$M/x,1m," "$M/x,-1" \
		"$M/x,1m,18446744073709551616" "$M/x,18446744073709551616" ""; do
		bad 1 'expected FILE,SIZE' famfs creat -M "$M/y,1m" -M "$arg"
	done
	bad 1 '-M goes neither' famfs creat -M "$M/x,1m" "$M/y"
	bad 1 '-M goes neither' famfs creat -M "$M/x,1m" -s 1m
	bad 1 '-M goes neither' famfs creat -M "$M/x,1m" -r
	bad 1 '-M goes neither' famfs creat -S 1 -M "$M/x,1m"
	bad 1 '0 bytes' famfs creat -M "$M/x,0,1"
	bad 1 'threads' famfs creat -M "$M/x,1m,1" -t 0
	good famfs -n creat -v -M "$M/x,1m,1" -M "$M/y,2m"
	says 'would fill .*/x'
	says 'would make .*/y, 2097152 bytes'
	unchanged
	bad 1 'needs an argument' famfs creat -M
}

# Two mounts: files of one command are in one of them
test_creat_multi_mounts() {
	mkdir -p "$T/m2"
	good mkfs.famfs -f "$DEV2"
	good mount -t famfs "$DEV2" "$T/m2"
	gives 1 famfs creat -M "$M/a,1m,1" -M "$T/m2/b,1m,1" -M "$M/c,1m,1"
	local other=0
	[ ! -e "$T/m2/b" ] || other=1
	umount "$T/m2"
	warns 'b: is not in the same mount'
	is "$other" 0
	good famfs verify -m "$M/a,1" -m "$M/c,1"
}

test_verify() {
	good famfs creat -M "$M/a,5m,1" -M "$M/b,5m,2"
	good famfs verify -m "$M/a,1" -m "$M/b,0x2" -t 2
	says 'a: good'
	says 'b: good'
	# Each is looked at, whatever another is like
	bad 1 'a: wrong' famfs verify -m "$M/a,9" -m "$M/none,1" -m "$M/b,2"
	warns 'none: No such file'
	says 'b: good'
	bad 1 'is a directory' famfs verify -m "$M,1"
	bad 1 'no regular file' famfs verify -S 1 -f /dev/zero
	good touch "$M/empty"
	bad 1 'empty: is empty' famfs verify -S 1 -f "$M/empty"
	good mkfifo "$T/fifo"
	bad 1 'no regular file' timeout 10 famfs verify -S 1 -f "$T/fifo"
	# Shorter or longer than it was filled
	head -c 1000 "$M/a" >"$T/short"
	good famfs verify -S 1 -f "$T/short"
	(cat "$M/a" && echo more) >"$T/long"
	bad 1 "from offset $((5 * MIB)) on" famfs verify -S 1 -f "$T/long"
	# What this host's cache holds is not what counts, nor is who looks
	mkdir -p "$(dirname "$ID")"
	echo 11111111-2222-3333-4444-555555555555 >"$ID"
	remount
	is "$(stat -c %a "$M/a")" 444
	good "${USER_CMD[@]}" famfs verify -S 1 -f "$M/a"
	good famfs verify -m "$M/b,2"
}

test_verify_refusals() {
	good famfs creat -r -s 1m -S 1 "$M/a"
	bad 1 'are needed' famfs verify
	bad 1 'are needed' famfs verify -S 1
	bad 1 'are needed' famfs verify -f "$M/a"
	bad 1 'only one -f' famfs verify -S 1 -f "$M/a" -f "$M/a"
	bad 1 '-m goes neither' famfs verify -S 1 -m "$M/a,1"
	bad 1 '-m goes neither' famfs verify -f "$M/a" -m "$M/a,1"
	bad 1 '-m goes neither' famfs verify -S 1 -f "$M/a" -m "$M/a,1"
	bad 1 'by -f or -m' famfs verify -S 1 -f "$M/a" "$M/a"
	bad 1 'expected FILE,SEED' famfs verify -m "$M/a"
	bad 1 'expected FILE,SEED' famfs verify -m ",1"
	bad 1 'seed' famfs verify -m "$M/a,"
	bad 1 'seed' famfs verify -m "$M/a,-1"
	bad 1 'seed' famfs verify -S 1k -f "$M/a"
	bad 1 'threads' famfs verify -S 1 -f "$M/a" -t 0
	bad 1 'threads' famfs verify -S 1 -f "$M/a" -t 257
	good famfs -n verify -S 1 -f "$M/a"
}

test_flush() {
	good famfs creat -r -s 3000001 -S 1 "$M/a"
	good famfs creat -s 4m -m 0444 "$M/b c"
	good famfs flush "$M/a"
	[ ! -s "$T/out" ] || fail "it says something"
	good famfs flush -v "$M/a" "$M/b c"
	says 'flushed .*/a$'
	says 'flushed .*/b c$'
	good "${USER_CMD[@]}" famfs flush "$M/a" "$M/b c"
	good famfs verify -S 1 -f "$M/a"
	good famfs -n flush --verbose "$M/a"
	says 'would flush'
	good famfs flush "$M/.meta/.superblock" "$M/.meta/.log"
	# Those that fail are named, and the others still flushed
	bad 1 'none: No such' famfs flush -v "$M/none" "$M" "$T/out" "$M/a"
	warns 'is a directory'
	warns 'out: is no file of a famfs mount'
	says 'flushed .*/a$'
	gives 1 famfs flush -q "$M/none" "$M" "$T/out" "$M/a"
	[ ! -s "$T/err" ] || fail "it is not quiet"
	bad 1 'a file is needed' famfs flush
	bad 1 'unknown' famfs flush -x "$M/a"
	good famfs creat -s 4096 -m 0600 "$M/secret"
	bad 1 'Permission' "${USER_CMD[@]}" famfs flush "$M/secret"
	# On a mount whose caches are coherent there is nothing to do
	good umount "$M"
	good mount -t famfs -o coherent "$DEV" "$M"
	good famfs flush "$M/a"
}

test_chkread() {
	local i rc=0 writer
	good famfs creat -r -s 70000001 -S 1 "$M/a"
	good famfs chkread "$M/a"
	says 'a: the same by read.*, 70000001 bytes'
	good famfs creat -r -s 40000001 -S 9 -N 3 -B 4 "$M/strips"
	good famfs chkread "$M/strips"
	good famfs creat -r -s 1 -S 1 "$M/b"
	good "${USER_CMD[@]}" famfs chkread "$M/b"
	good famfs chkread "$M/.meta/.log"
	good famfs chkread -s "$M/.meta/.superblock"
	good famfs chkread -l "$M/.meta/.log"
	good famfs -n chkread --log "$M/.meta/.log"
	bad 1 'not show the superblock' famfs chkread -s "$M/.meta/.log"
	bad 1 'not show the log' famfs chkread -l "$M/.meta/.superblock"
	bad 1 'not show the superblock' famfs chkread --superblock "$M/a"
	cp "$M/.meta/.superblock" "$T/super"
	bad 1 'not show the superblock' famfs chkread -s "$T/super"
	bad 1 'do not go together' famfs chkread -s -l "$M/.meta/.log"
	bad 1 'exactly one file' famfs chkread
	bad 1 'exactly one file' famfs chkread "$M/a" "$M/b"
	bad 1 'No such file' famfs chkread "$M/none"
	bad 1 'is a directory' famfs chkread "$M"
	bad 1 'no regular file' famfs chkread /dev/null
	good touch "$M/empty"
	bad 1 'is empty' famfs chkread "$M/empty"
	# Bytes that change between the two looks are a difference
	for i in 1 2 3 4 5 6 7 8; do
		random_file "$T/$i" 8000000
	done
	while :; do
		for i in 1 2 3 4 5 6 7 8; do
			dd if="$T/$i" of="$M/a" bs=1M conv=notrunc status=none
		done
	done &
	writer=$!
	for i in {1..500}; do
		rc=0
		famfs chkread "$M/a" >"$T/out" 2>"$T/err" || rc=$?
		[ "$rc" = 0 ] || break
	done
	kill "$writer"
	wait "$writer" || true
	is "$rc" 1
	warns 'a: differs at offset [0-9]+: read'
	# A superblock and a log that are the same, and bad
	good "$PLANT" "$M" flip .superblock 8
	bad 1 'superblock: ' famfs chkread -s "$M/.meta/.superblock"
	good famfs chkread "$M/.meta/.superblock"
	good "$PLANT" "$M" flip .log 0
	bad 1 'log: ' famfs chkread -l "$M/.meta/.log"
}

test_data_bad_memory() {
	good famfs creat -r -s 20m -S 1 "$M/a"
	good famfs creat -r -s 1m -S 1 "$M/b"
	good "$PLANT" "$M/a" poison $((9 * MIB + 8192))
	good "$PLANT" "$M/a" poison $((17 * MIB))
	bad 1 "a: can't be read at offset $((9 * MIB + 8192)): " \
		famfs verify -m "$M/a,1" -m "$M/b,1"
	says 'b: good'
	bad 1 "offset $((9 * MIB + 8192)): " famfs verify -S 1 -f "$M/a" -t 1
	bad 1 "offset $((9 * MIB + 8192)): " famfs chkread "$M/a"
	bad 1 "bad at offset $((9 * MIB + 8192)), 4096 bytes" \
		famfs flush -v "$M/a" "$M/b"
	says 'flushed .*/b$'
	gives 1 famfs flush -q "$M/a"
	bad 1 "can't be filled at offset $((9 * MIB + 8192)): " \
		famfs creat -r -S 2 "$M/a"
	good famfs creat -r -S 2 "$M/b"
	# What is wrong before the bad place comes first
	bad 1 'wrong from offset 0 on' famfs verify -S 3 -f "$M/a"
	good "$PLANT" "$M/.meta/.superblock" poison 0
	bad 1 "can't be read at offset 0|memory of the device is bad" \
		famfs chkread -s "$M/.meta/.superblock"
	forget_poison
}

test_getmap_several() {
	good famfs creat -s 1m "$M/a"
	good famfs creat -s 2m "$M/b"
	good touch "$M/empty"
	bad 22 'several after -c' famfs getmap "$M/a" "$M/b"
	good famfs getmap -c "$M/a"
	good famfs getmap -c "$M/a" "$M/b"
	says 'a: regular file, 1048576 bytes'
	says 'b: regular file, 2097152 bytes'
	# Goes on after one that has none, which gives the status
	bad 2 'empty: has no map' famfs getmap -c "$M/a" "$M/empty" "$T/out" \
		"$M/b"
	warns 'no file of a famfs mount'
	says 'b: regular file'
	gives 1 famfs getmap --continue -q "$M/a" "$T/out" "$M/empty"
	[ ! -s "$T/out" ] || fail "it is not quiet"
	gives 2 famfs getmap -c "$M/none" "$M/a"
	bad 22 'a file is needed' famfs getmap -c
}

test_clone() {
	good famfs mkdir "$M/d"
	good famfs creat -r -s 3m -S 1 "$M/a"
	snapshot
	bad 1 'b: No such file|not in the log' famfs clone "$M/b" "$M/c"
	bad 1 'd: is a directory' famfs clone "$M/d" "$M/c"
	bad 1 'is a directory' famfs clone "$M" "$M/c"
	bad 1 'is a directory' famfs clone "$M/a" "$M"
	bad 1 'is there already' famfs clone "$M/a" "$M/a"
	bad 1 'is there already' famfs clone "$M/a" "$M/d"
	bad 1 'never logged' famfs clone "$M/.meta/.log" "$M/c"
	bad 1 'not in a famfs mount' famfs clone "$T/out" "$M/c"
	bad 1 'not in a famfs mount' famfs clone "$M/a" "$T/c"
	bad 1 'not there' famfs clone "$M/a" "$M/none/c"
	bad 1 '79 at most' famfs clone "$M/a" "$M/$(printf 'x%.0s' {1..80})"
	bad 1 'are needed' famfs clone "$M/a"
	bad 1 'are needed' famfs clone "$M/a" "$M/b" "$M/c"
	good famfs -n clone -v "$M/a" "$M/c"
	says 'would log'
	unchanged
	good touch "$M/by-hand"
	bad 1 'is there already' famfs clone "$M/a" "$M/by-hand"
	mkdir -p "$(dirname "$ID")"
	echo 11111111-2222-3333-4444-555555555555 >"$ID"
	bad 1 'client' famfs clone "$M/a" "$M/c"
	rm "$ID"
	good famfs fsck "$M"
	# Logged, not mapped; everything else goes on
	good famfs clone "$M/a" "$M/d/c"
	says 'd/c: logged on the memory of .*/a, which the kernel does not'
	[ ! -e "$M/d/c" ] || fail "it is in the mount"
	bad 1 'd/c: is there already' famfs clone "$M/a" "$M/d/c"
	good famfs creat -s 2m "$M/d/a-longer-name"
	good famfs clone "$M/d/a-longer-name" "$M/b"
	# The path of the fifth entry: what is behind its end is 0
	is "$(tail -c +$((48 + 4 * 544 + 40 + 1)) "$M/.meta/.log" |
		head -c 80 | tr -d '\0')" b
	gives 4 famfs fsck "$M"
	warns 'share'
	good famfs creat -r -s 1m -S 2 "$M/e"
	good famfs verify -m "$M/a,1" -m "$M/e,2"
}
