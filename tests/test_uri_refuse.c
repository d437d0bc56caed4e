/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test_uri_refuse.c - each refusal of a URI, and what its text says.
 */
#include "tests/uri_check.h"

static void
check_refusals(const struct text_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++)
		assert_refused(
			cases[i].text, strlen(cases[i].text), cases[i].result);
}

static void
parse_refuses_what_has_no_known_scheme(void **state)
{
	static const struct text_case cases[] = {
		{"", "no scheme: write nfs://HOST/EXPORT or tmpfs://NAME or "
		     "iscsi://HOST/IQN"},
		{"nfs", "no scheme"},
		{"nfs:", "no scheme"},
		{"nfs:/h/x", "no scheme"},
		{"://h/x", "no scheme"},
		{"h:/x", "no scheme"},
		{"u:secret@nfs://h/x", "no scheme"},
		{"u@p://h/x", "no scheme"},
		{"smb://h/x", "unknown scheme \"smb\": write nfs://HOST"},
		{"iscsi:h/iqn.2024-01.com.ex:a", "no scheme"},
		{"nfss://h/x", "unknown scheme"},
	};

	check_refusals(cases, ARRAY_SIZE(cases));
}

static void
parse_refuses_bad_hosts(void **state)
{
	static const struct text_case cases[] = {
		{"nfs://", "no host"},
		{"nfs:///x", "no host"},
		{"nfs://:2049/x", "no host"},
		{"nfs://-a/x", "is no host name"},
		{"nfs://a-/x", "is no host name"},
		{"nfs://a..b/x", "is no host name"},
		{"nfs://a./x", "is no host name"},
		{"nfs://.a/x", "is no host name"},
		{"nfs://a b/x", "is no host name"},
		{"nfs://a%62/x", "is no host name"},
		{"nfs://b\xc3\xbc/x", "xn--"},
		{"nfs://1.2.3/x", "is no IPv4 address"},
		{"nfs://010.0.0.1/x", "without leading zeros"},
		{"nfs://256.1.1.1/x", "from 0 to 255"},
		{"nfs://1.2.3.4.5/x", "is no IPv4 address"},
		{"nfs://127/x", "is no IPv4 address"},
		{"nfs://0x7f000001/x", "is no IPv4 address"},
		{"nfs://127.0.0.0x1/x", "is no IPv4 address"},
		{"nfs://0.0.0.0/x", "address of no server"},
		{"nfs://[::0]/x", "address of no server"},
		{"nfs://nas.7/x", "ends in a number"},
		{"nfs://[]/x", "holds no IPv6 address"},
		{"nfs://[1.2.3.4]/x", "holds no IPv6 address"},
		{"nfs://[::1::]/x", "holds no IPv6 address"},
		{"nfs://[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]/",
			"holds no IPv6 address"},
		{"nfs://[abc/x", "\"[\" without \"]\""},
		{"nfs://[::1]x/y", "behind \"]\""},
		{"nfs://[::1][::2]/y", "behind \"]\""},
		{"nfs://::1/x", "IPv6 address in brackets"},
		{"nfs://fe80::1/x", "IPv6 address in brackets"},
		{"nfs://h:2049:/x", "more than one \":\""},
		{"nfs://[::1]:1:2/x", "more than one \":\""},
		{"nfs://[fe80::1]/x", "needs its interface"},
		{"nfs://[fe80::1%eth0]/x", "as %25"},
		{"nfs://[fe80::1%25]/x", "name of an interface"},
		{"nfs://[fe80::1%25a%20b]/x", "name of an interface"},
		{"nfs://[fe80::1%25abcdefghijklmnop]/x", "1 to 15"},
		{"nfs://[2001:db8::1%25eth0]/x", "only a link-local"},
	};

	check_refusals(cases, ARRAY_SIZE(cases));
}

static void
parse_refuses_bad_ports(void **state)
{
	static const struct text_case cases[] = {
		{"nfs://h:0/x", "is no port"},
		{"nfs://h:65536/x", "from 1 to 65535"},
		{"nfs://h:02049/x", "without leading zeros"},
		{"nfs://h:99999999999999999999/x", "is no port"},
	};

	check_refusals(cases, ARRAY_SIZE(cases));
}

