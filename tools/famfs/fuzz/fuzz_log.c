// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzz target of all that reads a medium: opening, checking, replay, and adding
 * to it. The input is laid over a good superblock and an empty log, which stand
 * as meta files in a directory that plays the mount (test/kernel_shim.h plays
 * the kernel). Beside that directory lies one that has to stay empty, and a link
 * in the mount leads there.
 *
 * A model with no file system under it, and with its own look at maps, says
 * which entries are to be played. The others have to be reported by number, and
 * the tree has to be what the model has, no more and no less.
 *
 * Input: three bytes of switches, see below; then the superblock and the log's
 * header, each only if its switch is on; then entries.
 */
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <unistd.h>

#include "../test/kernel_shim.h"
#include "check.h"
#include "fuzz.h"
#include "identity.h"
#include "log.h"
#include "meta.h"
#include "replay.h"
#include "session.h"

/* The first byte */
#define HAS_SUPER	0x01
#define HAS_HEADER	0x02
#define MEND_SUPER	0x04	/* its checksum is put right */
#define MEND_HEADER	0x08
#define MEND_NEXT	0x10	/* the header counts the entries that follow */
#define MEND_ENTRIES	0x20
#define MEND_SEQ	0x40

/* The second; the third is how large the device is */
#define MASTER		0x01
#define BY_READ		0x02
#define DRYRUN		0x04
#define FAIL		0x08	/* the kernel refuses the first map */
#define STRIPS(n)	((n) >> 4 & 3)	/* of the file that is added, less one */
#define MUCH(n)		((n) >> 6 & 3)	/* how large that is */

#define MAX_ENTRIES	12
#define LOG_ROOM	(MEDIA_HEADER_BYTES + \
			 (MAX_ENTRIES + 4) * MEDIA_ENTRY_BYTES)
#define CAPACITY	15420	/* entries that a log of 8 MiB holds */
#define NAME		"fuzz"
#define LINK		"link"

enum kind { NOTHING, FILE_MADE, DIR_MADE };

struct made {
	char path[MEDIA_PATH_SIZE];
	enum kind kind;
	uint64_t size;
	struct media_map map;
};

static struct {
	char base[PATH_MAX];
	pid_t pid;		/* that made it: a fork makes its own */
	int root;
	int super;
	int log;
} place = { .root = -1 };

static struct made made[CAPACITY];
static size_t n_made;
static bool reported[CAPACITY + 1];
static unsigned int messages;
static bool wants_master;
static uint8_t master_uuid[16];
static bool refuses;		/* the kernel will, the next map */

/* --- the world around -------------------------------------------------------*/

int __wrap_fchown(int fd, uid_t uid, gid_t gid);
int __wrap_fchmod(int fd, mode_t mode);
int __wrap_identity_get(uint8_t uuid[16]);
struct libmnt_table *__wrap_mnt_new_table_from_file(const char *path);
int __wrap_kern_may_map(int fd);
int __wrap_kern_map_get(int fd, struct famfs_fmap_header **msg);

/* Owners and modes are not what this is about, and this may not be root */
int __wrap_fchown(int fd, uid_t uid, gid_t gid)
{
	(void)uid;
	(void)gid;
	must(fcntl(fd, F_GETFD) >= 0);
	return 0;
}

int __wrap_fchmod(int fd, mode_t mode)
{
	must(fcntl(fd, F_GETFD) >= 0);
	must(!(mode & ~07777));
	return 0;
}

int __wrap_identity_get(uint8_t uuid[16])
{
	memcpy(uuid, master_uuid, 16);
	if (!wants_master)
		uuid[0] ^= 1;
	return 0;
}

/* This mount is in no table, and to read it takes longer than all the rest */
struct libmnt_table *__wrap_mnt_new_table_from_file(const char *path)
{
	(void)path;
	return NULL;
}

int __wrap_kern_may_map(int fd)
{
	(void)fd;
	return 0;
}

