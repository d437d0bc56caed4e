/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz_ledger.c - the file of processes that do not end, of the one before.
 *
 * Input: the file. Its first line has to be BOOT_ID, and the processes of pid
 * 1 to 999 have started at 345.
 * Covers: supervisor/ledger_file.c
 */
#include <errno.h>
#include <inttypes.h>

#include "proto/uri.h"
#include "common/log.h"
#include "proto/message.h"
#include "supervisor/ledger_private.h"
#include "supervisor/process.h"
#include "supervisor/supervisor.h"
#include "tests/fuzz/fuzz_dir.h"

#define BOOT_ID "boot"

enum {
	STARTED = 345,
	PID_MAX = 999,
};

static struct supervisor supervisor;

/* In the place of process.c and ledger.c. */

void
process_boot_id(char *ret_text, size_t size)
{
	(void)snprintf(ret_text, size, "%s", BOOT_ID);
}

int
process_read(pid_t pid, struct process_facts *ret_facts)
{
	ret_facts->started = STARTED;
	return pid > PID_MAX ? -ESRCH : 0;
}

int
ledger_add(struct ledger *ledger, const struct ledger_entry *facts,
	pid_t session, struct ledger_entry **ret_entry)
{
	struct ledger_entry *entry = calloc(1, sizeof(*entry));

	CHECK(entry && session == 0);
	*entry = *facts;
	entry->uri = strdup(facts->uri);
	entry->server = strdup("server");
	TAILQ_INSERT_TAIL(&ledger->entries, entry, in_ledger);
	ledger->count++;
	*ret_entry = entry;
	return 0;
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	log_set_level((enum log_level)0);
	supervisor.base_root_fd = fuzz_dir_make();
	return 0;
}

static void
load(struct ledger *ledger)
{
	*ledger = (struct ledger){.supervisor = &supervisor};
	TAILQ_INIT(&ledger->entries);
	ledger_load(ledger);
}

static void
forget(struct ledger *ledger)
{
	struct ledger_entry *entry;

	while ((entry = TAILQ_FIRST(&ledger->entries))) {
		TAILQ_REMOVE(&ledger->entries, entry, in_ledger);
		free(entry->uri);
		free(entry->server);
		free(entry);
	}
}

static void
check_entry(const struct ledger_entry *entry)
{
	struct uri uri;

	CHECK(entry->pid > 0 && entry->pid <= PID_MAX);
	CHECK(entry->started == STARTED);
	CHECK(entry->operation > OPERATION_NONE &&
		entry->operation < OPERATION_COUNT);
	CHECK(entry->since_us <= MESSAGE_TIME_MAX);
	CHECK(uri_parse(entry->uri, strlen(entry->uri), &uri, NULL) == 0);
	CHECK(strcmp(uri.canonical, entry->uri) == 0);
}

/* What the next one reads is what this one has. */
static void
check_again(struct ledger *ledger)
{
	const struct ledger_entry *entry, *twin;
	struct ledger next;

	ledger->is_dirty = true;
	ledger_flush(ledger);
	load(&next);
	CHECK(next.count == ledger->count);
	twin = TAILQ_FIRST(&next.entries);
	TAILQ_FOREACH (entry, &ledger->entries, in_ledger) {
		CHECK(twin->pid == entry->pid &&
			twin->operation == entry->operation &&
			twin->since_us == entry->since_us);
		CHECK(strcmp(twin->uri, entry->uri) == 0);
		twin = TAILQ_NEXT(twin, in_ledger);
	}
	forget(&next);
}

/* Lines of processes that are not there, too. */
static void
check_lines(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};

	while (input.left > 0) {
		char *line = fuzz_text_to(&input, '\n');
		char uri[LEDGER_URI_MAX + 1], uri_again[LEDGER_URI_MAX + 1];
		char printed[LEDGER_URI_MAX + 128];
		struct ledger_entry facts, again;

		if (ledger_parse_line(line, &facts, uri) == 0) {
			(void)snprintf(printed, sizeof(printed),
				"%d %" PRIu64 " %s %" PRIu64 " %s",
				(int)facts.pid, facts.started,
				operation_word(facts.operation), facts.since_us,
				facts.uri);
			CHECK(strlen(printed) <= strlen(line));
			CHECK(ledger_parse_line(printed, &again, uri_again) ==
				0);
			CHECK(again.pid == facts.pid &&
				again.started == facts.started &&
				again.operation == facts.operation &&
				again.since_us == facts.since_us);
		}
		free(line);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct ledger_entry *entry;
	struct ledger ledger;
	size_t boot_len = strlen(BOOT_ID);

	check_lines(data, size);
	fuzz_dir_put(supervisor.base_root_fd, "ledger", data, size);
	load(&ledger);
	TAILQ_FOREACH (entry, &ledger.entries, in_ledger)
		check_entry(entry);
	/* Of another boot nothing is true. */
	if (size < boot_len || memcmp(data, BOOT_ID, boot_len) != 0)
		CHECK(ledger.count == 0);
	check_again(&ledger);
	forget(&ledger);
	return 0;
}
