// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Interleaved maps: every byte where the ABI says that it lies, whatever the
 * geometry, on one device and on several; what is wrong is refused whole; and
 * maps of very many extents and strips.
 *
 * Where bytes lie is not asked of the map, but looked up on the devices, each
 * mounted by itself, through a file that is the device but for its first page.
 */
#include <assert.h>
#include <stddef.h>

#include "famfs_harness.h"

#define BASE		(16 * MiB)
#define AREA		(24 * MiB)	/* of each device, from BASE on */
#define AREA_PAGES	(AREA / PAGE)
#define MAX_DEVICES	4
#define MAX_STRIPES	5
#define MAX_STRIPS	7
#define CANARY		0xc5

/* What FAMFS_FMAP_MAX_SIZE is in the module. */
#define MESSAGE_MAX	(4 * MiB)

struct geometry {
	int n;
	struct stripe stripes[MAX_STRIPES];
	struct famfs_fmap_simple strips[MAX_STRIPES][MAX_STRIPS];
	__u64 size;		/* of all stripes */
};

/* Where a page of the file is. */
struct place {
	int device;
	__u64 offset;
};

/* The memory of a device as a file of another mount of it. */
static unsigned char *map_device(const char *path, int *fd)
{
	struct span all = { .offset = BASE, .len = AREA };
	void *at;

	if (mount(path, ROOT, "famfs", 0, NULL))
		return NULL;
	*fd = create_spans(ROOT "/all", AREA, &all, 1);
	if (*fd < 0)
		return NULL;
	at = mmap(NULL, AREA, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	return at == MAP_FAILED ? NULL : at;
}

static int unmap_device(unsigned char *at, int fd)
{
	munmap(at, AREA);
	close(fd);
	return ERR(umount(ROOT));
}

/*
 * The pages of the file one after the other, dealt out to the strips chunk by
 * chunk as cards are: a walk, without any of the arithmetic of the module.
 */
static struct place *deal_pages(const struct geometry *g)
{
	struct place *places = calloc(g->size / PAGE, sizeof(*places));
	__u64 page = 0;

	for (int i = 0; i < g->n; i++) {
		const struct stripe *s = &g->stripes[i];
		__u64 used[MAX_STRIPS] = {}, left = s->nbytes / PAGE;
		__u32 strip = 0, in_chunk = 0;

		for (; left; left--, page++) {
			places[page].device = s->strips[strip].devindex;
			places[page].offset = s->strips[strip].offset +
					      used[strip];
			used[strip] += PAGE;
			if (++in_chunk < s->chunk_size / PAGE)
				continue;
			in_chunk = 0;
			strip = (strip + 1) % s->nstrips;
		}
	}
	return places;
}

/* How long strip @i must be: dealt out, too. */
static __u64 strip_need(const struct stripe *s, __u32 i)
{
	__u64 need = 0;
	__u32 strip = 0;

	for (__u64 left = s->nbytes; left;) {
		__u64 part = left < s->chunk_size ? left : s->chunk_size;

		if (strip == i)
			need += part;
		left -= part;
		strip = (strip + 1) % s->nstrips;
	}
	return need;
}

/* Random stripes on free parts of the devices' areas, in random order. */
static void random_geometry(struct geometry *g, __u64 *state, int ndevices)
{
	static const __u32 chunk_pages[] = { 1, 1, 2, 3, 5, 16, 48, 512 };
	__u64 at[MAX_DEVICES];

	for (int d = 0; d < ndevices; d++)
		at[d] = BASE;
	memset(g, 0, sizeof(*g));
	g->n = 1 + rnd_below(state, MAX_STRIPES);
	for (int i = 0; i < g->n; i++) {
		struct famfs_fmap_simple *strips = g->strips[i], swap;
		struct stripe *s = &g->stripes[i];
		__u64 pages, rest;

		s->strips = strips;
		s->nstrips = 1 + rnd_below(state, MAX_STRIPS);
		pages = chunk_pages[rnd_below(state, ARRAY_SIZE(chunk_pages))];
		s->chunk_size = pages * PAGE;
		/* Less than a row, exact rows, or rows and a part of one. */
		rest = rnd_below(state, 3) ? rnd_below(state,
						       pages * s->nstrips) : 0;
		s->nbytes = rest * PAGE + rnd_below(state, 1 + 64 / pages) *
			    pages * s->nstrips * PAGE;
		if (s->nbytes > 4 * MiB)
			s->nbytes = 4 * MiB;
		if (!s->nbytes)
			s->nbytes = PAGE;
		g->size += s->nbytes;
		for (__u32 k = 0; k < s->nstrips; k++) {
			int d = rnd_below(state, ndevices);

			strips[k].devindex = d;
			/* Some are neighbours, some have a gap before. */
			at[d] += rnd_below(state, 3) * PAGE;
			strips[k].offset = at[d];
			strips[k].len = strip_need(s, k);
			if (!strips[k].len || !rnd_below(state, 4))
				strips[k].len += PAGE *
						 (1 + rnd_below(state, 4));
			at[d] += strips[k].len;
		}
		/* Chunks must not rise with the strips only. */
		if (s->nbytes % (s->nstrips * s->chunk_size))
			continue;
		for (__u32 k = s->nstrips - 1; k > 0; k--) {
			__u32 other = rnd_below(state, k + 1);

			if (strips[k].len != strips[other].len)
				continue;
			swap = strips[k];
			strips[k] = strips[other];
			strips[other] = swap;
		}
	}
}

/* Of the devices but the first, at which index each is. */
static int open_devices(const char * const paths[], int n)
{
	int dir = open(ROOT, O_RDONLY | O_DIRECTORY), err = 0;

	for (int i = 1; i < n && !err; i++)
		err = daxdev_open(dir, i, paths[i]);
	close(dir);
	return err;
}

FIXTURE(geometry) {
	const char *paths[MAX_DEVICES];
	int ndevices;
};

FIXTURE_VARIANT(geometry) {
	int devices;
};

FIXTURE_VARIANT_ADD(geometry, one_device)
{
	.devices = 1,
};

FIXTURE_VARIANT_ADD(geometry, several_devices)
{
	.devices = MAX_DEVICES,
};

FIXTURE_SETUP(geometry)
{
	ASSERT_EQ(0, private_mounts());
	self->ndevices = devices(self->paths, variant->devices);
}

FIXTURE_TEARDOWN_PARENT(geometry)
{
	EXPECT_CLEAN_LOG();
}

/* By write(2) in pieces that heed no border, or by stores. */
static void put_bytes(struct __test_metadata *_metadata, int fd,
		      const unsigned char *must, __u64 size, __u64 *state)
{
	unsigned char *at;
	size_t len;

	at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, at);
	for (__u64 pos = 0; pos < size; pos += len) {
		len = 1 + rnd_below(state, 3 * MiB / 4);
		if (len > size - pos)
			len = size - pos;
		if (rnd_below(state, 2))
			memcpy(at + pos, must + pos, len);
		else
			ASSERT_EQ(len, pwrite(fd, must + pos, len, pos));
	}
	ASSERT_EQ(0, munmap(at, size));
}

