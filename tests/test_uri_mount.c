/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_uri_mount.c - what a URI means to mount(2), and mount names.
 */
#include "tests/uri_check.h"

static void
mount_source_is_host_and_export(void **state)
{
	static const struct text_case cases[] = {
		{"nfs://NAS:99/a%20b?ro", "nas:/a b"},
		{"nfs://nas/", "nas:/"},
		{"nfs://[::1]/a", "[::1]:/a"},
		{"nfs://[fe80::1%25eth0]/a", "[fe80::1%eth0]:/a"},
		{"tmpfs://x", "x"},
		{"iscsi://SAN/iqn.2024-01.x:a/3?tpgt=2", "san/iqn.2024-01.x:a"},
		{"iscsi://san:3261/iqn.2024-01.x", "san:3261/iqn.2024-01.x"},
		{"iscsi://[::1]/iqn.2024-01.x", "[::1]/iqn.2024-01.x"},
		{"iscsi://[fe80::1%25e0]:1/iqn.2024-01.x",
			"[fe80::1%e0]:1/iqn.2024-01.x"},
	};
	char source[URI_SOURCE_MAX];
	struct uri uri;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		parse(cases[i].text, &uri);
		assert_int_equal(
			uri_mount_source(&uri, source, sizeof(source)), 0);
		assert_string_equal(source, cases[i].result);
	}
	parse("nfs://nas/", &uri);
	assert_int_equal(uri_mount_source(&uri, source, 5), -ENOSPC);
	assert_int_equal(uri_mount_source(&uri, source, 6), 0);
}

static void
mount_options_are_defaults_and_parameters(void **state)
{
	static const struct {
		const char *text;
		int major;
		const char *options;
	} cases[] = {
		{"nfs://h/x", 4,
			"softerr,timeo=100,retrans=3,nosharecache,port=2049"},
		{"nfs://h/x", 3,
			"softerr,timeo=100,retrans=3,nosharecache,nolock,"
			"port=2049"},
		{"nfs://h:99/x?hard&timeo=600", 4,
			"hard,timeo=600,retrans=3,nosharecache,port=99"},
		{"nfs://h/x?soft&retrans=5&sharecache", 4,
			"soft,timeo=100,retrans=5,sharecache,port=2049"},
		{"nfs://h/x?lock", 3,
			"softerr,timeo=100,retrans=3,nosharecache,lock,"
			"port=2049"},
		{"nfs://h/x?lock", 4,
			"softerr,timeo=100,retrans=3,nosharecache,port=2049"},
		{"nfs://h/x?local_lock=flock", 3,
			"softerr,timeo=100,retrans=3,nosharecache,"
			"local_lock=flock,port=2049"},
		{"nfs://h/x?vers=4.2&ro&noexec&sec=krb5", 4,
			"softerr,timeo=100,retrans=3,nosharecache,sec=krb5,"
			"port=2049"},
		{"nfs://h/x?max_connect=2&trunkdiscovery&mountport=635", 3,
			"softerr,timeo=100,retrans=3,nosharecache,nolock,"
			"mountport=635,port=2049"},
		{"nfs://h/x?max_connect=2&trunkdiscovery&mountport=635", 4,
			"softerr,timeo=100,retrans=3,nosharecache,"
			"max_connect=2,trunkdiscovery,port=2049"},
		{"nfs://h/x?proto=rdma&noac&nocto", 4,
			"softerr,timeo=100,retrans=3,nosharecache,noac,nocto,"
			"proto=rdma,port=20049"},
		{"tmpfs://x", 0, ""},
		{"tmpfs://x?size=25%25&mode=0700&nr_inodes=2k&ro", 0,
			"mode=700,nr_inodes=2k,size=25%"},
	};
	char options[URI_OPTIONS_MAX];
	struct uri uri;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		parse(cases[i].text, &uri);
		assert_int_equal(uri_mount_options(&uri, cases[i].major,
					 options, sizeof(options)),
			0);
		assert_string_equal(options, cases[i].options);
	}
}

