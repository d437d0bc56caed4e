/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * iscsi.c - backend for iscsi://HOST/IQN: a session, through open-iscsi.
 *
 * Runs in: worker (aim, look, probe); operation children (the rest).
 * Invariant: a session that exists is never logged out to be mended: recovery
 *            is iscsid's. No disk is read or written.
 */
#include <errno.h>
#include <poll.h>

#include "worker/iscsi_connect.h"
#include "worker/iscsi_find.h"
#include "worker/iscsi_record.h"
#include "worker/iscsiadm.h"

enum {
	PAUSE_MS = 20
};

static int
iscsi_aim(struct backend_target *target, struct err *err)
{
	return 0;
}

/* A host's name is not looked up here: its session is known by its number, or
 * found when the next attempt knows the addresses. */
static int
iscsi_look(const struct backend_target *target, struct object *ret_object)
{
	const struct uri *uri = target->uri;
	struct iscsi_session session;
	uint32_t found = 0;

	if (target->session != 0 &&
		iscsi_session_read(target->session - 1, &session) == 0 &&
		iscsi_is_like(&session, uri))
		found = target->session;
	if (found == 0 && (uri->host_is_ipv4 || uri->host_is_ipv6))
		found = iscsi_find_session(uri, uri->host);
	*ret_object = (struct object){.exists = found != 0, .session = found};
	return 0;
}

static int
iscsi_probe(const struct backend_target *target, struct err *err)
{
	struct iscsi_session session;
	struct err daemon_err = {0};

	if (target->session == 0 ||
		iscsi_session_read(target->session - 1, &session) < 0)
		return err_set(err, ERR_VANISHED, ENOENT,
			"%.100s: there is no session any more", target->source);
	if (iscsi_session_is_in(&session))
		return 0;
	if (iscsiadm_check_daemon(&daemon_err) < 0)
		return err_set(err, ERR_UNREACHABLE, ENOTCONN,
			"%.100s: session %u is %s, and nobody recovers it: %s",
			target->source, session.number, session.state,
			daemon_err.text);
	return err_set(err, ERR_UNREACHABLE, ENOTCONN,
		"%.100s: session %u is %s: the portal does not answer; iscsid "
		"logs in again as soon as it does",
		target->source, session.number, session.state);
}

static int
iscsi_detach(const struct backend_target *target, struct err *err)
{
	/* Nothing makes a session stale: see iscsi_probe(). */
	return 0;
}

static int
log_out(const struct backend_target *target, uint32_t number, struct err *err)
{
	char words[ISCSIADM_WORDS_MAX];
	int status = iscsiadm_log_out(number, words);

	if (status == ISCSIADM_OK || status == ISCSIADM_NOTHING_FOUND ||
		status == ISCSIADM_SESSION_NOT_FOUND)
		return 0;
	if (status == ISCSIADM_BUSY)
		return err_set(err, ERR_BUSY, EBUSY,
			"%.100s: iscsid says that its disks are in use",
			target->source);
	return iscsiadm_say_failure(target->source, status, words, err);
}

/* One that may be gone at any moment. */
static int
end_session(const struct backend_target *target, struct err *err)
{
	struct iscsi_session session;
	int result;

	if (target->session == 0 ||
		iscsi_session_read(target->session - 1, &session) < 0 ||
		!iscsi_is_like(&session, target->uri))
		return 0;
	result = iscsiadm_check_daemon(err);
	if (result < 0)
		return result;
	result = log_out(target, session.number, err);
	if (result < 0)
		return result;
	/* Ended at the deadline, should the kernel not let go of it. */
	while (iscsi_session_read(session.number, &session) == 0)
		(void)poll(NULL, 0, PAUSE_MS); /* nothing tells of sysfs */
	return 0;
}

/* Attempts that came to nothing have left records as well. */
static int
iscsi_disconnect(const struct backend_target *target, uint64_t deadline_us,
	struct err *err)
{
	int result = end_session(target, err);

	if (result == 0)
		iscsi_record_drop_all(
			target->uri->path, target->uri->canonical);
	return result;
}

/* The portal, which a trial speaks to itself; iscsid by its abstract socket. */
static void
iscsi_reach(const struct uri *uri, struct landlock_limits *limits)
{
	*limits = (struct landlock_limits){
		.ports = {NAME_SERVER_PORT, uri->port},
		.count = 2,
		.has_daemon = true,
	};
}

const struct backend backend_iscsi = {
	.name = "iscsi",
	.scheme = URI_ISCSI,
	.undone = "logged out of it",
	.has_instant_probe = true,
	.needs_clearance = true,
	.hands_over = true,
	.runs_programs = true,
	.aim = iscsi_aim,
	.reach = iscsi_reach,
	.look = iscsi_look,
	.connect = iscsi_connect,
	.probe = iscsi_probe,
	.detach = iscsi_detach,
	.disconnect = iscsi_disconnect,
	.try_credentials = iscsi_try_credentials,
	.keep_credentials = iscsi_keep_credentials,
};
