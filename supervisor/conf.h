/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * conf.h - holdfast.conf. Owner file of inih.
 *
 * Runs in: supervisor, before the split, as root.
 * Trusts: the administrator, to mean well; not to make no mistake.
 */
#ifndef SUPERVISOR_CONF_H
#define SUPERVISOR_CONF_H

#include <limits.h>
#include <stdint.h>

#include "common/err.h"

enum {
	CONF_PATH_MAX = 80
}; /* a socket's name holds 107 bytes, unix(7) */

struct conf {
	char run_dir[CONF_PATH_MAX];
	char state_dir[CONF_PATH_MAX];
	char worker[PATH_MAX];
	char credentials[PATH_MAX]; /* directory of named ones */
	char group[64];		    /* may use the socket */
	uint64_t probe_interval_ms;
	uint64_t probe_deadline_ms;
	uint64_t connect_deadline_ms;
	uint64_t mount_deadline_ms;
	uint64_t disconnect_deadline_ms;
	uint64_t force_after_ms; /* 0: never */
	uint64_t server_stuck_max;
	uint64_t retry_min_ms;
	uint64_t retry_max_ms;
	uint64_t blocked_ms;
	uint64_t clients_max;
	uint64_t clients_per_user;
	uint64_t requests_max; /* unanswered, of one client */
	uint64_t output_max;   /* bytes, of one client */
	uint64_t connections_max;
	uint64_t connections_per_user;
	uint64_t claims_max;
	uint64_t claims_per_user;
	uint64_t events_max;
	uint64_t log_level;
};

/*
 * Fills in the defaults, then what the file says. A file that is missing is
 * fine unless is_named. 0, or -EINVAL with the line and what is wrong with it;
 * -errno when the file cannot be read.
 */
int conf_read(const char *path, bool is_named, struct conf *ret_conf,
	struct err *err);

#endif
