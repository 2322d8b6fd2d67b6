/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Copying the bytes of a file into famfs.
 */
#ifndef FAMFS_COPY_H
#define FAMFS_COPY_H

#include <stdint.h>

void copy_stop(int sig);
int copy_stopped(void);
int copy_bytes(int from, int to, uint64_t size);

#endif /* FAMFS_COPY_H */
