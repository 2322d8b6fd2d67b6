// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The allocator. It holds the free ranges of each device and hands them out:
 * first fit, one extent where a range is long enough, else the longest ranges,
 * up to as many as a log entry holds; or strips, on different devices first.
 *
 * The free ranges of a device are a search tree by offset. Each node knows the
 * longest range below it, so that the first one that is long enough is found on
 * one way down. The tree is a treap: a node's random priority is less than its
 * parent's, which keeps the tree balanced whatever the log, that others can
 * write, makes of it. So a file costs O(log n) for n free ranges.
 *
 * It knows the whole truth only for as long as nobody else appends: the caller
 * feeds it the log and holds the log's lock (see session.c). The log may give
 * the same range out twice; it is not free then, and that is all. Who shares it
 * with whom is for fsck to find (see overlap.c).
 */
#include "alloc.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "util.h"

struct range {
	struct range *left;
	struct range *right;
	uint64_t start;
	uint64_t end;
	uint64_t longest;	/* of this one and all below */
	uint64_t prio;
};

struct space {
	uint64_t start;
	uint64_t end;
	struct range *free;
};

struct alloc {
	uint64_t unit;
	uint64_t bytes;		/* free ones, of all devices */
	uint64_t seed;
	struct range *spare;	/* linked by @right */
	struct space dev[MEDIA_MAX_DEVS];
};

/* Nodes that become free are kept, so that alloc_put() finds the one it needs */
static struct range *range_new(struct alloc *a, uint64_t start, uint64_t end)
{
	struct range *r = a->spare;

	if (r)
		a->spare = r->right;
	else
		r = malloc(sizeof(*r));
	if (!r)
		return NULL;
	/* splitmix64; the seed is nobody's to know */
	a->seed += 0x9e3779b97f4a7c15;
	*r = (struct range){ .start = start, .end = end, .prio = a->seed };
	r->prio = (r->prio ^ (r->prio >> 30)) * 0xbf58476d1ce4e5b9;
	r->prio = (r->prio ^ (r->prio >> 27)) * 0x94d049bb133111eb;
	r->longest = end - start;
	return r;
}

static void range_drop(struct alloc *a, struct range *r)
{
	r->right = a->spare;
	a->spare = r;
}

static uint64_t longest(const struct range *r)
{
	return r ? r->longest : 0;
}

/* What is below @r has changed, or @r itself */
static struct range *update(struct range *r)
{
	r->longest = r->end - r->start;
	if (longest(r->left) > r->longest)
		r->longest = longest(r->left);
	if (longest(r->right) > r->longest)
		r->longest = longest(r->right);
	return r;
}

/* Those that start before @pos go to @l, the others to @r */
static void split(struct range *t, uint64_t pos, struct range **l,
		  struct range **r)
{
	if (!t) {
		*l = NULL;
		*r = NULL;
	} else if (t->start < pos) {
		split(t->right, pos, &t->right, r);
		*l = update(t);
	} else {
		split(t->left, pos, l, &t->left);
		*r = update(t);
	}
}

/* All of @l lie before all of @r */
static struct range *join(struct range *l, struct range *r)
{
	if (!l || !r)
		return l ? l : r;
	if (l->prio > r->prio) {
		l->right = join(l->right, r);
		return update(l);
	}
	r->left = join(l, r->left);
	return update(r);
}

static struct range *pop_last(struct range **t)
{
	struct range *last;

	if (!*t)
		return NULL;
	if ((*t)->right) {
		last = pop_last(&(*t)->right);
		update(*t);
		return last;
	}
	last = *t;
	*t = last->left;
	last->left = NULL;
	return update(last);
}

static struct range *pop_first(struct range **t)
{
	struct range *first;

	if (!*t)
		return NULL;
	if ((*t)->left) {
		first = pop_first(&(*t)->left);
		update(*t);
		return first;
	}
	first = *t;
	*t = first->right;
	first->right = NULL;
	return update(first);
}

