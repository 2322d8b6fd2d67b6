# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What the lab needs of the machine it runs on: a few Debian packages, and
# KVM where that really works.

# A program, and the package that brings it.
HOST_NEEDS=(
	mmdebstrap:mmdebstrap
	qemu-system-x86_64:qemu-system-x86
	mke2fs:e2fsprogs
	setpriv:util-linux
	flock:util-linux
	unshare:util-linux
	perl:perl-base
	tar:tar
)

host_packages()
{
	local need wanted=()

	if [[ $(uname -m) != x86_64 ]]; then
		die "this machine is $(uname -m): the lab needs x86_64"
	fi
	for need in "${HOST_NEEDS[@]}"; do
		command -v "${need%%:*}" >/dev/null || wanted+=("${need#*:}")
	done
	if [[ ! -e /usr/share/keyrings/debian-archive-keyring.gpg ]]; then
		wanted+=(debian-archive-keyring)
	fi
	((${#wanted[@]})) || return 0

	if ! command -v apt-get >/dev/null; then
		die "this machine lacks ${wanted[*]}, and apt-get to install them: the lab needs Debian 12 or 13"
	fi
	say "installing on this machine: ${wanted[*]}"
	if ! host_install "${wanted[@]}" >"$CACHE/host-packages.log" 2>&1; then
		apt-get -q update >>"$CACHE/host-packages.log" 2>&1 || true
		if ! host_install "${wanted[@]}" \
			>>"$CACHE/host-packages.log" 2>&1; then
			tail -n 20 "$CACHE/host-packages.log" >&2
			die "apt-get could not install ${wanted[*]}"
		fi
	fi
}

host_install()
{
	DEBIAN_FRONTEND=noninteractive apt-get -q -y \
		--no-install-recommends install "$@"
}

# debian_mirror: print the address of the Debian archive that this machine's
# apt is set to; never that of the security archive or of another project.
# The update is for a machine whose lists are missing, as in fresh images.
debian_mirror()
{
	local uri

	uri=$(debian_mirror_known)
	if [[ -z $uri ]]; then
		apt-get -q update >&2
		uri=$(debian_mirror_known)
	fi
	if [[ -z $uri ]]; then
		die "apt-get indextargets names no Debian archive: is there one in /etc/apt/sources.list?"
	fi
	printf '%s\n' "$uri"
}

# shellcheck disable=SC2016 # the dollars are apt's
debian_mirror_known()
{
	apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' \
		'Origin: Debian' 'Label: Debian' 'Component: main' | head -n 1
}

# accel_choose KERNEL INITRD: set ACCEL to the options of the fastest way to
# run a virtual machine here. /dev/kvm alone proves nothing: on some machines
# it is there and cannot boot a stock kernel. So boot one, once for each start
# of the machine and each qemu.
accel_choose()
{
	local tried="$CACHE/kvm" state now thread=multi

	# Before 8.1, one emulated processor could translate code while another
	# was changing it, and keep the old: kernels change their own, and then
	# died of "Oops: int3", once in some dozens of boots.
	if ! qemu_is 8.1; then
		thread=single
	fi
	# Without la57, addresses have a level of page tables less to walk.
	ACCEL=(-accel "tcg,thread=$thread" -cpu 'max,la57=off')
	[[ -w /dev/kvm ]] || return 0

	now="$(cat /proc/sys/kernel/random/boot_id) $(qemu-system-x86_64 --version | head -n 1)"
	state=$(cat "$tried" 2>/dev/null || true)
	if [[ $state != "$now "* ]]; then
		say "trying whether KVM can boot a stock kernel here (10 seconds at most)"
		if kvm_boots "$1" "$2"; then
			state="$now works"
		else
			state="$now fails"
		fi
		printf '%s\n' "$state" >"$tried.$$"
		mv "$tried.$$" "$tried"
	fi
	if [[ $state == *works ]]; then
		ACCEL=(-accel kvm -cpu host)
	fi
}

# qemu_is VERSION: is it that or newer?
qemu_is()
{
	local version

	version=$(qemu-system-x86_64 --version | sed -n '1s/.*version \([0-9.]*\).*/\1/p')
	printf '%s\n' "$1" "$version" | sort -V -C
}

kvm_boots()
{
	local log

	log=$(timeout -k 1 10 qemu-system-x86_64 -accel kvm -cpu host \
		-machine q35,nvdimm=on -smp 2 -m 1G -nodefaults -no-user-config \
		-display none -no-reboot -serial stdio -kernel "$1" -initrd "$2" \
		-append 'console=ttyS0 quiet panic=-1 lab.probe' \
		</dev/null 2>/dev/null) || return 1
	[[ $log == *lab-probe-ok* ]]
}
