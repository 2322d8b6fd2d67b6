/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What fs/famfs/map.c takes from the kernel's header, in user space. */
#ifndef _SHIM_LINUX_MM_H
#define _SHIM_LINUX_MM_H

#define PAGE_SHIFT	12
#define PAGE_SIZE	(1UL << PAGE_SHIFT)
#define PAGE_MASK	(~(PAGE_SIZE - 1))
#define PAGE_ALIGN(x)	(((x) + PAGE_SIZE - 1) & PAGE_MASK)

#endif
