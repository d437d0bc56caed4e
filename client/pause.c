/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pause.c - commands pause and resume.
 *
 * Runs in: command.
 */
#include <stdio.h>

#include "client/client.h"
#include "client/text.h"
#include "common/guard.h"

static int
set_paused(struct client *client, const char *method)
{
	cleanup(wire_writer_done) struct wire_writer params;
	cleanup(rpc_reply_done) struct rpc_reply reply = {0};
	struct failure failure;
	int result;

	wire_writer_init(&params, WIRE_REQUEST_MAX);
	wire_array(&params, 0);
	result = client_call(client, method, &params, &reply, &failure);
	if (result)
		return report_failure(client, method, &failure);
	report_member(client, "result", reply.result);
	if (!client->options.json)
		(void)puts(
			bool_of(reply.result, "paused")
				? "paused: nothing is connected, repaired or "
				  "disconnected until `holdfast resume`"
				: "resumed");
	return EXIT_OK;
}

int
run_pause(struct client *client)
{
	return set_paused(client, "pause");
}

int
run_resume(struct client *client)
{
	return set_paused(client, "resume");
}
