// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Mappings: the size of the pages, told by counting faults, and that a mapping
 * is one, however it is made, copied, moved, pinned or left.
 */
#include <linux/mman.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/uio.h>

#include "famfs_harness.h"

/* Where files lie: at a multiple of 2 MiB of the device, and off it by a page.
 */
#define ALIGNED		(32 * MiB)
#define UNALIGNED	(32 * MiB + PAGE)

static sigjmp_buf landing;
static void *fault_address;

static void on_signal(int number, siginfo_t *info, void *context)
{
	(void)context;
	fault_address = info->si_addr;
	siglongjmp(landing, number);
}

/* Load or store one byte: 0, or the signal that came of it. */
static int touch(volatile char *at, bool store)
{
	struct sigaction action = {
		.sa_sigaction = on_signal,
		.sa_flags = SA_SIGINFO,
	};
	int number;

	sigaction(SIGBUS, &action, NULL);
	sigaction(SIGSEGV, &action, NULL);
	number = sigsetjmp(landing, 1);
	if (!number) {
		if (store)
			*at = 1;
		else
			(void)*at;
	}
	signal(SIGBUS, SIG_DFL);
	signal(SIGSEGV, SIG_DFL);
	return number;
}

/* Faults that it takes to touch every page. */
static long faults_of_touching(volatile char *at, size_t size, bool store)
{
	long before, after, major;

	faults(&before, &major);
	faults(&before, &major);
	for (size_t i = 0; i < size; i += PAGE) {
		if (store)
			at[i] = 1;
		else
			(void)at[i];
	}
	faults(&after, &major);
	return after - before;
}

FIXTURE(mapping) {
};

FIXTURE_SETUP(mapping)
{
	ASSERT_EQ(0, private_mounts());
	ASSERT_EQ(0, mount_famfs());
}

FIXTURE_TEARDOWN_PARENT(mapping)
{
	EXPECT_CLEAN_LOG();
}

FIXTURE(page_size) {
};

FIXTURE_VARIANT(page_size) {
	__u64 offset;
	size_t size;
	bool store;
	long faults;
};

FIXTURE_VARIANT_ADD(page_size, load_2m)
{
	.offset = ALIGNED,
	.size = 64 * MiB,
	.store = false,
	.faults = 32,
};

FIXTURE_VARIANT_ADD(page_size, store_2m)
{
	.offset = ALIGNED,
	.size = 64 * MiB,
	.store = true,
	.faults = 32,
};

FIXTURE_VARIANT_ADD(page_size, load_4k)
{
	.offset = UNALIGNED,
	.size = 8 * MiB,
	.store = false,
	.faults = 2048,
};

FIXTURE_VARIANT_ADD(page_size, store_4k)
{
	.offset = UNALIGNED,
	.size = 8 * MiB,
	.store = true,
	.faults = 2048,
};

/* Less than 2 MiB are left at the end: only these come in small pages. */
FIXTURE_VARIANT_ADD(page_size, store_2m_and_the_rest)
{
	.offset = ALIGNED,
	.size = 4 * MiB + 5 * PAGE,
	.store = true,
	.faults = 2 + 5,
};

FIXTURE_SETUP(page_size)
{
	ASSERT_EQ(0, private_mounts());
	ASSERT_EQ(0, mount_famfs());
}

FIXTURE_TEARDOWN_PARENT(page_size)
{
	EXPECT_CLEAN_LOG();
}

TEST_F(page_size, counted_in_faults)
{
	long minor, major, minor_after, major_after;
	char *at;
	int fd;

	fd = create_at(ROOT "/file", variant->offset, variant->size);
	ASSERT_LE(0, fd);
	at = map_shared(fd, variant->size);
	ASSERT_NE(MAP_FAILED, at);
	/* The kernel chose an address that allows for large pages. */
	EXPECT_EQ(0, (unsigned long)at % PMD);
	faults(&minor, &major);
	EXPECT_EQ(variant->faults, faults_of_touching(at, variant->size,
						      variant->store));
	/* All there now. */
	EXPECT_EQ(0, faults_of_touching(at, variant->size, variant->store));
	EXPECT_EQ(0, faults_of_touching(at, variant->size, false));
	faults(&minor_after, &major_after);
	EXPECT_EQ(minor + variant->faults, minor_after);
	EXPECT_EQ(major, major_after);
}

