/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * message.c - codec of the messages between supervisor and worker.
 *
 * Runs in: supervisor, worker.
 * Trusts: nobody.
 * Invariant: see message.h. Every table here is made from worker.def.
 */
#include <errno.h>
#include <string.h>

#include "common/guard.h"
#include "proto/message.h"
#include "proto/wire.h"

enum field_kind {
	FIELD_KIND_UINT,
	FIELD_KIND_ENUM,
	FIELD_KIND_TEXT
};

struct field {
	enum field_kind kind;
	size_t offset; /* in struct message */
	uint64_t max;  /* greatest value, or most bytes */
	const char *name;
};

#define ORDER(name, meaning)  static const struct field name##_fields[] = {
#define REPORT(name, meaning) static const struct field name##_fields[] = {
#define FIELD_UINT(owner, name, max, meaning)                                  \
	{FIELD_KIND_UINT, offsetof(struct message, owner.name), max, #name},
#define FIELD_ENUM(owner, name, type, count, meaning)                          \
	{FIELD_KIND_ENUM, offsetof(struct message, owner.name), (count)-1,     \
		#name},
#define FIELD_TEXT(owner, name, max, meaning)                                  \
	{FIELD_KIND_TEXT, offsetof(struct message, owner.name), max, #name},
#define END_MESSAGE                                                            \
	}                                                                      \
	;
#include "proto/worker.def"

static const struct layout {
	const char *name;
	enum message_direction direction;
	const struct field *fields;
	size_t count;
} layouts[] = {
#define ORDER(name, meaning)                                                   \
	[MESSAGE_##name] = {#name, MESSAGE_ORDER, name##_fields,               \
		ARRAY_SIZE(name##_fields)},
#define REPORT(name, meaning)                                                  \
	[MESSAGE_##name] = {#name, MESSAGE_REPORT, name##_fields,              \
		ARRAY_SIZE(name##_fields)},
#include "proto/worker.def"
};

/* The longest text of any message. */
union texts {
#define FIELD_TEXT(owner, name, max, meaning) char owner##_##name[max];
#include "proto/worker.def"
};
enum {
	TEXT_MAX = sizeof(union texts)
};

/* Enums are written and read through this type. */
_Static_assert(sizeof(enum target_state) == sizeof(unsigned), "enum size");

static const char *const holder_kind_words[] = {
	[HOLDER_FILE] = "open file",
	[HOLDER_CWD] = "working directory",
	[HOLDER_ROOT] = "root directory",
	[HOLDER_MAPPING] = "mapping",
	[HOLDER_NESTED_MOUNT] = "nested mount",
	[HOLDER_NAMESPACE] = "other mount namespace",
	[HOLDER_MOUNT] = "mount",
	[HOLDER_FILE_SYSTEM] = "file system",
	[HOLDER_SWAP] = "swap",
	[HOLDER_DM] = "device mapper",
	[HOLDER_MD] = "RAID array",
	[HOLDER_LOOP] = "loop device",
	[HOLDER_STACKED] = "stacked device",
	[HOLDER_EXPORT] = "export",
};

const char *
holder_kind_word(enum holder_kind kind)
{
	return holder_kind_words[kind];
}

const char *
message_name(enum message_type type)
{
	return layouts[type].name;
}

enum message_direction
message_direction(enum message_type type)
{
	return layouts[type].direction;
}

/* What a peer would refuse, and kill us for, is replaced here. */
static void
encode_text(struct wire_writer *writer, const char *text, uint64_t max)
{
	char clean[TEXT_MAX + 1];
	size_t len = strnlen(text, max);

	memcpy(clean, text, len);
	clean[len] = '\0';
	err_clean_text(clean);
	wire_bytes(writer, clean, len);
}

static void
encode_field(struct wire_writer *writer, const struct message *message,
	const struct field *field)
{
	const char *at = (const char *)message + field->offset;
	uint64_t value = 0;

	switch (field->kind) {
	case FIELD_KIND_UINT:
		memcpy(&value, at, sizeof(value));
		wire_uint(writer, value < field->max ? value : field->max);
		return;
	case FIELD_KIND_ENUM:
		wire_uint(writer, *(const unsigned *)(const void *)at);
		return;
	case FIELD_KIND_TEXT:
		encode_text(writer, at, field->max);
		return;
	}
}

size_t
message_encode(const struct message *message, uint8_t *ret_packet)
{
	const struct layout *layout = &layouts[message->type];
	struct wire_writer writer;

	wire_writer_init_fixed(&writer, ret_packet, MESSAGE_MAX);
	wire_array(&writer, layout->count + 1);
	wire_uint(&writer, message->type);
	for (size_t i = 0; i < layout->count; i++)
		encode_field(&writer, message, &layout->fields[i]);
	return writer.len;
}

static bool
decode_text(const msgpack_object *value, char *at, uint64_t max)
{
	const char *text;
	size_t len;

	if (!wire_get_bytes(value, &text, &len) || len > max ||
		!utf8_is_valid(text, len) || utf8_has_control(text, len))
		return false;
	memcpy(at, text, len);
	at[len] = '\0';
	return true;
}

static bool
decode_field(const msgpack_object *value, const struct field *field,
	struct message *message)
{
	char *at = (char *)message + field->offset;
	uint64_t number;

	if (field->kind == FIELD_KIND_TEXT)
		return decode_text(value, at, field->max);
	if (!wire_get_uint(value, &number) || number > field->max)
		return false;
	if (field->kind == FIELD_KIND_UINT)
		memcpy(at, &number, sizeof(number));
	else
		*(unsigned *)(void *)at = (unsigned)number;
	return true;
}

static int
decode_root(enum message_direction direction, const msgpack_object *root,
	struct message *message, struct err *err)
{
	uint32_t count;
	uint64_t type;
	const struct layout *layout;

	if (!wire_is_array(root, &count) || count == 0 ||
		!wire_get_uint(wire_at(root, 0), &type) ||
		type >= MESSAGE_TYPE_COUNT ||
		layouts[type].direction != direction)
		return err_set(
			err, ERR_BAD_MESSAGE, EBADMSG, "no message of ours");
	layout = &layouts[type];
	if (count != layout->count + 1)
		return err_set(err, ERR_BAD_MESSAGE, EBADMSG,
			"%s: %u fields instead of %zu", layout->name, count - 1,
			layout->count);
	message->type = (enum message_type)type;
	for (uint32_t i = 0; i < layout->count; i++)
		if (!decode_field(
			    wire_at(root, i + 1), &layout->fields[i], message))
			return err_set(err, ERR_BAD_MESSAGE, EBADMSG,
				"%s: bad %s", layout->name,
				layout->fields[i].name);
	return 0;
}

int
message_decode(enum message_direction direction, const uint8_t *packet,
	size_t len, struct message *ret_message, struct err *err)
{
	struct wire_scan scan = {0};
	struct wire_message unpacked;
	struct message message = {0};
	ssize_t whole;
	int result;

	whole = wire_scan(&scan, &wire_request_limits, packet, len, err);
	if (whole < 0)
		return -EBADMSG;
	if ((size_t)whole != len || len == 0)
		return err_set(
			err, ERR_BAD_MESSAGE, EBADMSG, "not one whole message");
	result = wire_unpack(&unpacked, packet, len, err);
	if (result < 0)
		return result;
	result = decode_root(direction, unpacked.root, &message, err);
	wire_release(&unpacked);
	if (result == 0)
		*ret_message = message;
	return result;
}
