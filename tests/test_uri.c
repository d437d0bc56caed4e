/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_uri.c - one spelling for each connection.
 */
#include "tests/uri_check.h"

static void
check_canon(const struct text_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct uri uri;

		parse(cases[i].text, &uri);
		assert_string_equal(uri.canonical, cases[i].result);
		assert_sound(&uri);
	}
}

static void
canon_of_hosts_has_one_spelling(void **state)
{
	static const struct text_case cases[] = {
		{"nfs://nas1/vms", "nfs://nas1/vms"},
		{"NFS://NAS1.Example.COM/Vms", "nfs://nas1.example.com/Vms"},
		{"nfs://nas_1-a.b/x", "nfs://nas_1-a.b/x"},
		{"nfs://1nas/x", "nfs://1nas/x"},
		{"nfs://nas:2049/x", "nfs://nas/x"},
		{"nfs://nas:2050/x", "nfs://nas:2050/x"},
		{"nfs://nas:1/x", "nfs://nas:1/x"},
		{"nfs://nas:65535/", "nfs://nas:65535/"},
		{"nfs://nas:20049/x?proto=rdma", "nfs://nas/x?proto=rdma"},
		{"nfs://nas:2049/x?proto=rdma6",
			"nfs://nas:2049/x?proto=rdma6"},
		{"nfs://nas:20049/x", "nfs://nas:20049/x"},
		{"nfs://192.0.2.1/x", "nfs://192.0.2.1/x"},
		{"nfs://192.0.2.1:2049/x", "nfs://192.0.2.1/x"},
		{"nfs://[2001:DB8:0:0::1]/x", "nfs://[2001:db8::1]/x"},
		{"nfs://[2001:db8:0000::0001]:2049/x", "nfs://[2001:db8::1]/x"},
		{"nfs://[::1]:111/x", "nfs://[::1]:111/x"},
		{"nfs://[::FFFF:192.0.2.1]/x", "nfs://[::ffff:192.0.2.1]/x"},
		{"nfs://[FE80::1%25eth0]/x", "nfs://[fe80::1%25eth0]/x"},
		{"nfs://[fe80::1%25Br_0.7]:99/x",
			"nfs://[fe80::1%25Br_0.7]:99/x"},
		{"nfs://[fe80::1%2525]/x", "nfs://[fe80::1%2525]/x"},
		{"nfs://[fe80::1%25abcdefghijklmno]/",
			"nfs://[fe80::1%25abcdefghijklmno]/"},
	};

	check_canon(cases, ARRAY_SIZE(cases));
}

static void
canon_of_exports_has_one_spelling(void **state)
{
	static const struct text_case cases[] = {
		{"nfs://h/", "nfs://h/"},
		{"nfs://h///", "nfs://h/"},
		{"nfs://h/a/", "nfs://h/a"},
		{"nfs://h//a///b//", "nfs://h/a/b"},
		{"nfs://h/%61%2D%7e", "nfs://h/a-~"},
		{"nfs://h/%5F_", "nfs://h/__"},
		{"nfs://h/a%3ab", "nfs://h/a%3Ab"},
		{"nfs://h/a:b", "nfs://h/a%3Ab"},
		{"nfs://h/a@b+c=d,e;f", "nfs://h/a%40b%2Bc%3Dd%2Ce%3Bf"},
		{"nfs://h/my share", "nfs://h/my%20share"},
		{"nfs://h/100%25", "nfs://h/100%25"},
		{"nfs://h/%2525", "nfs://h/%2525"},
		{"nfs://h/a%3Fb%23c", "nfs://h/a%3Fb%23c"},
		{"nfs://h/b\xc3\xbc", "nfs://h/b%C3%BC"},
		{"nfs://h/b%c3%bc", "nfs://h/b%C3%BC"},
		{"nfs://h/...", "nfs://h/..."},
		{"nfs://h/.a/..b/c.", "nfs://h/.a/..b/c."},
		{"nfs://h/a\\b", "nfs://h/a%5Cb"},
		{"nfs://h/a?", "nfs://h/a"},
	};

	check_canon(cases, ARRAY_SIZE(cases));
}

