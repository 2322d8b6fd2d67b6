// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The codec of the media format: byte buffers to structures and back, field by
 * field, little-endian whatever the machine. It reads and writes only the
 * buffers it is handed, never the medium, and no structure of the compiler's is
 * laid over them, so that alignment and byte order of the host do not matter.
 *
 * Decoders take the bytes to come from an enemy. Every number is checked before
 * it is used, and what no checksum covers is held against what it must be: of
 * the superblock bytes 104 to 199, of the log header bytes 32 to 47. Of these,
 * slot uuid, device path and flags without a name are informative, and any value
 * passes.
 */
#include "media.h"

#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "util.h"

#define SB_MAGIC		0x87b282ffULL
#define SB_VERSION		48
#define SB_VERSION_OLD		47	/* goes with OMF 2.1 */
#define OMF_MAJOR		2
#define OMF_MINOR		2
#define OMF_MINOR_OLD		1
#define LOG_MAGIC		0xbadcafef00dULL

/* Where the checksums lie; each covers all that is before it */
#define SB_CRC			96
#define HEADER_CRC		24
#define ENTRY_CRC		536

#define ENTRY_BODY		16
#define FILE_PATH		24
#define FILE_MAP		104
#define DIR_PATH		12
#define EXTENT_BYTES		24

_Static_assert(MEDIA_ERR_COUNT <= 64, "a set of faults is 64 bits");

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

static uint64_t get64(const uint8_t *p)
{
	return get32(p) | (uint64_t)get32(p + 4) << 32;
}

static void put32(uint8_t *p, uint32_t v)
{
	p[0] = v;
	p[1] = v >> 8;
	p[2] = v >> 16;
	p[3] = v >> 24;
}

static void put64(uint8_t *p, uint64_t v)
{
	put32(p, v);
	put32(p + 4, v >> 32);
}

static uint64_t crc(const uint8_t *buf, size_t len)
{
	return crc32(crc32(0, NULL, 0), buf, len);
}

/**
 * media_strerror() - say in words what a decoder found
 * @err: what it returned
 *
 * Return: a phrase that goes after the name of the thing
 */
const char *media_strerror(enum media_err err)
{
	static const char * const text[MEDIA_ERR_COUNT] = {
		[MEDIA_OK] = "good",
		[MEDIA_ERR_MAGIC] = "no famfs superblock (wrong magic number)",
		[MEDIA_ERR_VERSION] = "superblock version is neither 48 nor 47",
		[MEDIA_ERR_OMF] = "media format is not 2.2 (or 2.1 with superblock version 47)",
		[MEDIA_ERR_CRC] = "superblock checksum is wrong",
		[MEDIA_ERR_LOG_OFFSET] = "log offset is not 2 MiB",
		[MEDIA_ERR_LOG_LEN] = "log length is not a power of two of at least 8 MiB",
		[MEDIA_ERR_UNIT] = "allocation unit is neither 2 MiB nor 4 KiB",
		[MEDIA_ERR_SB_FLAGS] = "superblock says both first and further device",
		[MEDIA_ERR_DEV_SIZE] = "device size is too small, or no multiple of 4096",
		[MEDIA_ERR_DEV_PATH] = "device path is not terminated",
		[MEDIA_ERR_LOG_MAGIC] = "no famfs log (wrong magic number)",
		[MEDIA_ERR_LOG_CRC] = "log header checksum is wrong",
		[MEDIA_ERR_LOG_DIFFERS] = "log length differs from the superblock's",
		[MEDIA_ERR_LOG_LAST] = "last index does not go with the log length",
		[MEDIA_ERR_LOG_NEXT] = "next index is past the end of the log",
		[MEDIA_ERR_LOG_SEQ] = "next sequence number does not go with the next index",
		[MEDIA_ERR_ENTRY_CRC] = "checksum is wrong",
		[MEDIA_ERR_ENTRY_SEQ] = "sequence number is not the entry's index",
		[MEDIA_ERR_ENTRY_TYPE] = "type is unknown",
		[MEDIA_ERR_PATH_OPEN] = "path is not terminated",
		[MEDIA_ERR_PATH_EMPTY] = "path is empty",
		[MEDIA_ERR_PATH_ABSOLUTE] = "path is absolute",
		[MEDIA_ERR_PATH_DOTDOT] = "path has a .. part",
		[MEDIA_ERR_PATH_META] = "path is inside .meta, which is never logged",
		[MEDIA_ERR_MODE] = "mode is not one of its type",
		[MEDIA_ERR_FILE_FLAGS] = "flags are unknown or contradict each other",
		[MEDIA_ERR_FILE_SIZE] = "size is 0 or past 2^63",
		[MEDIA_ERR_EXT_TYPE] = "extent type is unknown",
		[MEDIA_ERR_EXT_COUNT] = "number of extents is out of range",
		[MEDIA_ERR_EXT_DEV] = "device index is past 63",
		[MEDIA_ERR_EXT_NO_DEV] = "an extent is on a device that no entry before it adds",
		[MEDIA_ERR_EXT_ALIGN] = "an extent is empty or no multiple of 4096",
		[MEDIA_ERR_EXT_OVERFLOW] = "an extent runs past 2^63",
		[MEDIA_ERR_EXT_SHORT] = "extents do not cover the size",
		[MEDIA_ERR_EXT_SUPER] = "an extent overlaps superblock or log",
		[MEDIA_ERR_EXT_PAST_END] = "an extent runs past the end of its device",
		[MEDIA_ERR_EXT_OVERLAP] = "two extents of its own overlap",
		[MEDIA_ERR_CHUNK] = "chunk size is 0, past 32 bits, or no multiple of 4096",
		[MEDIA_ERR_DAXDEV] = "device size or index is out of range",
		[MEDIA_ERR_DAXDEV_TAKEN] = "device index is that of another device",
		[MEDIA_ERR_DAXDEV_TWICE] = "device is one that the file system has already",
		[MEDIA_ERR_DAXDEV_NEXT] = "device index is not the next one",
	};

	if ((unsigned int)err >= MEDIA_ERR_COUNT)
		return "unknown error";
	return text[err];
}

