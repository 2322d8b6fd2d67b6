// SPDX-License-Identifier: GPL-2.0
/*
 * famfs file maps: check a file map message, turn it into a map, resolve file
 * offsets through the map.
 *
 * A message is checked as a whole, once, on the caller's private copy; only
 * then is a map filled from that same copy, which cannot fail. A map does not
 * change from there on, so that resolving it takes no lock, allocates nothing
 * and has no error to report. Who allocates a map, who owns it and how long it
 * lives is the caller's business: this file knows neither inodes nor devices,
 * and builds in user space as well.
 */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/overflow.h>

#include "map.h"

/* An extent's device index travels in the bits that page alignment frees */
#define FAMFS_ADDR_DEV_MASK	((u64)FAMFS_MAX_DAXDEVS - 1)

static u64 famfs_addr(const struct famfs_fmap_simple *se)
{
	return se->offset | se->devindex;
}

static u64 famfs_addr_offset(u64 addr)
{
	return addr & PAGE_MASK;
}

static u32 famfs_addr_dev(u64 addr)
{
	return addr & FAMFS_ADDR_DEV_MASK;
}

/**
 * famfs_map_check_header - is this the header of a message worth reading?
 * @hdr: the header alone; what follows it is not looked at
 *
 * Return: 0, or
 * * -EINVAL - a field is out of bounds, or reserved and not 0
 * * -EFBIG - the message is longer than FAMFS_FMAP_MAX_SIZE
 */
int famfs_map_check_header(const struct famfs_fmap_header *hdr)
{
	u64 least;

	if (hdr->reserved || hdr->reserved1 ||
	    hdr->fmap_version != FAMFS_FMAP_VERSION ||
	    hdr->file_type > FAMFS_FILE_LOG ||
	    hdr->ext_type > FAMFS_EXT_INTERLEAVE || !hdr->nextents)
		return -EINVAL;

	/* An offset in the file's last page must be a valid loff_t too */
	if (!hdr->file_size || hdr->file_size > (S64_MAX & PAGE_MASK))
		return -EINVAL;

	least = sizeof(struct famfs_fmap_simple);
	if (hdr->ext_type == FAMFS_EXT_INTERLEAVE)
		least += sizeof(struct famfs_fmap_interleave);
	least = sizeof(*hdr) + hdr->nextents * least;
	if (hdr->fmap_size < least)
		return -EINVAL;
	if (hdr->ext_type == FAMFS_EXT_SIMPLE && hdr->fmap_size != least)
		return -EINVAL;
	return hdr->fmap_size > FAMFS_FMAP_MAX_SIZE ? -EFBIG : 0;
}

