// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The processor's cache: which lines each call writes back to the memory or
 * drops, counted where the kernel does it.
 *
 * Other machines see the memory and not the cache, but on one machine the two
 * cannot be told apart. So the kernel's functions that walk cache lines are
 * traced, by probes in a trace instance of the program's own; the bytes that
 * they were given are the result.
 *
 * The probes are set once for all tests. What the trace would record of each
 * switch of tasks is left out, since that changes the code of the scheduler
 * while it runs, which some emulated processors do not survive.
 */
#include <sys/syscall.h>

#include "famfs_harness.h"

#include "famfs_failure.h"

#define SIZE		(8 * MiB)
#define LARGE_AT	(32 * MiB)	/* mapped with 2 MiB pages */
#define SMALL_AT	(64 * MiB + PAGE) /* mapped with 4 KiB pages */

#define TRACING		"/sys/kernel/tracing"
#define INSTANCE	TRACING "/instances/famfs_test"
#define RECORD_CMD	TRACING "/options/record-cmd"

/* What a traced function was given since the trace was last read. */
struct lines {
	int calls;
	__u64 bytes;
	__u64 low, high;	/* addresses: first, and one past the last */
};

/*
 * Lines cleaned and dropped, and stores of which write(2) consists; how these
 * are done only a kernel can tell that has a description of its own types.
 */
static const char * const probes[] = {
	"arch_wb_cache_pmem addr=%di:x64 size=%si:u64",
	"arch_invalidate_pmem addr=%di:x64 size=%si:u64",
	"dax_copy_from_iter addr=addr:x64 size=bytes:u64 how=dax_dev->flags:x64",
};

static const char untyped_probe[] =
	"dax_copy_from_iter addr=%dx:x64 size=%cx:u64";

enum { CLEANED, DROPPED, STORED };

/* Of the flags of a dax device: stores go past the cache */
#define PAST_CACHE	0x8

/* Why there is no trace: 0 or -errno. */
static int no_trace;

FIXTURE(cache) {
	int fd;
	bool cleans;	/* calls that sync have something to do */
	unsigned char *at;
	struct lines lines[3];
};

FIXTURE_VARIANT(cache) {
	__u64 offset;
	__u64 page;
	const char *options;
	__u32 extents;
};

FIXTURE_VARIANT_ADD(cache, small_pages) {
	.offset = SMALL_AT,
	.page = PAGE,
	.extents = 1,
};

FIXTURE_VARIANT_ADD(cache, large_pages) {
	.offset = LARGE_AT,
	.page = PMD,
	.extents = 1,
};

FIXTURE_VARIANT_ADD(cache, many_extents) {
	.offset = LARGE_AT,
	.page = PAGE,
	.extents = 512,
};

FIXTURE_VARIANT_ADD(cache, coherent) {
	.offset = LARGE_AT,
	.page = PMD,
	.extents = 1,
	.options = "coherent",
};

/* As write_text(), but adding to the file. */
static int add_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	int err;

	if (fd < 0)
		return -errno;
	err = ERR(write(fd, text, strlen(text)));
	close(fd);
	return err;
}

static int trace_start(void)
{
	char text[160], recorded[8];
	int err;

	if (access(TRACING "/kprobe_events", F_OK) &&
	    (unshare(CLONE_NEWNS) ||
	     mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	     mount("tracefs", TRACING, "tracefs", 0, NULL)))
		return -errno;
	for (size_t i = 0; i < ARRAY_SIZE(probes); i++) {
		snprintf(text, sizeof(text), "p:famfs_test/f%zu %s", i,
			 i == STORED && access("/sys/kernel/btf/vmlinux", F_OK) ?
			 untyped_probe : probes[i]);
		err = add_text(TRACING "/kprobe_events", text);
		if (err)
			return err;
	}
	/* An instance is made with the options of the whole */
	err = read_text(RECORD_CMD, recorded, sizeof(recorded));
	if (err)
		return err;
	write_text(RECORD_CMD, "0");
	err = ERR(mkdir(INSTANCE, 0700));
	write_text(RECORD_CMD, recorded);
	if (err)
		return err;
	return write_text(INSTANCE "/events/famfs_test/enable", "1");
}

