/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * journal.c - numbered events, kept for those who ask later.
 *
 * Runs in: supervisor.
 * Invariant: see journal.h.
 */
#include "supervisor/journal.h"

void
journal_note(struct supervisor *supervisor, enum event_kind kind,
	const struct target *target, const char *subject, const char *text)
{
}
