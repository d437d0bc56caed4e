/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz_message.c - packets between supervisor and worker, in both directions.
 *
 * Input: byte; 0: a packet that is an order, 1: a report; 2: numbers and texts
 * that are sent. Then that.
 * Covers: proto/message.c
 */
#include <errno.h>

#include "proto/message.h"
#include "tests/fuzz/fuzz.h"

/* Bounds as in worker.def, stated once more. */
static void
check_bounds(const struct message *message)
{
#define ORDER(name, meaning)  if (message->type == MESSAGE_##name) {
#define REPORT(name, meaning) ORDER(name, meaning)
#define FIELD_UINT(owner, name, max, meaning)                                  \
	CHECK(message->owner.name <= (max));
#define FIELD_ENUM(owner, name, type, count, meaning)                          \
	CHECK((unsigned)message->owner.name < (unsigned)(count));
#define FIELD_TEXT(owner, name, max, meaning)                                  \
	CHECK(strlen(message->owner.name) <= (max) &&                          \
		fuzz_is_line(                                                  \
			message->owner.name, strlen(message->owner.name)));
#define END_MESSAGE }
#include "proto/worker.def"
}

static void
check_sent(const struct message *message)
{
	enum message_direction direction = message_direction(message->type);
	uint8_t packet[MESSAGE_MAX], again[MESSAGE_MAX];
	size_t len = message_encode(message, packet);
	struct message got;
	struct err err = {0};

	CHECK(len > 0 && len <= MESSAGE_MAX);
	CHECK(message_decode(direction, packet, len, &got, &err) == 0);
	CHECK(got.type == message->type);
	check_bounds(&got);
	CHECK(message_encode(&got, again) == len);
	CHECK(memcmp(packet, again, len) == 0);
	/* Nobody takes what is not for him, or half of it, or more. */
	CHECK(message_decode(direction == MESSAGE_ORDER ? MESSAGE_REPORT
							: MESSAGE_ORDER,
		      packet, len, &got, &err) == -EBADMSG);
	CHECK(message_decode(direction, packet, len - 1, &got, &err) ==
		-EBADMSG);
}

static void
check_received(enum message_direction direction, struct fuzz_input input)
{
	char *packet = fuzz_text(input.at, input.left);
	struct message message, before;
	struct err err = {0};
	int result;

	memset(&message, 0x5a, sizeof(message));
	before = message;
	result = message_decode(
		direction, (const uint8_t *)packet, input.left, &message, &err);
	free(packet);
	if (result < 0) {
		fuzz_check_refusal(result, &err);
		CHECK(memcmp(&message, &before, sizeof(message)) == 0);
		return;
	}
	CHECK(message_direction(message.type) == direction);
	CHECK(*message_name(message.type));
	check_bounds(&message);
	check_sent(&message);
}

static void
fill(struct message *message, struct fuzz_input *input)
{
#define ORDER(name, meaning)  if (message->type == MESSAGE_##name) {
#define REPORT(name, meaning) ORDER(name, meaning)
#define FIELD_UINT(owner, name, max, meaning)                                  \
	message->owner.name = fuzz_u64(input);
#define FIELD_ENUM(owner, name, type, count, meaning)                          \
	message->owner.name = (type)(fuzz_u8(input) % (unsigned)(count));
#define FIELD_TEXT(owner, name, max, meaning)                                  \
	fuzz_take(input, message->owner.name, fuzz_u8(input) * 9 % ((max) + 2));
#define END_MESSAGE }
#include "proto/worker.def"
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	unsigned way = fuzz_u8(&input) % 3;
	struct message message = {0};

	if (way < 2) {
		check_received(way ? MESSAGE_REPORT : MESSAGE_ORDER, input);
		return 0;
	}
	message.type = (enum message_type)(
		fuzz_u8(&input) % (unsigned)MESSAGE_TYPE_COUNT);
	fill(&message, &input);
	check_sent(&message);
	return 0;
}
