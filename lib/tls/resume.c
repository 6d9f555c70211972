/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resumption on the client's side. Connections get copies: OpenSSL writes into the session of a
 * connection, and several workers connect with one context.
 * Thread: any.
 */
#include <errno.h>
#include <time.h>

#include "resume.h"
#include "session.h"

static int
on_new_session(SSL *ssl, SSL_SESSION *session)
{
	struct ks_tls *tls = ks_tls_of(ssl);
	struct ks_tls_resume *resume = &tls->ctx->resume;
	SSL_SESSION *fresh, *old;

	if (SSL_SESSION_is_resumable(session) != 1)
		return 0;
	fresh = SSL_SESSION_dup(session);
	if (fresh == NULL)
		return 0;
	if (CRYPTO_THREAD_write_lock(resume->lock) != 1) {
		SSL_SESSION_free(fresh);
		return 0;
	}
	old = resume->session;
	resume->session = fresh;
	resume->chain_end_s = tls->chain_end_s;
	CRYPTO_THREAD_unlock(resume->lock);
	SSL_SESSION_free(old);
	return 0;
}

int
ks_tls_resume_init(struct ks_tls_ctx *ctx)
{
	ctx->resume.lock = CRYPTO_THREAD_lock_new();
	if (ctx->resume.lock == NULL)
		return -ENOMEM;
	SSL_CTX_set_session_cache_mode(ctx->ssl,
				       SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx->ssl, on_new_session);
	return 0;
}

void
ks_tls_resume_fini(struct ks_tls_resume *resume)
{
	SSL_SESSION_free(resume->session);
	CRYPTO_THREAD_lock_free(resume->lock);
}

uint64_t
ks_tls_resume_use(struct ks_tls_ctx *ctx, SSL *ssl)
{
	struct ks_tls_resume *resume = &ctx->resume;
	SSL_SESSION *copy = NULL;
	uint64_t end_s = 0;

	if (CRYPTO_THREAD_read_lock(resume->lock) != 1)
		return 0;
	if (resume->session != NULL && ks_tls_ctx_now_s(ctx) < resume->chain_end_s) {
		copy = SSL_SESSION_dup(resume->session);
		end_s = resume->chain_end_s;
	}
	CRYPTO_THREAD_unlock(resume->lock);
	if (copy == NULL)
		return 0;
	/* The ticket's age goes over the wire; in a replay it has to be the same each time. */
	if (ctx->verify_time_s != 0)
		SSL_SESSION_set_time(copy, (long)time(NULL));
	if (SSL_set_session(ssl, copy) != 1)
		end_s = 0;
	SSL_SESSION_free(copy);
	return end_s;
}
