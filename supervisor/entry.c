/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * entry.c - entries of list and status, as proto/api.def has them.
 *
 * Runs in: supervisor.
 * Trusts: nobody's text: what comes from mount tables and workers is cleaned
 *         before it goes to a client, since one string that is not UTF-8
 *         breaks whole replies for some.
 * Invariant: every entry has every key, so that clients need not ask whether.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/guard.h"
#include "supervisor/entry_private.h"
#include "supervisor/explain.h"
#include "supervisor/supervisor.h"

/* Every key of ENTRY in proto/api.def. */
enum {
	ENTRY_KEYS = 0
#define ENTRY(key, type, meaning) +1
#include "proto/api.def"
#undef ENTRY
};

enum {
	TEXT_MAX = 2048
};

/* What differs between the kinds of entries. */
struct view {
	const char *state;
	const struct target *target;	     /* NULL for what others mounted */
	const struct claim *claim;	     /* NULL without one */
	const struct mount_entry *mount;     /* what others mounted */
	const struct session_entry *session; /* what others logged in to */
	const struct ledger_entry *stuck;    /* whose connection is no more */
	bool is_gone;
};

void
entry_pair_clean(struct wire_writer *out, const char *key, const char *text)
{
	char clean[TEXT_MAX];

	(void)snprintf(clean, sizeof(clean), "%s", text);
	err_clean_text(clean);
	wire_pair_text(out, key, clean);
}

static void
write_error(struct wire_writer *out, const struct status_message *status)
{
	wire_pair_uint(out, "lastError",
		status ? (uint64_t)err_number(status->error) : 0);
	wire_text(out, "error");
	if (!status || status->error == ERR_NONE) {
		wire_nil(out);
		return;
	}
	wire_map(out, 5);
	wire_pair_text(out, "slug", err_slug(status->error));
	wire_pair_uint(out, "errno", status->error_errno);
	entry_pair_clean(out, "text", status->error_text);
	wire_pair_uint(out, "attempt", status->error_attempt);
	wire_pair_uint(out, "at", status->error_at_us);
}

static void
write_target_info(struct wire_writer *out, const struct view *view)
{
	const struct target *target = view->target;
	bool is_iscsi = target->scheme == URI_ISCSI;
	char version[16] = "";
	const char *options =
		target->mount_options ? target->mount_options : "";

	wire_text(out, "connectionInfo");
	wire_map(out, target->info_pairs + (is_iscsi ? ENTRY_ISCSI_PAIRS : 2));
	wire_raw(out, target->info, target->info_len);
	if (is_iscsi) {
		entry_write_session(out,
			view->is_gone ? NULL : target_session(target),
			view->claim ? view->claim->lun : -1,
			target->status.origin == ORIGIN_FOUND);
		return;
	}
	(void)mounts_option(options, "vers", version, sizeof(version));
	entry_pair_clean(out, "options", options);
	entry_pair_clean(out, "version", version);
}

static void
write_mount_info(struct wire_writer *out, const struct mount_entry *mount)
{
	char version[16] = "";

	(void)mounts_option(mount->options, "vers", version, sizeof(version));
	wire_text(out, "connectionInfo");
	wire_map(out, 4);
	entry_pair_clean(out, "type", mount->type);
	entry_pair_clean(out, "remotePath", mount->source);
	entry_pair_clean(out, "options", mount->options);
	entry_pair_clean(out, "version", version);
}

static void
write_attempt(struct wire_writer *out, const struct status_message *status)
{
	wire_pair_uint(out, "attempts", status ? status->attempt : 0);
	wire_text(out, "attempt");
	wire_map(out, 2);
	wire_pair_uint(out, "number", status ? status->attempt : 0);
	wire_pair_uint(out, "at", status ? status->attempt_at_us : 0);
	wire_pair_uint(out, "next_retry", status ? status->next_retry_us : 0);
	wire_text(out, "probe");
	wire_map(out, 2);
	wire_pair_uint(out, "at", status ? status->probe_at_us : 0);
	wire_pair_uint(out, "latency", status ? status->probe_latency_us : 0);
}

static void
write_holders(struct wire_writer *out, const struct target *target)
{
	size_t count = target ? target->holder_count : 0;

	wire_text(out, "holders");
	wire_array(out, count);
	for (size_t i = 0; i < count; i++) {
		const struct holder_message *holder = &target->holders[i];

		wire_map(out, 3);
		wire_pair_uint(out, "pid", holder->pid);
		entry_pair_clean(out, "command", holder->command);
		wire_pair_text(out, "kind", holder_kind_word(holder->kind));
	}
}

