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
#include <linux/iomap.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/uio.h>
#include <linux/writeback.h>

#include "famfs.h"

/* Of a run that crosses pieces of device memory, keep the one with @pos */
static void famfs_clip_run(const struct famfs_dev *dev, u64 pos,
			   struct famfs_run *run)
{
	u64 skip, contig;

	if (dev->nr_segs == 1)
		return;

	contig = famfs_dev_contig(dev, run->offset);
	if (contig >= run->len)
		return;

	skip = round_down(pos - run->pos, PAGE_SIZE);
	run->pos += skip;
	run->offset += skip;
	run->len = min(run->len - skip, famfs_dev_contig(dev, run->offset));
}

static int famfs_iomap_begin(struct inode *inode, loff_t pos, loff_t length,
			     unsigned int flags, struct iomap *iomap,
			     struct iomap *srcmap)
{
	const struct famfs_map *map = famfs_inode_map(inode);
	const struct famfs_dev *dev;
	struct famfs_run run;

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
	famfs_clip_run(dev, pos, &run);

	iomap->type = IOMAP_MAPPED;
	iomap->flags = 0;
	iomap->dax_dev = dev->dax_dev;
	iomap->addr = run.offset;
	iomap->offset = run.pos;
	iomap->length = run.len;
	return 0;
}

static const struct iomap_ops famfs_iomap_ops = {
	.iomap_begin	= famfs_iomap_begin,
};

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
	rc = dax_iomap_rw(iocb, to, &famfs_iomap_ops);
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

static ssize_t famfs_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct inode *inode = file_inode(iocb->ki_filp);
	ssize_t rc;

	if (!famfs_opt(inode->i_sb, FAMFS_OPT_WRITE))
		return -EPERM;

	if (iocb->ki_flags & IOCB_NOWAIT) {
		if (!inode_trylock(inode))
			return -EAGAIN;
	} else {
		inode_lock(inode);
	}
	rc = famfs_write_checks(iocb, from);
	if (rc > 0)
		rc = dax_iomap_rw(iocb, from, &famfs_iomap_ops);
	inode_unlock(inode);

	if (rc > 0)
		rc = generic_write_sync(iocb, rc);
	return rc;
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
	return ret;
}

static vm_fault_t famfs_fault(struct vm_fault *vmf)
{
	return famfs_huge_fault(vmf, 0);
}

static const struct vm_operations_struct famfs_vm_ops = {
	.fault		= famfs_fault,
	.huge_fault	= famfs_huge_fault,
	.page_mkwrite	= famfs_fault,
	.pfn_mkwrite	= famfs_fault,
};

static int famfs_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct inode *inode = file_inode(file);
	struct famfs_sb_info *sbi = FAMFS_SB(inode->i_sb);

	if (!famfs_inode_map(inode))
		return -ENXIO;
	if ((vma->vm_flags & VM_SYNC) &&
	    !dax_synchronous(sbi->devs[0]->dax_dev))
		return -EOPNOTSUPP;
	if ((vma->vm_flags & VM_SHARED) &&
	    !famfs_opt(inode->i_sb, FAMFS_OPT_WRITE)) {
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

static int famfs_fsync(struct file *file, loff_t start, loff_t end,
		       int datasync)
{
	return file_write_and_wait_range(file, start, end);
}

/* Write the processor's cache back to the memory */
static int famfs_writepages(struct address_space *mapping,
			    struct writeback_control *wbc)
{
	struct famfs_sb_info *sbi = FAMFS_SB(mapping->host->i_sb);

	return dax_writeback_mapping_range(mapping, sbi->devs[0]->dax_dev, wbc);
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
	.splice_read		= copy_splice_read,
	.splice_write		= iter_file_splice_write,
	.unlocked_ioctl		= famfs_ioctl,
	.compat_ioctl		= compat_ptr_ioctl,
};
