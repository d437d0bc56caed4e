/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * supervisor.c - what happens in a turn, and from the first to the last.
 *
 * Runs in: supervisor, without any privilege.
 * Invariant: see supervisor.h. Nothing here waits for storage, a server, a
 *            worker or a client; for the store's disk it does.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/guard.h"
#include "common/log.h"
#include "supervisor/load.h"
#include "supervisor/notify.h"
#include "supervisor/pause.h"
#include "supervisor/supervisor.h"
#include "supervisor/waiter.h"

/* Descriptors: of a target, and of the daemon itself at most. */
enum {
	FILES_PER_TARGET = 3,
	OTHER_FILES = 64,
};

/* Workers that have not ended by then are killed. */
#define STOP_DEADLINE_US (US_PER_SEC)
#define BACKUP_PAUSE_US	 (60 * US_PER_SEC)

static void
on_launch_reply(const struct launch_reply *reply, int pidfd, void *data)
{
	struct supervisor *supervisor = data;
	struct target *target = supervisor->slots.by_slot[reply->slot];

	if (reply->op == LAUNCH_CREDENTIAL)
		fetch_on_launch_reply(supervisor, reply, pidfd);
	else if (reply->slot == LAUNCH_SLOT_SCANNER)
		scan_on_launch_reply(&supervisor->scan, reply, pidfd);
	else if (target)
		target_on_launch_reply(target, reply, pidfd);
	else
		guard_close(&pidfd);
}

static void
on_launcher_end(void *data)
{
	struct supervisor *supervisor = data;

	if (supervisor->is_stopping)
		return;
	log_error("launcher: it has ended, so no worker can be started any "
		  "more; ending, to be started anew");
	supervisor->exit_status = EXIT_FAILURE;
	loop_quit(supervisor->loop);
}

/* Below the mount root: ours, or mounted inside something of ours. */
bool
supervisor_owns_path(const struct supervisor *supervisor, const char *path)
{
	size_t len = strlen(supervisor->mount_root);
	struct target *target;
	uint64_t key;
	char *end;

	if (strncmp(path, supervisor->mount_root, len) != 0 || path[len] != '/')
		return false;
	key = strtoull(path + len + 1, &end, 16);
	if (end != path + len + 17)
		return false;
	HASH_FIND(
		by_key, supervisor->targets_by_key, &key, sizeof(key), target);
	return target != NULL;
}

struct reading {
	struct supervisor *supervisor;
	uint32_t number;
};

static void
see_mount(const struct mount_entry *entry, void *data)
{
	const struct reading *reading = data;
	const struct supervisor *supervisor = reading->supervisor;
	size_t len = strlen(supervisor->mount_root);
	struct target *target;
	const char *rest;
	uint64_t key;

	if (strncmp(entry->path, supervisor->mount_root, len) != 0 ||
		entry->path[len] != '/')
		return;
	key = strtoull(entry->path + len + 1, (char **)&rest, 16);
	HASH_FIND(
		by_key, supervisor->targets_by_key, &key, sizeof(key), target);
	/* "/KEY" alone is the launcher's bind. */
	if (target && *rest == '/' && strcmp(rest + 1, target->mount_name) == 0)
		target_see_mount(target, entry, reading->number);
}

static void
on_mounts(void *data)
{
	static uint32_t number;
	struct supervisor *supervisor = data;
	struct reading reading = {supervisor, ++number};
	struct target *target, *next;

	mounts_each(&supervisor->mounts, see_mount, &reading);
	HASH_ITER (by_uri, supervisor->targets, target, next)
		target_end_reading(target, number);
}

static void
on_sessions(void *data)
{
	struct supervisor *supervisor = data;
	struct target *target, *next;

	HASH_ITER (by_uri, supervisor->targets, target, next)
		target_session_see(target);
}

static void
settle_touched(struct supervisor *supervisor)
{
	struct target_list list = TAILQ_HEAD_INITIALIZER(list);
	struct target *target;

	/* One that is touched again meanwhile waits for the next round. */
	TAILQ_CONCAT(&list, &supervisor->touched, in_touched);
	while ((target = TAILQ_FIRST(&list))) {
		TAILQ_REMOVE(&list, target, in_touched);
		target->is_touched = false;
		waiter_wake(target);
		target_settle(target);
	}
}

static bool
is_all_ended(const struct supervisor *supervisor)
{
	struct target *target, *next;

	HASH_ITER (by_uri, supervisor->targets, target, next)
		if (target->link.pid != 0)
			return false;
	return true;
}

