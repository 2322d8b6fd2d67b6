// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xfs on DAX as the model: the same system calls on a file of famfs and on one
 * of xfs -o dax=always, in the same machine. Each row of the table below is a
 * test: what the calls return, and what the file then holds, must be the same.
 *
 * Where the two must differ, since a file of famfs never changes its size, the
 * row says what famfs answers instead, and xfs only has to take the call.
 *
 * The device for xfs is the last pmem disk that is large enough and that a test
 * may overwrite, and not the one under test.
 */
#include <linux/fs.h>
#include <stdarg.h>
#include <sys/uio.h>

#include "famfs_test.h"

#include "famfs_failure.h"

#define SIZE		(4 * MiB + 1000)

/**
 * struct world - one of the two
 * @path: of the file
 * @fd: the file, open for reading and writing
 * @at: its mapping, SIZE bytes up to whole pages
 * @log: what happened
 * @used: bytes of @log
 */
struct world {
	const char *path;
	int fd;
	unsigned char *at;
	char log[8192];
	size_t used;
};

static unsigned char buffer[SIZE + 2 * PAGE];

static __printf(2, 3) void note(struct world *w, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	w->used += vsnprintf(w->log + w->used, sizeof(w->log) - w->used,
			     format, args);
	va_end(args);
	if (w->used >= sizeof(w->log))
		w->used = sizeof(w->log) - 1;
}

/* A call's result, or its error. */
static void result(struct world *w, const char *what, long value)
{
	if (value < 0)
		note(w, "%s: %s; ", what, strerrorname_np(errno));
	else
		note(w, "%s: %ld; ", what, value);
}

static __u64 hash_of(const unsigned char *at, size_t len)
{
	__u64 hash = 1469598103934665603ULL;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ at[i]) * 1099511628211ULL;
	return hash;
}

/* What was read into the buffer. */
static void bytes(struct world *w, long len)
{
	result(w, "bytes", len);
	if (len > 0)
		note(w, "hash %llx; ", hash_of(buffer, len));
}

static const __u64 borders[] = {
	0, 1, PAGE - 1, PAGE, PAGE + 1, PMD - 1, PMD, PMD + 1, SIZE - PAGE,
	SIZE - 1, SIZE, SIZE + 1, SIZE + PAGE, 1ULL << 40,
};

static void read_borders(struct world *w)
{
	static const __u64 sizes[] = { 0, 1, 2, PAGE, PMD, SIZE + PAGE };

	for (size_t i = 0; i < ARRAY_SIZE(borders); i++)
		for (size_t k = 0; k < ARRAY_SIZE(sizes); k++)
			bytes(w, pread(w->fd, buffer, sizes[k], borders[i]));
}

static void write_borders(struct world *w)
{
	static const __u64 sizes[] = { 0, 1, 2, PAGE, PAGE + 1 };

	for (size_t i = 0; i < ARRAY_SIZE(borders); i++)
		for (size_t k = 0; k < ARRAY_SIZE(sizes); k++) {
			if (borders[i] + sizes[k] > SIZE)
				continue;
			fill(buffer, sizes[k], i * 100 + k);
			result(w, "pwrite", pwrite(w->fd, buffer, sizes[k],
						   borders[i]));
		}
	result(w, "negative", pwrite(w->fd, buffer, 1, -1));
	result(w, "huge", pwrite(w->fd, buffer, 1, (1ULL << 63) - 1));
	result(w, "nothing at the end", pwrite(w->fd, buffer, 0, SIZE));
	result(w, "nothing past it", pwrite(w->fd, buffer, 0, SIZE + PAGE));
}

