/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * state.c - words of the states, and which state may follow which.
 *
 * Runs in: supervisor, worker.
 */
#include "proto/state.h"

static const char *const state_words[] = {
#define TARGET_STATE(name, word, has_object, meaning) [TARGET_##name] = word,
#include "proto/state.def"
#undef TARGET_STATE
};

static const char *const wanted_words[] = {
#define WANTED(name, word) [WANTED_##name] = word,
#include "proto/state.def"
#undef WANTED
};

static const char *const operation_words[] = {
#define OPERATION(name, word, meaning) [OPERATION_##name] = word,
#include "proto/state.def"
#undef OPERATION
};

static const char *const hold_words[] = {
#define HOLD(name, word, meaning) [HOLD_##name] = word,
#include "proto/state.def"
#undef HOLD
};

const char *
target_state_word(enum target_state state)
{
	return state_words[state];
}

const char *
wanted_word(enum wanted wanted)
{
	return wanted_words[wanted];
}

const char *
operation_word(enum operation operation)
{
	return operation_words[operation];
}

const char *
hold_word(enum hold hold)
{
	return hold_words[hold];
}

#define TO(name) (1u << TARGET_##name)

/*
 * A new worker finds whatever its predecessor left, so much follows REGISTERED.
 * LINGERING stays what it is while the unmount is tried again. STUCK ends in
 * whatever the kernel shows once the operation is over. What is held and has
 * lost its object goes to BACKOFF: nothing may be tried.
 * No state leads to itself: the setter is not called for that.
 */
static const unsigned may_become[TARGET_STATE_COUNT] = {
	[TARGET_REGISTERED] = TO(CONNECTING) | TO(CONNECTED) |
			      TO(UNRESPONSIVE) | TO(STALE) | TO(DISCONNECTING) |
			      TO(STUCK) | TO(BACKOFF),
	[TARGET_CONNECTING] = TO(CONNECTED) | TO(BACKOFF) | TO(BLOCKED) |
			      TO(REGISTERED) | TO(DISCONNECTING) | TO(STUCK),
	[TARGET_CONNECTED] = TO(UNRESPONSIVE) | TO(STALE) | TO(CONNECTING) |
			     TO(DISCONNECTING) | TO(REGISTERED) | TO(STUCK) |
			     TO(BACKOFF),
	[TARGET_UNRESPONSIVE] = TO(CONNECTED) | TO(STALE) | TO(CONNECTING) |
				TO(DISCONNECTING) | TO(REGISTERED) | TO(STUCK) |
				TO(BACKOFF),
	[TARGET_STALE] = TO(CONNECTING) | TO(CONNECTED) | TO(UNRESPONSIVE) |
			 TO(DISCONNECTING) | TO(REGISTERED) | TO(STUCK) |
			 TO(BACKOFF),
	[TARGET_BACKOFF] = TO(CONNECTING) | TO(CONNECTED) | TO(UNRESPONSIVE) |
			   TO(STALE) | TO(DISCONNECTING) | TO(REGISTERED) |
			   TO(STUCK),
	[TARGET_BLOCKED] = TO(CONNECTING) | TO(CONNECTED) | TO(UNRESPONSIVE) |
			   TO(STALE) | TO(DISCONNECTING) | TO(REGISTERED) |
			   TO(STUCK),
	[TARGET_DISCONNECTING] = TO(REGISTERED) | TO(LINGERING) | TO(STUCK) |
				 TO(CONNECTED) | TO(UNRESPONSIVE) | TO(STALE) |
				 TO(CONNECTING) | TO(BACKOFF),
	[TARGET_LINGERING] = TO(REGISTERED) | TO(STUCK) | TO(CONNECTED) |
			     TO(UNRESPONSIVE) | TO(STALE) | TO(CONNECTING) |
			     TO(BACKOFF),
	[TARGET_STUCK] = TO(REGISTERED) | TO(CONNECTING) | TO(CONNECTED) |
			 TO(UNRESPONSIVE) | TO(STALE) | TO(BACKOFF) |
			 TO(BLOCKED) | TO(DISCONNECTING) | TO(LINGERING),
};

bool
target_may_become(enum target_state from, enum target_state to)
{
	return may_become[from] & (1u << to);
}
