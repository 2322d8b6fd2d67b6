// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The data of files. At random, against a model in memory, by every call that
 * moves data; and at the edges: the end of the file, limits, set-ID bits, bad
 * buffers, pages that are mapped at the same time.
 */
#include <signal.h>
#include <stddef.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#include "famfs_harness.h"

#define CHUNK		(256 * 1024)	/* most that one step moves */
#define PIPE_CHUNK	32768
#define STEPS		1500

/* What a model test knows: the file, and what must be in it. */
struct model {
	int fd;
	int pipe[2];
	size_t size;
	unsigned char *must;	/* @size bytes */
	unsigned char *mapped;	/* the file, shared */
	unsigned char *buffer;	/* CHUNK bytes */
	__u64 state;
};

/* How a file of the model test lies on the device. */
FIXTURE(model) {
};

FIXTURE_VARIANT(model) {
	__u32 extents;
	__u64 offset;		/* of the lowest extent */
	__u64 stride;		/* from one extent to the next on the device */
	__u64 len;		/* of each; if 0, random from a page to @most */
	__u64 most;
	bool in_order;		/* of their places, not shuffled */
	__u64 cut;		/* bytes that the file ends before the extents */
};

FIXTURE_VARIANT_ADD(model, small_extents)
{
	.extents = 700,
	.offset = 16 * MiB,
	.stride = 2 * PAGE,
	.len = PAGE,
	.cut = 1234,
};

FIXTURE_VARIANT_ADD(model, large_extents)
{
	.extents = 6,
	.offset = 16 * MiB,
	.stride = 4 * MiB,
	.len = 2 * MiB,
	.cut = 77,
};

FIXTURE_VARIANT_ADD(model, mixed_extents)
{
	.extents = 60,
	.offset = 16 * MiB + PAGE,
	.stride = 65 * PAGE,
	.most = 64 * PAGE,
	.cut = 0,
};

/* Of neighbours, some touch, and some have a page or two between them. */
FIXTURE_VARIANT_ADD(model, neighbouring_extents)
{
	.extents = 300,
	.offset = 16 * MiB,
	.stride = 3 * PAGE,
	.most = 3 * PAGE,
	.in_order = true,
	.cut = 4095,
};

FIXTURE_SETUP(model)
{
	ASSERT_EQ(0, private_mounts());
	ASSERT_EQ(0, mount_famfs());
}

FIXTURE_TEARDOWN_PARENT(model)
{
	EXPECT_CLEAN_LOG();
}

/* From the file to the buffer, through the pipe. */
static bool splice_out(struct model *m, __u64 offset, size_t len)
{
	size_t done = 0, part;
	loff_t at = offset;
	ssize_t got;

	while (done < len) {
		part = len - done < PIPE_CHUNK ? len - done : PIPE_CHUNK;
		got = splice(m->fd, &at, m->pipe[1], NULL, part, 0);
		if (got <= 0 ||
		    read(m->pipe[0], m->buffer + done, got) != got)
			return false;
		done += got;
	}
	return at == (loff_t)(offset + len);
}

/* From the buffer to the file, through the pipe. */
static bool splice_in(struct model *m, __u64 offset, size_t len)
{
	size_t done = 0, part;
	loff_t at = offset;

	while (done < len) {
		part = len - done < PIPE_CHUNK ? len - done : PIPE_CHUNK;
		if (write(m->pipe[1], m->buffer + done, part) != (ssize_t)part)
			return false;
		while (part) {
			ssize_t got = splice(m->pipe[0], NULL, m->fd, &at,
					     part, 0);

			if (got <= 0)
				return false;
			part -= got;
			done += got;
		}
	}
	return at == (loff_t)(offset + len);
}

static bool send_out(struct model *m, __u64 offset, size_t len)
{
	int to = memfd_create("sendfile", MFD_CLOEXEC);
	off_t at = offset;
	size_t done = 0;
	ssize_t got;

	while (done < len) {
		got = sendfile(to, m->fd, &at, len - done);
		if (got <= 0)
			break;
		done += got;
	}
	got = pread(to, m->buffer, len, 0);
	close(to);
	return done == len && got == (ssize_t)len;
}

