// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The permission bits of a mount: each lets its operation through or refuses
 * it, by whatever call, and there is no way round; and what the operations do
 * that are refused unless somebody allows them.
 */
#include <linux/capability.h>
#include <linux/fs.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <time.h>

#include "famfs_harness.h"

#define OLD_TIME	1000000000
#define FIRST		(2 * MiB)	/* where "mapped" lies, 2 MiB */
#define SECOND		(4 * MiB)	/* and "mapped2", of two pages */
#define THIRD		(6 * MiB)	/* and "dir/mapped3", of one */

/* A mount with files that have maps and files that have none. */
FIXTURE(policy) {
	int dir;
};

FIXTURE_SETUP(policy)
{
	int fd;

	umask(022);
	ASSERT_EQ(0, private_mounts());
	ASSERT_EQ(0, mount_famfs());
	self->dir = open(ROOT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ASSERT_LE(0, self->dir);
	ASSERT_EQ(0, ERR(mkdir(ROOT "/dir", 0755)));
	ASSERT_EQ(0, ERR(mkdir(ROOT "/empty", 0755)));
	fd = create_at(ROOT "/mapped", FIRST, PMD);
	ASSERT_LE(0, fd);
	EXPECT_EQ(5, pwrite(fd, "first", 5, 0));
	close(fd);
	fd = create_at(ROOT "/mapped2", SECOND, 2 * PAGE);
	ASSERT_LE(0, fd);
	EXPECT_EQ(6, pwrite(fd, "second", 6, 0));
	close(fd);
	fd = create_at(ROOT "/dir/mapped3", THIRD, PAGE);
	ASSERT_LE(0, fd);
	close(fd);
	fd = create_empty(ROOT "/unmapped");
	ASSERT_LE(0, fd);
	close(fd);
}

FIXTURE_TEARDOWN_PARENT(policy)
{
	EXPECT_CLEAN_LOG();
}

#define ALLOW(bits) \
	ASSERT_LE(0, opts(self->dir, FAMFSIOC_SET_OPTS, (bits)))
#define FORBID(bits) \
	ASSERT_LE(0, opts(self->dir, FAMFSIOC_CLEAR_OPTS, (bits)))
/* This one alone of all, or all but this one. */
#define ONLY(bits) do {							\
	FORBID(FAMFS_OPTS_ALL);						\
	ALLOW(bits);							\
} while (0)
#define ALL_BUT(bits) do {						\
	ALLOW(FAMFS_OPTS_ALL);						\
	FORBID(bits);							\
} while (0)

static int make_old(const char *path)
{
	const struct timespec times[2] = { { OLD_TIME, 0 }, { OLD_TIME, 0 } };

	return ERR(utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW));
}

/* Whether a directory's times, or a file's change time, have moved on. */
static bool changed(const char *path)
{
	struct stat st;

	return !lstat(path, &st) && st.st_mtim.tv_sec > OLD_TIME &&
	       st.st_ctim.tv_sec > OLD_TIME;
}

/* When a file was changed; the clock will have moved on before this returns. */
static struct timespec ctime_of(const char *path)
{
	const struct timespec some_ticks = { .tv_nsec = 30000000 };
	struct stat st = {};

	lstat(path, &st);
	nanosleep(&some_ticks, NULL);
	return st.st_ctim;
}

static bool later(struct timespec a, struct timespec b)
{
	return a.tv_sec > b.tv_sec ||
	       (a.tv_sec == b.tv_sec && a.tv_nsec > b.tv_nsec);
}

static long links(const char *path)
{
	struct stat st;

	return lstat(path, &st) ? -errno : (long)st.st_nlink;
}

static bool holds(const char *path, const char *text)
{
	char seen[16] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool same;

	same = pread(fd, seen, strlen(text), 0) == (ssize_t)strlen(text) &&
	       !strcmp(seen, text);
	close(fd);
	return same;
}

TEST_F(policy, by_default)
{
	EXPECT_EQ(FAMFS_OPTS_DEFAULT, opts(self->dir, FAMFSIOC_GET_OPTS, 0));
	EXPECT_EQ(FAMFS_OPTS_DEFAULT,
		  opts(self->dir, FAMFSIOC_GET_OPTS, ~0ULL));
	/* In numbers: what programs were built with. */
	EXPECT_EQ(0x5b03, FAMFS_OPTS_DEFAULT);
	EXPECT_EQ(0x7fff, FAMFS_OPTS_ALL);
}

TEST_F(policy, set_and_clear)
{
	__u64 now = FAMFS_OPTS_DEFAULT;
	int fd;

	for (int bit = 0; bit < 15; bit++) {
		now |= 1ULL << bit;
		EXPECT_EQ(now, opts(self->dir, FAMFSIOC_SET_OPTS,
				    1ULL << bit));
		EXPECT_EQ(now, opts(self->dir, FAMFSIOC_GET_OPTS, 0));
	}
	for (int bit = 0; bit < 15; bit++) {
		now &= ~(1ULL << bit);
		EXPECT_EQ(now, opts(self->dir, FAMFSIOC_CLEAR_OPTS,
				    1ULL << bit));
		EXPECT_EQ(now, opts(self->dir, FAMFSIOC_GET_OPTS, 0));
	}
	EXPECT_EQ(0, opts(self->dir, FAMFSIOC_GET_OPTS, 0));
	EXPECT_EQ(0, opts(self->dir, FAMFSIOC_SET_OPTS, 0));
	EXPECT_EQ(FAMFS_OPTS_ALL,
		  opts(self->dir, FAMFSIOC_SET_OPTS, FAMFS_OPTS_ALL));
	EXPECT_EQ(FAMFS_OPTS_ALL, opts(self->dir, FAMFSIOC_CLEAR_OPTS, 0));
	/* By a file, of which the bits are not. */
	fd = open(ROOT "/mapped", O_RDONLY);
	EXPECT_EQ(FAMFS_OPTS_ALL - 1, opts(fd, FAMFSIOC_CLEAR_OPTS, 1));
	EXPECT_EQ(FAMFS_OPTS_ALL - 1, opts(self->dir, FAMFSIOC_GET_OPTS, 0));
}

