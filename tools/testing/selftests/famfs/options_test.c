// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Mount options and what they do, idmapped mounts, and file handles.
 */
#include <linux/capability.h>
#include <sys/syscall.h>

#include "famfs_harness.h"

static int mount_with(const char *options)
{
	return ERR(mount(device(), ROOT, "famfs", 0, options));
}

static int remount(unsigned long flags, const char *options)
{
	return ERR(mount(NULL, ROOT, NULL, MS_REMOUNT | flags, options));
}

/* Whether /proc/mounts shows this option for ROOT. */
static bool shown(const char *option)
{
	FILE *mounts = fopen("/proc/self/mounts", "re");
	char line[1024], options[512];
	size_t len = strlen(option);
	bool found = false;

	while (mounts && fgets(line, sizeof(line), mounts)) {
		if (sscanf(line, "%*s " ROOT " famfs %511s", options) != 1)
			continue;
		for (char *at = options; at; at = strchr(at, ',')) {
			at += *at == ',';
			found |= !strncmp(at, option, len) &&
				 strchr(",", at[len]);
		}
	}
	if (mounts)
		fclose(mounts);
	return found;
}

FIXTURE(options) {
};

FIXTURE_SETUP(options)
{
	umask(022);
	ASSERT_EQ(0, private_mounts());
}

FIXTURE_TEARDOWN_PARENT(options)
{
	EXPECT_CLEAN_LOG();
}

TEST_F(options, owner_of_the_root_directory)
{
	struct stat st;

	ASSERT_EQ(0, mount_with("uid=1234,gid=4321,mode=1770"));
	ASSERT_EQ(0, stat(ROOT, &st));
	EXPECT_EQ(1234, st.st_uid);
	EXPECT_EQ(4321, st.st_gid);
	EXPECT_EQ(S_IFDIR | 01770, st.st_mode);
	EXPECT_TRUE(shown("uid=1234"));
	EXPECT_TRUE(shown("gid=4321"));
	EXPECT_TRUE(shown("mode=1770"));
	EXPECT_TRUE(shown("dax=always"));
	EXPECT_TRUE(shown("rw"));
	EXPECT_FALSE(shown("coherent"));
	/* What is made in it is its maker's. */
	ASSERT_EQ(0, ERR(mkdir(ROOT "/file", 0755)));
	ASSERT_EQ(0, stat(ROOT "/file", &st));
	EXPECT_EQ(0, st.st_uid);
	EXPECT_EQ(0, st.st_gid);
	ASSERT_EQ(0, ERR(umount(ROOT)));
	/* The next mount is not told of the last. */
	ASSERT_EQ(0, mount_with("gid=7"));
	ASSERT_EQ(0, stat(ROOT, &st));
	EXPECT_EQ(0, st.st_uid);
	EXPECT_EQ(7, st.st_gid);
	EXPECT_EQ(S_IFDIR | 0755, st.st_mode);
	EXPECT_FALSE(shown("uid=0"));
	EXPECT_FALSE(shown("uid=1234"));
	EXPECT_TRUE(shown("gid=7"));
}

static int work_as_owner(void *arg)
{
	int fd;

	(void)arg;
	if (become_nobody())
		return -EPROTO;
	fd = create_empty(ROOT "/file");
	if (fd < 0)
		return fd;
	return ERR(mkdir(ROOT "/dir", 0700));
}

/* That is what the options are for. */
TEST_F(options, owner_may_work)
{
	struct stat st;

	ASSERT_EQ(0, mount_with("mode=0700"));
	EXPECT_EQ(-EACCES, in_child(work_as_owner, NULL));
	ASSERT_EQ(0, ERR(umount(ROOT)));
	ASSERT_EQ(0, mount_with("uid=65534,mode=0700"));
	EXPECT_EQ(0, in_child(work_as_owner, NULL));
	ASSERT_EQ(0, stat(ROOT "/file", &st));
	EXPECT_EQ(NOBODY, st.st_uid);
	ASSERT_EQ(0, ERR(umount(ROOT)));
	ASSERT_EQ(0, mount_with("gid=65534,mode=0770"));
	EXPECT_EQ(0, in_child(work_as_owner, NULL));
}