static void vectors(struct world *w)
{
	struct iovec v[3] = {
		{ buffer, 10 }, { buffer + 100, 0 }, { buffer + 10, 5000 },
	};

	bytes(w, preadv(w->fd, v, 3, 4090));
	fill(buffer, 5010, 3);
	result(w, "pwritev", pwritev(w->fd, v, 3, PMD - 17));
	result(w, "flags", preadv2(w->fd, v, 1, 0, RWF_HIPRI));
	result(w, "nowait", preadv2(w->fd, v, 1, 0, RWF_NOWAIT));
	result(w, "unknown flag", preadv2(w->fd, v, 1, 0, 0x40000000));
	result(w, "sync", pwritev2(w->fd, v, 1, 0, RWF_SYNC));
	result(w, "dsync", pwritev2(w->fd, v, 1, 0, RWF_DSYNC));
	v[1].iov_len = -1;
	result(w, "negative length", preadv(w->fd, v, 3, 0));
}

static void bad_buffers(struct world *w)
{
	result(w, "read", pread(w->fd, (void *)PAGE, 10, 0));
	result(w, "write", pwrite(w->fd, (void *)PAGE, 10, 0));
	result(w, "read nothing", pread(w->fd, (void *)PAGE, 0, 0));
	result(w, "read at the end", pread(w->fd, (void *)PAGE, 10, SIZE));
}

static void access_modes(struct world *w)
{
	int in = open(w->path, O_RDONLY), out = open(w->path, O_WRONLY);

	result(w, "write", write(in, "", 1));
	result(w, "read", read(out, buffer, 1));
	result(w, "map", ERR(mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, in, 0)) ?
		      -1 : 0);
	result(w, "map", ERR(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, out, 0)) ?
		      -1 : 0);
	result(w, "fsync", fsync(in));
	result(w, "fadvise", posix_fadvise(in, 0, 0, POSIX_FADV_DONTNEED));
	result(w, "truncate", ftruncate(in, SIZE));
	result(w, "allocate", fallocate(in, 0, 0, PAGE));
	close(in);
	close(out);
}

static void seeks(struct world *w)
{
	static const int whence[] = {
		SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA, SEEK_HOLE, 77,
	};
	static const off_t offsets[] = {
		0, 1, -1, PAGE, PMD + 1, SIZE - 1, SIZE, SIZE + 1, -SIZE,
		-SIZE - 1, 1LL << 62,
	};

	for (size_t k = 0; k < ARRAY_SIZE(whence); k++)
		for (size_t i = 0; i < ARRAY_SIZE(offsets); i++)
			result(w, "lseek", lseek(w->fd, offsets[i], whence[k]));
	lseek(w->fd, 0, SEEK_SET);
}

static void appends(struct world *w)
{
	int fd = open(w->path, O_RDWR | O_APPEND);

	result(w, "append", write(fd, "appended", 8));
	result(w, "at", lseek(fd, 0, SEEK_CUR));
	result(w, "size", lseek(w->fd, 0, SEEK_END));
	close(fd);
}

static void past_the_end(struct world *w)
{
	result(w, "across", pwrite(w->fd, buffer, 100, SIZE - 50));
	result(w, "at", pwrite(w->fd, buffer, 100, SIZE));
	result(w, "size", lseek(w->fd, 0, SEEK_END));
}

static void size_limit(struct world *w)
{
	const struct rlimit low = { 2 * PAGE, RLIM_INFINITY };
	struct rlimit old;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	setrlimit(RLIMIT_FSIZE, &low);
	result(w, "below", pwrite(w->fd, buffer, PAGE, 0));
	result(w, "across", pwrite(w->fd, buffer, PAGE, 2 * PAGE - 100));
	result(w, "at", pwrite(w->fd, buffer, 1, 2 * PAGE));
	result(w, "above", pwrite(w->fd, buffer, 1, 3 * PAGE));
	result(w, "nothing above", pwrite(w->fd, buffer, 0, 3 * PAGE));
	setrlimit(RLIMIT_FSIZE, &old);
}

