// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sorts mount options: flags of the mount itself, options for our mount.famfs,
 * options for user space programs that have nothing to do with the kernel
 * (noauto, x-systemd.automount ...), and the rest, which the kernel's famfs is
 * asked about and refuses if it does not know them. libmount's maps say which
 * names belong to whom.
 */
#include "mountopts.h"

#include <errno.h>
#include <libmount/libmount.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "util.h"

/* What each MS_ flag of libmount's map means in the mount API */
static const struct {
	unsigned long ms;
	uint64_t attr;
} attrs[] = {
	{ MS_RDONLY, MOUNT_ATTR_RDONLY },
	{ MS_NOSUID, MOUNT_ATTR_NOSUID },
	{ MS_NODEV, MOUNT_ATTR_NODEV },
	{ MS_NOEXEC, MOUNT_ATTR_NOEXEC },
	{ MS_NODIRATIME, MOUNT_ATTR_NODIRATIME },
	{ MS_NOSYMFOLLOW, MOUNT_ATTR_NOSYMFOLLOW },
};

/*
 * What says who may mount, and when. Others of libmount's user space options ask
 * for something (loop, verity.roothash), and must not be swallowed.
 */
static const char * const harmless[] = {
	"defaults", "auto", "noauto", "user", "nouser", "users", "nousers",
	"owner", "noowner", "group", "nogroup", "_netdev", "comment",
};

/**
 * mountopts_add() - hand one more option to the kernel's famfs
 * @o: the options
 * @name: copied
 * @value: copied; NULL for none
 *
 * Return: 0 or -ENOMEM
 */
int mountopts_add(struct mountopts *o, const char *name, const char *value)
{
	struct mountopt *fs;

	fs = reallocarray(o->fs, o->fs_count + 1, sizeof(*fs));
	if (!fs)
		return -ENOMEM;
	o->fs = fs;
	fs += o->fs_count;
	fs->name = strdup(name);
	fs->value = value ? strdup(value) : NULL;
	if (!fs->name || (value && !fs->value)) {
		free(fs->name);
		free(fs->value);
		return -ENOMEM;
	}
	o->fs_count++;
	return 0;
}

/**
 * mountopts_free() - let go of what the options hold
 * @o: the options; empty afterwards
 */
void mountopts_free(struct mountopts *o)
{
	while (o->fs_count) {
		o->fs_count--;
		free(o->fs[o->fs_count].name);
		free(o->fs[o->fs_count].value);
	}
	free(o->fs);
	*o = (struct mountopts){ 0 };
}

static const struct libmnt_optmap *lookup(int which, const char *name)
{
	const struct libmnt_optmap *m = mnt_get_builtin_optmap(which);

	for (; m && m->name; m++) {
		size_t len = strcspn(m->name, "=[");

		if (len && strlen(name) == len && !strncmp(m->name, name, len))
			return m;
	}
	return NULL;
}

static void change(struct mountopts *o, uint64_t attr, bool on)
{
	if (on) {
		o->attr_set |= attr;
		o->attr_clear &= ~attr;
	} else {
		o->attr_set &= ~attr;
		o->attr_clear |= attr;
	}
}

/* The kinds of atime are one field, and relatime is its zero */
static void change_atime(struct mountopts *o, uint64_t kind)
{
	o->attr_set &= ~(uint64_t)MOUNT_ATTR__ATIME;
	o->attr_set |= kind;
	o->attr_clear |= MOUNT_ATTR__ATIME;
}

static int linux_option(struct mountopts *o, const struct libmnt_optmap *m,
			const char *name)
{
	bool on = !(m->mask & MNT_INVERT);
	unsigned long id = m->id;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(attrs); i++) {
		if (id == attrs[i].ms) {
			change(o, attrs[i].attr, on);
			return 0;
		}
	}
	switch (id) {
	case MS_NOATIME:
		change_atime(o, on ? MOUNT_ATTR_NOATIME : MOUNT_ATTR_RELATIME);
		return 0;
	case MS_RELATIME:
		change_atime(o, on ? MOUNT_ATTR_RELATIME
				   : MOUNT_ATTR_STRICTATIME);
		return 0;
	case MS_STRICTATIME:
		change_atime(o, on ? MOUNT_ATTR_STRICTATIME
				   : MOUNT_ATTR_RELATIME);
		return 0;
	case MS_SILENT:
		/* How much mount(2) logs, which fsopen(2) has no say in */
		return 0;
	case MS_REMOUNT:
		o->remount = true;
		return 0;
	case MS_SYNCHRONOUS:
	case MS_DIRSYNC:
	case MS_LAZYTIME:
	case MS_MANDLOCK:
		/* Flags of the superblock, which the kernel takes by name */
		return mountopts_add(o, name, NULL);
	default:
		famfs_err("option %s: is not for mounting a device; use mount(8) on the mounted directory",
			  name);
		return -EINVAL;
	}
}

static int one_option(struct mountopts *o, const char *name, const char *value)
{
	const struct libmnt_optmap *m;
	size_t i;

	if (!strcmp(name, "nomode") && !value) {
		o->nomode = true;
		return 0;
	}
	if (!strcmp(name, "nofail")) {
		o->nofail = true;
		return 0;
	}
	if (!strncasecmp(name, "x-", 2))
		return 0;
	for (i = 0; i < ARRAY_SIZE(harmless); i++) {
		if (!strcmp(name, harmless[i]))
			return 0;
	}
	m = lookup(MNT_LINUX_MAP, name);
	if (m && !value && m->id)
		return linux_option(o, m, name);
	if (lookup(MNT_USERSPACE_MAP, name)) {
		famfs_err("option %s: makes no sense with famfs; leave it out",
			  name);
		return -EINVAL;
	}
	return mountopts_add(o, name, value);
}

/* libmount takes what is in quotes as it is, and an open quote as the end */
static bool quotes_match(const char *text)
{
	bool open = false;

	for (; *text; text++)
		open ^= *text == '"';
	return !open;
}

static char *slice(const char *text, size_t len)
{
	return text ? strndup(text, len) : NULL;
}

/**
 * mountopts_parse() - take in a list of options
 * @o: added to; start with all zero
 * @text: as after mount -o
 *
 * Return: 0, or a negative error number after a message; then @o still has to go
 * to mountopts_free()
 */
int mountopts_parse(struct mountopts *o, const char *text)
{
	size_t name_len, value_len;
	char *name, *value;
	int rc;

	/* libmount moves the pointer and does not write through it */
	char *rest = (char *)text;

	rc = quotes_match(text) ? 0 : -EINVAL;
	while (!rc) {
		char *n = NULL, *v = NULL;

		rc = mnt_optstr_next_option(&rest, &n, &name_len, &v,
					    &value_len);
		/* Not every libmount minds an option without a name */
		if (!rc && (!name_len || *n == '='))
			rc = -EINVAL;
		if (rc)
			break;
		name = slice(n, name_len);
		value = slice(v, value_len);
		if (!name || (v && !value))
			rc = -ENOMEM;
		else
			rc = one_option(o, name, value);
		free(name);
		free(value);
		if (rc)
			return rc;
	}
	if (rc < 0) {
		famfs_err("options '%s': are malformed; expected NAME or NAME=VALUE, with commas between",
			  text);
		return rc;
	}
	return 0;
}
