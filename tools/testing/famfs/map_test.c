// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Unit tests of fs/famfs/map.c, in user space.
 *
 * The model of a map is a table with one entry for each page of the file,
 * written straight from the message as the documentation describes it.
 * Everything that the map says is compared with the table.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "map.h"
#include <linux/mm.h>

#define MAX_EXTENTS	64
#define MAX_EXT_PAGES	8
#define DEV_PAGES	(1UL << 20)

struct message {
	struct famfs_fmap_header h;
	struct famfs_fmap_simple e[MAX_EXTENTS];
};

struct place {
	u32 dev;
	u64 offset;
};

static u64 dev_size[FAMFS_MAX_DAXDEVS];

static u32 rnd(u32 below)
{
	return (u32)random() % below;
}

/* A message that is right in every way, with @nr one-page extents */
static void good_message(struct message *m, u32 nr)
{
	memset(m, 0, sizeof(*m));
	m->h.fmap_version = FAMFS_FMAP_VERSION;
	m->h.nextents = nr;
	m->h.fmap_size = sizeof(m->h) + nr * sizeof(m->e[0]);
	m->h.file_size = nr * PAGE_SIZE;
	for (u32 i = 0; i < nr; i++) {
		m->e[i].offset = (2 * i + 2) * PAGE_SIZE;
		m->e[i].len = PAGE_SIZE;
	}
}

static int check(const struct message *m)
{
	u32 nr;
	int rc = famfs_map_check_header(&m->h);

	return rc ? rc : famfs_map_check(&m->h, dev_size, &nr);
}

static struct famfs_map *make(const struct message *m)
{
	struct famfs_map *map;
	u32 nr;

	assert_int_equal(famfs_map_check_header(&m->h), 0);
	assert_int_equal(famfs_map_check(&m->h, dev_size, &nr), 0);
	/* Exactly as much as was asked for, so that a sanitizer sees more */
	map = malloc(sizeof(*map) + nr * sizeof(map->ext[0]));
	assert_non_null(map);
	famfs_map_fill(map, nr, &m->h);
	assert_int_equal(map->nr, nr);
	return map;
}

/* A random message, and where it puts each page; returns the pages */
static u64 random_message(struct message *m, struct place *model)
{
	u64 pages = 0, last;

	memset(m, 0, sizeof(*m));
	m->h.fmap_version = FAMFS_FMAP_VERSION;
	m->h.nextents = 1 + rnd(MAX_EXTENTS);
	m->h.fmap_size = sizeof(m->h) + m->h.nextents * sizeof(m->e[0]);
	for (u32 i = 0; i < m->h.nextents; i++) {
		struct famfs_fmap_simple *e = &m->e[i];

		e->len = (1 + rnd(MAX_EXT_PAGES)) * PAGE_SIZE;
		if (i && !rnd(3)) {
			e->devindex = e[-1].devindex;
			e->offset = e[-1].offset + e[-1].len;
		} else {
			e->devindex = rnd(2) ? FAMFS_MAX_DAXDEVS - 1 : 0;
			e->offset = (1 + rnd(DEV_PAGES / 2)) * PAGE_SIZE;
		}
		for (u64 p = 0; p < e->len / PAGE_SIZE; p++)
			model[pages++] = (struct place) {
				e->devindex, e->offset + p * PAGE_SIZE };
	}
	last = m->e[m->h.nextents - 1].len;
	m->h.file_size = pages * PAGE_SIZE - rnd(last);
	return pages;
}

static void expect(const struct famfs_map *map, const struct place *model,
		   u64 pos)
{
	const struct place *p = &model[pos / PAGE_SIZE];
	struct famfs_run run;

	assert_true(famfs_map_resolve(map, pos, &run));
	assert_true(run.len > 0);
	assert_true(run.pos <= pos && pos < run.pos + run.len);
	assert_int_equal(run.devindex, p->dev);
	assert_int_equal(run.offset + (pos - run.pos),
			 p->offset + pos % PAGE_SIZE);
}

