// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The log on a plain file that stands in for the medium: append, walk, and all
 * the states that a crash or another host's hand can leave it in.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

#include "cpucache.h"
#include "log.h"
#include "names.h"

#define LOG_LEN		MEDIA_LOG_MIN

/*
 * A cache that holds what the memory had some time ago. What is mapped is the
 * cache; lines that are invalidated come in from the memory. Only here can a
 * test see a load that was not preceded by what it needs.
 */
static uint8_t *cache, *memory;

void __real_cpucache_invalidate(const void *addr, size_t len);
void __wrap_cpucache_invalidate(const void *addr, size_t len);

void __wrap_cpucache_invalidate(const void *addr, size_t len)
{
	uintptr_t from = (uintptr_t)addr / 64 * 64;
	uintptr_t to = ((uintptr_t)addr + len + 63) / 64 * 64;

	if (cache)
		memcpy((void *)from, memory + (from - (uintptr_t)cache),
		       to - from);
	else
		__real_cpucache_invalidate(addr, len);
}

static int new_log(void **state)
{
	struct medium *m = calloc(1, sizeof(*m));
	int fd = memfd_create("log", MFD_CLOEXEC);

	if (!m || fd < 0 || ftruncate(fd, LOG_LEN) ||
	    medium_open(m, fd, true, false))
		return -1;
	log_create(m, LOG_LEN);
	*state = m;
	return 0;
}

static int drop_log(void **state)
{
	cache = NULL;
	free(memory);
	memory = NULL;
	medium_close(*state);
	free(*state);
	return 0;
}

static struct media_entry dir_entry(const char *path)
{
	struct media_entry e = { .type = MEDIA_MKDIR, .dir.mode = 0755 };

	strcpy(e.dir.path, path);
	return e;
}

static void append(struct medium *m, const char *path)
{
	struct media_entry e = dir_entry(path);

	assert_int_equal(log_append(m, LOG_LEN, &e), 0);
}

struct walk {
	uint64_t seen;
	uint64_t bad;
	uint64_t last_bad;
	int last_rc;
	uint64_t stop_at;
};

static int visit(void *arg, uint64_t index, const struct media_entry *e,
		 int bad)
{
	struct walk *w = arg;
	char want[16];

	w->seen++;
	if (bad) {
		w->bad++;
		w->last_bad = index;
		w->last_rc = bad;
	} else {
		snprintf(want, sizeof(want), "d%u", (unsigned int)index);
		assert_string_equal(e->dir.path, want);
	}
	return w->stop_at && index == w->stop_at ? 77 : 0;
}

static void append_and_walk(void **state)
{
	struct medium *m = *state;
	struct walk w = { 0 };
	struct media_log log;
	unsigned int i;
	char path[16];

	assert_int_equal(log_header(m, LOG_LEN, &log), 0);
	assert_int_equal(log.next_index, 0);
	for (i = 0; i < 20; i++) {
		snprintf(path, sizeof(path), "d%u", i);
		append(m, path);
		assert_int_equal(log_header(m, LOG_LEN, &log), 0);
		assert_int_equal(log.next_index, i + 1);
		assert_int_equal(log.next_seqnum, i + 1);
	}
	assert_int_equal(log_walk(m, 0, log.next_index, visit, &w), 0);
	assert_int_equal(w.seen, 20);
	assert_int_equal(w.bad, 0);
	w = (struct walk){ .stop_at = 5 };
	assert_int_equal(log_walk(m, 3, log.next_index, visit, &w), 77);
	assert_int_equal(w.seen, 3);
}

/* One bad entry is named, and the others come through */
static void bad_entry_in_the_middle(void **state)
{
	struct medium *m = *state;
	struct walk w = { 0 };
	unsigned int i;
	char path[16];

	for (i = 0; i < 5; i++) {
		snprintf(path, sizeof(path), "d%u", i);
		append(m, path);
	}
	m->map[48 + 2 * 544 + 100] ^= 1;
	assert_int_equal(log_walk(m, 0, 5, visit, &w), 0);
	assert_int_equal(w.seen, 5);
	assert_int_equal(w.bad, 1);
	assert_int_equal(w.last_bad, 2);
	assert_int_equal(w.last_rc, MEDIA_ERR_ENTRY_CRC);

	/* A good entry in the wrong place: repeated or reordered */
	memcpy(m->map + 48 + 2 * 544, m->map + 48 + 3 * 544, 544);
	w = (struct walk){ 0 };
	assert_int_equal(log_walk(m, 0, 5, visit, &w), 0);
	assert_int_equal(w.bad, 1);
	assert_int_equal(w.last_bad, 2);
	assert_int_equal(w.last_rc, MEDIA_ERR_ENTRY_SEQ);
}

