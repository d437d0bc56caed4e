/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * style.c - how a state looks: mark and colour, where the terminal has them.
 *
 * Runs in: command.
 */
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/style.h"
#include "common/guard.h"
#include "proto/state.h"

struct style {
	const char *mark;
	const char *color;
};

static const struct style styles[TARGET_STATE_COUNT] = {
	[TARGET_REGISTERED] = {"◌", NULL},
	[TARGET_CONNECTING] = {"◌", "yellow"},
	[TARGET_CONNECTED] = {"●", "green"},
	[TARGET_UNRESPONSIVE] = {"◐", "yellow"},
	[TARGET_STALE] = {"◐", "yellow"},
	[TARGET_BACKOFF] = {"◌", "yellow"},
	[TARGET_BLOCKED] = {"✗", "red"},
	[TARGET_DISCONNECTING] = {"◌", NULL},
	[TARGET_LINGERING] = {"◐", "yellow"},
	[TARGET_STUCK] = {"✗", "red"},
};
/* A connection of others, which has no state of ours. */
static const struct style unmanaged_style = {"○", NULL};
static const struct style no_style = {"", NULL};

static const struct {
	const char *color;
	const char *sequence;
} sequences[] = {
	{"red", "\033[31m"},
	{"green", "\033[32m"},
	{"yellow", "\033[33m"},
};

bool
style_has_marks(void)
{
	return isatty(STDOUT_FILENO) &&
	       strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

bool
style_has_colors(void)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no_color && no_color[0]) &&
	       !(term && strcmp(term, "dumb") == 0);
}

static const struct style *
find_style(const char *state)
{
	for (size_t i = 0; i < TARGET_STATE_COUNT; i++)
		if (strcmp(state, target_state_word((enum target_state)i)) == 0)
			return &styles[i];
	if (strcmp(state, "unmanaged") == 0)
		return &unmanaged_style;
	return &no_style;
}

const char *
style_mark(const char *state)
{
	return find_style(state)->mark;
}

const char *
style_color(const char *state)
{
	return find_style(state)->color;
}

const char *
style_sequence(const char *color)
{
	if (!color || !style_has_colors())
		return "";
	for (size_t i = 0; i < ARRAY_SIZE(sequences); i++)
		if (strcmp(color, sequences[i].color) == 0)
			return sequences[i].sequence;
	return "";
}

const char *
style_reset(void)
{
	return style_has_colors() ? "\033[0m" : "";
}
