/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * landlock.h - a worker gives up what of the network it does not need.
 *
 * Runs in: worker, once, when it knows its target; its children inherit it.
 * Invariant: no right to files is touched: with one, no mount(2) would be left
 *            (Documentation/userspace-api/landlock.rst of the kernel).
 */
#ifndef WORKER_LANDLOCK_H
#define WORKER_LANDLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	NAME_SERVER_PORT = 53 /* over TCP when an answer is long */
};

struct landlock_limits {
	uint16_t ports[4]; /* TCP: the only ones to connect to */
	size_t count;
	bool any_port;	 /* connects to any after all */
	bool has_daemon; /* talks to one by an abstract unix socket */
};

/*
 * For good: no TCP port is bound, none connected to but these; where the kernel
 * can, no abstract unix socket and no signal out of the worker. Needs
 * no_new_privs. 0, or -errno: -EOPNOTSUPP where the kernel cannot limit ports
 * (before Linux 6.7, or without Landlock).
 */
int landlock_limit(const struct landlock_limits *limits);

#endif
