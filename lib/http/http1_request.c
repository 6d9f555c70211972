/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Request heads: request-line = method SP request-target SP HTTP-version, Host, Expect, Upgrade.
 * RFC 9112 sections 2.2, 3, 3.2 and 3.3; RFC 9110 sections 7.2, 7.8, 9.1 and 10.1.1.
 *
 * Refused with 501: methods that no Kubernetes API serves (CONNECT and TRACE among them). The query
 * may hold printable characters that RFC 3986 wants encoded, as browsers send them: they are
 * unambiguous and the inspection shall see them. The path may not. Thread: pure functions over the
 * caller's memory.
 */
#include <errno.h>

#include "http1.h"
#include "http_field.h"
#include "http_scan.h"

/* The method at the cursor with the space after it. Unknown ones are refused only after the version
 * was looked at: the HTTP/2 preface deserves its 505. */
static int
method(struct ks_http1_cursor *c)
{
	const char *start = c->p, *end = ks_http_skip_class(start, c->end, KS_HTTP_CHAR_TOKEN);

	if (ks_unlikely(end == start))
		return ks_http1_bad(c, start,
				    *start == '\r' || *start == '\n' ? "empty request line"
								     : "bad method");
	if (ks_unlikely(*end != ' '))
		return ks_http1_bad(c, end, "bad character in method");
	c->head->method_off = (uint32_t)(start - c->head->base);
	c->head->method_len = (uint32_t)(end - start);
	c->p = end + 1;
	return 0;
}

static bool
method_known(struct ks_str name)
{
	switch (name.n) {
	case 3:
		return memcmp(name.p, "GET", 3) == 0 || memcmp(name.p, "PUT", 3) == 0;
	case 4:
		return memcmp(name.p, "POST", 4) == 0 || memcmp(name.p, "HEAD", 4) == 0;
	case 5:
		return memcmp(name.p, "PATCH", 5) == 0;
	case 6:
		return memcmp(name.p, "DELETE", 6) == 0;
	case 7:
		return memcmp(name.p, "OPTIONS", 7) == 0;
	default:
		return false;
	}
}

static ks_cold int
bad_target(const struct ks_http1_cursor *c, const char *at)
{
	if (*at == '#')
		return ks_http1_bad(c, at, "fragment in target");
	if ((uint8_t)*at >= 0x80)
		return ks_http1_bad(c, at, "non-ASCII byte in target");
	if (*at == '\r' && at[1] == '\n')
		return ks_http1_bad(c, at, "request line without version");
	return ks_http1_bad(c, at, "control character in target");
}

/* The target's bytes, whatever its form, with the space after it. */
static int
target(struct ks_http1_cursor *c, uint32_t max)
{
	const char *start = c->p, *end = ks_http_skip_visible(start, c->end);

	if (ks_unlikely(*end != ' '))
		return bad_target(c, end);
	if (ks_unlikely(end == start))
		return ks_http1_bad(c, start, "empty target");
	if (ks_unlikely((uint64_t)(end - start) > max))
		return ks_http1_over(c, start, 414, "target too long");
	c->head->target_off = (uint32_t)(start - c->head->base);
	c->head->target_len = (uint32_t)(end - start);
	c->p = end + 1;
	return 0;
}

/* Path characters up to the query or the end. */
static int
path_check(struct ks_http1_cursor *c)
{
	struct ks_str path = ks_http_target(c->head);
	const char *end = path.p + path.n;
	const char *stop = ks_http_skip_class(path.p, end, KS_HTTP_CHAR_PATH);

	if (ks_unlikely(stop != end && *stop != '?'))
		return ks_http1_bad(c, stop, "bad character in path");
	return 0;
}

static bool
scheme_is(struct ks_str text, const char *scheme)
{
	uint32_t n = (uint32_t)strlen(scheme);

	return text.n >= n &&
	       ks_http_name_eq((struct ks_str){text.p, n}, (struct ks_str){scheme, n});
}

/* Absolute-form: its authority must say the same as Host, of which RFC 9112 section 3.2.2 wants it
 * to win; a client whose two words differ is not believed at all. */
static ks_noinline int
absolute_form(struct ks_http1_cursor *c, struct ks_str *authority)
{
	struct ks_http_head *head = c->head;
	struct ks_str text = ks_http_target(head);
	uint32_t start = scheme_is(text, "https://") ? 8 : scheme_is(text, "http://") ? 7 : 0;
	uint32_t i;

	if (start == 0)
		return ks_http1_bad(c, text.p, "bad target form");
	for (i = start; i < text.n && text.p[i] != '/' && text.p[i] != '?';)
		i++;
	*authority = (struct ks_str){text.p + start, i - start};
	if (i < text.n && text.p[i] == '?')
		return ks_http1_bad(c, text.p + i, "absolute target without path");
	/* Without a path the path is "/" (RFC 9112 section 3.2.1): the slash before the authority
	 * serves. */
	if (i == text.n)
		i = start - 1;
	head->target_off += i;
	head->target_len = i < start ? 1 : text.n - i;
	return path_check(c);
}

/* @param authority of an absolute-form target; else stays empty with p == NULL. */
static int
target_form(struct ks_http1_cursor *c, struct ks_str *authority)
{
	struct ks_str text = ks_http_target(c->head);

	if (ks_likely(text.p[0] == '/'))
		return path_check(c);
	if (ks_str_is(text, "*")) {
		if (ks_str_is(ks_http_method(c->head), "OPTIONS"))
			return 0;
		return ks_http1_bad(c, text.p, "asterisk-form without OPTIONS");
	}
	return absolute_form(c, authority);
}