static int famfs_check_range(const struct famfs_fmap_simple *se, u8 file_type,
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

/* Add @len to @total, which must stay a valid offset in a file */
static int famfs_add_bytes(u64 *total, u64 len)
{
	if (check_add_overflow(*total, len, total) ||
	    *total > (S64_MAX & PAGE_MASK))
		return -EINVAL;
	return 0;
}

static bool famfs_contiguous(const struct famfs_fmap_simple *a,
			     const struct famfs_fmap_simple *b)
{
	return a->devindex == b->devindex && a->offset + a->len == b->offset;
}

static int famfs_check_extents(const struct famfs_fmap_header *hdr,
			       const u64 *dev_size, struct famfs_map_plan *plan)
{
	const struct famfs_fmap_simple *se = (const void *)(hdr + 1);
	u64 total = 0;
	u32 i;
	int rc;

	for (i = 0; i < hdr->nextents; i++) {
		rc = famfs_check_range(&se[i], hdr->file_type, dev_size);
		if (rc)
			return rc;
		rc = famfs_add_bytes(&total, se[i].len);
		if (rc)
			return rc;
		if (!i || !famfs_contiguous(&se[i - 1], &se[i]))
			plan->nr++;
	}
	plan->bytes = struct_size_t(struct famfs_map, ext, plan->nr);
	return total < hdr->file_size ? -EINVAL : 0;
}

/*
 * How much of strip @i a stripe needs: its share of the whole chunks, the last
 * of which need not be full.
 */
static u64 famfs_strip_need(const struct famfs_fmap_interleave *ie, u64 nbytes,
			    u32 i)
{
	u64 chunks = (nbytes - 1) / ie->chunk_size + 1;
	u64 need = chunks / ie->nstrips + (i < chunks % ie->nstrips);

	need *= ie->chunk_size;
	if (i == (chunks - 1) % ie->nstrips)
		need -= chunks * ie->chunk_size - nbytes;
	return need;
}

static int famfs_check_stripe(const struct famfs_fmap_interleave *ie,
			      const struct famfs_fmap_simple *se, u64 nbytes,
			      u8 file_type, const u64 *dev_size)
{
	u64 taken = 0;
	u32 i;
	int rc;

	for (i = 0; i < ie->nstrips; i++) {
		rc = famfs_check_range(&se[i], file_type, dev_size);
		if (rc)
			return rc;
		if (se[i].len < famfs_strip_need(ie, nbytes, i))
			return -EINVAL;
		rc = famfs_add_bytes(&taken, se[i].len);
		if (rc)
			return rc;
	}
	return 0;
}

static int famfs_check_stripes(const struct famfs_fmap_header *hdr,
			       const u64 *dev_size, struct famfs_map_plan *plan)
{
	const void *p = hdr + 1, *end = (const void *)hdr + hdr->fmap_size;
	u64 total = 0, covered = 0, nbytes;
	u32 i;
	int rc;

	for (i = 0; i < hdr->nextents; i++) {
		const struct famfs_fmap_interleave *ie = p;

		if ((size_t)(end - p) < sizeof(*ie))
			return -EINVAL;
		p += sizeof(*ie);
		if (ie->reserved || !ie->nbytes || !ie->nstrips ||
		    !ie->chunk_size || ie->chunk_size & ~PAGE_MASK)
			return -EINVAL;
		if (ie->nstrips >
		    (size_t)(end - p) / sizeof(struct famfs_fmap_simple))
			return -EINVAL;
		/* Only the file's end may lie within a page */
		if (ie->nbytes & ~PAGE_MASK && i != hdr->nextents - 1)
			return -EINVAL;
		if (ie->nbytes > (S64_MAX & PAGE_MASK))
			return -EINVAL;
		nbytes = PAGE_ALIGN(ie->nbytes);

		rc = famfs_check_stripe(ie, p, nbytes, hdr->file_type,
					dev_size);
		if (rc)
			return rc;
		/* Up to the last one, all are whole pages */
		covered = total + ie->nbytes;
		rc = famfs_add_bytes(&total, nbytes);
		if (rc)
			return rc;
		p += ie->nstrips * sizeof(struct famfs_fmap_simple);
		plan->nr_strips += ie->nstrips;
	}
	plan->nr = hdr->nextents;
	plan->bytes = struct_size_t(struct famfs_map, stripe, plan->nr) +
		plan->nr_strips * sizeof(struct famfs_strip);
	return p != end || covered < hdr->file_size ? -EINVAL : 0;
}

/**
 * famfs_map_check - check a whole message
 * @hdr: the message, all fmap_size bytes of it, in memory that nobody else can
 *	change; famfs_map_check_header() has accepted the header
 * @dev_size: size of each device in bytes, 0 where there is none
 * @plan: on success, what the map needs
 *
 * What is checked here is all that a message can have wrong by itself; that
 * its ranges overlap neither each other nor those of another file is for the
 * caller to see to.
 *
 * Return: 0, or
 * * -EINVAL - a record is malformed or not page aligned, maps offset 0 without
 *   being the superblock, a strip is too short for the chunks that fall on it,
 *   or the extents do not cover the file
 * * -ENXIO - a device that does not exist
 * * -ERANGE - a range that reaches past the end of its device
 */
int famfs_map_check(const struct famfs_fmap_header *hdr,
		    const u64 dev_size[FAMFS_MAX_DAXDEVS],
		    struct famfs_map_plan *plan)
{
	*plan = (struct famfs_map_plan) {};
	if (hdr->ext_type == FAMFS_EXT_INTERLEAVE)
		return famfs_check_stripes(hdr, dev_size, plan);
	return famfs_check_extents(hdr, dev_size, plan);
}

static void famfs_fill_extents(struct famfs_map *map,
			       const struct famfs_fmap_header *hdr)
{
	const struct famfs_fmap_simple *se = (const void *)(hdr + 1);
	struct famfs_extent *ext = map->ext;
	u64 pos = 0;
	u32 i;

	ext->addr = famfs_addr(se);
	for (i = 0; i < hdr->nextents; i++) {
		if (i && !famfs_contiguous(&se[i - 1], &se[i])) {
			ext++;
			ext->addr = famfs_addr(&se[i]);
		}
		pos += se[i].len;
		ext->end = pos;
	}
	map->nbytes = pos;
}

static void famfs_fill_stripes(struct famfs_map *map,
			       const struct famfs_fmap_header *hdr)
{
	const void *p = hdr + 1;
	u32 i, j, strip = 0;
	u64 pos = 0;

	map->strip = (void *)&map->stripe[map->nr];
	for (i = 0; i < map->nr; i++) {
		const struct famfs_fmap_interleave *ie = p;
		const struct famfs_fmap_simple *se = p + sizeof(*ie);

		pos += PAGE_ALIGN(ie->nbytes);
		map->stripe[i] = (struct famfs_stripe) {
			.end		= pos,
			.chunk_size	= ie->chunk_size,
			.nr_strips	= ie->nstrips,
			.first		= strip,
		};
		for (j = 0; j < ie->nstrips; j++) {
			map->strip[strip].addr = famfs_addr(&se[j]);
			map->strip[strip].len = se[j].len;
			map->nbytes += se[j].len;
			strip++;
		}
		p = &se[ie->nstrips];
	}
}

/**
 * famfs_map_fill - make a map of a message
 * @map: memory of @plan->bytes
 * @plan: what famfs_map_check() returned for this message
 * @hdr: the message, as famfs_map_check() has accepted it
 */
void famfs_map_fill(struct famfs_map *map, const struct famfs_map_plan *plan,
		    const struct famfs_fmap_header *hdr)
{
	map->size = hdr->file_size;
	map->nbytes = 0;
	map->strip = NULL;
	map->nr_strips = plan->nr_strips;
	map->nr = plan->nr;
	map->file_type = hdr->file_type;

	if (map->nr_strips)
		famfs_fill_stripes(map, hdr);
	else
		famfs_fill_extents(map, hdr);
}

/**
 * famfs_map_format_size - length of a map as a message
 * @map: the map
 *
 * Return: bytes that famfs_map_format() writes.
 */
u32 famfs_map_format_size(const struct famfs_map *map)
{
	u32 size = sizeof(struct famfs_fmap_header);

	if (map->nr_strips)
		size += map->nr * sizeof(struct famfs_fmap_interleave);
	return size +
		famfs_map_nr_ranges(map) * sizeof(struct famfs_fmap_simple);
}

static struct famfs_fmap_simple famfs_format_range(const struct famfs_map *map,
						   u32 i)
{
	struct famfs_range range;

	famfs_map_range(map, i, &range);
	return (struct famfs_fmap_simple) {
		.devindex	= range.devindex,
		.offset		= range.offset,
		.len		= range.len,
	};
}

static u64 famfs_stripe_start(const struct famfs_map *map, u32 i)
{
	return i ? map->stripe[i - 1].end : 0;
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
	void *p = hdr + 1;
	u32 i, j;

	*hdr = (struct famfs_fmap_header) {
		.file_type	= map->file_type,
		.fmap_version	= FAMFS_FMAP_VERSION,
		.ext_type	= map->nr_strips ? FAMFS_EXT_INTERLEAVE :
						   FAMFS_EXT_SIMPLE,
		.nextents	= map->nr,
		.fmap_size	= famfs_map_format_size(map),
		.file_size	= map->size,
	};

	for (i = 0; i < map->nr; i++) {
		const struct famfs_stripe *s = &map->stripe[i];
		struct famfs_fmap_interleave *ie = p;
		struct famfs_fmap_simple *se = p;

		if (!map->nr_strips) {
			*se = famfs_format_range(map, i);
			p = se + 1;
			continue;
		}
		*ie = (struct famfs_fmap_interleave) {
			.nstrips	= s->nr_strips,
			.chunk_size	= s->chunk_size,
			.nbytes		= s->end - famfs_stripe_start(map, i),
		};
		se = (void *)(ie + 1);
		for (j = 0; j < s->nr_strips; j++)
			se[j] = famfs_format_range(map, s->first + j);
		p = &se[j];
	}
}

static void famfs_resolve_extent(const struct famfs_map *map, u32 i,
				 struct famfs_run *run)
{
	const struct famfs_extent *ext = &map->ext[i];

	run->pos = i ? ext[-1].end : 0;
	run->len = ext->end - run->pos;
	run->offset = famfs_addr_offset(ext->addr);
	run->devindex = famfs_addr_dev(ext->addr);
}

static void famfs_resolve_stripe(const struct famfs_map *map, u32 i, u64 pos,
				 struct famfs_run *run)
{
	const struct famfs_stripe *s = &map->stripe[i];
	u64 start = famfs_stripe_start(map, i), chunk, addr;

	if (s->nr_strips == 1) {
		/* All chunks lie side by side: one run */
		addr = map->strip[s->first].addr;
		run->pos = start;
		run->len = s->end - start;
		run->offset = famfs_addr_offset(addr);
	} else {
		chunk = (pos - start) / s->chunk_size;
		addr = map->strip[s->first + chunk % s->nr_strips].addr;
		run->pos = start + chunk * s->chunk_size;
		run->len = min_t(u64, s->chunk_size, s->end - run->pos);
		run->offset = famfs_addr_offset(addr) +
			chunk / s->nr_strips * s->chunk_size;
	}
	run->devindex = famfs_addr_dev(addr);
}

/**
 * famfs_map_resolve - find where a byte of a file lies
 * @map: the map
 * @pos: offset in the file
 * @run: returns the longest run that is known to contain @pos
 *
 * O(log n) in the number of extents or stripes; within a stripe, O(1).
 *
 * Context: any; takes no lock.
 * Return: false where @pos is past all extents, and so past the file's end.
 */
bool famfs_map_resolve(const struct famfs_map *map, u64 pos,
		       struct famfs_run *run)
{
	u32 lo = 0, hi = map->nr;

	/* The first extent or stripe that ends past @pos */
	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;
		u64 end = map->nr_strips ? map->stripe[mid].end :
					   map->ext[mid].end;

		if (end > pos)
			hi = mid;
		else
			lo = mid + 1;
	}
	if (lo == map->nr)
		return false;

	if (map->nr_strips)
		famfs_resolve_stripe(map, lo, pos, run);
	else
		famfs_resolve_extent(map, lo, run);
	return true;
}

