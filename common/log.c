/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * log.c - log lines on standard error.
 *
 * Runs in: launcher, supervisor.
 * Invariant: a line is one write(2), so that lines of several processes do not
 *            mix; a log that cannot be written, or that nobody reads, stops
 *            nobody: lines are dropped then, and counted.
 *
 * Under systemd (JOURNAL_STREAM is set) a line begins with "<N>", the severity
 * as sd-daemon(3) has it, and the journal knows the time; else with the time.
 */
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/err.h"
#include "common/log.h"

static const char *log_role = "holdfast";
static enum log_level log_limit = LOG_NOTICE;
static int log_has_journal = -1;

void
log_open(const char *role)
{
	log_role = role;
	/* Looked up once: the environment is cleared later. */
	if (log_has_journal < 0)
		log_has_journal = getenv("JOURNAL_STREAM") != NULL;
}

void
log_set_level(enum log_level level)
{
	log_limit = level;
}

static size_t
write_prefix(char *line, size_t size, enum log_level level)
{
	time_t now = time(NULL);
	char stamp[32] = "";
	struct tm parts;

	if (log_has_journal > 0)
		return (size_t)snprintf(
			line, size, "<%d>%s: ", (int)level, log_role);
	if (gmtime_r(&now, &parts))
		(void)strftime(stamp, sizeof(stamp), "%FT%TZ", &parts);
	return (size_t)snprintf(line, size, "%s holdfastd[%d] %s: ", stamp,
		(int)getpid(), log_role);
}

/* A pipe that is full would block: pipe(7). A line is less than PIPE_BUF. */
static void
write_line(const char *line, size_t len)
{
	static unsigned lost;
	struct pollfd room = {.fd = STDERR_FILENO, .events = POLLOUT};
	char note[64];
	int note_len;

	if (poll(&room, 1, 0) != 1 || !(room.revents & POLLOUT)) {
		lost++;
		return;
	}
	if (lost > 0) {
		note_len = snprintf(note, sizeof(note),
			"%s: %u lines lost, nobody read them\n", log_role,
			lost);
		lost = 0;
		if (write(STDERR_FILENO, note, (size_t)note_len) < 0 ||
			poll(&room, 1, 0) != 1)
			return; /* nowhere left to say so */
	}
	if (write(STDERR_FILENO, line, len) < 0)
		return; /* nowhere left to say so */
}

void
log_line(enum log_level level, const char *format, ...)
{
	char line[1024];
	size_t at;
	va_list args;

	if (level > log_limit)
		return;
	at = write_prefix(line, sizeof(line) - 1, level);
	va_start(args, format);
	(void)vsnprintf(line + at, sizeof(line) - 1 - at, format, args);
	va_end(args);
	err_clean_text(line);
	at = strlen(line);
	line[at++] = '\n';
	write_line(line, at);
}