static void protections(struct world *w)
{
	unsigned char *at;

	at = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, w->fd, 0);
	result(w, "map", at == MAP_FAILED ? -1 : 0);
	result(w, "writable", mprotect(at, SIZE, PROT_READ | PROT_WRITE));
	result(w, "store", touch(at + 5, true));
	result(w, "executable", mprotect(at, SIZE, PROT_READ | PROT_EXEC));
	munmap(at, SIZE);
	for (int flags = 0; flags < 8; flags++)
		result(w, "msync", msync(w->at, SIZE, flags));
	result(w, "odd msync", msync(w->at + 1, PAGE, MS_SYNC));
	result(w, "odd map", ERR(mmap(NULL, PAGE, PROT_READ, MAP_SHARED,
				      w->fd, 100)) ? -1 : 0);
	result(w, "no length", ERR(mmap(NULL, 0, PROT_READ, MAP_SHARED, w->fd,
					0)) ? -1 : 0);
}

static void map_flags(struct world *w)
{
	static const int flags[] = {
		MAP_SHARED_VALIDATE, MAP_SHARED_VALIDATE | MAP_SYNC,
		MAP_PRIVATE | MAP_SYNC, MAP_SHARED_VALIDATE | 0x800000,
		MAP_SHARED | MAP_POPULATE, MAP_PRIVATE | MAP_POPULATE,
		MAP_SHARED | MAP_LOCKED, MAP_SHARED | MAP_HUGETLB, 0,
		MAP_SHARED | MAP_NORESERVE, MAP_PRIVATE | MAP_NORESERVE,
	};

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		unsigned char *at = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
					 flags[i], w->fd, 0);

		result(w, "mmap", at == MAP_FAILED ? -1 : 0);
		if (at == MAP_FAILED)
			continue;
		result(w, "store", touch(at + PMD + 9, true));
		note(w, "hash %llx; ", hash_of(at, SIZE));
		munmap(at, SIZE);
	}
}

/* The last page has bytes past the end of the file, and then come none. */
static void map_past_the_end(struct world *w)
{
	const __u64 end = (SIZE + PAGE - 1) / PAGE * PAGE;
	unsigned char *at = mmap(NULL, end + PAGE, PROT_READ | PROT_WRITE,
				 MAP_SHARED, w->fd, 0);

	result(w, "last page", touch(at + end - 1, true));
	result(w, "past it", touch(at + end, false) ? trapped.si_code : 0);
	result(w, "past it", touch(at + end, true) ? trapped.si_code : 0);
	bytes(w, pread(w->fd, buffer, PAGE, SIZE - 10));
	munmap(at, end + PAGE);
}

static void advice(struct world *w)
{
	static const int list[] = {
		MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED,
		MADV_DONTNEED, MADV_DONTFORK, MADV_DOFORK, MADV_HUGEPAGE,
		MADV_NOHUGEPAGE, MADV_COLD, MADV_PAGEOUT, MADV_FREE,
		MADV_POPULATE_READ, MADV_POPULATE_WRITE, MADV_MERGEABLE, 999,
	};

	for (size_t i = 0; i < ARRAY_SIZE(list); i++)
		result(w, "madvise", madvise(w->at, SIZE, list[i]));
	for (int i = -1; i < 8; i++)
		result(w, "fadvise", posix_fadvise(w->fd, 0, SIZE, i));
	result(w, "negative", posix_fadvise(w->fd, 0, -1, 0));
	result(w, "lock", mlock(w->at, SIZE));
	result(w, "unlock", munlock(w->at, SIZE));
	note(w, "hash %llx; ", hash_of(w->at, SIZE));
}

static void private_pages(struct world *w)
{
	unsigned char *at = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE, w->fd, 0);

	at[10] = 1;
	at[PMD] = 2;
	result(w, "write under it", pwrite(w->fd, "\7\7\7", 3, 10));
	note(w, "own %d %d, file %d; ", at[10], at[PMD], w->at[10]);
	result(w, "drop", madvise(at, SIZE, MADV_DONTNEED));
	note(w, "own %d %d; ", at[10], at[PMD]);
	munmap(at, SIZE);
}

