// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The data of files, as the rest of the system sees them: where they lie, how
 * much room they take, io_uring, debuggers, copies to and from other file
 * systems, and all the calls that would change their size.
 */
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/io_uring.h>
#include <sys/ptrace.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "famfs_harness.h"

#define FILE_PATH	ROOT "/file"

/* Five extents on the device, of which the second goes on where the first
 * ends, and the last is not needed to its end.
 */
static const struct span spans[] = {
	{ 32 * MiB, 2 * MiB },
	{ 34 * MiB, 64 * PAGE },
	{ 20 * MiB + PAGE, 3 * PAGE },
	{ 64 * MiB, 2 * MiB },
	{ 24 * MiB, 4 * PAGE },
};

#define SIZE	(4 * MiB + 69 * PAGE + 1000)
#define TAKEN	(4 * MiB + 71 * PAGE)

FIXTURE(data) {
	int fd;
	unsigned char *must;
	unsigned char *seen;
};

FIXTURE_SETUP(data)
{
	ASSERT_EQ(0, private_mounts());
	ASSERT_EQ(0, mount_famfs());
	self->must = malloc(SIZE + PAGE);
	self->seen = malloc(SIZE + PAGE);
	fill(self->must, SIZE, 1);
	self->fd = create_spans(FILE_PATH, SIZE, spans, ARRAY_SIZE(spans));
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(SIZE, pwrite(self->fd, self->must, SIZE, 0));
}

FIXTURE_TEARDOWN_PARENT(data)
{
	EXPECT_CLEAN_LOG();
}

#define EXPECT_INTACT() do {						\
	struct stat __st;						\
									\
	EXPECT_EQ(0, fstat(self->fd, &__st));				\
	EXPECT_EQ(SIZE, __st.st_size);					\
	EXPECT_EQ(SIZE, pread(self->fd, self->seen, SIZE + PAGE, 0));	\
	EXPECT_EQ(-1, first_difference(self->must, self->seen, SIZE));	\
} while (0)

TEST_F(data, there_are_no_holes)
{
	const off_t within[] = { 0, 1, PAGE, 2 * MiB, SIZE - 1 };
	int fd;

	for (size_t i = 0; i < ARRAY_SIZE(within); i++) {
		EXPECT_EQ(within[i], lseek(self->fd, within[i], SEEK_DATA));
		EXPECT_EQ(SIZE, lseek(self->fd, within[i], SEEK_HOLE));
	}
	EXPECT_EQ(7, lseek(self->fd, 7, SEEK_SET));
	EXPECT_EQ(-ENXIO, ERR(lseek(self->fd, SIZE, SEEK_DATA)));
	EXPECT_EQ(-ENXIO, ERR(lseek(self->fd, SIZE, SEEK_HOLE)));
	EXPECT_EQ(-ENXIO, ERR(lseek(self->fd, 1LL << 50, SEEK_DATA)));
	EXPECT_EQ(-ENXIO, ERR(lseek(self->fd, -1, SEEK_HOLE)));
	EXPECT_EQ(-EINVAL, ERR(lseek(self->fd, 0, 77)));
	/* What fails leaves the position alone */
	EXPECT_EQ(7, lseek(self->fd, 0, SEEK_CUR));
	EXPECT_EQ(SIZE + 5, lseek(self->fd, 5, SEEK_END));
	EXPECT_EQ(0, read(self->fd, self->seen, 1));
	fd = create_empty(ROOT "/empty");
	ASSERT_LE(0, fd);
	EXPECT_EQ(-ENXIO, ERR(lseek(fd, 0, SEEK_DATA)));
	EXPECT_EQ(-ENXIO, ERR(lseek(fd, 0, SEEK_HOLE)));
}

struct fiemap_list {
	struct fiemap head;
	struct fiemap_extent extent[8];
};

static int fiemap(int fd, __u64 start, __u64 len, __u32 flags, __u32 room,
		  struct fiemap_list *list)
{
	memset(list, 0, sizeof(*list));
	list->head.fm_start = start;
	list->head.fm_length = len;
	list->head.fm_flags = flags;
	list->head.fm_extent_count = room;
	return ERR(ioctl(fd, FS_IOC_FIEMAP, list));
}

