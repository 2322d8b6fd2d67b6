// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * famfs creat: a file of a given size that every host gets.
 */
#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "cmd.h"
#include "inside.h"
#include "util.h"

static const struct option_def opts[] = {
	{ 's', "size", "SIZE", "size of the file; k, m, g or 0x as usual" },
	{ 'm', "mode", "MODE", "permission bits, octal" },
	{ 'u', "uid", "UID", "owner, by number" },
	{ 'g', "gid", "GID", "group, by number" },
	{ 'v', "verbose", NULL, "say what is done" },
	{ 'r', "randomize", NULL, NULL, true },
	{ 'S', "seed", "N", NULL, true },
	{ 'M', "multi", "FILE,SIZE[,SEED]", NULL, true },
	{ 't', "threadct", "N", NULL, true },
	{ 'N', "nstrips", "N", NULL, true },
	{ 'C', "chunksize", "SIZE", NULL, true },
	{ 'B', "nbuckets", "N", NULL, true },
	{ 0 }
};

static const struct usage usage = {
	.synopsis = "-s SIZE [OPTION...] FILE",
	.does = "make a file, and log it",
	.opts = opts,
};

static int make(const char *file, uint64_t size, const struct ownership *own,
		bool dryrun)
{
	struct new_node node = {
		.size = size,
		.mode = own->have_mode ? own->mode : 0644 & ~target_umask(),
		.uid = own->uid,
		.gid = own->gid,
	};
	struct target t;
	bool there;
	int rc;

	rc = target_open(&t, file, dryrun);
	if (rc)
		return rc;
	node.path = t.rel;
	if (!*t.rel) {
		famfs_err("%s: is a directory", quote(file));
		rc = -EISDIR;
	} else {
		rc = session_creat(&t.s, &node, &there);
	}
	if (!rc && there)
		famfs_info("%s is there, with that size", quote(file));
	else if (!rc)
		famfs_info("%s %s, %" PRIu64 " bytes",
			   dryrun ? "would make" : "made", quote(file), size);
	target_close(&t);
	return rc;
}

static int run(int argc, char **argv, bool dryrun)
{
	struct ownership own;
	bool have_size = false;
	uint64_t size = 0;
	int ch;

	ownership_init(&own);
	while ((ch = options_next(argc, argv, &usage)) != OPTIONS_END) {
		switch (ch) {
		case OPTIONS_HELP:
			return 0;
		case OPTIONS_BAD:
			return 1;
		case 's':
			if (famfs_parse_size(optarg, &size)) {
				famfs_err("size %s: expected a number, with k, m or g or after 0x, below 2^64",
					  quote(optarg));
				return 1;
			}
			have_size = true;
			break;
		case 'v':
			famfs_set_verbose(true);
			break;
		default:
			if (ownership_option(&own, ch, optarg))
				return 1;
		}
	}
	if (argc - optind != 1)
		return options_wrong(argv[0], &usage, "exactly one file is needed");
	if (!have_size)
		return options_wrong(argv[0], &usage, "a size is needed (-s)");
	return make(argv[optind], size, &own, dryrun) ? 1 : 0;
}

const struct command cmd_creat = { "creat", &usage, run };
