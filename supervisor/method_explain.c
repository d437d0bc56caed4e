/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * method_explain.c - the methods status and explain.
 *
 * Runs in: supervisor.
 * Trusts: calls whose shape call_check_shape() has approved.
 */
#include <string.h>

#include "supervisor/api.h"
#include "supervisor/call.h"
#include "supervisor/entry.h"
#include "supervisor/explain.h"
#include "supervisor/supervisor.h"

/* A connection on its way out, by its transient ID "lingering/NAME". */
static struct target *
find_lingering(struct supervisor *supervisor, struct text id)
{
	struct target *target, *next;
	char own[ENTRY_ID_MAX];

	HASH_ITER (by_uri, supervisor->targets, target, next) {
		if (target->claim_count > 0)
			continue;
		entry_lingering_id(target, own);
		if (wire_bytes_equal(id.data, id.len, own))
			return target;
	}
	return NULL;
}

/* What the first argument names: a claim, or a target without one. */
static int
get_subject(const struct call *call, struct claim **ret_claim,
	struct target **ret_target, struct err *err)
{
	struct text id;
	int result = call_get_text(call, 0, "the connection ID", &id, err);

	if (result < 0)
		return result;
	*ret_claim = NULL;
	*ret_target = find_lingering(call->supervisor, id);
	if (*ret_target)
		return 0;
	result = call_get_claim(call, ret_claim, err);
	if (result == 0)
		*ret_target = (*ret_claim)->target;
	return result;
}

int
method_status(struct call *call, struct err *err)
{
	struct claim *claim;
	struct target *target;
	int result = get_subject(call, &claim, &target, err);

	if (result < 0)
		return result;
	api_begin_result(call->out, call->message_id);
	if (claim)
		entry_write_claim(call->out, claim, true);
	else
		entry_write_lingering(call->out, target, true);
	return 0;
}

int
method_explain(struct call *call, struct err *err)
{
	struct claim *claim;
	struct target *target;
	int result = get_subject(call, &claim, &target, err);

	if (result < 0)
		return result;
	api_begin_result(call->out, call->message_id);
	wire_map(call->out, 3 + EXPLAIN_KEYS);
	wire_pair_text(call->out, "connection", target->uri);
	wire_pair_text(
		call->out, "state", target_state_word(target->status.state));
	wire_text(call->out, "why");
	explain_write_why(call->out, target);
	explain_write_status(call->out, target);
	return 0;
}
