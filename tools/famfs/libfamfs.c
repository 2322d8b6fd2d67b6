// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The library for other programs: libfamfs.h in terms of what the tools are made
 * of. What a struct famfs holds is a session where files are to be made, else
 * the file system alone. Messages, which the tools print, are kept for
 * famfs_message(): a library says nothing of its own accord.
 */
#include "libfamfs.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cpucache.h"
#include "inside.h"
#include "kernel.h"
#include "log.h"
#include "replay.h"
#include "session.h"
#include "util.h"

_Static_assert(FAMFS_PATH_MAX == MEDIA_PATH_MAX, "as in the media format");
_Static_assert(FAMFS_MAX_EXTENTS == MEDIA_MAX_EXTENTS, "as there");

struct famfs {
	int root;
	bool writable;
	struct session s;	/* its fs is open in any case */
};

static _Thread_local char message[1024];

static void keep_message(enum famfs_level level, const char *text)
{
	if (level == FAMFS_MSG_ERROR)
		snprintf(message, sizeof(message), "%s", text);
}

static void take_messages(void)
{
	famfs_set_sink(keep_message);
}

static pthread_once_t once = PTHREAD_ONCE_INIT;

/* An error that no function below has a message for */
static int fail(int rc, const char *name, const char *what)
{
	snprintf(message, sizeof(message), "%s: %s", quote(name), what);
	return rc;
}

/**
 * famfs_message() - what the last function that failed in this thread said
 *
 * Return: the text, which the next failure overwrites
 */
const char *famfs_message(void)
{
	return message;
}

/**
 * famfs_open() - open a file system
 * @fsp: gets it
 * @path: anything that is in its mount
 * @flags: FAMFS_OPEN_ flags
 *
 * Return: 0, or a negative error number: -ENOENT where nothing is at @path,
 * -ENOTTY where that is not in a famfs mount, -EROFS for writing on a client
 */
int famfs_open(struct famfs **fsp, const char *path, unsigned int flags)
{
	char rel[4096], *real;
	struct famfs *fs;
	int rc;

	pthread_once(&once, take_messages);
	*fsp = NULL;
	if (flags & ~(FAMFS_OPEN_WRITE | FAMFS_OPEN_DRYRUN | FAMFS_OPEN_BY_READ))
		return fail(-EINVAL, path, "unknown flags");
	if (flags & FAMFS_OPEN_DRYRUN && !(flags & FAMFS_OPEN_WRITE))
		return fail(-EINVAL, path, "a dry run is one of writing");
	if (flags & FAMFS_OPEN_BY_READ && flags & FAMFS_OPEN_WRITE)
		return fail(-EINVAL, path,
			    "who writes the log has to map it");
	fs = calloc(1, sizeof(*fs));
	if (!fs)
		return fail(-ENOMEM, path, strerror(ENOMEM));
	fs->writable = flags & FAMFS_OPEN_WRITE;
	/* Nothing that is not there lies in a mount */
	real = realpath(path, NULL);
	rc = real ? inside_find_root(real, &fs->root, rel, sizeof(rel))
		  : -errno;
	free(real);
	if (rc) {
		fail(rc, path, strerror(-rc));
		goto free;
	}
	if (!kern_is_famfs(fs->root)) {
		rc = fail(-ENOTTY, path, "is not in a famfs mount");
		goto close;
	}
	/* The name has to last as long as the session that tells it */
	if (fs->writable)
		rc = session_open(&fs->s, fs->root, "famfs",
				  flags & FAMFS_OPEN_DRYRUN);
	else
		rc = fs_open(&fs->s.fs, fs->root, "famfs",
			     flags & FAMFS_OPEN_BY_READ ? FS_BY_READ : 0);
	if (rc)
		goto close;
	*fsp = fs;
	return 0;
close:
	close(fs->root);
free:
	free(fs);
	return rc;
}

/**
 * famfs_close() - let go of a file system
 * @fs: the file system, or NULL
 */
void famfs_close(struct famfs *fs)
{
	if (!fs)
		return;
	if (fs->writable)
		session_close(&fs->s);
	else
		fs_close(&fs->s.fs);
	close(fs->root);
	free(fs);
}

static int need_writable(const struct famfs *fs)
{
	return fs->writable ? 0 : fail(-EBADF, "famfs",
				       "was not opened for writing");
}

/**
 * famfs_get_statistics() - tell of a file system
 * @fs: the file system
 * @st: gets what there is to tell
 *
 * Return: 0 or a negative error number
 */