/**
 * media_super_encode() - write a superblock
 * @sb: what it shall say; must be one that media_super_decode() accepts
 * @buf: gets all of its bytes, checksum included
 */
void media_super_encode(const struct media_super *sb,
			uint8_t buf[MEDIA_SB_BYTES])
{
	memset(buf, 0, MEDIA_SB_BYTES);
	put64(buf, SB_MAGIC);
	put64(buf + 8, sb->version);
	put64(buf + 16, sb->log_offset);
	put64(buf + 24, sb->log_len);
	put64(buf + 32, sb->alloc_unit);
	put32(buf + 40, sb->omf_major);
	put32(buf + 44, sb->omf_minor);
	memcpy(buf + 48, sb->fs_uuid, 16);
	memcpy(buf + 64, sb->dev_uuid, 16);
	memcpy(buf + 80, sb->system_uuid, 16);
	put64(buf + SB_CRC, crc(buf, SB_CRC));
	put32(buf + 104, sb->flags);
	put64(buf + 112, sb->dev_size);
	memcpy(buf + 120, sb->slot_uuid, 16);
	memcpy(buf + 136, sb->dev_path, MEDIA_DEVPATH_SIZE);
}

/**
 * media_first_fault() - the one of several faults that a decoder returns
 * @faults: a set of MEDIA_FAULT()
 *
 * Return: the first of the enum, or MEDIA_OK
 */
enum media_err media_first_fault(uint64_t faults)
{
	return faults ? __builtin_ctzll(faults) : MEDIA_OK;
}

/**
 * media_super_faults() - read a superblock, and find all that is wrong with it
 * @sb: where it goes; of use only where nothing is wrong
 * @buf: its bytes, from offset 0 of the device
 *
 * Where it is no superblock at all, or one of another version, nothing else is
 * looked at.
 *
 * Return: the set of all MEDIA_FAULT() that were found, 0 where it is good
 */
