// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Programs of 32 bits: each ioctl does for them what it does for others. The
 * calls are made twice, by this program and by ioctl32, and compared.
 */
#include <libgen.h>
#include <limits.h>
#include <stddef.h>

#include "famfs_failure.h"
#include "famfs_harness.h"
#include "ioctl32.h"

#define BASE		(16 * MiB)

/* By this program. */
static int call64(int fd, struct call32 *call)
{
	struct famfs_daxdev *device = (void *)call->data;

	if (call->path_at)
		device->path = (uintptr_t)call->data + call->path_at;
	call->result = ERR(ioctl(fd, call_commands[call->what], call->data));
	return 0;
}

/* The program lies beside this one. */
static void run_ioctl32(int fd, int in, int out)
{
	char path[PATH_MAX], program[PATH_MAX + 16];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);

	path[len < 0 ? 0 : len] = '\0';
	snprintf(program, sizeof(program), "%s/ioctl32", dirname(path));
	/* None of the numbers below 4 is free to be overwritten. */
	fd = fcntl(fd, F_DUPFD, 10);
	in = fcntl(in, F_DUPFD, 10);
	out = fcntl(out, F_DUPFD, 10);
	dup2(in, 0);
	dup2(out, 1);
	dup2(fd, 3);
	execl(program, "ioctl32", NULL);
	_exit(errno);
}

/* By a program of 32 bits; -errno if that cannot be run. */
static int call32(int fd, struct call32 *call)
{
	int in = memfd_create("in", 0), out = memfd_create("out", 0);
	int status, err = 0;
	pid_t pid;

	if (in < 0 || out < 0 ||
	    pwrite(in, call, sizeof(*call), 0) != sizeof(*call))
		return -errno;
	pid = fork();
	if (!pid)
		run_ioctl32(fd, in, out);
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		err = -ECHILD;
	else if (WEXITSTATUS(status))
		err = -WEXITSTATUS(status);
	else if (pread(out, call, sizeof(*call), 0) != sizeof(*call))
		err = -EPROTO;
	close(in);
	close(out);
	return err;
}

/* Make a call both ways, on two files, and see that they come to the same. */
static int call_both(int fd, int fd32, const struct call32 *call,
		     struct call32 *result)
{
	struct call32 other = *call;
	struct famfs_daxdev *device;
	int err;

	*result = *call;
	call64(fd, result);
	err = call32(fd32, &other);
	if (err)
		return err;
	/* The pointers are those of two programs. */
	if (call->path_at) {
		device = (void *)other.data;
		device->path = ((struct famfs_daxdev *)result->data)->path;
	}
	if (other.result != result->result)
		return -EDOM;
	if (memcmp(other.data, result->data, sizeof(other.data)))
		return -ERANGE;
	return 0;
}

FIXTURE(compat) {
	int dir;
	int file;	/* for this program */
	int file32;	/* for the other */
	bool off;
	struct call32 call;
	struct call32 result;
};

FIXTURE_SETUP(compat)
{
	struct call32 nop = { .what = CALL_NOP };

	ASSERT_EQ(0, private_mounts());
	ASSERT_EQ(0, mount_famfs());
	self->dir = open(ROOT, O_RDONLY | O_DIRECTORY);
	ASSERT_LE(0, self->dir);
	self->file = create_empty(ROOT "/file");
	ASSERT_LE(0, self->file);
	self->file32 = create_empty(ROOT "/file32");
	ASSERT_LE(0, self->file32);
	/* Kernels may be built, or booted, without a way to run it. */
	self->off = call32(self->dir, &nop) == -ENOEXEC;
}

FIXTURE_TEARDOWN_PARENT(compat)
{
	/* Its mount has ended with it */
	EXPECT_EQ(0, device_rebind(device()));
	EXPECT_CLEAN_LOG();
}

#define NO_32_BITS	"the kernel runs no 32-bit programs"

#define BOTH(want) do {							\
	EXPECT_EQ(0, call_both(self->file, self->file32, &self->call,	\
			       &self->result));				\
	EXPECT_EQ((want), self->result.result);				\
} while (0)

TEST_F(compat, nop_and_unknown)
{
	if (self->off)
		SKIP(return, NO_32_BITS);
	self->call.what = CALL_NOP;
	BOTH(0);
	self->call.what = CALL_UNKNOWN;
	BOTH(-ENOTTY);
	self->file = self->dir;
	self->file32 = self->dir;
	self->call.what = CALL_NOP;
	BOTH(0);
	self->call.what = CALL_UNKNOWN;
	BOTH(-ENOTTY);
}

