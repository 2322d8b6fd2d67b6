// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The codec, the log and the check against media that test/mkmedia built from
 * the table of the format. Each medium comes with a listing of what it was
 * built from: the decoders have to find that and nothing else, and the encoders
 * have to give the very same bytes.
 */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"

#include "check.h"
#include "log.h"

#ifndef MEDIA_DIR
#error "MEDIA_DIR has to name where the media are"
#endif

#define NAMES_MAX	32

static char *names[NAMES_MAX];		/* of the media, without .list */
static unsigned int nr_names;

struct fixture {
	struct medium super;
	struct medium log;
	struct media_super sb;
	char *want;		/* the listing */
	char *got;		/* what was decoded, listed the same way */
	size_t len;		/* of @got */
};

static void list(struct fixture *f, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void list(struct fixture *f, const char *fmt, ...)
{
	char line[2048];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	assert_true(n >= 0 && (size_t)n < sizeof(line));
	f->got = realloc(f->got, f->len + n + 1);
	assert_non_null(f->got);
	memcpy(f->got + f->len, line, n + 1);
	f->len += n;
}

static const char *hex(const uint8_t uuid[16])
{
	static char text[4][33];
	static unsigned int turn;
	char *p = text[turn++ % 4];
	int i;

	for (i = 0; i < 16; i++)
		sprintf(p + 2 * i, "%02x", uuid[i]);
	return p;
}

static int open_part(const char *name, const char *part)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/%s.%s", MEDIA_DIR, name, part);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail_msg("%s: can't be opened", path);
	return fd;
}

static void open_fixture(struct fixture *f, const char *name)
{
	uint8_t buf[MEDIA_SB_BYTES];
	struct stat st;
	int fd;

	*f = (struct fixture){ 0 };
	assert_int_equal(medium_open(&f->super, open_part(name, "super"), false,
				     false), 0);
	assert_int_equal(medium_open(&f->log, open_part(name, "log"), false,
				     false), 0);
	fd = open_part(name, "list");
	assert_int_equal(fstat(fd, &st), 0);
	f->want = calloc(1, st.st_size + 1);
	assert_non_null(f->want);
	assert_int_equal(read(fd, f->want, st.st_size), st.st_size);
	close(fd);
	assert_int_equal(medium_load(&f->super, 0, buf, sizeof(buf)), 0);
	assert_int_equal(media_super_decode(&f->sb, buf), MEDIA_OK);
}

static void close_fixture(struct fixture *f)
{
	medium_close(&f->super);
	medium_close(&f->log);
	free(f->want);
	free(f->got);
}

static void list_super(struct fixture *f)
{
	const struct media_super *sb = &f->sb;

	list(f, "super version=%" PRIu64 " log_offset=%" PRIu64 " log_len=%" PRIu64,
	     sb->version, sb->log_offset, sb->log_len);
	list(f, " alloc_unit=%" PRIu64 " omf_major=%u omf_minor=%u",
	     sb->alloc_unit, sb->omf_major, sb->omf_minor);
	list(f, " fs_uuid=%s dev_uuid=%s system_uuid=%s", hex(sb->fs_uuid),
	     hex(sb->dev_uuid), hex(sb->system_uuid));
	list(f, " flags=%u dev_size=%" PRIu64 " slot_uuid=%s dev_path=%s\n",
	     sb->flags, sb->dev_size, hex(sb->slot_uuid), sb->dev_path);
}

static void list_file(struct fixture *f, const struct media_file *file)
{
	const struct media_map *map = &file->map;
	uint32_t i;

	list(f, "file uid=%u gid=%u mode=%o size=%" PRIu64 " flags=%u",
	     file->uid, file->gid, file->mode, file->size, file->flags);
	/* A chunk size tells an interleaved map: others have none */
	assert_int_equal(map->type,
			 map->chunk_size ? MEDIA_INTERLEAVED : MEDIA_SIMPLE);
	list(f, " chunk=%" PRIu64 " ext=", map->chunk_size);
	for (i = 0; i < map->count; i++)
		list(f, "%s%" PRIu64 ":%" PRIu64 ":%" PRIu64, i ? "," : "",
		     map->ext[i].dev, map->ext[i].offset, map->ext[i].len);
	list(f, " path=%s\n", file->path);
}

static int list_entry(void *arg, uint64_t index, const struct media_entry *e,
		      int bad)
{
	struct fixture *f = arg;

	if (bad)
		fail_msg("entry %" PRIu64 ": %s", index, log_strerror(bad));
	assert_int_equal(e->seqnum, index);
	list(f, "%" PRIu64 " ", index);
	switch (e->type) {
	case MEDIA_FILE:
		list_file(f, &e->file);
		break;
	case MEDIA_MKDIR:
		list(f, "mkdir uid=%u gid=%u mode=%o path=%s\n", e->dir.uid,
		     e->dir.gid, e->dir.mode, e->dir.path);
		break;
	default:
		list(f, "daxdev index=%u size=%" PRIu64 " uuid=%s\n",
		     e->daxdev.index, e->daxdev.size, hex(e->daxdev.uuid));
	}
	return 0;
}