int famfs_get_statistics(struct famfs *fs, struct famfs_statistics *st)
{
	const struct media_super *sb = &fs->s.fs.sb;
	bool held = fs->s.held, master;
	struct media_log log;
	int rc;

	memset(st, 0, sizeof(*st));
	rc = fs_log_header(&fs->s.fs, "famfs", &log);
	if (!rc)
		rc = fs_is_master(&fs->s.fs, &master);
	if (rc)
		return rc;
	memcpy(st->uuid, sb->fs_uuid, sizeof(st->uuid));
	memcpy(st->master, sb->system_uuid, sizeof(st->master));
	st->capacity = fs->s.fs.capacity;
	st->alloc_unit = sb->alloc_unit;
	st->log_entries = log.next_index;
	st->log_room = media_log_capacity(sb->log_len);
	st->is_master = master;
	if (!fs->writable)
		return 0;
	rc = famfs_hold(fs);
	if (rc)
		return rc;
	st->free = alloc_free_bytes(fs->s.alloc);
	st->largest = alloc_largest(fs->s.alloc);
	if (!held)
		famfs_release(fs);
	return 0;
}

static void put_layout(struct famfs_layout *l, const struct media_map *map)
{
	uint32_t i;

	memset(l, 0, sizeof(*l));
	l->count = map->count;
	l->chunk = map->type == MEDIA_INTERLEAVED ? map->chunk_size : 0;
	for (i = 0; i < map->count; i++) {
		l->extent[i].device = map->ext[i].dev;
		l->extent[i].offset = map->ext[i].offset;
		l->extent[i].length = map->ext[i].len;
	}
}

static void put_entry(struct famfs_entry *to, uint64_t index,
		      const struct media_entry *e)
{
	const char *path = media_entry_path(e);

	memset(to, 0, sizeof(*to));
	to->index = index;
	to->type = (enum famfs_entry_type)e->type;
	if (path)
		memcpy(to->path, path, sizeof(to->path));
	switch (e->type) {
	case MEDIA_FILE:
		to->size = e->file.size;
		to->mode = e->file.mode & 07777;
		to->uid = e->file.uid;
		to->gid = e->file.gid;
		to->flags = e->file.flags;
		put_layout(&to->layout, &e->file.map);
		break;
	case MEDIA_MKDIR:
		to->mode = e->dir.mode & 07777;
		to->uid = e->dir.uid;
		to->gid = e->dir.gid;
		break;
	default:
		to->size = e->daxdev.size;
		to->device = e->daxdev.index;
		memcpy(to->uuid, e->daxdev.uuid, sizeof(to->uuid));
	}
}

struct walk {
	famfs_entry_fn fn;
	void *arg;
};

static int visit(void *arg, uint64_t index, const struct media_entry *e,
		 int bad)
{
	struct famfs_entry entry = { .index = index };
	struct walk *w = arg;

	if (bad)
		entry.wrong = log_strerror(bad);
	else
		put_entry(&entry, index, e);
	return w->fn(w->arg, &entry);
}

/**
 * famfs_walk() - visit the entries of the log
 * @fs: the file system
 * @from: index of the first; one past the last is no error
 * @fn: called for each, in order, the bad ones too
 * @arg: handed to @fn
 *
 * Return: 0, a negative error number, or what @fn ended the walk with
 */
int famfs_walk(struct famfs *fs, uint64_t from, famfs_entry_fn fn, void *arg)
{
	struct walk w = { fn, arg };
	struct media_log log;
	int rc;

	rc = fs_log_header(&fs->s.fs, "famfs", &log);
	if (rc)
		return rc;
	return log_walk(&fs->s.fs.log, from, log.next_index, visit, &w);
}

static int get_node(const struct famfs_new *new, char rel[MEDIA_PATH_SIZE],
		    struct new_node *node)
{
	enum media_err err;

	if (strlen(new->path) > MEDIA_PATH_MAX)
		return fail(-ENAMETOOLONG, new->path,
			    "path has more than the 79 bytes that the media format holds");
	memset(rel, 0, MEDIA_PATH_SIZE);
	strcpy(rel, new->path);
	err = media_path_normalise(rel);
	if (err)
		return fail(-EINVAL, new->path, media_strerror(err));
	if (new->mode & ~07777U)
		return fail(-EINVAL, new->path, "mode has more than permission bits");
	/* To chown(2) it means "unchanged", so each host would choose its own */
	if (new->uid == UINT32_MAX || new->gid == UINT32_MAX)
		return fail(-EINVAL, new->path, "no uid or gid is 2^32 - 1");
	if (new->reserved[0] || new->reserved[1])
		return fail(-EINVAL, new->path,
			    "reserved is not 0: this library is older than the program");
	*node = (struct new_node){
		.path = rel,
		.size = new->size,
		.mode = new->mode,
		.uid = new->uid,
		.gid = new->gid,
		.stripes = { .nstrips = new->strips, .chunk = new->chunk },
	};
	return 0;
}

