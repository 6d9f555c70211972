/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Session tickets. AES-256-CBC with HMAC-SHA-256 (RFC 5077 section 4), a key an hour. A context
 * knows only its own keys: after a reload of CA or CRL every client is looked at afresh. Thread:
 * any; called back from within handshakes.
 */
#include <errno.h>
#include <time.h>

#include <openssl/core_names.h>
#include <openssl/rand.h>

#include "session.h"
#include "ticket.h"

static bool
key_make(struct ks_tls_tickets *tickets, uint64_t now_s)
{
	struct ks_tls_ticket_key *key = &tickets->current;

	memcpy(key->name, tickets->generation, 8);
	if (RAND_bytes(key->name + 8, 8) != 1 || RAND_priv_bytes(key->aes, sizeof(key->aes)) != 1 ||
	    RAND_priv_bytes(key->hmac, sizeof(key->hmac)) != 1)
		return false;
	key->since_s = now_s;
	return true;
}

/* Puts aged keys away; they are wiped, so that what was recorded cannot be read later. */
static bool
keys_roll(struct ks_tls_tickets *tickets, uint64_t now_s)
{
	struct ks_tls_ticket_key *current = &tickets->current;
	struct ks_tls_ticket_key *previous = &tickets->previous;

	if (previous->since_s != 0 && now_s >= previous->since_s + 2 * KS_TLS_TICKET_LIFE_S)
		OPENSSL_cleanse(previous, sizeof(*previous));
	if (current->since_s != 0 && now_s < current->since_s + KS_TLS_TICKET_LIFE_S)
		return true;
	*previous = *current;
	OPENSSL_cleanse(current, sizeof(*current));
	if (previous->since_s != 0 && now_s >= previous->since_s + 2 * KS_TLS_TICKET_LIFE_S)
		OPENSSL_cleanse(previous, sizeof(*previous));
	return key_make(tickets, now_s);
}

/* A copy of the key named so (NULL: the one to make tickets with). */
static bool
key_get(struct ks_tls_tickets *tickets, uint64_t now_s, const uint8_t *name,
	struct ks_tls_ticket_key *key)
{
	bool found = false;

	if (CRYPTO_THREAD_write_lock(tickets->lock) != 1)
		return false;
	if (keys_roll(tickets, now_s)) {
		*key = tickets->current;
		found = name == NULL || memcmp(name, key->name, sizeof(key->name)) == 0;
		if (!found && tickets->previous.since_s != 0) {
			*key = tickets->previous;
			found = memcmp(name, key->name, sizeof(key->name)) == 0;
		}
	}
	CRYPTO_THREAD_unlock(tickets->lock);
	return found;
}

static bool
hmac_set(EVP_MAC_CTX *hmac, struct ks_tls_ticket_key *key)
{
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->hmac, sizeof(key->hmac)),
		OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0),
		OSSL_PARAM_construct_end(),
	};

	return EVP_MAC_CTX_set_params(hmac, params) == 1;
}

/* OpenSSL asks for the keys: 1 go on, 0 unknown ticket, -1 failure. */
static int
on_ticket_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
	      EVP_MAC_CTX *hmac, int encrypt)
{
	struct ks_tls_ctx *ctx = ks_tls_of(ssl)->ctx;
	struct ks_tls_tickets *tickets = &ctx->tickets;
	struct ks_tls_ticket_key key;
	int rc = -1;

	if (!key_get(tickets, ks_tls_ctx_now_s(ctx), encrypt ? NULL : name, &key))
		return encrypt ? -1 : 0;
	if (encrypt) {
		memcpy(name, key.name, sizeof(key.name));
		if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(tickets->cipher)) != 1)
			goto out;
	}
	if (EVP_CipherInit_ex(cipher, tickets->cipher, NULL, key.aes, iv, encrypt) == 1 &&
	    hmac_set(hmac, &key))
		rc = 1;
out:
	OPENSSL_cleanse(&key, sizeof(key));
	return rc;
}

static int
on_ticket_made(SSL *ssl, void *arg)
{
	struct ks_tls *tls = ks_tls_of(ssl);
	SSL_SESSION *session = SSL_get_session(ssl);

	/* OpenSSL stamps the system's time; a replay must not depend on it. */
	if (tls->ctx->verify_time_s != 0)
		SSL_SESSION_set_time(session, (long)tls->ctx->verify_time_s);
	/* What a resumed session says of its client is in it already. */
	if (SSL_session_reused(ssl) == 1)
		return 1;
	/* A certificate that cannot be taken out makes a ticket that will not be resumed. */
	if (tls->peer != NULL)
		ks_tls_peer_strip(session);
	return ks_tls_peer_save(tls, session);
}

static SSL_TICKET_RETURN
on_ticket_read(SSL *ssl, SSL_SESSION *session, const unsigned char *name, size_t name_len,
	       SSL_TICKET_STATUS status, void *arg)
{
	struct ks_tls_ctx *ctx = ks_tls_of(ssl)->ctx;
	uint64_t now_s = ks_tls_ctx_now_s(ctx);

	if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW)
		return SSL_TICKET_RETURN_IGNORE_RENEW;
	if (!ks_tls_peer_resumable(session, now_s))
		return SSL_TICKET_RETURN_IGNORE_RENEW;
	/* OpenSSL compares with the system's time from here on. */
	if (ctx->verify_time_s != 0)
		SSL_SESSION_set_time(session, (long)time(NULL));
	return SSL_TICKET_RETURN_USE_RENEW;
}

int
ks_tls_tickets_init(struct ks_tls_ctx *ctx)
{
	struct ks_tls_tickets *tickets = &ctx->tickets;

	tickets->lock = CRYPTO_THREAD_lock_new();
	tickets->cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
	if (tickets->lock == NULL || tickets->cipher == NULL ||
	    RAND_bytes(tickets->generation, sizeof(tickets->generation)) != 1 ||
	    !key_make(tickets, ks_tls_ctx_now_s(ctx)))
		return -ENOMEM;
	SSL_CTX_set_session_cache_mode(ctx->ssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_session_id_context(ctx->ssl, tickets->generation, sizeof(tickets->generation));
	SSL_CTX_set_timeout(ctx->ssl, KS_TLS_TICKET_LIFE_S);
	/* One is what a client uses; each costs some 35 µs. */
	SSL_CTX_set_num_tickets(ctx->ssl, 1);
	SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx->ssl, on_ticket_key);
	SSL_CTX_set_session_ticket_cb(ctx->ssl, on_ticket_made, on_ticket_read, NULL);
	return 0;
}

void
ks_tls_tickets_fini(struct ks_tls_tickets *tickets)
{
	CRYPTO_THREAD_lock_free(tickets->lock);
	EVP_CIPHER_free(tickets->cipher);
	OPENSSL_cleanse(tickets, sizeof(*tickets));
}
