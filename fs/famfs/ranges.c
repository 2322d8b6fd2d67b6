// SPDX-License-Identifier: GPL-2.0
/*
 * famfs ranges: which parts of the devices belong to which files.
 *
 * Each device has a tree of the ranges that are in maps. Inserting a range
 * finds an overlap on the way, at O(log n) and without a word of memory more
 * than the tree needs to say whom a range belongs to. The same tree tells
 * failure.c whom a bad range belongs to.
 */
#include "famfs.h"

static void famfs_range_release(struct famfs_sb_info *sbi,
				const struct famfs_range *range)
{
	struct famfs_dev *dev = sbi->devs[range->devindex];

	/* What is given back must be gone: there is nobody to report to */
	mtree_store_range(&dev->ranges, PHYS_PFN(range->offset),
			  PHYS_PFN(range->offset + range->len) - 1, NULL,
			  GFP_KERNEL | __GFP_NOFAIL);
	WRITE_ONCE(dev->used, dev->used - range->len);
}

/**
 * famfs_ranges_claim - take the ranges of a map for an inode
 * @sbi: the mount
 * @inode: whom they shall belong to
 * @map: the map, each of whose ranges lies within its device
 *
 * Takes all or none.
 *
 * Context: may sleep; takes map_lock.
 * Return: 0, -EADDRINUSE where a range overlaps another one of this map or of
 * a file, or -ENOMEM.
 */
int famfs_ranges_claim(struct famfs_sb_info *sbi, struct inode *inode,
		       const struct famfs_map *map)
{
	u32 i, nr = famfs_map_nr_ranges(map);
	struct famfs_range range;
	int rc = 0;

	guard(mutex)(&sbi->map_lock);

	for (i = 0; i < nr; i++) {
		struct famfs_dev *dev;

		famfs_map_range(map, i, &range);
		dev = sbi->devs[range.devindex];
		rc = mtree_insert_range(&dev->ranges, PHYS_PFN(range.offset),
					PHYS_PFN(range.offset + range.len) - 1,
					inode, GFP_KERNEL);
		if (rc)
			break;
		WRITE_ONCE(dev->used, dev->used + range.len);
	}
	if (!rc) {
		WRITE_ONCE(sbi->nr_files, sbi->nr_files + 1);
		return 0;
	}

	while (i--) {
		famfs_map_range(map, i, &range);
		famfs_range_release(sbi, &range);
	}
	return rc == -EEXIST ? -EADDRINUSE : rc;
}

/**
 * famfs_ranges_release - give back what famfs_ranges_claim() took
 * @sbi: the mount
 * @map: the same map
 *
 * Context: may sleep; takes map_lock.
 */
void famfs_ranges_release(struct famfs_sb_info *sbi,
			  const struct famfs_map *map)
{
	u32 i, nr = famfs_map_nr_ranges(map);
	struct famfs_range range;

	guard(mutex)(&sbi->map_lock);

	for (i = 0; i < nr; i++) {
		famfs_map_range(map, i, &range);
		famfs_range_release(sbi, &range);
	}
	WRITE_ONCE(sbi->nr_files, sbi->nr_files - 1);
	atomic_inc(&sbi->nr_released);
	wake_up_all(&sbi->release_wait);
}
