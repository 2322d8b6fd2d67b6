# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# The root file system: one Debian tree with the stock kernels, a compiler and
# the libraries. It is the chroot in which everything is built, and, less what
# only a build needs, the root of every virtual machine. So what is built fits
# what runs it, and nothing of the host leaks into either.
#
# Made here, as $CACHE/root-KEY:
#   tree/           the Debian tree
#   image.ext4      the virtual machines' root; each run sees a copy of its own
#   source.tar.xz   the newest kernel's source, whole; source.version tells which
#   boot-V.cpio     for each kernel V, first part of its initial ramdisk:
#                   busybox, and the modules that reach root and 9p
# KEY covers this file alone. The packages are the newest when it is made, and
# stay as they are until lab setup --fresh.

ROOT_SUITE=trixie

# Both kernels are the newest of their suites: none is pinned.
ROOT_PACKAGES=(
	build-essential linux-image-amd64 linux-headers-amd64 kmod
	busybox-static cpio xz-utils
	ndctl daxctl sqlite3 xfsprogs strace e2fsprogs fio
	libmount-dev libdaxctl-dev uuid-dev zlib1g-dev libjson-c-dev
	libcmocka-dev afl++ gcovr mandoc clang libclang-rt-dev pkgconf sparse shellcheck coccinelle libpython3-dev
	flex bison bc libelf-dev libssl-dev
	qemu-user gcc-s390x-linux-gnu libc6-dev-s390x-cross
)
# A machine of the other byte order, for the unit tests of the media format.
ROOT_FOREIGN=s390x
ROOT_FOREIGN_PACKAGES=(zlib1g-dev libcmocka-dev)
ROOT_BACKPORTS=(linux-image-amd64 linux-headers-amd64)

# What is at hand of the newest kernel's source, in /usr/src/linux.
ROOT_SOURCE_PARTS=(
	'scripts/checkpatch.pl' 'scripts/spelling.txt'
	'scripts/const_structs.checkpatch' 'scripts/kernel-doc'
	'scripts/coccicheck' 'scripts/coccinelle'
	'tools/docs/kernel-doc' 'tools/lib/python'
	'tools/testing/selftests/*.h' 'tools/testing/selftests/lib.mk'
	'tools/testing/selftests/kselftest'
	'Documentation/dev-tools/checkpatch.rst'
)

# What the first part of an initial ramdisk loads.
ROOT_BOOT_MODULES=(virtio_blk ext4 9p 9pnet_virtio)

# What only a build needs, and the machines do without.
ROOT_NOT_IN_IMAGE=(
	boot usr/src usr/include usr/lib/gcc usr/lib/bfd-plugins
	usr/libexec/gcc usr/lib/linux-kbuild-'*' usr/lib/coccinelle
	usr/lib/{afl,gcc-cross,s390x-linux-gnu} usr/s390x-linux-gnu usr/bin/qemu-'*'
	usr/lib/llvm-'*' usr/lib/x86_64-linux-gnu/lib{LLVM,clang}'*'
	usr/share/{doc,man,locale,icons,perl,python3,info,bash-completion}
	var/lib/{apt,famfs-lab} var/cache var/log
)

root_key()
{
	hash_of <"$LAB/lib/rootfs.sh"
}

# root_ensure [fresh]: set ROOT to a root file system that is complete and
# current, and hold it. The caller has the cache lock.
root_ensure()
{
	local key have=()

	key=$(root_key)
	have=("$CACHE/root-$key".*)
	if [[ ${1-} == fresh || ! -d ${have[-1]} ]]; then
		ROOT=$CACHE/root-$key.$(date +%s)
		root_make "$ROOT"
	else
		ROOT=${have[-1]}
	fi
	item_hold "$ROOT"
}

# root_make DIR: a set-up that is interrupted leaves only a name that the next
# one removes.
root_make()
{
	local mirror dir=$CACHE/unfinished.root log=$CACHE/log.root

	rm -rf --one-file-system "$dir"
	mkdir -p "$dir"
	mirror=$(debian_mirror)
	say "making the root file system: Debian $ROOT_SUITE, two kernels, a compiler (1 to 3 minutes, once)"
	logged "$log" "could not make the root file system" \
		root_tree "$dir" "$mirror"
	say "making the virtual machines' disk from it"
	logged "$log.image" "could not make the disk" root_image "$dir"
	mv "$dir" "$1"
}

