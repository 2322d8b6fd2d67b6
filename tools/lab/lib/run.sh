# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# One run: a directory of its own, the virtual machines, what comes out of
# them, and the verdict. guest/init is the other half of it, and says there
# what passes through the shared directory.
#
# Whatever ends the run, run_cleanup ends its processes and removes its
# directory. A lab that was killed leaves the directory; the machines die with
# it (setpriv), and the next run removes it.

RUN=''
RUN_PIDS=()		# everything that was started and may still run
RUN_TTY=''		# how the terminal was set, if it was changed

# run_begin: make RUN.
run_begin()
{
	local dir

	mkdir -p "$CACHE/runs"
	for dir in "$CACHE"/runs/*/; do
		[[ -d $dir ]] && item_discard "$dir"
	done
	RUN=$(mktemp -d "$CACHE/runs/XXXXXX")
	trap run_cleanup EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
	item_hold "$RUN"
	mkdir -p "$RUN"/share/{files,barrier}
	ln -s "$TOP" "$RUN/src"
}

run_cleanup()
{
	trap '' HUP INT TERM
	if ((${#RUN_PIDS[@]})); then
		kill -KILL "${RUN_PIDS[@]}" 2>/dev/null || true
		{ wait "${RUN_PIDS[@]}" || true; } 2>/dev/null
	fi
	if [[ -n $RUN_TTY ]]; then
		stty "$RUN_TTY" || true
	fi
	rm -rf --one-file-system "$RUN"
}

# run_devices: make the memory, $RUN/memory.N, in the order that the machines
# number it in: all --dax before all --pmem.
run_devices()
{
	local index size number=0 sizes=()

	DEVICES=()
	NVDIMMS=()
	MAXMEM=$((MEMORY + (1 << 30)))
	for _ in "${DAX[@]}"; do
		DEVICES+=(dax)
	done
	for _ in "${PMEM[@]}"; do
		DEVICES+=(pmem)
	done
	sizes=("${DAX[@]}" "${PMEM[@]}")
	for index in "${!sizes[@]}"; do
		size=${sizes[index]}
		if ((index < ${#KEEP[@]})); then
			ln -s "${KEEP[index]}" "$RUN/memory.$number"
		else
			truncate -s "$size" "$RUN/memory.$number"
		fi
		# The emulator lists its devices in the order of a hash table,
		# which with these names is theirs; see the test of it.
		NVDIMMS+=(
			-object "memory-backend-file,id=m$number,share=on,mem-path=memory.$number,size=$size"
			-device "nvdimm,id=n$((2 * number)),memdev=m$number"
		)
		# Each is put at the next multiple of 1 GiB.
		MAXMEM=$((MAXMEM + ((size >> 30) + 2 << 30)))
		number=$((number + 1))
	done
}

run_config()
{
	local path

	for path in "${FILES[@]}"; do
		cp -L --reflink=auto --preserve=mode,timestamps "$path" \
			"$RUN/share/files/"
	done
	printf '%s\0' "${COMMAND[@]}" >"$RUN/share/argv"
	{
		printf 'HOSTS=%d\n' "$HOSTS"
		printf 'DEVICES=(%s)\n' "${DEVICES[*]}"
		printf 'OUT=%s\n' "${OUT:+1}"
		if [[ $MODE == shell ]]; then
			# shellcheck disable=SC2046,SC2183 # two numbers
			printf "TERMINAL='rows %s cols %s'\n" $(stty size)
			printf 'TERM=%q\n' "${TERM:-dumb}"
		fi
	} >"$RUN/share/config"
}

# run_start HOST: start one machine.
run_start()
{
	local host=$1 options out='' err=''

	# On a busy host an emulated timer is late, which the kernel's test of it
	# takes for broken: so that is left out.
	# shellcheck disable=SC2054 # the commas are qemu's
	options=(
		"${ACCEL[@]}" -machine q35,nvdimm=on -smp 2
		-m "size=$((MEMORY >> 20))M,slots=16,maxmem=$((MAXMEM >> 20))M"
		-nodefaults -no-user-config -no-reboot -display none -monitor none
		-kernel kernel -initrd initrd
		-append "console=ttyS0 loglevel=5 panic=-1 oops=panic log_buf_len=4M rcupdate.rcu_cpu_stall_timeout=60 no_timer_check net.ifnames=0$APPEND lab.host=$host"
		-chardev "file,id=serial,path=console.$host" -serial chardev:serial
		-drive "if=none,id=root,format=raw,snapshot=on,file=image"
		-device virtio-blk-pci,drive=root
		-fsdev local,id=lab,path=share,security_model=none
		-device virtio-9p-pci,fsdev=lab,mount_tag=lab
		-fsdev local,id=src,path=src,security_model=none,readonly=on,multidevs=remap
		-device virtio-9p-pci,fsdev=src,mount_tag=src
		-device virtio-serial-pci
		"${NVDIMMS[@]}"
	)
	if [[ $MODE == shell ]]; then
		options+=(
			-chardev 'stdio,id=tty,signal=off'
			-device 'virtconsole,chardev=tty'
		)
	else
		run_pump 1
		out=$PUMP
		run_pump 2
		err=$PUMP
		options+=(
			-add-fd "set=1,fd=$out" -add-fd "set=2,fd=$err"
			-chardev "file,id=out,path=/dev/fdset/1,append=on"
			-device "virtserialport,chardev=out,name=lab.out"
			-chardev "file,id=err,path=/dev/fdset/2,append=on"
			-device "virtserialport,chardev=err,name=lab.err"
		)
	fi
	: >"$RUN/console.$host"
	(
		cd "$RUN" || exit
		exec setpriv --pdeathsig KILL qemu-system-x86_64 "${options[@]}"
	) <&0 2>"$RUN/qemu.$host" &
	QEMUS[host]=$!
	RUN_PIDS+=("$!")
	if [[ -n $out ]]; then
		exec {out}>&- {err}>&-
	fi
}

# run_pump FD: open PUMP, such that what is written to it goes to FD as it
# comes; with several hosts, in whole lines. (Not FD itself: qemu would change
# the flags of what we share with others.)
run_pump()
{
	if ((HOSTS == 1)); then
		exec {PUMP}> >(exec cat >&"$1")
	else
		exec {PUMP}> >(exec perl "$LAB/lib/lines.pl" "$RUN/lines.lock" >&"$1")
	fi
	PUMPS+=("$!")
	RUN_PIDS+=("$!")
}

# run_machines: run them all to their end, or to the time-out; then
# TIMED_OUT is 1.
run_machines()
{
	local host timer='' ended left

	QEMUS=() PUMPS=() TIMED_OUT=0
	if [[ $MODE == shell ]]; then
		RUN_TTY=$(stty -g)
	fi
	for ((host = 0; host < HOSTS; host++)); do
		run_start "$host"
	done
	if ((TIMEOUT)); then
		sleep "$TIMEOUT" &
		timer=$!
		RUN_PIDS+=("$timer")
	fi
	left=("${QEMUS[@]}")
	while ((${#left[@]})); do
		ended=''
		wait -n -p ended ${timer:+"$timer"} "${left[@]}" || true
		if [[ -n $timer && $ended == "$timer" ]]; then
			TIMED_OUT=1
			kill -KILL "${left[@]}" 2>/dev/null || true
			{ wait "${left[@]}" || true; } 2>/dev/null
			break
		fi
		for host in "${!QEMUS[@]}"; do
			if [[ ${QEMUS[host]} == "$ended" ]]; then
				: >"$RUN/share/ended.$host"
				unset "QEMUS[$host]"
			fi
		done
		left=("${QEMUS[@]}")
	done
	if [[ -n $timer ]]; then
		kill "$timer" 2>/dev/null || true
	fi
	if [[ -n $RUN_TTY ]]; then
		stty "$RUN_TTY"
		RUN_TTY=''
	fi
	# They end now that nobody writes to them.
	for host in "${!PUMPS[@]}"; do
		wait "${PUMPS[host]}" || true
	done
}

# run_out: put what the commands left in /lab/out where --out says. A machine that
# went down has left nothing.
run_out()
{
	local host from

	[[ -n $OUT ]] || return 0
	for ((host = 0; host < HOSTS; host++)); do
		from=$RUN/share/out.$host
		[[ -d $from ]] || continue
		if ((HOSTS == 1)); then
			cp -a "$from/." "$OUT/"
		else
			mkdir -p "$OUT/$host"
			cp -a "$from/." "$OUT/$host/"
		fi
	done
}

# run_verdict: the exit status of the whole run; says on stderr what COMMAND
# could not say itself. The kernel's word goes before COMMAND's.
run_verdict()
{
	local host status first=0 reported=0

	for ((host = 0; host < HOSTS; host++)); do
		if kernel_log_bad "$host"; then
			reported=1
		fi
	done
	if ((TIMED_OUT)); then
		say "time-out: not finished after $TIMEOUT seconds"
		for ((host = 0; host < HOSTS; host++)); do
			[[ -e $RUN/share/status.$host ]] || run_console "$host"
		done
	fi
	((reported)) && return "$EXIT_KERNEL"
	((TIMED_OUT)) && return "$EXIT_TIMEOUT"

	for ((host = 0; host < HOSTS; host++)); do
		if [[ -e $RUN/share/status.$host ]]; then
			status=$(cat "$RUN/share/status.$host")
		else
			status=$EXIT_DIED
			run_died "$host"
		fi
		((first == 0)) && first=$status
	done
	return "$first"
}

run_died()
{
	local host=$1

	if [[ -e $RUN/share/error.$host ]]; then
		say "host $host: $(cat "$RUN/share/error.$host")"
	elif [[ -s $RUN/qemu.$host ]]; then
		say "host $host: qemu says: $(cat "$RUN/qemu.$host")"
	else
		say "host $host: the machine went down before the command had ended"
		run_console "$host"
	fi
}

run_console()
{
	say "the end of the console of host $1:"
	tail -n 30 "$RUN/console.$1" >&2
}
