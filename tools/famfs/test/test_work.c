// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The pool of threads: each job is done once, by as many threads as were asked
 * for, and the end waits for all of them.
 */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "test.h"

#include "work.h"

#define JOBS	20000

static unsigned char done[JOBS];
static unsigned int running, most;
static pthread_t caller;

static void count(void *job)
{
	unsigned char *d = job;

	__atomic_add_fetch(d, 1, __ATOMIC_RELAXED);
}

static void count_here(void *job)
{
	assert_true(pthread_equal(pthread_self(), caller));
	count(job);
}

/* Notes how many run at the same time */
static void slow(void *job)
{
	unsigned int now = __atomic_add_fetch(&running, 1, __ATOMIC_SEQ_CST);
	unsigned int seen = __atomic_load_n(&most, __ATOMIC_SEQ_CST);

	while (now > seen &&
	       !__atomic_compare_exchange_n(&most, &seen, now, 0,
					    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		;
	usleep(20000);
	count(job);
	__atomic_sub_fetch(&running, 1, __ATOMIC_SEQ_CST);
}

static void check_done(unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		assert_int_equal(done[i], 1);
	for (; i < JOBS; i++)
		assert_int_equal(done[i], 0);
	memset(done, 0, sizeof(done));
}

static void run(unsigned int threads, unsigned int n, void (*fn)(void *job))
{
	struct work *w = work_start(threads, fn);
	unsigned int i;

	assert_non_null(w);
	for (i = 0; i < n; i++)
		work_add(w, &done[i]);
	work_finish(w);
	check_done(n);
}

static void no_threads(void **state)
{
	struct work *w;

	(void)state;
	caller = pthread_self();
	run(0, 0, count_here);
	run(0, JOBS, count_here);
	/* Done when work_add() returns, not only at the end */
	w = work_start(0, count_here);
	assert_non_null(w);
	work_add(w, &done[0]);
	check_done(1);
	work_finish(w);
	work_finish(NULL);
}

static void many_jobs(void **state)
{
	static const unsigned int threads[] = { 1, 2, 3, 16,
						WORK_MAX_THREADS };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(threads); i++) {
		run(threads[i], 0, count);
		run(threads[i], 1, count);
		run(threads[i], JOBS, count);
	}
}

static void slow_jobs(void **state)
{
	(void)state;
	run(1, 5, slow);
	assert_int_equal(most, 1);
	/* More than the queue of four a thread holds: work_add() waits */
	run(4, 40, slow);
	assert_in_range(most, 2, 4);
	assert_int_equal(running, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		CASE(no_threads),
		CASE(many_jobs),
		CASE(slow_jobs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