/* The same as the kernel itself tells it, not inferred from a number. */
TEST_F(page_size, counted_by_trace_events)
{
	long large = variant->size / PMD, small = variant->faults - large;
	int pmd, pmd_fallback, pte, fd;
	char *at;

	if (variant->offset == UNALIGNED) {
		large = 0;
		small = variant->faults;
	}
	/* VM_FAULT_NOPAGE: mapped. VM_FAULT_FALLBACK: not with a large page. */
	pmd = event_open("fs_dax/dax_pmd_fault_done", "result & 0x100");
	pmd_fallback = event_open("fs_dax/dax_pmd_fault_done",
				  "result & 0x800");
	pte = event_open("fs_dax/dax_pte_fault_done", "result & 0x100");
	if (pmd < 0 || pmd_fallback < 0 || pte < 0)
		SKIP(return, "no trace events of fs_dax: %s", strerror(-pmd));
	fd = create_at(ROOT "/file", variant->offset, variant->size);
	ASSERT_LE(0, fd);
	at = map_shared(fd, variant->size);
	ASSERT_NE(MAP_FAILED, at);
	faults_of_touching(at, variant->size, variant->store);
	EXPECT_EQ(large, event_count(pmd));
	EXPECT_EQ(small, event_count(pte));
	if (large && !small) {
		EXPECT_EQ(0, event_count(pmd_fallback)) {
			TH_LOG("tried 2 MiB in vain");
		}
	}
}

/* Extents that are fit for large pages, after some that are not. */
TEST_F(mapping, pages_as_large_as_each_extent_allows)
{
	struct span spans[512 + 2] = {
		[0] = { ALIGNED, 2 * MiB },
	};
	char *at;
	int fd;

	for (int i = 1; i <= 512; i++)
		spans[i] = (struct span) { 64 * MiB + (512 - i) * PAGE, PAGE };
	spans[513] = (struct span) { ALIGNED + 8 * MiB, 2 * MiB };
	fd = create_spans(ROOT "/file", 6 * MiB, spans, 514);
	ASSERT_LE(0, fd);
	at = map_shared(fd, 6 * MiB);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(1, faults_of_touching(at, 2 * MiB, true));
	EXPECT_EQ(512, faults_of_touching(at + 2 * MiB, 2 * MiB, true));
	EXPECT_EQ(1, faults_of_touching(at + 4 * MiB, 2 * MiB, true));
}

/* 2 MiB that begin aligned, but lie in two pieces, take small pages. */
TEST_F(mapping, large_page_must_be_one_piece)
{
	const struct span spans[] = {
		{ ALIGNED, MiB },
		{ ALIGNED + 4 * MiB, MiB },
		{ ALIGNED + 8 * MiB, 2 * MiB },
	};
	unsigned char *bytes = malloc(4 * MiB);
	char *at;
	int fd;

	fill(bytes, 4 * MiB, 1);
	fd = create_spans(ROOT "/file", 4 * MiB, spans, 3);
	ASSERT_LE(0, fd);
	ASSERT_EQ(4 * MiB, pwrite(fd, bytes, 4 * MiB, 0));
	at = map_shared(fd, 4 * MiB);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(512 + 1, faults_of_touching(at, 4 * MiB, false));
	EXPECT_EQ(-1, first_difference(bytes, at, 4 * MiB));
}

