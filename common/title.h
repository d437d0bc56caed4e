/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * title.h - what ps(1) shows.
 *
 * Runs in: every process.
 * Invariant: a title holds names, never a credential.
 */
#ifndef COMMON_TITLE_H
#define COMMON_TITLE_H

/* First thing in main(). Keeps argv's memory; argv itself is spent after
 * title_set(). */
void title_init(int argc, char **argv);
/* Cut to what argv and the environment had room for. */
void title_set(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
