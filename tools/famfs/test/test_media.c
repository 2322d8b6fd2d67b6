// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The codec: against media written by hand, against each thing that the format
 * forbids, and against every single byte of a good medium turned over.
 */
#include <sys/stat.h>
#include <zlib.h>

#include "test.h"

#include "fixtures.h"
#include "media.h"

#define MIB		0x100000ULL

static void set_le(uint8_t *p, uint64_t v, int bytes)
{
	while (bytes--) {
		*p++ = v;
		v >>= 8;
	}
}

static void seal(uint8_t *buf, unsigned int at)
{
	set_le(buf + at, crc32(0, buf, at), 8);
}

static enum media_err super(const uint8_t *buf)
{
	struct media_super sb;

	return media_super_decode(&sb, buf);
}

static enum media_err header(const uint8_t *buf)
{
	struct media_log log;

	return media_log_decode(&log, 8 * MIB, buf);
}

static enum media_err entry(const uint8_t *buf)
{
	struct media_entry e;

	return media_entry_decode(&e, buf[0], buf);
}

static void super_fields(void **state)
{
	uint8_t buf[MEDIA_SB_BYTES], again[MEDIA_SB_BYTES];
	struct media_super sb;
	int i;

	(void)state;
	lay(buf, sizeof(buf), fix_super);
	assert_int_equal(media_super_decode(&sb, buf), MEDIA_OK);
	assert_int_equal(sb.version, 48);
	assert_int_equal(sb.log_offset, 2 * MIB);
	assert_int_equal(sb.log_len, 8 * MIB);
	assert_int_equal(sb.alloc_unit, 2 * MIB);
	assert_int_equal(sb.omf_major, 2);
	assert_int_equal(sb.omf_minor, 2);
	assert_int_equal(sb.flags, 1);
	assert_int_equal(sb.dev_size, 256 * MIB);
	assert_string_equal(sb.dev_path, "/dev/dax0.0");
	for (i = 0; i < 16; i++) {
		assert_int_equal(sb.fs_uuid[i], 0x10 + i);
		assert_int_equal(sb.dev_uuid[i], 0x20 + i);
		assert_int_equal(sb.system_uuid[i], 0x30 + i);
		assert_int_equal(sb.slot_uuid[i], 0x20 + i);
	}
	memset(again, 0xaa, sizeof(again));
	media_super_encode(&sb, again);
	assert_memory_equal(buf, again, sizeof(buf));
}

static void super_old_version(void **state)
{
	uint8_t buf[MEDIA_SB_BYTES];

	(void)state;
	lay(buf, sizeof(buf), fix_super);
	buf[8] = 47;
	seal(buf, 96);
	assert_int_equal(super(buf), MEDIA_ERR_OMF);
	buf[44] = 1;
	memcpy(buf + 96, "\x6c\xa3\x8e\x70\0\0\0\0", 8);
	assert_int_equal(super(buf), MEDIA_OK);
}

