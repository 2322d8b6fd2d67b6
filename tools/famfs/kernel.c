// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Wrappers of the famfs ioctls. They turn maps of the media format into the
 * kernel's message, and the kernel's error numbers into words; they decide
 * nothing.
 */
#include "kernel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>

#include "util.h"

/**
 * kern_is_famfs() - tell whether a file lies in a famfs mount
 * @fd: the file or directory, not O_PATH
 *
 * Return: true if it does
 */
bool kern_is_famfs(int fd)
{
	return !ioctl(fd, FAMFSIOC_NOP);
}

/**
 * kern_may_map() - tell whether the kernel would let this process make maps
 * @fd: a regular file without a map, open for writing
 *
 * Asks with a message that no kernel accepts, so that nothing changes: who may
 * is checked before what is asked for.
 *
 * Return: 0 or a negative error number
 */
int kern_may_map(int fd)
{
	struct famfs_fmap_header none = { .fmap_version = FAMFS_FMAP_VERSION };

	if (!ioctl(fd, FAMFSIOC_MAP_CREATE, &none) || errno == EINVAL)
		return 0;
	return -errno;
}

static void put_extents(struct famfs_fmap_simple *rec,
			const struct media_map *map)
{
	uint32_t i;

	for (i = 0; i < map->count; i++) {
		rec[i] = (struct famfs_fmap_simple){
			.devindex = map->ext[i].dev,
			.offset = map->ext[i].offset,
			.len = map->ext[i].len,
		};
	}
}

/**
 * kern_map_create() - give an empty file its map
 * @fd: the file, open for writing
 * @type: what it shows
 * @size: of the file, in bytes
 * @map: one that media_map_covers() has passed
 *
 * Return: 0 or a negative error number, see kern_map_strerror()
 */
int kern_map_create(int fd, enum famfs_file_type type, uint64_t size,
		    const struct media_map *map)
{
	struct {
		struct famfs_fmap_header header;
		union {
			struct famfs_fmap_simple ext[MEDIA_MAX_EXTENTS];
			struct {
				struct famfs_fmap_interleave il;
				struct famfs_fmap_simple strip[MEDIA_MAX_EXTENTS];
			};
		};
	} msg = {
		.header = {
			.file_type = type,
			.fmap_version = FAMFS_FMAP_VERSION,
			.file_size = size,
		},
	};
	uint32_t bytes = map->count * sizeof(msg.ext[0]);

	if (map->type == MEDIA_INTERLEAVED) {
		msg.header.ext_type = FAMFS_EXT_INTERLEAVE;
		msg.header.nextents = 1;
		msg.il.nstrips = map->count;
		msg.il.chunk_size = map->chunk_size;
		msg.il.nbytes = round_up_pow2(size, MEDIA_PAGE);
		bytes += sizeof(msg.il);
		put_extents(msg.strip, map);
	} else {
		msg.header.ext_type = FAMFS_EXT_SIMPLE;
		msg.header.nextents = map->count;
		put_extents(msg.ext, map);
	}
	msg.header.fmap_size = sizeof(msg.header) + bytes;
	return ioctl(fd, FAMFSIOC_MAP_CREATE, &msg) ? -errno : 0;
}

/**
 * kern_map_strerror() - say in words why kern_map_create() failed
 * @rc: what it returned
 *
 * Return: a phrase that goes after the name of the file
 */
const char *kern_map_strerror(int rc)
{
	switch (rc) {
	case -EEXIST:
		return "has a map already";
	case -EADDRINUSE:
		return "its memory is mapped by another file";
	case -ERANGE:
		return "its map runs past the end of the device";
	case -ENXIO:
		return "its map names a device that this mount does not have";
	case -EOPNOTSUPP:
		return "this kernel module does not know its kind of map";
	case -EINVAL:
		return "the kernel refuses its map as malformed";
	case -EPERM:
		return "this process may not make maps: that needs CAP_SYS_RAWIO";
	default:
		return strerror(-rc);
	}
}

/**
 * kern_map_get() - read the map of a file
 * @fd: the file
 * @msg: gets the message, for free(3)
 *
 * Return: 0; -ENODATA where the file has no map; -ENOTTY where it is not in a
 * famfs mount; another negative error number
 */
