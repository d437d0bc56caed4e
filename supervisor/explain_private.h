/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * explain_private.h - what the files of explain have of each other.
 *
 * Runs in: supervisor.
 */
#ifndef SUPERVISOR_EXPLAIN_PRIVATE_H
#define SUPERVISOR_EXPLAIN_PRIVATE_H

#include "supervisor/budget.h"
#include "supervisor/explain.h"
#include "supervisor/target.h"

enum {
	EXPLAIN_TEXT_MAX = 320
};

/* What will be tried next. */
struct explain_next {
	enum operation operation; /* OPERATION_NONE: nothing by itself */
	uint64_t at_us;		  /* Unix time; 0: not known, or at once */
	const char *text;
};
struct explain_next explain_next(const struct target *target);
struct budget explain_budget(const struct target *target);

#endif