/* A run must be as long as the pages around it allow */
static void expect_longest(const struct famfs_map *map,
			   const struct place *model, u64 pages, u64 page)
{
	struct famfs_run run;
	u64 first = page, end = page + 1;

	while (first && model[first - 1].dev == model[page].dev &&
	       model[first - 1].offset + PAGE_SIZE == model[first].offset)
		first--;
	while (end < pages && model[end].dev == model[page].dev &&
	       model[end - 1].offset + PAGE_SIZE == model[end].offset)
		end++;

	assert_true(famfs_map_resolve(map, page * PAGE_SIZE, &run));
	assert_int_equal(run.pos, first * PAGE_SIZE);
	assert_int_equal(run.len, (end - first) * PAGE_SIZE);
}

static void test_every_byte(void **state)
{
	static struct place model[MAX_EXTENTS * MAX_EXT_PAGES];
	struct message m;

	for (int i = 0; i < 10; i++) {
		u64 pages = random_message(&m, model);
		struct famfs_map *map = make(&m);

		for (u64 pos = 0; pos < pages * PAGE_SIZE; pos++)
			expect(map, model, pos);
		free(map);
	}
}

static void test_every_page(void **state)
{
	static struct place model[MAX_EXTENTS * MAX_EXT_PAGES];
	struct famfs_run run;
	struct message m;

	for (int i = 0; i < 2000; i++) {
		u64 pages = random_message(&m, model);
		struct famfs_map *map = make(&m);

		for (u64 p = 0; p < pages; p++) {
			expect(map, model, p * PAGE_SIZE);
			expect(map, model, (p + 1) * PAGE_SIZE - 1);
			expect_longest(map, model, pages, p);
		}
		assert_false(famfs_map_resolve(map, pages * PAGE_SIZE, &run));
		assert_false(famfs_map_resolve(map, U64_MAX, &run));
		free(map);
	}
}

/* What comes back as a message maps the same, and no longer than needed */
static void test_round_trip(void **state)
{
	static struct place model[MAX_EXTENTS * MAX_EXT_PAGES];
	struct famfs_map *map, *again;
	struct message m, *out;
	u64 pages;
	u32 size;

	for (int i = 0; i < 500; i++) {
		pages = random_message(&m, model);
		map = make(&m);
		size = famfs_map_format_size(map);
		out = malloc(size);
		assert_non_null(out);
		famfs_map_format(map, &out->h);
		assert_int_equal(out->h.fmap_size, size);
		assert_int_equal(out->h.file_size, m.h.file_size);
		again = make(out);
		assert_int_equal(again->nr, map->nr);
		assert_int_equal(again->nr, out->h.nextents);
		for (u64 p = 0; p < pages; p++)
			expect(again, model, p * PAGE_SIZE);
		free(again);
		free(out);
		free(map);
	}
}

static void test_contiguous_is_one(void **state)
{
	struct famfs_map *map;
	struct message m;

	good_message(&m, 5);
	for (u32 i = 0; i < 5; i++)
		m.e[i].offset = (i + 1) * PAGE_SIZE;
	map = make(&m);
	assert_int_equal(map->nr, 1);
	free(map);

	/* Contiguous numbers on different devices are not neighbours */
	m.e[2].devindex = FAMFS_MAX_DAXDEVS - 1;
	map = make(&m);
	assert_int_equal(map->nr, 3);
	free(map);
}

#define REFUSED(rc, what)			\
	do {					\
		struct message m;		\
						\
		good_message(&m, 3);		\
		assert_int_equal(check(&m), 0);	\
		what;				\
		assert_int_equal(check(&m), rc); \
	} while (0)

