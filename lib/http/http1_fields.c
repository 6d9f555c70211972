/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Field lines of a head: field-line = field-name ":" OWS field-value OWS (RFC 9112 section 5).
 *
 * Refused: white space before the colon (5.1), obs-fold (5.2), bare CR and bare LF (2.2), NUL and
 * other control characters (RFC 9110 section 5.5), names that are no token (5.6.2). Thread: pure
 * functions over the caller's memory.
 */
#include <errno.h>

#include "http1.h"
#include "http_field.h"
#include "http_scan.h"

ks_cold int
ks_http1_fail(const struct ks_http1_cursor *c, const char *at, uint16_t status, const char *text)
{
	*c->err = (struct ks_http_error){
		.text = text,
		.status = status,
		.offset = (uint32_t)(at - c->head->base),
	};
	return -EBADMSG;
}

ks_cold int
ks_http1_bad(const struct ks_http1_cursor *c, const char *at, const char *text)
{
	return ks_http1_fail(c, at, c->bad_status, text);
}

ks_cold int
ks_http1_over(const struct ks_http1_cursor *c, const char *at, uint16_t status, const char *text)
{
	ks_http1_fail(c, at, c->bad_status == 502 ? 502 : status, text);
	return -E2BIG;
}

int
ks_http1_begin(struct ks_http1_cursor *c, const char *buf, uint32_t len, uint32_t max)
{
	struct ks_http_head *head = c->head;

	memset(head, 0, offsetof(struct ks_http_head, fields));
	head->base = buf;
	head->bytes = len;
	c->p = buf;
	c->end = buf + len;
	if (len > max)
		return ks_http1_over(c, buf, 431, "head too large");
	if (len == 0 || buf[len - 1] != '\n')
		return ks_http1_bad(c, buf, "head without an end");
	return 0;
}

/* Names what stands where an element should have ended. */
static ks_cold int
bad_text(const struct ks_http1_cursor *c, const char *at)
{
	switch (*at) {
	case '\0':
		return ks_http1_bad(c, at, "NUL");
	case '\n':
		return ks_http1_bad(c, at, "bare LF");
	case '\r':
		return ks_http1_bad(c, at, "bare CR");
	default:
		return ks_http1_bad(c, at,
				    ks_http_is_control(*at) ? "control character"
							    : "bytes where the line must end");
	}
}

int
ks_http1_line_end(struct ks_http1_cursor *c)
{
	if (ks_unlikely(c->end - c->p < 2 || c->p[0] != '\r' || c->p[1] != '\n'))
		return c->p == c->end ? ks_http1_bad(c, c->p, "head without an end")
				      : bad_text(c, c->p);
	c->p += 2;
	return 0;
}

static ks_cold int
bad_version(const struct ks_http1_cursor *c)
{
	const char *p = c->p;

	/* Of the form HTTP/digit.digit it is a version, only not ours (RFC 9110 section 15.6.6). */
	if (c->end - p >= 8 && memcmp(p, "HTTP/", 5) == 0 && p[5] >= '0' && p[5] <= '9' &&
	    p[6] == '.' && p[7] >= '0' && p[7] <= '9')
		return ks_http1_fail(c, p, c->bad_status == 502 ? 502 : 505,
				     "HTTP version not supported");
	return ks_http1_bad(c, p, "bad HTTP version");
}

int
ks_http1_version(struct ks_http1_cursor *c)
{
	if (ks_unlikely(c->end - c->p < 8 || memcmp(c->p, "HTTP/1.", 7) != 0 ||
			(c->p[7] != '1' && c->p[7] != '0')))
		return bad_version(c);
	c->head->minor = (uint8_t)(c->p[7] - '0');
	c->p += 8;
	return 0;
}

static ks_cold int
bad_name(const struct ks_http1_cursor *c, const char *name, const char *stop)
{
	if (stop == name && (*name == ' ' || *name == '\t'))
		return ks_http1_bad(c, name,
				    c->head->nfields == 0 ? "white space before first field"
							  : "obs-fold");
	if (stop == name && *name == ':')
		return ks_http1_bad(c, name, "empty field name");
	if (*stop == ' ' || *stop == '\t')
		return ks_http1_bad(c, stop, "space before colon");
	if (*stop == '\r' || *stop == '\n')
		return *stop == '\r' && stop[1] == '\n'
			       ? ks_http1_bad(c, stop, "field line without colon")
			       : bad_text(c, stop);
	return ks_http1_bad(c, stop, "bad character in field name");
}

static int
field_line(struct ks_http1_cursor *c, struct ks_http_field *field)
{
	const char *name = c->p, *base = c->head->base, *value, *end;
	const char *colon = ks_http_skip_class(name, c->end, KS_HTTP_CHAR_TOKEN);

	if (ks_unlikely(*colon != ':' || colon == name))
		return bad_name(c, name, colon);
	if (ks_unlikely(colon - name > UINT16_MAX))
		return ks_http1_over(c, name, 431, "field name too long");
	for (value = colon + 1; *value == ' ' || *value == '\t';)
		value++;
	end = ks_http_skip_text(value, c->end);
	c->p = end;
	if (ks_unlikely(end[0] != '\r' || end[1] != '\n'))
		return bad_text(c, end);
	c->p += 2;
	while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	field->name_off = (uint32_t)(name - base);
	field->name_len = (uint16_t)(colon - name);
	field->value_off = (uint32_t)(value - base);
	field->value_len = (uint32_t)(end - value);
	field->id = (uint16_t)ks_http_field_id(name, field->name_len);
	return 0;
}

int
ks_http1_fields(struct ks_http1_cursor *c, uint16_t max)
{
	struct ks_http_head *head = c->head;
	int rc;

	while (c->p < c->end && *c->p != '\r') {
		struct ks_http_field *field = &head->fields[head->nfields];

		if (ks_unlikely(head->nfields == KS_MIN(max, KS_HTTP_FIELDS_MAX)))
			return ks_http1_over(c, c->p, 431, "too many fields");
		rc = field_line(c, field);
		if (ks_unlikely(rc < 0))
			return rc;
		head->nfields++;
		c->twice |= c->seen & KS_HTTP_BIT(field->id);
		c->seen |= KS_HTTP_BIT(field->id);
	}
	rc = ks_http1_line_end(c);
	if (rc == 0 && c->p != c->end)
		rc = ks_http1_bad(c, c->p, "bytes after the head");
	return rc;
}

const struct ks_http_field *
ks_http1_first(const struct ks_http1_cursor *c, uint16_t id)
{
	const struct ks_http_field *field = c->head->fields;

	while (field->id != id)
		field++;
	return field;
}
