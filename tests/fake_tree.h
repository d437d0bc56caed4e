/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fake_tree.h - trees like /proc and /sys, and what a scan tells of them.
 *
 * Runs in: the tests of the scanner. Needs no privilege.
 * Invariant: finding.c is replaced: what would be told is kept, and time is
 *            over when the test says so.
 */
#ifndef TESTS_FAKE_TREE_H
#define TESTS_FAKE_TREE_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/guard.h"
#include "worker/finding.h"

enum {
	FAKE_PATH_MAX = 512
};

static char fake_root[] = "/tmp/test_scan.XXXXXX";

static struct {
	char told[4096]; /* "kind pid text\n" each */
	uint64_t count;
	char missed[4096]; /* "what\n" each */
	unsigned looks_left;
	void (*on_look)(const char *what);
} fake;

bool
finding_is_over(void)
{
	if (fake.looks_left > 0) {
		fake.looks_left--;
		return false;
	}
	finding_missed("time", ETIME);
	return true;
}

void
finding_holder(pid_t pid, enum holder_kind kind, const char *text)
{
	size_t len = strlen(fake.told);

	fake.count++;
	(void)snprintf(fake.told + len, sizeof(fake.told) - len, "%s %d %s\n",
		holder_kind_word(kind), (int)pid, text);
}

void
finding_missed(const char *what, int errnum)
{
	size_t len = strlen(fake.missed);

	(void)snprintf(
		fake.missed + len, sizeof(fake.missed) - len, "%s\n", what);
}

void
finding_look(pid_t pid, const char *what)
{
	if (fake.on_look)
		fake.on_look(what);
}

uint64_t
finding_count(void)
{
	return fake.count;
}

/* A path below the root of all trees, its directories made. */
static const char *
fake_path(const char *format, va_list args)
{
	static char path[FAKE_PATH_MAX];
	int len = snprintf(path, sizeof(path), "%s/", fake_root);

	(void)vsnprintf(path + len, sizeof(path) - (size_t)len, format, args);
	for (char *slash = path + len; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		(void)mkdir(path, 0755); /* mostly there */
		*slash = '/';
	}
	return path;
}

/* A file that holds the text. */
static void __attribute__((format(printf, 2, 3)))
fake_file(const char *text, const char *format, ...)
{
	va_list args;
	FILE *file;

	va_start(args, format);
	file = fopen(fake_path(format, args), "w");
	va_end(args);
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void __attribute__((format(printf, 1, 2)))
fake_directory(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)mkdir(fake_path(format, args), 0755); /* may be there */
	va_end(args);
}

/* A link; what was at its place goes. A link to itself cannot be read. */
static void __attribute__((format(printf, 2, 3)))
fake_link(const char *text, const char *format, ...)
{
	va_list args;
	const char *path;

	va_start(args, format);
	path = fake_path(format, args);
	va_end(args);
	(void)unlink(path); /* mostly not there */
	(void)rmdir(path);
	assert_int_equal(symlink(text, path), 0);
}

static int
fake_open(const char *name)
{
	char path[FAKE_PATH_MAX];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", fake_root, name);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static int
fake_set_up(void **state)
{
	strcpy(fake_root + strlen(fake_root) - 6, "XXXXXX");
	memset(&fake, 0, sizeof(fake));
	fake.looks_left = ~0u;
	return mkdtemp(fake_root) ? 0 : -1;
}

static int
fake_remove(
	const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
	return remove(path);
}

static int
fake_tear_down(void **state)
{
	return nftw(fake_root, fake_remove, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
