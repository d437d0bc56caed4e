/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * metrics.c - the method metrics: OpenMetrics text.
 *
 * Runs in: supervisor.
 * Trusts: nobody's text: what stands in a label is escaped.
 * Invariant: labels are of connections and servers, whose number is bounded,
 *            never of connection IDs, which come and go.
 *
 * Source: the OpenMetrics specification 1.0, "Text format".
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "paths.h"
#include "common/clock.h"
#include "common/guard.h"
#include "supervisor/api.h"
#include "supervisor/call.h"
#include "supervisor/supervisor.h"

#define CONTENT_TYPE                                                           \
	"application/openmetrics-text; version=1.0.0; charset=utf-8"

static void
family(FILE *file, const char *name, const char *type, const char *help)
{
	(void)fprintf(file, "# TYPE holdfast_%s %s\n# HELP holdfast_%s %s\n",
		name, type, name, help);
}

/* {name="value"}: backslash, quote and newline are escaped. */
static void
label(FILE *file, const char *name, const char *value)
{
	(void)fprintf(file, "{%s=\"", name);
	for (; *value; value++) {
		if (*value == '\\' || *value == '"')
			(void)fputc('\\', file);
		(void)fputc(*value, file);
	}
	(void)fputs("\"}", file);
}

static void
write_seconds(FILE *file, uint64_t us)
{
	(void)fprintf(file, " %" PRIu64 ".%06" PRIu64 "\n", us / US_PER_SEC,
		us % US_PER_SEC);
}

static void
gauge(FILE *file, const char *name, const char *help, uint64_t value)
{
	family(file, name, "gauge", help);
	(void)fprintf(file, "holdfast_%s %" PRIu64 "\n", name, value);
}

/* --- of the host */

static void
write_host(FILE *file, const struct supervisor *supervisor)
{
	family(file, "build", "info", "The version of the daemon.");
	(void)fprintf(file, "holdfast_build_info");
	label(file, "version", VERSION);
	(void)fprintf(file, " 1\n");
	gauge(file, "claims", "Claims.", HASH_CNT(hh, supervisor->claims));
	gauge(file, "clients", "Clients on the socket.",
		supervisor->client_count);
	gauge(file, "paused", "1 while nothing is begun on this host.",
		supervisor->is_paused);
	family(file, "events", "counter", "Events, over restarts.");
	(void)fprintf(file, "holdfast_events_total %" PRIu64 "\n",
		supervisor->journal.next - 1);
}

static void
write_states(FILE *file, const struct supervisor *supervisor)
{
	const struct target *target, *next;
	unsigned counts[TARGET_STATE_COUNT] = {0};

	HASH_ITER (by_uri, supervisor->targets, target, next)
		counts[target->status.state]++;
	family(file, "connections", "gauge", "Connections, by their state.");
	for (unsigned i = 0; i < TARGET_STATE_COUNT; i++) {
		(void)fprintf(file, "holdfast_connections");
		label(file, "state", target_state_word((enum target_state)i));
		(void)fprintf(file, " %u\n", counts[i]);
	}
}

/* --- of each connection */

static uint64_t
get_healthy(const struct target *target)
{
	return target->status.state == TARGET_CONNECTED;
}

static uint64_t
get_attempts(const struct target *target)
{
	return target->status.attempt;
}

static uint64_t
get_failures(const struct target *target)
{
	return target->record.failure_count;
}

static uint64_t
get_outages(const struct target *target)
{
	return target->record.outage_count;
}

static uint64_t
get_starts(const struct target *target)
{
	return target->start_count;
}

static uint64_t
get_outage_us(const struct target *target)
{
	const struct record_outage *open = record_open_outage(&target->record);
	uint64_t now_us = clock_unix_us();

	return target->record.outage_us +
	       (open && now_us > open->start_us ? now_us - open->start_us : 0);
}

static uint64_t
get_latency_us(const struct target *target)
{
	return target->status.probe_latency_us;
}

