// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Path work in a mount. Paths come from the log, which others can write, and
 * the tree may hold what a user of this host has put there; so nothing is
 * resolved but by openat2(2), beneath the root of the mount, with no symbolic
 * link followed and no other file system entered.
 */
#include "inside.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "media.h"

#ifndef STATX_ATTR_MOUNT_ROOT
#define STATX_ATTR_MOUNT_ROOT	0x00002000
#endif

/**
 * inside_open() - open what is there
 * @root: the root directory of the mount
 * @path: relative to it; "." for itself
 * @flags: as open(2), without O_CREAT
 *
 * Return: the descriptor, or a negative error number: -ELOOP for a symbolic
 * link in the path, -EXDEV for a path that leaves the mount
 */
int inside_open(int root, const char *path, int flags)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC | O_NOFOLLOW,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
			   RESOLVE_NO_XDEV,
	};
	int fd;

	do {
		fd = syscall(SYS_openat2, root, path, &how, sizeof(how));
	} while (fd < 0 && (errno == EAGAIN || errno == EINTR));
	return fd < 0 ? -errno : fd;
}

/* Open the directory that @path lies in; its last part goes to @name */
static int open_parent(int root, const char *path, const char **name)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX];

	*name = slash ? slash + 1 : path;
	if (!slash)
		return inside_open(root, ".", O_PATH | O_DIRECTORY);
	if ((size_t)(slash - path) >= sizeof(dir))
		return -ENAMETOOLONG;
	memcpy(dir, path, slash - path);
	dir[slash - path] = '\0';
	return inside_open(root, dir, O_PATH | O_DIRECTORY);
}

/**
 * inside_create() - make an empty regular file
 * @root: the root directory of the mount
 * @path: relative to it, normalised
 *
 * The file is for its owner alone until inside_owner() says otherwise.
 *
 * Return: a descriptor open for reading and writing, or a negative error number
 */
