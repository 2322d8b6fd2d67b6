// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * No memory: each allocation of an operation fails in turn. What can't be done
 * then has to be said and to be an error, or it was done; nothing may leak (the
 * sanitized build tells), and the file system has to be good and to take the
 * same operation afterwards.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <search.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"

#include "check.h"
#include "kernel_shim.h"
#include "log.h"
#include "meta.h"
#include "mountopts.h"
#include "replay.h"
#include "session.h"

#define DIR_TEMPLATE	"/tmp/famfs-test.XXXXXX"
#define ROOM		(64ULL << 20)
#define MIB		(1ULL << 20)

static char dir[sizeof(DIR_TEMPLATE)] = DIR_TEMPLATE;
static int root = -1;

/* Allocations that succeed until one fails; 0: none fails */
static unsigned int left;
static bool failed;

static bool fails(void)
{
	if (!left || --left)
		return false;
	failed = true;
	errno = ENOMEM;
	return true;
}

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__real_reallocarray(void *old, size_t n, size_t size);
void *__wrap_reallocarray(void *old, size_t n, size_t size);
char *__real_strdup(const char *s);
char *__wrap_strdup(const char *s);
char *__real_strndup(const char *s, size_t n);
char *__wrap_strndup(const char *s, size_t n);
int __real_vasprintf(char **text, const char *fmt, va_list ap);
int __wrap_vasprintf(char **text, const char *fmt, va_list ap);
void *__real_tsearch(const void *key, void **tree,
		     int (*cmp)(const void *a, const void *b));
void *__wrap_tsearch(const void *key, void **tree,
		     int (*cmp)(const void *a, const void *b));
int __wrap_identity_get(uint8_t uuid[16]);
int __wrap_kern_may_map(int fd);
int __wrap_kern_map_get(int fd, struct famfs_fmap_header **msg);

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return fails() ? NULL : __real_realloc(old, size);
}

void *__wrap_reallocarray(void *old, size_t n, size_t size)
{
	return fails() ? NULL : __real_reallocarray(old, n, size);
}

char *__wrap_strdup(const char *s)
{
	return fails() ? NULL : __real_strdup(s);
}

char *__wrap_strndup(const char *s, size_t n)
{
	return fails() ? NULL : __real_strndup(s, n);
}

int __wrap_vasprintf(char **text, const char *fmt, va_list ap)
{
	return fails() ? -1 : __real_vasprintf(text, fmt, ap);
}

void *__wrap_tsearch(const void *key, void **tree,
		     int (*cmp)(const void *a, const void *b))
{
	return fails() ? NULL : __real_tsearch(key, tree, cmp);
}

int __wrap_identity_get(uint8_t uuid[16])
{
	memset(uuid, 0, 16);
	return 0;
}

int __wrap_kern_may_map(int fd)
{
	(void)fd;
	return 0;
}

int __wrap_kern_map_get(int fd, struct famfs_fmap_header **msg)
{
	(void)msg;
	return shim_find(fd) ? -EIO : -ENODATA;
}

/* --- the file system --------------------------------------------------------*/

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)st;
	(void)type;
	return ftw->level ? remove(path) : 0;
}

