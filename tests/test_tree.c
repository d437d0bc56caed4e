/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_tree.c - patterns and files of a tree.
 */
#include "tests/fake_tree.h"
#include "worker/tree.h"

static char seen[1024];

static void
see(int dirfd, const char *path, void *data)
{
	assert_ptr_equal(data, seen);
	(void)strcat(strcat(seen, path), "\n");
}

static void
assert_match(const char *pattern, const char *paths)
{
	int fd = fake_open(".");

	seen[0] = '\0';
	tree_match(fd, pattern, see, seen);
	(void)close(fd);
	assert_string_equal(seen, paths);
	assert_string_equal(fake.missed, "");
}

static void
a_star_stands_for_what_begins_so(void **state)
{
	fake_file("", "block/loop1/loop/backing_file");
	fake_file("", "block/loop1/loop/backing_files");
	fake_file("", "block/zram1/loop/backing_file");
	fake_file("", "block/lo/loop/backing_file");
	fake_file("", "block/.loop/loop/backing_file");
	assert_match("block/loop*/loop/backing_file",
		"block/loop1/loop/backing_file\n");
	assert_match("block/z*", "block/zram1\n");
	assert_match("block/z*/*/*", "block/zram1/loop/backing_file\n");
}

static void
what_has_no_star_is_taken_there_or_not(void **state)
{
	fake_directory("block/loop1");
	assert_match("block/loop*/loop/x", "block/loop1/loop/x\n");
	assert_match("not/there", "not/there\n");
	assert_match("not/there/*", "");
	assert_match("*/loop1/*", "");
}

static void
a_directory_that_cannot_be_read_is_missed(void **state)
{
	int fd;

	fake_link("loop", "loop");
	fd = fake_open(".");
	tree_match(fd, "loop/*", see, seen);
	(void)close(fd);
	assert_string_equal(fake.missed, "loop/\n");
}

static void
a_path_that_is_too_long_is_missed(void **state)
{
	char pattern[TREE_PATH_MAX + 8];
	int fd = fake_open(".");

	memset(pattern, 'x', sizeof(pattern));
	pattern[sizeof(pattern) - 1] = '\0';
	tree_match(fd, pattern, see, seen);
	(void)close(fd);
	assert_string_not_equal(fake.missed, "");
}

static void
a_text_loses_its_last_newline_and_is_cut(void **state)
{
	char text[8];
	int fd = fake_open(".");

	fake_file("a\n\n", "short");
	fake_file("0123456789\n", "long");
	fake_link("bad", "bad");
	assert_true(tree_read(fd, "short", text, sizeof(text)));
	assert_string_equal(text, "a\n");
	assert_true(tree_read(fd, "long", text, sizeof(text)));
	assert_string_equal(text, "0123456");
	assert_false(tree_read(fd, "none", text, sizeof(text)));
	assert_string_equal(fake.missed, "");
	assert_false(tree_read(fd, "bad", text, sizeof(text)));
	assert_string_equal(fake.missed, "bad\n");
	(void)close(fd);
}

static void
a_number_that_is_none_is_missed(void **state)
{
	uint32_t major, minor;
	int fd = fake_open(".");

	fake_file("8:16\n", "dev");
	fake_file("8-16\n", "odd");
	assert_true(tree_read_number(fd, "dev", &major, &minor));
	assert_int_equal(minor, 16);
	assert_false(tree_read_number(fd, "odd", &major, &minor));
	assert_string_equal(fake.missed, "odd\n");
	(void)close(fd);
}

static void
components_are_counted_from_0(void **state)
{
	char name[4];

	assert_true(tree_component("a/bcd", 0, name, sizeof(name)));
	assert_string_equal(name, "a");
	assert_true(tree_component("a/bcd", 1, name, sizeof(name)));
	assert_string_equal(name, "bcd");
	assert_false(tree_component("a/bcd", 2, name, sizeof(name)));
	assert_false(tree_component("a/bcde", 1, name, sizeof(name)));
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, fake_set_up, fake_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_star_stands_for_what_begins_so),
		TEST(what_has_no_star_is_taken_there_or_not),
		TEST(a_directory_that_cannot_be_read_is_missed),
		TEST(a_path_that_is_too_long_is_missed),
		TEST(a_text_loses_its_last_newline_and_is_cut),
		TEST(a_number_that_is_none_is_missed),
		TEST(components_are_counted_from_0),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
