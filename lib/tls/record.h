/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who turns records into plaintext and back once the handshake is over. An engine owns all records
 * from then on: alerts, close_notify, KeyUpdate and tickets that come late are its business.
 * Thread: the owner of the session.
 */
#ifndef KS_TLS_RECORD_H
#define KS_TLS_RECORD_H

#include "ks_chain.h"

/* RFC 5246 section 6.2.3: header, 2^14 and 2048 more at most. TLS 1.3 has less. */
#define KS_TLS_RECORD_HEADER_BYTES 5u
#define KS_TLS_RECORD_PLAIN_MAX 16384u
#define KS_TLS_RECORD_BODY_MAX (KS_TLS_RECORD_PLAIN_MAX + 2048u)

struct ks_tls_record;

struct ks_tls_record_ops {
	/**
	 * Decrypts whole records of `in` until `plain` holds `plain_max` bytes or no whole record
	 * is left; what the engine has to answer goes to `out`.
	 * @return 0, -ENOBUFS (nothing is lost, call again), -ESHUTDOWN after close_notify,
	 * -EPROTO with `reason` set.
	 */
	int (*read)(struct ks_tls_record *record, struct ks_chain *in, struct ks_chain *plain,
		    uint32_t plain_max, struct ks_chain *out);
	/** Encrypts all of `plain`. @return 0, -ENOBUFS (call again with the same bytes in front
	 * and more behind them if need be), -EPROTO with `reason` set. */
	int (*write)(struct ks_tls_record *record, struct ks_chain *plain, struct ks_chain *out);
	/** Appends close_notify. @return 0 or -ENOBUFS (after write() had it, call again). */
	int (*shutdown)(struct ks_tls_record *record, struct ks_chain *out);
	/** Decrypted bytes wait inside. */
	bool (*pending)(const struct ks_tls_record *record);
	void (*destroy)(struct ks_tls_record *record);
};

/** First member of every engine's state. */
struct ks_tls_record {
	const struct ks_tls_record_ops *ops;
	const char *reason; /* static; why -EPROTO */
};

/**
 * Bytes of the first record when it is there whole. A header that cannot be one gives all there is:
 * whoever parses it then fails with the right alert. @return 0: wait for more.
 */
uint32_t ks_tls_record_whole(const struct ks_chain *in);

#endif
