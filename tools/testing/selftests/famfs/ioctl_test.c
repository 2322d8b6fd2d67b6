// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The ioctls, with good and bad input. Whatever is refused is refused whole:
 * the file has no map afterwards, and the ranges that were asked for are free.
 */
#include <linux/capability.h>

#include "famfs_harness.h"

/* Device offsets that files of the tests begin at. */
#define BASE		(16 * MiB)
#define ELSEWHERE	(64 * MiB)

#define MESSAGE_MAX	(4 * MiB)

/* Whether a file has no map, in every way that this shows. */
static void expect_no_map(struct __test_metadata *_metadata, int fd)
{
	struct famfs_fmap_header head = { .fmap_size = sizeof(head) };
	struct stat st;
	char byte;

	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(0, st.st_size);
	EXPECT_EQ(0, st.st_blocks);
	EXPECT_EQ(-ENODATA, map_get(fd, &head));
	EXPECT_EQ(-ENXIO, ERR(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0)));
	EXPECT_EQ(0, read(fd, &byte, 1));
}

/*
 * A message that is wrong in one way. @spoil changes a good one, of two
 * extents of 4 MiB each, of which the first begins at BASE.
 */
FIXTURE(bad_map) {
};

FIXTURE_VARIANT(bad_map) {
	void (*spoil)(struct fmap *map, __u64 device_size);
	int error;
};

FIXTURE_SETUP(bad_map)
{
	ASSERT_EQ(0, private_mounts());
	ASSERT_EQ(0, mount_famfs());
}

FIXTURE_TEARDOWN_PARENT(bad_map)
{
	EXPECT_CLEAN_LOG();
}

static const struct span good_spans[] = {
	{ BASE, 4 * MiB },
	{ BASE + 8 * MiB, 4 * MiB },
};

static struct fmap *good_map(void)
{
	struct fmap *map, *good;

	/* Room for more extents than the header tells of. */
	good = fmap_of(8 * MiB, good_spans, 2);
	map = fmap_alloc(16);
	memcpy(map, good, good->head.fmap_size);
	free(good);
	return map;
}

TEST_F(bad_map, is_refused_whole)
{
	struct fmap *map = good_map(), *copy;
	__u64 before = free_blocks();
	size_t size = sizeof(*map) + 16 * sizeof(map->ext[0]);
	int fd, other;

	fd = create_empty(ROOT "/file");
	ASSERT_LE(0, fd);
	variant->spoil(map, device_size(device()));
	copy = malloc(size);
	memcpy(copy, map, size);
	EXPECT_EQ(variant->error, map_create(fd, map));
	EXPECT_EQ(0, memcmp(copy, map, size));
	expect_no_map(_metadata, fd);
	EXPECT_EQ(before, free_blocks());

	/* All that it may have named is there to be had, by another file. */
	free(map);
	map = good_map();
	other = create_empty(ROOT "/other");
	ASSERT_LE(0, other);
	EXPECT_EQ(0, map_create(other, map));
	/* And the file can still take a map. */
	map->ext[0].offset = ELSEWHERE;
	map->ext[1].offset = ELSEWHERE + 8 * MiB;
	EXPECT_EQ(0, map_create(fd, map));
}

#define BAD_MAP(name, err, ...)						\
static void spoil_##name(struct fmap *map, __u64 device_size)		\
{									\
	(void)device_size;						\
	(void)map;							\
	__VA_ARGS__							\
}									\
FIXTURE_VARIANT_ADD(bad_map, name)					\
{									\
	.spoil = spoil_##name,						\
	.error = err,							\
}

/* The header. */
BAD_MAP(file_type_3, -EINVAL, map->head.file_type = 3;);
BAD_MAP(file_type_255, -EINVAL, map->head.file_type = 255;);
BAD_MAP(header_reserved, -EINVAL, map->head.reserved = 1;);
BAD_MAP(header_reserved1, -EINVAL, map->head.reserved1 = 1;);
BAD_MAP(header_reserved1_high, -EINVAL, map->head.reserved1 = 1ULL << 63;);
BAD_MAP(version_0, -EINVAL, map->head.fmap_version = 0;);
BAD_MAP(version_2, -EINVAL, map->head.fmap_version = 2;);
BAD_MAP(version_256, -EINVAL, map->head.fmap_version = 256;);
BAD_MAP(extent_type_2, -EINVAL, map->head.ext_type = 2;);
BAD_MAP(extent_type_max, -EINVAL, map->head.ext_type = ~0U;);
BAD_MAP(no_extents, -EINVAL,
	map->head.nextents = 0;
	map->head.fmap_size = sizeof(map->head););
