/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * uri_mount.c - what a URI means to mount(2), and the name of its directory.
 *
 * Runs in: supervisor (the name), launcher (mount_name_is_valid), worker.
 * Trusts: nobody; a struct uri is what uri_parse() made of somebody's text.
 * Invariant: a mount name that is made here passes mount_name_is_valid().
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include "proto/uri_rule.h"

enum {
	HASH_SHORT = 8,
	HASH_LONG = 16
};

/* FNV-1a: http://www.isthe.com/chongo/tech/comp/fnv/ */
static uint64_t
hash(const char *text)
{
	uint64_t value = UINT64_C(0xcbf29ce484222325);

	for (; *text; text++)
		value = (value ^ (unsigned char)*text) *
			UINT64_C(0x100000001b3);
	return value;
}

/* Adds text with "_" doubled and "/" as "_". */
static void
name_add(struct uri_text *name, const char *text)
{
	for (; *text; text++)
		if (*text == '_')
			uri_text_print(name, "__");
		else
			uri_text_print(name, "%c", *text == '/' ? '_' : *text);
}

static bool
ends_like_hash(const char *name, size_t len, size_t digits)
{
	return len > digits && name[len - digits - 1] == '-' &&
	       strspn(name + len - digits, "0123456789abcdef") == digits;
}

/* iscsi://tmpfs/iqn.2024-01.com.example and tmpfs://iqn.2024-01.com.example. */
static bool
reads_like_tmpfs(const struct uri *uri)
{
	return uri->scheme == URI_ISCSI && strcmp(uri->host, "tmpfs") == 0;
}

static bool
needs_hash(const struct uri *uri, const struct uri_text *name)
{
	return uri->param_count > 0 || reads_like_tmpfs(uri) ||
	       strstr(uri->path, "/_") || strstr(uri->path, "_/") ||
	       ends_like_hash(name->at, name->len, HASH_SHORT) ||
	       ends_like_hash(name->at, name->len, HASH_LONG);
}

void
uri_mount_name(struct uri *uri)
{
	char plain[2 * URI_MAX];
	char part[URI_MAX];
	struct uri_text text;
	struct uri_text name;
	uint64_t value = hash(uri->canonical);
	bool hashed;

	uri_text_init(&name, plain, sizeof(plain));
	uri_text_init(&text, part, sizeof(part));
	if (uri->scheme == URI_TMPFS)
		uri_text_print(&name, "tmpfs:");
	uri_host_print(uri, &text);
	name_add(&name, part);
	uri_port_print(uri, &name);
	if (uri->path[0])
		uri_text_print(&name, ":");
	uri_text_init(&text, part, sizeof(part));
	if (uri->scheme == URI_ISCSI)
		uri_text_print(&text, "%s", uri->path);
	else
		uri_text_escape(&text, uri->path);
	name_add(&name, part);
	hashed = needs_hash(uri, &name);
	if (name.len + (hashed ? 1 + HASH_SHORT : 0) > URI_NAME_MAX)
		(void)snprintf(uri->mount_name, sizeof(uri->mount_name),
			"%.*s-%016" PRIx64, URI_NAME_MAX - 1 - HASH_LONG, plain,
			value); /* fits */
	else if (hashed)
		(void)snprintf(uri->mount_name, sizeof(uri->mount_name),
			"%.*s-%08" PRIx32, URI_NAME_MAX - 1 - HASH_SHORT, plain,
			(uint32_t)(value >> 32 ^ value)); /* fits */
	else
		(void)snprintf(uri->mount_name, sizeof(uri->mount_name), "%.*s",
			URI_NAME_MAX, plain); /* fits */
}

bool
mount_name_is_valid(const char *name, size_t len)
{
	if (len < 1 || len > URI_NAME_MAX || name[0] == '.' || name[0] == '-')
		return false;
	for (size_t i = 0; i < len; i++) {
		char c = name[i];
		bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			     (c >= '0' && c <= '9');

		if (!alnum && !memchr("._~:%-[]", c, 8))
			return false;
	}
	return true;
}

