// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What maps cost of the machine's own memory, for each extent and each file.
 *
 * Measured as a whole: pages of slabs and of vmalloc, before and after. What
 * does not belong to famfs is told apart by the caches' own counts: dentries and
 * inodes are the price of a file on any file system; the nodes of the trees that
 * say whom a range of a device belongs to are counted apart from the maps.
 */
#include <time.h>

#include "famfs_harness.h"

#define EXTENT_MAX	32	/* bytes of a map for an extent */
#define RANGE_MAX	48	/* bytes of the tree of ranges for one of them */
#define FILE_MAX	128	/* bytes for a file besides its inode */

/* Caches whose objects are no part of a map. */
static const char * const others[] = {
	"famfs_inode_cache", "maple_node", "dentry", "lsm_inode_cache", "filp",
	"kmalloc-rcl-", "radix_tree_node", "xarray_node", "vm_area_struct",
	"vma_lock", "anon_vma", "task_struct",
};

/**
 * struct usage - what the kernel uses, in bytes
 * @all: slabs and vmalloc
 * @tree: objects of maple_node, in use
 * @others: slabs of famfs_inode_cache, of maple_node, and of what is others'
 */
struct usage {
	long long all;
	long long tree;
	long long others;
};

static long long meminfo(const char *name)
{
	FILE *file = fopen("/proc/meminfo", "re");
	char line[128];
	long long kib = 0;

	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, name, strlen(name)))
			kib = atoll(line + strlen(name));
	if (file)
		fclose(file);
	return kib * 1024;
}

static bool is_other(const char *cache)
{
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (!strncmp(cache, others[i], strlen(others[i])))
			return true;
	return false;
}

/* Give back what is free, so that only what is in use is counted. */
static void shrink_caches(void)
{
	write_text("/proc/sys/vm/drop_caches", "3");
	write_text("/sys/kernel/slab/maple_node/shrink", "1");
	write_text("/sys/kernel/slab/famfs_inode_cache/shrink", "1");
	/* Frees that wait for all processors to have moved on. */
	nanosleep(&(struct timespec){ .tv_nsec = 300000000 }, NULL);
}

static void measure(struct usage *usage)
{
	unsigned long long objects, slabs, size, pages;
	FILE *file;
	char line[512], name[64];

	shrink_caches();
	memset(usage, 0, sizeof(*usage));
	usage->all = meminfo("Slab:") + meminfo("VmallocUsed:");
	file = fopen("/proc/slabinfo", "re");
	while (file && fgets(line, sizeof(line), file)) {
		char *slabdata = strstr(line, "slabdata");

		if (!slabdata ||
		    sscanf(line, "%63s %llu %*u %llu %*u %llu", name, &objects,
			   &size, &pages) != 4 ||
		    sscanf(slabdata, "slabdata %*u %llu", &slabs) != 1)
			continue;
		if (!strcmp(name, "maple_node"))
			usage->tree += objects * size;
		if (is_other(name))
			usage->others += slabs * pages * PAGE;
	}
	if (file)
		fclose(file);
}

/* What is famfs's own of the difference, in bytes for each of @n. */
static void costs(const struct usage *before, const struct usage *after, __u64 n,
		  double *map, double *tree)
{
	long long all = after->all - before->all;

	all -= after->others - before->others;
	*map = (double)all / n;
	*tree = (double)(after->tree - before->tree) / n;
}

#define RECORDS "this kernel keeps a record of each allocation"

/* Of a kernel that checks itself, most of the memory goes to its checkers. */
static bool keeps_records(void)
{
	return !access("/sys/kernel/debug/kmemleak", F_OK);
}

FIXTURE(memory) {
};

FIXTURE_SETUP(memory)
{
	if (keeps_records())
		SKIP(return, RECORDS);
	ASSERT_EQ(0, private_mounts());
	ASSERT_EQ(0, mount_famfs());
}

FIXTURE_TEARDOWN_PARENT(memory)
{
	EXPECT_CLEAN_LOG();
}

/* Extents of a page each, of one file, in random order. */
FIXTURE(extents) {
	int dir;
};

FIXTURE_VARIANT(extents) {
	__u64 stride;	/* on the device; in pages */
	bool strips;
	const char *what;
};

FIXTURE_VARIANT_ADD(extents, side_by_side)
{
	.stride = 1,
	.what = "extents side by side",
};

FIXTURE_VARIANT_ADD(extents, apart)
{
	.stride = 2,
	.what = "extents with free pages between them",
};

FIXTURE_VARIANT_ADD(extents, strips)
{
	.stride = 2,
	.strips = true,
	.what = "strips with free pages between them",
};

FIXTURE_SETUP(extents)
{
	if (keeps_records())
		SKIP(return, RECORDS);
	ASSERT_EQ(0, private_mounts());
	ASSERT_EQ(0, mount_famfs());
	self->dir = open(ROOT, O_RDONLY | O_DIRECTORY);
	ASSERT_LT(0, opts(self->dir, FAMFSIOC_SET_OPTS, FAMFS_OPTS_ALL));
}

