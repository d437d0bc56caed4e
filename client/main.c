/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * main.c - the command `holdfast`.
 *
 * Runs in: command.
 * Trusts: nobody: the daemon's answers are checked and cleaned like any input.
 */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/client.h"
#include "common/guard.h"

static int (*const handlers[])(struct client *client) = {
#define COMMAND(name, least, most, usage, meaning)                             \
	[COMMAND_##name] = run_##name,
#include "client/command.def"
#undef COMMAND
};

static const char *
choose_socket(const struct options *options)
{
	const char *path = getenv("HOLDFAST_SOCKET");

	if (options->socket)
		return options->socket;
	return path && path[0] ? path : DEFAULT_SOCKET;
}

static int
run(struct client *client)
{
	if (client->options.help) {
		options_print_help(&client->options);
		return EXIT_OK;
	}
	if (client->options.version) {
		(void)puts("holdfast " VERSION);
		return EXIT_OK;
	}
	return handlers[client->options.command](client);
}

int
main(int argc, char **argv)
{
	struct client client = {0};
	struct failure failure;
	int result;

	/* LC_NUMERIC stays: JSON wants a decimal point. */
	(void)setlocale(LC_CTYPE, "");
	(void)setlocale(LC_TIME, "");
	result = options_parse(argc, argv, &client.options, &failure);
	rpc_init(&client.rpc, choose_socket(&client.options));
	if (result)
		result = report_failure(&client,
			client.options.has_command
				? command_name(client.options.command)
				: NULL,
			&failure);
	else
		result = run(&client);
	result = report_end(&client, result);
	rpc_done(&client.rpc);
	return result;
}
