/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the seeds of the TLS fuzzers anew: record_seeds FOLDER. Both halves of full and resumed
 * handshakes of the two versions with data, a KeyUpdate and close_notify, and certificates with all
 * kinds of names. Needed again when OpenSSL draws its random numbers in another order.
 */
#include <stdio.h>

#include <openssl/pem.h>

#include "fuzz_tls.h"

static const char *folder;

static void
write_seed(const char *what, const char *name, const void *data, size_t n)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s/%s", folder, what, name);
	file = fopen(path, "wb");
	if (file == NULL || fwrite(data, 1, n, file) != n || fclose(file) != 0) {
		perror(path);
		exit(1);
	}
}

static void
connection(struct fuzz_tls *tls, const char *name, uint8_t options)
{
	static struct fuzz_half to_server, to_client;

	fuzz_connection(tls, options, &to_server, &to_client);
	write_seed("server", name, to_server.bytes, to_server.len);
	write_seed("client", name, to_client.bytes, to_client.len);
}

static void
certificate(const char *name, const struct test_cert_params *params)
{
	struct test_cert *cert = test_cert_make(NULL, params);
	struct ks_str pem = test_cert_pem(cert);
	BIO *bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	X509 *x509 = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	unsigned char *der = NULL;
	int n = i2d_X509(x509, &der);

	write_seed("names", name, der, (size_t)n);
	OPENSSL_free(der);
	X509_free(x509);
	BIO_free(bio);
	test_cert_free(cert);
}

int
main(int argc, char **argv)
{
	struct fuzz_tls tls;

	if (argc != 2) {
		fprintf(stderr, "record_seeds FOLDER\n");
		return 2;
	}
	folder = argv[1];
	fuzz_tls_make(&tls, false);
	connection(&tls, "tls13_full", 0);
	connection(&tls, "tls13_resumed", 4 | 64);
	fuzz_tls_free(&tls);
	fuzz_tls_make(&tls, true);
	connection(&tls, "tls12_full", 3 | 32);
	connection(&tls, "tls12_resumed", 8 | 32 | 64);
	fuzz_tls_free(&tls);
	write_seed("server", "http", "\0GET / HTTP/1.1\r\n\r\n", 19);
	write_seed("server", "alert", "\0\x15\x03\x01\0\x02\x02\x28", 8);
	write_seed("server", "huge_hello", "\x01\x16\x03\x01\0\x04\x01\0\x40\x01", 10);
	write_seed("server", "short_of_chunks", "\x10\x16\x03\x01\0\x04\x01\0\0\0", 10);
	write_seed("client", "alert", "\0\x15\x03\x03\0\x02\x02\x28", 8);

	certificate("node", &(struct test_cert_params){.cn = "system:node:n1",
						       .orgs = {"system:nodes", "site:a"}});
	certificate("nul", &(struct test_cert_params){.cn = "admin\0.evil", .cn_len = 11});
	certificate("two", &(struct test_cert_params){.cn = "first", .cn_more = "last"});
	certificate("utf8", &(struct test_cert_params){.cn = "J\xc3\xb6rg \xf0\x9f\x9a\x80"});
	certificate("t61",
		    &(struct test_cert_params){.cn = "J\xf6rg", .cn_type = V_ASN1_T61STRING});
	return 0;
}
