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

static int take_in(void *arg, uint64_t index, const struct media_entry *e,
		   int bad)
{
	const struct media_map *map = &e->file.map;
	struct session *s = arg;
	uint32_t i;
	int rc = 0;

	if (bad) {
		famfs_err("%s: log entry %llu: %s; nothing is added to a damaged log, see famfs fsck",
			  s->name, (unsigned long long)index,
			  log_strerror(bad));
		return -EUCLEAN;
	}
	for (i = 0; e->type == MEDIA_FILE && i < map->count && !rc; i++) {
		if (!map->ext[i].dev)
			rc = alloc_reserve(s->alloc, map->ext[i].offset,
					   map->ext[i].len, index);
	}
	/* Of a path that is logged twice the first entry counts, as in replay */
	if (!rc && media_entry_path(e)) {
		rc = names_add(&s->names, e, index, NULL);
		if (rc == -EEXIST)
			rc = 0;
	}
	if (rc)
		famfs_err("%s: log entry %llu: %s", s->name,
			  (unsigned long long)index, strerror(-rc));
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
	rc = log_walk(&s->fs.log, s->next, log->next_index, take_in, s);
	if (!rc)
		s->next = log->next_index;
	return rc;
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
	struct media_log log;
	int rc;

	*s = (struct session){ .name = name, .dryrun = dryrun };
	rc = fs_open(&s->fs, root, name, dryrun ? 0 : FS_WRITE);
	if (rc)
		return rc;
	rc = check_master(s);
	if (rc)
		goto err;
	s->alloc = alloc_new(s->fs.sb.log_offset + s->fs.sb.log_len,
			     fs_usable(&s->fs), s->fs.sb.alloc_unit);
	if (!s->alloc) {
		rc = -ENOMEM;
		famfs_err("%s: %s", name, strerror(-rc));
		goto err;
	}
	rc = log_lock(&s->fs.log);
	if (rc) {
		famfs_err("%s: can't lock the log: %s", name, strerror(-rc));
		goto err;
	}
	rc = catch_up(s, &log);
	log_unlock(&s->fs.log);
	if (rc)
		goto err;
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
	names_free(&s->names);
	alloc_free(s->alloc);
	s->alloc = NULL;
	fs_close(&s->fs);
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
	};
	struct media_entry e;
	int bad;

	/* What a dry run only plans is not in the log */
	if (s->dryrun)
		return 0;
	bad = log_entry(&s->fs.log, name->index, &e);
	replay_entry(&r, name->index, &e, bad);
	return r.errors ? -EIO : 0;
}

