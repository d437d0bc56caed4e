/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fake_iscsi_target.h - the login phase of an iSCSI target that plays a script.
 *
 * Runs in: a forked child of the test that includes this: see fake_server.h.
 * Invariant: what an initiator must never do is noted, whatever the script.
 */
#ifndef TESTS_FAKE_ISCSI_TARGET_H
#define TESTS_FAKE_ISCSI_TARGET_H

#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "tests/fake_server.h"
#include "worker/iscsi_chap.h"
#include "worker/iscsi_text.h"

enum {
	DRIP_MS = 20,
	HEADER_SIZE = 48,
	TEXT_MAX = 9000,
	FIRST_STATSN = 1000,
	PIECES = 5,
	FLAG_T = 0x80,
	FLAG_C = 0x40,
};

enum fault {
	FAULT_NONE,
	CLOSES,
	CLOSES_IN_HEADER,
	CLOSES_IN_TEXT,
	CLOSES_WITHOUT_PAD,
	IS_SILENT,
	DRIPS,
	DRIPS_TEXT,
	SENDS_HUGE_LENGTH,
	SENDS_TEXT_TOO_LONG,
	SENDS_MORE_HEADERS,
	SENDS_REJECT,
	SENDS_ANOTHER_TASK,
	SENDS_ANOTHER_VERSION,
	SENDS_ANOTHER_STAGE,
	GRANTS_UNASKED,
	GRANTS_FULL_FEATURE,
	GRANTS_THE_SAME_STAGE,
	GRANTS_AND_CONTINUES,
	GRANTS_LATE,
	NEVER_GRANTS,
	SENDS_IN_PIECES,
	CONTINUES_FOR_EVER,
	CONTINUES_EMPTY_FOR_EVER,
	CONTINUES_TOO_LONG,
	REFLECTS,
	ECHOES,
	SENDS_GARBAGE,
	MUTATES,
};

/* What stands for NULL is left out of the answer. */
struct script {
	enum fault fault;
	unsigned at; /* the request that meets fault, status and extra, from 1;
		      * 0: each */
	unsigned status;
	const char *extra; /* further text in the answer */
	size_t extra_len;
	const char *method;
	bool is_picky; /* hangs up when the method is not among those offered */
	const char *tpgt;
	const char *choice; /* CHAP_A */
	const char *id;
	const char *challenge;
	const char *response; /* the CHAP_R that it takes; NULL: any */
	const char *name_in;  /* how it proves itself when asked; NULL: not */
	const char *password_in;
};

enum mistake {
	MISTAKE_OPCODE = 1,
	MISTAKE_STAGE = 2, /* any but security, or on to any but the next */
	MISTAKE_ISID = 4,  /* not of the type "random", or another one now */
	MISTAKE_SESSION = 8,
	MISTAKE_NUMBERS = 16,
	MISTAKE_TEXT = 32,
	MISTAKE_LENGTH = 64,
};

struct seen {
	unsigned connections;
	unsigned requests;
	unsigned proofs;     /* of the initiator */
	unsigned challenges; /* by the initiator */
	unsigned mistakes;
	unsigned char isid[6];
	char offer[64];	     /* AuthMethod */
	char algorithms[64]; /* CHAP_A */
	char user[300];	     /* CHAP_N */
	char first[1500];    /* the first text, with a line for each pair */
};

struct request {
	unsigned number; /* in its connection, from 1 */
	unsigned char header[HEADER_SIZE];
	struct iscsi_text text;
};

struct answer {
	unsigned char header[HEADER_SIZE];
	char text[TEXT_MAX];
	size_t len;
};

static void
put_number(unsigned char *at, uint32_t number)
{
	for (int i = 0; i < 4; i++)
		at[i] = (unsigned char)(number >> (24 - 8 * i));
}

static uint32_t
get_number(const unsigned char *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 |
	       (uint32_t)at[2] << 8 | at[3];
}

static size_t
padded(size_t len)
{
	return (len + 3) & ~(size_t)3;
}

static void
note_mistakes(struct seen *seen, const struct request *request)
{
	const unsigned char *header = request->header;
	const struct iscsi_text *text = &request->text;
	unsigned flags = header[1];

	if (header[0] != 0x43 || header[2] != 0 || header[3] != 0)
		seen->mistakes |= MISTAKE_OPCODE;
	if (flags != 0 && flags != (FLAG_T | 1))
		seen->mistakes |= MISTAKE_STAGE;
	if (header[8] != 0x80 ||
		(request->number > 1 && memcmp(header + 8, seen->isid, 6) != 0))
		seen->mistakes |= MISTAKE_ISID;
	if (header[14] != 0 || header[15] != 0)
		seen->mistakes |= MISTAKE_SESSION;
	if (get_number(header + 16) != 0 || get_number(header + 20) != 0 ||
		get_number(header + 24) != 1 ||
		get_number(header + 28) !=
			(request->number == 1 ? 0
					      : FIRST_STATSN + request->number))
		seen->mistakes |= MISTAKE_NUMBERS;
	if (!iscsi_text_is_valid(text) ||
		(text->len > 0 && text->bytes[text->len - 1] != '\0'))
		seen->mistakes |= MISTAKE_TEXT;
}

