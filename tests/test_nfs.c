/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_nfs.c - what an NFS worker's child asks before it mounts and unmounts.
 *
 * Runs in: the build, without network: names, servers and mounts are the
 *          test's. Each call leaves a letter: A asked, M mounted, u umount2(2),
 *          l lazily, f aborting what waits, F both.
 */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/guard.h"
#include "worker/backend.h"
#include "worker/lookup.h"
#include "worker/operation.h"
#include "worker/preflight.h"

#define CALLS_MAX 32

enum {
	ADDRESSES = 2
};

static char calls[CALLS_MAX];
static char versions[CALLS_MAX][8]; /* as the pre-flight was asked for them */
static uint16_t asked_port;
static struct uri uri;
static struct backend_target target;
static struct err err;

/* What they answer. */
static int address_count;
static int dead_count; /* of those asked about a mount, from the first */
static enum err_code lookup_error;
static enum err_code server_error;
static int mount_errors[4]; /* of one mount(2) after the other */
static int mount_count;
static int take_down_errors[8];
static int take_down_count;
static enum operation_step step; /* under way */
static uint64_t step_ms;
static bool was_limited; /* each mount(2) */

static void
note_call(char letter)
{
	size_t len = strlen(calls);

	assert_true(len + 1 < sizeof(calls));
	calls[len] = letter;
}

void
operation_step(enum operation_step begun, uint64_t limit_ms)
{
	step = begun;
	step_ms = limit_ms;
}

/* In place of lookup.c. */

int
lookup_host(const char *host, struct addrinfo **ret_list, struct err *ret_err)
{
	static struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = 0x0100007f};
	static struct addrinfo list[ADDRESSES];

	if (lookup_error)
		return err_set(ret_err, lookup_error, EAGAIN, "no name");
	for (int i = 0; i < address_count; i++)
		list[i] = (struct addrinfo){
			.ai_family = AF_INET,
			.ai_addr = (struct sockaddr *)&address,
			.ai_addrlen = sizeof(address),
			.ai_next = i + 1 < address_count ? &list[i + 1] : NULL,
		};
	*ret_list = list;
	return 0;
}

void
guard_addrinfo(struct addrinfo **list)
{
}

int
lookup_write_address(const struct sockaddr *address, socklen_t len,
	char *ret_text, size_t size)
{
	(void)snprintf(ret_text, size, "127.0.0.1");
	return 0;
}

/* In place of preflight.c: a server that has the version it is asked for. */

int
preflight_nfs(const struct sockaddr *address, socklen_t address_len,
	const char *wanted_version, uint16_t mountport, int timeout_ms,
	struct preflight_result *ret_result, struct err *ret_err)
{
	const char *version = wanted_version ? wanted_version : "4.2";

	(void)snprintf(
		versions[strlen(calls)], sizeof(versions[0]), "%s", version);
	note_call('A');
	asked_port = ntohs(((const struct sockaddr_in *)address)->sin_port);
	if (server_error)
		return err_set(ret_err, server_error, EHOSTUNREACH, "no");
	*ret_result = (struct preflight_result){.major = version[0] - '0'};
	if (version[1] == '.')
		ret_result->minor = version[2] - '0';
	return 0;
}

int
preflight_mounted(const struct sockaddr *address, socklen_t address_len,
	const char *wanted_version, int timeout_ms, struct err *ret_err)
{
	note_call('A');
	asked_port = ntohs(((const struct sockaddr_in *)address)->sin_port);
	if (server_error && dead_count-- > 0)
		return err_set(ret_err, server_error, EHOSTUNREACH, "no");
	return 0;
}

/* In place of mount.c. */

int
mount_point_open(struct mount_point *point, const char *dir, const char *name,
	struct err *ret_err)
{
	return 0;
}

int
mount_look(const struct mount_point *point, uint64_t *ret_id)
{
	*ret_id = 0;
	return 0;
}

int
mount_make(const struct mount_point *point, const struct mount_request *request)
{
	was_limited = was_limited && step == OPERATION_STEP_MOUNT &&
		      step_ms == target.mount_deadline_ms;
	note_call('M');
	return -mount_errors[mount_count++];
}

int
mount_ask(const struct mount_point *point, long magic)
{
	assert_int_equal(step, OPERATION_STEP_NONE);
	return 0;
}

int
mount_take_down(const struct mount_point *point, enum mount_force force)
{
	static const char letters[] = {
		[MOUNT_GENTLY] = 'u',
		[MOUNT_LAZILY] = 'l',
		[MOUNT_ABORTING] = 'f',
		[MOUNT_BY_ALL_MEANS] = 'F',
	};

	assert_int_equal(step, OPERATION_STEP_UNMOUNT);
	note_call(letters[force]);
	return -take_down_errors[take_down_count++];
}

/* What the test does. */

