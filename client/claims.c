/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * claims.c - commands manage, unmanage, retry.
 *
 * Runs in: command.
 */
#include <stdio.h>
#include <string.h>

#include "client/client.h"
#include "client/json.h"
#include "client/text.h"
#include "common/guard.h"

static int
send_manage(struct client *client, const char *uri, const char *cid,
	uint32_t *ret_id, struct failure *failure)
{
	cleanup(wire_writer_done) struct wire_writer params;

	wire_writer_init(&params, WIRE_REQUEST_MAX);
	wire_array(&params, client->options.if_absent ? 3 : 2);
	wire_text(&params, uri);
	wire_text(&params, cid);
	if (client->options.if_absent) {
		wire_map(&params, 1);
		wire_pair_bool(&params, "if_absent", true);
	}
	return rpc_send(&client->rpc, "manage", &params, CALL_TIMEOUT_MS,
		ret_id, failure);
}

static int
receive_manage(struct client *client, const char *cid, uint32_t id,
	struct failure *failure)
{
	cleanup(rpc_reply_done) struct rpc_reply reply = {0};
	int result =
		rpc_receive(&client->rpc, id, CALL_TIMEOUT_MS, &reply, failure);

	if (result)
		return result;
	report_member(client, "result", reply.result);
	if (!client->options.json) {
		cleanup_free char *connection =
			text_of(reply.result, "connection");

		(void)printf("%s: %s %s\n", cid,
			bool_of(reply.result, "created") ? "managing"
							 : "managed before,",
			connection);
		(void)fflush(stdout); /* a wait may follow */
	}
	return 0;
}

static int
receive_settled(struct client *client, const char *cid, uint32_t id)
{
	cleanup(rpc_reply_done) struct rpc_reply reply = {0};
	struct failure failure;

	if (client_receive_wait(
		    client, id, client->options.wait_ms, &reply, &failure))
		return report_failure(client, cid, &failure);
	report_member(client, "entry", reply.result);
	return wait_report(client, cid, reply.result);
}

int
run_manage(struct client *client)
{
	const char *cid = client->options.args[1];
	bool is_waiting = client->options.wait_ms >= 0;
	struct failure failure;
	uint32_t manage_id, wait_id;
	int result = send_manage(
		client, client->options.args[0], cid, &manage_id, &failure);

	/*
	 * Sent before manage is answered: the first attempt would else begin
	 * before the wait now and then, and not count for it.
	 */
	if (result == 0 && is_waiting)
		result = client_send_wait(client, cid, "settled",
			client->options.wait_ms, &wait_id, &failure);
	if (result == 0)
		result = receive_manage(client, cid, manage_id, &failure);
	if (result)
		return report_failure(client, cid, &failure);
	return is_waiting ? receive_settled(client, cid, wait_id) : EXIT_OK;
}

static int
unmanage_one(struct client *client, const char *cid)
{
	cleanup(rpc_reply_done) struct rpc_reply reply = {0};
	struct failure failure;

	if (client_call_cid(client, "unmanage", cid, &reply, &failure))
		return report_failure(client, cid, &failure);
	report_member(client, "result", reply.result);
	if (!client->options.json)
		(void)printf("%s: released%s\n", cid,
			bool_of(reply.result, "last")
				? ", the connection is let go"
				: ", others keep the connection");
	return EXIT_OK;
}

/* One member of "results": what --json alone prints would have. */
static int
unmanage_json(struct client *client, const char *cid)
{
	cleanup(rpc_reply_done) struct rpc_reply reply = {0};
	struct failure failure;
	int result = client_call_cid(client, "unmanage", cid, &reply, &failure);

	json_print_text(stdout, cid, strlen(cid));
	(void)fputs(result ? ":{\"error\":" : ":{\"result\":", stdout);
	if (result)
		report_failure_json(&failure);
	else
		json_print(stdout, reply.result);
	(void)fputc('}', stdout);
	return result;
}

int
run_unmanage(struct client *client)
{
	bool is_one_object = client->options.json && client->options.count > 1;
	int first = EXIT_OK;

	if (is_one_object) {
		report_member_begin(client, "results");
		(void)fputc('{', stdout);
	}
	for (int i = 0; i < client->options.count; i++) {
		const char *cid = client->options.args[i];
		int result;

		if (is_one_object && i > 0)
			(void)fputc(',', stdout);
		result = is_one_object ? unmanage_json(client, cid)
				       : unmanage_one(client, cid);
		first = first ? first : result;
	}
	if (is_one_object)
		(void)fputc('}', stdout);
	return first;
}

int
run_retry(struct client *client)
{
	const char *cid = client->options.args[0];
	cleanup(rpc_reply_done) struct rpc_reply reply = {0};
	struct failure failure;

	if (client_call_cid(client, "retry", cid, &reply, &failure))
		return report_failure(client, cid, &failure);
	report_member(client, "result", reply.result);
	if (!client->options.json) {
		cleanup_free char *state = text_of(reply.result, "state");

		(void)printf("%s: %s, asked to try now\n", cid, state);
	}
	return EXIT_OK;
}
