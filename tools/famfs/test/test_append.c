// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An append is exact: entry, flush, header, flush, and no store elsewhere.
 * Whoever is killed between any two instructions of it leaves a valid log that
 * has the new entry or has not. The latter is taken by its word: a process that
 * appends is run instruction by instruction, and after each of them the log is
 * looked at, as another process sees it, and as another host could: of all that
 * is not flushed yet, the cache may have written back any line or none.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

#include "cpucache.h"
#include "log.h"

#define LOG_LEN		MEDIA_LOG_MIN
#define LINE		64U
/* As much of the log as the tests that look at all of it write on */
#define PART		4096U

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__)
#define BY_INSTRUCTION
#endif

struct append_test {
	struct medium log;
	uint8_t *before;		/* the log before the append */
	struct media_entry entry;
	uint64_t index;			/* where the entry has to go */
	unsigned int flushes;
};

static struct append_test *in_order;	/* whose append is looked at */

/* Of the process that is killed again and again, and the one that looks on */
static struct shared {
	volatile uint64_t flushed;	/* line, counted from 1; 0: none */
	volatile bool appending;
} *shared;

static const uint8_t *shared_base;

void __real_cpucache_writeback(const void *addr, size_t len);
void __wrap_cpucache_writeback(const void *addr, size_t len);

static uint64_t entry_at(uint64_t index)
{
	return MEDIA_HEADER_BYTES + index * MEDIA_ENTRY_BYTES;
}

/* What the log has to be when the entry, the header too, is in place */
static void expect(const struct append_test *t, bool header)
{
	uint8_t entry[MEDIA_ENTRY_BYTES], head[MEDIA_HEADER_BYTES];
	uint64_t at = entry_at(t->index), end = at + MEDIA_ENTRY_BYTES;
	struct media_entry e = t->entry;

	e.seqnum = t->index;
	media_entry_encode(&e, entry);
	memcpy(head, t->before, sizeof(head));
	if (header) {
		head[32] = t->index + 1;
		head[33] = (t->index + 1) >> 8;
		memcpy(head + 40, head + 32, 8);
	}
	assert_memory_equal(t->log.map, head, sizeof(head));
	assert_memory_equal(t->log.map + sizeof(head), t->before + sizeof(head),
			    at - sizeof(head));
	assert_memory_equal(t->log.map + at, entry, sizeof(entry));
	assert_memory_equal(t->log.map + end, t->before + end, LOG_LEN - end);
}

static void look(struct append_test *t, uint64_t from, uint64_t len)
{
	/* It may flush more than that, if in the lines that it has to flush */
	switch (++t->flushes) {
	case 1:
		expect(t, false);
		assert_in_range(from, entry_at(t->index) / LINE * LINE,
				entry_at(t->index));
		assert_true(from + len >= entry_at(t->index + 1));
		assert_true(from + len < entry_at(t->index + 1) + LINE);
		break;
	case 2:
		expect(t, true);
		assert_int_equal(from, 0);
		assert_in_range(len, MEDIA_HEADER_BYTES, LINE);
		break;
	default:
		fail_msg("flush %u, of %u bytes at %u", t->flushes,
			 (unsigned int)len, (unsigned int)from);
	}
}

void __wrap_cpucache_writeback(const void *addr, size_t len)
{
	if (in_order) {
		look(in_order, (const uint8_t *)addr - in_order->log.map, len);
	} else if (shared && shared->appending) {
		uint64_t at = (const uint8_t *)addr - shared_base;
		uint64_t line;

		/* The one that looks on takes each as soon as it is named */
		for (line = at / LINE; line * LINE < at + len; line++)
			shared->flushed = line + 1;
	}
	__real_cpucache_writeback(addr, len);
}

static struct media_entry some_entry(unsigned int i)
{
	struct media_entry e = { .type = MEDIA_MKDIR, .dir.mode = 0755 };