static void test_header_refused(void **state)
{
	REFUSED(-EINVAL, m.h.file_type = 3);
	REFUSED(-EINVAL, m.h.file_type = 255);
	REFUSED(-EINVAL, m.h.reserved = 1);
	REFUSED(-EINVAL, m.h.reserved1 = 1ULL << 63);
	REFUSED(-EINVAL, m.h.fmap_version = 0);
	REFUSED(-EINVAL, m.h.fmap_version = 2);
	REFUSED(-EINVAL, m.h.ext_type = 2);
	REFUSED(-EINVAL, m.h.nextents = 0);
	REFUSED(-EINVAL, m.h.nextents = 2);
	REFUSED(-EINVAL, m.h.nextents = 4);
	REFUSED(-EINVAL, m.h.fmap_size--);
	REFUSED(-EINVAL, m.h.fmap_size++);
	REFUSED(-EINVAL, m.h.fmap_size = 0);
	REFUSED(-EINVAL, m.h.file_size = 0);
	REFUSED(-EINVAL, m.h.file_size = U64_MAX);
	REFUSED(-EINVAL, m.h.file_size = 1ULL << 63);
	REFUSED(-EINVAL, m.h.file_size = (1ULL << 63) - 1);

	/* A length that only fits once it is cut to 32 bits */
	REFUSED(-EINVAL, m.h.nextents = 3 + (1U << 29));
}

static void test_too_long(void **state)
{
	struct message m;

	good_message(&m, 1);
	m.h.nextents = (FAMFS_FMAP_MAX_SIZE - sizeof(m.h)) / sizeof(m.e[0]);
	m.h.fmap_size = sizeof(m.h) + m.h.nextents * sizeof(m.e[0]);
	assert_int_equal(famfs_map_check_header(&m.h), 0);
	m.h.nextents++;
	m.h.fmap_size += sizeof(m.e[0]);
	assert_int_equal(famfs_map_check_header(&m.h), -EFBIG);
}

static void test_records_refused(void **state)
{
	for (u32 i = 0; i < 3; i++) {
		REFUSED(-EINVAL, m.e[i].reserved = 1);
		REFUSED(-EINVAL, m.e[i].len = 0);
		REFUSED(-EINVAL, m.e[i].len++);
		REFUSED(-EINVAL, m.e[i].offset++);
		REFUSED(-EINVAL, m.e[i].offset = 0);
		REFUSED(-ENXIO, m.e[i].devindex = 1);
		REFUSED(-ENXIO, m.e[i].devindex = FAMFS_MAX_DAXDEVS);
		REFUSED(-ENXIO, m.e[i].devindex = U32_MAX);
		REFUSED(-ERANGE, m.e[i].offset = dev_size[0]);
		REFUSED(-ERANGE, m.e[i].len = dev_size[0]);
		REFUSED(-ERANGE, m.e[i].offset = U64_MAX & PAGE_MASK);
		REFUSED(-ERANGE, m.e[i].len = U64_MAX & PAGE_MASK);
		REFUSED(0, m.e[i].offset = dev_size[0] - PAGE_SIZE);
	}
	REFUSED(-EINVAL, m.h.file_size++);
	REFUSED(0, m.h.file_size = 1);
	REFUSED(0, m.e[0].offset = 0; m.h.file_type = FAMFS_FILE_SUPERBLOCK);
	REFUSED(-EINVAL, m.e[0].offset = 0; m.h.file_type = FAMFS_FILE_LOG);
}

/* Lengths that add up past what a file offset can hold */
static void test_sum_overflow(void **state)
{
	u64 huge = 1ULL << 62;
	u64 was = dev_size[0];
	struct message m;

	dev_size[0] = U64_MAX & PAGE_MASK;
	for (u32 n = 1; n <= 5; n++) {
		good_message(&m, n);
		for (u32 i = 0; i < n; i++)
			m.e[i].len = huge;
		m.h.file_size = PAGE_SIZE;
		assert_int_equal(check(&m), n == 1 ? 0 : -EINVAL);
	}
	dev_size[0] = was;
}

static int setup(void **state)
{
	srandom(20);
	memset(dev_size, 0, sizeof(dev_size));
	dev_size[0] = DEV_PAGES * PAGE_SIZE;
	dev_size[FAMFS_MAX_DAXDEVS - 1] = DEV_PAGES * PAGE_SIZE;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_every_page),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_contiguous_is_one),
		cmocka_unit_test(test_header_refused),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_records_refused),
		cmocka_unit_test(test_sum_overflow),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
