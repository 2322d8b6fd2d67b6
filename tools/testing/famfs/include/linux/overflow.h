/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What fs/famfs/map.c takes from the kernel's header, in user space. */
#ifndef _SHIM_LINUX_OVERFLOW_H
#define _SHIM_LINUX_OVERFLOW_H

#include <stddef.h>

#define check_add_overflow(a, b, d)	__builtin_add_overflow(a, b, d)
#define struct_size_t(type, member, n)	offsetof(type, member[n])

#endif
