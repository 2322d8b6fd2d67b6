// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Mounting, where the kernel says no: every step that it can refuse has to end
 * with a message and with nothing mounted. The mount API is played here (see
 * Makefile for what is wrapped); the mount is a directory with meta files.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"

#include "kernel.h"
#include "log.h"
#include "meta.h"
#include "mountapi.h"
#include "mountfs.h"

#define DEV	"/dev/null"	/* no device of the dax bus: its mode is let be */
#define ROOM	(64ULL << 20)

/* What the kernel answers: error numbers, and its words */
static struct {
	int fsopen;
	int option;
	int create;
	int fsmount;
	int fspick;
	int reconfigure;
	int setattr;
	int move;
	int setns;
	int module;
	int map_create;
	int capacity;
	bool held;		/* by another mount, as holder.c finds it */
	bool foreign;		/* what is mounted is no famfs */
	uint64_t room;
	const char *says[3];
} kernel;

#define DIR_TEMPLATE	"/tmp/famfs-test.XXXXXX"

static char dir[sizeof(DIR_TEMPLATE)] = DIR_TEMPLATE;
static int moved;	/* mounts attached */
static int entered;	/* namespaces */
static unsigned int warnings, infos;
static char last_warning[2048];
static struct mount_attr last_attr;

int __wrap_fsopen(const char *name, unsigned int flags);
int __wrap_fsconfig(int fd, unsigned int cmd, const char *key,
		    const void *value, int aux);
int __wrap_fsmount(int fd, unsigned int flags, unsigned int attrs);
int __wrap_fspick(int dirfd, const char *path, unsigned int flags);
int __wrap_mount_setattr(int dirfd, const char *path, unsigned int flags,
			 struct mount_attr *attr, size_t size);
int __wrap_move_mount(int from, const char *from_path, int to,
		      const char *to_path, unsigned int flags);
int __wrap_setns(int fd, int type);
int __wrap_module_load(void);
int __wrap_identity_get(uint8_t uuid[16]);
bool __wrap_holder_describe(const char *dev, char *text, size_t size);
bool __wrap_kern_is_famfs(int fd);
int __wrap_kern_capacity(int fd, uint64_t *bytes);
int __wrap_kern_map_create(int fd, enum famfs_file_type type, uint64_t size,
			   const struct media_map *map);

static int answer(int err)
{
	errno = err;
	return err ? -1 : 0;
}

/* A context, which is read for what the kernel says, a line at a time */
static int context(void)
{
	size_t i;
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fd))
		return -1;
	for (i = 0; i < ARRAY_SIZE(kernel.says) && kernel.says[i]; i++) {
		if (send(fd[1], kernel.says[i], strlen(kernel.says[i]), 0) < 0)
			return -1;
	}
	close(fd[1]);
	return fd[0];
}

int __wrap_fsopen(const char *name, unsigned int flags)
{
	assert_string_equal(name, "famfs");
	assert_int_equal(flags, FSOPEN_CLOEXEC);
	return kernel.fsopen ? answer(kernel.fsopen) : context();
}

int __wrap_fspick(int dirfd, const char *path, unsigned int flags)
{
	(void)dirfd;
	(void)path;
	(void)flags;
	return kernel.fspick ? answer(kernel.fspick) : context();
}

int __wrap_fsconfig(int fd, unsigned int cmd, const char *key,
		    const void *value, int aux)
{
	assert_true(fcntl(fd, F_GETFD) >= 0);
	assert_int_equal(aux, 0);
	switch (cmd) {
	case FSCONFIG_CMD_CREATE:
		return answer(kernel.create);
	case FSCONFIG_CMD_RECONFIGURE:
		return answer(kernel.reconfigure);
	case FSCONFIG_SET_STRING:
		assert_non_null(value);
		if (!strcmp(key, "source")) {
			assert_string_equal(value, DEV);
			return 0;
		}
		return answer(kernel.option);
	default:
		assert_int_equal(cmd, FSCONFIG_SET_FLAG);
		assert_null(value);
		return answer(kernel.option);
	}
}

