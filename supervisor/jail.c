/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * jail.c - launcher: the mount namespaces that workers get a copy of.
 *
 * Runs in: launcher.
 * Trusts: the host's files in /etc; they are copied, not read.
 * Invariant: a template holds one small read-only tmpfs (and /proc and /sys for
 *            the scanner), and no mount of the host. Copying so small a
 *            namespace costs the same however many mounts the host has. A
 *            worker that runs programs gets a few trees of the host on top,
 *            read-only but for the database that they write to.
 *
 * Name lookup needs a few files of /etc. A bind mount would pin the inode that
 * an update replaces, so they are copies, and jail_refresh() renews them
 * through a second, writable mount of the same tmpfs that no worker sees.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "common/fdpass.h"
#include "common/guard.h"
#include "supervisor/spawn.h"

/* Copied from the host's /etc when they are there. */
static const char *const lookup_files[] = {
	"hosts",
	"resolv.conf",
	"nsswitch.conf",
	"host.conf",
	"gai.conf",
};

enum {
	LOOKUP_FILE_MAX = 65536
};

/* What a file looked like when it was copied. */
struct version {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec changed;
};

static struct version copied[JAIL_COUNT][ARRAY_SIZE(lookup_files)];

static bool
is_same_version(const struct version *a, const struct version *b)
{
	return a->device == b->device && a->inode == b->inode &&
	       a->size == b->size && a->changed.tv_sec == b->changed.tv_sec &&
	       a->changed.tv_nsec == b->changed.tv_nsec;
}

static int
copy_bytes(int from, int to)
{
	static char buffer[LOOKUP_FILE_MAX];
	ssize_t len = read(from, buffer, sizeof(buffer));

	if (len < 0 || write(to, buffer, (size_t)len) != len)
		return -EIO;
	return 0;
}

