// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who looks for what is wrong can not use the allocator, which takes no two
 * owners for one byte. Here ranges are collected as the log has them, any
 * ranges on any device, and sorted once: neighbours then tell what overlaps and
 * what is free, O(n log n) in all.
 */
#include "overlap.h"

#include <errno.h>
#include <stdlib.h>

#include "util.h"

/**
 * overlap_add() - note that a range is in use
 * @o: the ranges
 * @dev: index of its device
 * @offset: first byte
 * @len: number of bytes, which must not run past 2^63
 * @tag: what overlap_find() shall call it
 *
 * Return: 0 or -ENOMEM
 */
int overlap_add(struct overlap *o, uint64_t dev, uint64_t offset, uint64_t len,
		uint64_t tag)
{
	if (o->count == o->room) {
		size_t room = o->room ? o->room * 2 : 256;
		struct overlap_range *range;

		range = reallocarray(o->range, room, sizeof(*range));
		if (!range)
			return -ENOMEM;
		o->range = range;
		o->room = room;
	}
	o->range[o->count++] = (struct overlap_range){
		.dev = dev,
		.offset = offset,
		.end = offset + len,
		.tag = tag,
	};
	o->sorted = false;
	return 0;
}

static int by_place(const void *a, const void *b)
{
	const struct overlap_range *x = a, *y = b;

	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	if (x->tag != y->tag)
		return x->tag < y->tag ? -1 : 1;
	return 0;
}

/**
 * overlap_sort() - bring the ranges in order: by device, offset and tag
 * @o: the ranges
 */
void overlap_sort(struct overlap *o)
{
	if (!o->sorted && o->count)
		qsort(o->range, o->count, sizeof(*o->range), by_place);
	o->sorted = true;
}

/**
 * overlap_free() - forget all ranges
 * @o: the ranges
 */
void overlap_free(struct overlap *o)
{
	free(o->range);
	*o = (struct overlap){ 0 };
}

/**
 * overlap_find() - find bytes that are in use more than once
 * @o: the ranges, which it sorts
 * @fn: called for each range that starts inside an earlier one, with the one of
 *	these that reaches furthest
 * @arg: handed to @fn
 *
 * Return: how often @fn was called
 */
uint64_t overlap_find(struct overlap *o, overlap_fn fn, void *arg)
{
	const struct overlap_range *far = NULL;
	uint64_t found = 0;
	size_t i;

	overlap_sort(o);
	for (i = 0; i < o->count; i++) {
		const struct overlap_range *r = &o->range[i];

		if (far && far->dev != r->dev)
			far = NULL;
		if (far && r->offset < far->end) {
			uint64_t end = r->end < far->end ? r->end : far->end;

			fn(arg, far->tag, r->tag, r->dev, r->offset,
			   end - r->offset);
			found++;
		}
		if (!far || r->end > far->end)
			far = r;
	}
	return found;
}

/**
 * overlap_gaps() - start to walk what is free on a device
 * @g: the walk, for overlap_next_gap()
 * @o: the ranges, which it sorts; none may be added during the walk
 * @dev: index of the device
 * @start: first byte that may be free
 * @end: byte after the last that may be free
 * @unit: a power of two: a unit is free where all of it is
 */
void overlap_gaps(struct overlap_gaps *g, struct overlap *o, uint64_t dev,
		  uint64_t start, uint64_t end, uint64_t unit)
{
	size_t lo = 0, hi;

	overlap_sort(o);
	hi = o->count;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (o->range[mid].dev < dev)
			lo = mid + 1;
		else
			hi = mid;
	}
	*g = (struct overlap_gaps){
		.o = o,
		.next = lo,
		.dev = dev,
		.pos = start,
		.end = end & ~(unit - 1),
		.unit = unit,
	};
}

/**
 * overlap_next_gap() - find the next stretch that is free
 * @g: the walk; @g->offset and @g->len are set
 *
 * Return: false where there is none
 */
bool overlap_next_gap(struct overlap_gaps *g)
{
	const struct overlap *o = g->o;

	while (g->pos < g->end) {
		uint64_t from = round_up_pow2(g->pos, g->unit);
		uint64_t to = g->end;

		if (g->next < o->count && o->range[g->next].dev == g->dev) {
			const struct overlap_range *r = &o->range[g->next++];

			if (r->offset < to)
				to = r->offset & ~(g->unit - 1);
			if (r->end > g->pos)
				g->pos = r->end;
		} else {
			g->pos = g->end;
		}
		if (from < to) {
			g->offset = from;
			g->len = to - from;
			return true;
		}
	}
	return false;
}
