/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * famfs: the ioctls of a shared-memory file system, and the file map
 * message that they carry.
 *
 * All integers are in the byte order of the machine. All offsets, lengths
 * and sizes are in bytes.
 */
#ifndef _UAPI_LINUX_FAMFS_IOCTL_H
#define _UAPI_LINUX_FAMFS_IOCTL_H

#include <linux/const.h>
#include <linux/ioctl.h>
#include <linux/types.h>

/* Version of this interface, as in /sys/module/famfs/parameters/kabi_version */
#define FAMFS_KABI_VERSION	44

/* f_type in statfs(2), and the magic number of the superblock on the medium */
#define FAMFS_SUPER_MAGIC	0x87b282ff

/* Indices of the dax devices of a mount run from 0 (the one mounted) to 63 */
#define FAMFS_MAX_DAXDEVS	64

/*
 * The file map message: a header, directly followed by the extent records.
 *
 * Offsets, lengths and chunk sizes are multiples of the page size; where they
 * are multiples of 2 MiB too, the file is mapped with 2 MiB pages. The extents
 * together must cover at least @file_size bytes.
 */
#define FAMFS_FMAP_VERSION	1

enum famfs_file_type {
	FAMFS_FILE_REG		= 0,
	FAMFS_FILE_SUPERBLOCK	= 1,	/* the only one to map offset 0 */
	FAMFS_FILE_LOG		= 2,
};

enum famfs_ext_type {
	FAMFS_EXT_SIMPLE	= 0,
	FAMFS_EXT_INTERLEAVE	= 1,
};

/**
 * struct famfs_fmap_header - what every file map message starts with
 * @file_type: enum famfs_file_type
 * @reserved: 0
 * @fmap_version: FAMFS_FMAP_VERSION
 * @ext_type: enum famfs_ext_type; the kind of all records that follow
 * @nextents: number of extent records that follow, 1 or more
 * @fmap_size: length of the message: this header and all records, exactly
 * @file_size: size of the file
 * @reserved1: 0
 */
struct famfs_fmap_header {
	__u8	file_type;
	__u8	reserved;
	__u16	fmap_version;
	__u32	ext_type;
	__u32	nextents;
	__u32	fmap_size;
	__u64	file_size;
	__u64	reserved1;
};

/**
 * struct famfs_fmap_simple - a range of one device
 * @devindex: the device
 * @reserved: 0
 * @offset: first byte on the device
 * @len: number of bytes
 */
struct famfs_fmap_simple {
	__u32	devindex;
	__u32	reserved;
	__u64	offset;
	__u64	len;
};

/**
 * struct famfs_fmap_interleave - a part of a file that is striped over ranges
 * @nstrips: number of struct famfs_fmap_simple, the strips, that follow
 * @chunk_size: bytes that lie together on a strip: chunk c of the extent is
 *	at byte (c / @nstrips) * @chunk_size of strip c % @nstrips
 * @nbytes: bytes of the file that the extent maps
 * @reserved: 0
 */
struct famfs_fmap_interleave {
	__u32	nstrips;
	__u32	chunk_size;
	__u64	nbytes;
	__u64	reserved;
};

/**
 * struct famfs_daxdev - a further dax device for a mount
 * @daxdev_index: the index that extents will name it by
 * @path: pointer to the path of the device node
 * @pathlen: length of the path, without a terminating NUL
 * @flags: 0
 */
struct famfs_daxdev {
	__u64	daxdev_index;
	__u64	path;
	__u32	pathlen;
	__u32	flags;
};

/**
 * struct famfs_error - a range of a file whose memory is bad
 * @pos: first byte in the file
 * @len: number of bytes
 * @devindex: the device
 * @reserved: 0
 * @offset: first byte on the device
 */
struct famfs_error {
	__u64	pos;
	__u64	len;
	__u32	devindex;
	__u32	reserved;
	__u64	offset;
};

/**
 * struct famfs_errors - a request for the bad ranges of a file
 * @start: offset in the file from which on they are wanted
 * @nr: on entry, how many there is room for; on return, how many there are.
 *	Where all the room was used, more may follow: ask again from the end of
 *	the last one on.
 * @reserved: 0
 * @errors: returns the ranges, in file order
 */
struct famfs_errors {
	__u64			start;
	__u32			nr;
	__u32			reserved;
	struct famfs_error	errors[];
};

/*
 * What a mount lets be done to it. The operation of a bit that is clear
 * fails with EPERM.
 */
#define FAMFS_OPT_CREATE	_BITULL(0)
#define FAMFS_OPT_MKDIR		_BITULL(1)
#define FAMFS_OPT_MKNOD		_BITULL(2)
#define FAMFS_OPT_SYMLINK	_BITULL(3)
#define FAMFS_OPT_LINK		_BITULL(4)
#define FAMFS_OPT_UNLINK	_BITULL(5)	/* of a file that has a map */
#define FAMFS_OPT_RMDIR		_BITULL(6)
#define FAMFS_OPT_RENAME	_BITULL(7)
#define FAMFS_OPT_CHMOD		_BITULL(8)
#define FAMFS_OPT_CHOWN		_BITULL(9)
#define FAMFS_OPT_TRUNCATE	_BITULL(10)	/* reserved: a map never changes */
#define FAMFS_OPT_UTIMES	_BITULL(11)
#define FAMFS_OPT_WRITE		_BITULL(12)
#define FAMFS_OPT_XATTR		_BITULL(13)	/* reserved */
#define FAMFS_OPT_MAP_CREATE	_BITULL(14)

#define FAMFS_OPTS_ALL		(_BITULL(15) - 1)
#define FAMFS_OPTS_DEFAULT	(FAMFS_OPT_CREATE | FAMFS_OPT_MKDIR | \
				 FAMFS_OPT_CHMOD | FAMFS_OPT_CHOWN | \
				 FAMFS_OPT_UTIMES | FAMFS_OPT_WRITE | \
				 FAMFS_OPT_MAP_CREATE)

#define FAMFS_IOC_MAGIC		'u'

/* Succeeds on every file of a famfs mount */
#define FAMFSIOC_NOP		_IO(FAMFS_IOC_MAGIC, 0x50)
/* Give an empty regular file its map */
#define FAMFSIOC_MAP_CREATE	_IOW(FAMFS_IOC_MAGIC, 0x51, \
				     struct famfs_fmap_header)
/* Register a further dax device */
#define FAMFSIOC_DAXDEV_OPEN	_IOW(FAMFS_IOC_MAGIC, 0x52, struct famfs_daxdev)
/* Read, set and clear FAMFS_OPT_ bits; the last two return the result */
#define FAMFSIOC_GET_OPTS	_IOR(FAMFS_IOC_MAGIC, 0x53, __u64)
#define FAMFSIOC_SET_OPTS	_IOWR(FAMFS_IOC_MAGIC, 0x54, __u64)
#define FAMFSIOC_CLEAR_OPTS	_IOWR(FAMFS_IOC_MAGIC, 0x55, __u64)
/*
 * Read the map of a file. On entry @fmap_size of the header is the length of
 * the buffer. Where that is too small, only the header is returned, with the
 * length that is needed, and the call fails with EMSGSIZE. A file without a
 * map: ENODATA.
 */
#define FAMFSIOC_MAP_GET	_IOWR(FAMFS_IOC_MAGIC, 0x58, \
				      struct famfs_fmap_header)

/* List the ranges of a file whose memory is bad */
#define FAMFSIOC_GET_ERRORS	_IOWR(FAMFS_IOC_MAGIC, 0x59, \
				      struct famfs_errors)

#endif /* _UAPI_LINUX_FAMFS_IOCTL_H */
