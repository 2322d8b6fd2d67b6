// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Each thing that fsck can find, on a file system in memory that is good but for
 * that: its exact message, and no other.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "test.h"

#include "check.h"
#include "kernel.h"
#include "log.h"

#define MIB		(1024 * 1024ULL)
#define LOG_LEN		MEDIA_LOG_MIN
#define CAPACITY	(256 * MIB)
#define DEV1		(64 * MIB)

/* --- a good file system ------------------------------------------------- */

static struct fs fs;

static void append(struct media_entry *e)
{
	assert_int_equal(log_append(&fs.log, LOG_LEN, e), 0);
}

static void add_dir(const char *path)
{
	struct media_entry e = { .type = MEDIA_MKDIR, .dir.mode = 0755 };

	strcpy(e.dir.path, path);
	append(&e);
}

static void add_file(const char *path, uint64_t size, uint64_t offset,
		     uint64_t len)
{
	struct media_entry e = { .type = MEDIA_FILE, .file.mode = 0644 };

	strcpy(e.file.path, path);
	e.file.size = size;
	e.file.map.count = 1;
	e.file.map.ext[0] = (struct media_extent){ 0, offset, len };
	append(&e);
}

static void open_memory(struct medium *m, uint64_t len)
{
	int fd = memfd_create("medium", MFD_CLOEXEC);

	assert_true(fd >= 0 && !ftruncate(fd, len));
	assert_int_equal(medium_open(m, fd, true, false), 0);
}

static void decode_super(void)
{
	uint8_t buf[MEDIA_SB_BYTES];

	assert_int_equal(medium_load(&fs.super, 0, buf, sizeof(buf)), 0);
	assert_int_equal(media_super_faults(&fs.sb, buf), 0);
}

/* Entries 0 to 5: d, d/a, d/b, a device, il on both devices, late */
static int setup(void **state)
{
	struct media_super sb = {
		.version = 48,
		.log_offset = MEDIA_LOG_OFFSET,
		.log_len = LOG_LEN,
		.alloc_unit = MEDIA_UNIT_2M,
		.omf_major = 2,
		.omf_minor = 2,
		.fs_uuid = "file system",
		.dev_uuid = "device 0",
		.slot_uuid = "device 0",
		.system_uuid = "system",
		.dev_size = CAPACITY,
		.dev_path = "/dev/dax0.0",
	};
	struct media_entry dev = {
		.type = MEDIA_DAXDEV,
		.daxdev = { .size = DEV1, .uuid = "device 1", .index = 1 },
	};
	struct media_entry il = {
		.type = MEDIA_FILE,
		.file = {
			.size = 4 * MIB,
			.mode = 0644,
			.path = "il",
			.map = {
				.type = MEDIA_INTERLEAVED,
				.count = 2,
				.chunk_size = 2 * MIB,
				.ext = { { 0, 20 * MIB, 2 * MIB },
					 { 1, 4 * MIB, 2 * MIB } },
			},
		},
	};
	uint8_t buf[MEDIA_SB_BYTES];

	(void)state;
	fs = (struct fs){ .root = -1, .capacity = CAPACITY };
	open_memory(&fs.super, MEDIA_SB_LEN);
	open_memory(&fs.log, LOG_LEN);
	media_super_encode(&sb, buf);
	medium_store(&fs.super, 0, buf, sizeof(buf));
	log_create(&fs.log, LOG_LEN);
	add_dir("d");
	add_file("d/a", 3000, 10 * MIB, 2 * MIB);
	add_file("d/b", 3 * MIB, 12 * MIB, 4 * MIB);
	append(&dev);
	append(&il);
	add_dir("late");
	decode_super();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	medium_close(&fs.super);
	medium_close(&fs.log);
	return 0;
}

/* --- what was said ---------------------------------------------------------- */

static char said[8][512];
static unsigned int errors, warnings;

static void listen(enum famfs_level level, const char *text)
{
	unsigned int n = errors + warnings;

	if (level == FAMFS_MSG_INFO)
		return;
	if (n < ARRAY_SIZE(said))
		snprintf(said[n], sizeof(said[n]), "%s", text);
	if (level == FAMFS_MSG_ERROR)
		errors++;
	else
		warnings++;
}

static int check(struct check *c)
{
	int rc;

	*c = (struct check){ .fs = &fs, .name = "fs" };
	errors = 0;
	warnings = 0;
	famfs_set_sink(listen);
	rc = check_fs(c);
	check_print(c, CHECK_ALL);
	famfs_set_sink(NULL);
	assert_int_equal(c->errors, errors);
	assert_int_equal(c->warnings, warnings);
	return rc;
}

