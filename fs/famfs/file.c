// SPDX-License-Identifier: GPL-2.0
/*
 * famfs data: read, write and mapped access to files, straight to the memory
 * of the devices.
 *
 * The dax layer does the work; what it needs to know is where a part of a file
 * lies, which famfs_iomap_begin() tells it from the inode's map. A map does
 * not change and an open file holds its inode, so nothing here locks against
 * the map. inode lock and invalidate_lock are held where the dax layer and
 * other readers of the page cache interfaces expect them.
 */
#include <linux/dax.h>
#include <linux/fiemap.h>
#include <linux/filelock.h>
#include <linux/iomap.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/uio.h>

#include "famfs.h"
#include "trace.h"

/*
 * Keep of a run what comes before the first bad page from @pos on. At a bad
 * page there is nothing to be had but for a write of all of it, which may
 * recover it.
 */
static int famfs_clip_to_good(const struct famfs_dev *dev, u64 pos, u64 length,
			      unsigned int flags, struct famfs_run *run)
{
	struct famfs_run rest = *run;
	u64 good;

	famfs_run_skip(&rest, pos);
	good = famfs_bad_next(dev, rest.offset, rest.len, NULL);
	if (good == rest.len)
		return 0;

	*run = rest;
	if (good) {
		run->len = good;
		return 0;
	}
	if (flags & IOMAP_FAULT)
		return -EHWPOISON;
	if (!(flags & IOMAP_WRITE) || !PAGE_ALIGNED(pos) ||
	    length < PAGE_SIZE || !famfs_bad_writable(dev, run->offset))
		return -EIO;
	/* The next page may be bad in another way */
	run->len = PAGE_SIZE;
	return 0;
}

static int famfs_iomap_begin(struct inode *inode, loff_t pos, loff_t length,
			     unsigned int flags, struct iomap *iomap,
			     struct iomap *srcmap)
{
	const struct famfs_map *map = famfs_inode_map(inode);
	const struct famfs_dev *dev;
	struct famfs_run run;
	int rc;

	if (!map || !famfs_map_resolve(map, pos, &run)) {
		/* Past the end: nothing is there, and nothing will be */
		if (flags & IOMAP_WRITE)
			return -EIO;
		iomap->type = IOMAP_HOLE;
		iomap->addr = IOMAP_NULL_ADDR;
		iomap->offset = pos;
		iomap->length = length;
		return 0;
	}

	dev = FAMFS_SB(inode->i_sb)->devs[run.devindex];
	if (flags & IOMAP_REPORT) {
		/* The chunks of a file may be more than anybody waits for */
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	} else {
		if (READ_ONCE(dev->dead))
			return -EIO;
		famfs_dev_clip(dev, pos, &run);
		rc = famfs_clip_to_good(dev, pos, length, flags, &run);
		if (rc)
			return rc;
	}
	trace_famfs_resolve(inode, pos, &run, flags);

	iomap->type = IOMAP_MAPPED;
	iomap->flags = 0;
	iomap->dax_dev = dev->dax_dev;
	iomap->addr = run.offset;
	/* Whoever asks for a report thinks of the partition, not of the disk */
	if (!(flags & IOMAP_REPORT))
		iomap->addr += dev->start;
	iomap->offset = run.pos;
	iomap->length = run.len;
	return 0;
}

static int famfs_iomap_end(struct inode *inode, loff_t pos, loff_t length,
			   ssize_t written, unsigned int flags,
			   struct iomap *iomap)
{
	const struct famfs_map *map = famfs_inode_map(inode);
	struct famfs_dev *dev;
	struct famfs_run run;
	u64 offset, end;

	if (!(flags & IOMAP_WRITE) || (flags & IOMAP_FAULT) || written <= 0 ||
	    !map || !famfs_map_resolve(map, pos, &run))
		return 0;

	/* Whole pages that were written over bad ones may be good now */
	dev = FAMFS_SB(inode->i_sb)->devs[run.devindex];
	end = round_down(pos + written, PAGE_SIZE);
	pos = round_up(pos, PAGE_SIZE);
	if (pos >= end)
		return 0;
	offset = run.offset + (pos - run.pos);
	if (famfs_bad_next(dev, offset, end - pos, NULL) < end - pos)
		famfs_bad_recovered(dev, offset, end - pos);
	return 0;
}

