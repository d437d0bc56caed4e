/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * worker.c - a worker that was taken over: tries all acts, and says what came.
 *
 * Runs in: a worker's place, started and jailed by the real launcher, confined
 *          by the real worker/main.c.
 * Invariant: it says "redteam ROLE: NAME=ERRNO ..." in log lines, then waits
 *            for its end.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "proto/message.h"
#include "tests/redteam/acts.h"
#include "worker/backend.h"
#include "worker/pipes.h"
#include "worker/scanner.h"
#include "worker/serve.h"

#define SEND_US US_PER_SEC

static void
say(const char *text)
{
	struct message message = {.type = MESSAGE_log, .log.level = 5};

	(void)snprintf(message.log.text, sizeof(message.log.text), "%s", text);
	(void)pipes_send(PIPES_REPORT_FD, clock_boot_us() + SEND_US, &message);
}

/* So that a scanner is started, in whose place this is as well: the guest's
 * first session, which the scenario has made, is said to linger. */
static void
say_lingering(const char *role)
{
	struct message message = {.type = MESSAGE_status,
		.status = {.state = TARGET_LINGERING,
			.has_object = 1,
			.session = 1 + 1}};

	if (strcmp(role, "iscsi") == 0)
		(void)pipes_send(
			PIPES_REPORT_FD, clock_boot_us() + SEND_US, &message);
}

static int
attack(const char *role)
{
	char line[400];
	size_t len = 0;

	for (size_t i = 0; i < act_count; i++) {
		if (len == 0)
			len = (size_t)snprintf(
				line, sizeof(line), "redteam %s:", role);
		len += (size_t)snprintf(line + len, sizeof(line) - len,
			" %s=%d", acts[i].name, acts[i].run());
		if (len > sizeof(line) - 100 || i + 1 == act_count) {
			say(line);
			len = 0;
		}
	}
	say("redteam: done");
	say_lingering(role);
	for (;;) {
		struct message order;
		struct err err;

		if (pipes_wait_order(PIPES_ORDER_FD,
			    clock_boot_us() + 60 * US_PER_SEC, &order,
			    &err) < 0)
			return 0;
	}
}

int
serve_run(const struct backend *backend)
{
	return attack(backend->name);
}

int
scanner_run(void)
{
	return attack("scanner");
}
