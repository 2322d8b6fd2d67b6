// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the tests of failures share; see famfs_failure.h.
 */
#include <libgen.h>
#include <limits.h>
#include <setjmp.h>
#include <sys/fanotify.h>

#include "famfs_failure.h"

#define INJECTOR	"/sys/kernel/debug/hwpoison/corrupt-pfn"

volatile siginfo_t trapped;
static sigjmp_buf escape;
static volatile sig_atomic_t armed;
static unsigned long touched;	/* page that touch() is at */

/**
 * device_name() - the kernel's name of a device
 * @dev: path of the device
 *
 * Return: the name.
 */
const char *device_name(const char *dev)
{
	return strrchr(dev, '/') + 1;
}

/* The last part of what a symbolic link leads to. */
static int link_name(const char *path, char *name, size_t size)
{
	char target[512];
	ssize_t len = readlink(path, target, sizeof(target) - 1);

	if (len < 0)
		return -errno;
	target[len] = '\0';
	if ((size_t)snprintf(name, size, "%s", basename(target)) >= size)
		return -ENAMETOOLONG;
	return 0;
}

/**
 * device_binding() - how a device is bound
 * @dev: path of the device
 * @binding: where that goes
 *
 * Return: 0 or -errno.
 */
int device_binding(const char *dev, struct binding *binding)
{
	const char *name = device_name(dev);
	char path[320], real[PATH_MAX];
	int rc;

	if (is_block(dev)) {
		snprintf(path, sizeof(path), "/sys/block/%s/device", name);
		rc = link_name(path, binding->name, sizeof(binding->name));
		if (rc)
			return rc;
		strncat(path, "/driver", sizeof(path) - strlen(path) - 1);
	} else {
		snprintf(binding->name, sizeof(binding->name), "%s", name);
		snprintf(path, sizeof(path), "/sys/bus/dax/devices/%s/driver",
			 name);
	}
	if (!realpath(path, real))
		return -errno;
	if ((size_t)snprintf(binding->driver, sizeof(binding->driver), "%s",
			     real) >= sizeof(binding->driver))
		return -ENAMETOOLONG;
	return 0;
}

/**
 * device_unbind() - take a device away from its driver
 * @dev: path of the device
 * @binding: what device_bind() needs
 *
 * Return: 0 or -errno.
 */
int device_unbind(const char *dev, struct binding *binding)
{
	char path[320];
	int rc;

	rc = device_binding(dev, binding);
	if (rc)
		return rc;
	snprintf(path, sizeof(path), "%s/unbind", binding->driver);
	return write_text(path, binding->name);
}

/**
 * device_bind() - give a device back to the driver it had
 * @binding: from device_unbind()
 *
 * Return: 0 or -errno.
 */
int device_bind(const struct binding *binding)
{
	char path[320];

	snprintf(path, sizeof(path), "%s/bind", binding->driver);
	return write_text(path, binding->name);
}

/**
 * device_rebind() - make a device forget what of its memory is bad
 * @dev: path of the device
 *
 * Return: 0 or -errno.
 */
int device_rebind(const char *dev)
{
	struct binding binding;
	int rc;

	rc = device_unbind(dev, &binding);
	return rc ? rc : device_bind(&binding);
}

/**
 * device_badblocks() - let the driver of a pmem disk know of bad blocks
 * @dev: path of the disk
 * @sector: first one, of 512 bytes
 * @count: how many
 *
 * Return: 0 or -errno.
 */
int device_badblocks(const char *dev, __u64 sector, __u64 count)
{
	char path[128], text[64];

	snprintf(path, sizeof(path), "/sys/block/%s/badblocks",
		 device_name(dev));
	snprintf(text, sizeof(text), "%llu %llu\n", sector, count);
	return write_text(path, text);
}

/*
 * Signals about pages that somebody else came upon (BUS_MCEERR_AO) may come at
 * any time, and are of no interest here but for the page that is at hand.
 */
static void on_sigbus(int sig, siginfo_t *info, void *context)
{
	unsigned long page = (unsigned long)info->si_addr / PAGE;

	(void)context;
	if (info->si_code == BUS_MCEERR_AO && (!armed || page != touched))
		return;
	trapped = *info;
	if (!armed) {
		signal(sig, SIG_DFL);
		return;
	}
	armed = 0;
	siglongjmp(escape, 1);
}

