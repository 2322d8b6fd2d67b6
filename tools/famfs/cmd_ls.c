// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * famfs ls: what the log has, whether it is mounted or not. What fsck would call
 * an error is told, and left out, as replay leaves it out.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "cmd.h"
#include "fs.h"
#include "json.h"
#include "log.h"
#include "util.h"
#include "where.h"

static const struct option_def opts[] = {
	{ 'l', "long", NULL,
	  "with type and mode, uid, gid, size, and number of extents" },
	{ 'R', "recursive", NULL, "also what lies in directories" },
	WHERE_OPTIONS,
	JSON_OPTION,
	{ 0 }
};

static const struct usage usage = {
	.synopsis = "[OPTION...] DEVICE|DIR [PATH...]",
	.does = "list what the log has in DIR, or in PATH from the file system's root",
	.opts = opts,
};

struct item {
	char path[MEDIA_PATH_SIZE];
	bool is_dir;
	uint32_t mode;
	uint32_t uid;
	uint32_t gid;
	uint64_t size;
	const char *map;
	uint32_t extents;
};

struct ls {
	unsigned int where_flags;
	bool full;
	bool recursive;
	struct json_object *list;	/* where it is to be JSON */
	struct check c;
	struct item *item;		/* by path */
	size_t count;
	size_t room;
	int status;
};

static int collect(void *arg, uint64_t index, const struct media_entry *e,
		   int bad)
{
	struct ls *ls = arg;
	struct item *i;

	if (bad || !media_entry_path(e) || index >= ls->c.nflawed ||
	    ls->c.flawed[index])
		return 0;
	if (ls->count == ls->room) {
		size_t room = ls->room ? ls->room * 2 : 256;

		i = reallocarray(ls->item, room, sizeof(*i));
		if (!i)
			return -ENOMEM;
		ls->item = i;
		ls->room = room;
	}
	i = &ls->item[ls->count++];
	*i = (struct item){ .is_dir = e->type == MEDIA_MKDIR };
	memcpy(i->path, media_entry_path(e), MEDIA_PATH_SIZE);
	if (i->is_dir) {
		i->mode = e->dir.mode;
		i->uid = e->dir.uid;
		i->gid = e->dir.gid;
	} else {
		i->mode = e->file.mode;
		i->uid = e->file.uid;
		i->gid = e->file.gid;
		i->size = e->file.size;
		i->map = e->file.map.type == MEDIA_SIMPLE ? "simple"
							  : "interleaved";
		i->extents = e->file.map.count;
	}
	return 0;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct item *)a)->path,
		      ((const struct item *)b)->path);
}

static const char *mode_text(const struct item *i, char text[11])
{
	static const char bits[] = "rwxrwxrwx";
	int b;

	text[0] = i->is_dir ? 'd' : '-';
	for (b = 0; b < 9; b++)
		text[b + 1] = i->mode & (0400U >> b) ? bits[b] : '-';
	if (i->mode & 04000)
		text[3] = text[3] == 'x' ? 's' : 'S';
	if (i->mode & 02000)
		text[6] = text[6] == 'x' ? 's' : 'S';
	if (i->mode & 01000)
		text[9] = text[9] == 'x' ? 't' : 'T';
	text[10] = '\0';
	return text;
}

static void print(struct ls *ls, const struct item *i)
{
	char mode[11];

	if (ls->list) {
		struct json_object *o = json_new();

		json_add_string(o, "path", i->path);
		json_add_string(o, "type", i->is_dir ? "directory" : "file");
		json_add_string(o, "mode", mode_text(i, mode));
		json_add_number(o, "uid", i->uid);
		json_add_number(o, "gid", i->gid);
		if (!i->is_dir) {
			json_add_number(o, "size", i->size);
			json_add_string(o, "map", i->map);
			json_add_number(o, "extents", i->extents);
		}
		json_append(ls->list, o);
	} else if (ls->full) {
		printf("%s %5u %5u %12" PRIu64 " %2u %s\n", mode_text(i, mode),
		       i->uid, i->gid, i->size, i->extents, quote(i->path));
	} else {
		puts(quote(i->path));
	}
}

