/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files full of a pattern, written or looked at by several threads.
 */
#ifndef FAMFS_PATTERNIO_H
#define FAMFS_PATTERNIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PATTERNIO_RANGE	(4ULL << 20)	/* what a thread takes at a time */
#define PATTERNIO_WRONG	1
#define PATTERNIO_NOWHERE	UINT64_MAX

struct patternio {
	int root;		/* of the mount; -1: @path is one for open(2) */
	const char *path;
	uint64_t seed;
	uint64_t size;		/* of the file */
	bool verify;		/* look at it; else write it */

	int rc;			/* 0, PATTERNIO_WRONG, or -errno */
	uint64_t at;		/* the first offset that @rc is about, if any */

	uint64_t next;		/* of patternio_run() */
};

int patternio_run(struct patternio *files, size_t n, unsigned int threads);

#endif /* FAMFS_PATTERNIO_H */
