// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is asked of the kernel, byte for byte, and what its answers are taken
 * for. The ioctls are played.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "test.h"

#include "kernel.h"

#define FD	1234

/* The next answer, and what was asked */
static struct {
	int err;
	unsigned long request;
	struct famfs_fmap_header header;
	struct famfs_fmap_interleave il;
	struct famfs_fmap_simple ext[MEDIA_MAX_EXTENTS];
	uint32_t needs;		/* bytes that the map of a file has */
	uint32_t grows;		/* so much after that was asked for */
	uint32_t index;
	char path[64];
	unsigned int calls;
} kernel;

int __wrap_ioctl(int fd, unsigned long request, ...);

static void map_create(const struct famfs_fmap_header *h)
{
	const void *rec = h + 1;
	size_t left;

	kernel.header = *h;
	if (h->fmap_size <= sizeof(*h))
		return;
	left = h->fmap_size - sizeof(*h);
	if (h->ext_type == FAMFS_EXT_INTERLEAVE) {
		memcpy(&kernel.il, rec, sizeof(kernel.il));
		rec = (const char *)rec + sizeof(kernel.il);
		left -= sizeof(kernel.il);
	}
	assert_true(left <= sizeof(kernel.ext));
	memcpy(kernel.ext, rec, left);
}

static int map_get(struct famfs_fmap_header *h)
{
	uint32_t room = h->fmap_size;

	h->fmap_size = kernel.needs;
	if (room < kernel.needs) {
		kernel.needs += kernel.grows;
		kernel.grows = 0;
		return EMSGSIZE;
	}
	/* To be seen by ASan where there is less room than was said */
	memset(h + 1, 0x5a, kernel.needs - sizeof(*h));
	return 0;
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	struct famfs_errors *errors;
	struct famfs_daxdev *dev;
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	assert_int_equal(fd, FD);
	kernel.request = request;
	kernel.calls++;
	errno = kernel.err;
	if (request == FAMFSIOC_MAP_CREATE) {
		map_create(arg);
	} else if (request == FAMFSIOC_MAP_GET && !errno) {
		errno = map_get(arg);
	} else if (request == FAMFSIOC_GET_ERRORS && !errno) {
		errors = arg;
		assert_int_equal(errors->start, 4096);
		assert_int_equal(errors->nr, 3);
		errors->nr = 2;
		errors->errors[0].offset = 8192;
		errors->errors[1].offset = 16384;
	} else if (request == FAMFSIOC_DAXDEV_OPEN) {
		dev = arg;
		kernel.index = dev->daxdev_index;
		assert_true(dev->pathlen < sizeof(kernel.path));
		memcpy(kernel.path, (void *)(uintptr_t)dev->path, dev->pathlen);
	}
	return errno ? -1 : 0;
}

static int afresh(void **state)
{
	(void)state;
	memset(&kernel, 0, sizeof(kernel));
	return 0;
}

static void asks(void **state)
{
	(void)state;
	assert_true(kern_is_famfs(FD));
	assert_int_equal(kernel.request, FAMFSIOC_NOP);
	kernel.err = ENOTTY;
	assert_false(kern_is_famfs(FD));
	/* A message that no kernel takes: so that one is the good answer */
	kernel.err = EINVAL;
	assert_int_equal(kern_may_map(FD), 0);
	assert_int_equal(kernel.header.nextents, 0);
	kernel.err = EPERM;
	assert_int_equal(kern_may_map(FD), -EPERM);
	assert_int_equal(kern_capacity(-1, &(uint64_t){ 0 }), -EBADF);
}