BAD_MAP(no_extents_and_no_size, -EINVAL,
	map->head.nextents = 0;
	map->head.fmap_size = sizeof(map->head);
	map->head.file_size = 0;);
BAD_MAP(one_extent_too_few, -EINVAL, map->head.nextents = 1;);
BAD_MAP(one_extent_too_many, -EINVAL, map->head.nextents = 3;);
BAD_MAP(extents_max, -EINVAL, map->head.nextents = ~0U;);
/* 24 times this is the right length, modulo 2^32. */
BAD_MAP(extents_overflow, -EINVAL, map->head.nextents = (1U << 29) + 2;);
BAD_MAP(length_0, -EINVAL, map->head.fmap_size = 0;);
BAD_MAP(length_of_half_a_header, -EINVAL, map->head.fmap_size = 16;);
BAD_MAP(length_31, -EINVAL, map->head.fmap_size = 31;);
BAD_MAP(length_of_header, -EINVAL, map->head.fmap_size = 32;);
BAD_MAP(length_one_less, -EINVAL, map->head.fmap_size--;);
BAD_MAP(length_one_more, -EINVAL, map->head.fmap_size++;);
BAD_MAP(length_one_record_more, -EINVAL, map->head.fmap_size += 24;);
BAD_MAP(length_one_record_less, -EINVAL, map->head.fmap_size -= 24;);
BAD_MAP(file_size_0, -EINVAL, map->head.file_size = 0;);
BAD_MAP(file_size_1_past_extents, -EINVAL, map->head.file_size++;);
BAD_MAP(file_size_page_past_extents, -EINVAL, map->head.file_size += PAGE;);
BAD_MAP(file_size_s64_max, -EINVAL, map->head.file_size = ~0ULL >> 1;);
BAD_MAP(file_size_s64_max_down, -EINVAL,
	map->head.file_size = (~0ULL >> 1) & ~(PAGE - 1););
BAD_MAP(file_size_negative, -EINVAL, map->head.file_size = 1ULL << 63;);
BAD_MAP(file_size_u64_max, -EINVAL, map->head.file_size = ~0ULL;);

/* The records. */
BAD_MAP(record_reserved, -EINVAL, map->ext[1].reserved = 1;);
BAD_MAP(offset_by_1, -EINVAL, map->ext[1].offset += 1;);
BAD_MAP(offset_by_512, -EINVAL, map->ext[1].offset += 512;);
BAD_MAP(offset_by_2048, -EINVAL, map->ext[1].offset -= 2048;);
BAD_MAP(len_by_1, -EINVAL,
	map->ext[1].len -= 1;
	map->head.file_size -= PAGE;);
BAD_MAP(len_by_512, -EINVAL, map->ext[1].len += 512;);
BAD_MAP(len_0, -EINVAL,
	map->ext[1].len = 0;
	map->head.file_size = 4 * MiB;);
BAD_MAP(len_0_first, -EINVAL,
	map->ext[0].len = 0;
	map->head.file_size = 4 * MiB;);
BAD_MAP(offset_0, -EINVAL, map->ext[0].offset = 0;);
BAD_MAP(offset_0_second, -EINVAL, map->ext[1].offset = 0;);
BAD_MAP(offset_0_log, -EINVAL,
	map->head.file_type = FAMFS_FILE_LOG;
	map->ext[0].offset = 0;);
BAD_MAP(device_1, -ENXIO, map->ext[1].devindex = 1;);
BAD_MAP(device_63, -ENXIO, map->ext[0].devindex = 63;);
BAD_MAP(device_64, -ENXIO, map->ext[0].devindex = 64;);
BAD_MAP(device_max, -ENXIO, map->ext[0].devindex = ~0U;);

