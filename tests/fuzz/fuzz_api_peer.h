/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz_api_peer.h - the clients of fuzz_api.c: what they send, and wait for.
 *                   To be included once.
 *
 * Runs in: the build.
 * Invariant: each request that was sent is remembered until it is answered, or
 *            its connection is lost.
 */
#ifndef TESTS_FUZZ_FUZZ_API_PEER_H
#define TESTS_FUZZ_FUZZ_API_PEER_H

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/fuzz/fuzz_api_check.h"
#include "tests/fuzz/fuzz_api_host.h"

enum {
	CLIENTS = 3,
	CONTROL = CLIENTS, /* root's own, of no step */
	PEERS,
	PENDING_MAX = 24,
	RPC_REQUEST = 0,
	RPC_NOTIFICATION = 2,
};

static const uid_t uids[PEERS] = {0, 1000, 1001, 0};

struct pending {
	uint8_t *bytes;
	struct wire_message message; /* of bytes */
	uint64_t id;
	unsigned group;
	bool is_strict;
	bool is_claiming;    /* it brings credentials */
	uint64_t timeout_us; /* it may wait so long */
	uint64_t deadline_us;
};

struct peer {
	int fd;
	uid_t uid;
	uint8_t *in;
	size_t in_len;
	struct wire_scan scan;
	uint8_t *unsent;
	size_t unsent_len;
	bool has_ended;	 /* its sending */
	bool may_close;	 /* the daemon may */
	bool must_close; /* the daemon has to */
	bool is_slow;	 /* time goes on before the rest is sent */
	struct pending *pending[PENDING_MAX];
	size_t pending_count;
	bool is_subscribed;
	uint64_t told; /* number of the last event */
};

static struct peer peers[PEERS];

static struct sockaddr_un address = {.sun_family = AF_UNIX};

/* --- requests */

static bool
is_request(const msgpack_object *root, uint64_t *ret_id)
{
	uint32_t count;
	uint64_t kind;

	return wire_is_array(root, &count) && count == 4 &&
	       wire_get_uint(wire_at(root, 0), &kind) && kind == RPC_REQUEST &&
	       wire_get_uint(wire_at(root, 1), ret_id) && *ret_id <= UINT32_MAX;
}

static bool
is_notification(const msgpack_object *root)
{
	uint32_t count;
	uint64_t kind;

	return wire_is_array(root, &count) && count == 3 &&
	       wire_get_uint(wire_at(root, 0), &kind) &&
	       kind == RPC_NOTIFICATION;
}

static bool
brings_credentials(const msgpack_object *request)
{
	static const char *const keys[] = {
		"auth", "username", "password", "username_in", "password_in"};

	if (!model_is_method(request, "manage"))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (get_option(request, 2, keys[i]))
			return true;
	return false;
}

/* How long it may go without an answer. */
static uint64_t
timeout_us(const msgpack_object *request)
{
	const msgpack_object *option = get_option(request, 1, "timeout_ms");
	uint64_t ms = 0;

	if (model_is_method(request, "wait"))
		ms = 30000;
	else if (!model_is_method(request, "events"))
		return 0;
	if (option)
		(void)wire_get_uint(option, &ms);
	return ms <= 86400000 ? ms * US_PER_MS : 0;
}

static void
forget(struct peer *peer, size_t index)
{
	struct pending *pending = peer->pending[index];

	wire_release(&pending->message);
	free(pending->bytes);
	free(pending);
	peer->pending_count--;
	memmove(&peer->pending[index], &peer->pending[index + 1],
		(peer->pending_count - index) * sizeof(pending));
}

static bool
is_in_flight(const struct peer *peer, uint64_t id)
{
	for (size_t i = 0; i < peer->pending_count; i++)
		if (peer->pending[i]->id == id)
			return true;
	return false;
}

/* Whether a call that brings credentials may be decided at any time. */
static bool
is_claiming(void)
{
	for (size_t i = 0; i < PEERS; i++)
		for (size_t j = 0; j < peers[i].pending_count; j++)
			if (peers[i].pending[j]->is_claiming)
				return true;
	return false;
}

/* --- connections */

static void
open_peer(struct peer *peer)
{

	if (peer->fd >= 0)
		return;
	peer->fd =
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	CHECK(peer->fd >= 0);
	CHECK(connect(peer->fd, (struct sockaddr *)&address, sizeof(address)) ==
		0);
	host_expect_peer(peer->uid);
}

static void
close_peer(struct peer *peer)
{
	for (size_t i = 0; i < peer->pending_count; i++)
		model_on_lost(peer->pending[i]->message.root);
	while (peer->pending_count > 0)
		forget(peer, 0);
	guard_close(&peer->fd);
	free(peer->in);
	free(peer->unsent);
	*peer = (struct peer){.fd = -1, .uid = peer->uid};
}

