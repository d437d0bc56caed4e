/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz_record.c - what became of a connection, whatever its worker says.
 *
 * Input: for each report 8 bytes: state, error, attempt, the one that failed,
 * its time, whether it is wanted, by how many seconds the clock has gone on
 * (or back), length of its text; then that text.
 * Covers: supervisor/record.c
 */
#include "supervisor/record.h"
#include "tests/fuzz/fuzz.h"

static struct record record;

static void
check_tries(void)
{
	size_t count = record_tries(&record);

	CHECK(count <= RECORD_TRIES && count <= record.try_count);
	CHECK(record.failure_count <= record.try_count);
	for (size_t i = 0; i < count; i++) {
		const struct record_try *entry = record_try_at(&record, i);

		CHECK(entry->number != 0 && entry->at_us != 0);
		CHECK(i == 0 ||
			record_try_at(&record, i - 1)->number < entry->number);
		CHECK(entry->error < ERR_COUNT);
		CHECK(strnlen(entry->text, sizeof(entry->text)) <
			sizeof(entry->text));
		CHECK(fuzz_is_line(entry->text, strlen(entry->text)));
		CHECK(entry->end_us != 0 || entry->error == ERR_NONE);
	}
}

static void
check_outages(void)
{
	size_t count = record_outages(&record);
	const struct record_outage *open = record_open_outage(&record);

	CHECK(count <= RECORD_OUTAGES && count <= record.outage_count);
	CHECK(!open ||
		(count > 0 && open == record_outage_at(&record, count - 1)));
	for (size_t i = 0; i < count; i++) {
		const struct record_outage *entry =
			record_outage_at(&record, i);

		CHECK(entry->start_us != 0);
		CHECK(entry->end_us != 0 || entry == open);
		CHECK(fuzz_is_line(entry->text, strlen(entry->text)));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	uint64_t now_us = UINT64_C(1700000000000000);

	memset(&record, 0, sizeof(record));
	while (input.left > 0) {
		struct status_message status = {0};
		bool is_wanted, was_open = record_open_outage(&record);
		uint64_t outage_us = record.outage_us;

		status.state = (enum target_state)(
			fuzz_u8(&input) % TARGET_STATE_COUNT);
		status.error = (enum err_code)(fuzz_u8(&input) % ERR_COUNT);
		status.attempt = fuzz_u8(&input);
		status.failed_attempt = fuzz_u8(&input);
		status.attempt_at_us = fuzz_u8(&input);
		is_wanted = fuzz_u8(&input) & 1;
		now_us +=
			(uint64_t)((int64_t)(int8_t)fuzz_u8(&input) * 1000000);
		fuzz_take(&input, status.error_text, fuzz_u8(&input));
		record_note(&record, &status, is_wanted, now_us);
		check_tries();
		check_outages();
		/* What lasted is counted once, when it is over. */
		CHECK(record.outage_us >= outage_us);
		CHECK(record.outage_us == outage_us || was_open);
		CHECK(is_wanted || !record_open_outage(&record));
		CHECK(status.state != TARGET_CONNECTED ||
			!record_open_outage(&record));
	}
	return 0;
}
