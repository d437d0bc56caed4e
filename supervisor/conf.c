/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conf.c - holdfast.conf. Owner file of inih.
 *
 * Runs in: supervisor, before the split, as root.
 * Invariant: a setting that is unknown, stands twice or is out of bounds stops
 *            the start: a daemon that guesses is worse than one that asks.
 */
#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "paths.h"
#include "common/guard.h"
#include "supervisor/conf.h"

static const struct setting {
	const char *section;
	const char *key;
	size_t offset;
	size_t size; /* of a text, 0 for a number */
	const char *text;
	uint64_t number;
	uint64_t least;
	uint64_t greatest;
} settings[] = {
#define TEXT(section, key, field, value)                                       \
	{section, key, offsetof(struct conf, field),                           \
		sizeof(((struct conf *)NULL)->field), value, 0, 0, 0},
#define NUMBER(section, key, field, value, least, greatest)                    \
	{section, key, offsetof(struct conf, field), 0, NULL, value, least,    \
		greatest},
#include "supervisor/conf.def"
#undef TEXT
#undef NUMBER
};

struct reading {
	struct conf *conf;
	struct err *err;
	bool seen[ARRAY_SIZE(settings)];
	bool has_failed;
	FILE *file;
	int line;	 /* read so far */
	int failed_line; /* where has_failed was set */
	bool is_too_long;
};

static void
set_defaults(struct conf *conf)
{
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		const struct setting *setting = &settings[i];
		char *at = (char *)conf + setting->offset;

		if (setting->size)
			(void)snprintf(at, setting->size, "%s", setting->text);
		else
			memcpy(at, &setting->number, sizeof(uint64_t));
	}
}

static bool
read_number(const char *text, const struct setting *setting, char *at)
{
	char *end;
	unsigned long long number;

	errno = 0;
	number = strtoull(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || *text == '+' ||
		number < setting->least || number > setting->greatest)
		return false;
	memcpy(at, &(uint64_t){number}, sizeof(uint64_t));
	return true;
}

static int
set(struct reading *reading, const struct setting *setting, const char *value)
{
	char *at = (char *)reading->conf + setting->offset;

	if (setting->size) {
		if (!*value || strlen(value) >= setting->size ||
			(strcmp(setting->section, "paths") == 0 &&
				*value != '/'))
			return err_set(reading->err, ERR_BAD_OPTION, EINVAL,
				"[%s] %s: \"%s\" is empty, too long, or no "
				"absolute path",
				setting->section, setting->key, value);
		(void)snprintf(at, setting->size, "%s", value);
		return 0;
	}
	if (!read_number(value, setting, at))
		return err_set(reading->err, ERR_BAD_OPTION, EINVAL,
			"[%s] %s: \"%s\" is no number from %llu to %llu",
			setting->section, setting->key, value,
			(unsigned long long)setting->least,
			(unsigned long long)setting->greatest);
	return 0;
}

static int
set_by_name(struct reading *reading, const char *section, const char *key,
	const char *value)
{
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		if (strcmp(settings[i].section, section) != 0 ||
			strcmp(settings[i].key, key) != 0)
			continue;
		if (reading->seen[i])
			return err_set(reading->err, ERR_BAD_OPTION, EINVAL,
				"[%s] %s stands there twice", section, key);
		reading->seen[i] = true;
		return set(reading, &settings[i], value);
	}
	return err_set(reading->err, ERR_BAD_OPTION, EINVAL,
		"[%s] %s: there is no such setting", section, key);
}

/* The shape that inih wants: 1 goes on, 0 marks the line as wrong. */
static int
on_setting(void *data, const char *section, const char *key, const char *value)
{
	struct reading *reading = data;

	if (reading->has_failed)
		return 0;
	reading->has_failed =
		set_by_name(reading, section, key, value ? value : "") < 0;
	if (reading->has_failed)
		reading->failed_line = reading->line;
	return !reading->has_failed;
}

/* The shape of fgets(3). inih would take what does not fit for a line of its
 * own. */
static char *
read_line(char *line, int size, void *data)
{
	struct reading *reading = data;
	size_t len;

	if (reading->is_too_long || !fgets(line, size, reading->file))
		return NULL;
	reading->line++;
	len = strlen(line);
	if (len + 1 < (size_t)size || line[len - 1] == '\n')
		return line;
	reading->is_too_long = true;
	return NULL;
}

/* 0 or -EINVAL, with what is wrong with the first line that is. */
static int
read_file(struct reading *reading, const char *path, struct err *err)
{
	int line = ini_parse_stream(read_line, reading, on_setting, reading);

	if (ferror(reading->file))
		return err_set(err, ERR_BAD_OPTION, EINVAL,
			"%s is no file that can be read", path);
	if (line == 0 && reading->is_too_long)
		return err_set(err, ERR_BAD_OPTION, EINVAL,
			"%s, line %d: too long", path, reading->line);
	if (line != 0)
		return err_set(err, ERR_BAD_OPTION, EINVAL, "%s, line %d: %s",
			path, line,
			line == reading->failed_line ? reading->err->text
						     : "no setting");
	return 0;
}

static int
check_whole(const struct conf *conf, struct err *err)
{
	if (conf->retry_min_ms > conf->retry_max_ms)
		return err_set(err, ERR_BAD_OPTION, EINVAL,
			"[retry] min_ms is more than max_ms");
	return 0;
}

int
conf_read(
	const char *path, bool is_named, struct conf *ret_conf, struct err *err)
{
	struct conf conf;
	struct err what = {0};
	struct reading reading = {.conf = &conf, .err = &what};
	cleanup_fclose FILE *file = NULL;
	int result = 0;

	set_defaults(&conf);
	file = fopen(path, "re");
	if (!file && (errno != ENOENT || is_named))
		return err_set(
			err, ERR_BAD_OPTION, errno, "cannot read %s: %m", path);
	reading.file = file;
	if (file)
		result = read_file(&reading, path, err);
	if (result < 0)
		return result;
	if (check_whole(&conf, &what) < 0)
		return err_set(
			err, ERR_BAD_OPTION, EINVAL, "%s: %s", path, what.text);
	*ret_conf = conf;
	return 0;
}