static void see_bytes(struct __test_metadata *_metadata, int fd,
		      const unsigned char *must, __u64 size)
{
	unsigned char *seen = malloc(size + 1), *at;

	ASSERT_EQ(size, read(fd, seen, size + 1));
	EXPECT_EQ(-1, first_difference(must, seen, size));
	at = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(-1, first_difference(must, at, size));
	munmap(at, size);
	free(seen);
}

TEST_F_TIMEOUT(geometry, every_page_is_in_its_place, 120)
{
	unsigned char *area, *canary = malloc(PAGE), *must;
	static bool taken[AREA_PAGES];
	__u64 state = seed(), cut;
	struct famfs_fmap_header *map, *got;
	struct geometry *g = malloc(sizeof(*g));
	struct place *places;
	int fd;

	if (variant->devices > 1 && self->ndevices < 2)
		SKIP(return, "no second device: FAMFS_DEV2 names one");
	memset(canary, CANARY, PAGE);
	for (int d = 0; d < self->ndevices; d++) {
		area = map_device(self->paths[d], &fd);
		ASSERT_NE(NULL, area);
		memset(area, CANARY, AREA);
		ASSERT_EQ(0, unmap_device(area, fd));
	}
	for (int round = 0; round < 12; round++) {
		random_geometry(g, &state, self->ndevices);
		cut = rnd_below(&state, PAGE);
		must = malloc(g->size);
		fill(must, g->size, rnd(&state));
		map = fmap_striped(g->size - cut, g->stripes, g->n);

		ASSERT_EQ(0, mount_famfs());
		ASSERT_EQ(0, open_devices(self->paths, self->ndevices));
		fd = create_empty(ROOT "/file");
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, map_create(fd, map)) {
			TH_LOG("round %d", round);
		}
		got = &map_fetch(fd)->head;
		ASSERT_NE(NULL, got);
		ASSERT_EQ(map->fmap_size, got->fmap_size);
		EXPECT_EQ(-1, first_difference(map, got, map->fmap_size));
		put_bytes(_metadata, fd, must, g->size - cut, &state);
		see_bytes(_metadata, fd, must, g->size - cut);
		close(fd);
		ASSERT_EQ(0, ERR(umount(ROOT)));

		places = deal_pages(g);
		for (int d = 0; d < self->ndevices; d++) {
			memset(taken, 0, sizeof(taken));
			area = map_device(self->paths[d], &fd);
			ASSERT_NE(NULL, area);
			for (__u64 i = 0; i < g->size / PAGE; i++) {
				__u64 at = places[i].offset - BASE;
				size_t len = PAGE;

				if (places[i].device != d)
					continue;
				taken[at / PAGE] = true;
				if (i == g->size / PAGE - 1)
					len -= cut;
				ASSERT_EQ(-1, first_difference(must + i * PAGE,
							       area + at,
							       len)) {
					TH_LOG("round %d, page %llu", round, i);
				}
				memset(area + at, CANARY, PAGE);
			}
			/* And nothing has been written anywhere else. */
			for (__u64 i = 0; i < AREA_PAGES; i++) {
				if (taken[i])
					continue;
				ASSERT_EQ(0, memcmp(canary, area + i * PAGE,
						    PAGE)) {
					TH_LOG("round %d, device %d, page %llu",
					       round, d, i);
				}
			}
			ASSERT_EQ(0, unmap_device(area, fd));
		}
		free(places);
		free(must);
		free(map);
		free(got);
	}
}