/**
 * famfs_create() - make a file
 * @fs: the file system, opened for writing
 * @file: what to make
 * @fd: gets a descriptor, -1 in a dry run; may be NULL
 *
 * Return: 0; 1 where it is there with that size; or a negative error number
 */
int famfs_create(struct famfs *fs, const struct famfs_new *file, int *fd)
{
	char rel[MEDIA_PATH_SIZE];
	struct new_node node;
	bool there;
	int rc;

	if (fd)
		*fd = -1;
	rc = need_writable(fs);
	if (!rc)
		rc = get_node(file, rel, &node);
	if (!rc)
		rc = session_creat_fd(&fs->s, &node, &there, fd);
	return rc ? rc : there;
}

/**
 * famfs_mkdir() - make a directory
 * @fs: the file system, opened for writing
 * @dir: what to make
 *
 * Return: 0; 1 where it is there; or a negative error number
 */
int famfs_mkdir(struct famfs *fs, const struct famfs_new *dir)
{
	char rel[MEDIA_PATH_SIZE];
	struct new_node node;
	bool there;
	int rc;

	rc = need_writable(fs);
	if (!rc)
		rc = get_node(dir, rel, &node);
	if (!rc)
		rc = session_mkdir(&fs->s, &node, &there);
	return rc ? rc : there;
}

/**
 * famfs_allocate() - tell where a file would go
 * @fs: the file system, opened for writing
 * @file: the file; its path need not be new
 * @layout: gets its extents
 *
 * Return: 0 or a negative error number
 */
int famfs_allocate(struct famfs *fs, const struct famfs_new *file,
		   struct famfs_layout *layout)
{
	char rel[MEDIA_PATH_SIZE];
	struct new_node node;
	struct media_map map;
	int rc;

	memset(layout, 0, sizeof(*layout));
	rc = need_writable(fs);
	if (!rc)
		rc = get_node(file, rel, &node);
	if (!rc)
		rc = session_plan(&fs->s, &node, &map);
	if (!rc)
		put_layout(layout, &map);
	return rc;
}

/**
 * famfs_hold() - keep other processes from changing the file system
 * @fs: the file system, opened for writing
 *
 * Return: 0 or a negative error number
 */
int famfs_hold(struct famfs *fs)
{
	int rc = need_writable(fs);

	return rc ? rc : session_hold(&fs->s);
}

/**
 * famfs_release() - let other processes change it
 * @fs: the file system, held or not
 */
void famfs_release(struct famfs *fs)
{
	if (fs->writable)
		session_release(&fs->s);
}

/**
 * famfs_play() - make in the mount what has been logged
 * @fs: the file system
 *
 * Return: how many entries could not be played (famfs_message() tells of the
 * last), or a negative error number
 */
int famfs_play(struct famfs *fs)
{
	struct replay r = {
		.fs = &fs->s.fs,
		.name = "famfs",
		.dryrun = fs->s.dryrun,
		.keep_mode = true,
	};
	int rc;

	rc = fs_is_master(&fs->s.fs, &r.master);
	if (rc)
		return rc;
	/* The lock is the log file's, and this session may hold it already */
	if (fs->writable && fs->s.held)
		return fail(-EBUSY, "famfs", "is held; release it first");
	rc = replay_log(&r);
	if (rc)
		return rc;
	return r.errors < INT32_MAX ? (int)r.errors : INT32_MAX;
}

/**
 * famfs_map() - map a file
 * @fs: the file system
 * @path: of the file, from the mount on
 * @prot: as for mmap(2)
 * @addr: gets where
 * @length: gets how many bytes
 *
 * Return: 0 or a negative error number
 */
int famfs_map(struct famfs *fs, const char *path, int prot, void **addr,
	      size_t *length)
{
	struct stat st;
	int fd, rc = 0;

	*addr = NULL;
	*length = 0;
	fd = inside_open(fs->root, path,
			 (prot & PROT_WRITE ? O_RDWR : O_RDONLY) | O_NONBLOCK);
	if (fd < 0)
		return fail(fd, path, strerror(-fd));
	if (fstat(fd, &st))
		rc = fail(-errno, path, strerror(errno));
	else if (!S_ISREG(st.st_mode) || !st.st_size)
		rc = fail(-ENODATA, path, "is no file with a map");
	if (!rc) {
		/* The kernel chooses an address that large pages can have */
		void *p = mmap(NULL, st.st_size, prot, MAP_SHARED, fd, 0);

		if (p == MAP_FAILED) {
			rc = fail(-errno, path, strerror(errno));
		} else {
			*addr = p;
			*length = st.st_size;
		}
	}
	close(fd);
	return rc;
}

