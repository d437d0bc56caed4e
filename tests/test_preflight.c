/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_preflight.c - the NFS pre-flight against a server that plays a script.
 *
 * Runs in: the build; the server is a forked child on the loopback address. A
 *          network namespace of its own, where one may be had, lends port 111.
 * Invariant: no test waits longer than its short timeout.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>

#include "common/clock.h"
#include "common/guard.h"
#include "tests/fake_nfs_server.h"
#include "worker/preflight.h"
#include "worker/preflight_mountd.h"
#include "worker/xdr.h"

enum {
	SHORT_MS = 100,	  /* for what is meant to time out */
	AMPLE_MS = 10000, /* for what is not */
	GARBAGE_ROUNDS = 500,
	MUTATION_ROUNDS = 500,
};

static const struct script all_versions = {
	.has_v3 = true, .has_v4 = true, .minors = 7};

static bool has_own_network;

/* mountd answers at the same port as the rest, unless rpcbind is asked. */
static int
ask_port(uint16_t port, uint16_t mountport, const char *wanted, int timeout_ms,
	struct preflight_result *ret_result, struct err *err)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	memset(err, 0, sizeof(*err));
	return preflight_nfs((const struct sockaddr *)&address, sizeof(address),
		wanted, mountport, timeout_ms, ret_result, err);
}

static void
expect_version(
	const struct script *script, const char *wanted, int major, int minor)
{
	struct fake fake = fake_start(script);
	struct preflight_result result = {.major = -1};
	struct err err;
	int rc =
		ask_port(fake.port, fake.port, wanted, AMPLE_MS, &result, &err);

	fake_stop(&fake);
	assert_string_equal(err.text, "");
	assert_int_equal(rc, 0);
	assert_int_equal(result.major, major);
	assert_int_equal(result.minor, minor);
	assert_in_range(result.latency_us, 1, AMPLE_MS * US_PER_MS);
}

static void
expect_error(const struct script *script, const char *wanted, int timeout_ms,
	enum err_code code, const char *text)
{
	struct fake fake = fake_start(script);
	struct preflight_result result = {.major = -1};
	uint64_t start_us = clock_boot_us();
	struct err err;
	int rc = ask_port(
		fake.port, fake.port, wanted, timeout_ms, &result, &err);
	uint64_t took_us = clock_boot_us() - start_us;

	fake_stop(&fake);
	assert_string_equal(err_slug(err.code), err_slug(code));
	assert_non_null(strstr(err.text, text));
	assert_int_equal(rc, -err.errnum);
	assert_true(rc < 0);
	assert_int_equal(result.major, -1);
	assert_true(took_us < AMPLE_MS * US_PER_MS / 2);
	if (code == ERR_TIMED_OUT)
		assert_true(took_us >= (uint64_t)timeout_ms * US_PER_MS);
}

static void
takes_the_highest_version_offered(void **state)
{
	expect_version(&all_versions, NULL, 4, 2);
}

static void
goes_down_to_4_1_on_a_minor_version_mismatch(void **state)
{
	struct script script = {.has_v3 = true, .has_v4 = true, .minors = 3};

	expect_version(&script, NULL, 4, 1);
	expect_version(&script, "4", 4, 1);
}

static void
goes_down_to_4_0_when_no_other_minor_version_is_there(void **state)
{
	struct script script = {.has_v3 = true, .has_v4 = true, .minors = 1};

	expect_version(&script, NULL, 4, 0);
}

static void
goes_down_to_3_on_a_program_mismatch(void **state)
{
	expect_version(&(struct script){.has_v3 = true}, NULL, 3, 0);
}

static void
goes_down_to_3_when_version_4_has_no_minor_version(void **state)
{
	struct script script = {.has_v3 = true, .has_v4 = true};

	expect_version(&script, NULL, 3, 0);
}

static void
takes_the_version_that_is_wanted(void **state)
{
	expect_version(&all_versions, "4.2", 4, 2);
	expect_version(&all_versions, "4.1", 4, 1);
	expect_version(&all_versions, "4.0", 4, 0);
	expect_version(&all_versions, "3", 3, 0);
}

