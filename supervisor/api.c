/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * api.c - the methods of the client API.
 *
 * Runs in: supervisor.
 * Trusts: nobody. Shape and options of a call are checked against the tables
 *         of proto/api.def before its handler sees it.
 * Invariant: a request gets one answer, with its own number; an error has
 *            changed nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "paths.h"
#include "common/guard.h"
#include "proto/cid.h"
#include "supervisor/api.h"
#include "supervisor/entry.h"
#include "supervisor/supervisor.h"
#include "supervisor/waiter.h"

enum {
	RPC_REQUEST = 0,
	RPC_RESPONSE = 1,
	RPC_NOTIFICATION = 2
};

/* The answer comes later: from batch.c or waiter.c. */
enum {
	CALL_LATER = 1
};

enum {
	WAIT_MS_DEFAULT = 30000,
	WAIT_MS_MAX = 86400000
};

struct method;

struct call {
	struct supervisor *supervisor;
	struct client *client;
	const struct method *method;
	uint64_t message_id;
	const msgpack_object *params;  /* an array of the right size */
	const msgpack_object *options; /* a checked map, or NULL */
	struct wire_writer *out;
};

struct text {
	const char *data;
	size_t len;
};

/* Handlers begin and write the result to call->out and return 0, or have it
 * answered later and return CALL_LATER, or a negative errno with err. */
typedef int handler(struct call *call, struct err *err);

#define METHOD(name, least, most, changes, arguments, meaning)                 \
	static handler on_##name;
#include "proto/api.def"
#undef METHOD