/* What the kernel does not take now is sent when the daemon has read. */
static void
send_some(struct peer *peer)
{
	ssize_t len =
		send(peer->fd, peer->unsent, peer->unsent_len, MSG_NOSIGNAL);

	if (len < 0 && errno == EAGAIN)
		return;
	if (len < 0)
		len = (ssize_t)peer->unsent_len; /* its end is to be read */
	peer->unsent_len -= (size_t)len;
	memmove(peer->unsent, peer->unsent + len, peer->unsent_len);
}

/* Takes bytes. */
static void
send_bytes(struct peer *peer, uint8_t *bytes, size_t len)
{
	free(peer->unsent);
	peer->unsent = bytes;
	peer->unsent_len = len;
	send_some(peer);
}

static void
send_part(struct peer *peer, size_t len)
{
	CHECK(send(peer->fd, peer->unsent, len, MSG_NOSIGNAL) == (ssize_t)len ||
		errno == EPIPE || errno == ECONNRESET);
	peer->unsent_len -= len;
	memmove(peer->unsent, peer->unsent + len, peer->unsent_len);
}

/* --- sending */

/* Where the element behind that one begins, of a message that is whole. */
static size_t
skip(const uint8_t *bytes, size_t len, size_t at)
{
	struct wire_scan scan = {0};
	ssize_t size = wire_scan(
		&scan, &wire_request_limits, bytes + at, len - at, NULL);

	CHECK(size > 0);
	return at + (size_t)size;
}

/* The same request with another number. To be freed. */
static uint8_t *
renumber(const uint8_t *bytes, size_t len, uint32_t id, size_t *ret_len)
{
	size_t head = bytes[0] == 0xdc ? 3 : bytes[0] == 0xdd ? 5 : 1;
	size_t id_at = skip(bytes, len, head);
	size_t rest_at = skip(bytes, len, id_at);
	uint8_t *copy = malloc(len + 5);
	size_t at = id_at;

	CHECK(copy);
	memcpy(copy, bytes, id_at);
	copy[at++] = 0xce;
	for (int shift = 24; shift >= 0; shift -= 8)
		copy[at++] = (uint8_t)(id >> shift);
	memcpy(copy + at, bytes + rest_at, len - rest_at);
	*ret_len = at + len - rest_at;
	return copy;
}

/* Numbers that are free are left as they are. */
static uint8_t *
copy_request(const struct peer *peer, const uint8_t *bytes, size_t len,
	uint64_t *id, size_t *ret_len)
{
	uint8_t *copy;

	*ret_len = len;
	if (!is_in_flight(peer, *id)) {
		copy = malloc(len);
		CHECK(copy);
		return memcpy(copy, bytes, len);
	}
	for (*id = 0xfe000000; is_in_flight(peer, *id);)
		(*id)++;
	return renumber(bytes, len, (uint32_t)*id, ret_len);
}

static void
note_request(struct peer *peer, const uint8_t *bytes, size_t len, uint64_t id)
{
	struct pending *pending = calloc(1, sizeof(*pending));

	CHECK(pending);
	peer->pending[peer->pending_count++] = pending;
	*pending = (struct pending){
		.id = id, .group = model.group, .is_strict = !is_claiming()};
	pending->bytes = malloc(len);
	CHECK(pending->bytes);
	memcpy(pending->bytes, bytes, len);
	CHECK(wire_unpack(&pending->message, pending->bytes, len, NULL) == 0);
	pending->is_claiming = brings_credentials(pending->message.root);
	pending->timeout_us = timeout_us(pending->message.root);
	pending->deadline_us = clock_boot_us() + pending->timeout_us;
	model.group_size++;
}

/* Puts a message into peer->unsent; false when it is one too many. */
static bool
stage_message(
	struct peer *peer, const uint8_t *bytes, size_t len, bool is_whole)
{
	struct wire_message message;
	uint8_t *copy;
	uint64_t id;
	bool is_asked, is_bad;

	if (peer->has_ended || peer->must_close || peer->unsent_len > 0 ||
		peer->pending_count == PENDING_MAX ||
		len + 5 > WIRE_REQUEST_MAX)
		return false;
	open_peer(peer);
	CHECK(wire_unpack(&message, bytes, len, NULL) == 0);
	is_asked = is_request(message.root, &id);
	is_bad = !is_asked && !is_notification(message.root);
	wire_release(&message);
	if (is_asked) {
		copy = copy_request(peer, bytes, len, &id, &len);
		if (is_whole)
			note_request(peer, copy, len, id);
	} else {
		copy = malloc(len);
		CHECK(copy);
		memcpy(copy, bytes, len);
	}
	peer->must_close |= is_bad && is_whole;
	free(peer->unsent);
	peer->unsent = copy;
	peer->unsent_len = len;
	return true;
}

static void
ask(struct peer *peer, struct wire_writer *writer)
{
	CHECK(!writer->has_failed);
	CHECK(stage_message(peer, writer->data, writer->len, true));
	send_some(peer);
	wire_writer_done(writer);
}

#endif