static void
note_value(
	char *note, size_t size, const struct iscsi_text *text, const char *key)
{
	const char *value = iscsi_text_get(text, key);

	if (value)
		(void)snprintf(note, size, "%s", value);
}

static void
note_request(struct seen *seen, const struct request *request)
{
	const struct iscsi_text *text = &request->text;

	note_mistakes(seen, request);
	memcpy(seen->isid, request->header + 8, sizeof(seen->isid));
	seen->requests++;
	seen->proofs += iscsi_text_get(text, "CHAP_R") != NULL;
	seen->challenges += iscsi_text_get(text, "CHAP_C") != NULL;
	note_value(seen->offer, sizeof(seen->offer), text, "AuthMethod");
	note_value(seen->algorithms, sizeof(seen->algorithms), text, "CHAP_A");
	note_value(seen->user, sizeof(seen->user), text, "CHAP_N");
	if (seen->requests > 1 || text->len >= sizeof(seen->first))
		return;
	for (size_t i = 0; i < text->len; i++)
		seen->first[i] = text->bytes[i] ? text->bytes[i] : '\n';
}

static bool
read_request(int fd, struct seen *seen, struct request *request)
{
	unsigned char pad[4] = {0};
	size_t len;

	if (!read_all(fd, request->header, HEADER_SIZE))
		return false;
	len = get_number(request->header + 4);
	iscsi_text_init(&request->text);
	if (len > ISCSI_TEXT_MAX) {
		seen->mistakes |= MISTAKE_LENGTH;
		return false;
	}
	if (!read_all(fd, (unsigned char *)request->text.bytes, len) ||
		!read_all(fd, pad, padded(len) - len))
		return false;
	request->text.bytes[len] = '\0';
	request->text.len = len;
	if (get_number(pad) != 0)
		seen->mistakes |= MISTAKE_LENGTH;
	request->number++;
	note_request(seen, request);
	return true;
}

static void
put_bytes(struct answer *answer, const void *data, size_t len)
{
	memcpy(answer->text + answer->len, data, len);
	answer->len += len;
}

static void
put_pair(struct answer *answer, const char *key, const char *value)
{
	if (!value)
		return;
	put_bytes(answer, key, strlen(key));
	put_bytes(answer, "=", 1);
	put_bytes(answer, value, strlen(value) + 1);
}

static void
set_status(struct answer *answer, unsigned status)
{
	answer->header[36] = (unsigned char)(status >> 8);
	answer->header[37] = (unsigned char)status;
}

/* Answers the initiator's challenge, as script says, if there is one. */
static void
put_proof(const struct script *script, const struct request *request,
	struct answer *answer)
{
	const struct iscsi_text *text = &request->text;
	const char *id = iscsi_text_get(text, "CHAP_I");
	const char *bytes = iscsi_text_get(text, "CHAP_C");
	unsigned char digest[ISCSI_CHAP_DIGEST_MAX];
	struct iscsi_chap_challenge challenge;
	struct iscsi_text proof;
	unsigned algorithm;
	size_t len;

	if (!script->password_in || !id || !bytes ||
		!iscsi_text_number(id, 255, &challenge.id) ||
		!iscsi_text_binary(bytes, challenge.bytes,
			sizeof(challenge.bytes), &challenge.len) ||
		!iscsi_text_number(script->choice, 7, &algorithm))
		return;
	len = iscsi_chap_digest(
		algorithm, script->password_in, &challenge, digest);
	iscsi_text_init(&proof);
	iscsi_text_put_binary(&proof, "CHAP_R", digest, len);
	put_pair(answer, "CHAP_N", script->name_in);
	put_bytes(answer, proof.bytes, proof.len);
}

static void
answer_response(const struct script *script, const struct request *request,
	struct answer *answer)
{
	const char *response = iscsi_text_get(&request->text, "CHAP_R");

	if (script->response && strcmp(response, script->response) != 0)
		set_status(answer, 0x0201);
	else if (script->fault == REFLECTS)
		put_pair(answer, "CHAP_C",
			iscsi_text_get(&request->text, "CHAP_C"));
	else if (script->fault == ECHOES) {
		put_pair(answer, "CHAP_N", script->name_in);
		put_pair(answer, "CHAP_R", response);
	} else
		put_proof(script, request, answer);
}

