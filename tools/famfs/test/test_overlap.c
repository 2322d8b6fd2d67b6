// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Overlaps and gaps against a model that keeps one byte for each unit.
 */
#include <errno.h>
#include <stdlib.h>

#include "test.h"

#include "overlap.h"

#define UNIT		4096ULL
#define UNITS		200U

struct seen {
	unsigned int n;
	uint64_t tag1, tag2, dev, offset, len;
};

static void note(void *arg, uint64_t tag1, uint64_t tag2, uint64_t dev,
		 uint64_t offset, uint64_t len)
{
	struct seen *s = arg;

	*s = (struct seen){ s->n + 1, tag1, tag2, dev, offset, len };
}

static void add(struct overlap *o, uint64_t dev, uint64_t from, uint64_t units,
		uint64_t tag)
{
	assert_int_equal(overlap_add(o, dev, from * UNIT, units * UNIT, tag),
			 0);
}

static void which(void **state)
{
	struct overlap o = { 0 };
	struct seen s = { 0 };

	(void)state;
	assert_int_equal(overlap_find(&o, note, &s), 0);
	add(&o, 0, 30, 10, 2);
	add(&o, 0, 20, 10, 1);
	assert_int_equal(overlap_find(&o, note, &s), 0);
	add(&o, 0, 39, 5, 3);
	assert_int_equal(overlap_find(&o, note, &s), 1);
	assert_int_equal(s.tag1, 2);
	assert_int_equal(s.tag2, 3);
	assert_int_equal(s.dev, 0);
	assert_int_equal(s.offset, 39 * UNIT);
	assert_int_equal(s.len, UNIT);
	/* The long one reaches past the short one inside it */
	add(&o, 0, 100, 50, 4);
	add(&o, 0, 110, 1, 5);
	add(&o, 0, 120, 1, 6);
	s.n = 0;
	assert_int_equal(overlap_find(&o, note, &s), 3);
	assert_int_equal(s.n, 3);
	assert_int_equal(s.tag1, 4);
	assert_int_equal(s.tag2, 6);
	overlap_free(&o);
	assert_int_equal(overlap_find(&o, note, &s), 0);
	/* Who overlaps the first is told, though a later one reaches further */
	add(&o, 0, 0, 100, 9);
	add(&o, 0, 10, 40, 1);
	add(&o, 0, 20, 10, 2);
	s.n = 0;
	assert_int_equal(overlap_find(&o, note, &s), 2);
	assert_int_equal(s.n, 2);
	assert_int_equal(s.tag1, 1);
	assert_int_equal(s.tag2, 2);
	assert_int_equal(s.offset, 20 * UNIT);
	assert_int_equal(s.len, 10 * UNIT);
	overlap_free(&o);
}

/* --- against a model --------------------------------------------------------- */

#define RANGES	40

struct model {
	struct overlap_range r[RANGES];		/* in the order of their tags */
	bool told[RANGES];
};

static bool overlaps(const struct overlap_range *x,
		     const struct overlap_range *y)
{
	return x->dev == y->dev && x->offset < y->end && y->offset < x->end;
}

static void hold(void *arg, uint64_t tag1, uint64_t tag2, uint64_t dev,
		 uint64_t offset, uint64_t len)
{
	struct model *m = arg;
	const struct overlap_range *x = &m->r[tag1], *y = &m->r[tag2];

	assert_true(tag1 < tag2);
	assert_true(overlaps(x, y));
	assert_int_equal(dev, x->dev);
	assert_int_equal(offset, x->offset > y->offset ? x->offset : y->offset);
	assert_int_equal(offset + len, x->end < y->end ? x->end : y->end);
	assert_false(m->told[tag2]);
	m->told[tag2] = true;
}

