// SPDX-License-Identifier: GPL-2.0
/*
 * famfs mounts: mount options, super blocks, the module itself.
 *
 * A super block has a number of its own, not the device's: what makes a mount
 * of a device the only one is that it is the device's holder. A file system
 * comes up empty; user space, which knows the log, fills it through ioctls.
 */
#include <linux/backing-dev.h>
#include <linux/exportfs.h>
#include <linux/fs_context.h>
#include <linux/fs_parser.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/statfs.h>

#include "compat.h"
#include "famfs.h"

#define FAMFS_DEFAULT_MODE	0755

static struct kmem_cache *famfs_inode_cachep;

/**
 * struct famfs_context - what a mount or remount asks for
 * @mode: permission bits of the root directory
 * @uid: owner of the root directory
 * @gid: group of the root directory
 * @coherent: the hardware keeps the memory coherent between machines
 * @given: BIT(OPT_...) of those that were given
 */
struct famfs_context {
	umode_t		mode;
	kuid_t		uid;
	kgid_t		gid;
	bool		coherent;
	unsigned long	given;
};

static struct inode *famfs_alloc_inode(struct super_block *sb)
{
	struct famfs_inode *fi;

	fi = alloc_inode_sb(sb, famfs_inode_cachep, GFP_KERNEL);
	if (!fi)
		return NULL;
	fi->map = NULL;
	bitmap_zero(fi->taken, FAMFS_MAX_DAXDEVS);
	return &fi->vfs_inode;
}

static void famfs_free_inode(struct inode *inode)
{
	if (S_ISLNK(inode->i_mode))
		kfree(inode->i_link);
	kmem_cache_free(famfs_inode_cachep, FAMFS_I(inode));
}

static void famfs_evict_inode(struct inode *inode)
{
	struct famfs_sb_info *sbi = FAMFS_SB(inode->i_sb);
	const struct famfs_map *map = famfs_inode_map(inode);

	/* Nobody gets the ranges while a page of them is still in use */
	dax_break_layout_final(inode);
	truncate_inode_pages_final(&inode->i_data);
	clear_inode(inode);

	if (map) {
		famfs_ranges_release(sbi, map);
		kvfree(map);
	}
}

static int famfs_statfs(struct dentry *dentry, struct kstatfs *buf)
{
	struct super_block *sb = dentry->d_sb;
	struct famfs_sb_info *sbi = FAMFS_SB(sb);
	const struct famfs_dev *dev;
	u64 size = 0;

	famfs_for_each_device(sbi, dev)
		size += dev->size;

	buf->f_type = FAMFS_SUPER_MAGIC;
	buf->f_bsize = PAGE_SIZE;
	buf->f_blocks = size >> PAGE_SHIFT;
	buf->f_bfree = (size - famfs_used(sbi)) >> PAGE_SHIFT;
	buf->f_bavail = buf->f_bfree;
	buf->f_namelen = NAME_MAX;
	buf->f_fsid = u64_to_fsid(huge_encode_dev(sb->s_dev));
	return 0;
}

static int famfs_sync_fs(struct super_block *sb, int wait)
{
	return wait ? famfs_flush_devices(FAMFS_SB(sb)) : 0;
}

static int famfs_show_options(struct seq_file *m, struct dentry *root)
{
	const struct inode *inode = d_inode(root->d_sb->s_root);
	umode_t mode = inode->i_mode & S_IALLUGO;

	/* These may have been changed since, as those of any directory */
	if (mode != FAMFS_DEFAULT_MODE)
		seq_printf(m, ",mode=%04o", mode);
	if (!uid_eq(inode->i_uid, GLOBAL_ROOT_UID))
		seq_printf(m, ",uid=%u",
			   from_kuid_munged(seq_user_ns(m), inode->i_uid));
	if (!gid_eq(inode->i_gid, GLOBAL_ROOT_GID))
		seq_printf(m, ",gid=%u",
			   from_kgid_munged(seq_user_ns(m), inode->i_gid));
	seq_puts(m, ",dax=always");
	if (famfs_coherent(root->d_sb))
		seq_puts(m, ",coherent");
	return 0;
}

static const struct super_operations famfs_super_operations = {
	.alloc_inode	= famfs_alloc_inode,
	.free_inode	= famfs_free_inode,
	.evict_inode	= famfs_evict_inode,
	.drop_inode	= inode_just_drop,
	.statfs		= famfs_statfs,
	.sync_fs	= famfs_sync_fs,
	.show_options	= famfs_show_options,
};