static void
parse_refuses_bad_exports(void **state)
{
	static const struct text_case cases[] = {
		{"nfs://h", "no export: write nfs://HOST/EXPORT"},
		{"nfs://h:", "no export"},
		{"nfs://h:2049", "no export"},
		{"nfs://h?ro", "no export"},
		{"nfs://h/.", "\".\" in the export"},
		{"nfs://h/a/../b", "\"..\" in the export"},
		{"nfs://h/a/%2e%2E", "\"..\" in the export"},
		{"nfs://h/a/.%2e/b", "\"..\" in the export"},
		{"nfs://h:..", "\"..\" in the export"},
		{"nfs://h/a%2Fb", "an escaped \"/\""},
		{"nfs://h/a%2fb", "an escaped \"/\""},
		{"nfs://h/a%", "as %25"},
		{"nfs://h/a%4", "as %25"},
		{"nfs://h/a%zz", "as %25"},
		{"nfs://h/a%00b", "control character"},
		{"nfs://h/a%0ab", "control character"},
		{"nfs://h/a\nb", "control character"},
		{"nfs://h/a%7F", "control character"},
		{"nfs://h/a%C2%85", "control character"},
		{"nfs://h/a\xff", "not valid UTF-8"},
		{"nfs://h/a%FF", "not valid UTF-8"},
		{"nfs://h/a%C3", "not valid UTF-8"},
		{"nfs://h/a\xc3%BC", "not valid UTF-8"},
		{"nfs://h/a%C0%AF", "not valid UTF-8"},
		{"nfs://h/a#b", "no fragment"},
	};

	check_refusals(cases, ARRAY_SIZE(cases));
	assert_refused("nfs://h/a\0b", 11, "control character");
}

static void
parse_refuses_credentials_without_repeating_them(void **state)
{
	static const char *const texts[] = {
		"nfs://user@h/x",
		"nfs://user:secret@h/x",
		"nfs://user:sec/secret@h/x",
		"nfs://user:pass?secret@h/x",
		"tmpfs://user:secret@x",
		"tmpfs://user:pass?secret@x",
		"tmpfs://secret/secret?secret@x",
		"iscsi://user@h/iqn.2024-01.x",
		"iscsi://user:secret@h/iqn.2024-01.x",
		"iscsi://user%secret@h/iqn.2024-01.x/0",
		"iscsi://user%secret/secret@h/iqn.2024-01.x/0",
		"iscsi://user%secret?secret@h/iqn.2024-01.x/0",
		"iscsi://h/iqn.2024-01.x/secret@x",
		"nfs://@h/x",
		"nfs://user:12/secret@h?x=secret",
	};
	static const char *const params[] = {
		"iscsi://h/iqn.2024-01.x?user=secret",
		"iscsi://h/iqn.2024-01.x?username=secret",
		"iscsi://h/iqn.2024-01.x?password=secret",
		"iscsi://h/iqn.2024-01.x?chap=secret",
		"iscsi://h/iqn.2024-01.x?auth=secret",
		"iscsi://h/iqn.2024-01.x?target_password=secret",
		"iscsi://h/iqn.2024-01.x;password=secret",
		"iscsi://h/iqn.2024-01.x;portal=1;password=secret",
	};
	struct uri uri;
	struct err err;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		if (parse_bytes(texts[i], strlen(texts[i]), &uri, &err) == 0)
			fail_msg("%s: accepted", texts[i]);
		assert_null(strstr(err.text, "secret"));
	}
	for (size_t i = 0; i < ARRAY_SIZE(texts) - 1; i++)
		assert_refused(texts[i], strlen(texts[i]), "credentials");
	assert_refused("nfs://h/x?password=secret", 25, "leave them out");
	for (size_t i = 0; i < ARRAY_SIZE(params); i++) {
		assert_refused(params[i], strlen(params[i]), "");
		(void)parse_bytes(
			params[i], strlen(params[i]), &uri, &err); /* fails */
		assert_null(strstr(err.text, "secret"));
	}
	(void)parse_bytes("nfs://h/x?pw=secret", 19, &uri, &err); /* fails */
	assert_null(strstr(err.text, "secret"));
}

