// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Loads and stores of superblock and log. A load copies the bytes out, once:
 * what is checked is that copy, since the memory itself may change under our
 * eyes at any time. A store is seen by other hosts after medium_flush(). Reading
 * what others may have written starts with medium_drop().
 *
 * The file descriptor belongs to the struct medium once medium_open() took it.
 */
#include "medium.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cpucache.h"

#define CLEAR_BYTES	(256U << 10)

/**
 * medium_open() - get at a stretch of the medium
 * @m: to fill
 * @fd: a file that shows it, all of it; closed by medium_close() or on error
 * @writable: whether there will be stores; @fd must be open for writing then
 * @by_read: load by read(2) and not through a mapping, so that memory that has
 *	gone bad is an error and no signal; not with @writable
 *
 * Return: 0 or a negative error number
 */
int medium_open(struct medium *m, int fd, bool writable, bool by_read)
{
	struct stat st;
	int rc;

	*m = (struct medium){ .fd = -1 };
	if (fstat(fd, &st)) {
		rc = -errno;
		goto err;
	}
	if (!st.st_size) {
		rc = -ENODATA;
		goto err;
	}
	m->len = st.st_size;
	m->writable = writable;
	if (!by_read || writable) {
		void *map = mmap(NULL, m->len,
				 PROT_READ | (writable ? PROT_WRITE : 0),
				 MAP_SHARED, fd, 0);

		if (map == MAP_FAILED) {
			rc = -errno;
			goto err;
		}
		m->map = map;
	}
	m->fd = fd;
	return 0;
err:
	close(fd);
	return rc;
}

/**
 * medium_close() - let go of a stretch of the medium
 * @m: one that medium_open() filled, or { .fd = -1 }
 */
void medium_close(struct medium *m)
{
	if (m->fd < 0)
		return;
	if (m->map)
		munmap(m->map, m->len);
	close(m->fd);
	*m = (struct medium){ .fd = -1 };
}

/**
 * medium_load() - copy bytes out
 * @m: the stretch
 * @off: of the first byte in it
 * @buf: where they go
 * @len: number of bytes
 *
 * Return: 0, -ERANGE past the end, or what read(2) failed with
 */
int medium_load(const struct medium *m, uint64_t off, void *buf, size_t len)
{
	size_t done = 0;

	if (off > m->len || len > m->len - off)
		return -ERANGE;
	if (m->map) {
		memcpy(buf, m->map + off, len);
		/* The copy is what counts: no load may be moved behind this */
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
		return 0;
	}
	while (done < len) {
		ssize_t n = pread(m->fd, (uint8_t *)buf + done, len - done,
				  off + done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		done += n;
	}
	return 0;
}

/**
 * medium_store() - put bytes in place
 * @m: the stretch, open for writing
 * @off: of the first byte; the range must lie within @m
 * @buf: the bytes
 * @len: how many
 */
void medium_store(struct medium *m, uint64_t off, const void *buf, size_t len)
{
	assert(m->writable && off <= m->len && len <= m->len - off);
	memcpy(m->map + off, buf, len);
}

/**
 * medium_store64() - put a number in place in one store
 * @m: the stretch, open for writing
 * @off: where; a multiple of 8
 * @value: the number, which lands little-endian
 *
 * No store before this one is seen after it.
 */
void medium_store64(struct medium *m, uint64_t off, uint64_t value)
{
	assert(m->writable && !(off % 8) && off < m->len && m->len - off >= 8);
	__atomic_store_n((uint64_t *)(m->map + off), htole64(value),
			 __ATOMIC_RELEASE);
}

/**
 * medium_clear() - put zeroes in place, and flush them
 * @m: the stretch, open for writing
 * @off: of the first byte; the range must lie within @m
 * @len: number of bytes
 */
void medium_clear(struct medium *m, uint64_t off, uint64_t len)
{
	assert(m->writable && off <= m->len && len <= m->len - off);
	/* By pieces that are still in the cache when they are flushed */
	while (len) {
		size_t n = len < CLEAR_BYTES ? len : CLEAR_BYTES;

		memset(m->map + off, 0, n);
		medium_flush(m, off, n);
		off += n;
		len -= n;
	}
}

/**
 * medium_flush() - write stored bytes back from the processor's cache
 * @m: the stretch, open for writing
 * @off: of the first byte
 * @len: number of bytes
 *
 * They have left the cache, in order with all that follows, when it returns.
 */
void medium_flush(struct medium *m, uint64_t off, size_t len)
{
	cpucache_writeback(m->map + off, len);
}

/**
 * medium_drop() - have the next load come from the memory, not the cache
 * @m: the stretch
 * @off: of the first byte
 * @len: number of bytes
 */
void medium_drop(const struct medium *m, uint64_t off, size_t len)
{
	if (off > m->len || len > m->len - off)
		return;
	if (m->map)
		cpucache_invalidate(m->map + off, len);
	else
		(void)posix_fadvise(m->fd, off, len, POSIX_FADV_DONTNEED);
}
