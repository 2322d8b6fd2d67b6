// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bench_resolve: what the length of a file's map costs. Times page faults, and
 * reads of 4 KiB, at random pages of files of the same size: of 1, 1,000 and
 * 100,000 extents, and interleaved over 4 and over 10,000 strips. Only ratios
 * mean anything on an emulated machine, so the files take turns in one boot,
 * and the median of many turns counts.
 *
 * No test of the list. To run it:
 *	make bench, in this directory, on a machine with a device of 2 GiB; or
 *	tools/lab/lab run --dax 2G -- /usr/libexec/kselftests/famfs/bench_resolve
 *
 * Ends with 1 where any of them costs more than 1.3 times what one extent does.
 */
#include <time.h>

#include "famfs_test.h"

#define PAGES	100000ULL
#define SIZE	(PAGES * PAGE)
#define FILES	5
#define TURNS	41
#define TOUCHES	4000
#define LIMIT	1.3

static const struct {
	__u32 n;
	bool strips;	/* of one page at a time; otherwise extents */
} maps[FILES] = {
	{ 1, false }, { 1000, false }, { 100000, false },
	{ 4, true }, { 10000, true },
};

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

/* Parts in random order, none of which goes on where another ends. */
static int make_file(int number, __u64 *state)
{
	__u64 base = 2 * MiB + PAGE + number * (SIZE + 4 * MiB);
	struct famfs_fmap_simple swap;
	__u32 n = maps[number].n, k;
	struct fmap *map = fmap_alloc(n);
	struct stripe stripe = { PAGE, SIZE, n, map->ext };
	char path[64];
	int fd, err;

	map->head.file_size = SIZE;
	for (__u32 i = 0; i < n; i++) {
		map->ext[i].len = SIZE / n;
		map->ext[i].offset = base + i * map->ext[i].len;
	}
	for (__u32 i = n - 1; i > 0; i--) {
		k = rnd_below(state, i + 1);
		swap = map->ext[i];
		map->ext[i] = map->ext[k];
		map->ext[k] = swap;
	}
	snprintf(path, sizeof(path), ROOT "/%d", number);
	fd = create_empty(path);
	if (fd < 0)
		return fd;
	err = map_create(fd, maps[number].strips ?
			 fmap_striped(SIZE, &stripe, 1) : map);
	free(map);
	return err ?: fd;
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
	double fault[FILES], read[FILES];
	bool over = false;

	printf("%-17s %14s %7s %14s %7s\n", "map", "ns for a fault", "ratio",
	       "ns for a read", "ratio");
	for (int i = 0; i < FILES; i++) {
		fault[i] = median(files[i].fault);
		read[i] = median(files[i].read);
		printf("%8u %-8s %14.0f %7.3f %14.0f %7.3f\n", maps[i].n,
		       maps[i].strips ? "strips" : "extents", fault[i],
		       fault[i] / fault[0], read[i], read[i] / read[0]);
		over |= fault[i] > LIMIT * fault[0] || read[i] > LIMIT * read[0];
	}
	if (over)
		printf("more than %.1f times\n", LIMIT);
	return over;
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
			fprintf(stderr, "file %d: %s; %s should have 2 GiB\n",
				i, strerror(-files[i].fd), device());
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
