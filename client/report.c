/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * report.c - calls, and what is told about how they ended.
 *
 * Runs in: command.
 * Invariant: see client.h.
 */
#include <stdio.h>
#include <string.h>

#include "client/client.h"
#include "client/hint.h"
#include "client/json.h"
#include "common/guard.h"

int
client_call(struct client *client, const char *method,
	const struct wire_writer *params, struct rpc_reply *ret_reply,
	struct failure *failure)
{
	return rpc_call(&client->rpc, method, params, CALL_TIMEOUT_MS,
		ret_reply, failure);
}

int
client_call_cid(struct client *client, const char *method, const char *cid,
	struct rpc_reply *ret_reply, struct failure *failure)
{
	cleanup(wire_writer_done) struct wire_writer params;

	wire_writer_init(&params, WIRE_REQUEST_MAX);
	wire_array(&params, 1);
	wire_text(&params, cid);
	return client_call(client, method, &params, ret_reply, failure);
}

int
client_send_wait(struct client *client, const char *cid, const char *wait_for,
	int64_t timeout_ms, uint32_t *ret_id, struct failure *failure)
{
	cleanup(wire_writer_done) struct wire_writer params;

	wire_writer_init(&params, WIRE_REQUEST_MAX);
	wire_array(&params, 2);
	wire_text(&params, cid);
	wire_map(&params, 2);
	wire_pair_text(&params, "for", wait_for);
	wire_pair_uint(&params, "timeout_ms", (uint64_t)timeout_ms);
	return rpc_send(&client->rpc, "wait", &params, CALL_TIMEOUT_MS, ret_id,
		failure);
}

int
client_receive_wait(struct client *client, uint32_t id, int64_t timeout_ms,
	struct rpc_reply *ret_reply, struct failure *failure)
{
	return rpc_receive(&client->rpc, id, timeout_ms + WAIT_GRACE_MS,
		ret_reply, failure);
}

void
report_member_begin(struct client *client, const char *name)
{
	if (!client->is_json_open)
		(void)fputs("{\"schema\":1", stdout);
	client->is_json_open = true;
	(void)printf(",\"%s\":", name);
}

void
report_member(
	struct client *client, const char *name, const msgpack_object *object)
{
	if (!client->options.json)
		return;
	report_member_begin(client, name);
	json_print(stdout, object);
}

void
report_failure_json(const struct failure *failure)
{
	(void)fputs("{\"slug\":", stdout);
	json_print_text(stdout, failure->slug, strlen(failure->slug));
	(void)fputs(",\"text\":", stdout);
	json_print_text(stdout, failure->text, strlen(failure->text));
	(void)printf(",\"number\":%d}", failure->number);
}

/* A denial without a connection is that of the socket. */
static const char *
choose_hint(const struct client *client, const struct failure *failure)
{
	if (client->rpc.stream.socketfd < 0 &&
		strcmp(failure->slug, err_slug(ERR_DENIED)) == 0)
		return hint_no_access();
	return hint_of(failure->slug);
}

int
report_failure(struct client *client, const char *subject,
	const struct failure *failure)
{
	const char *hint = choose_hint(client, failure);
	const char *text = failure->text;

	if (client->options.json) {
		report_member_begin(client, "error");
		report_failure_json(failure);
		return exit_code_of(failure->slug);
	}
	if (subject && strncmp(text, subject, strlen(subject)) == 0 &&
		text[strlen(subject)] == ' ')
		text += strlen(subject) + 1; /* "vm is ...", said once */
	(void)fprintf(stderr, "holdfast: %s%s%s (%s)\n", subject ? subject : "",
		subject ? ": " : "", text, failure->slug);
	if (hint)
		(void)fprintf(stderr, "  %s\n", hint);
	return exit_code_of(failure->slug);
}

int
report_end(struct client *client, int exit_code)
{
	if (client->is_json_open)
		(void)fputs("}\n", stdout);
	client->is_json_open = false;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return exit_code;
	perror("holdfast: writing the output");
	return exit_code ? exit_code : EXIT_FAILED;
}