/* Ranges that are not all on the device. */
BAD_MAP(begins_at_end, -ERANGE, map->ext[1].offset = device_size;);
BAD_MAP(begins_past_end, -ERANGE, map->ext[1].offset = device_size + MiB;);
BAD_MAP(last_page_past_end, -ERANGE,
	map->ext[1].offset = device_size - map->ext[1].len + PAGE;);
BAD_MAP(begins_far_past_end, -ERANGE, map->ext[1].offset = 1ULL << 62;);
BAD_MAP(sum_wraps_to_0, -ERANGE, map->ext[1].offset = -map->ext[1].len;);
BAD_MAP(sum_wraps_into_device, -ERANGE,
	map->ext[1].offset = -PAGE;
	map->ext[1].len = BASE;);
BAD_MAP(len_wraps, -ERANGE, map->ext[1].len = -map->ext[1].offset;);
BAD_MAP(len_wraps_into_device, -ERANGE, map->ext[1].len = -PAGE;);
BAD_MAP(len_is_larger_than_device, -ERANGE,
	map->ext[0].len = device_size + PAGE;);
BAD_MAP(lengths_add_up_to_0, -ERANGE,
	map->ext[0].len = 1ULL << 63;
	map->ext[1].len = 1ULL << 63;);

/* Ranges that are on the same memory. */
BAD_MAP(same_twice, -EADDRINUSE, map->ext[1].offset = map->ext[0].offset;);
BAD_MAP(last_page_again, -EADDRINUSE,
	map->ext[1].offset = map->ext[0].offset + 4 * MiB - PAGE;);
BAD_MAP(first_page_again, -EADDRINUSE,
	map->ext[1].offset = map->ext[0].offset - 4 * MiB + PAGE;);
BAD_MAP(within, -EADDRINUSE,
	map->ext[1].offset = map->ext[0].offset + MiB;
	map->ext[1].len = MiB;
	map->head.file_size = 5 * MiB;);
BAD_MAP(around, -EADDRINUSE,
	map->ext[0].offset = map->ext[1].offset + MiB;
	map->ext[0].len = MiB;
	map->head.file_size = 5 * MiB;);
BAD_MAP(page_in_a_last_extent, -EADDRINUSE,
	map->head.nextents = 16;
	map->head.fmap_size = 32 + 16 * 24;
	map->head.file_size = PAGE;
	for (int i = 0; i < 16; i++) {
		map->ext[i].offset = BASE + (17 - i) * 2 * PAGE;
		map->ext[i].len = PAGE;
	}
	map->ext[15].offset = map->ext[7].offset;);

FIXTURE(ioctls) {
};

FIXTURE_SETUP(ioctls)
{
	ASSERT_EQ(0, private_mounts());
	ASSERT_EQ(0, mount_famfs());
}

FIXTURE_TEARDOWN_PARENT(ioctls)
{
	EXPECT_CLEAN_LOG();
}

TEST_F(ioctls, nop_on_everything)
{
	int fd;

	fd = create_empty(ROOT "/unmapped");
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, ERR(ioctl(fd, FAMFSIOC_NOP)));
	EXPECT_EQ(0, ERR(ioctl(fd, FAMFSIOC_NOP, -1L)));
	fd = create_at(ROOT "/mapped", BASE, PAGE);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, ERR(ioctl(fd, FAMFSIOC_NOP)));
	fd = open(ROOT "/mapped", O_RDONLY);
	EXPECT_EQ(0, ERR(ioctl(fd, FAMFSIOC_NOP)));
	fd = open(ROOT "/mapped", O_WRONLY);
	EXPECT_EQ(0, ERR(ioctl(fd, FAMFSIOC_NOP)));
	fd = open(ROOT, O_RDONLY | O_DIRECTORY);
	EXPECT_EQ(0, ERR(ioctl(fd, FAMFSIOC_NOP)));
	ASSERT_EQ(0, ERR(mkdir(ROOT "/dir", 0755)));
	fd = open(ROOT "/dir", O_RDONLY | O_DIRECTORY);
	EXPECT_EQ(0, ERR(ioctl(fd, FAMFSIOC_NOP)));
	fd = open(ROOT "/mapped", O_PATH);
	EXPECT_EQ(-EBADF, ERR(ioctl(fd, FAMFSIOC_NOP)));
	/* Not a famfs file. */
	fd = open(SCRATCH, O_RDONLY | O_DIRECTORY);
	EXPECT_EQ(-ENOTTY, ERR(ioctl(fd, FAMFSIOC_NOP)));
}

