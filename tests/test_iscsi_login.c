/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_iscsi_login.c - whom the trial login finds to be let in, and why not.
 *
 * Runs in: the build; the target is a forked child on the loopback address.
 * Invariant: no test waits longer than its short timeout.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/iscsi_trial.h"

static void
is_let_in_without_authentication(void **state)
{
	struct seen seen = expect_success(&no_auth, NULL);

	assert_int_equal(seen.requests, 1);
	assert_string_equal(seen.first, "InitiatorName=" INITIATOR "\n"
					"TargetName=" TARGET "\n"
					"SessionType=Normal\n"
					"AuthMethod=None\n");
}

static void
takes_empty_credentials_for_none(void **state)
{
	struct iscsi_auth empty = {.username = ""};

	assert_string_equal(expect_success(&no_auth, &empty).offer, "None");
}

static void
takes_a_target_that_names_no_method_for_one_without(void **state)
{
	struct script script = {.tpgt = "1"};
	struct seen seen;

	(void)expect_success(&script, NULL);
	seen = expect_success(&script, &one_way);
	assert_int_equal(seen.requests, 1);
	assert_int_equal(seen.proofs, 0);
}

static void
is_let_in_with_chap(void **state)
{
	struct seen seen = expect_success(&chap, &one_way);

	assert_int_equal(seen.requests, 3);
	assert_string_equal(seen.offer, "CHAP,None");
	assert_string_equal(seen.algorithms, "5,6,7");
	assert_string_equal(seen.user, "host");
}