static void
mount_options_refuse_a_wrong_version_or_small_buffer(void **state)
{
	char options[URI_OPTIONS_MAX] = "untouched";
	struct uri uri;

	parse("nfs://h/x?vers=4.2", &uri);
	assert_int_equal(
		uri_mount_options(&uri, 3, options, sizeof(options)), -EINVAL);
	assert_int_equal(
		uri_mount_options(&uri, 5, options, sizeof(options)), -EINVAL);
	assert_int_equal(uri_mount_options(&uri, 4, options, 50), -ENOSPC);
	assert_int_equal(uri_mount_options(&uri, 4, options, 0), -ENOSPC);
	assert_string_equal(options, "untouched");
	assert_int_equal(uri_mount_options(&uri, 4, options, 51), 0);
	assert_int_equal(strlen(options), 50);
}

static void
mount_flags_are_nosuid_and_nodev_and_what_is_asked(void **state)
{
	static const struct {
		const char *text;
		unsigned long flags;
	} cases[] = {
		{"nfs://h/x", 0},
		{"nfs://h/x?rw&exec&relatime&nosuid&nodev", 0},
		{"nfs://h/x?ro", MS_RDONLY},
		{"nfs://h/x?noexec&noatime", MS_NOEXEC | MS_NOATIME},
		{"nfs://h/x?nodiratime&sync", MS_NODIRATIME | MS_SYNCHRONOUS},
		{"tmpfs://x?strictatime&ro", MS_STRICTATIME | MS_RDONLY},
	};
	struct uri uri;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		parse(cases[i].text, &uri);
		assert_int_equal(uri_mount_flags(&uri),
			MS_NOSUID | MS_NODEV | cases[i].flags);
	}
}

static void
mount_has_nothing_to_say_of_iscsi(void **state)
{
	char options[URI_OPTIONS_MAX] = "untouched";
	struct uri uri;

	parse("iscsi://h/iqn.2024-01.x?tpgt=2", &uri);
	for (int major = 0; major <= 4; major++)
		assert_int_equal(uri_mount_options(
					 &uri, major, options, sizeof(options)),
			-EINVAL);
	assert_string_equal(options, "untouched");
	assert_int_equal(uri_mount_flags(&uri), 0);
}

static void
mount_name_reads_like_the_uri(void **state)
{
	static const struct text_case cases[] = {
		{"nfs://NAS1/vms", "nas1:_vms"},
		{"nfs://nas1/", "nas1:_"},
		{"nfs://nas1:2050/a/b_c", "nas1:2050:_a_b__c"},
		{"nfs://n_s/a b@c", "n__s:_a%20b%40c"},
		{"nfs://[::1]/a", "[::1]:_a"},
		{"nfs://[fe80::1%25e_0]:99/a", "[fe80::1%25e__0]:99:_a"},
		{"nfs://nas1/vms?softerr", "nas1:_vms"},
		{"nfs://tmpfs/x", "tmpfs:_x"},
		{"tmpfs://A_b", "tmpfs:a__b"},
		{"iscsi://SAN_1/iqn.2024-01.x:a:b/3",
			"san__1:iqn.2024-01.x:a:b"},
		{"iscsi://san:3261/eui.02004567a425678d",
			"san:3261:eui.02004567a425678d"},
		{"iscsi://[fe80::1%25e_0]:99/iqn.2024-01.x",
			"[fe80::1%25e__0]:99:iqn.2024-01.x"},
	};
	struct uri uri;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		parse(cases[i].text, &uri);
		assert_string_equal(uri.mount_name, cases[i].result);
	}
}

/* Stable: these stand in the paths of running hosts. */
static void
mount_name_hash_never_changes(void **state)
{
	struct uri uri;

	parse("nfs://nas1/vms?ro", &uri);
	assert_string_equal(uri.mount_name, "nas1:_vms-845eedfd");
	parse("tmpfs://x?size=64m", &uri);
	assert_string_equal(uri.mount_name, "tmpfs:x-6248b40e");
	parse("iscsi://h/iqn.2024-01.x?tpgt=2", &uri);
	assert_string_equal(uri.mount_name, "h:iqn.2024-01.x-5a6442e9");
}

