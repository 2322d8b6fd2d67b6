/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The devices of this machine that can carry famfs, or could: those of the dax
 * bus, and block devices on memory.
 */
#ifndef FAMFS_DEVICES_H
#define FAMFS_DEVICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daxmode.h"
#include "media.h"

struct device {
	struct daxdev dax;	/* of a block device: name, DAXMODE_NOT_DAX */
	char path[80];		/* of its node */
	uint64_t size;
	int node;		/* of memory (NUMA), -1 where unknown */
	bool block;
	bool block_dax;		/* can be mapped: in fsdax mode */
	/* What is at its start, once devices_look() was there */
	bool looked;
	int rc;
	uint8_t start[MEDIA_SB_BYTES];
};

struct devices {
	size_t count;
	struct device *dev;
};

int devices_scan(struct devices *d);
void devices_free(struct devices *d);
int devices_look(struct device *dev);
int devices_start(const struct device *dev, int *fd);
int devices_open(struct devices *d, int fd, const struct media_super *sb,
		 const struct media_daxdev *e, const char *name,
		 bool keep_mode);

#endif /* FAMFS_DEVICES_H */
