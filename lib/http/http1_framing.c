/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fields that decide where a message ends and what becomes of its connection: Content-Length,
 * Transfer-Encoding, Connection. RFC 9112 sections 6.1, 6.2, 6.3 and 9.3; RFC 9110
 * sections 7.6.1, 8.6.
 *
 * The RFC leaves some doubtful messages to the recipient's choice (equal Content-Length fields,
 * Transfer-Encoding that overrides Content-Length). Here doubt about where a message ends is an
 * error. Thread: pure functions over the caller's memory.
 */
#include <errno.h>

#include "http1.h"
#include "http_field.h"
#include "http_scan.h"

#define LENGTH_DIGITS_MAX 19
/* Each field of the head is compared with each option when it is written anew. */
#define CONNECTION_OPTIONS_MAX 16

/* 1*DIGIT, leading zeros only as far as the digits are bounded; no sign, no list, no space. */
static int
content_length(struct ks_http1_cursor *c)
{
	const struct ks_http_field *field = ks_http1_first(c, KS_HTTP_CONTENT_LENGTH);
	struct ks_str value = ks_http_field_value(c->head, field);
	uint64_t length = 0;

	if (ks_unlikely(c->twice & KS_HTTP_BIT(KS_HTTP_CONTENT_LENGTH)))
		return ks_http1_bad(c, value.p, "two Content-Length fields");
	if (ks_unlikely(value.n == 0))
		return ks_http1_bad(c, value.p, "empty Content-Length");
	for (uint32_t i = 0; i < value.n; i++) {
		if (ks_unlikely(value.p[i] < '0' || value.p[i] > '9'))
			return ks_http1_bad(c, value.p + i, "Content-Length is not a number");
		if (ks_unlikely(i == LENGTH_DIGITS_MAX))
			return ks_http1_bad(c, value.p, "Content-Length overflow");
		length = length * 10 + (uint64_t)(value.p[i] - '0');
	}
	if (ks_unlikely(length > INT64_MAX))
		return ks_http1_bad(c, value.p, "Content-Length overflow");
	c->head->framing = KS_HTTP_BODY_LENGTH;
	c->head->content_length = length;
	return 0;
}

/* RFC 9112 section 6.3: not chunked at the end is an error of framing; other codings below a final
 * chunked are only not implemented (6.1). */
static ks_cold int
bad_coding(const struct ks_http1_cursor *c, struct ks_str value)
{
	struct ks_str item = {value.p, 0};
	uint32_t pos = 0, items = 0, chunked = 0;
	bool last = false;

	while (ks_http_list_next(value, &pos, &item)) {
		last = ks_http_name_eq(item, KS_STR("chunked"));
		chunked += last;
		items++;
	}
	if (items == 0)
		return ks_http1_bad(c, value.p, "empty Transfer-Encoding");
	if (last && chunked == 1 && items > 1)
		return ks_http1_fail(c, value.p, c->bad_status == 502 ? 502 : 501,
				     "transfer coding not implemented");
	return ks_http1_bad(c, value.p, "Transfer-Encoding is not chunked");
}

static int
transfer_encoding(struct ks_http1_cursor *c)
{
	const struct ks_http_field *field = ks_http1_first(c, KS_HTTP_TRANSFER_ENCODING);
	struct ks_str value = ks_http_field_value(c->head, field);

	if (c->twice & KS_HTTP_BIT(KS_HTTP_TRANSFER_ENCODING))
		return ks_http1_bad(c, value.p, "two Transfer-Encoding fields");
	if (c->seen & KS_HTTP_BIT(KS_HTTP_CONTENT_LENGTH))
		return ks_http1_bad(c, value.p, "Transfer-Encoding with Content-Length");
	if (c->head->minor == 0)
		return ks_http1_bad(c, value.p, "Transfer-Encoding in HTTP/1.0");
	if (!ks_http_name_eq(value, KS_STR("chunked")))
		return bad_coding(c, value);
	c->head->framing = KS_HTTP_BODY_CHUNKED;
	return 0;
}