static int famfs_fill_super(struct super_block *sb, struct fs_context *fc)
{
	const struct famfs_context *ctx = fc->fs_private;
	struct famfs_sb_info *sbi;
	struct famfs_dev *dev;
	struct inode *root;
	int rc;

	sbi = kzalloc_obj(*sbi);
	if (!sbi)
		return -ENOMEM;
	mutex_init(&sbi->dev_lock);
	mutex_init(&sbi->map_lock);
	mutex_init(&sbi->sysfs_lock);
	init_waitqueue_head(&sbi->release_wait);
	atomic64_set(&sbi->policy, FAMFS_OPTS_DEFAULT);
	sbi->coherent = ctx->coherent;
	sb->s_fs_info = sbi;	/* famfs_kill_sb() frees it from here on */

	sbi->stats = alloc_percpu(struct famfs_stats);
	if (!sbi->stats)
		return -ENOMEM;

	sb->s_magic = FAMFS_SUPER_MAGIC;
	sb->s_op = &famfs_super_operations;
	sb->s_export_op = &famfs_export_operations;
	sb->s_maxbytes = MAX_LFS_FILESIZE;
	sb->s_blocksize = PAGE_SIZE;
	sb->s_blocksize_bits = PAGE_SHIFT;
	sb->s_time_gran = 1;

	dev = famfs_dev_open(sb, fc, fc->source);
	if (IS_ERR(dev))
		return PTR_ERR(dev);
	sbi->devs[0] = dev;

	/* For sync, msync and the like to reach ->writepages */
	rc = super_setup_bdi(sb);
	if (rc)
		return rc;

	root = famfs_new_inode(&nop_mnt_idmap, sb, NULL,
			       S_IFDIR | ctx->mode, 0);
	if (root) {
		root->i_uid = ctx->uid;
		root->i_gid = ctx->gid;
	}
	sb->s_root = d_make_root(root);
	if (!sb->s_root)
		return -ENOMEM;

	insert_inode_hash(root);

	if (READ_ONCE(dev->dead))
		return -ENXIO;
	return famfs_sysfs_add(sb);
}

static int famfs_get_tree(struct fs_context *fc)
{
	if (!fc->source)
		return invalf(fc, "no device is given: mount a node like /dev/dax0.0");
	return get_tree_nodev(fc, famfs_fill_super);
}

static void famfs_kill_sb(struct super_block *sb)
{
	struct famfs_sb_info *sbi = FAMFS_SB(sb);
	unsigned int i;

	/*
	 * Inodes go with their names, and with that what of them is dirty,
	 * before the super block is synced in the course of things. While
	 * that goes on, failures are to wait for it.
	 */
	if (sb->s_root)
		sync_filesystem(sb);
	/* While a failure is dealt with, nothing of the mount may go */
	for (i = 0; sbi && i < FAMFS_MAX_DAXDEVS; i++)
		if (sbi->devs[i])
			famfs_failure_quiesce(sbi->devs[i]);
	if (sbi)
		famfs_sysfs_remove(sb);
	famfs_kill_anon_super(sb);
	if (!sbi)
		return;
	for (i = 0; i < FAMFS_MAX_DAXDEVS; i++)
		if (sbi->devs[i])
			famfs_dev_close(sbi->devs[i]);
	free_percpu(sbi->stats);
	kfree(sbi);
}

enum famfs_param { OPT_MODE, OPT_UID, OPT_GID, OPT_DAX, OPT_COHERENT };

static const struct constant_table famfs_param_dax[] = {
	{ "always", 0 },
	{}
};

static const struct fs_parameter_spec famfs_parameters[] = {
	fsparam_u32oct("mode",		OPT_MODE),
	fsparam_uid("uid",		OPT_UID),
	fsparam_gid("gid",		OPT_GID),
	fsparam_enum("dax",		OPT_DAX, famfs_param_dax),
	fsparam_flag_no("coherent",	OPT_COHERENT),
	{}
};

