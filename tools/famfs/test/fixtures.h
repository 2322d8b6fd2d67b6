/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Media, byte for byte, put down by hand from the table of the format and not
 * by the codec. The checksums were computed with another program. All bytes
 * that are not named are 0.
 */
#ifndef FAMFS_FIXTURES_H
#define FAMFS_FIXTURES_H

#include <stdint.h>
#include <string.h>

struct bytes {
	unsigned int off;
	unsigned int len;
	const char *data;
};

#define AT(off, data)	{ off, sizeof(data) - 1, data }
#define END		{ 0, 0, NULL }

static inline void lay(uint8_t *buf, size_t size, const struct bytes *b)
{
	memset(buf, 0, size);
	for (; b->data; b++)
		memcpy(buf + b->off, b->data, b->len);
}

static const struct bytes fix_super[] = {
	AT(0, "\xff\x82\xb2\x87"),		/* magic */
	AT(8, "\x30"),				/* version 48 */
	AT(16, "\x00\x00\x20"),			/* log at 2 MiB */
	AT(24, "\x00\x00\x80"),			/* of 8 MiB */
	AT(32, "\x00\x00\x20"),			/* allocation unit 2 MiB */
	AT(40, "\x02"),				/* OMF 2.2 */
	AT(44, "\x02"),
	AT(48, "\x10\x11\x12\x13\x14\x15\x16\x17"
	       "\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f"),
	AT(64, "\x20\x21\x22\x23\x24\x25\x26\x27"
	       "\x28\x29\x2a\x2b\x2c\x2d\x2e\x2f"),
	AT(80, "\x30\x31\x32\x33\x34\x35\x36\x37"
	       "\x38\x39\x3a\x3b\x3c\x3d\x3e\x3f"),
	AT(96, "\x29\x81\x4a\x19"),		/* crc */
	AT(104, "\x01"),			/* primary */
	AT(112, "\x00\x00\x00\x10"),		/* 256 MiB */
	AT(120, "\x20\x21\x22\x23\x24\x25\x26\x27"
		"\x28\x29\x2a\x2b\x2c\x2d\x2e\x2f"),
	AT(136, "/dev/dax0.0"),
	END
};

static const struct bytes fix_header[] = {
	AT(0, "\x0d\xf0\xfe\xca\xad\x0b"),	/* magic */
	AT(8, "\x00\x00\x80"),			/* 8 MiB */
	AT(16, "\x3b\x3c"),			/* last index 15419 */
	AT(24, "\x78\x50\x87\xa5"),		/* crc */
	AT(32, "\x07"),				/* next number and index */
	AT(40, "\x07"),
	END
};

/* Entry 3: file d/f, read-write everywhere, two extents */
static const struct bytes fix_file[] = {
	AT(0, "\x03"),
	AT(16, "\x01\x00\x30"),			/* 3 MiB and a byte */
	AT(24, "\x02"),				/* flags */
	AT(28, "\xe8\x03"),			/* uid 1000 */
	AT(32, "\xe9\x03"),			/* gid 1001 */
	AT(36, "\xa4\x01"),			/* 0644 */
	AT(40, "d/f"),
	AT(128, "\x02"),			/* two extents */
	AT(144, "\x00\x00\xa0"),		/* at 10 MiB */
	AT(152, "\x00\x00\x20"),		/* 2 MiB */
	AT(168, "\x00\x00\x00\x01"),		/* at 16 MiB */
	AT(176, "\x00\x00\x20"),		/* 2 MiB */
	AT(536, "\xdf\x72\x11\xda"),
	END
};

/* Entry 4: file il, two strips on two devices, chunks of 8 KiB */
static const struct bytes fix_striped[] = {
	AT(0, "\x04"),
	AT(16, "\x01\x50"),			/* 20481 bytes: 3 chunks */
	AT(36, "\xa4\x81"),			/* a file, 0644 */
	AT(40, "il"),
	AT(120, "\x01"),			/* interleaved */
	AT(128, "\x01"),			/* one of it */
	AT(136, "\x02"),			/* strips */
	AT(144, "\x00\x20"),			/* chunk size */
	AT(160, "\x00\x00\xa0"),		/* device 0 at 10 MiB */
	AT(168, "\x00\x40"),			/* 16 KiB: chunks 0 and 2 */
	AT(176, "\x01"),			/* device 1 */
	AT(184, "\x00\x00\xa0"),
	AT(192, "\x00\x20"),			/* 8 KiB: chunk 1 */
	AT(536, "\x8f\x83\x9a\xe5"),
	END
};

/* Entry 5: directory dir */
static const struct bytes fix_dir[] = {
	AT(0, "\x05"),
	AT(8, "\x01"),
	AT(16, "\x01\x02\x03\x04"),		/* uid 0x04030201 */
	AT(20, "\x05"),				/* gid 5 */
	AT(24, "\xed\x41"),			/* a directory, 0755 */
	AT(28, "dir"),
	AT(536, "\xcf\x5b\x33\x9e"),
	END
};

/* Entry 6: device 1 of 1 GiB */
static const struct bytes fix_daxdev[] = {
	AT(0, "\x06"),
	AT(8, "\x03"),
	AT(16, "\x00\x00\x00\x40"),
	AT(24, "\x40\x41\x42\x43\x44\x45\x46\x47"
	       "\x48\x49\x4a\x4b\x4c\x4d\x4e\x4f"),
	AT(40, "\x01"),
	AT(536, "\xef\x62\x18\x3f"),
	END
};

#endif /* FAMFS_FIXTURES_H */
