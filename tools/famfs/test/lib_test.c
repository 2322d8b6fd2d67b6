// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libfamfs as another program uses it: by its header and the shared library
 * alone. Prints TAP. The mount that is its argument has to be a fresh one, on the
 * master; "client" as a second argument says that this host is a client, "dry"
 * that its log has a file called "logged" that was not played.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libfamfs.h"

static unsigned int number, failed;
static const char *dir;
static bool good;

#define check(what) do {						\
	if (!(what)) {							\
		printf("# line %d: %s (%s)\n", __LINE__, #what,		\
		       famfs_message());				\
		good = false;						\
	}								\
} while (0)

static struct famfs_new new_file(const char *path, uint64_t size)
{
	return (struct famfs_new){ .path = path, .size = size, .mode = 0640 };
}

struct seen {
	unsigned int n;
	struct famfs_entry last;
};

static int look(void *arg, const struct famfs_entry *e)
{
	struct seen *s = arg;

	check(e->index == s->n);
	check(!e->wrong);
	s->n++;
	s->last = *e;
	return strcmp(e->path, "stop") ? 0 : 77;
}

static void refused(void)
{
	char none[4096];
	struct famfs *fs;

	check(famfs_open(&fs, "/", 0) == -ENOTTY);
	check(!fs && strstr(famfs_message(), "not in a famfs mount"));
	check(famfs_open(&fs, "/none/such", 0) == -ENOENT);
	check(famfs_open(&fs, "/none", 0) == -ENOENT);
	check(!fs && strstr(famfs_message(), "/none: No such file"));
	snprintf(none, sizeof(none), "%s/none", dir);
	check(famfs_open(&fs, none, 0) == -ENOENT);
	check(famfs_open(&fs, dir, 1U << 31) == -EINVAL);
	check(famfs_open(&fs, "", 0) == -ENOENT);
	check(famfs_open(&fs, dir, FAMFS_OPEN_DRYRUN) == -EINVAL);
	check(famfs_open(&fs, dir, FAMFS_OPEN_WRITE | FAMFS_OPEN_BY_READ) ==
	      -EINVAL);
	famfs_close(NULL);
}

static void made_and_found(void)
{
	struct famfs_new node = { .path = "lib", .mode = 0755, .uid = 1 };
	struct famfs_new file = new_file("lib/a", 5 << 20);
	struct famfs_statistics before, after;
	struct famfs_layout layout;
	struct seen seen = { 0 };
	struct famfs *fs;
	int fd;

	check(!famfs_open(&fs, dir, FAMFS_OPEN_WRITE));
	check(!famfs_get_statistics(fs, &before));
	check(before.is_master && !before.log_entries && before.free);
	check(!famfs_mkdir(fs, &node));
	check(famfs_mkdir(fs, &node) == 1);
	check(!famfs_hold(fs));
	check(!famfs_allocate(fs, &file, &layout));
	check(layout.count == 1 && !layout.chunk);
	check(!famfs_create(fs, &file, &fd));
	famfs_release(fs);
	check(pwrite(fd, "library", 7, 5) == 7);
	close(fd);
	check(famfs_create(fs, &file, &fd) == 1);
	close(fd);
	check(!famfs_walk(fs, 0, look, &seen));
	check(seen.n == 2);
	check(seen.last.type == FAMFS_ENTRY_FILE && seen.last.size == 5 << 20);
	check(seen.last.mode == 0640 && !strcmp(seen.last.path, "lib/a"));
	/* It went where it was said that it would */
	check(!memcmp(&layout, &seen.last.layout, sizeof(layout)));
	check(!famfs_get_statistics(fs, &after));
	check(after.log_entries == 2);
	check(before.free - after.free == layout.extent[0].length);
	/* Visitors may end the walk; one past the end sees nothing */
	file = new_file("stop", 1);
	check(!famfs_create(fs, &file, NULL));
	seen.n = 0;
	check(famfs_walk(fs, 0, look, &seen) == 77);
	check(!famfs_walk(fs, 1000, look, &seen));
	famfs_close(fs);
}

#define NR_BAD	16

