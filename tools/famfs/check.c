// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What fsck looks for on the medium, beyond what opening the file system has
 * checked. Documentation/filesystems/famfs/fsck.rst lists it all. What is found
 * is collected, so that it can be told in the order of the log, or as JSON; and
 * nothing is changed.
 *
 * An error is what breaks the format, or keeps a host from having a file as it
 * was logged. What is odd and does no harm is a warning.
 */
#include "check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

/* An entry whose directory was not there when its turn came */
struct orphan {
	uint64_t index;
	char path[MEDIA_PATH_SIZE];
};

struct walk {
	struct check *c;
	struct orphan *orphan;
	size_t norphans;
	size_t room;
};

/* Make room for one more in an array that doubles */
static int grow(void **array, size_t count, size_t *room, size_t size)
{
	size_t more = *room ? *room * 2 : 64;
	void *p;

	if (count < *room)
		return 0;
	p = reallocarray(*array, more, size);
	if (!p)
		return -ENOMEM;
	*array = p;
	*room = more;
	return 0;
}

/**
 * check_found() - note something that is wrong
 * @c: the check
 * @place: where it lies
 * @warning: whether it does no harm
 * @entry: index of the log entry that it concerns, or CHECK_NO_ENTRY
 * @path: that goes with it, any bytes; or NULL
 * @fmt: what is wrong, as printf(3)
 */
void check_found(struct check *c, enum check_place place, bool warning,
		 uint64_t entry, const char *path, const char *fmt, ...)
{
	struct check_problem p = {
		.place = place,
		.warning = warning,
		.entry = entry,
	};
	va_list ap;

	if (place == CHECK_HEADER)
		p.offset = MEDIA_LOG_OFFSET;
	if (entry != CHECK_NO_ENTRY)
		p.offset = MEDIA_LOG_OFFSET + log_entry_offset(entry);
	if (warning)
		c->warnings++;
	else
		c->errors++;
	if (!warning && entry < c->nflawed)
		c->flawed[entry] = 1;

	va_start(ap, fmt);
	if (vasprintf(&p.what, fmt, ap) < 0)
		p.what = NULL;
	va_end(ap);
	if (path)
		p.path = strdup(path);
	if (!p.what || (path && !p.path) ||
	    grow((void **)&c->problem, c->nproblems, &c->room, sizeof(p))) {
		free(p.what);
		free(p.path);
		c->lost = true;
		return;
	}
	c->problem[c->nproblems++] = p;
}

static void bad_entry(struct check *c, uint64_t index, const char *path,
		      const char *what)
{
	check_found(c, CHECK_ENTRY, false, index, path, "%s", what);
}

static void odd_entry(struct check *c, uint64_t index, const char *path,
		      const char *what)
{
	check_found(c, CHECK_ENTRY, true, index, path, "%s", what);
}

/* The bytes of an entry once more, to tell of it what decoding does not */
static bool raw_entry(const struct check *c, uint64_t index,
		      uint8_t buf[MEDIA_ENTRY_BYTES])
{
	return !medium_load(&c->fs->log, log_entry_offset(index), buf,
			    MEDIA_ENTRY_BYTES);
}

/* As it stands in the entry, and ended */
static bool raw_path(const uint8_t buf[MEDIA_ENTRY_BYTES],
		     char path[MEDIA_PATH_SIZE + 1])
{
	unsigned int at = media_entry_path_offset(buf);

	if (!at)
		return false;
	memcpy(path, buf + at, MEDIA_PATH_SIZE);
	path[MEDIA_PATH_SIZE] = '\0';
	return *path;
}

static void check_undecoded(struct check *c, uint64_t index, int bad)
{
	char path[MEDIA_PATH_SIZE + 1];
	uint8_t buf[MEDIA_ENTRY_BYTES];
	const char *what = log_strerror(bad);
	const char *name = NULL;

	if (bad > 0 && raw_entry(c, index, buf)) {
		if (raw_path(buf, path))
			name = path;
		if (bad == MEDIA_ERR_ENTRY_TYPE && buf[8] == MEDIA_DELETE &&
		    !buf[9] && !buf[10] && !buf[11])
			what = "type is delete, which is reserved";
	}
	bad_entry(c, index, name, what);
}

