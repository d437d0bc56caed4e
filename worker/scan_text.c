/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * scan_text.c - the lines of /proc and /sys that a scanner reads.
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
read_groups(char **rest, struct mountinfo_line *line)
{
	char *word;

	while ((word = strsep(rest, " "))) {
		if (strcmp(word, "-") == 0)
			return true;
		if (strncmp(word, "shared:", 7) == 0)
			line->shared = strtoull(word + 7, NULL, 10);
		else if (strncmp(word, "master:", 7) == 0)
			line->master = strtoull(word + 7, NULL, 10);
	}
	return false;
}

/* ID parent major:minor root path options [groups ...] - type source options */
bool
scan_read_mountinfo(char *line, struct mountinfo_line *ret_line)
{
	struct mountinfo_line seen = {0};
	char *words[6] = {0};
	char *ends[2] = {0};
	char *rest = line;

	for (size_t i = 0; i < 6; i++)
		if (!(words[i] = strsep(&rest, " ")))
			return false;
	if (sscanf(words[2], "%lu:%lu", &seen.major, &seen.minor) != 2 ||
		!read_groups(&rest, &seen))
		return false;
	for (size_t i = 0; i < 2; i++)
		if (!(ends[i] = strsep(&rest, " ")))
			return false;
	if (!rest)
		return false;
	seen.id = strtoull(words[0], NULL, 10);
	scan_unescape(words[3]);
	scan_unescape(words[4]);
	scan_unescape(ends[1]);
	rest[strcspn(rest, "\n")] = '\0';
	seen.root = words[3];
	seen.path = words[4];
	seen.options = words[5];
	seen.type = ends[0];
	seen.source = ends[1];
	seen.super_options = rest;
	*ret_line = seen;
	return true;
}

/* ADDRESSES perms offset major:minor inode    path, the device in hex */
bool
scan_read_mapping(char *line, struct mapping_line *ret_line)
{
	struct mapping_line seen;
	char *path = strchr(line, '/');

	if (!path || sscanf(line, "%*s %*s %*s %x:%x %lu", &seen.major,
			     &seen.minor, &seen.inode) != 3)
		return false;
	path[strcspn(path, "\n")] = '\0';
	scan_unescape(path);
	seen.path = path;
	*ret_line = seen;
	return true;
}

/* PATH     type	size	used	priority */
bool
scan_read_swap(char *line, struct swap_line *ret_line)
{
	static const char blanks[] = " \t";
	size_t len = strcspn(line, blanks);
	char *type = line + len + strspn(line + len, blanks);

	if (line[0] != '/' || line[len] == '\0')
		return false;
	ret_line->is_partition = strncmp(type, "file", 4) != 0;
	line[len] = '\0';
	scan_unescape(line);
	ret_line->path = line;
	return true;
}

bool
scan_read_number(const char *text, uint32_t *ret_major, uint32_t *ret_minor)
{
	uint32_t major, minor;
	int len = 0;

	if (sscanf(text, "%u:%u%n", &major, &minor, &len) != 2 ||
		text[len] != '\0')
		return false;
	*ret_major = major;
	*ret_minor = minor;
	return true;
}

bool
scan_read_field(
	const char *line, const char *key, int base, uint64_t *ret_value)
{
	size_t len = strlen(key);
	char *end;
	uint64_t value;

	if (strncmp(line, key, len) != 0 || line[len] != ':')
		return false;
	value = strtoull(line + len + 1, &end, base);
	if (end == line + len + 1 || (*end != '\n' && *end != '\0'))
		return false;
	*ret_value = value;
	return true;
}

bool
scan_has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	while (strncmp(list, word, len) != 0 ||
		(list[len] != ',' && list[len] != '\0')) {
		list = strchr(list, ',');
		if (!list)
			return false;
		list++;
	}
	return true;
}

void
scan_strip_deleted(char *path)
{
	static const char mark[] = " (deleted)";
	size_t len = strlen(path);

	if (len >= sizeof(mark) &&
		strcmp(path + len - (sizeof(mark) - 1), mark) == 0)
		path[len - (sizeof(mark) - 1)] = '\0';
}

const char *
scan_device_name(const char *path)
{
	const char *name = NULL;

	for (; (path = strstr(path, "/dev/")); path += 4)
		name = path + 5;
	return name && *name ? name : NULL;
}

/* Where in list a path "/dev/..." begins as a word or a value. */
static char *
find_device(char *list)
{
	for (char *at = list; (at = strstr(at, "/dev/")); at++)
		if (at == list || strchr(",=:", at[-1]))
			return at;
	return NULL;
}

char *
scan_next_device(char **rest)
{
	char *path = *rest ? find_device(*rest) : NULL;
	char *colon = path ? strstr(path, ":/dev/") : NULL;
	char *end;

	if (!path)
		return NULL;
	end = path + strcspn(path, ",");
	if (colon && colon < end)
		end = colon;
	*rest = *end ? end + 1 : NULL;
	*end = '\0';
	return path;
}

bool
scan_is_named_for(const char *name, const char *device)
{
	size_t len = strlen(device);

	if (strncmp(name, device, len) != 0)
		return false;
	if (name[len] == '\0')
		return true;
	return name[len] == '-' && name[len + 1] != '\0' &&
	       name[len + 1 + strspn(name + len + 1, "0123456789")] == '\0';
}
