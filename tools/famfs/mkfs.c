// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mkfs. The device is reached by a detached mount, so it can not be in use, and
 * stays closed to others until all is done.
 *
 * Order is what keeps a crash harmless: an old superblock goes first, then the
 * log is written, then the new superblock, each flushed before the next. There
 * is never a good superblock with a log that is not its own.
 */
#include "mkfs.h"

#include <errno.h>
#include <stdio.h>
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
#include "super.h"
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

static int fill_super(const struct mkfs *m, uint64_t capacity,
		      const uint8_t self[16], struct media_super *sb)
{
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
	super_name_device(sb, m->dev);
	return 0;
}

static int make(const struct mkfs *m, int mount, struct medium *super,
		const uint8_t self[16])
{
	static char halfway[256];
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
	rc = super_sound(m->dev, &log, "log");
	if (rc)
		goto out;
	/* What is found to be bad from here on is found too late */
	snprintf(halfway, sizeof(halfway),
		 "%s: no file system is on it now\n", m->dev);
	famfs_bad_memory_means(halfway);
	super_kill(super);
	log_create(&log, sb.log_len);
	super_write(super, &sb);
	famfs_info("%s: made a famfs file system of %llu bytes with a log of %llu",
		   m->dev, (unsigned long long)sb.dev_size,
		   (unsigned long long)sb.log_len);
out:
	medium_close(&log);
	return rc;
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
	uint8_t old[MEDIA_SB_BYTES];
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
	rc = super_sound(m->dev, &super, "superblock");
	if (!rc)
		rc = super_load(m->dev, &super, old);
	if (!rc && !m->force)
		rc = super_may_go(m->dev, &super, old, self);
	if (rc)
		goto out;
	if (m->kill) {
		super_kill(&super);
		famfs_info("%s: the file system is gone", m->dev);
	} else {
		rc = make(m, mount, &super, self);
	}
out:
	medium_close(&super);
	close(mount);
	return rc;
}
