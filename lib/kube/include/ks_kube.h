/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kubernetes: what a request is as an API call, and who makes it.
 *
 * Sources: Kubernetes API concepts (resource URIs), apiserver's RequestInfo (verb mapping, special
 * verbs proxy/watch in old paths), authentication pages (X.509, service-account and bootstrap tokens,
 * user impersonation).
 * Thread: pure functions over the caller's memory.
 */
#ifndef KS_KUBE_H
#define KS_KUBE_H

#include "ks_base.h"
#include "ks_hash.h"
#include "ks_http.h"
#include "ks_tls.h"

/** API verbs as RBAC knows them. */
#define KS_KUBE_VERBS(X)                                                                           \
	X(GET, "get")                                                                              \
	X(LIST, "list")                                                                            \
	X(WATCH, "watch")                                                                          \
	X(CREATE, "create")                                                                        \
	X(UPDATE, "update")                                                                        \
	X(PATCH, "patch")                                                                          \
	X(DELETE, "delete")                                                                        \
	X(DELETECOLLECTION, "deletecollection")                                                    \
	X(PROXY, "proxy")                                                                          \
	X(HTTP, "http") /* non-resource URL: the method in lower case counts */

#define KS_KUBE_VERB_ENUM(ID, name) KS_KUBE_##ID,
enum ks_kube_verb { KS_KUBE_VERBS(KS_KUBE_VERB_ENUM) KS_KUBE_VERB_MAX };
#undef KS_KUBE_VERB_ENUM
const char *ks_kube_verb_name(enum ks_kube_verb verb);

/** One decoded path segment or query part; slices of the block given to ks_kube_call_parse(). */
struct ks_kube_call {
	enum ks_kube_verb verb;
	bool resource_request; /**< false: non-resource URL, `path` counts */
	bool upgrade_allowed;  /**< exec, attach, portforward, proxy */
	bool long_running;     /**< watch, log with follow, exec … : no response time limit */
	struct ks_str method;
	struct ks_str path;    /**< decoded path without query */
	struct ks_str query;   /**< raw, without '?' */
	struct ks_str group, version, resource, subresource, ns, name; /**< "" when absent */
};

/**
 * Derives the call as the API server does. Decoded segments are written to `scratch`
 * (at least target length bytes); all slices point into `scratch`, the method or the target.
 * As there: a list or watch whose fieldSelector pins metadata.name carries that name; a resource
 * request with a method that has no verb (OPTIONS) is KS_KUBE_HTTP; the calls of a namespace itself
 * have it as name and as ns.
 * @return 0; -EBADMSG for a path that must be refused: bad percent-encoding, encoded slash or NUL in a
 * segment, "." or ".." segments, empty segments (one slash at the end is allowed), control characters,
 * bytes beyond ASCII that are not encoded, "watch" or "proxy" with nothing behind; -E2BIG when the target
 * does not fit `cap`.
 */
int ks_kube_call_parse(struct ks_str method, struct ks_str target, char *scratch, size_t cap,
		       struct ks_kube_call *call);

#define KS_KUBE_CALL_KEY_BYTES 160
/**
 * The name under which a model keeps this call: verb, group/version, resource/subresource without
 * namespace and name ("list v1 secrets", "patch apps/v1 deployments/scale", "get /livez").
 * Cut at the capacity, terminated. @return length.
 */
uint32_t ks_kube_call_key(const struct ks_kube_call *call, char key[KS_KUBE_CALL_KEY_BYTES]);
/** For people: "list secrets -n kube-system", "create pods/exec shop/web-1", "get deployments.apps shop/web".
 *  Cut at the capacity, terminated. @return length. */
uint32_t ks_kube_call_text(const struct ks_kube_call *call, char *text, size_t cap);

/** Walks the query. `*pos` starts at 0. Raw slices. @return false at the end. */
bool ks_kube_query_next(struct ks_str query, uint32_t *pos, struct ks_str *name,
			struct ks_str *value);

/* ---- who ---- */

enum ks_principal_kind {
	KS_PRINCIPAL_ANONYMOUS,
	KS_PRINCIPAL_CERT,            /**< CN of a verified client certificate */
	KS_PRINCIPAL_SERVICE_ACCOUNT, /**< sub of a service-account token */
	KS_PRINCIPAL_BOOTSTRAP,       /**< bootstrap token id */
	KS_PRINCIPAL_OIDC,            /**< another issuer's token */
	KS_PRINCIPAL_OPAQUE,          /**< a token without claims: its keyed hash */
};

#define KS_PRINCIPAL_NAME_BYTES 256
#define KS_PRINCIPAL_GROUPS_BYTES 512

struct ks_principal {
	enum ks_principal_kind kind;
	bool has_token;
	bool proven;           /**< certificate, or token that the API server has accepted */
	char name[KS_PRINCIPAL_NAME_BYTES]; /**< user name as the API server will see it */
	char pod[128], pod_uid[64], node[128]; /**< bound claims of the token, may be empty */
	char groups[KS_PRINCIPAL_GROUPS_BYTES]; /**< of the certificate, '\0' between, ends with "" */
	char effective[KS_PRINCIPAL_NAME_BYTES]; /**< Impersonate-User, or empty */
	uint8_t token_hash[16];
	uint64_t token_exp_s;  /**< 0: none */
};

struct ks_identity_config {
	struct ks_hash_key token_key;
	const char *service_account_issuer; /**< NULL: any token whose sub is a service account's */
};

/**
 * Reads who asks from the certificate's names and the Authorization field (or the WebSocket
 * protocol form). A verified ordinary client certificate wins over any token, as at the API server: then
 * neither has_token nor token_hash is set. One that has expired by `now_s` does not count.
 * The result is never proven for tokens: the caller's cache of proofs decides.
 * @return 0; -EBADMSG for what no client of the API would send and readers would take differently (two
 * Authorization or Impersonate-User fields, two tokens, spaces or control characters within a token, names
 * that would change as a field's value); -E2BIG when the certificate's groups do not fit. `out` is then
 * anonymous.
 */
int ks_principal_read(const struct ks_identity_config *config, const struct ks_tls_peer *peer,
		      const struct ks_http_head *head, uint64_t now_s, struct ks_principal *out);

/**
 * Remembers what tokens say: the same token comes thousands of times, reading it costs 3 to 4 µs, finding
 * it again 0.2. Found by a seeded hash and compared byte by byte. Holds tokens in memory, and wipes them at
 * the end. Thread: one owner.
 */
struct ks_principal_cache;

/** @param config copied; the issuer it points to must outlive the cache. @param entries rounded up to a
 *  power of two, about 4 KB each. @return NULL on lack of memory. */
struct ks_principal_cache *ks_principal_cache_create(const struct ks_identity_config *config,
						     uint32_t entries);
/** NULL is allowed. */
void ks_principal_cache_destroy(struct ks_principal_cache *cache);
/** Exactly ks_principal_read(). */
int ks_principal_cache_read(struct ks_principal_cache *cache, const struct ks_tls_peer *peer,
			    const struct ks_http_head *head, uint64_t now_s,
			    struct ks_principal *out);

#endif
