// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * famfs getmap: where the bytes of a file lie.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd.h"
#include "json.h"
#include "kernel.h"
#include "util.h"

#define GETMAP_MAPPED		0
#define GETMAP_NOT_FAMFS	1
#define GETMAP_UNMAPPED		2

static const struct option_def opts[] = {
	{ 'q', "quiet", NULL, "the exit status alone tells whether there is a map" },
	{ 'c', "continue", NULL, "take several files, and go on after one that has no map" },
	JSON_OPTION,
	{ 0 }
};

static const struct usage usage = {
	.synopsis = "[-q] [--json] FILE\n-c [-q] [--json] FILE...",
	.does = "show the map of a file; status 0 mapped, 1 not famfs, 2 unmapped",
	.opts = opts,
};

static const char *type_name(uint8_t type)
{
	switch (type) {
	case FAMFS_FILE_REG:
		return "regular";
	case FAMFS_FILE_SUPERBLOCK:
		return "superblock";
	case FAMFS_FILE_LOG:
		return "log";
	default:
		return "unknown";
	}
}

static void print_simple(const struct famfs_fmap_simple *x, uint32_t n,
			 const char *what)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		printf("%s %u: device %u offset %llu length %llu\n", what, i,
		       x[i].devindex, x[i].offset, x[i].len);
}

/* The message is the kernel's own: its counts go with its length */
static void print_map(const char *file, const struct famfs_fmap_header *h)
{
	const uint8_t *p = (const uint8_t *)(h + 1);
	uint32_t i;

	printf("%s: %s file, %llu bytes, %u %s extents\n", quote(file),
	       type_name(h->file_type), h->file_size, h->nextents,
	       h->ext_type == FAMFS_EXT_INTERLEAVE ? "interleaved" : "simple");
	if (h->ext_type != FAMFS_EXT_INTERLEAVE) {
		print_simple((const void *)p, h->nextents, "extent");
		return;
	}
	for (i = 0; i < h->nextents; i++) {
		const struct famfs_fmap_interleave *il = (const void *)p;

		printf("extent %u: %u strips, chunk size %u, %llu bytes\n", i,
		       il->nstrips, il->chunk_size, il->nbytes);
		p += sizeof(*il);
		print_simple((const void *)p, il->nstrips, "strip");
		p += il->nstrips * sizeof(struct famfs_fmap_simple);
	}
}

static struct json_object *json_ranges(const struct famfs_fmap_simple *x,
				       uint32_t n)
{
	struct json_object *list = json_new_list();
	uint32_t i;

	for (i = 0; i < n; i++) {
		struct json_object *o = json_new();

		json_add_number(o, "device", x[i].devindex);
		json_add_number(o, "offset", x[i].offset);
		json_add_number(o, "length", x[i].len);
		json_append(list, o);
	}
	return list;
}

static struct json_object *
json_map(const char *file, const struct famfs_fmap_header *h)
{
	struct json_object *top = json_new(), *list;
	const uint8_t *p = (const uint8_t *)(h + 1);
	uint32_t i;

	json_add_string(top, "file", file);
	json_add_string(top, "type", type_name(h->file_type));
	json_add_number(top, "size", h->file_size);
	if (h->ext_type != FAMFS_EXT_INTERLEAVE) {
		json_add_string(top, "map", "simple");
		list = json_ranges((const void *)p, h->nextents);
		json_add(top, "extents", list);
		return top;
	}
	list = json_new_list();
	for (i = 0; i < h->nextents; i++) {
		const struct famfs_fmap_interleave *il = (const void *)p;
		struct json_object *o = json_new(), *strips;

		json_add_number(o, "chunk_size", il->chunk_size);
		json_add_number(o, "length", il->nbytes);
		p += sizeof(*il);
		strips = json_ranges((const void *)p, il->nstrips);
		json_add(o, "strips", strips);
		p += il->nstrips * sizeof(struct famfs_fmap_simple);
		json_append(list, o);
	}
	json_add_string(top, "map", "interleaved");
	json_add(top, "extents", list);
	return top;
}

/* @list is NULL where it is not to be JSON */
static int show(const char *file, bool quiet, struct json_object *list)
{
	struct famfs_fmap_header *msg;
	struct stat st;
	int fd, rc;

	/* A device or a pipe is not opened: that could wait, or do something */
	if (stat(file, &st)) {
		rc = errno;
		famfs_err("%s: %s", quote(file), strerror(rc));
		return rc;
	}
	if (S_ISDIR(st.st_mode)) {
		famfs_err("%s: is a directory, only files have maps",
			  quote(file));
		return EISDIR;
	}
	fd = S_ISREG(st.st_mode) ? open(file, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
				 : -1;
	if (fd < 0 && S_ISREG(st.st_mode)) {
		rc = errno;
		famfs_err("%s: %s", quote(file), strerror(rc));
		return rc;
	}
	if (fd < 0 || !kern_is_famfs(fd)) {
		if (fd >= 0)
			close(fd);
		if (!quiet)
			famfs_err("%s: is no file of a famfs mount",
				  quote(file));
		return GETMAP_NOT_FAMFS;
	}
	rc = kern_map_get(fd, &msg);
	close(fd);
	if (rc == -ENODATA) {
		if (!quiet)
			famfs_err("%s: has no map", quote(file));
		return GETMAP_UNMAPPED;
	}
	if (rc) {
		famfs_err("%s: can't read the map: %s", quote(file),
			  strerror(-rc));
		return -rc;
	}
	if (list)
		json_append(list, json_map(file, msg));
	else if (!quiet)
		print_map(file, msg);
	free(msg);
	return GETMAP_MAPPED;
}

static int run(int argc, char **argv, bool dryrun)
{
	struct json_object *list = NULL;
	bool quiet = false, more = false;
	int status = 0;
	int ch;

	(void)dryrun;	/* changes nothing anyway */
	while ((ch = options_next(argc, argv, &usage)) != OPTIONS_END) {
		switch (ch) {
		case OPTIONS_HELP:
			return 0;
		case OPTIONS_BAD:
			return EINVAL;
		case 'q':
			quiet = true;
			break;
		case 'c':
			more = true;
			break;
		case OPTION_JSON:
			if (!list)
				list = json_new_list();
			break;
		}
	}
	if (optind == argc || (argc - optind > 1 && !more)) {
		options_wrong(argv[0], &usage, more
			      ? "a file is needed"
			      : "exactly one file is needed, several after -c");
		return EINVAL;
	}
	/* Of several, the first that has no map gives the status */
	for (; optind < argc; optind++) {
		int rc = show(argv[optind], quiet, list);

		status = status ? status : rc;
	}
	if (list && json_print(list))
		status = ENOMEM;
	return status;
}

/* 1 would say that the file is not of famfs */
const struct command cmd_getmap = { "getmap", &usage, run, EIO };
