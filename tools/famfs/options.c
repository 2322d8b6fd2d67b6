// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One table of options serves getopt_long(3) and --help, and man/mangen.c. -h, -?
 * and --help ask for help with every command, unless its table has another use
 * for -h. Options that scripts know and that are not supported are refused by
 * name, so that nobody takes them to have worked.
 */
#include "options.h"

#include <getopt.h>
#include <stdarg.h>
#include <string.h>

#include "util.h"

#define MAX_OPTIONS	32
#define LONG_HELP	1000

static const struct option_def *find(const struct usage *u, int ch)
{
	const struct option_def *d;

	for (d = u->opts; d->ch; d++) {
		if (d->ch == ch)
			return d;
	}
	return NULL;
}

/**
 * options_reset() - start over with another list of arguments
 */
void options_reset(void)
{
	/* 0 and not 1: glibc then forgets where it was inside an argument */
	optind = 0;
}

/* Each form of the command line, with the name in front */
static void put_forms(FILE *out, const char *name, const struct usage *u,
		      const char *between)
{
	const char *form, *end;

	for (form = u->synopsis; ; form = end + 1) {
		end = strchrnul(form, '\n');
		fprintf(out, "%s%s %.*s", form == u->synopsis ? "" : between,
			name, (int)(end - form), form);
		if (!*end)
			break;
	}
}

/**
 * options_help() - print what a program or command is for
 * @out: where to
 * @name: of it
 * @u: its description
 */
void options_help(FILE *out, const char *name, const struct usage *u)
{
	const struct option_def *d;

	fprintf(out, "usage: ");
	put_forms(out, name, u, "\n       ");
	fprintf(out, "\n%s\n\noptions:\n", u->does);
	for (d = u->opts; d->ch; d++) {
		char left[64];
		int n = 0;

		if (d->later)
			continue;
		if (d->ch < 256)
			n = snprintf(left, sizeof(left), "-%c%s", d->ch,
				     d->name ? ", " : "");
		if (d->name)
			n += snprintf(left + n, sizeof(left) - n, "--%s",
				      d->name);
		if (d->arg)
			snprintf(left + n, sizeof(left) - n, " %s", d->arg);
		fprintf(out, "  %-24s %s\n", left, d->help);
	}
	fprintf(out, "  %-24s %s\n", find(u, 'h') ? "-?, --help"
						 : "-h, -?, --help",
		"show this and stop");
}

static void wrong(const char *name, const struct usage *u, const char *fmt, ...)
	FORMAT(3, 4);

/* One message: what is wrong, and how it would be right */
static void wrong(const char *name, const struct usage *u, const char *fmt, ...)
{
	char text[1024] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");
	va_list ap;

	if (out) {
		va_start(ap, fmt);
		vfprintf(out, fmt, ap);
		va_end(ap);
		fprintf(out, "; usage: ");
		put_forms(out, name, u, ", or ");
		fclose(out);
	}
	famfs_err("%s", text);
}

/**
 * options_wrong() - complain about the command line
 * @name: of the program or command
 * @u: its description
 * @what: is wrong
 *
 * Return: 1
 */
int options_wrong(const char *name, const struct usage *u, const char *what)
{
	wrong(name, u, "%s", what);
	return 1;
}

static int unknown(int argc, char **argv, const struct usage *u)
{
	const char *arg = optind > 0 && optind <= argc ? argv[optind - 1] : "";

	if (optopt == '?')
		return OPTIONS_HELP;
	if (optopt && optopt < 256)
		wrong(argv[0], u, "option -%c: unknown", optopt);
	else
		wrong(argv[0], u, "option %s: unknown, ambiguous, or takes no argument",
		      quote(arg));
	return OPTIONS_BAD;
}

/**
 * options_next() - get the next option
 * @argc: number of arguments
 * @argv: the arguments; the first is what messages call the program or command
 * @u: its description
 *
 * Return: the option's @ch, its argument in optarg; or OPTIONS_END, OPTIONS_HELP
 * or OPTIONS_BAD
 */
int options_next(int argc, char **argv, const struct usage *u)
{
	char letters[2 * MAX_OPTIONS + 4] = "+:";
	struct option names[MAX_OPTIONS + 2] = { 0 };
	const struct option_def *d;
	size_t n = 0, len = 2;
	int ch;

	for (d = u->opts; d->ch && n < MAX_OPTIONS; d++) {
		if (d->ch < 256) {
			letters[len++] = d->ch;
			if (d->arg)
				letters[len++] = ':';
		}
		if (d->name)
			names[n++] = (struct option){
				.name = d->name,
				.has_arg = d->arg ? required_argument
						  : no_argument,
				.val = d->ch,
			};
	}
	names[n] = (struct option){ .name = "help", .val = LONG_HELP };
	if (!find(u, 'h'))
		letters[len++] = 'h';
	letters[len] = '\0';

	opterr = 0;
	optopt = 0;
	ch = getopt_long(argc, argv, letters + !u->in_order, names, NULL);
	if (ch == -1)
		return OPTIONS_END;
	d = find(u, ch);
	if (!d && (ch == LONG_HELP || ch == 'h')) {
		ch = OPTIONS_HELP;
	} else if (ch == ':') {
		wrong(argv[0], u, "option %s: needs an argument",
		      quote(argv[optind - 1]));
		return OPTIONS_BAD;
	} else if (ch == '?') {
		ch = unknown(argc, argv, u);
	}
	if (ch == OPTIONS_HELP) {
		options_help(stdout, argv[0], u);
		return ch;
	}
	if (d && d->later) {
		char name[32] = "";

		if (d->ch < 256)
			snprintf(name, sizeof(name), "-%c%s", d->ch,
				 d->name ? ", " : "");
		famfs_err("option %s%s%s: is not supported by this version of %s",
			  name, d->name ? "--" : "", d->name ? d->name : "",
			  argv[0]);
		return OPTIONS_BAD;
	}
	return ch;
}
