// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * famfs fsck: by device, through a detached mount, when it is not mounted; by
 * directory when it is. Exit status as in fsck(8).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <uuid/uuid.h>

#include "check.h"
#include "cmd.h"
#include "fs.h"
#include "json.h"
#include "log.h"
#include "util.h"
#include "where.h"

#define FSCK_OK			0
#define FSCK_UNCORRECTED	4
#define FSCK_OPERATIONAL	8
#define FSCK_USAGE		16

#define MAX_BUCKETS		64

static const struct option_def opts[] = {
	{ 'v', "verbose", NULL, "show the superblock and counts" },
	{ 'h', "human", NULL, "sizes with a unit that suits them" },
	{ 'm', "mmap", NULL, "load the log through a mapping (default)" },
	{ 'r', "read", NULL, "load the log by read(2)" },
	{ 'B', "nbuckets", "N",
	  "show space for each of N equal parts of a device, too; 1 to 64" },
	WHERE_OPTIONS,
	{ 'F', "nofuse", NULL, "accepted; there is no fuse variant" },
	{ 'f', "fuse", NULL, NULL, true },
	JSON_OPTION,
	{ 0 }
};

static const struct usage usage = {
	.synopsis = "[OPTION...] DEVICE|DIR",
	.does = "check superblock and log, and show space",
	.opts = opts,
};

struct fsck {
	unsigned int fs_flags;
	unsigned int where_flags;
	uint32_t nbuckets;
	bool human;
	bool json;
};

static void print_uuid(const char *what, const uint8_t uuid[16])
{
	char text[UUID_STR_LEN];

	uuid_unparse(uuid, text);
	printf("%s: %s\n", what, text);
}

static void print_super(const struct media_super *sb)
{
	printf("version: %" PRIu64 "\n", sb->version);
	printf("log_offset: %" PRIu64 "\n", sb->log_offset);
	printf("log_len: %" PRIu64 "\n", sb->log_len);
	printf("alloc_unit: %" PRIu64 "\n", sb->alloc_unit);
	printf("omf_major: %u\n", sb->omf_major);
	printf("omf_minor: %u\n", sb->omf_minor);
	print_uuid("uuid", sb->fs_uuid);
	print_uuid("dev_uuid", sb->dev_uuid);
	print_uuid("system_uuid", sb->system_uuid);
	printf("flags: %u\n", sb->flags);
	printf("dev_size: %" PRIu64 "\n", sb->dev_size);
	printf("dev_path: %s\n", quote(sb->dev_path));
}

static void print_bytes(const char *what, uint64_t bytes, bool human)
{
	if (human)
		printf("%s: %s\n", what, human(bytes));
	else
		printf("%s: %" PRIu64 "\n", what, bytes);
}

/* What the first device really has, and the others by what the log says */
static uint64_t capacity(const struct check *c)
{
	uint64_t sum = c->fs->capacity;
	uint32_t i;

	for (i = 1; i < c->devices.count; i++)
		sum = add_clip(sum, c->devices.size[i]);
	return sum;
}

static void print_buckets(const struct fsck *f, struct check *c)
{
	struct check_space space;
	char what[64];
	uint32_t dev, i;

	for (dev = 0; dev < c->devices.count; dev++) {
		for (i = 0; i < f->nbuckets; i++) {
			check_bucket(c, dev, i, f->nbuckets, &space);
			snprintf(what, sizeof(what),
				 "Device %u bucket %u capacity", dev, i);
			print_bytes(what, space.size, f->human);
			snprintf(what, sizeof(what),
				 "Device %u bucket %u free space", dev, i);
			print_bytes(what, space.free, f->human);
		}
	}
}

static void print_text(const struct fsck *f, struct check *c)
{
	if (famfs_verbose()) {
		print_super(&c->fs->sb);
		printf("entries: %" PRIu64 "\n", c->entries);
		printf("files: %" PRIu64 "\n", c->files);
		printf("directories: %" PRIu64 "\n", c->dirs);
		printf("allocated: %" PRIu64 "\n", c->used_bytes);
	}
	print_bytes("Device capacity", capacity(c), f->human);
	print_bytes("Free space", c->free_bytes, f->human);
	print_buckets(f, c);
}