/* The first range that has @need bytes at or past @from */
static const struct range *find(const struct range *t, uint64_t from,
				uint64_t need)
{
	const struct range *r = NULL;

	if (longest(t) < need)
		return NULL;
	/* What is left of a range that starts before @from ends before it */
	if (t->start > from)
		r = find(t->left, from, need);
	if (!r && t->end > from &&
	    t->end - (t->start > from ? t->start : from) >= need)
		r = t;
	return r ? r : find(t->right, from, need);
}

static const struct range *find_longest(const struct range *t)
{
	while (t->end - t->start < t->longest)
		t = longest(t->left) == t->longest ? t->left : t->right;
	return t;
}

/**
 * alloc_new() - start without any device
 * @unit: all that is handed out is in units of this size; a power of two
 *
 * Return: the allocator, for alloc_free(), or NULL without memory
 */
struct alloc *alloc_new(uint64_t unit)
{
	struct alloc *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->unit = unit;
	if (getrandom(&a->seed, sizeof(a->seed), 0) < 0)
		a->seed = (uintptr_t)a;
	return a;
}

static void free_tree(struct range *t)
{
	if (!t)
		return;
	free_tree(t->left);
	free_tree(t->right);
	free(t);
}

/**
 * alloc_free() - let go of an allocator
 * @a: the allocator, or NULL
 */
void alloc_free(struct alloc *a)
{
	struct range *r;
	size_t i;

	if (!a)
		return;
	for (i = 0; i < MEDIA_MAX_DEVS; i++)
		free_tree(a->dev[i].free);
	while ((r = a->spare)) {
		a->spare = r->right;
		free(r);
	}
	free(a);
}

/**
 * alloc_add() - add the file space of a device, all of it free
 * @a: the allocator
 * @dev: index of the device
 * @start: first byte that files may have
 * @end: first byte after that; what is no whole unit is no use
 *
 * Return: 0, -EINVAL for an index that is out of range or in use, or -ENOMEM
 */
int alloc_add(struct alloc *a, uint64_t dev, uint64_t start, uint64_t end)
{
	struct space *s;

	if (dev >= MEDIA_MAX_DEVS || a->dev[dev].end)
		return -EINVAL;
	s = &a->dev[dev];
	start = round_up_pow2(start, a->unit);
	end &= ~(a->unit - 1);
	if (end <= start)
		return 0;
	s->free = range_new(a, start, end);
	if (!s->free)
		return -ENOMEM;
	s->start = start;
	s->end = end;
	a->bytes += end - start;
	return 0;
}

/**
 * alloc_reserve() - note that a range is in use
 * @a: the allocator
 * @dev: index of the device; one that was not added has nothing to reserve
 * @offset: first byte; units are reserved whole
 * @len: number of bytes, which must not run past 2^64
 *
 * Return: 0 or -ENOMEM, with nothing changed
 */
int alloc_reserve(struct alloc *a, uint64_t dev, uint64_t offset, uint64_t len)
{
	struct range *before, *in, *after, *r, *tail = NULL;
	uint64_t start, end;
	struct space *s;

	if (dev >= MEDIA_MAX_DEVS || !a->dev[dev].end)
		return 0;
	s = &a->dev[dev];
	start = offset & ~(a->unit - 1);
	end = offset + len < s->end ? round_up_pow2(offset + len, a->unit)
				    : s->end;
	if (start < s->start)
		start = s->start;
	if (start >= end)
		return 0;

	split(s->free, start, &before, &in);
	split(in, end, &in, &after);
	r = pop_last(&before);
	if (r && r->end > end) {
		/* It is cut in two, so nothing lies in between */
		tail = range_new(a, end, r->end);
		if (!tail) {
			s->free = join(join(before, r), join(in, after));
			return -ENOMEM;
		}
	}
	if (r && r->end > start) {
		a->bytes -= (r->end < end ? r->end : end) - start;
		r->end = start;
		update(r);
	}
	before = join(before, r);
	while ((r = pop_last(&in))) {
		a->bytes -= (r->end < end ? r->end : end) - r->start;
		if (r->end > end) {
			r->start = end;
			tail = update(r);
		} else {
			range_drop(a, r);
		}
	}
	s->free = join(join(before, tail), after);
	return 0;
}