/*
 * A message that is wrong in one way. The good one: 1 MiB in chunks of 64 KiB
 * on three strips, then five pages in chunks of two, on two strips. No strip
 * has a page to spare, and no two are neighbours.
 */
struct record3 {
	struct famfs_fmap_interleave head;
	struct famfs_fmap_simple strip[3];
};

struct record2 {
	struct famfs_fmap_interleave head;
	struct famfs_fmap_simple strip[2];
};

struct good {
	struct famfs_fmap_header head;
	struct record3 a;
	struct record2 b;
	char more[64];
};

#define GOOD_SIZE	((__u32)offsetof(struct good, more))
#define KiB		1024

static_assert(GOOD_SIZE == 32 + 24 + 3 * 24 + 24 + 2 * 24, "layout");

static void make_good(struct good *m)
{
	static const struct famfs_fmap_simple three[] = {
		{ .offset = BASE, .len = 6 * 64 * KiB },
		{ .offset = BASE + 8 * MiB, .len = 5 * 64 * KiB },
		{ .offset = BASE + 2 * MiB, .len = 5 * 64 * KiB },
	};
	static const struct famfs_fmap_simple two[] = {
		{ .offset = BASE + 12 * MiB, .len = 3 * PAGE },
		{ .offset = BASE + 10 * MiB, .len = 2 * PAGE },
	};
	const struct stripe stripes[] = {
		{ 64 * KiB, MiB, 3, three },
		{ 2 * PAGE, 5 * PAGE, 2, two },
	};
	void *map = fmap_striped(MiB + 5 * PAGE - 7, stripes, 2);

	memset(m, 0, sizeof(*m));
	memcpy(m, map, GOOD_SIZE);
	free(map);
}

/* So that no strip is too short, whatever is said of the chunks. */
static void make_roomy(struct good *m)
{
	for (int i = 0; i < 3; i++)
		m->a.strip[i].len += MiB;
	for (int i = 0; i < 2; i++)
		m->b.strip[i].len += MiB;
}

FIXTURE(refused) {
};

FIXTURE_VARIANT(refused) {
	void (*spoil)(struct good *m);
	int error;
};

FIXTURE_SETUP(refused)
{
	ASSERT_EQ(0, private_mounts());
	ASSERT_EQ(0, mount_famfs());
}

FIXTURE_TEARDOWN_PARENT(refused)
{
	EXPECT_CLEAN_LOG();
}

TEST_F(refused, whole)
{
	struct famfs_fmap_header head = { .fmap_size = sizeof(head) };
	struct good m;
	__u64 before;
	int fd;

	/* In the way of some. */
	ASSERT_LE(0, create_at(ROOT "/other", BASE + 20 * MiB, 2 * PAGE));
	before = free_blocks();
	fd = create_empty(ROOT "/file");
	ASSERT_LE(0, fd);
	make_good(&m);
	variant->spoil(&m);
	EXPECT_EQ(variant->error, map_create(fd, &m));
	EXPECT_EQ(-ENODATA, map_get(fd, &head));
	EXPECT_EQ(0, lseek(fd, 0, SEEK_END));
	EXPECT_EQ(before, free_blocks());
	make_good(&m);
	EXPECT_EQ(0, map_create(fd, &m));
}

