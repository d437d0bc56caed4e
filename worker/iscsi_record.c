/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * iscsi_record.c - the node record that iscsiadm logs in by.
 *
 * Runs in: operation children of the iSCSI worker.
 * Trusts: the administrator; a record of ISCSI_RECORD_MAX is refused.
 * Invariant: see iscsi_record.h. Between any two steps a process may be killed:
 *            the sidecar is there before its record is touched, and until that
 *            is put back.
 *
 * Source: usr/idbm.c of open-iscsi: nodes/TARGET/ADDRESS,PORT,TPGT/IFACE.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/guard.h"
#include "worker/durable.h"
#include "worker/iscsi_record.h"
#include "worker/iscsi_settings.h"
#include "worker/iscsi_sidecar.h"
#include "worker/iscsiadm.h"
#include "worker/open_iscsi.h"

struct record {
	struct iscsi_lock lock;
	char place[ISCSI_RECORD_PLACE_SIZE]; /* below its base */
	char path[ISCSI_RECORD_PATH_SIZE];
	const char *base; /* NULL: there is none */
	struct stat stat;
	char *text; /* ISCSI_RECORD_MAX bytes */
	size_t len;
	bool has_sidecar;
	struct iscsi_sidecar sidecar;
};

/* It holds secrets, so it is wiped. */
static void
guard_record(struct record *record)
{
	if (record->text)
		explicit_bzero(record->text, ISCSI_RECORD_MAX);
	free(record->text);
	iscsi_sidecar_done(&record->sidecar);
	iscsi_lock_release(&record->lock);
}

void
iscsi_node_write_portal(
	const struct iscsi_node *node, char ret_portal[ISCSI_PORTAL_SIZE])
{
	bool is_ipv6 = strchr(node->address, ':') != NULL;

	(void)snprintf(ret_portal, ISCSI_PORTAL_SIZE, "%s%s%s:%u,%u",
		is_ipv6 ? "[" : "", node->address, is_ipv6 ? "]" : "",
		node->port, node->tpgt);
}

static int
fail(const struct iscsi_node *node, int errnum, const char *what,
	struct err *err)
{
	return err_set(err, ERR_INTERNAL, errnum,
		"open-iscsi's record of %.100s cannot be %s: %s", node->target,
		what, strerror(errnum));
}

/* Without discovery: what it would find out is in the URI already. */
static int
make_new(const struct iscsi_node *node, struct err *err)
{
	char portal[ISCSI_PORTAL_SIZE];
	char words[ISCSIADM_WORDS_MAX];
	const char *const arguments[] = {"-m", "node", "-o", "new", "-T",
		node->target, "-p", portal, "-I", node->iface, NULL};
	int status;

	iscsi_node_write_portal(node, portal);
	status = iscsiadm_run(arguments, words);
	if (status == ISCSIADM_OK)
		return 0;
	if (status < 0)
		return fail(node, -status, "made", err);
	if (status == ISCSIADM_NOT_THERE)
		return err_set(err, ERR_UNSUPPORTED, ENOENT,
			"open-iscsi is not installed: there is no "
			"/usr/sbin/iscsiadm. Install it and restart "
			"holdfast");
	return err_set(err, ERR_LOGIN_FAILED, EINVAL,
		"iscsiadm cannot make a record of %.100s for interface "
		"%.64s: %.100s",
		node->target, node->iface, words);
}

/* A sidecar knows in which base; without, the first that has one counts. 0 with
 * base NULL when there is none. */
static int
load(struct record *record)
{
	const char *only = record->has_sidecar ? record->sidecar.base : NULL;

	record->base = NULL;
	for (size_t i = 0; i < OPEN_ISCSI_BASES; i++) {
		const char *base = open_iscsi.bases[i];
		int result;

		if (only && base != only)
			continue;
		(void)snprintf(record->path, sizeof(record->path), "%s/%s",
			base, record->place);
		result = durable_read(record->path, record->text,
			ISCSI_RECORD_MAX, &record->len, &record->stat);
		if (result == 0)
			record->base = base;
		if (result != -ENOENT && result != -ENOTDIR)
			return result;
	}
	return 0;
}

