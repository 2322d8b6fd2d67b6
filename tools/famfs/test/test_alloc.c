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

/* Of one device */
static struct alloc *new_alloc(uint64_t end)
{
	struct alloc *a = alloc_new(UNIT);

	assert_non_null(a);
	assert_int_equal(alloc_add(a, 0, START, end), 0);
	return a;
}

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
	struct alloc *a = new_alloc(UNITS * UNIT + UNIT / 2);
	uint8_t used[UNITS] = { 0 };
	struct media_map maps[64];
	uint64_t sizes[64], longest;
	unsigned int n = 0, step;

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
			int rc = alloc_get(a, size, &maps[n]);

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
	struct alloc *a = new_alloc(UNITS * UNIT);
	struct media_map map;
	unsigned int i;

	(void)state;
	for (i = 0; i < 40; i++)
		assert_int_equal(alloc_reserve(a, 0, START + (2 * i + 1) * UNIT,
					       UNIT), 0);
	assert_int_equal(alloc_reserve(a, 0, START + 80 * UNIT,
				       (UNITS - 90) * UNIT), 0);
	assert_int_equal(alloc_free_bytes(a), 40 * UNIT);
	assert_int_equal(alloc_largest(a), 16 * UNIT);
	assert_int_equal(alloc_get(a, 16 * UNIT + 1, &map), -ENOSPC);
	assert_int_equal(alloc_free_bytes(a), 40 * UNIT);
	assert_int_equal(alloc_get(a, 16 * UNIT, &map), 0);
	assert_int_equal(map.count, 16);
	assert_int_equal(alloc_free_bytes(a), 24 * UNIT);
	alloc_free(a);
}

static void edges(void **state)
{
	struct alloc *a = new_alloc(UNITS * UNIT);
	struct media_map map;

	(void)state;
	assert_int_equal(alloc_get(a, 0, &map), -ENOSPC);
	assert_int_equal(alloc_get(a, UINT64_MAX, &map), -ENOSPC);
	assert_int_equal(alloc_get(a, INT64_MAX, &map), -ENOSPC);
	assert_int_equal(alloc_get(a, (UNITS - 10) * UNIT + 1, &map),
			 -ENOSPC);
	assert_int_equal(alloc_get(a, (UNITS - 10) * UNIT, &map), 0);
	assert_int_equal(alloc_free_bytes(a), 0);
	assert_int_equal(alloc_get(a, 1, &map), -ENOSPC);
	alloc_free(a);

	/* A device that ends inside the log has no space, and no surprises */
	a = new_alloc(3 * UNIT);
	assert_int_equal(alloc_free_bytes(a), 0);
	assert_int_equal(alloc_get(a, 1, &map), -ENOSPC);
	alloc_free(a);

	/* Ranges that a bad log puts anywhere: before, across, past the end */
	a = new_alloc(UNITS * UNIT);
	alloc_reserve(a, 0, 0, 11 * UNIT);
	alloc_reserve(a, 0, (UNITS - 1) * UNIT, 50 * UNIT);
	alloc_reserve(a, 0, 5000 * UNIT, UNIT);
	alloc_reserve(a, 0, 20 * UNIT + 1, 1);	/* blocks all of its unit */
	assert_int_equal(alloc_free_bytes(a), (UNITS - 10 - 3) * UNIT);
	alloc_free(a);
	alloc_free(NULL);
}

/* The same range twice, over and over: it is not free, and counted once */
static void given_out_twice(void **state)
{
	struct alloc *a = new_alloc(UNITS * UNIT);
	uint64_t seed = 7, free = 0;
	uint8_t used[UNITS] = { 0 };
	unsigned int step, k;

	(void)state;
	for (step = 0; step < 2000; step++) {
		unsigned int at = test_random(&seed) % UNITS;
		unsigned int n = 1 + test_random(&seed) % 3;

		alloc_reserve(a, 0, at * UNIT, n * UNIT);
		for (k = at; k < at + n && k < UNITS; k++)
			used[k] = 1;
		assert_int_equal(alloc_free_bytes(a), model_free(used));
		assert_int_equal(alloc_largest(a), model_largest(used, &free));
	}
	alloc_free(a);
}

