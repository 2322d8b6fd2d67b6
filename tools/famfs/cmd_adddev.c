// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * famfs adddev: give a file system further devices.
 *
 * The device gets its superblock first, through a mount of its own; then the
 * mount takes it, which can still fail; then it is logged, and that is what
 * counts. Cut off before that, the device says that it belongs to a file system
 * whose log does not know it: the same command adds it, with no need for force;
 * but where the mount had taken it already, not before that is unmounted.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <uuid/uuid.h>

#include "cmd.h"
#include "daxmode.h"
#include "kernel.h"
#include "meta.h"
#include "mountapi.h"
#include "super.h"
#include "util.h"
#include "where.h"

static const struct option_def opts[] = {
	{ 'f', "force", NULL, "lose what is on the devices" },
	{ 'M', "set-daxmode", NULL,
	  "put the devices into the mode that famfs mounts" },
	{ 'v', "verbose", NULL, "say what is done" },
	{ 0 }
};

static const struct usage usage = {
	.synopsis = "[OPTION...] DIR DEVICE...",
	.does = "give a mounted file system further devices",
	.opts = opts,
};

struct adddev {
	struct session s;
	const char *dir;
	const char *dev;
	bool force;
	enum daxmode_change mode;
};

/* What is there may go if that was asked for, or if it is our own leftover */
static int check_old(const struct adddev *a, const struct medium *m)
{
	const struct media_devices *known = &a->s.devices;
	const struct media_super *sb = &a->s.fs.sb;
	uint8_t buf[MEDIA_SB_BYTES];
	struct media_super old;
	uint32_t i;
	int rc;

	rc = super_load(a->dev, m, buf);
	if (rc)
		return rc;
	if (!media_super_decode(&old, buf) &&
	    !uuid_compare(old.fs_uuid, sb->fs_uuid)) {
		for (i = 0; i < known->count; i++) {
			if (uuid_compare(known->uuid[i], old.dev_uuid))
				continue;
			famfs_err("%s: is device %u of this file system already; famfs logplay %s gives it to the mount",
				  a->dev, i, a->dir);
			return -EEXIST;
		}
		if (old.flags & MEDIA_SB_SECONDARY)
			return 0;
	}
	return a->force ? 0 : super_may_go(a->dev, m, buf, sb->system_uuid);
}

static int fill_super(const struct adddev *a, uint64_t capacity,
		      struct media_super *sb)
{
	*sb = a->s.fs.sb;
	sb->flags = MEDIA_SB_SECONDARY;
	sb->dev_size = capacity;
	if (capacity < MEDIA_SB_LEN + sb->alloc_unit) {
		famfs_err("%s: has %llu bytes, too few for superblock (2 MiB) and one allocation unit (%llu)",
			  a->dev, (unsigned long long)capacity,
			  (unsigned long long)sb->alloc_unit);
		return -ENOSPC;
	}
	uuid_generate(sb->dev_uuid);
	memcpy(sb->slot_uuid, sb->dev_uuid, sizeof(sb->slot_uuid));
	memset(sb->dev_path, 0, sizeof(sb->dev_path));
	super_name_device(sb, a->dev);
	return 0;
}

static int write_super(const struct adddev *a, int mount,
		       struct media_super *sb)
{
	struct medium m = { .fd = -1 };
	uint64_t capacity;
	int rc;

	rc = meta_make_super(mount);
	if (rc)
		return rc;
	rc = meta_open(mount, META_SUPER, true, false, &m);
	if (rc) {
		famfs_err("%s: superblock: %s", a->dev, strerror(-rc));
		return rc;
	}
	rc = kern_capacity(mount, &capacity);
	if (rc)
		famfs_err("%s: can't tell its size: %s", a->dev,
			  strerror(-rc));
	if (!rc)
		rc = super_sound(a->dev, &m, "superblock");
	if (!rc)
		rc = check_old(a, &m);
	if (!rc)
		rc = fill_super(a, capacity, sb);
	if (!rc && !a->s.dryrun) {
		super_kill(&m);
		super_write(&m, sb);
	}
	medium_close(&m);
	return rc;
}