/* Cut a buffer into up to four pieces. */
static int pieces(struct model *m, struct iovec *v, size_t len)
{
	unsigned char *at = m->buffer;
	int n;

	for (n = 0; n < 3 && len > 1; n++) {
		v[n].iov_base = at;
		v[n].iov_len = 1 + rnd_below(&m->state, len - 1);
		at += v[n].iov_len;
		len -= v[n].iov_len;
	}
	v[n].iov_base = at;
	v[n].iov_len = len;
	return n + 1;
}

static bool copy_within(struct model *m, __u64 from, __u64 to, size_t len)
{
	loff_t in = from, out = to;
	size_t done = 0;

	while (done < len) {
		ssize_t got = copy_file_range(m->fd, &in, m->fd, &out,
					      len - done, 0);

		if (got <= 0)
			return false;
		done += got;
	}
	return true;
}

static const char * const step_names[] = {
	"pread", "preadv", "load", "splice out", "sendfile", "lseek and read",
	"pwrite", "pwritev", "store", "splice in", "lseek and write",
	"copy_file_range", "sync",
};

enum { FIRST_WRITE = 6, COPY = 11, SYNC = 12 };

/* One step; what was read is in the buffer. */
static bool take_step(struct model *m, int what, __u64 offset, size_t len)
{
	struct iovec v[4];

	switch (what) {
	case 0:
		return pread(m->fd, m->buffer, len, offset) == (ssize_t)len;
	case 1:
		return preadv(m->fd, v, pieces(m, v, len), offset) ==
		       (ssize_t)len;
	case 2:
		memcpy(m->buffer, m->mapped + offset, len);
		return true;
	case 3:
		return splice_out(m, offset, len);
	case 4:
		return send_out(m, offset, len);
	case 5:
		return lseek(m->fd, offset, SEEK_SET) == (off_t)offset &&
		       read(m->fd, m->buffer, len) == (ssize_t)len;
	case 6:
		return pwrite(m->fd, m->buffer, len, offset) == (ssize_t)len;
	case 7:
		return pwritev(m->fd, v, pieces(m, v, len), offset) ==
		       (ssize_t)len;
	case 8:
		memcpy(m->mapped + offset, m->buffer, len);
		return true;
	case 9:
		return splice_in(m, offset, len);
	case 10:
		return lseek(m->fd, offset, SEEK_SET) == (off_t)offset &&
		       write(m->fd, m->buffer, len) == (ssize_t)len;
	case SYNC:
		return !msync(m->mapped, m->size, MS_SYNC) &&
		       !fsync(m->fd) && !fdatasync(m->fd);
	}
	return false;
}

static void run_model(struct __test_metadata *_metadata, struct model *m)
{
	__u64 offset, to;
	ssize_t differs;
	size_t len;
	int what;

	for (int step = 0; step < STEPS; step++) {
		what = rnd_below(&m->state, ARRAY_SIZE(step_names));
		len = 1 + rnd_below(&m->state,
				    rnd_below(&m->state, 4) ? 2 * PAGE : CHUNK);
		offset = rnd_below(&m->state, m->size - len + 1);
		/* Now and then exactly up to the end, or by whole pages. */
		if (!rnd_below(&m->state, 16))
			offset = m->size - len;
		else if (!rnd_below(&m->state, 4))
			offset -= offset % PAGE;
		if (what == COPY) {
			to = rnd_below(&m->state, m->size - len + 1);
			if (to < offset + len && offset < to + len)
				continue;
			ASSERT_TRUE(copy_within(m, offset, to, len)) {
				TH_LOG("step %d: copy_file_range %llu to %llu, %zu bytes: %s",
				       step, offset, to, len, strerror(errno));
			}
			memcpy(m->must + to, m->must + offset, len);
			continue;
		}
		if (what >= FIRST_WRITE && what != SYNC) {
			fill(m->buffer, len, rnd(&m->state));
			memcpy(m->must + offset, m->buffer, len);
		} else {
			memset(m->buffer, 0x5a, len);
		}
		ASSERT_TRUE(take_step(m, what, offset, len)) {
			TH_LOG("step %d: %s at %llu, %zu bytes: %s", step,
			       step_names[what], offset, len, strerror(errno));
		}
		if (what >= FIRST_WRITE)
			continue;
		differs = first_difference(m->must + offset, m->buffer, len);
		ASSERT_EQ(-1, differs) {
			TH_LOG("step %d: %s at %llu, %zu bytes", step,
			       step_names[what], offset, len);
		}
	}
}