static void devices(void **state)
{
	struct alloc *a = new_alloc(20 * UNIT);
	struct media_map map;

	(void)state;
	assert_int_equal(alloc_add(a, 0, START, 30 * UNIT), -EINVAL);
	assert_int_equal(alloc_add(a, MEDIA_MAX_DEVS, 0, UNIT), -EINVAL);
	assert_int_equal(alloc_add(a, 2, 2 * UNIT, 32 * UNIT + 1), 0);
	assert_int_equal(alloc_free_bytes(a), 40 * UNIT);
	/* Of a device that nobody knows nothing can be taken */
	assert_int_equal(alloc_reserve(a, 1, 0, 100 * UNIT), 0);
	assert_int_equal(alloc_reserve(a, UINT64_MAX, 0, 100 * UNIT), 0);
	assert_int_equal(alloc_free_bytes(a), 40 * UNIT);

	/* The first that is long enough, on whatever device */
	assert_int_equal(alloc_get(a, 20 * UNIT, &map), 0);
	assert_int_equal(map.count, 1);
	assert_int_equal(map.ext[0].dev, 2);
	assert_int_equal(map.ext[0].offset, 2 * UNIT);
	assert_int_equal(alloc_get(a, UNIT, &map), 0);
	assert_int_equal(map.ext[0].dev, 0);
	/* 9 and 10 units are left */
	assert_int_equal(alloc_largest(a), 19 * UNIT);
	assert_int_equal(alloc_get(a, 19 * UNIT, &map), 0);
	assert_int_equal(map.count, 2);
	assert_int_equal(map.ext[0].dev, 2);
	assert_int_equal(map.ext[1].dev, 0);
	assert_int_equal(alloc_free_bytes(a), 0);
	alloc_put(a, &map);
	assert_int_equal(alloc_free_bytes(a), 19 * UNIT);
	alloc_free(a);
}

static bool shares_device(const struct media_map *map)
{
	uint32_t i, k;

	for (i = 0; i < map->count; i++) {
		for (k = 0; k < i; k++) {
			if (map->ext[i].dev == map->ext[k].dev)
				return true;
		}
	}
	return false;
}

static void strips_on_devices(void **state)
{
	struct stripes st = { .nstrips = 3, .chunk = 2 * UNIT };
	struct alloc *a = alloc_new(UNIT);
	struct media_map map;
	uint64_t free, seed = 11;
	unsigned int dev, i;
	unsigned int first[4] = { 0 };

	(void)state;
	for (dev = 0; dev < 4; dev++)
		assert_int_equal(alloc_add(a, dev, START, 300 * UNIT), 0);
	free = alloc_free_bytes(a);
	for (i = 0; i < 200; i++) {
		uint64_t size = 1 + test_random(&seed) % (100 * UNIT);
		uint64_t need = (size + UNIT - 1) / UNIT * UNIT, sum = 0;
		uint32_t k;

		assert_int_equal(alloc_get_striped(a, size, &st, i, &map), 0);
		assert_int_equal(media_map_covers(&map, size), MEDIA_OK);
		for (k = 0; k < map.count; k++)
			sum += map.ext[k].len;
		/* Not a unit more than the file has */
		assert_int_equal(sum, need);
		assert_int_equal(alloc_free_bytes(a), free - need);
		assert_false(shares_device(&map));
		if (size <= 2 * UNIT) {
			assert_int_equal(map.type, MEDIA_SIMPLE);
		} else {
			assert_int_equal(map.type, MEDIA_INTERLEAVED);
			assert_int_equal(map.count, size <= 4 * UNIT ? 2 : 3);
			first[map.ext[0].dev]++;
		}
		alloc_put(a, &map);
		assert_int_equal(alloc_free_bytes(a), free);
	}
	for (dev = 0; dev < 4; dev++)
		assert_true(first[dev] > 20);

	/* More strips than devices: each has its share */
	st.nstrips = 8;
	assert_int_equal(alloc_get_striped(a, 64 * UNIT, &st, 1, &map), 0);
	assert_int_equal(map.count, 8);
	for (i = 0; i < 8; i++)
		assert_int_equal(map.ext[i].dev, (1 + i) % 4);
	/* A device that is full is passed over */
	alloc_reserve(a, 2, 0, 300 * UNIT);
	st.nstrips = 4;
	assert_int_equal(alloc_get_striped(a, 64 * UNIT, &st, 0, &map), 0);
	assert_int_equal(map.ext[2].dev, 3);
	assert_int_equal(map.ext[3].dev, 3);
	/* Then the next goes where no other is yet */
	st.nstrips = 3;
	assert_int_equal(alloc_get_striped(a, 6 * UNIT, &st, 1, &map), 0);
	assert_int_equal(map.ext[0].dev, 1);
	assert_int_equal(map.ext[1].dev, 3);
	assert_int_equal(map.ext[2].dev, 0);
	alloc_put(a, &map);
	st.nstrips = 4;
	/* And nothing is kept of what does not fit */
	free = alloc_free_bytes(a);
	assert_int_equal(alloc_get_striped(a, free - UNIT, &st, 0, &map),
			 -ENOSPC);
	assert_int_equal(map.count, 0);
	assert_int_equal(alloc_free_bytes(a), free);
	assert_int_equal(alloc_get_striped(a, free + 1, &st, 0, &map), -ENOSPC);
	assert_int_equal(alloc_get_striped(a, 0, &st, 0, &map), -ENOSPC);
	alloc_free(a);
}

