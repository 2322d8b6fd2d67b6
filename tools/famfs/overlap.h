/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ranges in use on the devices of a file system: which are in use twice, and
 * what lies between them.
 */
#ifndef FAMFS_OVERLAP_H
#define FAMFS_OVERLAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct overlap_range {
	uint64_t dev;
	uint64_t offset;
	uint64_t end;
	uint64_t tag;		/* whose it is, for the caller */
};

/* All 0 is an empty one */
struct overlap {
	struct overlap_range *range;
	size_t count;
	size_t room;
	bool sorted;
};

int overlap_add(struct overlap *o, uint64_t dev, uint64_t offset, uint64_t len,
		uint64_t tag);
void overlap_sort(struct overlap *o);
void overlap_free(struct overlap *o);

/* Two ranges of one device that share @len bytes at @offset; @tag1 is the less */
typedef void (*overlap_fn)(void *arg, uint64_t tag1, uint64_t tag2,
			   uint64_t dev, uint64_t offset, uint64_t len);
int64_t overlap_find(struct overlap *o, overlap_fn fn, void *arg);

/* Walks what is free on one device, in whole units, in order */
struct overlap_gaps {
	const struct overlap *o;
	size_t next;		/* range that ends the next gap */
	uint64_t dev;
	uint64_t pos;		/* nothing is free before this */
	uint64_t end;
	uint64_t unit;
	uint64_t offset;	/* the gap found last */
	uint64_t len;
};

void overlap_gaps(struct overlap_gaps *g, struct overlap *o, uint64_t dev,
		  uint64_t start, uint64_t end, uint64_t unit);
bool overlap_next_gap(struct overlap_gaps *g);

#endif /* FAMFS_OVERLAP_H */
