// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * example DIR NAME TEXT: makes a file of 4 MiB in the famfs file system that is
 * mounted on DIR, puts TEXT at its start, and lists what the file system has.
 */
#include <libfamfs.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

static int list(void *arg, const struct famfs_entry *e)
{
	(void)arg;
	if (e->wrong)
		printf("entry %llu: %s\n", (unsigned long long)e->index,
		       e->wrong);
	else if (e->type == FAMFS_ENTRY_FILE)
		printf("%s: %llu bytes\n", e->path, (unsigned long long)e->size);
	return 0;
}

int main(int argc, char **argv)
{
	struct famfs_new file = { .size = 4 << 20, .mode = 0644 };
	struct famfs *fs;
	size_t length;
	void *p;

	if (argc != 4)
		return 2;
	file.path = argv[2];
	if (famfs_open(&fs, argv[1], FAMFS_OPEN_WRITE) < 0 ||
	    famfs_create(fs, &file, NULL) < 0 ||
	    famfs_map(fs, file.path, PROT_READ | PROT_WRITE, &p, &length) < 0)
		goto fail;

	/* In the memory, where the other hosts see it, when flush returns */
	snprintf(p, length, "%s", argv[3]);
	famfs_flush(p, strlen(argv[3]) + 1);
	munmap(p, length);

	if (famfs_walk(fs, 0, list, NULL) < 0)
		goto fail;
	famfs_close(fs);
	return 0;
fail:
	fprintf(stderr, "%s\n", famfs_message());
	return 1;
}
