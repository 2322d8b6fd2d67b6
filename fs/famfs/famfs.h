/* SPDX-License-Identifier: GPL-2.0 */
/*
 * famfs: what the files of the module share.
 *
 * Who owns what, and who may outlive whom:
 *
 * A super block owns a struct famfs_sb_info from fill_super until kill_sb, and
 * that owns the devices, of which more may join but none leaves before kill_sb.
 * Every inode of the super block is gone before its devices are released, so an
 * inode may use them without a reference.
 *
 * An inode owns its map. The map is published once, under the inode lock, and
 * freed by evict_inode: whoever holds a reference to the inode may use it
 * without a lock. A map names only devices that were there before it, so who
 * sees the map sees the devices too.
 *
 * famfs_sb_info.map_lock guards which ranges of the devices are in use. It nests
 * inside the inode lock, and is taken for making and dropping maps only, never
 * in a fault, read or write. famfs_sb_info.dev_lock keeps those apart who add
 * devices; that calls into the dax bus, which may hold its lock on a device and
 * wait for us to deal with the device's failure: so failures never take it.
 *
 * The failure of a device or of a part of it comes from outside, at any time:
 * failure.c says how that gets hold of a mount.
 */
#ifndef _FAMFS_H
#define _FAMFS_H

#include <linux/atomic.h>
#include <linux/bitmap.h>
#include <linux/completion.h>
#include <linux/fs.h>
#include <linux/kobject.h>
#include <linux/list.h>
#include <linux/maple_tree.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/types.h>
#include <linux/wait.h>

#include "map.h"

struct dax_device;
struct fiemap_extent_info;
struct fs_context;
struct writeback_control;

/**
 * struct famfs_dev - a dax device that a mount holds
 * @file: the device node, open; its opening made the permission checks, and
 *	keeps the driver loaded. NULL once a character device is gone.
 * @rdev: device number of the node
 * @is_blk: the node is a block device's
 * @dax_dev: the device, of which the mount is the exclusive holder
 * @sb: the mount
 * @index: in famfs_sb_info.devs, once it is part of the mount
 * @list: among all devices that mounts hold; see failure.c
 * @ready: failures can be dealt with; see failure.c
 * @notifying: number of failures that are being dealt with; see failure.c
 * @closing: no failure looks at inodes any more; see failure.c
 * @name: the kernel's name of the device
 * @start: offset in bytes of the device in @dax_dev, for a partition
 * @size: bytes
 * @dead: the device has gone away; set once, never cleared
 * @had_write_cache: what dax_write_cache_enabled() was, to be put back
 * @nr_segs: number of segments
 * @seg_end: device offset of the end of each segment. The memory of a device
 *	may come in pieces that are not neighbours; an access never crosses
 *	from one to the next.
 * @used: bytes of the device that are in maps; changes under map_lock
 * @ranges: from ranges of the device, in pages, to the inodes that map them;
 *	changes under map_lock
 * @bad: ranges of the device, in pages, whose memory is bad; read under RCU
 */
struct famfs_dev {
	struct file		*file;
	dev_t			rdev;
	bool			is_blk;
	struct dax_device	*dax_dev;
	struct super_block	*sb;
	u32			index;
	struct list_head	list;
	bool			ready;
	unsigned int		notifying;
	bool			closing;
	char			name[32];
	u64			start;
	u64			size;
	bool			dead;
	bool			had_write_cache;
	unsigned int		nr_segs;
	u64			*seg_end;
	u64			used;
	struct maple_tree	ranges;
	struct maple_tree	bad;
};

/**
 * struct famfs_stats - what happened on a mount, counted on each processor
 * @pte_faults: faults that mapped a page
 * @pmd_faults: faults that mapped 2 MiB
 */
struct famfs_stats {
	u64	pte_faults;
	u64	pmd_faults;
};

/**
 * struct famfs_sb_info - a mount
 * @dev_lock: keeps those apart who add devices
 * @map_lock: guards which ranges of the devices are in use
 * @devs: the devices by index; 0 is the one mounted. They join under dev_lock.
 * @nr_files: number of files that have a map; changes under map_lock
 * @nr_released: number of maps whose ranges have been given back, ever
 * @release_wait: for @nr_released to change
 * @next_ino: the number that the last inode got
 * @nr_errors: number of failures of memory that files or devices suffered
 * @policy: FAMFS_OPT_ bits
 * @coherent: the hardware keeps the memory coherent between machines
 * @stats: counters of each processor
 * @sysfs_lock: guards whether @kobj is in sysfs
 * @kobj: /sys/fs/famfs/DEVICE
 * @kobj_gone: nobody uses @kobj any more
 */
struct famfs_sb_info {
	struct mutex			dev_lock; /* who adds a device */
	struct mutex			map_lock; /* ranges in use */
	struct famfs_dev		*devs[FAMFS_MAX_DAXDEVS];
	u64				nr_files;
	atomic_t			nr_released;
	wait_queue_head_t		release_wait;
	atomic64_t			next_ino;
	atomic64_t			nr_errors;
	atomic64_t			policy;
	bool				coherent;
	struct famfs_stats __percpu	*stats;
	struct mutex			sysfs_lock; /* is @kobj in sysfs? */
	struct kobject			kobj;
	struct completion		kobj_gone;
};

