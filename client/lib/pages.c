/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pages.c - list, page by page.
 *
 * Runs in: command, and whoever links libholdfast.
 * Trusts: nobody.
 * Invariant: see pages.h.
 */
#include <stdlib.h>
#include <string.h>

#include "client/lib/pages.h"
#include "common/clock.h"
#include "common/guard.h"

enum {
	BYTES_MAX = 512 << 20,
};

/* Within a page; at is NULL while there is none. */
struct id {
	const char *at;
	size_t len;
};

/* How far it has come. */
struct walk {
	struct pages *pages;
	size_t bytes;
	uint32_t max; /* entries to ask for */
	struct id after;
};

void
page_free_all(struct page *first)
{
	while (first) {
		struct page *page = first;

		first = page->next;
		rpc_reply_done(&page->reply);
		free(page);
	}
}

static void
write_params(struct wire_writer *params, const struct holdfast_filter *filter,
	const struct walk *walk)
{
	const struct wire_option texts[] = {
		{"prefix", filter->prefix},
		{"state", filter->state},
		{"connection", filter->connection},
	};
	const struct id *after = &walk->after;

	wire_array(params, 1);
	wire_map(params, 1 + (after->at ? 1 : 0) + (filter->has_uid ? 1 : 0) +
				 wire_count_given(texts, ARRAY_SIZE(texts)));
	wire_pair_uint(params, "max", walk->max);
	wire_pairs_given(params, texts, ARRAY_SIZE(texts));
	if (filter->has_uid)
		wire_pair_uint(params, "uid", filter->uid);
	if (!after->at)
		return;
	wire_text(params, "after");
	wire_bytes(params, after->at, after->len);
}

/* By bytes; an ID that is not there comes before any. */
static bool
is_after(const struct id *id, const struct id *other)
{
	size_t len = id->len < other->len ? id->len : other->len;
	int order;

	if (!other->at)
		return true;
	order = memcmp(id->at, other->at, len);
	return order ? order > 0 : id->len > other->len;
}

static struct id
id_of(const msgpack_object_kv *pair)
{
	struct id id = {"", 0};

	(void)wire_get_bytes(&pair->key, &id.at, &id.len);
	return id;
}

static int
compare_pairs(const void *a, const void *b)
{
	const struct id id_a = id_of(a), id_b = id_of(b);

	return is_after(&id_a, &id_b) - is_after(&id_b, &id_a);
}

/*
 * The daemon's order within a page says nothing: it is put in order. Each ID
 * comes after the one before then, so that none is there twice. One that cannot
 * be asked for is none: it is empty, as what is no text is taken for, or longer
 * than the daemon reads.
 */
static int
check_page(struct walk *walk, const msgpack_object *result,
	struct failure *failure)
{
	const msgpack_object_map *map = &result->via.map;

	if (result->type != MSGPACK_OBJECT_MAP || map->size > walk->max)
		return failure_set(failure, ERR_BAD_MESSAGE,
			"the daemon's list is no map of %u entries at most",
			walk->max);
	if (map->size > 0)
		qsort(map->ptr, map->size, sizeof(*map->ptr), compare_pairs);
	for (uint32_t i = 0; i < map->size; i++) {
		struct id id = id_of(&map->ptr[i]);

		if (id.len == 0 || id.len > WIRE_STRING_MAX)
			return failure_set(failure, ERR_BAD_MESSAGE,
				"the daemon's list has something that is no "
				"ID");
		if (!is_after(&id, &walk->after))
			return failure_set(failure, ERR_BAD_MESSAGE,
				"the daemon's pages are not in order");
		walk->after = id;
	}
	return 0;
}

static int
add_page(struct walk *walk, struct page *page, struct failure *failure)
{
	struct pages *pages = walk->pages;

	if (pages->last)
		pages->last->next = page;
	else
		pages->first = page;
	pages->last = page;
	walk->bytes += page->reply.message.len;
	if (walk->bytes > BYTES_MAX)
		return failure_set(failure, ERR_TOO_BIG,
			"a list of more than %d bytes", BYTES_MAX);
	return check_page(walk, page->reply.result, failure);
}

/* A page that would be too long for one answer is asked for again, smaller. */
static int
call_page(struct rpc *rpc, const struct holdfast_filter *filter,
	const struct deadline *deadline, struct walk *walk,
	struct rpc_reply *ret_reply, struct failure *failure)
{
	for (;;) {
		cleanup(wire_writer_done) struct wire_writer params;
		int result;

		wire_writer_init(&params, WIRE_REQUEST_MAX);
		write_params(&params, filter, walk);
		result = rpc_call(rpc, "list", &params,
			clock_left_ms(deadline->at_us, INT32_MAX), ret_reply,
			failure);
		if (result == 0 || walk->max == 1 ||
			strcmp(failure->slug, err_slug(ERR_TOO_BIG)) != 0)
			return result;
		walk->max /= 2;
	}
}

/* Whether there are more is said by how full it is. */
static int
fetch_page(struct rpc *rpc, const struct holdfast_filter *filter,
	const struct deadline *deadline, struct walk *walk, bool *ret_is_last,
	struct failure *failure)
{
	struct page *page = calloc(1, sizeof(*page));
	uint32_t count;
	int result;

	if (!page)
		return failure_set(failure, ERR_INTERNAL, "no memory");
	result = call_page(rpc, filter, deadline, walk, &page->reply, failure);
	if (result) {
		free(page);
		return result;
	}
	result = add_page(walk, page, failure);
	if (result) {
		rpc_done(rpc); /* who lies once is asked no more */
		return result;
	}
	count = page->reply.result->via.map.size;
	walk->pages->count += count;
	*ret_is_last = count < walk->max;
	return 0;
}

int
pages_fetch(struct rpc *rpc, const struct holdfast_filter *filter,
	const struct deadline *deadline, struct pages *pages,
	struct failure *failure)
{
	struct walk walk = {.pages = pages, .max = LIST_PAGE_MAX};
	bool is_last = false;
	int result = 0;

	while (result == 0 && !is_last)
		result = fetch_page(
			rpc, filter, deadline, &walk, &is_last, failure);
	return result;
}
