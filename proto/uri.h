/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * uri.h - the name of a connection, in the one form that is compared.
 *
 * Runs in: supervisor, worker, command.
 * Trusts: nobody: a URI comes from a client, its decoded path goes to mount(2).
 * Invariant: a struct uri that uri_parse() filled in is whole, and its claim
 *            text, parsed again, gives the same struct uri; so does its
 *            canonical text, but for the LUN.
 *
 *	nfs://HOST[:PORT]/EXPORT[?NAME[=VALUE]&...]
 *	nfs://HOST:EXPORT, nfs://HOST:/EXPORT   the 2012 forms: input only
 *	iscsi://HOST[:PORT]/IQN[/LUN][?NAME=VALUE&...]
 *	iscsi://HOST[:PORT]/IQN;portal=TAG      the 2012 form: input only
 *	tmpfs://NAME[?NAME[=VALUE]&...]
 *
 * The canonical form:
 * - It is ASCII. Scheme and host are in lower case. A literal address stands
 *   as inet_ntop() prints it, IPv6 in brackets. A zone id, written %25ZONE,
 *   belongs to a link-local address (fe80::/10): required there, refused
 *   elsewhere, its case kept. A host whose last label is a number has to be an
 *   IPv4 address in plain dotted decimal. 0.0.0.0 and [::] are refused. No
 *   name is looked up.
 * - The default port is dropped: 2049, or 20049 with proto=rdma or rdma6 (the
 *   kernel's default for RDMA); 3260 for iscsi.
 * - In an export, doubled and trailing slashes are gone, "." and ".." are
 *   refused, unreserved characters (RFC 3986: letters, digits, "-._~") and "/"
 *   stand as they are and any other byte as %XX in upper case, whichever way
 *   it was written. An escaped "/" is refused.
 * - Parameters are sorted by name, and those that only repeat a default are
 *   dropped; proto/uri_param.def lists names, values and defaults. A flag is
 *   its name alone ("ro"; "ro=1" and "ro=" are refused). A number has no
 *   leading zero (the kernel would read it as octal). A size takes the largest
 *   of the units g, m, k that leaves no remainder: 1024k is 1m. An alias of
 *   mount(8) (nfsvers) is refused, and the text names the spelling to use.
 *   A "?" with nothing behind it is dropped.
 * - NAME of a tmpfs is a host: in lower case. No port, path or escape in it.
 * - IQN is the name of a target: iqn.YYYY-MM.DOMAIN and whatever its owner put
 *   behind that, eui. with 16 hex digits, or naa. with 16 or 32 (RFC 7143,
 *   section 4.2.7). In lower case and without escapes; at most 223 bytes of
 *   letters, digits, "-", "." and ":". RFC 3722 has no "_", and what it has
 *   beyond ASCII is refused.
 * - A LUN is not in it: one session serves all LUNs of a target, so the LUN is
 *   a matter of the claim, and the claim text is the canonical text with it. A
 *   number from 0 to 16383, without leading zeros and not escaped. "/" with
 *   nothing behind it is refused: a LUN was forgotten there.
 * - ";portal=TAG" is tpgt=TAG. Beside tpgt or a LUN it is refused.
 */
#ifndef PROTO_URI_H
#define PROTO_URI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

enum uri_scheme {
	URI_NFS,
	URI_TMPFS,
	URI_ISCSI,
	URI_SCHEME_COUNT,
};

enum {
	URI_MAX = 2048,	     /* bytes of a URI, canonical or not, and NUL */
	URI_PARAMS_MAX = 32, /* parameters in one URI */
	URI_NAME_MAX = 200,  /* bytes of a mount name, without NUL */
	/* Sizes of buffers, with NUL. */
	URI_HOST_MAX = 256,
	URI_PATH_MAX = 1024,
	URI_VALUE_MAX = 64,
	URI_SOURCE_MAX = URI_HOST_MAX + 3 + URI_PATH_MAX,
	URI_OPTIONS_MAX = 1024,
};

struct uri_param {
	const char *name;	   /* static */
	char value[URI_VALUE_MAX]; /* decoded, in its one spelling; "" for a
				      flag */
};

/* Holds no pointer but to static names: may be copied, needs no freeing. */
struct uri {
	enum uri_scheme scheme;
	char host[URI_HOST_MAX]; /* canonical; IPv6 without brackets, a zone
				    behind "%"; NAME of a tmpfs */
	bool host_is_ipv6;
	bool host_is_ipv4;	 /* an address, not a name */
	uint16_t port;		 /* 0 for tmpfs */
	uint16_t default_port;	 /* what port is when none is written */
	char path[URI_PATH_MAX]; /* decoded export, begins with "/"; IQN of
				    iscsi, without "/"; "" for tmpfs */
	int32_t lun;		 /* of iscsi, 0 to 16383; -1 for none */
	size_t param_count;
	struct uri_param params[URI_PARAMS_MAX]; /* sorted; no defaults */
	char canonical[URI_MAX];		 /* the identity */
	char claim[URI_MAX]; /* with the LUN; else the same */
	char mount_name[URI_NAME_MAX + 1];
};

/*
 * Reads len bytes, which need not end in NUL. 0, or -EINVAL with ERR_BAD_URI
 * and a text that says what to write instead; the text never repeats what may
 * be a credential (userinfo, values of unknown parameters). Neither blocks nor
 * allocates; takes about 15 KiB of stack.
 */
int uri_parse(
	const char *text, size_t len, struct uri *ret_uri, struct err *err);

/*
 * Value of a parameter, "" for a flag; NULL when it is not given or gives just
 * the default.
 */
const char *uri_param(const struct uri *uri, const char *name);
/*
 * For a parameter that has a value: that, or its default when it is not given;
 * NULL when there is neither.
 */
const char *uri_param_or_default(const struct uri *uri, const char *name);
/* Whether uri->params[index] is one of those that uri_mount_flags() tells. */
bool uri_param_is_mount_flag(const struct uri *uri, size_t index);
const char *uri_scheme_name(enum uri_scheme scheme);

/*
 * Option data for mount(2): our defaults, overridden by the parameters, joined
 * by commas, in the order of uri_param.def. Without the version ("vers" is the
 * caller's to choose, or uri_param(uri, "vers")), `addr`, and what
 * uri_mount_flags() tells. NFS: ends in port=PORT always, so that no portmapper
 * decides where the connection goes. What another version only understands is
 * left out. major_version is 3 or 4 for NFS, ignored for tmpfs.
 * 0; -EINVAL for a version that is neither or contradicts `vers`, and for
 * iscsi; -ENOSPC when size is too small (URI_OPTIONS_MAX never is).
 */
int uri_mount_options(const struct uri *uri, int major_version,
	char *ret_options, size_t size);
/* MS_NOSUID | MS_NODEV always, and what was asked for; 0 for iscsi. */
unsigned long uri_mount_flags(const struct uri *uri);
/*
 * The source for mount(2): HOST:EXPORT, IPv6 in brackets; NAME for tmpfs. For
 * iscsi, which is not mounted, HOST[:PORT]/IQN, for texts to name it by. 0, or
 * -ENOSPC when size is too small (URI_SOURCE_MAX never is).
 */
int uri_mount_source(const struct uri *uri, char *ret_source, size_t size);

/*
 * The mount name is one path component, made of the canonical text.
 *
 *	nfs    HOST[:PORT]:EXPORT, "_" doubled and "/" written "_"
 *	iscsi  HOST[:PORT]:IQN, "_" doubled
 *	tmpfs  tmpfs:NAME, "_" doubled
 *
 * followed by "-" and a hash of the canonical URI in 8 hex digits (FNV-1a of 64
 * bits, its halves XORed) when that alone would not tell connections apart:
 * there are parameters; "/" and "_" stand side by side in the export ("/a_/b"
 * and "/a/_b" read the same); the host of an iscsi is called tmpfs; or the name
 * happens to end like one with a hash.
 * A name that would exceed URI_NAME_MAX is cut, and the hash has all its 16
 * digits. So two connections share a name only if their hashes collide. FNV
 * stops no one who searches for a collision: whoever hands out names has to
 * check that a name is not in use.
 *
 * Whether a privileged process may use len bytes as the name of a directory:
 * 1 to URI_NAME_MAX bytes of [A-Za-z0-9._~:%-] and brackets, no "." or "-" in
 * front. Every name that uri_parse() makes passes.
 */
bool mount_name_is_valid(const char *name, size_t len);

#endif
