// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The log. It only grows. An entry counts once the header's next index covers
 * it, so an append stores and flushes the entry first and advances the header
 * after that: whoever is cut off anywhere in between leaves a log that is valid
 * and has the entry or has not.
 *
 * Appending is for one process on one host at a time. The host is chosen by the
 * superblock (see session.c), the process by an exclusive flock(2) on the log
 * file, which the caller of log_append() holds.
 */
#include "log.h"

#include <errno.h>
#include <string.h>
#include <sys/file.h>

/**
 * log_entry_offset() - where an entry lies
 * @index: of the entry
 *
 * Return: bytes from the beginning of the log
 */
uint64_t log_entry_offset(uint64_t index)
{
	return MEDIA_HEADER_BYTES + index * MEDIA_ENTRY_BYTES;
}

/**
 * log_strerror() - say in words what a function of this file returned
 * @rc: the value
 *
 * Return: a phrase that goes after the name of the thing
 */
const char *log_strerror(int rc)
{
	return rc < 0 ? strerror(-rc) : media_strerror(rc);
}

/**
 * log_header_faults() - read the header as it is now, and find all its faults
 * @m: the log
 * @log_len: length of the log as the superblock has it
 * @log: where it goes
 * @faults: gets the set of all MEDIA_FAULT() that were found
 *
 * Return: 0 where it could be read, or a negative error number
 */
int log_header_faults(const struct medium *m, uint64_t log_len,
		      struct media_log *log, uint64_t *faults)
{
	uint8_t buf[MEDIA_HEADER_BYTES];
	int rc;

	if (m->len < log_len)
		return -ERANGE;
	medium_drop(m, 0, sizeof(buf));
	rc = medium_load(m, 0, buf, sizeof(buf));
	if (!rc)
		*faults = media_log_faults(log, log_len, buf);
	return rc;
}

/**
 * log_header() - read and check the header as it is now
 * @m: the log
 * @log_len: length of the log as the superblock has it
 * @log: where it goes
 *
 * Return: 0, a negative error number or an enum media_err
 */
int log_header(const struct medium *m, uint64_t log_len, struct media_log *log)
{
	uint64_t faults;
	int rc = log_header_faults(m, log_len, log, &faults);

	return rc ? rc : (int)media_first_fault(faults);
}

static int read_entry(const struct medium *m, uint64_t index,
		      struct media_entry *e)
{
	uint8_t buf[MEDIA_ENTRY_BYTES];
	int rc;

	rc = medium_load(m, log_entry_offset(index), buf, sizeof(buf));
	if (rc)
		return rc;
	return media_entry_decode(e, index, buf);
}

/**
 * log_entry() - read and check one entry
 * @m: the log
 * @index: of the entry; one that the header's next index covers
 * @e: where it goes
 *
 * Lines of it may be in this host's cache since before the entry was written.
 * log_walk() drops them beforehand; but a line may come back at any time, by
 * prefetching while the entry was half written, so one that looks bad is looked
 * at once more.
 *
 * Return: 0, a negative error number or an enum media_err
 */
int log_entry(const struct medium *m, uint64_t index, struct media_entry *e)
{
	int rc = read_entry(m, index, e);

	if (rc == MEDIA_ERR_ENTRY_CRC || rc == MEDIA_ERR_ENTRY_SEQ) {
		medium_drop(m, log_entry_offset(index), MEDIA_ENTRY_BYTES);
		rc = read_entry(m, index, e);
	}
	return rc;
}

/**
 * log_walk() - visit entries in order
 * @m: the log
 * @from: index of the first
 * @to: index after the last; at most the header's next index
 * @fn: called for each, the bad ones too
 * @arg: handed to @fn
 *
 * What this host's cache has of the entries is dropped first, all of it, since
 * a stale entry need not look bad: one of a file system that was on the device
 * before has the same place, so the same number, and a checksum that is right.
 * So @to has to come from a header that was read before, not to outrun them.
 *
 * Return: 0, or what @fn stopped the walk with
 */
int log_walk(const struct medium *m, uint64_t from, uint64_t to,
	     log_visit_fn fn, void *arg)
{
	struct media_entry e;
	uint64_t i;
	int rc;

	if (from < to)
		medium_drop(m, log_entry_offset(from),
			    (to - from) * MEDIA_ENTRY_BYTES);
	for (i = from; i < to; i++) {
		int bad = log_entry(m, i, &e);

		rc = fn(arg, i, &e, bad);
		if (rc)
			return rc;
	}
	return 0;
}

/**
 * log_lock() - keep other appenders on this host out
 * @m: the log
 *
 * Waits for them, or for a signal whose handler was set without SA_RESTART. The
 * kernel lifts the lock when the process ends.
 *
 * Return: 0, -EINTR after such a signal, or another negative error number
 */
int log_lock(const struct medium *m)
{
	return flock(m->fd, LOCK_EX) ? -errno : 0;
}

/**
 * log_unlock() - let other appenders in
 * @m: the log, locked
 */
void log_unlock(const struct medium *m)
{
	flock(m->fd, LOCK_UN);
}

/**
 * log_append() - add an entry
 * @m: the log, open for writing, and locked by log_lock()
 * @log_len: its length as the superblock has it
 * @e: the entry; its sequence number is set here
 *
 * Return: 0; -ENOSPC where the log is full; a negative error number or an enum
 * media_err where its header can't be used. Nothing was changed on an error.
 */
int log_append(struct medium *m, uint64_t log_len, struct media_entry *e)
{
	uint8_t buf[MEDIA_ENTRY_BYTES];
	struct media_log log;
	int rc;

	rc = log_header(m, log_len, &log);
	if (rc)
		return rc;
	if (log.next_index >= media_log_capacity(log_len))
		return -ENOSPC;

	e->seqnum = log.next_index;
	media_entry_encode(e, buf);
	medium_store(m, log_entry_offset(log.next_index), buf, sizeof(buf));
	medium_flush(m, log_entry_offset(log.next_index), sizeof(buf));

	/* The index goes last: it is what makes the entry count */
	medium_store64(m, MEDIA_HEADER_SEQ, log.next_index + 1);
	medium_store64(m, MEDIA_HEADER_NEXT, log.next_index + 1);
	medium_flush(m, 0, MEDIA_HEADER_BYTES);
	return 0;
}

/**
 * log_create() - write an empty log
 * @m: the log, open for writing
 * @log_len: its length
 *
 * All of it is cleared, so that no entry of an older log is left that could be
 * taken for one of this.
 */
void log_create(struct medium *m, uint64_t log_len)
{
	struct media_log log = {
		.len = log_len,
		.last_index = media_log_capacity(log_len) - 1,
	};
	uint8_t buf[MEDIA_HEADER_BYTES];

	medium_clear(m, 0, log_len);
	media_log_encode(&log, buf);
	medium_store(m, 0, buf, sizeof(buf));
	medium_flush(m, 0, sizeof(buf));
}
