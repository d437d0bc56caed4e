/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * iscsiadm.c - runs open-iscsi's command, and asks whether iscsid is there.
 *
 * Runs in: operation children of the iSCSI worker; become_iscsiadm() in theirs.
 * Trusts: see iscsiadm.h.
 * Invariant: see iscsiadm.h. iscsiadm dies with the child that runs it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "common/guard.h"
#include "worker/iscsiadm.h"
#include "worker/iscsiadm_sysfs.h"
#include "worker/open_iscsi.h"

/* usr/iscsi_ipc.h of open-iscsi: an abstract name. */
#define DAEMON_SOCKET "ISCSIADM_ABSTRACT_NAMESPACE"

enum {
	ARGUMENTS_MAX = 16,
	OUTPUT_MAX = 4096
};

static void __attribute__((noreturn))
become_iscsiadm(const char *const *arguments, int outfd)
{
	const char *argv[ARGUMENTS_MAX + 2] = {"iscsiadm"};
	char *environment[] = {"SYSFS_PATH=" ISCSIADM_SYSFS, NULL};

	for (int i = 0; i < ARGUMENTS_MAX && arguments[i]; i++)
		argv[i + 1] = arguments[i];
	if (dup2(outfd, STDOUT_FILENO) < 0 || dup2(outfd, STDERR_FILENO) < 0 ||
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		_exit(ISCSIADM_NOT_THERE);
	(void)execve(open_iscsi.program, (char **)argv, environment);
	_exit(ISCSIADM_NOT_THERE);
}

/* All that it writes, the end of it kept. Returns the length. */
static size_t
read_output(int fd, char *output, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while ((n = read(fd, output + len, size - len)) != 0) {
		if (n < 0 && errno != EINTR)
			break;
		if (n > 0)
			len += (size_t)n;
		if (len == size) {
			memmove(output, output + size / 2, size - size / 2);
			len = size - size / 2;
		}
	}
	return len;
}

static void
keep_last_line(char *output, size_t len, char ret_words[ISCSIADM_WORDS_MAX])
{
	static const char prefix[] = "iscsiadm: ";
	const char *line;

	while (len > 0 && output[len - 1] == '\n')
		len--;
	output[len] = '\0';
	line = strrchr(output, '\n');
	line = line ? line + 1 : output;
	if (strncmp(line, prefix, sizeof(prefix) - 1) == 0)
		line += sizeof(prefix) - 1;
	(void)snprintf(ret_words, ISCSIADM_WORDS_MAX, "%.*s",
		ISCSIADM_WORDS_MAX - 1, line);
	err_clean_text(ret_words);
}

int
iscsiadm_run(const char *const *arguments, char ret_words[ISCSIADM_WORDS_MAX])
{
	char output[OUTPUT_MAX + 1];
	cleanup_close int infd = -1;
	cleanup_close int outfd = -1;
	int pair[2], status;
	size_t len;
	pid_t pid;

	ret_words[0] = '\0';
	/* Without kernel support for iSCSI there is none to show. */
	(void)iscsiadm_sysfs_make();
	if (pipe2(pair, O_CLOEXEC) < 0)
		return -errno;
	infd = pair[0];
	outfd = pair[1];
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		become_iscsiadm(arguments, outfd);
	guard_close(&outfd);
	outfd = -1;
	len = read_output(infd, output, OUTPUT_MAX);
	keep_last_line(output, len, ret_words);
	if (waitpid(pid, &status, 0) < 0)
		return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -EINTR;
}

int
iscsiadm_check_daemon(struct err *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t len =
		offsetof(struct sockaddr_un, sun_path) + sizeof(DAEMON_SOCKET);
	cleanup_close int fd =
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	memcpy(address.sun_path + 1, DAEMON_SOCKET, sizeof(DAEMON_SOCKET) - 1);
	/* EAGAIN: its queue is full, so it is there. */
	if (fd >= 0 && (connect(fd, (struct sockaddr *)&address,
				(socklen_t)len) == 0 ||
			       errno == EAGAIN))
		return 0;
	return err_set(err, ERR_UNREACHABLE, errno,
		"iscsid is not running: start it (systemctl start "
		"iscsid.socket, or iscsid)");
}