static void trace_stop(void)
{
	write_text(INSTANCE "/events/famfs_test/enable", "0");
	rmdir(INSTANCE);
	for (size_t i = 0; i < ARRAY_SIZE(probes); i++) {
		char text[64];

		snprintf(text, sizeof(text), "-:famfs_test/f%zu", i);
		add_text(TRACING "/kprobe_events", text);
	}
}

/* What the functions were given since the last call. */
static void trace_read(struct lines lines[3])
{
	FILE *trace = fopen(INSTANCE "/trace", "r");
	char line[512], *event, *addr, *size, *how;

	memset(lines, 0, 3 * sizeof(*lines));
	while (trace && fgets(line, sizeof(line), trace)) {
		struct lines *l;
		__u64 from, len;

		event = strstr(line, ": f");
		addr = strstr(line, "addr=");
		size = strstr(line, "size=");
		how = strstr(line, "how=");
		if (line[0] == '#' || !event || !addr || !size)
			continue;
		l = &lines[event[3] - '0'];
		from = strtoull(addr + 5, NULL, 0);
		len = strtoull(size + 5, NULL, 0);
		if (!l->calls || from < l->low)
			l->low = from;
		if (from + len > l->high)
			l->high = from + len;
		l->calls++;
		if (!how || strtoull(how + 4, NULL, 0) & PAST_CACHE)
			l->bytes += len;
	}
	if (trace)
		fclose(trace);
	/* Opening it for writing empties it. */
	close(open(INSTANCE "/trace", O_WRONLY | O_TRUNC));
}

/* Whether a device loses what is in the cache with its power. */
static bool would_lose_the_cache(void)
{
	const char *name = strrchr(device(), '/') + 1;
	char path[128], text[8];

	snprintf(path, sizeof(path), "/sys/block/%s/dax/write_cache", name);
	return !read_text(path, text, sizeof(text)) && atoi(text);
}

FIXTURE_SETUP(cache)
{
	struct span *spans = calloc(variant->extents, sizeof(*spans));

	if (no_trace)
		SKIP(return, "no probes in the kernel: %s",
		     strerror(-no_trace));
	ASSERT_EQ(0, private_mounts());
	self->cleans = !variant->options || would_lose_the_cache();
	ASSERT_EQ(0, ERR(mount(device(), ROOT, "famfs", 0, variant->options)));
	for (__u32 i = 0; i < variant->extents; i++) {
		spans[i].len = SIZE / variant->extents;
		/* Backwards, so that none goes on where another ends */
		spans[i].offset = variant->offset +
				  (variant->extents - 1 - i) * spans[i].len;
	}
	self->fd = create_spans(ROOT "/file", SIZE, spans, variant->extents);
	ASSERT_LE(0, self->fd);
	self->at = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			self->fd, 0);
	ASSERT_NE(MAP_FAILED, self->at);
	trace_read(self->lines);
	free(spans);
}

FIXTURE_TEARDOWN(cache)
{
	if (self->at) {
		munmap(self->at, SIZE);
		close(self->fd);
	}
	EXPECT_CLEAN_LOG();
}

static long call_fsync(int fd, void *at)
{
	(void)at;
	return fsync(fd);
}

static long call_fdatasync(int fd, void *at)
{
	(void)at;
	return fdatasync(fd);
}

static long call_msync(int fd, void *at)
{
	(void)fd;
	return msync(at, SIZE, MS_SYNC);
}

static long call_sync_file_range(int fd, void *at)
{
	(void)at;
	return sync_file_range(fd, 0, SIZE, SYNC_FILE_RANGE_WAIT_BEFORE |
			       SYNC_FILE_RANGE_WRITE |
			       SYNC_FILE_RANGE_WAIT_AFTER);
}

/* Starts the writing, and does not wait for it: which takes no time here */
static long call_sync_file_range_start(int fd, void *at)
{
	(void)at;
	return sync_file_range(fd, 0, SIZE, SYNC_FILE_RANGE_WRITE);
}

static long call_syncfs(int fd, void *at)
{
	(void)at;
	return syncfs(fd);
}

static long call_sync(int fd, void *at)
{
	(void)fd;
	(void)at;
	sync();
	return 0;
}