/* Every byte, by read and by a new mapping. */
static void compare_all(struct __test_metadata *_metadata, struct model *m,
			int fd)
{
	const size_t odd = 65536 + 13;
	unsigned char *at;
	size_t len;

	for (size_t done = 0; done < m->size; done += len) {
		len = m->size - done < odd ? m->size - done : odd;
		ASSERT_EQ(len, pread(fd, m->buffer, odd, done));
		ASSERT_EQ(-1, first_difference(m->must + done, m->buffer,
					       len)) {
			TH_LOG("in %zu bytes at %zu", len, done);
		}
	}
	at = mmap(NULL, m->size, PROT_READ, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, at);
	ASSERT_EQ(-1, first_difference(m->must, at, m->size));
	munmap(at, m->size);
}

TEST_F_TIMEOUT(model, holds_every_byte, 60)
{
	struct span *spans = calloc(variant->extents, sizeof(*spans)), swap;
	struct model m = { .state = seed() };
	__u64 total = 0, at;
	char path[64];
	__u32 k;
	int fd;

	for (__u32 i = 0; i < variant->extents; i++) {
		spans[i].offset = variant->offset + i * variant->stride;
		spans[i].len = variant->len ?:
			       PAGE * (1 + rnd_below(&m.state,
						     variant->most / PAGE));
		total += spans[i].len;
	}
	for (__u32 i = variant->extents - 1; !variant->in_order && i > 0; i--) {
		k = rnd_below(&m.state, i + 1);
		swap = spans[i];
		spans[i] = spans[k];
		spans[k] = swap;
	}
	m.size = total - variant->cut;
	m.must = malloc(m.size);
	m.buffer = malloc(CHUNK);
	ASSERT_EQ(0, pipe(m.pipe));
	m.fd = create_spans(ROOT "/file", m.size, spans, variant->extents);
	ASSERT_LE(0, m.fd);
	m.mapped = mmap(NULL, m.size, PROT_READ | PROT_WRITE, MAP_SHARED, m.fd,
			0);
	ASSERT_NE(MAP_FAILED, m.mapped);

	/* The device holds whatever it held. */
	fill(m.must, m.size, rnd(&m.state));
	ASSERT_EQ(m.size, write(m.fd, m.must, m.size));
	run_model(_metadata, &m);
	compare_all(_metadata, &m, m.fd);
	fd = open(ROOT "/file", O_RDONLY | O_DIRECT);
	ASSERT_LE(0, fd);
	compare_all(_metadata, &m, fd);
	close(fd);

	/* And every extent is where the map said, and in this order. */
	munmap(m.mapped, m.size);
	close(m.fd);
	ASSERT_EQ(0, ERR(umount(ROOT)));
	ASSERT_EQ(0, mount_famfs());
	at = 0;
	for (__u32 i = 0; i < variant->extents; i++) {
		size_t len = spans[i].len;

		if (at + len > m.size)
			len = m.size - at;
		snprintf(path, sizeof(path), ROOT "/%u", i);
		fd = create_at(path, spans[i].offset, spans[i].len);
		ASSERT_LE(0, fd);
		for (size_t done = 0; done < len; done += CHUNK) {
			size_t part = len - done < CHUNK ? len - done : CHUNK;

			ASSERT_EQ(part, pread(fd, m.buffer, part, done));
			ASSERT_EQ(-1, first_difference(m.must + at + done,
						       m.buffer, part)) {
				TH_LOG("extent %u", i);
			}
		}
		close(fd);
		at += len;
	}
}

/*
 * A file of two extents that ends within a page: 8 pages less 100 bytes.
 */
#define SIZE		(8 * PAGE - 100)

FIXTURE(file) {
	int fd;
	unsigned char must[SIZE];
	unsigned char seen[SIZE + PAGE];
};

FIXTURE_SETUP(file)
{
	const struct span spans[] = {
		{ 20 * MiB, 5 * PAGE },
		{ 18 * MiB, 3 * PAGE },
	};

	ASSERT_EQ(0, private_mounts());
	ASSERT_EQ(0, mount_famfs());
	self->fd = create_spans(ROOT "/file", SIZE, spans, 2);
	ASSERT_LE(0, self->fd);
	fill(self->must, SIZE, 3);
	ASSERT_EQ(SIZE, pwrite(self->fd, self->must, SIZE, 0));
	self->seen[SIZE] = 0xee;
}

