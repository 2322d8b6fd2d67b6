/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the famfs selftests share: the device, a mount that leaves nothing
 * behind, file maps, and measures of what the kernel did.
 *
 * Each test runs in a process of its own and makes its mounts in a mount
 * namespace of its own: however the test ends, they end with it. Nothing here
 * reports a result: functions return 0 or -errno, for the tests to compare.
 *
 * All that is on the device is overwritten.
 */
#ifndef FAMFS_TEST_H
#define FAMFS_TEST_H

#include <fcntl.h>
#include <linux/famfs_ioctl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>

#include "kselftest.h"

#define PAGE		4096ULL
#define MiB		(1024 * 1024ULL)
#define PMD		(2 * MiB)

/* Smallest device that the tests make do with. */
#define DEVICE_MIN	(256 * MiB)

/* Both are there after private_mounts(), as is a tmpfs at SCRATCH. */
#define SCRATCH		"/mnt"
#define ROOT		SCRATCH "/famfs"
#define ROOT2		SCRATCH "/famfs2"

#define NOBODY		65534

/**
 * ERR() - a system call's failure as one number
 * @call: returns -1 (or MAP_FAILED) and sets errno if it fails
 *
 * Return: 0 or -errno.
 */
#define ERR(call)	((long)(call) == -1 ? -errno : 0)

/**
 * struct span - a range of bytes on the device
 * @offset: first byte
 * @len: number of bytes
 */
struct span {
	__u64 offset;
	__u64 len;
};

/**
 * struct fmap - a message of simple extents
 * @head: header
 * @ext: as many as @head.nextents
 */
struct fmap {
	struct famfs_fmap_header head;
	struct famfs_fmap_simple ext[];
};

/**
 * struct stripe - a part of a file that is interleaved
 * @chunk_size: bytes that lie together on a strip
 * @nbytes: bytes of the file
 * @nstrips: number of @strips
 * @strips: where it lies
 */
struct stripe {
	__u32 chunk_size;
	__u64 nbytes;
	__u32 nstrips;
	const struct famfs_fmap_simple *strips;
};

const char *device(void);
const char *device2(void);
__u64 device_size(const char *dev);
bool is_block(const char *dev);
bool device_may_be_used(const char *dev);
int device_driver(const char *dev, char *name, size_t size);
int device_write_cache(const char *dev, const char *value);
int device_node(const char *dev, const char *path, mode_t mode);
void require_device(void);

int private_mounts(void);
int mount_famfs(void);
int in_child(int (*fn)(void *arg), void *arg);
int drop_cap(int cap);
int become_nobody(void);

int devices(const char *paths[], int max);
const char *block_device(void);
int daxdev_open(int fd, __u64 index, const char *path);
long opts(int fd, unsigned long cmd, __u64 bits);

struct fmap *fmap_alloc(__u32 nextents);
void *fmap_striped(__u64 size, const struct stripe *stripes, __u32 n);
struct fmap *fmap_of(__u64 size, const struct span *spans, __u32 n);
int map_create(int fd, const void *message);
int map_get(int fd, void *buffer);
struct fmap *map_fetch(int fd);
__u64 free_blocks(void);
int create_empty(const char *path);
int create_spans(const char *path, __u64 size, const struct span *spans,
		 __u32 n);
void *map_shared(int fd, __u64 size);
int create_at(const char *path, __u64 offset, __u64 size);

__u64 seed(void);
__u64 rnd(__u64 *state);
__u64 rnd_below(__u64 *state, __u64 limit);
void fill(void *buffer, size_t len, __u64 key);
ssize_t first_difference(const void *a, const void *b, size_t len);

int read_text(const char *path, char *text, size_t size);
int write_text(const char *path, const char *text);
bool kernel_complained(char *line, size_t size);
void faults(long *minor, long *major);
int event_open(const char *name, const char *filter);
long event_count(int fd);

#endif /* FAMFS_TEST_H */
