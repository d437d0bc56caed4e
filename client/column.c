/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * column.c - the columns of `holdfast list`.
 *
 * Runs in: command.
 * Trusts: nobody: a key that is missing or odd shows as nothing.
 */
#include <inttypes.h>
#include <libsmartcols/libsmartcols.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "client/column.h"
#include "client/duration.h"
#include "client/style.h"
#include "client/text.h"
#include "common/guard.h"
#include "proto/wire.h"

#define USUAL_COLUMNS "CID,STATE,URI,SINCE,TRIES,ERROR"

static char *
show_nothing(void)
{
	return text_copy("", 0);
}

static char *
show_cid(const struct row *row)
{
	return text_copy(row->id, strlen(row->id));
}

static char *
show_state(const struct row *row)
{
	const char *mark = style_has_marks() ? style_mark(row->state) : "";

	return text_format("%s%s%s", mark, mark[0] ? " " : "", row->state);
}

static char *
show_uri(const struct row *row)
{
	return text_copy(row->connection, strlen(row->connection));
}

static char *
show_ago(uint64_t at_us)
{
	char duration[DURATION_TEXT_MAX];

	if (at_us == 0)
		return show_nothing();
	duration_print(since_us(at_us), duration);
	return text_format("%s", duration);
}

static char *
show_since(const struct row *row)
{
	return show_ago(uint_of(row->entry, "since"));
}

static char *
show_tries(const struct row *row)
{
	if (!wire_find(row->entry, "attempts") ||
		strcmp(row->state, "unmanaged") == 0)
		return show_nothing();
	return text_format("%" PRIu64, uint_of(row->entry, "attempts"));
}

static char *
show_error(const struct row *row)
{
	const msgpack_object *error = map_of(row->entry, "error");
	cleanup_free char *slug = NULL;
	cleanup_free char *text = NULL;

	if (!error)
		return show_nothing();
	slug = text_of(error, "slug");
	text = text_of(error, "text");
	return text_format("%s%s%s", slug, text[0] ? ": " : "", text);
}

static char *
show_lasterror(const struct row *row)
{
	const msgpack_object *number = wire_find(row->entry, "lastError");

	return number ? text_of_object(number) : show_nothing();
}

static char *
show_path(const struct row *row)
{
	return text_of(row->entry, "path");
}

static char *
show_uid(const struct row *row)
{
	if (!bool_of(row->entry, "managed"))
		return show_nothing();
	return text_format("%" PRIu64, uint_of(row->entry, "uid"));
}

static char *
show_next(const struct row *row)
{
	uint64_t at_us = uint_of(row->entry, "next_retry");
	char duration[DURATION_TEXT_MAX];

	if (at_us == 0)
		return show_nothing();
	duration_print(until_us(at_us), duration);
	return text_format("%s", duration);
}

static char *
show_probe(const struct row *row)
{
	const msgpack_object *probe = map_of(row->entry, "probe");

	return show_ago(probe ? uint_of(probe, "at") : 0);
}

static char *
show_latency(const struct row *row)
{
	const msgpack_object *probe = map_of(row->entry, "probe");
	char latency[DURATION_TEXT_MAX];

	if (!probe || uint_of(probe, "at") == 0)
		return show_nothing();
	latency_print(uint_of(probe, "latency"), latency);
	return text_format("%s", latency);
}

static char *
show_holders(const struct row *row)
{
	const msgpack_object *holders = array_of(row->entry, "holders");

	if (!holders)
		return show_nothing();
	return text_format("%" PRIu32, holders->via.array.size);
}

static char *
show_worker(const struct row *row)
{
	uint64_t pid = uint_of(row->entry, "worker");

	return pid ? text_format("%" PRIu64, pid) : show_nothing();
}

static char *
show_operation(const struct row *row)
{
	return text_of(row->entry, "operation");
}

static char *
show_wanted(const struct row *row)
{
	return text_of(row->entry, "wanted");
}

static char *
show_managed(const struct row *row)
{
	return text_format("%s", bool_of(row->entry, "managed") ? "yes" : "no");
}

static const struct column columns[] = {
	{"CID", 1, 0, show_cid},
	{"STATE", 1, 0, show_state},
	{"URI", 0.4, SCOLS_FL_TRUNC, show_uri},
	{"SINCE", 1, SCOLS_FL_RIGHT, show_since},
	{"TRIES", 1, SCOLS_FL_RIGHT, show_tries},
	{"ERROR", 0.1, SCOLS_FL_TRUNC | SCOLS_FL_NOEXTREMES, show_error},
	{"LASTERROR", 1, SCOLS_FL_RIGHT, show_lasterror},
	{"PATH", 0.4, 0, show_path},
	{"UID", 1, SCOLS_FL_RIGHT, show_uid},
	{"NEXT", 1, SCOLS_FL_RIGHT, show_next},
	{"PROBE", 1, SCOLS_FL_RIGHT, show_probe},
	{"LATENCY", 1, SCOLS_FL_RIGHT, show_latency},
	{"HOLDERS", 1, SCOLS_FL_RIGHT, show_holders},
	{"WORKER", 1, SCOLS_FL_RIGHT, show_worker},
	{"OPERATION", 1, 0, show_operation},
	{"WANTED", 1, 0, show_wanted},
	{"MANAGED", 1, 0, show_managed},
};

static const struct column *
find_column(const char *name, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
		if (strlen(columns[i].name) == len &&
			strncasecmp(columns[i].name, name, len) == 0)
			return &columns[i];
	return NULL;
}

static int
refuse_column(const char *name, size_t len, struct failure *failure)
{
	char known[256] = "";
	size_t at = 0;

	for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
		at += (size_t)snprintf(known + at, sizeof(known) - at, "%s%s",
			i > 0 ? "," : "", columns[i].name);
	return failure_set(failure, ERR_BAD_ARGUMENTS,
		"no column \"%.*s\"; there are %s", (int)(len < 40 ? len : 40),
		name, known);
}

static int
add_columns(const char *names, const struct column *ret_columns[COLUMNS_MAX],
	size_t *ret_count, struct failure *failure)
{
	for (;;) {
		size_t len = strcspn(names, ",");
		const struct column *column = find_column(names, len);

		if (!column)
			return refuse_column(names, len, failure);
		if (*ret_count == COLUMNS_MAX)
			return failure_set(failure, ERR_BAD_ARGUMENTS,
				"more than %d columns", COLUMNS_MAX);
		ret_columns[(*ret_count)++] = column;
		if (!names[len])
			return 0;
		names += len + 1;
	}
}

int
columns_choose(const char *names, const struct column *ret_columns[COLUMNS_MAX],
	size_t *ret_count, struct failure *failure)
{
	int result = 0;

	*ret_count = 0;
	if (!names || names[0] == '+')
		result = add_columns(
			USUAL_COLUMNS, ret_columns, ret_count, failure);
	if (result || !names)
		return result;
	return add_columns(
		names + (names[0] == '+'), ret_columns, ret_count, failure);
}
