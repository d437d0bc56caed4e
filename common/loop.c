/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * loop.c - the event loop: descriptors by epoll, timers by one timerfd.
 *
 * Runs in: supervisor, worker.
 * Invariant: timers is a binary heap by due_us; a timer's position is its
 *            index in it plus one, 0 while it is not armed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/guard.h"
#include "common/loop.h"

enum {
	EVENTS_PER_TURN = 64
};

struct loop {
	int epollfd;
	int timerfd;
	uint64_t timerfd_due_us;
	struct loop_timer **timers;
	size_t timer_count;
	size_t timer_room;
	struct epoll_event batch[EVENTS_PER_TURN];
	int batch_len;
	bool is_hurried;
	bool is_quitting;
	void (*turn_end)(void *data);
	void *turn_end_data;
};

int
loop_new(struct loop **ret_loop)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return -ENOMEM;
	loop->epollfd = epoll_create1(EPOLL_CLOEXEC);
	loop->timerfd =
		timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (loop->epollfd < 0 || loop->timerfd < 0 ||
		epoll_ctl(loop->epollfd, EPOLL_CTL_ADD, loop->timerfd, &event) <
			0) {
		int saved = errno;

		loop_free(loop);
		return -saved;
	}
	*ret_loop = loop;
	return 0;
}

void
loop_free(struct loop *loop)
{
	if (!loop)
		return;
	guard_close(&loop->epollfd);
	guard_close(&loop->timerfd);
	free(loop->timers);
	free(loop);
}

int
loop_watch(struct loop *loop, struct loop_source *source)
{
	struct epoll_event event = {
		.events = source->events, .data.ptr = source};

	if (epoll_ctl(loop->epollfd, EPOLL_CTL_ADD, source->fd, &event) < 0)
		return -errno;
	return 0;
}

void
loop_change(struct loop *loop, struct loop_source *source, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = source};

	if (source->events == events)
		return;
	source->events = events;
	/* Fails only for a descriptor that is not watched: a fault of ours. */
	(void)epoll_ctl(loop->epollfd, EPOLL_CTL_MOD, source->fd, &event);
}

void
loop_forget(struct loop *loop, struct loop_source *source)
{
	if (source->fd < 0)
		return;
	(void)epoll_ctl(loop->epollfd, EPOLL_CTL_DEL, source->fd, NULL);
	for (int i = 0; i < loop->batch_len; i++)
		if (loop->batch[i].data.ptr == source)
			loop->batch[i].events = 0;
}

static void
heap_put(struct loop *loop, size_t at, struct loop_timer *timer)
{
	loop->timers[at] = timer;
	timer->position = at + 1;
}

static void
heap_rise(struct loop *loop, size_t at)
{
	struct loop_timer *timer = loop->timers[at];

	while (at > 0) {
		size_t parent = (at - 1) / 2;

		if (loop->timers[parent]->due_us <= timer->due_us)
			break;
		heap_put(loop, at, loop->timers[parent]);
		at = parent;
	}
	heap_put(loop, at, timer);
}

static void
heap_sink(struct loop *loop, size_t at)
{
	struct loop_timer *timer = loop->timers[at];

	for (;;) {
		size_t child = 2 * at + 1;

		if (child >= loop->timer_count)
			break;
		if (child + 1 < loop->timer_count &&
			loop->timers[child + 1]->due_us <
				loop->timers[child]->due_us)
			child++;
		if (timer->due_us <= loop->timers[child]->due_us)
			break;
		heap_put(loop, at, loop->timers[child]);
		at = child;
	}
	heap_put(loop, at, timer);
}

void
loop_disarm(struct loop *loop, struct loop_timer *timer)
{
	struct loop_timer *last;
	size_t at;

	if (timer->position == 0)
		return;
	at = timer->position - 1;
	last = loop->timers[--loop->timer_count];
	timer->position = 0;
	timer->due_us = 0;
	if (last == timer)
		return;
	heap_put(loop, at, last);
	heap_rise(loop, at);
	heap_sink(loop, last->position - 1);
}

int
loop_arm(struct loop *loop, struct loop_timer *timer, uint64_t due_us)
{
	loop_disarm(loop, timer);
	if (loop->timer_count == loop->timer_room) {
		size_t room = loop->timer_room ? 2 * loop->timer_room : 16;
		struct loop_timer **timers =
			reallocarray(loop->timers, room, sizeof(*timers));

		if (!timers)
			return -ENOMEM;
		loop->timers = timers;
		loop->timer_room = room;
	}
	timer->due_us = due_us;
	heap_put(loop, loop->timer_count++, timer);
	heap_rise(loop, timer->position - 1);
	return 0;
}

void
loop_on_turn_end(struct loop *loop, void (*function)(void *), void *data)
{
	loop->turn_end = function;
	loop->turn_end_data = data;
}

void
loop_hurry(struct loop *loop)
{
	loop->is_hurried = true;
}

void
loop_quit(struct loop *loop)
{
	loop->is_quitting = true;
}

/* The timerfd is set only when the earliest timer is another one. */
static void
set_timerfd(struct loop *loop)
{
	uint64_t due_us = loop->timer_count ? loop->timers[0]->due_us : 0;
	struct itimerspec when = {
		.it_value = {.tv_sec = (time_t)(due_us / US_PER_SEC),
			.tv_nsec = (long)(due_us % US_PER_SEC * 1000)},
	};

	if (due_us == loop->timerfd_due_us)
		return;
	loop->timerfd_due_us = due_us;
	/* Fails only for a bad time; ours is a sum of small ones. */
	(void)timerfd_settime(loop->timerfd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void
run_timers(struct loop *loop)
{
	uint64_t now_us = clock_boot_us();

	/* One that arms itself anew for now waits for the next turn. */
	for (size_t left = loop->timer_count; left > 0; left--) {
		struct loop_timer *timer;

		if (loop->timer_count == 0 || loop->timers[0]->due_us > now_us)
			return;
		timer = loop->timers[0];
		loop_disarm(loop, timer);
		timer->on_due(timer);
	}
}

static void
dispatch(struct loop *loop, const struct epoll_event *event)
{
	struct loop_source *source = event->data.ptr;
	uint64_t expirations;

	if (!event->events)
		return; /* forgotten earlier in this turn */
	if (source) {
		source->on_event(source, event->events);
		return;
	}
	/* Only to make it unreadable: run_timers() goes by the clock. */
	if (read(loop->timerfd, &expirations, sizeof(expirations)) < 0)
		return;
	loop->timerfd_due_us = 0;
}

int
loop_turn(struct loop *loop, int max_wait_ms)
{
	int len;

	set_timerfd(loop);
	len = epoll_wait(loop->epollfd, loop->batch, EVENTS_PER_TURN,
		loop->is_hurried ? 0 : max_wait_ms);
	loop->is_hurried = false;
	if (len < 0)
		return errno == EINTR ? 0 : -errno;
	loop->batch_len = len;
	for (int i = 0; i < len; i++)
		dispatch(loop, &loop->batch[i]);
	loop->batch_len = 0;
	run_timers(loop);
	if (loop->turn_end)
		loop->turn_end(loop->turn_end_data);
	return 0;
}

int
loop_run(struct loop *loop)
{
	int result = 0;

	while (!loop->is_quitting && result == 0)
		result = loop_turn(loop, -1);
	return result;
}