TEST_F(policy, unknown_bits_change_nothing)
{
	for (int bit = 15; bit < 64; bit++) {
		EXPECT_EQ(-EINVAL, opts(self->dir, FAMFSIOC_SET_OPTS,
					1ULL << bit));
		EXPECT_EQ(-EINVAL, opts(self->dir, FAMFSIOC_SET_OPTS,
					1ULL << bit | FAMFS_OPT_RENAME));
		EXPECT_EQ(-EINVAL, opts(self->dir, FAMFSIOC_CLEAR_OPTS,
					1ULL << bit | FAMFS_OPT_CREATE));
	}
	EXPECT_EQ(-EINVAL, opts(self->dir, FAMFSIOC_CLEAR_OPTS, ~0ULL));
	EXPECT_EQ(-EFAULT, ERR(ioctl(self->dir, FAMFSIOC_SET_OPTS, NULL)));
	EXPECT_EQ(-EFAULT, ERR(ioctl(self->dir, FAMFSIOC_CLEAR_OPTS, NULL)));
	EXPECT_EQ(-EFAULT, ERR(ioctl(self->dir, FAMFSIOC_GET_OPTS, NULL)));
	EXPECT_EQ(FAMFS_OPTS_DEFAULT, opts(self->dir, FAMFSIOC_GET_OPTS, 0));
}

static int change_without_rawio(void *arg)
{
	int fd = *(int *)arg;

	if (drop_cap(CAP_SYS_RAWIO) ||
	    opts(fd, FAMFSIOC_SET_OPTS, FAMFS_OPT_RENAME) != -EPERM ||
	    opts(fd, FAMFSIOC_CLEAR_OPTS, FAMFS_OPT_CREATE) != -EPERM ||
	    opts(fd, FAMFSIOC_SET_OPTS, 0) != -EPERM ||
	    opts(fd, FAMFSIOC_GET_OPTS, 0) != FAMFS_OPTS_DEFAULT)
		return -EPROTO;
	return 0;
}

static int change_as_nobody(void *arg)
{
	return become_nobody() ?: change_without_rawio(arg);
}

/* Every capability there is, but of a user namespace of one's own. */
static int change_in_user_namespace(void *arg)
{
	int fd = *(int *)arg;

	if (unshare(CLONE_NEWUSER))
		return 0;
	return opts(fd, FAMFSIOC_SET_OPTS, FAMFS_OPT_RENAME) == -EPERM ?
	       0 : -EPROTO;
}

TEST_F(policy, who_may_change_it)
{
	EXPECT_EQ(0, in_child(change_without_rawio, &self->dir));
	EXPECT_EQ(0, in_child(change_as_nobody, &self->dir));
	EXPECT_EQ(0, in_child(change_in_user_namespace, &self->dir));
	EXPECT_EQ(FAMFS_OPTS_DEFAULT, opts(self->dir, FAMFSIOC_GET_OPTS, 0));
}

TEST_F(policy, of_one_mount)
{
	int other;

	ALLOW(FAMFS_OPT_RENAME);
	EXPECT_EQ(0, ERR(mount(NULL, ROOT, NULL, MS_REMOUNT, NULL)));
	EXPECT_EQ(FAMFS_OPTS_DEFAULT | FAMFS_OPT_RENAME,
		  opts(self->dir, FAMFSIOC_GET_OPTS, 0));
	if (device2()) {
		ASSERT_EQ(0, ERR(mount(device2(), ROOT2, "famfs", 0, NULL)));
		other = open(ROOT2, O_RDONLY | O_DIRECTORY);
		EXPECT_EQ(FAMFS_OPTS_DEFAULT,
			  opts(other, FAMFSIOC_GET_OPTS, 0));
	}
	close(self->dir);
	ASSERT_EQ(0, ERR(umount(ROOT)));
	ASSERT_EQ(0, mount_famfs());
	self->dir = open(ROOT, O_RDONLY | O_DIRECTORY);
	EXPECT_EQ(FAMFS_OPTS_DEFAULT, opts(self->dir, FAMFSIOC_GET_OPTS, 0));
}

TEST_F(policy, create)
{
	ALL_BUT(FAMFS_OPT_CREATE);
	EXPECT_EQ(-EPERM, create_empty(ROOT "/new"));
	EXPECT_EQ(-EPERM, ERR(creat(ROOT "/new", 0600)));
	EXPECT_EQ(-EPERM, ERR(mknod(ROOT "/new", S_IFREG | 0600, 0)));
	EXPECT_GT(0, ERR(open(ROOT, O_TMPFILE | O_RDWR, 0600)));
	EXPECT_EQ(-ENOENT, links(ROOT "/new"));
	/* What is there already is not made. */
	EXPECT_EQ(0, ERR(open(ROOT "/unmapped", O_RDWR | O_CREAT, 0600)));
	EXPECT_EQ(0, ERR(creat(ROOT "/unmapped", 0600)));
	ONLY(FAMFS_OPT_CREATE);
	EXPECT_LE(0, create_empty(ROOT "/new"));
	EXPECT_EQ(0, ERR(mknod(ROOT "/new2", S_IFREG | 0600, 0)));
}

TEST_F(policy, mkdir)
{
	ALL_BUT(FAMFS_OPT_MKDIR);
	EXPECT_EQ(-EPERM, ERR(mkdir(ROOT "/new", 0755)));
	EXPECT_EQ(-ENOENT, links(ROOT "/new"));
	EXPECT_EQ(4, links(ROOT));
	ONLY(FAMFS_OPT_MKDIR);
	EXPECT_EQ(0, ERR(mkdir(ROOT "/new", 0755)));
	EXPECT_EQ(5, links(ROOT));
}