/* Replaces etc/NAME in the jail by one rename: no reader sees half a file. */
static void
copy_lookup_file(
	int etcfd, int host_etcfd, size_t index, struct version *copied_version)
{
	struct version version = {0};
	struct stat stat = {0};
	cleanup_close int to = -1;
	cleanup_close int from = openat(host_etcfd, lookup_files[index],
		O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (from < 0 || fstat(from, &stat) < 0 || !S_ISREG(stat.st_mode) ||
		stat.st_size > LOOKUP_FILE_MAX)
		return; /* lookups go on with what was copied before */
	version = (struct version){
		stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtim};
	if (is_same_version(&version, copied_version))
		return;
	to = openat(
		etcfd, "new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (to < 0 || fchmod(to, 0644) < 0 || copy_bytes(from, to) < 0 ||
		renameat(etcfd, "new", etcfd, lookup_files[index]) < 0)
		return;
	*copied_version = version;
}

void
jail_refresh(enum jail jail, const struct jail_template *jail_template)
{
	cleanup_close int etcfd = openat(jail_template->treefd, "etc",
		O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_close int host_etcfd =
		open("/etc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (etcfd < 0 || host_etcfd < 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(lookup_files); i++)
		copy_lookup_file(etcfd, host_etcfd, i, &copied[jail][i]);
}

/* Trees of the host, seen by workers that run programs. Only the database of
 * open-iscsi may be written to, and not the files beside it: iscsid.conf names
 * a command that iscsiadm executes (iscsid.startup). */
static const struct {
	const char *path;
	uint64_t attributes;
	bool is_file;
} program_trees[] = {
	{"/usr/lib", MOUNT_ATTR_RDONLY, false},
	{"/usr/lib64", MOUNT_ATTR_RDONLY, false},
	{"/usr/sbin", MOUNT_ATTR_RDONLY, false},
	{"/sys", MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC, false},
	{"/etc/iscsi", MOUNT_ATTR_NOEXEC, false},
	{"/var/lib/iscsi", MOUNT_ATTR_NOEXEC, false},
	{"/etc/iscsi/iscsid.conf", MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC, true},
	{"/etc/iscsi/initiatorname.iscsi",
		MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOEXEC, true},
};

/* Detached still; -1 for what the host has not. In the new process alone. */
static int program_treefds[ARRAY_SIZE(program_trees)];

/* A worker before may have put a link, or what not, in a file's place. */
static int
clone_tree(const char *path, bool is_file)
{
	struct stat stat;
	int errnum = 0;
	int fd = open_tree(AT_FDCWD, path,
		OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
			(is_file ? AT_SYMLINK_NOFOLLOW : 0));

	if (fd < 0 || !is_file)
		return fd;
	/* What cannot be looked at is not what is not there. */
	if (fstat(fd, &stat) < 0)
		errnum = errno;
	else if (!S_ISREG(stat.st_mode))
		errnum = ENOENT;
	if (errnum == 0)
		return fd;
	guard_close(&fd);
	errno = errnum;
	return -1;
}

int
jail_clone_programs(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(program_trees); i++) {
		struct mount_attr attributes = {
			.attr_set = program_trees[i].attributes |
				    MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
			.propagation = MS_PRIVATE,
		};
		int fd = clone_tree(
			program_trees[i].path, program_trees[i].is_file);

		program_treefds[i] = fd;
		if (fd < 0 && errno != ENOENT && errno != ENOTDIR)
			return -errno;
		if (fd >= 0 && mount_setattr(fd, "", AT_EMPTY_PATH, &attributes,
				       sizeof(attributes)) < 0)
			return -errno;
	}
	return 0;
}

int
jail_attach_programs(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(program_trees); i++)
		if (program_treefds[i] >= 0 &&
			move_mount(program_treefds[i], "", AT_FDCWD,
				program_trees[i].path,
				MOVE_MOUNT_F_EMPTY_PATH) < 0)
			return -errno;
	/* Locks of its own, see worker/iscsi_record.h. */
	if (mount("holdfast-run", "/run", "tmpfs",
		    MS_NOSUID | MS_NODEV | MS_NOEXEC,
		    "mode=755,size=256k,nr_inodes=128") < 0 ||
		mkdir("/run/lock", 0755) < 0)
		return -errno;
	return 0;
}

/* Where those trees go, and the links that a merged /usr has in /. */
static int
make_program_places(void)
{
	static const char *const dirs[] = {"usr", "usr/lib", "usr/lib64",
		"usr/sbin", "sys", "etc/iscsi", "var", "var/lib",
		"var/lib/iscsi", "run"};
	static const char *const links[][2] = {{"usr/lib", "lib"},
		{"usr/lib64", "lib64"}, {"usr/sbin", "sbin"},
		{"../run", "var/run"}};

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		if (mkdir(dirs[i], 0755) < 0)
			return -errno;
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		if (symlink(links[i][0], links[i][1]) < 0)
			return -errno;
	return 0;
}

/*
 * Fresh mounts rather than binds of the host's: they show the same processes
 * and devices, and nothing that is mounted on the host's (cgroups, debugfs,
 * configfs). Only these mounts are read-only, not what they show.
 */
static int
mount_kernel_trees(void)
{
	const unsigned long flags =
		MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY;

	if (mkdir("proc", 0755) < 0 ||
		mount("proc", "proc", "proc", flags, NULL) < 0 ||
		mkdir("sys", 0755) < 0 ||
		mount("sysfs", "sys", "sysfs", flags, NULL) < 0)
		return -errno;
	return 0;
}

static int
make_tree(enum jail jail, const char *scratch_dir)
{
	/* Ours alone from here on: nothing below reaches the host. */
	if (unshare(CLONE_NEWNS) < 0 ||
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mount("holdfast-jail", scratch_dir, "tmpfs",
			MS_NOSUID | MS_NODEV | MS_NOEXEC,
			"mode=755,size=512k,nr_inodes=64") < 0 ||
		chdir(scratch_dir) < 0 || mkdir("etc", 0755) < 0 ||
		mkdir("target", 0755) < 0)
		return -errno;
	if (jail == JAIL_PROGRAMS)
		return make_program_places();
	return jail == JAIL_PROC ? mount_kernel_trees() : 0;
}

/* The tree becomes the root of its namespace, read-only; the host's goes. */
static int
become_root(void)
{
	struct mount_attr readonly = {.attr_set = MOUNT_ATTR_RDONLY};

	if (syscall(SYS_pivot_root, ".", ".") < 0 ||
		umount2(".", MNT_DETACH) < 0 || chdir("/") < 0 ||
		mount_setattr(AT_FDCWD, "/", 0, &readonly, sizeof(readonly)) <
			0)
		return -errno;
	return 0;
}

/* The builder: makes the namespace, hands it out, ends. */
static int
build(enum jail jail, const char *scratch_dir, int socketfd)
{
	int fds[2] = {-1, -1};
	char done = 'j';
	int result = make_tree(jail, scratch_dir);

	if (result < 0)
		return result;
	fds[0] = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	fds[1] = open_tree(AT_FDCWD, ".", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (fds[0] < 0 || fds[1] < 0)
		return -errno;
	result = become_root();
	if (result < 0)
		return result;
	return fdpass_send(socketfd, &done, sizeof(done), fds, 2);
}

int
jail_build(enum jail jail, const char *scratch_dir,
	struct jail_template *ret_template, struct err *err)
{
	cleanup_close int ours = -1;
	cleanup_close int theirs = -1;
	int pair[2], fds[FDPASS_MAX], status, result;
	char done;
	pid_t builder;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_set(err, ERR_INTERNAL, errno, "no socket pair: %m");
	ours = pair[0];
	theirs = pair[1];
	builder = fork();
	if (builder < 0)
		return err_set(err, ERR_INTERNAL, errno, "cannot fork: %m");
	if (builder == 0)
		_exit(-build(jail, scratch_dir, theirs));
	guard_close(&theirs);
	theirs = -1;
	result = fdpass_receive(ours, &done, sizeof(done), fds);
	if (waitpid(builder, &status, 0) < 0 || !WIFEXITED(status))
		return err_set(err, ERR_INTERNAL, EIO,
			"the workers' mount namespace could not be made");
	if (result != 2)
		return err_set(err, ERR_INTERNAL, WEXITSTATUS(status),
			"the workers' mount namespace could not be made: %s",
			strerror(WEXITSTATUS(status)));
	*ret_template =
		(struct jail_template){.nsfd = fds[0], .treefd = fds[1]};
	return 0;
}
