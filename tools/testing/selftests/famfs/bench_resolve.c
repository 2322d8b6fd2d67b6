// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bench_resolve: what the length of a file's map costs. Times page faults, and
 * reads of 4 KiB, at random pages of three files of the same size: of 1, 1,000
 * and 100,000 extents. Only ratios mean anything on an emulated machine, so the
 * three take turns in one boot, and the median of many turns counts.
 *
 * No test of the list. To run it:
 *	make bench, in this directory, on a machine with a device of 2 GiB; or
 *	tools/lab/lab run --dax 2G -- /usr/libexec/kselftests/famfs/bench_resolve
 *
 * Ends with 1 where 100,000 extents cost more than 1.3 times what one does.
 */
#include <time.h>

#include "famfs_test.h"

#define PAGES	100000ULL
#define SIZE	(PAGES * PAGE)
#define FILES	3
#define TURNS	41
#define TOUCHES	4000
#define LIMIT	1.3

static const __u32 extents[FILES] = { 1, 1000, 100000 };

struct file {
	int fd;
	volatile unsigned char *at;
	double fault[TURNS];
	double read[TURNS];
};

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

/* Extents in random order, none of which goes on where another ends. */
static int make_file(int number, __u64 *state)
{
	__u32 n = extents[number], k;
	struct span *spans = calloc(n, sizeof(*spans)), swap;
	__u64 base = 2 * MiB + PAGE + number * (SIZE + 4 * MiB);
	char path[64];
	int fd;

	for (__u32 i = 0; i < n; i++) {
		spans[i].len = SIZE / n;
		spans[i].offset = base + i * spans[i].len;
	}
	for (__u32 i = n - 1; i > 0; i--) {
		k = rnd_below(state, i + 1);
		swap = spans[i];
		spans[i] = spans[k];
		spans[k] = swap;
	}
	snprintf(path, sizeof(path), ROOT "/%u", n);
	fd = create_spans(path, SIZE, spans, n);
	free(spans);
	return fd;
}

static double time_faults(struct file *f, const __u32 *pages)
{
	double start;

	madvise((void *)f->at, SIZE, MADV_DONTNEED);
	start = now_ns();
	for (int i = 0; i < TOUCHES; i++)
		(void)f->at[pages[i] * PAGE];
	return (now_ns() - start) / TOUCHES;
}

static double time_reads(struct file *f, const __u32 *pages)
{
	static unsigned char buffer[PAGE];
	double start = now_ns();

	for (int i = 0; i < TOUCHES; i++)
		if (pread(f->fd, buffer, PAGE, pages[i] * PAGE) !=
		    (ssize_t)PAGE)
			return -1;
	return (now_ns() - start) / TOUCHES;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values)
{
	qsort(values, TURNS, sizeof(*values), compare);
	return values[TURNS / 2];
}

static int report(struct file *files)
{
	double fault[FILES], read[FILES], f, r;

	printf("%10s %14s %7s %14s %7s\n", "extents", "ns for a fault",
	       "ratio", "ns for a read", "ratio");
	for (int i = 0; i < FILES; i++) {
		fault[i] = median(files[i].fault);
		read[i] = median(files[i].read);
		printf("%10u %14.0f %7.3f %14.0f %7.3f\n", extents[i],
		       fault[i], fault[i] / fault[0], read[i],
		       read[i] / read[0]);
	}
	f = fault[FILES - 1] / fault[0];
	r = read[FILES - 1] / read[0];
	if (f <= LIMIT && r <= LIMIT)
		return 0;
	printf("more than %.1f times\n", LIMIT);
	return 1;
}

int main(void)
{
	static struct file files[FILES];
	__u32 pages[TOUCHES];
	__u64 state = 1;

	if (private_mounts() || mount_famfs()) {
		fprintf(stderr, "%s cannot be mounted; FAMFS_DEV names another\n",
			device());
		return 2;
	}
	for (int i = 0; i < FILES; i++) {
		files[i].fd = make_file(i, &state);
		if (files[i].fd < 0) {
			fprintf(stderr, "%u extents: %s; %s should have 2 GiB\n",
				extents[i], strerror(-files[i].fd), device());
			return 2;
		}
		files[i].at = mmap(NULL, SIZE, PROT_READ, MAP_SHARED,
				   files[i].fd, 0);
		if (files[i].at == MAP_FAILED)
			return 2;
	}
	/* The first turn is not counted: the kernel makes its tables then */
	for (int turn = -1; turn < TURNS; turn++) {
		for (int i = 0; i < TOUCHES; i++)
			pages[i] = rnd_below(&state, PAGES);
		for (int k = 0; k < FILES; k++) {
			int i = (k + turn + 1) % FILES;
			double fault = time_faults(&files[i], pages);
			double read = time_reads(&files[i], pages);

			if (read < 0)
				return 2;
			if (turn < 0)
				continue;
			files[i].fault[turn] = fault;
			files[i].read[turn] = read;
		}
	}
	return report(files);
}