/* What the map says, with neighbours as one, and in whole pages. */
static const struct fiemap_extent extents[] = {
	{ .fe_logical = 0, .fe_physical = 32 * MiB,
	  .fe_length = 2 * MiB + 64 * PAGE },
	{ .fe_logical = 2 * MiB + 64 * PAGE, .fe_physical = 20 * MiB + PAGE,
	  .fe_length = 3 * PAGE },
	{ .fe_logical = 2 * MiB + 67 * PAGE, .fe_physical = 64 * MiB,
	  .fe_length = 2 * MiB },
	{ .fe_logical = 4 * MiB + 67 * PAGE, .fe_physical = 24 * MiB,
	  .fe_length = 4 * PAGE, .fe_flags = FIEMAP_EXTENT_LAST },
};

static bool same(struct fiemap_extent want, struct fiemap_extent seen)
{
	return want.fe_logical == seen.fe_logical &&
	       want.fe_physical == seen.fe_physical &&
	       want.fe_length == seen.fe_length &&
	       want.fe_flags == seen.fe_flags;
}

TEST_F(data, fiemap_is_the_map)
{
	struct fiemap_list list;
	int fd;

	ASSERT_EQ(0, fiemap(self->fd, 0, SIZE, 0, 8, &list));
	ASSERT_EQ(ARRAY_SIZE(extents), list.head.fm_mapped_extents);
	for (size_t i = 0; i < ARRAY_SIZE(extents); i++)
		EXPECT_TRUE(same(extents[i], list.extent[i]));
	ASSERT_EQ(0, fiemap(self->fd, 0, FIEMAP_MAX_OFFSET, FIEMAP_FLAG_SYNC,
			    8, &list));
	EXPECT_EQ(ARRAY_SIZE(extents), list.head.fm_mapped_extents);

	/* Only to count, not all, and a part in the middle */
	ASSERT_EQ(0, fiemap(self->fd, 0, SIZE, 0, 0, &list));
	EXPECT_EQ(ARRAY_SIZE(extents), list.head.fm_mapped_extents);
	ASSERT_EQ(0, fiemap(self->fd, 0, SIZE, 0, 2, &list));
	ASSERT_EQ(2, list.head.fm_mapped_extents);
	EXPECT_TRUE(same(extents[1], list.extent[1]));
	ASSERT_EQ(0, fiemap(self->fd, 2 * MiB + 65 * PAGE, 1, 0, 8, &list));
	ASSERT_EQ(1, list.head.fm_mapped_extents);
	/* The last one of those that were asked for */
	EXPECT_EQ(FIEMAP_EXTENT_LAST, list.extent[0].fe_flags);
	list.extent[0].fe_flags = 0;
	EXPECT_TRUE(same(extents[1], list.extent[0]));
	ASSERT_EQ(0, fiemap(self->fd, TAKEN, MiB, 0, 8, &list));
	EXPECT_EQ(0, list.head.fm_mapped_extents);

	EXPECT_EQ(-EBADR, fiemap(self->fd, 0, SIZE, FIEMAP_FLAG_XATTR, 8,
				 &list));
	EXPECT_EQ(-EINVAL, fiemap(self->fd, 0, 0, 0, 8, &list));
	fd = create_empty(ROOT "/empty");
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fiemap(fd, 0, FIEMAP_MAX_OFFSET, 0, 8, &list));
	EXPECT_EQ(0, list.head.fm_mapped_extents);
}

