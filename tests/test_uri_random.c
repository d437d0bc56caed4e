/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_uri_random.c - what holds for any URI, on many made-up ones.
 */
#include "tests/uri_check.h"

/* xorshift64*: the same inputs on every host. */
static uint64_t seed;

static size_t
pick(size_t below)
{
	seed ^= seed >> 12;
	seed ^= seed << 25;
	seed ^= seed >> 27;
	return (size_t)((seed * UINT64_C(0x2545f4914f6cdd1d) >> 33) % below);
}

#define PICK(array) (array)[pick(ARRAY_SIZE(array))]

struct spelling {
	char text[URI_MAX];
	size_t len;
};

static void
put(struct spelling *to, const char *string)
{
	size_t len = strlen(string);

	assert_true(to->len + len < sizeof(to->text));
	memcpy(to->text + to->len, string, len + 1);
	to->len += len;
}

/* Each letter in either case. */
static void
put_any_case(struct spelling *to, const char *string)
{
	for (; *string; string++) {
		char c[2] = {*string, '\0'};

		if (*string >= 'a' && *string <= 'z' && pick(3) == 0)
			c[0] = (char)(*string & ~0x20);
		put(to, c);
	}
}

/*
 * Each byte as it is or escaped, each "/" once or more. A character that is
 * half escaped is no UTF-8 and refused: those are escaped whole or not at all.
 */
static void
put_export(struct spelling *to, const char *path)
{
	bool escape_wide = pick(2) == 0;

	for (; *path; path++) {
		char c[4] = {*path, '\0'};
		bool escape = *path & 0x80 ? escape_wide : pick(4) == 0;

		if (*path == '/')
			put(to, pick(4) == 0 ? "//" : "/");
		else if (strchr("%#?", *path) || escape)
			(void)snprintf(c, sizeof(c),
				pick(2) ? "%%%02X" : "%%%02x",
				(unsigned char)*path);
		if (*path != '/')
			put(to, c);
	}
	if (pick(4) == 0)
		put(to, "/");
}

/* Each letter in either case, each byte as it is or escaped; and the LUN. */
static void
put_target(struct spelling *to, const char *iqn, int32_t lun)
{
	char text[16];

	put(to, "/");
	for (; *iqn; iqn++) {
		char c[2] = {*iqn, '\0'};

		(void)snprintf(text, sizeof(text),
			pick(2) ? "%%%02X" : "%%%02x", (unsigned char)*iqn);
		if (pick(6) == 0)
			put(to, text);
		else
			put_any_case(to, c);
	}
	(void)snprintf(text, sizeof(text), "/%d", (int)lun);
	if (lun >= 0)
		put(to, text);
}

static const char *const hosts[] = {"h", "nas1", "nas_2.example.com",
	"192.0.2.17", "[2001:db8::1]", "[::ffff:192.0.2.1]", "tmpfs"};
static const char *const segments[] = {"vms", "a", "_", "a_", "_a", "b c",
	"x@y", "100%", "m:n", "\xc3\xbc", "...", "q?r", "#1", "A", "~-.",
	"0123abcd", "v-0123abcd"};
static const char *const names[] = {"iqn.2024-01.com.example",
	"iqn.2024-01.com.example:db", "iqn.1999-12.x:a.b-c:d",
	"iqn.2024-01.com.example:a-0123abcd",
	"iqn.2024-01.com.example:", "eui.02004567a425678d",
	"naa.52004567ba64678d", "naa.62004567ba64678d0123456789abcdef"};
/* One of each row at most; the first of a row is what is dropped. */
static const char *const nfs_choices[][3] = {
	{"softerr", "hard", "soft"},
	{"timeo=100", "timeo=600", "timeo=1"},
	{"retrans=3", "retrans=0", "retrans=9"},
	{"nosharecache", "sharecache", "sharecache"},
	{"rw", "ro", "ro"},
	{"exec", "noexec", "noexec"},
	{"relatime", "noatime", "strictatime"},
	{"nconnect=1", "nconnect=4", "nconnect=16"},
	{"lookupcache=all", "lookupcache=none", "lookupcache=positive"},
	{"cto", "nocto", "nocto"},
	{"nosuid", "vers=4.2", "vers=4"},
};
static const char *const iscsi_choices[][3] = {
	{"tpgt=1", "tpgt=0", "tpgt=65535"},
	{"iface=default", "iface=iser.00%3A1A", "iface=br-0_1"},
};