/* At an address, or from a place in the file, that large pages do not fit. */
TEST_F(mapping, large_pages_need_an_aligned_address)
{
	unsigned char *bytes = malloc(6 * MiB);
	char *room, *at;
	int fd;

	fill(bytes, 6 * MiB, 2);
	fd = create_at(ROOT "/file", ALIGNED, 6 * MiB);
	ASSERT_LE(0, fd);
	ASSERT_EQ(6 * MiB, pwrite(fd, bytes, 6 * MiB, 0));
	room = mmap(NULL, 12 * MiB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
	ASSERT_NE(MAP_FAILED, room);
	room = (char *)(((unsigned long)room + PMD - 1) & ~(PMD - 1)) + PAGE;
	at = mmap(room, 4 * MiB, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0);
	ASSERT_EQ(room, at);
	EXPECT_EQ(1024, faults_of_touching(at, 4 * MiB, false));
	EXPECT_EQ(-1, first_difference(bytes, at, 4 * MiB));
	munmap(at, 4 * MiB);

	/* Off by a page both in the file and in memory: the 2 MiB fit. Where a
	 * file was mapped with small pages, the kernel stays with these: so
	 * this takes another file.
	 */
	fd = create_at(ROOT "/file2", ALIGNED + 16 * MiB, 6 * MiB);
	ASSERT_LE(0, fd);
	ASSERT_EQ(6 * MiB, pwrite(fd, bytes, 6 * MiB, 0));
	at = mmap(room, 4 * MiB, PROT_READ, MAP_SHARED | MAP_FIXED, fd, PAGE);
	ASSERT_EQ(room, at);
	EXPECT_EQ(511 + 1 + 1, faults_of_touching(at, 4 * MiB, false));
	EXPECT_EQ(-1, first_difference(bytes + PAGE, at, 4 * MiB));
	munmap(at, 4 * MiB);
	/* The kernel chooses such an address by itself. */
	at = mmap(NULL, 4 * MiB, PROT_READ, MAP_SHARED, fd, PAGE);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(PAGE, (unsigned long)at % PMD);
}

TEST_F(mapping, load_then_store)
{
	char *at;
	int fd;

	fd = create_at(ROOT "/file", ALIGNED, 8 * MiB);
	ASSERT_LE(0, fd);
	at = map_shared(fd, 8 * MiB);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(4, faults_of_touching(at, 8 * MiB, false));
	EXPECT_EQ(4, faults_of_touching(at, 8 * MiB, true));
	EXPECT_EQ(0, faults_of_touching(at, 8 * MiB, true));
	/* After it was written back, the next store is noticed again. */
	ASSERT_EQ(0, msync(at, 8 * MiB, MS_SYNC));
	EXPECT_EQ(0, faults_of_touching(at, 8 * MiB, false));
	EXPECT_EQ(4, faults_of_touching(at, 8 * MiB, true));
}

TEST_F(mapping, needs_a_map)
{
	int fd;

	fd = create_empty(ROOT "/file");
	ASSERT_LE(0, fd);
	EXPECT_EQ(-ENXIO, ERR(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0)));
	EXPECT_EQ(-ENXIO, ERR(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd,
				   0)));
	fd = open(ROOT, O_RDONLY | O_DIRECTORY);
	EXPECT_EQ(-ENODEV, ERR(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd,
				    0)));
}

/* Past the last page of a file there is nothing, with any size of pages. */
static void expect_end(struct __test_metadata *_metadata, int fd, size_t size)
{
	size_t pages = (size + PAGE - 1) / PAGE * PAGE;
	char *at;

	at = map_shared(fd, pages + 4 * MiB);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(0, touch(at, false));
	EXPECT_EQ(0, touch(at + size - 1, true));
	EXPECT_EQ(0, touch(at + pages - 1, false));
	EXPECT_EQ(SIGBUS, touch(at + pages, false));
	EXPECT_EQ(at + pages, fault_address);
	EXPECT_EQ(SIGBUS, touch(at + pages, true));
	EXPECT_EQ(SIGBUS, touch(at + pages + 2 * MiB, false));
	EXPECT_EQ(SIGBUS, touch(at + pages + 4 * MiB - 1, true));
	munmap(at, pages + 4 * MiB);

	at = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, pages);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(SIGBUS, touch(at, false));
	munmap(at, PAGE);
	at = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 1LL << 42);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(SIGBUS, touch(at, false));
	munmap(at, PAGE);
}

TEST_F(mapping, ends_with_the_file)
{
	const struct span longer = { ALIGNED + 32 * MiB, 4 * MiB };
	int fd;

	fd = create_at(ROOT "/a", ALIGNED, 2 * MiB);
	ASSERT_LE(0, fd);
	expect_end(_metadata, fd, 2 * MiB);
	fd = create_at(ROOT "/b", ALIGNED + 8 * MiB, 2 * MiB + 5);
	ASSERT_LE(0, fd);
	expect_end(_metadata, fd, 2 * MiB + 5);
	fd = create_at(ROOT "/c", UNALIGNED + 16 * MiB, 3 * PAGE);
	ASSERT_LE(0, fd);
	expect_end(_metadata, fd, 3 * PAGE);
	/* Not with the extent. */
	fd = create_spans(ROOT "/d", PAGE + 1, &longer, 1);
	ASSERT_LE(0, fd);
	expect_end(_metadata, fd, PAGE + 1);
}

FIXTURE(shared) {
	int fd;
	char *at;
	unsigned char *must;
};

FIXTURE_VARIANT(shared) {
	__u64 offset;
};

FIXTURE_VARIANT_ADD(shared, small_pages)
{
	.offset = UNALIGNED,
};

