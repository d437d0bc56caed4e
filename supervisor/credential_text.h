/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * credential_text.h - lines "name = value", as credentials are written down.
 *
 * Runs in: supervisor.
 * Invariant: pure text. A value is all between the blanks behind "=" and those
 *            at the line's end, whatever it holds: "#" and quotes too.
 */
#ifndef SUPERVISOR_CREDENTIAL_TEXT_H
#define SUPERVISOR_CREDENTIAL_TEXT_H

#include <stddef.h>

enum {
	CREDENTIAL_TEXT_SIZE = 8192
};

struct credential_field {
	const char *name;
	char *value; /* stays as it is when there is no such line */
	size_t size; /* longest value and NUL */
};

/*
 * Reads every line; empty ones, and those that begin with "#", mean nothing.
 * 0, or the number of the first line (from 1) that is no "name = value", names
 * no field or one that was set before, or has a value that is empty, too long
 * or no text.
 */
int credential_text_read(
	const char *text, const struct credential_field *fields, size_t count);

#endif