static void
knows_all_three_digests(void **state)
{
	static const struct {
		const char *choice;
		const char *response;
	} cases[] = {
		{"5", RESPONSE},
		{"6", "0x4e99c04e6043db0f5dcd5d0e4c2c35c3423a5086"},
		{"7", "0xff430b195e972360a39098a689af4fc6e32f2ce0d66442d12871a2"
		      "7816a40698"},
		{"0x7", "0xff430b195e972360a39098a689af4fc6e32f2ce0d66442d12871"
			"a27816a40698"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct script script = mutual_chap;

		script.choice = cases[i].choice;
		script.response = cases[i].response;
		(void)expect_success(&script, &one_way);
		(void)expect_success(&script, &mutual);
	}
}

static void
takes_a_challenge_in_base64(void **state)
{
	struct script script = chap;

	script.challenge = "0bAAECAwQFBgcICQoLDA0ODw==";
	(void)expect_success(&script, &one_way);
}

static void
is_let_in_with_mutual_chap(void **state)
{
	struct seen seen = expect_success(&mutual_chap, &mutual);

	assert_string_equal(seen.offer, "CHAP");
	assert_int_equal(seen.proofs, 1);
}

static void
asks_for_no_proof_that_it_cannot_check(void **state)
{
	assert_int_equal(expect_success(&mutual_chap, &one_way).challenges, 0);
	assert_int_equal(expect_success(&mutual_chap, &mutual).challenges, 1);
}

static void
takes_no_authentication_where_it_is_offered(void **state)
{
	struct seen seen = expect_success(&no_auth, &one_way);

	assert_int_equal(seen.proofs, 0);
}

static void
has_another_isid_each_time(void **state)
{
	struct fake fake = fake_start(&no_auth);
	unsigned char last[6] = {0};
	struct err err;

	for (int i = 0; i < 4; i++) {
		assert_int_equal(ask_port(fake.port, NULL, AMPLE_MS, &err), 0);
		assert_memory_not_equal(fake.seen->isid, last, sizeof(last));
		memcpy(last, fake.seen->isid, sizeof(last));
	}
	fake_stop(&fake);
}

static void
says_that_the_password_is_wrong(void **state)
{
	struct iscsi_auth wrong = one_way;
	struct seen seen;

	strcpy(wrong.password, "a secret of this hosT");
	seen = expect_error(&chap, &wrong, AMPLE_MS, ERR_AUTH_FAILED,
		"did not accept the user name and the password");
	assert_int_equal(seen.proofs, 1);
}

static void
says_that_credentials_are_demanded(void **state)
{
	struct seen seen = expect_error(&chap, NULL, AMPLE_MS, ERR_AUTH_FAILED,
		"the target demands authentication: give a user name and a "
		"password for CHAP");
	struct script script = no_auth;

	assert_int_equal(seen.connections, 1);
	script.status = 0x0201;
	(void)expect_error(&script, NULL, AMPLE_MS, ERR_AUTH_FAILED,
		"demands authentication");
	script = no_auth;
	script.method = "Reject";
	(void)expect_error(&script, NULL, AMPLE_MS, ERR_AUTH_FAILED,
		"demands authentication");
}

/* As a Linux target does when it takes none of the methods offered. */
static void
finds_out_why_a_target_hangs_up(void **state)
{
	struct script script = chap;
	struct seen seen;

	script.is_picky = true;
	seen = expect_error(&script, NULL, AMPLE_MS, ERR_AUTH_FAILED,
		"demands authentication");
	assert_int_equal(seen.connections, 2);
	script.method = "None";
	seen = expect_error(&script, &mutual, AMPLE_MS, ERR_AUTH_FAILED,
		"did not prove who it is: it does not do CHAP");
	assert_int_equal(seen.connections, 2);
	assert_int_equal(seen.proofs, 0);
	script.status = 0x0201;
	(void)expect_error(&script, &mutual, AMPLE_MS, ERR_AUTH_FAILED,
		"does not do CHAP");
	/* what it says to the second try is of no use */
	script.status = 0x0301;
	(void)expect_error(&script, &mutual, AMPLE_MS, ERR_UNREACHABLE,
		"closed the connection instead of answering the login request");
}

static void
says_that_a_target_without_authentication_fails_iscsid(void **state)
{
	struct script script = with_fault(&chap, GRANTS_UNASKED, 1);
	struct seen seen = expect_error(&script, &one_way, AMPLE_MS,
		ERR_AUTH_FAILED, "give no user name and no password");

	assert_int_equal(seen.proofs, 0);
}

static void
wants_proof_when_it_has_the_means_to_check_it(void **state)
{
	struct seen seen = expect_error(&no_auth, &mutual, AMPLE_MS,
		ERR_AUTH_FAILED, "did not prove who it is");
	struct script nameless = {.tpgt = "1"};

	assert_int_equal(seen.proofs, 0);
	(void)expect_error(&nameless, &mutual, AMPLE_MS, ERR_AUTH_FAILED,
		"did not prove who it is");
	(void)expect_error(&chap, &mutual, AMPLE_MS, ERR_AUTH_FAILED,
		"did not prove who it is, as mutual CHAP wants it");
}

static void
says_that_a_target_does_no_chap(void **state)
{
	static const char *const methods[] = {"Reject", "KRB5", "chap", ""};
	struct script script = no_auth;

	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		script.method = methods[i];
		(void)expect_error(&script, &one_way, AMPLE_MS, ERR_AUTH_FAILED,
			"the target does not do CHAP");
	}
}

static void
refuses_a_target_that_proves_itself_wrongly(void **state)
{
	struct script script = mutual_chap;

	script.password_in = "a secret of the targeT";
	(void)expect_error(&script, &mutual, AMPLE_MS, ERR_AUTH_FAILED,
		"does not know the password expected of it");
	script.password_in = "a secret of this host";
	(void)expect_error(&script, &mutual, AMPLE_MS, ERR_AUTH_FAILED,
		"used the initiator's password");
	script.password_in = mutual_chap.password_in;
	script.name_in = "another";
	(void)expect_error(&script, &mutual, AMPLE_MS, ERR_AUTH_FAILED,
		"another user name");
	script.name_in = NULL;
	(void)expect_error(&script, &mutual, AMPLE_MS, ERR_AUTH_FAILED,
		"did not prove who it is");
}

static void
refuses_its_own_challenge_or_response_back(void **state)
{
	struct script script = with_fault(&mutual_chap, REFLECTS, 0);

	(void)expect_error(&script, &mutual, AMPLE_MS, ERR_AUTH_FAILED,
		"sent the initiator's own challenge back");
	script.fault = ECHOES;
	(void)expect_error(&script, &mutual, AMPLE_MS, ERR_AUTH_FAILED,
		"does not know the password expected of it");
}

