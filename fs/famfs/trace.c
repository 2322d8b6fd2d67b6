// SPDX-License-Identifier: GPL-2.0
/*
 * famfs tracepoints: the code that trace.h describes.
 */
#include "famfs.h"

#define CREATE_TRACE_POINTS
#include "trace.h"
