/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * daemon.c - the real supervisor, without root, for stories.
 *
 * Runs in: a story's directory; as its workers too, executed anew by the fake
 *          launcher.
 * Trusts: the story.
 * Invariant: what supervisor_run() is given is as startup.c makes it, but for
 *            the user, the launcher, the kernel's iSCSI and the clock. The
 *            clock is the system's plus what the story has written to
 *            DIR/clock (microseconds): a story waits for no deadline, it goes
 *            to it. Sessions are what DIR/iscsi_session shows, uevents what
 *            comes to DIR/uevents.sock. While there is DIR/kill_at_flush, the
 *            flush of a file that it numbers is the daemon's end.
 *
 * usage: daemon DIR       DIR/holdfast.conf says the rest
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <time.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/sysfs.h"
#include "supervisor/supervisor.h"
#include "tests/fakes/fake_launcher.h"
#include "tests/fakes/scripted_worker.h"

/* In place of common/sysfs.c: the daemon is in the story's directory. */
const char sysfs_iscsi_sessions[] = "iscsi_session";

/* The story's hand on the clock, and how the loop's timer was set last. */
static const volatile uint64_t *shift_us;
static uint64_t shift_seen_us;
static int timer_fd = -1;
static struct itimerspec timer_set;

/* What malloc() has given out, for the story to see: 0 if nobody counts it. */
extern size_t __sanitizer_get_current_allocated_bytes(void)
	__attribute__((weak));
static volatile uint64_t *allocated;

static uint64_t
read_clock(clockid_t id)
{
	struct timespec now;

	(void)clock_gettime(id, &now); /* cannot fail for these */
	return (uint64_t)now.tv_sec * US_PER_SEC + (uint64_t)now.tv_nsec / 1000;
}

/* In place of libc's: the timer's time is the story's. */
int
timerfd_settime(int fd, int flags, const struct itimerspec *when,
	struct itimerspec *ret_old)
{
	struct itimerspec real = *when;
	uint64_t due_us = (uint64_t)when->it_value.tv_sec * US_PER_SEC +
			  (uint64_t)when->it_value.tv_nsec / 1000;

	timer_fd = fd;
	timer_set = *when;
	if (due_us != 0) {
		due_us = due_us > shift_seen_us ? due_us - shift_seen_us : 1;
		real.it_value.tv_sec = (time_t)(due_us / US_PER_SEC);
		real.it_value.tv_nsec = (long)(due_us % US_PER_SEC * 1000);
	}
	return (int)syscall(SYS_timerfd_settime, fd, flags, &real, ret_old);
}

/* In place of common/clock.c. */
uint64_t
clock_boot_us(void)
{
	uint64_t shift = shift_us ? *shift_us : 0;

	if (allocated && __sanitizer_get_current_allocated_bytes)
		*allocated = __sanitizer_get_current_allocated_bytes();
	if (shift != shift_seen_us) {
		shift_seen_us = shift;
		if (timer_fd >= 0)
			(void)timerfd_settime(
				timer_fd, TFD_TIMER_ABSTIME, &timer_set, NULL);
	}
	return read_clock(CLOCK_BOOTTIME) + shift;
}

/* Before the flush: what was written counts, but nobody has been told yet. */
static void
die_at_flush(void)
{
	static unsigned long count;
	unsigned long last;
	FILE *file = fopen("kill_at_flush", "re");

	if (!file)
		return;
	count++;
	if (fscanf(file, "%lu", &last) == 1 && count == last)
		(void)raise(SIGKILL); /* cannot fail */
	(void)fclose(file);	      /* only ever read from */
}

/* In place of libc's, for TDB too. */
int
fsync(int fd)
{
	die_at_flush();
	return (int)syscall(SYS_fsync, fd);
}

int
fdatasync(int fd)
{
	die_at_flush();
	return (int)syscall(SYS_fdatasync, fd);
}

uint64_t
clock_unix_us(void)
{
	return read_clock(CLOCK_REALTIME);
}

static void __attribute__((noreturn)) die(const char *what)
{
	(void)fprintf(stderr, "daemon: %s: %m\n", what);
	exit(99);
}

static int
make_directory(const char *parent, const char *name)
{
	char path[128];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", parent, name);
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		die(path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		die(path);
	return fd;
}

static int
open_socket(const char *run_dir)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path),
		"%s/api.sock", run_dir);
	(void)unlink(address.sun_path); /* of a daemon that was killed */
	if (fd < 0 ||
		bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
		listen(fd, SOMAXCONN) < 0 || chmod(address.sun_path, 0666) < 0)
		die(address.sun_path);
	return fd;
}

static int
open_uevents(void)
{
	struct sockaddr_un address = {
		.sun_family = AF_UNIX, .sun_path = "uevents.sock"};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	(void)unlink(address.sun_path); /* of the daemon before */
	if (fd < 0 ||
		bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		die(address.sun_path);
	return fd;
}

/* A number that the story has in its hands, too. */
static void *
map_number(const char *dir, const char *name)
{
	char path[128];
	int fd;
	void *map;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDWR | O_CLOEXEC);
	map = mmap(NULL, sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED,
		fd, 0);
	if (map == MAP_FAILED)
		die(path);
	(void)close(fd); /* the mapping stays */
	return map;
}

/* Less than the configuration allows, so that little fills a client's place. */
static void
narrow_output(const char *dir, struct conf *conf)
{
	char path[128];
	unsigned long long bytes;
	FILE *file;

	(void)snprintf(path, sizeof(path), "%s/client_output", dir);
	file = fopen(path, "re");
	if (!file)
		return;
	if (fscanf(file, "%llu", &bytes) != 1)
		die(path);
	conf->output_max = bytes;
	(void)fclose(file); /* only read */
}

static int
run_daemon(const char *dir)
{
	struct inheritance inheritance;
	struct conf conf;
	struct err err = {0};
	char path[128];

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	(void)signal(SIGPIPE, SIG_IGN); /* as main.c */
	(void)signal(SIGXFSZ, SIG_IGN); /* a full disk is EFBIG in stories */
	log_open("supervisor");
	if (chdir(dir) < 0)
		die(dir);
	(void)snprintf(path, sizeof(path), "%s/holdfast.conf", dir);
	if (conf_read(path, true, &conf, &err) < 0)
		die(err.text);
	narrow_output(dir, &conf);
	log_set_level((enum log_level)conf.log_level);
	shift_us = map_number(dir, "clock");
	allocated = map_number(dir, "allocated");
	inheritance.by_id_fd = make_directory(conf.run_dir, "by-id");
	inheritance.mount_root_fd = make_directory(conf.run_dir, "mnt");
	inheritance.base_root_fd = make_directory(conf.run_dir, "base");
	inheritance.ueventfd = open_uevents();
	inheritance.mountinfofd =
		open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	inheritance.launcherfd = fake_launcher_fork(dir);
	inheritance.listenfd = open_socket(conf.run_dir);
	if (inheritance.mountinfofd < 0 || inheritance.launcherfd < 0)
		die("start");
	return supervisor_run(&conf, &inheritance);
}

int
main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "worker") == 0)
		scripted_worker_run(argv[2], argv[3], argv[4]);
	if (argc != 2) {
		(void)fputs("usage: daemon DIR\n", stderr);
		return 2;
	}
	return run_daemon(argv[1]);
}