int __wrap_fsmount(int fd, unsigned int flags, unsigned int attrs)
{
	(void)fd;
	(void)flags;
	/* There are files to be made yet */
	assert_false(attrs & MOUNT_ATTR_RDONLY);
	if (kernel.fsmount)
		return answer(kernel.fsmount);
	return open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int __wrap_mount_setattr(int dirfd, const char *path, unsigned int flags,
			 struct mount_attr *attr, size_t size)
{
	(void)dirfd;
	assert_int_equal(size, sizeof(*attr));
	assert_int_equal(flags, *path ? 0 : AT_EMPTY_PATH);
	last_attr = *attr;
	return answer(kernel.setattr);
}

int __wrap_move_mount(int from, const char *from_path, int to,
		      const char *to_path, unsigned int flags)
{
	(void)to;
	assert_true(fcntl(from, F_GETFD) >= 0);
	assert_string_equal(from_path, "");
	assert_string_equal(to_path, dir);
	assert_int_equal(flags, MOVE_MOUNT_F_EMPTY_PATH);
	moved += !kernel.move;
	return answer(kernel.move);
}

int __wrap_setns(int fd, int type)
{
	(void)fd;
	(void)type;
	entered += !kernel.setns;
	return answer(kernel.setns);
}

int __wrap_module_load(void)
{
	return kernel.module;
}

int __wrap_identity_get(uint8_t uuid[16])
{
	memset(uuid, 7, 16);
	return 0;
}

bool __wrap_holder_describe(const char *dev, char *text, size_t size)
{
	(void)dev;
	if (kernel.held)
		snprintf(text, size, "is held by another");
	return kernel.held;
}

bool __wrap_kern_is_famfs(int fd)
{
	(void)fd;
	return !kernel.foreign;
}

int __wrap_kern_capacity(int fd, uint64_t *bytes)
{
	(void)fd;
	*bytes = kernel.room;
	return kernel.capacity;
}

int __wrap_kern_map_create(int fd, enum famfs_file_type type, uint64_t size,
			   const struct media_map *map)
{
	(void)type;
	assert_true(!media_map_covers(map, size));
	if (kernel.map_create)
		return kernel.map_create;
	return ftruncate(fd, size) ? -errno : 0;
}

static void sink(enum famfs_level level, const char *text)
{
	test_sink(level, text);
	if (level == FAMFS_MSG_WARNING) {
		warnings++;
		snprintf(last_warning, sizeof(last_warning), "%s", text);
	}
	infos += level == FAMFS_MSG_INFO;
	/* Who prints may change it: what failed before has to be known still */
	errno = 0;
}

static void afresh(void)
{
	memset(&kernel, 0, sizeof(kernel));
	kernel.room = ROOM;
	test_messages = 0;
	warnings = 0;
	infos = 0;
	moved = 0;
	entered = 0;
}

/* @rc is an error that was told of once, in words that hold @word */
static void told(int rc, int want, const char *word)
{
	assert_int_equal(rc, want);
	assert_int_equal(test_messages, 1);
	if (!strstr(test_last, word))
		fail_msg("no '%s' in '%s'", word, test_last);
	assert_int_equal(moved, 0);
	afresh();
}

/* --- the mount API ----------------------------------------------------------*/

static void detached(void **state)
{
	static const struct {
		int err;
		const char *word;
	} errors[] = {
		{ EBUSY, "mounted already" },
		{ EPERM, "needs root" },
		{ EACCES, "needs root" },
		{ ENOENT, "no such device" },
		{ EOPNOTSUPP, "-M switches" },
		{ EIO, "Input/output error" },
	};
	size_t i;
	int fd;

	(void)state;
	kernel.fsopen = ENODEV;
	told(mount_detached(DEV, NULL), -ENODEV, "no famfs file system");
	kernel.fsopen = EPERM;
	told(mount_detached(DEV, NULL), -EPERM, "needs root");
	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		kernel.create = errors[i].err;
		told(mount_detached(DEV, NULL), -errors[i].err,
		     errors[i].word);
		kernel.fsmount = errors[i].err;
		told(mount_detached(DEV, NULL), -errors[i].err,
		     errors[i].word);
	}
	kernel.create = EBUSY;
	kernel.held = true;
	told(mount_detached(DEV, NULL), -EBUSY, "held by another");
	fd = mount_detached(DEV, NULL);
	assert_true(fd >= 0);
	assert_int_equal(test_messages, 0);
	close(fd);
}

static void kernel_speaks(void **state)
{
	int fd;

	(void)state;
	/* An error of the kernel's own goes before ours */
	kernel.create = EINVAL;
	kernel.says[0] = "e " DEV ": is shorter than it was\n";
	told(mount_detached(DEV, NULL), -EINVAL, DEV ": is shorter than it was");
	/* What is no error does not */
	kernel.create = EINVAL;
	kernel.says[0] = "w it is late";
	kernel.says[1] = "i by the way";
	kernel.says[2] = "unmarked";
	assert_int_equal(mount_detached(DEV, NULL), -EINVAL);
	assert_int_equal(warnings, 1);
	assert_string_equal(last_warning, DEV ": it is late");
	assert_int_equal(infos, 2);
	assert_non_null(strstr(test_last, "can't mount"));
	afresh();
	/* It may speak where all went well */
	kernel.says[0] = "w " DEV " it is late";
	fd = mount_detached(DEV, NULL);
	assert_true(fd >= 0);
	assert_string_equal(last_warning, DEV ": it is late");
	close(fd);
	afresh();
}