static const struct iomap_ops famfs_iomap_ops = {
	.iomap_begin	= famfs_iomap_begin,
	.iomap_end	= famfs_iomap_end,
};

/*
 * Read or write. What a driver has come to know since the mount, it says by
 * refusing the whole range: then what is good of it still is to be had.
 */
static ssize_t famfs_rw(struct kiocb *iocb, struct iov_iter *iter)
{
	struct inode *inode = file_inode(iocb->ki_filp);
	ssize_t rc;

	rc = dax_iomap_rw(iocb, iter, &famfs_iomap_ops);
	if ((rc == -EIO || rc == -EFAULT) &&
	    famfs_bad_learn(inode, iocb->ki_pos, iov_iter_count(iter)))
		rc = dax_iomap_rw(iocb, iter, &famfs_iomap_ops);
	return rc;
}

static ssize_t famfs_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct inode *inode = file_inode(iocb->ki_filp);
	ssize_t rc;

	if (!iov_iter_count(to))
		return 0;

	if (iocb->ki_flags & IOCB_NOWAIT) {
		if (!inode_trylock_shared(inode))
			return -EAGAIN;
	} else {
		inode_lock_shared(inode);
	}
	rc = famfs_rw(iocb, to);
	inode_unlock_shared(inode);

	file_accessed(iocb->ki_filp);
	return rc;
}

/* A file never grows: a write ends where the file does */
static ssize_t famfs_write_checks(struct kiocb *iocb, struct iov_iter *from)
{
	loff_t size = i_size_read(file_inode(iocb->ki_filp));
	ssize_t rc;

	rc = generic_write_checks(iocb, from);
	if (rc <= 0)
		return rc;
	if (iocb->ki_pos >= size)
		return -ENOSPC;
	iov_iter_truncate(from, size - iocb->ki_pos);

	rc = kiocb_modified(iocb);
	if (rc)
		return rc;
	return iov_iter_count(from);
}

/* Is the memory at @pos bad? */
static bool famfs_is_bad(struct inode *inode, u64 pos)
{
	const struct famfs_map *map = famfs_inode_map(inode);
	struct famfs_run run;

	if (!map || !famfs_map_resolve(map, pos, &run))
		return false;
	famfs_run_skip(&run, pos);
	return !famfs_bad_next(FAMFS_SB(inode->i_sb)->devs[run.devindex],
			       run.offset, PAGE_SIZE, NULL);
}

static ssize_t famfs_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct inode *inode = file_inode(iocb->ki_filp);
	ssize_t rc;

	if (!famfs_may(inode->i_sb, FAMFS_OPT_WRITE))
		return -EPERM;

	if (iocb->ki_flags & IOCB_NOWAIT) {
		if (!inode_trylock(inode))
			return -EAGAIN;
	} else {
		inode_lock(inode);
	}
	rc = famfs_write_checks(iocb, from);
	if (rc > 0)
		rc = famfs_rw(iocb, from);
	/* Memory that could not be recovered looks like a bad buffer */
	if (rc == -EFAULT && famfs_is_bad(inode, iocb->ki_pos))
		rc = -EIO;
	inode_unlock(inode);

	if (rc > 0)
		rc = generic_write_sync(iocb, rc);
	return rc;
}

static void famfs_count_fault(const struct super_block *sb, unsigned int order,
			      vm_fault_t ret)
{
	struct famfs_stats __percpu *stats = FAMFS_SB(sb)->stats;

	if (ret & (VM_FAULT_ERROR | VM_FAULT_FALLBACK | VM_FAULT_RETRY))
		return;
	if (order)
		this_cpu_inc(stats->pmd_faults);
	else
		this_cpu_inc(stats->pte_faults);
}

static vm_fault_t famfs_huge_fault(struct vm_fault *vmf, unsigned int order)
{
	struct vm_area_struct *vma = vmf->vma;
	struct inode *inode = file_inode(vma->vm_file);
	bool write = (vmf->flags & FAULT_FLAG_WRITE) &&
		     (vma->vm_flags & VM_SHARED);
	vm_fault_t ret;

	if (write) {
		sb_start_pagefault(inode->i_sb);
		file_update_time(vma->vm_file);
	}
	filemap_invalidate_lock_shared(inode->i_mapping);
	/*
	 * No mapping here is dirty metadata, so no fault waits for an fsync
	 * and there is no pfn to be handed back for that.
	 */
	ret = dax_iomap_fault(vmf, order, NULL, NULL, &famfs_iomap_ops);
	filemap_invalidate_unlock_shared(inode->i_mapping);
	if (write)
		sb_end_pagefault(inode->i_sb);

	famfs_count_fault(inode->i_sb, order, ret);
	trace_famfs_fault(inode, (u64)vmf->pgoff << PAGE_SHIFT, order, write,
			  ret);
	return ret;
}

