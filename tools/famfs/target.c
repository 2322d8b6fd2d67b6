// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From what a user types to a place in a mount with a session open for it, and
 * to owners and modes, strips and threads: what creat, mkdir and cp have in
 * common.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd.h"
#include "inside.h"
#include "kernel.h"
#include "util.h"

#define THREADS_USEFUL		16

/**
 * ownership_init() - what holds where the user says nothing
 * @o: to fill: the caller's own ids
 */
void ownership_init(struct ownership *o)
{
	*o = (struct ownership){ .uid = geteuid(), .gid = getegid() };
}

/**
 * ownership_option() - take in -m, -u or -g
 * @o: to change
 * @ch: which
 * @arg: what was said
 *
 * Return: 0, or -EINVAL after a message
 */
int ownership_option(struct ownership *o, int ch, const char *arg)
{
	int rc;

	switch (ch) {
	case 'm':
		rc = famfs_parse_mode(arg, &o->mode);
		if (rc)
			famfs_err("mode %s: expected permission bits in octal, as 0644",
				  quote(arg));
		o->have_mode = true;
		return rc;
	case 'u':
		o->have_owner = true;
		rc = famfs_parse_id(arg, &o->uid);
		if (rc)
			famfs_err("uid %s: expected a number", quote(arg));
		return rc;
	case 'g':
		o->have_owner = true;
		rc = famfs_parse_id(arg, &o->gid);
		if (rc)
			famfs_err("gid %s: expected a number", quote(arg));
		return rc;
	default:
		return -EINVAL;
	}
}

static int number_option(const char *what, const char *arg, unsigned int min,
			 unsigned int max, uint32_t *value)
{
	uint32_t v;

	if (famfs_parse_id(arg, &v) || v < min || v > max) {
		famfs_err("%s %s: expected a number from %u to %u", what,
			  quote(arg), min, max);
		return -EINVAL;
	}
	*value = v;
	return 0;
}

/**
 * stripes_option() - take in -N, -C or -B
 * @s: to change; all 0 where nothing is said
 * @ch: which
 * @arg: what was said
 *
 * Return: 0, or -EINVAL after a message
 */
int stripes_option(struct stripes *s, int ch, const char *arg)
{
	switch (ch) {
	case 'N':
		return number_option("strips", arg, 1, MEDIA_MAX_EXTENTS,
				     &s->nstrips);
	case 'B':
		return number_option("buckets", arg, 1, ALLOC_MAX_BUCKETS,
				     &s->nbuckets);
	case 'C':
		if (!famfs_parse_size(arg, &s->chunk) && s->chunk &&
		    !(s->chunk % MEDIA_UNIT_4K) && s->chunk <= UINT32_MAX)
			return 0;
		famfs_err("chunk size %s: expected a multiple of the allocation unit below 4 GiB, as 2m",
			  quote(arg));
		return -EINVAL;
	default:
		return -EINVAL;
	}
}

/**
 * threads_option() - take in -t
 * @threads: gets the number
 * @min: the least that is allowed; the most is THREADS_MAX
 * @arg: what was said
 *
 * Return: 0, or -EINVAL after a message
 */
int threads_option(unsigned int *threads, unsigned int min, const char *arg)
{
	return number_option("threads", arg, min, THREADS_MAX, threads);
}

/**
 * threads_default() - how many threads work where the user says nothing
 *
 * Return: as many as there are processors, within reason: a few of them keep
 * the memory busy
 */
unsigned int threads_default(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	if (n < 1)
		return 1;
	return n < THREADS_USEFUL ? n : THREADS_USEFUL;
}

/**
 * target_umask() - the process's umask
 *
 * Return: the mask, which stays as it is
 */
uint32_t target_umask(void)
{
	mode_t mask = umask(0);

	umask(mask);
	return mask;
}

/**
 * target_path() - check a path for the log
 * @rel: gets the path, normalised
 * @path: relative to the mount
 *
 * Return: 0, or a negative error number after a message
 */
int target_path(char rel[MEDIA_PATH_SIZE], const char *path)
{
	enum media_err err;

	if (strlen(path) > MEDIA_PATH_MAX) {
		famfs_err("%s: path has %zu bytes from the mount on, and the media format holds %u at most",
			  quote(path), strlen(path), MEDIA_PATH_MAX);
		return -ENAMETOOLONG;
	}
	memset(rel, 0, MEDIA_PATH_SIZE);
	strcpy(rel, path);
	if (!*rel)
		return 0;
	err = media_path_normalise(rel);
	if (err) {
		famfs_err("%s: %s", quote(path), media_strerror(err));
		return -EINVAL;
	}
	return 0;
}

static int find(const char *path, int *root, char rel[MEDIA_PATH_SIZE])
{
	char buf[4096];
	int rc;

	rc = inside_find_root(path, root, buf, sizeof(buf));
	if (rc) {
		famfs_err("%s: %s", quote(path),
			  rc == -ENOENT ? "its directory is not there; make it with famfs mkdir -p"
					: strerror(-rc));
		return rc;
	}
	if (!kern_is_famfs(*root)) {
		famfs_err("%s: is not in a famfs mount; see findmnt -t famfs",
			  quote(path));
		rc = -ENOTTY;
	} else {
		rc = target_path(rel, buf);
	}
	if (rc)
		close(*root);
	return rc;
}

/**
 * target_open() - open a session for the mount that a path lies in
 * @t: to fill; target_close() it if all went well
 * @path: as typed; its last part need not exist
 * @dryrun: as for session_open()
 *
 * Return: 0, or a negative error number after a message
 */
int target_open(struct target *t, const char *path, bool dryrun)
{
	int rc;

	t->name = path;
	rc = find(path, &t->root, t->rel);
	if (rc)
		return rc;
	rc = session_open(&t->s, t->root, path, dryrun);
	if (rc)
		close(t->root);
	return rc;
}

/**
 * target_other() - find another path in the same mount
 * @t: an open target
 * @path: as typed; its last part need not exist
 * @rel: gets the path, normalised; empty for the root
 *
 * Return: 0, or a negative error number after a message
 */
int target_other(const struct target *t, const char *path,
		 char rel[MEDIA_PATH_SIZE])
{
	struct stat here, there;
	int root, rc;

	rc = find(path, &root, rel);
	if (rc)
		return rc;
	if (fstat(t->root, &here) || fstat(root, &there)) {
		rc = -errno;
		famfs_err("%s: %s", quote(path), strerror(-rc));
	} else if (here.st_dev != there.st_dev ||
		   here.st_ino != there.st_ino) {
		rc = -EXDEV;
		famfs_err("%s: is not in the same mount as %s", quote(path),
			  quote(t->name));
	}
	close(root);
	return rc;
}

/**
 * target_close() - end the session
 * @t: an open target
 */
void target_close(struct target *t)
{
	session_close(&t->s);
	close(t->root);
}