static void
says_which_versions_are_offered_when_the_wanted_one_is_not(void **state)
{
	struct script script = {.has_v3 = true, .has_v4 = true, .minors = 3};

	expect_error(&script, "4.2", AMPLE_MS, ERR_UNSUPPORTED,
		"does not offer NFS 4.2; it offers 4.1, 4.0, 3");
	script = (struct script){.has_v4 = true, .minors = 4};
	expect_error(&script, "3", AMPLE_MS, ERR_UNSUPPORTED,
		"does not offer NFS 3; it offers 4.2");
	script = (struct script){.has_v3 = true};
	expect_error(&script, "4", AMPLE_MS, ERR_UNSUPPORTED,
		"does not offer NFS 4; it offers 3");
}

static void
says_that_a_server_offers_nothing(void **state)
{
	struct script script = {.has_v3 = false};

	expect_error(&script, NULL, AMPLE_MS, ERR_UNSUPPORTED, "offers none");
	expect_error(&script, "4.1", AMPLE_MS, ERR_UNSUPPORTED,
		"it offers no version that holdfast knows");
}

static void
refuses_a_version_it_does_not_know(void **state)
{
	expect_error(&all_versions, "4.3", AMPLE_MS, ERR_BAD_OPTION, "\"4.3\"");
	expect_error(&all_versions, "", AMPLE_MS, ERR_BAD_OPTION, "\"\"");
}

static void
refuses_an_address_that_is_not_ip(void **state)
{
	const struct sockaddr address = {.sa_family = AF_UNIX};
	struct preflight_result result;
	struct err err;

	assert_int_equal(preflight_nfs(&address, sizeof(address), NULL, 0,
				 AMPLE_MS, &result, &err),
		-EINVAL);
	assert_int_equal(err.code, ERR_BAD_OPTION);
}

static void
leaves_no_client_id_on_the_server(void **state)
{
	struct fake fake = fake_start(&all_versions);
	struct preflight_result result;
	struct seen seen;
	struct err err;

	for (int i = 0; i < 3; i++)
		assert_int_equal(
			ask_port(fake.port, 0, "4.2", AMPLE_MS, &result, &err),
			0);
	seen = *fake.seen;
	fake_stop(&fake);
	assert_int_equal(seen.exchanges, 3);
	assert_int_equal(seen.destroys, 3);
}

static void
is_the_same_client_each_time(void **state)
{
	struct fake fake = fake_start(&all_versions);
	struct preflight_result result;
	unsigned owners;
	struct err err;

	for (int i = 0; i < 3; i++)
		(void)ask_port(fake.port, 0, "4.1", AMPLE_MS, &result, &err);
	owners = fake.seen->owners;
	fake_stop(&fake);
	assert_int_equal(owners, 1);
}

static void
succeeds_when_only_destroy_clientid_gets_no_answer(void **state)
{
	struct script script = all_versions;
	struct fake fake;
	struct preflight_result result;
	struct err err;
	uint64_t took_us;
	int rc;

	script.fault = IS_SILENT_ON_DESTROY;
	fake = fake_start(&script);
	took_us = clock_boot_us();
	rc = ask_port(fake.port, 0, NULL, 3 * SHORT_MS, &result, &err);
	took_us = clock_boot_us() - took_us;
	fake_stop(&fake);
	assert_int_equal(rc, 0);
	assert_true(took_us < US_PER_SEC); /* the deadline holds here too */
}

static void
expect_fault(enum fault fault, const char *wanted, int timeout_ms,
	enum err_code code, const char *text)
{
	struct script script = all_versions;

	script.fault = fault;
	expect_error(&script, wanted, timeout_ms, code, text);
}

static void
names_null_when_a_server_never_answers(void **state)
{
	expect_fault(IS_SILENT, NULL, SHORT_MS, ERR_TIMED_OUT,
		"accepted the connection but did not answer NULL within 100 "
		"ms");
}

static void
names_exchange_id_when_a_server_hangs_after_null(void **state)
{
	expect_fault(IS_SILENT_AFTER_NULL, NULL, SHORT_MS, ERR_TIMED_OUT,
		"accepted the connection but did not answer EXCHANGE_ID within "
		"100 ms");
}