static void
parse_refuses_bad_parameters(void **state)
{
	static const struct text_case cases[] = {
		{"nfs://h/x?foo=1", "no parameter \"foo\": leave it out"},
		{"nfs://h/x?size=1m", "no parameter \"size\""},
		{"nfs://h/x?RO", "no parameter \"RO\""},
		{"nfs://h/x?%72o", "no parameter"},
		{"nfs://h/x?ro&", "empty parameter"},
		{"nfs://h/x?&ro", "empty parameter"},
		{"nfs://h/x?=1", "empty parameter"},
		{"nfs://h/x?ro&ro", "\"ro\" is given twice"},
		{"nfs://h/x?timeo=5&timeo=6", "\"timeo\" is given twice"},
		{"nfs://h/x?ro=1", "\"ro\" takes no value"},
		{"nfs://h/x?ro=", "\"ro\" takes no value"},
		{"nfs://h/x?timeo", "\"timeo\" needs a value"},
		{"nfs://h/x?timeo=", "\"timeo\" needs a value"},
		{"nfs://h/x?timeo=0", "from 1 to 6000"},
		{"nfs://h/x?timeo=6001", "from 1 to 6000"},
		{"nfs://h/x?timeo=0100", "without leading zeros"},
		{"nfs://h/x?timeo=-1", "from 1 to 6000"},
		{"nfs://h/x?timeo=1s", "from 1 to 6000"},
		{"nfs://h/x?timeo=99999999999999999999", "from 1 to 6000"},
		{"nfs://h/x?retrans=101", "from 0 to 100"},
		{"nfs://h/x?acregmin=2147484", "from 0 to 2147483"},
		{"nfs://h/x?nconnect=17", "from 1 to 16"},
		{"nfs://h/x?nconnect=0", "from 1 to 16"},
		{"nfs://h/x?max_connect=17", "from 1 to 16"},
		{"nfs://h/x?mountport=65536", "from 1 to 65535"},
		{"nfs://h/x?rsize=1000", "a multiple of 1024"},
		{"nfs://h/x?wsize=2097152", "from 1024 to 1048576"},
		{"nfs://h/x?vers=2", "one of: 3 4 4.0 4.1 4.2"},
		{"nfs://h/x?sec=krb5:sys", "one of: sys krb5 krb5i krb5p"},
		{"nfs://h/x?proto=udp", "one of: tcp tcp6 rdma rdma6"},
		{"nfs://h/x?mountproto=rdma", "one of: tcp tcp6 udp udp6"},
		{"nfs://h/x?lookupcache=some", "one of: all none positive"},
		{"nfs://h/x?local_lock=some", "one of: all flock posix none"},
		{"nfs://h/x?write=now", "one of: lazy eager wait"},
		{"nfs://h/x?sec=sys,rw", "a comma or blank"},
		{"nfs://h/x?sec=sys%2Crw", "a comma or blank"},
		{"nfs://h/x?sec=sys%0Arw", "control character"},
		{"nfs://h/x?sec=sys%00", "control character"},
		{"nfs://h/x?sec=%", "as %25"},
		{"nfs://h/x?sec=sys?ro", "one of: sys"},
		{"nfs://h/x?ro?rw", "no parameter"},
		{"nfs://h/x?sec=sssssssssssssssssssssssssssssssssssssssssssss"
		 "sssssssssssssssssssssssssssss",
			"too long"},
	};

	check_refusals(cases, ARRAY_SIZE(cases));
}

static void
parse_refuses_parameters_that_contradict(void **state)
{
	static const struct text_case cases[] = {
		{"nfs://h/x?hard&soft", "\"hard\" and \"soft\" exclude"},
		{"nfs://h/x?hard&softerr", "exclude each other"},
		{"nfs://h/x?ro&rw", "exclude each other"},
		{"nfs://h/x?lock&nolock", "exclude each other"},
		{"nfs://h/x?lock&local_lock=all", "exclude each other"},
		{"nfs://h/x?ac&noac", "exclude each other"},
		{"nfs://h/x?cto&nocto", "exclude each other"},
		{"nfs://h/x?acl&noacl", "exclude each other"},
		{"nfs://h/x?rdirplus&nordirplus", "exclude each other"},
		{"nfs://h/x?resvport&noresvport", "exclude each other"},
		{"nfs://h/x?sharecache&nosharecache", "exclude each other"},
		{"nfs://h/x?trunkdiscovery&notrunkdiscovery",
			"exclude each other"},
		{"nfs://h/x?fsc&nofsc", "exclude each other"},
		{"nfs://h/x?exec&noexec", "exclude each other"},
		{"nfs://h/x?noatime&strictatime", "exclude each other"},
		{"nfs://h/x?diratime&nodiratime", "exclude each other"},
		{"nfs://h/x?sync&async", "exclude each other"},
		{"nfs://h/x?noac&actimeo=5", "exclude each other"},
		{"nfs://h/x?acdirmax=5&actimeo=5", "exclude each other"},
		{"nfs://h/x?vers=4.2&nolock", "is for NFS v3 but vers=4.2"},
		{"nfs://h/x?lock&vers=4", "is for NFS v3 but vers=4"},
		{"nfs://h/x?vers=4&local_lock=all", "is for NFS v3"},
		{"nfs://h/x?vers=4.0&mountport=1", "is for NFS v3"},
		{"nfs://h/x?vers=4.1&mountproto=tcp", "is for NFS v3"},
		{"nfs://h/x?vers=4.1&noacl", "is for NFS v3"},
		{"nfs://h/x?vers=3&trunkdiscovery", "is for NFS v4 but"},
		{"nfs://h/x?vers=3&max_connect=2", "is for NFS v4.1"},
		{"nfs://h/x?vers=4.0&max_connect=2", "is for NFS v4.1"},
		{"nfs://[::1]/x?proto=tcp", "write proto=tcp6"},
		{"nfs://192.0.2.1/x?proto=rdma6", "write proto=rdma,"},
		{"nfs://[::1]/x?mountproto=udp", "write mountproto=udp6"},
	};

	check_refusals(cases, ARRAY_SIZE(cases));
}

