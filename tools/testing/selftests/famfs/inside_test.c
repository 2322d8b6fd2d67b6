// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What an administrator sees of a mount: its files in /sys/fs/famfs and its
 * trace events, each of which must tell what has just been done.
 */
#include <sys/sysmacros.h>

#include "famfs_harness.h"

#include "famfs_failure.h"

#define SMALL_AT	(16 * MiB + PAGE)	/* mapped with 4 KiB pages */
#define LARGE_AT	(32 * MiB)		/* mapped with 2 MiB pages */

static const char * const names[] = {
	"devices", "errors", "files", "mapped_bytes", "pmd_faults",
	"pte_faults",
};

static void sysfs_path(const char *dev, const char *name, char *path,
		       size_t size)
{
	snprintf(path, size, "/sys/fs/famfs/%s%s%s", device_name(dev),
		 *name ? "/" : "", name);
}

/* A number that the mount of the device under test shows, or -errno. */
static long shown(const char *name)
{
	char path[128], text[64];
	int err;

	sysfs_path(device(), name, path, sizeof(path));
	err = read_text(path, text, sizeof(text));
	return err ?: strtol(text, NULL, 10);
}

FIXTURE(sysfs) {
};

FIXTURE_SETUP(sysfs)
{
	ASSERT_EQ(0, private_mounts());
	ASSERT_EQ(0, mount_famfs());
}

FIXTURE_TEARDOWN_PARENT(sysfs)
{
	EXPECT_CLEAN_LOG();
}

TEST_F(sysfs, is_there_while_it_is_mounted)
{
	char path[128];
	struct stat st;

	sysfs_path(device(), "", path, sizeof(path));
	ASSERT_EQ(0, stat(path, &st));
	EXPECT_TRUE(S_ISDIR(st.st_mode));
	EXPECT_EQ(0755, st.st_mode & 07777);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		sysfs_path(device(), names[i], path, sizeof(path));
		ASSERT_EQ(0, stat(path, &st)) {
			TH_LOG("%s", path);
		}
		EXPECT_EQ(S_IFREG | 0444, st.st_mode);
		EXPECT_GT(0, write_text(path, "0"));
	}
	/* By a bind mount or with no name at all, it is mounted still. */
	ASSERT_EQ(0, ERR(mount(ROOT, ROOT2, NULL, MS_BIND, NULL)));
	ASSERT_EQ(0, ERR(umount(ROOT)));
	EXPECT_EQ(0, shown("files"));
	ASSERT_EQ(0, ERR(umount(ROOT2)));
	sysfs_path(device(), "", path, sizeof(path));
	EXPECT_EQ(-ENOENT, ERR(stat(path, &st)));
	EXPECT_EQ(0, ERR(stat("/sys/fs/famfs", &st)));
	/* What could not be mounted is not there either. */
	EXPECT_EQ(-EINVAL, ERR(mount(device(), ROOT, "famfs", 0, "nonsense")));
	EXPECT_EQ(-ENOENT, ERR(stat(path, &st)));
	ASSERT_EQ(0, mount_famfs());
	EXPECT_EQ(-EBUSY, ERR(mount(device(), ROOT2, "famfs", 0, NULL)));
	EXPECT_EQ(0, ERR(stat(path, &st)));
}

static int read_as_nobody(void *arg)
{
	(void)arg;
	if (become_nobody())
		return -EPROTO;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (shown(names[i]) < 0)
			return shown(names[i]);
	return 0;
}

TEST_F(sysfs, may_be_read_by_anyone)
{
	EXPECT_EQ(0, in_child(read_as_nobody, NULL));
}

/* Somebody reads while it is unmounted: neither has to wait for the other. */
TEST_F(sysfs, open_over_unmount)
{
	char path[128], byte;
	int fds[ARRAY_SIZE(names)];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		sysfs_path(device(), names[i], path, sizeof(path));
		fds[i] = open(path, O_RDONLY);
		ASSERT_LE(0, fds[i]);
	}
	ASSERT_EQ(0, ERR(umount(ROOT)));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		EXPECT_EQ(-ENODEV, ERR(read(fds[i], &byte, 1)));
	ASSERT_EQ(0, mount_famfs());
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		EXPECT_EQ(-ENODEV, ERR(read(fds[i], &byte, 1)));
		EXPECT_LE(0, shown(names[i]));
	}
}