/*
 * All numbers of our magic with these directions and sizes, but for those of
 * the interface. Earlier interfaces used the same numbers with other sizes.
 */
static void try_unknown(struct __test_metadata *_metadata, int fd)
{
	static const unsigned int sizes[] = {
		0, 4, 8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 128, 256, 4096,
		_IOC_SIZEMASK,
	};
	static const unsigned int known[] = {
		FAMFSIOC_NOP, FAMFSIOC_MAP_CREATE, FAMFSIOC_DAXDEV_OPEN,
		FAMFSIOC_GET_OPTS, FAMFSIOC_SET_OPTS, FAMFSIOC_CLEAR_OPTS,
		FAMFSIOC_MAP_GET, FAMFSIOC_GET_ERRORS,
	};
	static char argument[1 << _IOC_SIZEBITS];

	for (unsigned int nr = 0; nr < 256; nr++) {
		for (unsigned int dir = 0; dir < 4; dir++) {
			for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
				unsigned int cmd = _IOC(dir, FAMFS_IOC_MAGIC,
							nr, sizes[i]);
				bool skip = false;

				for (size_t k = 0; k < ARRAY_SIZE(known); k++)
					skip |= cmd == known[k];
				if (skip)
					continue;
				ASSERT_EQ(-ENOTTY, ERR(ioctl(fd, cmd,
							     argument))) {
					TH_LOG("command %#x", cmd);
				}
			}
		}
	}
	for (unsigned int magic = 'a'; magic < 'u'; magic++) {
		/* FS_IOC_ commands and the like are the kernel's. */
		unsigned int cmd = _IOC(_IOC_WRITE, magic, 0x51, 32);

		EXPECT_EQ(-ENOTTY, ERR(ioctl(fd, cmd, argument))) {
			TH_LOG("command %#x", cmd);
		}
	}
	EXPECT_FALSE(isatty(fd));
	EXPECT_EQ(ENOTTY, errno);
}

TEST_F(ioctls, unknown_ones)
{
	int fd;

	fd = create_empty(ROOT "/file");
	ASSERT_LE(0, fd);
	try_unknown(_metadata, fd);
	expect_no_map(_metadata, fd);
	fd = open(ROOT, O_RDONLY | O_DIRECTORY);
	ASSERT_LE(0, fd);
	try_unknown(_metadata, fd);
}

TEST_F(ioctls, map_create_makes_a_file)
{
	const struct span spans[] = {
		{ BASE, 2 * MiB },
		{ BASE + 4 * MiB, PAGE },
		{ BASE + 3 * MiB, 3 * PAGE },
	};
	const __u64 total = 2 * MiB + 4 * PAGE;
	__u64 before = free_blocks();
	struct stat st;
	int fd;

	fd = create_spans(ROOT "/file", total - 100, spans, 3);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(total - 100, st.st_size);
	EXPECT_EQ(total / 512, st.st_blocks);
	EXPECT_EQ(before - total / PAGE, free_blocks());
	EXPECT_EQ(total - 100, lseek(fd, 0, SEEK_END));
}

/* The extents may be longer than the file: space comes in larger units. */
TEST_F(ioctls, map_longer_than_the_file)
{
	const struct span spans[] = {
		{ BASE, 2 * MiB },
		{ BASE + 4 * MiB, 2 * MiB },
	};
	__u64 before = free_blocks();
	char bytes[8];
	int fd;

	fd = create_spans(ROOT "/file", 5, spans, 2);
	ASSERT_LE(0, fd);
	EXPECT_EQ(5, lseek(fd, 0, SEEK_END));
	EXPECT_EQ(5, pwrite(fd, "12345678", 8, 0));
	EXPECT_EQ(5, pread(fd, bytes, 8, 0));
	EXPECT_EQ(before - 4 * MiB / PAGE, free_blocks());
	/* It is all taken. */
	EXPECT_EQ(-EADDRINUSE, create_at(ROOT "/b", BASE + 5 * MiB, PAGE));
}

