/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * style.h - how a state looks: mark and colour, where the terminal has them.
 *
 * Runs in: command.
 */
#ifndef CLIENT_STYLE_H
#define CLIENT_STYLE_H

#include <stdbool.h>

/* Marks: standard output is a terminal of UTF-8. */
bool style_has_marks(void);
/* Colours: it is a terminal, and NO_COLOR is not set or empty. */
bool style_has_colors(void);

/* "●", or "" for a state not known here. */
const char *style_mark(const char *state);
/* Name of a colour for libsmartcols, NULL for none. */
const char *style_color(const char *state);
/* The escape sequence of that colour; "" without colours or for NULL. */
const char *style_sequence(const char *color);
/* Ends a colour; "" without colours. */
const char *style_reset(void);

#endif
