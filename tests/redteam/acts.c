/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * acts.c - what somebody would try who has taken over a process of ours.
 *
 * Runs in: see acts.h. Where another process is meant it is the parent: of a
 *          worker the supervisor, else who started the program.
 * Invariant: see acts.h. What only a lack of sense stops counts as done: an
 *            argument that makes none, a module that is none.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/if_packet.h>
#include <linux/io_uring.h>
#include <linux/kexec.h>
#include <linux/perf_event.h>
#include <linux/reboot.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/quota.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "tests/redteam/acts.h"

enum {
	PID_MAX = 32768,
	BIG_MIB = 4096,
};

static int
result_of(long result)
{
	return result < 0 ? errno : 0;
}

/* The kernel looked at the arguments: it would have been done. */
static int
reached(long result, int errnum)
{
	return result >= 0 || errno == errnum ? 0 : errno;
}

static int
result_of_fd(int fd)
{
	int failed = fd < 0 ? errno : 0;

	if (fd >= 0)
		(void)close(fd);
	return failed;
}

static pid_t parent_pid;

/* Before the confinement, which may forbid to ask. */
static void __attribute__((constructor)) note_parent(void)
{
	parent_pid = getppid();
}

/* In a PID namespace of its own a process has none. */
static pid_t
parent(void)
{
	return parent_pid > 0 ? parent_pid : INT32_MAX;
}

/* --- files */

static int
open_file(const char *path, int flags)
{
	return result_of_fd(open(path, flags | O_CLOEXEC, 0600));
}

static int
read_shadow(void)
{
	return open_file("/etc/shadow", O_RDONLY);
}

static int
read_credential_of_another(void)
{
	return open_file("/etc/holdfast/credentials.d/canary", O_RDONLY);
}

static int
list_inline_credentials(void)
{
	return open_file("/var/lib/holdfast/credentials", O_RDONLY);
}

static int
write_store(void)
{
	return open_file("/var/lib/holdfast/claims.tdb", O_WRONLY);
}

static int
write_configuration(void)
{
	return open_file("/etc/holdfast/holdfast.conf", O_WRONLY);
}

static int
write_worker_binary(void)
{
	int failed =
		open_file("/usr/libexec/holdfast/holdfast-worker", O_WRONLY);

	return failed == ETXTBSY ? 0 : failed; /* it runs at the moment */
}

static int
write_program(void)
{
	return open_file("/usr/sbin/iscsiadm", O_WRONLY);
}

static int
list_mount_root(void)
{
	return open_file("/run/holdfast/mnt", O_RDONLY | O_DIRECTORY);
}

static int
make_file(const char *path)
{
	int failed = open_file(path, O_WRONLY | O_CREAT);

	if (!failed)
		(void)unlink(path);
	return failed;
}

static int
make_file_in_root(void)
{
	return make_file("/redteam");
}

static int
make_file_in_etc(void)
{
	return make_file("/etc/redteam");
}

static int
make_file_below_mount_point(void)
{
	return make_file("/target/redteam");
}

static int
make_setuid_file(void)
{
	int fd = open("/tmp/redteam", O_WRONLY | O_CREAT | O_CLOEXEC, 04755);

	if (fd < 0)
		return errno;
	(void)close(fd);
	(void)unlink("/tmp/redteam");
	return 0;
}

static int
open_kernel_memory(void)
{
	return open_file("/dev/mem", O_RDONLY);
}

static int
open_block_device(void)
{
	return open_file("/dev/sda", O_RDONLY);
}

static int
make_block_device(void)
{
	int failed = result_of(
		mknod("/tmp/redteam-dev", S_IFBLK | 0600, 98 << 8 | 0));

	(void)unlink("/tmp/redteam-dev");
	return failed;
}

static int
set_core_pattern(void)
{
	return open_file("/proc/sys/kernel/core_pattern", O_WRONLY);
}

static int
trigger_sysrq(void)
{
	return open_file("/proc/sysrq-trigger", O_WRONLY);
}

static int
write_sysfs(void)
{
	return open_file("/sys/kernel/uevent_helper", O_WRONLY) == ENOENT
		       ? open_file("/sys/power/state", O_WRONLY) == ENOENT
				 ? open_file("/sys/kernel/profiling", O_WRONLY)
				 : open_file("/sys/power/state", O_WRONLY)
		       : open_file("/sys/kernel/uevent_helper", O_WRONLY);
}

static int
change_owner(void)
{
	return result_of(chown("/etc/hosts", 0, 0));
}

