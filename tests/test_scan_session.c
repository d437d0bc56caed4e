/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_scan_session.c - who holds an iSCSI session, in trees made for it.
 *
 * Every test begins with session 3, whose disk sda (8:0) has a partition sda1
 * (8:1) and a generic device sg0 (21:0), and a process that holds nothing.
 */
#include "tests/fake_tree.h"
#include "worker/scan_session.h"

#define HOST_MOUNTS                                                            \
	"20 1 254:1 / / rw - ext4 /dev/vda1 rw\n"                              \
	"21 20 0:5 / /dev rw,nosuid - devtmpfs udev rw\n"                      \
	"22 20 0:40 / /nas rw,nosuid,nodev - nfs4 nas1:/dev/sda1 rw\n"         \
	"23 20 0:41 / /old rw - overlay overlay rw,lowerdir=/dev/sda1\n"       \
	"24 20 0:42 / /tmp rw - tmpfs /dev/sda1 rw\n"

static unsigned asked; /* links that were followed */

/*
 * In place of libc's. What a path leads to is a file like "b 8:1 0:5 77 21",
 * type, number, and of its node the file system's number, inode and mount; any
 * other is a plain file of nobody's.
 */
int
statx(int dirfd, const char *path, int flags, unsigned mask,
	struct statx *ret_stat)
{
	char self[64], text[64] = "", type = 'f';
	struct statx stat = {.stx_mask = STATX_MNT_ID};
	unsigned long long inode = 0, mount = 0;
	int fd;

	asked++;
	/* Else a server, or whose file system it is, would have a say. */
	assert_true(flags & AT_STATX_DONT_SYNC);
	assert_true(mask == 0 || flags & AT_SYMLINK_NOFOLLOW);
	(void)snprintf(self, sizeof(self), "/proc/self/fd/%d", dirfd);
	fd = *path ? openat(dirfd, path, O_RDONLY) : open(self, O_RDONLY);
	if (fd < 0)
		return -1;
	if (read(fd, text, sizeof(text) - 1) > 0)
		(void)sscanf(text, "%c %u:%u %u:%u %llu %llu", &type,
			&stat.stx_rdev_major, &stat.stx_rdev_minor,
			&stat.stx_dev_major, &stat.stx_dev_minor, &inode,
			&mount);
	(void)close(fd);
	stat.stx_ino = inode;
	stat.stx_mnt_id = mount;
	stat.stx_mode = type == 'b' ? S_IFBLK : type == 'c' ? S_IFCHR : S_IFREG;
	*ret_stat = stat;
	return 0;
}

/* --- what a test puts into the trees --- */

#define SESSION "sys/devices/host2/session3"
#define LUN	SESSION "/target2:0:0/2:0:0:1"

static void
add_disk(const char *place, const char *name, const char *number)
{
	char text[FAKE_PATH_MAX];

	fake_file(number, "%s/%s/dev", place, name);
	fake_directory("%s/%s/holders", place, name);
	(void)snprintf(
		text, sizeof(text), "../%s/%s", place + strlen("sys/"), name);
	fake_link(text, "sys/block/%s", name);
	(void)snprintf(text, sizeof(text), "../../%s/%s",
		place + strlen("sys/"), name);
	fake_link(text, "sys/class/block/%s", name);
}

static void
add_holder(const char *below, const char *name, const char *number)
{
	add_disk("sys/devices/virtual/block", name, number);
	fake_link("../anywhere", "sys/block/%s/holders/%s", below, name);
}

static void
add_process(int pid)
{
	fake_file("work er\n", "proc/%d/comm", pid);
	fake_file("work er\n", "proc/%d/task/%d/comm", pid, pid);
	fake_directory("proc/%d/task/%d/fd", pid, pid);
	fake_directory("proc/%d/task/%d/fdinfo", pid, pid);
	fake_file("", "proc/%d/maps", pid);
	fake_link("mnt:[1000]", "proc/%d/ns/mnt", pid);
	fake_link("mnt:[1000]", "proc/%d/task/%d/ns/mnt", pid, pid);
}

/* A descriptor of a task; text is what its link says. What stands there is
 * told by statx() above. */
