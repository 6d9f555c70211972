/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The request as the API server gets it: written anew from what was parsed, with the identity that
 * we have established and none that the client claims by header. Source: RFC 9110 section 7.6.1
 * (hop-by-hop), Kubernetes "authenticating proxy". Thread: the TERMINATE owner.
 */
#include "proxy_int.h"

/** Fields that only we may write, besides the hop-by-hop ones. */
static bool
is_ours(const struct ks_http_field *field, enum ks_upstream_class class)
{
	switch (field->id) {
	case KS_HTTP_CONTENT_LENGTH:
	case KS_HTTP_TRANSFER_ENCODING:
	case KS_HTTP_EXPECT:
	case KS_HTTP_X_REMOTE:
	case KS_HTTP_X_FORWARDED_FOR:
	case KS_HTTP_X_FORWARDED:
		return true;
	case KS_HTTP_AUTHORIZATION:
		return class == KS_UPSTREAM_FRONT;
	default:
		return false;
	}
}

static void
write_client_fields(struct ks_http1_writer *w, const struct ks_http_head *head,
		    enum ks_upstream_class class)
{
	for (uint16_t i = 0; i < head->nfields; i++) {
		const struct ks_http_field *field = &head->fields[i];

		if (is_ours(field, class) || ks_http_field_is_hop(head, field))
			continue;
		ks_http1_write_field(w, ks_http_field_name(head, field),
				     ks_http_field_value(head, field));
	}
}

static void
write_identity(struct ks_http1_writer *w, const struct ks_principal *p)
{
	const char *group = p->groups;

	ks_http1_write_field(w, KS_STR("X-Remote-User"), (struct ks_str){p->name, strlen(p->name)});
	for (; *group != '\0'; group += strlen(group) + 1)
		ks_http1_write_field(w, KS_STR("X-Remote-Group"),
				     (struct ks_str){group, strlen(group)});
}

static void
write_source(struct ks_http1_writer *w, const struct ks_addr *source)
{
	char text[KS_ADDR_TEXT_BYTES];

	ks_addr_format(source, text);
	ks_http1_write_field(w, KS_STR("X-Forwarded-For"), (struct ks_str){text, strlen(text)});
}

/** An empty body is said too where a body is usual (RFC 9110 section 8.6). */
static bool
says_length(const struct ks_exchange *ex)
{
	return ex->body_bytes > 0 || ex->head.framing != KS_HTTP_BODY_NONE ||
	       ks_str_is(ks_http_method(&ex->head), "POST") ||
	       ks_str_is(ks_http_method(&ex->head), "PUT") ||
	       ks_str_is(ks_http_method(&ex->head), "PATCH");
}

int
forward_head(struct upstream *up, const struct ks_exchange *ex)
{
	struct ks_http1_writer w;

	ks_http1_write_request(&w, &up->leg.plain_out, ks_http_method(&ex->head),
			       ks_http_target(&ex->head));
	/* HTTP/1.0 need not name a host; the request that we write is HTTP/1.1. */
	if (ks_http_find(&ex->head, KS_HTTP_HOST).p == NULL)
		ks_http1_write_field(&w, KS_STR("Host"), KS_STR("kubernetes"));
	write_client_fields(&w, &ex->head, up->class);
	if (up->class == KS_UPSTREAM_FRONT)
		write_identity(&w, &ex->principal);
	write_source(&w, &ex->source);
	if (says_length(ex))
		ks_http1_write_field_u64(&w, KS_STR("Content-Length"), ex->body_bytes);
	return ks_http1_write_end(&w);
}

void
forward_body(struct upstream *up, const struct ks_exchange *ex)
{
	uint32_t room = ks_leg_room(&up->leg);
	uint32_t n = KS_MIN(room, ex->body_bytes - up->body_sent);

	if (n == 0 || ex->body == NULL)
		return;
	if (ks_chain_append(&up->leg.plain_out, ex->body + up->body_sent, n) != 0) {
		up->leg.starved = true;
		return;
	}
	up->body_sent += n;
}
