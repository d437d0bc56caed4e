/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * uri_rule.c - the table of parameters.
 *
 * Runs in: as uri.h.
 * Trusts: nobody.
 * Invariant: a name stands once per scheme.
 */
#include <string.h>
#include <sys/mount.h>

#include "proto/uri_rule.h"

enum {
	FOR_NFS = 1 << URI_NFS,
	FOR_TMPFS = 1 << URI_TMPFS,
	FOR_ISCSI = 1 << URI_ISCSI,
	FOR_MOUNTED = FOR_NFS | FOR_TMPFS,
	FOR_ALL = FOR_MOUNTED | FOR_ISCSI,
};

/* Stands for "mount(2) has a flag for the opposite". */
#define DEFAULT_FLAG (1ULL << 63) /* beyond any flag of mount(2) */

static const struct uri_rule rules[] = {
#define FLAG(schemes_, name_, group_, versions_, standing_, flag_)             \
	{                                                                      \
		.schemes = FOR_##schemes_,                                     \
		.name = name_,                                                 \
		.group = GROUP_##group_,                                       \
		.versions = VERSIONS_##versions_,                              \
		.standing = STANDING_##standing_,                              \
		.usual = "",                                                   \
		.mount_flag = (unsigned long)((flag_) & ~DEFAULT_FLAG),        \
		.is_mount_flag = (flag_) != 0,                                 \
	},
#define NUMBER(schemes_, name_, versions_, standing_, usual_, least_, most_,   \
	multiple_)                                                             \
	{                                                                      \
		.schemes = FOR_##schemes_,                                     \
		.name = name_,                                                 \
		.versions = VERSIONS_##versions_,                              \
		.standing = STANDING_##standing_,                              \
		.usual = usual_,                                               \
		.form = form_number,                                           \
		.least = least_,                                               \
		.most = most_,                                                 \
		.multiple = multiple_,                                         \
	},
#define CHOICE(schemes_, name_, group_, versions_, standing_, usual_, words_)  \
	{                                                                      \
		.schemes = FOR_##schemes_,                                     \
		.name = name_,                                                 \
		.group = GROUP_##group_,                                       \
		.versions = VERSIONS_##versions_,                              \
		.standing = STANDING_##standing_,                              \
		.usual = usual_,                                               \
		.form = form_choice,                                           \
		.takes = words_,                                               \
	},
#define FORM(schemes_, name_, standing_, usual_, function_, takes_)            \
	{                                                                      \
		.schemes = FOR_##schemes_,                                     \
		.name = name_,                                                 \
		.standing = STANDING_##standing_,                              \
		.usual = usual_,                                               \
		.form = function_,                                             \
		.takes = takes_,                                               \
	},
#define REFUSED(schemes_, name_, reason_)                                      \
	{                                                                      \
		.schemes = FOR_##schemes_,                                     \
		.name = name_,                                                 \
		.standing = STANDING_REFUSED,                                  \
		.takes = reason_,                                              \
	},
#include "proto/uri_param.def"
#undef FLAG
#undef NUMBER
#undef CHOICE
#undef FORM
#undef REFUSED
};

const struct uri_rule *
uri_rule_next(enum uri_scheme scheme, const struct uri_rule *last)
{
	const struct uri_rule *end = rules + ARRAY_SIZE(rules);

	for (const struct uri_rule *rule = last ? last + 1 : rules; rule < end;
		rule++)
		if (rule->schemes & 1U << scheme)
			return rule;
	return NULL;
}

const struct uri_rule *
uri_rule_find(enum uri_scheme scheme, struct uri_span name)
{
	const struct uri_rule *rule = NULL;

	while ((rule = uri_rule_next(scheme, rule)))
		if (strlen(rule->name) == name.len &&
			memcmp(rule->name, name.at, name.len) == 0)
			return rule;
	return NULL;
}