/* Chunk by chunk, of strips that lie the other way round on the device. */
TEST_F(data, fiemap_of_an_interleaved_file)
{
	const __u64 chunk = 4 * PAGE, size = 7 * chunk + PAGE + 100;
	const struct famfs_fmap_simple strips[] = {
		{ .offset = 112 * MiB, .len = 3 * chunk },
		{ .offset = 104 * MiB + PAGE, .len = 3 * chunk },
		{ .offset = 96 * MiB, .len = 2 * chunk },
	};
	const struct stripe stripe = { chunk, size, 3, strips };
	struct fiemap_list list;
	int fd;

	fd = create_empty(ROOT "/striped");
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, map_create(fd, fmap_striped(size, &stripe, 1)));
	ASSERT_EQ(0, fiemap(fd, 0, FIEMAP_MAX_OFFSET, 0, 8, &list));
	ASSERT_EQ(8, list.head.fm_mapped_extents);
	for (__u64 c = 0; c < 8; c++) {
		const struct fiemap_extent want = {
			.fe_logical = c * chunk,
			.fe_physical = strips[c % 3].offset + c / 3 * chunk,
			/* In whole pages. */
			.fe_length = c < 7 ? chunk : 2 * PAGE,
			.fe_flags = c < 7 ? 0 : FIEMAP_EXTENT_LAST,
		};

		EXPECT_TRUE(same(want, list.extent[c])) {
			TH_LOG("chunk %llu: %llu bytes at %llu, flags %#x", c,
			       list.extent[c].fe_length,
			       list.extent[c].fe_physical,
			       list.extent[c].fe_flags);
		}
	}
	/* From within a chunk to within the next. */
	ASSERT_EQ(0, fiemap(fd, 3 * chunk - 1, 2, 0, 8, &list));
	ASSERT_EQ(2, list.head.fm_mapped_extents);
	EXPECT_EQ(strips[2].offset, list.extent[0].fe_physical);
	EXPECT_EQ(strips[0].offset + chunk, list.extent[1].fe_physical);
}

/* And so in the words of filefrag */
TEST_F(data, filefrag_prints_the_map)
{
	FILE *out = popen("filefrag -v " FILE_PATH " 2>&1", "r");
	unsigned long long n, from, to, at, end;
	char line[256];
	size_t i = 0;

	ASSERT_NE(NULL, out);
	while (fgets(line, sizeof(line), out)) {
		if (sscanf(line, " %llu: %llu.. %llu: %llu.. %llu:", &n, &from,
			   &to, &at, &end) != 5)
			continue;
		ASSERT_GT(ARRAY_SIZE(extents), i);
		EXPECT_EQ(extents[i].fe_logical, from * PAGE);
		EXPECT_EQ(extents[i].fe_length, (to - from + 1) * PAGE);
		EXPECT_EQ(extents[i].fe_physical, at * PAGE);
		EXPECT_EQ(to - from, end - at);
		i++;
	}
	if (WEXITSTATUS(pclose(out)) == 127)
		SKIP(return, "there is no filefrag");
	EXPECT_EQ(ARRAY_SIZE(extents), i);
}

static __u64 number_of(const char *command)
{
	FILE *out = popen(command, "r");
	unsigned long long n = 0;

	if (!out || fscanf(out, "%llu", &n) != 1)
		n = -1ULL;
	if (out)
		pclose(out);
	return n;
}

TEST_F(data, takes_the_room_that_it_takes)
{
	struct statfs before, after;
	struct statx x;
	struct stat st;
	int fd;

	ASSERT_EQ(0, fstat(self->fd, &st));
	EXPECT_EQ(TAKEN / 512, st.st_blocks);
	EXPECT_EQ(PAGE, st.st_blksize);
	EXPECT_EQ(TAKEN / 1024, number_of("du -k " FILE_PATH));
	EXPECT_EQ(SIZE, number_of("du --apparent-size -b " FILE_PATH));
	ASSERT_EQ(0, ERR(statx(self->fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS,
			       &x)));
	EXPECT_TRUE(x.stx_attributes & STATX_ATTR_DAX);
	EXPECT_TRUE(x.stx_attributes_mask & STATX_ATTR_DAX);
	EXPECT_EQ(SIZE, x.stx_size);
	EXPECT_EQ(TAKEN / 512, x.stx_blocks);

	ASSERT_EQ(0, statfs(ROOT, &before));
	EXPECT_EQ(device_size(device()) / PAGE, before.f_blocks);
	EXPECT_EQ(before.f_blocks - TAKEN / PAGE, before.f_bfree);
	EXPECT_EQ(before.f_bfree, before.f_bavail);
	EXPECT_EQ(TAKEN / 1024, number_of("df -k --output=used " ROOT
					  " | tail -n 1"));
	fd = create_at(ROOT "/more", 128 * MiB, MiB + 1);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fstatfs(fd, &after));
	EXPECT_EQ(before.f_bfree - 257, after.f_bfree);
	EXPECT_EQ(before.f_blocks, after.f_blocks);
	if (device2()) {
		ASSERT_EQ(0, daxdev_open(fd, 9, device2()));
		ASSERT_EQ(0, fstatfs(fd, &after));
		EXPECT_EQ((device_size(device()) + device_size(device2())) /
			  PAGE, after.f_blocks);
	}
}

