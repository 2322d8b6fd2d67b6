// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Paths can't lead out of a mount: a directory stands in for it, with another
 * next to it that has to stay as it is, whatever the log and the users of this
 * host have thought out.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "test.h"

#include "inside.h"
#include "media.h"

struct place {
	char top[64];		/* the directory that has both */
	int top_fd;
	int root;		/* top/root, which stands for the mount */
	int outside;		/* top/outside, which is out of bounds */
};

static void make_file(int dir, const char *path, const char *text)
{
	int fd = openat(dir, path, O_WRONLY | O_CREAT | O_EXCL, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static int new_place(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	if (!p)
		return -1;
	strcpy(p->top, "/tmp/famfs-inside-XXXXXX");
	if (!mkdtemp(p->top))
		return -1;
	p->top_fd = open(p->top, O_RDONLY | O_DIRECTORY);
	if (mkdirat(p->top_fd, "root", 0755) ||
	    mkdirat(p->top_fd, "outside", 0755))
		return -1;
	p->root = openat(p->top_fd, "root", O_RDONLY | O_DIRECTORY);
	p->outside = openat(p->top_fd, "outside", O_RDONLY | O_DIRECTORY);
	make_file(p->outside, "secret", "secret");
	mkdirat(p->outside, "dir", 0755);
	mkdirat(p->root, "d", 0755);
	mkdirat(p->root, "d/e", 0755);
	make_file(p->root, "d/e/f", "f");
	make_file(p->root, "file", "file");
	if (symlinkat("d", p->root, "in") ||
	    symlinkat("../outside", p->root, "out") ||
	    symlinkat("../../outside", p->root, "d/out") ||
	    symlinkat("../outside/secret", p->root, "secret") ||
	    symlinkat("../outside/new", p->root, "dangling") ||
	    symlinkat("/", p->root, "slash") ||
	    symlinkat("/proc/self/root", p->root, "magic") ||
	    symlinkat("loop", p->root, "loop") ||
	    symlinkat(".", p->root, "dot") || symlinkat("..", p->root, "up"))
		return -1;
	*state = p;
	return 0;
}

/* What is out of bounds is as new_place() has made it */
static void untouched(const struct place *p)
{
	char text[16] = "";
	struct stat st;
	int fd;

	fd = openat(p->outside, "secret", O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(read(fd, text, sizeof(text) - 1), 6);
	assert_string_equal(text, "secret");
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0644);
	close(fd);
	assert_int_equal(unlinkat(p->outside, "secret", 0), 0);
	assert_int_equal(unlinkat(p->outside, "dir", AT_REMOVEDIR), 0);
	/* Which it can only be if nothing was added */
	assert_int_equal(unlinkat(p->top_fd, "outside", AT_REMOVEDIR), 0);
	assert_int_equal(mkdirat(p->top_fd, "outside", 0755), 0);
}

static int drop_place(void **state)
{
	struct place *p = *state;
	char cmd[128];

	close(p->root);
	close(p->outside);
	close(p->top_fd);
	snprintf(cmd, sizeof(cmd), "rm -rf --one-file-system '%s'", p->top);
	free(p);
	return system(cmd);
}

static void opened(void **state)
{
	static const struct {
		const char *path;
		int rc;
	} t[] = {
		{ ".", 0 }, { "d", 0 }, { "d/e", 0 }, { "d/e/f", 0 },
		{ "d//e", 0 }, { "d/./e/", 0 }, { "d/../file", 0 },
		{ "", -ENOENT }, { "none", -ENOENT }, { "none/x", -ENOENT },
		{ "file/x", -ENOTDIR },
		/* Up and out */
		{ "..", -EXDEV }, { "../outside/secret", -EXDEV },
		{ "../root/file", -EXDEV }, { "d/../..", -EXDEV },
		{ "d/e/../../../outside", -EXDEV },
		{ "/", -EXDEV }, { "/etc/passwd", -EXDEV }, { "//", -EXDEV },
		/* No link is followed, not even one that stays inside */
		{ "in", -ELOOP }, { "in/e", -ELOOP }, { "dot", -ELOOP },
		{ "dot/file", -ELOOP }, { "up", -ELOOP },
		{ "up/outside/secret", -ELOOP }, { "out", -ELOOP },
		{ "out/secret", -ELOOP }, { "d/out/secret", -ELOOP },
		{ "out/", -ELOOP }, { "secret", -ELOOP },
		{ "dangling", -ELOOP }, { "slash/etc/passwd", -ELOOP },
		{ "magic", -ELOOP }, { "magic/etc", -ELOOP },
		{ "loop", -ELOOP }, { "loop/x", -ELOOP },
	};
	const struct place *p = *state;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(t); i++) {
		int fd = inside_open(p->root, t[i].path, O_RDONLY);

		if (fd >= 0) {
			assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC,
					 FD_CLOEXEC);
			close(fd);
			fd = 0;
		}
		if (fd != t[i].rc)
			fail_msg("%s: %d, not %d", t[i].path, fd, t[i].rc);
		/*
		 * Without O_PATH it might have been the opening of the link
		 * that failed, with O_PATH it can only be the way to it: and
		 * the link itself is then what is found.
		 */
		fd = inside_open(p->root, t[i].path, O_PATH);
		if (fd >= 0) {
			struct stat st;

			assert_int_equal(fstat(fd, &st), 0);
			if (t[i].rc)
				assert_true(S_ISLNK(st.st_mode));
			close(fd);
		} else {
			assert_int_equal(fd, t[i].rc);
		}
	}
	untouched(p);
}