static void
names_putrootfh_when_a_server_hangs_4_0(void **state)
{
	expect_fault(IS_SILENT_AFTER_NULL, "4.0", SHORT_MS, ERR_TIMED_OUT,
		"did not answer PUTROOTFH within");
}

static void
gives_up_on_a_server_that_sends_a_byte_at_a_time(void **state)
{
	expect_fault(DRIPS, NULL, SHORT_MS, ERR_TIMED_OUT, "NULL");
}

static void
gives_up_on_a_server_that_only_asks_for_patience(void **state)
{
	expect_fault(DELAYS_ALWAYS, NULL, SHORT_MS, ERR_TIMED_OUT,
		"answers EXCHANGE_ID with NFS4ERR_DELAY only");
}

static void
asks_again_when_a_server_asks_for_patience(void **state)
{
	struct script script = all_versions;

	script.fault = DELAYS_TWICE;
	expect_version(&script, NULL, 4, 2);
}

static void
takes_any_other_nfs_status_for_an_answer(void **state)
{
	struct script script = all_versions;

	script.fault = HAS_SERVERFAULT;
	expect_version(&script, NULL, 4, 2);
	expect_version(&script, "4.0", 4, 0);
}

static void
says_that_nothing_listens(void **state)
{
	struct preflight_result result;
	struct err err;
	uint16_t port;

	(void)close(listen_at(0, 1, &port));
	assert_int_equal(ask_port(port, 0, NULL, AMPLE_MS, &result, &err),
		-ECONNREFUSED);
	assert_int_equal(err.code, ERR_UNREACHABLE);
}

static void
gives_up_on_a_connection_that_is_not_accepted(void **state)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct preflight_result result;
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
	rc = ask_port(port, 0, NULL, SHORT_MS, &result, &err);
	for (size_t i = 0; i < ARRAY_SIZE(fillers); i++)
		(void)close(fillers[i]);
	assert_int_equal(rc, -ETIMEDOUT);
	assert_int_equal(err.code, ERR_TIMED_OUT);
	assert_non_null(strstr(err.text, "did not accept a connection within"));
}

static void
says_that_the_server_closed_the_connection(void **state)
{
	static const enum fault faults[] = {
		CLOSES_AT_ONCE, CLOSES_ON_A_CALL, CLOSES_IN_A_REPLY};

	for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
		expect_fault(faults[i], NULL, AMPLE_MS, ERR_UNREACHABLE,
			"closed the connection instead of answering NULL");
}

static void
refuses_a_call_in_place_of_a_reply(void **state)
{
	expect_fault(SENDS_A_CALL, NULL, AMPLE_MS, ERR_IO, "no valid reply");
}

static void
refuses_a_reply_to_another_call(void **state)
{
	expect_fault(SENDS_WRONG_XID, NULL, AMPLE_MS, ERR_IO, "no valid reply");
}

static void
refuses_a_record_that_is_too_long(void **state)
{
	expect_fault(SENDS_LONG_RECORD, NULL, AMPLE_MS, ERR_IO, "NULL");
}

static void
refuses_fragments_without_end(void **state)
{
	expect_fault(SENDS_EMPTY_FRAGMENTS, NULL, AMPLE_MS, ERR_IO, "NULL");
}

static void
refuses_a_reply_with_something_behind_it(void **state)
{
	expect_fault(SENDS_MORE_THAN_THE_REPLY, NULL, AMPLE_MS, ERR_IO, "NULL");
	expect_fault(SENDS_MORE_AFTER_NULL, NULL, AMPLE_MS, ERR_IO,
		"answered EXCHANGE_ID with what is no valid reply");
	expect_fault(
		SENDS_MORE_AFTER_NULL, "4.0", AMPLE_MS, ERR_IO, "PUTROOTFH");
}

static void
puts_fragments_together(void **state)
{
	struct script script = {.has_v3 = true, .fault = SENDS_SMALL_FRAGMENTS};

	expect_version(&script, NULL, 3, 0);
}

