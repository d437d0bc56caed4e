/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * journal.h - numbered events, kept for those who ask later.
 *
 * Runs in: supervisor.
 * Trusts: texts that are cleaned before they go to a client.
 * Invariant: a number is given once, also over restarts and reboots; the
 *            numbers of what is kept have no holes. Noting an event never
 *            fails: one for which there is no memory is a gap, and says so.
 *            It never waits for a client: those who follow read from the ring,
 *            and who falls behind it finds a gap.
 */
#ifndef SUPERVISOR_JOURNAL_H
#define SUPERVISOR_JOURNAL_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/loop.h"
#include "proto/state.h"
#include "proto/wire.h"

struct supervisor;
struct target;

enum event_kind {
#define EVENT(name, word, meaning) EVENT_##name,
#include "proto/event.def"
#undef EVENT
	EVENT_KIND_COUNT,
};

struct event; /* see journal.c */

/* Of one connection: events since the window began, told and untold. */
struct news {
	uint64_t window_us; /* boot time */
	unsigned count;
};

struct journal {
	int dirfd;	    /* where the numbers are written down, or -1 */
	struct event *ring; /* of `size`; NULL before the first */
	uint64_t size;
	uint64_t next;		/* number of the next event */
	uint64_t oldest;	/* number of the oldest that is kept, or next */
	uint64_t reserved;	/* numbers below it are written down as given */
	uint64_t not_before_us; /* boot time, to reserve more */
	struct loop_timer
		skipped; /* when windows end in which not all was told */
};

/* Goes on behind the numbers that were given before. */
void journal_init(struct journal *journal, const struct supervisor *supervisor);
void journal_done(struct journal *journal);

/*
 * Notes an event. target: whose state, error and URI belong to it, or NULL;
 * subject: the connection ID, server or process that it is about, or "";
 * text: more for a person, or "". All are copied.
 */
void journal_note(struct supervisor *supervisor, enum event_kind kind,
	struct target *target, const char *subject, const char *text);
/* The target's status has been set; before: its state and error until then. */
void journal_note_status(struct supervisor *supervisor, struct target *target,
	enum target_state before, enum err_code error_before);

/* What events(since) would tell: a gap and events, or only events. */
struct journal_view {
	uint64_t
		gap_from; /* numbers that are asked for and not kept; 0: none */
	uint64_t gap_to;
	uint64_t first; /* numbers of the events that follow */
	uint64_t end;	/* behind the last of them */
};

/* All that is kept behind since, at most `most` events with the gap. */
struct journal_view journal_look(
	const struct journal *journal, uint64_t since, uint64_t most);
/* How many events that is, the gap one of them; and writes each as a map. */
size_t journal_view_count(const struct journal_view *view);
void journal_write_gap(
	struct wire_writer *out, const struct journal_view *view);
void journal_write_event(struct wire_writer *out, const struct journal *journal,
	uint64_t number);
/* The number that continues behind the view. */
uint64_t journal_view_next(const struct journal_view *view, uint64_t since);

#endif
