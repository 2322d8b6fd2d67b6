// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Plants in a mounted file system what famfs itself would never write: the hand
 * of another host, or of chance. The end-to-end tests then look what the tools
 * make of it.
 *
 *   plant MOUNT file PATH SIZE OFFSET LEN [DEV]	an entry for a file
 *   plant MOUNT striped PATH SIZE CHUNK OFFSET1 LEN1 OFFSET2 LEN2
 *   plant MOUNT dir PATH				an entry for a directory
 *   plant MOUNT daxdev INDEX [SIZE [UUID]]	an entry for a device
 *   plant MOUNT flags FLAGS	set the superblock's flags
 *   plant MOUNT fill LEFT	directories, until LEFT entries fit
 *   plant MOUNT flip FILE OFFSET	turn a bit of a meta file over
 *   plant MOUNT image FILE	what FILE starts with goes over the superblock
 *   plant MOUNT log FILE	and over the log
 *   plant FILE poison OFFSET	the page there is bad memory from now on
 *   plant DEVICE map		map a raw device and hold it until stdin ends
 *   plant MOUNT next INDEX	set the log's next index and number
 *   plant MOUNT copy FROM TO	entry FROM goes over entry TO, as it is
 *   plant MOUNT swap A B	entries A and B change places
 *   plant MOUNT zero INDEX	the entry has never come
 *   plant MOUNT tear INDEX BYTES	only so many bytes of it have come
 */
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <uuid/uuid.h>

#include "log.h"
#include "medium.h"

static struct medium log_mem;
static uint64_t log_len;

static uint64_t number(const char *text)
{
	char *end;
	uint64_t v = strtoull(text, &end, 0);

	if (*end)
		errx(1, "%s: not a number", text);
	return v;
}

static void open_file(struct medium *m, const char *mount, const char *name)
{
	char path[4096];
	int rc;

	snprintf(path, sizeof(path), "%s/.meta/%s", mount, name);
	rc = medium_open(m, open(path, O_RDWR), true, false);
	if (rc)
		errx(1, "%s: %s", path, strerror(-rc));
}

static void append(struct media_entry *e)
{
	int rc = log_append(&log_mem, log_len, e);

	if (rc)
		errx(1, "append: %s", log_strerror(rc));
}

static void set_path(char path[MEDIA_PATH_SIZE], const char *text)
{
	/* As long as it may be, or too long to be terminated */
	size_t len = strlen(text);

	memcpy(path, text, len < MEDIA_PATH_SIZE ? len : MEDIA_PATH_SIZE);
}

static void plant_file(char **arg, int n)
{
	struct media_entry e = { .type = MEDIA_FILE, .file.mode = 0644 };

	set_path(e.file.path, arg[0]);
	e.file.size = number(arg[1]);
	e.file.map.count = 1;
	e.file.map.ext[0].offset = number(arg[2]);
	e.file.map.ext[0].len = number(arg[3]);
	e.file.map.ext[0].dev = n > 4 ? number(arg[4]) : 0;
	append(&e);
}

static void plant_striped(char **arg)
{
	struct media_entry e = { .type = MEDIA_FILE, .file.mode = 0644 };
	int i;

	set_path(e.file.path, arg[0]);
	e.file.size = number(arg[1]);
	e.file.map.type = MEDIA_INTERLEAVED;
	e.file.map.chunk_size = number(arg[2]);
	e.file.map.count = 2;
	for (i = 0; i < 2; i++) {
		e.file.map.ext[i].offset = number(arg[3 + 2 * i]);
		e.file.map.ext[i].len = number(arg[4 + 2 * i]);
	}
	append(&e);
}

static void plant_dir(const char *path)
{
	struct media_entry e = { .type = MEDIA_MKDIR, .dir.mode = 0755 };

	set_path(e.dir.path, path);
	append(&e);
}

static void plant_daxdev(char **arg, int n)
{
	struct media_entry e = { .type = MEDIA_DAXDEV };

	e.daxdev.index = number(arg[0]);
	e.daxdev.size = n > 1 ? number(arg[1]) : 1 << 30;
	if (n > 2 && uuid_parse(arg[2], e.daxdev.uuid))
		errx(1, "%s: not a uuid", arg[2]);
	append(&e);
}

static void set_flags(const char *mount, uint32_t flags)
{
	uint8_t buf[MEDIA_SB_BYTES];
	struct media_super sb;
	struct medium m;

	open_file(&m, mount, ".superblock");
	if (medium_load(&m, 0, buf, sizeof(buf)) ||
	    media_super_decode(&sb, buf))
		errx(1, "%s: no good superblock", mount);
	sb.flags = flags;
	media_super_encode(&sb, buf);
	medium_store(&m, 0, buf, sizeof(buf));
	medium_flush(&m, 0, sizeof(buf));
	medium_close(&m);
}

static void fill(uint64_t left)
{
	struct media_log log;
	char path[32];

	if (log_header(&log_mem, log_len, &log))
		errx(1, "bad header");
	while (log.next_index + left < media_log_capacity(log_len)) {
		snprintf(path, sizeof(path), "fill%u",
			 (unsigned int)log.next_index++);
		plant_dir(path);
	}
}

static void flip(const char *mount, const char *name, uint64_t offset)
{
	struct medium m;
	uint8_t byte;

	open_file(&m, mount, name);
	if (medium_load(&m, offset, &byte, 1))
		errx(1, "%s: no such offset", name);
	byte ^= 1;
	medium_store(&m, offset, &byte, 1);
	medium_flush(&m, offset, 1);
	medium_close(&m);
}