static void
parse_names_the_spelling_to_use_instead(void **state)
{
	static const struct text_case cases[] = {
		{"nfs://h/x?suid", "everything is mounted nosuid"},
		{"nfs://h/x?dev", "everything is mounted nodev"},
		{"tmpfs://x?suid", "everything is mounted nosuid"},
		{"nfs://h/x?nfsvers=4.2", "write vers="},
		{"nfs://h/x?minorversion=1", "write vers=4.1"},
		{"nfs://h/x?tcp", "write proto=tcp"},
		{"nfs://h/x?rdma", "write proto=rdma"},
		{"nfs://h/x?udp", "corrupts data"},
		{"nfs://h/x?port=1", "nfs://HOST:PORT/EXPORT"},
		{"nfs://h/x?addr=1.2.3.4", "looked up"},
		{"nfs://h/x?softreval", "softerr implies it"},
		{"nfs://h/x?nosoftreval", "hard and soft imply it"},
		{"nfs://h/x?bg", "retries by itself"},
		{"nfs://h/x?retry=1", "retries by itself"},
		{"nfs://h/x?username=me", "leave them out"},
		{"iscsi://h/iqn.2024-01.x?portal=1", "write tpgt="},
		{"iscsi://h/iqn.2024-01.x?lun=1", "iscsi://HOST/IQN/LUN"},
		{"iscsi://h/iqn.2024-01.x?port=1", "iscsi://HOST:PORT/IQN"},
		{"iscsi://h/iqn.2024-01.x?iqn=a", "iscsi://HOST/IQN"},
		{"iscsi://h/iqn.2024-01.x?transport=tcp", "write iface="},
		{"iscsi://h/iqn.2024-01.x?iser", "write iface=iser"},
		{"iscsi://h/iqn.2024-01.x?initiator=a", "write iface="},
		{"iscsi://h/iqn.2024-01.x?startup=manual", "by itself"},
		{"iscsi://h/iqn.2024-01.x?chap", "leave them out"},
		{"iscsi://h/iqn.2024-01.x?auth=a", "leave them out"},
		{"iscsi://h/iqn.2024-01.x?user=a", "leave them out"},
		{"iscsi://h/iqn.2024-01.x?username=a", "leave them out"},
		{"iscsi://h/iqn.2024-01.x?password=a", "leave them out"},
	};

	check_refusals(cases, ARRAY_SIZE(cases));
}