static void super_refusals(void **state)
{
	static const struct {
		unsigned int off;
		uint64_t value;
		enum media_err err;
	} bad[] = {
		{ 0, 0x87b282fe, MEDIA_ERR_MAGIC },
		{ 0, 0x187b282ff, MEDIA_ERR_MAGIC },
		{ 8, 46, MEDIA_ERR_VERSION },
		{ 8, 49, MEDIA_ERR_VERSION },
		{ 16, 0, MEDIA_ERR_LOG_OFFSET },
		{ 16, 4 * MIB, MEDIA_ERR_LOG_OFFSET },
		{ 24, 0, MEDIA_ERR_LOG_LEN },
		{ 24, 4 * MIB, MEDIA_ERR_LOG_LEN },
		{ 24, 12 * MIB, MEDIA_ERR_LOG_LEN },
		{ 24, 1ULL << 63, MEDIA_ERR_LOG_LEN },
		{ 24, 256 * MIB, MEDIA_ERR_DEV_SIZE },
		{ 32, 0, MEDIA_ERR_UNIT },
		{ 32, 1 * MIB, MEDIA_ERR_UNIT },
		{ 40, 0x200000003, MEDIA_ERR_OMF },
		{ 40, 0x300000002, MEDIA_ERR_OMF },
		{ 40, 0x100000002, MEDIA_ERR_OMF },
		{ 112, 0, MEDIA_ERR_DEV_SIZE },
		{ 112, 12 * MIB - 4096, MEDIA_ERR_DEV_SIZE },
		{ 112, 12 * MIB, MEDIA_OK },
		{ 112, 12 * MIB + 1, MEDIA_ERR_DEV_SIZE },
		{ 112, UINT64_MAX, MEDIA_ERR_DEV_SIZE },
	};
	uint8_t buf[MEDIA_SB_BYTES];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		lay(buf, sizeof(buf), fix_super);
		set_le(buf + bad[i].off, bad[i].value, 8);
		seal(buf, 96);
		assert_int_equal(super(buf), bad[i].err);
	}
	lay(buf, sizeof(buf), fix_super);
	memset(buf + 136, 'x', 64);
	assert_int_equal(super(buf), MEDIA_ERR_DEV_PATH);
	/* A crc that is right in its low half only */
	lay(buf, sizeof(buf), fix_super);
	buf[100] = 1;
	assert_int_equal(super(buf), MEDIA_ERR_CRC);
}

static void super_flips(void **state)
{
	uint8_t buf[MEDIA_SB_BYTES];
	int i, bit;

	(void)state;
	for (i = 0; i < MEDIA_SB_BYTES; i++) {
		for (bit = 0; bit < 8; bit++) {
			lay(buf, sizeof(buf), fix_super);
			buf[i] ^= 1 << bit;
			if (i < 104)
				assert_int_not_equal(super(buf), MEDIA_OK);
			else	/* no checksum there: it must just not crash */
				super(buf);
		}
	}
}

static void header_fields(void **state)
{
	uint8_t buf[MEDIA_HEADER_BYTES], again[MEDIA_HEADER_BYTES];
	struct media_log log;

	(void)state;
	lay(buf, sizeof(buf), fix_header);
	assert_int_equal(media_log_decode(&log, 8 * MIB, buf), MEDIA_OK);
	assert_int_equal(log.len, 8 * MIB);
	assert_int_equal(log.last_index, 15419);
	assert_int_equal(log.next_seqnum, 7);
	assert_int_equal(log.next_index, 7);
	memset(again, 0xaa, sizeof(again));
	media_log_encode(&log, again);
	assert_memory_equal(buf, again, sizeof(buf));

	assert_int_equal(media_log_capacity(8 * MIB), 15420);
	assert_int_equal(media_log_capacity(47), 0);
	assert_int_equal(media_log_capacity(48 + 544), 1);
	assert_int_equal(media_log_capacity(48 + 543), 0);
}