static const struct method {
	const char *name;
	uint32_t least;
	uint32_t most;
	bool changes_claims;
	const char *arguments;
	handler *run;
} methods[] = {
#define METHOD(name, least, most, changes, arguments, meaning)                 \
	{#name, least, most, changes, arguments, on_##name},
#include "proto/api.def"
#undef METHOD
};

static const struct {
	const char *alias;
	const char *name;
} aliases[] = {
#define ALIAS(alias, name) {#alias, #name},
#include "proto/api.def"
#undef ALIAS
};

static const struct {
	const char *method;
	const char *key;
} options[] = {
#define OPTION(method, key, type, meaning) {#method, #key},
#include "proto/api.def"
#undef OPTION
};

void
api_begin_result(struct wire_writer *out, uint64_t message_id)
{
	wire_array(out, 4);
	wire_uint(out, RPC_RESPONSE);
	wire_uint(out, message_id);
	wire_nil(out);
}

void
api_write_error(
	struct wire_writer *out, uint64_t message_id, const struct err *err)
{
	char text[ERR_TEXT_MAX + 32];

	(void)snprintf(
		text, sizeof(text), "%s: %s", err_slug(err->code), err->text);
	wire_array(out, 4);
	wire_uint(out, RPC_RESPONSE);
	wire_uint(out, message_id);
	wire_text(out, text);
	wire_nil(out);
}

static const struct method *
find_method(struct text name)
{
	for (size_t i = 0; i < ARRAY_SIZE(aliases); i++)
		if (wire_bytes_equal(name.data, name.len, aliases[i].alias))
			name = (struct text){
				aliases[i].name, strlen(aliases[i].name)};
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		if (wire_bytes_equal(name.data, name.len, methods[i].name))
			return &methods[i];
	return NULL;
}

static bool
has_option(const struct method *method, struct text key)
{
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (strcmp(options[i].method, method->name) == 0 &&
			wire_bytes_equal(key.data, key.len, options[i].key))
			return true;
	return false;
}

/* Names an outside string for a person, without its bad bytes. */
static const char *
show(struct text text, char shown[64])
{
	(void)snprintf(shown, 64, "%.*s%s",
		(int)(text.len < 48 ? text.len : 48), text.data,
		text.len > 48 ? "..." : "");
	err_clean_text(shown);
	return shown;
}

static int
check_options(const struct call *call, struct err *err)
{
	const msgpack_object_map *map = &call->options->via.map;
	int result = wire_check_map(call->options, err);

	for (uint32_t i = 0; result == 0 && i < map->size; i++) {
		struct text key = {0};
		char shown[64];

		(void)wire_get_bytes(&map->ptr[i].key, &key.data, &key.len);
		if (!has_option(call->method, key))
			return err_set(err, ERR_BAD_OPTION, EINVAL,
				"%s has no option \"%s\"", call->method->name,
				show(key, shown));
	}
	return result;
}

/* Mandatory arguments by position, then an optional map. */
static int
check_shape(struct call *call, struct err *err)
{
	const struct method *method = call->method;
	uint32_t count;

	if (!wire_is_array(call->params, &count))
		return err_set(err, ERR_BAD_ARGUMENTS, EINVAL,
			"%s: parameters come as an array", method->name);
	if (count < method->least || count > method->most)
		return err_set(err, ERR_BAD_ARGUMENTS, EINVAL,
			"%s(%s%s[options]) takes %u to %u arguments, not %u",
			method->name, method->arguments,
			*method->arguments ? ", " : "", method->least,
			method->most, count);
	if (count <= method->least ||
		wire_is_nil(wire_at(call->params, count - 1)))
		return 0;
	call->options = wire_at(call->params, count - 1);
	return check_options(call, err);
}

static int
get_text(const struct call *call, uint32_t index, const char *name,
	struct text *ret_text, struct err *err)
{
	if (wire_get_bytes(wire_at(call->params, index), &ret_text->data,
		    &ret_text->len))
		return 0;
	return err_set(err, ERR_BAD_ARGUMENTS, EINVAL, "%s: %s is not a string",
		call->method->name, name);
}

/* Each leaves *ret_value alone when the option is not there. */

static int
get_option_bool(const struct call *call, const char *key, bool *ret_value,
	struct err *err)
{
	const msgpack_object *value =
		call->options ? wire_find(call->options, key) : NULL;

	if (!value || wire_get_bool(value, ret_value))
		return 0;
	return err_set(err, ERR_BAD_OPTION, EINVAL,
		"%s: option %s is true or false", call->method->name, key);
}

static int
get_option_uint(const struct call *call, const char *key, uint64_t most,
	uint64_t *ret_value, struct err *err)
{
	const msgpack_object *value =
		call->options ? wire_find(call->options, key) : NULL;
	uint64_t number;

	if (!value)
		return 0;
	if (!wire_get_uint(value, &number) || number > most)
		return err_set(err, ERR_BAD_OPTION, EINVAL,
			"%s: option %s is a whole number from 0 to %llu",
			call->method->name, key, (unsigned long long)most);
	*ret_value = number;
	return 0;
}

static int
get_option_text(const struct call *call, const char *key, struct text *ret_text,
	struct err *err)
{
	const msgpack_object *value =
		call->options ? wire_find(call->options, key) : NULL;

	if (!value || wire_get_bytes(value, &ret_text->data, &ret_text->len))
		return 0;
	return err_set(err, ERR_BAD_OPTION, EINVAL, "%s: option %s is a string",
		call->method->name, key);
}

static int
get_cid(const struct call *call, uint32_t index, struct text *ret_cid,
	struct err *err)
{
	int result = get_text(call, index, "the connection ID", ret_cid, err);

	if (result < 0)
		return result;
	return cid_check(ret_cid->data, ret_cid->len, err);
}

/* The claim of the first argument. */
static int
get_claim(const struct call *call, struct claim **ret_claim, struct err *err)
{
	struct text cid;
	int result = get_text(call, 0, "the connection ID", &cid, err);
	char shown[64];

	if (result < 0)
		return result;
	*ret_claim = claim_find(call->supervisor, cid.data, cid.len);
	if (*ret_claim)
		return 0;
	result = cid_check(cid.data, cid.len, err);
	if (result < 0 && !memchr(cid.data, '/', cid.len))
		return result;
	return err_set(err, ERR_NO_SUCH_CID, ENOENT,
		"no claim has the connection ID \"%s\"; `list` names all",
		show(cid, shown));
}

static void
begin(const struct call *call)
{
	api_begin_result(call->out, call->message_id);
}

static struct asker
asker_of(const struct call *call)
{
	return (struct asker){.client = call->client,
		.message_id = call->message_id,
		.uid = call->client->uid};
}

static int
on_hello(struct call *call, struct err *err)
{
	struct supervisor *supervisor = call->supervisor;

	begin(call);
	wire_map(call->out, 5);
	wire_pair_text(call->out, "server", "holdfastd");
	wire_pair_text(call->out, "version", VERSION);
	wire_pair_uint(call->out, "api", 1);
	wire_text(call->out, "methods");
	wire_array(call->out, ARRAY_SIZE(methods) + ARRAY_SIZE(aliases));
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		wire_text(call->out, methods[i].name);
	for (size_t i = 0; i < ARRAY_SIZE(aliases); i++)
		wire_text(call->out, aliases[i].alias);
	/* "" when nothing is to be said of the store. */
	wire_pair_text(call->out, "store", store_note(supervisor->store));
	return 0;
}

/* The CID names a claim: success if it is the same and that is wanted. */
static int
answer_existing(struct call *call, const struct claim *claim,
	const struct uri *uri, bool if_absent, struct err *err)
{
	bool is_same = strcmp(claim->target->uri, uri->canonical) == 0 &&
		       claim->uid == call->client->uid;
	const struct asker asker = asker_of(call);

	if (!if_absent || !is_same)
		return err_set(err, ERR_CID_IN_USE, EEXIST,
			"\"%s\" names a claim%s already; choose another ID, or "
			"let that one go first",
			claim->cid,
			is_same ? ""
				: " on another connection or of another "
				  "user");
	/* It may be a change of this very batch. */
	batch_commit(&call->supervisor->batch);
	claim = claim_find(call->supervisor, claim->cid, strlen(claim->cid));
	client_answer_manage(&asker, claim->target, false);
	return CALL_LATER;
}

static int
on_manage(struct call *call, struct err *err)
{
	struct supervisor *supervisor = call->supervisor;
	const struct asker asker = asker_of(call);
	struct text text = {0}, cid = {0};
	const struct claim *claim;
	bool if_absent = false;
	struct uri uri;
	int result = get_text(call, 0, "the URI", &text, err);

	if (result == 0)
		result = get_cid(call, 1, &cid, err);
	if (result == 0)
		result = uri_parse(text.data, text.len, &uri, err);
	if (result == 0)
		result = get_option_bool(call, "if_absent", &if_absent, err);
	if (result < 0)
		return result;
	claim = claim_find(supervisor, cid.data, cid.len);
	if (claim)
		return answer_existing(call, claim, &uri, if_absent, err);
	if (supervisor->is_stopping)
		return err_set(err, ERR_SHUTTING_DOWN, ESHUTDOWN,
			"the daemon is stopping; try again");
	result = batch_manage(
		&supervisor->batch, &asker, &uri, cid.data, cid.len, err);
	return result < 0 ? result : CALL_LATER;
}

static int
on_unmanage(struct call *call, struct err *err)
{
	const struct asker asker = asker_of(call);
	struct claim *claim;
	int result = get_claim(call, &claim, err);

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
			entry_write_lingering(out, target);
	}
	mounts_each(&supervisor->mounts, list_unmanaged, listing);
}

