/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * iscsi_conn.c - a connection in the security stage of iSCSI's login phase.
 *
 * Runs in: operation children of the iSCSI worker.
 * Trusts: nobody: every byte received is a target's.
 * Invariant: see iscsi_conn.h. Numbers in comments are sections of RFC 7143.
 */
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "worker/iscsi_conn.h"

/* The header of login request (11.12) and login response (11.13) */
enum {
	HEADER_SIZE = 48,
	AT_OPCODE = 0,
	AT_FLAGS = 1,
	AT_VERSION_ACTIVE = 3,
	AT_LENGTHS = 4, /* of further headers, 1 byte, and of the data, 3 */
	AT_ISID = 8,
	AT_TASK = 16,
	AT_CMDSN = 24,	/* in a request */
	AT_STATSN = 24, /* in a response */
	AT_EXPSTATSN = 28,
	AT_STATUS_CLASS = 36,
	AT_STATUS_DETAIL = 37,

	OPCODE_MASK = 0x3f,
	OPCODE_LOGIN_REQUEST = 0x43, /* with the I bit, which is always 1 */
	OPCODE_LOGIN_RESPONSE = 0x23,

	FLAG_TRANSIT = 0x80,
	FLAG_CONTINUE = 0x40,
	STAGE_SECURITY = 0,
	STAGE_OPERATIONAL = 1,
	STAGE_MASK = 3,
	STAGE_CURRENT_SHIFT = 2,

	ISID_TYPE_RANDOM = 0x80, /* 11.12.5 */
	FIRST_CMDSN = 1,
	PAD = 4, /* a data segment ends at a multiple of it */
};

static void
put_u32(unsigned char *at, uint32_t value)
{
	at[0] = (unsigned char)(value >> 24);
	at[1] = (unsigned char)(value >> 16);
	at[2] = (unsigned char)(value >> 8);
	at[3] = (unsigned char)value;
}

static uint32_t
get_u32(const unsigned char *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 |
	       (uint32_t)at[2] << 8 | at[3];
}

/*
 * To a target, name, ISID and portal group are the session: with another one's
 * ISID a login would throw that session out (6.3.5).
 */
int
iscsi_conn_init(struct iscsi_conn *conn, int timeout_ms)
{
	tcp_init(&conn->tcp, timeout_ms);
	conn->task = 0;
	conn->exchanges = 0;
	if (getrandom(conn->isid, sizeof(conn->isid), 0) != sizeof(conn->isid))
		return -EAGAIN;
	conn->isid[0] = ISID_TYPE_RANDOM;
	return 0;
}

int
iscsi_conn_connect(struct iscsi_conn *conn, const struct sockaddr *address,
	socklen_t address_len, uint16_t port)
{
	conn->statsn = 0;
	return tcp_connect(&conn->tcp, address, address_len, port);
}

void
iscsi_conn_done(struct iscsi_conn *conn)
{
	tcp_done(&conn->tcp);
}

static size_t
pad_of(size_t len)
{
	return (PAD - len % PAD) % PAD;
}

/* text: NULL for an empty request */
static int
send_request(struct iscsi_conn *conn, const struct iscsi_text *text,
	bool wants_transit)
{
	unsigned char buffer[HEADER_SIZE + ISCSI_TEXT_MAX + PAD] = {0};
	size_t len = text ? text->len : 0;

	if (text && text->is_full)
		return -EMSGSIZE;
	if (len > 0)
		memcpy(buffer + HEADER_SIZE, text->bytes, len);
	buffer[AT_OPCODE] = OPCODE_LOGIN_REQUEST;
	buffer[AT_FLAGS] = STAGE_SECURITY << STAGE_CURRENT_SHIFT;
	if (wants_transit)
		buffer[AT_FLAGS] |= FLAG_TRANSIT | STAGE_OPERATIONAL;
	put_u32(buffer + AT_LENGTHS, (uint32_t)len);
	memcpy(buffer + AT_ISID, conn->isid, sizeof(conn->isid));
	put_u32(buffer + AT_TASK, conn->task);
	put_u32(buffer + AT_CMDSN, FIRST_CMDSN);
	put_u32(buffer + AT_EXPSTATSN, conn->statsn);
	return tcp_send(&conn->tcp, buffer, HEADER_SIZE + len + pad_of(len));
}

/* The data segment goes behind what is in text already. */
static int
receive_text(const struct iscsi_conn *conn, const unsigned char *header,
	struct iscsi_text *text)
{
	size_t len =
		get_u32(header + AT_LENGTHS); /* there is no other header */
	unsigned char pad[PAD];
	int rc;

	if (len > ISCSI_TEXT_MAX - text->len)
		return -EPROTO;
	rc = tcp_receive(&conn->tcp, text->bytes + text->len, len);
	if (rc == 0)
		rc = tcp_receive(&conn->tcp, pad, pad_of(len));
	if (rc < 0)
		return rc;
	text->len += len;
	text->bytes[text->len] = '\0';
	return 0;
}

/*
 * One PDU of an answer. A refusal is believed whatever else stands there, and
 * what is behind its header is not looked at.
 */
static int
receive_response(struct iscsi_conn *conn, bool wants_transit,
	struct iscsi_answer *answer, bool *ret_continues)
{
	unsigned char header[HEADER_SIZE];
	int rc = tcp_receive(&conn->tcp, header, sizeof(header));
	unsigned flags;

	if (rc < 0)
		return rc;
	flags = header[AT_FLAGS];
	if ((header[AT_OPCODE] & OPCODE_MASK) != OPCODE_LOGIN_RESPONSE)
		return -EPROTO;
	answer->status = (unsigned)header[AT_STATUS_CLASS] << 8 |
			 header[AT_STATUS_DETAIL];
	if (answer->status != 0)
		return 0;
	answer->has_transit = flags & FLAG_TRANSIT;
	*ret_continues = flags & FLAG_CONTINUE;
	if (header[AT_VERSION_ACTIVE] != 0 ||
		get_u32(header + AT_TASK) != conn->task ||
		(flags >> STAGE_CURRENT_SHIFT & STAGE_MASK) != STAGE_SECURITY)
		return -EPROTO;
	/* It may grant what was asked for, not go elsewhere (6.3.3). */
	if (answer->has_transit &&
		(*ret_continues || !wants_transit ||
			(flags & STAGE_MASK) != STAGE_OPERATIONAL))
		return -EPROTO;
	conn->statsn = get_u32(header + AT_STATSN) + 1;
	return receive_text(conn, header, &answer->text);
}

int
iscsi_conn_exchange(struct iscsi_conn *conn, const struct iscsi_text *text,
	bool wants_transit, struct iscsi_answer *ret_answer)
{
	bool continues = false;
	int rc;

	iscsi_text_init(&ret_answer->text);
	ret_answer->status = 0;
	ret_answer->has_transit = false;
	do {
		if (conn->exchanges++ == ISCSI_CONN_EXCHANGES_MAX)
			return -EPROTO;
		/* An empty request asks for the next piece (6.2). */
		rc = send_request(conn, continues ? NULL : text, wants_transit);
		continues = false;
		if (rc == 0)
			rc = receive_response(
				conn, wants_transit, ret_answer, &continues);
	} while (rc == 0 && continues);
	if (rc == 0 && ret_answer->status == 0 &&
		!iscsi_text_is_valid(&ret_answer->text))
		return -EPROTO;
	return rc;
}
