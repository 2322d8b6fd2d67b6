// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Further devices of a mount: which may join it and which not, maps over
 * several of them, character devices and block devices mixed; what lies on a
 * partition; and as many devices as there may be.
 */
#include <linux/blkpg.h>
#include <linux/capability.h>
#include <linux/dm-ioctl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stddef.h>
#include <sys/fsuid.h>
#include <sys/sysmacros.h>

#include "famfs_harness.h"

#include "famfs_failure.h"

#define MAX_DEVICES	4
#define BASE		(16 * MiB)
#define MESSAGE_MAX	(4 * MiB)

static int request(int fd, __u64 index, const void *path, __u32 len,
		   __u32 flags)
{
	struct famfs_daxdev record = {
		.daxdev_index = index,
		.path = (uintptr_t)path,
		.pathlen = len,
		.flags = flags,
	};

	return ERR(ioctl(fd, FAMFSIOC_DAXDEV_OPEN, &record));
}

static __u64 total_blocks(void)
{
	struct statfs st;

	return statfs(ROOT, &st) ? 0 : st.f_blocks;
}

/* A message of one extent of a device, that the caller changes or extends. */
static struct fmap *extent_of(__u32 index, __u64 offset, __u64 len)
{
	struct span span = { .offset = offset, .len = len };
	struct fmap *map = fmap_of(len, &span, 1);

	map->ext[0].devindex = index;
	return map;
}

static int create_on(const char *path, __u32 index, __u64 offset, __u64 len)
{
	struct fmap *map = extent_of(index, offset, len);
	int fd = create_empty(path), err;

	err = fd < 0 ? fd : map_create(fd, map);
	free(map);
	if (!err)
		return fd;
	close(fd);
	unlink(path);
	return err;
}

/* A mounted first device, and what else there is. */
FIXTURE(joining) {
	const char *paths[MAX_DEVICES];
	int n;
	int dir;
};

