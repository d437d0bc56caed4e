/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * status.c - command status: all there is to know about one connection ID.
 *
 * Runs in: command.
 * Trusts: nobody: a key that is missing or odd is left out.
 */
#include <inttypes.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "client/client.h"
#include "client/duration.h"
#include "client/hint.h"
#include "client/status.h"
#include "client/style.h"
#include "client/text.h"
#include "common/guard.h"
#include "proto/wire.h"

void
status_line(const char *label, const char *format, ...)
{
	va_list args;

	(void)printf("%10s%c ", label, label[0] ? ':' : ' ');
	va_start(args, format);
	(void)vprintf(format, args);
	va_end(args);
	(void)fputc('\n', stdout);
}

char *
status_instant(uint64_t at_us)
{
	char instant[INSTANT_TEXT_MAX];
	char duration[DURATION_TEXT_MAX];

	instant_print(at_us, instant);
	duration_print(since_us(at_us), duration);
	return text_format("%s (%s ago)", instant, duration);
}

static void
print_title(const char *cid, const msgpack_object *entry, const char *state)
{
	cleanup_free char *uri = text_of(entry, "uri");
	const char *mark = style_has_marks() ? style_mark(state) : "";

	(void)printf("%s%s%s%s%s%s%s\n", style_sequence(style_color(state)),
		mark, style_reset(), mark[0] ? " " : "", cid,
		uri[0] ? " - " : "", uri);
}

static void
print_state(const msgpack_object *entry, const char *state)
{
	cleanup_free char *operation = text_of(entry, "operation");
	cleanup_free char *wanted = text_of(entry, "wanted");
	cleanup_free char *since = NULL;
	uint64_t since_at = uint_of(entry, "since");
	bool is_idle = !operation[0] || strcmp(operation, "none") == 0;

	if (since_at)
		since = status_instant(since_at);
	status_line("State", "%s%s%s%s%s%s%s%s%s",
		style_sequence(style_color(state)), state, style_reset(),
		since ? " since " : "", since ? since : "",
		is_idle ? "" : ", in progress: ", is_idle ? "" : operation,
		wanted[0] ? ", wanted: " : "", wanted);
}

static void
print_attempts(const msgpack_object *entry)
{
	const msgpack_object *attempt = map_of(entry, "attempt");
	uint64_t next = uint_of(entry, "next_retry");
	uint64_t at = attempt ? uint_of(attempt, "at") : 0;
	char duration[DURATION_TEXT_MAX];
	cleanup_free char *began = NULL;

	if (at == 0 && next == 0)
		return;
	if (at)
		began = status_instant(at);
	duration_print(until_us(next), duration);
	status_line("Attempts", "%" PRIu64 "%s%s%s%s",
		uint_of(entry, "attempts"), began ? ", the last one " : "",
		began ? began : "", next ? ", the next one in " : "",
		next ? duration : "");
}

static void
print_error(const msgpack_object *entry)
{
	const msgpack_object *error = map_of(entry, "error");
	cleanup_free char *slug = NULL;
	cleanup_free char *text = NULL;
	cleanup_free char *at = NULL;
	const char *hint;
	uint64_t number;

	if (!error)
		return;
	slug = text_of(error, "slug");
	text = text_of(error, "text");
	status_line("Error", "%s%s%s%s%s", style_sequence("red"), slug,
		style_reset(), text[0] ? ": " : "", text);
	number = uint_of(error, "attempt");
	if (uint_of(error, "at")) {
		at = status_instant(uint_of(error, "at"));
		if (number)
			status_line(
				"", "of attempt %" PRIu64 ", %s", number, at);
		else
			status_line("", "%s", at);
	}
	hint = hint_of(slug);
	if (hint)
		status_line("Hint", "%s", hint);
}

static void
print_owner(const msgpack_object *entry)
{
	uint64_t uid = uint_of(entry, "uid");
	uint64_t created = uint_of(entry, "created");
	const struct passwd *user = getpwuid((uid_t)uid);
	cleanup_free char *at = NULL;

	if (!bool_of(entry, "managed")) {
		status_line("Owner", "none: no claim of holdfast's");
		return;
	}
	if (created)
		at = status_instant(created);
	status_line("Owner", "%s (uid %" PRIu64 ")%s%s",
		user ? user->pw_name : "unknown", uid, at ? ", since " : "",
		at ? at : "");
}

static void
print_probe(const msgpack_object *entry)
{
	const msgpack_object *probe = map_of(entry, "probe");
	cleanup_free char *at = NULL;
	char latency[DURATION_TEXT_MAX];

	if (!probe || uint_of(probe, "at") == 0)
		return;
	at = status_instant(uint_of(probe, "at"));
	latency_print(uint_of(probe, "latency"), latency);
	status_line("Probe", "last answered %s, in %s", at, latency);
}

