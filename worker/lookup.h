/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lookup.h - a server's name becomes addresses.
 *
 * Runs in: operation children: a name server may take as long as it likes.
 * Trusts: nobody: name servers say what they like.
 */
#ifndef WORKER_LOOKUP_H
#define WORKER_LOOKUP_H

#include <netdb.h>

#include "common/err.h"

enum {
	LOOKUP_ADDRESSES_MAX = 4 /* of one server, that are tried */
};

/* For cleanup(). */
void guard_addrinfo(struct addrinfo **list);
/* Stream addresses of both families, without a port. 0, or -errno with
 * ERR_NAME_LOOKUP. */
int lookup_host(const char *host, struct addrinfo **ret_list, struct err *err);
/* The address in digits, its zone behind "%". 0 or -errno. */
int lookup_write_address(const struct sockaddr *address, socklen_t len,
	char *ret_text, size_t size);

#endif
