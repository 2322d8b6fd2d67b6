// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A message that changes while the kernel reads it: what the kernel checked is
 * what it uses.
 */
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sys/syscall.h>

#include "famfs_harness.h"

#define BASE		(16 * MiB)

static const struct span good_spans[] = {
	{ BASE, 4 * MiB },
	{ BASE + 8 * MiB, 4 * MiB },
};

/* With room for more extents than the header tells of. */
static struct fmap *good_map(void)
{
	struct fmap *map, *good;

	good = fmap_of(8 * MiB, good_spans, 2);
	map = fmap_alloc(16);
	memcpy(map, good, good->head.fmap_size);
	free(good);
	return map;
}

static bool has_no_map(int fd)
{
	struct famfs_fmap_header head = { .fmap_size = sizeof(head) };
	struct stat st;

	return !fstat(fd, &st) && !st.st_size && map_get(fd, &head) == -ENODATA;
}

FIXTURE(changing) {
};

FIXTURE_SETUP(changing)
{
	ASSERT_EQ(0, private_mounts());
	ASSERT_EQ(0, mount_famfs());
}

FIXTURE_TEARDOWN_PARENT(changing)
{
	EXPECT_CLEAN_LOG();
}

/* By chance, and often. */
struct changer {
	struct fmap *map;
	bool stop;
};

static void *change_message(void *arg)
{
	struct changer *changer = arg;
	volatile struct famfs_fmap_header *head = &changer->map->head;
	volatile struct famfs_fmap_simple *ext = changer->map->ext;
	const __u32 n = head->nextents;
	const __u64 offset = ext[n - 1].offset;

	while (!__atomic_load_n(&changer->stop, __ATOMIC_RELAXED)) {
		head->nextents = 4 * n;
		head->fmap_size = 32 + 4 * n * 24;
		head->file_size = 1ULL << 62;
		/* One bit, for a half copied value to be one of both. */
		ext[n - 1].offset = offset | 1ULL << 40;
		ext[n / 2].len = 1ULL << 40;
		sched_yield();
		ext[n / 2].len = PAGE;
		ext[n - 1].offset = offset;
		head->file_size = n * PAGE;
		head->fmap_size = 32 + n * 24;
		head->nextents = n;
		sched_yield();
	}
	return NULL;
}

TEST_F(changing, message_changed_by_another_thread)
{
	const __u32 n = 64;
	int made = 0, refused = 0;
	pthread_t thread;
	__u64 before, base = BASE;

	before = free_blocks();
	for (int i = 0; i < 5000 && (made < 50 || refused < 50); i++) {
		struct changer changer = { .map = fmap_alloc(4 * n) };
		struct fmap *now;
		char path[64];
		struct stat st;
		int fd, err;

		/* What follows the good records is bad, or again the same. */
		memset(changer.map->ext, 0xff, 4 * n * 24);
		changer.map->head.nextents = n;
		changer.map->head.fmap_size = 32 + n * 24;
		changer.map->head.file_size = n * PAGE;
		for (__u32 k = 0; k < n; k++) {
			changer.map->ext[k] = (struct famfs_fmap_simple) {
				.offset = base + 2 * (n - k) * PAGE,
				.len = PAGE,
			};
		}
		snprintf(path, sizeof(path), ROOT "/%d", i);
		fd = create_empty(path);
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, pthread_create(&thread, NULL, change_message,
					    &changer));
		for (int attempt = 0; attempt < 20; attempt++) {
			err = map_create(fd, changer.map);
			if (!err)
				break;
			refused++;
			EXPECT_TRUE(err == -EINVAL || err == -ERANGE) {
				TH_LOG("MAP_CREATE: %d", err);
			}
		}
		__atomic_store_n(&changer.stop, true, __ATOMIC_RELAXED);
		pthread_join(thread, NULL);
		free(changer.map);
		ASSERT_EQ(0, fstat(fd, &st));
		if (err) {
			EXPECT_EQ(0, st.st_size);
			EXPECT_EQ(before, free_blocks());
			close(fd);
			continue;
		}
		made++;
		ASSERT_EQ(n * PAGE, st.st_size);
		now = map_fetch(fd);
		ASSERT_NE(NULL, now);
		EXPECT_EQ(n, now->head.nextents);
		EXPECT_EQ(n * PAGE, now->head.file_size);
		for (__u32 k = 0; k < n; k++) {
			ASSERT_EQ(base + 2 * (n - k) * PAGE,
				  now->ext[k].offset);
			ASSERT_EQ(PAGE, now->ext[k].len);
		}
		free(now);
		close(fd);
		before -= n;
		ASSERT_EQ(before, free_blocks());
		base += 2 * (n + 1) * PAGE;
		if (base + 3 * n * PAGE > device_size(device()))
			break;
	}
	TH_LOG("%d maps made, %d refused", made, refused);
	if (!made || !refused)
		SKIP(return, "the threads never met");
}

/*
 * The same without chance: the second part of the message is in a page that
 * is not there, and what provides it changes the first part, which the kernel
 * has read, before the kernel goes on.
 */
