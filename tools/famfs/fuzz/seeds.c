// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The inputs that the fuzzers start from: right media of all kinds, and what the
 * format forbids, as the codec encodes it; and what users type.
 *
 *   seeds media|log|options DIR
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "media.h"
#include "util.h"

#define MIB	(1ULL << 20)

static const char *dir;

static void save(const char *name, const uint8_t *head, size_t head_len,
		 const void *body, size_t body_len)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	if (!f || fwrite(head, 1, head_len, f) != head_len ||
	    fwrite(body, 1, body_len, f) != body_len || fclose(f))
		err(1, "%s", path);
}

static const struct media_super super = {
	.version = 48,
	.log_offset = MEDIA_LOG_OFFSET,
	.log_len = MEDIA_LOG_MIN,
	.alloc_unit = MEDIA_UNIT_4K,
	.omf_major = 2,
	.omf_minor = 2,
	.fs_uuid = "fs-uuid-fs-uuid",
	.dev_uuid = "dev-uuid-dev-uu",
	.system_uuid = "system-uuid-sys",
	.flags = 1,
	.dev_size = 256 * MIB,
	.dev_path = "/dev/dax0.0",
};

static const struct media_log header = {
	.len = MEDIA_LOG_MIN,
	.last_index = 15419,
	.next_seqnum = 2,
	.next_index = 2,
};

static struct media_entry directory(const char *path)
{
	struct media_entry e = { .type = MEDIA_MKDIR, .dir.mode = 0755 };

	strcpy(e.dir.path, path);
	return e;
}

/* @n extents of 2 MiB each, from @first on, a gap after each */
static struct media_entry file(const char *path, uint64_t first, uint32_t n,
			       uint64_t chunk)
{
	struct media_entry e = {
		.type = MEDIA_FILE,
		.file = {
			.size = n * 2 * MIB - 1,
			.mode = 0644,
			.flags = n % 3,
			.map = { .count = n, .chunk_size = chunk },
		},
	};
	uint32_t i;

	strcpy(e.file.path, path);
	e.file.map.type = chunk ? MEDIA_INTERLEAVED : MEDIA_SIMPLE;
	for (i = 0; i < n; i++) {
		e.file.map.ext[i].offset = first + i * 4 * MIB;
		e.file.map.ext[i].len = 2 * MIB;
	}
	return e;
}

static struct media_entry device(uint32_t index)
{
	struct media_entry e = {
		.type = MEDIA_DAXDEV,
		.daxdev = { .size = 1 << 30, .index = index, .uuid = "dev 1" },
	};

	return e;
}

/* Logs, each a list of entries that ends with one of a type there is not */
#define END_OF_LOG	{ .type = 99 }

static size_t encode_all(uint8_t *buf, struct media_entry *e)
{
	size_t n;

	for (n = 0; e[n].type != 99; n++) {
		e[n].seqnum = n;
		media_entry_encode(&e[n], buf + n * MEDIA_ENTRY_BYTES);
	}
	return n * MEDIA_ENTRY_BYTES;
}

static void logs(void)
{
	/* See fuzz_log.c: all mended, then how, and how large the device is */
	const uint8_t entries_alone[] = { 0x70, 0x01, 0xf4 };
	const uint8_t no_master[] = { 0x70, 0x06, 0xf4 };
	const uint8_t refused[] = { 0x70, 0x09, 0xf4 };
	const uint8_t strips[] = { 0x70, 0x51, 0xf4 };
	const uint8_t much[] = { 0x70, 0xc1, 0x90 };
	const uint8_t small[] = { 0x70, 0x01, 0x08 };
	const uint8_t all[] = { 0x7f, 0x01, 0xf4 };
	const uint8_t as_it_is[] = { 0x03, 0x01, 0xf4 };
	struct media_entry good[] = {
		directory("d"),
		file("d/one", 12 * MIB, 1, 0),
		file("d/three", 16 * MIB, 3, 0),
		directory("d/e"),
		file("d/e/striped", 32 * MIB, 2, 0x10000),
		file("sixteen", 48 * MIB, 16, 0),
		END_OF_LOG
	};
	struct media_entry bad[] = {
		file("no/dir", 12 * MIB, 1, 0),
		file("in-the-log", 8 * MIB, 1, 0),
		file("past-the-end", 510 * MIB, 2, 0),
		file("twice", 20 * MIB, 1, 0),
		file("twice", 20 * MIB, 1, 0),
		file("twice", 24 * MIB, 2, 0),
		file("shares", 20 * MIB, 1, 0),
		directory("twice"),
		directory("link"),
		file("link/sub/x", 30 * MIB, 1, 0),
		file("d/../../outside/x", 34 * MIB, 1, 0),
		file("good", 38 * MIB, 1, 0),
		END_OF_LOG
	};
	struct media_entry devices[] = {
		device(1),
		file("there", 12 * MIB, 1, 0),
		file("striped", 16 * MIB, 2, 0x200000),
		device(2),
		END_OF_LOG
	};
	uint8_t buf[MEDIA_SB_BYTES + MEDIA_HEADER_BYTES +
		    12 * MEDIA_ENTRY_BYTES];
	uint8_t *entries = buf + MEDIA_SB_BYTES + MEDIA_HEADER_BYTES;
	size_t len;

	devices[2].file.map.ext[1].dev = 1;
	media_super_encode(&super, buf);
	media_log_encode(&header, buf + MEDIA_SB_BYTES);
	len = encode_all(entries, good);
	save("good", entries_alone, 3, entries, len);
	save("client", no_master, 3, entries, len);
	save("refused", refused, 3, entries, len);
	save("strips", strips, 3, entries, len);
	save("much", much, 3, entries, len);
	save("whole", all, 3, buf, entries - buf + len);
	save("untouched", as_it_is, 3, buf, entries - buf + len);
	save("small", small, 3, entries, len);
	save("empty", all, 3, buf, entries - buf);
	len = encode_all(entries, bad);
	save("bad", entries_alone, 3, entries, len);
	len = encode_all(entries, devices);
	save("devices", entries_alone, 3, entries, len);
}

