// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Making and opening the meta files. They are root's alone: who can write them
 * can give out any memory of the device, and who can read them sees the names
 * in directories that are closed to others.
 *
 * In a mount that is attached without them, a user may have made them before,
 * and may have them open. So the directory is made root's first; a file without
 * a map, which anybody can have made, is replaced; and one with a map, which
 * takes root to make, has to be root's still.
 */
#include "meta.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inside.h"
#include "kernel.h"
#include "media.h"
#include "util.h"

static int cannot_make(const char *name, int rc)
{
	famfs_err("%s: can't make it in the mount: %s", name, strerror(-rc));
	return rc;
}

/* 0 for a good one that is there, -ENOENT where there is none, or is no more */
static int check_there(int root, const char *name, uint64_t len)
{
	struct stat st;
	int fd, rc;

	fd = inside_open(root, name, O_PATH);
	if (fd == -ENOENT)
		return fd;
	if (fd < 0)
		return cannot_make(name, fd);
	rc = fstat(fd, &st) ? -errno : 0;
	close(fd);
	if (rc)
		return cannot_make(name, rc);
	if (!S_ISREG(st.st_mode)) {
		famfs_err("%s: something else than a file is there; remove it, or unmount and mount anew",
			  name);
		return -EEXIST;
	}
	if (!st.st_size) {
		rc = inside_unlink(root, name);
		return rc ? cannot_make(name, rc) : -ENOENT;
	}
	if ((uint64_t)st.st_size != len) {
		famfs_err("%s: is there with %llu bytes and not %llu; unmount and mount anew",
			  name, (unsigned long long)st.st_size,
			  (unsigned long long)len);
		return -EEXIST;
	}
	if (st.st_uid || st.st_mode & 022) {
		famfs_err("%s: is there, and others than root can write it (uid %u, mode %03o), who could hand out all of the device; unmount and mount anew",
			  name, (unsigned int)st.st_uid,
			  (unsigned int)(st.st_mode & 0777));
		return -EPERM;
	}
	return 0;
}

static int make(int root, const char *name, enum famfs_file_type type,
		uint64_t offset, uint64_t len)
{
	const struct media_map map = {
		.type = MEDIA_SIMPLE,
		.count = 1,
		.ext = { { .offset = offset, .len = len } },
	};
	int fd, rc;

	rc = check_there(root, name, len);
	if (rc != -ENOENT)
		return rc;
	fd = inside_create(root, name);
	if (fd < 0)
		return cannot_make(name, fd);
	rc = kern_map_create(fd, type, len, &map);
	if (rc) {
		famfs_err("%s: %s", name, kern_map_strerror(rc));
		inside_unlink(root, name);
	}
	close(fd);
	return rc;
}

static int make_dir(int root)
{
	int fd, rc;

	rc = inside_mkdir(root, MEDIA_META_DIR);
	if (rc != -EEXIST)
		return rc;
	fd = inside_open(root, MEDIA_META_DIR, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return fd;
	rc = inside_owner(fd, 0, 0, 0700);
	close(fd);
	return rc;
}

/**
 * meta_make_super() - make .meta and the superblock's file
 * @root: the root directory of the mount
 *
 * Finds them good if they are there and root's alone.
 *
 * Return: 0, or a negative error number after a message
 */
int meta_make_super(int root)
{
	int rc = make_dir(root);

	if (rc)
		return cannot_make(MEDIA_META_DIR, rc);
	return make(root, META_SUPER, FAMFS_FILE_SUPERBLOCK, 0, MEDIA_SB_LEN);
}

/**
 * meta_make_log() - make the log's file
 * @root: the root directory of the mount
 * @offset: of the log on the device
 * @len: of the log
 *
 * Finds it good if it is there with that length.
 *
 * Return: 0, or a negative error number after a message
 */
int meta_make_log(int root, uint64_t offset, uint64_t len)
{
	return make(root, META_LOG, FAMFS_FILE_LOG, offset, len);
}

/*
 * Below a directory of a famfs mount there may be files with these names, in
 * which anybody can have written anything: only the kernel knows which are the
 * ones. Where it does not tell, the root's are left to be believed.
 */
static int check_type(int fd, enum famfs_file_type type)
{
	struct famfs_fmap_header *map;
	int rc = kern_map_get(fd, &map);

	if (rc)
		return rc == -ENOMEM ? rc : 0;
	rc = map->file_type == type ? 0 : -ENOENT;
	free(map);
	return rc;
}

/**
 * meta_open() - get at a meta file's memory
 * @root: the root directory of the mount
 * @name: META_SUPER or META_LOG
 * @writable: as for medium_open()
 * @by_read: as for medium_open()
 * @m: to fill
 *
 * Return: 0 or a negative error number: -ENOENT where there is no such file,
 * -ENODATA where it has no map
 */
int meta_open(int root, const char *name, bool writable, bool by_read,
	      struct medium *m)
{
	int fd = inside_open(root, name, writable ? O_RDWR : O_RDONLY);
	int rc;

	if (fd < 0)
		return fd;
	rc = check_type(fd, strcmp(name, META_LOG) ? FAMFS_FILE_SUPERBLOCK
						   : FAMFS_FILE_LOG);
	if (rc) {
		close(fd);
		return rc;
	}
	return medium_open(m, fd, writable, by_read);
}
