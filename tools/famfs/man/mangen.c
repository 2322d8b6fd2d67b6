// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Makes what says again what the tables of the command lines say: SYNOPSIS and
 * OPTIONS of the manual pages, and what a shell completes. Linked with the
 * programs themselves, run when they are built, and not installed.
 *
 * A page is mdoc(7), but for lines that start with @:
 *
 *	@SYNOPSIS@	each form of the command line
 *	@COMMANDS@	what there is, and the pages about it
 *	@OPTIONS@	the list of options, as --help has it. What follows, up to
 *			@END@, has more to say of some: after a line "@-x", or
 *			"@--name" where there is no letter, goes what is added to
 *			that option
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tables.h"
#include "util.h"

#define MAX_ENTRIES	64

/* A page, and the table it is about; @command is NULL for a program's own */
struct entry {
	char page[64];
	const char *program;
	const char *command;
	const struct usage *usage;
};

static struct entry entries[MAX_ENTRIES];
static size_t count;

static void add(const char *program, const char *command,
		const struct usage *usage)
{
	struct entry *e = &entries[count];

	if (count++ == MAX_ENTRIES) {
		fprintf(stderr, "mangen: more than %d commands\n", MAX_ENTRIES);
		exit(1);
	}
	snprintf(e->page, sizeof(e->page), "%s%s%s", program,
		 command ? "-" : "", command ? command : "");
	e->program = program;
	e->command = command;
	e->usage = usage;
}

static void collect(void)
{
	size_t i;

	add("famfs", NULL, &famfs_usage);
	add("mkfs.famfs", NULL, &mkfs_usage);
	add("mount.famfs", NULL, &mount_usage);
	for (i = 0; i < commands_count; i++)
		add("famfs", commands[i]->name, commands[i]->usage);
}

/* Text as mdoc takes it: a hyphen that starts an option is a minus */
static void put_text(FILE *out, const char *text)
{
	const char *p;

	for (p = text; *p; p++) {
		bool first = p == text || strchr(" (|[", p[-1]);

		if (*p == '\\')
			fputs("\\e", out);
		else if (*p == '-' && (first || p[-1] == '-'))
			fputs("\\-", out);
		else if (p == text && strchr(".'", *p))
			fprintf(out, "\\&%c", *p);
		else
			fputc(*p, out);
	}
}

/* A phrase of --help is a sentence here */
static void put_sentence(FILE *out, const char *text)
{
	char first[2] = { toupper((unsigned char)*text), '\0' };

	put_text(out, first);
	put_text(out, text + 1);
	fprintf(out, "%s\n", text[strlen(text) - 1] == '.' ? "" : ".");
}

static bool has_capital(const char *word, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (isupper((unsigned char)word[i]))
			return true;
	}
	return false;
}

/*
 * One word of a synopsis, such as -v, -m|--multi, FILE... or DEVICE|DIR. What
 * has no capitals is to be typed as it is.
 */
static void put_word(FILE *out, const char *word, size_t len)
{
	bool more;

	if (len == 1 && *word == '|') {
		fprintf(out, " No \\&|");
		return;
	}
	do {
		const char *bar = memchr(word, '|', len);
		size_t part = bar ? (size_t)(bar - word) : len;
		size_t n = part;

		if (word[0] == '-' && part > 1) {
			fprintf(out, " Fl %.*s", (int)part - 1, word + 1);
		} else {
			if (n > 3 && !strncmp(word + n - 3, "...", 3) &&
			    isalnum((unsigned char)word[n - 4]))
				n -= 3;
			fprintf(out, " %s %.*s%s", has_capital(word, n) ||
				!isalnum((unsigned char)*word) ? "Ar" : "Cm",
				(int)n, word, n < part ? " ..." : "");
		}
		more = bar;
		if (more) {
			fprintf(out, " |");
			word += part + 1;
			len -= part + 1;
		}
	} while (more);
}

/* Length of a word that starts here: up to a blank, or a bracket that closes */
static size_t word_len(const char *p)
{
	int depth = 0;
	size_t n;

	for (n = 0; p[n] && p[n] != ' ' && p[n] != '\n'; n++) {
		if (p[n] == '[')
			depth++;
		else if (p[n] == ']' && !depth--)
			break;
	}
	return n;
}

/*
 * One form of the command line. What is in brackets goes on a line of its own,
 * and may have brackets within; so does each word outside.
 */
static void put_form(FILE *out, const struct entry *e, const char *p)
{
	fprintf(out, ".Nm %s\n", e->program);
	if (e->command)
		fprintf(out, ".Cm %s\n", e->command);
	while (*p && *p != '\n') {
		size_t n;

		if (*p == ' ') {
			p++;
		} else if (*p == '[') {
			fprintf(out, ".Oo\n");
			p++;
		} else if (*p == ']') {
			fprintf(out, ".Oc\n");
			p++;
		} else {
			char *line = NULL;
			size_t size;
			FILE *mem;

			n = word_len(p);
			mem = open_memstream(&line, &size);
			put_word(mem, p, n);
			fclose(mem);
			fprintf(out, ".%s\n", line + 1);
			free(line);
			p += n;
		}
	}
}

