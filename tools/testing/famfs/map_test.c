// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Unit tests of fs/famfs/map.c, in user space: random maps compared with the
 * model of model.c, and messages that must be refused.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model.h"
#include <linux/limits.h>
#include <linux/mm.h>

#define MAX_RECORDS	64
#define MAX_STRIPS	5
#define MAX_EXT_PAGES	8
#define MAX_CHUNK_PAGES	4
#define MAX_PAGES	(MAX_RECORDS * 64)
#define DEV_PAGES	1048576UL
#define OTHER_DEV	(FAMFS_MAX_DAXDEVS - 1)

/* A message, with room for the longest that is made here */
struct message {
	struct famfs_fmap_header h;
	union {
		struct famfs_fmap_simple e[MAX_RECORDS * (MAX_STRIPS + 1)];
		struct {
			struct famfs_fmap_interleave i;
			struct famfs_fmap_simple s[MAX_STRIPS];
		};
	};
};

static u64 dev_size[FAMFS_MAX_DAXDEVS];
static struct place model[MAX_PAGES];

static u32 rnd(u32 below)
{
	return (u32)random() % below;
}

static void start_message(struct message *m, u32 ext_type, u32 nextents)
{
	memset(m, 0, sizeof(*m));
	m->h.fmap_version = FAMFS_FMAP_VERSION;
	m->h.ext_type = ext_type;
	m->h.nextents = nextents;
	m->h.fmap_size = sizeof(m->h);
}

/* A message that is right in every way, with @nr one-page extents */
static void good_simple(struct message *m, u32 nr)
{
	start_message(m, FAMFS_EXT_SIMPLE, nr);
	m->h.fmap_size += nr * sizeof(m->e[0]);
	m->h.file_size = nr * PAGE_SIZE;
	for (u32 i = 0; i < nr; i++) {
		m->e[i].offset = (2 * i + 2) * PAGE_SIZE;
		m->e[i].len = PAGE_SIZE;
	}
}

/* One stripe of ten chunks over three strips: four, three and three chunks */
static void good_stripe(struct message *m)
{
	start_message(m, FAMFS_EXT_INTERLEAVE, 1);
	m->h.fmap_size += sizeof(m->i) + 3 * sizeof(m->s[0]);
	m->h.file_size = 20 * PAGE_SIZE;
	m->i.nstrips = 3;
	m->i.chunk_size = 2 * PAGE_SIZE;
	m->i.nbytes = m->h.file_size;
	for (u32 i = 0; i < 3; i++) {
		m->s[i].devindex = i == 1 ? OTHER_DEV : 0;
		m->s[i].offset = (i + 1) * 100 * PAGE_SIZE;
		m->s[i].len = (i ? 6 : 8) * PAGE_SIZE;
	}
}

static int check(const struct message *m)
{
	struct famfs_map_plan plan;
	int rc = famfs_map_check_header(&m->h);

	return rc ? rc : famfs_map_check(&m->h, dev_size, &plan);
}

static struct famfs_map *make(const struct famfs_fmap_header *h)
{
	struct famfs_map_plan plan;
	struct famfs_map *map;

	assert_int_equal(famfs_map_check_header(h), 0);
	assert_int_equal(famfs_map_check(h, dev_size, &plan), 0);
	/* Exactly as much as was asked for, so that a sanitizer sees more */
	map = malloc(plan.bytes);
	assert_non_null(map);
	famfs_map_fill(map, &plan, h);
	return map;
}

static void random_range(struct famfs_fmap_simple *e, u64 pages)
{
	e->devindex = rnd(2) ? OTHER_DEV : 0;
	e->offset = (1 + rnd(DEV_PAGES / 2)) * PAGE_SIZE;
	e->len = pages * PAGE_SIZE;
}

static void random_simple(struct message *m)
{
	u64 size = 0;

	start_message(m, FAMFS_EXT_SIMPLE, 1 + rnd(MAX_RECORDS));
	m->h.fmap_size += m->h.nextents * sizeof(m->e[0]);
	for (u32 i = 0; i < m->h.nextents; i++) {
		struct famfs_fmap_simple *e = &m->e[i];

		random_range(e, 1 + rnd(MAX_EXT_PAGES));
		if (i && !rnd(3)) {
			e->devindex = e[-1].devindex;
			e->offset = e[-1].offset + e[-1].len;
		}
		size += e->len;
	}
	m->h.file_size = size - rnd(m->e[m->h.nextents - 1].len);
}

