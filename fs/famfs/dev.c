// SPDX-License-Identifier: GPL-2.0
/*
 * famfs devices: the dax devices that a mount holds, and which ranges of them
 * its files have taken.
 *
 * A device is opened as a file: that makes the same permission checks as for
 * any program that opens the node, and keeps the driver loaded. The mount then
 * becomes the device's holder, of which there can be only one. Both last until
 * famfs_dev_close().
 *
 * Each device has a tree of the ranges that are in maps. Inserting a range
 * finds an overlap on the way, at O(log n) and without a word of memory more
 * than the tree needs to say whom a range belongs to.
 */
#include <linux/fs_context.h>
#include <linux/namei.h>

#include "compat.h"
#include "famfs.h"

/* The major number of all dax character devices */
static unsigned int famfs_dax_major __ro_after_init;

/**
 * famfs_dax_init - learn what a dax device node looks like
 *
 * Neither a node nor an open file says that it is of the dax class, and asking
 * the dax core for a device that is not makes it free a number that it never
 * gave out. So the class has to be known first: it is that of a device made
 * for the purpose.
 *
 * Return: 0, or -errno.
 */
int __init famfs_dax_init(void)
{
	struct dax_device *dax_dev = alloc_dax(NULL, NULL);

	if (IS_ERR_OR_NULL(dax_dev))
		return dax_dev ? PTR_ERR(dax_dev) : -EOPNOTSUPP;

	famfs_dax_major = imajor(dax_inode(dax_dev));
	kill_dax(dax_dev);
	put_dax(dax_dev);
	return 0;
}

static bool famfs_is_dax_node(const struct inode *inode)
{
	return S_ISCHR(inode->i_mode) && imajor(inode) == famfs_dax_major;
}

/*
 * Opening a device can have effects of its own, so what is no dax device is
 * not opened at all. The path may name something else a moment later: the
 * caller looks at what it really got.
 */
static int famfs_check_path(struct fs_context *fc, const char *path)
{
	struct path p;
	int rc;

	rc = kern_path(path, LOOKUP_FOLLOW, &p);
	if (rc) {
		errorf(fc, "%s: no such device", path);
		return rc;
	}
	if (!famfs_is_dax_node(d_inode(p.dentry))) {
		errorf(fc, "%s: not a dax device: a node like /dev/dax0.0 is needed",
		       path);
		rc = -EINVAL;
	}
	path_put(&p);
	return rc;
}

static struct file *famfs_open_node(struct fs_context *fc, const char *path)
{
	struct file *file;
	int rc;

	rc = famfs_check_path(fc, path);
	if (rc)
		return ERR_PTR(rc);

	file = filp_open(path, O_RDWR | O_LARGEFILE, 0);
	if (IS_ERR(file)) {
		rc = PTR_ERR(file);
		if (rc == -ENXIO)
			errorf(fc, "%s: no driver is bound to the device: bind it to fsdev_dax",
			       path);
		else
			errorf(fc, "%s: cannot be opened for reading and writing (error %d)",
			       path, rc);
		return file;
	}
	if (!famfs_is_dax_node(file_inode(file))) {
		errorf(fc, "%s: not a dax device", path);
		fput(file);
		return ERR_PTR(-EINVAL);
	}
	return file;
}

static int famfs_hold(struct fs_context *fc, const char *path,
		      struct dax_device *dax_dev, void *holder)
{
	int rc = fs_dax_get(dax_dev, holder, NULL);

	switch (rc) {
	case 0:
		break;
	case -EBUSY:
		errorf(fc, "%s: in use: mounted already, or held by another driver",
		       path);
		break;
	case -EOPNOTSUPP:
		errorf(fc,
		       "%s: in devdax mode, which cannot carry a file system: bind it to fsdev_dax",
		       path);
		break;
	default:
		errorf(fc, "%s: the device is being removed", path);
		/* ENODEV would tell mount(8) that there is no famfs */
		rc = -ENXIO;
		break;
	}
	return rc;
}

