// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * stress_all [--seconds N]: all at once, for a kernel that checks itself: maps
 * that come and go, reads, writes and faults with pages of both sizes, syncs,
 * memory that fails, the device unbound, mounts and unmounts.
 *
 * It goes in rounds. In each the device is mounted, and one process for each
 * kind of work runs until the round ends; which it does in one of several ways,
 * with the work still going on in most. What was written must be what is read,
 * unless memory has failed; no process may die of it; and the kernel must not
 * complain. Each kind of work must have been done at all, by the end.
 *
 * Stays out of the list of tests that run by themselves; 20 seconds if nothing
 * is said.
 */
#include <getopt.h>
#include <sys/prctl.h>
#include <time.h>

#include "famfs_test.h"

#include "famfs_failure.h"

#define SIZE		(8 * MiB)
#define FILES		4
#define FIRST_AT	(16 * MiB)	/* the files, each SIZE */
#define BRIEF_AT	(64 * MiB)	/* files that come and go */
#define FAILING		1		/* of the files, whose memory fails */

/* Shared by all processes. */
static volatile struct {
	int stop;
	int failed;
	__u64 pfn;		/* of the file that fails; 0: not known */
	unsigned long done[8];	/* of each kind of work, what succeeded */
} *shared;

/*
 * The driver of disks has their memory before it has a dax device for it, and
 * still has it when that is gone: it does not survive a failure then. So
 * whoever makes memory fail, or binds a device, has this file locked.
 */
static int failing;

static int device_lost(int err)
{
	return err == EIO || err == ENXIO;
}

/* A worker found what must not be. */
static void wrong(const char *what, long value)
{
	shared->failed = 1;
	printf("# %s: %ld (%s)\n", what, value, strerror(errno));
	fflush(stdout);
}

static int open_file(int number)
{
	char path[64];

	snprintf(path, sizeof(path), ROOT "/%d", number);
	return open(path, O_RDWR | O_CLOEXEC);
}

/* Each page begins with its number, which all who write store. */
static unsigned long write_files(__u64 *state)
{
	unsigned char *buffer = malloc(MiB);
	unsigned long done = 0;
	int n = rnd_below(state, FILES), fd = open_file(n);
	__u64 page, pages;

	while (fd >= 0 && !shared->stop) {
		pages = 1 + rnd_below(state, 32);
		page = rnd_below(state, SIZE / PAGE - pages + 1);
		for (__u64 i = 0; i < pages; i++) {
			memset(buffer + i * PAGE, rnd(state), PAGE);
			*(__u64 *)(buffer + i * PAGE) = page + i;
		}
		if (pwrite(fd, buffer, pages * PAGE, page * PAGE) < 0) {
			if (!device_lost(errno))
				wrong("pwrite", n);
			break;
		}
		done++;
	}
	close(fd);
	free(buffer);
	return done;
}

static unsigned long read_files(__u64 *state)
{
	unsigned char *buffer = malloc(MiB);
	unsigned long done = 0;
	int n = rnd_below(state, FILES), fd = open_file(n);
	__u64 page, pages;
	ssize_t got;

	while (fd >= 0 && !shared->stop) {
		pages = 1 + rnd_below(state, 128);
		page = rnd_below(state, SIZE / PAGE - pages + 1);
		got = pread(fd, buffer, pages * PAGE, page * PAGE);
		if (got < 0) {
			if (!device_lost(errno))
				wrong("pread", n);
			break;
		}
		for (__u64 i = 0; i < (__u64)got / PAGE; i++)
			if (*(__u64 *)(buffer + i * PAGE) != page + i)
				wrong("read another page", page + i);
		done++;
	}
	close(fd);
	free(buffer);
	return done;
}

static unsigned long map_files(__u64 *state)
{
	int n = rnd_below(state, FILES), fd = open_file(n);
	unsigned long done = 0;
	__u64 page, number;
	unsigned char *at;

	if (fd < 0)
		return 0;
	at = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
		  rnd_below(state, 4) ? MAP_SHARED : MAP_PRIVATE, fd, 0);
	close(fd);
	if (at == MAP_FAILED)
		return 0;
	for (int i = 0; i < 2000 && !shared->stop; i++) {
		page = rnd_below(state, SIZE / PAGE);
		if (!touch(at + page * PAGE + 8, rnd_below(state, 2)) &&
		    !load((__u64 *)(at + page * PAGE), &number)) {
			if (number != page)
				wrong("mapped another page", page);
			done++;
		}
		switch (rnd_below(state, 200)) {
		case 0:
			madvise(at, SIZE, MADV_DONTNEED);
			break;
		case 1:
			msync(at, SIZE, MS_SYNC);
			break;
		case 2:
			madvise(at, SIZE, MADV_POPULATE_READ);
			break;
		case 3:
			mprotect(at, SIZE / 2, PROT_READ);
			mprotect(at, SIZE / 2, PROT_READ | PROT_WRITE);
			break;
		}
	}
	munmap(at, SIZE);
	return done;
}