	if (i % 2) {
		e = (struct media_entry){ .type = MEDIA_FILE };
		e.file.mode = 0644;
		e.file.size = 16 * MEDIA_PAGE;
		e.file.map.type = MEDIA_INTERLEAVED;
		e.file.map.chunk_size = MEDIA_PAGE;
		for (i = 0; i < MEDIA_MAX_EXTENTS; i++) {
			e.file.map.ext[i].dev = i;
			e.file.map.ext[i].offset = (1ULL << 40) + i * MEDIA_PAGE;
			e.file.map.ext[i].len = MEDIA_PAGE;
		}
		e.file.map.count = i;
	}
	/* Both have room for the longest path, and one field of it is enough */
	memset(e.type == MEDIA_FILE ? e.file.path : e.dir.path, 'p',
	       MEDIA_PATH_MAX);
	return e;
}

static int new_log(void **state)
{
	struct append_test *t = calloc(1, sizeof(*t));
	int fd = memfd_create("log", MFD_CLOEXEC);

	if (!t || fd < 0 || ftruncate(fd, LOG_LEN) ||
	    medium_open(&t->log, fd, true, false))
		return -1;
	t->before = malloc(LOG_LEN);
	if (!t->before)
		return -1;
	log_create(&t->log, LOG_LEN);
	*state = t;
	return 0;
}

static int drop_log(void **state)
{
	struct append_test *t = *state;

	in_order = NULL;
	medium_close(&t->log);
	free(t->before);
	free(t);
	return 0;
}

static void order(void **state)
{
	struct append_test *t = *state;
	const uint64_t last = media_log_capacity(LOG_LEN) - 1;
	const uint64_t at[] = { 0, 1, 2, 3, 100, last };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(at); i++) {
		t->index = at[i];
		t->entry = some_entry(i);
		t->flushes = 0;
		/* Whatever was there before is what has to stay there */
		memset(t->log.map + MEDIA_HEADER_BYTES, 0xa0 + i,
		       LOG_LEN - MEDIA_HEADER_BYTES);
		medium_store64(&t->log, MEDIA_HEADER_SEQ, at[i]);
		medium_store64(&t->log, MEDIA_HEADER_NEXT, at[i]);
		memcpy(t->before, t->log.map, LOG_LEN);

		in_order = t;
		assert_int_equal(log_append(&t->log, LOG_LEN, &t->entry), 0);
		in_order = NULL;
		assert_int_equal(t->flushes, 2);
		expect(t, true);
	}
	/* Full: nothing is stored and nothing is flushed */
	memcpy(t->before, t->log.map, LOG_LEN);
	t->flushes = 0;
	in_order = t;
	assert_int_equal(log_append(&t->log, LOG_LEN, &t->entry), -ENOSPC);
	in_order = NULL;
	assert_int_equal(t->flushes, 0);
	assert_memory_equal(t->log.map, t->before, LOG_LEN);
}

/* Steps of a sanitizer's code, or of another machine's, would tell nothing */
#ifdef BY_INSTRUCTION

struct onlooker {
	const struct append_test *t;
	uint8_t seen[PART];		/* as at the last instruction */
	uint8_t memory[PART];		/* what was flushed */
	unsigned int steps;
	unsigned int states;		/* that differed */
	bool without;			/* there was one without the entry */
	bool with;
};

/* A log is valid if all that its header covers is; it says if that is more */
static bool valid(struct onlooker *o, const uint8_t *log, const char *whose)
{
	const struct append_test *t = o->t;
	struct media_entry e;
	struct media_log head;
	int rc;
	uint64_t i;

	rc = media_log_decode(&head, LOG_LEN, log);
	if (rc)
		fail_msg("step %u: %s: header: %s", o->steps, whose,
			 media_strerror(rc));
	if (head.next_index != t->index && head.next_index != t->index + 1)
		fail_msg("step %u: %s: next index is %u", o->steps, whose,
			 (unsigned int)head.next_index);
	for (i = 0; i < head.next_index; i++) {
		rc = media_entry_decode(&e, i, log + entry_at(i));
		if (rc)
			fail_msg("step %u: %s: entry %u: %s", o->steps, whose,
				 (unsigned int)i, media_strerror(rc));
	}
	if (head.next_index == t->index)
		return false;
	assert_int_equal(e.type, t->entry.type);
	assert_string_equal(media_entry_path(&e), media_entry_path(&t->entry));
	return true;
}

