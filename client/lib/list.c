/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * list.c - libholdfast: list, page by page, as one result.
 *
 * Runs in: whoever links libholdfast.
 * Trusts: nobody: each page has to go on behind the one before, so that it comes
 *         to an end.
 */
#include <stdlib.h>
#include <string.h>

#include "client/lib/handle.h"
#include "common/clock.h"
#include "common/guard.h"

enum {
	PAGE_MAX = 1000, /* entries, of some 700 bytes each */
	BYTES_MAX = 512 << 20,
};

struct text {
	const char *at;
	size_t len;
};

struct pages {
	struct page *first;
	struct page *last;
	size_t count; /* of entries */
	size_t bytes;
	struct text after; /* the greatest ID so far, within a page */
};

static void
guard_pages(struct pages *pages)
{
	pages_free(pages->first);
}

static void
write_filter(struct wire_writer *params, const struct holdfast_filter *filter,
	const struct text *after)
{
	const struct wire_option texts[] = {
		{"prefix", filter->prefix},
		{"state", filter->state},
		{"connection", filter->connection},
	};

	wire_array(params, 1);
	wire_map(params, 1 + (after->at ? 1 : 0) + (filter->has_uid ? 1 : 0) +
				 wire_count_given(texts, ARRAY_SIZE(texts)));
	wire_pair_uint(params, "max", PAGE_MAX);
	wire_pairs_given(params, texts, ARRAY_SIZE(texts));
	if (filter->has_uid)
		wire_pair_uint(params, "uid", filter->uid);
	if (!after->at)
		return;
	wire_text(params, "after");
	wire_bytes(params, after->at, after->len);
}

/* By bytes; a text that is not there is less than any. */
static bool
is_behind(const struct text *text, const struct text *other)
{
	size_t len = text->len < other->len ? text->len : other->len;
	int order;

	if (!other->at)
		return true;
	order = memcmp(text->at, other->at, len);
	return order ? order > 0 : text->len > other->len;
}

static struct text
id_of(const msgpack_object_kv *pair)
{
	struct text id = {"", 0};

	(void)wire_get_bytes(&pair->key, &id.at, &id.len);
	return id;
}

static int
compare_pairs(const void *a, const void *b)
{
	const struct text id_a = id_of(a), id_b = id_of(b);

	return is_behind(&id_a, &id_b) - is_behind(&id_b, &id_a);
}

/* The daemon's order within a page says nothing. In order, each ID is behind the
 * one before, so that none is there twice. */
static int
add_page(struct pages *pages, struct page *page, struct failure *failure)
{
	const msgpack_object *result = page->reply.result;

	page->next = NULL;
	if (pages->last)
		pages->last->next = page;
	else
		pages->first = page;
	pages->last = page;
	if (result->type != MSGPACK_OBJECT_MAP ||
		result->via.map.size > PAGE_MAX)
		return failure_set(failure, ERR_BAD_MESSAGE,
			"the daemon's list is no map of %d entries at most",
			PAGE_MAX);
	if (result->via.map.size > 0)
		qsort(result->via.map.ptr, result->via.map.size,
			sizeof(*result->via.map.ptr), compare_pairs);
	for (uint32_t i = 0; i < result->via.map.size; i++) {
		struct text id;

		if (!wire_get_bytes(
			    &result->via.map.ptr[i].key, &id.at, &id.len) ||
			!is_behind(&id, &pages->after))
			return failure_set(failure, ERR_BAD_MESSAGE,
				"the daemon's pages are not in order");
		pages->after = id;
	}
	pages->count += result->via.map.size;
	pages->bytes += page->reply.message.len;
	return 0;
}

static int
fetch_page(struct holdfast *handle, const struct holdfast_filter *filter,
	uint64_t deadline_us, struct pages *pages, struct failure *failure)
{
	cleanup(wire_writer_done) struct wire_writer params;
	struct page *page;
	int result;

	wire_writer_init(&params, WIRE_REQUEST_MAX);
	write_filter(&params, filter, &pages->after);
	result = handle_fetch(handle, "list", &params,
		clock_left_ms(deadline_us, INT32_MAX), &page, failure);
	if (result)
		return result;
	result = add_page(pages, page, failure);
	if (result == 0 && pages->bytes > BYTES_MAX)
		result = failure_set(failure, ERR_TOO_BIG,
			"a list of more than %d bytes", BYTES_MAX);
	return result;
}

static int
fetch_all(struct holdfast *handle, const struct holdfast_filter *filter,
	struct pages *pages, struct failure *failure)
{
	int64_t timeout_ms = handle_timeout_ms(handle, HANDLE_TIMEOUT_MS);
	uint64_t deadline_us =
		clock_boot_us() + (uint64_t)timeout_ms * US_PER_MS;

	for (;;) {
		int result =
			fetch_page(handle, filter, deadline_us, pages, failure);

		if (result ||
			pages->last->reply.result->via.map.size < PAGE_MAX)
			return result;
	}
}

/* One map of all that the pages have; they stay the owners of what is in it. */
static struct holdfast_reply *
join(struct pages *pages)
{
	msgpack_object_kv *pairs = calloc(pages->count + 1, sizeof(*pairs));
	struct holdfast_reply *reply = pairs ? reply_new(pages->first) : NULL;
	size_t count = 0;

	if (!reply) {
		free(pairs);
		return NULL;
	}
	for (struct page *page = pages->first; page; page = page->next) {
		const msgpack_object_map *map = &page->reply.result->via.map;

		if (map->size > 0)
			memcpy(pairs + count, map->ptr,
				map->size * sizeof(*pairs));
		count += map->size;
	}
	reply->whole.type = MSGPACK_OBJECT_MAP;
	reply->whole.via.map.ptr = pairs;
	reply->whole.via.map.size = (uint32_t)count;
	reply->result = &reply->whole;
	pages->first = NULL;
	return reply;
}

PUBLIC int
holdfast_list(struct holdfast *handle, const struct holdfast_filter *filter,
	struct holdfast_reply **ret_reply, struct holdfast_error *error)
{
	static const struct holdfast_filter all;
	cleanup(guard_pages) struct pages pages = {0};
	struct holdfast_reply *reply;
	struct failure failure;

	if (handle->is_telling)
		return handle_refuse(error, "a call from within on_event()");
	if (fetch_all(handle, filter ? filter : &all, &pages, &failure))
		return handle_fail(error, &failure);
	if (!ret_reply)
		return 0;
	reply = join(&pages);
	if (!reply) {
		(void)failure_set(&failure, ERR_INTERNAL, "no memory");
		return handle_fail(error, &failure);
	}
	*ret_reply = reply;
	return 0;
}
