// SPDX-License-Identifier: GPL-2.0
/*
 * famfs failures: memory that goes bad, and devices that go away.
 *
 * Both are reported by the dax core, by device, at any time, and so also while
 * the mount is being set up or torn down. A report finds its device in a list
 * of all devices that mounts hold, under a lock, and pins the super block
 * before it lets go of the lock: with that pin the mount, its devices and every
 * inode that it can get hold of stay. A device that does not get as far as to be
 * part of the mount stays until its reports are dealt with. A mount that is past
 * pinning has no user left, so bad memory is of no interest to it; but a device
 * that goes away has to wait for it, since its inodes still refer to the
 * device's pages.
 *
 * A device_dax or fsdev_dax device keeps its dax_device from one driver to the
 * next, so a device that is gone may be held by another mount already: once it
 * is dead, a device is not found any more.
 *
 * A fault holds the mapping's invalidate_lock from before it asks until its
 * page is mapped. The range is marked bad first and unmapped under that lock
 * then, so that no fault can bring it back.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/dax.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/wait.h>

#include "compat.h"
#include "famfs.h"
#include "trace.h"

static DEFINE_SPINLOCK(famfs_watch_lock);
static LIST_HEAD(famfs_watched);
static DECLARE_WAIT_QUEUE_HEAD(famfs_unwatched);
static DECLARE_WAIT_QUEUE_HEAD(famfs_unpinned);

/**
 * famfs_failure_watch - from here on, failures of a device reach its mount
 * @dev: a device that is held
 */
void famfs_failure_watch(struct famfs_dev *dev)
{
	guard(spinlock)(&famfs_watch_lock);
	list_add(&dev->list, &famfs_watched);
}

static bool famfs_is_notifying(struct famfs_dev *dev)
{
	guard(spinlock)(&famfs_watch_lock);
	return dev->notifying;
}

/**
 * famfs_failure_quiesce - let the failures of a device come to their end
 * @dev: a device that is watched, and is about to be let go of
 *
 * From here on no failure gets hold of the device, and whether it is dead does
 * not change any more.
 *
 * Context: may sleep.
 */
void famfs_failure_quiesce(struct famfs_dev *dev)
{
	spin_lock(&famfs_watch_lock);
	dev->closing = true;
	spin_unlock(&famfs_watch_lock);
	wait_event(famfs_unpinned, !famfs_is_notifying(dev));
}

/**
 * famfs_failure_unwatch - nothing of a device is ours any more
 * @dev: a device that is quiet
 *
 * Whoever waits to take the device away goes on now.
 */
void famfs_failure_unwatch(struct famfs_dev *dev)
{
	spin_lock(&famfs_watch_lock);
	list_del_init(&dev->list);
	spin_unlock(&famfs_watch_lock);
	wake_up_all(&famfs_unwatched);
}

static struct famfs_dev *famfs_find_watched(const struct dax_device *dax_dev)
{
	struct famfs_dev *dev;

	lockdep_assert_held(&famfs_watch_lock);
	list_for_each_entry(dev, &famfs_watched, list)
		if (dev->dax_dev == dax_dev && !dev->dead)
			return dev;
	return NULL;
}

static bool famfs_is_watched(const struct dax_device *dax_dev)
{
	guard(spinlock)(&famfs_watch_lock);
	return famfs_find_watched(dax_dev);
}

/*
 * The device, with its super block pinned; NULL if there is none to be had. One
 * that is gone is dead from here on, and not found again.
 */
static struct famfs_dev *famfs_pin(const struct dax_device *dax_dev, bool gone)
{
	struct famfs_dev *dev;

	guard(spinlock)(&famfs_watch_lock);
	dev = famfs_find_watched(dax_dev);
	if (dev && (dev->closing ||
		    !atomic_inc_not_zero(&dev->sb->s_active)))
		dev = NULL;
	if (dev) {
		dev->notifying++;
		if (gone)
			WRITE_ONCE(dev->dead, true);
	}
	return dev;
}

static void famfs_unpin(struct famfs_dev *dev)
{
	struct super_block *sb = dev->sb;

	spin_lock(&famfs_watch_lock);
	dev->notifying--;
	spin_unlock(&famfs_watch_lock);
	wake_up_all(&famfs_unpinned);
	/* May end the mount, here and now */
	deactivate_super(sb);
}

/*
 * The next inode that maps something of [@first, @last], with a reference. An
 * inode that is being evicted is passed over, and counted in @skipped.
 */
