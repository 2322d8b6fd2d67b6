// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Names: what may be made and what not, who owns it, what the times of
 * directories say, and that what is refused changes nothing.
 */
#include <dirent.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <linux/stat.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>

#include "famfs_harness.h"

#define OLD_TIME	1000000000

/* Every entry below ROOT with what it is, in one string: for comparisons. */
static void list_tree(const char *dir, char *list, size_t size)
{
	struct dirent **entries;
	char path[4096];
	struct stat st;
	size_t at;
	int n;

	n = scandir(dir, &entries, NULL, alphasort);
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, entries[i]->d_name);
		if (strcmp(entries[i]->d_name, "..") && !lstat(path, &st)) {
			at = strlen(list);
			snprintf(list + at, size - at,
				 "%s %llu %o %lld nlink %llu\n", path,
				 (unsigned long long)st.st_ino, st.st_mode,
				 (long long)st.st_size,
				 (unsigned long long)st.st_nlink);
			if (S_ISDIR(st.st_mode) && entries[i]->d_name[0] != '.')
				list_tree(path, list, size);
		}
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

static int make_old(const char *path)
{
	const struct timespec times[2] = { { OLD_TIME, 0 }, { OLD_TIME, 0 } };

	return ERR(utimensat(AT_FDCWD, path, times, 0));
}

/* Whether both times of a directory have moved on from OLD_TIME. */
static bool touched(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return false;
	return st.st_mtim.tv_sec > OLD_TIME &&
	       st.st_ctim.tv_sec > OLD_TIME &&
	       st.st_atim.tv_sec == OLD_TIME;
}

FIXTURE(names) {
};

FIXTURE_SETUP(names)
{
	umask(022);
	ASSERT_EQ(0, private_mounts());
	ASSERT_EQ(0, mount_famfs());
}

FIXTURE_TEARDOWN_PARENT(names)
{
	EXPECT_CLEAN_LOG();
}

/* A file with a map, one without, and directories. */
FIXTURE(tree) {
	char before[8192];
	char after[8192];
};

FIXTURE_SETUP(tree)
{
	int fd;

	umask(022);
	ASSERT_EQ(0, private_mounts());
	ASSERT_EQ(0, mount_famfs());
	fd = create_at(ROOT "/mapped", 2 * MiB, 2 * MiB);
	ASSERT_LE(0, fd);
	close(fd);
	fd = create_at(ROOT "/mapped2", 4 * MiB, PAGE + 1);
	ASSERT_LE(0, fd);
	close(fd);
	fd = create_empty(ROOT "/unmapped");
	ASSERT_LE(0, fd);
	close(fd);
	ASSERT_EQ(0, ERR(mkdir(ROOT "/empty", 0755)));
	ASSERT_EQ(0, ERR(mkdir(ROOT "/empty2", 0755)));
	ASSERT_EQ(0, ERR(mkdir(ROOT "/full", 0755)));
	fd = create_at(ROOT "/full/mapped3", 6 * MiB, PAGE);
	ASSERT_LE(0, fd);
	close(fd);
	list_tree(ROOT, self->before, sizeof(self->before));
}

/* Most tests try what is refused, so the tree must be what it was. */
FIXTURE_TEARDOWN_PARENT(tree)
{
	EXPECT_STREQ(self->before, self->after);
	EXPECT_STRNE("", self->before);
	EXPECT_CLEAN_LOG();
}

#define UNCHANGED() list_tree(ROOT, self->after, sizeof(self->after))

TEST_F(tree, mknod_is_refused)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX,
		.sun_path = ROOT "/new" };
	int fd;

	EXPECT_EQ(-EPERM, ERR(mknod(ROOT "/new", S_IFIFO | 0600, 0)));
	EXPECT_EQ(-EPERM, ERR(mknod(ROOT "/new", S_IFCHR | 0600,
				    makedev(1, 3))));
	EXPECT_EQ(-EPERM, ERR(mknod(ROOT "/new", S_IFBLK | 0600,
				    makedev(7, 0))));
	EXPECT_EQ(-EPERM, ERR(mknod(ROOT "/new", S_IFSOCK | 0600, 0)));
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EPERM, ERR(bind(fd, (void *)&name, sizeof(name))));
	UNCHANGED();
}

