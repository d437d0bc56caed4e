/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * target.h - one connection: its claims, its directory, its worker, its state.
 *
 * Runs in: supervisor.
 * Trusts: its worker's reports only as far as they concern this target.
 * Invariant: exactly one worker at a time. The phase says how far directory
 *            and worker are; what is to be done next follows from phase and
 *            claims alone, in target_settle().
 */
#ifndef SUPERVISOR_TARGET_H
#define SUPERVISOR_TARGET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <uthash.h>

#include "common/loop.h"
#include "proto/message.h"
#include "proto/uri.h"
#include "supervisor/claim.h"
#include "supervisor/journal.h"
#include "supervisor/launcher.h"
#include "supervisor/link.h"
#include "supervisor/mounts.h"
#include "supervisor/record.h"

struct claiming;
struct credential;
struct fetch;
struct server;
struct session_entry;
struct supervisor;
struct waiter;

enum target_phase {
	PHASE_ABSENT,	 /* no directory */
	PHASE_PREPARING, /* the launcher binds the directory */
	PHASE_READY,	 /* no worker */
	PHASE_STARTING,	 /* the launcher starts one */
	PHASE_RUNNING,
	PHASE_STOPPING, /* it has been told to end */
	PHASE_REMOVING, /* the launcher takes the bind away */
};

enum {
	TARGET_PATH_MAX = 512,
	TARGET_HISTORY = 16,
	TARGET_HISTORY_TEXT = 96,
	TARGET_HOLDERS = 32,
};

struct target_event {
	uint64_t at_us; /* Unix time */
	enum target_state state;
	enum err_code error;
	char text[TARGET_HISTORY_TEXT];
};

struct target {
	UT_hash_handle by_uri;
	UT_hash_handle by_key;
	struct supervisor *supervisor;
	char *uri; /* canonical */
	char *mount_name;
	char *iqn; /* of an iSCSI target, else "" */
	enum uri_scheme scheme;
	uint64_t key;
	uint32_t slot;
	struct claim_list claims;
	size_t claim_count;
	TAILQ_HEAD(waiter_list, waiter) waiters;
	char *last_cid; /* of the claim that went last, for `wait` */
	uint8_t *info;	/* the fixed pairs of connectionInfo, as msgpack */
	size_t info_len;
	size_t info_pairs;
	struct credential *credential; /* NULL: none */
	struct claiming *trial;	       /* whose credentials are being tried */
	struct fetch *fetch;	       /* of a named credential, under way */
	bool is_departing;  /* the store knows that it has to be taken down */
	bool is_gone;	    /* departing, and taken down: the record may go */
	bool is_forgetting; /* its record in the store is being deleted */
	bool is_touched;
	TAILQ_ENTRY(target) in_touched;

	struct server *server; /* NULL: it needs none */
	TAILQ_ENTRY(target) in_server;
	bool is_held;		   /* by its server: see server.h */
	bool is_paused;		   /* by the method pause */
	bool is_called;		   /* its server is back: it is to try */
	struct loop_timer release; /* then it is let go, or called */

	enum target_phase phase;
	struct link link;
	unsigned pending;	    /* orders not sent yet, a bit each */
	bool has_reported;	    /* this worker, since it was started */
	enum wanted told;	    /* what the worker was told last */
	uint64_t started_us;	    /* when the worker was, boot time */
	uint64_t start_count;	    /* how many were */
	uint64_t restart_pause_us;  /* before the next start */
	struct loop_timer again;    /* a start or request to be tried again */
	struct loop_timer patience; /* then a worker that hangs is killed */
	struct loop_timer silence;  /* then it is asked whether it is there */
	uint32_t ping;		    /* number of the last such question */
	uint32_t pong;		    /* number of the last that was answered */
	uint64_t heard_us;	    /* boot time of the last report, or start */
	uint64_t attempt_after_us;  /* the current attempt began after that */
	enum hold told_hold;	    /* the limit that it was told last */
	unsigned told_earlier;
	enum hold heard_hold; /* and the one that it keeps to */
	unsigned heard_earlier;
	uint32_t turn;	     /* number of the last that it was given */
	uint32_t heard_turn; /* number of the last that is over */
	uint64_t gone_us;    /* boot time, when it said that all is gone */
	char *fault;	     /* what the worker said that it may not, or NULL */
	uint64_t log_window_us; /* boot time; lines of its log are counted */
	unsigned log_count;	/* from there on */