FIXTURE_VARIANT_ADD(shared, large_pages)
{
	.offset = ALIGNED,
};

#define SIZE	(4 * MiB)

FIXTURE_SETUP(shared)
{
	ASSERT_EQ(0, private_mounts());
	ASSERT_EQ(0, mount_famfs());
	self->fd = create_at(ROOT "/file", variant->offset, SIZE);
	ASSERT_LE(0, self->fd);
	self->must = malloc(SIZE);
	fill(self->must, SIZE, 3);
	ASSERT_EQ(SIZE, pwrite(self->fd, self->must, SIZE, 0));
	self->at = map_shared(self->fd, SIZE);
	ASSERT_NE(MAP_FAILED, self->at);
}

FIXTURE_TEARDOWN_PARENT(shared)
{
	EXPECT_CLEAN_LOG();
}

#define EXPECT_FILE() do {						\
	unsigned char *__bytes = malloc(SIZE);			\
									\
	EXPECT_EQ(SIZE, pread(self->fd, __bytes, SIZE, 0));		\
	EXPECT_EQ(-1, first_difference(self->must, __bytes, SIZE));	\
	free(__bytes);							\
} while (0)

TEST_F(shared, shows_the_file)
{
	EXPECT_EQ(-1, first_difference(self->must, self->at, SIZE));
	fill(self->must + PAGE - 5, 2 * MiB, 4);
	memcpy(self->at + PAGE - 5, self->must + PAGE - 5, 2 * MiB);
	EXPECT_FILE();
	/* What is written later is seen at once. */
	fill(self->must, SIZE, 5);
	ASSERT_EQ(SIZE, pwrite(self->fd, self->must, SIZE, 0));
	EXPECT_EQ(-1, first_difference(self->must, self->at, SIZE));
}

TEST_F(shared, outlives_the_descriptor)
{
	close(self->fd);
	self->at[1] = 'a';
	self->must[1] = 'a';
	EXPECT_EQ(-1, first_difference(self->must, self->at, SIZE));
	EXPECT_EQ(-EBUSY, ERR(umount(ROOT)));
	self->fd = open(ROOT "/file", O_RDONLY);
	EXPECT_FILE();
}

TEST_F(shared, private_stores_stay_private)
{
	unsigned char *mine;
	char *at;

	at = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, self->fd,
		  0);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(-1, first_difference(self->must, at, SIZE));
	mine = malloc(SIZE);
	memcpy(mine, self->must, SIZE);
	/* Every other page becomes a copy. */
	for (size_t i = 0; i < SIZE; i += 2 * PAGE) {
		at[i + 7] ^= 0xff;
		mine[i + 7] ^= 0xff;
	}
	EXPECT_EQ(-1, first_difference(mine, at, SIZE));
	EXPECT_EQ(-1, first_difference(self->must, self->at, SIZE));
	EXPECT_FILE();
	/* The pages that are none follow the file. */
	for (size_t i = PAGE; i < SIZE; i += 2 * PAGE) {
		self->at[i] ^= 0x55;
		self->must[i] ^= 0x55;
		mine[i] ^= 0x55;
	}
	EXPECT_EQ(-1, first_difference(mine, at, SIZE));
	/* Given up, they are the file's again. */
	ASSERT_EQ(0, madvise(at, SIZE, MADV_DONTNEED));
	EXPECT_EQ(-1, first_difference(self->must, at, SIZE));
	/* A store before any load. */
	at = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, self->fd,
		  0);
	ASSERT_NE(MAP_FAILED, at);
	memset(at, 0, SIZE);
	EXPECT_FILE();
}

TEST_F(shared, private_of_a_read_only_descriptor)
{
	int fd = open(ROOT "/file", O_RDONLY);
	char *at;

	ASSERT_LE(0, fd);
	at = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	ASSERT_NE(MAP_FAILED, at);
	memset(at, 0, SIZE);
	EXPECT_FILE();
}

struct forked {
	char *shared;
	char *private;
};

static int store_in_both(void *arg)
{
	struct forked *forked = arg;

	for (size_t i = 0; i < SIZE; i += PAGE) {
		if (forked->private[i] != 'p')
			return -EPROTO;
		forked->shared[i] = 's';
		forked->private[i] = 'c';
	}
	return 0;
}