TEST_F(tree, symlink_is_refused)
{
	EXPECT_EQ(-EPERM, ERR(symlink("mapped", ROOT "/new")));
	EXPECT_EQ(-EEXIST, ERR(symlink("mapped", ROOT "/mapped2")));
	UNCHANGED();
}

TEST_F(tree, link_is_refused)
{
	char fd_path[64];
	int fd;

	EXPECT_EQ(-EPERM, ERR(link(ROOT "/mapped", ROOT "/new")));
	EXPECT_EQ(-EPERM, ERR(link(ROOT "/unmapped", ROOT "/new")));
	EXPECT_EQ(-EPERM, ERR(link(ROOT "/mapped", ROOT "/empty/new")));
	EXPECT_EQ(-EPERM, ERR(link(ROOT "/empty", ROOT "/new")));
	fd = open(ROOT "/mapped", O_RDONLY);
	ASSERT_LE(0, fd);
	snprintf(fd_path, sizeof(fd_path), "/proc/self/fd/%d", fd);
	EXPECT_EQ(-EPERM, ERR(linkat(AT_FDCWD, fd_path, AT_FDCWD, ROOT "/new",
				     AT_SYMLINK_FOLLOW)));
	EXPECT_EQ(-EPERM, ERR(linkat(fd, "", AT_FDCWD, ROOT "/new",
				     AT_EMPTY_PATH)));
	UNCHANGED();
}

TEST_F(tree, unlink_of_a_mapped_file_is_refused)
{
	EXPECT_EQ(-EPERM, ERR(unlink(ROOT "/mapped")));
	EXPECT_EQ(-EPERM, ERR(unlink(ROOT "/full/mapped3")));
	EXPECT_EQ(-EISDIR, ERR(unlink(ROOT "/empty")));
	EXPECT_EQ(-ENOENT, ERR(unlink(ROOT "/nothing")));
	UNCHANGED();
}

TEST_F(tree, rmdir_is_refused)
{
	EXPECT_EQ(-EPERM, ERR(rmdir(ROOT "/empty")));
	EXPECT_NE(0, ERR(rmdir(ROOT "/full")));
	EXPECT_EQ(-ENOTDIR, ERR(rmdir(ROOT "/mapped")));
	UNCHANGED();
}

/* By no flag, and over no victim: that would be an unlink by another name. */
TEST_F(tree, rename_is_refused)
{
	static const char * const names[] = {
		"mapped", "mapped2", "unmapped", "empty", "empty2", "full",
		"full/mapped3", "new", "empty/new",
	};
	static const unsigned int flags[] = {
		0, RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT,
	};
	char from[64], to[64];

	EXPECT_EQ(-EPERM, ERR(rename(ROOT "/mapped", ROOT "/new")));
	EXPECT_EQ(-EPERM, ERR(rename(ROOT "/unmapped", ROOT "/new")));
	EXPECT_EQ(-EPERM, ERR(rename(ROOT "/empty", ROOT "/new")));
	EXPECT_EQ(-EPERM, ERR(rename(ROOT "/unmapped", ROOT "/mapped")));
	EXPECT_EQ(-EPERM, ERR(rename(ROOT "/mapped", ROOT "/unmapped")));
	EXPECT_EQ(-EPERM, ERR(rename(ROOT "/empty", ROOT "/empty2")));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(names); j++) {
			/* To itself is a success that does nothing. */
			if (i == j)
				continue;
			snprintf(from, sizeof(from), ROOT "/%s", names[i]);
			snprintf(to, sizeof(to), ROOT "/%s", names[j]);
			for (size_t k = 0; k < ARRAY_SIZE(flags); k++) {
				EXPECT_GT(0, ERR(renameat2(AT_FDCWD, from,
							   AT_FDCWD, to,
							   flags[k]))) {
					TH_LOG("%s to %s, flags %u", from, to,
					       flags[k]);
				}
			}
		}
	}
	UNCHANGED();
}

