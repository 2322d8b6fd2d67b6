// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * famfs verify: whether files hold what famfs creat -r wrote, on this host or
 * on another. All of them are looked at, whatever is found in the first. A copy
 * outside of famfs passes too: contents are all that counts.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "patternio.h"
#include "regular.h"
#include "util.h"

static const struct option_def opts[] = {
	{ 'S', "seed", "SEED", "what -r of famfs creat filled the file with" },
	{ 'f', "filename", "FILE", "the file" },
	{ 'm', "multi", "FILE,SEED", "one of several files" },
	{ 't', "threadct", "N", "threads that look at files, 1 to 256" },
	{ 'q', "quiet", NULL, "say nothing of files that are good" },
	{ 0 }
};

static const struct usage usage = {
	.synopsis = "-S SEED -f FILE [OPTION...]\n"
		    "-m FILE,SEED... [OPTION...]",
	.does = "check what famfs creat -r wrote",
	.opts = opts,
};

struct verify {
	struct patternio *files;
	size_t n;
	unsigned int threads;
	bool quiet;
};

static int parse_seed(const char *arg, const char *text, uint64_t *seed)
{
	if (!famfs_parse_number(text, seed))
		return 0;
	famfs_err("seed %s: expected a number, decimal or after 0x, below 2^64",
		  quote(arg));
	return -EINVAL;
}

static int add_file(struct verify *v, const char *path, uint64_t seed)
{
	struct patternio *more;

	more = realloc(v->files, (v->n + 1) * sizeof(*more));
	if (!more) {
		famfs_err("%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	v->files = more;
	more[v->n++] = (struct patternio){
		.root = -1,
		.path = path,
		.seed = seed,
		.verify = true,
	};
	return 0;
}

static int parse_multi(struct verify *v, char *arg)
{
	char *comma = strrchr(arg, ',');
	uint64_t seed;
	int rc;

	if (!comma || comma == arg) {
		famfs_err("%s: expected FILE,SEED", quote(arg));
		return -EINVAL;
	}
	rc = parse_seed(arg, comma + 1, &seed);
	if (rc)
		return rc;
	*comma = '\0';
	return add_file(v, arg, seed);
}

/* Its size; what can't be looked at is out from here on */
static void prepare(struct patternio *f)
{
	struct stat st;
	int fd;

	fd = regular_open(f->path, &st);
	if (fd < 0) {
		f->rc = fd;
		famfs_err("%s: %s", quote(f->path), regular_strerror(fd));
		return;
	}
	close(fd);
	f->size = st.st_size;
	if (!f->size) {
		f->rc = -ENODATA;
		famfs_err("%s: is empty; if it should not be, famfs logplay may give it its map",
			  quote(f->path));
	}
}

static void report(const struct verify *v, const struct patternio *f)
{
	if (!f->rc && !v->quiet)
		printf("%s: good, %" PRIu64 " bytes\n", quote(f->path),
		       f->size);
	else if (f->rc == PATTERNIO_WRONG)
		famfs_err("%s: wrong from offset %llu on: not what famfs creat -r writes with seed %llu",
			  quote(f->path), (unsigned long long)f->at,
			  (unsigned long long)f->seed);
	else if (f->rc && f->at == PATTERNIO_NOWHERE)
		famfs_err("%s: can't be read: %s", quote(f->path),
			  strerror(-f->rc));
	else if (f->rc)
		famfs_err("%s: can't be read at offset %" PRIu64 ": %s",
			  quote(f->path), f->at, strerror(-f->rc));
}

static int verify_all(struct verify *v)
{
	bool *out = calloc(v->n, sizeof(*out));
	int status = 0, rc;
	size_t i;

	for (i = 0; out && i < v->n; i++) {
		prepare(&v->files[i]);
		out[i] = v->files[i].rc;
	}
	rc = out ? patternio_run(v->files, v->n, v->threads) : -ENOMEM;
	if (rc)
		famfs_err("%s", strerror(-rc));
	for (i = 0; !rc && i < v->n; i++) {
		if (!out[i])
			report(v, &v->files[i]);
		if (v->files[i].rc)
			status = 1;
	}
	free(out);
	return rc ? 1 : status;
}

static int parse(struct verify *v, int argc, char **argv)
{
	const char *file = NULL;
	bool have_seed = false;
	uint64_t seed = 0;
	int ch;

	while ((ch = options_next(argc, argv, &usage)) != OPTIONS_END) {
		switch (ch) {
		case OPTIONS_HELP:
			return 0;
		case OPTIONS_BAD:
			return 1;
		case 'S':
			if (parse_seed(optarg, optarg, &seed))
				return 1;
			have_seed = true;
			break;
		case 'f':
			if (file)
				return options_wrong(argv[0], &usage,
						     "only one -f can be given, several files by -m");
			file = optarg;
			break;
		case 'm':
			if (parse_multi(v, optarg))
				return 1;
			break;
		case 't':
			if (threads_option(&v->threads, 1, optarg))
				return 1;
			break;
		case 'q':
			v->quiet = true;
			break;
		}
	}
	if (argc > optind)
		return options_wrong(argv[0], &usage,
				     "files are named by -f or -m");
	if (v->n && (file || have_seed))
		return options_wrong(argv[0], &usage,
				     "-m goes neither with -f nor with -S");
	if (!v->n && (!file || !have_seed))
		return options_wrong(argv[0], &usage,
				     "a file (-f) and its seed (-S) are needed");
	if (file && add_file(v, file, seed))
		return 1;
	return verify_all(v);
}

static int run(int argc, char **argv, bool dryrun)
{
	struct verify v = { .threads = threads_default() };
	int status;

	(void)dryrun;	/* changes nothing anyway */
	status = parse(&v, argc, argv);
	free(v.files);
	return status;
}

const struct command cmd_verify = { "verify", &usage, run };