#define BAD_MAP(name, err, ...)						\
static void spoil_##name(struct good *m)				\
{									\
	__VA_ARGS__							\
}									\
FIXTURE_VARIANT_ADD(refused, name)					\
{									\
	.spoil = spoil_##name,						\
	.error = err,							\
}

/* A strip that is too short for its chunks by one page. */
BAD_MAP(strip_0_short, -EINVAL, m->a.strip[0].len -= PAGE;);
BAD_MAP(strip_1_short, -EINVAL, m->a.strip[1].len -= PAGE;);
BAD_MAP(strip_2_short, -EINVAL, m->a.strip[2].len -= PAGE;);
BAD_MAP(strip_of_part_short, -EINVAL, m->b.strip[0].len -= PAGE;);
BAD_MAP(last_strip_short, -EINVAL, m->b.strip[1].len -= PAGE;);
BAD_MAP(one_chunk_more, -EINVAL,
	m->a.head.nbytes += 64 * KiB;
	m->head.file_size += 64 * KiB;);
BAD_MAP(one_page_more, -EINVAL, m->b.head.nbytes += PAGE;);
/* The longest chunk that there is, a strip that would wrap. */
BAD_MAP(chunks_larger_than_strips, -EINVAL, m->a.head.chunk_size = 0xfffff000;);
BAD_MAP(nbytes_of_many_rows, -EINVAL,
	m->a.head.chunk_size = 0xfffff000;
	m->a.head.nbytes = (~0ULL >> 1) & ~(PAGE - 1);
	m->b.head.nbytes = PAGE;
	m->head.file_size = MiB;);
BAD_MAP(short_and_elsewhere_long, -EINVAL,
	m->a.strip[0].len -= PAGE;
	m->a.strip[1].len += PAGE;);

/* The records' heads. */
BAD_MAP(chunk_size_0, -EINVAL,
	make_roomy(m);
	m->a.head.chunk_size = 0;);
BAD_MAP(second_chunk_size_0, -EINVAL,
	make_roomy(m);
	m->b.head.chunk_size = 0;);
BAD_MAP(chunk_size_1, -EINVAL,
	make_roomy(m);
	m->a.head.chunk_size = 1;);
BAD_MAP(chunk_size_2048, -EINVAL,
	make_roomy(m);
	m->b.head.chunk_size = 2048;);
BAD_MAP(chunk_size_by_512, -EINVAL,
	make_roomy(m);
	m->a.head.chunk_size += 512;);
BAD_MAP(chunk_size_max, -EINVAL,
	make_roomy(m);
	m->a.head.chunk_size = ~0U;);
BAD_MAP(nstrips_0, -EINVAL, m->a.head.nstrips = 0;);
BAD_MAP(nstrips_0_last, -EINVAL, m->b.head.nstrips = 0;);
BAD_MAP(nstrips_0_and_no_strips, -EINVAL,
	m->b.head.nstrips = 0;
	m->head.fmap_size -= sizeof(m->b.strip););
BAD_MAP(nstrips_one_less, -EINVAL, m->b.head.nstrips = 1;);
BAD_MAP(nstrips_one_more, -EINVAL, m->b.head.nstrips = 3;);
BAD_MAP(nstrips_of_both, -EINVAL, m->a.head.nstrips = 6;);
BAD_MAP(nstrips_max, -EINVAL, m->a.head.nstrips = ~0U;);
BAD_MAP(nstrips_wraps, -EINVAL, m->b.head.nstrips = (1U << 29) + 2;);
BAD_MAP(nbytes_0, -EINVAL, m->a.head.nbytes = 0;);
BAD_MAP(nbytes_0_last, -EINVAL,
	m->b.head.nbytes = 0;
	m->head.file_size = MiB;);
BAD_MAP(nbytes_by_1, -EINVAL, m->a.head.nbytes -= 1;);
BAD_MAP(nbytes_by_512, -EINVAL,
	m->a.head.nbytes -= 512;
	m->head.file_size = MiB;);
BAD_MAP(nbytes_max, -EINVAL, m->b.head.nbytes = ~0ULL;);
BAD_MAP(nbytes_s64_max, -EINVAL, m->b.head.nbytes = ~0ULL >> 1;);
BAD_MAP(nbytes_past_strips, -EINVAL,
	m->b.head.nbytes = (~0ULL >> 1) & ~(PAGE - 1););
