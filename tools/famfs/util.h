/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every part of the tools needs: messages, numbers on the command line,
 * and names that come from somebody else's memory made fit to print.
 */
#ifndef FAMFS_UTIL_H
#define FAMFS_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define FORMAT(f, a)	__attribute__((format(printf, f, a)))

enum famfs_level {
	FAMFS_MSG_ERROR,
	FAMFS_MSG_WARNING,
	FAMFS_MSG_INFO,		/* asked for by -v */
};

typedef void (*famfs_sink_fn)(enum famfs_level level, const char *text);

void famfs_set_program(const char *name);
void famfs_set_verbose(bool on);
bool famfs_verbose(void);
void famfs_set_sink(famfs_sink_fn fn);
void famfs_terminal(enum famfs_level level, const char *text);
void famfs_err(const char *fmt, ...) FORMAT(1, 2);
void famfs_warn(const char *fmt, ...) FORMAT(1, 2);
void famfs_info(const char *fmt, ...) FORMAT(1, 2);

void famfs_catch_bad_memory(int status);
void famfs_bad_memory_means(const char *text);

int famfs_parse_number(const char *text, uint64_t *number);
int famfs_parse_size(const char *text, uint64_t *size);
int famfs_parse_id(const char *text, uint32_t *id);
int famfs_parse_mode(const char *text, uint32_t *mode);

struct famfs_sizebuf {
	char s[32];
};

const char *famfs_human(struct famfs_sizebuf *buf, uint64_t bytes);
#define human(bytes)	famfs_human(&(struct famfs_sizebuf){ "" }, (bytes))

struct famfs_namebuf {
	char s[512];
};

void famfs_escape(char *buf, size_t room, const char *name);
const char *famfs_quote(struct famfs_namebuf *buf, const char *name);
#define quote(name)	famfs_quote(&(struct famfs_namebuf){ "" }, (name))

/* Round up to a multiple of @unit, a power of two; @n must leave room for it */
static inline uint64_t round_up_pow2(uint64_t n, uint64_t unit)
{
	return (n + unit - 1) & ~(unit - 1);
}

/* A sum of numbers that others have written: at most all there can be */
static inline uint64_t add_clip(uint64_t a, uint64_t b)
{
	return a + b < a ? UINT64_MAX : a + b;
}

static inline bool is_pow2(uint64_t n)
{
	return n && !(n & (n - 1));
}

#endif /* FAMFS_UTIL_H */