static void maps(void **state)
{
	struct media_map map = {
		.count = 2,
		.ext = { { 0, 0xa00000, 0x200000 }, { 1, 0xc00000, 0x400000 } },
	};

	(void)state;
	assert_int_equal(kern_map_create(FD, FAMFS_FILE_REG, 5, &map), 0);
	assert_int_equal(kernel.header.ext_type, FAMFS_EXT_SIMPLE);
	assert_int_equal(kernel.header.file_type, FAMFS_FILE_REG);
	assert_int_equal(kernel.header.file_size, 5);
	assert_int_equal(kernel.header.nextents, 2);
	assert_int_equal(kernel.header.fmap_size,
			 sizeof(kernel.header) + 2 * sizeof(kernel.ext[0]));
	assert_int_equal(kernel.ext[1].devindex, 1);
	assert_int_equal(kernel.ext[1].offset, 0xc00000);
	assert_int_equal(kernel.ext[1].len, 0x400000);

	map.type = MEDIA_INTERLEAVED;
	map.chunk_size = 0x200000;
	kernel.err = ENXIO;
	assert_int_equal(kern_map_create(FD, FAMFS_FILE_REG, 5, &map), -ENXIO);
	assert_int_equal(kernel.header.ext_type, FAMFS_EXT_INTERLEAVE);
	assert_int_equal(kernel.header.nextents, 1);
	assert_int_equal(kernel.header.fmap_size,
			 sizeof(kernel.header) + sizeof(kernel.il) +
			 2 * sizeof(kernel.ext[0]));
	assert_int_equal(kernel.il.nstrips, 2);
	assert_int_equal(kernel.il.chunk_size, 0x200000);
	assert_int_equal(kernel.il.nbytes, 4096);
	assert_int_equal(kernel.ext[0].offset, 0xa00000);
	assert_int_equal(kernel.ext[1].devindex, 1);
}

/* One that has grown since it was asked for how long it is */
static void long_maps(void **state)
{
	struct famfs_fmap_header *msg = NULL;

	(void)state;
	kernel.needs = sizeof(*msg) + 100;
	assert_int_equal(kern_map_get(FD, &msg), 0);
	assert_int_equal(msg->fmap_size, kernel.needs);
	assert_int_equal(kernel.calls, 1);
	free(msg);
	kernel.calls = 0;
	kernel.needs = 1 << 16;
	kernel.grows = 4096;
	assert_int_equal(kern_map_get(FD, &msg), 0);
	assert_int_equal(kernel.calls, 3);
	assert_int_equal(msg->fmap_size, (1 << 16) + 4096);
	assert_int_equal(((uint8_t *)msg)[msg->fmap_size - 1], 0x5a);
	free(msg);
	kernel.err = ENODATA;
	assert_int_equal(kern_map_get(FD, &msg), -ENODATA);
	/* A kernel that wants more and does not say how much */
	kernel.err = EMSGSIZE;
	assert_int_equal(kern_map_get(FD, &msg), -EMSGSIZE);
}

static void bad_memory(void **state)
{
	struct famfs_error bad[3];

	(void)state;
	assert_int_equal(kern_get_errors(FD, 4096, bad, 3), 2);
	assert_int_equal(bad[0].offset, 8192);
	assert_int_equal(bad[1].offset, 16384);
	/* A module that does not know the call knows no bad memory */
	kernel.err = ENOTTY;
	assert_int_equal(kern_get_errors(FD, 4096, bad, 3), 0);
	kernel.err = EIO;
	assert_int_equal(kern_get_errors(FD, 4096, bad, 3), -EIO);
}

static void devices(void **state)
{
	(void)state;
	assert_int_equal(kern_daxdev_open(FD, 3, "/dev/dax1.0"), 0);
	assert_int_equal(kernel.index, 3);
	assert_string_equal(kernel.path, "/dev/dax1.0");
	kernel.err = EEXIST;
	assert_true(kern_daxdev_there(FD, 1));
	kernel.err = ENODEV;
	assert_false(kern_daxdev_there(FD, 1));
}

static void words(void **state)
{
	static const struct {
		int err;
		const char *map;
		const char *device;
	} said[] = {
		{ EEXIST, "has a map", "another device" },
		{ EADDRINUSE, "another file", "in use" },
		{ ERANGE, "past the end", "out of range" },
		{ ENXIO, "does not have", "no driver" },
		{ EOPNOTSUPP, "does not know", "a mode" },
		{ EINVAL, "malformed", "no dax device" },
		{ EPERM, "CAP_SYS_RAWIO", "CAP_SYS_RAWIO" },
		{ EBUSY, "busy", "another mount" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(said); i++) {
		assert_non_null(strstr(kern_map_strerror(-said[i].err),
				       said[i].map));
		assert_non_null(strstr(kern_daxdev_strerror(-said[i].err),
				       said[i].device));
	}
}

#define FRESH(fn)	cmocka_unit_test_setup(fn, afresh)

int main(void)
{
	const struct CMUnitTest cases[] = {
		FRESH(asks),
		FRESH(maps),
		FRESH(long_maps),
		FRESH(bad_memory),
		FRESH(devices),
		FRESH(words),
	};

	return cmocka_run_group_tests_name("kernel", cases, NULL, NULL);
}
