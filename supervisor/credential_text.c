/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * credential_text.c - lines "name = value", as credentials are written down.
 *
 * Runs in: supervisor.
 * Trusts: nobody.
 * Invariant: see credential_text.h.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/err.h"
#include "supervisor/credential_text.h"

struct line {
	const char *at;
	size_t len;
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct line
trim(struct line line)
{
	while (line.len > 0 && is_blank(line.at[0])) {
		line.at++;
		line.len--;
	}
	while (line.len > 0 && is_blank(line.at[line.len - 1]))
		line.len--;
	return line;
}

static bool
is_text(struct line value)
{
	for (size_t i = 0; i < value.len; i++)
		if ((unsigned char)value.at[i] < 0x20 || value.at[i] == 0x7f)
			return false;
	return utf8_is_valid(value.at, value.len);
}

static bool
set_field(struct line name, struct line value,
	const struct credential_field *fields, size_t count, uint32_t *seen)
{
	for (size_t i = 0; i < count; i++) {
		if (strlen(fields[i].name) != name.len ||
			memcmp(fields[i].name, name.at, name.len) != 0)
			continue;
		if (*seen >> i & 1 || value.len == 0 ||
			value.len >= fields[i].size || !is_text(value))
			return false;
		*seen |= 1u << i;
		memcpy(fields[i].value, value.at, value.len);
		fields[i].value[value.len] = '\0';
		return true;
	}
	return false;
}

static bool
read_line(struct line line, const struct credential_field *fields, size_t count,
	uint32_t *seen)
{
	const char *equals;
	struct line name, value;

	line = trim(line);
	if (line.len == 0 || line.at[0] == '#')
		return true;
	equals = memchr(line.at, '=', line.len);
	if (!equals)
		return false;
	name = (struct line){line.at, (size_t)(equals - line.at)};
	value = (struct line){equals + 1, line.len - name.len - 1};
	return set_field(trim(name), trim(value), fields, count, seen);
}

int
credential_text_read(
	const char *text, const struct credential_field *fields, size_t count)
{
	uint32_t seen = 0;
	int number = 1;

	while (*text) {
		size_t len = strcspn(text, "\n");

		if (!read_line((struct line){text, len}, fields, count, &seen))
			return number;
		text += len + (text[len] != '\0');
		number++;
	}
	return 0;
}