/* Locks, and looks for sidecar and record. 0, or -errno with err. */
static int
open_record(
	const struct iscsi_node *node, struct record *record, struct err *err)
{
	int result;

	record->text = malloc(ISCSI_RECORD_MAX);
	if (!record->text)
		return fail(node, ENOMEM, "read", err);
	if (snprintf(record->place, sizeof(record->place),
		    "nodes/%s/%s,%u,%u/%s", node->target, node->address,
		    node->port, node->tpgt,
		    node->iface) >= (int)sizeof(record->place))
		return fail(node, ENAMETOOLONG, "read", err);
	result = iscsi_lock_take(&record->lock);
	if (result < 0)
		return fail(node, -result, "locked", err);
	result = iscsi_sidecar_find(record->place, &record->sidecar);
	if (result == -EEXIST)
		return err_set(err, ERR_INTERNAL, EEXIST,
			"%.200s is in the way: it is no file of holdfast's",
			record->sidecar.path);
	record->has_sidecar = result == 0;
	if (result == 0 || result == -ENOENT)
		result = load(record);
	return result < 0 ? fail(node, -result, "read", err) : 0;
}

/* Directories of a record that somebody removed, as open-iscsi makes them. */
static void
make_parents(const char *base, const char *place)
{
	char path[ISCSI_RECORD_PATH_SIZE];
	size_t base_len = strlen(base);

	(void)snprintf(path, sizeof(path), "%s/%s", base, place);
	for (char *at = path + base_len + 1; (at = strchr(at, '/')); at++) {
		*at = '\0';
		(void)mkdir(path, 0700); /* what fails is seen at the record */
		*at = '/';
	}
}

static int
put_original(const struct iscsi_sidecar *sidecar)
{
	return iscsi_sidecar_replace_record(sidecar->base, sidecar->place,
		&sidecar->stat, sidecar->text, sidecar->len);
}

static int
keep_original(struct record *record, const char *owner_uri)
{
	struct iscsi_sidecar sidecar = {
		.base = record->base,
		.stat = record->stat,
		.text = record->text,
		.len = record->len,
	};

	(void)snprintf(sidecar.owner, sizeof(sidecar.owner), "%s", owner_uri);
	(void)snprintf(
		sidecar.place, sizeof(sidecar.place), "%s", record->place);
	return iscsi_sidecar_write(&record->lock, &sidecar);
}

/* As if no attempt of ours had been made. */
static int
begin_anew(struct record *record)
{
	const struct iscsi_sidecar *sidecar = &record->sidecar;
	int result;

	if (sidecar->base) {
		make_parents(sidecar->base, sidecar->place);
		result = put_original(sidecar);
	} else {
		result = record->base ? durable_remove(record->path) : 0;
	}
	return result < 0 ? result : load(record);
}

int
iscsi_record_ensure(const struct iscsi_node *node, const char *owner_uri,
	struct iscsi_auth *ret_auth, struct err *err)
{
	cleanup(guard_record) struct record record = {.lock.fd = -1};
	int result = open_record(node, &record, err);

	if (result < 0)
		return result;
	if (!record.has_sidecar)
		result = keep_original(&record, owner_uri);
	else if (strcmp(record.sidecar.owner, owner_uri) == 0)
		result = begin_anew(&record);
	if (result < 0)
		return fail(node, -result, "kept", err);
	if (!record.base) {
		result = make_new(node, err);
		if (result < 0)
			return result;
		result = load(&record);
		if (result == 0 && !record.base)
			result = -ENOENT;
	}
	if (result < 0)
		return fail(node, -result, "read", err);
	iscsi_settings_read_auth(record.text, ret_auth);
	return 0;
}

/* The record with these settings instead of its own. 0 or -errno. */
static int
rewrite(const struct record *record, const struct iscsi_setting *settings,
	size_t count)
{
	cleanup_free char *text = malloc(ISCSI_RECORD_MAX);
	size_t len;
	int result;

	if (!text)
		return -ENOMEM;
	result = iscsi_settings_write(
		record->text, settings, count, text, ISCSI_RECORD_MAX, &len);
	if (result == 0)
		result = iscsi_sidecar_replace_record(
			record->base, record->place, NULL, text, len);
	explicit_bzero(text, ISCSI_RECORD_MAX);
	return result;
}

