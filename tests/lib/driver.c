/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * driver.c - libholdfast in a test's hands: a line says what to call.
 *
 * Runs in: the tests of the libraries.
 * Trusts: the test.
 * Invariant: each line of standard input, words separated by tabs, is answered
 *            by one line of JSON: {"result": ...} or {"error": ...}. Nothing
 *            but holdfast.h is used; all that was made is freed, so that a
 *            sanitizer finds what the library leaves.
 *
 * usage: driver SOCKET
 */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <holdfast.h>

enum {
	WORDS_MAX = 4096,
	LINE_SIZE = 1 << 20,
};

static struct holdfast *handle;
/* Of events: whether on_event() tries to use the handle, and what came of it. */
static bool is_greedy;
static char greedy_slug[64];
/* Lines hold passwords, which must not get into memory that is freed. */
static char line[LINE_SIZE];
static char input[BUFSIZ];

/* --- JSON ----------------------------------------------------------------- */

static void
print_text(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		unsigned char byte = (unsigned char)*text;

		if (byte < 0x20 || byte == '"' || byte == '\\')
			printf("\\u%04x", byte);
		else
			putchar(byte);
	}
	putchar('"');
}

static void
print_value(const struct holdfast_value *value)
{
	bool is_map = holdfast_type(value) == HOLDFAST_MAP;

	switch (holdfast_type(value)) {
	case HOLDFAST_NIL:
		printf("null");
		break;
	case HOLDFAST_BOOL:
		printf("%s", holdfast_bool(value) ? "true" : "false");
		break;
	case HOLDFAST_INT:
		printf("%" PRId64, holdfast_int(value));
		break;
	case HOLDFAST_FLOAT:
		printf("%.17g", holdfast_float(value));
		break;
	case HOLDFAST_TEXT:
		print_text(holdfast_text(value));
		break;
	case HOLDFAST_ARRAY:
	case HOLDFAST_MAP:
		putchar(is_map ? '{' : '[');
		for (size_t i = 0; i < holdfast_count(value); i++) {
			if (i > 0)
				putchar(',');
			if (is_map) {
				print_text(holdfast_key(value, i));
				putchar(':');
			}
			print_value(holdfast_at(value, i));
		}
		putchar(is_map ? '}' : ']');
		break;
	}
}

static void
print_error(const struct holdfast_error *error)
{
	printf("{\"error\":{\"number\":%d,\"slug\":", error->number);
	print_text(error->slug);
	printf(",\"text\":");
	print_text(error->text);
	printf("}}\n");
}

static void
print_number(const char *name, long number)
{
	printf("{\"result\":{\"%s\":%ld}}\n", name, number);
}

/* --- events --------------------------------------------------------------- */

static struct {
	uint64_t number;
	char kind[32];
} told[1024];
static size_t told_count;

static void
on_event(const struct holdfast_value *event, void *data)
{
	struct holdfast_error error = {0};

	if (is_greedy && holdfast_hello(data, NULL, &error) < 0)
		snprintf(greedy_slug, sizeof(greedy_slug), "%s", error.slug);
	if (told_count >= sizeof(told) / sizeof(told[0]))
		return;
	told[told_count].number = holdfast_uint(holdfast_get(event, "number"));
	snprintf(told[told_count].kind, sizeof(told[0].kind), "%s",
		holdfast_text(holdfast_get(event, "kind")));
	told_count++;
}

/* What was told since the last time. */
static void
print_told(void)
{
	printf("{\"result\":{\"greedy\":\"%s\",\"events\":[", greedy_slug);
	for (size_t i = 0; i < told_count; i++)
		printf("%s[%" PRIu64 ",\"%s\"]", i > 0 ? "," : "",
			told[i].number, told[i].kind);
	printf("]}}\n");
	told_count = 0;
}

/* --- calls ---------------------------------------------------------------- */

static struct holdfast_reply *reply;
static struct holdfast_error failed;

/* key=value among the words, NULL if it is not there. */
static const char *
option(int count, char **words, const char *key)
{
	size_t len = strlen(key);

	for (int i = 1; i < count; i++)
		if (strncmp(words[i], key, len) == 0 && words[i][len] == '=')
			return words[i] + len + 1;
	return NULL;
}

static int
manage(int count, char **words)
{
	const struct holdfast_manage_options options = {
		.if_absent = option(count, words, "if_absent") != NULL,
		.auth = option(count, words, "auth"),
		.username = option(count, words, "username"),
		.password = option(count, words, "password"),
		.username_in = option(count, words, "username_in"),
		.password_in = option(count, words, "password_in"),
	};

	return holdfast_manage(handle, words[1], words[2],
		count > 3 ? &options : NULL, &reply, &failed);
}

/* URI CID 0|1 for each. */
static int
manage_many(int count, char **words)
{
	static struct holdfast_claim claims[WORDS_MAX / 3];
	size_t number = 0;

	for (int i = 1; i + 2 < count; i += 3)
		claims[number++] = (struct holdfast_claim){
			words[i], words[i + 1], words[i + 2][0] == '1'};
	return holdfast_manage_many(handle, claims, number, &reply, &failed);
}