FIXTURE_TEARDOWN_PARENT(file)
{
	EXPECT_CLEAN_LOG();
}

/* The file has its size, and every byte of the model. */
#define EXPECT_INTACT() do {						\
	struct stat __st;						\
									\
	EXPECT_EQ(0, fstat(self->fd, &__st));				\
	EXPECT_EQ(SIZE, __st.st_size);					\
	EXPECT_EQ(SIZE, pread(self->fd, self->seen, SIZE + PAGE, 0));	\
	EXPECT_EQ(-1, first_difference(self->must, self->seen, SIZE));	\
	EXPECT_EQ(0xee, self->seen[SIZE]);				\
} while (0)

TEST_F(file, read_ends_at_the_end)
{
	EXPECT_EQ(100, pread(self->fd, self->seen, PAGE, SIZE - 100));
	EXPECT_EQ(-1, first_difference(self->must + SIZE - 100, self->seen,
				       100));
	EXPECT_EQ(1, pread(self->fd, self->seen, PAGE, SIZE - 1));
	EXPECT_EQ(0, pread(self->fd, self->seen, PAGE, SIZE));
	EXPECT_EQ(0, pread(self->fd, self->seen, PAGE, SIZE + 1));
	EXPECT_EQ(0, pread(self->fd, self->seen, PAGE, 1ULL << 40));
	EXPECT_EQ(0, pread(self->fd, self->seen, PAGE, (~0ULL >> 1) - PAGE));
	EXPECT_EQ(0, pread(self->fd, self->seen, 0, 0));
	EXPECT_EQ(-EINVAL, ERR(pread(self->fd, self->seen, 1, -1)));
	EXPECT_INTACT();
}

TEST_F(file, write_at_the_end_finds_no_space)
{
	static const __u64 offsets[] = {
		SIZE, SIZE + 1, SIZE + 100, SIZE + PAGE, 1ULL << 32,
		1ULL << 40, 1ULL << 62,
	};
	unsigned char page[PAGE];
	struct iovec v[2] = { { page, 10 }, { page, 20 } };

	memset(page, 0xaa, sizeof(page));
	for (size_t i = 0; i < ARRAY_SIZE(offsets); i++) {
		EXPECT_EQ(-ENOSPC, ERR(pwrite(self->fd, page, 1,
					      offsets[i]))) {
			TH_LOG("at %llu", offsets[i]);
		}
		EXPECT_EQ(-ENOSPC, ERR(pwritev(self->fd, v, 2, offsets[i])));
	}
	EXPECT_EQ(0, pwrite(self->fd, page, 0, SIZE));
	ASSERT_EQ(SIZE, lseek(self->fd, 0, SEEK_END));
	EXPECT_EQ(-ENOSPC, ERR(write(self->fd, page, PAGE)));
	EXPECT_EQ(SIZE, lseek(self->fd, 0, SEEK_CUR));
	EXPECT_INTACT();
}

TEST_F(file, write_across_the_end_is_short)
{
	unsigned char page[PAGE];

	fill(page, sizeof(page), 4);
	EXPECT_EQ(70, pwrite(self->fd, page, PAGE, SIZE - 70));
	memcpy(self->must + SIZE - 70, page, 70);
	EXPECT_INTACT();
	EXPECT_EQ(1, pwrite(self->fd, page, PAGE, SIZE - 1));
	self->must[SIZE - 1] = page[0];
	EXPECT_INTACT();
	/* The usual loop of a program ends. */
	ASSERT_EQ(SIZE - 50, lseek(self->fd, SIZE - 50, SEEK_SET));
	EXPECT_EQ(50, write(self->fd, page, PAGE));
	EXPECT_EQ(-ENOSPC, ERR(write(self->fd, page + 50, PAGE - 50)));
	memcpy(self->must + SIZE - 50, page, 50);
	EXPECT_INTACT();
}

