// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What only looks at a file system can do so by its device, without a mount that
 * anybody sees: it is mounted detached, for as long as we look, and nothing is
 * played into it. A device that is mounted can not be mounted once more, so then
 * it is the mount that is looked at.
 */
#include "where.h"

#include <errno.h>
#include <fcntl.h>
#include <libmount/libmount.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daxmode.h"
#include "fs.h"
#include "inside.h"
#include "kernel.h"
#include "mountapi.h"
#include "util.h"

static int find_dir(struct where *w, const char *dir)
{
	struct stat st;
	char *real;
	int rc;

	/* A link to the mount from elsewhere will do as well */
	real = realpath(dir, NULL);
	rc = !real || stat(real, &st) ? -errno :
	     !S_ISDIR(st.st_mode) ? -ENOTDIR :
	     inside_find_root(real, &w->root, w->rel, sizeof(w->rel));
	free(real);
	return rc;
}

static int open_dir(struct where *w, const char *dir, const char *advice)
{
	int rc = find_dir(w, dir);

	if (rc) {
		w->root = -1;
		famfs_err("%s: %s", quote(dir), strerror(-rc));
		return rc;
	}
	if (!kern_is_famfs(w->root)) {
		famfs_err("%s: is not in a famfs mount; %ssee findmnt -t famfs",
			  quote(dir), advice);
		where_close(w);
		return -ENOTTY;
	}
	if (dir != w->dir)
		strncpy(w->dir, dir, sizeof(w->dir) - 1);
	return 0;
}

/**
 * where_open_dir() - get at the mount that a directory lies in
 * @w: to fill; where_close() it if all went well
 * @dir: the directory; kept
 *
 * Return: 0, or a negative error number after a message
 */
int where_open_dir(struct where *w, const char *dir)
{
	*w = (struct where){ .name = dir, .root = -1 };
	return open_dir(w, dir, "");
}

/**
 * where_covered() - tell whether a mount can't be reached by its directory
 * @dev: path of the node of the device that is mounted
 * @dir: where it is mounted
 *
 * What is mounted over a mount is what its directory leads to.
 *
 * Return: true if it does not lead to the mount of that device
 */
bool where_covered(const char *dev, const char *dir)
{
	char top[PATH_MAX];
	struct stat a, b;

	return fs_find_source(dir, top, sizeof(top)) || stat(dev, &a) ||
	       stat(top, &b) || a.st_rdev != b.st_rdev;
}

static int open_device(struct where *w, const char *dev, unsigned int flags)
{
	int rc;

	if (!fs_find_mount(dev, w->dir, sizeof(w->dir))) {
		if ((flags & WHERE_ANY) && !where_covered(dev, w->dir))
			return open_dir(w, w->dir, "");
		if (flags & WHERE_ANY) {
			famfs_err("%s: is mounted on %s, and something else over it; unmount that first",
				  quote(dev), quote(w->dir));
			return -EBUSY;
		}
		famfs_err("%s: is mounted on %s; check it there, with famfs fsck %s",
			  quote(dev), quote(w->dir), quote(w->dir));
		return -EBUSY;
	}
	w->dir[0] = '\0';
	rc = flags & WHERE_LOAD_MODULE ? module_load() : 0;
	if (!rc)
		rc = daxmode_prepare(dev, flags & WHERE_SET_MODE
					  ? DAXMODE_IF_FAMFS : DAXMODE_KEEP);
	if (rc)
		return rc;
	w->root = mount_detached(dev, NULL);
	if (w->root < 0)
		return w->root;
	w->detached = true;
	return 0;
}

/**
 * where_open() - get at a file system by its device or its mount
 * @w: to fill; where_close() it if all went well
 * @name: of a device or a directory; kept
 * @flags: WHERE_ flags
 *
 * Return: 0, or a negative error number after a message
 */
int where_open(struct where *w, const char *name, unsigned int flags)
{
	struct stat st;
	int rc;

	*w = (struct where){ .name = name, .root = -1 };
	if (stat(name, &st)) {
		rc = -errno;
		famfs_err("%s: %s", quote(name), strerror(-rc));
		return rc;
	}
	if (S_ISDIR(st.st_mode))
		return open_dir(w, name, "give the device, or ");
	return open_device(w, name, flags);
}

/**
 * where_fs_flags() - how fs_open() has to open what is there
 * @w: an open one
 *
 * Return: FS_ flags
 */
unsigned int where_fs_flags(const struct where *w)
{
	return w->detached ? FS_MAKE_META : 0;
}

/**
 * where_close() - let go of it, and undo a mount of our own
 * @w: an open one
 */
void where_close(struct where *w)
{
	close(w->root);
	w->root = -1;
}

static int each_mount(struct libmnt_table *tb, struct libmnt_iter *it,
		      int (*fn)(void *arg, const char *dir), void *arg)
{
	dev_t *seen = NULL, *more;
	struct libmnt_fs *mnt;
	struct stat st;
	size_t n = 0, i;
	int rc = 0;

	while (!rc && !mnt_table_next_fs(tb, it, &mnt)) {
		const char *type = mnt_fs_get_fstype(mnt);
		const char *root = mnt_fs_get_root(mnt);
		dev_t dev = mnt_fs_get_devno(mnt);

		if (!type || strcmp(type, "famfs") ||
		    (root && strcmp(root, "/")))
			continue;
		/* Is it still what its directory leads to? */
		if (stat(mnt_fs_get_target(mnt), &st) || st.st_dev != dev)
			continue;
		/* One that is bound to several places is one file system */
		for (i = 0; i < n && seen[i] != dev; i++)
			;
		if (i < n)
			continue;
		more = reallocarray(seen, n + 1, sizeof(*seen));
		if (!more) {
			rc = -ENOMEM;
			break;
		}
		seen = more;
		seen[n++] = dev;
		rc = fn(arg, mnt_fs_get_target(mnt));
	}
	free(seen);
	return rc;
}

/**
 * where_mounts() - visit all famfs mounts that this process sees
 * @fn: called with the directory of each; not 0 ends it
 * @arg: handed to @fn
 *
 * Return: 0, what @fn ended it with, or a negative error number
 */
int where_mounts(int (*fn)(void *arg, const char *dir), void *arg)
{
	struct libmnt_table *tb = mnt_new_table_from_file("/proc/self/mountinfo");
	struct libmnt_iter *it = mnt_new_iter(MNT_ITER_FORWARD);
	int rc = tb && it ? each_mount(tb, it, fn, arg) : -EIO;

	mnt_free_iter(it);
	mnt_unref_table(tb);
	return rc;
}
