// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Patterns in files. All is read(2) and write(2): on famfs a write leaves
 * nothing in the processor's cache, and memory that has gone bad is an error
 * number with an offset, where a mapping would give a signal. Before bytes are
 * looked at, the cache is emptied of them, so that they are those of the memory
 * and of whichever host stored there last.
 *
 * A file is a job for as many threads as there are, or as it has ranges. Each of
 * them opens it, and takes the next range until there is none. Ranges are taken
 * in order, and whoever has one finishes it: so what is wrong in the earliest
 * place is always found, whatever thread has met with a later one first.
 */
#include "patternio.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "inside.h"
#include "pattern.h"
#include "work.h"

/* Large enough for the system calls to cost nothing, and still in the cache */
#define BLOCK	(256U << 10)
#define LITTLE	4096		/* where there is no memory for that */

static pthread_mutex_t result_lock = PTHREAD_MUTEX_INITIALIZER;

static void failed(struct patternio *f, uint64_t at, int rc)
{
	pthread_mutex_lock(&result_lock);
	if (!f->rc || at < f->at) {
		f->rc = rc;
		f->at = at;
	}
	pthread_mutex_unlock(&result_lock);
	__atomic_store_n(&f->next, f->size, __ATOMIC_RELAXED);
}

static int write_block(struct patternio *f, int fd, uint8_t *buf, size_t len,
		       uint64_t *at)
{
	pattern_bytes(f->seed, *at, buf, len);
	while (len) {
		ssize_t n = pwrite(fd, buf, len, *at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -ENOSPC;
		buf += n;
		len -= n;
		*at += n;
	}
	return 0;
}

static int verify_block(struct patternio *f, int fd, uint8_t *buf, size_t len,
			uint64_t *at)
{
	while (len) {
		ssize_t n = pread(fd, buf, len, *at);
		size_t good;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -ENODATA;
		good = pattern_match(f->seed, *at, buf, n);
		*at += good;
		len -= good;
		if (good < (size_t)n)
			return PATTERNIO_WRONG;
	}
	return 0;
}

static int do_range(struct patternio *f, int fd, uint8_t *buf, size_t size,
		    uint64_t *at)
{
	uint64_t end = *at + PATTERNIO_RANGE;
	int rc = 0;

	if (end > f->size)
		end = f->size;
	if (f->verify)
		rc = -posix_fadvise(fd, *at, end - *at, POSIX_FADV_DONTNEED);
	while (!rc && *at < end) {
		size_t len = end - *at < size ? end - *at : size;

		rc = f->verify ? verify_block(f, fd, buf, len, at)
			       : write_block(f, fd, buf, len, at);
	}
	return rc;
}

/* The next range, or the end; f->next does not pass it, and can't wrap */
static uint64_t take(struct patternio *f)
{
	uint64_t at = __atomic_load_n(&f->next, __ATOMIC_RELAXED), next;

	do {
		next = f->size - at < PATTERNIO_RANGE ? f->size
						      : at + PATTERNIO_RANGE;
	} while (!__atomic_compare_exchange_n(&f->next, &at, next, true,
					      __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
	return at;
}

static int open_file(const struct patternio *f)
{
	int fd;

	if (f->root >= 0)
		return inside_open(f->root, f->path,
				   f->verify ? O_RDONLY : O_WRONLY);
	fd = open(f->path, (f->verify ? O_RDONLY : O_WRONLY) | O_NONBLOCK |
			   O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static void job(void *arg)
{
	struct patternio *f = arg;
	uint8_t little[LITTLE];
	uint8_t *block;
	uint64_t at;
	int fd, rc;

	fd = open_file(f);
	if (fd < 0) {
		failed(f, PATTERNIO_NOWHERE, fd);
		return;
	}
	block = aligned_alloc(4096, BLOCK);
	while ((at = take(f)) < f->size) {
		rc = do_range(f, fd, block ? block : little,
			      block ? BLOCK : LITTLE, &at);
		if (rc)
			failed(f, at, rc);
	}
	free(block);
	/* The bytes have left the cache; this has them arrive */
	if (!f->verify && fsync(fd))
		failed(f, PATTERNIO_NOWHERE, -errno);
	close(fd);
}

static uint64_t ranges(const struct patternio *f)
{
	return f->size / PATTERNIO_RANGE + !!(f->size % PATTERNIO_RANGE);
}

/**
 * patternio_run() - write or verify patterns
 * @files: what to do; those that have an @rc already are left out
 * @n: how many
 * @threads: at most; fewer where there is less to do
 *
 * Return: 0, with the outcome in each file's @rc; or -ENOMEM, and nothing was
 * done
 */
int patternio_run(struct patternio *files, size_t n, unsigned int threads)
{
	uint64_t all = 0, k;
	struct work *w;
	size_t i;

	for (i = 0; i < n; i++)
		all += files[i].rc ? 0 : ranges(&files[i]);
	if (threads > all)
		threads = all;
	/* One thread alone may as well be this one */
	w = work_start(threads > 1 ? threads : 0, job);
	if (!w)
		w = work_start(0, job);
	if (!w)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		if (files[i].rc)
			continue;
		for (k = 0; k < ranges(&files[i]) && (!k || k < threads); k++)
			work_add(w, &files[i]);
	}
	work_finish(w);
	return 0;
}