static const struct {
	const char *name;
	const char *type;
	const char *suffix;
	const char *help;
	bool is_time; /* get() gives microseconds */
	uint64_t (*get)(const struct target *target);
} families[] = {
	{"connection_healthy", "gauge", "",
		"1 while it is connected and its last probe succeeded.", false,
		get_healthy},
	{"connection_attempts", "counter", "_total", "Attempts to connect.",
		false, get_attempts},
	{"connection_failures", "counter", "_total",
		"Attempts to connect that failed.", false, get_failures},
	{"connection_outages", "counter", "_total",
		"How often it did not work though it was claimed.", false,
		get_outages},
	{"connection_outage_seconds", "counter", "_total",
		"For how long, in all.", true, get_outage_us},
	{"connection_probe_latency_seconds", "gauge", "",
		"How long the last probe that succeeded took.", true,
		get_latency_us},
	{"connection_worker_starts", "counter", "_total",
		"How often its worker was started.", false, get_starts},
};

static void
write_connections(FILE *file, const struct supervisor *supervisor)
{
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		const struct target *target, *next;

		family(file, families[i].name, families[i].type,
			families[i].help);
		HASH_ITER (by_uri, supervisor->targets, target, next) {
			uint64_t value = families[i].get(target);

			(void)fprintf(file, "holdfast_%s%s", families[i].name,
				families[i].suffix);
			label(file, "connection", target->uri);
			if (families[i].is_time)
				write_seconds(file, value);
			else
				(void)fprintf(file, " %" PRIu64 "\n", value);
		}
	}
}

/* --- of each server */

static void
write_servers(FILE *file, const struct supervisor *supervisor)
{
	const struct server *server, *next;

	family(file, "server_stuck_operations", "gauge",
		"Processes that do not end though they were killed.");
	HASH_ITER (hh, supervisor->servers, server, next) {
		(void)fprintf(file, "holdfast_server_stuck_operations");
		label(file, "server", server->name);
		(void)fprintf(file, " %zu\n",
			ledger_count(&supervisor->ledger, server->name));
	}
	family(file, "server_held", "gauge",
		"1 while its connections are tried one at a time.");
	HASH_ITER (hh, supervisor->servers, server, next) {
		(void)fprintf(file, "holdfast_server_held");
		label(file, "server", server->name);
		(void)fprintf(file, " %d\n", server->is_held);
	}
}

/* Those of servers without a connection as well. */
static void
write_stuck(FILE *file, const struct supervisor *supervisor)
{
	const struct ledger_entry *entry;
	uint64_t now_us = clock_unix_us();
	uint64_t oldest_us = 0;
	size_t count = 0;

	TAILQ_FOREACH (entry, &supervisor->ledger.entries, in_ledger) {
		if (entry->is_suspect)
			continue;
		count++;
		if (now_us > entry->since_us &&
			now_us - entry->since_us > oldest_us)
			oldest_us = now_us - entry->since_us;
	}
	gauge(file, "stuck_operations",
		"Processes that do not end though they were killed.", count);
	family(file, "stuck_oldest_seconds", "gauge",
		"For how long the oldest of them has been so.");
	(void)fprintf(file, "holdfast_stuck_oldest_seconds");
	write_seconds(file, oldest_us);
}

/* To be freed; NULL without memory. */
static char *
print_all(const struct supervisor *supervisor)
{
	char *text = NULL;
	size_t len;
	FILE *file = open_memstream(&text, &len);

	if (!file)
		return NULL;
	write_host(file, supervisor);
	write_states(file, supervisor);
	write_connections(file, supervisor);
	write_servers(file, supervisor);
	write_stuck(file, supervisor);
	(void)fputs("# EOF\n", file);
	if (fclose(file) == 0)
		return text;
	free(text);
	return NULL;
}

int
method_metrics(struct call *call, struct err *err)
{
	cleanup_free char *text = print_all(call->supervisor);

	if (!text)
		return err_set(err, ERR_INTERNAL, ENOMEM, "no memory");
	api_begin_result(call->out, call->message_id);
	wire_map(call->out, 2);
	wire_pair_text(call->out, "content_type", CONTENT_TYPE);
	wire_pair_text(call->out, "text", text);
	return 0;
}
