// SPDX-License-Identifier: GPL-2.0
/*
 * famfs bad memory: which pages of the devices must not be touched.
 *
 * What is bad is kept by device, not by file: so it is bad in every map that
 * is made of it, before the failure or after. Whoever resolves a file offset
 * asks, without a lock; where nothing is bad, that is one test of a pointer.
 */
#include <linux/dax.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>

#include "famfs.h"

/**
 * famfs_bad_next - find bad memory in a range
 * @dev: the device
 * @offset: device offset of the range, page aligned
 * @len: bytes, more than 0
 * @bad_len: if not NULL, returns the length of the bad memory that was found,
 *	from where it starts in the range to where it ends, in the range or past
 *
 * Context: any; takes no lock.
 * Return: bytes from @offset to the first bad one, @len if there is none.
 */
u64 famfs_bad_next(const struct famfs_dev *dev, u64 offset, u64 len,
		   u64 *bad_len)
{
	unsigned long first = PHYS_PFN(offset), start, last;
	void *entry;

	MA_STATE(mas, (struct maple_tree *)&dev->bad, first, first);

	if (likely(mtree_empty(&dev->bad)))
		return len;

	rcu_read_lock();
	entry = mas_find(&mas, PHYS_PFN(offset + len - 1));
	start = max(mas.index, first);
	last = mas.last;
	/* What went bad bit by bit is one piece all the same */
	while (entry && bad_len && mas_next(&mas, last + 1))
		last = mas.last;
	rcu_read_unlock();
	if (!entry)
		return len;

	if (bad_len)
		*bad_len = PFN_PHYS((u64)last + 1 - start);
	return PFN_PHYS((u64)start - first);
}

/**
 * famfs_bad_add - remember that a range is bad
 * @dev: the device
 * @offset: device offset, page aligned
 * @len: bytes, page aligned
 * @gfp: how to allocate
 *
 * Context: may sleep, as @gfp allows.
 * Return: 0 or -ENOMEM.
 */
int famfs_bad_add(struct famfs_dev *dev, u64 offset, u64 len, gfp_t gfp)
{
	return mtree_store_range(&dev->bad, PHYS_PFN(offset),
				 PHYS_PFN(offset + len - 1), xa_mk_value(1),
				 gfp);
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
	}
}

/* Of pages that the kernel has met with before, remember the bad ones */
static int famfs_scan_pages(struct famfs_dev *dev, u64 offset, void *kaddr,
			    u64 len)
{
	struct page *page = virt_to_page(kaddr);
	u64 i, nr = PHYS_PFN(len);
	int rc;

	for (i = 0; i < nr; i++) {
		if (!PageHWPoison(&page[i]))
			continue;
		rc = famfs_bad_add(dev, offset + PFN_PHYS(i), PAGE_SIZE,
				   GFP_KERNEL);
		if (rc)
			return rc;
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
	u64 offset = 0, step = SZ_128M, len;
	void *kaddr;
	long got;
	int id, rc;

	while (offset < dev->size) {
		if (fatal_signal_pending(current))
			return -EINTR;
		len = min(step, famfs_dev_contig(dev, offset));
		id = dax_read_lock();
		got = famfs_dev_access(dev, offset, len, &kaddr);
		rc = 0;
		if (got > 0)
			rc = famfs_scan_pages(dev, offset, kaddr, got);
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
			/* Something in there is bad: look closer */
			step = ALIGN(len / 2, PAGE_SIZE);
		} else {
			rc = famfs_bad_add(dev, offset, PAGE_SIZE, GFP_KERNEL);
			if (rc)
				return rc;
			offset += PAGE_SIZE;
		}
	}
	return 0;
}