static void
add_fd(int pid, int tid, int fd, const char *name, const char *what,
	const char *info)
{
	char text[FAKE_PATH_MAX];

	fake_file(what, "%s", name);
	(void)snprintf(text, sizeof(text), "%s/%s", fake_root, name);
	fake_link(text, "proc/%d/task/%d/fd/%d", pid, tid, fd);
	fake_file(info, "proc/%d/task/%d/fdinfo/%d", pid, tid, fd);
}

static void
set_host_mounts(const char *more)
{
	char text[4096];

	(void)snprintf(text, sizeof(text), HOST_MOUNTS "%s", more);
	fake_file(text, "proc/1/mountinfo");
}

static int
set_up(void **state)
{
	if (fake_set_up(state) < 0)
		return -1;
	asked = 0;
	fake_directory("sys/devices/virtual/block/none");
	fake_link("../../devices/host2/session3/iscsi_session/session3",
		"sys/class/iscsi_session/session3");
	fake_directory(SESSION "/iscsi_session/session3");
	fake_link(
		"../../../session3", SESSION "/iscsi_session/session3/device");
	add_disk(LUN "/block", "sda", "8:0\n");
	fake_file("8:1\n", LUN "/block/sda/sda1/dev");
	fake_file("1\n", LUN "/block/sda/sda1/partition");
	fake_directory(LUN "/block/sda/sda1/holders");
	fake_link("../../devices/host2/session3/target2:0:0/2:0:0:1/block/sda/"
		  "sda1",
		"sys/class/block/sda1");
	fake_file("21:0\n", LUN "/scsi_generic/sg0/dev");
	fake_file("b 8:0 0:5 70 21", "host/dev/sda");
	fake_file("b 8:1 0:5 71 21", "host/dev/sda1");
	fake_file("b 254:1 0:5 72 21", "host/dev/vda1");
	fake_file("Filename\tType\tSize\tUsed\tPriority\n", "proc/swaps");
	add_process(1);
	add_process(4001);
	set_host_mounts("");
	return 0;
}

enum {
	SUPERVISOR = 4000
};

static void
scan(void)
{
	struct scan_roots roots = {fake_open("proc"), fake_open("sys"),
		fake_open("proc/1"), fake_open("host"), SUPERVISOR};

	scan_session(&roots, 3);
	(void)close(roots.procfd);
	(void)close(roots.sysfd);
	(void)close(roots.hostprocfd);
	(void)close(roots.hostfd);
}

static void
assert_found(const char *told)
{
	scan();
	assert_string_equal(fake.missed, "");
	assert_string_equal(fake.told, told);
}

static void
assert_missed(const char *what)
{
	scan();
	assert_string_equal(fake.told, "");
	assert_non_null(strstr(fake.missed, what));
}

/* --- the session --- */

static void
an_idle_session_is_free(void **state)
{
	assert_found("");
}

static void
a_session_that_is_not_there_is_not_free(void **state)
{
	fake_link("nothing", "sys/class/iscsi_session/session3");
	assert_missed("class/iscsi_session/session3/device");
}

static void
a_disk_that_the_walk_does_not_find_is_missed(void **state)
{
	fake_link(
		"../../devices/host2/session3/odd/sdb", "sys/class/block/sdb");
	assert_missed("sdb");
	fake_link(
		"../../devices/host2/session33/odd/sdb", "sys/class/block/sdb");
	memset(fake.missed, 0, sizeof(fake.missed));
	assert_found("");
}