TEST_F(file, append_overwrites_nothing)
{
	unsigned char page[PAGE];
	struct iovec v = { page, sizeof(page) };
	int fd, pipe_fds[2];

	memset(page, 0xaa, sizeof(page));
	fd = open(ROOT "/file", O_WRONLY | O_APPEND);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-ENOSPC, ERR(write(fd, page, PAGE)));
	EXPECT_EQ(-ENOSPC, ERR(write(fd, page, 1)));
	EXPECT_EQ(-ENOSPC, ERR(pwrite(fd, page, PAGE, 0)));
	ASSERT_EQ(0, lseek(fd, 0, SEEK_SET));
	EXPECT_EQ(-ENOSPC, ERR(write(fd, page, 1)));
	EXPECT_EQ(-ENOSPC, ERR(pwritev2(self->fd, &v, 1, 0, RWF_APPEND)));
	ASSERT_EQ(0, pipe(pipe_fds));
	ASSERT_EQ(1, write(pipe_fds[1], page, 1));
	EXPECT_GT(0, ERR(splice(pipe_fds[0], NULL, fd, NULL, 1, 0)));
	EXPECT_INTACT();
}

TEST_F(file, file_size_limit)
{
	struct rlimit limit = { 3 * PAGE + 10, RLIM_INFINITY };
	unsigned char page[PAGE];

	fill(page, sizeof(page), 5);
	signal(SIGXFSZ, SIG_IGN);
	ASSERT_EQ(0, setrlimit(RLIMIT_FSIZE, &limit));
	EXPECT_EQ(-EFBIG, ERR(pwrite(self->fd, page, 1, 3 * PAGE + 10)));
	EXPECT_EQ(-EFBIG, ERR(pwrite(self->fd, page, PAGE, 5 * PAGE)));
	EXPECT_EQ(20, pwrite(self->fd, page, PAGE, 3 * PAGE - 10));
	memcpy(self->must + 3 * PAGE - 10, page, 20);
	EXPECT_INTACT();
}

TEST_F_SIGNAL(file, file_size_limit_signals, SIGXFSZ)
{
	struct rlimit limit = { PAGE, RLIM_INFINITY };

	ASSERT_EQ(0, setrlimit(RLIMIT_FSIZE, &limit));
	ASSERT_EQ(-1, pwrite(self->fd, "x", 1, PAGE));
}

static int write_one_as_nobody(void *arg)
{
	int err = become_nobody();

	return err ?: ERR(pwrite(*(int *)arg, "x", 1, 0));
}

TEST_F(file, write_drops_set_id_bits)
{
	struct stat st;

	self->must[0] = 'x';
	ASSERT_EQ(0, fchmod(self->fd, 06777));
	/* Not root's. */
	ASSERT_EQ(1, pwrite(self->fd, "x", 1, 0));
	ASSERT_EQ(0, fstat(self->fd, &st));
	EXPECT_EQ(S_IFREG | 06777, st.st_mode);
	ASSERT_EQ(0, in_child(write_one_as_nobody, &self->fd));
	ASSERT_EQ(0, fstat(self->fd, &st));
	EXPECT_EQ(S_IFREG | 0777, st.st_mode);
	EXPECT_INTACT();
}

TEST_F(file, write_updates_times)
{
	const struct timespec old[2] = { { 1000000000, 0 }, { 1000000000, 0 } };
	struct stat st;
	char *at;

	ASSERT_EQ(0, futimens(self->fd, old));
	self->must[9] = 'x';
	ASSERT_EQ(1, pwrite(self->fd, "x", 1, 9));
	ASSERT_EQ(0, fstat(self->fd, &st));
	EXPECT_LT(1000000000, st.st_mtime);
	EXPECT_LT(1000000000, st.st_ctime);

	/* A store to a page of a mapping is a write, too. */
	ASSERT_EQ(0, futimens(self->fd, old));
	at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, at);
	at[9] = 'y';
	self->must[9] = 'y';
	ASSERT_EQ(0, fstat(self->fd, &st));
	EXPECT_LT(1000000000, st.st_mtime);

	/* One that changes nothing is none. */
	ASSERT_EQ(0, futimens(self->fd, old));
	EXPECT_EQ(-ENOSPC, ERR(pwrite(self->fd, "x", 1, SIZE)));
	ASSERT_EQ(1, pread(self->fd, self->seen, 1, 0));
	ASSERT_EQ(0, fstat(self->fd, &st));
	EXPECT_EQ(1000000000, st.st_mtime);
	EXPECT_INTACT();
}

