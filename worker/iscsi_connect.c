/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * iscsi_connect.c - from a URI to a session, and trials of credentials.
 *
 * Runs in: operation children of the iSCSI worker.
 * Trusts: nobody: targets and name servers say what they like.
 * Invariant: iscsid is asked to log in only to a portal that has just let a
 *            trial login through; nothing is left behind when that fails but a
 *            node record, which the next attempt makes anew and
 *            iscsi_record_drop_all() puts back.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "common/clock.h"
#include "common/guard.h"
#include "worker/iscsi_connect.h"
#include "worker/iscsi_find.h"
#include "worker/iscsi_login.h"
#include "worker/iscsi_record.h"
#include "worker/iscsiadm.h"
#include "worker/lookup.h"
#include "worker/open_iscsi.h"

enum {
	TRIAL_MAX_MS = 5000,	  /* for one address */
	LOGIN_TIMEOUT_MAX_S = 15, /* open-iscsi's own default */
	LOGIN_RESERVE_S = 2,
	DISKS_MAX_MS = 5000, /* for the kernel to find the session's disks */
	NO_DISKS_MS = 500,   /* for the first of them */
	PAUSE_MS = 20,
	SHOWN_MS = 1500, /* after iscsiadm has said that it is logged in */
};

/* Its own pace: nothing tells of sysfs. */
static void
pause_a_little(void)
{
	(void)poll(NULL, 0, PAUSE_MS);
}

/* "InitiatorName=iqn..." as iscsid reads it. */
static int
read_initiator(char name[ISCSI_NAME_SIZE], struct err *err)
{
	const char *path = open_iscsi.initiator_name;
	cleanup_fclose FILE *file = fopen(path, "re");
	char line[512];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, " InitiatorName = %223s", name) == 1 ||
			sscanf(line, " InitiatorName=%223s", name) == 1)
			return 0;
	return err_set(err, ERR_UNSUPPORTED, ENOENT,
		"%s has no initiator name: is open-iscsi installed? "
		"iscsi-iname makes a name",
		path);
}

/* One portal of the target. */
struct attempt {
	const struct backend_target *target;
	const struct addrinfo *address;
	uint64_t deadline_us;
	char address_text[NI_MAXHOST];
	char initiator[ISCSI_NAME_SIZE];
	struct iscsi_node node;
	struct iscsi_auth auth;
};

static int
begin_attempt(struct attempt *attempt, const struct addrinfo *address)
{
	const struct uri *uri = attempt->target->uri;

	attempt->address = address;
	attempt->node = (struct iscsi_node){
		.target = uri->path,
		.address = attempt->address_text,
		.port = uri->port,
		.tpgt = iscsi_tpgt(uri),
		.iface = iscsi_iface(uri),
	};
	return lookup_write_address(address->ai_addr, address->ai_addrlen,
		attempt->address_text, sizeof(attempt->address_text));
}

/* Texts of others do not know what for they were made. */
static int
name_target(const struct attempt *attempt, int result, struct err *err)
{
	struct err found = *err;

	return err_set(err, found.code, -result, "%.100s: %s",
		attempt->target->source, found.text);
}

/* Through the security stage of a login and no further, see iscsi_login.h. */
static int
try_login(
	struct attempt *attempt, const struct iscsi_auth *auth, struct err *err)
{
	const struct iscsi_trial trial = {
		.address = attempt->address->ai_addr,
		.address_len = attempt->address->ai_addrlen,
		.port = attempt->node.port,
		.target = attempt->node.target,
		.initiator = attempt->initiator,
		.tpgt = attempt->node.tpgt,
		.auth = auth,
		.timeout_ms = clock_left_ms(attempt->deadline_us, TRIAL_MAX_MS),
	};

	return iscsi_login_try(&trial, err);
}

/* So that iscsid has given up when our own deadline comes. */
static unsigned
login_timeout_s(const struct attempt *attempt)
{
	int left_s = clock_left_ms(attempt->deadline_us, 3600000) / 1000;
	int timeout_s = (left_s - LOGIN_RESERVE_S) / 2;

	if (timeout_s > LOGIN_TIMEOUT_MAX_S)
		timeout_s = LOGIN_TIMEOUT_MAX_S;
	return timeout_s < 1 ? 1 : (unsigned)timeout_s;
}