/* Nothing is made and nothing goes where the path is not straight */
static void refused(void **state)
{
	static const char * const bad[] = {
		"", "/", "/x", "//x", "/tmp/famfs-inside-x", ".", "..", "d/..",
		"../x", "../outside/x", "../outside/secret", "d/../../x",
		"d/e/../../../outside/x", "in/x", "in/e/f", "dot/x", "up/x",
		"up/outside/x", "out/x", "out/secret", "out/dir", "d/out/x",
		"slash/tmp/x", "magic/tmp/x", "loop/x", "dangling/x", "none/x",
		"file/x", "secret/x", "d/",
	};
	const struct place *p = *state;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		if (inside_create(p->root, bad[i]) >= 0 ||
		    !inside_mkdir(p->root, bad[i]) ||
		    !inside_unlink(p->root, bad[i]))
			fail_msg("%s: is not refused", bad[i]);
	}
	/* A link in the last place is not followed either: it is there */
	assert_int_equal(inside_create(p->root, "dangling"), -EEXIST);
	assert_int_equal(inside_create(p->root, "secret"), -EEXIST);
	assert_int_equal(inside_mkdir(p->root, "dangling"), -EEXIST);
	assert_int_equal(inside_mkdir(p->root, "out"), -EEXIST);
	/* And if it goes, then itself and not what it leads to */
	assert_int_equal(inside_unlink(p->root, "secret"), 0);
	assert_int_equal(inside_unlink(p->root, "dangling"), 0);
	untouched(p);
}

static void made(void **state)
{
	const struct place *p = *state;
	mode_t mask = umask(0);
	char path[PATH_MAX + 8] = "";
	struct stat st;
	int fd, i;

	/* For the owner alone, until told otherwise */
	fd = inside_create(p->root, "d/new");
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	assert_int_equal(inside_create(p->root, "d/new"), -EEXIST);
	assert_int_equal(inside_mkdir(p->root, "d/new"), -EEXIST);
	assert_int_equal(inside_owner(fd, getuid(), getgid(), 0106755), 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | 06755);
	assert_int_equal(inside_unlink(p->root, "d/new"), 0);
	assert_int_equal(inside_unlink(p->root, "d/new"), -ENOENT);
	close(fd);
	assert_int_equal(inside_owner(fd, getuid(), getgid(), 0), -EBADF);

	assert_int_equal(inside_mkdir(p->root, "d/dir"), 0);
	assert_int_equal(fstatat(p->root, "d/dir", &st, 0), 0);
	assert_int_equal(st.st_mode, S_IFDIR | 0700);
	assert_true(inside_unlink(p->root, "d/dir") < 0);

	/* The longest path of the log: 79 bytes, of which 39 directories */
	for (i = 0; i < 39; i++) {
		strcat(path, i ? "/a" : "a");
		assert_int_equal(inside_mkdir(p->root, path), 0);
	}
	strcat(path, "/f");
	assert_int_equal(strlen(path), MEDIA_PATH_MAX);
	fd = inside_create(p->root, path);
	assert_true(fd >= 0);
	close(fd);
	fd = inside_open(p->root, path, O_RDWR);
	assert_true(fd >= 0);
	close(fd);

	/* Longer than any path may be */
	memset(path, 'a', NAME_MAX + 1);
	path[NAME_MAX + 1] = '\0';
	assert_int_equal(inside_create(p->root, path), -ENAMETOOLONG);
	memset(path, '/', PATH_MAX + 4);
	memcpy(path + PATH_MAX + 4, "x", 2);
	path[0] = 'd';
	assert_int_equal(inside_create(p->root, path), -ENAMETOOLONG);
	assert_int_equal(inside_open(p->root, path, O_PATH), -ENAMETOOLONG);
	umask(mask);
	untouched(p);
}

