/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The media format: what the superblock, the log header and the log entries
 * mean, apart from how they lie in memory. The decoders refuse whatever the
 * format does not allow, so that what they hand out needs no second look.
 */
#ifndef FAMFS_MEDIA_H
#define FAMFS_MEDIA_H

#include <stdbool.h>
#include <stdint.h>

#define MEDIA_PAGE		4096ULL
#define MEDIA_SB_LEN		0x200000ULL	/* set aside at offset 0 */
#define MEDIA_LOG_OFFSET	0x200000ULL
#define MEDIA_LOG_MIN		0x800000ULL
#define MEDIA_UNIT_2M		0x200000ULL
#define MEDIA_UNIT_4K		0x1000ULL

#define MEDIA_SB_BYTES		200
#define MEDIA_HEADER_BYTES	48
#define MEDIA_ENTRY_BYTES	544
#define MEDIA_HEADER_SEQ	32	/* where the header's two counters lie */
#define MEDIA_HEADER_NEXT	40

#define MEDIA_PATH_SIZE		80	/* with the NUL */
#define MEDIA_PATH_MAX		(MEDIA_PATH_SIZE - 1)
#define MEDIA_DEVPATH_SIZE	64
#define MEDIA_MAX_EXTENTS	16
#define MEDIA_MAX_DEVS		64
#define MEDIA_OMF_DAXDEV	2	/* minor version since when logs add devices */
#define MEDIA_META_DIR		".meta"	/* of the tools; never in the log */

/* What can be wrong with bytes from the medium, in the order it is looked at */
enum media_err {
	MEDIA_OK = 0,
	MEDIA_ERR_MAGIC,
	MEDIA_ERR_VERSION,
	MEDIA_ERR_CRC,
	MEDIA_ERR_OMF,
	MEDIA_ERR_LOG_OFFSET,
	MEDIA_ERR_LOG_LEN,
	MEDIA_ERR_UNIT,
	MEDIA_ERR_SB_FLAGS,
	MEDIA_ERR_DEV_SIZE,
	MEDIA_ERR_DEV_PATH,
	MEDIA_ERR_LOG_MAGIC,
	MEDIA_ERR_LOG_CRC,
	MEDIA_ERR_LOG_DIFFERS,
	MEDIA_ERR_LOG_LAST,
	MEDIA_ERR_LOG_NEXT,
	MEDIA_ERR_LOG_SEQ,
	MEDIA_ERR_ENTRY_CRC,
	MEDIA_ERR_ENTRY_SEQ,
	MEDIA_ERR_ENTRY_TYPE,
	MEDIA_ERR_PATH_OPEN,
	MEDIA_ERR_PATH_EMPTY,
	MEDIA_ERR_PATH_ABSOLUTE,
	MEDIA_ERR_PATH_DOTDOT,
	MEDIA_ERR_PATH_META,
	MEDIA_ERR_MODE,
	MEDIA_ERR_FILE_FLAGS,
	MEDIA_ERR_FILE_SIZE,
	MEDIA_ERR_EXT_TYPE,
	MEDIA_ERR_EXT_COUNT,
	MEDIA_ERR_EXT_DEV,
	MEDIA_ERR_EXT_NO_DEV,
	MEDIA_ERR_EXT_ALIGN,
	MEDIA_ERR_EXT_OVERFLOW,
	MEDIA_ERR_EXT_SHORT,
	MEDIA_ERR_EXT_SUPER,
	MEDIA_ERR_EXT_PAST_END,
	MEDIA_ERR_EXT_OVERLAP,
	MEDIA_ERR_CHUNK,
	MEDIA_ERR_DAXDEV,
	MEDIA_ERR_DAXDEV_TAKEN,
	MEDIA_ERR_DAXDEV_TWICE,
	MEDIA_ERR_DAXDEV_NEXT,
	MEDIA_ERR_COUNT		/* not an error: how many there are */
};

/* Of the superblock; the reference tools leave both clear on a first device */
#define MEDIA_SB_PRIMARY	(1U << 0)
#define MEDIA_SB_SECONDARY	(1U << 1)

