// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Finding devices. The log names a further device of a file system by its uuid,
 * since each machine has paths of its own; so all devices that could be the one
 * are looked at, each in the way that its mode allows, and only once.
 *
 * Nobody has named the devices that are looked at, so nothing of them changes,
 * and one that can't be looked at, as it is in use, is passed over.
 */
#include "devices.h"

#include <ctype.h>
#include <daxctl/libdaxctl.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <uuid/uuid.h>

#include "kernel.h"
#include "medium.h"
#include "meta.h"
#include "mountapi.h"
#include "util.h"

#define BLOCK		"/sys/class/block"

static struct device *more(struct devices *d)
{
	struct device *dev;

	dev = reallocarray(d->dev, d->count + 1, sizeof(*dev));
	if (!dev)
		return NULL;
	d->dev = dev;
	dev += d->count++;
	*dev = (struct device){ .node = -1 };
	return dev;
}

static int add_dax(struct devices *d, struct daxctl_dev *from)
{
	struct device *dev = more(d);

	if (!dev)
		return -ENOMEM;
	snprintf(dev->path, sizeof(dev->path), "/dev/%s",
		 daxctl_dev_get_devname(from));
	dev->size = daxctl_dev_get_size(from);
	dev->node = daxctl_dev_get_target_node(from);
	return daxmode_named(daxctl_dev_get_devname(from), &dev->dax);
}

static int scan_dax(struct devices *d)
{
	struct daxctl_region *region;
	struct daxctl_ctx *ctx;
	struct daxctl_dev *dev;
	int rc;

	rc = daxctl_new(&ctx);
	if (rc)
		return rc;
	daxctl_region_foreach(ctx, region) {
		daxctl_dev_foreach(region, dev) {
			rc = add_dax(d, dev);
			if (rc)
				goto out;
		}
	}
out:
	daxctl_unref(ctx);
	return rc;
}

/* A number in a file of a block device, or of the one it is a partition of */
static bool block_number(const char *name, const char *file, int64_t *value)
{
	static const char * const from[] = { "", "../" };
	char path[PATH_MAX];
	bool found = false;
	size_t i;
	FILE *f;

	for (i = 0; !found && i < ARRAY_SIZE(from); i++) {
		snprintf(path, sizeof(path), BLOCK "/%s/%s%s", name, from[i],
			 file);
		f = fopen(path, "re");
		if (!f)
			continue;
		found = fscanf(f, "%" SCNd64, value) == 1;
		fclose(f);
	}
	return found;
}

static int add_block(struct devices *d, const char *name)
{
	int64_t dax = 0, size = 0, node = -1;
	struct device *dev;

	block_number(name, "queue/dax", &dax);
	if ((!dax && strncmp(name, "pmem", strlen("pmem"))) ||
	    strlen(name) >= sizeof(dev->dax.name))
		return 0;
	dev = more(d);
	if (!dev)
		return -ENOMEM;
	block_number(name, "size", &size);
	block_number(name, "device/numa_node", &node);
	dev->dax.mode = DAXMODE_NOT_DAX;
	strcpy(dev->dax.name, name);
	snprintf(dev->path, sizeof(dev->path), "/dev/%s", dev->dax.name);
	dev->size = (uint64_t)size * 512;
	dev->node = node;
	dev->block = true;
	dev->block_dax = dax;
	return 0;
}

static int scan_block(struct devices *d)
{
	struct dirent *e;
	int rc = 0;
	DIR *dir;

	dir = opendir(BLOCK);
	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while (!rc && (e = readdir(dir))) {
		if (e->d_name[0] != '.')
			rc = add_block(d, e->d_name);
	}
	closedir(dir);
	return rc;
}

/* As people count: dax2.0 is before dax10.0 */
static int by_name(const void *a, const void *b)
{
	const struct device *x = a, *y = b;

	return strverscmp(x->dax.name, y->dax.name);
}

/**
 * devices_scan() - list the devices of this machine
 * @d: to fill; goes to devices_free()
 *
 * None is opened.
 *
 * Return: 0 or a negative error number
 */
int devices_scan(struct devices *d)
{
	int rc;

	*d = (struct devices){ 0 };
	rc = scan_dax(d);
	if (!rc)
		rc = scan_block(d);
	if (!rc && d->count)
		qsort(d->dev, d->count, sizeof(*d->dev), by_name);
	if (rc)
		devices_free(d);
	return rc;
}

/**
 * devices_free() - let go of a list of devices
 * @d: from devices_scan()
 */
void devices_free(struct devices *d)
{
	free(d->dev);
	*d = (struct devices){ 0 };
}

/* By read(2) and write(2): bad memory is an error, and no reason to end */
static int copy(int from, int to, size_t len)
{
	void *buf;
	int rc;

	rc = -posix_memalign(&buf, MEDIA_PAGE, len);
	if (rc)
		return rc;
	errno = EIO;
	if (pread(from, buf, len, 0) != (ssize_t)len ||
	    pwrite(to, buf, len, 0) != (ssize_t)len)
		rc = -errno;
	free(buf);
	return rc;
}

