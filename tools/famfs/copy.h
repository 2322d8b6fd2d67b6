/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Copying the bytes of a file into famfs.
 */
#ifndef FAMFS_COPY_H
#define FAMFS_COPY_H

#include <stdint.h>

int copy_bytes(int from, int to, uint64_t size);

#endif /* FAMFS_COPY_H */
