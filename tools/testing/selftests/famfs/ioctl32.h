/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What ioctl32 and compat_test say to each other: the same in 32 and 64 bits.
 */
#ifndef IOCTL32_H
#define IOCTL32_H

#include <linux/famfs_ioctl.h>
#include <linux/types.h>

enum {
	CALL_NOP, CALL_MAP_CREATE, CALL_DAXDEV_OPEN, CALL_GET_OPTS,
	CALL_SET_OPTS, CALL_CLEAR_OPTS, CALL_MAP_GET, CALL_GET_ERRORS,
	CALL_UNKNOWN,
};

/* As the compiler of the program that includes this has them. */
static const unsigned long call_commands[] = {
	[CALL_NOP] = FAMFSIOC_NOP,
	[CALL_MAP_CREATE] = FAMFSIOC_MAP_CREATE,
	[CALL_DAXDEV_OPEN] = FAMFSIOC_DAXDEV_OPEN,
	[CALL_GET_OPTS] = FAMFSIOC_GET_OPTS,
	[CALL_SET_OPTS] = FAMFSIOC_SET_OPTS,
	[CALL_CLEAR_OPTS] = FAMFSIOC_CLEAR_OPTS,
	[CALL_MAP_GET] = FAMFSIOC_MAP_GET,
	[CALL_GET_ERRORS] = FAMFSIOC_GET_ERRORS,
	[CALL_UNKNOWN] = _IOW(FAMFS_IOC_MAGIC, 0x51, __u32),
};

/**
 * struct call32 - one ioctl
 * @what: CALL_ number
 * @result: returns what the kernel did: 0 or -errno
 * @path_at: where in @data the path of a struct famfs_daxdev lies; else 0
 * @pad: 0
 * @data: the argument; its contents are returned
 */
struct call32 {
	__u32 what;
	__s32 result;
	__u32 path_at;
	__u32 pad;
	unsigned char data[4096];
};

#endif /* IOCTL32_H */