/* Give back a range of which nothing is free */
static void release(struct alloc *a, uint64_t dev, uint64_t start, uint64_t len)
{
	struct space *s = &a->dev[dev];
	struct range *before, *after, *l, *r;
	uint64_t end = start + len;

	split(s->free, start, &before, &after);
	l = pop_last(&before);
	r = pop_first(&after);
	if (l && l->end == start) {
		l->end = end;
		if (r && r->start == end) {
			l->end = r->end;
			range_drop(a, r);
			r = NULL;
		}
		update(l);
	} else if (r && r->start == end) {
		r->start = start;
		update(r);
	} else {
		struct range *new = range_new(a, start, end);

		/* Without memory the range is lost to this session alone */
		if (!new)
			len = 0;
		l = join(l, new);
	}
	a->bytes += len;
	s->free = join(join(before, l), join(r, after));
}

static int take(struct alloc *a, uint64_t dev, uint64_t offset, uint64_t len,
		struct media_map *map)
{
	int rc = alloc_reserve(a, dev, offset, len);

	if (!rc)
		map->ext[map->count++] = (struct media_extent){
			.dev = dev,
			.offset = offset,
			.len = len,
		};
	return rc;
}

/* The longest range of all devices, at the lowest place where there are several */
static const struct range *longest_of_all(const struct alloc *a, uint64_t *dev)
{
	const struct range *best = NULL;
	uint64_t i;

	for (i = 0; i < MEDIA_MAX_DEVS; i++) {
		if (longest(a->dev[i].free) > longest(best)) {
			best = a->dev[i].free;
			*dev = i;
		}
	}
	return best ? find_longest(best) : NULL;
}

/* In as few extents as can be; what was found of @need is in the map */
static uint64_t scatter(struct alloc *a, uint64_t need, struct media_map *map)
{
	uint64_t found = 0, dev = 0;

	while (found < need && map->count < MEDIA_MAX_EXTENTS) {
		const struct range *r = longest_of_all(a, &dev);
		uint64_t len;

		if (!r)
			break;
		len = r->end - r->start;
		if (len > need - found)
			len = need - found;
		/* From a range's start on: no node is needed, so it can't fail */
		take(a, dev, r->start, len, map);
		found += len;
	}
	return found;
}

/**
 * alloc_get() - find and reserve space for a file
 * @a: the allocator
 * @size: bytes the file needs, not 0
 * @map: gets the extents
 *
 * Return: 0, or -ENOSPC where no 16 free ranges hold @size (alloc_largest()
 * tells what they would hold), with nothing reserved
 */
int alloc_get(struct alloc *a, uint64_t size, struct media_map *map)
{
	uint64_t need, dev;

	memset(map, 0, sizeof(*map));
	map->type = MEDIA_SIMPLE;
	if (!size || size > a->bytes)
		return -ENOSPC;
	need = round_up_pow2(size, a->unit);
	for (dev = 0; dev < MEDIA_MAX_DEVS; dev++) {
		const struct range *r = find(a->dev[dev].free, 0, need);

		if (r)
			return take(a, dev, r->start, need, map);
	}
	if (scatter(a, need, map) == need)
		return 0;
	alloc_put(a, map);
	map->count = 0;
	return -ENOSPC;
}

/* A place for strips: a bucket of a device */
struct place {
	uint32_t dev;
	uint32_t used;		/* strips there so far */
	uint64_t start;
	uint64_t end;
};

/* Bucket after bucket, each of all devices: so neighbours are on others */
static struct place *list_places(const struct alloc *a, uint32_t nbuckets,
				 size_t *count)
{
	struct place *p = calloc((size_t)MEDIA_MAX_DEVS * nbuckets, sizeof(*p));
	uint32_t b, dev;

	*count = 0;
	for (b = 0; p && b < nbuckets; b++) {
		for (dev = 0; dev < MEDIA_MAX_DEVS; dev++) {
			const struct space *s = &a->dev[dev];
			uint64_t part = (s->end - s->start) / a->unit /
					nbuckets * a->unit;

			if (!s->end)
				continue;
			p[*count].dev = dev;
			p[*count].start = s->start + b * part;
			p[*count].end = b + 1 < nbuckets
				? p[*count].start + part : s->end;
			++*count;
		}
	}
	return p;
}

