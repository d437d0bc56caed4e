/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * claiming.h - calls of manage that bring credentials, until they are decided.
 *
 * Runs in: supervisor.
 * Trusts: arguments that methods.c has checked.
 * Invariant: nothing is changed before the credentials are known to be good: a
 *            named one is there and this user's to use; on a connection that
 *            has other ones the target has taken the new ones in a trial.
 *            Nobody else waits meanwhile.
 */
#ifndef SUPERVISOR_CLAIMING_H
#define SUPERVISOR_CLAIMING_H

#include <stdbool.h>
#include <sys/queue.h>

#include "common/err.h"
#include "proto/message.h"
#include "proto/uri.h"
#include "supervisor/batch.h"
#include "supervisor/credential.h"

struct claiming;
struct client;
struct supervisor;
struct target;

TAILQ_HEAD(claiming_list, claiming);

/* What a call of manage asks for. Texts are copied. */
struct claim_request {
	struct asker asker;
	const struct uri *uri;
	const char *cid;
	size_t cid_len;
	bool if_absent;
	const struct credential *credential;
};

/* 0: the asker is answered later. Or -errno with err. */
int claiming_new(struct supervisor *supervisor,
	const struct claim_request *request, struct err *err);
/* The credentials that are being tried, and the trial's number. */
const struct iscsi_auth *claiming_auth(
	const struct claiming *claiming, uint32_t *ret_number);
/* The worker has tried some. */
void claiming_on_tried(
	struct target *target, const struct tried_message *tried);
/* The target is about to be freed. */
void claiming_end_target(struct target *target);
void claiming_forget_client(
	struct supervisor *supervisor, const struct client *client);
void claiming_end_all(struct supervisor *supervisor);

#endif
