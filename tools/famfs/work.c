// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A pool of threads with one queue. The queue is short, so that whoever adds
 * jobs is never far ahead of those who do them: what a job holds, an open file
 * for instance, is held a few times only.
 */
#include "work.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#define JOBS_PER_THREAD	4

struct work {
	void (*fn)(void *job);
	unsigned int threads;	/* that run; 0: work_add() does the work */
	pthread_t *thread;
	pthread_mutex_t lock;	/* of all below */
	pthread_cond_t more;	/* there is a job, or the end */
	pthread_cond_t room;	/* there is room for a job */
	bool ends;
	unsigned int first;	/* of the queue, a ring */
	unsigned int count;
	unsigned int size;
	void *job[];
};

static void *loop(void *arg)
{
	struct work *w = arg;

	pthread_mutex_lock(&w->lock);
	for (;;) {
		void *job;

		while (!w->count && !w->ends)
			pthread_cond_wait(&w->more, &w->lock);
		if (!w->count)
			break;
		job = w->job[w->first];
		w->first = (w->first + 1) % w->size;
		w->count--;
		pthread_cond_signal(&w->room);
		pthread_mutex_unlock(&w->lock);
		w->fn(job);
		pthread_mutex_lock(&w->lock);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static void release(struct work *w)
{
	pthread_cond_destroy(&w->room);
	pthread_cond_destroy(&w->more);
	pthread_mutex_destroy(&w->lock);
	free(w->thread);
	free(w);
}

/**
 * work_start() - get threads ready for jobs
 * @threads: how many; where the system gives only some of them, those do
 *	all the work; with 0 there are none, and work_add() does each job itself
 * @fn: does a job; several run at a time
 *
 * Return: the pool, for work_finish(); NULL where there is no memory, or the
 * system gives not even one thread
 */
struct work *work_start(unsigned int threads, void (*fn)(void *job))
{
	unsigned int size = threads * JOBS_PER_THREAD;
	struct work *w = calloc(1, sizeof(*w) + size * sizeof(w->job[0]));

	if (!w)
		return NULL;
	w->fn = fn;
	w->size = size;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->more, NULL);
	pthread_cond_init(&w->room, NULL);
	if (!threads)
		return w;
	w->thread = calloc(threads, sizeof(w->thread[0]));
	while (w->thread && w->threads < threads &&
	       !pthread_create(&w->thread[w->threads], NULL, loop, w))
		w->threads++;
	if (w->threads)
		return w;
	release(w);
	return NULL;
}

/**
 * work_add() - give the pool a job
 * @w: the pool
 * @job: what its function gets
 *
 * Waits while the queue is full. To be called by one thread, not by a job.
 */
void work_add(struct work *w, void *job)
{
	if (!w->threads) {
		w->fn(job);
		return;
	}
	pthread_mutex_lock(&w->lock);
	while (w->count == w->size)
		pthread_cond_wait(&w->room, &w->lock);
	w->job[(w->first + w->count++) % w->size] = job;
	pthread_cond_signal(&w->more);
	pthread_mutex_unlock(&w->lock);
}

/**
 * work_finish() - wait until all jobs are done, and let go of the threads
 * @w: the pool; NULL does nothing
 */
void work_finish(struct work *w)
{
	unsigned int i;

	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->ends = true;
	pthread_cond_broadcast(&w->more);
	pthread_mutex_unlock(&w->lock);
	for (i = 0; i < w->threads; i++)
		pthread_join(w->thread[i], NULL);
	release(w);
}
