// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Mounting and unmounting: what may be mounted, by whom, with which options,
 * what is said when it fails, and that a device comes free again.
 */
#include <glob.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/loop.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/vfs.h>

#include "famfs_harness.h"

#define LOG_SIZE	4096

static int mount_at(const char *source, const char *dir, const char *options)
{
	return ERR(mount(source, dir, "famfs", 0, options));
}

/* All messages of a file system context, a line for each. */
static void read_log(int context, char *log)
{
	size_t at = 0;
	ssize_t len;

	while (at < LOG_SIZE - 2) {
		len = read(context, log + at, LOG_SIZE - 2 - at);
		if (len <= 0)
			break;
		at += len;
		log[at++] = '\n';
	}
	log[at] = '\0';
}

/*
 * Make a file system with the mount API, and drop it again.
 * @source, @key and @value may be NULL; so may @value alone, for a flag.
 */
static int try_create(const char *source, const char *key, const char *value,
		      char *log)
{
	int context = fsopen("famfs", FSOPEN_CLOEXEC);
	int err = 0;

	if (context < 0)
		return -errno;
	if (source)
		err = ERR(fsconfig(context, FSCONFIG_SET_STRING, "source",
				   source, 0));
	if (!err && key)
		err = ERR(fsconfig(context, value ? FSCONFIG_SET_STRING :
				   FSCONFIG_SET_FLAG, key, value, 0));
	if (!err)
		err = ERR(fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL,
				   0));
	read_log(context, log);
	close(context);
	return err;
}

/* A detached mount of the device under test, or -errno. */
static int detached_mount(void)
{
	int context = fsopen("famfs", FSOPEN_CLOEXEC);
	int fd = -EINVAL;

	if (context < 0)
		return -errno;
	if (fsconfig(context, FSCONFIG_SET_STRING, "source", device(), 0) ||
	    fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		fd = -errno;
	else
		fd = fsmount(context, FSMOUNT_CLOEXEC, 0) ?: -EINVAL;
	close(context);
	return fd;
}

/* The options that /proc/mounts shows for ROOT; "" if it is not mounted. */
static void shown_options(char *source, char *options)
{
	char line[1024];
	FILE *mounts = fopen("/proc/self/mounts", "re");

	*source = '\0';
	*options = '\0';
	while (mounts && fgets(line, sizeof(line), mounts)) {
		if (sscanf(line, "%255s " ROOT " famfs %255s", source,
			   options) == 2)
			break;
		*source = '\0';
	}
	if (mounts)
		fclose(mounts);
}

static bool has_option(const char *options, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = options; at; at = strchr(at, ',')) {
		at += *at == ',';
		if (!strncmp(at, name, len) && strchr(",", at[len]))
			return true;
	}
	return false;
}

static unsigned int root_mode(void)
{
	struct stat st;

	return stat(ROOT, &st) ? 0 : st.st_mode;
}

static long refcount(const char *module)
{
	char path[128], text[32];

	snprintf(path, sizeof(path), "/sys/module/%s/refcnt", module);
	return read_text(path, text, sizeof(text)) ? -1 : atol(text);
}

FIXTURE(mounts) {
};

FIXTURE_SETUP(mounts)
{
	ASSERT_EQ(0, private_mounts());
}

/* What every test ends with: the device is free, and the log is clean. */
FIXTURE_TEARDOWN_PARENT(mounts)
{
	char log[LOG_SIZE];

	EXPECT_EQ(0, try_create(device(), NULL, NULL, log)) {
		TH_LOG("%s", log);
	}
	EXPECT_CLEAN_LOG();
}

TEST_F(mounts, module_says_its_version)
{
	struct stat st;
	char text[32];

	ASSERT_EQ(0, read_text("/sys/module/famfs/parameters/kabi_version",
			       text, sizeof(text)));
	EXPECT_STREQ("44", text);
	ASSERT_EQ(0, stat("/sys/module/famfs/parameters/kabi_version", &st));
	EXPECT_EQ(0, st.st_mode & 0222);
}