static void
says_that_the_credentials_were_rejected(void **state)
{
	expect_fault(DENIES, NULL, AMPLE_MS, ERR_ACCESS_DENIED, "NULL");
	expect_fault(DENIES_AFTER_NULL, NULL, AMPLE_MS, ERR_ACCESS_DENIED,
		"rejected the credentials of EXCHANGE_ID (RPC auth_stat 5)");
}

static void
says_that_a_server_speaks_another_rpc(void **state)
{
	expect_fault(KNOWS_OTHER_RPC_ONLY, NULL, AMPLE_MS, ERR_UNSUPPORTED,
		"RPC version 2");
}

static void
says_that_a_server_has_an_error_of_its_own(void **state)
{
	expect_fault(HAS_SYSTEM_ERROR, NULL, AMPLE_MS, ERR_IO, "system error");
}

static void
refuses_random_garbage(void **state)
{
	struct script script = all_versions;
	struct preflight_result result;
	struct fake fake;
	struct err err;

	script.fault = SENDS_GARBAGE;
	fake = fake_start(&script);
	for (int i = 0; i < GARBAGE_ROUNDS; i++) {
		int rc = ask_port(
			fake.port, fake.port, NULL, AMPLE_MS, &result, &err);

		assert_true(rc < 0);
		assert_int_equal(rc, -err.errnum);
		assert_int_not_equal(err.code, ERR_TIMED_OUT);
	}
	fake_stop(&fake);
}

static void
survives_replies_with_bits_changed(void **state)
{
	struct script script = all_versions;
	struct preflight_result result;
	struct fake fake;
	struct err err;
	int failures = 0;

	script.fault = MUTATES_REPLIES;
	fake = fake_start(&script);
	for (int i = 0; i < MUTATION_ROUNDS; i++) {
		static const char *const wanted[] = {NULL, "4.1", "4.0", "3"};
		int rc = ask_port(fake.port, fake.port, wanted[i % 4], AMPLE_MS,
			&result, &err);

		assert_true(rc == 0 || rc == -err.errnum);
		failures += rc != 0;
	}
	fake_stop(&fake);
	assert_in_range(failures, MUTATION_ROUNDS / 4, MUTATION_ROUNDS - 1);
}

static void
says_that_mountd_cannot_be_reached(void **state)
{
	struct fake fake = fake_start(&all_versions);
	struct preflight_result result;
	struct err err;
	uint16_t port;
	int rc;

	(void)close(listen_at(0, 1, &port));
	rc = ask_port(fake.port, port, "3", AMPLE_MS, &result, &err);
	fake_stop(&fake);
	assert_int_equal(rc, -ECONNREFUSED);
	assert_int_equal(err.code, ERR_UNREACHABLE);
	assert_non_null(strstr(err.text, "mountd"));
}

static int
ask_as_mounted(uint16_t port, struct err *err)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	return preflight_mounted((const struct sockaddr *)&address,
		sizeof(address), NULL, AMPLE_MS, err);
}

static void
does_not_ask_mountd_about_what_is_mounted(void **state)
{
	static const struct script old = {.has_v3 = true, .mountd_port = 1};
	struct fake fake = fake_start(&old);
	struct err err = {0};

	assert_int_equal(ask_as_mounted(fake.port, &err), 0);
	fake_stop(&fake);
	assert_true(ask_as_mounted(fake.port, &err) < 0);
	assert_int_equal(err.code, ERR_UNREACHABLE);
}

static void
names_mountd_when_it_hangs(void **state)
{
	struct script hung = {.fault = IS_SILENT};
	struct fake fake = fake_start(&all_versions);
	struct fake mountd = fake_start(&hung);
	struct preflight_result result;
	struct err err;
	int rc = ask_port(fake.port, mountd.port, "3", SHORT_MS, &result, &err);

	fake_stop(&fake);
	fake_stop(&mountd);
	assert_int_equal(rc, -ETIMEDOUT);
	assert_non_null(strstr(err.text, "mountd"));
}

