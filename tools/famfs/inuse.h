/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who has a device open or mapped.
 */
#ifndef FAMFS_INUSE_H
#define FAMFS_INUSE_H

#include <sys/types.h>

int inuse_find(const char *path, pid_t *pid);

#endif /* FAMFS_INUSE_H */