static void
what_cannot_be_read_is_missed(void **state)
{
	static const char *const places[] = {LUN "/block/sda/holders",
		"sys/class/block", "proc/swaps", "proc/4001/task/4001/fd",
		"proc/4001/maps", "proc/4001/task/4001/ns/mnt",
		"proc/4001/task", "proc/1/mountinfo", "sys/fs",
		"proc/4001/task/4001/cwd"};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		const char *name = strrchr(places[i], '/') + 1;
		struct stat stat;
		char path[FAKE_PATH_MAX];
		char aside[FAKE_PATH_MAX + 8];

		(void)snprintf(
			path, sizeof(path), "%s/%s", fake_root, places[i]);
		(void)snprintf(aside, sizeof(aside), "%s/aside", fake_root);
		(void)rename(path, aside); /* some are not there */
		fake_link(name, "%s", places[i]);
		fake.missed[0] = '\0';
		scan();
		if (fake.missed[0] == '\0')
			fail_msg("%s was not missed", places[i]);
		assert_string_equal(fake.told, "");
		(void)unlink(path);
		if (lstat(aside, &stat) == 0)
			assert_int_equal(rename(aside, path), 0);
	}
	fake.missed[0] = '\0';
	assert_found("");
}

static void
at_whatever_look_time_is_over_the_rest_is_missed(void **state)
{
	unsigned looks;

	fake.looks_left = ~0u;
	scan();
	looks = ~0u - fake.looks_left;
	assert_true(looks > 20);
	for (unsigned i = 0; i < looks; i++) {
		fake.looks_left = i;
		fake.missed[0] = '\0';
		scan();
		assert_string_not_equal(fake.missed, "");
	}
}

/* --- mounts --- */

static void
a_mount_of_a_partition_is_found_by_its_number(void **state)
{
	set_host_mounts("30 20 8:1 / /mnt/a\\040b rw - ext4 /dev/root rw\n");
	assert_found("mount 0 /mnt/a b\n");
}

static void
a_mount_without_a_number_of_its_disk_is_found_by_its_source(void **state)
{
	set_host_mounts("30 20 0:50 / /mnt rw - btrfs /dev/sda1 rw\n");
	assert_found("mount 0 /mnt\n");
}

static void
any_of_several_sources_counts(void **state)
{
	set_host_mounts("30 20 0:50 / /mnt rw - bcachefs "
			"/dev/vda1:/dev/sda1:/dev/vda1 rw\n");
	assert_found("mount 0 /mnt\n");
}

static void
a_source_may_be_a_link_of_the_host(void **state)
{
	set_host_mounts(
		"30 20 0:50 / /mnt rw - btrfs /dev/disk/by-id/x:1,2 rw\n");
	fake_link("../../sda1", "host/dev/disk/by-id/x:1,2");
	assert_found("mount 0 /mnt\n");
}

static void
a_device_among_the_options_counts(void **state)
{
	set_host_mounts("30 20 254:1 / /mnt rw - xfs /dev/vda1 "
			"rw,logdev=/dev/sda1,noquota\n");
	assert_found("mount 0 /mnt\n");
}

static void
a_line_that_is_none_is_missed(void **state)
{
	set_host_mounts("30 20 8:1\n");
	assert_missed("mountinfo");
}

static void
a_mount_in_another_namespace_is_told_once(void **state)
{
	for (int pid = 4002; pid < 4004; pid++) {
		add_process(pid);
		fake_link("mnt:[1001]", "proc/%d/task/%d/ns/mnt", pid, pid);
		fake_file("30 20 8:1 / /mnt rw - ext4 /dev/sda1 rw\n",
			"proc/%d/task/%d/mountinfo", pid, pid);
	}
	scan();
	assert_int_equal(fake.count, 1);
	assert_non_null(strstr(fake.told, "other mount namespace 400"));
	assert_string_equal(fake.missed, "");
}

static void
a_task_may_have_a_namespace_of_its_own(void **state)
{
	fake_file("x\n", "proc/4001/task/4005/comm");
	fake_link("mnt:[1001]", "proc/4001/task/4005/ns/mnt");
	fake_file("30 20 8:1 / /mnt rw - ext4 /dev/sda1 rw\n",
		"proc/4001/task/4005/mountinfo");
	fake_directory("proc/4001/task/4005/fd");
	assert_found("other mount namespace 4001 x\n");
}

/* Which nobody is in, so that nobody can look into it. */
static void
keep_namespace(int pid, const char *parent)
{
	add_process(pid);
	fake_link("mnt:[1002]", "proc/%d/task/%d/fd/7", pid, pid);
	fake_file(parent, "proc/%d/status", pid);
}

