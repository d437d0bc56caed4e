/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * status.h - lines of the command status.
 *
 * Runs in: command.
 */
#ifndef CLIENT_STATUS_H
#define CLIENT_STATUS_H

#include <msgpack.h>
#include <stdint.h>

/* A line after its label; an empty label continues the one before. */
void status_line(const char *label, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* "Sun 2026-11-22 16:40:02 (12s ago)", to be freed. */
char *status_instant(uint64_t at_us);
/* What only status has: options, tries, outages, and what comes. */
void status_print_more(const msgpack_object *entry);

#endif