TEST_F(mounts, type_requires_a_device)
{
	FILE *types = fopen("/proc/filesystems", "re");
	char line[64], found[64] = "";

	ASSERT_NE(NULL, types);
	while (fgets(line, sizeof(line), types))
		if (strstr(line, "\tfamfs\n"))
			snprintf(found, sizeof(found), "%s", line);
	fclose(types);
	EXPECT_STREQ("\tfamfs\n", found);
}

TEST_F(mounts, mount_and_unmount)
{
	char source[256], options[256];
	struct statfs before, st;

	ASSERT_EQ(0, statfs(ROOT, &before));
	for (int i = 0; i < 3; i++) {
		ASSERT_EQ(0, mount_at(device(), ROOT, NULL));
		ASSERT_EQ(0, statfs(ROOT, &st));
		EXPECT_EQ(FAMFS_SUPER_MAGIC, (__u32)st.f_type);
		shown_options(source, options);
		EXPECT_STREQ(device(), source);
		ASSERT_EQ(0, ERR(umount(ROOT)));
		ASSERT_EQ(0, statfs(ROOT, &st));
		EXPECT_EQ(before.f_type, st.f_type);
	}
}

TEST_F(mounts, totals)
{
	__u64 blocks = device_size(device()) / PAGE;
	struct statfs st;
	int fd;

	ASSERT_EQ(0, mount_at(device(), ROOT, NULL));
	ASSERT_EQ(0, statfs(ROOT, &st));
	EXPECT_EQ(FAMFS_SUPER_MAGIC, (__u32)st.f_type);
	EXPECT_EQ(4096, st.f_bsize);
	EXPECT_EQ(blocks, st.f_blocks);
	EXPECT_EQ(blocks, st.f_bfree);
	EXPECT_EQ(st.f_bfree, st.f_bavail);
	EXPECT_EQ(255, st.f_namelen);

	/* What a map takes, and not what the file shows. */
	fd = create_at(ROOT "/a", 16 * MiB, 5 * PAGE - 4000);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fstatfs(fd, &st));
	EXPECT_EQ(blocks, st.f_blocks);
	EXPECT_EQ(blocks - 5, st.f_bfree);
	EXPECT_EQ(blocks - 5, st.f_bavail);
	ASSERT_LE(0, create_at(ROOT "/b", 32 * MiB, 4 * MiB));
	ASSERT_EQ(0, statfs(ROOT, &st));
	EXPECT_EQ(blocks - 5 - 4 * MiB / PAGE, st.f_bfree);
}

/* Files are the mount's: what another program wants of the memory, it maps. */
TEST_F(mounts, comes_up_empty)
{
	struct statfs st;

	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, mount_at(device(), ROOT, NULL));
		ASSERT_EQ(0, statfs(ROOT, &st));
		EXPECT_EQ(st.f_blocks, st.f_bfree);
		EXPECT_EQ(-ENOENT, ERR(access(ROOT "/file", F_OK)));
		int fd = create_at(ROOT "/file", 2 * MiB, 2 * MiB);

		ASSERT_LE(0, fd);
		close(fd);
		ASSERT_EQ(0, ERR(umount(ROOT)));
	}
}

TEST_F(mounts, detached_then_attached)
{
	struct statfs st;
	int mnt, fd;

	mnt = detached_mount();
	ASSERT_LE(0, mnt);
	fd = openat(mnt, "file", O_RDWR | O_CREAT | O_EXCL, 0600);
	ASSERT_LE(0, fd);
	close(fd);
	EXPECT_EQ(-ENOENT, ERR(access(ROOT "/file", F_OK)));
	EXPECT_EQ(-EBUSY, mount_at(device(), ROOT, NULL));
	ASSERT_EQ(0, ERR(move_mount(mnt, "", AT_FDCWD, ROOT,
				    MOVE_MOUNT_F_EMPTY_PATH)));
	EXPECT_EQ(0, ERR(access(ROOT "/file", F_OK)));
	ASSERT_EQ(0, statfs(ROOT, &st));
	EXPECT_EQ(FAMFS_SUPER_MAGIC, (__u32)st.f_type);
	close(mnt);
	EXPECT_EQ(0, ERR(umount(ROOT)));
}

