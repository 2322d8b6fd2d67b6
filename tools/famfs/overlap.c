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

/* Ranges of an overlap, of which one comes first by their tags */
struct heap {
	const struct overlap_range **range;
	size_t count;
	bool greatest;		/* and not the least */
};

static bool before(const struct heap *h, size_t i, size_t k)
{
	return h->greatest ? h->range[i]->tag > h->range[k]->tag
			   : h->range[i]->tag < h->range[k]->tag;
}

static void swap(struct heap *h, size_t i, size_t k)
{
	const struct overlap_range *r = h->range[i];

	h->range[i] = h->range[k];
	h->range[k] = r;
}

static void push(struct heap *h, const struct overlap_range *r)
{
	size_t i = h->count++;

	h->range[i] = r;
	for (; i && before(h, i, (i - 1) / 2); i = (i - 1) / 2)
		swap(h, i, (i - 1) / 2);
}

static void pop(struct heap *h)
{
	size_t i = 0, k;

	h->range[0] = h->range[--h->count];
	for (;;) {
		k = 2 * i + 1;
		if (k + 1 < h->count && before(h, k + 1, k))
			k++;
		if (k >= h->count || !before(h, k, i))
			break;
		swap(h, i, k);
		i = k;
	}
}

/* The first one that has not ended where @r starts, or NULL */
static const struct overlap_range *first(struct heap *h,
					 const struct overlap_range *r)
{
	while (h->count && (h->range[0]->dev != r->dev ||
			    h->range[0]->end <= r->offset))
		pop(h);
	return h->count ? h->range[0] : NULL;
}

static void tell(const struct overlap_range *early,
		 const struct overlap_range *late, uint64_t offset,
		 overlap_fn fn, void *arg)
{
	uint64_t end = early->end < late->end ? early->end : late->end;

	fn(arg, early->tag, late->tag, late->dev, offset, end - offset);
}

/**
 * overlap_find() - find ranges that are in use by somebody before
 * @o: the ranges, which it sorts
 * @fn: called once for each range that overlaps one with a lesser tag, with one
 *	of these
 * @arg: handed to @fn
 *
 * Goes through the ranges by offset, and holds each against those that have not
 * ended: the one of these with the least tag, and those with a greater tag than
 * its own that have not been told yet.
 *
 * Return: how often @fn was called, or -ENOMEM
 */
int64_t overlap_find(struct overlap *o, overlap_fn fn, void *arg)
{
	struct heap open = { .greatest = false }, good = { .greatest = true };
	int64_t found = 0;
	size_t i;

	overlap_sort(o);
	open.range = calloc(o->count + 1, sizeof(*open.range));
	good.range = calloc(o->count + 1, sizeof(*good.range));
	for (i = 0; open.range && good.range && i < o->count; i++) {
		const struct overlap_range *r = &o->range[i], *other;
		bool late;

		other = first(&open, r);
		late = other && other->tag < r->tag;
		if (late) {
			tell(other, r, r->offset, fn, arg);
			found++;
		}
		while ((other = first(&good, r)) && other->tag > r->tag) {
			tell(r, other, r->offset, fn, arg);
			found++;
			pop(&good);
		}
		push(&open, r);
		if (!late)
			push(&good, r);
	}
	if (!open.range || !good.range)
		found = -ENOMEM;
	free(open.range);
	free(good.range);
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
