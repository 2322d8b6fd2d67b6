// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * famfs check: look at every file of a mount, as the kernel has it: does it
 * have a map, and is its memory good?
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd.h"
#include "json.h"
#include "kernel.h"
#include "meta.h"
#include "util.h"
#include "where.h"

/* Bits of the exit status */
#define CHECK_UNMAPPED		1
#define CHECK_SUPER		2
#define CHECK_LOG		4
#define CHECK_BAD_MEMORY	8
#define CHECK_FAILED		16

static const struct option_def opts[] = {
	{ 'v', "verbose", NULL, "name the files that are well, too" },
	JSON_OPTION,
	{ 0 }
};

static const struct usage usage = {
	.synopsis = "[-v] [--json] DIR",
	.does = "look at every file; status 1 unmapped, +2 superblock, +4 log, +8 bad memory",
	.opts = opts,
};

struct count {
	unsigned long files;
	unsigned long dirs;
	unsigned long bad_ranges;
	dev_t dev;		/* of the mount: all else is another's */
	int status;
	/* Where it is to be JSON */
	struct json_object *problems;
	struct json_object *memory;
};

static void wrong(struct count *c, int bit, const char *path, const char *what)
{
	c->status |= bit;
	famfs_err("%s: %s", quote(path), what);
	if (c->problems) {
		struct json_object *o = json_new();

		json_add_string(o, "path", path);
		json_add_string(o, "what", what);
		json_append(c->problems, o);
	}
}

static void bad_range(struct count *c, const char *path,
		      const struct famfs_error *e)
{
	struct json_object *o;

	c->bad_ranges++;
	if (!c->memory) {
		printf("%s: bad memory: offset %llu length %llu, device %u offset %llu\n",
		       quote(path), e->pos, e->len, e->devindex, e->offset);
		return;
	}
	o = json_new();
	json_add_string(o, "path", path);
	json_add_number(o, "offset", e->pos);
	json_add_number(o, "length", e->len);
	json_add_number(o, "device", e->devindex);
	json_add_number(o, "device_offset", e->offset);
	json_append(c->memory, o);
}

static void failed(struct count *c, const char *path, int err)
{
	wrong(c, CHECK_FAILED, path,
	      err == EACCES || err == EPERM ? "no permission; this needs root"
					    : strerror(err));
}

/* The ranges of a file whose memory is bad, a few at a time */
static void check_memory(struct count *c, int fd, const char *path)
{
	struct famfs_error errors[16];
	uint64_t start = 0;
	int i, n;

	for (;;) {
		n = kern_get_errors(fd, start, errors, ARRAY_SIZE(errors));
		if (n < 0) {
			failed(c, path, -n);
			return;
		}
		if (!n)
			return;
		c->status |= CHECK_BAD_MEMORY;
		for (i = 0; i < n; i++)
			bad_range(c, path, &errors[i]);
		start = errors[n - 1].pos + errors[n - 1].len;
	}
}

/* Which bit a file sets that has no map, or a map of the wrong kind */
static int role(const char *path, enum famfs_file_type *type)
{
	if (!strcmp(path, META_SUPER)) {
		*type = FAMFS_FILE_SUPERBLOCK;
		return CHECK_SUPER;
	}
	if (!strcmp(path, META_LOG)) {
		*type = FAMFS_FILE_LOG;
		return CHECK_LOG;
	}
	*type = FAMFS_FILE_REG;
	return CHECK_UNMAPPED;
}

static void check_file(struct count *c, int dir, const char *name,
		       const char *path)
{
	struct famfs_fmap_header *map;
	enum famfs_file_type type;
	int bit = role(path, &type);
	int fd, rc;

	c->files++;
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) {
		failed(c, path, errno);
		return;
	}
	rc = kern_map_get(fd, &map);
	if (rc == -ENODATA) {
		wrong(c, bit, path,
		      "has no map; famfs logplay gives it one if the log has the file");
	} else if (rc) {
		failed(c, path, -rc);
	} else {
		if (map->file_type != type)
			wrong(c, bit, path, "is mapped as a file of another type");
		else
			famfs_info("%s: %llu bytes", quote(path),
				   map->file_size);
		free(map);
		check_memory(c, fd, path);
	}
	close(fd);
}