uint64_t media_super_faults(struct media_super *sb,
			    const uint8_t buf[MEDIA_SB_BYTES])
{
	uint64_t before, faults = 0;

	memset(sb, 0, sizeof(*sb));
	if (get64(buf) != SB_MAGIC)
		return MEDIA_FAULT(MEDIA_ERR_MAGIC);
	sb->version = get64(buf + 8);
	sb->log_offset = get64(buf + 16);
	sb->log_len = get64(buf + 24);
	sb->alloc_unit = get64(buf + 32);
	sb->omf_major = get32(buf + 40);
	sb->omf_minor = get32(buf + 44);
	memcpy(sb->fs_uuid, buf + 48, 16);
	memcpy(sb->dev_uuid, buf + 64, 16);
	memcpy(sb->system_uuid, buf + 80, 16);
	sb->flags = get32(buf + 104);
	sb->dev_size = get64(buf + 112);
	memcpy(sb->slot_uuid, buf + 120, 16);
	memcpy(sb->dev_path, buf + 136, MEDIA_DEVPATH_SIZE);

	if (sb->version != SB_VERSION && sb->version != SB_VERSION_OLD)
		return MEDIA_FAULT(MEDIA_ERR_VERSION);
	if (get64(buf + SB_CRC) != crc(buf, SB_CRC))
		faults |= MEDIA_FAULT(MEDIA_ERR_CRC);
	if (sb->omf_major != OMF_MAJOR ||
	    sb->omf_minor != (sb->version == SB_VERSION ? OMF_MINOR
							: OMF_MINOR_OLD))
		faults |= MEDIA_FAULT(MEDIA_ERR_OMF);
	if (sb->log_offset != MEDIA_LOG_OFFSET)
		faults |= MEDIA_FAULT(MEDIA_ERR_LOG_OFFSET);
	if (sb->log_len < MEDIA_LOG_MIN || !is_pow2(sb->log_len) ||
	    sb->log_len > INT64_MAX)
		faults |= MEDIA_FAULT(MEDIA_ERR_LOG_LEN);
	if (sb->alloc_unit != MEDIA_UNIT_2M && sb->alloc_unit != MEDIA_UNIT_4K)
		faults |= MEDIA_FAULT(MEDIA_ERR_UNIT);
	if (sb->flags & MEDIA_SB_PRIMARY && sb->flags & MEDIA_SB_SECONDARY)
		faults |= MEDIA_FAULT(MEDIA_ERR_SB_FLAGS);
	/* What it must hold at least is known only where the rest is right */
	before = 0;
	if (!faults && !(sb->flags & MEDIA_SB_SECONDARY))
		before = sb->log_offset + sb->log_len + sb->alloc_unit;
	else if (!faults)
		/* No log of its own: it says where the first device has it */
		before = MEDIA_SB_LEN + sb->alloc_unit;
	if (sb->dev_size > INT64_MAX || sb->dev_size % MEDIA_PAGE ||
	    sb->dev_size < before)
		faults |= MEDIA_FAULT(MEDIA_ERR_DEV_SIZE);
	if (!memchr(sb->dev_path, '\0', MEDIA_DEVPATH_SIZE))
		faults |= MEDIA_FAULT(MEDIA_ERR_DEV_PATH);
	return faults;
}

/**
 * media_super_decode() - read and check a superblock
 * @sb: where it goes; of use only where MEDIA_OK is returned
 * @buf: its bytes, from offset 0 of the device
 *
 * Return: MEDIA_OK, or the first thing that is wrong
 */
enum media_err media_super_decode(struct media_super *sb,
				  const uint8_t buf[MEDIA_SB_BYTES])
{
	return media_first_fault(media_super_faults(sb, buf));
}

/**
 * media_log_capacity() - number of entries that a log can hold
 * @log_len: its length in bytes, header included
 *
 * Return: the number, 0 for a log that is too short for its header
 */
uint64_t media_log_capacity(uint64_t log_len)
{
	if (log_len < MEDIA_HEADER_BYTES)
		return 0;
	return (log_len - MEDIA_HEADER_BYTES) / MEDIA_ENTRY_BYTES;
}

/**
 * media_log_encode() - write a log header
 * @log: what it shall say
 * @buf: gets all of its bytes, checksum included
 */
void media_log_encode(const struct media_log *log,
		      uint8_t buf[MEDIA_HEADER_BYTES])
{
	put64(buf, LOG_MAGIC);
	put64(buf + 8, log->len);
	put64(buf + 16, log->last_index);
	put64(buf + HEADER_CRC, crc(buf, HEADER_CRC));
	put64(buf + MEDIA_HEADER_SEQ, log->next_seqnum);
	put64(buf + MEDIA_HEADER_NEXT, log->next_index);
}