TEST_F(sysfs, files_and_bytes)
{
	int dir = open(ROOT, O_RDONLY | O_DIRECTORY);
	const struct span spans[] = {
		{ SMALL_AT, PAGE }, { SMALL_AT + 4 * PAGE, 2 * PAGE },
	};
	int fd;

	EXPECT_EQ(0, shown("files"));
	EXPECT_EQ(0, shown("mapped_bytes"));
	/* Not a file that has a map. */
	ASSERT_EQ(0, ERR(mkdir(ROOT "/dir", 0755)));
	close(create_empty(ROOT "/empty"));
	EXPECT_EQ(0, shown("files"));
	fd = create_spans(ROOT "/a", 2 * PAGE + 1, spans, 2);
	ASSERT_LE(0, fd);
	EXPECT_EQ(1, shown("files"));
	EXPECT_EQ(3 * PAGE, shown("mapped_bytes"));
	close(create_at(ROOT "/b", LARGE_AT, PMD));
	EXPECT_EQ(2, shown("files"));
	EXPECT_EQ(3 * PAGE + PMD, shown("mapped_bytes"));
	/* What was refused is not counted. */
	EXPECT_EQ(-EADDRINUSE, create_at(ROOT "/c", SMALL_AT, PAGE));
	EXPECT_EQ(-EINVAL, create_at(ROOT "/d", SMALL_AT + 1, PAGE));
	EXPECT_EQ(2, shown("files"));
	EXPECT_EQ(3 * PAGE + PMD, shown("mapped_bytes"));

	ASSERT_LT(0, opts(dir, FAMFSIOC_SET_OPTS, FAMFS_OPTS_ALL));
	ASSERT_EQ(0, ERR(unlink(ROOT "/a")));
	EXPECT_EQ(2, shown("files"));
	close(fd);
	EXPECT_EQ(1, shown("files"));
	EXPECT_EQ(PMD, shown("mapped_bytes"));
	ASSERT_EQ(0, ERR(unlink(ROOT "/b")));
	EXPECT_EQ(0, shown("files"));
	EXPECT_EQ(0, shown("mapped_bytes"));
	EXPECT_EQ(0, shown("errors"));
}

TEST_F(sysfs, devices_are_listed)
{
	const char *paths[3];
	char path[128], text[256], line[128], want[256];
	int dir = open(ROOT, O_RDONLY | O_DIRECTORY), n, fd;
	ssize_t len;

	n = devices(paths, 3);
	sysfs_path(device(), "devices", path, sizeof(path));
	want[0] = '\0';
	for (int i = 0; i < n; i++) {
		ASSERT_EQ(0, daxdev_open(dir, 9 * i, paths[i]));
		snprintf(line, sizeof(line), "%d %s %llu\n", 9 * i,
			 device_name(paths[i]), device_size(paths[i]));
		strcat(want, line);
		fd = open(path, O_RDONLY);
		ASSERT_LE(0, fd);
		len = read(fd, text, sizeof(text) - 1);
		ASSERT_LE(0, len);
		text[len] = '\0';
		EXPECT_STREQ(want, text);
		close(fd);
	}
	/* A further device has no directory of its own. */
	if (n > 1) {
		sysfs_path(paths[1], "", path, sizeof(path));
		EXPECT_EQ(-ENOENT, ERR(access(path, F_OK)));
	}
}

static volatile unsigned char *map_file(const char *path, __u64 offset,
					__u64 size, int *fd)
{
	void *at;

	*fd = create_at(path, offset, size);
	if (*fd < 0)
		return NULL;
	at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	return at == MAP_FAILED ? NULL : at;
}

