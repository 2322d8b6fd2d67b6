// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Devices that go away: in any order with everything that may use them, their
 * mount ends its I/O with an error, can be listed and unmounted, and the next
 * driver finds the device as if nothing had been.
 */
#include <dirent.h>
#include <linux/io_uring.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "famfs_harness.h"

#include "famfs_failure.h"

#define SIZE		(8 * MiB)
#define FILE_AT		(32 * MiB)

FIXTURE(removal) {
	struct binding binding;
	int fd;
	int log;
	bool gone;
	unsigned char *at;
};

FIXTURE_SETUP(removal)
{
	ASSERT_EQ(0, private_mounts());
	ASSERT_EQ(0, mount_famfs());
	self->fd = create_at(ROOT "/file", FILE_AT, SIZE);
	ASSERT_LE(0, self->fd);
	self->at = map_shared(self->fd, SIZE);
	ASSERT_NE(MAP_FAILED, self->at);
	fill(self->at, SIZE, 3);
	catch_sigbus();
	self->log = log_open();
	ASSERT_LE(0, self->log);
}

FIXTURE_TEARDOWN(removal)
{
	if (self->gone)
		EXPECT_EQ(0, device_bind(&self->binding));
	EXPECT_EQ(0, ERR(umount2(ROOT, MNT_DETACH)));
	munmap(self->at, SIZE);
	close(self->fd);
	/* Whatever was done to it, it can be used again */
	EXPECT_EQ(0, mount_famfs());
	EXPECT_EQ(0, ERR(umount(ROOT)));
	EXPECT_CLEAN_LOG();
}

#define REMOVE() do {							\
	ASSERT_EQ(0, device_unbind(device(), &self->binding));		\
	self->gone = true;						\
} while (0)

#define RESTORE() do {							\
	ASSERT_EQ(0, device_bind(&self->binding));			\
	self->gone = false;						\
} while (0)

/* Does a file of the mount in sysfs have this line? */
static bool mount_says(const char *file, const char *line)
{
	char path[128], text[128];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/fs/famfs/%s/%s",
		 device_name(device()), file);
	f = fopen(path, "r");
	while (f && fgets(text, sizeof(text), f)) {
		text[strcspn(text, "\n")] = '\0';
		found |= !strcmp(text, line);
	}
	if (f)
		fclose(f);
	return found;
}

TEST_F(removal, ends_the_io_and_not_the_machine)
{
	unsigned char *buffer = malloc(SIZE), *at;
	struct statfs st;
	struct stat stat;
	DIR *dir;

	/* Something is on its way to the memory */
	ASSERT_EQ(0, touch(self->at, true));
	REMOVE();
	EXPECT_EQ(1, log_count(self->log, ": the device is gone"));

	EXPECT_EQ(-EIO, ERR(pread(self->fd, buffer, 1, 0)));
	EXPECT_EQ(-EIO, ERR(pread(self->fd, buffer, SIZE, 0)));
	EXPECT_EQ(-EIO, ERR(pwrite(self->fd, buffer, SIZE, 0)));
	EXPECT_EQ(-1, touch(self->at, false));
	EXPECT_EQ(-1, touch(self->at + SIZE - 1, true));
	EXPECT_EQ(BUS_ADRERR, trapped.si_code);
	EXPECT_EQ(-EFAULT, ERR(madvise(self->at, SIZE, MADV_POPULATE_READ)));
	EXPECT_EQ(-EIO, -posix_fadvise(self->fd, 0, 0, POSIX_FADV_DONTNEED));
	EXPECT_EQ(0, ERR(statfs(ROOT, &st)));
	EXPECT_EQ(0, ERR(lstat(ROOT "/file", &stat)));
	EXPECT_EQ(SIZE, stat.st_size);
	dir = opendir(ROOT);
	ASSERT_NE(NULL, dir);
	EXPECT_NE(NULL, readdir(dir));
	closedir(dir);
	at = map_shared(self->fd, SIZE);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(-1, touch(at, false));
	munmap(at, SIZE);
	/* Whoever syncs is told that the file is lost, once */
	EXPECT_EQ(-EIO, ERR(fsync(self->fd)));
	EXPECT_EQ(0, ERR(fsync(self->fd)));
	EXPECT_EQ(-ENXIO, create_at(ROOT "/new", FILE_AT + SIZE, PAGE));
	free(buffer);
}

/* The event says that the file system, and no file, has lost its device */
TEST_F(removal, is_an_event)
{
	int fan = fs_errors_watch();

	ASSERT_LE(0, fan);
	REMOVE();
	EXPECT_EQ(ESHUTDOWN, fs_error_of(fan, NULL));
	close(fan);
}

