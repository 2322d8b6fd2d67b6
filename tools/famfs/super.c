// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Before a superblock is written: what the device holds may be lost only where
 * that was asked for: a file system of ours, good or damaged, of this version or
 * another, as well as anything else that libblkid knows. And memory that is
 * known to be bad is not written to, so that nothing is lost for nothing.
 */
#include "super.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uuid/uuid.h>

#include "kernel.h"
#include "signature.h"
#include "util.h"

/**
 * super_load() - read what is in the place of a superblock
 * @dev: what messages call the device
 * @m: the superblock's stretch of the medium
 * @buf: gets the bytes
 *
 * Return: 0, or a negative error number after a message
 */
int super_load(const char *dev, const struct medium *m,
	       uint8_t buf[MEDIA_SB_BYTES])
{
	int rc;

	medium_drop(m, 0, m->len);
	rc = medium_load(m, 0, buf, MEDIA_SB_BYTES);
	if (rc)
		famfs_err("%s: can't read the superblock: %s", dev,
			  strerror(-rc));
	return rc;
}

static int signature_may_go(const char *dev, const struct medium *m)
{
	char type[SIGNATURE_SIZE];
	int rc;

	rc = signature_find(m->fd, type);
	if (rc < 0)
		famfs_err("%s: can't tell what it holds: %s; to lose that, whatever it is, use -f",
			  dev, strerror(-rc));
	else if (rc)
		famfs_err("%s: holds something that is not famfs: %s; to lose it and make a famfs file system, use -f",
			  dev, type);
	return rc > 0 ? -EEXIST : rc;
}

/**
 * super_may_go() - tell whether nothing is lost by a new superblock
 * @dev: what messages call the device
 * @m: the superblock's stretch of the medium
 * @buf: what super_load() found there
 * @self: this host's identity
 *
 * Return: 0, or -EEXIST or another negative error number after a message
 */
int super_may_go(const char *dev, const struct medium *m,
		 const uint8_t buf[MEDIA_SB_BYTES], const uint8_t self[16])
{
	struct media_super old;
	char text[UUID_STR_LEN];
	enum media_err err;

	err = media_super_decode(&old, buf);
	if (err == MEDIA_ERR_MAGIC)
		return signature_may_go(dev, m);
	uuid_unparse(old.fs_uuid, text);
	if (err)
		famfs_err("%s: holds a famfs file system that is damaged, or of a version unknown here: %s; to lose it and make a new one, use -f",
			  dev, media_strerror(err));
	else if (uuid_compare(self, old.system_uuid))
		famfs_err("%s: holds a famfs file system of another host, its master; that host should make it anew, or force it with -f",
			  dev);
	else if (old.flags & MEDIA_SB_SECONDARY)
		famfs_err("%s: is a further device of the famfs file system %s; to lose what that has here, use -f",
			  dev, text);
	else
		famfs_err("%s: holds a famfs file system; to lose it and make a new one, use -f",
			  dev);
	return -EEXIST;
}

/**
 * super_sound() - see to it that memory is not known to be bad
 * @dev: what messages call the device
 * @m: the stretch that will be written
 * @what: is there
 *
 * Return: 0, or -EIO or another negative error number after a message
 */
int super_sound(const char *dev, const struct medium *m, const char *what)
{
	struct famfs_error bad;
	int n;

	n = kern_get_errors(m->fd, 0, &bad, 1);
	if (n < 0) {
		famfs_err("%s: can't tell whether its memory is good: %s", dev,
			  strerror(-n));
		return n;
	}
	if (!n)
		return 0;
	famfs_err("%s: memory of the device is bad at offset %llu, in the %s: left as it is; mend or replace that memory, or use a part of the device that is good (ndctl, daxctl)",
		  dev, (unsigned long long)bad.offset, what);
	return -EIO;
}

/**
 * super_kill() - unmake a superblock
 * @m: its stretch of the medium, open for writing
 *
 * All that is set aside for it goes, and with it what others have put there.
 */
void super_kill(struct medium *m)
{
	/* The magic number in one store, so that no half of it is left */
	medium_store64(m, 0, 0);
	medium_flush(m, 0, sizeof(uint64_t));
	medium_clear(m, 0, m->len);
}

/**
 * super_write() - write a superblock
 * @m: its stretch of the medium, open for writing
 * @sb: what it shall say
 */
void super_write(struct medium *m, const struct media_super *sb)
{
	uint8_t buf[MEDIA_SB_BYTES];

	media_super_encode(sb, buf);
	medium_store(m, 0, buf, sizeof(buf));
	medium_flush(m, 0, sizeof(buf));
}

/**
 * super_name_device() - note the path of the device, for people to read
 * @sb: the superblock; its path is all 0
 * @dev: the path that was typed
 */
void super_name_device(struct media_super *sb, const char *dev)
{
	char *real = realpath(dev, NULL);

	if (real && strlen(real) < sizeof(sb->dev_path))
		strcpy(sb->dev_path, real);
	free(real);
}
