// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory that fails by its number, whether anybody has it mapped or not, and
 * while files, mounts and the module itself come and go.
 */
#include "famfs_harness.h"

#include "famfs_failure.h"

#define SIZE		(8 * MiB)
#define LARGE_AT	(32 * MiB)	/* mapped with 2 MiB pages */
#define OTHER_AT	(96 * MiB)

FIXTURE(spot) {
	int log;
	__u64 pfn;	/* of the first page at LARGE_AT */
};

FIXTURE_SETUP(spot)
{
	unsigned char *at;
	int fd;

	ASSERT_EQ(0, private_mounts());
	ASSERT_EQ(0, mount_famfs());
	fd = create_at(ROOT "/probe", LARGE_AT, SIZE);
	ASSERT_LE(0, fd);
	at = map_shared(fd, SIZE);
	ASSERT_NE(MAP_FAILED, at);
	fill(at, SIZE, 9);
	self->pfn = pfn_of(at);
	ASSERT_NE(0, self->pfn);
	munmap(at, SIZE);
	close(fd);
	/* A new mount knows nothing of the file */
	ASSERT_EQ(0, ERR(umount(ROOT)));
	catch_sigbus();
	self->log = log_open();
	ASSERT_LE(0, self->log);
}

FIXTURE_TEARDOWN(spot)
{
	umount(ROOT);
	EXPECT_EQ(0, device_rebind(device()));
	EXPECT_CLEAN_LOG();
}

TEST_F(spot, of_no_file_and_then_of_one)
{
	const __u64 bad = 77;
	struct error_list errors;
	unsigned char *at, byte;
	char line[128];
	int fd, rc;

	ASSERT_EQ(0, mount_famfs());
	rc = inject_pfn(self->pfn + bad);
	if (rc == -ENOENT)
		SKIP(return, "the kernel has no injector");
	ASSERT_EQ(0, rc);
	snprintf(line, sizeof(line),
		 "%s: bad memory at %#llx, length 0x1000: no file",
		 device_name(device()), LARGE_AT + bad * PAGE);
	EXPECT_EQ(1, log_count(self->log, line));

	fd = create_at(ROOT "/file", LARGE_AT, SIZE);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EIO, ERR(pread(fd, &byte, 1, bad * PAGE)));
	EXPECT_EQ(1, pread(fd, &byte, 1, bad * PAGE - 1));
	ASSERT_EQ(0, get_errors(fd, &errors));
	ASSERT_EQ(1, errors.head.nr);
	EXPECT_EQ(bad * PAGE, errors.error[0].pos);
	at = map_shared(fd, SIZE);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(-1, first_wrong_page(at, SIZE, &bad, 1));
	munmap(at, SIZE);
	close(fd);
}

TEST_F(spot, of_a_file_that_nobody_maps)
{
	const __u64 bad = 77;
	struct error_list errors;
	unsigned char *at, byte;
	int fd, rc;

	ASSERT_EQ(0, mount_famfs());
	fd = create_at(ROOT "/file", LARGE_AT, SIZE);
	ASSERT_LE(0, fd);
	ASSERT_EQ(1, pread(fd, &byte, 1, bad * PAGE));
	rc = inject_pfn(self->pfn + bad);
	if (rc == -ENOENT)
		SKIP(return, "the kernel has no injector");
	ASSERT_EQ(0, rc);
	EXPECT_EQ(1, log_count(self->log, ": /file at 0x4d000"));
	EXPECT_EQ(-EIO, ERR(pread(fd, &byte, 1, bad * PAGE)));
	EXPECT_EQ(1, pread(fd, &byte, 1, (bad + 1) * PAGE));
	ASSERT_EQ(0, get_errors(fd, &errors));
	EXPECT_EQ(1, errors.head.nr);
	at = map_shared(fd, SIZE);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(-1, first_wrong_page(at, SIZE, &bad, 1));
	EXPECT_EQ(-EHWPOISON, ERR(madvise(at + bad * PAGE, PAGE,
					  MADV_POPULATE_READ)));
	EXPECT_EQ(0, ERR(madvise(at, bad * PAGE, MADV_POPULATE_READ)));
	munmap(at, SIZE);
	close(fd);
}

/* A file has lost nothing where a page failed that it has no byte on */
static int lost_nothing(int fd, __u64 pages)
{
	unsigned char *at = map_shared(fd, pages * PAGE), page[PAGE];
	struct error_list errors;

	if (get_errors(fd, &errors) || errors.head.nr)
		return 1;
	for (__u64 p = 0; p < pages; p++)
		if (pread(fd, page, PAGE, p * PAGE) != PAGE ||
		    pwrite(fd, page, PAGE, p * PAGE) != PAGE)
			return 2;
	if (at == MAP_FAILED ||
	    first_wrong_page(at, pages * PAGE, NULL, 0) != -1)
		return 3;
	munmap(at, pages * PAGE);
	return fsync(fd) ? 4 : 0;
}