/* A word that is no state would silently list nothing. */
static int
check_state_word(struct text word, struct err *err)
{
	char shown[64];

	for (int i = 0; i < TARGET_STATE_COUNT; i++)
		if (wire_bytes_equal(word.data, word.len,
			    target_state_word((enum target_state)i)))
			return 0;
	if (wire_bytes_equal(word.data, word.len, "unmanaged"))
		return 0;
	return err_set(err, ERR_BAD_OPTION, EINVAL,
		"list: there is no state \"%s\"", show(word, shown));
}

static int
on_list(struct call *call, struct err *err)
{
	struct listing listing = {.call = call};
	int result = get_option_text(call, "prefix", &listing.prefix, err);

	if (result == 0)
		result = get_option_text(call, "state", &listing.state, err);
	if (result == 0 && listing.state.data)
		result = check_state_word(listing.state, err);
	if (result < 0)
		return result;
	list_all(&listing, true);
	begin(call);
	wire_map(call->out, listing.count);
	list_all(&listing, false);
	return 0;
}

static int
on_status(struct call *call, struct err *err)
{
	struct claim *claim;
	int result = get_claim(call, &claim, err);

	if (result < 0)
		return result;
	begin(call);
	entry_write_claim(call->out, claim, true);
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
	int result = get_option_text(call, "for", &word, err);

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

static int
on_wait(struct call *call, struct err *err)
{
	uint64_t timeout_ms = WAIT_MS_DEFAULT;
	enum wait_for what = WAIT_CONNECTED;
	struct claim *claim = NULL;
	struct target *target;
	struct text cid;
	int result = get_cid(call, 0, &cid, err);

	if (result == 0)
		result = get_wait_for(call, &what, err);
	if (result == 0)
		result = get_option_uint(
			call, "timeout_ms", WAIT_MS_MAX, &timeout_ms, err);
	if (result == 0 && what != WAIT_GONE)
		result = get_claim(call, &claim, err);
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

static int
on_retry(struct call *call, struct err *err)
{
	struct claim *claim;
	int result = get_claim(call, &claim, err);

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

/* What a handler wrote before it failed is taken back. */
static void
run(struct call *call)
{
	struct wire_writer *out = call->out;
	size_t mark = out->len;
	struct err err = {0};
	int result = check_shape(call, &err);

	if (result == 0)
		result = call->method->run(call, &err);
	if (out->has_failed)
		result = err_set(&err, ERR_TOO_BIG, EMSGSIZE,
			"the answer would be too long; ask for less");
	if (result >= 0)
		return;
	out->has_failed = false;
	out->len = mark;
	api_write_error(out, call->message_id, &err);
}

static bool
is_kind(const msgpack_object *root, uint64_t kind, uint32_t size)
{
	uint32_t count;
	uint64_t type;

	return wire_is_array(root, &count) && count == size &&
	       wire_get_uint(wire_at(root, 0), &type) && type == kind;
}

/* The method's name, of a request [0, id, method, params]. */
static int
read_request(const msgpack_object *root, struct text *ret_name,
	struct call *call, struct err *err)
{
	uint64_t id;

	if (!is_kind(root, RPC_REQUEST, 4) ||
		!wire_get_uint(wire_at(root, 1), &id) || id > UINT32_MAX)
		return err_set(err, ERR_BAD_MESSAGE, EBADMSG,
			"neither request nor notification of msgpack-RPC");
	call->message_id = id;
	call->params = wire_at(root, 3);
	if (!wire_get_bytes(wire_at(root, 2), &ret_name->data, &ret_name->len))
		*ret_name = (struct text){"", 0};
	return 0;
}

int
api_handle(struct client *client, const msgpack_object *root, struct err *err)
{
	struct call call = {
		.supervisor = client->supervisor,
		.client = client,
		.out = &client->out,
	};
	struct text name;
	char shown[64];
	int result;

	if (is_kind(root, RPC_NOTIFICATION, 3))
		return 0; /* some clients introduce themselves that way */
	result = read_request(root, &name, &call, err);
	if (result < 0)
		return result;
	call.method = find_method(name);
	if (!call.method) {
		(void)err_set(err, ERR_NO_SUCH_METHOD, ENOSYS,
			"there is no method \"%s\"; `hello` names all",
			show(name, shown));
		api_write_error(call.out, call.message_id, err);
		return 0;
	}
	if (!call.method->changes_claims && call.supervisor->batch.is_open)
		return API_HELD;
	run(&call);
	batch_keep_small(&call.supervisor->batch);
	return 0;
}