static struct inode *famfs_next_owner(struct famfs_dev *dev,
				      unsigned long *first, unsigned long last,
				      struct famfs_range *range,
				      unsigned int *skipped)
{
	struct famfs_sb_info *sbi = FAMFS_SB(dev->sb);
	struct inode *inode;

	MA_STATE(mas, &dev->ranges, *first, *first);

	guard(mutex)(&sbi->map_lock);
	guard(rcu)();

	mas_for_each(&mas, inode, last) {
		*first = mas.last + 1;
		if (!igrab(inode)) {
			(*skipped)++;
			continue;
		}
		range->offset = PFN_PHYS((u64)mas.index);
		range->len = PFN_PHYS((u64)mas.last + 1 - mas.index);
		return inode;
	}
	return NULL;
}

/* The number of the range that an inode's map has at @offset of @dev */
static bool famfs_find_range(const struct famfs_map *map,
			     const struct famfs_dev *dev, u64 offset, u32 *i)
{
	const struct famfs_sb_info *sbi = FAMFS_SB(dev->sb);
	u32 nr = famfs_map_nr_ranges(map);
	struct famfs_range range;

	for (*i = 0; *i < nr; (*i)++) {
		famfs_map_range(map, *i, &range);
		if (range.offset == offset && sbi->devs[range.devindex] == dev)
			return true;
	}
	return false;
}

/*
 * Tell all processes that map a part of a file, and take it from them. Without
 * MF_MEM_PRE_REMOVE only the current process would be told, the page would stay
 * mapped for the others, and of memory that is mapped in 2 MiB the first page
 * would be marked, whichever is the bad one. Should it give up halfway, the
 * pages are taken all the same, and whoever touches them is told then.
 */
static void famfs_kill_procs(struct inode *inode, const struct famfs_run *run,
			     int mf_flags)
{
	struct address_space *mapping = inode->i_mapping;

	filemap_invalidate_lock(mapping);
	mf_dax_kill_procs(mapping, PHYS_PFN(run->pos), PHYS_PFN(run->len),
			  mf_flags | MF_MEM_PRE_REMOVE);
	unmap_mapping_range(mapping, run->pos, run->len, 0);
	filemap_invalidate_unlock(mapping);
	mapping_set_error(mapping, -EIO);
}

static void famfs_report_file(struct famfs_dev *dev, struct inode *inode,
			      const struct famfs_run *run)
{
	struct dentry *dentry = d_find_any_alias(inode);
	char *buf = kmalloc(PATH_MAX, GFP_KERNEL);
	char *path = NULL;

	if (buf && dentry)
		path = dentry_path_raw(dentry, buf, PATH_MAX);
	if (IS_ERR_OR_NULL(path))
		path = "(no name)";
	/* Names are anybody's: they must not look like lines of their own */
	pr_err("%s: bad memory at %#llx, length %#llx: %*pE at %#llx\n",
	       dev->name, run->offset, run->len, (int)strlen(path), path,
	       run->pos);
	famfs_fserror(inode, run->pos, run->len);

	kfree(buf);
	dput(dentry);
}

/* Returns true if the inode has anything on the bad range */
static bool famfs_fail_inode(struct famfs_dev *dev, struct inode *inode,
			     const struct famfs_range *owned, u64 offset,
			     u64 end, int mf_flags)
{
	const struct famfs_map *map = famfs_inode_map(inode);
	struct famfs_run run;
	bool found = false;
	u32 i;

	offset = max(offset, owned->offset);
	end = min(end, owned->offset + owned->len);
	/* Without a map, it is being made just now, and not mapped yet */
	if (!map || !famfs_find_range(map, dev, owned->offset, &i))
		return false;

	while (offset < end && famfs_map_reverse(map, i, offset, &run)) {
		run.len = min(run.len, end - offset);
		famfs_kill_procs(inode, &run, mf_flags);
		trace_famfs_failure(inode, dev->name, run.offset, run.pos,
				    run.len);
		if (run.pos < map->size) {
			famfs_report_file(dev, inode, &run);
			found = true;
		}
		offset += run.len;
	}
	return found;
}

static int famfs_memory_failure(struct famfs_dev *dev, u64 offset, u64 len,
				int mf_flags)
{
	unsigned int evicted = 0;
	unsigned long first, last;
	struct famfs_range owned;
	struct inode *inode;
	bool found = false;
	u64 end;

	if (check_add_overflow(offset, len, &end))
		end = U64_MAX;
	if (end <= dev->start || offset >= dev->start + dev->size)
		return -EOPNOTSUPP;
	offset = max(offset, dev->start) - dev->start;
	end = min(end - dev->start, dev->size);
	offset = round_down(offset, PAGE_SIZE);
	end = round_up(end, PAGE_SIZE);

	famfs_bad_add(dev, offset, end - offset, GFP_KERNEL | __GFP_NOFAIL);

	first = PHYS_PFN(offset);
	last = PHYS_PFN(end - 1);
	while (first <= last &&
	       (inode = famfs_next_owner(dev, &first, last, &owned,
					 &evicted))) {
		found |= famfs_fail_inode(dev, inode, &owned, offset, end,
					  mf_flags);
		iput(inode);
	}
	if (!found)
		pr_err("%s: bad memory at %#llx, length %#llx: no file\n",
		       dev->name, offset, end - offset);

	famfs_bad_mark(dev, offset, end - offset);
	atomic64_inc(&FAMFS_SB(dev->sb)->nr_errors);
	return 0;
}

