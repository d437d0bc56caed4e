/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * title.c - what ps(1) shows.
 *
 * Runs in: every process.
 *
 * /proc/PID/cmdline reads the memory in which the kernel placed argv. When
 * that no longer ends in NUL the kernel takes it for a title and stops at the
 * first NUL, going on into the environment if need be: get_mm_cmdline() in
 * the kernel's fs/proc/base.c.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "common/title.h"

static char *area;
static size_t area_len;
static size_t argv_len;

static char *
end_of_run(char *begin, char **strings, char *end)
{
	for (; *strings; strings++)
		if (*strings == end)
			end += strlen(end) + 1;
	return end;
}

void
title_init(int argc, char **argv)
{
	char *end;

	if (argc == 0)
		return;
	area = argv[0];
	end = end_of_run(area, argv, area);
	argv_len = (size_t)(end - area);
	end = end_of_run(area, environ, end);
	area_len = (size_t)(end - area);
}

void
title_set(const char *format, ...)
{
	va_list args;

	if (area_len < 2)
		return;
	memset(area, 0, area_len);
	va_start(args, format);
	(void)vsnprintf(area, area_len, format, args);
	va_end(args);
	/* One byte that is not NUL at argv's end marks a title; one that ends
	 * just there looks like an argument, which is as good. */
	if (strlen(area) + 1 < argv_len)
		area[argv_len - 1] = 1;
}