/**
 * famfs_run_skip - cut a run off before the page that holds @pos
 * @run: the run
 * @pos: offset in the file, in @run
 */
void famfs_run_skip(struct famfs_run *run, u64 pos)
{
	u64 skip = (pos - run->pos) & PAGE_MASK;

	run->pos += skip;
	run->offset += skip;
	run->len -= skip;
}

/**
 * famfs_map_nr_ranges - how many ranges of devices a map takes
 * @map: the map
 *
 * Return: that number, 1 or more.
 */
u32 famfs_map_nr_ranges(const struct famfs_map *map)
{
	return map->nr_strips ? map->nr_strips : map->nr;
}

/**
 * famfs_map_range - look at one range of a device that a map takes
 * @map: the map
 * @i: number of the range, less than famfs_map_nr_ranges()
 * @range: returns the range
 */
void famfs_map_range(const struct famfs_map *map, u32 i,
		     struct famfs_range *range)
{
	struct famfs_run run;

	if (map->nr_strips) {
		range->offset = famfs_addr_offset(map->strip[i].addr);
		range->len = map->strip[i].len;
		range->devindex = famfs_addr_dev(map->strip[i].addr);
	} else {
		famfs_resolve_extent(map, i, &run);
		range->offset = run.offset;
		range->len = run.len;
		range->devindex = run.devindex;
	}
}