static void good(void **state)
{
	struct check c;

	(void)state;
	assert_int_equal(check(&c), 0);
	assert_int_equal(c.nproblems, 0);
	assert_int_equal(c.entries, 6);
	assert_int_equal(c.files, 3);
	assert_int_equal(c.dirs, 2);
	assert_int_equal(c.devices.count, 2);
	assert_int_equal(c.entries_free, 15420 - 6);
	assert_int_equal(c.used_bytes, 10 * MIB);
	assert_int_equal(c.space[0].size, CAPACITY);
	assert_int_equal(c.space[0].free, CAPACITY - 10 * MIB - 8 * MIB);
	assert_int_equal(c.space[1].size, DEV1);
	assert_int_equal(c.space[1].free, DEV1 - 2 * MIB - 2 * MIB);
	assert_int_equal(c.free_bytes, c.space[0].free + c.space[1].free);
	assert_int_equal(c.largest, c.free_bytes);
	check_free(&c);
}

/* --- bad ones ------------------------------------------------------------- */

#define SUPER	(-1)
#define HEADER	(-2)

struct edit {
	unsigned int off;
	unsigned int bytes;	/* of the number, 0 for none */
	uint64_t value;
};

struct bad {
	int where;		/* SUPER, HEADER or an entry */
	struct edit edit[3];
	const char *path;	/* of an entry, else as it is */
	bool torn;		/* the checksum does not go with it */
	bool harmless;
	const char *says;
	/* What follows of it: errors, the first of them */
	unsigned int more;
	const char *then;
};

#define E1	"fs: log entry 1 at 0x200250: "
#define E2	"fs: log entry 2 at 0x200470: "
#define E3	"fs: log entry 3 at 0x200690: "
#define E4	"fs: log entry 4 at 0x2008b0: "
#define E5	"fs: log entry 5 at 0x200ad0: "
#define NO_DEV	"an extent is on a device that no entry before it adds"

#define LONG_PATH \
	"0123456789012345678901234567890123456789" \
	"0123456789012345678901234567890123456789"