TEST_F(tree, truncate_is_refused)
{
	unsigned char page[PAGE], again[PAGE];
	int fd;

	fill(page, sizeof(page), 1);
	fd = open(ROOT "/mapped", O_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_EQ(PAGE, pwrite(fd, page, PAGE, 0));
	EXPECT_EQ(-EPERM, ERR(open(ROOT "/mapped", O_RDWR | O_TRUNC)));
	EXPECT_EQ(-EPERM, ERR(open(ROOT "/mapped", O_RDONLY | O_TRUNC)));
	EXPECT_EQ(-EPERM, ERR(creat(ROOT "/mapped", 0644)));
	EXPECT_EQ(-EPERM, ERR(truncate(ROOT "/mapped", 0)));
	EXPECT_EQ(-EPERM, ERR(truncate(ROOT "/mapped", 1)));
	EXPECT_EQ(-EPERM, ERR(truncate(ROOT "/mapped", 4 * MiB)));
	EXPECT_EQ(-EPERM, ERR(ftruncate(fd, 0)));
	EXPECT_EQ(-EPERM, ERR(ftruncate(fd, PAGE)));
	EXPECT_EQ(-EPERM, ERR(ftruncate(fd, 1LL << 40)));
	EXPECT_EQ(-EINVAL, ERR(ftruncate(fd, -1)));
	/* A size without memory would be as wrong. */
	EXPECT_EQ(-EPERM, ERR(truncate(ROOT "/unmapped", PAGE)));
	ASSERT_EQ(PAGE, pread(fd, again, PAGE, 0));
	EXPECT_EQ(-1, first_difference(page, again, PAGE));
	UNCHANGED();
}

TEST_F(tree, allocation_is_refused)
{
	static const int modes[] = {
		0, FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		FALLOC_FL_ZERO_RANGE, FALLOC_FL_COLLAPSE_RANGE,
		FALLOC_FL_INSERT_RANGE, FALLOC_FL_UNSHARE_RANGE,
	};
	unsigned char page[PAGE], again[PAGE];
	int fd, other;

	fill(page, sizeof(page), 2);
	fd = open(ROOT "/mapped", O_RDWR);
	other = open(ROOT "/mapped2", O_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_LE(0, other);
	ASSERT_EQ(PAGE, pwrite(fd, page, PAGE, 0));
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		EXPECT_EQ(-EOPNOTSUPP, ERR(fallocate(fd, modes[i], 0, PAGE))) {
			TH_LOG("mode %#x", modes[i]);
		}
	}
	EXPECT_EQ(-EOPNOTSUPP, ERR(ioctl(fd, FICLONE, other)));
	ASSERT_EQ(PAGE, pread(fd, again, PAGE, 0));
	EXPECT_EQ(-1, first_difference(page, again, PAGE));
	UNCHANGED();
}

TEST_F(tree, other_ways_to_make_files)
{
	EXPECT_EQ(-EOPNOTSUPP, ERR(open(ROOT, O_TMPFILE | O_RDWR, 0600)));
	EXPECT_EQ(-EEXIST, ERR(open(ROOT "/mapped", O_CREAT | O_EXCL | O_RDWR,
				    0600)));
	EXPECT_EQ(-EEXIST, ERR(mkdir(ROOT "/mapped", 0700)));
	EXPECT_EQ(-EEXIST, ERR(mkdir(ROOT "/empty", 0700)));
	EXPECT_EQ(-ENOTDIR, ERR(mkdir(ROOT "/mapped/new", 0700)));
	EXPECT_EQ(-ENOTDIR, ERR(open(ROOT "/mapped", O_DIRECTORY | O_RDONLY)));
	EXPECT_EQ(-EISDIR, ERR(open(ROOT "/empty", O_RDWR)));
	EXPECT_EQ(-EISDIR, ERR(open(ROOT "/empty", O_RDWR | O_CREAT, 0600)));
	UNCHANGED();
}

TEST_F(tree, no_extended_attributes)
{
	char value[16];

	EXPECT_EQ(-EOPNOTSUPP, ERR(setxattr(ROOT "/mapped", "user.a", "1", 1,
					    0)));
	EXPECT_EQ(-EOPNOTSUPP, ERR(setxattr(ROOT "/mapped", "trusted.a", "1",
					    1, 0)));
	EXPECT_EQ(-EOPNOTSUPP, ERR(getxattr(ROOT "/mapped", "user.a", value,
					    sizeof(value))));
	UNCHANGED();
}

/* Nothing but memory pressure, and nothing is forgotten. */
TEST_F(tree, names_survive_memory_pressure)
{
	for (int i = 0; i < 5; i++) {
		ASSERT_EQ(0, write_text("/proc/sys/vm/drop_caches", "3"));
		ASSERT_EQ(0, write_text("/proc/sys/vm/drop_caches", "2"));
	}
	UNCHANGED();
}

static int work_in_tree(void *arg)
{
	int err = become_nobody();

	(void)arg;
	if (err)
		return err;
	if (create_empty(ROOT "/new") != -EACCES ||
	    ERR(mkdir(ROOT "/new", 0777)) != -EACCES ||
	    ERR(unlink(ROOT "/unmapped")) != -EACCES ||
	    ERR(open(ROOT "/mapped", O_RDWR)) != -EACCES ||
	    ERR(chmod(ROOT "/mapped", 0666)) != -EPERM ||
	    ERR(chown(ROOT "/mapped", NOBODY, NOBODY)) != -EPERM ||
	    make_old(ROOT "/mapped") != -EPERM ||
	    ERR(open(ROOT "/mapped", O_RDONLY)) != 0)
		return -EPROTO;
	return 0;
}

TEST_F(tree, modes_are_heeded)
{
	EXPECT_EQ(0, in_child(work_in_tree, NULL));
	UNCHANGED();
}

TEST_F(names, umask_is_heeded)
{
	struct stat st;
	int fd;

	umask(027);
	fd = open(ROOT "/file", O_RDWR | O_CREAT | O_EXCL, 0666);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(S_IFREG | 0640, st.st_mode);
	EXPECT_EQ(0, st.st_size);
	EXPECT_EQ(1, st.st_nlink);
	ASSERT_EQ(0, ERR(mkdir(ROOT "/dir", 0777)));
	ASSERT_EQ(0, stat(ROOT "/dir", &st));
	EXPECT_EQ(S_IFDIR | 0750, st.st_mode);
	umask(0);
	fd = open(ROOT "/all", O_RDWR | O_CREAT | O_EXCL, 0777);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(S_IFREG | 0777, st.st_mode);
}

TEST_F(names, set_group_id_directories)
{
	struct stat st;
	int fd;

	ASSERT_EQ(0, ERR(mkdir(ROOT "/group", 0775)));
	ASSERT_EQ(0, ERR(chown(ROOT "/group", 1, 1234)));
	ASSERT_EQ(0, ERR(chmod(ROOT "/group", 02775)));
	ASSERT_EQ(0, stat(ROOT "/group", &st));
	EXPECT_EQ(S_IFDIR | 02775, st.st_mode);
	EXPECT_EQ(1, st.st_uid);
	EXPECT_EQ(1234, st.st_gid);

	fd = create_empty(ROOT "/group/file");
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(0, st.st_uid);
	EXPECT_EQ(1234, st.st_gid);
	EXPECT_EQ(S_IFREG | 0644, st.st_mode);
	ASSERT_EQ(0, ERR(mkdir(ROOT "/group/dir", 0755)));
	ASSERT_EQ(0, stat(ROOT "/group/dir", &st));
	EXPECT_EQ(1234, st.st_gid);
	EXPECT_EQ(S_IFDIR | 02755, st.st_mode);

	ASSERT_EQ(0, ERR(mkdir(ROOT "/plain", 0755)));
	ASSERT_EQ(0, stat(ROOT "/plain", &st));
	EXPECT_EQ(0, st.st_gid);
	EXPECT_EQ(S_IFDIR | 0755, st.st_mode);
}

/* Who is not of the group cannot get a set-group-ID program of that group. */
static int create_set_group_id(void *arg)
{
	struct stat st;
	int fd, err;

	(void)arg;
	umask(0);
	err = become_nobody();
	if (err)
		return err;
	fd = open(ROOT "/group/prog", O_RDWR | O_CREAT | O_EXCL, 02775);
	if (fd < 0 || fstat(fd, &st))
		return -errno;
	if (st.st_gid != 1234 || st.st_uid != NOBODY)
		return -EPROTO;
	return st.st_mode & S_ISGID ? -EPROTOTYPE : 0;
}

TEST_F(names, set_group_id_needs_the_group)
{
	ASSERT_EQ(0, ERR(mkdir(ROOT "/group", 0777)));
	ASSERT_EQ(0, ERR(chown(ROOT "/group", 0, 1234)));
	ASSERT_EQ(0, ERR(chmod(ROOT "/group", 02777)));
	EXPECT_EQ(0, in_child(create_set_group_id, NULL));
}

static int own_in_sticky(void *arg)
{
	int err = become_nobody();
	int fd;

	(void)arg;
	if (err)
		return err;
	fd = create_empty(ROOT "/sticky/own");
	if (fd < 0)
		return fd;
	if (ERR(unlink(ROOT "/sticky/roots")) != -EPERM)
		return -EPROTO;
	return ERR(unlink(ROOT "/sticky/own"));
}

TEST_F(names, sticky_directories)
{
	ASSERT_EQ(0, ERR(mkdir(ROOT "/sticky", 0755)));
	ASSERT_EQ(0, ERR(chmod(ROOT "/sticky", 01777)));
	ASSERT_LE(0, create_empty(ROOT "/sticky/roots"));
	EXPECT_EQ(0, in_child(own_in_sticky, NULL));
	EXPECT_EQ(0, ERR(access(ROOT "/sticky/roots", F_OK)));
	EXPECT_EQ(-ENOENT, ERR(access(ROOT "/sticky/own", F_OK)));
}

TEST_F(names, directory_times)
{
	int fd;

	ASSERT_EQ(0, ERR(mkdir(ROOT "/dir", 0755)));
	ASSERT_EQ(0, make_old(ROOT "/dir"));
	fd = create_empty(ROOT "/dir/file");
	ASSERT_LE(0, fd);
	close(fd);
	EXPECT_TRUE(touched(ROOT "/dir"));
	ASSERT_EQ(0, make_old(ROOT "/dir"));
	ASSERT_EQ(0, ERR(mkdir(ROOT "/dir/dir", 0755)));
	EXPECT_TRUE(touched(ROOT "/dir"));
	ASSERT_EQ(0, make_old(ROOT "/dir"));
	ASSERT_EQ(0, ERR(unlink(ROOT "/dir/file")));
	EXPECT_TRUE(touched(ROOT "/dir"));

	/* What fails has not happened. */
	ASSERT_EQ(0, make_old(ROOT "/dir"));
	EXPECT_EQ(-EPERM, ERR(rmdir(ROOT "/dir/dir")));
	EXPECT_EQ(-EPERM, ERR(symlink("x", ROOT "/dir/x")));
	EXPECT_FALSE(touched(ROOT "/dir"));
}

TEST_F(names, times_modes_and_owners_can_be_set)
{
	struct stat before, st;
	int fd;

	fd = create_at(ROOT "/file", 2 * MiB, PAGE);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, make_old(ROOT "/file"));
	ASSERT_EQ(0, fstat(fd, &before));
	EXPECT_EQ(OLD_TIME, before.st_mtime);
	EXPECT_EQ(OLD_TIME, before.st_atime);
	EXPECT_LT(OLD_TIME, before.st_ctime);
	ASSERT_EQ(0, ERR(fchmod(fd, 04711)));
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(S_IFREG | 04711, st.st_mode);
	/* chown takes the set-user-ID bit away. */
	ASSERT_EQ(0, ERR(fchown(fd, 7, 8)));
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(7, st.st_uid);
	EXPECT_EQ(8, st.st_gid);
	EXPECT_EQ(S_IFREG | 0711, st.st_mode);
	EXPECT_EQ(PAGE, st.st_size);
}