/* --- mounts */

static int
mount_over(const char *point, const char *type, unsigned long flags)
{
	if (mount("redteam", point, type, flags, NULL) < 0)
		return errno;
	(void)umount2(point, MNT_DETACH | UMOUNT_NOFOLLOW);
	return 0;
}

static int
mount_that_lends_its_owner(void)
{
	return mount_over("/etc", "tmpfs", MS_NODEV);
}

static int
mount_with_devices(void)
{
	return mount_over("/etc", "tmpfs", MS_NOSUID);
}

static int
bind_root(void)
{
	if (mount("/", "/etc", NULL, MS_BIND | MS_NOSUID | MS_NODEV, NULL) < 0)
		return errno;
	(void)umount2("/etc", MNT_DETACH | UMOUNT_NOFOLLOW);
	return 0;
}

/* As a worker that mounts may, but of a kind that is none of its own. */
static int
mount_another_kind(void)
{
	return mount_over("/target", "ramfs", MS_NOSUID | MS_NODEV);
}

static int
remount_root_writable(void)
{
	return result_of(mount(NULL, "/", NULL,
		MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV, NULL));
}

static int
share_root(void)
{
	return result_of(
		mount(NULL, "/", NULL, MS_SHARED | MS_NOSUID | MS_NODEV, NULL));
}

static int
unmount_through_link(void)
{
	return reached(umount2("/nonexistent", MNT_DETACH), ENOENT);
}

static int
clone_tree(void)
{
	return result_of_fd(
		open_tree(AT_FDCWD, "/", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
}

static int
open_file_system(void)
{
	return result_of_fd(fsopen("tmpfs", FSOPEN_CLOEXEC));
}

static int
change_mount_attributes(void)
{
	struct mount_attr attributes = {.attr_set = MOUNT_ATTR_NOSUID};

	return result_of(mount_setattr(
		AT_FDCWD, "/", 0, &attributes, sizeof(attributes)));
}

static int
pivot_root_elsewhere(void)
{
	return reached(syscall(SYS_pivot_root, "/etc", "/etc"), EINVAL);
}

static int
change_root(void)
{
	/* To where it is: nothing changes. */
	return result_of(chroot("/"));
}

static int
enter_namespace_of_parent(void)
{
	char path[64];
	int fd, failed;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)parent());
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return reached(syscall(SYS_setns, -1, 0), EBADF);
	failed = result_of(setns(fd, CLONE_NEWNS));
	(void)close(fd);
	return failed;
}

static int
make_namespace(int flags)
{
	int status;
	pid_t pid = (pid_t)syscall(
		SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, NULL);

	if (pid == 0)
		_exit(0);
	if (pid < 0)
		return errno;
	(void)waitpid(pid, &status, 0);
	return 0;
}

static int
make_user_namespace(void)
{
	return make_namespace(CLONE_NEWUSER);
}

static int
make_mount_namespace(void)
{
	return make_namespace(CLONE_NEWNS);
}

static int
make_network_namespace(void)
{
	return result_of(syscall(SYS_unshare, CLONE_NEWNET));
}

/* --- processes */

static int
trace_parent(void)
{
	if (ptrace(PTRACE_SEIZE, parent(), NULL, NULL) < 0)
		return errno;
	(void)ptrace(PTRACE_DETACH, parent(), NULL, NULL);
	return 0;
}

static int
read_memory_of_parent(void)
{
	char byte;
	struct iovec ours = {&byte, 1};
	struct iovec theirs = {(void *)(uintptr_t)4096, 1};

	return reached(
		process_vm_readv(parent(), &ours, 1, &theirs, 1, 0), EFAULT);
}

static int
signal_parent(void)
{
	return result_of(kill(parent(), 0));
}

/* All that can be reached but itself: other workers have the same user. */
static int
signal_anybody(void)
{
	int failed = ESRCH;

	for (pid_t pid = 1; pid < PID_MAX; pid++) {
		if (pid == getpid())
			continue;
		if (kill(pid, 0) == 0)
			return 0;
		if (errno != ESRCH)
			failed = errno;
	}
	return failed;
}

static int
signal_group(void)
{
	return result_of(kill(-1, 0));
}

static int
signal_by_owner_of_file(void)
{
	int fd = dup(STDERR_FILENO);
	int failed = fcntl(fd, F_SETSIG, SIGURG) < 0 ? errno : 0;

	if (!failed && fcntl(fd, F_SETOWN, parent()) < 0)
		failed = errno;
	(void)close(fd);
	return failed;
}

