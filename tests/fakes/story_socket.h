/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * story_socket.h - how a fake asks the story that directs it.
 *
 * Runs in: the fake launcher, the scripted worker.
 * Invariant: one packet is one message; the story's end is the fake's end.
 */
#ifndef TESTS_FAKES_STORY_SOCKET_H
#define TESTS_FAKES_STORY_SOCKET_H

#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/guard.h"

/* Connects to dir/name; the process ends when nobody listens there. */
static int
story_connect(const char *dir, const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	(void)snprintf(
		address.sun_path, sizeof(address.sun_path), "%s/%s", dir, name);
	if (fd < 0 ||
		connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		_exit(1);
	return fd;
}

#endif
