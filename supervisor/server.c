/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * server.c - servers: what their connections fail by, and come back by.
 *
 * Runs in: supervisor.
 * Invariant: see server.h. A target's release timer is the only thing that
 *            lets it go: no two are let go by the same event.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/clock.h"
#include "common/guard.h"
#include "common/log.h"
#include "proto/uri.h"
#include "supervisor/journal.h"
#include "supervisor/supervisor.h"
#include "supervisor/target_private.h"

#define TURN_PAUSE_US	 (2 * US_PER_SEC)
#define TURN_DEADLINE_US (60 * US_PER_SEC)
/* Over how long they come back, of each one and of all at most. */
#define SPREAD_EACH_US (US_PER_SEC / 20)
#define SPREAD_MAX_US  (5 * US_PER_SEC)
#define WAVE_PAUSE_US  (10 * US_PER_SEC)

enum {
	NOTE_MAX = 160
};

char *
server_name(const struct uri *uri)
{
	char *name;

	if (uri->scheme == URI_TMPFS)
		return strdup("");
	if (asprintf(&name, "%s %s:%u", uri_scheme_name(uri->scheme), uri->host,
		    (unsigned)uri->port) < 0)
		return NULL;
	return name;
}

char *
server_name_of(const char *text)
{
	struct uri uri;

	if (uri_parse(text, strlen(text), &uri, NULL) < 0)
		return strdup("");
	return server_name(&uri);
}

static struct server *
find(struct supervisor *supervisor, const char *name)
{
	struct server *server;

	HASH_FIND(hh, supervisor->servers, name, strlen(name), server);
	return server;
}

/* A time within span_us from now, another for everybody. */
static uint64_t
some_time_within(uint64_t span_us)
{
	uint32_t random = 0;

	/* Without randomness they come back together. */
	(void)!getrandom(&random, sizeof(random), GRND_NONBLOCK);
	return clock_boot_us() + (span_us * random >> 32);
}

static uint64_t
spread_us(size_t count)
{
	uint64_t span_us = count * SPREAD_EACH_US;

	return span_us < SPREAD_MAX_US ? span_us : SPREAD_MAX_US;
}

static void
release_within(struct target *target, uint64_t span_us)
{
	/* Without memory for a timer: at once. */
	if (loop_arm(target->supervisor->loop, &target->release,
		    some_time_within(span_us)) < 0)
		target->release.on_due(&target->release);
}

static void
on_release(struct loop_timer *timer)
{
	struct target *target = container_of(timer, struct target, release);

	target->is_paused = target->supervisor->is_paused;
	target->is_held = target->server && target->server->is_held;
	if (target->is_called)
		target_retry(target);
	target->is_called = false;
	target_touch(target);
}

/* --- turns */

static void
schedule_turn(struct server *server, uint64_t pause_us)
{
	/* Without memory for a timer: the next report, or exit, tries again. */
	(void)loop_arm(server->supervisor->loop, &server->next_turn,
		clock_boot_us() + pause_us);
}

static bool
may_have_turn(const struct target *target)
{
	return target->phase == PHASE_RUNNING && target->has_reported &&
	       server_hold(target) == HOLD_SERVER &&
	       target->heard_hold == HOLD_SERVER &&
	       target->status.state != TARGET_STUCK;
}

static void
give_turn(struct server *server)
{
	struct target *target;

	TAILQ_FOREACH (target, &server->targets, in_server)
		if (may_have_turn(target))
			break;
	if (!target)
		return;
	TAILQ_REMOVE(&server->targets, target, in_server);
	TAILQ_INSERT_TAIL(&server->targets, target, in_server);
	server->turn_of = target;
	server->turn_until_us = clock_boot_us() + TURN_DEADLINE_US;
	target_give_turn(target);
}

static void
on_next_turn(struct loop_timer *timer)
{
	struct server *server = container_of(timer, struct server, next_turn);

	if (!server->is_held)
		return;
	if (server->turn_of && clock_boot_us() >= server->turn_until_us)
		server->turn_of = NULL;
	if (!server->turn_of)
		give_turn(server);
	schedule_turn(server, TURN_PAUSE_US);
}

/* --- held and let go */

static void
hold(struct server *server)
{
	struct target *target;
	char note[NOTE_MAX];

	server->is_held = true;
	server->held_since_us = clock_unix_us();
	server->turn_of = NULL;
	TAILQ_FOREACH (target, &server->targets, in_server) {
		target->is_held = true;
		target->is_called = false;
		target_touch(target);
	}
	(void)snprintf(note, sizeof(note),
		"stuck operations: %zu; connections, now tried one at a "
		"time: %zu",
		server->stuck, server->target_count);
	log_warning("server %s: %s", server->name, note);
	journal_note(server->supervisor, EVENT_SERVER_HELD, NULL, server->name,
		note);
	schedule_turn(server, TURN_PAUSE_US);
}

static void
let_go(struct server *server, const char *why)
{
	struct target *target;
	uint64_t span_us = spread_us(server->target_count);

	server->is_held = false;
	server->turn_of = NULL;
	loop_disarm(server->supervisor->loop, &server->next_turn);
	TAILQ_FOREACH (target, &server->targets, in_server)
		release_within(target, span_us);
	log_notice("server %s: %s: its connections are tried again",
		server->name, why);
	journal_note(
		server->supervisor, EVENT_SERVER_FREE, NULL, server->name, why);
}

