/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * json.c - msgpack shown as JSON, JSON sent as msgpack.
 *
 * Runs in: command.
 * Trusts: nobody: objects come from the daemon.
 * Invariant: see json.h.
 *
 * Printing is done here: object keys stay in order and whatever the daemon
 * sends comes out as something. Parsing is jansson's, whose owner file this is.
 */
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "client/json.h"
#include "common/err.h"
#include "common/guard.h"

/* Length of the UTF-8 character at the front, 0 when there is none. */
static size_t
character_length(const char *bytes, size_t len)
{
	for (size_t i = 1; i <= 4 && i <= len; i++)
		if (utf8_is_valid(bytes, i))
			return i;
	return 0;
}

static void
print_ascii(FILE *file, char byte)
{
	static const char plain[] = "\"\\\b\f\n\r\t";
	static const char letter[] = "\"\\bfnrt";
	const char *found = byte ? strchr(plain, byte) : NULL;

	if (found)
		(void)fprintf(file, "\\%c", letter[found - plain]);
	else if ((unsigned char)byte < 0x20 || byte == 0x7f)
		(void)fprintf(file, "\\u%04x", (unsigned char)byte);
	else
		(void)fputc(byte, file);
}

void
json_print_text(FILE *file, const char *bytes, size_t len)
{
	(void)fputc('"', file);
	while (len > 0) {
		size_t step = character_length(bytes, len);

		if (step == 0)
			(void)fputs("\\ufffd", file);
		else if (step == 1)
			print_ascii(file, *bytes);
		else if (step == 2 && (unsigned char)bytes[0] == 0xc2 &&
			 (unsigned char)bytes[1] < 0xa0) /* C1 controls */
			(void)fprintf(file, "\\u%04x", (unsigned char)bytes[1]);
		else
			(void)fwrite(bytes, 1, step, file);
		step = step ? step : 1;
		bytes += step;
		len -= step;
	}
	(void)fputc('"', file);
}

/* A key of another type, which a daemon never sends, is shown in quotes. */
static void
print_key(FILE *file, const msgpack_object *key)
{
	const char *bytes;
	size_t len;

	if (wire_get_bytes(key, &bytes, &len))
		json_print_text(file, bytes, len);
	else if (key->type == MSGPACK_OBJECT_POSITIVE_INTEGER)
		(void)fprintf(file, "\"%" PRIu64 "\"", key->via.u64);
	else
		json_print_text(file, "?", 1);
}

static void
print_map(FILE *file, const msgpack_object_map *map)
{
	(void)fputc('{', file);
	for (uint32_t i = 0; i < map->size; i++) {
		if (i > 0)
			(void)fputc(',', file);
		print_key(file, &map->ptr[i].key);
		(void)fputc(':', file);
		json_print(file, &map->ptr[i].val);
	}
	(void)fputc('}', file);
}

static void
print_array(FILE *file, const msgpack_object_array *array)
{
	(void)fputc('[', file);
	for (uint32_t i = 0; i < array->size; i++) {
		if (i > 0)
			(void)fputc(',', file);
		json_print(file, &array->ptr[i]);
	}
	(void)fputc(']', file);
}

static void
print_real(FILE *file, double value)
{
	if (isfinite(value))
		(void)fprintf(file, "%.17g", value);
	else
		(void)fputs("null", file);
}

void
json_print(FILE *file, const msgpack_object *object)
{
	switch (object->type) {
	case MSGPACK_OBJECT_NIL:
	case MSGPACK_OBJECT_EXT: /* wire_scan() lets none through */
		(void)fputs("null", file);
		return;
	case MSGPACK_OBJECT_BOOLEAN:
		(void)fputs(object->via.boolean ? "true" : "false", file);
		return;
	case MSGPACK_OBJECT_POSITIVE_INTEGER:
		(void)fprintf(file, "%" PRIu64, object->via.u64);
		return;
	case MSGPACK_OBJECT_NEGATIVE_INTEGER:
		(void)fprintf(file, "%" PRId64, object->via.i64);
		return;
	case MSGPACK_OBJECT_FLOAT32:
	case MSGPACK_OBJECT_FLOAT64:
		print_real(file, object->via.f64);
		return;
	case MSGPACK_OBJECT_STR:
		json_print_text(
			file, object->via.str.ptr, object->via.str.size);
		return;
	case MSGPACK_OBJECT_BIN:
		json_print_text(
			file, object->via.bin.ptr, object->via.bin.size);
		return;
	case MSGPACK_OBJECT_ARRAY:
		print_array(file, &object->via.array);
		return;
	case MSGPACK_OBJECT_MAP:
		print_map(file, &object->via.map);
		return;
	}
}

static void add_value(struct wire_writer *writer, json_t *value);

static void
add_object(struct wire_writer *writer, json_t *object)
{
	const char *key;
	json_t *value;

	wire_map(writer, json_object_size(object));
	json_object_foreach(object, key, value)
	{
		wire_text(writer, key);
		add_value(writer, value);
	}
}

static void
add_array(struct wire_writer *writer, json_t *array)
{
	size_t index;
	json_t *value;

	wire_array(writer, json_array_size(array));
	json_array_foreach(array, index, value) add_value(writer, value);
}

/* Recursion ends: jansson parses 2,048 levels at most. */
static void
add_value(struct wire_writer *writer, json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		add_object(writer, value);
		return;
	case JSON_ARRAY:
		add_array(writer, value);
		return;
	case JSON_STRING:
		wire_bytes(writer, json_string_value(value),
			json_string_length(value));
		return;
	case JSON_INTEGER:
		wire_int(writer, json_integer_value(value));
		return;
	case JSON_REAL:
		wire_double(writer, json_real_value(value));
		return;
	case JSON_TRUE:
	case JSON_FALSE:
		wire_bool(writer, json_is_true(value));
		return;
	case JSON_NULL:
		wire_nil(writer);
		return;
	}
}

int
json_add(struct wire_writer *writer, const char *word, struct failure *failure)
{
	json_error_t error;
	json_t *value = json_loads(word,
		JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL,
		&error);

	if (value) {
		add_value(writer, value);
		json_decref(value);
		return 0;
	}
	if (word[0] && strchr("{[\"", word[0]))
		return failure_set(failure, ERR_BAD_ARGUMENTS,
			"\"%.60s\" is no JSON: %s (character %d)", word,
			error.text, error.position);
	wire_text(writer, word);
	return 0;
}
