// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fsopen(2) and its kin. A detached mount is held by its descriptor alone:
 * closing that undoes all of it. What the kernel says about an error is in
 * the context's own log, and is passed on word for word.
 */
#include "mountapi.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "daxmode.h"
#include "holder.h"
#include "mountopts.h"
#include "util.h"

/*
 * Pass on what the kernel has to say; true if there was an error in it. One that
 * is @ignored is not passed on.
 */
static bool pass_on(int ctx, const char *dev, bool ignored)
{
	bool any = false;
	char line[1024];
	ssize_t n;

	while ((n = read(ctx, line, sizeof(line) - 1)) > 0) {
		const char *text;

		line[n] = '\0';
		line[strcspn(line, "\n")] = '\0';
		/* "e text": error, warning or information */
		text = line[0] && line[1] == ' ' ? line + 2 : line;
		/* The device is named once, by the kernel or by us */
		if (!strncmp(text, dev, strlen(dev)))
			text += strlen(dev) + strspn(text + strlen(dev), ": ");
		if (line[0] == 'e') {
			if (!ignored)
				famfs_err("%s: %s", dev, text);
			any = true;
		} else if (line[0] == 'w') {
			famfs_warn("%s: %s", dev, text);
		} else {
			famfs_info("%s: %s", dev, text);
		}
	}
	return any;
}

static bool kernel_messages(int ctx, const char *dev)
{
	return pass_on(ctx, dev, false);
}

/* What an error number from the mount means, where the kernel said nothing */
static const char *mount_strerror(int err)
{
	switch (err) {
	case EBUSY:
		return "is mounted already, or held by another user; see findmnt -t famfs";
	case EPERM:
	case EACCES:
		return "no permission; this needs root";
	case ENOENT:
		return "no such device; see ls /sys/bus/dax/devices";
	case EOPNOTSUPP:
		return "is not in a mode that famfs can mount; -M switches it";
	default:
		return strerror(err);
	}
}

static int set_options(int ctx, const char *dev, const struct mountopts *opts)
{
	size_t i;
	int rc;

	for (i = 0; opts && i < opts->fs_count; i++) {
		const struct mountopt *o = &opts->fs[i];

		if (!fsconfig(ctx, o->value ? FSCONFIG_SET_STRING
					    : FSCONFIG_SET_FLAG,
			      o->name, o->value, 0))
			continue;
		if (opts->sloppy && errno == EINVAL) {
			pass_on(ctx, dev, true);
			famfs_warn("option %s: unknown, ignored", o->name);
			continue;
		}
		rc = -errno;
		famfs_err("option %s%s%s: %s", o->name, o->value ? "=" : "",
			  o->value ? o->value : "",
			  rc == -EINVAL ? "famfs has no such option, or not this value"
					: strerror(-rc));
		return rc;
	}
	return 0;
}

/**
 * mount_glance() - mount a device, nowhere, to see what is on it
 * @dev: path of the node of a device in the mode for famfs
 * @lock: gets what mount_glance_end() needs
 *
 * For devices that nobody has named: prints nothing. Whoever mounts the device
 * waits until mount_glance_end().
 *
 * Return: a descriptor of the root directory, or a negative error number
 */
