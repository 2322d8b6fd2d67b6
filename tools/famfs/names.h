/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The set of paths that the log holds, with what each is.
 */
#ifndef FAMFS_NAMES_H
#define FAMFS_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "media.h"

struct name {
	char path[MEDIA_PATH_SIZE];
	bool is_dir;
	uint64_t size;		/* of a file */
	uint64_t index;		/* of its log entry */
};

struct names {
	void *tree;
};

const struct name *names_find(const struct names *n, const char *path);
int names_add(struct names *n, const struct media_entry *e, uint64_t index,
	      const struct name **there);
bool names_has_parent(const struct names *n, const char *path);
void names_free(struct names *n);

#endif /* FAMFS_NAMES_H */