/* What would keep it from being logged is to be known before it is written to */
static int check_room(const struct session *s)
{
	if (s->fs.sb.omf_minor < MEDIA_OMF_DAXDEV) {
		famfs_err("%s: is of media format %u.%u, which knows no further devices; make the file system anew",
			  s->name, s->fs.sb.omf_major, s->fs.sb.omf_minor);
		return -EOPNOTSUPP;
	}
	if (s->devices.count >= MEDIA_MAX_DEVS) {
		famfs_err("%s: has %u devices, and the media format holds no more",
			  s->name, MEDIA_MAX_DEVS);
		return -ENOSPC;
	}
	if (session_full(s)) {
		famfs_err("%s: the log is full, it holds %llu entries; make the file system anew with a longer log (mkfs.famfs --loglen)",
			  s->name, (unsigned long long)s->next);
		return -ENOSPC;
	}
	return 0;
}

static int give_and_log(struct adddev *a, const struct media_super *sb)
{
	struct media_entry e = {
		.type = MEDIA_DAXDEV,
		.daxdev.size = sb->dev_size,
		.daxdev.index = a->s.devices.count,
	};
	int lock, rc;

	if (a->s.dryrun)
		return 0;
	memcpy(e.daxdev.uuid, sb->dev_uuid, sizeof(e.daxdev.uuid));
	lock = daxmode_lock(a->dev);
	rc = kern_daxdev_open(a->s.fs.super.fd, e.daxdev.index, a->dev);
	daxmode_unlock(lock);
	if (rc) {
		famfs_err("%s: %s; it was not added", a->dev,
			  kern_daxdev_strerror(rc));
		return rc;
	}
	rc = session_append(&a->s, &e);
	if (rc) {
		famfs_err("%s: was not added, and the mount holds it until it is unmounted",
			  a->dev);
		return rc;
	}
	famfs_info("%s: added %s, %llu bytes, as device %u", a->dir, a->dev,
		   (unsigned long long)sb->dev_size, e.daxdev.index);
	return 0;
}

/*
 * The log is locked: no other process takes the index meanwhile, or gives the
 * device another superblock before the mount has it. The log would then name a
 * device that is nowhere.
 */
static int add_held(struct adddev *a)
{
	struct media_super sb;
	int mount, rc;

	rc = check_room(&a->s);
	if (rc)
		return rc;
	mount = mount_detached(a->dev, NULL);
	if (mount < 0)
		return mount;
	rc = write_super(a, mount, &sb);
	close(mount);
	return rc ? rc : give_and_log(a, &sb);
}

static int add_one(struct adddev *a)
{
	int rc;

	rc = check_room(&a->s);
	if (!rc)
		rc = daxmode_prepare(a->dev, a->mode);
	if (!rc)
		rc = session_hold(&a->s);
	if (rc)
		return rc;
	rc = add_held(a);
	session_release(&a->s);
	return rc;
}

static int run(int argc, char **argv, bool dryrun)
{
	struct adddev a = { .mode = DAXMODE_KEEP };
	struct where w;
	int ch, rc;

	while ((ch = options_next(argc, argv, &usage)) != OPTIONS_END) {
		switch (ch) {
		case OPTIONS_HELP:
			return 0;
		case OPTIONS_BAD:
			return 1;
		case 'f':
			a.force = true;
			break;
		case 'M':
			a.mode = DAXMODE_CHANGE;
			break;
		case 'v':
			famfs_set_verbose(true);
			break;
		}
	}
	if (argc - optind < 2)
		return options_wrong(argv[0], &usage,
				     "a directory and a device are needed");
	a.dir = argv[optind];
	if (where_open_dir(&w, a.dir))
		return 1;
	rc = session_open(&a.s, w.root, a.dir, dryrun);
	if (!rc) {
		/* Those before one that fails stay added */
		while (!rc && ++optind < argc) {
			a.dev = argv[optind];
			rc = add_one(&a);
		}
		session_close(&a.s);
	}
	where_close(&w);
	return rc ? 1 : 0;
}

const struct command cmd_adddev = { "adddev", &usage, run };
