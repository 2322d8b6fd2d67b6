// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The contents of famfs creat -r: they are these and no others, and any part of
 * them is the same however it is asked for.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "test.h"

#include "pattern.h"
#include "patternio.h"

#define LEN	1000

/*
 * What versions before wrote has to pass with this one. The bytes are from
 * another implementation of what pattern.c says, in Python.
 */
static void known_bytes(void **state)
{
	static const struct {
		uint64_t seed, off;
		uint8_t bytes[16];
	} t[] = {
		{ 0x0ULL, 0x0ULL, {
			0xbf, 0xd4, 0x3c, 0xff, 0x26, 0x82, 0x21, 0x48,
			0x6f, 0x7e, 0x19, 0x4d, 0x2f, 0xdd, 0x06, 0xa7 } },
		{ 0x1ULL, 0x0ULL, {
			0xb8, 0xd5, 0xc0, 0x82, 0xfc, 0x23, 0xe4, 0xdc,
			0x1e, 0x61, 0x39, 0x74, 0x08, 0xab, 0x41, 0x5e } },
		{ 0xffffffffffffffffULL, 0x0ULL, {
			0x78, 0x0b, 0x81, 0x05, 0xe3, 0x18, 0x50, 0x44,
			0x37, 0x71, 0xa2, 0xb2, 0xa7, 0x0a, 0xc2, 0x5d } },
		{ 0x123456789abcdefULL, 0xdULL, {
			0x88, 0x1c, 0x02, 0xe0, 0xcd, 0x81, 0xe7, 0x51,
			0x3e, 0x8d, 0x49, 0x14, 0xf3, 0x7e, 0xeb, 0x6f } },
		{ 0x2aULL, 0x200000000ULL, {
			0x46, 0x32, 0x5a, 0x83, 0xa8, 0x04, 0x84, 0xc1,
			0x56, 0xe1, 0x9e, 0x95, 0x89, 0x90, 0x05, 0x46 } },
	};
	uint8_t buf[16];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		pattern_bytes(t[i].seed, t[i].off, buf, 16);
		assert_memory_equal(buf, t[i].bytes, 16);
		assert_int_equal(pattern_match(t[i].seed, t[i].off, t[i].bytes,
					       16), 16);
	}
}

static void parts_are_the_whole(void **state)
{
	static const uint64_t bases[] = { 0, 5, 1ULL << 40, UINT64_MAX - LEN };
	uint8_t whole[LEN], part[LEN + 2];
	uint64_t rng = 4711;
	size_t i, k;

	(void)state;
	for (k = 0; k < ARRAY_SIZE(bases); k++) {
		pattern_bytes(7, bases[k], whole, LEN);
		for (i = 0; i < 2000; i++) {
			size_t from = test_random(&rng) % (LEN + 1);
			size_t n = test_random(&rng) % (LEN - from + 1);

			if (i & 1)
				n %= 20;
			memset(part, 0xee, sizeof(part));
			pattern_bytes(7, bases[k] + from, part + 1, n);
			assert_memory_equal(part + 1, whole + from, n);
			assert_int_equal(part[0], 0xee);
			assert_int_equal(part[n + 1], 0xee);
			assert_int_equal(pattern_match(7, bases[k] + from,
						       whole + from, n), n);
		}
	}
}

/* Each bit counts, and the first wrong byte is told */
static void wrong_bytes(void **state)
{
	uint8_t buf[64];
	size_t from, at, bit;

	(void)state;
	for (from = 0; from < 9; from++) {
		pattern_bytes(1, from, buf, sizeof(buf));
		for (at = 0; at < sizeof(buf); at++) {
			for (bit = 0; bit < 8; bit++) {
				buf[at] ^= 1 << bit;
				assert_int_equal(pattern_match(1, from, buf,
							       sizeof(buf)),
						 at);
				buf[at] ^= 1 << bit;
			}
		}
		assert_int_equal(pattern_match(1, from, buf, sizeof(buf)),
				 sizeof(buf));
		/* Of two, the first */
		buf[40] ^= 1;
		buf[20] ^= 1;
		assert_int_equal(pattern_match(1, from, buf, sizeof(buf)), 20);
		/* Another seed, another place: nothing fits */
		pattern_bytes(1, from, buf, sizeof(buf));
		assert_in_range(pattern_match(2, from, buf, sizeof(buf)), 0, 3);
		assert_in_range(pattern_match(1, from + 8, buf, sizeof(buf)),
				0, 3);
	}
}

