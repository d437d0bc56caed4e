/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * list.c - libholdfast: list, all pages as one result.
 *
 * Runs in: whoever links libholdfast.
 * Trusts: nobody: see pages.h.
 */
#include <stdlib.h>
#include <string.h>

#include "client/lib/handle.h"
#include "common/guard.h"

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

		reply_terminate(&page->reply.message);
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

static int
fetch(struct holdfast *handle, const struct holdfast_filter *filter,
	struct pages *pages, struct failure *failure)
{
	static const struct holdfast_filter all;
	int64_t timeout_ms = handle_timeout_ms(handle, HANDLE_TIMEOUT_MS);
	struct deadline deadline = deadline_in(timeout_ms);
	int result = handle_prepare(handle, timeout_ms, failure);

	return result ? result
		      : pages_fetch(&handle->rpc, filter ? filter : &all,
				&deadline, pages, failure);
}

PUBLIC int
holdfast_list(struct holdfast *handle, const struct holdfast_filter *filter,
	struct holdfast_reply **ret_reply, struct holdfast_error *error)
{
	cleanup(guard_pages) struct pages pages = {0};
	struct holdfast_reply *reply;
	struct failure failure;

	if (handle->is_telling)
		return handle_refuse(error, "a call from within on_event()");
	if (fetch(handle, filter, &pages, &failure))
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
