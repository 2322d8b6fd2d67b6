// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * famfs cp: copy files and trees into famfs. Each file is made, and logged,
 * with its size, and then filled. One that can't be copied is named, the others
 * are still copied, and the exit status says that not all is there. The log has
 * no way to take a file back: a copy that was cut off is made good by the same
 * command again, and one that is told to end says so.
 */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd.h"
#include "copy.h"
#include "inside.h"
#include "util.h"

static const struct option_def opts[] = {
	{ 'r', "recursive", NULL, "copy directories with all that is in them" },
	{ 'm', "mode", "MODE", "permission bits, octal" },
	{ 'u', "uid", "UID", "owner, by number" },
	{ 'g', "gid", "GID", "group, by number" },
	{ 'v', "verbose", NULL, "name each file that is copied" },
	{ 't', "threadct", "N", NULL, true },
	{ 'c', "compare", NULL, NULL, true },
	{ 'N', "nstrips", "N", NULL, true },
	{ 'C', "chunksize", "SIZE", NULL, true },
	{ 'B', "nbuckets", "N", NULL, true },
	{ 0 }
};

static const struct usage usage = {
	.synopsis = "[OPTION...] SRC... DST",
	.does = "copy files into famfs, and log them; over a file of the same size that is there",
	.opts = opts,
};

struct cp {
	struct target t;
	struct ownership own;
	bool recursive;
	bool into;		/* the target is a directory */
	char base[MEDIA_PATH_SIZE];	/* the target, relative to the mount */
	unsigned long errors;
	bool full;		/* of the log: nothing more can be made */
};

static int report(struct cp *cp, const char *src, const char *what)
{
	cp->errors++;
	famfs_err("%s: %s", quote(src), what);
	return -EINVAL;
}

/* Path in the mount: @dir, and below it @name where that is not empty */
static int join(struct cp *cp, char rel[MEDIA_PATH_SIZE], const char *dir,
		const char *name)
{
	char full[PATH_MAX];
	int n;

	n = snprintf(full, sizeof(full), "%s%s%s", dir,
		     *dir && *name ? "/" : "", name);
	if (n < (int)sizeof(full) && !target_path(rel, full))
		return 0;
	cp->errors++;
	if (n >= (int)sizeof(full))
		famfs_err("%s: %s", quote(name), strerror(ENAMETOOLONG));
	return -ENAMETOOLONG;
}

static struct new_node node_for(const struct cp *cp, const char *rel,
				const struct stat *st)
{
	return (struct new_node){
		.path = rel,
		.size = S_ISREG(st->st_mode) ? st->st_size : 0,
		.mode = cp->own.have_mode && S_ISREG(st->st_mode)
			? cp->own.mode : st->st_mode & 07777,
		.uid = cp->own.uid,
		.gid = cp->own.gid,
	};
}

static void copy_dir(struct cp *cp, const char *rel, const struct stat *st)
{
	struct new_node node = node_for(cp, rel, st);
	bool there;

	/* The root of the mount, or what was there before */
	if (!*rel)
		return;
	/* Without set-id bits, and such that its owner can fill it */
	node.mode = (node.mode & 0777) | 0300;
	if (session_mkdir(&cp->t.s, &node, &there))
		cp->errors++;
	else if (!there)
		famfs_info("%s %s", cp->t.s.dryrun ? "would make" : "made",
			   quote(rel));
}

static int fill(struct cp *cp, const char *src, int from, const char *rel,
		const struct stat *st)
{
	struct stat dst;
	int to, rc;

	to = inside_open(cp->t.root, rel, O_WRONLY);
	if (to < 0)
		return report(cp, src, strerror(-to));
	if (!fstat(to, &dst) && dst.st_dev == st->st_dev &&
	    dst.st_ino == st->st_ino)
		rc = report(cp, src, "is the same file as its copy");
	else
		rc = copy_bytes(from, to, st->st_size);
	close(to);
	if (rc == -ESTALE)
		return report(cp, src,
			      "changed its size while it was copied; the copy is not good, and its size can not be changed any more");
	if (rc && rc != -EINVAL) {
		cp->errors++;
		famfs_err("%s: can't copy to %s: %s; the copy is not complete, on any host; once that is mended, the same command again makes it good",
			  quote(src), quote(rel),
			  rc == -ECANCELED ? "interrupted" : strerror(-rc));
	}
	return rc;
}

