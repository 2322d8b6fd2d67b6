// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzz target of the codec: what it decodes has to be what the format allows,
 * by a second reading of the format that is kept simple here, and has to encode
 * to bytes that decode to the same.
 *
 * Input: a byte that says which of the three records follows (bits 0 and 1) and
 * whether its checksum is put right first (bit 7); then the record, which is
 * filled up with zeroes.
 */
#include <sys/stat.h>

#include "fuzz.h"

#define MEND	0x80

static void super(uint8_t buf[MEDIA_SB_BYTES])
{
	struct media_super sb, again;
	uint8_t out[MEDIA_SB_BYTES];

	if (media_super_decode(&sb, buf))
		return;
	must(sb.log_offset >= MEDIA_SB_LEN);
	must(sb.log_len && !(sb.log_len & (sb.log_len - 1)));
	must(sb.alloc_unit == 4096 || sb.alloc_unit == 2 << 20);
	/* Of a further device the log is elsewhere */
	must((__uint128_t)(sb.flags & MEDIA_SB_SECONDARY ? MEDIA_SB_LEN
			   : sb.log_offset + sb.log_len) + sb.alloc_unit <=
	     sb.dev_size);
	must(sb.dev_size <= INT64_MAX);
	must(strnlen(sb.dev_path, sizeof(sb.dev_path)) < sizeof(sb.dev_path));
	media_super_encode(&sb, out);
	must(!media_super_decode(&again, out));
	must(!memcmp(&sb, &again, sizeof(sb)));
	must(!memcmp(out, buf, FUZZ_SB_CRC + 8));
}

static void header(uint8_t buf[MEDIA_HEADER_BYTES])
{
	/* Of a log of its own length, so that all lengths come through */
	uint64_t len = fuzz_get64(buf + 8);
	struct media_log log, again;
	uint8_t out[MEDIA_HEADER_BYTES];

	if (!media_log_decode(&log, MEDIA_LOG_MIN, buf))
		must(len == MEDIA_LOG_MIN);
	/* A superblock with less is none */
	if (len < MEDIA_LOG_MIN || media_log_decode(&log, len, buf))
		return;
	must(log.len == len);
	must(log.next_index <= media_log_capacity(len));
	must(len >= (__uint128_t)media_log_capacity(len) * MEDIA_ENTRY_BYTES +
		    MEDIA_HEADER_BYTES);
	must(log.next_seqnum == log.next_index ||
	     log.next_seqnum == log.next_index + 1);
	media_log_encode(&log, out);
	must(!memcmp(out, buf, sizeof(out)));
	must(!media_log_decode(&again, len, out));
	must(!memcmp(&log, &again, sizeof(log)));
}

/* Bytes of the file that strip @i of @n holds, chunk by chunk */
static uint64_t strip_bytes(const struct media_map *map, uint64_t size,
			    uint32_t i)
{
	__uint128_t row = (__uint128_t)map->chunk_size * map->count;
	__uint128_t at = (__uint128_t)map->chunk_size * i;
	uint64_t bytes = size / row * map->chunk_size;
	uint64_t rest = size % row;

	if (rest > at)
		bytes += rest - at < map->chunk_size ? rest - (uint64_t)at
						     : map->chunk_size;
	return bytes;
}

static void file_map(const struct media_map *map, uint64_t size)
{
	__uint128_t sum = 0;
	uint32_t i, k;

	must(size && size <= INT64_MAX);
	must(map->type == MEDIA_SIMPLE || map->type == MEDIA_INTERLEAVED);
	must(map->count && map->count <= MEDIA_MAX_EXTENTS);
	for (i = 0; i < map->count; i++) {
		const struct media_extent *x = &map->ext[i];

		must(x->dev < MEDIA_MAX_DEVS && x->len);
		must(!(x->offset % 4096) && !(x->len % 4096));
		must((__uint128_t)x->offset + x->len <= INT64_MAX);
		for (k = 0; k < i; k++)
			must(x->dev != map->ext[k].dev ||
			     !fuzz_share(x->offset, x->len, map->ext[k].offset,
					 map->ext[k].len));
		sum += x->len;
		if (map->type == MEDIA_INTERLEAVED) {
			must(map->chunk_size && !(map->chunk_size % 4096));
			must(x->len >= strip_bytes(map, size, i));
		}
	}
	must(sum >= size);
}

static void entry(uint8_t buf[MEDIA_ENTRY_BYTES])
{
	uint64_t index = fuzz_get64(buf);
	struct media_entry e, again;
	uint8_t out[MEDIA_ENTRY_BYTES];
	const char *path;

	must(media_entry_decode(&e, index + 1, buf));
	if (media_entry_decode(&e, index, buf))
		return;
	must(e.seqnum == index);
	path = media_entry_path(&e);
	must(!path == (e.type == MEDIA_DAXDEV));
	must(!path || fuzz_path_is_plain(path));
	switch (e.type) {
	case MEDIA_FILE:
		must(S_ISREG(e.file.mode) || !(e.file.mode & S_IFMT));
		must(!(e.file.mode & ~(S_IFMT | 07777)));
		must(e.file.flags <= 2);
		file_map(&e.file.map, e.file.size);
		break;
	case MEDIA_MKDIR:
		must(S_ISDIR(e.dir.mode) || !(e.dir.mode & S_IFMT));
		must(!(e.dir.mode & ~(S_IFMT | 07777)));
		break;
	case MEDIA_DAXDEV:
		must(e.daxdev.size && e.daxdev.index < MEDIA_MAX_DEVS);
		break;
	default:
		must(!"a type that is none");
	}
	media_entry_encode(&e, out);
	must(!media_entry_decode(&again, index, out));
	must(!memcmp(&e, &again, sizeof(e)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct {
		size_t bytes;
		size_t crc;
		void (*fn)(uint8_t *buf);
	} record[] = {
		{ MEDIA_SB_BYTES, FUZZ_SB_CRC, super },
		{ MEDIA_HEADER_BYTES, FUZZ_HEADER_CRC, header },
		{ MEDIA_ENTRY_BYTES, FUZZ_ENTRY_CRC, entry },
		{ MEDIA_ENTRY_BYTES, FUZZ_ENTRY_CRC, entry },
	};
	uint8_t *buf;
	int kind;

	if (!len)
		return 0;
	kind = data[0] & 3;
	/* Just so long, for ASan to see one byte more */
	buf = calloc(1, record[kind].bytes);
	must(buf);
	memcpy(buf, data + 1, len - 1 < record[kind].bytes ? len - 1
						: record[kind].bytes);
	if (data[0] & MEND)
		fuzz_mend(buf, record[kind].crc);
	record[kind].fn(buf);
	free(buf);
	return 0;
}