TEST_F(names, unmapped_files_can_be_unlinked)
{
	struct span span = { .offset = 2 * MiB, .len = 2 * MiB };
	struct fmap *map = fmap_of(2 * MiB, &span, 1);
	struct statfs before, after;
	int fd, err;

	ASSERT_EQ(0, statfs(ROOT, &before));
	fd = create_empty(ROOT "/file");
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, ERR(unlink(ROOT "/file")));
	EXPECT_EQ(-ENOENT, ERR(access(ROOT "/file", F_OK)));

	/* Open still. If it takes a map now, that ends with it. */
	err = map_create(fd, map);
	EXPECT_TRUE(err == 0 || err == -ENOENT || err == -ESTALE ||
		    err == -EPERM) {
		TH_LOG("MAP_CREATE on an unlinked file: %d", err);
	}
	if (!err) {
		EXPECT_EQ(1, pwrite(fd, "x", 1, 0)) {
			TH_LOG("the map is of no use");
		}
	}
	close(fd);
	ASSERT_EQ(0, statfs(ROOT, &after));
	EXPECT_EQ(before.f_bfree, after.f_bfree);
	fd = create_empty(ROOT "/file");
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, map_create(fd, map));
}

TEST_F(names, links_of_directories)
{
	struct stat st;
	nlink_t root;

	ASSERT_EQ(0, stat(ROOT, &st));
	root = st.st_nlink;
	EXPECT_EQ(2, root);
	ASSERT_EQ(0, ERR(mkdir(ROOT "/a", 0755)));
	ASSERT_EQ(0, ERR(mkdir(ROOT "/a/b", 0755)));
	ASSERT_EQ(0, ERR(mkdir(ROOT "/a/c", 0755)));
	ASSERT_LE(0, create_empty(ROOT "/a/file"));
	ASSERT_EQ(0, stat(ROOT "/a", &st));
	EXPECT_EQ(4, st.st_nlink);
	ASSERT_EQ(0, stat(ROOT "/a/b", &st));
	EXPECT_EQ(2, st.st_nlink);
	ASSERT_EQ(0, stat(ROOT, &st));
	EXPECT_EQ(root + 1, st.st_nlink);
}

