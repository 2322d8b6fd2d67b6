// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Is what is mounted here what the log says? The mount is this host's own, so
 * nothing that differs is an error of the file system: famfs logplay, or a mount
 * anew, makes it so. A log that has grown since it was played last is the most
 * common case, and told in one line however much is missing.
 */
#include "check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "inside.h"
#include "kernel.h"
#include "log.h"

struct compare {
	struct check *c;
	uint64_t missing;	/* what a replay would make */
};

static void differs(struct check *c, uint64_t index, const char *path,
		    const char *what)
{
	check_found(c, CHECK_MOUNT, true, index, path, "mount differs: %s",
		    what);
}

/* Ranges that lie side by side are one to the kernel */
static uint32_t merge(struct media_extent *to, const struct media_map *map)
{
	uint32_t i, n = 0;

	for (i = 0; i < map->count; i++) {
		const struct media_extent *x = &map->ext[i];

		if (n && to[n - 1].dev == x->dev &&
		    to[n - 1].offset + to[n - 1].len == x->offset)
			to[n - 1].len += x->len;
		else
			to[n++] = *x;
	}
	return n;
}

static bool same_ranges(const struct media_extent *a,
			const struct famfs_fmap_simple *b, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++) {
		if (a[i].dev != b[i].devindex || a[i].offset != b[i].offset ||
		    a[i].len != b[i].len)
			return false;
	}
	return true;
}

static bool same_map(const struct media_file *f,
		     const struct famfs_fmap_header *h)
{
	const struct famfs_fmap_interleave *il = (const void *)(h + 1);
	struct media_extent ext[MEDIA_MAX_EXTENTS];
	const struct media_map *map = &f->map;

	if (h->file_size != f->size || h->file_type != FAMFS_FILE_REG)
		return false;
	if (map->type == MEDIA_SIMPLE)
		return h->ext_type == FAMFS_EXT_SIMPLE &&
		       h->nextents == merge(ext, map) &&
		       same_ranges(ext, (const void *)(h + 1), h->nextents);
	return h->ext_type == FAMFS_EXT_INTERLEAVE && h->nextents == 1 &&
	       il->nstrips == map->count && il->chunk_size == map->chunk_size &&
	       same_ranges(map->ext, (const void *)(il + 1), map->count);
}

static void compare_map(struct compare *m, uint64_t index,
			const struct media_file *f)
{
	struct famfs_fmap_header *h;
	int fd, rc;

	fd = inside_open(m->c->fs->root, f->path, O_RDONLY | O_NONBLOCK);
	if (fd < 0) {
		differs(m->c, index, f->path, strerror(-fd));
		return;
	}
	rc = kern_map_get(fd, &h);
	close(fd);
	if (rc == -ENODATA) {
		m->missing++;
		famfs_info("%s: %s: has no map yet", quote(m->c->name),
			   quote(f->path));
	} else if (rc) {
		differs(m->c, index, f->path, strerror(-rc));
	} else {
		if (h->file_size != f->size)
			check_found(m->c, CHECK_MOUNT, true, index, f->path,
				    "mount differs: has %llu bytes there, not %" PRIu64,
				    h->file_size, f->size);
		else if (!same_map(f, h))
			differs(m->c, index, f->path,
				"lies elsewhere there than the log says");
		free(h);
	}
}

static int compare_entry(void *arg, uint64_t index,
			 const struct media_entry *e, int bad)
{
	struct compare *m = arg;
	struct check *c = m->c;
	const char *path = bad ? NULL : media_entry_path(e);
	struct stat st;
	int fd, rc;

	/* What is wrong in the log is not played, and was told */
	if (!path || index >= c->nflawed || c->flawed[index])
		return 0;
	fd = inside_open(c->fs->root, path, O_PATH);
	if (fd == -ENOENT) {
		m->missing++;
		famfs_info("%s: %s: is not in the mount yet", quote(c->name),
			   quote(path));
		return 0;
	}
	rc = fd < 0 ? fd : fstat(fd, &st) ? -errno : 0;
	if (fd >= 0)
		close(fd);
	if (rc)
		differs(c, index, path, strerror(-rc));
	else if ((e->type == MEDIA_MKDIR) != !!S_ISDIR(st.st_mode) ||
		 !(S_ISDIR(st.st_mode) || S_ISREG(st.st_mode)))
		differs(c, index, path, "is something else there");
	else if (e->type == MEDIA_FILE)
		compare_map(m, index, &e->file);
	return 0;
}

/*
 * What nothing else makes, but users may as well. Below what is not in the log,
 * nothing is: so no directory is gone into that has more names above it than a
 * path of the log has room for, however deep a user has made them. What is
 * mounted in it is another file system.
 *
 * @fd is closed; @path is empty for the root
 */
static int look_for_others(struct check *c, int fd, const char *path)
{
	const struct dirent *d;
	struct stat here, st;
	int next, rc = 0;
	bool known;
	char *sub;
	DIR *dir;

	dir = fdopendir(fd);
	if (!dir) {
		rc = -errno;
		close(fd);
		return rc;
	}
	if (fstat(dirfd(dir), &here))
		rc = -errno;
	while (!rc && (errno = 0, d = readdir(dir))) {
		if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, "..") ||
		    (!*path && !strcmp(d->d_name, MEDIA_META_DIR)))
			continue;
		if (asprintf(&sub, "%s%s%s", path, *path ? "/" : "",
			     d->d_name) < 0) {
			rc = -ENOMEM;
			break;
		}
		known = names_find(&c->names, sub);
		if (!known)
			differs(c, CHECK_NO_ENTRY, sub,
				"is not in the log: no other host sees it");
		if (known && !fstatat(dirfd(dir), d->d_name, &st,
				      AT_SYMLINK_NOFOLLOW) &&
		    S_ISDIR(st.st_mode) && st.st_dev == here.st_dev) {
			next = openat(dirfd(dir), d->d_name,
				      O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
				      O_CLOEXEC);
			rc = next < 0 ? -errno : look_for_others(c, next, sub);
		}
		free(sub);
	}
	if (!rc && errno)
		rc = -errno;
	closedir(dir);
	return rc;
}

/**
 * check_mount() - hold what is mounted against the log
 * @c: after check_fs() for the file system in a mount that the log was played in
 *
 * All that differs is added to the problems as warnings.
 *
 * Return: 0, or a negative error number after a message
 */
int check_mount(struct check *c)
{
	struct compare m = { .c = c };
	int fd, rc;

	rc = log_walk(&c->fs->log, 0, c->nflawed, compare_entry, &m);
	if (!rc) {
		fd = inside_open(c->fs->root, ".", O_RDONLY | O_DIRECTORY);
		rc = fd < 0 ? fd : look_for_others(c, fd, "");
	}
	if (m.missing)
		check_found(c, CHECK_MOUNT, true, CHECK_NO_ENTRY, NULL,
			    "mount differs: %" PRIu64
			    " of the log are not there yet; famfs logplay %s makes them",
			    m.missing, quote(c->name));
	if (!rc && c->lost)
		rc = -ENOMEM;
	if (rc)
		famfs_err("%s: can't compare the mount with the log: %s",
			  quote(c->name), strerror(-rc));
	return rc;
}
