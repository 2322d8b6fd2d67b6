// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The famfs program: the table of its commands, and the way to them.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "util.h"

static const struct command * const commands[] = {
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
};

static void usage(FILE *out)
{
	size_t i;

	fprintf(out,
		"usage: famfs [-n|--dryrun] COMMAND [OPTION...] [ARGUMENT...]\n"
		"Work with famfs, the file system for memory that hosts share.\n"
		"\ncommands:\n");
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(out, "  %-10s %s\n", commands[i]->name,
			commands[i]->usage->does);
	fprintf(out, "\n-n checks all and changes nothing.\n"
		"famfs COMMAND --help tells more of each.\n");
}

static int run(const struct command *c, int argc, char **argv, bool dryrun)
{
	char name[64];
	int status;

	snprintf(name, sizeof(name), "famfs %s", c->name);
	argv[0] = name;
	famfs_set_program(name);
	famfs_catch_bad_memory(c->bad_memory ? c->bad_memory : 1);
	options_reset();
	status = c->run(argc, argv, dryrun);
	if (fflush(stdout) || ferror(stdout)) {
		famfs_err("can't write the output: %s", strerror(errno));
		status = status ? status : 1;
	}
	return status;
}

int main(int argc, char **argv)
{
	bool dryrun = false;
	size_t i;
	int at;

	for (at = 1; at < argc && argv[at][0] == '-'; at++) {
		const char *a = argv[at];

		if (!strcmp(a, "-n") || !strcmp(a, "--dryrun")) {
			dryrun = true;
			continue;
		}
		if (!strcmp(a, "-h") || !strcmp(a, "-?") ||
		    !strcmp(a, "--help")) {
			usage(stdout);
			return 0;
		}
		famfs_err("option %s: unknown; see famfs --help", quote(a));
		return 1;
	}
	if (at == argc) {
		usage(stderr);
		return 1;
	}
	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		if (!strcmp(argv[at], commands[i]->name))
			return run(commands[i], argc - at, argv + at, dryrun);
	}
	famfs_err("command %s: unknown; see famfs --help", quote(argv[at]));
	return 1;
}