/* Of the lines that are not flushed, one has come out of the cache, or stayed */
static void valid_by_lines(struct onlooker *o)
{
	uint8_t log[PART];
	unsigned int off;

	valid(o, o->memory, "what was flushed");
	for (off = 0; off < PART; off += LINE) {
		if (!memcmp(o->memory + off, o->seen + off, LINE))
			continue;
		memcpy(log, o->memory, PART);
		memcpy(log + off, o->seen + off, LINE);
		valid(o, log, "one line more than what was flushed");
		memcpy(log, o->seen, PART);
		memcpy(log + off, o->memory + off, LINE);
		/* Whoever has the header has the entry, flushed before it */
		valid(o, log, "all but one line");
	}
}

static void look_on(struct onlooker *o)
{
	uint64_t line = shared->flushed;
	const uint8_t *log = o->t->log.map;
	bool changed = false;

	o->steps++;
	if (memcmp(o->seen, log, PART)) {
		memcpy(o->seen, log, PART);
		changed = true;
	}
	if (line) {
		shared->flushed = 0;
		assert_true(line * LINE <= PART);
		memcpy(o->memory + (line - 1) * LINE, log + (line - 1) * LINE,
		       LINE);
		changed = true;
	}
	if (!changed && o->steps > 1)
		return;
	o->states++;
	if (valid(o, o->seen, "on this host"))
		o->with = true;
	else
		o->without = true;
	valid_by_lines(o);
}

static void append_traced(struct append_test *t)
{
	int rc;

	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
		_exit(77);
	raise(SIGSTOP);
	shared->appending = true;
	rc = log_append(&t->log, LOG_LEN, &t->entry);
	shared->appending = false;
	_exit(rc ? 1 : 0);
}

static void step(struct onlooker *o, pid_t pid)
{
	bool begun = false;
	int status;

	for (;;) {
		assert_int_equal(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSTOPPED(status));
		assert_int_equal(WSTOPSIG(status), SIGTRAP);
		if (shared->appending) {
			begun = true;
			look_on(o);
		} else if (begun) {
			break;
		}
	}
	assert_int_equal(ptrace(PTRACE_CONT, pid, NULL, NULL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void any_instruction(void **state)
{
	struct append_test *t = *state;
	struct onlooker o;
	int status;
	pid_t pid;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(shared, MAP_FAILED);
	shared_base = t->log.map;
	for (t->index = 0; entry_at(t->index + 1) <= PART; t->index++) {
		t->entry = some_entry(t->index);
		o = (struct onlooker){ .t = t };
		memcpy(o.seen, t->log.map, PART);
		memcpy(o.memory, t->log.map, PART);
		pid = fork();
		assert_true(pid >= 0);
		if (!pid)
			append_traced(t);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
			print_message("# ptrace(2) is not allowed here\n");
			skip();
		}
		assert_true(WIFSTOPPED(status));
		step(&o, pid);
		/* It was looked at, and all of what there is to see was seen */
		assert_true(o.steps > 500);
		assert_true(o.states > 10);
		assert_true(o.without && o.with);
		assert_memory_equal(o.memory, t->log.map, PART);
		print_message("# entry %u: %u instructions, %u states\n",
			      (unsigned int)t->index, o.steps, o.states);
	}
	munmap(shared, sizeof(*shared));
	shared = NULL;
}

#endif /* BY_INSTRUCTION */

#define LOG_CASE(fn) cmocka_unit_test_setup_teardown(fn, new_log, drop_log)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOG_CASE(order),
#ifdef BY_INSTRUCTION
		LOG_CASE(any_instruction),
#endif
	};

	return cmocka_run_group_tests_name("append", tests, NULL, NULL);
}
