// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Replay into a directory, with the kernel's part played by kernel_shim.h: what
 * is made, what is refused, and that an entry that is refused leaves nothing
 * behind and keeps no other from being played.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"

#include "kernel_shim.h"
#include "log.h"
#include "replay.h"
#include "session.h"

#define MIB		0x100000ULL
#define LOG_LEN		MEDIA_LOG_MIN
#define CAPACITY	(64 * MIB)

struct mount {
	char top[64];
	struct fs fs;
	struct replay r;
};

static char said[8192];		/* all errors since the last replay */

static void collect(enum famfs_level level, const char *text)
{
	size_t len = strlen(said);

	test_sink(level, text);
	if (level <= FAMFS_MSG_WARNING)
		snprintf(said + len, sizeof(said) - len, "%s\n", text);
}

static int new_mount(void **state)
{
	struct mount *m = calloc(1, sizeof(*m));
	int fd = memfd_create("log", MFD_CLOEXEC);

	if (!m || fd < 0 || ftruncate(fd, LOG_LEN) ||
	    medium_open(&m->fs.log, fd, true, false))
		return -1;
	log_create(&m->fs.log, LOG_LEN);
	strcpy(m->top, "/tmp/famfs-replay-XXXXXX");
	if (!mkdtemp(m->top))
		return -1;
	m->fs.root = open(m->top, O_RDONLY | O_DIRECTORY);
	m->fs.super.fd = -1;
	m->fs.sb = (struct media_super){
		.version = 48,
		.omf_major = 2,
		.omf_minor = 2,
		.log_offset = MEDIA_LOG_OFFSET,
		.log_len = LOG_LEN,
		.alloc_unit = MEDIA_UNIT_2M,
		.dev_size = CAPACITY,
	};
	m->fs.capacity = CAPACITY;
	shim_reset(MEDIA_LOG_OFFSET + LOG_LEN, CAPACITY);
	*state = m;
	return 0;
}

static int drop_mount(void **state)
{
	struct mount *m = *state;
	char cmd[128];

	shim_reset(0, 0);
	medium_close(&m->fs.log);
	close(m->fs.root);
	snprintf(cmd, sizeof(cmd), "rm -rf --one-file-system '%s'", m->top);
	free(m);
	return system(cmd);
}

static void append(struct mount *m, struct media_entry *e)
{
	assert_int_equal(log_append(&m->fs.log, LOG_LEN, e), 0);
}

static void log_dir(struct mount *m, const char *path, uint32_t mode)
{
	struct media_entry e = {
		.type = MEDIA_MKDIR,
		.dir = { .uid = getuid(), .gid = getgid(), .mode = mode },
	};

	strcpy(e.dir.path, path);
	append(m, &e);
}

/* A file of one extent at @at MiB, which is as long as the file */
static void log_file_at(struct mount *m, const char *path, uint64_t size,
			uint64_t dev, uint64_t at)
{
	struct media_entry e = {
		.type = MEDIA_FILE,
		.file = {
			.size = size,
			.uid = getuid(),
			.gid = getgid(),
			.mode = 0664,
			.map.count = 1,
		},
	};

	strcpy(e.file.path, path);
	e.file.map.ext[0].dev = dev;
	e.file.map.ext[0].offset = at * MIB;
	e.file.map.ext[0].len = (size + 4095) & ~4095ULL;
	append(m, &e);
}

static void log_file(struct mount *m, const char *path, uint64_t at)
{
	log_file_at(m, path, MIB, 0, at);
}

static void play_as(struct mount *m, bool master, bool dryrun)
{
	said[0] = '\0';
	test_messages = 0;
	m->r = (struct replay){
		.fs = &m->fs,
		.name = "here",
		.master = master,
		.dryrun = dryrun,
	};
	assert_int_equal(replay_log(&m->r), 0);
	assert_int_equal(m->r.errors, test_messages);
	/* Each entry came to one of these ends, and to one alone */
	assert_int_equal(m->r.entries, m->r.errors + m->r.files_made +
			 m->r.files_there + m->r.dirs_made + m->r.dirs_there +
			 m->r.devices_made + m->r.devices_there);
}

static void play(struct mount *m)
{
	play_as(m, true, false);
}

static void refused(uint64_t index, const char *why)
{
	char want[256];

	snprintf(want, sizeof(want), "here: log entry %u: %s; not played\n",
		 (unsigned int)index, why);
	if (!strstr(said, want))
		fail_msg("no '%s' in:\n%s", want, said);
}

