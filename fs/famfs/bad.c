// SPDX-License-Identifier: GPL-2.0
/*
 * famfs bad memory: which pages of the devices must not be touched.
 *
 * What is bad is kept by device, not by file: so it is bad in every map that
 * is made of it, before the failure or after. Whoever resolves a file offset
 * asks, without a lock; where nothing is bad, that is one test of a pointer.
 *
 * A page that fails is marked before it is remembered here, and forgotten here
 * before the mark is looked for once more: so a write that mends a page and a
 * failure of it at the same time leave it bad.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/dax.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>

#include "famfs.h"

/**
 * famfs_bad_next - find bad memory in a range
 * @dev: the device
 * @offset: device offset of the range, page aligned
 * @len: bytes, more than 0
 * @bad_len: if not NULL, returns the length of the bad memory that was found,
 *	up to the end of the range
 *
 * Context: any; takes no lock.
 * Return: bytes from @offset to the first bad one, @len if there is none.
 */
u64 famfs_bad_next(const struct famfs_dev *dev, u64 offset, u64 len,
		   u64 *bad_len)
{
	unsigned long first = PHYS_PFN(offset), start, last;
	unsigned long end = PHYS_PFN(offset + len - 1);
	void *entry;

	MA_STATE(mas, (struct maple_tree *)&dev->bad, first, first);

	if (likely(mtree_empty(&dev->bad)))
		return len;

	rcu_read_lock();
	entry = mas_find(&mas, end);
	start = max(mas.index, first);
	last = mas.last;
	/* What went bad bit by bit is one piece all the same */
	while (entry && bad_len && last < end && mas_next(&mas, last + 1))
		last = mas.last;
	rcu_read_unlock();
	if (!entry)
		return len;

	if (bad_len)
		*bad_len = PFN_PHYS((u64)min(last, end) + 1 - start);
	return PFN_PHYS((u64)start - first);
}

/**
 * famfs_bad_add - remember that a range is bad
 * @dev: the device
 * @offset: device offset, page aligned
 * @len: bytes, page aligned
 * @gfp: how to allocate
 *
 * Adds what is not known yet, and stores over nothing: a store that covers many
 * entries drops subtrees, and in a tree that is read under RCU some kernels
 * free what does not belong to these.
 *
 * Context: may sleep, as @gfp allows.
 * Return: 0 or -ENOMEM.
 */
int famfs_bad_add(struct famfs_dev *dev, u64 offset, u64 len, gfp_t gfp)
{
	u64 end = offset + len, good, bad;
	int rc;

	while (offset < end) {
		good = famfs_bad_next(dev, offset, end - offset, &bad);
		if (good) {
			rc = mtree_insert_range(&dev->bad, PHYS_PFN(offset),
						PHYS_PFN(offset + good - 1),
						xa_mk_value(1), gfp);
			/* Somebody else adds something there, too: look again */
			if (rc == -EEXIST)
				continue;
			if (rc)
				return rc;
			offset += good;
		} else {
			offset += bad;
		}
	}
	return 0;
}

/*
 * The page at @offset, bad or not. It is there as long as the device is: the
 * caller is in a dax_read_lock() section.
 */
static struct page *famfs_dev_page(const struct famfs_dev *dev, u64 offset)
{
	void *kaddr;
	long nr;

	nr = dax_direct_access(dev->dax_dev, PHYS_PFN(dev->start + offset), 1,
			       DAX_RECOVERY_WRITE, &kaddr, NULL);
	return nr > 0 ? virt_to_page(kaddr) : NULL;
}

static bool famfs_page_marked(const struct famfs_dev *dev, u64 offset)
{
	struct page *page = famfs_dev_page(dev, offset);

	return !page || PageHWPoison(page);
}

/**
 * famfs_bad_mark - mark the pages of a range as the memory management does
 * @dev: the device
 * @offset: device offset, page aligned
 * @len: bytes, page aligned
 *
 * So that whoever comes upon the pages later, the next mount too, knows.
 *
 * Context: may sleep.
 */
void famfs_bad_mark(struct famfs_dev *dev, u64 offset, u64 len)
{
	u64 end = offset + len;
	struct page *page;
	int id;

	id = dax_read_lock();
	for (; offset < end; offset += PAGE_SIZE) {
		page = famfs_dev_page(dev, offset);
		if (page)
			SetPageHWPoison(page);
		cond_resched();
	}
	dax_read_unlock(id);
}

/**
 * famfs_bad_writable - whether it is worth writing to a bad page
 * @dev: the device
 * @offset: device offset of the page
 *
 * Where the device knows that the page is bad, it may recover it. Where it does
 * so no more, it did, and the page lacks but its contents.
 *
 * Context: any.
 * Return: true if it is.
 */
