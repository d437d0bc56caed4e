/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * scanner.h - finds out who uses a mount, or the disks of a session.
 *
 * Runs in: the scanner's worker.
 */
#ifndef WORKER_SCANNER_H
#define WORKER_SCANNER_H

/* Serves one `scan` or `scan_session` order. Returns the exit status: 0; 1 for
 * a fault; 2 for an order that may not come. */
int scanner_run(void);

#endif
