# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Building the checkout, in the chroot, and packing the result for a machine.
#
# Nothing is built in the checkout itself. For each checkout the cache has
# $CACHE/build-KEY, KEY being a hash of where the checkout lies, with a tree for
# each kernel (the module) and one named "user" (tools and tests):
#   TREE/src        copy of the sources, and what was built there
#   TREE/manifest   a hash of each of these files
#   TREE/stage      what make install put there: becomes the guest's /usr
#   TREE/part.cpio  that stage, as a part of the initial ramdisk
#   TREE/done       manifest and root file system that part.cpio was made of
# A file whose contents changed is copied anew, all others keep their times, so
# that make rebuilds only what it must. When files come or go, or the root file
# system changes, the tree is built from nothing.

# What the kernel's part is built from, and what the rest is.
BUILD_KERNEL_FILES=(Makefile fs drivers include)
BUILD_USER_FILES=(Makefile fs drivers include tools/famfs tools/testing tools/lab/guest)

build_dir()
{
	printf '%s/build-%s\n' "$CACHE" "$(printf '%s' "$TOP" | hash_of)"
}

# build_prepare: set BUILD, and forget what nobody needs any more: the builds of
# checkouts that are gone, and root file systems that no checkout uses (two may
# want different ones). The caller has the cache lock.
build_prepare()
{
	local dir used

	BUILD=$(build_dir)
	mkdir -p "$BUILD"
	printf '%s\n' "$TOP" >"$BUILD/checkout"
	printf '%s\n' "$ROOT" >"$BUILD/root"
	item_hold "$BUILD"
	for dir in "$CACHE"/build-*; do
		if [[ ! -d $(cat "$dir/checkout" 2>/dev/null) ]]; then
			item_discard "$dir"
		fi
	done
	used=$(cat "$CACHE"/build-*/root)
	for dir in "$CACHE"/root-*; do
		if [[ $'\n'$used$'\n' != *$'\n'$dir$'\n'* ]]; then
			item_discard "$dir"
		fi
	done
}

# build_files PATH...: the checkout's own files under PATH, NUL-terminated:
# tracked, or new and not ignored. Without git, all but what a build leaves.
build_files()
{
	local path

	if git -C "$TOP" rev-parse --git-dir >/dev/null 2>&1; then
		git -C "$TOP" ls-files -z -co --exclude-standard -- "$@"
	else
		for path in "$@"; do
			[[ -e $TOP/$path ]] || continue
			(cd "$TOP" && find "$path" -type f ! -name '*.o' \
				! -name '*.ko' ! -name '.*.cmd' ! -name '*.mod*' \
				! -name '*.a' ! -name '*.order' \
				! -name '*.symvers' -print0)
		done
	fi |
	while IFS= read -r -d '' path; do
		# git lists what was deleted and not yet committed, too.
		if [[ -f $TOP/$path ]]; then
			printf '%s\0' "$path"
		fi
	done | sort -zu
}

# Lines of 64 digits, two spaces and a name; one of a 1 for what is executable.
build_manifest()
{
	cd "$TOP" || return
	build_files "$@" | xargs -0 -r sha256sum
	build_files "$@" | while IFS= read -r -d '' path; do
		if [[ -x $path ]]; then
			printf '%064d  %s\n' 1 "$path"
		fi
	done
}

# build_sync TREE PATH...: bring TREE/src up to the checkout. STALE is then 0 if
# what was built before is of the same, else 1.
build_sync()
{
	local tree=$BUILD/$1 path
	shift

	mkdir -p "$tree"
	(build_manifest "$@") >"$tree/manifest.new"
	printf '%s\n' "${ROOT##*/}" | cat - "$tree/manifest.new" >"$tree/wanted"
	STALE=0
	if cmp -s "$tree/wanted" "$tree/done"; then
		return
	fi
	STALE=1
	rm -f "$tree/done"
	if [[ ! -f $tree/manifest || $(cat "$tree/root" 2>/dev/null) != "${ROOT##*/}" ]] ||
	   ! cmp -s <(cut -c67- "$tree/manifest") <(cut -c67- "$tree/manifest.new"); then
		rm -rf "$tree/src" "$tree/manifest"
		printf '%s\n' "${ROOT##*/}" >"$tree/root"
	fi
	mkdir -p "$tree/src"
	touch "$tree/manifest"
	comm -13 <(sort "$tree/manifest") <(sort "$tree/manifest.new") |
	cut -c67- | sort -u |
	while IFS= read -r path; do
		mkdir -p "$tree/src/$(dirname "$path")"
		cp "$TOP/$path" "$tree/src/$path"
	done
	mv "$tree/manifest.new" "$tree/manifest"
}

