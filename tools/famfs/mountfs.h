/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mounting: what mount.famfs and famfs mount have in common.
 */
#ifndef FAMFS_MOUNTFS_H
#define FAMFS_MOUNTFS_H

#include <stdbool.h>

#include "mountopts.h"

struct mountfs {
	const char *dev;
	const char *dir;
	struct mountopts opts;
	const char *ns;		/* mount namespace to attach in, or NULL */
	bool load_module;
	bool set_mode;		/* put a device with famfs on it into its mode */
	bool fake;		/* all but the attaching */
};

int mountfs(const struct mountfs *m);

#endif /* FAMFS_MOUNTFS_H */
