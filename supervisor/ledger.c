/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ledger.c - processes of operations that do not end though they were killed.
 *
 * Runs in: supervisor.
 * Trusts: see ledger.h.
 * Invariant: see ledger.h. The file is rewritten with each change of what it
 *            says; one that cannot be written costs memory over a restart, no
 *            more.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/guard.h"
#include "common/log.h"
#include "supervisor/journal.h"
#include "supervisor/ledger_private.h"
#include "supervisor/process.h"
#include "supervisor/server.h"
#include "supervisor/supervisor.h"

/* What was killed with its worker is mostly gone by then. */
#define GRACE_US (2 * US_PER_SEC)

enum {
	ENTRIES_MAX = 8192, /* two of each connection */
	/* A worker has one of a kind; some of workers before it may be there. */
	ENTRIES_OF_ONE_MAX = 4 * OPERATION_COUNT,
	NOTE_MAX = 256,
};

static void
entry_free(struct ledger_entry *entry)
{
	struct ledger *ledger = entry->ledger;

	loop_disarm(ledger->supervisor->loop, &entry->grace);
	loop_forget(ledger->supervisor->loop, &entry->process);
	guard_close(&entry->process.fd);
	TAILQ_REMOVE(&ledger->entries, entry, in_ledger);
	ledger->count--;
	free(entry->uri);
	free(entry->server);
	free(entry);
}

/* The connection's next worker, and its server, may go on. */
static void
tell_others(struct ledger *ledger, const char *uri, const char *server)
{
	struct target *target = target_find(ledger->supervisor, uri);

	if (target)
		target_touch(target);
	server_look(ledger->supervisor, server);
}

static void
on_ended(struct loop_source *source, uint32_t events)
{
	struct ledger_entry *entry =
		container_of(source, struct ledger_entry, process);
	struct ledger *ledger = entry->ledger;
	cleanup_free char *uri = strdup(entry->uri);
	cleanup_free char *server = strdup(entry->server);
	bool was_stuck = !entry->is_suspect;
	char note[NOTE_MAX];

	if (was_stuck) {
		(void)snprintf(note, sizeof(note),
			"process %d (%s) has ended, %llu s after it was stuck",
			(int)entry->pid, operation_word(entry->operation),
			(unsigned long long)((clock_unix_us() -
						     entry->since_us) /
					     US_PER_SEC));
		log_notice(
			"server %s: %s: %s", entry->server, entry->uri, note);
		journal_note(ledger->supervisor, EVENT_FREED,
			target_find(ledger->supervisor, entry->uri),
			entry->server, note);
	}
	entry_free(entry);
	if (was_stuck)
		ledger->is_dirty = true;
	if (uri && server)
		tell_others(ledger, uri, server);
}

static void
note_stuck(struct ledger_entry *entry)
{
	struct ledger *ledger = entry->ledger;
	char note[NOTE_MAX];

	entry->is_suspect = false;
	(void)snprintf(note, sizeof(note),
		"process %d (%s) does not end though it was killed",
		(int)entry->pid, operation_word(entry->operation));
	log_warning("server %s: %s: %s", entry->server, entry->uri, note);
	journal_note(ledger->supervisor, EVENT_STUCK,
		target_find(ledger->supervisor, entry->uri), entry->server,
		note);
	ledger->is_dirty = true;
	tell_others(ledger, entry->uri, entry->server);
}

static void
on_grace_over(struct loop_timer *timer)
{
	note_stuck(container_of(timer, struct ledger_entry, grace));
}

/* 0, or -errno: -ESRCH when it has ended meanwhile. */
static int
watch(struct ledger_entry *entry)
{
	entry->process = (struct loop_source){.fd = process_open(entry->pid),
		.events = EPOLLIN,
		.on_event = on_ended};
	if (entry->process.fd < 0) {
		int result = entry->process.fd;

		entry->process.fd = -1;
		/* A thread's number, by old kernels and by new ones. */
		return result == -EINVAL || result == -ENOENT ? -ESRCH : result;
	}
	return loop_watch(entry->ledger->supervisor->loop, &entry->process);
}

/* Behind the pidfd: from there on the number is this process's. */
static int
identify(struct ledger_entry *entry, pid_t session)
{
	struct process_facts facts;
	int result = process_read(entry->pid, &facts);

	if (result < 0)
		return result == -ENOENT ? 0 : result;
	if (session != 0 && facts.session != session)
		return -EPERM;
	entry->started = facts.started;
	return 0;
}

static struct ledger_entry *
find(const struct ledger *ledger, pid_t pid, const char *uri)
{
	struct ledger_entry *entry;

	TAILQ_FOREACH (entry, &ledger->entries, in_ledger)
		if (entry->pid == pid && strcmp(entry->uri, uri) == 0)
			return entry;
	return NULL;
}

/* One that was taken over could fork, and report, for ever. */
static bool
has_room(const struct ledger *ledger, const char *uri)
{
	const struct ledger_entry *entry;
	unsigned count = 0;

	TAILQ_FOREACH (entry, &ledger->entries, in_ledger)
		if (strcmp(entry->uri, uri) == 0)
			count++;
	return count < ENTRIES_OF_ONE_MAX && ledger->count < ENTRIES_MAX;
}

int
ledger_add(struct ledger *ledger, const struct ledger_entry *facts,
	pid_t session, struct ledger_entry **ret_entry)
{
	struct ledger_entry *entry;
	int result;

	if (find(ledger, facts->pid, facts->uri))
		return -EEXIST;
	if (!has_room(ledger, facts->uri))
		return -ENOSPC;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return -ENOMEM;
	*entry = *facts;
	entry->ledger = ledger;
	entry->process.fd = -1;
	entry->grace.on_due = on_grace_over;
	entry->uri = strdup(facts->uri);
	entry->server = server_name_of(facts->uri);
	TAILQ_INSERT_TAIL(&ledger->entries, entry, in_ledger);
	ledger->count++;
	result = entry->uri && entry->server ? watch(entry) : -ENOMEM;
	if (result == 0)
		result = identify(entry, session);
	if (result < 0) {
		entry_free(entry);
		return result;
	}
	*ret_entry = entry;
	return 0;
}

