/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz_iscsi_text.c - the key=value text of a target, its numbers, its CHAP.
 *
 * Input: byte, modulo 3: 0: such a text; 1: keys and values to be written,
 * each up to a newline; 2: a text that answers in CHAP. Then that.
 * Covers: worker/iscsi_text.c worker/iscsi_chap.c
 */
#include <limits.h>

#include "tests/fuzz/fuzz.h"
#include "worker/iscsi_chap.h"
#include "worker/iscsi_text.h"

static struct iscsi_text text, copy;

static void
check_number(const char *value)
{
	unsigned number = 12345;
	char printed[24];

	if (!iscsi_text_number(value, 65535, &number))
		return;
	CHECK(number <= 65535);
	(void)snprintf(printed, sizeof(printed), "0x%X", number);
	CHECK(iscsi_text_number(printed, number, &number));
	CHECK(number == 0 || !iscsi_text_number(printed, number - 1, &number));
	CHECK(strtoull(value, NULL,
		      value[0] && (value[1] | 0x20) == 'x' ? 16 : 10) ==
		number);
}

static void
check_binary(const char *value)
{
	uint8_t bytes[ISCSI_CHAP_CHALLENGE_MAX], again[sizeof(bytes)];
	size_t len = 0, again_len = 0;
	uint8_t *exact;

	if (!iscsi_text_binary(value, bytes, sizeof(bytes), &len))
		return;
	CHECK(len > 0 && len <= sizeof(bytes));
	iscsi_text_init(&copy);
	iscsi_text_put_binary(&copy, "X", bytes, len);
	CHECK(!copy.is_full);
	CHECK(iscsi_text_binary(
		iscsi_text_get(&copy, "X"), again, sizeof(again), &again_len));
	CHECK(again_len == len && memcmp(bytes, again, len) == 0);
	/* It fits in what it needs, and in nothing smaller. */
	exact = malloc(len);
	CHECK(exact && iscsi_text_binary(value, exact, len, &again_len));
	CHECK(!iscsi_text_binary(value, exact, len - 1, &again_len));
	free(exact);
}

/* Each pair, found by other means than iscsi_text_get(). */
static void
check_pairs(void)
{
	bool is_valid = iscsi_text_is_valid(&text);
	size_t pairs = 0;

	for (size_t at = 0; at < text.len; at += strlen(text.bytes + at) + 1) {
		const char *pair = text.bytes + at;
		size_t key_len = strcspn(pair, "=");
		char *key;

		if (!*pair)
			continue;
		pairs++;
		if (!is_valid)
			continue;
		CHECK(key_len > 0 && key_len <= ISCSI_TEXT_KEY_MAX);
		key = fuzz_text(pair, key_len);
		CHECK(iscsi_text_get(&text, key) == pair + key_len + 1);
		free(key);
		check_number(pair + key_len + 1);
		check_binary(pair + key_len + 1);
	}
	CHECK(!is_valid || pairs <= ISCSI_TEXT_PAIRS_MAX);
}

static void
check_writing(struct fuzz_input *input)
{
	iscsi_text_init(&text);
	while (input->left > 0) {
		char *key = fuzz_text_to(input, '\n');
		char *value = fuzz_text_to(input, '\n');
		bool is_new = !iscsi_text_get(&text, key);
		size_t before = text.len;

		iscsi_text_put(&text, key, value);
		CHECK(text.len <= ISCSI_TEXT_MAX);
		CHECK(text.bytes[text.len] == '\0');
		CHECK(text.is_full ||
			text.len == before + strlen(key) + strlen(value) + 2);
		if (!text.is_full && is_new && *key && !strchr(key, '='))
			CHECK(strcmp(iscsi_text_get(&text, key), value) == 0);
		free(key);
		free(value);
	}
}

static void
check_chap(void)
{
	static const struct iscsi_auth auth = {.username = "host",
		.password = "a secret of this host",
		.username_in = "target",
		.password_in = "a secret of the target"};
	struct iscsi_chap chap = {0};
	struct err err = {0};
	int result;

	iscsi_text_init(&copy);
	result = iscsi_chap_answer(&chap, &auth, &text, &copy, &err);
	if (result < 0) {
		fuzz_check_refusal(result, &err);
		return;
	}
	CHECK(!copy.is_full && iscsi_text_is_valid(&copy));
	CHECK(strcmp(iscsi_text_get(&copy, "CHAP_N"), "host") == 0);
	CHECK(iscsi_text_get(&copy, "CHAP_R") &&
		iscsi_text_get(&copy, "CHAP_C"));
	/* The challenge is new each time: no text answers it. */
	result = iscsi_chap_check(&chap, &text, &err);
	fuzz_check_refusal(result, &err);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	unsigned way = fuzz_u8(&input) % 3;

	if (way == 1) {
		check_writing(&input);
		return 0;
	}
	iscsi_text_init(&text);
	text.len = input.left < ISCSI_TEXT_MAX ? input.left : ISCSI_TEXT_MAX;
	fuzz_take(&input, text.bytes, text.len);
	text.bytes[text.len] = '\0';
	if (way == 0)
		check_pairs();
	else
		check_chap();
	return 0;
}
