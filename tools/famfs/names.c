// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A balanced tree of paths, by the C library's tsearch(3).
 */
#include "names.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

static int by_path(const void *a, const void *b)
{
	const struct name *x = a, *y = b;

	return strcmp(x->path, y->path);
}

/**
 * names_find() - look a path up
 * @n: the set
 * @path: normalised
 *
 * Return: what it is, or NULL where it is not in the set
 */
const struct name *names_find(const struct names *n, const char *path)
{
	struct name key, **found;

	if (strlen(path) > MEDIA_PATH_MAX)
		return NULL;
	strcpy(key.path, path);
	found = tfind(&key, &n->tree, by_path);
	return found ? *found : NULL;
}

/**
 * names_add() - take the path of a log entry into the set
 * @n: the set
 * @e: the entry; one that has a path
 * @index: of the entry
 * @there: gets what had that path before, if something did; may be NULL
 *
 * Return: 0, -EEXIST where the path was in the set (it keeps what it was), or
 * -ENOMEM
 */
int names_add(struct names *n, const struct media_entry *e, uint64_t index,
	      const struct name **there)
{
	struct name *name = calloc(1, sizeof(*name)), **at;

	if (!name)
		return -ENOMEM;
	memcpy(name->path, media_entry_path(e), MEDIA_PATH_SIZE);
	name->is_dir = e->type == MEDIA_MKDIR;
	name->size = name->is_dir ? 0 : e->file.size;
	name->index = index;
	at = tsearch(name, &n->tree, by_path);
	if (!at) {
		free(name);
		return -ENOMEM;
	}
	if (*at != name) {
		free(name);
		if (there)
			*there = *at;
		return -EEXIST;
	}
	return 0;
}

/**
 * names_has_parent() - tell whether the directory of a path is in the set
 * @n: the set
 * @path: normalised
 *
 * Return: true if it is, or is the root of the mount
 */
bool names_has_parent(const struct names *n, const char *path)
{
	const char *slash = strrchr(path, '/');
	const struct name *dir;
	char parent[MEDIA_PATH_SIZE];

	if (!slash)
		return true;
	if ((size_t)(slash - path) >= sizeof(parent))
		return false;
	memcpy(parent, path, slash - path);
	parent[slash - path] = '\0';
	dir = names_find(n, parent);
	return dir && dir->is_dir;
}

/**
 * names_free() - empty the set
 * @n: the set
 */
void names_free(struct names *n)
{
	tdestroy(n->tree, free);
	n->tree = NULL;
}
