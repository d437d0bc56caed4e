/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * iscsi_error.c - why a trial login failed, in words.
 *
 * Runs in: operation children of the iSCSI worker.
 * Invariant: see iscsi_error.h.
 */
#include <errno.h>
#include <string.h>

#include "common/guard.h"
#include "worker/iscsi_chap.h"
#include "worker/iscsi_error.h"

#define INITIATOR_FILE "/etc/iscsi/initiatorname.iscsi"

static const struct {
	int errnum;
	const char *text;
} connect_errors[] = {
	{ECONNREFUSED, "the portal refuses connections: is the target's iSCSI "
		       "service running?"},
	{EHOSTUNREACH, "there is no way to the portal now"},
	{ENETUNREACH, "there is no route to the portal's network"},
	{ENETDOWN, "the network is down"},
	{EHOSTDOWN, "the portal's host is down"},
	{ECONNRESET, "the portal closed the connection"},
};

int
iscsi_error_connect(const struct tcp *tcp, int errnum, struct err *err)
{
	char timeout[TCP_TIMEOUT_TEXT_MAX];

	tcp_timeout_text(tcp, timeout);
	if (tcp->fd < 0 && errnum != EAFNOSUPPORT)
		return err_set(err, ERR_INTERNAL, errnum,
			"cannot make a socket: %s", strerror(errnum));
	if (errnum == ETIMEDOUT)
		return err_set(err, ERR_TIMED_OUT, errnum,
			"the portal did not accept a connection within %s",
			timeout);
	for (size_t i = 0; i < ARRAY_SIZE(connect_errors); i++)
		if (connect_errors[i].errnum == errnum)
			return err_set(err, ERR_UNREACHABLE, errnum, "%s",
				connect_errors[i].text);
	return err_set(err, ERR_UNREACHABLE, errnum,
		"the portal cannot be reached: %s", strerror(errnum));
}

int
iscsi_error_exchange(
	const struct tcp *tcp, const char *step, int errnum, struct err *err)
{
	char timeout[TCP_TIMEOUT_TEXT_MAX];

	tcp_timeout_text(tcp, timeout);
	if (errnum == ETIMEDOUT)
		return err_set(err, ERR_TIMED_OUT, errnum,
			"the portal accepted the connection but did not answer "
			"%s within %s",
			step, timeout);
	if (errnum == EPROTO)
		return err_set(err, ERR_LOGIN_FAILED, errnum,
			"the portal answered %s with what is no valid login "
			"response: is it an iSCSI target?",
			step);
	if (errnum == ECONNRESET || errnum == EPIPE)
		return err_set(err, ERR_UNREACHABLE, errnum,
			"the portal closed the connection instead of answering "
			"%s",
			step);
	return err_set(err, ERR_UNREACHABLE, errnum,
		"the portal was lost before it answered %s: %s", step,
		strerror(errnum));
}

static int
fail_auth(const struct iscsi_trial *trial, bool has_proved, struct err *err)
{
	if (!trial->auth)
		return err_set(err, ERR_AUTH_FAILED, EKEYREJECTED,
			"the target demands authentication: give a user name "
			"and a password for CHAP");
	if (has_proved)
		return err_set(err, ERR_AUTH_FAILED, EKEYREJECTED,
			"the target did not accept the user name and the "
			"password");
	return err_set(err, ERR_AUTH_FAILED, EKEYREJECTED,
		"the target refused CHAP before it saw any proof: does it have "
		"a user name and a password for %.100s?",
		trial->initiator);
}

/* A Linux target that does not know the name says "unavailable", too. */
static int
fail_target(const struct iscsi_trial *trial, unsigned status, struct err *err)
{
	if (status == ISCSI_STATUS_UNAVAILABLE)
		return err_set(err, ERR_UNREACHABLE, EREMOTEIO,
			"the portal does not serve %.100s now (login status "
			"0x%04x): is it enabled there, and is the name right?",
			trial->target, status);
	return err_set(err, ERR_UNREACHABLE, EREMOTEIO,
		"the target cannot serve now (login status 0x%04x)", status);
}

int
iscsi_error_status(const struct iscsi_trial *trial, unsigned status,
	bool has_proved, struct err *err)
{
	switch (status) {
	case ISCSI_STATUS_AUTH_FAILED:
		return fail_auth(trial, has_proved, err);
	case ISCSI_STATUS_FORBIDDEN:
		return err_set(err, ERR_ACCESS_DENIED, EACCES,
			"the target does not let %.128s in, as this host is "
			"named in %s: add it to the target's ACL",
			trial->initiator, INITIATOR_FILE);
	case ISCSI_STATUS_NOT_FOUND:
		return err_set(err, ERR_NOT_FOUND, ENOENT,
			"the portal has no target %.128s", trial->target);
	case ISCSI_STATUS_REMOVED:
		return err_set(err, ERR_NOT_FOUND, ENOENT,
			"the target %.128s was removed from the portal",
			trial->target);
	}
	if (status >> 8 == ISCSI_STATUS_CLASS_TARGET)
		return fail_target(trial, status, err);
	return err_set(err, ERR_LOGIN_FAILED, EREMOTEIO,
		"the target refused the login (login status 0x%04x)", status);
}

int
iscsi_error_no_chap(const struct iscsi_trial *trial, struct err *err)
{
	return err_set(err, ERR_AUTH_FAILED, EPROTONOSUPPORT, "%s",
		iscsi_chap_is_mutual(trial->auth)
			? "the target did not prove who it is: it does not do "
			  "CHAP"
			: "the target does not do CHAP");
}
