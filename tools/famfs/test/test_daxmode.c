// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The mode of a device, where sysfs is a directory of the test's own: drivers
 * that refuse, that are not there, that nobody knows; and the module's loading.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "test.h"

#include "daxmode.h"
#include "inuse.h"
#include "media.h"

#define DIR_TEMPLATE	"/tmp/famfs-test.XXXXXX"
#define NODE		"/dev/dax0.0"
#define DEVICE		"/sys/bus/dax/devices/dax0.0"
#define DRIVERS		"/sys/bus/dax/drivers"
#define CHAR		"/sys/dev/char/240:0"
#define MODULES		"/lib/modules/"

static char dir[sizeof(DIR_TEMPLATE)] = DIR_TEMPLATE;

static struct {
	bool refuses;		/* fsdev_dax, to take the device */
	bool brings_driver;	/* modprobe, when it succeeds */
	bool brings_famfs;
	int modprobe;		/* its exit status; -1: there is no modprobe */
	int unbind;		/* an error number */
	int rights;		/* another, for who may write sysfs */
	int in_use;		/* what inuse_find() returns */
	int flock;
	unsigned int bound_back;
	unsigned int removed;
} world;

int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __real_stat64(const char *path, struct stat *st);
int __wrap_stat64(const char *path, struct stat *st);
ssize_t __real_readlink(const char *path, char *buf, size_t size);
ssize_t __wrap_readlink(const char *path, char *buf, size_t size);
int __real_access(const char *path, int mode);
int __wrap_access(const char *path, int mode);
FILE *__real_fopen64(const char *path, const char *mode);
FILE *__wrap_fopen64(const char *path, const char *mode);
int __real_posix_spawn(pid_t *pid, const char *path,
		       const posix_spawn_file_actions_t *actions,
		       const posix_spawnattr_t *attr, char *const *argv,
		       char *const *env);
int __wrap_posix_spawn(pid_t *pid, const char *path,
		       const posix_spawn_file_actions_t *actions,
		       const posix_spawnattr_t *attr, char *const *argv,
		       char *const *env);
int __wrap_inuse_find(const char *path, pid_t *pid);
int __wrap_flock(int fd, int op);

/* Where a path is here */
static const char *here(const char *path)
{
	static char buf[2][PATH_MAX];
	static int turn;

	/* Of any kernel: the list of its modules */
	if (!strncmp(path, MODULES, sizeof(MODULES) - 1))
		path = strrchr(path, '/');
	else if (strncmp(path, "/sys/", 5) && strcmp(path, NODE) &&
		 strcmp(path, "/proc/filesystems"))
		return path;
	turn = !turn;
	snprintf(buf[turn], sizeof(buf[turn]), "%s%s", dir, path);
	return buf[turn];
}

static void driver(const char *name)
{
	char target[128];

	unlink(here(DEVICE "/driver"));
	if (!name)
		return;
	snprintf(target, sizeof(target), "../../drivers/%s", name);
	assert_int_equal(symlink(target, here(DEVICE "/driver")), 0);
}

/* What a kernel does when something is written there */
static int written(const char *path)
{
	if (strstr(path, "/unbind")) {
		if (world.unbind)
			return world.unbind;
		driver(NULL);
	} else if (strstr(path, "fsdev_dax/new_id")) {
		if (!world.refuses)
			driver("fsdev_dax");
	} else if (strstr(path, "/remove_id")) {
		world.removed++;
	} else if (strstr(path, "device_dax/bind")) {
		world.bound_back++;
		driver("device_dax");
	}
	return 0;
}

int __wrap_open64(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	if (flags & O_CREAT) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	} else if ((flags & O_ACCMODE) == O_WRONLY) {
		errno = written(path);
		if (errno)
			return -1;
	}
	return __real_open64(here(path), flags, mode);
}

int __wrap_stat64(const char *path, struct stat *st)
{
	int rc = __real_stat64(here(path), st);

	if (!rc && !strcmp(path, NODE)) {
		st->st_mode = S_IFCHR | 0600;
		st->st_rdev = makedev(240, 0);
	}
	return rc;
}

ssize_t __wrap_readlink(const char *path, char *buf, size_t size)
{
	return __real_readlink(here(path), buf, size);
}

int __wrap_access(const char *path, int mode)
{
	if (mode == W_OK && world.rights) {
		errno = world.rights;
		return -1;
	}
	return __real_access(here(path), mode);
}

FILE *__wrap_fopen64(const char *path, const char *mode)
{
	return __real_fopen64(here(path), mode);
}

