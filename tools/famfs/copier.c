// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A file that is small is filled at once, which costs less than to hand it over.
 * A larger one is handed to the threads in pieces, so that they all work on it.
 * Whoever does the last piece of a file ends it: it belongs to its pieces, and
 * the count of those that are left is all that they share.
 */
#include "copier.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "copy.h"
#include "progress.h"
#include "util.h"
#include "work.h"

#define SMALL		(64ULL << 10)
#define PIECE		(64ULL << 20)

struct copier {
	struct work *work;
	unsigned int flags;
	atomic_ulong errors;
};

struct job {
	struct copier *c;
	struct copier_file f;
	atomic_uint left;	/* pieces */
	atomic_int rc;		/* of the first that failed */
};

struct piece {
	struct job *job;
	uint64_t off;
	uint64_t len;
};

static void report(struct copier *c, const struct copier_file *f, int rc)
{
	atomic_fetch_add(&c->errors, 1);
	if (rc == -ESTALE)
		famfs_err("%s: changed its size while it was copied; the copy is not good, and its size can not be changed any more",
			  quote(f->src));
	else
		famfs_err("%s: can't copy to %s: %s; the copy is not complete, on any host; once that is mended, the same command again makes it good",
			  quote(f->src), quote(f->dst),
			  rc == -ECANCELED ? "interrupted" : strerror(-rc));
}

/* Has the source become longer meanwhile? That it is shorter, reading tells */
static int check_size(const struct copier_file *f)
{
	struct stat st;

	if (fstat(f->from, &st))
		return -errno;
	return st.st_size == f->st.st_size ? 0 : -ESTALE;
}

static int copy(const struct copier *c, const struct copier_file *f,
		uint64_t off, uint64_t len)
{
	/* Its holes are asked for only where it has some */
	bool sparse = (uint64_t)f->st.st_blocks * 512 <
		      (uint64_t)f->st.st_size;
	uint64_t at;
	int rc;

	rc = copy_range(f->from, f->to, off, len, sparse);
	if (rc || !(c->flags & COPIER_COMPARE))
		return rc;
	rc = copy_compare(f->from, f->to, off, len, &at);
	if (rc <= 0)
		return rc;
	famfs_err("%s: its copy %s differs at offset %llu, though it was written without an error: the source has changed, or the memory is bad",
		  quote(f->src), quote(f->dst), (unsigned long long)at);
	return -EIO;
}

static void end(struct copier *c, const struct copier_file *f, int rc)
{
	const struct timespec times[2] = { f->st.st_atim, f->st.st_mtim };

	if (!rc)
		rc = check_size(f);
	if (!rc && c->flags & COPIER_TIMES && futimens(f->to, times))
		rc = -errno;
	close(f->from);
	close(f->to);
	if (rc) {
		report(c, f, rc);
		return;
	}
	progress_file();
	/* To quote the names is not for nothing */
	if (famfs_verbose())
		famfs_info("copied %s to %s", quote(f->src), quote(f->dst));
}

/* A piece is done, and with the last one the file is */
static void put_job(struct job *job)
{
	if (atomic_fetch_sub(&job->left, 1) > 1)
		return;
	end(job->c, &job->f, atomic_load(&job->rc));
	free((char *)job->f.src);
	free((char *)job->f.dst);
	free(job);
}

static void do_range(struct job *job, uint64_t off, uint64_t len)
{
	int rc = atomic_load(&job->rc), none = 0;

	if (!rc)
		rc = copy(job->c, &job->f, off, len);
	if (rc)
		atomic_compare_exchange_strong(&job->rc, &none, rc);
}

static void do_piece(void *arg)
{
	struct piece *p = arg;

	do_range(p->job, p->off, p->len);
	put_job(p->job);
	free(p);
}

/**
 * copier_start() - get ready to fill files
 * @threads: how many; with 0, copier_add() does it all
 * @flags: COPIER_ flags
 *
 * Return: the copier, or NULL without memory or threads
 */
struct copier *copier_start(unsigned int threads, unsigned int flags)
{
	struct copier *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->flags = flags;
	c->work = work_start(threads, do_piece);
	if (!c->work) {
		free(c);
		return NULL;
	}
	return c;
}

static struct job *new_job(struct copier *c, const struct copier_file *f)
{
	struct job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->c = c;
	job->f = *f;
	job->f.src = strdup(f->src);
	job->f.dst = strdup(f->dst);
	if (!job->f.src || !job->f.dst) {
		free((char *)job->f.src);
		free((char *)job->f.dst);
		free(job);
		return NULL;
	}
	return job;
}

/**
 * copier_add() - have a file filled
 * @c: the copier
 * @file: the file; its descriptors are closed when it is done, its names are
 *	copied
 *
 * Waits while the threads have enough to do. What fails is told and counted.
 */
void copier_add(struct copier *c, const struct copier_file *file)
{
	uint64_t size = file->st.st_size, off;
	struct job *job = NULL;

	if (size > SMALL)
		job = new_job(c, file);
	if (!job) {
		/* Without memory, too: there is always this way */
		end(c, file, copy(c, file, 0, size));
		return;
	}
	/* One more than there are, so that it is not done before all are added */
	atomic_store(&job->left, 1);
	for (off = 0; off < size; off += PIECE) {
		struct piece *p = malloc(sizeof(*p));
		uint64_t len = size - off < PIECE ? size - off : PIECE;

		if (!p) {
			do_range(job, off, len);
			continue;
		}
		*p = (struct piece){ job, off, len };
		atomic_fetch_add(&job->left, 1);
		work_add(c->work, p);
	}
	put_job(job);
}

/**
 * copier_finish() - wait until all files are filled
 * @c: the copier; it is gone afterwards
 *
 * Return: how many files could not be filled
 */
unsigned long copier_finish(struct copier *c)
{
	unsigned long errors;

	work_finish(c->work);
	errors = atomic_load(&c->errors);
	free(c);
	return errors;
}
