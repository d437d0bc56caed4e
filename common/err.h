/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * err.h - an error on its way to whoever asked.
 *
 * Runs in: every process.
 * Invariant: no allocation; the text is bounded, valid UTF-8 and holds no
 *            control characters, whatever went into it.
 *
 * Functions return 0 or a positive result, or a negative errno. Those on the
 * request path also take a struct err *, their last parameter, and set and
 * return it in one statement:
 *
 *	return err_set(err, ERR_BAD_URI, EINVAL, "no host in \"%s\"", text);
 */
#ifndef COMMON_ERR_H
#define COMMON_ERR_H

#include <stdbool.h>
#include <stddef.h>

enum err_code {
	ERR_NONE,
#define ERROR(name, slug, number, exit_code, meaning) ERR_##name,
#include "proto/error.def"
#undef ERROR
	ERR_COUNT,
};

enum {
	ERR_TEXT_MAX = 256
};

struct err {
	enum err_code code;
	int errnum; /* errno of the system call behind it, or 0 */
	char text[ERR_TEXT_MAX];
};

/*
 * Fills in err (which may be NULL) and returns -errnum; errnum is positive.
 * Text that does not fit is cut at a character's end; control characters and
 * bytes that are not UTF-8 become '?'.
 */
int err_set(struct err *err, enum err_code code, int errnum, const char *format,
	...) __attribute__((format(printf, 4, 5)));

/* For codes below ERR_COUNT alone. */
/* The stable slug, "bad-uri", or "ok" for ERR_NONE. */
const char *err_slug(enum err_code code);
/* The stable number for `lastError`: see proto/error.def. 0 for ERR_NONE. */
int err_number(enum err_code code);
/* The exit code of the command for this error. */
int err_exit_code(enum err_code code);
/* What the slug stands for, one sentence. */
const char *err_meaning(enum err_code code);
/* Code of a slug of len bytes; ERR_COUNT when there is none such. */
enum err_code err_from_slug(const char *slug, size_t len);

/*
 * Makes text safe to show: control characters and invalid UTF-8 become '?'.
 * Works in place, on a NUL-terminated string.
 */
void err_clean_text(char *text);
/* Whether len bytes are valid UTF-8 (RFC 3629: no surrogates, no overlongs). */
bool utf8_is_valid(const char *text, size_t len);
/* Whether text that is valid UTF-8 holds a control character: C0 (NUL among
 * them), DEL or C1. */
bool utf8_has_control(const char *text, size_t len);

#endif
