/* SPDX-License-Identifier: GPL-2.0 */
/*
 * famfs tracepoints: creation of maps, resolution, faults and failures.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM famfs

#if !defined(_FAMFS_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _FAMFS_TRACE_H

#include <linux/fs.h>
#include <linux/tracepoint.h>

#include "map.h"

TRACE_EVENT(famfs_map_create,
	TP_PROTO(const struct inode *inode, const struct famfs_map *map),
	TP_ARGS(inode, map),
	TP_STRUCT__entry(
		__field(dev_t, dev)
		__field(u64, ino)
		__field(u64, size)
		__field(u64, nbytes)
		__field(u32, nr)
		__field(u32, nr_strips)
		__field(u32, file_type)
	),
	TP_fast_assign(
		__entry->dev = inode->i_sb->s_dev;
		__entry->ino = inode->i_ino;
		__entry->size = map->size;
		__entry->nbytes = map->nbytes;
		__entry->nr = map->nr;
		__entry->nr_strips = map->nr_strips;
		__entry->file_type = map->file_type;
	),
	TP_printk("dev %d:%d ino %llu type %u size %llu takes %llu extents %u strips %u",
		  MAJOR(__entry->dev), MINOR(__entry->dev), __entry->ino,
		  __entry->file_type, __entry->size, __entry->nbytes,
		  __entry->nr, __entry->nr_strips)
);

TRACE_EVENT(famfs_resolve,
	TP_PROTO(const struct inode *inode, u64 pos,
		 const struct famfs_run *run, unsigned int flags),
	TP_ARGS(inode, pos, run, flags),
	TP_STRUCT__entry(
		__field(dev_t, dev)
		__field(u64, ino)
		__field(u64, pos)
		__field(u64, run_pos)
		__field(u64, run_len)
		__field(u64, offset)
		__field(u32, devindex)
		__field(unsigned int, flags)
	),
	TP_fast_assign(
		__entry->dev = inode->i_sb->s_dev;
		__entry->ino = inode->i_ino;
		__entry->pos = pos;
		__entry->run_pos = run->pos;
		__entry->run_len = run->len;
		__entry->offset = run->offset;
		__entry->devindex = run->devindex;
		__entry->flags = flags;
	),
	TP_printk("dev %d:%d ino %llu pos %#llx flags %#x: %#llx length %#llx at %#llx of device %u",
		  MAJOR(__entry->dev), MINOR(__entry->dev), __entry->ino,
		  __entry->pos, __entry->flags, __entry->run_pos,
		  __entry->run_len, __entry->offset, __entry->devindex)
);

TRACE_EVENT(famfs_fault,
	TP_PROTO(const struct inode *inode, u64 pos, unsigned int order,
		 bool write, vm_fault_t result),
	TP_ARGS(inode, pos, order, write, result),
	TP_STRUCT__entry(
		__field(dev_t, dev)
		__field(u64, ino)
		__field(u64, pos)
		__field(unsigned int, order)
		__field(bool, write)
		__field(unsigned int, result)
	),
	TP_fast_assign(
		__entry->dev = inode->i_sb->s_dev;
		__entry->ino = inode->i_ino;
		__entry->pos = pos;
		__entry->order = order;
		__entry->write = write;
		__entry->result = (__force unsigned int)result;
	),
	TP_printk("dev %d:%d ino %llu pos %#llx order %u %s result %#x",
		  MAJOR(__entry->dev), MINOR(__entry->dev), __entry->ino,
		  __entry->pos, __entry->order,
		  __entry->write ? "write" : "read", __entry->result)
);

TRACE_EVENT(famfs_failure,
	TP_PROTO(const struct inode *inode, const char *name, u64 offset,
		 u64 pos, u64 len),
	TP_ARGS(inode, name, offset, pos, len),
	TP_STRUCT__entry(
		__field(dev_t, dev)
		__field(u64, ino)
		__string(name, name)
		__field(u64, offset)
		__field(u64, pos)
		__field(u64, len)
	),
	TP_fast_assign(
		__entry->dev = inode->i_sb->s_dev;
		__entry->ino = inode->i_ino;
		__assign_str(name);
		__entry->offset = offset;
		__entry->pos = pos;
		__entry->len = len;
	),
	TP_printk("dev %d:%d ino %llu pos %#llx length %#llx at %#llx of %s",
		  MAJOR(__entry->dev), MINOR(__entry->dev), __entry->ino,
		  __entry->pos, __entry->len, __entry->offset,
		  __get_str(name))
);

#endif /* _FAMFS_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