static int place_strip(struct alloc *a, struct place *places, size_t count,
		       uint64_t turn, uint64_t len, struct media_map *map)
{
	uint32_t used;
	size_t i;
	int rc;

	/* A place of its own first, then one that fewest others share */
	for (used = 0; used <= map->count; used++) {
		for (i = 0; i < count; i++) {
			struct place *p = &places[(turn + i) % count];
			const struct range *r;
			uint64_t at;

			if (p->used != used)
				continue;
			r = find(a->dev[p->dev].free, p->start, len);
			if (!r)
				continue;
			at = r->start > p->start ? r->start : p->start;
			if (at >= p->end || p->end - at < len)
				continue;
			rc = take(a, p->dev, at, len, map);
			if (!rc)
				p->used++;
			return rc;
		}
	}
	return -ENOSPC;
}

/**
 * alloc_get_striped() - find and reserve space for a file in strips
 * @a: the allocator
 * @size: bytes the file needs, not 0
 * @stripes: how it is to be cut; a file with fewer chunks than that gets fewer
 *	strips, and one of a single chunk a map as from alloc_get()
 * @turn: with another number the first strip goes elsewhere, so that files
 *	spread over all places
 * @map: gets the strips
 *
 * Return: 0; -ENOSPC or -ENOMEM, with nothing reserved
 */
int alloc_get_striped(struct alloc *a, uint64_t size,
		      const struct stripes *stripes, uint64_t turn,
		      struct media_map *map)
{
	uint32_t nbuckets = stripes->nbuckets ? stripes->nbuckets : 1;
	uint64_t chunk = stripes->chunk, chunks, tail;
	uint32_t n = stripes->nstrips, i;
	struct place *places;
	size_t count;
	int rc = 0;

	memset(map, 0, sizeof(*map));
	if (!size || size > a->bytes)
		return -ENOSPC;
	chunks = (size - 1) / chunk + 1;
	tail = round_up_pow2(size - (chunks - 1) * chunk, a->unit);
	if (n > chunks)
		n = chunks;
	if (n < 2)
		return alloc_get(a, size, map);

	places = list_places(a, nbuckets, &count);
	if (!places)
		return -ENOMEM;
	map->type = MEDIA_INTERLEAVED;
	map->chunk_size = chunk;
	for (i = 0; i < n && !rc; i++) {
		uint64_t len = ((chunks - 1 - i) / n + 1) * chunk;

		/* Of the last chunk only what is in use */
		if ((chunks - 1) % n == i)
			len -= chunk - tail;
		rc = place_strip(a, places, count, turn + i, len, map);
	}
	free(places);
	if (rc) {
		alloc_put(a, map);
		map->count = 0;
	}
	return rc;
}

/**
 * alloc_put() - give back what was handed out last
 * @a: the allocator
 * @map: what alloc_get() or alloc_get_striped() returned
 */
void alloc_put(struct alloc *a, const struct media_map *map)
{
	uint32_t i;

	for (i = 0; i < map->count; i++)
		release(a, map->ext[i].dev, map->ext[i].offset,
			map->ext[i].len);
}

/**
 * alloc_devices() - count the devices that have file space
 * @a: the allocator
 *
 * Return: how many were added
 */
uint32_t alloc_devices(const struct alloc *a)
{
	uint32_t i, n = 0;

	for (i = 0; i < MEDIA_MAX_DEVS; i++)
		n += a->dev[i].end != 0;
	return n;
}

/**
 * alloc_free_bytes() - tell what is free
 * @a: the allocator
 *
 * Return: bytes, in whole units
 */
uint64_t alloc_free_bytes(const struct alloc *a)
{
	return a->bytes;
}

/**
 * alloc_largest() - tell how large a file would fit
 * @a: the allocator, which is as before afterwards
 *
 * Return: bytes in the 16 longest free ranges
 */
uint64_t alloc_largest(struct alloc *a)
{
	struct media_map map = { .type = MEDIA_SIMPLE };
	uint64_t bytes = scatter(a, UINT64_MAX, &map);

	alloc_put(a, &map);
	return bytes;
}
