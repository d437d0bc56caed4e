/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz_call.c - requests of a client: read, refused in words, answered once.
 *
 * Input: messages, one behind the other.
 * Covers: supervisor/api.c supervisor/call.c supervisor/method_manage.c
 * Covers: supervisor/credential.c proto/cid.c
 *
 * The methods but for manage are replaced by some that read all the arguments
 * that api.def knows; and so is what manage decides in the end. fuzz_api.c has
 * the real ones, and is slower.
 */
#include <errno.h>

#include "common/guard.h"
#include "proto/cid.h"
#include "supervisor/api.h"
#include "supervisor/call.h"
#include "supervisor/supervisor.h"
#include "tests/fuzz/fuzz_answer.h"

enum {
	ANSWER_MAX = 64 << 20
};

static struct supervisor supervisor;
static struct client client;

static int
answer(const struct asker *asker)
{
	api_begin_result(&client.out, asker->message_id);
	wire_nil(&client.out);
	return 0;
}

struct claim *
claim_find(struct supervisor *of, const char *cid, size_t len)
{
	return NULL;
}

bool
claim_fits(const struct claim *claim, const struct uri *uri, uid_t uid,
	bool if_absent, struct err *err)
{
	return false;
}

void
batch_commit(struct batch *batch)
{
}

void
batch_keep_small(struct batch *batch)
{
}

int
batch_manage(struct batch *batch, const struct asker *asker,
	const struct uri *uri, const char *cid, size_t cid_len,
	struct credential *credential, struct err *err)
{
	CHECK(!credential && *uri->canonical);
	CHECK(cid_check(cid, cid_len, NULL) == 0);
	return answer(asker);
}

/* What is handed on is fit to be written down. */
int
claiming_new(struct supervisor *of, const struct claim_request *request,
	struct err *err)
{
	const struct credential *credential = request->credential;

	CHECK(request->uri->scheme == URI_ISCSI);
	CHECK(cid_check(request->cid, request->cid_len, NULL) == 0);
	if (*credential->name)
		CHECK(credential_check_name(credential->name,
			      strlen(credential->name), NULL) == 0);
	else
		CHECK(credential_check_auth(&credential->auth, NULL) == 0);
	CHECK(!*credential->name || !*credential->auth.username);
	return answer(&request->asker);
}

void
client_answer_manage(
	const struct asker *asker, const struct target *target, bool created)
{
	abort(); /* there is no claim */
}

void
client_answer_error(const struct asker *asker, const struct err *err)
{
	abort(); /* the same */
}

static int
read_option(const struct call *call, const char *key, const char *type,
	struct err *err)
{
	bool is_so = false;
	uint64_t number = 0;
	struct text text = {"", 0};
	int result;

	if (strcmp(type, "bool") == 0)
		return call_get_option_bool(call, key, &is_so, err);
	if (strcmp(type, "uint") == 0) {
		result =
			call_get_option_uint(call, key, 86400000, &number, err);
		CHECK(number <= 86400000);
		return result;
	}
	result = call_get_option_text(call, key, &text, err);
	CHECK(text.len <= WIRE_STRING_MAX);
	return result;
}

static const struct {
	const char *method;
	const char *key;
	const char *type;
} options[] = {
#define OPTION(method, key, type, meaning) {#method, #key, type},
#include "proto/api.def"
#undef OPTION
};

/* In the place of every other method. */
static int
read_all(struct call *call, struct err *err)
{
	const struct asker asker = call_asker(call);
	struct claim *claim;
	struct text text;
	int result = 0;

	for (uint32_t i = 0; result == 0 && i < call->method->least; i++) {
		result = call_get_text(call, i, "an argument", &text, err);
		if (result == 0)
			result = call_get_past_cid(call, i, &text, err);
		if (result == 0)
			result = call_get_cid(call, i, &text, err);
	}
	for (size_t i = 0; result == 0 && i < ARRAY_SIZE(options); i++)
		if (strcmp(options[i].method, call->method->name) == 0)
			result = read_option(
				call, options[i].key, options[i].type, err);
	if (result == 0 && call->method->least > 0)
		CHECK(call_get_claim(call, &claim, err) < 0);
	return result == 0 ? answer(&asker) : result;
}

#define METHOD(name, least, most, changes, arguments, meaning)                 \
	int method_##name(struct call *call, struct err *err)                  \
	{                                                                      \
		return read_all(call, err);                                    \
	}
#define method_manage unused_manage
handler unused_manage;
#include "proto/api.def"
#undef method_manage
#undef METHOD

/* [1, id, error, nil] */
static void
check_answer(const msgpack_object *request)
{
	struct wire_scan scan = {0};
	struct wire_message message;
	const msgpack_object *root;
	uint64_t asked, id;

	CHECK(!client.out.has_failed && client.out.len > 0);
	CHECK(client.out.data[0] == 0x94);
	CHECK(wire_scan(&scan, &wire_reply_limits, client.out.data,
		      client.out.len, NULL) == (ssize_t)client.out.len);
	CHECK(wire_unpack(&message, client.out.data, client.out.len, NULL) ==
		0);
	root = message.root;
	fuzz_check_value(root);
	(void)fuzz_check_frame(root, &id);
	CHECK(wire_get_uint(wire_at(request, 1), &asked) && id == asked);
	CHECK(wire_is_nil(wire_at(root, 3)));
	wire_release(&message);
}

/* What errors name by themselves. */
static const char own_words[] =
#define OPTION(method, key, type, meaning) #key ", "
#include "proto/api.def"
#undef OPTION
	;

/* Of a password that stands there once the answer says nothing. */
static void
check_says_no_secret(
	const msgpack_object *request, const uint8_t *data, size_t size)
{
	const msgpack_object *params = wire_at(request, 3);
	const msgpack_object *options_at, *value;
	const uint8_t *at;
	const char *secret;
	uint32_t count;
	size_t len;

	if (!wire_is_array(params, &count) || count == 0)
		return;
	options_at = wire_at(params, count - 1);
	value = wire_find(options_at, "password");
	if (!value || !wire_get_bytes(value, &secret, &len) || len < 8)
		return;
	if (memmem(own_words, sizeof(own_words), secret, len))
		return;
	at = memmem(data, size, secret, len);
	if (at && !memmem(at + 1, (size_t)(data + size - at) - 1, secret, len))
		CHECK(!memmem(client.out.data, client.out.len, secret, len));
}

static void
handle(const uint8_t *data, size_t len)
{
	char *exact = fuzz_text(data, len);
	struct wire_message message;
	struct err err = {0};
	uint32_t count;
	int result;

	CHECK(wire_unpack(&message, (const uint8_t *)exact, len, &err) == 0);
	wire_writer_init(&client.out, ANSWER_MAX);
	result = api_handle(&client, message.root, &err);
	CHECK(result == 0 || result == -EBADMSG);
	if (result < 0) {
		fuzz_check_refusal(result, &err);
		CHECK(client.out.len == 0);
	} else if (wire_is_array(message.root, &count) && count == 4) {
		check_answer(message.root);
		check_says_no_secret(message.root, (const uint8_t *)exact, len);
	} else {
		CHECK(client.out.len == 0); /* a notification */
	}
	wire_writer_done(&client.out);
	wire_release(&message);
	free(exact);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	struct wire_scan scan = {0};
	ssize_t len;

	client.supervisor = &supervisor;
	client.uid = 1000;
	while ((len = wire_scan(&scan, &wire_request_limits, input.at,
			input.left, NULL)) > 0) {
		handle(input.at, (size_t)len);
		input.at += len;
		input.left -= (size_t)len;
	}
	return 0;
}
