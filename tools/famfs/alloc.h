/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which bytes of the device are in use, and where the next file goes.
 */
#ifndef FAMFS_ALLOC_H
#define FAMFS_ALLOC_H

#include <stdint.h>

#include "media.h"

struct alloc;

struct alloc *alloc_new(uint64_t start, uint64_t capacity, uint64_t unit);
void alloc_free(struct alloc *a);
int alloc_reserve(struct alloc *a, uint64_t offset, uint64_t len, uint64_t tag);
int alloc_get(struct alloc *a, uint64_t size, uint64_t tag,
	      struct media_map *map);
void alloc_put(struct alloc *a, const struct media_map *map);
uint64_t alloc_free_bytes(const struct alloc *a);
uint64_t alloc_largest(const struct alloc *a);

#endif /* FAMFS_ALLOC_H */
