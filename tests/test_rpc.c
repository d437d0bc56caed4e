/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_rpc.c - calls of a client: deadlines, on a clock of the test's own.
 *
 * Runs in: make check-unit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/lib/rpc.h"
#include "common/clock.h"

enum {
	NOTES = 20000, /* of 5 bytes: more than is read in a few turns */
};

static uint64_t now_us;

/* In place of common/clock.c: each look at it takes a second. */
uint64_t
clock_boot_us(void)
{
	now_us += US_PER_SEC;
	return now_us;
}

uint64_t
clock_unix_us(void)
{
	return 0;
}

static void
count_note(void *data, struct stream_message *note)
{
	(*(unsigned *)data)++;
}

/* A connection on which that many notifications lie. Returns the peer. */
static int
connect_with_notes(struct rpc *rpc, unsigned notes)
{
	static const uint8_t note[] = {0x93, 0x02, 0xa1, 'e', 0xc0};
	int fds[2];

	assert_return_code(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	rpc_init(rpc, "none");
	rpc->stream.socketfd = fds[0];
	for (unsigned i = 0; i < notes; i += 1000) {
		uint8_t block[1000 * sizeof(note)];

		for (size_t j = 0; j < sizeof(block); j += sizeof(note))
			memcpy(block + j, note, sizeof(note));
		assert_int_equal(
			send(fds[1], block, sizeof(block), 0), sizeof(block));
	}
	return fds[1];
}

static void
a_peer_that_always_has_more_is_given_up_at_the_deadline(void **state)
{
	struct rpc rpc;
	struct rpc_reply reply = {0};
	struct failure failure;
	unsigned told = 0;
	int peerfd = connect_with_notes(&rpc, NOTES);

	rpc.owed = 1;
	rpc.on_note = count_note;
	rpc.data = &told;
	assert_int_equal(rpc_receive(&rpc, 1, 4000, &reply, &failure), -1);
	assert_string_equal(failure.slug, "timeout");
	assert_in_range(told, 1, NOTES / 2);
	assert_int_equal(rpc.stream.socketfd, -1);
	close(peerfd);
}

static void
notes_are_told_as_far_as_they_have_come(void **state)
{
	struct rpc rpc;
	struct failure failure;
	unsigned told = 0;
	unsigned count;
	int peerfd = connect_with_notes(&rpc, 1000);

	rpc.on_note = count_note;
	rpc.data = &told;
	assert_int_equal(rpc_read_notes(&rpc, 0, &count, &failure), 0);
	assert_int_equal(count, 1000);
	assert_int_equal(told, 1000);
	assert_int_equal(rpc_read_notes(&rpc, 0, &count, &failure), 0);
	assert_int_equal(count, 0);
	close(peerfd);
	assert_int_equal(rpc_read_notes(&rpc, 0, &count, &failure), -1);
	assert_string_equal(failure.slug, "no-daemon");
	assert_int_equal(rpc.stream.socketfd, -1);
}

static void
an_answer_on_a_connection_that_was_lost_is_not_waited_for(void **state)
{
	struct rpc rpc;
	struct rpc_reply reply = {0};
	struct failure failure;
	uint64_t begin_us;

	rpc_init(&rpc, "none");
	begin_us = now_us;
	assert_int_equal(rpc_receive(&rpc, 1, 4000, &reply, &failure), -1);
	assert_string_equal(failure.slug, "no-daemon");
	assert_in_range(now_us - begin_us, 0, US_PER_SEC);
	assert_int_equal(rpc.owed, 0);
}

static void
one_lost_connection_fails_all_that_were_asked_on_it(void **state)
{
	struct rpc rpc;
	struct rpc_reply reply = {0};
	struct failure failure;
	int peerfd = connect_with_notes(&rpc, 0);

	rpc.owed = 2;
	close(peerfd);
	for (uint32_t id = 1; id <= 2; id++) {
		assert_int_equal(
			rpc_receive(&rpc, id, 4000, &reply, &failure), -1);
		assert_string_equal(failure.slug, "no-daemon");
		assert_int_equal(rpc.owed, 0);
		assert_int_equal(rpc.stream.socketfd, -1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_peer_that_always_has_more_is_given_up_at_the_deadline),
		cmocka_unit_test(notes_are_told_as_far_as_they_have_come),
		cmocka_unit_test(
			an_answer_on_a_connection_that_was_lost_is_not_waited_for),
		cmocka_unit_test(
			one_lost_connection_fails_all_that_were_asked_on_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
