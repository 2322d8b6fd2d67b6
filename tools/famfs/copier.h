/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Filling many files, by threads.
 */
#ifndef FAMFS_COPIER_H
#define FAMFS_COPIER_H

#include <stdbool.h>
#include <sys/stat.h>

struct copier;

struct copier_file {
	int from;		/* open for reading */
	int to;			/* open for reading and writing */
	const char *src;	/* what messages call the two */
	const char *dst;
	struct stat st;		/* of the source, as it was when @to was made */
};

#define COPIER_COMPARE	(1U << 0)	/* read the copies back */
#define COPIER_TIMES	(1U << 1)	/* the copies get the sources' times */

struct copier *copier_start(unsigned int threads, unsigned int flags);
void copier_add(struct copier *c, const struct copier_file *file);
unsigned long copier_finish(struct copier *c);

#endif /* FAMFS_COPIER_H */
