/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz_store_record.c - records of the store, from a damaged disk or our own.
 *
 * Input: byte, modulo 3: 0: bytes as they are, 1: their checksum is put right;
 * 2: a record that is written. Then, but for 2, a byte, how long the key is;
 * key and value.
 * Covers: supervisor/store_record.c supervisor/crc32c.c
 */
#include <errno.h>

#include "proto/cid.h"
#include "supervisor/crc32c.h"
#include "supervisor/store_record.h"
#include "tests/fuzz/fuzz.h"

enum {
	CRC_AT = 1,
	CRC_END = 5,
};

static struct record record, again;
static struct record_bytes bytes;

static void
check_content(const struct record *seen)
{
	CHECK(seen->kind == STORE_CLAIM || seen->kind == STORE_DEPARTING ||
		seen->kind == STORE_META);
	if (seen->kind == STORE_CLAIM)
		CHECK(cid_check(seen->claim.cid, strlen(seen->claim.cid),
			      NULL) == 0);
	if (seen->kind != STORE_META) {
		CHECK(*seen->claim.uri);
		CHECK(strlen(seen->claim.uri) < STORE_URI_SIZE);
		CHECK(fuzz_is_line(seen->claim.uri, strlen(seen->claim.uri)));
	}
}

/* Exactly what record_encode() makes is taken. */
static void
check_bytes(const char *key, size_t key_len, const char *value, size_t len)
{
	int result = record_decode((const uint8_t *)key, key_len,
		(const uint8_t *)value, len, &record);

	CHECK(result == 0 || result == -EBADMSG || result == -EPROTONOSUPPORT);
	if (result < 0)
		return;
	check_content(&record);
	CHECK(record_encode(&record, &bytes) == 0);
	CHECK(bytes.key_len == key_len && bytes.value_len == len);
	CHECK(memcmp(bytes.key, key, key_len) == 0);
	CHECK(memcmp(bytes.value, value, len) == 0);
}

/* Any bit that is another is found out. */
static void
check_damage(struct fuzz_input *input)
{
	size_t at = fuzz_u32(input) % (bytes.key_len + bytes.value_len);
	uint8_t bit = (uint8_t)(1u << (fuzz_u8(input) & 7));

	if (at < bytes.key_len)
		bytes.key[at] ^= bit;
	else
		bytes.value[at - bytes.key_len] ^= bit;
	CHECK(record_decode(bytes.key, bytes.key_len, bytes.value,
		      bytes.value_len, &again) < 0);
}

static void
check_written(struct fuzz_input *input)
{
	struct fuzz_input damage;
	uint8_t kind = fuzz_u8(input) % 3;

	record = (struct record){
		.kind = (enum store_kind)kind,
		.generation = fuzz_u64(input),
		.count = fuzz_u32(input),
		.sum = fuzz_u32(input),
		.claim.uid = fuzz_u32(input),
		.claim.created_us = fuzz_u64(input),
	};
	fuzz_take(input, record.claim.cid,
		fuzz_u8(input) % sizeof(record.claim.cid));
	damage = *input;
	fuzz_take(input, record.claim.uri,
		input->left < STORE_URI_SIZE ? input->left : STORE_URI_SIZE);
	if (record_encode(&record, &bytes) < 0)
		return;
	memset(&again, 0, sizeof(again));
	CHECK(record_decode(bytes.key, bytes.key_len, bytes.value,
		      bytes.value_len, &again) == 0);
	CHECK(again.kind == record.kind && again.crc == record.crc);
	CHECK(again.generation == record.generation);
	if (record.kind == STORE_META)
		CHECK(again.count == record.count && again.sum == record.sum);
	else
		CHECK(strcmp(again.claim.uri, record.claim.uri) == 0 &&
			again.claim.created_us == record.claim.created_us);
	if (record.kind == STORE_CLAIM)
		CHECK(strcmp(again.claim.cid, record.claim.cid) == 0 &&
			again.claim.uid == record.claim.uid);
	check_content(&again);
	check_damage(&damage);
}

static void
put_checksum(const char *key, size_t key_len, char *value, size_t len)
{
	uint32_t crc = crc32c(0, (const uint8_t *)key, key_len);

	if (len < CRC_END)
		return;
	crc = crc32c(crc, (const uint8_t *)value, CRC_AT);
	crc = crc32c(crc, (const uint8_t *)value + CRC_END, len - CRC_END);
	for (int i = 0; i < 4; i++)
		value[CRC_AT + i] = (char)(crc >> 8 * i);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	unsigned way = fuzz_u8(&input) % 3;
	size_t key_len, value_len;
	char *key, *value;

	if (way == 2) {
		check_written(&input);
		return 0;
	}
	key_len = fuzz_u8(&input);
	if (key_len > input.left)
		key_len = input.left;
	value_len = input.left - key_len;
	key = fuzz_text(input.at, key_len);
	value = fuzz_text(input.at + key_len, value_len);
	if (way == 1)
		put_checksum(key, key_len, value, value_len);
	check_bytes(key, key_len, value, value_len);
	free(key);
	free(value);
	return 0;
}
