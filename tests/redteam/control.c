/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * control.c - the same acts, with one step of the confinement, or none.
 *
 * Runs in: a lab guest, as root.
 * Invariant: each act has a process and a mount namespace of its own. Prints
 *            "NAME ERRNO" for each.
 *
 * usage: control STEP      see steps[]
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sched.h>
#include <selinux/selinux.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/guard.h"
#include "supervisor/cgroup.h"
#include "supervisor/sandbox.h"
#include "tests/redteam/acts.h"
#include "worker/calls.h"

enum {
	FAILED = 255,
	MEMORY_MAX = 256 << 20,
};

static int
step_none(void)
{
	return 0;
}

/* With it go the capabilities: capabilities(7), "Effect of user ID changes". */
static int
step_user(void)
{
	const struct passwd *user = getpwnam("holdfast-nfs");

	return user &&
			       setresgid(user->pw_gid, user->pw_gid,
				       user->pw_gid) == 0 &&
			       setresuid(user->pw_uid, user->pw_uid,
				       user->pw_uid) == 0
		       ? 0
		       : -1;
}

static int
step_capabilities(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[2] = {{0}};

	for (int cap = 0; cap <= CAP_LAST_CAP; cap++)
		(void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	return (int)syscall(SYS_capset, &header, none);
}

static int
step_jail(void)
{
	if (mount("jail", "/mnt", "tmpfs", 0, NULL) < 0 || chdir("/mnt") < 0 ||
		mkdir("etc", 0755) < 0 || mkdir("target", 0755) < 0 ||
		syscall(SYS_pivot_root, ".", ".") < 0 ||
		umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return -1;
	return mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL);
}

static int
step_limits(void)
{
	struct rlimit none = {0, 0};
	struct rlimit some = {64, 64};
	struct rlimit memory = {MEMORY_MAX, MEMORY_MAX};

	return setrlimit(RLIMIT_CORE, &none) < 0 ||
			       setrlimit(RLIMIT_MEMLOCK, &none) < 0 ||
			       setrlimit(RLIMIT_NOFILE, &some) < 0 ||
			       setrlimit(RLIMIT_AS, &memory) < 0
		       ? -1
		       : 0;
}

static int
step_calls_nfs(void)
{
	return calls_limit(CALLS_NFS);
}

static int
step_calls_tmpfs(void)
{
	return calls_limit(CALLS_TMPFS);
}

static int
step_calls_iscsi(void)
{
	return calls_limit(CALLS_ISCSI);
}

static int
step_calls_scanner(void)
{
	return calls_limit(CALLS_SCANNER);
}

static int
step_calls_supervisor(void)
{
	struct err err;

	return sandbox_enter(SANDBOX_SUPERVISOR, &err);
}

static int
step_calls_launcher(void)
{
	struct err err;

	return sandbox_enter(SANDBOX_LAUNCHER, &err);
}

/* As the launcher does it. The launcher's caller made the cgroup. */
static int
step_cgroup(void)
{
	cleanup_close int cgroupfd = open(
		"/sys/fs/cgroup/control", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_close int workerfd =
		cgroupfd < 0 ? -1 : cgroup_prepare(cgroupfd, 0);

	return workerfd < 0 ? -1 : cgroup_join(workerfd);
}

/* Root still, with every capability: what is refused then is by SELinux. */
#define STEP_DOMAIN(name)                                                      \
	static int step_domain_##name(void)                                    \
	{                                                                      \
		return setcon_raw(                                             \
			"system_u:system_r:holdfast_" #name "_t:s0");          \
	}
STEP_DOMAIN(supervisor)
STEP_DOMAIN(launcher)
STEP_DOMAIN(nfs)
STEP_DOMAIN(tmpfs)
STEP_DOMAIN(iscsi)
STEP_DOMAIN(scanner)
#undef STEP_DOMAIN

static const struct {
	const char *name;
	int (*enter)(void);
	int more_clone_flags;
} steps[] = {
	{"none", step_none, 0},
	{"user", step_user, 0},
	{"capabilities", step_capabilities, 0},
	{"jail", step_jail, 0},
	{"pid-namespace", step_none, CLONE_NEWPID},
	{"limits", step_limits, 0},
	{"calls-nfs", step_calls_nfs, 0},
	{"calls-tmpfs", step_calls_tmpfs, 0},
	{"calls-iscsi", step_calls_iscsi, 0},
	{"calls-scanner", step_calls_scanner, 0},
	{"calls-supervisor", step_calls_supervisor, 0},
	{"calls-launcher", step_calls_launcher, 0},
	{"cgroup", step_cgroup, 0},
	{"domain-supervisor", step_domain_supervisor, 0},
	{"domain-launcher", step_domain_launcher, 0},
	{"domain-nfs", step_domain_nfs, 0},
	{"domain-tmpfs", step_domain_tmpfs, 0},
	{"domain-iscsi", step_domain_iscsi, 0},
	{"domain-scanner", step_domain_scanner, 0},
};

static void __attribute__((noreturn)) run_act(const struct act *act, int step)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		steps[step].enter() < 0)
		_exit(FAILED);
	_exit(act->run());
}

static int
try_act(const struct act *act, int step)
{
	int status;
	pid_t pid = (pid_t)syscall(SYS_clone,
		CLONE_NEWNS | steps[step].more_clone_flags | SIGCHLD, NULL,
		NULL, NULL, NULL);

	if (pid == 0)
		run_act(act, step);
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return FAILED;
	return WIFEXITED(status) ? WEXITSTATUS(status) : FAILED;
}

int
main(int argc, char **argv)
{
	int step = 0;

	while (step < (int)ARRAY_SIZE(steps) &&
		(argc != 2 || strcmp(steps[step].name, argv[1]) != 0))
		step++;
	if (step == (int)ARRAY_SIZE(steps)) {
		for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
			(void)puts(steps[i].name);
		return argc == 1 ? 0 : 2;
	}
	for (size_t i = 0; i < act_count; i++) {
		(void)printf("%s %d\n", acts[i].name, try_act(&acts[i], step));
		(void)fflush(stdout);
	}
	return 0;
}
