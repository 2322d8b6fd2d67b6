// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Opening a file system: from the root of a mount to a checked superblock and a
 * log that can be walked. The superblock is read once; all that is built on it
 * builds on that copy.
 */
#include "fs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libmount/libmount.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <uuid/uuid.h>

#include "identity.h"
#include "kernel.h"
#include "log.h"
#include "meta.h"
#include "util.h"

/* Whether a mount shows a directory of its file system alone, and which */
static bool is_part(int root, char *part, size_t size)
{
	struct libmnt_table *tb;
	struct libmnt_iter *it;
	struct libmnt_fs *mnt;
	struct statx stx;
	bool found = false;

	if (statx(root, "", AT_EMPTY_PATH, STATX_MNT_ID, &stx) ||
	    !(stx.stx_mask & STATX_MNT_ID))
		return false;
	tb = mnt_new_table_from_file("/proc/self/mountinfo");
	it = mnt_new_iter(MNT_ITER_FORWARD);
	while (tb && it && !found && !mnt_table_next_fs(tb, it, &mnt)) {
		const char *dir = mnt_fs_get_root(mnt);

		if (!dir || (uint64_t)mnt_fs_get_id(mnt) != stx.stx_mnt_id)
			continue;
		if (!strcmp(dir, "/"))
			break;
		found = true;
		snprintf(part, size, "%s", dir);
	}
	mnt_free_iter(it);
	mnt_unref_table(tb);
	return found;
}

static void no_meta(const struct fs *fs, const char *meta, const char *name)
{
	char part[PATH_MAX];

	if (is_part(fs->root, part, sizeof(part)))
		famfs_err("%s: is in a mount of directory %s alone, as mount --bind makes it, and the log is outside; give a directory of a mount of the whole file system, see findmnt -t famfs",
			  quote(name), quote(part));
	else
		famfs_err("%s: has no %s, as it was mounted without mount.famfs; run famfs mkmeta on its device",
			  quote(name), meta);
}

static int open_meta(struct fs *fs, const char *meta, const char *name,
		     bool writable, bool by_read, struct medium *m)
{
	int rc = meta_open(fs->root, meta, writable, by_read, m);

	if (rc == -ENOENT || rc == -ENODATA || rc == -ENOTDIR)
		no_meta(fs, meta, name);
	else if (rc)
		famfs_err("%s: %s: %s%s", quote(name), meta,
			  strerror(-rc), rc == -EACCES ? "; this needs root" : "");
	return rc;
}

/* All that is wrong, and not the first of it alone */
static void tell_faults(const char *name, const char *what, uint64_t faults)
{
	char text[1024] = "";
	size_t n = 0;
	int err;

	for (err = 0; err < MEDIA_ERR_COUNT && n < sizeof(text); err++) {
		if (faults & MEDIA_FAULT(err))
			n += snprintf(text + n, sizeof(text) - n, "%s%s",
				      n ? ", " : "", media_strerror(err));
	}
	famfs_err("%s: a famfs file system that can't be used: %s: %s; mkfs.famfs -f would make a new one, and lose all files",
		  quote(name), what, text);
}

static int read_super(struct fs *fs, const char *name)
{
	uint8_t buf[MEDIA_SB_BYTES];
	char text[UUID_STR_LEN];
	int rc;

	medium_drop(&fs->super, 0, sizeof(buf));
	rc = medium_load(&fs->super, 0, buf, sizeof(buf));
	if (rc) {
		famfs_err("%s: superblock: %s", quote(name), strerror(-rc));
		return rc;
	}
	fs->faults = media_super_faults(&fs->sb, buf);
	if (!fs->faults && !(fs->sb.flags & MEDIA_SB_SECONDARY))
		return 0;
	if (!fs->faults) {
		uuid_unparse(fs->sb.fs_uuid, text);
		famfs_err("%s: is a further device of the famfs file system %s; use the first device of that, which famfs devices shows",
			  quote(name), text);
		return -EINVAL;
	}
	if (fs->faults & MEDIA_FAULT(MEDIA_ERR_MAGIC))
		famfs_err("%s: not a famfs file system: %s; mkfs.famfs makes one",
			  quote(name), media_strerror(MEDIA_ERR_MAGIC));
	else
		tell_faults(name, "superblock", fs->faults);
	return -EUCLEAN;
}

