/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who this host is, for the question whether it is a file system's master.
 */
#ifndef FAMFS_IDENTITY_H
#define FAMFS_IDENTITY_H

#include <stdint.h>

#define IDENTITY_FILE		"/opt/famfs/system_uuid"
#define IDENTITY_MACHINE_ID	"/etc/machine-id"

int identity_from(const char *file, const char *machine_id, uint8_t uuid[16]);
int identity_get(uint8_t uuid[16]);

#endif /* FAMFS_IDENTITY_H */
