/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_landlock.c - which ports a worker reaches. Needs no privilege.
 *
 * Where the kernel cannot limit ports the one thing to test is that it says so.
 */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/guard.h"
#include "worker/landlock.h"

enum {
	NOT_LIMITED = 99
};

static int listeners[2];
static uint16_t ports[2];

static struct sockaddr_in
loopback(uint16_t port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr = {htonl(INADDR_LOOPBACK)},
	};
}

static int
listen_at_two_ports(void **state)
{
	for (int i = 0; i < 2; i++) {
		struct sockaddr_in address = loopback(0);
		socklen_t len = sizeof(address);

		listeners[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (bind(listeners[i], (struct sockaddr *)&address, len) < 0 ||
			listen(listeners[i], 8) < 0 ||
			getsockname(listeners[i], (struct sockaddr *)&address,
				&len) < 0)
			return -1;
		ports[i] = ntohs(address.sin_port);
	}
	return 0;
}

static int
stop_listening(void **state)
{
	(void)close(listeners[0]);
	(void)close(listeners[1]);
	return 0;
}

static int
connect_to(int number)
{
	struct sockaddr_in address = loopback(ports[number]);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0
		       ? errno
		       : 0;
}

static int
connect_to_first(void)
{
	return connect_to(0);
}

static int
connect_to_second(void)
{
	return connect_to(1);
}

static int
bind_port(void)
{
	struct sockaddr_in address = loopback(0);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0
		       ? errno
		       : 0;
}

static int
send_datagram(void)
{
	struct sockaddr_in address = loopback(ports[1]);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return sendto(fd, "x", 1, 0, (struct sockaddr *)&address,
		       sizeof(address)) < 0
		       ? errno
		       : 0;
}

static int
signal_parent(void)
{
	return kill(getppid(), 0) < 0 ? errno : 0;
}

static int
signal_child(void)
{
	pid_t pid = fork();
	int failed;

	if (pid == 0) {
		(void)pause();
		_exit(0);
	}
	failed = kill(pid, SIGKILL) < 0 ? errno : 0;
	(void)waitpid(pid, NULL, 0);
	return failed;
}

/* What function returns in a child with these limits; NOT_LIMITED where there
 * are none to be had. */
static int
run_with(const struct landlock_limits *limits, int (*function)(void))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		int result = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);

		if (result == 0)
			result = landlock_limit(limits);
		if (result == -EOPNOTSUPP)
			_exit(NOT_LIMITED);
		_exit(result < 0 ? 98 : function());
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static long
abi(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, 1);
}

/* The result of what the kernel can limit. */
static void
expect(const struct landlock_limits *limits, int (*function)(void), int errnum,
	long since_abi)
{
	if (abi() < 4)
		errnum = NOT_LIMITED;
	else if (abi() < since_abi)
		errnum = 0;
	assert_int_equal(run_with(limits, function), errnum);
}

static void
its_server_alone_is_reached(void **state)
{
	const struct landlock_limits limits = {
		.ports = {NAME_SERVER_PORT, ports[0]}, .count = 2};

	expect(&limits, connect_to_first, 0, 0);
	expect(&limits, connect_to_second, EACCES, 4);
	expect(&limits, bind_port, EACCES, 4);
	/* Of names; by UDP nothing is limited. */
	expect(&limits, send_datagram, 0, 0);
}

static void
without_a_network_nothing_is_reached(void **state)
{
	const struct landlock_limits limits = {0};

	expect(&limits, connect_to_first, EACCES, 4);
	expect(&limits, bind_port, EACCES, 4);
}

static void
any_port_is_reached_where_it_is_not_known(void **state)
{
	const struct landlock_limits limits = {.any_port = true};

	expect(&limits, connect_to_first, 0, 0);
	expect(&limits, connect_to_second, 0, 0);
	expect(&limits, bind_port, EACCES, 4);
}

static void
no_signal_leaves_the_worker(void **state)
{
	const struct landlock_limits limits = {.any_port = true};

	expect(&limits, signal_parent, EPERM, 6);
	expect(&limits, signal_child, 0, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(its_server_alone_is_reached),
		cmocka_unit_test(without_a_network_nothing_is_reached),
		cmocka_unit_test(any_port_is_reached_where_it_is_not_known),
		cmocka_unit_test(no_signal_leaves_the_worker),
	};

	(void)printf("Landlock: ABI %ld\n", abi());
	return cmocka_run_group_tests(
		tests, listen_at_two_ports, stop_listening);
}
