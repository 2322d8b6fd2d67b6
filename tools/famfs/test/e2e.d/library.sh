# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# libfamfs, from a program that is linked to it. Sourced by e2e.

test_library() {
	good "$(dirname "$0")/lib-test" "$M"
	good famfs fsck "$M"
	mkdir -p "$(dirname "$ID")"
	echo 11111111-2222-3333-4444-555555555555 >"$ID"
	good "$(dirname "$0")/lib-test" "$M" client
}