/* What a target without fault answers. */
static void
make_answer(const struct script *script, const struct request *request,
	struct answer *answer)
{
	const struct iscsi_text *text = &request->text;
	bool grants = request->header[1] & FLAG_T;

	memset(answer->header, 0, HEADER_SIZE);
	answer->len = 0;
	answer->header[0] = 0x23;
	memcpy(answer->header + 8, request->header + 8, 6); /* ISID */
	memcpy(answer->header + 16, request->header + 16, 4);
	put_number(answer->header + 24, FIRST_STATSN + request->number);
	if (iscsi_text_get(text, "InitiatorName")) {
		put_pair(answer, "AuthMethod", script->method);
		put_pair(answer, "TargetPortalGroupTag", script->tpgt);
		grants = grants && (!script->method ||
					   strcmp(script->method, "None") == 0);
	} else if (iscsi_text_get(text, "CHAP_A")) {
		put_pair(answer, "CHAP_A", script->choice);
		put_pair(answer, "CHAP_I", script->id);
		put_pair(answer, "CHAP_C", script->challenge);
	} else if (iscsi_text_get(text, "CHAP_R"))
		answer_response(script, request, answer);
	answer->header[1] = grants ? FLAG_T | 1 : 0;
}

/* Faults of the header alone. */
static void
spoil_header(
	enum fault fault, const struct request *request, struct answer *answer)
{
	unsigned char *header = answer->header;

	switch ((int)fault) {
	case SENDS_REJECT:
		header[0] = 0x3f;
		break;
	case SENDS_ANOTHER_TASK:
		header[19] ^= 1;
		break;
	case SENDS_ANOTHER_VERSION:
		header[3] = 1;
		break;
	case SENDS_ANOTHER_STAGE:
		header[1] |= 1 << 2;
		break;
	case GRANTS_UNASKED:
		header[1] |= FLAG_T | 1;
		break;
	case GRANTS_FULL_FEATURE:
		header[1] = FLAG_T | 3;
		break;
	case GRANTS_THE_SAME_STAGE:
		header[1] = FLAG_T;
		break;
	case GRANTS_AND_CONTINUES:
		header[1] = FLAG_T | FLAG_C | 1;
		break;
	case GRANTS_LATE:
		if (request->text.len > 0)
			header[1] = 0;
		break;
	case NEVER_GRANTS:
		header[1] = 0;
		break;
	}
}

static bool
send_piece(int fd, const struct answer *answer, const char *text, size_t len,
	unsigned flags)
{
	unsigned char buffer[HEADER_SIZE + TEXT_MAX + 4] = {0};

	memcpy(buffer, answer->header, HEADER_SIZE);
	buffer[1] = (unsigned char)flags;
	put_number(buffer + 4, (uint32_t)len);
	memcpy(buffer + HEADER_SIZE, text, len);
	return write_all(fd, buffer, HEADER_SIZE + padded(len));
}

/* Each piece but the last waits for an empty request. */
static bool
send_in_pieces(int fd, struct seen *seen, struct request *request,
	struct answer *answer)
{
	size_t size = answer->len / PIECES + 1;
	size_t at = 0;

	while (answer->len - at > size) {
		if (!send_piece(fd, answer, answer->text + at, size, FLAG_C) ||
			!read_request(fd, seen, request))
			return false;
		if (request->text.len > 0)
			seen->mistakes |= MISTAKE_TEXT;
		put_number(answer->header + 24, FIRST_STATSN + request->number);
		at += size;
	}
	return send_piece(fd, answer, answer->text + at, answer->len - at,
		answer->header[1]);
}

static bool
continue_for_ever(int fd, struct seen *seen, struct request *request,
	struct answer *answer, size_t len)
{
	memset(answer->text, 'x', TEXT_MAX);
	do {
		put_number(answer->header + 24, FIRST_STATSN + request->number);
		if (!send_piece(fd, answer, answer->text, len, FLAG_C))
			return false;
	} while (read_request(fd, seen, request));
	return false;
}

static bool
send_slowly(int fd, const struct answer *answer, bool is_text_only)
{
	const unsigned char *header = answer->header;

	if (is_text_only && !write_all(fd, header, HEADER_SIZE))
		return false;
	for (size_t i = 0; !is_text_only && i < HEADER_SIZE; i++) {
		if (!write_all(fd, header + i, 1))
			return false;
		(void)poll(NULL, 0, DRIP_MS);
	}
	for (size_t i = 0; i < answer->len; i++) {
		if (!write_all(fd, answer->text + i, 1))
			return false;
		(void)poll(NULL, 0, DRIP_MS);
	}
	return false;
}