static void
parse_refuses_bad_tmpfs(void **state)
{
	static const struct text_case cases[] = {
		{"tmpfs://", "no name"},
		{"tmpfs://?size=1m", "no name"},
		{"tmpfs://.", "1 to 64 letters"},
		{"tmpfs://..", "1 to 64 letters"},
		{"tmpfs://a/b", "1 to 64 letters"},
		{"tmpfs://a/", "1 to 64 letters"},
		{"tmpfs://a:1", "1 to 64 letters"},
		{"tmpfs://a%62", "1 to 64 letters"},
		{"tmpfs://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		 "aaaaaaaaaaaaa",
			"1 to 64 letters"},
		{"tmpfs://x?vers=3", "tmpfs has no parameter \"vers\""},
		{"tmpfs://x?size=0", "bytes from 1"},
		{"tmpfs://x?size=0k", "bytes from 1"},
		{"tmpfs://x?size=064", "bytes from 1"},
		{"tmpfs://x?size=m", "bytes from 1"},
		{"tmpfs://x?size=1mm", "bytes from 1"},
		{"tmpfs://x?size=1t", "bytes from 1"},
		{"tmpfs://x?size=-1", "bytes from 1"},
		{"tmpfs://x?size=8589934592g", "bytes from 1"},
		{"tmpfs://x?size=9223372036854775808", "bytes from 1"},
		{"tmpfs://x?size=0%25", "1%25 to 100%25"},
		{"tmpfs://x?size=101%25", "1%25 to 100%25"},
		{"tmpfs://x?size=05%25", "1%25 to 100%25"},
		{"tmpfs://x?size=%25", "1%25 to 100%25"},
		{"tmpfs://x?size=50%", "as %25"},
		{"tmpfs://x?size=1m,mode=0", "a comma"},
		{"tmpfs://x?mode=4755", "from 0 to 1777"},
		{"tmpfs://x?mode=8", "octal mode"},
		{"tmpfs://x?nr_inodes=0", "a number from 1"},
		{"tmpfs://x?nr_inodes=5%25", "a number from 1"},
	};

	check_refusals(cases, ARRAY_SIZE(cases));
}

static void
parse_refuses_bad_portals_of_iscsi(void **state)
{
	static const struct text_case cases[] = {
		{"iscsi://", "no host: write iscsi://HOST/IQN"},
		{"iscsi:///iqn.2024-01.x", "no host: write iscsi://HOST/IQN"},
		{"iscsi://-a/iqn.2024-01.x", "is no host name"},
		{"iscsi://a,b/iqn.2024-01.x", "is no host name"},
		{"iscsi://0.0.0.0/iqn.2024-01.x", "address of no server"},
		{"iscsi://[::1/iqn.2024-01.x", "\"[\" without \"]\""},
		{"iscsi://[::1]x/iqn.2024-01.x", "behind \"]\""},
		{"iscsi://::1/iqn.2024-01.x", "IPv6 address in brackets"},
		{"iscsi://h:iqn.2024-01.x:a", "\"/\" behind the host"},
		{"iscsi://h:iqn.2024-01.x", "is no port"},
		{"iscsi://h:a/iqn.2024-01.x", "is no port"},
		{"iscsi://h:0/iqn.2024-01.x", "is no port"},
		{"iscsi://h:03260/iqn.2024-01.x", "without leading zeros"},
		{"iscsi://h:65536/iqn.2024-01.x", "from 1 to 65535"},
		{"iscsi://h:3260,1/iqn.2024-01.x", "is no port"},
	};

	check_refusals(cases, ARRAY_SIZE(cases));
}

