/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * options.c - the command line.
 *
 * Runs in: command.
 * Invariant: every table here is made from command.def.
 */
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "client/duration.h"
#include "client/options.h"
#include "common/guard.h"

#define IN(name) (1u << COMMAND_##name)
#define IN_ALL	 (~0u)

enum {
	DEFAULT_WAIT_MS = 30000,
	FIRST_LONG = 256 /* beyond every letter */
};

static const struct {
	const char *name;
	int least;
	int most;
	const char *usage;
	const char *meaning;
} commands[] = {
#define COMMAND(name, least, most, usage, meaning)                             \
	[COMMAND_##name] = {#name, least, most, usage, meaning},
#include "client/command.def"
#undef COMMAND
};

enum option_kind {
	KIND_FLAG,
	KIND_TEXT,
	KIND_DURATION,
	KIND_MAYBE_DURATION
};

static const struct rule {
	const char *name;
	char letter;
	enum option_kind kind;
	size_t offset; /* in struct options */
	unsigned commands;
	const char *argument;
	const char *meaning;
} rules[] = {
#define OPTION(name, letter, kind, field, commands, argument, meaning)         \
	{name, letter, KIND_##kind, offsetof(struct options, field), commands, \
		argument, meaning},
#include "client/command.def"
#undef OPTION
};

static const int argument_kinds[] = {
	[KIND_FLAG] = no_argument,
	[KIND_TEXT] = required_argument,
	[KIND_DURATION] = required_argument,
	[KIND_MAYBE_DURATION] = optional_argument,
};

const char *
command_name(enum command_id command)
{
	return commands[command].name;
}

static int
store_option(const struct rule *rule, const char *argument,
	struct options *options, struct failure *failure)
{
	char *field = (char *)options + rule->offset;

	switch (rule->kind) {
	case KIND_FLAG:
		*(bool *)field = true;
		return 0;
	case KIND_TEXT:
		*(const char **)(void *)field = argument;
		return 0;
	case KIND_MAYBE_DURATION:
	case KIND_DURATION:
		break;
	}
	if (!argument)
		*(int64_t *)(void *)field = DEFAULT_WAIT_MS;
	else if (!duration_parse(argument, (int64_t *)(void *)field))
		return failure_set(failure, ERR_BAD_ARGUMENTS,
			"--%s \"%s\" is no duration up to a day, such as 30, "
			"500ms, 2min, 1h",
			rule->name, argument);
	return 0;
}

struct tables {
	struct option longs[ARRAY_SIZE(rules) + 1];
	char letters[2 * ARRAY_SIZE(rules) + 2];
};

static void
make_tables(struct tables *ret_tables)
{
	size_t len = 0;

	memset(ret_tables, 0, sizeof(*ret_tables));
	ret_tables->letters[len++] = ':'; /* tells a missing argument apart */
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		int argument = argument_kinds[rules[i].kind];

		ret_tables->longs[i] = (struct option){
			rules[i].name, argument, NULL, FIRST_LONG + (int)i};
		if (!rules[i].letter)
			continue;
		ret_tables->letters[len++] = rules[i].letter;
		if (argument == required_argument)
			ret_tables->letters[len++] = ':';
	}
}

static const struct rule *
find_rule(int found)
{
	if (found >= FIRST_LONG)
		return &rules[found - FIRST_LONG];
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (rules[i].letter == found)
			return &rules[i];
	return NULL;
}

/* What getopt_long() found to be wrong; word is the one that it read last. */
static int
refuse_option(int found, const char *word, struct failure *failure)
{
	const struct rule *rule = find_rule(optopt);

	if (found == ':' && rule)
		return failure_set(failure, ERR_BAD_ARGUMENTS,
			"--%s wants %s after it", rule->name, rule->argument);
	if (rule && optopt >= FIRST_LONG)
		return failure_set(failure, ERR_BAD_ARGUMENTS,
			"--%s takes no argument", rule->name);
	if (optopt > 0 && optopt < FIRST_LONG)
		return failure_set(failure, ERR_BAD_ARGUMENTS,
			"unknown option -%c", optopt);
	return failure_set(
		failure, ERR_BAD_ARGUMENTS, "unknown option %s", word);
}

/* Goes on after an error, so that --json is known; the first one counts. */
static int
read_options(int argc, char **argv, struct options *options, unsigned *ret_used,
	struct failure *failure)
{
	struct tables tables;
	struct failure later;
	int result = 0;
	int found;