/**
 * media_log_faults() - read a log header, and find all that is wrong with it
 * @log: where it goes; of use only where nothing is wrong
 * @log_len: length of the log as the superblock has it
 * @buf: the first bytes of the log
 *
 * An append stores the next sequence number and then the next index. Where it
 * was cut off between the two, the number is one ahead, and all is well.
 *
 * Return: the set of all MEDIA_FAULT() that were found, 0 where it is good
 */
uint64_t media_log_faults(struct media_log *log, uint64_t log_len,
			  const uint8_t buf[MEDIA_HEADER_BYTES])
{
	uint64_t faults = 0;

	memset(log, 0, sizeof(*log));
	if (get64(buf) != LOG_MAGIC)
		return MEDIA_FAULT(MEDIA_ERR_LOG_MAGIC);
	log->len = get64(buf + 8);
	log->last_index = get64(buf + 16);
	log->next_seqnum = get64(buf + MEDIA_HEADER_SEQ);
	log->next_index = get64(buf + MEDIA_HEADER_NEXT);

	if (get64(buf + HEADER_CRC) != crc(buf, HEADER_CRC))
		faults |= MEDIA_FAULT(MEDIA_ERR_LOG_CRC);
	if (log->len != log_len)
		faults |= MEDIA_FAULT(MEDIA_ERR_LOG_DIFFERS);
	if (log->last_index + 1 != media_log_capacity(log_len))
		faults |= MEDIA_FAULT(MEDIA_ERR_LOG_LAST);
	if (log->next_index > media_log_capacity(log_len))
		faults |= MEDIA_FAULT(MEDIA_ERR_LOG_NEXT);
	if (log->next_seqnum - log->next_index > 1)
		faults |= MEDIA_FAULT(MEDIA_ERR_LOG_SEQ);
	return faults;
}

/**
 * media_log_decode() - read and check a log header
 * @log: where it goes; of use only where MEDIA_OK is returned
 * @log_len: length of the log as the superblock has it
 * @buf: the first bytes of the log
 *
 * Return: MEDIA_OK, or the first thing that is wrong
 */
enum media_err media_log_decode(struct media_log *log, uint64_t log_len,
				const uint8_t buf[MEDIA_HEADER_BYTES])
{
	return media_first_fault(media_log_faults(log, log_len, buf));
}

/**
 * media_path_normalise() - check a path, and take out what names nothing
 * @path: relative to the mount; doubled, trailing slashes and "." parts go,
 *	so that one file has one name
 *
 * Return: MEDIA_OK, or what is wrong; @path is of no use then
 */
enum media_err media_path_normalise(char path[MEDIA_PATH_SIZE])
{
	char *from = path, *to = path;

	if (!memchr(path, '\0', MEDIA_PATH_SIZE))
		return MEDIA_ERR_PATH_OPEN;
	if (!*path)
		return MEDIA_ERR_PATH_EMPTY;
	if (*path == '/')
		return MEDIA_ERR_PATH_ABSOLUTE;

	while (*from) {
		size_t len = strcspn(from, "/");

		if (len == 2 && from[0] == '.' && from[1] == '.')
			return MEDIA_ERR_PATH_DOTDOT;
		if (len && !(len == 1 && from[0] == '.')) {
			if (to != path)
				*to++ = '/';
			memmove(to, from, len);
			to += len;
		}
		from += len;
		while (*from == '/')
			from++;
	}
	/* The rest is cleared so that equal paths are equal byte for byte */
	memset(to, 0, path + MEDIA_PATH_SIZE - to);

	if (!*path)
		return MEDIA_ERR_PATH_EMPTY;
	if (!strncmp(path, MEDIA_META_DIR, strlen(MEDIA_META_DIR)) &&
	    (path[strlen(MEDIA_META_DIR)] == '/' ||
	     path[strlen(MEDIA_META_DIR)] == '\0'))
		return MEDIA_ERR_PATH_META;
	return MEDIA_OK;
}

static enum media_err check_strips(const struct media_map *map, uint64_t size)
{
	uint64_t chunk = map->chunk_size;
	uint64_t last = (size - 1) / chunk;	/* index of the last chunk */
	uint64_t tail = size - last * chunk;	/* bytes of it in use */
	uint32_t i;

