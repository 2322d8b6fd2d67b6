// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What fsck looks for, beyond what opening the file system has checked:
 * a superblock that promises more memory than there is; entries that do not
 * decode; extents in the superblock, in the log or past the end; a path that is
 * logged twice; an entry before its directory's; memory that two files share.
 * Everything is reported, and nothing is changed.
 */
#include "check.h"

#include <errno.h>
#include <string.h>

#include "log.h"
#include "names.h"
#include "overlap.h"
#include "util.h"

struct walk {
	struct check *c;
	struct names names;
	struct overlap used;
};

static void bad_entry(struct check *c, uint64_t index, const char *path,
		      const char *what)
{
	c->errors++;
	famfs_err("%s: log entry %llu%s%s: %s", c->name,
		  (unsigned long long)index, path ? ": " : "",
		  path ? quote(path) : "", what);
}

static int check_path(struct walk *w, uint64_t index,
		      const struct media_entry *e)
{
	const char *path = media_entry_path(e);
	const struct name *there;
	int rc;

	if (!names_has_parent(&w->names, path))
		bad_entry(w->c, index, path,
			  "its directory is not logged before it");
	rc = names_add(&w->names, e, index, &there);
	if (rc == -EEXIST) {
		w->c->errors++;
		famfs_err("%s: log entry %llu: %s: path is that of entry %llu",
			  w->c->name, (unsigned long long)index, quote(path),
			  (unsigned long long)there->index);
		rc = 0;
	}
	return rc;
}

static int check_map(struct walk *w, uint64_t index, const struct media_file *f)
{
	const struct media_map *map = &f->map;
	struct check *c = w->c;
	enum media_err err;
	uint32_t i;
	int rc = 0;

	err = media_map_fits(map, &c->fs->sb, &c->devices);
	if (err)
		bad_entry(c, index, f->path, media_strerror(err));
	for (i = 0; i < map->count && !rc; i++) {
		c->used_bytes += map->ext[i].len;
		rc = overlap_add(&w->used, map->ext[i].dev, map->ext[i].offset,
				 map->ext[i].len, index);
	}
	return rc;
}

static int visit(void *arg, uint64_t index, const struct media_entry *e,
		 int bad)
{
	struct walk *w = arg;
	struct check *c = w->c;
	enum media_err err;
	int rc;

	c->entries++;
	if (bad) {
		bad_entry(c, index, NULL, log_strerror(bad));
		return 0;
	}
	switch (e->type) {
	case MEDIA_FILE:
		c->files++;
		rc = check_path(w, index, e);
		return rc ? rc : check_map(w, index, &e->file);
	case MEDIA_MKDIR:
		c->dirs++;
		return check_path(w, index, e);
	default:
		err = media_devices_add(&c->devices, &e->daxdev);
		if (err)
			bad_entry(c, index, NULL, media_strerror(err));
		return 0;
	}
}

static void overlap(void *arg, uint64_t tag1, uint64_t tag2, uint64_t dev,
		    uint64_t offset, uint64_t len)
{
	struct walk *w = arg;
	const uint64_t tag[2] = { tag1, tag2 };
	char path[2][MEDIA_PATH_SIZE] = { "?", "?" };
	struct media_entry e;
	int i;

	w->c->errors++;
	for (i = 0; i < 2; i++) {
		if (!log_entry(&w->c->fs->log, tag[i], &e) &&
		    e.type == MEDIA_FILE)
			memcpy(path[i], e.file.path, MEDIA_PATH_SIZE);
	}
	famfs_err("%s: log entries %llu (%s) and %llu (%s) share %llu bytes at offset %llu of device %llu",
		  w->c->name, (unsigned long long)tag1, quote(path[0]),
		  (unsigned long long)tag2, quote(path[1]),
		  (unsigned long long)len, (unsigned long long)offset,
		  (unsigned long long)dev);
}

/**
 * check_fs() - look at all of a file system
 * @c: what to look at; the rest is filled
 *
 * Each thing that is wrong is reported and counted.
 *
 * Return: 0 where the check could be made, whatever it found; or a negative
 * error number after a message: -EUCLEAN where there is no log to check
 */
int check_fs(struct check *c)
{
	const struct media_super *sb = &c->fs->sb;
	struct walk w = { .c = c };
	struct overlap_gaps gaps;
	struct media_log log;
	uint32_t i;
	int rc;

	rc = fs_log_header(c->fs, c->name, &log);
	if (rc)
		return rc;
	if (sb->dev_size > c->fs->capacity) {
		c->errors++;
		famfs_err("%s: superblock says the device has %llu bytes, it has %llu",
			  c->name, (unsigned long long)sb->dev_size,
			  (unsigned long long)c->fs->capacity);
	}
	fs_devices(c->fs, &c->devices);
	rc = log_walk(&c->fs->log, 0, log.next_index, visit, &w);
	if (!rc) {
		overlap_find(&w.used, overlap, &w);
		for (i = 0; i < c->devices.count; i++) {
			overlap_gaps(&gaps, &w.used, i,
				     i ? MEDIA_SB_LEN
				       : sb->log_offset + sb->log_len,
				     c->devices.size[i], sb->alloc_unit);
			while (overlap_next_gap(&gaps))
				c->free_bytes += gaps.len;
		}
	} else {
		famfs_err("%s: can't check: %s", c->name, strerror(-rc));
	}
	names_free(&w.names);
	overlap_free(&w.used);
	return rc;
}
