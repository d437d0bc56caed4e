/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz_launcher.c - requests to the launcher, by a supervisor that was taken
 * over.
 *
 * Input: for each request a byte, 3: so many descriptors with it, 4: what it
 * asks of the kernel fails, 8: the slot's worker ends before, 16: it is a byte
 * too short; then the 24 bytes of the request.
 * Covers: supervisor/launcher.c common/fdpass.c supervisor/rate.c
 *
 * A socket carries them; mounts and processes are replaced below.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>

#include "common/clock.h"
#include "common/fdpass.h"
#include "common/guard.h"
#include "common/hash.h"
#include "common/log.h"
#include "supervisor/cgroup.h"
#include "supervisor/launcher_private.h"
#include "supervisor/spawn.h"
#include "tests/fuzz/fuzz_dir.h"

static bool has_kernel_failed;
static jmp_buf end;
static int received[FDPASS_MAX] = {-1, -1};
static int ended_fd; /* what the next worker's pidfd shall be a copy of */

static int
some_fd(void)
{
	errno = ENOENT;
	return has_kernel_failed ? -1 : open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static int
some_result(void)
{
	errno = EBUSY;
	return has_kernel_failed ? -1 : 0;
}

static long
fuzz_syscall(long number, ...)
{
	return number == SYS_openat2 ? some_fd() : some_result();
}

static bool is_read_only; /* the tree that is about to be bound */

static int
fuzz_setattr(const struct mount_attr *attr)
{
	if (attr->attr_set & MOUNT_ATTR_RDONLY)
		is_read_only = true;
	return some_result();
}

static int
fuzz_move_mount(void)
{
	CHECK(is_read_only);
	is_read_only = false;
	return some_result();
}

static int
fuzz_statx(struct statx *ret_stat)
{
	*ret_stat = (struct statx){.stx_mnt_id = 7};
	return 0;
}

/* The process would end with them. */
static int
fuzz_receive(int socketfd, void *data, size_t len, int fds[FDPASS_MAX])
{
	int count = fdpass_receive(socketfd, data, len, fds);

	memcpy(received, fds, sizeof(received));
	return count;
}

static void __attribute__((noreturn)) fuzz_exit(int status)
{
	longjmp(end, 1 + status);
}

#define syscall					   fuzz_syscall
#define statx(fd, path, flags, m, s)		   fuzz_statx(s)
#define open_tree(...)				   some_fd()
#define mount_setattr(fd, path, flags, attr, size) fuzz_setattr(attr)
#define move_mount(...)				   fuzz_move_mount()
#define fchdir(fd)				   some_result()
#define umount2(...)				   some_result()
#define fdpass_receive				   fuzz_receive
#define _exit					   fuzz_exit
#include "supervisor/launcher.c"
#undef syscall
#undef statx
#undef fdpass_receive
#undef _exit

const struct backend_row launcher_backends[BACKEND_COUNT] = {
#define CAP_BIT(capability) 0
#define BACKEND(name, kind, login, bits, needs, where)                         \
	[BACKEND_##name] = {                                                   \
		.word = kind, .needs_target = (needs), .jail = (where)},
#include "supervisor/backend.def"
#undef BACKEND
};

void
jail_refresh(enum jail jail, const struct jail_template *jail_template)
{
}

int
cgroup_prepare(int cgroupfd, unsigned slot)
{
	return some_fd();
}

uint64_t
clock_boot_us(void)
{
	return 1000 * US_PER_SEC;
}

/* Ends when its eventfd can be read. */
pid_t
spawn_worker(const struct spawn_request *request, int *ret_pidfd)
{
	CHECK(fcntl(request->orderfd, F_GETFD) >= 0);
	CHECK(fcntl(request->reportfd, F_GETFD) >= 0);
	CHECK((request->targetfd >= 0) ==
		(request->jail != &launcher.jails[JAIL_PROC]));
	if (has_kernel_failed)
		return -EAGAIN;
	*ret_pidfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return 4711;
}

static void
empty_slot(struct slot *slot)
{
	guard_close(&slot->targetfd);
	guard_close(&slot->pidfd);
	*slot = (struct slot){.targetfd = -1, .pidfd = -1};
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	int dirfd = fuzz_dir_make();

	log_set_level((enum log_level)0);
	fuzz_dir_put(dirfd, "private", "x", 1);
	fuzz_dir_put(dirfd, "shared", "x", 1);
	CHECK(fchmodat(dirfd, "shared", 0640, 0) == 0);
	CHECK(symlinkat("private", dirfd, "link") == 0);
	launcher.credential_dirs[0] = "/nonexistent";
	launcher.credential_dirs[1] = fuzz_dir_path;
	for (size_t i = 0; i < LAUNCH_SLOTS; i++)
		launcher.slots[i] = (struct slot){.targetfd = -1, .pidfd = -1};
	return 0;
}

/* launcher.h, stated once more. */
static bool
is_acceptable(const struct launch_request *request, size_t len, int fds)
{
	bool is_start = request->op == LAUNCH_START;

	if (len != sizeof(*request) || request->reserved != 0 ||
		request->slot > LAUNCH_SLOT_SCANNER)
		return false;
	if (is_start)
		return fds == 2 && request->key == 0 &&
		       request->backend < BACKEND_COUNT;
	if (fds != 0 || request->backend != 0)
		return false;
	if (request->op == LAUNCH_PREPARE || request->op == LAUNCH_CREDENTIAL)
		return true;
	return request->key == 0 &&
	       (request->op == LAUNCH_KILL || request->op == LAUNCH_REMOVE);
}

static void
check_credential(const struct launch_reply *reply, int fd)
{
	struct stat stat;

	CHECK((reply->result == 0) == (fd >= 0));
	if (fd < 0)
		return;
	CHECK(fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode));
	CHECK(stat.st_uid == 0 && (stat.st_mode & 077) == 0);
}

