/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * uri_params.c - what is behind the "?" of a URI.
 *
 * Runs in: as uri.h.
 * Trusts: nobody: a value ends up in the option string of mount(2).
 * Invariant: a value that is kept passed the form of its rule, which lets no
 *            comma, newline or NUL through.
 */
#include <stdlib.h>
#include <string.h>

#include "proto/uri_rule.h"

/* Beyond those of one group: what a pair of names would contradict. */
static const char *const contradictions[][2] = {
	{"noac", "actimeo"},
	{"noac", "acregmin"},
	{"noac", "acregmax"},
	{"noac", "acdirmin"},
	{"noac", "acdirmax"},
	{"actimeo", "acregmin"},
	{"actimeo", "acregmax"},
	{"actimeo", "acdirmin"},
	{"actimeo", "acdirmax"},
};

static struct uri_span
span_of(const char *string)
{
	return (struct uri_span){string, strlen(string)};
}

static int
refuse_value(
	const struct uri_rule *rule, struct uri_span value, struct err *err)
{
	if (rule->form == form_choice)
		return uri_refuse(err, "\"%s\" takes one of: %s; not \"%.*s\"",
			rule->name, rule->takes, URI_SHOW(value));
	if (rule->form != form_number)
		return uri_refuse(err, "\"%s\" takes %s; not \"%.*s\"",
			rule->name, rule->takes, URI_SHOW(value));
	return uri_refuse(err,
		"\"%s\" takes a number from %d to %d%s without leading zeros; "
		"not \"%.*s\"",
		rule->name, (int)rule->least, (int)rule->most,
		rule->multiple > 1 ? ", a multiple of 1024," : "",
		URI_SHOW(value));
}

static int
value_parse(const struct uri_rule *rule, bool has_value, struct uri_span value,
	char *ret_value, struct err *err)
{
	size_t len;
	int r;

	if (!rule->form) {
		if (!has_value)
			return 0;
		return uri_refuse(err,
			"\"%s\" takes no value: write it alone, or leave it "
			"out",
			rule->name);
	}
	if (value.len == 0)
		return uri_refuse(err, "\"%s\" needs a value: write %s=VALUE",
			rule->name, rule->name);
	r = uri_span_decode(value, ret_value, URI_VALUE_MAX, &len, err);
	if (r < 0)
		return r;
	if (strpbrk(ret_value, ", "))
		return uri_refuse(err,
			"a comma or blank in the value of \"%s\": give each "
			"option as a parameter of its own, joined by \"&\"",
			rule->name);
	return rule->form(ret_value, rule) ? 0 : refuse_value(rule, value, err);
}

static int
rule_lookup(enum uri_scheme scheme, struct uri_span name,
	const struct uri_rule **ret_rule, struct err *err)
{
	const struct uri_rule *rule = uri_rule_find(scheme, name);

	if (name.len == 0)
		return uri_refuse(err,
			"an empty parameter: write ?NAME=VALUE&NAME without "
			"\"&\" at the ends");
	if (!rule)
		return uri_refuse(err,
			"%s has no parameter \"%.*s\": leave it out "
			"(holdfast-uri(7) lists them)",
			uri_scheme_name(scheme), URI_SHOW(name));
	if (rule->standing == STANDING_REFUSED)
		return uri_refuse(
			err, "\"%s\" is refused: %s", rule->name, rule->takes);
	*ret_rule = rule;
	return 0;
}

/* Beside what is there already. */
static int
check_company(
	const struct uri *uri, const struct uri_rule *rule, struct err *err)
{
	for (size_t i = 0; i < uri->param_count; i++) {
		const char *name = uri->params[i].name;
		const struct uri_rule *other =
			uri_rule_find(uri->scheme, span_of(name));

		if (other == rule)
			return uri_refuse(
				err, "\"%s\" is given twice: keep one", name);
		if (other->group == rule->group && rule->group != GROUP_NONE)
			return uri_refuse(err,
				"\"%s\" and \"%s\" exclude each other: keep "
				"one",
				name, rule->name);
	}
	return 0;
}

static int
param_add(struct uri_span name, bool has_value, struct uri_span value,
	struct uri *uri, struct err *err)
{
	struct uri_param *param = &uri->params[uri->param_count];
	const struct uri_rule *rule;
	int r;