TEST_F(sysfs, faults)
{
	volatile unsigned char *at, seen;
	unsigned char page[PAGE];
	long pte = 0, pmd = 0;
	int fd;

	EXPECT_EQ(0, shown("pte_faults"));
	EXPECT_EQ(0, shown("pmd_faults"));
	at = map_file(ROOT "/small", SMALL_AT, 64 * PAGE, &fd);
	ASSERT_NE(NULL, at);
	for (int i = 0; i < 64; i++)
		at[i * PAGE] = 1;
	EXPECT_EQ(pte += 64, shown("pte_faults"));
	/* Mapped already: no fault. */
	for (int i = 0; i < 64; i++)
		at[i * PAGE] = 2;
	EXPECT_EQ(pte, shown("pte_faults"));
	EXPECT_EQ(0, shown("pmd_faults"));

	at = map_file(ROOT "/large", LARGE_AT, 8 * MiB, &fd);
	ASSERT_NE(NULL, at);
	for (int i = 0; i < 4; i++) {
		at[i * PMD + 5 * PAGE] = 1;
		EXPECT_EQ(++pmd, shown("pmd_faults"));
	}
	EXPECT_EQ(pte, shown("pte_faults"));
	/* Neither do read and write fault. */
	EXPECT_EQ(PAGE, pread(fd, page, PAGE, 0));
	EXPECT_EQ(PAGE, pwrite(fd, page, PAGE, MiB));
	EXPECT_EQ(pmd, shown("pmd_faults"));
	/* First read, then written: a fault for each. */
	at = map_file(ROOT "/both", SMALL_AT + MiB, PAGE, &fd);
	ASSERT_NE(NULL, at);
	seen = at[0];
	EXPECT_EQ(pte += 1, shown("pte_faults"));
	at[0] = seen + 1;
	EXPECT_EQ(pte += 1, shown("pte_faults"));

	/* Counted on this mount, and from its beginning. */
	if (device2()) {
		ASSERT_EQ(0, ERR(mount(device2(), ROOT2, "famfs", 0, NULL)));
		at = map_file(ROOT2 "/file", SMALL_AT, PAGE, &fd);
		ASSERT_NE(NULL, at);
		at[0] = 1;
		EXPECT_EQ(pte, shown("pte_faults"));
	}
	ASSERT_EQ(0, ERR(umount2(ROOT, MNT_DETACH)));
	EXPECT_EQ(pte, shown("pte_faults"));
}

static int fault_on_each_cpu(void *arg)
{
	volatile unsigned char *at = arg;
	cpu_set_t all, one;
	int page = 0;

	if (sched_getaffinity(0, sizeof(all), &all))
		return -errno;
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &all))
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		if (sched_setaffinity(0, sizeof(one), &one))
			return -errno;
		for (int i = 0; i < 10; i++)
			at[page++ * PAGE] = 1;
	}
	return -page;
}

TEST_F(sysfs, faults_of_all_processors)
{
	volatile unsigned char *at;
	int fd, faults;

	at = map_file(ROOT "/file", SMALL_AT, 4 * MiB, &fd);
	ASSERT_NE(NULL, at);
	faults = -in_child(fault_on_each_cpu, (void *)at);
	ASSERT_LT(0, faults);
	ASSERT_EQ(0, faults % 10);
	EXPECT_EQ(faults, shown("pte_faults"));
	/* Large pages were tried, and did not fit. */
	EXPECT_EQ(0, shown("pmd_faults"));
	ASSERT_EQ(0, ERR(munmap((void *)at, 4 * MiB)));
	close(fd);
	ASSERT_EQ(0, ERR(umount(ROOT)));
	ASSERT_EQ(0, mount_famfs());
	EXPECT_EQ(0, shown("pte_faults"));
	EXPECT_EQ(0, shown("pmd_faults"));
	EXPECT_EQ(0, shown("files"));
}

TEST_F(sysfs, version)
{
	char text[32], want[32];

	ASSERT_EQ(0, read_text("/sys/module/famfs/parameters/kabi_version",
			       text, sizeof(text)));
	snprintf(want, sizeof(want), "%d", FAMFS_KABI_VERSION);
	EXPECT_STREQ(want, text);
	EXPECT_STREQ("44", text);
}

/* Trace events, in an instance of the tracer that nobody else writes to. */
#define RESOLVED \
	"pos %llx flags %x: %llx length %llx at %llx of device %u"
#define FAULTED		"pos %llx order %u %15s result %x"
#define TRACING		SCRATCH "/tracing"
#define INSTANCE	TRACING "/instances/famfs_test"