TEST_F(spot, past_the_end_of_a_file)
{
	const struct span span = { LARGE_AT, 2 * PAGE };
	char line[128];
	int fd, rc;

	ASSERT_EQ(0, mount_famfs());
	fd = create_spans(ROOT "/file", PAGE, &span, 1);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, lost_nothing(fd, 1));
	rc = inject_pfn(self->pfn + 1);
	if (rc == -ENOENT)
		SKIP(return, "the kernel has no injector");
	ASSERT_EQ(0, rc);
	snprintf(line, sizeof(line),
		 "%s: bad memory at %#llx, length 0x1000: no file",
		 device_name(device()), LARGE_AT + PAGE);
	EXPECT_EQ(1, log_count(self->log, line));
	EXPECT_EQ(0, lost_nothing(fd, 1));
	close(fd);
}

/* Two strips of four pages each, for three pages: what is left over fails */
TEST_F(spot, in_what_a_strip_has_to_spare)
{
	const struct famfs_fmap_simple strips[] = {
		{ .offset = LARGE_AT, .len = 4 * PAGE },
		{ .offset = LARGE_AT + 4 * PAGE, .len = 4 * PAGE },
	};
	const struct stripe stripe = {
		.chunk_size = PAGE,
		.nbytes = 3 * PAGE,
		.nstrips = 2,
		.strips = strips,
	};
	const __u64 spare[] = { 2, 3, 5, 7 };
	char line[128];
	int fd, rc;

	ASSERT_EQ(0, mount_famfs());
	fd = create_empty(ROOT "/file");
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, map_create(fd, fmap_striped(3 * PAGE, &stripe, 1)));
	ASSERT_EQ(0, lost_nothing(fd, 3));
	for (size_t i = 0; i < ARRAY_SIZE(spare); i++) {
		rc = inject_pfn(self->pfn + spare[i]);
		if (rc == -ENOENT)
			SKIP(return, "the kernel has no injector");
		ASSERT_EQ(0, rc);
		snprintf(line, sizeof(line), ": bad memory at %#llx, length 0x1000: no file",
			 LARGE_AT + spare[i] * PAGE);
		EXPECT_EQ(1, log_count(self->log, line));
	}
	EXPECT_EQ(0, lost_nothing(fd, 3));
	close(fd);
}

/* Memory of a file that has just this name fails: 0 or -errno */
static int fail_file(int fd, __u64 page)
{
	unsigned char *at = map_shared(fd, SIZE);
	int rc;

	if (at == MAP_FAILED)
		return -errno;
	rc = touch(at + page * PAGE, true) ?: poison(at + page * PAGE);
	munmap(at, SIZE);
	return rc;
}

/* A name cannot look like a line of its own */
TEST_F(spot, of_a_file_with_a_name_of_two_lines)
{
	int fd, all = log_open();

	ASSERT_LE(0, all);
	ASSERT_EQ(0, mount_famfs());
	fd = create_at(ROOT "/a\nfamfs: x", LARGE_AT, SIZE);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fail_file(fd, 7));
	/* The log itself writes a backslash as \x5c, and a newline as \x0a */
	EXPECT_EQ(1, log_count(self->log, ": /a\\x5cnfamfs: x at 0x7000"));
	EXPECT_EQ(1, log_count(all, "famfs: x"));
	close(all);
	close(fd);
}

/* The name that a file has, and not one that it had */
TEST_F(spot, of_a_file_whose_names_go)
{
	const __u64 policy = FAMFS_OPT_UNLINK | FAMFS_OPT_LINK;
	unsigned char byte;
	int fd;

	ASSERT_EQ(0, mount_famfs());
	fd = create_at(ROOT "/file", LARGE_AT, SIZE);
	ASSERT_LE(0, fd);
	ASSERT_LE(0, opts(fd, FAMFSIOC_SET_OPTS, policy));
	ASSERT_EQ(0, ERR(link(ROOT "/file", ROOT "/second")));
	ASSERT_EQ(0, ERR(unlink(ROOT "/file")));
	ASSERT_EQ(0, fail_file(fd, 7));
	EXPECT_EQ(1, log_count(self->log, ": /second at 0x7000"));
	ASSERT_EQ(0, ERR(unlink(ROOT "/second")));
	ASSERT_EQ(0, fail_file(fd, 9));
	EXPECT_EQ(1, log_count(self->log, ": (no name) at 0x9000"));
	EXPECT_EQ(-EIO, ERR(pread(fd, &byte, 1, 9 * PAGE)));
	EXPECT_EQ(1, pread(fd, &byte, 1, 8 * PAGE));
	close(fd);
}

