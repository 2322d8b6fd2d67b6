// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The allocator. It holds the used ranges of device 0, sorted by offset, as the
 * log has them, and hands out what lies between them: first fit, one extent
 * where one is long enough, else the first gaps that suffice, up to as many as
 * a log entry holds.
 *
 * It knows the whole truth only for as long as nobody else appends: the caller
 * feeds it the log and holds the log's lock (see session.c). Ranges may overlap
 * here, since the log is not to be trusted; overlap_find() tells which do.
 */
#include "alloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

struct range {
	uint64_t offset;
	uint64_t end;
	uint64_t tag;
};

struct alloc {
	uint64_t start;
	uint64_t end;
	uint64_t unit;
	size_t count;
	size_t room;
	struct range *used;	/* by offset */
};

/**
 * alloc_new() - start with all of a device's file space free
 * @start: first byte after superblock and log; a multiple of @unit
 * @capacity: bytes that the device has
 * @unit: all that is handed out is in units of this size; a power of two
 *
 * Return: the allocator, for alloc_free(), or NULL without memory
 */
struct alloc *alloc_new(uint64_t start, uint64_t capacity, uint64_t unit)
{
	struct alloc *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->unit = unit;
	a->start = start;
	/* A last part smaller than a unit is no use */
	a->end = capacity & ~(unit - 1);
	if (a->end < a->start)
		a->end = a->start;
	return a;
}

/**
 * alloc_free() - let go of an allocator
 * @a: the allocator, or NULL
 */
void alloc_free(struct alloc *a)
{
	if (!a)
		return;
	free(a->used);
	free(a);
}

