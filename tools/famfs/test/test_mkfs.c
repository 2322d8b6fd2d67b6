// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mkfs where something fails: the device has to be as it was, and it has to be
 * told of once. The mount is a directory, and its files keep what is written.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uuid/uuid.h>

#include "test.h"

#include "kernel.h"
#include "media.h"
#include "meta.h"
#include "mkfs.h"
#include "signature.h"

#define DEV		"/dev/null"	/* only its name matters */
#define DIR_TEMPLATE	"/tmp/famfs-test.XXXXXX"
#define ROOM		(64ULL << 20)

static char dir[sizeof(DIR_TEMPLATE)] = DIR_TEMPLATE;

static struct {
	int identity;
	int mount;
	int capacity;
	uint64_t room;
	int map_create;		/* of the log */
	int bad_super;		/* what kern_get_errors() says */
	int bad_log;
	int signature;
} world;

int __wrap_identity_get(uint8_t uuid[16]);
int __wrap_mount_detached(const char *dev, const void *opts);
int __wrap_kern_capacity(int fd, uint64_t *bytes);
int __wrap_kern_map_create(int fd, enum famfs_file_type type, uint64_t size,
			   const struct media_map *map);
int __wrap_kern_get_errors(int fd, uint64_t start, struct famfs_error *errors,
			   uint32_t n);
int __real_signature_find(int fd, char type[SIGNATURE_SIZE]);
int __wrap_signature_find(int fd, char type[SIGNATURE_SIZE]);

int __wrap_identity_get(uint8_t uuid[16])
{
	memset(uuid, 9, 16);
	if (world.identity)
		famfs_err("no identity");
	return world.identity;
}

int __wrap_mount_detached(const char *dev, const void *opts)
{
	assert_string_equal(dev, DEV);
	assert_null(opts);
	if (world.mount) {
		famfs_err("no mount");
		return world.mount;
	}
	return open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int __wrap_kern_capacity(int fd, uint64_t *bytes)
{
	(void)fd;
	*bytes = world.room;
	return world.capacity;
}

int __wrap_kern_map_create(int fd, enum famfs_file_type type, uint64_t size,
			   const struct media_map *map)
{
	assert_int_equal(map->ext[0].offset,
			 type == FAMFS_FILE_LOG ? MEDIA_LOG_OFFSET : 0);
	if (type == FAMFS_FILE_LOG && world.map_create)
		return world.map_create;
	return ftruncate(fd, size) ? -errno : 0;
}

int __wrap_kern_get_errors(int fd, uint64_t start, struct famfs_error *errors,
			   uint32_t n)
{
	struct stat st;

	assert_int_equal(start, 0);
	assert_true(n >= 1);
	memset(errors, 0, sizeof(*errors));
	errors->offset = 12288;
	assert_int_equal(fstat(fd, &st), 0);
	return st.st_size == MEDIA_SB_LEN ? world.bad_super : world.bad_log;
}

int __wrap_signature_find(int fd, char type[SIGNATURE_SIZE])
{
	return world.signature ? world.signature
			       : __real_signature_find(fd, type);
}

static uint8_t before[MEDIA_SB_LEN];

static void load(uint8_t *buf, const char *name, size_t len)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(read(fd, buf, len), (ssize_t)len);
	close(fd);
}

static void store(const char *name, const void *buf, size_t len)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, buf, len), (ssize_t)len);
	close(fd);
}

/* A file system of this host */
static int afresh(void **state)
{
	struct mkfs m = {
		.dev = DEV,
		.force = true,
		.log_len = MEDIA_LOG_MIN,
		.alloc_unit = MEDIA_UNIT_2M,
	};

	(void)state;
	memset(&world, 0, sizeof(world));
	world.room = ROOM;
	if (mkfs_run(&m))
		return -1;
	load(before, META_SUPER, sizeof(before));
	test_messages = 0;
	return 0;
}

static struct mkfs forced(void)
{
	return (struct mkfs){
		.dev = DEV,
		.force = true,
		.log_len = MEDIA_LOG_MIN,
		.alloc_unit = MEDIA_UNIT_4K,
	};
}

/* Refused, told of once, and the superblock is what it was */
static void refused(const struct mkfs *m, int want, const char *word)
{
	static uint8_t now[MEDIA_SB_LEN];

	assert_int_equal(mkfs_run(m), want);
	assert_int_equal(test_messages, 1);
	if (!strstr(test_last, word))
		fail_msg("no '%s' in '%s'", word, test_last);
	load(now, META_SUPER, sizeof(now));
	assert_memory_equal(now, before, sizeof(now));
	test_messages = 0;
}

