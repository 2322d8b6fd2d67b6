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

static struct famfs_map *famfs_make_map(const struct famfs_sb_info *sbi,
					const struct famfs_fmap_header *msg)
{
	u64 dev_size[FAMFS_MAX_DAXDEVS];
	struct famfs_map *map;
	unsigned int i;
	u32 nr;
	int rc;

	for (i = 0; i < FAMFS_MAX_DAXDEVS; i++)
		dev_size[i] = sbi->devs[i] ? sbi->devs[i]->size : 0;

	rc = famfs_map_check(msg, dev_size, &nr);
	if (rc)
		return ERR_PTR(rc);

	map = kvmalloc(struct_size(map, ext, nr), GFP_KERNEL_ACCOUNT);
	if (!map)
		return ERR_PTR(-ENOMEM);
	famfs_map_fill(map, nr, msg);
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
	    !famfs_opt(inode->i_sb, FAMFS_OPT_MAP_CREATE))
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
