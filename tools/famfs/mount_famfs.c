// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mount.famfs: what mount(8) calls for -t famfs, and fstab with it. Command
 * line and exit status are those of mount(8)'s helpers.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mountfs.h"
#include "tables.h"
#include "util.h"

#define EX_OK		0
#define EX_USAGE	1	/* wrong call, or no permission */
#define EX_SYSERR	2
#define EX_USER		8	/* interrupted */
#define EX_FAIL		32

static const struct option_def opts[] = {
	{ 'f', NULL, NULL, "do all but attach the mount" },
	{ 'n', NULL, NULL, "accepted; there is no mtab to write" },
	{ 's', NULL, NULL, "options that famfs does not know are ignored" },
	{ 'v', NULL, NULL, "say what is done" },
	{ 'N', NULL, "NAMESPACE",
	  "attach it in this mount namespace: a path or a process id" },
	{ 't', NULL, "famfs", "accepted, with this type alone" },
	{ 'o', NULL, "OPTION,...",
	  "those of mount(8), mode=OCTAL, uid=UID, gid=GID, nomode and others" },
	{ 0 }
};

const struct usage mount_usage = {
	.synopsis = "DEVICE DIR [-fnsv] [-N NAMESPACE] [-t famfs] [-o OPTION,...]",
	.does = "Mount a famfs file system; mount -t famfs calls this.",
	.opts = opts,
};

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
	options_wrong("mount.famfs", &mount_usage, what);
	return EX_USAGE;
}

static int parse(struct mountfs *m, int argc, char **argv)
{
	int ch, rc;

	while ((ch = options_next(argc, argv, &mount_usage)) != OPTIONS_END) {
		switch (ch) {
		case OPTIONS_HELP:
			return -1;
		case OPTIONS_BAD:
			return EX_USAGE;
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
		}
	}
	if (argc - optind != 2)
		return wrong("a device and a directory are needed");
	m->dev = argv[optind];
	m->dir = argv[optind + 1];
	return EX_OK;
}

/* The kernel takes back what was not attached yet */
static void interrupted(int sig)
{
	(void)sig;
	_exit(EX_USER);
}

int main(int argc, char **argv)
{
	struct mountfs m = { .load_module = true };
	int status;

	argv[0] = "mount.famfs";
	famfs_set_program(argv[0]);
	famfs_catch_bad_memory(EX_FAIL);
	signal(SIGINT, interrupted);
	status = parse(&m, argc, argv);
	if (!status) {
		m.set_mode = !m.opts.nomode;
		status = exit_status(mountfs(&m));
	}
	mountopts_free(&m.opts);
	return status < 0 ? EX_OK : status;
}
