// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The command lines that scripts know: each command, and each option with its
 * letter, its long form and whether it takes an argument, written down by hand;
 * and --help, which has to show what the tables say.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test.h"

#include "options.h"
#include "tables.h"

/* @ch 0: no letter; @name NULL: no long form */
static const struct {
	const char *command;
	int ch;
	const char *name;
	bool arg;
	bool waits;		/* for the code that does it */
} known[] = {
	{ "mkfs.famfs", 'f', "force" },
	{ "mkfs.famfs", 'k', "kill" },
	{ "mkfs.famfs", 'l', "loglen", true },
	{ "mkfs.famfs", 'v', "verbose" },
	{ "mkfs.famfs", 'M', "set-daxmode" },
	{ "mkfs.famfs", 'F', "nofuse" },
	{ "mkfs.famfs", 0, "4k" },
	{ "mkfs.famfs", 0, "alloc-unit", true },
	{ "famfs", 'n', "dryrun" },
	{ "mount.famfs", 'f' },
	{ "mount.famfs", 'n' },
	{ "mount.famfs", 's' },
	{ "mount.famfs", 'v' },
	{ "mount.famfs", 'N', NULL, true },
	{ "mount.famfs", 't', NULL, true },
	{ "mount.famfs", 'o', NULL, true },
	{ "mount", 'v' },
	{ "mount", 'u', "nouseraccess" },
	{ "mount", 'p', "nodefaultperm" },
	{ "mount", 'F', "nofuse" },
	{ "mount", 'M', "set-daxmode" },
	{ "mount", 'L', "load-module" },
	{ "mount", 'R', "remount" },
	{ "mount", 'd' },
	{ "mkmeta", 'v' },
	{ "logplay", 'n', "dryrun" },
	{ "logplay", 'm', "mmap" },
	{ "logplay", 'r', "read" },
	{ "logplay", 'c', "client" },
	{ "logplay", 'v' },
	{ "fsck", 'v' },
	{ "fsck", 'h', "human" },
	{ "fsck", 'm' },
	{ "fsck", 'r' },
	{ "fsck", 'B', NULL, true },
	{ "fsck", 'M' },
	{ "fsck", 'L' },
	{ "fsck", 'F' },
	{ "check", 'v' },
	{ "mkdir", 'p', "parents" },
	{ "mkdir", 'm', "mode", true },
	{ "mkdir", 'u', "uid", true },
	{ "mkdir", 'g', "gid", true },
	{ "mkdir", 'v' },
	{ "creat", 's', "size", true },
	{ "creat", 'm', "mode", true },
	{ "creat", 'u', "uid", true },
	{ "creat", 'g', "gid", true },
	{ "creat", 'v' },
	{ "creat", 'r', "randomize" },
	{ "creat", 'S', "seed", true },
	{ "creat", 'M', "multi", true },
	{ "creat", 't', "threadct", true },
	{ "creat", 'N', "nstrips", true },
	{ "creat", 'C', "chunksize", true },
	{ "creat", 'B', "nbuckets", true },
	{ "cp", 'r', "recursive" },
	{ "cp", 't', NULL, true },
	{ "cp", 'c', "compare" },
	{ "cp", 'm', "mode", true },
	{ "cp", 'u', "uid", true },
	{ "cp", 'g', "gid", true },
	{ "cp", 'v' },
	{ "cp", 'N', "nstrips", true },
	{ "cp", 'C', "chunksize", true },
	{ "cp", 'B', "nbuckets", true },
	{ "verify", 'S', NULL, true },
	{ "verify", 'f', "filename", true },
	{ "verify", 'm', "multi", true },
	{ "verify", 't', NULL, true },
	{ "verify", 'q', "quiet" },
	{ "flush", 'v' },
	{ "flush", 'q' },
	{ "getmap", 'q', "quiet" },
	{ "getmap", 'c' },
	{ "clone", 'v' },
	{ "chkread", 's' },
	{ "chkread", 'l' },
};

static const struct usage *usage_of(const char *command)
{
	size_t i;

	if (!strcmp(command, "famfs"))
		return &famfs_usage;
	if (!strcmp(command, "mkfs.famfs"))
		return &mkfs_usage;
	if (!strcmp(command, "mount.famfs"))
		return &mount_usage;
	for (i = 0; i < commands_count; i++) {
		if (!strcmp(commands[i]->name, command))
			return commands[i]->usage;
	}
	return NULL;
}

/* Is the option taken, in each of its forms, and with an argument if need be? */
static bool taken(const struct usage *u, int ch, const char *name, bool arg)
{
	const struct option_def *d;
	bool by_letter = !ch, by_name = !name;

	for (d = u->opts; d->ch; d++) {
		if (d->later || (bool)d->arg != arg)
			continue;
		if (ch && d->ch == ch) {
			by_letter = true;
			/* Both are one and the same option */
			if (name && (!d->name || strcmp(d->name, name)))
				return false;
		}
		if (name && d->name && !strcmp(d->name, name))
			by_name = true;
	}
	return by_letter && by_name;
}

static void scripts(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(known); i++) {
		const struct usage *u = usage_of(known[i].command);
		bool ok = u && taken(u, known[i].ch, known[i].name,
				     known[i].arg);

		if (!ok && !known[i].waits)
			fail_msg("%s -%c, --%s: is not taken",
				 known[i].command,
				 known[i].ch ? known[i].ch : ' ',
				 known[i].name ? known[i].name : "");
	}
}

