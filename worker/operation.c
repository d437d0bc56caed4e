/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * operation.c - what may block runs in a child with a deadline.
 *
 * Runs in: worker; operation_child.c in its children.
 * Trusts: a child's result as little as any message: it may have been written
 *         by a server's bytes.
 * Invariant: see operation.h. Owner file of processes and of pidfds. Signals go
 *            by pidfds that clone(2) gave: the filter allows no others where
 *            other workers have the same user.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "common/clock.h"
#include "common/guard.h"
#include "worker/operation_private.h"

enum {
	ERRNO_MAX = 4095,
	PACKETS_MAX = 16 /* as many as a pipe holds: no child keeps us busy */
};

static bool
is_valid(const struct operation_result *result)
{
	size_t len = strnlen(result->text, sizeof(result->text));

	return result->value <= INT32_MAX && result->code < ERR_COUNT &&
	       result->errnum >= 0 && result->errnum <= ERRNO_MAX &&
	       (result->code == ERR_NONE) == (result->errnum == 0) &&
	       len < sizeof(result->text) && utf8_is_valid(result->text, len);
}

/* A step can only make the deadline shorter. */
static void
note_step(struct operation_slot *slot, const struct operation_note *note)
{
	uint64_t due_us = slot->deadline_us;
	uint64_t limit_us = clock_boot_us() + note->limit_ms * US_PER_MS;

	if (slot->phase != OPERATION_RUNNING || note->step >= OPERATION_STEPS)
		return;
	slot->step = (enum operation_step)note->step;
	slot->step_limit_ms = 0;
	if (note->limit_ms != 0 && limit_us < due_us) {
		slot->step_limit_ms = note->limit_ms;
		due_us = limit_us;
	}
	/* It is armed already, and is only moved. */
	(void)loop_arm(slot->operations->loop, &slot->timer, due_us);
}

/* All that the child has said so far. */
static void
read_packets(struct operation_slot *slot)
{
	union {
		struct operation_note note;
		struct operation_result result;
	} packet;
	ssize_t len = 1;

	for (int i = 0; i < PACKETS_MAX && len > 0; i++) {
		len = read(slot->resultfd, &packet, sizeof(packet));
		if (len == sizeof(packet.note)) {
			note_step(slot, &packet.note);
		} else if (len == sizeof(packet.result) &&
			   is_valid(&packet.result)) {
			slot->result = packet.result;
			slot->has_result = true;
		} else if (len > 0) {
			slot->is_garbled = true;
		}
	}
	/* Its end of the pipe is closed: there is no more to wait for. */
	if (len == 0)
		loop_forget(slot->operations->loop, &slot->words);
}

static void
on_words(struct loop_source *source, uint32_t events)
{
	read_packets(container_of(source, struct operation_slot, words));
}

/* Whether the child said how it went. */
static bool
take_result(struct operation_slot *slot, struct operation_outcome *outcome)
{
	const struct operation_result *result = &slot->result;

	read_packets(slot);
	if (!slot->has_result || slot->is_garbled)
		return false;
	outcome->latency_us = result->latency_us;
	outcome->value = result->value;
	outcome->error.code = (enum err_code)result->code;
	outcome->error.errnum = result->errnum;
	memcpy(outcome->error.text, result->text, sizeof(result->text));
	err_clean_text(outcome->error.text);
	return true;
}

static void
say_overdue(
	const struct operation_slot *slot, struct operation_outcome *outcome)
{
	static const char *const actions[OPERATION_COUNT] = {
		[OPERATION_CONNECT] = "the attempt did not end",
		[OPERATION_PROBE] = "statfs did not answer",
		[OPERATION_DETACH] = "the lazy unmount did not end",
		[OPERATION_DISCONNECT] = "the disconnect did not end",
		[OPERATION_TRIAL] = "the target did not answer",
	};
	static const char *const steps[OPERATION_STEPS] = {
		[OPERATION_STEP_MOUNT] = "mount(2) did not end",
		[OPERATION_STEP_UNMOUNT] = "umount2(2) did not end",
		[OPERATION_STEP_ASK] = "the server did not answer",
	};
	bool is_step = slot->step_limit_ms != 0;
	uint64_t ms = is_step ? slot->step_limit_ms : slot->deadline_ms;
	bool is_whole = ms % 1000 == 0;

	(void)err_set(&outcome->error, ERR_TIMED_OUT, ETIMEDOUT,
		"%.100s: %s within %llu %s", slot->operations->subject,
		is_step ? steps[slot->step] : actions[slot->kind],
		(unsigned long long)(is_whole ? ms / 1000 : ms),
		is_whole ? "s" : "ms");
}