	for (i = 0; i < map->count; i++) {
		uint64_t full, need;

		if (last < i)
			break;
		full = (last - i) / map->count;	/* chunks before its last one */
		if (last % map->count == i)
			need = full * chunk + round_up_pow2(tail, MEDIA_PAGE);
		else
			need = (full + 1) * chunk;
		if (map->ext[i].len < need)
			return MEDIA_ERR_EXT_SHORT;
	}
	return MEDIA_OK;
}

/**
 * media_map_covers() - check the extents of a map by themselves
 * @map: type, count, and the extents
 * @size: bytes of the file that they must hold
 *
 * Return: MEDIA_OK, or the first thing that is wrong
 */
enum media_err media_map_covers(const struct media_map *map, uint64_t size)
{
	uint64_t sum = 0;
	uint32_t i, k;

	if (!size || size > INT64_MAX)
		return MEDIA_ERR_FILE_SIZE;
	if (map->type != MEDIA_SIMPLE && map->type != MEDIA_INTERLEAVED)
		return MEDIA_ERR_EXT_TYPE;
	if (!map->count || map->count > MEDIA_MAX_EXTENTS)
		return MEDIA_ERR_EXT_COUNT;
	for (i = 0; i < map->count; i++) {
		const struct media_extent *x = &map->ext[i];

		if (x->dev >= MEDIA_MAX_DEVS)
			return MEDIA_ERR_EXT_DEV;
		if (!x->len || x->len % MEDIA_PAGE || x->offset % MEDIA_PAGE)
			return MEDIA_ERR_EXT_ALIGN;
		if (x->offset > INT64_MAX || x->len > INT64_MAX - x->offset)
			return MEDIA_ERR_EXT_OVERFLOW;
		for (k = 0; k < i; k++) {
			const struct media_extent *y = &map->ext[k];

			if (x->dev == y->dev && x->offset < y->offset + y->len &&
			    y->offset < x->offset + x->len)
				return MEDIA_ERR_EXT_OVERLAP;
		}
		/* At most 16 terms below 2^63: clip instead of wrapping */
		if (sum < size)
			sum += x->len;
	}

	if (map->type == MEDIA_SIMPLE)
		return sum < size ? MEDIA_ERR_EXT_SHORT : MEDIA_OK;

	if (!map->chunk_size || map->chunk_size > UINT32_MAX ||
	    map->chunk_size % MEDIA_PAGE)
		return MEDIA_ERR_CHUNK;
	return check_strips(map, size);
}

/**
 * media_devices_init() - a file system's devices, as long as that is the first
 * @d: to fill
 * @sb: the superblock of the first device
 * @capacity: bytes of the first device that may be used
 */
void media_devices_init(struct media_devices *d, const struct media_super *sb,
			uint64_t capacity)
{
	memset(d, 0, sizeof(*d));
	d->count = 1;
	d->size[0] = capacity;
	memcpy(d->uuid[0], sb->dev_uuid, sizeof(d->uuid[0]));
}

/**
 * media_devices_add() - take in what an entry of the log adds
 * @d: the devices so far
 * @e: body of the entry, decoded
 *
 * An index past the next one is wrong, and is taken in all the same: what lies
 * on that device can still be reached where the entries in between are lost.
 *
 * Return: MEDIA_OK; MEDIA_ERR_DAXDEV_NEXT where @e was taken in though entries
 * are missing before it; or why it was not taken in
 */
enum media_err media_devices_add(struct media_devices *d,
				 const struct media_daxdev *e)
{
	bool next = e->index == d->count;
	uint32_t i;

	if (e->index < d->count && d->size[e->index])
		return MEDIA_ERR_DAXDEV_TAKEN;
	for (i = 0; i < d->count; i++) {
		if (d->size[i] && !memcmp(d->uuid[i], e->uuid, 16))
			return MEDIA_ERR_DAXDEV_TWICE;
	}
	d->size[e->index] = e->size;
	memcpy(d->uuid[e->index], e->uuid, 16);
	if (e->index >= d->count)
		d->count = e->index + 1;
	return next ? MEDIA_OK : MEDIA_ERR_DAXDEV_NEXT;
}