static unsigned long sync_files(__u64 *state)
{
	int fd = open_file(rnd_below(state, FILES)), rc;

	if (fd < 0)
		return 0;
	switch (rnd_below(state, 4)) {
	case 0:
		rc = fsync(fd);
		break;
	case 1:
		rc = posix_fadvise(fd, rnd_below(state, SIZE), 0,
				   POSIX_FADV_DONTNEED);
		break;
	case 2:
		rc = syncfs(fd);
		break;
	default:
		rc = sync_file_range(fd, 0, SIZE, SYNC_FILE_RANGE_WRITE);
	}
	close(fd);
	return !rc;
}

/* One of many that would have the same memory; at most one gets it. */
static unsigned long make_files(__u64 *state)
{
	__u32 n = 1 + rnd_below(state, 64);
	struct span spans[64];
	char path[64];
	int fd;

	for (__u32 i = 0; i < n; i++) {
		spans[i].len = PAGE * (1 + rnd_below(state, 16));
		spans[i].offset = BRIEF_AT + rnd_below(state, 4096) * PAGE;
	}
	snprintf(path, sizeof(path), ROOT "/brief.%d.%llu", getpid(),
		 rnd(state));
	fd = create_spans(path, n * PAGE, spans, n);
	if (fd >= 0) {
		unsigned char byte;

		if (pread(fd, &byte, 1, rnd_below(state, n * PAGE)) < 0 &&
		    !device_lost(errno))
			wrong("pread of a new file", n);
		close(fd);
	} else if (fd != -EADDRINUSE && fd != -EIO && fd != -ENXIO &&
		   fd != -ENOENT && fd != -ENOTDIR && fd != -EPERM &&
		   fd != -EACCES && fd != -EROFS && fd != -ENOTTY) {
		/* The last is the file system below, once this is unmounted */
		wrong("map_create", fd);
	}
	unlink(path);
	return fd >= 0;
}

static unsigned long look_around(__u64 *state)
{
	int fd = open_file(rnd_below(state, FILES));
	char path[128], text[64];
	struct error_list errors;
	unsigned long done = 0;
	struct statfs st;
	struct fmap *map;

	statfs(ROOT, &st);
	snprintf(path, sizeof(path), "/sys/fs/famfs/%s/errors",
		 device_name(device()));
	read_text(path, text, sizeof(text));
	if (fd >= 0) {
		map = map_fetch(fd);
		done = !get_errors(fd, &errors) && map;
		free(map);
		close(fd);
	}
	return done;
}

static unsigned long fail_memory(__u64 *state)
{
	__u64 page = rnd_below(state, SIZE / PAGE);
	bool done;

	lockf(failing, F_LOCK, 0);
	done = shared->pfn && !inject_pfn(shared->pfn + page);
	lockf(failing, F_ULOCK, 0);
	usleep(20000 + rnd_below(state, 100000));
	return done;
}

static const struct {
	const char *name;
	unsigned long (*run)(__u64 *state);
} work[] = {
	{ "writes", write_files }, { "reads", read_files },
	{ "loads", map_files }, { "loads", map_files },
	{ "syncs", sync_files }, { "files", make_files },
	{ "looks", look_around }, { "failures", fail_memory },
};

static pid_t start(size_t kind, __u64 seed)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	catch_sigbus();
	while (!shared->stop)
		shared->done[kind] += work[kind].run(&seed);
	_exit(0);
}

/* The files, with each page's number in it; and where they lie. */
static int prepare(void)
{
	const __u64 policy = FAMFS_OPT_UNLINK;
	unsigned char *at;
	char path[64];
	int fd, rc;

	fd = open(ROOT, O_RDONLY);
	rc = ERR(ioctl(fd, FAMFSIOC_SET_OPTS, &policy));
	close(fd);
	for (int i = 0; !rc && i < FILES; i++) {
		snprintf(path, sizeof(path), ROOT "/%d", i);
		/* Every second one in small pages */
		fd = create_at(path, FIRST_AT + i * (SIZE + 2 * MiB) +
			       (i & 1 ? PAGE : 0), SIZE);
		if (fd < 0)
			return fd;
		at = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			  0);
		close(fd);
		if (at == MAP_FAILED)
			return -errno;
		for (__u64 p = 0; p < SIZE / PAGE; p++)
			*(__u64 *)(at + p * PAGE) = p;
		if (i == FAILING)
			shared->pfn = pfn_of(at);
		munmap(at, SIZE);
	}
	return rc;
}

