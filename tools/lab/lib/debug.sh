# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The debug kernel: the newest kernel's source, built with the checkers that
# debug.config asks for, and which kernel a run is of.
#
# Made here, as $CACHE/debug-KEY, KEY being a hash of how it is made, of what
# configuration and of which source:
#   vmlinuz-V     the kernel; all that a machine needs is built in
#   boot-V.cpio   first part of its initial ramdisk, as that of other kernels
#   modules/V     what depmod reads, and, in build/, what modules are built with
# It is built with the compiler that ROOT had then, and may outlive ROOT.

# What the compiler says of an object, in the log; for the progress alone.
DEBUG_OBJECTS=2300

debug_key()
{
	cat "$LAB/lib/debug.sh" "$LAB/debug.config" "$ROOT/source.version" |
		hash_of
}

# debug_ensure: set DEBUG to a debug kernel that is current, and hold it. The
# caller has the cache lock, which is given to others while a kernel is built.
debug_ensure()
{
	local lock dir used

	DEBUG=$CACHE/debug-$(debug_key)
	if [[ ! -d $DEBUG ]]; then
		cache_unlock
		exec {lock}>"$CACHE/lock.debug"
		if ! flock -n "$lock"; then
			say "waiting for another lab, which builds a debug kernel"
			flock "$lock"
		fi
		if [[ ! -d $DEBUG ]]; then
			debug_make "$DEBUG"
		fi
		exec {lock}>&-
		cache_lock
	fi
	item_hold "$DEBUG"
	printf '%s\n' "$DEBUG" >"$BUILD/debug"
	used=$(cat "$CACHE"/build-*/debug)
	for dir in "$CACHE"/debug-*; do
		if [[ $'\n'$used$'\n' != *$'\n'$dir$'\n'* ]]; then
			item_discard "$dir"
		fi
	done
}

# debug_make DIR
debug_make()
{
	local dir=$CACHE/unfinished.debug log=$CACHE/log.debug

	rm -rf --one-file-system "$dir"
	mkdir -p "$dir/src"
	say "building the debug kernel (10 to 20 minutes, once)"
	logged "$log" "could not build the debug kernel" debug_build "$dir"
	rm -rf "$dir"/{src,stage,part}
	mv "$dir" "$1"
}

debug_build()
{
	local BUILD=$CACHE

	tar -xJf "$ROOT/source.tar.xz" --strip-components=1 -C "$1/src"
	{
		cat "$LAB/debug.config"
		# So that what is built for one debug kernel is not taken for another.
		printf 'CONFIG_LOCALVERSION="-debug-%s"\n' "$(debug_key)"
	} >"$1/config"
	# shellcheck disable=SC2016 # runs in the chroot
	in_chroot "${1##*/}" bash -euo pipefail -c '
		export KBUILD_BUILD_USER=famfs KBUILD_BUILD_HOST=lab LOCALVERSION=
		make -s defconfig kvm_guest.config
		cat ../config >>.config
		make -s olddefconfig
		# What cannot be had is left out without a word.
		while read -r line; do
			grep -qxF "$line" .config ||
				{ echo "this kernel cannot be had with $line"; exit 1; }
		done < <(grep =y ../config)

		make -j"$(nproc)" bzImage modules
		version=$(cat include/config/kernel.release)
		cp "$(make -s image_name)" "../vmlinuz-$version"
		mkdir -p "../modules/$version/updates"
		cp modules.builtin modules.builtin.modinfo modules.order \
			"../modules/$version/"
		make -s run-command \
			KBUILD_RUN_COMMAND="\$(srctree)/scripts/package/install-extmod-build /build/modules/$version/build"

		mkdir -p ../part/{bin,mod,dev,proc,sys,root}
		cp /usr/bin/busybox ../part/bin/
		cd ../part
		find . | cpio -o -H newc --quiet >"../boot-$version.cpio"
	' 2>&1 | debug_progress
}

# debug_progress: pass a build's messages through, and say how far it is.
debug_progress()
{
	local line count=0

	while IFS= read -r line; do
		printf '%s\n' "$line"
		if [[ $line == '  CC '* ]] && ((++count % 200 == 0)); then
			say "the debug kernel: $count of about $DEBUG_OBJECTS" \
				2>&"$LOGGED_ERR"
		fi
	done
}

# kernel_choose SERIES: set KERNEL to the version that SERIES stands for, "debug"
# or as root_kernel has it, KERNEL_IMAGE and KERNEL_BOOT to its file and the
# first part of its ramdisk, and KERNEL_MODULES to what is to be at
# /lib/modules instead of what is there, or to nothing.
kernel_choose()
{
	if [[ $1 == debug ]]; then
		debug_ensure
		KERNEL=$(ls "$DEBUG/modules")
		KERNEL_MODULES=$DEBUG/modules
		KERNEL_IMAGE=$DEBUG/vmlinuz-$KERNEL
		KERNEL_BOOT=$DEBUG/boot-$KERNEL.cpio
	else
		KERNEL=$(root_kernel "$1")
		KERNEL_MODULES=''
		KERNEL_IMAGE=$ROOT/tree/boot/vmlinuz-$KERNEL
		KERNEL_BOOT=$ROOT/boot-$KERNEL.cpio
	fi
}
