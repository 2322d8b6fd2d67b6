/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opening what has to be a regular file.
 */
#ifndef FAMFS_REGULAR_H
#define FAMFS_REGULAR_H

#include <sys/stat.h>

int regular_open(const char *path, struct stat *st);
const char *regular_strerror(int rc);

#endif /* FAMFS_REGULAR_H */
