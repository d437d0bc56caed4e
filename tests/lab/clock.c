// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * clock.c - a guest's clock: slow while it works, fast while it only waits
 *
 * Runs in: the host, preloaded into a user-mode-linux kernel by tests/lab/run
 * Trusts: the few calls by which that kernel asks for time: clock_gettime and
 *   timer_settime with CLOCK_MONOTONIC, and sigsuspend when it is idle
 *   (arch/um/os-Linux/time.c)
 * Invariant: the guest's clock never goes back, and its timer never fires
 *   before its time by that clock.
 *
 * A guest whose processes all sleep waits for nothing but its own timer (or a
 * disk, hence not infinitely fast), so its waits need not take as long here.
 * A guest that works believes to be on a faster machine than this is, so that
 * a limit of time in a scenario says something about the code under test and
 * not about how busy the host is.
 */

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <time.h>

#define NS_PER_S 1000000000LL

// A working guest's clock is so many times slower than the host's, unless
// HOLDFAST_LAB_SLOWER says otherwise; a waiting one's so many times faster.
enum {
	SLOWER = 2,
	SLOWER_MAX = 16,
	FASTER = 20
};

static int64_t slower = SLOWER;

static struct {
	int64_t host_ns;  // when the rate was set
	int64_t guest_ns; // what the guest's clock was then
	int64_t rate;	  // guest nanoseconds in `slower` of the host's
} clock_base = {.rate = 1};

// The kernel has one timer.
static struct {
	timer_t id;
	int64_t expires_ns; // by the guest's clock; 0: not armed
	int64_t interval_ns;
} event_timer;

static int signals_fd = -1; // readable once a signal that is handled pends

static int (*host_clock_gettime)(clockid_t, struct timespec *);
static int (*host_timer_settime)(
	timer_t, int, const struct itimerspec *, struct itimerspec *);
static int (*host_sigsuspend)(const sigset_t *);

static int64_t
to_ns(struct timespec time)
{
	return time.tv_sec * NS_PER_S + time.tv_nsec;
}

static struct timespec
to_timespec(int64_t ns)
{
	return (struct timespec){
		.tv_sec = ns / NS_PER_S,
		.tv_nsec = ns % NS_PER_S,
	};
}

static int64_t
host_now(void)
{
	struct timespec now = {0};
	host_clock_gettime(CLOCK_MONOTONIC, &now);
	return to_ns(now);
}

static int64_t
guest_now(void)
{
	return clock_base.guest_ns +
	       (host_now() - clock_base.host_ns) * clock_base.rate / slower;
}

static int64_t
to_host(int64_t guest_ns)
{
	// Rounded up: not before its time.
	return guest_ns * slower / clock_base.rate + 1;
}

static void
set_rate(int64_t rate)
{
	int64_t host_ns = host_now();
	clock_base.guest_ns +=
		(host_ns - clock_base.host_ns) * clock_base.rate / slower;
	clock_base.host_ns = host_ns;
	clock_base.rate = rate;
}

// Of the host's time, at the rate that is set; never nothing.
static struct timespec
until_timer(void)
{
	int64_t left = event_timer.expires_ns - guest_now();
	return to_timespec(to_host(left > 0 ? left : 0));
}

static int
arm(void)
{
	struct itimerspec when = {0};
	if (event_timer.expires_ns != 0)
		when.it_value = until_timer();
	if (event_timer.interval_ns != 0)
		when.it_interval =
			to_timespec(to_host(event_timer.interval_ns));
	return host_timer_settime(event_timer.id, 0, &when, NULL);
}

__attribute__((constructor)) static void
begin(void)
{
	host_clock_gettime = dlsym(RTLD_NEXT, "clock_gettime");
	host_timer_settime = dlsym(RTLD_NEXT, "timer_settime");
	host_sigsuspend = dlsym(RTLD_NEXT, "sigsuspend");
	if (!host_clock_gettime || !host_timer_settime || !host_sigsuspend)
		abort();
	const char *text = getenv("HOLDFAST_LAB_SLOWER");
	long number = text ? strtol(text, NULL, 10) : SLOWER;
	if (number < 1 || number > SLOWER_MAX)
		abort();
	slower = number;
	clock_base.host_ns = host_now();
	clock_base.guest_ns = clock_base.host_ns;
}

int
clock_gettime(clockid_t which, struct timespec *now)
{
	if (which != CLOCK_MONOTONIC)
		return host_clock_gettime(which, now);
	*now = to_timespec(guest_now());
	return 0;
}

int
timer_settime(timer_t id, int flags, const struct itimerspec *set,
	struct itimerspec *old)
{
	if (flags != 0 || old) {
		errno = ENOTSUP;
		return -1;
	}
	int64_t value = to_ns(set->it_value);
	event_timer.id = id;
	event_timer.expires_ns = value == 0 ? 0 : guest_now() + value;
	event_timer.interval_ns = to_ns(set->it_interval);
	return arm();
}

// Only what is handled: what is ignored wakes nobody.
static void
watch_signals(void)
{
	sigset_t handled;
	sigemptyset(&handled);
	for (int number = 1; number < NSIG; number++) {
		struct sigaction action;
		if (sigaction(number, NULL, &action) == 0 &&
			action.sa_handler != SIG_DFL &&
			action.sa_handler != SIG_IGN)
			sigaddset(&handled, number);
	}
	signals_fd = signalfd(-1, &handled, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals_fd < 0)
		abort();
}

// The kernel has nothing to do until a signal comes.
int
sigsuspend(const sigset_t *mask)
{
	sigset_t all;
	sigset_t before;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	if (signals_fd < 0)
		watch_signals();
	struct pollfd pending = {.fd = signals_fd, .events = POLLIN};
	bool is_armed = event_timer.expires_ns != 0;
	set_rate(FASTER * slower);
	struct timespec left = until_timer();
	ppoll(&pending, 1, is_armed ? &left : NULL, NULL);
	set_rate(1);
	if (is_armed)
		arm();
	int result = host_sigsuspend(mask);
	int error = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	errno = error;
	return result;
}
