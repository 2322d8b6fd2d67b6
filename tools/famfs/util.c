// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Messages and numbers. All messages of the library and the programs go
 * through one sink, which a test or another program may replace. Errors and
 * warnings go to stderr as "PROGRAM: what: what is wrong; what to do", what -v
 * asked for goes to stdout.
 */
#include "util.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *program = "famfs";
static bool verbose;

/**
 * famfs_terminal() - where messages go unless somebody takes them over
 * @level: what kind it is
 * @text: the message, without a newline
 */
void famfs_terminal(enum famfs_level level, const char *text)
{
	if (level == FAMFS_MSG_INFO) {
		printf("%s\n", text);
		return;
	}
	/* Keeps the two streams in order where they are the same file */
	fflush(stdout);
	fprintf(stderr, "%s: %s%s\n", program,
		level == FAMFS_MSG_WARNING ? "warning: " : "", text);
}

static famfs_sink_fn sink = famfs_terminal;

/**
 * famfs_set_program() - set the name that starts each error message
 * @name: the name; kept, not copied
 */
void famfs_set_program(const char *name)
{
	program = name;
}

/**
 * famfs_set_verbose() - choose whether famfs_info() says anything
 * @on: true for -v
 */
void famfs_set_verbose(bool on)
{
	verbose = on;
}

/**
 * famfs_verbose() - tell whether famfs_info() says anything
 *
 * Return: true after -v
 */
bool famfs_verbose(void)
{
	return verbose;
}

/**
 * famfs_set_sink() - take over all messages
 * @fn: gets each message, without a newline; NULL for the terminal again
 */
void famfs_set_sink(famfs_sink_fn fn)
{
	sink = fn ? fn : famfs_terminal;
}

static void emit(enum famfs_level level, const char *fmt, va_list ap)
{
	char text[2048];

	vsnprintf(text, sizeof(text), fmt, ap);
	sink(level, text);
}

/**
 * famfs_err() - say what failed, and what to do about it
 * @fmt: as printf(3), without a newline
 */
void famfs_err(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit(FAMFS_MSG_ERROR, fmt, ap);
	va_end(ap);
}

/**
 * famfs_warn() - say what is not right though the work goes on
 * @fmt: as printf(3), without a newline
 */
void famfs_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	emit(FAMFS_MSG_WARNING, fmt, ap);
	va_end(ap);
}

/**
 * famfs_info() - say what is being done, where that was asked for
 * @fmt: as printf(3), without a newline
 */
void famfs_info(const char *fmt, ...)
{
	va_list ap;

	if (!verbose)
		return;
	va_start(ap, fmt);
	emit(FAMFS_MSG_INFO, fmt, ap);
	va_end(ap);
}

static int bad_memory_status;
static const char *bad_memory_text;

static void put(const char *text)
{
	if (write(STDERR_FILENO, text, strlen(text)) < 0)
		return;
}

static void bad_memory(int sig)
{
	(void)sig;
	put(program);
	put(": memory of the device is bad, or the device has gone away; see the kernel's log\n");
	if (bad_memory_text) {
		put(program);
		put(": ");
		put(bad_memory_text);
	}
	_exit(bad_memory_status);
}

/**
 * famfs_bad_memory_means() - what to say besides where memory fails
 * @text: with a newline; kept. NULL for nothing
 */
void famfs_bad_memory_means(const char *text)
{
	bad_memory_text = text;
}

/**
 * famfs_catch_bad_memory() - end with a message where memory fails
 * @status: exit status in that case
 *
 * Superblock and log are mapped: there is no call that could return an error.
 */
void famfs_catch_bad_memory(int status)
{
	struct sigaction action = { .sa_handler = bad_memory };

	bad_memory_status = status;
	sigaction(SIGBUS, &action, NULL);
}

/* Digits only: strtoull() alone would take signs, blanks and 0x in front */
static int parse_digits(const char *text, int base, uint64_t *value,
			const char **rest)
{
	size_t len = strspn(text, base == 16 ? "0123456789abcdefABCDEF" :
				  base == 8 ? "01234567" : "0123456789");
	unsigned long long v;
	char *end;

	if (!len)
		return -EINVAL;
	errno = 0;
	v = strtoull(text, &end, base);
	if (errno)
		return -ERANGE;
	if (end != text + len)
		return -EINVAL;
	*value = v;
	*rest = end;
	return 0;
}

/* What starts a number, and decides about its base */
static int parse_start(const char *text, uint64_t *value, const char **rest)
{
	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
		return parse_digits(text + 2, 16, value, rest);
	return parse_digits(text, 10, value, rest);
}

/**
 * famfs_parse_number() - read a number that is no size
 * @text: decimal, or hexadecimal after 0x
 * @number: where it goes
 *
 * Return: 0, -EINVAL where @text is no number, -ERANGE past 64 bits
 */
int famfs_parse_number(const char *text, uint64_t *number)
{
	const char *rest;
	uint64_t v;
	int rc;

	rc = parse_start(text, &v, &rest);
	if (!rc && *rest)
		rc = -EINVAL;
	if (!rc)
		*number = v;
	return rc;
}

