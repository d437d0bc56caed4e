/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * failure.c - why a call failed: slug, number, text.
 *
 * Runs in: command, and whoever links libholdfast.
 * Trusts: nobody: slug and text may come from the daemon.
 * Invariant: see failure.h.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "client/lib/failure.h"

static void
fill(struct failure *failure, enum err_code code)
{
	failure->number = err_number(code);
	(void)snprintf(
		failure->slug, sizeof(failure->slug), "%s", err_slug(code));
}

int
failure_set(
	struct failure *failure, enum err_code code, const char *format, ...)
{
	va_list args;

	fill(failure, code);
	va_start(args, format);
	(void)vsnprintf(failure->text, sizeof(failure->text), format, args);
	va_end(args);
	err_clean_text(failure->text);
	return -1;
}

int
failure_no_daemon(struct failure *failure, const char *format, ...)
{
	va_list args;

	*failure = (struct failure){.slug = FAILURE_NO_DAEMON};
	va_start(args, format);
	(void)vsnprintf(failure->text, sizeof(failure->text), format, args);
	va_end(args);
	err_clean_text(failure->text);
	return -1;
}

/* Length of the slug in front of ": ", 0 when there is none. */
static size_t
slug_length(const char *text, size_t len)
{
	size_t at = 0;

	while (at < len && at < FAILURE_SLUG_MAX &&
		((text[at] >= 'a' && text[at] <= 'z') || text[at] == '-' ||
			(text[at] >= '0' && text[at] <= '9')))
		at++;
	if (at == 0 || at >= FAILURE_SLUG_MAX || len - at < 2 ||
		memcmp(text + at, ": ", 2) != 0)
		return 0;
	return at;
}

int
failure_from_server(struct failure *failure, const char *text, size_t len)
{
	size_t slug_len = slug_length(text, len);
	size_t skip = slug_len ? slug_len + 2 : 0;
	enum err_code code = err_from_slug(text, slug_len);

	if (code == ERR_COUNT || code == ERR_NONE) {
		failure->number = 0;
		(void)snprintf(failure->slug, sizeof(failure->slug), "%.*s",
			slug_len ? (int)slug_len : 7,
			slug_len ? text : "unknown");
	} else {
		fill(failure, code);
	}
	len -= skip;
	if (len >= sizeof(failure->text))
		len = sizeof(failure->text) - 1;
	memcpy(failure->text, text + skip, len);
	failure->text[len] = '\0';
	err_clean_text(failure->text);
	return -1;
}
