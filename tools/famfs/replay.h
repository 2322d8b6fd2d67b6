/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Playing the log: make in a mount what the log says there is.
 */
#ifndef FAMFS_REPLAY_H
#define FAMFS_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "fs.h"

struct devices;

struct replay {
	const struct fs *fs;
	const char *name;	/* what messages call the file system */
	bool master;		/* files writable as the log says */
	bool dryrun;
	bool keep_mode;		/* of devices that the log adds */
	struct media_devices devices;	/* replay_log() fills it */
	struct devices *local;	/* of this machine, once they were needed */
	uint64_t entries;
	uint64_t files_made;
	uint64_t files_there;
	uint64_t dirs_made;
	uint64_t dirs_there;
	uint64_t devices_made;
	uint64_t devices_there;
	uint64_t errors;
};

uint32_t replay_mode(const struct media_file *f, bool master);
int replay_entry(struct replay *r, uint64_t index, const struct media_entry *e,
		 int bad);
int replay_log(struct replay *r);

#endif /* FAMFS_REPLAY_H */