void
server_look(struct supervisor *supervisor, const char *name)
{
	struct server *server = find(supervisor, name);
	size_t most = supervisor->conf.server_stuck_max;

	if (!server)
		return;
	server->stuck = ledger_count(&supervisor->ledger, name);
	if (server->tolerated > server->stuck)
		server->tolerated = server->stuck;
	if (!server->is_held && server->stuck >= server->tolerated + most)
		hold(server);
	else if (server->is_held && server->stuck < server->tolerated + most)
		let_go(server, "what was stuck has ended");
}

/* --- a server that comes back without ever having been held */

/* Whether it waits for its server and for nothing else. */
static bool
waits_for_server(const struct target *target)
{
	enum err_code error = target->status.error;

	if (target->phase != PHASE_RUNNING ||
		target_wanted(target) != WANTED_UP)
		return false;
	if (target->status.state == TARGET_UNRESPONSIVE)
		return error != ERR_WORKER_DIED;
	return target->status.state == TARGET_BACKOFF &&
	       (error == ERR_UNREACHABLE || error == ERR_TIMED_OUT ||
		       error == ERR_NAME_LOOKUP);
}

/* Else each would wait for the end of its own back-off. */
static void
call_others(struct target *first)
{
	struct server *server = first->server;
	uint64_t now_us = clock_boot_us();
	uint64_t span_us = spread_us(server->target_count);
	struct target *target;

	if (server->is_held || now_us < server->no_wave_before_us)
		return;
	TAILQ_FOREACH (target, &server->targets, in_server) {
		if (target == first || !waits_for_server(target) ||
			target->is_called)
			continue;
		target->is_called = true;
		release_within(target, span_us);
		server->no_wave_before_us = now_us + WAVE_PAUSE_US;
	}
}

static void
end_turn(struct server *server, struct target *target)
{
	enum target_state state = target->status.state;
	/* A refusal is an answer, too; an unmount asks nobody. */
	bool is_well = state == TARGET_CONNECTED || state == TARGET_BLOCKED;

	server->turn_of = NULL;
	if (!is_well) {
		schedule_turn(server, TURN_PAUSE_US);
		return;
	}
	/* It answers all the same: more have to get stuck. */
	server->tolerated = server->stuck;
	let_go(server, "it answers again");
}

void
server_note_report(struct target *target, const struct status_message *before)
{
	struct server *server = target->server;

	if (!server)
		return;
	if (server->is_held && server->turn_of == target &&
		target->heard_turn == target->turn)
		end_turn(server, target);
	if (target->status.state == TARGET_CONNECTED &&
		before->state != TARGET_CONNECTED)
		call_others(target);
}

void
server_note_exit(struct target *target)
{
	struct server *server = target->server;

	if (server && server->turn_of == target)
		server->turn_of = NULL;
}

enum hold
server_hold(const struct target *target)
{
	if (target->is_paused)
		return HOLD_PAUSED;
	return target->is_held ? HOLD_SERVER : HOLD_NONE;
}

void
server_pause_all(struct supervisor *supervisor)
{
	struct target *target, *next;

	HASH_ITER (by_uri, supervisor->targets, target, next) {
		target->is_paused = true;
		target_touch(target);
	}
}

void
server_resume_all(struct supervisor *supervisor)
{
	struct target *target, *next;

	HASH_ITER (by_uri, supervisor->targets, target, next)
		release_within(target,
			target->server ? spread_us(target->server->target_count)
				       : 0);
}

/* --- members */

static struct server *
server_new(struct supervisor *supervisor, const char *name)
{
	struct server *server = calloc(1, sizeof(*server));

	if (!server)
		return NULL;
	server->supervisor = supervisor;
	server->name = strdup(name);
	if (!server->name) {
		free(server);
		return NULL;
	}
	server->next_turn.on_due = on_next_turn;
	TAILQ_INIT(&server->targets);
	HASH_ADD_KEYPTR(hh, supervisor->servers, server->name,
		strlen(server->name), server);
	return server;
}

int
server_join(struct target *target, const struct uri *uri)
{
	struct supervisor *supervisor = target->supervisor;
	cleanup_free char *name = server_name(uri);
	struct server *server;

	target->release.on_due = on_release;
	target->is_paused = supervisor->is_paused;
	if (!name)
		return -ENOMEM;
	if (!*name)
		return 0;
	server = find(supervisor, name);
	if (!server)
		server = server_new(supervisor, name);
	if (!server)
		return -ENOMEM;
	target->server = server;
	TAILQ_INSERT_TAIL(&server->targets, target, in_server);
	server->target_count++;
	target->is_held = server->is_held;
	/* Of connections that were let go it may have stuck processes still. */
	server_look(supervisor, server->name);
	return 0;
}

void
server_leave(struct target *target)
{
	struct server *server = target->server;

	loop_disarm(target->supervisor->loop, &target->release);
	if (!server)
		return;
	server_note_exit(target);
	TAILQ_REMOVE(&server->targets, target, in_server);
	target->server = NULL;
	if (--server->target_count > 0)
		return;
	loop_disarm(server->supervisor->loop, &server->next_turn);
	HASH_DELETE(hh, server->supervisor->servers, server);
	free(server->name);
	free(server);
}
