// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the famfs selftests share; see famfs_test.h.
 */
#include <grp.h>
#include <linux/capability.h>
#include <linux/perf_event.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "famfs_test.h"

/* Open on the kernel's log, where it ended when the program began. All
 * processes of a program share this place in the log.
 */
static int kernel_log = -1;

/**
 * require_device() - end the program as skipped if it cannot test anything
 *
 * A device that nobody asked for by name, and that holds a file system, is
 * left alone. From here on kernel_complained() sees what the kernel logs.
 */
void require_device(void)
{
	const struct rlimit no_core = { 0, 0 };
	const char *dev = device();
	char driver[64];
	__u64 size;
	int err;

	setrlimit(RLIMIT_CORE, &no_core);
	ksft_print_header();
	/* The harness prints the header again unless told that it is out. */
	setenv("KSFT_TAP_LEVEL", "1", 1);
	if (geteuid())
		ksft_exit_skip("these tests need root\n");
	if (access("/sys/module/famfs", F_OK))
		ksft_exit_skip("famfs is not there: modprobe famfs\n");
	size = device_size(dev);
	if (!size)
		ksft_exit_skip("%s is not a dax device; FAMFS_DEV names another\n",
			       dev);
	if (size < DEVICE_MIN)
		ksft_exit_skip("%s has %llu bytes, and the tests need %llu\n",
			       dev, size, DEVICE_MIN);
	err = device_driver(dev, driver, sizeof(driver));
	if (!is_block(dev) && (err || !strcmp(driver, "device_dax")))
		ksft_exit_skip("%s is bound to %s: bind it to fsdev_dax\n", dev,
			       err ? "no driver" : driver);
	if (!getenv("FAMFS_DEV") && !device_may_be_used(dev))
		ksft_exit_skip("%s holds a file system; FAMFS_DEV=%s overwrites it\n",
			       dev, dev);
	kernel_log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (kernel_log < 0 || lseek(kernel_log, 0, SEEK_END) < 0)
		ksft_exit_skip("/dev/kmsg cannot be read: %s\n",
			       strerror(errno));
}

/**
 * private_mounts() - give the process mounts of its own
 *
 * What it mounts from now on is gone when the process is. SCRATCH is an empty
 * tmpfs with the directories ROOT and ROOT2.
 *
 * Return: 0 or -errno.
 */
int private_mounts(void)
{
	if (unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("tmpfs", SCRATCH, "tmpfs", 0, "mode=0755") ||
	    mkdir(ROOT, 0755) || mkdir(ROOT2, 0755))
		return -errno;
	return 0;
}

/**
 * mount_famfs() - mount the device under test at ROOT
 *
 * Return: 0 or -errno.
 */
int mount_famfs(void)
{
	return ERR(mount(device(), ROOT, "famfs", 0, NULL));
}

/**
 * in_child() - call a function in a process of its own
 * @fn: gives 0 or -errno
 * @arg: for @fn
 *
 * For what changes a process for good, as giving up privileges does.
 *
 * Return: what @fn gave; -ECHILD if the process died.
 */
int in_child(int (*fn)(void *arg), void *arg)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid)
		_exit(-fn(arg));
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -ECHILD;
	return -WEXITSTATUS(status);
}

/**
 * drop_cap() - give up one capability
 * @cap: CAP_ number
 *
 * Return: 0 or -errno.
 */
int drop_cap(int cap)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];

	if (syscall(__NR_capget, &head, data))
		return -errno;
	data[cap / 32].effective &= ~(1U << (cap % 32));
	data[cap / 32].permitted &= ~(1U << (cap % 32));
	data[cap / 32].inheritable &= ~(1U << (cap % 32));
	return ERR(syscall(__NR_capset, &head, data));
}

/**
 * become_nobody() - give up root and every capability
 *
 * Return: 0 or -errno.
 */
int become_nobody(void)
{
	if (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
	    setresuid(NOBODY, NOBODY, NOBODY))
		return -errno;
	return 0;
}

