/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * iscsi_find.c - which of the kernel's sessions is that of a URI.
 *
 * Runs in: worker, operation children.
 * Invariant: see iscsi_find.h.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "worker/iscsi_find.h"

const char *
iscsi_iface(const struct uri *uri)
{
	return uri_param_or_default(uri, "iface");
}

uint16_t
iscsi_tpgt(const struct uri *uri)
{
	return (uint16_t)strtoul(uri_param_or_default(uri, "tpgt"), NULL, 10);
}

static bool
is_like_but_group(const struct iscsi_session *session, const struct uri *uri)
{
	return session->has_been_in && session->port == uri->port &&
	       strcasecmp(session->target, uri->path) == 0 &&
	       strcmp(session->iface, iscsi_iface(uri)) == 0;
}

bool
iscsi_is_like(const struct iscsi_session *session, const struct uri *uri)
{
	return is_like_but_group(session, uri) &&
	       session->tpgt == iscsi_tpgt(uri);
}

/* Two spellings of an address are one. */
static bool
is_same_address(const char *a, const char *b)
{
	unsigned char a_bytes[sizeof(struct in6_addr)];
	unsigned char b_bytes[sizeof(struct in6_addr)];

	if (strcmp(a, b) == 0)
		return true;
	return inet_pton(AF_INET6, a, a_bytes) == 1 &&
	       inet_pton(AF_INET6, b, b_bytes) == 1 &&
	       memcmp(a_bytes, b_bytes, sizeof(a_bytes)) == 0;
}

struct search {
	const struct uri *uri;
	const char *address;
	bool any_group;
	uint32_t found; /* 1 + number */
	uint16_t tpgt;
};

static bool
look_at_session(const struct iscsi_session *session, void *data)
{
	struct search *search = data;
	bool is_like = search->any_group
			       ? is_like_but_group(session, search->uri)
			       : iscsi_is_like(session, search->uri);

	if (!is_like || !is_same_address(session->address, search->address))
		return true;
	search->found = session->number + 1;
	search->tpgt = session->tpgt;
	return false;
}

uint32_t
iscsi_find_session(const struct uri *uri, const char *address)
{
	struct search search = {.uri = uri, .address = address};

	(void)iscsi_sessions_each(look_at_session, &search); /* none then */
	return search.found;
}

uint32_t
iscsi_find_other_group(
	const struct uri *uri, const char *address, uint16_t *ret_tpgt)
{
	struct search search = {
		.uri = uri, .address = address, .any_group = true};

	(void)iscsi_sessions_each(look_at_session, &search); /* none then */
	*ret_tpgt = search.tpgt;
	return search.found;
}
