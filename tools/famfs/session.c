// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Making files and directories. The log is the truth and the mount shows it, so
 * the append is the one step that counts, and the rest is put around it:
 *
 *   1. under the log's lock, take in what other processes have appended;
 *   2. check all that can fail: the path, its directory, space on the device
 *      and in the log, and, on an empty file made for it, whether the kernel
 *      lets us make maps; whatever fails takes the empty file away again;
 *   3. append;
 *   4. give the file its map, as any replay would.
 *
 * Cut off before 3, there is at most an empty file that is not in the log: the
 * next attempt removes it. Cut off after 3, the file exists on every host, and
 * here as soon as the log is played (the next attempt does that too). The other
 * order, map first, would leave memory that this kernel guards for a file that
 * no log knows and that can not be removed.
 *
 * A log with a bad entry is not appended to: what memory that entry gave out is
 * unknown, and would be given out again.
 */
#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uuid/uuid.h>

#include "inside.h"
#include "kernel.h"
#include "log.h"
#include "replay.h"
#include "util.h"

/* What could not be added for want of memory is added the next time */
static int take_device(struct session *s, const struct media_daxdev *d)
{
	const struct media_devices before = s->devices;
	int rc;

	rc = media_devices_add(&s->devices, d);
	/* What the mount does not have, nobody could fill here */
	if (rc || !kern_daxdev_there(s->fs.super.fd, d->index))
		return rc;
	rc = alloc_add(s->alloc, d->index, MEDIA_SB_LEN,
		       fs_device_size(&s->fs, d->index, d->size));
	if (rc)
		s->devices = before;
	return rc;
}

static int take_in(void *arg, uint64_t index, const struct media_entry *e,
		   int bad)
{
	const struct media_map *map = &e->file.map;
	struct session *s = arg;
	uint32_t i;
	int rc = 0;

	if (!bad && e->type == MEDIA_DAXDEV)
		rc = take_device(s, &e->daxdev);
	if (bad || rc > 0) {
		famfs_err("%s: log entry %llu: %s; nothing is added to a damaged log, see famfs fsck",
			  s->name, (unsigned long long)index,
			  log_strerror(bad ? bad : rc));
		return -EUCLEAN;
	}
	for (i = 0; e->type == MEDIA_FILE && i < map->count && !rc; i++)
		rc = alloc_reserve(s->alloc, map->ext[i].dev,
				   map->ext[i].offset, map->ext[i].len);
	/* Of a path that is logged twice the first entry counts, as in replay */
	if (!rc && media_entry_path(e)) {
		rc = names_add(&s->names, e, index, NULL);
		if (rc == -EEXIST)
			rc = 0;
	}
	if (rc)
		famfs_err("%s: log entry %llu: %s", s->name,
			  (unsigned long long)index, strerror(-rc));
	else
		s->next = index + 1;
	return rc;
}

/* Take in what has been appended since; the log is locked */
static int catch_up(struct session *s, struct media_log *log)
{
	int rc;

	rc = fs_log_header(&s->fs, s->name, log);
	if (rc)
		return rc;
	if (log->next_index < s->next) {
		/* In a dry run the session is ahead by what it only plans */
		if (s->dryrun)
			return 0;
		famfs_err("%s: the log has become shorter: the file system was made anew; unmount and mount it",
			  s->name);
		return -ESTALE;
	}
	return log_walk(&s->fs.log, s->next, log->next_index, take_in, s);
}

static int check_master(struct session *s)
{
	char text[UUID_STR_LEN];
	bool master;
	int rc;

	rc = fs_is_master(&s->fs, &master);
	if (rc || master)
		return rc;
	uuid_unparse(s->fs.sb.system_uuid, text);
	famfs_err("%s: this host is a client of the file system; only its master, the host with the identity %s, can add to it",
		  s->name, text);
	return -EROFS;
}

/**
 * session_open() - get ready to change a file system
 * @s: to fill; session_close() it if all went well
 * @root: the root directory of the mount; has to stay open
 * @name: what messages call the file system; kept
 * @dryrun: check all, change nothing
 *
 * Return: 0, or a negative error number after a message: -EROFS on a client
 */
