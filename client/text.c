/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * text.c - strings on the heap, safe to show.
 *
 * Runs in: command.
 * Trusts: nobody: most of what is shown comes from the daemon.
 * Invariant: see text.h.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/exit_code.h"
#include "client/json.h"
#include "client/text.h"
#include "common/guard.h"
#include "proto/wire.h"

static void *
or_die(void *memory)
{
	if (memory)
		return memory;
	(void)fputs("holdfast: no memory\n", stderr);
	exit(EXIT_FAILED);
}

char *
text_copy(const char *bytes, size_t len)
{
	char *text = or_die(malloc(len + 1));

	for (size_t i = 0; i < len; i++)
		text[i] = bytes[i] ? bytes[i] : '?';
	text[len] = '\0';
	err_clean_text(text);
	return text;
}

char *
text_format(const char *format, ...)
{
	char *text = NULL;
	va_list args;
	int len;

	va_start(args, format);
	len = vasprintf(&text, format, args);
	va_end(args);
	text = or_die(len < 0 ? NULL : text);
	err_clean_text(text);
	return text;
}

char *
text_of(const msgpack_object *map, const char *key)
{
	const msgpack_object *value = wire_find(map, key);
	const char *bytes;
	size_t len;

	if (!value || !wire_get_bytes(value, &bytes, &len))
		return text_copy("", 0);
	return text_copy(bytes, len);
}

char *
text_of_object(const msgpack_object *object)
{
	cleanup_free char *json = NULL;
	const char *bytes;
	size_t len;
	FILE *file;

	if (wire_get_bytes(object, &bytes, &len))
		return text_copy(bytes, len);
	file = or_die(open_memstream(&json, &len));
	json_print(file, object);
	if (fclose(file) != 0)
		(void)or_die(NULL);
	return text_copy(json, len);
}

uint64_t
uint_of(const msgpack_object *map, const char *key)
{
	const msgpack_object *value = wire_find(map, key);
	uint64_t number;

	return value && wire_get_uint(value, &number) ? number : 0;
}

bool
bool_of(const msgpack_object *map, const char *key)
{
	const msgpack_object *value = wire_find(map, key);
	bool truth;

	return value && wire_get_bool(value, &truth) && truth;
}

const msgpack_object *
map_of(const msgpack_object *map, const char *key)
{
	const msgpack_object *value = wire_find(map, key);

	return value && value->type == MSGPACK_OBJECT_MAP ? value : NULL;
}

const msgpack_object *
array_of(const msgpack_object *map, const char *key)
{
	const msgpack_object *value = wire_find(map, key);

	return value && value->type == MSGPACK_OBJECT_ARRAY ? value : NULL;
}
