/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which memory of the devices is free, and where the next file goes.
 */
#ifndef FAMFS_ALLOC_H
#define FAMFS_ALLOC_H

#include <stdint.h>

#include "media.h"

#define ALLOC_MAX_BUCKETS	64

struct alloc;

/* How a file is to be cut into strips; all 0 for a file that is not */
struct stripes {
	uint32_t nstrips;	/* up to MEDIA_MAX_EXTENTS */
	uint64_t chunk;		/* bytes that are together; whole units */
	uint32_t nbuckets;	/* equal parts of each device */
};

struct alloc *alloc_new(uint64_t unit);
void alloc_free(struct alloc *a);
int alloc_add(struct alloc *a, uint64_t dev, uint64_t start, uint64_t end);
int alloc_reserve(struct alloc *a, uint64_t dev, uint64_t offset, uint64_t len);
int alloc_get(struct alloc *a, uint64_t size, struct media_map *map);
int alloc_get_striped(struct alloc *a, uint64_t size,
		      const struct stripes *stripes, uint64_t turn,
		      struct media_map *map);
void alloc_put(struct alloc *a, const struct media_map *map);
uint32_t alloc_devices(const struct alloc *a);
uint64_t alloc_free_bytes(const struct alloc *a);
uint64_t alloc_largest(struct alloc *a);

#endif /* FAMFS_ALLOC_H */