/* How many of 50 writes, each looked at, changed the time of a file. */
static int writes_told_apart(int fd)
{
	struct stat before, after;
	int told = 0;

	if (fstat(fd, &before))
		return -1;
	for (int i = 0; i < 50; i++) {
		if (pwrite(fd, "x", 1, 0) != 1 || fstat(fd, &after))
			return -1;
		told += before.st_mtim.tv_sec != after.st_mtim.tv_sec ||
			before.st_mtim.tv_nsec != after.st_mtim.tv_nsec;
		before = after;
	}
	return told;
}

/* Where any file system tells writes apart that come in the same tick */
TEST_F(file, times_are_fine_where_they_can_be)
{
	int model = memfd_create("times", 0);

	ASSERT_LE(0, model);
	ASSERT_EQ(1, pwrite(model, "x", 1, 0));
	self->must[0] = 'x';
	if (writes_told_apart(model) < 50)
		SKIP(return, "this kernel's times are coarse");
	EXPECT_EQ(50, writes_told_apart(self->fd));
	close(model);
}

TEST_F(file, bad_buffers)
{
	unsigned char *volatile nowhere = (void *)8;
	unsigned char *area;
	ssize_t len;

	area = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, area);
	ASSERT_EQ(0, mprotect(area + PAGE, PAGE, PROT_NONE));
	EXPECT_EQ(-EFAULT, ERR(pread(self->fd, nowhere, 1, 0)));
	EXPECT_EQ(-EFAULT, ERR(pread(self->fd, area + PAGE, PAGE, 0)));
	EXPECT_EQ(-EFAULT, ERR(pwrite(self->fd, nowhere, 1, 0)));
	EXPECT_EQ(-EFAULT, ERR(pwrite(self->fd, area + PAGE, PAGE, 0)));
	EXPECT_EQ(-EFAULT, ERR(pwrite(self->fd, area + PAGE, PAGE, 100)));
	EXPECT_INTACT();
	/* What comes before the bad part counts. */
	EXPECT_EQ(PAGE, pread(self->fd, area, 2 * PAGE, 7));
	EXPECT_EQ(-1, first_difference(self->must + 7, area, PAGE));
	fill(area, PAGE, 6);
	len = pwrite(self->fd, area, 2 * PAGE, 7);
	/* Processors copy in units, and the last one may not be whole. */
	EXPECT_LT(PAGE - 64, len);
	EXPECT_GE(PAGE, len);
	memcpy(self->must + 7, area, len);
	EXPECT_INTACT();
}

/* Source and target are the same file, or even the same bytes. */
TEST_F(file, buffer_is_a_mapping_of_the_file)
{
	unsigned char *at, before[SIZE];

	at = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(2 * PAGE, pwrite(self->fd, at + PAGE, 2 * PAGE, 4 * PAGE));
	memcpy(self->must + 4 * PAGE, self->must + PAGE, 2 * PAGE);
	EXPECT_INTACT();
	EXPECT_EQ(2 * PAGE, pread(self->fd, at + 3 * PAGE, 2 * PAGE, 0));
	memcpy(self->must + 3 * PAGE, self->must, 2 * PAGE);
	EXPECT_INTACT();
	memcpy(before, at, SIZE);
	EXPECT_EQ(PAGE, pwrite(self->fd, at, PAGE, 0));
	EXPECT_EQ(PAGE, pread(self->fd, at, PAGE, 0));
	EXPECT_EQ(-1, first_difference(before, at, SIZE));
	EXPECT_INTACT();
}

TEST_F(file, direct_opens)
{
	unsigned char bytes[100];
	int fd;

	/* Every access is direct, so no alignment is asked for. */
	fd = open(ROOT "/file", O_RDWR | O_DIRECT);
	ASSERT_LE(0, fd);
	fill(bytes, sizeof(bytes), 7);
	EXPECT_EQ(100, pwrite(fd, bytes, 100, 4095));
	memcpy(self->must + 4095, bytes, 100);
	EXPECT_EQ(SIZE, pread(fd, self->seen, SIZE + 7, 0));
	EXPECT_EQ(-1, first_difference(self->must, self->seen, SIZE));
	EXPECT_EQ(-ENOSPC, ERR(pwrite(fd, bytes, 1, SIZE)));
	EXPECT_INTACT();
}

