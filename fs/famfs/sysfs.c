// SPDX-License-Identifier: GPL-2.0
/*
 * famfs in /sys/fs/famfs: a directory for each mount, named after its first
 * device, that tells what the mount has and what has happened on it.
 *
 * The directory's kobject lies in famfs_sb_info, which goes only when nobody
 * reads an attribute any more: famfs_sysfs_remove() waits for that.
 */
#include <linux/kobject.h>
#include <linux/sysfs.h>

#include "famfs.h"

static struct kset *famfs_kset;

/**
 * struct famfs_attr - a file in the directory of a mount
 * @attr: its name and mode
 * @show: writes its contents to the buffer of a page; returns their length
 */
struct famfs_attr {
	struct attribute	attr;
	ssize_t			(*show)(struct famfs_sb_info *sbi, char *buf);
};

static ssize_t devices_show(struct famfs_sb_info *sbi, char *buf)
{
	const struct famfs_dev *dev;
	int len = 0;

	famfs_for_each_device(sbi, dev)
		len += sysfs_emit_at(buf, len, "%u %s %llu%s\n", dev->index,
				     dev->name, dev->size,
				     READ_ONCE(dev->dead) ? " gone" : "");
	return len;
}

static ssize_t files_show(struct famfs_sb_info *sbi, char *buf)
{
	return sysfs_emit(buf, "%llu\n", READ_ONCE(sbi->nr_files));
}

static ssize_t mapped_bytes_show(struct famfs_sb_info *sbi, char *buf)
{
	return sysfs_emit(buf, "%llu\n", famfs_used(sbi));
}

/* The sum over all processors of a counter in struct famfs_stats */
static ssize_t famfs_emit_sum(struct famfs_sb_info *sbi, char *buf,
			      size_t counter)
{
	u64 sum = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		sum += READ_ONCE(*(u64 *)((void *)per_cpu_ptr(sbi->stats, cpu) +
					  counter));
	return sysfs_emit(buf, "%llu\n", sum);
}

static ssize_t pte_faults_show(struct famfs_sb_info *sbi, char *buf)
{
	return famfs_emit_sum(sbi, buf,
			      offsetof(struct famfs_stats, pte_faults));
}

static ssize_t pmd_faults_show(struct famfs_sb_info *sbi, char *buf)
{
	return famfs_emit_sum(sbi, buf,
			      offsetof(struct famfs_stats, pmd_faults));
}

static ssize_t errors_show(struct famfs_sb_info *sbi, char *buf)
{
	return sysfs_emit(buf, "%lld\n", atomic64_read(&sbi->nr_errors));
}

static struct famfs_attr famfs_attr_devices = __ATTR_RO(devices);
static struct famfs_attr famfs_attr_files = __ATTR_RO(files);
static struct famfs_attr famfs_attr_mapped_bytes = __ATTR_RO(mapped_bytes);
static struct famfs_attr famfs_attr_pte_faults = __ATTR_RO(pte_faults);
static struct famfs_attr famfs_attr_pmd_faults = __ATTR_RO(pmd_faults);
static struct famfs_attr famfs_attr_errors = __ATTR_RO(errors);

static struct attribute *famfs_attrs[] = {
	&famfs_attr_devices.attr,
	&famfs_attr_files.attr,
	&famfs_attr_mapped_bytes.attr,
	&famfs_attr_pte_faults.attr,
	&famfs_attr_pmd_faults.attr,
	&famfs_attr_errors.attr,
	NULL
};
ATTRIBUTE_GROUPS(famfs);

static struct famfs_sb_info *famfs_from_kobj(struct kobject *kobj)
{
	return container_of(kobj, struct famfs_sb_info, kobj);
}

static ssize_t famfs_attr_show(struct kobject *kobj, struct attribute *attr,
			       char *buf)
{
	struct famfs_attr *a = container_of(attr, struct famfs_attr, attr);

	return a->show(famfs_from_kobj(kobj), buf);
}

static void famfs_kobj_release(struct kobject *kobj)
{
	complete(&famfs_from_kobj(kobj)->kobj_gone);
}

static const struct sysfs_ops famfs_sysfs_ops = {
	.show	= famfs_attr_show,
};

static const struct kobj_type famfs_ktype = {
	.default_groups	= famfs_groups,
	.sysfs_ops	= &famfs_sysfs_ops,
	.release	= famfs_kobj_release,
};

/**
 * famfs_sysfs_init - make /sys/fs/famfs
 *
 * Return: 0 or -ENOMEM.
 */
int __init famfs_sysfs_init(void)
{
	famfs_kset = kset_create_and_add("famfs", NULL, fs_kobj);
	return famfs_kset ? 0 : -ENOMEM;
}

/**
 * famfs_sysfs_exit - remove it, when no mount is left
 */
void famfs_sysfs_exit(void)
{
	kset_unregister(famfs_kset);
}

/* Take the directory of a mount out of sight; waits for readers */
static void famfs_sysfs_hide(struct famfs_sb_info *sbi)
{
	guard(mutex)(&sbi->sysfs_lock);

	if (sbi->kobj.state_in_sysfs)
		kobject_del(&sbi->kobj);
}

/*
 * A device that went away may be back, and be mounted again while the mount
 * that lost it still is there: which has to give up the name then.
 */
static void famfs_sysfs_take_name(const char *name)
{
	struct kobject *kobj = kset_find_obj(famfs_kset, name);

	if (!kobj)
		return;
	famfs_sysfs_hide(famfs_from_kobj(kobj));
	kobject_put(kobj);
}

/**
 * famfs_sysfs_add - make the directory of a mount
 * @sb: the super block, which holds its first device
 *
 * Context: may sleep. Call famfs_sysfs_remove(), even if this fails.
 * Return: 0 or -errno.
 */
int famfs_sysfs_add(struct super_block *sb)
{
	struct famfs_sb_info *sbi = FAMFS_SB(sb);

	famfs_sysfs_take_name(sbi->devs[0]->name);

	guard(mutex)(&sbi->sysfs_lock);

	init_completion(&sbi->kobj_gone);
	sbi->kobj.kset = famfs_kset;
	return kobject_init_and_add(&sbi->kobj, &famfs_ktype, NULL, "%s",
				    sbi->devs[0]->name);
}

/**
 * famfs_sysfs_remove - remove the directory of a mount
 * @sb: the super block
 *
 * Context: may sleep, and waits for readers of an attribute.
 */
void famfs_sysfs_remove(struct super_block *sb)
{
	struct famfs_sb_info *sbi = FAMFS_SB(sb);

	if (!sbi->kobj.state_initialized)
		return;
	famfs_sysfs_hide(sbi);
	kobject_put(&sbi->kobj);
	wait_for_completion(&sbi->kobj_gone);
}