int session_open(struct session *s, int root, const char *name, bool dryrun)
{
	int rc;

	*s = (struct session){
		.name = name,
		.dryrun = dryrun,
		.dir.fd = -1,
	};
	rc = fs_open(&s->fs, root, name, dryrun ? 0 : FS_WRITE);
	if (rc)
		return rc;
	rc = check_master(s);
	if (rc)
		goto err;
	fs_devices(&s->fs, &s->devices);
	s->alloc = alloc_new(s->fs.sb.alloc_unit);
	rc = s->alloc ? alloc_add(s->alloc, 0,
				  s->fs.sb.log_offset + s->fs.sb.log_len,
				  fs_usable(&s->fs)) : -ENOMEM;
	if (rc) {
		famfs_err("%s: %s", name, strerror(-rc));
		goto err;
	}
	rc = session_hold(s);
	if (rc)
		goto err;
	session_release(s);
	return 0;
err:
	session_close(s);
	return rc;
}

/**
 * session_close() - end a session
 * @s: one that session_open() filled
 */
void session_close(struct session *s)
{
	session_release(s);
	inside_dir_close(&s->dir);
	names_free(&s->names);
	alloc_free(s->alloc);
	s->alloc = NULL;
	fs_close(&s->fs);
}

/**
 * session_hold() - lock the log for several changes
 * @s: the session
 *
 * What other processes have appended is taken in, and they wait until
 * session_release(), so that should be soon. Without it each change takes the
 * lock for itself.
 *
 * Return: 0, or a negative error number after a message, with nothing locked
 */
int session_hold(struct session *s)
{
	struct media_log log;
	int rc;

	if (s->held)
		return 0;
	rc = log_lock(&s->fs.log);
	if (rc) {
		famfs_err("%s: can't lock the log: %s", s->name, strerror(-rc));
		return rc;
	}
	s->held = true;
	rc = catch_up(s, &log);
	if (rc)
		session_release(s);
	return rc;
}

/**
 * session_release() - let other processes append
 * @s: the session, held or not
 */
void session_release(struct session *s)
{
	if (s->held)
		log_unlock(&s->fs.log);
	s->held = false;
}

static int fail(const struct new_node *node, int rc, const char *what)
{
	famfs_err("%s: %s", quote(node->path), what);
	return rc;
}

/* Make sure that a logged node is in the mount, as replay would */
static int ensure(struct session *s, const struct name *name)
{
	struct replay r = {
		.fs = &s->fs,
		.name = s->name,
		.master = true,
		.dryrun = s->dryrun,
		.devices = s->devices,
	};
	struct media_entry e;
	const char *path;
	int bad;

	/* What a dry run only plans is not in the log */
	if (s->dryrun)
		return 0;
	bad = log_entry(&s->fs.log, name->index, &e);
	path = bad ? NULL : media_entry_path(&e);
	if (!bad && (!path || strcmp(path, name->path))) {
		famfs_err("%s: log entry %llu: has changed since it was read, and is not %s any more",
			  s->name, (unsigned long long)name->index,
			  quote(name->path));
		return -EUCLEAN;
	}
	replay_entry(&r, name->index, &e, bad);
	return r.errors ? -EIO : 0;
}

static int append(struct session *s, struct media_entry *e, const char *what)
{
	int rc;

	if (s->dryrun)
		return 0;
	rc = log_append(&s->fs.log, s->fs.sb.log_len, e);
	if (!rc)
		return 0;
	famfs_err("%s: can't append to the log: %s", quote(what),
		  log_strerror(rc));
	return rc < 0 ? rc : -EUCLEAN;
}

/* Append what takes a name and space that alloc_get() has reserved */
static int append_new(struct session *s, struct media_entry *e)
{
	uint64_t index = s->next;
	int rc;

	rc = append(s, e, media_entry_path(e));
	if (rc)
		return rc;
	/*
	 * Where the name can't be kept, the entry is taken in from the log once
	 * more the next time.
	 */
	rc = names_add(&s->names, e, index, NULL);
	if (!rc)
		s->next++;
	return s->dryrun ? rc : 0;
}

/**
 * session_full() - tell whether the log has no room for another entry
 * @s: the session
 *
 * Return: true if it has none
 */
bool session_full(const struct session *s)
{
	return s->next >= media_log_capacity(s->fs.sb.log_len);
}

static int check_full(const struct session *s, const char *what)
{
	if (!session_full(s))
		return 0;
	famfs_err("%s: the log is full, it holds %llu entries; make the file system anew with a longer log (mkfs.famfs --loglen)",
		  quote(what), (unsigned long long)s->next);
	return -ENOSPC;
}

/* What is to be known before anything is made; the log is locked */
static int check_new(struct session *s, const struct new_node *node)
{
	if (!names_has_parent(&s->names, node->path))
		return fail(node, -ENOENT,
			    "its directory is not in the log; make it with famfs mkdir -p");
	return check_full(s, node->path);
}

