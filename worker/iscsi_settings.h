/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * iscsi_settings.h - what a node record of open-iscsi says.
 *
 * Runs in: operation children of the iSCSI worker.
 * Trusts: nothing of a text but its NUL.
 * Invariant: what is not set here stays, in its order.
 */
#ifndef WORKER_ISCSI_SETTINGS_H
#define WORKER_ISCSI_SETTINGS_H

#include <stddef.h>

#include "proto/iscsi_auth.h"

struct iscsi_setting {
	const char *name;
	const char *value; /* "": the record shall not have it */
};

enum {
	ISCSI_SETTING_SIZE = 256 /* longest value and NUL */
};

/* The digests to offer: those that an administrator has chosen, else all that
 * a trial login offers, see iscsi_chap.h. */
void iscsi_settings_choose_digests(
	const char *text, char ret_digests[ISCSI_SETTING_SIZE]);
/* The CHAP credentials; "" for those it has not. */
void iscsi_settings_read_auth(const char *text, struct iscsi_auth *ret_auth);
/*
 * The text with these settings instead of its own, before its last line. 0,
 * -ENOMEM, or -EFBIG when size bytes are too few.
 */
int iscsi_settings_write(const char *text, const struct iscsi_setting *settings,
	size_t count, char *ret_text, size_t size, size_t *ret_len);

#endif
