/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * loop.h - the event loop: descriptors by epoll, timers by one timerfd.
 *
 * Runs in: supervisor, worker. One loop a process.
 * Invariant: a source or timer that was forgotten is never called again, not
 *            even for an event of the turn in which it was forgotten.
 *
 * Sources and timers are embedded in what owns them; the loop keeps pointers
 * and allocates only its own tables.
 */
#ifndef COMMON_LOOP_H
#define COMMON_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

struct loop;

struct loop_source {
	int fd;		 /* not owned */
	uint32_t events; /* EPOLLIN and so on, as asked for */
	void (*on_event)(struct loop_source *source, uint32_t events);
};

struct loop_timer {
	uint64_t due_us; /* CLOCK_BOOTTIME; 0 while it is not armed */
	size_t position; /* in the loop's heap */
	void (*on_due)(struct loop_timer *timer);
};

#define container_of(ptr, type, member)                                        \
	((type *)((char *)(ptr)-offsetof(type, member)))

/* 0 or -errno. */
int loop_new(struct loop **ret_loop);
void loop_free(struct loop *loop);

/* 0 or -errno. source->fd, ->events and ->on_event are set by the caller. */
int loop_watch(struct loop *loop, struct loop_source *source);
/* Changes the events of a watched source; a no-op when they are the same. */
void loop_change(
	struct loop *loop, struct loop_source *source, uint32_t events);
/* Before its descriptor is closed. Does nothing for one that is not watched. */
void loop_forget(struct loop *loop, struct loop_source *source);

/* Arms the timer, or moves it. timer->on_due is set by the caller. */
int loop_arm(struct loop *loop, struct loop_timer *timer, uint64_t due_us);
void loop_disarm(struct loop *loop, struct loop_timer *timer);

/* Called after all events of a turn, when there is one. */
void loop_on_turn_end(struct loop *loop, void (*function)(void *), void *data);
/* The next turn does not wait: there is work left over from this one. */
void loop_hurry(struct loop *loop);
/* Turns until loop_quit(). 0 or -errno of epoll. */
int loop_run(struct loop *loop);
void loop_quit(struct loop *loop);
/* One turn that waits at most max_wait_ms, -1 for ever. For tests. */
int loop_turn(struct loop *loop, int max_wait_ms);

#endif