static void
aim_at(const char *text)
{
	memset(calls, 0, sizeof(calls));
	mount_count = take_down_count = 0;
	if (uri_parse(text, strlen(text), &uri, &err) < 0)
		fail_msg("%s", err.text);
	target = (struct backend_target){
		.uri = &uri,
		.source = "nas1:/vms",
		.mount_deadline_ms = 10000,
		.force_after_ms = 600000,
	};
}

static int
set_up(void **state)
{
	lookup_error = server_error = ERR_NONE;
	address_count = 1;
	dead_count = CALLS_MAX;
	memset(mount_errors, 0, sizeof(mount_errors));
	memset(take_down_errors, 0, sizeof(take_down_errors));
	step = OPERATION_STEP_NONE;
	was_limited = true;
	aim_at("nfs://nas1/vms");
	return 0;
}

static uint64_t
in_30_s(void)
{
	return clock_boot_us() + 30 * US_PER_SEC;
}

static int
connect_now(void)
{
	return backend_nfs.connect(&target, in_30_s(), &err);
}

static int
disconnect_now(void)
{
	return backend_nfs.disconnect(&target, in_30_s(), &err);
}

static int
force_now(void)
{
	return backend_nfs.force(&target, in_30_s(), &err);
}

static void
all_unmounts_fail(int errnum)
{
	for (size_t i = 0; i < ARRAY_SIZE(take_down_errors); i++)
		take_down_errors[i] = errnum;
}

static void
a_server_is_asked_before_it_is_mounted(void **state)
{
	assert_int_equal(connect_now(), 0);
	assert_string_equal(calls, "AM");
}

static void
what_does_not_answer_is_not_mounted(void **state)
{
	static const enum err_code errors[] = {ERR_UNREACHABLE, ERR_TIMED_OUT,
		ERR_UNSUPPORTED, ERR_ACCESS_DENIED, ERR_IO, ERR_INTERNAL};

	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		aim_at("nfs://nas1/vms");
		server_error = errors[i];
		assert_true(connect_now() < 0);
		assert_int_equal(err.code, errors[i]);
		assert_string_equal(calls, "A");
	}
}

static void
each_lower_version_is_asked_for_before_it_is_mounted(void **state)
{
	mount_errors[0] = mount_errors[1] = EPROTONOSUPPORT;
	assert_int_equal(connect_now(), 0);
	assert_string_equal(calls, "AMAMAM");
	assert_string_equal(versions[0], "4.2");
	assert_string_equal(versions[2], "4.1");
	assert_string_equal(versions[4], "4.0");
}

static void
over_rdma_it_is_asked_by_tcp(void **state)
{
	aim_at("nfs://nas1:20049/vms?proto=rdma");
	assert_int_equal(connect_now(), 0);
	assert_string_equal(calls, "AM");
	assert_int_equal(asked_port, 2049);
	aim_at("nfs://nas1:20049/vms?proto=rdma");
	server_error = ERR_UNREACHABLE;
	assert_true(connect_now() < 0);
	assert_string_equal(calls, "A");
}

static void
mount_2_has_a_deadline_of_its_own(void **state)
{
	mount_errors[0] = EPROTONOSUPPORT;
	assert_int_equal(connect_now(), 0);
	assert_true(was_limited);
	assert_int_equal(step, OPERATION_STEP_NONE);
}

static void
nobody_is_asked_about_an_unmount_that_works(void **state)
{
	assert_int_equal(disconnect_now(), 0);
	assert_string_equal(calls, "u");
}

static void
what_is_in_use_of_a_server_that_answers_is_busy(void **state)
{
	all_unmounts_fail(EBUSY);
	assert_int_equal(disconnect_now(), -EBUSY);
	assert_int_equal(err.code, ERR_BUSY);
	assert_string_equal(calls, "uA");
}

static void
an_answer_that_refuses_is_one(void **state)
{
	static const enum err_code answers[] = {
		ERR_UNSUPPORTED, ERR_ACCESS_DENIED, ERR_IO};

	all_unmounts_fail(EBUSY);
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		aim_at("nfs://nas1/vms");
		server_error = answers[i];
		assert_int_equal(disconnect_now(), -EBUSY);
		assert_int_equal(err.code, ERR_BUSY);
	}
}

static void
what_is_in_use_of_a_dead_server_is_told_with_what_comes(void **state)
{
	all_unmounts_fail(EBUSY);
	server_error = ERR_UNREACHABLE;
	assert_true(disconnect_now() < 0);
	assert_int_equal(err.code, ERR_UNREACHABLE);
	assert_string_equal(err.text,
		"nas1:/vms: still in use, and its server does not answer; "
		"after 600 s of that it is forced off, and what was not "
		"written may be lost");
	aim_at("nfs://nas1/vms");
	server_error = ERR_TIMED_OUT;
	target.force_after_ms = 0;
	assert_int_equal(disconnect_now(), -ETIMEDOUT);
	assert_string_equal(err.text,
		"nas1:/vms: still in use, and its server does not answer");
}

