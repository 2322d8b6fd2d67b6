# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# libfamfs, from a program that is linked to it. Sourced by e2e.

test_library() {
	good "$(dirname "$0")/lib-test" "$M"
	"$PLANT" "$M" file logged "$MIB" $((448 * MIB)) $((2 * MIB))
	good "$(dirname "$0")/lib-test" "$M" dry
	good famfs fsck "$M"
	mkdir -p "$(dirname "$ID")"
	echo 11111111-2222-3333-4444-555555555555 >"$ID"
	good "$(dirname "$0")/lib-test" "$M" client
}

# The program in the documentation
test_library_example() {
	local example
	example=$(dirname "$0")/example
	good "$example" "$M" hello 'from one host to all'
	says '^hello: 4194304 bytes$'
	is "$(head -c 20 "$M/hello")" 'from one host to all'
	bad 1 'sizes never change|never logged' "$example" "$M" .meta/x text
	bad 1 'not in a famfs mount' "$example" /tmp hello text
}