static void file(const char *path, const char *text)
{
	FILE *f = fopen(here(path), "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void fsdev(bool there)
{
	if (there) {
		mkdir(here(DRIVERS "/fsdev_dax"), 0700);
		file(DRIVERS "/fsdev_dax/new_id", "");
		file(DRIVERS "/fsdev_dax/remove_id", "");
	} else {
		unlink(here(DRIVERS "/fsdev_dax/new_id"));
		unlink(here(DRIVERS "/fsdev_dax/remove_id"));
		rmdir(here(DRIVERS "/fsdev_dax"));
	}
}

int __wrap_posix_spawn(pid_t *pid, const char *path,
		       const posix_spawn_file_actions_t *actions,
		       const posix_spawnattr_t *attr, char *const *argv,
		       char *const *env)
{
	(void)actions;
	(void)attr;
	assert_string_equal(argv[0], "modprobe");
	assert_non_null(strstr(path, "sbin/modprobe"));
	if (world.modprobe < 0)
		return ENOENT;
	if (!world.modprobe && world.brings_driver)
		fsdev(true);
	if (!world.modprobe && world.brings_famfs)
		file("/proc/filesystems", "nodev\tsysfs\nnodev\tfamfs\n");
	return __real_posix_spawn(pid, world.modprobe ? "/bin/false"
						      : "/bin/true",
				  NULL, NULL, argv, env);
}

int __wrap_inuse_find(const char *path, pid_t *pid)
{
	assert_string_equal(path, NODE);
	*pid = 4711;
	return world.in_use;
}

int __wrap_flock(int fd, int op)
{
	(void)fd;
	assert_int_equal(op, LOCK_EX);
	errno = world.flock;
	world.flock = world.flock == EINTR ? 0 : world.flock;
	return errno ? -1 : 0;
}

static void modules_dep(bool has_it)
{
	file(MODULES "any/modules.dep",
	     has_it ? "kernel/fs/ext4/ext4.ko:\nkernel/dax/fsdev_dax.ko.xz:\n"
		    : "kernel/fs/ext4/ext4.ko:\n");
}

static void afresh(void)
{
	memset(&world, 0, sizeof(world));
	test_messages = 0;
	fsdev(true);
	modules_dep(false);
	driver("device_dax");
}

static void told(int rc, int want, const char *word)
{
	assert_int_equal(rc, want);
	assert_int_equal(test_messages, 1);
	if (!strstr(test_last, word))
		fail_msg("no '%s' in '%s'", word, test_last);
	test_messages = 0;
}

static void put_super(bool good)
{
	static const struct media_super sb = {
		.version = 48,
		.log_offset = MEDIA_LOG_OFFSET,
		.log_len = MEDIA_LOG_MIN,
		.alloc_unit = MEDIA_UNIT_2M,
		.omf_major = 2,
		.omf_minor = 2,
		.dev_size = 64 << 20,
	};
	uint8_t buf[MEDIA_SB_BYTES];
	int fd = open(here(NODE), O_RDWR | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	media_super_encode(&sb, buf);
	buf[0] ^= !good;
	assert_int_equal(write(fd, buf, sizeof(buf)), (ssize_t)sizeof(buf));
	assert_int_equal(ftruncate(fd, MEDIA_SB_LEN), 0);
	close(fd);
}

static void what_it_is(void **state)
{
	static const struct {
		const char *driver;
		enum daxmode mode;
	} modes[] = {
		{ "fsdev_dax", DAXMODE_FAMFS },
		{ "device_dax", DAXMODE_DEVDAX },
		{ "kmem", DAXMODE_RAM },
		{ "another", DAXMODE_OTHER },
		{ NULL, DAXMODE_NONE },
	};
	char longer[70];
	struct daxdev dev;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		driver(modes[i].driver);
		assert_int_equal(daxmode_of(NODE, &dev), 0);
		assert_int_equal(dev.mode, modes[i].mode);
		assert_string_equal(dev.name, "dax0.0");
		assert_int_equal(daxmode_named("dax0.0", &dev), 0);
		assert_int_equal(dev.mode, modes[i].mode);
	}
	/* What is no link, and what is a name too long */
	file(DEVICE "/driver", "");
	assert_int_equal(daxmode_of(NODE, &dev), -EINVAL);
	unlink(here(DEVICE "/driver"));
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(daxmode_named(longer, &dev), -ENAMETOOLONG);
	assert_int_equal(symlink(longer, here(DEVICE "/driver")), 0);
	assert_int_equal(daxmode_of(NODE, &dev), -ENAMETOOLONG);
	/* Other than of the bus */
	assert_int_equal(daxmode_of("/dev/null", &dev), 0);
	assert_int_equal(dev.mode, DAXMODE_NOT_DAX);
	assert_int_equal(daxmode_of("/", &dev), 0);
	assert_int_equal(dev.mode, DAXMODE_NOT_DAX);
	assert_int_equal(daxmode_of("/nowhere", &dev), -ENOENT);
	unlink(here(CHAR "/subsystem"));
	assert_int_equal(daxmode_of(NODE, &dev), 0);
	assert_int_equal(dev.mode, DAXMODE_NOT_DAX);
	assert_int_equal(symlink("../../bus/dax", here(CHAR "/subsystem")), 0);
}

static void left_alone(void **state)
{
	(void)state;
	afresh();
	told(daxmode_prepare("/nowhere", DAXMODE_CHANGE), -ENOENT,
	     "famfs devices");
	told(daxmode_prepare(NODE, DAXMODE_KEEP), -EOPNOTSUPP, "in devdax mode");
	driver(NULL);
	told(daxmode_prepare(NODE, DAXMODE_KEEP), -EOPNOTSUPP, "in no mode");
	driver("kmem");
	told(daxmode_prepare(NODE, DAXMODE_CHANGE), -EBUSY, "system RAM");
	driver("another");
	told(daxmode_prepare(NODE, DAXMODE_CHANGE), -EBUSY, "driver another");
	driver("fsdev_dax");
	assert_int_equal(daxmode_prepare(NODE, DAXMODE_KEEP), 0);
	assert_int_equal(daxmode_prepare("/dev/null", DAXMODE_CHANGE), 0);
	assert_int_equal(test_messages, 0);
}

static void switched(void **state)
{
	struct daxdev dev;

	(void)state;
	afresh();
	assert_int_equal(daxmode_prepare(NODE, DAXMODE_CHANGE), 0);
	assert_int_equal(daxmode_of(NODE, &dev), 0);
	assert_int_equal(dev.mode, DAXMODE_FAMFS);
	/* From no driver, after loading the one */
	fsdev(false);
	driver(NULL);
	modules_dep(true);
	world.brings_driver = true;
	assert_int_equal(daxmode_prepare(NODE, DAXMODE_CHANGE), 0);
	assert_int_equal(daxmode_of(NODE, &dev), 0);
	assert_int_equal(dev.mode, DAXMODE_FAMFS);
	assert_int_equal(test_messages, 0);
}

static void not_switched(void **state)
{
	struct daxdev dev;

	(void)state;
	afresh();
	world.in_use = 1;
	told(daxmode_prepare(NODE, DAXMODE_CHANGE), -EBUSY, "process 4711");
	world.in_use = -EACCES;
	told(daxmode_prepare(NODE, DAXMODE_CHANGE), -EACCES, "who uses it");
	world.in_use = 0;
	world.unbind = EPERM;
	told(daxmode_prepare(NODE, DAXMODE_CHANGE), -EPERM, "device_dax");
	world.unbind = 0;
	/* Who may not do it is told so, and nothing is tried */
	world.rights = EACCES;
	told(daxmode_prepare(NODE, DAXMODE_CHANGE), -EACCES, "needs root");
	told(daxmode_prepare(NODE, DAXMODE_IF_FAMFS), -EACCES, "devdax mode");
	driver(NULL);
	fsdev(false);
	modules_dep(true);
	told(daxmode_prepare(NODE, DAXMODE_CHANGE), -EACCES, "no mode");
	world.rights = EROFS;
	told(daxmode_prepare(NODE, DAXMODE_CHANGE), -EROFS, "Read-only");
	assert_int_equal(world.removed, 0);
	world.rights = 0;
	fsdev(true);
	modules_dep(false);
	driver("device_dax");
	/* What the driver does not take goes back */
	world.refuses = true;
	told(daxmode_prepare(NODE, DAXMODE_CHANGE), -ENODEV, "probe failed");
	assert_int_equal(world.bound_back, 1);
	assert_int_equal(world.removed, 1);
	assert_int_equal(daxmode_of(NODE, &dev), 0);
	assert_int_equal(dev.mode, DAXMODE_DEVDAX);
	unlink(here(DRIVERS "/fsdev_dax/new_id"));
	told(daxmode_prepare(NODE, DAXMODE_CHANGE), -ENOENT, "No such file");
	assert_int_equal(world.bound_back, 2);
	/* There was no driver before: none is given back */
	driver(NULL);
	fsdev(true);
	told(daxmode_prepare(NODE, DAXMODE_CHANGE), -ENODEV, "probe failed");
	assert_int_equal(world.bound_back, 2);

	fsdev(false);
	told(daxmode_prepare(NODE, DAXMODE_CHANGE), -EOPNOTSUPP, "no fsdev_dax");
	modules_dep(true);
	world.modprobe = 1;
	told(daxmode_prepare(NODE, DAXMODE_CHANGE), -EOPNOTSUPP, "no fsdev_dax");
	world.modprobe = 0;
	told(daxmode_prepare(NODE, DAXMODE_CHANGE), -EOPNOTSUPP, "no fsdev_dax");
	world.modprobe = -1;
	told(daxmode_prepare(NODE, DAXMODE_CHANGE), -EOPNOTSUPP, "no fsdev_dax");
}

/* One that is only to be mounted has to hold a file system */
static void looked_at(void **state)
{
	struct daxdev dev;

	(void)state;
	afresh();
	put_super(false);
	told(daxmode_prepare(NODE, DAXMODE_IF_FAMFS), -EUCLEAN, "no famfs");
	file(NODE, "");
	told(daxmode_prepare(NODE, DAXMODE_IF_FAMFS), -EIO, "can't read");
	assert_int_equal(daxmode_of(NODE, &dev), 0);
	assert_int_equal(dev.mode, DAXMODE_DEVDAX);
	put_super(true);
	file(DEVICE "/align", "4096\n");
	assert_int_equal(daxmode_prepare(NODE, DAXMODE_IF_FAMFS), 0);
	/* As much of it as can't be mapped */
	afresh();
	file(DEVICE "/align", "9223372036854775808\n");
	told(daxmode_prepare(NODE, DAXMODE_IF_FAMFS), -ENOMEM, "can't read");
	unlink(here(DEVICE "/align"));
	assert_int_equal(daxmode_prepare(NODE, DAXMODE_IF_FAMFS), 0);
	assert_int_equal(test_messages, 0);
}

static void locks(void **state)
{
	int lock;

	(void)state;
	afresh();
	/* Only of the mode that is mounted */
	assert_int_equal(daxmode_lock(NODE), -1);
	assert_int_equal(daxmode_lock("/nowhere"), -1);
	daxmode_unlock(-1);
	driver("fsdev_dax");
	world.flock = EINTR;
	lock = daxmode_lock(NODE);
	assert_true(lock >= 0);
	daxmode_unlock(lock);
	world.flock = ENOLCK;
	assert_int_equal(daxmode_lock(NODE), -1);
}

static void modules(void **state)
{
	(void)state;
	afresh();
	file("/proc/filesystems", "nodev\tsysfs\nnodev\tfamfsx\n\text4\n");
	world.modprobe = 1;
	told(module_load(), -ENOENT, "modprobe failed");
	world.modprobe = -1;
	told(module_load(), -ENOENT, "modprobe");
	world.modprobe = 0;
	told(module_load(), -ENODEV, "famfs module");
	world.brings_famfs = true;
	assert_int_equal(module_load(), 0);
	world.modprobe = -1;
	assert_int_equal(module_load(), 0);
	unlink(here("/proc/filesystems"));
	told(module_load(), -ENOENT, "famfs module");
}

static int make_world(void **state)
{
	static const char * const dirs[] = {
		"/dev", "/proc", "/sys", "/sys/bus", "/sys/bus/dax",
		"/sys/bus/dax/devices", DEVICE, DRIVERS,
		DRIVERS "/device_dax", "/sys/dev", "/sys/dev/char",
	};
	char path[128];
	size_t i;

	(void)state;
	if (!mkdtemp(dir))
		return -1;
	for (i = 0; i < ARRAY_SIZE(dirs); i++) {
		snprintf(path, sizeof(path), "%s%s", dir, dirs[i]);
		if (mkdir(path, 0700))
			return -1;
	}
	if (symlink("../../bus/dax/devices/dax0.0", here(CHAR)) ||
	    symlink("../../../bus/dax", here(DEVICE "/subsystem")))
		return -1;
	put_super(true);
	file(DRIVERS "/device_dax/unbind", "");
	file(DRIVERS "/device_dax/bind", "");
	file("/sys/bus/dax/drivers_probe", "");
	famfs_set_sink(test_sink);
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int remove_world(void **state)
{
	(void)state;
	famfs_set_sink(NULL);
	return nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		CASE(what_it_is),
		CASE(left_alone),
		CASE(switched),
		CASE(not_switched),
		CASE(looked_at),
		CASE(locks),
		CASE(modules),
	};

	return cmocka_run_group_tests_name("daxmode", cases, make_world,
					   remove_world);
}
