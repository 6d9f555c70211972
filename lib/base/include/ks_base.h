/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The few words that every room speaks: byte slices, time, and compiler hints.
 * Thread: everything here is a plain value.
 */
#ifndef KS_BASE_H
#define KS_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define KS_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define KS_MIN(a, b) ((a) < (b) ? (a) : (b))
#define KS_MAX(a, b) ((a) > (b) ? (a) : (b))
#define ks_likely(x) __builtin_expect(!!(x), 1)
#define ks_unlikely(x) __builtin_expect(!!(x), 0)
#define ks_noinline __attribute__((noinline))
#define ks_cold __attribute__((noinline, cold))
#define ks_printf(fmt, args) __attribute__((format(printf, fmt, args)))
#define ks_container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

/** A slice of bytes that somebody else owns; not terminated. */
struct ks_str {
	const char *p;
	uint32_t n;
};

#define KS_STR(lit) ((struct ks_str){(lit), sizeof(lit) - 1})

static inline bool
ks_str_eq(struct ks_str a, struct ks_str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool
ks_str_is(struct ks_str a, const char *lit)
{
	size_t n = strlen(lit);

	return a.n == n && (n == 0 || memcmp(a.p, lit, n) == 0);
}

static inline bool
ks_str_starts(struct ks_str a, const char *lit)
{
	size_t n = strlen(lit);

	return a.n >= n && (n == 0 || memcmp(a.p, lit, n) == 0);
}

/**
 * The time of one turn. Stamped once per turn by whoever polls; nothing below reads a clock.
 */
struct ks_now {
	uint64_t mono_us; /**< monotonic, microseconds, never 0 in a running system */
	uint64_t wall_s;  /**< Unix time, seconds */
};

/** Reads the system's clocks. For `pipeline` and `app` only: rooms get `now` handed in. */
void ks_now_read(struct ks_now *now);

#endif