static void
release(struct operation_slot *slot)
{
	struct loop *loop = slot->operations->loop;

	loop_disarm(loop, &slot->timer);
	loop_forget(loop, &slot->source);
	loop_forget(loop, &slot->words);
	guard_close(&slot->pidfd);
	guard_close(&slot->resultfd);
	slot->source.fd = slot->words.fd = -1;
	slot->pidfd = slot->resultfd = -1;
	slot->pid = 0;
	slot->stuck_unix_us = 0;
	slot->phase = OPERATION_IDLE;
}

/* The child has ended, or is stuck: says so, once. */
static void
report(struct operation_slot *slot, const siginfo_t *info)
{
	struct operations *operations = slot->operations;
	struct operation_outcome outcome = {
		.operation = slot->kind,
		.is_stuck = slot->phase == OPERATION_STUCK,
	};

	if (!outcome.is_stuck && take_result(slot, &outcome)) {
		/* It was done before the signal came: that counts. */
	} else if (slot->is_cancelled) {
		outcome.is_cancelled = true;
	} else if (slot->phase != OPERATION_RUNNING) {
		outcome.is_overdue = true;
		outcome.step = slot->step;
		say_overdue(slot, &outcome);
	} else {
		(void)err_set(&outcome.error, ERR_INTERNAL, EPROTO,
			"%.100s: the process for %s ended without a result (%s "
			"%d)",
			operations->subject, operation_word(slot->kind),
			info->si_code == CLD_EXITED ? "status" : "signal",
			info->si_status);
	}
	if (!outcome.is_stuck)
		release(slot);
	operations->on_outcome(operations, &outcome);
}

/*
 * Programs that a child started and left behind come to us where we are the
 * first process of a namespace of our own. Our own children are not theirs to
 * take: each is waited for through its pidfd.
 */
static void
reap_orphans(const struct operations *operations)
{
	siginfo_t info = {0};

	while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
		info.si_pid > 0) {
		for (unsigned kind = 0; kind < OPERATION_COUNT; kind++)
			if (operations->slots[kind].pid == info.si_pid)
				return;
		(void)waitpid(info.si_pid, NULL, WNOHANG);
		info.si_pid = 0;
	}
}

/*
 * The group is the child's own, and its number stays taken until the child has
 * been reaped: nobody else is hit. Workers whose children run no programs may
 * not, and need not. ESRCH: it has just ended, and its pidfd is readable.
 */
static void
kill_group(const struct operation_slot *slot)
{
	(void)kill(-slot->pid, SIGKILL);
	(void)pidfd_send_signal(slot->pidfd, SIGKILL, NULL, 0);
}

/*
 * fork(2) that gives a descriptor of the child, too, which fork() of the C
 * library cannot. What that does besides is for programs with threads. The
 * first three arguments are in this order everywhere but on s390: clone(2).
 */
static pid_t
fork_with_pidfd(int *ret_pidfd)
{
	return (pid_t)syscall(
		SYS_clone, CLONE_PIDFD | SIGCHLD, NULL, ret_pidfd, NULL, NULL);
}

static void
on_ended(struct loop_source *source, uint32_t events)
{
	struct operation_slot *slot =
		container_of(source, struct operation_slot, source);
	siginfo_t info = {0};

	/* What it started does not outlive it. */
	(void)kill(-slot->pid, SIGKILL);
	if (waitid(P_PIDFD, (id_t)slot->pidfd, &info, WEXITED | WNOHANG) < 0 ||
		info.si_pid == 0)
		return;
	if (slot->phase == OPERATION_STUCK) {
		release(slot);
		slot->operations->on_freed(slot->operations, slot->kind);
	} else {
		report(slot, &info);
	}
	reap_orphans(slot->operations);
}

static void
become_stuck(struct operation_slot *slot)
{
	slot->phase = OPERATION_STUCK;
	slot->stuck_unix_us = clock_unix_us();
	report(slot, NULL);
}

static void
kill_slot(struct operation_slot *slot)
{
	struct operations *operations = slot->operations;

	kill_group(slot);
	slot->phase = OPERATION_KILLED;
	if (operations->grace_us == 0) {
		become_stuck(slot);
		return;
	}
	/* There is room: the timer has just been taken out of the heap. */
	(void)loop_arm(operations->loop, &slot->timer,
		clock_boot_us() + operations->grace_us);
}

