/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A famfs file system in a mount, attached or not: its superblock, and its
 * superblock's and log's memory.
 */
#ifndef FAMFS_FS_H
#define FAMFS_FS_H

#include <stdbool.h>
#include <stdint.h>

#include "media.h"
#include "medium.h"

struct fs {
	int root;		/* not owned */
	struct medium super;
	struct medium log;
	struct media_super sb;
	uint64_t faults;	/* MEDIA_FAULT()s that opening it found */
	uint64_t capacity;	/* bytes that the first device really has */
};

#define FS_WRITE	(1U << 0)	/* the log will be appended to */
#define FS_BY_READ	(1U << 1)	/* load by read(2), not by mapping */
#define FS_MAKE_META	(1U << 2)	/* make the meta files as needed */

int fs_open(struct fs *fs, int root, const char *name, unsigned int flags);
void fs_close(struct fs *fs);
uint64_t fs_usable(const struct fs *fs);
uint64_t fs_device_size(const struct fs *fs, uint32_t index, uint64_t logged);
void fs_devices(const struct fs *fs, struct media_devices *d);
int fs_log_header(const struct fs *fs, const char *name, struct media_log *log);
int fs_is_master(const struct fs *fs, bool *master);
int fs_find_mount(const char *dev, char *dir, unsigned long size);
int fs_find_source(const char *dir, char *dev, unsigned long size);

#endif /* FAMFS_FS_H */
