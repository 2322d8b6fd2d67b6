// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Numbers, names, identities and options: what comes from a command line or a
 * text file.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

#include "test.h"

#include "identity.h"
#include "mkfs.h"
#include "mountopts.h"
#include "options.h"
#include "replay.h"

static void numbers(void **state)
{
	static const struct {
		const char *text;
		int rc;
		uint64_t number;
	} t[] = {
		{ "0", 0, 0 },
		{ "010", 0, 10 },
		{ "0x10", 0, 16 },
		{ "0XfF", 0, 255 },
		{ "18446744073709551615", 0, UINT64_MAX },
		{ "0xffffffffffffffff", 0, UINT64_MAX },
		{ "18446744073709551616", -ERANGE },
		{ "0x10000000000000000", -ERANGE },
		{ "", -EINVAL },
		{ "4k", -EINVAL },
		{ "-1", -EINVAL },
		{ "+1", -EINVAL },
		{ " 1", -EINVAL },
		{ "1 ", -EINVAL },
		{ "0x", -EINVAL },
		{ "ff", -EINVAL },
		{ "1,2", -EINVAL },
		{ "0x0x1", -EINVAL },
		{ "0x 1", -EINVAL },
	};
	uint64_t number;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		number = 4711;
		assert_int_equal(famfs_parse_number(t[i].text, &number),
				 t[i].rc);
		assert_int_equal(number, t[i].rc ? 4711 : t[i].number);
	}
}

static void sizes(void **state)
{
	static const struct {
		const char *text;
		int rc;
		uint64_t size;
	} t[] = {
		{ "0", 0, 0 },
		{ "1", 0, 1 },
		{ "010", 0, 10 },	/* decimal: no octal here */
		{ "4k", 0, 4096 },
		{ "4K", 0, 4096 },
		{ "3m", 0, 3 << 20 },
		{ "3M", 0, 3 << 20 },
		{ "2g", 0, 2ULL << 30 },
		{ "2G", 0, 2ULL << 30 },
		{ "0x10", 0, 16 },
		{ "0XfF", 0, 255 },
		{ "0x10k", 0, 16384 },
		{ "18446744073709551615", 0, UINT64_MAX },
		{ "0xffffffffffffffff", 0, UINT64_MAX },
		{ "18446744073709551616", -ERANGE },
		{ "18014398509481984k", -ERANGE },
		{ "18014398509481983k", 0, 18014398509481983ULL << 10 },
		{ "17179869184g", -ERANGE },
		{ "", -EINVAL },
		{ " 1", -EINVAL },
		{ "1 ", -EINVAL },
		{ "-1", -EINVAL },
		{ "+1", -EINVAL },
		{ "k", -EINVAL },
		{ "1kk", -EINVAL },
		{ "1kb", -EINVAL },
		{ "1t", -EINVAL },
		{ "1.5m", -EINVAL },
		{ "0x", -EINVAL },
		{ "0x0x10", -EINVAL },
		{ "0x-1", -EINVAL },
		{ "0xk", -EINVAL },
		{ "ff", -EINVAL },
	};
	uint64_t size;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		size = 12345;
		assert_int_equal(famfs_parse_size(t[i].text, &size), t[i].rc);
		assert_int_equal(size, t[i].rc ? 12345 : t[i].size);
	}
}

static void ids_and_modes(void **state)
{
	uint32_t v;

	(void)state;
	assert_int_equal(famfs_parse_id("0", &v), 0);
	assert_int_equal(famfs_parse_id("4294967294", &v), 0);
	assert_int_equal(v, 4294967294U);
	assert_int_equal(famfs_parse_id("4294967295", &v), -EINVAL);
	assert_int_equal(famfs_parse_id("root", &v), -EINVAL);
	assert_int_equal(famfs_parse_id("-1", &v), -EINVAL);
	assert_int_equal(famfs_parse_id("", &v), -EINVAL);
	assert_int_equal(famfs_parse_mode("0644", &v), 0);
	assert_int_equal(v, 0644);
	assert_int_equal(famfs_parse_mode("7777", &v), 0);
	assert_int_equal(famfs_parse_mode("10000", &v), -EINVAL);
	assert_int_equal(famfs_parse_mode("8", &v), -EINVAL);
	assert_int_equal(famfs_parse_mode("u+x", &v), -EINVAL);
}