TEST_F(shared, fork_shares_and_copies)
{
	struct forked forked = { .shared = self->at };

	forked.private = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE,
			      self->fd, 0);
	ASSERT_NE(MAP_FAILED, forked.private);
	for (size_t i = 0; i < SIZE; i += PAGE)
		forked.private[i] = 'p';
	EXPECT_EQ(0, in_child(store_in_both, &forked));
	for (size_t i = 0; i < SIZE; i += PAGE) {
		self->must[i] = 's';
		ASSERT_EQ('p', forked.private[i]);
	}
	EXPECT_EQ(-1, first_difference(self->must, self->at, SIZE));
	EXPECT_FILE();
}

TEST_F(shared, mremap)
{
	char *at;

	memset(self->at, 1, SIZE);
	memset(self->must, 1, SIZE);
	/* Longer than the file, moved, cut, and moved again by a page. */
	at = mremap(self->at, SIZE, SIZE + 2 * PAGE, MREMAP_MAYMOVE);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(-1, first_difference(self->must, at, SIZE));
	EXPECT_EQ(SIGBUS, touch(at + SIZE, false));
	at = mremap(at, SIZE + 2 * PAGE, SIZE, 0);
	ASSERT_NE(MAP_FAILED, at);
	self->at = mmap(NULL, SIZE + 2 * PMD, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->at);
	self->at = (char *)(((unsigned long)self->at + PMD) & ~(PMD - 1)) +
		   PAGE;
	at = mremap(at, SIZE, SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, self->at);
	ASSERT_EQ(self->at, at);
	EXPECT_EQ(-1, first_difference(self->must, at, SIZE));
	at[SIZE - 1] = 2;
	self->must[SIZE - 1] = 2;
	EXPECT_FILE();
}

TEST_F(shared, parts_unmapped)
{
	/* A hole within a large page. */
	memset(self->at, 1, SIZE);
	memset(self->must, 1, SIZE);
	ASSERT_EQ(0, munmap(self->at + 5 * PAGE, PAGE));
	EXPECT_EQ(SIGSEGV, touch(self->at + 5 * PAGE, false));
	EXPECT_EQ(-1, first_difference(self->must, self->at, 5 * PAGE));
	EXPECT_EQ(-1, first_difference(self->must, self->at + 6 * PAGE,
				       SIZE - 6 * PAGE));
	memset(self->at, 2, 5 * PAGE);
	memset(self->must, 2, 5 * PAGE);
	ASSERT_EQ(0, madvise(self->at, 5 * PAGE, MADV_DONTNEED));
	EXPECT_EQ(-1, first_difference(self->must, self->at, 5 * PAGE));
	EXPECT_FILE();
}

TEST_F(shared, populate)
{
	char *at;

	ASSERT_EQ(0, munmap(self->at, SIZE));
	at = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
		  MAP_SHARED | MAP_POPULATE, self->fd, 0);
	ASSERT_NE(MAP_FAILED, at);
	/* Shared pages are not made dirty by this. */
	EXPECT_EQ(0, faults_of_touching(at, SIZE, false));
	munmap(at, SIZE);

	at = map_shared(self->fd, SIZE);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(0, ERR(madvise(at, SIZE, MADV_POPULATE_READ)));
	EXPECT_EQ(0, faults_of_touching(at, SIZE, false));
	EXPECT_EQ(0, ERR(madvise(at, SIZE, MADV_POPULATE_WRITE)));
	EXPECT_EQ(0, faults_of_touching(at, SIZE, true));
	munmap(at, SIZE);
	at = map_shared(self->fd, SIZE + PAGE);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(-EFAULT, ERR(madvise(at, SIZE + PAGE, MADV_POPULATE_READ)));
}

TEST_F(shared, mlock)
{
	EXPECT_EQ(0, ERR(mlock(self->at, SIZE)));
	EXPECT_EQ(0, faults_of_touching(self->at, SIZE, false));
	EXPECT_EQ(-1, first_difference(self->must, self->at, SIZE));
	EXPECT_EQ(0, ERR(munlock(self->at, SIZE)));
	EXPECT_EQ(0, ERR(mlockall(MCL_CURRENT | MCL_FUTURE)));
	EXPECT_EQ(-1, first_difference(self->must, self->at, SIZE));
	EXPECT_EQ(0, ERR(munlockall()));
}

TEST_F(shared, nothing_is_punched_out)
{
	memset(self->at, 1, SIZE);
	memset(self->must, 1, SIZE);
	EXPECT_EQ(-EOPNOTSUPP, ERR(madvise(self->at, PMD, MADV_REMOVE)));
	EXPECT_EQ(-1, first_difference(self->must, self->at, SIZE));
	EXPECT_FILE();
}

