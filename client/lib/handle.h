/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * handle.h - what the functions of libholdfast share.
 *
 * Runs in: whoever links libholdfast.
 * Invariant: struct failure stays inside; what goes out is struct
 *            holdfast_error.
 */
#ifndef CLIENT_LIB_HANDLE_H
#define CLIENT_LIB_HANDLE_H

#include "client/lib/failure.h"
#include "client/lib/holdfast.h"
#include "client/lib/pages.h"
#include "client/lib/rpc.h"

/* Everything else is compiled hidden. */
#define PUBLIC __attribute__((visibility("default")))

struct holdfast {
	struct rpc rpc;
	unsigned timeout_ms; /* 0: each call's own */
	bool is_telling;     /* on_event() is being called */
	void (*on_event)(const struct holdfast_value *event, void *data);
	void *data;
	uint64_t last_event;	/* its number: what has been told */
	unsigned subscribed_on; /* the connection's number; 0: on none */
	int told;		/* events so far, for holdfast_dispatch() */
	char path[];
};

struct holdfast_reply {
	struct page *pages; /* several, when one result was made from them */
	const msgpack_object *result;
	msgpack_object whole; /* the result, when it is of several pages */
};

/*
 * A call. Its own timeout gives way to the handle's, if there is one, but for
 * handle_call_for(), which takes as long as it is told. 0, or -1 with error.
 */
int handle_call(struct holdfast *handle, const char *method,
	const struct wire_writer *params, struct holdfast_reply **ret_reply,
	struct holdfast_error *error);
int handle_call_for(struct holdfast *handle, const char *method,
	const struct wire_writer *params, int64_t timeout_ms,
	struct holdfast_reply **ret_reply, struct holdfast_error *error);
int64_t handle_timeout_ms(const struct holdfast *handle, int64_t own_ms);

/* Connects and subscribes again where that is needed. 0 or -1. */
int handle_prepare(
	struct holdfast *handle, int64_t timeout_ms, struct failure *failure);

/* Fills in error, which may be NULL. Returns -1. */
int handle_fail(struct holdfast_error *error, const struct failure *failure);
int handle_refuse(struct holdfast_error *error, const char *text);

enum {
	HANDLE_TIMEOUT_MS = 30000,
	HANDLE_TRIAL_TIMEOUT_MS = 90000, /* manage, with credentials */
	/* How much later than the daemon a wait is given up. */
	HANDLE_GRACE_MS = 5000,
};

/* events.c: tells a notification, if it is an event that is wanted. */
void events_on_note(void *data, struct stream_message *note);
/* Subscribes on the connection that there is. 0 or -1. */
int events_subscribe(
	struct holdfast *handle, int64_t timeout_ms, struct failure *failure);

/* reply.c. NULL without memory. */
struct holdfast_reply *reply_new(struct page *page);
/* Each text of the message ends in a NUL from then on. */
void reply_terminate(struct stream_message *message);
static inline const struct holdfast_value *
value_of(const msgpack_object *object)
{
	return (const struct holdfast_value *)object;
}

#endif
