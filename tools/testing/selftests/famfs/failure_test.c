// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory that goes bad: what is lost is exactly what was hit, whoever uses it
 * is told, and all else goes on.
 */
#include "famfs_harness.h"

#include "famfs_failure.h"

#define SIZE		(8 * MiB)
#define LARGE_AT	(32 * MiB)	/* mapped with 2 MiB pages */
#define SMALL_AT	(64 * MiB + PAGE) /* mapped with 4 KiB pages */
#define OTHER_AT	(96 * MiB)

FIXTURE(failure) {
	int fd;		/* of the file whose memory goes bad */
	int other;	/* of a file that has nothing to do with it */
	unsigned char *at;
	unsigned char *other_at;
	__u64 offset;
	int log;
};

FIXTURE_VARIANT(failure) {
	__u64 offset;
	__u64 bad;	/* page of the file that goes bad */
};

FIXTURE_VARIANT_ADD(failure, small_pages) {
	.offset = SMALL_AT,
	.bad = 700,
};

FIXTURE_VARIANT_ADD(failure, large_pages) {
	.offset = LARGE_AT,
	.bad = 700,
};

FIXTURE_VARIANT_ADD(failure, first_page) {
	.offset = LARGE_AT,
	.bad = 0,
};

FIXTURE_VARIANT_ADD(failure, last_page) {
	.offset = LARGE_AT,
	.bad = SIZE / PAGE - 1,
};

FIXTURE_SETUP(failure)
{
	struct span spans[] = { { variant->offset, SIZE } };

	ASSERT_EQ(0, private_mounts());
	ASSERT_EQ(0, mount_famfs());
	ASSERT_EQ(0, ERR(mkdir(ROOT "/dir", 0755)));
	self->fd = create_spans(ROOT "/dir/victim", SIZE, spans, 1);
	ASSERT_LE(0, self->fd);
	self->other = create_at(ROOT "/other", OTHER_AT, SIZE);
	ASSERT_LE(0, self->other);
	self->offset = variant->bad * PAGE;

	self->at = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			self->fd, 0);
	ASSERT_NE(MAP_FAILED, self->at);
	self->other_at = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			      self->other, 0);
	ASSERT_NE(MAP_FAILED, self->other_at);
	fill(self->at, SIZE, 1);
	fill(self->other_at, SIZE, 2);
	catch_sigbus();

	self->log = log_open();
	ASSERT_LE(0, self->log);
}

FIXTURE_TEARDOWN(failure)
{
	munmap(self->at, SIZE);
	munmap(self->other_at, SIZE);
	close(self->fd);
	close(self->other);
	EXPECT_EQ(0, ERR(umount(ROOT)));
	EXPECT_EQ(0, device_rebind(device()));
	EXPECT_CLEAN_LOG();
}

