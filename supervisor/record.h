/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * record.h - what became of one connection: attempts, and outages.
 *
 * Runs in: supervisor.
 * Trusts: its caller, which hands on what workers report; texts are cleaned
 *         before they go to a client.
 * Invariant: bounded: the last few of each. Kept as long as the daemon runs.
 */
#ifndef SUPERVISOR_RECORD_H
#define SUPERVISOR_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "proto/message.h"

enum {
	RECORD_TRIES = 8,
	RECORD_OUTAGES = 16,
	RECORD_TEXT_MAX = 160,
};

/* One attempt to connect. */
struct record_try {
	uint64_t number;
	uint64_t at_us;	 /* Unix time */
	uint64_t end_us; /* 0: under way */
	enum err_code error;
	uint64_t error_errno;
	char text[RECORD_TEXT_MAX];
};

/* From when a connection that was wanted did not work, until it did again, or
 * was no longer wanted. */
struct record_outage {
	uint64_t start_us; /* Unix time */
	uint64_t end_us;   /* 0: not over */
	enum target_state state;
	enum err_code error; /* the first that stood: its cause */
	char text[RECORD_TEXT_MAX];
};

struct record {
	struct record_try tries[RECORD_TRIES];
	struct record_outage outages[RECORD_OUTAGES];
	uint64_t try_count; /* all that ever were */
	uint64_t outage_count;
	uint64_t failure_count;
	uint64_t outage_us; /* how long all that are over lasted */
};

/* The status is now this; is_wanted: by a claim. now_us is Unix time. */
void record_note(struct record *record, const struct status_message *status,
	bool is_wanted, uint64_t now_us);
/* The outage that is not over, or NULL. */
const struct record_outage *record_open_outage(const struct record *record);

/* The i-th of those that are kept, oldest first; how many there are. */
size_t record_tries(const struct record *record);
const struct record_try *record_try_at(const struct record *record, size_t i);
size_t record_outages(const struct record *record);
const struct record_outage *record_outage_at(
	const struct record *record, size_t i);

#endif