/**
 * catch_sigbus() - make touch() and poison() survive SIGBUS
 */
void catch_sigbus(void)
{
	struct sigaction action = {
		.sa_sigaction = on_sigbus,
		.sa_flags = SA_SIGINFO | SA_NODEFER,
	};

	sigaction(SIGBUS, &action, NULL);
}

/**
 * touch() - load a byte, or store it as it was
 * @at: where
 * @write: whether to store
 *
 * Return: 0; -1 and @trapped if there was a SIGBUS.
 */
int touch(volatile unsigned char *at, bool write)
{
	touched = (unsigned long)at / PAGE;
	if (sigsetjmp(escape, 1))
		return -1;
	armed = 1;
	if (write)
		*at = *at;
	else
		(void)*at;
	armed = 0;
	return 0;
}

/**
 * load() - load a word that may not be there
 * @at: where from
 * @value: where it goes
 *
 * Return: 0; -1 and @trapped if there was a SIGBUS.
 */
int load(const volatile __u64 *at, __u64 *value)
{
	touched = (unsigned long)at / PAGE;
	if (sigsetjmp(escape, 1))
		return -1;
	armed = 1;
	*value = *at;
	armed = 0;
	return 0;
}

/**
 * first_wrong_page() - whether just the pages that are bad cannot be loaded
 * @at: a mapping
 * @len: its length
 * @bad: numbers of the pages that are bad
 * @nr_bad: number of @bad
 *
 * Return: number of the first page that is otherwise, or -1.
 */
ssize_t first_wrong_page(unsigned char *at, size_t len, const __u64 *bad,
			 size_t nr_bad)
{
	for (size_t p = 0; p < len / PAGE; p++) {
		int must = 0;

		for (size_t i = 0; i < nr_bad; i++)
			if (bad[i] == p)
				must = -1;
		if (touch(at + p * PAGE, false) != must)
			return p;
	}
	return -1;
}

/**
 * pfn_of() - number of the page of memory that is mapped at an address
 * @at: the address; something was loaded from there before
 *
 * Return: the number; 0 if nothing is mapped.
 */
__u64 pfn_of(const volatile void *at)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	__u64 entry = 0;

	if (fd < 0)
		return 0;
	if (pread(fd, &entry, sizeof(entry),
		  (unsigned long)at / PAGE * sizeof(entry)) != sizeof(entry))
		entry = 0;
	close(fd);
	return entry >> 63 ? entry & ((1ULL << 55) - 1) : 0;
}

/**
 * poison() - make a page bad that this process has mapped
 * @at: start of the page
 *
 * The signal that this may send is caught.
 *
 * Return: 0 or -errno.
 */
int poison(unsigned char *at)
{
	int rc;

	touched = (unsigned long)at / PAGE;
	if (sigsetjmp(escape, 1))
		return 0;
	armed = 1;
	rc = ERR(madvise(at, PAGE, MADV_HWPOISON));
	armed = 0;
	return rc;
}

/**
 * inject_pfn() - make a page bad, whether anybody has it mapped or not
 * @pfn: number of the page
 *
 * Return: 0 if the kernel now knows it to be bad; -ENOENT if it has no
 * injector; other -errno if it took no notice, which is what happens to memory
 * that nobody uses.
 */
int inject_pfn(__u64 pfn)
{
	char text[32];
	int rc;

	if (access(INJECTOR, F_OK) &&
	    system("modprobe -q hwpoison_inject >/dev/null 2>&1"))
		return -ENOENT;
	snprintf(text, sizeof(text), "%#llx", pfn);
	/* If the page is mapped here too, the signal comes as the write ends */
	touched = 0;
	if (sigsetjmp(escape, 1))
		return 0;
	armed = 1;
	rc = write_text(INJECTOR, text);
	armed = 0;
	return rc;
}

/**
 * get_errors() - the bad ranges of a file
 * @fd: the file
 * @list: where they go; @list->head.nr says how many there are
 *
 * Return: 0 or -errno.
 */
