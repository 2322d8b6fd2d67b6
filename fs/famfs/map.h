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
 * struct famfs_stripe - a part of a file that is interleaved over strips
 * @end: offset in the file of the first byte past the part; it starts where
 *	the stripe before it ends
 * @chunk_size: bytes that lie together on a strip
 * @nr_strips: number of strips, 1 or more
 * @first: index of the first of them in famfs_map.strip
 */
struct famfs_stripe {
	u64	end;
	u32	chunk_size;
	u32	nr_strips;
	u32	first;
};

/**
 * struct famfs_strip - a range of a device that a stripe uses
 * @addr: as in struct famfs_extent
 * @len: bytes, of which the last may not be needed
 */
struct famfs_strip {
	u64	addr;
	u64	len;
};

/**
 * struct famfs_map - the map of one file; immutable once it is filled
 * @size: size of the file in bytes
 * @nbytes: bytes of the devices that the map takes
 * @strip: the strips of all stripes; in the same allocation, behind them
 * @nr_strips: number of strips; 0 says that the map consists of extents
 * @nr: number of extents, with neighbours that are contiguous merged, or of
 *	stripes
 * @file_type: enum famfs_file_type
 * @ext: the extents in file order; they cover the file from 0 without a hole
 * @stripe: the same for stripes
 */
struct famfs_map {
	u64			size;
	u64			nbytes;
	struct famfs_strip	*strip;
	u32			nr_strips;
	u32			nr;
	u32			file_type;
	union {
		DECLARE_FLEX_ARRAY(struct famfs_extent, ext);
		DECLARE_FLEX_ARRAY(struct famfs_stripe, stripe);
	};
};

/**
 * struct famfs_map_plan - what a message needs to become a map
 * @nr: extents or stripes
 * @nr_strips: strips
 * @bytes: size of the allocation
 */
struct famfs_map_plan {
	u32	nr;
	u32	nr_strips;
	size_t	bytes;
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

/**
 * struct famfs_range - a range of a device
 * @offset: first byte
 * @len: bytes
 * @devindex: the device
 */
struct famfs_range {
	u64	offset;
	u64	len;
	u32	devindex;
};

int famfs_map_check_header(const struct famfs_fmap_header *hdr);
int famfs_map_check(const struct famfs_fmap_header *hdr,
		    const u64 dev_size[FAMFS_MAX_DAXDEVS],
		    struct famfs_map_plan *plan);
void famfs_map_fill(struct famfs_map *map, const struct famfs_map_plan *plan,
		    const struct famfs_fmap_header *hdr);

u32 famfs_map_format_size(const struct famfs_map *map);
void famfs_map_format(const struct famfs_map *map,
		      struct famfs_fmap_header *hdr);

void famfs_run_skip(struct famfs_run *run, u64 pos);
bool famfs_map_resolve(const struct famfs_map *map, u64 pos,
		       struct famfs_run *run);

u32 famfs_map_nr_ranges(const struct famfs_map *map);
void famfs_map_range(const struct famfs_map *map, u32 i,
		     struct famfs_range *range);
bool famfs_map_reverse(const struct famfs_map *map, u32 i, u64 offset,
		       struct famfs_run *run);

#endif /* _FAMFS_MAP_H */