static void attributes(struct world *w)
{
	struct statx x;
	struct stat st;

	result(w, "fstat", fstat(w->fd, &st));
	note(w, "mode %o, size %ld, links %ld, uid %u, block %ld; ",
	     st.st_mode, st.st_size, (long)st.st_nlink, st.st_uid,
	     (long)st.st_blksize);
	result(w, "statx", statx(w->fd, "", AT_EMPTY_PATH, STATX_ALL, &x));
	note(w, "dax %d; ", !!(x.stx_attributes & STATX_ATTR_DAX));
	result(w, "chmod", fchmod(w->fd, 06711));
	result(w, "write", pwrite(w->fd, "a", 1, 0));
	fstat(w->fd, &st);
	note(w, "mode %o; ", st.st_mode);
	result(w, "chown", fchown(w->fd, 5, 6));
	fstat(w->fd, &st);
	note(w, "mode %o uid %u gid %u; ", st.st_mode, st.st_uid, st.st_gid);
	result(w, "chown", fchown(w->fd, 0, 0));
	result(w, "chmod", fchmod(w->fd, 0644));
}

static bool later(struct timespec a, struct timespec b)
{
	return a.tv_sec > b.tv_sec ||
	       (a.tv_sec == b.tv_sec && a.tv_nsec > b.tv_nsec);
}

static void times(struct world *w)
{
	const struct timespec old[] = { { 1000, 5 }, { 2000, 7 } };
	struct stat before, after;

	result(w, "utimens", futimens(w->fd, old));
	fstat(w->fd, &before);
	note(w, "%ld.%ld %ld.%ld; ", before.st_atim.tv_sec,
	     before.st_atim.tv_nsec, before.st_mtim.tv_sec,
	     before.st_mtim.tv_nsec);
	result(w, "read", pread(w->fd, buffer, 1, 0));
	fstat(w->fd, &after);
	note(w, "atime %d mtime %d; ", later(after.st_atim, before.st_atim),
	     later(after.st_mtim, before.st_mtim));
	futimens(w->fd, old);
	/* Not every file system tells times within a tick from each other */
	fstat(w->fd, &before);
	usleep(20000);
	result(w, "write nothing", pwrite(w->fd, buffer, 0, 0));
	fstat(w->fd, &after);
	note(w, "mtime %d; ", later(after.st_mtim, before.st_mtim));
	result(w, "write", pwrite(w->fd, buffer, 1, 0));
	fstat(w->fd, &after);
	note(w, "mtime %d ctime %d; ", later(after.st_mtim, before.st_mtim),
	     later(after.st_ctim, before.st_ctim));
}

static void syncs(struct world *w)
{
	w->at[PMD] = 0x33;
	result(w, "fsync", fsync(w->fd));
	result(w, "fdatasync", fdatasync(w->fd));
	result(w, "syncfs", syncfs(w->fd));
	for (int flags = 0; flags < 16; flags++)
		result(w, "range", sync_file_range(w->fd, 0, PAGE, flags));
	result(w, "negative", sync_file_range(w->fd, -1, PAGE, 2));
	result(w, "readahead", readahead(w->fd, 0, PAGE));
}

static void pipes(struct world *w)
{
	loff_t at = PMD - 100;
	int fds[2];

	if (pipe(fds))
		return;
	result(w, "out", splice(w->fd, &at, fds[1], NULL, 8000, 0));
	bytes(w, read(fds[0], buffer, 8000));
	fill(buffer, 8000, 5);
	result(w, "fill", write(fds[1], buffer, 8000));
	at = PAGE - 1;
	result(w, "in", splice(fds[0], NULL, w->fd, &at, 8000, 0));
	at = SIZE;
	result(w, "at the end", splice(w->fd, &at, fds[1], NULL, 8000, 0));
	result(w, "to itself", splice(w->fd, NULL, w->fd, NULL, 1, 0));
	close(fds[0]);
	close(fds[1]);
}

