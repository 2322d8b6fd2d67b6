/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A model of file maps to compare fs/famfs/map.c with: a table with one entry
 * for each page of the file, written straight from the message as the
 * documentation describes it.
 */
#ifndef _FAMFS_MODEL_H
#define _FAMFS_MODEL_H

#include "map.h"

/**
 * struct place - where a page of a file lies
 * @dev: index of the device
 * @offset: offset on the device
 */
struct place {
	u32 dev;
	u64 offset;
};

u64 model_pages(const struct famfs_fmap_header *hdr);
void model_fill(const struct famfs_fmap_header *hdr, struct place *places);

#endif
