/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ledger_private.h - what the files of the ledger have of each other.
 *
 * Runs in: supervisor.
 */
#ifndef SUPERVISOR_LEDGER_PRIVATE_H
#define SUPERVISOR_LEDGER_PRIVATE_H

#include "supervisor/ledger.h"

/*
 * Adds a process by its facts: pid, operation, since_us, uri, worker,
 * is_suspect; they are copied. A session other than 0 is the one that it must
 * be of, if /proc shows that. 0, or -errno: -ESRCH when it has ended, -EPERM
 * when it is of another session, -ENOSPC
 * when its connection, or the ledger, has too many, -EEXIST when it
 * has this one.
 */
int ledger_add(struct ledger *ledger, const struct ledger_entry *facts,
	pid_t session, struct ledger_entry **ret_entry);
/* At the start, once. */
void ledger_load(struct ledger *ledger);

enum {
	LEDGER_URI_MAX = 2047
};

/* One line of the file: pid, started, operation, since_us, and uri, which
 * points into a buffer of LEDGER_URI_MAX + 1 bytes. 0 or -EBADMSG. */
int ledger_parse_line(const char *line, struct ledger_entry *ret_facts,
	char ret_uri[LEDGER_URI_MAX + 1]);

#endif