TEST_F(options, wrong_ones)
{
	static const char * const wrong[] = {
		"uid", "uid=", "uid=root", "uid=-1", "uid=4294967295",
		"uid=4294967296", "uid=1x", "gid", "gid=", "gid=wheel",
		"gid=-1", "gid=4294967295", "coherent=1", "coherent=no",
		"nocoherent=1", "coherence", "dax", "dax=never", "dax=inode",
		"nodax", "uid=1,gid=2,nonsense", "size=1m", "context",
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		EXPECT_EQ(-EINVAL, mount_with(wrong[i])) {
			TH_LOG("option '%s'", wrong[i]);
			umount(ROOT);
		}
	}
	EXPECT_EQ(0, mount_with(NULL));
}

TEST_F(options, remount_with_the_same)
{
	struct stat st;

	ASSERT_EQ(0, mount_with("uid=5,gid=6,mode=0711,coherent"));
	EXPECT_EQ(0, remount(0, "uid=5,gid=6,mode=0711,coherent,dax=always"));
	EXPECT_EQ(0, remount(0, NULL));
	EXPECT_EQ(0, remount(0, "uid=5"));
	EXPECT_EQ(0, remount(MS_RDONLY, NULL));
	EXPECT_TRUE(shown("ro"));
	EXPECT_EQ(0, remount(0, NULL));
	EXPECT_TRUE(shown("rw"));
	ASSERT_EQ(0, stat(ROOT, &st));
	EXPECT_EQ(5, st.st_uid);
	EXPECT_EQ(6, st.st_gid);
	EXPECT_EQ(S_IFDIR | 0711, st.st_mode);
	EXPECT_TRUE(shown("uid=5"));
	EXPECT_TRUE(shown("gid=6"));
	EXPECT_TRUE(shown("mode=0711"));
	EXPECT_TRUE(shown("coherent"));
}

/* What cannot be had is not taken in silence. */
TEST_F(options, remount_with_others)
{
	static const char * const others[] = {
		"uid=7", "gid=8", "mode=0700", "coherent", "uid=0,mode=0754",
		"nonsense", "uid=x", "dax=never",
	};
	struct stat st;

	ASSERT_EQ(0, mount_with(NULL));
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		EXPECT_EQ(-EINVAL, remount(0, others[i])) {
			TH_LOG("option '%s'", others[i]);
		}
		EXPECT_EQ(-EINVAL, remount(MS_RDONLY, others[i]));
	}
	EXPECT_TRUE(shown("rw"));
	EXPECT_FALSE(shown("coherent"));
	EXPECT_EQ(0, remount(0, "uid=0,gid=0,mode=0755,nocoherent"));
	ASSERT_EQ(0, stat(ROOT, &st));
	EXPECT_EQ(0, st.st_uid);
	EXPECT_EQ(0, st.st_gid);
	EXPECT_EQ(S_IFDIR | 0755, st.st_mode);
	ASSERT_EQ(0, ERR(umount(ROOT)));
	ASSERT_EQ(0, mount_with("coherent"));
	EXPECT_EQ(-EINVAL, remount(0, "nocoherent"));
	EXPECT_TRUE(shown("coherent"));
}

