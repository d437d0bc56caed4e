/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * api.c - requests of the client API: from message to method, and back.
 *
 * Runs in: supervisor.
 * Trusts: nobody.
 * Invariant: a request gets one answer, with its own number.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/guard.h"
#include "supervisor/api.h"
#include "supervisor/call.h"
#include "supervisor/supervisor.h"

enum {
	RPC_REQUEST = 0,
	RPC_RESPONSE = 1,
	RPC_NOTIFICATION = 2
};

static const struct method methods[] = {
#define METHOD(name, least, most, changes, arguments, meaning)                 \
	{#name, least, most, changes, arguments, method_##name},
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

void
api_write_methods(struct wire_writer *out)
{
	wire_array(out, ARRAY_SIZE(methods) + ARRAY_SIZE(aliases));
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		wire_text(out, methods[i].name);
	for (size_t i = 0; i < ARRAY_SIZE(aliases); i++)
		wire_text(out, aliases[i].alias);
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

size_t
api_mark(const struct wire_writer *out)
{
	return out->has_failed ? SIZE_MAX : out->len;
}

void
api_check_fits(struct wire_writer *out, size_t mark, uint64_t message_id)
{
	struct err err;

	if (!out->has_failed || mark == SIZE_MAX)
		return;
	(void)err_set(&err, ERR_TOO_BIG, EMSGSIZE,
		"the answer would be too long; ask for less");
	out->has_failed = false;
	out->len = mark;
	api_write_error(out, message_id, &err);
}

/* What a handler wrote before it failed is taken back. */
static void
run(struct call *call)
{
	struct wire_writer *out = call->out;
	size_t mark = api_mark(out);
	struct err err = {0};
	int result = call_check_shape(call, &err);

	if (result == 0)
		result = call->method->run(call, &err);
	/* What else was written then is of other requests. */
	if (result == CALL_LATER)
		return;
	if (out->has_failed || result >= 0) {
		api_check_fits(out, mark, call->message_id);
		return;
	}
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
	char shown[CALL_SHOWN_MAX];
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
			call_show(name, shown));
		api_write_error(call.out, call.message_id, err);
		return 0;
	}
	if (!call.method->joins_batch && call.supervisor->batch.is_open)
		return API_HELD;
	run(&call);
	batch_keep_small(&call.supervisor->batch);
	return 0;
}
