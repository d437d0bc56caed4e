/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz_iscsi_login.c - a trial login to a target that says anything.
 *
 * Input: byte, modulo 3: without credentials, with them, mutual CHAP; then all
 * that the target sends.
 * Covers: worker/iscsi_login.c worker/iscsi_conn.c worker/iscsi_chap.c
 * Covers: worker/iscsi_error.c
 */
#include <netinet/in.h>
#include <sys/random.h>

#include "common/hash.h"
#include "tests/fuzz/fuzz_tcp.h"
#include "worker/iscsi_conn.h"
#include "worker/iscsi_login.h"

/* A word of the target's: no error text has it. */
#define FOREIGN_WORD "TargetSays"

#define OWN_SECRET   "a secret of this host"
#define THEIR_SECRET "a secret of the target"

enum {
	HEADER_SIZE = 48,
	AT_STATUS_CLASS = 36,
	CLASS_REDIRECTION = 1,
};

static const struct iscsi_auth auths[] = {
	{.username = ""},
	{.username = "host", .password = OWN_SECRET},
	{.username = "host",
		.password = OWN_SECRET,
		.username_in = "target",
		.password_in = THEIR_SECRET},
};

static uint64_t randomness;
static unsigned last_class, requests;

/* Other bytes for each input: so nothing in it proves to know a secret. */
ssize_t
getrandom(void *buffer, size_t len, unsigned flags)
{
	uint8_t *bytes = buffer;

	for (size_t i = 0; i < len; i++) {
		randomness = randomness * UINT64_C(6364136223846793005) +
			     UINT64_C(1442695040888963407);
		bytes[i] = (uint8_t)(randomness >> 56);
	}
	return (ssize_t)len;
}

/* Every request is one of the security stage, and shows no secret. */
static void
on_sent(const uint8_t *data, size_t len)
{
	size_t text_len;

	CHECK(len >= HEADER_SIZE && len % 4 == 0);
	text_len = (size_t)data[5] << 16 | (size_t)data[6] << 8 | data[7];
	CHECK(data[0] == 0x43 && data[4] == 0);
	CHECK(data[1] == 0 || data[1] == 0x81);
	CHECK(len - HEADER_SIZE >= text_len &&
		len - HEADER_SIZE < text_len + 4);
	CHECK(!memmem(data, len, OWN_SECRET, strlen(OWN_SECRET)));
	CHECK(!memmem(data, len, THEIR_SECRET, strlen(THEIR_SECRET)));
	/* A connection has a bound; a second one may be made. */
	CHECK(++requests <= 2 * ISCSI_CONN_EXCHANGES_MAX);
}

static void
on_received(uint8_t *data, size_t len)
{
	if (len == HEADER_SIZE)
		last_class = data[AT_STATUS_CLASS];
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct sockaddr_in address = {.sin_family = AF_INET};
	struct iscsi_trial trial = {
		.address = (const struct sockaddr *)&address,
		.address_len = sizeof(address),
		.port = 3260,
		.target = "iqn.2024-01.com.example:disk",
		.initiator = "iqn.2024-01.com.example:host",
		.tpgt = 1,
		.timeout_ms = 1000,
	};
	struct err err = {0};
	unsigned kind;
	int result;

	fuzz_server = (struct fuzz_input){data, size};
	kind = fuzz_u8(&fuzz_server) % 3;
	randomness = size;
	for (size_t i = 0; i < size; i++)
		randomness = (randomness ^ data[i]) * UINT64_C(0x100000001b3);
	last_class = requests = 0;
	trial.auth = &auths[kind];
	result = iscsi_login_try(&trial, &err);
	if (result < 0) {
		fuzz_check_refusal(result, &err);
		CHECK(result == -err.errnum);
		CHECK(!strstr(err.text, FOREIGN_WORD));
	} else if (kind == 2) {
		/* Nobody is let in who does not prove who it is. */
		CHECK(last_class == CLASS_REDIRECTION);
	}
	return 0;
}
