# SPDX-License-Identifier: GPL-2.0-or-later
#
# The way in. make demo and make check need no set-up: they build and run in
# virtual machines (tools/lab). The other targets build on this machine as it
# is, modules for its running kernel unless KDIR says otherwise.

KDIR ?= /lib/modules/$(shell uname -r)/build
KSFT ?= $(KDIR)/tools/testing/selftests
PREFIX ?= /usr
DESTDIR ?=

# Version of the kernel that KDIR belongs to, where the module is installed.
KERNELRELEASE = $(shell cat $(KDIR)/include/config/kernel.release)

SELFTESTS := tools/testing/selftests/famfs
MODULES_DIR = $(DESTDIR)/lib/modules/$(KERNELRELEASE)/updates

all: modules tools selftests

help:
	@echo 'Without any set-up, as root on Debian 12 or 13:'
	@echo '  demo              famfs at work in a virtual machine; KEEP=1 leaves a shell in it'
	@echo '  check             all tests'
	@echo '  lint              style and static checks, a part of check'
	@echo '  check-debug       tests of the module on a kernel built with checkers of memory'
	@echo '                    and locks, then ten minutes of stress (SECONDS=600)'
	@echo '  fuzz              the fuzz targets of the tools, FUZZ_SECONDS=600 for each;'
	@echo '                    AFL=1: by AFL++ instead of libFuzzer'
	@echo '  coverage          which lines of the tools the tests reach (V=1: which not)'
	@echo 'On this machine as it is:'
	@echo '  all               modules, tools and selftests'
	@echo '  modules           famfs.ko, for the running kernel (KDIR=its build directory)'
	@echo '  tools             famfs, mkfs.famfs, mount.famfs'
	@echo '  selftests         tests of the module (KSFT=tools/testing/selftests of a kernel source)'
	@echo '  install           all of these (DESTDIR=, PREFIX=/usr)'
	@echo '  modules_install, tools_install, selftests_install'
	@echo '  clean'

modules:
	$(MAKE) -C $(KDIR) M=$(CURDIR)/fs/famfs modules

modules_install:
	install -D -m 644 -t $(MODULES_DIR) fs/famfs/famfs.ko
	$(if $(DESTDIR),,depmod $(KERNELRELEASE))

tools:
	$(MAKE) -C tools/famfs

tools_install:
	$(MAKE) -C tools/famfs install DESTDIR=$(DESTDIR) PREFIX=$(PREFIX)

selftests:
	$(MAKE) -C $(SELFTESTS) KSFT=$(KSFT)

selftests_install:
	$(MAKE) -C $(SELFTESTS) install KSFT=$(KSFT) DESTDIR=$(DESTDIR) PREFIX=$(PREFIX)

install: modules tools selftests
	$(MAKE) modules_install tools_install selftests_install

check:
	@tools/lab/check

lint:
	@tools/lab/check lint

SECONDS ?= 600
check-debug:
	@FAMFS_STRESS=$(SECONDS) tools/lab/check debug stress

FUZZ_SECONDS ?= 600
fuzz:
	@tools/lab/lab chroot -- make -s -C tools/famfs fuzz BUILD=/build/fuzz \
		FUZZ_SECONDS=$(FUZZ_SECONDS) AFL=$(AFL)

coverage:
	@V=$(V) tools/lab/coverage

demo:
	@KEEP=$(KEEP) tools/lab/demo

clean:
	-$(MAKE) -C $(KDIR) M=$(CURDIR)/fs/famfs clean
	$(MAKE) -C tools/famfs clean
	$(MAKE) -C $(SELFTESTS) clean

.PHONY: all help modules modules_install tools tools_install selftests \
	selftests_install install check check-debug lint fuzz coverage demo clean
