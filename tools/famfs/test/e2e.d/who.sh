# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Who may do what. Sourced by e2e.

test_client() {
	good famfs mkdir "$M/d"
	good famfs creat -s 1m "$M/d/f"
	mkdir -p "$(dirname "$ID")"
	echo 11111111-2222-3333-4444-555555555555 >"$ID"
	snapshot
	bad 1 'client.*identity [0-9a-f-]{36}' famfs creat -s 1m "$M/g"
	bad 1 'client' famfs mkdir "$M/e"
	bad 1 'client' famfs cp /etc/passwd "$M/p"
	unchanged
	good umount "$M"
	bad 1 'another host' mkfs.famfs "$DEV"
	good mount -v -t famfs "$DEV" "$M"
	is "$(stat -c %a "$M/d/f")" 444
	good famfs fsck "$M"
	good umount "$M"
	echo nonsense >"$ID"
	bad 32 'does not hold a uuid' mount -t famfs "$DEV" "$M"
	bad 1 'does not hold a uuid' mkfs.famfs -f "$DEV"
	mounted && fail "it was mounted"
	rm "$ID"
	good mount -t famfs "$DEV" "$M"
	is "$(stat -c %a "$M/d/f")" 644
	"$PLANT" "$M" file g "$MIB" $((64 * MIB)) $((2 * MIB))
	good famfs logplay --client "$M"
	is "$(stat -c %a "$M/g")" 444
}

test_unprivileged() {
	local user=("${USER_CMD[@]}")
	good famfs creat -s 1m "$M/f"
	snapshot
	bad 1 'Permission' "${user[@]}" famfs creat -s 1m "$M/g"
	bad 1 'Permission' "${user[@]}" famfs mkdir "$M/g"
	bad 8 'Permission' "${user[@]}" famfs fsck "$M"
	good "${user[@]}" famfs getmap "$M/f"
	bad 16 '^famfs check: .meta/.log: no permission; this needs root' \
		"${user[@]}" famfs check "$M"
	grep -q mkmeta "$T/err" && fail "it says that they are not there"
	unchanged
	good umount "$M"
	bad 1 'permission|Permission' "${user[@]}" mount.famfs "$DEV" "$M"
	bad 1 'permission|Permission' "${user[@]}" mkfs.famfs -f "$DEV"
	# Root without the capability that maps need
	good mount -t famfs "$DEV" "$M"
	snapshot
	bad 1 'CAP_SYS_RAWIO' setpriv --bounding-set -sys_rawio \
		--inh-caps -sys_rawio famfs creat -s 1m "$M/g"
	unchanged
}