TEST_F(ioctls, map_up_to_the_end_of_the_device)
{
	__u64 size = device_size(device());
	char byte = 0;
	int fd;

	fd = create_at(ROOT "/last", size - PAGE, PAGE);
	ASSERT_LE(0, fd);
	EXPECT_EQ(1, pwrite(fd, "z", 1, PAGE - 1));
	EXPECT_EQ(1, pread(fd, &byte, 1, PAGE - 1));
	EXPECT_EQ('z', byte);
	EXPECT_EQ(-ERANGE, create_at(ROOT "/past", size, PAGE));
	/* All the rest as one. */
	fd = create_at(ROOT "/rest", PAGE, size - 2 * PAGE);
	ASSERT_LE(0, fd);
	EXPECT_EQ(1, free_blocks());
}

TEST_F(ioctls, superblock_and_log)
{
	const struct span start = { .offset = 0, .len = 2 * MiB };
	const struct span next = { .offset = 2 * MiB, .len = 8 * MiB };
	struct fmap *map;
	int fd;

	map = fmap_of(2 * MiB, &start, 1);
	map->head.file_type = FAMFS_FILE_SUPERBLOCK;
	fd = create_empty(ROOT "/superblock");
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, map_create(fd, map));
	map = map_fetch(fd);
	ASSERT_NE(NULL, map);
	EXPECT_EQ(FAMFS_FILE_SUPERBLOCK, map->head.file_type);
	EXPECT_EQ(0, map->ext[0].offset);
	map = fmap_of(8 * MiB, &next, 1);
	map->head.file_type = FAMFS_FILE_LOG;
	fd = create_empty(ROOT "/log");
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, map_create(fd, map));
	map = map_fetch(fd);
	ASSERT_NE(NULL, map);
	EXPECT_EQ(FAMFS_FILE_LOG, map->head.file_type);
}

TEST_F(ioctls, map_get_without_a_map)
{
	struct famfs_fmap_header head = { .fmap_size = sizeof(head) };
	int fd;

	fd = create_empty(ROOT "/file");
	ASSERT_LE(0, fd);
	EXPECT_EQ(-ENODATA, map_get(fd, &head));
	fd = open(ROOT, O_RDONLY | O_DIRECTORY);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EISDIR, map_get(fd, &head));
}

TEST_F(ioctls, map_get_gives_what_was_created)
{
	struct span spans[100];
	struct fmap *map;
	int fd;

	/* Backwards, so that no two can be merged. */
	for (int i = 0; i < 100; i++) {
		spans[i].offset = BASE + (100 - i) * MiB;
		spans[i].len = (1 + i % 7) * PAGE;
	}
	fd = create_spans(ROOT "/file", 300 * PAGE + 1, spans, 100);
	ASSERT_LE(0, fd);
	/* A descriptor to read is enough. */
	fd = open(ROOT "/file", O_RDONLY);
	map = map_fetch(fd);
	ASSERT_NE(NULL, map);
	EXPECT_EQ(FAMFS_FILE_REG, map->head.file_type);
	EXPECT_EQ(0, map->head.reserved);
	EXPECT_EQ(FAMFS_FMAP_VERSION, map->head.fmap_version);
	EXPECT_EQ(FAMFS_EXT_SIMPLE, map->head.ext_type);
	ASSERT_EQ(100, map->head.nextents);
	EXPECT_EQ(32 + 100 * 24, map->head.fmap_size);
	EXPECT_EQ(300 * PAGE + 1, map->head.file_size);
	EXPECT_EQ(0, map->head.reserved1);
	for (int i = 0; i < 100; i++) {
		EXPECT_EQ(0, map->ext[i].devindex);
		EXPECT_EQ(0, map->ext[i].reserved);
		EXPECT_EQ(spans[i].offset, map->ext[i].offset);
		EXPECT_EQ(spans[i].len, map->ext[i].len);
	}
}

