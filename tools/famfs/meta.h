/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The meta files, .meta/.superblock and .meta/.log: the only way to superblock
 * and log of a device that carries a file system.
 */
#ifndef FAMFS_META_H
#define FAMFS_META_H

#include <stdbool.h>
#include <stdint.h>

#include "medium.h"

#define META_SUPER	".meta/.superblock"
#define META_LOG	".meta/.log"

int meta_make_super(int root);
int meta_make_log(int root, uint64_t offset, uint64_t len);
int meta_open(int root, const char *name, bool writable, bool by_read,
	      struct medium *m);

#endif /* FAMFS_META_H */