/* As nobody, who may but read the file: how many bad ranges there are */
static int count_errors(void *path)
{
	int fd, rc = become_nobody();
	struct error_list errors;

	if (rc)
		return rc;
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return -errno;
	return get_errors(fd, &errors) ?: -(int)errors.head.nr;
}

TEST_F(spot, is_listed_to_whoever_asks)
{
	struct famfs_errors *tight;
	struct error_list errors;
	int fd, dir, empty;
	unsigned char *at;

	ASSERT_EQ(0, mount_famfs());
	fd = create_at(ROOT "/file", LARGE_AT, SIZE);
	ASSERT_LE(0, fd);
	for (__u64 p = 4; p < 8; p++)
		ASSERT_EQ(0, fail_file(fd, p));

	/* From within it, and from behind it */
	errors.head = (struct famfs_errors){ .start = 5 * PAGE + 9, .nr = 9 };
	ASSERT_EQ(0, ERR(ioctl(fd, FAMFSIOC_GET_ERRORS, &errors)));
	ASSERT_EQ(1, errors.head.nr);
	EXPECT_EQ(5 * PAGE, errors.error[0].pos);
	EXPECT_EQ(3 * PAGE, errors.error[0].len);
	EXPECT_EQ(LARGE_AT + 5 * PAGE, errors.error[0].offset);
	for (int i = 0; i < 3; i++) {
		const __u64 behind[] = { 8 * PAGE, SIZE, ~0ULL };

		errors.head.start = behind[i];
		errors.head.nr = 9;
		EXPECT_EQ(0, ERR(ioctl(fd, FAMFSIOC_GET_ERRORS, &errors)));
		EXPECT_EQ(0, errors.head.nr);
	}
	/* No room for any */
	errors.head.start = 0;
	errors.head.nr = 0;
	EXPECT_EQ(0, ERR(ioctl(fd, FAMFSIOC_GET_ERRORS, &errors)));
	EXPECT_EQ(0, errors.head.nr);
	/* No memory for the request, or but for that */
	EXPECT_EQ(-EFAULT, ERR(ioctl(fd, FAMFSIOC_GET_ERRORS, NULL)));
	at = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, at);
	munmap(at + PAGE, PAGE);
	tight = (void *)(at + PAGE - sizeof(*tight));
	EXPECT_EQ(0, ERR(ioctl(fd, FAMFSIOC_GET_ERRORS, tight)));
	tight->nr = 1;
	EXPECT_EQ(-EFAULT, ERR(ioctl(fd, FAMFSIOC_GET_ERRORS, tight)));
	munmap(at, PAGE);

	EXPECT_EQ(-1, in_child(count_errors, ROOT "/file"));
	empty = create_empty(ROOT "/empty");
	ASSERT_LE(0, empty);
	EXPECT_EQ(0, get_errors(empty, &errors));
	EXPECT_EQ(0, errors.head.nr);
	dir = open(ROOT, O_RDONLY);
	ASSERT_LE(0, dir);
	EXPECT_EQ(-EISDIR, get_errors(dir, &errors));
	close(dir);
	close(empty);
	close(fd);
}

/* How many bad ranges a file has, however many: that, or -errno */
static int count_ranges(int fd)
{
	struct error_list errors = { 0 };
	struct famfs_error *last;
	int rc, n = 0;

	for (;;) {
		errors.head.nr = ARRAY_SIZE(errors.error);
		rc = ERR(ioctl(fd, FAMFSIOC_GET_ERRORS, &errors));
		if (rc || !errors.head.nr)
			return rc ?: n;
		n += errors.head.nr;
		last = &errors.error[errors.head.nr - 1];
		errors.head.start = last->pos + last->len;
	}
}

/*
 * Each mount knows all that has failed before, and forgets it without a trace:
 * what it keeps that in takes another shape as it grows.
 */
