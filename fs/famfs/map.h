/* SPDX-License-Identifier: GPL-2.0 */
/*
 * famfs file maps: from offsets in a file to ranges of dax devices.
 */
#ifndef _FAMFS_MAP_H
#define _FAMFS_MAP_H

#include <linux/types.h>
#include <uapi/linux/famfs_ioctl.h>

/* A longer message is refused, so that a map is never an unbounded request */
#define FAMFS_FMAP_MAX_SIZE	(4U << 20)

/**
 * struct famfs_extent - a run of a file that is contiguous on one device
 * @end: offset in the file of the first byte past the run; it starts where the
 *	extent before it ends
 * @addr: device offset of the first byte, which is page aligned, with the
 *	index of the device in the low bits
 */
struct famfs_extent {
	u64	end;
	u64	addr;
};

/**
 * struct famfs_map - the map of one file; immutable once it is filled
 * @size: size of the file in bytes
 * @file_type: enum famfs_file_type
 * @nr: number of extents, with neighbours that are contiguous merged
 * @ext: the extents in file order; they cover the file from 0 without a hole
 */
struct famfs_map {
	u64			size;
	u32			file_type;
	u32			nr;
	struct famfs_extent	ext[] __counted_by(nr);
};

/**
 * struct famfs_run - a range of a file and where it lies
 * @pos: offset of its first byte in the file
 * @len: bytes
 * @offset: offset of its first byte on the device
 * @devindex: the device
 */
struct famfs_run {
	u64	pos;
	u64	len;
	u64	offset;
	u32	devindex;
};

int famfs_map_check_header(const struct famfs_fmap_header *hdr);
int famfs_map_check(const struct famfs_fmap_header *hdr,
		    const u64 dev_size[FAMFS_MAX_DAXDEVS], u32 *nr);
void famfs_map_fill(struct famfs_map *map, u32 nr,
		    const struct famfs_fmap_header *hdr);
u32 famfs_map_format_size(const struct famfs_map *map);
void famfs_map_format(const struct famfs_map *map,
		      struct famfs_fmap_header *hdr);
void famfs_map_extent(const struct famfs_map *map, u32 i,
		      struct famfs_run *run);
bool famfs_map_resolve(const struct famfs_map *map, u64 pos,
		       struct famfs_run *run);

#endif /* _FAMFS_MAP_H */