/**
 * struct famfs_inode - an inode
 * @map: the file's map, NULL until it is given one; see famfs_inode_map()
 * @taken: devices that are gone, by index, and whose pages it has lost
 * @vfs_inode: the rest
 */
struct famfs_inode {
	const struct famfs_map	*map;
	DECLARE_BITMAP(taken, FAMFS_MAX_DAXDEVS);
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

static inline const struct famfs_dev *
famfs_device(const struct famfs_sb_info *sbi, u32 index)
{
	/* Pairs with famfs_add_device() */
	return smp_load_acquire(&sbi->devs[index]);
}

/* The first device from index @i on, and its index; NULL if there is none */
static inline const struct famfs_dev *
famfs_next_device(const struct famfs_sb_info *sbi, u32 *i)
{
	const struct famfs_dev *dev;

	for (; *i < FAMFS_MAX_DAXDEVS; (*i)++) {
		dev = famfs_device(sbi, *i);
		if (dev)
			return dev;
	}
	return NULL;
}

/* All devices that there are by now, by index */
#define famfs_for_each_device(sbi, dev)					\
	for (u32 _i = 0; ((dev) = famfs_next_device(sbi, &_i)); _i++)

static inline bool famfs_may(const struct super_block *sb, u64 bit)
{
	return atomic64_read(&FAMFS_SB(sb)->policy) & bit;
}

static inline bool famfs_coherent(const struct super_block *sb)
{
	return FAMFS_SB(sb)->coherent;
}

/* dev.c */
u64 famfs_used(const struct famfs_sb_info *sbi);
int famfs_dax_init(void);
void famfs_dax_exit(void);
struct famfs_dev *famfs_dev_open(struct super_block *sb, struct fs_context *fc,
				 const char *path);
void famfs_dev_close(struct famfs_dev *dev);
void famfs_dev_forget(struct famfs_dev *dev);
int famfs_dev_flush(const struct famfs_dev *dev);
bool famfs_dev_is(const struct famfs_dev *dev, const char *path);
u64 famfs_dev_contig(const struct famfs_dev *dev, u64 offset);
void famfs_dev_clip(const struct famfs_dev *dev, u64 pos,
		    struct famfs_run *run);
long famfs_dev_access(const struct famfs_dev *dev, u64 offset, u64 len,
		      void **kaddr);

/* ranges.c */
int famfs_ranges_claim(struct famfs_sb_info *sbi, struct inode *inode,
		       const struct famfs_map *map);
void famfs_ranges_release(struct famfs_sb_info *sbi,
			  const struct famfs_map *map);

/* failure.c */
extern const struct dax_holder_operations famfs_holder_operations;
void famfs_failure_report(struct inode *inode);
void famfs_failure_expect(struct famfs_dev *dev);
void famfs_failure_watch(struct famfs_dev *dev);
void famfs_failure_quiesce(struct famfs_dev *dev);
void famfs_failure_unwatch(struct famfs_dev *dev);

/* bad.c */
int famfs_bad_add(struct famfs_dev *dev, u64 offset, u64 len, gfp_t gfp);
void famfs_bad_mark(struct famfs_dev *dev, u64 offset, u64 len);
int famfs_bad_scan(struct famfs_dev *dev);
u64 famfs_bad_next(const struct famfs_dev *dev, u64 offset, u64 len,
		   u64 *bad_len);
int famfs_bad_scan_map(struct famfs_sb_info *sbi, const struct famfs_map *map);
bool famfs_bad_learn(struct inode *inode, u64 pos, u64 len);
bool famfs_bad_any(const struct inode *inode, bool gone);
bool famfs_bad_find(const struct inode *inode, u64 pos, bool gone,
		    struct famfs_error *error);
bool famfs_bad_writable(const struct famfs_dev *dev, u64 offset);
void famfs_bad_recovered(struct famfs_dev *dev, u64 offset, u64 len);

/* inode.c */
extern const struct export_operations famfs_export_operations;
extern const struct inode_operations famfs_file_inode_operations;
struct inode *famfs_new_inode(struct mnt_idmap *idmap, struct super_block *sb,
			      struct inode *dir, umode_t mode, dev_t rdev);
void famfs_inode_set_map(struct inode *inode, const struct famfs_map *map);

/* file.c */
extern const struct file_operations famfs_file_operations;
extern const struct address_space_operations famfs_aops;
int famfs_fiemap(struct inode *inode, struct fiemap_extent_info *info,
		 u64 start, u64 len);

/* flush.c */
int famfs_flush_devices(const struct famfs_sb_info *sbi);
int famfs_fsync(struct file *file, loff_t start, loff_t end, int datasync);
int famfs_writepages(struct address_space *mapping,
		     struct writeback_control *wbc);
int famfs_fadvise(struct file *file, loff_t offset, loff_t len, int advice);

/* ioctl.c */
extern const struct file_operations famfs_dir_operations;
long famfs_ioctl(struct file *file, unsigned int cmd, unsigned long arg);

/* sysfs.c */
int famfs_sysfs_init(void);
void famfs_sysfs_exit(void);
int famfs_sysfs_add(struct super_block *sb);
void famfs_sysfs_remove(struct super_block *sb);

#endif /* _FAMFS_H */
