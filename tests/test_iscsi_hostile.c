/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_iscsi_hostile.c - the trial login and targets that are slow, odd or bad.
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
#include "worker/iscsi_conn.h"

enum {
	GARBAGE_ROUNDS = 500,
	MUTATION_ROUNDS = 1000,
};

/* Each request of a login with CHAP, and what the texts call it. */
static const char *const steps[] = {
	"the login request",
	"the offer of digests for CHAP",
	"this host's proof for CHAP",
};

static void
gives_up_on_silence_and_names_the_step(void **state)
{
	static const enum fault faults[] = {IS_SILENT, DRIPS, DRIPS_TEXT};
	char text[128];

	for (unsigned i = 0; i < ARRAY_SIZE(steps) * ARRAY_SIZE(faults); i++) {
		struct script script =
			with_fault(&mutual_chap, faults[i / ARRAY_SIZE(steps)],
				i % ARRAY_SIZE(steps) + 1);

		(void)snprintf(text, sizeof(text),
			"accepted the connection but did not answer %s within "
			"100 ms",
			steps[i % ARRAY_SIZE(steps)]);
		(void)expect_error(
			&script, &mutual, SHORT_MS, ERR_TIMED_OUT, text);
	}
}

static void
says_at_which_step_the_connection_was_closed(void **state)
{
	static const enum fault faults[] = {
		CLOSES, CLOSES_IN_HEADER, CLOSES_IN_TEXT, CLOSES_WITHOUT_PAD};
	char text[128];

	for (unsigned i = 0; i < ARRAY_SIZE(steps) * ARRAY_SIZE(faults); i++) {
		struct script script =
			with_fault(&mutual_chap, faults[i / ARRAY_SIZE(steps)],
				i % ARRAY_SIZE(steps) + 1);

		script.extra = "X=1\0Y="; /* no step's text needs no pad then */
		script.extra_len = 6;
		(void)snprintf(text, sizeof(text),
			"closed the connection instead of answering %s",
			steps[i % ARRAY_SIZE(steps)]);
		(void)expect_error(
			&script, &one_way, AMPLE_MS, ERR_UNREACHABLE, text);
	}
}

static void
refuses_answers_that_make_no_sense(void **state)
{
	static const enum fault faults[] = {SENDS_HUGE_LENGTH,
		SENDS_TEXT_TOO_LONG, SENDS_MORE_HEADERS, SENDS_REJECT,
		SENDS_ANOTHER_TASK, SENDS_ANOTHER_VERSION, SENDS_ANOTHER_STAGE,
		GRANTS_FULL_FEATURE, GRANTS_THE_SAME_STAGE,
		GRANTS_AND_CONTINUES, CONTINUES_FOR_EVER,
		CONTINUES_EMPTY_FOR_EVER, CONTINUES_TOO_LONG};
	char text[128];

	for (unsigned i = 0; i < ARRAY_SIZE(steps) * ARRAY_SIZE(faults); i++) {
		struct script script =
			with_fault(&chap, faults[i / ARRAY_SIZE(steps)],
				i % ARRAY_SIZE(steps) + 1);

		(void)snprintf(text, sizeof(text),
			"answered %s with what is no valid login response",
			steps[i % ARRAY_SIZE(steps)]);
		(void)expect_error(
			&script, &one_way, AMPLE_MS, ERR_LOGIN_FAILED, text);
	}
}

static void
refuses_a_transit_that_it_did_not_ask_for(void **state)
{
	struct script script = with_fault(&chap, GRANTS_UNASKED, 2);

	(void)expect_error(&script, &one_way, AMPLE_MS, ERR_LOGIN_FAILED,
		"no valid login response");
	script = with_fault(&mutual_chap, GRANTS_UNASKED, 1);
	(void)expect_error(&script, &mutual, AMPLE_MS, ERR_LOGIN_FAILED,
		"no valid login response");
}

static void
asks_again_for_a_transit_that_comes_late(void **state)
{
	struct script script = with_fault(&no_auth, GRANTS_LATE, 0);

	assert_int_equal(expect_success(&script, NULL).requests, 2);
	script = with_fault(&mutual_chap, GRANTS_LATE, 0);
	assert_int_equal(expect_success(&script, &mutual).requests, 4);
}

static void
gives_up_on_a_target_that_never_grants_a_transit(void **state)
{
	struct script script = with_fault(&chap, NEVER_GRANTS, 0);
	struct seen seen = expect_error(&script, &one_way, AMPLE_MS,
		ERR_LOGIN_FAILED, "that authentication is over");

	assert_int_equal(seen.requests, ISCSI_CONN_EXCHANGES_MAX);
}

static void
puts_a_text_in_pieces_together(void **state)
{
	struct script script = with_fault(&mutual_chap, SENDS_IN_PIECES, 0);

	assert_true(expect_success(&script, &mutual).requests > 9);
	script = with_fault(&no_auth, SENDS_IN_PIECES, 0);
	(void)expect_success(&script, NULL);
}

static void
judges_the_text_of_an_answer(void **state)
{
	static const struct {
		const char *text;
		size_t len;
		bool is_valid;
	} cases[] = {
		{"X-com.example.key=1\0", 20, true},
		{"HeaderDigest=None\0TargetAlias=\xff\x01\0", 34, true},
		{"X-no-end=1", 10, true},
		{"\0\0\0\0", 4, true},
		{"no-equals-sign\0", 15, false},
		{"=1\0", 3, false},
		{"AuthMethod=None\0", 16, false}, /* a second time */
		{"\x1b[31m\0", 6, false},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct script script = no_auth;

		script.extra = cases[i].text;
		script.extra_len = cases[i].len;
		if (cases[i].is_valid)
			(void)expect_success(&script, NULL);
		else
			(void)expect_error(&script, NULL, AMPLE_MS,
				ERR_LOGIN_FAILED, "no valid login response");
	}
}

