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
#include "copier.h"
#include "copy.h"
#include "inside.h"
#include "progress.h"
#include "util.h"

#define MAX_DEFAULT_THREADS	8
#define HOLD_FILES		64
#define HOLD_BYTES		(64 << 10)

static const struct option_def opts[] = {
	{ 'r', "recursive", NULL, "copy directories with all that is in them" },
	{ 'a', "archive", NULL,
	  "-r, and keep owners, modes, and, on this host, times" },
	{ 'c', "compare", NULL, "read each copy back and compare it" },
	{ 't', "threadct", "N",
	  "copy by N threads, 0 to 256 (default: as there are processors, at most 8)" },
	OWNERSHIP_OPTIONS,
	STRIPES_OPTIONS,
	{ 'v', "verbose", NULL, "name each file that is copied" },
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
	struct stripes stripes;
	struct copier *copier;
	unsigned int threads;
	unsigned int flags;	/* of the copier */
	bool recursive;
	bool archive;
	bool into;		/* the target is a directory */
	char base[MEDIA_PATH_SIZE];	/* the target, relative to the mount */
	unsigned long errors;
	unsigned int held;	/* files that were made under one lock */
	bool counting;		/* the first time round, which makes nothing */
	uint64_t new_entries;
	uint64_t new_bytes;	/* of files, in whole units */
	bool full;		/* of the log: nothing more can be made */
};

/* While it counts, nothing is wrong yet: the next time round tells */
static int report(struct cp *cp, const char *src, const char *what)
{
	if (cp->counting)
		return -EINVAL;
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
	if (cp->counting && n > MEDIA_PATH_MAX)
		return -ENAMETOOLONG;
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
	struct new_node node = {
		.path = rel,
		.mode = st->st_mode & 07777,
		.uid = cp->archive ? st->st_uid : cp->own.uid,
		.gid = cp->archive ? st->st_gid : cp->own.gid,
	};

	if (!S_ISREG(st->st_mode))
		return node;
	node.size = st->st_size;
	node.stripes = cp->stripes;
	/* Set-id bits are the old owner's to give, not the new one's */
	if (!cp->archive)
		node.mode &= 0777;
	if (cp->own.have_mode)
		node.mode = cp->own.mode;
	return node;
}

/* What there is to be made; what is there already needs no room */
static void count(struct cp *cp, const char *rel, const struct stat *st)
{
	const struct session *s = &cp->t.s;
	uint64_t size = S_ISREG(st->st_mode) ? st->st_size : 0;

	if (!*rel || (!size && !S_ISDIR(st->st_mode)) ||
	    names_find(&s->names, rel))
		return;
	cp->new_entries++;
	size = round_up_pow2(size, s->fs.sb.alloc_unit);
	cp->new_bytes += size < UINT64_MAX - cp->new_bytes
			 ? size : UINT64_MAX - cp->new_bytes;
}

static void copy_dir(struct cp *cp, const char *rel, const struct stat *st)
{
	struct new_node node = node_for(cp, rel, st);
	bool there;

	if (cp->counting) {
		count(cp, rel, st);
		return;
	}

	/* The root of the mount, or what was there before */
	if (!*rel)
		return;
	/* Without set-id bits, and such that its owner can fill it */
	if (!cp->archive)
		node.mode = (node.mode & 0777) | 0300;
	if (session_mkdir(&cp->t.s, &node, &there))
		cp->errors++;
	else if (!there)
		famfs_info("%s %s", cp->t.s.dryrun ? "would make" : "made",
			   quote(rel));
}

/* What is in it is there by now; threads that still fill files don't change it */
static void end_dir(struct cp *cp, const char *rel, const struct stat *st)
{
	const struct timespec times[2] = { st->st_atim, st->st_mtim };
	int fd;

	if (!(cp->flags & COPIER_TIMES) || cp->t.s.dryrun || cp->counting ||
	    !*rel)
		return;
	fd = inside_open(cp->t.root, rel, O_RDONLY | O_DIRECTORY);
	if (fd < 0 || futimens(fd, times))
		report(cp, rel, strerror(fd < 0 ? -fd : errno));
	if (fd >= 0)
		close(fd);
}

/*
 * The log's lock is kept over some small files, which are made and filled in
 * next to no time; but no other process has to wait for a large one, or for a
 * thread that has no time yet.
 */
static int hold(struct cp *cp, const struct stat *st)
{
	if (st->st_size > HOLD_BYTES || ++cp->held > HOLD_FILES) {
		session_release(&cp->t.s);
		cp->held = 0;
		return 0;
	}
	return session_hold(&cp->t.s);
}