FIXTURE_SETUP(joining)
{
	ASSERT_EQ(0, private_mounts());
	self->n = devices(self->paths, MAX_DEVICES);
	ASSERT_EQ(0, mount_famfs());
	self->dir = open(ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ASSERT_LE(0, self->dir);
}

FIXTURE_TEARDOWN_PARENT(joining)
{
	EXPECT_CLEAN_LOG();
}

#define ONE_DEVICE	"there is no second device"

TEST_F(joining, again)
{
	__u64 blocks = total_blocks();

	/* The one that is mounted. */
	EXPECT_EQ(0, daxdev_open(self->dir, 0, self->paths[0]));
	ASSERT_EQ(0, device_node(self->paths[0], SCRATCH "/node", 0600));
	EXPECT_EQ(0, daxdev_open(self->dir, 0, SCRATCH "/node"));
	EXPECT_EQ(blocks, total_blocks());
	if (self->n < 2)
		SKIP(return, ONE_DEVICE);
	EXPECT_EQ(0, daxdev_open(self->dir, 1, self->paths[1]));
	blocks += device_size(self->paths[1]) / PAGE;
	EXPECT_EQ(blocks, total_blocks());
	EXPECT_EQ(0, daxdev_open(self->dir, 1, self->paths[1]));
	ASSERT_EQ(0, device_node(self->paths[1], SCRATCH "/node1", 0600));
	EXPECT_EQ(0, daxdev_open(self->dir, 1, SCRATCH "/node1"));
	ASSERT_EQ(0, ERR(symlink("node1", SCRATCH "/link")));
	EXPECT_EQ(0, daxdev_open(self->dir, 1, SCRATCH "/link"));
	EXPECT_EQ(blocks, total_blocks());
}

TEST_F(joining, another_device_at_a_used_index)
{
	__u64 blocks;

	if (self->n < 2)
		SKIP(return, ONE_DEVICE);
	EXPECT_EQ(-EEXIST, daxdev_open(self->dir, 0, self->paths[1]));
	EXPECT_EQ(0, daxdev_open(self->dir, 5, self->paths[1]));
	blocks = total_blocks();
	EXPECT_EQ(-EEXIST, daxdev_open(self->dir, 5, self->paths[0]));
	EXPECT_EQ(-EEXIST, daxdev_open(self->dir, 5, "/dev/null"));
	EXPECT_EQ(-EEXIST, daxdev_open(self->dir, 5, "/nowhere"));
	EXPECT_EQ(blocks, total_blocks());
	/* What was there is there. */
	EXPECT_LE(0, create_on(ROOT "/file", 5, BASE, PAGE));
}

TEST_F(joining, same_device_at_two_indices)
{
	__u64 blocks = total_blocks();

	EXPECT_EQ(-EBUSY, daxdev_open(self->dir, 1, self->paths[0]));
	ASSERT_EQ(0, device_node(self->paths[0], SCRATCH "/node", 0600));
	EXPECT_EQ(-EBUSY, daxdev_open(self->dir, 63, SCRATCH "/node"));
	EXPECT_EQ(blocks, total_blocks());
	EXPECT_EQ(-ENXIO, create_on(ROOT "/a", 1, BASE, PAGE));
	if (self->n < 2)
		SKIP(return, ONE_DEVICE);
	EXPECT_EQ(0, daxdev_open(self->dir, 1, self->paths[1]));
	EXPECT_EQ(-EBUSY, daxdev_open(self->dir, 2, self->paths[1]));
	EXPECT_EQ(-ENXIO, create_on(ROOT "/b", 2, BASE, PAGE));
	/* What failed holds nothing up. */
	if (self->n > 2)
		EXPECT_EQ(0, daxdev_open(self->dir, 2, self->paths[2]));
}

TEST_F(joining, held_by_another_mount)
{
	if (self->n < 2)
		SKIP(return, ONE_DEVICE);
	ASSERT_EQ(0, ERR(mount(self->paths[1], ROOT2, "famfs", 0, NULL)));
	EXPECT_EQ(-EBUSY, daxdev_open(self->dir, 1, self->paths[1]));
	ASSERT_EQ(0, ERR(umount(ROOT2)));
	EXPECT_EQ(0, daxdev_open(self->dir, 1, self->paths[1]));
	EXPECT_EQ(-EBUSY, ERR(mount(self->paths[1], ROOT2, "famfs", 0, NULL)));
}

TEST_F(joining, bad_records)
{
	const char *path = self->paths[self->n > 1 ? 1 : 0];
	__u32 len = strlen(path);
	char area[2 * PAGE];

	EXPECT_EQ(-EINVAL, request(self->dir, 64, path, len, 0));
	EXPECT_EQ(-EINVAL, request(self->dir, 1ULL << 32, path, len, 0));
	EXPECT_EQ(-EINVAL, request(self->dir, ~0ULL, path, len, 0));
	EXPECT_EQ(-EINVAL, request(self->dir, 1, path, len, 1));
	EXPECT_EQ(-EINVAL, request(self->dir, 1, path, len, 1U << 31));
	EXPECT_EQ(-EINVAL, request(self->dir, 1, path, 0, 0));
	/* The length is without the NUL, and no NUL is within. */
	EXPECT_EQ(-EINVAL, request(self->dir, 1, path, len + 1, 0));
	EXPECT_EQ(-EINVAL, request(self->dir, 1, "/dev\0/dax0.0", 12, 0));
	EXPECT_EQ(-EINVAL, request(self->dir, 1, "\0", 1, 0));
	memset(area, '/', sizeof(area));
	EXPECT_EQ(-ENAMETOOLONG, request(self->dir, 1, area, PAGE, 0));
	EXPECT_EQ(-ENAMETOOLONG, request(self->dir, 1, area, PAGE + 1, 0));
	EXPECT_EQ(-ENAMETOOLONG, request(self->dir, 1, area, ~0U, 0));
	/* The longest that is looked up at all: the root directory. */
	EXPECT_EQ(-EINVAL, request(self->dir, 1, area, PAGE - 1, 0));
	area[0] = 'a';
	EXPECT_EQ(-ENOENT, request(self->dir, 1, area, PAGE - 1, 0));
	EXPECT_EQ(-ENXIO, create_on(ROOT "/a", 1, BASE, PAGE));
	if (self->n < 2)
		SKIP(return, ONE_DEVICE);
	/* What follows the path is not of it. */
	snprintf(area, sizeof(area), "%s0", path);
	EXPECT_EQ(0, request(self->dir, 1, area, len, 0));
}

TEST_F(joining, bad_pointers)
{
	struct famfs_daxdev *record;
	char *area;

	area = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, area);
	ASSERT_EQ(0, mprotect(area + PAGE, PAGE, PROT_NONE));
	EXPECT_EQ(-EFAULT, ERR(ioctl(self->dir, FAMFSIOC_DAXDEV_OPEN, NULL)));
	EXPECT_EQ(-EFAULT, ERR(ioctl(self->dir, FAMFSIOC_DAXDEV_OPEN, -1L)));
	record = (void *)(area + PAGE - 16);
	memset(record, 0, 16);
	EXPECT_EQ(-EFAULT, ERR(ioctl(self->dir, FAMFSIOC_DAXDEV_OPEN,
				     record)));
	EXPECT_EQ(-EFAULT, request(self->dir, 1, NULL, 10, 0));
	EXPECT_EQ(-EFAULT, request(self->dir, 1, area + PAGE, 10, 0));
	EXPECT_EQ(-EFAULT, request(self->dir, 1,
				   (void *)0xffff888000001000UL, 10, 0));
	memcpy(area + PAGE - 9, "/dev/null", 9);
	EXPECT_EQ(-EFAULT, request(self->dir, 1, area + PAGE - 9, 10, 0));
	/* All of it is there: it is looked up. */
	EXPECT_EQ(-EINVAL, request(self->dir, 1, area + PAGE - 9, 9, 0));
}

