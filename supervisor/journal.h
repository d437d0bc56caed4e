/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * journal.h - numbered events, kept for those who ask later.
 *
 * Runs in: supervisor.
 * Trusts: texts that are cleaned before they go to a client.
 * Invariant: a number is given once, also over restarts; the numbers of what is
 *            kept have no holes; noting an event never fails and never waits
 *            for a client.
 */
#ifndef SUPERVISOR_JOURNAL_H
#define SUPERVISOR_JOURNAL_H

struct supervisor;
struct target;

enum event_kind {
#define EVENT(name, word, meaning) EVENT_##name,
#include "proto/event.def"
#undef EVENT
	EVENT_KIND_COUNT,
};

/*
 * Notes an event. target: whose state, error and URI belong to it, or NULL;
 * subject: the connection ID, server or process that it is about, or "";
 * text: more for a person, or "". All are copied.
 */
void journal_note(struct supervisor *supervisor, enum event_kind kind,
	const struct target *target, const char *subject, const char *text);

#endif
