/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ledger.h - processes of operations that do not end though they were killed.
 *
 * Runs in: supervisor.
 * Trusts: a worker for which of its own processes are stuck, and no further: by
 *         the kernel's word an entry is of the worker's session and lives as
 *         long as the process that it names.
 * Invariant: one entry a process and connection: a number that is given to
 *            another process later is never taken for it (pidfd, and the start
 *            time over restarts). Entries outlive the worker, the connection
 *            and the daemon, not the host's boot: base/ledger in run_dir. Where
 *            /proc hides others' processes (hidepid=) a worker is believed, but
 *            no longer than it lives.
 */
#ifndef SUPERVISOR_LEDGER_H
#define SUPERVISOR_LEDGER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "common/loop.h"
#include "proto/state.h"

struct ledger;
struct supervisor;
struct target;

struct ledger_entry {
	TAILQ_ENTRY(ledger_entry) in_ledger;
	struct ledger *ledger;
	pid_t pid;	  /* in the host's numbers */
	uint64_t started; /* clock ticks after boot; 0: cannot be read */
	enum operation operation;
	uint64_t since_us;	    /* Unix time */
	char *uri;		    /* of the connection */
	char *server;		    /* see server_name() */
	pid_t worker;		    /* that reports it; 0 once that is gone */
	bool is_suspect;	    /* its worker is gone; it may end yet */
	struct loop_source process; /* pidfd */
	struct loop_timer grace;    /* of a suspect */
};

TAILQ_HEAD(ledger_list, ledger_entry);

struct ledger {
	struct supervisor *supervisor;
	struct ledger_list entries; /* oldest first, suspects too */
	size_t count;
	bool is_dirty; /* the file says otherwise */
};

/* Takes up what an earlier supervisor of this boot wrote down and is still
 * true. */
void ledger_init(struct ledger *ledger, struct supervisor *supervisor);
void ledger_done(struct ledger *ledger);

/* The worker has reported: status.stuck_*. */
void ledger_note_report(struct ledger *ledger, struct target *target);
/* The worker has ended: what it was doing may not have. */
void ledger_note_exit(
	struct ledger *ledger, struct target *target, pid_t worker);

/* At the turn's end: writes down what has changed. */
void ledger_flush(struct ledger *ledger);

/* 1 << each kind of operation of which a process of an earlier worker of this
 * connection has not ended. */
unsigned ledger_earlier_kinds(
	const struct ledger *ledger, const struct target *target);
/* The connection's oldest, suspects aside; NULL if there is none. */
const struct ledger_entry *ledger_oldest(
	const struct ledger *ledger, const char *uri);
/* How many of a server's are stuck. */
size_t ledger_count(const struct ledger *ledger, const char *server);

#endif