TEST_F(joining, what_is_no_dax_device)
{
	static const struct {
		const char *path;
		int error;
	} tries[] = {
		{ "/dev/null", -EINVAL },
		{ "/dev/zero", -EINVAL },
		{ "/", -EINVAL },
		{ SCRATCH "/regular", -EINVAL },
		{ SCRATCH "/fifo", -EINVAL },
		{ ROOT "/file", -EINVAL },
		{ SCRATCH "/block", -ENXIO },
		{ "/dev/dax99.99", -ENOENT },
		{ "/dev/null/dax0.0", -ENOTDIR },
		{ SCRATCH "/loop", -ELOOP },
	};
	__u64 blocks = total_blocks();
	int fd;

	fd = open(SCRATCH "/regular", O_RDWR | O_CREAT, 0600);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ERR(ftruncate(fd, 64 * MiB)));
	ASSERT_EQ(0, ERR(mkfifo(SCRATCH "/fifo", 0600)));
	ASSERT_EQ(0, ERR(mknod(SCRATCH "/block", S_IFBLK | 0600,
			       makedev(259, 1048575))));
	ASSERT_EQ(0, ERR(symlink("loop", SCRATCH "/loop")));
	ASSERT_LE(0, create_empty(ROOT "/file"));
	for (size_t i = 0; i < ARRAY_SIZE(tries); i++) {
		EXPECT_EQ(tries[i].error, daxdev_open(self->dir, 1,
						      tries[i].path)) {
			TH_LOG("path '%s'", tries[i].path);
		}
	}
	EXPECT_EQ(blocks, total_blocks());
	EXPECT_EQ(-ENXIO, create_on(ROOT "/a", 1, BASE, PAGE));
	if (self->n < 2)
		SKIP(return, ONE_DEVICE);
	EXPECT_EQ(0, daxdev_open(self->dir, 1, self->paths[1]));
}

/* By any file or directory of the mount, and by a path of any form. */
TEST_F(joining, by_any_descriptor)
{
	char name[64];
	int fd;

	ASSERT_LE(0, create_empty(ROOT "/file"));
	fd = open(ROOT "/file", O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EINVAL, daxdev_open(fd, 64, self->paths[0]));
	EXPECT_EQ(0, daxdev_open(fd, 0, self->paths[0]));
	if (self->n < 2)
		SKIP(return, ONE_DEVICE);
	ASSERT_EQ(0, ERR(chdir("/dev")));
	snprintf(name, sizeof(name), "./%s",
		 strrchr(self->paths[1], '/') + 1);
	EXPECT_EQ(0, daxdev_open(fd, 1, name));
	EXPECT_LE(0, create_on(ROOT "/a", 1, BASE, PAGE));
}

struct attempt {
	int dir;
	__u64 index;
	const char *path;
};

static int join_without_rawio(void *arg)
{
	struct attempt *a = arg;

	return drop_cap(CAP_SYS_RAWIO) ?: daxdev_open(a->dir, a->index, a->path);
}

static int join_as_nobody(void *arg)
{
	struct attempt *a = arg;

	return become_nobody() ?: daxdev_open(a->dir, a->index, a->path);
}

static int join_in_user_namespace(void *arg)
{
	struct attempt *a = arg;

	if (unshare(CLONE_NEWUSER))
		return -ENOTSUP;
	return daxdev_open(a->dir, a->index, a->path);
}

/* CAP_SYS_RAWIO, but the node's mode forbids to open it. */
static int join_without_dac_override(void *arg)
{
	struct attempt *a = arg;

	setfsuid(NOBODY);
	setfsgid(NOBODY);
	return drop_cap(CAP_DAC_OVERRIDE) ?: drop_cap(CAP_DAC_READ_SEARCH) ?:
	       daxdev_open(a->dir, a->index, a->path);
}

TEST_F(joining, who_may)
{
	struct attempt a = { self->dir, 0, self->paths[0] };
	__u64 blocks = total_blocks();
	int err;

	/* Whether or not the index is taken. */
	EXPECT_EQ(-EPERM, in_child(join_without_rawio, &a));
	EXPECT_EQ(-EPERM, in_child(join_as_nobody, &a));
	if (self->n < 2)
		SKIP(return, ONE_DEVICE);
	a.index = 1;
	a.path = self->paths[1];
	EXPECT_EQ(-EPERM, in_child(join_without_rawio, &a));
	EXPECT_EQ(-EPERM, in_child(join_as_nobody, &a));
	err = in_child(join_in_user_namespace, &a);
	EXPECT_TRUE(err == -EPERM || err == -ENOTSUP) {
		TH_LOG("in a user namespace: %d", err);
	}
	ASSERT_EQ(0, device_node(self->paths[1], SCRATCH "/node", 0600));
	a.path = SCRATCH "/node";
	EXPECT_EQ(-EACCES, in_child(join_without_dac_override, &a));
	/* Reading is not enough. */
	ASSERT_EQ(0, ERR(chmod(SCRATCH "/node", 0644)));
	EXPECT_EQ(-EACCES, in_child(join_without_dac_override, &a));
	EXPECT_EQ(blocks, total_blocks());
	ASSERT_EQ(0, ERR(chmod(SCRATCH "/node", 0666)));
	EXPECT_EQ(0, in_child(join_without_dac_override, &a));
	EXPECT_LT(blocks, total_blocks());
}