/* The worker, and with it what it forks, is in a session of its own: of no
 * other process it is believed anything. */
static struct ledger_entry *
note_process(struct ledger *ledger, struct target *target, pid_t worker,
	enum operation operation, uint64_t reported_pid)
{
	/* Those are in a PID namespace of their own. */
	pid_t pid = target->scheme == URI_ISCSI
			    ? process_host_number(worker, (pid_t)reported_pid)
			    : (pid_t)reported_pid;
	struct ledger_entry facts = {
		.pid = pid,
		.operation = operation,
		.since_us = clock_unix_us(),
		.uri = target->uri,
		.worker = worker,
		.is_suspect = true,
	};
	struct ledger_entry *entry = find(ledger, pid, target->uri);
	int result;

	if (entry)
		return entry;
	result = ledger_add(ledger, &facts, worker, &entry);
	if (result == 0)
		return entry;
	if (result == -ESRCH || !target_may_log(target))
		return NULL;
	if (result == -EPERM)
		log_warning("target %s: process %d is not its worker's, whose "
			    "word it is",
			target->uri, (int)reported_pid);
	else
		log_warning("target %s: process %d cannot be watched: %s",
			target->uri, (int)reported_pid, strerror(-result));
	return NULL;
}

/* What a status says of each kind. */
struct stuck_pids {
	uint64_t of[OPERATION_COUNT];
};

static struct stuck_pids
stuck_pids(const struct status_message *status)
{
	return (struct stuck_pids){{
		[OPERATION_CONNECT] = status->stuck_connect,
		[OPERATION_PROBE] = status->stuck_probe,
		[OPERATION_DETACH] = status->stuck_detach,
		[OPERATION_DISCONNECT] = status->stuck_disconnect,
		[OPERATION_TRIAL] = status->stuck_trial,
	}};
}

void
ledger_note_report(struct ledger *ledger, struct target *target)
{
	const struct stuck_pids pids = stuck_pids(&target->status);

	for (unsigned kind = 0; kind < OPERATION_COUNT; kind++) {
		struct ledger_entry *entry;

		if (pids.of[kind] == 0)
			continue;
		entry = note_process(ledger, target, target->link.pid,
			(enum operation)kind, pids.of[kind]);
		if (entry && entry->is_suspect)
			note_stuck(entry);
	}
}

/* It was killed with its worker, and dies now unless it is stuck. */
static void
suspect(struct ledger *ledger, struct target *target, pid_t worker)
{
	const struct status_message *status = &target->status;
	struct ledger_entry *entry = note_process(ledger, target, worker,
		status->operation, status->operation_pid);

	if (!entry)
		return;
	entry->worker = 0;
	if (entry->started == 0)
		entry_free(entry);
	else if (entry->is_suspect)
		(void)loop_arm(ledger->supervisor->loop, &entry->grace,
			clock_boot_us() + GRACE_US);
}

/* The next worker is not kept from working by what nobody can confirm. */
static void
forget_unconfirmed(struct ledger *ledger, pid_t worker)
{
	struct ledger_entry *entry, *next;

	for (entry = TAILQ_FIRST(&ledger->entries); entry; entry = next) {
		next = TAILQ_NEXT(entry, in_ledger);
		if (entry->worker == worker && entry->started == 0)
			entry_free(entry);
	}
}

void
ledger_note_exit(struct ledger *ledger, struct target *target, pid_t worker)
{
	struct ledger_entry *entry;

	forget_unconfirmed(ledger, worker);
	TAILQ_FOREACH (entry, &ledger->entries, in_ledger)
		if (entry->worker == worker)
			entry->worker = 0;
	/* What lived in a namespace of its own has died with it. */
	if (target->status.operation_pid != 0 && target->scheme != URI_ISCSI)
		suspect(ledger, target, worker);
}

unsigned
ledger_earlier_kinds(const struct ledger *ledger, const struct target *target)
{
	const struct ledger_entry *entry;
	unsigned kinds = 0;

	TAILQ_FOREACH (entry, &ledger->entries, in_ledger)
		if (entry->worker == 0 && strcmp(entry->uri, target->uri) == 0)
			kinds |= 1u << entry->operation;
	return kinds;
}

const struct ledger_entry *
ledger_oldest(const struct ledger *ledger, const char *uri)
{
	const struct ledger_entry *entry;

	TAILQ_FOREACH (entry, &ledger->entries, in_ledger)
		if (!entry->is_suspect && strcmp(entry->uri, uri) == 0)
			return entry;
	return NULL;
}

size_t
ledger_count(const struct ledger *ledger, const char *server)
{
	const struct ledger_entry *entry;
	size_t count = 0;

	TAILQ_FOREACH (entry, &ledger->entries, in_ledger)
		if (!entry->is_suspect && strcmp(entry->server, server) == 0)
			count++;
	return count;
}

void
ledger_init(struct ledger *ledger, struct supervisor *supervisor)
{
	ledger->supervisor = supervisor;
	TAILQ_INIT(&ledger->entries);
	ledger_load(ledger);
}

void
ledger_done(struct ledger *ledger)
{
	struct ledger_entry *entry;

	ledger_flush(ledger);
	while ((entry = TAILQ_FIRST(&ledger->entries)))
		entry_free(entry);
}
