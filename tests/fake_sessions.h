/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fake_sessions.h - sysfs as drivers/scsi/scsi_transport_iscsi.c fills it in.
 *
 * Runs in: tests, in a tree of tree.h.
 */
#ifndef TESTS_FAKE_SESSIONS_H
#define TESTS_FAKE_SESSIONS_H

#include "common/sysfs.h"
#include "tests/tree.h"

const char sysfs_iscsi_sessions[] = "iscsi_session";

#define FAKE_TARGET "iqn.2024-01.com.example:db"

/* name is a path below the session's directory. */
static inline void
fake_session_set(unsigned number, const char *name, const char *text)
{
	char path[512];

	(void)snprintf(
		path, sizeof(path), "iscsi_session/session%u/%s", number, name);
	tree_write(path, text);
}

static inline void
fake_session_unset(unsigned number, const char *name)
{
	char path[512];

	(void)snprintf(
		path, sizeof(path), "iscsi_session/session%u/%s", number, name);
	tree_remove(path);
}

/* name is a file of its connection. */
static inline void
fake_connection_set(unsigned number, const char *name, const char *text)
{
	char path[256];

	(void)snprintf(path, sizeof(path),
		"device/connection%u:0/iscsi_connection/connection%u:0/%s",
		number, number, name);
	fake_session_set(number, path, text);
}

/* One that was logged in to; a class has no order. */
static inline void
fake_session_make(unsigned number)
{
	fake_session_set(number, "state", "LOGGED_IN\n");
	fake_session_set(number, "targetname", FAKE_TARGET "\n");
	fake_session_set(number, "tpgt", "1\n");
	fake_session_set(number, "ifacename", "default\n");
	fake_connection_set(number, "persistent_address", "192.0.2.7\n");
	fake_connection_set(number, "persistent_port", "3260\n");
}

/* A logical unit of that type (SCSI, 0 is a disk); name "" for none yet. */
static inline void
fake_unit_make(
	unsigned number, unsigned lun, const char *type, const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "device/target%u:0:0/%u:0:0:%u/type",
		number, number, lun);
	fake_session_set(number, path, type);
	if (!*name)
		return;
	(void)snprintf(path, sizeof(path),
		"device/target%u:0:0/%u:0:0:%u/block/%s/size", number, number,
		lun, name);
	fake_session_set(number, path, "8\n");
}

#endif
