// SPDX-License-Identifier: GPL-2.0
/*
 * famfs ioctls: how user space gives files their maps, and reads them back.
 *
 * A message is copied in once. Its header has to be read before its length is
 * known; the copy of the whole keeps that header, so that what was checked and
 * what is used are the same bytes whatever user space does in between.
 */
#include <linux/capability.h>
#include <linux/compat.h>
#include <linux/mount.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "famfs.h"

static struct famfs_fmap_header *
famfs_copy_message(const struct famfs_fmap_header __user *arg)
{
	struct famfs_fmap_header head, *msg;
	int rc;

	if (copy_from_user(&head, arg, sizeof(head)))
		return ERR_PTR(-EFAULT);
	rc = famfs_map_check_header(&head);
	if (rc)
		return ERR_PTR(rc);

	msg = kvmalloc(head.fmap_size, GFP_KERNEL);
	if (!msg)
		return ERR_PTR(-ENOMEM);
	*msg = head;
	if (copy_from_user(msg + 1, arg + 1, head.fmap_size - sizeof(head))) {
		kvfree(msg);
		return ERR_PTR(-EFAULT);
	}
	return msg;
}

static struct famfs_map *famfs_make_map(struct famfs_sb_info *sbi,
					const struct famfs_fmap_header *msg)
{
	u64 dev_size[FAMFS_MAX_DAXDEVS];
	const struct famfs_dev *dev;
	struct famfs_map_plan plan;
	struct famfs_map *map;
	unsigned int i;
	int rc;

	for (i = 0; i < FAMFS_MAX_DAXDEVS; i++) {
		dev = famfs_device(sbi, i);
		dev_size[i] = dev && !READ_ONCE(dev->dead) ? dev->size : 0;
	}

	rc = famfs_map_check(msg, dev_size, &plan);
	if (rc)
		return ERR_PTR(rc);

	map = kvmalloc(plan.bytes, GFP_KERNEL_ACCOUNT);
	if (!map)
		return ERR_PTR(-ENOMEM);
	famfs_map_fill(map, &plan, msg);
	rc = famfs_bad_scan_map(sbi, map);
	if (rc) {
		kvfree(map);
		return ERR_PTR(rc);
	}
	return map;
}

/* The inode owns @map once this has returned 0 */
static int famfs_give_map(struct inode *inode, const struct famfs_map *map)
{
	int rc;

	inode_lock(inode);
	if (famfs_inode_map(inode))
		rc = -EEXIST;
	else
		rc = famfs_ranges_claim(FAMFS_SB(inode->i_sb), inode, map);
	if (!rc)
		famfs_inode_set_map(inode, map);
	inode_unlock(inode);
	return rc;
}

static int famfs_ioc_map_create(struct file *file,
				const struct famfs_fmap_header __user *arg)
{
	struct inode *inode = file_inode(file);
	struct famfs_fmap_header *msg;
	struct famfs_map *map;
	int rc;

	if (S_ISDIR(inode->i_mode))
		return -EISDIR;
	if (!capable(CAP_SYS_RAWIO) ||
	    !famfs_may(inode->i_sb, FAMFS_OPT_MAP_CREATE))
		return -EPERM;
	if (!(file->f_mode & FMODE_WRITE))
		return -EBADF;

	msg = famfs_copy_message(arg);
	if (IS_ERR(msg))
		return PTR_ERR(msg);

	map = famfs_make_map(FAMFS_SB(inode->i_sb), msg);
	kvfree(msg);
	if (IS_ERR(map))
		return PTR_ERR(map);

	rc = mnt_want_write_file(file);
	if (!rc) {
		rc = famfs_give_map(inode, map);
		mnt_drop_write_file(file);
	}
	if (rc)
		kvfree(map);
	else
		famfs_failure_report(inode);
	return rc;
}

static int famfs_ioc_map_get(struct file *file,
			     struct famfs_fmap_header __user *arg)
{
	struct inode *inode = file_inode(file);
	struct famfs_fmap_header *msg;
	const struct famfs_map *map;
	u32 space, size;
	int rc = 0;

	if (S_ISDIR(inode->i_mode))
		return -EISDIR;
	if (get_user(space, &arg->fmap_size))
		return -EFAULT;
	map = famfs_inode_map(inode);
	if (!map)
		return -ENODATA;

	size = famfs_map_format_size(map);
	msg = kvmalloc(size, GFP_KERNEL);
	if (!msg)
		return -ENOMEM;
	famfs_map_format(map, msg);
	if (space < size) {
		size = sizeof(*msg);
		rc = -EMSGSIZE;
	}
	if (copy_to_user(arg, msg, size))
		rc = -EFAULT;
	kvfree(msg);
	return rc;
}

