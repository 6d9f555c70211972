/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Response heads: status-line = HTTP-version SP status-code SP [ reason-phrase ] (RFC 9112 section
 * 4), and the length of the body (6.3). What an upstream server gets wrong is a 502 for the client.
 * Thread: pure functions over the caller's memory.
 */
#include "http1.h"
#include "http_scan.h"

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Three digits and the space, which stands there even when no reason follows. */
static int
status_code(struct ks_http1_cursor *c)
{
	const char *p = c->p;

	if (c->end - p < 4 || !is_digit(p[0]) || !is_digit(p[1]) || !is_digit(p[2]))
		return ks_http1_bad(c, p, "bad status code");
	if (p[0] < '1' || p[0] > '5')
		return ks_http1_bad(c, p, "status code out of range");
	if (p[3] != ' ')
		return ks_http1_bad(c, p + 3, "no space after the status code");
	c->head->status = (uint16_t)((p[0] - '0') * 100 + (p[1] - '0') * 10 + (p[2] - '0'));
	c->p = p + 4;
	return 0;
}

static int
status_line(struct ks_http1_cursor *c)
{
	int rc = ks_http1_version(c);

	if (rc < 0)
		return rc;
	if (*c->p != ' ')
		return ks_http1_bad(c, c->p, "no space after the version");
	c->p++;
	rc = status_code(c);
	if (rc < 0)
		return rc;
	const char *end = ks_http_skip_text(c->p, c->end);

	c->head->reason_off = (uint32_t)(c->p - c->head->base);
	c->head->reason_len = (uint32_t)(end - c->p);
	c->p = end;
	return ks_http1_line_end(c);
}

/* RFC 9112 section 6.3 rules 1, 4, 6 and 8. The framing fields were checked before, even where they
 * do not count: a server that cannot frame is not trusted with the next message. */
static void
body_length(struct ks_http_head *head, bool to_head)
{
	uint16_t status = head->status;

	if (to_head || status < 200 || status == 204 || status == 304)
		head->framing = KS_HTTP_BODY_NONE;
	else if (head->framing == KS_HTTP_BODY_NONE)
		head->framing = KS_HTTP_BODY_UNTIL_CLOSE;
}

static int
response_semantics(struct ks_http1_cursor *c, bool to_head)
{
	struct ks_http1_connection connection = {0};
	struct ks_http_head *head = c->head;
	int rc = ks_http1_framing(c);

	if (rc == 0 && (c->seen & KS_HTTP_BIT(KS_HTTP_CONNECTION)))
		rc = ks_http1_connection(c, &connection);
	if (rc < 0)
		return rc;
	body_length(head, to_head);
	head->keep_alive = !connection.close && (head->minor != 0 || connection.keep_alive) &&
			   head->framing != KS_HTTP_BODY_UNTIL_CLOSE;
	head->upgrade = head->status == 101 ||
			(connection.upgrade && (c->seen & KS_HTTP_BIT(KS_HTTP_UPGRADE)) != 0);
	return 0;
}

int
ks_http1_response_parse(const char *buf, uint32_t len, const struct ks_http_limits *limits,
			bool to_head, struct ks_http_head *head, struct ks_http_error *err)
{
	struct ks_http1_cursor c = {.head = head, .err = err, .bad_status = 502};
	int rc = ks_http1_begin(&c, buf, len, limits->head_bytes);

	if (rc == 0)
		rc = status_line(&c);
	if (rc == 0)
		rc = ks_http1_fields(&c, limits->fields);
	if (rc == 0)
		rc = response_semantics(&c, to_head);
	return rc;
}
