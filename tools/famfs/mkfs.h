/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making a file system, and unmaking one.
 */
#ifndef FAMFS_MKFS_H
#define FAMFS_MKFS_H

#include <stdbool.h>
#include <stdint.h>

struct mkfs {
	const char *dev;
	bool force;
	bool kill;
	uint64_t log_len;
	uint64_t alloc_unit;
};

int mkfs_check(const struct mkfs *m);
int mkfs_run(const struct mkfs *m);

#endif /* FAMFS_MKFS_H */
