/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * explain_why.c - how a connection stands, in sentences for a person.
 *
 * Runs in: supervisor.
 * Trusts: nobody's text: it is cleaned on its way out.
 * Invariant: a sentence says what is known, not what is likely.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/guard.h"
#include "supervisor/explain_private.h"
#include "supervisor/supervisor.h"
#include "supervisor/target_private.h"

enum {
	SENTENCES_MAX = 16,
	TIME_TEXT_MAX = 40,
};

struct sentences {
	char at[SENTENCES_MAX][EXPLAIN_TEXT_MAX];
	size_t count;
};

static void __attribute__((format(printf, 2, 3)))
say(struct sentences *sentences, const char *format, ...)
{
	va_list args;

	if (sentences->count == SENTENCES_MAX)
		return;
	va_start(args, format);
	(void)vsnprintf(sentences->at[sentences->count], EXPLAIN_TEXT_MAX,
		format, args);
	va_end(args);
	err_clean_text(sentences->at[sentences->count++]);
}

/* In UTC: the daemon does not know where its reader is. */
static const char *
show_time(uint64_t at_us, char text[TIME_TEXT_MAX])
{
	time_t seconds = (time_t)(at_us / US_PER_SEC);
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) ||
		strftime(text, TIME_TEXT_MAX, "%Y-%m-%d %H:%M:%S UTC", &tm) ==
			0)
		(void)snprintf(text, TIME_TEXT_MAX, "%" PRIu64, at_us);
	return text;
}

/* --- what comes */

static struct explain_next
next_while_held(const struct target *target)
{
	if (server_hold(target) == HOLD_PAUSED)
		return (struct explain_next){.text = "nothing before `holdfast "
						     "resume`: this host is "
						     "paused"};
	return (struct explain_next){
		.text = "nothing before its turn: several operations to its "
			"server are "
			"stuck, and it is tried one connection at a time"};
}

static struct explain_next
next_while_down(const struct target *target)
{
	const struct status_message *status = &target->status;

	if (status->force_at_us != 0)
		return (struct explain_next){OPERATION_DISCONNECT,
			status->force_at_us,
			"an unmount, again and again; if the server is dead "
			"until then it is forced off, and what was not written "
			"is lost"};
	if (status->state == TARGET_LINGERING)
		return (struct explain_next){OPERATION_DISCONNECT,
			status->next_retry_us,
			"taken down as soon as nobody uses it any more"};
	return (struct explain_next){
		OPERATION_DISCONNECT, 0, "it is being taken down"};
}

/* The worker's word is any time that the API can tell. */
static uint64_t
time_after(uint64_t time_us, uint64_t span_us)
{
	return time_us < MESSAGE_TIME_MAX - span_us ? time_us + span_us
						    : MESSAGE_TIME_MAX;
}

static struct explain_next
next_probe(const struct target *target)
{
	const struct status_message *status = &target->status;
	uint64_t interval_us =
		target->supervisor->conf.probe_interval_ms * US_PER_MS;

	if (status->state == TARGET_CONNECTED)
		return (struct explain_next){OPERATION_PROBE,
			status->probe_at_us
				? time_after(status->probe_at_us, interval_us)
				: 0,
			"a probe"};
	return (struct explain_next){OPERATION_PROBE, 0,
		"a probe, every two seconds at most; it is left mounted, the "
		"kernel goes on by itself when the server is back"};
}

struct explain_next
explain_next(const struct target *target)
{
	const struct status_message *status = &target->status;

	if (target->link.pid == 0)
		return (struct explain_next){
			.text = "a worker is started, which looks and goes on"};
	if (server_hold(target) != HOLD_NONE)
		return next_while_held(target);
	if (status->state == TARGET_STUCK)
		return (struct explain_next){
			.text = "nothing before what is stuck has ended: a "
				"second one "
				"would only be stuck beside it"};
	if (target_wanted(target) == WANTED_DOWN)
		return next_while_down(target);
	switch (status->state) {
	case TARGET_BACKOFF:
	case TARGET_BLOCKED:
		return (struct explain_next){OPERATION_CONNECT,
			status->next_retry_us,
			"an attempt to connect; at once with `holdfast retry`, "
			"and soon after another connection of this server is "
			"back"};
	case TARGET_STALE:
		return (struct explain_next){
			OPERATION_DETACH, 0, "it is detached and mounted anew"};
	case TARGET_CONNECTED:
	case TARGET_UNRESPONSIVE:
		return next_probe(target);
	case TARGET_REGISTERED:
	case TARGET_CONNECTING:
	case TARGET_DISCONNECTING:
	case TARGET_LINGERING:
	case TARGET_STUCK:
	case TARGET_STATE_COUNT:
		break;
	}
	return (struct explain_next){
		OPERATION_CONNECT, 0, "the end of the attempt under way"};
}

