/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_store.c - the claims store: what is acknowledged stays, whatever dies.
 *
 * fsync() and fdatasync() are this file's: they count, and fail when told to.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#include "common/guard.h"
#include "supervisor/crc32c.h"
#include "supervisor/store.h"
#include "supervisor/store_record.h"

/* libtdb's tdb_rescue() frees its table only when it fails. */
const char *__lsan_default_suppressions(void);
const char *
__lsan_default_suppressions(void)
{
	return "leak:tdb_rescue\n";
}

static int syncs;	   /* fdatasync() calls */
static int sync_fail_from; /* first and last call to fail, 0: none */
static int sync_fail_to;
static bool sync_is_fast; /* kill -9 does not lose what write() took */

static int
sync_file(int fd, long number)
{
	syncs++;
	if (sync_fail_from && syncs >= sync_fail_from &&
		syncs <= sync_fail_to) {
		errno = EIO;
		return -1;
	}
	return sync_is_fast ? 0 : (int)syscall(number, fd);
}

int
fdatasync(int fd)
{
	return sync_file(fd, SYS_fdatasync);
}

int
fsync(int fd)
{
	return sync_file(fd, SYS_fsync);
}

static int writes_left = -1; /* until this process kills itself; -1: never */

ssize_t
pwrite(int fd, const void *bytes, size_t len, off_t at)
{
	if (writes_left >= 0 && writes_left-- == 0)
		kill(getpid(), SIGKILL);
	return syscall(SYS_pwrite64, fd, bytes, len, at);
}

static char dir[128];
static unsigned seed = 20121;

static unsigned
random_below(unsigned limit)
{
	return (unsigned)rand_r(&seed) % limit;
}

static const char *
path_of(const char *name)
{
	static char path[sizeof(dir) + 1 + 256];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static unsigned
for_each_file(const char *prefix, void (*act)(const char *name))
{
	DIR *stream = opendir(dir);
	struct dirent *entry;
	unsigned count = 0;

	assert_non_null(stream);
	while ((entry = readdir(stream))) {
		if (entry->d_name[0] == '.' ||
			strncmp(entry->d_name, prefix, strlen(prefix)) != 0)
			continue;
		count++;
		if (act)
			act(entry->d_name);
	}
	closedir(stream);
	return count;
}

static void
remove_file(const char *name)
{
	unlink(path_of(name));
}

static void
set_file_limit(rlim_t limit)
{
	struct rlimit limits;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limits), 0);
	limits.rlim_cur = limit;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limits), 0);
}

static int
make_dir(void **state)
{
	const char *base = getenv("TMPDIR");

	(void)snprintf(dir, sizeof(dir), "%s/holdfast-store-XXXXXX",
		base ? base : "/tmp");
	sync_fail_from = sync_fail_to = 0;
	sync_is_fast = false;
	set_file_limit(RLIM_INFINITY);
	return mkdtemp(dir) ? 0 : -1;
}

static int
remove_dir(void **state)
{
	for_each_file("", remove_file);
	return rmdir(dir);
}

struct bytes {
	uint8_t *data;
	size_t len;
};

static void
free_bytes(struct bytes *bytes)
{
	free(bytes->data);
}

#define cleanup_bytes cleanup(free_bytes)

static struct bytes
read_file(const char *name)
{
	cleanup_close int fd = open(path_of(name), O_RDONLY);
	struct bytes bytes = {NULL, 0};
	struct stat st;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	bytes.len = (size_t)st.st_size;
	bytes.data = malloc(bytes.len + 1);
	assert_int_equal(read(fd, bytes.data, bytes.len), st.st_size);
	return bytes;
}

static void
write_file(const char *name, const void *data, size_t len)
{
	cleanup_close int fd =
		open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
}

/* Flips one bit of a file. */
static void
flip(const char *name, size_t at, unsigned bit)
{
	cleanup_close int fd = open(path_of(name), O_RDWR);
	uint8_t byte;

	assert_int_equal(pread(fd, &byte, 1, (off_t)at), 1);
	byte ^= (uint8_t)(1u << bit);
	assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
}

/* Where text stands in the file for the first time. */
static size_t
find(const char *name, const char *text)
{
	cleanup_bytes struct bytes file = read_file(name);
	uint8_t *at = memmem(file.data, file.len, text, strlen(text));

	assert_non_null(at);
	return (size_t)(at - file.data);
}

static struct store *
open_store(void)
{
	struct store *store = NULL;
	struct err err = {0};

	if (store_open(dir, &store, &err) < 0)
		fail_msg("%s", err.text);
	return store;
}

static void
store_closep(struct store **store)
{
	store_close(*store);
}

#define cleanup_store cleanup(store_closep)

static struct store_claim
claim_named(const char *cid)
{
	struct store_claim claim = {.uid = 107, .created_us = 1234567890123};

	(void)snprintf(claim.cid, sizeof(claim.cid), "%s", cid);
	(void)snprintf(claim.uri, sizeof(claim.uri), "nfs://nas/vms/%s", cid);
	return claim;
}

