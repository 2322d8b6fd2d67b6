// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * famfs devices: what memory devices this machine has, what is on them, and
 * what one would type to use each.
 *
 * Nothing is changed. A device that a mount holds is looked at through that; of
 * one that can't be looked at, for want of rights or of a driver, or as somebody
 * else holds it, all the rest is told.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uuid/uuid.h>

#include "cmd.h"
#include "devices.h"
#include "holder.h"
#include "identity.h"
#include "inuse.h"
#include "json.h"
#include "meta.h"
#include "signature.h"
#include "util.h"
#include "where.h"

static const struct option_def opts[] = {
	{ 'h', "human", NULL, "sizes with a unit that suits them" },
	JSON_OPTION,
	{ 0 }
};

static const struct usage usage = {
	.synopsis = "[-h] [--json] [DEVICE...]",
	.does = "list memory devices, what is on them, and how to use them",
	.opts = opts,
};

enum content {
	UNKNOWN,		/* @why tells why */
	NOTHING,
	FAMFS,
	OTHER,			/* @type tells what */
};

struct found {
	struct device *dev;	/* NULL as long as nobody has looked */
	enum content content;
	char why[128];
	char type[SIGNATURE_SIZE];
	bool have_sb;
	struct media_super sb;
	bool mounted;
	struct holder h;
	char use[PATH_MAX + 128];
};

struct list {
	bool human;
	bool have_self;
	uint8_t self[16];
	struct devices d;
	struct found *found;	/* for each of them */
};

/* --- what is on a device ---------------------------------------------------- */

