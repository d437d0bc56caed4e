/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xdr.h - the few XDR types (RFC 4506) that the NFS pre-flight speaks.
 *
 * Runs in: operation children of the NFS worker.
 * Trusts: nobody: what is read comes from a server.
 * Invariant: no byte outside the buffer is read or written; the first item
 *            that does not fit sets a flag that stays, so that a caller asks
 *            once, at the end.
 */
#ifndef WORKER_XDR_H
#define WORKER_XDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct xdr_out {
	unsigned char *start;
	size_t len;
	size_t size;
	bool is_full; /* something did not fit: the content is unusable */
};

struct xdr_in {
	const unsigned char *at;
	size_t left;
	bool is_bad; /* something was missing or too long */
};

void xdr_out_init(struct xdr_out *out, void *buffer, size_t size);
void xdr_put_u32(struct xdr_out *out, uint32_t value);
void xdr_put_u64(struct xdr_out *out, uint64_t value);
/* Bytes of a length both sides know, and the padding to a multiple of 4. */
void xdr_put_fixed(struct xdr_out *out, const void *data, size_t len);
/* The same with the length in front: opaque<> and string<>. */
void xdr_put_opaque(struct xdr_out *out, const void *data, size_t len);

void xdr_in_init(struct xdr_in *in, const void *buffer, size_t len);
/* 0 when there are no 4 (8) bytes left. */
uint32_t xdr_get_u32(struct xdr_in *in);
uint64_t xdr_get_u64(struct xdr_in *in);
/*
 * An opaque<max>: returns where its *ret_len bytes stand in the buffer, or
 * NULL (and length 0) when it is longer than max or than what is left.
 */
const void *xdr_get_opaque(struct xdr_in *in, size_t max, size_t *ret_len);
/* Whether all was there and nothing follows. */
bool xdr_in_is_done(const struct xdr_in *in);

#endif
