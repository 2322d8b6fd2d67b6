// SPDX-License-Identifier: GPL-2.0
/*
 * A module whose loading is a kernel warning, for the lab's own test that it
 * notices one.
 */
#include <linux/module.h>

static int __init warn_init(void)
{
	WARN(1, "the lab's test of a warning\n");
	return 0;
}

static void __exit warn_exit(void)
{
}

module_init(warn_init);
module_exit(warn_exit);
MODULE_DESCRIPTION("warns when it is loaded");
MODULE_LICENSE("GPL");