/* Of a file in very many pieces, each page is taken, and none of them twice */
TEST_F(removal, under_very_many_extents)
{
	const __u32 n = 20000;
	struct span *spans = calloc(n, sizeof(*spans)), other;
	__u64 state = seed(), lost = 0;
	unsigned char *at;
	int fd;

	for (__u32 i = 0; i < n; i++) {
		spans[i].offset = FILE_AT + SIZE + i * PAGE;
		spans[i].len = PAGE;
	}
	for (__u32 i = n - 1; i; i--) {
		__u32 k = rnd_below(&state, i + 1);

		other = spans[i];
		spans[i] = spans[k];
		spans[k] = other;
	}
	fd = create_spans(ROOT "/pieces", n * PAGE, spans, n);
	ASSERT_LE(0, fd);
	at = map_shared(fd, n * PAGE);
	ASSERT_NE(MAP_FAILED, at);
	ASSERT_EQ(-1, first_wrong_page(at, n * PAGE, NULL, 0));
	REMOVE();
	for (__u32 i = 0; i < n; i++)
		lost += touch(at + i * PAGE, false) == -1;
	EXPECT_EQ(n, lost);
	EXPECT_EQ(-1, touch(self->at, false));
	munmap(at, n * PAGE);
	close(fd);
	free(spans);
}

/* An administrator sees what is lost, for as long as the mount is there */
TEST_F(removal, is_listed)
{
	struct error_list errors;
	char line[128];

	snprintf(line, sizeof(line), "0 %s %llu gone", device_name(device()),
		 device_size(device()));
	ASSERT_EQ(0, get_errors(self->fd, &errors));
	EXPECT_EQ(0, errors.head.nr);
	REMOVE();
	EXPECT_TRUE(mount_says("devices", line));
	EXPECT_TRUE(mount_says("errors", "1"));
	EXPECT_TRUE(mount_says("files", "1"));
	ASSERT_EQ(0, get_errors(self->fd, &errors));
	ASSERT_EQ(1, errors.head.nr);
	EXPECT_EQ(0, errors.error[0].pos);
	EXPECT_EQ(SIZE, errors.error[0].len);
	EXPECT_EQ(FILE_AT, errors.error[0].offset);
	/* Not even a device that is back gets the old mount anything */
	RESTORE();
	EXPECT_TRUE(mount_says("errors", "1"));
	ASSERT_EQ(0, get_errors(self->fd, &errors));
	EXPECT_EQ(1, errors.head.nr);
}

/* The driver can have the device back while the mount is still there */
TEST_F(removal, and_a_new_mount_beside_the_old_one)
{
	unsigned char byte, *at;
	int fd;

	REMOVE();
	RESTORE();
	EXPECT_EQ(-EIO, ERR(pread(self->fd, &byte, 1, 0)));
	EXPECT_EQ(-1, touch(self->at, false));
	EXPECT_TRUE(mount_says("files", "1"));
	ASSERT_EQ(0, ERR(mount(device(), ROOT2, "famfs", 0, NULL)));
	/* The name in sysfs is the new one's */
	EXPECT_TRUE(mount_says("files", "0"));
	EXPECT_TRUE(mount_says("errors", "0"));
	fd = create_at(ROOT2 "/file", FILE_AT, SIZE);
	ASSERT_LE(0, fd);
	at = map_shared(fd, SIZE);
	ASSERT_NE(MAP_FAILED, at);
	/* The memory of a virtual NVDIMM stays */
	fill(at, SIZE, 4);
	EXPECT_EQ(-EIO, ERR(pread(self->fd, &byte, 1, 0)));
	EXPECT_EQ(-1, touch(self->at, true));
	EXPECT_EQ(1, pread(fd, &byte, 1, 0));
	/* It goes again, from under the second */
	REMOVE();
	EXPECT_EQ(-EIO, ERR(pread(fd, &byte, 1, 0)));
	EXPECT_EQ(-1, touch(at, false));
	munmap(at, SIZE);
	close(fd);
	EXPECT_EQ(0, ERR(umount(ROOT2)));
}

/* Unmounted while it is gone, with files open and mapped to the end */
TEST_F(removal, then_unmount_then_close)
{
	unsigned char byte;

	REMOVE();
	ASSERT_EQ(0, ERR(umount2(ROOT, MNT_DETACH)));
	EXPECT_EQ(-EIO, ERR(pread(self->fd, &byte, 1, 0)));
	EXPECT_EQ(-1, touch(self->at, false));
	munmap(self->at, SIZE);
	close(self->fd);
	RESTORE();
	ASSERT_EQ(0, mount_famfs());
}

