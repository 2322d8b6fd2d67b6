/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Contents that look random and that a seed and an offset alone determine.
 */
#ifndef FAMFS_PATTERN_H
#define FAMFS_PATTERN_H

#include <stddef.h>
#include <stdint.h>

void pattern_bytes(uint64_t seed, uint64_t off, void *buf, size_t len);
size_t pattern_match(uint64_t seed, uint64_t off, const void *buf, size_t len);

#endif /* FAMFS_PATTERN_H */
