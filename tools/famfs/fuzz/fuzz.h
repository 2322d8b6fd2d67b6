/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every fuzz target needs: a claim that ends the program, messages that
 * are taken instead of printed, and the media's checksums, reckoned here and not
 * by the codec, so that a fuzzer gets past them.
 */
#ifndef FAMFS_FUZZ_H
#define FAMFS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "media.h"
#include "util.h"

#define must(what)							\
	do {								\
		if (!(what)) {						\
			fprintf(stderr, "%s:%d: not so: %s\n",		\
				__FILE__, __LINE__, #what);		\
			abort();					\
		}							\
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Where the checksums lie; each covers all that is before it */
#define FUZZ_SB_CRC	96
#define FUZZ_HEADER_CRC	24
#define FUZZ_ENTRY_CRC	536

static inline void fuzz_put64(uint8_t *p, uint64_t v)
{
	int i;

	for (i = 0; i < 8; i++)
		p[i] = v >> (8 * i);
}

static inline uint64_t fuzz_get64(const uint8_t *p)
{
	uint64_t v = 0;
	int i;

	for (i = 7; i >= 0; i--)
		v = v << 8 | p[i];
	return v;
}

/* Make the checksum at @at right */
static inline void fuzz_mend(uint8_t *buf, size_t at)
{
	fuzz_put64(buf + at, crc32(crc32(0, NULL, 0), buf, at));
}

/* Whether a path from the medium is one that must be refused or changed */
static inline int fuzz_path_is_plain(const char *path)
{
	size_t n = strnlen(path, MEDIA_PATH_SIZE);
	const char *part = path, *end;

	if (!n || n == MEDIA_PATH_SIZE || !strcmp(path, ".meta") ||
	    !strncmp(path, ".meta/", 6))
		return 0;
	for (;; part = end + 1) {
		end = strchrnul(part, '/');
		n = end - part;
		if (!n || (n == 1 && *part == '.') ||
		    (n == 2 && part[0] == '.' && part[1] == '.'))
			return 0;
		if (!*end)
			return 1;
	}
}

/* Whether two ranges have a byte in common, in numbers that can't overflow */
static inline int fuzz_share(uint64_t a, uint64_t a_len, uint64_t b,
			     uint64_t b_len)
{
	return (__uint128_t)a < (__uint128_t)b + b_len &&
	       (__uint128_t)b < (__uint128_t)a + a_len;
}

#endif /* FAMFS_FUZZ_H */