TEST_F(failure, hits_one_page_of_one_file)
{
	unsigned char *must = malloc(SIZE), *seen = malloc(SIZE);

	ASSERT_EQ(0, poison(self->at + self->offset));

	/* In the mapping: that page, by its address, and no other */
	ASSERT_EQ(-1, touch(self->at + self->offset + 5, false));
	EXPECT_EQ(self->at + self->offset,
		  (void *)((unsigned long)trapped.si_addr & ~(PAGE - 1)));
	EXPECT_EQ(BUS_MCEERR_AR, trapped.si_code);
	EXPECT_EQ(-1, touch(self->at + self->offset, true));
	EXPECT_EQ(-1, first_wrong_page(self->at, SIZE, &variant->bad, 1));

	/* By read: all before, an error there, all behind */
	fill(must, SIZE, 1);
	EXPECT_EQ((ssize_t)self->offset ?: -1,
		  pread(self->fd, seen, SIZE, 0));
	EXPECT_EQ(-1, first_difference(must, seen, self->offset));
	EXPECT_EQ(-EIO, ERR(pread(self->fd, seen, 1, self->offset + 77)));
	EXPECT_EQ(-EIO, ERR(pread(self->fd, seen, PAGE, self->offset)));
	EXPECT_EQ((ssize_t)(SIZE - self->offset - PAGE),
		  pread(self->fd, seen, SIZE, self->offset + PAGE));
	EXPECT_EQ(-1, first_difference(must + self->offset + PAGE, seen,
				       SIZE - self->offset - PAGE));

	/* By write: neither a part nor, where nothing can mend it, the whole */
	EXPECT_EQ(-EIO, ERR(pwrite(self->fd, must, 1, self->offset)));
	EXPECT_EQ(-EIO, ERR(pwrite(self->fd, must, PAGE, self->offset)));

	EXPECT_EQ(-1, first_wrong_page(self->other_at, SIZE, NULL, 0));
	fill(must, SIZE, 2);
	EXPECT_EQ(-1, first_difference(must, self->other_at, SIZE));
	/* What was stored there is lost: whoever syncs is told, once */
	EXPECT_EQ(-EIO, ERR(fsync(self->fd)));
	EXPECT_EQ(0, ERR(fsync(self->fd)));
	EXPECT_EQ(0, ERR(fsync(self->other)));
	EXPECT_EQ(0, posix_fadvise(self->fd, 0, 0, POSIX_FADV_DONTNEED));
	free(must);
	free(seen);
}

/* The bytes beside it can be written, by a call that would write all too */
TEST_F(failure, writes_end_at_it_and_begin_behind)
{
	unsigned char *must = malloc(SIZE), *seen = malloc(SIZE);
	__u64 behind = self->offset + PAGE;
	ssize_t len;

	ASSERT_EQ(0, poison(self->at + self->offset));
	fill(must, SIZE, 3);
	len = pwrite(self->fd, must, SIZE, 0);
	EXPECT_EQ((ssize_t)self->offset ?: -EIO, len < 0 ? -errno : len);
	EXPECT_EQ((ssize_t)(SIZE - behind),
		  pwrite(self->fd, must + behind, SIZE - behind, behind));
	if (self->offset)
		EXPECT_EQ(5, pwrite(self->fd, must + self->offset - 5, PAGE,
				    self->offset - 5));
	EXPECT_EQ((ssize_t)self->offset,
		  pread(self->fd, seen, self->offset, 0));
	EXPECT_EQ(-1, first_difference(must, seen, self->offset));
	EXPECT_EQ(-1, first_difference(must, self->at, self->offset));
	EXPECT_EQ((ssize_t)(SIZE - behind),
		  pread(self->fd, seen, SIZE, behind));
	EXPECT_EQ(-1, first_difference(must + behind, seen, SIZE - behind));
	EXPECT_EQ(-1, first_difference(must + behind, self->at + behind,
				       SIZE - behind));
	EXPECT_EQ(-1, first_wrong_page(self->at, SIZE, &variant->bad, 1));
	free(must);
	free(seen);
}

TEST_F(failure, is_logged_and_listed)
{
	struct error_list errors;
	char line[160];

	ASSERT_EQ(0, get_errors(self->fd, &errors));
	EXPECT_EQ(0, errors.head.nr);

	ASSERT_EQ(0, poison(self->at + self->offset));

	/* The kernel's printf writes 0 as 0x0 */
	snprintf(line, sizeof(line),
		 "%s: bad memory at %#llx, length 0x1000: /dir/victim at 0x%llx",
		 device_name(device()), variant->offset + self->offset,
		 self->offset);
	EXPECT_EQ(1, log_count(self->log, line)) {
		TH_LOG("not once in the log: %s", line);
	}

	ASSERT_EQ(0, get_errors(self->fd, &errors));
	ASSERT_EQ(1, errors.head.nr);
	EXPECT_EQ(self->offset, errors.error[0].pos);
	EXPECT_EQ(PAGE, errors.error[0].len);
	EXPECT_EQ(0, errors.error[0].devindex);
	EXPECT_EQ(variant->offset + self->offset, errors.error[0].offset);

	ASSERT_EQ(0, get_errors(self->other, &errors));
	EXPECT_EQ(0, errors.head.nr);
}

