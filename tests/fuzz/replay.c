/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * replay.c - runs files and folders through a fuzz target, without a fuzzer.
 *
 * Runs in: the build.
 * Invariant: each file has a process of its own, with a time and a count: one
 *            that crashes does not hide the next. With -1 all share one, for
 *            what is measured at a process's end.
 *
 * Folders are not looked into deeper than one level. Prints what failed; ends
 * with "N passed, N failed", and with 1 when one failed or there was none.
 */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/guard.h"
#include "tests/fuzz/fuzz.h"

#pragma weak LLVMFuzzerInitialize

enum {
	FILE_MAX = 1 << 20,
	DEADLINE_S = 20
};

static bool has_one_process;
static unsigned passed, failed;

static bool
read_file(const char *path, uint8_t **ret_data, size_t *ret_len)
{
	cleanup_fclose FILE *file = fopen(path, "re");
	uint8_t *data = file ? malloc(FILE_MAX) : NULL;
	uint8_t *exact;

	if (!data)
		return false;
	*ret_len = fread(data, 1, FILE_MAX, file);
	/* Ends where its allocation ends: ASan sees an overrun. */
	exact = realloc(data, *ret_len ? *ret_len : 1);
	*ret_data = exact ? exact : data;
	return !ferror(file);
}

static void
run_one(const uint8_t *data, size_t len)
{
	(void)alarm(DEADLINE_S);
	(void)LLVMFuzzerTestOneInput(data, len);
	(void)alarm(0);
}

/* True when it went well. */
static bool
run_in_child(const uint8_t *data, size_t len)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		run_one(data, len);
		exit(0); /* with what a sanitizer looks for at the end */
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static void
run_file(const char *path)
{
	cleanup_free uint8_t *data = NULL;
	size_t len = 0;
	bool is_good = read_file(path, &data, &len);

	if (is_good && has_one_process)
		run_one(data, len);
	else if (is_good)
		is_good = run_in_child(data, len);
	if (!is_good)
		(void)printf("not ok - %s\n", path);
	passed += is_good;
	failed += !is_good;
}

static int
is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void
run_folder(const char *path)
{
	struct dirent **entries = NULL;
	int count = scandir(path, &entries, is_visible, alphasort);

	for (int i = 0; i < count; i++) {
		char name[4096];
		struct stat stat_of;

		if (snprintf(name, sizeof(name), "%s/%s", path,
			    entries[i]->d_name) < (int)sizeof(name) &&
			stat(name, &stat_of) == 0 && S_ISREG(stat_of.st_mode))
			run_file(name);
		free(entries[i]);
	}
	free(entries);
}

int
main(int argc, char **argv)
{
	if (LLVMFuzzerInitialize)
		(void)LLVMFuzzerInitialize(&argc, &argv);
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 1; i < argc; i++) {
		struct stat stat_of;

		if (strcmp(argv[i], "-1") == 0)
			has_one_process = true;
		else if (stat(argv[i], &stat_of) == 0 &&
			 S_ISDIR(stat_of.st_mode))
			run_folder(argv[i]);
		else
			run_file(argv[i]);
	}
	(void)printf("%u passed, %u failed\n", passed, failed);
	return failed > 0 || passed == 0;
}