	r = rule_lookup(uri->scheme, name, &rule, err);
	if (r < 0)
		return r;
	r = check_company(uri, rule, err);
	if (r < 0)
		return r;
	r = value_parse(rule, has_value, value, param->value, err);
	if (r < 0)
		return r;
	param->name = rule->name;
	uri->param_count++;
	return 0;
}

int
uri_params_add(struct uri *uri, const char *name, struct uri_span value,
	struct err *err)
{
	return param_add(span_of(name), true, value, uri, err);
}

static int
check_contradictions(const struct uri *uri, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(contradictions); i++) {
		const char *const *pair = contradictions[i];

		if (uri_param(uri, pair[0]) && uri_param(uri, pair[1]))
			return uri_refuse(err,
				"\"%s\" and \"%s\" exclude each other: keep "
				"one",
				pair[0], pair[1]);
	}
	return 0;
}

static bool
version_knows(const char *vers, const struct uri_rule *rule)
{
	switch (rule->versions) {
	case VERSIONS_V3:
		return vers[0] == '3';
	case VERSIONS_V4:
		return vers[0] == '4';
	case VERSIONS_V41:
		return vers[0] == '4' && strcmp(vers, "4.0") != 0;
	case VERSIONS_ANY:
		break;
	}
	return true;
}

static const char *const version_names[] = {
	[VERSIONS_ANY] = "any NFS version",
	[VERSIONS_V3] = "NFS v3",
	[VERSIONS_V4] = "NFS v4",
	[VERSIONS_V41] = "NFS v4.1 and later",
};

static int
check_versions(const struct uri *uri, struct err *err)
{
	const char *vers = uri_param(uri, "vers");

	for (size_t i = 0; vers && i < uri->param_count; i++) {
		const char *name = uri->params[i].name;
		const struct uri_rule *rule =
			uri_rule_find(uri->scheme, span_of(name));

		if (!version_knows(vers, rule))
			return uri_refuse(err,
				"\"%s\" is for %s but vers=%s is given: leave "
				"out one of them",
				name, version_names[rule->versions], vers);
	}
	return 0;
}

/* Keeps order; run only when all checks that look at defaults are over. */
static void
drop_defaults(struct uri *uri)
{
	size_t kept = 0;

	for (size_t i = 0; i < uri->param_count; i++) {
		const struct uri_param *param = &uri->params[i];
		const struct uri_rule *rule =
			uri_rule_find(uri->scheme, span_of(param->name));

		if (rule->standing == STANDING_ASKED ||
			strcmp(rule->usual, param->value) != 0)
			uri->params[kept++] = *param;
	}
	memset(uri->params + kept, 0,
		(uri->param_count - kept) * sizeof(uri->params[0]));
	uri->param_count = kept;
}

static int
param_compare(const void *a, const void *b)
{
	const struct uri_param *left = a;
	const struct uri_param *right = b;

	return strcmp(left->name, right->name);
}

int
uri_params_parse(struct uri_span query, struct uri *uri, struct err *err)
{
	bool more = query.len > 0;
	int r;

	while (more) {
		struct uri_span name = query;
		struct uri_span value;
		bool has_value;

		more = uri_span_cut(&name, '&', &query);
		has_value = uri_span_cut(&name, '=', &value);
		if (uri->param_count == URI_PARAMS_MAX)
			return uri_refuse(err,
				"more than %d parameters: leave out those that "
				"repeat a default",
				URI_PARAMS_MAX);
		r = param_add(name, has_value, value, uri, err);
		if (r < 0)
			return r;
	}
	r = check_contradictions(uri, err);
	if (r < 0)
		return r;
	r = check_versions(uri, err);
	if (r < 0)
		return r;
	drop_defaults(uri);
	qsort(uri->params, uri->param_count, sizeof(uri->params[0]),
		param_compare);
	return 0;
}

const char *
uri_param_or_default(const struct uri *uri, const char *name)
{
	const struct uri_rule *rule = uri_rule_find(uri->scheme, span_of(name));
	const char *value = uri_param(uri, name);

	if (value || !rule || !rule->form || rule->standing == STANDING_ASKED)
		return value;
	return rule->usual;
}

void
uri_params_print(const struct uri *uri, struct uri_text *text)
{
	for (size_t i = 0; i < uri->param_count; i++) {
		const struct uri_param *param = &uri->params[i];

		uri_text_print(text, "%c%s%s", i == 0 ? '?' : '&', param->name,
			param->value[0] ? "=" : "");
		uri_text_escape(text, param->value);
	}
}
