// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The allocator against a model that keeps one byte for each unit.
 */
#include <errno.h>
#include <stdlib.h>

#include "test.h"

#include "alloc.h"

#define UNIT		4096ULL
#define START		(10 * UNIT)
#define UNITS		300U	/* of the device, before START too */

static uint64_t model_free(const uint8_t *used)
{
	uint64_t n = 0;
	unsigned int i;

	for (i = 10; i < UNITS; i++)
		n += !used[i];
	return n * UNIT;
}

static int descending(const void *a, const void *b)
{
	return *(const int *)b - *(const int *)a;
}

/* Bytes in the 16 longest runs, and the length of the longest */
static uint64_t model_largest(const uint8_t *used, uint64_t *longest)
{
	int run[UNITS], n = 0, len = 0, i;
	uint64_t sum = 0;

	for (i = 10; i <= (int)UNITS; i++) {
		if (i < (int)UNITS && !used[i]) {
			len++;
		} else if (len) {
			run[n++] = len;
			len = 0;
		}
	}
	qsort(run, n, sizeof(run[0]), descending);
	for (i = 0; i < n && i < MEDIA_MAX_EXTENTS; i++)
		sum += run[i];
	*longest = n ? run[0] * UNIT : 0;
	return sum * UNIT;
}

/* First fit of one run, as the allocator promises */
static uint64_t model_first(const uint8_t *used, uint64_t units)
{
	unsigned int i, len = 0;

	for (i = 10; i < UNITS; i++) {
		len = used[i] ? 0 : len + 1;
		if (len == units)
			return (i + 1 - units) * UNIT;
	}
	return 0;
}

static void take(uint8_t *used, const struct media_map *map, uint64_t size)
{
	uint64_t sum = 0, k;
	uint32_t i;

	assert_in_range(map->count, 1, MEDIA_MAX_EXTENTS);
	for (i = 0; i < map->count; i++) {
		const struct media_extent *x = &map->ext[i];

		assert_int_equal(x->dev, 0);
		assert_int_equal(x->offset % UNIT, 0);
		assert_int_equal(x->len % UNIT, 0);
		assert_true(x->len > 0);
		for (k = x->offset / UNIT; k < (x->offset + x->len) / UNIT;
		     k++) {
			assert_in_range(k, 10, UNITS - 1);
			assert_int_equal(used[k], 0);
			used[k] = 1;
		}
		sum += x->len;
	}
	assert_int_equal(sum, (size + UNIT - 1) / UNIT * UNIT);
}

static void one_round(uint64_t seed)
{
	struct alloc *a = alloc_new(START, UNITS * UNIT + UNIT / 2, UNIT);
	uint8_t used[UNITS] = { 0 };
	struct media_map maps[64];
	uint64_t sizes[64], longest;
	unsigned int n = 0, step;

	assert_non_null(a);
	for (step = 0; step < 300; step++) {
		assert_int_equal(alloc_free_bytes(a), model_free(used));
		assert_int_equal(alloc_largest(a),
				 model_largest(used, &longest));
		if (n < ARRAY_SIZE(maps) && test_random(&seed) % 3) {
			uint64_t size = 1 + test_random(&seed) %
					(test_random(&seed) % 8 ? 9 * UNIT
							: 200 * UNIT);
			uint64_t need = (size + UNIT - 1) / UNIT * UNIT;
			uint64_t at;
			uint64_t largest = alloc_largest(a);
			int rc = alloc_get(a, size, n, &maps[n]);

			assert_int_equal(rc, need <= largest ? 0 : -ENOSPC);
			if (rc)
				continue;
			if (need <= longest) {
				assert_int_equal(maps[n].count, 1);
				at = model_first(used, need / UNIT);
				assert_int_equal(maps[n].ext[0].offset, at);
			}
			take(used, &maps[n], size);
			sizes[n++] = size;
		} else if (n) {
			unsigned int i = test_random(&seed) % n;
			uint32_t k;

			alloc_put(a, &maps[i]);
			for (k = 0; k < maps[i].count; k++)
				memset(&used[maps[i].ext[k].offset / UNIT], 0,
				       maps[i].ext[k].len / UNIT);
			n--;
			maps[i] = maps[n];
			sizes[i] = sizes[n];
		}
	}
	alloc_free(a);
}

static void against_model(void **state)
{
	uint64_t seed;

	(void)state;
	for (seed = 1; seed <= 100; seed++)
		one_round(seed * 0x9e3779b97f4a7c15ULL);
}

/* 40 single free units: 16 of them is all that a file can get */
static void fragmented(void **state)
{
	struct alloc *a = alloc_new(START, UNITS * UNIT, UNIT);
	struct media_map map;
	unsigned int i;

	(void)state;
	for (i = 0; i < 40; i++)
		assert_int_equal(alloc_reserve(a, START + (2 * i + 1) * UNIT,
					       UNIT, i), 0);
	assert_int_equal(alloc_reserve(a, START + 80 * UNIT,
				       (UNITS - 90) * UNIT, 99), 0);
	assert_int_equal(alloc_free_bytes(a), 40 * UNIT);
	assert_int_equal(alloc_largest(a), 16 * UNIT);
	assert_int_equal(alloc_get(a, 16 * UNIT + 1, 0, &map), -ENOSPC);
	assert_int_equal(alloc_free_bytes(a), 40 * UNIT);
	assert_int_equal(alloc_get(a, 16 * UNIT, 0, &map), 0);
	assert_int_equal(map.count, 16);
	assert_int_equal(alloc_free_bytes(a), 24 * UNIT);
	alloc_free(a);
}

static void edges(void **state)
{
	struct alloc *a = alloc_new(START, UNITS * UNIT, UNIT);
	struct media_map map;

	(void)state;
	assert_int_equal(alloc_get(a, 0, 0, &map), -ENOSPC);
	assert_int_equal(alloc_get(a, UINT64_MAX, 0, &map), -ENOSPC);
	assert_int_equal(alloc_get(a, INT64_MAX, 0, &map), -ENOSPC);
	assert_int_equal(alloc_get(a, (UNITS - 10) * UNIT + 1, 0, &map),
			 -ENOSPC);
	assert_int_equal(alloc_get(a, (UNITS - 10) * UNIT, 0, &map), 0);
	assert_int_equal(alloc_free_bytes(a), 0);
	assert_int_equal(alloc_get(a, 1, 0, &map), -ENOSPC);
	alloc_free(a);

	/* A device that ends inside the log has no space, and no surprises */
	a = alloc_new(START, 3 * UNIT, UNIT);
	assert_int_equal(alloc_free_bytes(a), 0);
	assert_int_equal(alloc_get(a, 1, 0, &map), -ENOSPC);
	alloc_free(a);

	/* Ranges that a bad log puts anywhere: before, across, past the end */
	a = alloc_new(START, UNITS * UNIT, UNIT);
	alloc_reserve(a, 0, 11 * UNIT, 0);
	alloc_reserve(a, (UNITS - 1) * UNIT, 50 * UNIT, 0);
	alloc_reserve(a, 5000 * UNIT, UNIT, 0);
	alloc_reserve(a, 20 * UNIT + 1, 1, 0);	/* blocks all of its unit */
	assert_int_equal(alloc_free_bytes(a), (UNITS - 10 - 3) * UNIT);
	alloc_free(a);
	alloc_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(against_model),
		CASE(fragmented),
		CASE(edges),
	};

	return cmocka_run_group_tests_name("alloc", tests, NULL, NULL);
}
