/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * launcher_fork.c - how the launcher comes to be: what it opens, and gives up.
 *
 * Runs in: supervisor, as root, before the split; then in the launcher.
 * Trusts: the administrator's paths.
 * Invariant: after the fork it holds the descriptors of struct launcher and no
 *            other, and the capabilities of its workers and its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "common/guard.h"
#include "common/log.h"
#include "common/title.h"
#include "supervisor/domain.h"
#include "supervisor/launcher_private.h"
#include "supervisor/privilege.h"
#include "supervisor/sandbox.h"

enum {
	STARTS_A_SECOND = 200
};

const struct backend_row launcher_backends[BACKEND_COUNT] = {
#define PADDING "                                                            "
#define BACKEND(name, word, user, capabilities, needs_target, jail)            \
	[BACKEND_##name] = {word, user, DOMAIN_WORKER(word),                   \
		"holdfast-worker: " word PADDING PADDING PADDING PADDING,      \
		capabilities, needs_target, jail},
#include "supervisor/backend.def"
#undef BACKEND
};

static int
look_up_users(struct err *err)
{
	for (size_t i = 0; i < BACKEND_COUNT; i++) {
		const char *name = launcher_backends[i].user;
		const struct passwd *user = getpwnam(name);
		bool is_root = strcmp(name, "root") == 0;

		if (!user || (user->pw_uid == 0) != is_root)
			return err_set(err, ERR_INTERNAL, ENOENT,
				"there is no user %s: run systemd-sysusers",
				name);
		launcher.profiles[i] = (struct spawn_profile){
			.uid = user->pw_uid,
			.gid = user->pw_gid,
			.capabilities = launcher_backends[i].capabilities,
		};
	}
	return 0;
}

static int
make_contexts(struct err *err)
{
	for (size_t i = 0; i < BACKEND_COUNT; i++) {
		int result = domain_context(launcher_backends[i].domain,
			launcher.profiles[i].context, err);

		if (result < 0)
			return result;
	}
	return 0;
}

static int
open_all(const struct launcher_setup *setup, struct err *err)
{
	launcher.mountrootfd = open(setup->mount_root,
		O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (launcher.mountrootfd < 0)
		return err_set(err, ERR_INTERNAL, errno, "cannot open %s: %m",
			setup->mount_root);
	launcher.baserootfd = open(setup->base_root,
		O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (launcher.baserootfd < 0)
		return err_set(err, ERR_INTERNAL, errno, "cannot open %s: %m",
			setup->base_root);
	launcher.workerfd = open(setup->worker_path, O_PATH | O_CLOEXEC);
	if (launcher.workerfd < 0)
		return err_set(err, ERR_INTERNAL, errno,
			"cannot open the worker, %s: %m: is holdfast "
			"installed whole?",
			setup->worker_path);
	launcher.cgroupfd = setup->cgroupfd;
	launcher.nullfd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (launcher.nullfd < 0)
		return err_set(
			err, ERR_INTERNAL, errno, "cannot open /dev/null: %m");
	for (size_t i = 0; i < LAUNCH_CREDENTIAL_DIRS; i++)
		launcher.credential_dirs[i] = setup->credential_dirs[i];
	for (size_t i = 0; i < LAUNCH_SLOTS; i++) {
		launcher.slots[i].targetfd = -1;
		launcher.slots[i].pidfd = -1;
	}
	for (int i = 0; i < JAIL_COUNT; i++) {
		int result = jail_build((enum jail)i, setup->mount_root,
			&launcher.jails[i], err);

		if (result < 0)
			return result;
	}
	return 0;
}

static void
close_all(void)
{
	guard_close(&launcher.mountrootfd);
	guard_close(&launcher.baserootfd);
	guard_close(&launcher.workerfd);
	guard_close(&launcher.nullfd);
	guard_close(&launcher.cgroupfd);
	for (int i = 0; i < JAIL_COUNT; i++) {
		guard_close(&launcher.jails[i].nsfd);
		guard_close(&launcher.jails[i].treefd);
	}
}

static bool
is_ours(int fd)
{
	const int ours[] = {launcher.socketfd, launcher.mountrootfd,
		launcher.baserootfd, launcher.workerfd, launcher.nullfd,
		launcher.cgroupfd};

	for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
		if (ours[i] == fd)
			return true;
	for (size_t i = 0; i < JAIL_COUNT; i++)
		if (launcher.jails[i].nsfd == fd ||
			launcher.jails[i].treefd == fd)
			return true;
	return false;
}

/* What the supervisor has opened, the lock above all, is not for us. */
static void
close_others(void)
{
	enum {
		FEW = 256
	}; /* a start-up opens a dozen */

	for (int fd = STDERR_FILENO + 1; fd < FEW; fd++)
		if (!is_ours(fd))
			(void)close(fd); /* mostly none there */
	(void)close_range(FEW, ~0u, 0);
}

static void __attribute__((noreturn)) become_launcher(int socketfd)
{
	struct err err = {0};
	uint64_t capabilities = LAUNCHER_CAPABILITIES;

	launcher.socketfd = socketfd;
	/* All may be started at once, as after a start of the daemon; then so
	 * many a second: one that was taken over cannot keep the host busy. */
	launcher.starts = (struct rate){
		.most = LAUNCH_SLOTS, .a_second = STARTS_A_SECOND};
	close_others();
	log_open("launcher");
	title_set("holdfastd: launcher");
	for (size_t i = 0; i < BACKEND_COUNT; i++)
		capabilities |= launcher_backends[i].capabilities;
	for (size_t i = 0; i < ARRAY_SIZE(launcher_ignores); i++)
		(void)signal(launcher_ignores[i], SIG_IGN);
	if (privilege_keep(capabilities, &err) < 0 ||
		domain_enter(DOMAIN_LAUNCHER, &err) < 0 ||
		sandbox_enter(SANDBOX_LAUNCHER, &err) < 0) {
		log_error("%s", err.text);
		_exit(1);
	}
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	launcher_run();
}

int
launcher_fork(const struct launcher_setup *setup, int *ret_socketfd,
	pid_t *ret_pid, struct err *err)
{
	int pair[2];
	int result = look_up_users(err);

	if (result == 0)
		result = make_contexts(err);
	if (result == 0)
		result = open_all(setup, err);
	if (result < 0)
		return result;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_set(err, ERR_INTERNAL, errno, "no socket pair: %m");
	*ret_pid = fork();
	if (*ret_pid < 0)
		return err_set(err, ERR_INTERNAL, errno, "cannot fork: %m");
	if (*ret_pid == 0) {
		(void)close(pair[0]);
		become_launcher(pair[1]);
	}
	(void)close(pair[1]);
	close_all();
	if (fcntl(pair[0], F_SETFL, O_NONBLOCK) < 0)
		return err_set(err, ERR_INTERNAL, errno, "fcntl: %m");
	*ret_socketfd = pair[0];
	return 0;
}
