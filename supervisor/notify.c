/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * notify.c - the service manager's notification socket, sd_notify(3).
 *
 * Runs in: supervisor.
 * Invariant: a service manager that does not listen stops nothing.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "supervisor/notify.h"

static int notify_fd = -1;

void
notify_open(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *path = getenv("NOTIFY_SOCKET");
	socklen_t len;

	if (!path || (*path != '/' && *path != '@') ||
		strlen(path) >= sizeof(address.sun_path))
		return;
	memcpy(address.sun_path, path, strlen(path));
	len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
			  strlen(path));
	if (*path == '@')
		address.sun_path[0] = '\0'; /* abstract */
	notify_fd =
		socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (notify_fd >= 0 &&
		connect(notify_fd, (struct sockaddr *)&address, len) < 0) {
		(void)close(notify_fd); /* nobody listens */
		notify_fd = -1;
	}
}

static void
tell(const char *state)
{
	if (notify_fd >= 0)
		(void)send(notify_fd, state, strlen(state), MSG_NOSIGNAL);
}

void
notify_ready(void)
{
	tell("READY=1");
}

void
notify_stopping(void)
{
	tell("STOPPING=1");
}
