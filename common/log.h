/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * log.h - log lines on standard error.
 *
 * Runs in: launcher, supervisor. Workers report theirs to the supervisor.
 * Invariant: one event, one line, subject first; text from outside holds no
 *            control characters when it gets there.
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

/* Severities of syslog(3). */
enum log_level {
	LOG_ERROR = 3,
	LOG_WARNING = 4,
	LOG_NOTICE = 5,
	LOG_DEBUG = 7
};

/* Role stands before each line: "supervisor". Not copied. */
void log_open(const char *role);
/* Lines less severe than that are dropped. LOG_NOTICE unless set. */
void log_set_level(enum log_level level);
void log_line(enum log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#define log_error(...)	 log_line(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __VA_ARGS__)
#define log_notice(...)	 log_line(LOG_NOTICE, __VA_ARGS__)
#define log_debug(...)	 log_line(LOG_DEBUG, __VA_ARGS__)

#endif
