/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * store_record.h - one record of the store and its bytes.
 *
 * Runs in: supervisor.
 *
 * key    'c' CID, 'd' URI, or 'm'
 * value  version (1)  crc (4)  generation (8)  body; little endian
 *        claim: uid (4) created_us (8) uri_len (2) URI; departing: created_us
 *        (8); meta: count (4) sum (4)
 *
 * The CRC32C is that of the key and of all of the value but itself, so that a
 * record under another's key is found out as well. The meta record's count and
 * sum are those of all other records; sum is the XOR of their CRCs.
 */
#ifndef SUPERVISOR_STORE_RECORD_H
#define SUPERVISOR_STORE_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "supervisor/store.h"

enum {
	RECORD_KEY_SIZE = 1 + STORE_URI_SIZE,
	RECORD_VALUE_SIZE = 13 + 14 + STORE_URI_SIZE,
};

/* What tells one state of the store from another. */
struct store_tally {
	uint32_t count;
	uint32_t sum;
	uint64_t generation; /* number of the commit */
};

struct record {
	enum store_kind kind;
	uint64_t generation; /* of the commit that wrote it */
	uint32_t crc;
	struct store_claim claim; /* departing: uri and created_us only */
	uint32_t count, sum;	  /* meta only */
};

struct record_bytes {
	size_t key_len;
	size_t value_len;
	uint8_t key[RECORD_KEY_SIZE];
	uint8_t value[RECORD_VALUE_SIZE];
};

/*
 * The key of a record of that kind; name is the CID, the URI, or for the meta
 * record not looked at. -EINVAL: name is not what it should be.
 */
int record_key(
	enum store_kind kind, const char *name, struct record_bytes *bytes);
/* Fills in all of bytes, and record->crc. -EINVAL as above. */
int record_encode(struct record *record, struct record_bytes *bytes);
/*
 * Takes nothing but what record_encode() makes: -EPROTONOSUPPORT for a sound
 * record of another version, -EBADMSG for anything else; *ret_record is then
 * undefined.
 */
int record_decode(const uint8_t *key, size_t key_len, const uint8_t *value,
	size_t value_len, struct record *ret_record);

#endif