static int copy_mounted(const struct device *dev, int to, size_t len)
{
	struct medium super = { .fd = -1 };
	int mount, lock, rc;

	mount = mount_glance(dev->path, &lock);
	if (mount < 0)
		return mount;
	rc = meta_make_super(mount);
	if (!rc)
		rc = meta_open(mount, META_SUPER, false, true, &super);
	if (!rc) {
		medium_drop(&super, 0, len);
		rc = copy(super.fd, to, len);
	}
	medium_close(&super);
	mount_glance_end(mount, lock);
	return rc;
}

/* Past the page cache, which knows nothing of what other machines write */
static int copy_block(const struct device *dev, int to, size_t len)
{
	int fd, rc;

	fd = open(dev->path, O_RDONLY | O_DIRECT | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	rc = copy(fd, to, len);
	close(fd);
	return rc;
}

static int copy_start(const struct device *dev, int to, size_t len)
{
	if (dev->block)
		return copy_block(dev, to, len);
	if (dev->dax.mode == DAXMODE_FAMFS)
		return copy_mounted(dev, to, len);
	if (dev->dax.mode == DAXMODE_DEVDAX)
		return daxmode_copy(dev->path, &dev->dax, to, len);
	return -ENXIO;
}

static int memory_file(const struct device *dev, size_t len, int *fd)
{
	int rc;

	*fd = memfd_create("famfs", MFD_CLOEXEC);
	if (*fd < 0)
		return -errno;
	rc = copy_start(dev, *fd, len);
	if (rc)
		close(*fd);
	return rc;
}

/**
 * devices_start() - copy out what a device starts with
 * @dev: the device
 * @fd: gets a file with that, as long as a superblock's place
 *
 * Return: as devices_look()
 */
int devices_start(const struct device *dev, int *fd)
{
	return memory_file(dev, MEDIA_SB_LEN, fd);
}

/**
 * devices_look() - see what is in the place of a device's superblock
 * @dev: the device; its @start is filled
 *
 * Return: 0; -EBUSY where it is mounted or held by somebody; -ENXIO where its
 * mode is none that shows the memory; or another negative error number
 */
int devices_look(struct device *dev)
{
	int fd;

	if (dev->looked)
		return dev->rc;
	dev->looked = true;
	dev->rc = memory_file(dev, MEDIA_PAGE, &fd);
	if (dev->rc)
		return dev->rc;
	if (pread(fd, dev->start, sizeof(dev->start), 0) !=
	    sizeof(dev->start))
		dev->rc = -EIO;
	close(fd);
	return dev->rc;
}

/* Is this the further device of this file system with that uuid? */
static bool is_it(struct device *dev, const struct media_super *sb,
		  const struct media_daxdev *e)
{
	struct media_super other;

	return !devices_look(dev) &&
	       !media_super_decode(&other, dev->start) &&
	       other.flags & MEDIA_SB_SECONDARY &&
	       !uuid_compare(other.fs_uuid, sb->fs_uuid) &&
	       !uuid_compare(other.dev_uuid, e->uuid);
}

static int open_one(const struct device *dev, int fd,
		    const struct media_daxdev *e, const char *name,
		    bool keep_mode)
{
	int lock, rc;

	rc = dev->block ? 0 : daxmode_prepare(dev->path,
					      keep_mode ? DAXMODE_KEEP
							: DAXMODE_IF_FAMFS);
	if (rc)
		return rc;
	lock = daxmode_lock(dev->path);
	rc = kern_daxdev_open(fd, e->index, dev->path);
	daxmode_unlock(lock);
	if (rc) {
		famfs_err("%s: %s, its device %u, %s", name, dev->path,
			  e->index, kern_daxdev_strerror(rc));
		return rc;
	}
	if (dev->size < e->size)
		famfs_warn("%s: %s, its device %u, has %llu bytes and had %llu; files past its end will be missing",
			   name, dev->path, e->index,
			   (unsigned long long)dev->size,
			   (unsigned long long)e->size);
	famfs_info("%s: device %u is %s", name, e->index, dev->path);
	return 0;
}

/**
 * devices_open() - find a further device of a file system, for its mount
 * @d: the devices of this machine
 * @fd: anything in the mount, not O_PATH
 * @sb: superblock of the file system
 * @e: what the log says of the device
 * @name: what messages call the file system
 * @keep_mode: leave it in the mode that it is in
 *
 * Only a device whose own superblock says that it is a further one of the same
 * file system will do: a log must not get at another file system's memory.
 *
 * Return: 0; -ENODEV where this machine shows no such device; or another
 * negative error number after a message
 */
int devices_open(struct devices *d, int fd, const struct media_super *sb,
		 const struct media_daxdev *e, const char *name,
		 bool keep_mode)
{
	int rc = -ENODEV;
	size_t i;

	for (i = 0; rc && i < d->count; i++) {
		if (is_it(&d->dev[i], sb, e))
			rc = open_one(&d->dev[i], fd, e, name, keep_mode);
	}
	return rc;
}
