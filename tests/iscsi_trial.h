/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * iscsi_trial.h - trial logins to a fake target, and what is expected of them.
 *
 * Runs in: the build. To be included once, after cmocka.h.
 * Invariant: no trial waits longer than its timeout. Whatever is expected, the
 *            initiator makes no mistake that the fake target knows of.
 *
 * The responses that the target expects are those of Python's hashlib.
 */
#ifndef TESTS_ISCSI_TRIAL_H
#define TESTS_ISCSI_TRIAL_H

#include <errno.h>
#include <string.h>

#include "common/clock.h"
#include "common/guard.h"
#include "tests/fake_iscsi_target.h"
#include "worker/iscsi_login.h"

enum {
	SHORT_MS = 100,	  /* for what is meant to time out */
	AMPLE_MS = 10000, /* for what is not */
};

#define TARGET	  "iqn.2024-01.com.example:disk"
#define INITIATOR "iqn.2024-01.com.example:host"
#define CHALLENGE "0x000102030405060708090a0b0c0d0e0f"
#define RESPONSE  "0x290a87e713fa210de30dab3caab0ddb6"

static const struct script no_auth = {.method = "None", .tpgt = "1"};

static const struct script chap = {
	.method = "CHAP",
	.tpgt = "1",
	.choice = "5",
	.id = "23",
	.challenge = CHALLENGE,
	.response = RESPONSE,
};

static const struct script mutual_chap = {
	.method = "CHAP",
	.tpgt = "1",
	.choice = "5",
	.id = "23",
	.challenge = CHALLENGE,
	.response = RESPONSE,
	.name_in = "target",
	.password_in = "a secret of the target",
};

static const struct iscsi_auth one_way = {
	.username = "host",
	.password = "a secret of this host",
};

static const struct iscsi_auth mutual = {
	.username = "host",
	.password = "a secret of this host",
	.username_in = "target",
	.password_in = "a secret of the target",
};

static int
ask_port(uint16_t port, const struct iscsi_auth *auth, int timeout_ms,
	struct err *err)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	const struct iscsi_trial trial = {
		.address = (const struct sockaddr *)&address,
		.address_len = sizeof(address),
		.port = port,
		.target = TARGET,
		.initiator = INITIATOR,
		.tpgt = 1,
		.auth = auth,
		.timeout_ms = timeout_ms,
	};

	memset(err, 0, sizeof(*err));
	return iscsi_login_try(&trial, err);
}

static int
ask(const struct script *script, const struct iscsi_auth *auth, int timeout_ms,
	struct seen *ret_seen, struct err *err)
{
	struct fake fake = fake_start(script);
	int rc = ask_port(fake.port, auth, timeout_ms, err);

	*ret_seen = *fake.seen;
	fake_stop(&fake);
	assert_int_equal(ret_seen->mistakes, 0);
	return rc;
}

static struct seen
expect_success(const struct script *script, const struct iscsi_auth *auth)
{
	struct seen seen;
	struct err err;
	int rc = ask(script, auth, AMPLE_MS, &seen, &err);

	assert_string_equal(err.text, "");
	assert_int_equal(rc, 0);
	assert_int_equal(seen.connections, 1);
	return seen;
}

static struct seen
expect_error(const struct script *script, const struct iscsi_auth *auth,
	int timeout_ms, enum err_code code, const char *text)
{
	uint64_t start_us = clock_boot_us();
	struct seen seen;
	struct err err;
	int rc = ask(script, auth, timeout_ms, &seen, &err);
	uint64_t took_us = clock_boot_us() - start_us;

	assert_string_equal(err_slug(err.code), err_slug(code));
	if (!strstr(err.text, text))
		assert_string_equal(err.text, text);
	assert_true(strlen(err.text) < ERR_TEXT_MAX - 1); /* was not cut */
	assert_int_equal(rc, -err.errnum);
	assert_true(rc < 0);
	assert_true(took_us < AMPLE_MS * US_PER_MS / 2);
	if (code == ERR_TIMED_OUT)
		assert_true(took_us >= (uint64_t)timeout_ms * US_PER_MS);
	return seen;
}

static struct script
with_fault(const struct script *script, enum fault fault, unsigned at)
{
	struct script copy = *script;

	copy.fault = fault;
	copy.at = at;
	return copy;
}

#endif
