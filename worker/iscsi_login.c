/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * iscsi_login.c - asks an iSCSI portal whether a login would be let in.
 *
 * Runs in: operation children of the iSCSI worker, before iscsiadm logs in.
 * Trusts: nobody: every byte received is a target's.
 * Invariant: see iscsi_login.h. All waiting is done by tcp.c.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>

#include "common/guard.h"
#include "worker/iscsi_chap.h"
#include "worker/iscsi_conn.h"
#include "worker/iscsi_error.h"
#include "worker/iscsi_login.h"
#include "worker/iscsi_text.h"

enum {
	NAME_LEN_MAX = 223, /* RFC 7143, section 4.2.7.1 */
	TPGT_MAX = 65535,

	REDIRECTED = 1, /* what a step returns when no more are to be made */
};

/* For AuthMethod */
#define METHOD_CHAP "CHAP"
#define METHOD_NONE "None"
#define METHOD_ANY  "CHAP,None"

struct login {
	struct iscsi_trial trial; /* auth: NULL when there are none */
	bool has_proved;	  /* the target has this host's proof */
	struct iscsi_conn conn;
	struct iscsi_chap chap;
	struct iscsi_text out;
	struct iscsi_answer in;
};

static bool
is_mutual(const struct login *login)
{
	return login->trial.auth && iscsi_chap_is_mutual(login->trial.auth);
}

static int
connect_portal(struct login *login, struct err *err)
{
	const struct iscsi_trial *trial = &login->trial;
	int rc = iscsi_conn_connect(
		&login->conn, trial->address, trial->address_len, trial->port);

	return rc < 0 ? iscsi_error_connect(&login->conn.tcp, -rc, err) : 0;
}

/* The same IQN may be behind several portal groups, with other rights. */
static int
check_group(const struct login *login, struct err *err)
{
	const char *value =
		iscsi_text_get(&login->in.text, "TargetPortalGroupTag");
	unsigned tpgt;

	if (!value)
		return 0;
	if (!iscsi_text_number(value, TPGT_MAX, &tpgt))
		return err_set(err, ERR_LOGIN_FAILED, EPROTO,
			"the target's portal group tag makes no sense");
	if (tpgt != login->trial.tpgt)
		return err_set(err, ERR_LOGIN_FAILED, EREMOTEIO,
			"the portal belongs to group %u: write tpgt=%u", tpgt,
			tpgt);
	return 0;
}

/*
 * One request, with what login->out holds, and its answer in login->in. 0,
 * REDIRECTED or negative errno. step is for error texts.
 */
static int
ask(struct login *login, const char *step, bool wants_transit, struct err *err)
{
	unsigned status;
	int rc = iscsi_conn_exchange(
		&login->conn, &login->out, wants_transit, &login->in);

	if (rc < 0)
		return iscsi_error_exchange(&login->conn.tcp, step, -rc, err);
	status = login->in.status;
	if (status == ISCSI_STATUS_MOVED_FOR_NOW ||
		status == ISCSI_STATUS_MOVED_FOR_GOOD)
		return REDIRECTED;
	if (status != 0)
		return iscsi_error_status(
			&login->trial, status, login->has_proved, err);
	return check_group(login, err);
}

/* The first request says who is who, and how each could prove it. */
static void
put_introduction(struct login *login, const char *offer)
{
	iscsi_text_init(&login->out);
	iscsi_text_put(&login->out, "InitiatorName", login->trial.initiator);
	iscsi_text_put(&login->out, "TargetName", login->trial.target);
	iscsi_text_put(&login->out, "SessionType", "Normal");
	iscsi_text_put(&login->out, "AuthMethod", offer);
}

/* A target that says nothing of a method has chosen none. */
static const char *
get_method(const struct login *login)
{
	const char *method = iscsi_text_get(&login->in.text, "AuthMethod");

	return method ? method : METHOD_NONE;
}

/*
 * A Linux target that takes none of the methods offered hangs up, without a
 * word. Offered both, it says which one it is after. result and err are those
 * of the first try, and stay when there is nothing better to say.
 */
static int
explain_closing(struct login *login, int result, struct err *err)
{
	const struct iscsi_trial *trial = &login->trial;
	const char *feared = trial->auth ? METHOD_NONE : METHOD_CHAP;

	put_introduction(login, METHOD_ANY);
	if (connect_portal(login, NULL) < 0 ||
		iscsi_conn_exchange(
			&login->conn, &login->out, true, &login->in) < 0)
		return result;
	if (login->in.status != ISCSI_STATUS_AUTH_FAILED &&
		(login->in.status != 0 ||
			strcmp(get_method(login), feared) != 0))
		return result;
	return trial->auth ? iscsi_error_no_chap(trial, err)
			   : iscsi_error_status(trial, ISCSI_STATUS_AUTH_FAILED,
				     false, err);
}