static const struct bad all[] = {
	/* The superblock, what opening it lets pass */
	{ SUPER, { { 112, 8, 512 * MIB } }, .says =
	  "fs: superblock says the device has 536870912 bytes, it has 268435456" },
	{ SUPER, { { 112, 8, 128 * MIB } }, .harmless = true, .says =
	  "fs: superblock says the device has 134217728 bytes, and what it has past these, 134217728 bytes, is not used",
	},
	{ SUPER, { { 104, 4, 0x11 } }, .harmless = true, .says =
	  "fs: superblock flags 0x11: some are unknown" },
	{ SUPER, { { 120, 8, 1 } }, .harmless = true, .says =
	  "fs: superblock has another device uuid in its slot" },
	{ SUPER, { { 48, 8, 0 }, { 56, 8, 0 } }, .harmless = true, .says =
	  "fs: superblock uuid of file system or device is 0" },
	{ SUPER, { { 80, 8, 0 }, { 88, 8, 0 } }, .harmless = true, .says =
	  "fs: superblock uuid of the master is 0: no host may append to the log" },
	{ SUPER, { { 108, 4, 1 } }, .harmless = true, .says =
	  "fs: superblock bytes that the format leaves 0 are not 0" },
	{ SUPER, { { 199, 1, 'x' } }, .harmless = true, .says =
	  "fs: superblock bytes that the format leaves 0 are not 0" },

	/* The log header */
	{ HEADER, { { 0, 8, 1 } }, .says =
	  "fs: log: no famfs log (wrong magic number)" },
	{ HEADER, { { 24, 8, 1 } }, .torn = true, .says =
	  "fs: log: log header checksum is wrong" },
	{ HEADER, { { 8, 8, 16 * MIB } }, .says =
	  "fs: log: log length differs from the superblock's" },
	{ HEADER, { { 16, 8, 77 } }, .says =
	  "fs: log: last index does not go with the log length" },
	{ HEADER, { { 32, 8, 15421 }, { 40, 8, 15421 } }, .says =
	  "fs: log: next index is past the end of the log" },
	{ HEADER, { { 32, 8, 8 } }, .says =
	  "fs: log: next sequence number does not go with the next index" },
	{ HEADER, { { 32, 8, 5 } }, .says =
	  "fs: log: next sequence number does not go with the next index" },
	{ HEADER, { { 32, 8, 7 } }, .harmless = true, .says =
	  "fs: log header: an append was cut off before its last store; the next append makes it good",
	},
	{ HEADER, { { 32, 8, 5 }, { 40, 8, 5 } }, .harmless = true, .says =
	  E5
	  "is past the end of the log and looks valid, the first of 1 such: an append that was cut off; the next one goes over it",
	},

	/* Any entry */
	{ 1, { { 200, 1, 1 } }, .torn = true, .says =
	  E1 "d/a: checksum is wrong" },
	{ 5, { { 0, 8, 4 } }, .says =
	  E5 "late: sequence number is not the entry's index" },
	{ 5, { { 8, 4, 9 } }, .says = E5 "type is unknown" },
	{ 5, { { 8, 4, 2 } }, .says =
	  E5 "type is delete, which is reserved" },
	{ 5, { { 12, 4, 1 } }, .harmless = true, .says =
	  E5 "late: bytes that the format leaves 0 are not 0" },
	{ 1, { { 500, 4, 1 } }, .harmless = true, .says =
	  E1 "d/a: bytes that the format leaves 0 are not 0" },
	{ 3, { { 44, 4, 1 } }, .harmless = true, .says =
	  E3 "bytes that the format leaves 0 are not 0" },

	/* Paths */
	{ 1, .path = LONG_PATH, .says =
	  E1 LONG_PATH ": path is not terminated" },
	{ 1, .path = "", .says = E1 "path is empty" },
	{ 1, .path = ".", .says = E1 ".: path is empty" },
	{ 1, .path = "/d/a", .says = E1 "/d/a: path is absolute" },
	{ 1, .path = "d/../a", .says = E1 "d/../a: path has a .. part" },
	{ 1, .path = "..", .says = E1 "..: path has a .. part" },
	{ 1, .path = ".meta/.log", .says =
	  E1 ".meta/.log: path is inside .meta, which is never logged" },
	{ 1, .path = "./.meta", .says =
	  E1 "./.meta: path is inside .meta, which is never logged" },
	{ 1, .path = "d//./a", .harmless = true, .says =
	  E1 "d//./a: path is not in its short form, and is played as d/a" },
	{ 5, .path = "late/", .harmless = true, .says =
	  E5 "late/: path is not in its short form, and is played as late" },
	{ 1, .path = "d\033[/a", .says =
	  E1 "d\\033[/a: its directory is not logged" },
	{ 2, .path = "x/b", .says = E2 "x/b: its directory is not logged" },
	{ 2, .path = "d/a/b", .says =
	  E2 "d/a/b: its directory is logged as a file, by entry 1" },
	{ 2, .path = "late/b", .says =
	  E2 "late/b: its directory is not logged before it, but by entry 5" },
	{ 2, .path = "d/a", .says = E2 "d/a: path is that of entry 1" },
	{ 5, .path = "d", .says = E5 "d: path is that of entry 0" },
	{ 5, .path = "il", .says = E5 "il: path is that of entry 4" },

	/* Owner, mode, flags, size */
	{ 1, { { 28, 4, UINT32_MAX } }, .harmless = true, .says =
	  E1 "d/a: uid or gid is 4294967295, which is none: root's is used" },
	{ 5, { { 20, 4, UINT32_MAX } }, .harmless = true, .says =
	  E5 "late: uid or gid is 4294967295, which is none: root's is used" },
	{ 1, { { 36, 4, 0040644 } }, .says =
	  E1 "d/a: mode is not one of its type" },
	{ 5, { { 24, 4, 0100755 } }, .says =
	  E5 "late: mode is not one of its type" },
	{ 1, { { 24, 4, 3 } }, .says =
	  E1 "d/a: flags are unknown or contradict each other" },
	{ 1, { { 24, 4, 4 } }, .says =
	  E1 "d/a: flags are unknown or contradict each other" },
	{ 1, { { 16, 8, 0 } }, .says = E1 "d/a: size is 0 or past 2^63" },
	{ 1, { { 16, 8, 1ULL << 63 } }, .says =
	  E1 "d/a: size is 0 or past 2^63" },

	/* Maps */
	{ 1, { { 120, 4, 2 } }, .says = E1 "d/a: extent type is unknown" },
	{ 1, { { 128, 4, 0 } }, .says =
	  E1 "d/a: number of extents is out of range" },
	{ 1, { { 128, 4, 17 } }, .says =
	  E1 "d/a: number of extents is out of range" },
	{ 4, { { 128, 4, 2 } }, .says =
	  E4 "il: number of extents is out of range" },
	{ 4, { { 136, 8, 17 } }, .says =
	  E4 "il: number of extents is out of range" },
	{ 4, { { 144, 8, 0 } }, .says =
	  E4 "il: chunk size is 0, past 32 bits, or no multiple of 4096" },
	{ 4, { { 144, 8, 1000 } }, .says =
	  E4 "il: chunk size is 0, past 32 bits, or no multiple of 4096" },
	{ 4, { { 144, 8, 1ULL << 32 } }, .says =
	  E4 "il: chunk size is 0, past 32 bits, or no multiple of 4096" },
	{ 4, { { 144, 8, 1 * MIB } }, .harmless = true, .says =
	  E4 "il: chunk size is no multiple of the allocation unit" },
	{ 4, { { 192, 8, 1 * MIB } }, .says =
	  E4 "il: extents do not cover the size" },
	{ 2, { { 16, 8, 4 * MIB + 1 } }, .says =
	  E2 "d/b: extents do not cover the size" },
	{ 1, { { 152, 8, 0 } }, .says =
	  E1 "d/a: an extent is empty or no multiple of 4096" },
	{ 1, { { 144, 8, 10 * MIB + 512 } }, .says =
	  E1 "d/a: an extent is empty or no multiple of 4096" },
	{ 1, { { 152, 8, 4096 } }, .harmless = true, .says =
	  E1 "d/a: an extent is no multiple of the allocation unit" },
	{ 1, { { 144, 8, INT64_MAX & ~0xfffULL } }, .says =
	  E1 "d/a: an extent runs past 2^63" },
	{ 1, { { 144, 8, -4096ULL } }, .says =
	  E1 "d/a: an extent runs past 2^63" },
	{ 1, { { 144, 8, 0 } }, .says =
	  E1 "d/a: an extent overlaps superblock or log" },
	{ 1, { { 144, 8, 8 * MIB } }, .says =
	  E1 "d/a: an extent overlaps superblock or log" },
	{ 4, { { 184, 8, 0 } }, .says =
	  E4 "il: an extent overlaps superblock or log" },
	{ 1, { { 144, 8, CAPACITY } }, .says =
	  E1 "d/a: an extent runs past the end of its device" },
	{ 4, { { 184, 8, DEV1 } }, .says =
	  E4 "il: an extent runs past the end of its device" },
	{ 1, { { 136, 8, 64 } }, .says = E1 "d/a: device index is past 63" },
	{ 1, { { 136, 8, 63 } }, .says = E1 "d/a: " NO_DEV },
	{ 1, { { 136, 8, 1 } }, .says = E1 "d/a: " NO_DEV },
	{ 4, { { 176, 8, 0 }, { 184, 8, 20 * MIB } }, .says =
	  E4 "il: two extents of its own overlap" },
	{ 2, { { 144, 8, 8 * MIB + 2 * MIB } }, .says =
	  E2 "d/b: shares 2097152 bytes at offset 10485760 of device 0 with entry 1, d/a" },
	{ 1, { { 144, 8, 14 * MIB } }, .says =
	  E2 "d/b: shares 2097152 bytes at offset 14680064 of device 0 with entry 1, d/a" },
	/* The same place on another device is another place */
	{ 4, { { 184, 8, 10 * MIB } }, .says = NULL },

	/* Devices */
	{ 3, { { 16, 8, 0 } }, .says =
	  E3 "device size or index is out of range", .more = 1,
	  .then = E4 "il: " NO_DEV },
	{ 3, { { 40, 4, 0 } }, .says =
	  E3 "device size or index is out of range", .more = 1,
	  .then = E4 "il: " NO_DEV },
	{ 3, { { 40, 4, 64 } }, .says =
	  E3 "device size or index is out of range", .more = 1,
	  .then = E4 "il: " NO_DEV },
	{ 3, { { 40, 4, 2 } }, .says = E3 "device index is not the next one",
	  .more = 1, .then = E4 "il: " NO_DEV },
	{ 3, { { 31, 1, '0' } }, .says =
	  E3 "device is one that the file system has already",
	  .more = 1, .then = E4 "il: " NO_DEV },
	{ 3, { { 16, 8, DEV1 + 512 } }, .harmless = true, .says =
	  E3 "device size is no multiple of 4096" },
	{ 3, { { 24, 8, 0 }, { 32, 8, 0 } }, .harmless = true, .says =
	  E3 "device uuid is 0, by which no host can find it" },
};

