/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a field's name means, and which fields stay on their hop.
 * RFC 9110 sections 5.1, 5.6.1 and 7.6.1.
 * Thread: pure functions.
 */
#include "http_field.h"

#define NAME_BYTES 24

struct known_name {
	char name[NAME_BYTES];
	uint8_t len;
	uint8_t id;
};

/* Found by search: gives each name below a slot of its own. A clash is a compiler error
 * (-Woverride-init). */
#define SLOT(len, first, last) (((len) + 26u * (uint8_t)(first) + (uint8_t)(last)) & 63u)
#define KNOWN(first, last, lit, id) \
	[SLOT(sizeof(lit) - 1, first, last)] = {lit, sizeof(lit) - 1, id}

static const struct known_name known_names[64] = {
	KNOWN('a', 't', "accept", KS_HTTP_ACCEPT),
	KNOWN('a', 'g', "accept-encoding", KS_HTTP_ACCEPT_ENCODING),
	KNOWN('a', 'n', "authorization", KS_HTTP_AUTHORIZATION),
	KNOWN('c', 'n', "connection", KS_HTTP_CONNECTION),
	KNOWN('c', 'g', "content-encoding", KS_HTTP_CONTENT_ENCODING),
	KNOWN('c', 'h', "content-length", KS_HTTP_CONTENT_LENGTH),
	KNOWN('c', 'e', "content-type", KS_HTTP_CONTENT_TYPE),
	KNOWN('c', 'e', "cookie", KS_HTTP_COOKIE),
	KNOWN('d', 'e', "date", KS_HTTP_DATE),
	KNOWN('e', 't', "expect", KS_HTTP_EXPECT),
	KNOWN('f', 'd', "forwarded", KS_HTTP_X_FORWARDED),
	KNOWN('h', 't', "host", KS_HTTP_HOST),
	KNOWN('i', 'r', "impersonate-user", KS_HTTP_IMPERSONATE_USER),
	KNOWN('i', 'p', "impersonate-group", KS_HTTP_IMPERSONATE_GROUP),
	KNOWN('i', 'd', "impersonate-uid", KS_HTTP_IMPERSONATE_UID),
	KNOWN('k', 'e', "keep-alive", KS_HTTP_KEEP_ALIVE),
	KNOWN('p', 'e', "proxy-authenticate", KS_HTTP_PROXY_AUTHENTICATE),
	KNOWN('p', 'n', "proxy-authorization", KS_HTTP_PROXY_AUTHORIZATION),
	KNOWN('p', 'n', "proxy-connection", KS_HTTP_PROXY_CONNECTION),
	KNOWN('s', 'l', "sec-websocket-protocol", KS_HTTP_SEC_WEBSOCKET_PROTOCOL),
	KNOWN('t', 'e', "te", KS_HTTP_TE),
	KNOWN('t', 'r', "trailer", KS_HTTP_TRAILER),
	KNOWN('t', 'g', "transfer-encoding", KS_HTTP_TRANSFER_ENCODING),
	KNOWN('u', 'e', "upgrade", KS_HTTP_UPGRADE),
	KNOWN('u', 't', "user-agent", KS_HTTP_USER_AGENT),
};

/*
 * OR with 0x20 makes letters small; of all token characters only '-' itself gives '-' and only
 * letters give letters, so equality is exact for names that have passed the token check.
 */
static inline bool
same_name(const char *name, const char *small, uint32_t len)
{
	uint32_t i = 0;

	for (; len - i >= 8; i += 8) {
		uint64_t a, b;

		memcpy(&a, name + i, 8);
		memcpy(&b, small + i, 8);
		if ((a | 0x2020202020202020u) != b)
			return false;
	}
	for (; i < len; i++)
		if ((name[i] | 0x20) != small[i])
			return false;
	return true;
}

/* Servers that hand fields on as variables make one of both spellings: take them as alike. */
static bool
begins_alike(const char *name, uint32_t len, struct ks_str prefix)
{
	if (len < prefix.n)
		return false;
	for (uint32_t i = 0; i < prefix.n; i++) {
		char c = name[i] == '_' ? '-' : (char)(name[i] | 0x20);

		if (c != prefix.p[i])
			return false;
	}
	return true;
}