static void *allocate(size_t size)
{
	void *memory = calloc(1, size);

	if (!memory)
		ksft_exit_fail_msg("out of memory for %zu bytes\n", size);
	return memory;
}

/**
 * fmap_alloc() - a message with a correct header
 * @nextents: number of extents, all 0 for the caller to fill in
 *
 * The size of the file is left at 0, too.
 *
 * Return: the message; free() it.
 */
struct fmap *fmap_alloc(__u32 nextents)
{
	size_t size = sizeof(struct fmap) +
		nextents * sizeof(struct famfs_fmap_simple);
	struct fmap *map = allocate(size);

	map->head.file_type = FAMFS_FILE_REG;
	map->head.fmap_version = FAMFS_FMAP_VERSION;
	map->head.ext_type = FAMFS_EXT_SIMPLE;
	map->head.nextents = nextents;
	map->head.fmap_size = size;
	return map;
}

/**
 * fmap_of() - the message for a file
 * @size: of the file, in bytes
 * @spans: where it lies on the device
 * @n: number of @spans
 *
 * Return: the message; free() it.
 */
struct fmap *fmap_of(__u64 size, const struct span *spans, __u32 n)
{
	struct fmap *map = fmap_alloc(n);

	map->head.file_size = size;
	for (__u32 i = 0; i < n; i++) {
		map->ext[i].offset = spans[i].offset;
		map->ext[i].len = spans[i].len;
	}
	return map;
}

/**
 * fmap_striped() - the message for a file that is interleaved
 * @size: of the file, in bytes
 * @stripes: its parts, in file order
 * @n: number of @stripes
 *
 * Return: the message; free() it.
 */
void *fmap_striped(__u64 size, const struct stripe *stripes, __u32 n)
{
	struct famfs_fmap_header *head;
	size_t bytes = sizeof(*head);
	char *at;

	for (__u32 i = 0; i < n; i++)
		bytes += sizeof(struct famfs_fmap_interleave) +
			 stripes[i].nstrips * sizeof(*stripes[i].strips);
	head = allocate(bytes);
	head->file_type = FAMFS_FILE_REG;
	head->fmap_version = FAMFS_FMAP_VERSION;
	head->ext_type = FAMFS_EXT_INTERLEAVE;
	head->nextents = n;
	head->fmap_size = bytes;
	head->file_size = size;
	at = (char *)(head + 1);
	for (__u32 i = 0; i < n; i++) {
		struct famfs_fmap_interleave record = {
			.nstrips = stripes[i].nstrips,
			.chunk_size = stripes[i].chunk_size,
			.nbytes = stripes[i].nbytes,
		};

		memcpy(at, &record, sizeof(record));
		at += sizeof(record);
		bytes = stripes[i].nstrips * sizeof(*stripes[i].strips);
		memcpy(at, stripes[i].strips, bytes);
		at += bytes;
	}
	return head;
}

/**
 * map_create() - FAMFSIOC_MAP_CREATE
 * @fd: file
 * @message: header and records
 *
 * Return: 0 or -errno.
 */
int map_create(int fd, const void *message)
{
	return ERR(ioctl(fd, FAMFSIOC_MAP_CREATE, message));
}

/**
 * map_get() - FAMFSIOC_MAP_GET
 * @fd: file
 * @buffer: its header says how long it is
 *
 * Return: 0 or -errno.
 */
int map_get(int fd, void *buffer)
{
	return ERR(ioctl(fd, FAMFSIOC_MAP_GET, buffer));
}

/**
 * map_fetch() - a file's map, however long
 * @fd: file
 *
 * Return: the map, to be freed; NULL and errno if it cannot be had.
 */
struct fmap *map_fetch(int fd)
{
	struct famfs_fmap_header head = { .fmap_size = sizeof(head) };
	struct fmap *map;
	int err;

	err = map_get(fd, &head);
	if (err != -EMSGSIZE) {
		errno = err ? -err : EPROTO;
		return NULL;
	}
	map = allocate(head.fmap_size);
	map->head.fmap_size = head.fmap_size;
	err = map_get(fd, map);
	if (err) {
		free(map);
		errno = -err;
		return NULL;
	}
	return map;
}