/*
 * Take the pages of a part of a file from whoever maps them, and out of the
 * file. Waits for pages that are in use for I/O; but not with the lock held,
 * which who uses them may need before it lets go of them. The device is dead,
 * so no fault brings a page back.
 */
static void famfs_take_run(struct inode *inode, const struct famfs_run *run)
{
	struct address_space *mapping = inode->i_mapping;
	loff_t end = run->pos + run->len - 1;
	struct page *page;

	for (;;) {
		filemap_invalidate_lock(mapping);
		page = famfs_busy_page(mapping, run->pos, end);
		if (!page)
			break;
		filemap_invalidate_unlock(mapping);
		famfs_wait_page_idle(page);
	}
	famfs_delete_pages(mapping, run->pos, end);
	filemap_invalidate_unlock(mapping);
}

/* Take what a file has in the range @owned of the device */
static void famfs_take_range(struct famfs_dev *dev, struct inode *inode,
			     const struct famfs_range *owned)
{
	const struct famfs_map *map = famfs_inode_map(inode);
	u64 offset = owned->offset, end = owned->offset + owned->len;
	struct famfs_run run;
	u32 i;

	/* Without a map, it is being made just now, and not mapped yet */
	if (!map || !famfs_find_range(map, dev, offset, &i))
		return;

	/* What is on its way to the memory still arrives: the device is there */
	filemap_write_and_wait(inode->i_mapping);
	mapping_set_error(inode->i_mapping, -EIO);
	/* Whoever has resolved an offset before the device died ends here */
	inode_lock(inode);
	inode_unlock(inode);

	while (offset < end && famfs_map_reverse(map, i, offset, &run)) {
		run.len = min(run.len, end - offset);
		famfs_take_run(inode, &run);
		offset += run.len;
		cond_resched();
	}
}

/* Take all pages of the device; returns how many inodes were passed over */
static unsigned int famfs_take_device(struct famfs_dev *dev)
{
	unsigned long first = 0;
	struct famfs_range owned;
	unsigned int skipped = 0;
	struct inode *inode;

	while ((inode = famfs_next_owner(dev, &first, ULONG_MAX - 1, &owned,
					 &skipped))) {
		famfs_take_range(dev, inode, &owned);
		iput(inode);
	}
	return skipped;
}

/*
 * The device is about to go, and its pages with it, which nobody waits for but
 * us: whoever has one mapped must lose it, and no inode may refer to one
 * afterwards. An inode that is being evicted lets go of its pages by itself.
 */
static void famfs_device_gone(struct famfs_dev *dev)
{
	struct famfs_sb_info *sbi = FAMFS_SB(dev->sb);
	int released;

	pr_err("%s: the device is gone\n", dev->name);

	for (;;) {
		released = atomic_read(&sbi->nr_released);
		if (!famfs_take_device(dev))
			break;
		wait_event(sbi->release_wait,
			   atomic_read(&sbi->nr_released) != released);
	}

	atomic64_inc(&sbi->nr_errors);
	famfs_fserror_device(dev->sb);
	if (dev == famfs_device(sbi, 0))
		famfs_sysfs_hide(dev->sb);
	famfs_dev_forget(dev);
}

static int famfs_notify_failure(struct dax_device *dax_dev, u64 offset, u64 len,
				int mf_flags)
{
	bool gone = mf_flags & MF_MEM_PRE_REMOVE;
	struct famfs_dev *dev = famfs_pin(dax_dev, gone);
	int rc = 0;

	/* A mount that is just ending has to get there before the device goes */
	if (!dev && gone)
		wait_event(famfs_unwatched,
			   (dev = famfs_pin(dax_dev, gone)) ||
			   !famfs_is_watched(dax_dev));
	if (!dev)
		return -EOPNOTSUPP;

	if (gone)
		famfs_device_gone(dev);
	else
		rc = famfs_memory_failure(dev, offset, len, mf_flags);
	famfs_unpin(dev);
	return rc;
}

const struct dax_holder_operations famfs_holder_operations = {
	.notify_failure	= famfs_notify_failure,
};
