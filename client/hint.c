/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * hint.c - what a user may do about an error.
 *
 * Runs in: command.
 */
#include <string.h>

#include "client/hint.h"
#include "client/lib/failure.h"

static const char *const hints[ERR_COUNT] = {
	[ERR_BAD_ARGUMENTS] = "`holdfast --help` shows what each command takes",
	[ERR_BAD_OPTION] = "`holdfast --help` shows what each command takes",
	[ERR_BAD_URI] = "write nfs://HOST/EXPORT, iscsi://HOST/IQN or "
			"tmpfs://NAME",
	[ERR_NO_SUCH_METHOD] = "`holdfast hello` shows the daemon's version "
			       "and methods",
	[ERR_CID_IN_USE] = "`holdfast status CID` shows what it names; choose "
			   "another ID or unmanage that one",
	[ERR_NO_SUCH_CID] = "`holdfast list` shows all IDs",
	[ERR_DENIED] = "its owner or root may do that",
	[ERR_TOO_MANY] = "release what nobody needs any more: `holdfast list`",
	[ERR_TIMEOUT] = "holdfast goes on trying; `holdfast status CID` shows "
			"how it stands",
	[ERR_STORE_FAILED] = "see the daemon's log, and whether there is space "
			     "left in /var/lib/holdfast",
	[ERR_SHUTTING_DOWN] = "try again when the daemon is back",
	[ERR_INTERNAL] = "see the daemon's log",
	[ERR_NAME_LOOKUP] = "check the host's spelling and the resolver: "
			    "getent ahosts HOST",
	[ERR_UNREACHABLE] = "check the network, the firewall, and that the "
			    "server runs",
	[ERR_TIMED_OUT] = "check the network, the firewall, and that the "
			  "server runs",
	[ERR_LOGIN_FAILED] = "check that the target lets this host in",
	[ERR_AUTH_FAILED] = "manage it with the right credentials; if the "
			    "target was changed, `holdfast retry CID`",
	[ERR_ACCESS_DENIED] = "have the server let this host in (NFS: "
			      "exports(5)), then `holdfast retry CID`",
	[ERR_NOT_FOUND] = "check the spelling (NFS: showmount -e HOST)",
	[ERR_MOUNT_FAILED] = "the kernel's log may say more: dmesg",
	[ERR_UNSUPPORTED] = "try without options (NFS: with another vers=)",
	[ERR_STALE] = "it is mounted anew by itself; files that were open have "
		      "to be opened again",
	[ERR_BUSY] = "end what still uses it: `holdfast status CID` names it",
	[ERR_IO] = "look at the server's disks and log",
	[ERR_VANISHED] = "it is connected again by itself; find out who took "
			 "it away",
	[ERR_WORKER_DIED] = "it is restarted by itself; see the daemon's log",
	[ERR_STUCK] = "it ends when the server comes back or the host is "
		      "rebooted",
};

const char *
hint_of(const char *slug)
{
	enum err_code code = err_from_slug(slug, strlen(slug));

	if (strcmp(slug, FAILURE_NO_DAEMON) == 0)
		return "start it: systemctl start holdfast, or run holdfastd "
		       "as root";
	return code < ERR_COUNT ? hints[code] : NULL;
}

const char *
hint_no_access(void)
{
	return "be root, or a member of that group: usermod -aG holdfast USER, "
	       "then log in anew";
}
