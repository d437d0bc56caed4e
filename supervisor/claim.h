/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * claim.h - claims in memory, and their links in by-id/.
 *
 * Runs in: supervisor.
 * Invariant: a claim is in supervisor->claims and in its target's list, or in
 *            neither (while batch.c holds it to undo a removal).
 */
#ifndef SUPERVISOR_CLAIM_H
#define SUPERVISOR_CLAIM_H

#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>
#include <uthash.h>

#include "common/err.h"
#include "proto/uri.h"

struct supervisor;
struct target;
struct user;

struct claim {
	char *cid;
	char *uri;   /* with the LUN: what the store keeps */
	int32_t lun; /* of iSCSI, -1: the lowest */
	uid_t uid;
	struct user *user;   /* the same: what it holds */
	uint64_t created_us; /* Unix time */
	struct target *target;
	TAILQ_ENTRY(claim) in_target;
	UT_hash_handle hh;
};

TAILQ_HEAD(claim_list, claim);

/* Not in any list yet; NULL without memory. cid has len bytes. */
struct claim *claim_new(const char *cid, size_t len, uid_t uid,
	uint64_t created_us, const struct uri *uri, struct target *target);
void claim_free(struct claim *claim);

void claim_insert(struct supervisor *supervisor, struct claim *claim);
void claim_remove(struct supervisor *supervisor, struct claim *claim);
struct claim *claim_find(
	struct supervisor *supervisor, const char *cid, size_t len);

/*
 * Whether a call of manage with this CID asks for the claim that is there, and
 * may: with if_absent, on the same disk of the same connection, by the same
 * user. Else ERR_CID_IN_USE in err.
 */
bool claim_fits(const struct claim *claim, const struct uri *uri, uid_t uid,
	bool if_absent, struct err *err);
/* Its mount point, or block device; "" for a device that is not there now.
 * path has TARGET_PATH_MAX bytes. */
void claim_path(const struct claim *claim, char *path);
/*
 * Makes run_dir/by-id/CID, a link to claim_path(), or has it lead there from
 * now on; failures are logged. While there is no device it leads to a place
 * where nothing is, and nothing can be made.
 */
void claim_link(struct supervisor *supervisor, const struct claim *claim);
void claim_unlink(struct supervisor *supervisor, const char *cid);
/* Removes links that no claim stands behind. At start-up. */
void claim_sweep_links(struct supervisor *supervisor);

#endif
