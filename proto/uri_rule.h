/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * uri_rule.h - uri_param.def as a table: what a parameter may be, what it does.
 *
 * Runs in: as uri.h. Only the files of the URI code include it.
 */
#ifndef PROTO_URI_RULE_H
#define PROTO_URI_RULE_H

#include "common/guard.h"
#include "proto/uri_parts.h"

/* Of a group, all but GROUP_NONE, a URI may hold one member. */
enum rule_group {
	GROUP_NONE,
	GROUP_RECOVERY,
	GROUP_SHARE,
	GROUP_LOCK,
	GROUP_ATTRIBUTES,
	GROUP_CLOSE_TO_OPEN,
	GROUP_READDIRPLUS,
	GROUP_FSCACHE,
	GROUP_ACL,
	GROUP_TRUNKING,
	GROUP_SOURCE_PORT,
	GROUP_WRITABLE,
	GROUP_EXECUTABLE,
	GROUP_ATIME,
	GROUP_DIRATIME,
	GROUP_WRITE_THROUGH,
};

/* Which versions of NFS know a parameter. */
enum rule_versions {
	VERSIONS_ANY,
	VERSIONS_V3,
	VERSIONS_V4,
	VERSIONS_V41
};

enum rule_standing {
	STANDING_ASKED,
	STANDING_KERNEL,
	STANDING_OURS,
	STANDING_REFUSED,
};

struct uri_rule {
	unsigned int schemes; /* bit 1 << enum uri_scheme */
	const char *name;
	enum rule_group group;
	enum rule_versions versions;
	enum rule_standing standing;
	const char *usual; /* the default value; "" for a flag */
	/*
	 * Brings value, URI_VALUE_MAX bytes, into its one spelling; false when
	 * it is no good. NULL: a flag, which has no value.
	 */
	bool (*form)(char *value, const struct uri_rule *rule);
	const char *takes; /* words of a choice; a form in words; the reason */
	unsigned long mount_flag;
	bool is_mount_flag; /* for mount(2)'s flags, not its data */
	int64_t least;
	int64_t most;
	int64_t multiple;
};

/* The rules of a scheme in the order of uri_param.def: NULL behind the last. */
const struct uri_rule *uri_rule_next(
	enum uri_scheme scheme, const struct uri_rule *last);
/* The rule of a name, NULL when the scheme has none such. */
const struct uri_rule *uri_rule_find(
	enum uri_scheme scheme, struct uri_span name);

bool form_number(char *value, const struct uri_rule *rule);
bool form_choice(char *value, const struct uri_rule *rule);
bool form_lookupcache(char *value, const struct uri_rule *rule);
bool form_mode(char *value, const struct uri_rule *rule);
bool form_count(char *value, const struct uri_rule *rule);
bool form_iface(char *value, const struct uri_rule *rule);
bool form_size(char *value, const struct uri_rule *rule);

#endif