static void header_refusals(void **state)
{
	static const struct {
		unsigned int off;
		uint64_t value;
		enum media_err err;
	} bad[] = {
		{ 0, 0xbadcafef00e, MEDIA_ERR_LOG_MAGIC },
		{ 8, 16 * MIB, MEDIA_ERR_LOG_DIFFERS },
		{ 8, 0, MEDIA_ERR_LOG_DIFFERS },
		{ 16, 15420, MEDIA_ERR_LOG_LAST },
		{ 16, UINT64_MAX, MEDIA_ERR_LOG_LAST },
		{ 40, 15421, MEDIA_ERR_LOG_NEXT },
		{ 40, UINT64_MAX, MEDIA_ERR_LOG_NEXT },
		{ 32, 8, MEDIA_OK },	/* an append that was cut off */
		{ 32, 9, MEDIA_ERR_LOG_SEQ },
		{ 32, 6, MEDIA_ERR_LOG_SEQ },
		{ 40, 6, MEDIA_OK },
		{ 40, 8, MEDIA_ERR_LOG_SEQ },
	};
	uint8_t buf[MEDIA_HEADER_BYTES];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		lay(buf, sizeof(buf), fix_header);
		set_le(buf + bad[i].off, bad[i].value, 8);
		seal(buf, 24);
		assert_int_equal(header(buf), bad[i].err);
	}
	/* The last place may be taken, and then the log is full, not bad */
	lay(buf, sizeof(buf), fix_header);
	set_le(buf + 32, 15420, 8);
	set_le(buf + 40, 15420, 8);
	assert_int_equal(header(buf), MEDIA_OK);
	/* Another length than the superblock's, itself consistent */
	lay(buf, sizeof(buf), fix_header);
	set_le(buf + 8, 16 * MIB, 8);
	set_le(buf + 16, (16 * MIB - 48) / 544 - 1, 8);
	seal(buf, 24);
	assert_int_equal(header(buf), MEDIA_ERR_LOG_DIFFERS);
}

static void header_flips(void **state)
{
	uint8_t buf[MEDIA_HEADER_BYTES];
	int i, bit;

	(void)state;
	for (i = 0; i < MEDIA_HEADER_BYTES; i++) {
		for (bit = 0; bit < 8; bit++) {
			lay(buf, sizeof(buf), fix_header);
			buf[i] ^= 1 << bit;
			/* 7 to 6 in the index is an append cut off: legal */
			if (i == MEDIA_HEADER_NEXT && bit == 0)
				continue;
			assert_int_not_equal(header(buf), MEDIA_OK);
		}
	}
}

static void check_again(const struct media_entry *e, const uint8_t *buf)
{
	uint8_t again[MEDIA_ENTRY_BYTES];

	memset(again, 0xaa, sizeof(again));
	media_entry_encode(e, again);
	assert_memory_equal(buf, again, sizeof(again));
}

static void entry_fields(void **state)
{
	uint8_t buf[MEDIA_ENTRY_BYTES];
	struct media_entry e;

	(void)state;
	lay(buf, sizeof(buf), fix_file);
	assert_int_equal(media_entry_decode(&e, 3, buf), MEDIA_OK);
	assert_int_equal(e.type, MEDIA_FILE);
	assert_int_equal(e.file.size, 3 * MIB + 1);
	assert_int_equal(e.file.flags, MEDIA_FILE_ALL_RW);
	assert_int_equal(e.file.uid, 1000);
	assert_int_equal(e.file.gid, 1001);
	assert_int_equal(e.file.mode, 0644);
	assert_string_equal(e.file.path, "d/f");
	assert_int_equal(e.file.map.type, MEDIA_SIMPLE);
	assert_int_equal(e.file.map.count, 2);
	assert_int_equal(e.file.map.ext[1].offset, 16 * MIB);
	assert_int_equal(e.file.map.ext[1].len, 2 * MIB);
	assert_string_equal(media_entry_path(&e), "d/f");
	check_again(&e, buf);

	lay(buf, sizeof(buf), fix_striped);
	assert_int_equal(media_entry_decode(&e, 4, buf), MEDIA_OK);
	assert_int_equal(e.file.map.type, MEDIA_INTERLEAVED);
	assert_int_equal(e.file.map.count, 2);
	assert_int_equal(e.file.map.chunk_size, 8192);
	assert_int_equal(e.file.map.ext[1].dev, 1);
	assert_int_equal(e.file.map.ext[1].offset, 10 * MIB);
	assert_int_equal(e.file.mode, S_IFREG | 0644);
	check_again(&e, buf);

	lay(buf, sizeof(buf), fix_dir);
	assert_int_equal(media_entry_decode(&e, 5, buf), MEDIA_OK);
	assert_int_equal(e.type, MEDIA_MKDIR);
	assert_int_equal(e.dir.uid, 0x04030201);
	assert_int_equal(e.dir.gid, 5);
	assert_int_equal(e.dir.mode, S_IFDIR | 0755);
	assert_string_equal(media_entry_path(&e), "dir");
	check_again(&e, buf);

	lay(buf, sizeof(buf), fix_daxdev);
	assert_int_equal(media_entry_decode(&e, 6, buf), MEDIA_OK);
	assert_int_equal(e.daxdev.size, 1024 * MIB);
	assert_int_equal(e.daxdev.uuid[15], 0x4f);
	assert_int_equal(e.daxdev.index, 1);
	assert_null(media_entry_path(&e));
	check_again(&e, buf);
}

