/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * methods.c - what each method of the client API does; larger ones have a
 *             method_*.c of their own.
 *
 * Runs in: supervisor.
 * Trusts: calls whose shape call_check_shape() has approved; their arguments
 *         are still a stranger's.
 * Invariant: an error has changed nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "paths.h"
#include "common/clock.h"
#include "common/guard.h"
#include "supervisor/api.h"
#include "supervisor/call.h"
#include "supervisor/entry.h"
#include "supervisor/supervisor.h"
#include "supervisor/waiter.h"

enum {
	WAIT_MS_DEFAULT = 30000,
	WAIT_MS_MAX = 86400000
};

static void
begin(const struct call *call)
{
	api_begin_result(call->out, call->message_id);
}

int
method_hello(struct call *call, struct err *err)
{
	struct supervisor *supervisor = call->supervisor;

	begin(call);
	wire_map(call->out, 6);
	wire_pair_text(call->out, "server", "holdfastd");
	wire_pair_text(call->out, "version", VERSION);
	wire_pair_uint(call->out, "api", 1);
	wire_text(call->out, "methods");
	api_write_methods(call->out);
	/* "" when nothing is to be said of the store. */
	wire_pair_text(call->out, "store", store_note(supervisor->store));
	wire_pair_bool(call->out, "paused", supervisor->is_paused);
	return 0;
}

int
method_unmanage(struct call *call, struct err *err)
{
	const struct asker asker = call_asker(call);
	struct claim *claim;
	int result = call_get_claim(call, &claim, err);

	if (result < 0)
		return result;
	if (asker.uid != 0 && asker.uid != claim->uid)
		return err_set(err, ERR_DENIED, EACCES,
			"%s belongs to uid %u; only that user or root may let "
			"it go",
			claim->cid, (unsigned)claim->uid);
	result = call_check_stopping(call, err);
	if (result == 0)
		result = batch_unmanage(
			&call->supervisor->batch, &asker, claim, err);
	return result < 0 ? result : CALL_LATER;
}

static int
get_wait_for(const struct call *call, enum wait_for *ret_for, struct err *err)
{
	static const char *const words[] = {
		[WAIT_CONNECTED] = "connected",
		[WAIT_SETTLED] = "settled",
		[WAIT_GONE] = "gone",
	};
	struct text word = {0};
	int result = call_get_option_text(call, "for", &word, err);

	*ret_for = WAIT_CONNECTED;
	if (result < 0 || !word.data)
		return result;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (wire_bytes_equal(word.data, word.len, words[i])) {
			*ret_for = (enum wait_for)i;
			return 0;
		}
	return err_set(err, ERR_BAD_OPTION, EINVAL,
		"wait: option for is connected, settled or gone");
}

static int
get_asked(const struct call *call, enum wait_for what, bool *ret_is_asked,
	struct err *err)
{
	if (call_get_option_bool(call, "asked", ret_is_asked, err) < 0)
		return -EINVAL;
	if (*ret_is_asked && what != WAIT_SETTLED)
		return err_set(err, ERR_BAD_OPTION, EINVAL,
			"wait: option asked goes with for = settled alone");
	return 0;
}

/* A connection that is on its way out, by the claim that went last. */
static struct target *
find_departing(struct supervisor *supervisor, struct text cid)
{
	struct target *target, *next;

	HASH_ITER (by_uri, supervisor->targets, target, next)
		if (target->claim_count == 0 && target->last_cid &&
			wire_bytes_equal(cid.data, cid.len, target->last_cid))
			return target;
	return NULL;
}

int
method_wait(struct call *call, struct err *err)
{
	uint64_t timeout_ms = WAIT_MS_DEFAULT;
	bool is_asked = false;
	enum wait_for what = WAIT_CONNECTED;
	struct claim *claim = NULL;
	struct target *target;
	struct text cid;
	int result = call_get_past_cid(call, 0, &cid, err);

	if (result == 0)
		result = get_wait_for(call, &what, err);
	if (result == 0)
		result = call_get_option_uint(
			call, "timeout_ms", WAIT_MS_MAX, &timeout_ms, err);
	if (result == 0)
		result = get_asked(call, what, &is_asked, err);
	if (result == 0 && what != WAIT_GONE)
		result = call_get_claim(call, &claim, err);
	if (result < 0)
		return result;
	claim = claim_find(call->supervisor, cid.data, cid.len);
	target = claim ? claim->target : find_departing(call->supervisor, cid);
	if (!target) {
		begin(call);
		entry_write_nothing(call->out);
		return 0;
	}
	result = waiter_new(call->client, call->message_id, target, cid.data,
		cid.len, what, is_asked ? target->asked_us : clock_boot_us(),
		timeout_ms, err);
	return result < 0 ? result : CALL_LATER;
}

int
method_retry(struct call *call, struct err *err)
{
	struct claim *claim;
	int result = call_get_claim(call, &claim, err);

	if (result < 0)
		return result;
	begin(call);
	wire_map(call->out, 2);
	wire_pair_text(call->out, "connection", claim->target->uri);
	wire_pair_text(call->out, "state",
		target_state_word(claim->target->status.state));
	claim->target->asked_us = clock_boot_us();
	target_retry(claim->target);
	return 0;
}