static void
takes_a_text_as_long_as_it_may_be(void **state)
{
	static char extra[ISCSI_TEXT_MAX];
	const size_t others =
		sizeof("AuthMethod=None") + sizeof("TargetPortalGroupTag=1");
	struct script script = no_auth;

	memset(extra, 'x', sizeof(extra));
	extra[1] = '=';
	script.extra = extra;
	script.extra_len = ISCSI_TEXT_MAX - others;
	(void)expect_success(&script, NULL);
	script.fault = SENDS_IN_PIECES;
	(void)expect_success(&script, NULL);
	script.fault = FAULT_NONE;
	script.extra_len++;
	(void)expect_error(&script, NULL, AMPLE_MS, ERR_LOGIN_FAILED,
		"no valid login response");
	script.fault = SENDS_IN_PIECES;
	(void)expect_error(&script, NULL, AMPLE_MS, ERR_LOGIN_FAILED,
		"no valid login response");
}

static void
refuses_random_garbage(void **state)
{
	struct script script = with_fault(&mutual_chap, SENDS_GARBAGE, 0);
	struct fake fake;
	struct err err;

	for (script.at = 0; script.at <= 3; script.at++) {
		fake = fake_start(&script);
		for (int i = 0; i < GARBAGE_ROUNDS / 4; i++) {
			int rc = ask_port(fake.port, &mutual, AMPLE_MS, &err);

			assert_true(rc < 0);
			assert_int_equal(rc, -err.errnum);
			assert_int_not_equal(err.code, ERR_TIMED_OUT);
		}
		fake_stop(&fake);
	}
}

static void
survives_answers_with_bits_changed(void **state)
{
	struct script script = with_fault(&mutual_chap, MUTATES, 0);
	struct fake fake = fake_start(&script);
	struct err err;
	int failures = 0;

	for (int i = 0; i < MUTATION_ROUNDS; i++) {
		int rc = ask_port(fake.port, &mutual, SHORT_MS, &err);

		assert_true(rc == 0 || rc == -err.errnum);
		failures += rc != 0;
	}
	fake_stop(&fake);
	assert_in_range(failures, MUTATION_ROUNDS / 4, MUTATION_ROUNDS - 1);
}

static void
refuses_a_portal_group_that_is_no_number(void **state)
{
	static const char *const tags[] = {"", "65536", "-1", "x\x1b[31m"};
	struct script script = no_auth;

	for (size_t i = 0; i < ARRAY_SIZE(tags); i++) {
		script.tpgt = tags[i];
		(void)expect_error(&script, NULL, AMPLE_MS, ERR_LOGIN_FAILED,
			"the target's portal group tag makes no sense");
	}
}

static void
refuses_a_challenge_that_makes_no_sense(void **state)
{
	struct script script = chap;

	script.challenge = "Reject";
	(void)expect_error(&script, &one_way, AMPLE_MS, ERR_LOGIN_FAILED,
		"CHAP challenge (CHAP_C)");
	script.challenge = NULL;
	(void)expect_error(&script, &one_way, AMPLE_MS, ERR_LOGIN_FAILED,
		"CHAP challenge (CHAP_C)");
	script.choice = "8";
	(void)expect_error(&script, &one_way, AMPLE_MS, ERR_AUTH_FAILED,
		"none of the digests");
}

static void
says_that_nothing_listens(void **state)
{
	struct err err;
	uint16_t port;

	(void)close(listen_at(0, 1, &port));
	assert_int_equal(ask_port(port, NULL, AMPLE_MS, &err), -ECONNREFUSED);
	assert_int_equal(err.code, ERR_UNREACHABLE);
	assert_string_equal(err.text,
		"the portal refuses connections: is the target's iSCSI service "
		"running?");
}

static void
gives_up_on_a_connection_that_is_not_accepted(void **state)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct err err;
	uint16_t port;
	cleanup_close int fd = listen_at(0, 0, &port);
	int fillers[4];
	int rc;

	address.sin_port = htons(port);
	for (size_t i = 0; i < ARRAY_SIZE(fillers); i++) {
		fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(fillers[i], (struct sockaddr *)&address,
			sizeof(address));
	}
	rc = ask_port(port, NULL, SHORT_MS, &err);
	for (size_t i = 0; i < ARRAY_SIZE(fillers); i++)
		(void)close(fillers[i]);
	assert_int_equal(rc, -ETIMEDOUT);
	assert_int_equal(err.code, ERR_TIMED_OUT);
	assert_string_equal(err.text,
		"the portal did not accept a connection within 100 "
		"ms");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_up_on_silence_and_names_the_step),
		cmocka_unit_test(says_at_which_step_the_connection_was_closed),
		cmocka_unit_test(refuses_answers_that_make_no_sense),
		cmocka_unit_test(refuses_a_transit_that_it_did_not_ask_for),
		cmocka_unit_test(asks_again_for_a_transit_that_comes_late),
		cmocka_unit_test(
			gives_up_on_a_target_that_never_grants_a_transit),
		cmocka_unit_test(puts_a_text_in_pieces_together),
		cmocka_unit_test(judges_the_text_of_an_answer),
		cmocka_unit_test(takes_a_text_as_long_as_it_may_be),
		cmocka_unit_test(refuses_random_garbage),
		cmocka_unit_test(survives_answers_with_bits_changed),
		cmocka_unit_test(refuses_a_portal_group_that_is_no_number),
		cmocka_unit_test(refuses_a_challenge_that_makes_no_sense),
		cmocka_unit_test(says_that_nothing_listens),
		cmocka_unit_test(gives_up_on_a_connection_that_is_not_accepted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