static void options(void **state)
{
	struct mountopts o = { 0 };
	int fd;

	(void)state;
	assert_int_equal(mountopts_add(&o, "plain", NULL), 0);
	assert_int_equal(mountopts_add(&o, "with", "value"), 0);
	fd = mount_detached(DEV, &o);
	assert_true(fd >= 0);
	close(fd);

	kernel.option = EINVAL;
	told(mount_detached(DEV, &o), -EINVAL, "option plain: famfs has no");
	kernel.option = ENOMEM;
	told(mount_detached(DEV, &o), -ENOMEM, "Cannot allocate");

	/* mount -s */
	o.sloppy = true;
	kernel.option = EINVAL;
	fd = mount_detached(DEV, &o);
	assert_true(fd >= 0);
	assert_int_equal(warnings, 2);
	assert_string_equal(last_warning, "option with: unknown, ignored");
	close(fd);
	afresh();
	kernel.option = ENOMEM;
	told(mount_detached(DEV, &o), -ENOMEM, "Cannot allocate");
	mountopts_free(&o);

	assert_int_equal(mountopts_add(&o, "with", "value"), 0);
	kernel.option = EINVAL;
	told(mount_detached(DEV, &o), -EINVAL, "option with=value: famfs has");
	mountopts_free(&o);
}

static void reconfigure(void **state)
{
	struct mountopts o = { 0 };

	(void)state;
	assert_int_equal(mount_reconfigure(dir, &o), 0);
	kernel.fspick = EINVAL;
	told(mount_reconfigure(dir, &o), -EINVAL, "nothing is mounted");
	kernel.fspick = ENOENT;
	told(mount_reconfigure(dir, &o), -ENOENT, "No such file");
	kernel.reconfigure = EBUSY;
	told(mount_reconfigure(dir, &o), -EBUSY, "busy");
	kernel.reconfigure = EINVAL;
	kernel.says[0] = "e no change of that";
	told(mount_reconfigure(dir, &o), -EINVAL, "no change of that");
}

static void glance(void **state)
{
	int lock, fd;

	(void)state;
	kernel.fsopen = ENODEV;
	assert_int_equal(mount_glance(DEV, &lock), -ENODEV);
	kernel.fsopen = 0;
	kernel.create = EBUSY;
	assert_int_equal(mount_glance(DEV, &lock), -EBUSY);
	kernel.create = 0;
	kernel.fsmount = EPERM;
	assert_int_equal(mount_glance(DEV, &lock), -EPERM);
	kernel.fsmount = 0;
	fd = mount_glance(DEV, &lock);
	assert_true(fd >= 0);
	mount_glance_end(fd, lock);
	assert_int_equal(test_messages, 0);
}

static void flags(void **state)
{
	(void)state;
	assert_int_equal(mount_change(AT_FDCWD, dir, MOUNT_ATTR_NODEV,
				      MOUNT_ATTR_NOEXEC), 0);
	assert_int_equal(last_attr.attr_set, MOUNT_ATTR_NODEV);
	assert_int_equal(last_attr.attr_clr, MOUNT_ATTR_NOEXEC);
	/* To set a kind of atime is to clear all */
	assert_int_equal(mount_change(0, "", MOUNT_ATTR_NOATIME, 0), 0);
	assert_int_equal(last_attr.attr_clr, MOUNT_ATTR__ATIME);
	kernel.setattr = EINVAL;
	assert_int_equal(mount_change(0, "", 0, 0), -EINVAL);
	afresh();
}

/* --- all of it --------------------------------------------------------------*/

static void put(const char *name, uint64_t size, const void *buf, size_t len)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	assert_int_equal(pwrite(fd, buf, len, 0), (ssize_t)len);
	close(fd);
}

static void gone(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_true(!unlink(path) || !rmdir(path) || errno == ENOENT);
}