int inside_create(int root, const char *path)
{
	const char *name;
	int parent, fd;

	parent = open_parent(root, path, &name);
	if (parent < 0)
		return parent;
	fd = openat(parent, name,
		    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		fd = -errno;
	close(parent);
	return fd;
}

/**
 * inside_create_in() - make one of many empty regular files
 * @dir: the directory that was used last; becomes that of @path
 * @root: the root directory of the mount
 * @path: relative to it, normalised
 * @mode: permission bits, less those in the umask
 *
 * Return: a descriptor open for reading and writing, or a negative error number
 */
int inside_create_in(struct inside_dir *dir, int root, const char *path,
		     mode_t mode)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? slash - path : 0;
	struct stat st;
	int fd;

	if (dir->fd < 0 || strncmp(dir->path, path, len) || dir->path[len]) {
		const char *name;

		inside_dir_close(dir);
		if (len >= sizeof(dir->path))
			return -ENAMETOOLONG;
		fd = open_parent(root, path, &name);
		if (fd < 0)
			return fd;
		if (fstat(fd, &st)) {
			int rc = -errno;

			close(fd);
			return rc;
		}
		memcpy(dir->path, path, len);
		dir->path[len] = '\0';
		dir->sets_group = st.st_mode & S_ISGID;
		dir->fd = fd;
	}
	fd = openat(dir->fd, slash ? slash + 1 : path,
		    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	return fd < 0 ? -errno : fd;
}

/**
 * inside_dir_close() - let go of a directory
 * @dir: the directory, or none
 */
void inside_dir_close(struct inside_dir *dir)
{
	if (dir->fd >= 0)
		close(dir->fd);
	dir->fd = -1;
}

/**
 * inside_mkdir() - make a directory
 * @root: the root directory of the mount
 * @path: relative to it, normalised
 *
 * The directory is for its owner alone until inside_owner() says otherwise.
 *
 * Return: 0 or a negative error number
 */
int inside_mkdir(int root, const char *path)
{
	const char *name;
	int parent, rc;

	parent = open_parent(root, path, &name);
	if (parent < 0)
		return parent;
	rc = mkdirat(parent, name, 0700) ? -errno : 0;
	close(parent);
	return rc;
}

static int remove_at(int root, const char *path, int flags)
{
	const char *name;
	int parent, rc;

	parent = open_parent(root, path, &name);
	if (parent < 0)
		return parent;
	rc = unlinkat(parent, name, flags) ? -errno : 0;
	close(parent);
	return rc;
}

/**
 * inside_unlink() - take a file away, which the kernel allows if it has no map
 * @root: the root directory of the mount
 * @path: relative to it, normalised
 *
 * Return: 0 or a negative error number
 */
int inside_unlink(int root, const char *path)
{
	return remove_at(root, path, 0);
}

/**
 * inside_owner() - set owner, group and permission bits
 * @fd: the file or directory
 * @uid: user id
 * @gid: group id
 * @mode: permission bits; others are cut off
 *
 * Return: 0 or a negative error number
 */
int inside_owner(int fd, uint32_t uid, uint32_t gid, uint32_t mode)
{
	/* In this order: a change of owner takes set-id bits away */
	if (fchown(fd, uid, gid) || fchmod(fd, mode & 07777))
		return -errno;
	return 0;
}

static bool is_mount_root(int fd)
{
	struct statx stx;

	return !statx(fd, "", AT_EMPTY_PATH, STATX_TYPE, &stx) &&
	       stx.stx_attributes & STATX_ATTR_MOUNT_ROOT;
}

static bool same_file(int fd1, int fd2)
{
	struct stat st1, st2;

	return !fstat(fd1, &st1) && !fstat(fd2, &st2) &&
	       st1.st_dev == st2.st_dev && st1.st_ino == st2.st_ino;
}

/* The last @levels parts of an absolute path without doubled slashes */
static const char *tail(const char *path, unsigned int levels)
{
	const char *p = path + strlen(path);

	if (!levels)
		return "";
	while (levels && p > path) {
		p--;
		if (*p == '/')
			levels--;
	}
	return p + 1;
}

/**
 * inside_find_root() - find the mount that a path lies in
 * @path: what the user typed; its last part need not exist
 * @root: gets the mount's root directory, open for reading
 * @rel: gets the path relative to it; empty for the root itself
 * @size: of @rel
 *
 * Everything but the last part may go through symbolic links.
 *
 * Return: 0 or a negative error number, -ENOENT where the directory that the
 * last part lies in is not there
 */
int inside_find_root(const char *path, int *root, char *rel, size_t size)
{
	char *copy1 = NULL, *copy2 = NULL, *real = NULL;
	const char *name = NULL, *dir;
	unsigned int levels = 0;
	struct stat st;
	int fd = -1, rc;

	/* Which is no name for the working directory */
	if (!*path)
		return -ENOENT;
	copy1 = strdup(path);
	copy2 = strdup(path);
	if (!copy1 || !copy2) {
		rc = -ENOMEM;
		goto out;
	}
	if (!lstat(path, &st) && S_ISDIR(st.st_mode)) {
		dir = path;
	} else {
		dir = dirname(copy1);
		name = basename(copy2);
	}

	real = realpath(dir, NULL);
	if (!real) {
		rc = -errno;
		goto out;
	}
	fd = open(real, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		rc = -errno;
		goto out;
	}
	while (!is_mount_root(fd)) {
		int up = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (up < 0) {
			rc = -errno;
			goto out;
		}
		/* The root of a chroot need not be that of a mount */
		if (same_file(up, fd)) {
			close(up);
			break;
		}
		close(fd);
		fd = up;
		levels++;
	}
	dir = tail(real, levels);
	rc = snprintf(rel, size, "%s%s%s", dir, *dir && name ? "/" : "",
		      name ? name : "");
	if (rc < 0 || (size_t)rc >= size) {
		rc = -ENAMETOOLONG;
		goto out;
	}
	*root = fd;
	fd = -1;
	rc = 0;
out:
	if (fd >= 0)
		close(fd);
	free(real);
	free(copy1);
	free(copy2);
	return rc;
}