static void
write_stuck(struct wire_writer *out, const struct view *view)
{
	const struct ledger_entry *stuck = view->stuck;

	if (view->target)
		stuck = ledger_oldest(
			&view->target->supervisor->ledger, view->target->uri);
	wire_text(out, "stuck");
	if (!stuck) {
		wire_nil(out);
		return;
	}
	wire_map(out, 5);
	wire_pair_uint(out, "pid", (uint64_t)stuck->pid);
	wire_pair_uint(out, "started", stuck->started);
	wire_pair_text(out, "operation", operation_word(stuck->operation));
	wire_pair_uint(out, "since", stuck->since_us);
	wire_pair_text(out, "server", stuck->server);
}

/* "": nothing keeps it from beginning what is due. */
static const char *
held_word(const struct target *target)
{
	enum hold hold = target ? server_hold(target) : HOLD_NONE;

	return hold == HOLD_NONE ? "" : hold_word(hold);
}

/* Mount point or device, as far as there is one. */
static void
find_path(const struct view *view, char *path)
{
	const struct target *target = view->target;

	path[0] = '\0';
	if (view->claim)
		claim_path(view->claim, path);
	else if (target && target->scheme != URI_ISCSI)
		target_path(target->supervisor, target, path);
	else if (target && !view->is_gone)
		(void)target_disk_path(target, -1, path);
	else if (view->session && view->session->disk_count > 0)
		(void)snprintf(path, TARGET_PATH_MAX, "/dev/%s",
			view->session->disks[0].name);
}

static void
write_places(struct wire_writer *out, const struct view *view)
{
	const struct target *target = view->target;
	char path[TARGET_PATH_MAX];

	find_path(view, path);
	wire_pair_text(out, "uri",
		target	      ? target->uri
		: view->stuck ? view->stuck->uri
			      : "");
	entry_pair_clean(out, "path", view->mount ? view->mount->path : path);
	if (target)
		write_target_info(out, view);
	else if (view->session)
		entry_write_session_info(out, view->session);
	else
		write_mount_info(out, view->mount);
	wire_pair_uint(out, "mount_id",
		target	      ? target->mount_id
		: view->mount ? view->mount->id
			      : 0);
}

/* Whether the object exists, by the worker's account; before it has given one,
 * by the kernel's tables. */
static bool
is_connected(const struct view *view, const struct status_message *status)
{
	if (view->is_gone || view->stuck)
		return false;
	if (!view->target)
		return true;
	return status->has_object || (status->state == TARGET_REGISTERED &&
					     target_has_object(view->target));
}

static void
write_view(struct wire_writer *out, const struct view *view)
{
	const struct target *target = view->target;
	const struct status_message *status =
		target && !view->is_gone ? &target->status : NULL;
	const struct claim *claim = view->claim;

	wire_pair_bool(out, "connected", is_connected(view, status));
	wire_pair_bool(
		out, "healthy", status && status->state == TARGET_CONNECTED);
	wire_pair_bool(out, "managed", claim != NULL);
	wire_pair_text(out, "state", view->state);
	wire_pair_text(out, "wanted",
		wanted_word(view->is_gone || view->stuck || (target && !claim)
				    ? WANTED_DOWN
				    : WANTED_UP));
	wire_pair_text(out, "operation",
		operation_word(status ? status->operation : OPERATION_NONE));
	write_error(out, status);
	write_places(out, view);
	wire_pair_uint(out, "uid", claim ? claim->uid : 0);
	wire_pair_uint(out, "created", claim ? claim->created_us : 0);
	wire_pair_uint(out, "since", status ? target->since_us : 0);
	write_attempt(out, status);
	write_holders(out, target);
	write_stuck(out, view);
	wire_pair_text(out, "held", held_word(target));
	wire_pair_uint(out, "worker", target ? (uint64_t)target->link.pid : 0);
}

void
entry_write_claim(
	struct wire_writer *out, const struct claim *claim, bool with_status)
{
	const struct view view = {
		.state = target_state_word(claim->target->status.state),
		.target = claim->target,
		.claim = claim,
	};

