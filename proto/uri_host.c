/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * uri_host.c - a host: a name, an IPv4 or an IPv6 address; and its port.
 *
 * Runs in: as uri.h.
 * Trusts: nobody.
 * Invariant: one address has one spelling; what a resolver could take for an
 *            address in disguise ("127.1", "0x7f000001") is refused.
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "proto/uri_parts.h"

enum {
	HOST_NAME_MAX_LEN = 253,
	HOST_LABEL_MAX_LEN = 63
};

static const char letters_and_digits[] = "abcdefghijklmnopqrstuvwxyz"
					 "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
					 "0123456789";

static bool
is_alnum(char c)
{
	return c && strchr(letters_and_digits, c);
}

static int
label_check(struct uri_span label, struct uri_span host, struct err *err)
{
	bool good = label.len > 0 && label.len <= HOST_LABEL_MAX_LEN &&
		    label.at[0] != '-' && label.at[label.len - 1] != '-';

	for (size_t i = 0; good && i < label.len; i++)
		good = is_alnum(label.at[i]) || label.at[i] == '-' ||
		       label.at[i] == '_';
	if (!good)
		return uri_refuse(err,
			"\"%.*s\" is no host name: labels of 1 to 63 letters, "
			"digits, \"_\" and inner \"-\", joined by \".\" (IPv6 "
			"goes in brackets, other scripts as xn--)",
			URI_SHOW(host));
	return 0;
}

/* What inet_aton() and with it a resolver reads as a number: 7, 07, 0x7f. */
static bool
label_is_numeric(struct uri_span label)
{
	if (label.len >= 2 && label.at[0] == '0' && (label.at[1] | 0x20) == 'x')
		return true;
	return uri_span_is_number(label);
}

/* It stands for this host, or for any; NFS in the kernel refuses it too. */
static int
refuse_unspecified(struct uri_span host, struct err *err)
{
	return uri_refuse(err,
		"\"%.*s\" is the address of no server: write the server's",
		URI_SHOW(host));
}

static int
ipv4_parse(struct uri *uri, struct uri_span host, struct err *err)
{
	struct in_addr address;
	char printed[INET_ADDRSTRLEN] = "";

	/* Only what reads back unchanged: no leading zeros, four parts. */
	if (inet_pton(AF_INET, uri->host, &address) != 1 ||
		!inet_ntop(AF_INET, &address, printed, sizeof(printed)) ||
		strcmp(printed, uri->host) != 0)
		return uri_refuse(err,
			"\"%.*s\" ends in a number but is no IPv4 address: "
			"write four numbers from 0 to 255 without leading "
			"zeros, 192.0.2.1",
			URI_SHOW(host));
	if (address.s_addr == htonl(INADDR_ANY))
		return refuse_unspecified(host, err);
	uri->host_is_ipv4 = true;
	return 0;
}

