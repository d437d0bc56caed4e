/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * open_iscsi.h - where open-iscsi has its command and its files.
 *
 * Runs in: operation children of the iSCSI worker.
 * Invariant: owner file of these paths, so that a test can have some of its
 *            own, by defining them itself.
 */
#ifndef WORKER_OPEN_ISCSI_H
#define WORKER_OPEN_ISCSI_H

enum {
	OPEN_ISCSI_BASES = 2
};

struct open_iscsi {
	const char *program;
	const char *initiator_name; /* file of this host's name */
	/* Where distributions have the database; the first that has a record
	 * counts. */
	const char *bases[OPEN_ISCSI_BASES];
};

extern const struct open_iscsi open_iscsi;

#endif