# in_chroot TREE COMMAND...: run COMMAND in the root file system, which it
# cannot change, with TREE at /build and the checkout, read-only, at /src. The
# mounts are those of a namespace of its own and end with it.
in_chroot()
{
	local work=$BUILD/$1
	shift

	# shellcheck disable=SC2016 # expanded by the inner shell
	KVER=${KVER-} MODULES=${KERNEL_MODULES-} alone '
		tree=$1 work=$2 top=$3
		shift 3
		mount --bind "$tree" "$tree"
		mount -o remount,bind,ro "$tree"
		mount -t proc proc "$tree/proc"
		mount --rbind /dev "$tree/dev"
		mount -t tmpfs tmpfs "$tree/tmp"
		if [[ -n $MODULES ]]; then
			mount --bind "$MODULES" "$tree/usr/lib/modules"
		fi
		mount --bind "$work" "$tree/build"
		mount --bind "$top" "$tree/src"
		mount -o remount,bind,ro "$tree/src"
		chroot "$tree" /usr/bin/env -i -C /build/src \
			HOME=/tmp LANG=C.UTF-8 TERM="${TERM:-dumb}" \
			PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin \
			KSFT=/usr/src/linux/tools/testing/selftests \
			${KVER:+KVER="$KVER" KDIR="/lib/modules/$KVER/build"} \
			"$@"
	' "$ROOT/tree" "$work" "$TOP" "$@"
}

# build_run TREE WHAT SCRIPT: run SCRIPT in the chroot; show its messages only
# if it fails.
build_run()
{
	local log=$BUILD/$1/log

	say "building $2"
	# shellcheck disable=SC2016 # expanded in the chroot
	if ! in_chroot "$1" bash -euc "$3" >"$log" 2>&1; then
		cat "$log" >&2
		die "building $2 failed: see above"
	fi
}

# The places in a stage are where Debian has merged /lib and the like into
# /usr, so that make install can name either.
# shellcheck disable=SC2016 # runs in the chroot
BUILD_STAGE='
	rm -rf /build/stage
	mkdir -p /build/stage/usr/lib /build/stage/usr/sbin /build/stage/usr/bin
	ln -s usr/lib usr/sbin usr/bin /build/stage/
'
# shellcheck disable=SC2016
BUILD_PACK='
	rm -rf /build/part
	mkdir /build/part
	if [[ -f /build/part-init ]]; then mv /build/part-init /build/part/init; fi
	mkdir -p /build/part/stage
	mv /build/stage/usr /build/part/stage/
	cd /build/part
	find . | cpio -o -H newc --quiet >/build/part.cpio
	rm -rf /build/part /build/stage
'

build_done()
{
	mv "$BUILD/$1/wanted" "$BUILD/$1/done"
}

# build_module: for KERNEL.
build_module()
{
	local KVER=$KERNEL

	build_sync "$KVER" "${BUILD_KERNEL_FILES[@]}"
	((STALE)) || return 0
	# depmod here and not in the guest: an emulated processor takes long.
	# shellcheck disable=SC2016 # runs in the chroot
	build_run "$KVER" "the module for $KVER" "$BUILD_STAGE"'
		make -j2 modules
		make modules_install DESTDIR=/build/stage
		mount --bind "/build/stage/lib/modules/$KVER/updates" \
			"/lib/modules/$KVER/updates"
		depmod -o /build/stage "$KVER"
		# modprobe reads the .bin of these.
		cd "/build/stage/lib/modules/$KVER"
		rm -f modules.dep modules.alias modules.symbols
	'"$BUILD_PACK"
	build_done "$KVER"
}

build_user()
{
	build_sync user "${BUILD_USER_FILES[@]}"
	((STALE)) || return 0
	# shellcheck disable=SC2016 # runs in the chroot
	build_run user "the tools and tests" "$BUILD_STAGE"'
		make -j2 tools selftests
		make tools_install selftests_install DESTDIR=/build/stage
		guest=/build/src/tools/lab/guest
		install -D -t /build/stage/usr/lib/famfs-lab "$guest/init"
		install -t /build/stage/usr/bin "$guest/lab-barrier"
		install "$guest/initramfs-init" /build/part-init
	'"$BUILD_PACK"
	build_done user
}

# build_initrd FILE: build what is out of date, and put together the
# initial ramdisk for KERNEL as FILE. The caller has the cache lock, so that
# the parts belong together.
build_initrd()
{
	build_user
	build_module
	cat "$KERNEL_BOOT" "$BUILD/user/part.cpio" \
		"$BUILD/$KERNEL/part.cpio" >"$1"
}
