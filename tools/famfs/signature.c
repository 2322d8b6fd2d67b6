// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Recognising what others have put on a device: file systems, swap space,
 * volumes, partition tables. libblkid knows them, and reads them through the
 * file of the superblock, which shows the first 2 MiB of the device: there all
 * but a few kinds have their mark.
 */
#include "signature.h"

#include <blkid/blkid.h>
#include <errno.h>
#include <stdio.h>

/**
 * signature_find() - look for the mark of a file system or the like
 * @fd: a regular file that shows the start of the device, open for reading
 * @type: gets the name of what is there
 *
 * Return: 1 where there is something, 0 where nothing is known, or a negative
 * error number
 */
int signature_find(int fd, char type[SIGNATURE_SIZE])
{
	const char *name;
	blkid_probe pr;
	int rc;

	pr = blkid_new_probe();
	if (!pr)
		return -ENOMEM;
	errno = 0;
	if (blkid_probe_set_device(pr, fd, 0, 0) ||
	    blkid_probe_enable_superblocks(pr, 1) ||
	    blkid_probe_set_superblocks_flags(pr, BLKID_SUBLKS_TYPE) ||
	    blkid_probe_enable_partitions(pr, 1)) {
		rc = errno ? -errno : -EIO;
		goto out;
	}
	rc = blkid_do_fullprobe(pr);
	if (rc < 0) {
		rc = errno ? -errno : -EIO;
	} else if (rc) {
		rc = 0;
	} else {
		rc = 1;
		if (!blkid_probe_lookup_value(pr, "TYPE", &name, NULL))
			snprintf(type, SIGNATURE_SIZE, "%s", name);
		else if (!blkid_probe_lookup_value(pr, "PTTYPE", &name, NULL))
			snprintf(type, SIGNATURE_SIZE, "%s partition table",
				 name);
		else
			snprintf(type, SIGNATURE_SIZE, "unknown");
	}
out:
	blkid_free_probe(pr);
	return rc;
}
