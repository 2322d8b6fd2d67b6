// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Mounting a device: detached first, then the meta files and the log, and
 * attached when all of that is done. Until then nobody sees the mount, and
 * whatever fails, or whoever kills us, closing its descriptor undoes it.
 */
#include "mountfs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daxmode.h"
#include "fs.h"
#include "kernel.h"
#include "mountapi.h"
#include "replay.h"
#include "util.h"

static int check_dir(const char *dir)
{
	struct stat st;
	int rc;

	if (stat(dir, &st)) {
		rc = -errno;
		famfs_err("%s: mount point: %s", dir, strerror(-rc));
		return rc;
	}
	if (!S_ISDIR(st.st_mode)) {
		famfs_err("%s: mount point is not a directory", dir);
		return -ENOTDIR;
	}
	return 0;
}

/* Make what the log says in the detached mount */
static int populate(const struct mountfs *m, int mount)
{
	struct replay r = { .name = m->dev, .keep_mode = !m->set_mode };
	struct fs fs;
	int rc;

	rc = fs_open(&fs, mount, m->dev, FS_MAKE_META);
	if (rc)
		return rc;
	r.fs = &fs;
	if (fs.sb.dev_size > fs.capacity)
		famfs_warn("%s: the file system was made for %llu bytes and the device has %llu; files past its end will be missing",
			   m->dev, (unsigned long long)fs.sb.dev_size,
			   (unsigned long long)fs.capacity);
	rc = fs_is_master(&fs, &r.master);
	if (!rc)
		rc = replay_log(&r);
	if (!rc && r.errors)
		famfs_warn("%s: %llu of %llu log entries could not be played; the others are mounted, famfs fsck %s tells more",
			   m->dev, (unsigned long long)r.errors,
			   (unsigned long long)r.entries, m->dir);
	if (!rc)
		famfs_info("%s: %llu files and %llu directories, this host is %s",
			   m->dev, (unsigned long long)r.files_made,
			   (unsigned long long)r.dirs_made,
			   r.master ? "the master" : "a client");
	fs_close(&fs);
	return rc;
}

/* By path, or by the number of a process that is in it */
static int enter_namespace(const char *ns)
{
	char path[PATH_MAX];
	int fd, rc = 0;

	if (strchr(ns, '/'))
		snprintf(path, sizeof(path), "%s", ns);
	else
		snprintf(path, sizeof(path), "/proc/%s/ns/mnt", ns);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNS)) {
		rc = -errno;
		famfs_err("%s: can't enter the mount namespace: %s", path,
			  strerror(-rc));
	}
	if (fd >= 0)
		close(fd);
	return rc;
}

static int attach(const struct mountfs *m, int mount)
{
	int rc;

	if (m->opts.attr_set & MOUNT_ATTR_RDONLY) {
		rc = mount_change(mount, "", MOUNT_ATTR_RDONLY, 0);
		if (rc) {
			famfs_err("%s: can't make it read-only: %s", m->dev,
				  strerror(-rc));
			return rc;
		}
	}
	if (m->ns) {
		rc = enter_namespace(m->ns);
		if (!rc)
			rc = check_dir(m->dir);
		if (rc)
			return rc;
	}
	if (m->fake)
		return 0;
	rc = mount_attach(mount, m->dir);
	if (rc)
		famfs_err("%s: can't attach the mount here: %s", m->dir,
			  strerror(-rc));
	return rc;
}

/* Any other mount is not ours to change */
static int check_mounted(const struct mountfs *m)
{
	struct stat dev, source;
	char path[PATH_MAX];
	int root, rc = 0;

	root = open(m->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0) {
		rc = -errno;
		famfs_err("%s: %s", m->dir, strerror(-rc));
		return rc;
	}
	if (!kern_is_famfs(root)) {
		famfs_err("%s: no famfs is mounted here; see findmnt -t famfs",
			  m->dir);
		rc = -EINVAL;
	}
	close(root);
	if (rc || stat(m->dev, &dev))
		return rc;
	if (fs_find_source(m->dir, path, sizeof(path)) ||
	    stat(path, &source) || source.st_rdev == dev.st_rdev)
		return 0;
	famfs_err("%s: what is mounted here is %s and not %s", m->dir, path,
		  m->dev);
	return -EINVAL;
}

static int remount(const struct mountfs *m)
{
	int rc;

	if (m->ns) {
		rc = enter_namespace(m->ns);
		if (rc)
			return rc;
	}
	rc = check_mounted(m);
	if (rc)
		return rc;
	if (m->fake)
		return 0;
	/* mount(8) repeats the options that are in force */
	if (m->opts.fs_count) {
		rc = mount_reconfigure(m->dir, &m->opts);
		if (rc)
			return rc;
	}
	rc = mount_change(AT_FDCWD, m->dir, m->opts.attr_set,
			  m->opts.attr_clear);
	if (rc)
		famfs_err("%s: can't change the mount: %s", m->dir,
			  rc == -EINVAL ? "nothing is mounted here"
					: strerror(-rc));
	return rc;
}

/**
 * mountfs() - mount a device with all its files, or change a mount
 * @m: what to do
 *
 * Entries of the log that can't be played are reported, and do not keep the
 * rest from being mounted. A bad superblock or log header does.
 *
 * Return: 0, also where the device is not there and need not be; or a negative
 * error number after a message, nothing is mounted then
 */
int mountfs(const struct mountfs *m)
{
	int mount, rc;

	if (m->opts.remount)
		return remount(m);
	if (m->opts.nofail && access(m->dev, F_OK) && errno == ENOENT) {
		famfs_info("%s: is not there, and need not be", m->dev);
		return 0;
	}
	if (!m->ns) {
		rc = check_dir(m->dir);
		if (rc)
			return rc;
	}
	if (m->load_module) {
		rc = module_load();
		if (rc)
			return rc;
	}
	rc = daxmode_prepare(m->dev, m->set_mode ? DAXMODE_IF_FAMFS
						    : DAXMODE_KEEP);
	if (rc)
		return rc;
	mount = mount_detached(m->dev, &m->opts);
	if (mount < 0)
		return mount;
	rc = populate(m, mount);
	if (!rc)
		rc = attach(m, mount);
	close(mount);
	return rc;
}
