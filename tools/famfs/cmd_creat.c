// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * famfs creat: files of given sizes that every host gets, with contents that
 * famfs verify can check where that is asked for. One that can't be made, or
 * filled, is named, and the others are still made.
 */
#include <errno.h>
#include <inttypes.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "cmd.h"
#include "patternio.h"
#include "util.h"

static const struct option_def opts[] = {
	{ 's', "size", "SIZE", "size of the file; k, m, g or 0x as usual" },
	OWNERSHIP_OPTIONS,
	{ 'r', "randomize", NULL, "fill the file; without -s, one that is there" },
	{ 'S', "seed", "N", "what -r fills it with; else chosen, and printed" },
	{ 'M', "multi", "FILE,SIZE[,SEED]",
	  "one of several files; filled where it has a seed" },
	{ 't', "threadct", "N", "threads that fill files, 1 to 256" },
	STRIPES_OPTIONS,
	{ 'v', "verbose", NULL, "say what is done" },
	{ 0 }
};

static const struct usage usage = {
	.synopsis = "-s SIZE [-r] [-S N] [OPTION...] FILE\n"
		    "-r [-S N] [OPTION...] FILE\n"
		    "-M FILE,SIZE[,SEED]... [OPTION...]",
	.does = "make files of given sizes, and log them; fill them for tests",
	.opts = opts,
};

struct file {
	char *name;		/* as typed; of its own memory */
	char rel[MEDIA_PATH_SIZE];
	uint64_t size;
	bool have_size;
	uint64_t seed;
	bool fill;
	bool made;
};

struct creat {
	struct ownership own;
	struct stripes stripes;
	unsigned int threads;
	bool dryrun;
	struct target t;
	bool open;		/* t is */
	struct file *files;
	size_t n;
	void *places;		/* a tree of those files whose place is known */
	unsigned long errors;
};

static struct file *add_file(struct creat *c, const char *name, size_t len)
{
	struct file *more;

	more = realloc(c->files, (c->n + 1) * sizeof(*more));
	if (more) {
		c->files = more;
		more += c->n;
		*more = (struct file){ .name = strndup(name, len) };
	}
	if (!more || !more->name) {
		famfs_err("%s", strerror(ENOMEM));
		return NULL;
	}
	c->n++;
	return more;
}

static int bad_multi(const char *arg, const char *why)
{
	famfs_err("%s: expected FILE,SIZE or FILE,SIZE,SEED: %s", quote(arg),
		  why);
	return -EINVAL;
}

/*
 * The name may have commas. Where it is not plain whether the second last one
 * belongs to it, nothing is made: what is made can't be taken away again.
 */
static int parse_multi(struct creat *c, const char *arg)
{
	const char *last = strrchr(arg, ','), *second;
	bool is_size, is_seed, fill = false;
	uint64_t size, seed = 0;
	struct file *f;
	char *part;

	if (!last)
		return bad_multi(arg, "there is no comma");
	second = memrchr(arg, ',', last - arg);
	if (second) {
		part = strndup(second + 1, last - second - 1);
		if (!part)
			return bad_multi(arg, strerror(ENOMEM));
		is_size = !famfs_parse_size(part, &size);
		free(part);
		is_seed = !famfs_parse_number(last + 1, &seed);
		fill = is_size && is_seed;
		if (is_size && !is_seed)
			return bad_multi(arg,
					 "the seed is no number below 2^64");
		if (!is_size && is_seed)
			return bad_multi(arg,
					 "the size is none; if the comma before is part of the name, write the last one with k, m or g, or add a seed");
		if (fill)
			last = second;
	}
	if (!fill && famfs_parse_size(last + 1, &size))
		return bad_multi(arg,
				 "the size is no number, with k, m or g or after 0x, below 2^64");
	if (last == arg)
		return bad_multi(arg, "there is no name");
	f = add_file(c, arg, last - arg);
	if (!f)
		return -ENOMEM;
	f->size = size;
	f->have_size = true;
	f->seed = seed;
	f->fill = fill;
	return 0;
}

static int by_place(const void *a, const void *b)
{
	return strcmp(((const struct file *)a)->rel,
		      ((const struct file *)b)->rel);
}

static void keep(void *file)
{
	(void)file;	/* part of an array */
}

static int find_place(struct creat *c, struct file *f)
{
	struct file **at;
	int rc;

	if (c->open) {
		rc = target_other(&c->t, f->name, f->rel);
	} else {
		rc = target_open(&c->t, f->name, c->dryrun);
		c->open = !rc;
		if (!rc)
			strcpy(f->rel, c->t.rel);
	}
	if (rc)
		return rc;
	if (!*f->rel) {
		famfs_err("%s: is a directory", quote(f->name));
		return -EISDIR;
	}
	at = tsearch(f, &c->places, by_place);
	if (at && *at == f)
		return 0;
	famfs_err("%s: %s", quote(f->name),
		  at ? "is named twice" : strerror(ENOMEM));
	return at ? -EINVAL : -ENOMEM;
}

/* To be filled only: its size stays as it is */
static int find_size(struct creat *c, struct file *f)
{
	const struct name *name = names_find(&c->t.s.names, f->rel);

	if (!name) {
		famfs_err("%s: is not there; say with -s what size to make it",
			  quote(f->name));
		return -ENOENT;
	}
	f->size = name->size;	/* Of a directory, session_creat() speaks */
	if (name->is_dir)
		f->size = 1;
	return 0;
}

