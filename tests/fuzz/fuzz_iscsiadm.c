/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz_iscsiadm.c - what iscsiadm writes and how it ends, in words for people.
 *
 * Input: byte: its exit status; then its output.
 * Covers: worker/iscsiadm.c worker/iscsiadm_failure.c
 */
/* Two of its functions are its own; the command is not run. */
#include "worker/iscsiadm.c"

#include "tests/fuzz/fuzz.h"

/* The last line that is not empty, found by other means. */
static void
check_last_line(const uint8_t *data, size_t size, const char *words)
{
	static const char prefix[] = "iscsiadm: ";
	char expected[ISCSIADM_WORDS_MAX];
	char *text, *line;

	while (size > 0 && data[size - 1] == '\n')
		size--;
	text = fuzz_text(data, size);
	line = strrchr(text, '\n');
	line = line ? line + 1 : text;
	if (strncmp(line, prefix, strlen(prefix)) == 0)
		line += strlen(prefix);
	(void)snprintf(expected, sizeof(expected), "%s", line);
	err_clean_text(expected);
	CHECK(strcmp(words, expected) == 0);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	int status = fuzz_u8(&input);
	char *output = malloc(OUTPUT_MAX + 1);
	char words[ISCSIADM_WORDS_MAX];
	struct err err = {0};
	size_t len;

	CHECK(output);
	len = read_output(fuzz_memfd(input.at, input.left), output, OUTPUT_MAX);
	CHECK(len <= OUTPUT_MAX && len <= input.left);
	/* What is kept is the end, and most of it. */
	CHECK(len == input.left || len >= OUTPUT_MAX / 2);
	CHECK(memcmp(output, input.at + input.left - len, len) == 0);
	keep_last_line(output, len, words);
	free(output);
	CHECK(strlen(words) < sizeof(words));
	CHECK(fuzz_is_line(words, strlen(words)));
	if (len == input.left && !memchr(input.at, '\0', len))
		check_last_line(input.at, len, words);
	/* 128 and more: -errno, as of one that was killed. */
	if (status >= 128)
		status -= 256;
	if (status != ISCSIADM_OK)
		fuzz_check_refusal(
			iscsiadm_say_failure("iqn.x", status, words, &err),
			&err);
	return 0;
}
