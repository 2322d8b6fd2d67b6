# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What every part of the lab needs: messages, sizes, and the cache.
#
# The cache directory holds what is slow to make, as directories named
# KIND-KEY, where KEY is a hash of all that went into it. A directory gets
# its name only once it is complete, and never changes its meaning after
# that; so whoever finds the name may use it. Two locks keep users apart:
#   - $CACHE/lock is held while something is made (cache_lock);
#   - each directory in use is itself locked, shared (item_hold), and is
#     removed only by someone who gets it exclusively (item_discard).

CACHE=${FAMFS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/famfs}

# Exit statuses of the lab's own; all others are COMMAND's.
EXIT_USAGE=2
EXIT_SETUP=97
EXIT_DIED=98
EXIT_KERNEL=99
EXIT_TIMEOUT=124

say()
{
	printf 'lab: %s\n' "$*" >&2
}

die()
{
	say "$*"
	exit "$EXIT_SETUP"
}

# logged LOG MESSAGE COMMAND...: run COMMAND, what it prints goes to LOG. If it
# fails, show the end of that, say MESSAGE and exit. (Not by "if": in a
# condition, errors inside COMMAND would not stop it.)
logged()
{
	local log=$1 message=$2
	shift 2

	exec {LOGGED_ERR}>&2
	# shellcheck disable=SC2064 # expanded now
	trap "tail -n 30 '$log' >&$LOGGED_ERR
		printf 'lab: %s; the whole log is %s\n' '$message' '$log' >&$LOGGED_ERR
		exit $EXIT_SETUP" EXIT
	"$@" >"$log" 2>&1
	trap - EXIT
	exec {LOGGED_ERR}>&-
}

# alone SCRIPT ARGUMENT...: run the bash SCRIPT where its mounts are its own, and
# where none of its processes outlives it, or us.
alone()
{
	local script=$1
	shift

	# The last command of a script is run in bash's own place, and a program
	# that is process 1 gets no signals; so the last command is exit.
	setpriv --pdeathsig KILL unshare --mount --propagation private \
		--pid --fork --kill-child --mount-proc \
		bash -euc "$script"$'\nexit $?' - "$@"
}

usage_error()
{
	say "$* (lab --help tells more)"
	exit "$EXIT_USAGE"
}

# parse_size TEXT NAME: print TEXT (bytes, or with k, m, g, t) in bytes.
parse_size()
{
	local number unit

	if ! [[ $1 =~ ^([0-9]{1,12})([kKmMgGtT]?)([iI]?[bB]?)$ ]]; then
		usage_error "$2: '$1' is not a size, such as 512M or 2G"
	fi
	number=$((10#${BASH_REMATCH[1]}))
	case ${BASH_REMATCH[2]} in
	[kK]) unit=$((1 << 10)) ;;
	[mM]) unit=$((1 << 20)) ;;
	[gG]) unit=$((1 << 30)) ;;
	[tT]) unit=$((1 << 40)) ;;
	*) unit=1 ;;
	esac
	if ((number == 0)); then
		usage_error "$2: the size must be more than 0"
	fi
	# 1 TiB is what the guest's processor can address.
	if ((number > (1 << 40) / unit)); then
		usage_error "$2: $1 is more than 1T"
	fi
	printf '%d\n' $((number * unit))
}

need_root()
{
	if ((EUID != 0)); then
		say "must run as root: it makes a root file system and builds in it"
		exit "$EXIT_USAGE"
	fi
}

# cache_lock: one at a time makes things in the cache. Held until
# cache_unlock, or the end of the program.
cache_lock()
{
	mkdir -p "$CACHE"
	exec {CACHE_LOCK}>"$CACHE/lock"
	if ! flock -w 5 "$CACHE_LOCK"; then
		say "waiting for another lab, which is setting up in $CACHE"
		flock "$CACHE_LOCK"
	fi
}

cache_unlock()
{
	exec {CACHE_LOCK}>&-
}

# item_hold DIR: keep DIR from being discarded for as long as we run.
item_hold()
{
	local fd

	exec {fd}<"$1"
	flock -s "$fd"
}

# item_discard DIR: remove DIR unless someone holds it; then a later call will.
item_discard()
{
	flock -n -x "$1" rm -rf --one-file-system "$1" || true
}

hash_of()
{
	sha256sum | cut -c1-16
}