	struct status_message status;
	uint64_t since_us; /* Unix time, when status.state was entered */
	enum err_code logged_error;
	struct user *leaver;	    /* whose the last claim was; see user.h */
	uint64_t asked_us;	    /* boot time: last manage or retry of it */
	struct news news_of_claims; /* how much of it is told: see journal.c */
	struct news news_of_itself;
	struct record record;
	struct target_event *history; /* a ring of TARGET_HISTORY */
	size_t history_count;	      /* all that ever were */
	struct holder_message *holders;
	size_t holder_count;
	bool is_scan_wanted;
	uint64_t scan_wanted_us;     /* boot time, since when */
	uint64_t scan_not_before_us; /* boot time */
	struct loop_timer scan_again;

	/* From the mount table. */
	uint32_t mount_id; /* 0: not mounted */
	uint32_t device_major;
	uint32_t device_minor;
	char *mount_options; /* the file system's */
	char *mount_flags;   /* of this mount */
	uint32_t seen;	     /* reading of the table that showed it last */

	/* From the table of iSCSI sessions. */
	uint64_t disks_hash; /* of the disks that links lead to */

	/* Of the last scan, for the order `holders`. */
	uint64_t scanned_count;
	bool is_scan_complete;
};

TAILQ_HEAD(target_list, target);

/* Free slots of the launcher's table. */
struct slots {
	uint32_t free[LAUNCH_SLOT_SCANNER];
	size_t count;
	struct target *by_slot[LAUNCH_SLOTS];
};

void target_slots_init(struct slots *slots);

/*
 * Makes a target and registers it. -EEXIST (ERR_BAD_URI) when another URI has
 * the same key, -ENOSPC (ERR_TOO_MANY), -ENOMEM.
 */
int target_new(struct supervisor *supervisor, const struct uri *uri,
	struct target **ret_target, struct err *err);
/* Only in PHASE_ABSENT, or when the process ends. */
void target_free(struct target *target);
struct target *target_find(struct supervisor *supervisor, const char *uri);

/* Its mount point as the host sees it; path has TARGET_PATH_MAX bytes. */
void target_path(const struct supervisor *supervisor,
	const struct target *target, char *path);

/* A worker that has much to say may have only so much logged. */
bool target_may_log(struct target *target);
/* Has target_settle() look at it at the end of the turn. */
void target_touch(struct target *target);
/* Does the next step, if there is one to do. At the turn's end alone. */
void target_settle(struct target *target);
/* A new claim, or the method: try now what waits. */
void target_retry(struct target *target);
/* Shortens a wait of our own for the next worker; says nothing to a running
 * one. */
void target_hurry(struct target *target);
/* The launcher answered for this slot. Takes pidfd. */
void target_on_launch_reply(
	struct target *target, const struct launch_reply *reply, int pidfd);
/* The mount table was read; reading numbers such readings. */
void target_see_mount(struct target *target, const struct mount_entry *entry,
	uint32_t reading);
void target_end_reading(struct target *target, uint32_t reading);
/* The table of iSCSI sessions was read. */
void target_session_see(struct target *target);
/* Whether its mount or session is there, by the kernel's tables. */
bool target_has_object(const struct target *target);
/* Its iSCSI session, valid until the next reading; NULL when there is none. */
struct session_entry *target_session(const struct target *target);
/* The block device of that LUN, or of the lowest for -1; path has
 * TARGET_PATH_MAX bytes. False when there is none now. */
bool target_disk_path(const struct target *target, int32_t lun, char *path);

/* Takes credential (NULL: none): what the worker logs in with from now on. */
void target_set_credential(
	struct target *target, struct credential *credential);
/* Asks for a named credential once more, since its file may have changed. */
void target_refresh_credential(struct target *target);
/* Has the worker try target->trial's credentials. */
void target_try_credential(struct target *target);
/* Who holds it; takes over nothing. */
void target_set_holders(struct target *target,
	const struct holder_message *holders, size_t count);
/*
 * A scan is over that was asked for in LINGERING or DISCONNECTING; the holders
 * are set. Only 0 of a complete one means that nobody holds it, and even that
 * is the past: who came meanwhile was not seen.
 */
void target_on_scanned(struct target *target, uint64_t count, bool is_complete);
/* Ends the worker without disconnecting, for the daemon's end. */
void target_stop(struct target *target);

#endif