/* Two pages next to each other, and one apart */
TEST_F(failure, of_several_pages)
{
	const __u64 pages[] = { 3, 4, 600 };
	struct error_list errors;
	__u64 seen = 0;

	for (int i = 0; i < 3; i++)
		ASSERT_EQ(0, poison(self->at + pages[i] * PAGE));
	ASSERT_EQ(0, get_errors(self->fd, &errors));
	for (__u32 i = 0; i < errors.head.nr; i++)
		seen += errors.error[i].len;
	EXPECT_EQ(3 * PAGE, seen);

	/* One at a time, each call goes on where the last one ended */
	seen = 0;
	errors.head.start = 0;
	for (;;) {
		errors.head.nr = 1;
		ASSERT_EQ(0, ERR(ioctl(self->fd, FAMFSIOC_GET_ERRORS,
				       &errors)));
		if (!errors.head.nr)
			break;
		seen += errors.error[0].len;
		errors.head.start = errors.error[0].pos + errors.error[0].len;
	}
	EXPECT_EQ(3 * PAGE, seen);
	EXPECT_EQ(-1, first_wrong_page(self->at, SIZE, pages, 3));
}

/* Whoever maps the page is told, and not only who came upon it */
TEST_F(failure, tells_every_process)
{
	int ready[2], status;
	char byte;
	pid_t pid;

	ASSERT_EQ(0, ERR(pipe(ready)));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		sigset_t set;
		siginfo_t info;

		sigemptyset(&set);
		sigaddset(&set, SIGBUS);
		sigprocmask(SIG_BLOCK, &set, NULL);
		(void)*(volatile unsigned char *)(self->at + self->offset);
		write(ready[1], "", 1);
		if (sigwaitinfo(&set, &info) != SIGBUS)
			_exit(1);
		if (info.si_code != BUS_MCEERR_AO)
			_exit(2);
		_exit(info.si_addr == self->at + self->offset ? 0 : 3);
	}
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	ASSERT_EQ(0, poison(self->at + self->offset));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_EQ(0, WEXITSTATUS(status));
}

/*
 * In a process of its own, that has the bytes of a file at @pos mapped: 0 if
 * what happens until @go is closed does neither concern it nor its bytes.
 */
static int undisturbed(int fd, __u64 pos, __u64 len, __u64 key,
		       const int ready[2], const int go[2])
{
	unsigned char *must = malloc(SIZE), *at, byte;
	sigset_t set;

	fill(must, SIZE, key);
	at = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, pos);
	if (at == MAP_FAILED || first_difference(must + pos, at, len) != -1)
		return 1;
	sigemptyset(&set);
	sigaddset(&set, SIGBUS);
	sigprocmask(SIG_BLOCK, &set, NULL);
	close(go[1]);
	if (write(ready[1], "", 1) != 1 || read(go[0], &byte, 1))
		return 2;
	sigpending(&set);
	if (sigismember(&set, SIGBUS))
		return 3;
	if (first_difference(must + pos, at, len) != -1)
		return 4;
	/* And by faults of its own */
	madvise(at, len, MADV_DONTNEED);
	return first_difference(must + pos, at, len) == -1 ? 0 : 5;
}

/* Whoever maps but the page beside it, or another file, is not told */
TEST_F(failure, tells_no_other_process)
{
	__u64 beside = (variant->bad ? variant->bad - 1 : 1) * PAGE;
	int ready[2], go[2], status;
	pid_t pid[2];
	char byte;

	ASSERT_EQ(0, ERR(pipe(ready)));
	ASSERT_EQ(0, ERR(pipe(go)));
	for (int i = 0; i < 2; i++) {
		pid[i] = fork();
		ASSERT_LE(0, pid[i]);
		if (pid[i]) {
			ASSERT_EQ(1, read(ready[0], &byte, 1));
			continue;
		}
		munmap(self->at, SIZE);
		munmap(self->other_at, SIZE);
		_exit(i ? undisturbed(self->other, 0, SIZE, 2, ready, go) :
			  undisturbed(self->fd, beside, PAGE, 1, ready, go));
	}
	ASSERT_EQ(0, poison(self->at + self->offset));
	close(go[1]);
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(pid[i], waitpid(pid[i], &status, 0));
		EXPECT_EQ(0, status);
	}
}

