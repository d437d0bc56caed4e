/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * explain.c - what status and explain say beyond an entry: the keys of STATUS.
 *
 * Runs in: supervisor.
 * Trusts: nobody's text: it is cleaned on its way out.
 * Invariant: nothing is asked of storage or a server; what is told is what is
 *            known already.
 */
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/guard.h"
#include "proto/uri.h"
#include "supervisor/budget.h"
#include "supervisor/entry_private.h"
#include "supervisor/explain_private.h"
#include "supervisor/supervisor.h"

enum {
	OPTIONS_TEXT_MAX = URI_OPTIONS_MAX + 256,
};

static void
write_history(struct wire_writer *out, const struct target *target)
{
	size_t total = target->history_count;
	size_t count = total < TARGET_HISTORY ? total : TARGET_HISTORY;

	wire_text(out, "history");
	wire_array(out, target->history ? count : 0);
	for (size_t i = total - count; target->history && i < total; i++) {
		const struct target_event *event =
			&target->history[i % TARGET_HISTORY];

		wire_map(out, 4);
		wire_pair_uint(out, "at", event->at_us);
		wire_pair_text(out, "state", target_state_word(event->state));
		wire_pair_text(out, "slug", err_slug(event->error));
		entry_pair_clean(out, "text", event->text);
	}
}

static void
write_tries(struct wire_writer *out, const struct record *record)
{
	size_t count = record_tries(record);

	wire_text(out, "tries");
	wire_array(out, count);
	for (size_t i = 0; i < count; i++) {
		const struct record_try *try = record_try_at(record, i);

		wire_map(out, 6);
		wire_pair_uint(out, "number", try->number);
		wire_pair_uint(out, "at", try->at_us);
		wire_pair_uint(out, "end", try->end_us);
		wire_pair_text(out, "slug", err_slug(try->error));
		wire_pair_uint(out, "errno", try->error_errno);
		entry_pair_clean(out, "text", try->text);
	}
}

static void
write_outages(struct wire_writer *out, const struct record *record)
{
	size_t count = record_outages(record);

	wire_text(out, "outages");
	wire_array(out, count);
	for (size_t i = 0; i < count; i++) {
		const struct record_outage *outage =
			record_outage_at(record, i);

		wire_map(out, 5);
		wire_pair_uint(out, "start", outage->start_us);
		wire_pair_uint(out, "end", outage->end_us);
		wire_pair_text(out, "state", target_state_word(outage->state));
		wire_pair_text(out, "slug", err_slug(outage->error));
		entry_pair_clean(out, "text", outage->text);
	}
}

/* --- options */

/* What mount(2) was, or will be, asked for; "" for what is not mounted. */
static void
print_requested(const struct target *target, char *text, size_t size)
{
	const char *effective = target->mount_options;
	char version[16] = "";
	char options[URI_OPTIONS_MAX];
	struct uri uri;
	int major;

	text[0] = '\0';
	if (uri_parse(target->uri, strlen(target->uri), &uri, NULL) < 0 ||
		target->scheme == URI_ISCSI)
		return;
	if (effective)
		(void)mounts_option(
			effective, "vers", version, sizeof(version));
	if (!version[0] && uri_param(&uri, "vers"))
		(void)snprintf(version, sizeof(version), "%.15s",
			uri_param(&uri, "vers"));
	major = version[0] == '3' ? 3 : 4;
	if (uri_mount_options(&uri, major, options, sizeof(options)) == 0)
		(void)snprintf(text, size, "nosuid,nodev%s%s",
			options[0] ? "," : "", options);
	for (size_t i = 0; text[0] && i < uri.param_count; i++) {
		size_t len = strlen(text);

		if (uri_param_is_mount_flag(&uri, i))
			(void)snprintf(text + len, size - len, ",%s",
				uri.params[i].name);
	}
}

static void
print_effective(const struct target *target, char *text, size_t size)
{
	text[0] = '\0';
	if (target->mount_id != 0 && target->mount_options)
		(void)snprintf(text, size, "%s%s%s",
			target->mount_flags ? target->mount_flags : "",
			target->mount_flags ? "," : "", target->mount_options);
}

struct differences {
	struct wire_writer *out;
	size_t count;
	bool is_counting;
};

static void
on_difference(const struct option_difference *difference, void *data)
{
	struct differences *differences = data;
	struct wire_writer *out = differences->out;

	differences->count++;
	if (differences->is_counting)
		return;
	wire_map(out, 3);
	entry_pair_clean(out, "option", difference->name);
	entry_pair_clean(out, "requested", difference->requested);
	entry_pair_clean(out, "effective", difference->effective);
}

static void
write_options(struct wire_writer *out, const struct target *target)
{
	struct differences differences = {.out = out, .is_counting = true};
	char requested[OPTIONS_TEXT_MAX], effective[OPTIONS_TEXT_MAX];

	print_requested(target, requested, sizeof(requested));
	print_effective(target, effective, sizeof(effective));
	wire_text(out, "options");
	wire_map(out, 3);
	entry_pair_clean(out, "requested", requested);
	entry_pair_clean(out, "effective", effective);
	wire_text(out, "differences");
	if (effective[0])
		mounts_compare(
			requested, effective, on_difference, &differences);
	wire_array(out, differences.count);
	differences.is_counting = false;
	if (effective[0])
		mounts_compare(
			requested, effective, on_difference, &differences);
}

struct budget
explain_budget(const struct target *target)
{
	char requested[OPTIONS_TEXT_MAX];
	struct budget none = {.text = "there is no server to wait for"};
	struct iscsi_timeouts timeouts = {0};
	bool is_known;

	switch (target->scheme) {
	case URI_NFS:
		if (target->mount_id != 0 && target->mount_options)
			return budget_nfs(target->mount_options);
		print_requested(target, requested, sizeof(requested));
		return budget_nfs(requested);
	case URI_ISCSI:
		is_known = target->status.session != 0 &&
			   iscsi_session_read_timeouts(
				   (uint32_t)target->status.session - 1,
				   &timeouts) == 0;
		return budget_iscsi(is_known, timeouts.recv_s, timeouts.ping_s,
			timeouts.recovery_s);
	case URI_TMPFS:
	case URI_SCHEME_COUNT:
		break;
	}
	return none;
}

static void
write_budget(struct wire_writer *out, const struct target *target)
{
	const struct budget budget = explain_budget(target);

	wire_text(out, "worst_case");
	wire_map(out, 2);
	wire_pair_uint(out, "duration", budget.duration_us);
	wire_pair_text(out, "text", budget.text);
}

static void
write_next(struct wire_writer *out, const struct target *target)
{
	const struct explain_next next = explain_next(target);

	wire_text(out, "next");
	wire_map(out, 3);
	wire_pair_text(out, "operation", operation_word(next.operation));
	wire_pair_uint(out, "at", next.at_us);
	wire_pair_text(out, "text", next.text);
}

void
explain_write_status(struct wire_writer *out, const struct target *target)
{
	write_history(out, target);
	write_tries(out, &target->record);
	write_outages(out, &target->record);
	write_options(out, target);
	write_budget(out, target);
	write_next(out, target);
	wire_pair_uint(out, "force_at", target->status.force_at_us);
}
