/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_iscsi_chap.c - CHAP against answers that something else has worked out.
 *
 * Runs in: the build.
 *
 * The digests are those of Python's hashlib, of bytes([id]) + secret +
 * challenge.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/guard.h"
#include "worker/iscsi_chap.h"

enum {
	STACK_MAX = 16384
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

static void
fill(struct iscsi_chap_challenge *challenge, unsigned id, size_t len,
	unsigned first, unsigned step)
{
	challenge->id = id;
	challenge->len = len;
	for (size_t i = 0; i < len; i++)
		challenge->bytes[i] = (unsigned char)(first + i * step);
}

static void
expect_digest(unsigned algorithm, const char *secret,
	const struct iscsi_chap_challenge *challenge, const char *expected)
{
	unsigned char digest[ISCSI_CHAP_DIGEST_MAX];
	struct iscsi_text text;
	size_t len = iscsi_chap_digest(algorithm, secret, challenge, digest);

	iscsi_text_init(&text);
	iscsi_text_put_binary(&text, "CHAP_R", digest, len);
	assert_string_equal(
		iscsi_text_get(&text, "CHAP_R") + strlen("0x"), expected);
}

static void
works_out_the_digests_that_others_do(void **state)
{
	struct iscsi_chap_challenge challenge;

	fill(&challenge, 23, 16, 0, 1);
	expect_digest(5, one_way.password, &challenge,
		"290a87e713fa210de30dab3caab0ddb6");
	expect_digest(6, one_way.password, &challenge,
		"4e99c04e6043db0f5dcd5d0e4c2c35c3423a5086");
	expect_digest(7, one_way.password, &challenge,
		"ff430b195e972360a39098a689af4fc6e32f2ce0d66442d12871a27816a406"
		"98");
	fill(&challenge, 1, 16, 0, 1);
	expect_digest(5, "p\xc3\xa4ssword \xc3\xb6\xc3\xbc\xc3\x9f", &challenge,
		"532c17b6ba73e88d74e56760caac5a6d");
}

static void
takes_the_shortest_and_the_longest(void **state)
{
	struct iscsi_chap_challenge challenge;
	char secret[ISCSI_AUTH_SIZE];

	fill(&challenge, 0, 1, 0xff, 0);
	expect_digest(5, "x", &challenge, "a12fc9da38ab147b1f0b73031bf62747");
	expect_digest(
		6, "x", &challenge, "9cfddc924105e9dabac2677e236afb680cfe2e2f");
	expect_digest(7, "x", &challenge,
		"7ecca68a3c86161f541ac27c1c7461a4357d480053d0d30f210ec7d5cee38e"
		"3c");
	memset(secret, 's', sizeof(secret));
	secret[sizeof(secret) - 1] = '\0';
	fill(&challenge, 255, 1024, 1, 7);
	expect_digest(
		5, secret, &challenge, "041caf2874d14b7ad398a396102b1dd1");
	expect_digest(6, secret, &challenge,
		"3ca20d2a2ea31a89fb2ac734577e3049d7bc9e21");
	expect_digest(7, secret, &challenge,
		"cd60dba30bd51300bfa317bf304074b52d351c650cfc12929576e7ad084136"
		"bd");
}

static void
refuses_what_is_too_long_or_no_digest(void **state)
{
	unsigned char digest[ISCSI_CHAP_DIGEST_MAX];
	struct iscsi_chap_challenge challenge;
	char secret[ISCSI_AUTH_SIZE + 1];

	fill(&challenge, 0, 16, 0, 1);
	assert_int_equal(iscsi_chap_digest(4, "x", &challenge, digest), 0);
	assert_int_equal(iscsi_chap_digest(8, "x", &challenge, digest), 0);
	memset(secret, 's', sizeof(secret));
	secret[sizeof(secret) - 1] = '\0';
	assert_int_equal(iscsi_chap_digest(5, secret, &challenge, digest), 0);
	challenge.len = ISCSI_CHAP_CHALLENGE_MAX + 1;
	assert_int_equal(iscsi_chap_digest(5, "x", &challenge, digest), 0);
}

/*
 * Whether a string is left in what the stack held last. Each bit of it is given
 * inverted, so that looking for it does not put it there.
 */
__attribute__((noinline, no_sanitize("address", "undefined"))) static bool
is_on_stack(const unsigned char *inverted, size_t len)
{
	const volatile unsigned char *end = __builtin_frame_address(0);

	for (const volatile unsigned char *at = end - STACK_MAX; at < end;
		at++) {
		size_t equal = 0;

		while (equal < len && (at[equal] ^ inverted[equal]) == 0xff)
			equal++;
		if (equal == len)
			return true;
	}
	return false;
}

static void
leaves_no_secret_on_the_stack(void **state)
{
	static const char secret[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	static struct iscsi_chap_challenge challenge;
	static unsigned char digest[ISCSI_CHAP_DIGEST_MAX];
	unsigned char inverted[8];

	for (size_t i = 0; i < sizeof(inverted); i++)
		inverted[i] = (unsigned char)~secret[8 + i];
	fill(&challenge, 0, 16, 0, 1);
	for (unsigned algorithm = 5; algorithm <= 7; algorithm++) {
		(void)iscsi_chap_digest(algorithm, secret, &challenge, digest);
		assert_false(is_on_stack(inverted, sizeof(inverted)));
	}
}

/* What a target says in answer to CHAP_A; a key is left out for NULL. */
static int
answer(const struct iscsi_auth *auth, const char *choice, const char *id,
	const char *bytes, struct iscsi_text *out, struct err *err)
{
	struct iscsi_chap chap;
	struct iscsi_text in;

	iscsi_text_init(&in);
	iscsi_text_init(out);
	memset(err, 0, sizeof(*err));
	if (choice)
		iscsi_text_put(&in, "CHAP_A", choice);
	if (id)
		iscsi_text_put(&in, "CHAP_I", id);
	if (bytes)
		iscsi_text_put(&in, "CHAP_C", bytes);
	return iscsi_chap_answer(&chap, auth, &in, out, err);
}

#define CHALLENGE "0x000102030405060708090a0b0c0d0e0f"

static void
proves_who_this_host_is(void **state)
{
	static const char *const challenges[] = {CHALLENGE,
		"0X000102030405060708090A0B0C0D0E0F",
		"0bAAECAwQFBgcICQoLDA0ODw=="};
	static const char *const ids[] = {"23", "0x17", "023"};
	struct iscsi_text out;
	struct err err;

	for (size_t i = 0; i < ARRAY_SIZE(challenges); i++) {
		assert_int_equal(answer(&one_way, "5", ids[i], challenges[i],
					 &out, &err),
			0);
		assert_string_equal(iscsi_text_get(&out, "CHAP_N"), "host");
		assert_string_equal(iscsi_text_get(&out, "CHAP_R"),
			"0x290a87e713fa210de30dab3caab0ddb6");
		assert_null(iscsi_text_get(&out, "CHAP_C"));
		assert_null(iscsi_text_get(&out, "CHAP_I"));
	}
}

static void
asks_for_proof_with_a_challenge_that_is_new_each_time(void **state)
{
	static const struct {
		const char *choice;
		size_t len;
	} cases[] = {{"5", 16}, {"6", 20}, {"7", 32}};
	char last[2 * ISCSI_CHAP_DIGEST_MAX + 3] = "";
	struct iscsi_text out;
	struct err err;

	for (size_t i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
		size_t len = cases[i / 2].len;
		unsigned char bytes[ISCSI_CHAP_DIGEST_MAX];
		const char *value;
		size_t got;

		assert_int_equal(answer(&mutual, cases[i / 2].choice, "0",
					 CHALLENGE, &out, &err),
			0);
		value = iscsi_text_get(&out, "CHAP_C");
		assert_non_null(iscsi_text_get(&out, "CHAP_I"));
		assert_true(
			iscsi_text_binary(value, bytes, sizeof(bytes), &got));
		assert_int_equal(got, len);
		assert_string_not_equal(value, last);
		(void)snprintf(last, sizeof(last), "%s", value);
	}
}

static void
expect_no_answer(const char *choice, const char *id, const char *bytes,
	enum err_code code, const char *text)
{
	struct iscsi_text out;
	struct err err;
	int rc = answer(&one_way, choice, id, bytes, &out, &err);

	assert_true(rc < 0);
	assert_int_equal(rc, -err.errnum);
	assert_string_equal(err_slug(err.code), err_slug(code));
	assert_non_null(strstr(err.text, text));
	assert_int_equal(out.len, 0);
	if (code == ERR_LOGIN_FAILED)
		assert_int_equal(rc, -EPROTO);
}

static void
refuses_a_digest_that_it_did_not_offer(void **state)
{
	static const char *const choices[] = {
		"8", "0", "4", "Reject", "", "5,6", "0x105"};

	for (size_t i = 0; i < ARRAY_SIZE(choices); i++)
		expect_no_answer(choices[i], "0", CHALLENGE, ERR_AUTH_FAILED,
			"none of the digests MD5, SHA1 and SHA-256");
}

static void
refuses_half_a_challenge(void **state)
{
	expect_no_answer(NULL, "0", CHALLENGE, ERR_LOGIN_FAILED, "CHAP_A");
	expect_no_answer("5", NULL, CHALLENGE, ERR_LOGIN_FAILED, "CHAP_I");
	expect_no_answer("5", "0", NULL, ERR_LOGIN_FAILED, "CHAP_C");
}

static void
refuses_an_identifier_that_is_no_byte(void **state)
{
	static const char *const ids[] = {"", "256", "-1", "0x100", "1 ", "x"};

	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		expect_no_answer(
			"5", ids[i], CHALLENGE, ERR_LOGIN_FAILED, "CHAP_I");
}

static void
refuses_a_challenge_that_is_empty_or_too_long(void **state)
{
	char value[2 * ISCSI_CHAP_CHALLENGE_MAX + 5] = "0x";
	struct iscsi_text out;
	struct err err;

	expect_no_answer("5", "0", "", ERR_LOGIN_FAILED, "CHAP_C");
	expect_no_answer("5", "0", "0x", ERR_LOGIN_FAILED, "CHAP_C");
	expect_no_answer("5", "0", "0b", ERR_LOGIN_FAILED, "CHAP_C");
	expect_no_answer("5", "0", "Reject", ERR_LOGIN_FAILED, "CHAP_C");
	memset(value + 2, 'a', 2 * ISCSI_CHAP_CHALLENGE_MAX);
	assert_int_equal(answer(&one_way, "5", "0", value, &out, &err), 0);
	strcat(value, "aa");
	expect_no_answer("5", "0", value, ERR_LOGIN_FAILED, "CHAP_C");
}

/* Checks an answer to the challenge 0x40, 0x41...; NULL leaves a key out. */
static int
check(unsigned algorithm, const char *name, const char *response,
	const char *challenge, struct err *err)
{
	struct iscsi_chap chap = {.auth = &mutual, .algorithm = algorithm};
	struct iscsi_text in;

	fill(&chap.ours, 200,
		algorithm == 5	 ? 16
		: algorithm == 6 ? 20
				 : 32,
		0x40, 1);
	iscsi_text_init(&in);
	memset(err, 0, sizeof(*err));
	if (name)
		iscsi_text_put(&in, "CHAP_N", name);
	if (response)
		iscsi_text_put(&in, "CHAP_R", response);
	if (challenge)
		iscsi_text_put(&in, "CHAP_C", challenge);
	return iscsi_chap_check(&chap, &in, err);
}

#define PROOF_MD5 "0xe05e827fd0166456a4d4e95bfa74aa7e"

static void
believes_a_target_that_proves_who_it_is(void **state)
{
	struct err err;

	assert_int_equal(check(5, "target", PROOF_MD5, NULL, &err), 0);
	assert_int_equal(
		check(5, "target", "0b4F6Cf9AWZFak1Olb+nSqfg==", NULL, &err),
		0);
	assert_int_equal(
		check(6, "target", "0x60f366ccff3037f33b284efb68e49c4d2904794e",
			NULL, &err),
		0);
	assert_int_equal(
		check(7, "target",
			"0x8fca87d527ba07c22b1a0832de6253b45fe677b3f4ae345f8a9b"
			"99e6c2f25358",
			NULL, &err),
		0);
}

static void
expect_no_proof(unsigned algorithm, const char *name, const char *response,
	const char *challenge, const char *text)
{
	struct err err;
	int rc = check(algorithm, name, response, challenge, &err);

	assert_int_equal(rc, -EKEYREJECTED);
	assert_int_equal(err.errnum, EKEYREJECTED);
	assert_string_equal(err_slug(err.code), err_slug(ERR_AUTH_FAILED));
	assert_non_null(strstr(err.text, text));
}

static void
refuses_a_wrong_proof(void **state)
{
	static const char *const responses[] = {
		"0xe05e827fd0166456a4d4e95bfa74aa7f",
		"0xe05e827fd0166456a4d4e95bfa74aa",
		"0xe05e827fd0166456a4d4e95bfa74aa7e00",
		"0x00e05e827fd0166456a4d4e95bfa74aa7e", "0xe0", "0x00"};

	for (size_t i = 0; i < ARRAY_SIZE(responses); i++)
		expect_no_proof(
			5, "target", responses[i], NULL, "(password_in)");
	expect_no_proof(6, "target", PROOF_MD5, NULL, "(password_in)");
}

static void
refuses_no_proof_at_all(void **state)
{
	expect_no_proof(5, "target", NULL, NULL, "did not prove who it is");
	expect_no_proof(5, NULL, PROOF_MD5, NULL, "did not prove who it is");
	expect_no_proof(5, NULL, NULL, NULL, "did not prove who it is");
}

static void
refuses_another_user_name(void **state)
{
	expect_no_proof(5, "Target", PROOF_MD5, NULL, "(username_in)");
	expect_no_proof(5, "", PROOF_MD5, NULL, "(username_in)");
	expect_no_proof(5, "host", PROOF_MD5, NULL, "(username_in)");
}

static void
refuses_a_proof_with_the_password_of_this_host(void **state)
{
	expect_no_proof(5, "target", "0xffa881a4e143089f8c35d5ee6d86d3be", NULL,
		"the initiator's password in place of its own");
	expect_no_proof(6, "target",
		"0x14972f3e45b6682a33869cd9015d3e5b5fc65fd0", NULL,
		"the initiator's password in place of its own");
}

static void
refuses_its_own_challenge_back(void **state)
{
	expect_no_proof(5, "target", PROOF_MD5,
		"0x404142434445464748494a4b4c4d4e4f",
		"the initiator's own challenge");
	expect_no_proof(5, NULL, NULL,
		"0bQEFCQ0RFRkdISUpLTE1OTw==", "the initiator's own challenge");
}

static void
refuses_a_proof_that_is_no_binary_constant(void **state)
{
	static const char *const responses[] = {
		"", "0x", "0xzz", "e05e", "0b=", "Reject"};
	struct err err;

	for (size_t i = 0; i < ARRAY_SIZE(responses); i++) {
		assert_int_equal(
			check(5, "target", responses[i], NULL, &err), -EPROTO);
		assert_int_equal(err.code, ERR_LOGIN_FAILED);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(works_out_the_digests_that_others_do),
		cmocka_unit_test(takes_the_shortest_and_the_longest),
		cmocka_unit_test(refuses_what_is_too_long_or_no_digest),
		cmocka_unit_test(leaves_no_secret_on_the_stack),
		cmocka_unit_test(proves_who_this_host_is),
		cmocka_unit_test(
			asks_for_proof_with_a_challenge_that_is_new_each_time),
		cmocka_unit_test(refuses_a_digest_that_it_did_not_offer),
		cmocka_unit_test(refuses_half_a_challenge),
		cmocka_unit_test(refuses_an_identifier_that_is_no_byte),
		cmocka_unit_test(refuses_a_challenge_that_is_empty_or_too_long),
		cmocka_unit_test(believes_a_target_that_proves_who_it_is),
		cmocka_unit_test(refuses_a_wrong_proof),
		cmocka_unit_test(refuses_no_proof_at_all),
		cmocka_unit_test(refuses_another_user_name),
		cmocka_unit_test(
			refuses_a_proof_with_the_password_of_this_host),
		cmocka_unit_test(refuses_its_own_challenge_back),
		cmocka_unit_test(refuses_a_proof_that_is_no_binary_constant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
