/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * iscsi_chap.h - CHAP (RFC 1994) as iSCSI has it (RFC 7143, section 12.1.3).
 *
 * Runs in: operation children of the iSCSI worker.
 * Trusts: nobody: what is read comes from a target.
 * Invariant: no copy of a secret stays on the stack; none is ever sent. One
 *            challenge is never used twice.
 *
 * Owner file of libmd. System calls: getrandom.
 */
#ifndef WORKER_ISCSI_CHAP_H
#define WORKER_ISCSI_CHAP_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "proto/iscsi_auth.h"
#include "worker/iscsi_text.h"

enum {
	ISCSI_CHAP_DIGEST_MAX = 32,
	ISCSI_CHAP_CHALLENGE_MAX = 1024,
};

/* The digests for CHAP_A, the one that every target knows first. */
#define ISCSI_CHAP_OFFER "5,6,7"

struct iscsi_chap_challenge {
	unsigned id; /* 0 to 255 */
	size_t len;
	unsigned char bytes[ISCSI_CHAP_CHALLENGE_MAX];
};

struct iscsi_chap {
	const struct iscsi_auth *auth;
	unsigned algorithm; /* the target's choice */
	struct iscsi_chap_challenge ours;
};

/* Whether the target has to prove who it is. */
bool iscsi_chap_is_mutual(const struct iscsi_auth *auth);
/*
 * Reads the target's choice and challenge and writes the initiator's proof;
 * when it is mutual, a challenge too. auth must live as long as chap. Errors:
 * ERR_AUTH_FAILED (no digest in common), ERR_LOGIN_FAILED (EPROTO: it makes no
 * sense), ERR_INTERNAL (no random bytes).
 */
int iscsi_chap_answer(struct iscsi_chap *chap, const struct iscsi_auth *auth,
	const struct iscsi_text *in, struct iscsi_text *out, struct err *err);
/*
 * Whether what the target answers to the initiator's challenge proves that it
 * is the one expected. Errors: ERR_AUTH_FAILED, or ERR_LOGIN_FAILED (EPROTO).
 */
int iscsi_chap_check(const struct iscsi_chap *chap, const struct iscsi_text *in,
	struct err *err);

/*
 * The response to a challenge: 5 MD5, 6 SHA1, 7 SHA-256. Returns its length; 0
 * when the algorithm is none of these or the challenge or secret too long.
 */
size_t iscsi_chap_digest(unsigned algorithm, const char *secret,
	const struct iscsi_chap_challenge *challenge,
	unsigned char digest[ISCSI_CHAP_DIGEST_MAX]);

#endif