TEST_F(ioctls, map_get_merges_neighbours)
{
	const struct span spans[] = {
		{ BASE, 2 * MiB },
		{ BASE + 2 * MiB, 2 * MiB },
		{ BASE + 4 * MiB, PAGE },
		{ BASE + 8 * MiB, PAGE },
		{ BASE + 8 * MiB + PAGE, PAGE },
		{ BASE + 8 * MiB - PAGE, PAGE },
	};
	const struct span merged[] = {
		{ BASE, 4 * MiB + PAGE },
		{ BASE + 8 * MiB, 2 * PAGE },
		{ BASE + 8 * MiB - PAGE, PAGE },
	};
	struct fmap *map;
	int fd;

	fd = create_spans(ROOT "/file", 4 * MiB + 4 * PAGE, spans, 6);
	ASSERT_LE(0, fd);
	map = map_fetch(fd);
	ASSERT_NE(NULL, map);
	ASSERT_EQ(3, map->head.nextents);
	EXPECT_EQ(32 + 3 * 24, map->head.fmap_size);
	for (int i = 0; i < 3; i++) {
		EXPECT_EQ(merged[i].offset, map->ext[i].offset);
		EXPECT_EQ(merged[i].len, map->ext[i].len);
	}
}

TEST_F(ioctls, map_get_into_too_little)
{
	static const __u32 lengths[] = { 0, 1, 31, 32, 33, 56, 79 };
	unsigned char buffer[256];
	struct fmap *map = (void *)buffer;
	int fd;

	fd = create_spans(ROOT "/file", 8 * MiB, good_spans, 2);
	ASSERT_LE(0, fd);
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		memset(buffer, 0xa5, sizeof(buffer));
		map->head.fmap_size = lengths[i];
		EXPECT_EQ(-EMSGSIZE, map_get(fd, buffer)) {
			TH_LOG("length %u", lengths[i]);
		}
		EXPECT_EQ(80, map->head.fmap_size);
		EXPECT_EQ(2, map->head.nextents);
		EXPECT_EQ(8 * MiB, map->head.file_size);
		for (size_t k = sizeof(map->head); k < sizeof(buffer); k++)
			ASSERT_EQ(0xa5, buffer[k]);
	}
	/* Just enough, and more: nothing past the message is written. */
	for (__u32 length = 80; length < 256; length += 175) {
		memset(buffer, 0xa5, sizeof(buffer));
		map->head.fmap_size = length;
		EXPECT_EQ(0, map_get(fd, buffer));
		EXPECT_EQ(80, map->head.fmap_size);
		EXPECT_EQ(good_spans[1].offset, map->ext[1].offset);
		for (size_t k = 80; k < sizeof(buffer); k++)
			ASSERT_EQ(0xa5, buffer[k]);
	}
	/* The buffer may be larger than any message. */
	map->head.fmap_size = ~0U;
	EXPECT_EQ(0, map_get(fd, buffer));
	EXPECT_EQ(80, map->head.fmap_size);
}

/* Memory that cannot be read or written, from the first byte or later. */
TEST_F(ioctls, bad_pointers)
{
	const size_t pages = 4;
	struct fmap *map;
	char *area;
	int fd;

	area = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, area);
	ASSERT_EQ(0, mprotect(area + PAGE, PAGE, PROT_NONE));
	ASSERT_EQ(0, mprotect(area + 3 * PAGE, PAGE, PROT_READ));
	fd = create_empty(ROOT "/file");
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EFAULT, map_create(fd, NULL));
	EXPECT_EQ(-EFAULT, map_create(fd, (void *)8));
	EXPECT_EQ(-EFAULT, map_create(fd, (void *)-1L));
	EXPECT_EQ(-EFAULT, map_create(fd, (void *)0xffff888000001000UL));
	EXPECT_EQ(-EFAULT, map_create(fd, (void *)0x7ffffffff000UL));
	EXPECT_EQ(-EFAULT, map_create(fd, area + PAGE));
	map = good_map();
	for (size_t there = 16; there < 80; there += 16) {
		memcpy(area + PAGE - there, map, there);
		EXPECT_EQ(-EFAULT, map_create(fd, area + PAGE - there)) {
			TH_LOG("%zu bytes are there", there);
		}
	}
	expect_no_map(_metadata, fd);
	EXPECT_EQ(0, map_create(fd, map));

	EXPECT_EQ(-EFAULT, map_get(fd, NULL));
	EXPECT_EQ(-EFAULT, map_get(fd, area + PAGE));
	EXPECT_EQ(-EFAULT, map_get(fd, (void *)0xffff888000001000UL));
	/* Pages of zeroes that can only be read: header and records. */
	EXPECT_EQ(-EFAULT, map_get(fd, area + 3 * PAGE));
	map = (void *)(area + 3 * PAGE - 40);
	map->head.fmap_size = 80;
	EXPECT_EQ(-EFAULT, map_get(fd, map));
	map = (void *)(area + PAGE - 40);
	map->head.fmap_size = 80;
	EXPECT_EQ(-EFAULT, map_get(fd, map));
	map = map_fetch(fd);
	ASSERT_NE(NULL, map);
	EXPECT_EQ(2, map->head.nextents);
}