static void
canon_takes_the_forms_of_2012(void **state)
{
	static const struct text_case cases[] = {
		{"nfs://server:export", "nfs://server/export"},
		{"nfs://server:/export", "nfs://server/export"},
		{"nfs://server:/", "nfs://server/"},
		{"nfs://server:a/b/", "nfs://server/a/b"},
		{"nfs://server://a", "nfs://server/a"},
		{"nfs://server:/a:b", "nfs://server/a%3Ab"},
		{"nfs://server:/a@b", "nfs://server/a%40b"},
		{"nfs://server:2049x/y", "nfs://server/2049x/y"},
		{"nfs://server:/2049", "nfs://server/2049"},
		{"nfs://server:export?ro", "nfs://server/export?ro"},
		{"nfs://192.0.2.1:export", "nfs://192.0.2.1/export"},
		{"nfs://[::1]:export", "nfs://[::1]/export"},
		{"nfs://[::1]:/export", "nfs://[::1]/export"},
	};

	check_canon(cases, ARRAY_SIZE(cases));
}

static void
canon_sorts_parameters_and_drops_defaults(void **state)
{
	static const struct text_case cases[] = {
		{"nfs://h/x?vers=4.2&ro", "nfs://h/x?ro&vers=4.2"},
		{"nfs://h/x?vers=4", "nfs://h/x?vers=4"},
		{"nfs://h/x?vers=4.0", "nfs://h/x?vers=4.0"},
		{"nfs://h/x?vers=%34.1", "nfs://h/x?vers=4.1"},
		{"nfs://h/x?softerr&timeo=100&retrans=3&nosharecache&rw",
			"nfs://h/x"},
		{"nfs://h/x?hard&timeo=600&retrans=0&sharecache",
			"nfs://h/x?hard&retrans=0&sharecache&timeo=600"},
		{"nfs://h/x?nolock", "nfs://h/x"},
		{"nfs://h/x?nolock&vers=3", "nfs://h/x?vers=3"},
		{"nfs://h/x?lock", "nfs://h/x?lock"},
		{"nfs://h/x?local_lock=flock&vers=3",
			"nfs://h/x?local_lock=flock&vers=3"},
		{"nfs://h/x?ac&cto&acl&rdirplus&resvport&nofsc&"
		 "notrunkdiscovery&exec&relatime&diratime&async&nosuid&nodev",
			"nfs://h/x"},
		{"nfs://h/x?acregmin=3&acregmax=60&acdirmin=30&acdirmax=60&"
		 "nconnect=1&write=lazy&lookupcache=all",
			"nfs://h/x"},
		{"nfs://h/x?lookupcache=pos", "nfs://h/x?lookupcache=positive"},
		{"nfs://h/x?noac&nocto&noacl", "nfs://h/x?noac&noacl&nocto"},
		{"nfs://h/x?rsize=65536&wsize=1048576",
			"nfs://h/x?rsize=65536&wsize=1048576"},
		{"nfs://h/x?sec=krb5p&nconnect=16",
			"nfs://h/x?nconnect=16&sec=krb5p"},
		{"nfs://h/x?vers=3&mountproto=udp&mountport=635",
			"nfs://h/x?mountport=635&mountproto=udp&vers=3"},
		{"nfs://192.0.2.1/x?proto=tcp", "nfs://192.0.2.1/x?proto=tcp"},
		{"nfs://[::1]/x?proto=tcp6", "nfs://[::1]/x?proto=tcp6"},
		{"nfs://h/x?vers=4.1&max_connect=4&trunkdiscovery",
			"nfs://h/x?max_connect=4&trunkdiscovery&vers=4.1"},
		{"nfs://h/x?noexec&noatime&nodiratime&sync",
			"nfs://h/x?noatime&nodiratime&noexec&sync"},
	};

	check_canon(cases, ARRAY_SIZE(cases));
}

static void
canon_of_tmpfs_has_one_spelling(void **state)
{
	static const struct text_case cases[] = {
		{"tmpfs://scratch", "tmpfs://scratch"},
		{"TmpFS://Scratch_1.a-b", "tmpfs://scratch_1.a-b"},
		{"tmpfs://.hidden", "tmpfs://.hidden"},
		{"tmpfs://x?size=64M", "tmpfs://x?size=64m"},
		{"tmpfs://x?size=65536k", "tmpfs://x?size=64m"},
		{"tmpfs://x?size=67108864", "tmpfs://x?size=64m"},
		{"tmpfs://x?size=1000", "tmpfs://x?size=1000"},
		{"tmpfs://x?size=1024G", "tmpfs://x?size=1024g"},
		{"tmpfs://x?size=8589934591g", "tmpfs://x?size=8589934591g"},
		{"tmpfs://x?size=25%25", "tmpfs://x?size=25%25"},
		{"tmpfs://x?size=50%25", "tmpfs://x"},
		{"tmpfs://x?mode=0755", "tmpfs://x?mode=755"},
		{"tmpfs://x?mode=0", "tmpfs://x?mode=0"},
		{"tmpfs://x?mode=1777", "tmpfs://x"},
		{"tmpfs://x?nr_inodes=1024k&ro", "tmpfs://x?nr_inodes=1m&ro"},
	};

	check_canon(cases, ARRAY_SIZE(cases));
}