/* A file system with a directory and an entry that is bad */
static void put_media(uint64_t dev_size)
{
	struct media_super sb = {
		.version = 48,
		.log_offset = MEDIA_LOG_OFFSET,
		.log_len = MEDIA_LOG_MIN,
		.alloc_unit = MEDIA_UNIT_2M,
		.omf_major = 2,
		.omf_minor = 2,
		.dev_size = dev_size,
	};
	const struct media_log log = {
		.len = MEDIA_LOG_MIN,
		.last_index = media_log_capacity(MEDIA_LOG_MIN) - 1,
		.next_seqnum = 2,
		.next_index = 2,
	};
	struct media_entry e = {
		.type = MEDIA_MKDIR,
		.dir = { .mode = 0755, .path = "made" },
	};
	uint8_t buf[MEDIA_HEADER_BYTES + 2 * MEDIA_ENTRY_BYTES] = { 0 };
	uint8_t super[MEDIA_SB_BYTES];

	media_super_encode(&sb, super);
	put(META_SUPER, MEDIA_SB_LEN, super, sizeof(super));
	media_log_encode(&log, buf);
	media_entry_encode(&e, buf + MEDIA_HEADER_BYTES);
	put(META_LOG, MEDIA_LOG_MIN, buf, sizeof(buf));
	gone("made");
}

static struct mountfs request(void)
{
	return (struct mountfs){ .dev = DEV, .dir = dir };
}

static void whole_mount(void **state)
{
	struct mountfs m = request();

	(void)state;
	put_media(ROOM);
	assert_int_equal(mountfs(&m), 0);
	assert_int_equal(moved, 1);
	/* The bad entry, by number, and that it is missing */
	assert_int_equal(test_messages, 1);
	assert_non_null(strstr(test_last, "log entry 1: "));
	assert_int_equal(warnings, 1);
	assert_non_null(strstr(last_warning, "1 of 2 log entries"));
	afresh();

	put_media(2 * ROOM);
	assert_int_equal(mountfs(&m), 0);
	assert_int_equal(warnings, 2);
	afresh();

	m.fake = true;
	assert_int_equal(mountfs(&m), 0);
	assert_int_equal(moved, 0);
	afresh();
	m = request();
	m.opts.attr_set = MOUNT_ATTR_RDONLY;
	assert_int_equal(mountfs(&m), 0);
	assert_int_equal(last_attr.attr_set, MOUNT_ATTR_RDONLY);
	afresh();
}

/* As told(), where the bad entry has been told of before */
static void told_last(int rc, int want, const char *word)
{
	assert_int_equal(test_messages, 2);
	test_messages = 1;
	told(rc, want, word);
}

static void mount_refused(void **state)
{
	struct mountfs m = request();

	(void)state;
	put_media(ROOM);
	m.dir = "/nowhere";
	told(mountfs(&m), -ENOENT, "mount point");
	m.dir = DEV;
	told(mountfs(&m), -ENOTDIR, "not a directory");
	m = request();
	m.dev = "/nowhere";
	told(mountfs(&m), -ENOENT, "famfs devices");
	m = request();
	m.load_module = true;
	kernel.module = -ENOENT;
	assert_int_equal(mountfs(&m), -ENOENT);
	kernel.module = 0;
	kernel.fsopen = ENODEV;
	told(mountfs(&m), -ENODEV, "no famfs file system");

	kernel.move = EBUSY;
	told_last(mountfs(&m), -EBUSY, "attach");
	m.opts.attr_set = MOUNT_ATTR_RDONLY;
	kernel.setattr = EPERM;
	told_last(mountfs(&m), -EPERM, "read-only");
	kernel.capacity = -EIO;
	told(mountfs(&m), -EIO, "its size");
	m = request();
	put(META_SUPER, MEDIA_SB_LEN, "nothing", 7);
	told(mountfs(&m), -EUCLEAN, "not a famfs file system");
}

static void namespaces(void **state)
{
	struct mountfs m = request();

	(void)state;
	put_media(ROOM);
	m.ns = "/nowhere";
	told_last(mountfs(&m), -ENOENT, "namespace");
	m.ns = "0";
	told_last(mountfs(&m), -ENOENT, "/proc/0/ns/mnt");
	m.ns = "self";
	kernel.setns = EPERM;
	told_last(mountfs(&m), -EPERM, "/proc/self/ns/mnt");
	/* The directory is looked for there */
	m.dir = "/nowhere";
	told_last(mountfs(&m), -ENOENT, "mount point");
	m.dir = dir;
	assert_int_equal(mountfs(&m), 0);
	assert_int_equal(moved, 1);
	assert_int_equal(entered, 1);
	afresh();
}

