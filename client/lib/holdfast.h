/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * holdfast.h - libholdfast: the client API of holdfastd(8), in C.
 *
 * Runs in: whoever links it. What the methods mean, what their results hold and
 *          which errors there are stands in PROTOCOL.md; libholdfast(3) is the
 *          manual.
 * Trusts: nobody: what the daemon sends is checked before it is used.
 * Invariant: no call takes longer than its deadline, none raises SIGPIPE, no
 *            descriptor gets into a program that is executed, and no password
 *            is left in memory that was freed.
 *
 * Memory: holdfast_connect() makes a handle, holdfast_close() frees it. A call
 * that succeeds makes one reply, if it is asked for one, holdfast_reply_free()
 * frees it with all values and texts in it. Errors are the caller's own structs.
 * Nothing that the caller gives is kept but for the callback of a subscription.
 *
 * Threads: there is no global state. A handle is used by one thread at a time.
 *
 * Failures: functions that take a struct holdfast_error, which may be NULL,
 * return 0, or -1 (a handle: NULL) with the error; replies are untouched then.
 * After a failure the handle may be used as before: if the connection was lost,
 * the next call makes a new one. Whether a call that failed with "no-daemon",
 * "timeout", "bad-message" or "internal" was carried out is not known; one that
 * failed otherwise has changed nothing.
 */
#ifndef HOLDFAST_H
#define HOLDFAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct holdfast;
struct holdfast_reply;
/* A part of a reply, which owns it. */
struct holdfast_value;

struct holdfast_error {
	int number;	 /* as in PROTOCOL.md, 0 of a slug that is not there */
	char slug[64];	 /* stable: "no-such-cid" */
	char text[1024]; /* for a person: UTF-8 without control characters */
};

/* --- the handle ---------------------------------------------------------- */

/*
 * Connects to the daemon's socket; NULL stands for the usual one. NULL, with
 * the error, when it cannot.
 */
struct holdfast *holdfast_connect(
	const char *path, struct holdfast_error *error);
/* Takes NULL. Not from within a callback. */
void holdfast_close(struct holdfast *handle);
/*
 * How long a call may take, connecting anew included. 0, as it is in the
 * beginning: 30 s, of `manage` with credentials 90 s, as they may be tried.
 * holdfast_wait() goes by its own time alone.
 */
void holdfast_set_timeout(struct holdfast *handle, unsigned timeout_ms);

/* --- calls ---------------------------------------------------------------- */

/* ret_reply may be NULL in all of them: the result is not wanted then. */

int holdfast_hello(struct holdfast *handle, struct holdfast_reply **ret_reply,
	struct holdfast_error *error);

/* All zero means no option at all. NULL: not given. */
struct holdfast_manage_options {
	bool if_absent; /* an identical claim is success */
	const char *auth;
	const char *username;
	const char *password;
	const char *username_in;
	const char *password_in;
};

/* options may be NULL. */
int holdfast_manage(struct holdfast *handle, const char *uri, const char *cid,
	const struct holdfast_manage_options *options,
	struct holdfast_reply **ret_reply, struct holdfast_error *error);

struct holdfast_claim {
	const char *uri;
	const char *cid;
	bool if_absent;
};

/* All of them or, with an error, none. */
int holdfast_manage_many(struct holdfast *handle,
	const struct holdfast_claim *claims, size_t count,
	struct holdfast_reply **ret_reply, struct holdfast_error *error);

int holdfast_unmanage(struct holdfast *handle, const char *cid,
	struct holdfast_reply **ret_reply, struct holdfast_error *error);
/* All claims whose ID begins so, or, with an error, none. */
int holdfast_unmanage_prefix(struct holdfast *handle, const char *prefix,
	struct holdfast_reply **ret_reply, struct holdfast_error *error);

/* All zero means all entries. NULL: not given. */
struct holdfast_filter {
	const char *prefix;
	const char *state;
	const char *connection; /* a URI */
	bool has_uid;
	uint32_t uid;
};

/*
 * The result is a map of all entries by their IDs, in byte order. It is fetched
 * in portions: what changes meanwhile may or may not show. filter may be NULL.
 */
int holdfast_list(struct holdfast *handle, const struct holdfast_filter *filter,
	struct holdfast_reply **ret_reply, struct holdfast_error *error);

int holdfast_status(struct holdfast *handle, const char *cid,
	struct holdfast_reply **ret_reply, struct holdfast_error *error);