/*
 * A file that is there keeps the owner and mode that it was logged with. Where
 * they were asked for and are others, it is not filled with what they were to
 * protect.
 */
static int check_there(struct cp *cp, const struct copier_file *f,
		       const struct new_node *node)
{
	bool mode = cp->archive || cp->own.have_mode;
	bool owner = cp->archive || cp->own.have_owner;
	struct stat st;

	if (fstat(f->to, &st))
		return report(cp, f->src, strerror(errno));
	if (st.st_dev == f->st.st_dev && st.st_ino == f->st.st_ino)
		return report(cp, f->src, "is the same file as its copy");
	if ((!mode || (st.st_mode & 07777) == node->mode) &&
	    (!owner || (st.st_uid == node->uid && st.st_gid == node->gid)))
		return 0;
	cp->errors++;
	famfs_err("%s: %s is there with mode %04o and owner %u:%u, not %04o and %u:%u, and the log keeps them; not copied: choose another name, or leave out -a, -m, -u, -g",
		  quote(f->src), quote(f->dst),
		  (unsigned int)st.st_mode & 07777, (unsigned int)st.st_uid,
		  (unsigned int)st.st_gid, node->mode, node->uid, node->gid);
	return -EEXIST;
}

/*
 * The source is opened before the target is made: it has to be readable. In a
 * tree that others may change, it also has to be what was @seen: a link that
 * took its place would have root read whatever they like.
 */
static void copy_file(struct cp *cp, const char *src, const char *path,
		      const char *rel, const struct stat *seen)
{
	int flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC;
	struct copier_file f = { .src = src, .dst = rel };
	struct new_node node;
	bool there;
	int rc;

	f.from = open(path, flags | (seen ? O_NOFOLLOW : 0));
	if (f.from < 0 || fstat(f.from, &f.st)) {
		report(cp, src, strerror(errno));
		goto out;
	}
	if (seen && (f.st.st_dev != seen->st_dev ||
		     f.st.st_ino != seen->st_ino)) {
		report(cp, src,
		       "is another file than a moment ago; not copied");
		goto out;
	}
	if (!S_ISREG(f.st.st_mode)) {
		report(cp, src, "is no regular file");
		goto out;
	}
	if (!*rel) {
		report(cp, src, "its target is the root of the mount");
		goto out;
	}
	if (!f.st.st_size) {
		report(cp, src,
		       "is empty, and famfs has no files of 0 bytes; not copied");
		goto out;
	}
	node = node_for(cp, rel, &f.st);
	rc = hold(cp, &f.st);
	if (!rc)
		rc = session_creat_fd(&cp->t.s, &node, &there, &f.to);
	if (rc) {
		cp->errors++;
		cp->full = rc == -ENOSPC && session_full(&cp->t.s);
		goto out;
	}
	if (cp->t.s.dryrun) {
		famfs_info("would copy %s to %s", quote(src), quote(rel));
		goto out;
	}
	if (there && check_there(cp, &f, &node)) {
		close(f.to);
		goto out;
	}
	copier_add(cp->copier, &f);
	return;
out:
	if (f.from >= 0)
		close(f.from);
}

/* Is @dir, a directory of the source, the mount's own root or below? */
static bool is_target(const struct cp *cp, const struct stat *st)
{
	struct stat root;

	return !fstat(cp->t.root, &root) && root.st_dev == st->st_dev;
}

/* It comes by once more, after what is in it, and is known by its number then */
static void skip_dir(FTS *fts, FTSENT *e)
{
	e->fts_number = 1;
	fts_set(fts, e, FTS_SKIP);
}

static void copy_tree(struct cp *cp, const char *src, const char *top)
{
	char *paths[2] = { (char *)src, NULL };
	char rel[MEDIA_PATH_SIZE];
	size_t skip = strlen(src);
	FTSENT *e;
	FTS *fts;

	/* It changes to each directory, and sees to it that it is the one seen */
	fts = fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW, NULL);
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
			/* It was not the one seen any more: no way in */
			if (e->fts_errno)
				report(cp, e->fts_path,
				       strerror(e->fts_errno));
			else if (!e->fts_number && !join(cp, rel, top, below))
				end_dir(cp, rel, e->fts_statp);
			continue;
		case FTS_D:
			if (is_target(cp, e->fts_statp)) {
				report(cp, e->fts_path,
				       "is in the mount that it is copied to");
				skip_dir(fts, e);
				continue;
			}
			if (join(cp, rel, top, below)) {
				skip_dir(fts, e);
				continue;
			}
			copy_dir(cp, rel, e->fts_statp);
			break;
		case FTS_F:
			if (join(cp, rel, top, below))
				break;
			if (cp->counting)
				count(cp, rel, e->fts_statp);
			else
				copy_file(cp, e->fts_path, e->fts_accpath, rel,
					  e->fts_statp);
			break;
		case FTS_SL:
		case FTS_SLNONE:
			report(cp, e->fts_path,
			       "is a symbolic link, which famfs does not have; not copied");
			break;
		case FTS_DC:
			report(cp, e->fts_path,
			       "is a directory that it lies in itself; not copied again");
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
	else if (cp->counting)
		count(cp, rel, &st);
	else
		copy_file(cp, src, src, rel, NULL);