/* before: the slot as it was. */
static void
check_reply(const struct launch_request *request, const struct slot *before,
	bool was_running, const struct launch_reply *reply, int fd)
{
	const struct slot *slot = &launcher.slots[request->slot];
	bool is_start = request->op == LAUNCH_START;

	CHECK(reply->op == request->op && reply->slot == request->slot);
	CHECK(reply->result <= 0);
	CHECK(reply->pid == (is_start && reply->result == 0 ? 4711 : 0));
	CHECK(fd < 0 || is_start || request->op == LAUNCH_CREDENTIAL);
	CHECK(slot->is_prepared == (slot->targetfd >= 0));
	if (request->op == LAUNCH_PREPARE) {
		CHECK(!before->is_prepared || reply->result == -EEXIST);
		CHECK(reply->result != 0 || slot->key == request->key);
	} else if (request->op == LAUNCH_REMOVE) {
		CHECK(!slot->is_prepared);
		CHECK(before->is_prepared || reply->result == -ENOENT);
	} else if (request->op == LAUNCH_KILL) {
		CHECK(was_running || reply->result == -ESRCH);
	} else if (request->op == LAUNCH_CREDENTIAL) {
		check_credential(reply, fd);
	} else {
		CHECK(reply->result != 0 ||
			(fd >= 0 && !was_running &&
				before->is_prepared ==
					launcher_backends[request->backend]
						.needs_target));
	}
}

/* False when it has ended the launcher, as it should. */
static bool
ask(int socketfd, const struct launch_request *request, size_t len, int count)
{
	bool is_good = is_acceptable(request, len, count);
	struct slot before = {0};
	bool was_running = false;
	int fds[FDPASS_MAX + 1] = {0, 0, 0};
	int got[FDPASS_MAX];
	struct launch_reply reply;

	if (is_good) {
		before = launcher.slots[request->slot];
		was_running = before.pidfd >= 0 &&
			      poll(&(struct pollfd){before.pidfd, POLLIN, 0}, 1,
				      0) == 0;
	}
	for (int i = 0; i < count; i++)
		CHECK((fds[i] = dup(ended_fd)) >= 0);
	CHECK(fdpass_send(socketfd, request, len, fds, (size_t)count) == 0);
	for (int i = 0; i < count; i++)
		(void)close(fds[i]);
	if (setjmp(end) != 0) {
		CHECK(!is_acceptable(request, len, count));
		for (int i = 0; i < FDPASS_MAX; i++)
			guard_close(&received[i]);
		return false;
	}
	answer_one();
	CHECK(is_acceptable(request, len, count));
	CHECK(fdpass_receive(socketfd, &reply, sizeof(reply), got) >= 0);
	check_reply(request, &before, was_running, &reply, got[0]);
	for (int i = 0; i < FDPASS_MAX; i++)
		guard_close(&got[i]);
	return true;
}

static int
count_open(void)
{
	int count = 0;

	for (int fd = 0; fd < 128; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	bool is_alive = true;
	int open_before = count_open();
	int pair[2];

	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	launcher.socketfd = pair[1];
	launcher.starts = (struct rate){.most = 3, .a_second = 1};
	ended_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	while (is_alive && input.left > 0) {
		unsigned flags = fuzz_u8(&input);
		struct launch_request request;
		struct slot *slot;

		fuzz_take(&input, &request, sizeof(request));
		slot = request.slot < LAUNCH_SLOTS
			       ? &launcher.slots[request.slot]
			       : NULL;
		if (slot && slot->pidfd >= 0 && flags & 8)
			CHECK(eventfd_write(slot->pidfd, 1) == 0);
		has_kernel_failed = flags & 4;
		is_alive = ask(pair[0], &request,
			sizeof(request) - (flags & 16 ? 1 : 0), flags & 3);
	}
	for (size_t i = 0; i < LAUNCH_SLOTS; i++)
		empty_slot(&launcher.slots[i]);
	guard_close(&ended_fd);
	guard_close(&pair[0]);
	guard_close(&pair[1]);
	/* No descriptor stays, whatever was refused. */
	CHECK(count_open() == open_before);
	return 0;
}
