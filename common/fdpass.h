/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fdpass.h - one fixed-size message and a few descriptors over a socket.
 *
 * Runs in: launcher, supervisor.
 * Invariant: no descriptor of a message that is refused stays open.
 */
#ifndef COMMON_FDPASS_H
#define COMMON_FDPASS_H

#include <stddef.h>

enum {
	FDPASS_MAX = 2
};

/*
 * Sends len bytes and count descriptors as one message of a SOCK_SEQPACKET
 * socket. 0 or -errno (-EAGAIN on a full non-blocking socket).
 */
int fdpass_send(int socketfd, const void *data, size_t len, const int *fds,
	size_t count);

/*
 * Receives one message of exactly len bytes. Returns the number of descriptors
 * in ret_fds (close-on-exec, the rest of ret_fds is -1), or -errno: -EAGAIN,
 * -EPIPE at the end of the stream, -EBADMSG for any other length or for more
 * than FDPASS_MAX descriptors.
 */
int fdpass_receive(
	int socketfd, void *data, size_t len, int ret_fds[FDPASS_MAX]);

#endif