struct pager {
	int uffd;
	char *area;		/* two pages; the second is provided here */
	char second[PAGE];
	size_t first_len;	/* bytes of the message on the first page */
	const struct fmap *changed;
	bool called;
};

static void *provide_page(void *arg)
{
	struct pager *pager = arg;
	struct uffd_msg msg;
	struct uffdio_copy copy = {
		.dst = (unsigned long)pager->area + PAGE,
		.src = (unsigned long)pager->second,
		.len = PAGE,
	};

	if (read(pager->uffd, &msg, sizeof(msg)) != sizeof(msg))
		return NULL;
	memcpy(pager->area + PAGE - pager->first_len, pager->changed,
	       pager->first_len);
	pager->called = true;
	ioctl(pager->uffd, UFFDIO_COPY, &copy);
	return NULL;
}

static int pager_start(struct pager *pager, pthread_t *thread)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	pager->uffd = syscall(__NR_userfaultfd, O_CLOEXEC);
	if (pager->uffd < 0)
		return -errno;
	pager->area = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	range.range.start = (unsigned long)pager->area + PAGE;
	range.range.len = PAGE;
	if (ioctl(pager->uffd, UFFDIO_API, &api) ||
	    ioctl(pager->uffd, UFFDIO_REGISTER, &range))
		return -errno;
	return -pthread_create(thread, NULL, provide_page, pager);
}

static void shrink(struct fmap *map)
{
	map->head.nextents = 1;
	map->head.fmap_size = 56;
}

static void grow(struct fmap *map)
{
	map->head.nextents = 3;
	map->head.fmap_size = 104;
}

static void grow_count(struct fmap *map)
{
	map->head.nextents = 16;
}

static void grow_much(struct fmap *map)
{
	map->head.nextents = 1 << 20;
	map->head.fmap_size = 32 + (24 << 20);
}

static void change_type(struct fmap *map)
{
	map->head.file_type = FAMFS_FILE_SUPERBLOCK;
}

static void reserve(struct fmap *map)
{
	map->head.reserved = 1;
	map->head.fmap_version = 7;
}

FIXTURE(read_once) {
};

FIXTURE_VARIANT(read_once) {
	void (*change)(struct fmap *map);
};

FIXTURE_VARIANT_ADD(read_once, shrink)
{
	.change = shrink,
};

FIXTURE_VARIANT_ADD(read_once, grow)
{
	.change = grow,
};

FIXTURE_VARIANT_ADD(read_once, grow_count)
{
	.change = grow_count,
};

FIXTURE_VARIANT_ADD(read_once, grow_much)
{
	.change = grow_much,
};

FIXTURE_VARIANT_ADD(read_once, change_type)
{
	.change = change_type,
};

FIXTURE_VARIANT_ADD(read_once, reserve)
{
	.change = reserve,
};

FIXTURE_SETUP(read_once)
{
	ASSERT_EQ(0, private_mounts());
	ASSERT_EQ(0, mount_famfs());
}

FIXTURE_TEARDOWN_PARENT(read_once)
{
	EXPECT_CLEAN_LOG();
}

/* The map is the message as it was, or there is none. */
static void change_while_read(struct __test_metadata *_metadata,
			      void (*change)(struct fmap *map),
			      size_t first_len)
{
	struct fmap *map = good_map(), *changed = good_map(), *now;
	struct pager pager = { .first_len = first_len };
	__u64 before = free_blocks();
	pthread_t thread;
	int fd, err;

	err = pager_start(&pager, &thread);
	if (err)
		SKIP(return, "no userfaultfd: %s", strerror(-err));
	fd = create_empty(ROOT "/file");
	ASSERT_LE(0, fd);
	change(changed);
	pager.changed = changed;
	memcpy(pager.area + PAGE - pager.first_len, map, pager.first_len);
	memcpy(pager.second, (char *)map + pager.first_len,
	       104 - pager.first_len);
	err = map_create(fd, pager.area + PAGE - pager.first_len);
	pthread_join(thread, NULL);
	ASSERT_TRUE(pager.called);
	if (err) {
		EXPECT_TRUE(err == -EINVAL || err == -EFBIG) {
			TH_LOG("MAP_CREATE: %d", err);
		}
		EXPECT_TRUE(has_no_map(fd));
		EXPECT_EQ(before, free_blocks());
		return;
	}
	now = map_fetch(fd);
	ASSERT_NE(NULL, now);
	EXPECT_EQ(FAMFS_FILE_REG, now->head.file_type);
	ASSERT_EQ(2, now->head.nextents);
	EXPECT_EQ(8 * MiB, now->head.file_size);
	for (int i = 0; i < 2; i++) {
		EXPECT_EQ(good_spans[i].offset, now->ext[i].offset);
		EXPECT_EQ(good_spans[i].len, now->ext[i].len);
	}
	EXPECT_EQ(before - 8 * MiB / PAGE, free_blocks());
}

TEST_F(read_once, changed_within_the_header)
{
	change_while_read(_metadata, variant->change, 16);
}

TEST_F(read_once, changed_after_the_header)
{
	change_while_read(_metadata, variant->change, 32);
}

TEST_F(read_once, changed_within_the_records)
{
	change_while_read(_metadata, variant->change, 56);
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
