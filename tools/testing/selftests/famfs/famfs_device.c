// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The devices of the famfs selftests: which of them a test may use, and what
 * the kernel says of each; see famfs_test.h.
 */
#include <glob.h>
#include <libgen.h>
#include <sys/sysmacros.h>

#include "famfs_test.h"

/* The devices of a machine are all of the one kind, or all of the other. */
static const char * const first_devices[] = { "/dev/dax0.0", "/dev/pmem0" };
static const char * const second_devices[] = { "/dev/dax1.0", "/dev/pmem1" };

/* Of the paths, the first one that exists; else the first one. */
static const char *existing(const char * const paths[2])
{
	return paths[access(paths[0], F_OK) && !access(paths[1], F_OK)];
}

/**
 * device() - path of the device under test
 *
 * Return: what the environment says, else the first of the machine; the same
 * in each call, though a disk's node goes with its driver.
 */
const char *device(void)
{
	static const char *path;

	if (!path)
		path = getenv("FAMFS_DEV") ?: existing(first_devices);
	return path;
}

/**
 * is_block() - is this a block device, as /dev/pmem0, and not a character one?
 * @dev: path of the device
 *
 * Return: whether it is.
 */
bool is_block(const char *dev)
{
	struct stat st;

	return stat(dev, &st) == 0 && S_ISBLK(st.st_mode);
}

/* The directory of a device in sysfs, with one of its files. */
static int device_sysfs(const char *dev, const char *file, char *path,
			size_t size)
{
	struct stat st;

	if (stat(dev, &st))
		return -errno;
	if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode))
		return -ENODEV;
	snprintf(path, size, "/sys/dev/%s/%u:%u/%s",
		 S_ISCHR(st.st_mode) ? "char" : "block", major(st.st_rdev),
		 minor(st.st_rdev), file);
	return 0;
}

/* Block devices are many; a partition is what its disk is. */
static bool block_is_dax(const char *dev)
{
	static const char * const files[] = { "queue/dax", "../queue/dax" };
	char path[128], text[32];

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		if (!device_sysfs(dev, files[i], path, sizeof(path)) &&
		    !read_text(path, text, sizeof(text)))
			return atoi(text);
	}
	return false;
}

/**
 * device_size() - bytes of a dax device, as the kernel lists them
 * @dev: path of the device
 *
 * Return: size in bytes; 0 if it is not a dax device.
 */
__u64 device_size(const char *dev)
{
	char path[128], text[32];
	__u64 size;

	if (device_sysfs(dev, "size", path, sizeof(path)) ||
	    read_text(path, text, sizeof(text)))
		return 0;
	size = strtoull(text, NULL, 0);
	if (!is_block(dev))
		return size;
	return block_is_dax(dev) ? size * 512 / PAGE * PAGE : 0;
}

/**
 * device_driver() - which driver a device is bound to
 * @dev: path of the device
 * @name: where the driver's name goes
 * @size: bytes at @name
 *
 * Return: 0 or -errno; -ENOENT if it has no driver.
 */
int device_driver(const char *dev, char *name, size_t size)
{
	char path[128], target[256];
	ssize_t len;
	int err;

	err = device_sysfs(dev, is_block(dev) ? "device/driver" : "driver",
			   path, sizeof(path));
	if (err)
		return err;
	len = readlink(path, target, sizeof(target) - 1);
	if (len < 0)
		return -errno;
	target[len] = '\0';
	snprintf(name, size, "%s", basename(target));
	return 0;
}

/**
 * device_write_cache() - does the processor's cache lose a device's data with
 *	its power?
 * @dev: path of the device
 * @value: "0" or "1" to correct what the kernel believes; NULL to ask
 *
 * Where it does, famfs writes the cache back even if a mount is coherent.
 *
 * Return: 0, or 0 or 1 if asked; -errno where nobody says, which is so for
 * character devices.
 */
int device_write_cache(const char *dev, const char *value)
{
	char path[128], text[16];
	int err;

	snprintf(path, sizeof(path), "/sys/block/%s/dax/write_cache",
		 strrchr(dev, '/') + 1);
	if (value)
		return write_text(path, value);
	err = read_text(path, text, sizeof(text));
	return err ?: atoi(text);
}

/**
 * device_node() - make another node of a device
 * @dev: path of the device
 * @path: of the new node
 * @mode: its permission bits, whatever the umask
 *
 * Return: 0 or -errno.
 */
