/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz_api.c - the whole supervisor, as its clients have it, against a model.
 *
 * Input: steps. Of each a byte: 3: which client, below; 28: how; 224: what the
 * launcher answers from now on, see host_verdicts[]. Client 3 is the host:
 * 0, the clock goes on by so many seconds as the next byte says (0: 100 ms);
 * 1, the daemon is stopped and started again; 2, the worker of the next byte
 * reports the message behind it; 3, it ends, with the status behind that; 4, it has tried credentials, with the error behind that; else nothing. Of the others a
 * message follows: 0, it is sent; 1, in two pieces; 2, with the next one; 3,
 * half of it, and that was it; 4, and it is the last; 5, and not waited for;
 * 6, half of it, then the clock goes on by 11 s, then the rest.
 * Covers: supervisor/api.c supervisor/batch.c supervisor/call.c
 * Covers: supervisor/claim.c supervisor/claiming.c supervisor/client.c
 * Covers: supervisor/entry.c supervisor/explain.c supervisor/journal.c
 * Covers: supervisor/method_events.c supervisor/method_explain.c
 * Covers: supervisor/method_list.c supervisor/method_manage.c
 * Covers: supervisor/method_many.c supervisor/methods.c
 * Covers: supervisor/metrics.c supervisor/pause.c supervisor/poll.c
 * Covers: supervisor/store.c supervisor/store_commit.c
 * Covers: supervisor/supervisor.c supervisor/target_life.c
 * Covers: supervisor/target_talk.c supervisor/user.c supervisor/waiter.c
 *
 * The daemon has this process for itself until it would sleep: then the clients
 * read, what should have been answered is looked at, and the next step is made.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/un.h>

#include "common/log.h"
#include "supervisor/supervisor.h"
#include "tests/fuzz/fuzz_dir.h"
#include "tests/fuzz/fuzz_api_host.h"
#include "tests/fuzz/fuzz_api_model.h"

enum {
	CLIENTS = 3,
	CONTROL = CLIENTS, /* root's own, of no step */
	PEERS,
	HOST = 3, /* who a step is of */
	PENDING_MAX = 24,
	STEPS_MAX = 64,
	GROUP_MAX = 6,
	LIVES_MAX = 4,
	PAGE = 3,
	RPC_REQUEST = 0,
	RPC_NOTIFICATION = 2,
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
	uint64_t told; /* number of the last event; NUMBER_ANY: any may come */
};

#define NUMBER_ANY UINT64_MAX

static struct peer peers[PEERS];

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
	size_t group_size;
	size_t page_count; /* entries of the last page */
	char after[256];
	int stop_ticks;
} play;

static struct conf conf;
static struct inheritance inheritance;
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