/**
 * media_map_fits() - hold a map against the devices it is for
 * @map: one that media_map_covers() has passed
 * @sb: says where superblock and log lie
 * @devices: what the file system has, by the entries before the map's
 *
 * Return: MEDIA_OK, or the first thing that is wrong
 */
enum media_err media_map_fits(const struct media_map *map,
			      const struct media_super *sb,
			      const struct media_devices *devices)
{
	uint32_t i;

	for (i = 0; i < map->count; i++) {
		const struct media_extent *x = &map->ext[i];
		uint64_t from = x->dev ? MEDIA_SB_LEN
				       : sb->log_offset + sb->log_len;

		if (x->dev >= devices->count || !devices->size[x->dev])
			return MEDIA_ERR_EXT_NO_DEV;
		if (x->offset < from)
			return MEDIA_ERR_EXT_SUPER;
		if (x->offset + x->len > devices->size[x->dev])
			return MEDIA_ERR_EXT_PAST_END;
	}
	return MEDIA_OK;
}

static void encode_map(const struct media_map *map, uint8_t *p)
{
	uint8_t *rec = p + 16;
	uint32_t i;

	put32(p, map->type);
	if (map->type == MEDIA_INTERLEAVED) {
		put32(p + 8, 1);
		put64(p + 16, map->count);
		put64(p + 24, map->chunk_size);
		rec = p + 32;
	} else {
		put32(p + 8, map->count);
	}
	for (i = 0; i < map->count; i++, rec += EXTENT_BYTES) {
		put64(rec, map->ext[i].dev);
		put64(rec + 8, map->ext[i].offset);
		put64(rec + 16, map->ext[i].len);
	}
}

static enum media_err decode_map(struct media_map *map, const uint8_t *p)
{
	const uint8_t *rec = p + 16;
	uint64_t count = get32(p + 8);
	uint32_t i;

	map->type = get32(p);
	if (map->type == MEDIA_INTERLEAVED) {
		if (count != 1)
			return MEDIA_ERR_EXT_COUNT;
		count = get64(p + 16);
		map->chunk_size = get64(p + 24);
		rec = p + 32;
	} else if (map->type != MEDIA_SIMPLE) {
		return MEDIA_ERR_EXT_TYPE;
	}
	if (!count || count > MEDIA_MAX_EXTENTS)
		return MEDIA_ERR_EXT_COUNT;
	map->count = count;
	for (i = 0; i < map->count; i++, rec += EXTENT_BYTES) {
		map->ext[i].dev = get64(rec);
		map->ext[i].offset = get64(rec + 8);
		map->ext[i].len = get64(rec + 16);
	}
	return MEDIA_OK;
}

/**
 * media_entry_encode() - write a log entry
 * @e: what it shall say; must be one that media_entry_decode() accepts
 * @buf: gets all of its bytes, checksum included
 */
void media_entry_encode(const struct media_entry *e,
			uint8_t buf[MEDIA_ENTRY_BYTES])
{
	uint8_t *body = buf + ENTRY_BODY;

	memset(buf, 0, MEDIA_ENTRY_BYTES);
	put64(buf, e->seqnum);
	put32(buf + 8, e->type);
	switch (e->type) {
	case MEDIA_FILE:
		put64(body, e->file.size);
		put32(body + 8, e->file.flags);
		put32(body + 12, e->file.uid);
		put32(body + 16, e->file.gid);
		put32(body + 20, e->file.mode);
		memcpy(body + FILE_PATH, e->file.path, MEDIA_PATH_SIZE);
		encode_map(&e->file.map, body + FILE_MAP);
		break;
	case MEDIA_MKDIR:
		put32(body, e->dir.uid);
		put32(body + 4, e->dir.gid);
		put32(body + 8, e->dir.mode);
		memcpy(body + DIR_PATH, e->dir.path, MEDIA_PATH_SIZE);
		break;
	case MEDIA_DAXDEV:
		put64(body, e->daxdev.size);
		memcpy(body + 8, e->daxdev.uuid, 16);
		put32(body + 24, e->daxdev.index);
		break;
	}
	put64(buf + ENTRY_CRC, crc(buf, ENTRY_CRC));
}