/* Half of the rounds look like the start of an answer, to get further in. */
static void
send_garbage(int fd, const struct answer *answer)
{
	unsigned char buffer[512];
	size_t len = HEADER_SIZE + next_random() % 400;

	for (size_t i = 0; i < len; i++)
		buffer[i] = (unsigned char)next_random();
	if (next_random() % 2 == 0) {
		memcpy(buffer, answer->header, HEADER_SIZE);
		put_number(buffer + 4, (uint32_t)(len - HEADER_SIZE));
	}
	(void)write_all(fd, buffer, len);
}

static void
mutate(struct answer *answer)
{
	for (uint32_t n = next_random() % 4; n > 0; n--) {
		uint32_t at = next_random() % (HEADER_SIZE + answer->len);
		unsigned char bit = (unsigned char)(1u << next_random() % 8);

		if (at < HEADER_SIZE)
			answer->header[at] ^= bit;
		else
			answer->text[at - HEADER_SIZE] ^= (char)bit;
	}
}

/* Sends len bytes of the answer as it would be without fault. */
static bool
send_start(int fd, const struct answer *answer, size_t len)
{
	unsigned char buffer[HEADER_SIZE + TEXT_MAX];

	memcpy(buffer, answer->header, HEADER_SIZE);
	memcpy(buffer + HEADER_SIZE, answer->text, answer->len);
	(void)write_all(fd, buffer, len);
	return false;
}

/* Whether the connection goes on. */
static bool
send_answer(const struct script *script, enum fault fault, int fd,
	struct seen *seen, struct request *request, struct answer *answer)
{
	unsigned char *header = answer->header;

	put_number(header + 4, (uint32_t)answer->len);
	switch ((int)fault) {
	case CLOSES:
		return false;
	case CLOSES_IN_HEADER:
		return send_start(fd, answer, HEADER_SIZE - 1);
	case CLOSES_IN_TEXT:
		return send_start(fd, answer, HEADER_SIZE + answer->len / 2);
	case CLOSES_WITHOUT_PAD:
		return send_start(fd, answer, HEADER_SIZE + answer->len);
	case IS_SILENT:
		return true;
	case DRIPS:
	case DRIPS_TEXT:
		return send_slowly(fd, answer, fault == DRIPS_TEXT);
	case SENDS_HUGE_LENGTH:
		put_number(header + 4, 0xffffff);
		(void)send_start(fd, answer, HEADER_SIZE + answer->len);
		return true;
	case SENDS_TEXT_TOO_LONG:
		put_number(header + 4, ISCSI_TEXT_MAX + 1);
		(void)send_start(fd, answer, HEADER_SIZE + answer->len);
		return true;
	case SENDS_MORE_HEADERS:
		header[4] = 1;
		(void)send_start(fd, answer, HEADER_SIZE + answer->len);
		return true;
	case SENDS_IN_PIECES:
		return send_in_pieces(fd, seen, request, answer);
	case CONTINUES_FOR_EVER:
		return continue_for_ever(fd, seen, request, answer, 1);
	case CONTINUES_EMPTY_FOR_EVER:
		return continue_for_ever(fd, seen, request, answer, 0);
	case CONTINUES_TOO_LONG:
		return continue_for_ever(fd, seen, request, answer, 5000);
	case SENDS_GARBAGE:
		send_garbage(fd, answer);
		return false;
	case MUTATES:
		mutate(answer);
		return write_all(fd, header, HEADER_SIZE) &&
		       write_all(fd, answer->text, padded(answer->len));
	}
	spoil_header(fault, request, answer);
	return send_piece(fd, answer, answer->text, answer->len, header[1]);
}

static bool
is_offered(const struct script *script, const struct request *request)
{
	const char *offer = iscsi_text_get(&request->text, "AuthMethod");

	return !offer || strstr(offer, script->method);
}

static void
serve_connection(const struct script *script, struct seen *seen, int fd)
{
	struct request request = {.number = 0};
	static struct answer answer;

	seen->connections++;
	while (read_request(fd, seen, &request)) {
		bool is_met = script->at == 0 || script->at == request.number;
		enum fault fault = is_met ? script->fault : FAULT_NONE;

		if (script->is_picky && !is_offered(script, &request))
			return;
		make_answer(script, &request, &answer);
		if (is_met && script->status)
			set_status(&answer, script->status);
		if (is_met && script->extra)
			put_bytes(&answer, script->extra, script->extra_len);
		if (!send_answer(script, fault, fd, seen, &request, &answer))
			return;
	}
}

#endif
