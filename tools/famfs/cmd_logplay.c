// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * famfs logplay: make in a mount what the log has got since.
 */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "cmd.h"
#include "fs.h"
#include "replay.h"
#include "util.h"
#include "where.h"

static const struct option_def opts[] = {
	{ 'n', "dryrun", NULL, "say what would be made, make nothing" },
	{ 'm', "mmap", NULL, "load the log through a mapping (default)" },
	{ 'r', "read", NULL, "load the log by read(2)" },
	{ 'c', "client", NULL, "play as a client does, on the master too" },
	{ 'M', "set-daxmode", NULL,
	  "put devices that the log adds into the mode that famfs mounts" },
	{ 'v', "verbose", NULL, "name each file that is made" },
	{ 0 }
};

static const struct usage usage = {
	.synopsis = "[OPTION...] DIR",
	.does = "play the log: make what other hosts have added",
	.opts = opts,
};

static void report(const char *dir, const struct replay *r)
{
	printf("%s: %" PRIu64 " log entries: ", dir, r->entries);
	printf("%" PRIu64 " files and %" PRIu64 " directories %s, ",
	       r->files_made, r->dirs_made, r->dryrun ? "to make" : "made");
	if (r->devices_made + r->devices_there)
		printf("%" PRIu64 " devices %s, %" PRIu64 " were there, ",
		       r->devices_made, r->dryrun ? "to open" : "opened",
		       r->devices_there);
	printf("%" PRIu64 " and %" PRIu64 " were there, %" PRIu64 " errors\n",
	       r->files_there, r->dirs_there, r->errors);
}

static int play(const char *dir, unsigned int flags, bool client,
		struct replay r)
{
	struct where w;
	struct fs fs;
	int rc;

	r.name = dir;
	if (where_open_dir(&w, dir))
		return 1;
	rc = fs_open(&fs, w.root, dir, flags);
	if (rc)
		goto out;
	r.fs = &fs;
	rc = fs_is_master(&fs, &r.master);
	if (client)
		r.master = false;
	if (!rc)
		rc = replay_log(&r);
	if (!rc)
		report(dir, &r);
	fs_close(&fs);
out:
	where_close(&w);
	return rc || r.errors ? 1 : 0;
}

static int run(int argc, char **argv, bool dryrun)
{
	struct replay r = { .dryrun = dryrun, .keep_mode = true };
	bool client = false;
	unsigned int flags = 0;
	int ch;

	while ((ch = options_next(argc, argv, &usage)) != OPTIONS_END) {
		switch (ch) {
		case OPTIONS_HELP:
			return 0;
		case OPTIONS_BAD:
			return 1;
		case 'n':
			r.dryrun = true;
			break;
		case 'm':
			flags &= ~FS_BY_READ;
			break;
		case 'r':
			flags |= FS_BY_READ;
			break;
		case 'c':
			client = true;
			break;
		case 'M':
			r.keep_mode = false;
			break;
		case 'v':
			famfs_set_verbose(true);
			break;
		}
	}
	if (argc - optind != 1)
		return options_wrong(argv[0], &usage, "exactly one directory is needed");
	return play(argv[optind], flags, client, r);
}

const struct command cmd_logplay = { "logplay", &usage, run };
