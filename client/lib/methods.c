/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * methods.c - libholdfast: a function for each method of the API.
 *
 * Runs in: whoever links libholdfast.
 * Invariant: memory that held a password is wiped before it is freed.
 */
#include <string.h>

#include "client/lib/handle.h"
#include "common/guard.h"

/* What all of them begin with. */
static void
begin(struct wire_writer *params, size_t count)
{
	wire_writer_init(params, WIRE_REQUEST_MAX);
	wire_array(params, count);
}

PUBLIC int
holdfast_hello(struct holdfast *handle, struct holdfast_reply **ret_reply,
	struct holdfast_error *error)
{
	cleanup(wire_writer_done) struct wire_writer params;

	begin(&params, 0);
	return handle_call(handle, "hello", &params, ret_reply, error);
}

static int
call_with_text(struct holdfast *handle, const char *method, const char *text,
	struct holdfast_reply **ret_reply, struct holdfast_error *error)
{
	cleanup(wire_writer_done) struct wire_writer params;

	begin(&params, 1);
	if (!text)
		return handle_refuse(error, "a connection ID is NULL");
	wire_text(&params, text);
	return handle_call(handle, method, &params, ret_reply, error);
}

static void
write_options(struct wire_writer *params,
	const struct holdfast_manage_options *options)
{
	const struct wire_option texts[] = {
		{"auth", options->auth},
		{"username", options->username},
		{"password", options->password},
		{"username_in", options->username_in},
		{"password_in", options->password_in},
	};

	wire_map(params, (options->if_absent ? 1 : 0) +
				 wire_count_given(texts, ARRAY_SIZE(texts)));
	if (options->if_absent)
		wire_pair_bool(params, "if_absent", true);
	wire_pairs_given(params, texts, ARRAY_SIZE(texts));
}

PUBLIC int
holdfast_manage(struct holdfast *handle, const char *uri, const char *cid,
	const struct holdfast_manage_options *options,
	struct holdfast_reply **ret_reply, struct holdfast_error *error)
{
	cleanup(wire_writer_done) struct wire_writer params;
	bool is_trial = options && (options->auth || options->username);

	begin(&params, options ? 3 : 2);
	params.is_secret = true;
	if (!uri || !cid)
		return handle_refuse(error, "a URI or connection ID is NULL");
	wire_text(&params, uri);
	wire_text(&params, cid);
	if (options)
		write_options(&params, options);
	return handle_call_for(handle, "manage", &params,
		handle_timeout_ms(handle,
			is_trial ? HANDLE_TRIAL_TIMEOUT_MS : HANDLE_TIMEOUT_MS),
		ret_reply, error);
}

PUBLIC int
holdfast_manage_many(struct holdfast *handle,
	const struct holdfast_claim *claims, size_t count,
	struct holdfast_reply **ret_reply, struct holdfast_error *error)
{
	cleanup(wire_writer_done) struct wire_writer params;

	begin(&params, 1);
	wire_array(&params, count);
	for (size_t i = 0; i < count; i++) {
		if (!claims[i].uri || !claims[i].cid)
			return handle_refuse(
				error, "a URI or connection ID is NULL");
		wire_array(&params, claims[i].if_absent ? 3 : 2);
		wire_text(&params, claims[i].uri);
		wire_text(&params, claims[i].cid);
		if (!claims[i].if_absent)
			continue;
		wire_map(&params, 1);
		wire_pair_bool(&params, "if_absent", true);
	}
	return handle_call(handle, "manage_many", &params, ret_reply, error);
}

PUBLIC int
holdfast_unmanage(struct holdfast *handle, const char *cid,
	struct holdfast_reply **ret_reply, struct holdfast_error *error)
{
	return call_with_text(handle, "unmanage", cid, ret_reply, error);
}

PUBLIC int
holdfast_unmanage_prefix(struct holdfast *handle, const char *prefix,
	struct holdfast_reply **ret_reply, struct holdfast_error *error)
{
	return call_with_text(
		handle, "unmanage_prefix", prefix, ret_reply, error);
}

PUBLIC int
holdfast_status(struct holdfast *handle, const char *cid,
	struct holdfast_reply **ret_reply, struct holdfast_error *error)
{
	return call_with_text(handle, "status", cid, ret_reply, error);
}

PUBLIC int
holdfast_retry(struct holdfast *handle, const char *cid,
	struct holdfast_reply **ret_reply, struct holdfast_error *error)
{
	return call_with_text(handle, "retry", cid, ret_reply, error);
}

PUBLIC int
holdfast_wait(struct holdfast *handle, const char *cid, const char *what,
	unsigned timeout_ms, struct holdfast_reply **ret_reply,
	struct holdfast_error *error)
{
	cleanup(wire_writer_done) struct wire_writer params;
	bool is_settled = what && strcmp(what, "settled") == 0;

	begin(&params, 2);
	if (!cid)
		return handle_refuse(error, "a connection ID is NULL");
	wire_text(&params, cid);
	wire_map(&params, is_settled ? 3 : 2);
	wire_pair_text(&params, "for", what ? what : "connected");
	if (is_settled)
		wire_pair_bool(&params, "asked", true);
	wire_pair_uint(&params, "timeout_ms", timeout_ms);
	return handle_call_for(handle, "wait", &params,
		(int64_t)timeout_ms + HANDLE_GRACE_MS, ret_reply, error);
}

PUBLIC int
holdfast_events(struct holdfast *handle, uint64_t since, unsigned timeout_ms,
	unsigned max, struct holdfast_reply **ret_reply,
	struct holdfast_error *error)
{
	cleanup(wire_writer_done) struct wire_writer params;

	begin(&params, 2);
	wire_uint(&params, since);
	wire_map(&params, max ? 2 : 1);
	wire_pair_uint(&params, "timeout_ms", timeout_ms);
	if (max)
		wire_pair_uint(&params, "max", max);
	return handle_call_for(handle, "events", &params,
		(int64_t)timeout_ms +
			handle_timeout_ms(handle, HANDLE_TIMEOUT_MS),
		ret_reply, error);
}