TEST_F(joining, node_on_nodev)
{
	if (self->n < 2)
		SKIP(return, ONE_DEVICE);
	ASSERT_EQ(0, ERR(mount("tmpfs", ROOT2, "tmpfs", MS_NODEV, NULL)));
	ASSERT_EQ(0, device_node(self->paths[1], ROOT2 "/node", 0600));
	EXPECT_EQ(-EACCES, daxdev_open(self->dir, 1, ROOT2 "/node"));
	EXPECT_EQ(-ENXIO, create_on(ROOT "/a", 1, BASE, PAGE));
}

/* Ranges are of one device each: checks do not mix them up. */
TEST_F(joining, ranges_of_each_device)
{
	__u64 size1, before;

	if (self->n < 2)
		SKIP(return, ONE_DEVICE);
	size1 = device_size(self->paths[1]);
	ASSERT_EQ(0, daxdev_open(self->dir, 63, self->paths[1]));
	before = free_blocks();
	EXPECT_LE(0, create_on(ROOT "/a", 0, BASE, 4 * PAGE));
	EXPECT_LE(0, create_on(ROOT "/b", 63, BASE, 4 * PAGE));
	EXPECT_EQ(-EADDRINUSE, create_on(ROOT "/c", 63, BASE + PAGE, PAGE));
	EXPECT_EQ(-EADDRINUSE, create_on(ROOT "/c", 0, BASE + PAGE, PAGE));
	EXPECT_EQ(before - 8, free_blocks());
	/* The last page of the second, and past it. */
	EXPECT_LE(0, create_on(ROOT "/d", 63, size1 - PAGE, PAGE));
	EXPECT_EQ(-ERANGE, create_on(ROOT "/e", 63, size1, PAGE));
	EXPECT_EQ(-ERANGE, create_on(ROOT "/e", 63, size1 - 2 * PAGE,
				     3 * PAGE));
	EXPECT_EQ(-EINVAL, create_on(ROOT "/e", 63, 0, PAGE));
	EXPECT_EQ(-ENXIO, create_on(ROOT "/e", 62, BASE, PAGE));
	EXPECT_EQ(-ENXIO, create_on(ROOT "/e", 64, BASE, PAGE));
	EXPECT_EQ(before - 9, free_blocks());
}

TEST_F(joining, released_at_unmount)
{
	int fd;

	if (self->n < 2)
		SKIP(return, ONE_DEVICE);
	for (int round = 0; round < 3; round++) {
		for (int i = 1; i < self->n; i++) {
			ASSERT_EQ(0, daxdev_open(self->dir, i,
						 self->paths[i]));
		}
		fd = create_on(ROOT "/file", 1, BASE, PAGE);
		ASSERT_LE(0, fd);
		EXPECT_EQ(1, pwrite(fd, "x", 1, 0));
		/* Held for as long as the mount is in use. */
		ASSERT_EQ(0, ERR(close(self->dir)));
		ASSERT_EQ(0, ERR(umount2(ROOT, MNT_DETACH)));
		for (int i = 0; i < self->n; i++)
			EXPECT_EQ(-EBUSY, ERR(mount(self->paths[i], ROOT2,
						    "famfs", 0, NULL)));
		EXPECT_EQ(1, pwrite(fd, "y", 1, 0));
		close(fd);
		for (int i = 0; i < self->n; i++) {
			EXPECT_EQ(0, ERR(mount(self->paths[i], ROOT2, "famfs",
					       0, NULL)));
			EXPECT_EQ(0, ERR(umount(ROOT2)));
		}
		ASSERT_EQ(0, mount_famfs());
		/* A new mount knows of none. */
		EXPECT_EQ(-ENXIO, create_on(ROOT "/file", 1, BASE, PAGE));
		self->dir = open(ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
}

/* What is written through @fd is looked for on the devices by themselves. */
static void expect_at(struct __test_metadata *_metadata, const char *path,
		      __u64 offset, const unsigned char *must, size_t len)
{
	unsigned char *seen = malloc(len);
	int fd;

	ASSERT_EQ(0, ERR(mount(path, ROOT, "famfs", 0, NULL)));
	fd = create_at(ROOT "/seen", offset, len);
	ASSERT_LE(0, fd);
	ASSERT_EQ(len, pread(fd, seen, len, 0));
	EXPECT_EQ(-1, first_difference(must, seen, len)) {
		TH_LOG("on %s", path);
	}
	close(fd);
	ASSERT_EQ(0, ERR(umount(ROOT)));
	free(seen);
}

/* One file that has a part on each device, at the same offset on all. */
TEST_F(joining, map_over_all)
{
	const __u64 part = 2 * MiB, size = self->n * part;
	struct fmap *map, *got;
	unsigned char *must, *seen, *at;
	struct stat st;
	int fd;

	if (self->n < 2)
		SKIP(return, ONE_DEVICE);
	must = malloc(size);
	seen = malloc(size);
	fill(must, size, 3);
	map = fmap_alloc(self->n);
	map->head.file_size = size;
	for (int i = 0; i < self->n; i++) {
		ASSERT_EQ(0, daxdev_open(self->dir, 7 * i, self->paths[i]));
		map->ext[i].devindex = 7 * i;
		/* As if side by side, if there were but one device. */
		map->ext[i].offset = BASE + i * part;
		map->ext[i].len = part;
	}
	fd = create_empty(ROOT "/file");
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, map_create(fd, map));
	got = map_fetch(fd);
	ASSERT_NE(NULL, got);
	ASSERT_EQ(map->head.fmap_size, got->head.fmap_size);
	EXPECT_EQ(0, memcmp(map, got, map->head.fmap_size));
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(size / 512, st.st_blocks);
	/* Half by stores across the borders, half by a single write. */
	at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, at);
	memcpy(at, must, size / 2);
	ASSERT_EQ(size - size / 2, pwrite(fd, must + size / 2, size - size / 2,
					  size / 2));
	ASSERT_EQ(size, pread(fd, seen, size, 0));
	EXPECT_EQ(-1, first_difference(must, seen, size));
	EXPECT_EQ(-1, first_difference(must, at, size));
	ASSERT_EQ(0, munmap(at, size));
	close(fd);
	close(self->dir);
	ASSERT_EQ(0, ERR(umount(ROOT)));
	for (int i = 0; i < self->n; i++)
		expect_at(_metadata, self->paths[i], BASE + i * part,
			  must + i * part, part);
}