/*
 * Until it is "connected" (also NULL), "settled" or "gone", for timeout_ms at
 * most: error "timeout". Settled is what is connected, or has failed in an attempt
 * that began after it was last managed or had tried again, by whomever. The result is the entry. A daemon that does not answer
 * is given up 5 s after that, whatever holdfast_set_timeout() says.
 */
int holdfast_wait(struct holdfast *handle, const char *cid, const char *what,
	unsigned timeout_ms, struct holdfast_reply **ret_reply,
	struct holdfast_error *error);
int holdfast_retry(struct holdfast *handle, const char *cid,
	struct holdfast_reply **ret_reply, struct holdfast_error *error);

/*
 * Any method. params is one msgpack array of params_len bytes, NULL is an empty
 * one; timeout_ms 0 is the handle's.
 */
int holdfast_call(struct holdfast *handle, const char *method,
	const void *params, size_t params_len, unsigned timeout_ms,
	struct holdfast_reply **ret_reply, struct holdfast_error *error);

/* --- events --------------------------------------------------------------- */

/*
 * What happened after the event of number since, 0: all that is kept; max of
 * them at most, 0: as many as the daemon gives. Waits for timeout_ms when there
 * is none. A daemon that does not answer is given up after that and the time of
 * any other call: 30 s, or what holdfast_set_timeout() says.
 */
int holdfast_events(struct holdfast *handle, uint64_t since,
	unsigned timeout_ms, unsigned max, struct holdfast_reply **ret_reply,
	struct holdfast_error *error);

#define HOLDFAST_FROM_NOW_ON UINT64_MAX

/*
 * Has on_event() called with each event after that number, or from now on: in
 * holdfast_dispatch(), and in any other call on this handle. The event is valid
 * until on_event() returns; that may not use the handle: a call fails with
 * "bad-arguments". A lost connection is made anew by the next call, and events
 * are told from where they ended; what the daemon did not keep is told as an
 * event of kind "gap". Called again, it begins anew.
 */
int holdfast_subscribe(struct holdfast *handle, uint64_t since,
	void (*on_event)(const struct holdfast_value *event, void *data),
	void *data, struct holdfast_error *error);
int holdfast_unsubscribe(struct holdfast *handle, struct holdfast_error *error);
/*
 * Waits for an event for timeout_ms, 0 looks once; connecting anew comes on top,
 * with the time of any other call: 30 s, or what holdfast_set_timeout() says.
 * How many were told, which may be none, or -1.
 */
int holdfast_dispatch(struct holdfast *handle, unsigned timeout_ms,
	struct holdfast_error *error);
/*
 * To be polled for input, then call holdfast_dispatch(). It is the handle's, and
 * another one, or -1, after a connection was lost: ask after each call.
 */
int holdfast_fd(const struct holdfast *handle);

/* --- replies -------------------------------------------------------------- */

/* Takes NULL. */
void holdfast_reply_free(struct holdfast_reply *reply);
const struct holdfast_value *holdfast_result(
	const struct holdfast_reply *reply);

enum holdfast_type {
	HOLDFAST_NIL,
	HOLDFAST_BOOL,
	HOLDFAST_INT, /* of either sign */
	HOLDFAST_FLOAT,
	HOLDFAST_TEXT,
	HOLDFAST_ARRAY,
	HOLDFAST_MAP,
};

/*
 * All of these take NULL, and what is of another type: they answer NIL, 0,
 * false, "" and NULL then. So that, say, holdfast_text(holdfast_get(
 * holdfast_get(entry, "error"), "slug")) is "" while there is no error.
 */
enum holdfast_type holdfast_type(const struct holdfast_value *value);
bool holdfast_bool(const struct holdfast_value *value);
/* 0 also of a number that is negative. */
uint64_t holdfast_uint(const struct holdfast_value *value);
int64_t holdfast_int(const struct holdfast_value *value);
/* Of any number. */
double holdfast_float(const struct holdfast_value *value);
/* Ends in a NUL. */
const char *holdfast_text(const struct holdfast_value *value);
/* Elements of an array, keys of a map. */
size_t holdfast_count(const struct holdfast_value *value);
/* Of an array or a map: the element, the key's value; NULL after the last. */
const struct holdfast_value *holdfast_at(
	const struct holdfast_value *value, size_t index);
/* Of a map: the key, "" after the last. */
const char *holdfast_key(const struct holdfast_value *map, size_t index);
/* Of a map: the value of a key. */
const struct holdfast_value *holdfast_get(
	const struct holdfast_value *map, const char *key);

#ifdef __cplusplus
}
#endif

#endif