static void
canon_of_iscsi_has_one_spelling(void **state)
{
	static const struct text_case cases[] = {
		{"iscsi://san1/iqn.2024-01.com.example:db",
			"iscsi://san1/iqn.2024-01.com.example:db"},
		{"ISCSI://SAN1:3260/IQN.2024-01.COM.Example:DB",
			"iscsi://san1/iqn.2024-01.com.example:db"},
		{"iscsi://h:/iqn.2024-12.x", "iscsi://h/iqn.2024-12.x"},
		{"iscsi://h:3261/iqn.2024-01.x:",
			"iscsi://h:3261/iqn.2024-01.x:"},
		{"iscsi://h:2049/iqn.2024-01.x",
			"iscsi://h:2049/iqn.2024-01.x"},
		{"iscsi://192.0.2.1/iqn.2024-01.x:a.-:b",
			"iscsi://192.0.2.1/iqn.2024-01.x:a.-:b"},
		{"iscsi://[2001:DB8::7]:3260/iqn.2024-01.x",
			"iscsi://[2001:db8::7]/iqn.2024-01.x"},
		{"iscsi://[fe80::1%25eth0]:1/iqn.2024-01.x",
			"iscsi://[fe80::1%25eth0]:1/iqn.2024-01.x"},
		{"iscsi://h/iqn.2024%2D01.x%3a%41",
			"iscsi://h/iqn.2024-01.x:a"},
		{"iscsi://h/eui.02004567A425678D",
			"iscsi://h/eui.02004567a425678d"},
		{"iscsi://h/naa.52004567BA64678D",
			"iscsi://h/naa.52004567ba64678d"},
		{"iscsi://h/NAA.62004567BA64678D0123456789ABCDEF",
			"iscsi://h/naa.62004567ba64678d0123456789abcdef"},
		{"iscsi://h/iqn.2024-01.x?", "iscsi://h/iqn.2024-01.x"},
		{"iscsi://h/iqn.2024-01.x?tpgt=1&iface=default",
			"iscsi://h/iqn.2024-01.x"},
		{"iscsi://h/iqn.2024-01.x?tpgt=2&iface=Br-0_a.1",
			"iscsi://h/iqn.2024-01.x?iface=Br-0_a.1&tpgt=2"},
		{"iscsi://h/iqn.2024-01.x?tpgt=0",
			"iscsi://h/iqn.2024-01.x?tpgt=0"},
		{"iscsi://h/iqn.2024-01.x?tpgt=65535",
			"iscsi://h/iqn.2024-01.x?tpgt=65535"},
		{"iscsi://h/iqn.2024-01.x?iface=iser.00:1A",
			"iscsi://h/iqn.2024-01.x?iface=iser.00%3A1A"},
	};

	check_canon(cases, ARRAY_SIZE(cases));
}

static void
canon_takes_the_portal_of_2012(void **state)
{
	static const struct text_case cases[] = {
		{"iscsi://host/iqn.2024-01.x;portal=1",
			"iscsi://host/iqn.2024-01.x"},
		{"iscsi://host:99/iqn.2024-01.x:a;portal=2",
			"iscsi://host:99/iqn.2024-01.x:a?tpgt=2"},
		{"iscsi://host/iqn.2024-01.x;portal=%32",
			"iscsi://host/iqn.2024-01.x?tpgt=2"},
		{"iscsi://host/iqn.2024-01.x;portal=2?iface=a",
			"iscsi://host/iqn.2024-01.x?iface=a&tpgt=2"},
	};

	check_canon(cases, ARRAY_SIZE(cases));
}