static void strips_in_buckets(void **state)
{
	struct stripes st = { .nstrips = 5, .chunk = UNIT, .nbuckets = 6 };
	struct alloc *a = new_alloc(UNITS * UNIT);
	const uint64_t part = (UNITS - 10) / 6 * UNIT;
	struct media_map map;
	unsigned int turn, i, k;

	(void)state;
	for (turn = 0; turn < 12; turn++) {
		bool seen[6] = { 0 };

		assert_int_equal(alloc_get_striped(a, 20 * UNIT, &st, turn,
						   &map), 0);
		assert_int_equal(map.count, 5);
		for (i = 0; i < 5; i++) {
			k = (map.ext[i].offset - START) / part;
			k = k > 5 ? 5 : k;
			assert_false(seen[k]);
			seen[k] = true;
			/* All of it lies there */
			assert_true(k == 5 || map.ext[i].offset +
				    map.ext[i].len <= START + (k + 1) * part);
		}
	}
	/* The last bucket has what the division leaves over */
	alloc_reserve(a, 0, 0, (UNITS - 2) * UNIT);
	assert_int_equal(alloc_get_striped(a, 2 * UNIT, &st, 0, &map), 0);
	assert_int_equal(alloc_free_bytes(a), 0);
	alloc_free(a);
}

/* A log that is all holes: if finding were not quick, this would not end */
static void many(void **state)
{
	const unsigned int n = 200000;
	struct alloc *a = new_alloc(START + (2ULL * n + 4) * UNIT);
	struct media_map map;
	unsigned int i;

	(void)state;
	for (i = 0; i < n; i++)
		alloc_reserve(a, 0, START + (2ULL * i + 1) * UNIT, UNIT);
	for (i = 0; i < n / 2; i++) {
		assert_int_equal(alloc_get(a, UNIT, &map), 0);
		assert_int_equal(map.ext[0].offset, START + 2ULL * i * UNIT);
	}
	assert_int_equal(alloc_get(a, 3 * UNIT, &map), 0);
	assert_int_equal(map.count, 1);
	assert_int_equal(alloc_largest(a), 17 * UNIT - UNIT);
	alloc_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(against_model),
		CASE(fragmented),
		CASE(edges),
		CASE(given_out_twice),
		CASE(devices),
		CASE(strips_on_devices),
		CASE(strips_in_buckets),
		CASE(many),
	};

	return cmocka_run_group_tests_name("alloc", tests, NULL, NULL);
}
