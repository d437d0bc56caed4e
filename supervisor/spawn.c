/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * spawn.c - launcher: starts one worker in a jail of its own.
 *
 * Runs in: launcher, and in the new process until it is the worker.
 * Trusts: its caller's descriptors; nothing here comes from outside.
 * Invariant: no heap; between clone() and execveat() only system calls. The
 *            steps stand in the one order in which they work: each needs a
 *            privilege that a later one gives up.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "common/guard.h"
#include "supervisor/cgroup.h"
#include "supervisor/spawn.h"

const int launcher_ignores[3] = {SIGINT, SIGTERM, SIGPIPE};

enum {
	ORDER_FD = 3,
	REPORT_FD = 4
};

/* A copy of the target's bind, with what is mounted in it. Still detached. */
static int treefd = -1;

static int
clone_target(const struct spawn_request *request)
{
	if (request->targetfd < 0)
		return 0;
	/* Recursive: else the worker could not unmount what an earlier one
	 * mounted. A clone of a shared mount joins its peer group. */
	treefd = open_tree(request->targetfd, "",
		AT_EMPTY_PATH | AT_RECURSIVE | OPEN_TREE_CLONE |
			OPEN_TREE_CLOEXEC);
	return treefd < 0 ? -errno : 0;
}

static int
clone_programs(const struct spawn_request *request)
{
	return request->has_programs ? jail_clone_programs() : 0;
}

/* First: what comes after counts, too. */
static int
join_cgroup(const struct spawn_request *request)
{
	return request->cgroupfd == CGROUP_NONE
		       ? 0
		       : cgroup_join(request->cgroupfd);
}

/* Takes effect at the exec; there is no /proc in the jail. By hand: the
 * library's setexeccon(3) takes heap. */
static int
choose_domain(const struct spawn_request *request)
{
	const char *context = request->profile->context;
	size_t len = strlen(context);
	cleanup_close int fd = -1;
	ssize_t written;

	if (len == 0)
		return 0;
	fd = open("/proc/thread-self/attr/exec", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	written = write(fd, context, len);
	if (written < 0)
		return -errno;
	return (size_t)written == len ? 0 : -EIO;
}

static int
enter_jail(const struct spawn_request *request)
{
	if (setns(request->jail->nsfd, CLONE_NEWNS) < 0 ||
		unshare(CLONE_NEWNS) < 0)
		return -errno;
	return 0;
}

static int
attach_target(const struct spawn_request *request)
{
	if (treefd < 0)
		return 0;
	if (move_mount(treefd, "", AT_FDCWD, "/target",
		    MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return -errno;
	return 0;
}

static int
attach_programs(const struct spawn_request *request)
{
	return request->has_programs ? jail_attach_programs() : 0;
}

static int
place_descriptors(const struct spawn_request *request)
{
	/* Both may stand in the way of the other's place. */
	int orderfd = fcntl(request->orderfd, F_DUPFD_CLOEXEC, 16);
	int reportfd = fcntl(request->reportfd, F_DUPFD_CLOEXEC, 16);

	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (dup2(request->nullfd, fd) < 0)
			return -errno;
	if (dup2(orderfd, ORDER_FD) < 0 || dup2(reportfd, REPORT_FD) < 0 ||
		close_range(REPORT_FD + 1, ~0u, CLOSE_RANGE_CLOEXEC) < 0)
		return -errno;
	return 0;
}

static int
limit_resources(const struct spawn_request *request)
{
	static const struct {
		__rlimit_resource_t resource;
		rlim_t limit;
	} limits[] = {
		{RLIMIT_CORE, 0},    /* no secret in a core */
		{RLIMIT_NOFILE, 64}, /* two pipes, an epoll, a few children */
		{RLIMIT_FSIZE, 1 << 20}, /* it writes no large files */
		{RLIMIT_MEMLOCK, 0},
	};

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		struct rlimit limit = {limits[i].limit, limits[i].limit};

		if (setrlimit(limits[i].resource, &limit) < 0)
			return -errno;
	}
	(void)umask(077);
	return 0;
}

static int
drop_bounding_set(const struct spawn_request *request)
{
	for (unsigned cap = 0; cap < 64; cap++) {
		if (request->profile->capabilities >> cap & 1)
			continue;
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0)
			continue;
		/* EINVAL: the kernel has none of that number, nor above. */
		return errno == EINVAL && cap > CAP_AUDIT_READ ? 0 : -errno;
	}
	return 0;
}

static int
change_identity(const struct spawn_request *request)
{
	const struct spawn_profile *profile = request->profile;

	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || setgroups(0, NULL) < 0 ||
		setresgid(profile->gid, profile->gid, profile->gid) < 0 ||
		setresuid(profile->uid, profile->uid, profile->uid) < 0)
		return -errno;
	return 0;
}

