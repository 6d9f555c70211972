/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a request carries its token: as the API server's bearer-token and WebSocket-protocol
 * authenticators look for it. What they would read differently from other readers is refused: two
 * fields, a second space, two tokens in two places.
 * RFC 6750 section 2.1, RFC 9110 section 11.4.
 * Thread: pure functions over the caller's memory.
 */
#include <emmintrin.h>
#include <errno.h>

#include "ks_codec.h"
#include "token.h"

#define PROTOCOL_PREFIX "base64url.bearer.authorization.k8s.io."

bool
ks_token_visible(struct ks_str text)
{
	const __m128i first = _mm_set1_epi8(0x21), del = _mm_set1_epi8(0x7f);
	uint32_t i = 0;

	for (; text.n - i >= 16; i += 16) {
		__m128i v = _mm_loadu_si128((const void *)(text.p + i));

		if (_mm_movemask_epi8(
			    _mm_or_si128(_mm_cmplt_epi8(v, first), _mm_cmpeq_epi8(v, del))) != 0)
			return false;
	}
	for (; i < text.n; i++)
		if (text.p[i] < 0x21 || text.p[i] == 0x7f)
			return false;
	return true;
}

static bool
same_word(struct ks_str a, const char *small)
{
	return a.n == strlen(small) && strncasecmp(a.p, small, a.n) == 0;
}

/* Other schemes, and "Bearer" without a token, count for nothing at the API server. */
static int
from_authorization(struct ks_str value, struct ks_str *token)
{
	const char *space = value.n > 0 ? memchr(value.p, ' ', value.n) : NULL;
	struct ks_str scheme = {value.p, space == NULL ? value.n : (uint32_t)(space - value.p)};

	if (!ks_token_visible(scheme))
		return -EBADMSG;
	if (space == NULL || !same_word(scheme, "bearer"))
		return 0;
	*token = (struct ks_str){space + 1, value.n - scheme.n - 1};
	return ks_token_visible(*token) ? 0 : -EBADMSG;
}

static bool
trim_next(struct ks_str list, uint32_t *pos, struct ks_str *item)
{
	const char *p = list.p + *pos, *end = list.p + list.n, *comma;

	if (*pos >= list.n)
		return false;
	comma = memchr(p, ',', (size_t)(end - p));
	end = comma == NULL ? end : comma;
	*pos = (uint32_t)(end - list.p) + 1;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	while (end > p && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*item = (struct ks_str){p, (uint32_t)(end - p)};
	return true;
}

static int
decode_protocol(struct ks_str item, char *buf, struct ks_str *token)
{
	struct ks_str text = {item.p + sizeof(PROTOCOL_PREFIX) - 1,
			      item.n - (uint32_t)(sizeof(PROTOCOL_PREFIX) - 1)};
	int n;

	if (memchr(text.p, '+', text.n) != NULL || memchr(text.p, '/', text.n) != NULL ||
	    memchr(text.p, '=', text.n) != NULL)
		return -EBADMSG;
	n = ks_base64_decode(text, buf, KS_TOKEN_BYTES_MAX);
	if (n < 0)
		return -EBADMSG;
	*token = (struct ks_str){buf, (uint32_t)n};
	return ks_token_visible(*token) ? 0 : -EBADMSG;
}

struct protocols {
	char *buf;
	struct ks_str token;
	uint32_t tokens;
	uint32_t others;
};

static int
read_protocols(struct ks_str list, struct protocols *found)
{
	struct ks_str item;
	uint32_t pos = 0;

	while (trim_next(list, &pos, &item)) {
		int rc;

		if (!ks_str_starts(item, PROTOCOL_PREFIX)) {
			found->others++;
			continue;
		}
		if (found->tokens++ > 0)
			return -EBADMSG;
		rc = decode_protocol(item, found->buf, &found->token);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Only in a WebSocket handshake, and beside another protocol that the server can choose. */
static ks_noinline int
from_protocols(const struct ks_http_head *head, struct ks_token *token)
{
	struct protocols found = {.buf = token->buf};

	if (!head->upgrade || !same_word(ks_http_find(head, KS_HTTP_UPGRADE), "websocket"))
		return 0;
	for (uint32_t i = 0; i < head->nfields; i++) {
		int rc = 0;

		if (head->fields[i].id == KS_HTTP_SEC_WEBSOCKET_PROTOCOL)
			rc = read_protocols(ks_http_field_value(head, &head->fields[i]), &found);
		if (rc < 0)
			return rc;
	}
	if (found.token.n == 0)
		return 0;
	if (found.others == 0 || token->text.n > 0)
		return -EBADMSG;
	token->text = found.token;
	return 0;
}

int
ks_token_find(const struct ks_http_head *head, struct ks_token *token)
{
	uint32_t authorizations = 0, protocols = 0;

	token->text = (struct ks_str){NULL, 0};
	for (uint32_t i = 0; i < head->nfields; i++) {
		const struct ks_http_field *field = &head->fields[i];

		protocols += field->id == KS_HTTP_SEC_WEBSOCKET_PROTOCOL;
		if (field->id != KS_HTTP_AUTHORIZATION)
			continue;
		if (authorizations++ > 0)
			return -EBADMSG;
		int rc = from_authorization(ks_http_field_value(head, field), &token->text);

		if (rc < 0)
			return rc;
	}
	return ks_unlikely(protocols > 0) ? from_protocols(head, token) : 0;
}