static int
request_line(struct ks_http1_cursor *c, const struct ks_http_limits *limits,
	     struct ks_str *authority)
{
	int rc;

	/* One empty line before the request line is forgiven (RFC 9112 section 2.2). */
	if (c->end - c->p >= 2 && c->p[0] == '\r' && c->p[1] == '\n')
		c->p += 2;
	if (ks_unlikely(c->p == c->end))
		return ks_http1_bad(c, c->p, "empty request line");
	rc = method(c);
	if (rc == 0)
		rc = target(c, limits->target_bytes);
	if (rc == 0)
		rc = ks_http1_version(c);
	if (ks_unlikely(rc < 0))
		return rc;
	if (ks_unlikely(!method_known(ks_http_method(c->head))))
		return ks_http1_fail(c, ks_http_method(c->head).p, 501, "method not implemented");
	rc = ks_http1_line_end(c);
	return rc < 0 ? rc : target_form(c, authority);
}

/* "[" IPv6 "]": only the characters are checked, nobody here resolves it. */
static const char *
skip_bracketed(const char *p, const char *end)
{
	const char *start = p++;

	while (p < end && ((*p >= '0' && *p <= '9') || ((*p | 0x20) >= 'a' && (*p | 0x20) <= 'f') ||
			   *p == ':' || *p == '.'))
		p++;
	return p < end && *p == ']' && p - start > 2 ? p + 1 : start;
}

/*
 * Host = uri-host [ ":" port ]. Of RFC 3986's registered names only what can be a DNS name is
 * taken; sub-delims and percent-encoding have no meaning there that two parties would agree on.
 */
static bool
host_valid(struct ks_str host)
{
	const char *end = host.p + host.n, *p = host.p;
	uint32_t port = 0;

	if (host.n == 0)
		return false;
	p = *p == '[' ? skip_bracketed(p, end) : ks_http_skip_class(p, end, KS_HTTP_CHAR_HOST);
	if (p == host.p)
		return false;
	if (p == end)
		return true;
	if (*p != ':' || p + 1 == end || end - p > 6)
		return false;
	while (++p < end) {
		if (*p < '0' || *p > '9')
			return false;
		port = port * 10 + (uint32_t)(*p - '0');
	}
	return port <= UINT16_MAX;
}

static int
host_check(struct ks_http1_cursor *c, struct ks_str authority)
{
	struct ks_str host;

	if (!(c->seen & KS_HTTP_BIT(KS_HTTP_HOST))) {
		if (c->head->minor == 0 && authority.p == NULL)
			return 0;
		return ks_http1_bad(c, c->head->base, "no Host");
	}
	host = ks_http_field_value(c->head, ks_http1_first(c, KS_HTTP_HOST));
	if (c->twice & KS_HTTP_BIT(KS_HTTP_HOST))
		return ks_http1_bad(c, host.p, "two Host fields");
	if (!host_valid(host))
		return ks_http1_bad(c, host.p, "bad Host");
	if (authority.p != NULL && !ks_http_name_eq(authority, host))
		return ks_http1_bad(c, authority.p, "target and Host differ");
	return 0;
}

/* An expectation in HTTP/1.0 is ignored, one without a body needs no answer (RFC 9110 10.1.1). */
static ks_noinline int
expect(struct ks_http1_cursor *c)
{
	struct ks_http_head *head = c->head;

	for (uint32_t i = 0; i < head->nfields; i++) {
		struct ks_str value = ks_http_field_value(head, &head->fields[i]);

		if (head->fields[i].id == KS_HTTP_EXPECT && head->minor != 0 &&
		    !ks_http_name_eq(value, KS_STR("100-continue")))
			return ks_http1_fail(c, value.p, 417, "unknown expectation");
	}
	head->expect_continue = head->minor != 0 &&
				(head->framing == KS_HTTP_BODY_CHUNKED || head->content_length > 0);
	return 0;
}

static int
request_semantics(struct ks_http1_cursor *c, struct ks_str authority)
{
	struct ks_http1_connection connection = {0};
	struct ks_http_head *head = c->head;
	int rc = host_check(c, authority);

	if (rc == 0)
		rc = ks_http1_framing(c);
	if (rc == 0 && (c->seen & KS_HTTP_BIT(KS_HTTP_CONNECTION)))
		rc = ks_http1_connection(c, &connection);
	if (rc == 0 && (c->seen & KS_HTTP_BIT(KS_HTTP_EXPECT)))
		rc = expect(c);
	if (ks_unlikely(rc < 0))
		return rc;
	head->keep_alive = !connection.close && (head->minor != 0 || connection.keep_alive);
	/* RFC 9110 section 7.8: not in HTTP/1.0, and only when Connection names it. */
	head->upgrade = connection.upgrade && head->minor != 0 &&
			(c->seen & KS_HTTP_BIT(KS_HTTP_UPGRADE)) != 0;
	return 0;
}

int
ks_http1_request_parse(const char *buf, uint32_t len, const struct ks_http_limits *limits,
		       struct ks_http_head *head, struct ks_http_error *err)
{
	struct ks_http1_cursor c = {.head = head, .err = err, .bad_status = 400};
	struct ks_str authority = {NULL, 0};
	int rc = ks_http1_begin(&c, buf, len, limits->head_bytes);

	if (rc == 0)
		rc = request_line(&c, limits, &authority);
	if (rc == 0)
		rc = ks_http1_fields(&c, limits->fields);
	if (rc == 0)
		rc = request_semantics(&c, authority);
	return rc;
}