static uint8_t *entry_of(struct medium *m, unsigned int index)
{
	return m->map + MEDIA_HEADER_BYTES + index * MEDIA_ENTRY_BYTES;
}

static void five_entries(struct medium *m)
{
	unsigned int i;
	char path[16];

	for (i = 0; i < 5; i++) {
		snprintf(path, sizeof(path), "d%u", i);
		append(m, path);
	}
}

/* Only the first bytes of an entry have come: it alone is bad, wherever cut */
static void torn(void **state)
{
	uint8_t whole[MEDIA_ENTRY_BYTES];
	struct medium *m = *state;
	unsigned int bytes;

	five_entries(m);
	memcpy(whole, entry_of(m, 2), sizeof(whole));
	for (bytes = 0; bytes <= sizeof(whole); bytes++) {
		struct walk w = { 0 };
		bool same;

		memset(entry_of(m, 2), 0, sizeof(whole));
		memcpy(entry_of(m, 2), whole, bytes);
		/* The checksum's own last bytes are 0 anyway */
		same = !memcmp(entry_of(m, 2), whole, sizeof(whole));
		assert_int_equal(same, bytes >= sizeof(whole) - 4);
		assert_int_equal(log_walk(m, 0, 5, visit, &w), 0);
		assert_int_equal(w.seen, 5);
		assert_int_equal(w.bad, same ? 0 : 1);
		if (!same) {
			assert_int_equal(w.last_bad, 2);
			assert_int_equal(w.last_rc, MEDIA_ERR_ENTRY_CRC);
		}
	}
	/* Or the last bytes, over what another entry has left there */
	for (bytes = 1; bytes < sizeof(whole); bytes++) {
		struct walk w = { 0 };

		memcpy(entry_of(m, 2), entry_of(m, 1), sizeof(whole));
		memcpy(entry_of(m, 2) + sizeof(whole) - bytes,
		       whole + sizeof(whole) - bytes, bytes);
		assert_int_equal(log_walk(m, 0, 5, visit, &w), 0);
		assert_int_equal(w.bad, 1);
		assert_int_equal(w.last_bad, 2);
	}
}

/* Every entry in the place of every other, and two that have changed places */
static void out_of_order(void **state)
{
	uint8_t good[5 * MEDIA_ENTRY_BYTES];
	struct medium *m = *state;
	unsigned int a, b;

	five_entries(m);
	memcpy(good, entry_of(m, 0), sizeof(good));
	for (a = 0; a < 5; a++) {
		for (b = 0; b < 5; b++) {
			struct walk w = { 0 };

			if (a == b)
				continue;
			memcpy(entry_of(m, 0), good, sizeof(good));
			memcpy(entry_of(m, b), entry_of(m, a),
			       MEDIA_ENTRY_BYTES);
			assert_int_equal(log_walk(m, 0, 5, visit, &w), 0);
			assert_int_equal(w.seen, 5);
			assert_int_equal(w.bad, 1);
			assert_int_equal(w.last_bad, b);
			assert_int_equal(w.last_rc, MEDIA_ERR_ENTRY_SEQ);

			memcpy(entry_of(m, a), good + b * MEDIA_ENTRY_BYTES,
			       MEDIA_ENTRY_BYTES);
			w = (struct walk){ 0 };
			assert_int_equal(log_walk(m, 0, 5, visit, &w), 0);
			assert_int_equal(w.bad, 2);
			assert_int_equal(w.last_bad, a > b ? a : b);
			assert_int_equal(w.last_rc, MEDIA_ERR_ENTRY_SEQ);
		}
	}
}

/* A header that covers fewer entries than there are, or more */
static void truncated(void **state)
{
	struct medium *m = *state;
	struct media_log log;
	uint64_t n;

	five_entries(m);
	for (n = 0; n < 9; n++) {
		struct walk w = { 0 };

		medium_store64(m, MEDIA_HEADER_SEQ, n);
		medium_store64(m, MEDIA_HEADER_NEXT, n);
		assert_int_equal(log_header(m, LOG_LEN, &log), 0);
		assert_int_equal(log_walk(m, 0, log.next_index, visit, &w), 0);
		assert_int_equal(w.seen, n);
		assert_int_equal(w.bad, n > 5 ? n - 5 : 0);
		/* The two numbers go together */
		medium_store64(m, MEDIA_HEADER_SEQ, n + 2);
		assert_int_equal(log_header(m, LOG_LEN, &log),
				 MEDIA_ERR_LOG_SEQ);
	}
	n = media_log_capacity(LOG_LEN) + 1;
	medium_store64(m, MEDIA_HEADER_SEQ, n);
	medium_store64(m, MEDIA_HEADER_NEXT, n);
	assert_int_equal(log_header(m, LOG_LEN, &log), MEDIA_ERR_LOG_NEXT);
}