static int mount_retry(void)
{
	int rc;

	for (int i = 0; i < 1000; i++) {
		rc = mount_famfs();
		if (rc != -EBUSY)
			break;
		usleep(10000);
	}
	return rc;
}

static int round_of(__u64 *state, int how)
{
	pid_t pid[ARRAY_SIZE(work)];
	struct binding binding;
	int rc, status;

	rc = mount_retry();
	if (rc)
		return rc;
	rc = prepare();
	if (rc)
		return rc;
	shared->stop = 0;
	for (size_t i = 0; i < ARRAY_SIZE(work); i++)
		pid[i] = start(i, rnd(state));
	usleep(500000 + rnd_below(state, 1500000));

	switch (how) {
	case 0:		/* in order */
		shared->stop = 1;
		break;
	case 1:		/* the mount is gone, and its users are not */
		umount2(ROOT, MNT_DETACH);
		usleep(rnd_below(state, 300000));
		break;
	case 2:		/* the device goes, and comes back beside the mount */
		rc = device_unbind(device(), &binding);
		usleep(rnd_below(state, 300000));
		lockf(failing, F_LOCK, 0);
		if (!rc)
			rc = device_bind(&binding);
		break;
	default:	/* the device goes while it is unmounted */
		/* No mount may be left to hold the dax device of a disk */
		if (is_block(device()))
			lockf(failing, F_LOCK, 0);
		umount2(ROOT, MNT_DETACH);
		rc = device_unbind(device(), &binding);
		lockf(failing, F_LOCK, 0);
		if (!rc)
			rc = device_bind(&binding);
	}
	lockf(failing, F_ULOCK, 0);
	shared->stop = 1;
	/* Each has a way to go on, whatever it meets with */
	for (size_t i = 0; i < ARRAY_SIZE(work); i++) {
		if (waitpid(pid[i], &status, 0) == pid[i] && !status)
			continue;
		shared->failed = 1;
		ksft_print_msg("%s ended with status %#x\n", work[i].name,
			       status);
	}
	umount2(ROOT, MNT_DETACH);
	/* No memory stays bad from one round to the next */
	for (int i = 0; !rc && i < 100; i++) {
		rc = device_rebind(device());
		if (rc == -EBUSY)
			usleep(10000);
		else
			break;
	}
	return rc;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seconds", required_argument, NULL, 's' },
		{ 0 },
	};
	long seconds = 20, rounds = 0;
	__u64 state = seed();
	char line[256] = "";
	bool injector;
	time_t end;
	int opt, rc = 0;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt != 's') {
			fprintf(stderr, "usage: stress_all [--seconds N]\n");
			return 2;
		}
		seconds = atol(optarg);
	}
	require_device();
	ksft_set_plan(1);
	shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	failing = memfd_create("failing", MFD_CLOEXEC);
	rc = failing < 0 ? -errno : private_mounts();
	catch_sigbus();
	/* Load the injector before anything waits for it */
	injector = inject_pfn(0) != -ENOENT;
	end = time(NULL) + seconds;
	while (!rc && !shared->failed && time(NULL) < end) {
		rc = round_of(&state, rounds % 4);
		rounds++;
		if (kernel_complained(line, sizeof(line)))
			break;
	}
	if (rc)
		ksft_print_msg("round %ld: %s\n", rounds, strerror(-rc));
	if (line[0])
		ksft_print_msg("kernel log: %s\n", line);
	ksft_print_msg("%ld rounds:", rounds);
	for (size_t i = 0; i < ARRAY_SIZE(work); i++)
		printf(" %lu %s", shared->done[i], work[i].name);
	printf("\n");
	for (size_t i = 0; i < ARRAY_SIZE(work); i++) {
		if (shared->done[i] ||
		    (work[i].run == fail_memory && !injector))
			continue;
		shared->failed = 1;
		ksft_print_msg("no %s at all\n", work[i].name);
	}
	ksft_test_result(!rc && !line[0] && !shared->failed, "stress\n");
	ksft_finished();
}
