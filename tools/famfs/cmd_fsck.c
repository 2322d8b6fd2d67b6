// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * famfs fsck: by device, through a detached mount, when it is not mounted; by
 * directory when it is. Exit status as in fsck(8).
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uuid/uuid.h>

#include "check.h"
#include "cmd.h"
#include "daxmode.h"
#include "fs.h"
#include "kernel.h"
#include "mountapi.h"
#include "util.h"

#define FSCK_OK			0
#define FSCK_UNCORRECTED	4
#define FSCK_OPERATIONAL	8
#define FSCK_USAGE		16

static const struct option_def opts[] = {
	{ 'v', "verbose", NULL, "show the superblock and counts" },
	{ 'h', "human", NULL, "sizes with a unit that suits them" },
	{ 'm', "mmap", NULL, "load the log through a mapping (default)" },
	{ 'r', "read", NULL, "load the log by read(2)" },
	{ 'B', "nbuckets", "N", NULL, true },
	{ 'M', "set-daxmode", NULL,
	  "put the device into the mode that famfs mounts" },
	{ 'L', "load-module", NULL, "load the famfs module if need be" },
	{ 'F', "nofuse", NULL, "accepted; there is no fuse variant" },
	{ 'f', "fuse", NULL, NULL, true },
	{ 0 }
};

static const struct usage usage = {
	.synopsis = "[OPTION...] DEVICE|DIR",
	.does = "check superblock and log, and show space",
	.opts = opts,
};

struct fsck {
	unsigned int fs_flags;
	bool human;
	bool set_mode;
	bool load_module;
};

static void print_uuid(const char *what, const uint8_t uuid[16])
{
	char text[UUID_STR_LEN];

	uuid_unparse(uuid, text);
	printf("%s: %s\n", what, text);
}

static void print_super(const struct media_super *sb)
{
	printf("version: %" PRIu64 "\n", sb->version);
	printf("log_offset: %" PRIu64 "\n", sb->log_offset);
	printf("log_len: %" PRIu64 "\n", sb->log_len);
	printf("alloc_unit: %" PRIu64 "\n", sb->alloc_unit);
	printf("omf_major: %u\n", sb->omf_major);
	printf("omf_minor: %u\n", sb->omf_minor);
	print_uuid("uuid", sb->fs_uuid);
	print_uuid("dev_uuid", sb->dev_uuid);
	print_uuid("system_uuid", sb->system_uuid);
	printf("flags: %u\n", sb->flags);
	printf("dev_size: %" PRIu64 "\n", sb->dev_size);
	printf("dev_path: %s\n", quote(sb->dev_path));
}

static void print_bytes(const char *what, uint64_t bytes, bool human)
{
	if (human)
		printf("%s: %s\n", what, human(bytes));
	else
		printf("%s: %" PRIu64 "\n", what, bytes);
}

static int check_root(const struct fsck *f, int root, const char *name)
{
	struct check c = { .name = name };
	struct fs fs;
	int rc;

	rc = fs_open(&fs, root, name, f->fs_flags);
	if (rc)
		return rc == -EUCLEAN ? FSCK_UNCORRECTED : FSCK_OPERATIONAL;
	c.fs = &fs;
	if (famfs_verbose())
		print_super(&fs.sb);
	rc = check_fs(&c);
	if (!rc) {
		if (famfs_verbose()) {
			printf("entries: %" PRIu64 "\n", c.entries);
			printf("files: %" PRIu64 "\n", c.files);
			printf("directories: %" PRIu64 "\n", c.dirs);
			printf("allocated: %" PRIu64 "\n", c.used_bytes);
		}
		print_bytes("Device capacity", fs.capacity, f->human);
		print_bytes("Free space", c.free_bytes, f->human);
		if (c.errors)
			famfs_err("%s: %llu errors, left as they are; copy out what is good, then make the file system anew with mkfs.famfs -f",
				  name, (unsigned long long)c.errors);
	}
	fs_close(&fs);
	if (rc)
		return rc == -EUCLEAN ? FSCK_UNCORRECTED : FSCK_OPERATIONAL;
	return c.errors ? FSCK_UNCORRECTED : FSCK_OK;
}

static int check_dir(const struct fsck *f, const char *dir)
{
	int root, status;

	root = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0) {
		famfs_err("%s: %s", dir, strerror(errno));
		return FSCK_OPERATIONAL;
	}
	if (!kern_is_famfs(root)) {
		famfs_err("%s: is not in a famfs mount; give the device, or see findmnt -t famfs",
			  dir);
		status = FSCK_OPERATIONAL;
	} else {
		status = check_root(f, root, dir);
	}
	close(root);
	return status;
}

static int check_device(const struct fsck *f, const char *dev)
{
	struct fsck detached = *f;
	char dir[PATH_MAX];
	int mount, status;

	if (!fs_find_mount(dev, dir, sizeof(dir))) {
		famfs_err("%s: is mounted on %s; check it there, with famfs fsck %s",
			  dev, dir, dir);
		return FSCK_OPERATIONAL;
	}
	if ((f->load_module && module_load()) ||
	    daxmode_prepare(dev, f->set_mode ? DAXMODE_IF_FAMFS
					     : DAXMODE_KEEP))
		return FSCK_OPERATIONAL;
	mount = mount_detached(dev, NULL);
	if (mount < 0)
		return FSCK_OPERATIONAL;
	detached.fs_flags |= FS_MAKE_META;
	status = check_root(&detached, mount, dev);
	close(mount);
	return status;
}

static int run(int argc, char **argv, bool dryrun)
{
	struct fsck f = { 0 };
	struct stat st;
	int ch;

	(void)dryrun;	/* changes nothing anyway */
	while ((ch = options_next(argc, argv, &usage)) != OPTIONS_END) {
		switch (ch) {
		case OPTIONS_HELP:
			return FSCK_OK;
		case OPTIONS_BAD:
			return FSCK_USAGE;
		case 'v':
			famfs_set_verbose(true);
			break;
		case 'h':
			f.human = true;
			break;
		case 'm':
			f.fs_flags &= ~FS_BY_READ;
			break;
		case 'r':
			f.fs_flags |= FS_BY_READ;
			break;
		case 'M':
			f.set_mode = true;
			break;
		case 'L':
			f.load_module = true;
			break;
		}
	}
	if (argc - optind != 1) {
		options_wrong(argv[0], &usage,
			      "exactly one device or directory is needed");
		return FSCK_USAGE;
	}
	if (stat(argv[optind], &st)) {
		famfs_err("%s: %s", argv[optind], strerror(errno));
		return FSCK_OPERATIONAL;
	}
	if (S_ISDIR(st.st_mode))
		return check_dir(&f, argv[optind]);
	return check_device(&f, argv[optind]);
}

const struct command cmd_fsck = {
	"fsck", &usage, run, FSCK_OPERATIONAL
};