TEST_F(policy, mknod)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX,
		.sun_path = ROOT "/dir/socket" };
	struct stat st;
	int fd, reader;
	char byte;

	ALL_BUT(FAMFS_OPT_MKNOD);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	EXPECT_EQ(-EPERM, ERR(mkfifo(ROOT "/dir/fifo", 0600)));
	EXPECT_EQ(-EPERM, ERR(mknod(ROOT "/dir/chr", S_IFCHR | 0600,
				    makedev(1, 3))));
	EXPECT_EQ(-EPERM, ERR(mknod(ROOT "/dir/blk", S_IFBLK | 0600,
				    makedev(7, 0))));
	EXPECT_EQ(-EPERM, ERR(mknod(ROOT "/dir/whiteout", S_IFCHR, 0)));
	EXPECT_EQ(-EPERM, ERR(bind(fd, (void *)&name, sizeof(name))));
	ASSERT_EQ(0, make_old(ROOT "/dir"));

	ONLY(FAMFS_OPT_MKNOD);
	EXPECT_EQ(-EPERM, ERR(mknod(ROOT "/dir/reg", S_IFREG | 0600, 0)));
	EXPECT_FALSE(changed(ROOT "/dir"));
	EXPECT_EQ(0, ERR(mkfifo(ROOT "/dir/fifo", 0640)));
	EXPECT_TRUE(changed(ROOT "/dir"));
	EXPECT_EQ(0, ERR(mknod(ROOT "/dir/chr", S_IFCHR | 0600,
			       makedev(1, 3))));
	EXPECT_EQ(0, ERR(mknod(ROOT "/dir/blk", S_IFBLK | 0600,
			       makedev(7, 300))));
	EXPECT_EQ(0, ERR(bind(fd, (void *)&name, sizeof(name))));
	EXPECT_EQ(2, links(ROOT "/dir"));

	/* They are what they are anywhere. */
	reader = open(ROOT "/dir/fifo", O_RDONLY | O_NONBLOCK);
	ASSERT_LE(0, reader);
	fd = open(ROOT "/dir/fifo", O_WRONLY);
	ASSERT_LE(0, fd);
	EXPECT_EQ(1, write(fd, "f", 1));
	EXPECT_EQ(1, read(reader, &byte, 1));
	EXPECT_EQ('f', byte);
	fd = open(ROOT "/dir/chr", O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_EQ(1, write(fd, "x", 1));
	EXPECT_EQ(0, read(fd, &byte, 1));
	EXPECT_EQ(-ENOTTY, ERR(ioctl(fd, FAMFSIOC_NOP)));
	ASSERT_EQ(0, lstat(ROOT "/dir/blk", &st));
	EXPECT_EQ(S_IFBLK | 0600, st.st_mode);
	EXPECT_EQ(makedev(7, 300), st.st_rdev);
	ASSERT_EQ(0, lstat(ROOT "/dir/fifo", &st));
	EXPECT_EQ(S_IFIFO | 0640, st.st_mode);
	/* Their modes and times are changed as any file's. */
	EXPECT_EQ(-EPERM, ERR(chmod(ROOT "/dir/fifo", 0600)));
	ALLOW(FAMFS_OPT_CHMOD);
	EXPECT_EQ(0, ERR(chmod(ROOT "/dir/fifo", 0600)));
	/* Names that a log may know: to be taken away by permission only. */
	EXPECT_EQ(-EPERM, ERR(unlink(ROOT "/dir/fifo")));
	ALLOW(FAMFS_OPT_UNLINK);
	EXPECT_EQ(0, ERR(unlink(ROOT "/dir/fifo")));
	EXPECT_EQ(0, ERR(unlink(ROOT "/dir/chr")));
	EXPECT_EQ(0, ERR(unlink(ROOT "/dir/blk")));
	EXPECT_EQ(0, ERR(unlink(ROOT "/dir/socket")));
}

TEST_F(policy, device_nodes_on_nodev)
{
	ALLOW(FAMFS_OPT_MKNOD);
	ASSERT_EQ(0, ERR(mknod(ROOT "/chr", S_IFCHR | 0600, makedev(1, 3))));
	ASSERT_EQ(0, ERR(mount(NULL, ROOT, NULL, MS_REMOUNT | MS_NODEV,
			       NULL)));
	EXPECT_EQ(-EACCES, ERR(open(ROOT "/chr", O_RDWR)));
}

TEST_F(policy, symlink)
{
	char target[4096], seen[4096];
	struct stat st;
	ssize_t len;

	ALL_BUT(FAMFS_OPT_SYMLINK);
	EXPECT_EQ(-EPERM, ERR(symlink("mapped", ROOT "/dir/link")));
	EXPECT_EQ(-ENOENT, links(ROOT "/dir/link"));
	ASSERT_EQ(0, make_old(ROOT "/dir"));

	ONLY(FAMFS_OPT_SYMLINK);
	ASSERT_EQ(0, ERR(symlink("../mapped", ROOT "/dir/link")));
	EXPECT_TRUE(changed(ROOT "/dir"));
	EXPECT_EQ(2, links(ROOT "/dir"));
	EXPECT_EQ(-EEXIST, ERR(symlink("x", ROOT "/dir/link")));
	len = readlink(ROOT "/dir/link", seen, sizeof(seen));
	ASSERT_EQ(9, len);
	EXPECT_EQ(0, memcmp("../mapped", seen, 9));
	ASSERT_EQ(0, lstat(ROOT "/dir/link", &st));
	EXPECT_EQ(S_IFLNK | 0777, st.st_mode);
	EXPECT_EQ(9, st.st_size);
	EXPECT_EQ(0, st.st_blocks);
	EXPECT_TRUE(holds(ROOT "/dir/link", "first"));
	/* The longest there is. */
	memset(target, 't', sizeof(target));
	target[4095] = '\0';
	ASSERT_EQ(0, ERR(symlink(target, ROOT "/long")));
	EXPECT_EQ(4095, readlink(ROOT "/long", seen, sizeof(seen)));
	EXPECT_EQ(0, memcmp(target, seen, 4095));
	ASSERT_EQ(0, ERR(symlink("nothing", ROOT "/dangling")));
	EXPECT_EQ(-ENOENT, ERR(access(ROOT "/dangling", F_OK)));
	/* A link is no file that a map could be given to. */
	EXPECT_EQ(-ELOOP, ERR(open(ROOT "/long", O_RDWR | O_NOFOLLOW)));

	EXPECT_EQ(-EPERM, ERR(unlink(ROOT "/dir/link")));
	ALLOW(FAMFS_OPT_UNLINK);
	EXPECT_EQ(0, ERR(unlink(ROOT "/dir/link")));
	EXPECT_TRUE(holds(ROOT "/mapped", "first"));
}

