/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * list.c - command list. The owner file of libsmartcols.
 *
 * Runs in: command.
 * Trusts: nobody: entries come from the daemon, see client/lib/pages.h.
 */
#include <errno.h>
#include <libsmartcols/libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/client.h"
#include "client/column.h"
#include "client/json.h"
#include "client/lib/pages.h"
#include "client/style.h"
#include "client/text.h"
#include "common/guard.h"
#include "proto/wire.h"

enum {
	LIST_TIMEOUT_MS = 120000, /* of a hundred pages, and more */
};

struct rows {
	struct row *at;
	size_t count;
	struct pages pages; /* the rows point into them */
};

static void
rows_done(struct rows *rows)
{
	for (size_t i = 0; i < rows->count; i++) {
		free(rows->at[i].id);
		free(rows->at[i].state);
		free(rows->at[i].connection);
	}
	free(rows->at);
	page_free_all(rows->pages.first);
}

/* What others connected may have no URI: its source then, or its ID. */
static char *
name_connection(const char *id, const msgpack_object *entry)
{
	const msgpack_object *info = map_of(entry, "connectionInfo");
	char *uri = text_of(entry, "uri");

	if (uri[0] == '\0' && info) {
		free(uri);
		uri = text_of(info, "remotePath");
	}
	if (uri[0])
		return uri;
	free(uri);
	return text_copy(id, strlen(id));
}

static void
add_rows(struct rows *rows, const msgpack_object_map *map)
{
	for (uint32_t i = 0; i < map->size; i++) {
		struct row *row = &rows->at[rows->count++];

		row->id = text_of_object(&map->ptr[i].key);
		row->entry = &map->ptr[i].val;
		row->state = text_of(row->entry, "state");
		row->connection = name_connection(row->id, row->entry);
	}
}

static int
add_row(struct libscols_table *table, const struct row *row,
	const struct column **columns, size_t count)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);
	int result = line ? 0 : -1;

	for (size_t i = 0; i < count && result == 0; i++) {
		result = scols_line_refer_data(line, i, columns[i]->show(row));
		if (strcmp(columns[i]->name, "STATE") == 0)
			(void)scols_cell_set_color(scols_line_get_cell(line, i),
				style_color(row->state));
	}
	return result;
}

/* libsmartcols prints nothing at all for a table without lines. */
static void
print_headings(const struct column **columns, size_t count)
{
	for (size_t i = 0; i < count; i++)
		(void)printf("%s%s", i > 0 ? " " : "", columns[i]->name);
	(void)fputc('\n', stdout);
}

static void
unref_table(struct libscols_table **table)
{
	scols_unref_table(*table);
}

static int
print_table(const struct options *options, const struct rows *rows,
	const struct column **columns, size_t count)
{
	cleanup(unref_table) struct libscols_table *table = scols_new_table();
	int result = table ? 0 : -1;

	if (result == 0 && rows->count == 0 && !options->noheadings)
		print_headings(columns, count);
	if (result < 0 || rows->count == 0)
		return result;
	(void)scols_table_enable_noheadings(table, options->noheadings);
	(void)scols_table_enable_raw(table, options->raw);
	(void)scols_table_enable_colors(table, style_has_colors());
	for (size_t i = 0; i < count && result == 0; i++)
		if (!scols_table_new_column(table, columns[i]->name,
			    columns[i]->width, columns[i]->flags))
			result = -1;
	for (size_t i = 0; i < rows->count && result == 0; i++)
		result = add_row(table, &rows->at[i], columns, count);
	return result == 0 ? scols_print_table(table) : result;
}

static int
compare_connections(const void *a, const void *b)
{
	const struct row *row_a = a, *row_b = b;
	int order = strcmp(row_a->state, row_b->state);

	return order ? order : strcmp(row_a->connection, row_b->connection);
}

/* "4 ids on 3 connections: 2 connected, 1 backoff". Sorts the rows anew. */
static void
print_footer(struct rows *rows)
{
	cleanup_free char *parts = text_copy("", 0);
	size_t connections = 0;
	size_t in_state = 0;

	qsort(rows->at, rows->count, sizeof(*rows->at), compare_connections);
	for (size_t i = 0; i < rows->count; i++) {
		const struct row *row = &rows->at[i];
		bool is_last = i + 1 == rows->count;
		char *longer;

		/* Of one connection all rows have one state. */
		if (is_last || compare_connections(row, row + 1) != 0)
			in_state++;
		if (!is_last && strcmp(row->state, row[1].state) == 0)
			continue;
		longer = text_format("%s%s %zu %s", parts,
			connections ? "," : ":", in_state, row->state);
		free(parts);
		parts = longer;
		connections += in_state;
		in_state = 0;
	}
	(void)fflush(stdout);
	(void)fprintf(stderr, "%zu id%s on %zu connection%s%s\n", rows->count,
		rows->count == 1 ? "" : "s", connections,
		connections == 1 ? "" : "s", parts);
}

static int
read_uid(const char *text, uint32_t *ret_uid, struct failure *failure)
{
	unsigned long long uid;
	char *end;

	errno = 0;
	uid = strtoull(text, &end, 10);
	if (errno || *text < '0' || *text > '9' || *end || uid > UINT32_MAX)
		return failure_set(failure, ERR_BAD_OPTION,
			"--uid \"%s\" is no user's number", text);
	*ret_uid = (uint32_t)uid;
	return 0;
}

static int
read_rows(struct client *client, struct rows *rows, struct failure *failure)
{
	const struct options *options = &client->options;
	struct holdfast_filter filter = {
		.prefix = options->prefix,
		.state = options->state,
		.connection = options->connection,
		.has_uid = options->uid != NULL,
	};
	struct deadline deadline = deadline_in(LIST_TIMEOUT_MS);
	int result = 0;

	if (options->uid)
		result = read_uid(options->uid, &filter.uid, failure);
	if (result == 0)
		result = pages_fetch(&client->rpc, &filter, &deadline,
			&rows->pages, failure);
	if (result)
		return result;
	rows->at = calloc(rows->pages.count + 1, sizeof(*rows->at));
	if (!rows->at)
		return failure_set(failure, ERR_INTERNAL, "no memory");
	for (struct page *page = rows->pages.first; page; page = page->next)
		add_rows(rows, &page->reply.result->via.map);
	return 0;
}

/* One map, as if it had come in one piece. */
static void
print_json(struct client *client, const struct rows *rows)
{
	report_member_begin(client, "result");
	(void)fputc('{', stdout);
	for (size_t i = 0; i < rows->count; i++) {
		const struct row *row = &rows->at[i];

		if (i > 0)
			(void)fputc(',', stdout);
		json_print_text(stdout, row->id, strlen(row->id));
		(void)fputc(':', stdout);
		json_print(stdout, row->entry);
	}
	(void)fputc('}', stdout);
}

int
run_list(struct client *client)
{
	const struct options *options = &client->options;
	const struct column *columns[COLUMNS_MAX];
	cleanup(rows_done) struct rows rows = {0};
	struct failure failure;
	size_t count;
	int result;

	result = columns_choose(options->columns, columns, &count, &failure);
	if (result == 0)
		result = read_rows(client, &rows, &failure);
	if (result)
		return report_failure(client, "list", &failure);
	if (options->json) {
		print_json(client, &rows);
		return EXIT_OK;
	}
	if (print_table(options, &rows, columns, count) < 0) {
		(void)fputs("holdfast: cannot print the table\n", stderr);
		return EXIT_FAILED;
	}
	if (!options->raw && !options->noheadings && isatty(STDERR_FILENO))
		print_footer(&rows);
	return EXIT_OK;
}