int
ks_http1_framing(struct ks_http1_cursor *c)
{
	if (c->seen & KS_HTTP_BIT(KS_HTTP_TRANSFER_ENCODING))
		return transfer_encoding(c);
	if (c->seen & KS_HTTP_BIT(KS_HTTP_CONTENT_LENGTH))
		return content_length(c);
	return 0;
}

/* Fields for all recipients: "Connection: Authorization" would make the next hop lose what this one
 * has judged. RFC 9110 section 7.6.1 forbids such options to senders. */
#define END_TO_END_IDS                                                                           \
	(KS_HTTP_BIT(KS_HTTP_ACCEPT) | KS_HTTP_BIT(KS_HTTP_ACCEPT_ENCODING) |                    \
	 KS_HTTP_BIT(KS_HTTP_AUTHORIZATION) | KS_HTTP_BIT(KS_HTTP_CONTENT_ENCODING) |            \
	 KS_HTTP_BIT(KS_HTTP_CONTENT_LENGTH) | KS_HTTP_BIT(KS_HTTP_CONTENT_TYPE) |               \
	 KS_HTTP_BIT(KS_HTTP_COOKIE) | KS_HTTP_BIT(KS_HTTP_DATE) | KS_HTTP_BIT(KS_HTTP_EXPECT) | \
	 KS_HTTP_BIT(KS_HTTP_HOST) | KS_HTTP_BIT(KS_HTTP_IMPERSONATE_USER) |                     \
	 KS_HTTP_BIT(KS_HTTP_IMPERSONATE_GROUP) | KS_HTTP_BIT(KS_HTTP_IMPERSONATE_UID) |         \
	 KS_HTTP_BIT(KS_HTTP_SEC_WEBSOCKET_PROTOCOL) | KS_HTTP_BIT(KS_HTTP_USER_AGENT) |         \
	 KS_HTTP_BIT(KS_HTTP_TRANSFER_ENCODING) | KS_HTTP_BIT(KS_HTTP_X_REMOTE) |                \
	 KS_HTTP_BIT(KS_HTTP_X_FORWARDED_FOR) | KS_HTTP_BIT(KS_HTTP_X_FORWARDED))

static int
connection_option(struct ks_http1_cursor *c, struct ks_str option, struct ks_http1_connection *out)
{
	const char *end = option.p + option.n;

	if (ks_http_name_eq(option, KS_STR("keep-alive"))) {
		out->keep_alive = true;
	} else if (ks_http_name_eq(option, KS_STR("close"))) {
		out->close = true;
	} else if (ks_http_name_eq(option, KS_STR("upgrade"))) {
		out->upgrade = true;
	} else {
		if (ks_http_skip_class(option.p, end, KS_HTTP_CHAR_TOKEN) != end)
			return ks_http1_bad(c, option.p, "bad Connection option");
		if ((END_TO_END_IDS & KS_HTTP_BIT(ks_http_field_id(option.p, option.n))) ||
		    ks_http_name_impersonates(option))
			return ks_http1_bad(c, option.p, "Connection names an end-to-end field");
		c->head->connection_names = true;
	}
	return 0;
}

int
ks_http1_connection(struct ks_http1_cursor *c, struct ks_http1_connection *out)
{
	const struct ks_http_head *head = c->head;

	*out = (struct ks_http1_connection){0};
	for (uint32_t i = 0, options = 0; i < head->nfields; i++) {
		struct ks_str option;
		uint32_t pos = 0;

		if (head->fields[i].id != KS_HTTP_CONNECTION)
			continue;
		while (ks_http_list_next(ks_http_field_value(head, &head->fields[i]), &pos,
					 &option)) {
			int rc = connection_option(c, option, out);

			if (rc == 0 && ++options > CONNECTION_OPTIONS_MAX)
				rc = ks_http1_bad(c, option.p, "too many Connection options");
			if (rc < 0)
				return rc;
		}
	}
	return 0;
}