static const struct {
	const char *name;
	long (*call)(int fd, void *at);
} calls[] = {
	{ "fsync", call_fsync },
	{ "fdatasync", call_fdatasync },
	{ "msync", call_msync },
	{ "sync_file_range", call_sync_file_range },
	{ "sync_file_range, without waiting", call_sync_file_range_start },
	{ "syncfs", call_syncfs },
	{ "sync", call_sync },
};

/* Every call that makes data durable cleans the page that was stored to */
TEST_F(cache, calls_clean_what_is_dirty)
{
	const __u64 at = 3 * MiB + 5;
	__u64 must = self->cleans ? variant->page : 0;

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		(void)*(volatile unsigned char *)(self->at + MiB);
		EXPECT_EQ(0, ERR(calls[i].call(self->fd, self->at)));
		trace_read(self->lines);
		EXPECT_EQ(0, self->lines[CLEANED].bytes) {
			TH_LOG("%s, of what was only loaded", calls[i].name);
		}
		*(volatile unsigned char *)(self->at + at) = i;
		EXPECT_EQ(0, ERR(calls[i].call(self->fd, self->at)));
		trace_read(self->lines);
		EXPECT_EQ(must, self->lines[CLEANED].bytes) {
			TH_LOG("%s", calls[i].name);
		}
		EXPECT_EQ(0, self->lines[DROPPED].bytes);
		EXPECT_EQ(0, ERR(calls[i].call(self->fd, self->at)));
		trace_read(self->lines);
		EXPECT_EQ(0, self->lines[CLEANED].bytes) {
			TH_LOG("%s, for the second time", calls[i].name);
		}
	}
}

/* What is no dirty page of the range is left alone */
TEST_F(cache, ranges_are_heeded)
{
	__u64 must = self->cleans ? variant->page : 0;

	*(volatile unsigned char *)self->at = 1;
	*(volatile unsigned char *)(self->at + 6 * MiB) = 1;
	EXPECT_EQ(0, ERR(msync(self->at + 2 * MiB, 2 * MiB, MS_SYNC)));
	EXPECT_EQ(0, ERR(msync(self->at, SIZE, MS_ASYNC)));
	trace_read(self->lines);
	EXPECT_EQ(0, self->lines[CLEANED].bytes);
	EXPECT_EQ(0, ERR(msync(self->at + 6 * MiB, PAGE, MS_SYNC)));
	trace_read(self->lines);
	EXPECT_EQ(must, self->lines[CLEANED].bytes);
	EXPECT_EQ(0, ERR(fsync(self->fd)));
	trace_read(self->lines);
	EXPECT_EQ(must, self->lines[CLEANED].bytes);
}

/* A mapping's end, and the file system's, leave nothing in the cache */
TEST_F(cache, unmounting_cleans)
{
	const unsigned char byte = 0x7e;
	unsigned char seen;

	self->at[5 * MiB] = byte;
	munmap(self->at, SIZE);
	close(self->fd);
	self->at = NULL;
	ASSERT_EQ(0, ERR(umount(ROOT)));
	trace_read(self->lines);
	EXPECT_EQ(self->cleans ? variant->page : 0,
		  self->lines[CLEANED].bytes);
	ASSERT_EQ(0, mount_famfs());
	self->fd = create_at(ROOT "/file", variant->offset, SIZE);
	ASSERT_LE(0, self->fd);
	if (variant->extents == 1) {
		EXPECT_EQ(1, pread(self->fd, &seen, 1, 5 * MiB));
		EXPECT_EQ(byte, seen);
	}
	close(self->fd);
}

/* write(2) goes past the cache, and leaves nothing to be written back */
TEST_F(cache, write_leaves_nothing_dirty)
{
	const __u64 sizes[] = { 1, 100, PAGE, PAGE + 1, MiB };
	unsigned char *buffer = malloc(MiB);

	fill(buffer, MiB, 1);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		ASSERT_EQ(sizes[i], pwrite(self->fd, buffer, sizes[i], 777));
		trace_read(self->lines);
		if (!variant->options)
			EXPECT_EQ(sizes[i], self->lines[STORED].bytes);
		EXPECT_EQ(0, ERR(fsync(self->fd)));
		trace_read(self->lines);
		EXPECT_EQ(0, self->lines[CLEANED].bytes);
	}
	free(buffer);
}

