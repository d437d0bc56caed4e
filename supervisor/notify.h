/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * notify.h - the service manager's notification socket, sd_notify(3).
 *
 * Runs in: supervisor. A datagram of the documented protocol; libsystemd would
 *          bring its compression and cryptography along.
 */
#ifndef SUPERVISOR_NOTIFY_H
#define SUPERVISOR_NOTIFY_H

/* Connects to $NOTIFY_SOCKET, if it is set, before the environment is
 * cleared and root given up. */
void notify_open(void);
void notify_ready(void);
void notify_stopping(void);

#endif