static const struct scheme {
	const char *prefix;
	unsigned int port;
	const char *const (*choices)[3];
	size_t choice_count;
} nfs = {"nfs://", 2049, nfs_choices, ARRAY_SIZE(nfs_choices)},
  iscsi = {"iscsi://", 3260, iscsi_choices, ARRAY_SIZE(iscsi_choices)};

/* What one connection is made of, to be spelled in many ways. */
struct recipe {
	const struct scheme *scheme;
	const char *host;
	unsigned int port;
	char path[128];
	int32_t lun;
	const char *params[8]; /* of different groups */
	size_t param_count;
};

static void
make_export(struct recipe *recipe)
{
	for (size_t i = pick(5); i > 0; i--) {
		size_t at = strlen(recipe->path);

		(void)snprintf(recipe->path + at, sizeof(recipe->path) - at,
			"/%s", PICK(segments));
	}
	if (recipe->path[0] == '\0')
		(void)snprintf(recipe->path, sizeof(recipe->path), "/");
}

static void
make_recipe(struct recipe *recipe)
{
	const struct scheme *scheme = pick(3) ? &nfs : &iscsi;

	*recipe = (struct recipe){.scheme = scheme,
		.host = PICK(hosts),
		.port = pick(3) ? scheme->port
				: (unsigned int)(1 + pick(65535)),
		.lun = -1};
	if (scheme == &nfs)
		make_export(recipe);
	else
		(void)snprintf(
			recipe->path, sizeof(recipe->path), "%s", PICK(names));
	if (scheme == &iscsi && pick(2))
		recipe->lun = (int32_t)pick(16384);
	for (size_t i = 0; i < scheme->choice_count; i++)
		if (recipe->param_count < ARRAY_SIZE(recipe->params) &&
			pick(4) == 0)
			recipe->params[recipe->param_count++] =
				scheme->choices[i][1 + pick(2)];
}

static bool
is_decided(const struct recipe *recipe, size_t row)
{
	const char *const *words = recipe->scheme->choices[row];

	for (size_t i = 0; i < recipe->param_count; i++)
		for (size_t word = 0; word < 3; word++)
			if (strcmp(recipe->params[i], words[word]) == 0)
				return true;
	return false;
}

/* As in 2012, what is a parameter now. Whether it was written that way. */
static bool
put_portal(struct spelling *to, const struct recipe *recipe, const char *param)
{
	static const char name[] = "tpgt=";

	if (recipe->lun >= 0 || strncmp(param, name, strlen(name)) != 0 ||
		pick(3))
		return false;
	put(to, ";portal=");
	put(to, param + strlen(name));
	return true;
}

static void
put_params(struct spelling *to, const struct recipe *recipe)
{
	const char *params[ARRAY_SIZE(nfs_choices) + 8];
	size_t count = 0;

	for (size_t i = 0; i < recipe->param_count; i++)
		params[count++] = recipe->params[i];
	for (size_t i = 0; i < recipe->scheme->choice_count; i++)
		if (!is_decided(recipe, i) && pick(6) == 0)
			params[count++] = recipe->scheme->choices[i][0];
	if (count > 0 && put_portal(to, recipe, params[0]))
		params[0] = params[--count];
	for (size_t left = count; left > 0; left--) {
		size_t at = pick(left);

		put(to, left == count ? "?" : "&");
		put(to, params[at]);
		params[at] = params[left - 1];
	}
}

static void
spell(const struct recipe *recipe, struct spelling *to)
{
	char port[16];

	to->len = 0;
	put_any_case(to, recipe->scheme->prefix);
	put_any_case(to, recipe->host);
	(void)snprintf(port, sizeof(port), ":%u", recipe->port);
	if (recipe->port != recipe->scheme->port || pick(3) == 0)
		put(to, port);
	else if (pick(3) == 0)
		put(to, ":"); /* as in 2012 */
	if (recipe->scheme == &nfs)
		put_export(to, recipe->path);
	else
		put_target(to, recipe->path, recipe->lun);
	put_params(to, recipe);
}

