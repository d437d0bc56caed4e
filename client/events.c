/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * events.c - command events: what happened, and what happens.
 *
 * Runs in: command.
 * Trusts: nobody: a key that is missing or odd is left out.
 * Invariant: no event is shown twice, none is passed over in silence: what the
 *            daemon did not keep shows as a gap.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/client.h"
#include "client/duration.h"
#include "client/style.h"
#include "client/text.h"
#include "common/guard.h"

enum {
	POLL_MS = 20000, /* shorter than CALL_TIMEOUT_MS */
	ANEW_PAUSE_MS = 500,
};

/* "connected -> unresponsive", or the kind alone. */
static char *
show_what(const msgpack_object *event)
{
	cleanup_free char *kind = text_of(event, "kind");
	cleanup_free char *state = text_of(event, "state");
	cleanup_free char *before = text_of(event, "before");

	if (!before[0])
		return text_copy(kind, strlen(kind));
	return text_format("%s -> %s", before, state);
}

static void
print_event(const msgpack_object *event)
{
	cleanup_free char *what = show_what(event);
	cleanup_free char *subject = text_of(event, "subject");
	cleanup_free char *connection = text_of(event, "connection");
	cleanup_free char *slug = text_of(event, "slug");
	cleanup_free char *text = text_of(event, "text");
	cleanup_free char *state = text_of(event, "state");
	bool has_slug = slug[0] && strcmp(slug, "ok") != 0;
	char at[INSTANT_TEXT_MAX];

	instant_print(uint_of(event, "at"), at);
	(void)printf("%" PRIu64 "  %s  %s%s%s", uint_of(event, "number"), at,
		style_sequence(style_color(state)), what, style_reset());
	if (subject[0])
		(void)printf("  %s", subject);
	if (connection[0])
		(void)printf("  %s", connection);
	if (has_slug || text[0])
		(void)printf("  (%s%s%s)", has_slug ? slug : "",
			has_slug && text[0] ? ": " : "", text);
	(void)fputc('\n', stdout);
}

static int
call_events(struct client *client, uint64_t since, bool is_waiting,
	struct rpc_reply *ret_reply, struct failure *failure)
{
	cleanup(wire_writer_done) struct wire_writer params;

	wire_writer_init(&params, WIRE_REQUEST_MAX);
	wire_array(&params, 2);
	wire_uint(&params, since);
	wire_map(&params, 1);
	wire_pair_uint(&params, "timeout_ms", is_waiting ? POLL_MS : 0);
	return client_call(client, "events", &params, ret_reply, failure);
}

/* Shows each; how many there were, and where to go on. */
static uint32_t
show_all(struct client *client, const msgpack_object *result, uint64_t *since)
{
	const msgpack_object *events = array_of(result, "events");
	uint32_t count = events ? events->via.array.size : 0;

	for (uint32_t i = 0; i < count; i++) {
		const msgpack_object *event = wire_at(events, i);

		if (client->options.json) {
			report_member(client, "result", event);
			(void)report_end(client, EXIT_OK);
		} else {
			print_event(event);
		}
	}
	(void)fflush(stdout); /* somebody may be reading along */
	if (count > 0)
		*since = uint_of(result, "next");
	return count;
}

static int
parse_since(const char *text, uint64_t *ret_since, struct failure *failure)
{
	char *end;

	*ret_since = 0;
	if (!text)
		return 0;
	errno = 0;
	*ret_since = strtoull(text, &end, 10);
	if (text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0)
		return 0;
	return failure_set(failure, ERR_BAD_ARGUMENTS,
		"--since \"%s\" is no number of an event, from 0 on", text);
}

static void
pause_a_little(void)
{
	const struct timespec pause = {.tv_nsec = ANEW_PAUSE_MS * 1000000L};

	(void)nanosleep(&pause, NULL);
}

/* For ever: a daemon that is restarted is waited for. */
static int
follow(struct client *client, uint64_t since)
{
	bool was_there = true;

	while (!ferror(stdout)) {
		cleanup(rpc_reply_done) struct rpc_reply reply = {0};
		struct failure failure;
		int result = call_events(client, since, true, &reply, &failure);

		if (result == 0) {
			was_there = true;
			(void)show_all(client, reply.result, &since);
			continue;
		}
		if (exit_code_of(failure.slug) != EXIT_NO_DAEMON)
			return report_failure(client, NULL, &failure);
		if (was_there)
			(void)fprintf(stderr, "holdfast: %s; waiting for it\n",
				failure.text);
		was_there = false;
		pause_a_little();
	}
	return EXIT_FAILED;
}

/* In portions, until nothing is left. */
static int
show_kept(struct client *client, uint64_t *since)
{
	for (;;) {
		cleanup(rpc_reply_done) struct rpc_reply reply = {0};
		struct failure failure;

		if (call_events(client, *since, false, &reply, &failure))
			return report_failure(client, NULL, &failure);
		if (show_all(client, reply.result, since) == 0)
			return EXIT_OK;
	}
}

int
run_events(struct client *client)
{
	struct failure failure;
	uint64_t since;
	int result = parse_since(client->options.since, &since, &failure);

	if (result)
		return report_failure(client, NULL, &failure);
	result = show_kept(client, &since);
	if (result || !client->options.follow)
		return result;
	return follow(client, since);
}