/* Index of the first range that starts past @offset */
static size_t upper_bound(const struct alloc *a, uint64_t offset)
{
	size_t lo = 0, hi = a->count;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (a->used[mid].offset <= offset)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/**
 * alloc_reserve() - note that a range is in use
 * @a: the allocator
 * @offset: first byte
 * @len: number of bytes, which must not run past 2^64
 * @tag: whose it is
 *
 * Return: 0 or -ENOMEM
 */
int alloc_reserve(struct alloc *a, uint64_t offset, uint64_t len, uint64_t tag)
{
	size_t at;

	if (a->count == a->room) {
		size_t room = a->room ? a->room * 2 : 256;
		struct range *used = reallocarray(a->used, room, sizeof(*used));

		if (!used)
			return -ENOMEM;
		a->used = used;
		a->room = room;
	}
	at = upper_bound(a, offset);
	memmove(&a->used[at + 1], &a->used[at],
		(a->count - at) * sizeof(*a->used));
	a->used[at] = (struct range){ offset, offset + len, tag };
	a->count++;
	return 0;
}

/* Walks the gaps between used ranges, each cut to whole units, in order */
struct gaps {
	size_t next;		/* range that ends the next gap */
	uint64_t pos;		/* nothing is free before this */
	uint64_t offset;
	uint64_t len;
};

static bool next_gap(const struct alloc *a, struct gaps *g)
{
	while (g->pos < a->end) {
		uint64_t from = round_up_pow2(g->pos, a->unit);
		uint64_t to = a->end;

		if (g->next < a->count) {
			const struct range *r = &a->used[g->next++];

			if (r->offset < to)
				to = r->offset & ~(a->unit - 1);
			if (r->end > g->pos)
				g->pos = r->end;
		} else {
			g->pos = a->end;
		}
		if (from < to) {
			g->offset = from;
			g->len = to - from;
			return true;
		}
	}
	return false;
}

#define GAPS(a)	{ .pos = (a)->start }

static void take(struct media_map *map, uint64_t offset, uint64_t len)
{
	map->ext[map->count++] = (struct media_extent){
		.offset = offset,
		.len = len,
	};
}

/*
 * In several extents: the first 16 gaps that suffice together. Only where they
 * do not, the 16 longest, since that is what alloc_largest() promises.
 */
static bool scatter(const struct alloc *a, uint64_t need, struct media_map *map)
{
	struct gaps g = GAPS(a);
	uint64_t left = need;

	while (left && map->count < MEDIA_MAX_EXTENTS && next_gap(a, &g)) {
		uint64_t len = g.len < left ? g.len : left;

		take(map, g.offset, len);
		left -= len;
	}
	return !left;
}

static uint64_t longest_gaps(const struct alloc *a,
			     struct media_extent best[MEDIA_MAX_EXTENTS],
			     uint32_t *count)
{
	struct gaps g = GAPS(a);
	uint64_t sum = 0;
	uint32_t i, n = 0;

	while (next_gap(a, &g)) {
		if (n == MEDIA_MAX_EXTENTS) {
			if (g.len <= best[n - 1].len)
				continue;
			n--;
		}
		for (i = n; i && best[i - 1].len < g.len; i--)
			best[i] = best[i - 1];
		best[i] = (struct media_extent){ 0, g.offset, g.len };
		n++;
	}
	for (i = 0; i < n; i++)
		sum += best[i].len;
	*count = n;
	return sum;
}

/**
 * alloc_get() - find and reserve space for a file
 * @a: the allocator
 * @size: bytes the file needs, not 0
 * @tag: as for alloc_reserve()
 * @map: gets the extents, all on device 0
 *
 * Return: 0, -ENOSPC where no 16 free ranges hold @size (alloc_largest() tells
 * what they would hold), -ENOMEM. Nothing is reserved on an error.
 */
int alloc_get(struct alloc *a, uint64_t size, uint64_t tag,
	      struct media_map *map)
{
	struct gaps g = GAPS(a);
	uint64_t need;
	uint32_t i;

	memset(map, 0, sizeof(*map));
	map->type = MEDIA_SIMPLE;
	if (!size || size > a->end - a->start)
		return -ENOSPC;
	need = round_up_pow2(size, a->unit);

	while (next_gap(a, &g)) {
		if (g.len >= need) {
			take(map, g.offset, need);
			break;
		}
	}
	if (!map->count && !scatter(a, need, map)) {
		struct media_extent best[MEDIA_MAX_EXTENTS];
		uint32_t count;

		if (longest_gaps(a, best, &count) < need)
			return -ENOSPC;
		map->count = 0;
		for (i = 0; need; i++) {
			uint64_t len = best[i].len < need ? best[i].len : need;

			take(map, best[i].offset, len);
			need -= len;
		}
	}
	for (i = 0; i < map->count; i++) {
		int rc = alloc_reserve(a, map->ext[i].offset, map->ext[i].len,
				       tag);

		if (rc) {
			map->count = i;
			alloc_put(a, map);
			return rc;
		}
	}
	return 0;
}

/**
 * alloc_put() - give back what alloc_get() reserved
 * @a: the allocator
 * @map: what it returned
 */
void alloc_put(struct alloc *a, const struct media_map *map)
{
	uint32_t i;

	for (i = 0; i < map->count; i++) {
		size_t at = upper_bound(a, map->ext[i].offset);

		if (!at || a->used[at - 1].offset != map->ext[i].offset)
			continue;
		memmove(&a->used[at - 1], &a->used[at],
			(a->count - at) * sizeof(*a->used));
		a->count--;
	}
}

/**
 * alloc_free_bytes() - count what is free
 * @a: the allocator
 *
 * Return: bytes, in whole units
 */
uint64_t alloc_free_bytes(const struct alloc *a)
{
	struct gaps g = GAPS(a);
	uint64_t sum = 0;

	while (next_gap(a, &g))
		sum += g.len;
	return sum;
}

/**
 * alloc_largest() - tell how large a file would fit
 * @a: the allocator
 *
 * Return: bytes in the 16 longest free ranges
 */
uint64_t alloc_largest(const struct alloc *a)
{
	struct media_extent best[MEDIA_MAX_EXTENTS];
	uint32_t count;

	return longest_gaps(a, best, &count);
}
