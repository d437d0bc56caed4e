/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * iscsi.h - iSCSI sessions and their disks, as the kernel shows them in sysfs.
 *
 * Runs in: supervisor (the table of sessions); worker (its own session).
 * Trusts: the kernel for the structure; names in it come from targets and
 *         administrators.
 * Invariant: nothing here sends anything to a target or touches a disk: what
 *            is read are the kernel's own variables, so nothing can block.
 *
 * Source: drivers/scsi/scsi_transport_iscsi.c of the kernel.
 */
#ifndef COMMON_ISCSI_H
#define COMMON_ISCSI_H

#include <stdbool.h>
#include <stdint.h>

enum {
	ISCSI_NAME_SIZE = 224, /* 223 bytes, RFC 7143 4.2.7.1, and NUL */
	ISCSI_ADDRESS_SIZE = 256,
	ISCSI_IFACE_SIZE = 64,
	ISCSI_STATE_SIZE = 16,
	ISCSI_DISK_SIZE = 32,
	/* Of session numbers: the kernel counts up from 1 since boot. */
	ISCSI_SESSION_MAX = INT32_MAX / 4,
};

struct iscsi_session {
	uint32_t number;
	char target[ISCSI_NAME_SIZE];
	/* What was asked for at login, whatever portal it was sent on to. */
	char address[ISCSI_ADDRESS_SIZE];
	uint16_t port;
	uint16_t tpgt;
	char iface[ISCSI_IFACE_SIZE];
	char state[ISCSI_STATE_SIZE]; /* LOGGED_IN, FAILED, FREE */
	/*
	 * Whether it was ever logged in. A session object exists from the first
	 * attempt on, and is FREE until that succeeds, and again when recovery
	 * took longer than replacement_timeout.
	 */
	bool has_been_in;
};

/* 0, or -errno: -ENOENT when there is none of that number (any more). */
int iscsi_session_read(uint32_t number, struct iscsi_session *ret_session);
/* Its state alone. 0 or -errno. */
int iscsi_session_read_state(uint32_t number, char ret_state[ISCSI_STATE_SIZE]);
/* How it finds out that its target is gone, and for how long it waits then. */
struct iscsi_timeouts {
	uint32_t recv_s;     /* quiet for so long, and it is pinged */
	uint32_t ping_s;     /* for the answer */
	uint32_t recovery_s; /* before its disks fail */
};
/* 0 or -errno. */
int iscsi_session_read_timeouts(
	uint32_t number, struct iscsi_timeouts *ret_timeouts);
bool iscsi_session_is_in(const struct iscsi_session *session);
/*
 * Hands each session to each() until it returns false; one that goes meanwhile
 * is left out. 0 or -errno; 0 as well when the kernel knows no iSCSI.
 */
int iscsi_sessions_each(
	bool (*each)(const struct iscsi_session *session, void *data),
	void *data);
/*
 * Hands each disk to each(): its LUN and kernel name ("sda"; "" while the
 * kernel has not made it yet). What is no disk (tape, enclosure) is left out.
 */
int iscsi_disks_each(uint32_t number,
	void (*each)(uint32_t lun, const char *name, void *data), void *data);

#endif