/* One ring, one operation at a time, by the system calls alone. */
struct ring {
	int fd;
	struct io_uring_params params;
	unsigned char *sq, *cq;
	struct io_uring_sqe *sqes;
};

static int ring_open(struct ring *r)
{
	memset(&r->params, 0, sizeof(r->params));
	r->fd = syscall(__NR_io_uring_setup, 8, &r->params);
	if (r->fd < 0)
		return -errno;
	r->sq = mmap(NULL, r->params.sq_off.array + 8 * sizeof(__u32),
		     PROT_READ | PROT_WRITE, MAP_SHARED, r->fd,
		     IORING_OFF_SQ_RING);
	r->cq = mmap(NULL, r->params.cq_off.cqes +
		     r->params.cq_entries * sizeof(struct io_uring_cqe),
		     PROT_READ | PROT_WRITE, MAP_SHARED, r->fd,
		     IORING_OFF_CQ_RING);
	r->sqes = mmap(NULL, 8 * sizeof(*r->sqes), PROT_READ | PROT_WRITE,
		       MAP_SHARED, r->fd, IORING_OFF_SQES);
	return r->sq == MAP_FAILED || r->cq == MAP_FAILED ||
	       r->sqes == MAP_FAILED ? -ENOMEM : 0;
}

/* Do one operation, and give what came of it. */
static int ring_do(struct ring *r, int op, int fd, void *buffer, __u32 len,
		   __u64 offset, int sqe_flags)
{
	__u32 *tail = (void *)(r->sq + r->params.sq_off.tail);
	__u32 *mask = (void *)(r->sq + r->params.sq_off.ring_mask);
	__u32 *array = (void *)(r->sq + r->params.sq_off.array);
	__u32 *head = (void *)(r->cq + r->params.cq_off.head);
	__u32 *cq_mask = (void *)(r->cq + r->params.cq_off.ring_mask);
	struct io_uring_cqe *cqes = (void *)(r->cq + r->params.cq_off.cqes);
	__u32 at = *tail & *mask;
	int res;

	memset(&r->sqes[at], 0, sizeof(*r->sqes));
	r->sqes[at].opcode = op;
	r->sqes[at].flags = sqe_flags;
	r->sqes[at].fd = fd;
	r->sqes[at].addr = (unsigned long)buffer;
	r->sqes[at].len = len;
	r->sqes[at].off = offset;
	array[at] = at;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	if (syscall(__NR_io_uring_enter, r->fd, 1, 1, IORING_ENTER_GETEVENTS,
		    NULL, 0) != 1)
		return -errno;
	res = cqes[*head & *cq_mask].res;
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	return res;
}

FIXTURE(uring) {
	int fd;
	struct ring ring;
	unsigned char *must;
	unsigned char *seen;
};

FIXTURE_VARIANT(uring) {
	int flags;
	int sqe_flags;
};

FIXTURE_VARIANT_ADD(uring, plain) {
};

FIXTURE_VARIANT_ADD(uring, direct) {
	.flags = O_DIRECT,
};

/* By a worker, who may wait */
FIXTURE_VARIANT_ADD(uring, async) {
	.sqe_flags = IOSQE_ASYNC,
};

