/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens: where a request carries one, and what it claims. For the files of this room.
 * Thread: pure functions over the caller's memory.
 */
#ifndef KS_KUBE_TOKEN_H
#define KS_KUBE_TOKEN_H

#include "ks_kube.h"

/** Longer tokens are opaque: no work is spent on their claims. */
#define KS_TOKEN_BYTES_MAX 16384

/** What a JSON Web Token says, unescaped and terminated. Absent claims are empty. */
struct ks_token_claims {
	char iss[KS_PRINCIPAL_NAME_BYTES];
	char sub[KS_PRINCIPAL_NAME_BYTES];
	char ns[64];
	char account[256];
	char pod[128];
	char pod_uid[64];
	char node[128];
	uint64_t exp_s;
};

/**
 * Reads the claims of a JSON Web Token (RFC 7519, 7515) without any check of its signature.
 * @return 0, or -EBADMSG when it is none, or one that two parties could read in two ways: duplicate
 * or differently cased keys, wrong types, claims too long or with control characters.
 */
int ks_token_claims_read(struct ks_str token, struct ks_token_claims *claims);

/** abcdef.0123456789abcdef: identifier and secret of a bootstrap token. */
bool ks_token_is_bootstrap(struct ks_str token);

/** A token, in the head's bytes or in its own. */
struct ks_token {
	struct ks_str text;
	char buf[KS_TOKEN_BYTES_MAX];
};

/**
 * The token of a request: Authorization: Bearer, or the WebSocket protocol
 * base64url.bearer.authorization.k8s.io.… (then decoded into its `buf`).
 * @return 0 (text.n is 0 when there is none that the API server would look at) or -EBADMSG.
 */
int ks_token_find(const struct ks_http_head *head, struct ks_token *token);

/** No control character, nothing beyond ASCII, no space. */
bool ks_token_visible(struct ks_str text);

/** All of ks_principal_read() but what the token says: `token->text.n` is 0 when it does not count.
 */
int ks_principal_begin(const struct ks_tls_peer *peer, const struct ks_http_head *head,
		       uint64_t now_s, struct ks_token *token, struct ks_principal *out);
/** What the token says, into an anonymous principal. */
void ks_principal_from_token(const struct ks_identity_config *config, struct ks_str token,
			     struct ks_principal *out);

#endif