static void add_super(struct json_object *top, const struct media_super *sb,
		      bool human)
{
	struct json_object *o = json_new();

	json_add_number(o, "version", sb->version);
	json_add_number(o, "log_offset", sb->log_offset);
	json_add_size(o, "log_len", sb->log_len, human);
	json_add_size(o, "alloc_unit", sb->alloc_unit, human);
	json_add_number(o, "omf_major", sb->omf_major);
	json_add_number(o, "omf_minor", sb->omf_minor);
	json_add_uuid(o, "uuid", sb->fs_uuid);
	json_add_uuid(o, "dev_uuid", sb->dev_uuid);
	json_add_uuid(o, "system_uuid", sb->system_uuid);
	json_add_number(o, "flags", sb->flags);
	json_add_size(o, "dev_size", sb->dev_size, human);
	json_add_string(o, "dev_path", sb->dev_path);
	json_add(top, "superblock", o);
}

static void add_devices(struct json_object *top, const struct fsck *f,
			struct check *c)
{
	struct json_object *devices = json_new_list();
	struct check_space space;
	uint32_t dev, i;

	for (dev = 0; dev < c->devices.count; dev++) {
		struct json_object *o, *buckets;

		if (!c->devices.size[dev])
			continue;
		o = json_new();
		json_add_number(o, "index", dev);
		json_add_uuid(o, "uuid", c->devices.uuid[dev]);
		json_add_size(o, "size", c->space[dev].size, f->human);
		json_add_size(o, "free", c->space[dev].free, f->human);
		if (f->nbuckets) {
			buckets = json_new_list();
			for (i = 0; i < f->nbuckets; i++) {
				struct json_object *b = json_new();

				check_bucket(c, dev, i, f->nbuckets, &space);
				json_add_size(b, "size", space.size, f->human);
				json_add_size(b, "free", space.free, f->human);
				json_append(buckets, b);
			}
			json_add(o, "buckets", buckets);
		}
		json_append(devices, o);
	}
	json_add(top, "devices", devices);
}

static struct json_object *problem(bool warning, uint64_t entry,
				   const char *path, uint64_t offset,
				   const char *what)
{
	struct json_object *o = json_new();

	json_add_string(o, "level", warning ? "warning" : "error");
	if (entry != CHECK_NO_ENTRY)
		json_add_number(o, "entry", entry);
	if (path)
		json_add_string(o, "path", path);
	json_add_number(o, "offset", offset);
	json_add_string(o, "what", what);
	return o;
}

static void add_problems(struct json_object *top, const struct check *c)
{
	struct json_object *list = json_new_list();
	size_t i;

	for (i = 0; i < c->nproblems; i++) {
		const struct check_problem *p = &c->problem[i];

		json_append(list, problem(p->warning, p->entry, p->path,
					  p->offset, p->what));
	}
	json_add_number(top, "errors", c->errors);
	json_add_number(top, "warnings", c->warnings);
	json_add(top, "problems", list);
}

/* @checked: whether there was a log to check, so that there is more to tell */
static int print_json(const struct fsck *f, struct check *c, bool checked)
{
	struct json_object *top = json_new();

	json_add_string(top, "name", c->name);
	add_super(top, &c->fs->sb, f->human);
	if (checked) {
		json_add_number(top, "entries", c->entries);
		json_add_number(top, "entries_free", c->entries_free);
		json_add_number(top, "files", c->files);
		json_add_number(top, "directories", c->dirs);
		json_add_size(top, "capacity", capacity(c), f->human);
		json_add_size(top, "allocated", c->used_bytes, f->human);
		json_add_size(top, "free", c->free_bytes, f->human);
		add_devices(top, f, c);
	}
	add_problems(top, c);
	return json_print(top);
}

