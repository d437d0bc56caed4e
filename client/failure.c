/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * failure.c - why a command failed: slug, text, exit code, what to do next.
 *
 * Runs in: command.
 * Trusts: nobody: slug and text may come from the daemon.
 * Invariant: see failure.h.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "client/failure.h"

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
failure_hint(enum err_code code)
{
	return code < ERR_COUNT ? hints[code] : NULL;
}

static void
fill(struct failure *failure, enum err_code code)
{
	failure->exit_code = err_exit_code(code);
	failure->number = err_number(code);
	failure->hint = hints[code];
	(void)snprintf(
		failure->slug, sizeof(failure->slug), "%s", err_slug(code));
}

int
failure_set(
	struct failure *failure, enum err_code code, const char *format, ...)
{
	va_list args;

	fill(failure, code);
	va_start(args, format);
	(void)vsnprintf(failure->text, sizeof(failure->text), format, args);
	va_end(args);
	err_clean_text(failure->text);
	return failure->exit_code;
}

int
failure_no_daemon(struct failure *failure, const char *format, ...)
{
	va_list args;

	*failure = (struct failure){.exit_code = EXIT_NO_DAEMON,
		.hint = "start it: systemctl start holdfast, or run holdfastd "
			"as root",
		.slug = "no-daemon"};
	va_start(args, format);
	(void)vsnprintf(failure->text, sizeof(failure->text), format, args);
	va_end(args);
	err_clean_text(failure->text);
	return failure->exit_code;
}

/* Length of the slug in front of ": ", 0 when there is none. */
static size_t
slug_length(const char *text, size_t len)
{
	size_t at = 0;

	while (at < len && at < FAILURE_SLUG_MAX &&
		((text[at] >= 'a' && text[at] <= 'z') || text[at] == '-' ||
			(text[at] >= '0' && text[at] <= '9')))
		at++;
	if (at == 0 || at >= FAILURE_SLUG_MAX || len - at < 2 ||
		memcmp(text + at, ": ", 2) != 0)
		return 0;
	return at;
}

int
failure_from_server(struct failure *failure, const char *text, size_t len)
{
	size_t slug_len = slug_length(text, len);
	size_t skip = slug_len ? slug_len + 2 : 0;
	enum err_code code = err_from_slug(text, slug_len);

	if (code == ERR_COUNT || code == ERR_NONE) {
		*failure = (struct failure){.exit_code = EXIT_FAILED};
		(void)snprintf(failure->slug, sizeof(failure->slug), "%.*s",
			slug_len ? (int)slug_len : 7,
			slug_len ? text : "unknown");
	} else {
		fill(failure, code);
	}
	len -= skip;
	if (len >= sizeof(failure->text))
		len = sizeof(failure->text) - 1;
	memcpy(failure->text, text + skip, len);
	failure->text[len] = '\0';
	err_clean_text(failure->text);
	return failure->exit_code;
}
