/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * replay.c - runs files and folders through a fuzz target, without a fuzzer.
 *
 * Runs in: the build.
 * Invariant: a file that crashes does not hide the next. All are run in one
 *            process; if that fails, or leaks, each in one of its own, with a
 *            time. With -1 there is none but this one, for what is measured at
 *            a process's end.
 *
 * Folders are not looked into deeper than one level. Prints what failed; ends
 * with "N passed, N failed", and with 1 when one failed or there was none.
 */
#include <dirent.h>
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

struct list {
	char **paths;
	size_t count;
};

static void
add_file(struct list *list, const char *path)
{
	char **paths = reallocarray(
		list->paths, list->count + 1, sizeof(list->paths[0]));

	CHECK(paths);
	list->paths = paths;
	list->paths[list->count++] = strdup(path);
}

static int
is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void
add_folder(struct list *list, const char *path)
{
	struct dirent **entries = NULL;
	int count = scandir(path, &entries, is_visible, alphasort);

	for (int i = 0; i < count; i++) {
		char name[4096];
		struct stat stat_of;

		if (snprintf(name, sizeof(name), "%s/%s", path,
			    entries[i]->d_name) < (int)sizeof(name) &&
			stat(name, &stat_of) == 0 && S_ISREG(stat_of.st_mode))
			add_file(list, name);
		free(entries[i]);
	}
	free(entries);
}

static bool
run_file(const char *path)
{
	cleanup_fclose FILE *file = fopen(path, "re");
	cleanup_free uint8_t *data = NULL;
	uint8_t *exact;
	size_t len;

	data = malloc(FILE_MAX);
	if (!file || !data)
		return false;
	len = fread(data, 1, FILE_MAX, file);
	/* Ends where its allocation ends: ASan sees an overrun. */
	exact = realloc(data, len ? len : 1);
	if (exact)
		data = exact;
	(void)alarm(DEADLINE_S);
	(void)LLVMFuzzerTestOneInput(data, len);
	(void)alarm(0);
	return !ferror(file);
}

static bool
run_files(const struct list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (!run_file(list->paths[i]))
			return false;
	return true;
}

/* True when it went well. Without shown, what is said of it goes nowhere. */
static bool
run_in_child(const struct list *list, bool is_shown)
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		if (!is_shown && !freopen("/dev/null", "w", stderr))
			_exit(1);
		/* With what a sanitizer looks for at the end. */
		exit(!run_files(list));
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

/* How many failed. */
static size_t
run_each(const struct list *list)
{
	size_t failed = 0;

	for (size_t i = 0; i < list->count; i++) {
		const struct list one = {&list->paths[i], 1};

		if (run_in_child(&one, true))
			continue;
		(void)printf("not ok - %s\n", list->paths[i]);
		failed++;
	}
	/* All of them together, or what one has left for the next. */
	return failed > 0 ? failed : 1;
}

int
main(int argc, char **argv)
{
	struct list list = {NULL, 0};
	bool has_one_process = false;
	size_t failed = 0;

	if (LLVMFuzzerInitialize)
		(void)LLVMFuzzerInitialize(&argc, &argv);
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 1; i < argc; i++) {
		struct stat stat_of;

		if (strcmp(argv[i], "-1") == 0)
			has_one_process = true;
		else if (stat(argv[i], &stat_of) == 0 &&
			 S_ISDIR(stat_of.st_mode))
			add_folder(&list, argv[i]);
		else
			add_file(&list, argv[i]);
	}
	if (has_one_process)
		failed = run_files(&list) ? 0 : 1;
	else if (!run_in_child(&list, false))
		failed = run_each(&list);
	(void)printf("%zu passed, %zu failed\n", list.count - failed, failed);
	for (size_t i = 0; i < list.count; i++)
		free(list.paths[i]);
	free(list.paths);
	return failed > 0 || list.count == 0;
}