/* O_SYNC is an fsync of what was written: and of what else is on its pages */
TEST_F(cache, synchronous_writes)
{
	int fd = open(ROOT "/file", O_RDWR | O_DSYNC);

	ASSERT_LE(0, fd);
	*(volatile unsigned char *)self->at = 1;
	*(volatile unsigned char *)(self->at + 6 * MiB) = 1;
	ASSERT_EQ(1, pwrite(fd, "", 1, 9));
	trace_read(self->lines);
	EXPECT_EQ(self->cleans ? variant->page : 0,
		  self->lines[CLEANED].bytes);
	close(fd);
}

/* POSIX_FADV_DONTNEED writes back the lines of its range, and drops them */
TEST_F(cache, dontneed_drops_the_range)
{
	const struct {
		off_t offset, len;
		__u64 bytes;	/* whole pages */
	} ranges[] = {
		{ 0, 0, SIZE },
		{ 0, SIZE, SIZE },
		{ 0, 2 * SIZE, SIZE },
		{ MiB, 0, SIZE - MiB },
		{ 0, 1, PAGE },
		{ 4 * PAGE, PAGE, PAGE },
		{ PAGE - 1, 2, 2 * PAGE },
		{ 2 * MiB - PAGE, 2 * PAGE, 2 * PAGE },
		{ 3 * MiB + 100, 2 * MiB, 2 * MiB + PAGE },
		{ SIZE - 1, 1, PAGE },
		{ SIZE - 1, 1LL << 62, PAGE },
		{ SIZE, 0, 0 },
		{ SIZE, 100, 0 },
		{ 1LL << 40, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++) {
		__u64 must = variant->options ? 0 : ranges[i].bytes;

		EXPECT_EQ(0, posix_fadvise(self->fd, ranges[i].offset,
					   ranges[i].len,
					   POSIX_FADV_DONTNEED));
		trace_read(self->lines);
		EXPECT_EQ(must, self->lines[DROPPED].bytes) {
			TH_LOG("range %zu", i);
		}
		EXPECT_EQ(must, self->lines[CLEANED].bytes);
		/* Each byte once, and those of the file */
		if (variant->extents == 1)
			EXPECT_EQ(must, self->lines[DROPPED].high -
				  self->lines[DROPPED].low);
	}
}

TEST_F(cache, dontneed_loses_nothing)
{
	unsigned char *must = malloc(SIZE);
	int fd = open(ROOT "/file", O_RDONLY);

	ASSERT_LE(0, fd);
	fill(must, SIZE, 4);
	memcpy(self->at, must, SIZE);
	EXPECT_EQ(0, posix_fadvise(fd, 100, SIZE - 1000, POSIX_FADV_DONTNEED));
	EXPECT_EQ(-1, first_difference(must, self->at, SIZE));
	/* It is still fsync's to say that all is written back */
	trace_read(self->lines);
	EXPECT_EQ(0, ERR(fsync(fd)));
	trace_read(self->lines);
	EXPECT_EQ(self->cleans ? SIZE : 0, self->lines[CLEANED].bytes);
	close(fd);
	free(must);
}

TEST_F(cache, other_advice_costs_nothing)
{
	const int advice[] = {
		POSIX_FADV_NORMAL, POSIX_FADV_SEQUENTIAL, POSIX_FADV_RANDOM,
		POSIX_FADV_NOREUSE, POSIX_FADV_WILLNEED,
	};
	int fds[2], fd;

	self->at[0] = 1;
	trace_read(self->lines);
	for (size_t i = 0; i < ARRAY_SIZE(advice); i++)
		EXPECT_EQ(0, posix_fadvise(self->fd, 0, 0, advice[i]));
	EXPECT_EQ(EINVAL, posix_fadvise(self->fd, 0, 0, 77));
	EXPECT_EQ(EINVAL, posix_fadvise(self->fd, 0, -1, POSIX_FADV_DONTNEED));
	EXPECT_EQ(EINVAL, posix_fadvise(self->fd, -PAGE, PAGE,
					POSIX_FADV_DONTNEED));
	EXPECT_EQ(EBADF, posix_fadvise(-1, 0, 0, POSIX_FADV_DONTNEED));
	ASSERT_EQ(0, pipe(fds));
	EXPECT_EQ(ESPIPE, posix_fadvise(fds[0], 0, 0, POSIX_FADV_DONTNEED));
	fd = create_empty(ROOT "/empty");
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
	close(fd);
	fd = open(ROOT "/file", O_PATH);
	EXPECT_EQ(EBADF, posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
	close(fd);
	trace_read(self->lines);
	EXPECT_EQ(0, self->lines[CLEANED].bytes);
	EXPECT_EQ(0, self->lines[DROPPED].bytes);
}

/* A mount without the option after one with it. What a device would lose with
 * its power is written back in any case.
 */
TEST_F(cache, the_option_is_the_mounts)
{
	int fd;

	munmap(self->at, SIZE);
	close(self->fd);
	self->at = NULL;
	ASSERT_EQ(0, ERR(umount(ROOT)));
	for (int coherent = 1; coherent >= 0; coherent--) {
		__u64 must = coherent && !would_lose_the_cache() ? 0 : PMD;

		ASSERT_EQ(0, ERR(mount(device(), ROOT, "famfs", 0,
				       coherent ? "coherent" : NULL)));
		fd = create_at(ROOT "/file", LARGE_AT, SIZE);
		ASSERT_LE(0, fd);
		self->at = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
				fd, 0);
		ASSERT_NE(MAP_FAILED, self->at);
		trace_read(self->lines);
		self->at[1] = 1;
		EXPECT_EQ(0, ERR(fsync(fd)));
		EXPECT_EQ(0, posix_fadvise(fd, 0, PAGE, POSIX_FADV_DONTNEED));
		trace_read(self->lines);
		EXPECT_EQ(coherent ? must : must + PAGE,
			  self->lines[CLEANED].bytes);
		EXPECT_EQ(coherent ? 0 : PAGE, self->lines[DROPPED].bytes);
		munmap(self->at, SIZE);
		close(fd);
		ASSERT_EQ(0, ERR(umount(ROOT)));
	}
	self->at = NULL;
}

/*
 * A machine that has met with bad memory takes it out of the kernel's address
 * space, where a cache line of it cannot be written back any more. What is
 * around it can, and all else.
 */
TEST_F(cache, bad_memory_is_left_alone)
{
	const __u64 bad = 2 * MiB + 5 * PAGE;
	__u64 must = self->cleans ? PMD - PAGE + variant->page : 0;

	catch_sigbus();
	self->at[bad] = 1;
	self->at[bad + 7 * PAGE] = 1;
	self->at[6 * MiB] = 1;
	ASSERT_EQ(0, poison(self->at + bad));
	trace_read(self->lines);
	EXPECT_EQ(-EIO, ERR(fsync(self->fd)));
	trace_read(self->lines);
	EXPECT_EQ(must, self->lines[CLEANED].bytes);
	/* What is dirty there stays so, and the rest is done with */
	EXPECT_EQ(0, ERR(fsync(self->fd)));
	trace_read(self->lines);
	EXPECT_EQ(self->cleans ? PMD - PAGE : 0, self->lines[CLEANED].bytes);
	EXPECT_EQ(0, ERR(msync(self->at + 6 * MiB, PAGE, MS_SYNC)));
	trace_read(self->lines);
	EXPECT_EQ(0, self->lines[CLEANED].bytes);

	EXPECT_EQ(0, posix_fadvise(self->fd, 0, 0, POSIX_FADV_DONTNEED));
	trace_read(self->lines);
	EXPECT_EQ(variant->options ? 0 : SIZE - PAGE,
		  self->lines[DROPPED].bytes);

	munmap(self->at, SIZE);
	close(self->fd);
	self->at = NULL;
	EXPECT_EQ(0, ERR(umount(ROOT)));
	EXPECT_EQ(0, device_rebind(device()));
}

int main(int argc, char **argv)
{
	no_trace = trace_start();
	atexit(trace_stop);
	return run_tests(argc, argv);
}
