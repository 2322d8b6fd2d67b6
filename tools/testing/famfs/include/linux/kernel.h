/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What fs/famfs/map.c takes from the kernel's header, in user space. */
#ifndef _SHIM_LINUX_KERNEL_H
#define _SHIM_LINUX_KERNEL_H

#include <linux/types.h>

#endif
