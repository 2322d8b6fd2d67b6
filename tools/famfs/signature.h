/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a device holds that is not of this project.
 */
#ifndef FAMFS_SIGNATURE_H
#define FAMFS_SIGNATURE_H

#define SIGNATURE_SIZE	64

int signature_find(int fd, char type[SIGNATURE_SIZE]);

#endif /* FAMFS_SIGNATURE_H */
