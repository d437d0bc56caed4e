/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * leftover.h - processes of an earlier daemon that have outlived it.
 *
 * Runs in: supervisor, as root, before the split.
 */
#ifndef SUPERVISOR_LEFTOVER_H
#define SUPERVISOR_LEFTOVER_H

/*
 * Ends launchers and workers whose supervisor is gone: they were stopped
 * (SIGSTOP) or hung when it went, and keep what the next ones need. Those of
 * other daemons that live are left alone. Waits two seconds at most; what does
 * not die then is stuck in the kernel.
 */
void leftover_end(const char *worker_path);

#endif
