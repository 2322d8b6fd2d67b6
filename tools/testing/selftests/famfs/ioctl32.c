// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A 32-bit program that makes one famfs ioctl, for compat_test: reads a struct
 * call32 from standard input, makes the call on descriptor 3, and writes the
 * struct, with what the call returned and left in the data, to standard output.
 *
 * It has no C library, so that it builds where there is none for 32 bits.
 */
#include <linux/stddef.h>

#include "ioctl32.h"

_Static_assert(sizeof(void *) == 4, "not a 32-bit program");
_Static_assert(sizeof(struct famfs_fmap_header) == 32, "header");
_Static_assert(sizeof(struct famfs_fmap_simple) == 24, "simple extent");
_Static_assert(sizeof(struct famfs_fmap_interleave) == 24, "interleaved extent");
_Static_assert(sizeof(struct famfs_daxdev) == 24, "device");
_Static_assert(sizeof(struct famfs_error) == 32, "error");
_Static_assert(sizeof(struct famfs_errors) == 16, "errors");

#define SYS_exit	1
#define SYS_read	3
#define SYS_write	4
#define SYS_ioctl	54

static struct call32 call;

static long kernel(long nr, long a, long b, long c)
{
	long ret;

	asm volatile("int $0x80" : "=a" (ret)
		     : "a" (nr), "b" (a), "c" (b), "d" (c) : "memory");
	return ret;
}

static void all(long nr, long fd)
{
	char *at = (char *)&call;
	long left = sizeof(call), done;

	while (left > 0) {
		done = kernel(nr, fd, (long)at, left);
		if (done <= 0)
			kernel(SYS_exit, 2, 0, 0);
		at += done;
		left -= done;
	}
}

void _start(void)
{
	all(SYS_read, 0);
	/* A pointer to a path that lies in the data, too. */
	if (call.path_at)
		((struct famfs_daxdev *)call.data)->path =
			(unsigned long)call.data + call.path_at;
	call.result = kernel(SYS_ioctl, 3, call_commands[call.what],
			     (long)call.data);
	all(SYS_write, 1);
	kernel(SYS_exit, 0, 0, 0);
	__builtin_unreachable();
}
