/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Command line options, from a table that the help text, the manual pages and
 * what a shell completes are made from too.
 */
#ifndef FAMFS_OPTIONS_H
#define FAMFS_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

struct option_def {
	int ch;			/* the letter; past 255 where there is none */
	const char *name;	/* the long form, or NULL */
	/* What its argument is called, or in small letters: a|choice|of */
	const char *arg;
	const char *help;
	bool later;		/* known to scripts, not supported yet */
};

struct usage {
	/*
	 * After the program's or command's name; where there are several forms,
	 * each on a line of its own. Capitals stand for what the user puts in.
	 */
	const char *synopsis;
	const char *does;
	const struct option_def *opts;	/* ends with .ch == 0 */
	bool in_order;		/* options end at the first argument */
};

#define OPTIONS_END	(-1)	/* arguments follow, from optind on */
#define OPTIONS_HELP	(-2)	/* help was asked for, and has been printed */
#define OPTIONS_BAD	(-3)	/* a message has been printed */

int options_next(int argc, char **argv, const struct usage *u);
void options_reset(void);
void options_help(FILE *out, const char *name, const struct usage *u);
int options_wrong(const char *name, const struct usage *u, const char *what);

#endif /* FAMFS_OPTIONS_H */
