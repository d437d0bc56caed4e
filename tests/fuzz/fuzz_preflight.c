/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fuzz_preflight.c - the pre-flight of a server that answers anything.
 *
 * Input: byte, modulo 6: the version wanted; byte, 1: replies keep their own
 * transaction number, 2: rpcbind is asked over IPv6, 4: it is mounted already;
 * then all that the server sends.
 * Covers: worker/preflight.c worker/preflight_mountd.c worker/sunrpc.c
 * Covers: worker/xdr.c
 */
#include <netinet/in.h>

#include "common/guard.h"
#include "tests/fuzz/fuzz_tcp.h"
#include "worker/preflight.h"

enum {
	MARK_SIZE = 4,
	CALL_SIZE_MIN = 40, /* a call without arguments or credentials */
};

static const char *const versions[] = {NULL, "4", "4.2", "4.1", "4.0", "3"};
static uint8_t xid[4];
static bool keeps_xid;	/* all replies */
static unsigned pieces; /* received since the last call */

/* One record of one fragment, which is a call of RPC version 2. */
static void
on_sent(const uint8_t *data, size_t len)
{
	size_t size = (size_t)data[2] << 8 | data[3];

	CHECK(len >= MARK_SIZE + CALL_SIZE_MIN && len % 4 == 0);
	CHECK(data[0] == 0x80 && data[1] == 0 && size == len - MARK_SIZE);
	CHECK(memcmp(data + 8, "\0\0\0\0\0\0\0\2", 8) == 0);
	memcpy(xid, data + MARK_SIZE, sizeof(xid));
	pieces = 0;
}

/* The number that a reply has to have stands behind its first mark. */
static void
on_received(uint8_t *data, size_t len)
{
	if (++pieces == 2 && !keeps_xid && len >= sizeof(xid))
		memcpy(data, xid, sizeof(xid));
}

static void
check_result(const struct preflight_result *result, const char *wanted)
{
	char name[16];

	CHECK(result->major == 3 || result->major == 4);
	CHECK(result->minor >= 0 && result->minor <= 2);
	CHECK(result->major == 4 || result->minor == 0);
	if (!wanted)
		return;
	(void)snprintf(name, sizeof(name), result->major == 3 ? "3" : "4.%d",
		result->minor);
	CHECK(strcmp(wanted, name) == 0 ||
		(strcmp(wanted, "4") == 0 && result->major == 4));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sockaddr_storage address = {.ss_family = AF_INET};
	socklen_t len = sizeof(struct sockaddr_in);
	struct preflight_result found = {0};
	struct err err = {0};
	const char *wanted;
	unsigned flags;
	int result;

	fuzz_server = (struct fuzz_input){data, size};
	wanted = versions[fuzz_u8(&fuzz_server) % ARRAY_SIZE(versions)];
	flags = fuzz_u8(&fuzz_server);
	keeps_xid = flags & 1;
	pieces = 0;
	if (flags & 2) {
		address.ss_family = AF_INET6;
		len = sizeof(struct sockaddr_in6);
	}
	if (flags & 4)
		result = preflight_mounted((const struct sockaddr *)&address,
			len, wanted, 1000, &err);
	else
		result = preflight_nfs((const struct sockaddr *)&address, len,
			wanted, 0, 1000, &found, &err);
	if (result < 0) {
		fuzz_check_refusal(result, &err);
		CHECK(result == -err.errnum);
		CHECK(found.major == 0);
	} else if (!(flags & 4)) {
		check_result(&found, wanted);
	}
	return 0;
}