/* Through the mount: its superblock is that of the first device */
static void look_at_mount(struct found *f)
{
	struct medium super = { .fd = -1 };
	uint8_t buf[MEDIA_SB_BYTES];
	char first[sizeof(f->h.first) + 8];
	int root, rc;

	f->content = FAMFS;
	snprintf(first, sizeof(first), "/dev/%s", f->h.first);
	if (!f->h.dir[0] || where_covered(first, f->h.dir))
		return;
	root = open(f->h.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return;
	rc = meta_open(root, META_SUPER, false, true, &super);
	if (!rc) {
		medium_drop(&super, 0, sizeof(buf));
		rc = medium_load(&super, 0, buf, sizeof(buf));
		f->have_sb = !rc && !media_super_decode(&f->sb, buf);
	}
	medium_close(&super);
	close(root);
}

static void unknown(struct found *f, int rc)
{
	const struct device *dev = f->dev;
	const char *why;
	pid_t pid;

	f->content = UNKNOWN;
	if (access(dev->path, F_OK))
		why = "its node is missing";
	else if (dev->dax.mode == DAXMODE_RAM)
		why = "in use as system RAM";
	else if (dev->dax.mode == DAXMODE_NONE)
		why = "no driver, so nothing can look";
	else if (rc == -EACCES || rc == -EPERM)
		why = "only root can look";
	else if (rc == -EBUSY)
		why = "in use";
	else if (rc == -ENODEV && dev->dax.mode == DAXMODE_FAMFS)
		why = "the famfs module is not loaded, which it takes to look";
	else
		why = strerror(-rc);
	if (rc == -EBUSY && inuse_find(dev->path, &pid) > 0)
		snprintf(f->why, sizeof(f->why), "in use by process %d",
			 (int)pid);
	else
		snprintf(f->why, sizeof(f->why), "%s", why);
}

static int signature(const struct device *dev, char type[SIGNATURE_SIZE])
{
	int fd, rc;

	if (dev->block) {
		fd = open(dev->path, O_RDONLY | O_CLOEXEC);
		rc = fd < 0 ? -errno : 0;
	} else {
		rc = devices_start(dev, &fd);
	}
	if (rc)
		return rc;
	rc = signature_find(fd, type);
	close(fd);
	return rc;
}

static void look_inside(struct found *f)
{
	struct device *dev = f->dev;
	enum media_err err;
	int rc;

	rc = devices_look(dev);
	if (rc) {
		unknown(f, rc);
		return;
	}
	err = media_super_decode(&f->sb, dev->start);
	if (err != MEDIA_ERR_MAGIC) {
		f->content = FAMFS;
		f->have_sb = !err;
		if (err)
			snprintf(f->why, sizeof(f->why), "%s",
				 media_strerror(err));
		return;
	}
	rc = signature(dev, f->type);
	if (rc < 0)
		unknown(f, rc);
	else
		f->content = rc ? OTHER : NOTHING;
}

static struct found *look(const struct list *l, size_t i)
{
	struct found *f = &l->found[i];

	if (f->dev)
		return f;
	f->dev = &l->d.dev[i];
	f->mounted = holder_find(f->dev->path, &f->h);
	if (f->mounted && f->h.famfs)
		look_at_mount(f);
	else
		look_inside(f);
	return f;
}

/* --- what one would type ---------------------------------------------------- */

static bool further(const struct found *f)
{
	return f->mounted ? f->h.index : f->sb.flags & MEDIA_SB_SECONDARY;
}

/* The namespace of persistent memory that a block device shows */
static void namespace_of(const struct device *dev, char *name, size_t size)
{
	char path[PATH_MAX], *real, *base;
	FILE *f;

	snprintf(name, size, "NAMESPACE");
	snprintf(path, sizeof(path), "/sys/class/block/%s/device",
		 dev->dax.name);
	real = realpath(path, NULL);
	base = real ? strrchr(real, '/') + 1 : "";
	if (!strncmp(base, "namespace", strlen("namespace"))) {
		snprintf(name, size, "%s", base);
	} else {
		snprintf(path, sizeof(path),
			 "/sys/class/block/%s/device/namespace",
			 dev->dax.name);
		f = fopen(path, "re");
		if (f) {
			if (fscanf(f, "%31s", name) != 1)
				snprintf(name, size, "NAMESPACE");
			fclose(f);
		}
	}
	free(real);
}

/* The first device of the file system that this is a further one of */
static const struct found *first_of(const struct list *l,
				    const struct found *f)
{
	const struct found *g;
	size_t i;

	for (i = 0; i < l->d.count; i++) {
		g = look(l, i);
		if (g->have_sb && !further(g) &&
		    !uuid_compare(g->sb.fs_uuid, f->sb.fs_uuid))
			return g;
	}
	return NULL;
}

/* A dax device may be fit for nothing on a kernel that is too old */
static bool unfit(const struct device *dev)
{
	return !dev->block && !daxmode_kernel_can();
}

static void use_famfs(const struct list *l, struct found *f)
{
	const struct found *first = f;

	if (f->have_sb && further(f))
		first = first_of(l, f);
	if (!f->have_sb || !first || (!first->mounted && unfit(first->dev)))
		return;
	if (first->mounted)
		snprintf(f->use, sizeof(f->use), "famfs logplay %s",
			 first->h.dir);
	else
		snprintf(f->use, sizeof(f->use), "mount -t famfs %s DIR",
			 first->dev->path);
}

static void use(const struct list *l, struct found *f)
{
	const struct device *dev = f->dev;
	bool dax = dev->block ? dev->block_dax : daxmode_kernel_can();
	char ns[32];

	if (f->mounted) {
		if (f->h.famfs && f->h.dir[0] && f->have_sb && l->have_self)
			snprintf(f->use, sizeof(f->use),
				 uuid_compare(l->self, f->sb.system_uuid)
				 ? "famfs logplay %s" : "famfs cp FILE %s",
				 f->h.dir);
	} else if (access(dev->path, F_OK)) {
		return;
	} else if (dev->block && !dax) {
		namespace_of(dev, ns, sizeof(ns));
		snprintf(f->use, sizeof(f->use),
			 "ndctl create-namespace -f -e %s --mode=fsdax", ns);
	} else if (dev->dax.mode == DAXMODE_RAM) {
		snprintf(f->use, sizeof(f->use),
			 "daxctl reconfigure-device --mode=devdax --force %s",
			 dev->dax.name);
	} else if (dev->dax.mode == DAXMODE_OTHER || !dax) {
		return;
	} else if (f->content == FAMFS) {
		use_famfs(l, f);
	} else if (dev->dax.mode == DAXMODE_NONE) {
		/* It has to have a driver first, and loses nothing by that */
		snprintf(f->use, sizeof(f->use), "famfs fsck -M %s", dev->path);
	} else if (f->content != UNKNOWN) {
		snprintf(f->use, sizeof(f->use), "mkfs.famfs%s%s %s",
			 f->content == OTHER ? " -f" : "",
			 dev->block || dev->dax.mode == DAXMODE_FAMFS ? ""
								      : " -M",
			 dev->path);
	}
}

/* --- output ----------------------------------------------------------------- */

static const char *mode_name(const struct device *dev)
{
	if (dev->block)
		return dev->block_dax ? "fsdax" : "block";
	switch (dev->dax.mode) {
	case DAXMODE_FAMFS:
		return "famfs";
	case DAXMODE_DEVDAX:
		return "devdax";
	case DAXMODE_RAM:
		return "system-ram";
	case DAXMODE_NONE:
		return "none";
	default:
		return dev->dax.driver;
	}
}

static bool is_master(const struct list *l, const struct found *f)
{
	return !uuid_compare(l->self, f->sb.system_uuid);
}

static void print_famfs(const struct list *l, const struct found *f)
{
	char text[UUID_STR_LEN];

	printf("  holds: famfs");
	if (f->have_sb) {
		uuid_unparse(f->sb.fs_uuid, text);
		printf(" %s", text);
	}
	if (f->have_sb || f->mounted)
		printf(", %s device", further(f) ? "further" : "first");
	if (f->have_sb && l->have_self)
		printf(", this host is %s",
		       is_master(l, f) ? "the master" : "a client");
	if (f->why[0])
		printf(", damaged: %s", f->why);
}

static void print_mounted(const struct found *f)
{
	if (f->mounted && f->h.dir[0])
		printf(", mounted on %s", quote(f->h.dir));
	else if (f->mounted)
		printf(", mounted where this process can't see it");
}

static void print_text(const struct list *l, const struct found *f)
{
	const struct device *dev = f->dev;
	char use[4 * sizeof(f->use) + 1];

	printf("%s: ", dev->path);
	if (l->human)
		printf("%s", human(dev->size));
	else
		printf("%" PRIu64 " bytes", dev->size);
	printf(", mode %s", mode_name(dev));
	if (dev->node >= 0)
		printf(", node %d", dev->node);
	printf("\n");
	switch (f->content) {
	case UNKNOWN:
		printf("  holds: unknown: %s", f->why);
		break;
	case NOTHING:
		printf("  holds: nothing known");
		break;
	case OTHER:
		printf("  holds: %s", quote(f->type));
		break;
	case FAMFS:
		print_famfs(l, f);
		break;
	}
	print_mounted(f);
	printf("\n");
	famfs_escape(use, sizeof(use), f->use);
	if (f->use[0])
		printf("  use:   %s\n", use);
	else if (unfit(dev))
		printf("  use:   this kernel can't carry famfs on a /dev/dax device\n");
}

static struct json_object *as_json(const struct list *l, const struct found *f)
{
	static const char * const content[] = {
		[UNKNOWN] = "unknown",
		[NOTHING] = "none",
		[FAMFS] = "famfs",
	};
	const struct device *dev = f->dev;
	struct json_object *o = json_new();

	json_add_string(o, dev->block ? "blockdev" : "chardev", dev->dax.name);
	json_add_string(o, "path", dev->path);
	json_add_size(o, "size", dev->size, l->human);
	if (dev->node >= 0)
		json_add_number(o, "target_node", dev->node);
	json_add_string(o, "mode", mode_name(dev));
	json_add_string(o, "content",
			f->content == OTHER ? f->type : content[f->content]);
	if (f->content == UNKNOWN)
		json_add_string(o, "reason", f->why);
	else if (f->why[0])
		json_add_string(o, "damage", f->why);
	if (f->have_sb)
		json_add_uuid(o, "uuid", f->sb.fs_uuid);
	if (f->content == FAMFS && (f->have_sb || f->mounted))
		json_add_string(o, "device", further(f) ? "further" : "first");
	if (f->have_sb && l->have_self)
		json_add_string(o, "role",
				is_master(l, f) ? "master" : "client");
	if (f->mounted)
		json_add_bool(o, "mounted", true);
	if (f->h.dir[0])
		json_add_string(o, "mountpoint", f->h.dir);
	json_add_bool(o, "supported", !unfit(dev));
	if (f->use[0])
		json_add_string(o, "use", f->use);
	return o;
}

/* --- the command ------------------------------------------------------------ */

static void show(const struct list *l, size_t i, struct json_object *all)
{
	struct found *f = look(l, i);

	use(l, f);
	if (all)
		json_append(all, as_json(l, f));
	else
		print_text(l, f);
}

static bool same_node(const struct device *dev, const char *path)
{
	struct stat a, b;

	if (!strcmp(dev->path, path))
		return true;
	return !stat(dev->path, &a) && !stat(path, &b) &&
	       a.st_rdev == b.st_rdev &&
	       (a.st_mode & S_IFMT) == (b.st_mode & S_IFMT);
}

static int show_named(const struct list *l, const char *path,
		      struct json_object *all)
{
	size_t i;

	for (i = 0; i < l->d.count; i++) {
		if (!same_node(&l->d.dev[i], path))
			continue;
		show(l, i, all);
		return 0;
	}
	famfs_err("%s: is no memory device of this machine; famfs devices shows those there are",
		  quote(path));
	return -ENODEV;
}

static int show_list(struct list *l, int count, char **name, bool json)
{
	struct json_object *all = json ? json_new_list() : NULL;
	int i, rc = 0;

	for (i = 0; i < count; i++) {
		if (show_named(l, name[i], all))
			rc = -ENODEV;
	}
	for (i = 0; !count && i < (int)l->d.count; i++)
		show(l, i, all);
	if (!count && !l->d.count && !json)
		printf("no dax and no pmem devices; see ndctl list -R, daxctl list -R\n");
	if (all && json_print(all))
		rc = -ENOMEM;
	return rc;
}

static int run(int argc, char **argv, bool dryrun)
{
	struct list l = { 0 };
	bool json = false;
	int ch, rc;

	(void)dryrun;	/* changes nothing anyway */
	while ((ch = options_next(argc, argv, &usage)) != OPTIONS_END) {
		switch (ch) {
		case OPTIONS_HELP:
			return 0;
		case OPTIONS_BAD:
			return 1;
		case 'h':
			l.human = true;
			break;
		case OPTION_JSON:
			json = true;
			break;
		}
	}
	rc = devices_scan(&l.d);
	if (rc) {
		famfs_err("can't list the devices of this machine: %s",
			  strerror(-rc));
		return 1;
	}
	l.have_self = !identity_get(l.self);
	l.found = calloc(l.d.count + 1, sizeof(*l.found));
	if (l.found) {
		rc = show_list(&l, argc - optind, argv + optind, json);
	} else {
		famfs_err("%s", strerror(ENOMEM));
		rc = -ENOMEM;
	}
	free(l.found);
	devices_free(&l.d);
	return rc ? 1 : 0;
}

const struct command cmd_devices = { "devices", &usage, run };
