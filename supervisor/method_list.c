/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * method_list.c - the method list: filters and pages.
 *
 * Runs in: supervisor.
 * Trusts: calls whose shape call_check_shape() has approved.
 * Invariant: pages that are asked for one after the other hold each ID that
 *            was there all the time exactly once.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/guard.h"
#include "supervisor/api.h"
#include "supervisor/call.h"
#include "supervisor/entry.h"
#include "supervisor/supervisor.h"

enum {
	PAGE_MAX = 1000,
};

/* The least IDs after `after`. A heap, so that no order in which they come costs
 * more than another: the greatest is the first. */
struct page {
	char (*ids)[ENTRY_ID_MAX];
	char **heap;
	size_t count;
	uint64_t max; /* 0: no page, but all */
};

struct listing {
	struct call *call;
	struct text prefix;
	struct text state;
	struct text after;
	bool has_uid;
	uint64_t uid;
	bool has_uri;
	struct uri uri;
	struct page *page; /* that is being gathered, or NULL */
	const char *last;  /* no ID after that; NULL: all */
	size_t count;	   /* while is_counting */
	bool is_counting;
};

/* One that may be listed. */
struct candidate {
	const char *id;
	const char *state;
	const struct claim *claim;   /* NULL: nobody's */
	const struct target *target; /* NULL: others connected it */
};

static int
compare(struct text text, const char *id)
{
	size_t len = strlen(id);
	int order = memcmp(text.data, id, text.len < len ? text.len : len);

	return order ? order : (text.len > len) - (text.len < len);
}

static bool
begins_with(const char *id, struct text prefix)
{
	return strlen(id) >= prefix.len &&
	       memcmp(id, prefix.data, prefix.len) == 0;
}

static bool
is_listed(const struct listing *listing, const struct candidate *candidate)
{
	const char *id = candidate->id;
	const struct target *target = candidate->target;

	if (listing->prefix.data && !begins_with(id, listing->prefix))
		return false;
	if (listing->after.data && compare(listing->after, id) >= 0)
		return false;
	if (listing->last && strcmp(id, listing->last) > 0)
		return false;
	if (listing->has_uid &&
		(!candidate->claim || candidate->claim->uid != listing->uid))
		return false;
	if (listing->has_uri &&
		(!target || strcmp(target->uri, listing->uri.canonical) != 0))
		return false;
	return !listing->state.data ||
	       wire_bytes_equal(listing->state.data, listing->state.len,
		       candidate->state);
}

/* Swaps the two unless the one nearer to the root is the greater already. */
static bool
reorder(char **heap, size_t root, size_t leaf)
{
	char *id = heap[leaf];

	if (strcmp(heap[root], id) >= 0)
		return false;
	heap[leaf] = heap[root];
	heap[root] = id;
	return true;
}

static void
sift_up(char **heap, size_t at)
{
	while (at > 0 && reorder(heap, (at - 1) / 2, at))
		at = (at - 1) / 2;
}

static void
sift_down(char **heap, size_t count)
{
	size_t at = 0, child;

	while ((child = 2 * at + 1) < count) {
		if (child + 1 < count &&
			strcmp(heap[child + 1], heap[child]) > 0)
			child++;
		if (!reorder(heap, at, child))
			break;
		at = child;
	}
}

/* Once it is full, an ID takes the place of the greatest, or is none of it. */
static void
gather(struct page *page, const char *id)
{
	char **heap = page->heap;

	if (page->count < page->max) {
		heap[page->count] = page->ids[page->count];
		(void)snprintf(heap[page->count], ENTRY_ID_MAX, "%s", id);
		sift_up(heap, page->count++);
	} else if (strcmp(heap[0], id) > 0) {
		(void)snprintf(heap[0], ENTRY_ID_MAX, "%s", id);
		sift_down(heap, page->count);
	}
}

/* True when the caller is to write the entry now. */
static bool
begin_entry(struct listing *listing, const struct candidate *candidate)
{
	if (!is_listed(listing, candidate))
		return false;
	listing->count++;
	if (listing->page)
		gather(listing->page, candidate->id);
	if (listing->page || listing->is_counting)
		return false;
	wire_text(listing->call->out, candidate->id);
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
	if (begin_entry(listing,
		    &(struct candidate){.id = id, .state = "unmanaged"}))
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
		if (begin_entry(listing, &(struct candidate){.id = id,
						 .state = "unmanaged"}))
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
		if (begin_entry(listing,
			    &(struct candidate){.id = id,
				    .state = target_state_word(TARGET_STUCK)}))
			entry_write_stuck(listing->call->out, stuck);
	}
}