/* Permission bits, and the bits of the one file type or none */
static bool mode_is_of(uint32_t mode, uint32_t type)
{
	return !(mode & ~07777) || (mode & ~07777) == type;
}

static enum media_err decode_file(struct media_file *f, const uint8_t *body)
{
	enum media_err err;

	f->size = get64(body);
	f->flags = get32(body + 8);
	f->uid = get32(body + 12);
	f->gid = get32(body + 16);
	f->mode = get32(body + 20);
	memcpy(f->path, body + FILE_PATH, MEDIA_PATH_SIZE);
	err = media_path_normalise(f->path);
	if (err)
		return err;
	if (!mode_is_of(f->mode, S_IFREG))
		return MEDIA_ERR_MODE;
	if (f->flags & ~(MEDIA_FILE_ALL_RO | MEDIA_FILE_ALL_RW) ||
	    f->flags == (MEDIA_FILE_ALL_RO | MEDIA_FILE_ALL_RW))
		return MEDIA_ERR_FILE_FLAGS;
	err = decode_map(&f->map, body + FILE_MAP);
	if (err)
		return err;
	return media_map_covers(&f->map, f->size);
}

static enum media_err decode_dir(struct media_dir *d, const uint8_t *body)
{
	enum media_err err;

	d->uid = get32(body);
	d->gid = get32(body + 4);
	d->mode = get32(body + 8);
	memcpy(d->path, body + DIR_PATH, MEDIA_PATH_SIZE);
	err = media_path_normalise(d->path);
	if (err)
		return err;
	return mode_is_of(d->mode, S_IFDIR) ? MEDIA_OK : MEDIA_ERR_MODE;
}

static enum media_err decode_daxdev(struct media_daxdev *d, const uint8_t *body)
{
	d->size = get64(body);
	memcpy(d->uuid, body + 8, 16);
	d->index = get32(body + 24);
	if (!d->size || d->size > INT64_MAX || !d->index ||
	    d->index >= MEDIA_MAX_DEVS)
		return MEDIA_ERR_DAXDEV;
	return MEDIA_OK;
}

/**
 * media_entry_decode() - read and check a log entry
 * @e: where it goes; of use only where MEDIA_OK is returned
 * @index: of the entry in the log
 * @buf: its bytes, a private copy
 *
 * Whether extents lie where files may lie is for media_map_fits().
 *
 * Return: MEDIA_OK, or the first thing that is wrong
 */
enum media_err media_entry_decode(struct media_entry *e, uint64_t index,
				  const uint8_t buf[MEDIA_ENTRY_BYTES])
{
	memset(e, 0, sizeof(*e));
	if (get64(buf + ENTRY_CRC) != crc(buf, ENTRY_CRC))
		return MEDIA_ERR_ENTRY_CRC;
	e->seqnum = get64(buf);
	if (e->seqnum != index)
		return MEDIA_ERR_ENTRY_SEQ;
	e->type = get32(buf + 8);
	switch (e->type) {
	case MEDIA_FILE:
		return decode_file(&e->file, buf + ENTRY_BODY);
	case MEDIA_MKDIR:
		return decode_dir(&e->dir, buf + ENTRY_BODY);
	case MEDIA_DAXDEV:
		return decode_daxdev(&e->daxdev, buf + ENTRY_BODY);
	default:
		return MEDIA_ERR_ENTRY_TYPE;
	}
}

/**
 * media_entry_path() - the path that an entry makes
 * @e: the entry
 *
 * Return: the path, or NULL for an entry that has none
 */
const char *media_entry_path(const struct media_entry *e)
{
	switch (e->type) {
	case MEDIA_FILE:
		return e->file.path;
	case MEDIA_MKDIR:
		return e->dir.path;
	default:
		return NULL;
	}
}

/**
 * media_entry_path_offset() - where an entry has its path, be it good or not
 * @buf: bytes of the entry
 *
 * Return: offset of MEDIA_PATH_SIZE bytes, or 0 where its type has none
 */
unsigned int media_entry_path_offset(const uint8_t buf[MEDIA_ENTRY_BYTES])
{
	switch (get32(buf + 8)) {
	case MEDIA_FILE:
		return ENTRY_BODY + FILE_PATH;
	case MEDIA_MKDIR:
		return ENTRY_BODY + DIR_PATH;
	default:
		return 0;
	}
}