/* Memory does not keep anyone waiting. */
TEST_F(file, without_waiting)
{
	struct iovec v = { self->seen, 2 * PAGE };
	ssize_t done;
	int fd;

	EXPECT_EQ(2 * PAGE, preadv2(self->fd, &v, 1, 4 * PAGE, RWF_NOWAIT));
	EXPECT_EQ(-1, first_difference(self->must + 4 * PAGE, self->seen,
				       2 * PAGE));
	fill(self->seen, 2 * PAGE, 8);
	/* The kernel takes such writes through O_DIRECT only. */
	fd = open(ROOT "/file", O_WRONLY | O_DIRECT);
	ASSERT_LE(0, fd);
	/*
	 * Older kernels do not change a file's times without waiting, for no
	 * file system: there it works only for as long as the clock that times
	 * are taken from has not ticked since they were set.
	 */
	do {
		ASSERT_EQ(0, futimens(fd, NULL));
		done = pwritev2(fd, &v, 1, 4 * PAGE, RWF_NOWAIT);
	} while (done < 0 && errno == EAGAIN);
	EXPECT_EQ(2 * PAGE, done);
	memcpy(self->must + 4 * PAGE, self->seen, 2 * PAGE);
	EXPECT_EQ(-ENOSPC, ERR(pwritev2(fd, &v, 1, SIZE, RWF_NOWAIT)));
	EXPECT_INTACT();
}

TEST_F(file, syncs)
{
	static const int flags[] = {
		O_SYNC, O_DSYNC, O_SYNC | O_DIRECT, O_DSYNC | O_APPEND,
	};
	struct iovec v = { self->must, 10 };
	unsigned char *at;
	int fd;

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		fd = open(ROOT "/file", O_RDWR | flags[i]);
		ASSERT_LE(0, fd);
		EXPECT_EQ(flags[i] & O_APPEND ? -ENOSPC : 0,
			  ERR(pwrite(fd, self->must, PAGE + 1, 0)));
		close(fd);
	}
	EXPECT_EQ(10, pwritev2(self->fd, &v, 1, 0, RWF_DSYNC));
	EXPECT_EQ(10, pwritev2(self->fd, &v, 1, 0, RWF_SYNC));
	EXPECT_EQ(0, ERR(fsync(self->fd)));
	EXPECT_EQ(0, ERR(fdatasync(self->fd)));
	EXPECT_EQ(0, ERR(sync_file_range(self->fd, 0, SIZE,
					 SYNC_FILE_RANGE_WRITE |
					 SYNC_FILE_RANGE_WAIT_AFTER)));
	at = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, at);
	at[PAGE] = 'q';
	self->must[PAGE] = 'q';
	EXPECT_EQ(0, ERR(msync(at, SIZE, MS_ASYNC)));
	EXPECT_EQ(0, ERR(msync(at, SIZE, MS_SYNC)));
	EXPECT_EQ(0, ERR(msync(at + PAGE, PAGE, MS_SYNC | MS_INVALIDATE)));
	/* What was written back once can be made dirty again. */
	at[PAGE] = 'r';
	self->must[PAGE] = 'r';
	EXPECT_EQ(0, ERR(fsync(self->fd)));
	EXPECT_EQ(0, ERR(fsync(self->fd)));
	EXPECT_EQ(0, ERR(syncfs(self->fd)));
	sync();
	fd = open(ROOT, O_RDONLY | O_DIRECTORY);
	EXPECT_EQ(0, ERR(fsync(fd)));
	EXPECT_EQ(0, ERR(fdatasync(fd)));
	close(fd);
	fd = create_empty(ROOT "/empty");
	EXPECT_EQ(0, ERR(fsync(fd)));
	EXPECT_EQ(0, ERR(fdatasync(fd)));
	EXPECT_INTACT();
}