static int no_space(struct session *s, const struct new_node *node)
{
	famfs_err("%s: %llu bytes do not fit%s: %llu are free, and the largest file that fits has %llu (%u extents at most)",
		  quote(node->path), (unsigned long long)node->size,
		  node->stripes.nstrips > 1 ? " in such strips" : "",
		  (unsigned long long)alloc_free_bytes(s->alloc),
		  (unsigned long long)alloc_largest(s->alloc),
		  MEDIA_MAX_EXTENTS);
	return -ENOSPC;
}

/* What was left open is as many strips as there are buckets, or devices */
static int get_stripes(const struct session *s, const struct new_node *node,
		       struct stripes *st)
{
	uint32_t places = alloc_devices(s->alloc);

	*st = node->stripes;
	if (st->nbuckets > ALLOC_MAX_BUCKETS) {
		famfs_err("%s: %u buckets: at most %u", quote(node->path),
			  st->nbuckets, ALLOC_MAX_BUCKETS);
		return -EINVAL;
	}
	if (st->nbuckets)
		places *= st->nbuckets;
	if (!st->nstrips && (st->nbuckets || st->chunk))
		st->nstrips = places < MEDIA_MAX_EXTENTS ? places
							 : MEDIA_MAX_EXTENTS;
	if (!st->nstrips)
		return 0;
	if (!st->chunk)
		st->chunk = MEDIA_UNIT_2M;
	if (st->nstrips > MEDIA_MAX_EXTENTS) {
		famfs_err("%s: %u strips: the media format holds %u at most",
			  quote(node->path), st->nstrips, MEDIA_MAX_EXTENTS);
		return -EINVAL;
	}
	if (st->chunk % s->fs.sb.alloc_unit || st->chunk > UINT32_MAX) {
		famfs_err("%s: chunk size %llu: has to be a multiple of this file system's allocation unit, %llu, and less than 4 GiB",
			  quote(node->path), (unsigned long long)st->chunk,
			  (unsigned long long)s->fs.sb.alloc_unit);
		return -EINVAL;
	}
	if (st->nbuckets && st->nstrips > places) {
		famfs_err("%s: %u strips do not go into %u buckets on each of %u devices",
			  quote(node->path), st->nstrips, st->nbuckets,
			  alloc_devices(s->alloc));
		return -EINVAL;
	}
	return 0;
}

static int find_space(struct session *s, const struct new_node *node,
		      struct media_map *map)
{
	struct stripes st;
	int rc;

	rc = get_stripes(s, node, &st);
	if (rc)
		return rc;
	if (st.nstrips > 1)
		rc = alloc_get_striped(s->alloc, node->size, &st, s->next, map);
	else
		rc = alloc_get(s->alloc, node->size, map);
	if (rc == -ENOSPC)
		return no_space(s, node);
	return rc ? fail(node, rc, strerror(-rc)) : 0;
}

/* Something that is not in the log has the name; is it only our own debris? */
static int remove_debris(struct session *s, const struct new_node *node)
{
	struct famfs_fmap_header *msg = NULL;
	struct stat st;
	int fd, rc;

	fd = inside_open(s->fs.root, node->path, O_RDONLY | O_NONBLOCK);
	if (fd < 0)
		return fail(node, fd, strerror(-fd));
	rc = fstat(fd, &st) ? -errno : 0;
	if (!rc && S_ISREG(st.st_mode))
		rc = kern_map_get(fd, &msg);
	close(fd);
	free(msg);
	if (rc == -ENODATA)
		rc = inside_unlink(s->fs.root, node->path);
	else if (!rc)
		rc = -EEXIST;
	if (rc)
		return fail(node, rc,
			    "is there, and is not in the log; it was not made by famfs and stays until the unmount, so choose another name");
	return 0;
}

/*
 * An empty file with owner and mode, and a kernel that will map it. For many
 * files each call counts: a file that has its owner and mode from the start
 * needs no more, and who may make one map may make the next.
 */
