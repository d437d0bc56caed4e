/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * text.h - strings on the heap, safe to show.
 *
 * Runs in: command.
 * Trusts: nobody: most of what is shown comes from the daemon.
 * Invariant: what these return is valid UTF-8 without control characters.
 *            Without memory the command ends; it holds nothing to clean up.
 */
#ifndef CLIENT_TEXT_H
#define CLIENT_TEXT_H

#include <msgpack.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The caller frees all of these; none is ever NULL. */
char *text_copy(const char *bytes, size_t len);
char *text_format(const char *format, ...)
	__attribute__((format(printf, 1, 2)));
/* The text of a key, "" when the map has no text there. */
char *text_of(const msgpack_object *map, const char *key);
/* What an object is: text as it is, anything else as JSON. */
char *text_of_object(const msgpack_object *object);

/* The same for numbers and truths: 0 and false when there is none. */
uint64_t uint_of(const msgpack_object *map, const char *key);
bool bool_of(const msgpack_object *map, const char *key);
/* NULL when the key is missing or its value is no map, no array. */
const msgpack_object *map_of(const msgpack_object *map, const char *key);
const msgpack_object *array_of(const msgpack_object *map, const char *key);

#endif