struct bad_entry {
	const struct bytes *base;
	unsigned int off;
	int bytes;
	uint64_t value;
	enum media_err err;
};

static const struct bad_entry bad_entries[] = {
	{ fix_file, 8, 4, 2, MEDIA_ERR_ENTRY_TYPE },
	{ fix_file, 8, 4, 4, MEDIA_ERR_ENTRY_TYPE },
	{ fix_file, 8, 4, UINT32_MAX, MEDIA_ERR_ENTRY_TYPE },
	{ fix_file, 16, 8, 0, MEDIA_ERR_FILE_SIZE },
	{ fix_file, 16, 8, 1ULL << 63, MEDIA_ERR_FILE_SIZE },
	{ fix_file, 16, 8, UINT64_MAX, MEDIA_ERR_FILE_SIZE },
	{ fix_file, 16, 8, 4 * MIB, MEDIA_OK },
	{ fix_file, 16, 8, 4 * MIB + 1, MEDIA_ERR_EXT_SHORT },
	{ fix_file, 16, 8, INT64_MAX, MEDIA_ERR_EXT_SHORT },
	{ fix_file, 24, 4, 3, MEDIA_ERR_FILE_FLAGS },
	{ fix_file, 24, 4, 4, MEDIA_ERR_FILE_FLAGS },
	{ fix_file, 36, 4, S_IFDIR | 0644, MEDIA_ERR_MODE },
	{ fix_file, 36, 4, 0x10000, MEDIA_ERR_MODE },
	{ fix_file, 36, 4, S_IFREG | 04755, MEDIA_OK },
	{ fix_file, 40, 1, 0, MEDIA_ERR_PATH_EMPTY },
	{ fix_file, 40, 1, '/', MEDIA_ERR_PATH_ABSOLUTE },
	{ fix_file, 120, 4, 2, MEDIA_ERR_EXT_TYPE },
	{ fix_file, 128, 4, 0, MEDIA_ERR_EXT_COUNT },
	{ fix_file, 128, 4, 17, MEDIA_ERR_EXT_COUNT },
	{ fix_file, 128, 4, UINT32_MAX, MEDIA_ERR_EXT_COUNT },
	{ fix_file, 128, 4, 1, MEDIA_ERR_EXT_SHORT },
	{ fix_file, 128, 4, 3, MEDIA_ERR_EXT_ALIGN },
	{ fix_file, 136, 8, 64, MEDIA_ERR_EXT_DEV },
	{ fix_file, 136, 8, 1ULL << 32, MEDIA_ERR_EXT_DEV },
	{ fix_file, 144, 8, 10 * MIB + 512, MEDIA_ERR_EXT_ALIGN },
	{ fix_file, 144, 8, 16 * MIB, MEDIA_ERR_EXT_OVERLAP },
	{ fix_file, 144, 8, 14 * MIB + 4096, MEDIA_ERR_EXT_OVERLAP },
	{ fix_file, 144, 8, 14 * MIB, MEDIA_OK },
	{ fix_file, 144, 8, 1ULL << 63, MEDIA_ERR_EXT_OVERFLOW },
	{ fix_file, 144, 8, UINT64_MAX - 4095, MEDIA_ERR_EXT_OVERFLOW },
	{ fix_file, 144, 8, INT64_MAX - 4095, MEDIA_ERR_EXT_OVERFLOW },
	{ fix_file, 152, 8, 0, MEDIA_ERR_EXT_ALIGN },
	{ fix_file, 152, 8, 2 * MIB + 1, MEDIA_ERR_EXT_ALIGN },
	{ fix_file, 152, 8, UINT64_MAX - 4095, MEDIA_ERR_EXT_OVERFLOW },
	{ fix_striped, 128, 4, 0, MEDIA_ERR_EXT_COUNT },
	{ fix_striped, 128, 4, 2, MEDIA_ERR_EXT_COUNT },
	{ fix_striped, 136, 8, 0, MEDIA_ERR_EXT_COUNT },
	{ fix_striped, 136, 8, 17, MEDIA_ERR_EXT_COUNT },
	{ fix_striped, 136, 8, (1ULL << 32) + 2, MEDIA_ERR_EXT_COUNT },
	{ fix_striped, 144, 8, 0, MEDIA_ERR_CHUNK },
	{ fix_striped, 144, 8, 8191, MEDIA_ERR_CHUNK },
	{ fix_striped, 144, 8, (1ULL << 32) + 8192, MEDIA_ERR_CHUNK },
	{ fix_striped, 144, 8, 16384, MEDIA_OK },
	{ fix_striped, 144, 8, 4096, MEDIA_ERR_EXT_SHORT },
	{ fix_striped, 168, 8, 12288, MEDIA_ERR_EXT_SHORT },
	{ fix_striped, 192, 8, 4096, MEDIA_ERR_EXT_SHORT },
	/* 20480 bytes: the third chunk is half empty, and need not be whole */
	{ fix_striped, 16, 8, 20480, MEDIA_OK },
	{ fix_striped, 176, 8, 0, MEDIA_ERR_EXT_OVERLAP },
	{ fix_dir, 24, 4, S_IFREG | 0755, MEDIA_ERR_MODE },
	{ fix_dir, 28, 1, 0, MEDIA_ERR_PATH_EMPTY },
	{ fix_daxdev, 16, 8, 0, MEDIA_ERR_DAXDEV },
	{ fix_daxdev, 16, 8, UINT64_MAX, MEDIA_ERR_DAXDEV },
	{ fix_daxdev, 40, 4, 0, MEDIA_ERR_DAXDEV },
	{ fix_daxdev, 40, 4, 64, MEDIA_ERR_DAXDEV },
};

