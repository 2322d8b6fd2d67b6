// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What famfs creat -r writes and famfs verify expects. The word at each multiple
 * of 8 bytes is a function of the seed and its index, and of nothing before it:
 * so threads, and hosts, can each take a part. Sebastiano Vigna's splitmix64 is
 * such a function, quicker than the memory it is for. Its own counter starts at
 * a number mixed from the seed: neighbouring seeds have nothing in common.
 *
 * The bytes are part of what users keep: files filled by one version have to
 * pass with the next, on machines of either byte order.
 */
#include "pattern.h"

#include <endian.h>
#include <string.h>

#define STEP	0x9e3779b97f4a7c15ULL

static uint64_t mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/* As it lies in memory */
static inline uint64_t word(uint64_t start, uint64_t index)
{
	return htole64(mix(start + index * STEP));
}

static uint64_t start_of(uint64_t seed)
{
	return mix(seed + STEP);
}

/**
 * pattern_bytes() - make some of the contents
 * @seed: which contents
 * @off: of the first byte in them; any
 * @buf: gets the bytes
 * @len: how many; any
 */
void pattern_bytes(uint64_t seed, uint64_t off, void *buf, size_t len)
{
	uint64_t start = start_of(seed), i = off / 8, w;
	unsigned int skip = off % 8;
	uint8_t *p = buf;

	if (skip && len) {
		size_t n = len < 8 - skip ? len : 8 - skip;

		w = word(start, i++);
		memcpy(p, (uint8_t *)&w + skip, n);
		p += n;
		len -= n;
	}
	for (; len >= 8; p += 8, len -= 8) {
		w = word(start, i++);
		memcpy(p, &w, 8);
	}
	if (len) {
		w = word(start, i);
		memcpy(p, &w, len);
	}
}

/**
 * pattern_match() - compare with some of the contents
 * @seed: which contents
 * @off: of the first byte in them; any
 * @buf: the bytes to compare
 * @len: how many; any
 *
 * Return: how many are right, up to the first that is not
 */
size_t pattern_match(uint64_t seed, uint64_t off, const void *buf, size_t len)
{
	uint64_t start = start_of(seed), w;
	const uint8_t *p = buf;
	size_t done = 0;

	while (done < len) {
		unsigned int skip = (off + done) % 8;
		size_t n = len - done < 8 - skip ? len - done : 8 - skip;
		size_t i;

		if (!skip) {
			uint64_t at = (off + done) / 8, have;

			for (; len - done >= 8; done += 8) {
				memcpy(&have, p + done, 8);
				if (have != word(start, at++))
					break;
			}
			n = len - done < 8 ? len - done : 8;
		}
		w = word(start, (off + done) / 8);
		for (i = 0; i < n; i++) {
			if (p[done + i] != ((uint8_t *)&w)[skip + i])
				return done + i;
		}
		done += n;
	}
	return len;
}
