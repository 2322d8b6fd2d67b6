// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Making and opening the meta files. They are root's alone: who can write them
 * can give out any memory of the device, and who can read them sees the names
 * in directories that are closed to others.
 */
#include "meta.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inside.h"
#include "kernel.h"
#include "media.h"
#include "util.h"

static int make(int root, const char *name, enum famfs_file_type type,
		uint64_t offset, uint64_t len)
{
	const struct media_map map = {
		.type = MEDIA_SIMPLE,
		.count = 1,
		.ext = { { .offset = offset, .len = len } },
	};
	struct stat st;
	int fd, rc;

	fd = inside_open(root, name, O_RDWR);
	if (fd == -ENOENT)
		fd = inside_create(root, name);
	if (fd < 0) {
		famfs_err("%s: can't make it in the mount: %s", name,
			  strerror(-fd));
		return fd;
	}
	rc = fstat(fd, &st) ? -errno : 0;
	if (!rc && st.st_size && (uint64_t)st.st_size != len) {
		rc = -EEXIST;
		famfs_err("%s: is there with %llu bytes and not %llu; unmount and mount anew",
			  name, (unsigned long long)st.st_size,
			  (unsigned long long)len);
	} else if (!rc && !st.st_size) {
		rc = kern_map_create(fd, type, len, &map);
		if (rc) {
			famfs_err("%s: %s", name, kern_map_strerror(rc));
			inside_unlink(root, name);
		}
	}
	close(fd);
	return rc;
}

/**
 * meta_make_super() - make .meta and the superblock's file
 * @root: the root directory of the mount
 *
 * Finds them good if they are there.
 *
 * Return: 0, or a negative error number after a message
 */
int meta_make_super(int root)
{
	int rc = inside_mkdir(root, MEDIA_META_DIR);

	if (rc && rc != -EEXIST) {
		famfs_err("%s: can't make it in the mount: %s", MEDIA_META_DIR,
			  strerror(-rc));
		return rc;
	}
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

	if (fd < 0)
		return fd;
	return medium_open(m, fd, writable, by_read);
}