static uint32_t mode_of(struct mount *m, const char *path)
{
	struct stat st;

	if (fstatat(m->fs.root, path, &st, AT_SYMLINK_NOFOLLOW))
		return 0;
	return st.st_mode;
}

static uint64_t size_of(struct mount *m, const char *path)
{
	struct stat st;

	assert_int_equal(fstatat(m->fs.root, path, &st, AT_SYMLINK_NOFOLLOW),
			 0);
	return st.st_size;
}

static void touch(struct mount *m, const char *path)
{
	int fd = openat(m->fs.root, path, O_WRONLY | O_CREAT | O_EXCL, 0666);

	assert_true(fd >= 0);
	close(fd);
}

static void made(void **state)
{
	struct mount *m = *state;
	int fd;

	log_dir(m, "d", 0751);
	log_file(m, "d/f", 10);
	log_file_at(m, "g", 3 * MIB + 1, 0, 12);
	play(m);
	assert_int_equal(m->r.errors, 0);
	assert_int_equal(m->r.dirs_made, 1);
	assert_int_equal(m->r.files_made, 2);
	assert_int_equal(mode_of(m, "d"), S_IFDIR | 0751);
	assert_int_equal(mode_of(m, "d/f"), S_IFREG | 0664);
	assert_int_equal(size_of(m, "d/f"), MIB);
	assert_int_equal(size_of(m, "g"), 3 * MIB + 1);
	assert_int_equal(shim.files, 2);
	fd = openat(m->fs.root, "g", O_RDONLY);
	assert_int_equal(shim_find(fd)->map.ext[0].offset, 12 * MIB);
	close(fd);

	/* Once more, and by a client: all is there and stays as it is */
	play_as(m, false, false);
	assert_int_equal(m->r.errors, 0);
	assert_int_equal(m->r.dirs_there, 1);
	assert_int_equal(m->r.files_there, 2);
	assert_int_equal(mode_of(m, "d/f"), S_IFREG | 0664);
	assert_int_equal(shim.files, 2);
	/* What is new is made for a client */
	log_file(m, "h", 20);
	play_as(m, false, false);
	assert_int_equal(m->r.files_made, 1);
	assert_int_equal(mode_of(m, "h"), S_IFREG | 0444);
}

static void dry(void **state)
{
	struct mount *m = *state;

	log_dir(m, "d", 0755);
	log_file(m, "f", 10);
	log_file(m, "bad", 1);
	touch(m, "f");
	play_as(m, true, true);
	assert_int_equal(m->r.dirs_made, 1);
	assert_int_equal(m->r.files_made, 1);
	assert_int_equal(m->r.errors, 1);
	assert_int_equal(mode_of(m, "d"), 0);
	assert_int_equal(size_of(m, "f"), 0);
	assert_int_equal(shim.files, 0);
}

static void bad_maps(void **state)
{
	struct mount *m = *state;

	log_file(m, "super", 0);
	log_file(m, "log", 9);
	log_file(m, "end", 64);
	log_file_at(m, "over", 2 * MIB, 0, 63);
	log_file_at(m, "device", MIB, 5, 10);
	log_file(m, "good", 63);
	log_file(m, "same", 63);
	play(m);
	refused(0, "super: an extent overlaps superblock or log");
	refused(1, "log: an extent overlaps superblock or log");
	refused(2, "end: an extent runs past the end of its device");
	refused(3, "over: an extent runs past the end of its device");
	refused(6, "same: its memory is mapped by another file");
	assert_int_equal(m->r.errors, 6);
	assert_int_equal(m->r.files_made, 1);
	assert_int_equal(shim.files, 1);
	assert_int_equal(size_of(m, "good"), MIB);
	/* What was refused is not there, not even empty */
	assert_int_equal(mode_of(m, "super"), 0);
	assert_int_equal(mode_of(m, "device"), 0);
	assert_int_equal(mode_of(m, "same"), 0);
}