static void not_made(void)
{
	char too_long[FAMFS_PATH_MAX + 2];
	struct famfs_new bad[NR_BAD] = {
		new_file("lib/empty", 0),
		new_file("lib/a", 1),		/* has another size */
		new_file("lib", 1),
		new_file("none/x", 1),
		new_file("../x", 1),
		new_file("/x", 1),
		new_file("", 1),
		new_file(".meta/x", 1),
		new_file("large", 1ULL << 50),
		new_file("strips", 1 << 20),
		new_file("chunk", 64 << 20),
		new_file("mode", 1),
		new_file(too_long, 1),
		new_file("uid", 1),
		new_file("gid", 1),
		new_file("later", 1),
	};
	struct famfs_statistics st;
	struct famfs *fs, *reader;
	struct famfs_layout l;
	size_t i;
	int fd;

	memset(too_long, 'x', sizeof(too_long) - 1);
	too_long[sizeof(too_long) - 1] = '\0';
	bad[9].strips = 17;
	bad[10].strips = 2;
	bad[10].chunk = 5000;
	bad[11].mode = 0100644;
	bad[13].uid = -1;
	bad[14].gid = -1;
	bad[15].reserved[1] = 1;
	check(!famfs_open(&fs, dir, FAMFS_OPEN_WRITE));
	for (i = 0; i < NR_BAD; i++) {
		check(famfs_create(fs, &bad[i], &fd) < 0);
		check(fd == -1 && *famfs_message());
	}
	check(famfs_allocate(fs, &bad[8], &l) == -ENOSPC);
	check(famfs_allocate(fs, &bad[0], &l) == -EINVAL);
	check(!famfs_get_statistics(fs, &st) && st.log_entries == 3);
	/* Without having said so nobody makes anything */
	check(!famfs_open(&reader, dir, FAMFS_OPEN_BY_READ));
	bad[0].size = 1;
	check(famfs_create(reader, &bad[0], NULL) == -EBADF);
	check(famfs_mkdir(reader, &bad[0]) == -EBADF);
	check(famfs_hold(reader) == -EBADF);
	famfs_release(reader);
	check(!famfs_get_statistics(reader, &st) && !st.free);
	famfs_close(reader);
	famfs_close(fs);
	check(!famfs_open(&fs, dir, FAMFS_OPEN_WRITE | FAMFS_OPEN_DRYRUN));
	check(!famfs_create(fs, &bad[0], &fd) && fd == -1);
	famfs_close(fs);
	check(!famfs_open(&fs, dir, 0));
	check(!famfs_get_statistics(fs, &st) && st.log_entries == 3);
	famfs_close(fs);
}

static void mapped(void)
{
	struct famfs *fs;
	size_t len;
	void *p;

	check(!famfs_open(&fs, dir, 0));
	check(!famfs_map(fs, "lib/a", PROT_READ | PROT_WRITE, &p, &len));
	check(len == 5 << 20);
	famfs_invalidate(p, 64);
	check(!memcmp((char *)p + 5, "library", 7));
	strcpy((char *)p + len - 8, "stored");
	famfs_flush((char *)p + len - 8, 8);
	munmap(p, len);
	check(!famfs_map(fs, "lib/a", PROT_READ, &p, &len));
	check(!strcmp((char *)p + len - 8, "stored"));
	munmap(p, len);
	check(famfs_map(fs, "lib", PROT_READ, &p, &len) == -ENODATA && !p);
	check(famfs_map(fs, "none", PROT_READ, &p, &len) == -ENOENT);
	check(famfs_map(fs, "../etc/passwd", PROT_READ, &p, &len) == -EXDEV);
	famfs_close(fs);
}

/* Two sessions, in two processes, both adding as fast as they can */
static void side_by_side(void)
{
	struct famfs_statistics st;
	struct famfs *fs;
	char path[32];
	int i, status;
	pid_t pid = fork();

	check(!famfs_open(&fs, dir, FAMFS_OPEN_WRITE));
	for (i = 0; i < 50; i++) {
		struct famfs_new file;

		snprintf(path, sizeof(path), "%s%d", pid ? "p" : "c", i);
		file = new_file(path, 1);
		check(!famfs_create(fs, &file, NULL));
	}
	if (!pid)
		_exit(!good);
	check(waitpid(pid, &status, 0) == pid && !status);
	check(!famfs_get_statistics(fs, &st) && st.log_entries == 103);
	check(!famfs_play(fs));
	check(!famfs_hold(fs));
	check(famfs_play(fs) == -EBUSY);
	/* To be asked about it does not end the hold */
	check(!famfs_get_statistics(fs, &st));
	check(famfs_play(fs) == -EBUSY);
	famfs_release(fs);
	check(!famfs_play(fs));
	famfs_close(fs);
}