/*
 * As many extents as a message can carry, of a page each, on two devices by
 * turns and from their ends towards their starts: no two become one.
 */
TEST_F_TIMEOUT(joining, message_of_the_largest_size, 120)
{
	const __u32 n = (MESSAGE_MAX - sizeof(struct famfs_fmap_header)) /
			sizeof(struct famfs_fmap_simple);
	__u64 pages[2], state = seed(), page, value, before;
	struct fmap *map = fmap_alloc(n + 1), *got;
	int fd;

	if (self->n < 2)
		SKIP(return, ONE_DEVICE);
	for (int i = 0; i < 2; i++) {
		pages[i] = device_size(self->paths[i]) / PAGE;
		if (pages[i] < n / 2 + 2)
			SKIP(return, "%s has only %llu pages", self->paths[i],
			     pages[i]);
	}
	ASSERT_EQ(0, daxdev_open(self->dir, 1, self->paths[1]));
	map->head.file_size = n * PAGE;
	for (__u32 i = 0; i <= n; i++) {
		map->ext[i].devindex = i % 2;
		map->ext[i].offset = (pages[i % 2] - 1 - i / 2) * PAGE;
		map->ext[i].len = PAGE;
	}
	before = free_blocks();
	fd = create_empty(ROOT "/file");
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EFBIG, map_create(fd, map));
	EXPECT_EQ(before, free_blocks());
	map->head.nextents = n;
	map->head.fmap_size -= sizeof(map->ext[0]);
	EXPECT_GE(MESSAGE_MAX, map->head.fmap_size);
	ASSERT_EQ(0, map_create(fd, map));
	EXPECT_EQ(before - n, free_blocks());
	got = map_fetch(fd);
	ASSERT_NE(NULL, got);
	ASSERT_EQ(map->head.fmap_size, got->head.fmap_size);
	EXPECT_EQ(-1, first_difference(map, got, map->head.fmap_size));

	/* The first, the last, and some between them. */
	for (int i = 0; i < 1000; i++) {
		page = i == 0 ? 0 : i == 1 ? n - 1 : rnd_below(&state, n);
		value = page * 0x9e3779b97f4a7c15ULL;
		ASSERT_EQ(8, pwrite(fd, &value, 8, page * PAGE));
		value = ~value;
		ASSERT_EQ(8, pread(fd, &value, 8, page * PAGE));
		ASSERT_EQ(page * 0x9e3779b97f4a7c15ULL, value);
	}
	close(fd);
	close(self->dir);
	ASSERT_EQ(0, ERR(umount(ROOT)));
	value = (n - 1) * 0x9e3779b97f4a7c15ULL;
	expect_at(_metadata, self->paths[(n - 1) % 2], map->ext[n - 1].offset,
		  (void *)&value, sizeof(value));
}

