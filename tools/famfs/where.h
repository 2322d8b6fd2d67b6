/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Looking into a file system that may be mounted, or not.
 */
#ifndef FAMFS_WHERE_H
#define FAMFS_WHERE_H

#include <limits.h>
#include <stdbool.h>

struct where {
	const char *name;	/* what messages call it, as typed */
	int root;		/* of a mount, attached or not */
	bool detached;		/* a mount of our own, without a log played */
	/* A directory in the mount, as typed; empty if detached */
	char dir[PATH_MAX];
	char rel[PATH_MAX];	/* from the mount's root to that directory */
};

#define WHERE_SET_MODE		(1U << 0)	/* the device's mode, as by -M */
#define WHERE_LOAD_MODULE	(1U << 1)	/* if need be, as by -L */
/* Take a device that is mounted for that mount */
#define WHERE_ANY		(1U << 2)

int where_open(struct where *w, const char *name, unsigned int flags);
int where_open_dir(struct where *w, const char *dir);
unsigned int where_fs_flags(const struct where *w);
void where_close(struct where *w);

bool where_covered(const char *dev, const char *dir);
int where_mounts(int (*fn)(void *arg, const char *dir), void *arg);

#endif /* FAMFS_WHERE_H */