static void copies(struct world *w)
{
	loff_t from = 0, to = PMD;

	result(w, "copy", copy_file_range(w->fd, &from, w->fd, &to, 9999, 0));
	from = PMD + 10;
	to = PMD + 20;
	result(w, "overlapping", copy_file_range(w->fd, &from, w->fd, &to, 100,
						 0));
	from = SIZE;
	to = 0;
	result(w, "from the end", copy_file_range(w->fd, &from, w->fd, &to,
						  100, 0));
	from = 0;
	result(w, "flags", copy_file_range(w->fd, &from, w->fd, &to, 100, 1));
}

static void opens(struct world *w)
{
	static const int flags[] = {
		O_RDWR | O_DIRECT, O_RDWR | O_SYNC, O_RDWR | O_NOATIME,
		O_RDONLY | O_DIRECTORY, O_RDWR | O_CREAT, O_PATH,
		O_RDWR | O_CREAT | O_EXCL, O_RDONLY | O_NOFOLLOW,
	};

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		int fd = open(w->path, flags[i], 0600);

		result(w, "open", fd < 0 ? -1 : 0);
		if (fd < 0)
			continue;
		bytes(w, read(fd, buffer, 100));
		result(w, "odd", pwrite(fd, "odd", 3, 4097));
		close(fd);
	}
}

static void locks(struct world *w)
{
	struct flock lock = { .l_type = F_WRLCK, .l_len = 100 };
	int other = open(w->path, O_RDWR);

	result(w, "lock", fcntl(w->fd, F_OFD_SETLK, &lock));
	result(w, "again", fcntl(other, F_OFD_SETLK, &lock));
	lock.l_type = F_UNLCK;
	result(w, "unlock", fcntl(w->fd, F_OFD_SETLK, &lock));
	result(w, "lease", fcntl(w->fd, F_SETLEASE, F_RDLCK));
	close(other);
}

static void truncates_to_its_size(struct world *w)
{
	result(w, "ftruncate", ftruncate(w->fd, SIZE));
	result(w, "truncate", truncate(w->path, SIZE));
	result(w, "negative", ftruncate(w->fd, -1));
}

static void truncates(struct world *w)
{
	result(w, "shorter", ftruncate(w->fd, PAGE));
	result(w, "longer", ftruncate(w->fd, 2 * SIZE));
}

static void removes(struct world *w)
{
	result(w, "unlink", unlink(w->path));
}

static const struct row {
	const char *name;
	void (*run)(struct world *w);
	const char *instead;	/* what famfs says where xfs may do more */
} rows[] = {
	{ "reads at borders", read_borders, NULL },
	{ "writes at borders", write_borders, NULL },
	{ "vectors and flags", vectors, NULL },
	{ "bad buffers", bad_buffers, NULL },
	{ "access modes", access_modes, NULL },
	{ "seeks", seeks, NULL },
	{ "file size limit", size_limit, NULL },
	{ "protections and msync", protections, NULL },
	{ "flags of mappings", map_flags, NULL },
	{ "mapping past the end", map_past_the_end, NULL },
	{ "advice and locks", advice, NULL },
	{ "private pages", private_pages, NULL },
	{ "attributes", attributes, NULL },
	{ "times", times, NULL },
	{ "syncs", syncs, NULL },
	{ "pipes", pipes, NULL },
	{ "copies", copies, NULL },
	{ "ways to open", opens, NULL },
	{ "file locks", locks, NULL },
	{ "truncation to the same size", truncates_to_its_size, NULL },
	{ "appending", appends, "append: ENOSPC; at: 0; size: 4195304; " },
	{ "writes past the end", past_the_end,
	  "across: 50; at: ENOSPC; size: 4195304; " },
	{ "truncation", truncates, "shorter: EPERM; longer: EPERM; " },
	{ "unlink", removes, "unlink: EPERM; " },
};

