/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz_mountinfo.c - the mount table, as supervisor and scanner read it.
 *
 * Input: byte, modulo 3: 0: a table as it is; 1: mounts, each of them a byte
 * for its numbers and four names up to a newline (root, path, source, options),
 * written as the kernel does; 2: two option strings, a newline between them.
 * Covers: supervisor/mounts.c worker/scan_text.c
 */
#include <errno.h>

#include "common/guard.h"
#include "supervisor/mounts.h"
#include "tests/fuzz/fuzz.h"
#include "worker/scan_text.h"

enum {
	MOUNTS_MAX = 64
};

/* One that was written, and what it has to be read as. */
struct written {
	unsigned id;
	char *root, *path, *source, *options;
};

static struct written written[MOUNTS_MAX];
static size_t written_count, seen_count;
static bool is_ours; /* the table is what was written */

/* In the place of the loop: a file in memory tells nobody of changes. */

int
loop_watch(struct loop *loop, struct loop_source *source)
{
	return 0;
}

int
loop_arm(struct loop *loop, struct loop_timer *timer, uint64_t due_us)
{
	timer->due_us = due_us;
	return 0;
}

void
loop_disarm(struct loop *loop, struct loop_timer *timer)
{
	timer->due_us = 0;
}

static void
ignore(void *data)
{
}

/* libmount takes what the kernel adds to a directory that was removed. */
static bool
looks_removed(const char *path)
{
	static const char mark[] = " (deleted)";
	size_t len = strlen(path);

	return len >= strlen(mark) &&
	       strcmp(path + len - strlen(mark), mark) == 0;
}

static void
see(const struct mount_entry *entry, void *data)
{
	const struct written *mount = &written[seen_count % MOUNTS_MAX];
	char value[16];

	seen_count++;

	CHECK(entry->type && entry->source && entry->path);
	CHECK(entry->options && entry->flags);
	if (mounts_option(entry->options, "vers", value, sizeof(value)))
		CHECK(strlen(value) < sizeof(value));
	if (!is_ours)
		return;
	CHECK(seen_count <= written_count);
	CHECK(entry->id == mount->id);
	CHECK(entry->device_major == 8 && entry->device_minor == 16);
	CHECK(entry->is_network);
	CHECK(strcmp(entry->flags, "rw,nosuid") == 0);
	CHECK(strcmp(entry->type, "nfs4") == 0);
	CHECK(strcmp(entry->source, mount->source) == 0);
	CHECK(looks_removed(mount->path) ||
		strcmp(entry->path, mount->path) == 0);
}

static void
check_scanner(const char *text)
{
	size_t count = 0;

	while (*text) {
		size_t len = strcspn(text, "\n");
		char *copy = fuzz_text(text, len);
		const struct written *mount = &written[count++ % MOUNTS_MAX];
		struct mountinfo_line line;
		bool is_read = scan_read_mountinfo(copy, &line);

		CHECK(!is_ours || is_read);
		if (is_read && is_ours) {
			CHECK(line.id == mount->id);
			CHECK(line.major == 8 && line.minor == 16);
			CHECK(line.shared == mount->id + 1 && line.master == 3);
			CHECK(strcmp(line.root, mount->root) == 0);
			CHECK(strcmp(line.path, mount->path) == 0);
			CHECK(strcmp(line.source, mount->source) == 0);
			CHECK(strcmp(line.type, "nfs4") == 0);
		}
		free(copy);
		text += len + (text[len] != '\0');
	}
	CHECK(!is_ours || count == written_count);
}

static void
check_table(const char *text, size_t len)
{
	struct mounts mounts = {.on_change = ignore};
	int fd = dup(fuzz_memfd(text, len));
	int result = mounts_init(&mounts, NULL, fd);

	CHECK(result == 0 || result == -EIO);
	CHECK(!is_ours || result == 0);
	seen_count = 0;
	if (result == 0)
		mounts_each(&mounts, see, NULL);
	CHECK(!is_ours || seen_count == written_count);
	mounts_done(&mounts);
	check_scanner(text);
}

/* show_mountinfo() of the kernel: fs/proc_namespace.c. */
static void
mangle(FILE *file, const char *text, const char *escaped)
{
	for (; *text; text++)
		if (strchr(escaped, *text))
			(void)fprintf(file, "\\%03o", (unsigned char)*text);
		else
			(void)fputc(*text, file);
}

static char *
take_name(struct fuzz_input *input, const char *before)
{
	char *name = fuzz_text_to(input, '\n');
	char *whole = malloc(strlen(before) + strlen(name) + 1);

	CHECK(whole);
	(void)sprintf(whole, "%s%s", before, name);
	free(name);
	return whole;
}

static void
write_mount(FILE *file, struct written *mount)
{
	(void)fprintf(file, "%u 1 8:16 ", mount->id);
	mangle(file, mount->root, " \t\n\\");
	(void)fputc(' ', file);
	mangle(file, mount->path, " \t\n\\");
	(void)fprintf(
		file, " rw,nosuid shared:%u master:3 - nfs4 ", mount->id + 1);
	mangle(file, mount->source, " \t\n\\#");
	(void)fputs(" rw", file);
	mangle(file, mount->options, " \t\n\\");
	(void)fputc('\n', file);
}

static void
check_written(struct fuzz_input *input)
{
	char *text = NULL;
	size_t len = 0;
	FILE *file = open_memstream(&text, &len);

	CHECK(file);
	while (input->left > 0 && written_count < MOUNTS_MAX) {
		struct written *mount = &written[written_count++];

		mount->id = fuzz_u8(input);
		mount->root = take_name(input, "/");
		mount->path = take_name(input, "/");
		mount->source = take_name(input, "h:");
		mount->options = take_name(input, ",");
		write_mount(file, mount);
	}
	CHECK(fclose(file) == 0);
	is_ours = true;
	check_table(text, len);
	free(text);
	for (size_t i = 0; i < written_count; i++) {
		free(written[i].root);
		free(written[i].path);
		free(written[i].source);
		free(written[i].options);
	}
}

static void
see_difference(const struct option_difference *difference, void *data)
{
	CHECK(*difference->name && *difference->requested);
	/* One without a value is shown by its name: "addr" is not "addr=addr". */
	CHECK(strcmp(difference->requested, difference->effective) != 0 ||
		strcmp(difference->requested, difference->name) == 0);
	++*(size_t *)data;
}

static void
check_options(struct fuzz_input *input)
{
	char *requested = fuzz_text_to(input, '\n');
	char *effective = fuzz_text_to(input, '\n');
	size_t count = 0;

	mounts_compare(requested, effective, see_difference, &count);
	free(requested);
	free(effective);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	unsigned way = fuzz_u8(&input) % 3;
	char *text;

	is_ours = false;
	written_count = 0;
	if (way == 1) {
		check_written(&input);
	} else if (way == 2) {
		check_options(&input);
	} else {
		text = fuzz_text(input.at, input.left);
		check_table(text, strlen(text));
		free(text);
	}
	return 0;
}
