/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What ioctl32 and compat_test say to each other: the same in 32 and 64 bits.
 */
#ifndef IOCTL32_H
#define IOCTL32_H

#include <linux/types.h>

enum {
	CALL_NOP, CALL_MAP_CREATE, CALL_DAXDEV_OPEN, CALL_GET_OPTS,
	CALL_SET_OPTS, CALL_CLEAR_OPTS, CALL_MAP_GET, CALL_GET_ERRORS,
	CALL_UNKNOWN,
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