static void
claim_is_the_canonical_text_with_the_lun(void **state)
{
	static const struct {
		const char *text;
		const char *claim;
		int32_t lun;
	} cases[] = {
		{"iscsi://H:3260/IQN.2024-01.x:a/0",
			"iscsi://h/iqn.2024-01.x:a/0", 0},
		{"iscsi://h/iqn.2024-01.x:a/16383",
			"iscsi://h/iqn.2024-01.x:a/16383", 16383},
		{"iscsi://h/iqn.2024-01.x:a/7?tpgt=1",
			"iscsi://h/iqn.2024-01.x:a/7", 7},
		{"iscsi://h:99/eui.02004567A425678D/10?tpgt=2&iface=b",
			"iscsi://h:99/eui.02004567a425678d/10?iface=b&tpgt=2",
			10},
		{"iscsi://h/iqn.2024-01.x:a;portal=2",
			"iscsi://h/iqn.2024-01.x:a?tpgt=2", -1},
		{"nfs://H/1", "nfs://h/1", -1},
		{"tmpfs://X", "tmpfs://x", -1},
	};
	struct uri uri;
	struct uri other;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		parse(cases[i].text, &uri);
		assert_string_equal(uri.claim, cases[i].claim);
		assert_int_equal(uri.lun, cases[i].lun);
		assert_sound(&uri);
	}
	/* One session for all LUNs of a target. */
	parse("iscsi://h/iqn.2024-01.x/1", &uri);
	parse("iscsi://h/iqn.2024-01.x/2", &other);
	assert_string_equal(uri.canonical, "iscsi://h/iqn.2024-01.x");
	assert_string_equal(uri.canonical, other.canonical);
	assert_string_equal(uri.mount_name, other.mount_name);
}

static void
parse_enforces_its_limits(void **state)
{
	char text[2 * URI_MAX];
	struct uri uri;

	memset(text, 'a', sizeof(text));
	memcpy(text, "nfs://h/", 8);
	assert_refused(text, URI_MAX, "longer than the 2047 bytes");
	assert_refused(text, URI_MAX - 1, "an export of more than 1023 bytes");
	text[7 + URI_PATH_MAX - 1] = '\0';
	parse(text, &uri);
	assert_int_equal(strlen(uri.path), URI_PATH_MAX - 1);
	assert_sound(&uri);
	text[7 + URI_PATH_MAX - 1] = 'a';
	assert_refused(text, 7 + URI_PATH_MAX, "an export of more");
	memset(text + 8, ' ', 1000);
	assert_refused(text, 1000, "are escaped");
	memset(text, 'a', sizeof(text));
	memcpy(text, "nfs://", 6);
	text[6 + 63] = '/';
	text[6 + 64] = '\0';
	parse(text, &uri);
	assert_sound(&uri);
	memcpy(text + 6 + 63, "a/", 3);
	assert_refused(text, strlen(text), "labels of 1 to 63");
	for (size_t at = 6; at < 6 + 253; at++)
		text[at] = (at - 6) % 2 ? '.' : 'a';
	memcpy(text + 6 + 253, "/", 2);
	parse(text, &uri);
	assert_int_equal(strlen(uri.host), 253);
	assert_sound(&uri);
	memcpy(text + 6 + 253, ".a/", 4);
	assert_refused(text, strlen(text), "more than 253 bytes");
}

static void
parse_enforces_the_limits_of_iscsi(void **state)
{
	static const char prefix[] = "iscsi://h/iqn.2024-01.";
	char text[URI_MAX];
	size_t end = strlen("iscsi://h/") + 223;
	struct uri uri;

	memset(text, 'a', sizeof(text));
	memcpy(text, prefix, strlen(prefix));
	text[end] = '\0';
	parse(text, &uri);
	assert_int_equal(strlen(uri.path), 223);
	assert_sound(&uri);
	/* It is the name that counts, not how it is written. */
	(void)snprintf(text + end - 1, 8, "%%61");
	parse(text, &uri);
	assert_int_equal(strlen(uri.path), 223);
	(void)snprintf(text + end - 1, 8, "aa");
	assert_refused(text, strlen(text), "at most 223 bytes");
	(void)snprintf(text + strlen(prefix), sizeof(text) - strlen(prefix),
		"x?iface=%063d", 7);
	parse(text, &uri);
	assert_int_equal(strlen(uri_param(&uri, "iface")), 63);
	assert_sound(&uri);
	(void)snprintf(text + strlen(prefix), sizeof(text) - strlen(prefix),
		"x?iface=%064d", 7);
	assert_refused(text, strlen(text), "too long");
}

