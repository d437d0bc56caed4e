/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * wire_write.c - msgpack on the wire: writing.
 *
 * Runs in: supervisor, worker, command.
 * Invariant: a failure (no memory, max reached) is sticky and stays behind in
 *            writer->has_failed, so callers look once, at the end.
 */
#include <stdlib.h>
#include <string.h>

#include "proto/wire.h"

void
wire_writer_init(struct wire_writer *writer, size_t max)
{
	*writer = (struct wire_writer){.max = max};
}

void
wire_writer_init_fixed(struct wire_writer *writer, uint8_t *data, size_t size)
{
	*writer = (struct wire_writer){
		.data = data, .room = size, .max = size, .is_fixed = true};
}

static void
free_data(struct wire_writer *writer)
{
	if (writer->is_secret && writer->data)
		explicit_bzero(writer->data, writer->len);
	free(writer->data);
}

void
wire_writer_done(struct wire_writer *writer)
{
	if (!writer->is_fixed)
		free_data(writer);
	writer->data = NULL;
}

/* realloc(3), but for what it would leave behind of a secret. */
static uint8_t *
grow(struct wire_writer *writer, size_t room)
{
	uint8_t *data;

	if (!writer->is_secret)
		return realloc(writer->data, room);
	data = malloc(room);
	if (!data)
		return NULL;
	if (writer->len > 0)
		memcpy(data, writer->data, writer->len);
	free_data(writer);
	return data;
}

static bool
make_room(struct wire_writer *writer, size_t len)
{
	size_t room = writer->room ? writer->room : 512;
	uint8_t *data;

	if (writer->has_failed || len > writer->max - writer->len)
		return false;
	if (len <= writer->room - writer->len)
		return true;
	while (room < writer->len + len)
		room *= 2;
	data = grow(writer, room);
	if (!data)
		return false;
	writer->data = data;
	writer->room = room;
	return true;
}

void
wire_raw(struct wire_writer *writer, const uint8_t *data, size_t len)
{
	if (!make_room(writer, len)) {
		writer->has_failed = true;
		return;
	}
	if (len > 0)
		memcpy(writer->data + writer->len, data, len);
	writer->len += len;
}

/* The shape that msgpack-c wants of a sink. */
static int
write_packed(void *data, const char *bytes, size_t len)
{
	struct wire_writer *writer = data;

	wire_raw(writer, (const uint8_t *)bytes, len);
	return writer->has_failed ? -1 : 0;
}

static msgpack_packer
packer_to(struct wire_writer *writer)
{
	return (msgpack_packer){.data = writer, .callback = write_packed};
}

void
wire_array(struct wire_writer *writer, size_t count)
{
	msgpack_packer packer = packer_to(writer);

	(void)msgpack_pack_array(&packer, count);
}

void
wire_map(struct wire_writer *writer, size_t count)
{
	msgpack_packer packer = packer_to(writer);

	(void)msgpack_pack_map(&packer, count);
}

void
wire_uint(struct wire_writer *writer, uint64_t value)
{
	msgpack_packer packer = packer_to(writer);

	(void)msgpack_pack_uint64(&packer, value);
}

void
wire_int(struct wire_writer *writer, int64_t value)
{
	msgpack_packer packer = packer_to(writer);

	(void)msgpack_pack_int64(&packer, value);
}

void
wire_bool(struct wire_writer *writer, bool value)
{
	msgpack_packer packer = packer_to(writer);

	(void)(value ? msgpack_pack_true(&packer)
		     : msgpack_pack_false(&packer));
}

void
wire_nil(struct wire_writer *writer)
{
	msgpack_packer packer = packer_to(writer);

	(void)msgpack_pack_nil(&packer);
}

void
wire_double(struct wire_writer *writer, double value)
{
	msgpack_packer packer = packer_to(writer);

	(void)msgpack_pack_double(&packer, value);
}

void
wire_bytes(struct wire_writer *writer, const char *text, size_t len)
{
	msgpack_packer packer = packer_to(writer);

	(void)msgpack_pack_str_with_body(&packer, text, len);
}

void
wire_text(struct wire_writer *writer, const char *text)
{
	wire_bytes(writer, text, strlen(text));
}

void
wire_pair_text(struct wire_writer *writer, const char *key, const char *text)
{
	wire_text(writer, key);
	wire_text(writer, text);
}

void
wire_pair_uint(struct wire_writer *writer, const char *key, uint64_t value)
{
	wire_text(writer, key);
	wire_uint(writer, value);
}

void
wire_pair_bool(struct wire_writer *writer, const char *key, bool value)
{
	wire_text(writer, key);
	wire_bool(writer, value);
}

size_t
wire_count_given(const struct wire_option *options, size_t count)
{
	size_t given = 0;

	for (size_t i = 0; i < count; i++)
		given += options[i].text ? 1 : 0;
	return given;
}

void
wire_pairs_given(struct wire_writer *writer, const struct wire_option *options,
	size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (options[i].text)
			wire_pair_text(writer, options[i].key, options[i].text);
}
