/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * keeper_force.c - keeper: how long a server has been dead, and what then.
 *
 * Runs in: worker.
 * Trusts: what the backend found out about the server; force() asks once more.
 * Invariant: nothing is forced that is wanted, that is held, or whose server
 *            was found alive by any disconnect of the last force_after_ms. That
 *            it could not be asked proves nothing, neither way.
 */
#include <stdio.h>

#include "common/clock.h"
#include "worker/keeper_private.h"

bool
keeper_is_force_due(void)
{
	uint64_t after_us = keeper.limits.force_after_ms * US_PER_MS;

	return keeper.backend->force && after_us != 0 &&
	       keeper.dead_since_us != 0 &&
	       keeper.status.wanted == WANTED_DOWN &&
	       keeper.status.hold != HOLD_PAUSED &&
	       clock_boot_us() >= keeper.dead_since_us + after_us;
}

void
keeper_forget_death(void)
{
	keeper.dead_since_us = 0;
	keeper.force_unix_us = 0;
}

static void
note_death(void)
{
	uint64_t after_us = keeper.limits.force_after_ms * US_PER_MS;

	if (keeper.dead_since_us != 0)
		return;
	keeper.dead_since_us = clock_boot_us();
	keeper.force_unix_us = after_us ? clock_unix_us() + after_us : 0;
}

static void
note_forced(void)
{
	keeper.status.was_forced = keeper.status.wanted == WANTED_DOWN;
	(void)snprintf(keeper.warning, sizeof(keeper.warning),
		"%.100s: its server did not answer for %llu s: forced off; "
		"what had not been written to it may be lost",
		keeper.source,
		(unsigned long long)(keeper.limits.force_after_ms / 1000));
}

/* umount2(2) that hangs waits for the server, as far as anybody knows. */
static bool
found_dead(const struct operation_outcome *outcome)
{
	if (outcome->is_overdue)
		return outcome->step == OPERATION_STEP_UNMOUNT;
	return outcome->error.code == ERR_UNREACHABLE ||
	       outcome->error.code == ERR_TIMED_OUT;
}

void
keeper_note_server(const struct operation_outcome *outcome)
{
	bool was_forcing = keeper.is_forcing;
	bool is_success =
		!outcome->is_cancelled && outcome->error.code == ERR_NONE;

	if (outcome->operation != OPERATION_DISCONNECT ||
		!keeper.backend->force)
		return;
	keeper.is_forcing = false;
	/* Of one that was cut short it is not known how far it came. */
	if (was_forcing &&
		(is_success ? outcome->value != 0 : !keeper.status.has_object))
		note_forced();
	if (outcome->is_cancelled)
		return;
	if (!keeper.status.has_object || outcome->error.code == ERR_BUSY ||
		keeper.status.wanted == WANTED_UP)
		keeper_forget_death();
	else if (found_dead(outcome))
		note_death();
}

const char *
keeper_take_warning(void)
{
	static char taken[sizeof(keeper.warning)];

	if (!*keeper.warning)
		return NULL;
	(void)snprintf(taken, sizeof(taken), "%s", keeper.warning);
	*keeper.warning = '\0';
	return taken;
}
