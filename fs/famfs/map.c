// SPDX-License-Identifier: GPL-2.0
/*
 * famfs file maps: check a file map message, turn it into a map, resolve file
 * offsets through the map.
 *
 * A message is checked as a whole, once, on the caller's private copy; only
 * then is a map filled from that same copy, which can not fail. A map does not
 * change from there on, so that resolving it takes no lock, allocates nothing
 * and has no error to report. Who allocates a map, who owns it and how long it
 * lives is the caller's business: this file knows neither inodes nor devices,
 * and builds in user space as well.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/overflow.h>

#include "map.h"

/* An extent's device index travels in the bits that page alignment frees */
#define FAMFS_ADDR_DEV_MASK	((u64)FAMFS_MAX_DAXDEVS - 1)

static const struct famfs_fmap_simple *
famfs_records(const struct famfs_fmap_header *hdr)
{
	return (const void *)(hdr + 1);
}

/**
 * famfs_map_check_header - is this the header of a message worth reading?
 * @hdr: the header alone; what follows it is not looked at
 *
 * Return: 0, or
 * * -EINVAL - a field is out of bounds, or reserved and not 0
 * * -EFBIG - the message is longer than FAMFS_FMAP_MAX_SIZE
 * * -EOPNOTSUPP - a kind of extent that this version does not map
 */
int famfs_map_check_header(const struct famfs_fmap_header *hdr)
{
	u64 size;

	if (hdr->reserved || hdr->reserved1 ||
	    hdr->fmap_version != FAMFS_FMAP_VERSION ||
	    hdr->file_type > FAMFS_FILE_LOG ||
	    hdr->ext_type > FAMFS_EXT_INTERLEAVE || !hdr->nextents)
		return -EINVAL;

	/* An offset in the file's last page must be a valid loff_t too */
	if (!hdr->file_size || hdr->file_size > (S64_MAX & PAGE_MASK))
		return -EINVAL;

	if (hdr->ext_type == FAMFS_EXT_INTERLEAVE)
		return -EOPNOTSUPP;

	size = sizeof(*hdr) +
		(u64)hdr->nextents * sizeof(struct famfs_fmap_simple);
	if (hdr->fmap_size != size)
		return -EINVAL;
	if (size > FAMFS_FMAP_MAX_SIZE)
		return -EFBIG;
	return 0;
}

static int famfs_check_simple(const struct famfs_fmap_simple *se, u8 file_type,
			      const u64 *dev_size)
{
	u64 end;

	if (se->reserved || !se->len)
		return -EINVAL;
	if ((se->offset | se->len) & ~PAGE_MASK)
		return -EINVAL;
	if (se->devindex >= FAMFS_MAX_DAXDEVS || !dev_size[se->devindex])
		return -ENXIO;
	if (!se->offset && file_type != FAMFS_FILE_SUPERBLOCK)
		return -EINVAL;
	if (check_add_overflow(se->offset, se->len, &end) ||
	    end > dev_size[se->devindex])
		return -ERANGE;
	return 0;
}

static bool famfs_contiguous(const struct famfs_fmap_simple *a,
			     const struct famfs_fmap_simple *b)
{
	return a->devindex == b->devindex && a->offset + a->len == b->offset;
}

/**
 * famfs_map_check - check a whole message
 * @hdr: the message, all fmap_size bytes of it, in memory that nobody else can
 *	change; famfs_map_check_header() has accepted the header
 * @dev_size: size of each device in bytes, 0 where there is none
 * @nr: on success, the number of extents that the map needs
 *
 * What is checked here is all that a message can have wrong by itself; that
 * its ranges overlap neither each other nor those of another file is for the
 * caller to see to.
 *
 * Return: 0, or
 * * -EINVAL - a record is malformed or not page aligned, maps offset 0 without
 *   being the superblock, or the extents do not cover the file
 * * -ENXIO - a device that does not exist
 * * -ERANGE - a range that reaches past the end of its device
 */
