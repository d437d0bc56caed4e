/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz_sidecar.c - the file that says whose a record of open-iscsi is.
 *
 * Input: the file. "BASE" in it stands for the path of a database.
 * Covers: worker/iscsi_sidecar.c worker/durable.c
 */
#include <errno.h>
#include <inttypes.h>

#include "common/hash.h"
#include "tests/fuzz/fuzz_dir.h"
#include "worker/iscsi_sidecar.h"
#include "worker/open_iscsi.h"

#define PLACE "nodes/iqn.2012-06.example:db/192.0.2.1,3260,1/default"

/* fuzz_dir_path is filled in by the time that it is looked at. */
const struct open_iscsi open_iscsi = {
	.program = "/nonexistent",
	.initiator_name = "/nonexistent",
	.bases = {fuzz_dir_path, "/nonexistent"},
};

static int dirfd = -1;
static char name[64];
static unsigned seen;

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	dirfd = fuzz_dir_make();
	(void)snprintf(
		name, sizeof(name), ".holdfast-%016" PRIx64, hash_text(PLACE));
	return 0;
}

static void
see(const struct iscsi_sidecar *sidecar, void *data)
{
	seen++;
	CHECK(strcmp(sidecar->place, PLACE) == 0);
}

static void
put_file(const uint8_t *data, size_t size)
{
	static const char word[] = "BASE";
	const uint8_t *at = memmem(data, size, word, strlen(word));
	char *text = NULL;
	size_t len = 0;
	FILE *file = open_memstream(&text, &len);

	CHECK(file);
	if (!at)
		at = data + size;
	CHECK(fwrite(data, 1, (size_t)(at - data), file) ==
		(size_t)(at - data));
	if (at < data + size) {
		(void)fputs(fuzz_dir_path, file);
		at += strlen(word);
	}
	CHECK(fwrite(at, 1, (size_t)(data + size - at), file) ==
		(size_t)(data + size - at));
	CHECK(fclose(file) == 0);
	fuzz_dir_put(dirfd, name, text, len);
	free(text);
}

/* What is written anew says the same. */
static void
check_again(const struct iscsi_sidecar *sidecar)
{
	const struct iscsi_lock lock = {.fd = -1, .base = fuzz_dir_path};
	struct iscsi_sidecar again = {0};

	CHECK(iscsi_sidecar_write(&lock, sidecar) == 0);
	CHECK(iscsi_sidecar_find(PLACE, &again) == 0);
	CHECK(strcmp(again.owner, sidecar->owner) == 0);
	CHECK(strcmp(again.place, sidecar->place) == 0);
	CHECK(again.base == sidecar->base);
	if (sidecar->base) {
		CHECK((again.stat.st_mode & 07777) ==
			(sidecar->stat.st_mode & 07777));
		CHECK(again.stat.st_uid == sidecar->stat.st_uid &&
			again.stat.st_gid == sidecar->stat.st_gid);
		CHECK(again.len == sidecar->len);
		CHECK(memcmp(again.text, sidecar->text, again.len) == 0);
	}
	iscsi_sidecar_done(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct iscsi_sidecar sidecar = {0};
	int result;

	put_file(data, size);
	result = iscsi_sidecar_find(PLACE, &sidecar);
	CHECK(result == 0 || result == -EEXIST);
	if (result == 0) {
		CHECK(*sidecar.owner && !strchr(sidecar.owner, '\n'));
		CHECK(!sidecar.base || sidecar.base == fuzz_dir_path ||
			sidecar.base == open_iscsi.bases[1]);
		check_again(&sidecar);
	}
	seen = 0;
	iscsi_sidecars_each(see, NULL);
	CHECK(result < 0 || seen == 1);
	iscsi_sidecar_done(&sidecar);
	return 0;
}
