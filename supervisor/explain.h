/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * explain.h - what status and explain say beyond an entry.
 *
 * Runs in: supervisor.
 */
#ifndef SUPERVISOR_EXPLAIN_H
#define SUPERVISOR_EXPLAIN_H

#include "proto/wire.h"

struct target;

/* Every key of STATUS in proto/api.def. */
enum {
	EXPLAIN_KEYS = 0
#define STATUS(key, type, meaning) +1
#include "proto/api.def"
#undef STATUS
};

/* EXPLAIN_KEYS pairs. */
void explain_write_status(struct wire_writer *out, const struct target *target);
/* An array of sentences: how it stands, why, and what comes. */
void explain_write_why(struct wire_writer *out, const struct target *target);

#endif