FIXTURE_TEARDOWN_PARENT(extents)
{
	EXPECT_CLEAN_LOG();
}

static void *message_of(__u64 n, __u64 stride, bool strips)
{
	struct fmap *map = fmap_alloc(n);
	struct famfs_fmap_simple swap;
	__u64 state = seed(), other;

	map->head.file_size = n * PAGE;
	for (__u64 i = 0; i < n; i++) {
		map->ext[i].offset = (1 + stride * i) * PAGE;
		map->ext[i].len = PAGE;
	}
	for (__u64 i = n - 1; i > 0; i--) {
		other = rnd_below(&state, i + 1);
		swap = map->ext[i];
		map->ext[i] = map->ext[other];
		map->ext[other] = swap;
	}
	if (strips) {
		struct stripe stripe = { PAGE, n * PAGE, n, map->ext };

		return fmap_striped(n * PAGE, &stripe, 1);
	}
	return map;
}

TEST_F_TIMEOUT(extents, cost, 120)
{
	__u64 n = device_size(device()) / PAGE / variant->stride - 1;
	struct usage before, after;
	double map_cost, tree_cost;
	void *map;
	int fd;

	if (n > 100000)
		n = 100000;
	map = message_of(n, variant->stride, variant->strips);
	/* Once for what is made at the first use, and kept. */
	for (int round = 0; round < 2; round++) {
		fd = create_empty(ROOT "/file");
		ASSERT_LE(0, fd);
		measure(&before);
		ASSERT_EQ(0, map_create(fd, map));
		measure(&after);
		ASSERT_EQ(0, close(fd));
		ASSERT_EQ(0, ERR(unlink(ROOT "/file")));
	}
	costs(&before, &after, n, &map_cost, &tree_cost);
	TH_LOG("%llu %s: %.1f bytes of the map each, %.1f of the device's ranges; limits %d, %d",
	       n, variant->what, map_cost, tree_cost, EXTENT_MAX, RANGE_MAX);
	/* It is there at all: a device offset and an end, or a length. */
	EXPECT_LE(14, map_cost);
	EXPECT_GE(EXTENT_MAX, map_cost);
	EXPECT_LT(8, tree_cost);
	EXPECT_GE(RANGE_MAX, tree_cost);
	/* And all of it comes back, but for what the kernel has in stock. */
	measure(&after);
	costs(&before, &after, n, &map_cost, &tree_cost);
	EXPECT_GE(3, map_cost);
	EXPECT_GE(3, tree_cost);
}

/* Files of one page each, with a free page between any two. */
TEST_F_TIMEOUT(memory, a_file, 120)
{
	struct usage before, after;
	double map_cost, tree_cost;
	const __u64 n = 8000;
	char path[64];
	int fd;

	/* Directories and dentries are there before. */
	for (__u64 i = 0; i < n; i++) {
		snprintf(path, sizeof(path), ROOT "/%llu", i);
		fd = create_empty(path);
		ASSERT_LE(0, fd);
		close(fd);
	}
	measure(&before);
	for (__u64 i = 0; i < n; i++) {
		struct span span = { (1 + 2 * i) * PAGE, PAGE };
		struct fmap *map = fmap_of(PAGE, &span, 1);

		snprintf(path, sizeof(path), ROOT "/%llu", i);
		fd = open(path, O_RDWR);
		ASSERT_EQ(0, map_create(fd, map));
		free(map);
		close(fd);
	}
	measure(&after);
	costs(&before, &after, n, &map_cost, &tree_cost);
	TH_LOG("%llu files: %.1f bytes of the map each, %.1f of the device's ranges",
	       n, map_cost, tree_cost);
	EXPECT_LE(32, map_cost);
	EXPECT_GE(FILE_MAX, map_cost + tree_cost);
}

/* Bytes of an object of a cache; 0 if the kernel does not tell. */
static long object_size(const char *cache)
{
	char path[128], text[32];

	snprintf(path, sizeof(path), "/sys/kernel/slab/%s/object_size", cache);
	return read_text(path, text, sizeof(text)) ? 0 : atol(text);
}

/* An inode of famfs is hardly larger than any. */
TEST_F(memory, an_inode)
{
	long famfs = object_size("famfs_inode_cache");
	long plain = object_size("inode_cache");

	if (!plain)
		SKIP(return, "the kernel does not tell sizes of objects");
	/* What has a constructor is never merged with another cache. */
	ASSERT_LT(0, famfs);
	TH_LOG("an inode: %ld bytes, of which %ld are of famfs", famfs,
	       famfs - plain);
	EXPECT_LT(0, famfs - plain);
	EXPECT_GE(16, famfs - plain);
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
