/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_sessions.c - the table of iSCSI sessions, and when it is read anew.
 *
 * Runs in: the build.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "common/guard.h"
#include "supervisor/sessions.h"
#include "tests/fake_sessions.h"

static struct sessions sessions;
static int kernel_fd; /* what is sent here the kernel has said */
static int readings;

static void
on_change(void *data)
{
	readings++;
}

static int
set_up(void **state)
{
	int pair[2];

	if (tree_set_up(state) < 0 || mkdir("iscsi_session", 0755) < 0 ||
		socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair) < 0)
		return -1;
	kernel_fd = pair[0];
	readings = 0;
	sessions = (struct sessions){.on_change = on_change};
	if (loop_new(&sessions.loop) < 0)
		return -1;
	return sessions_init(&sessions, sessions.loop, pair[1]);
}

static int
tear_down(void **state)
{
	sessions_done(&sessions);
	loop_free(sessions.loop);
	(void)close(kernel_fd);
	return tree_tear_down(state);
}

static void
tell(const char *event, size_t len)
{
	assert_int_equal(send(kernel_fd, event, len, 0), len);
}

/* What the loop would do with what has been told; whether a reading is due. */
static bool
hear(void)
{
	sessions.source.on_event(&sessions.source, EPOLLIN);
	return sessions.timer.due_us != 0;
}

static void
events_of_sessions_and_their_disks_have_the_table_read(void **state)
{
	static const char *const events[] = {
		"add@/devices/platform/host7/session3/iscsi_session/session3",
		"remove@/devices/platform/host7/session3",
		"add@/devices/platform/host7/session3/target7:0:0/7:0:0:0/"
		"block/sda",
		"change@/devices/platform/host7/session3/target7:0:0/7:0:0:0",
	};

	for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
		tell(events[i], strlen(events[i]) + 1);
		if (!hear())
			fail_msg("%s", events[i]);
		sessions_read_now(&sessions);
		assert_int_equal(readings, (int)i + 1);
		assert_int_equal(sessions.timer.due_us, 0);
	}
}

static void
events_of_other_devices_have_nothing_read(void **state)
{
	static const char *const events[] = {
		"add@/devices/pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0",
		"add@/devices/virtual/block/dm-0",
		"session",
		"",
	};
	/* What stands behind the path is not looked at. */
	static const char later[] = "add@/devices/x\0DEVPATH=/session3";

	for (size_t i = 0; i < ARRAY_SIZE(events); i++)
		tell(events[i], strlen(events[i]) + 1);
	tell(later, sizeof(later));
	assert_false(hear());
}

static void
an_event_without_an_end_is_read_within_its_bounds(void **state)
{
	char event[8192];

	memset(event, 'x', sizeof(event));
	tell(event, sizeof(event));
	assert_false(hear());
}

static void
many_events_are_one_reading(void **state)
{
	static const char event[] = "add@/devices/host7/session3";

	for (int i = 0; i < 5; i++)
		tell(event, sizeof(event));
	assert_true(hear());
	sessions_read_now(&sessions);
	assert_false(hear());
	assert_int_equal(readings, 1);
}

static void
two_readings_have_a_pause_between_them(void **state)
{
	sessions_read_now(&sessions);
	sessions_read_soon(&sessions);
	assert_true(sessions.timer.due_us >= sessions.not_before_us);
	assert_true(sessions.not_before_us > 0);
}

static void
disks_stand_by_their_luns_and_those_without_a_name_do_not(void **state)
{
	static const struct {
		uint32_t lun;
		const char *name;
	} disks[] = {{2, "sdc"}, {0, "sda"}, {16383, "sde"}, {1, "sdb"}};
	const struct session_entry *entry;

	fake_session_make(7);
	for (size_t i = 0; i < ARRAY_SIZE(disks); i++)
		fake_unit_make(7, disks[i].lun, "0\n", disks[i].name);
	fake_unit_make(7, 5, "0\n", "");
	sessions_read_now(&sessions);
	entry = sessions_find(&sessions, 7);
	assert_non_null(entry);
	assert_int_equal(entry->disk_count, 4);
	assert_string_equal(entry->disks[0].name, "sda");
	assert_string_equal(entry->disks[1].name, "sdb");
	assert_string_equal(entry->disks[2].name, "sdc");
	assert_string_equal(entry->disks[3].name, "sde");
}

static void
a_disk_is_found_by_its_lun_and_the_lowest_without_one(void **state)
{
	const struct session_entry *entry;

	fake_session_make(7);
	fake_unit_make(7, 4, "0\n", "sdb");
	fake_unit_make(7, 3, "0\n", "sda");
	sessions_read_now(&sessions);
	entry = sessions_find(&sessions, 7);
	assert_string_equal(session_disk(entry, 4)->name, "sdb");
	assert_string_equal(session_disk(entry, -1)->name, "sda");
	assert_null(session_disk(entry, 0));
}

static void
more_sessions_than_the_table_had_room_for_are_all_kept(void **state)
{
	enum {
		SESSIONS = 40
	};

	for (unsigned i = 1; i <= SESSIONS; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "sd%u", i);
		fake_session_make(i);
		fake_unit_make(i, 0, "0\n", name);
	}
	sessions_read_now(&sessions);
	assert_int_equal(sessions.count, SESSIONS);
	for (unsigned i = 1; i <= SESSIONS; i++) {
		const struct session_entry *entry = sessions_find(&sessions, i);
		char name[16];

		(void)snprintf(name, sizeof(name), "sd%u", i);
		assert_non_null(entry);
		assert_int_equal(entry->session.number, i);
		assert_string_equal(session_disk(entry, 0)->name, name);
	}
}

static void
what_was_never_logged_in_to_is_no_session(void **state)
{
	fake_session_make(7);
	fake_session_set(7, "state", "FREE\n");
	sessions_read_now(&sessions);
	assert_int_equal(sessions.count, 0);
	assert_null(sessions_find(&sessions, 7));
}

static void
what_has_gone_is_gone_with_the_next_reading(void **state)
{
	fake_session_make(7);
	sessions_read_now(&sessions);
	assert_non_null(sessions_find(&sessions, 7));
	fake_session_unset(7, "");
	sessions_read_now(&sessions);
	assert_null(sessions_find(&sessions, 7));
}

/* Unknown is not gone. */
static void
a_table_that_cannot_be_read_stays_as_it_was(void **state)
{
	fake_session_make(7);
	sessions_read_now(&sessions);
	tree_remove("iscsi_session");
	tree_write("iscsi_session", "");
	sessions_read_now(&sessions);
	assert_non_null(sessions_find(&sessions, 7));
	assert_int_equal(readings, 1);
}

#define IN_TREE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_TREE(events_of_sessions_and_their_disks_have_the_table_read),
		IN_TREE(events_of_other_devices_have_nothing_read),
		IN_TREE(an_event_without_an_end_is_read_within_its_bounds),
		IN_TREE(many_events_are_one_reading),
		IN_TREE(two_readings_have_a_pause_between_them),
		IN_TREE(disks_stand_by_their_luns_and_those_without_a_name_do_not),
		IN_TREE(a_disk_is_found_by_its_lun_and_the_lowest_without_one),
		IN_TREE(more_sessions_than_the_table_had_room_for_are_all_kept),
		IN_TREE(what_was_never_logged_in_to_is_no_session),
		IN_TREE(what_has_gone_is_gone_with_the_next_reading),
		IN_TREE(a_table_that_cannot_be_read_stays_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
