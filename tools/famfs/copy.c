// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Copies by read(2) and write(2), in blocks that stay in the processor's cache
 * between the two, so that the bytes come from memory once and go there once. On
 * the famfs side the kernel stores them past the cache, and memory that has gone
 * bad is an error number; through a mapping it would be a signal.
 */
#include "copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "cpucache.h"
#include "progress.h"

#define BLOCK		(256U << 10)

/* Set by whatever thread the signal comes to */
static atomic_int stopped;

/* Of each thread, since it is used over and over */
static _Thread_local char block[2][BLOCK] __attribute__((aligned(4096)));

static const char zeroes[BLOCK];

/**
 * copy_stop() - end the copying soon: a handler for signals
 * @sig: the signal
 */
void copy_stop(int sig)
{
	stopped = sig;
}

/**
 * copy_stopped() - tell whether copying is to end
 *
 * Return: the signal that said so, or 0
 */
int copy_stopped(void)
{
	return stopped;
}

static int read_full(int fd, char *buf, size_t len, uint64_t off)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, buf + done, len - done, off + done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -ESTALE;
		done += n;
	}
	return 0;
}

static int write_full(int fd, const char *buf, size_t len, uint64_t off)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pwrite(fd, buf + done, len - done, off + done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		done += n;
	}
	return 0;
}

/* Where the data goes on, from @off: @off itself, if nobody knows */
static uint64_t next_data(int fd, uint64_t off, uint64_t end)
{
	off_t data = lseek(fd, off, SEEK_DATA);

	if (data < 0)
		return errno == ENXIO ? end : off;
	return (uint64_t)data < end ? (uint64_t)data : end;
}

static uint64_t next_hole(int fd, uint64_t off, uint64_t end)
{
	off_t hole = lseek(fd, off, SEEK_HOLE);

	/* What is written right now may make a hole of what was data */
	return hole > (off_t)off && (uint64_t)hole < end ? (uint64_t)hole : end;
}

static int copy_data(int from, int to, uint64_t off, uint64_t end)
{
	int rc = 0;

	while (off < end && !rc) {
		size_t n = end - off < BLOCK ? end - off : BLOCK;

		if (stopped)
			return -ECANCELED;
		rc = from < 0 ? 0 : read_full(from, block[0], n, off);
		if (!rc)
			rc = write_full(to, from < 0 ? zeroes : block[0], n,
					off);
		off += n;
		progress_bytes(n);
	}
	return rc;
}

/**
 * copy_range() - copy a part of a file
 * @from: open for reading
 * @to: open for writing
 * @off: of the first byte, in both
 * @len: number of bytes
 * @sparse: do not read what @from has no memory or blocks for. In @to, where the
 *	memory holds what was there before, that is zeroes all the same.
 *
 * The bytes have left the processor's cache when it returns.
 *
 * Return: 0; -ESTALE where @from ends before; -ECANCELED after copy_stop();
 * another negative error number
 */
int copy_range(int from, int to, uint64_t off, uint64_t len, bool sparse)
{
	uint64_t end = off + len;
	int rc = 0;

	while (off < end && !rc) {
		uint64_t data = sparse ? next_data(from, off, end) : off;
		uint64_t hole = sparse ? next_hole(from, data, end) : end;

		rc = copy_data(-1, to, off, data);
		if (!rc)
			rc = copy_data(from, to, data, hole);
		off = hole;
	}
	cpucache_fence();
	return rc;
}

/**
 * copy_compare() - compare a part of a file with its copy
 * @from: open for reading
 * @to: the copy, open for reading
 * @off: of the first byte, in both
 * @len: number of bytes
 * @at: gets the offset of the first byte that differs
 *
 * The copy is read from the memory, not from this processor's cache.
 *
 * Return: 0 where they are equal, 1 where they differ; or as copy_range()
 */
int copy_compare(int from, int to, uint64_t off, uint64_t len, uint64_t *at)
{
	uint64_t end = off + len;
	int rc;

	rc = posix_fadvise(to, off, len, POSIX_FADV_DONTNEED);
	if (rc)
		return -rc;
	for (; off < end && !rc; off += BLOCK) {
		size_t n = end - off < BLOCK ? end - off : BLOCK, i = 0;

		if (stopped)
			return -ECANCELED;
		rc = read_full(from, block[0], n, off);
		if (!rc)
			rc = read_full(to, block[1], n, off);
		if (rc || !memcmp(block[0], block[1], n))
			continue;
		while (block[0][i] == block[1][i])
			i++;
		*at = off + i;
		return 1;
	}
	return rc;
}