/* Strips are as long as their share of the chunks, or longer now and then */
static void random_stripes(struct message *m)
{
	u64 size = 0, cut = rnd(PAGE_SIZE);
	char *p = (char *)&m->i;

	start_message(m, FAMFS_EXT_INTERLEAVE, 1 + rnd(4));
	for (u32 n = 0; n < m->h.nextents; n++) {
		struct famfs_fmap_interleave *ie = (void *)p;
		struct famfs_fmap_simple *se = (void *)(ie + 1);
		u64 chunk = 1 + rnd(MAX_CHUNK_PAGES), pages = 1 + rnd(60);
		u64 share[MAX_STRIPS] = {};

		ie->nstrips = 1 + rnd(MAX_STRIPS);
		ie->chunk_size = chunk * PAGE_SIZE;
		ie->nbytes = pages * PAGE_SIZE;
		for (u64 i = 0; i < pages; i++)
			share[i / chunk % ie->nstrips]++;
		for (u32 i = 0; i < ie->nstrips; i++) {
			random_range(&se[i], share[i] + !rnd(3));
			if (!se[i].len)
				se[i].len = PAGE_SIZE;
		}
		size += ie->nbytes;
		if (n == m->h.nextents - 1)
			ie->nbytes -= rnd(cut + 1);
		p = (char *)&se[ie->nstrips];
	}
	m->h.fmap_size += p - (char *)&m->i;
	m->h.file_size = size - cut;
}

static u64 random_message(struct message *m)
{
	if (rnd(2))
		random_simple(m);
	else
		random_stripes(m);
	assert_true(model_pages(&m->h) <= MAX_PAGES);
	model_fill(&m->h, model);
	return model_pages(&m->h);
}

static void expect(const struct famfs_map *map, u64 pos)
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

/* A whole run, and not just the page that was asked for, must be true */
static void expect_run(const struct famfs_map *map, u64 page)
{
	struct famfs_run run;

	assert_true(famfs_map_resolve(map, page * PAGE_SIZE, &run));
	for (u64 b = 0; b < run.len; b += PAGE_SIZE) {
		const struct place *p = &model[(run.pos + b) / PAGE_SIZE];

		assert_int_equal(run.devindex, p->dev);
		assert_int_equal(run.offset + b, p->offset);
	}
}

static void test_every_byte(void **state)
{
	struct message m;

	for (int i = 0; i < 20; i++) {
		u64 pages = random_message(&m);
		struct famfs_map *map = make(&m.h);

		for (u64 pos = 0; pos < pages * PAGE_SIZE; pos++)
			expect(map, pos);
		free(map);
	}
}

static void test_every_page(void **state)
{
	struct famfs_run run;
	struct message m;

	for (int i = 0; i < 2000; i++) {
		u64 pages = random_message(&m);
		struct famfs_map *map = make(&m.h);

		for (u64 p = 0; p < pages; p++) {
			expect(map, p * PAGE_SIZE);
			expect(map, (p + 1) * PAGE_SIZE - 1);
			expect_run(map, p);
		}
		assert_false(famfs_map_resolve(map, pages * PAGE_SIZE, &run));
		assert_false(famfs_map_resolve(map, U64_MAX, &run));
		free(map);
	}
}

/* A simple run is as long as the pages around it allow */
static void test_longest_run(void **state)
{
	struct famfs_run run;
	struct message m;

	for (int i = 0; i < 500; i++) {
		struct famfs_map *map;
		u64 pages, first, end;

		random_simple(&m);
		model_fill(&m.h, model);
		pages = model_pages(&m.h);
		map = make(&m.h);
		for (first = 0; first < pages; first = end) {
			for (end = first + 1; end < pages; end++)
				if (model[end].dev != model[first].dev ||
				    model[end].offset !=
				    model[end - 1].offset + PAGE_SIZE)
					break;
			for (u64 p = first; p < end; p++) {
				assert_true(famfs_map_resolve(map,
							      p * PAGE_SIZE,
							      &run));
				assert_int_equal(run.pos, first * PAGE_SIZE);
				assert_int_equal(run.len,
						 (end - first) * PAGE_SIZE);
			}
		}
		free(map);
	}
}