/* What a process has copied is its own; what it has not is lost to it too */
TEST_F(failure, leaves_private_copies)
{
	__u64 beside = (variant->bad ? variant->bad - 1 : 1) * PAGE;
	unsigned char *must = malloc(SIZE), *own, *bare;

	own = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, self->fd,
		   0);
	ASSERT_NE(MAP_FAILED, own);
	bare = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, self->fd,
		    0);
	ASSERT_NE(MAP_FAILED, bare);
	fill(must, SIZE, 1);
	own[self->offset] ^= 0xff;
	must[self->offset] ^= 0xff;
	ASSERT_EQ(0, touch(bare + self->offset, false));

	ASSERT_EQ(0, poison(self->at + self->offset));
	ASSERT_EQ(-1, first_wrong_page(own, SIZE, NULL, 0));
	EXPECT_EQ(-1, first_difference(must, own, SIZE));
	EXPECT_EQ(0, touch(own + self->offset, true));
	EXPECT_EQ(0, touch(own + beside, true));
	EXPECT_EQ(-1, first_wrong_page(bare, SIZE, &variant->bad, 1));
	EXPECT_EQ(-1, touch(bare + self->offset, true));
	EXPECT_EQ(0, touch(bare + beside, true));
	EXPECT_EQ(-1, first_difference(must + beside, bare + beside, PAGE));
	munmap(own, SIZE);
	munmap(bare, SIZE);
	free(must);
}

/* The next mount, and the next file there, know it from the start */
TEST_F(failure, stays_over_mounts)
{
	struct span spans[] = { { variant->offset, SIZE } };
	unsigned char *buffer = malloc(SIZE);
	char line[160];

	ASSERT_EQ(0, poison(self->at + self->offset));
	munmap(self->at, SIZE);
	munmap(self->other_at, SIZE);
	close(self->fd);
	close(self->other);
	ASSERT_EQ(0, ERR(umount(ROOT)));

	EXPECT_EQ(0, log_count(self->log, ": some of its memory is bad"));
	ASSERT_EQ(0, mount_famfs());
	EXPECT_EQ(1, log_count(self->log, ": some of its memory is bad"));
	self->fd = create_spans(ROOT "/victim", SIZE, spans, 1);
	ASSERT_LE(0, self->fd);
	snprintf(line, sizeof(line), ": bad memory at %#llx, length 0x1000: /victim at %#llx",
		 variant->offset + self->offset, self->offset);
	EXPECT_EQ(1, log_count(self->log, line));
	self->other = create_at(ROOT "/other", OTHER_AT, SIZE);
	ASSERT_LE(0, self->other);
	EXPECT_EQ(-EIO, ERR(pread(self->fd, buffer, 1, self->offset)));
	self->at = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			self->fd, 0);
	self->other_at = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			      self->other, 0);
	EXPECT_EQ(-1, first_wrong_page(self->at, SIZE, &variant->bad, 1));
	EXPECT_EQ(-1, first_wrong_page(self->other_at, SIZE, NULL, 0));
	free(buffer);
}

/* The event says which file of which file system, and what error */
TEST_F(failure, is_an_event)
{
	int fan = fs_errors_watch();

	ASSERT_LE(0, fan);
	ASSERT_EQ(0, poison(self->at + self->offset));
	EXPECT_EQ(EIO, fs_error_of(fan, ROOT "/dir/victim"));
	close(fan);
}