static void put(struct medium *m, uint64_t at, const struct edit *e)
{
	unsigned int i;

	for (i = 0; i < e->bytes; i++)
		m->map[at + e->off + i] = e->value >> 8 * i;
}

static void seal(struct medium *m, uint64_t at, unsigned int len)
{
	struct edit sum = { len, 8, crc32(0, m->map + at, len) };

	put(m, at, &sum);
}

static void spoil(const struct bad *b)
{
	struct medium *m = b->where == SUPER ? &fs.super : &fs.log;
	uint64_t at = b->where < 0 ? 0 : log_entry_offset(b->where);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(b->edit); i++)
		put(m, at, &b->edit[i]);
	if (b->path) {
		uint8_t *to = m->map + at + media_entry_path_offset(m->map + at);

		memset(to, 0, MEDIA_PATH_SIZE);
		memcpy(to, b->path, strlen(b->path));
	}
	if (!b->torn)
		seal(m, at, b->where == SUPER ? 96 :
			    b->where == HEADER ? 24 : 536);
	if (b->where == SUPER)
		decode_super();
}

static void each(void **state)
{
	const struct bad *b;
	struct check c;
	int rc;

	(void)state;
	for (b = all; b < all + ARRAY_SIZE(all); b++) {
		spoil(b);
		rc = check(&c);
		assert_int_equal(rc, b->where == HEADER && !b->harmless
				     ? -EUCLEAN : 0);
		if (!b->says) {
			assert_int_equal(errors + warnings, 0);
		} else {
			assert_string_equal(said[0], b->says);
			assert_int_equal(errors, !b->harmless + b->more);
			assert_int_equal(warnings, b->harmless);
		}
		if (b->then)
			assert_string_equal(said[1], b->then);
		check_free(&c);
		teardown(NULL);
		setup(NULL);
	}
}