/* Each range that overlaps an earlier one is told, once, and no other */
static void who(void **state)
{
	uint64_t seed = 0x853c49e6748fea9bULL;
	unsigned int round, i, k, n;
	int64_t want;

	(void)state;
	for (round = 0; round < 2000; round++) {
		struct overlap o = { 0 };
		struct model m = { 0 };

		want = 0;
		n = test_random(&seed) % RANGES;
		for (i = 0; i < n; i++) {
			uint64_t dev = test_random(&seed) % 2;
			uint64_t at = test_random(&seed) % UNITS;
			uint64_t len = 1 + test_random(&seed) % 20;
			bool late = false;

			m.r[i] = (struct overlap_range){
				dev, at * UNIT, (at + len) * UNIT, i
			};
			add(&o, dev, at, len, i);
			for (k = 0; k < i; k++)
				late |= overlaps(&m.r[k], &m.r[i]);
			want += late;
		}
		assert_int_equal(overlap_find(&o, hold, &m), want);
		overlap_free(&o);
	}
}

/* The same place on two devices is two places */
static void devices(void **state)
{
	struct overlap o = { 0 };
	struct seen s = { 0 };

	(void)state;
	add(&o, 1, 10, 10, 1);
	add(&o, 0, 10, 90, 2);
	add(&o, 2, 15, 10, 3);
	assert_int_equal(overlap_find(&o, note, &s), 0);
	add(&o, 1, 19, 1, 4);
	assert_int_equal(overlap_find(&o, note, &s), 1);
	assert_int_equal(s.dev, 1);
	assert_int_equal(s.tag1, 1);
	assert_int_equal(s.tag2, 4);
	overlap_free(&o);
}

static uint64_t free_units(struct overlap *o, uint64_t dev,
			   const uint8_t *used, unsigned int from)
{
	struct overlap_gaps g;
	uint64_t sum = 0, last = 0, k;

	overlap_gaps(&g, o, dev, from * UNIT, UNITS * UNIT + UNIT / 2, UNIT);
	while (overlap_next_gap(&g)) {
		assert_int_equal(g.offset % UNIT, 0);
		assert_int_equal(g.len % UNIT, 0);
		assert_true(g.offset >= last);
		last = g.offset + g.len;
		for (k = g.offset / UNIT; k < last / UNIT; k++) {
			assert_in_range(k, from, UNITS - 1);
			assert_int_equal(used[k], 0);
		}
		sum += g.len / UNIT;
	}
	return sum;
}

static void against_model(void **state)
{
	uint64_t seed = 0x9e3779b97f4a7c15ULL;
	unsigned int round, i, k;

	(void)state;
	for (round = 0; round < 300; round++) {
		uint8_t used[3][UNITS] = { 0 };
		struct overlap o = { 0 };
		unsigned int n = test_random(&seed) % 40;

		for (i = 0; i < n; i++) {
			uint64_t dev = test_random(&seed) % 2 * 2;
			uint64_t at = test_random(&seed) % UNITS;
			uint64_t len = 1 + test_random(&seed) % 20;
			/* One that is no whole unit takes all it touches */
			uint64_t odd = test_random(&seed) % 2;

			assert_int_equal(overlap_add(&o, dev, at * UNIT + odd,
						     len * UNIT - 2 * odd, i),
					 0);
			for (k = at; k < at + len && k < UNITS; k++)
				used[dev][k] = 1;
		}
		for (i = 0; i < 3; i++) {
			uint64_t want = 0;

			for (k = 10; k < UNITS; k++)
				want += !used[i][k];
			assert_int_equal(free_units(&o, i, used[i], 10), want);
		}
		overlap_free(&o);
	}
}

static void edges(void **state)
{
	struct overlap o = { 0 };
	struct overlap_gaps g;

	(void)state;
	/* A device that ends before it starts */
	overlap_gaps(&g, &o, 0, 10 * UNIT, 3 * UNIT, UNIT);
	assert_false(overlap_next_gap(&g));
	/* More than the array starts with, sorted or not */
	for (uint64_t i = 0; i < 1000; i++)
		add(&o, 0, 2 * (999 - i), 1, i);
	overlap_gaps(&g, &o, 0, 0, 2000 * UNIT, UNIT);
	for (uint64_t i = 0; i < 1000; i++) {
		assert_true(overlap_next_gap(&g));
		assert_int_equal(g.offset, (2 * i + 1) * UNIT);
		assert_int_equal(g.len, UNIT);
	}
	assert_false(overlap_next_gap(&g));
	overlap_free(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(which),
		CASE(who),
		CASE(devices),
		CASE(against_model),
		CASE(edges),
	};

	return cmocka_run_group_tests_name("overlap", tests, NULL, NULL);
}
