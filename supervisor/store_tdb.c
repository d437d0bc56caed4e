/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * store_tdb.c - TDB's file format, as far as it has to be checked by us.
 *
 * Runs in: supervisor.
 * Trusts: nothing in the file.
 *
 * TDB allocates by the hash size that it finds in the header, and its recovery
 * copies by the lengths that it finds in the undo area, past the end of its
 * buffer if they say so. Both are in the byte order of the host.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "common/guard.h"
#include "supervisor/store_tdb.h"

enum {
	TDB_MAGIC = 0x26011999,
	TDB_VERSION = 0x2601196d,
	TDB_HASH_RWLOCKS = 0x0bad1a51,
	HASH_TOP = 168, /* header; free list, chains */
	DATA_START = HASH_TOP + (STORE_HASH_SIZE + 1) * 4,
	UNDO_ENTRY_LEN = 8,
};

static const uint32_t undo_magic = 0xf53bc0e7;
static const uint32_t undo_no_magic;

struct header {
	char food[32];
	uint32_t version;
	uint32_t hash_size;
	uint32_t rwlocks;
	uint32_t undo_at; /* 0: none yet */
	uint32_t sequence;
	uint32_t hash_of_food;
	uint32_t hash_of_magic;
};

struct undo {
	uint32_t next;
	uint32_t room;
	uint32_t file_size; /* to go back to */
	uint32_t len;
	uint32_t hash;
	uint32_t magic;
};

static uint32_t
hash(const void *bytes, size_t len)
{
	unsigned char copy[32];
	TDB_DATA data = {copy, len};

	memcpy(copy, bytes, len);
	return tdb_jenkins_hash(&data);
}

static struct header
header_made_by_us(void)
{
	struct header header = {
		.food = "TDB file\n",
		.version = TDB_VERSION,
		.hash_size = STORE_HASH_SIZE,
		.rwlocks = TDB_HASH_RWLOCKS,
	};
	uint32_t magic = TDB_MAGIC;

	header.hash_of_food = hash(header.food, strlen(header.food) + 1);
	header.hash_of_magic = hash(&magic, sizeof(magic));
	return header;
}

/* Reads exactly len bytes; what is not there or not readable is -EBADMSG. */
static int
read_at(int fd, void *bytes, size_t len, uint64_t at)
{
	ssize_t n = pread(fd, bytes, len, (off_t)at);

	return n == (ssize_t)len ? 0 : -EBADMSG;
}

static int
check_undo_entries(int fd, uint64_t at, uint32_t len, uint64_t size)
{
	uint32_t done = 0;

	while ((uint64_t)done + UNDO_ENTRY_LEN < len) {
		uint32_t entry[2]; /* offset, length */

		if (read_at(fd, entry, sizeof(entry), at + done) < 0)
			return -EBADMSG;
		done += UNDO_ENTRY_LEN;
		if (entry[1] > len - done ||
			(uint64_t)entry[0] + entry[1] > size)
			return -EBADMSG;
		done += entry[1];
	}
	return 0;
}

static int
check_undo(int fd, uint32_t undo_at, uint64_t size)
{
	struct undo undo;

	if (undo_at == 0)
		return 0;
	if (undo_at < DATA_START ||
		read_at(fd, &undo, sizeof(undo), undo_at) < 0)
		return -EBADMSG;
	if (undo.magic != undo_magic && undo.magic != undo_no_magic)
		return 0; /* TDB will make a new one */
	if (undo_at + sizeof(undo) + undo.room > size)
		return -EBADMSG;
	if (undo.magic == undo_no_magic)
		return 0;
	if (undo.len > undo.room || undo.file_size > size)
		return -EBADMSG;
	return check_undo_entries(fd, undo_at + sizeof(undo), undo.len, size);
}

int
tdb_file_check(int fd)
{
	const struct header ours = header_made_by_us();
	struct header header;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size < DATA_START || st.st_size > UINT32_MAX ||
		read_at(fd, &header, sizeof(header), 0) < 0)
		return -EBADMSG;
	if (strncmp(header.food, ours.food, sizeof(header.food)) != 0 ||
		header.version != ours.version ||
		header.hash_size != ours.hash_size ||
		header.rwlocks != ours.rwlocks ||
		header.hash_of_food != ours.hash_of_food ||
		header.hash_of_magic != ours.hash_of_magic)
		return -EBADMSG;
	return check_undo(fd, header.undo_at, (uint64_t)st.st_size);
}

static int
write_at(int fd, const void *bytes, size_t len, uint64_t at)
{
	ssize_t n = pwrite(fd, bytes, len, (off_t)at);

	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -ENOSPC;
}

int
tdb_file_mend(int fd)
{
	struct header header = header_made_by_us();
	struct header old;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size <= DATA_START || st.st_size > UINT32_MAX ||
		read_at(fd, &old, sizeof(old), 0) < 0)
		return -ENODATA;
	header.undo_at = old.undo_at;
	/*
	 * Undo data that cannot be used still tells where old copies of
	 * records lie which must not be taken for live ones.
	 */
	if (check_undo(fd, header.undo_at, (uint64_t)st.st_size) < 0) {
		uint64_t magic_at =
			header.undo_at + offsetof(struct undo, magic);

		if (header.undo_at < DATA_START ||
			magic_at + sizeof(undo_no_magic) > (uint64_t)st.st_size)
			header.undo_at = 0;
		else if (write_at(fd, &undo_no_magic, sizeof(undo_no_magic),
				 magic_at) < 0)
			return -EIO;
	}
	return write_at(fd, &header, sizeof(header), 0);
}
