// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Each allocation of memory fails in turn, in each operation that makes
 * something: the operation fails as a whole, and can be done again.
 *
 * An operation is tried with its first allocation failing, then with its
 * second, and so on, until it comes to its end without having made that many.
 * After each try that failed, there must be nothing of it; one may also succeed
 * although an allocation failed, where the kernel has another way.
 *
 * Needs a kernel with CONFIG_FAILSLAB. That nothing is leaked, kmemleak tells.
 */
#include "famfs_harness.h"

#define FAIL_NTH	"/proc/self/fail-nth"
#define FAILSLAB	"/sys/kernel/debug/failslab/"

/* More than any operation here allocates. */
#define TRIES_MAX	3000

/* Extents of the longest map, and where they begin: nowhere side by side. */
#define EXTENTS		100
#define FIRST		(16 * MiB)

/**
 * struct tries - how far an operation has been tried
 * @nth: descriptor of FAIL_NTH
 * @done: number of the allocation that failed last
 * @failures: how many of the tries failed
 */
struct tries {
	int nth;
	int done;
	int failures;
};

FIXTURE(failslab) {
	char ignore[8];
	char verbose[8];
	char users[32];
	struct tries tries;
};

FIXTURE_SETUP(failslab)
{
	self->tries.nth = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
	if (self->tries.nth < 0)
		SKIP(return, FAIL_NTH " is not there: no CONFIG_FAULT_INJECTION");
	if (read_text(FAILSLAB "ignore-gfp-wait", self->ignore,
		      sizeof(self->ignore)) ||
	    read_text(FAILSLAB "verbose", self->verbose,
		      sizeof(self->verbose)))
		SKIP(return, FAILSLAB " is not there: no CONFIG_FAILSLAB, or no debugfs");
	ASSERT_EQ(0, private_mounts());
	ASSERT_EQ(0, read_text("/sys/module/famfs/refcnt", self->users,
			       sizeof(self->users)));
	/* Allocations that may sleep are to fail, too; and to say nothing. */
	ASSERT_EQ(0, write_text(FAILSLAB "ignore-gfp-wait", "N"));
	ASSERT_EQ(0, write_text(FAILSLAB "verbose", "0"));
}

FIXTURE_TEARDOWN(failslab)
{
	char users[32];

	if (!self->users[0])
		return;
	write_text(FAILSLAB "ignore-gfp-wait", self->ignore);
	write_text(FAILSLAB "verbose", self->verbose);
	umount2(ROOT2, MNT_DETACH);
	umount2(ROOT, MNT_DETACH);
	close(self->tries.nth);
	EXPECT_EQ(0, read_text("/sys/module/famfs/refcnt", users,
			       sizeof(users)));
	EXPECT_STREQ(self->users, users);
	EXPECT_CLEAN_LOG();
}

/* An operation: gives 0, or -errno if there is nothing of it. */
typedef int (*operation)(void *arg);

/*
 * Do @op with the next allocation in turn failing.
 *
 * Return: whether it was made to fail; *@err is what @op gave.
 */
static bool try_failing(struct __test_metadata *_metadata,
			struct tries *tries, operation op, void *arg, int *err)
{
	char text[16] = "";
	int len;

	tries->done++;
	ASSERT_GE(TRIES_MAX, tries->done);
	len = snprintf(text, sizeof(text), "%d", tries->done);
	ASSERT_EQ(len, pwrite(tries->nth, text, len, 0));
	*err = op(arg);
	memset(text, 0, sizeof(text));
	ASSERT_LT(0, pread(tries->nth, text, sizeof(text) - 1, 0));
	ASSERT_EQ(1, pwrite(tries->nth, "0", 1, 0));
	if (*err) {
		tries->failures++;
		EXPECT_EQ(-ENOMEM, *err) {
			TH_LOG("allocation %d", tries->done);
		}
	}
	return !atoi(text);
}

/* After the last try: an operation that never failed was not put to the test. */
static void report(struct __test_metadata *_metadata,
		   struct tries *tries, const char *what, int err)
{
	EXPECT_EQ(0, err) {
		TH_LOG("%s fails by itself", what);
	}
	EXPECT_LT(0, tries->failures) {
		TH_LOG("%s: no allocation failed", what);
	}
	TH_LOG("%s: %d allocations, %d of them vital", what, tries->done - 1,
	       tries->failures);
	tries->done = 0;
	tries->failures = 0;
}