static void kernel_refuses(void **state)
{
	static const int errors[] = {
		-EEXIST, -EADDRINUSE, -ERANGE, -ENXIO, -EOPNOTSUPP, -EINVAL,
		-EPERM, -ENOMEM,
	};
	struct mount *m = *state;
	char why[256];
	size_t i;

	log_file(m, "f", 10);
	log_file(m, "g", 12);
	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		shim.fail = errors[i];
		play(m);
		snprintf(why, sizeof(why), "f: %s",
			 kern_map_strerror(errors[i]));
		refused(0, why);
		assert_int_equal(m->r.errors, 1);
		assert_int_equal(mode_of(m, "f"), 0);
		assert_int_equal(size_of(m, "g"), MIB);
	}
	play(m);
	assert_int_equal(m->r.errors, 0);
	assert_int_equal(m->r.files_made, 1);
	assert_int_equal(m->r.files_there, 1);
}

/* What a user has put in the places of what the log has */
static void in_the_way(void **state)
{
	struct mount *m = *state;
	struct stat before, after;
	int fd;

	log_file(m, "empty", 10);
	log_file(m, "other", 11);
	log_file(m, "dir", 12);
	log_file(m, "link", 13);
	log_dir(m, "file", 0755);
	log_dir(m, "dirlink", 0755);
	log_file(m, "dirlink/f", 14);
	log_file(m, "none/f", 15);
	log_dir(m, "none/d", 0755);
	log_file(m, "file/f", 16);
	log_dir(m, "file/d", 0755);
	log_dir(m, "mine", 0755);
	log_file(m, "good", 17);

	touch(m, "empty");
	touch(m, "other");
	touch(m, "file");
	fd = openat(m->fs.root, "other", O_WRONLY);
	assert_int_equal(ftruncate(fd, MIB + 1), 0);
	close(fd);
	assert_int_equal(mkdirat(m->fs.root, "dir", 0700), 0);
	assert_int_equal(mkdirat(m->fs.root, "mine", 0700), 0);
	assert_int_equal(symlinkat("target", m->fs.root, "link"), 0);
	assert_int_equal(symlinkat("dir", m->fs.root, "dirlink"), 0);
	fd = openat(m->fs.root, "empty", O_RDWR);
	assert_int_equal(fstat(fd, &before), 0);

	play(m);
	refused(1, "other: a file of another size is there");
	refused(2, "dir: something else than a file is there");
	refused(3, "link: something else than a file is there");
	refused(4, "file: something else than a directory is there");
	refused(5, "dirlink: something else than a directory is there");
	refused(6, "dirlink/f: Too many levels of symbolic links");
	refused(7, "none/f: its directory is not there");
	refused(8, "none/d: its directory is not there");
	refused(9, "file/f: Not a directory");
	refused(10, "file/d: Not a directory");
	assert_int_equal(m->r.errors, 10);
	assert_int_equal(size_of(m, "good"), MIB);
	assert_int_equal(mode_of(m, "dir/f"), 0);
	assert_int_equal(mode_of(m, "target"), 0);
	/* One's own directory stays as it was set */
	assert_int_equal(m->r.dirs_there, 1);
	assert_int_equal(mode_of(m, "mine"), S_IFDIR | 0700);
	/* The empty file went: who has it open has nothing of the new one */
	assert_int_equal(fstat(fd, &after), 0);
	assert_int_equal(after.st_size, 0);
	assert_int_equal(after.st_nlink, 0);
	assert_int_equal(size_of(m, "empty"), MIB);
	close(fd);
}

/* A directory of somebody who is neither root nor the logged owner */
static void taken_over(void **state)
{
	struct mount *m = *state;
	struct stat st;

	if (getuid()) {
		print_message("# only root can give directories away\n");
		return;
	}
	log_dir(m, "d", 0755);
	log_file(m, "d/f", 10);
	assert_int_equal(mkdirat(m->fs.root, "d", 0777), 0);
	assert_int_equal(fchownat(m->fs.root, "d", 65534, 65534, 0), 0);
	play_as(m, true, true);
	assert_non_null(strstr(said, "belongs to uid 65534; it would get"));
	assert_int_equal(fstatat(m->fs.root, "d", &st, 0), 0);
	assert_int_equal(st.st_uid, 65534);
	play(m);
	assert_non_null(strstr(said, "belongs to uid 65534; it gets"));
	assert_int_equal(m->r.errors, 0);
	assert_int_equal(fstatat(m->fs.root, "d", &st, 0), 0);
	assert_int_equal(st.st_uid, 0);
	assert_int_equal(st.st_mode, S_IFDIR | 0755);
}

