/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * iscsi_error.h - why a trial login failed, in words.
 *
 * Runs in: operation children of the iSCSI worker.
 * Invariant: what a target said stands in no text; the numbers it gave do.
 *
 * Each fills in err and returns -errno. In a trial here auth is NULL when
 * there are no credentials.
 */
#ifndef WORKER_ISCSI_ERROR_H
#define WORKER_ISCSI_ERROR_H

#include <stdbool.h>

#include "common/err.h"
#include "worker/iscsi_login.h"
#include "worker/tcp.h"

/* Login status: class << 8 | detail (RFC 7143, section 11.13.5) */
enum {
	ISCSI_STATUS_MOVED_FOR_NOW = 0x0101,
	ISCSI_STATUS_MOVED_FOR_GOOD = 0x0102,
	ISCSI_STATUS_AUTH_FAILED = 0x0201,
	ISCSI_STATUS_FORBIDDEN = 0x0202,
	ISCSI_STATUS_NOT_FOUND = 0x0203,
	ISCSI_STATUS_REMOVED = 0x0204,
	ISCSI_STATUS_UNAVAILABLE = 0x0301,
	ISCSI_STATUS_CLASS_TARGET = 0x03,
};

/* tcp_connect() failed with errnum. */
int iscsi_error_connect(const struct tcp *tcp, int errnum, struct err *err);
/* Instead of an answer to step there was errnum. */
int iscsi_error_exchange(
	const struct tcp *tcp, const char *step, int errnum, struct err *err);
/* The target refused. has_proved: it had this host's proof by then. */
int iscsi_error_status(const struct iscsi_trial *trial, unsigned status,
	bool has_proved, struct err *err);
/* There are credentials, and the target does without any. */
int iscsi_error_no_chap(const struct iscsi_trial *trial, struct err *err);

#endif
