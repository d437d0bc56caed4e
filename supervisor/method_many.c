/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * method_many.c - the methods manage_many and unmanage_prefix: many claims in
 *                 one transaction, all or nothing.
 *
 * Runs in: supervisor.
 * Trusts: calls whose shape call_check_shape() has approved; no batch is open,
 *         so that what is undone is this call's alone.
 * Invariant: an error has changed nothing. The answer is written before the
 *            commit, and taken back with the error if that fails.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/guard.h"
#include "proto/cid.h"
#include "supervisor/api.h"
#include "supervisor/call.h"
#include "supervisor/supervisor.h"

enum {
	MANAGED_AT_ONCE = 256,
	RELEASED_AT_ONCE = 1024,
};

/* The answer stands there: what cannot be told is not done, and api.c says so. */
static int
finish(struct call *call, struct err *err)
{
	struct batch *batch = &call->supervisor->batch;

	if (!call->out->has_failed)
		return batch_commit_whole(batch, err);
	batch_cancel(batch);
	return -EMSGSIZE;
}

/* One of the claims that manage_many was given. */
struct wish {
	struct text uri;
	struct text cid;
	bool if_absent;
	bool is_new; /* set by stage() */
};

/* Says of which one it is, and that none was made. */
static int
blame(uint32_t index, const struct wish *wish, struct err *err)
{
	char shown[CALL_SHOWN_MAX];
	char text[ERR_TEXT_MAX];

	(void)snprintf(text, sizeof(text), "%s", err->text);
	return err_set(err, err->code, err->errnum,
		"claim %u (\"%s\"): %s; none was made", index + 1,
		call_show(wish->cid, shown), text);
}

static int
get_options(const msgpack_object *options, struct wish *wish, struct err *err)
{
	const msgpack_object *value;

	if (wire_is_nil(options))
		return 0;
	if (wire_check_map(options, err) < 0)
		return -EINVAL;
	value = wire_find(options, "if_absent");
	if (options->via.map.size != (value ? 1 : 0))
		return err_set(err, ERR_BAD_OPTION, EINVAL,
			"if_absent is the only option; to give credentials, "
			"use manage");
	if (value && !wire_get_bool(value, &wish->if_absent))
		return err_set(err, ERR_BAD_OPTION, EINVAL,
			"option if_absent is true or false");
	return 0;
}

static int
get_wish(const msgpack_object *object, struct wish *wish, struct err *err)
{
	uint32_t count = 0;

	if (!wire_is_array(object, &count) || count < 2 || count > 3 ||
		!wire_get_bytes(
			wire_at(object, 0), &wish->uri.data, &wish->uri.len) ||
		!wire_get_bytes(
			wire_at(object, 1), &wish->cid.data, &wish->cid.len)) {
		wish->cid = (struct text){"", 0};
		return err_set(err, ERR_BAD_ARGUMENTS, EINVAL,
			"it is no array of URI, connection ID and, if wanted, "
			"options");
	}
	if (cid_check(wish->cid.data, wish->cid.len, err) < 0)
		return -EINVAL;
	return count < 3 ? 0 : get_options(wire_at(object, 2), wish, err);
}

static bool
is_same(struct text a, struct text b)
{
	return a.len == b.len && memcmp(a.data, b.data, a.len) == 0;
}

static int
check_twice(const struct wish *wishes, uint32_t index, struct err *err)
{
	for (uint32_t i = 0; i < index; i++)
		if (is_same(wishes[i].cid, wishes[index].cid))
			return err_set(err, ERR_BAD_ARGUMENTS, EINVAL,
				"its connection ID is that of claim %u, too",
				i + 1);
	return 0;
}

static int
stage(struct call *call, struct wish *wish, struct err *err)
{
	const struct asker nobody = {.uid = call->client->uid};
	const struct claim *claim =
		claim_find(call->supervisor, wish->cid.data, wish->cid.len);
	struct uri uri;
	int result = uri_parse(wish->uri.data, wish->uri.len, &uri, err);

	if (result < 0)
		return result;
	if (claim)
		return claim_fits(claim, &uri, call->client->uid,
			       wish->if_absent, err)
			       ? 0
			       : -EEXIST;
	wish->is_new = true;
	return batch_manage(&call->supervisor->batch, &nobody, &uri,
		wish->cid.data, wish->cid.len, NULL, err);
}