/* Mount the device, with all that names can do allowed. */
static int mount_free(void)
{
	int err = mount_famfs();
	int fd;

	if (err)
		return err;
	fd = open(ROOT, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = opts(fd, FAMFSIOC_SET_OPTS, FAMFS_OPT_MKNOD | FAMFS_OPT_SYMLINK |
		   FAMFS_OPT_LINK | FAMFS_OPT_UNLINK | FAMFS_OPT_RMDIR |
		   FAMFS_OPT_RENAME);
	close(fd);
	return err < 0 ? err : 0;
}

static bool is_famfs(const char *dir)
{
	struct statfs st;

	return !statfs(dir, &st) && st.f_type == FAMFS_SUPER_MAGIC;
}

struct mount_args {
	const char *dev;
	const char *options;
};

static int do_mount(void *arg)
{
	const struct mount_args *args = arg;

	return ERR(mount(args->dev, ROOT, "famfs", 0, args->options));
}

static void fail_mounts(struct __test_metadata *_metadata,
			struct tries *tries, const char *dev,
			const char *options)
{
	struct mount_args args = { dev, options };
	bool failed;
	int err;

	do {
		failed = try_failing(_metadata, tries, do_mount, &args, &err);
		ASSERT_EQ(!err, is_famfs(ROOT));
		if (err) {
			/* The device is free, and a mount of it is whole. */
			ASSERT_EQ(0, do_mount(&args)) {
				TH_LOG("allocation %d", tries->done);
			}
		}
		ASSERT_EQ(0, ERR(umount(ROOT)));
	} while (failed);
	report(_metadata, tries, dev, err);
}

TEST_F_TIMEOUT(failslab, mount, 120)
{
	const char *paths[8];
	int n = devices(paths, ARRAY_SIZE(paths));

	for (int i = 0; i < n; i++)
		fail_mounts(_metadata, &self->tries, paths[i], NULL);
}

TEST_F_TIMEOUT(failslab, mount_with_options, 120)
{
	fail_mounts(_metadata, &self->tries, device(), "mode=0711,uid=1,coherent");
}

struct map_args {
	int fd;
	const void *message;
};

static int do_map(void *arg)
{
	const struct map_args *args = arg;

	return map_create(args->fd, args->message);
}

/* What MAP_GET says of a file without a map. */
static int no_map(int fd)
{
	struct famfs_fmap_header head = { .fmap_size = sizeof(head) };

	return map_get(fd, &head);
}

/*
 * Make a file of @message again and again. The name is there before, and
 * stays; what must not be there after a failure is a map, or a part of one.
 */
static void fail_maps(struct __test_metadata *_metadata,
		      struct tries *tries, const char *what,
		      const void *message)
{
	struct map_args args = { .message = message };
	__u64 free_before, free_mapped;
	struct stat st;
	bool failed;
	int without, err;

	args.fd = create_empty(ROOT "/file");
	ASSERT_LE(0, args.fd);
	without = no_map(args.fd);
	ASSERT_NE(-EMSGSIZE, without);
	free_before = free_blocks();
	/* By itself it works, and what it takes it gives back. */
	ASSERT_EQ(0, do_map(&args));
	free_mapped = free_blocks();
	ASSERT_GT(free_before, free_mapped);
	do {
		if (!no_map(args.fd) || no_map(args.fd) == -EMSGSIZE) {
			close(args.fd);
			ASSERT_EQ(0, ERR(unlink(ROOT "/file")));
			args.fd = create_empty(ROOT "/file");
			ASSERT_LE(0, args.fd);
		}
		ASSERT_EQ(free_before, free_blocks());
		failed = try_failing(_metadata, tries, do_map, &args, &err);
		if (err) {
			ASSERT_EQ(without, no_map(args.fd));
			ASSERT_EQ(0, ERR(fstat(args.fd, &st)));
			ASSERT_EQ(0, st.st_size);
			ASSERT_EQ(free_before, free_blocks()) {
				TH_LOG("%s: allocation %d", what, tries->done);
			}
			/* Every range can be had, by the same file. */
			ASSERT_EQ(0, do_map(&args)) {
				TH_LOG("%s: allocation %d", what, tries->done);
			}
		}
		ASSERT_EQ(-EMSGSIZE, no_map(args.fd));
		ASSERT_EQ(free_mapped, free_blocks());
	} while (failed);
	report(_metadata, tries, what, err);
	close(args.fd);
	ASSERT_EQ(0, ERR(unlink(ROOT "/file")));
	ASSERT_EQ(free_before, free_blocks());
}

TEST_F_TIMEOUT(failslab, map_create, 300)
{
	static const __u32 sizes[] = { 1, 3, EXTENTS };
	struct span spans[EXTENTS];
	struct fmap *map;
	char what[32];

	for (int i = 0; i < EXTENTS; i++) {
		spans[i].offset = FIRST + 2 * i * PAGE;
		spans[i].len = PAGE;
	}
	ASSERT_EQ(0, mount_free());
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		map = fmap_of(sizes[i] * PAGE, spans, sizes[i]);
		snprintf(what, sizeof(what), "%u extents", sizes[i]);
		fail_maps(_metadata, &self->tries, what, map);
		free(map);
	}
}

