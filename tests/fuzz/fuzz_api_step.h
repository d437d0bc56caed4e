/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz_api_step.h - the steps of an input of fuzz_api.c, which says what they
 *                   are. To be included once.
 *
 * Runs in: the build.
 * Invariant: a step is made when the daemon has nothing left to do, but for
 *            those of one group.
 */
#ifndef TESTS_FUZZ_FUZZ_API_STEP_H
#define TESTS_FUZZ_FUZZ_API_STEP_H

#include "tests/fuzz/fuzz_api_peer.h"

enum {
	HOST = 3, /* who a step is of */
	STEPS_MAX = 64,
	GROUP_MAX = 6,
};

/* How a step's message is sent. */
enum {
	SEND,
	SEND_IN_PIECES,
	SEND_WITH_NEXT,
	SEND_HALF,
	SEND_AS_LAST,
	SEND_AND_GO,
	SEND_SLOWLY,
};

enum {
	HOST_CLOCK,
	HOST_RESTART,
	HOST_REPORT,
	HOST_EXIT,
	HOST_TRIED,
};

#define SLOW_US (11 * US_PER_SEC)
#define TICK_US (US_PER_SEC / 10)

enum stage {
	STAGE_BEGIN,
	STAGE_LIST,
	STAGE_STEPS,
	STAGE_STOP,
	STAGE_STOPPING,
};

static struct {
	struct fuzz_input input;
	int step_count;
	int lives;
	enum stage stage;
	bool has_listed; /* since the steps began, or there are none */
	bool is_over;	 /* no more steps */
	bool wants_restart;
	size_t page_count; /* entries of the last page */
	char after[256];
	int stop_ticks;
} play;

/* Bytes that begin no message: the daemon has to close. */
static void
send_nonsense(struct peer *peer)
{
	size_t len = play.input.left < 64 ? play.input.left : 64;
	struct wire_scan scan = {0};

	open_peer(peer);
	if (!peer->has_ended && peer->unsent_len == 0 && !peer->must_close) {
		peer->must_close = wire_scan(&scan, &wire_request_limits,
					   play.input.at, len, NULL) < 0;
		peer->may_close = true;
		send_bytes(
			peer, memcpy(malloc(len + 1), play.input.at, len), len);
		/* Nothing that makes sense can follow. */
		peer->has_ended = true;
	}
	play.input.at += len;
	play.input.left -= len;
}

/* True when the next step comes before the daemon's turn. */
static bool
deliver(struct peer *peer, unsigned how)
{
	if (how == SEND_WITH_NEXT || how == SEND) {
		send_some(peer);
		return how == SEND_WITH_NEXT && peer->unsent_len == 0;
	}
	if (how == SEND_IN_PIECES || how == SEND_SLOWLY) {
		send_part(peer, peer->unsent_len / 2);
		peer->is_slow = how == SEND_SLOWLY;
		return false;
	}
	if (how == SEND_HALF) {
		send_part(peer, peer->unsent_len / 2);
		close_peer(peer);
		return false;
	}
	send_some(peer);
	if (how == SEND_AND_GO)
		close_peer(peer);
	if (how == SEND_AS_LAST && peer->unsent_len == 0) {
		peer->has_ended = true;
		(void)shutdown(peer->fd, SHUT_WR);
	}
	return false;
}

static void
move_clock(uint64_t us)
{
	host_now_us += us;
	for (size_t i = 0; i < PEERS; i++)
		if (peers[i].unsent_len > 0)
			peers[i].may_close = true;
}

static bool
take_message(const uint8_t **ret_bytes, size_t *ret_len)
{
	struct wire_scan scan = {0};
	ssize_t len = wire_scan(&scan, &wire_request_limits, play.input.at,
		play.input.left, NULL);

	if (len <= 0)
		return false;
	*ret_bytes = play.input.at;
	*ret_len = (size_t)len;
	play.input.at += len;
	play.input.left -= (size_t)len;
	return true;
}

static void
step_host(unsigned how)
{
	const uint8_t *bytes;
	uint8_t number;
	size_t len;

	if (how == HOST_CLOCK) {
		number = fuzz_u8(&play.input);
		move_clock(number ? number * US_PER_SEC : TICK_US);
	} else if (how == HOST_RESTART) {
		play.wants_restart = true;
	} else if (how == HOST_REPORT) {
		number = fuzz_u8(&play.input);
		if (take_message(&bytes, &len))
			host_report(number, bytes, len);
		else
			play.input.left = 0;
	} else if (how == HOST_EXIT) {
		number = fuzz_u8(&play.input);
		if (number < host_worker_count)
			host_end_worker(number, CLD_EXITED, number);
	} else if (how == HOST_TRIED) {
		number = fuzz_u8(&play.input);
		host_report_tried(number, fuzz_u8(&play.input));
	}
}

/* True when the next step comes before the daemon's turn. */
static bool
step_client(struct peer *peer, unsigned how)
{
	const uint8_t *bytes;
	size_t len;

	if (!take_message(&bytes, &len)) {
		send_nonsense(peer);
		return false;
	}
	return stage_message(peer, bytes, len, how != SEND_HALF) &&
	       deliver(peer, how);
}

static void
make_steps(void)
{
	bool has_more = true;

	for (int i = 0; has_more && i < GROUP_MAX; i++) {
		uint8_t byte;
		unsigned who, how;

		play.is_over =
			play.input.left == 0 || play.step_count++ >= STEPS_MAX;
		if (play.is_over || play.wants_restart)
			return;
		byte = fuzz_u8(&play.input);
		who = byte & 3;
		how = byte >> 2 & 7;
		host_verdict = host_verdicts[byte >> 5];
		has_more = false;
		if (who == HOST)
			step_host(how);
		else
			has_more = step_client(&peers[who], how);
	}
}

/* The rest of what was sent in part; true when there was some. */
static bool
send_rest(void)
{
	bool has_sent = false;

	for (size_t i = 0; i < PEERS; i++) {
		struct peer *peer = &peers[i];

		if (peer->fd < 0 || peer->unsent_len == 0)
			continue;
		has_sent = true;
		if (!peer->is_slow)
			send_some(peer);
		else
			move_clock(SLOW_US);
		peer->is_slow = false;
	}
	return has_sent;
}

#endif
