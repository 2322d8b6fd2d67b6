// SPDX-License-Identifier: GPL-2.0
/*
 * famfs failures: memory that goes bad, and devices that go away.
 *
 * Both are reported by the dax core, by device, at any time, and so also while
 * the mount is being set up or torn down. A report finds its device in a list
 * of all devices that mounts hold, under a lock, and pins it before it lets go
 * of the lock; it waits for a device that is not ready yet.
 *
 * Nothing of a mount goes while one of its devices is pinned: a mount that ends
 * waits for that first, and its inodes are let alone from there on. Nor does a
 * device go that did not get as far as to be part of the mount. A mount that
 * ends has no user left, so bad memory is but marked; by us, since otherwise the
 * memory management would mark the first page of what is mapped as one,
 * whichever is bad. A device that goes away has to wait for the end, since
 * inodes still refer to its pages.
 *
 * A device_dax or fsdev_dax device keeps its dax_device from one driver to the
 * next, so one that is gone may be held by another mount already: a report goes
 * to who holds the device, and not to one that is dead.
 *
 * A fault holds the mapping's invalidate_lock from before it asks until its
 * page is mapped, and so does who writes the cache back. The range is noted as
 * bad first and unmapped under that lock then, so that no fault can bring it
 * back, and nobody writes it back any more. A write(2) that is under way is not
 * waited for.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/dax.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/wait.h>

#include "compat.h"
#include "famfs.h"
#include "trace.h"

static DEFINE_SPINLOCK(famfs_watch_lock);
static LIST_HEAD(famfs_watched);
static DECLARE_WAIT_QUEUE_HEAD(famfs_watch_changed);
static DECLARE_WAIT_QUEUE_HEAD(famfs_unpinned);

/**
 * famfs_failure_expect - failures of a device may be reported from here on
 * @dev: a device that is about to be held
 *
 * They wait for famfs_failure_watch(), or for famfs_failure_unwatch() should
 * it not come to that.
 */
void famfs_failure_expect(struct famfs_dev *dev)
{
	spin_lock(&famfs_watch_lock);
	list_add(&dev->list, &famfs_watched);
	spin_unlock(&famfs_watch_lock);
}

/**
 * famfs_failure_watch - from here on, failures of a device reach its mount
 * @dev: a device that is held, and whose size is known
 */
void famfs_failure_watch(struct famfs_dev *dev)
{
	spin_lock(&famfs_watch_lock);
	dev->ready = true;
	spin_unlock(&famfs_watch_lock);
	wake_up_all(&famfs_watch_changed);
}

static bool famfs_is_notifying(struct famfs_dev *dev)
{
	guard(spinlock)(&famfs_watch_lock);
	return dev->notifying;
}

/**
 * famfs_failure_quiesce - let the failures of a device come to their end
 * @dev: a device that is held, and is about to be let go of
 *
 * From here on no failure looks at inodes, and whether the device is dead does
 * not change any more.
 *
 * Context: may sleep.
 */
void famfs_failure_quiesce(struct famfs_dev *dev)
{
	spin_lock(&famfs_watch_lock);
	WRITE_ONCE(dev->closing, true);
	spin_unlock(&famfs_watch_lock);
	wait_event(famfs_unpinned, !famfs_is_notifying(dev));
}

static bool famfs_try_unwatch(struct famfs_dev *dev)
{
	guard(spinlock)(&famfs_watch_lock);
	if (dev->notifying)
		return false;
	list_del_init(&dev->list);
	return true;
}

/**
 * famfs_failure_unwatch - nothing of a device is ours any more
 * @dev: a device that is quiet, and held no longer
 *
 * No failure gets hold of the device any more. Whoever waits to take it away
 * goes on now.
 *
 * Context: may sleep.
 */
void famfs_failure_unwatch(struct famfs_dev *dev)
{
	wait_event(famfs_unpinned, famfs_try_unwatch(dev));
	wake_up_all(&famfs_watch_changed);
}

/*
 * The device of the list that @holder holds @dax_dev by. One that is not ready
 * may be a disk that does not know its dax_device yet; one that is dead may have
 * come back, and be there twice.
 */
