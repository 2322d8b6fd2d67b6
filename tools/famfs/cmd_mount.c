// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * famfs mount: what mount -t famfs does, with the options that scripts know.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "daxmode.h"
#include "mountfs.h"
#include "util.h"

static const struct option_def opts[] = {
	{ 'v', "verbose", NULL, "say what is done" },
	{ 'u', "nouseraccess", NULL, "root alone may enter the mount" },
	{ 'p', "nodefaultperm", NULL,
	  "accepted; permissions are always checked" },
	{ 'F', "nofuse", NULL, "accepted; there is no fuse variant" },
	{ 'f', "fuse", NULL, NULL, true },
	{ 'M', "set-daxmode", NULL,
	  "put the device into the mode that famfs mounts" },
	{ 'L', "load-module", NULL, "load the famfs module where the kernel does not by itself" },
	{ 'R', "remount", NULL,
	  "change the options of a mount that is there" },
	{ 'd', "debug", NULL, "the same as -v" },
	{ 0 }
};

static const struct usage usage = {
	.synopsis = "[OPTION...] DEVICE DIR",
	.does = "mount a device, make its meta files and play its log",
	.opts = opts,
};

static int run(int argc, char **argv, bool dryrun)
{
	struct mountfs m = { .fake = dryrun };
	int ch, rc = 0;

	while ((ch = options_next(argc, argv, &usage)) != OPTIONS_END) {
		switch (ch) {
		case OPTIONS_HELP:
			return 0;
		case OPTIONS_BAD:
			return 1;
		case 'v':
		case 'd':
			famfs_set_verbose(true);
			break;
		case 'u':
			rc = mountopts_add(&m.opts, "mode", "0700");
			break;
		case 'M':
			m.set_mode = true;
			break;
		case 'R':
			m.opts.remount = true;
			break;
		case 'L':
			m.load_module = true;
			break;
		}
		if (rc) {
			famfs_err("%s", strerror(-rc));
			return 1;
		}
	}
	if (argc - optind != 2)
		return options_wrong(argv[0], &usage,
				     "a device and a directory are needed");
	m.dev = argv[optind];
	m.dir = argv[optind + 1];
	rc = mountfs(&m);
	mountopts_free(&m.opts);
	return rc ? 1 : 0;
}

const struct command cmd_mount = { "mount", &usage, run };