TEST_F(removal, after_unmount)
{
	munmap(self->at, SIZE);
	close(self->fd);
	ASSERT_EQ(0, ERR(umount(ROOT)));
	REMOVE();
	EXPECT_EQ(0, log_count(self->log, ": the device is gone"));
	EXPECT_NE(0, mount_famfs());
	RESTORE();
	ASSERT_EQ(0, mount_famfs());
}

/* A mount that is detached and still in use loses its device as any other */
TEST_F(removal, of_a_detached_mount)
{
	unsigned char byte;

	ASSERT_EQ(0, ERR(umount2(ROOT, MNT_DETACH)));
	REMOVE();
	EXPECT_EQ(-EIO, ERR(pread(self->fd, &byte, 1, 0)));
	EXPECT_EQ(-1, touch(self->at, false));
	RESTORE();
	ASSERT_EQ(0, mount_famfs());
}

TEST_F(removal, with_copies_of_private_pages)
{
	unsigned char *own;

	own = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, self->fd,
		   0);
	ASSERT_NE(MAP_FAILED, own);
	own[5] = 0x5a;
	REMOVE();
	EXPECT_EQ(0, touch(own, true));
	EXPECT_EQ(0x5a, own[5]);
	EXPECT_EQ(-1, touch(own + PAGE, false));
	munmap(own, SIZE);
}

/* In a process of its own, since it waits for pages that are in use */
static pid_t unbind_meanwhile(struct binding *binding)
{
	pid_t pid;

	if (device_binding(device(), binding))
		return -1;
	pid = fork();
	if (!pid)
		_exit(-device_unbind(device(), binding));
	return pid;
}

/* Pages that are in use stay what they are until they are given back */
TEST_F(removal, waits_for_pages_in_a_pipe)
{
	struct iovec v = { self->at + 3, 8 * PAGE };
	unsigned char seen[8 * PAGE], *must = malloc(SIZE), byte;
	int fds[2], status;
	pid_t pid;

	fill(must, SIZE, 3);
	ASSERT_EQ(0, pipe2(fds, O_CLOEXEC));
	ASSERT_EQ(8 * PAGE, vmsplice(fds[1], &v, 1, 0));
	pid = unbind_meanwhile(&self->binding);
	ASSERT_LE(0, pid);
	while (pread(self->fd, &byte, 1, 0) == 1)
		sched_yield();
	EXPECT_EQ(EIO, errno);
	/* Nobody who uses the mapping waits meanwhile */
	while (!touch(self->at, false))
		sched_yield();
	EXPECT_EQ(-1, touch(self->at + 16 * PAGE, true));
	EXPECT_EQ(0, waitpid(pid, &status, WNOHANG));
	EXPECT_EQ(8 * PAGE, read(fds[0], seen, 8 * PAGE));
	EXPECT_EQ(-1, first_difference(must + 3, seen, 8 * PAGE));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	self->gone = true;
	close(fds[0]);
	close(fds[1]);
	free(must);
}

/* The same for pages that are registered with io_uring */
TEST_F(removal, waits_for_registered_buffers)
{
	struct io_uring_params params = { 0 };
	struct iovec v = { self->at, 4 * MiB };
	unsigned char byte;
	int ring, status;
	pid_t pid;

	ring = syscall(__NR_io_uring_setup, 4, &params);
	if (ring < 0)
		SKIP(return, "no io_uring: %s", strerror(errno));
	if (syscall(__NR_io_uring_register, ring, IORING_REGISTER_BUFFERS, &v,
		    1)) {
		/* Long-term pins of files on DAX are refused: nothing to wait for */
		EXPECT_EQ(EOPNOTSUPP, errno);
		close(ring);
		REMOVE();
		return;
	}
	fcntl(ring, F_SETFD, FD_CLOEXEC);
	pid = unbind_meanwhile(&self->binding);
	ASSERT_LE(0, pid);
	while (pread(self->fd, &byte, 1, 0) == 1)
		sched_yield();
	EXPECT_EQ(EIO, errno);
	while (!touch(self->at, false))
		sched_yield();
	EXPECT_EQ(0, ERR(syscall(__NR_io_uring_register, ring,
				 IORING_UNREGISTER_BUFFERS, NULL, 0)));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	self->gone = true;
	close(ring);
}