static void
parse_refuses_bad_names_of_targets(void **state)
{
	static const struct text_case cases[] = {
		{"iscsi://h", "no name of a target: write iscsi://HOST/IQN"},
		{"iscsi://h:3260", "no name of a target"},
		{"iscsi://h/", "no name of a target"},
		{"iscsi://h//iqn.2024-01.x", "no name of a target"},
		{"iscsi://h/;portal=1", "no name of a target"},
		{"iscsi://h?tpgt=1", "no name of a target"},
		{"iscsi://h/iqn.2024-01.x_y", "no \"_\""},
		{"iscsi://h/iqn.2024-01.x y", "of ASCII"},
		{"iscsi://h/iqn.2024-01.x%20y", "of ASCII"},
		{"iscsi://h/iqn.2024-01.x,1", "of ASCII"},
		{"iscsi://h/iqn.2024-01.x%3Bportal=1", "of ASCII"},
		{"iscsi://h/iqn.2024-01.b\xc3\xbc", "of ASCII"},
		{"iscsi://h/iqn.2024-01.b%C3%BC", "of ASCII"},
		{"iscsi://h/iqn.2024-01.x%2F0", "an escaped \"/\""},
		{"iscsi://h/iqn.2024-01.x%", "as %25"},
		{"iscsi://h/iqn.2024-01.x%0a", "control character"},
		{"iscsi://h/iqn.2024-01.x%00", "control character"},
		{"iscsi://h/iqn.2024-01.x%FF", "not valid UTF-8"},
		{"iscsi://h/iqn.2024-01.x#a", "no fragment"},
		{"iscsi://h/iqn", "iqn.YYYY-MM.DOMAIN"},
		{"iscsi://h/iqn.", "iqn.YYYY-MM.DOMAIN"},
		{"iscsi://h/iqn.2024-01", "iqn.YYYY-MM.DOMAIN"},
		{"iscsi://h/iqn.2024-01.", "iqn.YYYY-MM.DOMAIN"},
		{"iscsi://h/iqn.2024-01.:a", "iqn.YYYY-MM.DOMAIN"},
		{"iscsi://h/iqn.2024-01..a", "iqn.YYYY-MM.DOMAIN"},
		{"iscsi://h/iqn.2024-01.-a", "iqn.YYYY-MM.DOMAIN"},
		{"iscsi://h/iqn.2024-01:a", "iqn.YYYY-MM.DOMAIN"},
		{"iscsi://h/iqn.2024.01.a", "iqn.YYYY-MM.DOMAIN"},
		{"iscsi://h/iqn.24-01.com.x", "iqn.YYYY-MM.DOMAIN"},
		{"iscsi://h/iqn.2024-1.com.x", "iqn.YYYY-MM.DOMAIN"},
		{"iscsi://h/iqn.2024-00.x", "iqn.YYYY-MM.DOMAIN"},
		{"iscsi://h/iqn.2024-13.x", "iqn.YYYY-MM.DOMAIN"},
		{"iscsi://h/iqn.2024-20.x", "iqn.YYYY-MM.DOMAIN"},
		{"iscsi://h/iqn-2024-01.x", "iqn.YYYY-MM.DOMAIN"},
		{"iscsi://h/disk1", "iqn.YYYY-MM.DOMAIN"},
		{"iscsi://h/0", "iqn.YYYY-MM.DOMAIN"},
		{"iscsi://h/eui.02004567a425678", "eui. with 16 hex digits"},
		{"iscsi://h/eui.02004567a425678dd", "with 16 hex digits"},
		{"iscsi://h/eui.02004567a425678g", "with 16 hex digits"},
		{"iscsi://h/eui.02004567a425678dg", "with 16 hex digits"},
		{"iscsi://h/eui.", "with 16 hex digits"},
		{"iscsi://h/naa.52004567ba64678", "naa. with 16 or 32"},
		{"iscsi://h/naa.52004567ba64678d0", "naa. with 16 or 32"},
		{"iscsi://h/naa.62004567ba64678d0123456789abcdef0",
			"naa. with 16 or 32"},
		{"iscsi://h/naa.62004567ba64678d0123456789abcdeg",
			"naa. with 16 or 32"},
	};

	check_refusals(cases, ARRAY_SIZE(cases));
}

static void
parse_refuses_bad_luns_and_portal_groups(void **state)
{
	static const struct text_case cases[] = {
		{"iscsi://h/iqn.2024-01.x/", "is no LUN"},
		{"iscsi://h/iqn.2024-01.x/?tpgt=2", "is no LUN"},
		{"iscsi://h/iqn.2024-01.x//1", "is no LUN"},
		{"iscsi://h/iqn.2024-01.x/1/", "is no LUN"},
		{"iscsi://h/iqn.2024-01.x/1/2", "is no LUN"},
		{"iscsi://h/iqn.2024-01.x/16384", "from 0 to 16383"},
		{"iscsi://h/iqn.2024-01.x/99999999999999999999", "is no LUN"},
		{"iscsi://h/iqn.2024-01.x/01", "without leading zeros"},
		{"iscsi://h/iqn.2024-01.x/00", "without leading zeros"},
		{"iscsi://h/iqn.2024-01.x/-1", "is no LUN"},
		{"iscsi://h/iqn.2024-01.x/+1", "is no LUN"},
		{"iscsi://h/iqn.2024-01.x/0x1", "is no LUN"},
		{"iscsi://h/iqn.2024-01.x/%31", "is no LUN"},
		{"iscsi://h/iqn.2024-01.x/lun1", "is no LUN"},
		{"iscsi://h/iqn.2024-01.x;", "only \"portal=TAG\""},
		{"iscsi://h/iqn.2024-01.x;tpgt=1", "only \"portal=TAG\""},
		{"iscsi://h/iqn.2024-01.x;portal", "only \"portal=TAG\""},
		{"iscsi://h/iqn.2024-01.x;PORTAL=1", "only \"portal=TAG\""},
		{"iscsi://h/iqn.2024-01.x;portal=1;", "only \"portal=TAG\""},
		{"iscsi://h/iqn.2024-01.x;portal=1;portal=1",
			"only \"portal=TAG\""},
		{"iscsi://h/iqn.2024-01.x;portal=", "\"tpgt\" needs a value"},
		{"iscsi://h/iqn.2024-01.x;portal=a", "from 0 to 65535"},
		{"iscsi://h/iqn.2024-01.x;portal=65536", "from 0 to 65535"},
		{"iscsi://h/iqn.2024-01.x;portal=01", "without leading zeros"},
		{"iscsi://h/iqn.2024-01.x;portal=1/2",
			"write iscsi://HOST/IQN/LUN?tpgt=TAG"},
		{"iscsi://h/iqn.2024-01.x/2;portal=1",
			"write iscsi://HOST/IQN/LUN?tpgt=TAG"},
		{"iscsi://h/iqn.2024-01.x;portal=1?tpgt=1",
			"\"tpgt\" is given twice"},
		{"iscsi://h/iqn.2024-01.x;portal=1?tpgt=2",
			"\"tpgt\" is given twice"},
	};

	check_refusals(cases, ARRAY_SIZE(cases));
}

