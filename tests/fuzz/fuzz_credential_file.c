/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz_credential_file.c - credentials on disk, damaged or as we wrote them.
 *
 * Input: byte, modulo 3: 0: a file as it is, 1: its checksum is added; 2:
 * credentials to be written: owner, then name, user, password, user and
 * password of the target, each up to a newline.
 * Covers: supervisor/credential_file.c supervisor/credential_text.c
 */
#include <errno.h>

#include "supervisor/crc32c.h"
#include "supervisor/credential.h"
#include "supervisor/credential_text.h"
#include "tests/fuzz/fuzz_dir.h"

#define URI  "iscsi://san1/iqn.2012-06.example.holdfast:db"
#define NAME "00000000000000ab"

enum {
	KEY = 0xab,
};

static int dirfd = -1;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	dirfd = fuzz_dir_make();
	return 0;
}

static bool
knows_none(uint64_t key, void *data)
{
	return false;
}

static void
check_stored(const struct credential *credential)
{
	struct credential again = {0};

	CHECK(credential_stage(dirfd, KEY, URI, credential) == 0);
	CHECK(credential_load(dirfd, KEY, URI, &again) == 0);
	CHECK(credential_is_same(credential, &again));
	CHECK(again.uid == credential->uid);
	/* It is one connection's, and no other's. */
	CHECK(credential_load(dirfd, KEY, URI "2", &again) == -EBADMSG);
	credential_remove(dirfd, KEY);
	CHECK(credential_load(dirfd, KEY, URI, &again) == -ENOENT);
}

static void
check_file(const uint8_t *data, size_t size, bool has_checksum)
{
	struct credential credential, before;
	char *text = fuzz_text(data, size);
	char line[32];
	int result;

	memset(&credential, 0x5a, sizeof(credential));
	before = credential;
	(void)snprintf(line, sizeof(line), "crc = %08x\n",
		(unsigned)crc32c(0, text, strlen(text)));
	text = realloc(text, size + sizeof(line));
	CHECK(text);
	if (has_checksum)
		memcpy(text + strlen(text), line, strlen(line) + 1);
	fuzz_dir_put(dirfd, NAME, text, has_checksum ? strlen(text) : size);
	free(text);
	result = credential_load(dirfd, KEY, URI, &credential);
	CHECK(result == 0 || result == -EBADMSG);
	if (result < 0) {
		CHECK(memcmp(&credential, &before, sizeof(before)) == 0);
		credential_remove(dirfd, KEY);
		return;
	}
	/* Who wrote a checksum wrote a name, or what to log in with. */
	if (*credential.name)
		memset(&credential.auth, 0, sizeof(credential.auth));
	check_stored(&credential);
}

static void
take_field(struct fuzz_input *input, char *field, size_t size)
{
	char *text = fuzz_text_to(input, '\n');

	(void)snprintf(field, size, "%s", text);
	free(text);
}

/* Nothing gets there that a call, which is checked so, could not bring. */
static bool
is_fit(const struct credential *credential)
{
	const struct iscsi_auth *auth = &credential->auth;
	const char *fields[] = {auth->username, auth->password,
		auth->username_in, auth->password_in};

	if (*credential->name)
		return credential_check_name(credential->name,
			       strlen(credential->name), NULL) == 0;
	for (size_t i = 0; i < 4; i++)
		if (!fuzz_is_line(fields[i], strlen(fields[i])))
			return false;
	return credential_check_auth(auth, NULL) == 0;
}

static void
check_written(struct fuzz_input *input)
{
	struct credential credential = {.uid = fuzz_u32(input)};
	struct iscsi_auth *auth = &credential.auth;

	take_field(input, credential.name, sizeof(credential.name));
	if (!*credential.name) {
		take_field(input, auth->username, sizeof(auth->username));
		take_field(input, auth->password, sizeof(auth->password));
		take_field(input, auth->username_in, sizeof(auth->username_in));
		take_field(input, auth->password_in, sizeof(auth->password_in));
	}
	if (is_fit(&credential))
		check_stored(&credential);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	unsigned way = fuzz_u8(&input) % 3;

	if (way == 2)
		check_written(&input);
	else
		check_file(input.at, input.left, way == 1);
	credential_sweep(dirfd, knows_none, NULL);
	return 0;
}
