/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * guard.h - scope guards: what a function acquires, its end releases.
 *
 * Runs in: every process.
 * Invariant: a guarded variable is either empty (-1, NULL) or owned by the
 *            function it stands in; take_fd() and take_ptr() hand over.
 */
#ifndef COMMON_GUARD_H
#define COMMON_GUARD_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void
guard_close(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd); /* nothing left to do about a failure */
}

static inline void
guard_free(void *ptr)
{
	free(*(void **)ptr);
}

static inline void
guard_fclose(FILE **file)
{
	if (*file)
		(void)fclose(*file); /* only ever read from */
}

#define cleanup(function) __attribute__((cleanup(function)))
#define cleanup_close	  cleanup(guard_close)
#define cleanup_free	  cleanup(guard_free)
#define cleanup_fclose	  cleanup(guard_fclose)

/* Returns *fd and leaves -1 behind: the caller owns the descriptor now. */
static inline int
take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* Returns the pointer and leaves NULL behind. */
#define take_ptr(ptr)                                                          \
	({                                                                     \
		__typeof__(ptr) taken_ = (ptr);                                \
		(ptr) = NULL;                                                  \
		taken_;                                                        \
	})

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#endif
