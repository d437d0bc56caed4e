/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * journal.c - numbered events, kept for those who ask later.
 *
 * Runs in: supervisor.
 * Trusts: see journal.h.
 * Invariant: see journal.h. Numbers are written down as given, a thousand at a
 *            time, before the first of them is: state_dir/events.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/guard.h"
#include "common/log.h"
#include "supervisor/entry_private.h"
#include "supervisor/journal.h"
#include "supervisor/keepfile.h"
#include "supervisor/supervisor.h"

#define FILE_NAME "events"

enum {
	BLOCK = 1000,
	NUMBER_TEXT_MAX = 24,
	TEXT_MAX = 256,
	EVENT_KEYS = 10,
	NEWS_MAX = 500, /* of each struct news, in a window */
};

#define NEWS_WINDOW_US (10 * US_PER_SEC)

/* Until a disk that is full is tried again. */
#define RESERVE_PAUSE_US (10 * US_PER_SEC)

struct event {
	uint64_t at_us; /* Unix time */
	enum event_kind kind;
	enum target_state state;
	enum target_state before;
	bool has_before;
	enum err_code error;
	uint64_t attempt;
	char *texts; /* connection, subject, text, each with its NUL */
};

static const char *const kind_words[] = {
#define EVENT(name, word, meaning) [EVENT_##name] = word,
#include "proto/event.def"
#undef EVENT
};

/* --- numbers */

static uint64_t
read_reserved(int dirfd)
{
	char text[NUMBER_TEXT_MAX];
	ssize_t len = keepfile_read(dirfd, FILE_NAME, text, sizeof(text));
	char *end = text;
	uint64_t number = len > 0 ? strtoull(text, &end, 10) : 0;

	if (len == -ENOENT)
		return 1;
	if (*end != '\n')
		number = 0; /* cut off */
	if (number > 0 && number < MESSAGE_TIME_MAX / 2)
		return number;
	log_warning("events: the file of their numbers is damaged; they go on "
		    "behind the clock's");
	/* More than were ever given: fewer than one a microsecond. */
	return clock_unix_us();
}

static int
write_reserved(int dirfd, uint64_t number)
{
	char text[NUMBER_TEXT_MAX];
	int len = snprintf(text, sizeof(text), "%" PRIu64 "\n", number);

	return keepfile_write(dirfd, FILE_NAME, text, (size_t)len, true);
}

static void
reserve(struct journal *journal)
{
	uint64_t now_us = clock_boot_us();
	int result;

	if (journal->next < journal->reserved ||
		now_us < journal->not_before_us)
		return;
	result = write_reserved(journal->dirfd, journal->next + BLOCK);
	if (result == 0) {
		journal->reserved = journal->next + BLOCK;
		return;
	}
	journal->not_before_us = now_us + RESERVE_PAUSE_US;
	log_warning("events: their numbers cannot be written down: %s; until "
		    "they can a restart may give some again",
		strerror(-result));
}

static struct event *
slot_of(const struct journal *journal, uint64_t number)
{
	return &journal->ring[number % journal->size];
}

/* --- noting */

static char *
join_texts(const char *connection, const char *subject, const char *text)
{
	char *joined;
	int len = asprintf(
		&joined, "%s%c%.255s%c%.255s", connection, 0, subject, 0, text);

	return len < 0 ? NULL : joined;
}

static void
drop_oldest(struct journal *journal)
{
	struct event *event = slot_of(journal, journal->oldest++);

	free(event->texts);
	event->texts = NULL;
}

/* Takes event->texts, which is NULL without memory. */
static void
keep(struct supervisor *supervisor, struct event *event)
{
	struct journal *journal = &supervisor->journal;

	reserve(journal);
	if (!journal->ring)
		journal->ring = calloc(journal->size, sizeof(*journal->ring));
	if (!journal->ring || !event->texts) {
		/* What is before it cannot be told without a hole. */
		free(event->texts);
		while (journal->oldest < journal->next)
			drop_oldest(journal);
		journal->oldest = ++journal->next;
		return;
	}
	if (journal->next - journal->oldest == journal->size)
		drop_oldest(journal);
	*slot_of(journal, journal->next++) = *event;
	loop_hurry(supervisor->loop); /* somebody may follow */
}

