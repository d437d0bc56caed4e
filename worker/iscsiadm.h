/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * iscsiadm.h - runs open-iscsi's command, and asks whether iscsid is there.
 *
 * Runs in: operation children of the iSCSI worker.
 * Trusts: iscsiadm's exit status; its words only to be shown.
 * Invariant: owner file of execve(2). No secret is in an argument or in the
 *            environment, which holds the way to sysfs alone.
 */
#ifndef WORKER_ISCSIADM_H
#define WORKER_ISCSIADM_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

/* Exit status of iscsiadm, of include/iscsi_err.h in open-iscsi. */
enum {
	ISCSIADM_OK = 0,
	ISCSIADM_SESSION_NOT_FOUND = 2,
	ISCSIADM_TRANSPORT = 4,
	ISCSIADM_LOGIN = 5,
	ISCSIADM_DATABASE = 6,
	ISCSIADM_INVALID = 7,
	ISCSIADM_TRANSPORT_TIMEOUT = 8,
	ISCSIADM_PDU_TIMEOUT = 11,
	ISCSIADM_NO_TRANSPORT = 12,
	ISCSIADM_SESSION_EXISTS = 15,
	ISCSIADM_DAEMON_WENT = 18,
	ISCSIADM_FATAL_LOGIN = 19,
	ISCSIADM_NO_DAEMON = 20,
	ISCSIADM_NOTHING_FOUND = 21,
	ISCSIADM_AUTH_FAILED = 24,
	ISCSIADM_BUSY = 28,
	ISCSIADM_REQUEST_TIMEOUT = 33,
	ISCSIADM_NOT_THERE = 127, /* of ours: it could not be executed */
};

enum {
	ISCSIADM_WORDS_MAX = 160
};

/*
 * Runs it with these arguments, NULL behind the last, and waits for its end:
 * the child that calls this is killed at its deadline, and iscsiadm with it.
 * Returns the exit status, or -errno, which is -EINTR when a signal ended it.
 * words gets the last line that it wrote, cleaned, without "iscsiadm: " in
 * front; "" when there is none.
 */
int iscsiadm_run(
	const char *const *arguments, char ret_words[ISCSIADM_WORDS_MAX]);

/* The same, to log out of the session with that number. */
int iscsiadm_log_out(uint32_t number, char ret_words[ISCSIADM_WORDS_MAX]);

/* What such a status says of the target named source; words are iscsiadm's.
 * Returns -errno with err. */
int iscsiadm_say_failure(
	const char *source, int status, const char *words, struct err *err);

/*
 * Whether iscsid answers, or systemd would start it: a connection to its
 * socket, which starts it where the socket is a unit's. 0, or -errno with
 * ERR_UNREACHABLE and what to do. Cannot block.
 */
int iscsiadm_check_daemon(struct err *err);

#endif
