// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Finding the mount that holds a device. The kernel lists the devices of each
 * famfs mount in sysfs, the further ones too, whatever name space the mount is
 * in; the mount table of this process says where that is attached.
 */
#include "holder.h"

#include <dirent.h>
#include <libmount/libmount.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "fs.h"
#include "inuse.h"

#define SYS_FAMFS	"/sys/fs/famfs"

/* What sysfs calls a device, whatever its node is called */
static bool kernel_name(const struct stat *st, char *name, size_t size)
{
	char path[64], target[PATH_MAX];
	const char *base;
	ssize_t n;

	if (!S_ISCHR(st->st_mode) && !S_ISBLK(st->st_mode))
		return false;
	snprintf(path, sizeof(path), "/sys/dev/%s/%u:%u",
		 S_ISCHR(st->st_mode) ? "char" : "block", major(st->st_rdev),
		 minor(st->st_rdev));
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return false;
	target[n] = '\0';
	base = strrchr(target, '/');
	base = base ? base + 1 : target;
	if (strlen(base) >= size)
		return false;
	strcpy(name, base);
	return true;
}

static bool in_mount(const char *first, const char *want, struct holder *h)
{
	char path[PATH_MAX], line[128], name[64];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), SYS_FAMFS "/%s/devices", first);
	f = fopen(path, "re");
	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f))
		found = sscanf(line, "%u %63s", &h->index, name) == 2 &&
			!strcmp(name, want) && !strstr(line, " gone");
	fclose(f);
	if (found)
		snprintf(h->first, sizeof(h->first), "%.63s", first);
	return found;
}

static bool find_famfs(const char *name, struct holder *h)
{
	struct dirent *e;
	char path[96];
	DIR *dir;

	dir = opendir(SYS_FAMFS);
	if (!dir)
		return false;
	while (!h->famfs && (e = readdir(dir))) {
		if (e->d_name[0] != '.')
			h->famfs = in_mount(e->d_name, name, h);
	}
	closedir(dir);
	if (!h->famfs)
		return false;
	strcpy(h->type, "famfs");
	snprintf(path, sizeof(path), "/dev/%s", h->first);
	if (fs_find_mount(path, h->dir, sizeof(h->dir)))
		h->dir[0] = '\0';
	return true;
}

/* File systems on block devices have the number of the device */
static bool find_other(dev_t rdev, struct holder *h)
{
	struct libmnt_table *tb;
	struct libmnt_fs *mnt;

	tb = mnt_new_table_from_file("/proc/self/mountinfo");
	mnt = tb ? mnt_table_find_devno(tb, rdev, MNT_ITER_BACKWARD) : NULL;
	if (mnt) {
		snprintf(h->type, sizeof(h->type), "%s",
			 mnt_fs_get_fstype(mnt) ? mnt_fs_get_fstype(mnt) : "");
		snprintf(h->dir, sizeof(h->dir), "%s",
			 mnt_fs_get_target(mnt) ? mnt_fs_get_target(mnt) : "");
	}
	mnt_unref_table(tb);
	return mnt;
}

/**
 * holder_find() - find the mount that holds a device
 * @dev: path of the device node
 * @h: gets what is known of the mount
 *
 * Return: true where there is one
 */
bool holder_find(const char *dev, struct holder *h)
{
	struct stat st;
	char name[64];

	*h = (struct holder){ 0 };
	if (stat(dev, &st))
		return false;
	if (kernel_name(&st, name, sizeof(name)) && find_famfs(name, h))
		return true;
	return S_ISBLK(st.st_mode) && find_other(st.st_rdev, h);
}

/**
 * holder_describe() - say in words who holds a device
 * @dev: path of the device node
 * @text: gets a phrase that goes after the name of the device
 * @size: of @text
 *
 * Return: true where somebody was found
 */
bool holder_describe(const char *dev, char *text, size_t size)
{
	struct holder h;
	pid_t pid;

	if (!holder_find(dev, &h)) {
		if (inuse_find(dev, &pid) <= 0)
			return false;
		snprintf(text, size, "is held by process %d", (int)pid);
		return true;
	}
	if (!h.dir[0])
		snprintf(text, size,
			 "is mounted already, where this process can't see it: in another mount namespace, or about to be attached");
	else if (h.famfs && h.index)
		snprintf(text, size,
			 "is mounted already, as device %u of the file system on %s",
			 h.index, h.dir);
	else
		snprintf(text, size, "is mounted already (%s), on %s", h.type,
			 h.dir);
	return true;
}