static void format(void)
{
	struct famfs_entry e = {
		.index = 7,
		.type = FAMFS_ENTRY_FILE,
		.mode = 0600,
		.size = 4 << 20,
		.path = "a/b",
		.layout = {
			.chunk = 2 << 20,
			.count = 2,
			.extent = { { 0, 16 << 20, 2 << 20 },
				    { 1, 16 << 20, 2 << 20 } },
		},
	}, back;
	char buf[545];

	/* At any alignment */
	check(famfs_encode_entry(&e, buf + 1, 544) == 544);
	check(famfs_encode_entry(&e, buf, 543) == -EINVAL);
	check(!famfs_decode_entry(buf + 1, 544, 7, &back));
	check(!memcmp(&e, &back, sizeof(e)));
	check(famfs_decode_entry(buf + 1, 544, 8, &back) == -EINVAL);
	check(back.wrong && strstr(back.wrong, "sequence"));
	check(strstr(famfs_message(), "log entry 8: sequence"));
	check(famfs_decode_entry(buf + 1, 543, 7, &back) == -EINVAL);
	buf[100] ^= 1;
	check(famfs_decode_entry(buf + 1, 544, 7, &back) == -EINVAL);
	strcpy(e.path, "../b");
	check(famfs_encode_entry(&e, buf, 544) == -EINVAL);
	check(strstr(famfs_message(), ".. part"));
	memset(e.path, 'x', sizeof(e.path));
	check(famfs_encode_entry(&e, buf, 544) == -EINVAL);
	check(strstr(famfs_message(), "entry: path is not terminated"));
	e = (struct famfs_entry){ .layout.count = 17, .path = "x" };
	check(famfs_encode_entry(&e, buf, 544) == -EINVAL);
	e = (struct famfs_entry){ .type = FAMFS_ENTRY_DEVICE, .device = 1,
				  .size = 1 << 30, .uuid = "uuid" };
	check(famfs_encode_entry(&e, buf, 544) == 544);
	check(!famfs_decode_entry(buf, 544, 0, &back) && back.device == 1);
}

static void *nothing(void *arg)
{
	return arg;
}

/* The library takes next to nothing of each thread's stack */
static void small_threads(void)
{
	pthread_attr_t attr;
	pthread_t thread;
	int rc;

	pthread_attr_init(&attr);
	check(!pthread_attr_setstacksize(&attr, PTHREAD_STACK_MIN));
	rc = pthread_create(&thread, &attr, nothing, NULL);
	check(!rc);
	if (!rc)
		pthread_join(thread, NULL);
	pthread_attr_destroy(&attr);
}

static void on_a_client(void)
{
	struct famfs_statistics st;
	struct seen seen = { 0 };
	struct famfs *fs;

	check(famfs_open(&fs, dir, FAMFS_OPEN_WRITE) == -EROFS);
	check(strstr(famfs_message(), "only its master"));
	check(!famfs_open(&fs, dir, 0));
	check(!famfs_get_statistics(fs, &st) && !st.is_master);
	check(famfs_walk(fs, 0, look, &seen) == 77);
	check(!famfs_play(fs));
	famfs_close(fs);
}

/* What somebody has logged is not made by a dry run */
static void play_dry(void)
{
	char path[4096];
	struct famfs *fs;

	snprintf(path, sizeof(path), "%s/logged", dir);
	check(!famfs_open(&fs, dir, FAMFS_OPEN_WRITE | FAMFS_OPEN_DRYRUN));
	check(!famfs_play(fs));
	check(access(path, F_OK));
	famfs_close(fs);
	check(!famfs_open(&fs, dir, 0));
	check(!famfs_play(fs));
	check(!access(path, F_OK));
	famfs_close(fs);
}

static void run(void (*fn)(void), const char *name)
{
	good = true;
	fn();
	printf("%sok %u - %s\n", good ? "" : "not ", ++number, name);
	fflush(stdout);
	failed += !good;
}

int main(int argc, char **argv)
{
	dir = argc > 1 ? argv[1] : ".";
	printf("TAP version 13\n1..%d\n", argc > 2 ? 1 : 7);
	fflush(stdout);
	if (argc > 2 && !strcmp(argv[2], "dry")) {
		run(play_dry, "play_dry");
		return failed != 0;
	}
	if (argc > 2) {
		run(on_a_client, "on_a_client");
		return failed != 0;
	}
	run(refused, "refused");
	run(made_and_found, "made_and_found");
	run(not_made, "not_made");
	run(mapped, "mapped");
	run(side_by_side, "side_by_side");
	run(format, "format");
	run(small_threads, "small_threads");
	return failed != 0;
}