bool famfs_bad_writable(const struct famfs_dev *dev, u64 offset)
{
	bool writable;
	void *kaddr;
	long got;
	int id;

	id = dax_read_lock();
	got = famfs_dev_access(dev, offset, PAGE_SIZE, &kaddr);
	writable = got == -EHWPOISON || !famfs_page_marked(dev, offset);
	dax_read_unlock(id);
	return writable;
}

/**
 * famfs_bad_recovered - see what of a range is good again
 * @dev: the device
 * @offset: device offset, page aligned
 * @len: bytes that were written, whole pages
 *
 * Context: may sleep.
 */
void famfs_bad_recovered(struct famfs_dev *dev, u64 offset, u64 len)
{
	u64 end = offset + len;
	void *kaddr;
	bool good;
	int id;

	for (; offset < end; offset += PAGE_SIZE) {
		id = dax_read_lock();
		good = famfs_dev_access(dev, offset, PAGE_SIZE, &kaddr) > 0 &&
		       !famfs_page_marked(dev, offset);
		dax_read_unlock(id);
		if (!good)
			continue;
		mtree_store_range(&dev->bad, PHYS_PFN(offset), PHYS_PFN(offset),
				  NULL, GFP_KERNEL | __GFP_NOFAIL);
		/* A failure marks the page first, and so is not forgotten */
		id = dax_read_lock();
		good = !famfs_page_marked(dev, offset);
		dax_read_unlock(id);
		if (!good)
			famfs_bad_add(dev, offset, PAGE_SIZE,
				      GFP_KERNEL | __GFP_NOFAIL);
	}
}

/* Remember a bad page; sets @new if it was not known */
static int famfs_bad_note(struct famfs_dev *dev, u64 offset, bool *new)
{
	int rc;

	if (!famfs_bad_next(dev, offset, PAGE_SIZE, NULL))
		return 0;
	rc = famfs_bad_add(dev, offset, PAGE_SIZE, GFP_KERNEL);
	if (!rc)
		*new = true;
	return rc;
}

/* Of pages that the memory management has marked, note each */
static int famfs_scan_marks(struct famfs_dev *dev, u64 offset, void *kaddr,
			    u64 len, bool *new)
{
	struct page *page = virt_to_page(kaddr);
	u64 i, nr = PHYS_PFN(len);
	int rc;

	for (i = 0; i < nr; i++) {
		if (!PageHWPoison(&page[i]))
			continue;
		rc = famfs_bad_note(dev, offset + PFN_PHYS(i), new);
		if (rc)
			return rc;
	}
	return 0;
}

/*
 * Note what the driver knows to be bad of [@offset, @end), and with @marks what
 * the memory management has marked. Where the driver refuses access to a range,
 * something in there is bad: then it is asked for ever less. About what is noted
 * already it is not asked.
 */
static int famfs_scan(struct famfs_dev *dev, u64 offset, u64 end, bool marks,
		      bool *new)
{
	u64 step = SZ_128M, len, good, bad;
	void *kaddr;
	long got;
	int id, rc;

	while (offset < end) {
		if (fatal_signal_pending(current))
			return -EINTR;
		len = min3(step, end - offset, famfs_dev_contig(dev, offset));
		good = famfs_bad_next(dev, offset, len, &bad);
		if (!good) {
			offset += bad;
			continue;
		}
		len = good;
		id = dax_read_lock();
		got = famfs_dev_access(dev, offset, len, &kaddr);
		rc = 0;
		if (got > 0 && marks)
			rc = famfs_scan_marks(dev, offset, kaddr, got, new);
		dax_read_unlock(id);
		if (rc)
			return rc;
		cond_resched();

		if (got > 0) {
			offset += got;
			step = SZ_128M;
		} else if (got != -EHWPOISON) {
			return -ENXIO;
		} else if (len > PAGE_SIZE) {
			step = ALIGN(len / 2, PAGE_SIZE);
		} else {
			rc = famfs_bad_note(dev, offset, new);
			if (rc)
				return rc;
			offset += PAGE_SIZE;
		}
	}
	return 0;
}

/**
 * famfs_bad_scan - find out what memory of a device is known to be bad
 * @dev: a device that is held and measured
 *
 * Two may know: the driver, which then refuses access to the page, and the
 * memory management, which has marked it. Reads 64 bytes or so for each page
 * of the device.
 *
 * Context: may sleep.
 * Return: 0, -ENOMEM, -EINTR, or -ENXIO if the device has gone away.
 */
int famfs_bad_scan(struct famfs_dev *dev)
{
	bool new = false;
	int rc;

	rc = famfs_scan(dev, 0, dev->size, true, &new);
	if (!rc && new)
		pr_warn("%s: some of its memory is bad; files on it are named as they are made\n",
			dev->name);
	return rc;
}

/**
 * famfs_bad_scan_map - find out what drivers know of the memory of a map by now
 * @sbi: the mount
 * @map: the map, whose ranges lie within their devices
 *
 * A driver may come to know of bad memory without a word to anybody.
 *
 * Context: may sleep.
 * Return: 0, -ENOMEM, -EINTR, or -ENXIO if a device has gone away.
 */