FIXTURE_SETUP(uring)
{
	int rc = ring_open(&self->ring);

	if (rc)
		SKIP(return, "no io_uring: %s", strerror(-rc));
	ASSERT_EQ(0, private_mounts());
	ASSERT_EQ(0, mount_famfs());
	self->must = malloc(SIZE);
	self->seen = malloc(SIZE + PAGE);
	fill(self->must, SIZE, 1);
	close(create_spans(FILE_PATH, SIZE, spans, ARRAY_SIZE(spans)));
	self->fd = open(FILE_PATH, O_RDWR | variant->flags);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN_PARENT(uring)
{
	EXPECT_CLEAN_LOG();
}

TEST_F(uring, reads_and_writes)
{
	struct ring *r = &self->ring;
	int f = variant->sqe_flags;
	struct iovec v[2] = {
		{ self->seen, 1001 }, { self->seen + 1001, 5000 },
	};

	EXPECT_EQ(SIZE, ring_do(r, IORING_OP_WRITE, self->fd, self->must, SIZE,
				0, f));
	EXPECT_EQ(SIZE, ring_do(r, IORING_OP_READ, self->fd, self->seen,
				SIZE + PAGE, 0, f));
	EXPECT_EQ(-1, first_difference(self->must, self->seen, SIZE));
	EXPECT_EQ(6001, ring_do(r, IORING_OP_READV, self->fd, v, 2, 777, f));
	EXPECT_EQ(-1, first_difference(self->must + 777, self->seen, 6001));
	/* Odd places and lengths, direct or not */
	fill(self->must + 4095, 7, 2);
	EXPECT_EQ(7, ring_do(r, IORING_OP_WRITE, self->fd, self->must + 4095,
			     7, 4095, f));
	EXPECT_EQ(9, ring_do(r, IORING_OP_READ, self->fd, self->seen, 9, 4094,
			     f));
	EXPECT_EQ(-1, first_difference(self->must + 4094, self->seen, 9));
	/* The end of the file */
	EXPECT_EQ(0, ring_do(r, IORING_OP_READ, self->fd, self->seen, 9, SIZE,
			     f));
	EXPECT_EQ(5, ring_do(r, IORING_OP_READ, self->fd, self->seen, 9,
			     SIZE - 5, f));
	EXPECT_EQ(-ENOSPC, ring_do(r, IORING_OP_WRITE, self->fd, self->must,
				   9, SIZE, f));
	EXPECT_EQ(5, ring_do(r, IORING_OP_WRITE, self->fd,
			     self->must + SIZE - 5, 9, SIZE - 5, f));
	EXPECT_EQ(0, ring_do(r, IORING_OP_FSYNC, self->fd, NULL, 0, 0, f));
	EXPECT_EQ(-EFAULT, ring_do(r, IORING_OP_READ, self->fd, (void *)16, 9,
				   0, f));
	EXPECT_EQ(SIZE, pread(self->fd, self->seen, SIZE, 0));
	EXPECT_EQ(-1, first_difference(self->must, self->seen, SIZE));
}

/* Into and out of buffers that are registered once */
TEST_F(uring, fixed_buffers)
{
	struct iovec v = { self->seen, SIZE };
	struct ring *r = &self->ring;
	int f = variant->sqe_flags;

	ASSERT_EQ(SIZE, pwrite(self->fd, self->must, SIZE, 0));
	ASSERT_EQ(0, ERR(syscall(__NR_io_uring_register, r->fd,
				 IORING_REGISTER_BUFFERS, &v, 1)));
	memset(self->seen, 0, SIZE);
	EXPECT_EQ(SIZE, ring_do(r, IORING_OP_READ_FIXED, self->fd, self->seen,
				SIZE, 0, f));
	EXPECT_EQ(-1, first_difference(self->must, self->seen, SIZE));
	fill(self->seen + 500, 10000, 3);
	memcpy(self->must + 500, self->seen + 500, 10000);
	EXPECT_EQ(10000, ring_do(r, IORING_OP_WRITE_FIXED, self->fd,
				 self->seen + 500, 10000, 500, f));
	memset(self->seen, 0, SIZE);
	EXPECT_EQ(SIZE, pread(self->fd, self->seen, SIZE, 0));
	EXPECT_EQ(-1, first_difference(self->must, self->seen, SIZE));
}

/* The buffer is a mapping of a file on famfs itself */
TEST_F(uring, buffers_on_famfs)
{
	int f = variant->sqe_flags, other = create_at(ROOT "/other", 96 * MiB,
						      SIZE);
	struct ring *r = &self->ring;
	unsigned char *at;

	ASSERT_LE(0, other);
	at = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, other, 0);
	ASSERT_NE(MAP_FAILED, at);
	memcpy(at, self->must, SIZE);
	EXPECT_EQ(SIZE, ring_do(r, IORING_OP_WRITE, self->fd, at, SIZE, 0, f));
	memset(at, 0, SIZE);
	EXPECT_EQ(SIZE, ring_do(r, IORING_OP_READ, self->fd, at, SIZE, 0, f));
	EXPECT_EQ(SIZE, pread(other, self->seen, SIZE, 0));
	EXPECT_EQ(-1, first_difference(self->must, self->seen, SIZE));
}