TEST_F(policy, link)
{
	struct timespec before = ctime_of(ROOT "/mapped");
	__u64 blocks = free_blocks();
	struct stat st, other;
	char path[64];
	int fd;

	ALL_BUT(FAMFS_OPT_LINK);
	EXPECT_EQ(-EPERM, ERR(link(ROOT "/mapped", ROOT "/dir/link")));
	EXPECT_EQ(-EPERM, ERR(link(ROOT "/unmapped", ROOT "/dir/link")));
	fd = open(ROOT "/mapped", O_RDONLY);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	EXPECT_EQ(-EPERM, ERR(linkat(AT_FDCWD, path, AT_FDCWD,
				     ROOT "/dir/link", AT_SYMLINK_FOLLOW)));
	EXPECT_EQ(-EPERM, ERR(linkat(fd, "", AT_FDCWD, ROOT "/dir/link",
				     AT_EMPTY_PATH)));
	EXPECT_EQ(1, links(ROOT "/mapped"));
	ASSERT_EQ(0, make_old(ROOT "/dir"));

	ONLY(FAMFS_OPT_LINK);
	ASSERT_EQ(0, ERR(link(ROOT "/mapped", ROOT "/dir/link")));
	EXPECT_TRUE(changed(ROOT "/dir"));
	EXPECT_TRUE(later(ctime_of(ROOT "/mapped"), before));
	EXPECT_EQ(2, links(ROOT "/mapped"));
	EXPECT_EQ(2, links(ROOT "/dir"));
	ASSERT_EQ(0, stat(ROOT "/mapped", &st));
	ASSERT_EQ(0, stat(ROOT "/dir/link", &other));
	EXPECT_EQ(st.st_ino, other.st_ino);
	EXPECT_EQ(-EEXIST, ERR(link(ROOT "/mapped", ROOT "/dir/link")));
	EXPECT_EQ(-EPERM, ERR(link(ROOT "/dir", ROOT "/dir2")));
	EXPECT_EQ(blocks, free_blocks());

	/* Neither name may go; then one may, and the file is the other's. */
	EXPECT_EQ(-EPERM, ERR(unlink(ROOT "/mapped")));
	EXPECT_EQ(-EPERM, ERR(unlink(ROOT "/dir/link")));
	ALLOW(FAMFS_OPT_UNLINK);
	before = ctime_of(ROOT "/mapped");
	EXPECT_EQ(0, ERR(unlink(ROOT "/mapped")));
	close(fd);
	EXPECT_EQ(1, links(ROOT "/dir/link"));
	EXPECT_TRUE(later(ctime_of(ROOT "/dir/link"), before));
	EXPECT_TRUE(holds(ROOT "/dir/link", "first"));
	EXPECT_EQ(blocks, free_blocks());
	EXPECT_EQ(0, ERR(unlink(ROOT "/dir/link")));
	EXPECT_EQ(blocks + PMD / PAGE, free_blocks());
}

/* Given its map by one name, the file has it by the other. */
TEST_F(policy, link_of_a_file_without_a_map)
{
	struct span span = { .offset = 16 * MiB, .len = PAGE };
	int fd;

	ALLOW(FAMFS_OPT_LINK);
	ASSERT_EQ(0, ERR(link(ROOT "/unmapped", ROOT "/other")));
	EXPECT_EQ(0, ERR(unlink(ROOT "/other")));
	ASSERT_EQ(0, ERR(link(ROOT "/unmapped", ROOT "/other")));
	fd = open(ROOT "/other", O_RDWR);
	ASSERT_EQ(0, map_create(fd, fmap_of(PAGE, &span, 1)));
	EXPECT_EQ(4, pwrite(fd, "both", 4, 0));
	EXPECT_TRUE(holds(ROOT "/unmapped", "both"));
	EXPECT_EQ(-EPERM, ERR(unlink(ROOT "/unmapped")));
	EXPECT_EQ(-EPERM, ERR(unlink(ROOT "/other")));
}

