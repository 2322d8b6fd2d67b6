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
#include "inside.h"
#include "names.h"

struct session {
	struct fs fs;
	const char *name;	/* what messages call the file system */
	struct alloc *alloc;
	struct media_devices devices;
	struct names names;
	uint64_t next;		/* log entries before this are taken in */
	bool dryrun;
	bool held;		/* the log is locked until session_release() */
	mode_t passed_mode;	/* one that the umask lets pass */
	bool may_map;		/* the kernel has been asked whether we may */
	struct inside_dir dir;	/* where the last file was made */
};

/* What to make */
struct new_node {
	const char *path;	/* relative to the mount, normalised */
	uint64_t size;		/* of a file */
	uint32_t mode;
	uint32_t uid;
	uint32_t gid;
	struct stripes stripes;	/* of a file; all 0 for none */
};

int session_open(struct session *s, int root, const char *name, bool dryrun);
bool session_full(const struct session *s);
void session_close(struct session *s);
int session_hold(struct session *s);
void session_release(struct session *s);
int session_creat(struct session *s, const struct new_node *node, bool *there);
int session_creat_fd(struct session *s, const struct new_node *node,
		     bool *there, int *fd);
int session_mkdir(struct session *s, const struct new_node *node, bool *there);
int session_room(const struct session *s, uint64_t entries, uint64_t bytes);
int session_plan(struct session *s, const struct new_node *node,
		 struct media_map *map);
int session_append(struct session *s, struct media_entry *e);

#endif /* FAMFS_SESSION_H */