TEST_F(compat, opts)
{
	__u64 *bits = (void *)self->call.data;
	const __u64 *now = (void *)self->result.data;

	if (self->off)
		SKIP(return, NO_32_BITS);
	self->call.what = CALL_GET_OPTS;
	*bits = ~0ULL;
	BOTH(0);
	EXPECT_EQ(FAMFS_OPTS_DEFAULT, *now);
	self->call.what = CALL_SET_OPTS;
	*bits = FAMFS_OPT_RENAME | FAMFS_OPT_XATTR;
	BOTH(0);
	EXPECT_EQ(FAMFS_OPTS_DEFAULT | FAMFS_OPT_RENAME | FAMFS_OPT_XATTR,
		  *now);
	self->call.what = CALL_CLEAR_OPTS;
	BOTH(0);
	EXPECT_EQ(FAMFS_OPTS_DEFAULT, *now);
	/* By a directory, and bits of the upper half. */
	self->file32 = self->dir;
	self->call.what = CALL_SET_OPTS;
	*bits = 1ULL << 40;
	BOTH(-EINVAL);
	EXPECT_EQ(FAMFS_OPTS_DEFAULT,
		  opts(self->dir, FAMFSIOC_GET_OPTS, 0));
	/* What the other program set is set for all. */
	*bits = FAMFS_OPT_LINK;
	ASSERT_EQ(0, call32(self->dir, &self->call));
	EXPECT_EQ(0, self->call.result);
	EXPECT_EQ(FAMFS_OPTS_DEFAULT | FAMFS_OPT_LINK,
		  opts(self->dir, FAMFSIOC_GET_OPTS, 0));
}

/* Give the file of the other program its map; what it then has must be that. */
static int give_and_get(int fd32, struct call32 *call, const void *message)
{
	const struct famfs_fmap_header *head = message;
	struct fmap *map;
	int err;

	memset(call, 0, sizeof(*call));
	call->what = CALL_MAP_CREATE;
	memcpy(call->data, message, head->fmap_size);
	err = call32(fd32, call) ?: call->result;
	if (err)
		return err;
	map = map_fetch(fd32);
	if (!map || map->head.fmap_size != head->fmap_size ||
	    memcmp(map, message, head->fmap_size))
		return -EPROTO;
	free(map);

	memset(call, 0, sizeof(*call));
	call->what = CALL_MAP_GET;
	((struct famfs_fmap_header *)call->data)->fmap_size =
		sizeof(call->data);
	err = call32(fd32, call) ?: call->result;
	if (err)
		return err;
	return memcmp(call->data, message, head->fmap_size) ? -EPROTO : 0;
}

TEST_F(compat, simple_map)
{
	const struct span spans[] = {
		{ BASE, 2 * MiB }, { BASE + 8 * MiB, PAGE },
	};
	struct fmap *map = fmap_of(2 * MiB + 5, spans, 2);
	struct famfs_fmap_header *head = (void *)self->call.data;
	char bytes[6] = "";

	if (self->off)
		SKIP(return, NO_32_BITS);
	/* Without a map. */
	self->call.what = CALL_MAP_GET;
	head->fmap_size = sizeof(self->call.data);
	BOTH(-ENODATA);
	ASSERT_EQ(0, give_and_get(self->file32, &self->call, map));
	EXPECT_EQ(5, pwrite(self->file32, "bytes", 5, 2 * MiB - 2));
	EXPECT_EQ(5, pread(self->file32, bytes, 5, 2 * MiB - 2));
	EXPECT_STREQ("bytes", bytes);
	/* Again, and its memory once more. */
	memset(&self->call, 0, sizeof(self->call));
	self->call.what = CALL_MAP_CREATE;
	memcpy(self->call.data, map, map->head.fmap_size);
	ASSERT_EQ(0, call32(self->file32, &self->call));
	EXPECT_EQ(-EEXIST, self->call.result);
	ASSERT_EQ(0, call32(self->file, &self->call));
	EXPECT_EQ(-EADDRINUSE, self->call.result);
	/* Too little room: the header alone. */
	memset(&self->call, 0, sizeof(self->call));
	self->call.what = CALL_MAP_GET;
	head->fmap_size = 79;
	self->file = self->file32;
	BOTH(-EMSGSIZE);
	EXPECT_EQ(80, ((struct famfs_fmap_header *)
		       self->result.data)->fmap_size);
	/* A directory has none, and takes none. */
	self->file = self->dir;
	self->file32 = self->dir;
	BOTH(-EISDIR);
	self->call.what = CALL_MAP_CREATE;
	BOTH(-EISDIR);
}

TEST_F(compat, interleaved_map)
{
	const struct famfs_fmap_simple strips[] = {
		{ .offset = BASE, .len = 2 * MiB },
		{ .offset = BASE + 4 * MiB, .len = 2 * MiB },
		{ .offset = BASE + 8 * MiB, .len = 2 * MiB },
	};
	const struct stripe stripe = { 2 * MiB, 6 * MiB, 3, strips };

	if (self->off)
		SKIP(return, NO_32_BITS);
	ASSERT_EQ(0, give_and_get(self->file32, &self->call,
				  fmap_striped(6 * MiB - 1, &stripe, 1)));
}