static void
put(struct store *store, const char *cid)
{
	struct store_claim claim = claim_named(cid);

	assert_int_equal(store_put_claim(store, &claim, NULL), 0);
}

static void
begin(struct store *store)
{
	struct err err = {0};

	if (store_begin(store, &err) < 0)
		fail_msg("%s", err.text);
}

static void
commit(struct store *store)
{
	struct err err = {0};

	if (store_commit(store, &err) < 0)
		fail_msg("%s", err.text);
}

static void
commit_one(struct store *store, const char *cid)
{
	begin(store);
	put(store, cid);
	commit(store);
}

static void
commit_numbered(struct store *store, const char *prefix, int count)
{
	char cid[32];

	for (int i = 0; i < count; i++) {
		(void)snprintf(cid, sizeof(cid), "%s-%d", prefix, i);
		commit_one(store, cid);
	}
}

struct looking {
	const char *name;
	bool is_found;
	unsigned count;
	uint32_t digest;
};

static int
look_at_claim(const struct store_claim *claim, void *data)
{
	struct looking *looking = data;
	struct store_claim expected = claim_named(claim->cid);
	uint32_t crc = crc32c(0, claim->cid, strlen(claim->cid) + 1);

	crc = crc32c(crc, claim->uri, strlen(claim->uri) + 1);
	crc = crc32c(crc, &claim->uid, sizeof(claim->uid));
	crc = crc32c(crc, &claim->created_us, sizeof(claim->created_us));
	looking->digest += crc;
	looking->count++;
	if (looking->name && strcmp(claim->cid, looking->name) == 0)
		looking->is_found = true;
	assert_string_equal(claim->uri, expected.uri);
	assert_int_equal(claim->uid, expected.uid);
	assert_true(claim->created_us == expected.created_us);
	return 0;
}

static int
look_at_departing(const char *uri, uint64_t created_us, void *data)
{
	struct looking *looking = data;

	looking->digest += crc32c((uint32_t)created_us, uri, strlen(uri));
	looking->count++;
	if (looking->name && strcmp(uri, looking->name) == 0)
		looking->is_found = true;
	return 0;
}

static bool
has_claim(struct store *store, const char *cid)
{
	struct looking looking = {.name = cid};

	assert_int_equal(store_each_claim(store, look_at_claim, &looking), 0);
	return looking.is_found;
}

static bool
has_departing(struct store *store, const char *uri)
{
	struct looking looking = {.name = uri};

	assert_int_equal(
		store_each_departing(store, look_at_departing, &looking), 0);
	return looking.is_found;
}

static uint32_t
digest_of(struct store *store, unsigned *ret_count)
{
	struct looking looking = {0};

	assert_int_equal(store_each_claim(store, look_at_claim, &looking), 0);
	assert_int_equal(
		store_each_departing(store, look_at_departing, &looking), 0);
	if (ret_count)
		*ret_count = looking.count;
	return looking.digest;
}

static void
crc32c_gives_the_check_value_of_rfc_3720(void **state)
{
	uint8_t zeros[32] = {0};

	assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
	assert_int_equal(crc32c(0, zeros, 32), 0x8a9136aa);
	assert_int_equal(crc32c(crc32c(0, "1234", 4), "56789", 5), 0xe3069283);
}