/* Another host made the file system anew, and logged as much as was there */
static void stale_and_good(void **state)
{
	struct medium *m = *state;
	struct walk w = { 0 };
	struct media_entry e;
	struct media_log log;
	unsigned int i;
	char path[16];

	for (i = 0; i < 9; i++) {
		snprintf(path, sizeof(path), "old%u", i);
		append(m, path);
	}
	memory = malloc(LOG_LEN);
	assert_non_null(memory);
	memcpy(memory, m->map, LOG_LEN);
	log_create(m, LOG_LEN);
	for (i = 0; i < 9; i++) {
		snprintf(path, sizeof(path), "d%u", i);
		append(m, path);
	}
	/* New is what the memory has, and old what is still in the cache */
	for (i = 0; i < LOG_LEN; i++) {
		uint8_t byte = memory[i];

		memory[i] = m->map[i];
		m->map[i] = byte;
	}
	cache = m->map;
	assert_int_equal(log_header(m, LOG_LEN, &log), 0);
	assert_int_equal(log.next_index, 9);
	/* Each is looked at for its path: the new ones are d0, d1 ... */
	assert_int_equal(log_walk(m, 0, 4, visit, &w), 0);
	assert_int_equal(log_walk(m, 4, 9, visit, &w), 0);
	assert_int_equal(w.seen, 9);
	assert_int_equal(w.bad, 0);

	/* A line may have come back when its entry was half written */
	memset(m->map + 48 + 8 * 544 + 200, 0xff, 64);
	assert_int_equal(log_entry(m, 8, &e), 0);
	assert_string_equal(e.dir.path, "d8");
	/* One that is bad in the memory is bad */
	memory[48 + 8 * 544 + 200] ^= 1;
	assert_int_equal(log_walk(m, 8, 9, visit, &w), 0);
	assert_int_equal(w.bad, 1);
}

/* Nothing of what was there before may come to light again */
static void made_anew(void **state)
{
	struct medium *m = *state;
	uint64_t i;

	memset(m->map, 0xa5, LOG_LEN);
	log_create(m, LOG_LEN);
	for (i = MEDIA_HEADER_BYTES; i < LOG_LEN; i++)
		if (m->map[i])
			fail_msg("byte %u is left", (unsigned int)i);
}

/* What is past the next index does not count, good as it may look */
static void cut_off_before_the_header(void **state)
{
	struct medium *m = *state;
	struct media_log log;
	struct walk w = { 0 };

	append(m, "d0");
	append(m, "other");
	medium_store64(m, MEDIA_HEADER_NEXT, 1);
	assert_int_equal(log_header(m, LOG_LEN, &log), 0);
	assert_int_equal(log.next_index, 1);
	assert_int_equal(log.next_seqnum, 2);
	append(m, "d1");
	assert_int_equal(log_header(m, LOG_LEN, &log), 0);
	assert_int_equal(log.next_index, 2);
	assert_int_equal(log.next_seqnum, 2);
	assert_int_equal(log_walk(m, 0, 2, visit, &w), 0);
	assert_int_equal(w.bad, 0);
}

static void full(void **state)
{
	struct media_entry e = dir_entry("last");
	struct medium *m = *state;
	uint64_t room = media_log_capacity(LOG_LEN);
	uint8_t tail[MEDIA_ENTRY_BYTES], *end;

	medium_store64(m, MEDIA_HEADER_SEQ, room - 1);
	medium_store64(m, MEDIA_HEADER_NEXT, room - 1);
	assert_int_equal(log_append(m, LOG_LEN, &e), 0);
	assert_int_equal(e.seqnum, room - 1);
	/* What is left at the end is too short for one more */
	end = m->map + 48 + room * 544;
	assert_true(end + sizeof(tail) > m->map + LOG_LEN);
	assert_int_equal(log_append(m, LOG_LEN, &e), -ENOSPC);
	assert_int_equal(log_entry(m, room - 1, &e), 0);
	assert_string_equal(e.dir.path, "last");
}

static void bad_header(void **state)
{
	struct media_entry e = dir_entry("x");
	struct medium *m = *state;
	uint8_t before[4096];
	struct media_log log;

	append(m, "d0");
	m->map[8] ^= 1;
	memcpy(before, m->map, sizeof(before));
	assert_int_equal(log_header(m, LOG_LEN, &log), MEDIA_ERR_LOG_CRC);
	assert_int_equal(log_append(m, LOG_LEN, &e), MEDIA_ERR_LOG_CRC);
	assert_memory_equal(m->map, before, sizeof(before));
	/* A file that is shorter than the superblock says */
	assert_int_equal(log_header(m, 2 * LOG_LEN, &log), -ERANGE);
	assert_string_equal(log_strerror(-ENOENT), strerror(ENOENT));
	assert_string_equal(log_strerror(MEDIA_ERR_LOG_CRC),
			    media_strerror(MEDIA_ERR_LOG_CRC));
}