/* One that is striped over a character device and a block device. */
TEST_F(joining, character_and_block_devices)
{
	const __u64 size = 8 * MiB, chunk = 64 * 1024;
	struct famfs_fmap_simple strips[2] = {};
	struct stripe stripe = { chunk, size, 2, strips };
	unsigned char *must = malloc(size), *half = malloc(size / 2);
	int fd, other = 0;

	for (int i = 1; i < self->n; i++)
		if (is_block(self->paths[i]) != is_block(self->paths[0]))
			other = i;
	if (!other)
		SKIP(return, "all devices are of one kind");
	ASSERT_EQ(0, daxdev_open(self->dir, 1, self->paths[other]));
	strips[0].offset = BASE;
	strips[0].len = size / 2;
	strips[1].devindex = 1;
	strips[1].offset = BASE + PMD;
	strips[1].len = size / 2;
	fd = create_empty(ROOT "/file");
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, map_create(fd, fmap_striped(size, &stripe, 1)));
	fill(must, size, 4);
	ASSERT_EQ(size, pwrite(fd, must, size, 0));
	close(fd);
	close(self->dir);
	ASSERT_EQ(0, ERR(umount(ROOT)));
	for (int i = 0; i < 2; i++) {
		for (__u64 c = 0; c < size / chunk / 2; c++)
			memcpy(half + c * chunk, must + (2 * c + i) * chunk,
			       chunk);
		expect_at(_metadata, self->paths[i * other],
			  strips[i].offset, half, size / 2);
	}
}

/* A block device, whose partitions or parts a test uses. */
FIXTURE(parts) {
	const char *disk;
	bool poisoned;
};

static int partition(const char *disk, int op, int nr, __u64 start, __u64 len)
{
	struct blkpg_partition part = {
		.start = start,
		.length = len,
		.pno = nr,
	};
	struct blkpg_ioctl_arg arg = {
		.op = op,
		.datalen = sizeof(part),
		.data = &part,
	};
	int fd = open(disk, O_RDWR | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	err = ERR(ioctl(fd, BLKPG, &arg));
	close(fd);
	return err;
}

FIXTURE_SETUP(parts)
{
	ASSERT_EQ(0, private_mounts());
	self->disk = block_device();
}

FIXTURE_TEARDOWN_PARENT(parts)
{
	const char *disk = block_device();

	for (int nr = 1; disk && nr <= 4; nr++)
		partition(disk, BLKPG_DEL_PARTITION, nr, 0, 0);
	if (self->poisoned)
		EXPECT_EQ(0, device_rebind(disk));
	EXPECT_CLEAN_LOG();
}

/* Where the system says that the start of a file lies. */
static __u64 physical_start(int fd)
{
	struct {
		struct fiemap head;
		struct fiemap_extent extent;
	} list = {
		.head.fm_length = FIEMAP_MAX_OFFSET,
		.head.fm_extent_count = 1,
	};

	if (ioctl(fd, FS_IOC_FIEMAP, &list) || !list.head.fm_mapped_extents)
		return ~0ULL;
	return list.extent.fe_physical;
}

TEST_F(parts, partition_at_an_offset)
{
	const __u64 start = 64 * MiB, size = 32 * MiB, len = 4 * MiB;
	unsigned char *must = malloc(len), *at;
	int fd, pmd;
	char path[64];

	if (!self->disk)
		SKIP(return, "no block device");
	ASSERT_EQ(0, partition(self->disk, BLKPG_ADD_PARTITION, 1, start,
			       size));
	snprintf(path, sizeof(path), "%sp1", self->disk);
	ASSERT_EQ(0, ERR(access(path, F_OK)));
	EXPECT_EQ(size, device_size(path));
	ASSERT_EQ(0, ERR(mount(path, ROOT, "famfs", 0, NULL)));
	EXPECT_EQ(size / PAGE, total_blocks());
	/* Disk and partition are the same memory. */
	EXPECT_EQ(-EBUSY, ERR(mount(self->disk, ROOT2, "famfs", 0, NULL)));
	EXPECT_EQ(-ERANGE, create_at(ROOT "/past", size - PAGE, 2 * PAGE));
	fd = create_at(ROOT "/file", 8 * MiB, len);
	ASSERT_LE(0, fd);
	EXPECT_EQ(8 * MiB, physical_start(fd));
	fill(must, len, 5);
	pmd = event_open("fs_dax/dax_pmd_fault_done", "result & 0x100");
	at = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, at);
	memcpy(at, must, len / 2);
	ASSERT_EQ(len / 2, pwrite(fd, must + len / 2, len / 2, len / 2));
	EXPECT_EQ(-1, first_difference(must, at, len));
	/* The partition begins at a multiple of 2 MiB. */
	if (pmd >= 0)
		EXPECT_EQ(len / PMD, event_count(pmd));
	ASSERT_EQ(0, munmap(at, len));
	close(fd);
	ASSERT_EQ(0, ERR(umount(ROOT)));
	ASSERT_EQ(0, partition(self->disk, BLKPG_DEL_PARTITION, 1, 0, 0));
	expect_at(_metadata, self->disk, start + 8 * MiB, must, len);
}