TEST_F(names, long_names)
{
	char path[sizeof(ROOT) + 1 + 256 + 1] = ROOT "/";
	size_t start = strlen(path);

	memset(path + start, 'n', 256);
	EXPECT_EQ(-ENAMETOOLONG, create_empty(path));
	EXPECT_EQ(-ENAMETOOLONG, ERR(mkdir(path, 0755)));
	EXPECT_EQ(-ENAMETOOLONG, ERR(access(path, F_OK)));
	path[start + 255] = '\0';
	EXPECT_LE(0, create_empty(path));
	EXPECT_EQ(0, ERR(access(path, F_OK)));
	/* Bytes are bytes. */
	EXPECT_LE(0, create_empty(ROOT "/\n\xff\x01 \\"));
	EXPECT_EQ(0, ERR(access(ROOT "/\n\xff\x01 \\", F_OK)));
}

TEST_F(names, many_entries_are_all_listed_once)
{
	const int n = 1000;
	char path[64], seen[1000] = "";
	struct dirent *entry;
	int fd, index, others = 0;
	ino_t inodes[1000];
	DIR *dir;

	for (int i = 0; i < n; i++) {
		struct stat st;

		snprintf(path, sizeof(path), ROOT "/%d", i);
		fd = create_empty(path);
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, fstat(fd, &st));
		inodes[i] = st.st_ino;
		close(fd);
	}
	dir = opendir(ROOT);
	ASSERT_NE(NULL, dir);
	while ((entry = readdir(dir))) {
		if (sscanf(entry->d_name, "%d", &index) != 1) {
			others++;
			continue;
		}
		ASSERT_LT(-1, index);
		ASSERT_LT(index, n);
		seen[index]++;
		EXPECT_EQ(inodes[index], entry->d_ino);
		EXPECT_EQ(DT_REG, entry->d_type);
	}
	closedir(dir);
	EXPECT_EQ(2, others);
	for (int i = 0; i < n; i++) {
		EXPECT_EQ(1, seen[i]);
		for (int j = 0; j < i; j++)
			ASSERT_NE(inodes[i], inodes[j]);
	}
}