TEST_F(mounts, detached_and_dropped)
{
	int mnt = detached_mount();

	ASSERT_LE(0, mnt);
	close(mnt);
	EXPECT_EQ(0, mount_at(device(), ROOT, NULL));
}

TEST_F(mounts, second_mount_is_busy)
{
	char log[LOG_SIZE];
	int fd;

	ASSERT_EQ(0, mount_at(device(), ROOT, NULL));
	fd = create_at(ROOT "/file", 2 * MiB, PAGE);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EBUSY, mount_at(device(), ROOT2, NULL));
	EXPECT_EQ(-EBUSY, mount_at(device(), ROOT, NULL));
	EXPECT_EQ(-EBUSY, try_create(device(), NULL, NULL, log));
	EXPECT_NE(NULL, strstr(log, device())) {
		TH_LOG("does not name the device: '%s'", log);
	}

	/* By another name it is the same device. */
	ASSERT_EQ(0, device_node(device(), SCRATCH "/node", 0600));
	EXPECT_EQ(-EBUSY, mount_at(SCRATCH "/node", ROOT2, NULL));

	/* The first goes on, and its end frees the device. */
	EXPECT_EQ(1, pwrite(fd, "x", 1, 0));
	close(fd);
	ASSERT_EQ(0, ERR(umount(ROOT)));
	EXPECT_EQ(0, mount_at(SCRATCH "/node", ROOT2, NULL));
}

TEST_F(mounts, two_devices_at_once)
{
	const struct span span = { .offset = 2 * MiB, .len = PAGE };
	char text[6] = "";
	const char *second = device2();
	int one, two;

	if (!second)
		SKIP(return, "no second device: FAMFS_DEV2 names one");
	ASSERT_EQ(0, mount_at(device(), ROOT, NULL));
	ASSERT_EQ(0, mount_at(second, ROOT2, NULL));
	one = create_spans(ROOT "/file", PAGE, &span, 1);
	two = create_spans(ROOT2 "/file", PAGE, &span, 1);
	ASSERT_LE(0, one);
	ASSERT_LE(0, two);
	EXPECT_EQ(5, pwrite(one, "first", 5, 0));
	EXPECT_EQ(5, pwrite(two, "other", 5, 0));
	EXPECT_EQ(5, pread(one, text, 5, 0));
	EXPECT_STREQ("first", text);
	close(one);
	ASSERT_EQ(0, ERR(umount(ROOT)));
	EXPECT_EQ(5, pread(two, text, 5, 0));
	EXPECT_STREQ("other", text);
}

/* What is no dax device is refused, and the message names it. */
static void refuse_source(struct __test_metadata *_metadata, int error,
			  const char *source)
{
	char log[LOG_SIZE];

	EXPECT_EQ(error, try_create(source, NULL, NULL, log)) {
		TH_LOG("source '%s'", source);
	}
	EXPECT_NE(NULL, strstr(log, source)) {
		TH_LOG("does not name '%s': '%s'", source, log);
	}
	EXPECT_EQ(error, mount_at(source, ROOT, NULL)) {
		TH_LOG("source '%s'", source);
	}
}

TEST_F(mounts, not_a_dax_device)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX,
		.sun_path = SCRATCH "/socket" };
	int fd;

	fd = open(SCRATCH "/regular", O_RDWR | O_CREAT, 0600);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ERR(ftruncate(fd, 64 * MiB)));
	close(fd);
	refuse_source(_metadata, -EINVAL, SCRATCH "/regular");
	refuse_source(_metadata, -EINVAL, "/dev/null");
	refuse_source(_metadata, -EINVAL, "/dev/zero");
	refuse_source(_metadata, -EINVAL, ROOT2);
	/* Neither waits for a writer nor connects. */
	ASSERT_EQ(0, ERR(mkfifo(SCRATCH "/fifo", 0600)));
	refuse_source(_metadata, -EINVAL, SCRATCH "/fifo");
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ASSERT_EQ(0, ERR(bind(fd, (void *)&name, sizeof(name))));
	refuse_source(_metadata, -EINVAL, SCRATCH "/socket");
	/* A block device without a driver, and a character device without. */
	ASSERT_EQ(0, ERR(mknod(SCRATCH "/block", S_IFBLK | 0600,
			       makedev(259, 1048575))));
	refuse_source(_metadata, -ENXIO, SCRATCH "/block");
}