TEST_F(compat, refusals)
{
	const struct span span = { .offset = BASE, .len = PAGE };
	struct fmap *map = (void *)self->call.data;

	if (self->off)
		SKIP(return, NO_32_BITS);
	self->call.what = CALL_MAP_CREATE;
	memcpy(map, fmap_of(PAGE, &span, 1), 56);
	map->head.reserved1 = 1ULL << 32;
	BOTH(-EINVAL);
	map->head.reserved1 = 0;
	map->head.file_size += 1ULL << 32;
	BOTH(-EINVAL);
	map->head.file_size = PAGE;
	map->ext[0].offset += 1ULL << 32;
	BOTH(-ERANGE);
	map->ext[0].offset = BASE;
	map->ext[0].devindex = 3;
	BOTH(-ENXIO);
	map->ext[0].devindex = 0;
	map->head.fmap_size = 4 * MiB + 24;
	map->head.nextents = (4 * MiB - 8) / 24;
	BOTH(-EINVAL);
}

TEST_F(compat, devices)
{
	struct famfs_daxdev *request = (void *)self->call.data;
	const char *second = device2();

	if (self->off)
		SKIP(return, NO_32_BITS);
	self->call.what = CALL_DAXDEV_OPEN;
	self->call.path_at = 100;
	request->daxdev_index = 64;
	strcpy((char *)self->call.data + 100, device());
	request->pathlen = strlen(device());
	BOTH(-EINVAL);
	request->daxdev_index = 1ULL << 32;
	BOTH(-EINVAL);
	request->daxdev_index = 0;
	BOTH(0);
	request->daxdev_index = 1;
	BOTH(-EBUSY);
	strcpy((char *)self->call.data + 100, "/dev/null");
	request->pathlen = 9;
	BOTH(-EINVAL);
	/* A pointer that only the upper half makes one. */
	self->call.path_at = 0;
	request->path = 1ULL << 33;
	BOTH(-EFAULT);
	if (!second)
		return;
	self->call.path_at = 100;
	strcpy((char *)self->call.data + 100, second);
	request->pathlen = strlen(second);
	ASSERT_EQ(0, call32(self->file32, &self->call));
	EXPECT_EQ(0, self->call.result);
	/* It is there for all. */
	EXPECT_EQ(0, daxdev_open(self->dir, 1, second));
	EXPECT_EQ(-EEXIST, daxdev_open(self->dir, 1, device()));
}

TEST_F(compat, errors)
{
	struct famfs_errors *request = (void *)self->call.data;

	if (self->off)
		SKIP(return, NO_32_BITS);
	self->call.what = CALL_GET_ERRORS;
	request->nr = 10;
	BOTH(0);
	EXPECT_EQ(0, ((struct famfs_errors *)self->result.data)->nr);
	request->reserved = 1;
	BOTH(-EINVAL);
}

/* The list is the same, and so is where a short one goes on */
TEST_F(compat, errors_of_bad_memory)
{
	const struct span span = { .offset = BASE, .len = 16 * PAGE };
	struct famfs_errors *request = (void *)self->call.data;
	const struct famfs_errors *list = (void *)self->result.data;
	const __u64 bad[] = { 3, 4, 11 };
	unsigned char *at;

	if (self->off)
		SKIP(return, NO_32_BITS);
	catch_sigbus();
	ASSERT_EQ(0, map_create(self->file, fmap_of(16 * PAGE, &span, 1)));
	self->file32 = self->file;
	at = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
		  self->file, 0);
	ASSERT_NE(MAP_FAILED, at);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ASSERT_EQ(0, poison(at + bad[i] * PAGE));

	self->call.what = CALL_GET_ERRORS;
	request->nr = 10;
	BOTH(0);
	ASSERT_EQ(2, list->nr);
	EXPECT_EQ(3 * PAGE, list->errors[0].pos);
	EXPECT_EQ(2 * PAGE, list->errors[0].len);
	EXPECT_EQ(BASE + 3 * PAGE, list->errors[0].offset);
	EXPECT_EQ(11 * PAGE, list->errors[1].pos);
	EXPECT_EQ(PAGE, list->errors[1].len);
	request->nr = 1;
	request->start = 5 * PAGE;
	BOTH(0);
	ASSERT_EQ(1, list->nr);
	EXPECT_EQ(11 * PAGE, list->errors[0].pos);
	request->start = 12 * PAGE;
	BOTH(0);
	EXPECT_EQ(0, list->nr);
	munmap(at, 16 * PAGE);
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