static void records(void)
{
	const uint8_t kind[] = { 0x00, 0x80, 0x01, 0x81, 0x02, 0x82 };
	struct media_entry e[] = {
		directory("a/directory"),
		file("a/file", 12 * MIB, 1, 0),
		file("sixteen", 12 * MIB, 16, 0),
		file("striped", 12 * MIB, 4, 4096),
		file("a//./../b", 12 * MIB, 1, 0),
		directory(".meta/x"),
		device(1),
		END_OF_LOG
	};
	uint8_t buf[ARRAY_SIZE(e) * MEDIA_ENTRY_BYTES];
	struct media_super old = super;
	char name[32];
	size_t i;

	media_super_encode(&super, buf);
	save("super", kind, 1, buf, MEDIA_SB_BYTES);
	save("super-mended", kind + 1, 1, buf, MEDIA_SB_BYTES);
	old.version = 47;
	old.omf_minor = 1;
	media_super_encode(&old, buf);
	save("super-old", kind + 1, 1, buf, MEDIA_SB_BYTES);
	media_log_encode(&header, buf);
	save("header", kind + 2, 1, buf, MEDIA_HEADER_BYTES);
	save("header-mended", kind + 3, 1, buf, MEDIA_HEADER_BYTES);
	encode_all(buf, e);
	for (i = 0; e[i].type != 99; i++) {
		snprintf(name, sizeof(name), "entry%zu", i);
		save(name, kind + 4, 1, buf + i * MEDIA_ENTRY_BYTES,
		     MEDIA_ENTRY_BYTES);
		strcat(name, "-mended");
		save(name, kind + 5, 1, buf + i * MEDIA_ENTRY_BYTES,
		     MEDIA_ENTRY_BYTES);
	}
}

/* The first letter is a digit that stands for the byte that fuzz_options reads */
static const char * const typed[] = {
	"0ro,noatime,nomode,x-systemd.automount,_netdev",
	"0context=\"a,b\",strictatime,norelatime",
	"0bind", "0loop", "0remount,rw", "0a=b=c", "0,", "0=x", "0\"",
	"1512M", "10x10g", "118446744073709551615", "118446744073709551616",
	"117179869183g", "117179869184g", "10", "12kk", "1-1",
	"24294967294", "24294967295", "20644", "207777", "210000", "28",
	"3a/b", "3a//./b/", "3../a", "3/a", "3.meta/.log", "3a/..", "3.",
	"4name", "4\033[2J\\\177",
	"5-m 0644 -n file", "5--mode=1 --lo 2 -- -n", "5-Z", "5--later", "5-m",
	"5-?", "5--help", "5-x", "5-nrh",
};

static void texts(void)
{
	char name[32];
	uint8_t kind;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(typed); i++) {
		kind = typed[i][0] - '0';
		snprintf(name, sizeof(name), "typed%zu", i);
		save(name, &kind, 1, typed[i] + 1, strlen(typed[i] + 1));
	}
}

int main(int argc, char **argv)
{
	if (argc != 3)
		errx(1, "usage: seeds media|log|options DIR");
	dir = argv[2];
	if (!strcmp(argv[1], "media"))
		records();
	else if (!strcmp(argv[1], "log"))
		logs();
	else if (!strcmp(argv[1], "options"))
		texts();
	else
		errx(1, "%s: there is no such target", argv[1]);
	return 0;
}
