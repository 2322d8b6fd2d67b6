/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's mount API: make a mount that is nowhere yet, and attach it.
 */
#ifndef FAMFS_MOUNTAPI_H
#define FAMFS_MOUNTAPI_H

#include <stdbool.h>
#include <stdint.h>

struct mountopts;

int mount_detached(const char *dev, const struct mountopts *opts);
int mount_glance(const char *dev, int *lock);
void mount_glance_end(int mount, int lock);
int mount_reconfigure(const char *dir, const struct mountopts *opts);
int mount_change(int dirfd, const char *dir, uint64_t set, uint64_t clear);
int mount_attach(int mount, const char *dir);

#endif /* FAMFS_MOUNTAPI_H */
