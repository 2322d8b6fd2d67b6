// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * famfs mkmeta: the meta files of a device that is mounted without them, as a
 * plain mount(2), or mount -i, leaves it.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "fs.h"
#include "kernel.h"
#include "util.h"

static const struct option_def opts[] = {
	{ 'v', "verbose", NULL, "say what is done" },
	{ 0 }
};

static const struct usage usage = {
	.synopsis = "[-v] DEVICE",
	.does = "make the meta files of a mounted device",
	.opts = opts,
};

static int run(int argc, char **argv, bool dryrun)
{
	char dir[PATH_MAX];
	const char *dev;
	struct fs fs;
	int ch, root, rc;

	while ((ch = options_next(argc, argv, &usage)) != OPTIONS_END) {
		if (ch == OPTIONS_HELP)
			return 0;
		if (ch == OPTIONS_BAD)
			return 1;
		famfs_set_verbose(true);
	}
	if (argc - optind != 1)
		return options_wrong(argv[0], &usage, "exactly one device is needed");
	dev = argv[optind];

	rc = fs_find_mount(dev, dir, sizeof(dir));
	if (rc == -ENOENT && !access(dev, F_OK)) {
		famfs_err("%s: is not mounted; mount -t famfs does that, and makes the meta files too",
			  dev);
		return 1;
	}
	if (rc) {
		famfs_err("%s: %s", dev, strerror(-rc));
		return 1;
	}
	root = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0) {
		famfs_err("%s: %s", dir, strerror(errno));
		return 1;
	}
	/* Something else may be mounted on top of it */
	if (!kern_is_famfs(root)) {
		famfs_err("%s: is mounted on %s, where another mount hides it",
			  dev, dir);
		close(root);
		return 1;
	}
	rc = fs_open(&fs, root, dir, dryrun ? 0 : FS_MAKE_META);
	if (!rc) {
		famfs_info("%s: has its meta files", dir);
		fs_close(&fs);
	}
	close(root);
	return rc ? 1 : 0;
}

const struct command cmd_mkmeta = { "mkmeta", &usage, run };