/*
 * Every byte of the file is found from the device's side, and nothing else is.
 */
static void test_reverse(void **state)
{
	struct famfs_range range;
	struct famfs_run run;
	struct message m;

	for (int i = 0; i < 500; i++) {
		u64 pages = random_message(&m), seen = 0, taken = 0;
		struct famfs_map *map = make(&m.h);

		for (u32 r = 0; r < famfs_map_nr_ranges(map); r++) {
			u64 off;

			famfs_map_range(map, r, &range);
			taken += range.len;
			for (off = 0; off < range.len; off += run.len) {
				if (!famfs_map_reverse(map, r,
						       range.offset + off,
						       &run))
					break;
				assert_true(run.len > 0);
				assert_true(off + run.len <= range.len);
				for (u64 b = 0; b < run.len; b += PAGE_SIZE) {
					u64 page = (run.pos + b) / PAGE_SIZE;

					assert_true(page < pages);
					assert_int_equal(model[page].dev,
							 run.devindex);
					assert_int_equal(model[page].offset,
							 run.offset + b);
					seen++;
				}
			}
		}
		assert_int_equal(seen, pages);
		assert_int_equal(taken, map->nbytes);
		free(map);
	}
}

/* What comes back as a message maps the same, and no longer than needed */
static void test_round_trip(void **state)
{
	struct famfs_fmap_header *out;
	struct famfs_map *map, *again;
	struct message m;
	u64 pages;
	u32 size;

	for (int i = 0; i < 500; i++) {
		pages = random_message(&m);
		map = make(&m.h);
		size = famfs_map_format_size(map);
		out = malloc(size);
		assert_non_null(out);
		famfs_map_format(map, out);
		assert_int_equal(out->fmap_size, size);
		assert_true(size <= m.h.fmap_size);
		assert_int_equal(out->file_size, m.h.file_size);
		assert_int_equal(out->file_type, m.h.file_type);
		again = make(out);
		assert_int_equal(again->nr, map->nr);
		assert_int_equal(again->nr_strips, map->nr_strips);
		assert_int_equal(again->nbytes, map->nbytes);
		for (u64 p = 0; p < pages; p++)
			expect(again, p * PAGE_SIZE);
		free(again);
		free(out);
		free(map);
	}
}

static void test_contiguous_is_one(void **state)
{
	struct famfs_map *map;
	struct message m;

	good_simple(&m, 5);
	for (u32 i = 0; i < 5; i++)
		m.e[i].offset = (i + 1) * PAGE_SIZE;
	map = make(&m.h);
	assert_int_equal(map->nr, 1);
	free(map);

	/* Contiguous numbers on different devices are not neighbours */
	m.e[2].devindex = OTHER_DEV;
	map = make(&m.h);
	assert_int_equal(map->nr, 3);
	free(map);
}

/*
 * Numbers of bytes that do not go into 32 bits, whichever is multiplied or
 * divided by which, over strips that lie all over a huge device.
 */
#define HUGE_SIZE	(1ULL << 45)

static void good_huge_stripe(struct message *m, u32 chunk)
{
	start_message(m, FAMFS_EXT_INTERLEAVE, 1);
	m->i.nstrips = 3 + rnd(MAX_STRIPS - 2);
	m->h.fmap_size += sizeof(m->i) + m->i.nstrips * sizeof(m->s[0]);
	m->h.file_size = HUGE_SIZE;
	m->i.chunk_size = chunk;
	m->i.nbytes = HUGE_SIZE;
	for (u32 i = 0; i < m->i.nstrips; i++) {
		m->s[i].devindex = rnd(2) ? OTHER_DEV : 0;
		m->s[i].offset = (1 + rnd(DEV_PAGES)) * PAGE_SIZE +
			((u64)rnd(1U << 15) << 48);
		m->s[i].len = HUGE_SIZE / m->i.nstrips + 2ULL * chunk;
		m->s[i].len &= PAGE_MASK;
	}
}

