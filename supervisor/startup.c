/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * startup.c - what has to be true, and be there, before anything is served.
 *
 * Runs in: supervisor, as root, before the split.
 * Trusts: the administrator's settings; not what stands in directories that
 *         belong to the supervisor's user: they are opened without following
 *         links, and nothing in them is read.
 * Invariant: a step that fails leaves what earlier ones made; a second start
 *            takes that over.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "common/guard.h"
#include "common/log.h"
#include "supervisor/cgroup.h"
#include "supervisor/domain.h"
#include "supervisor/leftover.h"
#include "supervisor/startup.h"

#define SUPERVISOR_USER "holdfast"

/* How long a daemon that was just killed may still hold the lock. */
enum {
	LOCK_TRIES = 200,
	LOCK_PAUSE_MS = 10
};

/* Of a unit with LoadCredential= and the like, systemd.exec(5); NULL: none. */
static const char *unit_credentials;

void
startup_note_environment(void)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");

	unit_credentials = dir && dir[0] == '/' ? strdup(dir) : NULL;
}

static int
fail(struct err *err, int errnum, const char *what, const char *path)
{
	return err_set(err, ERR_INTERNAL, errnum, "%s %s: %s", what, path,
		strerror(errnum));
}

static int
check_root(const struct conf *conf, struct startup *startup, struct err *err)
{
	if (geteuid() != 0)
		return err_set(err, ERR_DENIED, EPERM,
			"holdfastd starts as root, and gives that up itself");
	return 0;
}

static int
look_up_users(const struct conf *conf, struct startup *startup, struct err *err)
{
	const struct passwd *user = getpwnam(SUPERVISOR_USER);
	const struct group *group;

	if (!user || user->pw_uid == 0)
		return err_set(err, ERR_INTERNAL, ENOENT,
			"there is no user " SUPERVISOR_USER
			": run systemd-sysusers");
	startup->uid = user->pw_uid;
	startup->gid = user->pw_gid;
	group = getgrnam(conf->group);
	if (!group)
		return err_set(err, ERR_INTERNAL, ENOENT,
			"there is no group %s, see [api] group in "
			"holdfast.conf",
			conf->group);
	startup->socket_gid = group->gr_gid;
	return 0;
}

/* First of what asks: the launcher's and the workers' follow from ours. */
static int
open_domain(const struct conf *conf, struct startup *startup, struct err *err)
{
	return domain_open(err);
}

/* The ID of the first mount of a process, -1 when it cannot be read. Unlike
 * /proc/PID/ns/mnt this needs no right to trace that process. */
static long
first_mount_id(const char *path)
{
	cleanup_fclose FILE *file = fopen(path, "re");
	long id;

	if (!file || fscanf(file, "%ld", &id) != 1)
		return -1;
	return id;
}

/*
 * A private mount namespace hides every mount that workers make from the host:
 * systemd gives one to a unit with ProtectSystem=, PrivateTmp=, ProtectProc=
 * and many more. Mount IDs are never shared by two namespaces.
 */
static int
check_namespace(
	const struct conf *conf, struct startup *startup, struct err *err)
{
	long host = first_mount_id("/proc/1/mountinfo");
	long own = first_mount_id("/proc/self/mountinfo");

	if (own < 0)
		return err_set(err, ERR_INTERNAL, ENOENT,
			"/proc/self/mountinfo cannot be read: is /proc "
			"mounted?");
	if (host >= 0 && host != own)
		return err_set(err, ERR_INTERNAL, EXDEV,
			"this is not the host's mount namespace: what is "
			"mounted here would reach nobody. Take sandbox options "
			"like ProtectSystem=, PrivateTmp= or ProtectProc= out "
			"of the unit");
	return 0;
}

/* Makes a directory, or takes over one that is there; never through a link. */
static int
make_directory(int parentfd, const char *name, mode_t mode, uid_t uid,
	gid_t gid, int *ret_fd)
{
	cleanup_close int fd = -1;

	if (mkdirat(parentfd, name, mode) < 0 && errno != EEXIST)
		return -errno;
	fd = openat(parentfd, name,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fchown(fd, uid, gid) < 0 || fchmod(fd, mode) < 0)
		return -errno;
	*ret_fd = take_fd(&fd);
	return 0;
}

