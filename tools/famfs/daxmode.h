/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mode of a dax device, that is, which driver has it; and the modules that
 * famfs needs.
 */
#ifndef FAMFS_DAXMODE_H
#define FAMFS_DAXMODE_H

#include <stdbool.h>

enum daxmode {
	DAXMODE_FAMFS,		/* fsdev_dax: what famfs mounts */
	DAXMODE_DEVDAX,		/* device_dax: raw mapping */
	DAXMODE_RAM,		/* kmem: memory of the system */
	DAXMODE_NONE,		/* no driver */
	DAXMODE_OTHER,		/* a driver unknown here */
	DAXMODE_NOT_DAX,	/* no device of the dax bus */
};

struct daxdev {
	enum daxmode mode;
	char name[64];		/* as in sysfs: dax0.0 */
	char driver[64];
};

int daxmode_of(const char *path, struct daxdev *dev);
int daxmode_prepare(const char *path, bool change);
int module_load(void);

#endif /* FAMFS_DAXMODE_H */