TEST_F(ioctls, message_may_lie_anywhere)
{
	struct fmap *map = good_map();
	char *area;
	int fd;

	area = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, area);
	fd = create_empty(ROOT "/file");
	ASSERT_LE(0, fd);
	memcpy(area + PAGE - 13, map, 80);
	ASSERT_EQ(0, mprotect(area, 2 * PAGE, PROT_READ));
	EXPECT_EQ(0, map_create(fd, area + PAGE - 13));
}

TEST_F(ioctls, too_large_a_message)
{
	__u32 n = (MESSAGE_MAX - 32) / 24 + 1;
	struct fmap *map = fmap_alloc(n);
	int fd;

	fd = create_empty(ROOT "/file");
	ASSERT_LE(0, fd);
	map->head.file_size = n * PAGE;
	for (__u32 i = 0; i < n; i++) {
		map->ext[i].offset = BASE + i * PAGE;
		map->ext[i].len = PAGE;
	}
	EXPECT_EQ(-EFBIG, map_create(fd, map));
	expect_no_map(_metadata, fd);
	/* Nothing so large is read, or makes room for itself. */
	map->head.nextents = (~0U - 32) / 24;
	map->head.fmap_size = 32 + map->head.nextents * 24;
	EXPECT_EQ(-EFBIG, map_create(fd, map));
	expect_no_map(_metadata, fd);
	/* The device has no room for the largest; the message is well. */
	map->head.nextents = n - 1;
	map->head.fmap_size = 32 + (n - 1) * 24;
	map->head.file_size = PAGE;
	map->ext[n - 2].offset = device_size(device());
	EXPECT_EQ(-ERANGE, map_create(fd, map));
	expect_no_map(_metadata, fd);
}

TEST_F(ioctls, second_map_is_refused)
{
	struct fmap *map = good_map(), *now;
	__u64 before;
	int fd, other;

	fd = create_empty(ROOT "/file");
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, map_create(fd, map));
	before = free_blocks();
	EXPECT_EQ(-EEXIST, map_create(fd, map));
	map->ext[0].offset = ELSEWHERE;
	map->ext[1].offset = ELSEWHERE + 8 * MiB;
	EXPECT_EQ(-EEXIST, map_create(fd, map));
	now = map_fetch(fd);
	ASSERT_NE(NULL, now);
	EXPECT_EQ(good_spans[0].offset, now->ext[0].offset);
	EXPECT_EQ(good_spans[1].offset, now->ext[1].offset);
	EXPECT_EQ(before, free_blocks());
	other = create_empty(ROOT "/other");
	EXPECT_EQ(0, map_create(other, map));
}

TEST_F(ioctls, descriptor_must_be_open_for_writing)
{
	struct fmap *map = good_map();
	int fd;

	ASSERT_LE(0, create_empty(ROOT "/file"));
	fd = open(ROOT "/file", O_RDONLY);
	EXPECT_EQ(-EBADF, map_create(fd, map));
	expect_no_map(_metadata, fd);
	fd = open(ROOT "/file", O_PATH);
	EXPECT_EQ(-EBADF, map_create(fd, map));
	fd = open(ROOT "/file", O_WRONLY);
	EXPECT_EQ(0, map_create(fd, map));
}

