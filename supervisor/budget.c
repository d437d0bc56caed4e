/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * budget.c - how long until an application gets an error from a dead server.
 *
 * Runs in: supervisor.
 * Trusts: nobody for the numbers: they are bounded before they are used.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "proto/message.h"
#include "supervisor/budget.h"
#include "supervisor/mounts.h"

enum {
	DECISECONDS = 10,
	TIMEO_DEFAULT = 600, /* of the kernel, over TCP */
	RETRANS_DEFAULT = 2,
	MAJOR_MAX_S = 600, /* NFS_MAX_TCP_TIMEOUT */
	VALUE_MAX = 32,
};

static uint64_t
number_of(const char *options, const char *name, uint64_t otherwise)
{
	char value[VALUE_MAX] = "";

	if (!mounts_option(options, name, value, sizeof(value)) || !value[0])
		return otherwise;
	return strtoull(value, NULL, 10);
}

static bool
has(const char *options, const char *name)
{
	char value[VALUE_MAX];

	return mounts_option(options, name, value, sizeof(value));
}

/* In tenths of a second. */
static uint64_t
major_timeout(uint64_t timeo, uint64_t retrans)
{
	uint64_t most = MAJOR_MAX_S * DECISECONDS;

	if (timeo >= most || retrans >= most)
		return most;
	timeo *= retrans + 1;
	return timeo < most ? timeo : most;
}

struct budget
budget_nfs(const char *options)
{
	uint64_t timeo = number_of(options, "timeo", TIMEO_DEFAULT);
	uint64_t retrans = number_of(options, "retrans", RETRANS_DEFAULT);
	const char *word = has(options, "softerr") ? "softerr"
			   : has(options, "soft")  ? "soft"
						   : "hard";
	uint64_t deciseconds = major_timeout(timeo, retrans);
	struct budget budget = {0};

	if (strcmp(word, "hard") == 0) {
		(void)snprintf(budget.text, sizeof(budget.text),
			"never: a hard mount waits for its server, however "
			"long that takes");
		return budget;
	}
	budget.duration_us = deciseconds * (US_PER_SEC / DECISECONDS);
	(void)snprintf(budget.text, sizeof(budget.text),
		"an error after %" PRIu64 ".%" PRIu64
		" s without an answer (%s, timeo=%" PRIu64
		" tenths of a second, retrans=%" PRIu64 ")",
		deciseconds / DECISECONDS, deciseconds % DECISECONDS, word,
		timeo, retrans);
	return budget;
}

struct budget
budget_iscsi(
	bool is_known, uint32_t recv_s, uint32_t ping_s, uint32_t recovery_s)
{
	struct budget budget = {0};

	if (!is_known) {
		(void)snprintf(budget.text, sizeof(budget.text),
			"not known: there is no session that would have its "
			"timeouts");
		return budget;
	}
	budget.duration_us =
		((uint64_t)recv_s + ping_s + recovery_s) * US_PER_SEC;
	if (budget.duration_us > MESSAGE_TIME_MAX)
		budget.duration_us = MESSAGE_TIME_MAX;
	(void)snprintf(budget.text, sizeof(budget.text),
		"an error after %" PRIu64
		" s without an answer (a ping each %u s, %u s for its answer, "
		"%u s for recovery)",
		budget.duration_us / US_PER_SEC, (unsigned)recv_s,
		(unsigned)ping_s, (unsigned)recovery_s);
	return budget;
}
