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

struct supervisor;
struct target;

struct claim {
	char *cid;
	uid_t uid;
	uint64_t created_us; /* Unix time */
	struct target *target;
	TAILQ_ENTRY(claim) in_target;
	UT_hash_handle hh;
};

TAILQ_HEAD(claim_list, claim);

/* Not in any list yet; NULL without memory. cid has len bytes. */
struct claim *claim_new(const char *cid, size_t len, uid_t uid,
	uint64_t created_us, struct target *target);
void claim_free(struct claim *claim);

void claim_insert(struct supervisor *supervisor, struct claim *claim);
void claim_remove(struct supervisor *supervisor, struct claim *claim);
struct claim *claim_find(
	struct supervisor *supervisor, const char *cid, size_t len);

/* Makes run_dir/by-id/CID, a link to the mount point; failures are logged. */
void claim_link(struct supervisor *supervisor, const struct claim *claim);
void claim_unlink(struct supervisor *supervisor, const char *cid);
/* Removes links that no claim stands behind. At start-up. */
void claim_sweep_links(struct supervisor *supervisor);

#endif
