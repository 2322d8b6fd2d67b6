// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Files that a user names for reading. What else has a name is told from its
 * inode: to open a pipe would wait, and to open a device may do something.
 */
#include "regular.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static int check(const struct stat *st)
{
	if (S_ISDIR(st->st_mode))
		return -EISDIR;
	return S_ISREG(st->st_mode) ? 0 : -EMEDIUMTYPE;
}

/**
 * regular_open() - open a regular file for reading
 * @path: as typed
 * @st: gets what fstat(2) says
 *
 * Return: a file descriptor, or a negative error number, see regular_strerror()
 */
int regular_open(const char *path, struct stat *st)
{
	int fd, rc;

	if (stat(path, st))
		return -errno;
	rc = check(st);
	if (rc)
		return rc;
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	rc = fstat(fd, st) ? -errno : check(st);
	if (rc) {
		close(fd);
		return rc;
	}
	return fd;
}

/**
 * regular_strerror() - say in words why regular_open() failed
 * @rc: what it returned
 *
 * Return: a phrase that goes after the name of the file
 */
const char *regular_strerror(int rc)
{
	switch (rc) {
	case -EISDIR:
		return "is a directory";
	case -EMEDIUMTYPE:
		return "is no regular file";
	default:
		return strerror(-rc);
	}
}