static struct famfs_dev *famfs_find_watched(const struct dax_device *dax_dev,
					    const void *holder)
{
	struct famfs_dev *dev, *found = NULL;

	lockdep_assert_held(&famfs_watch_lock);
	list_for_each_entry(dev, &famfs_watched, list) {
		/* It may be set at this moment: look once */
		const struct dax_device *its = READ_ONCE(dev->dax_dev);

		if (dev->sb != holder || (its && its != dax_dev))
			continue;
		if (dev->ready && !dev->dead)
			return dev;
		if (!found || dev->dead)
			found = dev;
	}
	return found;
}

/*
 * Returns false as long as there is nothing for it but to wait; else @found is
 * the device, pinned, or NULL if there is none to be had. One that is gone is
 * dead from here on.
 */
static bool famfs_try_pin(const struct dax_device *dax_dev, const void *holder,
			  bool gone, struct famfs_dev **found)
{
	struct famfs_dev *dev;

	guard(spinlock)(&famfs_watch_lock);
	*found = NULL;
	dev = famfs_find_watched(dax_dev, holder);
	if (!dev || dev->dead)
		return true;
	/* A mount that is just ending has to get there before the device goes */
	if (!dev->ready || (gone && dev->closing))
		return false;
	dev->notifying++;
	if (gone)
		WRITE_ONCE(dev->dead, true);
	*found = dev;
	return true;
}

static void famfs_unpin(struct famfs_dev *dev)
{
	spin_lock(&famfs_watch_lock);
	dev->notifying--;
	spin_unlock(&famfs_watch_lock);
	wake_up_all(&famfs_unpinned);
}

/*
 * The next inode that maps something of pages [@first, @last] of a device, with
 * a reference, and what it has there. Moves @first on. An inode that is being
 * evicted is passed over, and counted in @skipped.
 */
static struct inode *famfs_next_owner(struct famfs_dev *dev,
				      unsigned long *first, unsigned long last,
				      struct famfs_range *owned,
				      unsigned int *skipped)
{
	struct famfs_sb_info *sbi = FAMFS_SB(dev->sb);
	unsigned long start = *first;
	struct inode *inode;

	MA_STATE(mas, &dev->ranges, start, start);

	guard(mutex)(&sbi->map_lock);
	guard(rcu)();

	mas_for_each(&mas, inode, last) {
		*first = mas.last + 1;
		if (!igrab(inode)) {
			(*skipped)++;
			continue;
		}
		start = max(mas.index, start);
		owned->offset = PFN_PHYS((u64)start);
		owned->len = PFN_PHYS((u64)min(mas.last, last) + 1 - start);
		owned->devindex = dev->index;
		return inode;
	}
	return NULL;
}

