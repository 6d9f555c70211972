/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who asks: certificate, token, impersonation; in the API server's order, where a verified
 * certificate wins over any token.
 *
 * Names are never cut: a shortened name is somebody else's. They travel upstream in fields, so
 * names that would change on that way (control characters, white space at the ends) are refused.
 * Thread: pure functions over the caller's memory.
 */
#include <errno.h>
#include <stdio.h>

#include "ks_kube.h"
#include "token.h"

#define ANONYMOUS "system:anonymous"
#define ACCOUNT_PREFIX "system:serviceaccount:"
#define LEGACY_ISSUER "kubernetes/serviceaccount"
#define BOOTSTRAP_PREFIX "system:bootstrap:"
#define BOOTSTRAP_ID_BYTES 6

static void
anonymous(struct ks_principal *out)
{
	memset(out, 0, sizeof(*out));
	out->kind = KS_PRINCIPAL_ANONYMOUS;
	memcpy(out->name, ANONYMOUS, sizeof(ANONYMOUS));
}

static bool
name_safe(struct ks_str name)
{
	if (name.n == 0 || name.p[0] == ' ' || name.p[name.n - 1] == ' ')
		return false;
	for (uint32_t i = 0; i < name.n; i++)
		if ((uint8_t)name.p[i] < 0x20 || name.p[i] == 0x7f)
			return false;
	return true;
}

static struct ks_str
str_of(const char *text, size_t cap)
{
	return (struct ks_str){text, (uint32_t)strnlen(text, cap)};
}

static int
add_groups(const struct ks_tls_peer *peer, struct ks_principal *out)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < KS_MIN(peer->norgs, (uint32_t)KS_TLS_ORGS_MAX); i++) {
		struct ks_str org = str_of(peer->orgs[i], sizeof(peer->orgs[i]));

		if (org.n == 0)
			continue;
		if (!name_safe(org))
			return -EBADMSG;
		/* its end and the empty name that ends the list */
		if (at + org.n + 2 > sizeof(out->groups))
			return -E2BIG;
		memcpy(out->groups + at, org.p, org.n);
		at += org.n + 1;
	}
	return 0;
}

/* Expiry is looked at here, at every request: connections live longer than certificates. */
static bool
certificate_counts(const struct ks_tls_peer *peer, uint64_t now_s)
{
	return peer != NULL && peer->verdict == KS_TLS_PEER_VERIFIED && peer->cn[0] != '\0' &&
	       now_s <= peer->not_after_s;
}

static int
from_certificate(const struct ks_tls_peer *peer, struct ks_principal *out)
{
	struct ks_str cn = str_of(peer->cn, sizeof(peer->cn));

	if (cn.n >= sizeof(out->name) || !name_safe(cn))
		return -EBADMSG;
	memcpy(out->name, cn.p, cn.n);
	out->name[cn.n] = '\0';
	out->kind = KS_PRINCIPAL_CERT;
	out->proven = true;
	return add_groups(peer, out);
}

/* "NS:NAME": nothing else may hide in a name that is used as a key. */
static bool
account_parts(struct ks_str rest, struct ks_str *ns, struct ks_str *name)
{
	const char *colon = memchr(rest.p, ':', rest.n);

	if (colon == NULL)
		return false;
	*ns = (struct ks_str){rest.p, (uint32_t)(colon - rest.p)};
	*name = (struct ks_str){colon + 1, rest.n - ns->n - 1};
	for (uint32_t i = 0; i < rest.n; i++) {
		char c = rest.p[i];

		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.') &&
		    rest.p + i != colon)
			return false;
	}
	return ns->n > 0 && name->n > 0;
}

static bool
agrees(const char *claim, struct ks_str with)
{
	return claim[0] == '\0' || ks_str_is(with, claim);
}

/* @return false when subject and claims are not of one piece: then the token says nothing. */
static bool
from_account(const struct ks_token_claims *claims, struct ks_principal *out)
{
	struct ks_str sub = str_of(claims->sub, sizeof(claims->sub)), ns, name;
	uint32_t prefix = sizeof(ACCOUNT_PREFIX) - 1;

	if (!account_parts((struct ks_str){sub.p + prefix, sub.n - prefix}, &ns, &name) ||
	    !agrees(claims->ns, ns) || !agrees(claims->account, name))
		return false;
	memcpy(out->name, claims->sub, sizeof(out->name));
	memcpy(out->pod, claims->pod, sizeof(out->pod));
	memcpy(out->pod_uid, claims->pod_uid, sizeof(out->pod_uid));
	memcpy(out->node, claims->node, sizeof(out->node));
	out->kind = KS_PRINCIPAL_SERVICE_ACCOUNT;
	return true;
}