static void
refuses_credentials_before_it_connects(void **state)
{
	static const struct {
		struct iscsi_auth auth;
		enum err_code code;
	} cases[] = {
		{{.username = "host"}, ERR_BAD_OPTION},
		{{.password = "a secret of this host"}, ERR_BAD_OPTION},
		{{.username_in = "target", .password_in = "another secret"},
			ERR_BAD_OPTION},
		{{.username = "host",
			 .password = "a secret of this host",
			 .username_in = "target"},
			ERR_BAD_OPTION},
		{{.username = "host",
			 .password = "a secret of this host",
			 .password_in = "another secret"},
			ERR_BAD_OPTION},
		{{.username = "host",
			 .password = "a secret of this host",
			 .username_in = "target",
			 .password_in = "a secret of this host"},
			ERR_AUTH_FAILED},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct seen seen = expect_error(&mutual_chap, &cases[i].auth,
			AMPLE_MS, cases[i].code, "CHAP needs");

		assert_int_equal(seen.connections, 0);
	}
}

static void
takes_short_secrets(void **state)
{
	struct script script = mutual_chap;
	struct iscsi_auth auth = mutual;

	strcpy(auth.password, "x");
	strcpy(auth.password_in, "y");
	script.response = NULL;
	script.password_in = "y";
	(void)expect_success(&script, &auth);
}

