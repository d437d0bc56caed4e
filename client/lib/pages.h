/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pages.h - list, page by page.
 *
 * Runs in: command, and whoever links libholdfast.
 * Trusts: nobody: all of a page has to come after the page before, and all pages
 *         have a size that they may have together, so that there is an end.
 * Invariant: in the order of the pages, and within each of them, the IDs are
 *            texts that ascend by their bytes.
 */
#ifndef CLIENT_LIB_PAGES_H
#define CLIENT_LIB_PAGES_H

#include "client/lib/holdfast.h"
#include "client/lib/rpc.h"

enum {
	LIST_PAGE_MAX = 1000, /* entries, of some 700 bytes each */
};

/* One answer; what is made of several points into them. */
struct page {
	struct page *next;
	struct rpc_reply reply; /* of list: the result is a map */
};

struct pages {
	struct page *first;
	struct page *last;
	size_t count; /* of entries */
};

/*
 * Fills empty pages with all that meets the filter; what came before a failure
 * is in there, too. 0 or -1.
 */
int pages_fetch(struct rpc *rpc, const struct holdfast_filter *filter,
	const struct deadline *deadline, struct pages *pages,
	struct failure *failure);

/* Takes NULL. */
void page_free_all(struct page *first);
static inline void
guard_page(struct page **first)
{
	page_free_all(*first);
}
static inline void
guard_pages(struct pages *pages)
{
	page_free_all(pages->first);
}

#endif
