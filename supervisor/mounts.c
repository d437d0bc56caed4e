/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mounts.c - the host's mount table, watched. Owner file of libmount.
 *
 * Runs in: supervisor.
 * Trusts: the kernel's table; names in it come from anybody.
 * Invariant: readings take at most a fifth of the time, however often the
 *            table changes: each is followed by a pause of four times its cost
 *            (at least PAUSE_MIN_US).
 */
#include <errno.h>
#include <libmount/libmount.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/guard.h"
#include "common/log.h"
#include "supervisor/mounts.h"

enum {
	PAUSE_MIN_US = 20000,
	PAUSE_FACTOR = 4,
	PAUSE_FAILED_US = 1000000,
	OPTION_NAME_MAX = 64,
	OPTION_VALUE_MAX = 256,
};

static int
read_table(struct mounts *mounts)
{
	cleanup_fclose FILE *file = NULL;
	struct libmnt_table *table;
	int fd = dup(mounts->source.fd);

	if (fd < 0)
		return -errno;
	file = fdopen(fd, "r");
	if (!file) {
		(void)close(fd);
		return -ENOMEM;
	}
	rewind(file);
	table = mnt_new_table();
	if (!table)
		return -ENOMEM;
	if (mnt_table_parse_stream(table, file, "mountinfo") != 0) {
		mnt_unref_table(table);
		return -EIO;
	}
	mnt_unref_table(mounts->table);
	mounts->table = table;
	return 0;
}

static void
read_and_tell(struct mounts *mounts)
{
	uint64_t begin_us = clock_boot_us();
	uint64_t pause_us;
	int result = read_table(mounts);

	if (result < 0) {
		log_warning(
			"mount table: cannot be read: %s", strerror(-result));
		/* The change was told once, and would be forgotten. */
		mounts->not_before_us = clock_boot_us() + PAUSE_FAILED_US;
		(void)loop_arm(
			mounts->loop, &mounts->timer, mounts->not_before_us);
		return;
	}
	mounts->read_us = begin_us;
	mounts->on_change(mounts->data);
	pause_us = PAUSE_FACTOR * (clock_boot_us() - begin_us);
	if (pause_us < PAUSE_MIN_US)
		pause_us = PAUSE_MIN_US;
	mounts->not_before_us = clock_boot_us() + pause_us;
}

static void
on_due(struct loop_timer *timer)
{
	read_and_tell(container_of(timer, struct mounts, timer));
}

/* proc_pid_mountinfo(5): a change shows as EPOLLPRI, once. */
static void
on_event(struct loop_source *source, uint32_t events)
{
	struct mounts *mounts = container_of(source, struct mounts, source);

	if (mounts->timer.due_us != 0)
		return;
	if (clock_boot_us() < mounts->not_before_us &&
		loop_arm(mounts->loop, &mounts->timer, mounts->not_before_us) ==
			0)
		return;
	read_and_tell(mounts);
}

void
mounts_read_soon(struct mounts *mounts)
{
	/* Without memory for a timer: the next change tells. */
	if (mounts->timer.due_us == 0)
		(void)loop_arm(
			mounts->loop, &mounts->timer, mounts->not_before_us);
}

void
mounts_read_now(struct mounts *mounts)
{
	loop_disarm(mounts->loop, &mounts->timer);
	read_and_tell(mounts);
}

int
mounts_init(struct mounts *mounts, struct loop *loop, int fd)
{
	int result;

	mounts->loop = loop;
	/* Edge-triggered: the condition stays until the table is read. */
	mounts->source = (struct loop_source){
		.fd = fd, .events = EPOLLPRI | EPOLLET, .on_event = on_event};
	mounts->timer.on_due = on_due;
	result = loop_watch(loop, &mounts->source);
	if (result == 0)
		result = read_table(mounts);
	return result;
}

void
mounts_done(struct mounts *mounts)
{
	loop_disarm(mounts->loop, &mounts->timer);
	mnt_unref_table(mounts->table);
	mounts->table = NULL;
	guard_close(&mounts->source.fd);
	mounts->source.fd = -1;
}

static const char *
or_empty(const char *text)
{
	return text ? text : "";
}

void
mounts_each(struct mounts *mounts,
	void (*each)(const struct mount_entry *entry, void *data), void *data)
{
	struct libmnt_iter *iter = mnt_new_iter(MNT_ITER_FORWARD);
	struct libmnt_fs *fs;

	if (!iter)
		return; /* the next change tries again */
	while (mnt_table_next_fs(mounts->table, iter, &fs) == 0) {
		dev_t device = mnt_fs_get_devno(fs);
		const struct mount_entry entry = {
			.id = (uint32_t)mnt_fs_get_id(fs),
			.device_major = major(device),
			.device_minor = minor(device),
			.type = or_empty(mnt_fs_get_fstype(fs)),
			.source = or_empty(mnt_fs_get_source(fs)),
			.path = or_empty(mnt_fs_get_target(fs)),
			.options = or_empty(mnt_fs_get_fs_options(fs)),
			.flags = or_empty(mnt_fs_get_vfs_options(fs)),
			.is_network = mnt_fs_is_netfs(fs),
		};

		each(&entry, data);
	}
	mnt_free_iter(iter);
}

bool
mounts_option(
	const char *options, const char *name, char *ret_value, size_t size)
{
	char *value = NULL;
	size_t len = 0;

	if (mnt_optstr_get_option(options, name, &value, &len) != 0)
		return false;
	if (len >= size)
		len = size - 1;
	if (value)
		memcpy(ret_value, value, len);
	ret_value[value ? len : 0] = '\0';
	return true;
}

/* What the kernel never shows, or not when it is what it is by default. */
static bool
is_never_shown(const char *name)
{
	static const char *const names[] = {"port", "mountport", "mountvers",
		"mountproto", "retry", "nolock", "lock", "acl", "cto", "ac",
		"rdirplus", "nofsc", "size", "sharecache", "resvport"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static void
compare_one(const char *name, const char *value, const char *effective,
	void (*each)(const struct option_difference *difference, void *data),
	void *data)
{
	char found[OPTION_VALUE_MAX] = "";
	bool is_there = mounts_option(effective, name, found, sizeof(found));

	if (is_there ? strcmp(found, value) == 0 : is_never_shown(name))
		return;
	each(
		&(struct option_difference){
			.name = name,
			.requested = *value ? value : name,
			.effective = is_there ? (*found ? found : name) : "",
		},
		data);
}

void
mounts_compare(const char *requested, const char *effective,
	void (*each)(const struct option_difference *difference, void *data),
	void *data)
{
	char *at = (char *)requested; /* it is only read */
	char *name_at, *value_at;
	size_t name_len, value_len;

	while (mnt_optstr_next_option(
		       &at, &name_at, &name_len, &value_at, &value_len) == 0) {
		char name[OPTION_NAME_MAX];
		char value[OPTION_VALUE_MAX];

		(void)snprintf(
			name, sizeof(name), "%.*s", (int)name_len, name_at);
		(void)snprintf(value, sizeof(value), "%.*s", (int)value_len,
			value_at ? value_at : "");
		compare_one(name, value, effective, each, data);
	}
}