static void entry_refusals(void **state)
{
	uint8_t buf[MEDIA_ENTRY_BYTES];
	struct media_entry e;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad_entries); i++) {
		const struct bad_entry *b = &bad_entries[i];

		lay(buf, sizeof(buf), b->base);
		set_le(buf + b->off, b->value, b->bytes);
		seal(buf, 536);
		assert_int_equal(entry(buf), b->err);
	}
	lay(buf, sizeof(buf), fix_dir);
	assert_int_equal(media_entry_decode(&e, 4, buf), MEDIA_ERR_ENTRY_SEQ);
	assert_int_equal(media_entry_decode(&e, 6, buf), MEDIA_ERR_ENTRY_SEQ);
	/* All of the path's bytes in use, so that no NUL ends it */
	memset(buf + 28, 'x', 80);
	seal(buf, 536);
	assert_int_equal(entry(buf), MEDIA_ERR_PATH_OPEN);
	buf[28 + 79] = 0;
	seal(buf, 536);
	assert_int_equal(entry(buf), MEDIA_OK);
}

static void strip_tail(void **state)
{
	uint8_t buf[MEDIA_ENTRY_BYTES];

	(void)state;
	/* Half of the last chunk in use, and a strip that ends there */
	lay(buf, sizeof(buf), fix_striped);
	set_le(buf + 16, 20480, 8);
	set_le(buf + 168, 12288, 8);
	seal(buf, 536);
	assert_int_equal(entry(buf), MEDIA_OK);
	set_le(buf + 16, 20481, 8);
	seal(buf, 536);
	assert_int_equal(entry(buf), MEDIA_ERR_EXT_SHORT);
}

