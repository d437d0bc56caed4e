/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz_api_model.h - which claims there have to be, by what was answered. To be
 *                    included once.
 *
 * Runs in: the build.
 * Invariant: an answer without an error changes exactly what it says, one with
 *            an error nothing. What was never answered is in doubt until a
 *            list, or a later answer, tells.
 *
 * Requests that are sent before the daemon gets a turn are a group: between
 * their clients there is no order. Claims are therefore counted: one more for
 * each that was made, one less for each that was released. Only of a request
 * that was alone ("strict") it is clear what it has found.
 */
#ifndef TESTS_FUZZ_FUZZ_API_MODEL_H
#define TESTS_FUZZ_FUZZ_API_MODEL_H

#include "proto/uri.h"
#include "tests/fuzz/fuzz_answer.h"

struct model_claim {
	char *cid;
	char *uri; /* canonical */
	uid_t uid;
	uint64_t created; /* 0: not listed yet */
	int count;	  /* 0 or 1, but within a group */
	bool is_doubtful;
	unsigned doubt_group;
	unsigned managed_group; /* when it was made last */
	bool is_vague; /* made by several of a group: which one is it */
	bool is_seen;  /* in this list */
};

static struct {
	struct model_claim *claims;
	size_t count;
	unsigned group;
	size_t group_size; /* requests so far */
} model;

struct model_text {
	const char *data;
	size_t len;
};

static void
model_reset(void)
{
	for (size_t i = 0; i < model.count; i++) {
		free(model.claims[i].cid);
		free(model.claims[i].uri);
	}
	free(model.claims);
	model.claims = NULL;
	model.count = 0;
	model.group = 1;
	model.group_size = 0;
}

static struct model_claim *
model_find(struct model_text cid)
{
	for (size_t i = 0; i < model.count; i++)
		if (wire_bytes_equal(cid.data, cid.len, model.claims[i].cid))
			return &model.claims[i];
	return NULL;
}

static struct model_claim *
model_get(struct model_text cid)
{
	struct model_claim *claim = model_find(cid);

	if (claim)
		return claim;
	model.claims = reallocarray(
		model.claims, model.count + 1, sizeof(model.claims[0]));
	CHECK(model.claims);
	claim = &model.claims[model.count++];
	*claim = (struct model_claim){
		.cid = strndup(cid.data, cid.len), .uri = strdup("")};
	CHECK(claim->cid && claim->uri);
	return claim;
}

static bool
model_is_certain(const struct model_claim *claim)
{
	return !claim || (!claim->is_doubtful && !claim->is_vague);
}

static bool
model_is_there(const struct model_claim *claim)
{
	return claim && claim->count > 0;
}

static bool
model_begins(const struct model_claim *claim, struct model_text prefix)
{
	return strlen(claim->cid) >= prefix.len &&
	       memcmp(claim->cid, prefix.data, prefix.len) == 0;
}

/* What was answered tells what is, but for what the same group has in doubt. */
static void
model_set(struct model_claim *claim, int count)
{
	if (claim->is_doubtful && claim->doubt_group != model.group) {
		claim->is_doubtful = false;
		claim->count = count;
		return;
	}
	claim->count += count ? 1 : -1;
}

/* --- what requests say */

static struct model_text
model_string(const msgpack_object *object)
{
	struct model_text text = {NULL, 0};

	(void)wire_get_bytes(object, &text.data, &text.len);
	return text;
}

static const msgpack_object *
model_param(const msgpack_object *request, uint32_t index)
{
	const msgpack_object *params = wire_at(request, 3);
	uint32_t count;

	return wire_is_array(params, &count) && index < count
		       ? wire_at(params, index)
		       : NULL;
}

static struct model_text
model_param_text(const msgpack_object *request, uint32_t index)
{
	const msgpack_object *param = model_param(request, index);

	return param ? model_string(param) : (struct model_text){NULL, 0};
}

static bool
model_is_method(const msgpack_object *request, const char *name)
{
	static const struct {
		const char *alias;
		const char *name;
	} aliases[] = {
#define ALIAS(alias, name) {#alias, #name},
#include "proto/api.def"
#undef ALIAS
	};
	struct model_text method = model_string(wire_at(request, 2));

	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
		if (method.data && strcmp(aliases[i].name, name) == 0 &&
			wire_bytes_equal(
				method.data, method.len, aliases[i].alias))
			return true;
	return method.data && wire_bytes_equal(method.data, method.len, name);
}

/* --- what answers say */

static const msgpack_object *
model_key(const msgpack_object *map, const char *key)
{
	const msgpack_object *value;

	CHECK(map->type == MSGPACK_OBJECT_MAP);
	value = wire_find(map, key);
	CHECK(value);
	return value;
}

static bool
model_bool(const msgpack_object *map, const char *key)
{
	bool value;

	CHECK(wire_get_bool(model_key(map, key), &value));
	return value;
}