static int make_empty(struct session *s, const struct media_file *f,
		      const struct new_node *node)
{
	mode_t mode = replay_mode(f, true);
	bool ours = f->uid == geteuid() && f->gid == getegid() &&
		    !(mode & 07000);
	struct stat st;
	int fd, rc = 0;

	fd = inside_create_in(&s->dir, s->fs.root, node->path,
			      ours ? mode : 0600);
	if (fd == -EEXIST) {
		rc = remove_debris(s, node);
		if (rc)
			return rc;
		fd = inside_create_in(&s->dir, s->fs.root, node->path,
				      ours ? mode : 0600);
	}
	if (fd < 0)
		return fail(node, fd, strerror(-fd));
	ours = ours && !s->dir.sets_group;
	/* The umask may be in the way, or not, and then is for the next as well */
	if (ours && mode != s->passed_mode) {
		ours = !fstat(fd, &st) && (st.st_mode & 07777) == mode;
		if (ours)
			s->passed_mode = mode;
	}
	if (!ours)
		rc = inside_owner(fd, f->uid, f->gid, mode);
	if (rc)
		famfs_err("%s: can't set owner and mode: %s",
			  quote(node->path), strerror(-rc));
	if (!rc && !s->may_map) {
		rc = kern_may_map(fd);
		if (rc)
			fail(node, rc, kern_map_strerror(rc));
		s->may_map = !rc;
	}
	if (rc) {
		close(fd);
		inside_unlink(s->fs.root, node->path);
		return rc;
	}
	return fd;
}

/* A file of the log, for writing what is to be in it */
static int open_there(struct session *s, const struct new_node *node, int *fd)
{
	if (!fd || s->dryrun)
		return 0;
	*fd = inside_open(s->fs.root, node->path, O_RDWR);
	return *fd < 0 ? fail(node, *fd, strerror(-*fd)) : 0;
}

static int creat_held(struct session *s, const struct new_node *node,
		      bool *there, int *filled)
{
	struct media_entry e = { .type = MEDIA_FILE };
	struct media_file *f = &e.file;
	const struct name *name;
	int fd = -1, rc;

	name = names_find(&s->names, node->path);
	if (name && name->is_dir)
		return fail(node, -EISDIR, "is a directory");
	if (name && name->size != node->size) {
		famfs_err("%s: is there with %llu bytes, not %llu; sizes never change, so choose another name",
			  quote(node->path), (unsigned long long)name->size,
			  (unsigned long long)node->size);
		return -EEXIST;
	}
	*there = name;
	if (name) {
		rc = ensure(s, name);
		return rc ? rc : open_there(s, node, filled);
	}
	rc = check_new(s, node);
	if (rc)
		return rc;

	f->size = node->size;
	f->uid = node->uid;
	f->gid = node->gid;
	f->mode = node->mode & 07777;
	strcpy(f->path, node->path);
	rc = find_space(s, node, &f->map);
	if (rc)
		return rc;

	if (!s->dryrun) {
		fd = make_empty(s, f, node);
		if (fd < 0) {
			rc = fd;
			goto release;
		}
	}
	rc = append_new(s, &e);
	if (rc) {
		if (fd >= 0) {
			inside_unlink(s->fs.root, node->path);
			close(fd);
		}
		goto release;
	}
	if (s->dryrun)
		return 0;
	rc = kern_map_create(fd, FAMFS_FILE_REG, f->size, &f->map);
	if (rc)
		famfs_err("%s: is in the log, and other hosts have it, but here %s; see to that, then famfs logplay",
			  quote(node->path), kern_map_strerror(rc));
	if (!rc && filled)
		*filled = fd;
	else
		close(fd);
	return rc;
release:
	alloc_put(s->alloc, &f->map);
	return rc;
}

/**
 * session_creat_fd() - make a file that is to be filled
 * @s: the session
 * @node: what to make, of 1 byte or more
 * @there: whether it was there, with that size, before
 * @fd: gets a descriptor of it, open for reading and writing, or -1 in a dry
 *	run; may be NULL
 *
 * The memory keeps what was in it. The log is locked meanwhile.
 *
 * Return: 0, or a negative error number after a message; nothing is made then,
 * unless the message says that the log has it
 */
int session_creat_fd(struct session *s, const struct new_node *node,
		     bool *there, int *fd)
{
	bool held = s->held;
	int rc;

	*there = false;
	if (fd)
		*fd = -1;
	if (!node->size)
		return fail(node, -EINVAL,
			    "a file of 0 bytes can't be made, since sizes never change; give it the size it is to have");
	if (node->size > INT64_MAX)
		return fail(node, -EFBIG, "the size is past 2^63");
	rc = session_hold(s);
	if (rc)
		return rc;
	rc = creat_held(s, node, there, fd);
	if (!held)
		session_release(s);
	return rc;
}

/**
 * session_creat() - make a file
 * @s: the session
 * @node: what to make, of 1 byte or more
 * @there: whether it was there, with that size, before
 *
 * Return: as session_creat_fd()
 */
int session_creat(struct session *s, const struct new_node *node, bool *there)
{
	return session_creat_fd(s, node, there, NULL);
}