/* --- how it stands */

static void
say_who_wants_it(struct sentences *sentences, const struct target *target)
{
	if (target->claim_count == 0)
		say(sentences, "No claim is left: it is to be taken down.");
	else
		say(sentences, "%zu claim%s to be up.", target->claim_count,
			target->claim_count == 1 ? " wants it" : "s want it");
}

static void
say_state(struct sentences *sentences, const struct target *target)
{
	const struct status_message *status = &target->status;
	char since[TIME_TEXT_MAX], at[TIME_TEXT_MAX];

	say(sentences, "It is %s since %s; the kernel has %s.",
		target_state_word(status->state),
		show_time(target->since_us, since),
		target_has_object(target) ? "it" : "nothing of it");
	if (status->error != ERR_NONE)
		say(sentences, "%s: %s (since %s).", err_slug(status->error),
			status->error_text, show_time(status->error_at_us, at));
	if (status->probe_at_us != 0)
		say(sentences,
			"Its server last answered %s, in %" PRIu64 ".%03" PRIu64
			" ms.",
			show_time(status->probe_at_us, at),
			status->probe_latency_us / 1000,
			status->probe_latency_us % 1000);
}

static void
say_what_keeps_it(struct sentences *sentences, const struct target *target)
{
	const struct ledger_entry *stuck =
		ledger_oldest(&target->supervisor->ledger, target->uri);
	char since[TIME_TEXT_MAX];

	if (server_hold(target) == HOLD_PAUSED)
		say(sentences, "This host is paused.");
	else if (server_hold(target) == HOLD_SERVER && target->server)
		say(sentences,
			"Server %s is held since %s: %zu operations to it do "
			"not end.",
			target->server->name,
			show_time(target->server->held_since_us, since),
			target->server->stuck);
	if (stuck)
		say(sentences,
			"Process %d (%s) does not end though it was killed, "
			"since %s.",
			(int)stuck->pid, operation_word(stuck->operation),
			show_time(stuck->since_us, since));
	for (size_t i = 0; i < target->holder_count && i < 4; i++)
		say(sentences, "It is used by %s (process %u): %s.",
			target->holders[i].command,
			(unsigned)target->holders[i].pid,
			holder_kind_word(target->holders[i].kind));
}

static void
say_record(struct sentences *sentences, const struct target *target)
{
	const struct record *record = &target->record;
	const struct record_outage *open = record_open_outage(record);
	char since[TIME_TEXT_MAX];

	say(sentences,
		"%" PRIu64 " attempt%s so far, %" PRIu64
		" of them failed; %" PRIu64
		" outage%s since this daemon started.",
		target->status.attempt, target->status.attempt == 1 ? "" : "s",
		record->failure_count, record->outage_count,
		record->outage_count == 1 ? "" : "s");
	if (open)
		say(sentences, "It has not worked since %s.",
			show_time(open->start_us, since));
}

static void
say_future(struct sentences *sentences, const struct target *target)
{
	const struct budget budget = explain_budget(target);
	const struct explain_next next = explain_next(target);
	char at[TIME_TEXT_MAX];

	say(sentences, "When the server dies, an application gets: %s.",
		budget.text);
	if (next.at_us != 0)
		say(sentences, "Next: %s (%s).", next.text,
			show_time(next.at_us, at));
	else
		say(sentences, "Next: %s.", next.text);
}

void
explain_write_why(struct wire_writer *out, const struct target *target)
{
	struct sentences sentences = {.count = 0};

	say_who_wants_it(&sentences, target);
	say_state(&sentences, target);
	say_what_keeps_it(&sentences, target);
	say_record(&sentences, target);
	say_future(&sentences, target);
	wire_array(out, sentences.count);
	for (size_t i = 0; i < sentences.count; i++)
		wire_text(out, sentences.at[i]);
}
