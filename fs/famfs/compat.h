/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Differences between kernel versions: everything that has to be asked of the
 * version is asked here, and offered to the rest under the newest kernel's
 * names or under a name of its own.
 */
#ifndef _FAMFS_COMPAT_H
#define _FAMFS_COMPAT_H

#include <linux/dax.h>
#include <linux/dcache.h>
#include <linux/fs.h>
#include <linux/pagemap.h>
#include <linux/slab.h>
#include <linux/version.h>
#include <linux/wait_bit.h>

/* Exported by the dax core, declared in none of the installed headers */
struct inode *dax_inode(struct dax_device *dax_dev);

#ifndef kzalloc_obj
#define kzalloc_obj(obj)	kzalloc(sizeof(obj), GFP_KERNEL)
#endif

/* Times as fine as whoever looks needs them, from 6.13 on */
#ifndef FS_MGTIME
#define FS_MGTIME		0
#endif

/* ->mkdir hands back a dentry from 6.15 on */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 15, 0)
#define famfs_mkdir_ret_t	struct dentry *
#define famfs_mkdir_ret(rc)	ERR_PTR(rc)
#else
#define famfs_mkdir_ret_t	int
#define famfs_mkdir_ret(rc)	(rc)
#endif

/*
 * Take a file's pages out of all page tables and out of the file, once nobody
 * uses them for I/O. Idle is a reference count of 0 from 6.15 on, of 1 before.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 15, 0)
static inline void famfs_wait_page_idle(struct page *page)
{
	wait_var_event(page, dax_page_is_idle(page));
}

static inline struct page *famfs_busy_page(struct address_space *mapping,
					   loff_t start, loff_t end)
{
	return dax_layout_busy_page_range(mapping, start, end);
}

static inline void famfs_delete_pages(struct address_space *mapping,
				      loff_t start, loff_t end)
{
	dax_delete_mapping_range(mapping, start, end);
}
#else
static inline void famfs_wait_page_idle(struct page *page)
{
	wait_var_event(&page->_refcount, page_ref_count(page) == 1);
}

/*
 * The dax core looks for pages in use only while somebody maps the file; but
 * who pinned a page may have unmapped it since. What it keeps of a page is the
 * page's number above four bits: locked, 2 MiB, and two for no page at all.
 */
static inline struct page *famfs_busy_page(struct address_space *mapping,
					   loff_t start, loff_t end)
{
	struct page *page = dax_layout_busy_page_range(mapping, start, end);
	XA_STATE(xas, &mapping->i_pages, start >> PAGE_SHIFT);
	unsigned long value, pfn, last, scanned = 0;
	void *entry;

	if (page || !dax_mapping(mapping))
		return page;

	xas_lock_irq(&xas);
	xas_for_each(&xas, entry, end >> PAGE_SHIFT) {
		value = xa_is_value(entry) ? xa_to_value(entry) : BIT(2);
		pfn = value >> 4;
		last = pfn + (value & BIT(1) ? PTRS_PER_PMD : 1);
		for (; !(value & (BIT(2) | BIT(3))) && pfn < last; pfn++) {
			if (page_ref_count(pfn_to_page(pfn)) > 1) {
				page = pfn_to_page(pfn);
				goto out;
			}
		}
		if (++scanned % XA_CHECK_SCHED)
			continue;
		xas_pause(&xas);
		xas_unlock_irq(&xas);
		cond_resched();
		xas_lock_irq(&xas);
	}
out:
	xas_unlock_irq(&xas);
	return page;
}

static inline void famfs_delete_pages(struct address_space *mapping,
				      loff_t start, loff_t end)
{
	truncate_inode_pages_range(mapping, start, end);
}

static inline void dax_break_layout_final(struct inode *inode)
{
	struct page *page;

	if (!IS_DAX(inode))
		return;
	while ((page = famfs_busy_page(inode->i_mapping, 0, LLONG_MAX)))
		famfs_wait_page_idle(page);
	truncate_inode_pages(inode->i_mapping, 0);
}
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 18, 0)
#define inode_just_drop		generic_delete_inode
#endif

/* Names that stay because the file system says so have a flag from 6.19 on */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 19, 0)
static inline void d_make_persistent(struct dentry *dentry,
				     struct inode *inode)
{
	d_instantiate(dentry, inode);
	dget(dentry);
}

#define famfs_kill_anon_super	kill_litter_super
#else
#define famfs_kill_anon_super	kill_anon_super
#endif

/*
 * What fanotify shows as FAN_FS_ERROR: a part of a file, or a device, is lost.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 0, 0)
#include <linux/fserror.h>

static inline void famfs_fserror(struct inode *inode, u64 pos, u64 len)
{
	fserror_report_data_lost(inode, pos, len, GFP_KERNEL);
}

static inline void famfs_fserror_device(struct super_block *sb)
{
	fserror_report_shutdown(sb, GFP_KERNEL);
}
#else
#include <linux/fsnotify.h>

static inline void famfs_fserror(struct inode *inode, u64 pos, u64 len)
{
	fsnotify_sb_error(inode->i_sb, inode, EIO);
}

static inline void famfs_fserror_device(struct super_block *sb)
{
	fsnotify_sb_error(sb, NULL, ESHUTDOWN);
}
#endif

/* Character dax devices can carry a file system from 7.1 on */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(7, 1, 0)
#define FAMFS_HAVE_FSDEV	1
#else
#define FAMFS_HAVE_FSDEV	0

static inline struct dax_device *dax_dev_get(dev_t devt)
{
	return NULL;
}

static inline int fs_dax_get(struct dax_device *dax_dev, void *holder,
			     const struct dax_holder_operations *ops)
{
	return -EOPNOTSUPP;
}
#endif

#endif /* _FAMFS_COMPAT_H */