/* A block device of 1 MiB that is not DAX; gone when it is closed. */
static int loop_device(char *path, size_t size)
{
	struct loop_config config = {
		.info.lo_flags = LO_FLAGS_AUTOCLEAR,
	};
	int control, fd, nr;

	/* Opening this number, by any node, loads the driver. */
	if (mknod(SCRATCH "/loop-control", S_IFCHR | 0600, makedev(10, 237)))
		return -errno;
	control = open(SCRATCH "/loop-control", O_RDWR | O_CLOEXEC);
	if (control < 0)
		return -errno;
	nr = ioctl(control, LOOP_CTL_GET_FREE);
	close(control);
	if (nr < 0)
		return -errno;
	snprintf(path, size, "/dev/loop%d", nr);
	config.fd = memfd_create("loop", MFD_CLOEXEC);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || ftruncate(config.fd, MiB) ||
	    ioctl(fd, LOOP_CONFIGURE, &config))
		return -errno;
	close(config.fd);
	return fd;
}

TEST_F(mounts, block_device_that_is_not_dax)
{
	char path[64], log[LOG_SIZE];
	int fd;

	fd = loop_device(path, sizeof(path));
	if (fd < 0)
		SKIP(return, "no loop device: %s", strerror(-fd));
	refuse_source(_metadata, -EOPNOTSUPP, path);
	EXPECT_EQ(-EOPNOTSUPP, try_create(path, NULL, NULL, log));
	EXPECT_NE(NULL, strstr(log, "fsdax")) {
		TH_LOG("does not say what to do: '%s'", log);
	}
	/* It was let go of. */
	close(fd);
	fd = open(path, O_RDWR | O_EXCL);
	EXPECT_LE(0, fd);
}

/* Who has a block device for himself keeps it. */
TEST_F(mounts, block_device_in_use)
{
	int fd;

	if (!is_block(device()))
		SKIP(return, "%s is not a block device", device());
	fd = open(device(), O_RDONLY | O_EXCL);
	ASSERT_LE(0, fd);
	refuse_source(_metadata, -EBUSY, device());
	close(fd);
	ASSERT_EQ(0, mount_at(device(), ROOT, NULL));
	EXPECT_EQ(-EBUSY, ERR(open(device(), O_RDONLY | O_EXCL)));
	EXPECT_EQ(-EBUSY, ERR(mount(device(), ROOT2, "ext4", 0, NULL)));
}

TEST_F(mounts, wrong_paths)
{
	char name[4096 + 16], log[LOG_SIZE];

	refuse_source(_metadata, -ENOENT, "/dev/dax99.99");
	refuse_source(_metadata, -ENOENT, SCRATCH "/nowhere/dax0.0");
	refuse_source(_metadata, -ENOTDIR, "/dev/null/dax0.0");
	ASSERT_EQ(0, ERR(symlink("loop", SCRATCH "/loop")));
	refuse_source(_metadata, -ELOOP, SCRATCH "/loop");
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	EXPECT_GT(0, mount_at(name, ROOT, NULL));
	memset(name, 'a', 300);
	name[0] = '/';
	name[200] = '\0';
	refuse_source(_metadata, -ENOENT, name);
	/* Relative paths and links are as good as any. */
	ASSERT_EQ(0, ERR(symlink(device(), SCRATCH "/link")));
	EXPECT_EQ(0, try_create(SCRATCH "/link", NULL, NULL, log));
	ASSERT_EQ(0, ERR(chdir(SCRATCH)));
	EXPECT_EQ(0, try_create("link", NULL, NULL, log));
}

