/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sandbox.c - the supervisor's system call filter. Owner file of libseccomp.
 *
 * Runs in: supervisor, once.
 * Invariant: what is listed answers EPERM; the process goes on and can say so.
 */
#include <errno.h>
#include <seccomp.h>
#include <sys/socket.h>

#include "common/guard.h"
#include "supervisor/sandbox.h"

/* What a supervisor never does, and somebody in its place would like to. */
static const int denied[] = {
	SCMP_SYS(execve),
	SCMP_SYS(execveat), /* it starts no program */
	SCMP_SYS(fork),
	SCMP_SYS(vfork),
	SCMP_SYS(clone), /* no process */
	SCMP_SYS(ptrace),
	SCMP_SYS(process_vm_readv), /* nobody's memory */
	SCMP_SYS(process_vm_writev),
	SCMP_SYS(pidfd_getfd), /* nor files */
	SCMP_SYS(mount),
	SCMP_SYS(umount2),
	SCMP_SYS(pivot_root), /* storage */
	SCMP_SYS(open_tree),
	SCMP_SYS(move_mount),
	SCMP_SYS(fsopen),
	SCMP_SYS(fsmount),
	SCMP_SYS(fsconfig),
	SCMP_SYS(fspick),
	SCMP_SYS(mount_setattr),
	SCMP_SYS(swapon),
	SCMP_SYS(swapoff),
	SCMP_SYS(setns),
	SCMP_SYS(unshare),
	SCMP_SYS(chroot), /* namespaces */
	SCMP_SYS(bpf),
	SCMP_SYS(perf_event_open),
	SCMP_SYS(userfaultfd),
	SCMP_SYS(io_uring_setup),
	SCMP_SYS(keyctl),
	SCMP_SYS(add_key),
	SCMP_SYS(request_key),
	SCMP_SYS(init_module), /* kernel surface */
	SCMP_SYS(finit_module),
	SCMP_SYS(delete_module),
	SCMP_SYS(kexec_load),
	SCMP_SYS(kexec_file_load),
	SCMP_SYS(reboot),
	SCMP_SYS(acct),
	SCMP_SYS(open_by_handle_at),
	SCMP_SYS(personality),
	SCMP_SYS(setuid),
	SCMP_SYS(setresuid),
	SCMP_SYS(setreuid), /* ids */
	SCMP_SYS(setgid),
	SCMP_SYS(setresgid),
	SCMP_SYS(setregid),
	SCMP_SYS(setgroups),
	SCMP_SYS(capset),
};

static void
guard_filter(scmp_filter_ctx *filter)
{
	if (*filter)
		seccomp_release(*filter);
}

int
sandbox_enter(struct err *err)
{
	cleanup(guard_filter) scmp_filter_ctx filter =
		seccomp_init(SCMP_ACT_ALLOW);
	int result = filter ? 0 : -ENOMEM;

	for (size_t i = 0; result == 0 && i < ARRAY_SIZE(denied); i++)
		result = seccomp_rule_add(
			filter, SCMP_ACT_ERRNO(EPERM), denied[i], 0);
	/* clone3's flags lie in memory, where no filter can look. */
	if (result == 0)
		result = seccomp_rule_add(
			filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	if (result == 0)
		result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM),
			SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_NE, AF_UNIX));
	if (result == 0)
		result = seccomp_load(filter);
	if (result < 0)
		return err_set(err, ERR_INTERNAL, -result,
			"cannot set the system call filter");
	return 0;
}