TEST_F(failure, is_counted)
{
	char path[128], count[32];

	snprintf(path, sizeof(path), "/sys/fs/famfs/%s/errors",
		 device_name(device()));
	ASSERT_EQ(0, read_text(path, count, sizeof(count)));
	EXPECT_EQ(0, atoi(count));
	ASSERT_EQ(0, poison(self->at + self->offset));
	ASSERT_EQ(0, read_text(path, count, sizeof(count)));
	EXPECT_EQ(1, atoi(count));
}

/* A file of one part that is interleaved over two or three strips. */
#define CHUNK		(2 * MiB)
#define CHUNKS		7

FIXTURE(striped) {
	int fd;
	unsigned char *at;
};

FIXTURE_VARIANT(striped) {
	__u32 strips;
	__u32 devices;
};

FIXTURE_VARIANT_ADD(striped, one_device) {
	.strips = 3,
	.devices = 1,
};

FIXTURE_VARIANT_ADD(striped, two_devices) {
	.strips = 2,
	.devices = 2,
};

FIXTURE_SETUP(striped)
{
	struct famfs_fmap_simple strips[3] = { 0 };
	const struct stripe stripe = {
		.nstrips = variant->strips,
		.chunk_size = CHUNK,
		.nbytes = CHUNKS * CHUNK,
		.strips = strips,
	};

	if (variant->devices > 1 && !device2())
		SKIP(return, "there is no second device");
	ASSERT_EQ(0, private_mounts());
	ASSERT_EQ(0, mount_famfs());
	self->fd = create_empty(ROOT "/file");
	ASSERT_LE(0, self->fd);
	if (variant->devices > 1)
		ASSERT_EQ(0, daxdev_open(self->fd, 1, device2()));
	for (__u32 i = 0; i < variant->strips; i++) {
		strips[i].devindex = i % variant->devices;
		strips[i].offset = (i + 2) * 16 * MiB;
		strips[i].len = 4 * CHUNK;
	}
	ASSERT_EQ(0, map_create(self->fd, fmap_striped(CHUNKS * CHUNK, &stripe,
						       1)));
	self->at = mmap(NULL, CHUNKS * CHUNK, PROT_READ | PROT_WRITE,
			MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, self->at);
	fill(self->at, CHUNKS * CHUNK, 5);
	catch_sigbus();
}

FIXTURE_TEARDOWN(striped)
{
	if (!self->at)
		return;
	munmap(self->at, CHUNKS * CHUNK);
	close(self->fd);
	EXPECT_EQ(0, ERR(umount(ROOT)));
	EXPECT_EQ(0, device_rebind(device()));
	if (variant->devices > 1)
		EXPECT_EQ(0, device_rebind(device2()));
	EXPECT_CLEAN_LOG();
}

TEST_F(striped, loses_only_the_page)
{
	/* In the first chunk, in one in the middle, and the last page */
	const __u64 bad[] = {
		7, 4 * CHUNK / PAGE + 100, CHUNKS * CHUNK / PAGE - 1,
	};
	unsigned char *must = malloc(CHUNKS * CHUNK), byte;
	struct error_list errors;

	for (int i = 0; i < 3; i++)
		ASSERT_EQ(0, poison(self->at + bad[i] * PAGE));
	EXPECT_EQ(-1, first_wrong_page(self->at, CHUNKS * CHUNK, bad, 3));
	ASSERT_EQ(0, get_errors(self->fd, &errors));
	ASSERT_EQ(3, errors.head.nr);

	fill(must, CHUNKS * CHUNK, 5);
	for (int i = 0; i < 3; i++) {
		__u64 chunk = bad[i] * PAGE / CHUNK;
		__u64 strip = chunk % variant->strips;

		EXPECT_EQ(bad[i] * PAGE, errors.error[i].pos);
		EXPECT_EQ(PAGE, errors.error[i].len);
		EXPECT_EQ(strip % variant->devices, errors.error[i].devindex);
		EXPECT_EQ((strip + 2) * 16 * MiB +
			  chunk / variant->strips * CHUNK +
			  bad[i] * PAGE % CHUNK, errors.error[i].offset);
		EXPECT_EQ(-EIO, ERR(pread(self->fd, &byte, 1, bad[i] * PAGE)));
	}
	for (__u64 p = 0; p < CHUNKS * CHUNK / PAGE; p++)
		if (p != bad[0] && p != bad[1] && p != bad[2])
			ASSERT_EQ(-1, first_difference(must + p * PAGE,
						       self->at + p * PAGE,
						       PAGE));
	free(must);
}