static void
mount_names_that_could_be_mistaken_carry_a_hash(void **state)
{
	static const char *const pairs[][2] = {
		{"nfs://h/a_/b", "nfs://h/a/_b"},
		{"nfs://h/a___b", "nfs://h/a_/_b"},
		{"nfs://h/vms?ro", "nfs://h/vms?noexec"},
		{"nfs://h/vms?ro", "nfs://h/vms"},
		{"nfs://tmpfs/_x", "tmpfs://_x"},
		{"nfs://tmpfs/x", "tmpfs://x"},
		{"nfs://h:99/x", "nfs://h/99/x"},
		{"nfs://h:99/x", "nfs://h/99:/x"},
		{"nfs://h/a", "nfs://h/A"},
		{"nfs://h/a%2525", "nfs://h/a%25"},
		{"iscsi://tmpfs/iqn.2024-01.x", "tmpfs://iqn.2024-01.x"},
		{"iscsi://h/iqn.2024-01.x?tpgt=2", "iscsi://h/iqn.2024-01.x"},
		{"iscsi://h/iqn.2024-01.x", "nfs://h/iqn.2024-01.x"},
		{"iscsi://h:99/iqn.2024-01.x", "nfs://h:99/iqn.2024-01.x"},
	};
	char copy[URI_NAME_MAX + 32];
	struct uri one;
	struct uri other;

	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
		parse(pairs[i][0], &one);
		parse(pairs[i][1], &other);
		assert_string_not_equal(one.mount_name, other.mount_name);
	}
	/* An export named like the hashed name of another URI. */
	parse("nfs://h/vms?ro", &one);
	(void)snprintf(copy, sizeof(copy), "nfs://h/%s",
		one.mount_name + strlen("h:_"));
	parse(copy, &other);
	assert_string_not_equal(one.mount_name, other.mount_name);
	assert_int_equal(strlen(other.mount_name), strlen(one.mount_name) + 9);
	parse("iscsi://h/iqn.2024-01.x?tpgt=2", &one);
	(void)snprintf(copy, sizeof(copy), "iscsi://h/%s",
		one.mount_name + strlen("h:"));
	parse(copy, &other);
	assert_string_not_equal(one.mount_name, other.mount_name);
}

static void
mount_name_of_a_long_uri_is_cut_and_hashed(void **state)
{
	char text[8 + 300 + 1];
	struct uri uri;
	struct uri other;

	memset(text, 'a', sizeof(text));
	memcpy(text, "nfs://h/", 8);
	text[8 + 197] = '\0';
	parse(text, &uri);
	assert_int_equal(strlen(uri.mount_name), URI_NAME_MAX);
	assert_int_equal(uri.mount_name[URI_NAME_MAX - 1], 'a');
	assert_null(strchr(uri.mount_name, '-'));
	memcpy(text + 8 + 197, "a", 2);
	parse(text, &uri);
	assert_int_equal(strlen(uri.mount_name), URI_NAME_MAX);
	assert_int_equal(uri.mount_name[URI_NAME_MAX - 17], '-');
	text[8 + 197] = 'b';
	parse(text, &other);
	assert_string_not_equal(uri.mount_name, other.mount_name);
	(void)snprintf(text + 8 + 190, 10, "?ro");
	parse(text, &uri);
	assert_int_equal(strlen(uri.mount_name), URI_NAME_MAX);
	assert_int_equal(uri.mount_name[URI_NAME_MAX - 17], '-');
}

static void
mount_name_is_one_harmless_component(void **state)
{
	static const char *const bad[] = {"", ".", "..", ".a", "-a", "a/b", "/",
		"a b", "a\nb", "a\\b", "a*", "\xc3\xbc", "a@b", "a,b"};
	char name[URI_NAME_MAX + 1];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(mount_name_is_valid(bad[i], strlen(bad[i])));
	assert_false(mount_name_is_valid("a\0b", 3));
	memset(name, 'a', sizeof(name));
	assert_true(mount_name_is_valid(name, URI_NAME_MAX));
	assert_false(mount_name_is_valid(name, URI_NAME_MAX + 1));
	assert_true(mount_name_is_valid("[fe80::1%25e__0]:99:_a..~b-c", 28));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mount_source_is_host_and_export),
		cmocka_unit_test(mount_options_are_defaults_and_parameters),
		cmocka_unit_test(
			mount_options_refuse_a_wrong_version_or_small_buffer),
		cmocka_unit_test(
			mount_flags_are_nosuid_and_nodev_and_what_is_asked),
		cmocka_unit_test(mount_has_nothing_to_say_of_iscsi),
		cmocka_unit_test(mount_name_reads_like_the_uri),
		cmocka_unit_test(mount_name_hash_never_changes),
		cmocka_unit_test(
			mount_names_that_could_be_mistaken_carry_a_hash),
		cmocka_unit_test(mount_name_of_a_long_uri_is_cut_and_hashed),
		cmocka_unit_test(mount_name_is_one_harmless_component),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
