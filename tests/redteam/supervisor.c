/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * supervisor.c - a supervisor that was taken over: tries all acts.
 *
 * Runs in: the supervisor's place, behind the real supervisor/main.c.
 * Invariant: it logs "redteam supervisor: NAME=ERRNO", one a line, and ends.
 */
#include "common/log.h"
#include "supervisor/supervisor.h"
#include "tests/redteam/acts.h"

int
supervisor_run(const struct conf *conf, const struct inheritance *inheritance)
{
	for (size_t i = 0; i < act_count; i++)
		log_notice("redteam supervisor: %s=%d", acts[i].name,
			acts[i].run());
	log_notice("redteam: done");
	return 0;
}
