/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finding what is wrong with a file system.
 */
#ifndef FAMFS_CHECK_H
#define FAMFS_CHECK_H

#include <stdint.h>

#include "fs.h"

struct check {
	const struct fs *fs;
	const char *name;	/* what messages call the file system */
	uint64_t entries;
	uint64_t files;
	uint64_t dirs;
	struct media_devices devices;
	uint64_t errors;
	uint64_t used_bytes;	/* of files, in what was given to them */
	uint64_t free_bytes;
};

int check_fs(struct check *c);

#endif /* FAMFS_CHECK_H */