/* In the order of the log, whatever is found first */
static void several(void **state)
{
	const struct bad bad[] = {
		{ 1, .path = "d//a" },
		{ 2, { { 144, 8, 10 * MIB } }, .path = "late/b" },
		{ 5, { { 24, 4, 0100755 } } },
		{ SUPER, { { 104, 4, 0x11 } } },
	};
	struct check c;
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		spoil(&bad[i]);
	assert_int_equal(check(&c), 0);
	assert_int_equal(errors, 3);
	assert_int_equal(warnings, 2);
	assert_string_equal(said[0],
			    "fs: superblock flags 0x11: some are unknown");
	assert_string_equal(said[1], E1
			    "d//a: path is not in its short form, and is played as d/a");
	assert_int_equal(c.problem[2].entry, 2);
	assert_int_equal(c.problem[3].entry, 2);
	assert_int_equal(c.problem[3].offset, 0x200470);
	assert_string_equal(said[4], E5 "late: mode is not one of its type");
	assert_int_equal(c.flawed[1], 0);
	assert_int_equal(c.flawed[2], 1);
	check_free(&c);
}

/* All that is wrong with a superblock or a header, not the first thing alone */
static void all_faults(void **state)
{
	const struct bad super = {
		SUPER, { { 16, 8, 1 }, { 32, 8, 5 }, { 112, 8, 100 } }
	};
	struct medium *m = &fs.super;
	struct media_super sb;
	struct check c;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(super.edit); i++)
		put(m, 0, &super.edit[i]);
	assert_int_equal(media_super_faults(&sb, m->map),
			 MEDIA_FAULT(MEDIA_ERR_CRC) |
			 MEDIA_FAULT(MEDIA_ERR_LOG_OFFSET) |
			 MEDIA_FAULT(MEDIA_ERR_UNIT) |
			 MEDIA_FAULT(MEDIA_ERR_DEV_SIZE));
	assert_int_equal(media_super_decode(&sb, m->map), MEDIA_ERR_CRC);
	teardown(state);
	setup(state);
	put(&fs.log, 0, &(struct edit){ 8, 8, 1 });
	put(&fs.log, 0, &(struct edit){ 40, 8, -1ULL });
	assert_int_equal(check(&c), -EUCLEAN);
	assert_int_equal(errors, 4);
	assert_int_equal(c.problem[3].offset, MEDIA_LOG_OFFSET);
	check_free(&c);
}

static void full(void **state)
{
	struct check c;
	char path[32];
	unsigned int i;

	(void)state;
	for (i = 6; i < 15420; i++) {
		snprintf(path, sizeof(path), "fill%u", i);
		add_dir(path);
	}
	assert_int_equal(check(&c), 0);
	assert_int_equal(errors, 0);
	assert_int_equal(warnings, 1);
	assert_string_equal(said[0],
			    "fs: log is full: nothing more can be made");
	assert_int_equal(c.entries_free, 0);
	check_free(&c);
}

