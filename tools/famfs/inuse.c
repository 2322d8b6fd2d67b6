// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Finding processes that have a device open or mapped, in /proc. Devices are
 * told by their numbers, so that a node of another name, or in a container of
 * the process's own, is found as well. Mappings count even where the file was
 * closed after they were made.
 */
#include "inuse.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static bool same_device(const struct stat *a, const struct stat *b)
{
	return (a->st_mode & S_IFMT) == (b->st_mode & S_IFMT) &&
	       a->st_rdev == b->st_rdev;
}

/* A process may end while it is looked at: what can't be read is not in use */
static bool one_leads_to(const char *dir, const struct stat *dev)
{
	DIR *d = opendir(dir);
	bool found = false;
	struct dirent *e;
	struct stat st;

	if (!d)
		return false;
	while (!found && (e = readdir(d)))
		found = !fstatat(dirfd(d), e->d_name, &st, 0) &&
			same_device(&st, dev);
	closedir(d);
	return found;
}

/**
 * inuse_find() - look for a process that has a device open or mapped
 * @path: of the device node
 * @pid: gets the process
 *
 * Sees the processes of this pid namespace; for those of others than the caller
 * it takes root.
 *
 * Return: 1 where there is one, 0 where there is none, or a negative error
 * number
 */
int inuse_find(const char *path, pid_t *pid)
{
	char dir[PATH_MAX];
	struct dirent *e;
	struct stat dev;
	int found = 0;
	DIR *proc;

	if (stat(path, &dev))
		return -errno;
	proc = opendir("/proc");
	if (!proc)
		return -errno;
	while (!found && (e = readdir(proc))) {
		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		snprintf(dir, sizeof(dir), "/proc/%s/fd", e->d_name);
		found = one_leads_to(dir, &dev);
		if (!found) {
			snprintf(dir, sizeof(dir), "/proc/%s/map_files",
				 e->d_name);
			found = one_leads_to(dir, &dev);
		}
		if (found)
			*pid = atoi(e->d_name);
	}
	closedir(proc);
	return found;
}