static bool
from_issuer(const struct ks_token_claims *claims, struct ks_principal *out)
{
	int n;

	if (claims->iss[0] == '\0' || claims->sub[0] == '\0')
		return false;
	n = snprintf(out->name, sizeof(out->name), "%s#%s", claims->iss, claims->sub);
	out->kind = KS_PRINCIPAL_OIDC;
	return n > 0 && (size_t)n < sizeof(out->name);
}

static bool
is_account(const struct ks_identity_config *config, const struct ks_token_claims *claims)
{
	if (strncmp(claims->sub, ACCOUNT_PREFIX, sizeof(ACCOUNT_PREFIX) - 1) != 0)
		return false;
	return config->service_account_issuer == NULL ||
	       strcmp(claims->iss, config->service_account_issuer) == 0 ||
	       strcmp(claims->iss, LEGACY_ISSUER) == 0;
}

static bool
from_claims(const struct ks_identity_config *config, struct ks_str token, struct ks_principal *out)
{
	struct ks_token_claims claims;

	if (ks_token_claims_read(token, &claims) < 0)
		return false;
	out->token_exp_s = claims.exp_s;
	return is_account(config, &claims) ? from_account(&claims, out) : from_issuer(&claims, out);
}

static void
from_bootstrap(struct ks_str token, struct ks_principal *out)
{
	size_t n = sizeof(BOOTSTRAP_PREFIX) - 1;

	memcpy(out->name, BOOTSTRAP_PREFIX, n);
	memcpy(out->name + n, token.p, BOOTSTRAP_ID_BYTES);
	out->name[n + BOOTSTRAP_ID_BYTES] = '\0';
	out->kind = KS_PRINCIPAL_BOOTSTRAP;
}

static ks_noinline void
opaque(struct ks_principal *out)
{
	static const char digits[] = "0123456789abcdef";
	char *to = out->name + sizeof("token:") - 1;

	memset(out->name, 0, sizeof(out->name));
	memcpy(out->name, "token:", sizeof("token:") - 1);
	for (size_t i = 0; i < sizeof(out->token_hash); i++) {
		*to++ = digits[out->token_hash[i] >> 4];
		*to++ = digits[out->token_hash[i] & 15];
	}
	out->token_exp_s = 0;
	out->kind = KS_PRINCIPAL_OPAQUE;
}

void
ks_principal_from_token(const struct ks_identity_config *config, struct ks_str token,
			struct ks_principal *out)
{
	/* nothing of a longer name stays behind the new one: principals are compared as blocks */
	memset(out->name, 0, sizeof(out->name));
	out->has_token = true;
	ks_token_hash(&config->token_key, token.p, token.n, out->token_hash);
	if (ks_token_is_bootstrap(token))
		from_bootstrap(token, out);
	else if (!from_claims(config, token, out))
		opaque(out);
}

static int
read_effective(const struct ks_http_head *head, struct ks_principal *out)
{
	bool seen = false;

	for (uint32_t i = 0; i < head->nfields; i++) {
		struct ks_str value = ks_http_field_value(head, &head->fields[i]);

		if (head->fields[i].id != KS_HTTP_IMPERSONATE_USER)
			continue;
		if (seen || value.n >= sizeof(out->effective) || (value.n > 0 && !name_safe(value)))
			return -EBADMSG;
		seen = true;
		memcpy(out->effective, value.p, value.n);
		out->effective[value.n] = '\0';
	}
	return 0;
}

int
ks_principal_begin(const struct ks_tls_peer *peer, const struct ks_http_head *head, uint64_t now_s,
		   struct ks_token *token, struct ks_principal *out)
{
	int rc;

	anonymous(out);
	rc = ks_token_find(head, token);
	if (rc == 0)
		rc = read_effective(head, out);
	if (rc == 0 && certificate_counts(peer, now_s)) {
		token->text.n = 0;
		rc = from_certificate(peer, out);
	}
	if (ks_unlikely(rc < 0))
		anonymous(out);
	return rc;
}

int
ks_principal_read(const struct ks_identity_config *config, const struct ks_tls_peer *peer,
		  const struct ks_http_head *head, uint64_t now_s, struct ks_principal *out)
{
	struct ks_token token;
	int rc = ks_principal_begin(peer, head, now_s, &token, out);

	if (rc == 0 && token.text.n > 0)
		ks_principal_from_token(config, token.text, out);
	return rc;
}
