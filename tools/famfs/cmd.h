/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands of the famfs program: one file and one function for each.
 */
#ifndef FAMFS_CMD_H
#define FAMFS_CMD_H

#include <stdbool.h>
#include <stdint.h>

#include "options.h"
#include "session.h"

struct command {
	const char *name;
	const struct usage *usage;
	/* argv[0] is "famfs NAME"; returns the exit status */
	int (*run)(int argc, char **argv, bool dryrun);
	/* Exit status where memory or the output fails; 0 stands for 1 */
	int failed;
};

extern const struct command cmd_mount;
extern const struct command cmd_mkmeta;
extern const struct command cmd_logplay;
extern const struct command cmd_fsck;
extern const struct command cmd_check;
extern const struct command cmd_mkdir;
extern const struct command cmd_creat;
extern const struct command cmd_cp;
extern const struct command cmd_verify;
extern const struct command cmd_flush;
extern const struct command cmd_getmap;
extern const struct command cmd_clone;
extern const struct command cmd_chkread;
extern const struct command cmd_adddev;
extern const struct command cmd_devices;
extern const struct command cmd_df;
extern const struct command cmd_ls;

/* Letters that no option has: it has a long form alone */
#define OPTION_JSON	256

/* Of those that look at a device or at a mount; see where.h */
#define WHERE_OPTIONS \
	{ 'M', "set-daxmode", NULL, "put the device into the mode that famfs mounts" }, \
	{ 'L', "load-module", NULL, "load the famfs module where the kernel does not by itself" }

#define JSON_OPTION \
	{ OPTION_JSON, "json", NULL, "print JSON, and nothing else, on stdout" }

/* What a user said about the owner and mode of something new */
struct ownership {
	bool have_mode;
	bool have_owner;
	uint32_t mode;
	uint32_t uid;
	uint32_t gid;
};

void ownership_init(struct ownership *o);
int ownership_option(struct ownership *o, int ch, const char *arg);

/* The same options wherever files are made */
#define OWNERSHIP_OPTIONS \
	{ 'm', "mode", "MODE", "permission bits, octal" }, \
	{ 'u', "uid", "UID", "owner, by number" }, \
	{ 'g', "gid", "GID", "group, by number" }
#define STRIPES_OPTIONS \
	{ 'N', "nstrips", "N", "cut into N strips, 1 to 16, on different devices first" }, \
	{ 'C', "chunksize", "SIZE", "interleave by chunks of SIZE (default 2m)" }, \
	{ 'B', "nbuckets", "N", "strips in different ones of N parts of a device, for tests" }

int stripes_option(struct stripes *s, int ch, const char *arg);

#define THREADS_MAX	256
int threads_option(unsigned int *threads, unsigned int min, const char *arg);
unsigned int threads_default(void);

/* A place in a mount that a session is open for */
struct target {
	int root;
	struct session s;
	const char *name;		/* as typed */
	char rel[MEDIA_PATH_SIZE];	/* normalised; empty for the root */
};

int target_open(struct target *t, const char *path, bool dryrun);
int target_other(const struct target *t, const char *path,
		 char rel[MEDIA_PATH_SIZE]);
void target_close(struct target *t);
int target_path(char rel[MEDIA_PATH_SIZE], const char *path);
uint32_t target_umask(void);

#endif /* FAMFS_CMD_H */
