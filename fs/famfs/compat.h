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
#include <linux/slab.h>
#include <linux/version.h>

/* Exported by the dax core, declared in none of the installed headers */
struct inode *dax_inode(struct dax_device *dax_dev);

#ifndef kzalloc_obj
#define kzalloc_obj(obj)	kzalloc(sizeof(obj), GFP_KERNEL)
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
 * From 6.15 on a page that somebody has pinned must not lose its place in the
 * file before the pin is gone; before that, pins are not counted by fs-dax,
 * and dropping the mapping entries is all there is to do.
 */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 15, 0)
static inline void dax_break_layout_final(struct inode *inode)
{
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
