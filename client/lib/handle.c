/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * handle.c - libholdfast: the handle, and a call on it.
 *
 * Runs in: whoever links libholdfast.
 * Trusts: nobody: rpc.c looks at what comes, the caller's msgpack is scanned.
 * Invariant: see holdfast.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "paths.h"
#include "client/lib/handle.h"
#include "common/clock.h"
#include "common/guard.h"

#define DEFAULT_SOCKET RUNSTATEDIR "/holdfast/api.sock"

_Static_assert(
	sizeof(((struct holdfast_error *)NULL)->slug) == FAILURE_SLUG_MAX &&
		sizeof(((struct holdfast_error *)NULL)->text) ==
			FAILURE_TEXT_MAX,
	"a failure fits into an error");

int
handle_fail(struct holdfast_error *error, const struct failure *failure)
{
	if (!error)
		return -1;
	error->number = failure->number;
	memcpy(error->slug, failure->slug, sizeof(error->slug));
	memcpy(error->text, failure->text, sizeof(error->text));
	return -1;
}

int
handle_refuse(struct holdfast_error *error, const char *text)
{
	struct failure failure;

	(void)failure_set(&failure, ERR_BAD_ARGUMENTS, "%s", text);
	return handle_fail(error, &failure);
}

static struct holdfast *
fail_to_connect(struct holdfast_error *error, const struct failure *failure)
{
	(void)handle_fail(error, failure);
	return NULL;
}

PUBLIC struct holdfast *
holdfast_connect(const char *path, struct holdfast_error *error)
{
	const char *name = path ? path : DEFAULT_SOCKET;
	size_t size = strlen(name) + 1;
	struct holdfast *handle = calloc(1, sizeof(*handle) + size);
	struct failure failure;

	if (!handle) {
		(void)failure_set(&failure, ERR_INTERNAL, "no memory");
		return fail_to_connect(error, &failure);
	}
	memcpy(handle->path, name, size);
	rpc_init(&handle->rpc, handle->path);
	handle->rpc.on_note = events_on_note;
	handle->rpc.data = handle;
	if (rpc_connect(&handle->rpc, HANDLE_TIMEOUT_MS, &failure)) {
		holdfast_close(handle);
		return fail_to_connect(error, &failure);
	}
	return handle;
}

PUBLIC void
holdfast_close(struct holdfast *handle)
{
	if (!handle)
		return;
	rpc_done(&handle->rpc);
	free(handle);
}

PUBLIC void
holdfast_set_timeout(struct holdfast *handle, unsigned timeout_ms)
{
	handle->timeout_ms = timeout_ms;
}

PUBLIC int
holdfast_fd(const struct holdfast *handle)
{
	return handle->rpc.stream.socketfd;
}

int64_t
handle_timeout_ms(const struct holdfast *handle, int64_t own_ms)
{
	return handle->timeout_ms ? handle->timeout_ms : own_ms;
}

int
handle_prepare(
	struct holdfast *handle, int64_t timeout_ms, struct failure *failure)
{
	uint64_t deadline_us =
		clock_boot_us() + (uint64_t)timeout_ms * US_PER_MS;
	int result = rpc_connect(&handle->rpc, timeout_ms, failure);

	if (result || !handle->on_event ||
		handle->subscribed_on == handle->rpc.stream.connections)
		return result;
	return events_subscribe(
		handle, clock_left_ms(deadline_us, INT32_MAX), failure);
}

/* Its answer, which is the caller's. */
static int
fetch(struct holdfast *handle, const char *method,
	const struct wire_writer *params, int64_t timeout_ms,
	struct page **ret_page, struct failure *failure)
{
	uint64_t deadline_us =
		clock_boot_us() + (uint64_t)timeout_ms * US_PER_MS;
	cleanup(guard_page) struct page *page = calloc(1, sizeof(*page));
	int result;

	if (!page)
		return failure_set(failure, ERR_INTERNAL, "no memory");
	result = handle_prepare(handle, timeout_ms, failure);
	if (result == 0)
		result = rpc_call(&handle->rpc, method, params,
			clock_left_ms(deadline_us, INT32_MAX), &page->reply,
			failure);
	if (result)
		return result;
	reply_terminate(&page->reply.message);
	*ret_page = take_ptr(page);
	return 0;
}

int
handle_call_for(struct holdfast *handle, const char *method,
	const struct wire_writer *params, int64_t timeout_ms,
	struct holdfast_reply **ret_reply, struct holdfast_error *error)
{
	cleanup(guard_page) struct page *page = NULL;
	struct holdfast_reply *reply;
	struct failure failure;

	if (handle->is_telling)
		return handle_refuse(error, "a call from within on_event()");
	if (fetch(handle, method, params, timeout_ms, &page, &failure))
		return handle_fail(error, &failure);
	if (!ret_reply)
		return 0;
	reply = reply_new(page);
	if (!reply) {
		(void)failure_set(&failure, ERR_INTERNAL, "no memory");
		return handle_fail(error, &failure);
	}
	page = NULL; /* the reply's now */
	*ret_reply = reply;
	return 0;
}

int
handle_call(struct holdfast *handle, const char *method,
	const struct wire_writer *params, struct holdfast_reply **ret_reply,
	struct holdfast_error *error)
{
	return handle_call_for(handle, method, params,
		handle_timeout_ms(handle, HANDLE_TIMEOUT_MS), ret_reply, error);
}

/* One array, whole, and nothing after it, which would spoil the stream. */
static bool
is_array(const uint8_t *params, size_t len)
{
	struct wire_scan scan = {0};

	return len > 0 &&
	       ((params[0] & 0xf0) == 0x90 || params[0] == 0xdc ||
		       params[0] == 0xdd) &&
	       wire_scan(&scan, &wire_request_limits, params, len, NULL) ==
		       (ssize_t)len;
}

PUBLIC int
holdfast_call(struct holdfast *handle, const char *method, const void *params,
	size_t params_len, unsigned timeout_ms,
	struct holdfast_reply **ret_reply, struct holdfast_error *error)
{
	cleanup(wire_writer_done) struct wire_writer writer;

	wire_writer_init(&writer, WIRE_REQUEST_MAX);
	writer.is_secret = true; /* whatever it may be */
	if (!params)
		wire_array(&writer, 0);
	else if (is_array(params, params_len))
		wire_raw(&writer, params, params_len);
	else
		return handle_refuse(error, "the parameters are no array of "
					    "msgpack");
	return handle_call_for(handle, method, &writer,
		timeout_ms ? (int64_t)timeout_ms
			   : handle_timeout_ms(handle, HANDLE_TIMEOUT_MS),
		ret_reply, error);
}