TEST_F_TIMEOUT(spot, of_ever_more_pages, 60)
{
	int fd, rc, n = 0;

	while (n < 160) {
		ASSERT_EQ(0, mount_famfs());
		fd = create_at(ROOT "/file", LARGE_AT, SIZE);
		ASSERT_LE(0, fd);
		EXPECT_EQ(n, count_ranges(fd));
		for (int i = 0; i < 2; i++, n++) {
			rc = inject_pfn(self->pfn + 2 * n);
			if (rc == -ENOENT)
				SKIP(return, "the kernel has no injector");
			ASSERT_EQ(0, rc);
		}
		EXPECT_EQ(n, count_ranges(fd));
		close(fd);
		ASSERT_EQ(0, ERR(umount(ROOT)));
	}
}

/*
 * What the kernel then knows of it, the next mount knows, and no more: it may
 * refuse, since there is nobody to tell; but not once the device is mounted.
 */
TEST_F(spot, while_nothing_is_mounted)
{
	const __u64 bad = 77;
	struct error_list errors;
	unsigned char *at;
	int fd, rc;

	rc = inject_pfn(self->pfn + bad);
	if (rc == -ENOENT)
		SKIP(return, "the kernel has no injector");
	EXPECT_EQ(rc ? -EBUSY : 0, rc);
	EXPECT_EQ(0, log_count(self->log, "famfs:"));
	ASSERT_EQ(0, mount_famfs());
	fd = create_at(ROOT "/file", LARGE_AT, SIZE);
	ASSERT_LE(0, fd);
	at = map_shared(fd, SIZE);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(-1, first_wrong_page(at, SIZE, &bad, rc ? 0 : 1));
	ASSERT_EQ(0, get_errors(fd, &errors));
	EXPECT_EQ(rc ? 0 : 1, errors.head.nr);
	EXPECT_EQ(0, inject_pfn(self->pfn + bad));
	EXPECT_EQ(-1, first_wrong_page(at, SIZE, &bad, 1));
	munmap(at, SIZE);
	close(fd);
}

/* In a process of its own: which page of its mapping was taken from it. */
static int wait_for_loss(int fd, int ready, __u64 bad)
{
	unsigned char *at = map_shared(fd, SIZE);
	siginfo_t info;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGBUS);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (__u64 b = 0; b < SIZE; b += PMD)
		at[b]++;
	if (write(ready, "", 1) != 1)
		return 1;
	if (sigwaitinfo(&set, &info) != SIGBUS || info.si_code != BUS_MCEERR_AO)
		return 2;
	if (info.si_addr != at + bad * PAGE)
		return 3;
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	return first_wrong_page(at, SIZE, &bad, 1) == -1 ? 0 : 4;
}

TEST_F(spot, of_several_processes)
{
	const __u64 bad = PMD / PAGE + 5;
	int fd, ready[2], status;
	pid_t pid[3];
	char byte;

	ASSERT_EQ(0, mount_famfs());
	fd = create_at(ROOT "/file", LARGE_AT, SIZE);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, pipe(ready));
	if (inject_pfn(self->pfn + OTHER_AT / PAGE) == -ENOENT)
		SKIP(return, "the kernel has no injector");
	for (int i = 0; i < 3; i++) {
		pid[i] = fork();
		ASSERT_LE(0, pid[i]);
		if (!pid[i])
			_exit(wait_for_loss(fd, ready[1], bad));
		ASSERT_EQ(1, read(ready[0], &byte, 1));
	}
	ASSERT_EQ(0, inject_pfn(self->pfn + bad));
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(pid[i], waitpid(pid[i], &status, 0));
		EXPECT_EQ(0, status);
	}
	close(fd);
}