/**
 * famfs_parse_size() - read a size as people type it
 * @text: decimal, or hexadecimal after 0x; then k, m or g (KiB, MiB, GiB) in
 *	either case, or nothing
 * @size: where the bytes go
 *
 * Return: 0, -EINVAL where @text is no size, -ERANGE past 64 bits
 */
int famfs_parse_size(const char *text, uint64_t *size)
{
	unsigned int shift = 0;
	const char *rest;
	uint64_t v;
	int rc;

	rc = parse_start(text, &v, &rest);
	if (rc)
		return rc;

	switch (*rest) {
	case 'k': case 'K':
		shift = 10;
		break;
	case 'm': case 'M':
		shift = 20;
		break;
	case 'g': case 'G':
		shift = 30;
		break;
	}
	if (shift)
		rest++;
	if (*rest)
		return -EINVAL;
	if (v > UINT64_MAX >> shift)
		return -ERANGE;
	*size = v << shift;
	return 0;
}

/**
 * famfs_parse_id() - read a numeric user or group id
 * @text: decimal
 * @id: where it goes
 *
 * The largest number is not an id: it means "unchanged" to chown(2).
 *
 * Return: 0, or -EINVAL
 */
int famfs_parse_id(const char *text, uint32_t *id)
{
	const char *rest;
	uint64_t v;

	if (parse_digits(text, 10, &v, &rest) || *rest || v >= UINT32_MAX)
		return -EINVAL;
	*id = v;
	return 0;
}

/**
 * famfs_parse_mode() - read permission bits
 * @text: octal, 0 to 07777
 * @mode: where they go
 *
 * Return: 0, or -EINVAL
 */
int famfs_parse_mode(const char *text, uint32_t *mode)
{
	const char *rest;
	uint64_t v;

	if (parse_digits(text, 8, &v, &rest) || *rest || v > 07777)
		return -EINVAL;
	*mode = v;
	return 0;
}

/**
 * famfs_human() - write a size with the unit that suits it
 * @buf: holds the text
 * @bytes: the size
 *
 * Return: the text, one word
 */
const char *famfs_human(struct famfs_sizebuf *buf, uint64_t bytes)
{
	static const char * const unit[] = { "KiB", "MiB", "GiB", "TiB", "PiB",
					     "EiB" };
	double v = bytes / 1024.0;
	size_t i = 0;

	if (bytes < 1024) {
		snprintf(buf->s, sizeof(buf->s), "%uB", (unsigned int)bytes);
		return buf->s;
	}
	while (v >= 1024 && i < ARRAY_SIZE(unit) - 1) {
		v /= 1024;
		i++;
	}
	snprintf(buf->s, sizeof(buf->s), "%.2f%s", v, unit[i]);
	return buf->s;
}

/*
 * Characters that are not seen, and can make a line look like another one: breaks
 * of lines, and what turns round the order in which a terminal shows the rest
 */
static bool unseen(uint32_t c)
{
	return c == 0xad || c == 0x61c || (c >= 0x200b && c <= 0x200f) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) ||
	       c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) ||
	       (c >= 0xe0000 && c <= 0xe0fff);
}

/*
 * Bytes of the character that @s starts with, if it may be printed as it is:
 * well-formed UTF-8, one that is seen, and no control character, of which U+0080
 * to U+009F are some. 0 if not.
 */
static size_t printable(const char *s)
{
	const unsigned char *p = (const unsigned char *)s;
	uint32_t c = p[0];
	size_t len, i;

	if (c < 0x80)
		return c >= 0x20 && c != 0x7f && c != '\\';
	if (c >= 0xc2 && c < 0xe0)
		len = 2;
	else if (c >= 0xe0 && c < 0xf0)
		len = 3;
	else if (c >= 0xf0 && c < 0xf5)
		len = 4;
	else
		return 0;
	c &= 0x7f >> len;
	for (i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	/* Longer than need be, a surrogate, past the last one, a control */
	if ((len == 3 && c < 0x800) || (len == 4 && c < 0x10000) ||
	    (c >= 0xd800 && c < 0xe000) || c > 0x10ffff || c < 0xa0 ||
	    unseen(c))
		return 0;
	return len;
}

/**
 * famfs_escape() - make a name fit to print
 * @buf: gets the text, and always ends with a NUL
 * @room: size of it; four times the name's and one more holds any
 * @name: a name from memory that others write; the backslash, and each byte
 *	that is no part of a printable character of UTF-8 and so could drive a
 *	terminal, come out as \ooo
 */
void famfs_escape(char *buf, size_t room, const char *name)
{
	size_t n = 0;

	while (*name && n + 5 <= room) {
		size_t len = printable(name);

		if (len) {
			memcpy(buf + n, name, len);
			n += len;
			name += len;
		} else {
			n += snprintf(buf + n, 5, "\\%03o",
				      (unsigned char)*name++);
		}
	}
	buf[n] = '\0';
}

/**
 * famfs_quote() - make a name fit to print, where it is just needed
 * @buf: holds the text
 * @name: as for famfs_escape()
 *
 * Return: the text; of a name too long for it, the beginning
 */
const char *famfs_quote(struct famfs_namebuf *buf, const char *name)
{
	famfs_escape(buf->s, sizeof(buf->s), name);
	return buf->s;
}