#define E7 \
	"fs: log entry 7 at 0x200f10: f7: shares 2097152 bytes at offset 104857600 of device 0 with entry 6, f6; 15 more of its extents are shared, too"

/* However full a log is of what is wrong, it is told in a line for each entry */
static void crowded(void **state)
{
	struct media_entry e = {
		.type = MEDIA_FILE,
		.file = {
			.size = 1,
			.mode = 0644,
			.map = { .count = MEDIA_MAX_EXTENTS },
		},
	};
	uint8_t buf[MEDIA_ENTRY_BYTES];
	struct check c;
	uint64_t i;

	(void)state;
	for (i = 0; i < MEDIA_MAX_EXTENTS; i++)
		e.file.map.ext[i] = (struct media_extent){
			0, (100 + 4 * i) * MIB, 2 * MIB
		};
	for (i = 6; i < 15420; i++) {
		snprintf(e.file.path, sizeof(e.file.path), "f%u",
			 (unsigned int)i);
		e.seqnum = i;
		media_entry_encode(&e, buf);
		medium_store(&fs.log, log_entry_offset(i), buf, sizeof(buf));
	}
	medium_store64(&fs.log, MEDIA_HEADER_SEQ, i);
	medium_store64(&fs.log, MEDIA_HEADER_NEXT, i);
	assert_int_equal(check(&c), 0);
	assert_int_equal(errors, 15420 - 7);
	assert_int_equal(warnings, 1);
	/* The first of them is told after the log's being full */
	assert_string_equal(said[1], E7);
	check_free(&c);
}

/* A log that is shorter than the superblock says can't even be looked at */
static void cut(void **state)
{
	struct check c;

	(void)state;
	fs.log.len = 4096;
	famfs_set_sink(listen);
	errors = 0;
	warnings = 0;
	c = (struct check){ .fs = &fs, .name = "fs" };
	assert_int_equal(check_fs(&c), -ERANGE);
	famfs_set_sink(NULL);
	assert_int_equal(errors, 1);
	assert_string_equal(said[0],
			    "fs: can't check: Numerical result out of range");
	check_free(&c);
	fs.log.len = LOG_LEN;
}

/* Parts of what is left for files, the last with the rest */
static void buckets(void **state)
{
	static const uint32_t counts[] = { 1, 2, 3, 7, 64 };
	struct check_space s;
	struct check c;
	uint32_t dev, i, n;

	(void)state;
	assert_int_equal(check(&c), 0);
	for (dev = 0; dev < 2; dev++) {
		for (n = 0; n < ARRAY_SIZE(counts); n++) {
			uint64_t size = 0, free = 0;

			for (i = 0; i < counts[n]; i++) {
				check_bucket(&c, dev, i, counts[n], &s);
				size += s.size;
				free += s.free;
				assert_true(s.free <= s.size);
			}
			assert_int_equal(size, dev ? DEV1 - 2 * MIB
						   : CAPACITY - 10 * MIB);
			assert_int_equal(free, c.space[dev].free);
		}
	}
	/* 246 MiB in three parts of 82: all of what is used is in the first */
	check_bucket(&c, 0, 0, 3, &s);
	assert_int_equal(s.size, 82 * MIB);
	assert_int_equal(s.free, 74 * MIB);
	check_bucket(&c, 0, 1, 3, &s);
	assert_int_equal(s.free, 82 * MIB);
	/* A device that ends inside the log */
	c.devices.size[0] = 4 * MIB;
	check_bucket(&c, 0, 0, 2, &s);
	assert_int_equal(s.size, 0);
	assert_int_equal(s.free, 0);
	check_free(&c);
}

/* 40 free units, each by itself: a file can have 16 of them */
static void largest(void **state)
{
	struct check c;
	char path[16];
	uint64_t i;

	(void)state;
	for (i = 0; i < 40; i++) {
		snprintf(path, sizeof(path), "f%u", (unsigned int)i);
		add_file(path, 1, 24 * MIB + 4 * i * MIB, 2 * MIB);
	}
	add_file("rest", 1, 182 * MIB, CAPACITY - 182 * MIB);
	assert_int_equal(check(&c), 0);
	assert_int_equal(errors, 0);
	/* 16 to 20, 22, 26 and so on; and of device 1, 2 to 4 and 6 to 64 */
	assert_int_equal(c.largest, (58 + 4 + 14 * 2) * MIB);
	check_free(&c);
}