/* 4 processes append 100 entries each: none may be lost or torn */
static void processes(void **state)
{
	struct medium *m = *state;
	struct names names = { 0 };
	struct media_entry e;
	struct media_log log;
	int i, k, status;
	pid_t pid[4];
	uint64_t n;

	for (i = 0; i < 4; i++) {
		pid[i] = fork();
		assert_true(pid[i] >= 0);
		if (pid[i])
			continue;
		/* A description of its own: flock(2) goes by that */
		char path[64];
		struct medium own;

		snprintf(path, sizeof(path), "/proc/self/fd/%d", m->fd);
		if (medium_open(&own, open(path, O_RDWR), true, false))
			_exit(1);
		for (k = 0; k < 100; k++) {
			e = dir_entry("");
			snprintf(e.dir.path, sizeof(e.dir.path), "p%d-%d", i,
				 k);
			if (log_lock(&own) || log_append(&own, LOG_LEN, &e))
				_exit(1);
			log_unlock(&own);
		}
		_exit(0);
	}
	for (i = 0; i < 4; i++) {
		assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(log_header(m, LOG_LEN, &log), 0);
	assert_int_equal(log.next_index, 400);
	for (n = 0; n < 400; n++) {
		assert_int_equal(log_entry(m, n, &e), 0);
		assert_int_equal(names_add(&names, &e, n, NULL), 0);
	}
	names_free(&names);
}

static void medium_edges(void **state)
{
	struct medium *m = *state, by_read;
	uint8_t buf[16], mapped[16];
	int fd;

	assert_int_equal(medium_load(m, LOG_LEN - 16, buf, 16), 0);
	assert_int_equal(medium_load(m, LOG_LEN - 15, buf, 16), -ERANGE);
	assert_int_equal(medium_load(m, LOG_LEN + 1, buf, 0), -ERANGE);
	assert_int_equal(medium_load(m, UINT64_MAX, buf, 16), -ERANGE);
	assert_int_equal(medium_load(m, 0, mapped, 16), 0);

	assert_int_equal(medium_open(&by_read, dup(m->fd), false, true), 0);
	assert_null(by_read.map);
	medium_drop(&by_read, 0, 16);
	assert_int_equal(medium_load(&by_read, 0, buf, 16), 0);
	assert_memory_equal(buf, mapped, 16);
	/* The file gets shorter under us: an error, not old bytes */
	assert_int_equal(ftruncate(by_read.fd, 8), 0);
	assert_int_equal(medium_load(&by_read, 0, buf, 16), -EIO);
	assert_int_equal(ftruncate(by_read.fd, LOG_LEN), 0);
	medium_close(&by_read);
	medium_close(&by_read);

	fd = memfd_create("empty", MFD_CLOEXEC);
	assert_int_equal(medium_open(&by_read, fd, false, false), -ENODATA);
	assert_int_equal(medium_open(&by_read, -1, false, false), -EBADF);
}

static void name_set(void **state)
{
	struct media_entry e = dir_entry("a");
	const struct name *there = NULL;
	struct names names = { 0 };

	(void)state;
	assert_null(names_find(&names, "a"));
	assert_true(names_has_parent(&names, "a"));
	assert_false(names_has_parent(&names, "a/b"));
	assert_int_equal(names_add(&names, &e, 7, NULL), 0);
	assert_true(names_has_parent(&names, "a/b"));
	assert_false(names_has_parent(&names, "a/b/c"));
	assert_int_equal(names_add(&names, &e, 8, &there), -EEXIST);
	assert_int_equal(there->index, 7);
	e = (struct media_entry){ .type = MEDIA_FILE };
	strcpy(e.file.path, "a/f");
	e.file.size = 5;
	assert_int_equal(names_add(&names, &e, 9, NULL), 0);
	assert_int_equal(names_find(&names, "a/f")->size, 5);
	/* A file is no directory for others */
	assert_false(names_has_parent(&names, "a/f/x"));
	names_free(&names);
	assert_null(names_find(&names, "a"));
}

#define LOG_CASE(fn) cmocka_unit_test_setup_teardown(fn, new_log, drop_log)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOG_CASE(append_and_walk),
		LOG_CASE(bad_entry_in_the_middle),
		LOG_CASE(torn),
		LOG_CASE(out_of_order),
		LOG_CASE(truncated),
		LOG_CASE(stale_and_good),
		LOG_CASE(made_anew),
		LOG_CASE(cut_off_before_the_header),
		LOG_CASE(full),
		LOG_CASE(bad_header),
		LOG_CASE(processes),
		LOG_CASE(medium_edges),
		CASE(name_set),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
