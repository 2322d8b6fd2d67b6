/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libfamfs: famfs file systems from a program.
 *
 * A file system is opened by any path in its mount. Any process that may read
 * the meta files, which is root, can walk its log. On the machine that is the
 * file system's master, a process that may also write them can make files and
 * directories; as many as it likes at a time, at a cost of O(log n) each.
 *
 * All functions that return an int return 0 or more, or a negative error number;
 * famfs_message() then says in words what is wrong and what to do. A struct
 * famfs is for one thread at a time. Other processes may change the same file
 * system at the same time: each change takes the log's lock for itself. All
 * numbers are in bytes and in the machine's byte order. Nothing that is handed
 * out points into the shared memory, but for what famfs_map() maps. What is
 * called reserved is 0, for what is to come.
 */
#ifndef LIBFAMFS_H
#define LIBFAMFS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct famfs;

#define FAMFS_OPEN_WRITE	(1U << 0)	/* files will be made */
#define FAMFS_OPEN_DRYRUN	(1U << 1)	/* with that: all but making */
/*
 * Without that: read the log by read(2), so that memory that is bad is an error
 * and no signal
 */
#define FAMFS_OPEN_BY_READ	(1U << 2)

/*
 * Opens the file system that @path lies in, which has to be there: -ENOENT; *@fs
 * is for famfs_close()
 */
int famfs_open(struct famfs **fs, const char *path, unsigned int flags);
void famfs_close(struct famfs *fs);

/* What the last function that failed in this thread had to say; never NULL */
const char *famfs_message(void);

struct famfs_statistics {
	uint8_t uuid[16];	/* of the file system */
	uint8_t master[16];	/* identity of the host that may change it */
	uint64_t capacity;	/* of the first device */
	uint64_t alloc_unit;	/* what files are rounded up to */
	uint64_t log_entries;	/* that are there */
	uint64_t log_room;	/* for so many in all */
	uint64_t free;		/* 0 unless opened for writing, as the next */
	uint64_t largest;	/* the largest file that fits */
	uint32_t is_master;	/* whether this host is it */
	uint32_t reserved[9];
};

int famfs_get_statistics(struct famfs *fs, struct famfs_statistics *st);

#define FAMFS_MAX_EXTENTS	16
#define FAMFS_PATH_MAX		79	/* bytes, from the mount on */

struct famfs_extent {
	uint64_t device;	/* 0 is the one that was mounted */
	uint64_t offset;
	uint64_t length;
};

/* The bytes of a file: one extent after the other, or, by chunks, in turn */
struct famfs_layout {
	uint64_t chunk;		/* 0 where the extents are no strips */
	uint32_t count;
	uint32_t reserved;
	struct famfs_extent extent[FAMFS_MAX_EXTENTS];
};

enum famfs_entry_type {
	FAMFS_ENTRY_FILE	= 0,
	FAMFS_ENTRY_DIRECTORY	= 1,
	FAMFS_ENTRY_DEVICE	= 3,
};

/* An entry of the log. What does not go with its type is 0. */
struct famfs_entry {
	uint64_t index;		/* 0 for the first */
	const char *wrong;	/* NULL; or what is wrong with it: the rest is 0 */
	enum famfs_entry_type type;
	uint32_t mode;		/* permission bits */
	uint32_t uid;
	uint32_t gid;
	uint64_t size;		/* of a file, or a device */
	uint32_t flags;		/* of a file: 1 all hosts read, 2 all write */
	uint32_t device;	/* index of a device */
	uint8_t uuid[16];	/* of a device */
	char path[FAMFS_PATH_MAX + 1];
	struct famfs_layout layout;
	uint64_t reserved[4];
};

/* What is not 0 ends the walk */
typedef int (*famfs_entry_fn)(void *arg, const struct famfs_entry *entry);

/* Calls @fn for each entry from index @from on; returns what ended the walk */
int famfs_walk(struct famfs *fs, uint64_t from, famfs_entry_fn fn, void *arg);

struct famfs_new {
	const char *path;	/* from the mount on */
	uint64_t size;		/* of a file, 1 or more */
	uint32_t mode;		/* permission bits, as they shall be */
	uint32_t uid;
	uint32_t gid;
	uint32_t strips;	/* 0; or 1 to 16, on different devices first */
	uint64_t chunk;		/* 0 for 2 MiB; a multiple of alloc_unit */
	uint64_t reserved[2];
};

/*
 * Makes a file, on all hosts. With that path and size it may be there: 1 is
 * returned then, else 0. Where @fd is not NULL, it gets a descriptor for reading
 * and writing. The memory has what was in it before.
 */
int famfs_create(struct famfs *fs, const struct famfs_new *file, int *fd);

/* Makes a directory; that above it must be logged. 1 where it is there. */
int famfs_mkdir(struct famfs *fs, const struct famfs_new *dir);

/* Where famfs_create() would put a file, as things are; nothing is changed */
int famfs_allocate(struct famfs *fs, const struct famfs_new *file,
		   struct famfs_layout *layout);

/*
 * Keeps other processes of this host from changing the file system, so that
 * several changes cost less, and what famfs_allocate() says holds.
 */
int famfs_hold(struct famfs *fs);
void famfs_release(struct famfs *fs);

/* Makes what others have logged; returns how many entries could not be played */
int famfs_play(struct famfs *fs);

/*
 * Maps all of a file, shared, for munmap(2); where it is large, so that it can be
 * mapped by large pages. @prot is as for mmap(2).
 */
int famfs_map(struct famfs *fs, const char *path, int prot, void **addr,
	      size_t *length);

/*
 * Lets other hosts see what was stored: famfs_flush() after the stores. Lets
 * this one see what they have stored and flushed: famfs_invalidate() before the
 * loads. Cache lines are treated whole.
 */
void famfs_flush(const void *addr, size_t length);
void famfs_invalidate(const void *addr, size_t length);

/*
 * The media format by itself: @buf has @length bytes of an entry, 544 or more;
 * nothing else is looked at. Returns 0; or -EINVAL, with @entry->wrong set.
 */
int famfs_decode_entry(const void *buf, size_t length, uint64_t index,
		       struct famfs_entry *entry);
/* Returns the number of bytes that were written to @buf: 544; or -EINVAL */
int famfs_encode_entry(const struct famfs_entry *entry, void *buf,
		       size_t length);

#ifdef __cplusplus
}
#endif

#endif /* LIBFAMFS_H */
