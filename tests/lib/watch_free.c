/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * watch_free.c - preloaded: what is freed must not hold $SECRET.
 *
 * Runs in: the tests of the libraries, in the driver.
 * Invariant: a process that leaves the secret in memory that it frees ends with
 *            status 87.
 */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *__libc_realloc(void *memory, size_t size);
void __libc_free(void *memory);

static void
watch(void *memory)
{
	const char *secret = getenv("SECRET");

	if (memory && secret &&
		memmem(memory, malloc_usable_size(memory), secret,
			strlen(secret)))
		_exit(87);
}

void
free(void *memory)
{
	watch(memory);
	__libc_free(memory);
}

/* It frees where it cannot grow in place: that counts whether it does or not. */
void *
realloc(void *memory, size_t size)
{
	watch(memory);
	return __libc_realloc(memory, size);
}
