/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which mount holds a device.
 */
#ifndef FAMFS_HOLDER_H
#define FAMFS_HOLDER_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

struct holder {
	bool famfs;		/* or another file system */
	char type[32];
	char first[64];		/* name of the first device of a famfs mount */
	unsigned int index;	/* of this device in it */
	char dir[PATH_MAX];	/* empty where this process can't see it */
};

bool holder_find(const char *dev, struct holder *h);
bool holder_describe(const char *dev, char *text, size_t size);

#endif /* FAMFS_HOLDER_H */