	wire_map(out, ENTRY_KEYS + (with_status ? EXPLAIN_KEYS : 0));
	write_view(out, &view);
	if (with_status)
		explain_write_status(out, claim->target);
}

void
entry_write_lingering(
	struct wire_writer *out, const struct target *target, bool with_status)
{
	const struct view view = {
		.state = target_state_word(target->status.state),
		.target = target,
	};

	wire_map(out, ENTRY_KEYS + (with_status ? EXPLAIN_KEYS : 0));
	write_view(out, &view);
	if (with_status)
		explain_write_status(out, target);
}

void
entry_write_gone(struct wire_writer *out, const struct target *target)
{
	const struct view view = {
		.state = "gone", .target = target, .is_gone = true};

	wire_map(out, ENTRY_KEYS);
	write_view(out, &view);
}

void
entry_write_nothing(struct wire_writer *out)
{
	const struct mount_entry none = {
		.type = "", .source = "", .path = "", .options = ""};
	const struct view view = {
		.state = "gone", .mount = &none, .is_gone = true};

	wire_map(out, ENTRY_KEYS);
	write_view(out, &view);
}

void
entry_write_unmanaged(struct wire_writer *out, const struct mount_entry *mount)
{
	const struct view view = {.state = "unmanaged", .mount = mount};

	wire_map(out, ENTRY_KEYS);
	write_view(out, &view);
}

void
entry_write_unmanaged_session(
	struct wire_writer *out, const struct session_entry *session)
{
	const struct view view = {.state = "unmanaged", .session = session};

	wire_map(out, ENTRY_KEYS);
	write_view(out, &view);
}

void
entry_write_stuck(struct wire_writer *out, const struct ledger_entry *stuck)
{
	const struct mount_entry none = {
		.type = "", .source = "", .path = "", .options = ""};
	const struct view view = {.state = target_state_word(TARGET_STUCK),
		.mount = &none,
		.stuck = stuck};

	wire_map(out, ENTRY_KEYS);
	write_view(out, &view);
}

void
entry_stuck_id(const struct ledger_entry *stuck, char *id)
{
	(void)snprintf(id, ENTRY_ID_MAX, "stuck/%d", (int)stuck->pid);
}

void
entry_unmanaged_session_id(const struct session_entry *session, char *id)
{
	(void)snprintf(id, ENTRY_ID_MAX, "unmanaged/iscsi_session_%u",
		session->session.number);
}

void
entry_lingering_id(const struct target *target, char *id)
{
	(void)snprintf(id, ENTRY_ID_MAX, "lingering/%s", target->mount_name);
}

void
entry_unmanaged_id(const struct mount_entry *mount, char *id)
{
	const char *type = mount->type;

	if (strcmp(type, "nfs4") == 0)
		type = "nfs";
	(void)snprintf(id, ENTRY_ID_MAX, "unmanaged/%.64s_%u", type, mount->id);
	err_clean_text(id);
}

/* What only this scheme has; the number of pairs. */
static size_t
write_scheme_info(struct wire_writer *out, const struct uri *uri)
{
	switch (uri->scheme) {
	case URI_NFS:
		wire_pair_text(out, "host", uri->host);
		wire_pair_uint(out, "port", uri->port);
		entry_pair_clean(out, "export", uri->path);
		return 3;
	case URI_ISCSI:
		wire_pair_text(out, "host", uri->host);
		wire_pair_uint(out, "port", uri->port);
		wire_pair_text(out, "iqn", uri->path);
		wire_pair_uint(out, "tpgt",
			strtoul(uri_param_or_default(uri, "tpgt"), NULL, 10));
		wire_pair_text(
			out, "iface", uri_param_or_default(uri, "iface"));
		return 5;
	case URI_TMPFS:
	case URI_SCHEME_COUNT:
		break;
	}
	return 0;
}

void
entry_make_info(struct target *target, const struct uri *uri)
{
	char source[URI_SOURCE_MAX] = "";
	struct wire_writer out;

	(void)uri_mount_source(uri, source, sizeof(source));
	wire_writer_init(&out, MESSAGE_MAX);
	wire_pair_text(&out, "type", uri_scheme_name(uri->scheme));
	entry_pair_clean(&out, "remotePath", source);
	target->info_pairs = 2 + write_scheme_info(&out, uri);
	if (out.has_failed) {
		target->info_pairs = 0;
		out.len = 0;
	}
	target->info = out.data;
	target->info_len = out.len;
}