static int
compare_names(const void *a, const void *b)
{
	const struct uri *const *left = a;
	const struct uri *const *right = b;

	return strcmp((*left)->mount_name, (*right)->mount_name);
}

enum {
	RECIPES = 5000,
	SPELLINGS = 5,
	MUTANTS = 60000
};

static void
all_spellings_of_a_connection_are_one(void **state)
{
	seed = 20121122;
	for (size_t i = 0; i < RECIPES; i++) {
		struct recipe recipe;
		struct spelling text;
		struct uri first;
		struct uri uri;

		make_recipe(&recipe);
		spell(&recipe, &text);
		parse(text.text, &first);
		assert_sound(&first);
		assert_string_equal(first.path, recipe.path);
		assert_int_equal(first.lun, recipe.lun);
		for (size_t k = 1; k < SPELLINGS; k++) {
			spell(&recipe, &text);
			parse(text.text, &uri);
			assert_string_equal(uri.canonical, first.canonical);
			assert_string_equal(uri.claim, first.claim);
			assert_string_equal(uri.mount_name, first.mount_name);
		}
	}
}

static void
different_connections_have_different_mount_names(void **state)
{
	cleanup_free struct uri *uris = calloc(RECIPES, sizeof(*uris));
	cleanup_free struct uri **sorted = calloc(RECIPES, sizeof(*sorted));

	assert_non_null(uris);
	assert_non_null(sorted);
	seed = 42;
	for (size_t i = 0; i < RECIPES; i++) {
		struct recipe recipe;
		struct spelling text;

		make_recipe(&recipe);
		spell(&recipe, &text);
		parse(text.text, &uris[i]);
		sorted[i] = &uris[i];
	}
	qsort(sorted, RECIPES, sizeof(*sorted), compare_names);
	for (size_t i = 1; i < RECIPES; i++)
		if (strcmp(sorted[i - 1]->mount_name, sorted[i]->mount_name) ==
			0)
			assert_string_equal(
				sorted[i - 1]->canonical, sorted[i]->canonical);
}

static void
mutate(struct spelling *text)
{
	static const char spice[] = "/:;@?&=%#[].-_,+ ~\n\t\\0129aAfFzZ";
	size_t at = pick(text->len);
	char byte = pick(4) ? spice[pick(sizeof(spice))] : (char)pick(256);

	switch (pick(4)) {
	case 0:
		memmove(text->text + at, text->text + at + 1,
			text->len - at - 1);
		text->len--;
		break;
	case 1:
		if (text->len + 1 == sizeof(text->text))
			break;
		memmove(text->text + at + 1, text->text + at, text->len - at);
		text->text[at] = byte;
		text->len++;
		break;
	case 2:
		text->text[at] = byte;
		break;
	case 3:
		text->len = at;
		break;
	}
}

static void
mutants_are_refused_or_sound(void **state)
{
	size_t accepted = 0;

	seed = 7;
	for (size_t i = 0; i < MUTANTS; i++) {
		struct recipe recipe;
		struct spelling text;
		struct uri uri;
		struct err err;

		make_recipe(&recipe);
		spell(&recipe, &text);
		if (pick(8) == 0) {
			text.len = 0;
			put(&text, "tmpfs://name_1?size=64m&mode=755&ro");
		}
		for (size_t k = 1 + pick(4); k > 0 && text.len > 0; k--)
			mutate(&text);
		if (parse_bytes(text.text, text.len, &uri, &err) == 0) {
			accepted++;
			assert_sound(&uri);
		} else {
			assert_int_equal(err.code, ERR_BAD_URI);
			assert_true(err.text[0] != '\0');
		}
	}
	/* Neither all nor nothing: the mutations are near the border. */
	assert_in_range(accepted, MUTANTS / 20, MUTANTS - MUTANTS / 20);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_spellings_of_a_connection_are_one),
		cmocka_unit_test(
			different_connections_have_different_mount_names),
		cmocka_unit_test(mutants_are_refused_or_sound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