TEST_F(mounts, no_source)
{
	char log[LOG_SIZE];

	EXPECT_EQ(-EINVAL, mount_at(NULL, ROOT, NULL));
	EXPECT_EQ(-EINVAL, try_create(NULL, NULL, NULL, log));
	EXPECT_STRNE("", log);
	EXPECT_GT(0, mount_at("", ROOT, NULL));
	EXPECT_EQ(-EINVAL, try_create(device(), "source", device(), log));
}

TEST_F(mounts, wrong_options)
{
	static const char * const wrong[] = {
		"nonsense", "nonsense=1", "mode=0755,nonsense", "Mode=0755",
		"mode", "mode=", "mode=8", "mode=9", "mode=-1", "mode=0x1ff",
		"mode=rwx", "mode=0755x", "mode=10000", "mode=777777",
		"mode=0755 ", "mode=4294967296", "mode=37777777777755",
		"mode=99999999999999999999999", "nomode", "dev=1", "sourc=x",
		"daxx", "dax=maybe", "dax=",
	};
	char log[LOG_SIZE];

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		EXPECT_EQ(-EINVAL, mount_at(device(), ROOT, wrong[i])) {
			TH_LOG("option '%s'", wrong[i]);
			umount(ROOT);
		}
	}
	EXPECT_EQ(-EINVAL, try_create(device(), "nonsense", NULL, log));
	EXPECT_NE(NULL, strstr(log, "nonsense")) {
		TH_LOG("does not name the option: '%s'", log);
	}
	EXPECT_EQ(-EINVAL, try_create(device(), "mode", "10000", log));
	EXPECT_NE(NULL, strstr(log, "mode")) {
		TH_LOG("does not name the option: '%s'", log);
	}
}

/* Programs ask for it; it is so anyway. */
TEST_F(mounts, dax_always)
{
	char source[256], options[256];

	EXPECT_EQ(0, mount_at(device(), ROOT, "dax=always,mode=0700"));
	EXPECT_EQ(S_IFDIR | 0700, root_mode());
	shown_options(source, options);
	EXPECT_TRUE(has_option(options, "dax=always"));
	ASSERT_EQ(0, ERR(umount(ROOT)));
	ASSERT_EQ(0, mount_at(device(), ROOT, NULL));
	shown_options(source, options);
	EXPECT_TRUE(has_option(options, "dax=always"));
}

TEST_F(mounts, mode_of_the_root_directory)
{
	static const struct {
		const char *option;
		unsigned int mode;
		const char *shown;
	} right[] = {
		{ NULL, 0755, NULL },
		{ "mode=0755", 0755, NULL },
		{ "mode=700", 0700, "mode=700" },
		{ "mode=0", 0, "mode=0" },
		{ "mode=1777", 01777, "mode=1777" },
		{ "mode=7777", 07777, "mode=7777" },
		{ "mode=0700,mode=0750", 0750, "mode=750" },
	};
	char source[256], options[256];

	umask(077);
	for (size_t i = 0; i < ARRAY_SIZE(right); i++) {
		ASSERT_EQ(0, mount_at(device(), ROOT, right[i].option)) {
			TH_LOG("option '%s'", right[i].option);
		}
		EXPECT_EQ(S_IFDIR | right[i].mode, root_mode());
		shown_options(source, options);
		if (!right[i].shown) {
			EXPECT_EQ(NULL, strstr(options, "mode=")) {
				TH_LOG("shown: '%s'", options);
			}
		} else {
			/* One leading 0 is as good. */
			const char *shown = strstr(options, "mode=");

			ASSERT_NE(NULL, shown);
			EXPECT_EQ(right[i].mode, strtoul(shown + 5, NULL, 8)) {
				TH_LOG("shown: '%s'", options);
			}
		}
		ASSERT_EQ(0, ERR(umount(ROOT)));
	}
}