static void
a_namespace_that_somebody_keeps_is_missed(void **state)
{
	keep_namespace(4002, "PPid:\t1\n");
	assert_missed("a mount namespace without processes");
}

static void
the_namespaces_that_holdfast_keeps_are_its_jails(void **state)
{
	keep_namespace(4002, "PPid:\t4000\n");
	assert_found("");
}

/* --- what is stacked --- */

static void
what_is_stacked_is_told_and_holds_too(void **state)
{
	add_holder("sda/sda1", "dm-0", "253:0\n");
	fake_file("vg-lv\n", "sys/block/dm-0/dm/name");
	add_holder("dm-0", "md127", "9:127\n");
	fake_directory("sys/block/md127/md");
	add_holder("md127", "bcache0", "252:0\n");
	set_host_mounts("30 20 252:0 / /mnt rw - ext4 /dev/bcache0 rw\n");
	assert_found("device mapper 0 dm-0 (vg-lv)\nRAID array 0 md127\n"
		     "stacked device 0 bcache0\nmount 0 /mnt\n");
}

static void
a_ring_of_holders_ends(void **state)
{
	add_holder("sda", "dm-0", "253:0\n");
	add_holder("dm-0", "dm-1", "253:1\n");
	fake_link("../anywhere", "sys/block/dm-1/holders/dm-0");
	fake_link("../anywhere", "sys/block/dm-1/holders/sda");
	assert_found("stacked device 0 dm-0\nstacked device 0 dm-1\n");
}

static void
a_holder_without_a_number_is_one_all_the_same(void **state)
{
	fake_link("../anywhere", LUN "/block/sda/holders/odd0");
	assert_found("stacked device 0 odd0\n");
}

static void
a_bcache_without_a_device_is_told(void **state)
{
	fake_directory(LUN "/block/sda/sda1/bcache");
	assert_found("stacked device 0 bcache (sda1)\n");
}

static void
add_loop(const char *backing)
{
	add_disk("sys/devices/virtual/block", "loop4", "7:4\n");
	fake_file(backing, "sys/block/loop4/loop/backing_file");
}

static void
a_loop_device_is_found_by_what_it_lies_on(void **state)
{
	static const char *const paths[] = {"/dev/sda1", "/dev/sda1 (deleted)",
		"/host/dev/sda1", "/dev/disk/by-id/x", "/elsewhere/sda1",
		"/srv/node"};

	fake_link("../../sda1", "host/dev/disk/by-id/x");
	fake_file("b 8:1 0:5 71 21", "host/srv/node");
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		char text[FAKE_PATH_MAX];

		add_loop(paths[i]);
		fake.told[0] = '\0';
		fake.count = 0;
		scan();
		(void)snprintf(text, sizeof(text),
			"loop device 0 loop4 (%.*s)\n",
			(int)strcspn(paths[i], " "), paths[i]);
		assert_string_equal(fake.told, text);
		assert_string_equal(fake.missed, "");
	}
}

static void
a_mount_of_a_loop_device_is_found(void **state)
{
	add_loop("/dev/sda\n");
	set_host_mounts("30 20 7:4 / /mnt rw - ext4 /dev/loop4 rw\n");
	assert_found("loop device 0 loop4 (/dev/sda)\nmount 0 /mnt\n");
}

static void
what_lies_on_a_loop_device_is_found(void **state)
{
	add_loop("/dev/sda\n");
	add_holder("loop4", "dm-0", "253:0\n");
	fake_file("a\n", "sys/block/dm-0/dm/name");
	add_disk("sys/devices/virtual/block", "loop5", "7:5\n");
	fake_file("/dev/mapper/a\n", "sys/block/loop5/loop/backing_file");
	assert_found("loop device 0 loop4 (/dev/sda)\n"
		     "device mapper 0 dm-0 (a)\n"
		     "loop device 0 loop5 (/dev/mapper/a)\n");
}

static void
loop_devices_of_others_and_of_files_do_not_count(void **state)
{
	static const char *const paths[] = {"/dev/vda1", "/srv/image",
		"/not/there", "/dev/shm/x (deleted)", "/srv/sda1/image"};

	fake_file("", "host/srv/image");
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		add_loop(paths[i]);
		assert_found("");
	}
}