static void expect_huge(const struct famfs_map *map, const struct message *m,
			u64 pos)
{
	unsigned __int128 cs = m->i.chunk_size, n = m->i.nstrips;
	unsigned __int128 chunk = pos / cs, within = pos % cs;
	const struct famfs_fmap_simple *s = &m->s[(u32)(chunk % n)];
	unsigned __int128 at = s->offset + chunk / n * cs + within;
	unsigned __int128 len = cs;
	struct famfs_run run;

	if (chunk * cs + cs > HUGE_SIZE)
		len = HUGE_SIZE - chunk * cs;
	assert_true(famfs_map_resolve(map, pos, &run));
	assert_int_equal(run.devindex, s->devindex);
	assert_true(run.pos == chunk * cs);
	assert_true(run.offset == at - within);
	assert_true(run.len == len);
	/* And back, from the same byte on */
	assert_true(famfs_map_reverse(map, chunk % n, at, &run));
	assert_int_equal(run.devindex, s->devindex);
	assert_true(run.pos == pos);
	assert_true(run.offset == at);
	assert_true(run.len == len - within);
}

static void test_huge_stripe(void **state)
{
	static const u32 chunks[] = { PAGE_SIZE, 0xfffff000 };
	u64 was[] = { dev_size[0], dev_size[OTHER_DEV] };
	struct famfs_map *map;
	struct message m;

	dev_size[0] = S64_MAX & PAGE_MASK;
	dev_size[OTHER_DEV] = S64_MAX & PAGE_MASK;
	for (int k = 0; k < 2 * 10; k++) {
		good_huge_stripe(&m, chunks[k % 2]);
		map = make(&m.h);
		expect_huge(map, &m, 0);
		expect_huge(map, &m, HUGE_SIZE - 1);
		for (int i = 0; i < 10000; i++)
			expect_huge(map, &m, ((u64)random() << 31 ^ random()) %
				    HUGE_SIZE);
		free(map);
	}
	dev_size[0] = was[0];
	dev_size[OTHER_DEV] = was[1];
}

/* Of a strip that is far too long, what is past its share is of no file */
static void test_long_strip(void **state)
{
	struct famfs_run run;
	struct famfs_map *map;
	struct message m;
	u64 was = dev_size[0], width, row;

	dev_size[0] = S64_MAX & PAGE_MASK;
	good_stripe(&m);
	m.i.nstrips = 5;
	m.h.fmap_size += 2 * sizeof(m.s[0]);
	for (u32 i = 0; i < 5; i++) {
		m.s[i].devindex = 0;
		m.s[i].offset = (i + 1) * 100 * PAGE_SIZE;
		m.s[i].len = 4 * PAGE_SIZE;
	}
	m.s[4].len = 1ULL << 62;
	map = make(&m.h);
	width = 5ULL * m.i.chunk_size;
	/* The first row that is past 64 bits, were it in the file */
	row = U64_MAX / width + 1;
	assert_true(row * m.i.chunk_size < m.s[4].len);
	assert_true(famfs_map_reverse(map, 4, m.s[4].offset + 4095, &run));
	for (u64 r = 2; r < 100; r++)
		assert_false(famfs_map_reverse(map, 4, m.s[4].offset +
					       r * m.i.chunk_size, &run));
	for (u64 r = row - 2; r < row + 100; r++)
		assert_false(famfs_map_reverse(map, 4, m.s[4].offset +
					       r * m.i.chunk_size, &run));
	assert_false(famfs_map_reverse(map, 4, m.s[4].offset + m.s[4].len - 1,
				       &run));
	free(map);
	dev_size[0] = was;
}

/* With no other strip to go on with, chunks are neighbours */
static void test_one_strip_is_one_run(void **state)
{
	const u64 size = 1000 * PAGE_SIZE;
	struct famfs_run run;
	struct famfs_map *map;
	struct message m;

	good_stripe(&m);
	m.i.nstrips = 1;
	m.h.fmap_size -= 2 * sizeof(m.s[0]);
	m.i.chunk_size = PAGE_SIZE;
	m.i.nbytes = size;
	m.h.file_size = size;
	m.s[0].len = size;
	map = make(&m.h);
	for (u64 pos = 0; pos < size; pos += PAGE_SIZE) {
		assert_true(famfs_map_resolve(map, pos, &run));
		assert_int_equal(run.pos, 0);
		assert_int_equal(run.len, size);
		assert_int_equal(run.offset, m.s[0].offset);
		assert_int_equal(run.devindex, 0);
	}
	assert_false(famfs_map_resolve(map, size, &run));
	free(map);
}

