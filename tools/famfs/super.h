/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing a superblock where something else may be: what mkfs and adddev have
 * in common.
 */
#ifndef FAMFS_SUPER_H
#define FAMFS_SUPER_H

#include <stdint.h>

#include "media.h"
#include "medium.h"

int super_load(const char *dev, const struct medium *m,
	       uint8_t buf[MEDIA_SB_BYTES]);
int super_may_go(const char *dev, const struct medium *m,
		 const uint8_t buf[MEDIA_SB_BYTES], const uint8_t self[16]);
int super_sound(const char *dev, const struct medium *m, const char *what);
void super_kill(struct medium *m);
void super_write(struct medium *m, const struct media_super *sb);
void super_name_device(struct media_super *sb, const char *dev);

#endif /* FAMFS_SUPER_H */
