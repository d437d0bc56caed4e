/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * supervisor.h - all that the supervisor has.
 *
 * Runs in: supervisor.
 * Invariant: a tree of ownership, no reference counts: supervisor > targets >
 *            link and claims; supervisor > clients > waiters. What one turn of
 *            the loop changes is decided at its end, end_turn():
 *            first the claims are committed, then targets act, then answers go
 *            out.
 */
#ifndef SUPERVISOR_SUPERVISOR_H
#define SUPERVISOR_SUPERVISOR_H

#include <sys/queue.h>

#include "common/loop.h"
#include "supervisor/batch.h"
#include "supervisor/claim.h"
#include "supervisor/claiming.h"
#include "supervisor/client.h"
#include "supervisor/conf.h"
#include "supervisor/credential.h"
#include "supervisor/fetch.h"
#include "supervisor/journal.h"
#include "supervisor/launch.h"
#include "supervisor/ledger.h"
#include "supervisor/mounts.h"
#include "supervisor/poll.h"
#include "supervisor/scan.h"
#include "supervisor/server.h"
#include "supervisor/sessions.h"
#include "supervisor/store.h"
#include "supervisor/target.h"
#include "supervisor/user.h"

struct supervisor {
	struct loop *loop;
	struct conf conf;
	struct store *store;
	struct launch launch;
	struct mounts mounts;
	struct sessions sessions;
	struct scan scan;
	struct batch batch;
	struct claiming_list claimings;
	struct fetch_list fetches;
	struct claim *claims;	/* uthash, by CID */
	struct user *users;	/* uthash, by uid */
	struct target *targets; /* uthash, by URI */
	struct target *targets_by_key;
	struct target_list touched; /* to be settled at the turn's end */
	struct journal journal;
	struct poll_list polls;
	struct ledger ledger;
	struct server *servers; /* uthash, by name */
	struct slots slots;
	struct client_list clients;
	size_t client_count;
	uint64_t handling_us; /* processor time at the turn's first request */
	struct loop_source listener;
	struct loop_timer listen_again;
	struct loop_source signals;
	struct loop_timer stop_deadline;
	int by_id_fd;	    /* directory run_dir/by-id */
	int mount_root_fd;  /* directory run_dir/mnt: mount points */
	int base_root_fd;   /* directory run_dir/base: what is bound there */
	int credentials_fd; /* directory state_dir/credentials */
	char mount_root[CONF_PATH_MAX + sizeof("/mnt")];
	uint64_t no_backup_before_us; /* boot time */
	bool is_paused;
	bool is_stopping;
	int stop_attempts;
	int exit_status;
};

/* What start-up has opened as root; taken by supervisor_run(). */
struct inheritance {
	int launcherfd;
	int listenfd;
	int mountinfofd;
	int ueventfd; /* -1: none is to be had */
	int by_id_fd;
	int mount_root_fd;
	int base_root_fd;
};

/*
 * Loads the claims and serves until SIGTERM, SIGINT or the launcher's end.
 * Returns the exit status of the process.
 */
int supervisor_run(
	const struct conf *conf, const struct inheritance *inheritance);
/* Whether a path of the mount table belongs to a target of ours. */
bool supervisor_owns_path(
	const struct supervisor *supervisor, const char *path);
/* Begins to stop: workers end, connections stay. */
void supervisor_stop(struct supervisor *supervisor, int exit_status);

#endif