/* A name is looked for in vain, and then made: the failure is not kept. */
TEST_F(names, absent_then_made)
{
	EXPECT_EQ(-ENOENT, ERR(access(ROOT "/later", F_OK)));
	EXPECT_EQ(-ENOENT, ERR(open(ROOT "/later", O_RDWR)));
	ASSERT_LE(0, create_empty(ROOT "/later"));
	EXPECT_EQ(0, ERR(access(ROOT "/later", F_OK)));
	ASSERT_EQ(0, ERR(unlink(ROOT "/later")));
	EXPECT_EQ(-ENOENT, ERR(access(ROOT "/later", F_OK)));
	ASSERT_EQ(0, ERR(mkdir(ROOT "/later", 0755)));
	EXPECT_EQ(-EISDIR, ERR(open(ROOT "/later", O_RDWR)));
}

/* Nobody reads a log that has a line for every file. */
TEST_F(names, use_is_not_logged)
{
	int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	char path[64], record[8192];
	struct stat st;
	ssize_t len;
	int fd;

	ASSERT_LE(0, log);
	ASSERT_EQ(0, lseek(log, 0, SEEK_END));
	for (int i = 0; i < 50; i++) {
		snprintf(path, sizeof(path), ROOT "/%d", i);
		EXPECT_EQ(-ENOENT, ERR(stat(path, &st)));
		fd = create_at(path, 2 * MiB + i * PAGE, PAGE);
		ASSERT_LE(0, fd);
		EXPECT_EQ(0, ERR(stat(path, &st)));
		EXPECT_EQ(1, pwrite(fd, "x", 1, 0));
		close(fd);
		EXPECT_EQ(-EPERM, ERR(unlink(path)));
		EXPECT_EQ(-EEXIST, create_at(path, 2 * MiB, PAGE));
	}
	EXPECT_EQ(-EADDRINUSE, create_at(ROOT "/more", 2 * MiB, PAGE));
	EXPECT_EQ(-EINVAL, create_at(ROOT "/odd", 2 * MiB + 1, PAGE));
	while ((len = read(log, record, sizeof(record) - 1)) > 0) {
		record[len] = '\0';
		EXPECT_EQ(NULL, strstr(record, "famfs")) {
			TH_LOG("%s", record);
		}
	}
}

