/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's part of a mount, played in a directory of any file system, for
 * tests of what makes files. Link with
 *
 *   -Wl,--wrap=kern_map_create,--wrap=kern_capacity,--wrap=kern_is_famfs
 *   -Wl,--wrap=kern_daxdev_there
 *
 * A map gives its file the size, and is remembered. What the kernel would refuse
 * is refused with the same error number; but a map of memory that the tools
 * promise never to ask for, be it of superblock or log or past the end of device
 * 0, ends the program: no input may bring them to that.
 */
#ifndef FAMFS_KERNEL_SHIM_H
#define FAMFS_KERNEL_SHIM_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel.h"

struct shim_file {
	ino_t ino;
	uint64_t size;
	struct media_map map;
};

static struct {
	uint64_t floor;		/* end of the log: files begin there */
	uint64_t capacity;	/* of device 0 */
	uint32_t devices;	/* that the mount has, 0 counted as one */
	int fail;		/* what the next map is refused with */
	struct shim_file *file;	/* with a map, in the order they came */
	size_t files;
} shim = { .devices = 1 };

bool __wrap_kern_is_famfs(int fd);
bool __wrap_kern_daxdev_there(int fd, uint32_t index);
int __wrap_kern_capacity(int fd, uint64_t *bytes);
int __wrap_kern_map_create(int fd, enum famfs_file_type type, uint64_t size,
			   const struct media_map *map);

static inline void shim_reset(uint64_t floor, uint64_t capacity)
{
	free(shim.file);
	shim.file = NULL;
	shim.files = 0;
	shim.floor = floor;
	shim.capacity = capacity;
	shim.devices = 1;
	shim.fail = 0;
}

static inline const struct shim_file *shim_find(int fd)
{
	struct stat st;
	size_t i;

	if (fstat(fd, &st))
		return NULL;
	for (i = 0; i < shim.files; i++) {
		if (shim.file[i].ino == st.st_ino)
			return &shim.file[i];
	}
	return NULL;
}

static inline void shim_broken(const char *what)
{
	fprintf(stderr, "kernel shim: %s\n", what);
	abort();
}

static inline bool shim_shares(const struct media_map *a,
			       const struct media_map *b)
{
	uint32_t i, k;

	for (i = 0; i < a->count; i++) {
		const struct media_extent *x = &a->ext[i];

		for (k = 0; k < b->count; k++) {
			const struct media_extent *y = &b->ext[k];

			if (x->dev == y->dev && x->offset < y->offset + y->len &&
			    y->offset < x->offset + x->len)
				return true;
		}
	}
	return false;
}

bool __wrap_kern_is_famfs(int fd)
{
	struct stat st;

	return !fstat(fd, &st);
}

bool __wrap_kern_daxdev_there(int fd, uint32_t index)
{
	(void)fd;
	return index < shim.devices;
}

int __wrap_kern_capacity(int fd, uint64_t *bytes)
{
	(void)fd;
	*bytes = shim.capacity;
	return 0;
}

int __wrap_kern_map_create(int fd, enum famfs_file_type type, uint64_t size,
			   const struct media_map *map)
{
	struct shim_file *more;
	struct stat st;
	uint32_t i;
	size_t k;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		shim_broken("a map for what is no regular file");
	if (st.st_size)
		shim_broken("a map for a file that is not empty");
	if (type != FAMFS_FILE_REG)
		shim_broken("a map for superblock or log");
	if (media_map_covers(map, size))
		shim_broken("a malformed map");
	for (i = 0; i < map->count; i++) {
		const struct media_extent *x = &map->ext[i];

		if (x->dev)
			continue;
		if (x->offset < shim.floor)
			shim_broken("a map of superblock or log memory");
		if (x->offset + x->len > shim.capacity)
			shim_broken("a map past the end of the device");
	}

	if (shim.fail) {
		int rc = shim.fail;

		shim.fail = 0;
		return rc;
	}
	for (i = 0; i < map->count; i++) {
		if (map->ext[i].dev >= shim.devices)
			return -ENXIO;
	}
	for (k = 0; k < shim.files; k++) {
		if (shim_shares(map, &shim.file[k].map))
			return -EADDRINUSE;
	}
	if (ftruncate(fd, size))
		return -errno;
	more = realloc(shim.file, (shim.files + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	shim.file = more;
	more[shim.files++] = (struct shim_file){ st.st_ino, size, *map };
	return 0;
}

#endif /* FAMFS_KERNEL_SHIM_H */