/* By a page, so that nothing is aligned to 2 MiB. */
TEST_F(parts, partition_at_an_odd_page)
{
	const __u64 start = 64 * MiB + PAGE, len = 4 * MiB;
	unsigned char *must = malloc(len), *at;
	char path[64];
	int fd;

	if (!self->disk)
		SKIP(return, "no block device");
	ASSERT_EQ(0, partition(self->disk, BLKPG_ADD_PARTITION, 2, start,
			       32 * MiB));
	snprintf(path, sizeof(path), "%sp2", self->disk);
	ASSERT_EQ(0, ERR(mount(path, ROOT, "famfs", 0, NULL)));
	fd = create_at(ROOT "/file", 8 * MiB, len);
	ASSERT_LE(0, fd);
	fill(must, len, 6);
	at = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, at);
	memcpy(at, must, len);
	ASSERT_EQ(0, munmap(at, len));
	close(fd);
	ASSERT_EQ(0, ERR(umount(ROOT)));
	ASSERT_EQ(0, partition(self->disk, BLKPG_DEL_PARTITION, 2, 0, 0));
	expect_at(_metadata, self->disk, start + 8 * MiB, must, len);
}

/* The memory that fails is the disk's: what is lost is the partition's. */
TEST_F(parts, bad_memory_of_a_partition)
{
	const __u64 start = 16 * MiB + PAGE, len = 4 * MiB, bad = 700;
	struct error_list errors;
	unsigned char *at, byte;
	char path[64];
	int fd, other;

	if (!self->disk)
		SKIP(return, "no block device");
	ASSERT_EQ(0, partition(self->disk, BLKPG_ADD_PARTITION, 4, start,
			       32 * MiB));
	snprintf(path, sizeof(path), "%sp4", self->disk);
	ASSERT_EQ(0, ERR(mount(path, ROOT, "famfs", 0, NULL)));
	fd = create_at(ROOT "/file", 8 * MiB, len);
	ASSERT_LE(0, fd);
	/* What would be hit if offsets were still those of the disk. */
	other = create_at(ROOT "/other", 16 * MiB, 16 * MiB);
	ASSERT_LE(0, other);
	at = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, at);
	fill(at, len, 8);
	catch_sigbus();
	self->poisoned = true;
	ASSERT_EQ(0, poison(at + bad * PAGE));
	EXPECT_EQ(-1, first_wrong_page(at, len, &bad, 1));
	EXPECT_EQ(-EIO, ERR(pread(fd, &byte, 1, bad * PAGE)));
	EXPECT_EQ(1, pread(fd, &byte, 1, (bad + 1) * PAGE));
	ASSERT_EQ(0, get_errors(fd, &errors));
	ASSERT_EQ(1, errors.head.nr);
	EXPECT_EQ(bad * PAGE, errors.error[0].pos);
	EXPECT_EQ(PAGE, errors.error[0].len);
	EXPECT_EQ(0, errors.error[0].devindex);
	EXPECT_EQ(8 * MiB + bad * PAGE, errors.error[0].offset);
	ASSERT_EQ(0, get_errors(other, &errors));
	EXPECT_EQ(0, errors.head.nr);

	/* The next mount of the partition finds it by itself. */
	ASSERT_EQ(0, munmap(at, len));
	close(fd);
	close(other);
	ASSERT_EQ(0, ERR(umount(ROOT)));
	ASSERT_EQ(0, ERR(mount(path, ROOT, "famfs", 0, NULL)));
	fd = create_at(ROOT "/file", 8 * MiB, len);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, get_errors(fd, &errors));
	ASSERT_EQ(1, errors.head.nr);
	EXPECT_EQ(bad * PAGE, errors.error[0].pos);
	EXPECT_EQ(8 * MiB + bad * PAGE, errors.error[0].offset);
}

/* Pages of the partition would be halves of two pages of memory. */
TEST_F(parts, partition_within_a_page)
{
	char path[64];

	if (!self->disk)
		SKIP(return, "no block device");
	ASSERT_EQ(0, partition(self->disk, BLKPG_ADD_PARTITION, 3,
			       64 * MiB + 512, 32 * MiB));
	snprintf(path, sizeof(path), "%sp3", self->disk);
	EXPECT_EQ(-EINVAL, ERR(mount(path, ROOT, "famfs", 0, NULL)));
	ASSERT_EQ(0, partition(self->disk, BLKPG_DEL_PARTITION, 3, 0, 0));
	EXPECT_EQ(0, ERR(mount(self->disk, ROOT, "famfs", 0, NULL)));
}

/*
 * 64 devices, of 2 MiB each: parts of a disk by device mapper, each of which
 * is a DAX device of its own.
 */
/* The minor number of /dev/mapper/control, a miscellaneous device. */
#define MAPPER_CTRL_MINOR	236

struct dm_request {
	struct dm_ioctl head;
	struct dm_target_spec target;
	char params[64];
};

static int dm_control(void)
{
	/* Opening this number, by any node, loads the driver. */
	if (mknod(SCRATCH "/control", S_IFCHR | 0600,
		  makedev(10, MAPPER_CTRL_MINOR)))
		return -errno;
	return open(SCRATCH "/control", O_RDWR | O_CLOEXEC);
}

#define MAPPER_NAME	"famfs-test-%d"