static void put(const char *name, uint64_t size, const void *buf, size_t len)
{
	int fd = openat(root, name, O_RDWR | O_CREAT | O_EXCL, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	assert_int_equal(pwrite(fd, buf, len, 0), (ssize_t)len);
	close(fd);
}

/* With a directory and two files */
static void put_media(void)
{
	static const struct media_super sb = {
		.version = 48,
		.log_offset = MEDIA_LOG_OFFSET,
		.log_len = MEDIA_LOG_MIN,
		.alloc_unit = MEDIA_UNIT_2M,
		.omf_major = 2,
		.omf_minor = 2,
		.dev_size = ROOM,
	};
	struct media_entry e[] = {
		{ .type = MEDIA_MKDIR, .dir = { .mode = 0755, .path = "d" } },
		{
			.type = MEDIA_FILE,
			.file = {
				.size = MIB,
				.mode = 0644,
				.path = "d/f",
				.map = {
					.count = 1,
					.ext = { { 0, 20 * MIB, 2 * MIB } },
				},
			},
		},
		{
			.type = MEDIA_FILE,
			.file = {
				.size = MIB,
				.mode = 0644,
				.path = "g",
				.map = {
					.count = 1,
					.ext = { { 0, 30 * MIB, 2 * MIB } },
				},
			},
		},
	};
	const struct media_log log = {
		.len = MEDIA_LOG_MIN,
		.last_index = media_log_capacity(MEDIA_LOG_MIN) - 1,
		.next_seqnum = ARRAY_SIZE(e),
		.next_index = ARRAY_SIZE(e),
	};
	uint8_t buf[MEDIA_HEADER_BYTES + ARRAY_SIZE(e) * MEDIA_ENTRY_BYTES];
	uint8_t super[MEDIA_SB_BYTES];
	size_t i;

	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	assert_int_equal(mkdirat(root, MEDIA_META_DIR, 0700), 0);
	media_super_encode(&sb, super);
	put(META_SUPER, MEDIA_SB_LEN, super, sizeof(super));
	media_log_encode(&log, buf);
	for (i = 0; i < ARRAY_SIZE(e); i++) {
		e[i].seqnum = i;
		media_entry_encode(&e[i], buf + MEDIA_HEADER_BYTES +
				   i * MEDIA_ENTRY_BYTES);
	}
	put(META_LOG, MEDIA_LOG_MIN, buf, sizeof(buf));
	shim_reset(MEDIA_LOG_OFFSET + MEDIA_LOG_MIN, ROOM);
}

static int replay(void)
{
	struct replay r = { .name = "test", .master = true };
	struct fs fs;
	int rc = fs_open(&fs, root, "test", 0);

	if (rc)
		return rc;
	r.fs = &fs;
	rc = replay_log(&r);
	fs_close(&fs);
	return rc ? rc : r.errors ? -EIO : 0;
}

static int check(void)
{
	struct check c = { .name = "test" };
	struct fs fs;
	int rc = fs_open(&fs, root, "test", 0);

	if (rc)
		return rc;
	c.fs = &fs;
	rc = check_fs(&c);
	check_print(&c, CHECK_ERRORS);
	rc = rc ? rc : c.errors ? -EIO : 0;
	check_free(&c);
	fs_close(&fs);
	return rc;
}

static int add(struct stripes stripes, bool directory)
{
	const struct new_node node = {
		.path = "d/new",
		.size = 5 * MIB,
		.mode = 0755,
		.stripes = stripes,
	};
	struct session s;
	bool there;
	int rc;

	rc = session_open(&s, root, "test", false);
	if (rc)
		return rc;
	rc = directory ? session_mkdir(&s, &node, &there)
		       : session_creat(&s, &node, &there);
	session_close(&s);
	return rc;
}

static int add_file(void)
{
	return add((struct stripes){ 0 }, false);
}

static int add_striped(void)
{
	return add((struct stripes){ 2, 2 * MIB, 4 }, false);
}

static int add_dir(void)
{
	return add((struct stripes){ 0 }, true);
}

/* --- what is claimed --------------------------------------------------------*/

/* Each allocation of @fn in turn, of which there are @least, or more */
static void sweep(int (*fn)(void), unsigned int least)
{
	unsigned int n;
	int rc;

	for (n = 1; ; n++) {
		put_media();
		assert_int_equal(fn == replay ? 0 : replay(), 0);
		test_messages = 0;
		failed = false;
		left = n;
		rc = fn();
		left = 0;
		if (!failed)
			break;
		assert_true(rc <= 0);
		assert_true(!rc || test_messages);
		/* It works again, and all is well */
		assert_int_equal(fn(), 0);
		assert_int_equal(check(), 0);
	}
	assert_int_equal(rc, 0);
	assert_true(n > least);
	print_message("# %u allocations\n", n - 1);
}

static void replays(void **state)
{
	(void)state;
	sweep(replay, 0);
}

static void checks(void **state)
{
	(void)state;
	sweep(check, 5);
}

static void sessions(void **state)
{
	(void)state;
	sweep(add_file, 6);
	sweep(add_striped, 7);
	sweep(add_dir, 5);
}

static void append(struct session *s, struct media_entry e)
{
	assert_int_equal(log_append(&s->fs.log, s->fs.sb.log_len, &e), 0);
}

/* What others have appended is taken in once, however often that is begun */
static void catching_up(void **state)
{
	struct session s;
	unsigned int n;
	int rc;

	(void)state;
	for (n = 1; ; n++) {
		put_media();
		shim.devices = 2;
		assert_int_equal(session_open(&s, root, "test", false), 0);
		append(&s, (struct media_entry){
			.type = MEDIA_DAXDEV,
			.daxdev = { .index = 1, .size = ROOM, .uuid = "one" },
		});
		append(&s, (struct media_entry){
			.type = MEDIA_MKDIR,
			.dir = { .mode = 0755, .path = "late" },
		});
		failed = false;
		left = n;
		rc = session_hold(&s);
		left = 0;
		if (failed) {
			assert_int_equal(rc, -ENOMEM);
			rc = session_hold(&s);
		}
		assert_int_equal(rc, 0);
		assert_int_equal(alloc_devices(s.alloc), 2);
		assert_non_null(names_find(&s.names, "late"));
		session_close(&s);
		if (!failed)
			break;
	}
	assert_true(n > 3);
}

static int parse(void)
{
	struct mountopts o = { 0 };
	int rc = mountopts_parse(&o, "ro,plain,with=value,nomode");

	mountopts_free(&o);
	return rc;
}

static void mount_options(void **state)
{
	unsigned int n;

	(void)state;
	for (n = 1; ; n++) {
		failed = false;
		left = n;
		if (!parse())
			break;
		assert_true(failed);
	}
	left = 0;
	assert_false(failed);
	assert_true(n > 8);
}

static int make_dir(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	root = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	famfs_set_sink(test_sink);
	return root < 0;
}

static int remove_dir(void **state)
{
	(void)state;
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	close(root);
	shim_reset(0, 0);
	famfs_set_sink(NULL);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		CASE(replays),
		CASE(checks),
		CASE(sessions),
		CASE(catching_up),
		CASE(mount_options),
	};

	return cmocka_run_group_tests_name("memory", cases, make_dir,
					   remove_dir);
}