static const msgpack_object *
get_option(const msgpack_object *request, uint32_t index, const char *key)
{
	const msgpack_object *options = model_param(request, index);

	return options && options->type == MSGPACK_OBJECT_MAP
		       ? wire_find(options, key)
		       : NULL;
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

/* --- answers */

static void
check_type(const msgpack_object *value, const char *type)
{
	const char *text;
	uint64_t number;
	uint32_t count;
	size_t len;
	bool is_so;

	if (strcmp(type, "bool") == 0)
		CHECK(wire_get_bool(value, &is_so));
	else if (strcmp(type, "uint") == 0)
		CHECK(wire_get_uint(value, &number));
	else if (strcmp(type, "str") == 0)
		CHECK(wire_get_bytes(value, &text, &len));
	else if (strcmp(type, "array") == 0)
		CHECK(wire_is_array(value, &count));
	else if (strcmp(type, "map") == 0)
		CHECK(value->type == MSGPACK_OBJECT_MAP);
	else if (strcmp(type, "int") == 0)
		CHECK(value->type == MSGPACK_OBJECT_POSITIVE_INTEGER ||
			value->type == MSGPACK_OBJECT_NEGATIVE_INTEGER);
	else
		CHECK(wire_is_nil(value) || value->type == MSGPACK_OBJECT_MAP);
}

static const struct {
	const char *key;
	const char *type;
} entry_keys[] =
	{
#define ENTRY(key, type, meaning) {#key, type},
#include "proto/api.def"
#undef ENTRY
},
  status_keys[] =
	  {
#define STATUS(key, type, meaning) {#key, type},
#include "proto/api.def"
#undef STATUS
},
  event_keys[] = {
#define EVENT_KEY(key, type, meaning) {#key, type},
#include "proto/api.def"
#undef EVENT_KEY
};

#define CHECK_KEYS(map, keys)                                                  \
	do {                                                                   \
		for (size_t k_ = 0; k_ < ARRAY_SIZE(keys); k_++)               \
			check_type(                                            \
				model_key(map, keys[k_].key), keys[k_].type);  \
	} while (0)

static bool
is_word(const msgpack_object *value, const char *word)
{
	const char *text;
	size_t len;

	return wire_get_bytes(value, &text, &len) &&
	       wire_bytes_equal(text, len, word);
}

/* Behind the number that was told last: one more, but for a gap. */
static uint64_t
check_event(const msgpack_object *event, uint64_t told)
{
	uint64_t number;
	bool is_gap;

	CHECK_KEYS(event, event_keys);
	CHECK(wire_get_uint(model_key(event, "number"), &number));
	is_gap = is_word(model_key(event, "kind"), "gap");
	CHECK(is_gap || told == NUMBER_ANY || number == told + 1);
	return number;
}

static void
check_events(const msgpack_object *request, const msgpack_object *result)
{
	const msgpack_object *events = model_key(result, "events");
	const msgpack_object *max = get_option(request, 1, "max");
	uint64_t told, most = 1000;
	uint32_t count;

	CHECK(wire_get_uint(model_param(request, 0), &told));
	CHECK(wire_is_array(events, &count));
	if (max)
		CHECK(wire_get_uint(max, &most));
	CHECK(count <= most);
	for (uint32_t i = 0; i < count; i++)
		told = check_event(wire_at(events, i), told);
	CHECK(model_uint(result, "next") == told);
}

/* name{label="value"} number */
static void
check_sample(const char *line, const char *end)
{
	const char *at = line;
	bool has_dot = false;

	while (at < end && (*at == '_' || (*at >= 'a' && *at <= 'z')))
		at++;
	CHECK(at - line > 9 && memcmp(line, "holdfast_", 9) == 0);
	if (at < end && *at == '{') {
		while (at < end && *at != '"')
			at++;
		for (at++; at < end && *at != '"'; at++)
			if (*at == '\\')
				at++;
		CHECK(end - at > 1 && at[1] == '}');
		at += 2;
	}
	CHECK(at < end && *at == ' ');
	CHECK(++at < end);
	for (; at < end; at++) {
		CHECK((*at >= '0' && *at <= '9') || (*at == '.' && !has_dot));
		has_dot |= *at == '.';
	}
}

static void
check_metrics(const msgpack_object *result)
{
	struct model_text text = model_string(model_key(result, "text"));
	const char *at = text.data, *end = text.data + text.len;

	fuzz_check_value(model_key(result, "content_type"));
	CHECK(utf8_is_valid(text.data, text.len));
	CHECK(text.len > 6 && memcmp(end - 6, "# EOF\n", 6) == 0);
	for (end -= 6; at < end;) {
		const char *line = at;

		at = memchr(line, '\n', (size_t)(end - line));
		CHECK(at);
		CHECK(fuzz_is_line(line, (size_t)(at - line)));
		if (*line != '#')
			check_sample(line, at);
		else
			CHECK(strncmp(line, "# TYPE holdfast_", 16) == 0 ||
				strncmp(line, "# HELP holdfast_", 16) == 0);
		at++;
	}
}

static void
check_list(const msgpack_object *request, const msgpack_object *result)
{
	const msgpack_object *max = get_option(request, 0, "max");
	uint64_t most;

	CHECK(result->type == MSGPACK_OBJECT_MAP);
	if (max)
		CHECK(wire_get_uint(max, &most) &&
			result->via.map.size <= most);
	for (uint32_t i = 0; i < result->via.map.size; i++) {
		const msgpack_object_kv *pair = &result->via.map.ptr[i];
		struct model_text id = model_string(&pair->key);

		CHECK_KEYS(&pair->val, entry_keys);
		CHECK(model_bool(&pair->val, "managed") ==
			!memchr(id.data, '/', id.len));
	}
}

static void
check_result(const msgpack_object *request, const msgpack_object *result)
{
	if (model_is_method(request, "metrics")) {
		check_metrics(result);
		return;
	}
	fuzz_check_value(result);
	if (model_is_method(request, "list")) {
		check_list(request, result);
	} else if (model_is_method(request, "wait")) {
		CHECK_KEYS(result, entry_keys);
	} else if (model_is_method(request, "status")) {
		CHECK_KEYS(result, entry_keys);
		CHECK_KEYS(result, status_keys);
	} else if (model_is_method(request, "explain")) {
		CHECK_KEYS(result, status_keys);
	} else if (model_is_method(request, "events")) {
		check_events(request, result);
	}
}

static void
note_subscription(struct peer *peer, const msgpack_object *request,
	const msgpack_object *result)
{
	const msgpack_object *since = get_option(request, 0, "since");

	if (model_is_method(request, "subscribe")) {
		peer->is_subscribed = true;
		peer->told = model_uint(result, "last");
		if (since)
			CHECK(wire_get_uint(since, &peer->told));
	} else if (model_is_method(request, "unsubscribe")) {
		peer->is_subscribed = false;
	}
}

/* A page of the control's own list. */
static void
note_page(const msgpack_object *result)
{
	play.page_count = result->via.map.size;
	for (uint32_t i = 0; i < result->via.map.size; i++) {
		const msgpack_object_kv *pair = &result->via.map.ptr[i];
		struct model_text id = model_string(&pair->key);
		char text[256];

		CHECK(id.len < sizeof(text));
		(void)snprintf(
			text, sizeof(text), "%.*s", (int)id.len, id.data);
		if (strcmp(text, play.after) > 0)
			memcpy(play.after, text, sizeof(text));
		if (!memchr(id.data, '/', id.len))
			model_see(id, &pair->val);
	}
}

static void
on_response(struct peer *peer, const msgpack_object *root)
{
	uint64_t id;
	enum err_code code = fuzz_check_frame(root, &id);
	const msgpack_object *request;
	size_t index = 0;

	while (index < peer->pending_count && peer->pending[index]->id != id)
		index++;
	CHECK(index < peer->pending_count); /* nothing was asked twice */
	request = peer->pending[index]->message.root;
	if (code == ERR_NONE) {
		check_result(request, wire_at(root, 3));
		note_subscription(peer, request, wire_at(root, 3));
	}
	if (peer == &peers[CONTROL]) {
		CHECK(code == ERR_NONE);
		if (model_is_method(request, "list"))
			note_page(wire_at(root, 3));
	}
	model_on_answer(request, root, code, peer->uid,
		peer->pending[index]->is_strict && play.group_size == 1 &&
			peer->pending[index]->group == model.group);
	forget(peer, index);
}

static void
on_event(struct peer *peer, const msgpack_object *root)
{
	uint32_t count;

	CHECK(peer->is_subscribed);
	fuzz_check_value(root);
	CHECK(is_word(wire_at(root, 1), "event"));
	CHECK(wire_is_array(wire_at(root, 2), &count) && count == 1);
	peer->told = check_event(wire_at(wire_at(root, 2), 0), peer->told);
}

static void
on_message(struct peer *peer, const uint8_t *bytes, size_t len)
{
	struct wire_message message;

	CHECK(wire_unpack(&message, bytes, len, NULL) == 0);
	CHECK(bytes[0] == 0x93 || bytes[0] == 0x94);
	if (is_notification(message.root))
		on_event(peer, message.root);
	else
		on_response(peer, message.root);
	wire_release(&message);
}

static void
take_messages(struct peer *peer)
{
	size_t at = 0;
	ssize_t len;

	while (at < peer->in_len &&
		(len = wire_scan(&peer->scan, &wire_reply_limits, peer->in + at,
			 peer->in_len - at, NULL)) != 0) {
		CHECK(len > 0);
		on_message(peer, peer->in + at, (size_t)len);
		at += (size_t)len;
	}
	peer->in_len -= at;
	memmove(peer->in, peer->in + at, peer->in_len);
}

/* True when there was something to read. */
static bool
read_peer(struct peer *peer)
{
	uint8_t buffer[65536];
	ssize_t len;

	if (peer->fd < 0)
		return false;
	len = recv(peer->fd, buffer, sizeof(buffer), 0);
	if (len < 0 && errno == EAGAIN)
		return false;
	if (len <= 0) {
		CHECK(play.stage == STAGE_STOPPING || peer->may_close ||
			peer->must_close || peer->has_ended);
		close_peer(peer);
		return true;
	}
	peer->in = realloc(peer->in, peer->in_len + (size_t)len);
	CHECK(peer->in);
	memcpy(peer->in + peer->in_len, buffer, (size_t)len);
	peer->in_len += (size_t)len;
	take_messages(peer);
	return true;
}

/* --- what has to be so when nothing happens any more */

/* All is answered but for what waits, and for what is behind credentials. */
static void
check_answered(struct peer *peer)
{
	bool is_behind = false;

	for (size_t i = 0; i < peer->pending_count; i++) {
		struct pending *pending = peer->pending[i];

		if (is_behind)
			pending->deadline_us =
				clock_boot_us() + pending->timeout_us;
		is_behind |= pending->is_claiming;
		if (!is_behind)
			CHECK(clock_boot_us() < pending->deadline_us);
	}
	CHECK(!peer->must_close || is_behind);
	CHECK(peer->in_len == 0);
}

static void
check_quiet(void)
{
	if (play.stage == STAGE_STOPPING)
		return;
	for (size_t i = 0; i < PEERS; i++)
		if (peers[i].fd >= 0)
			check_answered(&peers[i]);
	model_end_group();
	play.group_size = 0;
}

/* Each claim has its link, and nothing else has one. */
static void
check_links(size_t claims)
{
	int fd = openat(
		inheritance.by_id_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fdopendir(fd);
	const struct dirent *entry;
	size_t count = 0;

	CHECK(dir);
	while ((entry = readdir(dir))) {
		const struct model_text cid = {
			entry->d_name, strlen(entry->d_name)};

		if (strcmp(entry->d_name, ".") == 0 ||
			strcmp(entry->d_name, "..") == 0)
			continue;
		CHECK(model_is_there(model_find(cid)));
		count++;
	}
	(void)closedir(dir);
	CHECK(count == claims);
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
	play.group_size++;
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

static void
ask_subscribe(struct peer *peer)
{
	struct wire_writer writer;

	wire_writer_init(&writer, WIRE_REQUEST_MAX);
	wire_array(&writer, 4);
	wire_uint(&writer, RPC_REQUEST);
	wire_uint(&writer, 1);
	wire_text(&writer, "subscribe");
	wire_array(&writer, 1);
	wire_map(&writer, 1);
	wire_pair_uint(&writer, "since", 0);
	ask(peer, &writer);
}

static void
ask_page(struct peer *peer)
{
	struct wire_writer writer;

	wire_writer_init(&writer, WIRE_REQUEST_MAX);
	wire_array(&writer, 4);
	wire_uint(&writer, RPC_REQUEST);
	wire_uint(&writer, 2);
	wire_text(&writer, "list");
	wire_array(&writer, 1);
	wire_map(&writer, 2);
	wire_pair_text(&writer, "after", play.after);
	wire_pair_uint(&writer, "max", PAGE);
	ask(peer, &writer);
}

/* --- steps */

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

/* --- a daemon's life */

static void
begin_list(void)
{
	play.stage = STAGE_LIST;
	play.after[0] = '\0';
	play.page_count = PAGE;
	host_verdict = HOST_SAYS_NOTHING;
	model_begin_list();
}

static void
go_on(void)
{
	switch (play.stage) {
	case STAGE_BEGIN:
		open_peer(&peers[CONTROL]);
		ask_subscribe(&peers[CONTROL]);
		begin_list();
		break;
	case STAGE_LIST:
		if (play.page_count == PAGE) {
			ask_page(&peers[CONTROL]);
			break;
		}
		check_links(model_end_list());
		play.stage = play.has_listed ? STAGE_STOP : STAGE_STEPS;
		play.has_listed = true;
		break;
	case STAGE_STEPS:
		make_steps();
		if (play.is_over || play.wants_restart)
			begin_list();
		break;
	case STAGE_STOP:
		play.stage = STAGE_STOPPING;
		play.stop_ticks = 0;
		CHECK(raise(SIGTERM) == 0);
		break;
	case STAGE_STOPPING:
		CHECK(play.stop_ticks++ < 8);
		host_now_us += US_PER_SEC;
		break;
	}
}

static void
host_on_idle(void)
{
	bool has_moved = host_answer();

	has_moved |= host_read_orders();
	for (size_t i = 0; i < PEERS; i++)
		has_moved |= read_peer(&peers[i]);
	if (has_moved || send_rest())
		return;
	check_quiet();
	host_turns = 0;
	go_on();
}

static int
open_listener(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)unlink(address.sun_path);
	CHECK(fd >= 0);
	CHECK(bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	CHECK(listen(fd, SOMAXCONN) == 0);
	return fd;
}

static int
open_dir(const char *name)
{
	char path[128];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", conf.run_dir, name);
	CHECK(mkdir(path, 0755) == 0 || errno == EEXIST);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(fd >= 0);
	return fd;
}

static void
live(void)
{
	sigset_t before;

	play.stage = STAGE_BEGIN;
	play.has_listed = play.is_over;
	play.wants_restart = false;
	inheritance = (struct inheritance){
		.launcherfd = host_begin(),
		.listenfd = open_listener(),
		.mountinfofd =
			open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC),
		.ueventfd = -1,
		.by_id_fd = open_dir("by-id"),
		.mount_root_fd = open_dir("mnt"),
		.base_root_fd = open_dir("base"),
	};
	CHECK(sigprocmask(SIG_SETMASK, NULL, &before) == 0);
	CHECK(supervisor_run(&conf, &inheritance) == EXIT_SUCCESS);
	CHECK(play.stage == STAGE_STOPPING);
	CHECK(sigprocmask(SIG_SETMASK, &before, NULL) == 0);
	for (size_t i = 0; i < PEERS; i++)
		close_peer(&peers[i]);
	host_end();
	guard_close(&inheritance.by_id_fd);
	guard_close(&inheritance.mount_root_fd);
	guard_close(&inheritance.base_root_fd);
}

static int
count_open(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	CHECK(dir);
	while (readdir(dir))
		count++;
	(void)closedir(dir);
	return count;
}

/* What an empty store is: made once, as that takes longest. */
static struct {
	uint8_t data[1 << 20];
	size_t len;
} empty_store;

static void
clear_dir(const char *path)
{
	(void)nftw(path, fuzz_remove_one, 8, FTW_DEPTH | FTW_PHYS);
	CHECK(mkdir(path, 0700) == 0);
}

static int
open_state(void)
{
	int fd = open(conf.state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	CHECK(fd >= 0);
	return fd;
}

static void
make_empty_store(void)
{
	struct store *store;
	struct err err;
	cleanup_close int dirfd = -1;
	cleanup_close int fd = -1;
	ssize_t len;

	clear_dir(conf.state_dir);
	CHECK(store_open(conf.state_dir, &store, &err) == 0);
	store_close(store);
	dirfd = open_state();
	fd = openat(dirfd, "claims.tdb", O_RDONLY | O_CLOEXEC);
	len = read(fd, empty_store.data, sizeof(empty_store.data));
	CHECK(len > 0 && (size_t)len < sizeof(empty_store.data));
	empty_store.len = (size_t)len;
}

/* A backup, which is what a store is found by that was lost, takes as long: it
 * finds that its place is taken. */
static void
put_empty_store(void)
{
	cleanup_close int dirfd = open_state();

	fuzz_dir_put(dirfd, "claims.tdb", empty_store.data, empty_store.len);
	CHECK(mkdirat(dirfd, "claims.tdb.backup.new", 0700) == 0);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct err err;

	log_set_level((enum log_level)0);
	(void)signal(SIGPIPE, SIG_IGN); /* as main.c */
	(void)close(fuzz_dir_make());
	(void)fuzz_memfd("", 0);
	CHECK(conf_read("/nonexistent", false, &conf, &err) == 0);
	(void)snprintf(
		conf.run_dir, sizeof(conf.run_dir), "%.70s/run", fuzz_dir_path);
	(void)snprintf(conf.state_dir, sizeof(conf.state_dir), "%.70s/state",
		fuzz_dir_path);
	(void)snprintf(address.sun_path, sizeof(address.sun_path),
		"%s/api.sock", conf.run_dir);
	/* So that few steps reach them. */
	conf.clients_max = 16;
	conf.requests_max = 4;
	conf.output_max = 65536;
	conf.claims_max = 12;
	conf.claims_per_user = 6;
	conf.connections_max = 5;
	conf.connections_per_user = 3;
	conf.events_max = 16;
	make_empty_store();
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int open_before = count_open();
	bool is_last;

	memset(&play, 0, sizeof(play));
	play.input = (struct fuzz_input){data, size};
	for (size_t i = 0; i < PEERS; i++)
		peers[i] = (struct peer){.fd = -1, .uid = uids[i]};
	clear_dir(conf.run_dir);
	clear_dir(conf.state_dir);
	put_empty_store();
	host_reset();
	model_reset();
	do {
		is_last = play.is_over;
		if (++play.lives == LIVES_MAX)
			play.input.left = 0;
		live();
	} while (!is_last);
	model_reset();
	CHECK(count_open() == open_before);
	return 0;
}
