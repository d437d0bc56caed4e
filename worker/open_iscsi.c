/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * open_iscsi.c - where open-iscsi has its command and its files.
 *
 * Runs in: operation children of the iSCSI worker.
 */
#include "worker/open_iscsi.h"

const struct open_iscsi open_iscsi = {
	.program = "/usr/sbin/iscsiadm",
	.initiator_name = "/etc/iscsi/initiatorname.iscsi",
	.bases = {"/var/lib/iscsi", "/etc/iscsi"},
};
