// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mkfs.famfs: the command line of mkfs.c.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "daxmode.h"
#include "media.h"
#include "mkfs.h"
#include "options.h"
#include "tables.h"
#include "util.h"

#define OPT_4K	256

static const struct option_def opts[] = {
	{ 'f', "force", NULL, "over a file system that is there" },
	{ 'k', "kill", NULL, "destroy the file system; only with -f" },
	{ 'l', "loglen", "SIZE", "length of the log: a power of two, at least 8m (default)" },
	{ 'M', "set-daxmode", NULL,
	  "put the device into the mode that famfs mounts" },
	{ OPT_4K, "4k", NULL, "the same as --alloc-unit 4k" },
	{ 'a', "alloc-unit", "4k|2m", "files are multiples of this (default 2m)" },
	{ 'F', "nofuse", NULL, "accepted; there is no fuse variant" },
	{ 'v', "verbose", NULL, "say what is done" },
	{ 0 }
};

const struct usage mkfs_usage = {
	.synopsis = "[OPTION...] DEVICE",
	.does = "Make a famfs file system in a device's memory.",
	.opts = opts,
};

static int set_unit(struct mkfs *m, const char *text)
{
	if (!strcasecmp(text, "4k")) {
		m->alloc_unit = MEDIA_UNIT_4K;
	} else if (!strcasecmp(text, "2m")) {
		m->alloc_unit = MEDIA_UNIT_2M;
	} else {
		famfs_err("allocation unit %s: expected 4k or 2m", quote(text));
		return -EINVAL;
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct mkfs m = {
		.log_len = MEDIA_LOG_MIN,
		.alloc_unit = MEDIA_UNIT_2M,
	};
	enum daxmode_change mode = DAXMODE_KEEP;
	int ch;

	argv[0] = "mkfs.famfs";
	famfs_set_program(argv[0]);
	famfs_catch_bad_memory(1);
	while ((ch = options_next(argc, argv, &mkfs_usage)) != OPTIONS_END) {
		switch (ch) {
		case OPTIONS_HELP:
			return 0;
		case OPTIONS_BAD:
			return 1;
		case 'f':
			m.force = true;
			break;
		case 'k':
			m.kill = true;
			break;
		case 'l':
			if (famfs_parse_size(optarg, &m.log_len)) {
				famfs_err("log length %s: expected a number, with k, m or g or after 0x",
					  quote(optarg));
				return 1;
			}
			break;
		case 'M':
			mode = DAXMODE_CHANGE;
			break;
		case OPT_4K:
			m.alloc_unit = MEDIA_UNIT_4K;
			break;
		case 'a':
			if (set_unit(&m, optarg))
				return 1;
			break;
		case 'v':
			famfs_set_verbose(true);
			break;
		}
	}
	if (argc - optind != 1)
		return options_wrong(argv[0], &mkfs_usage,
				     "exactly one device is needed");
	m.dev = argv[optind];
	if (mkfs_check(&m) || daxmode_prepare(m.dev, mode) || mkfs_run(&m))
		return 1;
	return 0;
}