/* The stripe that strip @i belongs to */
static u32 famfs_strip_owner(const struct famfs_map *map, u32 i)
{
	u32 lo = 0, hi = map->nr - 1;

	/* The last stripe whose first strip is not past @i */
	while (lo < hi) {
		u32 mid = lo + (hi - lo + 1) / 2;

		if (map->stripe[mid].first <= i)
			lo = mid;
		else
			hi = mid - 1;
	}
	return lo;
}

/**
 * famfs_map_reverse - find what part of a file a byte of a device holds
 * @map: the map
 * @i: number of the range, less than famfs_map_nr_ranges()
 * @offset: device offset within that range
 * @run: returns the run from @offset on: as far as file and device go along
 *	side by side within the range
 *
 * Return: false where the range has no part of the file at @offset or past it.
 */
bool famfs_map_reverse(const struct famfs_map *map, u32 i, u64 offset,
		       struct famfs_run *run)
{
	const struct famfs_stripe *s;
	struct famfs_range range;
	u64 start, width, row, skip;
	u32 owner;

	famfs_map_range(map, i, &range);
	run->offset = offset;
	run->devindex = range.devindex;
	skip = offset - range.offset;

	if (!map->nr_strips) {
		run->pos = (i ? map->ext[i - 1].end : 0) + skip;
		run->len = map->ext[i].end - run->pos;
		return true;
	}

	owner = famfs_strip_owner(map, i);
	s = &map->stripe[owner];
	start = famfs_stripe_start(map, owner);
	width = (u64)s->nr_strips * s->chunk_size;
	row = skip / s->chunk_size;
	skip %= s->chunk_size;
	/* A strip may be far longer than its share: mind the product */
	if (row > (s->end - start) / width)
		return false;
	run->pos = start + row * width + (u64)(i - s->first) * s->chunk_size +
		skip;
	if (run->pos >= s->end)
		return false;
	run->len = min(s->chunk_size - skip, s->end - run->pos);
	return true;
}