struct racer {
	pthread_barrier_t *start;
	int result;
};

static void *create_same_name(void *arg)
{
	struct racer *racer = arg;

	pthread_barrier_wait(racer->start);
	racer->result = create_empty(ROOT "/contended");
	return NULL;
}

TEST_F(names, one_of_many_creates_a_name)
{
	pthread_barrier_t start;
	struct racer racers[8];
	pthread_t threads[8];
	int winners;

	for (int round = 0; round < 50; round++) {
		pthread_barrier_init(&start, NULL, ARRAY_SIZE(racers));
		for (size_t i = 0; i < ARRAY_SIZE(racers); i++) {
			racers[i].start = &start;
			ASSERT_EQ(0, pthread_create(&threads[i], NULL,
						    create_same_name,
						    &racers[i]));
		}
		winners = 0;
		for (size_t i = 0; i < ARRAY_SIZE(racers); i++) {
			pthread_join(threads[i], NULL);
			if (racers[i].result >= 0) {
				winners++;
				close(racers[i].result);
			} else {
				EXPECT_EQ(-EEXIST, racers[i].result);
			}
		}
		pthread_barrier_destroy(&start);
		ASSERT_EQ(1, winners);
		ASSERT_EQ(0, ERR(unlink(ROOT "/contended")));
	}
}