/* Is each byte what the tools would have written for the same? */
static void check_bytes(struct check *c, uint64_t index,
			const struct media_entry *e)
{
	const char *path = media_entry_path(e);
	uint8_t have[MEDIA_ENTRY_BYTES], want[MEDIA_ENTRY_BYTES];
	char raw[MEDIA_PATH_SIZE + 1];
	struct media_entry again;

	/* What the memory has by now need not be what was decoded */
	if (!raw_entry(c, index, have) ||
	    media_entry_decode(&again, index, have))
		return;
	media_entry_encode(&again, want);
	if (path && raw_path(have, raw)) {
		if (strcmp(raw, path))
			check_found(c, CHECK_ENTRY, true, index, raw,
				    "path is not in its short form, and is played as %s",
				    quote(path));
		memcpy(want + media_entry_path_offset(have), have +
		       media_entry_path_offset(have), MEDIA_PATH_SIZE);
	}
	/* The checksum comes last, and goes with the rest */
	if (memcmp(have, want, MEDIA_ENTRY_BYTES - 8))
		odd_entry(c, index, path,
			  "bytes that the format leaves 0 are not 0");
}

static int check_path(struct walk *w, uint64_t index,
		      const struct media_entry *e)
{
	const char *path = media_entry_path(e);
	const struct name *there;
	struct check *c = w->c;
	int rc;

	if (!names_has_parent(&c->names, path)) {
		rc = grow((void **)&w->orphan, w->norphans, &w->room,
			  sizeof(*w->orphan));
		if (rc)
			return rc;
		w->orphan[w->norphans].index = index;
		memcpy(w->orphan[w->norphans++].path, path, MEDIA_PATH_SIZE);
	}
	rc = names_add(&c->names, e, index, &there);
	if (rc == -EEXIST) {
		check_found(c, CHECK_ENTRY, false, index, path,
			    "path is that of entry %" PRIu64, there->index);
		rc = 0;
	}
	return rc;
}

/* Now that all of the log is known, what became of the directory? */
static void check_orphan(struct check *c, const struct orphan *o)
{
	char parent[MEDIA_PATH_SIZE];
	const struct name *dir;

	memcpy(parent, o->path, sizeof(parent));
	*strrchr(parent, '/') = '\0';
	dir = names_find(&c->names, parent);
	if (!dir)
		bad_entry(c, o->index, o->path, "its directory is not logged");
	else if (!dir->is_dir)
		check_found(c, CHECK_ENTRY, false, o->index, o->path,
			    "its directory is logged as a file, by entry %" PRIu64,
			    dir->index);
	else
		check_found(c, CHECK_ENTRY, false, o->index, o->path,
			    "its directory is not logged before it, but by entry %" PRIu64,
			    dir->index);
}

static void check_owner(struct check *c, uint64_t index, const char *path,
			uint32_t uid, uint32_t gid)
{
	if (uid == UINT32_MAX || gid == UINT32_MAX)
		odd_entry(c, index, path,
			  "uid or gid is 4294967295, which is none: root's is used");
}

static int check_map(struct check *c, uint64_t index,
		     const struct media_file *f)
{
	const struct media_map *map = &f->map;
	const uint64_t unit = c->fs->sb.alloc_unit;
	enum media_err err;
	bool aligned = true;
	uint32_t i;
	int rc = 0;

	err = media_map_fits(map, &c->fs->sb, &c->devices);
	if (err)
		bad_entry(c, index, f->path, media_strerror(err));
	for (i = 0; i < map->count && !rc; i++) {
		const struct media_extent *x = &map->ext[i];

		aligned = aligned && !(x->offset % unit) && !(x->len % unit);
		c->used_bytes = add_clip(c->used_bytes, x->len);
		rc = overlap_add(&c->used, x->dev, x->offset, x->len, index);
	}
	if (!aligned)
		odd_entry(c, index, f->path,
			  "an extent is no multiple of the allocation unit");
	if (map->type == MEDIA_INTERLEAVED && map->chunk_size % unit)
		odd_entry(c, index, f->path,
			  "chunk size is no multiple of the allocation unit");
	return rc;
}

static void check_device(struct check *c, uint64_t index,
			 const struct media_daxdev *d)
{
	static const uint8_t none[16];
	enum media_err err = media_devices_add(&c->devices, d);

	if (err)
		bad_entry(c, index, NULL, media_strerror(err));
	if (d->size % MEDIA_PAGE)
		odd_entry(c, index, NULL, "device size is no multiple of 4096");
	if (!memcmp(d->uuid, none, sizeof(none)))
		odd_entry(c, index, NULL,
			  "device uuid is 0, by which no host can find it");
}

