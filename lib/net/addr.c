/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text and number forms of addresses; IPv4 stands in the mapped range ::ffff:0:0/96 (RFC 4291).
 * Thread: pure functions.
 */
#include <arpa/inet.h>
#include <errno.h>

#include "ks_addr.h"

static const uint8_t v4_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

struct ks_addr
ks_addr_from_v4(rte_be32_t v4)
{
	struct ks_addr addr;

	memcpy(addr.b, v4_prefix, sizeof(v4_prefix));
	memcpy(addr.b + sizeof(v4_prefix), &v4, sizeof(v4));
	return addr;
}

bool
ks_addr_is_v4(const struct ks_addr *addr)
{
	return memcmp(addr->b, v4_prefix, sizeof(v4_prefix)) == 0;
}

rte_be32_t
ks_addr_v4(const struct ks_addr *addr)
{
	rte_be32_t v4;

	memcpy(&v4, addr->b + sizeof(v4_prefix), sizeof(v4));
	return v4;
}

int
ks_addr_parse(const char *text, struct ks_addr *out)
{
	struct in_addr v4;

	if (inet_pton(AF_INET, text, &v4) == 1) {
		*out = ks_addr_from_v4(v4.s_addr);
		return 0;
	}
	return inet_pton(AF_INET6, text, out->b) == 1 ? 0 : -EINVAL;
}

/* Digits only: strtol() would take signs and spaces. @return 1–65535, or 0. */
static uint16_t
port_parse(const char *text)
{
	uint32_t port = 0;
	size_t n = strlen(text);

	if (n == 0 || n > 5)
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return 0;
		port = port * 10 + (uint32_t)(text[i] - '0');
	}
	return port > UINT16_MAX ? 0 : (uint16_t)port;
}

int
ks_endpoint_parse(const char *text, struct ks_endpoint *out)
{
	const char *colon = strrchr(text, ':');
	bool bracket = text[0] == '[';
	char host[KS_ADDR_TEXT_BYTES];
	struct ks_endpoint ep;
	uint16_t port;
	size_t n;

	if (colon == NULL || (bracket && (colon < text + 2 || colon[-1] != ']')))
		return -EINVAL;
	text += bracket;
	n = (size_t)(colon - text) - bracket;
	if (n == 0 || n >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, n);
	host[n] = '\0';
	port = port_parse(colon + 1);
	if (port == 0 || ks_addr_parse(host, &ep.addr) != 0)
		return -EINVAL;
	/* Brackets mean IPv6 and IPv6 needs them: otherwise its last group could be the port. */
	if ((strchr(host, ':') != NULL) != bracket)
		return -EINVAL;
	ep.port = rte_cpu_to_be_16(port);
	*out = ep;
	return 0;
}

const char *
ks_addr_format(const struct ks_addr *addr, char text[KS_ADDR_TEXT_BYTES])
{
	bool v4 = ks_addr_is_v4(addr);
	const uint8_t *bytes = v4 ? addr->b + sizeof(v4_prefix) : addr->b;

	/* The room is that of the longest form, so it cannot fail. */
	(void)inet_ntop(v4 ? AF_INET : AF_INET6, bytes, text, KS_ADDR_TEXT_BYTES);
	return text;
}