/* Append, and take in what was appended. In a dry run, only the latter. */
static int append(struct session *s, struct media_entry *e)
{
	const char *path = media_entry_path(e);
	uint64_t index = s->next;
	int rc;

	if (!s->dryrun) {
		rc = log_append(&s->fs.log, s->fs.sb.log_len, e);
		if (rc) {
			famfs_err("%s: can't append to the log: %s",
				  quote(path), log_strerror(rc));
			return rc < 0 ? rc : -EUCLEAN;
		}
	}
	/*
	 * The space was reserved by alloc_get(). Where the name can't be kept,
	 * the entry is taken in from the log once more the next time.
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

/* What is to be known before anything is made; the log is locked */
static int check_new(struct session *s, const struct new_node *node)
{
	struct media_log log;
	int rc;

	rc = catch_up(s, &log);
	if (rc)
		return rc;
	if (names_find(&s->names, node->path))
		return 0;
	if (!names_has_parent(&s->names, node->path))
		return fail(node, -ENOENT,
			    "its directory is not in the log; make it with famfs mkdir -p");
	if (session_full(s)) {
		famfs_err("%s: the log is full, it holds %llu entries; make the file system anew with a longer log (mkfs.famfs --loglen)",
			  quote(node->path),
			  (unsigned long long)s->next);
		return -ENOSPC;
	}
	return 0;
}

static int no_space(struct session *s, const struct new_node *node)
{
	famfs_err("%s: %llu bytes do not fit: %llu are free, and the largest file that fits has %llu (%u extents at most)",
		  quote(node->path), (unsigned long long)node->size,
		  (unsigned long long)alloc_free_bytes(s->alloc),
		  (unsigned long long)alloc_largest(s->alloc),
		  MEDIA_MAX_EXTENTS);
	return -ENOSPC;
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

/* An empty file with owner and mode, and a kernel that will map it */
static int make_empty(struct session *s, const struct media_file *f,
		      const struct new_node *node)
{
	int fd, rc;

	fd = inside_create(s->fs.root, node->path);
	if (fd == -EEXIST) {
		rc = remove_debris(s, node);
		if (rc)
			return rc;
		fd = inside_create(s->fs.root, node->path);
	}
	if (fd < 0)
		return fail(node, fd, strerror(-fd));
	rc = inside_owner(fd, f->uid, f->gid, replay_mode(f, true));
	if (rc)
		famfs_err("%s: can't set owner and mode: %s",
			  quote(node->path), strerror(-rc));
	if (!rc) {
		rc = kern_may_map(fd);
		if (rc)
			fail(node, rc, kern_map_strerror(rc));
	}
	if (rc) {
		close(fd);
		inside_unlink(s->fs.root, node->path);
		return rc;
	}
	return fd;
}

static int creat_locked(struct session *s, const struct new_node *node,
			bool *there)
{
	struct media_entry e = { .type = MEDIA_FILE };
	struct media_file *f = &e.file;
	const struct name *name;
	int fd = -1, rc;

	rc = check_new(s, node);
	if (rc)
		return rc;
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
	if (name)
		return ensure(s, name);

	f->size = node->size;
	f->uid = node->uid;
	f->gid = node->gid;
	f->mode = node->mode & 07777;
	strcpy(f->path, node->path);
	rc = alloc_get(s->alloc, node->size, s->next, &f->map);
	if (rc == -ENOSPC)
		return no_space(s, node);
	if (rc)
		return fail(node, rc, strerror(-rc));

	if (!s->dryrun) {
		fd = make_empty(s, f, node);
		if (fd < 0) {
			rc = fd;
			goto release;
		}
	}
	rc = append(s, &e);
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
	close(fd);
	return rc;
release:
	alloc_put(s->alloc, &f->map);
	return rc;
}

static int with_lock(struct session *s, const struct new_node *node,
		     bool *there,
		     int (*fn)(struct session *s, const struct new_node *node,
			       bool *there))
{
	int rc = log_lock(&s->fs.log);

	if (rc) {
		famfs_err("%s: can't lock the log: %s", s->name, strerror(-rc));
		return rc;
	}
	rc = fn(s, node, there);
	log_unlock(&s->fs.log);
	return rc;
}

/**
 * session_creat() - make a file
 * @s: the session
 * @node: what to make, of 1 byte or more
 * @there: whether it was there, with that size, before
 *
 * The memory keeps what was in it. The log is locked meanwhile.
 *
 * Return: 0, or a negative error number after a message; nothing is made then,
 * unless the message says that the log has it
 */
int session_creat(struct session *s, const struct new_node *node, bool *there)
{
	*there = false;
	if (!node->size)
		return fail(node, -EINVAL,
			    "a file of 0 bytes can't be made, since sizes never change; give it the size it is to have");
	if (node->size > INT64_MAX)
		return fail(node, -EFBIG, "the size is past 2^63");
	return with_lock(s, node, there, creat_locked);
}

static int mkdir_locked(struct session *s, const struct new_node *node,
			bool *there)
{
	struct media_entry e = { .type = MEDIA_MKDIR };
	const struct name *name;
	int fd, rc;

	rc = check_new(s, node);
	if (rc)
		return rc;
	name = names_find(&s->names, node->path);
	if (name && !name->is_dir)
		return fail(node, -ENOTDIR, "is a file");
	*there = name;
	if (name)
		return ensure(s, name);

	e.dir.uid = node->uid;
	e.dir.gid = node->gid;
	e.dir.mode = node->mode & 07777;
	strcpy(e.dir.path, node->path);
	if (s->dryrun)
		return append(s, &e);

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
		rc = append(s, &e);
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
	*there = false;
	return with_lock(s, node, there, mkdir_locked);
}
