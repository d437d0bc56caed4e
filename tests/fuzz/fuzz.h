/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz.h - what the fuzz targets share: checks, and input taken apart.
 *
 * Runs in: the build; libFuzzer, AFL++ or replay.c calls the target.
 * Invariant: a target keeps nothing from one input to the next, so that a file
 *            alone says what happened; a broken property aborts.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/err.h"

/* The engines' interface: always 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* Called once, before; for targets that have something to prepare. */
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* As assert(3), whatever NDEBUG says. */
#define CHECK(condition)                                                       \
	((condition) ? (void)0 : fuzz_fail(__FILE__, __LINE__, #condition))

static inline void __attribute__((noreturn))
fuzz_fail(const char *file, int line, const char *condition)
{
	(void)fprintf(
		stderr, "%s:%d: does not hold: %s\n", file, line, condition);
	abort();
}

/* What is shown to a person: one line of UTF-8. */
static inline bool
fuzz_is_line(const char *text, size_t len)
{
	return utf8_is_valid(text, len) && !utf8_has_control(text, len);
}

/* What each refusal has to leave behind. */
static inline void
fuzz_check_refusal(int result, const struct err *err)
{
	CHECK(result < 0);
	CHECK(err->code > ERR_NONE && err->code < ERR_COUNT);
	CHECK(memchr(err->text, '\0', sizeof(err->text)));
	CHECK(*err->text);
	CHECK(fuzz_is_line(err->text, strlen(err->text)));
}

/* The rest of an input. */
struct fuzz_input {
	const uint8_t *at;
	size_t left;
};

/* As many bytes as there are, at most len; what is missing is 0. */
static inline void
fuzz_take(struct fuzz_input *input, void *ret_bytes, size_t len)
{
	size_t have = len < input->left ? len : input->left;

	memset(ret_bytes, 0, len);
	if (have > 0)
		memcpy(ret_bytes, input->at, have);
	input->at += have;
	input->left -= have;
}

static inline uint8_t
fuzz_u8(struct fuzz_input *input)
{
	uint8_t value;

	fuzz_take(input, &value, sizeof(value));
	return value;
}

static inline uint32_t
fuzz_u32(struct fuzz_input *input)
{
	uint32_t value;

	fuzz_take(input, &value, sizeof(value));
	return value;
}

static inline uint64_t
fuzz_u64(struct fuzz_input *input)
{
	uint64_t value;

	fuzz_take(input, &value, sizeof(value));
	return value;
}

/* A copy that ends where its allocation ends, with a NUL behind: ASan sees a
 * read beyond that. To be freed. */
static inline char *
fuzz_text(const void *data, size_t len)
{
	char *copy = malloc(len + 1);

	CHECK(copy);
	if (len > 0)
		memcpy(copy, data, len);
	copy[len] = '\0';
	return copy;
}

/* What is left, up to the separator, which is taken too. To be freed. */
static inline char *
fuzz_text_to(struct fuzz_input *input, char separator)
{
	const uint8_t *end = input->left > 0
				     ? memchr(input->at, separator, input->left)
				     : NULL;
	size_t len = end ? (size_t)(end - input->at) : input->left;
	char *copy = fuzz_text(input->at, len);

	input->at += len + (end != NULL);
	input->left -= len + (end != NULL);
	return copy;
}

/* A file in memory with that in it, at its beginning; the same one each time. */
static inline int
fuzz_memfd(const void *data, size_t len)
{
	static int fd = -1;

	if (fd < 0)
		fd = memfd_create("fuzz", MFD_CLOEXEC);
	CHECK(fd >= 0 && ftruncate(fd, 0) == 0);
	CHECK(pwrite(fd, data, len, 0) == (ssize_t)len);
	CHECK(lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

#endif
