// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory that the driver of a disk knows to be bad, and keeps a list of: from
 * before the mount, or from some time after it, without a word to anybody.
 */
#include "famfs_harness.h"

#include "famfs_failure.h"

#define SIZE		(8 * MiB)
#define LARGE_AT	(32 * MiB)	/* mapped with 2 MiB pages */
#define OTHER_AT	(96 * MiB)

FIXTURE(disk) {
	const char *disk;
};

FIXTURE_SETUP(disk)
{
	self->disk = block_device();
	if (!self->disk)
		SKIP(return, "no block device");
	ASSERT_EQ(0, private_mounts());
	catch_sigbus();
}

FIXTURE_TEARDOWN(disk)
{
	umount(ROOT);
	/* The driver makes its list anew */
	EXPECT_EQ(0, device_rebind(self->disk));
	EXPECT_CLEAN_LOG();
}

TEST_F(disk, knows_them_when_it_is_mounted)
{
	/* A part of page 7 is bad, and of pages 511 and 512 */
	const __u64 bad[] = { 7, 511, 512 }, sector = LARGE_AT / 512;
	unsigned char *at, page[PAGE] = { 1 };
	struct error_list errors;
	ssize_t len;
	int fd;

	ASSERT_EQ(0, device_badblocks(self->disk, sector + 7 * 8 + 3, 1));
	ASSERT_EQ(0, device_badblocks(self->disk, sector + 511 * 8 + 7, 2));
	ASSERT_EQ(0, ERR(mount(self->disk, ROOT, "famfs", 0, NULL)));
	fd = create_at(ROOT "/file", LARGE_AT, SIZE);
	ASSERT_LE(0, fd);
	at = map_shared(fd, SIZE);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(-1, first_wrong_page(at, SIZE, bad, 3));
	EXPECT_EQ(-EIO, ERR(pread(fd, page, 1, 7 * PAGE)));
	EXPECT_EQ(-EIO, ERR(pread(fd, page, 1, 512 * PAGE + PAGE - 1)));
	EXPECT_EQ(PAGE, pread(fd, page, PAGE, 8 * PAGE));
	EXPECT_EQ(100, pread(fd, page, PAGE, 7 * PAGE - 100));
	ASSERT_EQ(0, get_errors(fd, &errors));
	ASSERT_EQ(2, errors.head.nr);
	EXPECT_EQ(7 * PAGE, errors.error[0].pos);
	EXPECT_EQ(PAGE, errors.error[0].len);
	EXPECT_EQ(511 * PAGE, errors.error[1].pos);
	EXPECT_EQ(2 * PAGE, errors.error[1].len);

	/* A part of a page cannot mend it, and what is no page is not lost */
	EXPECT_EQ(-EIO, ERR(pwrite(fd, page, 1, 7 * PAGE)));
	EXPECT_EQ(-EIO, ERR(pwrite(fd, page, PAGE - 1, 7 * PAGE + 1)));
	EXPECT_EQ(5, pwrite(fd, page, PAGE, 7 * PAGE - 5));
	/* A whole page can, if the device can */
	len = pwrite(fd, page, PAGE, 7 * PAGE);
	if (len == PAGE) {
		EXPECT_EQ(0, touch(at + 7 * PAGE, false));
		EXPECT_EQ(PAGE, pread(fd, page, PAGE, 7 * PAGE));
	} else {
		EXPECT_EQ(-EIO, ERR(len));
		EXPECT_EQ(-1, first_wrong_page(at, SIZE, bad, 3));
	}
	munmap(at, SIZE);
	close(fd);
}

TEST_F(disk, learns_of_them_later)
{
	const __u64 bad = 7;
	unsigned char *at, byte;
	int fd;

	ASSERT_EQ(0, ERR(mount(self->disk, ROOT, "famfs", 0, NULL)));
	fd = create_at(ROOT "/file", LARGE_AT, SIZE);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, device_badblocks(self->disk, LARGE_AT / 512 + bad * 8, 1));
	EXPECT_EQ(-EIO, ERR(pread(fd, &byte, 1, bad * PAGE)));
	EXPECT_EQ(1, pread(fd, &byte, 1, (bad + 1) * PAGE));
	at = map_shared(fd, SIZE);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(-1, first_wrong_page(at, SIZE, &bad, 1));
	munmap(at, SIZE);
	close(fd);
}

/* The driver refuses the whole of a range, of which most is good */
TEST_F(disk, refuses_what_is_mostly_good)
{
	const __u64 bad = 600;
	unsigned char *buffer = malloc(SIZE);
	int fd;

	ASSERT_EQ(0, ERR(mount(self->disk, ROOT, "famfs", 0, NULL)));
	fd = create_at(ROOT "/file", LARGE_AT, SIZE);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, device_badblocks(self->disk, LARGE_AT / 512 + bad * 8, 1));
	EXPECT_EQ(bad * PAGE - 5, pread(fd, buffer, SIZE, 5));
	EXPECT_EQ(-EIO, ERR(pread(fd, buffer, SIZE, bad * PAGE)));
	/* Another, met with by a write of less than its page */
	ASSERT_EQ(0, device_badblocks(self->disk, LARGE_AT / 512 + 50 * 8, 1));
	EXPECT_EQ(50 * PAGE, pwrite(fd, buffer, 50 * PAGE + 9, 0));
	EXPECT_EQ(-EIO, ERR(pwrite(fd, buffer, 9, 50 * PAGE)));
	/* And one that only the cache is asked about */
	ASSERT_EQ(0, device_badblocks(self->disk, LARGE_AT / 512 + 800 * 8, 1));
	EXPECT_EQ(0, posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
	close(fd);
	free(buffer);
}

/* Whoever asks for a list gets what the driver knows by then; so do new maps */
TEST_F(disk, is_asked_for_a_list_and_for_new_maps)
{
	struct error_list errors;
	int fd;

	ASSERT_EQ(0, ERR(mount(self->disk, ROOT, "famfs", 0, NULL)));
	fd = create_at(ROOT "/file", LARGE_AT, SIZE);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, device_badblocks(self->disk, LARGE_AT / 512 + 7 * 8, 1));
	ASSERT_EQ(0, device_badblocks(self->disk, LARGE_AT / 512 + 1000 * 8, 9));
	ASSERT_EQ(0, get_errors(fd, &errors));
	ASSERT_EQ(2, errors.head.nr);
	EXPECT_EQ(7 * PAGE, errors.error[0].pos);
	EXPECT_EQ(PAGE, errors.error[0].len);
	EXPECT_EQ(1000 * PAGE, errors.error[1].pos);
	EXPECT_EQ(2 * PAGE, errors.error[1].len);
	close(fd);

	ASSERT_EQ(0, device_badblocks(self->disk, OTHER_AT / 512 + 9 * 8, 1));
	fd = create_at(ROOT "/other", OTHER_AT, SIZE);
	ASSERT_LE(0, fd);
	/* From further on nobody asks the driver: the new map did */
	memset(&errors, 0, sizeof(errors));
	errors.head.start = PAGE;
	errors.head.nr = ARRAY_SIZE(errors.error);
	ASSERT_EQ(0, ERR(ioctl(fd, FAMFSIOC_GET_ERRORS, &errors)));
	ASSERT_EQ(1, errors.head.nr);
	EXPECT_EQ(9 * PAGE, errors.error[0].pos);
	close(fd);
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