static void
a_loop_device_on_a_node_that_cannot_be_found_is_missed(void **state)
{
	add_loop("/dev/xvdb");
	assert_missed("/dev/xvdb");
	fake.missed[0] = '\0';
	add_loop("/mnt/root/dev/xvdb");
	assert_missed("/mnt/root/dev/xvdb");
}

static void
a_zram_that_writes_back_to_the_disk_is_told(void **state)
{
	add_disk("sys/devices/virtual/block", "zram0", "251:0\n");
	fake_file("none\n", "sys/block/zram0/backing_dev");
	assert_found("");
	fake_file("/dev/sda1\n", "sys/block/zram0/backing_dev");
	assert_found("stacked device 0 zram0 (/dev/sda1)\n");
}

/* --- users in the kernel --- */

static void
swap_on_a_partition_is_told(void **state)
{
	fake_file("Filename\tType\tSize\tUsed\tPriority\n"
		  "/dev/vda1 partition\t1\t0\t-2\n"
		  "/srv/sda1 file\t1\t0\t-2\n"
		  "/dev/sda1 partition\t1\t0\t-2\n",
		"proc/swaps");
	assert_found("swap 0 /dev/sda1\n");
}

static void
swap_on_an_unknown_device_is_missed(void **state)
{
	fake_file("/dev/odd partition\t1\t0\t-2\n", "proc/swaps");
	assert_missed("/dev/odd");
}

static void
a_file_system_that_no_mount_shows_is_told_once(void **state)
{
	fake_directory("sys/fs/ext4/sda1");
	fake_directory("sys/fs/ext4/sda10");
	fake_directory("proc/fs/ext4/sda1");
	fake_directory("proc/fs/jbd2/sda1-8");
	assert_found("file system 0 ext4 on sda1\n");
}

static void
a_mounted_file_system_is_told_as_a_mount_alone(void **state)
{
	fake_directory("sys/fs/ext4/sda1");
	set_host_mounts("30 20 8:1 / /mnt rw - ext4 /dev/sda1 rw\n");
	assert_found("mount 0 /mnt\n");
}

static void
a_journal_for_another_disk_is_told(void **state)
{
	fake_directory("proc/fs/jbd2/sda1");
	assert_found("file system 0 jbd2 on sda1\n");
}

static void
a_member_of_a_file_system_of_many_is_told(void **state)
{
	fake_directory("sys/fs/btrfs/UUID/devices/vda1");
	fake_directory("sys/fs/btrfs/UUID/devices/sda1");
	fake_link("../../../../devices/block/sda", "sys/fs/bcachefs/UUID/dev-0/"
						   "block");
	assert_found("file system 0 btrfs on sda1\n"
		     "file system 0 bcachefs on sda\n");
}

#define LIO  "host/sys/kernel/config/target/core"
#define NVME "host/sys/kernel/config/nvmet/subsystems/nqn/namespaces/1"

static void
what_is_exported_is_told(void **state)
{
	fake_file("Status: X\n  iBlock device: x\n  Major: 8 Minor: 1  CLAIMED",
		LIO "/iblock_0/a/info");
	fake_file("TCM FILEIO ID: 0        File: /dev/sda1  Size: 1  Mode: x\n",
		LIO "/fileio_1/b/info");
	fake_file("SCSI Device Bus Location: Channel ID: 0 Target ID: 0 LUN: 1 "
		  "Host ID: 2\n",
		LIO "/pscsi_2/c/info");
	fake_file("/dev/sda1\n", NVME "/device_path");
	fake_file("1\n", NVME "/enable");
	scan();
	assert_int_equal(fake.count, 4);
	assert_non_null(strstr(fake.told, "export 0 iblock_0/a\n"));
	assert_non_null(strstr(fake.told, "export 0 fileio_1/b\n"));
	assert_non_null(strstr(fake.told, "export 0 pscsi_2/c\n"));
	assert_non_null(strstr(fake.told, "export 0 nqn/1\n"));
}

