/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * iscsi_connect.h - from a URI to a session, and trials of credentials.
 *
 * Runs in: operation children of the iSCSI worker.
 */
#ifndef WORKER_ISCSI_CONNECT_H
#define WORKER_ISCSI_CONNECT_H

#include "worker/backend.h"

/* As connect() and try_credentials() of struct backend. */
int iscsi_connect(const struct backend_target *target, uint64_t deadline_us,
	struct err *err);
int iscsi_try_credentials(const struct backend_target *target,
	uint64_t deadline_us, struct err *err);
/* As keep_credentials(): into the record of the session, which iscsid logs in
 * by again and an attempt of ours makes anew. */
int iscsi_keep_credentials(
	const struct backend_target *target, struct err *err);

#endif
