/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * iscsi_text.h - the key=value text of iSCSI's login phase (RFC 7143, 6.1).
 *
 * Runs in: operation children of the iSCSI worker.
 * Trusts: nobody: what is read comes from a target.
 * Invariant: no byte outside a buffer is read or written; behind the text
 *            stands a NUL. What does not fit sets a flag that stays, so that
 *            a caller asks once, at the end.
 */
#ifndef WORKER_ISCSI_TEXT_H
#define WORKER_ISCSI_TEXT_H

#include <stdbool.h>
#include <stddef.h>

enum {
	/* What either side may send at once, before it is negotiated (13.12) */
	ISCSI_TEXT_MAX = 8192,
	ISCSI_TEXT_KEY_MAX = 63,
	ISCSI_TEXT_PAIRS_MAX = 128, /* ours: a login has about ten */
};

struct iscsi_text {
	size_t len;
	bool is_full; /* something did not fit: the content is unusable */
	char bytes[ISCSI_TEXT_MAX + 1];
};

void iscsi_text_init(struct iscsi_text *text);
void iscsi_text_put(
	struct iscsi_text *text, const char *key, const char *value);
/* As a hexadecimal constant. */
void iscsi_text_put_binary(
	struct iscsi_text *text, const char *key, const void *data, size_t len);

/*
 * Whether all of it is key=value, no key too long, none there twice. A missing
 * NUL at the end and superfluous ones are let pass, as open-iscsi does.
 */
bool iscsi_text_is_valid(const struct iscsi_text *text);
/* The value, inside the text; NULL when there is no such key. */
const char *iscsi_text_get(const struct iscsi_text *text, const char *key);

/* A decimal or hexadecimal (0x) constant of at most max. */
bool iscsi_text_number(const char *value, unsigned max, unsigned *ret_number);
/* A hexadecimal (0x) or base64 (0b) constant of 1 to size bytes. */
bool iscsi_text_binary(
	const char *value, void *buffer, size_t size, size_t *ret_len);

#endif