static void
what_others_export_or_nobody_yet_does_not_count(void **state)
{
	fake_file("  Major: 254 Minor: 1", LIO "/iblock_0/a/info");
	fake_file("  Major: 8 Minor: 1", LIO "/iblock_0/b/info");
	fake_file("0\n", LIO "/iblock_0/b/enable");
	fake_file("File: /srv/x  Size: 1", LIO "/fileio_0/b/info");
	fake_file("SCSI Device Bus Location: Channel ID: 0 Target ID: 0 LUN: 2 "
		  "Host ID: 2\n",
		LIO "/pscsi_2/c/info");
	fake_file("/dev/sda1\n", NVME "/device_path");
	fake_file("0\n", NVME "/enable");
	assert_found("");
}

static void
zfs_is_missed_unless_udev_knows_better(void **state)
{
	fake_file("", "proc/spl/kstat/zfs/arcstats");
	assert_found("");
	fake_directory("proc/spl/kstat/zfs/tank/state");
	assert_missed("spl/kstat/zfs");
	fake_file("I:1\n", "host/run/udev/data/b8:0");
	fake_file("I:1\nE:ID_FS_TYPE=zfs_member\n", "host/run/udev/data/b8:1");
	fake.missed[0] = '\0';
	assert_missed("spl/kstat/zfs");
	fake_file("I:1\nE:ID_FS_TYPE=ext4\n", "host/run/udev/data/b8:1");
	fake.missed[0] = '\0';
	assert_found("");
}

static void
mounts_that_nobody_can_see_are_missed_unless_udev_knows_better(void **state)
{
	set_host_mounts("30 20 0:4 mnt:[1009] /run/ns rw - nsfs nsfs rw\n");
	assert_missed("namespace");
	fake_file("I:1\nE:ID_FS_USAGE=\n", "host/run/udev/data/b8:0");
	fake_file("I:1\nE:ID_FS_USAGE=filesystem\nE:ID_FS_TYPE=vfat\n",
		"host/run/udev/data/b8:1");
	fake.missed[0] = '\0';
	assert_missed("namespace");
	fake_file("I:1\nE:ID_FS_USAGE=filesystem\nE:ID_FS_TYPE=ext4\n",
		"host/run/udev/data/b8:1");
	fake.missed[0] = '\0';
	assert_found("");
}

static void
a_namespace_may_be_kept_by_a_descriptor(void **state)
{
	fake_link("mnt:[1009]", "proc/4001/task/4001/fd/5");
	assert_missed("namespace");
}

static void
namespaces_that_were_looked_at_hide_nothing(void **state)
{
	set_host_mounts("30 20 0:4 mnt:[1000] /run/ns rw - nsfs nsfs rw\n");
	assert_found("");
}

/* --- processes --- */

#define INFO(flags, mount) "pos:\t0\nflags:\t" flags "\nmnt_id:\t" mount "\n"

static void
an_open_device_is_told(void **state)
{
	add_fd(4001, 4001, 5, "x", "b 8:1 0:5 71 21", INFO("0100002", "21"));
	add_fd(4001, 4001, 6, "x", "b 8:1 0:5 71 21", INFO("0100002", "21"));
	assert_found("open file 4001 work er\n");
}

static void
whatever_its_name_and_mount_are(void **state)
{
	/* Of no mount that is known, and on an overlay. */
	add_fd(4001, 4001, 5, "x", "b 8:1 0:9 1 99", INFO("02", "99"));
	add_process(4002);
	add_fd(4002, 4002, 5, "y", "b 8:0 0:41 1 23", INFO("02", "23"));
	scan();
	assert_int_equal(fake.count, 2);
	assert_string_equal(fake.missed, "");
}

static void
a_generic_device_counts_but_no_other_of_its_number(void **state)
{
	add_fd(4001, 4001, 5, "x", "b 21:0 0:5 1 21", INFO("02", "21"));
	add_fd(4001, 4001, 6, "y", "c 8:0 0:5 1 21", INFO("02", "21"));
	add_fd(4001, 4001, 7, "z", "b 254:1 0:5 1 21", INFO("02", "21"));
	assert_found("");
	add_fd(4001, 4001, 8, "sg", "c 21:0 0:5 1 21", INFO("02", "21"));
	assert_found("open file 4001 work er\n");
}