static int
list(int count, char **words)
{
	const char *uid = option(count, words, "uid");
	const struct holdfast_filter filter = {
		.prefix = option(count, words, "prefix"),
		.state = option(count, words, "state"),
		.connection = option(count, words, "connection"),
		.has_uid = uid != NULL,
		.uid = uid ? (uint32_t)atoi(uid) : 0,
	};

	return holdfast_list(
		handle, count > 1 ? &filter : NULL, &reply, &failed);
}

/* METHOD MS HEX */
static int
call(char **words)
{
	static unsigned char params[LINE_SIZE / 2];
	size_t len = strlen(words[3]) / 2;

	for (size_t i = 0; i < len; i++) {
		unsigned byte;

		sscanf(words[3] + 2 * i, "%2x", &byte);
		params[i] = (unsigned char)byte;
	}
	return holdfast_call(handle, words[1], len > 0 ? params : NULL, len,
		(unsigned)atoi(words[2]), &reply, &failed);
}

/* 0 or -1 as holdfast.h says; 1 when it is none of these. */
static int
do_call(int count, char **words)
{
	const char *name = words[0];

	if (strcmp(name, "hello") == 0)
		return holdfast_hello(handle, &reply, &failed);
	if (strcmp(name, "manage") == 0)
		return manage(count, words);
	if (strcmp(name, "manage_many") == 0)
		return manage_many(count, words);
	if (strcmp(name, "unmanage") == 0)
		return holdfast_unmanage(handle, words[1], &reply, &failed);
	if (strcmp(name, "unmanage_prefix") == 0)
		return holdfast_unmanage_prefix(
			handle, words[1], &reply, &failed);
	if (strcmp(name, "list") == 0)
		return list(count, words);
	if (strcmp(name, "status") == 0)
		return holdfast_status(handle, words[1], &reply, &failed);
	if (strcmp(name, "retry") == 0)
		return holdfast_retry(handle, words[1], &reply, &failed);
	if (strcmp(name, "wait") == 0)
		return holdfast_wait(handle, words[1],
			words[2][0] ? words[2] : NULL, (unsigned)atoi(words[3]),
			&reply, &failed);
	if (strcmp(name, "events") == 0)
		return holdfast_events(handle, strtoull(words[1], NULL, 10),
			(unsigned)atoi(words[2]), (unsigned)atoi(words[3]),
			&reply, &failed);
	if (strcmp(name, "call") == 0)
		return call(words);
	return 1;
}

static bool
is_readable(void)
{
	struct pollfd poller = {.fd = holdfast_fd(handle), .events = POLLIN};

	return poll(&poller, 1, 0) > 0;
}

static void
print_result(int result)
{
	if (result < 0) {
		print_error(&failed);
		return;
	}
	printf("{\"result\":");
	print_value(holdfast_result(reply));
	printf("}\n");
	holdfast_reply_free(reply);
	reply = NULL;
}

/* What has no reply. */
static void
do_other(char **words)
{
	const char *name = words[0];
	int result = 0;

	if (strcmp(name, "timeout") == 0)
		holdfast_set_timeout(handle, (unsigned)atoi(words[1]));
	else if (strcmp(name, "subscribe") == 0)
		result = holdfast_subscribe(handle,
			words[1][0] ? strtoull(words[1], NULL, 10)
				    : HOLDFAST_FROM_NOW_ON,
			on_event, handle, &failed);
	else if (strcmp(name, "unsubscribe") == 0)
		result = holdfast_unsubscribe(handle, &failed);
	else if (strcmp(name, "dispatch") == 0)
		result = holdfast_dispatch(
			handle, (unsigned)atoi(words[1]), &failed);
	else if (strcmp(name, "readable") == 0)
		result = is_readable();
	else if (strcmp(name, "fd") == 0)
		result = holdfast_fd(handle) + 1;
	else if (strcmp(name, "cut") == 0)
		result = shutdown(holdfast_fd(handle), SHUT_RDWR);
	else if (strcmp(name, "greedy") == 0)
		is_greedy = true;
	else
		abort();
	if (result < 0)
		print_error(&failed);
	else
		print_number("number", result);
}

static void
do_line(void)
{
	static char *words[WORDS_MAX];
	int count = 0;

	for (char *rest = line; rest && count < WORDS_MAX - 4;)
		words[count++] = strsep(&rest, "\t");
	for (int i = count; i < count + 4; i++)
		words[i] = (char[]){""};
	if (strcmp(words[0], "told") == 0) {
		print_told();
	} else if (strcmp(words[0], "leave") == 0) {
		/* What the watch on memory has to find. */
		free(strdup(words[1]));
		print_number("number", 0);
	} else {
		int result = do_call(count, words);

		if (result == 1)
			do_other(words);
		else
			print_result(result);
	}
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	setvbuf(stdin, input, _IOFBF, sizeof(input));
	handle = holdfast_connect(argc > 1 ? argv[1] : NULL, &failed);
	if (!handle) {
		print_error(&failed);
		return 1;
	}
	print_number("number", 0);
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		do_line();
	}
	holdfast_close(handle);
	return 0;
}
