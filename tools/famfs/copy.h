/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Copying the bytes of a file into famfs.
 */
#ifndef FAMFS_COPY_H
#define FAMFS_COPY_H

#include <stdbool.h>
#include <stdint.h>

void copy_stop(int sig);
int copy_stopped(void);
int copy_range(int from, int to, uint64_t off, uint64_t len, bool sparse);
int copy_compare(int from, int to, uint64_t off, uint64_t len, uint64_t *at);

#endif /* FAMFS_COPY_H */
