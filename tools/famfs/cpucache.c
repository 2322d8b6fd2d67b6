// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Cache maintenance by line, with what user space may execute. Both functions
 * end with a fence: what was before them is done for other hosts before what
 * comes after them starts.
 *
 * x86-64: the best of clwb, clflushopt and clflush that the processor has.
 * arm64: dc cvac and dc civac, which Linux allows user space.
 * Elsewhere there is no such instruction in user space: the functions are
 * full memory barriers, enough where the hardware keeps the memory coherent,
 * and the kernel's fsync(2) has to do the rest where it does not.
 */
#include "cpucache.h"

#include <stdint.h>

#if defined(__x86_64__)

#include <cpuid.h>
#include <stdbool.h>

/*
 * CPUID is dear, in a virtual machine above all: each leaf is asked for once, or
 * a few times, where several threads are the first
 */

static size_t line_size(void)
{
	static size_t seen;		/* never 0 once read */
	size_t size = __atomic_load_n(&seen, __ATOMIC_RELAXED);
	unsigned int a, b, c, d;

	if (!size) {
		__cpuid(1, a, b, c, d);
		b = ((b >> 8) & 0xff) * 8;
		size = b ? b : 64;
		__atomic_store_n(&seen, size, __ATOMIC_RELAXED);
	}
	return size;
}

static unsigned int features(void)
{
	static unsigned int seen;	/* never 0 once read */
	unsigned int set = __atomic_load_n(&seen, __ATOMIC_RELAXED);
	unsigned int a, b, c, d;

	if (!set) {
		if (!__get_cpuid_count(7, 0, &a, &b, &c, &d))
			b = 0;
		set = b | 1;
		__atomic_store_n(&seen, set, __ATOMIC_RELAXED);
	}
	return set;
}

static void clflush(const char *p)
{
	asm volatile("clflush %0" : : "m" (*p) : "memory");
}

static void clflushopt(const char *p)
{
	asm volatile(".byte 0x66; clflush %0" : : "m" (*p) : "memory");
}

static void clwb(const char *p)
{
	asm volatile(".byte 0x66; xsaveopt %0" : : "m" (*p) : "memory");
}

static void each_line(const void *addr, size_t len, void (*op)(const char *p))
{
	size_t line = line_size();
	uintptr_t p = (uintptr_t)addr & ~(uintptr_t)(line - 1);
	uintptr_t end = (uintptr_t)addr + len;

	for (; p < end; p += line)
		op((const char *)p);
}

static void fence(void)
{
	/* mfence orders clflush too, which sfence need not on every model */
	asm volatile("mfence" : : : "memory");
}

static void (*invalidate_op(void))(const char *p)
{
	return features() & bit_CLFLUSHOPT ? clflushopt : clflush;
}

static void (*writeback_op(void))(const char *p)
{
	return features() & bit_CLWB ? clwb : invalidate_op();
}

#elif defined(__aarch64__)

static void civac(const char *p)
{
	asm volatile("dc civac, %0" : : "r" (p) : "memory");
}

static void cvac(const char *p)
{
	asm volatile("dc cvac, %0" : : "r" (p) : "memory");
}

static void each_line(const void *addr, size_t len, void (*op)(const char *p))
{
	uintptr_t end = (uintptr_t)addr + len;
	uint64_t ctr;
	size_t line;
	uintptr_t p;

	asm("mrs %0, ctr_el0" : "=r" (ctr));
	line = 4UL << ((ctr >> 16) & 0xf);
	for (p = (uintptr_t)addr & ~(uintptr_t)(line - 1); p < end; p += line)
		op((const char *)p);
}

static void fence(void)
{
	asm volatile("dsb sy" : : : "memory");
}

static void (*invalidate_op(void))(const char *p)
{
	return civac;
}

static void (*writeback_op(void))(const char *p)
{
	return cvac;
}

#else

static void each_line(const void *addr, size_t len, void (*op)(const char *p))
{
	(void)addr;
	(void)len;
	(void)op;
}

static void fence(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static void (*invalidate_op(void))(const char *p)
{
	return NULL;
}

static void (*writeback_op(void))(const char *p)
{
	return NULL;
}

#endif

/**
 * cpucache_writeback() - let other hosts see what has been stored
 * @addr: first byte
 * @len: number of bytes; lines are treated whole
 *
 * Ends with a fence.
 */
void cpucache_writeback(const void *addr, size_t len)
{
	each_line(addr, len, writeback_op());
	fence();
}

/**
 * cpucache_invalidate() - let the next loads come from the memory
 * @addr: first byte
 * @len: number of bytes; lines are treated whole
 *
 * Lines that are dirty are written back first. Ends with a fence.
 */
void cpucache_invalidate(const void *addr, size_t len)
{
	/* Loads and stores before this must not be passed by the flushes */
	fence();
	each_line(addr, len, invalidate_op());
	fence();
}

/**
 * cpucache_fence() - end what was stored past the cache
 *
 * What was stored before, by write(2) say, is done for other hosts before what
 * comes after.
 */
void cpucache_fence(void)
{
	fence();
}
