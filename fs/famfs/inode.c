// SPDX-License-Identifier: GPL-2.0
/*
 * famfs names and inodes: a tree that lives in the dentry cache, where each
 * name holds its dentry until it is removed, and what may be done to it.
 *
 * What the tree holds comes from a log that all machines replay, so changes
 * that the log cannot tell of are refused by default: each operation has a bit
 * in famfs_sb_info.policy, and what would take a file's last name away needs the
 * bit for that as well.
 */
#include <linux/exportfs.h>
#include <linux/random.h>
#include <linux/security.h>
#include <linux/slab.h>

#include "compat.h"
#include "famfs.h"
#include "trace.h"

static const struct inode_operations famfs_dir_inode_operations;
static const struct inode_operations famfs_symlink_inode_operations;
static const struct inode_operations famfs_special_inode_operations;

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
	inode->i_generation = get_random_u32();

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
	case S_IFLNK:
		inode->i_op = &famfs_symlink_inode_operations;
		break;
	default:
		inode->i_op = &famfs_special_inode_operations;
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
	inode_set_bytes(inode, map->nbytes);
	inode_set_mtime_to_ts(inode, inode_set_ctime_current(inode));

	/* Pairs with famfs_inode_map(); who sees the size must see the map */
	smp_store_release(&FAMFS_I(inode)->map, map);
	i_size_write(inode, map->size);
	trace_famfs_map_create(inode, map);
}

static int famfs_add(struct mnt_idmap *idmap, struct inode *dir,
		     struct dentry *dentry, umode_t mode, dev_t rdev,
		     const char *target)
{
	struct inode *inode;
	int rc;

	inode = famfs_new_inode(idmap, dir->i_sb, dir, mode, rdev);
	if (!inode)
		return -ENOMEM;

	if (target) {
		inode->i_link = kstrdup(target, GFP_KERNEL_ACCOUNT);
		if (!inode->i_link) {
			iput(inode);
			return -ENOMEM;
		}
		i_size_write(inode, strlen(target));
	}

	rc = security_inode_init_security(inode, dir, &dentry->d_name, NULL,
					  NULL);
	/* A module that wants to store a label finds no place for one */
	if (rc && rc != -EOPNOTSUPP) {
		iput(inode);
		return rc;
	}

	/* It is complete: file handles, as in fanotify's events, may find it */
	insert_inode_hash(inode);
	inode_set_mtime_to_ts(dir, inode_set_ctime_current(dir));
	if (S_ISDIR(mode))
		inc_nlink(dir);
	d_make_persistent(dentry, inode);
	return 0;
}

static int famfs_create(struct mnt_idmap *idmap, struct inode *dir,
			struct dentry *dentry, umode_t mode, bool excl)
{
	if (!famfs_may(dir->i_sb, FAMFS_OPT_CREATE))
		return -EPERM;
	return famfs_add(idmap, dir, dentry, mode | S_IFREG, 0, NULL);
}

static famfs_mkdir_ret_t famfs_mkdir(struct mnt_idmap *idmap,
				     struct inode *dir, struct dentry *dentry,
				     umode_t mode)
{
	int rc = -EPERM;

	if (famfs_may(dir->i_sb, FAMFS_OPT_MKDIR))
		rc = famfs_add(idmap, dir, dentry, mode | S_IFDIR, 0, NULL);
	return famfs_mkdir_ret(rc);
}

static int famfs_mknod(struct mnt_idmap *idmap, struct inode *dir,
		       struct dentry *dentry, umode_t mode, dev_t rdev)
{
	u64 need = S_ISREG(mode) ? FAMFS_OPT_CREATE : FAMFS_OPT_MKNOD;

	if (!famfs_may(dir->i_sb, need))
		return -EPERM;
	return famfs_add(idmap, dir, dentry, mode, rdev, NULL);
}

static int famfs_symlink(struct mnt_idmap *idmap, struct inode *dir,
			 struct dentry *dentry, const char *target)
{
	if (!famfs_may(dir->i_sb, FAMFS_OPT_SYMLINK))
		return -EPERM;
	return famfs_add(idmap, dir, dentry, S_IFLNK | 0777, 0, target);
}