/* Of each length, at both ends of it */
static const char utf8[] =
	"\xc3\xa4 \xdf\xbf \xe0\xa0\x80 \xef\xbf\xbd \xf0\x90\x80\x80 \xf4\x8f\xbf\xbf \xc2\xa0";

static void text(void **state)
{
	char big[2000];

	(void)state;
	assert_string_equal(human(0), "0B");
	assert_string_equal(human(1023), "1023B");
	assert_string_equal(human(1024), "1.00KiB");
	assert_string_equal(human(3 << 19), "1.50MiB");
	assert_string_equal(human(4ULL << 30), "4.00GiB");
	assert_string_equal(human(UINT64_MAX), "16.00EiB");
	assert_string_equal(quote("plain/name"), "plain/name");
	assert_string_equal(quote("a\033[2Jb\n\x7f\\"),
			    "a\\033[2Jb\\012\\177\\134");
	/* UTF-8 stays */
	assert_string_equal(quote(utf8), utf8);
	/* Controls of Latin-1, and what is no UTF-8, do not */
	assert_string_equal(quote("\xc2\x9b"), "\\302\\233");
	assert_string_equal(quote("\x9b\xff"), "\\233\\377");
	assert_string_equal(quote("\xc0\xaf"), "\\300\\257");
	assert_string_equal(quote("\xe0\x9f\xbf"), "\\340\\237\\277");
	assert_string_equal(quote("\xed\xa0\x80"), "\\355\\240\\200");
	assert_string_equal(quote("\xf0\x8f\xbf\xbf"),
			    "\\360\\217\\277\\277");
	assert_string_equal(quote("\xf4\x90\x80\x80"),
			    "\\364\\220\\200\\200");
	/* A character that the end, or another one, cuts off */
	assert_string_equal(quote("\xe2\x82"), "\\342\\202");
	/* What turns the rest round, breaks the line, or is not seen */
	assert_string_equal(quote("a\xe2\x80\xaez"), "a\\342\\200\\256z");
	assert_string_equal(quote("\xe2\x81\xa7"), "\\342\\201\\247");
	assert_string_equal(quote("\xe2\x80\xa8"), "\\342\\200\\250");
	assert_string_equal(quote("\xe2\x80\x8b"), "\\342\\200\\213");
	assert_string_equal(quote("\xd8\x9c\xc2\xad"),
			    "\\330\\234\\302\\255");
	assert_string_equal(quote("\xef\xbb\xbf\xef\xbf\xb9"),
			    "\\357\\273\\277\\357\\277\\271");
	assert_string_equal(quote("\xf3\xa0\x80\xa1"),
			    "\\363\\240\\200\\241");
	assert_string_equal(quote("\xe2\x80\x90\xe2\x80\xaf\xe2\x81\xb0"),
			    "\xe2\x80\x90\xe2\x80\xaf\xe2\x81\xb0");
	assert_string_equal(quote("\xe2x"), "\\342x");
	/* Longer than the buffer: cut, and still ended */
	memset(big, '\n', sizeof(big));
	big[sizeof(big) - 1] = '\0';
	assert_in_range(strlen(quote(big)), 400, 511);
}

#define DIR_TEMPLATE	"/tmp/famfs-test-XXXXXX"

static char dir[sizeof(DIR_TEMPLATE)] = DIR_TEMPLATE;

static const char *put(const char *name, const char *content)
{
	static char path[2][128];
	static int turn;
	FILE *f;

	turn ^= 1;
	snprintf(path[turn], sizeof(path[turn]), "%s/%s", dir, name);
	if (content) {
		f = fopen(path[turn], "w");
		assert_non_null(f);
		fputs(content, f);
		fclose(f);
	} else {
		unlink(path[turn]);
	}
	return path[turn];
}

#define MACHINE_A	"0123456789abcdef0123456789abcdef\n"
#define MACHINE_B	"0123456789abcdef0123456789abcdee\n"

static int identity(const char *file, const char *machine, uint8_t uuid[16])
{
	return identity_from(put("system_uuid", file),
			     put("machine-id", machine), uuid);
}

