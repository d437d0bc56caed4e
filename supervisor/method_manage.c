/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * method_manage.c - what the method manage does, up to batch.c or claiming.c.
 *
 * Runs in: supervisor.
 * Trusts: as methods.c.
 * Invariant: an error has changed nothing. No error text holds a secret, and
 *            none is left on the stack.
 */
#include <errno.h>
#include <string.h>

#include "common/guard.h"
#include "supervisor/call.h"
#include "supervisor/supervisor.h"

/* The CID names a claim: success if it is the same and that is wanted. */
static int
answer_existing(struct call *call, const struct claim *claim, struct text cid,
	const struct uri *uri, bool if_absent, struct err *err)
{
	const struct asker asker = call_asker(call);

	if (!claim_fits(claim, uri, asker.uid, if_absent, err))
		return -EEXIST;
	/* It may be a change of this very batch, which may be undone: then the
	 * CID names no claim, or again the one that it named before. */
	batch_commit(&call->supervisor->batch);
	claim = claim_find(call->supervisor, cid.data, cid.len);
	if (!claim || !claim_fits(claim, uri, asker.uid, if_absent, err)) {
		(void)err_set(err, ERR_STORE_FAILED, EIO,
			"the claim could not be written; nothing was changed");
		/* Not returned: answers of the commit stand before it. */
		client_answer_error(&asker, err);
		return CALL_LATER;
	}
	client_answer_manage(&asker, claim->target, false);
	return CALL_LATER;
}

/* Copies an option; *ret_is_given is set when it is there. */
static int
get_secret(const struct call *call, const char *key, char *ret_value,
	size_t size, bool *ret_is_given, struct err *err)
{
	struct text text = {0};
	int result = call_get_option_text(call, key, &text, err);

	if (result < 0 || !text.data)
		return result;
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f)
			return err_set(err, ERR_BAD_OPTION, EINVAL,
				"manage: option %s has a control character",
				key);
	if (!utf8_is_valid(text.data, text.len))
		return err_set(err, ERR_BAD_OPTION, EINVAL,
			"manage: option %s is not UTF-8", key);
	if (text.len == 0 || text.len >= size)
		return err_set(err, ERR_BAD_OPTION, EINVAL,
			"manage: option %s is 1 to %zu bytes long", key,
			size - 1);
	memcpy(ret_value, text.data, text.len);
	ret_value[text.len] = '\0';
	*ret_is_given = true;
	return 0;
}

static int
get_auth(const struct call *call, struct iscsi_auth *ret_auth,
	bool *ret_is_given, struct err *err)
{
	const struct {
		const char *key;
		char *value;
	} options[] = {
		{"username", ret_auth->username},
		{"password", ret_auth->password},
		{"username_in", ret_auth->username_in},
		{"password_in", ret_auth->password_in},
	};
	int result = 0;

	for (size_t i = 0; result == 0 && i < ARRAY_SIZE(options); i++)
		result = get_secret(call, options[i].key, options[i].value,
			ISCSI_AUTH_SIZE, ret_is_given, err);
	return result == 0 && *ret_is_given
		       ? credential_check_auth(ret_auth, err)
		       : result;
}

/* What the options give to log in with; *ret_is_given is false for nothing. */
static int
get_credential(const struct call *call, struct credential *ret_credential,
	bool *ret_is_given, struct err *err)
{
	bool has_auth = false;
	struct text name = {0};
	int result = get_auth(call, &ret_credential->auth, &has_auth, err);

	if (result == 0)
		result = call_get_option_text(call, "auth", &name, err);
	if (result < 0)
		return result;
	ret_credential->uid = call->client->uid;
	*ret_is_given = has_auth || name.data;
	if (!name.data)
		return 0;
	if (has_auth)
		return err_set(err, ERR_BAD_OPTION, EINVAL,
			"manage: give option auth, or username and password, "
			"not both");
	result = credential_check_name(name.data, name.len, err);
	if (result == 0)
		memcpy(ret_credential->name, name.data, name.len);
	return result;
}

static int
check_credential_scheme(const struct uri *uri, struct err *err)
{
	if (uri->scheme == URI_ISCSI)
		return 0;
	return err_set(err, ERR_BAD_OPTION, EINVAL,
		"manage: %s takes no credentials: leave auth, username and "
		"password out",
		uri_scheme_name(uri->scheme));
}

static int
manage_with(
	struct call *call, const struct claim_request *request, struct err *err)
{
	int result = check_credential_scheme(request->uri, err);

	if (result == 0)
		result = claiming_new(call->supervisor, request, err);
	return result < 0 ? result : CALL_LATER;
}

static int
manage_plain(
	struct call *call, const struct claim_request *request, struct err *err)
{
	struct supervisor *supervisor = call->supervisor;
	const struct text cid = {request->cid, request->cid_len};
	const struct claim *claim = claim_find(supervisor, cid.data, cid.len);
	int result;

	if (claim)
		return answer_existing(call, claim, cid, request->uri,
			request->if_absent, err);
	result = call_check_stopping(call, err);
	if (result == 0)
		result = batch_manage(&supervisor->batch, &request->asker,
			request->uri, cid.data, cid.len, NULL, err);
	return result < 0 ? result : CALL_LATER;
}

int
method_manage(struct call *call, struct err *err)
{
	struct credential credential = {0};
	struct text text = {0}, cid = {0};
	struct claim_request request = {
		.asker = call_asker(call), .credential = &credential};
	bool is_given = false;
	struct uri uri;
	int result = call_get_text(call, 0, "the URI", &text, err);

	if (result == 0)
		result = call_get_cid(call, 1, &cid, err);
	if (result == 0)
		result = uri_parse(text.data, text.len, &uri, err);
	if (result == 0)
		result = call_get_option_bool(
			call, "if_absent", &request.if_absent, err);
	if (result == 0)
		result = get_credential(call, &credential, &is_given, err);
	if (result == 0) {
		request.uri = &uri;
		request.cid = cid.data;
		request.cid_len = cid.len;
		result = is_given ? manage_with(call, &request, err)
				  : manage_plain(call, &request, err);
	}
	explicit_bzero(&credential, sizeof(credential));
	return result;
}