TEST_F(policy, unlink)
{
	__u64 blocks = free_blocks();

	ALL_BUT(FAMFS_OPT_UNLINK);
	EXPECT_EQ(-EPERM, ERR(unlink(ROOT "/mapped")));
	EXPECT_EQ(-EPERM, ERR(unlink(ROOT "/dir/mapped3")));
	EXPECT_EQ(-EPERM, ERR(rename(ROOT "/unmapped", ROOT "/mapped")));
	EXPECT_EQ(-EPERM, ERR(rename(ROOT "/mapped2", ROOT "/mapped")));
	EXPECT_EQ(-EPERM, ERR(rename(ROOT "/mapped2", ROOT "/dir/mapped3")));
	EXPECT_TRUE(holds(ROOT "/mapped", "first"));
	EXPECT_EQ(blocks, free_blocks());
	ASSERT_EQ(0, make_old(ROOT "/dir"));

	ONLY(FAMFS_OPT_UNLINK);
	EXPECT_EQ(0, ERR(unlink(ROOT "/dir/mapped3")));
	EXPECT_TRUE(changed(ROOT "/dir"));
	EXPECT_EQ(blocks + 1, free_blocks());
	EXPECT_EQ(0, ERR(unlink(ROOT "/mapped")));
	EXPECT_EQ(blocks + 1 + PMD / PAGE, free_blocks());
	EXPECT_EQ(-EPERM, ERR(rmdir(ROOT "/empty")));
	ALLOW(FAMFS_OPT_CREATE | FAMFS_OPT_MAP_CREATE);
	EXPECT_LE(0, create_at(ROOT "/again", FIRST, PMD));
	EXPECT_TRUE(holds(ROOT "/again", "first"));
}

TEST_F(policy, rmdir)
{
	ALL_BUT(FAMFS_OPT_RMDIR);
	EXPECT_EQ(-EPERM, ERR(rmdir(ROOT "/empty")));
	ASSERT_EQ(0, ERR(mkdir(ROOT "/more", 0755)));
	/* Nor by a directory in its place. */
	EXPECT_EQ(-EPERM, ERR(rename(ROOT "/more", ROOT "/empty")));
	EXPECT_EQ(5, links(ROOT));
	ASSERT_EQ(0, ERR(mkdir(ROOT "/dir/sub", 0755)));
	ASSERT_EQ(0, make_old(ROOT "/dir"));

	ONLY(FAMFS_OPT_RMDIR);
	EXPECT_EQ(-ENOTEMPTY, ERR(rmdir(ROOT "/dir")));
	EXPECT_EQ(0, ERR(rmdir(ROOT "/empty")));
	EXPECT_EQ(4, links(ROOT));
	EXPECT_EQ(0, ERR(rmdir(ROOT "/dir/sub")));
	EXPECT_EQ(2, links(ROOT "/dir"));
	EXPECT_TRUE(changed(ROOT "/dir"));
	EXPECT_EQ(-EPERM, ERR(unlink(ROOT "/mapped")));
}

TEST_F(policy, rename)
{
	struct timespec before;
	struct stat st, now;

	ALL_BUT(FAMFS_OPT_RENAME);
	EXPECT_EQ(-EPERM, ERR(rename(ROOT "/mapped", ROOT "/new")));
	EXPECT_EQ(-EPERM, ERR(rename(ROOT "/unmapped", ROOT "/new")));
	EXPECT_EQ(-EPERM, ERR(rename(ROOT "/mapped", ROOT "/mapped2")));
	EXPECT_EQ(-EPERM, ERR(rename(ROOT "/dir", ROOT "/empty/dir")));
	EXPECT_EQ(-EPERM, ERR(renameat2(AT_FDCWD, ROOT "/mapped", AT_FDCWD,
					ROOT "/mapped2", RENAME_EXCHANGE)));
	EXPECT_EQ(-EPERM, ERR(renameat2(AT_FDCWD, ROOT "/mapped", AT_FDCWD,
					ROOT "/new", RENAME_NOREPLACE)));
	ASSERT_EQ(0, stat(ROOT "/mapped", &st));

	ONLY(FAMFS_OPT_RENAME | FAMFS_OPT_UTIMES);
	ASSERT_EQ(0, make_old(ROOT "/dir"));
	ASSERT_EQ(0, make_old(ROOT));
	before = ctime_of(ROOT "/mapped");
	ASSERT_EQ(0, ERR(rename(ROOT "/mapped", ROOT "/dir/new")));
	EXPECT_TRUE(changed(ROOT "/dir"));
	EXPECT_TRUE(changed(ROOT));
	EXPECT_TRUE(later(ctime_of(ROOT "/dir/new"), before));
	EXPECT_EQ(-ENOENT, links(ROOT "/mapped"));
	ASSERT_EQ(0, stat(ROOT "/dir/new", &now));
	EXPECT_EQ(st.st_ino, now.st_ino);
	EXPECT_TRUE(holds(ROOT "/dir/new", "first"));
	/* Directories take their links along. */
	ASSERT_EQ(0, ERR(rename(ROOT "/dir", ROOT "/empty/dir")));
	EXPECT_EQ(3, links(ROOT));
	EXPECT_EQ(3, links(ROOT "/empty"));
	EXPECT_TRUE(holds(ROOT "/empty/dir/new", "first"));
	EXPECT_EQ(-EINVAL, ERR(rename(ROOT "/empty", ROOT "/empty/dir/x")));
	EXPECT_EQ(-EISDIR, ERR(rename(ROOT "/mapped2", ROOT "/empty")));
	EXPECT_EQ(-ENOTDIR, ERR(rename(ROOT "/empty", ROOT "/mapped2")));
}

TEST_F(policy, rename_over)
{
	__u64 blocks = free_blocks();

	/* A file without a map is nowhere but here: it may go. */
	ONLY(FAMFS_OPT_RENAME);
	EXPECT_EQ(-EPERM, ERR(rename(ROOT "/mapped2", ROOT "/mapped")));
	EXPECT_EQ(-EPERM, ERR(rename(ROOT "/unmapped", ROOT "/mapped")));
	EXPECT_TRUE(holds(ROOT "/mapped", "first"));
	EXPECT_EQ(0, ERR(rename(ROOT "/mapped", ROOT "/unmapped")));
	EXPECT_TRUE(holds(ROOT "/unmapped", "first"));
	EXPECT_EQ(blocks, free_blocks());
	ALLOW(FAMFS_OPT_MKDIR);
	ASSERT_EQ(0, ERR(mkdir(ROOT "/other", 0755)));
	EXPECT_EQ(-EPERM, ERR(rename(ROOT "/other", ROOT "/empty")));

	ALLOW(FAMFS_OPT_UNLINK);
	EXPECT_EQ(0, ERR(rename(ROOT "/mapped2", ROOT "/unmapped")));
	EXPECT_TRUE(holds(ROOT "/unmapped", "second"));
	EXPECT_EQ(blocks + PMD / PAGE, free_blocks());
	EXPECT_EQ(-EPERM, ERR(rename(ROOT "/other", ROOT "/empty")));
	ALLOW(FAMFS_OPT_RMDIR);
	EXPECT_EQ(5, links(ROOT));
	EXPECT_EQ(0, ERR(rename(ROOT "/other", ROOT "/empty")));
	EXPECT_EQ(4, links(ROOT));
	EXPECT_EQ(-ENOTEMPTY, ERR(rename(ROOT "/empty", ROOT "/dir")));
}

