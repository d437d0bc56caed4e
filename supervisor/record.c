/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * record.c - what became of one connection: attempts, and outages.
 *
 * Runs in: supervisor.
 * Invariant: see record.h. At most one try and one outage are open, the last.
 */
#include <stdbool.h>
#include <stdio.h>

#include "supervisor/record.h"

static struct record_try *
last_try(struct record *record)
{
	return record->try_count == 0
		       ? NULL
		       : &record->tries[(record->try_count - 1) % RECORD_TRIES];
}

static struct record_outage *
last_outage(struct record *record)
{
	return record->outage_count == 0
		       ? NULL
		       : &record->outages[(record->outage_count - 1) %
					  RECORD_OUTAGES];
}

const struct record_outage *
record_open_outage(const struct record *record)
{
	const struct record_outage *last = last_outage((struct record *)record);

	return last && last->end_us == 0 ? last : NULL;
}

static void
copy_error(enum err_code *ret_error, char *ret_text,
	const struct status_message *status)
{
	*ret_error = status->error;
	(void)snprintf(ret_text, RECORD_TEXT_MAX, "%.*s", RECORD_TEXT_MAX - 1,
		status->error == ERR_NONE ? "" : status->error_text);
	err_clean_text(ret_text);
}

static void
begin_try(struct record *record, const struct status_message *status,
	uint64_t now_us)
{
	struct record_try *entry =
		&record->tries[record->try_count++ % RECORD_TRIES];

	*entry = (struct record_try){
		.number = status->attempt,
		.at_us = status->attempt_at_us ? status->attempt_at_us : now_us,
	};
}

static void
note_try(struct record *record, const struct status_message *status,
	uint64_t now_us)
{
	struct record_try *last = last_try(record);
	bool has_failed = status->attempt != 0 &&
			  status->failed_attempt == status->attempt;

	if (status->attempt != 0 && (!last || last->number < status->attempt)) {
		begin_try(record, status, now_us);
		last = last_try(record);
	}
	if (!last || last->end_us != 0 || last->number != status->attempt)
		return;
	if (has_failed) {
		record->failure_count++;
		last->end_us = now_us;
		last->error_errno = status->error_errno;
		copy_error(&last->error, last->text, status);
	} else if (status->state == TARGET_CONNECTED) {
		last->end_us = now_us;
	}
}

static bool
is_out(const struct status_message *status)
{
	switch (status->state) {
	case TARGET_UNRESPONSIVE:
	case TARGET_STALE:
	case TARGET_BACKOFF:
	case TARGET_BLOCKED:
	case TARGET_STUCK:
		return true;
	case TARGET_REGISTERED:
	case TARGET_CONNECTING:
	case TARGET_CONNECTED:
	case TARGET_DISCONNECTING:
	case TARGET_LINGERING:
	case TARGET_STATE_COUNT:
		break;
	}
	/* It has vanished, and is being made anew. */
	return status->state == TARGET_CONNECTING &&
	       status->error == ERR_VANISHED;
}

static void
note_outage(struct record *record, const struct status_message *status,
	bool is_wanted, uint64_t now_us)
{
	struct record_outage *last = last_outage(record);
	bool is_open = last && last->end_us == 0;

	if (is_open && (status->state == TARGET_CONNECTED || !is_wanted)) {
		last->end_us = now_us;
		/* A clock that was set back meanwhile says nothing. */
		if (now_us > last->start_us)
			record->outage_us += now_us - last->start_us;
		return;
	}
	if (!is_open && is_wanted && is_out(status)) {
		last = &record->outages[record->outage_count++ %
					RECORD_OUTAGES];
		*last = (struct record_outage){
			.start_us = now_us, .state = status->state};
		is_open = true;
	}
	if (is_open && last->error == ERR_NONE)
		copy_error(&last->error, last->text, status);
}

void
record_note(struct record *record, const struct status_message *status,
	bool is_wanted, uint64_t now_us)
{
	note_try(record, status, now_us);
	note_outage(record, status, is_wanted, now_us);
}

size_t
record_tries(const struct record *record)
{
	return record->try_count < RECORD_TRIES ? record->try_count
						: RECORD_TRIES;
}

const struct record_try *
record_try_at(const struct record *record, size_t i)
{
	uint64_t first = record->try_count - record_tries(record);

	return &record->tries[(first + i) % RECORD_TRIES];
}

size_t
record_outages(const struct record *record)
{
	return record->outage_count < RECORD_OUTAGES ? record->outage_count
						     : RECORD_OUTAGES;
}

const struct record_outage *
record_outage_at(const struct record *record, size_t i)
{
	uint64_t first = record->outage_count - record_outages(record);

	return &record->outages[(first + i) % RECORD_OUTAGES];
}