/* Whether @path is in the directory @dir, directly or anywhere below */
static bool is_in(const char *path, const char *dir, bool anywhere)
{
	size_t len = strlen(dir);

	if (len) {
		if (strncmp(path, dir, len) || path[len] != '/')
			return false;
		path += len + 1;
	}
	return anywhere || !strchr(path, '/');
}

static void list(struct ls *ls, const char *dir)
{
	size_t k;

	for (k = 0; k < ls->count; k++) {
		if (is_in(ls->item[k].path, dir, ls->recursive))
			print(ls, &ls->item[k]);
	}
}

static void list_path(struct ls *ls, const char *arg)
{
	const struct item *found;
	struct item key = { 0 };
	enum media_err err;
	const char *path = arg + strspn(arg, "/");

	if (strlen(path) > MEDIA_PATH_MAX) {
		famfs_err("%s: is longer than any path of a famfs file system",
			  quote(arg));
		ls->status = 1;
		return;
	}
	strcpy(key.path, path);
	err = *path ? media_path_normalise(key.path) : MEDIA_OK;
	if (err == MEDIA_ERR_PATH_EMPTY)	/* "." and alike */
		key.path[0] = '\0';
	else if (err) {
		famfs_err("%s: %s", quote(arg), media_strerror(err));
		ls->status = 1;
		return;
	}
	if (!key.path[0]) {
		list(ls, "");
		return;
	}
	found = ls->count ? bsearch(&key, ls->item, ls->count, sizeof(key),
				    by_path) : NULL;
	if (!found) {
		famfs_err("%s: is not in the log", quote(arg));
		ls->status = 1;
	} else if (found->is_dir) {
		list(ls, found->path);
	} else {
		print(ls, found);
	}
}

static int look(struct ls *ls, const struct where *w)
{
	struct fs fs;
	int rc;

	rc = fs_open(&fs, w->root, w->name, where_fs_flags(w));
	if (rc)
		return rc;
	ls->c.fs = &fs;
	ls->c.name = w->name;
	rc = check_fs(&ls->c);
	check_print(&ls->c, CHECK_ERRORS);
	if (ls->c.errors)
		ls->status = 1;
	if (!rc) {
		rc = log_walk(&fs.log, 0, ls->c.nflawed, collect, ls);
		if (rc)
			famfs_err("%s: %s", quote(w->name), strerror(-rc));
	}
	if (!rc && ls->count)
		qsort(ls->item, ls->count, sizeof(*ls->item), by_path);
	check_free(&ls->c);
	fs_close(&fs);
	return rc;
}

static void ls(struct ls *ls, const char *name, int argc, char **argv)
{
	struct where w;
	int i;

	if (where_open(&w, name, ls->where_flags)) {
		ls->status = 1;
		return;
	}
	if (look(ls, &w))
		ls->status = 1;
	else if (!argc)
		list_path(ls, w.rel);
	else
		for (i = 0; i < argc; i++)
			list_path(ls, argv[i]);
	where_close(&w);
}

static int run(int argc, char **argv, bool dryrun)
{
	struct ls l = { .where_flags = WHERE_ANY };
	int ch;

	(void)dryrun;	/* changes nothing anyway */
	while ((ch = options_next(argc, argv, &usage)) != OPTIONS_END) {
		switch (ch) {
		case OPTIONS_HELP:
			return 0;
		case OPTIONS_BAD:
			return 1;
		case 'l':
			l.full = true;
			break;
		case 'R':
			l.recursive = true;
			break;
		case 'M':
			l.where_flags |= WHERE_SET_MODE;
			break;
		case 'L':
			l.where_flags |= WHERE_LOAD_MODULE;
			break;
		case OPTION_JSON:
			if (!l.list)
				l.list = json_new_list();
			break;
		}
	}
	if (optind == argc)
		return options_wrong(argv[0], &usage,
				     "a device or a directory is needed");
	ls(&l, argv[optind], argc - optind - 1, argv + optind + 1);
	if (l.list && json_print(l.list))
		l.status = 1;
	free(l.item);
	return l.status;
}

const struct command cmd_ls = { "ls", &usage, run };