/* In a child of its own: stop, so that the other may look and store. */
static pid_t stopped_child(void)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	return pid;
}

TEST_F(data, debuggers_see_and_change_it)
{
	unsigned char *shared, *private;
	pid_t pid;
	long word;

	shared = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, self->fd,
		      0);
	private = mmap(NULL, SIZE, PROT_READ, MAP_PRIVATE, self->fd, 0);
	ASSERT_NE(MAP_FAILED, shared);
	ASSERT_NE(MAP_FAILED, private);
	pid = stopped_child();
	memcpy(&word, self->must + 3 * MiB, sizeof(word));
	EXPECT_EQ(word, ptrace(PTRACE_PEEKDATA, pid, shared + 3 * MiB, NULL));
	EXPECT_EQ(word, ptrace(PTRACE_PEEKDATA, pid, private + 3 * MiB, NULL));
	EXPECT_EQ(0, ptrace(PTRACE_POKEDATA, pid, shared + 3 * MiB,
			    (void *)~word));
	/* As to set a breakpoint: the file does not change */
	EXPECT_EQ(0, ptrace(PTRACE_POKEDATA, pid, private, (void *)~word));
	EXPECT_EQ(~word, ptrace(PTRACE_PEEKDATA, pid, private, NULL));
	EXPECT_EQ(0, ptrace(PTRACE_CONT, pid, NULL, NULL));
	waitpid(pid, NULL, 0);
	word = ~word;
	memcpy(self->must + 3 * MiB, &word, sizeof(word));
	EXPECT_INTACT();
}

/* A file system of a disk, or of the page cache */
static int other_file(const char *dir)
{
	return open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

static bool copy_all(int from, int to)
{
	off_t in = 0;

	if (lseek(to, 0, SEEK_SET))
		return false;
	while (in < (off_t)SIZE)
		if (sendfile(to, from, &in, SIZE - in) <= 0)
			return false;
	return true;
}

TEST_F(data, copies_to_and_from_other_file_systems)
{
	static const char * const dirs[] = { SCRATCH, "/root", "/var/tmp" };
	int out = create_at(ROOT "/copy", 96 * MiB, SIZE);

	ASSERT_LE(0, out);
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		int other = other_file(dirs[i]);

		if (other < 0)
			continue;
		EXPECT_TRUE(copy_all(self->fd, other)) {
			TH_LOG("to %s: %s", dirs[i], strerror(errno));
		}
		memset(self->seen, 0, SIZE);
		EXPECT_EQ(SIZE, pread(other, self->seen, SIZE, 0));
		EXPECT_EQ(-1, first_difference(self->must, self->seen, SIZE));
		memset(self->seen, 0, SIZE);
		EXPECT_EQ(SIZE, pwrite(out, self->seen, SIZE, 0));
		EXPECT_TRUE(copy_all(other, out)) {
			TH_LOG("from %s: %s", dirs[i], strerror(errno));
		}
		EXPECT_EQ(SIZE, pread(out, self->seen, SIZE, 0));
		EXPECT_EQ(-1, first_difference(self->must, self->seen, SIZE));
		/* No more than there is room for */
		EXPECT_EQ(-ENOSPC, ERR(sendfile(out, other, &(off_t){ 0 }, 9)));
		/* For which the kernel wants the same kind at both ends */
		EXPECT_EQ(-EXDEV, ERR(copy_file_range(other, NULL, out, NULL, 9,
						      0)));
		close(other);
	}
}

