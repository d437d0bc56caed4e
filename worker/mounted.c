/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mounted.c - what all mounted file systems share, errors in words above all.
 *
 * Runs in: operation children of a worker; the worker, for instant probes.
 * Trusts: the kernel's errno, which a server may have chosen.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "common/guard.h"
#include "worker/backend.h"
#include "worker/operation.h"

enum {
	PAUSE_MS = 100 /* for those whose waiting was ended, to go */
};

/* Errors of mount(2), and of a call that asks the server through a mount. */
static const struct {
	int errnum;
	enum err_code code;
	const char *text; /* behind the source */
} mount_errors[] = {
	{ECONNREFUSED, ERR_UNREACHABLE,
		"the server refuses connections: is its NFS service running?"},
	{EHOSTUNREACH, ERR_UNREACHABLE, "there is no way to the server now"},
	{ENETUNREACH, ERR_UNREACHABLE, "there is no route to its network"},
	{ENETDOWN, ERR_UNREACHABLE, "the network is down"},
	{EHOSTDOWN, ERR_UNREACHABLE, "the server is down"},
	{ECONNRESET, ERR_UNREACHABLE, "the server closed the connection"},
	{ECONNABORTED, ERR_UNREACHABLE, "the connection was aborted"},
	{ENOTCONN, ERR_UNREACHABLE, "the connection is lost"},
	{ETIMEDOUT, ERR_TIMED_OUT, "the server did not answer in time"},
	{EACCES, ERR_ACCESS_DENIED,
		"the server does not let this host use it: see its list of "
		"clients (/etc/exports) and the security flavour"},
	{EPERM, ERR_ACCESS_DENIED,
		"not permitted: see the server's list of clients "
		"(/etc/exports) and the security flavour"},
	{ENOENT, ERR_NOT_FOUND,
		"the server has no such export: see showmount -e, and its "
		"root for NFS v4 (fsid=0)"},
	{ENOTDIR, ERR_NOT_FOUND, "the export is no directory"},
	{EINVAL, ERR_UNSUPPORTED,
		"the kernel does not take these options: its log says which"},
	{EPROTONOSUPPORT, ERR_UNSUPPORTED,
		"kernel and server have no common version of the protocol"},
	{EPFNOSUPPORT, ERR_UNSUPPORTED, "the transport is not supported"},
	{ENODEV, ERR_UNSUPPORTED,
		"the kernel lacks this file system: is its module installed?"},
	{ESTALE, ERR_STALE, "the server no longer knows the directory"},
	{EIO, ERR_IO, "input/output error"},
	{EMEDIUMTYPE, ERR_VANISHED, "something else is mounted here"},
	{EEXIST, ERR_MOUNT_FAILED,
		"something has been mounted here meanwhile: it is looked at"},
};

static int
say(const struct backend_target *target, int errnum, enum err_code otherwise,
	struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(mount_errors); i++)
		if (mount_errors[i].errnum == errnum)
			return err_set(err, mount_errors[i].code, errnum,
				"%.100s: %s", target->source,
				mount_errors[i].text);
	return err_set(err, otherwise, errnum, "%.100s: %s", target->source,
		strerror(errnum));
}

int
mounted_fail(const struct backend_target *target, int errnum, struct err *err)
{
	uint64_t id;

	if (mount_look(&target->point, &id) < 0)
		return err_set(err, ERR_MOUNT_FAILED, errnum,
			"%.100s: the mount point is gone: %s", target->source,
			strerror(errnum));
	return say(target, errnum, ERR_MOUNT_FAILED, err);
}

int
mounted_aim(struct backend_target *target, struct err *err)
{
	return mount_point_open(
		&target->point, "/target", target->uri->mount_name, err);
}

int
mounted_look(const struct backend_target *target, struct object *ret_object)
{
	uint64_t id;
	int result = mount_look(&target->point, &id);

	if (result == 0)
		*ret_object =
			(struct object){.exists = id != 0, .mount_id = id};
	return result;
}

int
mounted_probe(const struct backend_target *target, long magic, struct err *err)
{
	int result = mount_ask(&target->point, magic);

	if (result == -ENOENT)
		return err_set(err, ERR_VANISHED, ENOENT,
			"%.100s: it is no longer mounted", target->source);
	return result < 0 ? say(target, -result, ERR_IO, err) : 0;
}

int
mounted_make(const struct backend_target *target,
	const struct mount_request *request)
{
	int result;

	operation_step(OPERATION_STEP_MOUNT, target->mount_deadline_ms);
	result = mount_make(&target->point, request);
	operation_step(OPERATION_STEP_NONE, 0);
	return result;
}

static int
take_down(const struct backend_target *target, enum mount_force force)
{
	int result;

	operation_step(OPERATION_STEP_UNMOUNT, 0);
	result = mount_take_down(&target->point, force);
	operation_step(OPERATION_STEP_NONE, 0);
	return result;
}

int
mounted_detach(const struct backend_target *target, struct err *err)
{
	int result = take_down(target, MOUNT_LAZILY);

	/* EINVAL: no longer mounted, which was the aim. */
	if (result == 0 || result == -EINVAL)
		return 0;
	return err_set(err, ERR_STALE, -result,
		"%.100s: the stale mount cannot be detached: %s",
		target->source, strerror(-result));
}

static int
fail_to_take_down(
	const struct backend_target *target, int result, struct err *err)
{
	if (result == -EBUSY)
		return err_set(err, ERR_BUSY, EBUSY,
			"%.100s: still in use; it is unmounted as soon as "
			"nobody "
			"uses it",
			target->source);
	return err_set(err, ERR_MOUNT_FAILED, -result,
		"%.100s: cannot be unmounted: %s", target->source,
		strerror(-result));
}

int
mounted_disconnect(const struct backend_target *target, uint64_t deadline_us,
	struct err *err)
{
	int result = take_down(target, MOUNT_GENTLY);

	if (result == 0 || result == -EINVAL)
		return 0;
	return fail_to_take_down(target, result, err);
}

/*
 * Aborting twice ends what waits for the server, writers of dirty pages only
 * the second time. Then nobody may be left; else it goes from under its users,
 * and what they ask for from then on fails.
 */
int
mounted_force(const struct backend_target *target, struct err *err)
{
	static const enum mount_force steps[] = {MOUNT_ABORTING, MOUNT_ABORTING,
		MOUNT_GENTLY, MOUNT_BY_ALL_MEANS};
	int result = -EBUSY;

	for (size_t i = 0; result < 0 && i < ARRAY_SIZE(steps); i++) {
		if (i > 0)
			(void)poll(NULL, 0, PAUSE_MS);
		result = take_down(target, steps[i]);
		if (result == -EINVAL)
			return 1; /* no longer mounted */
	}
	return result < 0 ? fail_to_take_down(target, result, err) : 1;
}

int
mounted_check(const struct backend_target *target, long magic, struct err *err)
{
	int result = mounted_probe(target, magic, err);

	/* Nobody can rely on it yet, and the next attempt starts clean. */
	if (result < 0)
		(void)take_down(target, MOUNT_LAZILY);
	return result;
}