static struct patternio io(const char *path, uint64_t size, bool verify)
{
	return (struct patternio){
		.root = -1, .path = path, .seed = 99, .size = size,
		.verify = verify,
	};
}

static void put(const char *path, uint64_t off, uint8_t byte)
{
	int fd = open(path, O_WRONLY);

	assert_int_equal(pwrite(fd, &byte, 1, off), 1);
	close(fd);
}

static uint8_t get(const char *path, uint64_t off)
{
	int fd = open(path, O_RDONLY);
	uint8_t byte;

	assert_int_equal(pread(fd, &byte, 1, off), 1);
	close(fd);
	return byte;
}

/* Files, with threads: several ranges, and an end that is no multiple */
static void files(void **state)
{
	static const uint64_t sizes[] = { 1, 7, 4097, 5 * PATTERNIO_RANGE + 3 };
	static const unsigned int threads[] = { 0, 1, 3, 256 };
	char path[] = "/tmp/famfs-pattern-XXXXXX";
	struct patternio f[2];
	size_t i, t;

	(void)state;
	close(mkstemp(path));
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		uint64_t size = sizes[i], at;

		for (t = 0; t < ARRAY_SIZE(threads); t++) {
			assert_int_equal(truncate(path, 0), 0);
			f[0] = io(path, size, false);
			assert_int_equal(patternio_run(f, 1, threads[t]), 0);
			assert_int_equal(f[0].rc, 0);
			f[0] = io(path, size, true);
			f[1] = io(path, size, true);
			f[1].seed++;
			assert_int_equal(patternio_run(f, 2, threads[t]), 0);
			assert_int_equal(f[0].rc, 0);
			assert_int_equal(f[1].rc, PATTERNIO_WRONG);
			assert_in_range(f[1].at, 0, 3);
			/* The first of two, and of the last byte */
			put(path, size - 1, ~get(path, size - 1));
			for (at = size - 1;; at /= 3) {
				f[0] = io(path, size, true);
				assert_int_equal(patternio_run(f, 1,
							       threads[t]), 0);
				assert_int_equal(f[0].rc, PATTERNIO_WRONG);
				assert_int_equal(f[0].at, at);
				if (at < 3)
					break;
				put(path, at / 3, ~get(path, at / 3));
			}
		}
	}
	unlink(path);
}

static void files_that_fail(void **state)
{
	char path[] = "/tmp/famfs-pattern-XXXXXX";
	struct patternio f[3];
	int fd = mkstemp(path);

	(void)state;
	close(fd);
	assert_int_equal(truncate(path, 100), 0);
	f[0] = io("/nonexistent/file", 10, true);
	f[1] = io(path, 101, true);
	f[2] = io(path, 10, false);
	assert_int_equal(patternio_run(f, 3, 2), 0);
	assert_int_equal(f[0].rc, -ENOENT);
	/* It has become shorter; what is there is 0, and so wrong first */
	assert_int_equal(f[1].rc, PATTERNIO_WRONG);
	f[0] = io(path, 101, false);
	f[0].size = 100;
	f[0].seed = 5;
	f[1] = f[0];
	f[1].verify = true;
	f[1].size = 101;
	assert_int_equal(patternio_run(f, 1, 0), 0);
	assert_int_equal(f[0].rc, 0);
	assert_int_equal(patternio_run(f + 1, 1, 0), 0);
	assert_int_equal(f[1].rc, -ENODATA);
	assert_int_equal(f[1].at, 100);
	unlink(path);
	/* Those that are not good to start with are left alone */
	f[0] = io("/nonexistent/file", 10, true);
	f[0].rc = -EBADF;
	assert_int_equal(patternio_run(f, 1, 2), 0);
	assert_int_equal(f[0].rc, -EBADF);
	assert_int_equal(patternio_run(f, 0, 2), 0);
	/* A device that takes nothing */
	f[0] = io("/dev/full", 10, false);
	assert_int_equal(patternio_run(f, 1, 2), 0);
	assert_int_equal(f[0].rc, -ENOSPC);
	assert_int_equal(f[0].at, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(known_bytes),
		CASE(parts_are_the_whole),
		CASE(wrong_bytes),
		CASE(files),
		CASE(files_that_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