#define REFUSED(good, rc, what)			\
	do {					\
		struct message m;		\
						\
		good;				\
		assert_int_equal(check(&m), 0);	\
		what;				\
		assert_int_equal(check(&m), rc); \
	} while (0)
#define SIMPLE(rc, what)	REFUSED(good_simple(&m, 3), rc, what)
#define STRIPE(rc, what)	REFUSED(good_stripe(&m), rc, what)

static void test_header_refused(void **state)
{
	SIMPLE(-EINVAL, m.h.file_type = 3);
	SIMPLE(-EINVAL, m.h.file_type = 255);
	SIMPLE(-EINVAL, m.h.reserved = 1);
	SIMPLE(-EINVAL, m.h.reserved1 = 1ULL << 63);
	SIMPLE(-EINVAL, m.h.fmap_version = 0);
	SIMPLE(-EINVAL, m.h.fmap_version = 2);
	SIMPLE(-EINVAL, m.h.ext_type = 2);
	SIMPLE(-EINVAL, m.h.nextents = 0);
	SIMPLE(-EINVAL, m.h.nextents = 2);
	SIMPLE(-EINVAL, m.h.nextents = 4);
	SIMPLE(-EINVAL, m.h.fmap_size--);
	SIMPLE(-EINVAL, m.h.fmap_size++);
	SIMPLE(-EINVAL, m.h.fmap_size = 0);
	SIMPLE(-EINVAL, m.h.file_size = 0);
	SIMPLE(-EINVAL, m.h.file_size = U64_MAX);
	SIMPLE(-EINVAL, m.h.file_size = 1ULL << 63);
	SIMPLE(-EINVAL, m.h.file_size = (1ULL << 63) - 1);
	/* A length that only fits once it is cut to 32 bits */
	SIMPLE(-EINVAL, m.h.nextents = 3 + (1U << 29));

	STRIPE(-EINVAL, m.h.nextents = 2);
	STRIPE(-EINVAL, m.h.nextents = U32_MAX);
	STRIPE(-EINVAL, m.h.fmap_size--);
	STRIPE(-EINVAL, m.h.fmap_size++);
	STRIPE(-EINVAL, m.h.fmap_size = sizeof(m.h) + sizeof(m.i));
	STRIPE(-EINVAL, m.h.file_size = (1ULL << 63) - 1);
}

static void test_too_long(void **state)
{
	struct message m;

	good_simple(&m, 1);
	m.h.nextents = (FAMFS_FMAP_MAX_SIZE - sizeof(m.h)) / sizeof(m.e[0]);
	m.h.fmap_size = sizeof(m.h) + m.h.nextents * sizeof(m.e[0]);
	assert_int_equal(famfs_map_check_header(&m.h), 0);
	m.h.nextents++;
	m.h.fmap_size += sizeof(m.e[0]);
	assert_int_equal(famfs_map_check_header(&m.h), -EFBIG);

	good_stripe(&m);
	m.h.fmap_size = FAMFS_FMAP_MAX_SIZE;
	assert_int_equal(famfs_map_check_header(&m.h), 0);
	m.h.fmap_size++;
	assert_int_equal(famfs_map_check_header(&m.h), -EFBIG);
}

