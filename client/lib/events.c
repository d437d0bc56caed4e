/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * events.c - libholdfast: a subscription, over connections that are lost.
 *
 * Runs in: whoever links libholdfast.
 * Trusts: nobody.
 * Invariant: last_event is the number of what was told last, so that the next
 *            connection goes on after it.
 */
#include "client/lib/handle.h"
#include "common/clock.h"
#include "common/guard.h"

/* [2, "event", [event]] */
static const msgpack_object *
event_in(const msgpack_object *note)
{
	const msgpack_object *params = wire_at(note, 2);
	const char *method;
	uint32_t count;
	size_t len;

	if (!wire_get_bytes(wire_at(note, 1), &method, &len) ||
		!wire_bytes_equal(method, len, "event") ||
		!wire_is_array(params, &count) || count != 1)
		return NULL;
	return wire_at(params, 0);
}

static void
pass(struct holdfast *handle, uint64_t number)
{
	if (number > handle->last_event)
		handle->last_event = number;
}

void
events_on_note(void *data, struct stream_message *note)
{
	struct holdfast *handle = data;
	const msgpack_object *event = event_in(note->wire.root);

	if (!handle->on_event || !event)
		return;
	reply_terminate(note);
	pass(handle, holdfast_uint(holdfast_get(value_of(event), "number")));
	handle->is_telling = true;
	handle->on_event(value_of(event), handle->data);
	handle->is_telling = false;
	if (handle->told < INT32_MAX)
		handle->told++;
}

int
events_subscribe(
	struct holdfast *handle, int64_t timeout_ms, struct failure *failure)
{
	cleanup(wire_writer_done) struct wire_writer params;
	cleanup(rpc_reply_done) struct rpc_reply reply = {0};
	bool is_from_now = handle->last_event == HOLDFAST_FROM_NOW_ON;
	int result;

	wire_writer_init(&params, WIRE_REQUEST_MAX);
	wire_array(&params, is_from_now ? 0 : 1);
	if (!is_from_now) {
		wire_map(&params, 1);
		wire_pair_uint(&params, "since", handle->last_event);
	}
	/* What is told after the answer counts already. */
	if (is_from_now)
		handle->last_event = 0;
	result = rpc_call(&handle->rpc, "subscribe", &params, timeout_ms,
		&reply, failure);
	if (result) {
		if (is_from_now)
			handle->last_event = HOLDFAST_FROM_NOW_ON;
		return result;
	}
	if (is_from_now)
		pass(handle, holdfast_uint(holdfast_get(
				     value_of(reply.result), "last")));
	handle->subscribed_on = handle->rpc.stream.connections;
	return 0;
}

PUBLIC int
holdfast_subscribe(struct holdfast *handle, uint64_t since,
	void (*on_event)(const struct holdfast_value *event, void *data),
	void *data, struct holdfast_error *error)
{
	struct failure failure;

	if (handle->is_telling)
		return handle_refuse(error, "a call from within on_event()");
	if (!on_event)
		return handle_refuse(error, "on_event is NULL");
	handle->on_event = on_event;
	handle->data = data;
	handle->last_event = since;
	handle->subscribed_on = 0;
	if (handle_prepare(handle, handle_timeout_ms(handle, HANDLE_TIMEOUT_MS),
		    &failure) == 0)
		return 0;
	handle->on_event = NULL;
	return handle_fail(error, &failure);
}

PUBLIC int
holdfast_unsubscribe(struct holdfast *handle, struct holdfast_error *error)
{
	cleanup(wire_writer_done) struct wire_writer params;

	if (handle->is_telling)
		return handle_refuse(error, "a call from within on_event()");
	handle->on_event = NULL;
	wire_writer_init(&params, WIRE_REQUEST_MAX);
	wire_array(&params, 0);
	return handle_call(handle, "unsubscribe", &params, NULL, error);
}

PUBLIC int
holdfast_dispatch(struct holdfast *handle, unsigned timeout_ms,
	struct holdfast_error *error)
{
	uint64_t deadline_us;
	struct failure failure;
	unsigned notes = 0;
	int result;

	if (handle->is_telling)
		return handle_refuse(error, "a call from within on_event()");
	if (!handle->on_event)
		return handle_refuse(error, "there is no subscription");
	handle->told = 0;
	result = handle_prepare(
		handle, handle_timeout_ms(handle, HANDLE_TIMEOUT_MS), &failure);
	deadline_us = clock_boot_us() + (uint64_t)timeout_ms * US_PER_MS;
	do {
		int left = clock_left_ms(deadline_us, INT32_MAX);

		if (result == 0)
			result = rpc_read_notes(&handle->rpc,
				handle->told ? 0 : left, &notes, &failure);
	} while (result == 0 && handle->told == 0 && notes > 0 &&
		 clock_boot_us() < deadline_us);
	/* What was told was told; the next call finds the connection lost. */
	return result && handle->told == 0 ? handle_fail(error, &failure)
					   : handle->told;
}
