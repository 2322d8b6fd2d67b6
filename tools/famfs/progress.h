/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A line on the terminal that says how far long work has come.
 */
#ifndef FAMFS_PROGRESS_H
#define FAMFS_PROGRESS_H

#include <stdint.h>

void progress_start(const char *done);
void progress_bytes(uint64_t n);
void progress_file(void);
void progress_end(void);

#endif /* FAMFS_PROGRESS_H */
