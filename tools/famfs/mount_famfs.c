// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mount.famfs: what mount(8) calls for -t famfs, and fstab with it. Command
 * line and exit status are those of mount(8)'s helpers.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mountfs.h"
#include "util.h"

#define EX_OK		0
#define EX_USAGE	1	/* wrong call, or no permission */
#define EX_SYSERR	2
#define EX_SOFTWARE	4
#define EX_FAIL		32

#define SYNOPSIS \
	"mount.famfs DEVICE DIR [-fnsv] [-N NAMESPACE] [-t famfs] [-o OPTION,...]"

static void help(FILE *out)
{
	fprintf(out, "usage: " SYNOPSIS "\n"
		"Mount a famfs file system; mount -t famfs calls this.\n\n"
		"  -f  do all but attach the mount\n"
		"  -n  accepted; there is no mtab to write\n"
		"  -s  options that famfs does not know are ignored\n"
		"  -v  say what is done\n"
		"  -N  attach it in this mount namespace: a path or a process id\n"
		"  -o  options: those of mount(8); mode=OCTAL for the root directory;\n"
		"      nomode: leave the device's mode as it is\n");
}

static int exit_status(int rc)
{
	switch (-rc) {
	case 0:
		return EX_OK;
	case EPERM:
	case EACCES:
		return EX_USAGE;
	case ENOMEM:
	case ENFILE:
	case EMFILE:
		return EX_SYSERR;
	default:
		return EX_FAIL;
	}
}

static int wrong(const char *what)
{
	famfs_err("%s; usage: " SYNOPSIS, what);
	return EX_USAGE;
}

static int parse(struct mountfs *m, int argc, char **argv)
{
	int ch, rc;

	opterr = 0;
	while ((ch = getopt(argc, argv, "fnsvhN:t:o:")) != -1) {
		switch (ch) {
		case 'f':
			m->fake = true;
			break;
		case 'n':
			break;
		case 's':
			m->opts.sloppy = true;
			break;
		case 'v':
			famfs_set_verbose(true);
			break;
		case 'N':
			m->ns = optarg;
			break;
		case 't':
			if (strcmp(optarg, "famfs"))
				return wrong("a file system type other than famfs was asked for");
			break;
		case 'o':
			rc = mountopts_parse(&m->opts, optarg);
			if (rc)
				return rc == -ENOMEM ? EX_SYSERR : EX_USAGE;
			break;
		case 'h':
			help(stdout);
			return -1;
		default:
			if (optopt == '?') {
				help(stdout);
				return -1;
			}
			return wrong("unknown option, or one without its argument");
		}
	}
	if (argc - optind != 2)
		return wrong("a device and a directory are needed");
	m->dev = argv[optind];
	m->dir = argv[optind + 1];
	return EX_OK;
}

int main(int argc, char **argv)
{
	struct mountfs m = { .load_module = true };
	int status;

	famfs_set_program("mount.famfs");
	famfs_catch_bad_memory(EX_FAIL);
	if (argc == 2 && !strcmp(argv[1], "--help")) {
		help(stdout);
		return EX_OK;
	}
	status = parse(&m, argc, argv);
	if (!status) {
		m.set_mode = !m.opts.nomode;
		status = exit_status(mountfs(&m));
	}
	mountopts_free(&m.opts);
	return status < 0 ? EX_OK : status;
}
