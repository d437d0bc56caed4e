/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * uri_form.c - values with a form of their own: sizes, modes, words.
 *
 * Runs in: as uri.h.
 * Trusts: nobody.
 * Invariant: what comes back true is the one spelling of that value.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "proto/uri_rule.h"

/*
 * The number at the start of value and where it ends; -1 for none, and for more
 * than INT64_MAX.
 */
static int64_t
digits(const char *value, int base, const char **ret_end)
{
	int64_t number = 0;
	const char *at;

	*ret_end = value;
	for (at = value; *at >= '0' && *at < '0' + base; at++)
		if (__builtin_mul_overflow(number, base, &number) ||
			__builtin_add_overflow(number, *at - '0', &number))
			return -1;
	*ret_end = at;
	return at == value ? -1 : number;
}

bool
form_number(char *value, const struct uri_rule *rule)
{
	const char *end;
	int64_t number = digits(value, 10, &end);

	return number >= rule->least && number <= rule->most &&
	       number % rule->multiple == 0 && *end == '\0' &&
	       (value[0] != '0' || value[1] == '\0');
}

bool
form_choice(char *value, const struct uri_rule *rule)
{
	size_t len = strlen(value);
	const char *word = rule->takes;

	while (*word) {
		size_t word_len = strcspn(word, " ");

		if (word_len == len && memcmp(word, value, len) == 0)
			return true;
		word += word_len;
		word += strspn(word, " ");
	}
	return false;
}

bool
form_lookupcache(char *value, const struct uri_rule *rule)
{
	if (strcmp(value, "pos") == 0)
		(void)snprintf(value, URI_VALUE_MAX, "positive"); /* fits */
	return strcmp(value, "all") == 0 || strcmp(value, "none") == 0 ||
	       strcmp(value, "positive") == 0;
}

bool
form_mode(char *value, const struct uri_rule *rule)
{
	const char *end;
	int64_t mode = digits(value, 8, &end);

	if (mode < 0 || mode > 01777 || *end != '\0')
		return false;
	(void)snprintf(value, URI_VALUE_MAX, "%" PRIo64, mode); /* fits */
	return true;
}

static const struct {
	char letter;
	int shift;
} units[] = {{'g', 30}, {'m', 20}, {'k', 10}};

bool
form_count(char *value, const struct uri_rule *rule)
{
	const char *end;
	int64_t number = digits(value, 10, &end);

	if (number <= 0 || value[0] == '0')
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if ((*end | 0x20) == units[i].letter) {
			if (number > INT64_MAX >> units[i].shift)
				return false;
			number <<= units[i].shift;
			end++;
			break;
		}
	if (*end != '\0')
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if ((number & ((INT64_C(1) << units[i].shift) - 1)) == 0) {
			(void)snprintf(value, URI_VALUE_MAX, "%" PRId64 "%c",
				number >> units[i].shift,
				units[i].letter); /* fits */
			return true;
		}
	(void)snprintf(value, URI_VALUE_MAX, "%" PRId64, number); /* fits */
	return true;
}

bool
form_size(char *value, const struct uri_rule *rule)
{
	const char *end;
	int64_t percent = digits(value, 10, &end);

	if (strcmp(end, "%") != 0)
		return form_count(value, rule);
	/* "%" itself and 05% are no percentages. */
	return percent >= 1 && percent <= 100 && value[0] != '0';
}

/* open-iscsi has a file of that name for each. */
bool
form_iface(char *value, const struct uri_rule *rule)
{
	static const char all[] = "abcdefghijklmnopqrstuvwxyz"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "0123456789._:-";

	return value[0] != '.' && value[0] != '-' &&
	       value[strspn(value, all)] == '\0';
}