/* The list of a mount's devices stands in sysfs, under the name of the first */
static FILE *open_devices(int root)
{
	struct libmnt_table *tb;
	struct libmnt_fs *mnt;
	char path[PATH_MAX];
	struct stat st;
	FILE *f = NULL;
	char *real;

	if (fstat(root, &st))
		return NULL;
	tb = mnt_new_table_from_file("/proc/self/mountinfo");
	mnt = tb ? mnt_table_find_devno(tb, st.st_dev, MNT_ITER_BACKWARD)
		 : NULL;
	real = mnt && mnt_fs_get_source(mnt)
	       ? realpath(mnt_fs_get_source(mnt), NULL) : NULL;
	if (real) {
		snprintf(path, sizeof(path), "/sys/fs/famfs/%s/devices",
			 strrchr(real, '/') + 1);
		f = fopen(path, "re");
	}
	free(real);
	mnt_unref_table(tb);
	return f;
}

/* What a device has, 0 where it has gone away; false where that is not known */
static bool device_size(int root, uint32_t index, uint64_t *bytes)
{
	char line[160], state[8];
	bool found = false;
	unsigned int i;
	FILE *f;

	f = open_devices(root);
	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f)) {
		state[0] = '\0';
		found = sscanf(line, "%u %*s %" SCNu64 " %7s", &i, bytes,
			       state) >= 2 && i == index;
	}
	fclose(f);
	if (found && !strcmp(state, "gone"))
		*bytes = 0;
	return found;
}

/*
 * What a mount has is the sum over its devices. A mount that is nowhere yet has
 * the first alone, and is in no list.
 */
static int first_capacity(int root, uint64_t *bytes)
{
	uint64_t size;
	int rc;

	rc = kern_capacity(root, bytes);
	if (!rc && device_size(root, 0, &size) && size && size < *bytes)
		*bytes = size;
	return rc;
}

/**
 * fs_device_size() - bytes of a further device that files may lie in
 * @fs: the file system
 * @index: of the device, which the mount has
 * @logged: what the log says that it has
 *
 * Return: the lesser of that and what it really has; 0 where it has gone away
 */
uint64_t fs_device_size(const struct fs *fs, uint32_t index, uint64_t logged)
{
	uint64_t size;

	if (device_size(fs->root, index, &size) && size < logged)
		return size;
	return logged;
}

/**
 * fs_open() - open a file system
 * @fs: to fill; fs_close() it if all went well
 * @root: the root directory of the mount; has to stay open
 * @name: what messages call the file system
 * @flags: FS_ flags
 *
 * Return: 0, or a negative error number after a message: -EUCLEAN where there
 * is no good superblock
 */
int fs_open(struct fs *fs, int root, const char *name, unsigned int flags)
{
	bool by_read = flags & FS_BY_READ;
	int rc;

	*fs = (struct fs){ .root = root, .super.fd = -1, .log.fd = -1 };
	if (flags & FS_MAKE_META) {
		rc = meta_make_super(root);
		if (rc)
			return rc;
	}
	rc = open_meta(fs, META_SUPER, name, false, by_read, &fs->super);
	if (rc)
		return rc;
	rc = first_capacity(root, &fs->capacity);
	if (rc) {
		famfs_err("%s: can't tell its size: %s", quote(name),
			  strerror(-rc));
		goto err;
	}
	rc = read_super(fs, name);
	if (rc)
		goto err;
	if (flags & FS_MAKE_META) {
		rc = meta_make_log(root, fs->sb.log_offset, fs->sb.log_len);
		if (rc)
			goto err;
	}
	rc = open_meta(fs, META_LOG, name, flags & FS_WRITE, by_read, &fs->log);
	if (rc)
		goto err;
	return 0;
err:
	fs_close(fs);
	return rc;
}

/**
 * fs_close() - let go of a file system
 * @fs: one that fs_open() filled
 */
void fs_close(struct fs *fs)
{
	medium_close(&fs->log);
	medium_close(&fs->super);
}