/* A device that has failed before it joins a mount. */
#define JOINING_BAD	77ULL

FIXTURE(joining) {
	const char *dev;
	int fd;
};

FIXTURE_SETUP(joining)
{
	unsigned char *at;

	self->fd = -1;
	self->dev = device2();
	if (!self->dev)
		SKIP(return, "there is no second device");
	catch_sigbus();
	ASSERT_EQ(0, private_mounts());
	ASSERT_EQ(0, ERR(mount(self->dev, ROOT, "famfs", 0, NULL)));
	self->fd = create_at(ROOT "/before", LARGE_AT, SIZE);
	ASSERT_LE(0, self->fd);
	at = map_shared(self->fd, SIZE);
	ASSERT_NE(MAP_FAILED, at);
	fill(at, SIZE, 6);
	ASSERT_EQ(0, poison(at + JOINING_BAD * PAGE));
	munmap(at, SIZE);
	close(self->fd);
	ASSERT_EQ(0, ERR(umount(ROOT)));
	ASSERT_EQ(0, mount_famfs());
	self->fd = create_empty(ROOT "/file");
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(joining)
{
	if (!self->dev)
		return;
	close(self->fd);
	EXPECT_EQ(0, ERR(umount(ROOT)));
	EXPECT_EQ(0, device_rebind(self->dev));
	EXPECT_CLEAN_LOG();
}

TEST_F(joining, knows_its_bad_memory)
{
	const struct span span = { LARGE_AT, SIZE };
	const __u64 bad = JOINING_BAD;
	struct fmap *map = fmap_of(SIZE, &span, 1);
	unsigned char *at, byte;
	struct error_list errors;

	ASSERT_EQ(0, daxdev_open(self->fd, 1, self->dev));
	map->ext[0].devindex = 1;
	ASSERT_EQ(0, map_create(self->fd, map));
	EXPECT_EQ(-EIO, ERR(pread(self->fd, &byte, 1, bad * PAGE)));
	EXPECT_EQ(1, pread(self->fd, &byte, 1, (bad + 1) * PAGE));
	ASSERT_EQ(0, get_errors(self->fd, &errors));
	ASSERT_EQ(1, errors.head.nr);
	EXPECT_EQ(bad * PAGE, errors.error[0].pos);
	EXPECT_EQ(PAGE, errors.error[0].len);
	EXPECT_EQ(1, errors.error[0].devindex);
	EXPECT_EQ(LARGE_AT + bad * PAGE, errors.error[0].offset);
	at = map_shared(self->fd, SIZE);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(-1, first_wrong_page(at, SIZE, &bad, 1));
	munmap(at, SIZE);
	free(map);
}

/* These tests would not see it if a line of famfs could show a pointer */
TEST(pointers_in_the_log_are_seen)
{
	char line[128] = "";

	ASSERT_EQ(0, write_text("/dev/kmsg",
				"<6>famfs: none: 0xffff 00000000deadbeef\n"));
	EXPECT_FALSE(kernel_complained(line, sizeof(line)));
	ASSERT_EQ(0, write_text("/dev/kmsg",
				"<6>famfs: as a test: ffff888100abcdef\n"));
	EXPECT_TRUE(kernel_complained(line, sizeof(line)));
	EXPECT_STREQ("famfs: as a test: ffff888100abcdef", line);
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