/* Do @nr pages at page @pgoff lie side by side on the device? */
static bool famfs_reaches(struct dax_device *dax_dev, pgoff_t pgoff, long nr)
{
	void *kaddr;
	long got;
	int id;

	id = dax_read_lock();
	got = dax_direct_access(dax_dev, pgoff, nr, DAX_ACCESS, &kaddr, NULL);
	dax_read_unlock(id);
	return got >= nr;
}

/* The length in pages of the piece of memory that starts at page @pgoff */
static long famfs_segment(struct dax_device *dax_dev, pgoff_t pgoff)
{
	long lo = 0, hi = 1;

	while (hi <= LONG_MAX >> (PAGE_SHIFT + 1) &&
	       famfs_reaches(dax_dev, pgoff, hi)) {
		lo = hi;
		hi *= 2;
	}
	while (hi - lo > 1) {
		long mid = lo + (hi - lo) / 2;

		if (famfs_reaches(dax_dev, pgoff, mid))
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

/*
 * No call tells how large a dax device is, but the device tells for each range
 * whether it can be accessed as one piece.
 */
static int famfs_measure(struct famfs_dev *dev)
{
	u64 *seg_end;
	long nr;

	while ((nr = famfs_segment(dev->dax_dev, PHYS_PFN(dev->size))) > 0) {
		seg_end = krealloc_array(dev->seg_end, dev->nr_segs + 1,
					 sizeof(*seg_end), GFP_KERNEL);
		if (!seg_end)
			return -ENOMEM;
		dev->size += PFN_PHYS((u64)nr);
		seg_end[dev->nr_segs++] = dev->size;
		dev->seg_end = seg_end;
	}
	return dev->size ? 0 : -ENXIO;
}

/**
 * famfs_dev_open - open a dax device and become its holder
 * @fc: what to report errors to
 * @path: path of the device node, in the caller's name space
 * @holder: who shall hold it
 *
 * Context: may sleep; the caller's credentials decide on access.
 * Return: the device, or an ERR_PTR, with a message in @fc that says why:
 * * -EINVAL - not a dax device
 * * -EOPNOTSUPP - bound to a driver that can not carry a file system
 * * -EBUSY - somebody else holds it
 * * -ENXIO - no driver is bound, or the device is going away
 * * other errors of looking up and opening the node
 */
struct famfs_dev *famfs_dev_open(struct fs_context *fc, const char *path,
				 void *holder)
{
	struct dax_device *dax_dev;
	struct famfs_dev *dev;
	int rc;

	dev = kzalloc_obj(*dev);
	if (!dev)
		return ERR_PTR(-ENOMEM);
	mt_init(&dev->ranges);

	dev->file = famfs_open_node(fc, path);
	if (IS_ERR(dev->file)) {
		rc = PTR_ERR(dev->file);
		goto out_free;
	}

	if (!FAMFS_HAVE_FSDEV) {
		errorf(fc,
		       "%s: this kernel cannot put a file system on a character dax device: Linux 7.1 or later is needed",
		       path);
		rc = -EOPNOTSUPP;
		goto out_fput;
	}

	/* While the node is open the device exists, so this finds it */
	dax_dev = dax_dev_get(file_inode(dev->file)->i_rdev);
	if (!dax_dev) {
		rc = -ENOMEM;
		goto out_fput;
	}
	rc = famfs_hold(fc, path, dax_dev, holder);
	put_dax(dax_dev);	/* the holder has a reference of its own */
	if (rc)
		goto out_fput;
	dev->dax_dev = dax_dev;

	rc = famfs_measure(dev);
	if (rc) {
		errorf(fc, "%s: the memory of the device cannot be accessed (error %d)",
		       path, rc);
		goto out_put;
	}

	/*
	 * Other machines see the memory, not this processor's cache: write(2)
	 * goes past the cache, fsync(2) and msync(2) write it back.
	 */
	dev->had_write_cache = dax_write_cache_enabled(dax_dev);
	dax_write_cache(dax_dev, true);
	set_dax_nocache(dax_dev);
	return dev;

out_put:
	kfree(dev->seg_end);
	fs_put_dax(dax_dev, holder);
out_fput:
	fput(dev->file);
out_free:
	kfree(dev);
	return ERR_PTR(rc);
}

/**
 * famfs_dev_close - let go of a device
 * @dev: from famfs_dev_open(); no inode maps a range of it any more
 * @holder: as then
 */
void famfs_dev_close(struct famfs_dev *dev, void *holder)
{
	WARN_ON_ONCE(!mtree_empty(&dev->ranges));
	mtree_destroy(&dev->ranges);
	dax_write_cache(dev->dax_dev, dev->had_write_cache);
	fs_put_dax(dev->dax_dev, holder);
	fput(dev->file);
	kfree(dev->seg_end);
	kfree(dev);
}

/**
 * famfs_dev_contig - how far the device's memory goes on in one piece
 * @dev: the device
 * @offset: device offset, less than @dev->size
 *
 * O(log n) in the number of pieces, of which most devices have one.
 *
 * Context: any; takes no lock.
 * Return: bytes from @offset to the end of its piece.
 */
u64 famfs_dev_contig(const struct famfs_dev *dev, u64 offset)
{
	unsigned int lo = 0, hi = dev->nr_segs - 1;

	while (lo < hi) {
		unsigned int mid = lo + (hi - lo) / 2;

		if (dev->seg_end[mid] > offset)
			hi = mid;
		else
			lo = mid + 1;
	}
	return dev->seg_end[lo] - offset;
}

static void famfs_range_release(struct famfs_sb_info *sbi,
				const struct famfs_run *run)
{
	struct famfs_dev *dev = sbi->devs[run->devindex];

	/* What is given back must be gone: there is nobody to report to */
	mtree_store_range(&dev->ranges, PHYS_PFN(run->offset),
			  PHYS_PFN(run->offset + run->len) - 1, NULL,
			  GFP_KERNEL | __GFP_NOFAIL);
	dev->used -= run->len;
}

/**
 * famfs_ranges_claim - take the ranges of a map for an inode
 * @sbi: the mount
 * @inode: whom they shall belong to
 * @map: the map, each of whose ranges lies within its device
 *
 * Takes all or none.
 *
 * Context: may sleep; takes map_lock.
 * Return: 0, -EADDRINUSE where a range overlaps another one of this map or of
 * a file, or -ENOMEM.
 */
int famfs_ranges_claim(struct famfs_sb_info *sbi, struct inode *inode,
		       const struct famfs_map *map)
{
	struct famfs_run run;
	int rc = 0;
	u32 i;

	guard(mutex)(&sbi->map_lock);

	for (i = 0; i < map->nr; i++) {
		struct famfs_dev *dev;

		famfs_map_extent(map, i, &run);
		dev = sbi->devs[run.devindex];
		rc = mtree_insert_range(&dev->ranges, PHYS_PFN(run.offset),
					PHYS_PFN(run.offset + run.len) - 1,
					inode, GFP_KERNEL);
		if (rc)
			break;
		dev->used += run.len;
	}
	if (!rc)
		return 0;

	while (i--) {
		famfs_map_extent(map, i, &run);
		famfs_range_release(sbi, &run);
	}
	return rc == -EEXIST ? -EADDRINUSE : rc;
}

/**
 * famfs_ranges_release - give back what famfs_ranges_claim() took
 * @sbi: the mount
 * @map: the same map
 *
 * Context: may sleep; takes map_lock.
 */
void famfs_ranges_release(struct famfs_sb_info *sbi,
			  const struct famfs_map *map)
{
	struct famfs_run run;
	u32 i;

	guard(mutex)(&sbi->map_lock);

	for (i = 0; i < map->nr; i++) {
		famfs_map_extent(map, i, &run);
		famfs_range_release(sbi, &run);
	}
}
