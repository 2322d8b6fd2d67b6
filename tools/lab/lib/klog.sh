# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Reading a machine's kernel log for what must not be in it.
#
# There are two logs: dmesg.HOST, whole, if the machine came to its end, and
# console.HOST, warnings and worse as they came. The second is looked at too,
# since a command may clear the first, or a machine die before it.

# What the kernel prints only if something is wrong with it.
KLOG_BAD='WARNING: |BUG: |BUG at |Oops|Kernel panic|Call Trace:|general protection fault'
KLOG_BAD+='|unable to handle|rcu: INFO: |detected stall|self-detected stall|soft lockup|hard LOCKUP'
KLOG_BAD+='|INFO: task .* blocked for more than|INFO: possible |INFO: trying to register non-static key'
KLOG_BAD+='|INFO: suspicious|possible circular locking|possible recursive locking|inconsistent lock state'
KLOG_BAD+='|KASAN|KCSAN|KFENCE: |UBSAN|unreferenced object|refcount_t: |list_(add|del) corruption'
KLOG_BAD+='|Bad page (state|map)|stack-protector|kernel stack overflow|nobody cared|scheduling while atomic'
KLOG_BAD+='|sleeping function called|DEBUG_LOCKS_WARN_ON|still has locks held|locks held when returning'
# A checker that has given up.
KLOG_BAD+='|leak detector disabled|Memory pool empty|turning off the locking'

# What that would catch and is none of it: KASAN and KFENCE say at boot that they
# are there, and some processors leave no full defence against speculation.
KLOG_FINE='kfence: initialized|KernelAddressSanitizer initialized|(Spectre V2 : |RETBleed: )WARNING: '

# Bits of /proc/sys/kernel/tainted that say the same: machine check 4, bad
# page 5, died 7, warned 9, soft lockup 14.
KLOG_TAINT=$((1 << 4 | 1 << 5 | 1 << 7 | 1 << 9 | 1 << 14))

# kernel_log_bad HOST: is something bad in HOST's log? Shows it if so.
kernel_log_bad()
{
	local host=$1 log taint=0

	for log in "$RUN/share/dmesg.$host" "$RUN/console.$host"; do
		[[ -e $log ]] || continue
		if tr -d '\r\0' <"$log" | grep -Ev "$KLOG_FINE" |
			grep -E -q "$KLOG_BAD"; then
			say "host $host: the kernel's log shows a problem:"
			klog_show "$log" >&2
			return 0
		fi
	done
	if [[ -e $RUN/share/taint.$host ]]; then
		taint=$(cat "$RUN/share/taint.$host")
	fi
	if ((taint & KLOG_TAINT)); then
		say "host $host: the kernel is tainted ($taint), so it had a problem; its last messages:"
		tail -n 30 "$RUN/console.$host" >&2
		return 0
	fi
	return 1
}

# klog_show LOG: the problems with what is around them, 200 lines at most.
klog_show()
{
	tr -d '\r\0' <"$1" | grep -Ev "$KLOG_FINE" |
		grep -a -E -B 4 -A 40 "$KLOG_BAD" | head -n 200
}