static void
a_server_that_cannot_be_asked_is_neither_busy_nor_dead(void **state)
{
	all_unmounts_fail(EBUSY);
	lookup_error = ERR_NAME_LOOKUP;
	assert_int_equal(disconnect_now(), -EBUSY);
	assert_int_equal(err.code, ERR_NAME_LOOKUP);
	lookup_error = ERR_NONE;
	aim_at("nfs://nas1/vms");
	server_error = ERR_INTERNAL;
	assert_int_equal(disconnect_now(), -EBUSY);
	assert_int_equal(err.code, ERR_INTERNAL);
	aim_at("nfs://nas1/vms");
	server_error = ERR_TIMED_OUT;
	/* There is no time to ask. */
	assert_int_equal(backend_nfs.disconnect(&target, 1, &err), -EBUSY);
	assert_int_equal(err.code, ERR_INTERNAL);
	assert_string_equal(calls, "u");
}

static void
a_server_is_dead_when_no_address_answers(void **state)
{
	all_unmounts_fail(EBUSY);
	server_error = ERR_TIMED_OUT;
	address_count = ADDRESSES;
	assert_int_equal(disconnect_now(), -ETIMEDOUT);
	assert_string_equal(calls, "uAA");
	aim_at("nfs://nas1/vms");
	dead_count = 1;
	assert_int_equal(disconnect_now(), -EBUSY);
	assert_int_equal(err.code, ERR_BUSY);
	assert_string_equal(calls, "uAA");
	aim_at("nfs://nas1/vms?proto=tcp6");
	assert_int_equal(disconnect_now(), -EBUSY);
	assert_int_equal(err.code, ERR_NAME_LOOKUP);
}

static void
a_mounted_server_is_asked_where_it_was_mounted_from(void **state)
{
	all_unmounts_fail(EBUSY);
	aim_at("nfs://nas1:20490/vms");
	(void)disconnect_now();
	assert_int_equal(asked_port, 20490);
}

static void
force_aborts_twice_then_asks_nicely_then_does_all(void **state)
{
	server_error = ERR_UNREACHABLE;
	take_down_errors[0] = take_down_errors[1] = EBUSY;
	take_down_errors[2] = EBUSY;
	assert_int_equal(force_now(), 1);
	assert_string_equal(calls, "AffuF");
}

static void
force_ends_with_the_first_that_works(void **state)
{
	server_error = ERR_UNREACHABLE;
	take_down_errors[0] = EBUSY;
	assert_int_equal(force_now(), 1);
	assert_string_equal(calls, "Aff");
}

static void
force_that_does_not_help_says_why(void **state)
{
	server_error = ERR_UNREACHABLE;
	all_unmounts_fail(EPERM);
	assert_int_equal(force_now(), -EPERM);
	assert_int_equal(err.code, ERR_MOUNT_FAILED);
	assert_string_equal(calls, "AffuF");
}

static void
a_server_that_answers_again_is_not_forced(void **state)
{
	assert_int_equal(force_now(), 0);
	assert_string_equal(calls, "Au");
	aim_at("nfs://nas1/vms");
	all_unmounts_fail(EBUSY);
	assert_int_equal(force_now(), -EBUSY);
	assert_int_equal(err.code, ERR_BUSY);
	assert_string_equal(calls, "AuA");
}

static void
a_server_that_cannot_be_asked_is_not_forced(void **state)
{
	lookup_error = ERR_NAME_LOOKUP;
	all_unmounts_fail(EBUSY);
	assert_int_equal(force_now(), -EBUSY);
	assert_string_equal(calls, "u");
}

#define ASKS(test) cmocka_unit_test_setup(test, set_up)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ASKS(a_server_is_asked_before_it_is_mounted),
		ASKS(what_does_not_answer_is_not_mounted),
		ASKS(each_lower_version_is_asked_for_before_it_is_mounted),
		ASKS(over_rdma_it_is_asked_by_tcp),
		ASKS(mount_2_has_a_deadline_of_its_own),
		ASKS(nobody_is_asked_about_an_unmount_that_works),
		ASKS(what_is_in_use_of_a_server_that_answers_is_busy),
		ASKS(an_answer_that_refuses_is_one),
		ASKS(what_is_in_use_of_a_dead_server_is_told_with_what_comes),
		ASKS(a_server_that_cannot_be_asked_is_neither_busy_nor_dead),
		ASKS(a_server_is_dead_when_no_address_answers),
		ASKS(a_mounted_server_is_asked_where_it_was_mounted_from),
		ASKS(force_aborts_twice_then_asks_nicely_then_does_all),
		ASKS(force_ends_with_the_first_that_works),
		ASKS(force_that_does_not_help_says_why),
		ASKS(a_server_that_answers_again_is_not_forced),
		ASKS(a_server_that_cannot_be_asked_is_not_forced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
