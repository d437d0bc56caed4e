/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * domain.c - which SELinux domain each of our processes is in. The owner file
 * of libselinux.
 *
 * Runs in: supervisor and launcher, at their start.
 * Trusts: the kernel's account of our own context.
 * Invariant: once it was found that we are in our policy's first domain, a
 *            process that cannot go to its own does not go on.
 */
#include <errno.h>
#include <selinux/context.h>
#include <selinux/selinux.h>
#include <stdbool.h>
#include <string.h>

#include "common/log.h"
#include "supervisor/domain.h"

#define DOMAIN_START "holdfastd_t"

/* Our context at the start; empty where domains are not used. */
static char start_context[DOMAIN_CONTEXT_MAX];

static bool
has_type(const char *text, const char *type)
{
	context_t context = context_new(text);
	const char *found = context ? context_type_get(context) : NULL;
	bool has = found && strcmp(found, type) == 0;

	if (context)
		context_free(context);
	return has;
}

int
domain_open(struct err *err)
{
	char *own = NULL;
	size_t len;

	start_context[0] = '\0';
	if (is_selinux_enabled() <= 0)
		return 0;
	if (getcon_raw(&own) < 0)
		return err_set(err, ERR_INTERNAL, errno,
			"SELinux is enabled, but does not say which domain "
			"this is: %m");
	len = strnlen(own, sizeof(start_context));
	if (len < sizeof(start_context) && has_type(own, DOMAIN_START))
		memcpy(start_context, own, len + 1);
	else
		log_notice("SELinux is enabled, but this is %s and "
			   "not " DOMAIN_START
			   ": holdfast's policy does not confine it",
			own);
	freecon(own);
	return 0;
}

int
domain_context(
	const char *type, char ret_context[DOMAIN_CONTEXT_MAX], struct err *err)
{
	context_t context;
	const char *text = NULL;
	int result = -1;

	if (start_context[0] == '\0') {
		ret_context[0] = '\0';
		return 0;
	}
	context = context_new(start_context);
	if (context && context_type_set(context, type) == 0)
		text = context_str(context);
	if (text && strlen(text) < DOMAIN_CONTEXT_MAX) {
		memcpy(ret_context, text, strlen(text) + 1);
		result = 0;
	}
	if (context)
		context_free(context);
	if (result < 0)
		return err_set(err, ERR_INTERNAL, ENOMEM,
			"no SELinux context of type %s can be made", type);
	return 0;
}

int
domain_enter(const char *type, struct err *err)
{
	char context[DOMAIN_CONTEXT_MAX];
	int result = domain_context(type, context, err);

	if (result < 0 || context[0] == '\0')
		return result;
	if (setcon_raw(context) < 0)
		return err_set(err, ERR_INTERNAL, errno,
			"cannot go to the SELinux domain %s: %m. Is holdfast's "
			"policy module loaded whole?",
			type);
	return 0;
}
