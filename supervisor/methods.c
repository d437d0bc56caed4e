/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * methods.c - what each method of the client API does; manage in
 *             method_manage.c.
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
	if (call->supervisor->is_stopping)
		return err_set(err, ERR_SHUTTING_DOWN, ESHUTDOWN,
			"the daemon is stopping; try again");
	result = batch_unmanage(&call->supervisor->batch, &asker, claim, err);
	return result < 0 ? result : CALL_LATER;
}

struct listing {
	struct call *call;
	struct text prefix;
	struct text state;
	uint32_t count; /* written, or to be written */
	bool is_counting;
};

static bool
is_listed(const struct listing *listing, const char *id, const char *state)
{
	if (listing->prefix.data && (strlen(id) < listing->prefix.len ||
					    memcmp(id, listing->prefix.data,
						    listing->prefix.len) != 0))
		return false;
	return !listing->state.data ||
	       wire_bytes_equal(listing->state.data, listing->state.len, state);
}

/* True when the caller is to write the entry of that ID now. */
static bool
begin_entry(struct listing *listing, const char *id, const char *state)
{
	if (!is_listed(listing, id, state))
		return false;
	listing->count++;
	if (listing->is_counting)
		return false;
	wire_text(listing->call->out, id);
	return true;
}

static void
list_unmanaged(const struct mount_entry *mount, void *data)
{
	struct listing *listing = data;
	char id[ENTRY_ID_MAX];

	if (!mount->is_network ||
		supervisor_owns_path(listing->call->supervisor, mount->path))
		return;
	entry_unmanaged_id(mount, id);
	if (begin_entry(listing, id, "unmanaged"))
		entry_write_unmanaged(listing->call->out, mount);
}

/* Which sessions are of targets of ours. */
static void
mark_managed_sessions(struct supervisor *supervisor)
{
	struct target *target, *next;

	for (size_t i = 0; i < supervisor->sessions.count; i++)
		supervisor->sessions.entries[i].is_managed = false;
	HASH_ITER (by_uri, supervisor->targets, target, next) {
		struct session_entry *session = target_session(target);

		if (session)
			session->is_managed = true;
	}
}

static void
list_unmanaged_sessions(struct listing *listing)
{
	struct supervisor *supervisor = listing->call->supervisor;
	char id[ENTRY_ID_MAX];

	mark_managed_sessions(supervisor);
	for (size_t i = 0; i < supervisor->sessions.count; i++) {
		const struct session_entry *session =
			&supervisor->sessions.entries[i];

		if (session->is_managed)
			continue;
		entry_unmanaged_session_id(session, id);
		if (begin_entry(listing, id, "unmanaged"))
			entry_write_unmanaged_session(
				listing->call->out, session);
	}
}

/* Of connections that are no more: the others have an entry of their own. */
static void
list_stuck(struct listing *listing)
{
	struct supervisor *supervisor = listing->call->supervisor;
	struct ledger_entry *stuck;
	char id[ENTRY_ID_MAX];

	TAILQ_FOREACH (stuck, &supervisor->ledger.entries, in_ledger) {
		if (stuck->is_suspect || target_find(supervisor, stuck->uri))
			continue;
		entry_stuck_id(stuck, id);
		if (begin_entry(listing, id, target_state_word(TARGET_STUCK)))
			entry_write_stuck(listing->call->out, stuck);
	}
}

/* Twice: a map's size stands in front of it. */
static void
list_all(struct listing *listing, bool is_counting)
{
	struct supervisor *supervisor = listing->call->supervisor;
	struct wire_writer *out = listing->call->out;
	struct claim *claim, *next_claim;
	struct target *target, *next_target;
	char id[ENTRY_ID_MAX];

	listing->is_counting = is_counting;
	listing->count = 0;
	HASH_ITER (hh, supervisor->claims, claim, next_claim)
		if (begin_entry(listing, claim->cid,
			    target_state_word(claim->target->status.state)))
			entry_write_claim(out, claim, false);
	HASH_ITER (by_uri, supervisor->targets, target, next_target) {
		if (target->claim_count > 0)
			continue;
		entry_lingering_id(target, id);
		if (begin_entry(listing, id,
			    target_state_word(target->status.state)))
			entry_write_lingering(out, target, false);
	}
	list_stuck(listing);
	mounts_each(&supervisor->mounts, list_unmanaged, listing);
	list_unmanaged_sessions(listing);
}

/* A word that is no state would silently list nothing. */
static int
check_state_word(struct text word, struct err *err)
{
	char shown[CALL_SHOWN_MAX];

	for (int i = 0; i < TARGET_STATE_COUNT; i++)
		if (wire_bytes_equal(word.data, word.len,
			    target_state_word((enum target_state)i)))
			return 0;
	if (wire_bytes_equal(word.data, word.len, "unmanaged"))
		return 0;
	return err_set(err, ERR_BAD_OPTION, EINVAL,
		"list: there is no state \"%s\"", call_show(word, shown));
}

int
method_list(struct call *call, struct err *err)
{
	struct listing listing = {.call = call};
	int result = call_get_option_text(call, "prefix", &listing.prefix, err);

	if (result == 0)
		result = call_get_option_text(
			call, "state", &listing.state, err);
	if (result == 0 && listing.state.data)
		result = check_state_word(listing.state, err);
	if (result < 0)
		return result;
	/* Nothing else tells of what others log in to. */
	if (call->supervisor->sessions.source.fd < 0)
		sessions_read_now(&call->supervisor->sessions);
	list_all(&listing, true);
	begin(call);
	wire_map(call->out, listing.count);
	list_all(&listing, false);
	return 0;
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
		cid.len, what, timeout_ms, err);
	return result < 0 ? result : CALL_LATER;
}

int
method_retry(struct call *call, struct err *err)
{
	struct claim *claim;
	int result = call_get_claim(call, &claim, err);

	if (result < 0)
		return result;
	target_retry(claim->target);
	begin(call);
	wire_map(call->out, 2);
	wire_pair_text(call->out, "connection", claim->target->uri);
	wire_pair_text(call->out, "state",
		target_state_word(claim->target->status.state));
	return 0;
}
