// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * store DEVICE OFFSET [VALUE]: map a dax device, store VALUE at OFFSET if it is
 * given, and print the number that is there. Plain loads and stores: for the
 * lab's test that machines with the same memory see each other's.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#define MAP_LENGTH (2UL << 20)

int main(int argc, char **argv)
{
	volatile uint64_t *word;
	unsigned long offset;
	char *map;
	int fd;

	if (argc < 3 || argc > 4) {
		fprintf(stderr, "usage: store DEVICE OFFSET [VALUE]\n");
		return 2;
	}
	offset = strtoul(argv[2], NULL, 0);
	if (offset % sizeof(*word) || offset > MAP_LENGTH - sizeof(*word)) {
		fprintf(stderr, "store: %s is no place in the first 2 MiB\n", argv[2]);
		return 2;
	}
	fd = open(argv[1], O_RDWR);
	if (fd < 0) {
		perror(argv[1]);
		return 1;
	}
	map = mmap(NULL, MAP_LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED) {
		perror("mmap");
		return 1;
	}
	word = (volatile uint64_t *)(map + offset);
	if (argc == 4)
		*word = strtoull(argv[3], NULL, 0);
	printf("%" PRIu64 "\n", *word);
	return 0;
}
