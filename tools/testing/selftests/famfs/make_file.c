// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * make_file [-e EXTENTS | -s STRIPS] OFFSET SIZE PATH: for scripts that test:
 * make a file on a famfs mount and give it SIZE bytes of the first device, from
 * OFFSET on; in one piece, or in extents that lie in the opposite order, or in
 * chunks of 64 KiB interleaved over strips. Both numbers are in KiB, and whole
 * pages; extents and strips share SIZE evenly.
 */
#include <getopt.h>

#include "famfs_test.h"

#define CHUNK	65536

static void *message(__u64 offset, __u64 size, __u32 extents, __u32 strips)
{
	__u32 n = extents ?: strips ?: 1;
	struct span *spans = calloc(n, sizeof(*spans));
	struct famfs_fmap_simple *places = calloc(n, sizeof(*places));
	struct stripe stripe = {
		.chunk_size = CHUNK,
		.nbytes = size,
		.nstrips = n,
		.strips = places,
	};

	for (__u32 i = 0; i < n; i++) {
		spans[i].len = size / n;
		spans[i].offset = offset + (n - 1 - i) * spans[i].len;
		places[i].len = spans[i].len;
		places[i].offset = spans[i].offset;
	}
	return strips ? fmap_striped(size, &stripe, 1) :
			(void *)fmap_of(size, spans, n);
}

int main(int argc, char **argv)
{
	__u32 extents = 0, strips = 0;
	__u64 offset, size;
	int opt, fd, err;

	while ((opt = getopt(argc, argv, "e:s:")) != -1) {
		if (opt == 'e')
			extents = atoi(optarg);
		else if (opt == 's')
			strips = atoi(optarg);
		else
			return 2;
	}
	if (argc - optind != 3) {
		fprintf(stderr, "see the source for what it takes\n");
		return 2;
	}
	offset = strtoull(argv[optind], NULL, 0) * 1024;
	size = strtoull(argv[optind + 1], NULL, 0) * 1024;
	fd = create_empty(argv[optind + 2]);
	err = fd < 0 ? fd : map_create(fd, message(offset, size, extents,
						   strips));
	if (err)
		fprintf(stderr, "make_file: %s: %s\n", argv[optind + 2],
			strerror(-err));
	return err ? 1 : 0;
}
