/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changing a file system, which only its master may.
 */
#ifndef FAMFS_SESSION_H
#define FAMFS_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "alloc.h"
#include "fs.h"
#include "names.h"

struct session {
	struct fs fs;
	const char *name;	/* what messages call the file system */
	struct alloc *alloc;
	struct names names;
	uint64_t next;		/* log entries before this are taken in */
	bool dryrun;
};

/* What to make */
struct new_node {
	const char *path;	/* relative to the mount, normalised */
	uint64_t size;		/* of a file */
	uint32_t mode;
	uint32_t uid;
	uint32_t gid;
};

int session_open(struct session *s, int root, const char *name, bool dryrun);
bool session_full(const struct session *s);
void session_close(struct session *s);
int session_creat(struct session *s, const struct new_node *node, bool *there);
int session_mkdir(struct session *s, const struct new_node *node, bool *there);

#endif /* FAMFS_SESSION_H */
