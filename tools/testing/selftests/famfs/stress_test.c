// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Much of it, and much of it at once: mounts in a row, maps that compete for
 * the same memory, the largest maps.
 */
#include <pthread.h>

#include "famfs_harness.h"

#define THREADS		8
#define ROUNDS		40

FIXTURE(stress) {
};

FIXTURE_SETUP(stress)
{
	ASSERT_EQ(0, private_mounts());
}

FIXTURE_TEARDOWN_PARENT(stress)
{
	EXPECT_CLEAN_LOG();
}

/* What one mount wrote, the next one finds where its map says it is. */
TEST_F_TIMEOUT(stress, hundred_mounts, 120)
{
	const struct span spans[] = {
		{ 32 * MiB, 2 * MiB },
		{ 16 * MiB + PAGE, 3 * PAGE },
	};
	const size_t size = 2 * MiB + 2 * PAGE + 5;
	char before[32], after[32];
	unsigned char *at;
	struct statfs st;
	char tag[32], seen[32];
	int fd;

	ASSERT_EQ(0, read_text("/sys/module/famfs/refcnt", before,
			       sizeof(before)));
	for (int i = 0; i < 100; i++) {
		ASSERT_EQ(0, mount_famfs()) {
			TH_LOG("mount %d", i);
		}
		ASSERT_EQ(0, statfs(ROOT, &st));
		ASSERT_EQ(st.f_blocks, st.f_bfree);
		fd = create_spans(ROOT "/file", size, spans, 2);
		ASSERT_LE(0, fd);
		if (i > 0) {
			snprintf(tag, sizeof(tag), "round %d of many", i - 1);
			memset(seen, 0, sizeof(seen));
			ASSERT_EQ(16, pread(fd, seen, 16, 2 * MiB - 8));
			seen[15] = '\0';
			tag[15] = '\0';
			ASSERT_STREQ(tag, seen);
		}
		at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			  0);
		ASSERT_NE(MAP_FAILED, at);
		snprintf(tag, sizeof(tag), "round %d of many", i);
		memcpy(at + 2 * MiB - 8, tag, 16);
		memcpy(at + size - 16, tag, 16);
		ASSERT_EQ(16, pread(fd, seen, 16, size - 16));
		ASSERT_EQ(-1, first_difference(tag, seen, 16));
		ASSERT_EQ(0, munmap(at, size));
		close(fd);
		ASSERT_EQ(0, ERR(umount(ROOT))) {
			TH_LOG("unmount %d", i);
		}
	}
	ASSERT_EQ(0, read_text("/sys/module/famfs/refcnt", after,
			       sizeof(after)));
	EXPECT_STREQ(before, after);
}

TEST_F_TIMEOUT(stress, hundred_failed_mounts, 120)
{
	for (int i = 0; i < 100; i++) {
		ASSERT_EQ(-EINVAL, ERR(mount(device(), ROOT, "famfs", 0,
					     "mode=99999")));
		ASSERT_EQ(0, mount_famfs());
		ASSERT_EQ(-EBUSY, ERR(mount(device(), ROOT2, "famfs", 0,
					    NULL)));
		ASSERT_EQ(0, ERR(umount(ROOT)));
	}
}

struct contender {
	pthread_barrier_t *start;
	int fd;
	struct fmap *map;
	int result;
};

static void *contend(void *arg)
{
	struct contender *contender = arg;

	pthread_barrier_wait(contender->start);
	contender->result = map_create(contender->fd, contender->map);
	return NULL;
}

/* All at once; returns how many succeeded. */
static int contest(struct contender *contenders)
{
	pthread_barrier_t start;
	pthread_t threads[THREADS];
	int winners = 0;

	pthread_barrier_init(&start, NULL, THREADS);
	for (int i = 0; i < THREADS; i++) {
		contenders[i].start = &start;
		if (pthread_create(&threads[i], NULL, contend, &contenders[i]))
			ksft_exit_fail_msg("no thread\n");
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		winners += !contenders[i].result;
	}
	pthread_barrier_destroy(&start);
	return winners;
}

