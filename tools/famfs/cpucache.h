/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The processor's cache between this host and memory that others share: what
 * has been stored is written back, what others may have stored is dropped.
 */
#ifndef FAMFS_CPUCACHE_H
#define FAMFS_CPUCACHE_H

#include <stddef.h>

void cpucache_writeback(const void *addr, size_t len);
void cpucache_invalidate(const void *addr, size_t len);
void cpucache_fence(void);

#endif /* FAMFS_CPUCACHE_H */
