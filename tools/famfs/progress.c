// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One line on stderr, written over again a few times a second, and only where
 * that is a terminal and -v does not name each file anyway. Messages that come
 * in between take the line away first. Any thread may report what it has done.
 */
#include "progress.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "util.h"

#define INTERVAL_MS	250

static bool shown;
static const char *verb;
static int64_t started;
static atomic_int_least64_t last;
static atomic_uint_least64_t bytes, files;

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static void over_the_line(enum famfs_level level, const char *text)
{
	fputs("\r\033[K", stderr);
	famfs_terminal(level, text);
}

/**
 * progress_start() - begin a line, if there is somebody to see it
 * @done: what is done to the files: "copied"
 */
void progress_start(const char *done)
{
	verb = done;
	shown = !famfs_verbose() && isatty(STDERR_FILENO);
	if (!shown)
		return;
	started = now_ms();
	atomic_store(&last, started);
	atomic_store(&bytes, 0);
	atomic_store(&files, 0);
	famfs_set_sink(over_the_line);
}

static void show(int64_t now)
{
	uint64_t n = atomic_load(&bytes);
	int64_t ms = now > started ? now - started : 1;

	fprintf(stderr, "\r\033[K%s %llu files, %s, %s/s", verb,
		(unsigned long long)atomic_load(&files), human(n),
		human((uint64_t)((double)n * 1000 / ms)));
	fflush(stderr);
}

/**
 * progress_bytes() - so many more bytes are done
 * @n: how many
 */
void progress_bytes(uint64_t n)
{
	int64_t now, then;

	if (!shown)
		return;
	atomic_fetch_add(&bytes, n);
	now = now_ms();
	then = atomic_load(&last);
	if (now - then >= INTERVAL_MS &&
	    atomic_compare_exchange_strong(&last, &then, now))
		show(now);
}

/**
 * progress_file() - one more file is done
 */
void progress_file(void)
{
	if (shown)
		atomic_fetch_add(&files, 1);
}

/**
 * progress_end() - take the line away
 */
void progress_end(void)
{
	if (!shown)
		return;
	shown = false;
	famfs_set_sink(NULL);
	fputs("\r\033[K", stderr);
	fflush(stderr);
}