static void entry_flips(void **state)
{
	static const struct bytes * const all[] = {
		fix_file, fix_striped, fix_dir, fix_daxdev,
	};
	uint8_t buf[MEDIA_ENTRY_BYTES];
	struct media_entry e;
	int i, bit, rc;
	size_t k;

	(void)state;
	for (k = 0; k < ARRAY_SIZE(all); k++) {
		for (i = 0; i < MEDIA_ENTRY_BYTES; i++) {
			for (bit = 0; bit < 8; bit++) {
				lay(buf, sizeof(buf), all[k]);
				buf[i] ^= 1 << bit;
				rc = media_entry_decode(&e, 3 + k, buf);
				assert_int_not_equal(MEDIA_OK, rc);
			}
		}
	}
}

static void entry_noise(void **state)
{
	uint64_t seed = 0x1234567;
	uint8_t buf[MEDIA_ENTRY_BYTES];
	struct media_entry e;
	int i, k;

	(void)state;
	/* Random bytes under a good checksum: for the sanitizers to look at */
	for (i = 0; i < 20000; i++) {
		lay(buf, sizeof(buf), i & 1 ? fix_striped : fix_file);
		for (k = 0; k < 4; k++)
			buf[8 + test_random(&seed) % 200] = test_random(&seed);
		seal(buf, 536);
		if (media_entry_decode(&e, buf[0], buf) == MEDIA_OK &&
		    media_entry_path(&e))
			assert_true(strlen(media_entry_path(&e)) > 0);
	}
}

/* Strip lengths against a walk over every chunk */
static void strips_model(void **state)
{
	uint64_t seed = 0xfeedface;
	int i;

	(void)state;
	for (i = 0; i < 20000; i++) {
		struct media_map map = { .type = MEDIA_INTERLEAVED };
		uint64_t need[MEDIA_MAX_EXTENTS] = { 0 };
		uint64_t size, at, k;
		bool fits = true;

		map.count = 1 + test_random(&seed) % 5;
		map.chunk_size = 4096 * (1 + test_random(&seed) % 3);
		size = 1 + test_random(&seed) % (64 * 1024);
		for (at = 0, k = 0; at < size; at += map.chunk_size, k++) {
			uint64_t len = size - at < map.chunk_size
				       ? (size - at + 4095) & ~4095ULL
				       : map.chunk_size;

			need[k % map.count] = k / map.count * map.chunk_size +
					      len;
		}
		for (k = 0; k < map.count; k++) {
			map.ext[k].dev = k;
			map.ext[k].len = 4096 *
				(1 + test_random(&seed) % 20);
			if (map.ext[k].len < need[k])
				fits = false;
		}
		assert_int_equal(media_map_covers(&map, size),
				 fits ? MEDIA_OK : MEDIA_ERR_EXT_SHORT);
	}
}

