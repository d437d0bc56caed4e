/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * target_session.c - one connection: its iSCSI session, its disks, its origin.
 *
 * Runs in: supervisor.
 * Trusts: its worker for the number of the session, and no further: a session
 *         of another target is none of its, so no link leads to a foreign disk.
 * Invariant: who made the session is on file before the worker's attempt can
 *            have made it, and the file is gone with the host's next boot, as
 *            the session is: base/KEY/session in run_dir.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/guard.h"
#include "common/hash.h"
#include "common/log.h"
#include "supervisor/keepfile.h"
#include "supervisor/supervisor.h"
#include "supervisor/target_private.h"

enum {
	MARK_SIZE = 64
};

static void
write_mark_path(const struct target *target, char *path)
{
	(void)snprintf(path, TARGET_PATH_MAX, "%016llx/session",
		(unsigned long long)target->key);
}

static int
write_mark(const struct target *target, const char *text)
{
	char path[TARGET_PATH_MAX];

	write_mark_path(target, path);
	return keepfile_write(target->supervisor->base_root_fd, path, text,
		strlen(text), false);
}

void
target_session_note(struct target *target, const struct status_message *next)
{
	char text[MARK_SIZE];
	int result;

	if (target->scheme != URI_ISCSI ||
		(next->session == target->status.session &&
			next->origin == target->status.origin))
		return;
	(void)snprintf(text, sizeof(text), "%llu %u\n",
		(unsigned long long)next->session, (unsigned)next->origin);
	result = write_mark(target, text);
	/* A session whose maker is not known is never logged out. */
	if (result < 0)
		log_warning("target %s: who made its session cannot be kept: "
			    "%s",
			target->uri, strerror(-result));
}

void
target_session_load(struct target *target)
{
	char path[TARGET_PATH_MAX];
	char text[MARK_SIZE];
	unsigned long long session;
	unsigned origin;

	if (target->scheme != URI_ISCSI)
		return;
	write_mark_path(target, path);
	if (keepfile_read(target->supervisor->base_root_fd, path, text,
		    sizeof(text)) < 0)
		return; /* the first since the host's boot */
	if (sscanf(text, "%llu %u", &session, &origin) != 2 ||
		session > INT32_MAX || origin >= ORIGIN_COUNT)
		return;
	target->status.session = session;
	target->status.origin = (enum origin)origin;
}

void
target_session_remove(const struct target *target)
{
	char path[TARGET_PATH_MAX];

	if (target->scheme != URI_ISCSI)
		return;
	write_mark_path(target, path);
	/* Else it says that there is none. */
	(void)keepfile_remove(target->supervisor->base_root_fd, path);
}

struct session_entry *
target_session(const struct target *target)
{
	struct session_entry *entry;

	if (target->scheme != URI_ISCSI || target->status.session == 0)
		return NULL;
	entry = sessions_find(&target->supervisor->sessions,
		(uint32_t)target->status.session - 1);
	return entry && strcasecmp(entry->session.target, target->iqn) == 0
		       ? entry
		       : NULL;
}

bool
target_has_object(const struct target *target)
{
	return target->scheme == URI_ISCSI ? target_session(target) != NULL
					   : target->mount_id != 0;
}

/* A number that changes when a disk comes, goes, or has another name. */
static uint64_t
hash_disks(const struct session_entry *entry)
{
	uint64_t hash = 0;

	for (size_t i = 0; entry && i < entry->disk_count; i++)
		hash = (hash + entry->disks[i].lun) * 31 +
		       hash_text(entry->disks[i].name);
	return entry ? hash + entry->session.number + 1 : 0;
}

/* Has the links lead to the disks that are there now; whether others are. */
static bool
follow_disks(struct target *target)
{
	uint64_t hash = hash_disks(target_session(target));
	const struct claim *claim;

	if (hash == target->disks_hash)
		return false;
	target->disks_hash = hash;
	TAILQ_FOREACH (claim, &target->claims, in_target)
		claim_link(target->supervisor, claim);
	return true;
}

/* Whether there may be a session that its worker does not know of. */
static bool
is_news_for_worker(const struct target *target)
{
	const struct sessions *sessions = &target->supervisor->sessions;

	for (size_t i = 0; i < sessions->count; i++)
		if (strcasecmp(sessions->entries[i].session.target,
			    target->iqn) == 0)
			return true;
	return false;
}

void
target_session_see(struct target *target)
{
	const struct session_entry *entry;

	if (target->scheme != URI_ISCSI)
		return;
	entry = target_session(target);
	if (follow_disks(target) || (!entry && is_news_for_worker(target)))
		target_look(target);
	/* It may have come and gone between two readings. */
	if (!entry && target->status.has_object)
		target_look(target);
}

void
target_session_compare(struct target *target)
{
	const struct session_entry *entry = target_session(target);
	struct sessions *sessions = &target->supervisor->sessions;

	/* What it reports as connected has its disks, and whoever waits for it
	 * is told their names. */
	if (target->status.state == TARGET_CONNECTED &&
		(!entry || entry->disk_count == 0))
		sessions_read_now(sessions);
	else if (target->status.has_object != (entry != NULL))
		sessions_read_soon(sessions);
	/* The table may have had the session before the worker named it. */
	(void)follow_disks(target);
}

bool
target_disk_path(const struct target *target, int32_t lun, char *path)
{
	const struct session_entry *entry = target_session(target);
	const struct session_disk *disk =
		entry ? session_disk(entry, lun) : NULL;

	if (disk)
		(void)snprintf(path, TARGET_PATH_MAX, "/dev/%s", disk->name);
	return disk != NULL;
}
