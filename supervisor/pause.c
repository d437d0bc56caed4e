/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * pause.c - the methods pause and resume.
 *
 * Runs in: supervisor.
 * Trusts: the peer's uid as the kernel tells it.
 * Invariant: see pause.h. What could not be written down is not done.
 */
#include <errno.h>
#include <string.h>

#include "common/log.h"
#include "supervisor/api.h"
#include "supervisor/call.h"
#include "supervisor/journal.h"
#include "supervisor/keepfile.h"
#include "supervisor/pause.h"
#include "supervisor/process.h"
#include "supervisor/supervisor.h"

#define FILE_NAME "paused"

enum {
	BOOT_ID_MAX = 64
};

static int
write_mark(const struct supervisor *supervisor)
{
	char boot[BOOT_ID_MAX];

	process_boot_id(boot, sizeof(boot));
	return keepfile_write(
		supervisor->base_root_fd, FILE_NAME, boot, strlen(boot), false);
}

void
pause_load(struct supervisor *supervisor)
{
	char boot[BOOT_ID_MAX];
	char text[BOOT_ID_MAX];

	if (keepfile_read(supervisor->base_root_fd, FILE_NAME, text,
		    sizeof(text)) < 0)
		return;
	process_boot_id(boot, sizeof(boot));
	supervisor->is_paused = strcmp(text, boot) == 0;
	if (supervisor->is_paused)
		log_warning("paused, as before: nothing is begun until "
			    "`holdfast resume`");
}

static void
pause_all(struct supervisor *supervisor)
{
	supervisor->is_paused = true;
	server_pause_all(supervisor);
	log_notice("paused: nothing is begun until it is resumed");
	journal_note(supervisor, EVENT_PAUSED, NULL, "", "");
}

static void
resume_all(struct supervisor *supervisor)
{
	supervisor->is_paused = false;
	server_resume_all(supervisor);
	log_notice("resumed");
	journal_note(supervisor, EVENT_RESUMED, NULL, "", "");
}

static int
set_paused(struct call *call, bool is_paused, struct err *err)
{
	struct supervisor *supervisor = call->supervisor;
	int result;

	if (call->client->uid != 0)
		return err_set(err, ERR_DENIED, EACCES,
			"%s: only root may, since it is about all claims",
			call->method->name);
	result = is_paused
			 ? write_mark(supervisor)
			 : keepfile_remove(supervisor->base_root_fd, FILE_NAME);
	if (result < 0)
		return err_set(err, ERR_INTERNAL, -result,
			"%s: a restart would not know of it: %s",
			call->method->name, strerror(-result));
	if (is_paused && !supervisor->is_paused)
		pause_all(supervisor);
	else if (!is_paused && supervisor->is_paused)
		resume_all(supervisor);
	api_begin_result(call->out, call->message_id);
	wire_map(call->out, 1);
	wire_pair_bool(call->out, "paused", supervisor->is_paused);
	return 0;
}

int
method_pause(struct call *call, struct err *err)
{
	return set_paused(call, true, err);
}

int
method_resume(struct call *call, struct err *err)
{
	return set_paused(call, false, err);
}