/* Faults, maps that come and go, and failures, at once */
TEST_F_TIMEOUT(spot, races_with_faults_and_maps, 120)
{
	volatile int *stop = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const __u64 policy = FAMFS_OPT_UNLINK;
	__u64 state = seed(), bad[2][12];
	int fd, root, status;
	unsigned char *at;
	pid_t pid[3];

	ASSERT_EQ(0, mount_famfs());
	root = open(ROOT, O_RDONLY);
	ASSERT_EQ(0, ERR(ioctl(root, FAMFSIOC_SET_OPTS, &policy)));
	close(root);
	fd = create_at(ROOT "/file", LARGE_AT, SIZE);
	ASSERT_LE(0, fd);
	at = map_shared(fd, SIZE);
	ASSERT_NE(MAP_FAILED, at);
	if (inject_pfn(self->pfn + OTHER_AT / PAGE) == -ENOENT)
		SKIP(return, "the kernel has no injector");

	for (int i = 0; i < 3; i++) {
		pid[i] = fork();
		ASSERT_LE(0, pid[i]);
		if (pid[i])
			continue;
		while (!*stop) {
			char name[16];
			int made;

			if (i < 2) {
				for (__u64 b = 0; b < SIZE; b += 8 * PAGE)
					touch(at + b, i);
				madvise(at, SIZE, MADV_DONTNEED);
				continue;
			}
			made = create_at(ROOT "/brief", LARGE_AT + SIZE, SIZE);
			/* The last one may still be looked at */
			if (made < 0 && made != -EADDRINUSE)
				_exit(1);
			if (made >= 0 && pread(made, name, 1, 0) < 0 &&
			    errno != EIO)
				_exit(2);
			close(made);
			if (unlink(ROOT "/brief"))
				_exit(3);
		}
		_exit(0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad[0]); i++) {
		/* In the file, and where files come and go */
		for (int k = 0; k < 2; k++) {
			bad[k][i] = rnd_below(&state, SIZE / PAGE);
			EXPECT_EQ(0, inject_pfn(self->pfn + bad[k][i] +
						k * SIZE / PAGE));
		}
	}
	*stop = 1;
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(pid[i], waitpid(pid[i], &status, 0));
		EXPECT_EQ(0, status);
	}
	EXPECT_EQ(-1, first_wrong_page(at, SIZE, bad[0], ARRAY_SIZE(bad[0])));
	munmap(at, SIZE);
	close(fd);
	fd = create_at(ROOT "/late", LARGE_AT + SIZE, SIZE);
	ASSERT_LE(0, fd);
	at = map_shared(fd, SIZE);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(-1, first_wrong_page(at, SIZE, bad[1], ARRAY_SIZE(bad[1])));
	munmap(at, SIZE);
	close(fd);
}

/* Mounts and unmounts, and failures at any time of them: none leaves one busy */
TEST_F_TIMEOUT(spot, races_with_mounts, 120)
{
	struct {
		size_t nr;
		__u64 bad[60];
	} *hit = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	__u64 state = seed(), page;
	unsigned char *at;
	int fd, status;
	pid_t pid;

	if (inject_pfn(self->pfn + OTHER_AT / PAGE) == -ENOENT)
		SKIP(return, "the kernel has no injector");
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		for (int i = 0; i < 60; i++) {
			page = rnd_below(&state, SIZE / PAGE);
			if (!inject_pfn(self->pfn + page))
				hit->bad[hit->nr++] = page;
		}
		_exit(0);
	}
	do {
		ASSERT_EQ(0, mount_famfs());
		fd = create_at(ROOT "/file", LARGE_AT, SIZE);
		ASSERT_LE(0, fd);
		at = map_shared(fd, SIZE);
		ASSERT_NE(MAP_FAILED, at);
		for (__u64 b = 0; b < SIZE; b += PMD)
			touch(at + b, true);
		munmap(at, SIZE);
		close(fd);
		ASSERT_EQ(0, ERR(umount(ROOT)));
	} while (!waitpid(pid, &status, WNOHANG));
	EXPECT_EQ(0, status);

	ASSERT_EQ(0, mount_famfs());
	fd = create_at(ROOT "/file", LARGE_AT, SIZE);
	ASSERT_LE(0, fd);
	at = map_shared(fd, SIZE);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(-1, first_wrong_page(at, SIZE, hit->bad, hit->nr));
	munmap(at, SIZE);
	close(fd);
}

/* The module goes and comes, and failures at any time of that */
TEST_F_TIMEOUT(spot, races_with_unload, 120)
{
	struct {
		int stop;
		size_t nr;
		__u64 bad[500];
	} *hit = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	volatile int *stop = &hit->stop;
	__u64 state = seed(), page;
	unsigned char *at;
	int fd, status;
	pid_t pid;

	if (inject_pfn(self->pfn + OTHER_AT / PAGE) == -ENOENT)
		SKIP(return, "the kernel has no injector");
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		while (!*stop && hit->nr < ARRAY_SIZE(hit->bad)) {
			page = rnd_below(&state, SIZE / PAGE);
			if (!inject_pfn(self->pfn + page))
				hit->bad[hit->nr++] = page;
		}
		_exit(0);
	}
	for (int i = 0; i < 12; i++) {
		ASSERT_EQ(0, system("rmmod famfs"));
		ASSERT_EQ(0, system("modprobe famfs"));
		ASSERT_EQ(0, mount_famfs());
		ASSERT_EQ(0, ERR(umount(ROOT)));
	}
	*stop = 1;
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);

	ASSERT_EQ(0, mount_famfs());
	fd = create_at(ROOT "/file", LARGE_AT, SIZE);
	ASSERT_LE(0, fd);
	at = map_shared(fd, SIZE);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(-1, first_wrong_page(at, SIZE, hit->bad, hit->nr));
	munmap(at, SIZE);
	close(fd);
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
