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
	const struct uri *uri, struct target *target)
{
	struct claim *claim = calloc(1, sizeof(*claim));

	if (!claim)
		return NULL;
	claim->cid = strndup(cid, len);
	claim->uri = strdup(uri->claim);
	claim->user = user_get(target->supervisor, uid);
	if (!claim->cid || !claim->uri || !claim->user) {
		claim_free(claim);
		return NULL;
	}
	claim->lun = uri->lun;
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
	free(claim->uri);
	free(claim);
}

void
claim_insert(struct supervisor *supervisor, struct claim *claim)
{
	HASH_ADD_KEYPTR(
		hh, supervisor->claims, claim->cid, strlen(claim->cid), claim);
	user_count(claim);
	TAILQ_INSERT_TAIL(&claim->target->claims, claim, in_target);
	claim->target->claim_count++;
	/* Whose claim it is may use now what was looked at before. */
	scan_forget(&supervisor->scan, claim->target);
}

void
claim_remove(struct supervisor *supervisor, struct claim *claim)
{
	HASH_DEL(supervisor->claims, claim);
	TAILQ_REMOVE(&claim->target->claims, claim, in_target);
	claim->target->claim_count--;
	user_discount(claim);
}

struct claim *
claim_find(struct supervisor *supervisor, const char *cid, size_t len)
{
	struct claim *claim;

	HASH_FIND(hh, supervisor->claims, cid, len, claim);
	return claim;
}

bool
claim_fits(const struct claim *claim, const struct uri *uri, uid_t uid,
	bool if_absent, struct err *err)
{
	bool is_same = strcmp(claim->uri, uri->claim) == 0 && claim->uid == uid;

	if (if_absent && is_same)
		return true;
	(void)err_set(err, ERR_CID_IN_USE, EEXIST,
		"\"%.64s\" names a claim already, of uid %u on %.100s%s; "
		"choose another ID, or let that one go first",
		claim->cid, (unsigned)claim->uid, claim->uri,
		is_same ? " as asked for (if_absent makes that success)" : "");
	return false;
}

void
claim_path(const struct claim *claim, char *path)
{
	const struct target *target = claim->target;

	path[0] = '\0';
	if (target->scheme != URI_ISCSI)
		target_path(target->supervisor, target, path);
	else
		(void)target_disk_path(target, claim->lun, path);
}

/* Below the mount point, which is read-only: opening it says ENOENT, making it
 * EROFS, to root too. */
static void
write_offline_path(const struct claim *claim, char *path)
{
	static const char name[] = "/offline";
	size_t len;

	target_path(claim->target->supervisor, claim->target, path);
	len = strlen(path);
	if (len + sizeof(name) <= TARGET_PATH_MAX)
		memcpy(path + len, name, sizeof(name));
}

/* By one rename: whoever looks finds the old one or the new one. */
static int
replace_link(
	const struct supervisor *supervisor, const char *path, const char *cid)
{
	/* Elsewhere: here it would be somebody's ID. */
	static const char fresh[] = "link";
	int basefd = supervisor->base_root_fd;

	(void)unlinkat(basefd, fresh, 0);
	if (symlinkat(path, basefd, fresh) < 0 ||
		renameat(basefd, fresh, supervisor->by_id_fd, cid) < 0)
		return -errno;
	return 0;
}

void
claim_link(struct supervisor *supervisor, const struct claim *claim)
{
	char path[TARGET_PATH_MAX], old[TARGET_PATH_MAX];
	ssize_t len;
	int result;

	claim_path(claim, path);
	if (!*path)
		write_offline_path(claim, path);
	len = readlinkat(
		supervisor->by_id_fd, claim->cid, old, sizeof(old) - 1);
	if (len >= 0) {
		old[len] = '\0';
		if (strcmp(old, path) == 0)
			return;
	}
	result = replace_link(supervisor, path, claim->cid);
	if (result < 0)
		log_warning("claim %s: no link in by-id: %s", claim->cid,
			strerror(-result));
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
