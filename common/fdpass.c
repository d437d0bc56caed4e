/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fdpass.c - one fixed-size message and a few descriptors over a socket.
 *
 * Runs in: launcher, supervisor.
 * Trusts: nobody: length and number of descriptors are checked.
 * Invariant: see fdpass.h. No heap.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "common/fdpass.h"
#include "common/guard.h"

/* Room for more than is taken, so that a surplus is seen and closed. */
union control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(8 * sizeof(int))];
};

int
fdpass_send(int socketfd, const void *data, size_t len, const int *fds,
	size_t count)
{
	struct iovec part = {.iov_base = (void *)data, .iov_len = len};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	union control control = {0};
	ssize_t sent;

	if (count > 0) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(&control.header), fds, count * sizeof(int));
	}
	do {
		sent = sendmsg(socketfd, &message, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

/* Moves what came into ret_fds; true when there was nothing else. */
static bool
collect_fds(struct msghdr *message, int ret_fds[FDPASS_MAX], int *ret_count)
{
	bool is_clean = true;

	for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part;
		part = CMSG_NXTHDR(message, part)) {
		size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (part->cmsg_level != SOL_SOCKET ||
			part->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(part) + i * sizeof(int),
				sizeof(fd));
			if (*ret_count < FDPASS_MAX)
				ret_fds[(*ret_count)++] = fd;
			else {
				(void)close(fd); /* refused */
				is_clean = false;
			}
		}
	}
	return is_clean;
}

int
fdpass_receive(int socketfd, void *data, size_t len, int ret_fds[FDPASS_MAX])
{
	struct iovec part = {.iov_base = data, .iov_len = len};
	union control control = {0};
	struct msghdr message = {.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control)};
	int count = 0;
	bool is_clean;
	ssize_t got;

	for (int i = 0; i < FDPASS_MAX; i++)
		ret_fds[i] = -1;
	do {
		got = recvmsg(socketfd, &message, MSG_CMSG_CLOEXEC);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	is_clean = collect_fds(&message, ret_fds, &count);
	if (got == (ssize_t)len && is_clean &&
		!(message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		return count;
	for (int i = 0; i < FDPASS_MAX; i++)
		guard_close(&ret_fds[i]);
	return got == 0 ? -EPIPE : -EBADMSG;
}