static int visit(void *arg, uint64_t index, const struct media_entry *e,
		 int bad)
{
	struct walk *w = arg;
	struct check *c = w->c;
	int rc;

	c->entries++;
	if (bad) {
		check_undecoded(c, index, bad);
		return 0;
	}
	check_bytes(c, index, e);
	switch (e->type) {
	case MEDIA_FILE:
		c->files++;
		check_owner(c, index, e->file.path, e->file.uid, e->file.gid);
		rc = check_path(w, index, e);
		return rc ? rc : check_map(c, index, &e->file);
	case MEDIA_MKDIR:
		c->dirs++;
		check_owner(c, index, e->dir.path, e->dir.uid, e->dir.gid);
		return check_path(w, index, e);
	default:
		check_device(c, index, &e->daxdev);
		return 0;
	}
}

/* What an entry shares with others: the first place, and how many more */
struct shared {
	uint64_t with;
	uint64_t dev;
	uint64_t offset;
	uint64_t len;
	uint32_t more;
};

struct overlaps {
	struct check *c;
	struct shared *of;	/* each entry; NULL as long as there are none */
};

/* The later one in the log, @late, is the one that is not to be there */
static void overlap(void *arg, uint64_t early, uint64_t late, uint64_t dev,
		    uint64_t offset, uint64_t len)
{
	struct overlaps *o = arg;

	if (!o->of)
		o->of = calloc(o->c->nflawed, sizeof(*o->of));
	if (!o->of)
		return;
	if (o->of[late].len)
		o->of[late].more++;
	else
		o->of[late] = (struct shared){ early, dev, offset, len };
}

static void file_path(struct check *c, uint64_t index,
		      char path[MEDIA_PATH_SIZE])
{
	struct media_entry e;

	strcpy(path, "?");
	if (!log_entry(&c->fs->log, index, &e) && e.type == MEDIA_FILE)
		memcpy(path, e.file.path, MEDIA_PATH_SIZE);
}

static void bad_overlap(struct check *c, uint64_t index,
			const struct shared *s)
{
	char path[MEDIA_PATH_SIZE], with[MEDIA_PATH_SIZE], more[64] = "";

	file_path(c, index, path);
	file_path(c, s->with, with);
	if (s->more)
		snprintf(more, sizeof(more), "; %" PRIu32
			 " more of its extents are shared, too", s->more);
	check_found(c, CHECK_ENTRY, false, index, path,
		    "shares %" PRIu64 " bytes at offset %" PRIu64
		    " of device %" PRIu64 " with entry %" PRIu64 ", %s%s",
		    s->len, s->offset, s->dev, s->with, quote(with), more);
}

/*
 * One line for each entry, however many of its extents are another's: a log full
 * of such entries must not take much more memory and time than it has itself.
 */
static int check_overlaps(struct check *c)
{
	struct overlaps o = { .c = c };
	int64_t found = overlap_find(&c->used, overlap, &o);
	uint64_t i;

	for (i = 0; o.of && i < c->nflawed; i++) {
		if (o.of[i].len)
			bad_overlap(c, i, &o.of[i]);
	}
	if (found > 0 && !o.of)
		found = -ENOMEM;
	free(o.of);
	return found < 0 ? -ENOMEM : 0;
}

