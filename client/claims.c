/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * claims.c - commands manage, unmanage, retry.
 *
 * Runs in: command.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "client/client.h"
#include "client/json.h"
#include "client/text.h"
#include "common/guard.h"

enum {
	PASSWORD_SIZE = 512, /* the daemon says which are too long */
	TRIAL_TIMEOUT_MS = 90000,
};

/* The first line of a file, or of standard input for "-". 0, or -1 with
 * failure. The password is never an argument: every user sees those. */
static int
read_password(const char *path, char ret_password[PASSWORD_SIZE],
	struct failure *failure)
{
	bool is_input = strcmp(path, "-") == 0;
	FILE *file = is_input ? stdin : fopen(path, "re");
	bool is_read = file && fgets(ret_password, PASSWORD_SIZE, file);
	int errnum = errno;
	size_t len;

	if (file && !is_input)
		(void)fclose(file); /* only ever read from */
	if (!is_read)
		return failure_set(failure, ERR_BAD_ARGUMENTS,
			"no password can be read from %s: %s", path,
			file ? "it is empty" : strerror(errnum));
	len = strcspn(ret_password, "\r\n");
	if (len == PASSWORD_SIZE - 1)
		return failure_set(failure, ERR_BAD_ARGUMENTS,
			"the first line of %s is too long for a password",
			path);
	ret_password[len] = '\0';
	return 0;
}

/* What comes in a file, beside what is an argument. */
struct secrets {
	char password[PASSWORD_SIZE];
	char password_in[PASSWORD_SIZE];
};

static void
guard_secrets(struct secrets *secrets)
{
	explicit_bzero(secrets, sizeof(*secrets));
}

static int
read_secrets(const struct options *options, struct secrets *ret_secrets,
	struct failure *failure)
{
	int result = 0;

	if (options->password_file)
		result = read_password(
			options->password_file, ret_secrets->password, failure);
	if (result == 0 && options->password_in_file)
		result = read_password(options->password_in_file,
			ret_secrets->password_in, failure);
	return result;
}

static void
write_manage_options(struct wire_writer *params, const struct options *options,
	const struct secrets *secrets)
{
	const struct wire_option texts[] = {
		{"auth", options->auth},
		{"username", options->username},
		{"password", options->password_file ? secrets->password : NULL},
		{"username_in", options->username_in},
		{"password_in", options->password_in_file ? secrets->password_in
							  : NULL},
	};

	wire_map(params, (options->if_absent ? 1 : 0) +
				 wire_count_given(texts, ARRAY_SIZE(texts)));
	if (options->if_absent)
		wire_pair_bool(params, "if_absent", true);
	wire_pairs_given(params, texts, ARRAY_SIZE(texts));
}

/* How long manage may take: a trial of credentials may come before. */
static int
manage_timeout_ms(const struct client *client)
{
	return client->options.auth || client->options.username
		       ? TRIAL_TIMEOUT_MS
		       : CALL_TIMEOUT_MS;
}

static int
send_manage(struct client *client, const char *uri, const char *cid,
	uint32_t *ret_id, struct failure *failure)
{
	cleanup(wire_writer_done) struct wire_writer params;
	cleanup(guard_secrets) struct secrets secrets = {0};
	int result = read_secrets(&client->options, &secrets, failure);

	wire_writer_init(&params, WIRE_REQUEST_MAX);
	params.is_secret = true;
	if (result)
		return result;
	wire_array(&params, 3);
	wire_text(&params, uri);
	wire_text(&params, cid);
	write_manage_options(&params, &client->options, &secrets);
	return rpc_send(&client->rpc, "manage", &params,
		manage_timeout_ms(client), ret_id, failure);
}

static int
receive_manage(struct client *client, const char *cid, uint32_t id,
	struct failure *failure)
{
	cleanup(rpc_reply_done) struct rpc_reply reply = {0};
	int result = rpc_receive(
		&client->rpc, id, manage_timeout_ms(client), &reply, failure);

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
	 * Sent before manage is answered: otherwise the first attempt would
	 * begin before the wait now and then, and not count for it.
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
	return result ? exit_code_of(failure.slug) : EXIT_OK;
}

static int
unmanage_all(struct client *client)
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

static int
unmanage_prefix(struct client *client, const char *prefix)
{
	cleanup(rpc_reply_done) struct rpc_reply reply = {0};
	const msgpack_object *released = NULL;
	struct failure failure;

	if (client_call_cid(
		    client, "unmanage_prefix", prefix, &reply, &failure))
		return report_failure(client, prefix, &failure);
	report_member(client, "result", reply.result);
	if (reply.result->type == MSGPACK_OBJECT_MAP)
		released = wire_find(reply.result, "released");
	if (client->options.json || !released ||
		released->type != MSGPACK_OBJECT_ARRAY)
		return EXIT_OK;
	for (uint32_t i = 0; i < released->via.array.size; i++) {
		cleanup_free char *cid =
			text_of_object(&released->via.array.ptr[i]);

		(void)printf("%s: released\n", cid);
	}
	return EXIT_OK;
}

int
run_unmanage(struct client *client)
{
	const char *prefix = client->options.prefix;
	struct failure failure;

	if (!prefix == (client->options.count > 0))
		return prefix ? unmanage_prefix(client, prefix)
			      : unmanage_all(client);
	(void)failure_set(&failure, ERR_BAD_ARGUMENTS,
		"give connection IDs, or --prefix and none");
	return report_failure(client, NULL, &failure);
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

		(void)printf("%s: %s, %s\n", cid, state,
			strcmp(state, "backoff") == 0 ||
					strcmp(state, "blocked") == 0
				? "asked to try now"
				: "there is nothing to be tried anew");
	}
	return EXIT_OK;
}