static void
a_device_that_is_only_named_does_not_count(void **state)
{
	add_fd(4001, 4001, 5, "x", "b 8:1 0:5 71 21", INFO("012100000", "21"));
	assert_found("");
}

static void
a_file_of_a_file_system_on_the_disk_counts(void **state)
{
	/* Unmounted lazily: no mount has its ID. O_PATH keeps it, too. */
	add_fd(4001, 4001, 5, "x", "f 0:0 8:1 7 99", INFO("012000000", "99"));
	assert_found("open file 4001 work er\n");
}

static void
a_file_of_a_mount_that_is_known_by_name_counts(void **state)
{
	set_host_mounts("30 20 0:50 / /mnt rw - btrfs /dev/sda1 rw\n");
	add_fd(4001, 4001, 5, "x", "f 0:0 0:51 7 30", INFO("02", "30"));
	assert_found("mount 0 /mnt\nopen file 4001 work er\n");
}

static void
files_of_a_server_are_not_asked(void **state)
{
	scan();
	asked = 0;
	scan();
	assert_true(asked > 0);
	add_fd(4001, 4001, 5, "x", "b 8:1 0:40 1 22", INFO("02", "22"));
	{
		unsigned before = asked;

		asked = 0;
		assert_found("");
		assert_int_equal(asked, before);
	}
}

static void
what_is_no_file_is_not_asked(void **state)
{
	static const char *const texts[] = {
		"socket:[1]", "pipe:[2]", "anon_inode:[eventfd]"};
	unsigned before;

	scan();
	before = asked;
	asked = 0;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		fake_link(texts[i], "proc/4001/task/4001/fd/%zu", i + 3);
		fake_file(INFO("02", "99"), "proc/4001/task/4001/fdinfo/%zu",
			i + 3);
	}
	assert_found("");
	assert_int_equal(asked, before);
}

static void
a_task_may_have_descriptors_of_its_own(void **state)
{
	fake_file("x\n", "proc/4001/task/4005/comm");
	fake_link("mnt:[1000]", "proc/4001/task/4005/ns/mnt");
	add_fd(4001, 4005, 5, "x", "b 8:1 0:5 71 21", INFO("02", "21"));
	assert_found("open file 4001 work er\n");
}

static void
fdinfo_that_says_too_little_is_missed(void **state)
{
	add_fd(4001, 4001, 5, "x", "f", "pos:\t0\n");
	assert_missed("fdinfo/5");
}

static void
a_working_directory_on_the_disk_counts(void **state)
{
	fake_file("f 0:0 8:1 2 99", "there");
	fake_link("../../../../there", "proc/4001/task/4001/cwd");
	assert_found("working directory 4001 work er\n");
}

static void
a_root_directory_on_the_disk_counts(void **state)
{
	fake_file("f 0:0 8:1 2 99", "there");
	fake_link("../../../../there", "proc/4001/task/4001/root");
	assert_found("root directory 4001 work er\n");
}

static void
a_mapping_counts_by_its_number_or_its_node(void **state)
{
	fake_file("7f-8f r--p 00 08:01 7    /gone/lib (deleted)\n",
		"proc/4001/maps");
	assert_found("mapping 4001 work er\n");
	fake.told[0] = '\0';
	fake.count = 0;
	fake_file("7f-8f r--p 00 fe:01 7    /lib\n"
		  "7f-8f rw-s 00 00:05 71    /dev/odd\n",
		"proc/4001/maps");
	assert_found("mapping 4001 work er\n");
	fake.told[0] = '\0';
	fake.count = 0;
	fake_file("7f-8f rw-s 00 00:05 72    /dev/sda1\n"
		  "7f-8f rw-p 00 00:00 0    [heap]\n",
		"proc/4001/maps");
	assert_found("");
}

static void
a_mapping_counts_by_the_number_of_a_file_system_of_many(void **state)
{
	set_host_mounts("30 20 0:50 / /mnt rw - btrfs /dev/sda1 rw\n");
	fake_file("7f-8f r--p 00 00:32 7    /mnt/lib\n", "proc/4001/maps");
	assert_found("mount 0 /mnt\nmapping 4001 work er\n");
}

