/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * duration.h - durations and instants as people write and read them.
 *
 * Runs in: command.
 */
#ifndef CLIENT_DURATION_H
#define CLIENT_DURATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	DURATION_TEXT_MAX = 32,
	INSTANT_TEXT_MAX = 64,
};
/* A day: the longest that the daemon waits. */
#define DURATION_MAX_MS INT64_C(86400000)

/* "30", "30s", "500ms", "2min", "1h"; false if it is none or above a day. */
bool duration_parse(const char *text, int64_t *ret_ms);

/* "3d 4h", "2min 3s", "41s" into DURATION_TEXT_MAX bytes. */
void duration_print(uint64_t duration_us, char *ret_text);
/* "850 us", "3.1 ms", "1.5 s" likewise. */
void latency_print(uint64_t latency_us, char *ret_text);
/* "Sun 2026-11-22 16:40:02", local time, into INSTANT_TEXT_MAX bytes. */
void instant_print(uint64_t at_us, char *ret_text);
/* How long ago that was, or how long it is until then; 0 if it is the other. */
uint64_t since_us(uint64_t at_us);
uint64_t until_us(uint64_t at_us);

#endif
