/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a famfs selftest program includes: the kselftest harness, and what the
 * programs share. To be included once in a program.
 */
#ifndef FAMFS_HARNESS_H
#define FAMFS_HARNESS_H

/* In order with the results, and not on another stream. */
#define TH_LOG_STREAM stdout

#include "kselftest_harness.h"

#include "famfs_test.h"

/*
 * A test that takes longer than its time-out hangs. FAMFS_SLOW says how many
 * times as long it may take here.
 */
static inline void allow_more_time(void)
{
	const char *slow = getenv("FAMFS_SLOW");
	struct __fixture_metadata *fixture;
	struct __test_metadata *test;

	if (!slow || atoi(slow) < 1)
		return;
	for (fixture = __fixture_list; fixture; fixture = fixture->next)
		for (test = fixture->tests; test; test = test->next)
			test->timeout *= atoi(slow);
}

/**
 * run_tests() - all that main() of a test program does
 * @argc: of main()
 * @argv: of main()
 *
 * Without a device the program skips as a whole.
 *
 * Return: exit status.
 */
static inline int run_tests(int argc, char **argv)
{
	require_device();
	allow_more_time();
	return test_harness_run(argc, argv);
}

/**
 * EXPECT_CLEAN_LOG() - the kernel has warned of nothing since it was last asked
 */
#define EXPECT_CLEAN_LOG() do {				\
	char __line[256];				\
							\
	if (kernel_complained(__line, sizeof(__line))) {	\
		TH_LOG("kernel log: %s", __line);	\
		EXPECT_STREQ("", __line);		\
	}						\
} while (0)

#endif /* FAMFS_HARNESS_H */