/* Links that lead somewhere without a path: those of proc */
static void magic_links(void **state)
{
	static const char * const bad[] = {
		"root", "cwd", "exe", "root/tmp", "cwd/.", "fd/0", "ns/mnt",
	};
	int self = open("/proc/self", O_RDONLY | O_DIRECTORY);
	size_t i;

	(void)state;
	assert_true(self >= 0);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(inside_open(self, bad[i], O_RDONLY), -ELOOP);
	/* The directory to make it in is a link, and so no directory */
	assert_int_equal(inside_create(self, "cwd/x"), -ENOTDIR);
	assert_int_equal(inside_mkdir(self, "root/tmp/x"), -ELOOP);
	close(self);
}

/* In a mount namespace of its own; 77 where that is not to be had */
static int in_bound(const struct place *p)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/root/d", p->top);
	if (unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return 77;
	/* Of the same file system, and even of the same mount's files */
	if (mount(path, path, NULL, MS_BIND, NULL))
		return 77;
	fd = open(p->top, O_RDONLY | O_DIRECTORY);
	fd = openat(fd, "root", O_RDONLY | O_DIRECTORY);
	if (fd < 0 || inside_open(fd, "d", O_PATH) != -EXDEV ||
	    inside_open(fd, "d/e/f", O_RDONLY) != -EXDEV ||
	    inside_create(fd, "d/x") != -EXDEV ||
	    inside_mkdir(fd, "d/e/x") != -EXDEV ||
	    inside_unlink(fd, "d/e/f") != -EXDEV)
		return 1;
	return 0;
}

static void mount_points(void **state)
{
	const struct place *p = *state;
	int status, top = open("/", O_RDONLY | O_DIRECTORY);
	struct stat st, proc;
	pid_t pid;

	assert_int_equal(stat("/", &st), 0);
	assert_int_equal(stat("/proc", &proc), 0);
	assert_true(st.st_dev != proc.st_dev);
	assert_int_equal(inside_open(top, "proc", O_PATH), -EXDEV);
	assert_int_equal(inside_open(top, "proc/version", O_RDONLY), -EXDEV);
	assert_int_equal(inside_create(top, "proc/x"), -EXDEV);
	close(top);

	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		_exit(in_bound(p));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		print_message("# no rights to bind mounts: not tried\n");
	else
		assert_int_equal(WEXITSTATUS(status), 0);
	untouched(p);
}

struct swapper {
	const struct place *p;
	bool stop;
};

/* One name is now a directory, now a link to another that is out of bounds */
static void *swap(void *arg)
{
	struct swapper *s = arg;

	while (!__atomic_load_n(&s->stop, __ATOMIC_RELAXED)) {
		if (renameat2(s->p->root, "d", s->p->root, "out",
			      RENAME_EXCHANGE))
			break;
	}
	return NULL;
}

