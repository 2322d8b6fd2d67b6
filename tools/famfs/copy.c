// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Copies in large blocks by read(2) and write(2). On the famfs side the kernel
 * stores them past the processor's cache, and memory that has gone bad is an
 * error number; through a mapping it would be a signal.
 */
#include "copy.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define BLOCK		(4U << 20)

static volatile sig_atomic_t stopped;

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

static ssize_t read_full(int fd, char *buf, size_t len, uint64_t off)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, buf + done, len - done, off + done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		done += n;
	}
	return done;
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

/**
 * copy_bytes() - copy all of a file
 * @from: open for reading
 * @to: open for writing, with @size bytes
 * @size: number of bytes
 *
 * The bytes have left the processor's cache when it returns.
 *
 * Return: 0; -ESTALE where @from does not have @size bytes (any more);
 * -ECANCELED after copy_stop(); another negative error number
 */
int copy_bytes(int from, int to, uint64_t size)
{
	uint64_t off = 0;
	char *buf;
	int rc = 0;

	buf = aligned_alloc(4096, BLOCK);
	if (!buf)
		return -ENOMEM;
	while (off < size) {
		size_t want = size - off < BLOCK ? size - off : BLOCK;
		ssize_t n = read_full(from, buf, want, off);

		if (stopped)
			rc = -ECANCELED;
		else if (n < 0)
			rc = n;
		else if ((size_t)n < want)
			rc = -ESTALE;
		else
			rc = write_full(to, buf, want, off);
		if (rc)
			break;
		off += want;
	}
	if (!rc && read_full(from, buf, 1, size))
		rc = -ESTALE;
	if (!rc && fsync(to))
		rc = -errno;
	free(buf);
	return rc;
}