TEST_F(policy, rename_flags)
{
	static const unsigned int unknown[] = {
		RENAME_WHITEOUT,
		RENAME_EXCHANGE | RENAME_NOREPLACE,
		RENAME_EXCHANGE | RENAME_WHITEOUT, 8, 1U << 31,
	};
	__u64 blocks = free_blocks();

	ONLY(FAMFS_OPT_RENAME);
	EXPECT_EQ(-EEXIST, ERR(renameat2(AT_FDCWD, ROOT "/mapped", AT_FDCWD,
					 ROOT "/mapped2", RENAME_NOREPLACE)));
	EXPECT_EQ(-EEXIST, ERR(renameat2(AT_FDCWD, ROOT "/mapped", AT_FDCWD,
					 ROOT "/unmapped", RENAME_NOREPLACE)));
	EXPECT_EQ(0, ERR(renameat2(AT_FDCWD, ROOT "/mapped", AT_FDCWD,
				   ROOT "/new", RENAME_NOREPLACE)));
	/* Each keeps a name: nobody loses a file. */
	EXPECT_EQ(0, ERR(renameat2(AT_FDCWD, ROOT "/new", AT_FDCWD,
				   ROOT "/mapped2", RENAME_EXCHANGE)));
	EXPECT_TRUE(holds(ROOT "/mapped2", "first"));
	EXPECT_TRUE(holds(ROOT "/new", "second"));
	EXPECT_EQ(blocks, free_blocks());
	EXPECT_EQ(-ENOENT, ERR(renameat2(AT_FDCWD, ROOT "/new", AT_FDCWD,
					 ROOT "/nothing", RENAME_EXCHANGE)));
	/* A directory against a file, and links go with it. */
	EXPECT_EQ(0, ERR(renameat2(AT_FDCWD, ROOT "/empty", AT_FDCWD,
				   ROOT "/dir/mapped3", RENAME_EXCHANGE)));
	EXPECT_EQ(3, links(ROOT));
	EXPECT_EQ(3, links(ROOT "/dir"));
	EXPECT_EQ(2, links(ROOT "/dir/mapped3"));
	EXPECT_EQ(1, links(ROOT "/empty"));

	ALLOW(FAMFS_OPTS_ALL);
	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
		EXPECT_EQ(-EINVAL, ERR(renameat2(AT_FDCWD, ROOT "/new",
						 AT_FDCWD, ROOT "/mapped2",
						 unknown[i]))) {
			TH_LOG("flags %#x", unknown[i]);
		}
	}
	EXPECT_EQ(-EINVAL, ERR(renameat2(AT_FDCWD, ROOT "/new", AT_FDCWD,
					 ROOT "/nothing",
					 RENAME_WHITEOUT | RENAME_NOREPLACE)));
	EXPECT_TRUE(holds(ROOT "/mapped2", "first"));
	EXPECT_TRUE(holds(ROOT "/new", "second"));
}

/* Somebody other than the owner writes: the kernel takes set-id bits away. */
static int write_as_nobody(void *arg)
{
	int fd = *(int *)arg;

	return become_nobody() ?: (pwrite(fd, "x", 1, 0) == 1 ? 0 : -errno);
}

TEST_F(policy, chmod)
{
	struct stat st;
	int fd = open(ROOT "/mapped", O_RDWR);

	ASSERT_EQ(0, ERR(chmod(ROOT "/mapped", 04755)));
	ALL_BUT(FAMFS_OPT_CHMOD);
	EXPECT_EQ(-EPERM, ERR(chmod(ROOT "/mapped", 0777)));
	EXPECT_EQ(-EPERM, ERR(fchmod(fd, 0777)));
	EXPECT_EQ(-EPERM, ERR(chmod(ROOT "/dir", 0777)));
	EXPECT_EQ(-EPERM, ERR(chmod(ROOT, 0777)));
	/* Not a wish of the writer's, and not refused. */
	EXPECT_EQ(0, in_child(write_as_nobody, &fd));
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(S_IFREG | 0755, st.st_mode);
	ONLY(FAMFS_OPT_CHMOD);
	EXPECT_EQ(0, ERR(fchmod(fd, 02711)));
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(S_IFREG | 02711, st.st_mode);
	EXPECT_EQ(-EPERM, ERR(fchown(fd, 1, 1)));
}

TEST_F(policy, chown)
{
	struct stat st;
	int fd = open(ROOT "/mapped", O_RDWR);

	ASSERT_EQ(0, ERR(chmod(ROOT "/mapped", 04755)));
	ALL_BUT(FAMFS_OPT_CHOWN);
	EXPECT_EQ(-EPERM, ERR(chown(ROOT "/mapped", 1, -1)));
	EXPECT_EQ(-EPERM, ERR(chown(ROOT "/mapped", -1, 1)));
	EXPECT_EQ(-EPERM, ERR(fchown(fd, 1, 1)));
	EXPECT_EQ(-EPERM, ERR(chown(ROOT "/dir", 1, 1)));
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(0, st.st_uid);
	EXPECT_EQ(S_IFREG | 04755, st.st_mode);
	/* It takes the set-id bits away, too. */
	ONLY(FAMFS_OPT_CHOWN);
	EXPECT_EQ(0, ERR(fchown(fd, 5, 6)));
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(5, st.st_uid);
	EXPECT_EQ(6, st.st_gid);
	EXPECT_EQ(S_IFREG | 0755, st.st_mode);
	EXPECT_EQ(-EPERM, ERR(fchmod(fd, 0644)));
}