/* What opening it does not look at, as nothing depends on it */
static void check_super(struct check *c)
{
	const uint32_t known = MEDIA_SB_PRIMARY | MEDIA_SB_SECONDARY;
	static const uint8_t none[16];
	const struct media_super *sb = &c->fs->sb;
	const size_t path_len = strnlen(sb->dev_path, MEDIA_DEVPATH_SIZE);
	uint8_t buf[MEDIA_SB_BYTES];
	size_t i;

	if (sb->dev_size > c->fs->capacity)
		check_found(c, CHECK_SUPER, false, CHECK_NO_ENTRY, NULL,
			    "superblock says the device has %" PRIu64
			    " bytes, it has %" PRIu64, sb->dev_size,
			    c->fs->capacity);
	else if (c->fs->capacity - sb->dev_size >= sb->alloc_unit)
		check_found(c, CHECK_SUPER, true, CHECK_NO_ENTRY, NULL,
			    "superblock says the device has %" PRIu64
			    " bytes, and what it has past these, %" PRIu64
			    " bytes, is not used", sb->dev_size,
			    c->fs->capacity - sb->dev_size);
	if (sb->flags & ~known)
		check_found(c, CHECK_SUPER, true, CHECK_NO_ENTRY, NULL,
			    "superblock flags 0x%x: some are unknown",
			    sb->flags);
	if (memcmp(sb->slot_uuid, none, sizeof(none)) &&
	    memcmp(sb->slot_uuid, sb->dev_uuid, sizeof(none)))
		check_found(c, CHECK_SUPER, true, CHECK_NO_ENTRY, NULL,
			    "superblock has another device uuid in its slot");
	if (!memcmp(sb->fs_uuid, none, sizeof(none)) ||
	    !memcmp(sb->dev_uuid, none, sizeof(none)))
		check_found(c, CHECK_SUPER, true, CHECK_NO_ENTRY, NULL,
			    "superblock uuid of file system or device is 0");
	if (!memcmp(sb->system_uuid, none, sizeof(none)))
		check_found(c, CHECK_SUPER, true, CHECK_NO_ENTRY, NULL,
			    "superblock uuid of the master is 0: no host may append to the log");
	for (i = path_len; i < MEDIA_DEVPATH_SIZE && !sb->dev_path[i]; i++)
		;
	/* Between flags and device size */
	if (i < MEDIA_DEVPATH_SIZE ||
	    (!medium_load(&c->fs->super, 0, buf, sizeof(buf)) &&
	     memcmp(buf + 108, none, 4)))
		check_found(c, CHECK_SUPER, true, CHECK_NO_ENTRY, NULL,
			    "superblock bytes that the format leaves 0 are not 0");
}

static int stop_at_bad(void *arg, uint64_t index, const struct media_entry *e,
		       int bad)
{
	(void)arg;
	(void)index;
	(void)e;
	return bad;
}

/* An append that was cut off leaves its entry where the next one goes */
static void check_log_end(struct check *c, const struct media_log *log)
{
	const uint64_t capacity = media_log_capacity(log->len);
	uint64_t i = log->next_index;

	if (log->next_seqnum != log->next_index)
		check_found(c, CHECK_HEADER, true, CHECK_NO_ENTRY, NULL,
			    "log header: an append was cut off before its last store; the next append makes it good");
	if (log->next_index == capacity)
		check_found(c, CHECK_HEADER, true, CHECK_NO_ENTRY, NULL,
			    "log is full: nothing more can be made");
	while (i < capacity &&
	       !log_walk(&c->fs->log, i, i + 1, stop_at_bad, NULL))
		i++;
	if (i > log->next_index)
		check_found(c, CHECK_ENTRY, true, log->next_index, NULL,
			    "is past the end of the log and looks valid, the first of %" PRIu64
			    " such: an append that was cut off; the next one goes over it",
			    i - log->next_index);
}

/* The longest free stretches, as many as one file can have */
struct longest {
	uint64_t len[MEDIA_MAX_EXTENTS];
	unsigned int count;
};

static void keep_longest(struct longest *l, uint64_t len)
{
	unsigned int i;

	if (l->count == MEDIA_MAX_EXTENTS) {
		if (len <= l->len[l->count - 1])
			return;
		l->count--;
	}
	for (i = l->count++; i && l->len[i - 1] < len; i--)
		l->len[i] = l->len[i - 1];
	l->len[i] = len;
}

/* Where files may lie on a device: superblock and log are on the first */
static uint64_t space_start(const struct check *c, uint32_t dev)
{
	const struct media_super *sb = &c->fs->sb;
	uint64_t start = dev ? MEDIA_SB_LEN : sb->log_offset + sb->log_len;

	return round_up_pow2(start, sb->alloc_unit);
}

static void measure(struct check *c)
{
	struct longest longest = { .count = 0 };
	struct overlap_gaps g;
	uint32_t i, dev;

	for (dev = 0; dev < c->devices.count; dev++) {
		overlap_gaps(&g, &c->used, dev, space_start(c, dev),
			     c->devices.size[dev], c->fs->sb.alloc_unit);
		c->space[dev].size = c->devices.size[dev];
		while (overlap_next_gap(&g)) {
			keep_longest(&longest, g.len);
			c->space[dev].free += g.len;
		}
		c->free_bytes = add_clip(c->free_bytes, c->space[dev].free);
	}
	for (i = 0; i < longest.count; i++)
		c->largest = add_clip(c->largest, longest.len[i]);
}

/**
 * check_bucket() - tell how full one of equal parts of a device is
 * @c: after check_fs()
 * @dev: index of the device
 * @i: which part
 * @n: number of parts of the space for files; the last has what is left over,
 *	as alloc_get_striped() has it
 * @space: gets the answer
 */