TEST_F(ioctls, directories_take_no_map)
{
	struct fmap *map = good_map();
	int fd;

	fd = open(ROOT, O_RDONLY | O_DIRECTORY);
	EXPECT_EQ(-EISDIR, map_create(fd, map));
	ASSERT_EQ(0, ERR(mkdir(ROOT "/dir", 0755)));
	fd = open(ROOT "/dir", O_RDONLY | O_DIRECTORY);
	EXPECT_EQ(-EISDIR, map_create(fd, map));
	EXPECT_EQ(0, ERR(access(ROOT "/dir", F_OK)));
	fd = create_empty(ROOT "/file");
	EXPECT_EQ(0, map_create(fd, map));
}

struct attempt {
	int fd;
	struct fmap *map;
};

static int create_without_rawio(void *arg)
{
	struct attempt *attempt = arg;

	return drop_cap(CAP_SYS_RAWIO) ?:
	       map_create(attempt->fd, attempt->map);
}

static int create_as_nobody(void *arg)
{
	struct attempt *attempt = arg;

	return become_nobody() ?: map_create(attempt->fd, attempt->map);
}

/* Every capability there is, but of a user namespace of one's own. */
static int create_in_user_namespace(void *arg)
{
	struct attempt *attempt = arg;

	if (unshare(CLONE_NEWUSER))
		return -ENOTSUP;
	return map_create(attempt->fd, attempt->map);
}

TEST_F(ioctls, map_create_needs_a_capability)
{
	struct attempt attempt = { .map = good_map() };
	int err;

	attempt.fd = create_empty(ROOT "/file");
	ASSERT_LE(0, attempt.fd);
	EXPECT_EQ(-EPERM, in_child(create_without_rawio, &attempt));
	EXPECT_EQ(-EPERM, in_child(create_as_nobody, &attempt));
	err = in_child(create_in_user_namespace, &attempt);
	EXPECT_TRUE(err == -EPERM || err == -ENOTSUP) {
		TH_LOG("in a user namespace: %d", err);
	}
	expect_no_map(_metadata, attempt.fd);
	EXPECT_EQ(0, map_create(attempt.fd, attempt.map));
}

/* Every shape of overlap with a file that is there. */
TEST_F(ioctls, overlap_with_another_file)
{
	static const struct {
		__u64 offset, len;
		int error;
	} tries[] = {
		{ BASE, 4 * MiB, -EADDRINUSE },
		{ BASE, PAGE, -EADDRINUSE },
		{ BASE + 4 * MiB - PAGE, PAGE, -EADDRINUSE },
		{ BASE + MiB, MiB, -EADDRINUSE },
		{ BASE - MiB, MiB + PAGE, -EADDRINUSE },
		{ BASE - MiB, 20 * MiB, -EADDRINUSE },
		{ BASE + 4 * MiB - PAGE, 2 * PAGE, -EADDRINUSE },
		{ BASE + 4 * MiB, 4 * MiB + PAGE, -EADDRINUSE },
		{ BASE + 12 * MiB - PAGE, MiB, -EADDRINUSE },
		{ BASE - PAGE, PAGE, 0 },
		{ BASE + 4 * MiB, PAGE, 0 },
		{ BASE + 8 * MiB - PAGE, PAGE, 0 },
		{ BASE + 12 * MiB, PAGE, 0 },
	};
	struct span spans[2] = { { ELSEWHERE, PAGE } };
	struct fmap *map;
	char path[64];
	__u64 before;
	int fd;

	ASSERT_LE(0, create_spans(ROOT "/file", 8 * MiB, good_spans, 2));
	for (size_t i = 0; i < ARRAY_SIZE(tries); i++) {
		snprintf(path, sizeof(path), ROOT "/%zu", i);
		fd = create_empty(path);
		ASSERT_LE(0, fd);
		before = free_blocks();
		/* After one that is free, so that there is one to give back. */
		spans[1].offset = tries[i].offset;
		spans[1].len = tries[i].len;
		map = fmap_of(PAGE + tries[i].len, spans, 2);
		EXPECT_EQ(tries[i].error, map_create(fd, map)) {
			TH_LOG("offset %llu, length %llu", tries[i].offset,
			       tries[i].len);
		}
		free(map);
		if (tries[i].error) {
			EXPECT_EQ(before, free_blocks());
			expect_no_map(_metadata, fd);
		} else {
			spans[0].offset += PAGE;
		}
		close(fd);
	}
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