/* 0, 1 when there was a session already, or -errno with err. */
static int
log_in(const struct attempt *attempt, struct err *err)
{
	char portal[ISCSI_PORTAL_SIZE];
	char words[ISCSIADM_WORDS_MAX];
	const char *const arguments[] = {"-m", "node", "-T",
		attempt->node.target, "-p", portal, "-I", attempt->node.iface,
		"--login", NULL};
	int status;

	iscsi_node_write_portal(&attempt->node, portal);
	status = iscsiadm_run(arguments, words);
	if (status == ISCSIADM_OK || status == ISCSIADM_SESSION_EXISTS)
		return status == ISCSIADM_SESSION_EXISTS;
	return iscsiadm_say_failure(
		attempt->target->source, status, words, err);
}

struct disk_count {
	unsigned all;
	unsigned unnamed;
};

static void
count_disk(uint32_t lun, const char *name, void *data)
{
	struct disk_count *count = data;

	count->all++;
	if (!*name)
		count->unnamed++;
}

/* A session is of use once its disks are there; one without any is none the
 * less a session. */
static void
wait_for_disks(uint32_t number, uint64_t deadline_us)
{
	uint64_t begin_us = clock_boot_us();

	while (clock_left_ms(deadline_us, 1) > 0) {
		uint64_t waited_ms = (clock_boot_us() - begin_us) / US_PER_MS;
		struct disk_count count = {0};

		if (iscsi_disks_each(number, count_disk, &count) < 0 ||
			waited_ms > (count.all ? DISKS_MAX_MS : NO_DISKS_MS) ||
			(count.all > 0 && count.unnamed == 0))
			return;
		pause_a_little();
	}
}

/*
 * iscsid takes any portal group: without a trial before, nobody has looked. One
 * that we have just made is not left behind.
 */
static int
refuse_group(const struct attempt *attempt, uint32_t session, uint16_t tpgt,
	bool was_there, struct err *err)
{
	char words[ISCSIADM_WORDS_MAX];

	if (!was_there)
		(void)iscsiadm_log_out(session - 1, words); /* said below */
	return err_set(err, ERR_LOGIN_FAILED, EPROTO,
		"%.100s: the portal belongs to group %u: write tpgt=%u",
		attempt->target->source, tpgt, tpgt);
}

/* What iscsiadm has said is true when the kernel shows it. */
static int
finish(const struct attempt *attempt, bool was_there, struct err *err)
{
	const struct uri *uri = attempt->target->uri;
	uint64_t until_us = clock_boot_us() + SHOWN_MS * US_PER_MS;
	uint32_t session;
	uint16_t tpgt;

	/* One that was there may be another's login, which goes on. */
	if (was_there)
		until_us = attempt->deadline_us;
	do {
		session = iscsi_find_session(uri, attempt->address_text);
		if (session != 0) {
			wait_for_disks(session - 1, attempt->deadline_us);
			return connected_pack(session, was_there);
		}
		pause_a_little();
	} while (clock_left_ms(until_us, 1000) > 500 &&
		 clock_left_ms(attempt->deadline_us, 1000) > 500);
	session = iscsi_find_other_group(uri, attempt->address_text, &tpgt);
	if (session != 0)
		return refuse_group(attempt, session, tpgt, was_there, err);
	return err_set(err, ERR_VANISHED, ENOENT,
		"%.100s: logged in, but the kernel shows no session",
		attempt->target->source);
}

/*
 * Credentials that came with the claim go before those of the record. The
 * trial goes by the default route, which an interface may not.
 */
static int
connect_portal(struct attempt *attempt, struct err *err)
{
	const struct iscsi_auth *given = attempt->target->auth;
	bool can_try = strcmp(attempt->node.iface, ISCSI_DEFAULT_IFACE) == 0;
	int result;

	if (clock_left_ms(attempt->deadline_us, 1) == 0)
		return err_set(err, ERR_TIMED_OUT, ETIMEDOUT,
			"%.100s: no time is left for this attempt",
			attempt->target->source);
	result = iscsi_record_ensure(&attempt->node,
		attempt->target->uri->canonical, &attempt->auth, err);
	if (result == 0 && can_try)
		result = try_login(attempt,
			*given->username ? given : &attempt->auth, err);
	if (result == 0)
		result = iscsi_record_adjust(
			&attempt->node, given, login_timeout_s(attempt), err);
	if (result < 0)
		return name_target(attempt, result, err);
	result = log_in(attempt, err);
	return result < 0 ? result : finish(attempt, result == 1, err);
}