static int
open_process(void)
{
	return result_of_fd((int)syscall(SYS_pidfd_open, parent(), 0));
}

static int
take_file_of_parent(void)
{
	int pidfd = (int)syscall(SYS_pidfd_open, parent(), 0);
	int failed = result_of(syscall(SYS_pidfd_getfd, pidfd, 0, 0));

	if (pidfd >= 0)
		(void)close(pidfd);
	return failed;
}

static int
limit_parent(void)
{
	struct rlimit limit;

	return result_of(prlimit(parent(), RLIMIT_NOFILE, NULL, &limit));
}

static int
slow_parent_down(void)
{
	return result_of(setpriority(PRIO_PROCESS, (id_t)parent(), 1));
}

static int
schedule_in_real_time(void)
{
	struct sched_param normal = {0};
	struct sched_param first = {.sched_priority = 1};

	if (sched_setscheduler(0, SCHED_FIFO, &first) < 0)
		return errno;
	(void)sched_setscheduler(0, SCHED_OTHER, &normal);
	return 0;
}

static int
run_shell(void)
{
	char *argv[] = {"sh", "-c", "exit 0", NULL};
	char *environment[] = {NULL};
	int errnum = 0;
	int pair[2];
	pid_t pid;

	if (pipe2(pair, O_CLOEXEC) < 0)
		return errno;
	pid = fork();
	if (pid == 0) {
		(void)execve("/bin/sh", argv, environment);
		errnum = errno;
		(void)!write(pair[1], &errnum, sizeof(errnum));
		_exit(1);
	}
	errnum = pid < 0 ? errno : 0;
	(void)close(pair[1]);
	if (pid > 0) {
		(void)!read(pair[0], &errnum, sizeof(errnum));
		(void)waitpid(pid, NULL, 0);
	}
	(void)close(pair[0]);
	return errnum;
}

/* A program out of memory, which no file system forbids. */
static int
run_program_in_memory(void)
{
	char *nobody[] = {NULL};
	int fd = (int)syscall(SYS_memfd_create, "redteam", MFD_CLOEXEC);
	int failed;

	if (fd < 0)
		return errno;
	/* An empty one is no program. */
	failed = reached(
		syscall(SYS_execveat, fd, "", nobody, nobody, AT_EMPTY_PATH),
		ENOEXEC);
	(void)close(fd);
	return failed;
}

static int
make_process(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	if (pid < 0)
		return errno;
	(void)waitpid(pid, NULL, 0);
	return 0;
}

/* Far more than a worker has use for. All end before this does. */
static int
exhaust_processes(void)
{
	enum {
		MANY = 100
	};
	pid_t pids[MANY];
	int end[2], count = 0, failed = 0;
	char none;

	if (pipe2(end, O_CLOEXEC) < 0)
		return errno;
	while (count < MANY && failed == 0) {
		pids[count] = fork();
		if (pids[count] == 0) {
			(void)close(end[1]);
			_exit(read(end[0], &none, 1) != 0);
		}
		if (pids[count] < 0)
			failed = errno;
		else
			count++;
	}
	(void)close(end[0]);
	(void)close(end[1]);
	for (int i = 0; i < count; i++)
		(void)waitpid(pids[i], NULL, 0);
	return failed;
}

static int
make_child_of_parent(void)
{
	pid_t pid =
		(pid_t)syscall(SYS_clone, CLONE_PARENT, NULL, NULL, NULL, NULL);

	if (pid == 0)
		_exit(0);
	return result_of(pid);
}

static int
take_memory(void)
{
	size_t size = (size_t)BIG_MIB << 20;
	void *big = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (big == MAP_FAILED)
		return errno;
	(void)munmap(big, size);
	return 0;
}

static int
lock_memory(void)
{
	if (mlockall(MCL_CURRENT) < 0)
		return errno;
	(void)munlockall();
	return 0;
}

static int
raise_file_limit(void)
{
	struct rlimit limit, more;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return errno;
	more = (struct rlimit){limit.rlim_cur, limit.rlim_max + 1};
	if (setrlimit(RLIMIT_NOFILE, &more) < 0)
		return errno;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	return 0;
}

static int
dump_core(void)
{
	struct rlimit limit = {1 << 20, 1 << 20};

	if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
		return errno;
	return result_of(setrlimit(RLIMIT_CORE, &limit));
}

/* --- ids and capabilities */

