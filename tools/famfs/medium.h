/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One stretch of the medium, the superblock or the log, as the mounted meta
 * file shows it.
 */
#ifndef FAMFS_MEDIUM_H
#define FAMFS_MEDIUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct medium {
	int fd;
	uint8_t *map;		/* NULL: loads are by read(2) */
	uint64_t len;
	bool writable;
};

int medium_open(struct medium *m, int fd, bool writable, bool by_read);
void medium_close(struct medium *m);
int medium_load(const struct medium *m, uint64_t off, void *buf, size_t len);
void medium_store(struct medium *m, uint64_t off, const void *buf, size_t len);
void medium_store64(struct medium *m, uint64_t off, uint64_t value);
void medium_clear(struct medium *m, uint64_t off, uint64_t len);
void medium_flush(struct medium *m, uint64_t off, size_t len);
void medium_drop(const struct medium *m, uint64_t off, size_t len);

#endif /* FAMFS_MEDIUM_H */