static void
parse_refuses_bad_parameters_of_iscsi(void **state)
{
	static const struct text_case cases[] = {
		{"iscsi://h/iqn.2024-01.x?tpgt", "needs a value"},
		{"iscsi://h/iqn.2024-01.x?tpgt=-1", "from 0 to 65535"},
		{"iscsi://h/iqn.2024-01.x?tpgt=65536", "from 0 to 65535"},
		{"iscsi://h/iqn.2024-01.x?tpgt=01", "without leading zeros"},
		{"iscsi://h/iqn.2024-01.x?tpgt=1&tpgt=1", "is given twice"},
		{"iscsi://h/iqn.2024-01.x?iface=", "needs a value"},
		{"iscsi://h/iqn.2024-01.x?iface=.", "interface of open-iscsi"},
		{"iscsi://h/iqn.2024-01.x?iface=-a", "no \".\" or \"-\""},
		{"iscsi://h/iqn.2024-01.x?iface=a%25b", "1 to 63 letters"},
		{"iscsi://h/iqn.2024-01.x?iface=b%C3%BC", "1 to 63 letters"},
		{"iscsi://h/iqn.2024-01.x?iface=a%2Fb", "an escaped \"/\""},
		{"iscsi://h/iqn.2024-01.x?iface=a/b", "1 to 63 letters"},
		{"iscsi://h/iqn.2024-01.x?iface=a,b", "a comma or blank"},
		{"iscsi://h/iqn.2024-01.x?ro", "no parameter \"ro\""},
		{"iscsi://h/iqn.2024-01.x?noexec", "no parameter"},
		{"iscsi://h/iqn.2024-01.x?nosuid", "no parameter"},
		{"iscsi://h/iqn.2024-01.x?suid", "no parameter"},
		{"iscsi://h/iqn.2024-01.x?vers=3", "no parameter"},
		{"iscsi://h/iqn.2024-01.x?size=1m", "no parameter"},
		{"nfs://h/x?tpgt=1", "nfs has no parameter \"tpgt\""},
		{"tmpfs://x?iface=a", "tmpfs has no parameter \"iface\""},
	};

	check_refusals(cases, ARRAY_SIZE(cases));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse_refuses_what_has_no_known_scheme),
		cmocka_unit_test(parse_refuses_bad_hosts),
		cmocka_unit_test(parse_refuses_bad_ports),
		cmocka_unit_test(parse_refuses_bad_exports),
		cmocka_unit_test(
			parse_refuses_credentials_without_repeating_them),
		cmocka_unit_test(parse_refuses_bad_parameters),
		cmocka_unit_test(parse_refuses_parameters_that_contradict),
		cmocka_unit_test(parse_names_the_spelling_to_use_instead),
		cmocka_unit_test(parse_refuses_bad_tmpfs),
		cmocka_unit_test(parse_refuses_bad_portals_of_iscsi),
		cmocka_unit_test(parse_refuses_bad_names_of_targets),
		cmocka_unit_test(parse_refuses_bad_luns_and_portal_groups),
		cmocka_unit_test(parse_refuses_bad_parameters_of_iscsi),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