int famfs_bad_scan_map(struct famfs_sb_info *sbi, const struct famfs_map *map)
{
	u32 i, nr = famfs_map_nr_ranges(map);
	struct famfs_range range;
	bool new;
	int rc = 0;

	for (i = 0; !rc && i < nr; i++) {
		famfs_map_range(map, i, &range);
		rc = famfs_scan(sbi->devs[range.devindex], range.offset,
				range.offset + range.len, false, &new);
	}
	return rc;
}

/**
 * famfs_bad_learn - the same for a part of a file that could not be accessed
 * @inode: the file
 * @pos: offset in the file
 * @len: bytes
 *
 * What was stored on a page that turns out to be bad is lost: whoever syncs is
 * told, and whoever maps it will be.
 *
 * Context: may sleep; takes invalidate_lock.
 * Return: true if there is bad memory that was not known.
 */
bool famfs_bad_learn(struct inode *inode, u64 pos, u64 len)
{
	const struct famfs_map *map = famfs_inode_map(inode);
	u64 end = PAGE_ALIGN((u64)i_size_read(inode)), start;
	struct famfs_dev *dev;
	struct famfs_run run;
	bool new = false;

	if (pos < end && len < end - pos)
		end = PAGE_ALIGN(pos + len);
	pos = round_down(pos, PAGE_SIZE);
	start = pos;
	while (pos < end && map && famfs_map_resolve(map, pos, &run)) {
		dev = FAMFS_SB(inode->i_sb)->devs[run.devindex];
		famfs_run_skip(&run, pos);
		run.len = min(run.len, end - run.pos);
		if (famfs_scan(dev, run.offset, run.offset + run.len, false,
			       &new))
			break;
		pos = run.pos + run.len;
	}
	if (new) {
		filemap_invalidate_lock(inode->i_mapping);
		unmap_mapping_range(inode->i_mapping, start, end - start, 0);
		filemap_invalidate_unlock(inode->i_mapping);
		mapping_set_error(inode->i_mapping, -EIO);
	}
	return new;
}

/* famfs_bad_next(), where with @gone all of a device that is gone is bad */
static u64 famfs_bad_or_gone(const struct famfs_dev *dev, u64 offset, u64 len,
			     bool gone, u64 *bad_len)
{
	if (!gone || !READ_ONCE(dev->dead))
		return famfs_bad_next(dev, offset, len, bad_len);
	if (bad_len)
		*bad_len = len;
	return 0;
}

/**
 * famfs_bad_any - does a file have bad memory?
 * @inode: the file
 * @gone: whether all of a device that is gone counts
 *
 * Where no device has any, that is all that is looked at.
 *
 * Context: may sleep.
 * Return: true if it does, be it past its end.
 */
bool famfs_bad_any(const struct inode *inode, bool gone)
{
	const struct famfs_map *map = famfs_inode_map(inode);
	struct famfs_sb_info *sbi = FAMFS_SB(inode->i_sb);
	const struct famfs_dev *dev;
	struct famfs_range range;
	bool any = false;
	u32 i;

	famfs_for_each_device(sbi, dev)
		any |= !mtree_empty(&dev->bad) || (gone && READ_ONCE(dev->dead));
	if (!any || !map)
		return false;

	for (i = 0; i < famfs_map_nr_ranges(map); i++) {
		famfs_map_range(map, i, &range);
		if (famfs_bad_or_gone(sbi->devs[range.devindex], range.offset,
				      range.len, gone, NULL) < range.len)
			return true;
		cond_resched();
	}
	return false;
}

/**
 * famfs_bad_find - find the next bad range of a file
 * @inode: the file
 * @pos: offset in the file
 * @gone: whether all of a device that is gone counts
 * @error: returns the first bad range at or past @pos
 *
 * Looks at each run of the file from there on: worth it if famfs_bad_any().
 *
 * Context: may sleep.
 * Return: false if there is none.
 */
bool famfs_bad_find(const struct inode *inode, u64 pos, bool gone,
		    struct famfs_error *error)
{
	const struct famfs_map *map = famfs_inode_map(inode);
	struct famfs_sb_info *sbi = FAMFS_SB(inode->i_sb);
	const struct famfs_dev *dev;
	struct famfs_run run;
	u64 good, bad;

	while (map && pos < map->size && famfs_map_resolve(map, pos, &run)) {
		dev = sbi->devs[run.devindex];
		famfs_run_skip(&run, pos);
		good = famfs_bad_or_gone(dev, run.offset, run.len, gone, &bad);
		if (good < run.len && run.pos + good < map->size) {
			*error = (struct famfs_error) {
				.pos		= run.pos + good,
				.len		= bad,
				.devindex	= run.devindex,
				.offset		= run.offset + good,
			};
			return true;
		}
		pos = run.pos + run.len;
		cond_resched();
	}
	return false;
}
