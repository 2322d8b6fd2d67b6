// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Files that lose their names, where the mount allows it: who has them open or
 * mapped keeps them, and only then their memory is there for others.
 */
#include <pthread.h>
#include <sys/uio.h>
#include <time.h>

#include "famfs_harness.h"

#define START		(16 * MiB)
#define LEN		(4 * MiB)

/* A file without a name lives on for as long as anybody has it. */
FIXTURE(nameless) {
	int dir;
	int fd;
	unsigned char *at;
	__u64 before;
};

FIXTURE_VARIANT(nameless) {
	bool by_rename;		/* which takes the name, else unlink */
	bool descriptor;	/* is what keeps the file */
	bool mapping;
};

FIXTURE_VARIANT_ADD(nameless, open)
{
	.descriptor = true,
};

FIXTURE_VARIANT_ADD(nameless, mapped)
{
	.mapping = true,
};

FIXTURE_VARIANT_ADD(nameless, open_and_mapped)
{
	.descriptor = true,
	.mapping = true,
};

FIXTURE_VARIANT_ADD(nameless, renamed_over)
{
	.by_rename = true,
	.descriptor = true,
	.mapping = true,
};

FIXTURE_SETUP(nameless)
{
	ASSERT_EQ(0, private_mounts());
	ASSERT_EQ(0, mount_famfs());
	self->dir = open(ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ASSERT_LT(0, opts(self->dir, FAMFSIOC_SET_OPTS, FAMFS_OPTS_ALL));
	self->before = free_blocks();
	self->fd = create_at(ROOT "/file", START, LEN);
	ASSERT_LE(0, self->fd);
	self->at = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_SHARED,
			self->fd, 0);
	ASSERT_NE(MAP_FAILED, self->at);
	/* 2 MiB at once, and a page, if there is a write before it. */
	self->at[0] = 'a';
	self->at[LEN - 1] = 'z';
}

FIXTURE_TEARDOWN_PARENT(nameless)
{
	EXPECT_CLEAN_LOG();
}

TEST_F(nameless, keeps_its_memory_until_the_last_close)
{
	struct stat st;
	char byte;
	int fd;

	if (variant->by_rename) {
		ASSERT_LE(0, create_empty(ROOT "/other"));
		ASSERT_EQ(0, ERR(rename(ROOT "/other", ROOT "/file")));
	} else {
		ASSERT_EQ(0, ERR(unlink(ROOT "/file")));
	}
	ASSERT_EQ(0, fstat(self->fd, &st));
	EXPECT_EQ(0, st.st_nlink);
	EXPECT_EQ(LEN, st.st_size);
	if (!variant->mapping)
		ASSERT_EQ(0, munmap(self->at, LEN));
	if (!variant->descriptor)
		close(self->fd);

	EXPECT_EQ(self->before - LEN / PAGE, free_blocks());
	EXPECT_EQ(-EADDRINUSE, create_at(ROOT "/a", START, PAGE));
	EXPECT_EQ(-EADDRINUSE, create_at(ROOT "/b", START + LEN - PAGE, PAGE));
	if (variant->descriptor) {
		EXPECT_EQ(1, pread(self->fd, &byte, 1, 0));
		EXPECT_EQ('a', byte);
		EXPECT_EQ(1, pwrite(self->fd, "y", 1, LEN - 1));
		EXPECT_EQ(0, ERR(fsync(self->fd)));
	}
	if (variant->mapping) {
		EXPECT_EQ('a', self->at[0]);
		self->at[PMD] = 'b';
		ASSERT_EQ(0, munmap(self->at, PMD));
		EXPECT_EQ('b', self->at[PMD]);
	}
	EXPECT_EQ(self->before - LEN / PAGE, free_blocks());

	if (variant->mapping)
		ASSERT_EQ(0, munmap(self->at + PMD, LEN - PMD));
	if (variant->descriptor)
		close(self->fd);
	EXPECT_EQ(self->before, free_blocks());
	fd = create_at(ROOT "/new", START, LEN);
	ASSERT_LE(0, fd);
	/* Nothing cleans the memory: it may be a file on another machine. */
	EXPECT_EQ(1, pread(fd, &byte, 1, 0));
	EXPECT_EQ('a', byte);
	self->at = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, self->at);
	self->at[0] = 'c';
	EXPECT_EQ(1, pread(fd, &byte, 1, 0));
	EXPECT_EQ('c', byte);
}