static void
list_claims(struct listing *listing)
{
	struct claim *claim, *next;

	HASH_ITER (hh, listing->call->supervisor->claims, claim, next) {
		const struct candidate candidate = {.id = claim->cid,
			.state = target_state_word(claim->target->status.state),
			.claim = claim,
			.target = claim->target};

		if (begin_entry(listing, &candidate))
			entry_write_claim(listing->call->out, claim, false);
	}
}

static void
list_lingering(struct listing *listing)
{
	struct target *target, *next;
	char id[ENTRY_ID_MAX];

	HASH_ITER (by_uri, listing->call->supervisor->targets, target, next) {
		const struct candidate candidate = {.id = id,
			.state = target_state_word(target->status.state),
			.target = target};

		if (target->claim_count > 0)
			continue;
		entry_lingering_id(target, id);
		if (begin_entry(listing, &candidate))
			entry_write_lingering(
				listing->call->out, target, false);
	}
}

static void
list_all(struct listing *listing)
{
	list_claims(listing);
	list_lingering(listing);
	list_stuck(listing);
	mounts_each(
		&listing->call->supervisor->mounts, list_unmanaged, listing);
	list_unmanaged_sessions(listing);
}

static size_t
count_all(struct listing *listing)
{
	listing->is_counting = true;
	list_all(listing);
	listing->is_counting = false;
	return listing->count;
}

static void
page_done(struct page *page)
{
	free(page->ids);
	free(page->heap);
}

/* Finds where the page ends, and so how many are in it. */
static int
turn_page(struct listing *listing, struct page *page, struct err *err)
{
	page->ids = calloc(page->max, sizeof(*page->ids));
	page->heap = calloc(page->max, sizeof(*page->heap));
	if (!page->ids || !page->heap)
		return err_set(err, ERR_INTERNAL, ENOMEM, "no memory");
	listing->page = page;
	list_all(listing);
	listing->page = NULL;
	if (page->count == page->max)
		listing->last = page->heap[0];
	return 0;
}

static const char state_words[] =
#define TARGET_STATE(name, word, has_object, meaning) " " word ","
#include "proto/state.def"
#undef TARGET_STATE
	;

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
		"list: there is no state \"%s\"; there are%s unmanaged",
		call_show(word, shown), state_words);
}

static int
get_uri(const struct call *call, struct listing *listing, struct err *err)
{
	struct text text = {0};
	int result = call_get_option_text(call, "connection", &text, err);

	if (result < 0 || !text.data)
		return result;
	listing->has_uri = true;
	return uri_parse(text.data, text.len, &listing->uri, err);
}

static int
get_uid(const struct call *call, struct listing *listing, struct err *err)
{
	listing->uid = UINT64_MAX;
	if (call_get_option_uint(call, "uid", UINT32_MAX, &listing->uid, err) <
		0)
		return -EINVAL;
	listing->has_uid = listing->uid != UINT64_MAX;
	return 0;
}

static int
get_filters(const struct call *call, struct listing *listing, struct err *err)
{
	int result =
		call_get_option_text(call, "prefix", &listing->prefix, err);

	if (result == 0)
		result = call_get_option_text(
			call, "state", &listing->state, err);
	if (result == 0 && listing->state.data)
		result = check_state_word(listing->state, err);
	if (result == 0)
		result = call_get_option_text(
			call, "after", &listing->after, err);
	if (result == 0)
		result = get_uid(call, listing, err);
	return result == 0 ? get_uri(call, listing, err) : result;
}

int
method_list(struct call *call, struct err *err)
{
	struct listing listing = {.call = call};
	cleanup(page_done) struct page page = {0};
	size_t count;
	int result = get_filters(call, &listing, err);

	if (result == 0)
		result = call_get_option_count(
			call, "max", PAGE_MAX, &page.max, err);
	if (result < 0)
		return result;
	/* Nothing else tells of what others log in to. */
	if (call->supervisor->sessions.source.fd < 0)
		sessions_read_now(&call->supervisor->sessions);
	/* Twice: a map's size stands in front of it. */
	if (page.max > 0) {
		result = turn_page(&listing, &page, err);
		if (result < 0)
			return result;
		count = page.count;
	} else {
		count = count_all(&listing);
	}
	api_begin_result(call->out, call->message_id);
	wire_map(call->out, count);
	list_all(&listing);
	return 0;
}
