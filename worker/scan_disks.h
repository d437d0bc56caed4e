/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * scan_disks.h - the devices of an iSCSI session, and what is stacked on them.
 *
 * Runs in: the scanner's child.
 * Trusts: /sys.
 * Invariant: what is stacked is told as a holder when it is found, and is in
 *            the set from then on: what holds it holds the session.
 */
#ifndef WORKER_SCAN_DISKS_H
#define WORKER_SCAN_DISKS_H

#include "worker/disks.h"

/* Fills the set anew. sysfd, hostfd and may_wait are set by the caller. */
void scan_disks(struct disks *disks, uint32_t session);

#endif
