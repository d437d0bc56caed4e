/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz_conf.c - holdfast.conf: refused with the line, or within all bounds.
 *
 * Input: the file.
 * Covers: supervisor/conf.c
 */
#include "paths.h"
#include "supervisor/conf.h"
#include "tests/fuzz/fuzz.h"

static int
read_text(const void *data, size_t len, struct conf *conf, struct err *err)
{
	char path[64];

	(void)snprintf(
		path, sizeof(path), "/proc/self/fd/%d", fuzz_memfd(data, len));
	return conf_read(path, true, conf, err);
}

/* conf.def, stated once more. */
static void
check_bounds(const struct conf *conf)
{
#define NUMBER(section, key, field, value, least, greatest)                    \
	CHECK(conf->field + 1 > (least) && conf->field <= (greatest));
#define TEXT(section, key, field, value)                                       \
	CHECK(*conf->field &&memchr(conf->field, '\0', sizeof(conf->field)));  \
	CHECK(strcmp(section, "paths") != 0 || *conf->field == '/');
#include "supervisor/conf.def"
#undef NUMBER
#undef TEXT
	CHECK(conf->retry_min_ms <= conf->retry_max_ms);
}

/* What was understood, written down, is understood in the same way. Without a
 * blank behind "=": it would make a comment of a value that begins with ";". */
static void
check_again(const struct conf *conf)
{
	struct conf again;
	struct err err = {0};
	char *text = NULL;
	size_t len = 0;
	FILE *file = open_memstream(&text, &len);

	CHECK(file);
#define NUMBER(section, key, field, value, least, greatest)                    \
	(void)fprintf(file, "[%s]\n%s = %llu\n", section, key,                 \
		(unsigned long long)conf->field);
#define TEXT(section, key, field, value)                                       \
	(void)fprintf(file, "[%s]\n%s=%s\n", section, key, conf->field);
#include "supervisor/conf.def"
#undef NUMBER
#undef TEXT
	CHECK(fclose(file) == 0);
	CHECK(read_text(text, len, &again, &err) == 0);
	free(text);
#define NUMBER(section, key, field, value, least, greatest)                    \
	CHECK(conf->field == again.field);
#define TEXT(section, key, field, value)                                       \
	CHECK(strcmp(conf->field, again.field) == 0);
#include "supervisor/conf.def"
#undef NUMBER
#undef TEXT
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf conf, before;
	struct err err = {0};
	int result;

	memset(&conf, 0x5a, sizeof(conf));
	before = conf;
	result = read_text(data, size, &conf, &err);
	if (result < 0) {
		fuzz_check_refusal(result, &err);
		CHECK(memcmp(&conf, &before, sizeof(conf)) == 0);
		return 0;
	}
	check_bounds(&conf);
	check_again(&conf);
	return 0;
}