struct media_super {
	uint64_t version;
	uint64_t log_offset;
	uint64_t log_len;
	uint64_t alloc_unit;
	uint32_t omf_major;
	uint32_t omf_minor;
	uint8_t fs_uuid[16];
	uint8_t dev_uuid[16];
	uint8_t system_uuid[16];	/* of the master */
	uint32_t flags;
	uint64_t dev_size;
	uint8_t slot_uuid[16];
	char dev_path[MEDIA_DEVPATH_SIZE];	/* terminated; informative */
};

struct media_log {
	uint64_t len;
	uint64_t last_index;
	uint64_t next_seqnum;
	uint64_t next_index;
};

enum media_type {
	MEDIA_FILE	= 0,
	MEDIA_MKDIR	= 1,
	MEDIA_DELETE	= 2,	/* reserved, refused */
	MEDIA_DAXDEV	= 3,
};

#define MEDIA_FILE_ALL_RO	(1U << 0)
#define MEDIA_FILE_ALL_RW	(1U << 1)

enum media_ext_type {
	MEDIA_SIMPLE		= 0,
	MEDIA_INTERLEAVED	= 1,
};

struct media_extent {
	uint64_t dev;
	uint64_t offset;
	uint64_t len;
};

/* @ext holds the extents of a simple map, the strips of an interleaved one */
struct media_map {
	uint32_t type;
	uint32_t count;		/* of @ext */
	uint64_t chunk_size;	/* interleaved only */
	struct media_extent ext[MEDIA_MAX_EXTENTS];
};

struct media_file {
	uint64_t size;
	uint32_t flags;
	uint32_t uid;
	uint32_t gid;
	uint32_t mode;
	char path[MEDIA_PATH_SIZE];
	struct media_map map;
};

struct media_dir {
	uint32_t uid;
	uint32_t gid;
	uint32_t mode;
	char path[MEDIA_PATH_SIZE];
};

struct media_daxdev {
	uint64_t size;
	uint8_t uuid[16];
	uint32_t index;
};

/* The devices that a file system has, as its superblock and log tell */
struct media_devices {
	uint32_t count;		/* the highest index, and one */
	uint64_t size[MEDIA_MAX_DEVS];	/* 0: there is none at that index */
	uint8_t uuid[MEDIA_MAX_DEVS][16];
};

struct media_entry {
	uint64_t seqnum;
	uint32_t type;
	union {
		struct media_file file;
		struct media_dir dir;
		struct media_daxdev daxdev;
	};
};

const char *media_strerror(enum media_err err);

/* Of several things that are wrong at once: a bit for each */
#define MEDIA_FAULT(err)	(1ULL << (err))

enum media_err media_first_fault(uint64_t faults);

void media_super_encode(const struct media_super *sb,
			uint8_t buf[MEDIA_SB_BYTES]);
uint64_t media_super_faults(struct media_super *sb,
			    const uint8_t buf[MEDIA_SB_BYTES]);
enum media_err media_super_decode(struct media_super *sb,
				  const uint8_t buf[MEDIA_SB_BYTES]);

uint64_t media_log_capacity(uint64_t log_len);
void media_log_encode(const struct media_log *log,
		      uint8_t buf[MEDIA_HEADER_BYTES]);
uint64_t media_log_faults(struct media_log *log, uint64_t log_len,
			  const uint8_t buf[MEDIA_HEADER_BYTES]);
enum media_err media_log_decode(struct media_log *log, uint64_t log_len,
				const uint8_t buf[MEDIA_HEADER_BYTES]);

void media_entry_encode(const struct media_entry *e,
			uint8_t buf[MEDIA_ENTRY_BYTES]);
enum media_err media_entry_decode(struct media_entry *e, uint64_t index,
				  const uint8_t buf[MEDIA_ENTRY_BYTES]);

enum media_err media_path_normalise(char path[MEDIA_PATH_SIZE]);
enum media_err media_map_covers(const struct media_map *map, uint64_t size);
enum media_err media_map_fits(const struct media_map *map,
			      const struct media_super *sb,
			      const struct media_devices *devices);
void media_devices_init(struct media_devices *d, const struct media_super *sb,
			uint64_t capacity);
enum media_err media_devices_add(struct media_devices *d,
				 const struct media_daxdev *e);
const char *media_entry_path(const struct media_entry *e);
unsigned int media_entry_path_offset(const uint8_t buf[MEDIA_ENTRY_BYTES]);

#endif /* FAMFS_MEDIA_H */
