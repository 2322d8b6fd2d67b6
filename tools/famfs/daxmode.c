// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Brings a dax device into the mode that famfs can mount: off the driver for
 * raw mapping, on to the kernel's fsdev_dax. Memory that the system uses as RAM
 * is never taken away from it, and a device that the new driver does not want
 * goes back to the old one.
 *
 * Whoever has a device mapped loses that memory when the driver goes, so one in
 * use is left alone. And one that is only to be mounted or checked, where a typo
 * in its name is all it takes, is first looked at through the raw mapping that
 * its mode offers: it has to hold a famfs file system.
 *
 * libdaxctl knows the modes of raw mapping and of system RAM but not this one,
 * so the dax bus is spoken to in sysfs.
 */
#include "daxmode.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cpucache.h"
#include "inuse.h"
#include "util.h"

#define BUS		"/sys/bus/dax"
#define FSDEV		"fsdev_dax"

/* Last part of where a link in sysfs leads to */
static int link_name(const char *path, char *name, size_t size)
{
	char target[PATH_MAX];
	const char *base;
	ssize_t n;

	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return -errno;
	target[n] = '\0';
	base = strrchr(target, '/');
	base = base ? base + 1 : target;
	if (strlen(base) >= size)
		return -ENAMETOOLONG;
	strcpy(name, base);
	return 0;
}

static int write_sysfs(const char *path, const char *text)
{
	int fd, rc = 0;

	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

/* Not by PATH: mount(8) leaves its helpers none, and a user's has no sbin */
static int modprobe(const char *module)
{
	static const char * const paths[] = { "/sbin/modprobe",
					      "/usr/sbin/modprobe" };
	char *argv[4] = { "modprobe", "-q", (char *)module, NULL };
	int status, rc = ENOENT;
	pid_t pid;
	size_t i;

	for (i = 0; rc == ENOENT && i < ARRAY_SIZE(paths); i++)
		rc = posix_spawn(&pid, paths[i], NULL, NULL, argv, environ);
	if (rc)
		return -rc;
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -ENOENT;
}

static int read_driver(struct daxdev *dev)
{
	char path[PATH_MAX];
	int rc;

	snprintf(path, sizeof(path), BUS "/devices/%s/driver", dev->name);
	rc = link_name(path, dev->driver, sizeof(dev->driver));
	if (rc == -ENOENT) {
		dev->driver[0] = '\0';
		dev->mode = DAXMODE_NONE;
		return 0;
	}
	if (rc)
		return rc;
	if (!strcmp(dev->driver, FSDEV))
		dev->mode = DAXMODE_FAMFS;
	else if (!strcmp(dev->driver, "device_dax"))
		dev->mode = DAXMODE_DEVDAX;
	else if (!strcmp(dev->driver, "kmem"))
		dev->mode = DAXMODE_RAM;
	else
		dev->mode = DAXMODE_OTHER;
	return 0;
}

/**
 * daxmode_named() - find out about a device of the dax bus
 * @name: as in sysfs: dax0.0
 * @dev: what it is
 *
 * Return: 0 or a negative error number
 */
int daxmode_named(const char *name, struct daxdev *dev)
{
	*dev = (struct daxdev){ .mode = DAXMODE_NONE };
	if (strlen(name) >= sizeof(dev->name))
		return -ENAMETOOLONG;
	strcpy(dev->name, name);
	return read_driver(dev);
}

/**
 * daxmode_of() - find out about a device node
 * @path: of the node
 * @dev: what it is; DAXMODE_NOT_DAX for all but devices of the dax bus
 *
 * Return: 0 or a negative error number
 */
int daxmode_of(const char *path, struct daxdev *dev)
{
	char link[PATH_MAX], subsystem[64];
	struct stat st;

	*dev = (struct daxdev){ .mode = DAXMODE_NOT_DAX };
	if (stat(path, &st))
		return -errno;
	if (!S_ISCHR(st.st_mode))
		return 0;
	snprintf(link, sizeof(link), "/sys/dev/char/%u:%u/subsystem",
		 major(st.st_rdev), minor(st.st_rdev));
	if (link_name(link, subsystem, sizeof(subsystem)) ||
	    strcmp(subsystem, "dax"))
		return 0;
	snprintf(link, sizeof(link), "/sys/dev/char/%u:%u",
		 major(st.st_rdev), minor(st.st_rdev));
	if (link_name(link, dev->name, sizeof(dev->name)))
		return 0;
	return read_driver(dev);
}

static int unbind(const struct daxdev *dev)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), BUS "/drivers/%s/unbind", dev->driver);
	return write_sysfs(path, dev->name);
}