/*
 * One connection may not make those forget who follow others: what is told of
 * it in ten seconds is bounded, of its claims and of itself. How much was not
 * told is told at their end, or before it goes.
 */
static void
end_window(struct supervisor *supervisor, struct target *target,
	struct news *news, const char *of_what)
{
	struct event event = {
		.at_us = clock_unix_us(),
		.kind = EVENT_SKIPPED,
		.state = target->status.state,
	};
	char text[TEXT_MAX];

	if (news->count > NEWS_MAX) {
		(void)snprintf(text, sizeof(text),
			"%u changes of %s before this were not told; list says "
			"how it is",
			news->count - NEWS_MAX, of_what);
		event.texts = join_texts(target->uri, "", text);
		keep(supervisor, &event);
	}
	*news = (struct news){.window_us = clock_boot_us()};
}

static bool
has_skipped(const struct target *target)
{
	return target->news_of_claims.count > NEWS_MAX ||
	       target->news_of_itself.count > NEWS_MAX;
}

static bool
is_over(const struct news *news)
{
	return clock_boot_us() - news->window_us > NEWS_WINDOW_US;
}

static void
end_windows(struct supervisor *supervisor, struct target *target, bool is_all)
{
	if (is_all || is_over(&target->news_of_claims))
		end_window(
			supervisor, target, &target->news_of_claims, "claims");
	if (is_all || is_over(&target->news_of_itself))
		end_window(supervisor, target, &target->news_of_itself,
			"the connection");
}

/* There is one timer, for the first that skips; the others are looked at. */
static void
arm_skipped(struct supervisor *supervisor)
{
	struct loop_timer *timer = &supervisor->journal.skipped;

	if (timer->due_us == 0)
		(void)loop_arm(supervisor->loop, timer,
			clock_boot_us() + NEWS_WINDOW_US + 1);
}

static void
on_skipped(struct loop_timer *timer)
{
	struct supervisor *supervisor =
		container_of(timer, struct supervisor, journal.skipped);
	struct target *target, *next;
	bool is_more = false;

	HASH_ITER (by_uri, supervisor->targets, target, next) {
		end_windows(supervisor, target, false);
		is_more |= has_skipped(target);
	}
	if (is_more)
		arm_skipped(supervisor);
}

static bool
may_tell(struct supervisor *supervisor, struct target *target,
	enum event_kind kind)
{
	struct news *news = kind == EVENT_CLAIMED || kind == EVENT_RELEASED
				    ? &target->news_of_claims
				    : &target->news_of_itself;

	/* Nothing comes after its last. */
	end_windows(supervisor, target, kind == EVENT_GONE);
	if (news->count++ < NEWS_MAX)
		return true;
	arm_skipped(supervisor);
	return false;
}

void
journal_note(struct supervisor *supervisor, enum event_kind kind,
	struct target *target, const char *subject, const char *text)
{
	struct event event = {
		.at_us = clock_unix_us(),
		.kind = kind,
		.state = target ? target->status.state : TARGET_STATE_COUNT,
	};

	if (target && !may_tell(supervisor, target, kind))
		return;
	event.texts = join_texts(target ? target->uri : "", subject, text);
	if (target && target->status.error != ERR_NONE) {
		event.error = target->status.error;
		event.attempt = target->status.error_attempt;
	}
	keep(supervisor, &event);
}

void
journal_note_status(struct supervisor *supervisor, struct target *target,
	enum target_state before, enum err_code error_before)
{
	const struct status_message *status = &target->status;
	bool has_moved = status->state != before;
	struct event event = {
		.at_us = clock_unix_us(),
		.kind = has_moved ? EVENT_STATE : EVENT_ERROR,
		.state = status->state,
		.before = before,
		.has_before = has_moved,
		.error = status->error,
		.attempt = status->attempt,
	};

