/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * credential.h - what a connection logs in with: by name, or given in a call.
 *
 * Runs in: supervisor.
 * Trusts: nobody: names and secrets come from clients; a named file is root's,
 *         but typed in by hand.
 * Invariant: a secret is never logged or listed, never in the store's main
 *            file, and wiped from memory that is given back. On disk, in
 *            state_dir/credentials (0700), there is one file (0600) for each
 *            connection whose credentials came in a call; of a named one it
 *            holds the name alone.
 */
#ifndef SUPERVISOR_CREDENTIAL_H
#define SUPERVISOR_CREDENTIAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"
#include "proto/iscsi_auth.h"

enum {
	CREDENTIAL_NAME_SIZE = 65
};

struct credential {
	char name[CREDENTIAL_NAME_SIZE]; /* of `auth`; "": given in a call */
	uid_t uid;			 /* who gave it */
	struct iscsi_auth auth; /* of a named one: as its file was last */
};

/* 0, or -EINVAL (ERR_BAD_OPTION): what is wrong with it, without a secret. */
int credential_check_name(const char *name, size_t len, struct err *err);
int credential_check_auth(const struct iscsi_auth *auth, struct err *err);

/*
 * Reads a named file: lines "username = U", "password = P", for mutual CHAP
 * "username_in" and "password_in" as well, and "users = NAME ..." for who
 * beside root may use it (names of /etc/passwd, or numbers). 0, or -errno with
 * err: ERR_DENIED for another uid, ERR_BAD_OPTION for a file that is not as it
 * should be.
 */
int credential_read_named(int fd, const char *name, uid_t uid,
	struct iscsi_auth *ret_auth, struct err *err);

/* False for one that is known to be, but cannot be had. */
bool credential_is_usable(const struct credential *credential);
/* Wipes it. NULL is fine. */
void credential_free(struct credential *credential);
bool credential_is_same(const struct credential *a, const struct credential *b);

/* state_dir/credentials, made when it is missing. Descriptor, or -errno. */
int credential_open_dir(const char *state_dir);
/*
 * Writes it durably, as the next one of that connection: credential_commit()
 * makes it the current one, credential_cancel() removes it. 0 or -errno.
 */
int credential_stage(int dirfd, uint64_t key, const char *uri,
	const struct credential *credential);
int credential_commit(int dirfd, uint64_t key);
void credential_cancel(int dirfd, uint64_t key);
/*
 * The current one. A staged one is committed first: whoever is alive after a
 * crash has a claim on it, or credential_remove() follows. 0, -ENOENT for none,
 * -EBADMSG for a damaged one, or one of another connection.
 */
int credential_load(int dirfd, uint64_t key, const char *uri,
	struct credential *ret_credential);
void credential_remove(int dirfd, uint64_t key);
/* Removes what belongs to no connection, is_known says which there are, and
 * what was never written to its end. */
void credential_sweep(
	int dirfd, bool (*is_known)(uint64_t key, void *data), void *data);

#endif
