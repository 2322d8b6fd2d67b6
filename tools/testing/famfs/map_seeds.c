// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Write a few right messages, for a fuzzer to start from:
 *	map_seeds DIRECTORY
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "map.h"
#include <linux/mm.h>

/* A message of up to four records' worth of ranges */
struct seed {
	struct famfs_fmap_header h;
	union {
		struct famfs_fmap_simple e[4];
		struct {
			struct famfs_fmap_interleave i;
			struct famfs_fmap_simple s[3];
		};
	};
};

static void put(const char *dir, const char *name, const struct seed *seed)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	if (!f || fwrite(seed, seed->h.fmap_size, 1, f) != 1 || fclose(f)) {
		perror(path);
		exit(1);
	}
}

static void ranges(struct famfs_fmap_simple *se, int nr, u64 step)
{
	for (int i = 0; i < nr; i++) {
		se[i].devindex = i % 2;
		se[i].offset = (i + 1) * step * PAGE_SIZE;
		se[i].len = 8 * PAGE_SIZE;
	}
}

int main(int argc, char **argv)
{
	struct seed seed = {};

	if (argc != 2) {
		fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
		return 2;
	}

	seed.h.fmap_version = FAMFS_FMAP_VERSION;
	seed.h.nextents = 4;
	seed.h.fmap_size = sizeof(seed.h) + sizeof(seed.e);
	seed.h.file_size = 32 * PAGE_SIZE;
	ranges(seed.e, 4, 8);
	put(argv[1], "simple", &seed);

	memset(&seed.e, 0, sizeof(seed.e));
	seed.h.ext_type = FAMFS_EXT_INTERLEAVE;
	seed.h.nextents = 1;
	seed.h.fmap_size = sizeof(seed.h) + sizeof(seed.i) + sizeof(seed.s);
	seed.h.file_size = 24 * PAGE_SIZE - 1;
	seed.i.nstrips = 3;
	seed.i.chunk_size = 2 * PAGE_SIZE;
	seed.i.nbytes = 24 * PAGE_SIZE;
	ranges(seed.s, 3, 100);
	put(argv[1], "interleaved", &seed);
	return 0;
}