	if (!has_moved &&
		(status->error == error_before || status->error == ERR_NONE))
		return;
	if (!may_tell(supervisor, target, event.kind))
		return;
	event.texts = join_texts(target->uri, "",
		status->error == ERR_NONE ? "" : status->error_text);
	keep(supervisor, &event);
}

void
journal_init(struct journal *journal, const struct supervisor *supervisor)
{
	*journal = (struct journal){
		.size = supervisor->conf.events_max,
		.dirfd = open(supervisor->conf.state_dir,
			O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		.skipped.on_due = on_skipped,
	};
	journal->next = journal->oldest = read_reserved(journal->dirfd);
	journal->reserved = journal->next;
}

void
journal_done(struct journal *journal)
{
	for (uint64_t i = journal->oldest; i < journal->next; i++)
		free(slot_of(journal, i)->texts);
	free(journal->ring);
	journal->ring = NULL;
	journal->oldest = journal->next;
	guard_close(&journal->dirfd);
}

/* --- telling */

struct journal_view
journal_look(const struct journal *journal, uint64_t since, uint64_t most)
{
	struct journal_view view = {
		.first = since + 1,
		.end = journal->next,
	};

	/* Beyond the last: from a journal that lost count. */
	if (since >= journal->next) {
		view.gap_from = journal->next;
		view.gap_to = since;
		view.first = journal->oldest;
	} else if (since + 1 < journal->oldest) {
		view.gap_from = since + 1;
		view.gap_to = journal->oldest - 1;
		view.first = journal->oldest;
	}
	if (view.gap_from != 0)
		most--;
	if (view.end - view.first > most)
		view.end = view.first + most;
	return view;
}

size_t
journal_view_count(const struct journal_view *view)
{
	return (size_t)(view->end - view->first) + (view->gap_from ? 1 : 0);
}

uint64_t
journal_view_next(const struct journal_view *view, uint64_t since)
{
	return journal_view_count(view) == 0 ? since : view->end - 1;
}

static void
write_texts(struct wire_writer *out, const char *connection,
	const char *subject, const char *text)
{
	wire_pair_text(out, "connection", connection);
	entry_pair_clean(out, "subject", subject);
	entry_pair_clean(out, "text", text);
}

void
journal_write_gap(struct wire_writer *out, const struct journal_view *view)
{
	char text[TEXT_MAX];

	(void)snprintf(text, sizeof(text),
		"events %" PRIu64 " to %" PRIu64 " are not kept",
		view->gap_from, view->gap_to);
	wire_map(out, EVENT_KEYS);
	wire_pair_uint(out, "number", view->first - 1);
	wire_pair_uint(out, "at", clock_unix_us());
	wire_pair_text(out, "kind", kind_words[EVENT_GAP]);
	wire_pair_text(out, "state", "");
	wire_pair_text(out, "before", "");
	wire_pair_text(out, "slug", "ok");
	wire_pair_uint(out, "attempt", 0);
	write_texts(out, "", "", text);
}

void
journal_write_event(
	struct wire_writer *out, const struct journal *journal, uint64_t number)
{
	const struct event *event = slot_of(journal, number);
	const char *connection = event->texts;
	const char *subject = connection + strlen(connection) + 1;
	const char *text = subject + strlen(subject) + 1;

	wire_map(out, EVENT_KEYS);
	wire_pair_uint(out, "number", number);
	wire_pair_uint(out, "at", event->at_us);
	wire_pair_text(out, "kind", kind_words[event->kind]);
	wire_pair_text(out, "state",
		event->state < TARGET_STATE_COUNT
			? target_state_word(event->state)
			: "");
	wire_pair_text(out, "before",
		event->has_before ? target_state_word(event->before) : "");
	wire_pair_text(out, "slug", err_slug(event->error));
	wire_pair_uint(out, "attempt", event->attempt);
	write_texts(out, connection, subject, text);
}