static void make(struct creat *c, struct file *f)
{
	struct new_node node = {
		.path = f->rel,
		.mode = c->own.have_mode ? c->own.mode
					 : 0644 & ~target_umask(),
		.uid = c->own.uid,
		.gid = c->own.gid,
		.stripes = c->stripes,
	};
	bool there;

	if (find_place(c, f) || (!f->have_size && find_size(c, f))) {
		c->errors++;
		return;
	}
	node.size = f->size;
	if (session_creat(&c->t.s, &node, &there)) {
		c->errors++;
		return;
	}
	f->made = true;
	if (there)
		famfs_info("%s is there, with that size", quote(f->name));
	else
		famfs_info("%s %s, %" PRIu64 " bytes",
			   c->dryrun ? "would make" : "made", quote(f->name),
			   f->size);
	if (c->dryrun && f->fill)
		famfs_info("would fill %s", quote(f->name));
}

static void fill(struct creat *c)
{
	struct patternio *io = calloc(c->n, sizeof(*io));
	size_t i;
	int rc;

	for (i = 0; io && i < c->n; i++) {
		const struct file *f = &c->files[i];

		io[i] = (struct patternio){
			.root = c->t.root,
			.path = f->rel,
			.seed = f->seed,
			.size = f->size,
			.rc = f->made && f->fill ? 0 : PATTERNIO_WRONG,
		};
	}
	rc = io ? patternio_run(io, c->n, c->threads) : -ENOMEM;
	if (rc) {
		c->errors++;
		famfs_err("the files are made, and can't be filled: %s",
			  strerror(-rc));
	}
	for (i = 0; !rc && i < c->n; i++) {
		const struct file *f = &c->files[i];
		char where[64] = "";

		if (!f->made || !f->fill)
			continue;
		if (!io[i].rc) {
			famfs_info("filled %s, seed %" PRIu64, quote(f->name),
				   f->seed);
			continue;
		}
		c->errors++;
		if (io[i].at != PATTERNIO_NOWHERE)
			snprintf(where, sizeof(where), " at offset %" PRIu64,
				 io[i].at);
		famfs_err("%s: can't be filled%s: %s; the file is there, on every host, without all of its contents",
			  quote(f->name), where, strerror(-io[i].rc));
	}
	free(io);
}

static int make_all(struct creat *c)
{
	bool any = false;
	size_t i;

	for (i = 0; i < c->n; i++) {
		make(c, &c->files[i]);
		any |= c->files[i].made && c->files[i].fill;
	}
	tdestroy(c->places, keep);
	if (any && !c->dryrun)
		fill(c);
	if (c->open)
		target_close(&c->t);
	return c->errors ? 1 : 0;
}

static int parse_seed(struct file *f, const char *arg)
{
	if (!famfs_parse_number(arg, &f->seed))
		return 0;
	famfs_err("seed %s: expected a number, decimal or after 0x, below 2^64",
		  quote(arg));
	return -EINVAL;
}

static int one(struct creat *c, const char *name, const struct file *what,
	       bool have_seed)
{
	struct file *f = add_file(c, name, strlen(name));

	if (!f)
		return 1;
	f->size = what->size;
	f->have_size = what->have_size;
	f->fill = what->fill;
	f->seed = what->seed;
	if (f->fill && !have_seed &&
	    getrandom(&f->seed, sizeof(f->seed), 0) != sizeof(f->seed)) {
		famfs_err("%s: can't choose a seed: %s; give one with -S",
			  quote(name), strerror(errno));
		return 1;
	}
	if (make_all(c))
		return 1;
	if (f->fill && !have_seed && !c->dryrun)
		printf("seed: %" PRIu64 "\n", f->seed);
	return 0;
}

static int parse(struct creat *c, int argc, char **argv)
{
	struct file f = { 0 };
	bool have_seed = false;
	int ch;

	while ((ch = options_next(argc, argv, &usage)) != OPTIONS_END) {
		switch (ch) {
		case OPTIONS_HELP:
			return 0;
		case OPTIONS_BAD:
			return 1;
		case 's':
			if (famfs_parse_size(optarg, &f.size)) {
				famfs_err("size %s: expected a number, with k, m or g or after 0x, below 2^64",
					  quote(optarg));
				return 1;
			}
			f.have_size = true;
			break;
		case 'r':
			f.fill = true;
			break;
		case 'S':
			if (parse_seed(&f, optarg))
				return 1;
			have_seed = true;
			break;
		case 'M':
			if (parse_multi(c, optarg))
				return 1;
			break;
		case 't':
			if (threads_option(&c->threads, 1, optarg))
				return 1;
			break;
		case 'N':
		case 'C':
		case 'B':
			if (stripes_option(&c->stripes, ch, optarg))
				return 1;
			break;
		case 'v':
			famfs_set_verbose(true);
			break;
		default:
			if (ownership_option(&c->own, ch, optarg))
				return 1;
		}
	}
	if (c->n && (f.have_size || f.fill || have_seed || argc > optind))
		return options_wrong(argv[0], &usage,
				     "-M goes neither with -s, -r or -S nor with a file after it");
	if (have_seed && !f.fill)
		return options_wrong(argv[0], &usage,
				     "a seed (-S) is for filling (-r)");
	if (c->n)
		return make_all(c);
	if (argc - optind != 1)
		return options_wrong(argv[0], &usage, "exactly one file is needed");
	if (!f.have_size && !f.fill)
		return options_wrong(argv[0], &usage, "a size is needed (-s)");
	return one(c, argv[optind], &f, have_seed);
}

static int run(int argc, char **argv, bool dryrun)
{
	struct creat c = { .threads = threads_default(), .dryrun = dryrun };
	int status;

	ownership_init(&c.own);
	status = parse(&c, argc, argv);
	while (c.n)
		free(c.files[--c.n].name);
	free(c.files);
	return status;
}

const struct command cmd_creat = { "creat", &usage, run };