static void identities(void **state)
{
	static const uint8_t want[16] = {
		0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
		0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
	};
	/* A host keeps its role only as long as this stays as it is */
	static const uint8_t derived[16] = {
		0xfb, 0x05, 0x20, 0x4c, 0x18, 0x55, 0x58, 0x89,
		0x9c, 0xbd, 0xf5, 0xe7, 0x16, 0x8a, 0x55, 0xe9,
	};
	uint8_t a[16], b[16];

	(void)state;
	famfs_set_sink(test_sink);
	assert_int_equal(identity("01234567-89ab-cdef-0123-456789abcdef\n",
				  MACHINE_A, a), 0);
	assert_memory_equal(a, want, 16);

	assert_int_equal(identity(NULL, MACHINE_A, a), 0);
	assert_int_equal(identity(NULL, MACHINE_A, b), 0);
	assert_memory_equal(a, b, 16);
	assert_memory_equal(a, derived, 16);
	assert_int_equal(a[6] >> 4, 5);		/* name-based, by SHA-1 */
	assert_memory_not_equal(a, want, 16);	/* not the id itself */
	assert_int_equal(identity(NULL, MACHINE_B, b), 0);
	assert_memory_not_equal(a, b, 16);

	/* The file decides if it is there: never quietly something else */
	test_messages = 0;
	assert_int_not_equal(identity("nonsense\n", MACHINE_A, a), 0);
	assert_int_not_equal(identity("", MACHINE_A, a), 0);
	assert_int_not_equal(identity("00000000-0000-0000-0000-000000000000",
				      MACHINE_A, a), 0);
	assert_int_not_equal(identity(NULL, NULL, a), 0);
	assert_int_not_equal(identity(NULL, "", a), 0);
	assert_int_not_equal(identity(NULL, "uninitialized\n", a), 0);
	assert_int_not_equal(identity(NULL, "0123\n", a), 0);
	assert_int_equal(test_messages, 7);
	famfs_set_sink(NULL);
	put("system_uuid", NULL);
	put("machine-id", NULL);
}

static bool has(const struct mountopts *o, const char *name, const char *value)
{
	size_t i;

	for (i = 0; i < o->fs_count; i++) {
		if (!strcmp(o->fs[i].name, name) &&
		    !strcmp(o->fs[i].value ? o->fs[i].value : "", value))
			return true;
	}
	return false;
}

static void parse(struct mountopts *o, const char *text)
{
	assert_int_equal(mountopts_parse(o, text), 0);
}

static void mount_options(void **state)
{
	struct mountopts o = { 0 };

	(void)state;
	parse(&o, "rw,nosuid,nodev,noexec,mode=0700,dax=always,coherent");
	assert_int_equal(o.attr_set, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
				     MOUNT_ATTR_NOEXEC);
	assert_int_equal(o.attr_clear, MOUNT_ATTR_RDONLY);
	assert_int_equal(o.fs_count, 3);
	assert_true(has(&o, "mode", "0700"));
	assert_true(has(&o, "dax", "always"));
	assert_true(has(&o, "coherent", ""));
	assert_false(o.nomode);
	mountopts_free(&o);

	/* For user space, and so for nobody here */
	parse(&o, "defaults,noauto,user,_netdev,nofail,comment=hello");
	assert_true(o.nofail);
	parse(&o, "x-systemd.automount,x-mount.mkdir=0755,silent,loud");
	assert_int_equal(o.attr_set, 0);
	assert_int_equal(o.fs_count, 0);
	mountopts_free(&o);

	assert_int_equal(mountopts_parse(&o, "ro,nomode,noatime,remount"), 0);
	assert_int_equal(o.attr_set, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOATIME);
	assert_true(o.nomode);
	assert_true(o.remount);
	assert_int_equal(o.fs_count, 0);
	mountopts_free(&o);

	/* The last one wins */
	parse(&o, "ro,rw,nosuid,suid,noatime,strictatime,exec,noexec");
	assert_int_equal(o.attr_set,
			 MOUNT_ATTR_STRICTATIME | MOUNT_ATTR_NOEXEC);
	mountopts_free(&o);

	/* Several -o add up; the empty one says nothing */
	assert_int_equal(mountopts_parse(&o, "ro"), 0);
	assert_int_equal(mountopts_parse(&o, ""), 0);
	assert_int_equal(mountopts_parse(&o, "sync,foo=bar"), 0);
	assert_int_equal(o.attr_set, MOUNT_ATTR_RDONLY);
	assert_true(has(&o, "sync", ""));
	assert_true(has(&o, "foo", "bar"));
	mountopts_free(&o);
}