/* Devices of any size do not make sums that start over */
static void huge(void **state)
{
	struct media_entry e = { .type = MEDIA_DAXDEV };
	struct check c;
	uint32_t i;

	(void)state;
	for (i = 2; i < 6; i++) {
		e.daxdev = (struct media_daxdev){
			.size = INT64_MAX & ~4095ULL, .uuid = "huge ", .index = i
		};
		e.daxdev.uuid[5] = '0' + i;
		append(&e);
	}
	assert_int_equal(check(&c), 0);
	assert_int_equal(errors, 0);
	assert_int_equal(c.devices.count, 6);
	assert_true(c.free_bytes == UINT64_MAX);
	assert_true(c.largest == UINT64_MAX);
	check_free(&c);
}

/* --- a mount --------------------------------------------------------------- */

/* What the kernel would say of a file: by its name in the mount */
static struct {
	const char *path;
	uint64_t size;
	uint32_t type;
	uint32_t n;
	struct famfs_fmap_simple x[3];
} kernel[4];

int __wrap_kern_map_get(int fd, struct famfs_fmap_header **msg);

int __wrap_kern_map_get(int fd, struct famfs_fmap_header **msg)
{
	struct famfs_fmap_interleave *il;
	struct famfs_fmap_header *h;
	struct stat st, of;
	unsigned int i;

	assert_int_equal(fstat(fd, &st), 0);
	for (i = 0; i < ARRAY_SIZE(kernel); i++) {
		if (kernel[i].path &&
		    !fstatat(fs.root, kernel[i].path, &of, 0) &&
		    of.st_ino == st.st_ino)
			break;
	}
	if (i == ARRAY_SIZE(kernel))
		return -ENODATA;
	h = calloc(1, 4096);
	il = (void *)(h + 1);
	h->file_size = kernel[i].size;
	h->ext_type = kernel[i].type;
	h->nextents = kernel[i].n;
	if (h->ext_type == FAMFS_EXT_INTERLEAVE) {
		h->nextents = 1;
		il->nstrips = kernel[i].n;
		il->chunk_size = 2 * MIB;
		memcpy(il + 1, kernel[i].x, sizeof(kernel[i].x));
	} else {
		memcpy(il, kernel[i].x, sizeof(kernel[i].x));
	}
	*msg = h;
	return 0;
}

#define DIR_TEMPLATE	"/tmp/famfs-test-XXXXXX"

static char dir[sizeof(DIR_TEMPLATE)];