BAD_MAP(nbytes_add_up_to_little, -EINVAL,
	m->a.head.nbytes = 1ULL << 63;
	m->b.head.nbytes = 1ULL << 63;);
BAD_MAP(record_reserved, -EINVAL, m->a.head.reserved = 1;);
BAD_MAP(record_reserved_last, -EINVAL, m->b.head.reserved = 1ULL << 63;);
BAD_MAP(file_size_past_stripes, -EINVAL, m->head.file_size = MiB + 5 * PAGE + 1;);
BAD_MAP(file_size_0, -EINVAL, m->head.file_size = 0;);

/* The message's length. */
BAD_MAP(trailing_byte, -EINVAL, m->head.fmap_size++;);
BAD_MAP(trailing_record, -EINVAL, m->head.fmap_size += 24;);
BAD_MAP(missing_byte, -EINVAL, m->head.fmap_size--;);
BAD_MAP(missing_strip, -EINVAL, m->head.fmap_size -= 24;);
BAD_MAP(missing_strips, -EINVAL, m->head.fmap_size -= 48;);
BAD_MAP(missing_record, -EINVAL, m->head.fmap_size -= 72;);
BAD_MAP(missing_all_but_the_least, -EINVAL, m->head.fmap_size = 32 + 2 * 48;);
BAD_MAP(nextents_one_less, -EINVAL, m->head.nextents = 1;);
BAD_MAP(nextents_one_more, -EINVAL, m->head.nextents = 3;);
BAD_MAP(nextents_max, -EINVAL, m->head.nextents = ~0U;);
/* 48 times this is less than the length, modulo 2^32. */
BAD_MAP(nextents_wrap, -EINVAL, m->head.nextents = (1U << 28) + 2;);
BAD_MAP(as_simple, -EINVAL, m->head.ext_type = FAMFS_EXT_SIMPLE;);
BAD_MAP(as_simple_of_that_length, -EINVAL,
	m->head.ext_type = FAMFS_EXT_SIMPLE;
	m->head.nextents = 7;);
BAD_MAP(too_long, -EFBIG, m->head.fmap_size = 4 * MiB + 16;);

/* The strips. */
BAD_MAP(strip_reserved, -EINVAL, m->a.strip[2].reserved = 1;);
BAD_MAP(strip_len_0, -EINVAL, m->b.strip[1].len = 0;);
BAD_MAP(strip_len_by_512, -EINVAL, m->a.strip[1].len += 512;);
BAD_MAP(strip_offset_by_1, -EINVAL, m->a.strip[1].offset += 1;);
BAD_MAP(strip_offset_0, -EINVAL, m->a.strip[0].offset = 0;);
BAD_MAP(strip_device_missing, -ENXIO, m->b.strip[1].devindex = 1;);
BAD_MAP(strip_device_64, -ENXIO, m->b.strip[1].devindex = 64;);
BAD_MAP(strip_device_max, -ENXIO, m->a.strip[0].devindex = ~0U;);
BAD_MAP(strip_past_device, -ERANGE, m->a.strip[1].offset = 1ULL << 60;);
BAD_MAP(strip_end_past_device, -ERANGE,
	m->b.strip[1].offset = device_size(device()) - PAGE;);
BAD_MAP(strip_spare_past_device, -ERANGE,
	m->b.strip[1].len = device_size(device()););
BAD_MAP(strip_wraps, -ERANGE, m->a.strip[1].len = -m->a.strip[1].offset;);
BAD_MAP(strip_wraps_into_device, -ERANGE, m->a.strip[1].offset = -PAGE;);

/* Strips on the same memory, also with what they have to spare. */
BAD_MAP(same_strip_twice, -EADDRINUSE,
	m->a.strip[1].offset = m->a.strip[0].offset;);
BAD_MAP(strips_share_a_page, -EADDRINUSE,
	m->a.strip[2].offset = m->a.strip[0].offset + 6 * 64 * KiB - PAGE;);
BAD_MAP(strip_of_another_stripe, -EADDRINUSE,
	m->b.strip[0].offset = m->a.strip[2].offset;);
BAD_MAP(spare_page_of_another_stripe, -EADDRINUSE,
	m->b.strip[1].len = 2 * MiB + PAGE;);
BAD_MAP(strip_of_another_file, -EADDRINUSE,
	m->b.strip[1].offset = BASE + 20 * MiB + PAGE;);
BAD_MAP(spare_page_of_another_file, -EADDRINUSE,
	m->b.strip[1].offset = BASE + 20 * MiB - 2 * PAGE;
	m->b.strip[1].len = 3 * PAGE;);