/* What a map says, on one line: "type nfs, host nas1". */
static void
print_info(const char *label, const msgpack_object *map)
{
	cleanup_free char *line = text_copy("", 0);

	for (uint32_t i = 0; map && i < map->via.map.size; i++) {
		const msgpack_object_kv *pair = &map->via.map.ptr[i];
		cleanup_free char *key = text_of_object(&pair->key);
		cleanup_free char *value = text_of_object(&pair->val);
		char *longer;

		/* Disks have lines of their own. */
		if (!value[0] || pair->val.type == MSGPACK_OBJECT_ARRAY)
			continue;
		longer = text_format(
			"%s%s%s %s", line, line[0] ? ", " : "", key, value);
		free(line);
		line = longer;
	}
	if (line[0])
		status_line(label, "%s", line);
}

static void
print_holders(const msgpack_object *entry)
{
	const msgpack_object *holders = array_of(entry, "holders");

	for (uint32_t i = 0; holders && i < holders->via.array.size; i++) {
		const msgpack_object *holder = wire_at(holders, i);
		cleanup_free char *command = text_of(holder, "command");
		cleanup_free char *kind = text_of(holder, "kind");
		const char *label = i == 0 ? "Used by" : "";
		uint64_t pid = uint_of(holder, "pid");

		if (pid == 0) /* the kernel's own: a mount, a device */
			status_line(label, "%s: %s", command, kind);
		else
			status_line(label, "%s (process %" PRIu64 "): %s",
				command, pid, kind);
	}
}

static void
print_processes(const msgpack_object *entry)
{
	const msgpack_object *stuck = map_of(entry, "stuck");
	uint64_t worker = uint_of(entry, "worker");
	cleanup_free char *operation = NULL;
	cleanup_free char *since = NULL;
	cleanup_free char *held = text_of(entry, "held");

	if (held[0])
		status_line("Held", "%s",
			strcmp(held, "paused") == 0
				? "this host is paused, see `holdfast resume`"
				: "several operations to its server are stuck: "
				  "its connections take turns");
	if (worker)
		status_line("Worker", "process %" PRIu64, worker);
	if (!stuck)
		return;
	operation = text_of(stuck, "operation");
	since = status_instant(uint_of(stuck, "since"));
	status_line("Stuck", "process %" PRIu64 " in %s since %s",
		uint_of(stuck, "pid"), operation, since);
}

static void
print_history(const msgpack_object *entry)
{
	const msgpack_object *history = array_of(entry, "history");

	for (uint32_t i = 0; history && i < history->via.array.size; i++) {
		const msgpack_object *event = wire_at(history, i);
		cleanup_free char *at = status_instant(uint_of(event, "at"));
		cleanup_free char *state = text_of(event, "state");
		cleanup_free char *slug = text_of(event, "slug");
		cleanup_free char *text = text_of(event, "text");
		bool has_slug = slug[0] && strcmp(slug, "ok") != 0;

		status_line(i == 0 ? "History" : "", "%s  %-*s%s%s%s", at,
			has_slug || text[0] ? 14 : 0, state,
			has_slug ? slug : "", has_slug && text[0] ? ": " : "",
			text);
	}
}

/* "0 /dev/sda", and udev's name for it, if there is one. */
static void
print_disks(const msgpack_object *entry)
{
	const msgpack_object *info = map_of(entry, "connectionInfo");
	const msgpack_object *disks = info ? array_of(info, "devices") : NULL;

	for (uint32_t i = 0; disks && i < disks->via.array.size; i++) {
		const msgpack_object *disk = wire_at(disks, i);
		cleanup_free char *path = text_of(disk, "path");
		cleanup_free char *by_path = text_of(disk, "byPath");

		status_line(i == 0 ? "Disks" : "", "LUN %llu  %s  %s",
			(unsigned long long)uint_of(disk, "lun"), path,
			by_path);
	}
}

static void
print_status(const char *cid, const msgpack_object *entry)
{
	cleanup_free char *state = text_of(entry, "state");
	cleanup_free char *path = text_of(entry, "path");

	print_title(cid, entry, state);
	print_state(entry, state);
	print_error(entry);
	print_attempts(entry);
	if (path[0])
		status_line("Path", "%s", path);
	print_info("Target", map_of(entry, "connectionInfo"));
	print_disks(entry);
	print_owner(entry);
	print_probe(entry);
	print_holders(entry);
	print_processes(entry);
	status_print_more(entry);
	print_history(entry);
}

int
run_status(struct client *client)
{
	const char *cid = client->options.args[0];
	cleanup(rpc_reply_done) struct rpc_reply reply = {0};
	struct failure failure;
	int result = client_call_cid(client, "status", cid, &reply, &failure);

	if (result == 0 && reply.result->type != MSGPACK_OBJECT_MAP)
		result = failure_set(&failure, ERR_BAD_MESSAGE,
			"the daemon's answer is malformed: no entry");
	if (result)
		return report_failure(client, cid, &failure);
	report_member(client, "result", reply.result);
	if (!client->options.json)
		print_status(cid, reply.result);
	return EXIT_OK;
}
