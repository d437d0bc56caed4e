/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * method_events.c - the methods events, subscribe and unsubscribe.
 *
 * Runs in: supervisor.
 * Trusts: calls whose shape call_check_shape() has approved.
 * Invariant: an error has changed nothing.
 */
#include <errno.h>

#include "supervisor/api.h"
#include "supervisor/call.h"
#include "supervisor/poll.h"
#include "supervisor/supervisor.h"

enum {
	EVENTS_MOST = 1000,
	POLL_MS_MAX = 86400000,
};

/* Number of the last event. */
static uint64_t
last_number(const struct call *call)
{
	return call->supervisor->journal.next - 1;
}

static int
get_since(const struct call *call, uint64_t *ret_since, struct err *err)
{
	if (wire_get_uint(wire_at(call->params, 0), ret_since) &&
		*ret_since <= MESSAGE_TIME_MAX)
		return 0;
	return err_set(err, ERR_BAD_ARGUMENTS, EINVAL,
		"%s: the number of an event is a whole number from 0 on",
		call->method->name);
}

int
method_events(struct call *call, struct err *err)
{
	uint64_t timeout_ms = 0;
	uint64_t most = EVENTS_MOST;
	uint64_t since;
	int result = get_since(call, &since, err);

	if (result == 0)
		result = call_get_option_uint(
			call, "timeout_ms", POLL_MS_MAX, &timeout_ms, err);
	if (result == 0)
		result = call_get_option_count(
			call, "max", EVENTS_MOST, &most, err);
	if (result < 0)
		return result;
	if (timeout_ms > 0 && since == last_number(call)) {
		result = poll_new(call->client, call->message_id, since, most,
			timeout_ms, err);
		return result < 0 ? result : CALL_LATER;
	}
	poll_answer(call->client, call->message_id, since, most);
	return 0;
}

int
method_subscribe(struct call *call, struct err *err)
{
	struct client *client = call->client;
	uint64_t since = last_number(call);
	int result = call_get_option_uint(
		call, "since", MESSAGE_TIME_MAX, &since, err);

	if (result < 0)
		return result;
	client->is_subscribed = true;
	client->told = since;
	api_begin_result(call->out, call->message_id);
	wire_map(call->out, 1);
	wire_pair_uint(call->out, "last", last_number(call));
	return 0;
}

int
method_unsubscribe(struct call *call, struct err *err)
{
	call->client->is_subscribed = false;
	api_begin_result(call->out, call->message_id);
	wire_map(call->out, 0);
	return 0;
}
