/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * state.h - what is wanted of a connection, what it is, what is in progress.
 *
 * Runs in: supervisor, worker.
 */
#ifndef PROTO_STATE_H
#define PROTO_STATE_H

#include <stdbool.h>

enum target_state {
#define TARGET_STATE(name, word, has_object, meaning) TARGET_##name,
#include "proto/state.def"
#undef TARGET_STATE
	TARGET_STATE_COUNT,
};

enum wanted {
#define WANTED(name, word) WANTED_##name,
#include "proto/state.def"
#undef WANTED
	WANTED_COUNT,
};

enum operation {
#define OPERATION(name, word, meaning) OPERATION_##name,
#include "proto/state.def"
#undef OPERATION
	OPERATION_COUNT,
};

enum origin {
#define ORIGIN(name, word, meaning) ORIGIN_##name,
#include "proto/state.def"
#undef ORIGIN
	ORIGIN_COUNT,
};

enum hold {
#define HOLD(name, word, meaning) HOLD_##name,
#include "proto/state.def"
#undef HOLD
	HOLD_COUNT,
};

const char *target_state_word(enum target_state state);
const char *wanted_word(enum wanted wanted);
const char *operation_word(enum operation operation);
const char *hold_word(enum hold hold);
/* Whether a state lies on a path that the state machine has. */
bool target_may_become(enum target_state from, enum target_state to);

#endif