int
iscsi_record_adjust(const struct iscsi_node *node,
	const struct iscsi_auth *auth, unsigned login_timeout_s,
	struct err *err)
{
	char timeout[16];
	char digests[ISCSI_SETTING_SIZE] = "";
	const struct iscsi_setting settings[] = {
		{"node.startup", "manual"},
		{"node.conn[0].startup", "manual"},
		{"node.leading_login", "No"},
		{"node.session.nr_sessions", "1"},
		{"node.session.initial_login_retry_max", "1"},
		{"node.conn[0].timeo.login_timeout", timeout},
		/* From here on for credentials alone. */
		{"node.session.auth.authmethod", "CHAP"},
		{"node.session.auth.chap_algs", digests},
		{"node.session.auth.username", auth->username},
		{"node.session.auth.password", auth->password},
		{"node.session.auth.username_in", auth->username_in},
		{"node.session.auth.password_in", auth->password_in},
	};
	enum {
		WITHOUT_AUTH = 6
	};
	cleanup(guard_record) struct record record = {.lock.fd = -1};
	int result = open_record(node, &record, err);

	if (result < 0)
		return result;
	(void)snprintf(timeout, sizeof(timeout), "%u", login_timeout_s);
	/* Nobody would put it back. */
	if (!record.has_sidecar || !record.base)
		return fail(node, ENOENT, "written", err);
	iscsi_settings_choose_digests(record.text, digests);
	result = rewrite(&record, settings,
		*auth->username ? ARRAY_SIZE(settings) : WITHOUT_AUTH);
	return result < 0 ? fail(node, -result, "written", err) : 0;
}

static void
remove_empty_dirs(const char *record_path)
{
	char path[ISCSI_RECORD_PATH_SIZE];

	(void)snprintf(path, sizeof(path), "%s", record_path);
	for (int i = 0; i < 2; i++) {
		*strrchr(path, '/') = '\0';
		(void)rmdir(path); /* others may be in there */
	}
}

/* `iscsiadm -o new` makes static/TARGET,ADDRESS,PORT,TPGT,IFACE as well, a link
 * to the record's directory. */
static void
remove_static_link(const char *base, const char *place)
{
	char path[ISCSI_RECORD_PATH_SIZE];
	struct stat stat;
	size_t at = strlen(base) + strlen("/static/");

	(void)snprintf(path, sizeof(path), "%s/static/%s", base,
		place + strlen("nodes/"));
	for (char *slash = path + at; (slash = strchr(slash, '/'));)
		*slash = ',';
	if (lstat(path, &stat) == 0 && S_ISLNK(stat.st_mode))
		(void)unlink(path); /* it leads nowhere */
}

/* One that is gone is not made again: whoever removed it wanted that. */
static int
put_back(const struct iscsi_sidecar *sidecar)
{
	int result = 0;

	for (size_t i = 0; result == 0 && i < OPEN_ISCSI_BASES; i++) {
		const char *base = open_iscsi.bases[i];
		char path[ISCSI_RECORD_PATH_SIZE];
		struct stat stat;

		(void)snprintf(
			path, sizeof(path), "%s/%s", base, sidecar->place);
		if (!sidecar->base) {
			remove_static_link(base, sidecar->place);
			result = durable_remove(path);
		} else if (base == sidecar->base && lstat(path, &stat) == 0)
			result = put_original(sidecar);
		remove_empty_dirs(path);
	}
	return result;
}

struct drop {
	const char *target_iqn;
	const char *owner_uri;
};

static void
drop_one(const struct iscsi_sidecar *sidecar, void *data)
{
	const struct drop *drop = data;
	const char *target = sidecar->place + strlen("nodes/");
	size_t len = strlen(drop->target_iqn);

	if (strcmp(sidecar->owner, drop->owner_uri) == 0 &&
		strncmp(target, drop->target_iqn, len) == 0 &&
		target[len] == '/' && put_back(sidecar) == 0)
		(void)durable_remove(sidecar->path); /* or the next time */
}

void
iscsi_record_drop_all(const char *target_iqn, const char *owner_uri)
{
	cleanup(iscsi_lock_release) struct iscsi_lock lock = {.fd = -1};
	struct drop drop = {target_iqn, owner_uri};

	if (iscsi_lock_take(&lock) == 0)
		iscsi_sidecars_each(drop_one, &drop);
}