FIXTURE(striped) {
};

FIXTURE_SETUP(striped)
{
	ASSERT_EQ(0, private_mounts());
	ASSERT_EQ(0, mount_famfs());
}

FIXTURE_TEARDOWN_PARENT(striped)
{
	EXPECT_CLEAN_LOG();
}

/* What is odd and yet well. */
TEST_F(striped, odd_ones_are_taken)
{
	struct good m, other;
	int fd;

	/* Chunks of three pages: no power of two. 86 chunks: 29, 29, 28. */
	make_good(&m);
	m.a.head.chunk_size = 3 * PAGE;
	m.a.strip[0].len = 29 * 3 * PAGE;
	m.a.strip[1].len = 29 * 3 * PAGE - 2 * PAGE;
	m.a.strip[2].len = 28 * 3 * PAGE;
	fd = create_empty(ROOT "/three");
	ASSERT_LE(0, fd);
	other = m;
	other.a.strip[1].len -= PAGE;
	EXPECT_EQ(-EINVAL, map_create(fd, &other));
	EXPECT_EQ(0, map_create(fd, &m));
	EXPECT_EQ(0, ERR(close(fd)));
	ASSERT_EQ(0, ERR(umount(ROOT)));

	/* The file, and the last record, may end within a page. */
	ASSERT_EQ(0, mount_famfs());
	make_good(&m);
	m.b.head.nbytes -= 7;
	fd = create_empty(ROOT "/file");
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, map_create(fd, &m));
	EXPECT_EQ(MiB + 5 * PAGE - 7, lseek(fd, 0, SEEK_END));
	EXPECT_EQ(-ENOSPC, ERR(pwrite(fd, "x", 1, MiB + 5 * PAGE - 7)));
	EXPECT_EQ(1, pwrite(fd, "xy", 2, MiB + 5 * PAGE - 8));
	close(fd);
	ASSERT_EQ(0, ERR(umount(ROOT)));

	/* The file may end far before its stripes; chunks larger than all. */
	ASSERT_EQ(0, mount_famfs());
	make_good(&m);
	m.head.file_size = 1;
	m.b.head.chunk_size = 0xfffff000;
	m.b.strip[0].len = 5 * PAGE;
	m.b.strip[1].len = PAGE;
	fd = create_empty(ROOT "/file");
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, map_create(fd, &m));
	EXPECT_EQ(1, pwrite(fd, "xy", 2, 0));
	EXPECT_EQ(-ENOSPC, ERR(pwrite(fd, "x", 1, 1)));
}

/* statfs and st_blocks count what the strips take. */
TEST_F(striped, totals)
{
	__u64 before = free_blocks(), taken;
	struct stat st;
	struct good m;
	int fd;

	make_good(&m);
	m.a.strip[1].len += 3 * PAGE;
	taken = 16 * 64 * KiB + 3 * PAGE + 5 * PAGE;
	fd = create_empty(ROOT "/file");
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, map_create(fd, &m));
	EXPECT_EQ(before - taken / PAGE, free_blocks());
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(taken / 512, st.st_blocks);
	EXPECT_EQ(MiB + 5 * PAGE - 7, st.st_size);
	/* The spare pages are taken, too. */
	EXPECT_EQ(-EADDRINUSE,
		  create_at(ROOT "/b", m.a.strip[1].offset + 5 * 64 * KiB +
			    2 * PAGE, PAGE));
}

TEST_F(striped, map_get)
{
	static const __u32 lengths[] = { 0, 31, 32, 56, 127, GOOD_SIZE - 1 };
	unsigned char buffer[GOOD_SIZE + 32];
	struct famfs_fmap_header *head = (void *)buffer;
	struct good m;
	int fd;

	make_good(&m);
	fd = create_empty(ROOT "/file");
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, map_create(fd, &m));
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		memset(buffer, 0xa5, sizeof(buffer));
		head->fmap_size = lengths[i];
		EXPECT_EQ(-EMSGSIZE, map_get(fd, buffer)) {
			TH_LOG("length %u", lengths[i]);
		}
		EXPECT_EQ(0, memcmp(head, &m.head, sizeof(*head)));
		for (size_t k = sizeof(*head); k < sizeof(buffer); k++)
			ASSERT_EQ(0xa5, buffer[k]);
	}
	memset(buffer, 0xa5, sizeof(buffer));
	head->fmap_size = sizeof(buffer);
	EXPECT_EQ(0, map_get(fd, buffer));
	EXPECT_EQ(-1, first_difference(&m, buffer, GOOD_SIZE));
	for (size_t k = GOOD_SIZE; k < sizeof(buffer); k++)
		ASSERT_EQ(0xa5, buffer[k]);
}