/* The number of the range of a map that the range @part of a device is in */
static bool famfs_find_range(const struct famfs_map *map,
			     const struct famfs_range *part, u32 *i)
{
	u32 nr = famfs_map_nr_ranges(map);
	struct famfs_range range;

	for (*i = 0; *i < nr; (*i)++) {
		famfs_map_range(map, *i, &range);
		if (range.devindex == part->devindex &&
		    range.offset <= part->offset &&
		    range.offset + range.len > part->offset)
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
	struct dentry *dentry = d_find_alias(inode);
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

/**
 * famfs_failure_report - report what of a file is bad from the start
 * @inode: a file that has just been given its map
 *
 * Context: may sleep.
 */
void famfs_failure_report(struct inode *inode)
{
	struct famfs_error bad;
	struct famfs_run run;
	u64 pos = 0;

	if (!famfs_bad_any(inode, false))
		return;
	while (!fatal_signal_pending(current) &&
	       famfs_bad_find(inode, pos, false, &bad)) {
		run = (struct famfs_run) {
			.pos		= bad.pos,
			.len		= bad.len,
			.offset		= bad.offset,
			.devindex	= bad.devindex,
		};
		famfs_report_file(FAMFS_SB(inode->i_sb)->devs[bad.devindex],
				  inode, &run);
		pos = bad.pos + bad.len;
	}
}

/* Returns true if the file has anything in the range @bad of the device */
static bool famfs_fail_inode(struct famfs_dev *dev, struct inode *inode,
			     const struct famfs_range *bad, int mf_flags)
{
	u64 offset = bad->offset, end = bad->offset + bad->len;
	const struct famfs_map *map = famfs_inode_map(inode);
	struct famfs_run run;
	bool found = false;
	u32 i;

	/* Without a map, it is being made just now, and not mapped yet */
	if (!map || !famfs_find_range(map, bad, &i))
		return false;

	while (offset < end && famfs_map_reverse(map, i, offset, &run)) {
		run.len = min(run.len, end - offset);
		offset += run.len;
		/* Past the file's end nothing is mapped, and nothing lost */
		if (run.pos >= map->size)
			continue;
		famfs_kill_procs(inode, &run, mf_flags);
		trace_famfs_failure(inode, dev->name, run.offset, run.pos,
				    run.len);
		famfs_report_file(dev, inode, &run);
		found = true;
	}
	return found;
}

/* Returns true if any file has anything in [@offset, @end) of the device */
static bool famfs_fail_files(struct famfs_dev *dev, u64 offset, u64 end,
			     int mf_flags)
{
	unsigned long first = PHYS_PFN(offset), last = PHYS_PFN(end - 1);
	unsigned int evicted = 0;
	struct famfs_range owned;
	struct inode *inode;
	bool found = false;

	/* Where this is not so, quiescing waits for us */
	if (READ_ONCE(dev->closing))
		return false;

	while (first <= last &&
	       (inode = famfs_next_owner(dev, &first, last, &owned,
					 &evicted))) {
		found |= famfs_fail_inode(dev, inode, &owned, mf_flags);
		iput(inode);
	}
	return found;
}

static int famfs_memory_failure(struct famfs_dev *dev, u64 offset, u64 len,
				int mf_flags)
{
	u64 end;

	if (check_add_overflow(offset, len, &end))
		end = U64_MAX;
	if (end <= dev->start || offset >= dev->start + dev->size)
		return -EOPNOTSUPP;
	offset = max(offset, dev->start) - dev->start;
	end = min(end - dev->start, dev->size);
	offset = round_down(offset, PAGE_SIZE);
	end = round_up(end, PAGE_SIZE);

	/* What is known to be bad is not mapped again, nor by a new file */
	famfs_bad_mark(dev, offset, end - offset);
	famfs_bad_add(dev, offset, end - offset, GFP_KERNEL | __GFP_NOFAIL);
	if (!famfs_fail_files(dev, offset, end, mf_flags))
		pr_err("%s: bad memory at %#llx, length %#llx: no file\n",
		       dev->name, offset, end - offset);
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

/* Take all that a file has of a device */
static void famfs_take_inode(const struct famfs_dev *dev, struct inode *inode)
{
	const struct famfs_map *map = famfs_inode_map(inode);
	struct famfs_range range;
	struct famfs_run run;
	bool mapped;
	u64 offset;
	u32 i;

	/* What was stored so far still arrives: the device is there */
	filemap_invalidate_lock(inode->i_mapping);
	unmap_mapping_range(inode->i_mapping, 0, 0, 0);
	filemap_invalidate_unlock(inode->i_mapping);
	filemap_write_and_wait(inode->i_mapping);
	mapping_set_error(inode->i_mapping, -EIO);
	/* Whoever has resolved an offset before the device died ends here */
	inode_lock(inode);
	inode_unlock(inode);
	filemap_invalidate_lock(inode->i_mapping);
	mapped = !mapping_empty(inode->i_mapping);
	filemap_invalidate_unlock(inode->i_mapping);

	for (i = 0; mapped && i < famfs_map_nr_ranges(map); i++) {
		famfs_map_range(map, i, &range);
		if (range.devindex != dev->index)
			continue;
		offset = range.offset;
		while (offset < range.offset + range.len &&
		       famfs_map_reverse(map, i, offset, &run)) {
			famfs_take_run(inode, &run);
			offset += run.len;
		}
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
		/*
		 * One that has many ranges is met many times. Without a map,
		 * it is being made just now, and not mapped yet.
		 */
		if (famfs_inode_map(inode) &&
		    !test_and_set_bit(dev->index, FAMFS_I(inode)->taken))
			famfs_take_inode(dev, inode);
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
	famfs_dev_forget(dev);
}

static int famfs_notify_failure(struct dax_device *dax_dev, u64 offset, u64 len,
				int mf_flags)
{
	bool gone = mf_flags & MF_MEM_PRE_REMOVE;
	void *holder = dax_holder(dax_dev);
	struct famfs_dev *dev;
	int rc = 0;

	if (!holder)
		return -EOPNOTSUPP;
	wait_event(famfs_watch_changed,
		   famfs_try_pin(dax_dev, holder, gone, &dev));
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
