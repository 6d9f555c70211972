/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AddressSanitizer's view of memory that is mapped but belongs to nobody. Nothing in other builds.
 */
#ifndef KS_BASE_POISON_H
#define KS_BASE_POISON_H

#if defined(__SANITIZE_ADDRESS__)
#define KS_POISON 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KS_POISON 1
#endif
#endif

#ifdef KS_POISON
#include <sanitizer/asan_interface.h>
#define ks_poison(mem, n) ASAN_POISON_MEMORY_REGION(mem, n)
#define ks_unpoison(mem, n) ASAN_UNPOISON_MEMORY_REGION(mem, n)
/** Bytes after each object that nobody may touch: they make an overrun visible. */
#define KS_REDZONE_BYTES 64u
#else
#define ks_poison(mem, n) ((void)(mem), (void)(n))
#define ks_unpoison(mem, n) ((void)(mem), (void)(n))
#define KS_REDZONE_BYTES 0u
#endif

#endif
