/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * status_more.c - command status: tries, outages, options, and what comes.
 *
 * Runs in: command.
 * Trusts: nobody: a key that is missing or odd is left out.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/duration.h"
#include "client/status.h"
#include "client/text.h"
#include "common/guard.h"
#include "proto/wire.h"

/* "unreachable: connection refused"; "" for none. */
static char *
show_cause(const msgpack_object *map)
{
	cleanup_free char *slug = text_of(map, "slug");
	cleanup_free char *text = text_of(map, "text");
	bool has_slug = slug[0] && strcmp(slug, "ok") != 0;

	return text_format("%s%s%s", has_slug ? slug : "",
		has_slug && text[0] ? ": " : "", text);
}

static void
print_tries(const msgpack_object *entry)
{
	const msgpack_object *tries = array_of(entry, "tries");

	for (uint32_t i = 0; tries && i < tries->via.array.size; i++) {
		const msgpack_object *try = wire_at(tries, i);
		cleanup_free char *at = status_instant(uint_of(try, "at"));
		cleanup_free char *cause = show_cause(try);

		status_line(i == 0 ? "Tries" : "", "%s  %" PRIu64 "  %s", at,
			uint_of(try, "number"),
			cause[0]	      ? cause
			: uint_of(try, "end") ? "ok"
					      : "under way");
	}
}

static void
print_outages(const msgpack_object *entry)
{
	const msgpack_object *outages = array_of(entry, "outages");

	for (uint32_t i = 0; outages && i < outages->via.array.size; i++) {
		const msgpack_object *outage = wire_at(outages, i);
		uint64_t start = uint_of(outage, "start");
		uint64_t end = uint_of(outage, "end");
		cleanup_free char *at = status_instant(start);
		cleanup_free char *cause = show_cause(outage);
		char lasted[DURATION_TEXT_MAX];

		duration_print(end > start ? end - start : 0, lasted);
		status_line(i == 0 ? "Outages" : "", "%s  %s%s%s%s", at,
			end ? "for " : "not over", end ? lasted : "",
			cause[0] ? "  " : "", cause);
	}
}

static void
print_options(const msgpack_object *entry)
{
	const msgpack_object *options = map_of(entry, "options");
	const msgpack_object *differences =
		options ? array_of(options, "differences") : NULL;
	cleanup_free char *requested =
		options ? text_of(options, "requested") : text_copy("", 0);

	if (requested[0])
		status_line("Requested", "%s", requested);
	for (uint32_t i = 0; differences && i < differences->via.array.size;
		i++) {
		const msgpack_object *difference = wire_at(differences, i);
		cleanup_free char *name = text_of(difference, "option");
		cleanup_free char *wanted = text_of(difference, "requested");
		cleanup_free char *found = text_of(difference, "effective");

		status_line(i == 0 ? "Differs" : "", "%s: %s asked for, %s",
			name, wanted, found[0] ? found : "not there");
	}
}

static void
print_worst_case(const msgpack_object *entry)
{
	const msgpack_object *worst = map_of(entry, "worst_case");
	cleanup_free char *text =
		worst ? text_of(worst, "text") : text_copy("", 0);

	if (text[0])
		status_line("Worst case", "%s", text);
}

static void
print_next(const msgpack_object *entry)
{
	const msgpack_object *next = map_of(entry, "next");
	cleanup_free char *text =
		next ? text_of(next, "text") : text_copy("", 0);
	uint64_t at = next ? uint_of(next, "at") : 0;
	char duration[DURATION_TEXT_MAX];

	if (!text[0])
		return;
	duration_print(until_us(at), duration);
	status_line(
		"Next", "%s%s%s", text, at ? ", in " : "", at ? duration : "");
}

void
status_print_more(const msgpack_object *entry)
{
	print_options(entry);
	print_worst_case(entry);
	print_tries(entry);
	print_outages(entry);
	print_next(entry);
}
