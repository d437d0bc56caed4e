/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * iscsiadm_logout.c - has iscsid end one session.
 *
 * Runs in: operation children of the iSCSI worker.
 * Apart from iscsiadm.c, so that a test that stands in for running the command
 * sees what it is asked.
 */
#include <stdio.h>

#include "worker/iscsiadm.h"

int
iscsiadm_log_out(uint32_t number, char ret_words[ISCSIADM_WORDS_MAX])
{
	char sid[16];
	const char *const arguments[] = {
		"-m", "session", "-r", sid, "--logout", NULL};

	(void)snprintf(sid, sizeof(sid), "%u", number);
	return iscsiadm_run(arguments, ret_words);
}
