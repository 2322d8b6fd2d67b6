/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files and directories inside a famfs mount, attached or not, by paths that
 * can not lead out of it.
 */
#ifndef FAMFS_INSIDE_H
#define FAMFS_INSIDE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "media.h"

/*
 * A directory that is open, since many files are made in one. { .fd = -1 } is
 * none yet.
 */
struct inside_dir {
	int fd;
	char path[MEDIA_PATH_SIZE];
	bool sets_group;	/* files in it get its group */
};

int inside_open(int root, const char *path, int flags);
int inside_create(int root, const char *path);
int inside_create_in(struct inside_dir *dir, int root, const char *path,
		     mode_t mode);
void inside_dir_close(struct inside_dir *dir);
int inside_mkdir(int root, const char *path);
int inside_unlink(int root, const char *path);
int inside_owner(int fd, uint32_t uid, uint32_t gid, uint32_t mode);

int inside_find_root(const char *path, int *root, char *rel, size_t size);

#endif /* FAMFS_INSIDE_H */