TEST_F(mounts, read_only)
{
	char source[256], options[256];
	struct span span = { .offset = 2 * MiB, .len = PAGE };
	struct fmap *map = fmap_of(PAGE, &span, 1);
	int fd, err;

	ASSERT_EQ(0, ERR(mount(device(), ROOT, "famfs", MS_RDONLY, NULL)));
	shown_options(source, options);
	EXPECT_TRUE(has_option(options, "ro"));
	EXPECT_EQ(-EROFS, create_empty(ROOT "/file"));
	EXPECT_EQ(-EROFS, ERR(mkdir(ROOT "/dir", 0755)));
	ASSERT_EQ(0, ERR(umount(ROOT)));

	/* A file that was there before. */
	ASSERT_EQ(0, mount_at(device(), ROOT, NULL));
	fd = create_empty(ROOT "/file");
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EBUSY, ERR(mount(NULL, ROOT, NULL, MS_REMOUNT | MS_RDONLY,
				    NULL)));
	close(fd);
	ASSERT_EQ(0, ERR(mount(NULL, ROOT, NULL, MS_REMOUNT | MS_RDONLY,
			       NULL)));
	EXPECT_EQ(-EROFS, ERR(open(ROOT "/file", O_RDWR)));
	fd = open(ROOT "/file", O_RDONLY);
	ASSERT_LE(0, fd);
	err = map_create(fd, map);
	EXPECT_TRUE(err == -EROFS || err == -EBADF) {
		TH_LOG("MAP_CREATE: %d", err);
	}
	close(fd);
	ASSERT_EQ(0, ERR(mount(NULL, ROOT, NULL, MS_REMOUNT, NULL)));
	fd = open(ROOT "/file", O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, map_create(fd, map));
	EXPECT_EQ(1, pwrite(fd, "x", 1, 0));
}

TEST_F(mounts, remount_keeps_what_is_there)
{
	struct stat before, after;
	int fd;

	ASSERT_EQ(0, mount_at(device(), ROOT, "mode=0711"));
	fd = create_at(ROOT "/file", 2 * MiB, PAGE);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fstat(fd, &before));
	EXPECT_EQ(-EINVAL, ERR(mount(NULL, ROOT, NULL, MS_REMOUNT,
				     "nonsense")));
	EXPECT_EQ(-EINVAL, ERR(mount(NULL, ROOT, NULL, MS_REMOUNT,
				     "mode=10000")));
	/* mount(8) gives all options that are in force. */
	EXPECT_EQ(0, ERR(mount(NULL, ROOT, NULL, MS_REMOUNT, "mode=0711")));
	EXPECT_EQ(0, ERR(mount(NULL, ROOT, NULL, MS_REMOUNT, NULL)));
	EXPECT_EQ(S_IFDIR | 0711, root_mode());
	ASSERT_EQ(0, stat(ROOT "/file", &after));
	EXPECT_EQ(before.st_ino, after.st_ino);
	EXPECT_EQ(before.st_size, after.st_size);
}

TEST_F(mounts, busy_while_in_use)
{
	char *at;
	int fd;

	ASSERT_EQ(0, mount_at(device(), ROOT, NULL));
	fd = create_at(ROOT "/file", 2 * MiB, 2 * MiB);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EBUSY, ERR(umount(ROOT)));
	at = mmap(NULL, 2 * MiB, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, at);
	close(fd);
	at[5] = 5;
	EXPECT_EQ(-EBUSY, ERR(umount(ROOT)));
	ASSERT_EQ(0, munmap(at, 2 * MiB));
	EXPECT_EQ(0, ERR(umount(ROOT)));
}

