// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The famfs program: the table of its commands, and the way to them.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "daxmode.h"
#include "tables.h"
#include "util.h"

const struct command * const commands[] = {
	&cmd_mount,
	&cmd_mkmeta,
	&cmd_logplay,
	&cmd_fsck,
	&cmd_check,
	&cmd_mkdir,
	&cmd_creat,
	&cmd_cp,
	&cmd_verify,
	&cmd_flush,
	&cmd_getmap,
	&cmd_clone,
	&cmd_chkread,
	&cmd_adddev,
	&cmd_df,
	&cmd_ls,
	&cmd_devices,
};

const size_t commands_count = ARRAY_SIZE(commands);

static const struct option_def opts[] = {
	{ 'n', "dryrun", NULL, "check all, change nothing" },
	{ 0 }
};

const struct usage famfs_usage = {
	.synopsis = "[-n] COMMAND [OPTION...] [ARGUMENT...]",
	.does = "Work with famfs, the file system for memory that hosts share.",
	.opts = opts,
	.in_order = true,
};

static void list(FILE *out)
{
	size_t i;

	fprintf(out, "\ncommands:\n");
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(out, "  %-10s %s\n", commands[i]->name,
			commands[i]->usage->does);
	fprintf(out, "\nfamfs COMMAND --help tells more of each.\n");
}

/* @status, or @failed where what was printed did not get out */
static int printed(int status, int failed)
{
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	famfs_err("can't write the output: %s", strerror(errno));
	return status ? status : failed;
}

static int run(const struct command *c, int argc, char **argv, bool dryrun)
{
	const int failed = c->failed ? c->failed : 1;
	char name[64];

	snprintf(name, sizeof(name), "famfs %s", c->name);
	argv[0] = name;
	famfs_set_program(name);
	daxmode_set_dryrun(dryrun);
	famfs_catch_bad_memory(failed);
	options_reset();
	return printed(c->run(argc, argv, dryrun), failed);
}

int main(int argc, char **argv)
{
	bool dryrun = false;
	int ch, at;
	size_t i;

	argv[0] = "famfs";
	while ((ch = options_next(argc, argv, &famfs_usage)) != OPTIONS_END) {
		switch (ch) {
		case OPTIONS_HELP:
			list(stdout);
			return printed(0, 1);
		case OPTIONS_BAD:
			return 1;
		case 'n':
			dryrun = true;
			break;
		}
	}
	at = optind;
	if (at == argc) {
		options_help(stderr, argv[0], &famfs_usage);
		list(stderr);
		return 1;
	}
	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		if (!strcmp(argv[at], commands[i]->name))
			return run(commands[i], argc - at, argv + at, dryrun);
	}
	famfs_err("command %s: unknown; see famfs --help", quote(argv[at]));
	return 1;
}