static void mount_options_refused(void **state)
{
	static const char * const bad[] = {
		"bind", "rbind", "shared", "private", "loop",
		"loop=/dev/loop0", "offset=4096", "ro,loop", "mode=\"0755",
		"=x",
	};
	size_t i;

	(void)state;
	famfs_set_sink(test_sink);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct mountopts o = { 0 };

		test_messages = 0;
		assert_int_not_equal(mountopts_parse(&o, bad[i]), 0);
		assert_int_equal(test_messages, 1);
		mountopts_free(&o);
	}
	famfs_set_sink(NULL);
}

static const struct option_def opts[] = {
	{ 's', "size", "SIZE", "a size" },
	{ 'v', "verbose", NULL, "say more" },
	{ 'r', "randomize", NULL, NULL, true },
	{ 256, "4k", NULL, "only long" },
	{ 0 }
};

static const struct usage usage = { "ARG...", "does things", opts };

static int nth(int n, int argc, char **argv)
{
	int ch = OPTIONS_END;

	options_reset();
	while (n--)
		ch = options_next(argc, argv, &usage);
	return ch;
}

#define NTH(n, ...) nth(n, (int)ARRAY_SIZE(((char *[]){ "t", __VA_ARGS__ })), \
			((char *[]){ "t", __VA_ARGS__, NULL }))

static void command_line(void **state)
{
	(void)state;
	famfs_set_sink(test_sink);
	test_messages = 0;
	assert_int_equal(NTH(1, "-s", "4"), 's');
	assert_string_equal(optarg, "4");
	assert_int_equal(NTH(1, "--size=4"), 's');
	assert_int_equal(NTH(2, "-vs4", "x"), 's');
	assert_int_equal(NTH(1, "--4k"), 256);
	assert_int_equal(NTH(1, "x"), OPTIONS_END);
	assert_int_equal(test_messages, 0);
	assert_int_equal(NTH(1, "-s"), OPTIONS_BAD);
	assert_int_equal(NTH(1, "-z"), OPTIONS_BAD);
	assert_int_equal(NTH(1, "--zzz"), OPTIONS_BAD);
	assert_int_equal(NTH(1, "--verbose=3"), OPTIONS_BAD);
	assert_int_equal(test_messages, 4);
	/* Known, not there yet: refused by name, never ignored */
	assert_int_equal(NTH(1, "-r"), OPTIONS_BAD);
	assert_non_null(strstr(test_last, "--randomize"));
	assert_non_null(strstr(test_last, "not supported"));
	famfs_set_sink(NULL);
}

static void replayed_modes(void **state)
{
	struct media_file f = { .mode = 0100664 };

	(void)state;
	assert_int_equal(replay_mode(&f, true), 0664);
	assert_int_equal(replay_mode(&f, false), 0444);
	f.flags = MEDIA_FILE_ALL_RW;
	assert_int_equal(replay_mode(&f, false), 0664);
	f.flags = MEDIA_FILE_ALL_RO;
	assert_int_equal(replay_mode(&f, true), 0444);
	assert_int_equal(replay_mode(&f, false), 0444);
}

static void mkfs_arguments(void **state)
{
	static const uint64_t bad[] = {
		0, 4096, 4ULL << 20, (8ULL << 20) + 1, 12ULL << 20, 1ULL << 63,
	};
	struct mkfs m = { .dev = "x", .log_len = 8 << 20 };
	size_t i;

	(void)state;
	famfs_set_sink(test_sink);
	assert_int_equal(mkfs_check(&m), 0);
	m.log_len = 1 << 30;
	assert_int_equal(mkfs_check(&m), 0);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		m.log_len = bad[i];
		assert_int_equal(mkfs_check(&m), -EINVAL);
	}
	m.log_len = 8 << 20;
	m.kill = true;
	assert_int_equal(mkfs_check(&m), -EINVAL);
	m.force = true;
	assert_int_equal(mkfs_check(&m), 0);
	famfs_set_sink(NULL);
}

static int make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	(void)state;
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(numbers),
		CASE(sizes),
		CASE(ids_and_modes),
		CASE(text),
		CASE(identities),
		CASE(mount_options),
		CASE(mount_options_refused),
		CASE(command_line),
		CASE(replayed_modes),
		CASE(mkfs_arguments),
	};

	return cmocka_run_group_tests_name("util", tests, make_dir,
					   remove_dir);
}