static int famfs_link(struct dentry *old_dentry, struct inode *dir,
		      struct dentry *dentry)
{
	if (!famfs_may(dir->i_sb, FAMFS_OPT_LINK))
		return -EPERM;
	return simple_link(old_dentry, dir, dentry);
}

/* May the file or directory that @dentry names lose that name? */
static int famfs_may_remove(const struct dentry *dentry)
{
	const struct inode *inode = d_inode(dentry);

	if (S_ISDIR(inode->i_mode))
		return famfs_may(inode->i_sb, FAMFS_OPT_RMDIR) ? 0 : -EPERM;
	/* A file that never got a map is nowhere but here */
	if (S_ISREG(inode->i_mode) && !famfs_inode_map(inode))
		return 0;
	return famfs_may(inode->i_sb, FAMFS_OPT_UNLINK) ? 0 : -EPERM;
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

static int famfs_rename(struct mnt_idmap *idmap, struct inode *old_dir,
			struct dentry *old_dentry, struct inode *new_dir,
			struct dentry *new_dentry, unsigned int flags)
{
	int rc;

	if (!famfs_may(old_dir->i_sb, FAMFS_OPT_RENAME))
		return -EPERM;
	/* What an exchange moves keeps a name; what is renamed over loses it */
	if (d_really_is_positive(new_dentry) && !(flags & RENAME_EXCHANGE)) {
		rc = famfs_may_remove(new_dentry);
		if (rc)
			return rc;
	}
	return simple_rename(idmap, old_dir, old_dentry, new_dir, new_dentry,
			     flags);
}

/* Is this a change of owner that takes set-id bits along, and no more? */
static bool famfs_drops_set_id(const struct inode *inode,
			       const struct iattr *attr)
{
	umode_t was = inode->i_mode & S_IALLUGO;
	umode_t is = attr->ia_mode & S_IALLUGO;

	return attr->ia_valid & (ATTR_UID | ATTR_GID) && !(is & ~was) &&
	       !(was & ~is & ~(S_ISUID | S_ISGID));
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
		if ((valid & ATTR_MODE) && !famfs_drops_set_id(inode, attr))
			need |= FAMFS_OPT_CHMOD;
		if ((valid & (ATTR_ATIME | ATTR_MTIME)) && !(valid & ATTR_SIZE))
			need |= FAMFS_OPT_UTIMES;
	}
	if (need & ~(u64)atomic64_read(&FAMFS_SB(inode->i_sb)->policy))
		return -EPERM;

	setattr_copy(idmap, inode, attr);
	mark_inode_dirty(inode);
	return 0;
}

const struct inode_operations famfs_file_inode_operations = {
	.setattr	= famfs_setattr,
	.fiemap		= famfs_fiemap,
};

static const struct inode_operations famfs_special_inode_operations = {
	.setattr	= famfs_setattr,
};

static const struct inode_operations famfs_symlink_inode_operations = {
	.get_link	= simple_get_link,
	.setattr	= famfs_setattr,
};

static const struct inode_operations famfs_dir_inode_operations = {
	.lookup		= simple_lookup,
	.create		= famfs_create,
	.link		= famfs_link,
	.unlink		= famfs_unlink,
	.symlink	= famfs_symlink,
	.mkdir		= famfs_mkdir,
	.rmdir		= famfs_rmdir,
	.mknod		= famfs_mknod,
	.rename		= famfs_rename,
	.setattr	= famfs_setattr,
};

static struct inode *famfs_handle_inode(struct super_block *sb, u64 ino,
					u32 generation)
{
	struct inode *inode = ilookup(sb, ino);

	if (inode && (inode->i_generation != generation || !inode->i_nlink)) {
		iput(inode);
		inode = NULL;
	}
	return inode ? inode : ERR_PTR(-ESTALE);
}

static struct dentry *famfs_fh_to_dentry(struct super_block *sb,
					 struct fid *fid, int fh_len,
					 int fh_type)
{
	return generic_fh_to_dentry(sb, fid, fh_len, fh_type,
				    famfs_handle_inode);
}

const struct export_operations famfs_export_operations = {
	.encode_fh	= generic_encode_ino32_fh,
	.fh_to_dentry	= famfs_fh_to_dentry,
};