static void put_synopsis(FILE *out, const struct entry *e)
{
	const char *p;

	for (p = e->usage->synopsis; p; p = strchr(p, '\n')) {
		p += *p == '\n';
		put_form(out, e, p);
	}
}

static void put_name(FILE *out, const char *name, const char *arg)
{
	fprintf(out, " Fl %s", name);
	if (arg)
		put_word(out, arg, strlen(arg));
}

static void put_item(FILE *out, const struct option_def *d)
{
	char name[64] = { d->ch < 256 ? d->ch : 0 };

	fprintf(out, ".It");
	if (d->ch < 256)
		put_name(out, name, d->arg);
	if (d->name) {
		snprintf(name, sizeof(name), "-%s", d->name);
		fprintf(out, d->ch < 256 ? " ," : "");
		put_name(out, name, d->arg);
	}
	fputc('\n', out);
	put_sentence(out, d->help);
}

static void put_commands(FILE *out)
{
	size_t i;

	fprintf(out, ".Bl -tag -width Ds\n");
	for (i = 0; i < count; i++) {
		if (!entries[i].command)
			continue;
		fprintf(out, ".It Xr %s 8\n", entries[i].page);
		put_sentence(out, entries[i].usage->does);
	}
	fprintf(out, ".El\n");
}

/* "@-x" or "@--name", and the option it stands for */
static bool is_about(const char *line, const struct option_def *d)
{
	char text[64];

	if (d->ch < 256)
		snprintf(text, sizeof(text), "@-%c", d->ch);
	else
		snprintf(text, sizeof(text), "@--%s", d->name);
	return !strcmp(line, text);
}

/* The lines of a page */
struct page {
	const char *file;
	char **line;
	size_t lines;
};

static void put_more(FILE *out, const struct page *p, size_t from, size_t to,
		     const struct option_def *d)
{
	bool ours = false;
	size_t i;

	for (i = from; i < to; i++) {
		if (p->line[i][0] == '@')
			ours = is_about(p->line[i], d);
		else if (ours)
			fprintf(out, "%s\n", p->line[i]);
	}
}

static bool known(const struct usage *u, const char *line)
{
	const struct option_def *d;

	for (d = u->opts; d->ch; d++) {
		if (!d->later && is_about(line, d))
			return true;
	}
	return false;
}

/* @from is after @OPTIONS@; returns where @END@ is, or 0 after a message */
static size_t put_options(FILE *out, const struct page *p, size_t from,
			  const struct usage *u)
{
	const struct option_def *d;
	bool human = false;
	size_t to;

	for (to = from; to < p->lines; to++) {
		const char *line = p->line[to];

		if (!strcmp(line, "@END@"))
			break;
		if (line[0] == '@' ? !known(u, line) : to == from) {
			fprintf(stderr, "mangen: %s:%zu: no option of the command: %s\n",
				p->file, to + 1, line);
			return 0;
		}
	}
	if (to == p->lines) {
		fprintf(stderr, "mangen: %s: @OPTIONS@ without @END@\n",
			p->file);
		return 0;
	}
	fprintf(out, ".Bl -tag -width Ds\n");
	for (d = u->opts; d->ch; d++) {
		if (d->ch == 'h')
			human = true;
		if (d->later)
			continue;
		put_item(out, d);
		put_more(out, p, from, to, d);
	}
	fprintf(out, ".It %sFl ?\\& , Fl -help\nShow a summary and stop.\n.El\n",
		human ? "" : "Fl h , ");
	return to;
}

static int read_page(struct page *p)
{
	FILE *in = fopen(p->file, "r");
	size_t room = 0, size;
	ssize_t n;

	while (in) {
		char *line = NULL;

		n = getline(&line, &size, in);
		if (n < 0) {
			free(line);
			break;
		}
		line[strcspn(line, "\n")] = '\0';
		if (p->lines == room) {
			room = 2 * room + 64;
			p->line = reallocarray(p->line, room, sizeof(*p->line));
			if (!p->line)
				break;
		}
		p->line[p->lines++] = line;
		size = 0;
	}
	if (!in || ferror(in) || !p->line) {
		fprintf(stderr, "mangen: %s: %s\n", p->file, strerror(errno));
		return -1;
	}
	fclose(in);
	return 0;
}

static void free_page(struct page *p)
{
	while (p->lines)
		free(p->line[--p->lines]);
	free(p->line);
}

static int write_page(FILE *out, const struct page *p, const struct entry *e)
{
	bool synopsis = false, options = false;
	size_t i;

	for (i = 0; i < p->lines; i++) {
		const char *line = p->line[i];

		if (line[0] != '@') {
			fprintf(out, "%s\n", line);
		} else if (!strcmp(line, "@SYNOPSIS@")) {
			put_synopsis(out, e);
			synopsis = true;
		} else if (!strcmp(line, "@COMMANDS@")) {
			put_commands(out);
		} else if (!strcmp(line, "@OPTIONS@")) {
			i = put_options(out, p, i + 1, e->usage);
			if (!i)
				return -1;
			options = true;
		} else {
			fprintf(stderr, "mangen: %s:%zu: unknown: %s\n",
				p->file, i + 1, line);
			return -1;
		}
	}
	if (!synopsis || !options) {
		fprintf(stderr, "mangen: %s: has no @SYNOPSIS@, or no @OPTIONS@\n",
			p->file);
		return -1;
	}
	return 0;
}

