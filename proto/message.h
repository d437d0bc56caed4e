/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * message.h - messages between supervisor and worker: structs and codec.
 *
 * Runs in: supervisor, worker.
 * Trusts: nobody. Either side may have been taken over.
 * Invariant: what message_decode() accepts obeys every bound of worker.def.
 */
#ifndef PROTO_MESSAGE_H
#define PROTO_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "proto/state.h"

/* PIPE_BUF: a packet of a pipe in packet mode is never longer, pipe(7). */
enum {
	MESSAGE_MAX = 4096
};
/* JavaScript and Lua clients keep integers exact up to there. */
#define MESSAGE_TIME_MAX ((UINT64_C(1) << 53) - 1)

/* How a process, or the kernel itself, holds on to a mount or a disk. */
enum holder_kind {
	HOLDER_FILE,
	HOLDER_CWD,
	HOLDER_ROOT,
	HOLDER_MAPPING,
	HOLDER_NESTED_MOUNT, /* a mount below a mount */
	HOLDER_NAMESPACE,
	/* Of disks alone. */
	HOLDER_MOUNT,	    /* a mount of one */
	HOLDER_FILE_SYSTEM, /* one in use that no mount shows */
	HOLDER_SWAP,
	HOLDER_DM,
	HOLDER_MD,
	HOLDER_LOOP,
	HOLDER_STACKED, /* any other block device on top: bcache, drbd */
	HOLDER_EXPORT,
	HOLDER_KIND_COUNT,
};
/* "open file", "working directory", ... */
const char *holder_kind_word(enum holder_kind kind);

enum message_type {
#define ORDER(name, meaning)  MESSAGE_##name,
#define REPORT(name, meaning) MESSAGE_##name,
#include "proto/worker.def"
	MESSAGE_TYPE_COUNT,
};

/* struct target_message, want_message, status_message, ... */
#define ORDER(name, meaning)			    struct name##_message {
#define REPORT(name, meaning)			    struct name##_message {
#define FIELD_UINT(message, name, max, meaning)	    uint64_t name;
#define FIELD_ENUM(message, name, type, n, meaning) type name;
#define FIELD_TEXT(message, name, max, meaning)	    char name[(max) + 1];
#define END_MESSAGE                                                            \
	}                                                                      \
	;
#include "proto/worker.def"

/* Any message, with room for the longest. */
struct message {
	enum message_type type;
	union {
#define ORDER(name, meaning)  struct name##_message name;
#define REPORT(name, meaning) struct name##_message name;
#include "proto/worker.def"
	};
};

enum message_direction {
	MESSAGE_ORDER,
	MESSAGE_REPORT
};

const char *message_name(enum message_type type);
enum message_direction message_direction(enum message_type type);

/*
 * Writes the message into packet, of MESSAGE_MAX bytes. Returns its length.
 * A text that is longer than its bound is cut, a number above its bound is
 * lowered to it: a sender's own data, so never worth dying for.
 */
size_t message_encode(const struct message *message, uint8_t *ret_packet);

/*
 * Decodes one packet that must hold one message of that direction and nothing
 * else. 0, or -EBADMSG with what is wrong in err; ret_message is untouched
 * then.
 */
int message_decode(enum message_direction direction, const uint8_t *packet,
	size_t len, struct message *ret_message, struct err *err);

#endif