/**
 * famfs_flush() - let other hosts see what was stored
 * @addr: first byte
 * @length: number of bytes
 */
void famfs_flush(const void *addr, size_t length)
{
	cpucache_writeback(addr, length);
}

/**
 * famfs_invalidate() - see what other hosts have stored
 * @addr: first byte
 * @length: number of bytes
 */
void famfs_invalidate(const void *addr, size_t length)
{
	cpucache_invalidate(addr, length);
}

static int bad_entry(struct famfs_entry *entry, const char *what)
{
	entry->wrong = what;
	snprintf(message, sizeof(message), "log entry %llu: %s",
		 (unsigned long long)entry->index, what);
	return -EINVAL;
}

/**
 * famfs_decode_entry() - read and check the bytes of a log entry
 * @buf: the bytes, at any alignment; a private copy
 * @length: how many there are
 * @index: of the entry in the log
 * @entry: what it says, or what is wrong with it
 *
 * Return: 0 or -EINVAL
 */
int famfs_decode_entry(const void *buf, size_t length, uint64_t index,
		       struct famfs_entry *entry)
{
	struct media_entry e;
	enum media_err err;

	memset(entry, 0, sizeof(*entry));
	entry->index = index;
	if (length < MEDIA_ENTRY_BYTES)
		return bad_entry(entry, "is too short");
	err = media_entry_decode(&e, index, buf);
	if (err)
		return bad_entry(entry, media_strerror(err));
	put_entry(entry, index, &e);
	return 0;
}

static void get_map(struct media_map *map, const struct famfs_layout *l)
{
	uint32_t i;

	map->type = l->chunk ? MEDIA_INTERLEAVED : MEDIA_SIMPLE;
	map->chunk_size = l->chunk;
	map->count = l->count;
	for (i = 0; i < l->count; i++) {
		map->ext[i].dev = l->extent[i].device;
		map->ext[i].offset = l->extent[i].offset;
		map->ext[i].len = l->extent[i].length;
	}
}

/**
 * famfs_encode_entry() - write the bytes of a log entry
 * @entry: what it shall say; its index becomes its number
 * @buf: gets them, at any alignment
 * @length: room there
 *
 * Return: the number of bytes, or -EINVAL for what no decoder would accept
 */
int famfs_encode_entry(const struct famfs_entry *entry, void *buf,
		       size_t length)
{
	struct media_entry e = { .seqnum = entry->index, .type = entry->type };
	uint8_t bytes[MEDIA_ENTRY_BYTES];
	enum media_err err;

	if (!memchr(entry->path, '\0', sizeof(entry->path)))
		return fail(-EINVAL, "entry",
			    media_strerror(MEDIA_ERR_PATH_OPEN));
	if (length < sizeof(bytes))
		return fail(-EINVAL, entry->path, "no room for an entry");
	if (entry->layout.count > MEDIA_MAX_EXTENTS)
		return fail(-EINVAL, entry->path,
			    media_strerror(MEDIA_ERR_EXT_COUNT));
	switch (entry->type) {
	case FAMFS_ENTRY_FILE:
		e.file.size = entry->size;
		e.file.flags = entry->flags;
		e.file.uid = entry->uid;
		e.file.gid = entry->gid;
		e.file.mode = entry->mode;
		memcpy(e.file.path, entry->path, MEDIA_PATH_SIZE);
		get_map(&e.file.map, &entry->layout);
		break;
	case FAMFS_ENTRY_DIRECTORY:
		e.dir.uid = entry->uid;
		e.dir.gid = entry->gid;
		e.dir.mode = entry->mode;
		memcpy(e.dir.path, entry->path, MEDIA_PATH_SIZE);
		break;
	case FAMFS_ENTRY_DEVICE:
		e.daxdev.size = entry->size;
		e.daxdev.index = entry->device;
		memcpy(e.daxdev.uuid, entry->uuid, sizeof(e.daxdev.uuid));
		break;
	}
	media_entry_encode(&e, bytes);
	err = media_entry_decode(&e, entry->index, bytes);
	if (err)
		return fail(-EINVAL, entry->path, media_strerror(err));
	memcpy(buf, bytes, sizeof(bytes));
	return sizeof(bytes);
}