int famfs_map_check(const struct famfs_fmap_header *hdr,
		    const u64 dev_size[FAMFS_MAX_DAXDEVS], u32 *nr)
{
	const struct famfs_fmap_simple *se = famfs_records(hdr);
	u64 total = 0;
	u32 i, n = 0;
	int rc;

	for (i = 0; i < hdr->nextents; i++) {
		rc = famfs_check_simple(&se[i], hdr->file_type, dev_size);
		if (rc)
			return rc;
		if (check_add_overflow(total, se[i].len, &total) ||
		    total > S64_MAX)
			return -EINVAL;
		if (!i || !famfs_contiguous(&se[i - 1], &se[i]))
			n++;
	}
	if (total < hdr->file_size)
		return -EINVAL;

	*nr = n;
	return 0;
}

/**
 * famfs_map_fill - make a map of a message
 * @map: memory for a map with @nr extents
 * @nr: what famfs_map_check() returned for this message
 * @hdr: the message, as famfs_map_check() has accepted it
 */
void famfs_map_fill(struct famfs_map *map, u32 nr,
		    const struct famfs_fmap_header *hdr)
{
	const struct famfs_fmap_simple *se = famfs_records(hdr);
	struct famfs_extent *ext;
	u64 pos = 0;
	u32 i;

	map->size = hdr->file_size;
	map->file_type = hdr->file_type;
	map->nr = nr;

	ext = map->ext;
	for (i = 0; i < hdr->nextents; i++) {
		if (!i) {
			ext->addr = se[i].offset | se[i].devindex;
		} else if (!famfs_contiguous(&se[i - 1], &se[i])) {
			ext++;
			ext->addr = se[i].offset | se[i].devindex;
		}
		pos += se[i].len;
		ext->end = pos;
	}
}

/**
 * famfs_map_format_size - length of a map as a message
 * @map: the map
 *
 * Return: bytes that famfs_map_format() writes.
 */
u32 famfs_map_format_size(const struct famfs_map *map)
{
	return sizeof(struct famfs_fmap_header) +
		map->nr * sizeof(struct famfs_fmap_simple);
}

/**
 * famfs_map_format - write a map as a message
 * @map: the map
 * @hdr: memory for famfs_map_format_size() bytes
 *
 * The message maps the same bytes to the same places as the one that the map
 * was made of, in as few records as that takes.
 */
void famfs_map_format(const struct famfs_map *map,
		      struct famfs_fmap_header *hdr)
{
	struct famfs_fmap_simple *se = (void *)(hdr + 1);
	struct famfs_run run;
	u32 i;

	*hdr = (struct famfs_fmap_header) {
		.file_type	= map->file_type,
		.fmap_version	= FAMFS_FMAP_VERSION,
		.ext_type	= FAMFS_EXT_SIMPLE,
		.nextents	= map->nr,
		.fmap_size	= famfs_map_format_size(map),
		.file_size	= map->size,
	};
	for (i = 0; i < map->nr; i++) {
		famfs_map_extent(map, i, &run);
		se[i] = (struct famfs_fmap_simple) {
			.devindex	= run.devindex,
			.offset		= run.offset,
			.len		= run.len,
		};
	}
}

/**
 * famfs_map_extent - look at one extent of a map
 * @map: the map
 * @i: number of the extent, less than @map->nr
 * @run: returns the extent
 */
void famfs_map_extent(const struct famfs_map *map, u32 i,
		      struct famfs_run *run)
{
	const struct famfs_extent *ext = &map->ext[i];

	run->pos = i ? ext[-1].end : 0;
	run->len = ext->end - run->pos;
	run->offset = ext->addr & PAGE_MASK;
	run->devindex = ext->addr & FAMFS_ADDR_DEV_MASK;
}

/**
 * famfs_map_resolve - find where a byte of a file lies
 * @map: the map
 * @pos: offset in the file
 * @run: returns the whole extent that @pos lies in
 *
 * O(log n) in the number of extents.
 *
 * Context: any; takes no lock.
 * Return: false where @pos is past all extents, and so past the file's end.
 */
bool famfs_map_resolve(const struct famfs_map *map, u64 pos,
		       struct famfs_run *run)
{
	u32 lo = 0, hi = map->nr;

	/* The first extent that ends past @pos */
	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (map->ext[mid].end > pos)
			hi = mid;
		else
			lo = mid + 1;
	}
	if (lo == map->nr)
		return false;
	famfs_map_extent(map, lo, run);
	return true;
}