TEST_F(shared, synchronous)
{
	char *at;

	at = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
		  MAP_SHARED_VALIDATE | MAP_SYNC, self->fd, 0);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(-1, first_difference(self->must, at, SIZE));
	memset(at, 7, SIZE);
	memset(self->must, 7, SIZE);
	EXPECT_FILE();
	munmap(at, SIZE);
	at = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
		  MAP_SHARED_VALIDATE | MAP_SYNC, self->fd, 0);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(0, touch(at + 5, true));
	EXPECT_EQ(0, msync(at, SIZE, MS_SYNC));
	EXPECT_EQ(0, touch(at + 5, true));
	/* A flag that nobody knows is still refused. */
	EXPECT_EQ(-EOPNOTSUPP, ERR(mmap(NULL, SIZE, PROT_READ,
					MAP_SHARED_VALIDATE | 0x800000,
					self->fd, 0)));
}

TEST_F(shared, read_only_stays_read_only)
{
	int fd = open(ROOT "/file", O_RDONLY);
	char *at;

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EACCES, ERR(mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
				    MAP_SHARED, fd, 0)));
	at = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(0, touch(at, false));
	EXPECT_EQ(SIGSEGV, touch(at, true));
	EXPECT_EQ(-EACCES, ERR(mprotect(at, SIZE, PROT_READ | PROT_WRITE)));
	EXPECT_EQ(SIGSEGV, touch(at, true));
	EXPECT_EQ(SIGSEGV, touch(at + SIZE - 1, true));
	EXPECT_EQ(-EINVAL, ERR(madvise(at, SIZE, MADV_POPULATE_WRITE)));
	EXPECT_FILE();
	fd = open(ROOT "/file", O_WRONLY);
	EXPECT_EQ(-EACCES, ERR(mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd,
				    0)));
}

TEST_F(shared, protection_comes_and_goes)
{
	EXPECT_EQ(0, touch(self->at, true));
	self->must[0] = 1;
	ASSERT_EQ(0, mprotect(self->at, SIZE, PROT_READ));
	EXPECT_EQ(SIGSEGV, touch(self->at, true));
	EXPECT_EQ(0, touch(self->at, false));
	ASSERT_EQ(0, mprotect(self->at, SIZE, PROT_NONE));
	EXPECT_EQ(SIGSEGV, touch(self->at, false));
	ASSERT_EQ(0, mprotect(self->at + PAGE, PAGE, PROT_READ | PROT_WRITE));
	EXPECT_EQ(0, touch(self->at + PAGE, true));
	self->must[PAGE] = 1;
	EXPECT_EQ(SIGSEGV, touch(self->at, false));
	EXPECT_EQ(SIGSEGV, touch(self->at + 2 * PAGE, false));
	ASSERT_EQ(0, mprotect(self->at, SIZE, PROT_READ | PROT_WRITE));
	EXPECT_EQ(-1, first_difference(self->must, self->at, SIZE));
	EXPECT_FILE();
}

/* Pages pinned by the kernel: into a pipe, which holds them for a while. */
TEST_F(shared, pinned_by_vmsplice)
{
	struct iovec v = { self->at + 3, 8 * PAGE };
	unsigned char seen[8 * PAGE];
	int fds[2];

	ASSERT_EQ(0, pipe(fds));
	ASSERT_EQ(8 * PAGE, vmsplice(fds[1], &v, 1, 0));
	ASSERT_EQ(0, munmap(self->at, SIZE));
	EXPECT_EQ(8 * PAGE, read(fds[0], seen, 8 * PAGE));
	EXPECT_EQ(-1, first_difference(self->must + 3, seen, 8 * PAGE));
}

static int unmount(void *arg)
{
	(void)arg;
	return ERR(umount(ROOT));
}

/* An unmount meanwhile may wait for them, but not for ever, nor free them. */
TEST_F(shared, unmounted_while_pinned)
{
	struct iovec v = { self->at + PAGE, 4 * PAGE };
	unsigned char seen[4 * PAGE];
	int fds[2], status;
	pid_t pid;

	ASSERT_EQ(0, pipe(fds));
	ASSERT_EQ(4 * PAGE, vmsplice(fds[1], &v, 1, 0));
	ASSERT_EQ(0, munmap(self->at, SIZE));
	close(self->fd);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		close(fds[0]);
		close(fds[1]);
		_exit(-unmount(NULL));
	}
	sched_yield();
	EXPECT_EQ(4 * PAGE, read(fds[0], seen, 4 * PAGE));
	EXPECT_EQ(-1, first_difference(self->must + PAGE, seen, 4 * PAGE));
	close(fds[0]);
	close(fds[1]);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0, mount_famfs());
}

