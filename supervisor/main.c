/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * main.c - holdfastd: from root to no privilege, then the supervisor.
 *
 * Runs in: supervisor (and, forked on the way, the launcher).
 * Trusts: its command line and configuration, which are root's.
 * Invariant: no byte of a client, a server, a worker or the store is read
 *            before every privilege is gone.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "paths.h"
#include "common/guard.h"
#include "common/log.h"
#include "common/title.h"
#include "supervisor/domain.h"
#include "supervisor/notify.h"
#include "supervisor/privilege.h"
#include "supervisor/sandbox.h"
#include "supervisor/startup.h"

#define CONF_PATH SYSCONFDIR "/holdfast/holdfast.conf"

enum {
	EXIT_USAGE = 2,
	NICE = -10
};

static const char usage[] =
	"usage: holdfastd [--config FILE]\n"
	"\n"
	"Keeps this host's network storage connections up. Runs in the\n"
	"foreground, as root at first, and logs to standard error.\n"
	"\n"
	"  -c, --config FILE  settings, instead of " CONF_PATH "\n"
	"  -h, --help         this text\n"
	"  -V, --version      the version\n"
	"\n"
	"Connections are managed with holdfast(1). See holdfastd(8).\n";

static const struct option options[] = {
	{"config", required_argument, NULL, 'c'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{NULL, 0, NULL, 0},
};

/* Returns the settings' file, NULL for the default one; may end the process. */
static const char *
read_arguments(int argc, char **argv)
{
	const char *config = NULL;
	int option;

	while ((option = getopt_long(argc, argv, "c:hV", options, NULL)) !=
		-1) {
		switch (option) {
		case 'c':
			config = optarg;
			break;
		case 'h':
			(void)fputs(usage, stdout);
			exit(EXIT_SUCCESS);
		case 'V':
			(void)puts("holdfastd " VERSION);
			exit(EXIT_SUCCESS);
		default:
			(void)fputs(usage, stderr);
			exit(EXIT_USAGE);
		}
	}
	if (optind < argc) {
		(void)fprintf(stderr, "holdfastd: \"%s\" is not understood\n%s",
			argv[optind], usage);
		exit(EXIT_USAGE);
	}
	return config;
}

/* Three descriptors a worker, one a client: as many as the host allows. */
static void
raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* A descriptor of ours in the place of a missing one would get our log lines. */
static void
fill_standard_files(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd < STDERR_FILENO);
}

/* Nothing of the caller's stays but standard input, output and error. */
static void
clear_process(void)
{
	fill_standard_files();
	(void)close_range(STDERR_FILENO + 1, ~0u, 0);
	(void)umask(022);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGCHLD, SIG_DFL); /* ignored, it would reap for us */
	(void)setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	raise_file_limit();
}

/* A host whose processor is taken still gets its answers: after the split, so
 * that neither launcher nor workers are favoured. Refused, it goes on as ever. */
static void
favour_answers(void)
{
	(void)setpriority(PRIO_PROCESS, 0, NICE);
}

/* What it may take of the host at most, whatever clients ask of it. */
static int
limit_resources(struct err *err)
{
	static const struct {
		__rlimit_resource_t resource;
		rlim_t limit;
	} limits[] = {
		/* A million events and all claims are a third of that. */
		{RLIMIT_AS, 2ul << 30},
		{RLIMIT_NPROC, 0},    /* it starts no process */
		{RLIMIT_MEMLOCK, 0},  /* it locks nothing */
		{RLIMIT_MSGQUEUE, 0}, /* nor has it queues */
	};

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		struct rlimit limit = {limits[i].limit, limits[i].limit};

		if (setrlimit(limits[i].resource, &limit) < 0)
			return err_set(err, ERR_INTERNAL, errno,
				"cannot limit resources: %m");
	}
	return 0;
}

/* Where it was started is not kept busy; the settings may be named from there. */
static int
leave_directory(struct err *err)
{
	if (chdir("/") < 0)
		return err_set(err, ERR_INTERNAL, errno, "cannot go to /: %m");
	return 0;
}

int
main(int argc, char **argv)
{
	const char *config = read_arguments(argc, argv);
	char *named = config ? strdup(config) : NULL;
	struct startup startup;
	struct conf conf;
	struct err err = {0};

	title_init(argc, argv);
	log_open("supervisor");
	clear_process();
	notify_open();
	startup_note_environment();
	(void)clearenv();
	if (conf_read(named ? named : CONF_PATH, named != NULL, &conf, &err) <
			0 ||
		leave_directory(&err) < 0 ||
		startup_run(&conf, &startup, &err) < 0) {
		log_error("%s", err.text);
		return EXIT_FAILURE;
	}
	free(named);
	log_set_level((enum log_level)conf.log_level);
	title_set("holdfastd: supervisor");
	favour_answers();
	/* The domain last: it allows none of the steps before it. */
	if (privilege_drop_all(startup.uid, startup.gid, &err) < 0 ||
		sandbox_enter(SANDBOX_SUPERVISOR, &err) < 0 ||
		limit_resources(&err) < 0 ||
		domain_enter(DOMAIN_SUPERVISOR, &err) < 0) {
		log_error("%s", err.text);
		return EXIT_FAILURE;
	}
	return supervisor_run(&conf, &startup.inheritance);
}
