/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * iscsi_text.c - the key=value text of iSCSI's login phase (RFC 7143, 6.1).
 *
 * Runs in: operation children of the iSCSI worker.
 * Trusts: nobody: what is read comes from a target.
 * Invariant: see iscsi_text.h.
 */
#include <stdint.h>
#include <string.h>

#include "worker/iscsi_text.h"

static const char base64[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char hex[] = "0123456789abcdef";

void
iscsi_text_init(struct iscsi_text *text)
{
	text->len = 0;
	text->is_full = false;
	text->bytes[0] = '\0';
}

static void
append(struct iscsi_text *text, const char *data, size_t len)
{
	if (text->is_full || len > ISCSI_TEXT_MAX - text->len) {
		text->is_full = true;
		return;
	}
	memcpy(text->bytes + text->len, data, len);
	text->len += len;
	text->bytes[text->len] = '\0';
}

void
iscsi_text_put(struct iscsi_text *text, const char *key, const char *value)
{
	append(text, key, strlen(key));
	append(text, "=", 1);
	append(text, value, strlen(value) + 1);
}

void
iscsi_text_put_binary(
	struct iscsi_text *text, const char *key, const void *data, size_t len)
{
	const unsigned char *bytes = data;

	append(text, key, strlen(key));
	append(text, "=0x", 3);
	for (size_t i = 0; i < len; i++) {
		append(text, &hex[bytes[i] >> 4], 1);
		append(text, &hex[bytes[i] & 15], 1);
	}
	append(text, "", 1);
}

/* The pair at *at or behind, NULL at the end. *at is moved behind it. */
static const char *
next_pair(const struct iscsi_text *text, size_t *at)
{
	const char *pair;

	while (*at < text->len && text->bytes[*at] == '\0')
		(*at)++;
	if (*at >= text->len)
		return NULL;
	pair = text->bytes + *at;
	*at += strlen(pair) + 1;
	return pair;
}

static const char *
find(const struct iscsi_text *text, const char *key, size_t key_len)
{
	const char *pair;
	size_t at = 0;

	while ((pair = next_pair(text, &at)))
		if (strncmp(pair, key, key_len) == 0 && pair[key_len] == '=')
			return pair;
	return NULL;
}

bool
iscsi_text_is_valid(const struct iscsi_text *text)
{
	unsigned pairs = 0;
	const char *pair;
	size_t at = 0;

	while ((pair = next_pair(text, &at))) {
		size_t key_len = strcspn(pair, "=");

		if (key_len == 0 || key_len > ISCSI_TEXT_KEY_MAX ||
			pair[key_len] != '=')
			return false;
		if (++pairs > ISCSI_TEXT_PAIRS_MAX ||
			find(text, pair, key_len) != pair)
			return false;
	}
	return true;
}

const char *
iscsi_text_get(const struct iscsi_text *text, const char *key)
{
	size_t key_len = strlen(key);
	const char *pair = find(text, key, key_len);

	return pair ? pair + key_len + 1 : NULL;
}

/* Whether value begins with 0 and that letter, small or capital. */
static bool
has_prefix(const char *value, char letter)
{
	return value[0] == '0' && (value[1] | 0x20) == letter;
}

/* What the character stands for in the first base characters, or -1. */
static int
digit_of(const char *digits, size_t base, char character)
{
	const char *at = memchr(digits, character, base);

	return at ? (int)(at - digits) : -1;
}

static int
hex_digit_of(char character)
{
	if (character >= 'A' && character <= 'F')
		character = (char)(character - 'A' + 'a');
	return digit_of(hex, 16, character);
}

bool
iscsi_text_number(const char *value, unsigned max, unsigned *ret_number)
{
	bool is_hex = has_prefix(value, 'x');
	uint64_t number = 0;

	value += is_hex ? 2 : 0;
	if (*value == '\0')
		return false;
	for (; *value; value++) {
		int digit = is_hex ? hex_digit_of(*value)
				   : digit_of(hex, 10, *value);

		if (digit < 0)
			return false;
		number = number * (is_hex ? 16 : 10) + (unsigned)digit;
		if (number > max)
			return false;
	}
	*ret_number = (unsigned)number;
	return true;
}

/* An odd number of digits lacks a zero in front, as in any number. */
static bool
get_hex(const char *digits, unsigned char *bytes, size_t size, size_t *ret_len)
{
	size_t count = strlen(digits);
	size_t len = (count + 1) / 2;
	size_t skip = count % 2;

	if (count == 0 || len > size)
		return false;
	memset(bytes, 0, len);
	for (size_t i = 0; i < count; i++) {
		int digit = hex_digit_of(digits[i]);
		unsigned char *byte = &bytes[(i + skip) / 2];

		if (digit < 0)
			return false;
		*byte = (unsigned char)(*byte << 4 | digit);
	}
	*ret_len = len;
	return true;
}

static bool
get_base64(
	const char *digits, unsigned char *bytes, size_t size, size_t *ret_len)
{
	size_t count = strlen(digits);
	size_t pads = 0;
	size_t len = 0;
	uint32_t bits = 0;

	if (count == 0 || count % 4 != 0)
		return false;
	while (pads < 2 && digits[count - 1 - pads] == '=')
		pads++;
	if (count / 4 * 3 - pads > size)
		return false;
	for (size_t i = 0; i < count - pads; i++) {
		int digit = digit_of(base64, 64, digits[i]);

		if (digit < 0)
			return false;
		bits = bits << 6 | (unsigned)digit;
		if (i % 4 > 0) /* the first of four completes no byte */
			bytes[len++] = (unsigned char)(bits >> (6 - i % 4 * 2));
	}
	*ret_len = len;
	return true;
}

bool
iscsi_text_binary(const char *value, void *buffer, size_t size, size_t *ret_len)
{
	if (has_prefix(value, 'x'))
		return get_hex(value + 2, buffer, size, ret_len);
	if (has_prefix(value, 'b'))
		return get_base64(value + 2, buffer, size, ret_len);
	return false;
}