static void map_fits(void **state)
{
	const struct media_super sb = {
		.log_offset = 2 * MIB,
		.log_len = 8 * MIB,
	};
	struct media_devices d = { .count = 4, .size = { 12 * MIB, 4 * MIB } };
	struct media_map map = {
		.count = 1,
		.ext = { { 0, 10 * MIB, 4096 } },
	};

	(void)state;
	d.size[3] = 3 * MIB;
	assert_int_equal(media_map_fits(&map, &sb, &d), MEDIA_OK);
	map.ext[0].offset = 10 * MIB - 4096;
	assert_int_equal(media_map_fits(&map, &sb, &d), MEDIA_ERR_EXT_SUPER);
	map.ext[0].offset = 0;
	assert_int_equal(media_map_fits(&map, &sb, &d), MEDIA_ERR_EXT_SUPER);
	map.ext[0].offset = 12 * MIB - 4096;
	assert_int_equal(media_map_fits(&map, &sb, &d), MEDIA_OK);
	map.ext[0].len = 8192;
	assert_int_equal(media_map_fits(&map, &sb, &d), MEDIA_ERR_EXT_PAST_END);

	/* Further devices have a superblock and no log */
	map.ext[0] = (struct media_extent){ 1, 2 * MIB, 2 * MIB };
	assert_int_equal(media_map_fits(&map, &sb, &d), MEDIA_OK);
	map.ext[0].offset -= 4096;
	assert_int_equal(media_map_fits(&map, &sb, &d), MEDIA_ERR_EXT_SUPER);
	map.ext[0].offset += 8192;
	assert_int_equal(media_map_fits(&map, &sb, &d), MEDIA_ERR_EXT_PAST_END);
	map.count = 2;
	map.ext[0] = (struct media_extent){ 0, 10 * MIB, 4096 };
	map.ext[1] = (struct media_extent){ 3, 2 * MIB, MIB };
	assert_int_equal(media_map_fits(&map, &sb, &d), MEDIA_OK);
	map.ext[1].dev = 2;
	assert_int_equal(media_map_fits(&map, &sb, &d), MEDIA_ERR_EXT_NO_DEV);
	map.ext[1].dev = 4;
	assert_int_equal(media_map_fits(&map, &sb, &d), MEDIA_ERR_EXT_NO_DEV);
}

static void devices(void **state)
{
	struct media_super sb = { .dev_uuid = { 1 } };
	struct media_devices d;
	struct media_daxdev e = { .size = MIB, .uuid = { 1 }, .index = 1 };

	(void)state;
	media_devices_init(&d, &sb, 12 * MIB);
	assert_int_equal(d.count, 1);
	assert_int_equal(d.size[0], 12 * MIB);
	assert_int_equal(media_devices_add(&d, &e), MEDIA_ERR_DAXDEV_TWICE);
	e.uuid[0] = 2;
	e.index = 0;
	assert_int_equal(media_devices_add(&d, &e), MEDIA_ERR_DAXDEV_TAKEN);
	assert_int_equal(d.count, 1);
	e.index = 1;
	assert_int_equal(media_devices_add(&d, &e), MEDIA_OK);
	assert_int_equal(d.count, 2);
	assert_int_equal(d.size[1], MIB);
	assert_int_equal(media_devices_add(&d, &e), MEDIA_ERR_DAXDEV_TAKEN);
	e.index = 2;
	assert_int_equal(media_devices_add(&d, &e), MEDIA_ERR_DAXDEV_TWICE);
	assert_int_equal(d.count, 2);
	/* Past the next: told, and taken in; and the gap can be filled */
	e.uuid[0] = 3;
	e.index = 63;
	assert_int_equal(media_devices_add(&d, &e), MEDIA_ERR_DAXDEV_NEXT);
	assert_int_equal(d.count, 64);
	assert_int_equal(d.size[63], MIB);
	assert_int_equal(d.size[62], 0);
	e.uuid[0] = 4;
	e.index = 62;
	assert_int_equal(media_devices_add(&d, &e), MEDIA_ERR_DAXDEV_NEXT);
	assert_int_equal(d.count, 64);
	assert_int_equal(d.size[62], MIB);
}