/* What was stored is written back once, and what was not is not. */
TEST_F(shared, written_back)
{
	int event = event_open("fs_dax/dax_writeback_one", NULL);

	if (event < 0)
		SKIP(return, "no trace events of fs_dax: %s", strerror(-event));
	EXPECT_EQ(0, touch(self->at, false));
	EXPECT_EQ(0, ERR(fsync(self->fd)));
	EXPECT_EQ(0, event_count(event));
	EXPECT_EQ(0, touch(self->at, true));
	EXPECT_EQ(0, ERR(fsync(self->fd)));
	EXPECT_EQ(1, event_count(event));
	EXPECT_EQ(0, ERR(fsync(self->fd)));
	EXPECT_EQ(1, event_count(event));
	EXPECT_EQ(0, touch(self->at, true));
	EXPECT_EQ(0, touch(self->at + 2 * MiB, true));
	EXPECT_EQ(0, ERR(fdatasync(self->fd)));
	EXPECT_EQ(3, event_count(event));
	EXPECT_EQ(0, touch(self->at, true));
	EXPECT_EQ(0, ERR(msync(self->at + 2 * MiB, 2 * MiB, MS_SYNC)));
	EXPECT_EQ(3, event_count(event));
	EXPECT_EQ(0, ERR(msync(self->at, PAGE, MS_SYNC)));
	EXPECT_EQ(4, event_count(event));
	EXPECT_EQ(0, touch(self->at, true));
	EXPECT_EQ(0, ERR(sync_file_range(self->fd, 0, SIZE,
					 SYNC_FILE_RANGE_WRITE_AND_WAIT)));
	EXPECT_EQ(5, event_count(event));
	/* O_SYNC is fsync(2) in the write, for what it wrote. */
	EXPECT_EQ(0, touch(self->at, true));
	close(self->fd);
	self->fd = open(ROOT "/file", O_RDWR | O_SYNC);
	ASSERT_LE(0, self->fd);
	EXPECT_EQ(5, pwrite(self->fd, "bytes", 5, 0));
	EXPECT_EQ(6, event_count(event));
}

/* The block layer passes a flush on to those disks only that have a cache. */
static bool has_cache(const char *disk)
{
	char path[128], cache[32];

	snprintf(path, sizeof(path), "/sys/block/%s/queue/write_cache",
		 strrchr(disk, '/') + 1);
	return !read_text(path, cache, sizeof(cache)) &&
	       !strcmp(cache, "write back");
}

/* Memory behind a disk may have buffers of its own: these are emptied, too. */
TEST_F(shared, disks_are_flushed)
{
	const char *paths[FAMFS_MAX_DAXDEVS], *disk = NULL;
	int n = devices(paths, FAMFS_MAX_DAXDEVS), event;

	for (int i = 0; i < n && !disk; i++)
		if (has_cache(paths[i]))
			disk = paths[i];
	if (!disk)
		SKIP(return, "no device is a block device with a cache");
	event = event_open("block/block_bio_queue", "rwbs ~ \"F*\"");
	if (event < 0)
		SKIP(return, "no trace events of disks: %s", strerror(-event));
	if (strcmp(disk, device()))
		ASSERT_EQ(0, daxdev_open(self->fd, 1, disk));

	EXPECT_EQ(0, touch(self->at, true));
	EXPECT_EQ(SIZE, pread(self->fd, self->must, SIZE, 0));
	EXPECT_EQ(SIZE, pwrite(self->fd, self->must, SIZE, 0));
	EXPECT_EQ(0, event_count(event));
	EXPECT_EQ(0, ERR(fsync(self->fd)));
	EXPECT_EQ(1, event_count(event));
	EXPECT_EQ(0, ERR(fdatasync(self->fd)));
	EXPECT_EQ(2, event_count(event));
	EXPECT_EQ(0, ERR(msync(self->at, SIZE, MS_SYNC)));
	EXPECT_EQ(3, event_count(event));
	/* O_SYNC is fsync(2) in the write. */
	close(self->fd);
	self->fd = open(ROOT "/file", O_RDWR | O_SYNC);
	ASSERT_LE(0, self->fd);
	EXPECT_EQ(5, pwrite(self->fd, "bytes", 5, 0));
	EXPECT_EQ(4, event_count(event));
	EXPECT_EQ(5, pread(self->fd, self->must, 5, 0));
	EXPECT_EQ(4, event_count(event));
}