/* What getopt_long(3) would make of the table, letter by letter */
static void parse(const char *program, const struct usage *u)
{
	const struct option_def *d;

	for (d = u->opts; d->ch; d++) {
		char letter[3] = { '-', d->ch < 256 ? d->ch : 0 }, name[64];
		char *argv[4] = { (char *)program, letter, "argument" };

		if (d->later)
			continue;
		if (d->ch < 256) {
			options_reset();
			assert_int_equal(options_next(3, argv, u), d->ch);
			assert_int_equal(options_next(3, argv, u), OPTIONS_END);
		}
		if (d->name) {
			snprintf(name, sizeof(name), "--%s", d->name);
			argv[1] = name;
			options_reset();
			assert_int_equal(options_next(3, argv, u), d->ch);
			assert_int_equal(options_next(3, argv, u), OPTIONS_END);
		}
	}
}

static void tables(void **state)
{
	size_t i;

	(void)state;
	parse("famfs", &famfs_usage);
	parse("mkfs.famfs", &mkfs_usage);
	parse("mount.famfs", &mount_usage);
	for (i = 0; i < commands_count; i++)
		parse(commands[i]->name, commands[i]->usage);
}

/* What a table has to say of itself, and --help of it */
static void check_help(const char *name, const struct usage *u,
		       const char *text)
{
	const struct option_def *d, *other;
	char line[512];

	snprintf(line, sizeof(line), "usage: %s %.*s\n", name,
		 (int)strcspn(u->synopsis, "\n"), u->synopsis);
	assert_ptr_equal(strstr(text, line), text);
	assert_non_null(strstr(text, u->does));
	assert_non_null(strstr(text, "-?, --help"));
	for (d = u->opts; d->ch; d++) {
		for (other = u->opts; other != d; other++)
			assert_int_not_equal(other->ch, d->ch);
		assert_true(d->ch < 256 || d->name);
		if (d->later)
			continue;
		assert_non_null(d->help);
		snprintf(line, sizeof(line), " %s\n", d->help);
		assert_non_null(strstr(text, line));
		if (d->ch < 256)
			snprintf(line, sizeof(line), "\n  -%c%s", d->ch,
				 d->name ? ", --" : "");
		else
			snprintf(line, sizeof(line), "\n  --");
		if (d->name)
			strcat(line, d->name);
		if (d->arg)
			strcat(strcat(line, " "), d->arg);
		strcat(line, " ");
		assert_non_null(strstr(text, line));
	}
}

/* A command that is asked for help gives that, and does nothing else */
static void ask(const struct command *c, char *how)
{
	char name[64], text[8192] = "";
	char *argv[3] = { name, how };
	FILE *out = tmpfile();
	int status, saved;

	assert_non_null(out);
	snprintf(name, sizeof(name), "famfs %s", c->name);
	fflush(stdout);
	saved = dup(STDOUT_FILENO);
	assert_true(saved >= 0);
	assert_true(dup2(fileno(out), STDOUT_FILENO) >= 0);
	options_reset();
	status = c->run(2, argv, false);
	fflush(stdout);
	assert_true(dup2(saved, STDOUT_FILENO) >= 0);
	close(saved);
	rewind(out);
	assert_true(fread(text, 1, sizeof(text) - 1, out) > 0);
	fclose(out);
	assert_int_equal(status, 0);
	check_help(name, c->usage, text);
}

static void help(void **state)
{
	size_t i;

	(void)state;
	test_messages = 0;
	for (i = 0; i < commands_count; i++) {
		ask(commands[i], "--help");
		ask(commands[i], "-?");
	}
	assert_int_equal(test_messages, 0);
}

static const struct usage forms = {
	.synopsis = "-s SIZE FILE\n-M FILE,SIZE ...",
	.does = "stands for any",
	.opts = (const struct option_def[]){ { 's', "size", "SIZE", "a size" },
					     { 0 } },
};

static void several_forms(void **state)
{
	char *argv[3] = { "name", "-x" };
	char *text = NULL;
	size_t size;
	FILE *out;

	(void)state;
	out = open_memstream(&text, &size);
	assert_non_null(out);
	options_help(out, "name", &forms);
	fclose(out);
	assert_non_null(strstr(text, "usage: name -s SIZE FILE\n"
				     "       name -M FILE,SIZE ...\n"));
	free(text);

	options_reset();
	assert_int_equal(options_next(2, argv, &forms), OPTIONS_BAD);
	assert_string_equal(test_last,
			    "option -x: unknown; usage: name -s SIZE FILE, or name -M FILE,SIZE ...");
	assert_int_equal(options_wrong("name", &forms, "what"), 1);
	assert_string_equal(test_last,
			    "what; usage: name -s SIZE FILE, or name -M FILE,SIZE ...");
}

/* famfs takes its own options before the command, and leaves the others to it */
static void in_order(void **state)
{
	char *argv[5] = { "famfs", "-n", "cp", "-r" };

	(void)state;
	options_reset();
	assert_int_equal(options_next(4, argv, &famfs_usage), 'n');
	assert_int_equal(options_next(4, argv, &famfs_usage), OPTIONS_END);
	assert_string_equal(argv[3], "-r");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(scripts),
		CASE(tables),
		CASE(help),
		CASE(several_forms),
		CASE(in_order),
	};

	famfs_set_sink(test_sink);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
