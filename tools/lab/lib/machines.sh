# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034
#
# Machines that more than one command of the lab asks for.

# What the end-to-end tests of the tools want: two devices of the one kind, one of
# the other.
MACHINE_COMMANDS=(--dax 512M --dax 512M --pmem 512M)
