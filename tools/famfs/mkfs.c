// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mkfs. The device is reached by a detached mount, so it can not be in use, and
 * stays closed to others until all is done.
 *
 * Order is what keeps a crash harmless: an old superblock goes first, then the
 * log is written, then the new superblock, each flushed before the next. There
 * is never a good superblock with a log that is not its own.
 *
 * What the device holds may be lost only where that was asked for: a file
 * system of ours, good or damaged, of this version or another, as well as
 * anything else that libblkid knows.
 */
#include "mkfs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uuid/uuid.h>

#include "identity.h"
#include "kernel.h"
#include "log.h"
#include "media.h"
#include "medium.h"
#include "meta.h"
#include "mountapi.h"
#include "signature.h"
#include "util.h"

/**
 * mkfs_check() - check what was asked for, before any device is touched
 * @m: what was asked for
 *
 * Return: 0, or -EINVAL after a message
 */
int mkfs_check(const struct mkfs *m)
{
	if (m->kill && !m->force) {
		famfs_err("%s: -k destroys the file system; say so with -f too",
			  m->dev);
		return -EINVAL;
	}
	if (m->log_len < MEDIA_LOG_MIN || !is_pow2(m->log_len) ||
	    m->log_len > INT64_MAX) {
		famfs_err("log length %llu: has to be a power of two of at least 8 MiB (8m)",
			  (unsigned long long)m->log_len);
		return -EINVAL;
	}
	return 0;
}

/* What is there now may only go where that was asked for */
static int check_old(const struct mkfs *m, const struct medium *super,
		     const uint8_t self[16])
{
	char type[SIGNATURE_SIZE];
	uint8_t buf[MEDIA_SB_BYTES];
	struct media_super old;
	enum media_err err;
	int rc;

	if (m->force)
		return 0;
	medium_drop(super, 0, super->len);
	rc = medium_load(super, 0, buf, sizeof(buf));
	if (rc) {
		famfs_err("%s: can't read the superblock: %s", m->dev,
			  strerror(-rc));
		return rc;
	}
	err = media_super_decode(&old, buf);
	if (err == MEDIA_ERR_MAGIC) {
		rc = signature_find(super->fd, type);
		if (rc < 0)
			famfs_err("%s: can't tell what it holds: %s; to lose that, whatever it is, use -f",
				  m->dev, strerror(-rc));
		else if (rc)
			famfs_err("%s: holds something that is not famfs: %s; to lose it and make a famfs file system, use -f",
				  m->dev, type);
		return rc > 0 ? -EEXIST : rc;
	}
	if (err)
		famfs_err("%s: holds a famfs file system that is damaged, or of a version unknown here: %s; to lose it and make a new one, use -f",
			  m->dev, media_strerror(err));
	else if (uuid_compare(self, old.system_uuid))
		famfs_err("%s: holds a famfs file system of another host, its master; that host should make it anew, or force it with -f",
			  m->dev);
	else
		famfs_err("%s: holds a famfs file system; to lose it and make a new one, use -f",
			  m->dev);
	return -EEXIST;
}

/* All that is set aside for it goes, and with it what others have put there */
static void kill_super(struct medium *super)
{
	/* The magic number in one store, so that no half of it is left */
	medium_store64(super, 0, 0);
	medium_flush(super, 0, sizeof(uint64_t));
	medium_clear(super, 0, super->len);
}

static void write_super(struct medium *super, const struct media_super *sb)
{
	uint8_t buf[MEDIA_SB_BYTES];

	media_super_encode(sb, buf);
	medium_store(super, 0, buf, sizeof(buf));
	medium_flush(super, 0, sizeof(buf));
}

static int fill_super(const struct mkfs *m, uint64_t capacity,
		      const uint8_t self[16], struct media_super *sb)
{
	char *real;

	*sb = (struct media_super){
		.version = 48,
		.omf_major = 2,
		.omf_minor = 2,
		.log_offset = MEDIA_LOG_OFFSET,
		.log_len = m->log_len,
		.alloc_unit = m->alloc_unit,
		.dev_size = capacity,
	};
	if (capacity < MEDIA_LOG_OFFSET + m->alloc_unit ||
	    capacity - MEDIA_LOG_OFFSET - m->alloc_unit < m->log_len) {
		famfs_err("%s: has %llu bytes, too few for superblock (2 MiB), log (%llu) and one allocation unit (%llu)",
			  m->dev, (unsigned long long)capacity,
			  (unsigned long long)m->log_len,
			  (unsigned long long)m->alloc_unit);
		return -ENOSPC;
	}
	uuid_generate(sb->fs_uuid);
	uuid_generate(sb->dev_uuid);
	memcpy(sb->slot_uuid, sb->dev_uuid, sizeof(sb->slot_uuid));
	memcpy(sb->system_uuid, self, sizeof(sb->system_uuid));
	real = realpath(m->dev, NULL);
	if (real && strlen(real) < sizeof(sb->dev_path))
		strcpy(sb->dev_path, real);
	free(real);
	return 0;
}

static int make(const struct mkfs *m, int mount, struct medium *super,
		const uint8_t self[16])
{
	struct media_super sb;
	struct medium log;
	uint64_t capacity;
	int rc;

	rc = kern_capacity(mount, &capacity);
	if (rc) {
		famfs_err("%s: can't tell its size: %s", m->dev, strerror(-rc));
		return rc;
	}
	rc = fill_super(m, capacity, self, &sb);
	if (rc)
		return rc;
	rc = meta_make_log(mount, sb.log_offset, sb.log_len);
	if (rc)
		return rc;
	rc = meta_open(mount, META_LOG, true, false, &log);
	if (rc) {
		famfs_err("%s: log: %s", m->dev, strerror(-rc));
		return rc;
	}
	kill_super(super);
	log_create(&log, sb.log_len);
	write_super(super, &sb);
	medium_close(&log);
	famfs_info("%s: made a famfs file system of %llu bytes with a log of %llu",
		   m->dev, (unsigned long long)sb.dev_size,
		   (unsigned long long)sb.log_len);
	return 0;
}

/**
 * mkfs_run() - make or unmake a file system
 * @m: what mkfs_check() has passed
 *
 * Return: 0, or a negative error number after a message; the device is then as
 * it was
 */
int mkfs_run(const struct mkfs *m)
{
	struct medium super = { .fd = -1 };
	uint8_t self[16];
	int mount, rc;

	rc = identity_get(self);
	if (rc)
		return rc;
	mount = mount_detached(m->dev, NULL);
	if (mount < 0)
		return mount;
	rc = meta_make_super(mount);
	if (rc)
		goto out;
	rc = meta_open(mount, META_SUPER, true, false, &super);
	if (rc) {
		famfs_err("%s: superblock: %s", m->dev, strerror(-rc));
		goto out;
	}
	rc = check_old(m, &super, self);
	if (rc)
		goto out;
	if (m->kill) {
		kill_super(&super);
		famfs_info("%s: the file system is gone", m->dev);
	} else {
		rc = make(m, mount, &super, self);
	}
out:
	medium_close(&super);
	close(mount);
	return rc;
}