static int make_page(const char *file)
{
	const char *name = strrchr(file, '/');
	struct page p = { .file = file };
	size_t i, len;
	int rc;

	name = name ? name + 1 : file;
	for (i = 0; i < count; i++) {
		len = strlen(entries[i].page);
		if (!strncmp(name, entries[i].page, len) &&
		    !strcmp(name + len, ".8.in"))
			break;
	}
	if (i == count) {
		fprintf(stderr, "mangen: %s: there is no such command\n", file);
		return 1;
	}
	rc = read_page(&p);
	if (!rc)
		rc = write_page(stdout, &p, &entries[i]);
	free_page(&p);
	return rc ? 1 : 0;
}

/* All options; or those with an argument, as OPTION=ARGUMENT */
static void put_words(const struct entry *e, bool valued)
{
	const struct option_def *d;
	bool human = false;

	for (d = e->usage->opts; d->ch; d++) {
		if (d->ch == 'h')
			human = true;
		if (d->later || (valued && !d->arg))
			continue;
		if (d->ch < 256)
			printf(" -%c", d->ch);
		if (d->ch < 256 && valued)
			printf("=%s", d->arg);
		if (d->name)
			printf(" --%s", d->name);
		if (d->name && valued)
			printf("=%s", d->arg);
	}
	if (!valued)
		printf("%s --help", human ? "" : " -h");
}

static bool takes_argument(const struct usage *u, const char *word, size_t len)
{
	const struct option_def *d;

	for (d = u->opts; d->ch; d++) {
		if (d->arg && len == 2 && word[1] == d->ch)
			return true;
	}
	return false;
}

/* What is in brackets, and may have brackets within, without the last one */
static size_t group_len(const char *p)
{
	int depth = 0;
	size_t n;

	for (n = 0; p[n] && (p[n] != ']' || depth); n++)
		depth += (p[n] == '[') - (p[n] == ']');
	return n;
}

/* What is no option, and no option's argument; in brackets, it may be left out */
static void put_operands_of(FILE *out, const struct usage *u, const char *p)
{
	while (*p && *p != '\n') {
		const char *word = p + (*p == '[');
		size_t n = strcspn(p, "\n ");

		if (*p == '[') {
			n = group_len(word);
			if (*word != '-' && strncmp(word, "OPTION", 6))
				fprintf(out, " %.*s", (int)n, word);
			n += 1 + (word[n] == ']');
		} else if (*p == '-') {
			if (takes_argument(u, p, n) && p[n] == ' ')
				n += 1 + strcspn(p + n + 1, "\n ");
		} else {
			fprintf(out, " %.*s", (int)n, p);
		}
		p += n;
		p += strspn(p, " ");
	}
}

/* Those of the first form, or of one that takes any number */
static void put_operands(const struct entry *e)
{
	char *best = NULL, *text = NULL;
	const char *p;
	size_t size;
	FILE *mem;

	for (p = e->usage->synopsis; p; p = strchr(p, '\n')) {
		p += *p == '\n';
		mem = open_memstream(&text, &size);
		put_operands_of(mem, e->usage, p);
		fclose(mem);
		if (best && !strstr(text, "...")) {
			free(text);
			continue;
		}
		free(best);
		best = text;
	}
	printf("%s", best);
	free(best);
}

/* For completion/famfs.bash: the commands, and a case for each command line */
static void put_completion(void)
{
	size_t i;

	printf("\n_famfs_commands='");
	for (i = 0; i < count; i++) {
		if (entries[i].command)
			printf(" %s", entries[i].command);
	}
	printf("'\n\n_famfs_table()\n{\n\tcase $1 in\n");
	for (i = 0; i < count; i++) {
		const struct entry *e = &entries[i];

		printf("\t'%s%s%s')\n", e->program, e->command ? " " : "",
		       e->command ? e->command : "");
		printf("\t\toptions='");
		put_words(e, false);
		printf("'\n\t\tvalued='");
		put_words(e, true);
		printf("'\n\t\toperands='");
		put_operands(e);
		printf("' ;;\n");
	}
	printf("\t*) return 1 ;;\n\tesac\n}\n");
}

int main(int argc, char **argv)
{
	int status = 0;
	size_t i;

	collect();
	if (argc == 2 && !strcmp(argv[1], "--list")) {
		for (i = 0; i < count; i++)
			printf("%s\n", entries[i].page);
	} else if (argc == 2 && !strcmp(argv[1], "--completion")) {
		put_completion();
	} else if (argc == 2) {
		status = make_page(argv[1]);
	} else {
		fprintf(stderr, "usage: mangen PAGE.8.in|--list|--completion\n");
		status = 1;
	}
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "mangen: %s\n", strerror(errno));
		status = 1;
	}
	return status;
}
