/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * iscsiadm_failure.c - what iscsiadm's exit status means, in words.
 *
 * Runs in: operation children of the iSCSI worker.
 * Source: include/iscsi_err.h of open-iscsi.
 */
#include <errno.h>
#include <string.h>

#include "common/guard.h"
#include "worker/iscsiadm.h"

/* What iscsiadm's exit status means, where words say more than that. */
static const struct {
	int status;
	enum err_code code;
	int errnum;
	const char *text;
} failures[] = {
	{ISCSIADM_AUTH_FAILED, ERR_AUTH_FAILED, EACCES,
		"the target did not accept the credentials"},
	{ISCSIADM_TRANSPORT, ERR_UNREACHABLE, ECONNREFUSED,
		"the connection to the portal failed"},
	{ISCSIADM_TRANSPORT_TIMEOUT, ERR_TIMED_OUT, ETIMEDOUT,
		"the portal did not answer in time"},
	{ISCSIADM_PDU_TIMEOUT, ERR_TIMED_OUT, ETIMEDOUT,
		"the target did not answer in time"},
	{ISCSIADM_REQUEST_TIMEOUT, ERR_TIMED_OUT, ETIMEDOUT,
		"iscsid did not answer in time"},
	{ISCSIADM_NO_DAEMON, ERR_UNREACHABLE, ECONNREFUSED,
		"iscsid is not running: start it (systemctl start "
		"iscsid.socket, or iscsid)"},
	{ISCSIADM_NO_TRANSPORT, ERR_UNSUPPORTED, ENODEV,
		"the kernel lacks the transport: is the module iscsi_tcp "
		"installed and loaded?"},
	{ISCSIADM_NOT_THERE, ERR_UNSUPPORTED, ENOENT,
		"open-iscsi is not installed: there is no /usr/sbin/iscsiadm. "
		"Install it and restart holdfast"},
};

int
iscsiadm_say_failure(
	const char *source, int status, const char *words, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(failures); i++)
		if (failures[i].status == status)
			return err_set(err, failures[i].code,
				failures[i].errnum, "%.100s: %s", source,
				failures[i].text);
	/* Asked, and killed before it said: the kernel may have a session. */
	if (status == ISCSIADM_DAEMON_WENT)
		return err_set(err, ERR_INTERNAL, ECONNRESET,
			"%.100s: iscsid ended before it answered", source);
	/* It has not said how it went: what iscsid was asked for may yet be. */
	if (status < 0)
		return err_set(err, ERR_INTERNAL, -status,
			"%.100s: iscsiadm did not come to its end: %s", source,
			strerror(-status));
	return err_set(err, ERR_LOGIN_FAILED, EIO,
		"%.100s: iscsiadm ended with %d: %.100s", source, status,
		words);
}
