/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * duration.c - durations and instants as people write and read them.
 *
 * Runs in: command.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "client/duration.h"
#include "common/clock.h"
#include "common/guard.h"

static const struct {
	const char *word;
	int64_t ms;
} units[] = {
	{"", 1000},
	{"ms", 1},
	{"s", 1000},
	{"m", 60000},
	{"min", 60000},
	{"h", 3600000},
	{"d", DURATION_MAX_MS},
};

bool
duration_parse(const char *text, int64_t *ret_ms)
{
	int64_t number = 0;
	const char *at = text;

	for (; *at >= '0' && *at <= '9'; at++) {
		number = number * 10 + (*at - '0');
		if (number > DURATION_MAX_MS)
			return false;
	}
	if (at == text)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcmp(at, units[i].word) != 0)
			continue;
		if (number > DURATION_MAX_MS / units[i].ms)
			return false;
		*ret_ms = number * units[i].ms;
		return true;
	}
	return false;
}

static const struct {
	uint64_t seconds;
	const char *word;
} steps[] = {
	{86400, "d"},
	{3600, "h"},
	{60, "min"},
	{1, "s"},
};

void
duration_print(uint64_t duration_us, char *ret_text)
{
	uint64_t seconds = duration_us / US_PER_SEC;
	size_t i = 0;
	int len;

	while (i < ARRAY_SIZE(steps) - 1 && seconds < steps[i].seconds)
		i++;
	len = snprintf(ret_text, DURATION_TEXT_MAX, "%llu%s",
		(unsigned long long)(seconds / steps[i].seconds),
		steps[i].word);
	seconds %= steps[i].seconds;
	if (++i == ARRAY_SIZE(steps) || seconds < steps[i].seconds)
		return;
	(void)snprintf(ret_text + len, DURATION_TEXT_MAX - (size_t)len,
		" %llu%s", (unsigned long long)(seconds / steps[i].seconds),
		steps[i].word);
}

void
latency_print(uint64_t latency_us, char *ret_text)
{
	if (latency_us >= US_PER_SEC)
		(void)snprintf(ret_text, DURATION_TEXT_MAX, "%.1f s",
			(double)latency_us / (double)US_PER_SEC);
	else if (latency_us < US_PER_MS)
		(void)snprintf(ret_text, DURATION_TEXT_MAX, "%u us",
			(unsigned)latency_us);
	else
		(void)snprintf(ret_text, DURATION_TEXT_MAX, "%.1f ms",
			(double)latency_us / (double)US_PER_MS);
}

void
instant_print(uint64_t at_us, char *ret_text)
{
	time_t at = (time_t)(at_us / US_PER_SEC);
	struct tm parts;

	if (!localtime_r(&at, &parts) ||
		strftime(ret_text, INSTANT_TEXT_MAX, "%a %F %T", &parts) == 0)
		(void)snprintf(ret_text, INSTANT_TEXT_MAX, "@%llu",
			(unsigned long long)(at_us / US_PER_SEC));
}

uint64_t
since_us(uint64_t at_us)
{
	uint64_t now = clock_unix_us();

	return now > at_us ? now - at_us : 0;
}

uint64_t
until_us(uint64_t at_us)
{
	uint64_t now = clock_unix_us();

	return at_us > now ? at_us - now : 0;
}