static void
parse_counts_parameters(void **state)
{
	static const char text[] =
		"nfs://h/x?vers=3&softerr&timeo=100&retrans=3&"
		"nosharecache&nolock&ac&acregmin=3&acregmax=60&acdirmin=30&"
		"acdirmax=60&cto&lookupcache=all&rdirplus&nofsc&acl&write=lazy&"
		"sec=sys&proto=tcp&nconnect=1&resvport&rsize=1024&wsize=1024&"
		"mountport=1&mountproto=tcp&rw&exec&relatime&diratime&async&"
		"nosuid&nodev";
	char more[sizeof(text) + 8];
	struct uri uri;

	parse(text, &uri);
	assert_int_equal(uri.param_count, 7);
	(void)snprintf(more, sizeof(more), "%s&hard", text);
	assert_refused(more, strlen(more), "more than 32 parameters");
}

static void
parse_fills_in_what_the_connection_is(void **state)
{
	struct uri uri;

	parse("nfs://[FE80::1%25eth0]:99/a%20b?ro&vers=4.1", &uri);
	assert_int_equal(uri.scheme, URI_NFS);
	assert_string_equal(uri.host, "fe80::1%eth0");
	assert_true(uri.host_is_ipv6);
	assert_false(uri.host_is_ipv4);
	assert_int_equal(uri.port, 99);
	assert_string_equal(uri.path, "/a b");
	assert_string_equal(uri_param(&uri, "vers"), "4.1");
	assert_string_equal(uri_param(&uri, "ro"), "");
	assert_null(uri_param(&uri, "timeo"));
	parse("nfs://192.0.2.1/", &uri);
	assert_true(uri.host_is_ipv4);
	assert_int_equal(uri.port, 2049);
	parse("tmpfs://X", &uri);
	assert_int_equal(uri.scheme, URI_TMPFS);
	assert_string_equal(uri.host, "x");
	assert_string_equal(uri.path, "");
	assert_int_equal(uri.port, 0);
	parse("iscsi://[FE80::1%25eth0]/IQN.2024-01.x:a/3?tpgt=5", &uri);
	assert_int_equal(uri.scheme, URI_ISCSI);
	assert_string_equal(uri.host, "fe80::1%eth0");
	assert_true(uri.host_is_ipv6);
	assert_int_equal(uri.port, 3260);
	assert_string_equal(uri.path, "iqn.2024-01.x:a");
	assert_int_equal(uri.lun, 3);
	assert_string_equal(uri_param(&uri, "tpgt"), "5");
	assert_string_equal(uri_scheme_name(URI_NFS), "nfs");
	assert_string_equal(uri_scheme_name(URI_TMPFS), "tmpfs");
	assert_string_equal(uri_scheme_name(URI_ISCSI), "iscsi");
}

static void
param_or_default_knows_what_was_dropped(void **state)
{
	struct uri uri;

	parse("iscsi://h/iqn.2024-01.x?tpgt=1", &uri);
	assert_null(uri_param(&uri, "tpgt"));
	assert_string_equal(uri_param_or_default(&uri, "tpgt"), "1");
	assert_string_equal(uri_param_or_default(&uri, "iface"), "default");
	assert_null(uri_param_or_default(&uri, "lun"));
	assert_null(uri_param_or_default(&uri, "ro"));
	parse("iscsi://h/iqn.2024-01.x?tpgt=0&iface=a", &uri);
	assert_string_equal(uri_param_or_default(&uri, "tpgt"), "0");
	assert_string_equal(uri_param_or_default(&uri, "iface"), "a");
	parse("nfs://h/x?ro", &uri);
	assert_string_equal(uri_param_or_default(&uri, "timeo"), "100");
	assert_string_equal(uri_param_or_default(&uri, "ro"), "");
	assert_null(uri_param_or_default(&uri, "softerr"));
	assert_null(uri_param_or_default(&uri, "vers"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(canon_of_hosts_has_one_spelling),
		cmocka_unit_test(canon_of_exports_has_one_spelling),
		cmocka_unit_test(canon_takes_the_forms_of_2012),
		cmocka_unit_test(canon_sorts_parameters_and_drops_defaults),
		cmocka_unit_test(canon_of_tmpfs_has_one_spelling),
		cmocka_unit_test(canon_of_iscsi_has_one_spelling),
		cmocka_unit_test(canon_takes_the_portal_of_2012),
		cmocka_unit_test(claim_is_the_canonical_text_with_the_lun),
		cmocka_unit_test(parse_enforces_its_limits),
		cmocka_unit_test(parse_enforces_the_limits_of_iscsi),
		cmocka_unit_test(parse_counts_parameters),
		cmocka_unit_test(parse_fills_in_what_the_connection_is),
		cmocka_unit_test(param_or_default_knows_what_was_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