/* Out of sight, in use: it stays what it was until the last user goes. */
TEST_F(mounts, lazy_unmount)
{
	char *at;
	int fd;

	ASSERT_EQ(0, mount_at(device(), ROOT, NULL));
	fd = create_at(ROOT "/file", 2 * MiB, 2 * MiB);
	ASSERT_LE(0, fd);
	at = mmap(NULL, 2 * MiB, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, at);
	at[0] = 1;
	ASSERT_EQ(0, ERR(umount2(ROOT, MNT_DETACH)));
	EXPECT_EQ(-ENOENT, ERR(access(ROOT "/file", F_OK)));
	EXPECT_EQ(-EBUSY, mount_at(device(), ROOT2, NULL));
	EXPECT_EQ(1, pwrite(fd, "a", 1, MiB));
	EXPECT_EQ('a', at[MiB]);
	close(fd);
	EXPECT_EQ(-EBUSY, mount_at(device(), ROOT2, NULL));
	at[PAGE] = 2;
	ASSERT_EQ(0, munmap(at, 2 * MiB));
	EXPECT_EQ(0, mount_at(device(), ROOT2, NULL));
}

TEST_F(mounts, bind_mount_holds_the_device)
{
	ASSERT_EQ(0, mount_at(device(), ROOT, NULL));
	ASSERT_EQ(0, ERR(mount(ROOT, ROOT2, NULL, MS_BIND, NULL)));
	ASSERT_EQ(0, ERR(umount(ROOT)));
	EXPECT_EQ(-EBUSY, mount_at(device(), ROOT, NULL));
	ASSERT_EQ(0, ERR(umount(ROOT2)));
	EXPECT_EQ(0, mount_at(device(), ROOT, NULL));
}

/* Neither module can be unloaded while a mount needs it, nor is it held on. */
TEST_F(mounts, modules_are_held_while_mounted)
{
	char driver[64];
	long famfs, fsdev;

	ASSERT_EQ(0, device_driver(device(), driver, sizeof(driver)));
	famfs = refcount("famfs");
	fsdev = refcount(driver);
	ASSERT_EQ(0, mount_at(device(), ROOT, NULL));
	EXPECT_LT(famfs, refcount("famfs"));
	if (fsdev >= 0) {
		EXPECT_LT(fsdev, refcount(driver)) {
			TH_LOG("%s may be unloaded", driver);
		}
	}
	ASSERT_EQ(0, ERR(umount(ROOT)));
	EXPECT_EQ(famfs, refcount("famfs"));
	EXPECT_EQ(fsdev, refcount(driver));

	/* Failures give up what they held, too. */
	for (int i = 0; i < 20; i++) {
		EXPECT_EQ(-EINVAL, mount_at(device(), ROOT, "nonsense"));
		EXPECT_EQ(-EINVAL, mount_at("/dev/null", ROOT, NULL));
	}
	ASSERT_EQ(0, mount_at(device(), ROOT, NULL));
	EXPECT_EQ(-EBUSY, mount_at(device(), ROOT2, NULL));
	ASSERT_EQ(0, ERR(umount(ROOT)));
	EXPECT_EQ(famfs, refcount("famfs"));
	EXPECT_EQ(fsdev, refcount(driver));
}

static int mount_as_nobody(void *arg)
{
	int err = become_nobody();

	return err ?: mount_at(device(), arg, NULL);
}

static int mount_in_user_namespace(void *arg)
{
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return -ENOTSUP;
	return mount_at(device(), arg, NULL);
}

TEST_F(mounts, only_root_mounts)
{
	int err;

	EXPECT_EQ(-EPERM, in_child(mount_as_nobody, ROOT));
	err = in_child(mount_in_user_namespace, ROOT);
	if (err != -ENOTSUP) {
		EXPECT_EQ(-EPERM, err) {
			TH_LOG("in a user namespace");
		}
	}
}

/* CAP_SYS_ADMIN mounts, but does not read what the node's mode forbids. */
static int mount_without_dac_override(void *arg)
{
	if (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
	    setfsuid(NOBODY) < 0)
		return -errno;
	return drop_cap(CAP_DAC_OVERRIDE) ?:
	       drop_cap(CAP_DAC_READ_SEARCH) ?: mount_at(arg, ROOT, NULL);
}

