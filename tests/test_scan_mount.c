/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_scan_mount.c - who uses a mount, in a /proc made for it.
 */
#include "tests/fake_tree.h"
#include "worker/scan_mount.h"

#define INFO(mount) "pos:\t0\nflags:\t02\nmnt_id:\t" mount "\nino:\t1\n"

static const struct scan_message order = {
	.path = "/mnt/a",
	.mount_id = 30,
	.device_major = 0,
	.device_minor = 50,
};

static int
set_up(void **state)
{
	if (fake_set_up(state) < 0)
		return -1;
	fake_link("mnt:[1000]", "proc/1/ns/mnt");
	fake_file("20 1 254:1 / / rw - ext4 /dev/vda1 rw\n"
		  "30 20 0:50 / /mnt/a rw shared:7 - nfs4 nas1:/a rw\n",
		"proc/1/mountinfo");
	fake_file("work er\n", "proc/4001/comm");
	fake_link("mnt:[1000]", "proc/4001/ns/mnt");
	fake_link("/mnt/ab", "proc/4001/cwd");
	fake_link("/", "proc/4001/root");
	fake_link("/mnt/ab", "proc/4001/fd/3");
	fake_link("socket:[1]", "proc/4001/fd/4");
	fake_file("7f-8f r--p 00 08:01 7    /mnt/ab\n", "proc/4001/maps");
	fake_directory("proc/1/fd");
	fake_file("", "proc/1/maps");
	return 0;
}

static void
scan(void)
{
	int procfd = fake_open("proc");
	int hostprocfd = fake_open("proc/1");

	scan_mount(procfd, hostprocfd, &order);
	(void)close(procfd);
	(void)close(hostprocfd);
}

static void
assert_found(const char *told)
{
	scan();
	assert_string_equal(fake.missed, "");
	assert_string_equal(fake.told, told);
}

static void
a_mount_that_nobody_uses_has_no_holders(void **state)
{
	assert_found("");
}

static void
an_open_file_counts_if_it_is_on_that_mount(void **state)
{
	fake_link("/mnt/a/x", "proc/4001/fd/5");
	fake_file(INFO("31"), "proc/4001/fdinfo/5");
	assert_found("");
	fake_link("/mnt/a/x", "proc/4001/fd/6");
	fake_file(INFO("30"), "proc/4001/fdinfo/6");
	assert_found("open file 4001 work er\n");
}

static void
directories_and_mappings_count(void **state)
{
	fake_link("/mnt/a", "proc/4001/cwd");
	fake_link("/mnt/a/root", "proc/4001/root");
	fake_file("7f-8f r--p 00 00:32 7    /mnt/a/lib (deleted)\n",
		"proc/4001/maps");
	assert_found("working directory 4001 work er\n"
		     "root directory 4001 work er\nmapping 4001 work er\n");
}

static void
a_mount_below_counts(void **state)
{
	fake_file("30 20 0:50 / /mnt/a rw - nfs4 nas1:/a rw\n"
		  "31 30 0:51 / /mnt/a/b rw - tmpfs x rw\n"
		  "32 30 0:51 / /mnt/ab rw - tmpfs x rw\n",
		"proc/1/mountinfo");
	assert_found("nested mount 0 /mnt/a/b\n");
}

static void
a_copy_counts_if_an_unmount_does_not_reach_it(void **state)
{
	fake_link("mnt:[1001]", "proc/4001/ns/mnt");
	fake_file("40 20 0:50 / /x rw master:7 - nfs4 nas1:/a rw\n",
		"proc/4001/mountinfo");
	assert_found("");
	fake_file("40 20 0:50 / /x rw - nfs4 nas1:/a rw\n",
		"proc/4001/mountinfo");
	assert_found("other mount namespace 4001 work er\n");
}

static void
what_cannot_be_read_is_missed(void **state)
{
	fake_link("maps", "proc/4001/maps");
	scan();
	assert_string_equal(fake.missed, "maps\n");
}

static void
without_the_hosts_mounts_all_is_missed(void **state)
{
	fake_link("nothing", "proc/1/mountinfo");
	scan();
	assert_string_not_equal(fake.missed, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, fake_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_mount_that_nobody_uses_has_no_holders),
		TEST(an_open_file_counts_if_it_is_on_that_mount),
		TEST(directories_and_mappings_count),
		TEST(a_mount_below_counts),
		TEST(a_copy_counts_if_an_unmount_does_not_reach_it),
		TEST(what_cannot_be_read_is_missed),
		TEST(without_the_hosts_mounts_all_is_missed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
