/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Record engine over SSL_read_ex() and SSL_write_ex().
 *
 * OpenSSL is given one whole record at a time: so it never holds a part of one (16 KB per stalled
 * connection), a call that can give nothing is never made, and records that carry no data can be
 * counted. Several waiting chunks are gathered into one record: each call costs more than copying.
 * Thread: the owner of the session.
 */
#include <errno.h>

#include <openssl/err.h>

#include "record_openssl.h"

/*
 * Empty records, KeyUpdates, tickets and warnings in a row that are put up with. Each costs the
 * sender 30 bytes and us microseconds; no peer has need of more than a handful.
 */
#define QUIET_MAX 32u

static inline struct ks_tls_openssl *
openssl_of(struct ks_tls_record *record)
{
	return ks_container_of(record, struct ks_tls_openssl, record);
}

ks_cold const char *
ks_tls_openssl_reason(void)
{
	const char *reason = ERR_reason_error_string(ERR_peek_last_error());

	ERR_clear_error();
	return reason != NULL ? reason : "TLS library failure";
}

static ks_cold int
failed(struct ks_tls_openssl *openssl)
{
	openssl->record.reason = ks_tls_openssl_reason();
	return -EPROTO;
}

/* A record went in and no data came out of it. */
static ks_cold int
read_quiet(struct ks_tls_openssl *openssl)
{
	/* A fatal alert shuts down too, but leaves its name in the queue. */
	if ((SSL_get_shutdown(openssl->ssl) & SSL_RECEIVED_SHUTDOWN) != 0 && ERR_peek_error() == 0)
		return -ESHUTDOWN;
	/* Starved means that it would have gone on reading; anything left of the record is a
	 * framing error that OpenSSL has not told. */
	if (!openssl->bio.starved || openssl->bio.in_max != 0)
		return failed(openssl);
	if (++openssl->quiet <= QUIET_MAX)
		return 0;
	openssl->record.reason = "too many records without data";
	return -EPROTO;
}

static inline int
read_some(struct ks_tls_openssl *openssl, struct ks_chain *plain, uint32_t max)
{
	uint32_t room;
	uint8_t *to = ks_chain_reserve(plain, &room);
	size_t got = 0;
	int ok;

	if (ks_unlikely(to == NULL))
		return -ENOBUFS;
	ok = SSL_read_ex(openssl->ssl, to, KS_MIN(room, max), &got);
	ks_chain_commit(plain, (uint32_t)got);
	if (ks_unlikely(ok != 1))
		return read_quiet(openssl);
	openssl->quiet = 0;
	return 0;
}

static int
openssl_read(struct ks_tls_record *record, struct ks_chain *in, struct ks_chain *plain,
	     uint32_t plain_max, struct ks_chain *out)
{
	struct ks_tls_openssl *openssl = openssl_of(record);

	while (plain->len < plain_max) {
		bool pending = SSL_pending(openssl->ssl) > 0;
		uint32_t n = pending ? 0 : ks_tls_record_whole(in);
		int rc;

		if (n == 0 && !pending)
			break;
		/* At most one alert waits in the stash, so the answer to this record has room
		 * there. */
		if (ks_tls_bio_flush(&openssl->bio, out) != 0)
			return -ENOBUFS;
		ks_tls_bio_lend(&openssl->bio, in, n, out);
		rc = read_some(openssl, plain, plain_max - plain->len);
		if (ks_unlikely(rc != 0))
			return rc;
	}
	return 0;
}

/* Sends `n` bytes as one record. What was not sent must come again exactly so (SSL_write(3)). */
static inline int
write_record(struct ks_tls_openssl *openssl, struct ks_chain *plain, const void *data, uint32_t n)
{
	size_t put = 0;

	if (ks_likely(SSL_write_ex(openssl->ssl, data, n, &put) == 1)) {
		openssl->retry_bytes = 0;
		ks_chain_consume(plain, (uint32_t)put);
		return 0;
	}
	if (!openssl->bio.blocked)
		return failed(openssl);
	openssl->retry_bytes = n;
	return -ENOBUFS;
}

static ks_noinline int
write_gathered(struct ks_tls_openssl *openssl, struct ks_chain *plain, uint32_t n)
{
	uint8_t record[KS_TLS_RECORD_PLAIN_MAX];

	ks_chain_peek(plain, 0, record, n);
	return write_record(openssl, plain, record, n);
}

static int
openssl_write(struct ks_tls_record *record, struct ks_chain *plain, struct ks_chain *out)
{
	struct ks_tls_openssl *openssl = openssl_of(record);
	int rc = 0;

	ks_tls_bio_lend(&openssl->bio, NULL, 0, out);
	while (plain->len > 0 && rc == 0) {
		uint32_t n = KS_MIN(plain->len, KS_TLS_RECORD_PLAIN_MAX);
		uint32_t front;
		const uint8_t *data = ks_chain_front(plain, &front);

		if (ks_unlikely(openssl->retry_bytes != 0))
			n = KS_MIN(n, openssl->retry_bytes);
		rc = front >= n ? write_record(openssl, plain, data, n)
				: write_gathered(openssl, plain, n);
	}
	return rc;
}

static int
openssl_shutdown(struct ks_tls_record *record, struct ks_chain *out)
{
	struct ks_tls_openssl *openssl = openssl_of(record);

	if (openssl->retry_bytes != 0)
		return -ENOBUFS;
	ks_tls_bio_lend(&openssl->bio, NULL, 0, out);
	/* 0 is the good answer here: sent, and the peer's own has not been read. */
	if (SSL_shutdown(openssl->ssl) < 0)
		ERR_clear_error();
	return 0;
}

static bool
openssl_pending(const struct ks_tls_record *record)
{
	return SSL_pending(ks_container_of(record, struct ks_tls_openssl, record)->ssl) > 0;
}

static void
openssl_destroy(struct ks_tls_record *record)
{
	struct ks_tls_openssl *openssl = openssl_of(record);

	/* A connection that ended badly says nothing about its session; without this OpenSSL takes
	 * a lock of the whole context to forget it. */
	if (openssl->ssl != NULL)
		SSL_set_shutdown(openssl->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(openssl->ssl);
	openssl->ssl = NULL;
}

static const struct ks_tls_record_ops openssl_ops = {
	.read = openssl_read,
	.write = openssl_write,
	.shutdown = openssl_shutdown,
	.pending = openssl_pending,
	.destroy = openssl_destroy,
};

int
ks_tls_openssl_init(struct ks_tls_openssl *openssl, SSL_CTX *ctx, const BIO_METHOD *bio_method)
{
	BIO *bio;

	openssl->record.ops = &openssl_ops;
	openssl->ssl = SSL_new(ctx);
	if (openssl->ssl == NULL)
		return -ENOMEM;
	bio = ks_tls_bio_create(bio_method, &openssl->bio);
	if (bio == NULL)
		return -ENOMEM;
	/* One for both directions: the second would cost 128 bytes. */
	SSL_set_bio(openssl->ssl, bio, bio);
	return 0;
}