/* Chunks on two strips, both aligned or not: with which pages mapped. */
FIXTURE(pages) {
};

FIXTURE_VARIANT(pages) {
	__u64 chunk_size;
	__u64 offset;		/* of the first strip */
	bool large;
};

FIXTURE_VARIANT_ADD(pages, chunks_of_2m)
{
	.chunk_size = 2 * MiB,
	.offset = BASE,
	.large = true,
};

FIXTURE_VARIANT_ADD(pages, chunks_of_6m)
{
	.chunk_size = 6 * MiB,
	.offset = BASE,
	.large = true,
};

FIXTURE_VARIANT_ADD(pages, chunks_of_1m)
{
	.chunk_size = MiB,
	.offset = BASE,
};

FIXTURE_VARIANT_ADD(pages, strip_that_is_not_aligned)
{
	.chunk_size = 2 * MiB,
	.offset = BASE + PAGE,
};

FIXTURE_SETUP(pages)
{
	ASSERT_EQ(0, private_mounts());
	ASSERT_EQ(0, mount_famfs());
}

FIXTURE_TEARDOWN_PARENT(pages)
{
	EXPECT_CLEAN_LOG();
}

TEST_F(pages, mapped)
{
	const __u64 size = 2 * variant->chunk_size;
	const struct famfs_fmap_simple strips[] = {
		{ .offset = variant->offset, .len = size },
		{ .offset = variant->offset + 32 * MiB, .len = size },
	};
	const struct stripe stripe = {
		variant->chunk_size, 2 * size, 2, strips,
	};
	volatile unsigned char *at;
	int fd, pmd, pte;

	/* VM_FAULT_NOPAGE: mapped. */
	pmd = event_open("fs_dax/dax_pmd_fault_done", "result & 0x100");
	pte = event_open("fs_dax/dax_pte_fault_done", "result & 0x100");
	if (pmd < 0 || pte < 0)
		SKIP(return, "no trace events of fs_dax: %s", strerror(-pmd));
	fd = create_empty(ROOT "/file");
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, map_create(fd, fmap_striped(2 * size, &stripe, 1)));
	at = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, at);
	for (__u64 pos = 0; pos < 2 * size; pos += PAGE)
		at[pos] = 1;
	if (variant->large) {
		EXPECT_EQ(2 * size / PMD, event_count(pmd));
		EXPECT_EQ(0, event_count(pte));
	} else {
		EXPECT_EQ(0, event_count(pmd));
		EXPECT_EQ(2 * size / PAGE, event_count(pte));
	}
}

/*
 * A file of single pages in random order, each of which begins with its number;
 * a sample of them is looked for on the device afterwards.
 */
static __u64 *shuffled(__u64 n, __u64 *state)
{
	__u64 *order = malloc(n * sizeof(*order)), swap, k;

	for (__u64 i = 0; i < n; i++)
		order[i] = i;
	for (__u64 i = n - 1; i > 0; i--) {
		k = rnd_below(state, i + 1);
		swap = order[i];
		order[i] = order[k];
		order[k] = swap;
	}
	return order;
}

static void number_pages(struct __test_metadata *_metadata, const void *message,
			 const __u64 *order, __u64 n, __u64 *state)
{
	const struct famfs_fmap_header *head = message;
	const struct span all = { .offset = PAGE, .len = (n + 1) * PAGE };
	struct famfs_fmap_header *got;
	const int samples = 2000;
	__u64 i, value;
	int fd;

	fd = create_empty(ROOT "/file");
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, map_create(fd, message));
	got = &map_fetch(fd)->head;
	ASSERT_NE(NULL, got);
	/* Neighbours by chance are merged. */
	if (head->ext_type == FAMFS_EXT_INTERLEAVE) {
		ASSERT_EQ(head->fmap_size, got->fmap_size);
		EXPECT_EQ(-1, first_difference(message, got, head->fmap_size));
	} else {
		EXPECT_LT(n - n / 100, got->nextents);
	}
	for (int k = 0; k < samples; k++) {
		i = k < 2 ? k * (n - 1) : rnd_below(state, n);
		value = i ^ 0x5eed;
		ASSERT_EQ(8, pwrite(fd, &value, 8, i * PAGE));
	}
	close(fd);
	ASSERT_EQ(0, ERR(umount(ROOT)));

	ASSERT_EQ(0, mount_famfs());
	fd = create_spans(ROOT "/all", all.len, &all, 1);
	ASSERT_LE(0, fd);
	ASSERT_EQ(8, pread(fd, &value, 8, (order[n - 1]) * PAGE));
	EXPECT_EQ((n - 1) ^ 0x5eed, value);
	ASSERT_EQ(8, pread(fd, &value, 8, (order[0]) * PAGE));
	EXPECT_EQ(0 ^ 0x5eed, value);
}