static int
become_root(void)
{
	/* Root that has given up its capabilities is no news. */
	if (getuid() == 0)
		return result_of(syscall(SYS_setresuid, 0, 1, 0)) == 0
			       ? result_of(syscall(SYS_setresuid, 0, 0, 0))
			       : errno;
	return result_of(syscall(SYS_setresuid, 0, 0, 0));
}

static int
join_groups(void)
{
	gid_t group = 0;

	return result_of(syscall(SYS_setgroups, 1, &group));
}

static int
gain_capabilities(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {
		{1u << CAP_NET_ADMIN | 1u << CAP_SYS_MODULE,
			1u << CAP_NET_ADMIN | 1u << CAP_SYS_MODULE, 0},
		{0, 0, 0}};
	struct __user_cap_data_struct before[2];

	if (syscall(SYS_capget, &header, before) < 0 ||
		syscall(SYS_capset, &header, data) < 0)
		return errno;
	return 0;
}

static int
raise_ambient(void)
{
	return result_of(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE,
		       CAP_NET_ADMIN, 0, 0)) == 0
		       ? 0
		       : errno;
}

static int
take_securebits(void)
{
	return result_of(prctl(PR_SET_SECUREBITS, 0, 0, 0, 0));
}

static int
become_dumpable(void)
{
	return result_of(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
}

/* --- kernel */

static int
load_module(void)
{
	return reached(syscall(SYS_init_module, "none", 4, ""), ENOEXEC);
}

static int
remove_module(void)
{
	return reached(
		syscall(SYS_delete_module, "redteam-none", O_NONBLOCK), ENOENT);
}

static int
reboot_host(void)
{
	/* Ctrl-Alt-Del does what it did. */
	return result_of(syscall(SYS_reboot, LINUX_REBOOT_MAGIC1,
		LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_CAD_OFF, NULL));
}

static int
load_other_kernel(void)
{
	return reached(syscall(SYS_kexec_load, 0, 0, NULL, 1ul << 30), EINVAL);
}

static int
load_bpf(void)
{
	union bpf_attr attr = {.map_type = BPF_MAP_TYPE_ARRAY,
		.key_size = 4,
		.value_size = 4,
		.max_entries = 1};

	return result_of_fd(
		(int)syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)));
}

static int
watch_events(void)
{
	struct perf_event_attr attr = {.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_CPU_CLOCK};

	return result_of_fd(
		(int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0));
}

static int
open_ring(void)
{
	struct io_uring_params params = {0};

	return result_of_fd((int)syscall(SYS_io_uring_setup, 1, &params));
}

static int
handle_page_faults(void)
{
	return result_of_fd((int)syscall(SYS_userfaultfd, O_CLOEXEC));
}

static int
add_key(void)
{
	return result_of(syscall(SYS_add_key, "user", "redteam", "x", 1, -3));
}

static int
swap_elsewhere(void)
{
	return reached(swapon("/nonexistent", 0), ENOENT);
}

static int
rename_host(void)
{
	char name[65];

	if (gethostname(name, sizeof(name)) < 0)
		return errno;
	return result_of(sethostname(name, strlen(name)));
}

static int
set_clock(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return result_of(clock_settime(CLOCK_REALTIME, &now));
}

static int
read_kernel_log(void)
{
	char text[16];

	return result_of(syscall(SYS_syslog, 3, text, sizeof(text)));
}

static int
open_by_handle(void)
{
	struct {
		struct file_handle handle;
		unsigned char bytes[64];
	} any = {.handle = {.handle_bytes = 8, .handle_type = 1}};
	int dir = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = open_by_handle_at(dir, &any.handle, O_RDONLY);
	int failed = fd < 0 && errno != ESTALE && errno != EOPNOTSUPP &&
				     errno != EINVAL && errno != EBADF
			     ? errno
			     : 0;

	if (fd >= 0)
		(void)close(fd);
	(void)close(dir);
	return failed;
}

static int
change_quota(void)
{
	return reached(
		quotactl(QCMD(Q_SYNC, USRQUOTA), "/nonexistent", 0, NULL),
		ENOENT);
}

static int
watch_all_files(void)
{
	return result_of_fd((int)syscall(SYS_fanotify_init, 0, O_RDONLY));
}

static int
change_personality(void)
{
	return result_of(personality(ADDR_NO_RANDOMIZE)) == 0
		       ? result_of(personality(0))
		       : errno;
}

static int
hang_terminal_up(void)
{
	return result_of(vhangup());
}

static int
account_processes(void)
{
	return reached(acct("/nonexistent"), ENOENT);
}