int kern_map_get(int fd, struct famfs_fmap_header **msg)
{
	uint32_t room = sizeof(**msg) +
			MEDIA_MAX_EXTENTS * sizeof(struct famfs_fmap_simple);
	struct famfs_fmap_header *h = NULL;
	int rc;

	for (;;) {
		struct famfs_fmap_header *more = realloc(h, room);

		if (!more) {
			rc = -ENOMEM;
			break;
		}
		h = more;
		memset(h, 0, room);
		h->fmap_size = room;
		if (!ioctl(fd, FAMFSIOC_MAP_GET, h)) {
			*msg = h;
			return 0;
		}
		rc = -errno;
		/* The header then says how much is needed */
		if (rc != -EMSGSIZE || h->fmap_size <= room)
			break;
		room = h->fmap_size;
	}
	free(h);
	return rc;
}

/**
 * kern_get_errors() - list the ranges of a file whose memory is bad
 * @fd: the file
 * @start: offset in the file from which on they are wanted
 * @errors: room for @n of them
 * @n: how many
 *
 * Return: how many there are, or a negative error number; 0 on a kernel module
 * that does not know the call
 */
int kern_get_errors(int fd, uint64_t start, struct famfs_error *errors,
		    uint32_t n)
{
	struct famfs_errors *req;
	int rc;

	req = calloc(1, sizeof(*req) + n * sizeof(*errors));
	if (!req)
		return -ENOMEM;
	req->start = start;
	req->nr = n;
	if (!ioctl(fd, FAMFSIOC_GET_ERRORS, req)) {
		rc = req->nr;
		memcpy(errors, req->errors, req->nr * sizeof(*errors));
	} else {
		rc = errno == ENOTTY ? 0 : -errno;
	}
	free(req);
	return rc;
}

/**
 * kern_daxdev_open() - give a mount a further device
 * @fd: anything in the mount, not O_PATH
 * @index: that maps name the device by
 * @path: of its node
 *
 * Does nothing where the mount has that device at that index.
 *
 * Return: 0 or a negative error number, see kern_daxdev_strerror()
 */
int kern_daxdev_open(int fd, uint32_t index, const char *path)
{
	const struct famfs_daxdev req = {
		.daxdev_index = index,
		.path = (uintptr_t)path,
		.pathlen = strlen(path),
	};

	return ioctl(fd, FAMFSIOC_DAXDEV_OPEN, &req) ? -errno : 0;
}

/**
 * kern_daxdev_there() - tell whether a mount has a device at an index
 * @fd: anything in the mount, not O_PATH
 * @index: the index
 *
 * Asks for what is no device, which the kernel holds against the one that is
 * there before it looks any further.
 *
 * Return: true if it has one, even if that has gone away since
 */
bool kern_daxdev_there(int fd, uint32_t index)
{
	return kern_daxdev_open(fd, index, "/") == -EEXIST;
}

/**
 * kern_daxdev_strerror() - say in words why kern_daxdev_open() failed
 * @rc: what it returned
 *
 * Return: a phrase that goes after the name of the device
 */
const char *kern_daxdev_strerror(int rc)
{
	switch (rc) {
	case -EEXIST:
		return "the mount has another device at its index; unmount and mount anew";
	case -EBUSY:
		return "is held by another mount or user";
	case -EINVAL:
		return "is no dax device, or begins or ends within a page";
	case -EOPNOTSUPP:
		return "is in a mode that can't carry famfs, or this kernel can't";
	case -ENXIO:
		return "has no driver, or is going away";
	case -EPERM:
		return "this process may not add devices: that needs CAP_SYS_RAWIO";
	default:
		return strerror(-rc);
	}
}

/**
 * kern_capacity() - size of the memory behind a mount, all its devices
 * @fd: anything in the mount
 * @bytes: where it goes
 *
 * Return: 0 or a negative error number
 */
int kern_capacity(int fd, uint64_t *bytes)
{
	struct statfs fs;

	if (fstatfs(fd, &fs))
		return -errno;
	*bytes = (uint64_t)fs.f_blocks * fs.f_bsize;
	return 0;
}