/* One that fails is not tried again in each turn. */
static void
back_up(struct supervisor *supervisor)
{
	struct err err;

	if (store_backup(supervisor->store, &err) == 0)
		return;
	log_warning("store: no backup: %s", err.text);
	supervisor->no_backup_before_us = clock_boot_us() + BACKUP_PAUSE_US;
}

static void
end_turn(void *data)
{
	struct supervisor *supervisor = data;

	client_begin_turn(supervisor);
	client_handle_all(supervisor);
	batch_commit(&supervisor->batch);
	/* Those that were not to see what a batch had not written yet. */
	client_handle_all(supervisor);
	batch_commit(&supervisor->batch);
	settle_touched(supervisor);
	batch_commit(&supervisor->batch);
	ledger_flush(&supervisor->ledger);
	poll_wake_all(supervisor);
	client_flush_all(supervisor);
	if (!TAILQ_EMPTY(&supervisor->touched))
		loop_hurry(supervisor->loop);
	if (supervisor->is_stopping && is_all_ended(supervisor))
		loop_quit(supervisor->loop);
	if (clock_boot_us() >= supervisor->no_backup_before_us &&
		store_backup_is_due(supervisor->store))
		back_up(supervisor);
}

void
supervisor_stop(struct supervisor *supervisor, int exit_status)
{
	struct target *target, *next;

	if (supervisor->is_stopping)
		return;
	supervisor->is_stopping = true;
	supervisor->exit_status = exit_status;
	notify_stopping();
	loop_change(supervisor->loop, &supervisor->listener, 0);
	HASH_ITER (by_uri, supervisor->targets, target, next)
		target_stop(target);
	(void)loop_arm(supervisor->loop, &supervisor->stop_deadline,
		clock_boot_us() + STOP_DEADLINE_US);
}

static void
on_stop_deadline(struct loop_timer *timer)
{
	struct supervisor *supervisor =
		container_of(timer, struct supervisor, stop_deadline);
	struct target *target, *next;

	if (supervisor->stop_attempts++ > 0) {
		/* What still lives is the launcher's to kill, or, if that is
		 * stopped as well, the next start's. */
		loop_quit(supervisor->loop);
		return;
	}
	HASH_ITER (by_uri, supervisor->targets, target, next)
		if (target->link.pid != 0)
			(void)launch_kill(&supervisor->launch, target->slot);
	(void)loop_arm(supervisor->loop, timer,
		clock_boot_us() + STOP_DEADLINE_US / 2);
}

static void
on_signal(struct loop_source *source, uint32_t events)
{
	struct supervisor *supervisor =
		container_of(source, struct supervisor, signals);
	struct signalfd_siginfo info;

	if (read(source->fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGHUP) {
		log_notice("SIGHUP: settings are read at the start alone; "
			   "restart to change them, connections stay");
		return;
	}
	log_notice("stopping; connections stay");
	supervisor_stop(supervisor, EXIT_SUCCESS);
}

static void
on_listener(struct loop_source *source, uint32_t events)
{
	client_accept(container_of(source, struct supervisor, listener));
}

static void
on_listen_again(struct loop_timer *timer)
{
	client_accept_again(
		container_of(timer, struct supervisor, listen_again));
}

static int
watch_signals(struct supervisor *supervisor)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	supervisor->signals = (struct loop_source){
		.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK),
		.events = EPOLLIN,
		.on_event = on_signal,
	};
	if (supervisor->signals.fd < 0)
		return -errno;
	return loop_watch(supervisor->loop, &supervisor->signals);
}

/* Everything that events come from; each takes its descriptor. */
static int
watch_all(struct supervisor *supervisor, const struct inheritance *inheritance)
{
	int result;

	supervisor->listener = (struct loop_source){
		.fd = inheritance->listenfd,
		.events = EPOLLIN,
		.on_event = on_listener,
	};
	supervisor->listen_again.on_due = on_listen_again;
	supervisor->stop_deadline.on_due = on_stop_deadline;
	supervisor->launch.on_reply = on_launch_reply;
	supervisor->launch.on_end = on_launcher_end;
	supervisor->launch.data = supervisor;
	supervisor->mounts.on_change = on_mounts;
	supervisor->mounts.data = supervisor;
	supervisor->sessions.on_change = on_sessions;
	supervisor->sessions.data = supervisor;
	loop_on_turn_end(supervisor->loop, end_turn, supervisor);
	result = loop_watch(supervisor->loop, &supervisor->listener);
	if (result == 0)
		result = launch_init(&supervisor->launch, supervisor->loop,
			inheritance->launcherfd);
	if (result == 0)
		result = mounts_init(&supervisor->mounts, supervisor->loop,
			inheritance->mountinfofd);
	if (result == 0)
		result = sessions_init(&supervisor->sessions, supervisor->loop,
			inheritance->ueventfd);
	if (result == 0)
		result = watch_signals(supervisor);
	return result;
}