out:
	free(copy);
}

static void go_round(struct cp *cp, int n, char **src)
{
	int i;

	for (i = 0; i < n && !cp->full && !copy_stopped(); i++)
		copy_one(cp, src[i]);
}

/* All of them, or none, as far as that is known before */
static int check_room(struct cp *cp, int n, char **src)
{
	cp->counting = true;
	go_round(cp, n, src);
	cp->counting = false;
	return session_room(&cp->t.s, cp->new_entries, cp->new_bytes);
}

static int copy_all(struct cp *cp, int n, char **args, bool dryrun)
{
	const char *dst = args[n - 1];
	struct stat st;

	if (!*dst) {
		famfs_err("the target is an empty path");
		return 1;
	}
	cp->into = !stat(dst, &st) && S_ISDIR(st.st_mode);
	if (!cp->into && (n > 2 || dst[strlen(dst) - 1] == '/')) {
		famfs_err("%s: is no directory; several files need one, make it with famfs mkdir",
			  quote(dst));
		return 1;
	}
	if (target_open(&cp->t, dst, dryrun))
		return copy_stopped() ? 128 + copy_stopped() : 1;
	strcpy(cp->base, cp->t.rel);
	/* A single file is told by itself, and how large it may be */
	if ((n > 2 || cp->recursive) && check_room(cp, n - 1, args)) {
		target_close(&cp->t);
		return 1;
	}
	cp->copier = copier_start(cp->threads, cp->flags);
	if (!cp->copier) {
		famfs_err("can't start %u threads; -t 0 does without",
			  cp->threads);
		target_close(&cp->t);
		return 1;
	}
	progress_start("copied");
	go_round(cp, n - 1, args);
	session_release(&cp->t.s);
	cp->errors += copier_finish(cp->copier);
	/* Once for all of them, what write(2) has left to the device */
	if (!dryrun && syncfs(cp->t.root)) {
		cp->errors++;
		famfs_err("%s: %s", quote(dst), strerror(errno));
	}
	progress_end();
	target_close(&cp->t);
	if (copy_stopped())
		return 128 + copy_stopped();
	return cp->errors ? 1 : 0;
}

/*
 * Without SA_RESTART, since waiting for the log's lock has to end, too; and not
 * those that nohup(1), or a shell for what is in the background, has ignored
 */
static void catch_signals(void)
{
	static const int sigs[] = { SIGINT, SIGTERM, SIGHUP };
	const struct sigaction stop = { .sa_handler = copy_stop };
	struct sigaction old;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sigs); i++) {
		if (!sigaction(sigs[i], NULL, &old) &&
		    old.sa_handler != SIG_IGN)
			sigaction(sigs[i], &stop, NULL);
	}
}

static int run(int argc, char **argv, bool dryrun)
{
	struct cp cp = { 0 };
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	int ch;

	if (processors > 0)
		cp.threads = processors < MAX_DEFAULT_THREADS
			? processors : MAX_DEFAULT_THREADS;
	catch_signals();
	ownership_init(&cp.own);
	while ((ch = options_next(argc, argv, &usage)) != OPTIONS_END) {
		switch (ch) {
		case OPTIONS_HELP:
			return 0;
		case OPTIONS_BAD:
			return 1;
		case 'a':
			cp.archive = true;
			cp.flags |= COPIER_TIMES;
			cp.recursive = true;
			break;
		case 'r':
			cp.recursive = true;
			break;
		case 'c':
			cp.flags |= COPIER_COMPARE;
			break;
		case 't':
			if (threads_option(&cp.threads, 0, optarg))
				return 1;
			break;
		case 'N':
		case 'C':
		case 'B':
			if (stripes_option(&cp.stripes, ch, optarg))
				return 1;
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