static void test_extents_refused(void **state)
{
	for (u32 i = 0; i < 3; i++) {
		SIMPLE(-EINVAL, m.e[i].reserved = 1);
		SIMPLE(-EINVAL, m.e[i].len = 0);
		SIMPLE(-EINVAL, m.e[i].len++);
		SIMPLE(-EINVAL, m.e[i].offset++);
		SIMPLE(-EINVAL, m.e[i].offset = 0);
		SIMPLE(-ENXIO, m.e[i].devindex = 1);
		SIMPLE(-ENXIO, m.e[i].devindex = FAMFS_MAX_DAXDEVS);
		SIMPLE(-ENXIO, m.e[i].devindex = U32_MAX);
		SIMPLE(-ERANGE, m.e[i].offset = dev_size[0]);
		SIMPLE(-ERANGE, m.e[i].len = dev_size[0]);
		SIMPLE(-ERANGE, m.e[i].offset = U64_MAX & PAGE_MASK);
		SIMPLE(-ERANGE, m.e[i].len = U64_MAX & PAGE_MASK);
		SIMPLE(0, m.e[i].offset = dev_size[0] - PAGE_SIZE);
	}
	SIMPLE(-EINVAL, m.h.file_size++);
	SIMPLE(0, m.h.file_size = 1);
	SIMPLE(0, m.e[0].offset = 0; m.h.file_type = FAMFS_FILE_SUPERBLOCK);
	SIMPLE(-EINVAL, m.e[0].offset = 0; m.h.file_type = FAMFS_FILE_LOG);
}

static void test_stripes_refused(void **state)
{
	STRIPE(-EINVAL, m.i.reserved = 1);
	STRIPE(-EINVAL, m.i.nstrips = 0);
	STRIPE(-EINVAL, m.i.nstrips = 2);
	STRIPE(-EINVAL, m.i.nstrips = 4);
	STRIPE(-EINVAL, m.i.nstrips = U32_MAX);
	STRIPE(-EINVAL, m.i.chunk_size = 0);
	STRIPE(-EINVAL, m.i.chunk_size = 1);
	STRIPE(-EINVAL, m.i.chunk_size++);
	STRIPE(-EINVAL, m.i.nbytes = 0);
	STRIPE(-EINVAL, m.i.nbytes -= PAGE_SIZE);
	STRIPE(-EINVAL, m.i.nbytes = U64_MAX);
	STRIPE(-EINVAL, m.i.nbytes = 1ULL << 63);
	STRIPE(-EINVAL, m.i.nbytes = (1ULL << 63) - PAGE_SIZE);
	STRIPE(-EINVAL, m.h.file_size++);
	STRIPE(0, m.h.file_size--; m.i.nbytes--);
	STRIPE(-EINVAL, m.i.nbytes--);

	for (u32 i = 0; i < 3; i++) {
		/* One page short of its share, however small the miss */
		STRIPE(-EINVAL, m.s[i].len -= PAGE_SIZE);
		STRIPE(0, m.s[i].len += PAGE_SIZE);
		STRIPE(-EINVAL, m.s[i].reserved = 1);
		STRIPE(-EINVAL, m.s[i].offset = 0);
		STRIPE(-EINVAL, m.s[i].offset++);
		STRIPE(-EINVAL, m.s[i].len = 0);
		STRIPE(-ENXIO, m.s[i].devindex = 7);
		STRIPE(-ERANGE, m.s[i].offset = dev_size[0] - PAGE_SIZE);
	}
	/* The last chunk, the tenth, is on the first strip and may be short */
	STRIPE(0, m.i.nbytes -= PAGE_SIZE; m.h.file_size -= PAGE_SIZE;
	       m.s[0].len -= PAGE_SIZE);
	STRIPE(-EINVAL, m.i.nbytes -= PAGE_SIZE; m.h.file_size -= PAGE_SIZE;
	       m.s[1].len -= PAGE_SIZE);
}

/* Lengths that add up past what a file offset can hold */
static void test_sum_overflow(void **state)
{
	u64 huge = 1ULL << 62;
	u64 was = dev_size[0];
	struct message m;

	dev_size[0] = U64_MAX & PAGE_MASK;
	for (u32 n = 1; n <= 5; n++) {
		good_simple(&m, n);
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
	dev_size[OTHER_DEV] = DEV_PAGES * PAGE_SIZE;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_every_page),
		cmocka_unit_test(test_longest_run),
		cmocka_unit_test(test_reverse),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_contiguous_is_one),
		cmocka_unit_test(test_huge_stripe),
		cmocka_unit_test(test_long_strip),
		cmocka_unit_test(test_one_strip_is_one_run),
		cmocka_unit_test(test_header_refused),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_extents_refused),
		cmocka_unit_test(test_stripes_refused),
		cmocka_unit_test(test_sum_overflow),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
