// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzz target of what users type: mount options, sizes, ids and modes, option
 * letters, paths; and of names from the medium on their way to a terminal.
 *
 * Input: a byte that says what the rest, a text, is taken for.
 */
#include <errno.h>
#include <getopt.h>
#include <sys/mount.h>

#include "cmd.h"
#include "fuzz.h"
#include "mountopts.h"

static unsigned int messages;

static void sink(enum famfs_level level, const char *text)
{
	must(strlen(text) < 2048);
	messages += level == FAMFS_MSG_ERROR;
}

static void mount_options(const char *text)
{
	struct mountopts o = { 0 };
	int rc = mountopts_parse(&o, text);
	size_t i;

	must(rc <= 0 && !rc == !messages);
	/* A flag is asked for or forbidden; only the kinds of atime are masked */
	must(!(o.attr_set & o.attr_clear & ~(uint64_t)MOUNT_ATTR__ATIME));
	must(!(o.attr_set & MOUNT_ATTR__ATIME) ||
	     o.attr_clear & MOUNT_ATTR__ATIME);
	for (i = 0; i < o.fs_count; i++) {
		must(*o.fs[i].name);
		must(strcmp(o.fs[i].name, "nomode") || o.fs[i].value);
		/* In quotes, or behind a backslash with newer libmounts */
		must(strpbrk(o.fs[i].name, "\"\\") ||
		     !strpbrk(o.fs[i].name, ",="));
		must(strstr(text, o.fs[i].name));
		must(!o.fs[i].value || strstr(text, o.fs[i].value));
	}
	mountopts_free(&o);
	must(!o.fs && !o.fs_count);
}

/* The digits before the end, or all bits set where they are past 64 of them */
static __uint128_t value(const char *digits, const char *end, int base)
{
	__uint128_t v = 0;

	for (; digits < end; digits++) {
		int c = *digits | 0x20;

		v = v * base + (c >= 'a' ? c - 'a' + 10 : c - '0');
		if (v > UINT64_MAX)
			return ~(__uint128_t)0;
	}
	return v;
}

static void size(const char *text)
{
	static const char units[] = "kmg", dec[] = "0123456789";
	const char *digits = text, *end, *unit = NULL;
	__uint128_t v;
	uint64_t got = 0;
	int base = 10, rc = famfs_parse_size(text, &got);

	if (*text == '0' && (text[1] | 0x20) == 'x') {
		base = 16;
		digits += 2;
	}
	end = digits + strspn(digits, base == 16 ? "0123456789abcdefABCDEF"
						 : dec);
	if (*end >= 'A')
		unit = strchr(units, *end | 0x20);
	if (end == digits || (*end && !unit) || (*end && end[1])) {
		must(rc == -EINVAL || rc == -ERANGE);
		return;
	}
	v = value(digits, end, base);
	if (unit && v <= UINT64_MAX)
		v <<= 10 * (unit - units + 1);
	if (v > UINT64_MAX) {
		must(rc == -ERANGE);
	} else {
		must(!rc && got == v);
		must(strlen(human(got)) < 12);
	}
}

static void owner(const char *text)
{
	struct ownership o;
	const char *end = text + strspn(text, "0123456789");
	__uint128_t v = value(text, end, 10);
	int good = *text && !*end && v < UINT32_MAX;

	ownership_init(&o);
	must(good == !ownership_option(&o, 'u', text));
	must(!good || o.uid == v);
	must(good == !ownership_option(&o, 'g', text));
	must(!good || o.gid == v);

	end = text + strspn(text, "01234567");
	v = value(text, end, 8);
	good = *text && !*end && v <= 07777;
	must(good == !ownership_option(&o, 'm', text));
	must(!good || o.mode == v);
}

static void path(const char *text)
{
	char rel[MEDIA_PATH_SIZE];
	char again[MEDIA_PATH_SIZE];
	int rc = target_path(rel, text);

	must(!rc == !messages);
	if (rc || !*text)
		return;
	must(fuzz_path_is_plain(rel));
	must(!target_path(again, rel));
	must(!memcmp(rel, again, sizeof(rel)));
}

static void name(const char *text)
{
	const char *q = quote(text);

	must(strlen(q) < sizeof(struct famfs_namebuf));
	must(strlen(q) >= (strlen(text) < 500 ? strlen(text) : 500));
	for (; *q; q++)
		must((unsigned char)*q >= 0x20 && *q != 0x7f);
}

/* Words at blanks; one table has what the commands' tables have */
static void letters(char *text)
{
	static const struct option_def opts[] = {
		{ 'h', "human", NULL, "" },
		{ 'm', "mode", "MODE", "" },
		{ 'n', "dryrun", NULL, "" },
		{ 'r', NULL, NULL, "" },
		{ 1001, "loglen", "SIZE", "" },
		{ 1002, "long", NULL, "" },
		{ 'Z', "later", NULL, "", .later = true },
		{ 0 }
	};
	static const struct usage usage = { "[OPTION]...", "Does.", opts };
	char *argv[66] = { "fuzz" }, *rest, *word;
	int argc = 1, ch;

	for (word = strtok_r(text, " ", &rest); word && argc < 65;
	     word = strtok_r(NULL, " ", &rest))
		argv[argc++] = word;
	options_reset();
	do {
		ch = options_next(argc, argv, &usage);
		must(ch != 'Z' && ch != '?' && ch != ':');
		must(optind <= argc);
	} while (ch > 0);
	must((ch == OPTIONS_BAD) == !!messages);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static FILE *quiet;
	char *text;

	if (!len)
		return 0;
	/* For --help, which is printed */
	if (!quiet)
		quiet = freopen("/dev/null", "w", stdout);
	text = strndup((const char *)data + 1, len - 1);
	must(text);
	messages = 0;
	famfs_set_sink(sink);
	switch (data[0] % 6) {
	case 0:
		mount_options(text);
		break;
	case 1:
		size(text);
		break;
	case 2:
		owner(text);
		break;
	case 3:
		path(text);
		break;
	case 4:
		name(text);
		break;
	default:
		letters(text);
		break;
	}
	free(text);
	return 0;
}