static void made(void **state)
{
	uint8_t buf[MEDIA_SB_BYTES], log[MEDIA_HEADER_BYTES], self[16];
	struct mkfs m = forced();
	struct media_super sb;
	struct media_log header;

	(void)state;
	assert_int_equal(mkfs_run(&m), 0);
	load(buf, META_SUPER, sizeof(buf));
	assert_int_equal(media_super_decode(&sb, buf), MEDIA_OK);
	assert_int_equal(sb.alloc_unit, MEDIA_UNIT_4K);
	assert_int_equal(sb.dev_size, ROOM);
	assert_string_equal(sb.dev_path, DEV);
	memset(self, 9, sizeof(self));
	assert_memory_equal(sb.system_uuid, self, sizeof(self));
	assert_false(uuid_is_null(sb.fs_uuid));
	load(log, META_LOG, sizeof(log));
	assert_int_equal(media_log_decode(&header, MEDIA_LOG_MIN, log),
			 MEDIA_OK);
	assert_int_equal(header.next_index, 0);

	m.kill = true;
	assert_int_equal(mkfs_run(&m), 0);
	load(buf, META_SUPER, sizeof(buf));
	assert_int_equal(media_super_decode(&sb, buf), MEDIA_ERR_MAGIC);
	/* Where nothing is known, there is nothing to force */
	m.kill = false;
	m.force = false;
	assert_int_equal(mkfs_run(&m), 0);
	assert_int_equal(test_messages, 0);
}

static void failures(void **state)
{
	struct mkfs m = forced();

	(void)state;
	world.identity = -EINVAL;
	refused(&m, -EINVAL, "no identity");
	world.identity = 0;
	world.mount = -EBUSY;
	refused(&m, -EBUSY, "no mount");
	world.mount = 0;
	world.capacity = -EIO;
	refused(&m, -EIO, "can't tell its size");
	world.capacity = 0;
	world.room = MEDIA_LOG_OFFSET + MEDIA_LOG_MIN;
	refused(&m, -ENOSPC, "too few");
	world.room = MEDIA_LOG_OFFSET;
	refused(&m, -ENOSPC, "too few");
	world.room = ROOM;
	m.log_len = 1ULL << 40;
	refused(&m, -ENOSPC, "too few");
	/* The log that is there has another length */
	m.log_len = 2 * MEDIA_LOG_MIN;
	refused(&m, -EEXIST, "bytes and not");
}

static void log_refused(void **state)
{
	struct mkfs m = forced();
	char path[128];

	(void)state;
	snprintf(path, sizeof(path), "%s/%s", dir, META_LOG);
	assert_int_equal(unlink(path), 0);
	world.map_create = -EADDRINUSE;
	refused(&m, -EADDRINUSE, "another file");
}

static void memory_is_bad(void **state)
{
	struct mkfs m = forced();

	(void)state;
	world.bad_super = 1;
	refused(&m, -EIO, "offset 12288, in the superblock");
	world.bad_super = -EPERM;
	refused(&m, -EPERM, "whether its memory is good");
	world.bad_super = 0;
	world.bad_log = 1;
	refused(&m, -EIO, "offset 12288, in the log");
	/* What is only unmade has no use for the log */
	m.kill = true;
	assert_int_equal(mkfs_run(&m), 0);
}

static void not_forced(void **state)
{
	struct mkfs m = forced();
	struct media_super sb;

	(void)state;
	m.force = false;
	refused(&m, -EEXIST, "holds a famfs file system; to lose");
	assert_int_equal(media_super_decode(&sb, before), MEDIA_OK);
	sb.flags = MEDIA_SB_SECONDARY;
	media_super_encode(&sb, before);
	store(META_SUPER, before, MEDIA_SB_BYTES);
	refused(&m, -EEXIST, "further device");
	sb.system_uuid[0] ^= 1;
	media_super_encode(&sb, before);
	store(META_SUPER, before, MEDIA_SB_BYTES);
	refused(&m, -EEXIST, "of another host");
	before[20] ^= 1;
	store(META_SUPER, before, MEDIA_SB_BYTES);
	refused(&m, -EEXIST, "damaged");
	memset(before, 0, MEDIA_SB_BYTES);
	store(META_SUPER, before, MEDIA_SB_BYTES);
	world.signature = -EIO;
	refused(&m, -EIO, "can't tell what it holds");
	/* A partition table, as libblkid knows it */
	world.signature = 0;
	before[510] = 0x55;
	before[511] = 0xaa;
	before[450] = 0x83;
	before[454] = 1;
	before[458] = 64;
	store(META_SUPER, before, 512);
	refused(&m, -EEXIST, "dos partition table");
}

static int make_dir(void **state)
{
	char path[64];

	(void)state;
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/.meta", dir);
	famfs_set_sink(test_sink);
	return mkdir(path, 0700);
}

static int remove_dir(void **state)
{
	static const char * const names[] = { META_SUPER, META_LOG, ".meta" };
	char path[128];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		remove(path);
	}
	famfs_set_sink(NULL);
	return rmdir(dir);
}

#define FRESH(fn)	cmocka_unit_test_setup(fn, afresh)

int main(void)
{
	const struct CMUnitTest cases[] = {
		FRESH(made),
		FRESH(failures),
		FRESH(log_refused),
		FRESH(memory_is_bad),
		FRESH(not_forced),
	};

	return cmocka_run_group_tests_name("mkfs", cases, make_dir, remove_dir);
}