FIXTURE(trace) {
	int fd;			/* of the file that is traced */
	char id[64];		/* how events name it */
	bool off;		/* there is no tracer */
};

static int tracer_remove(void *arg)
{
	(void)arg;
	if (private_mounts() || mkdir(TRACING, 0700) ||
	    mount("tracefs", TRACING, "tracefs", 0, NULL))
		return 0;
	rmdir(INSTANCE);
	return 0;
}

FIXTURE_SETUP(trace)
{
	struct stat st;

	ASSERT_EQ(0, private_mounts());
	ASSERT_EQ(0, mount_famfs());
	ASSERT_EQ(0, ERR(mkdir(TRACING, 0700)));
	self->off = mount("tracefs", TRACING, "tracefs", 0, NULL);
	if (self->off)
		return;
	ASSERT_EQ(0, ERR(mkdir(INSTANCE, 0700)));
	ASSERT_EQ(0, write_text(INSTANCE "/events/famfs/enable", "1"));
	self->fd = create_empty(ROOT "/file");
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, fstat(self->fd, &st));
	snprintf(self->id, sizeof(self->id), "dev %u:%u ino %llu ",
		 major(st.st_dev), minor(st.st_dev),
		 (unsigned long long)st.st_ino);
}

FIXTURE_TEARDOWN_PARENT(trace)
{
	in_child(tracer_remove, NULL);
	EXPECT_CLEAN_LOG();
}

/*
 * The events of one name since the last call, of which all must be of the file
 * that @id says; what follows that in the last of them goes to @rest.
 */
static int events(const char *name, const char *id, char *rest, size_t size)
{
	FILE *trace = fopen(INSTANCE "/trace", "re");
	char line[1024], start[64];
	int n = 0;

	snprintf(start, sizeof(start), " %s: ", name);
	*rest = '\0';
	while (trace && fgets(line, sizeof(line), trace)) {
		char *at = strstr(line, start);

		if (*line == '#' || !at)
			continue;
		at += strlen(start);
		if (strncmp(at, id, strlen(id)))
			return -EPROTO;
		snprintf(rest, size, "%s", at + strlen(id));
		rest[strcspn(rest, "\n")] = '\0';
		n++;
	}
	if (trace)
		fclose(trace);
	return n;
}

static int forget_events(void)
{
	int fd = open(INSTANCE "/trace", O_WRONLY | O_TRUNC);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static int give_map(int fd)
{
	const struct span spans[] = {
		{ LARGE_AT, PMD }, { SMALL_AT, PAGE },
		{ SMALL_AT + PAGE, PAGE },
	};

	return map_create(fd, fmap_of(PMD + PAGE + 5, spans, 3));
}

TEST_F(trace, map_create)
{
	const struct famfs_fmap_simple strips[] = {
		{ .offset = 64 * MiB, .len = 3 * PAGE },
		{ .offset = 65 * MiB, .len = PAGE },
	};
	const struct stripe stripe = { PAGE, 2 * PAGE, 2, strips };
	char rest[256], id[64];
	struct stat st;
	int fd;

	if (self->off)
		SKIP(return, "no tracefs");
	ASSERT_EQ(0, give_map(self->fd));
	/* The last two are one. */
	EXPECT_EQ(1, events("famfs_map_create", self->id, rest, sizeof(rest)));
	EXPECT_STREQ("type 0 size 2101253 takes 2105344 extents 2 strips 0",
		     rest);
	ASSERT_EQ(0, forget_events());
	EXPECT_EQ(-EEXIST, give_map(self->fd));
	EXPECT_EQ(0, events("famfs_map_create", self->id, rest, sizeof(rest)));

	fd = create_empty(ROOT "/striped");
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fstat(fd, &st));
	snprintf(id, sizeof(id), "dev %u:%u ino %llu ", major(st.st_dev),
		 minor(st.st_dev), (unsigned long long)st.st_ino);
	ASSERT_EQ(0, map_create(fd, fmap_striped(PAGE, &stripe, 1)));
	EXPECT_EQ(1, events("famfs_map_create", id, rest, sizeof(rest)));
	EXPECT_STREQ("type 0 size 4096 takes 16384 extents 1 strips 2", rest);
}