static int
make_directories(
	const struct conf *conf, struct startup *startup, struct err *err)
{
	cleanup_close int run = -1;
	cleanup_close int state = -1;
	int result = make_directory(AT_FDCWD, conf->run_dir, 0755, 0, 0, &run);

	if (result < 0)
		return fail(err, -result, "cannot make", conf->run_dir);
	result = make_directory(run, "by-id", 0755, startup->uid, startup->gid,
		&startup->inheritance.by_id_fd);
	if (result == 0)
		result = make_directory(run, "mnt", 0755, startup->uid,
			startup->gid, &startup->inheritance.mount_root_fd);
	if (result == 0)
		result = make_directory(run, "base", 0755, startup->uid,
			startup->gid, &startup->inheritance.base_root_fd);
	if (result < 0)
		return fail(err, -result, "cannot make directories in",
			conf->run_dir);
	result = make_directory(AT_FDCWD, conf->state_dir, 0700, startup->uid,
		startup->gid, &state);
	if (result < 0)
		return fail(err, -result, "cannot make", conf->state_dir);
	return 0;
}

/* Two daemons on one store and one mount root would undo each other's work. */
static int
take_lock(const struct conf *conf, struct startup *startup, struct err *err)
{
	const struct timespec pause = {.tv_nsec = LOCK_PAUSE_MS * 1000000L};
	char path[CONF_PATH_MAX + 8];

	(void)snprintf(path, sizeof(path), "%s/lock", conf->run_dir);
	startup->lockfd =
		open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (startup->lockfd < 0)
		return fail(err, errno, "cannot open", path);
	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(startup->lockfd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		(void)nanosleep(&pause, NULL);
	}
	return err_set(err, ERR_INTERNAL, EBUSY,
		"another holdfastd is running: it holds %s", path);
}

/* The lock is ours: whatever an earlier daemon has left is nobody's. */
static int
end_leftovers(const struct conf *conf, struct startup *startup, struct err *err)
{
	leftover_end(conf->worker);
	return 0;
}

/* Bound under another name and renamed: whoever finds it may connect. */
static int
open_socket(const struct conf *conf, struct startup *startup, struct err *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char path[sizeof(address.sun_path)];
	cleanup_close int fd =
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t mask;
	int result;

	(void)snprintf(path, sizeof(path), "%s/api.sock", conf->run_dir);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/api.new",
		conf->run_dir);
	(void)unlink(address.sun_path);
	mask = umask(0777);
	result =
		fd < 0 ? -1
		       : bind(fd, (struct sockaddr *)&address, sizeof(address));
	(void)umask(mask);
	if (result < 0 || listen(fd, SOMAXCONN) < 0 ||
		chown(address.sun_path, 0, startup->socket_gid) < 0 ||
		chmod(address.sun_path, 0660) < 0 ||
		rename(address.sun_path, path) < 0)
		return fail(err, errno, "cannot make the socket", path);
	startup->inheritance.listenfd = take_fd(&fd);
	return 0;
}

/* Opened now: an undumpable process may not open all of its own /proc. */
static int
open_mount_table(
	const struct conf *conf, struct startup *startup, struct err *err)
{
	int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return fail(err, errno, "cannot open", "/proc/self/mountinfo");
	startup->inheritance.mountinfofd = fd;
	return 0;
}

/* Without it sessions are found when a worker, or an audit, looks. */
static int
open_uevents(const struct conf *conf, struct startup *startup, struct err *err)
{
	startup->inheritance.ueventfd = sessions_open_events();
	if (startup->inheritance.ueventfd < 0)
		log_warning("the kernel's device events cannot be had: %s",
			strerror(-startup->inheritance.ueventfd));
	return 0;
}

static int
fork_launcher(const struct conf *conf, struct startup *startup, struct err *err)
{
	char mount_root[CONF_PATH_MAX + 8], base_root[CONF_PATH_MAX + 8];
	const struct launcher_setup setup = {
		.mount_root = mount_root,
		.base_root = base_root,
		.worker_path = conf->worker,
		.credential_dirs = {conf->credentials, unit_credentials},
		.cgroupfd = cgroup_open(),
	};
	pid_t pid;

	(void)snprintf(base_root, sizeof(base_root), "%s/base", conf->run_dir);
	(void)snprintf(mount_root, sizeof(mount_root), "%s/mnt", conf->run_dir);
	return launcher_fork(
		&setup, &startup->inheritance.launcherfd, &pid, err);
}

/* In this order: the lock lies in a directory that has to be there first; the
 * socket comes last, when nothing can fail any more. */
static int (*const steps[])(
	const struct conf *conf, struct startup *startup, struct err *err) = {
	check_root,
	look_up_users,
	open_domain,
	check_namespace,
	make_directories,
	take_lock,
	end_leftovers,
	open_mount_table,
	open_uevents,
	fork_launcher,
	open_socket,
};

int
startup_run(
	const struct conf *conf, struct startup *ret_startup, struct err *err)
{
	struct startup startup = {0};

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		int result = steps[i](conf, &startup, err);

		if (result < 0)
			return result;
	}
	*ret_startup = startup;
	return 0;
}