/* As number_pages(), of all samples: those of the same state. */
static void find_pages(struct __test_metadata *_metadata, const __u64 *order,
		       __u64 n, __u64 state)
{
	__u64 i, value;
	int fd;

	fd = open(ROOT "/all", O_RDONLY);
	ASSERT_LE(0, fd);
	for (int k = 2; k < 2000; k++) {
		i = rnd_below(&state, n);
		ASSERT_EQ(8, pread(fd, &value, 8, order[i] * PAGE));
		ASSERT_EQ(i ^ 0x5eed, value) {
			TH_LOG("page %llu", i);
		}
	}
}

TEST_F_TIMEOUT(striped, a_hundred_thousand_extents, 120)
{
	const __u64 n = 100000;
	__u64 state = seed(), *order, before;
	struct fmap *map;

	if (device_size(device()) < (n + 2) * PAGE)
		SKIP(return, "%s is too small", device());
	order = shuffled(n, &state);
	map = fmap_alloc(n);
	map->head.file_size = n * PAGE;
	for (__u64 i = 0; i < n; i++) {
		map->ext[i].offset = (1 + order[i]) * PAGE;
		map->ext[i].len = PAGE;
	}
	before = state;
	number_pages(_metadata, map, order, n, &state);
	find_pages(_metadata, order, n, before);
}

/* One strip for each page of a row, of which there are four. */
TEST_F_TIMEOUT(striped, ten_thousand_strips_of_one_stripe, 120)
{
	const __u64 strips = 10000, rows = 4, n = strips * rows;
	struct famfs_fmap_simple *strip = calloc(strips, sizeof(*strip));
	struct stripe stripe = { PAGE, n * PAGE, strips, strip };
	__u64 state = seed(), *order, *pages, before;

	order = shuffled(strips, &state);
	pages = malloc(n * sizeof(*pages));
	for (__u64 i = 0; i < strips; i++) {
		strip[i].offset = (1 + order[i] * rows) * PAGE;
		strip[i].len = rows * PAGE;
		for (__u64 row = 0; row < rows; row++)
			pages[row * strips + i] = order[i] * rows + row;
	}
	before = state;
	number_pages(_metadata, fmap_striped(n * PAGE, &stripe, 1), pages, n,
		     &state);
	find_pages(_metadata, pages, n, before);
}

/* Stripes of three strips, of one page each. */
TEST_F_TIMEOUT(striped, ten_thousand_stripes, 120)
{
	const __u64 stripes = 10000, n = 3 * stripes;
	struct famfs_fmap_simple *strip = calloc(n, sizeof(*strip));
	struct stripe *s = calloc(stripes, sizeof(*s));
	__u64 state = seed(), *order, before;

	order = shuffled(n, &state);
	for (__u64 i = 0; i < n; i++) {
		strip[i].offset = (1 + order[i]) * PAGE;
		strip[i].len = PAGE;
	}
	for (__u64 i = 0; i < stripes; i++)
		s[i] = (struct stripe){ PAGE, 3 * PAGE, 3, strip + 3 * i };
	before = state;
	number_pages(_metadata, fmap_striped(n * PAGE, s, stripes), order, n,
		     &state);
	find_pages(_metadata, order, n, before);
}

/* As long as a message may be, and one record longer. */
TEST_F_TIMEOUT(striped, longest_message, 60)
{
	const __u32 strips = (MESSAGE_MAX - 32 - 24) / 24;
	struct famfs_fmap_simple *strip = calloc(strips + 1, sizeof(*strip));
	struct stripe stripe = { PAGE, PAGE, strips + 1, strip };
	int fd;

	for (__u32 i = 0; i <= strips; i++) {
		strip[i].offset = BASE + i * PAGE;
		strip[i].len = PAGE;
	}
	fd = create_empty(ROOT "/file");
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EFBIG, map_create(fd, fmap_striped(1, &stripe, 1)));
	/* It is read, and what is wrong with it is its last strip. */
	stripe.nstrips = strips;
	strip[strips - 1].offset = device_size(device());
	EXPECT_EQ(-ERANGE, map_create(fd, fmap_striped(1, &stripe, 1)));
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