/* Whether another address of the target may do better. */
static bool
is_about_the_address(enum err_code code)
{
	return code == ERR_UNREACHABLE || code == ERR_TIMED_OUT;
}

/* Calls function for each address until one does. */
static int
with_each_address(struct attempt *attempt,
	int (*function)(struct attempt *attempt, struct err *err),
	struct err *err)
{
	cleanup(guard_addrinfo) struct addrinfo *list = NULL;
	int result = lookup_host(attempt->target->uri->host, &list, err);
	int tried = 0;

	if (result < 0)
		return result;
	for (struct addrinfo *at = list; at && tried < LOOKUP_ADDRESSES_MAX;
		at = at->ai_next) {
		if (begin_attempt(attempt, at) < 0)
			continue;
		tried++;
		result = function(attempt, err);
		if (result >= 0 || !is_about_the_address(err->code))
			return result;
	}
	if (tried == 0)
		return err_set(err, ERR_NAME_LOOKUP, EAFNOSUPPORT,
			"\"%s\" has no address of a kind that is known",
			attempt->target->uri->host);
	return result;
}

/* -ENOENT without a word: none of the addresses has one. */
static int
find_existing(struct attempt *attempt, struct err *err)
{
	uint32_t session =
		iscsi_find_session(attempt->target->uri, attempt->address_text);

	if (session != 0)
		return connected_pack(session, true);
	return err_set(err, ERR_UNREACHABLE, ENOENT, "no session");
}

int
iscsi_connect(const struct backend_target *target, uint64_t deadline_us,
	struct err *err)
{
	struct attempt attempt = {.target = target, .deadline_us = deadline_us};
	struct err ignored;
	int result = with_each_address(&attempt, find_existing, &ignored);

	if (result >= 0)
		return result;
	if (target->lacks_auth)
		return err_set(err, ERR_AUTH_FAILED, ENOKEY,
			"%.100s: its credentials cannot be had, the log says "
			"why; mend that, or manage it with others",
			target->source);
	result = read_initiator(attempt.initiator, err);
	if (result == 0)
		result = iscsiadm_check_daemon(err);
	if (result < 0)
		return name_target(&attempt, result, err);
	return with_each_address(&attempt, connect_portal, err);
}

static int
try_portal(struct attempt *attempt, struct err *err)
{
	int result = try_login(attempt, attempt->target->auth, err);

	return result < 0 ? name_target(attempt, result, err) : 0;
}

int
iscsi_try_credentials(const struct backend_target *target, uint64_t deadline_us,
	struct err *err)
{
	struct attempt attempt = {.target = target, .deadline_us = deadline_us};
	int result;

	if (strcmp(iscsi_iface(target->uri), ISCSI_DEFAULT_IFACE) != 0)
		return err_set(err, ERR_UNSUPPORTED, EOPNOTSUPP,
			"%.100s: credentials can be tried through the default "
			"interface alone: unmanage and manage anew",
			target->source);
	result = read_initiator(attempt.initiator, err);
	return result < 0 ? result
			  : with_each_address(&attempt, try_portal, err);
}

int
iscsi_keep_credentials(const struct backend_target *target, struct err *err)
{
	const char *owner_uri = target->uri->canonical;
	struct iscsi_session session;
	struct iscsi_auth ignored;
	struct iscsi_node node = {
		.target = target->uri->path,
		.address = session.address,
		.iface = session.iface,
	};
	int result;

	if (target->session == 0 ||
		iscsi_session_read(target->session - 1, &session) < 0 ||
		!iscsi_is_like(&session, target->uri))
		return err_set(err, ERR_VANISHED, ENOENT,
			"%.100s: there is no session any more", target->source);
	node.port = session.port;
	node.tpgt = session.tpgt;
	result = iscsi_record_ensure(&node, owner_uri, &ignored, err);
	explicit_bzero(&ignored, sizeof(ignored));
	return result < 0 ? result
			  : iscsi_record_adjust(&node, target->auth,
				    LOGIN_TIMEOUT_MAX_S, err);
}