TEST_F(policy, utimes)
{
	const struct timespec now[2] = { { 0, UTIME_NOW }, { 0, UTIME_NOW } };
	const struct timespec omit[2] = {
		{ 0, UTIME_OMIT }, { OLD_TIME, 0 },
	};
	int fd = open(ROOT "/mapped", O_RDWR);
	struct stat st;
	char byte;

	ASSERT_EQ(0, make_old(ROOT "/mapped"));
	ALL_BUT(FAMFS_OPT_UTIMES);
	EXPECT_EQ(-EPERM, make_old(ROOT "/mapped2"));
	EXPECT_EQ(-EPERM, ERR(futimens(fd, NULL)));
	EXPECT_EQ(-EPERM, ERR(futimens(fd, now)));
	EXPECT_EQ(-EPERM, ERR(futimens(fd, omit)));
	EXPECT_EQ(-EPERM, make_old(ROOT "/dir"));
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(OLD_TIME, st.st_mtime);
	/* The kernel keeps the times on. */
	EXPECT_EQ(1, pread(fd, &byte, 1, 0));
	EXPECT_EQ(1, pwrite(fd, "x", 1, 0));
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_LT(OLD_TIME, st.st_mtime);
	ONLY(FAMFS_OPT_UTIMES);
	EXPECT_EQ(0, make_old(ROOT "/mapped"));
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(OLD_TIME, st.st_mtime);
	EXPECT_EQ(0, ERR(futimens(fd, NULL)));
	EXPECT_EQ(0, ERR(futimens(fd, omit)));
}

/* A size is the map's: no bit lets it be changed. */
static void expect_no_truncate(struct __test_metadata *_metadata)
{
	int fd = open(ROOT "/mapped", O_RDWR);
	struct stat st;

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EPERM, ERR(ftruncate(fd, 0)));
	EXPECT_EQ(-EPERM, ERR(ftruncate(fd, PMD - 1)));
	EXPECT_EQ(-EPERM, ERR(ftruncate(fd, PMD + 1)));
	EXPECT_EQ(-EPERM, ERR(truncate(ROOT "/mapped", PAGE)));
	EXPECT_EQ(-EPERM, ERR(truncate(ROOT "/unmapped", PAGE)));
	EXPECT_EQ(-EPERM, ERR(open(ROOT "/mapped", O_RDWR | O_TRUNC)));
	EXPECT_EQ(-EPERM, ERR(open(ROOT "/mapped", O_RDONLY | O_TRUNC)));
	EXPECT_EQ(-EPERM, ERR(creat(ROOT "/mapped", 0644)));
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(PMD, st.st_size);
	EXPECT_EQ(PMD / 512, st.st_blocks);
	EXPECT_TRUE(holds(ROOT "/mapped", "first"));
	close(fd);
}

TEST_F(policy, truncate)
{
	expect_no_truncate(_metadata);
	ALLOW(FAMFS_OPTS_ALL);
	expect_no_truncate(_metadata);
	ONLY(FAMFS_OPT_TRUNCATE);
	expect_no_truncate(_metadata);
	/* There is nothing to cut off. */
	EXPECT_EQ(0, ERR(open(ROOT "/unmapped", O_RDWR | O_TRUNC)));
}

/* Nor is there a bit for these. */
TEST_F(policy, never_allowed)
{
	static const int modes[] = {
		0, FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_ZERO_RANGE, FALLOC_FL_COLLAPSE_RANGE,
		FALLOC_FL_INSERT_RANGE, FALLOC_FL_UNSHARE_RANGE,
	};
	struct file_clone_range range = { .src_length = PAGE };
	int fd, other;

	ALLOW(FAMFS_OPTS_ALL);
	fd = open(ROOT "/mapped", O_RDWR);
	other = open(ROOT "/mapped2", O_RDWR);
	range.src_fd = other;
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		EXPECT_EQ(-EOPNOTSUPP, ERR(fallocate(fd, modes[i], 0, PAGE)));
		EXPECT_EQ(-EOPNOTSUPP, ERR(fallocate(fd, modes[i], PMD,
						     PAGE)));
	}
	EXPECT_EQ(-EOPNOTSUPP, ERR(ioctl(fd, FICLONE, other)));
	EXPECT_EQ(-EOPNOTSUPP, ERR(ioctl(fd, FICLONERANGE, &range)));
	EXPECT_EQ(-EOPNOTSUPP, ERR(setxattr(ROOT "/mapped", "user.a", "1", 1,
					    0)));
	EXPECT_EQ(-EOPNOTSUPP, ERR(setxattr(ROOT "/mapped", "trusted.a", "1",
					    1, 0)));
	EXPECT_TRUE(holds(ROOT "/mapped", "first"));
}

TEST_F(policy, map_create)
{
	int fd;

	ALL_BUT(FAMFS_OPT_MAP_CREATE);
	EXPECT_EQ(-EPERM, create_at(ROOT "/new", 16 * MiB, PAGE));
	EXPECT_EQ(0, links(ROOT "/new") != 1);
	ONLY(FAMFS_OPT_MAP_CREATE | FAMFS_OPT_CREATE);
	fd = create_at(ROOT "/other", 16 * MiB, PAGE);
	EXPECT_LE(0, fd);
	EXPECT_EQ(-EPERM, ERR(pwrite(fd, "x", 1, 0)));
}

