/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * xdr.c - the few XDR types (RFC 4506) that the NFS pre-flight speaks.
 *
 * Runs in: operation children of the NFS worker.
 * Trusts: nobody: what is read comes from a server.
 * Invariant: see xdr.h. Padding is skipped, its value is not looked at.
 */
#include <string.h>

#include "worker/xdr.h"

static size_t
padding(size_t len)
{
	return -len & 3;
}

void
xdr_out_init(struct xdr_out *out, void *buffer, size_t size)
{
	*out = (struct xdr_out){.start = buffer, .size = size};
}

/* Returns where len bytes may be written, NULL when there is no room. */
static unsigned char *
reserve(struct xdr_out *out, size_t len)
{
	unsigned char *at = out->start + out->len;

	if (out->is_full || len > out->size - out->len) {
		out->is_full = true;
		return NULL;
	}
	out->len += len;
	return at;
}

void
xdr_put_u32(struct xdr_out *out, uint32_t value)
{
	unsigned char *at = reserve(out, 4);

	if (!at)
		return;
	for (int i = 0; i < 4; i++)
		at[i] = (unsigned char)(value >> (24 - 8 * i));
}

void
xdr_put_u64(struct xdr_out *out, uint64_t value)
{
	xdr_put_u32(out, (uint32_t)(value >> 32));
	xdr_put_u32(out, (uint32_t)value);
}

void
xdr_put_fixed(struct xdr_out *out, const void *data, size_t len)
{
	unsigned char *at = reserve(out, len);
	unsigned char *pad = reserve(out, padding(len));

	if (!at || !pad)
		return;
	memcpy(at, data, len);
	memset(pad, 0, padding(len));
}

void
xdr_put_opaque(struct xdr_out *out, const void *data, size_t len)
{
	xdr_put_u32(out, (uint32_t)len);
	xdr_put_fixed(out, data, len);
}

void
xdr_in_init(struct xdr_in *in, const void *buffer, size_t len)
{
	*in = (struct xdr_in){.at = buffer, .left = len};
}

/* Returns where the next len bytes stand and steps over them, or NULL. */
static const unsigned char *
consume(struct xdr_in *in, size_t len)
{
	const unsigned char *at = in->at;

	if (in->is_bad || len > in->left) {
		in->is_bad = true;
		return NULL;
	}
	in->at += len;
	in->left -= len;
	return at;
}

uint32_t
xdr_get_u32(struct xdr_in *in)
{
	const unsigned char *at = consume(in, 4);

	if (!at)
		return 0;
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 |
	       (uint32_t)at[2] << 8 | at[3];
}

uint64_t
xdr_get_u64(struct xdr_in *in)
{
	uint64_t high = xdr_get_u32(in);

	return high << 32 | xdr_get_u32(in);
}

const void *
xdr_get_opaque(struct xdr_in *in, size_t max, size_t *ret_len)
{
	size_t len = xdr_get_u32(in);
	const unsigned char *at;

	*ret_len = 0;
	if (len > max) {
		in->is_bad = true;
		return NULL;
	}
	at = consume(in, len);
	if (!consume(in, padding(len)))
		return NULL;
	*ret_len = len;
	return at;
}

bool
xdr_in_is_done(const struct xdr_in *in)
{
	return !in->is_bad && in->left == 0;
}
