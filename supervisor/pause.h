/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pause.h - nothing is begun on this host, until it is resumed.
 *
 * Runs in: supervisor.
 * Invariant: a pause outlives the daemon, not the host's boot: base/paused in
 *            run_dir. Claims are made and released meanwhile as ever.
 */
#ifndef SUPERVISOR_PAUSE_H
#define SUPERVISOR_PAUSE_H

struct supervisor;

/* Before the claims are loaded. */
void pause_load(struct supervisor *supervisor);

#endif
