/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's side: the famfs ioctls, spoken in terms of the media format.
 */
#ifndef FAMFS_KERNEL_H
#define FAMFS_KERNEL_H

#include <linux/famfs_ioctl.h>
#include <stdbool.h>
#include <stdint.h>

#include "media.h"

bool kern_is_famfs(int fd);
int kern_may_map(int fd);
int kern_map_create(int fd, enum famfs_file_type type, uint64_t size,
		    const struct media_map *map);
int kern_map_get(int fd, struct famfs_fmap_header **msg);
int kern_get_errors(int fd, uint64_t start, struct famfs_error *errors,
		    uint32_t n);
int kern_daxdev_open(int fd, uint32_t index, const char *path);
bool kern_daxdev_there(int fd, uint32_t index);
int kern_capacity(int fd, uint64_t *bytes);
const char *kern_map_strerror(int rc);
const char *kern_daxdev_strerror(int rc);

#endif /* FAMFS_KERNEL_H */
