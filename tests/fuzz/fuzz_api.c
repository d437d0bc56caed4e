/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz_api.c - the whole supervisor, as its clients have it, against a model.
 *
 * Input: steps, each a byte and what belongs to it. Of the byte, 3 says whose
 * step it is, 28 how, 224 what the launcher answers from now on, as in
 * host_verdicts[]. A client's step is a message: it is sent (0), in two pieces
 * (1), together with the next one (2), half of it before the client goes (3),
 * as the last one (4), before the client goes (5), in two pieces with 11 s
 * between them (6). Client 3 is the host: the clock goes on by as many seconds
 * as a byte says, 0 is 100 ms (0), the daemon is started anew (1), the worker
 * of a byte's number reports a message (2), ends with a byte's status (3), has
 * tried credentials with a byte's error (4).
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
 * The daemon has this process to itself until it would sleep: then the clients
 * read, what should have been answered is looked at, and the next step is made.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>

#include "common/log.h"
#include "supervisor/supervisor.h"
#include "tests/fuzz/fuzz_api_step.h"
#include "tests/fuzz/fuzz_api_store.h"

enum {
	LIVES_MAX = 4,
	PAGE = 3,
};

static struct conf conf;
static struct inheritance inheritance;

/* --- answers */

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
		peer->pending[index]->is_strict && model.group_size == 1 &&
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

/* --- what the control asks */

/* A request of one argument, that many options. */
static void
begin_request(struct wire_writer *writer, uint64_t id, const char *method,
	size_t options)
{
	wire_writer_init(writer, WIRE_REQUEST_MAX);
	wire_array(writer, 4);
	wire_uint(writer, RPC_REQUEST);
	wire_uint(writer, id);
	wire_text(writer, method);
	wire_array(writer, 1);
	wire_map(writer, options);
}

static void
ask_subscribe(struct peer *peer)
{
	struct wire_writer writer;

	begin_request(&writer, 1, "subscribe", 1);
	wire_pair_uint(&writer, "since", 0);
	ask(peer, &writer);
}

static void
ask_page(struct peer *peer)
{
	struct wire_writer writer;

	begin_request(&writer, 2, "list", 2);
	wire_pair_text(&writer, "after", play.after);
	wire_pair_uint(&writer, "max", PAGE);
	ask(peer, &writer);
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

static void
clear_dir(const char *path)
{
	(void)nftw(path, fuzz_remove_one, 8, FTW_DEPTH | FTW_PHYS);
	CHECK(mkdir(path, 0700) == 0);
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
	clear_dir(conf.state_dir);
	make_empty_store(conf.state_dir);
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
	put_empty_store(conf.state_dir);
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
