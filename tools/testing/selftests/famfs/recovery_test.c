// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Bad memory that writing mends.
 *
 * It takes a device that can mend it. Where the firmware lists memory as
 * "legacy persistent" (or the kernel's command line says so: memmap=256M!512M),
 * the driver takes it that every write does; and bad blocks can be given to the
 * disk by hand. Without such a device the program skips as a whole.
 */
#include <glob.h>
#include <limits.h>

#include "famfs_harness.h"

#include "famfs_failure.h"

#define SIZE		(8 * MiB)
#define FILE_AT		(32 * MiB)
#define BAD		600ULL		/* page of the file */

static const __u64 bad_pages[] = { BAD };

FIXTURE(recovery) {
	int fd;
	unsigned char *at;
	unsigned char *must;
	unsigned char *seen;
};

FIXTURE_SETUP(recovery)
{
	unsigned char *at;
	int fd;

	self->must = malloc(SIZE);
	self->seen = malloc(SIZE);
	fill(self->must, SIZE, 1);
	ASSERT_EQ(0, private_mounts());
	ASSERT_EQ(0, mount_famfs());
	fd = create_at(ROOT "/file", FILE_AT, SIZE);
	ASSERT_LE(0, fd);
	at = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, at);
	memcpy(at, self->must, SIZE);
	munmap(at, SIZE);
	close(fd);
	ASSERT_EQ(0, ERR(umount(ROOT)));
	ASSERT_EQ(0, device_badblocks(device(), FILE_AT / 512 + BAD * 8 + 2,
				      3));
	ASSERT_EQ(0, mount_famfs());
	self->fd = create_at(ROOT "/file", FILE_AT, SIZE);
	ASSERT_LE(0, self->fd);
	self->at = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			self->fd, 0);
	ASSERT_NE(MAP_FAILED, self->at);
	catch_sigbus();
	ASSERT_EQ(-1, first_wrong_page(self->at, SIZE, bad_pages, 1));
	ASSERT_EQ(-EIO, ERR(pread(self->fd, self->seen, 1, BAD * PAGE)));
}

FIXTURE_TEARDOWN(recovery)
{
	munmap(self->at, SIZE);
	close(self->fd);
	EXPECT_EQ(0, ERR(umount(ROOT)));
	EXPECT_EQ(0, device_rebind(device()));
	EXPECT_CLEAN_LOG();
}

/* All is well again, and every byte is the model's */
#define EXPECT_MENDED() do {						\
	struct error_list __errors;					\
	char __path[128], __text[64] = "";				\
									\
	EXPECT_EQ(0, get_errors(self->fd, &__errors));			\
	EXPECT_EQ(0, __errors.head.nr);					\
	EXPECT_EQ(SIZE, pread(self->fd, self->seen, SIZE, 0));		\
	EXPECT_EQ(-1, first_difference(self->must, self->seen, SIZE));	\
	EXPECT_EQ(-1, first_wrong_page(self->at, SIZE, NULL, 0));	\
	EXPECT_EQ(-1, first_difference(self->must, self->at, SIZE));	\
	EXPECT_EQ(0, touch(self->at + BAD * PAGE, true));		\
	snprintf(__path, sizeof(__path), "/sys/block/%s/badblocks",	\
		 device_name(device()));				\
	EXPECT_EQ(0, read_text(__path, __text, sizeof(__text)));	\
	EXPECT_STREQ("", __text);					\
} while (0)

TEST_F(recovery, by_a_whole_page)
{
	unsigned char *page = self->must + BAD * PAGE;

	fill(page, PAGE, 2);
	EXPECT_EQ(PAGE, pwrite(self->fd, page, PAGE, BAD * PAGE));
	EXPECT_MENDED();
}

TEST_F(recovery, by_a_page_and_its_neighbours)
{
	unsigned char *page = self->must + (BAD - 1) * PAGE;

	fill(page, 3 * PAGE, 2);
	EXPECT_EQ(3 * PAGE, pwrite(self->fd, page, 3 * PAGE,
				   (BAD - 1) * PAGE));
	EXPECT_MENDED();
}

/* From within the page before to within the page behind */
TEST_F(recovery, by_what_covers_the_page)
{
	__u64 from = BAD * PAGE - 100, len = PAGE + 150;

	fill(self->must + from, len, 2);
	EXPECT_EQ(len, pwrite(self->fd, self->must + from, len, from));
	EXPECT_MENDED();
}

TEST_F(recovery, by_the_whole_file)
{
	fill(self->must, SIZE, 2);
	EXPECT_EQ(SIZE, pwrite(self->fd, self->must, SIZE, 0));
	EXPECT_MENDED();
}

TEST_F(recovery, by_the_next_mount)
{
	unsigned char *page = self->must + BAD * PAGE;

	fill(page, PAGE, 2);
	EXPECT_EQ(PAGE, pwrite(self->fd, page, PAGE, BAD * PAGE));
	munmap(self->at, SIZE);
	close(self->fd);
	ASSERT_EQ(0, ERR(umount(ROOT)));
	ASSERT_EQ(0, mount_famfs());
	self->fd = create_at(ROOT "/file", FILE_AT, SIZE);
	ASSERT_LE(0, self->fd);
	self->at = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			self->fd, 0);
	ASSERT_NE(MAP_FAILED, self->at);
	EXPECT_MENDED();
}

