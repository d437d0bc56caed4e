/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * load.c - takes up at the start what was claimed before.
 *
 * Runs in: supervisor, without any privilege.
 * Trusts: the store as far as its checksums go; a URI in it is parsed again.
 * Invariant: what cannot be taken up is logged and left where it is: a later
 *            version may be able to.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "supervisor/load.h"
#include "supervisor/supervisor.h"

/* A record that this version cannot read stays in the store, untouched. */
static struct target *
load_target(struct supervisor *supervisor, const char *text)
{
	struct target *target = NULL;
	struct err err = {0};
	struct uri uri;

	if (uri_parse(text, strlen(text), &uri, &err) == 0) {
		target = target_find(supervisor, uri.canonical);
		if (!target)
			(void)target_new(supervisor, &uri, &target, &err);
	}
	if (!target)
		log_error("store: %s cannot be taken up: %s", text, err.text);
	return target;
}

static int
load_claim(const struct store_claim *record, void *data)
{
	struct supervisor *supervisor = data;
	struct target *target = load_target(supervisor, record->uri);
	struct claim *claim = NULL;
	struct err err;
	struct uri uri;

	if (target &&
		uri_parse(record->uri, strlen(record->uri), &uri, &err) == 0)
		claim = claim_new(record->cid, strlen(record->cid), record->uid,
			record->created_us, &uri, target);
	if (!claim)
		return 0;
	claim_insert(supervisor, claim);
	claim_link(supervisor, claim);
	target_touch(target);
	return 0;
}

static int
load_departing(const char *uri, uint64_t created_us, void *data)
{
	struct target *target = load_target(data, uri);

	if (target) {
		target->is_departing = true;
		target_touch(target);
	}
	return 0;
}

static void
load_credential(struct target *target)
{
	struct credential *credential = calloc(1, sizeof(*credential));
	int result =
		credential ? credential_load(target->supervisor->credentials_fd,
				     target->key, target->uri, credential)
			   : -ENOMEM;

	if (result == -ENOENT) {
		free(credential);
		return;
	}
	if (result < 0)
		log_error("target %s: its credentials cannot be read (%s): "
			  "manage it with them once more",
			target->uri, strerror(-result));
	/* One that cannot be had is still one: no login without it. */
	target_set_credential(target, credential);
}

static bool
is_known_key(uint64_t key, void *data)
{
	const struct supervisor *supervisor = data;
	const struct target *target;

	HASH_FIND(
		by_key, supervisor->targets_by_key, &key, sizeof(key), target);
	return target != NULL;
}

static int
load_credentials(struct supervisor *supervisor, struct err *err)
{
	struct target *target, *next;
	int fd = credential_open_dir(supervisor->conf.state_dir);

	if (fd < 0)
		return err_set(err, ERR_STORE_FAILED, -fd,
			"%s/credentials cannot be used: %s",
			supervisor->conf.state_dir, strerror(-fd));
	supervisor->credentials_fd = fd;
	credential_sweep(fd, is_known_key, supervisor);
	HASH_ITER (by_uri, supervisor->targets, target, next)
		if (target->scheme == URI_ISCSI)
			load_credential(target);
	return 0;
}

int
load_claims(struct supervisor *supervisor, struct err *err)
{
	int result =
		store_open(supervisor->conf.state_dir, &supervisor->store, err);

	if (result < 0)
		return result;
	if (*store_note(supervisor->store))
		log_warning("store: %s", store_note(supervisor->store));
	result = store_each_claim(supervisor->store, load_claim, supervisor);
	if (result == 0)
		result = store_each_departing(
			supervisor->store, load_departing, supervisor);
	if (result < 0)
		return err_set(err, ERR_STORE_FAILED, -result,
			"the store cannot be read: %s", strerror(-result));
	result = load_credentials(supervisor, err);
	if (result < 0)
		return result;
	claim_sweep_links(supervisor);
	log_notice("%u claims on %u connections",
		HASH_CNT(hh, supervisor->claims),
		HASH_CNT(by_uri, supervisor->targets));
	return 0;
}