/* Files that all want one page in common: one gets it, and the others nothing.
 */
TEST_F(stress, one_of_many_gets_the_memory)
{
	struct contender contenders[THREADS];
	struct statfs st, now;
	char path[64];

	ASSERT_EQ(0, mount_famfs());
	ASSERT_EQ(0, statfs(ROOT, &st));
	for (int round = 0; round < ROUNDS; round++) {
		__u64 base = (16 + round) * MiB;

		for (int i = 0; i < THREADS; i++) {
			const struct span spans[] = {
				/* its own */
				{ base + 4 * i * PAGE, PAGE },
				/* everybody's */
				{ base + 64 * PAGE + i * PAGE, THREADS * PAGE },
				/* its own */
				{ base + (128 + 2 * i) * PAGE, PAGE },
			};

			snprintf(path, sizeof(path), ROOT "/%d.%d", round, i);
			contenders[i].fd = create_empty(path);
			ASSERT_LE(0, contenders[i].fd);
			contenders[i].map = fmap_of((THREADS + 2) * PAGE,
						    spans, 3);
		}
		ASSERT_EQ(1, contest(contenders));
		st.f_bfree -= THREADS + 2;
		ASSERT_EQ(0, statfs(ROOT, &now));
		ASSERT_EQ(st.f_bfree, now.f_bfree);
		for (int i = 0; i < THREADS; i++) {
			if (contenders[i].result) {
				EXPECT_EQ(-EADDRINUSE, contenders[i].result);
				/* What was its own is free. */
				contenders[i].map->ext[1].offset =
					base + (160 + 8 * i) * PAGE;
				ASSERT_EQ(0, map_create(contenders[i].fd,
							contenders[i].map));
				st.f_bfree -= THREADS + 2;
			}
			close(contenders[i].fd);
			free(contenders[i].map);
		}
	}
}

/*
 * One file, many maps, none of which touches another. They have many extents,
 * so that each takes a while, and their number tells them apart.
 */
#define MANY	100

static struct fmap *scattered_map(__u64 base, __u32 n)
{
	struct fmap *map = fmap_alloc(n);

	map->head.file_size = n * PAGE;
	for (__u32 i = 0; i < n; i++) {
		map->ext[i].offset = base + (n - i) * PAGE;
		map->ext[i].len = PAGE;
	}
	return map;
}

TEST_F(stress, one_of_many_maps_the_file)
{
	struct contender contenders[THREADS];
	struct statfs st, now;
	struct fmap *map;
	char path[64];
	int winner, fd;

	ASSERT_EQ(0, mount_famfs());
	ASSERT_EQ(0, statfs(ROOT, &st));
	for (int round = 0; round < ROUNDS / 2; round++) {
		__u64 base = (16 + round * THREADS) * MiB;

		snprintf(path, sizeof(path), ROOT "/%d", round);
		fd = create_empty(path);
		ASSERT_LE(0, fd);
		winner = -1;
		for (int i = 0; i < THREADS; i++) {
			contenders[i].fd = fd;
			contenders[i].map = scattered_map(base + i * MiB,
							  MANY + i);
		}
		ASSERT_EQ(1, contest(contenders));
		for (int i = 0; i < THREADS; i++) {
			EXPECT_TRUE(!contenders[i].result ||
				    contenders[i].result == -EEXIST) {
				TH_LOG("MAP_CREATE: %d", contenders[i].result);
			}
			if (!contenders[i].result)
				winner = i;
		}
		st.f_bfree -= MANY + winner;
		ASSERT_EQ(0, statfs(ROOT, &now));
		ASSERT_EQ(st.f_bfree, now.f_bfree);
		map = map_fetch(fd);
		ASSERT_NE(NULL, map);
		EXPECT_EQ(MANY + winner, map->head.nextents);
		EXPECT_EQ(-1, first_difference(contenders[winner].map, map,
					       map->head.fmap_size));
		EXPECT_EQ((MANY + winner) * PAGE, lseek(fd, 0, SEEK_END));
		free(map);
		close(fd);
		/* What the losers asked for is free. */
		for (int i = 0; i < THREADS; i++) {
			if (i != winner) {
				snprintf(path, sizeof(path), ROOT "/%d.%d",
					 round, i);
				fd = create_empty(path);
				ASSERT_LE(0, fd);
				ASSERT_EQ(0, map_create(fd,
							contenders[i].map));
				st.f_bfree -= MANY + i;
				close(fd);
			}
			free(contenders[i].map);
		}
	}
}

