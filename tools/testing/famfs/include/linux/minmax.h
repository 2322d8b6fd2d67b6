/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What fs/famfs/map.c takes from the kernel's header, in user space. */
#ifndef _SHIM_LINUX_MINMAX_H
#define _SHIM_LINUX_MINMAX_H

#include <linux/types.h>

static inline u64 shim_min(u64 a, u64 b)
{
	return a < b ? a : b;
}

#define min(a, b)		shim_min(a, b)
#define min_t(type, a, b)	((type)shim_min((type)(a), (type)(b)))

#endif
