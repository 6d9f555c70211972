/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The BIO over chains. Reads never give more than the caller has set free (whole records), so that
 * OpenSSL never holds a part of one; writes take what the pool has chunks for, and the rest is
 * asked for again by OpenSSL, which keeps the encrypted bytes. Thread: the owner of the session.
 */
#include <errno.h>

#include "bio.h"

static int
chain_read(BIO *bio, char *dst, size_t len, size_t *got)
{
	struct ks_tls_bio *state = BIO_get_data(bio);
	uint32_t n = (uint32_t)KS_MIN(len, (size_t)state->in_max);

	BIO_clear_retry_flags(bio);
	if (n == 0) {
		state->starved = true;
		BIO_set_retry_read(bio);
		*got = 0;
		return -1;
	}
	ks_chain_peek(state->in, 0, dst, n);
	ks_chain_consume(state->in, n);
	state->in_max -= n;
	*got = n;
	return 1;
}

/* As much as there are chunks for; ks_chain_append() is all or nothing. */
static size_t
append_part(struct ks_chain *out, const char *src, size_t len)
{
	size_t done = 0;

	while (done < len) {
		uint32_t room;
		uint8_t *to = ks_chain_reserve(out, &room);
		uint32_t n;

		if (to == NULL)
			break;
		n = (uint32_t)KS_MIN(len - done, (size_t)room);
		memcpy(to, src + done, n);
		ks_chain_commit(out, n);
		done += n;
	}
	return done;
}

static ks_cold int
write_scarce(BIO *bio, const char *src, size_t len, size_t *put)
{
	struct ks_tls_bio *state = BIO_get_data(bio);

	*put = 0;
	if (state->nstash == 0)
		*put = append_part(state->out, src, len);
	if (*put == 0 && state->nstash == 0 && len <= sizeof(state->stash)) {
		memcpy(state->stash, src, len);
		state->nstash = (uint8_t)len;
		*put = len;
	}
	if (*put > 0)
		return 1;
	state->blocked = true;
	BIO_set_retry_write(bio);
	return -1;
}

static int
chain_write(BIO *bio, const char *src, size_t len, size_t *put)
{
	struct ks_tls_bio *state = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	if (ks_unlikely(ks_tls_bio_flush(state, state->out) != 0 ||
			ks_chain_append(state->out, src, len) != 0))
		return write_scarce(bio, src, len, put);
	*put = len;
	return 1;
}

/* Everything else, kernel TLS among it, is answered with "not supported". */
static long
chain_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
	return cmd == BIO_CTRL_FLUSH;
}

BIO_METHOD *
ks_tls_bio_method_create(void)
{
	/* No index of its own: there are only 127 of them in a process, and nobody asks for it. */
	BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "chain");

	if (method == NULL)
		return NULL;
	BIO_meth_set_read_ex(method, chain_read);
	BIO_meth_set_write_ex(method, chain_write);
	BIO_meth_set_ctrl(method, chain_ctrl);
	return method;
}

BIO *
ks_tls_bio_create(const BIO_METHOD *method, struct ks_tls_bio *state)
{
	BIO *bio = BIO_new(method);

	if (bio == NULL)
		return NULL;
	BIO_set_data(bio, state);
	BIO_set_init(bio, 1);
	return bio;
}
