/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * budget.h - how long until an application gets an error from a dead server.
 *
 * Runs in: supervisor.
 * Invariant: pure, but for iSCSI, whose timeouts are the kernel's variables.
 */
#ifndef SUPERVISOR_BUDGET_H
#define SUPERVISOR_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

enum {
	BUDGET_TEXT_MAX = 256
};

struct budget {
	uint64_t duration_us; /* 0: for ever, or not known: see text */
	char text[BUDGET_TEXT_MAX];
};

/*
 * NFS over TCP, by the mount options of the kernel (or those asked for): a call
 * is sent again after timeo, then after one timeo more each time; "soft" and
 * "softerr" give up after retrans of these, in timeo * (retrans + 1) in all, at
 * most 600 s. timeo counts tenths of a second. nfs(5); nfs_init_timeout_values()
 * of fs/nfs/client.c and xprt_calc_majortimeo() of net/sunrpc/xprt.c.
 */
struct budget budget_nfs(const char *options);
/* iSCSI, by the session: the ping that is missed, then the time that is given
 * to recovery. is_known false: there is no session now. */
struct budget budget_iscsi(
	bool is_known, uint32_t recv_s, uint32_t ping_s, uint32_t recovery_s);

#endif
