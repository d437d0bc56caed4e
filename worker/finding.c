/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * finding.c - what a scan has found, and whether it could look everywhere.
 *
 * Runs in: the scanner's worker and the child that scans.
 * Trusts: nobody for names.
 * Invariant: see finding.h. What was missed once stays missed.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "common/clock.h"
#include "common/log.h"
#include "worker/finding.h"
#include "worker/pipes.h"

enum {
	NAMED_MAX = 32,
	PLACE_MAX = 96,
};

/* Where in /proc or /sys. */
struct place {
	pid_t pid;
	int errnum;
	char what[PLACE_MAX];
};

static struct finding {
	uint64_t deadline_us;
	uint64_t count;
	bool is_incomplete;
	struct place missed; /* the first that was */
	struct place looked; /* the last */
} * finding;

int
finding_start(uint64_t deadline_us)
{
	void *map = mmap(NULL, sizeof(*finding), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED)
		return -errno;
	finding = map;
	finding->deadline_us = deadline_us;
	return 0;
}

bool
finding_is_over(void)
{
	if (clock_boot_us() < finding->deadline_us)
		return false;
	finding_missed(finding->looked.what, ETIME);
	return true;
}

void
finding_holder(pid_t pid, enum holder_kind kind, const char *text)
{
	struct message message = {.type = MESSAGE_holder};
	struct holder_message *holder = &message.holder;
	size_t max = sizeof(holder->command) - 1;
	size_t len = strlen(text);

	if (++finding->count > NAMED_MAX)
		return;
	holder->pid = (uint64_t)pid;
	holder->kind = kind;
	if (len > max)
		text += len - max;
	memcpy(holder->command, text, strnlen(text, max));
	err_clean_text(holder->command);
	/* A supervisor that does not read loses names, not the scan. */
	(void)pipes_send(PIPES_REPORT_FD, finding->deadline_us, &message);
}

static void
set_place(struct place *place, pid_t pid, int errnum, const char *what)
{
	place->pid = pid;
	place->errnum = errnum;
	(void)snprintf(place->what, sizeof(place->what), "%s", what);
}

void
finding_missed(const char *what, int errnum)
{
	if (!finding->is_incomplete)
		set_place(&finding->missed, finding->looked.pid, errnum, what);
	finding->is_incomplete = true;
}

void
finding_look(pid_t pid, const char *what)
{
	set_place(&finding->looked, pid, 0, what);
}

uint64_t
finding_count(void)
{
	return finding->count;
}

static void
tell_missed(uint64_t deadline_us)
{
	struct message message = {.type = MESSAGE_log, .log.level = LOG_NOTICE};
	const struct place *place = &finding->missed;
	char process[32] = "";

	if (place->pid != 0)
		(void)snprintf(process, sizeof(process), " of process %d",
			(int)place->pid);
	(void)snprintf(message.log.text, sizeof(message.log.text),
		"not all could be looked at: %.*s%s: %s", PLACE_MAX - 1,
		place->what, process, strerror(place->errnum));
	/* A line for people; the answer follows all the same. */
	(void)pipes_send(PIPES_REPORT_FD, deadline_us, &message);
}

int
finding_conclude(bool is_whole, uint64_t deadline_us)
{
	struct message done = {.type = MESSAGE_scanned};

	if (!is_whole)
		finding_missed(finding->looked.what, ETIME);
	if (finding->is_incomplete)
		tell_missed(deadline_us);
	done.scanned.count = finding->count;
	done.scanned.is_complete = !finding->is_incomplete;
	return pipes_send(PIPES_REPORT_FD, deadline_us, &done);
}
