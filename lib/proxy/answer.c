/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answers that the gateway makes itself: a Kubernetes Status, which kubectl and client-go show
 * well. Source: Kubernetes API conventions, "Response Status Kind". Thread: the TERMINATE owner.
 */
#include "proxy_int.h"

#include <stdio.h>

#define STATUS_BYTES 2048

static size_t
status_json(char *out, size_t cap, const struct answer *a)
{
	char message[1024], details[64] = "";
	size_t n = ks_json_escape((struct ks_str){a->message, strlen(a->message)}, message,
				  sizeof(message) - 1);

	message[n] = '\0';
	if (a->retry_after_s > 0)
		snprintf(details, sizeof(details), "\"details\":{\"retryAfterSeconds\":%u},",
			 a->retry_after_s);
	return snprintf(out, cap,
			"{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},"
			"\"status\":\"Failure\",\"message\":\"%s\",\"reason\":\"%s\",%s"
			"\"code\":%u}\n",
			message, a->reason, details, a->code);
}

static int
answer_write(struct session *s, const struct answer *a, bool head_only)
{
	char body[STATUS_BYTES];
	size_t n = status_json(body, sizeof(body), a);
	struct ks_http1_writer w;
	int rc;

	ks_http1_write_status(&w, &s->leg.plain_out, a->code);
	ks_http1_write_field(&w, KS_STR("Content-Type"), KS_STR("application/json"));
	ks_http1_write_field_u64(&w, KS_STR("Content-Length"), n);
	if (a->retry_after_s > 0)
		ks_http1_write_field_u64(&w, KS_STR("Retry-After"), a->retry_after_s);
	if (s->close_after)
		ks_http1_write_field(&w, KS_STR("Connection"), KS_STR("close"));
	rc = ks_http1_write_end(&w);
	if (rc == 0 && !head_only)
		rc = ks_chain_append(&s->leg.plain_out, body, n);
	return rc;
}

static void
answer_send(struct session *s, const struct answer *a, bool head_only)
{
	s->close_after |= a->close;
	/* Without memory for an answer the end of the connection is the answer. */
	if (answer_write(s, a, head_only) != 0)
		s->close_after = true;
	session_next(s);
}

void
answer_status(struct session *s, const struct answer *a)
{
	answer_send(s, a, false);
}

void
answer_status_for(struct session *s, const struct ks_exchange *ex, const struct answer *a)
{
	answer_send(s, a, ks_str_is(ks_http_method(&ex->head), "HEAD"));
}

void
answer_unavailable(struct session *s, const struct answer *a, enum ks_exchange_end end)
{
	struct ks_exchange *ex = s->ex;

	s->ex = NULL;
	ex->status = a->code;
	answer_status_for(s, ex, a);
	proxy_exchange_end(s->proxy, ex, end);
}
