/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz_scan_text.c - lines of /proc and /sys, in which anybody puts names.
 *
 * Input: byte: what kind of line it is; then the line.
 * Covers: worker/scan_text.c
 */
#include "supervisor/process.h"
#include "tests/fuzz/fuzz.h"
#include "worker/scan_text.h"

static bool
is_in(const char *part, const char *text, size_t size)
{
	return part >= text && part + strlen(part) <= text + size;
}

static void
check_paths(char *text, size_t size)
{
	char *copy = fuzz_text(text, size);
	char *rest = copy;
	const char *name = scan_device_name(text);
	const char *path;

	CHECK(!name || (is_in(name, text, size) && *name));
	while ((path = scan_next_device(&rest))) {
		CHECK(is_in(path, copy, size));
		CHECK(strncmp(path, "/dev/", 5) == 0 && !strchr(path, ','));
	}
	memcpy(copy, text, size + 1);
	scan_strip_deleted(copy);
	CHECK(strncmp(copy, text, strlen(copy)) == 0);
	scan_unescape(copy);
	CHECK(strlen(copy) <= size);
	CHECK(scan_is_within(copy, copy) && !scan_is_below(copy, copy));
	free(copy);
}

static void
check_numbers(const char *text)
{
	uint32_t major, minor;
	uint64_t value;
	char printed[32];

	if (scan_read_number(text, &major, &minor)) {
		(void)snprintf(printed, sizeof(printed), "%u:%u", major, minor);
		CHECK(scan_read_number(printed, &major, &minor));
	}
	if (scan_read_field(text, "mnt_id", 10, &value))
		CHECK(strncmp(text, "mnt_id:", 7) == 0);
	if (scan_has_word(text, "nodev"))
		CHECK(strstr(text, "nodev"));
	(void)scan_is_named_for(text, "sda1");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	unsigned kind = fuzz_u8(&input) % 5;
	char *text = fuzz_text(input.at, input.left);
	struct process_facts facts;
	struct mapping_line mapping;
	struct swap_line swap;

	if (kind == 0 && scan_read_mapping(text, &mapping))
		CHECK(is_in(mapping.path, text, input.left));
	if (kind == 1 && scan_read_swap(text, &swap))
		CHECK(is_in(swap.path, text, input.left) && *swap.path);
	if (kind == 2)
		check_paths(text, strlen(text));
	if (kind == 3)
		check_numbers(text);
	if (kind == 4)
		(void)process_parse_stat(text, &facts);
	free(text);
	return 0;
}
