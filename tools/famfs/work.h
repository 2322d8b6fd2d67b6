/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Jobs that threads share out among themselves.
 */
#ifndef FAMFS_WORK_H
#define FAMFS_WORK_H

#define WORK_MAX_THREADS	256

struct work;

struct work *work_start(unsigned int threads, void (*fn)(void *job));
void work_add(struct work *w, void *job);
void work_finish(struct work *w);

#endif /* FAMFS_WORK_H */
