// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * famfs mkdir: a directory that every host gets.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "inside.h"
#include "util.h"

static const struct option_def opts[] = {
	{ 'p', "parents", NULL,
	  "make the directories above too, and mind none that is there" },
	{ 'm', "mode", "MODE", "permission bits, octal" },
	{ 'u', "uid", "UID", "owner, by number" },
	{ 'g', "gid", "GID", "group, by number" },
	{ 'v', "verbose", NULL, "say what is done" },
	{ 0 }
};

static const struct usage usage = {
	.synopsis = "[OPTION...] DIR",
	.does = "make a directory, and log it",
	.opts = opts,
};

static int make_one(struct target *t, const char *path, uint32_t mode,
		    const struct ownership *own, bool may_exist)
{
	struct new_node node = {
		.path = path,
		.mode = mode,
		.uid = own->uid,
		.gid = own->gid,
	};
	bool there;
	int rc;

	rc = session_mkdir(&t->s, &node, &there);
	if (rc)
		return rc;
	if (there && !may_exist) {
		famfs_err("%s: directory is there already", quote(path));
		return -EEXIST;
	}
	if (!there)
		famfs_info("%s %s", t->s.dryrun ? "would make" : "made",
			   quote(path));
	return 0;
}

static int make_all(struct target *t, uint32_t mode,
		    const struct ownership *own, bool parents)
{
	char path[MEDIA_PATH_SIZE];
	char *slash;
	int rc;

	strcpy(path, t->rel);
	/* As mkdir(1): the directories above are such that we can go on */
	for (slash = path; parents && (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		rc = make_one(t, path, (0777 & ~target_umask()) | 0300, own,
			      true);
		*slash = '/';
		if (rc)
			return rc;
	}
	return make_one(t, path, mode, own, parents);
}

/*
 * Length of the longest part of a path, from its start on, that is there; 0 for
 * a relative path of which nothing is.
 */
static size_t there_part(const char *path)
{
	size_t len = strlen(path);
	char part[PATH_MAX];

	while (len) {
		memcpy(part, path, len);
		part[len] = '\0';
		if (!access(part, F_OK))
			break;
		while (len && path[len - 1] != '/')
			len--;
		while (len > 1 && path[len - 1] == '/')
			len--;
	}
	return len;
}

/* With -p, what is below the deepest directory that is there is yet to come */
static int open_target(struct target *t, const char *path, bool parents,
		       bool dryrun)
{
	char dir[PATH_MAX], full[PATH_MAX];
	const char *rest;
	size_t len;
	int rc;

	if (strlen(path) >= sizeof(dir)) {
		famfs_err("%.40s...: %s", path, strerror(ENAMETOOLONG));
		return -ENAMETOOLONG;
	}
	len = parents ? there_part(path) : 0;
	if (!parents || !path[len])
		return target_open(t, path, dryrun);

	memcpy(dir, path, len);
	dir[len] = '\0';
	rest = path + len + strspn(path + len, "/");
	rc = target_open(t, len ? dir : ".", dryrun);
	if (rc)
		return rc;
	rc = snprintf(full, sizeof(full), "%s%s%s", t->rel, *t->rel ? "/" : "",
		      rest);
	rc = rc < (int)sizeof(full) ? target_path(t->rel, full) : -ENAMETOOLONG;
	if (rc)
		target_close(t);
	return rc;
}

static int run(int argc, char **argv, bool dryrun)
{
	struct ownership own;
	bool parents = false;
	struct target t;
	uint32_t mode;
	int ch, rc;

	ownership_init(&own);
	while ((ch = options_next(argc, argv, &usage)) != OPTIONS_END) {
		switch (ch) {
		case OPTIONS_HELP:
			return 0;
		case OPTIONS_BAD:
			return 1;
		case 'p':
			parents = true;
			break;
		case 'v':
			famfs_set_verbose(true);
			break;
		default:
			if (ownership_option(&own, ch, optarg))
				return 1;
		}
	}
	if (argc - optind != 1)
		return options_wrong(argv[0], &usage, "exactly one directory is needed");
	rc = open_target(&t, argv[optind], parents, dryrun);
	if (rc)
		return 1;
	mode = own.have_mode ? own.mode : 0777 & ~target_umask();
	if (*t.rel) {
		rc = make_all(&t, mode, &own, parents);
	} else if (!parents) {
		famfs_err("%s: is the root of the mount", argv[optind]);
		rc = -EEXIST;
	}
	target_close(&t);
	return rc ? 1 : 0;
}

const struct command cmd_mkdir = { "mkdir", &usage, run };
