/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every unit test needs: cmocka, a generator of numbers that is the same in
 * every run, and the count of messages, since an error without one is a defect.
 */
#ifndef FAMFS_TEST_H
#define FAMFS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "util.h"

#define CASE(fn)	cmocka_unit_test(fn)

static inline uint64_t test_random(uint64_t *state)
{
	/* Marsaglia's xorshift64 */
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static unsigned int test_messages;
static char test_last[2048];

static inline void test_sink(enum famfs_level level, const char *text)
{
	if (level != FAMFS_MSG_ERROR)
		return;
	test_messages++;
	snprintf(test_last, sizeof(test_last), "%s", text);
}

#endif /* FAMFS_TEST_H */