/**
 * session_room() - tell whether all that is to be made fits
 * @s: the session
 * @entries: how many files and directories will be new
 * @bytes: that the files will take, each in whole allocation units
 *
 * For many that are to be made together, so that none is where not all fit. What
 * free memory is in pieces, and who else makes files, can still be in the way.
 *
 * Return: 0, or -ENOSPC after a message
 */
int session_room(const struct session *s, uint64_t entries, uint64_t bytes)
{
	uint64_t left = media_log_capacity(s->fs.sb.log_len) - s->next;
	uint64_t free = alloc_free_bytes(s->alloc);

	if (entries > left) {
		famfs_err("%s: %llu new files and directories do not fit: the log has room for %llu more; nothing was made",
			  s->name, (unsigned long long)entries,
			  (unsigned long long)left);
		return -ENOSPC;
	}
	if (bytes > free) {
		famfs_err("%s: new files of %llu bytes in all do not fit: %llu are free; nothing was made",
			  s->name, (unsigned long long)bytes,
			  (unsigned long long)free);
		return -ENOSPC;
	}
	return 0;
}

/**
 * session_plan() - tell where a file would go
 * @s: the session
 * @node: the file; its path is not looked at
 * @map: gets the map that it would have
 *
 * Nothing is reserved, so it holds for as long as the session is held.
 *
 * Return: 0, or a negative error number after a message
 */
int session_plan(struct session *s, const struct new_node *node,
		 struct media_map *map)
{
	bool held = s->held;
	int rc;

	if (!node->size)
		return fail(node, -EINVAL, "a file of 0 bytes has no place");
	rc = session_hold(s);
	if (rc)
		return rc;
	rc = find_space(s, node, map);
	if (!rc)
		alloc_put(s->alloc, map);
	if (!held)
		session_release(s);
	return rc;
}

/**
 * session_append() - add an entry to the log as it is
 * @s: the session
 * @e: the entry; its path, if it has one, must be new. Its sequence number is
 *	set here.
 *
 * Nothing is made in the mount. The log is locked meanwhile.
 *
 * Return: 0, or a negative error number after a message; nothing was logged then
 */
int session_append(struct session *s, struct media_entry *e)
{
	const char *path = media_entry_path(e);
	struct new_node node = { .path = path };
	bool held = s->held;
	struct media_log log;
	int rc;

	rc = session_hold(s);
	if (rc)
		return rc;
	if (!path)
		rc = check_full(s, s->name);
	else if (names_find(&s->names, path))
		rc = fail(&node, -EEXIST, "is there already");
	else
		rc = check_new(s, &node);
	if (!rc)
		rc = append(s, e, path ? path : s->name);
	if (!rc)
		rc = catch_up(s, &log);
	if (!held)
		session_release(s);
	return rc;
}

static int mkdir_held(struct session *s, const struct new_node *node,
		      bool *there)
{
	struct media_entry e = { .type = MEDIA_MKDIR };
	const struct name *name;
	int fd, rc;

	name = names_find(&s->names, node->path);
	if (name && !name->is_dir)
		return fail(node, -ENOTDIR, "is a file");
	*there = name;
	if (name)
		return ensure(s, name);
	rc = check_new(s, node);
	if (rc)
		return rc;

	e.dir.uid = node->uid;
	e.dir.gid = node->gid;
	e.dir.mode = node->mode & 07777;
	strcpy(e.dir.path, node->path);
	if (s->dryrun)
		return append_new(s, &e);

	/*
	 * A directory of that name which is not in the log was made by hand, or
	 * by one of us who was cut off: it is as good as a new one. Nor can one
	 * be taken away again, since the kernel allows no rmdir.
	 */
	rc = inside_mkdir(s->fs.root, node->path);
	if (rc && rc != -EEXIST)
		return fail(node, rc, strerror(-rc));
	fd = inside_open(s->fs.root, node->path, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return fail(node, fd, strerror(-fd));
	rc = inside_owner(fd, node->uid, node->gid, node->mode);
	close(fd);
	if (rc)
		famfs_err("%s: can't set owner and mode: %s",
			  quote(node->path), strerror(-rc));
	else
		rc = append_new(s, &e);
	return rc;
}

/**
 * session_mkdir() - make a directory
 * @s: the session
 * @node: what to make; its size is not looked at
 * @there: whether it was there before
 *
 * The log is locked meanwhile.
 *
 * Return: 0, or a negative error number after a message; then nothing was logged
 */
int session_mkdir(struct session *s, const struct new_node *node, bool *there)
{
	bool held = s->held;
	int rc;

	*there = false;
	rc = session_hold(s);
	if (rc)
		return rc;
	rc = mkdir_held(s, node, there);
	if (!held)
		session_release(s);
	return rc;
}