/**
 * free_blocks() - what is left of the device
 *
 * Return: 4 KiB blocks that are in no map; 0 if this cannot be had.
 */
__u64 free_blocks(void)
{
	struct statfs st;

	return statfs(ROOT, &st) ? 0 : st.f_bfree;
}

/**
 * create_empty() - make a file that has no map
 * @path: of the new file
 *
 * Return: a descriptor to read and write it, or -errno.
 */
int create_empty(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	return fd < 0 ? -errno : fd;
}

/**
 * create_spans() - make a file with its map
 * @path: of the new file
 * @size: of the file, in bytes
 * @spans: where it lies on the device
 * @n: number of @spans
 *
 * Return: a descriptor to read and write it, or -errno.
 */
int create_spans(const char *path, __u64 size, const struct span *spans,
		 __u32 n)
{
	struct fmap *map = fmap_of(size, spans, n);
	int fd, err;

	fd = create_empty(path);
	if (fd >= 0) {
		err = map_create(fd, map);
		if (err) {
			close(fd);
			fd = err;
		}
	}
	free(map);
	return fd;
}

/**
 * map_shared() - map a file from its start on, for reading and writing
 * @fd: the file
 * @size: bytes
 *
 * Return: its address, or MAP_FAILED.
 */
void *map_shared(int fd, __u64 size)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
}

/**
 * create_at() - make a file of one extent
 * @path: of the new file
 * @offset: where it begins on the device
 * @size: of the file, in bytes; the extent has the whole pages that this takes
 *
 * Return: a descriptor to read and write it, or -errno.
 */
int create_at(const char *path, __u64 offset, __u64 size)
{
	struct span span = {
		.offset = offset,
		.len = (size + PAGE - 1) / PAGE * PAGE,
	};

	return create_spans(path, size, &span, 1);
}

/**
 * seed() - where the test's random numbers begin
 *
 * Return: FAMFS_SEED of the environment, else always the same.
 */
__u64 seed(void)
{
	const char *text = getenv("FAMFS_SEED");
	__u64 value = text ? strtoull(text, NULL, 0) : 20260101;

	ksft_print_msg("FAMFS_SEED=%llu\n", value);
	return value;
}

/**
 * rnd() - next random number (splitmix64)
 * @state: of the sequence
 *
 * Return: 64 random bits.
 */
__u64 rnd(__u64 *state)
{
	__u64 z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/**
 * rnd_below() - next random number of a range
 * @state: of the sequence
 * @limit: one more than the largest
 *
 * Return: 0 .. @limit - 1.
 */
__u64 rnd_below(__u64 *state, __u64 limit)
{
	return rnd(state) % limit;
}

/**
 * fill() - bytes in which no two pages are alike
 * @buffer: where they go
 * @len: how many
 * @key: other bytes for every key
 */
void fill(void *buffer, size_t len, __u64 key)
{
	unsigned char *to = buffer;
	__u64 value;

	for (; len >= sizeof(value); len -= sizeof(value)) {
		value = rnd(&key);
		memcpy(to, &value, sizeof(value));
		to += sizeof(value);
	}
	value = rnd(&key);
	memcpy(to, &value, len);
}

/**
 * first_difference() - where two stretches of memory differ
 * @a: one
 * @b: other
 * @len: bytes of each
 *
 * Return: offset of the first byte that differs; -1 if none does.
 */
ssize_t first_difference(const void *a, const void *b, size_t len)
{
	const unsigned char *x = a, *y = b;
	size_t i = 0;

	if (!memcmp(a, b, len))
		return -1;
	while (x[i] == y[i])
		i++;
	return i;
}

/**
 * read_text() - a small file's first line
 * @path: of the file
 * @text: where it goes, without the newline
 * @size: bytes at @text
 *
 * Return: 0 or -errno.
 */
int read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len;
	int err;

	if (fd < 0)
		return -errno;
	len = read(fd, text, size - 1);
	err = ERR(len);
	close(fd);
	if (err)
		return err;
	text[len] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return 0;
}

