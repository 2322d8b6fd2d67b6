// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * famfs flush: what was stored in files goes from the processor's cache to the
 * memory, where other hosts see it, and what the cache holds of them is dropped,
 * so that the next load gets what other hosts have stored. Both are the kernel's
 * doing: it knows, and guards, the memory that has gone bad.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "kernel.h"
#include "regular.h"
#include "util.h"

static const struct option_def opts[] = {
	{ 'v', "verbose", NULL, "name each file that is flushed" },
	{ 'q', "quiet", NULL, "only the exit status tells of files that fail" },
	{ 0 }
};

static const struct usage usage = {
	.synopsis = "[-v] [-q] FILE...",
	.does = "write back and drop what the processor's cache holds of files",
	.opts = opts,
};

/* All that is good is flushed, even where some is not */
static int flush(const char *file, bool quiet, bool dryrun)
{
	struct famfs_error bad = { 0 };
	struct stat st;
	int fd, rc, n;

	fd = regular_open(file, &st);
	if (fd < 0) {
		if (!quiet)
			famfs_err("%s: %s", quote(file), regular_strerror(fd));
		return fd;
	}
	if (!kern_is_famfs(fd)) {
		close(fd);
		if (!quiet)
			famfs_err("%s: is no file of a famfs mount",
				  quote(file));
		return -ENOTTY;
	}
	if (dryrun) {
		close(fd);
		famfs_info("would flush %s", quote(file));
		return 0;
	}
	rc = fsync(fd) ? -errno : 0;
	n = -posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	if (!rc)
		rc = n;
	n = kern_get_errors(fd, 0, &bad, 1);
	close(fd);
	if (n > 0) {
		if (!quiet)
			famfs_err("%s: memory is bad at offset %llu, %llu bytes: what was stored there is lost; see famfs check",
				  quote(file), bad.pos, bad.len);
		return -EIO;
	}
	if (!rc)
		famfs_info("flushed %s", quote(file));
	else if (!quiet)
		famfs_err("%s: can't be flushed: %s", quote(file),
			  strerror(-rc));
	return rc;
}

static int run(int argc, char **argv, bool dryrun)
{
	bool quiet = false;
	int status = 0;
	int ch;

	while ((ch = options_next(argc, argv, &usage)) != OPTIONS_END) {
		switch (ch) {
		case OPTIONS_HELP:
			return 0;
		case OPTIONS_BAD:
			return 1;
		case 'q':
			quiet = true;
			break;
		case 'v':
			famfs_set_verbose(true);
			break;
		}
	}
	if (optind == argc)
		return options_wrong(argv[0], &usage, "a file is needed");
	for (; optind < argc; optind++) {
		if (flush(argv[optind], quiet, dryrun))
			status = 1;
	}
	return status;
}

const struct command cmd_flush = { "flush", &usage, run };