#define WATCHED	5000

static _Atomic int making;	/* number of the name that is being made */

/* Whether it is there, and is not what it will be. */
static bool seen_incomplete(int number)
{
	/* By what is cached: so it waits not for the directory's lock. */
	const struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_CACHED,
	};
	struct stat st;
	char path[64];
	int fd, err;

	snprintf(path, sizeof(path), ROOT "/group/%d", number);
	fd = syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
	if (fd < 0)
		return errno != ENOENT && errno != EAGAIN;
	err = fstat(fd, &st);
	close(fd);
	if (err || st.st_uid || st.st_gid != 1234 || !st.st_mtime)
		return true;
	if (number % 2)
		return st.st_mode != (S_IFDIR | 02750) || st.st_nlink != 2;
	return st.st_mode != (S_IFREG | 0640) || st.st_nlink != 1;
}

static void *watch(void *arg)
{
	long *wrong = arg;
	int number;

	while ((number = making) < WATCHED)
		*wrong += seen_incomplete(number);
	return NULL;
}

TEST_F(names, is_seen_complete_or_not_at_all)
{
	pthread_t watcher;
	char path[64];
	long wrong = 0;
	int fd;

	umask(027);
	ASSERT_EQ(0, ERR(mkdir(ROOT "/group", 0775)));
	ASSERT_EQ(0, ERR(chown(ROOT "/group", 0, 1234)));
	ASSERT_EQ(0, ERR(chmod(ROOT "/group", 02775)));
	ASSERT_EQ(0, pthread_create(&watcher, NULL, watch, &wrong));
	for (; making < WATCHED; making++) {
		snprintf(path, sizeof(path), ROOT "/group/%d", making);
		if (making % 2) {
			ASSERT_EQ(0, ERR(mkdir(path, 0777)));
			continue;
		}
		fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0666);
		ASSERT_LE(0, fd);
		close(fd);
	}
	pthread_join(watcher, NULL);
	EXPECT_EQ(0, wrong);
}

TEST_F(names, statx_tells_of_dax)
{
	struct statx sx;
	struct stat st;
	int fd;

	fd = create_at(ROOT "/file", 2 * MiB, 2 * PAGE + 1);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ERR(statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS,
			       &sx)));
	EXPECT_EQ(STATX_ATTR_DAX, sx.stx_attributes & STATX_ATTR_DAX);
	EXPECT_EQ(2 * PAGE + 1, sx.stx_size);
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(2 * PAGE + 1, st.st_size);
	/* What it takes of the device, as statfs has it. */
	EXPECT_EQ(3 * PAGE / 512, st.st_blocks);
	fd = create_empty(ROOT "/empty");
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fstat(fd, &st));
	EXPECT_EQ(0, st.st_blocks);
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
