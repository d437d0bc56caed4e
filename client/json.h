/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * json.h - msgpack shown as JSON, JSON sent as msgpack.
 *
 * Runs in: command.
 * Trusts: nobody.
 */
#ifndef CLIENT_JSON_H
#define CLIENT_JSON_H

#include <msgpack.h>
#include <stdio.h>

#include "client/lib/failure.h"
#include "proto/wire.h"

/*
 * Writes an object as JSON (RFC 8259), keys in the order they came. Bytes that
 * are not UTF-8 become U+FFFD, numbers that JSON has not (infinity) null.
 * Nests as deep as the object: no deeper than wire_scan() approves.
 */
void json_print(FILE *file, const msgpack_object *object);
void json_print_text(FILE *file, const char *bytes, size_t len);

/*
 * Adds what a word of the command line means: the JSON value that it is; what
 * is no JSON is a string, unless it begins like an object, array or string.
 */
int json_add(
	struct wire_writer *writer, const char *word, struct failure *failure);

#endif
