/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * iscsi_chap.c - CHAP (RFC 1994) as iSCSI has it (RFC 7143, section 12.1.3).
 *
 * Runs in: operation children of the iSCSI worker.
 * Trusts: nobody: what is read comes from a target.
 * Invariant: see iscsi_chap.h.
 */
#include <errno.h>
#include <md5.h>
#include <sha1.h>
#include <sha2.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "common/guard.h"
#include "worker/iscsi_chap.h"

enum {
	ID_MAX = 255,
	MESSAGE_MAX = 1 + ISCSI_AUTH_SIZE + ISCSI_CHAP_CHALLENGE_MAX,
	LIBMD_STACK_MAX = 4096, /* far more than it takes */
	NUMBER_TEXT_MAX = 12,
};

static void
md5(const unsigned char *message, size_t len, unsigned char *digest)
{
	MD5_CTX context;

	MD5Init(&context);
	MD5Update(&context, message, len);
	MD5Final(digest, &context);
}

static void
sha1(const unsigned char *message, size_t len, unsigned char *digest)
{
	SHA1_CTX context;

	SHA1Init(&context);
	SHA1Update(&context, message, len);
	SHA1Final(digest, &context);
}

static void
sha256(const unsigned char *message, size_t len, unsigned char *digest)
{
	SHA2_CTX context;

	SHA256Init(&context);
	SHA256Update(&context, message, len);
	SHA256Final(digest, &context);
}

/* By the number that stands in CHAP_A. */
static const struct algorithm {
	unsigned number;
	size_t len;
	void (*hash)(const unsigned char *message, size_t len,
		unsigned char *digest);
} algorithms[] = {
	{5, MD5_DIGEST_LENGTH, md5},
	{6, SHA1_DIGEST_LENGTH, sha1},
	{7, SHA256_DIGEST_LENGTH, sha256},
};

static const struct algorithm *
find_algorithm(unsigned number)
{
	for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++)
		if (algorithms[i].number == number)
			return &algorithms[i];
	return NULL;
}

/* libmd and the three above leave what was hashed where their variables were. */
__attribute__((noinline)) static void
erase_stack(void)
{
	unsigned char below[LIBMD_STACK_MAX];

	explicit_bzero(below, sizeof(below));
}

size_t
iscsi_chap_digest(unsigned algorithm, const char *secret,
	const struct iscsi_chap_challenge *challenge,
	unsigned char digest[ISCSI_CHAP_DIGEST_MAX])
{
	const struct algorithm *found = find_algorithm(algorithm);
	size_t secret_len = strlen(secret);
	unsigned char message[MESSAGE_MAX];

	if (!found || secret_len >= ISCSI_AUTH_SIZE ||
		challenge->len > sizeof(challenge->bytes))
		return 0;
	message[0] = (unsigned char)challenge->id;
	memcpy(message + 1, secret, secret_len);
	memcpy(message + 1 + secret_len, challenge->bytes, challenge->len);
	found->hash(message, 1 + secret_len + challenge->len, digest);
	erase_stack();
	explicit_bzero(message, sizeof(message));
	return found->len;
}

bool
iscsi_chap_is_mutual(const struct iscsi_auth *auth)
{
	return auth->password_in[0] != '\0';
}

static int
fail_malformed(const char *what, struct err *err)
{
	return err_set(err, ERR_LOGIN_FAILED, EPROTO,
		"the target's %s is missing or makes no sense", what);
}

static int
get_challenge(const struct iscsi_text *in,
	struct iscsi_chap_challenge *ret_challenge, struct err *err)
{
	const char *id = iscsi_text_get(in, "CHAP_I");
	const char *bytes = iscsi_text_get(in, "CHAP_C");

	if (!id || !iscsi_text_number(id, ID_MAX, &ret_challenge->id))
		return fail_malformed("CHAP identifier (CHAP_I)", err);
	if (!bytes ||
		!iscsi_text_binary(bytes, ret_challenge->bytes,
			sizeof(ret_challenge->bytes), &ret_challenge->len))
		return fail_malformed("CHAP challenge (CHAP_C)", err);
	return 0;
}

/* As long as the digest: more would add nothing. */
static int
make_challenge(
	struct iscsi_chap_challenge *challenge, size_t len, struct err *err)
{
	unsigned char id;

	challenge->len = len;
	if (getrandom(challenge->bytes, len, 0) != (ssize_t)len ||
		getrandom(&id, 1, 0) != 1)
		return err_set(err, ERR_INTERNAL, EAGAIN,
			"there are no random bytes to be had");
	challenge->id = id;
	return 0;
}