static int
name_parse(struct uri_span host, struct uri *uri, struct err *err)
{
	struct uri_span rest = host;
	struct uri_span label = host;
	bool more = true;
	int r;

	if (host.len > HOST_NAME_MAX_LEN)
		return uri_refuse(err,
			"a host name of more than %d bytes: shorten it",
			HOST_NAME_MAX_LEN);
	while (more) {
		label = rest;
		more = uri_span_cut(&label, '.', &rest);
		r = label_check(label, host, err);
		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < host.len; i++) {
		char c = host.at[i];

		uri->host[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
	}
	uri->host[host.len] = '\0';
	return label_is_numeric(label) ? ipv4_parse(uri, host, err) : 0;
}

static int
zone_check(const struct in6_addr *address, bool has_zone, struct uri_span zone,
	struct err *err)
{
	if (!IN6_IS_ADDR_LINKLOCAL(address)) {
		if (!has_zone)
			return 0;
		return uri_refuse(err,
			"only a link-local IPv6 address (fe80::/10) has a "
			"zone: leave out \"%%\" and what follows");
	}
	if (!has_zone)
		return uri_refuse(err,
			"a link-local IPv6 address needs its interface: write "
			"[fe80::1%%25eth0]");
	if (zone.len < 2 || memcmp(zone.at, "25", 2) != 0)
		return uri_refuse(err,
			"write the \"%%\" before a zone as %%25: "
			"[fe80::1%%25eth0]");
	for (size_t i = 2; i < zone.len; i++)
		if (!is_alnum(zone.at[i]) && !memchr("._-", zone.at[i], 3))
			zone.len = 0;
	if (zone.len < 3 || zone.len - 2 >= IFNAMSIZ)
		return uri_refuse(err,
			"a zone is the name of an interface, 1 to %d letters, "
			"digits, \".\", \"_\" or \"-\": [fe80::1%%25eth0]",
			IFNAMSIZ - 1);
	return 0;
}

/* inside is what the brackets hold: ADDRESS or ADDRESS%25ZONE. */
static int
ipv6_parse(struct uri_span inside, struct uri *uri, struct err *err)
{
	char text[INET6_ADDRSTRLEN] = "";
	struct uri_span number = inside;
	struct uri_span zone;
	struct in6_addr address;
	bool has_zone = uri_span_cut(&number, '%', &zone);
	int r;

	if (number.len < sizeof(text))
		memcpy(text, number.at, number.len);
	if (inet_pton(AF_INET6, text, &address) != 1)
		return uri_refuse(err,
			"\"[%.*s]\" holds no IPv6 address: write [2001:db8::1]",
			URI_SHOW(inside));
	if (IN6_IS_ADDR_UNSPECIFIED(&address))
		return refuse_unspecified(inside, err);
	r = zone_check(&address, has_zone, zone, err);
	if (r < 0)
		return r;
	(void)inet_ntop(AF_INET6, &address, text, sizeof(text)); /* fits */
	if (has_zone)
		(void)snprintf(uri->host, sizeof(uri->host), "%s%%%.*s", text,
			(int)zone.len - 2, zone.at + 2); /* fits */
	else
		(void)snprintf(uri->host, sizeof(uri->host), "%s", text);
	uri->host_is_ipv6 = true;
	return 0;
}

static int
host_parse(struct uri_span host, struct uri *uri, struct err *err)
{
	if (host.len == 0)
		return uri_refuse(err, "no host: write %s with its name",
			uri_scheme_form(uri->scheme));
	if (host.at[0] != '[')
		return name_parse(host, uri, err);
	if (host.at[host.len - 1] != ']')
		return uri_refuse(
			err, "\"[\" without \"]\": write [2001:db8::1]");
	return ipv6_parse(
		(struct uri_span){host.at + 1, host.len - 2}, uri, err);
}

/*
 * Cuts authority behind the host. What is left is returned: empty, or a ":" and
 * more, unless it is wrong.
 */
static struct uri_span
host_take(struct uri_span *authority)
{
	bool in_brackets = authority->len > 0 && authority->at[0] == '[';
	struct uri_span rest;

	if (!uri_span_cut(authority, in_brackets ? ']' : ':', &rest))
		return rest; /* empty */
	if (in_brackets)
		authority->len++;
	else
		rest = (struct uri_span){rest.at - 1, rest.len + 1};
	return rest;
}

static int
tail_check(struct uri_span tail, struct err *err)
{
	if (tail.len == 0)
		return 0;
	if (tail.at[0] != ':')
		return uri_refuse(err,
			"\"%.*s\" behind \"]\": only \":PORT\" or \"/\" can "
			"follow",
			URI_SHOW(tail));
	if (uri_span_has((struct uri_span){tail.at + 1, tail.len - 1}, ':'))
		return uri_refuse(err,
			"more than one \":\" before the first \"/\": write an "
			"IPv6 address in brackets, [2001:db8::1], and \"/\" "
			"behind the host");
	return 0;
}

int
uri_authority_parse(struct uri_span authority, struct uri *uri,
	struct uri_span *ret_tail, struct err *err)
{
	struct uri_span tail = host_take(&authority);
	int r;

	r = tail_check(tail, err);
	if (r < 0)
		return r;
	r = host_parse(authority, uri, err);
	if (r < 0)
		return r;
	*ret_tail = tail.len == 0
			    ? tail
			    : (struct uri_span){tail.at + 1, tail.len - 1};
	return 0;
}

int
uri_port_parse(struct uri_span port, struct uri *uri, struct err *err)
{
	unsigned int number = 0;

	if (uri_span_is_number(port) && port.at[0] != '0')
		for (size_t i = 0; i < port.len && number <= UINT16_MAX; i++)
			number = number * 10 + (unsigned int)(port.at[i] - '0');
	if (number == 0 || number > UINT16_MAX)
		return uri_refuse(err,
			"\"%.*s\" is no port: write a number from 1 to 65535 "
			"without leading zeros",
			URI_SHOW(port));
	uri->port = (uint16_t)number;
	return 0;
}

void
uri_port_print(const struct uri *uri, struct uri_text *text)
{
	if (uri->port != uri->default_port)
		uri_text_print(text, ":%u", (unsigned int)uri->port);
}

void
uri_host_print(const struct uri *uri, struct uri_text *text)
{
	struct uri_span address = {uri->host, strlen(uri->host)};
	struct uri_span zone;
	bool has_zone;

	if (!uri->host_is_ipv6) {
		uri_text_add(text, address);
		return;
	}
	has_zone = uri_span_cut(&address, '%', &zone);
	uri_text_print(text, "[%.*s%s%.*s]", (int)address.len, address.at,
		has_zone ? "%25" : "", (int)zone.len, zone.at);
}
