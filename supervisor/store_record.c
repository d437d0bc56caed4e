/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * store_record.c - one record of the store and its bytes.
 *
 * Runs in: supervisor.
 * Trusts: nothing: the bytes may come from a damaged disk.
 * Invariant: record_decode() accepts exactly what record_encode() makes.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "supervisor/crc32c.h"
#include "proto/cid.h"
#include "supervisor/store_record.h"

enum {
	RECORD_VERSION = 1,
	HEAD_LEN = 13, /* version, crc, generation */
	CRC_AT = 1,
	GENERATION_AT = 5,
	CLAIM_LEN = 14, /* without the URI */
	DEPARTING_LEN = 8,
	META_LEN = 8,
};

static const char key_prefix[] = {
	[STORE_CLAIM] = 'c',
	[STORE_DEPARTING] = 'd',
	[STORE_META] = 'm',
};

static void
put_u16(uint8_t *at, uint16_t value)
{
	value = htole16(value);
	memcpy(at, &value, sizeof(value));
}

static void
put_u32(uint8_t *at, uint32_t value)
{
	value = htole32(value);
	memcpy(at, &value, sizeof(value));
}

static void
put_u64(uint8_t *at, uint64_t value)
{
	value = htole64(value);
	memcpy(at, &value, sizeof(value));
}

static uint16_t
get_u16(const uint8_t *at)
{
	uint16_t value;

	memcpy(&value, at, sizeof(value));
	return le16toh(value);
}

static uint32_t
get_u32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return le32toh(value);
}

static uint64_t
get_u64(const uint8_t *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return le64toh(value);
}

/* UTF-8 without control characters, of a length that leaves room for a NUL. */
static bool
is_text(const void *bytes, size_t len, size_t size)
{
	return len > 0 && len < size && utf8_is_valid(bytes, len) &&
	       !utf8_has_control(bytes, len);
}

static bool
is_name(enum store_kind kind, const void *bytes, size_t len)
{
	switch (kind) {
	case STORE_CLAIM:
		return cid_check(bytes, len, NULL) == 0;
	case STORE_DEPARTING:
		return is_text(bytes, len, STORE_URI_SIZE);
	case STORE_META:
		return len == 0;
	}
	return false;
}

int
record_key(enum store_kind kind, const char *name, struct record_bytes *bytes)
{
	size_t len = kind == STORE_META ? 0 : strnlen(name, STORE_URI_SIZE);

	if (!is_name(kind, name, len))
		return -EINVAL;
	bytes->key[0] = key_prefix[kind];
	if (len)
		memcpy(bytes->key + 1, name, len);
	bytes->key_len = 1 + len;
	return 0;
}

static uint32_t
checksum(const uint8_t *key, size_t key_len, const uint8_t *value,
	size_t value_len)
{
	uint32_t crc = crc32c(0, key, key_len);

	crc = crc32c(crc, value, CRC_AT);
	return crc32c(crc, value + GENERATION_AT, value_len - GENERATION_AT);
}

static int
encode_claim(const struct store_claim *claim, struct record_bytes *bytes)
{
	uint8_t *body = bytes->value + HEAD_LEN;
	size_t uri_len = strnlen(claim->uri, sizeof(claim->uri));

	if (!is_text(claim->uri, uri_len, sizeof(claim->uri)))
		return -EINVAL;
	put_u32(body, claim->uid);
	put_u64(body + 4, claim->created_us);
	put_u16(body + 12, uri_len);
	memcpy(body + CLAIM_LEN, claim->uri, uri_len);
	bytes->value_len = HEAD_LEN + CLAIM_LEN + uri_len;
	return 0;
}

static int
encode_body(const struct record *record, struct record_bytes *bytes)
{
	uint8_t *body = bytes->value + HEAD_LEN;

	switch (record->kind) {
	case STORE_CLAIM:
		return encode_claim(&record->claim, bytes);
	case STORE_DEPARTING:
		put_u64(body, record->claim.created_us);
		bytes->value_len = HEAD_LEN + DEPARTING_LEN;
		return 0;
	case STORE_META:
		put_u32(body, record->count);
		put_u32(body + 4, record->sum);
		bytes->value_len = HEAD_LEN + META_LEN;
		return 0;
	}
	return -EINVAL;
}

int
record_encode(struct record *record, struct record_bytes *bytes)
{
	const char *name = record->kind == STORE_CLAIM ? record->claim.cid
						       : record->claim.uri;
	int r = record_key(record->kind, name, bytes);

	if (r == 0)
		r = encode_body(record, bytes);
	if (r < 0)
		return r;
	bytes->value[0] = RECORD_VERSION;
	put_u64(bytes->value + GENERATION_AT, record->generation);
	record->crc = checksum(
		bytes->key, bytes->key_len, bytes->value, bytes->value_len);
	put_u32(bytes->value + CRC_AT, record->crc);
	return 0;
}

static int
decode_claim(const uint8_t *body, size_t len, struct store_claim *claim)
{
	size_t uri_len;

	if (len < CLAIM_LEN)
		return -EBADMSG;
	uri_len = get_u16(body + 12);
	if (len != CLAIM_LEN + uri_len ||
		!is_text(body + CLAIM_LEN, uri_len, sizeof(claim->uri)))
		return -EBADMSG;
	claim->uid = get_u32(body);
	claim->created_us = get_u64(body + 4);
	memcpy(claim->uri, body + CLAIM_LEN, uri_len);
	claim->uri[uri_len] = '\0';
	return 0;
}

static int
decode_body(const uint8_t *body, size_t len, struct record *record)
{
	switch (record->kind) {
	case STORE_CLAIM:
		return decode_claim(body, len, &record->claim);
	case STORE_DEPARTING:
		if (len != DEPARTING_LEN)
			return -EBADMSG;
		record->claim.created_us = get_u64(body);
		return 0;
	case STORE_META:
		if (len != META_LEN)
			return -EBADMSG;
		record->count = get_u32(body);
		record->sum = get_u32(body + 4);
		return 0;
	}
	return -EBADMSG;
}

static int
decode_key(const uint8_t *key, size_t len, struct record *record)
{
	const char *prefix;
	char *name;

	prefix = len ? memchr(key_prefix, key[0], sizeof(key_prefix)) : NULL;
	if (!prefix)
		return -EBADMSG;
	record->kind = (enum store_kind)(prefix - key_prefix);
	if (!is_name(record->kind, key + 1, len - 1))
		return -EBADMSG;
	name = record->kind == STORE_CLAIM ? record->claim.cid
					   : record->claim.uri;
	memcpy(name, key + 1, len - 1);
	name[len - 1] = '\0';
	return 0;
}

int
record_decode(const uint8_t *key, size_t key_len, const uint8_t *value,
	size_t value_len, struct record *ret_record)
{
	if (value_len < HEAD_LEN)
		return -EBADMSG;
	ret_record->crc = get_u32(value + CRC_AT);
	ret_record->generation = get_u64(value + GENERATION_AT);
	if (ret_record->crc != checksum(key, key_len, value, value_len))
		return -EBADMSG;
	if (value[0] != RECORD_VERSION)
		return -EPROTONOSUPPORT;
	if (key_len > RECORD_KEY_SIZE || value_len > RECORD_VALUE_SIZE ||
		decode_key(key, key_len, ret_record) < 0)
		return -EBADMSG;
	return decode_body(value + HEAD_LEN, value_len - HEAD_LEN, ret_record);
}
