/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * wire.h - msgpack on the wire: scan before unpacking, strict reading, writing.
 *
 * Runs in: supervisor, worker, command, and whoever links libholdfast.
 * Trusts: nobody.
 * Invariant: no byte from outside reaches msgpack-c before wire_scan() has
 *            found its message whole and within the limits. (msgpack-c 4.0
 *            asks malloc for 96 GiB when a five-byte message says so, and
 *            parses anew at each byte of one that comes slowly.)
 *
 * This is the owner file of msgpack-c.
 */
#ifndef PROTO_WIRE_H
#define PROTO_WIRE_H

#include <msgpack.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"

enum {
	WIRE_DEPTH_MAX = 8,	  /* arrays and maps within each other */
	WIRE_ELEMENTS_MAX = 1024, /* of all arrays and maps together */
	WIRE_STRING_MAX = 4096,	  /* bytes of one str or bin */
	WIRE_REQUEST_MAX = 65536, /* bytes of one message to the server */
};

struct wire_limits {
	size_t bytes;
	size_t elements;
	size_t string;
};

/* What a server takes from a client, and a client from its server. */
extern const struct wire_limits wire_request_limits;
extern const struct wire_limits wire_reply_limits;

/*
 * A scan that goes on where it stopped, so that a message which comes byte by
 * byte is looked at once. All zero is a fresh one.
 */
struct wire_scan {
	size_t position;
	size_t elements;
	unsigned depth;
	uint64_t open[WIRE_DEPTH_MAX]; /* values still owed, by depth */
};

/*
 * Looks at buffer, which begins with a message. Returns the message's length
 * once it is whole (the scan is fresh again then), 0 if bytes are missing, or
 * -EBADMSG (no msgpack, an ext type) or -EMSGSIZE (beyond a limit), with err.
 */
ssize_t wire_scan(struct wire_scan *scan, const struct wire_limits *limits,
	const uint8_t *buffer, size_t len, struct err *err);

/* One unpacked message; not to be copied, root points into it. */
struct wire_message {
	msgpack_unpacked unpacked;
	const msgpack_object *root;
};

/* Unpacks exactly the len bytes that wire_scan() approved. 0 or -EBADMSG,
 * -ENOMEM. The message points into buffer and owns memory: wire_release(). */
int wire_unpack(struct wire_message *message, const uint8_t *buffer, size_t len,
	struct err *err);
void wire_release(struct wire_message *message);

/* Strict readers: false when the value is of another type or out of range. */
bool wire_get_uint(const msgpack_object *object, uint64_t *ret_value);
bool wire_get_bool(const msgpack_object *object, bool *ret_value);
/* str or bin; not NUL-terminated, not checked for UTF-8. */
bool wire_get_bytes(
	const msgpack_object *object, const char **ret_text, size_t *ret_len);
bool wire_is_array(const msgpack_object *object, uint32_t *ret_count);
bool wire_is_nil(const msgpack_object *object);
/* Element of an array that has one there. */
const msgpack_object *wire_at(const msgpack_object *array, uint32_t index);
/* The value of a str key in a map, NULL when it has none. */
const msgpack_object *wire_find(const msgpack_object *map, const char *key);
/* 0, or -EINVAL: not a map, a key that is not a non-empty str or bin, a key
 * that stands there twice. */
int wire_check_map(const msgpack_object *object, struct err *err);
bool wire_bytes_equal(const char *bytes, size_t len, const char *word);

/* A writer into memory that grows up to max bytes, or into fixed memory. */
struct wire_writer {
	uint8_t *data;
	size_t len;
	size_t room;
	size_t max;
	bool is_fixed;
	bool is_secret;	 /* memory is wiped before it is freed */
	bool has_failed; /* sticky: no memory, or max reached */
};

void wire_writer_init(struct wire_writer *writer, size_t max);
void wire_writer_init_fixed(
	struct wire_writer *writer, uint8_t *data, size_t size);
void wire_writer_done(struct wire_writer *writer);

void wire_array(struct wire_writer *writer, size_t count);
void wire_map(struct wire_writer *writer, size_t count);
void wire_uint(struct wire_writer *writer, uint64_t value);
void wire_int(struct wire_writer *writer, int64_t value);
void wire_bool(struct wire_writer *writer, bool value);
void wire_nil(struct wire_writer *writer);
void wire_double(struct wire_writer *writer, double value);
void wire_text(struct wire_writer *writer, const char *text);
void wire_bytes(struct wire_writer *writer, const char *text, size_t len);
/* Appends msgpack that is encoded already. */
void wire_raw(struct wire_writer *writer, const uint8_t *data, size_t len);

/* Key and value of a map at once. */
void wire_pair_text(
	struct wire_writer *writer, const char *key, const char *text);
void wire_pair_uint(
	struct wire_writer *writer, const char *key, uint64_t value);
void wire_pair_bool(struct wire_writer *writer, const char *key, bool value);

/* An option that may not be given: text is NULL then. */
struct wire_option {
	const char *key;
	const char *text;
};
/* How many of them are given, for the map's size; and their pairs. */
size_t wire_count_given(const struct wire_option *options, size_t count);
void wire_pairs_given(struct wire_writer *writer,
	const struct wire_option *options, size_t count);

#endif