root_tree()
{
	local tree=$1/tree archive=$2 native signed packages
	signed='signed-by=/usr/share/keyrings/debian-archive-keyring.gpg'
	native=$(dpkg --print-architecture)

	# Of the other byte order nothing is wanted that is newer.
	printf 'deb [%s] %s %s main\n' "$signed" "$archive" "$ROOT_SUITE" \
		"$signed arch=$native" "$archive" "$ROOT_SUITE-backports" \
		>"$1/sources.list"

	packages=$(IFS=,; echo "${ROOT_PACKAGES[*]}" \
		"${ROOT_FOREIGN_PACKAGES[*]/%/:$ROOT_FOREIGN}" | tr ' ' ,)
	if [[ $archive == https:* ]]; then
		packages+=,ca-certificates
	fi

	# INITRD=No keeps the kernel packages from making initial ramdisks:
	# the lab has its own.
	# shellcheck disable=SC2016 # expanded there
	INITRD=No TMPDIR=$1 alone '"$@"' mmdebstrap --variant=apt --mode=root \
		--format=directory --skip=cleanup/apt/lists \
		--architectures="$native,$ROOT_FOREIGN" \
		--aptopt='Acquire::Languages "none"' \
		--aptopt='Acquire::GzipIndexes "false"' \
		--dpkgopt=force-unsafe-io \
		--dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' \
		--include="$packages" \
		--customize-hook="INITRD=No chroot \"\$1\" apt-get -q -y -t $ROOT_SUITE-backports install ${ROOT_BACKPORTS[*]}" \
		"$ROOT_SUITE" "$tree" "$1/sources.list"

	root_source "$tree"
	# Debian's own list of packages, as apt has it.
	mkdir "$tree/var/lib/famfs-lab"
	mv "$tree"/var/lib/apt/lists/*_"${ROOT_SUITE}"_main_binary-amd64_Packages \
		"$tree/var/lib/famfs-lab/Packages"
	rm -rf "$tree"/var/cache/apt/*.bin "$tree"/var/lib/apt/lists/*
	root_mount_points "$tree"
}

# root_source TREE: from the newest kernel's source package, what is used here.
root_source()
{
	local tree=$1 series parts
	series=$(root_kernels "$tree" | tail -n 1 | cut -d. -f1,2)
	parts=$(printf " 'linux-source-$series/%s'" "${ROOT_SOURCE_PARTS[@]}")

	# shellcheck disable=SC2016 # expanded there
	alone 'chroot "$@"' "$tree" sh -ec "
		cd /usr/src
		apt-get -q -o APT::Sandbox::User=root download linux-source-$series
		dpkg-deb --fsys-tarfile linux-source-$series*.deb |
			tar -xO ./usr/src/linux-source-$series.tar.xz >source.tar.xz
		dpkg-deb -f linux-source-$series*.deb Version >source.version
		rm linux-source-$series*.deb
		tar -xJf source.tar.xz --wildcards $parts
		mv linux-source-$series linux
	"
	mv "$tree"/usr/src/source.* "${tree%/tree}/"
}

# root_mount_points TREE: the tree is read-only when it is used as a chroot, so
# the places that something is mounted on are made now.
root_mount_points()
{
	local tree=$1 kernel

	mkdir -p "$tree"/{build,src,lab,cache,mnt/famfs}
	while read -r kernel; do
		mkdir -p "$tree/usr/lib/modules/$kernel/updates"
	done < <(root_kernels "$tree")
}

root_image()
{
	local dir=$1 tree=$1/tree kernel path
	while read -r kernel; do
		root_boot_part "$dir" "$kernel"
	done < <(root_kernels "$tree")

	# Hard links are a copy of the tree that costs next to nothing.
	cp -al "$tree" "$dir/less"
	for path in "${ROOT_NOT_IN_IMAGE[@]}"; do
		# shellcheck disable=SC2086 # a pattern
		rm -rf "$dir/less"/$path
	done
	truncate -s 4G "$dir/image.ext4"
	mke2fs -q -F -t ext4 -O ^has_journal -E root_owner=0:0 \
		-d "$dir/less" "$dir/image.ext4"
	rm -rf "$dir/less"
}

# root_boot_part DIR KERNEL: the modules go in uncompressed, since unpacking
# them takes an emulated processor longer than reading them.
root_boot_part()
{
	local dir=$1 kernel=$2 boot=$1/tree/boot.part

	rm -rf "$boot"
	mkdir -p "$boot"/{bin,mod,dev,proc,sys,root}
	cp "$dir/tree/usr/bin/busybox" "$boot/bin/"
	# shellcheck disable=SC2016 # expanded in the chroot
	alone 'chroot "$@"' "$dir/tree" bash -euc '
		kernel=$1; shift; number=10
		for module; do
			modprobe -S "$kernel" --show-depends "$module"
		done | awk "\$1 == \"insmod\" && !seen[\$2]++ { print \$2 }" |
		while read -r path; do
			name=$number-$(basename "$path")
			case $path in
			*.xz) xz -dc "$path" >"/boot.part/mod/${name%.xz}" ;;
			*.zst) zstd -qdc "$path" >"/boot.part/mod/${name%.zst}" ;;
			*) cp "$path" "/boot.part/mod/$name" ;;
			esac
			number=$((number + 1))
		done
		cd /boot.part
		find . | cpio -o -H newc --quiet >/boot.cpio
	' - "$kernel" "${ROOT_BOOT_MODULES[@]}"
	mv "$dir/tree/boot.cpio" "$dir/boot-$kernel.cpio"
	rm -rf "$boot"
}

# root_kernels TREE: the kernels in it, the newest last.
root_kernels()
{
	find "$1/usr/lib/modules" -mindepth 1 -maxdepth 1 -printf '%f\n' |
		sort -V
}

# root_kernel SERIES: the kernel of ROOT that SERIES (7.2, say) stands for; the
# newest if that is empty.
root_kernel()
{
	local kernel found=''

	while read -r kernel; do
		if [[ -z $1 || $kernel == "$1" || $kernel == "$1".* ]]; then
			found=$kernel
		fi
	done < <(root_kernels "$ROOT/tree")
	if [[ -z $found ]]; then
		usage_error "--kernel $1: there is none; these are here: $(root_kernels "$ROOT/tree" | cut -d. -f1,2 | paste -sd' ')"
	fi
	printf '%s\n' "$found"
}
