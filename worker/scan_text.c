/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * scan_text.c - the lines of /proc that a scanner reads.
 *
 * Runs in: the scanner's worker.
 * Trusts: nobody for the names in them.
 * Invariant: see scan_text.h. Formats: proc(5).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/scan_text.h"

static bool
is_octal(char c)
{
	return c >= '0' && c <= '7';
}

void
scan_unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; to++) {
		if (from[0] == '\\' && is_octal(from[1]) && from[1] < '4' &&
			is_octal(from[2]) && is_octal(from[3])) {
			*to = (char)((from[1] - '0') * 64 +
				     (from[2] - '0') * 8 + (from[3] - '0'));
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

bool
scan_is_below(const char *text, const char *path)
{
	size_t len = strlen(path);

	return strncmp(text, path, len) == 0 && text[len] == '/';
}

bool
scan_is_within(const char *text, const char *path)
{
	return strcmp(text, path) == 0 || scan_is_below(text, path);
}

/* "shared:7" and so on, up to the "-" that ends them. */
static bool
read_groups(char *rest, struct mountinfo_line *line)
{
	char *word;

	while ((word = strsep(&rest, " "))) {
		if (strcmp(word, "-") == 0)
			return true;
		if (strncmp(word, "shared:", 7) == 0)
			line->shared = strtoull(word + 7, NULL, 10);
		else if (strncmp(word, "master:", 7) == 0)
			line->master = strtoull(word + 7, NULL, 10);
	}
	return false;
}

/* ID parent major:minor root path options [groups ...] - ... */
bool
scan_read_mountinfo(char *line, struct mountinfo_line *ret_line)
{
	struct mountinfo_line seen = {0};
	char *words[6] = {0};
	char *rest = line;
	char *path;

	for (size_t i = 0; i < 6; i++)
		if (!(words[i] = strsep(&rest, " ")))
			return false;
	if (!rest)
		return false;
	if (sscanf(words[2], "%lu:%lu", &seen.major, &seen.minor) != 2)
		return false;
	seen.id = strtoull(words[0], NULL, 10);
	path = words[4];
	scan_unescape(path);
	seen.path = path;
	if (!read_groups(rest, &seen))
		return false;
	*ret_line = seen;
	return true;
}

/* ADDRESSES perms offset major:minor inode    path */
const char *
scan_read_mapping(char *line)
{
	char *path = strchr(line, '/');

	if (!path)
		return NULL;
	path[strcspn(path, "\n")] = '\0';
	scan_unescape(path);
	return path;
}