int device_node(const char *dev, const char *path, mode_t mode)
{
	struct stat st;

	if (stat(dev, &st) || mknod(path, st.st_mode & S_IFMT, st.st_rdev))
		return -errno;
	return ERR(chmod(path, mode));
}

/* In a child: -1 if the device holds a famfs file system, else 0. */
static int holds_famfs(void *dev)
{
	struct span start = { .offset = 0, .len = PAGE };
	struct fmap *map = fmap_of(PAGE, &start, 1);
	__u64 magic = 0;
	int fd;

	map->head.file_type = FAMFS_FILE_SUPERBLOCK;
	if (private_mounts() || mount(dev, ROOT, "famfs", 0, NULL))
		return 0;
	fd = create_empty(ROOT "/superblock");
	if (fd < 0 || map_create(fd, map))
		return 0;
	if (pread(fd, &magic, sizeof(magic), 0) != sizeof(magic))
		return 0;
	return magic == FAMFS_SUPER_MAGIC ? -1 : 0;
}

/**
 * device_may_be_used() - may a test overwrite a device nobody named to it?
 * @dev: path of the device
 *
 * Return: whether it is a dax device without a famfs file system.
 */
bool device_may_be_used(const char *dev)
{
	return device_size(dev) && !in_child(holds_famfs, (void *)dev);
}

/**
 * device2() - path of a second device that may be overwritten
 *
 * Return: what the environment says, else the second of the machine unless it
 * holds a file system; NULL if there is no such device.
 */
const char *device2(void)
{
	const char *dev = getenv("FAMFS_DEV2");

	if (dev)
		return device_size(dev) ? dev : NULL;
	dev = existing(second_devices);
	return device_may_be_used(dev) ? dev : NULL;
}

/* In devdax mode it carries no file system. */
static bool in_devdax_mode(const char *dev)
{
	char driver[64];

	return !is_block(dev) &&
	       (device_driver(dev, driver, sizeof(driver)) ||
		!strcmp(driver, "device_dax"));
}

static bool is_partition(const char *dev)
{
	char path[128];

	return is_block(dev) &&
	       !device_sysfs(dev, "partition", path, sizeof(path)) &&
	       !access(path, F_OK);
}

/**
 * devices() - all devices that a test may overwrite
 * @paths: where their paths go, the device under test first
 * @max: how many there is room for
 *
 * Where the environment names a second device, the two are all.
 *
 * Return: how many there are.
 */
int devices(const char *paths[], int max)
{
	glob_t nodes;
	int n = 0;

	paths[n++] = device();
	if (getenv("FAMFS_DEV2")) {
		if (device2() && n < max)
			paths[n++] = device2();
		return n;
	}
	glob("/dev/dax[0-9]*", 0, NULL, &nodes);
	glob("/dev/pmem[0-9]*", GLOB_APPEND, NULL, &nodes);
	for (size_t i = 0; i < nodes.gl_pathc && n < max; i++) {
		const char *path = nodes.gl_pathv[i];

		if (strcmp(path, device()) && !in_devdax_mode(path) &&
		    !is_partition(path) && device_may_be_used(path))
			paths[n++] = strdup(path);
	}
	globfree(&nodes);
	return n;
}

/**
 * block_device() - path of a disk that a test may overwrite
 *
 * Return: the device under test if it is one, else another; NULL if none is.
 */
const char *block_device(void)
{
	const char *paths[FAMFS_MAX_DAXDEVS];
	int n = devices(paths, ARRAY_SIZE(paths));

	for (int i = 0; i < n; i++)
		if (is_block(paths[i]))
			return paths[i];
	return NULL;
}

/**
 * daxdev_open() - FAMFSIOC_DAXDEV_OPEN
 * @fd: any file of the mount
 * @index: that the device shall have
 * @path: of the device
 *
 * Return: 0 or -errno.
 */
int daxdev_open(int fd, __u64 index, const char *path)
{
	struct famfs_daxdev request = {
		.daxdev_index = index,
		.path = (uintptr_t)path,
		.pathlen = strlen(path),
	};

	return ERR(ioctl(fd, FAMFSIOC_DAXDEV_OPEN, &request));
}

/**
 * opts() - FAMFSIOC_GET_OPTS, SET_OPTS and CLEAR_OPTS
 * @fd: any file of the mount
 * @cmd: which of them
 * @bits: FAMFS_OPT_ bits
 *
 * Return: the bits afterwards, or -errno.
 */
long opts(int fd, unsigned long cmd, __u64 bits)
{
	return ioctl(fd, cmd, &bits) ? -errno : (long)bits;
}