/* Asks for version 3 with that rpcbind, which knows mountd's port if any. */
static int
ask_with_rpcbind(
	const struct script *rpcbind_script, int timeout_ms, struct err *err)
{
	struct fake fake = fake_start(&all_versions);
	struct script script = {.fault = FAULT_NONE};
	struct preflight_result result;
	struct fake rpcbind;
	int rc;

	if (rpcbind_script) {
		script = *rpcbind_script;
		if (script.mountd_port)
			script.mountd_port = fake.port;
		rpcbind = fake_start_at(&script, 111);
	}
	rc = ask_port(fake.port, 0, "3", timeout_ms, &result, err);
	fake_stop(&fake);
	if (rpcbind_script)
		fake_stop(&rpcbind);
	return rc;
}

static void
asks_rpcbind_for_the_port_of_mountd(void **state)
{
	struct script script = {.mountd_port = 1};
	struct err err;

	if (!has_own_network)
		skip();
	assert_int_equal(ask_with_rpcbind(&script, AMPLE_MS, &err), 0);
}

static void
says_that_rpcbind_knows_no_mountd(void **state)
{
	struct script script = {.mountd_port = 0};
	struct err err;

	if (!has_own_network)
		skip();
	assert_int_equal(
		ask_with_rpcbind(&script, AMPLE_MS, &err), -ECONNREFUSED);
	assert_non_null(strstr(err.text, "knows of no mountd"));
}

static void
names_rpcbind_when_it_hangs(void **state)
{
	struct script script = {.fault = IS_SILENT};
	struct err err;

	if (!has_own_network)
		skip();
	assert_int_equal(ask_with_rpcbind(&script, SHORT_MS, &err), -ETIMEDOUT);
	assert_non_null(strstr(err.text, "rpcbind (port 111)"));
	assert_non_null(strstr(err.text, "GETPORT"));
}

static void
says_that_rpcbind_cannot_be_reached(void **state)
{
	struct err err;

	if (!has_own_network)
		skip();
	assert_int_equal(ask_with_rpcbind(NULL, AMPLE_MS, &err), -ECONNREFUSED);
	assert_int_equal(err.code, ERR_UNREACHABLE);
	assert_non_null(strstr(err.text, "rpcbind (port 111)"));
}

