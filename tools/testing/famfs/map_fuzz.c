// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzz target of fs/famfs/map.c: what it accepts must resolve as the model
 * says, and nothing may make it read past the message.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"
#include <linux/limits.h>
#include <linux/mm.h>

/* More pages than this are not compared one by one */
#define MAX_PAGES	(1UL << 14)

static u64 dev_size[FAMFS_MAX_DAXDEVS];

#define must(what)		\
	do {			\
		if (!(what))	\
			abort(); \
	} while (0)

static void compare(const struct famfs_map *map,
		    const struct famfs_fmap_header *hdr, u64 pages)
{
	struct place *model = malloc(pages * sizeof(*model));
	struct famfs_run run;

	must(model);
	model_fill(hdr, model);
	for (u64 p = 0; p < pages; p++) {
		u64 pos = p * PAGE_SIZE;

		must(famfs_map_resolve(map, pos, &run));
		must(run.len && run.pos <= pos && pos < run.pos + run.len);
		must(run.devindex == model[p].dev);
		must(run.offset + (pos - run.pos) == model[p].offset);
		must(run.offset + run.len <= dev_size[run.devindex]);
	}
	must(!famfs_map_resolve(map, pages * PAGE_SIZE, &run));
	free(model);
}

/* Every range lies on its device, and leads back to where it came from */
static void walk_ranges(const struct famfs_map *map)
{
	struct famfs_range range;
	struct famfs_run run, back;

	for (u32 i = 0; i < famfs_map_nr_ranges(map) && i < 1000; i++) {
		famfs_map_range(map, i, &range);
		must(range.len);
		must(range.offset + range.len <= dev_size[range.devindex]);
		if (!famfs_map_reverse(map, i, range.offset, &run))
			continue;
		must(famfs_map_resolve(map, run.pos, &back));
		must(back.devindex == range.devindex);
		must(back.offset + (run.pos - back.pos) == range.offset);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct famfs_fmap_header *hdr, *out;
	struct famfs_map_plan plan;
	struct famfs_map *map;
	u64 pages;
	u32 size;

	dev_size[0] = 1UL << 40;
	dev_size[1] = U64_MAX & PAGE_MASK;
	if (len < sizeof(*hdr))
		return 0;
	hdr = malloc(len);
	must(hdr);
	memcpy(hdr, data, len);
	/* As after a copy from user space, which brings just that many bytes */
	if (famfs_map_check_header(hdr) || hdr->fmap_size > len)
		goto out;
	hdr = realloc(hdr, hdr->fmap_size);
	must(hdr);
	if (famfs_map_check(hdr, dev_size, &plan))
		goto out;

	map = malloc(plan.bytes);
	must(map);
	famfs_map_fill(map, &plan, hdr);
	pages = model_pages(hdr);
	must(pages * PAGE_SIZE >= hdr->file_size);
	if (pages <= MAX_PAGES)
		compare(map, hdr, pages);
	walk_ranges(map);

	size = famfs_map_format_size(map);
	must(size <= hdr->fmap_size);
	out = malloc(size);
	must(out);
	famfs_map_format(map, out);
	must(!famfs_map_check_header(out));
	must(!famfs_map_check(out, dev_size, &plan));
	free(out);
	free(map);
out:
	free(hdr);
	return 0;
}