int __wrap_kern_map_get(int fd, struct famfs_fmap_header **msg)
{
	if (!shim_find(fd))
		return -ENODATA;
	*msg = calloc(1, sizeof(**msg));
	return *msg ? 0 : -ENOMEM;
}

static void sink(enum famfs_level level, const char *text)
{
	unsigned long long index;

	for (const char *p = text; *p; p++)
		must((unsigned char)*p >= 0x20 && *p != 0x7f);
	if (level != FAMFS_MSG_ERROR)
		return;
	messages++;
	if (sscanf(text, NAME ": log entry %llu", &index) == 1) {
		must(index < CAPACITY);
		reported[index] = true;
	}
}

/* --- the place --------------------------------------------------------------*/

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	if (type == FTW_DP)
		rmdir(path);
	else
		unlink(path);
	return 0;
}

static void remove_tree(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void remove_place(void)
{
	if (place.pid == getpid())
		remove_tree(place.base);
}

static int make_file(const char *name, uint64_t bytes)
{
	int fd = openat(place.root, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	must(fd >= 0 && !ftruncate(fd, bytes));
	return fd;
}

/* Where files may be as large as the format allows: on tmpfs */
static bool make_base(const char *dir)
{
	char path[PATH_MAX];
	bool large;
	int fd;

	snprintf(place.base, sizeof(place.base), "%s/famfs-fuzz.XXXXXX", dir);
	if (!mkdtemp(place.base))
		return false;
	snprintf(path, sizeof(path), "%.4000s/large", place.base);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	large = fd >= 0 && !ftruncate(fd, INT64_MAX);
	close(fd);
	unlink(path);
	if (!large)
		rmdir(place.base);
	return large;
}

static void make_place(void)
{
	static const char * const dir[] = { "/tmp", "/dev/shm" };
	char path[PATH_MAX];

	if (place.pid == getpid())
		return;
	if (place.root >= 0) {
		close(place.root);
		close(place.super);
		close(place.log);
	}
	must(make_base(dir[0]) || make_base(dir[1]));
	place.pid = getpid();
	atexit(remove_place);
	snprintf(path, sizeof(path), "%.4000s/outside", place.base);
	must(!mkdir(path, 0700));
	/* A path through the link is one through its middle */
	snprintf(path, sizeof(path), "%.4000s/outside/sub", place.base);
	must(!mkdir(path, 0700));
	snprintf(path, sizeof(path), "%.4000s/root", place.base);
	must(!mkdir(path, 0700));
	place.root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(place.root >= 0);
	must(!symlinkat("../outside", place.root, LINK));
	must(!mkdirat(place.root, MEDIA_META_DIR, 0700));
	place.super = make_file(META_SUPER, MEDIA_SB_LEN);
	place.log = make_file(META_LOG, MEDIA_LOG_MIN);
}

static size_t root_len;

static int sweep_one(const char *path, const struct stat *st, int type,
		     struct FTW *ftw)
{
	const char *rel = path + root_len;

	if (!*rel || !strcmp(rel, "/" LINK) || !strcmp(rel, "/.meta") ||
	    !strncmp(rel, "/.meta/", 7))
		return 0;
	return remove_one(path, st, type, ftw);
}

static void sweep(void)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%.4000s/root", place.base);
	root_len = strlen(path);
	nftw(path, sweep_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* --- the model --------------------------------------------------------------*/

static struct made *find(const char *path, size_t len)
{
	size_t i;

	for (i = 0; i < n_made; i++) {
		if (strlen(made[i].path) == len &&
		    !strncmp(made[i].path, path, len))
			return &made[i];
	}
	return NULL;
}

static bool has_parent(const char *path)
{
	const char *slash = strrchr(path, '/');
	const struct made *dir;

	if (!slash)
		return strcmp(path, LINK);
	dir = find(path, slash - path);
	return dir && dir->kind == DIR_MADE;
}

static bool lies_well(const struct fs *fs, const struct media_map *map)
{
	__uint128_t end = shim.capacity < fs->sb.dev_size ?
				shim.capacity : fs->sb.dev_size;
	uint32_t i;

	for (i = 0; i < map->count; i++) {
		const struct media_extent *x = &map->ext[i];

		if (x->dev || x->offset < fs->sb.log_offset + fs->sb.log_len ||
		    (__uint128_t)x->offset + x->len > end)
			return false;
	}
	return true;
}

static bool shares(const struct media_map *map)
{
	size_t i;

	for (i = 0; i < n_made; i++) {
		if (made[i].kind == FILE_MADE && shim_shares(&made[i].map, map))
			return true;
	}
	return false;
}

static void add(const char *path, enum kind kind, uint64_t size,
		const struct media_map *map)
{
	struct made *m = &made[n_made++];

	must(n_made < CAPACITY);
	*m = (struct made){ .kind = kind, .size = size };
	strcpy(m->path, path);
	if (map)
		m->map = *map;
}

/* Whether the entry is to be played; what it makes is then in the model */
static bool play(const struct fs *fs, const struct media_entry *e)
{
	const char *path = media_entry_path(e);
	const struct made *there;

	if (!path || !has_parent(path))
		return false;
	there = find(path, strlen(path));
	if (e->type == MEDIA_MKDIR) {
		if (there)
			return there->kind == DIR_MADE;
		add(path, DIR_MADE, 0, NULL);
		return true;
	}
	if (!lies_well(fs, &e->file.map))
		return false;
	if (there)
		return there->kind == FILE_MADE && there->size == e->file.size;
	if (refuses || shares(&e->file.map)) {
		refuses = false;
		return false;
	}
	add(path, FILE_MADE, e->file.size, &e->file.map);
	return true;
}

/* --- what is claimed --------------------------------------------------------*/

static size_t seen;

static int look_at(const char *path, const struct stat *st, int type,
		   struct FTW *ftw)
{
	const char *rel = path + root_len;
	const struct made *m;

	(void)ftw;
	if (!*rel || !strcmp(rel, "/.meta") || !strncmp(rel, "/.meta/", 7))
		return 0;
	if (!strcmp(rel, "/" LINK)) {
		must(S_ISLNK(st->st_mode));
		return 0;
	}
	m = find(rel + 1, strlen(rel + 1));
	must(m);
	must(type == (m->kind == DIR_MADE ? FTW_D : FTW_F));
	must(m->kind == DIR_MADE || (uint64_t)st->st_size == m->size);
	seen++;
	return 0;
}

static int look_outside(const char *path, const struct stat *st, int type,
			struct FTW *ftw)
{
	(void)st;
	must(type == FTW_D);
	must(!ftw->level ||
	     (ftw->level == 1 && !strcmp(path + ftw->base, "sub")));
	return 0;
}

static void look(void)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%.4000s/outside", place.base);
	must(!nftw(path, look_outside, 16, FTW_PHYS));
	snprintf(path, sizeof(path), "%.4000s/root", place.base);
	root_len = strlen(path);
	seen = 0;
	must(!nftw(path, look_at, 16, FTW_PHYS));
	must(seen == n_made);
}

/* What the bytes of the log say, without the code that reads logs */
static int entry(const uint8_t *log, uint64_t index, struct media_entry *e)
{
	static const uint8_t none[MEDIA_ENTRY_BYTES];
	uint64_t at = MEDIA_HEADER_BYTES + index * MEDIA_ENTRY_BYTES;

	return media_entry_decode(e, index, at + sizeof(none) <= LOG_ROOM ?
						log + at : none);
}

static void check(const struct fs *fs, const uint8_t *log, uint64_t count)
{
	struct check c = { .fs = fs, .name = NAME };
	struct media_entry e;
	uint64_t i, bad = 0;

	memset(reported, 0, sizeof(reported));
	must(!check_fs(&c));
	check_print(&c, CHECK_ALL);
	for (i = 0; i < count; i++) {
		if (!entry(log, i, &e))
			continue;
		must(reported[i]);
		bad++;
	}
	must(c.errors >= bad);
	must(c.entries == count);
	check_free(&c);
}

/* Maps on other devices, which the kernel may be asked for or not */
static bool has_others(const uint8_t *log, uint64_t count)
{
	struct media_entry e;
	uint64_t i;
	uint32_t k;

	for (i = 0; i < count; i++) {
		if (entry(log, i, &e) || e.type != MEDIA_FILE)
			continue;
		for (k = 0; k < e.file.map.count; k++) {
			if (e.file.map.ext[k].dev)
				return true;
		}
	}
	return false;
}

static void replay(const struct fs *fs, const uint8_t *log, uint64_t count,
		   bool fail)
{
	struct replay r = { .fs = fs, .name = NAME, .master = wants_master };
	struct media_entry e;
	uint64_t i, errors = 0;

	memset(reported, 0, sizeof(reported));
	n_made = 0;
	refuses = fail && !has_others(log, count);
	shim.fail = refuses ? -EPERM : 0;
	must(!replay_log(&r));
	shim.fail = 0;
	for (i = 0; i < count; i++) {
		bool good = !entry(log, i, &e);

		if (good && e.type == MEDIA_DAXDEV) {
			errors += reported[i];
			continue;
		}
		must((good && play(fs, &e)) == !reported[i]);
		errors += reported[i];
	}
	must(r.errors == errors);
	must(r.entries == count);
	must(r.files_made + r.dirs_made == n_made);
	look();
}

/* Whatever the first one made is left alone by the second */
static void replay_again(const struct fs *fs)
{
	struct replay r = { .fs = fs, .name = NAME, .master = wants_master };
	size_t files = shim.files;

	must(!replay_log(&r));
	must(r.files_made == shim.files - files);
	must(r.files_there + r.dirs_there >= n_made);
}

static void rehearse(const struct fs *fs)
{
	struct replay r = {
		.fs = fs,
		.name = NAME,
		.master = wants_master,
		.dryrun = true,
	};

	n_made = 0;
	must(!replay_log(&r));
	must(!shim.files);
	look();
}

static void add_one(uint8_t *log, uint64_t count, int how)
{
	struct new_node node = {
		.path = "a-new-one",
		.size = 1 + ((uint64_t)MUCH(how) << 25),
		.stripes = {
			.nstrips = STRIPS(how) ? STRIPS(how) + 1 : 0,
			.chunk = STRIPS(how) ? MEDIA_UNIT_2M : 0,
			.nbuckets = STRIPS(how) ? STRIPS(how) + 1 : 0,
		},
	};
	struct media_entry e, other;
	struct session s;
	uint64_t i;
	uint32_t k;
	bool there, bad = false, taken = false;
	int rc;

	for (i = 0; i < count; i++) {
		bad |= entry(log, i, &e) != MEDIA_OK;
		taken |= media_entry_path(&e) &&
			 !strcmp(media_entry_path(&e), node.path);
	}
	rc = session_open(&s, place.root, NAME, false);
	must(rc || (wants_master && !bad));
	if (rc)
		return;
	messages = 0;
	rc = session_creat(&s, &node, &there);
	must(!rc == !messages);
	if (!rc && !taken) {
		must(!there);
		must(pread(place.log, log, LOG_ROOM, 0) == LOG_ROOM);
		must(fuzz_get64(log + MEDIA_HEADER_NEXT) == count + 1);
		must(!entry(log, count, &e));
		must(e.type == MEDIA_FILE && e.file.size == node.size);
		must(!strcmp(e.file.path, node.path));
		must(lies_well(&s.fs, &e.file.map));
		for (i = 0; i < count; i++) {
			must(!entry(log, i, &other));
			if (other.type == MEDIA_FILE)
				must(!shim_shares(&other.file.map,
						  &e.file.map));
		}
		for (k = 0; k < e.file.map.count; k++)
			must(!(e.file.map.ext[k].offset % s.fs.sb.alloc_unit));
	}
	session_close(&s);
}

/* --- one input --------------------------------------------------------------*/

static void good_super(uint8_t *buf)
{
	const struct media_super sb = {
		.version = 48,
		.log_offset = MEDIA_LOG_OFFSET,
		.log_len = MEDIA_LOG_MIN,
		.alloc_unit = MEDIA_UNIT_2M,
		.omf_major = 2,
		.omf_minor = 2,
		.dev_size = 256 << 20,
	};

	media_super_encode(&sb, buf);
}

static const uint8_t *lay(uint8_t *buf, size_t size, const uint8_t *data,
			  size_t *len)
{
	size_t n = *len < size ? *len : size;

	memcpy(buf, data, n);
	*len -= n;
	return data + n;
}

static void lay_log(uint8_t *log, const uint8_t *data, size_t len, int mend)
{
	const struct media_log empty = {
		.len = MEDIA_LOG_MIN,
		.last_index = CAPACITY - 1,
	};
	size_t i, n;

	memset(log, 0, LOG_ROOM);
	media_log_encode(&empty, log);
	if (mend & HAS_HEADER)
		data = lay(log, MEDIA_HEADER_BYTES, data, &len);
	n = (len + MEDIA_ENTRY_BYTES - 1) / MEDIA_ENTRY_BYTES;
	if (n > MAX_ENTRIES)
		n = MAX_ENTRIES;
	lay(log + MEDIA_HEADER_BYTES, MAX_ENTRIES * MEDIA_ENTRY_BYTES, data,
	    &len);
	if (mend & MEND_NEXT) {
		fuzz_put64(log + MEDIA_HEADER_SEQ, n);
		fuzz_put64(log + MEDIA_HEADER_NEXT, n);
	}
	if (mend & MEND_HEADER)
		fuzz_mend(log, FUZZ_HEADER_CRC);
	for (i = 0; i < n; i++) {
		uint8_t *e = log + MEDIA_HEADER_BYTES + i * MEDIA_ENTRY_BYTES;

		if (mend & MEND_SEQ)
			fuzz_put64(e, i);
		if (mend & MEND_ENTRIES)
			fuzz_mend(e, FUZZ_ENTRY_CRC);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t super[MEDIA_SB_BYTES], log[LOG_ROOM];
	struct media_log header;
	unsigned int flags;
	struct fs fs;
	int mend, how;

	if (len < 3)
		return 0;
	make_place();
	famfs_set_sink(sink);
	famfs_set_verbose(true);
	mend = data[0];
	how = data[1];
	wants_master = how & MASTER;
	shim_reset(0, (12 << 20) + ((uint64_t)data[2] << 20));
	data += 3;
	len -= 3;

	good_super(super);
	if (mend & HAS_SUPER)
		data = lay(super, sizeof(super), data, &len);
	if (mend & MEND_SUPER)
		fuzz_mend(super, FUZZ_SB_CRC);
	lay_log(log, data, len, mend);
	must(pwrite(place.super, super, sizeof(super), 0) == sizeof(super));
	must(pwrite(place.log, log, LOG_ROOM, 0) == LOG_ROOM);
	memcpy(master_uuid, super + 80, 16);

	messages = 0;
	flags = how & BY_READ ? FS_BY_READ : 0;
	if (fs_open(&fs, place.root, NAME, flags)) {
		must(messages && mend & HAS_SUPER);
		return 0;
	}
	shim.floor = fs.sb.log_offset + fs.sb.log_len;
	messages = 0;
	if (fs_log_header(&fs, NAME, &header)) {
		must(messages && mend & (HAS_SUPER | HAS_HEADER));
		fs_close(&fs);
		return 0;
	}
	check(&fs, log, header.next_index);
	if (how & DRYRUN)
		rehearse(&fs);
	replay(&fs, log, header.next_index, how & FAIL);
	replay_again(&fs);
	fs_close(&fs);
	add_one(log, header.next_index, how);
	sweep();
	return 0;
}