/* {connection, created}, of a claim that was asked for. */
static void
model_on_managed(struct model_text uri, struct model_text cid,
	const msgpack_object *result, uid_t uid, bool is_strict)
{
	struct model_claim *claim = model_get(cid);
	struct model_text connection =
		model_string(model_key(result, "connection"));
	bool is_created = model_bool(result, "created");
	struct uri parsed;

	CHECK(uri_parse(uri.data, uri.len, &parsed, NULL) == 0);
	CHECK(wire_bytes_equal(
		connection.data, connection.len, parsed.canonical));
	if (is_strict && model_is_certain(claim)) {
		CHECK(is_created != model_is_there(claim));
		CHECK(is_created ||
			(claim->uid == uid &&
				strcmp(claim->uri, parsed.canonical) == 0));
	}
	if (!is_created)
		return;
	claim->is_vague = claim->managed_group == model.group;
	claim->managed_group = model.group;
	model_set(claim, 1);
	free(claim->uri);
	claim->uri = strdup(parsed.canonical);
	claim->uid = uid;
	claim->created = 0;
}

static void
model_on_many(const msgpack_object *request, const msgpack_object *result,
	uid_t uid, bool is_strict)
{
	const msgpack_object *wishes = model_param(request, 0);
	const msgpack_object *claims = model_key(result, "claims");
	uint32_t count = 0;

	CHECK(wishes && wire_is_array(wishes, &count));
	CHECK(claims->type == MSGPACK_OBJECT_MAP);
	CHECK(claims->via.map.size == count && count > 0);
	for (uint32_t i = 0; i < count; i++) {
		const msgpack_object *wish = wire_at(wishes, i);
		const msgpack_object_kv *pair = &claims->via.map.ptr[i];
		struct model_text cid = model_string(wire_at(wish, 1));
		struct model_text named = model_string(&pair->key);

		/* In the order of the request, as it happens. */
		CHECK(cid.len == named.len &&
			memcmp(cid.data, named.data, cid.len) == 0);
		model_on_managed(model_string(wire_at(wish, 0)), cid,
			&pair->val, uid, is_strict);
	}
}

static bool
model_is_shared(const struct model_claim *claim, bool *ret_is_certain)
{
	bool is_shared = false;

	*ret_is_certain = true;
	for (size_t i = 0; i < model.count; i++) {
		const struct model_claim *other = &model.claims[i];

		if (!model_is_certain(other))
			*ret_is_certain = false;
		if (other != claim && model_is_there(other) &&
			strcmp(other->uri, claim->uri) == 0)
			is_shared = true;
	}
	return is_shared;
}

static void
model_on_released(struct model_text cid, uid_t uid, bool is_strict)
{
	struct model_claim *claim = model_get(cid);

	if (is_strict && model_is_certain(claim)) {
		CHECK(model_is_there(claim));
		CHECK(uid == 0 || claim->uid == uid);
	}
	model_set(claim, 0);
}

static void
model_on_unmanaged(const msgpack_object *request, const msgpack_object *result,
	uid_t uid, bool is_strict)
{
	struct model_text cid = model_param_text(request, 0);
	bool is_last = model_bool(result, "last");
	bool is_certain, is_shared;

	CHECK(cid.data);
	is_shared = model_is_shared(model_get(cid), &is_certain);
	if (is_strict && is_certain)
		CHECK(is_last != is_shared);
	model_on_released(cid, uid, is_strict);
}

static void
model_on_prefix(const msgpack_object *request, const msgpack_object *result,
	uid_t uid, bool is_strict)
{
	const msgpack_object *released = model_key(result, "released");
	struct model_text prefix = model_param_text(request, 0);
	struct model_text last = {"", 0};
	uint32_t count = 0;

	CHECK(prefix.len > 0 && wire_is_array(released, &count));
	for (uint32_t i = 0; i < count; i++) {
		struct model_text cid = model_string(wire_at(released, i));
		int order = memcmp(last.data, cid.data,
			last.len < cid.len ? last.len : cid.len);

		CHECK(cid.data && cid.len >= prefix.len &&
			memcmp(cid.data, prefix.data, prefix.len) == 0);
		CHECK(order < 0 || (order == 0 && last.len < cid.len));
		model_on_released(cid, uid, is_strict);
		last = cid;
	}
	for (size_t i = 0; is_strict && i < model.count; i++)
		if (model_begins(&model.claims[i], prefix))
			CHECK(!model_is_certain(&model.claims[i]) ||
				!model_is_there(&model.claims[i]));
}

/* An error changes nothing; some tell what has to be there. */
static void
model_on_error(const msgpack_object *request, enum err_code code, uid_t uid,
	bool is_strict)
{
	bool is_root_enough = model_is_method(request, "unmanage") ||
			      model_is_method(request, "unmanage_prefix") ||
			      model_is_method(request, "pause") ||
			      model_is_method(request, "resume");
	struct model_text cid;
	const struct model_claim *claim;

	if (code == ERR_DENIED)
		CHECK(uid != 0 || !is_root_enough);
	if (!is_strict)
		return;
	cid = model_param_text(
		request, model_is_method(request, "manage") ? 1 : 0);
	claim = cid.data ? model_find(cid) : NULL;
	if (!model_is_certain(claim))
		return;
	if (code == ERR_NO_SUCH_CID)
		CHECK(!model_is_there(claim));
	if (code == ERR_CID_IN_USE && model_is_method(request, "manage"))
		CHECK(model_is_there(claim));
	if (code == ERR_DENIED && model_is_method(request, "unmanage"))
		CHECK(model_is_there(claim) && claim->uid != uid);
}

