/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * repair.c - unmounted behind the daemon's back: how long until it is there
 *            again, against mount(2) and umount2(2).
 *
 *	repair SOCKET RUN_DIR NAME ROUNDS DIRECTORY
 *
 * NAME is what the lines are called. Unless the daemon has targets already,
 * there is one.
 *
 * Runs in: a process of its own, in the host's mount namespace; the floor in a
 *          child, in a private one that ends with it.
 * Trusts: the daemon.
 * Invariant: repairs do not touch each other: the supervisor's pause between
 *            two readings of the mount table is over before the next begins.
 */
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/bench/bench.h"

#define CID "bench-repair"

enum {
	REPAIRS = 10, /* a round */
	PATH_SIZE = 512,
	PAUSE_MS = 150,
};

static uint64_t
mount_id(const char *path)
{
	struct statx seen;

	if (statx(AT_FDCWD, path,
		    AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC,
		    STATX_MNT_ID, &seen) < 0)
		die("%s: %s", path, strerror(errno));
	return seen.stx_mnt_id;
}

/* The kernel says when the table has changed: no CPU time is taken away. */
static double
time_repair(const char *path, const char *parent, int tablefd)
{
	struct pollfd poll_fd = {.fd = tablefd, .events = POLLPRI};
	uint64_t parent_id = mount_id(parent);
	double begin = now_us();

	if (umount2(path, MNT_DETACH) < 0)
		die("umount2(2): %s", strerror(errno));
	while (mount_id(path) == parent_id)
		if (poll(&poll_fd, 1, 60000) <= 0)
			die("not repaired within 60 s");
	return now_us() - begin;
}

static void __attribute__((noreturn))
run_floor(const char *directory, int resultfd)
{
	double took_us = 0;

	if (unshare(CLONE_NEWNS) < 0 ||
		mount("", "/", "", MS_REC | MS_PRIVATE, NULL) < 0)
		die("no private mount namespace: %s", strerror(errno));
	/* The first one has cold caches. */
	for (int i = 0; i < 2; i++) {
		double begin = now_us();

		if (mount("bench", directory, "tmpfs", MS_NOSUID | MS_NODEV,
			    NULL) < 0 ||
			umount2(directory, MNT_DETACH) < 0)
			die("mount(2): %s", strerror(errno));
		took_us = now_us() - begin;
	}
	if (write(resultfd, &took_us, sizeof(took_us)) != sizeof(took_us))
		_exit(EXIT_FAILURE);
	_exit(EXIT_SUCCESS);
}

static double
measure_floor(const char *directory)
{
	double took_us;
	int pair[2];
	pid_t pid;

	if (pipe2(pair, O_CLOEXEC) < 0)
		die("no pipe: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		die("cannot fork: %s", strerror(errno));
	if (pid == 0)
		run_floor(directory, pair[1]);
	(void)close(pair[1]);
	if (read(pair[0], &took_us, sizeof(took_us)) != sizeof(took_us))
		die("the floor could not be measured");
	(void)close(pair[0]);
	(void)waitpid(pid, NULL, 0);
	return took_us;
}

static void
find_path(const char *run_dir, char path[PATH_SIZE], char parent[PATH_SIZE])
{
	char link[PATH_SIZE];
	ssize_t len;

	(void)snprintf(link, sizeof(link), "%s/by-id/" CID, run_dir);
	len = readlink(link, path, PATH_SIZE - 1);
	if (len < 0)
		die("%s: %s", link, strerror(errno));
	path[len] = '\0';
	(void)snprintf(parent, PATH_SIZE, "%s", path);
	*strrchr(parent, '/') = '\0';
}

static void
measure(struct client *client, char **argv, int tablefd)
{
	double ours[REPAIRS], theirs[REPAIRS];
	char path[PATH_SIZE], parent[PATH_SIZE];

	find_path(argv[2], path, parent);
	for (int i = 0; i < REPAIRS; i++) {
		theirs[i] = measure_floor(argv[5]);
		pause_ms(PAUSE_MS);
		ours[i] = time_repair(path, parent, tablefd);
		client_wait(client, CID, "connected");
		client_exchange(client, 1, NULL);
	}
	report(argv[3], quantile(ours, REPAIRS, 0.5),
		quantile(theirs, REPAIRS, 0.5));
}

int
main(int argc, char **argv)
{
	cleanup_close int tablefd =
		open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	struct client client;

	if (argc != 6 || tablefd < 0)
		die("usage: repair SOCKET RUN_DIR NAME ROUNDS DIRECTORY");
	client_open(&client, argv[1]);
	client_manage(&client, "tmpfs://" CID, CID);
	client_wait(&client, CID, "connected");
	client_exchange(&client, 2, NULL);
	for (long i = read_count(argv[4]); i > 0; i--)
		measure(&client, argv, tablefd);
	client_unmanage(&client, CID);
	client_wait(&client, CID, "gone");
	client_exchange(&client, 2, "no-such-cid");
	client_close(&client);
	return EXIT_SUCCESS;
}