int mount_glance(const char *dev, int *lock)
{
	int ctx, mount = -1, rc = 0;

	*lock = daxmode_lock(dev);
	ctx = fsopen("famfs", FSOPEN_CLOEXEC);
	if (ctx < 0) {
		rc = -errno;
	} else {
		if (!fsconfig(ctx, FSCONFIG_SET_STRING, "source", dev, 0) &&
		    !fsconfig(ctx, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
			mount = fsmount(ctx, FSMOUNT_CLOEXEC, 0);
		if (mount < 0)
			rc = -errno;
		close(ctx);
	}
	if (rc)
		daxmode_unlock(*lock);
	return rc ? rc : mount;
}

/**
 * mount_glance_end() - let go of a device that was looked at
 * @mount: from mount_glance()
 * @lock: from the same
 */
void mount_glance_end(int mount, int lock)
{
	close(mount);
	daxmode_unlock(lock);
}

/**
 * mount_detached() - mount a device, nowhere
 * @dev: path of the device node
 * @opts: file system options and mount flags, or NULL. MOUNT_ATTR_RDONLY is left
 *	to the caller, who has files to make first.
 *
 * Return: a descriptor of the root directory; closing it unmounts, unless
 * mount_attach() came before. Or a negative error number after a message.
 */
int mount_detached(const char *dev, const struct mountopts *opts)
{
	unsigned int attrs = opts ? opts->attr_set & ~MOUNT_ATTR_RDONLY : 0;
	int ctx, lock, mount = -1, rc;
	char who[PATH_MAX + 128];

	ctx = fsopen("famfs", FSOPEN_CLOEXEC);
	if (ctx < 0) {
		rc = -errno;
		if (rc == -ENODEV)
			famfs_err("%s: this kernel has no famfs file system; load the module with modprobe famfs",
				  dev);
		else
			famfs_err("%s: can't mount: %s", dev,
				  mount_strerror(-rc));
		return rc;
	}
	rc = set_options(ctx, dev, opts);
	if (rc) {
		kernel_messages(ctx, dev);
		goto out;
	}
	lock = daxmode_lock(dev);
	if (!fsconfig(ctx, FSCONFIG_SET_STRING, "source", dev, 0) &&
	    !fsconfig(ctx, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		mount = fsmount(ctx, FSMOUNT_CLOEXEC, attrs);
	rc = mount < 0 ? -errno : 0;
	daxmode_unlock(lock);
	if (rc) {
		if (rc == -EBUSY && holder_describe(dev, who, sizeof(who)))
			famfs_err("%s: %s", dev, who);
		else if (!kernel_messages(ctx, dev))
			famfs_err("%s: can't mount: %s", dev,
				  mount_strerror(-rc));
		goto out;
	}
	kernel_messages(ctx, dev);
	rc = mount;
out:
	close(ctx);
	return rc;
}

/**
 * mount_reconfigure() - give a file system that is mounted its options anew
 * @dir: where it is mounted
 * @opts: file system options; the kernel takes those that change nothing
 *
 * Return: 0 or a negative error number after a message
 */
int mount_reconfigure(const char *dir, const struct mountopts *opts)
{
	int ctx, rc;

	ctx = fspick(AT_FDCWD, dir, FSPICK_CLOEXEC | FSPICK_NO_AUTOMOUNT);
	if (ctx < 0) {
		rc = -errno;
		famfs_err("%s: can't change the mount: %s", dir,
			  rc == -EINVAL ? "nothing is mounted here"
					: strerror(-rc));
		return rc;
	}
	rc = set_options(ctx, dir, opts);
	if (!rc && fsconfig(ctx, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0))
		rc = -errno;
	if (rc && !kernel_messages(ctx, dir))
		famfs_err("%s: can't change the mount: %s", dir, strerror(-rc));
	close(ctx);
	return rc;
}

/**
 * mount_change() - set and clear flags of a mount
 * @dirfd: its root directory, or AT_FDCWD
 * @dir: path to it, or "" for @dirfd itself
 * @set: MOUNT_ATTR_ flags to set
 * @clear: flags to clear
 *
 * Return: 0 or a negative error number
 */
int mount_change(int dirfd, const char *dir, uint64_t set, uint64_t clear)
{
	struct mount_attr attr = { .attr_set = set, .attr_clr = clear };

	/* The kinds of atime exclude each other: to set one is to clear all */
	if ((set | clear) & MOUNT_ATTR__ATIME)
		attr.attr_clr |= MOUNT_ATTR__ATIME;
	if (mount_setattr(dirfd, dir, *dir ? 0 : AT_EMPTY_PATH, &attr,
			  sizeof(attr)))
		return -errno;
	return 0;
}

/**
 * mount_attach() - let a detached mount be seen
 * @mount: its descriptor
 * @dir: the directory it goes on
 *
 * Return: 0 or a negative error number
 */
int mount_attach(int mount, const char *dir)
{
	if (move_mount(mount, "", AT_FDCWD, dir, MOVE_MOUNT_F_EMPTY_PATH))
		return -errno;
	return 0;
}