/* A read-only mount lets nothing in, by no way. */
TEST_F(options, read_only)
{
	struct span span = { .offset = 16 * MiB, .len = PAGE };
	int fd, dir;
	char *at;

	ASSERT_EQ(0, mount_with(NULL));
	dir = open(ROOT, O_RDONLY | O_DIRECTORY);
	ASSERT_LT(0, opts(dir, FAMFSIOC_SET_OPTS, FAMFS_OPTS_ALL));
	close(create_at(ROOT "/file", 2 * MiB, PMD));
	close(create_empty(ROOT "/empty"));
	ASSERT_EQ(0, remount(MS_RDONLY, NULL));
	EXPECT_EQ(-EROFS, create_empty(ROOT "/new"));
	EXPECT_EQ(-EROFS, ERR(mkdir(ROOT "/new", 0755)));
	EXPECT_EQ(-EROFS, ERR(symlink("file", ROOT "/new")));
	EXPECT_EQ(-EROFS, ERR(link(ROOT "/file", ROOT "/new")));
	EXPECT_EQ(-EROFS, ERR(mkfifo(ROOT "/new", 0600)));
	EXPECT_EQ(-EROFS, ERR(unlink(ROOT "/file")));
	EXPECT_EQ(-EROFS, ERR(rename(ROOT "/file", ROOT "/new")));
	EXPECT_EQ(-EROFS, ERR(chmod(ROOT "/file", 0600)));
	EXPECT_EQ(-EROFS, ERR(chown(ROOT "/file", 1, 1)));
	EXPECT_EQ(-EROFS, ERR(truncate(ROOT "/file", 0)));
	EXPECT_EQ(-EROFS, ERR(utimensat(AT_FDCWD, ROOT "/file", NULL, 0)));
	EXPECT_EQ(-EROFS, ERR(open(ROOT "/file", O_RDWR)));
	EXPECT_EQ(-EROFS, ERR(open(ROOT "/file", O_WRONLY | O_TRUNC)));
	fd = open(ROOT "/empty", O_RDONLY);
	EXPECT_EQ(-EBADF, map_create(fd, fmap_of(PAGE, &span, 1)));
	fd = open(ROOT "/file", O_RDONLY);
	EXPECT_EQ(-EACCES, ERR(mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				    MAP_SHARED, fd, 0)));
	at = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, at);
	EXPECT_EQ(-EACCES, ERR(mprotect(at, PAGE, PROT_READ | PROT_WRITE)));
	EXPECT_EQ(0, ERR(ioctl(dir, FAMFSIOC_NOP)));
}

/* Stores that are written back, and whether fsync(2) did so. */
static long written_back(int event, const char *name, __u64 offset)
{
	long before = event_count(event);
	char *at;
	int fd;

	fd = create_at(name, offset, PMD);
	at = mmap(NULL, PMD, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd < 0 || at == MAP_FAILED)
		return -1;
	at[0] = 1;
	if (fsync(fd) || msync(at, PMD, MS_SYNC) ||
	    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED))
		return -1;
	munmap(at, PMD);
	close(fd);
	return event_count(event) - before;
}

static void expect_coherent(struct __test_metadata *_metadata, int event,
			    const char *options, int want)
{
	char text[8] = "";
	long before;
	int fd;

	ASSERT_EQ(0, mount_with(options));
	EXPECT_EQ(want, written_back(event, ROOT "/a", 16 * MiB)) {
		TH_LOG("mounted with %s", options);
	}
	/* All else is as ever. */
	before = event_count(event);
	fd = open(ROOT "/a", O_RDWR | O_SYNC);
	EXPECT_EQ(5, pwrite(fd, "bytes", 5, 100));
	EXPECT_EQ(5, pread(fd, text, 5, 100));
	EXPECT_STREQ("bytes", text);
	/* Those went past the cache, and nothing else is to be written. */
	EXPECT_EQ(before, event_count(event));
	close(fd);
	ASSERT_EQ(0, ERR(umount(ROOT)));
}

TEST_F(options, coherent)
{
	int event = event_open("fs_dax/dax_writeback_one", NULL);
	int had = device_write_cache(device(), NULL);

	if (event < 0)
		SKIP(return, "no trace events of fs_dax: %s", strerror(-event));
	/* Not coherent, but persistent, or neither: as by default. */
	expect_coherent(_metadata, event, "coherent,nocoherent", 1);
	expect_coherent(_metadata, event, NULL, 1);
	if (had >= 0)
		ASSERT_EQ(0, device_write_cache(device(), "0"));
	expect_coherent(_metadata, event, NULL, 1);
	expect_coherent(_metadata, event, "coherent", 0);
	if (had < 0)
		return;
	EXPECT_EQ(0, device_write_cache(device(), NULL));
	ASSERT_EQ(0, device_write_cache(device(), "1"));
	expect_coherent(_metadata, event, "coherent", 1);
	EXPECT_EQ(1, device_write_cache(device(), NULL));
	EXPECT_EQ(0, device_write_cache(device(), had ? "1" : "0"));
}

