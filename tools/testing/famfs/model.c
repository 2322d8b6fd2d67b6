// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The model of file maps; see model.h. Slow, and as plain as can be. Takes
 * messages that are right, and trusts them.
 */
#include <linux/mm.h>

#include "model.h"

static u64 pages_of(u64 bytes)
{
	return (bytes + PAGE_SIZE - 1) / PAGE_SIZE;
}

/**
 * model_pages - how many pages the records of a message map
 * @hdr: the message
 *
 * Return: that number.
 */
u64 model_pages(const struct famfs_fmap_header *hdr)
{
	const char *p = (const char *)(hdr + 1);
	u64 pages = 0;

	for (u32 i = 0; i < hdr->nextents; i++) {
		if (hdr->ext_type == FAMFS_EXT_SIMPLE) {
			const struct famfs_fmap_simple *se = (const void *)p;

			pages += pages_of(se->len);
			p += sizeof(*se);
		} else {
			const struct famfs_fmap_interleave *ie = (const void *)p;

			pages += pages_of(ie->nbytes);
			p += sizeof(*ie);
			p += ie->nstrips * sizeof(struct famfs_fmap_simple);
		}
	}
	return pages;
}

/**
 * model_fill - work out where each page of a file lies
 * @hdr: the message
 * @places: room for model_pages() entries
 */
void model_fill(const struct famfs_fmap_header *hdr, struct place *places)
{
	const char *p = (const char *)(hdr + 1);

	for (u32 i = 0; i < hdr->nextents; i++) {
		const struct famfs_fmap_simple *se = (const void *)p;
		const struct famfs_fmap_interleave *ie = (const void *)p;

		if (hdr->ext_type == FAMFS_EXT_SIMPLE) {
			for (u64 n = 0; n < pages_of(se->len); n++) {
				places->dev = se->devindex;
				places->offset = se->offset + n * PAGE_SIZE;
				places++;
			}
			p += sizeof(*se);
			continue;
		}
		se = (const void *)(ie + 1);
		for (u64 n = 0; n < pages_of(ie->nbytes); n++) {
			u64 byte = n * PAGE_SIZE;
			u64 chunk = byte / ie->chunk_size;
			u64 row = chunk / ie->nstrips;
			u32 strip = chunk % ie->nstrips;

			places->dev = se[strip].devindex;
			places->offset = se[strip].offset +
				row * ie->chunk_size + byte % ie->chunk_size;
			places++;
		}
		p = (const char *)&se[ie->nstrips];
	}
}