/* A request of that user is answered. */
static void
model_on_answer(const msgpack_object *request, const msgpack_object *answer,
	enum err_code code, uid_t uid, bool is_strict)
{
	const msgpack_object *result = wire_at(answer, 3);

	if (code != ERR_NONE)
		model_on_error(request, code, uid, is_strict);
	else if (model_is_method(request, "manage"))
		model_on_managed(model_param_text(request, 0),
			model_param_text(request, 1), result, uid, is_strict);
	else if (model_is_method(request, "manage_many"))
		model_on_many(request, result, uid, is_strict);
	else if (model_is_method(request, "unmanage"))
		model_on_unmanaged(request, result, uid, is_strict);
	else if (model_is_method(request, "unmanage_prefix"))
		model_on_prefix(request, result, uid, is_strict);
	else if (model_is_method(request, "pause") ||
		 model_is_method(request, "resume"))
		CHECK(uid == 0);
}

/* --- what nobody has answered */

static void
model_doubt(struct model_text cid)
{
	struct model_claim *claim;

	if (!cid.data || cid.len == 0 || memchr(cid.data, '\0', cid.len))
		return; /* none that can be claimed */
	claim = model_get(cid);
	claim->is_doubtful = true;
	claim->doubt_group = model.group;
}

static void
model_on_lost(const msgpack_object *request)
{
	const msgpack_object *wishes = model_param(request, 0);
	struct model_text prefix;
	uint32_t count = 0, size;

	if (model_is_method(request, "manage")) {
		model_doubt(model_param_text(request, 1));
	} else if (model_is_method(request, "unmanage")) {
		model_doubt(model_param_text(request, 0));
	} else if (model_is_method(request, "manage_many") && wishes &&
		   wire_is_array(wishes, &count)) {
		for (uint32_t i = 0; i < count; i++)
			if (wire_is_array(wire_at(wishes, i), &size) &&
				size > 1)
				model_doubt(model_string(
					wire_at(wire_at(wishes, i), 1)));
	} else if (model_is_method(request, "unmanage_prefix")) {
		prefix = model_param_text(request, 0);
		for (size_t i = 0; prefix.data && i < model.count; i++)
			if (model_begins(&model.claims[i], prefix))
				model_doubt(
					(struct model_text){model.claims[i].cid,
						strlen(model.claims[i].cid)});
	}
}

/* All of a group has been answered that will be. */
static void
model_end_group(void)
{
	for (size_t i = 0; i < model.count; i++) {
		struct model_claim *claim = &model.claims[i];

		if (!claim->is_doubtful)
			CHECK(claim->count == 0 || claim->count == 1);
		if (claim->count == 0)
			claim->is_vague = false;
	}
	model.group++;
	model.group_size = 0;
}

/* --- the daemon's own list */

static void
model_begin_list(void)
{
	for (size_t i = 0; i < model.count; i++)
		model.claims[i].is_seen = false;
}

static uint64_t
model_uint(const msgpack_object *map, const char *key)
{
	uint64_t value;

	CHECK(wire_get_uint(model_key(map, key), &value));
	return value;
}

/* An entry that is a claim. What was in doubt is as it says. */
static void
model_see(struct model_text cid, const msgpack_object *entry)
{
	struct model_claim *claim = model_find(cid);
	struct model_text uri = model_string(model_key(entry, "uri"));
	uint64_t created = model_uint(entry, "created");
	uint64_t uid = model_uint(entry, "uid");

	CHECK(claim && !claim->is_seen);
	claim->is_seen = true;
	if (!model_is_certain(claim)) {
		free(claim->uri);
		claim->uri = strndup(uri.data, uri.len);
		claim->uid = (uid_t)uid;
		claim->count = 1;
		claim->created = 0;
		claim->is_doubtful = claim->is_vague = false;
	}
	CHECK(claim->count == 1);
	CHECK(wire_bytes_equal(uri.data, uri.len, claim->uri));
	CHECK(claim->uid == uid);
	CHECK(claim->created == 0 || claim->created == created);
	claim->created = created;
}

/* Returns how many claims there are. */
static size_t
model_end_list(void)
{
	size_t count = 0;

	for (size_t i = 0; i < model.count; i++) {
		struct model_claim *claim = &model.claims[i];

		if (claim->is_seen) {
			count++;
			continue;
		}
		CHECK(claim->count == 0 || claim->is_doubtful);
		claim->count = 0;
		claim->is_doubtful = claim->is_vague = false;
	}
	return count;
}

#endif