static vm_fault_t famfs_fault(struct vm_fault *vmf)
{
	return famfs_huge_fault(vmf, 0);
}

/* Writing may have been forbidden since the mapping was made */
static int famfs_mprotect(struct vm_area_struct *vma, unsigned long start,
			  unsigned long end, unsigned long newflags)
{
	if ((newflags & VM_WRITE) && !(vma->vm_flags & VM_WRITE) &&
	    (vma->vm_flags & VM_SHARED) &&
	    !famfs_may(file_inode(vma->vm_file)->i_sb, FAMFS_OPT_WRITE))
		return -EPERM;
	return 0;
}

static const struct vm_operations_struct famfs_vm_ops = {
	.fault		= famfs_fault,
	.huge_fault	= famfs_huge_fault,
	.page_mkwrite	= famfs_fault,
	.pfn_mkwrite	= famfs_fault,
	.mprotect	= famfs_mprotect,
};

/* Is a store durable once it has left the cache, on every device? */
static bool famfs_synchronous(const struct famfs_sb_info *sbi)
{
	const struct famfs_dev *dev;

	famfs_for_each_device(sbi, dev)
		if (!dax_synchronous(dev->dax_dev))
			return false;
	return true;
}

static int famfs_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct inode *inode = file_inode(file);

	if (!famfs_inode_map(inode))
		return -ENXIO;
	if ((vma->vm_flags & VM_SYNC) &&
	    !famfs_synchronous(FAMFS_SB(inode->i_sb)))
		return -EOPNOTSUPP;
	if ((vma->vm_flags & VM_SHARED) &&
	    !famfs_may(inode->i_sb, FAMFS_OPT_WRITE)) {
		if (vma->vm_flags & VM_WRITE)
			return -EPERM;
		/* Nor may mprotect(2) make it writable later */
		vm_flags_clear(vma, VM_MAYWRITE);
	}

	file_accessed(file);
	vma->vm_ops = &famfs_vm_ops;
	vm_flags_set(vma, VM_HUGEPAGE);
	return 0;
}

static int famfs_open(struct inode *inode, struct file *file)
{
	/* Every access is direct, and none of them waits for a device */
	file->f_mode |= FMODE_NOWAIT | FMODE_CAN_ODIRECT;
	return generic_file_open(inode, file);
}

/**
 * famfs_fiemap - ->fiemap of files
 * @inode: the file
 * @info: where extents go
 * @start: offset in the file
 * @len: bytes
 *
 * Physical addresses are offsets on the device; which device, the map tells.
 *
 * Return: 0 or -errno.
 */
int famfs_fiemap(struct inode *inode, struct fiemap_extent_info *info,
		 u64 start, u64 len)
{
	/* A map does not change: nothing to lock */
	return iomap_fiemap(inode, info, start, len, &famfs_iomap_ops);
}

const struct address_space_operations famfs_aops = {
	.writepages	= famfs_writepages,
	.dirty_folio	= noop_dirty_folio,
};

const struct file_operations famfs_file_operations = {
	.owner			= THIS_MODULE,
	.fop_flags		= FOP_MMAP_SYNC | FOP_BUFFER_RASYNC |
				  FOP_BUFFER_WASYNC,
	.open			= famfs_open,
	.llseek			= generic_file_llseek,
	.read_iter		= famfs_read_iter,
	.write_iter		= famfs_write_iter,
	.mmap			= famfs_mmap,
	.get_unmapped_area	= thp_get_unmapped_area,
	.fsync			= famfs_fsync,
	.fadvise		= famfs_fadvise,
	.splice_read		= copy_splice_read,
	.splice_write		= iter_file_splice_write,
	.setlease		= generic_setlease,
	.unlocked_ioctl		= famfs_ioctl,
	.compat_ioctl		= compat_ptr_ioctl,
};