void check_bucket(struct check *c, uint32_t dev, uint32_t i, uint32_t n,
		  struct check_space *space)
{
	const uint64_t unit = c->fs->sb.alloc_unit;
	uint64_t from = space_start(c, dev);
	uint64_t end = c->devices.size[dev] & ~(unit - 1);
	uint64_t part = end > from ? (end - from) / unit / n * unit : 0;
	struct overlap_gaps g;

	*space = (struct check_space){ 0 };
	if (end <= from)
		return;
	from += i * part;
	if (i + 1 < n)
		end = from + part;
	space->size = end - from;
	overlap_gaps(&g, &c->used, dev, space_start(c, dev), end, unit);
	while (overlap_next_gap(&g)) {
		uint64_t start = g.offset > from ? g.offset : from;

		if (g.offset + g.len > start)
			space->free += g.offset + g.len - start;
	}
}

static int in_order(const void *a, const void *b)
{
	const struct check_problem *x = a, *y = b;

	if (x->place != y->place)
		return x->place < y->place ? -1 : 1;
	if (x->entry != y->entry)
		return x->entry < y->entry ? -1 : 1;
	if (x->warning != y->warning)
		return x->warning ? 1 : -1;
	return 0;
}

static int walk_log(struct check *c, const struct media_log *log)
{
	struct walk w = { .c = c };
	size_t i;
	int rc;

	c->flawed = calloc(log->next_index + 1, 1);
	if (!c->flawed)
		return -ENOMEM;
	c->nflawed = log->next_index;
	c->entries_free = media_log_capacity(log->len) - log->next_index;
	fs_devices(c->fs, &c->devices);
	rc = log_walk(&c->fs->log, 0, log->next_index, visit, &w);
	for (i = 0; !rc && i < w.norphans; i++)
		check_orphan(c, &w.orphan[i]);
	free(w.orphan);
	return rc;
}

/**
 * check_fs() - look at all of a file system
 * @c: what to look at; the rest is filled, for check_free()
 *
 * What is wrong is collected, and not printed.
 *
 * Return: 0 where the check could be made, whatever it found; or a negative
 * error number: -EUCLEAN where there is no log to check, as problems in @c
 * say; after a message otherwise
 */
int check_fs(struct check *c)
{
	struct media_log log;
	uint64_t faults;
	int err, rc;

	check_super(c);
	rc = log_header_faults(&c->fs->log, c->fs->sb.log_len, &log, &faults);
	if (!rc && faults) {
		for (err = 0; err < MEDIA_ERR_COUNT; err++) {
			if (faults & MEDIA_FAULT(err))
				check_found(c, CHECK_HEADER, false,
					    CHECK_NO_ENTRY, NULL, "log: %s",
					    media_strerror(err));
		}
		return -EUCLEAN;
	}
	if (!rc)
		rc = walk_log(c, &log);
	if (!rc)
		rc = check_overlaps(c);
	if (!rc) {
		check_log_end(c, &log);
		measure(c);
	}
	if (!rc && c->lost)
		rc = -ENOMEM;
	if (rc)
		famfs_err("%s: can't check: %s", quote(c->name), strerror(-rc));
	else if (c->nproblems)
		qsort(c->problem, c->nproblems, sizeof(*c->problem), in_order);
	return rc;
}

static void print(const struct check *c, const struct check_problem *p)
{
	char where[64] = "";

	if (p->entry != CHECK_NO_ENTRY)
		snprintf(where, sizeof(where), "log entry %" PRIu64 " at 0x%" PRIx64 ": ",
			 p->entry, p->offset);
	(p->warning ? famfs_warn : famfs_err)("%s: %s%s%s%s", quote(c->name),
					      where,
					      p->path ? quote(p->path) : "",
					      p->path ? ": " : "", p->what);
}

/**
 * check_print() - tell what was found, by messages
 * @c: after check_fs()
 * @what: all, or no warnings
 */
void check_print(const struct check *c, enum check_print what)
{
	size_t i;

	for (i = 0; i < c->nproblems; i++) {
		if (what == CHECK_ALL || !c->problem[i].warning)
			print(c, &c->problem[i]);
	}
}

/**
 * check_free() - let go of what a check has collected
 * @c: the check
 */
void check_free(struct check *c)
{
	size_t i;

	for (i = 0; i < c->nproblems; i++) {
		free(c->problem[i].path);
		free(c->problem[i].what);
	}
	free(c->problem);
	free(c->flawed);
	names_free(&c->names);
	overlap_free(&c->used);
}