TEST_F(file, sendfile_and_splice_give_the_bytes)
{
	int to = memfd_create("to", 0), pipe_fds[2];
	off_t offset = 3;
	loff_t at = SIZE - 30;

	EXPECT_EQ(SIZE - 3, sendfile(to, self->fd, &offset, SIZE + PAGE));
	EXPECT_EQ(SIZE, offset);
	EXPECT_EQ(SIZE - 3, pread(to, self->seen, SIZE, 0));
	EXPECT_EQ(-1, first_difference(self->must + 3, self->seen, SIZE - 3));
	EXPECT_EQ(0, sendfile(to, self->fd, &offset, 10));
	ASSERT_EQ(0, pipe(pipe_fds));
	EXPECT_EQ(30, splice(self->fd, &at, pipe_fds[1], NULL, 100, 0));
	EXPECT_EQ(30, read(pipe_fds[0], self->seen, 100));
	EXPECT_EQ(-1, first_difference(self->must + SIZE - 30, self->seen,
				       30));
	/* Into a file that is full: what fits, and then no space. */
	ASSERT_EQ(50, write(pipe_fds[1], self->must, 50));
	at = SIZE - 20;
	EXPECT_EQ(20, splice(pipe_fds[0], NULL, self->fd, &at, 50, 0));
	memcpy(self->must + SIZE - 20, self->must, 20);
	EXPECT_EQ(-ENOSPC, ERR(splice(pipe_fds[0], NULL, self->fd, &at, 30,
				      0)));
	EXPECT_INTACT();
}

TEST_F(file, files_without_a_map_hold_nothing)
{
	char byte;
	int fd;

	fd = create_empty(ROOT "/empty");
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, read(fd, &byte, 1));
	EXPECT_EQ(0, pread(fd, &byte, 1, PAGE));
	EXPECT_EQ(-ENOSPC, ERR(write(fd, "x", 1)));
	EXPECT_EQ(-ENOSPC, ERR(pwrite(fd, "x", 1, PAGE)));
	EXPECT_EQ(0, sendfile(self->fd, fd, NULL, 10));
	EXPECT_EQ(0, lseek(fd, 0, SEEK_END));
	EXPECT_INTACT();
}

TEST_F(file, copy_between_files)
{
	loff_t in = 0, out = 5;
	int fd;

	fd = create_at(ROOT "/copy", 24 * MiB, 3 * PAGE);
	ASSERT_LE(0, fd);
	EXPECT_EQ(2 * PAGE, copy_file_range(self->fd, &in, fd, &out, 2 * PAGE,
					    0));
	EXPECT_EQ(2 * PAGE, pread(fd, self->seen, 2 * PAGE, 5));
	EXPECT_EQ(-1, first_difference(self->must, self->seen, 2 * PAGE));
	/* Up to the target's end, not past it. */
	in = 0;
	out = 2 * PAGE;
	EXPECT_EQ(PAGE, copy_file_range(self->fd, &in, fd, &out, 2 * PAGE, 0));
	EXPECT_EQ(-ENOSPC, ERR(copy_file_range(self->fd, &in, fd, &out, PAGE,
					       0)));
	EXPECT_EQ(3 * PAGE, lseek(fd, 0, SEEK_END));
	EXPECT_INTACT();
}

/*
 * write(2) goes to pages that are mapped. They stay mapped: the mapping shows
 * the new bytes, and nobody has to fault them in again.
 */
static void write_to_mapped(struct __test_metadata *_metadata, int fd,
			    size_t size, bool stored)
{
	long minor, major, minor_after, major_after;
	unsigned char *at, *bytes;
	unsigned int sum = 0;

	bytes = malloc(size);
	fill(bytes, size, 8);
	at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, at);
	for (size_t i = 0; i < size; i += PAGE) {
		if (stored)
			at[i] = 1;
		else
			sum += at[i];
	}
	faults(&minor, &major);
	faults(&minor, &major);
	ASSERT_EQ(size, pwrite(fd, bytes, size, 0));
	for (size_t i = 0; i < size; i += PAGE)
		sum += at[i] != bytes[i];
	if (stored) {
		for (size_t i = 0; i < size; i += PAGE)
			at[i] = bytes[i];
	}
	faults(&minor_after, &major_after);
	EXPECT_EQ(minor, minor_after);
	EXPECT_EQ(major, major_after);
	EXPECT_EQ(-1, first_difference(bytes, at, size));
	__asm__ volatile("" : : "r" (sum));
	munmap(at, size);
	free(bytes);
}

TEST_F(file, write_leaves_pages_mapped)
{
	int fd;

	write_to_mapped(_metadata, self->fd, 4 * PAGE, false);
	write_to_mapped(_metadata, self->fd, 4 * PAGE, true);
	fd = create_at(ROOT "/large", 32 * MiB, 4 * MiB);
	ASSERT_LE(0, fd);
	write_to_mapped(_metadata, fd, 4 * MiB, false);
	write_to_mapped(_metadata, fd, 4 * MiB, true);
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
