/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * claim.c - claims in memory, and their links in by-id/.
 *
 * Runs in: supervisor.
 * Trusts: CIDs that cid_check() let through: none can leave by-id/.
 * Invariant: see claim.h.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/guard.h"
#include "common/log.h"
#include "supervisor/supervisor.h"

struct claim *
claim_new(const char *cid, size_t len, uid_t uid, uint64_t created_us,
	struct target *target)
{
	struct claim *claim = calloc(1, sizeof(*claim));

	if (!claim)
		return NULL;
	claim->cid = strndup(cid, len);
	if (!claim->cid) {
		free(claim);
		return NULL;
	}
	claim->uid = uid;
	claim->created_us = created_us;
	claim->target = target;
	return claim;
}

void
claim_free(struct claim *claim)
{
	if (!claim)
		return;
	free(claim->cid);
	free(claim);
}

void
claim_insert(struct supervisor *supervisor, struct claim *claim)
{
	HASH_ADD_KEYPTR(
		hh, supervisor->claims, claim->cid, strlen(claim->cid), claim);
	TAILQ_INSERT_TAIL(&claim->target->claims, claim, in_target);
	claim->target->claim_count++;
}

void
claim_remove(struct supervisor *supervisor, struct claim *claim)
{
	HASH_DEL(supervisor->claims, claim);
	TAILQ_REMOVE(&claim->target->claims, claim, in_target);
	claim->target->claim_count--;
}

struct claim *
claim_find(struct supervisor *supervisor, const char *cid, size_t len)
{
	struct claim *claim;

	HASH_FIND(hh, supervisor->claims, cid, len, claim);
	return claim;
}

void
claim_link(struct supervisor *supervisor, const struct claim *claim)
{
	char path[TARGET_PATH_MAX], old[TARGET_PATH_MAX];
	ssize_t len;

	target_path(supervisor, claim->target, path);
	len = readlinkat(
		supervisor->by_id_fd, claim->cid, old, sizeof(old) - 1);
	if (len >= 0) {
		old[len] = '\0';
		if (strcmp(old, path) == 0)
			return;
		(void)unlinkat(supervisor->by_id_fd, claim->cid, 0);
	}
	if (symlinkat(path, supervisor->by_id_fd, claim->cid) < 0)
		log_warning("claim %s: no link in by-id: %s", claim->cid,
			strerror(errno));
}

void
claim_unlink(struct supervisor *supervisor, const char *cid)
{
	if (unlinkat(supervisor->by_id_fd, cid, 0) < 0 && errno != ENOENT)
		log_warning("claim %s: link in by-id stays: %s", cid,
			strerror(errno));
}

static void
guard_closedir(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}

void
claim_sweep_links(struct supervisor *supervisor)
{
	int fd = openat(
		supervisor->by_id_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup(guard_closedir) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_type == DT_LNK &&
			!claim_find(supervisor, entry->d_name,
				strlen(entry->d_name)))
			claim_unlink(supervisor, entry->d_name);
}