static void races(void **state)
{
	const struct place *p = *state;
	struct swapper s = { .p = p };
	unsigned int there = 0, link = 0, i;
	time_t end = time(NULL) + 20;
	pthread_t thread;
	char path[32];
	int fd;

	assert_int_equal(pthread_create(&thread, NULL, swap, &s), 0);
	/* Until both were met often, and then some */
	for (i = 0; i < 20000 || there < 500 || link < 500; i++) {
		if (time(NULL) > end)
			break;
		fd = inside_open(p->root, "d/secret", O_RDONLY);
		if (fd != -ELOOP && fd != -ENOENT)
			break;
		fd = inside_open(p->root, "d/dir", O_PATH);
		if (fd != -ELOOP && fd != -ENOENT)
			break;
		snprintf(path, sizeof(path), "d/x%u", i % 8);
		fd = inside_create(p->root, path);
		if (fd >= 0) {
			there++;
			close(fd);
		} else {
			link += fd == -ENOTDIR;
		}
		inside_unlink(p->root, path);
		snprintf(path, sizeof(path), "d/y%u", i % 8);
		inside_mkdir(p->root, path);
		inside_unlink(p->root, "d/secret");
	}
	__atomic_store_n(&s.stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	assert_true(there >= 500 && link >= 500);
	untouched(p);
}

/* Which mount a path lies in, and what it is called there */
static void roots(void **state)
{
	const struct place *p = *state;
	char path[128], rel[PATH_MAX], want[64];
	struct stat st, same;
	int root, fd;

	assert_int_equal(inside_find_root("/", &root, rel, sizeof(rel)), 0);
	assert_string_equal(rel, "");
	close(root);
	/* A mount, something in it, and something that is not there yet */
	assert_int_equal(inside_find_root("/proc", &root, rel, sizeof(rel)), 0);
	assert_string_equal(rel, "");
	assert_int_equal(fstat(root, &st), 0);
	assert_int_equal(stat("/proc", &same), 0);
	assert_int_equal(st.st_dev, same.st_dev);
	close(root);
	assert_int_equal(inside_find_root("/proc/self/none", &root, rel,
					  sizeof(rel)), 0);
	snprintf(want, sizeof(want), "%d/none", (int)getpid());
	assert_string_equal(rel, want);
	close(root);
	assert_int_equal(inside_find_root("", &root, rel, sizeof(rel)),
			 -ENOENT);
	assert_int_equal(inside_find_root("/proc/none/x", &root, rel,
					  sizeof(rel)), -ENOENT);
	assert_int_equal(inside_find_root("/proc/version/x", &root, rel,
					  sizeof(rel)), -ENOTDIR);
	assert_int_equal(inside_find_root("/proc/self/none", &root, rel, 5),
			 -ENAMETOOLONG);

	/* Links on the way to it are followed; itself it is not */
	snprintf(path, sizeof(path), "%s/root/in/e/f", p->top);
	assert_int_equal(inside_find_root(path, &root, rel, sizeof(rel)), 0);
	assert_null(strstr(rel, "in/e"));
	fd = inside_open(root, rel, O_RDONLY);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(fstatat(p->root, "d/e/f", &same, 0), 0);
	assert_true(st.st_dev == same.st_dev && st.st_ino == same.st_ino);
	close(fd);
	close(root);
	snprintf(path, sizeof(path), "%s/root/secret", p->top);
	assert_int_equal(inside_find_root(path, &root, rel, sizeof(rel)), 0);
	assert_int_equal(inside_open(root, rel, O_RDONLY), -ELOOP);
	close(root);
	/* Relative to where we are */
	assert_int_equal(fchdir(p->root), 0);
	assert_int_equal(inside_find_root("file", &root, rel, sizeof(rel)), 0);
	fd = inside_open(root, rel, O_RDONLY);
	assert_true(fd >= 0);
	close(fd);
	close(root);
	assert_int_equal(chdir("/"), 0);
}

#define PLACE_CASE(fn)	cmocka_unit_test_setup_teardown(fn, new_place, \
							drop_place)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLACE_CASE(opened),
		PLACE_CASE(refused),
		PLACE_CASE(made),
		CASE(magic_links),
		PLACE_CASE(mount_points),
		PLACE_CASE(races),
		PLACE_CASE(roots),
	};

	return cmocka_run_group_tests_name("inside", tests, NULL, NULL);
}