static void super_secondary(void **state)
{
	uint8_t buf[MEDIA_SB_BYTES];
	struct media_super sb;

	(void)state;
	lay(buf, sizeof(buf), fix_super);
	assert_int_equal(media_super_decode(&sb, buf), MEDIA_OK);
	/* Superblock and one unit; the first device holds the log besides */
	sb.dev_size = 4 * MIB;
	sb.flags = 0;
	media_super_encode(&sb, buf);
	assert_int_equal(super(buf), MEDIA_ERR_DEV_SIZE);
	sb.flags = MEDIA_SB_PRIMARY;
	media_super_encode(&sb, buf);
	assert_int_equal(super(buf), MEDIA_ERR_DEV_SIZE);
	sb.flags = MEDIA_SB_SECONDARY;
	media_super_encode(&sb, buf);
	assert_int_equal(super(buf), MEDIA_OK);
	sb.dev_size -= 4096;
	media_super_encode(&sb, buf);
	assert_int_equal(super(buf), MEDIA_ERR_DEV_SIZE);
	sb.flags = MEDIA_SB_PRIMARY | MEDIA_SB_SECONDARY;
	sb.dev_size = 256 * MIB;
	media_super_encode(&sb, buf);
	assert_int_equal(super(buf), MEDIA_ERR_SB_FLAGS);
	/* Bits without a name mean nothing here */
	sb.flags = MEDIA_SB_PRIMARY | 0xfffffffc;
	media_super_encode(&sb, buf);
	assert_int_equal(super(buf), MEDIA_OK);
}

static void paths(void **state)
{
	static const struct {
		const char *in;
		const char *out;	/* NULL where it is refused */
		enum media_err err;
	} t[] = {
		{ "a", "a" },
		{ "a/b", "a/b" },
		{ "a//b///c/", "a/b/c" },
		{ "./a/./b/.", "a/b" },
		{ "...", "..." },
		{ "..a/b..", "..a/b.." },
		{ ".metadata/x", ".metadata/x" },
		{ "x/.meta", "x/.meta" },
		{ "", NULL, MEDIA_ERR_PATH_EMPTY },
		{ ".", NULL, MEDIA_ERR_PATH_EMPTY },
		{ "././/", NULL, MEDIA_ERR_PATH_EMPTY },
		{ "/", NULL, MEDIA_ERR_PATH_ABSOLUTE },
		{ "/a", NULL, MEDIA_ERR_PATH_ABSOLUTE },
		{ "..", NULL, MEDIA_ERR_PATH_DOTDOT },
		{ "../a", NULL, MEDIA_ERR_PATH_DOTDOT },
		{ "a/..", NULL, MEDIA_ERR_PATH_DOTDOT },
		{ "a/../b", NULL, MEDIA_ERR_PATH_DOTDOT },
		{ "a//..//b", NULL, MEDIA_ERR_PATH_DOTDOT },
		{ ".meta", NULL, MEDIA_ERR_PATH_META },
		{ ".meta/.log", NULL, MEDIA_ERR_PATH_META },
		{ "./.meta//x", NULL, MEDIA_ERR_PATH_META },
	};
	char path[MEDIA_PATH_SIZE];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		memset(path, 'z', sizeof(path));
		snprintf(path, sizeof(path), "%s", t[i].in);
		assert_int_equal(media_path_normalise(path), t[i].err);
		if (t[i].out)
			assert_string_equal(path, t[i].out);
	}
}

static void messages(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < MEDIA_ERR_COUNT; i++) {
		assert_non_null(media_strerror(i));
		assert_string_not_equal(media_strerror(i), "unknown error");
	}
	assert_string_equal(media_strerror(MEDIA_ERR_COUNT), "unknown error");
	assert_string_equal(media_strerror(-1), "unknown error");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(super_fields),
		CASE(super_old_version),
		CASE(super_refusals),
		CASE(super_flips),
		CASE(header_fields),
		CASE(header_refusals),
		CASE(header_flips),
		CASE(entry_fields),
		CASE(entry_refusals),
		CASE(strip_tail),
		CASE(entry_flips),
		CASE(entry_noise),
		CASE(strips_model),
		CASE(map_fits),
		CASE(devices),
		CASE(super_secondary),
		CASE(paths),
		CASE(messages),
	};

	return cmocka_run_group_tests_name("media", tests, NULL, NULL);
}