static void image(const char *mount, const char *name, const char *from)
{
	struct medium m;
	FILE *f = fopen(from, "r");
	void *buf;

	open_file(&m, mount, name);
	buf = calloc(1, m.len);
	if (!f || !buf || !fread(buf, 1, m.len, f))
		err(1, "%s", from);
	medium_store(&m, 0, buf, m.len);
	medium_flush(&m, 0, m.len);
	medium_close(&m);
	fclose(f);
	free(buf);
}

/* An entry as it lies in the log, whatever it is */
static uint64_t get_entry(const char *index, uint8_t buf[MEDIA_ENTRY_BYTES])
{
	uint64_t at = MEDIA_HEADER_BYTES + number(index) * MEDIA_ENTRY_BYTES;

	if (medium_load(&log_mem, at, buf, MEDIA_ENTRY_BYTES))
		errx(1, "%s: past the end of the log", index);
	return at;
}

static void put_entry(uint64_t at, const uint8_t buf[MEDIA_ENTRY_BYTES])
{
	medium_store(&log_mem, at, buf, MEDIA_ENTRY_BYTES);
	medium_flush(&log_mem, at, MEDIA_ENTRY_BYTES);
}

/* @a goes over @b, and, if they are to be swapped, @b over @a */
static void move_entry(const char *a, const char *b, bool both)
{
	uint8_t buf[2][MEDIA_ENTRY_BYTES];
	uint64_t at_a = get_entry(a, buf[0]);
	uint64_t at_b = get_entry(b, buf[1]);

	put_entry(at_b, buf[0]);
	if (both)
		put_entry(at_a, buf[1]);
}

static void tear(const char *index, uint64_t bytes)
{
	uint8_t buf[MEDIA_ENTRY_BYTES];
	uint64_t at = get_entry(index, buf);

	if (bytes > sizeof(buf))
		errx(1, "an entry has %zu bytes", sizeof(buf));
	memset(buf + bytes, 0, sizeof(buf) - bytes);
	put_entry(at, buf);
}

/* The file is closed, so that the mapping alone holds the device */
static void map(const char *dev)
{
	int fd = open(dev, O_RDONLY);
	void *p;

	if (fd < 0)
		err(1, "%s", dev);
	p = mmap(NULL, 2 << 20, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		err(1, "%s: mmap", dev);
	close(fd);
	puts("mapped");
	fflush(stdout);
	while (getchar() != EOF)
		;
}

static void told(int sig)
{
	(void)sig;
}

/* The kernel tells all who map the page, and so this program too */
static void poison(const char *path, uint64_t offset)
{
	long page = sysconf(_SC_PAGESIZE);
	int fd = open(path, O_RDWR);
	void *p;

	if (fd < 0)
		err(1, "%s", path);
	p = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
	if (p == MAP_FAILED)
		err(1, "%s: mmap", path);
	signal(SIGBUS, told);
	if (madvise(p, page, MADV_HWPOISON))
		err(1, "%s: madvise", path);
	close(fd);
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[2] : "";
	char **arg = argv + 3;
	int n = argc - 3;

	if (!strcmp(what, "flip") && n == 2) {
		flip(argv[1], arg[0], number(arg[1]));
		return 0;
	}
	if (!strcmp(what, "image") && n == 1) {
		image(argv[1], ".superblock", arg[0]);
		return 0;
	}
	if (!strcmp(what, "log") && n == 1) {
		image(argv[1], ".log", arg[0]);
		return 0;
	}
	if (!strcmp(what, "flags") && n == 1) {
		set_flags(argv[1], number(arg[0]));
		return 0;
	}
	if (!strcmp(what, "poison") && n == 1) {
		poison(argv[1], number(arg[0]));
		return 0;
	}
	if (!strcmp(what, "map") && !n) {
		map(argv[1]);
		return 0;
	}
	if (n < 1)
		errx(1, "see the top of the source");
	open_file(&log_mem, argv[1], ".log");
	log_len = log_mem.len;
	if (!strcmp(what, "file") && n >= 4) {
		plant_file(arg, n);
	} else if (!strcmp(what, "striped") && n == 7) {
		plant_striped(arg);
	} else if (!strcmp(what, "dir") && n == 1) {
		plant_dir(arg[0]);
	} else if (!strcmp(what, "daxdev") && n <= 3) {
		plant_daxdev(arg, n);
	} else if (!strcmp(what, "fill") && n == 1) {
		fill(number(arg[0]));
	} else if (!strcmp(what, "copy") && n == 2) {
		move_entry(arg[0], arg[1], false);
	} else if (!strcmp(what, "swap") && n == 2) {
		move_entry(arg[0], arg[1], true);
	} else if (!strcmp(what, "zero") && n == 1) {
		tear(arg[0], 0);
	} else if (!strcmp(what, "tear") && n == 2) {
		tear(arg[0], number(arg[1]));
	} else if (!strcmp(what, "next") && n == 1) {
		medium_store64(&log_mem, MEDIA_HEADER_SEQ, number(arg[0]));
		medium_store64(&log_mem, MEDIA_HEADER_NEXT, number(arg[0]));
		medium_flush(&log_mem, 0, MEDIA_HEADER_BYTES);
	} else {
		errx(1, "see the top of the source");
	}
	medium_close(&log_mem);
	return 0;
}
