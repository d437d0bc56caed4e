/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * call.c - one call of a method: its shape checked, its arguments read.
 *
 * Runs in: supervisor.
 * Trusts: nobody.
 * Invariant: a refusal names the method and says what it takes.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/guard.h"
#include "proto/cid.h"
#include "supervisor/call.h"
#include "supervisor/supervisor.h"

enum {
	SHOWN_MAX = 48,	 /* bytes of an outside text */
	NAMES_MAX = 128, /* of all options of a method */
};

static const struct {
	const char *method;
	const char *key;
} options[] = {
#define OPTION(method, key, type, meaning) {#method, #key},
#include "proto/api.def"
#undef OPTION
};

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
const char *
call_show(struct text text, char shown[CALL_SHOWN_MAX])
{
	bool is_cut = text.len > SHOWN_MAX;

	(void)snprintf(shown, CALL_SHOWN_MAX, "%.*s%s",
		is_cut ? SHOWN_MAX : (int)text.len, text.data,
		is_cut ? "..." : "");
	err_clean_text(shown);
	return shown;
}

/* "; it has A, B", or "; it has none". */
static const char *
name_options(const struct method *method, char names[NAMES_MAX])
{
	size_t len = 0;

	(void)snprintf(names, NAMES_MAX, "; it has none");
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (strcmp(options[i].method, method->name) == 0 &&
			len < NAMES_MAX)
			len += (size_t)snprintf(names + len, NAMES_MAX - len,
				"%s%s", len == 0 ? "; it has " : ", ",
				options[i].key);
	return names;
}

static int
check_options(const struct call *call, struct err *err)
{
	const msgpack_object_map *map = &call->options->via.map;
	int result = wire_check_map(call->options, err);

	for (uint32_t i = 0; result == 0 && i < map->size; i++) {
		struct text key = {0};
		char shown[CALL_SHOWN_MAX];
		char names[NAMES_MAX];

		(void)wire_get_bytes(&map->ptr[i].key, &key.data, &key.len);
		if (!has_option(call->method, key))
			return err_set(err, ERR_BAD_OPTION, EINVAL,
				"%s has no option \"%s\"%s", call->method->name,
				call_show(key, shown),
				name_options(call->method, names));
	}
	return result;
}

/* Mandatory arguments by position, then an optional map. */
int
call_check_shape(struct call *call, struct err *err)
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

int
call_get_text(const struct call *call, uint32_t index, const char *name,
	struct text *ret_text, struct err *err)
{
	if (wire_get_bytes(wire_at(call->params, index), &ret_text->data,
		    &ret_text->len))
		return 0;
	return err_set(err, ERR_BAD_ARGUMENTS, EINVAL, "%s: %s is not a string",
		call->method->name, name);
}

/* Each leaves *ret_value alone when the option is not there. */

int
call_get_option_bool(const struct call *call, const char *key, bool *ret_value,
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
get_number(const struct call *call, const char *key, uint64_t least,
	uint64_t most, uint64_t *ret_value, struct err *err)
{
	const msgpack_object *value =
		call->options ? wire_find(call->options, key) : NULL;
	uint64_t number;

	if (!value)
		return 0;
	if (!wire_get_uint(value, &number) || number < least || number > most)
		return err_set(err, ERR_BAD_OPTION, EINVAL,
			"%s: option %s is a whole number from %llu to %llu",
			call->method->name, key, (unsigned long long)least,
			(unsigned long long)most);
	*ret_value = number;
	return 0;
}

int
call_get_option_uint(const struct call *call, const char *key, uint64_t most,
	uint64_t *ret_value, struct err *err)
{
	return get_number(call, key, 0, most, ret_value, err);
}

int
call_get_option_count(const struct call *call, const char *key, uint64_t most,
	uint64_t *ret_count, struct err *err)
{
	return get_number(call, key, 1, most, ret_count, err);
}

int
call_get_option_text(const struct call *call, const char *key,
	struct text *ret_text, struct err *err)
{
	const msgpack_object *value =
		call->options ? wire_find(call->options, key) : NULL;

	if (!value || wire_get_bytes(value, &ret_text->data, &ret_text->len))
		return 0;
	return err_set(err, ERR_BAD_OPTION, EINVAL, "%s: option %s is a string",
		call->method->name, key);
}

int
call_get_cid(const struct call *call, uint32_t index, struct text *ret_cid,
	struct err *err)
{
	int result =
		call_get_text(call, index, "the connection ID", ret_cid, err);

	if (result < 0)
		return result;
	return cid_check(ret_cid->data, ret_cid->len, err);
}

/* Why no claim has that ID. Transient IDs are none, whatever they name. */
static int
refuse_cid(struct text cid, struct err *err)
{
	char shown[CALL_SHOWN_MAX];
	int result = cid_check(cid.data, cid.len, err);

	if (result < 0 && !memchr(cid.data, '/', cid.len))
		return result;
	return err_set(err, ERR_NO_SUCH_CID, ENOENT,
		"no claim has the connection ID \"%s\"; `list` names all",
		call_show(cid, shown));
}

int
call_get_past_cid(const struct call *call, uint32_t index, struct text *ret_cid,
	struct err *err)
{
	int result =
		call_get_text(call, index, "the connection ID", ret_cid, err);

	if (result < 0)
		return result;
	return cid_check(ret_cid->data, ret_cid->len, NULL) < 0
		       ? refuse_cid(*ret_cid, err)
		       : 0;
}

/* The claim of the first argument. */
int
call_get_claim(
	const struct call *call, struct claim **ret_claim, struct err *err)
{
	struct text cid;
	int result = call_get_text(call, 0, "the connection ID", &cid, err);

	if (result < 0)
		return result;
	*ret_claim = claim_find(call->supervisor, cid.data, cid.len);
	return *ret_claim ? 0 : refuse_cid(cid, err);
}

int
call_check_stopping(const struct call *call, struct err *err)
{
	if (!call->supervisor->is_stopping)
		return 0;
	return err_set(err, ERR_SHUTTING_DOWN, ESHUTDOWN,
		"the daemon is stopping; try again");
}

struct asker
call_asker(const struct call *call)
{
	return (struct asker){.client = call->client,
		.message_id = call->message_id,
		.uid = call->client->uid};
}
