/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sessions.c - the host's iSCSI sessions and their disks, watched.
 *
 * Runs in: supervisor.
 * Trusts: the kernel, as sender of uevents and in sysfs.
 * Invariant: readings take at most a fifth of the time, as in mounts.c. An
 *            event only says when to read: it is never believed.
 *
 * Source: lib/kobject_uevent.c of the kernel: "ACTION@DEVPATH", then
 * "NAME=VALUE"s, each ended by NUL.
 */
#include <errno.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/guard.h"
#include "common/log.h"
#include "supervisor/sessions.h"

enum {
	SESSIONS_MAX = 65536,
	DISKS_MAX = 16384, /* of one session: all LUNs */
	EVENT_MAX = 8192,
	EVENTS_A_TURN = 256,
	KERNEL_GROUP = 1,
	PAUSE_MIN_US = 20000,
	PAUSE_FACTOR = 4,
};

int
sessions_open_events(void)
{
	const struct sockaddr_nl address = {
		.nl_family = AF_NETLINK, .nl_groups = KERNEL_GROUP};
	cleanup_close int fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
			NETLINK_KOBJECT_UEVENT);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&address,
			      sizeof(address)) < 0)
		return -errno;
	return take_fd(&fd);
}

/* A growing table that is being read. */
struct reading {
	struct session_entry *entries;
	size_t count;
	size_t room;
	bool has_failed;
};

static void
add_disk(uint32_t lun, const char *name, void *data)
{
	struct session_entry *entry = data;
	size_t count = entry->disk_count;

	/* Room is made in powers of two. */
	if (!*name || count >= DISKS_MAX)
		return;
	if ((count & (count - 1)) == 0) {
		size_t room = count ? 2 * count : 1;
		struct session_disk *more =
			reallocarray(entry->disks, room, sizeof(*entry->disks));

		if (!more)
			return; /* the next reading tries again */
		entry->disks = more;
	}
	entry->disks[count].lun = lun;
	memcpy(entry->disks[count].name, name, strlen(name) + 1);
	entry->disk_count++;
}

static int
compare_luns(const void *a, const void *b)
{
	const struct session_disk *left = a;
	const struct session_disk *right = b;

	return left->lun < right->lun ? -1 : left->lun > right->lun;
}

static bool
add_session(const struct iscsi_session *session, void *data)
{
	struct reading *reading = data;
	struct session_entry *entry;

	if (!session->has_been_in)
		return true;
	if (reading->count == reading->room) {
		size_t room = reading->room ? 2 * reading->room : 16;
		struct session_entry *more = reallocarray(
			reading->entries, room, sizeof(*reading->entries));

		if (!more || room > SESSIONS_MAX) {
			reading->has_failed = true;
			return false;
		}
		reading->entries = more;
		reading->room = room;
	}
	entry = &reading->entries[reading->count++];
	*entry = (struct session_entry){.session = *session};
	(void)iscsi_disks_each(session->number, add_disk, entry); /* none */
	if (entry->disk_count > 1)
		qsort(entry->disks, entry->disk_count, sizeof(*entry->disks),
			compare_luns);
	return true;
}

static int
compare_numbers(const void *a, const void *b)
{
	const struct session_entry *left = a;
	const struct session_entry *right = b;

	return left->session.number < right->session.number
		       ? -1
		       : left->session.number > right->session.number;
}

static void
free_entries(struct session_entry *entries, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(entries[i].disks);
	free(entries);
}

static int
read_table(struct sessions *sessions)
{
	struct reading reading = {0};
	int result = iscsi_sessions_each(add_session, &reading);

	if (reading.has_failed)
		result = -ENOMEM;
	if (result < 0) {
		free_entries(reading.entries, reading.count);
		return result;
	}
	if (reading.count > 1)
		qsort(reading.entries, reading.count, sizeof(*reading.entries),
			compare_numbers);
	free_entries(sessions->entries, sessions->count);
	sessions->entries = reading.entries;
	sessions->count = reading.count;
	return 0;
}

void
sessions_read_now(struct sessions *sessions)
{
	uint64_t begin_us = clock_boot_us();
	uint64_t pause_us;
	int result;

	loop_disarm(sessions->loop, &sessions->timer);
	result = read_table(sessions);
	if (result < 0)
		log_warning("iSCSI sessions: cannot be read: %s",
			strerror(-result));
	else
		sessions->on_change(sessions->data);
	pause_us = PAUSE_FACTOR * (clock_boot_us() - begin_us);
	if (pause_us < PAUSE_MIN_US)
		pause_us = PAUSE_MIN_US;
	sessions->not_before_us = clock_boot_us() + pause_us;
}

static void
on_due(struct loop_timer *timer)
{
	sessions_read_now(container_of(timer, struct sessions, timer));
}

void
sessions_read_soon(struct sessions *sessions)
{
	/* Without memory for a timer: the next event tells. */
	if (sessions->timer.due_us == 0)
		(void)loop_arm(sessions->loop, &sessions->timer,
			sessions->not_before_us ? sessions->not_before_us : 1);
}

/* A session, or a disk of one: "session" stands in the path of both. */
static bool
is_about_sessions(const char *event, ssize_t len)
{
	return memmem(event, strnlen(event, (size_t)len), "/session", 8) !=
	       NULL;
}

static void
on_event(struct loop_source *source, uint32_t events)
{
	struct sessions *sessions =
		container_of(source, struct sessions, source);
	bool has_news = false;

	for (int i = 0; i < EVENTS_A_TURN; i++) {
		char event[EVENT_MAX];
		ssize_t len = recv(source->fd, event, sizeof(event), 0);

		if (len < 0 && errno == EAGAIN)
			break;
		/* ENOBUFS: some were lost, and we cannot know which. */
		if (len < 0 || is_about_sessions(event, len))
			has_news = true;
	}
	if (has_news)
		sessions_read_soon(sessions);
}

int
sessions_init(struct sessions *sessions, struct loop *loop, int fd)
{
	int result = 0;

	sessions->loop = loop;
	sessions->timer.on_due = on_due;
	sessions->source = (struct loop_source){
		.fd = fd, .events = EPOLLIN, .on_event = on_event};
	if (fd >= 0)
		result = loop_watch(loop, &sessions->source);
	return result < 0 ? result : read_table(sessions);
}

void
sessions_done(struct sessions *sessions)
{
	loop_disarm(sessions->loop, &sessions->timer);
	guard_close(&sessions->source.fd);
	sessions->source.fd = -1;
	free_entries(sessions->entries, sessions->count);
	sessions->entries = NULL;
	sessions->count = 0;
}

struct session_entry *
sessions_find(const struct sessions *sessions, uint32_t number)
{
	const struct session_entry wanted = {.session.number = number};

	if (sessions->count == 0)
		return NULL;
	return bsearch(&wanted, sessions->entries, sessions->count,
		sizeof(wanted), compare_numbers);
}

const struct session_disk *
session_disk(const struct session_entry *entry, int32_t lun)
{
	for (size_t i = 0; i < entry->disk_count; i++)
		if (lun < 0 || entry->disks[i].lun == (uint32_t)lun)
			return &entry->disks[i];
	return NULL;
}
