// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The identity of this host: what stands in /opt/famfs/system_uuid where that
 * file exists, so that a host keeps the role it had; else a uuid derived from
 * /etc/machine-id, which itself is confidential and must not get out into
 * memory that others read. The derivation has to stay as it is for ever: a host
 * whose identity changed would no longer be the master of its file systems.
 */
#include "identity.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <uuid/uuid.h>

#include "util.h"

/* Our own name space for name-based uuids */
static const uuid_t namespace = {
	0x5e, 0x0b, 0x1f, 0x5c, 0x8f, 0x3a, 0x4d, 0x0e,
	0x9a, 0x6d, 0x41, 0x2b, 0x77, 0xc9, 0xe0, 0x63,
};

/* First line of a file without its newline and trailing blanks */
static int first_line(const char *path, char *line, size_t size)
{
	FILE *f = fopen(path, "re");
	size_t n;

	if (!f)
		return -errno;
	if (!fgets(line, size, f)) {
		int rc = ferror(f) ? -errno : -ENODATA;

		fclose(f);
		return rc ? rc : -EIO;
	}
	fclose(f);
	n = strcspn(line, "\r\n");
	while (n && (line[n - 1] == ' ' || line[n - 1] == '\t'))
		n--;
	line[n] = '\0';
	return 0;
}

/**
 * identity_from() - work out a host's identity
 * @file: a file with the uuid as text, which decides if it exists
 * @machine_id: a file with a machine-id(5), used if @file does not
 * @uuid: where the identity goes
 *
 * Return: 0, or a negative error number after a message
 */
int identity_from(const char *file, const char *machine_id, uint8_t uuid[16])
{
	char line[128];
	int rc;

	rc = first_line(file, line, sizeof(line));
	if (!rc) {
		if (!uuid_parse(line, uuid) && !uuid_is_null(uuid))
			return 0;
		famfs_err("%s: does not hold a uuid; write this host's uuid there (see uuidgen(1)), or remove the file if the host never had a role",
			  file);
		return -EINVAL;
	}
	if (rc != -ENOENT && rc != -ENOTDIR) {
		famfs_err("%s: %s; it says who this host is and has to be readable",
			  file, strerror(-rc));
		return rc;
	}

	rc = first_line(machine_id, line, sizeof(line));
	if (!rc && strlen(line) == 32 &&
	    strspn(line, "0123456789abcdef") == 32) {
		uuid_generate_sha1(uuid, namespace, line, 32);
		return 0;
	}
	famfs_err("this host has no identity: %s is missing, %s: %s; run systemd-machine-id-setup, or write a uuid (see uuidgen(1)) to %s",
		  file, machine_id,
		  rc && rc != -ENODATA ? strerror(-rc) : "holds no machine id",
		  file);
	return rc ? rc : -EINVAL;
}

/**
 * identity_get() - this host's identity
 * @uuid: where it goes
 *
 * Return: 0, or a negative error number after a message
 */
int identity_get(uint8_t uuid[16])
{
	return identity_from(IDENTITY_FILE, IDENTITY_MACHINE_ID, uuid);
}
