// SPDX-License-Identifier: GPL-2.0
/*
 * famfs and the processor's cache: to write it back is what makes data durable
 * and shows it to other machines, to drop it is what shows us theirs.
 *
 * What was stored through mappings the dax layer knows, and writes back. But a
 * machine that has met with bad memory takes it out of the kernel's address
 * space, once the failure is dealt with, and to write back a cache line of it
 * would be a fault in the kernel. So invalidate_lock is held from where memory
 * is seen to be good until it is written back: failure.c takes that lock for
 * each file that it finds before a failure counts as dealt with.
 */
#include <linux/dax.h>
#include <linux/fadvise.h>
#include <linux/libnvdimm.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/writeback.h>

#include "famfs.h"

/**
 * famfs_flush_devices - make durable what has left the processor's cache
 * @sbi: the mount
 *
 * Context: may sleep.
 * Return: 0 or the first error.
 */
int famfs_flush_devices(const struct famfs_sb_info *sbi)
{
	const struct famfs_dev *dev;
	int rc = 0, err;

	/* Lines that are written back are not there yet without a fence */
	pmem_wmb();
	famfs_for_each_device(sbi, dev) {
		err = famfs_dev_flush(dev);
		if (err && !rc)
			rc = err;
	}
	return rc;
}

/**
 * famfs_fsync - ->fsync of files
 * @file: the file
 * @start: first offset
 * @end: last offset
 * @datasync: makes no difference: only data can be lost
 *
 * Context: may sleep.
 * Return: 0 or -errno.
 */
int famfs_fsync(struct file *file, loff_t start, loff_t end, int datasync)
{
	int rc = file_write_and_wait_range(file, start, end);
	int err = famfs_flush_devices(FAMFS_SB(file_inode(file)->i_sb));

	return rc ? rc : err;
}

/*
 * Write back, and with @drop drop, the lines of some of [@pos, @end), up to 2
 * MiB. Bad memory has none to keep, and is passed over; what only the driver
 * knows to be bad is lost, if it is to be written back. Returns how far that
 * went.
 */
static ssize_t famfs_flush_some(struct inode *inode, u64 pos, u64 end,
				bool drop)
{
	const struct famfs_map *map = famfs_inode_map(inode);
	struct famfs_dev *dev;
	struct famfs_run run;
	u64 good, bad;
	void *kaddr;
	long got;
	int id;

	if (!map || !famfs_map_resolve(map, pos, &run))
		return end - pos;
	dev = FAMFS_SB(inode->i_sb)->devs[run.devindex];
	/* What is dirty still arrives, for as long as the device is there */
	if (drop && READ_ONCE(dev->dead))
		return -EIO;
	famfs_dev_clip(dev, pos, &run);
	famfs_run_skip(&run, pos);
	run.len = min3(run.len, end - pos, (u64)SZ_2M);
	good = famfs_bad_next(dev, run.offset, run.len, &bad);
	if (!good)
		return bad;

	id = dax_read_lock();
	got = famfs_dev_access(dev, run.offset, good, &kaddr);
	/* Something in there is bad: go on by the page */
	if (got == -EHWPOISON)
		got = famfs_dev_access(dev, run.offset, PAGE_SIZE, &kaddr);
	if (got > 0) {
		arch_wb_cache_pmem(kaddr, got);
		if (drop)
			arch_invalidate_pmem(kaddr, got);
	}
	dax_read_unlock(id);
	if (got == -EHWPOISON && drop)
		return PAGE_SIZE;
	return got > 0 ? got : -EIO;
}

/* Both are page aligned. An error leaves out a page, and no more. */
static int famfs_flush_range(struct inode *inode, u64 pos, u64 end, bool drop)
{
	ssize_t passed;
	int rc = 0;

	while (pos < end) {
		/* Advice may be given up, to save data may not */
		if (drop && fatal_signal_pending(current))
			return -EINTR;
		filemap_invalidate_lock_shared(inode->i_mapping);
		passed = famfs_flush_some(inode, pos, end, drop);
		filemap_invalidate_unlock_shared(inode->i_mapping);
		cond_resched();
		if (passed < 0) {
			rc = passed;
			if (drop)
				return rc;
			passed = PAGE_SIZE;
		}
		pos += passed;
	}
	return rc;
}