static void
release_all(struct supervisor *supervisor)
{
	struct target *target, *next_target;
	struct claim *claim, *next_claim;

	claiming_end_all(supervisor);
	client_close_all(supervisor);
	/* A restart finds the claims as they were told last. */
	back_up(supervisor);
	store_close(supervisor->store);
	HASH_ITER (hh, supervisor->claims, claim, next_claim) {
		claim_remove(supervisor, claim);
		claim_free(claim);
	}
	HASH_ITER (by_uri, supervisor->targets, target, next_target)
		target_free(target);
	ledger_done(&supervisor->ledger);
	user_free_all(supervisor);
	journal_done(&supervisor->journal);
	fetch_end_all(supervisor);
	scan_done(&supervisor->scan);
	sessions_done(&supervisor->sessions);
	mounts_done(&supervisor->mounts);
	guard_close(&supervisor->credentials_fd);
	launch_done(&supervisor->launch);
	guard_close(&supervisor->signals.fd);
	guard_close(&supervisor->listener.fd);
	loop_free(supervisor->loop);
}

static int
serve(struct supervisor *supervisor, const struct inheritance *inheritance,
	struct err *err)
{
	int result = loop_new(&supervisor->loop);

	if (result == 0)
		result = watch_all(supervisor, inheritance);
	if (result < 0)
		return err_set(err, ERR_INTERNAL, -result,
			"the event loop cannot be set up: %s",
			strerror(-result));
	scan_init(&supervisor->scan, supervisor);
	journal_init(&supervisor->journal, supervisor);
	pause_load(supervisor);
	ledger_init(&supervisor->ledger, supervisor);
	result = load_claims(supervisor, err);
	if (result < 0)
		return result;
	on_mounts(supervisor);
	on_sessions(supervisor);
	notify_ready();
	log_notice("ready");
	result = loop_run(supervisor->loop);
	if (result < 0)
		return err_set(err, ERR_INTERNAL, -result,
			"the event loop failed: %s", strerror(-result));
	release_all(supervisor);
	return 0;
}

/*
 * A target takes three descriptors, a client one: what the host does not allow
 * is refused with a clear error now, rather than found out in the middle.
 */
static void
fit_limits(struct conf *conf)
{
	struct rlimit limit;
	uint64_t taken = conf->clients_max + OTHER_FILES;
	uint64_t fits = 1;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	if (limit.rlim_cur > taken)
		fits = (limit.rlim_cur - taken) / FILES_PER_TARGET;
	if (fits >= conf->connections_max)
		return;
	log_warning("%llu open files allow %llu connections, not %llu: raise "
		    "the limit (LimitNOFILE=)",
		(unsigned long long)limit.rlim_cur, (unsigned long long)fits,
		(unsigned long long)conf->connections_max);
	conf->connections_max = fits;
}

int
supervisor_run(const struct conf *conf, const struct inheritance *inheritance)
{
	struct supervisor *supervisor = calloc(1, sizeof(*supervisor));
	struct err err = {0};
	int status;

	if (!supervisor)
		return EXIT_FAILURE;
	supervisor->conf = *conf;
	fit_limits(&supervisor->conf);
	supervisor->by_id_fd = inheritance->by_id_fd;
	supervisor->mount_root_fd = inheritance->mount_root_fd;
	supervisor->base_root_fd = inheritance->base_root_fd;
	(void)snprintf(supervisor->mount_root, sizeof(supervisor->mount_root),
		"%s/mnt", conf->run_dir);
	TAILQ_INIT(&supervisor->clients);
	TAILQ_INIT(&supervisor->touched);
	TAILQ_INIT(&supervisor->claimings);
	TAILQ_INIT(&supervisor->fetches);
	TAILQ_INIT(&supervisor->polls);
	supervisor->credentials_fd = -1;
	target_slots_init(&supervisor->slots);
	batch_init(&supervisor->batch, supervisor);
	if (serve(supervisor, inheritance, &err) < 0) {
		log_error("%s", err.text);
		supervisor->exit_status = EXIT_FAILURE;
	}
	status = supervisor->exit_status;
	free(supervisor);
	return status;
}
