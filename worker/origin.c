/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * origin.c - who made the session: only what is ours is ever taken down.
 *
 * Runs in: worker.
 * Invariant: see origin.h.
 */
#include "worker/origin.h"

void
origin_see(struct status_message *status, uint32_t session)
{
	bool is_known = session != 0 && session == status->session &&
			status->origin != ORIGIN_NONE &&
			status->origin != ORIGIN_TRYING;

	if (is_known)
		return;
	status->session = session;
	if (session != 0)
		status->origin = status->origin == ORIGIN_TRYING ? ORIGIN_OURS
								 : ORIGIN_FOUND;
	else if (status->origin != ORIGIN_TRYING)
		status->origin = ORIGIN_NONE;
}

enum origin
origin_begin(struct status_message *status)
{
	enum origin before = status->origin;

	status->session = 0;
	status->origin = ORIGIN_TRYING;
	return before;
}

void
origin_end(struct status_message *status, enum origin before, uint32_t value)
{
	bool is_found = connected_was_there(value) && before != ORIGIN_TRYING;

	status->session = connected_session(value);
	status->origin = is_found ? ORIGIN_FOUND : ORIGIN_OURS;
}

void
origin_give_up(struct status_message *status)
{
	if (status->origin == ORIGIN_TRYING)
		status->origin = ORIGIN_NONE;
}

bool
origin_stays(const struct status_message *status)
{
	return status->origin == ORIGIN_FOUND;
}
