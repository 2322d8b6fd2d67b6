/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The mode of a dax device, that is, which driver has it; and the modules that
 * famfs needs.
 */
#ifndef FAMFS_DAXMODE_H
#define FAMFS_DAXMODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "media.h"

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

/* What may be done to a device that is not in the mode for famfs */
enum daxmode_change {
	DAXMODE_KEEP,		/* nothing: say what is wrong */
	DAXMODE_IF_FAMFS,	/* change its mode if famfs is on it */
	DAXMODE_CHANGE,		/* change its mode whatever is on it */
};

int daxmode_named(const char *name, struct daxdev *dev);
int daxmode_of(const char *path, struct daxdev *dev);
void daxmode_set_dryrun(bool on);
int daxmode_prepare(const char *path, enum daxmode_change change);
int daxmode_load_super(const char *path, const struct daxdev *dev,
		       uint8_t buf[MEDIA_SB_BYTES]);
int daxmode_copy(const char *path, const struct daxdev *dev, int to,
		 size_t len);
bool daxmode_kernel_can(void);
int daxmode_lock(const char *path);
void daxmode_unlock(int lock);
int module_load(void);

#endif /* FAMFS_DAXMODE_H */