static void touch(const char *path)
{
	int fd = openat(fs.root, path, O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	close(fd);
}

static int mount_all(void **state)
{
	setup(state);
	strcpy(dir, DIR_TEMPLATE);
	assert_non_null(mkdtemp(dir));
	fs.root = open(dir, O_RDONLY | O_DIRECTORY);
	assert_true(fs.root >= 0);
	mkdirat(fs.root, ".meta", 0700);
	touch(".meta/.log");
	mkdirat(fs.root, "d", 0700);
	mkdirat(fs.root, "late", 0700);
	touch("d/a");
	touch("d/b");
	touch("il");
	memset(kernel, 0, sizeof(kernel));
	kernel[0].path = "d/a";
	kernel[0].size = 3000;
	kernel[0].n = 1;
	kernel[0].x[0] = (struct famfs_fmap_simple){ 0, 0, 10 * MIB, 2 * MIB };
	kernel[1].path = "d/b";
	kernel[1].size = 3 * MIB;
	kernel[1].n = 1;
	kernel[1].x[0] = (struct famfs_fmap_simple){ 0, 0, 12 * MIB, 4 * MIB };
	kernel[2].path = "il";
	kernel[2].size = 4 * MIB;
	kernel[2].type = FAMFS_EXT_INTERLEAVE;
	kernel[2].n = 2;
	kernel[2].x[0] = (struct famfs_fmap_simple){ 0, 0, 20 * MIB, 2 * MIB };
	kernel[2].x[1] = (struct famfs_fmap_simple){ 1, 0, 4 * MIB, 2 * MIB };
	return 0;
}

static int unmount(void **state)
{
	char cmd[64];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	assert_int_equal(system(cmd), 0);
	close(fs.root);
	return teardown(state);
}

/* Of the log and the mount together; the log's own problems have been told */
static void compare(struct check *c)
{
	assert_int_equal(check(c), 0);
	errors = 0;
	warnings = 0;
	famfs_set_sink(listen);
	assert_int_equal(check_mount(c), 0);
	check_print(c, CHECK_ALL);
	famfs_set_sink(NULL);
}

static void mount_same(void **state)
{
	struct check c;

	(void)state;
	compare(&c);
	assert_int_equal(errors + warnings, 0);
	check_free(&c);
	/* Two extents side by side are one to the kernel */
	put(&fs.log, log_entry_offset(2), &(struct edit){ 128, 4, 2 });
	put(&fs.log, log_entry_offset(2), &(struct edit){ 152, 8, 2 * MIB });
	put(&fs.log, log_entry_offset(2), &(struct edit){ 168, 8, 14 * MIB });
	put(&fs.log, log_entry_offset(2), &(struct edit){ 176, 8, 2 * MIB });
	seal(&fs.log, log_entry_offset(2), 536);
	compare(&c);
	assert_int_equal(errors + warnings, 0);
	check_free(&c);
}

static void one_differs(const char *what)
{
	struct check c;

	compare(&c);
	assert_int_equal(errors, 0);
	assert_int_equal(warnings, 1);
	assert_string_equal(said[0], what);
	check_free(&c);
}

static void one_missing(void)
{
	static const char text[] =
		"fs: mount differs: 1 of the log are not there yet; famfs logplay fs makes them";

	one_differs(text);
}

static void mount_differs(void **state)
{
	struct check c;

	(void)state;
	kernel[0].size = 4000;
	one_differs(E1 "d/a: mount differs: has 4000 bytes there, not 3000");
	kernel[0].size = 3000;
	kernel[1].x[0].offset = 14 * MIB;
	one_differs(E2 "d/b: mount differs: lies elsewhere there than the log says");
	kernel[1].x[0].offset = 12 * MIB;
	kernel[2].x[1].devindex = 0;
	one_differs(E4 "il: mount differs: lies elsewhere there than the log says");
	kernel[2].x[1].devindex = 1;
	kernel[2].type = FAMFS_EXT_SIMPLE;
	one_differs(E4 "il: mount differs: lies elsewhere there than the log says");
	kernel[2].type = FAMFS_EXT_INTERLEAVE;
	/* What a replay heals */
	kernel[2].path = NULL;
	one_missing();
	kernel[2].path = "il";
	assert_int_equal(unlinkat(fs.root, "il", 0), 0);
	one_missing();
	/* What it does not */
	assert_int_equal(symlinkat("d/a", fs.root, "il"), 0);
	one_differs(E4 "il: mount differs: is something else there");
	unlinkat(fs.root, "il", 0);
	mkdirat(fs.root, "il", 0700);
	one_differs(E4 "il: mount differs: is something else there");
	unlinkat(fs.root, "il", AT_REMOVEDIR);
	touch("il");
	touch("d/mine");
	one_differs("fs: d/mine: mount differs: is not in the log: no other host sees it");
	unlinkat(fs.root, "d/mine", 0);
	/* Below it there is nothing else, however much it is */
	mkdirat(fs.root, "d/mine", 0700);
	mkdirat(fs.root, "d/mine/below", 0700);
	touch("d/mine/below/f");
	one_differs("fs: d/mine: mount differs: is not in the log: no other host sees it");
	unlinkat(fs.root, "d/mine/below/f", 0);
	unlinkat(fs.root, "d/mine/below", AT_REMOVEDIR);
	unlinkat(fs.root, "d/mine", AT_REMOVEDIR);
	/* Of what is wrong in the log itself nothing more is said */
	unlinkat(fs.root, "il", 0);
	put(&fs.log, log_entry_offset(4), &(struct edit){ 184, 8, DEV1 });
	seal(&fs.log, log_entry_offset(4), 536);
	compare(&c);
	assert_int_equal(errors, 1);
	assert_int_equal(warnings, 0);
	check_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(good, setup, teardown),
		cmocka_unit_test_setup_teardown(each, setup, teardown),
		cmocka_unit_test_setup_teardown(several, setup, teardown),
		cmocka_unit_test_setup_teardown(all_faults, setup, teardown),
		cmocka_unit_test_setup_teardown(full, setup, teardown),
		cmocka_unit_test_setup_teardown(crowded, setup, teardown),
		cmocka_unit_test_setup_teardown(cut, setup, teardown),
		cmocka_unit_test_setup_teardown(buckets, setup, teardown),
		cmocka_unit_test_setup_teardown(largest, setup, teardown),
		cmocka_unit_test_setup_teardown(huge, setup, teardown),
		cmocka_unit_test_setup_teardown(mount_same, mount_all, unmount),
		cmocka_unit_test_setup_teardown(mount_differs, mount_all,
						unmount),
	};

	return cmocka_run_group_tests_name("check", tests, NULL, NULL);
}