static void
gives_each_status_its_code(void **state)
{
	static const struct {
		unsigned status;
		enum err_code code;
		const char *text;
	} cases[] = {
		{0x0202, ERR_ACCESS_DENIED,
			"does not let " INITIATOR " in, as this host is named "
			"in /etc/iscsi/initiatorname.iscsi: add it to the "
			"target's ACL"},
		{0x0203, ERR_NOT_FOUND, "no target " TARGET},
		{0x0204, ERR_NOT_FOUND, TARGET " was removed"},
		{0x0200, ERR_LOGIN_FAILED, "0x0200"},
		{0x0205, ERR_LOGIN_FAILED, "0x0205"},
		{0x020b, ERR_LOGIN_FAILED, "0x020b"},
		{0x02ff, ERR_LOGIN_FAILED, "0x02ff"},
		{0x0300, ERR_UNREACHABLE,
			"cannot serve now (login status 0x03"
			"00)"},
		{0x0301, ERR_UNREACHABLE,
			"does not serve " TARGET " now (login status 0x0301): "
			"is it enabled there, and is the name right?"},
		{0x0302, ERR_UNREACHABLE, "0x0302"},
		{0x0103, ERR_LOGIN_FAILED, "0x0103"},
		{0x0001, ERR_LOGIN_FAILED, "0x0001"},
		{0x0400, ERR_LOGIN_FAILED, "0x0400"},
		{0xffff, ERR_LOGIN_FAILED, "0xffff"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct script script = chap;

		script.status = cases[i].status;
		for (script.at = 1; script.at <= 3; script.at++)
			(void)expect_error(&script, &one_way, AMPLE_MS,
				cases[i].code, cases[i].text);
		script = no_auth;
		script.status = cases[i].status;
		(void)expect_error(
			&script, NULL, AMPLE_MS, cases[i].code, cases[i].text);
	}
}

static void
says_when_the_target_refused_the_credentials(void **state)
{
	struct script script = chap;

	script.status = 0x0201;
	for (script.at = 1; script.at <= 2; script.at++)
		(void)expect_error(&script, &one_way, AMPLE_MS, ERR_AUTH_FAILED,
			"refused CHAP before it saw any proof: does it have a "
			"user name and a password for " INITIATOR "?");
	(void)expect_error(&script, &one_way, AMPLE_MS, ERR_AUTH_FAILED,
		"did not accept the user name and the password");
}

static void
is_content_with_a_redirection(void **state)
{
	struct script script = chap;
	struct seen seen;

	script.at = 1;
	script.extra = "TargetAddress=192.0.2.1:3260,1";
	script.extra_len = strlen(script.extra) + 1;
	for (script.status = 0x0101; script.status <= 0x0102; script.status++) {
		seen = expect_success(&script, &one_way);
		assert_int_equal(seen.requests, 1);
		(void)expect_success(&script, NULL);
	}
}

static void
compares_the_portal_group(void **state)
{
	struct script script = no_auth;

	script.tpgt = "0x1";
	(void)expect_success(&script, NULL);
	script.tpgt = NULL;
	(void)expect_success(&script, NULL);
	script.tpgt = "3";
	(void)expect_error(&script, NULL, AMPLE_MS, ERR_LOGIN_FAILED,
		"the portal belongs to group 3: write tpgt=3");
	script = chap;
	script.tpgt = "65535";
	(void)expect_error(&script, &one_way, AMPLE_MS, ERR_LOGIN_FAILED,
		"write tpgt=65535");
}

static void
refuses_an_address_that_is_not_ip(void **state)
{
	const struct sockaddr address = {.sa_family = AF_UNIX};
	struct iscsi_trial trial = {
		.address = &address,
		.address_len = sizeof(address),
		.target = TARGET,
		.initiator = INITIATOR,
		.timeout_ms = AMPLE_MS,
	};
	struct err err;

	assert_int_equal(iscsi_login_try(&trial, &err), -EINVAL);
	assert_int_equal(err.code, ERR_BAD_OPTION);
}

static void
refuses_names_that_are_empty_or_too_long(void **state)
{
	char name[225];
	const struct sockaddr_in address = {.sin_family = AF_INET};
	struct iscsi_trial trial = {
		.address = (const struct sockaddr *)&address,
		.address_len = sizeof(address),
		.target = "",
		.initiator = INITIATOR,
		.timeout_ms = AMPLE_MS,
	};
	struct err err;

	memset(name, 'n', sizeof(name));
	name[224] = '\0';
	assert_int_equal(iscsi_login_try(&trial, &err), -EINVAL);
	assert_int_equal(err.code, ERR_BAD_OPTION);
	trial.target = name;
	assert_int_equal(iscsi_login_try(&trial, &err), -EINVAL);
	trial.target = TARGET;
	trial.initiator = name;
	assert_int_equal(iscsi_login_try(&trial, &err), -EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_let_in_without_authentication),
		cmocka_unit_test(takes_empty_credentials_for_none),
		cmocka_unit_test(
			takes_a_target_that_names_no_method_for_one_without),
		cmocka_unit_test(is_let_in_with_chap),
		cmocka_unit_test(knows_all_three_digests),
		cmocka_unit_test(takes_a_challenge_in_base64),
		cmocka_unit_test(is_let_in_with_mutual_chap),
		cmocka_unit_test(asks_for_no_proof_that_it_cannot_check),
		cmocka_unit_test(takes_no_authentication_where_it_is_offered),
		cmocka_unit_test(has_another_isid_each_time),
		cmocka_unit_test(says_that_the_password_is_wrong),
		cmocka_unit_test(says_that_credentials_are_demanded),
		cmocka_unit_test(finds_out_why_a_target_hangs_up),
		cmocka_unit_test(
			says_that_a_target_without_authentication_fails_iscsid),
		cmocka_unit_test(wants_proof_when_it_has_the_means_to_check_it),
		cmocka_unit_test(says_that_a_target_does_no_chap),
		cmocka_unit_test(refuses_a_target_that_proves_itself_wrongly),
		cmocka_unit_test(refuses_its_own_challenge_or_response_back),
		cmocka_unit_test(refuses_credentials_before_it_connects),
		cmocka_unit_test(takes_short_secrets),
		cmocka_unit_test(gives_each_status_its_code),
		cmocka_unit_test(says_when_the_target_refused_the_credentials),
		cmocka_unit_test(is_content_with_a_redirection),
		cmocka_unit_test(compares_the_portal_group),
		cmocka_unit_test(refuses_an_address_that_is_not_ip),
		cmocka_unit_test(refuses_names_that_are_empty_or_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