/* As an administrator would do it: ndctl asks whether the disk is in use */
TEST_F(removal, ndctl_is_refused)
{
	char path[128], name[64], command[128];

	if (!is_block(device()))
		SKIP(return, "only pmem disks are ndctl's to disable");
	if (system("command -v ndctl >/dev/null"))
		SKIP(return, "there is no ndctl");
	/* A disk is the name space's, or that of what lies on it */
	snprintf(path, sizeof(path), "/sys/block/%s/device/namespace",
		 device_name(device()));
	if (read_text(path, name, sizeof(name))) {
		ASSERT_EQ(0, device_binding(device(), &self->binding));
		snprintf(name, sizeof(name), "%s", self->binding.name);
	}
	/* It says so, and has an exit status for it in some versions only */
	snprintf(command, sizeof(command),
		 "ndctl disable-namespace %s >/dev/null 2>&1", name);
	system(command);
	EXPECT_EQ(0, log_count(self->log, ": the device is gone"));
	EXPECT_EQ(0, touch(self->at, true));
	EXPECT_EQ(0, ERR(access(device(), F_OK)));
}

/* Of a file on two devices, what is on the other one stays */
TEST_F(removal, of_one_of_two_devices)
{
	const char *dev2 = device2();
	struct fmap *map = fmap_alloc(2);
	char here[128], gone[128 + sizeof(" gone")];
	unsigned char *at, byte;
	struct binding binding;
	struct stat st;
	int fd;

	if (!dev2)
		SKIP(return, "there is no second device");
	snprintf(here, sizeof(here), "63 %s %llu", device_name(dev2),
		 device_size(dev2));
	snprintf(gone, sizeof(gone), "%s gone", here);
	ASSERT_EQ(0, daxdev_open(self->fd, 63, dev2));
	map->head.file_size = 2 * SIZE;
	map->ext[0].offset = FILE_AT + SIZE;
	map->ext[0].len = SIZE;
	map->ext[1].devindex = 63;
	map->ext[1].offset = FILE_AT;
	map->ext[1].len = SIZE;
	fd = create_empty(ROOT "/both");
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, map_create(fd, map));
	at = map_shared(fd, 2 * SIZE);
	ASSERT_NE(MAP_FAILED, at);
	fill(at, 2 * SIZE, 8);

	EXPECT_TRUE(mount_says("devices", here));
	EXPECT_TRUE(mount_says("errors", "0"));
	ASSERT_EQ(0, device_unbind(dev2, &binding));
	EXPECT_EQ(0, touch(at, true));
	EXPECT_EQ(0, touch(at + SIZE - 1, true));
	EXPECT_EQ(-1, touch(at + SIZE, true));
	EXPECT_EQ(-1, touch(at + 2 * SIZE - 1, false));
	EXPECT_EQ(1, pread(fd, &byte, 1, SIZE - 1));
	EXPECT_EQ(-EIO, ERR(pread(fd, &byte, 1, SIZE)));
	EXPECT_EQ(0, touch(self->at, true));
	EXPECT_EQ(0, ERR(fsync(self->fd)));
	/* sysfs still lists the mount, by the device that is there */
	EXPECT_TRUE(mount_says("devices", gone));
	EXPECT_TRUE(mount_says("errors", "1"));
	EXPECT_EQ(0, device_bind(&binding));
	EXPECT_TRUE(mount_says("devices", gone));
	EXPECT_EQ(-EIO, ERR(pread(fd, &byte, 1, SIZE)));
	EXPECT_EQ(-1, touch(at + SIZE, true));

	/*
	 * Its index is not to be had again: maps name the one that is gone.
	 * A disk that comes back is another one.
	 */
	EXPECT_EQ(is_block(dev2) ? -EEXIST : -ENXIO,
		  daxdev_open(self->fd, 63, dev2));
	EXPECT_EQ(-EIO, ERR(pread(fd, &byte, 1, SIZE)));
	munmap(at, 2 * SIZE);
	close(fd);
	ASSERT_EQ(0, ERR(mount(dev2, ROOT2, "famfs", 0, NULL)));
	EXPECT_EQ(0, ERR(umount(ROOT2)));
	EXPECT_EQ(0, ERR(lstat(ROOT "/both", &st)));
	free(map);
}