int get_errors(int fd, struct error_list *list)
{
	memset(list, 0, sizeof(*list));
	list->head.nr = ARRAY_SIZE(list->error);
	return ERR(ioctl(fd, FAMFSIOC_GET_ERRORS, list));
}

/**
 * fs_errors_watch() - have fanotify tell what errors the file system at ROOT has
 *
 * Return: a descriptor for fs_error_of(), or -errno.
 */
int fs_errors_watch(void)
{
	int fan, err;

	fan = fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_FID | FAN_CLOEXEC,
			    O_RDONLY);
	if (fan < 0)
		return -errno;
	err = ERR(fanotify_mark(fan, FAN_MARK_ADD | FAN_MARK_FILESYSTEM,
				FAN_FS_ERROR, AT_FDCWD, ROOT));
	if (err) {
		close(fan);
		return err;
	}
	return fan;
}

/* Is the handle of an event that of a file, or for NULL that of none? */
static bool handle_is(const struct file_handle *handle, const char *path)
{
	struct {
		struct file_handle head;
		unsigned char bytes[MAX_HANDLE_SZ];
	} file = { .head.handle_bytes = MAX_HANDLE_SZ };
	int mount_id;

	if (!path)
		return !handle->handle_bytes;
	return !name_to_handle_at(AT_FDCWD, path, &file.head, &mount_id, 0) &&
	       handle->handle_type == file.head.handle_type &&
	       handle->handle_bytes == file.head.handle_bytes &&
	       !memcmp(handle->f_handle, file.head.f_handle,
		       handle->handle_bytes);
}

/**
 * fs_error_of() - wait for an error, and see what it befell
 * @fan: from fs_errors_watch()
 * @path: the file; NULL: no file, but the file system
 *
 * Return: the error's number; -ENOENT if it befell anything else; other -errno
 * if there is no such event.
 */
int fs_error_of(int fan, const char *path)
{
	struct fanotify_event_info_header *info;
	struct fanotify_event_info_error *error;
	struct fanotify_event_metadata *event;
	struct fanotify_event_info_fid *fid;
	char events[4096];
	bool is_it = false;
	int number = 0;

	if (read(fan, events, sizeof(events)) <= 0)
		return -errno;
	event = (void *)events;
	if (event->mask != FAN_FS_ERROR)
		return -EPROTO;
	info = (void *)(events + event->metadata_len);
	while ((char *)info < events + event->event_len) {
		if (info->info_type == FAN_EVENT_INFO_TYPE_ERROR) {
			error = (void *)info;
			number = error->error;
		} else if (info->info_type == FAN_EVENT_INFO_TYPE_FID) {
			fid = (void *)info;
			is_it = handle_is((void *)fid->handle, path);
		}
		info = (void *)((char *)info + info->len);
	}
	return is_it ? number : -ENOENT;
}

/**
 * log_open() - the kernel's log, from here on
 *
 * Return: a descriptor for logged(), or -errno.
 */
int log_open(void)
{
	int log = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (log < 0)
		return -errno;
	if (lseek(log, 0, SEEK_END) < 0) {
		close(log);
		return -EIO;
	}
	return log;
}

/**
 * log_count() - how many of the lines that are new in the log have a text
 * @log: from log_open()
 * @what: the text
 *
 * All these lines count as read afterwards.
 *
 * Return: the number.
 */
int log_count(int log, const char *what)
{
	char line[8192];
	ssize_t len;
	int nr = 0;

	for (;;) {
		len = read(log, line, sizeof(line) - 1);
		/* EPIPE: lines were overwritten before they could be read */
		if (len < 0 && (errno == EPIPE || errno == EINTR))
			continue;
		if (len <= 0)
			return nr;
		line[len] = '\0';
		if (strstr(line, what))
			nr++;
	}
}

/**
 * logged() - whether a new line of the log has a text
 * @log: from log_open()
 * @what: the text
 *
 * Return: true if there is one. Lines behind it are still new.
 */
bool logged(int log, const char *what)
{
	char line[8192];
	ssize_t len;

	for (;;) {
		len = read(log, line, sizeof(line) - 1);
		if (len < 0 && (errno == EPIPE || errno == EINTR))
			continue;
		if (len <= 0)
			return false;
		line[len] = '\0';
		if (strstr(line, what))
			return true;
	}
}
