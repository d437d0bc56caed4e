/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * main.c - holdfast-worker: keeps one connection, or scans for its users.
 *
 * Runs in: worker. Started by the launcher alone, in a jail of its own: its
 *          role in argv[0], orders on descriptor 3, reports on 4.
 * Trusts: the launcher for argv[0] and the descriptors.
 * Invariant: confined before the first byte of orders is read.
 */
#include <linux/capability.h>
#include <string.h>
#include <unistd.h>

#include "common/guard.h"
#include "common/title.h"
#include "worker/backend.h"
#include "worker/confine.h"
#include "worker/scanner.h"
#include "worker/serve.h"

#define TITLE "holdfast-worker: "

enum {
	EXIT_USAGE = 64
};

/* Words and capabilities are the launcher's: supervisor/backend.def. */
enum role {
#define BACKEND(name, word, user, capabilities, needs_target, jail) ROLE_##name,
#include "supervisor/backend.def"
#undef BACKEND
	ROLE_COUNT,
};

#define CAP_BIT(capability) (UINT64_C(1) << (capability))

static const struct {
	const char *word;
	uint64_t capabilities;
} roles[] = {
#define BACKEND(name, word, user, capabilities, needs_target, jail)            \
	[ROLE_##name] = {word, capabilities},
#include "supervisor/backend.def"
#undef BACKEND
};

static const enum call_set call_sets[ROLE_COUNT] = {
	[ROLE_ISCSI] = CALLS_ISCSI,
	[ROLE_NFS] = CALLS_NFS,
	[ROLE_SCANNER] = CALLS_SCANNER,
	[ROLE_TMPFS] = CALLS_TMPFS,
};

/* The scanner has none. */
static const struct backend *const backends[ROLE_COUNT] = {
	[ROLE_ISCSI] = &backend_iscsi,
	[ROLE_NFS] = &backend_nfs,
	[ROLE_TMPFS] = &backend_tmpfs,
};

/* "holdfast-worker: nfs", blanks behind it as room for a longer title. */
static enum role
read_role(const char *title)
{
	size_t len;

	if (strncmp(title, TITLE, strlen(TITLE)) != 0)
		return ROLE_COUNT;
	title += strlen(TITLE);
	len = strcspn(title, " ");
	if (title[len + strspn(title + len, " ")] != '\0')
		return ROLE_COUNT;
	for (unsigned role = 0; role < ROLE_COUNT; role++)
		if (strlen(roles[role].word) == len &&
			memcmp(roles[role].word, title, len) == 0)
			return (enum role)role;
	return ROLE_COUNT;
}

int
main(int argc, char **argv)
{
	enum role role = argc == 1 ? read_role(argv[0]) : ROLE_COUNT;
	struct confinement confinement;
	int failed_step;

	if (role == ROLE_COUNT) {
		static const char text[] =
			"holdfast-worker is started by holdfastd alone\n";

		(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
		return EXIT_USAGE;
	}
	title_init(argc, argv);
	title_set(TITLE "%s", roles[role].word);
	confinement = (struct confinement){
		.capabilities = roles[role].capabilities,
		.runs_programs =
			backends[role] && backends[role]->runs_programs,
		.calls = call_sets[role],
	};
	failed_step = confine(&confinement);
	if (failed_step)
		return failed_step;
	return backends[role] ? serve_run(backends[role]) : scanner_run();
}
