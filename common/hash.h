/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hash.h - FNV-1a of 64 bits: a number for a name, the same for ever.
 *
 * Runs in: every process.
 * Invariant: it stops nobody who searches for two names with one number: who
 *            relies on it has to bear that, or to compare the names as well.
 */
#ifndef COMMON_HASH_H
#define COMMON_HASH_H

#include <stdint.h>

static inline uint64_t
hash_text(const char *text)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return hash;
}

#endif
