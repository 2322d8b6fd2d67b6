/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What comes after mount -o, sorted by whom it is for.
 */
#ifndef FAMFS_MOUNTOPTS_H
#define FAMFS_MOUNTOPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mountopt {
	char *name;
	char *value;		/* NULL for an option without one */
};

struct mountopts {
	uint64_t attr_set;	/* MOUNT_ATTR_ flags of the mount */
	uint64_t attr_clear;
	bool nomode;		/* leave the device's mode alone */
	bool remount;
	bool nofail;		/* a device that is not there is no error */
	bool sloppy;		/* the kernel need not know every option */
	size_t fs_count;
	struct mountopt *fs;	/* for the kernel's famfs */
};

int mountopts_parse(struct mountopts *o, const char *text);
int mountopts_add(struct mountopts *o, const char *name, const char *value);
void mountopts_free(struct mountopts *o);

#endif /* FAMFS_MOUNTOPTS_H */