TEST_F(trace, resolve)
{
	unsigned long long pos, start, len, offset;
	unsigned int flags, index;
	char rest[256], byte;
	int n;

	if (self->off)
		SKIP(return, "no tracefs");
	ASSERT_EQ(0, give_map(self->fd));
	EXPECT_EQ(0, events("famfs_resolve", self->id, rest, sizeof(rest)));
	ASSERT_EQ(1, pread(self->fd, &byte, 1, PMD + 3));
	EXPECT_EQ(1, events("famfs_resolve", self->id, rest, sizeof(rest)));
	n = sscanf(rest, RESOLVED, &pos, &flags, &start, &len, &offset, &index);
	ASSERT_EQ(6, n) {
		TH_LOG("%s", rest);
	}
	EXPECT_EQ(PMD + 3, pos);
	EXPECT_EQ(PMD, start);
	EXPECT_EQ(2 * PAGE, len);
	EXPECT_EQ(SMALL_AT, offset);
	EXPECT_EQ(0, index);
	/* Not writing: bit 0 of the flags. */
	EXPECT_EQ(0, flags & 1);
	ASSERT_EQ(0, forget_events());
	ASSERT_EQ(1, pwrite(self->fd, "x", 1, 5));
	EXPECT_EQ(1, events("famfs_resolve", self->id, rest, sizeof(rest)));
	n = sscanf(rest, RESOLVED, &pos, &flags, &start, &len, &offset, &index);
	ASSERT_EQ(6, n);
	EXPECT_EQ(5, pos);
	EXPECT_EQ(0, start);
	EXPECT_EQ(PMD, len);
	EXPECT_EQ(LARGE_AT, offset);
	EXPECT_EQ(1, flags & 1);
}

TEST_F(trace, fault)
{
	unsigned int order, result;
	unsigned long long pos;
	int n;
	char rest[256], how[16];
	volatile unsigned char *at, seen;

	if (self->off)
		SKIP(return, "no tracefs");
	ASSERT_EQ(0, give_map(self->fd));
	at = mmap(NULL, PMD + PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
		  self->fd, 0);
	ASSERT_NE(MAP_FAILED, at);
	at[7 * PAGE] = 1;
	EXPECT_EQ(1, events("famfs_fault", self->id, rest, sizeof(rest)));
	n = sscanf(rest, FAULTED, &pos, &order, how, &result);
	ASSERT_EQ(4, n) {
		TH_LOG("%s", rest);
	}
	/* Of the page that was touched, with a large one; VM_FAULT_NOPAGE. */
	EXPECT_EQ(7 * PAGE, pos);
	EXPECT_EQ(9, order);
	EXPECT_STREQ("write", how);
	EXPECT_EQ(0x100, result & 0x100);
	ASSERT_EQ(0, forget_events());
	seen = at[PMD];
	(void)seen;
	EXPECT_LE(1, events("famfs_fault", self->id, rest, sizeof(rest)));
	n = sscanf(rest, FAULTED, &pos, &order, how, &result);
	ASSERT_EQ(4, n);
	EXPECT_EQ(PMD, pos);
	EXPECT_EQ(0, order);
	EXPECT_STREQ("read", how);
	EXPECT_EQ(0x100, result & 0x100);
}

/* Memory that goes bad: also in the count of errors. */
TEST_F(trace, failure)
{
	char rest[256], want[256];
	unsigned char *at;

	if (self->off)
		SKIP(return, "no tracefs");
	ASSERT_EQ(0, give_map(self->fd));
	at = mmap(NULL, PMD + PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
		  self->fd, 0);
	ASSERT_NE(MAP_FAILED, at);
	catch_sigbus();
	at[PMD] = 1;
	ASSERT_EQ(0, poison(at + PMD));
	EXPECT_EQ(1, events("famfs_failure", self->id, rest, sizeof(rest)));
	snprintf(want, sizeof(want), "pos 0x200000 length 0x1000 at %#llx of %s",
		 SMALL_AT, device_name(device()));
	EXPECT_STREQ(want, rest);
	EXPECT_EQ(1, shown("errors"));
	munmap(at, PMD + PAGE);
	close(self->fd);
	ASSERT_EQ(0, ERR(umount(ROOT)));
	EXPECT_EQ(0, device_rebind(device()));
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