/*
 * An idmapped mount: who is 0 .. 999 on the file system is 10000 .. 10999 to
 * who looks through it.
 */
#define SHIFT		10000

static int user_namespace(void)
{
	int ready[2], done[2], fd = -1, status;
	char path[64], byte;
	pid_t pid;

	if (pipe(ready) || pipe(done))
		return -errno;
	pid = fork();
	if (!pid) {
		status = unshare(CLONE_NEWUSER);
		if (write(ready[1], status ? "n" : "y", 1) != 1)
			_exit(1);
		close(done[1]);
		_exit(read(done[0], &byte, 1));
	}
	if (read(ready[0], &byte, 1) == 1 && byte == 'y') {
		snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
		status = write_text(path, "0 10000 1000");
		snprintf(path, sizeof(path), "/proc/%d/gid_map", pid);
		status = status ?: write_text(path, "0 10000 1000");
		snprintf(path, sizeof(path), "/proc/%d/ns/user", pid);
		fd = status ?: open(path, O_RDONLY | O_CLOEXEC);
	}
	close(done[1]);
	close(done[0]);
	waitpid(pid, &status, 0);
	return fd;
}

static int idmapped_mount(const char *from, const char *to, int namespace)
{
	struct mount_attr attr = {
		.attr_set = MOUNT_ATTR_IDMAP,
		.userns_fd = namespace,
	};
	int tree = open_tree(AT_FDCWD, from, OPEN_TREE_CLONE), err;

	if (tree < 0)
		return -errno;
	err = ERR(mount_setattr(tree, "", AT_EMPTY_PATH, &attr,
				sizeof(attr)));
	err = err ?: ERR(move_mount(tree, "", AT_FDCWD, to,
				    MOVE_MOUNT_F_EMPTY_PATH));
	close(tree);
	return err;
}

/* The owner by way of the mount, who is nobody without it. */
static int work_through(void *arg)
{
	const char *dir = arg;
	char path[128];
	int fd;

	if (setgid(SHIFT + 6) || setuid(SHIFT) || chdir(dir))
		return -errno;
	fd = create_empty("file");
	if (fd < 0)
		return fd;
	snprintf(path, sizeof(path), "%s/dir", dir);
	return ERR(mkdir(path, 0755));
}