TEST_F(recovery, not_by_a_part_of_the_page)
{
	unsigned char *page = self->must + BAD * PAGE;
	struct error_list errors;

	EXPECT_EQ(-EIO, ERR(pwrite(self->fd, page, 1, BAD * PAGE)));
	EXPECT_EQ(-EIO, ERR(pwrite(self->fd, page, PAGE - 1, BAD * PAGE)));
	EXPECT_EQ(-EIO, ERR(pwrite(self->fd, page + 1, PAGE - 1,
				   BAD * PAGE + 1)));
	/* Up to it, and no further */
	EXPECT_EQ(10, pwrite(self->fd, page - 10, 20, BAD * PAGE - 10));
	EXPECT_EQ(-EIO, ERR(pread(self->fd, self->seen, 1, BAD * PAGE)));
	EXPECT_EQ(-1, first_wrong_page(self->at, SIZE, bad_pages, 1));
	ASSERT_EQ(0, get_errors(self->fd, &errors));
	ASSERT_EQ(1, errors.head.nr);
	EXPECT_EQ(BAD * PAGE, errors.error[0].pos);
	EXPECT_EQ(PAGE, errors.error[0].len);

	/* Nor by a whole one that cannot be read from the buffer */
	EXPECT_GT(0, pwrite(self->fd, (void *)PAGE, PAGE, BAD * PAGE));
	EXPECT_EQ(PAGE, pwrite(self->fd, page, PAGE, BAD * PAGE));
	EXPECT_MENDED();
}

/* Nor by a store, which there is no place for */
TEST_F(recovery, not_by_a_store)
{
	EXPECT_EQ(-1, touch(self->at + BAD * PAGE, true));
	EXPECT_EQ(-1, first_wrong_page(self->at, SIZE, bad_pages, 1));
	EXPECT_EQ(-EIO, ERR(pread(self->fd, self->seen, 1, BAD * PAGE)));
}

/* As after a machine check: the kernel has marked the page, and the driver */
TEST_F(recovery, of_a_page_that_failed_in_use)
{
	const __u64 both[] = { 9, BAD };

	ASSERT_EQ(0, poison(self->at + 9 * PAGE));
	ASSERT_EQ(0, device_badblocks(device(), FILE_AT / 512 + 9 * 8, 8));
	EXPECT_EQ(-1, first_wrong_page(self->at, SIZE, both, 2));
	EXPECT_EQ(PAGE, pwrite(self->fd, self->must + 9 * PAGE, PAGE,
			       9 * PAGE));
	EXPECT_EQ(-1, first_wrong_page(self->at, SIZE, bad_pages, 1));
	EXPECT_EQ(PAGE, pwrite(self->fd, self->must + BAD * PAGE, PAGE,
			       BAD * PAGE));
	EXPECT_MENDED();
}

/* What only the kernel knows of, the driver cannot mend */
TEST_F(recovery, not_of_what_the_driver_does_not_know)
{
	const __u64 both[] = { 9, BAD };

	ASSERT_EQ(0, poison(self->at + 9 * PAGE));
	EXPECT_EQ(-EIO, ERR(pwrite(self->fd, self->must + 9 * PAGE, PAGE,
				   9 * PAGE)));
	EXPECT_EQ(-1, first_wrong_page(self->at, SIZE, both, 2));
}

/* Two bad pages, of which the second is written in part: the first is good */
TEST_F(recovery, as_far_as_whole_pages_go)
{
	const __u64 bad = BAD + 1;

	ASSERT_EQ(0, device_badblocks(device(),
				      FILE_AT / 512 + (BAD + 1) * 8, 1));
	munmap(self->at, SIZE);
	close(self->fd);
	ASSERT_EQ(0, ERR(umount(ROOT)));
	ASSERT_EQ(0, mount_famfs());
	self->fd = create_at(ROOT "/file", FILE_AT, SIZE);
	ASSERT_LE(0, self->fd);
	self->at = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			self->fd, 0);
	ASSERT_NE(MAP_FAILED, self->at);
	EXPECT_EQ(PAGE, pwrite(self->fd, self->must + BAD * PAGE,
			       PAGE + PAGE / 2, BAD * PAGE));
	EXPECT_EQ(-1, first_wrong_page(self->at, SIZE, &bad, 1));
	EXPECT_EQ(PAGE, pwrite(self->fd, self->must + bad * PAGE, PAGE,
			       bad * PAGE));
	EXPECT_MENDED();
}

static bool name_device(void)
{
	char real[PATH_MAX], *name;
	glob_t found;

	if (glob("/sys/block/pmem*/device", 0, NULL, &found))
		return false;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		if (!realpath(found.gl_pathv[i], real) ||
		    !strstr(real, "/e820_pmem/"))
			continue;
		name = found.gl_pathv[i] + strlen("/sys/block/");
		name[strcspn(name, "/")] = '\0';
		snprintf(real, sizeof(real), "/dev/%s", name);
		setenv("FAMFS_DEV", real, 1);
		return !access(real, F_OK);
	}
	return false;
}

/* Name the device to the tests, if there is one. */
static bool find_device(void)
{
	/* Disks of the kind come with this driver, some time after it. */
	if (access("/sys/bus/platform/devices/e820_pmem", F_OK) ||
	    system("modprobe -q -i -a libnvdimm nd_pmem nd_e820 2>/dev/null"))
		return false;
	for (int i = 0; i < 1000; i++) {
		if (name_device())
			return true;
		usleep(10000);
	}
	return false;
}

int main(int argc, char **argv)
{
	if (!find_device()) {
		ksft_print_header();
		ksft_exit_skip("no legacy persistent memory, as memmap=256M!512M makes\n");
	}
	return run_tests(argc, argv);
}