static void devices(void **state)
{
	struct mount *m = *state;
	struct media_entry e = {
		.type = MEDIA_DAXDEV,
		.daxdev = { .size = 32 * MIB, .uuid = { 1 }, .index = 1 },
	};

	log_file_at(m, "early", MIB, 1, 4);
	append(m, &e);
	log_file_at(m, "f", MIB, 1, 4);
	log_file_at(m, "end", MIB, 1, 31);
	log_file_at(m, "past", MIB, 1, 32);
	shim.devices = 2;
	play(m);
	assert_int_equal(m->r.devices_there, 1);
	assert_int_equal(m->r.files_made, 2);
	assert_int_equal(m->r.errors, 2);
	refused(4, "past: an extent runs past the end of its device");
	assert_int_equal(mode_of(m, "early"), 0);
	/* The kernel has none such, and it is only asked what there would be */
	shim.devices = 1;
	play_as(m, true, true);
	assert_int_equal(m->r.devices_made, 1);
}

static void bad_log(void **state)
{
	struct mount *m = *state;
	struct replay r = { .fs = &m->fs, .name = "here" };

	log_file(m, "a", 10);
	log_file(m, "b", 11);
	log_file(m, "c", 12);
	m->fs.log.map[48 + 544 + 20] ^= 1;
	play(m);
	refused(1, "checksum is wrong");
	assert_int_equal(m->r.errors, 1);
	assert_int_equal(m->r.files_made, 2);
	assert_int_equal(mode_of(m, "b"), 0);
	/* Without a header there is nothing to play */
	m->fs.log.map[0] ^= 1;
	assert_int_equal(replay_log(&r), -EUCLEAN);
	m->fs.log.map[0] ^= 1;
	/* It was not left locked */
	assert_int_equal(log_lock(&m->fs.log), 0);
	log_unlock(&m->fs.log);
	play(m);
	assert_int_equal(m->r.files_there, 2);
}

static void modes(void **state)
{
	struct media_file f = { .mode = S_IFREG | 04766 };

	(void)state;
	assert_int_equal(replay_mode(&f, true), 04766);
	assert_int_equal(replay_mode(&f, false), 04544);
	f.flags = MEDIA_FILE_ALL_RO;
	assert_int_equal(replay_mode(&f, true), 04544);
	assert_int_equal(replay_mode(&f, false), 04544);
	f.flags = MEDIA_FILE_ALL_RW;
	assert_int_equal(replay_mode(&f, true), 04766);
	assert_int_equal(replay_mode(&f, false), 04766);
}

#define MOUNT_CASE(fn)	cmocka_unit_test_setup_teardown(fn, new_mount, \
							drop_mount)

/* What is made good is the entry that was checked, not what took its place */
static void rewritten(void **state)
{
	struct mount *m = *state;
	struct media_log log = {
		.len = LOG_LEN,
		.last_index = media_log_capacity(LOG_LEN) - 1,
	};
	const struct new_node node = { .path = "f", .size = MIB, .mode = 0644 };
	struct session s = {
		.fs = m->fs,
		.name = "here",
		.alloc = alloc_new(MEDIA_UNIT_2M),
		.dir.fd = -1,
	};
	uint8_t buf[MEDIA_HEADER_BYTES];
	bool there;

	assert_non_null(s.alloc);
	fs_devices(&s.fs, &s.devices);
	log_file(m, "f", 10);
	assert_int_equal(session_hold(&s), 0);
	/* Another host, at a time of its choice */
	media_log_encode(&log, buf);
	medium_store(&m->fs.log, 0, buf, sizeof(buf));
	log_file(m, "other", 10);
	said[0] = '\0';
	assert_int_equal(session_creat(&s, &node, &there), -EUCLEAN);
	assert_non_null(strstr(said, "log entry 0: has changed"));
	assert_int_equal(mode_of(m, "other"), 0);
	session_release(&s);
	names_free(&s.names);
	alloc_free(s.alloc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		MOUNT_CASE(made),
		MOUNT_CASE(dry),
		MOUNT_CASE(bad_maps),
		MOUNT_CASE(kernel_refuses),
		MOUNT_CASE(in_the_way),
		MOUNT_CASE(taken_over),
		MOUNT_CASE(devices),
		MOUNT_CASE(bad_log),
		MOUNT_CASE(rewritten),
		CASE(modes),
	};

	famfs_set_sink(collect);
	return cmocka_run_group_tests_name("replay", tests, NULL, NULL);
}