/* tee(2) and sendfile(2) to a socket, whose pages stay in use for a while */
TEST_F(data, pipes_and_sockets)
{
	int one[2], two[2], ends[2];
	off_t at = 5 * PAGE + 1;
	loff_t from = at;

	ASSERT_EQ(0, pipe(one));
	ASSERT_EQ(0, pipe(two));
	ASSERT_EQ(9000, splice(self->fd, &from, one[1], NULL, 9000, 0));
	ASSERT_EQ(9000, tee(one[0], two[1], 9000, 0));
	/* Copies: what is stored now does not reach them */
	ASSERT_EQ(1, pwrite(self->fd, "\x5a", 1, at));
	EXPECT_EQ(9000, read(two[0], self->seen, 9000));
	EXPECT_EQ(-1, first_difference(self->must + at, self->seen, 9000));
	EXPECT_EQ(9000, read(one[0], self->seen, 9000));
	EXPECT_EQ(-1, first_difference(self->must + at, self->seen, 9000));
	self->must[at] = 0x5a;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	ASSERT_EQ(60000, sendfile(ends[0], self->fd, &at, 60000));
	EXPECT_EQ(60000, recv(ends[1], self->seen, 60000, MSG_WAITALL));
	EXPECT_EQ(-1, first_difference(self->must + 5 * PAGE + 1, self->seen,
				       60000));
	EXPECT_INTACT();
}

/* The size is what the map says, whatever is asked for */
TEST_F(data, keeps_its_size)
{
	const int modes[] = {
		0, FALLOC_FL_KEEP_SIZE, FALLOC_FL_ZERO_RANGE,
		FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_COLLAPSE_RANGE, FALLOC_FL_INSERT_RANGE,
		FALLOC_FL_UNSHARE_RANGE,
	};
	struct file_clone_range clone = { .src_fd = self->fd };
	int other = create_at(ROOT "/other", 96 * MiB, SIZE);

	ASSERT_LE(0, other);
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
		EXPECT_EQ(-EOPNOTSUPP, ERR(fallocate(self->fd, modes[i], 0,
						     2 * SIZE)));
	EXPECT_NE(0, posix_fallocate(self->fd, 0, 2 * SIZE));
	EXPECT_EQ(-EOPNOTSUPP, ERR(ioctl(other, FICLONE, self->fd)));
	EXPECT_EQ(-EOPNOTSUPP, ERR(ioctl(other, FICLONERANGE, &clone)));
	EXPECT_EQ(-EPERM, ERR(ftruncate(self->fd, SIZE - 1)));
	EXPECT_EQ(-EPERM, ERR(ftruncate(self->fd, SIZE + 1)));
	EXPECT_EQ(-EPERM, ERR(ftruncate(self->fd, 0)));
	EXPECT_EQ(-EPERM, ERR(open(FILE_PATH, O_RDWR | O_TRUNC)));
	EXPECT_EQ(-EPERM, ERR(open(FILE_PATH, O_RDWR | O_CREAT | O_TRUNC,
				   0600)));
	EXPECT_INTACT();
	EXPECT_EQ(0, ERR(ftruncate(self->fd, SIZE)));
	EXPECT_EQ(0, ERR(truncate(FILE_PATH, SIZE)));
	EXPECT_INTACT();
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