static int dm_call(int control, unsigned long cmd, int nr,
		   struct dm_request *r)
{
	r->head.version[0] = DM_VERSION_MAJOR;
	r->head.data_size = sizeof(*r);
	r->head.data_start = sizeof(r->head);
	snprintf(r->head.name, sizeof(r->head.name), MAPPER_NAME, nr);
	return ERR(ioctl(control, cmd, r));
}

/* Part @nr of the disk, as a device with a node at @path. */
static int dm_make(int control, int nr, dev_t disk, __u64 start, __u64 len,
		   const char *path)
{
	struct dm_request r = {};
	dev_t dev;
	int err;

	err = dm_call(control, DM_DEV_CREATE, nr, &r);
	if (err)
		return err;
	/* In the kernel's encoding. */
	dev = makedev((r.head.dev >> 8) & 0xfff,
		      (r.head.dev & 0xff) | ((r.head.dev >> 12) & ~0xffU));
	memset(&r, 0, sizeof(r));
	r.head.target_count = 1;
	r.target.length = len / 512;
	r.target.next = sizeof(r.target) + sizeof(r.params);
	strcpy(r.target.target_type, "linear");
	snprintf(r.params, sizeof(r.params), "%u:%u %llu", major(disk),
		 minor(disk), start / 512);
	err = dm_call(control, DM_TABLE_LOAD, nr, &r);
	memset(&r, 0, sizeof(r));
	if (!err)
		err = dm_call(control, DM_DEV_SUSPEND, nr, &r);
	return err ?: ERR(mknod(path, S_IFBLK | 0600, dev));
}

static int dm_remove(int control, int nr)
{
	struct dm_request r = {};

	return dm_call(control, DM_DEV_REMOVE, nr, &r);
}

FIXTURE(many) {
	const char *disk;
	int control;
};

FIXTURE_SETUP(many)
{
	ASSERT_EQ(0, private_mounts());
	self->disk = block_device();
	self->control = dm_control();
}

static int dm_remove_all(void *arg)
{
	int control;

	(void)arg;
	/* The test's own node is gone with its mounts. */
	if (private_mounts())
		return -errno;
	control = dm_control();
	for (int i = 0; control >= 0 && i < FAMFS_MAX_DAXDEVS; i++)
		dm_remove(control, i);
	return 0;
}

FIXTURE_TEARDOWN_PARENT(many)
{
	EXPECT_EQ(0, in_child(dm_remove_all, NULL));
	EXPECT_CLEAN_LOG();
}

TEST_F(many, sixty_four_devices)
{
	const __u64 part = PMD, len = 3 * PAGE;
	const int n = FAMFS_MAX_DAXDEVS;
	unsigned char *must, *seen;
	struct fmap *map;
	struct stat st;
	char path[64];
	int fd, dir;

	if (!self->disk || self->control < 0 ||
	    device_size(self->disk) < (n + 1) * part)
		SKIP(return, "no block device of %llu bytes, or no device mapper",
		     (n + 1) * part);
	ASSERT_EQ(0, stat(self->disk, &st));
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), SCRATCH "/part%d", i);
		ASSERT_EQ(0, dm_make(self->control, i, st.st_rdev,
				     (i + 1) * part, part, path));
	}
	if (!device_size(SCRATCH "/part0"))
		SKIP(return, "device mapper passes DAX not on");

	ASSERT_EQ(0, ERR(mount(SCRATCH "/part0", ROOT, "famfs", 0, NULL)));
	dir = open(ROOT, O_RDONLY | O_DIRECTORY);
	map = fmap_alloc(n);
	map->head.file_size = n * len;
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), SCRATCH "/part%d", i);
		ASSERT_EQ(0, daxdev_open(dir, i, path)) {
			TH_LOG("index %d", i);
		}
		EXPECT_EQ((i + 1) * part / PAGE, total_blocks());
		/* The last one first in the file. */
		map->ext[n - 1 - i].devindex = i;
		map->ext[n - 1 - i].offset = PAGE * (1 + i);
		map->ext[n - 1 - i].len = len;
	}
	EXPECT_EQ(-EINVAL, daxdev_open(dir, n, SCRATCH "/part1"));
	EXPECT_EQ(-EBUSY, dm_remove(self->control, n - 1));

	fd = create_empty(ROOT "/file");
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, map_create(fd, map));
	must = malloc(n * len);
	seen = malloc(n * len);
	fill(must, n * len, 7);
	ASSERT_EQ(n * len, pwrite(fd, must, n * len, 0));
	ASSERT_EQ(n * len, pread(fd, seen, n * len, 0));
	EXPECT_EQ(-1, first_difference(must, seen, n * len));
	close(fd);
	close(dir);
	ASSERT_EQ(0, ERR(umount(ROOT)));
	for (int i = 0; i < n; i++)
		ASSERT_EQ(0, dm_remove(self->control, i));
	for (int i = 0; i < n; i += 9)
		expect_at(_metadata, self->disk,
			  (i + 1) * part + PAGE * (1 + i),
			  must + (n - 1 - i) * len, len);
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