/**
 * write_text() - write to a file of sysfs or procfs
 * @path: of the file
 * @text: all of it in one write
 *
 * Return: 0 or -errno.
 */
int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int err;

	if (fd < 0)
		return -errno;
	err = ERR(write(fd, text, strlen(text)));
	close(fd);
	return err;
}

/* The address of something in the kernel, which is nobody's business. */
static bool has_pointer(const char *text)
{
	size_t len;

	for (; *text; text += len ?: 1) {
		len = strspn(text, "0123456789abcdefABCDEF");
		if (len == 16 && !strncasecmp(text, "ffff", 4))
			return true;
	}
	return false;
}

/**
 * kernel_complained() - look for trouble in what the kernel has logged since
 *	the last call
 * @line: where the first line that tells of trouble goes
 * @size: bytes at @line
 *
 * A line of famfs that has a pointer is trouble, too.
 *
 * Return: whether there is one.
 */
bool kernel_complained(char *line, size_t size)
{
	static const char * const signs[] = {
		"WARNING:", "BUG:", "Oops", "general protection fault",
		"Call Trace:", "INFO: task", "INFO: possible", "rcu: INFO",
		"UBSAN:", "KASAN:", "corruption.", "Bad page",
	};
	char record[8192], *text;
	bool found = false;
	ssize_t len;

	for (;;) {
		len = read(kernel_log, record, sizeof(record) - 1);
		/* EPIPE: records were overwritten before they could be read */
		if (len < 0 && (errno == EINTR || errno == EPIPE))
			continue;
		if (len <= 0)
			return found;
		record[len] = '\0';
		text = strchr(record, ';');
		if (found || !text)
			continue;
		text[strcspn(text, "\n")] = '\0';
		found = strstr(text, "famfs:") && has_pointer(text);
		for (size_t i = 0; !found && i < ARRAY_SIZE(signs); i++)
			found = strstr(text, signs[i]);
		if (found)
			snprintf(line, size, "%s", text + 1);
	}
}

/**
 * faults() - page faults of this process up to now
 * @minor: where the number of minor ones goes
 * @major: where the number of major ones goes
 */
void faults(long *minor, long *major)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	*minor = usage.ru_minflt;
	*major = usage.ru_majflt;
}

/**
 * event_open() - count a trace event in this process
 * @name: system and event, as "fs_dax/dax_pmd_fault_done"
 * @filter: which of these events, in the syntax of trace filters; NULL: all
 *
 * To be called after private_mounts().
 *
 * Return: a descriptor for event_count(), or -errno: kernels may be built
 * without trace events.
 */
int event_open(const char *name, const char *filter)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
		.disabled = 1,
	};
	char path[160], text[32];
	int fd, err;

	if (mkdir(SCRATCH "/tracing", 0700) == 0 &&
	    mount("tracefs", SCRATCH "/tracing", "tracefs", 0, NULL))
		return -errno;
	snprintf(path, sizeof(path), SCRATCH "/tracing/events/%s/id", name);
	err = read_text(path, text, sizeof(text));
	if (err)
		return err;
	attr.config = strtoull(text, NULL, 10);
	fd = syscall(__NR_perf_event_open, &attr, 0, -1, -1,
		     PERF_FLAG_FD_CLOEXEC);
	if (fd < 0)
		return -errno;
	if ((filter && ioctl(fd, PERF_EVENT_IOC_SET_FILTER, filter)) ||
	    ioctl(fd, PERF_EVENT_IOC_ENABLE, 0)) {
		err = -errno;
		close(fd);
		return err;
	}
	return fd;
}

/**
 * event_count() - how often an event has happened since event_open()
 * @fd: from event_open()
 *
 * Return: the number, or -errno.
 */
long event_count(int fd)
{
	__u64 count;

	if (read(fd, &count, sizeof(count)) != sizeof(count))
		return -errno;
	return count;
}
