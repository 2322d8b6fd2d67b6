// SPDX-License-Identifier: GPL-2.0
/*
 * famfs devices: the dax devices that a mount holds.
 *
 * A device is opened as a file: that makes the same permission checks as for
 * any program that opens the node, and keeps the driver loaded. The mount then
 * becomes the device's holder, of which there can be only one. Both last until
 * famfs_dev_close(), or until the device goes away under the mount.
 *
 * Two kinds of nodes lead to a dax device: character devices that are bound to
 * fsdev_dax, and block devices such as /dev/pmem0. Once a device is open, the
 * rest of famfs does not know the difference.
 */
#include <linux/blkdev.h>
#include <linux/cdev.h>
#include <linux/file.h>
#include <linux/fs_context.h>
#include <linux/namei.h>

#include "compat.h"
#include "famfs.h"

/*
 * A dax device without memory, that stands for the class. Neither a node nor
 * an open file says that it is of the dax class, and asking the dax core for a
 * device that is not makes it free a number that it never gave out: so the
 * class has to be known first.
 */
static struct dax_device *famfs_anchor;

/**
 * famfs_dax_init - learn what a dax device node looks like
 *
 * Return: 0, or -errno.
 */
int __init famfs_dax_init(void)
{
	famfs_anchor = alloc_dax(NULL, NULL);
	if (IS_ERR_OR_NULL(famfs_anchor))
		return famfs_anchor ? PTR_ERR(famfs_anchor) : -EOPNOTSUPP;
	return 0;
}

/**
 * famfs_dax_exit - undo famfs_dax_init()
 *
 * When this returns, no call of famfs_holder_operations is under way: the dax
 * core makes them inside the read section that kill_dax() waits for.
 */
void famfs_dax_exit(void)
{
	kill_dax(famfs_anchor);
	put_dax(famfs_anchor);
}

static bool famfs_is_dax_node(const struct inode *inode)
{
	return S_ISBLK(inode->i_mode) ||
	       (S_ISCHR(inode->i_mode) &&
		imajor(inode) == imajor(dax_inode(famfs_anchor)));
}

/* Messages go to whoever mounts; an ioctl has but its error number */
static __printf(2, 3) void famfs_dev_err(struct fs_context *fc,
					 const char *fmt, ...)
{
	struct va_format vaf = { .fmt = fmt };
	va_list args;

	if (!fc)
		return;
	va_start(args, fmt);
	vaf.va = &args;
	errorf(fc, "%pV", &vaf);
	va_end(args);
}

/*
 * Opening a device can have effects of its own, so a character device that is
 * no dax device is not opened at all. The path may name something else a moment
 * later: the caller looks at what it really got.
 */