/* What the decoders find is what the description says */
static void decoded(void **state)
{
	struct media_log log;
	struct fixture f;
	unsigned int i;

	(void)state;
	for (i = 0; i < nr_names; i++) {
		open_fixture(&f, names[i]);
		list_super(&f);
		assert_int_equal(f.log.len, f.sb.log_len);
		assert_int_equal(log_header(&f.log, f.sb.log_len, &log), 0);
		list(&f, "log len=%" PRIu64 " last_index=%" PRIu64, log.len,
		     log.last_index);
		list(&f, " next_seqnum=%" PRIu64 " next_index=%" PRIu64 "\n",
		     log.next_seqnum, log.next_index);
		assert_int_equal(log_walk(&f.log, 0, log.next_index, list_entry,
					  &f), 0);
		assert_string_equal(f.got, f.want);
		close_fixture(&f);
	}
}

static void nothing_from(const struct medium *m, uint64_t off)
{
	for (; off < m->len; off++) {
		if (m->map[off])
			fail_msg("byte %" PRIu64 " is not 0", off);
	}
}

/* Both ways through buffers at odd addresses, as any caller may have them */
static void encoded(void **state)
{
	uint8_t room[2][MEDIA_ENTRY_BYTES + 1];
	uint8_t *from = room[0] + 1, *to = room[1] + 1;
	struct media_entry e;
	struct media_log log;
	struct fixture f;
	unsigned int i;
	uint64_t k;

	(void)state;
	for (i = 0; i < nr_names; i++) {
		open_fixture(&f, names[i]);
		memset(room, 0xa5, sizeof(room));
		media_super_encode(&f.sb, to);
		assert_memory_equal(to, f.super.map, MEDIA_SB_BYTES);
		nothing_from(&f.super, MEDIA_SB_BYTES);

		memcpy(from, f.log.map, MEDIA_HEADER_BYTES);
		assert_int_equal(media_log_decode(&log, f.sb.log_len, from),
				 MEDIA_OK);
		memset(to, 0x5a, MEDIA_HEADER_BYTES);
		media_log_encode(&log, to);
		assert_memory_equal(to, from, MEDIA_HEADER_BYTES);

		for (k = 0; k < log.next_index; k++) {
			memcpy(from, f.log.map + MEDIA_HEADER_BYTES +
				     k * MEDIA_ENTRY_BYTES, MEDIA_ENTRY_BYTES);
			assert_int_equal(media_entry_decode(&e, k, from),
					 MEDIA_OK);
			memset(to, 0x5a, MEDIA_ENTRY_BYTES);
			media_entry_encode(&e, to);
			assert_memory_equal(to, from, MEDIA_ENTRY_BYTES);
		}
		nothing_from(&f.log, MEDIA_HEADER_BYTES +
			     k * MEDIA_ENTRY_BYTES);
		close_fixture(&f);
	}
}

/* One file with all of the device has the same at the places of the format */
static void in_one(void **state)
{
	static uint8_t buf[MEDIA_HEADER_BYTES + 64 * MEDIA_ENTRY_BYTES];
	struct fixture f;
	struct stat st;
	unsigned int i;
	int fd;

	(void)state;
	for (i = 0; i < nr_names; i++) {
		open_fixture(&f, names[i]);
		fd = open_part(names[i], "img");
		assert_int_equal(fstat(fd, &st), 0);
		assert_int_equal(st.st_size, f.sb.dev_size);
		assert_int_equal(pread(fd, buf, sizeof(buf), 0), sizeof(buf));
		assert_memory_equal(buf, f.super.map, sizeof(buf));
		assert_int_equal(pread(fd, buf, sizeof(buf), 0x200000),
				 sizeof(buf));
		assert_memory_equal(buf, f.log.map, sizeof(buf));
		close(fd);
		close_fixture(&f);
	}
}

static void clean(void **state)
{
	struct fixture f;
	unsigned int i;

	(void)state;
	for (i = 0; i < nr_names; i++) {
		struct check c = { .name = names[i] };
		struct fs fs = { .root = -1 };

		open_fixture(&f, names[i]);
		fs.super = f.super;
		fs.log = f.log;
		fs.sb = f.sb;
		fs.capacity = f.sb.dev_size;
		c.fs = &fs;
		assert_int_equal(check_fs(&c), 0);
		assert_int_equal(c.errors, 0);
		assert_true(c.entries ==
			    c.files + c.dirs + c.devices.count - 1);
		check_free(&c);
		/* A medium that is one page shorter is not what it says */
		fs.capacity -= MEDIA_PAGE;
		test_messages = 0;
		c = (struct check){ .fs = &fs, .name = names[i] };
		assert_int_equal(check_fs(&c), 0);
		check_print(&c, CHECK_ALL);
		assert_true(c.errors && test_messages);
		check_free(&c);
		close_fixture(&f);
	}
}

static void find_media(void)
{
	DIR *dir = opendir(MEDIA_DIR);
	struct dirent *d;

	while (dir && (d = readdir(dir)) && nr_names < NAMES_MAX) {
		char *dot = strrchr(d->d_name, '.');

		if (!dot || strcmp(dot, ".list"))
			continue;
		names[nr_names++] = strndup(d->d_name, dot - d->d_name);
	}
	if (dir)
		closedir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(decoded),
		CASE(encoded),
		CASE(in_one),
		CASE(clean),
	};
	int rc;

	famfs_set_sink(test_sink);
	find_media();
	if (nr_names < 5) {
		fprintf(stderr, "%s: media are missing\n", MEDIA_DIR);
		return 1;
	}
	rc = cmocka_run_group_tests_name("fixtures", tests, NULL, NULL);
	while (nr_names)
		free(names[--nr_names]);
	return rc;
}