	make_tables(&tables);
	opterr = 0;
	while ((found = getopt_long(
			argc, argv, tables.letters, tables.longs, NULL)) >= 0) {
		struct failure *which = result ? &later : failure;
		const struct rule *rule = NULL;
		int code;

		if (found == '?' || found == ':') {
			code = refuse_option(found, argv[optind - 1], which);
		} else {
			rule = find_rule(found);
			code = store_option(rule, optarg, options, which);
			*ret_used |= 1u << (rule - rules);
		}
		result = result ? result : code;
	}
	return result;
}

static int
check_options(
	const struct options *options, unsigned used, struct failure *failure)
{
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if ((used & 1u << i) &&
			!(rules[i].commands & 1u << options->command))
			return failure_set(failure, ERR_BAD_ARGUMENTS,
				"%s takes no --%s",
				command_name(options->command), rules[i].name);
	return 0;
}

static int
read_command(int count, char **args, struct options *options,
	struct failure *failure)
{
	size_t i = 0;

	if (count == 0)
		return failure_set(
			failure, ERR_BAD_ARGUMENTS, "a command is missing");
	while (i < COMMAND_COUNT && strcmp(args[0], commands[i].name) != 0)
		i++;
	if (i == COMMAND_COUNT)
		return failure_set(failure, ERR_BAD_ARGUMENTS,
			"unknown command \"%s\"", args[0]);
	options->has_command = true;
	options->command = (enum command_id)i;
	options->count = count - 1;
	options->args = args + 1;
	return 0;
}

/* Between a command's name and its arguments, if it takes any. */
static const char *
usage_space(enum command_id command)
{
	return *commands[command].usage ? " " : "";
}

int
options_parse(int argc, char **argv, struct options *ret_options,
	struct failure *failure)
{
	unsigned used = 0;
	int result;

	*ret_options = (struct options){.wait_ms = -1, .timeout_ms = -1};
	result = read_options(argc, argv, ret_options, &used, failure);
	if (result)
		return result;
	result = read_command(
		argc - optind, argv + optind, ret_options, failure);
	if (ret_options->help || ret_options->version)
		return 0;
	if (result == 0)
		result = check_options(ret_options, used, failure);
	if (result)
		return result;
	if (ret_options->count < commands[ret_options->command].least ||
		ret_options->count > commands[ret_options->command].most)
		return failure_set(failure, ERR_BAD_ARGUMENTS,
			"usage: holdfast %s%s%s",
			command_name(ret_options->command),
			usage_space(ret_options->command),
			commands[ret_options->command].usage);
	return 0;
}

static void
print_option(const struct rule *rule)
{
	char left[48];
	const char *before = rule->argument ? " " : "";
	const char *after = "";

	if (rule->kind == KIND_MAYBE_DURATION) {
		before = "[=";
		after = "]";
	}
	(void)snprintf(left, sizeof(left), "--%s%s%s%s", rule->name, before,
		rule->argument ? rule->argument : "", after);
	(void)printf("  %c%c%c %-20s %s\n", rule->letter ? '-' : ' ',
		rule->letter ? rule->letter : ' ', rule->letter ? ',' : ' ',
		left, rule->meaning);
}

static void
print_command_help(enum command_id command)
{
	(void)printf("Usage: holdfast %s%s%s\n\n%s: %s.\n\n",
		commands[command].name, usage_space(command),
		commands[command].usage, commands[command].name,
		commands[command].meaning);
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (rules[i].commands & 1u << command)
			print_option(&rules[i]);
}

void
options_print_help(const struct options *options)
{
	if (options->has_command) {
		print_command_help(options->command);
		return;
	}
	(void)printf("Usage: holdfast [--socket PATH] [--json] COMMAND ...\n\n"
		     "Keeps network storage connections up.\n\n"
		     "  holdfast manage --wait nfs://nas1/vms vm-store\n"
		     "  holdfast list\n"
		     "  holdfast unmanage vm-store\n\n"
		     "Commands:\n");
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		(void)printf(
			"  %-9s %s\n", commands[i].name, commands[i].meaning);
	(void)printf("\nOptions:\n");
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (rules[i].commands == IN_ALL)
			print_option(&rules[i]);
	(void)printf("\n`holdfast COMMAND --help` tells more, "
		     "holdfast(1) all.\n");
}