static void
on_due(struct loop_timer *timer)
{
	struct operation_slot *slot =
		container_of(timer, struct operation_slot, timer);

	if (slot->phase == OPERATION_RUNNING)
		kill_slot(slot);
	else if (slot->phase == OPERATION_KILLED)
		become_stuck(slot);
}

void
operations_init(struct operations *operations, struct loop *loop)
{
	operations->loop = loop;
	operations->grace_us = OPERATION_GRACE_MS * US_PER_MS;
	for (unsigned kind = 0; kind < OPERATION_COUNT; kind++)
		operations->slots[kind] = (struct operation_slot){
			.operations = operations,
			.kind = (enum operation)kind,
			.pidfd = -1,
			.resultfd = -1,
			.source = {.fd = -1,
				.events = EPOLLIN,
				.on_event = on_ended},
			.words = {.fd = -1,
				.events = EPOLLIN,
				.on_event = on_words},
			.timer = {.on_due = on_due},
		};
}

/* Takes resultfd and the child. 0 or -errno, and the child is killed then. */
static int
adopt_child(struct operation_slot *slot, int resultfd)
{
	struct loop *loop = slot->operations->loop;
	int result;

	/* The child does the same: whoever comes first. */
	(void)setpgid(slot->pid, slot->pid);
	slot->resultfd = slot->words.fd = resultfd;
	slot->source.fd = slot->pidfd;
	result = loop_watch(loop, &slot->source);
	if (result == 0)
		result = loop_watch(loop, &slot->words);
	if (result == 0)
		result = loop_arm(loop, &slot->timer, slot->deadline_us);
	if (result == 0)
		return 0;
	/* Not waited for: at worst a zombie stays, until the worker ends. */
	kill_group(slot);
	(void)waitpid(slot->pid, NULL, WNOHANG);
	release(slot);
	return result;
}

int
operation_start(struct operations *operations, enum operation kind,
	const struct operation_task *task)
{
	struct operation_slot *slot = &operations->slots[kind];
	cleanup_close int readfd = -1;
	cleanup_close int writefd = -1;
	pid_t parent = getpid();
	int pair[2];

	assert(kind > OPERATION_NONE && kind < OPERATION_COUNT);
	if (slot->phase != OPERATION_IDLE)
		return -EBUSY;
	/* In packet mode: a read gives what one write wrote. */
	if (pipe2(pair, O_CLOEXEC | O_NONBLOCK | O_DIRECT) < 0)
		return -errno;
	readfd = pair[0];
	writefd = pair[1];
	slot->deadline_ms = task->deadline_ms;
	slot->deadline_us = clock_boot_us() + task->deadline_ms * US_PER_MS;
	slot->pid = fork_with_pidfd(&slot->pidfd);
	if (slot->pid < 0) {
		slot->pid = 0;
		return -errno;
	}
	if (slot->pid == 0)
		operation_run_child(task, writefd, parent, slot->deadline_us);
	slot->phase = OPERATION_RUNNING;
	slot->is_cancelled = slot->has_result = slot->is_garbled = false;
	slot->step = OPERATION_STEP_NONE;
	slot->step_limit_ms = 0;
	return adopt_child(slot, take_fd(&readfd));
}

void
operation_cancel(struct operations *operations, enum operation kind)
{
	struct operation_slot *slot = &operations->slots[kind];

	if (slot->phase != OPERATION_RUNNING)
		return;
	slot->is_cancelled = true;
	kill_slot(slot);
}

enum operation
operations_running(const struct operations *operations)
{
	for (unsigned kind = 0; kind < OPERATION_COUNT; kind++) {
		enum operation_phase phase = operations->slots[kind].phase;

		if (kind != OPERATION_TRIAL &&
			(phase == OPERATION_RUNNING ||
				phase == OPERATION_KILLED))
			return (enum operation)kind;
	}
	return OPERATION_NONE;
}

unsigned
operations_stuck(const struct operations *operations)
{
	unsigned stuck = 0;

	for (unsigned kind = 0; kind < OPERATION_COUNT; kind++)
		if (operations->slots[kind].phase == OPERATION_STUCK)
			stuck |= 1u << kind;
	return stuck;
}

void
operations_kill_all(struct operations *operations)
{
	for (unsigned kind = 0; kind < OPERATION_COUNT; kind++) {
		struct operation_slot *slot = &operations->slots[kind];

		if (slot->phase == OPERATION_IDLE)
			continue;
		kill_group(slot);
		release(slot);
	}
}
