/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * bringup.c - COUNT tmpfs:// targets up, and down, against a loop of mount(2).
 *
 *	bringup SOCKET RUN_DIR COUNT ROUNDS DIRECTORY
 *	bringup SOCKET RUN_DIR COUNT        brings them up and leaves them so
 *
 * Up: manage of all of them was answered, a `wait` on each says connected, and
 * this process finds all of them in its own mount table. Down: the `wait`s say
 * gone.
 *
 * Runs in: a process of its own, in the host's mount namespace; the floor in a
 *          child, in a private one that ends with it.
 * Trusts: the daemon.
 * Invariant: the floor's directories exist before its clock starts.
 */
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/bench/bench.h"

enum {
	NAME_SIZE = 64,
	WAITS_AT_ONCE = 200,
};

struct times {
	double up_us;
	double down_us;
};

/* Mounts of type tmpfs below RUN_DIR/mnt. */
static long
count_mounts(const char *run_dir)
{
	cleanup_fclose FILE *file = fopen("/proc/self/mountinfo", "re");
	cleanup_free char *line = NULL;
	char prefix[256];
	size_t room = 0;
	long count = 0;

	(void)snprintf(prefix, sizeof(prefix), " %s/mnt/", run_dir);
	while (file && getline(&line, &room, file) > 0)
		if (strstr(line, prefix) && strstr(line, " - tmpfs "))
			count++;
	return count;
}

static void
see_mounts(const char *run_dir, long count)
{
	double deadline = now_us() + 60e6;

	while (count_mounts(run_dir) < count) {
		if (now_us() > deadline)
			die("the mount table lacks targets that are connected");
		pause_ms(1);
	}
}

/* One client may wait for 256 things at a time. */
static void
wait_all(struct client *client, long count, const char *what)
{
	char cid[NAME_SIZE];

	for (long i = 0; i < count;) {
		long first = i;

		for (; i < count && i < first + WAITS_AT_ONCE; i++) {
			(void)snprintf(cid, sizeof(cid), "bench-%05ld", i);
			client_wait(client, cid, what);
		}
		/* Whoever asks too late is told that there is no such claim. */
		client_exchange(client, (size_t)(i - first),
			strcmp(what, "gone") == 0 ? "no-such-cid" : NULL);
	}
}

static void
bring_up(struct client *client, const char *run_dir, long count)
{
	char uri[NAME_SIZE];

	for (long i = 0; i < count; i++) {
		(void)snprintf(uri, sizeof(uri), "tmpfs://bench-%05ld", i);
		client_manage(client, uri, uri + strlen("tmpfs://"));
	}
	client_exchange(client, (size_t)count, NULL);
	wait_all(client, count, "connected");
	see_mounts(run_dir, count);
}

static void
take_down(struct client *client, long count)
{
	char cid[NAME_SIZE];

	for (long i = 0; i < count; i++) {
		(void)snprintf(cid, sizeof(cid), "bench-%05ld", i);
		client_unmanage(client, cid);
	}
	client_exchange(client, (size_t)count, NULL);
	wait_all(client, count, "gone");
}

static struct times
time_loop(const char *directory, long count)
{
	double begin, middle;
	char path[512];

	begin = now_us();
	for (long i = 0; i < count; i++) {
		(void)snprintf(path, sizeof(path), "%s/%05ld", directory, i);
		if (mount("bench", path, "tmpfs", MS_NOSUID | MS_NODEV, NULL) <
			0)
			die("mount(2): %s", strerror(errno));
	}
	middle = now_us();
	for (long i = 0; i < count; i++) {
		(void)snprintf(path, sizeof(path), "%s/%05ld", directory, i);
		if (umount2(path, UMOUNT_NOFOLLOW) < 0)
			die("umount2(2): %s", strerror(errno));
	}
	return (struct times){middle - begin, now_us() - middle};
}

static void __attribute__((noreturn))
run_floor(const char *directory, long count, int resultfd)
{
	struct times times;
	char path[512];

	if (unshare(CLONE_NEWNS) < 0 ||
		mount("", "/", "", MS_REC | MS_PRIVATE, NULL) < 0 ||
		mount("bench", directory, "tmpfs", 0, NULL) < 0)
		die("no private mount namespace: %s", strerror(errno));
	for (long i = 0; i < count; i++) {
		(void)snprintf(path, sizeof(path), "%s/%05ld", directory, i);
		if (mkdir(path, 0755) < 0)
			die("mkdir: %s", strerror(errno));
	}
	times = time_loop(directory, count);
	if (write(resultfd, &times, sizeof(times)) != sizeof(times))
		_exit(EXIT_FAILURE);
	_exit(EXIT_SUCCESS);
}

static struct times
measure_floor(const char *directory, long count)
{
	struct times times;
	int pair[2];
	pid_t pid;

	if (pipe2(pair, O_CLOEXEC) < 0)
		die("no pipe: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		die("cannot fork: %s", strerror(errno));
	if (pid == 0)
		run_floor(directory, count, pair[1]);
	(void)close(pair[1]);
	if (read(pair[0], &times, sizeof(times)) != sizeof(times))
		die("the floor could not be measured");
	(void)close(pair[0]);
	(void)waitpid(pid, NULL, 0);
	return times;
}

static void
measure(struct client *client, char **argv, long count)
{
	struct times floor = measure_floor(argv[5], count);
	char name[NAME_SIZE];
	double begin, middle, end;

	begin = now_us();
	bring_up(client, argv[2], count);
	middle = now_us();
	take_down(client, count);
	end = now_us();
	(void)snprintf(name, sizeof(name), "bringup-%ld", count);
	report(name, (middle - begin) / 1e3, floor.up_us / 1e3);
	(void)snprintf(name, sizeof(name), "takedown-%ld", count);
	report(name, (end - middle) / 1e3, floor.down_us / 1e3);
}

int
main(int argc, char **argv)
{
	struct client client;
	long count;

	if (argc != 4 && argc != 6)
		die("usage: bringup SOCKET RUN_DIR COUNT [ROUNDS DIRECTORY]");
	count = read_count(argv[3]);
	client_open(&client, argv[1]);
	if (argc == 4)
		bring_up(&client, argv[2], count);
	else
		for (long i = read_count(argv[4]); i > 0; i--)
			measure(&client, argv, count);
	client_close(&client);
	return EXIT_SUCCESS;
}