TEST_F(options, idmapped_mount)
{
	struct stat st;
	int namespace = user_namespace(), fd;

	if (namespace < 0)
		SKIP(return, "no user namespace");
	ASSERT_EQ(0, mount_with("mode=0755"));
	fd = create_at(ROOT "/roots", 2 * MiB, PAGE);
	ASSERT_LE(0, fd);
	close(create_empty(ROOT "/fives"));
	ASSERT_EQ(0, ERR(chown(ROOT "/fives", 5, 6)));
	close(create_empty(ROOT "/far"));
	ASSERT_EQ(0, ERR(chown(ROOT "/far", 5000, 5000)));
	ASSERT_EQ(0, idmapped_mount(ROOT, ROOT2, namespace));

	/* Owners shown. */
	ASSERT_EQ(0, stat(ROOT2, &st));
	EXPECT_EQ(SHIFT, st.st_uid);
	ASSERT_EQ(0, stat(ROOT2 "/roots", &st));
	EXPECT_EQ(SHIFT, st.st_uid);
	EXPECT_EQ(SHIFT, st.st_gid);
	ASSERT_EQ(0, stat(ROOT2 "/fives", &st));
	EXPECT_EQ(SHIFT + 5, st.st_uid);
	EXPECT_EQ(SHIFT + 6, st.st_gid);
	ASSERT_EQ(0, stat(ROOT2 "/far", &st));
	EXPECT_EQ(65534, st.st_uid);
	ASSERT_EQ(0, stat(ROOT "/fives", &st));
	EXPECT_EQ(5, st.st_uid);

	/* Owners made: by who is one there, through it only. */
	EXPECT_EQ(-EACCES, in_child(work_through, ROOT));
	EXPECT_EQ(0, in_child(work_through, ROOT2));
	ASSERT_EQ(0, stat(ROOT "/file", &st));
	EXPECT_EQ(0, st.st_uid);
	EXPECT_EQ(6, st.st_gid);
	ASSERT_EQ(0, stat(ROOT2 "/file", &st));
	EXPECT_EQ(SHIFT, st.st_uid);
	ASSERT_EQ(0, stat(ROOT "/dir", &st));
	EXPECT_EQ(0, st.st_uid);
	/* Who is nobody there cannot own a file. */
	EXPECT_EQ(-EOVERFLOW, create_empty(ROOT2 "/new"));
	EXPECT_EQ(-EOVERFLOW, ERR(mkdir(ROOT2 "/new", 0755)));
	EXPECT_EQ(-ENOENT, ERR(access(ROOT "/new", F_OK)));

	/* Owners changed. */
	ASSERT_EQ(0, ERR(chown(ROOT2 "/roots", SHIFT + 7, SHIFT + 8)));
	ASSERT_EQ(0, stat(ROOT "/roots", &st));
	EXPECT_EQ(7, st.st_uid);
	EXPECT_EQ(8, st.st_gid);
	EXPECT_GT(0, ERR(chown(ROOT2 "/roots", 7, 8)));

	/* Data is data. */
	fd = open(ROOT2 "/roots", O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_EQ(1, pwrite(fd, "x", 1, 0));
	EXPECT_EQ(0, ERR(ioctl(fd, FAMFSIOC_NOP)));
}

/* File handles, as a file server or fanotify uses them. */
struct handle {
	struct file_handle head;
	unsigned char bytes[MAX_HANDLE_SZ];
};

static int handle_of(const char *path, struct handle *handle)
{
	int mount_id;

	memset(handle, 0, sizeof(*handle));
	handle->head.handle_bytes = MAX_HANDLE_SZ;
	return ERR(name_to_handle_at(AT_FDCWD, path, &handle->head, &mount_id,
				     0));
}

static int open_handle(int mount_fd, struct handle *handle, int flags)
{
	int fd = open_by_handle_at(mount_fd, &handle->head, flags);

	return fd < 0 ? -errno : fd;
}

TEST_F(options, file_handles)
{
	struct handle file, dir, root, wrong;
	struct stat st, other;
	char text[8] = "";
	int fd, top;

	ASSERT_EQ(0, mount_with(NULL));
	ASSERT_EQ(0, ERR(mkdir(ROOT "/dir", 0755)));
	fd = create_at(ROOT "/dir/file", 2 * MiB, PAGE);
	ASSERT_LE(0, fd);
	EXPECT_EQ(5, pwrite(fd, "bytes", 5, 0));
	ASSERT_EQ(0, fstat(fd, &st));
	close(fd);
	ASSERT_EQ(0, handle_of(ROOT "/dir/file", &file));
	ASSERT_EQ(0, handle_of(ROOT "/dir", &dir));
	ASSERT_EQ(0, handle_of(ROOT, &root));
	EXPECT_NE(0, memcmp(&file, &dir, sizeof(file)));

	top = open(ROOT, O_RDONLY | O_DIRECTORY);
	fd = open_handle(top, &file, O_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fstat(fd, &other));
	EXPECT_EQ(st.st_ino, other.st_ino);
	EXPECT_EQ(5, pread(fd, text, 5, 0));
	EXPECT_STREQ("bytes", text);
	close(fd);
	fd = open_handle(top, &dir, O_RDONLY | O_DIRECTORY);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, ERR(faccessat(fd, "file", F_OK, 0)));
	close(fd);
	fd = open_handle(top, &root, O_RDONLY | O_DIRECTORY);
	EXPECT_LE(0, fd);
	close(fd);

	/* A name is nothing to it, and a file that is gone is gone. */
	ASSERT_LT(0, opts(top, FAMFSIOC_SET_OPTS, FAMFS_OPTS_ALL));
	ASSERT_EQ(0, ERR(rename(ROOT "/dir/file", ROOT "/moved")));
	fd = open_handle(top, &file, O_RDONLY);
	EXPECT_LE(0, fd);
	close(fd);
	wrong = file;
	for (unsigned int i = 0; i < file.head.handle_bytes; i++) {
		wrong.bytes[i] ^= 0x40;
		EXPECT_EQ(-ESTALE, open_handle(top, &wrong, O_RDONLY));
		wrong.bytes[i] ^= 0x40;
	}
	ASSERT_EQ(0, ERR(unlink(ROOT "/moved")));
	EXPECT_EQ(-ESTALE, open_handle(top, &file, O_RDONLY));
	ASSERT_EQ(0, ERR(rmdir(ROOT "/dir")));
	EXPECT_EQ(-ESTALE, open_handle(top, &dir, O_RDONLY | O_DIRECTORY));
}

