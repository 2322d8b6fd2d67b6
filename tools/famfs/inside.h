/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files and directories inside a famfs mount, attached or not, by paths that
 * can not lead out of it.
 */
#ifndef FAMFS_INSIDE_H
#define FAMFS_INSIDE_H

#include <stdint.h>
#include <sys/types.h>

int inside_open(int root, const char *path, int flags);
int inside_create(int root, const char *path);
int inside_mkdir(int root, const char *path);
int inside_unlink(int root, const char *path);
int inside_owner(int fd, uint32_t uid, uint32_t gid, uint32_t mode);

int inside_find_root(const char *path, int *root, char *rel, size_t size);

#endif /* FAMFS_INSIDE_H */