static void
write_managed(
	const struct call *call, const struct wish *wishes, uint32_t count)
{
	struct wire_writer *out = call->out;

	api_begin_result(out, call->message_id);
	wire_map(out, 1);
	wire_text(out, "claims");
	wire_map(out, count);
	for (uint32_t i = 0; i < count; i++) {
		const struct wish *wish = &wishes[i];
		const struct claim *claim = claim_find(
			call->supervisor, wish->cid.data, wish->cid.len);

		wire_bytes(out, wish->cid.data, wish->cid.len);
		wire_map(out, 2);
		wire_pair_text(out, "connection", claim->target->uri);
		wire_pair_bool(out, "created", wish->is_new);
	}
}

int
method_manage_many(struct call *call, struct err *err)
{
	const msgpack_object *list = wire_at(call->params, 0);
	cleanup_free struct wish *wishes = NULL;
	bool if_absent = false;
	uint32_t count = 0;
	int result = call_check_stopping(call, err);

	if (result == 0)
		result = call_get_option_bool(
			call, "if_absent", &if_absent, err);
	if (result < 0)
		return result;
	if (!wire_is_array(list, &count) || count == 0 ||
		count > MANAGED_AT_ONCE)
		return err_set(err, ERR_BAD_ARGUMENTS, EINVAL,
			"manage_many: the claims are an array of 1 to %d "
			"arrays [URI, connection ID]",
			MANAGED_AT_ONCE);
	wishes = calloc(count, sizeof(*wishes));
	if (!wishes)
		return err_set(err, ERR_INTERNAL, ENOMEM, "no memory");
	for (uint32_t i = 0; i < count; i++) {
		wishes[i].if_absent = if_absent;
		result = get_wish(wire_at(list, i), &wishes[i], err);
		if (result == 0)
			result = check_twice(wishes, i, err);
		if (result == 0)
			result = stage(call, &wishes[i], err);
		if (result < 0) {
			batch_cancel(&call->supervisor->batch);
			return blame(i, &wishes[i], err);
		}
	}
	write_managed(call, wishes, count);
	return finish(call, err);
}

/* Claims in the order of their IDs. */
static int
compare_claims(const void *a, const void *b)
{
	const struct claim *const *claim_a = a, *const *claim_b = b;

	return strcmp((*claim_a)->cid, (*claim_b)->cid);
}

/* Those that the prefix names, all of which the caller may release. */
static int
collect(const struct call *call, struct text prefix, struct claim **claims,
	size_t *ret_count, struct err *err)
{
	const uid_t uid = call->client->uid;
	struct claim *claim, *next;
	size_t count = 0;

	HASH_ITER (hh, call->supervisor->claims, claim, next) {
		if (strncmp(claim->cid, prefix.data, prefix.len) != 0)
			continue;
		if (uid != 0 && uid != claim->uid)
			return err_set(err, ERR_DENIED, EACCES,
				"%s belongs to uid %u; only that user or root "
				"may let it go; none was released",
				claim->cid, (unsigned)claim->uid);
		if (count == RELEASED_AT_ONCE)
			return err_set(err, ERR_TOO_MANY, ENOSPC,
				"more than %d claims begin with it; none was "
				"released: give a longer prefix",
				RELEASED_AT_ONCE);
		claims[count++] = claim;
	}
	qsort(claims, count, sizeof(*claims), compare_claims);
	*ret_count = count;
	return 0;
}

int
method_unmanage_prefix(struct call *call, struct err *err)
{
	const struct asker nobody = {.uid = call->client->uid};
	struct batch *batch = &call->supervisor->batch;
	cleanup_free struct claim **claims =
		calloc(RELEASED_AT_ONCE, sizeof(*claims));
	struct text prefix;
	size_t count = 0;
	int result = call_get_text(call, 0, "the prefix", &prefix, err);

	if (result == 0 && !claims)
		result = err_set(err, ERR_INTERNAL, ENOMEM, "no memory");
	if (result == 0)
		result = cid_check_prefix(prefix.data, prefix.len, err);
	if (result == 0)
		result = call_check_stopping(call, err);
	if (result == 0)
		result = collect(call, prefix, claims, &count, err);
	if (result < 0)
		return result;
	api_begin_result(call->out, call->message_id);
	wire_map(call->out, 1);
	wire_text(call->out, "released");
	wire_array(call->out, count);
	for (size_t i = 0; result == 0 && i < count; i++) {
		wire_text(call->out, claims[i]->cid);
		result = batch_unmanage(batch, &nobody, claims[i], err);
	}
	if (result < 0) {
		batch_cancel(batch);
		return result;
	}
	return finish(call, err);
}