/* The last disk for xfs, which does with no less, other than the first device. */
static const char *model_device(void)
{
	const char *paths[FAMFS_MAX_DAXDEVS];
	int n = devices(paths, ARRAY_SIZE(paths));

	for (int i = n - 1; i > 0; i--)
		if (is_block(paths[i]) && device_size(paths[i]) > 320 * MiB)
			return paths[i];
	return NULL;
}

static int mount_model(const char *dev)
{
	char command[160];

	snprintf(command, sizeof(command), "mkfs.xfs -q -f -m reflink=0 %s >&2",
		 dev);
	if (system(command))
		return -EIO;
	return ERR(mount(dev, ROOT2, "xfs", 0, "dax=always"));
}

static int begin(struct world *w)
{
	unsigned char *contents = malloc(SIZE);

	if (w->fd < 0)
		return w->fd;
	fill(contents, SIZE, 1);
	if (pwrite(w->fd, contents, SIZE, 0) != (ssize_t)SIZE)
		return -EIO;
	free(contents);
	w->at = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, w->fd, 0);
	return w->at == MAP_FAILED ? -errno : 0;
}

static void run_row(struct world *w, const struct row *row)
{
	lseek(w->fd, 0, SEEK_SET);
	memset(buffer, 0, sizeof(buffer));
	w->used = 0;
	w->log[0] = '\0';
	row->run(w);
	/* And what it left */
	if (!row->instead)
		bytes(w, pread(w->fd, buffer, SIZE + PAGE, 0));
}

/* Where two texts part, from the call on that is another. */
static void show_difference(const char *ours, const char *model)
{
	size_t from = 0;

	for (size_t i = 0; ours[i] == model[i]; i++)
		if (ours[i] == ';')
			from = i + 1;
	ksft_print_msg("famfs: ...%.200s\n", ours + from);
	ksft_print_msg("model: ...%.200s\n", model + from);
}

int main(void)
{
	static struct world ours = { .path = ROOT "/file" };
	static struct world model = { .path = ROOT2 "/file" };
	const char *dev;
	char line[256];
	int err;

	require_device();
	dev = model_device();
	if (!dev)
		ksft_exit_skip("there is no pmem disk for xfs\n");
	if (system("modprobe -q xfs; grep -qw xfs /proc/filesystems"))
		ksft_exit_skip("the kernel has no xfs\n");
	if (system("command -v mkfs.xfs >/dev/null"))
		ksft_exit_skip("there is no mkfs.xfs\n");
	if (private_mounts() || mount_famfs())
		ksft_exit_fail_msg("%s cannot be mounted\n", device());
	err = mount_model(dev);
	if (err)
		ksft_exit_fail_msg("xfs -o dax=always on %s: %s\n", dev,
				   strerror(-err));
	umask(022);
	catch_sigbus();
	ours.fd = create_at(ours.path, 32 * MiB, SIZE);
	model.fd = open(model.path, O_RDWR | O_CREAT, 0644);
	err = begin(&ours) ?: begin(&model);
	if (err)
		ksft_exit_fail_msg("the files cannot be made: %s\n",
				   strerror(-err));

	ksft_set_plan(ARRAY_SIZE(rows) + 1);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *want = rows[i].instead ?: model.log;
		bool same;

		run_row(&ours, &rows[i]);
		run_row(&model, &rows[i]);
		same = !strcmp(ours.log, want);
		/* A row that says nothing compares nothing */
		same = same && ours.used && ours.used < sizeof(ours.log) - 1;
		if (!same)
			show_difference(ours.log, want);
		ksft_test_result(same, "%s\n", rows[i].name);
	}
	munmap(model.at, SIZE);
	close(model.fd);
	umount2(ROOT2, MNT_DETACH);
	line[0] = '\0';
	ksft_test_result(!kernel_complained(line, sizeof(line)),
			 "the kernel is silent %s\n", line);
	ksft_finished();
}