static void
record_survives_encoding_and_nothing_else_decodes(void **state)
{
	struct record record = {.kind = STORE_CLAIM, .generation = 7};
	struct record_bytes bytes;
	struct record back;

	record.claim = claim_named("vm-1");
	assert_int_equal(record_encode(&record, &bytes), 0);
	assert_int_equal(record_decode(bytes.key, bytes.key_len, bytes.value,
				 bytes.value_len, &back),
		0);
	assert_string_equal(back.claim.cid, "vm-1");
	assert_string_equal(back.claim.uri, record.claim.uri);
	assert_true(back.generation == 7);
	for (size_t len = 0; len < bytes.value_len; len++)
		assert_int_equal(record_decode(bytes.key, bytes.key_len,
					 bytes.value, len, &back),
			-EBADMSG);
	for (size_t bit = 0; bit < 8 * bytes.value_len; bit++) {
		bytes.value[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(record_decode(bytes.key, bytes.key_len,
					 bytes.value, bytes.value_len, &back),
			-EBADMSG);
		bytes.value[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	bytes.key[1] = 'w';
	assert_int_equal(record_decode(bytes.key, bytes.key_len, bytes.value,
				 bytes.value_len, &back),
		-EBADMSG);
}

static void
sound_record_of_another_version_is_told_apart(void **state)
{
	struct record record = {.kind = STORE_META};
	struct record_bytes bytes;
	struct record back;
	uint32_t crc;

	assert_int_equal(record_encode(&record, &bytes), 0);
	bytes.value[0] = 2;
	crc = crc32c(0, bytes.key, bytes.key_len);
	crc = crc32c(crc, bytes.value, 1);
	crc = crc32c(crc, bytes.value + 5, bytes.value_len - 5);
	for (int i = 0; i < 4; i++)
		bytes.value[1 + i] = (uint8_t)(crc >> 8 * i);
	assert_int_equal(record_decode(bytes.key, bytes.key_len, bytes.value,
				 bytes.value_len, &back),
		-EPROTONOSUPPORT);
}

static void
put_refuses_what_is_no_cid(void **state)
{
	static const char *const bad[] = {
		"", ".", "..", "a/b", "a\nb", "\x7f", "\xc2\x80", "\xff"};
	cleanup_store struct store *store = open_store();
	struct store_claim claim = claim_named("x");

	begin(store);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		strcpy(claim.cid, bad[i]);
		assert_int_equal(store_put_claim(store, &claim, NULL), -EINVAL);
	}
	memset(claim.cid, 'x', sizeof(claim.cid));
	assert_int_equal(store_put_claim(store, &claim, NULL), -EINVAL);
	claim = claim_named("x");
	strcpy(claim.uri, "");
	assert_int_equal(store_put_claim(store, &claim, NULL), -EINVAL);
	memset(claim.uri, 'x', sizeof(claim.uri));
	assert_int_equal(store_put_claim(store, &claim, NULL), -EINVAL);
	put(store, "good");
	commit(store);
	assert_int_equal(store_count(store), 1);
}

static void
first_open_is_fresh_and_the_second_whole(void **state)
{
	struct store *store = open_store();
	struct stat st;

	assert_int_equal(store_origin(store), STORE_FRESH);
	assert_string_equal(store_note(store), "");
	assert_int_equal(stat(path_of("claims.tdb"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	store_close(store);
	store = open_store();
	assert_int_equal(store_origin(store), STORE_WHOLE);
	store_close(store);
}

/* Without that, kill -9 can leave a structure of which TDB complains. */
static void
new_file_has_an_undo_area_of_a_mebibyte(void **state)
{
	cleanup_bytes struct bytes file = {NULL, 0};
	uint32_t at, room;

	store_close(open_store());
	file = read_file("claims.tdb");
	memcpy(&at, file.data + 44, sizeof(at));
	assert_in_range(at, 1, file.len - 24);
	memcpy(&room, file.data + at + 4, sizeof(room));
	assert_in_range(room, 1024 * 1024, file.len);
}

static void
claims_survive_reopening(void **state)
{
	struct store *store = open_store();

	begin(store);
	put(store, "vm-1");
	put(store, "vm-2");
	put(store, "vm-2");
	commit(store);
	begin(store);
	assert_int_equal(store_delete_claim(store, "vm-1", NULL), 0);
	assert_int_equal(
		store_put_departing(store, "nfs://nas/vms/vm-1", 5, NULL), 0);
	commit(store);
	store_close(store);
	store = open_store();
	assert_int_equal(store_count(store), 2);
	assert_false(has_claim(store, "vm-1"));
	assert_true(has_claim(store, "vm-2"));
	assert_true(has_departing(store, "nfs://nas/vms/vm-1"));
	begin(store);
	assert_int_equal(
		store_delete_departing(store, "nfs://nas/vms/vm-1", NULL), 0);
	assert_int_equal(
		store_delete_departing(store, "nfs://nas/vms/vm-1", NULL), 0);
	commit(store);
	assert_int_equal(store_count(store), 1);
	store_close(store);
}

static void
cancel_leaves_nothing(void **state)
{
	struct store *store = open_store();
	uint64_t generation;

	commit_one(store, "before");
	generation = store_generation(store);
	begin(store);
	put(store, "never");
	assert_int_equal(store_delete_claim(store, "before", NULL), 0);
	store_cancel(store);
	assert_true(store_generation(store) == generation);
	commit_one(store, "after");
	store_close(store);
	store = open_store();
	assert_true(has_claim(store, "before"));
	assert_true(has_claim(store, "after"));
	assert_false(has_claim(store, "never"));
	store_close(store);
}

static void
delete_of_a_missing_claim_says_so_and_the_rest_goes_on(void **state)
{
	cleanup_store struct store *store = open_store();
	struct err err;

	begin(store);
	put(store, "a");
	assert_int_equal(store_delete_claim(store, "b", &err), -ENOENT);
	assert_int_equal(err.code, ERR_NO_SUCH_CID);
	commit(store);
	assert_true(has_claim(store, "a"));
}

static void
transactions_do_not_nest_and_changes_need_one(void **state)
{
	cleanup_store struct store *store = open_store();
	struct store_claim claim = claim_named("a");
	struct err err;

	assert_int_equal(store_put_claim(store, &claim, &err), -EINVAL);
	assert_int_equal(err.code, ERR_INTERNAL);
	begin(store);
	assert_int_equal(store_begin(store, &err), -EBUSY);
	commit(store);
	assert_int_equal(store_generation(store), 1);
}

static void
commit_flushes_four_times_whatever_its_size(void **state)
{
	cleanup_store struct store *store = open_store();
	static const int sizes[] = {1, 10, 100};
	char cid[32];

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		begin(store);
		for (int n = 0; n < sizes[i]; n++) {
			(void)snprintf(cid, sizeof(cid), "s%zu-%d", i, n);
			put(store, cid);
		}
		syncs = 0;
		commit(store);
		assert_int_equal(syncs, 4);
	}
}

static void
variable_that_stops_flushing_is_removed(void **state)
{
	struct store *store;

	setenv("TDB_NO_FSYNC", "1", 1);
	store = open_store();
	assert_null(getenv("TDB_NO_FSYNC"));
	syncs = 0;
	commit_one(store, "a");
	assert_int_equal(syncs, 4);
	store_close(store);
}

/* One commit whose flush number nth fails, and all to number last. */
static void
check_failed_flush(int nth, int last)
{
	struct store *store = open_store();
	struct err err = {0};
	char before[32], during[32], after[32];

	(void)snprintf(before, sizeof(before), "before-%d-%d", nth, last);
	(void)snprintf(during, sizeof(during), "during-%d-%d", nth, last);
	(void)snprintf(after, sizeof(after), "after-%d-%d", nth, last);
	commit_one(store, before);
	begin(store);
	put(store, during);
	assert_int_equal(store_delete_claim(store, before, NULL), 0);
	syncs = 0;
	sync_fail_from = nth;
	sync_fail_to = last;
	assert_int_equal(store_commit(store, &err), -EIO);
	sync_fail_from = 0;
	assert_int_equal(err.code, ERR_STORE_FAILED);
	assert_int_equal(err.errnum, EIO);
	begin(store);
	store_cancel(store);
	assert_false(has_claim(store, during));
	assert_true(has_claim(store, before));
	commit_one(store, after);
	store_close(store);
	store = open_store();
	assert_true(store_origin(store) == STORE_WHOLE);
	assert_false(has_claim(store, during));
	assert_true(has_claim(store, before));
	assert_true(has_claim(store, after));
	store_close(store);
}

static void
failed_flush_fails_the_commit_and_nothing_else(void **state)
{
	store_close(open_store());
	for (int nth = 1; nth <= 4; nth++)
		check_failed_flush(nth, nth);
}

static void
disk_that_fails_for_a_while_costs_only_that_commit(void **state)
{
	store_close(open_store());
	for (int nth = 1; nth <= 4; nth++)
		for (int more = 1; more <= 4; more++)
			check_failed_flush(nth, nth + more);
}

static void
begin_fails_until_the_store_can_be_opened_again(void **state)
{
	cleanup_store struct store *store = open_store();
	struct err err = {0};

	commit_one(store, "a");
	begin(store);
	put(store, "b");
	syncs = 0;
	sync_fail_from = 4;
	sync_fail_to = 1000;
	assert_int_equal(store_commit(store, &err), -EIO);
	assert_int_equal(store_begin(store, &err), -EIO);
	assert_int_equal(err.code, ERR_STORE_FAILED);
	assert_int_equal(store_begin(store, &err), -EIO);
	sync_fail_from = 0;
	commit_one(store, "c");
	assert_true(has_claim(store, "a"));
	assert_false(has_claim(store, "b"));
	assert_true(has_claim(store, "c"));
}

/* Commits of 40 long claims until one fails; how many went through. */
static int
fill_up(struct store *store, struct err *err)
{
	struct store_claim claim = {.uid = 1};

	memset(claim.uri, 'u', sizeof(claim.uri) - 1);
	for (int n = 0; n < 1000; n++) {
		begin(store);
		for (int i = 0; i < 40; i++) {
			(void)snprintf(
				claim.cid, sizeof(claim.cid), "%d-%d", n, i);
			assert_int_equal(
				store_put_claim(store, &claim, NULL), 0);
		}
		if (store_commit(store, err) < 0)
			return n;
	}
	fail_msg("%s", "the limit was never reached");
	return -1;
}

static void
full_disk_fails_the_request_and_keeps_earlier_claims(void **state)
{
	struct store *store = open_store();
	struct err err = {0};
	struct stat st;
	int done;

	assert_int_equal(stat(path_of("claims.tdb"), &st), 0);
	signal(SIGXFSZ, SIG_IGN);
	set_file_limit((rlim_t)st.st_size);
	done = fill_up(store, &err);
	assert_true(done > 0);
	assert_int_equal(err.code, ERR_STORE_FAILED);
	assert_int_equal(err.errnum, EFBIG);
	assert_non_null(strstr(err.text, "free some space"));
	assert_int_equal(store_count(store), done * 40);
	commit_one(store, "small");
	set_file_limit(RLIM_INFINITY);
	commit_one(store, "after");
	store_close(store);
	store = open_store();
	assert_int_equal(store_origin(store), STORE_WHOLE);
	assert_int_equal(store_count(store), done * 40 + 2);
	store_close(store);
}

static void
backup_that_fails_leaves_the_old_one(void **state)
{
	cleanup_store struct store *store = open_store();
	cleanup_bytes struct bytes old = {NULL, 0};
	cleanup_bytes struct bytes now = {NULL, 0};
	struct err err;

	commit_one(store, "a");
	assert_int_equal(store_backup(store, NULL), 0);
	old = read_file("claims.tdb.backup");
	commit_one(store, "b");
	signal(SIGXFSZ, SIG_IGN);
	set_file_limit(1024 * 1024);
	assert_int_equal(store_backup(store, &err), -EFBIG);
	set_file_limit(RLIM_INFINITY);
	assert_int_equal(err.code, ERR_STORE_FAILED);
	now = read_file("claims.tdb.backup");
	assert_int_equal(old.len, now.len);
	assert_memory_equal(old.data, now.data, old.len);
	assert_int_equal(for_each_file("", NULL), 2);
	commit_one(store, "c");
}

static void
backup_is_due_after_as_many_commits_as_claims(void **state)
{
	struct store *store = open_store();

	sync_is_fast = true;
	assert_true(store_backup_is_due(store));
	assert_int_equal(store_backup(store, NULL), 0);
	commit_numbered(store, "a", 63);
	assert_false(store_backup_is_due(store));
	store_close(store);
	store = open_store();
	commit_numbered(store, "b", 1);
	assert_true(store_backup_is_due(store));
	assert_int_equal(store_backup(store, NULL), 0);
	commit_numbered(store, "c", 70);
	assert_false(store_backup_is_due(store));
	store_close(store);
}

static void
missing_file_is_restored_from_the_backup(void **state)
{
	struct store *store = open_store();

	commit_one(store, "in-backup");
	assert_int_equal(store_backup(store, NULL), 0);
	commit_one(store, "later");
	store_close(store);
	remove_file("claims.tdb");
	store = open_store();
	assert_int_equal(store_origin(store), STORE_RESTORED);
	assert_non_null(strstr(store_note(store), "missing"));
	assert_true(has_claim(store, "in-backup"));
	assert_false(has_claim(store, "later"));
	assert_int_equal(for_each_file("", NULL), 2);
	commit_one(store, "go-on");
	store_close(store);
	store = open_store();
	assert_int_equal(store_origin(store), STORE_WHOLE);
	store_close(store);
}

static void
damaged_record_comes_from_the_backup_and_nothing_else_is_turned_back(
	void **state)
{
	struct store *store = open_store();

	commit_one(store, "older");
	commit_one(store, "released");
	assert_int_equal(store_backup(store, NULL), 0);
	commit_one(store, "newer");
	begin(store);
	assert_int_equal(store_delete_claim(store, "released", NULL), 0);
	commit(store);
	store_close(store);
	flip("claims.tdb", find("claims.tdb", "nfs://nas/vms/older") + 8, 0);
	store = open_store();
	assert_int_equal(store_origin(store), STORE_RESTORED);
	assert_non_null(strstr(store_note(store), "none is missing"));
	assert_true(has_claim(store, "older"));
	assert_true(has_claim(store, "newer"));
	assert_false(has_claim(store, "released"));
	assert_int_equal(for_each_file("claims.tdb.damaged-", NULL), 1);
	store_close(store);
}

static void
damaged_record_without_backup_is_lost_and_the_note_says_so(void **state)
{
	struct store *store = open_store();

	commit_one(store, "good");
	commit_one(store, "bad");
	store_close(store);
	flip("claims.tdb", find("claims.tdb", "nfs://nas/vms/bad") + 8, 0);
	store = open_store();
	assert_int_equal(store_origin(store), STORE_RESTORED);
	assert_non_null(strstr(store_note(store), "1 records"));
	assert_non_null(strstr(store_note(store), "it had 2"));
	assert_true(has_claim(store, "good"));
	assert_false(has_claim(store, "bad"));
	assert_int_equal(for_each_file("claims.tdb.damaged-", NULL), 1);
	commit_one(store, "bad");
	store_close(store);
	store = open_store();
	assert_int_equal(store_origin(store), STORE_WHOLE);
	assert_string_equal(store_note(store), "");
	store_close(store);
}

static void
only_so_many_damaged_files_are_kept(void **state)
{
	struct store *store = open_store();

	sync_is_fast = true;
	commit_one(store, "good");
	for (int i = 0; i < STORE_DAMAGED_MAX + 2; i++) {
		commit_one(store, "bad");
		store_close(store);
		flip("claims.tdb", find("claims.tdb", "nfs://nas/vms/bad") + 8,
			0);
		store = open_store();
		assert_int_equal(store_origin(store), STORE_RESTORED);
	}
	assert_int_equal(
		for_each_file("claims.tdb.damaged-", NULL), STORE_DAMAGED_MAX);
	store_close(store);
}

static void
damaged_header_is_mended_and_no_claim_lost(void **state)
{
	char garbage[168];
	struct store *store = open_store();

	memset(garbage, 'g', sizeof(garbage));
	commit_numbered(store, "a", 10);
	store_close(store);
	for (size_t len = 1; len <= sizeof(garbage); len = len * 2 + 3) {
		cleanup_close int fd = open(path_of("claims.tdb"), O_WRONLY);

		assert_int_equal(pwrite(fd, garbage, len, 0), len);
		store = open_store();
		assert_int_equal(store_origin(store), STORE_REBUILT);
		assert_int_equal(store_count(store), 10);
		store_close(store);
	}
	assert_true(for_each_file("claims.tdb.damaged-", NULL) > 0);
}

/* Neither opens nor changes a file of which nothing can be read. */
static void
check_refused(const void *data, size_t len)
{
	cleanup_bytes struct bytes now = {NULL, 0};
	struct store *store = NULL;
	struct err err = {0};

	write_file("claims.tdb", data, len);
	assert_int_equal(store_open(dir, &store, &err), -EBADMSG);
	assert_null(store);
	assert_int_equal(err.code, ERR_STORE_FAILED);
	assert_non_null(strstr(err.text, "move both away"));
	now = read_file("claims.tdb");
	assert_int_equal(now.len, len);
	assert_memory_equal(now.data, data, len);
	assert_int_equal(for_each_file("", NULL), 1);
}

static void
file_without_content_is_refused_and_not_replaced(void **state)
{
	cleanup_free char *garbage = malloc(100000);

	memset(garbage, 'g', 100000);
	check_refused("", 0);
	check_refused("TDB file\n", 10);
	check_refused(garbage, 100000);
	memset(garbage, 0, 100000);
	check_refused(garbage, 100000);
}

static void
empty_file_is_restored_from_the_backup(void **state)
{
	struct store *store = open_store();

	commit_one(store, "a");
	assert_int_equal(store_backup(store, NULL), 0);
	store_close(store);
	write_file("claims.tdb", "", 0);
	store = open_store();
	assert_int_equal(store_origin(store), STORE_RESTORED);
	assert_true(has_claim(store, "a"));
	assert_int_equal(for_each_file("claims.tdb.damaged-", NULL), 1);
	store_close(store);
}

static void
truncated_file_is_never_opened_as_it_is(void **state)
{
	struct store *store = open_store();
	cleanup_bytes struct bytes whole = {NULL, 0};

	sync_is_fast = true;
	commit_numbered(store, "a", 30);
	store_close(store);
	whole = read_file("claims.tdb");
	for (size_t len = 0; len < whole.len; len += 150001) {
		struct err err;
		int r;

		for_each_file("", remove_file);
		write_file("claims.tdb", whole.data, len);
		r = store_open(dir, &store, &err);
		if (r < 0) {
			assert_int_equal(r, -EBADMSG);
			continue;
		}
		assert_true(store_origin(store) != STORE_WHOLE);
		assert_true(store_origin(store) == STORE_RESTORED ||
			    store_count(store) == 30);
		store_close(store);
	}
}

static void
leftover_temporary_files_are_removed(void **state)
{
	store_close(open_store());
	write_file("claims.tdb.new", "x", 1);
	write_file("claims.tdb.backup.new", "x", 1);
	write_file("claims.tdb.rescue", "x", 1);
	store_close(open_store());
	assert_int_equal(for_each_file("", NULL), 1);
}

static void
check_not_ours(void)
{
	struct store *store = NULL;
	struct err err;

	assert_int_equal(store_open(dir, &store, &err), -EPERM);
	assert_int_equal(err.code, ERR_STORE_FAILED);
	assert_null(store);
}

static void
files_that_others_could_have_made_are_refused(void **state)
{
	store_close(open_store());
	assert_int_equal(chmod(path_of("claims.tdb"), 0660), 0);
	check_not_ours();
	assert_int_equal(chmod(path_of("claims.tdb"), 0602), 0);
	check_not_ours();
	assert_int_equal(chmod(path_of("claims.tdb"), 0600), 0);
	assert_int_equal(chmod(dir, 0770), 0);
	check_not_ours();
	assert_int_equal(chmod(dir, 0700), 0);
	assert_int_equal(
		symlink("claims.tdb", path_of("claims.tdb.backup")), 0);
	check_not_ours();
	remove_file("claims.tdb.backup");
	assert_int_equal(mkdir(path_of("claims.tdb.backup"), 0700), 0);
	check_not_ours();
	assert_int_equal(rmdir(path_of("claims.tdb.backup")), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(path_of("claims.tdb"), 12345, 0), 0);
		check_not_ours();
	}
}

/*
 * Commit number n puts a-n and b-n and deletes both of n - 5; its number goes
 * to the pipe when it is acknowledged. Never returns.
 */
static void
commit_until_killed(int pipefd, int n)
{
	struct store *store = NULL;
	char cid[32];

	if (store_open(dir, &store, NULL) < 0)
		_exit(1);
	for (;; n++) {
		struct store_claim claim;

		if (store_begin(store, NULL) < 0)
			_exit(2);
		for (char c = 'a'; c <= 'b'; c++) {
			(void)snprintf(cid, sizeof(cid), "%c-%d", c, n);
			claim = claim_named(cid);
			if (store_put_claim(store, &claim, NULL) < 0)
				_exit(3);
			(void)snprintf(cid, sizeof(cid), "%c-%d", c, n - 5);
			if (n >= 5 && store_delete_claim(store, cid, NULL) < 0)
				_exit(4);
		}
		if (store_commit(store, NULL) < 0 ||
			write(pipefd, &n, sizeof(n)) != sizeof(n))
			_exit(5);
		if (store_backup_is_due(store) && store_backup(store, NULL) < 0)
			_exit(6);
	}
}

/* Kills a child at some moment; the last commit that it acknowledged. */
static int
run_and_kill(int first)
{
	int acknowledged = first - 1;
	int fds[2], status, n;
	int wanted = 1 + (int)random_below(9);
	struct timespec start, now;
	long delay_ns = (long)random_below(300000);
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		close(fds[0]);
		commit_until_killed(fds[1], first);
	}
	close(fds[1]);
	for (int i = 0; i < wanted; i++)
		if (read(fds[0], &n, sizeof(n)) == sizeof(n))
			acknowledged = n;
	clock_gettime(CLOCK_MONOTONIC, &start);
	do
		clock_gettime(CLOCK_MONOTONIC, &now);
	while ((now.tv_sec - start.tv_sec) * 1000000000L + now.tv_nsec -
			start.tv_nsec <
		delay_ns);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	while (read(fds[0], &n, sizeof(n)) == sizeof(n))
		acknowledged = n;
	close(fds[0]);
	return acknowledged;
}

/* Bit 0: a-n is there, bit 1: b-n. */
static uint8_t seen[100000];

static int
note_number(const struct store_claim *claim, void *data)
{
	seen[atoi(claim->cid + 2)] |= claim->cid[0] == 'a' ? 1 : 2;
	return 0;
}

/*
 * Opens what a child left that acknowledged commit last, and checks it; the
 * number of the first commit that is not in it. Counts rebuilt files.
 */
static int
check_after_kill(int last, int *rebuilt)
{
	cleanup_store struct store *store = open_store();

	assert_true(store_origin(store) == STORE_WHOLE ||
		    store_origin(store) == STORE_REBUILT ||
		    (store_origin(store) == STORE_FRESH && last < 0));
	*rebuilt += store_origin(store) == STORE_REBUILT;
	memset(seen, 0, sizeof(seen));
	assert_int_equal(store_each_claim(store, note_number, seen), 0);
	if (seen[last + 1])
		last++; /* committed, but not acknowledged yet */
	for (int n = 0; n <= last + 1; n++)
		assert_int_equal(seen[n], n > last - 5 && n <= last ? 3 : 0);
	assert_int_equal(store_count(store), last >= 4 ? 10 : 2 * (last + 1));
	return last + 1;
}

static void
killed_process_leaves_all_acknowledged_and_no_half_commit(void **state)
{
	int next = 0, unacknowledged = 0, rebuilt = 0;

	sync_is_fast = true;
	for (int round = 0; round < 80; round++) {
		int last = run_and_kill(next);

		next = check_after_kill(last, &rebuilt);
		unacknowledged += next == last + 2;
	}
	print_message("%d commits, 80 kills, %d committed but not "
		      "acknowledged, %d rebuilt\n",
		next, unacknowledged, rebuilt);
}

/* Kills a child at its write number nth; the last acknowledged commit. */
static int
run_until_write(int first, int nth)
{
	int acknowledged = first - 1;
	int fds[2], status, n;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (pid == 0) {
		close(fds[0]);
		writes_left = nth;
		commit_until_killed(fds[1], first);
	}
	close(fds[1]);
	while (read(fds[0], &n, sizeof(n)) == sizeof(n))
		acknowledged = n;
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	return acknowledged;
}

static void
killed_at_each_write_in_turn_nothing_acknowledged_is_lost(void **state)
{
	int next = 0, rebuilt = 0;

	sync_is_fast = true;
	/* While the file is made, and in the first commits. */
	for (int nth = 0; nth < 320; nth += 9) {
		for_each_file("", remove_file);
		next = check_after_kill(run_until_write(0, nth), &rebuilt);
	}
	for (int nth = 0; nth < 100; nth++)
		next = check_after_kill(run_until_write(next, nth), &rebuilt);
	/* The undo area never moved. */
	assert_int_equal(rebuilt, 0);
}

struct flips {
	struct bytes file;
	uint32_t digest;
	unsigned count;
	size_t *used; /* offsets of bytes that are no padding */
	size_t used_count;
	unsigned outcomes[STORE_RESTORED + 1];
	unsigned refused;
	unsigned lost;
};

static void
prepare_flips(struct flips *flips)
{
	struct store *store = open_store();

	commit_numbered(store, "a", 40);
	begin(store);
	assert_int_equal(store_put_departing(store, "nfs://nas/x", 9, NULL), 0);
	commit(store);
	assert_int_equal(store_backup(store, NULL), 0);
	commit_numbered(store, "b", 10);
	begin(store);
	assert_int_equal(store_delete_claim(store, "a-3", NULL), 0);
	commit(store);
	flips->digest = digest_of(store, &flips->count);
	store_close(store);
	flips->file = read_file("claims.tdb");
	flips->used = calloc(flips->file.len, sizeof(size_t));
	for (size_t i = 0; i < flips->file.len; i++)
		if (i > 0 && flips->file.data[i] != flips->file.data[i - 1])
			flips->used[flips->used_count++] = i;
}

static void
try_flip(struct flips *flips, size_t at, unsigned bit)
{
	struct store *store = NULL;
	enum store_origin origin;
	unsigned count;
	uint32_t digest;

	flip("claims.tdb", at, bit);
	if (store_open(dir, &store, NULL) < 0) {
		flips->refused++;
	} else {
		origin = store_origin(store);
		digest = digest_of(store, &count);
		store_close(store);
		flips->outcomes[origin]++;
		if (origin != STORE_RESTORED) {
			assert_int_equal(digest, flips->digest);
		} else {
			/* What was released after the backup may be back. */
			assert_true(count <= flips->count + 1);
			if (count < flips->count)
				flips->lost += flips->count - count;
			assert_true(
				for_each_file("claims.tdb.damaged-", NULL) > 0);
		}
		if (origin == STORE_WHOLE) {
			flip("claims.tdb", at, bit);
			return;
		}
	}
	for_each_file("claims.tdb.damaged-", remove_file);
	write_file("claims.tdb", flips->file.data, flips->file.len);
}

static void
flipped_bit_is_harmless_or_noticed(void **state)
{
	struct flips flips = {0};

	sync_is_fast = true;
	prepare_flips(&flips);
	for (int i = 0; i < 2000; i++) {
		size_t at = i % 2 ? flips.used[random_below(
					    (unsigned)flips.used_count)]
				  : random_below((unsigned)flips.file.len);

		try_flip(&flips, at, random_below(8));
	}
	print_message("2000 flips: %u whole, %u rebuilt, %u restored with %u "
		      "records lost, %u refused\n",
		flips.outcomes[STORE_WHOLE], flips.outcomes[STORE_REBUILT],
		flips.outcomes[STORE_RESTORED], flips.lost, flips.refused);
	free(flips.used);
	free_bytes(&flips.file);
}

static void
ten_thousand_claims_open(void **state)
{
	struct store *store = open_store();
	struct timespec start, end;
	char cid[32];

	for (int n = 0; n < 10000; n++) {
		if (n % 250 == 0)
			begin(store);
		(void)snprintf(cid, sizeof(cid), "vm-%d", n);
		put(store, cid);
		if (n % 250 == 249)
			commit(store);
	}
	store_close(store);
	clock_gettime(CLOCK_MONOTONIC, &start);
	store = open_store();
	clock_gettime(CLOCK_MONOTONIC, &end);
	assert_int_equal(store_origin(store), STORE_WHOLE);
	assert_int_equal(store_count(store), 10000);
	print_message("10000 claims: open %ld ms",
		(end.tv_sec - start.tv_sec) * 1000 +
			(end.tv_nsec - start.tv_nsec) / 1000000);
	assert_int_equal(store_backup(store, NULL), 0);
	clock_gettime(CLOCK_MONOTONIC, &start);
	print_message(", backup %ld ms\n",
		(start.tv_sec - end.tv_sec) * 1000 +
			(start.tv_nsec - end.tv_nsec) / 1000000);
	store_close(store);
}

#define test(name) cmocka_unit_test_setup_teardown(name, make_dir, remove_dir)

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crc32c_gives_the_check_value_of_rfc_3720),
		cmocka_unit_test(
			record_survives_encoding_and_nothing_else_decodes),
		cmocka_unit_test(sound_record_of_another_version_is_told_apart),
		test(put_refuses_what_is_no_cid),
		test(first_open_is_fresh_and_the_second_whole),
		test(new_file_has_an_undo_area_of_a_mebibyte),
		test(claims_survive_reopening),
		test(cancel_leaves_nothing),
		test(delete_of_a_missing_claim_says_so_and_the_rest_goes_on),
		test(transactions_do_not_nest_and_changes_need_one),
		test(commit_flushes_four_times_whatever_its_size),
		test(variable_that_stops_flushing_is_removed),
		test(failed_flush_fails_the_commit_and_nothing_else),
		test(disk_that_fails_for_a_while_costs_only_that_commit),
		test(begin_fails_until_the_store_can_be_opened_again),
		test(full_disk_fails_the_request_and_keeps_earlier_claims),
		test(backup_that_fails_leaves_the_old_one),
		test(backup_is_due_after_as_many_commits_as_claims),
		test(missing_file_is_restored_from_the_backup),
		test(damaged_record_comes_from_the_backup_and_nothing_else_is_turned_back),
		test(damaged_record_without_backup_is_lost_and_the_note_says_so),
		test(only_so_many_damaged_files_are_kept),
		test(damaged_header_is_mended_and_no_claim_lost),
		test(file_without_content_is_refused_and_not_replaced),
		test(empty_file_is_restored_from_the_backup),
		test(truncated_file_is_never_opened_as_it_is),
		test(leftover_temporary_files_are_removed),
		test(files_that_others_could_have_made_are_refused),
		test(killed_process_leaves_all_acknowledged_and_no_half_commit),
		test(killed_at_each_write_in_turn_nothing_acknowledged_is_lost),
		test(flipped_bit_is_harmless_or_noticed),
		test(ten_thousand_claims_open),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