static int famfs_add_device(struct super_block *sb, u32 index,
			    const char *path)
{
	struct famfs_sb_info *sbi = FAMFS_SB(sb);
	struct famfs_dev *dev;

	guard(mutex)(&sbi->dev_lock);

	dev = sbi->devs[index];
	if (dev && !famfs_dev_is(dev, path))
		return -EEXIST;
	if (dev)
		return READ_ONCE(dev->dead) ? -ENXIO : 0;

	dev = famfs_dev_open(sb, NULL, path);
	if (IS_ERR(dev))
		return PTR_ERR(dev);
	dev->index = index;
	/* Pairs with famfs_device(): who sees the device sees it complete */
	smp_store_release(&sbi->devs[index], dev);
	return 0;
}

static int famfs_ioc_daxdev_open(struct file *file,
				 const struct famfs_daxdev __user *arg)
{
	struct famfs_daxdev req;
	char *path;
	int rc;

	if (!capable(CAP_SYS_RAWIO))
		return -EPERM;
	if (copy_from_user(&req, arg, sizeof(req)))
		return -EFAULT;
	if (req.daxdev_index >= FAMFS_MAX_DAXDEVS || req.flags || !req.pathlen)
		return -EINVAL;
	if (req.pathlen >= PATH_MAX)
		return -ENAMETOOLONG;

	path = memdup_user_nul(u64_to_user_ptr(req.path), req.pathlen);
	if (IS_ERR(path))
		return PTR_ERR(path);
	if (strlen(path) != req.pathlen)
		rc = -EINVAL;
	else
		rc = famfs_add_device(file_inode(file)->i_sb, req.daxdev_index,
				      path);
	kfree(path);
	return rc;
}

static int famfs_ioc_get_opts(struct file *file, u64 __user *arg)
{
	struct famfs_sb_info *sbi = FAMFS_SB(file_inode(file)->i_sb);

	return put_user((u64)atomic64_read(&sbi->policy), arg);
}

static int famfs_ioc_change_opts(struct file *file, u64 __user *arg, bool set)
{
	struct famfs_sb_info *sbi = FAMFS_SB(file_inode(file)->i_sb);
	u64 bits;

	if (!capable(CAP_SYS_RAWIO))
		return -EPERM;
	if (get_user(bits, arg))
		return -EFAULT;
	if (bits & ~FAMFS_OPTS_ALL)
		return -EINVAL;

	if (set)
		bits |= atomic64_fetch_or(bits, &sbi->policy);
	else
		bits = atomic64_fetch_andnot(bits, &sbi->policy) & ~bits;
	return put_user(bits, arg);
}

static int famfs_ioc_get_errors(struct file *file,
				struct famfs_errors __user *arg)
{
	struct inode *inode = file_inode(file);
	struct famfs_error error;
	struct famfs_errors req;
	bool any;
	u64 pos;
	u32 n;

	if (S_ISDIR(inode->i_mode))
		return -EISDIR;
	if (copy_from_user(&req, arg, sizeof(req)))
		return -EFAULT;
	if (req.reserved)
		return -EINVAL;

	/* A list from the start is to have what drivers know by now */
	pos = req.start;
	if (!pos)
		famfs_bad_learn(inode, 0, i_size_read(inode));
	any = famfs_bad_any(inode, true);
	for (n = 0; any && n < req.nr; n++) {
		if (fatal_signal_pending(current))
			return -EINTR;
		if (!famfs_bad_find(inode, pos, true, &error))
			break;
		if (copy_to_user(&arg->errors[n], &error, sizeof(error)))
			return -EFAULT;
		pos = error.pos + error.len;
	}
	req.nr = n;
	return copy_to_user(arg, &req, sizeof(req)) ? -EFAULT : 0;
}

/**
 * famfs_ioctl - ->unlocked_ioctl of files and directories
 * @file: the file
 * @cmd: FAMFSIOC_ number
 * @arg: as the number says
 *
 * Return: as each FAMFSIOC_ in include/uapi/linux/famfs_ioctl.h says; -ENOTTY
 * for any other number.
 */
long famfs_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *p = (void __user *)arg;

	switch (cmd) {
	case FAMFSIOC_NOP:
		return 0;
	case FAMFSIOC_MAP_CREATE:
		return famfs_ioc_map_create(file, p);
	case FAMFSIOC_DAXDEV_OPEN:
		return famfs_ioc_daxdev_open(file, p);
	case FAMFSIOC_GET_OPTS:
		return famfs_ioc_get_opts(file, p);
	case FAMFSIOC_SET_OPTS:
		return famfs_ioc_change_opts(file, p, true);
	case FAMFSIOC_CLEAR_OPTS:
		return famfs_ioc_change_opts(file, p, false);
	case FAMFSIOC_GET_ERRORS:
		return famfs_ioc_get_errors(file, p);
	case FAMFSIOC_MAP_GET:
		return famfs_ioc_map_get(file, p);
	default:
		return -ENOTTY;
	}
}

const struct file_operations famfs_dir_operations = {
	.owner		= THIS_MODULE,
	.open		= dcache_dir_open,
	.release	= dcache_dir_close,
	.llseek		= dcache_dir_lseek,
	.read		= generic_read_dir,
	.iterate_shared	= dcache_readdir,
	.fsync		= noop_fsync,
	.unlocked_ioctl	= famfs_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
};
