// SPDX-License-Identifier: GPL-2.0
/*
 * famfs names and inodes: a tree that lives in the dentry cache, where each
 * name holds its dentry until it is removed, and what may be done to it.
 *
 * What the tree holds comes from a log that all machines replay, so changes
 * that the log cannot tell of are refused by default: each operation has a bit
 * in famfs_sb_info.opts, and operations that would take a file's name away or
 * put another file in its place need the bit for that as well.
 */
#include <linux/security.h>
#include <linux/slab.h>

#include "compat.h"
#include "famfs.h"

static const struct inode_operations famfs_dir_inode_operations;

/**
 * famfs_new_inode - make an inode
 * @idmap: of the mount that it is made through
 * @sb: the super block
 * @dir: the directory that it goes to, NULL for the root
 * @mode: type and permission bits
 * @rdev: device number for a device node
 *
 * Context: may sleep.
 * Return: the inode, complete but for its name; NULL if there is no memory.
 */
struct inode *famfs_new_inode(struct mnt_idmap *idmap, struct super_block *sb,
			      struct inode *dir, umode_t mode, dev_t rdev)
{
	struct inode *inode = new_inode(sb);

	if (!inode)
		return NULL;

	inode->i_ino = atomic64_inc_return(&FAMFS_SB(sb)->next_ino);
	inode_init_owner(idmap, inode, dir, mode);
	simple_inode_init_ts(inode);

	switch (mode & S_IFMT) {
	case S_IFREG:
		inode->i_op = &famfs_file_inode_operations;
		inode->i_fop = &famfs_file_operations;
		inode->i_mapping->a_ops = &famfs_aops;
		break;
	case S_IFDIR:
		inode->i_op = &famfs_dir_inode_operations;
		inode->i_fop = &famfs_dir_operations;
		inc_nlink(inode);	/* for "." */
		break;
	default:
		inode->i_op = &famfs_file_inode_operations;
		init_special_inode(inode, mode, rdev);
		break;
	}
	return inode;
}

/**
 * famfs_inode_set_map - publish a file's map, for good
 * @inode: a regular file without a map
 * @map: the map, whose ranges are claimed; the inode owns it from here on
 *
 * Context: the inode lock is held.
 */
void famfs_inode_set_map(struct inode *inode, const struct famfs_map *map)
{
	lockdep_assert_held_write(&inode->i_rwsem);

	inode_set_flags(inode, S_DAX, S_DAX);
	inode_set_bytes(inode, map->ext[map->nr - 1].end);
	inode_set_mtime_to_ts(inode, inode_set_ctime_current(inode));

	/* Pairs with famfs_inode_map(); who sees the size must see the map */
	smp_store_release(&FAMFS_I(inode)->map, map);
	i_size_write(inode, map->size);
}

static int famfs_add(struct mnt_idmap *idmap, struct inode *dir,
		     struct dentry *dentry, umode_t mode, dev_t rdev)
{
	struct inode *inode;
	int rc;

	inode = famfs_new_inode(idmap, dir->i_sb, dir, mode, rdev);
	if (!inode)
		return -ENOMEM;

	rc = security_inode_init_security(inode, dir, &dentry->d_name, NULL,
					  NULL);
	/* A module that wants to store a label finds no place for one */
	if (rc && rc != -EOPNOTSUPP) {
		iput(inode);
		return rc;
	}

	inode_set_mtime_to_ts(dir, inode_set_ctime_current(dir));
	if (S_ISDIR(mode))
		inc_nlink(dir);
	d_make_persistent(dentry, inode);
	return 0;
}

static int famfs_create(struct mnt_idmap *idmap, struct inode *dir,
			struct dentry *dentry, umode_t mode, bool excl)
{
	if (!famfs_opt(dir->i_sb, FAMFS_OPT_CREATE))
		return -EPERM;
	return famfs_add(idmap, dir, dentry, mode | S_IFREG, 0);
}

static famfs_mkdir_ret_t famfs_mkdir(struct mnt_idmap *idmap,
				     struct inode *dir, struct dentry *dentry,
				     umode_t mode)
{
	int rc = -EPERM;

	if (famfs_opt(dir->i_sb, FAMFS_OPT_MKDIR))
		rc = famfs_add(idmap, dir, dentry, mode | S_IFDIR, 0);
	return famfs_mkdir_ret(rc);
}

/* May the file or directory that @dentry names lose that name? */
static int famfs_may_remove(const struct dentry *dentry)
{
	const struct inode *inode = d_inode(dentry);

	if (S_ISDIR(inode->i_mode))
		return famfs_opt(inode->i_sb, FAMFS_OPT_RMDIR) ? 0 : -EPERM;
	/* A file that never got a map is nowhere but here */
	if (S_ISREG(inode->i_mode) && !famfs_inode_map(inode))
		return 0;
	return famfs_opt(inode->i_sb, FAMFS_OPT_UNLINK) ? 0 : -EPERM;
}

static int famfs_unlink(struct inode *dir, struct dentry *dentry)
{
	int rc = famfs_may_remove(dentry);

	return rc ? rc : simple_unlink(dir, dentry);
}

static int famfs_rmdir(struct inode *dir, struct dentry *dentry)
{
	int rc = famfs_may_remove(dentry);

	return rc ? rc : simple_rmdir(dir, dentry);
}

static int famfs_setattr(struct mnt_idmap *idmap, struct dentry *dentry,
			 struct iattr *attr)
{
	struct inode *inode = d_inode(dentry);
	unsigned int valid = attr->ia_valid;
	u64 need = 0;
	int rc;

	rc = setattr_prepare(idmap, dentry, attr);
	if (rc)
		return rc;

	if ((valid & ATTR_SIZE) && attr->ia_size != i_size_read(inode))
		return -EPERM;
	/*
	 * ATTR_FORCE is the kernel taking set-id bits away, not somebody's
	 * wish; a change of owner may carry that in ATTR_MODE.
	 */
	if (!(valid & ATTR_FORCE)) {
		if (valid & (ATTR_UID | ATTR_GID))
			need |= FAMFS_OPT_CHOWN;
		else if (valid & ATTR_MODE)
			need |= FAMFS_OPT_CHMOD;
		if ((valid & (ATTR_ATIME | ATTR_MTIME)) && !(valid & ATTR_SIZE))
			need |= FAMFS_OPT_UTIMES;
	}
	if (need & ~READ_ONCE(FAMFS_SB(inode->i_sb)->opts))
		return -EPERM;

	setattr_copy(idmap, inode, attr);
	mark_inode_dirty(inode);
	return 0;
}

const struct inode_operations famfs_file_inode_operations = {
	.setattr	= famfs_setattr,
};

static const struct inode_operations famfs_dir_inode_operations = {
	.lookup		= simple_lookup,
	.create		= famfs_create,
	.mkdir		= famfs_mkdir,
	.unlink		= famfs_unlink,
	.rmdir		= famfs_rmdir,
	.setattr	= famfs_setattr,
};
