/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The log on the medium: read it, walk it, append to it.
 *
 * Functions that read return 0, a negative error number where the medium could
 * not be read, or a positive enum media_err where what was read is bad.
 */
#ifndef FAMFS_LOG_H
#define FAMFS_LOG_H

#include <stdint.h>

#include "media.h"
#include "medium.h"

uint64_t log_entry_offset(uint64_t index);
int log_header_faults(const struct medium *m, uint64_t log_len,
		      struct media_log *log, uint64_t *faults);
int log_header(const struct medium *m, uint64_t log_len, struct media_log *log);
int log_entry(const struct medium *m, uint64_t index, struct media_entry *e);

/* Gets the entry, or what log_entry() returned for it; not 0 stops the walk */
typedef int (*log_visit_fn)(void *arg, uint64_t index,
			    const struct media_entry *e, int bad);
int log_walk(const struct medium *m, uint64_t from, uint64_t to,
	     log_visit_fn fn, void *arg);

int log_lock(const struct medium *m);
void log_unlock(const struct medium *m);
int log_append(struct medium *m, uint64_t log_len, struct media_entry *e);
void log_create(struct medium *m, uint64_t log_len);

const char *log_strerror(int rc);

#endif /* FAMFS_LOG_H */