static void
reads_the_port_of_a_universal_address(void **state)
{
	static const struct {
		const char *text;
		uint16_t port;
	} cases[] = {
		{"192.0.2.1.8.1", 2049},
		{"2001:db8::1.8.1", 2049},
		{"::.0.111", 111},
		{"::1.255.255", 65535},
		{"", 0},
		{"1", 0},
		{".8.1", 2049},
		{"8.1", 0},
		{"::1.8.256", 0},
		{"::1.256.1", 0},
		{"::1.0008.1", 0},
		{"::1.8.", 0},
		{"::1.8.1 ", 0},
		{"::1..1", 0},
		{"::1.-8.1", 0},
		{"::1.8.x", 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(preflight_universal_port(
					 cases[i].text, strlen(cases[i].text)),
			cases[i].port);
}

static void
xdr_never_reads_behind_the_end(void **state)
{
	static const unsigned char bytes[] = {
		0, 0, 0, 5, 'h', 'e', 'l', 'l', 'o', 0, 0};
	struct xdr_in in;
	size_t len;

	xdr_in_init(&in, bytes, sizeof(bytes)); /* lacks one byte of padding */
	assert_null(xdr_get_opaque(&in, 100, &len));
	assert_int_equal(len, 0);
	assert_true(in.is_bad);
	assert_int_equal(xdr_get_u32(&in), 0);
	assert_false(xdr_in_is_done(&in));
}

static void
xdr_refuses_an_opaque_above_its_maximum(void **state)
{
	static const unsigned char bytes[] = {0, 0, 0, 4, 1, 2, 3, 4};
	struct xdr_in in;
	size_t len;

	xdr_in_init(&in, bytes, sizeof(bytes));
	assert_null(xdr_get_opaque(&in, 3, &len));
	assert_true(in.is_bad);
}

static void
xdr_never_writes_behind_the_end(void **state)
{
	unsigned char buffer[8] = "1234567";
	struct xdr_out out;

	xdr_out_init(&out, buffer, 6);
	xdr_put_u64(&out, 0);
	assert_true(out.is_full);
	assert_int_equal(out.len, 4);
	assert_string_equal((char *)buffer + 4, "567");
	xdr_put_fixed(&out, "x", 1); /* would fit but for its padding */
	assert_string_equal((char *)buffer + 4, "567");
}

/* Port 111 is free and ours there. Without it four tests are skipped. */
static void
enter_own_network(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	cleanup_close int fd = -1;

	if (unshare(CLONE_NEWNET) < 0 &&
		unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		return;
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		_exit(1); /* no loopback at all would fail every test */
	has_own_network = true;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_the_highest_version_offered),
		cmocka_unit_test(goes_down_to_4_1_on_a_minor_version_mismatch),
		cmocka_unit_test(
			goes_down_to_4_0_when_no_other_minor_version_is_there),
		cmocka_unit_test(goes_down_to_3_on_a_program_mismatch),
		cmocka_unit_test(
			goes_down_to_3_when_version_4_has_no_minor_version),
		cmocka_unit_test(takes_the_version_that_is_wanted),
		cmocka_unit_test(
			says_which_versions_are_offered_when_the_wanted_one_is_not),
		cmocka_unit_test(says_that_a_server_offers_nothing),
		cmocka_unit_test(refuses_a_version_it_does_not_know),
		cmocka_unit_test(refuses_an_address_that_is_not_ip),
		cmocka_unit_test(leaves_no_client_id_on_the_server),
		cmocka_unit_test(is_the_same_client_each_time),
		cmocka_unit_test(
			succeeds_when_only_destroy_clientid_gets_no_answer),
		cmocka_unit_test(names_null_when_a_server_never_answers),
		cmocka_unit_test(
			names_exchange_id_when_a_server_hangs_after_null),
		cmocka_unit_test(names_putrootfh_when_a_server_hangs_4_0),
		cmocka_unit_test(
			gives_up_on_a_server_that_sends_a_byte_at_a_time),
		cmocka_unit_test(
			gives_up_on_a_server_that_only_asks_for_patience),
		cmocka_unit_test(asks_again_when_a_server_asks_for_patience),
		cmocka_unit_test(takes_any_other_nfs_status_for_an_answer),
		cmocka_unit_test(says_that_nothing_listens),
		cmocka_unit_test(gives_up_on_a_connection_that_is_not_accepted),
		cmocka_unit_test(says_that_the_server_closed_the_connection),
		cmocka_unit_test(refuses_a_call_in_place_of_a_reply),
		cmocka_unit_test(refuses_a_reply_to_another_call),
		cmocka_unit_test(refuses_a_record_that_is_too_long),
		cmocka_unit_test(refuses_fragments_without_end),
		cmocka_unit_test(refuses_a_reply_with_something_behind_it),
		cmocka_unit_test(puts_fragments_together),
		cmocka_unit_test(says_that_the_credentials_were_rejected),
		cmocka_unit_test(says_that_a_server_speaks_another_rpc),
		cmocka_unit_test(says_that_a_server_has_an_error_of_its_own),
		cmocka_unit_test(refuses_random_garbage),
		cmocka_unit_test(survives_replies_with_bits_changed),
		cmocka_unit_test(says_that_mountd_cannot_be_reached),
		cmocka_unit_test(does_not_ask_mountd_about_what_is_mounted),
		cmocka_unit_test(names_mountd_when_it_hangs),
		cmocka_unit_test(asks_rpcbind_for_the_port_of_mountd),
		cmocka_unit_test(says_that_rpcbind_knows_no_mountd),
		cmocka_unit_test(names_rpcbind_when_it_hangs),
		cmocka_unit_test(says_that_rpcbind_cannot_be_reached),
		cmocka_unit_test(reads_the_port_of_a_universal_address),
		cmocka_unit_test(xdr_never_reads_behind_the_end),
		cmocka_unit_test(xdr_refuses_an_opaque_above_its_maximum),
		cmocka_unit_test(xdr_never_writes_behind_the_end),
	};

	enter_own_network();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
