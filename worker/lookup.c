/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lookup.c - a server's name becomes addresses.
 *
 * Runs in: operation children.
 * Trusts: nobody; see lookup.h.
 */
#include <errno.h>

#include "worker/lookup.h"

void
guard_addrinfo(struct addrinfo **list)
{
	if (*list)
		freeaddrinfo(*list);
}

int
lookup_host(const char *host, struct addrinfo **ret_list, struct err *err)
{
	struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
	};
	int result = getaddrinfo(host, NULL, &hints, ret_list);

	if (result == 0)
		return 0;
	return err_set(err, ERR_NAME_LOOKUP,
		result == EAI_SYSTEM && errno > 0 ? errno
		: result == EAI_AGAIN		  ? EAGAIN
						  : ENOENT,
		"the name \"%s\" cannot be looked up: %s", host,
		gai_strerror(result));
}

int
lookup_write_address(const struct sockaddr *address, socklen_t len,
	char *ret_text, size_t size)
{
	return getnameinfo(address, len, ret_text, (socklen_t)size, NULL, 0,
		       NI_NUMERICHOST)
		       ? -EAFNOSUPPORT
		       : 0;
}