/* A handle of one mount is none of the next. */
TEST_F(options, file_handles_of_an_older_mount)
{
	struct handle file, again;
	int fd, top;

	ASSERT_EQ(0, mount_with(NULL));
	fd = create_empty(ROOT "/file");
	ASSERT_LE(0, fd);
	close(fd);
	ASSERT_EQ(0, handle_of(ROOT "/file", &file));
	ASSERT_EQ(0, ERR(umount(ROOT)));
	ASSERT_EQ(0, mount_with(NULL));
	fd = create_empty(ROOT "/file");
	ASSERT_LE(0, fd);
	close(fd);
	ASSERT_EQ(0, handle_of(ROOT "/file", &again));
	top = open(ROOT, O_RDONLY | O_DIRECTORY);
	EXPECT_EQ(-ESTALE, open_handle(top, &file, O_RDONLY));
	fd = open_handle(top, &again, O_RDONLY);
	EXPECT_LE(0, fd);
}

static int open_handle_as_nobody(void *arg)
{
	int top = open(ROOT, O_RDONLY | O_DIRECTORY);

	return become_nobody() ?: open_handle(top, arg, O_RDONLY);
}

TEST_F(options, file_handles_need_a_capability)
{
	struct handle file;

	ASSERT_EQ(0, mount_with(NULL));
	ASSERT_LE(0, create_empty(ROOT "/file"));
	ASSERT_EQ(0, handle_of(ROOT "/file", &file));
	EXPECT_EQ(-EPERM, in_child(open_handle_as_nobody, &file));
}

/* What is shown is what is so, and not what was once asked for */
TEST_F(options, of_the_root_directory_as_it_is)
{
	ASSERT_EQ(0, ERR(mount(device(), ROOT, "famfs", 0, "mode=0711,uid=5")));
	EXPECT_TRUE(shown("mode=0711"));
	EXPECT_TRUE(shown("uid=5"));
	ASSERT_EQ(0, ERR(chmod(ROOT, 01777)));
	ASSERT_EQ(0, ERR(chown(ROOT, 0, 9)));
	EXPECT_TRUE(shown("mode=1777"));
	EXPECT_FALSE(shown("mode=0711"));
	EXPECT_FALSE(shown("uid=5"));
	EXPECT_TRUE(shown("gid=9"));
	/* So a remount repeats that, as mount(8) does */
	EXPECT_EQ(0, remount(0, "mode=1777,gid=9"));
	EXPECT_EQ(-EINVAL, remount(0, "mode=0711"));
	EXPECT_EQ(-EINVAL, remount(0, "uid=5"));
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