/* The first of the two goes, which gave the mount its name in sysfs */
TEST_F(removal, of_the_first_of_two_devices)
{
	const char *dev2 = device2();
	struct fmap *map = fmap_alloc(1);
	unsigned char *at, byte;
	int fd;

	if (!dev2)
		SKIP(return, "there is no second device");
	ASSERT_EQ(0, daxdev_open(self->fd, 1, dev2));
	map->head.file_size = SIZE;
	map->ext[0].devindex = 1;
	map->ext[0].offset = FILE_AT;
	map->ext[0].len = SIZE;
	fd = create_empty(ROOT "/second");
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, map_create(fd, map));
	at = map_shared(fd, SIZE);
	ASSERT_NE(MAP_FAILED, at);
	fill(at, SIZE, 8);
	REMOVE();
	EXPECT_EQ(-EIO, ERR(pread(self->fd, &byte, 1, 0)));
	EXPECT_EQ(1, pread(fd, &byte, 1, 0));
	EXPECT_EQ(0, touch(at, true));
	EXPECT_EQ(0, ERR(fsync(fd)));
	RESTORE();
	/* Both mounts have the device's name */
	ASSERT_EQ(0, ERR(mount(device(), ROOT2, "famfs", 0, NULL)));
	EXPECT_EQ(0, ERR(umount(ROOT2)));
	munmap(at, SIZE);
	close(fd);
	free(map);
}

/* A mount keeps the driver that it lies on, and famfs too */
TEST_F(removal, modules_stay_while_in_use)
{
	char driver[64];
	char command[128];

	ASSERT_EQ(0, device_driver(device(), driver, sizeof(driver)));
	EXPECT_NE(0, system("rmmod famfs 2>/dev/null"));
	if (!is_block(device())) {
		snprintf(command, sizeof(command), "rmmod %s 2>/dev/null",
			 driver);
		EXPECT_NE(0, system(command));
	}
	EXPECT_EQ(0, touch(self->at, true));
	/* A device that is gone holds its driver no longer, but famfs stays */
	REMOVE();
	EXPECT_NE(0, system("rmmod famfs 2>/dev/null"));
}

/* Mount, remove, unmount, and famfs itself, over and over */
TEST_F_TIMEOUT(removal, and_unload_in_any_order, 120)
{
	for (int i = 0; i < 8; i++) {
		self->gone = false;
		if (i & 1)
			REMOVE();
		munmap(self->at, SIZE);
		close(self->fd);
		ASSERT_EQ(0, ERR(umount(ROOT)));
		if (i & 2 && !self->gone)
			REMOVE();
		ASSERT_EQ(0, system("rmmod famfs"));
		if (i & 4 && !self->gone)
			REMOVE();
		if (self->gone && i & 4)
			RESTORE();
		ASSERT_EQ(0, system("modprobe famfs"));
		if (self->gone)
			RESTORE();
		ASSERT_EQ(0, mount_famfs());
		self->fd = create_at(ROOT "/file", FILE_AT, SIZE);
		ASSERT_LE(0, self->fd);
		self->at = map_shared(self->fd, SIZE);
		ASSERT_NE(MAP_FAILED, self->at);
		EXPECT_EQ(0, touch(self->at, true));
	}
}

/* Removal, I/O and unmount at once, over and over */
TEST_F_TIMEOUT(removal, races_with_everything, 120)
{
	munmap(self->at, SIZE);
	close(self->fd);
	ASSERT_EQ(0, ERR(umount(ROOT)));

	for (int i = 0; i < 20; i++) {
		pid_t reader, mapper;
		int status;

		ASSERT_EQ(0, mount_famfs());
		self->fd = create_at(ROOT "/file", FILE_AT, SIZE);
		ASSERT_LE(0, self->fd);
		reader = fork();
		if (!reader) {
			unsigned char *buffer = malloc(SIZE);

			while (pread(self->fd, buffer, SIZE, 0) == SIZE)
				;
			_exit(errno == EIO ? 0 : 1);
		}
		mapper = fork();
		if (!mapper) {
			self->at = map_shared(self->fd, SIZE);
			for (;;) {
				for (__u64 b = 0; b < SIZE; b += PAGE)
					if (touch(self->at + b, true))
						_exit(0);
				madvise(self->at, SIZE, MADV_DONTNEED);
			}
		}
		usleep(20000 + 5000 * i);
		REMOVE();
		ASSERT_EQ(reader, waitpid(reader, &status, 0));
		EXPECT_EQ(0, status);
		ASSERT_EQ(mapper, waitpid(mapper, &status, 0));
		EXPECT_EQ(0, status);
		close(self->fd);
		if (i & 1)
			RESTORE();
		ASSERT_EQ(0, ERR(umount(ROOT)));
		if (self->gone)
			RESTORE();
	}
	ASSERT_EQ(0, mount_famfs());
	self->at = MAP_FAILED;
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