static int famfs_parse_param(struct fs_context *fc, struct fs_parameter *param)
{
	struct famfs_context *ctx = fc->fs_private;
	struct fs_parse_result result;
	int opt;

	opt = fs_parse(fc, famfs_parameters, param, &result);
	switch (opt) {
	case OPT_MODE:
		if (result.uint_32 & ~S_IALLUGO)
			return invalf(fc, "mode=%o: not the mode of a directory",
				      result.uint_32);
		ctx->mode = result.uint_32;
		break;
	case OPT_UID:
		ctx->uid = result.uid;
		break;
	case OPT_GID:
		ctx->gid = result.gid;
		break;
	case OPT_COHERENT:
		ctx->coherent = !result.negated;
		break;
	case OPT_DAX:
		break;	/* it is so, always */
	default:
		return opt;
	}
	ctx->given |= BIT(opt);
	return 0;
}

/*
 * The root directory was made once; its owner and mode are changed as any's. A
 * remount may repeat what /proc/mounts shows.
 */
static int famfs_reconfigure(struct fs_context *fc)
{
	struct famfs_sb_info *sbi = FAMFS_SB(fc->root->d_sb);
	const struct inode *root = d_inode(fc->root->d_sb->s_root);
	const struct famfs_context *ctx = fc->fs_private;

	if ((ctx->given & BIT(OPT_MODE) &&
	     ctx->mode != (root->i_mode & S_IALLUGO)) ||
	    (ctx->given & BIT(OPT_UID) && !uid_eq(ctx->uid, root->i_uid)) ||
	    (ctx->given & BIT(OPT_GID) && !gid_eq(ctx->gid, root->i_gid)))
		return invalf(fc,
			      "mode, uid and gid cannot be changed by a remount: use chmod and chown on the root directory");
	if (ctx->given & BIT(OPT_COHERENT) && ctx->coherent != sbi->coherent)
		return invalf(fc, "coherent cannot be changed by a remount: unmount first");

	sync_filesystem(fc->root->d_sb);
	return 0;
}

static void famfs_free_fc(struct fs_context *fc)
{
	kfree(fc->fs_private);
}

static const struct fs_context_operations famfs_context_operations = {
	.parse_param	= famfs_parse_param,
	.get_tree	= famfs_get_tree,
	.reconfigure	= famfs_reconfigure,
	.free		= famfs_free_fc,
};

static int famfs_init_fs_context(struct fs_context *fc)
{
	struct famfs_context *ctx;

	ctx = kzalloc_obj(*ctx);
	if (!ctx)
		return -ENOMEM;
	ctx->mode = FAMFS_DEFAULT_MODE;
	fc->fs_private = ctx;
	fc->ops = &famfs_context_operations;
	return 0;
}

static struct file_system_type famfs_fs_type = {
	.owner			= THIS_MODULE,
	.name			= "famfs",
	.init_fs_context	= famfs_init_fs_context,
	.parameters		= famfs_parameters,
	.kill_sb		= famfs_kill_sb,
	.fs_flags		= FS_REQUIRES_DEV | FS_ALLOW_IDMAP |
				  FS_MGTIME,
};
MODULE_ALIAS_FS("famfs");

static int kabi_version = FAMFS_KABI_VERSION;
module_param(kabi_version, int, 0444);
MODULE_PARM_DESC(kabi_version, "version of the ioctl interface");

static void famfs_init_once(void *p)
{
	struct famfs_inode *fi = p;

	inode_init_once(&fi->vfs_inode);
}

static int __init famfs_init(void)
{
	int rc;

	rc = famfs_dax_init();
	if (rc)
		return rc;

	rc = famfs_sysfs_init();
	if (rc)
		goto out_dax;

	rc = -ENOMEM;
	famfs_inode_cachep = kmem_cache_create("famfs_inode_cache",
					       sizeof(struct famfs_inode), 0,
					       SLAB_RECLAIM_ACCOUNT |
					       SLAB_ACCOUNT,
					       famfs_init_once);
	if (!famfs_inode_cachep)
		goto out_sysfs;

	rc = register_filesystem(&famfs_fs_type);
	if (!rc)
		return 0;

	kmem_cache_destroy(famfs_inode_cachep);
out_sysfs:
	famfs_sysfs_exit();
out_dax:
	famfs_dax_exit();
	return rc;
}

static void __exit famfs_exit(void)
{
	unregister_filesystem(&famfs_fs_type);
	famfs_dax_exit();
	/* Inodes are freed by RCU callbacks */
	rcu_barrier();
	kmem_cache_destroy(famfs_inode_cachep);
	famfs_sysfs_exit();
}

module_init(famfs_init);
module_exit(famfs_exit);

MODULE_DESCRIPTION("famfs: a file system for memory that machines share");
MODULE_LICENSE("GPL");
