/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * iscsi_auth.h - the credentials of an iSCSI target.
 *
 * Runs in: supervisor, the iSCSI worker and its operation children.
 * Invariant: NUL-terminated; whoever owns one erases it (explicit_bzero).
 *
 * The names are open-iscsi's. An empty string: none. username and password are
 * what this host proves to the target (CHAP), the other two what the target
 * has to prove to this host (mutual CHAP).
 */
#ifndef PROTO_ISCSI_AUTH_H
#define PROTO_ISCSI_AUTH_H

#include <string.h>

enum {
	ISCSI_AUTH_SIZE = 256 /* with the NUL; also iscsid's limit */
};

struct iscsi_auth {
	char username[ISCSI_AUTH_SIZE];
	char password[ISCSI_AUTH_SIZE];
	char username_in[ISCSI_AUTH_SIZE];
	char password_in[ISCSI_AUTH_SIZE];
};

#define iscsi_auth_copy_text(to, from, text)                                   \
	({                                                                     \
		_Static_assert(sizeof((to)->text) == sizeof((from)->text),     \
			"worker.def has another length");                      \
		memcpy((to)->text, (from)->text, sizeof((to)->text));          \
	})

/* Between this and the messages that carry it: the names are the same. */
#define iscsi_auth_copy(to, from)                                              \
	({                                                                     \
		iscsi_auth_copy_text(to, from, username);                      \
		iscsi_auth_copy_text(to, from, password);                      \
		iscsi_auth_copy_text(to, from, username_in);                   \
		iscsi_auth_copy_text(to, from, password_in);                   \
	})

#endif
