/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * wait.c - command wait, and how a wait ended.
 *
 * Runs in: command.
 */
#include <stdio.h>
#include <string.h>

#include "client/client.h"
#include "client/text.h"
#include "common/guard.h"

/* The error that stands in an entry, if one does. */
static bool
has_failure(const msgpack_object *entry, struct failure *ret_failure)
{
	const msgpack_object *error = map_of(entry, "error");
	cleanup_free char *slug = NULL;
	cleanup_free char *text = NULL;
	cleanup_free char *whole = NULL;

	if (!error)
		return false;
	slug = text_of(error, "slug");
	text = text_of(error, "text");
	whole = text_format("%s: %s", slug, text);
	(void)failure_from_server(ret_failure, whole, strlen(whole));
	return true;
}

int
wait_report(struct client *client, const char *cid, const msgpack_object *entry)
{
	cleanup_free char *state = text_of(entry, "state");
	cleanup_free char *path = text_of(entry, "path");
	struct failure failure;

	if (client->options.json)
		return bool_of(entry, "healthy") ? EXIT_OK : EXIT_IN_ERROR;
	if (bool_of(entry, "healthy")) {
		(void)printf("%s: connected%s%s\n", cid, path[0] ? " at " : "",
			path);
		return EXIT_OK;
	}
	if (has_failure(entry, &failure))
		(void)report_failure(client, cid, &failure);
	else
		(void)fprintf(stderr, "holdfast: %s: not connected: %s\n", cid,
			state);
	return EXIT_IN_ERROR;
}

int
run_wait(struct client *client)
{
	const struct options *options = &client->options;
	const char *cid = options->args[0];
	const char *wait_for =
		options->wait_for ? options->wait_for : "connected";
	int64_t timeout_ms =
		options->timeout_ms < 0 ? CALL_TIMEOUT_MS : options->timeout_ms;
	cleanup(rpc_reply_done) struct rpc_reply reply = {0};
	struct failure failure;
	uint32_t id;
	int result = client_send_wait(
		client, cid, wait_for, timeout_ms, &id, &failure);

	if (result == 0)
		result = client_receive_wait(
			client, id, timeout_ms, &reply, &failure);
	if (result)
		return report_failure(client, cid, &failure);
	report_member(client, "result", reply.result);
	if (strcmp(wait_for, "gone") != 0)
		return wait_report(client, cid, reply.result);
	if (!options->json)
		(void)printf("%s: gone\n", cid);
	return EXIT_OK;
}