/* @fd is closed; @path is empty for the root */
static void check_dir(struct count *c, int fd, const char *path)
{
	const struct dirent *e;
	struct stat st;
	char *sub;
	DIR *dir;
	int next;

	dir = fdopendir(fd);
	if (!dir) {
		failed(c, *path ? path : ".", errno);
		close(fd);
		return;
	}
	c->dirs++;
	while (errno = 0, (e = readdir(dir))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (asprintf(&sub, "%s%s%s", path, *path ? "/" : "",
			     e->d_name) < 0) {
			failed(c, e->d_name, ENOMEM);
			continue;
		}
		if (fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW)) {
			failed(c, sub, errno);
		} else if (st.st_dev != c->dev) {
			famfs_info("%s: is another mount, left out",
				   quote(sub));
		} else if (S_ISREG(st.st_mode)) {
			check_file(c, fd, e->d_name, sub);
		} else if (S_ISDIR(st.st_mode)) {
			next = openat(fd, e->d_name, O_RDONLY | O_DIRECTORY |
				      O_NOFOLLOW | O_CLOEXEC);
			if (next < 0)
				failed(c, sub, errno);
			else
				check_dir(c, next, sub);
		}
		free(sub);
	}
	if (errno)
		failed(c, *path ? path : ".", errno);
	closedir(dir);
}

static void check_meta(struct count *c, int root, const char *path, int bit)
{
	struct stat st;

	if (fstatat(root, path, &st, AT_SYMLINK_NOFOLLOW)) {
		if (errno == ENOENT || errno == ENOTDIR)
			wrong(c, bit, path,
			      "is not there; famfs mkmeta makes it");
		else
			failed(c, path, errno);
		return;
	}
	if (!S_ISREG(st.st_mode))
		wrong(c, bit, path, "is no regular file");
}

static int print_json(const char *name, const struct count *c)
{
	struct json_object *top = json_new();

	json_add_string(top, "name", name);
	json_add_number(top, "files", c->files);
	json_add_number(top, "directories", c->dirs);
	json_add(top, "bad_memory", c->memory);
	json_add(top, "problems", c->problems);
	return json_print(top);
}

static int check(const char *name, bool json)
{
	struct count c = { 0 };
	struct where w;
	struct stat st;

	if (where_open_dir(&w, name))
		return CHECK_FAILED;
	if (fstat(w.root, &st)) {
		famfs_err("%s: %s", quote(name), strerror(errno));
		where_close(&w);
		return CHECK_FAILED;
	}
	if (json) {
		c.problems = json_new_list();
		c.memory = json_new_list();
	}
	c.dev = st.st_dev;
	check_meta(&c, w.root, META_SUPER, CHECK_SUPER);
	check_meta(&c, w.root, META_LOG, CHECK_LOG);
	check_dir(&c, w.root, "");
	if (json)
		return print_json(name, &c) ? CHECK_FAILED : c.status;
	printf("%s: %lu files, %lu directories, %lu bad ranges\n", quote(name),
	       c.files, c.dirs, c.bad_ranges);
	return c.status;
}

static int run(int argc, char **argv, bool dryrun)
{
	bool json = false;
	int ch;

	(void)dryrun;	/* changes nothing anyway */
	while ((ch = options_next(argc, argv, &usage)) != OPTIONS_END) {
		if (ch == OPTIONS_HELP)
			return 0;
		if (ch == OPTIONS_BAD)
			return CHECK_FAILED;
		if (ch == OPTION_JSON)
			json = true;
		else
			famfs_set_verbose(true);
	}
	/* What -v tells would be in between */
	if (json)
		famfs_set_verbose(false);
	if (argc - optind != 1) {
		options_wrong(argv[0], &usage, "a directory is needed");
		return CHECK_FAILED;
	}
	return check(argv[optind], json);
}

const struct command cmd_check = {
	"check", &usage, run, CHECK_FAILED
};
