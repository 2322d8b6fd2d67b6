/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of failures share: memory that goes bad on demand, devices
 * that go away and come back, and loads and stores that may be answered by
 * SIGBUS.
 *
 * Memory is made bad in three ways. MADV_HWPOISON and the kernel's injector
 * end in the same code as a machine check does. The list of bad blocks of a
 * pmem disk is what the driver knows, from its firmware or an earlier boot.
 * Each lasts until the device's driver is bound anew.
 */
#ifndef FAMFS_FAILURE_H
#define FAMFS_FAILURE_H

#include <signal.h>

#include "famfs_test.h"

/* What the last SIGBUS said, of the process that asks. */
extern volatile siginfo_t trapped;

/**
 * struct binding - how a device is bound to its driver
 * @name: what the driver's bus calls the device
 * @driver: directory of the driver in sysfs
 */
struct binding {
	char name[64];
	char driver[256];
};

/**
 * struct error_list - room for FAMFSIOC_GET_ERRORS
 * @head: the request
 * @error: the ranges
 */
struct error_list {
	struct famfs_errors head;
	struct famfs_error error[64];
};

const char *device_name(const char *dev);
int device_binding(const char *dev, struct binding *binding);
int device_unbind(const char *dev, struct binding *binding);
int device_bind(const struct binding *binding);
int device_rebind(const char *dev);
int device_badblocks(const char *dev, __u64 sector, __u64 count);

void catch_sigbus(void);
int touch(volatile unsigned char *at, bool write);
int load(const volatile __u64 *at, __u64 *value);
ssize_t first_wrong_page(unsigned char *at, size_t len, const __u64 *bad,
			 size_t nr_bad);
__u64 pfn_of(const volatile void *at);
int poison(unsigned char *at);
int inject_pfn(__u64 pfn);
int get_errors(int fd, struct error_list *list);

int fs_errors_watch(void);
int fs_error_of(int fan, const char *path);

int log_open(void);
bool logged(int log, const char *what);
int log_count(int log, const char *what);

#endif /* FAMFS_FAILURE_H */
