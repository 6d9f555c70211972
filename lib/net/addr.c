/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text forms of addresses and endpoints.
 * Thread: pure functions.
 */
#include <arpa/inet.h>
#include <errno.h>

#include "ks_addr.h"

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
	const uint8_t *bytes = v4 ? addr->b + KS_ADDR_V4_OFFSET : addr->b;

	/* The room is that of the longest form, so it cannot fail. */
	(void)inet_ntop(v4 ? AF_INET : AF_INET6, bytes, text, KS_ADDR_TEXT_BYTES);
	return text;
}
