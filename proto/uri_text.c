/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * uri_text.c - reading and writing the bytes of a URI.
 *
 * Runs in: as uri.h.
 * Trusts: nobody.
 * Invariant: nothing is read behind a span or written behind a text.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proto/uri_parts.h"

bool
uri_span_cut(struct uri_span *span, char separator, struct uri_span *ret_rest)
{
	const char *found =
		span->len > 0 ? memchr(span->at, separator, span->len) : NULL;

	if (!found) {
		*ret_rest = (struct uri_span){span->at + span->len, 0};
		return false;
	}
	ret_rest->at = found + 1;
	ret_rest->len = (size_t)(span->at + span->len - ret_rest->at);
	span->len = (size_t)(found - span->at);
	return true;
}

bool
uri_span_has(struct uri_span span, char wanted)
{
	return span.len > 0 && memchr(span.at, wanted, span.len);
}

bool
uri_span_is_number(struct uri_span span)
{
	for (size_t i = 0; i < span.len; i++)
		if (span.at[i] < '0' || span.at[i] > '9')
			return false;
	return span.len > 0;
}

int
uri_span_check_text(struct uri_span span, struct err *err)
{
	if (!utf8_is_valid(span.at, span.len))
		return uri_refuse(err,
			"not valid UTF-8: write names of other encodings in "
			"UTF-8");
	for (size_t i = 0; i < span.len; i++) {
		unsigned char byte = (unsigned char)span.at[i];
		bool c1 = byte == 0xc2 && (unsigned char)span.at[i + 1] < 0xa0;

		if (byte < 0x20 || byte == 0x7f || c1)
			return uri_refuse(err,
				"a control character (NUL, newline, ...) at "
				"byte %zu: remove it",
				i + 1);
	}
	return 0;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Value of the escape at the start of span, -1 when it is none. */
static int
escape_value(struct uri_span span)
{
	if (span.len < 3 || hex_digit(span.at[1]) < 0 ||
		hex_digit(span.at[2]) < 0)
		return -1;
	return hex_digit(span.at[1]) << 4 | hex_digit(span.at[2]);
}

int
uri_span_decode(struct uri_span span, char *ret_decoded, size_t size,
	size_t *ret_len, struct err *err)
{
	size_t len = 0;

	for (size_t i = 0; i < span.len; i++) {
		struct uri_span here = {span.at + i, span.len - i};
		int byte = (unsigned char)span.at[i];

		if (len + 1 >= size)
			return uri_refuse(err,
				"\"%.*s...\" is too long: shorten it",
				URI_SHOW(span));
		if (byte == '%') {
			byte = escape_value(here);
			i += 2;
		}
		if (byte < 0)
			return uri_refuse(err,
				"\"%%\" without two hex digits behind it: "
				"write a percent sign as %%25");
		if (byte == '/' && here.at[0] == '%')
			return uri_refuse(err,
				"an escaped \"/\" (%%2F): no name holds one, "
				"write \"/\"");
		ret_decoded[len++] = (char)byte;
	}
	ret_decoded[len] = '\0';
	*ret_len = len;
	return uri_span_check_text((struct uri_span){ret_decoded, len}, err);
}

void
uri_text_init(struct uri_text *text, char *buffer, size_t size)
{
	*text = (struct uri_text){.at = buffer, .size = size};
	buffer[0] = '\0';
}

void
uri_text_add(struct uri_text *text, struct uri_span span)
{
	if (span.len >= text->size - text->len) {
		text->full = true;
		return;
	}
	memcpy(text->at + text->len, span.at, span.len);
	text->len += span.len;
	text->at[text->len] = '\0';
}

void
uri_text_print(struct uri_text *text, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(
		text->at + text->len, text->size - text->len, format, args);
	va_end(args);
	if (len < 0 || (size_t)len >= text->size - text->len) {
		text->at[text->len] = '\0';
		text->full = true;
		return;
	}
	text->len += (size_t)len;
}

/* RFC 3986, section 2.3. */
static bool
is_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
	       c == '~';
}

void
uri_text_escape(struct uri_text *text, const char *string)
{
	for (; *string; string++)
		if (is_unreserved(*string) || *string == '/')
			uri_text_add(text, (struct uri_span){string, 1});
		else
			uri_text_print(text, "%%%02X", (unsigned char)*string);
}
