/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * explain.c - commands explain and metrics.
 *
 * Runs in: command.
 * Trusts: nobody: a key that is missing or odd is left out.
 */
#include <stdio.h>
#include <string.h>

#include "client/client.h"
#include "client/style.h"
#include "client/text.h"
#include "common/guard.h"
#include "proto/wire.h"

static void
print_explanation(const char *cid, const msgpack_object *result)
{
	const msgpack_object *why = array_of(result, "why");
	cleanup_free char *state = text_of(result, "state");
	cleanup_free char *connection = text_of(result, "connection");

	(void)printf("%s%s%s - %s\n", style_sequence(style_color(state)), cid,
		style_reset(), connection);
	for (uint32_t i = 0; why && i < why->via.array.size; i++) {
		cleanup_free char *sentence = text_of_object(wire_at(why, i));

		(void)printf("  %s\n", sentence);
	}
}

int
run_explain(struct client *client)
{
	const char *cid = client->options.args[0];
	cleanup(rpc_reply_done) struct rpc_reply reply = {0};
	struct failure failure;

	if (client_call_cid(client, "explain", cid, &reply, &failure))
		return report_failure(client, cid, &failure);
	report_member(client, "result", reply.result);
	if (!client->options.json)
		print_explanation(cid, reply.result);
	return EXIT_OK;
}

/* Its newlines are what makes it: text_of() would take them out. */
static void
print_metrics(const msgpack_object *result)
{
	const msgpack_object *text = result->type == MSGPACK_OBJECT_MAP
					     ? wire_find(result, "text")
					     : NULL;

	if (!text || text->type != MSGPACK_OBJECT_STR)
		return;
	for (uint32_t i = 0; i < text->via.str.size; i++) {
		unsigned char c = (unsigned char)text->via.str.ptr[i];

		(void)fputc(c < ' ' && c != '\n' ? '?' : c, stdout);
	}
}

int
run_metrics(struct client *client)
{
	cleanup(wire_writer_done) struct wire_writer params;
	cleanup(rpc_reply_done) struct rpc_reply reply = {0};
	struct failure failure;

	wire_writer_init(&params, WIRE_REQUEST_MAX);
	wire_array(&params, 0);
	if (client_call(client, "metrics", &params, &reply, &failure))
		return report_failure(client, NULL, &failure);
	report_member(client, "result", reply.result);
	if (!client->options.json)
		print_metrics(reply.result);
	return EXIT_OK;
}