/**
 * fs_usable() - bytes of device 0 that files may lie in, and what is before
 * @fs: the file system
 *
 * Return: the lesser of what the device has and what the superblock says
 */
uint64_t fs_usable(const struct fs *fs)
{
	return fs->capacity < fs->sb.dev_size ? fs->capacity : fs->sb.dev_size;
}

/**
 * fs_devices() - the devices of a file system, before its log has added any
 * @fs: the file system
 * @d: to fill
 */
void fs_devices(const struct fs *fs, struct media_devices *d)
{
	media_devices_init(d, &fs->sb, fs_usable(fs));
}

/**
 * fs_log_header() - read the log header
 * @fs: the file system
 * @name: what messages call it
 * @log: where it goes
 *
 * Return: 0, or a negative error number after a message
 */
int fs_log_header(const struct fs *fs, const char *name, struct media_log *log)
{
	uint64_t faults;
	int rc = log_header_faults(&fs->log, fs->sb.log_len, log, &faults);

	if (rc) {
		famfs_err("%s: log: %s", quote(name), strerror(-rc));
		return rc;
	}
	if (!faults)
		return 0;
	tell_faults(name, "log", faults);
	return -EUCLEAN;
}

/**
 * fs_is_master() - tell whether this host may append to the log
 * @fs: the file system
 * @master: the answer
 *
 * Return: 0, or a negative error number after a message
 */
int fs_is_master(const struct fs *fs, bool *master)
{
	uint8_t self[16];
	int rc;

	rc = identity_get(self);
	if (rc)
		return rc;
	*master = !uuid_compare(self, fs->sb.system_uuid);
	return 0;
}

/**
 * fs_find_mount() - find where a device is mounted
 * @dev: path of its node
 * @dir: gets the directory
 * @size: of @dir
 *
 * Return: 0; -ENOENT where it is mounted nowhere; another negative error number
 */
int fs_find_mount(const char *dev, char *dir, unsigned long size)
{
	struct libmnt_table *tb;
	struct libmnt_iter *it;
	struct libmnt_fs *mnt;
	struct stat want, st;
	int rc = -ENOENT;

	if (stat(dev, &want))
		return -errno;
	tb = mnt_new_table_from_file("/proc/self/mountinfo");
	it = mnt_new_iter(MNT_ITER_BACKWARD);
	if (!tb || !it) {
		rc = -EIO;
		goto out;
	}
	while (!mnt_table_next_fs(tb, it, &mnt)) {
		const char *type = mnt_fs_get_fstype(mnt);
		const char *source = mnt_fs_get_source(mnt);
		const char *root = mnt_fs_get_root(mnt);

		if (!type || strcmp(type, "famfs") || !source ||
		    stat(source, &st) || st.st_rdev != want.st_rdev ||
		    (st.st_mode & S_IFMT) != (want.st_mode & S_IFMT) ||
		    (root && strcmp(root, "/")))
			continue;
		if (strlen(mnt_fs_get_target(mnt)) < size) {
			strcpy(dir, mnt_fs_get_target(mnt));
			rc = 0;
		} else {
			rc = -ENAMETOOLONG;
		}
		break;
	}
out:
	mnt_free_iter(it);
	mnt_unref_table(tb);
	return rc;
}

/**
 * fs_find_source() - find which device a directory has been mounted from
 * @dir: the directory
 * @dev: gets the path of the device's node
 * @size: of @dev
 *
 * Return: 0; -ENOENT where nothing is mounted there; another negative error
 * number
 */
int fs_find_source(const char *dir, char *dev, unsigned long size)
{
	struct libmnt_table *tb;
	struct libmnt_fs *mnt;
	const char *source;
	int rc = -ENOENT;
	char *real;

	real = realpath(dir, NULL);
	tb = real ? mnt_new_table_from_file("/proc/self/mountinfo") : NULL;
	mnt = tb ? mnt_table_find_target(tb, real, MNT_ITER_BACKWARD) : NULL;
	source = mnt ? mnt_fs_get_source(mnt) : NULL;
	if (source && strlen(source) < size) {
		strcpy(dev, source);
		rc = 0;
	}
	mnt_unref_table(tb);
	free(real);
	return rc;
}