TEST_F_TIMEOUT(failslab, interleaved_map_create, 120)
{
	const struct famfs_fmap_simple strips[] = {
		{ .offset = 16 * MiB, .len = 2 * MiB },
		{ .offset = 32 * MiB, .len = 2 * MiB },
		{ .offset = 64 * MiB, .len = 2 * MiB },
	};
	const struct stripe stripe = {
		.chunk_size = 2 * MiB,
		.nbytes = 6 * MiB,
		.nstrips = ARRAY_SIZE(strips),
		.strips = strips,
	};
	void *map = fmap_striped(6 * MiB, &stripe, 1);

	ASSERT_EQ(0, mount_free());
	fail_maps(_metadata, &self->tries, "3 strips", map);
	free(map);
}

struct device_args {
	int fd;
	const char *path;
};

static int do_device(void *arg)
{
	const struct device_args *args = arg;

	return daxdev_open(args->fd, 1, args->path);
}

static void fail_device(struct __test_metadata *_metadata,
			struct tries *tries, const char *path)
{
	struct device_args args = { .path = path };
	bool failed;
	__u64 free;
	int err;

	do {
		ASSERT_EQ(0, mount_famfs());
		free = free_blocks();
		args.fd = open(ROOT, O_RDONLY | O_CLOEXEC);
		ASSERT_LE(0, args.fd);
		failed = try_failing(_metadata, tries, do_device, &args, &err);
		if (err) {
			ASSERT_EQ(free, free_blocks());
			/* Nobody holds it: neither this mount, nor another. */
			ASSERT_EQ(0, ERR(mount(path, ROOT2, "famfs", 0,
					       NULL))) {
				TH_LOG("allocation %d", tries->done);
			}
			ASSERT_EQ(0, ERR(umount(ROOT2)));
			ASSERT_EQ(0, do_device(&args));
		}
		ASSERT_LT(free, free_blocks());
		close(args.fd);
		ASSERT_EQ(0, ERR(umount(ROOT)));
	} while (failed);
	report(_metadata, tries, path, err);
}

TEST_F_TIMEOUT(failslab, daxdev_open, 300)
{
	const char *paths[8];
	int n = devices(paths, ARRAY_SIZE(paths));

	if (n < 2)
		SKIP(return, "a second device is needed");
	for (int i = 1; i < n; i++)
		fail_device(_metadata, &self->tries, paths[i]);
}

#define NAME	ROOT "/name"

static int do_create(void *arg)
{
	int fd = create_empty(NAME);

	if (fd < 0)
		return fd;
	*(int *)arg = fd;
	return 0;
}

static int do_mkdir(void *arg)
{
	(void)arg;
	return ERR(mkdir(NAME, 0755));
}

static int do_symlink(void *arg)
{
	(void)arg;
	/* Longer than any name that fits into the inode. */
	return ERR(symlink("somewhere/that/is/far/away/from/here/and/not/there",
			   NAME));
}

static int do_mknod(void *arg)
{
	(void)arg;
	return ERR(mknod(NAME, S_IFIFO | 0600, 0));
}

static int do_link(void *arg)
{
	(void)arg;
	return ERR(link(ROOT "/old", NAME));
}

static int do_rename(void *arg)
{
	(void)arg;
	return ERR(rename(ROOT "/old", NAME));
}

TEST_F_TIMEOUT(failslab, names, 120)
{
	static const struct {
		const char *what;
		operation op;
	} cases[] = {
		{ "create", do_create }, { "mkdir", do_mkdir },
		{ "symlink", do_symlink }, { "mknod", do_mknod },
		{ "link", do_link }, { "rename", do_rename },
	};
	struct stat before, after;
	int fd, err;
	bool failed;

	ASSERT_EQ(0, mount_free());
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		do {
			fd = open(ROOT "/old", O_RDWR | O_CREAT | O_CLOEXEC,
				  0644);
			ASSERT_LE(0, fd);
			close(fd);
			ASSERT_EQ(0, stat(ROOT, &before));
			fd = -1;
			failed = try_failing(_metadata, &self->tries, cases[i].op, &fd,
					     &err);
			if (err) {
				ASSERT_EQ(-1, lstat(NAME, &after));
				ASSERT_EQ(ENOENT, errno);
				ASSERT_EQ(0, stat(ROOT, &after));
				ASSERT_EQ(before.st_nlink, after.st_nlink);
				ASSERT_EQ(0, access(ROOT "/old", F_OK));
				ASSERT_EQ(0, cases[i].op(&fd)) {
					TH_LOG("%s", cases[i].what);
				}
			}
			ASSERT_EQ(0, lstat(NAME, &after));
			if (fd >= 0)
				close(fd);
			ASSERT_EQ(0, ERR(remove(NAME)));
		} while (failed);
		report(_metadata, &self->tries, cases[i].what, err);
	}
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