/* A descriptor for direct I/O on a file system of a disk, or -1. */
static int direct_file(void)
{
	static const char * const dirs[] = { "/var/tmp", "/root", "/" };
	struct statfs st;
	int fd;

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		fd = open(dirs[i], O_TMPFILE | O_RDWR | O_DIRECT, 0600);
		if (fd < 0)
			continue;
		/* tmpfs and ramfs take the flag and do not heed it. */
		if (!fstatfs(fd, &st) && st.f_type != 0x01021994 &&
		    st.f_type != 0x858458f6)
			return fd;
		close(fd);
	}
	return -1;
}

TEST_F(shared, direct_input_and_output)
{
	int fd = direct_file();

	if (fd < 0)
		SKIP(return, "no other file system takes O_DIRECT");
	/* The disk reads from the file's pages ... */
	EXPECT_EQ(SIZE, pwrite(fd, self->at, SIZE, 0));
	memset(self->at, 0, SIZE);
	/* ... and writes to them. */
	EXPECT_EQ(SIZE, pread(fd, self->at, SIZE, 0));
	EXPECT_EQ(-1, first_difference(self->must, self->at, SIZE));
	EXPECT_FILE();
}

static int poke_parent(void *arg)
{
	struct iovec local = { "poked", 5 };
	struct iovec remote = { (char *)arg + PAGE, 5 };

	return process_vm_writev(getppid(), &local, 1, &remote, 1, 0) == 5 ?
	       0 : -errno;
}

TEST_F(shared, accessed_by_another_process)
{
	EXPECT_EQ(0, in_child(poke_parent, self->at));
	memcpy(self->must + PAGE, "poked", 5);
	EXPECT_EQ(-1, first_difference(self->must, self->at, SIZE));
	EXPECT_FILE();
}

struct toucher {
	pthread_barrier_t *start;
	char *at;
	int number;
	bool wrong;
	const unsigned char *must;
};

static void *touch_all(void *arg)
{
	struct toucher *t = arg;

	pthread_barrier_wait(t->start);
	for (size_t i = 0; i < SIZE; i += PAGE) {
		if (memcmp(t->at + i + 64, t->must + i + 64, PAGE - 64))
			t->wrong = true;
		t->at[i + t->number] = t->number;
	}
	return NULL;
}

TEST_F(shared, many_threads_fault_at_once)
{
	struct toucher touchers[8];
	pthread_barrier_t start;
	pthread_t threads[8];
	char *at;

	for (int round = 0; round < 4; round++) {
		at = map_shared(self->fd, SIZE);
		ASSERT_NE(MAP_FAILED, at);
		pthread_barrier_init(&start, NULL, 8);
		for (int i = 0; i < 8; i++) {
			touchers[i] = (struct toucher) {
				.start = &start,
				.at = at,
				.number = i,
				.must = self->must,
			};
			ASSERT_EQ(0, pthread_create(&threads[i], NULL,
						    touch_all, &touchers[i]));
		}
		for (int i = 0; i < 8; i++) {
			pthread_join(threads[i], NULL);
			EXPECT_FALSE(touchers[i].wrong);
		}
		munmap(at, SIZE);
	}
	for (size_t i = 0; i < SIZE; i += PAGE) {
		for (int k = 0; k < 8; k++)
			self->must[i + k] = k;
	}
	EXPECT_EQ(-1, first_difference(self->must, self->at, SIZE));
	EXPECT_FILE();
}

/* The plainest use of a private mapping. */
TEST_F(mapping, programs_run_from_it)
{
	static char bytes[4 * MiB];
	int from, fd, status;
	ssize_t len;
	pid_t pid;

	from = open("/bin/true", O_RDONLY);
	if (from < 0)
		SKIP(return, "no /bin/true");
	len = read(from, bytes, sizeof(bytes));
	ASSERT_LT(0, len);
	fd = create_at(ROOT "/true", UNALIGNED, len);
	ASSERT_LE(0, fd);
	ASSERT_EQ(len, write(fd, bytes, len));
	ASSERT_EQ(0, fchmod(fd, 0755));
	close(fd);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		execl(ROOT "/true", "true", NULL);
		_exit(127);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
