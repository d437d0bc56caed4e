/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hint.h - what a user may do about an error.
 *
 * Runs in: command.
 */
#ifndef CLIENT_HINT_H
#define CLIENT_HINT_H

/* NULL when nothing is known, or nothing of that slug. */
const char *hint_of(const char *slug);
/* Of a socket that is denied. */
const char *hint_no_access(void);

#endif