static void
put_challenge(
	const struct iscsi_chap_challenge *challenge, struct iscsi_text *out)
{
	char id[NUMBER_TEXT_MAX];

	(void)snprintf(id, sizeof(id), "%u", challenge->id);
	iscsi_text_put(out, "CHAP_I", id);
	iscsi_text_put_binary(out, "CHAP_C", challenge->bytes, challenge->len);
}

int
iscsi_chap_answer(struct iscsi_chap *chap, const struct iscsi_auth *auth,
	const struct iscsi_text *in, struct iscsi_text *out, struct err *err)
{
	const char *choice = iscsi_text_get(in, "CHAP_A");
	unsigned char digest[ISCSI_CHAP_DIGEST_MAX];
	struct iscsi_chap_challenge theirs;
	size_t len;
	int rc;

	chap->auth = auth;
	if (!choice)
		return fail_malformed("choice of a CHAP digest (CHAP_A)", err);
	/* "Reject" among others */
	if (!iscsi_text_number(choice, UINT16_MAX, &chap->algorithm) ||
		!find_algorithm(chap->algorithm))
		return err_set(err, ERR_AUTH_FAILED, EPROTONOSUPPORT,
			"the target takes none of the digests MD5, SHA1 and "
			"SHA-256 for CHAP");
	rc = get_challenge(in, &theirs, err);
	if (rc < 0)
		return rc;
	len = iscsi_chap_digest(
		chap->algorithm, auth->password, &theirs, digest);
	iscsi_text_put(out, "CHAP_N", auth->username);
	iscsi_text_put_binary(out, "CHAP_R", digest, len);
	if (!iscsi_chap_is_mutual(auth))
		return 0;
	rc = make_challenge(&chap->ours, len, err);
	if (rc == 0)
		put_challenge(&chap->ours, out);
	return rc;
}

static bool
is_digest_with(const struct iscsi_chap *chap, const char *secret,
	const unsigned char *digest, size_t len)
{
	unsigned char expected[ISCSI_CHAP_DIGEST_MAX];
	size_t expected_len = iscsi_chap_digest(
		chap->algorithm, secret, &chap->ours, expected);
	bool is_equal =
		len == expected_len && memcmp(digest, expected, len) == 0;

	explicit_bzero(expected, sizeof(expected));
	return is_equal;
}

/* A target that asks what it was asked wants the answer from the initiator. */
static bool
is_reflected(const struct iscsi_chap *chap, const struct iscsi_text *in)
{
	const char *value = iscsi_text_get(in, "CHAP_C");
	unsigned char bytes[ISCSI_CHAP_CHALLENGE_MAX];
	size_t len;

	return value && iscsi_text_binary(value, bytes, sizeof(bytes), &len) &&
	       len == chap->ours.len &&
	       memcmp(bytes, chap->ours.bytes, len) == 0;
}

int
iscsi_chap_check(const struct iscsi_chap *chap, const struct iscsi_text *in,
	struct err *err)
{
	const char *name = iscsi_text_get(in, "CHAP_N");
	const char *value = iscsi_text_get(in, "CHAP_R");
	unsigned char digest[ISCSI_CHAP_CHALLENGE_MAX];
	size_t len;

	if (is_reflected(chap, in))
		return err_set(err, ERR_AUTH_FAILED, EKEYREJECTED,
			"the target did not prove who it is: it sent the "
			"initiator's own challenge back");
	if (!name || !value)
		return err_set(err, ERR_AUTH_FAILED, EKEYREJECTED,
			"the target did not prove who it is, as mutual CHAP "
			"wants it");
	if (!iscsi_text_binary(value, digest, sizeof(digest), &len))
		return fail_malformed("CHAP response (CHAP_R)", err);
	if (is_digest_with(chap, chap->auth->password, digest, len))
		return err_set(err, ERR_AUTH_FAILED, EKEYREJECTED,
			"the target did not prove who it is: it used the "
			"initiator's password in place of its own");
	if (!is_digest_with(chap, chap->auth->password_in, digest, len))
		return err_set(err, ERR_AUTH_FAILED, EKEYREJECTED,
			"the target did not prove who it is: it does not know "
			"the password expected of it (password_in)");
	if (strcmp(name, chap->auth->username_in) != 0)
		return err_set(err, ERR_AUTH_FAILED, EKEYREJECTED,
			"the target goes by another user name than the one "
			"expected of it (username_in)");
	return 0;
}
