/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * api.h - the methods of the client API.
 *
 * Runs in: supervisor.
 * Trusts: nobody.
 */
#ifndef SUPERVISOR_API_H
#define SUPERVISOR_API_H

#include <stdint.h>

#include "common/err.h"
#include "proto/wire.h"

struct client;

/* api_handle() did nothing: a batch is open, ask again once it is committed. */
enum {
	API_HELD = 1
};

/*
 * Handles one message of a client: answers it, has it answered later, or
 * ignores it (a notification). 0, API_HELD, or -EBADMSG: no message of
 * msgpack-RPC; the stream cannot be followed and has to be closed.
 */
int api_handle(
	struct client *client, const msgpack_object *root, struct err *err);

/* [1, message_id, nil, and then the result, for the caller to write. */
void api_begin_result(struct wire_writer *out, uint64_t message_id);
/* [1, message_id, "slug: text", nil] */
void api_write_error(
	struct wire_writer *out, uint64_t message_id, const struct err *err);

/* Where an answer begins, for api_check_fits(). */
size_t api_mark(const struct wire_writer *out);
/* Takes an answer back that did not fit, for an error that says so. Nothing
 * after what did not fit before: the stream ends there. */
void api_check_fits(struct wire_writer *out, size_t mark, uint64_t message_id);

/* The names of all methods, as an array. */
void api_write_methods(struct wire_writer *out);

#endif