unsigned long
uri_mount_flags(const struct uri *uri)
{
	unsigned long flags = MS_NOSUID | MS_NODEV;
	const struct uri_rule *rule = NULL;

	if (uri->scheme == URI_ISCSI)
		return 0;
	while ((rule = uri_rule_next(uri->scheme, rule)))
		if (rule->mount_flag && uri_param(uri, rule->name))
			flags |= rule->mount_flag;
	return flags;
}

bool
uri_param_is_mount_flag(const struct uri *uri, size_t index)
{
	const struct uri_rule *rule = NULL;

	while ((rule = uri_rule_next(uri->scheme, rule)))
		if (strcmp(rule->name, uri->params[index].name) == 0)
			return rule->is_mount_flag;
	return false;
}

/* Whether another parameter of its group is given. */
static bool
is_overridden(const struct uri *uri, const struct uri_rule *rule)
{
	const struct uri_rule *other = NULL;

	if (rule->group == GROUP_NONE)
		return false;
	while ((other = uri_rule_next(uri->scheme, other)))
		if (other->group == rule->group && uri_param(uri, other->name))
			return true;
	return false;
}

static bool
is_for_version(const struct uri_rule *rule, int major_version)
{
	switch (rule->versions) {
	case VERSIONS_V3:
		return major_version == 3;
	case VERSIONS_V4:
	case VERSIONS_V41:
		return major_version == 4;
	case VERSIONS_ANY:
		break;
	}
	return true;
}

/* Adds what the rule contributes, if it does. */
static void
option_add(const struct uri *uri, const struct uri_rule *rule,
	struct uri_text *options)
{
	const char *value = uri_param(uri, rule->name);

	if (!value && rule->standing == STANDING_OURS &&
		!is_overridden(uri, rule))
		value = rule->usual;
	if (value)
		uri_text_print(options, "%s%s%s%s", options->len ? "," : "",
			rule->name, value[0] ? "=" : "", value);
}

static bool
version_fits(const struct uri *uri, int major_version)
{
	const char *vers = uri_param(uri, "vers");

	if (uri->scheme != URI_NFS)
		return true;
	return (major_version == 3 || major_version == 4) &&
	       (!vers || vers[0] == '0' + major_version);
}

int
uri_mount_options(const struct uri *uri, int major_version, char *ret_options,
	size_t size)
{
	char buffer[URI_OPTIONS_MAX];
	struct uri_text options;
	const struct uri_rule *rule = NULL;

	if (uri->scheme == URI_ISCSI || !version_fits(uri, major_version))
		return -EINVAL;
	uri_text_init(&options, buffer, sizeof(buffer));
	while ((rule = uri_rule_next(uri->scheme, rule)))
		if (!rule->is_mount_flag && strcmp(rule->name, "vers") != 0 &&
			(uri->scheme != URI_NFS ||
				is_for_version(rule, major_version)))
			option_add(uri, rule, &options);
	if (uri->port)
		uri_text_print(&options, "%sport=%u", options.len ? "," : "",
			(unsigned int)uri->port);
	if (options.full || options.len >= size)
		return -ENOSPC;
	memcpy(ret_options, buffer, options.len + 1);
	return 0;
}

int
uri_mount_source(const struct uri *uri, char *ret_source, size_t size)
{
	char buffer[URI_SOURCE_MAX];
	struct uri_text source;

	uri_text_init(&source, buffer, sizeof(buffer));
	uri_text_print(&source, uri->host_is_ipv6 ? "[%s]" : "%s", uri->host);
	if (uri->scheme == URI_ISCSI) {
		uri_port_print(uri, &source);
		uri_text_print(&source, "/%s", uri->path);
	} else if (uri->path[0]) {
		uri_text_print(&source, ":%s", uri->path);
	}
	if (source.full || source.len >= size)
		return -ENOSPC;
	memcpy(ret_source, buffer, source.len + 1);
	return 0;
}
