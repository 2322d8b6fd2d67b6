// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Replay. Each entry stands by itself: one that is bad, or that this host can't
 * make, is reported with its number and the rest is played. What is there
 * already stays as it is, so that playing again does nothing, and what an
 * earlier replay was cut off in is finished.
 *
 * Users of this host may write in some of the directories, and may have made
 * what the log is about to make, under its very name. None of that is built on:
 * who made it may still have it open.
 */
#include "replay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uuid/uuid.h>

#include "devices.h"
#include "inside.h"
#include "kernel.h"
#include "log.h"
#include "util.h"

/**
 * replay_mode() - permission bits of a logged file on this host
 * @f: the file as logged
 * @master: whether this host is the master
 *
 * Files of a client are read-only unless the log says they are for all to
 * write; files that the log says are read-only for all are so on the master.
 *
 * Return: the bits
 */
uint32_t replay_mode(const struct media_file *f, bool master)
{
	uint32_t mode = f->mode & 07777;

	if (f->flags & MEDIA_FILE_ALL_RW)
		return mode;
	if (!master || f->flags & MEDIA_FILE_ALL_RO)
		mode &= ~0222U;
	return mode;
}

static int entry_error(struct replay *r, uint64_t index, const char *path,
		       const char *what)
{
	r->errors++;
	famfs_err("%s: log entry %llu%s%s: %s; not played", r->name,
		  (unsigned long long)index, path ? ": " : "",
		  path ? quote(path) : "", what);
	return 0;
}

/* Give an empty file its owner and mode, and then its map: that goes last */
static int finish_file(struct replay *r, int fd, const struct media_file *f)
{
	int rc;

	rc = inside_owner(fd, f->uid, f->gid, replay_mode(f, r->master));
	if (rc)
		return rc;
	return kern_map_create(fd, FAMFS_FILE_REG, f->size, &f->map);
}

static int make_file(struct replay *r, uint64_t index,
		     const struct media_file *f)
{
	int fd, rc;

	if (r->dryrun) {
		r->files_made++;
		famfs_info("would make %s, %llu bytes", quote(f->path),
			   (unsigned long long)f->size);
		return 0;
	}
	fd = inside_create(r->fs->root, f->path);
	if (fd < 0)
		return entry_error(r, index, f->path,
				   fd == -ENOENT ? "its directory is not there"
						 : strerror(-fd));
	rc = finish_file(r, fd, f);
	close(fd);
	if (rc) {
		inside_unlink(r->fs->root, f->path);
		return entry_error(r, index, f->path, kern_map_strerror(rc));
	}
	r->files_made++;
	famfs_info("made %s, %llu bytes", quote(f->path),
		   (unsigned long long)f->size);
	return 0;
}

/*
 * The file is there with nothing in it: an earlier replay was cut off, or
 * somebody who has it open for writing waits for the map. So that one is never
 * given the map: it goes, and a new file takes its place.
 */
static int heal_file(struct replay *r, uint64_t index,
		     const struct media_file *f)
{
	int rc = r->dryrun ? 0 : inside_unlink(r->fs->root, f->path);

	if (rc)
		return entry_error(r, index, f->path, strerror(-rc));
	return make_file(r, index, f);
}

static int play_file(struct replay *r, uint64_t index,
		     const struct media_file *f)
{
	enum media_err err;
	struct stat st;
	int fd, rc;

	err = media_map_fits(&f->map, &r->fs->sb, &r->devices);
	if (err)
		return entry_error(r, index, f->path, media_strerror(err));

	fd = inside_open(r->fs->root, f->path, O_PATH);
	if (fd == -ENOENT)
		return make_file(r, index, f);
	if (fd < 0)
		return entry_error(r, index, f->path, strerror(-fd));
	rc = fstat(fd, &st) ? -errno : 0;
	close(fd);
	if (rc)
		return entry_error(r, index, f->path, strerror(-rc));
	if (!S_ISREG(st.st_mode))
		return entry_error(r, index, f->path,
				   "something else than a file is there");
	if (!st.st_size)
		return heal_file(r, index, f);
	if ((uint64_t)st.st_size != f->size)
		return entry_error(r, index, f->path,
				   "a file of another size is there");
	r->files_there++;
	return 0;
}

/*
 * Take a directory away from a user who made it before the log was played. That
 * user may change its mode until the owner has changed, so the mode is set once
 * more after that; and it is closed before, so that a replay that is cut off in
 * between leaves a directory that is closed, and not one as the user wanted it.
 */
