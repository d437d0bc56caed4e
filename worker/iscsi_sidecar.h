/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * iscsi_sidecar.h - whose a node record is, and what it was before: a file
 * beside open-iscsi's database.
 *
 * Runs in: operation children of the iSCSI worker.
 * Trusts: root, who alone can write there; a file that does not read as one of
 *         ours is nobody's to use or to remove.
 * Invariant: it is whole and on disk from the moment that it has its name. All
 *            of this is for the holder of the lock alone.
 *
 * BASE/.holdfast-HASH, of the hash of the record's place below BASE:
 *
 *	holdfast record 1
 *	owner URI
 *	record nodes/TARGET/ADDRESS,PORT,TPGT/IFACE
 *	original none			or: original MODE UID GID BASE
 *	the record as it was, byte for byte
 *
 * BASE/.holdfast-HASH.new and .holdfast-HASH.record become a sidecar and a
 * record when they are whole; only one that was killed leaves them behind.
 */
#ifndef WORKER_ISCSI_SIDECAR_H
#define WORKER_ISCSI_SIDECAR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "proto/uri.h"

enum {
	ISCSI_RECORD_MAX = 65536,      /* bytes of a record, and NUL */
	ISCSI_RECORD_PLACE_SIZE = 640, /* "nodes/..." */
	ISCSI_RECORD_PATH_SIZE = 1024
};

/* Of all workers of this host. */
struct iscsi_lock {
	int fd;
	const char *base; /* where new sidecars go */
};

struct iscsi_sidecar {
	char path[ISCSI_RECORD_PATH_SIZE];
	char owner[URI_MAX];
	char place[ISCSI_RECORD_PLACE_SIZE]; /* of the record, below base */
	const char *base; /* of the original; NULL: there was none */
	struct stat stat; /* of the original: mode and owner */
	const char *text; /* of the original */
	size_t len;
	char *buffer; /* owned */
};

/*
 * Waits for it, as long as somebody else looks after a record. It goes with
 * the process. 0, or -errno: -ENOENT when there is no database.
 */
int iscsi_lock_take(struct iscsi_lock *ret_lock);
void iscsi_lock_release(struct iscsi_lock *lock);

/* Wipes what it holds. */
void iscsi_sidecar_done(struct iscsi_sidecar *sidecar);
/* 0, or -errno: -ENOENT when there is none, -EEXIST when something else has
 * its name, which ret_sidecar->path tells. ret_sidecar is to be ended. */
int iscsi_sidecar_find(const char *place, struct iscsi_sidecar *ret_sidecar);
/* Writes it; its path is not looked at. 0 or -errno. */
int iscsi_sidecar_write(
	const struct iscsi_lock *lock, const struct iscsi_sidecar *sidecar);
/* Puts the parts in place of the record that is at place below base, as
 * durable_replace() does. */
int iscsi_sidecar_replace_record(const char *base, const char *place,
	const struct stat *like, const char *text, size_t len);
/*
 * Hands each sidecar to each(), which may remove it. What killed attempts left
 * half-written is removed.
 */
void iscsi_sidecars_each(
	void (*each)(const struct iscsi_sidecar *sidecar, void *data),
	void *data);

#endif
