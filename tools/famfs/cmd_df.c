// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * famfs df: how full file systems are, by their logs, mounted or not.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "cmd.h"
#include "fs.h"
#include "json.h"
#include "util.h"
#include "where.h"

static const struct option_def opts[] = {
	{ 'h', "human", NULL, "sizes with a unit that suits them" },
	WHERE_OPTIONS,
	JSON_OPTION,
	{ 0 }
};

static const struct usage usage = {
	.synopsis = "[OPTION...] [DEVICE|DIR...]",
	.does = "show how full file systems are; without arguments, all that are mounted",
	.opts = opts,
};

struct df {
	unsigned int where_flags;
	bool human;
	struct json_object *list;	/* where it is to be JSON */
	bool header;			/* has been printed */
	unsigned int count;
	int status;
};

/* Superblock and log are no file's, nor is what is less than a unit */
static uint64_t used(const struct check *c, uint32_t dev)
{
	struct check_space all;
	struct check none = { .fs = c->fs, .devices = c->devices };

	check_bucket(&none, dev, 0, 1, &all);
	return all.size - c->space[dev].free;
}

struct sums {
	uint64_t size;
	uint64_t used;
};

static void sum_up(const struct check *c, struct sums *s)
{
	uint32_t dev;

	*s = (struct sums){ 0 };
	for (dev = 0; dev < c->devices.count; dev++) {
		s->size = add_clip(s->size, c->space[dev].size);
		s->used = add_clip(s->used, used(c, dev));
	}
}

static const char *size(const struct df *d, struct famfs_sizebuf *buf,
			uint64_t bytes)
{
	if (d->human)
		return famfs_human(buf, bytes);
	snprintf(buf->s, sizeof(buf->s), "%" PRIu64, bytes);
	return buf->s;
}

#define SIZE(d, bytes)	size((d), &(struct famfs_sizebuf){ "" }, (bytes))

static void print_text(struct df *d, const struct check *c,
		       const struct sums *s)
{
	const int w = d->human ? 10 : 15;
	char name[32];
	uint32_t dev;

	if (!d->header)
		printf("%-20s %*s %*s %*s %*s %8s %8s %8s %8s\n", "Filesystem",
		       w, "Size", w, "Used", w, "Free", w, "Largest", "Files",
		       "Dirs", "Entries", "Left");
	d->header = true;
	printf("%-20s %*s %*s %*s %*s %8" PRIu64 " %8" PRIu64 " %8" PRIu64
	       " %8" PRIu64 "\n", quote(c->name), w, SIZE(d, s->size),
	       w, SIZE(d, s->used), w, SIZE(d, c->free_bytes),
	       w, SIZE(d, c->largest), c->files, c->dirs, c->entries,
	       c->entries_free);
	for (dev = 0; c->devices.count > 1 && dev < c->devices.count; dev++) {
		if (!c->devices.size[dev])
			continue;
		snprintf(name, sizeof(name), "  device %u", dev);
		printf("%-20s %*s %*s %*s\n", name,
		       w, SIZE(d, c->space[dev].size), w, SIZE(d, used(c, dev)),
		       w, SIZE(d, c->space[dev].free));
	}
}

static void add_json(struct df *d, const struct check *c,
		     const struct where *w, const struct sums *s)
{
	struct json_object *o = json_new(), *devices = json_new_list();
	uint32_t dev;

	json_add_string(o, "name", c->name);
	if (!w->detached)
		json_add_string(o, "mounted_on", w->dir);
	json_add_uuid(o, "uuid", c->fs->sb.fs_uuid);
	json_add_size(o, "alloc_unit", c->fs->sb.alloc_unit, d->human);
	json_add_size(o, "size", s->size, d->human);
	json_add_size(o, "used", s->used, d->human);
	json_add_size(o, "free", c->free_bytes, d->human);
	json_add_size(o, "largest_file", c->largest, d->human);
	json_add_number(o, "files", c->files);
	json_add_number(o, "directories", c->dirs);
	json_add_number(o, "entries", c->entries);
	json_add_number(o, "entries_free", c->entries_free);
	json_add_number(o, "errors", c->errors);
	for (dev = 0; dev < c->devices.count; dev++) {
		struct json_object *x;

		if (!c->devices.size[dev])
			continue;
		x = json_new();
		json_add_number(x, "index", dev);
		json_add_uuid(x, "uuid", c->devices.uuid[dev]);
		json_add_size(x, "size", c->space[dev].size, d->human);
		json_add_size(x, "used", used(c, dev), d->human);
		json_add_size(x, "free", c->space[dev].free, d->human);
		json_append(devices, x);
	}
	json_add(o, "devices", devices);
	json_append(d->list, o);
}

static int show(struct df *d, const struct where *w)
{
	struct check c = { .name = w->name };
	struct sums s;
	struct fs fs;
	int rc;

	rc = fs_open(&fs, w->root, w->name, where_fs_flags(w));
	if (rc)
		return rc;
	c.fs = &fs;
	rc = check_fs(&c);
	if (rc == -EUCLEAN)
		check_print(&c, CHECK_ERRORS);
	if (!rc) {
		sum_up(&c, &s);
		if (d->list)
			add_json(d, &c, w, &s);
		else
			print_text(d, &c, &s);
		if (c.errors)
			famfs_err("%s: there are %" PRIu64
				  " errors in it, so these numbers may be wrong; famfs fsck %s tells more",
				  quote(w->name), c.errors, quote(w->name));
	}
	rc = rc ? rc : c.errors ? -EUCLEAN : 0;
	check_free(&c);
	fs_close(&fs);
	return rc;
}

static int df(void *arg, const char *name)
{
	struct df *d = arg;
	struct where w;

	d->count++;
	if (where_open(&w, name, d->where_flags)) {
		d->status = 1;
		return 0;
	}
	if (show(d, &w))
		d->status = 1;
	where_close(&w);
	return 0;
}

static void all_mounts(struct df *d)
{
	int rc = where_mounts(df, d);

	if (rc)
		famfs_err("can't list the mounts: %s", strerror(-rc));
	else if (!d->count)
		famfs_err("no famfs file system is mounted here; give a device");
	if (rc || !d->count)
		d->status = 1;
}

static int run(int argc, char **argv, bool dryrun)
{
	struct df d = { .where_flags = WHERE_ANY };
	int ch;

	(void)dryrun;	/* changes nothing anyway */
	while ((ch = options_next(argc, argv, &usage)) != OPTIONS_END) {
		switch (ch) {
		case OPTIONS_HELP:
			return 0;
		case OPTIONS_BAD:
			return 1;
		case 'h':
			d.human = true;
			break;
		case 'M':
			d.where_flags |= WHERE_SET_MODE;
			break;
		case 'L':
			d.where_flags |= WHERE_LOAD_MODULE;
			break;
		case OPTION_JSON:
			if (!d.list)
				d.list = json_new_list();
			break;
		}
	}
	if (optind == argc)
		all_mounts(&d);
	for (; optind < argc; optind++)
		df(&d, argv[optind]);
	if (d.list && json_print(d.list))
		d.status = 1;
	return d.status;
}

const struct command cmd_df = { "df", &usage, run };
