// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * famfs clone: a second file on the memory of another, which no file system
 * should have. It is for tests: fsck has to find it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "inside.h"
#include "log.h"
#include "util.h"

static const struct option_def opts[] = {
	{ 'v', "verbose", NULL, "say what is done" },
	{ 0 }
};

static const struct usage usage = {
	.synopsis = "[-v] SRC DST",
	.does = "for tests: log a second file on a file's memory, for fsck to find",
	.opts = opts,
};

static int fail(const char *file, int rc, const char *what)
{
	famfs_err("%s: %s", quote(file), what);
	return rc;
}

static int get_entry(struct target *t, const char *src, struct media_entry *e)
{
	char rel[MEDIA_PATH_SIZE];
	const struct name *name;
	int rc;

	rc = target_other(t, src, rel);
	if (rc)
		return rc;
	name = *rel ? names_find(&t->s.names, rel) : NULL;
	if (!*rel || (name && name->is_dir))
		return fail(src, -EISDIR, "is a directory");
	if (!name)
		return fail(src, -ENOENT, "is not in the log");
	rc = log_entry(&t->s.fs.log, name->index, e);
	if (rc)
		return fail(src, -EUCLEAN, log_strerror(rc));
	return 0;
}

static int clone(struct target *t, const char *src, const char *dst)
{
	struct media_entry e;
	int fd, rc;

	rc = get_entry(t, src, &e);
	if (rc)
		return rc;
	if (!*t->rel)
		return fail(dst, -EEXIST, "is a directory");
	fd = inside_open(t->root, t->rel, O_RDONLY | O_NONBLOCK);
	if (fd != -ENOENT) {
		if (fd >= 0)
			close(fd);
		return fail(dst, -EEXIST, "is there already");
	}
	/* All of it: nothing of the other name stays behind the shorter one */
	memcpy(e.file.path, t->rel, sizeof(e.file.path));
	rc = session_append(&t->s, &e);
	if (rc)
		return rc;
	if (t->s.dryrun)
		famfs_info("would log %s on the memory of %s", quote(dst),
			   quote(src));
	else
		printf("%s: logged on the memory of %s, which the kernel does not map twice\n",
		       quote(dst), quote(src));
	return 0;
}

static int run(int argc, char **argv, bool dryrun)
{
	struct target t;
	int ch, rc;

	while ((ch = options_next(argc, argv, &usage)) != OPTIONS_END) {
		switch (ch) {
		case OPTIONS_HELP:
			return 0;
		case OPTIONS_BAD:
			return 1;
		case 'v':
			famfs_set_verbose(true);
			break;
		}
	}
	if (argc - optind != 2)
		return options_wrong(argv[0], &usage,
				     "a file and a name for the second one are needed");
	if (target_open(&t, argv[optind + 1], dryrun))
		return 1;
	rc = clone(&t, argv[optind], argv[optind + 1]);
	target_close(&t);
	return rc ? 1 : 0;
}

const struct command cmd_clone = { "clone", &usage, run };