/* Of a superblock that is no good nothing is shown but why */
static int print_faults(const char *name, uint64_t faults)
{
	struct json_object *top = json_new(), *list = json_new_list();
	int err, n = 0;

	for (err = 0; err < MEDIA_ERR_COUNT; err++) {
		if (!(faults & MEDIA_FAULT(err)))
			continue;
		n++;
		json_append(list, problem(false, CHECK_NO_ENTRY, NULL, 0,
					  media_strerror(err)));
	}
	json_add_string(top, "name", name);
	json_add_number(top, "errors", n);
	json_add_number(top, "warnings", 0);
	json_add(top, "problems", list);
	return json_print(top);
}

static int report(const struct fsck *f, struct check *c, int rc)
{
	check_print(c, CHECK_ALL);
	if (rc == -EUCLEAN) {
		famfs_err("%s: a famfs file system that can't be used; mkfs.famfs -f would make a new one, and lose all files",
			  quote(c->name));
		if (f->json && print_json(f, c, false))
			return FSCK_OPERATIONAL;
		return FSCK_UNCORRECTED;
	}
	if (rc)
		return FSCK_OPERATIONAL;
	if (!f->json)
		print_text(f, c);
	else if (print_json(f, c, true))
		return FSCK_OPERATIONAL;
	if (!c->errors)
		return FSCK_OK;
	famfs_err("%s: %llu errors, left as they are; copy out what is good, then make the file system anew with mkfs.famfs -f",
		  quote(c->name), (unsigned long long)c->errors);
	return FSCK_UNCORRECTED;
}

static int check(const struct fsck *f, const struct where *w)
{
	struct check c = { .name = w->name };
	struct fs fs;
	int rc, status;

	rc = fs_open(&fs, w->root, w->name, f->fs_flags | where_fs_flags(w));
	if (rc == -EUCLEAN && f->json && print_faults(w->name, fs.faults))
		return FSCK_OPERATIONAL;
	if (rc)
		return rc == -EUCLEAN ? FSCK_UNCORRECTED : FSCK_OPERATIONAL;
	c.fs = &fs;
	rc = check_fs(&c);
	if (!rc && !w->detached)
		rc = check_mount(&c);
	status = report(f, &c, rc);
	check_free(&c);
	fs_close(&fs);
	return status;
}

static int parse_buckets(uint32_t *n, const char *arg)
{
	if (!famfs_parse_id(arg, n) && *n >= 1 && *n <= MAX_BUCKETS)
		return 0;
	famfs_err("number of buckets %s: expected 1 to %d", quote(arg),
		  MAX_BUCKETS);
	return -EINVAL;
}

static int run(int argc, char **argv, bool dryrun)
{
	struct fsck f = { 0 };
	struct where w;
	int ch, status;

	(void)dryrun;	/* changes nothing anyway */
	while ((ch = options_next(argc, argv, &usage)) != OPTIONS_END) {
		switch (ch) {
		case OPTIONS_HELP:
			return FSCK_OK;
		case OPTIONS_BAD:
			return FSCK_USAGE;
		case 'v':
			famfs_set_verbose(true);
			break;
		case 'h':
			f.human = true;
			break;
		case 'm':
			f.fs_flags &= ~FS_BY_READ;
			break;
		case 'r':
			f.fs_flags |= FS_BY_READ;
			break;
		case 'B':
			if (parse_buckets(&f.nbuckets, optarg))
				return FSCK_USAGE;
			break;
		case 'M':
			f.where_flags |= WHERE_SET_MODE;
			break;
		case 'L':
			f.where_flags |= WHERE_LOAD_MODULE;
			break;
		case OPTION_JSON:
			f.json = true;
			break;
		}
	}
	if (argc - optind != 1) {
		options_wrong(argv[0], &usage,
			      "exactly one device or directory is needed");
		return FSCK_USAGE;
	}
	/* What -v tells would be in between */
	if (f.json)
		famfs_set_verbose(false);
	if (where_open(&w, argv[optind], f.where_flags))
		return FSCK_OPERATIONAL;
	status = check(&f, &w);
	where_close(&w);
	return status;
}

const struct command cmd_fsck = {
	"fsck", &usage, run, FSCK_OPERATIONAL
};