/* The source is opened before the target is made: it has to be readable */
static void copy_file(struct cp *cp, const char *src, const char *rel)
{
	struct new_node node;
	struct stat st;
	bool there;
	int from, rc;

	from = open(src, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (from < 0 || fstat(from, &st)) {
		report(cp, src, strerror(errno));
		goto out;
	}
	if (!S_ISREG(st.st_mode)) {
		report(cp, src, "is no regular file");
		goto out;
	}
	if (!*rel) {
		report(cp, src, "its target is the root of the mount");
		goto out;
	}
	if (!st.st_size) {
		report(cp, src,
		       "is empty, and famfs has no files of 0 bytes; not copied");
		goto out;
	}
	node = node_for(cp, rel, &st);
	rc = session_creat(&cp->t.s, &node, &there);
	if (rc) {
		cp->errors++;
		cp->full = rc == -ENOSPC && session_full(&cp->t.s);
		goto out;
	}
	if (cp->t.s.dryrun) {
		famfs_info("would copy %s to %s", quote(src), quote(rel));
		goto out;
	}
	if (!fill(cp, src, from, rel, &st))
		famfs_info("copied %s to %s", quote(src), quote(rel));
out:
	if (from >= 0)
		close(from);
}

/* Is @dir, a directory of the source, the mount's own root or below? */
static bool is_target(const struct cp *cp, const struct stat *st)
{
	struct stat root;

	return !fstat(cp->t.root, &root) && root.st_dev == st->st_dev;
}

static void copy_tree(struct cp *cp, const char *src, const char *top)
{
	char *paths[2] = { (char *)src, NULL };
	char rel[MEDIA_PATH_SIZE];
	size_t skip = strlen(src);
	FTSENT *e;
	FTS *fts;

	fts = fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, NULL);
	if (!fts) {
		report(cp, src, strerror(errno));
		return;
	}
	while (!cp->full && !copy_stopped() &&
	       (errno = 0, e = fts_read(fts))) {
		const char *below = e->fts_path + skip;

		while (*below == '/')
			below++;
		switch (e->fts_info) {
		case FTS_DP:
			continue;
		case FTS_D:
			if (is_target(cp, e->fts_statp)) {
				report(cp, e->fts_path,
				       "is in the mount that it is copied to");
				fts_set(fts, e, FTS_SKIP);
				continue;
			}
			if (join(cp, rel, top, below)) {
				fts_set(fts, e, FTS_SKIP);
				continue;
			}
			copy_dir(cp, rel, e->fts_statp);
			break;
		case FTS_F:
			if (!join(cp, rel, top, below))
				copy_file(cp, e->fts_path, rel);
			break;
		case FTS_SL:
		case FTS_SLNONE:
			report(cp, e->fts_path,
			       "is a symbolic link, which famfs does not have; not copied");
			break;
		case FTS_DEFAULT:
			report(cp, e->fts_path,
			       "is neither file nor directory; not copied");
			break;
		default:
			report(cp, e->fts_path, strerror(e->fts_errno));
		}
	}
	if (!cp->full && !copy_stopped() && errno)
		report(cp, src, strerror(errno));
	fts_close(fts);
}

static void copy_one(struct cp *cp, const char *src)
{
	char *copy = strdup(src);
	char rel[MEDIA_PATH_SIZE];
	const char *name = "";
	struct stat st;

	if (!copy || stat(src, &st)) {
		report(cp, src, strerror(errno));
		goto out;
	}
	if (S_ISDIR(st.st_mode) && !cp->recursive) {
		report(cp, src, "is a directory; -r copies it");
		goto out;
	}
	/* As cp(1): "." and ".." give their contents, other names come along */
	if (cp->into) {
		name = basename(copy);
		if (!strcmp(name, ".") || !strcmp(name, "..") ||
		    !strcmp(name, "/"))
			name = "";
	}
	if (join(cp, rel, cp->base, name))
		goto out;
	if (S_ISDIR(st.st_mode))
		copy_tree(cp, src, rel);
	else
		copy_file(cp, src, rel);
out:
	free(copy);
}

static int copy_all(struct cp *cp, int n, char **args, bool dryrun)
{
	const char *dst = args[n - 1];
	struct stat st;
	int i;

	cp->into = !stat(dst, &st) && S_ISDIR(st.st_mode);
	if (!cp->into && (n > 2 || dst[strlen(dst) - 1] == '/')) {
		famfs_err("%s: is no directory; several files need one, make it with famfs mkdir",
			  quote(dst));
		return 1;
	}
	if (target_open(&cp->t, dst, dryrun))
		return 1;
	strcpy(cp->base, cp->t.rel);
	for (i = 0; i < n - 1 && !cp->full && !copy_stopped(); i++)
		copy_one(cp, args[i]);
	target_close(&cp->t);
	if (copy_stopped())
		return 128 + copy_stopped();
	return cp->errors ? 1 : 0;
}

static int run(int argc, char **argv, bool dryrun)
{
	struct cp cp = { 0 };
	int ch;

	signal(SIGINT, copy_stop);
	signal(SIGTERM, copy_stop);
	signal(SIGHUP, copy_stop);
	ownership_init(&cp.own);
	while ((ch = options_next(argc, argv, &usage)) != OPTIONS_END) {
		switch (ch) {
		case OPTIONS_HELP:
			return 0;
		case OPTIONS_BAD:
			return 1;
		case 'r':
			cp.recursive = true;
			break;
		case 'v':
			famfs_set_verbose(true);
			break;
		default:
			if (ownership_option(&cp.own, ch, optarg))
				return 1;
		}
	}
	if (argc - optind < 2)
		return options_wrong(argv[0], &usage,
				     "a source and a target are needed");
	return copy_all(&cp, argc - optind, argv + optind, dryrun);
}

const struct command cmd_cp = { "cp", &usage, run };