/* What is dirty of [@pos, @end], by what the dax layer knows of it */
static int famfs_writeback(struct address_space *mapping,
			   struct dax_device *dax_dev, u64 pos, u64 end)
{
	struct writeback_control wbc = {
		.sync_mode	= WB_SYNC_ALL,
		.nr_to_write	= LONG_MAX,
		.range_start	= pos,
		.range_end	= end,
	};

	return dax_writeback_mapping_range(mapping, dax_dev, &wbc);
}

/*
 * Write back some of [@pos, @end) from its start on; returns where that ended.
 * The dax layer would write back 2 MiB at once, good and bad: so of the 2 MiB
 * around what is bad, all that is good is written back, dirty or not.
 */
static u64 famfs_writeback_some(struct address_space *mapping,
				struct dax_device *dax_dev, u64 pos, u64 end,
				int *err)
{
	/* The lock is not to be held for longer */
	u64 stop = min(end, round_down(pos, SZ_1G) + SZ_1G), around = stop;
	struct inode *inode = mapping->host;
	struct famfs_error bad;
	int rc = 0;

	filemap_invalidate_lock_shared(mapping);
	if (famfs_bad_any(inode, false) &&
	    famfs_bad_find(inode, round_down(pos, PMD_SIZE), false, &bad))
		around = min(stop, round_down(bad.pos, PMD_SIZE));
	if (pos < around)
		rc = famfs_writeback(mapping, dax_dev, pos, around - 1);
	filemap_invalidate_unlock_shared(mapping);
	if (rc)
		*err = rc;
	if (around == stop)
		return stop;

	stop = min(end, around + PMD_SIZE);
	rc = famfs_flush_range(inode, round_down(max(pos, around), PAGE_SIZE),
			       round_up(stop, PAGE_SIZE), false);
	if (rc)
		*err = rc;
	return stop;
}

/**
 * famfs_writepages - ->writepages: write the processor's cache back
 * @mapping: of the file
 * @wbc: what to write back, and for whom
 *
 * The dax layer asks a device for no more than whether that is needed: so it is
 * given one that needs it, if there is one. With the option coherent, it is one
 * that would lose the cache with its power.
 *
 * Context: may sleep; takes invalidate_lock.
 * Return: 0 or -errno.
 */
int famfs_writepages(struct address_space *mapping,
		     struct writeback_control *wbc)
{
	const struct famfs_sb_info *sbi = FAMFS_SB(mapping->host->i_sb);
	struct dax_device *dax_dev = NULL;
	u64 pos = wbc->range_start, end;
	const struct famfs_dev *dev;
	int rc = 0;

	/* The flusher's own idea: nobody waits for it, and who maps would fault */
	if (wbc->range_cyclic)
		return 0;

	famfs_for_each_device(sbi, dev) {
		if (dax_write_cache_enabled(dev->dax_dev))
			dax_dev = dev->dax_dev;
	}
	if (!dax_dev)
		return 0;

	end = PAGE_ALIGN((u64)i_size_read(mapping->host));
	if (wbc->range_end < end)
		end = wbc->range_end + 1;
	while (pos < end)
		pos = famfs_writeback_some(mapping, dax_dev, pos, end, &rc);
	/* Who asked for it may not look at what we return */
	mapping_set_error(mapping, rc);
	return rc;
}

/**
 * famfs_fadvise - ->fadvise of files
 * @file: the file
 * @offset: first offset
 * @len: bytes, 0 for all that follow
 * @advice: POSIX_FADV_
 *
 * After POSIX_FADV_DONTNEED the next load comes from the memory, as another
 * machine left it there. All else is advice about a page cache, of which there
 * is none.
 *
 * Context: may sleep; takes invalidate_lock.
 * Return: 0 or -errno.
 */
int famfs_fadvise(struct file *file, loff_t offset, loff_t len, int advice)
{
	struct inode *inode = file_inode(file);
	u64 last = round_up(i_size_read(inode), PAGE_SIZE);
	loff_t end;
	int rc;

	rc = generic_fadvise(file, offset, len, advice);
	if (rc || advice != POSIX_FADV_DONTNEED)
		return rc;
	if (offset < 0)
		return -EINVAL;
	if (famfs_coherent(inode->i_sb))
		return 0;
	if (!len || check_add_overflow(offset, len, &end))
		end = S64_MAX & PAGE_MASK;
	return famfs_flush_range(inode, round_down(offset, PAGE_SIZE),
				 min(round_up((u64)end, PAGE_SIZE), last),
				 true);
}