static void remount(void **state)
{
	struct mountfs m = request();

	(void)state;
	m.opts.remount = true;
	m.opts.attr_set = MOUNT_ATTR_NODEV;
	assert_int_equal(mountfs(&m), 0);
	assert_int_equal(last_attr.attr_set, MOUNT_ATTR_NODEV);
	kernel.setattr = EINVAL;
	told(mountfs(&m), -EINVAL, "nothing is mounted here");
	kernel.foreign = true;
	told(mountfs(&m), -EINVAL, "no famfs is mounted here");
	m.dir = "/nowhere";
	told(mountfs(&m), -ENOENT, "No such file");
	m.dir = dir;
	kernel.setattr = EPERM;
	told(mountfs(&m), -EPERM, "not permitted");
	m.ns = "/nowhere";
	told(mountfs(&m), -ENOENT, "namespace");
	m.ns = "self";
	m.fake = true;
	kernel.setattr = EPERM;
	assert_int_equal(mountfs(&m), 0);
	assert_int_equal(entered, 1);
	afresh();
	m.ns = NULL;
	m.fake = false;
	assert_int_equal(mountopts_add(&m.opts, "dax", "always"), 0);
	assert_int_equal(mountfs(&m), 0);
	kernel.reconfigure = EBUSY;
	told(mountfs(&m), -EBUSY, "can't change the mount");
	mountopts_free(&m.opts);
}

/* --- the meta files ---------------------------------------------------------*/

static int root(void)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void meta_files(void **state)
{
	struct stat st;
	int fd = root();

	(void)state;
	gone(META_SUPER);
	kernel.map_create = -EPERM;
	told(meta_make_super(fd), -EPERM, "CAP_SYS_RAWIO");
	assert_int_equal(fstatat(fd, META_SUPER, &st, 0), -1);
	/* Made, found there, and made anew where it is empty */
	assert_int_equal(meta_make_super(fd), 0);
	assert_int_equal(meta_make_super(fd), 0);
	put(META_SUPER, 0, "", 0);
	assert_int_equal(meta_make_super(fd), 0);
	assert_int_equal(fstatat(fd, META_SUPER, &st, 0), 0);
	assert_int_equal(st.st_size, MEDIA_SB_LEN);

	put(META_SUPER, 4096, "", 0);
	told(meta_make_super(fd), -EEXIST, "with 4096 bytes");
	put(META_SUPER, MEDIA_SB_LEN, "", 0);
	assert_int_equal(fchmodat(fd, META_SUPER, 0666, 0), 0);
	told(meta_make_super(fd), -EPERM, "mode 666");
	assert_int_equal(fchmodat(fd, META_SUPER, 0600, 0), 0);
	assert_int_equal(fchownat(fd, META_SUPER, 1000, 0, 0), 0);
	told(meta_make_super(fd), -EPERM, "uid 1000");
	gone(META_SUPER);
	assert_int_equal(mkdirat(fd, META_SUPER, 0700), 0);
	told(meta_make_super(fd), -EEXIST, "something else");
	gone(META_SUPER);
	gone(META_LOG);
	assert_int_equal(symlinkat("/etc/passwd", fd, META_LOG), 0);
	told(meta_make_log(fd, MEDIA_LOG_OFFSET, MEDIA_LOG_MIN), -EEXIST,
	     "something else");
	gone(META_LOG);
	close(fd);
}

static void meta_directory(void **state)
{
	int fd = root();

	(void)state;
	gone(META_SUPER);
	gone(META_LOG);
	gone(".meta");
	put(".meta", 0, "", 0);
	told(meta_make_super(fd), -ENOTDIR, ".meta");
	gone(".meta");
	assert_int_equal(symlinkat("/etc", fd, ".meta"), 0);
	told(meta_make_super(fd), -ENOTDIR, ".meta");
	gone(".meta");
	told(meta_make_log(fd, MEDIA_LOG_OFFSET, MEDIA_LOG_MIN), -ENOENT,
	     "can't make it");
	close(fd);
}

static int make_dir(void **state)
{
	char path[64];

	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/.meta", dir);
	famfs_set_sink(sink);
	famfs_set_verbose(true);
	afresh();
	return mkdir(path, 0700);
}

static int remove_dir(void **state)
{
	(void)state;
	gone(META_SUPER);
	gone(META_LOG);
	gone(".meta");
	gone("made");
	famfs_set_sink(NULL);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		CASE(detached),
		CASE(kernel_speaks),
		CASE(options),
		CASE(reconfigure),
		CASE(glance),
		CASE(flags),
		CASE(whole_mount),
		CASE(mount_refused),
		CASE(namespaces),
		CASE(remount),
		CASE(meta_files),
		CASE(meta_directory),
	};

	return cmocka_run_group_tests_name("mount", cases, make_dir,
					   remove_dir);
}