FIXTURE(memory) {
};

FIXTURE_SETUP(memory)
{
	ASSERT_EQ(0, private_mounts());
	ASSERT_EQ(0, mount_famfs());
}

FIXTURE_TEARDOWN_PARENT(memory)
{
	EXPECT_CLEAN_LOG();
}

/* The same memory, a file after the other, with small and large pages. */
TEST_F(memory, changes_hands)
{
	static const __u64 offsets[] = {
		START, START + PAGE, START + MiB, START - MiB,
	};
	__u64 before = free_blocks();
	volatile unsigned char *at;
	int fd;

	fd = open(ROOT, O_RDONLY | O_DIRECTORY);
	ASSERT_LT(0, opts(fd, FAMFSIOC_SET_OPTS, FAMFS_OPT_UNLINK));
	close(fd);
	for (int round = 0; round < 40; round++) {
		fd = create_at(ROOT "/file", offsets[round % 4], LEN);
		ASSERT_LE(0, fd);
		at = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			  0);
		ASSERT_NE(MAP_FAILED, at);
		for (__u64 pos = 0; pos < LEN; pos += LEN / 8)
			at[pos] = round;
		if (round % 2)
			ASSERT_EQ(1, pwrite(fd, "x", 1, LEN - 1));
		ASSERT_EQ(0, ERR(unlink(ROOT "/file")));
		if (round % 3)
			close(fd);
		ASSERT_EQ(0, munmap((void *)at, LEN));
		if (round % 3 == 0)
			close(fd);
		ASSERT_EQ(before, free_blocks());
	}
}

static void *close_file(void *fd)
{
	close(*(int *)fd);
	return NULL;
}

/* A pipe has a page of a file that nobody else has any more. */
TEST_F(memory, stays_while_a_pipe_has_it)
{
	const struct timespec some = { .tv_nsec = 10000000 };
	__u64 before = free_blocks();
	unsigned char *at, byte;
	pthread_t closer;
	struct iovec v;
	int fd, pipes[2];

	fd = open(ROOT, O_RDONLY | O_DIRECTORY);
	ASSERT_LT(0, opts(fd, FAMFSIOC_SET_OPTS, FAMFS_OPT_UNLINK));
	close(fd);
	ASSERT_EQ(0, pipe(pipes));
	fd = create_at(ROOT "/file", START, LEN);
	ASSERT_LE(0, fd);
	at = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, at);
	at[MiB] = 'p';
	v.iov_base = at + MiB;
	v.iov_len = 1;
	ASSERT_EQ(1, vmsplice(pipes[1], &v, 1, 0));
	ASSERT_EQ(0, ERR(unlink(ROOT "/file")));
	ASSERT_EQ(0, munmap(at, LEN));
	/* The last close waits until the pipe is empty. */
	ASSERT_EQ(0, pthread_create(&closer, NULL, close_file, &fd));
	for (int i = 0; i < 30; i++) {
		nanosleep(&some, NULL);
		ASSERT_EQ(before - LEN / PAGE, free_blocks());
	}
	EXPECT_EQ(-EADDRINUSE, create_at(ROOT "/other", START, PAGE));
	ASSERT_EQ(1, read(pipes[0], &byte, 1));
	EXPECT_EQ('p', byte);
	ASSERT_EQ(0, pthread_join(closer, NULL));
	EXPECT_EQ(before, free_blocks());
	EXPECT_LE(0, create_at(ROOT "/again", START, LEN));
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
