/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * call.c - commands call and hello.
 *
 * Runs in: command.
 */
#include <stdio.h>

#include "client/client.h"
#include "client/json.h"
#include "client/text.h"
#include "common/guard.h"

static int
add_arguments(const struct options *options, struct wire_writer *params,
	struct failure *failure)
{
	int result = 0;

	wire_array(params, (size_t)options->count - 1);
	for (int i = 1; i < options->count && result == 0; i++)
		result = json_add(params, options->args[i], failure);
	return result;
}

int
run_call(struct client *client)
{
	const struct options *options = &client->options;
	int64_t timeout_ms =
		options->timeout_ms < 0 ? CALL_TIMEOUT_MS : options->timeout_ms;
	cleanup(wire_writer_done) struct wire_writer params;
	cleanup(rpc_reply_done) struct rpc_reply reply = {0};
	struct failure failure;
	int result;

	wire_writer_init(&params, WIRE_REQUEST_MAX);
	result = add_arguments(options, &params, &failure);
	if (result == 0)
		result = rpc_call(&client->rpc, options->args[0], &params,
			timeout_ms, &reply, &failure);
	if (result)
		return report_failure(client, options->args[0], &failure);
	report_member(client, "result", reply.result);
	if (!options->json) {
		json_print(stdout, reply.result);
		(void)fputc('\n', stdout);
	}
	return EXIT_OK;
}

/* One line for each key, in the daemon's order. */
static void
print_map(const msgpack_object *map)
{
	if (map->type != MSGPACK_OBJECT_MAP)
		return;
	for (uint32_t i = 0; i < map->via.map.size; i++) {
		const msgpack_object_kv *pair = &map->via.map.ptr[i];
		cleanup_free char *key = text_of_object(&pair->key);
		cleanup_free char *value = text_of_object(&pair->val);

		(void)printf("%s: %s\n", key, value);
	}
}

int
run_hello(struct client *client)
{
	cleanup(wire_writer_done) struct wire_writer params;
	cleanup(rpc_reply_done) struct rpc_reply reply = {0};
	struct failure failure;

	wire_writer_init(&params, WIRE_REQUEST_MAX);
	wire_array(&params, 0);
	if (client_call(client, "hello", &params, &reply, &failure))
		return report_failure(client, NULL, &failure);
	report_member(client, "result", reply.result);
	if (!client->options.json)
		print_map(reply.result);
	return EXIT_OK;
}
