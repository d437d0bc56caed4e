/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * entry_iscsi.c - entries of list and status: what is said of iSCSI sessions.
 *
 * Runs in: supervisor.
 * Trusts: nobody's text: names come from targets and administrators.
 * Invariant: every entry of this kind has every key. The state is read from
 *            the kernel now: no event tells of it.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/guard.h"
#include "supervisor/entry_private.h"
#include "supervisor/sessions.h"

enum {
	NAME_SIZE = 640
};

/* "ADDRESS:PORT" as udev and open-iscsi write it, IPv6 in brackets. */
static void
write_portal(const struct iscsi_session *session, char portal[NAME_SIZE])
{
	bool is_ipv6 = strchr(session->address, ':') != NULL;

	(void)snprintf(portal, NAME_SIZE, "%s%s%s:%u", is_ipv6 ? "[" : "",
		session->address, is_ipv6 ? "]" : "", session->port);
}

/* The link that udev makes (60-persistent-storage.rules), where it does. */
static void
find_by_path(const struct iscsi_session *session, uint32_t lun,
	char path[2 * NAME_SIZE])
{
	(void)snprintf(path, 2 * NAME_SIZE,
		"/dev/disk/by-path/ip-%s:%u-iscsi-%s-lun-%u", session->address,
		session->port, session->target, lun);
	if (access(path, F_OK) < 0)
		path[0] = '\0';
}

static void
write_devices(struct wire_writer *out, const struct session_entry *entry)
{
	size_t count = entry ? entry->disk_count : 0;

	wire_text(out, "devices");
	wire_array(out, count);
	for (size_t i = 0; i < count; i++) {
		const struct session_disk *disk = &entry->disks[i];
		char path[sizeof("/dev/") + ISCSI_DISK_SIZE];
		char by_path[2 * NAME_SIZE];

		(void)snprintf(path, sizeof(path), "/dev/%s", disk->name);
		find_by_path(&entry->session, disk->lun, by_path);
		wire_map(out, 4);
		wire_pair_uint(out, "lun", disk->lun);
		entry_pair_clean(out, "name", disk->name);
		entry_pair_clean(out, "path", path);
		entry_pair_clean(out, "byPath", by_path);
	}
}

static void
pair_number(struct wire_writer *out, const char *key, int64_t value)
{
	wire_text(out, key);
	if (value < 0)
		wire_int(out, value);
	else
		wire_uint(out, (uint64_t)value);
}

void
entry_write_session(struct wire_writer *out, const struct session_entry *entry,
	int32_t lun, bool is_adopted)
{
	char portal[NAME_SIZE] = "";
	char state[ISCSI_STATE_SIZE] = "";

	if (entry) {
		write_portal(&entry->session, portal);
		(void)iscsi_session_read_state(entry->session.number, state);
	}
	pair_number(out, "lun", lun);
	pair_number(
		out, "session", entry ? (int64_t)entry->session.number : -1);
	entry_pair_clean(out, "portal", portal);
	entry_pair_clean(out, "sessionState", state);
	wire_pair_bool(out, "adopted", is_adopted);
	write_devices(out, entry);
}

void
entry_write_session_info(
	struct wire_writer *out, const struct session_entry *entry)
{
	const struct iscsi_session *session = &entry->session;
	char portal[NAME_SIZE], source[2 * NAME_SIZE];

	write_portal(session, portal);
	(void)snprintf(
		source, sizeof(source), "%s/%s", portal, session->target);
	wire_text(out, "connectionInfo");
	wire_map(out, 7 + ENTRY_ISCSI_PAIRS);
	wire_pair_text(out, "type", "iscsi");
	entry_pair_clean(out, "remotePath", source);
	entry_pair_clean(out, "host", session->address);
	wire_pair_uint(out, "port", session->port);
	entry_pair_clean(out, "iqn", session->target);
	wire_pair_uint(out, "tpgt", session->tpgt);
	entry_pair_clean(out, "iface", session->iface);
	entry_write_session(out, entry, -1, false);
}