TEST_F(mounts, permissions_of_the_node)
{
	ASSERT_EQ(0, device_node(device(), SCRATCH "/node", 0666));
	EXPECT_EQ(0, in_child(mount_without_dac_override, SCRATCH "/node"));
	ASSERT_EQ(0, ERR(umount(ROOT)));
	ASSERT_EQ(0, ERR(chmod(SCRATCH "/node", 0600)));
	EXPECT_EQ(-EACCES, in_child(mount_without_dac_override,
				    SCRATCH "/node"));
	/* Reading is not enough for a mount that writes. */
	ASSERT_EQ(0, ERR(chmod(SCRATCH "/node", 0604)));
	EXPECT_EQ(-EACCES, in_child(mount_without_dac_override,
				    SCRATCH "/node"));
}

TEST_F(mounts, node_on_nodev)
{
	char log[LOG_SIZE];

	ASSERT_EQ(0, ERR(mount("tmpfs", ROOT2, "tmpfs", MS_NODEV, NULL)));
	ASSERT_EQ(0, device_node(device(), ROOT2 "/node", 0600));
	EXPECT_EQ(-EACCES, mount_at(ROOT2 "/node", ROOT, NULL));
	EXPECT_EQ(-EACCES, try_create(ROOT2 "/node", NULL, NULL, log));
}

static int bind_driver(const char *driver, const char *name, const char *how)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/bus/dax/drivers/%s/%s", driver,
		 how);
	return write_text(path, name);
}

TEST_F(mounts, device_in_devdax_mode)
{
	const char *dev = device2(), *name;
	char driver[64], log[LOG_SIZE];

	if (!dev || is_block(dev))
		SKIP(return, "no second character device: FAMFS_DEV2 names one");
	name = strrchr(dev, '/') + 1;
	ASSERT_EQ(0, device_driver(dev, driver, sizeof(driver)));
	ASSERT_STREQ("fsdev_dax", driver);
	ASSERT_EQ(0, bind_driver("fsdev_dax", name, "unbind"));
	EXPECT_GT(0, try_create(dev, NULL, NULL, log)) {
		TH_LOG("mounted without a driver");
	}
	EXPECT_EQ(0, bind_driver("device_dax", name, "bind"));
	EXPECT_EQ(-EOPNOTSUPP, try_create(dev, NULL, NULL, log));
	EXPECT_NE(NULL, strstr(log, dev)) {
		TH_LOG("does not name the device: '%s'", log);
	}
	EXPECT_NE(NULL, strstr(log, "fsdev")) {
		TH_LOG("does not say what to do: '%s'", log);
	}
	EXPECT_EQ(-EOPNOTSUPP, mount_at(dev, ROOT, NULL));
	EXPECT_EQ(0, bind_driver("device_dax", name, "unbind"));
	EXPECT_EQ(0, bind_driver("fsdev_dax", name, "bind"));
	EXPECT_EQ(0, try_create(dev, NULL, NULL, log));
}

/* Whether the kernel has fsdev_dax, for file systems on character devices. */
static bool kernel_has_fsdev(void)
{
	struct utsname kernel;
	int major, minor;

	if (uname(&kernel) ||
	    sscanf(kernel.release, "%d.%d", &major, &minor) != 2)
		return false;
	return major > 7 || (major == 7 && minor >= 1);
}

TEST_F(mounts, character_device_before_linux_7_1)
{
	char dev[64], log[LOG_SIZE];
	glob_t nodes;

	if (kernel_has_fsdev())
		SKIP(return, "this kernel mounts character devices");
	if (glob("/dev/dax[0-9]*", 0, NULL, &nodes))
		SKIP(return, "there is no character device");
	snprintf(dev, sizeof(dev), "%s", nodes.gl_pathv[0]);
	globfree(&nodes);
	refuse_source(_metadata, -EOPNOTSUPP, dev);
	EXPECT_EQ(-EOPNOTSUPP, try_create(dev, NULL, NULL, log));
	EXPECT_NE(NULL, strstr(log, "Linux 7.1")) {
		TH_LOG("does not say what is needed: '%s'", log);
	}
	/* Nor may it join a mount. */
	ASSERT_EQ(0, mount_at(device(), ROOT, NULL));
	EXPECT_EQ(-EOPNOTSUPP, daxdev_open(open(ROOT, O_RDONLY), 1, dev));
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