static ks_noinline enum ks_http_field_id
id_of_x(const char *name, uint32_t len)
{
	if (begins_alike(name, len, KS_STR("x-remote-")))
		return KS_HTTP_X_REMOTE;
	if (len == 15 && same_name(name, "x-forwarded-for", len))
		return KS_HTTP_X_FORWARDED_FOR;
	if (begins_alike(name, len, KS_STR("x-forwarded-")))
		return KS_HTTP_X_FORWARDED;
	if (len == 9 && begins_alike(name, len, KS_STR("x-real-ip")))
		return KS_HTTP_X_FORWARDED;
	return KS_HTTP_OTHER;
}

enum ks_http_field_id
ks_http_field_id(const char *name, uint32_t len)
{
	if (len == 0)
		return KS_HTTP_OTHER;

	uint8_t first = (uint8_t)(name[0] | 0x20), last = (uint8_t)(name[len - 1] | 0x20);
	const struct known_name *known = &known_names[SLOT(len, first, last)];

	if (first == 'x')
		return id_of_x(name, len);
	if (known->len != len || !same_name(name, known->name, len))
		return KS_HTTP_OTHER;
	return (enum ks_http_field_id)known->id;
}

bool
ks_http_name_eq(struct ks_str a, struct ks_str b)
{
	if (a.n != b.n)
		return false;
	for (uint32_t i = 0; i < a.n; i++) {
		uint8_t x = (uint8_t)a.p[i], y = (uint8_t)b.p[i];

		x |= x >= 'A' && x <= 'Z' ? 0x20 : 0;
		y |= y >= 'A' && y <= 'Z' ? 0x20 : 0;
		if (x != y)
			return false;
	}
	return true;
}

bool
ks_http_name_impersonates(struct ks_str name)
{
	struct ks_str prefix = KS_STR("impersonate-");

	return name.n >= prefix.n && ks_http_name_eq((struct ks_str){name.p, prefix.n}, prefix);
}

static bool
is_ows(char c)
{
	return c == ' ' || c == '\t';
}

bool
ks_http_list_next(struct ks_str list, uint32_t *pos, struct ks_str *item)
{
	uint32_t i = *pos, end;

	while (i < list.n && (is_ows(list.p[i]) || list.p[i] == ','))
		i++;
	if (i == list.n)
		return false;
	const char *comma = memchr(list.p + i, ',', list.n - i);

	end = comma == NULL ? list.n : (uint32_t)(comma - list.p);
	*pos = end;
	while (is_ows(list.p[end - 1]))
		end--;
	*item = (struct ks_str){list.p + i, end - i};
	return true;
}

struct ks_str
ks_http_find(const struct ks_http_head *head, enum ks_http_field_id id)
{
	for (uint32_t i = 0; i < head->nfields; i++)
		if (head->fields[i].id == id)
			return ks_http_field_value(head, &head->fields[i]);
	return (struct ks_str){NULL, 0};
}

static ks_noinline bool
named_by_connection(const struct ks_http_head *head, struct ks_str name)
{
	for (uint32_t i = 0; i < head->nfields; i++) {
		struct ks_str item;
		uint32_t pos = 0;

		if (head->fields[i].id != KS_HTTP_CONNECTION)
			continue;
		while (ks_http_list_next(ks_http_field_value(head, &head->fields[i]), &pos, &item))
			if (ks_http_name_eq(item, name))
				return true;
	}
	return false;
}

#define BIT(id) (1ull << (id))
#define HOP_IDS                                                                                 \
	(BIT(KS_HTTP_CONNECTION) | BIT(KS_HTTP_EXPECT) | BIT(KS_HTTP_KEEP_ALIVE) |              \
	 BIT(KS_HTTP_PROXY_AUTHENTICATE) | BIT(KS_HTTP_PROXY_AUTHORIZATION) |                   \
	 BIT(KS_HTTP_PROXY_CONNECTION) | BIT(KS_HTTP_TE) | BIT(KS_HTTP_TRAILER) |               \
	 BIT(KS_HTTP_TRANSFER_ENCODING) | BIT(KS_HTTP_UPGRADE) | BIT(KS_HTTP_X_FORWARDED_FOR) | \
	 BIT(KS_HTTP_X_REMOTE) | BIT(KS_HTTP_X_FORWARDED))

bool
ks_http_field_is_hop(const struct ks_http_head *head, const struct ks_http_field *field)
{
	_Static_assert(KS_HTTP_FIELD_ID_MAX <= 64, "one bit for each id");
	if (HOP_IDS & BIT(field->id))
		return true;
	return ks_unlikely(head->connection_names) &&
	       named_by_connection(head, ks_http_field_name(head, field));
}