static int take_dir(const struct replay *r, const struct media_dir *d)
{
	int fd, rc;

	fd = inside_open(r->fs->root, d->path, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return fd;
	rc = fchmod(fd, 0700) ? -errno : 0;
	if (!rc)
		rc = inside_owner(fd, d->uid, d->gid, d->mode);
	close(fd);
	return rc;
}

/*
 * Whose the directory is tells who made it, as only root can give it away. One
 * of root's was made by replay or by root's own hand, and one of the logged
 * owner's is his to change anyway: both stay as they are, so that what root has
 * set on this host, by chmod(1) say, lasts. Any other may be one that a user put
 * there to rule over what is played into it, and gets the owner and mode that
 * the log says. A chown(1) to a third user is no different from that, and does
 * not last.
 */
static int play_dir_there(struct replay *r, uint64_t index,
			  const struct media_dir *d, const struct stat *st)
{
	int rc = 0;

	if (!S_ISDIR(st->st_mode))
		return entry_error(r, index, d->path,
				   "something else than a directory is there");
	if (st->st_uid && st->st_uid != d->uid) {
		famfs_warn("%s: log entry %llu: %s: the directory is there and belongs to uid %u; it %s the logged owner, uid %u, and mode",
			   r->name, (unsigned long long)index, quote(d->path),
			   (unsigned int)st->st_uid,
			   r->dryrun ? "would get" : "gets", d->uid);
		if (!r->dryrun)
			rc = take_dir(r, d);
	}
	if (rc)
		return entry_error(r, index, d->path, strerror(-rc));
	r->dirs_there++;
	return 0;
}

static int play_dir(struct replay *r, uint64_t index, const struct media_dir *d)
{
	struct stat st;
	int fd, rc;

	fd = inside_open(r->fs->root, d->path, O_PATH);
	if (fd >= 0) {
		rc = fstat(fd, &st) ? -errno : 0;
		close(fd);
		if (rc)
			return entry_error(r, index, d->path, strerror(-rc));
		return play_dir_there(r, index, d, &st);
	}
	if (fd != -ENOENT)
		return entry_error(r, index, d->path, strerror(-fd));
	if (r->dryrun) {
		r->dirs_made++;
		famfs_info("would make directory %s", quote(d->path));
		return 0;
	}

	rc = inside_mkdir(r->fs->root, d->path);
	if (!rc) {
		fd = inside_open(r->fs->root, d->path, O_RDONLY | O_DIRECTORY);
		rc = fd < 0 ? fd : inside_owner(fd, d->uid, d->gid, d->mode);
		if (fd >= 0)
			close(fd);
	}
	if (rc)
		return entry_error(r, index, d->path,
				   rc == -ENOENT ? "its directory is not there"
						 : strerror(-rc));
	r->dirs_made++;
	famfs_info("made directory %s", quote(d->path));
	return 0;
}

/* Look around on this machine, once for all entries */
static struct devices *local_devices(struct replay *r)
{
	int rc;

	if (r->local)
		return r->local;
	r->local = calloc(1, sizeof(*r->local));
	rc = r->local ? devices_scan(r->local) : -ENOMEM;
	if (rc) {
		famfs_err("%s: can't list the devices of this machine: %s",
			  r->name, strerror(-rc));
		free(r->local);
		r->local = NULL;
	}
	return r->local;
}

static int open_device(struct replay *r, uint64_t index,
		       const struct media_daxdev *d)
{
	struct devices *local = local_devices(r);
	char text[UUID_STR_LEN], what[256];
	int rc;

	if (!local)
		return entry_error(r, index, NULL, "adds a device");
	rc = devices_open(local, r->fs->super.fd, &r->fs->sb, d, r->name,
			  r->keep_mode);
	if (!rc) {
		r->devices_made++;
		return 0;
	}
	uuid_unparse(d->uuid, text);
	if (rc == -ENODEV)
		snprintf(what, sizeof(what),
			 "adds device %u, %s, and this machine shows none that is free and has a driver; see famfs devices, then logplay",
			 d->index, text);
	else
		snprintf(what, sizeof(what),
			 "adds device %u, %s, which can't be used", d->index,
			 text);
	return entry_error(r, index, NULL, what);
}

/*
 * The kernel keeps a device for as long as the mount lasts, so one that it has
 * at the index is the one that an earlier replay found.
 */
static int play_device(struct replay *r, uint64_t index,
		       const struct media_daxdev *d)
{
	enum media_err err = media_devices_add(&r->devices, d);

	if (err && err != MEDIA_ERR_DAXDEV_NEXT)
		return entry_error(r, index, NULL, media_strerror(err));
	if (kern_daxdev_there(r->fs->super.fd, d->index)) {
		r->devices_there++;
		return 0;
	}
	if (r->dryrun) {
		r->devices_made++;
		famfs_info("would look for device %u", d->index);
		return 0;
	}
	return open_device(r, index, d);
}

/**
 * replay_entry() - play one entry
 * @r: the replay, whose counters go up
 * @index: of the entry
 * @e: the entry, if it is good
 * @bad: 0, or what log_entry() returned for it
 *
 * Return: 0 always, so that the walk goes on; errors are counted
 */
int replay_entry(struct replay *r, uint64_t index, const struct media_entry *e,
		 int bad)
{
	r->entries++;
	if (bad)
		return entry_error(r, index, NULL, log_strerror(bad));
	switch (e->type) {
	case MEDIA_FILE:
		return play_file(r, index, &e->file);
	case MEDIA_MKDIR:
		return play_dir(r, index, &e->dir);
	default:
		return play_device(r, index, &e->daxdev);
	}
}

static int visit(void *arg, uint64_t index, const struct media_entry *e,
		 int bad)
{
	return replay_entry(arg, index, e, bad);
}

/**
 * replay_log() - play all of the log
 * @r: what to play, with counters of 0
 *
 * The log is locked meanwhile, unless in a dry run: another replay, or whoever
 * makes a file, would have its empty files replaced under its hands.
 *
 * Return: 0 where the log could be walked, even if entries were bad (see
 * @r->errors); or a negative error number after a message
 */
int replay_log(struct replay *r)
{
	struct media_log log;
	int rc;

	rc = r->dryrun ? 0 : log_lock(&r->fs->log);
	if (rc) {
		famfs_err("%s: can't lock the log: %s", r->name, strerror(-rc));
		return rc;
	}
	rc = fs_log_header(r->fs, r->name, &log);
	fs_devices(r->fs, &r->devices);
	if (!rc)
		rc = log_walk(&r->fs->log, 0, log.next_index, visit, r);
	if (r->local)
		devices_free(r->local);
	free(r->local);
	r->local = NULL;
	if (!r->dryrun)
		log_unlock(&r->fs->log);
	return rc;
}
