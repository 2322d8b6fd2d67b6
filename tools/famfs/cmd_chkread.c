// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * famfs chkread: whether read(2) and mmap(2) show the same bytes of a file. The
 * kernel has a path for each.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cmd.h"
#include "kernel.h"
#include "log.h"
#include "media.h"
#include "regular.h"
#include "util.h"

#define BLOCK	(1U << 20)
#define WINDOW	(64ULL << 20)	/* mapped at a time; whole large pages */

static const struct option_def opts[] = {
	{ 's', "superblock", NULL, "the file shows the superblock, which has to be good" },
	{ 'l', "log", NULL, "the file shows the log, whose header has to be good" },
	{ 0 }
};

static const struct usage usage = {
	.synopsis = "[-s|-l] FILE",
	.does = "compare what read(2) and mmap(2) show of a file",
	.opts = opts,
};

static int fail(const char *file, int rc, const char *what)
{
	famfs_err("%s: %s", quote(file), what);
	return rc;
}

static int cant_read(const char *file, uint64_t at, int rc)
{
	famfs_err("%s: can't be read at offset %" PRIu64 ": %s", quote(file),
		  at, strerror(-rc));
	return rc;
}

static int read_full(int fd, uint8_t *buf, size_t len, uint64_t at,
		     uint64_t *failed)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, buf + done, len - done, at + done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			*failed = at + done;
			return n ? -errno : -ENODATA;
		}
		done += n;
	}
	return 0;
}

/* Read first: of memory that is bad, that tells more than a signal */
static int compare(const char *file, int fd, const uint8_t *map, uint64_t at,
		   size_t len, uint8_t *buf)
{
	uint64_t failed;
	size_t i;
	int rc;

	rc = read_full(fd, buf, len, at, &failed);
	if (rc)
		return cant_read(file, failed, rc);
	if (!memcmp(buf, map, len))
		return 0;
	/* Where the two are the same now, they have been changed meanwhile */
	for (i = 0; i < len - 1 && buf[i] == map[i]; i++)
		;
	famfs_err("%s: differs at offset %llu: read(2) shows 0x%02x, mmap(2) 0x%02x; unless somebody writes to the file, that is a defect",
		  quote(file), (unsigned long long)at + i, buf[i], map[i]);
	return -EIO;
}

static int compare_window(const char *file, int fd, uint64_t at, uint64_t end,
			  uint8_t *buf)
{
	size_t len = end - at < WINDOW ? end - at : WINDOW;
	size_t off, n;
	uint8_t *map;
	int rc = 0;

	map = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, at);
	if (map == MAP_FAILED) {
		rc = -errno;
		famfs_err("%s: can't be mapped at offset %" PRIu64 ": %s",
			  quote(file), at, strerror(-rc));
		return rc;
	}
	for (off = 0; off < len && !rc; off += n) {
		n = len - off < BLOCK ? len - off : BLOCK;
		rc = compare(file, fd, map + off, at + off, n, buf);
	}
	munmap(map, len);
	return rc;
}

static int check_meta(const char *file, int fd, const struct stat *st,
		      enum famfs_file_type type)
{
	uint8_t buf[MEDIA_SB_BYTES];
	struct famfs_fmap_header *msg;
	struct media_super sb;
	struct media_log log;
	uint64_t failed;
	bool is_it;
	int err, rc;

	rc = kern_map_get(fd, &msg);
	is_it = !rc && msg->file_type == type;
	if (!rc)
		free(msg);
	if (!is_it)
		return fail(file, -EINVAL, type == FAMFS_FILE_LOG
			    ? "does not show the log of a famfs mount"
			    : "does not show the superblock of a famfs mount");
	rc = read_full(fd, buf, type == FAMFS_FILE_LOG ? MEDIA_HEADER_BYTES
						       : MEDIA_SB_BYTES,
		       0, &failed);
	if (rc)
		return cant_read(file, failed, rc);
	if (type == FAMFS_FILE_LOG)
		err = media_log_decode(&log, st->st_size, buf);
	else
		err = media_super_decode(&sb, buf);
	return err ? fail(file, -EUCLEAN, media_strerror(err)) : 0;
}

static int check(const char *file, enum famfs_file_type type)
{
	uint8_t *buf = NULL;
	struct stat st;
	uint64_t at;
	int fd, rc;

	fd = regular_open(file, &st);
	if (fd < 0)
		return fail(file, fd, regular_strerror(fd));
	rc = type == FAMFS_FILE_REG ? 0 : check_meta(file, fd, &st, type);
	if (!rc && !st.st_size)
		rc = fail(file, -ENODATA, "is empty: nothing to compare");
	if (!rc) {
		buf = malloc(BLOCK);
		rc = buf ? 0 : fail(file, -ENOMEM, strerror(ENOMEM));
	}
	for (at = 0; !rc && at < (uint64_t)st.st_size; at += WINDOW)
		rc = compare_window(file, fd, at, st.st_size, buf);
	free(buf);
	close(fd);
	if (!rc)
		printf("%s: the same by read(2) and mmap(2), %" PRIu64 " bytes\n",
		       quote(file), (uint64_t)st.st_size);
	return rc;
}

static int run(int argc, char **argv, bool dryrun)
{
	enum famfs_file_type type = FAMFS_FILE_REG;
	bool super = false, log = false;
	int ch;

	(void)dryrun;	/* changes nothing anyway */
	while ((ch = options_next(argc, argv, &usage)) != OPTIONS_END) {
		switch (ch) {
		case OPTIONS_HELP:
			return 0;
		case OPTIONS_BAD:
			return 1;
		case 's':
			super = true;
			type = FAMFS_FILE_SUPERBLOCK;
			break;
		case 'l':
			log = true;
			type = FAMFS_FILE_LOG;
			break;
		}
	}
	if (super && log)
		return options_wrong(argv[0], &usage,
				     "-s and -l do not go together");
	if (argc - optind != 1)
		return options_wrong(argv[0], &usage,
				     "exactly one file is needed");
	return check(argv[optind], type) ? 1 : 0;
}

const struct command cmd_chkread = { "chkread", &usage, run };
