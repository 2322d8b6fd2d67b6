/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finding what is wrong with a file system, and how full it is.
 */
#ifndef FAMFS_CHECK_H
#define FAMFS_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fs.h"
#include "names.h"
#include "overlap.h"
#include "util.h"

#define CHECK_NO_ENTRY		UINT64_MAX

/* Where a problem lies; they are told in this order */
enum check_place {
	CHECK_SUPER,
	CHECK_HEADER,
	CHECK_ENTRY,
	CHECK_MOUNT,		/* what is mounted, not what is on the medium */
};

struct check_problem {
	enum check_place place;
	bool warning;		/* nothing is lost, and no file wrong, by it */
	uint64_t entry;		/* its index, or CHECK_NO_ENTRY */
	uint64_t offset;	/* of what is wrong, on the first device */
	char *path;		/* as it was found, or NULL */
	char *what;
};

/* How full a device, or a part of it, is */
struct check_space {
	uint64_t size;
	uint64_t free;		/* in whole allocation units */
};

struct check {
	/* What to check */
	const struct fs *fs;
	const char *name;	/* what messages call the file system */

	/* What was found */
	struct media_devices devices;
	uint64_t entries;
	uint64_t entries_free;	/* that the log has room for */
	uint64_t files;
	uint64_t dirs;
	uint64_t used_bytes;	/* of files, in what was given to them */
	uint64_t free_bytes;	/* of all devices */
	uint64_t largest;	/* file that fits */
	struct check_space space[MEDIA_MAX_DEVS];
	uint64_t errors;
	uint64_t warnings;
	struct check_problem *problem;
	size_t nproblems;

	/* For check.c and check_mount.c */
	size_t room;
	bool lost;		/* a problem that memory did not suffice for */
	struct names names;
	struct overlap used;
	uint8_t *flawed;	/* of each entry, whether an error is in it */
	uint64_t nflawed;
};

enum check_print {
	CHECK_ALL,
	CHECK_ERRORS,
};

int check_fs(struct check *c);
int check_mount(struct check *c);
void check_bucket(struct check *c, uint32_t dev, uint32_t i, uint32_t n,
		  struct check_space *space);
void check_print(const struct check *c, enum check_print what);
void check_free(struct check *c);

void check_found(struct check *c, enum check_place place, bool warning,
		 uint64_t entry, const char *path, const char *fmt, ...)
	FORMAT(6, 7);

#endif /* FAMFS_CHECK_H */