static void
a_running_program_counts(void **state)
{
	fake_file("f 0:0 8:1 2 99", "there");
	fake_link("../../there", "proc/4001/exe");
	assert_found("mapping 4001 work er\n");
}

static void
mount_when_maps_are_read(const char *what)
{
	if (strcmp(what, "maps") == 0)
		set_host_mounts("30 20 8:1 / /mnt rw - ext4 /dev/sda1 rw\n");
}

static void
what_is_mounted_meanwhile_is_seen_at_a_second_look(void **state)
{
	fake.on_look = mount_when_maps_are_read;
	assert_found("mount 0 /mnt\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, fake_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_idle_session_is_free),
		TEST(a_session_that_is_not_there_is_not_free),
		TEST(a_disk_that_the_walk_does_not_find_is_missed),
		TEST(what_cannot_be_read_is_missed),
		TEST(at_whatever_look_time_is_over_the_rest_is_missed),
		TEST(a_mount_of_a_partition_is_found_by_its_number),
		TEST(a_mount_without_a_number_of_its_disk_is_found_by_its_source),
		TEST(any_of_several_sources_counts),
		TEST(a_source_may_be_a_link_of_the_host),
		TEST(a_device_among_the_options_counts),
		TEST(a_line_that_is_none_is_missed),
		TEST(a_mount_in_another_namespace_is_told_once),
		TEST(a_task_may_have_a_namespace_of_its_own),
		TEST(a_namespace_that_somebody_keeps_is_missed),
		TEST(the_namespaces_that_holdfast_keeps_are_its_jails),
		TEST(what_is_stacked_is_told_and_holds_too),
		TEST(a_ring_of_holders_ends),
		TEST(a_holder_without_a_number_is_one_all_the_same),
		TEST(a_bcache_without_a_device_is_told),
		TEST(a_loop_device_is_found_by_what_it_lies_on),
		TEST(a_mount_of_a_loop_device_is_found),
		TEST(what_lies_on_a_loop_device_is_found),
		TEST(loop_devices_of_others_and_of_files_do_not_count),
		TEST(a_loop_device_on_a_node_that_cannot_be_found_is_missed),
		TEST(a_zram_that_writes_back_to_the_disk_is_told),
		TEST(swap_on_a_partition_is_told),
		TEST(swap_on_an_unknown_device_is_missed),
		TEST(a_file_system_that_no_mount_shows_is_told_once),
		TEST(a_mounted_file_system_is_told_as_a_mount_alone),
		TEST(a_journal_for_another_disk_is_told),
		TEST(a_member_of_a_file_system_of_many_is_told),
		TEST(what_is_exported_is_told),
		TEST(what_others_export_or_nobody_yet_does_not_count),
		TEST(zfs_is_missed_unless_udev_knows_better),
		TEST(mounts_that_nobody_can_see_are_missed_unless_udev_knows_better),
		TEST(a_namespace_may_be_kept_by_a_descriptor),
		TEST(namespaces_that_were_looked_at_hide_nothing),
		TEST(an_open_device_is_told),
		TEST(whatever_its_name_and_mount_are),
		TEST(a_generic_device_counts_but_no_other_of_its_number),
		TEST(a_device_that_is_only_named_does_not_count),
		TEST(a_file_of_a_file_system_on_the_disk_counts),
		TEST(a_file_of_a_mount_that_is_known_by_name_counts),
		TEST(files_of_a_server_are_not_asked),
		TEST(what_is_no_file_is_not_asked),
		TEST(a_task_may_have_descriptors_of_its_own),
		TEST(fdinfo_that_says_too_little_is_missed),
		TEST(a_working_directory_on_the_disk_counts),
		TEST(a_root_directory_on_the_disk_counts),
		TEST(a_mapping_counts_by_its_number_or_its_node),
		TEST(a_mapping_counts_by_the_number_of_a_file_system_of_many),
		TEST(a_running_program_counts),
		TEST(what_is_mounted_meanwhile_is_seen_at_a_second_look),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