static int famfs_check_path(struct fs_context *fc, const char *path)
{
	struct path p;
	int rc;

	rc = kern_path(path, LOOKUP_FOLLOW, &p);
	if (rc) {
		famfs_dev_err(fc, "%s: no such device", path);
		return rc;
	}
	if (!famfs_is_dax_node(d_inode(p.dentry))) {
		famfs_dev_err(fc, "%s: not a dax device: a node like /dev/dax0.0 or /dev/pmem0 is needed",
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

	/* O_EXCL keeps other file systems off a block device */
	file = filp_open(path, O_RDWR | O_LARGEFILE | O_EXCL, 0);
	if (IS_ERR(file)) {
		rc = PTR_ERR(file);
		if (rc == -ENXIO)
			famfs_dev_err(fc, "%s: no driver is bound to the device: bind it to fsdev_dax",
				      path);
		else if (rc == -EBUSY)
			famfs_dev_err(fc, "%s: in use: mounted already, or held by another driver",
				      path);
		else
			famfs_dev_err(fc, "%s: cannot be opened for reading and writing (error %d)",
				      path, rc);
		return file;
	}
	if (!famfs_is_dax_node(file_inode(file))) {
		famfs_dev_err(fc, "%s: not a dax device", path);
		fput(file);
		return ERR_PTR(-EINVAL);
	}
	return file;
}

static int famfs_hold_chr(struct famfs_dev *dev, struct fs_context *fc,
			  const char *path)
{
	struct inode *inode = file_inode(dev->file);
	struct cdev *cdev = READ_ONCE(inode->i_cdev);
	int rc;

	if (!FAMFS_HAVE_FSDEV) {
		famfs_dev_err(fc, "%s: this kernel cannot put a file system on a character dax device: Linux 7.1 or later is needed",
			      path);
		return -EOPNOTSUPP;
	}

	/* The drivers of the dax bus make the device the node's parent */
	if (!cdev || !cdev->kobj.parent)
		return -ENXIO;
	strscpy(dev->name, kobject_name(cdev->kobj.parent));

	/* While the node is open the device exists, so this finds it */
	WRITE_ONCE(dev->dax_dev, dax_dev_get(inode->i_rdev));
	if (!dev->dax_dev)
		return -ENOMEM;
	rc = fs_dax_get(dev->dax_dev, dev->sb, &famfs_holder_operations);
	put_dax(dev->dax_dev);	/* the holder has a reference of its own */
	switch (rc) {
	case 0:
		break;
	case -EBUSY:
		famfs_dev_err(fc, "%s: in use: mounted already, or held by another driver",
			      path);
		break;
	case -EOPNOTSUPP:
		famfs_dev_err(fc, "%s: in devdax mode, which cannot carry a file system: bind it to fsdev_dax",
			      path);
		break;
	default:
		famfs_dev_err(fc, "%s: the device is being removed", path);
		/* ENODEV would tell mount(8) that there is no famfs */
		rc = -ENXIO;
		break;
	}
	return rc;
}

static int famfs_hold_blk(struct famfs_dev *dev, struct fs_context *fc,
			  const char *path)
{
	struct block_device *bdev = file_bdev(dev->file);

	snprintf(dev->name, sizeof(dev->name), "%pg", bdev);
	if (!blk_queue_dax(bdev_get_queue(bdev))) {
		famfs_dev_err(fc, "%s: not a dax device, or not in fsdax mode: see ndctl create-namespace --mode=fsdax",
			      path);
		return -EOPNOTSUPP;
	}
	if (!PAGE_ALIGNED(get_start_sect(bdev) << SECTOR_SHIFT) ||
	    !PAGE_ALIGNED(bdev_nr_bytes(bdev))) {
		famfs_dev_err(fc, "%s: begins or ends within a page", path);
		return -EINVAL;
	}
	WRITE_ONCE(dev->dax_dev,
		   fs_dax_get_by_bdev(bdev, &dev->start, dev->sb,
				      &famfs_holder_operations));
	if (!dev->dax_dev) {
		famfs_dev_err(fc, "%s: in use: mounted already, or held by another driver",
			      path);
		return -EBUSY;
	}
	return 0;
}

/**
 * famfs_dev_access - look up the memory behind a range of a device
 * @dev: the device
 * @offset: device offset, page aligned
 * @len: bytes, page aligned
 * @kaddr: returns the kernel's address of the memory
 *
 * Context: the caller is in a dax_read_lock() section, and uses the address
 * in there only.
 * Return: bytes that can be accessed from @offset on, up to @len; or -errno:
 * -EHWPOISON where the device knows a part of the range to be bad.
 */
long famfs_dev_access(const struct famfs_dev *dev, u64 offset, u64 len,
		      void **kaddr)
{
	long nr = dax_direct_access(dev->dax_dev, PHYS_PFN(dev->start + offset),
				    PHYS_PFN(len), DAX_ACCESS, kaddr, NULL);

	return nr < 0 ? nr : min_t(u64, PFN_PHYS((u64)nr), len);
}

/* Do @nr pages at page @pgoff lie side by side on the device? */
static bool famfs_reaches(struct famfs_dev *dev, pgoff_t pgoff, long nr)
{
	void *kaddr;
	long got;
	int id;

	id = dax_read_lock();
	got = dax_direct_access(dev->dax_dev, pgoff, nr, DAX_ACCESS, &kaddr,
				NULL);
	dax_read_unlock(id);
	return got >= nr;
}

/* The length in pages of the piece of memory that starts at page @pgoff */
static long famfs_segment(struct famfs_dev *dev, pgoff_t pgoff)
{
	long lo = 0, hi = 1;

	while (hi <= LONG_MAX >> (PAGE_SHIFT + 1) &&
	       famfs_reaches(dev, pgoff, hi)) {
		lo = hi;
		hi *= 2;
	}
	while (hi - lo > 1) {
		long mid = lo + (hi - lo) / 2;

		if (famfs_reaches(dev, pgoff, mid))
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

static int famfs_add_segment(struct famfs_dev *dev, u64 len)
{
	u64 *seg_end;

	seg_end = krealloc_array(dev->seg_end, dev->nr_segs + 1,
				 sizeof(*seg_end), GFP_KERNEL);
	if (!seg_end)
		return -ENOMEM;
	dev->size += len;
	seg_end[dev->nr_segs++] = dev->size;
	dev->seg_end = seg_end;
	return 0;
}

/*
 * No call tells how large a character dax device is, but the device tells for
 * each range whether it can be accessed as one piece.
 */
static int famfs_measure(struct famfs_dev *dev)
{
	long nr;
	int rc;

	if (dev->is_blk) {
		u64 size = bdev_nr_bytes(file_bdev(dev->file));

		return size ? famfs_add_segment(dev, size) : -ENXIO;
	}

	while ((nr = famfs_segment(dev, PHYS_PFN(dev->size))) > 0) {
		rc = famfs_add_segment(dev, PFN_PHYS((u64)nr));
		if (rc)
			return rc;
	}
	return dev->size ? 0 : -ENXIO;
}

/*
 * Stop being the holder. The node of a character device is closed before that,
 * and at once, not in the task's own time: who takes the device away waits for
 * its holder, and may set it up anew then.
 */
static void famfs_dev_put(struct famfs_dev *dev)
{
	famfs_failure_quiesce(dev);
	if (!dev->is_blk && dev->file)
		__fput_sync(dev->file);
	if (dev->dead) {
		/* Somebody else may hold it by now */
		put_dax(dev->dax_dev);
	} else {
		dax_write_cache(dev->dax_dev, dev->had_write_cache);
		fs_put_dax(dev->dax_dev, dev->sb);
	}
	if (dev->is_blk)
		fput(dev->file);
	famfs_failure_unwatch(dev);
}

/*
 * No inode is left that could resolve an offset, so nobody reads @dev->bad, and
 * it is freed at once: see famfs_bad_add() for what could go wrong otherwise.
 */
static void famfs_dev_free(struct famfs_dev *dev)
{
	mt_clear_in_rcu(&dev->bad);
	mtree_destroy(&dev->bad);
	kfree(dev->seg_end);
	kfree(dev);
}

/**
 * famfs_dev_open - open a dax device and become its holder
 * @sb: who shall hold it
 * @fc: what to report errors to, or NULL
 * @path: path of the device node, in the caller's name space
 *
 * Context: may sleep; the caller's credentials decide on access.
 * Return: the device, or an ERR_PTR, with a message in @fc that says why:
 * * -EINVAL - not a dax device
 * * -EOPNOTSUPP - in a mode, or bound to a driver, that cannot carry a file
 *   system
 * * -EBUSY - somebody else holds it
 * * -ENXIO - no driver is bound, or the device is going away
 * * other errors of looking up and opening the node
 */
struct famfs_dev *famfs_dev_open(struct super_block *sb, struct fs_context *fc,
				 const char *path)
{
	struct famfs_dev *dev;
	int rc;

	dev = kzalloc_obj(*dev);
	if (!dev)
		return ERR_PTR(-ENOMEM);
	dev->sb = sb;
	INIT_LIST_HEAD(&dev->list);
	mt_init(&dev->ranges);
	mt_init_flags(&dev->bad, MT_FLAGS_USE_RCU);

	dev->file = famfs_open_node(fc, path);
	if (IS_ERR(dev->file)) {
		rc = PTR_ERR(dev->file);
		goto out_free;
	}

	dev->rdev = file_inode(dev->file)->i_rdev;
	dev->is_blk = S_ISBLK(file_inode(dev->file)->i_mode);
	famfs_failure_expect(dev);
	if (dev->is_blk)
		rc = famfs_hold_blk(dev, fc, path);
	else
		rc = famfs_hold_chr(dev, fc, path);
	if (rc) {
		famfs_failure_unwatch(dev);
		fput(dev->file);
		goto out_free;
	}

	/* Of a character device, nobody has said so, and the bit is stale */
	dev->had_write_cache = dev->is_blk &&
			       dax_write_cache_enabled(dev->dax_dev);
	rc = famfs_measure(dev);
	if (!rc) {
		famfs_failure_watch(dev);
		rc = famfs_bad_scan(dev);
	}
	if (rc) {
		famfs_dev_err(fc, "%s: the memory of the device cannot be accessed (error %d)",
			      path, rc);
		goto out_put;
	}

	/*
	 * Other machines see the memory, not this processor's cache: unless
	 * the hardware keeps it coherent, write(2) goes past the cache, and
	 * fsync(2) and msync(2) write it back.
	 */
	dax_write_cache(dev->dax_dev,
			dev->had_write_cache || !famfs_coherent(sb));
	if (!famfs_coherent(sb))
		set_dax_nocache(dev->dax_dev);
	return dev;

out_put:
	famfs_dev_put(dev);
out_free:
	famfs_dev_free(dev);
	return ERR_PTR(rc);
}

/**
 * famfs_dev_close - let go of a device
 * @dev: from famfs_dev_open(); no inode maps a range of it any more
 *
 * Context: may sleep.
 */
void famfs_dev_close(struct famfs_dev *dev)
{
	WARN_ON_ONCE(!mtree_empty(&dev->ranges));
	mtree_destroy(&dev->ranges);

	famfs_dev_put(dev);
	famfs_dev_free(dev);
}

/**
 * famfs_dev_forget - let go of what a device that goes away has to get back
 * @dev: the device, which is dead; famfs_dev_close() is still to come
 *
 * The next driver sets up the same character device anew, which it must not
 * find open. A disk in use is kept until it is let go.
 *
 * Context: may sleep.
 */
void famfs_dev_forget(struct famfs_dev *dev)
{
	dax_write_cache(dev->dax_dev, dev->had_write_cache);
	if (!dev->is_blk) {
		__fput_sync(dev->file);
		dev->file = NULL;
	}
}

/**
 * famfs_dev_flush - make durable what has left the processor's cache
 * @dev: the device
 *
 * Memory behind a block device may have buffers of its own, or be another
 * machine's file.
 *
 * Context: may sleep.
 * Return: 0 or -errno.
 */
int famfs_dev_flush(const struct famfs_dev *dev)
{
	if (!dev->is_blk || READ_ONCE(dev->dead))
		return 0;
	return blkdev_issue_flush(file_bdev(dev->file));
}

/**
 * famfs_dev_is - does a path lead to this device?
 * @dev: the device
 * @path: path of a device node, in the caller's name space
 *
 * Return: true if it does.
 */
bool famfs_dev_is(const struct famfs_dev *dev, const char *path)
{
	struct inode *inode;
	struct path p;
	bool same;

	if (kern_path(path, LOOKUP_FOLLOW, &p))
		return false;
	inode = d_inode(p.dentry);
	same = famfs_is_dax_node(inode) && inode->i_rdev == dev->rdev &&
	       S_ISBLK(inode->i_mode) == dev->is_blk;
	path_put(&p);
	return same;
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

/**
 * famfs_dev_clip - keep of a run what is one piece of device memory
 * @dev: the device
 * @pos: offset in the file, in the run
 * @run: the run; what is kept of it contains @pos
 *
 * Context: any; takes no lock.
 */
void famfs_dev_clip(const struct famfs_dev *dev, u64 pos,
		    struct famfs_run *run)
{
	if (dev->nr_segs == 1 ||
	    famfs_dev_contig(dev, run->offset) >= run->len)
		return;

	famfs_run_skip(run, pos);
	run->len = min(run->len, famfs_dev_contig(dev, run->offset));
}

/**
 * famfs_used - how much of the devices of a mount is in maps
 * @sbi: the mount
 *
 * Context: any; takes no lock.
 * Return: bytes.
 */
u64 famfs_used(const struct famfs_sb_info *sbi)
{
	const struct famfs_dev *dev;
	u64 used = 0;

	famfs_for_each_device(sbi, dev)
		used += READ_ONCE(dev->used);
	return used;
}
