# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What bash completes after famfs, mkfs.famfs and mount.famfs. It needs no helper
# functions of others, so that one can also source it by hand. The tables at its
# end are made from those of the programs (man/mangen.c).

# What mount.famfs takes after -o
_famfs_mount_options='nomode mode= uid= gid= dax=always coherent nocoherent ro rw
	noatime nosuid nodev noexec noauto nofail remount'

_famfs_devices()
{
	compgen -G '/dev/dax*.*'
	compgen -G '/dev/pmem*'
}

# _famfs_words WORDS CUR
_famfs_words()
{
	mapfile -t COMPREPLY < <(compgen -W "$1" -- "$2")
}

# _famfs_argument NAME CUR: NAME is what an argument is called in a table.
_famfs_argument()
{
	local list=

	case $1 in
	NONE) ;;
	OPTION,...)
		# The last of a list; what is before it stays
		[[ $2 != *,* ]] || list=${2%,*},
		_famfs_words "$_famfs_mount_options" "${2##*,}"
		COMPREPLY=("${COMPREPLY[@]/#/$list}")
		compopt -o nospace 2>/dev/null
		;;
	*DEVICE*)
		_famfs_words "$(_famfs_devices)" "$2"
		compopt -o filenames 2>/dev/null
		if [[ $1 == *DIR* ]]; then
			mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -d -- "$2")
		elif [[ ${#COMPREPLY[@]} == 0 ]]; then
			mapfile -t COMPREPLY < <(compgen -f -- "$2")
		fi
		;;
	*DIR*)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -d -- "$2")
		;;
	*FILE* | *SRC* | *DST* | NAMESPACE)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$2")
		;;
	*[[:upper:]]*) ;;
	*) _famfs_words "${1//|/ }" "$2" ;;
	esac
}

# _famfs_value OPTION: what its argument is called, in value; fails if it has none.
_famfs_value()
{
	local pair pairs

	read -ra pairs <<<"$valued"
	for pair in "${pairs[@]}"; do
		if [[ ${pair%%=*} == "$1" ]]; then
			value=${pair#*=}
			return 0
		fi
	done
	return 1
}

# _famfs_operand N: what the argument after N others is called.
_famfs_operand()
{
	local name names n=$1

	read -ra names <<<"$operands"
	for name in "${names[@]}"; do
		if [[ $name == *... ]] || ((n-- == 0)); then
			echo "$name"
			return
		fi
	done
	echo NONE
}

_famfs()
{
	local cur=$2 table=${1##*/} options='' valued='' operands='' value='' n=0 i
	local -a words=("${COMP_WORDS[@]:1:COMP_CWORD-1}")

	COMPREPLY=()
	_famfs_table "$table" || return 0
	# bash takes --name=value apart; it is the same as --name value
	if [[ $cur == '=' ]]; then
		cur=''
		words+=('=')
	fi
	for ((i = 0; i < ${#words[@]}; i++)); do
		value=''
		if [[ ${words[i]} == -- ]]; then
			# Arguments from here on, whatever they start with
			((n += ${#words[@]} - i - 1))
			options=''
			break
		elif [[ ${words[i]} == -* ]]; then
			_famfs_value "${words[i]}" || continue
			if [[ ${words[i + 1]-} == '=' ]]; then
				((i++))
			fi
			# It is there, or it is what is to be completed
			if ((i + 1 < ${#words[@]})); then
				((i++))
				value=''
			fi
		elif [[ $table == famfs ]]; then
			table="famfs ${words[i]}"
			_famfs_table "$table" || return 0
		else
			((n++))
		fi
	done

	if [[ $value ]]; then
		_famfs_argument "$value" "$cur"
	elif [[ $cur == -* && $options ]]; then
		_famfs_words "$options" "$cur"
	elif [[ $table == famfs ]]; then
		_famfs_words "$_famfs_commands" "$cur"
	else
		_famfs_argument "$(_famfs_operand "$n")" "$cur"
	fi
}

complete -F _famfs famfs mkfs.famfs mount.famfs
