/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * err.c - the error table and the one way to fill in a struct err.
 *
 * Runs in: every process.
 * Trusts: nobody: texts may come from clients, servers and workers.
 * Invariant: see err.h.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/err.h"
#include "common/guard.h"

static const struct {
	const char *slug;
	int number;
	int exit_code;
	const char *meaning;
} table[ERR_COUNT] = {
	[ERR_NONE] = {"ok", 0, 0, "no error"},
#define ERROR(name, slug, number, exit_code, meaning)                          \
	[ERR_##name] = {slug, number, exit_code, meaning},
#include "proto/error.def"
#undef ERROR
};

const char *
err_slug(enum err_code code)
{
	return table[code].slug;
}

int
err_number(enum err_code code)
{
	return table[code].number;
}

int
err_exit_code(enum err_code code)
{
	return table[code].exit_code;
}

const char *
err_meaning(enum err_code code)
{
	return table[code].meaning;
}

enum err_code
err_from_slug(const char *slug, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (strlen(table[i].slug) == len &&
			memcmp(table[i].slug, slug, len) == 0)
			return (enum err_code)i;
	return ERR_COUNT;
}

/* The smallest code point that needs a sequence of that many bytes. */
static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};

/*
 * Length of the UTF-8 sequence that starts at text, 0 when it is none.
 * RFC 3629, section 4.
 */
static size_t
utf8_sequence(const unsigned char *text, size_t left)
{
	uint32_t point;
	size_t len;

	if (text[0] < 0x80)
		return 1;
	if (text[0] >= 0xc2 && text[0] <= 0xdf) {
		len = 2;
		point = text[0] & 0x1f;
	} else if ((text[0] & 0xf0) == 0xe0) {
		len = 3;
		point = text[0] & 0x0f;
	} else if (text[0] >= 0xf0 && text[0] <= 0xf4) {
		len = 4;
		point = text[0] & 0x07;
	} else {
		return 0;
	}
	if (left < len)
		return 0;
	for (size_t i = 1; i < len; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		point = point << 6 | (text[i] & 0x3f);
	}
	if (point < smallest[len] || point > 0x10ffff ||
		(point >= 0xd800 && point <= 0xdfff))
		return 0;
	return len;
}

bool
utf8_is_valid(const char *text, size_t len)
{
	for (size_t at = 0; at < len;) {
		size_t step = utf8_sequence(
			(const unsigned char *)text + at, len - at);

		if (step == 0)
			return false;
		at += step;
	}
	return true;
}

/* C0 controls and DEL stand in one byte, C1 controls in two: c2 80 - c2 9f. */
static bool
is_control(const unsigned char *text, size_t len)
{
	if (len == 1)
		return text[0] < 0x20 || text[0] == 0x7f;
	return len == 2 && text[0] == 0xc2 && text[1] < 0xa0;
}

bool
utf8_has_control(const char *text, size_t len)
{
	for (size_t at = 0; at < len;) {
		const unsigned char *here = (const unsigned char *)text + at;
		size_t step = utf8_sequence(here, len - at);

		if (is_control(here, step))
			return true;
		at += step ? step : 1;
	}
	return false;
}

void
err_clean_text(char *text)
{
	size_t len = strlen(text);

	for (size_t at = 0; at < len;) {
		unsigned char *here = (unsigned char *)text + at;
		size_t step = utf8_sequence(here, len - at);

		if (step == 0 || is_control(here, step)) {
			step = step ? step : 1;
			memset(here, '?', step);
		}
		at += step;
	}
}

/* Drops the first bytes of a character that vsnprintf() cut in two. */
static void
drop_cut_character(char *text)
{
	size_t len = strlen(text);
	size_t back = 0;

	while (back < 3 && back < len &&
		((unsigned char)text[len - 1 - back] & 0xc0) == 0x80)
		back++;
	if (back < len && (unsigned char)text[len - 1 - back] >= 0xc0 &&
		!utf8_is_valid(text + len - 1 - back, back + 1))
		text[len - 1 - back] = '\0';
}

int
err_set(struct err *err, enum err_code code, int errnum, const char *format,
	...)
{
	va_list args;
	int len;

	if (!err)
		return -errnum;
	err->code = code;
	err->errnum = errnum;
	va_start(args, format);
	len = vsnprintf(err->text, sizeof(err->text), format, args);
	va_end(args);
	if (len >= (int)sizeof(err->text))
		drop_cut_character(err->text);
	err_clean_text(err->text);
	return -errnum;
}