static int
start(struct login *login, struct err *err)
{
	const char *offer = !login->trial.auth ? METHOD_NONE
			    : is_mutual(login) ? METHOD_CHAP
					       : METHOD_ANY;
	int rc = connect_portal(login, err);

	if (rc < 0)
		return rc;
	put_introduction(login, offer);
	rc = ask(login, "the login request", !is_mutual(login), err);
	if ((rc == -ECONNRESET || rc == -EPIPE) &&
		strcmp(offer, METHOD_ANY) != 0)
		return explain_closing(login, rc, err);
	return rc;
}

/* Until the target agrees that the security stage is over. */
static int
leave_stage(struct login *login, struct err *err)
{
	int rc = 0;

	iscsi_text_init(&login->out);
	while (rc == 0 && !login->in.has_transit)
		rc = ask(login, "that authentication is over", true, err);
	return rc;
}

static int
try_chap(struct login *login, struct err *err)
{
	const struct iscsi_auth *auth = login->trial.auth;
	int rc;

	iscsi_text_init(&login->out);
	iscsi_text_put(&login->out, "CHAP_A", ISCSI_CHAP_OFFER);
	rc = ask(login, "the offer of digests for CHAP", false, err);
	if (rc != 0)
		return rc;
	iscsi_text_init(&login->out);
	rc = iscsi_chap_answer(
		&login->chap, auth, &login->in.text, &login->out, err);
	if (rc < 0)
		return rc;
	login->has_proved = true;
	rc = ask(login, "this host's proof for CHAP", true, err);
	if (rc == 0 && iscsi_chap_is_mutual(auth))
		rc = iscsi_chap_check(&login->chap, &login->in.text, err);
	return rc == 0 ? leave_stage(login, err) : rc;
}

static int
authenticate(struct login *login, struct err *err)
{
	const struct iscsi_trial *trial = &login->trial;
	const char *method = get_method(login);

	if (strcmp(method, METHOD_NONE) == 0 && !is_mutual(login))
		return leave_stage(login, err);
	if (!trial->auth)
		return iscsi_error_status(
			trial, ISCSI_STATUS_AUTH_FAILED, false, err);
	if (strcmp(method, METHOD_CHAP) != 0)
		return iscsi_error_no_chap(trial, err);
	/* So does a Linux target; the real login would fail over it. */
	if (login->in.has_transit)
		return err_set(err, ERR_AUTH_FAILED, EPROTO,
			"the target's authentication is off, and iscsid cannot "
			"log in with credentials then: give no user name and "
			"no password");
	return try_chap(login, err);
}

static bool
is_name(const char *name)
{
	size_t len = strnlen(name, NAME_LEN_MAX + 1);

	return len > 0 && len <= NAME_LEN_MAX;
}

/* What iscsid would refuse too, or take for less than it says. */
static int
check_auth(const struct iscsi_auth *auth, struct err *err)
{
	bool is_out = auth->username[0];
	bool is_in = auth->username_in[0];

	if (is_out != !!auth->password[0] || is_in != !!auth->password_in[0])
		return err_set(err, ERR_BAD_OPTION, EINVAL,
			"CHAP needs both a user name and a password");
	if (is_in && !is_out)
		return err_set(err, ERR_BAD_OPTION, EINVAL,
			"mutual CHAP needs this host's credentials too");
	if (is_in && strcmp(auth->password, auth->password_in) == 0)
		return err_set(err, ERR_AUTH_FAILED, EINVAL,
			"mutual CHAP needs two passwords that differ, or "
			"either side could have the other answer for it");
	return 0;
}

static int
check_arguments(const struct iscsi_trial *trial, struct err *err)
{
	sa_family_t family = trial->address->sa_family;
	socklen_t needed = family == AF_INET ? sizeof(struct sockaddr_in)
					     : sizeof(struct sockaddr_in6);

	if ((family != AF_INET && family != AF_INET6) ||
		trial->address_len != needed)
		return err_set(err, ERR_BAD_OPTION, EINVAL,
			"iSCSI needs an IPv4 or IPv6 address");
	if (!is_name(trial->target) || !is_name(trial->initiator))
		return err_set(err, ERR_BAD_OPTION, EINVAL,
			"an iSCSI name has 1 to %d bytes", NAME_LEN_MAX);
	return trial->auth ? check_auth(trial->auth, err) : 0;
}

static void
guard_login(struct login *login)
{
	iscsi_conn_done(&login->conn);
}

int
iscsi_login_try(const struct iscsi_trial *trial, struct err *err)
{
	cleanup(guard_login) struct login login;
	int rc = iscsi_conn_init(&login.conn, trial->timeout_ms);

	if (rc < 0)
		return err_set(err, ERR_INTERNAL, -rc,
			"there are no random bytes to be had");
	login.has_proved = false;
	login.trial = *trial;
	if (trial->auth && trial->auth->username[0] == '\0')
		login.trial.auth = NULL;
	rc = check_arguments(trial, err);
	if (rc == 0)
		rc = start(&login, err);
	if (rc == 0)
		rc = authenticate(&login, err);
	return rc < 0 ? rc : 0;
}
