/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Command line options, from a table that the help text is made from too.
 */
#ifndef FAMFS_OPTIONS_H
#define FAMFS_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

struct option_def {
	int ch;			/* the letter; past 255 where there is none */
	const char *name;	/* the long form, or NULL */
	const char *arg;	/* what its argument is called, or NULL */
	const char *help;
	bool later;		/* known to scripts, not supported yet */
};

struct usage {
	const char *synopsis;	/* after the program's or command's name */
	const char *does;
	const struct option_def *opts;	/* ends with .ch == 0 */
};

#define OPTIONS_END	(-1)	/* arguments follow, from optind on */
#define OPTIONS_HELP	(-2)	/* help was asked for, and has been printed */
#define OPTIONS_BAD	(-3)	/* a message has been printed */

int options_next(int argc, char **argv, const struct usage *u);
void options_reset(void);
void options_help(FILE *out, const char *name, const struct usage *u);
int options_wrong(const char *name, const struct usage *u, const char *what);

#endif /* FAMFS_OPTIONS_H */