/* Every way to change bytes of a file; 0 if all are refused. */
static int ways_to_write(int fd, int from, char *private)
{
	struct iovec v = { "no", 2 };
	loff_t in = 0, out = 0;
	int pipes[2];
	char *at;

	if (ERR(write(fd, "no", 2)) != -EPERM ||
	    ERR(pwrite(fd, "no", 2, 0)) != -EPERM ||
	    ERR(pwrite(fd, "no", 2, PMD)) != -EPERM ||
	    ERR(pwritev(fd, &v, 1, 0)) != -EPERM)
		return 1;
	if (ERR(copy_file_range(from, &in, fd, &out, PAGE, 0)) != -EPERM ||
	    ERR(sendfile(fd, from, &in, PAGE)) != -EPERM)
		return 2;
	if (pipe(pipes) || write(pipes[1], "no", 2) != 2 ||
	    ERR(splice(pipes[0], NULL, fd, &out, 2, 0)) != -EPERM)
		return 3;
	if (ERR(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)) !=
	    -EPERM ||
	    ERR(mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED_VALIDATE | MAP_SYNC,
		     fd, 0)) != -EPERM)
		return 4;
	/* To be read, and then made writable. */
	at = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED || at[0] != 'f')
		return 5;
	if (ERR(mprotect(at, PAGE, PROT_READ | PROT_WRITE)) != -EACCES ||
	    !madvise(at, PAGE, MADV_POPULATE_WRITE))
		return 6;
	/* As a debugger would: it may write where nobody else can. */
	from = open("/proc/self/mem", O_RDWR);
	if (from < 0 || pwrite(from, "no", 2, (uintptr_t)at) > 0)
		return 7;
	/* One's own copy is nobody else's business. */
	private[0] = 'x';
	return private[0] == 'x' && at[0] == 'f' ? 0 : 8;
}

TEST_F(policy, write)
{
	int fd = open(ROOT "/mapped", O_RDWR);
	int from = open(ROOT "/mapped2", O_RDONLY);
	char *at, *private;
	struct stat before, after;

	ASSERT_LE(0, from);
	ALL_BUT(FAMFS_OPT_WRITE);
	private = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	ASSERT_NE(MAP_FAILED, private);
	ASSERT_EQ(0, fstat(fd, &before));
	EXPECT_EQ(0, ways_to_write(fd, from, private));
	fd = open(ROOT "/mapped", O_RDWR | O_APPEND | O_DIRECT | O_SYNC);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EPERM, ERR(write(fd, "no", 2)));
	ASSERT_EQ(0, fstat(fd, &after));
	EXPECT_EQ(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
	EXPECT_EQ(before.st_mtim.tv_sec, after.st_mtim.tv_sec);
	EXPECT_TRUE(holds(ROOT "/mapped", "first"));

	/* What was mapped while writing was not allowed stays as it is. */
	at = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, at);
	ONLY(FAMFS_OPT_WRITE);
	EXPECT_EQ(-EACCES, ERR(mprotect(at, PAGE, PROT_READ | PROT_WRITE)));
	fd = open(ROOT "/mapped", O_RDWR);
	EXPECT_EQ(3, pwrite(fd, "yes", 3, 0));
	at = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(0, ERR(mprotect(at, PAGE, PROT_READ | PROT_WRITE)));
	at[3] = '!';
	EXPECT_TRUE(holds(ROOT "/mapped", "yes!"));
}

/* What is writable by then stays so, for as long as nobody takes that back. */
TEST_F(policy, write_forbidden_later)
{
	const int both = PROT_READ | PROT_WRITE;
	char *readable, *writable, *private;
	int fd = open(ROOT "/mapped", O_RDWR);

	readable = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, readable);
	writable = mmap(NULL, PAGE, both, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, writable);
	private = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	ASSERT_NE(MAP_FAILED, private);
	close(fd);

	ALL_BUT(FAMFS_OPT_WRITE);
	EXPECT_EQ(-EPERM, ERR(mprotect(readable, PAGE, both)));
	EXPECT_EQ(-EPERM, ERR(mprotect(readable, PAGE, PROT_WRITE)));
	EXPECT_EQ(0, ERR(mprotect(readable, PAGE, PROT_NONE)));
	EXPECT_EQ(-EPERM, ERR(mprotect(readable, PAGE, both)));
	EXPECT_EQ(0, ERR(mprotect(readable, PAGE, PROT_READ)));
	EXPECT_GT(0, ERR(madvise(readable, PAGE, MADV_POPULATE_WRITE)));
	EXPECT_EQ('f', readable[0]);
	/* One's own copy is nobody else's business. */
	EXPECT_EQ(0, ERR(mprotect(private, PAGE, both)));
	private[0] = 'x';
	EXPECT_TRUE(holds(ROOT "/mapped", "first"));

	writable[0] = 'F';
	EXPECT_EQ(0, ERR(mprotect(writable, PAGE, both)));
	EXPECT_EQ(0, ERR(madvise(writable, PAGE, MADV_POPULATE_WRITE)));
	writable[1] = 'I';
	EXPECT_TRUE(holds(ROOT "/mapped", "FIrst"));
	EXPECT_EQ(0, ERR(mprotect(writable, PAGE, PROT_READ)));
	EXPECT_EQ(-EPERM, ERR(mprotect(writable, PAGE, both)));

	/* Neither had lost more than the permission of the moment. */
	ONLY(FAMFS_OPT_WRITE);
	EXPECT_EQ(0, ERR(mprotect(readable, PAGE, both)));
	EXPECT_EQ(0, ERR(mprotect(writable, PAGE, both)));
	readable[2] = 'R';
	writable[3] = 'S';
	EXPECT_TRUE(holds(ROOT "/mapped", "FIRSt"));
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
