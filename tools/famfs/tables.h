/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the three programs know of their command lines. The manual pages, what a
 * shell completes, and a test of it all are made from these.
 */
#ifndef FAMFS_TABLES_H
#define FAMFS_TABLES_H

#include <stddef.h>

#include "cmd.h"
#include "options.h"

extern const struct usage famfs_usage;
extern const struct usage mkfs_usage;
extern const struct usage mount_usage;

extern const struct command * const commands[];
extern const size_t commands_count;

#endif /* FAMFS_TABLES_H */