/* Ambient, because the exec of a user other than root drops all others. */
static int
keep_capabilities(const struct spawn_request *request)
{
	uint64_t kept = request->profile->capabilities;
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	for (int i = 0; i < 2; i++) {
		uint32_t half = (uint32_t)(kept >> (32 * i));

		data[i] = (struct __user_cap_data_struct){half, half, half};
	}
	if (syscall(SYS_capset, &header, data) < 0)
		return -errno;
	for (unsigned cap = 0; cap < 64; cap++)
		if (kept >> cap & 1 &&
			prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) <
				0)
			return -errno;
	return 0;
}

static int
tie_to_supervisor(const struct spawn_request *request)
{
	struct sigaction fresh = {.sa_handler = SIG_DFL};
	sigset_t none;

	/* Else kill(0) reaches the launcher, out of any PID namespace. */
	if (setsid() < 0)
		return -errno;
	(void)sigemptyset(&none);
	/* exec resets what is handled, not what the launcher ignores. */
	for (size_t i = 0; i < ARRAY_SIZE(launcher_ignores); i++)
		if (sigaction(launcher_ignores[i], &fresh, NULL) < 0)
			return -errno;
	if (sigprocmask(SIG_SETMASK, &none, NULL) < 0)
		return -errno;
	/* After the identity: a change of it clears this. It works only where
	 * the supervisor might signal the worker; see leave() of launcher.c. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return -errno;
	return 0;
}

static int
become_worker(const struct spawn_request *request)
{
	char *argv[] = {(char *)request->title, NULL};
	char *environment[] = {NULL};

	(void)syscall(SYS_execveat, request->workerfd, "", argv, environment,
		AT_EMPTY_PATH);
	return -errno;
}

static const struct {
	const char *name;
	int (*run)(const struct spawn_request *request);
} steps[] = {
	{"join its cgroup", join_cgroup},
	{"clone the target's mount", clone_target},
	{"clone what its programs need", clone_programs},
	{"choose its SELinux domain", choose_domain},
	{"enter the jail", enter_jail},
	{"attach the target", attach_target},
	{"attach what its programs need", attach_programs},
	{"place the descriptors", place_descriptors},
	{"limit resources", limit_resources},
	{"empty the bounding set", drop_bounding_set},
	{"change user and group", change_identity},
	{"keep the backend's capabilities", keep_capabilities},
	{"die with the supervisor", tie_to_supervisor},
	{"execute the worker", become_worker},
};

const char *
spawn_step_name(int status)
{
	int step = status - SPAWN_STEP_FAILED;

	if (step < 0 || step >= (int)ARRAY_SIZE(steps))
		return NULL;
	return steps[step].name;
}

static void __attribute__((noreturn))
run_steps(const struct spawn_request *request)
{
	int step = 0;

	while (steps[step].run(request) == 0)
		step++;
	_exit(SPAWN_STEP_FAILED + step);
}

pid_t
spawn_worker(const struct spawn_request *request, int *ret_pidfd)
{
	int pidfd = -1;
	/* CLONE_PARENT: the supervisor is the worker's parent. Not clone3(2),
	 * which a service manager that restricts namespaces has to forbid. The
	 * first three arguments are in this order everywhere but on s390. */
	unsigned long flags =
		CLONE_PARENT | CLONE_PIDFD |
		(request->profile->uid == 0 ? CLONE_NEWPID | CLONE_NEWIPC : 0);
	pid_t pid = (pid_t)syscall(SYS_clone, flags, NULL, &pidfd, NULL, NULL);

	if (pid < 0)
		return -errno;
	if (pid == 0)
		run_steps(request);
	*ret_pidfd = pidfd;
	return pid;
}
