/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ledger_file.c - the ledger on file, for the next supervisor of this boot.
 *
 * Runs in: supervisor.
 * Trusts: the file as little as any input: a line is parsed strictly, and is
 *         true only if the process that it names is there, started then.
 * Invariant: base/ledger in run_dir is whole or not there: written under
 *            another name and renamed. Its first line names the host's boot.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/guard.h"
#include "common/log.h"
#include "proto/uri.h"
#include "supervisor/keepfile.h"
#include "supervisor/ledger_private.h"
#include "supervisor/process.h"
#include "supervisor/server.h"
#include "supervisor/supervisor.h"

#define FILE_NAME "ledger"

enum {
	BOOT_ID_MAX = 64,
	LINE_MAX_BYTES = LEDGER_URI_MAX + 128,
};

static void
print_entries(const struct ledger *ledger, FILE *file)
{
	const struct ledger_entry *entry;
	char boot[BOOT_ID_MAX];

	process_boot_id(boot, sizeof(boot));
	(void)fprintf(file, "%s\n", boot);
	TAILQ_FOREACH (entry, &ledger->entries, in_ledger)
		if (!entry->is_suspect && entry->started != 0)
			(void)fprintf(file,
				"%d %" PRIu64 " %s %" PRIu64 " %s\n",
				(int)entry->pid, entry->started,
				operation_word(entry->operation),
				entry->since_us, entry->uri);
}

static int
write_file(const struct ledger *ledger)
{
	cleanup_free char *text = NULL;
	size_t len = 0;
	FILE *file = open_memstream(&text, &len);

	if (!file)
		return -ENOMEM;
	print_entries(ledger, file);
	if (fclose(file) != 0)
		return -ENOMEM;
	return keepfile_write(
		ledger->supervisor->base_root_fd, FILE_NAME, text, len, false);
}

void
ledger_flush(struct ledger *ledger)
{
	int result;

	if (!ledger->is_dirty)
		return;
	ledger->is_dirty = false;
	result = write_file(ledger);
	if (result < 0)
		log_warning("stuck processes cannot be written down: %s; a "
			    "restart would forget them",
			strerror(-result));
}

static bool
read_number(const char **at, uint64_t max, uint64_t *ret_value)
{
	char *end;

	if (**at < '0' || **at > '9')
		return false;
	errno = 0;
	*ret_value = strtoull(*at, &end, 10);
	if (errno || *ret_value > max || *end != ' ')
		return false;
	*at = end + 1;
	return true;
}

static bool
read_operation(const char **at, enum operation *ret_operation)
{
	size_t len = strcspn(*at, " ");

	for (unsigned kind = OPERATION_NONE + 1; kind < OPERATION_COUNT;
		kind++) {
		const char *word = operation_word((enum operation)kind);

		if (strlen(word) != len || strncmp(word, *at, len) != 0 ||
			(*at)[len] != ' ')
			continue;
		*at += len + 1;
		*ret_operation = (enum operation)kind;
		return true;
	}
	return false;
}

int
ledger_parse_line(const char *line, struct ledger_entry *ret_facts,
	char ret_uri[LEDGER_URI_MAX + 1])
{
	struct ledger_entry facts = {0};
	uint64_t pid, since_us;
	struct uri uri;
	size_t len;

	if (!read_number(&line, INT32_MAX, &pid) || pid == 0 ||
		!read_number(&line, UINT64_MAX, &facts.started) ||
		!read_operation(&line, &facts.operation) ||
		!read_number(&line, MESSAGE_TIME_MAX, &since_us))
		return -EBADMSG;
	len = strlen(line);
	if (len == 0 || len > LEDGER_URI_MAX ||
		uri_parse(line, len, &uri, NULL) < 0 ||
		strcmp(uri.canonical, line) != 0)
		return -EBADMSG;
	memcpy(ret_uri, line, len + 1);
	facts.pid = (pid_t)pid;
	facts.since_us = since_us;
	facts.uri = ret_uri;
	*ret_facts = facts;
	return 0;
}

/* Another process may have its number by now. */
static void
take_up(struct ledger *ledger, const struct ledger_entry *facts)
{
	struct process_facts process;
	struct ledger_entry *entry;

	if (process_read(facts->pid, &process) < 0 ||
		process.started != facts->started)
		return;
	if (ledger_add(ledger, facts, 0, &entry) < 0)
		return;
	log_notice("server %s: %s: process %d (%s) has not ended yet",
		entry->server, entry->uri, (int)entry->pid,
		operation_word(entry->operation));
}

static void
load_line(struct ledger *ledger, const char *line)
{
	char uri[LEDGER_URI_MAX + 1];
	struct ledger_entry facts;

	if (ledger_parse_line(line, &facts, uri) < 0)
		log_warning("ledger of stuck processes: a line makes no sense, "
			    "and is dropped");
	else
		take_up(ledger, &facts);
}

static bool
is_of_this_boot(const char *line)
{
	char boot[BOOT_ID_MAX];

	process_boot_id(boot, sizeof(boot));
	return boot[0] != '\0' && strcmp(boot, line) == 0;
}

void
ledger_load(struct ledger *ledger)
{
	int fd = openat(ledger->supervisor->base_root_fd, FILE_NAME,
		O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	cleanup_fclose FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	char line[LINE_MAX_BYTES];
	bool is_first = true;

	while (file && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (is_first && !is_of_this_boot(line))
			break;
		if (!is_first)
			load_line(ledger, line);
		is_first = false;
	}
	ledger->is_dirty = ledger->count > 0;
}
