/* SPDX-License-Identifier: GPL-2.0 */
/*
 * famfs: what the files of the module share.
 *
 * Who owns what, and who may outlive whom:
 *
 * A super block owns a struct famfs_sb_info from sget_fc() until kill_sb, and
 * that owns the devices. Every inode of the super block is gone before its
 * devices are released, so an inode may use them without a reference.
 *
 * An inode owns its map. The map is published once, under the inode lock, and
 * freed by evict_inode: whoever holds a reference to the inode may use it
 * without a lock. That the map is there is also why i_size is not 0: readers
 * that go by i_size see the map (famfs_inode_map()).
 *
 * famfs_sb_info.map_lock guards which ranges of the devices are in use. It
 * nests inside the inode lock, and is taken for making and dropping maps only,
 * never in a fault, read or write.
 */
#ifndef _FAMFS_H
#define _FAMFS_H

#include <linux/fs.h>
#include <linux/maple_tree.h>
#include <linux/mutex.h>
#include <linux/types.h>

#include "map.h"

struct dax_device;
struct fs_context;

/**
 * struct famfs_dev - a dax device that a mount holds
 * @file: the device node, open; its opening made the permission checks, and
 *	keeps the driver loaded
 * @dax_dev: the device, of which the mount is the exclusive holder
 * @size: bytes
 * @had_write_cache: what dax_write_cache_enabled() was, to be put back
 * @nr_segs: number of segments
 * @seg_end: device offset of the end of each segment. The memory of a device
 *	may come in pieces that are not neighbours; an access never crosses
 *	from one to the next.
 * @used: bytes of the device that are in maps; changes under map_lock
 * @ranges: from ranges of the device, in pages, to the inodes that map them;
 *	changes under map_lock
 */
struct famfs_dev {
	struct file		*file;
	struct dax_device	*dax_dev;
	u64			size;
	bool			had_write_cache;
	unsigned int		nr_segs;
	u64			*seg_end;
	u64			used;
	struct maple_tree	ranges;
};

/**
 * struct famfs_sb_info - a mount
 * @map_lock: guards which ranges of the devices are in use
 * @devs: the devices by index; 0 is the one mounted. Never change while the
 *	super block is active.
 * @next_ino: the number that the last inode got
 * @opts: FAMFS_OPT_ bits
 * @mode: permission bits of the root directory
 */
struct famfs_sb_info {
	struct mutex		map_lock; /* which ranges are in use */
	struct famfs_dev	*devs[FAMFS_MAX_DAXDEVS];
	atomic64_t		next_ino;
	u64			opts;
	umode_t			mode;
};

/**
 * struct famfs_inode - an inode
 * @map: the file's map, NULL until it is given one; see famfs_inode_map()
 * @vfs_inode: the rest
 */
struct famfs_inode {
	const struct famfs_map	*map;
	struct inode		vfs_inode;
};

static inline struct famfs_sb_info *FAMFS_SB(const struct super_block *sb)
{
	return sb->s_fs_info;
}

static inline struct famfs_inode *FAMFS_I(const struct inode *inode)
{
	return container_of(inode, struct famfs_inode, vfs_inode);
}

static inline const struct famfs_map *famfs_inode_map(const struct inode *inode)
{
	/* Pairs with famfs_inode_set_map() */
	return smp_load_acquire(&FAMFS_I(inode)->map);
}

static inline bool famfs_opt(const struct super_block *sb, u64 bit)
{
	return READ_ONCE(FAMFS_SB(sb)->opts) & bit;
}

/* dev.c */
int famfs_dax_init(void);
struct famfs_dev *famfs_dev_open(struct fs_context *fc, const char *path,
				 void *holder);
void famfs_dev_close(struct famfs_dev *dev, void *holder);
u64 famfs_dev_contig(const struct famfs_dev *dev, u64 offset);
int famfs_ranges_claim(struct famfs_sb_info *sbi, struct inode *inode,
		       const struct famfs_map *map);
void famfs_ranges_release(struct famfs_sb_info *sbi,
			  const struct famfs_map *map);

/* inode.c */
extern const struct inode_operations famfs_file_inode_operations;
struct inode *famfs_new_inode(struct mnt_idmap *idmap, struct super_block *sb,
			      struct inode *dir, umode_t mode, dev_t rdev);
void famfs_inode_set_map(struct inode *inode, const struct famfs_map *map);

/* file.c */
extern const struct file_operations famfs_file_operations;
extern const struct address_space_operations famfs_aops;

/* ioctl.c */
extern const struct file_operations famfs_dir_operations;
long famfs_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

#endif /* _FAMFS_H */
