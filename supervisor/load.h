/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * load.h - takes up at the start what was claimed before.
 *
 * Runs in: supervisor.
 */
#ifndef SUPERVISOR_LOAD_H
#define SUPERVISOR_LOAD_H

#include "common/err.h"

struct supervisor;

/* Opens the store, and makes targets, claims, credentials and links of what is
 * in there. 0 or -errno with err. */
int load_claims(struct supervisor *supervisor, struct err *err);

#endif