static int
push_terminal_input(void)
{
	return reached(ioctl(STDIN_FILENO, TIOCSTI, "x"), ENOTTY);
}

/* --- network */

static int
open_socket(int family, int type, int protocol)
{
	return result_of_fd(socket(family, type | SOCK_CLOEXEC, protocol));
}

static int
open_raw_socket(void)
{
	return open_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
}

static int
open_packet_socket(void)
{
	return open_socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
}

static int
open_netlink_socket(void)
{
	return open_socket(AF_NETLINK, SOCK_RAW, 0);
}

static int
listen_for_others(void)
{
	struct sockaddr_in any = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int failed =
		fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0 ||
				listen(fd, 1) < 0
			? errno
			: 0;

	if (fd >= 0)
		(void)close(fd);
	return failed;
}

static int
bind_low_port(void)
{
	struct sockaddr_in any = {
		.sin_family = AF_INET, .sin_port = htons(111 + 1)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int failed =
		fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0
			? errno
			: 0;

	if (fd >= 0)
		(void)close(fd);
	return failed;
}

static int
connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int failed;

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	failed = fd < 0 || connect(fd, (struct sockaddr *)&address,
				   sizeof(address)) < 0
			 ? errno
			 : 0;
	if (fd >= 0)
		(void)close(fd);
	return failed;
}

static int
talk_to_api(void)
{
	return connect_to("/run/holdfast/api.sock");
}

const struct act acts[] = {
#define ACT(name)                                                              \
	{                                                                      \
#name, name                                                    \
	}
	ACT(read_shadow),
	ACT(read_credential_of_another),
	ACT(list_inline_credentials),
	ACT(write_store),
	ACT(write_configuration),
	ACT(write_worker_binary),
	ACT(write_program),
	ACT(list_mount_root),
	ACT(make_file_in_root),
	ACT(make_file_in_etc),
	ACT(make_file_below_mount_point),
	ACT(make_setuid_file),
	ACT(open_kernel_memory),
	ACT(open_block_device),
	ACT(make_block_device),
	ACT(set_core_pattern),
	ACT(trigger_sysrq),
	ACT(write_sysfs),
	ACT(change_owner),
	ACT(mount_that_lends_its_owner),
	ACT(mount_with_devices),
	ACT(mount_another_kind),
	ACT(bind_root),
	ACT(remount_root_writable),
	ACT(share_root),
	ACT(unmount_through_link),
	ACT(clone_tree),
	ACT(open_file_system),
	ACT(change_mount_attributes),
	ACT(pivot_root_elsewhere),
	ACT(change_root),
	ACT(enter_namespace_of_parent),
	ACT(make_user_namespace),
	ACT(make_mount_namespace),
	ACT(make_network_namespace),
	ACT(trace_parent),
	ACT(read_memory_of_parent),
	ACT(signal_parent),
	ACT(signal_anybody),
	ACT(signal_group),
	ACT(signal_by_owner_of_file),
	ACT(open_process),
	ACT(take_file_of_parent),
	ACT(limit_parent),
	ACT(slow_parent_down),
	ACT(schedule_in_real_time),
	ACT(run_shell),
	ACT(run_program_in_memory),
	ACT(make_process),
	ACT(exhaust_processes),
	ACT(make_child_of_parent),
	ACT(take_memory),
	ACT(lock_memory),
	ACT(raise_file_limit),
	ACT(dump_core),
	ACT(become_root),
	ACT(join_groups),
	ACT(gain_capabilities),
	ACT(raise_ambient),
	ACT(take_securebits),
	ACT(become_dumpable),
	ACT(load_module),
	ACT(remove_module),
	ACT(reboot_host),
	ACT(load_other_kernel),
	ACT(load_bpf),
	ACT(watch_events),
	ACT(open_ring),
	ACT(handle_page_faults),
	ACT(add_key),
	ACT(swap_elsewhere),
	ACT(rename_host),
	ACT(set_clock),
	ACT(read_kernel_log),
	ACT(open_by_handle),
	ACT(change_quota),
	ACT(watch_all_files),
	ACT(change_personality),
	ACT(hang_terminal_up),
	ACT(account_processes),
	ACT(push_terminal_input),
	ACT(open_raw_socket),
	ACT(open_packet_socket),
	ACT(open_netlink_socket),
	ACT(listen_for_others),
	ACT(bind_low_port),
	ACT(talk_to_api),
#undef ACT
};

const size_t act_count = sizeof(acts) / sizeof(acts[0]);
