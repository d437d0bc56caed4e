/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * call.h - one call of a method: its shape checked, its arguments read.
 *
 * Runs in: supervisor.
 * Trusts: nobody. Shape and options are checked against proto/api.def before a
 *         handler sees the call.
 */
#ifndef SUPERVISOR_CALL_H
#define SUPERVISOR_CALL_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "proto/wire.h"
#include "supervisor/batch.h"

struct call;
struct claim;
struct client;
struct supervisor;

/* The answer comes later: from batch.c or waiter.c. */
enum {
	CALL_LATER = 1
};

/* Handlers begin and write the result to call->out and return 0, or have it
 * answered later and return CALL_LATER, or a negative errno with err. */
typedef int handler(struct call *call, struct err *err);

struct method {
	const char *name;
	uint32_t least; /* arguments */
	uint32_t most;
	bool joins_batch;
	const char *arguments; /* the mandatory ones, by name */
	handler *run;
};

struct call {
	struct supervisor *supervisor;
	struct client *client;
	const struct method *method;
	uint64_t message_id;
	const msgpack_object *params;  /* an array of the right size */
	const msgpack_object *options; /* a checked map, or NULL */
	struct wire_writer *out;
};

/* Bytes of the message; not NUL-terminated. */
struct text {
	const char *data;
	size_t len;
};

/* Mandatory arguments by position, then an optional map. */
int call_check_shape(struct call *call, struct err *err);

int call_get_text(const struct call *call, uint32_t index, const char *name,
	struct text *ret_text, struct err *err);
/* A text that may name a claim; whether it does is not looked at. */
int call_get_cid(const struct call *call, uint32_t index, struct text *ret_cid,
	struct err *err);
/* A text that may have named a claim: for a transient ID ERR_NO_SUCH_CID. */
int call_get_past_cid(const struct call *call, uint32_t index,
	struct text *ret_cid, struct err *err);
/* The claim that the first argument names. */
int call_get_claim(
	const struct call *call, struct claim **ret_claim, struct err *err);

/* Each leaves its result alone when the option is not there. */
int call_get_option_bool(const struct call *call, const char *key,
	bool *ret_value, struct err *err);
int call_get_option_uint(const struct call *call, const char *key,
	uint64_t most, uint64_t *ret_value, struct err *err);
/* Of things, of which there is at least one. */
int call_get_option_count(const struct call *call, const char *key,
	uint64_t most, uint64_t *ret_count, struct err *err);
int call_get_option_text(const struct call *call, const char *key,
	struct text *ret_text, struct err *err);

/* Whether claims may still be changed; else ERR_SHUTTING_DOWN. */
int call_check_stopping(const struct call *call, struct err *err);
/* Who is to be answered later. */
struct asker call_asker(const struct call *call);

enum {
	CALL_SHOWN_MAX = 64
};
/* Names an outside text for a person, cut and without its bad bytes. */
const char *call_show(struct text text, char shown[CALL_SHOWN_MAX]);

#define METHOD(name, least, most, changes, arguments, meaning)                 \
	handler method_##name;
#include "proto/api.def"
#undef METHOD

#endif