/*
 * What there is to see of a file while it gets its map: nothing, or all. Once
 * it has a size, that is the size, and whatever needs a map finds it; first the
 * calls that take no lock.
 */
static int seen_whole(int fd, const struct contender *contender)
{
	const struct famfs_fmap_header *head = &contender->map->head;
	struct fmap *map;
	struct stat st;
	char byte, *at;
	off_t size;

	do
		size = lseek(fd, 0, SEEK_END);
	while (!size);
	at = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return -errno;
	munmap(at, PAGE);
	map = map_fetch(fd);
	if (!map)
		return -errno;
	if (map->head.fmap_size != head->fmap_size ||
	    memcmp(map, head, head->fmap_size))
		return -EPROTO;
	free(map);
	if ((__u64)size != head->file_size || fstat(fd, &st) ||
	    st.st_size != size || st.st_blocks != size / 512)
		return -EFBIG;
	return pread(fd, &byte, 1, size - 1) == 1 ? 0 : -EIO;
}

TEST_F_TIMEOUT(stress, map_is_seen_whole_or_not_at_all, 60)
{
	struct contender contender;
	pthread_barrier_t start;
	pthread_t thread;
	char path[64];
	int fd;

	ASSERT_EQ(0, mount_famfs());
	contender.start = &start;
	pthread_barrier_init(&start, NULL, 2);
	for (int round = 0; round < 2000; round++) {
		snprintf(path, sizeof(path), ROOT "/%d", round);
		contender.fd = create_empty(path);
		ASSERT_LE(0, contender.fd);
		contender.map = scattered_map(16 * MiB + round * 8 * PAGE, 4);
		fd = open(path, O_RDONLY);
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, pthread_create(&thread, NULL, contend,
					    &contender));
		pthread_barrier_wait(&start);
		ASSERT_EQ(0, seen_whole(fd, &contender));
		pthread_join(thread, NULL);
		ASSERT_EQ(0, contender.result);
		free(contender.map);
		close(contender.fd);
		close(fd);
	}
	pthread_barrier_destroy(&start);
}

/*
 * Page by page from the end of the device towards its start, so that no two
 * extents can be merged.
 */