/* The device maps whole units of its alignment, at multiples of that */
static size_t map_unit(const struct daxdev *dev)
{
	char path[PATH_MAX], text[32];
	uint64_t unit = 0;
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), BUS "/devices/%s/align", dev->name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	if (n > 0) {
		text[n] = '\0';
		unit = strtoull(text, NULL, 10);
	}
	return unit && unit <= SIZE_MAX ? unit : MEDIA_SB_LEN;
}

/**
 * daxmode_copy() - copy out what a device in devdax mode starts with
 * @path: of the device node
 * @dev: what daxmode_of() says of it
 * @to: a file; its contents are the bytes then
 * @len: how many; no more than a device maps at a time
 *
 * The kernel copies: where memory is bad or gone, that fails, and a load of our
 * own would end the program. So it copies once, and once more when this
 * processor's cache is known to be of no age.
 *
 * Return: 0 or a negative error number
 */
int daxmode_copy(const char *path, const struct daxdev *dev, int to,
		 size_t len)
{
	size_t room = map_unit(dev);
	int fd, i, rc = 0;
	ssize_t n;
	void *map;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (room < len)
		room = round_up_pow2(len, room);
	map = mmap(NULL, room, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		rc = -errno;
	for (i = 0; i < 2 && !rc; i++) {
		if (i)
			cpucache_invalidate(map, len);
		n = pwrite(to, map, len, 0);
		if (n != (ssize_t)len)
			rc = -EIO;
	}
	if (map != MAP_FAILED)
		munmap(map, room);
	close(fd);
	return rc;
}

/**
 * daxmode_load_super() - copy out the superblock of a device in devdax mode
 * @path: of the device node
 * @dev: what daxmode_of() says of it
 * @buf: gets the bytes
 *
 * Return: 0 or a negative error number
 */
int daxmode_load_super(const char *path, const struct daxdev *dev,
		       uint8_t buf[MEDIA_SB_BYTES])
{
	int fd, rc;

	fd = memfd_create("superblock", MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	rc = daxmode_copy(path, dev, fd, MEDIA_SB_BYTES);
	if (!rc && pread(fd, buf, MEDIA_SB_BYTES, 0) != MEDIA_SB_BYTES)
		rc = -EIO;
	close(fd);
	return rc;
}

static int check_famfs(const char *path, const struct daxdev *dev)
{
	uint8_t buf[MEDIA_SB_BYTES];
	struct media_super sb;
	enum media_err err;
	int rc;

	rc = daxmode_load_super(path, dev, buf);
	if (rc) {
		famfs_err("%s: can't read its superblock (%s), and the device is in devdax mode: left as it is",
			  path, strerror(-rc));
		return rc;
	}
	err = media_super_decode(&sb, buf);
	if (!err)
		return 0;
	famfs_err("%s: there is no famfs file system on it (%s), and the device is in devdax mode: left as it is; mkfs.famfs -M makes one",
		  path, media_strerror(err));
	return -EUCLEAN;
}

/* Nobody is kept from taking it right after: this is for honest mistakes */
static int check_unused(const char *path)
{
	pid_t pid;
	int rc = inuse_find(path, &pid);

	if (rc > 0) {
		famfs_err("%s: is in use by process %d, which would lose the memory: left as it is; end that process first",
			  path, (int)pid);
		return -EBUSY;
	}
	if (rc)
		famfs_err("%s: can't tell who uses it: %s", path, strerror(-rc));
	return rc;
}

static bool in_list(const char *list, const char *module)
{
	struct utsname u;
	char path[PATH_MAX], *line = NULL;
	bool found = false;
	size_t size = 0;
	FILE *f;

	if (uname(&u))
		return false;
	snprintf(path, sizeof(path), "/lib/modules/%s/%s", u.release, list);
	f = fopen(path, "re");
	if (!f)
		return false;
	while (!found && getline(&line, &size, f) > 0) {
		/* "PATH/MODULE.ko.xz: what it depends on" */
		line[strcspn(line, ":\n")] = '\0';
		found = strstr(line, module);
	}
	free(line);
	fclose(f);
	return found;
}

/**
 * daxmode_kernel_can() - tell whether this kernel can carry famfs on /dev/dax
 *
 * Return: true if it has the driver for that, or could load it
 */
bool daxmode_kernel_can(void)
{
	return !access(BUS "/drivers/" FSDEV, F_OK) ||
	       in_list("modules.dep", "/" FSDEV ".ko") ||
	       in_list("modules.builtin", "/" FSDEV ".ko");
}

static int kernel_cannot(const char *path)
{
	struct utsname u = { .release = "" };

	uname(&u);
	famfs_err("%s: this kernel, %s, can't carry famfs on a /dev/dax device, as it has no fsdev_dax driver (Linux 7.1 and later, CONFIG_DEV_DAX_FSDEV); persistent memory can carry it here as a block device: ndctl create-namespace -f -e NAMESPACE --mode=fsdax",
		  path, u.release);
	return -EOPNOTSUPP;
}

/* Before anything is tried, a module loaded or a driver let go of */
static int check_rights(const char *path, const struct daxdev *dev)
{
	const char *file = BUS "/drivers/" FSDEV "/new_id";
	int rc;

	if (access(file, F_OK))
		file = BUS "/drivers_probe";	/* the driver is not loaded yet */
	if (!access(file, W_OK) || errno == ENOENT)
		return 0;
	rc = -errno;
	famfs_err("%s: is in %s mode, and this process may not change that: %s%s",
		  path, dev->mode == DAXMODE_DEVDAX ? "devdax" : "no",
		  strerror(-rc), rc == -EACCES ? "; this needs root" : "");
	return rc;
}

static int change_mode(const char *path, struct daxdev *dev)
{
	struct daxdev old = *dev;
	int rc;

	if (access(BUS "/drivers/" FSDEV, F_OK) &&
	    (modprobe(FSDEV) || access(BUS "/drivers/" FSDEV, F_OK)))
		return kernel_cannot(path);
	if (old.mode == DAXMODE_DEVDAX) {
		rc = check_unused(path);
		if (rc)
			return rc;
		rc = unbind(&old);
		if (rc) {
			famfs_err("%s: can't take it off driver %s: %s%s",
				  path, old.driver, strerror(-rc),
				  rc == -EACCES ? "; this needs root" : "");
			return rc;
		}
	}
	rc = write_sysfs(BUS "/drivers/" FSDEV "/new_id", dev->name);
	if (!rc)
		rc = read_driver(dev);
	if (!rc && dev->mode == DAXMODE_FAMFS) {
		famfs_info("%s: now in the mode that famfs mounts", path);
		return 0;
	}

	write_sysfs(BUS "/drivers/" FSDEV "/remove_id", old.name);
	if (old.mode == DAXMODE_DEVDAX)
		write_sysfs(BUS "/drivers/device_dax/bind", old.name);
	famfs_err("%s: driver fsdev_dax does not take the device (%s); the kernel log may say why (dmesg)",
		  path, rc ? strerror(-rc) : "its probe failed");
	return rc ? rc : -ENODEV;
}

/* A device that the kernel has, and that nobody made a node for */
static bool has_device(const char *path, char *cmd, size_t size)
{
	static const struct {
		const char *dir;
		char type;
	} from[] = { { BUS "/devices", 'c' }, { "/sys/class/block", 'b' } };
	const char *base = strrchr(path, '/');
	unsigned int ma, mi;
	char file[PATH_MAX];
	bool found = false;
	size_t i;
	FILE *f;

	if (!base || strncmp(path, "/dev/", strlen("/dev/")) ||
	    !strcmp(base, "/.."))
		return false;
	for (i = 0; !found && i < ARRAY_SIZE(from); i++) {
		snprintf(file, sizeof(file), "%s%s/dev", from[i].dir, base);
		f = fopen(file, "re");
		if (!f)
			continue;
		found = fscanf(f, "%u:%u", &ma, &mi) == 2;
		fclose(f);
		if (found)
			snprintf(cmd, size, "mknod -m 0600 %s %c %u %u", path,
				 from[i].type, ma, mi);
	}
	return found;
}

static bool dryrun;

/**
 * daxmode_set_dryrun() - choose whether daxmode_prepare() changes any mode
 * @on: true for a dry run, in which it says what it would have to do
 */
void daxmode_set_dryrun(bool on)
{
	dryrun = on;
}

/**
 * daxmode_prepare() - see to it that famfs can mount a device
 * @path: of the device node
 * @change: whether the device's mode may be changed, if need be
 *
 * What is no device of the dax bus is left for the kernel to judge.
 *
 * Return: 0, or a negative error number after a message
 */
int daxmode_prepare(const char *path, enum daxmode_change change)
{
	struct daxdev dev;
	char node[512];
	int rc;

	rc = daxmode_of(path, &dev);
	if (rc == -ENOENT && has_device(path, node, sizeof(node)))
		famfs_err("%s: the device is there and its node is missing; %s makes it",
			  path, node);
	else if (rc)
		famfs_err("%s: %s; see famfs devices for what there is", path,
			  strerror(-rc));
	if (rc)
		return rc;
	switch (dev.mode) {
	case DAXMODE_FAMFS:
	case DAXMODE_NOT_DAX:
		return 0;
	case DAXMODE_RAM:
		famfs_err("%s: is in use as system RAM; take it back first, with daxctl reconfigure-device --mode=devdax --force %s",
			  path, dev.name);
		return -EBUSY;
	case DAXMODE_OTHER:
		famfs_err("%s: belongs to driver %s, which famfs does not know; unbind it first",
			  path, dev.driver);
		return -EBUSY;
	case DAXMODE_DEVDAX:
	case DAXMODE_NONE:
		break;
	}
	if (!daxmode_kernel_can())
		return kernel_cannot(path);
	if (change != DAXMODE_KEEP && dryrun) {
		famfs_err("%s: is in %s mode, which a dry run does not change: so it can't be looked at",
			  path, dev.mode == DAXMODE_DEVDAX ? "devdax" : "no");
		return -EOPNOTSUPP;
	}
	if (change != DAXMODE_KEEP) {
		rc = check_rights(path, &dev);
		/* Without a driver there is no way to look, and no user */
		if (!rc && change == DAXMODE_IF_FAMFS && dev.mode == DAXMODE_DEVDAX)
			rc = check_famfs(path, &dev);
		return rc ? rc : change_mode(path, &dev);
	}
	famfs_err("%s: is in %s mode, which famfs can't mount; give -M to the famfs and mkfs.famfs commands (mount -t famfs does it unless told -o nomode)",
		  path, dev.mode == DAXMODE_DEVDAX ? "devdax" : "no");
	return -EOPNOTSUPP;
}

/**
 * daxmode_lock() - wait for whoever is about to hold a device
 * @path: of the device node
 *
 * A mount can have only devices that nobody holds, and who looks at what may be
 * anybody's devices, to find one of his, holds each for a moment. With the node
 * locked around that, neither finds it busy because of the other. Nodes other
 * than of the dax bus are not opened: that might have effects.
 *
 * Return: what daxmode_unlock() takes; where there was nothing to lock, that
 * does nothing
 */
int daxmode_lock(const char *path)
{
	struct daxdev dev;
	int fd;

	if (daxmode_of(path, &dev) || dev.mode != DAXMODE_FAMFS)
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && flock(fd, LOCK_EX)) {
		if (errno == EINTR)
			continue;
		close(fd);
		fd = -1;
	}
	return fd;
}

/**
 * daxmode_unlock() - let others hold a device
 * @lock: from daxmode_lock()
 */
void daxmode_unlock(int lock)
{
	if (lock >= 0)
		close(lock);
}

static bool have_filesystem(void)
{
	FILE *f = fopen("/proc/filesystems", "re");
	bool found = false;
	char line[128];

	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f)) {
		char *name = strrchr(line, '\t');

		line[strcspn(line, "\n")] = '\0';
		found = name && !strcmp(name + 1, "famfs");
	}
	fclose(f);
	return found;
}

/**
 * module_load() - load the famfs module, unless the kernel has it
 *
 * Return: 0, or a negative error number after a message
 */
int module_load(void)
{
	int rc;

	if (have_filesystem())
		return 0;
	rc = modprobe("famfs");
	if (!rc && have_filesystem())
		return 0;
	famfs_err("can't load the famfs module (%s); modprobe famfs tells more, and it has to be built for this kernel",
		  rc == -ENOENT ? "modprobe failed" : strerror(-rc));
	return rc ? rc : -ENODEV;
}