TEST_F_TIMEOUT(stress, hundred_thousand_extents, 120)
{
	const __u32 n = 100000;
	__u64 state = seed(), page, value;
	struct fmap *map, *now;
	__u64 last;
	int fd, one;

	last = device_size(device()) / PAGE - 1;
	if (last < n)
		SKIP(return, "the device has only %llu pages", last + 1);
	ASSERT_EQ(0, mount_famfs());
	map = fmap_alloc(n);
	map->head.file_size = n * PAGE;
	for (__u32 i = 0; i < n; i++) {
		map->ext[i].offset = (last - i) * PAGE;
		map->ext[i].len = PAGE;
	}
	fd = create_empty(ROOT "/file");
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, map_create(fd, map));
	now = map_fetch(fd);
	ASSERT_NE(NULL, now);
	ASSERT_EQ(map->head.fmap_size, now->head.fmap_size);
	EXPECT_EQ(-1, first_difference(map, now, map->head.fmap_size));

	/* The first, the last, and some between them. */
	for (int i = 0; i < 1000; i++) {
		page = i == 0 ? 0 : i == 1 ? n - 1 : rnd_below(&state, n);
		value = page * 0x9e3779b97f4a7c15ULL;
		ASSERT_EQ(8, pwrite(fd, &value, 8, page * PAGE + 8));
		value = 0;
		ASSERT_EQ(8, pread(fd, &value, 8, page * PAGE + 8));
		ASSERT_EQ(page * 0x9e3779b97f4a7c15ULL, value);
	}
	EXPECT_EQ(-ENOSPC, ERR(pwrite(fd, "x", 1, n * PAGE)));
	close(fd);
	ASSERT_EQ(0, ERR(umount(ROOT)));

	/* And it was on the pages that the map named. */
	ASSERT_EQ(0, mount_famfs());
	one = create_at(ROOT "/whole", (last - n + 1) * PAGE, n * PAGE);
	ASSERT_LE(0, one);
	ASSERT_EQ(8, pread(one, &value, 8, 8));
	EXPECT_EQ((n - 1) * 0x9e3779b97f4a7c15ULL, value);
	ASSERT_EQ(8, pread(one, &value, 8, (n - 1) * PAGE + 8));
	EXPECT_EQ(0, value);
}

/* One too many fails, and gives back all that went before it. */
TEST_F_TIMEOUT(stress, hundred_thousand_extents_of_which_one_is_taken, 120)
{
	const __u32 n = 100000;
	struct statfs before, after;
	struct fmap *map;
	__u64 last;
	int fd;

	last = device_size(device()) / PAGE - 1;
	if (last < n)
		SKIP(return, "the device has only %llu pages", last + 1);
	ASSERT_EQ(0, mount_famfs());
	ASSERT_LE(0, create_at(ROOT "/taken", (last - n + 1) * PAGE, PAGE));
	ASSERT_EQ(0, statfs(ROOT, &before));
	map = fmap_alloc(n);
	map->head.file_size = n * PAGE;
	for (__u32 i = 0; i < n; i++) {
		map->ext[i].offset = (last - i) * PAGE;
		map->ext[i].len = PAGE;
	}
	fd = create_empty(ROOT "/file");
	ASSERT_LE(0, fd);
	EXPECT_EQ(-EADDRINUSE, map_create(fd, map));
	ASSERT_EQ(0, statfs(ROOT, &after));
	EXPECT_EQ(before.f_bfree, after.f_bfree);
	map->head.nextents = n - 1;
	map->head.fmap_size -= sizeof(map->ext[0]);
	map->head.file_size -= PAGE;
	EXPECT_EQ(0, map_create(fd, map));
}

TEST_F_TIMEOUT(stress, thousand_files, 60)
{
	struct statfs st;
	__u64 blocks, value;
	char path[64];
	int fd;

	ASSERT_EQ(0, mount_famfs());
	ASSERT_EQ(0, statfs(ROOT, &st));
	blocks = st.f_bfree;
	for (__u64 i = 0; i < 1000; i++) {
		snprintf(path, sizeof(path), ROOT "/%llu", i);
		fd = create_at(path, 16 * MiB + i * PAGE, PAGE);
		ASSERT_LE(0, fd);
		ASSERT_EQ(8, pwrite(fd, &i, 8, 100));
		close(fd);
	}
	ASSERT_EQ(0, statfs(ROOT, &st));
	EXPECT_EQ(blocks - 1000, st.f_bfree);
	for (__u64 i = 0; i < 1000; i++) {
		snprintf(path, sizeof(path), ROOT "/%llu", i);
		fd = open(path, O_RDONLY);
		ASSERT_LE(0, fd);
		ASSERT_EQ(8, pread(fd, &value, 8, 100));
		ASSERT_EQ(i, value);
		close(fd);
	}
}

int main(int argc, char **argv)
{
	return run_tests(argc, argv);
}
