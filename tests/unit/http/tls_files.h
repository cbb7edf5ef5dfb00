/* Certificate and key of a server as files, made by OpenSSL: what the tests of http/tls.h share. */
#ifndef TESTS_UNIT_HTTP_TLS_FILES_H
#define TESTS_UNIT_HTTP_TLS_FILES_H

#include "cmocka_test.h"

#include <stdbool.h>
#include <sys/types.h>

#include "cert_maker.h"
#include "http/tls.h"

enum {
	BEGINS = 1700000000,
	ENDS = 2000000000
};

/* A directory for each test, and where the two files belong in it. */
extern char	tls_dir[64], tls_cert_path[96], tls_key_path[96];

int		tls_files_setup(void **state);
int		tls_files_teardown(void **state);
int		tls_files_group_teardown(void **state);

#define FILES(test)	cmocka_unit_test_setup_teardown(test, tls_files_setup, tls_files_teardown)

/* In place of what is there. */
void		tls_write_file(const char *path, const void *data, size_t len, mode_t mode);
void		tls_write_bio(const char *path, BIO *mem, mode_t mode);		/* frees it */

/* Self-signed; the caller's: X509_free. */
X509		*tls_make_certificate(EVP_PKEY *key, const char *cn, int64_t not_after_s);
/* The certificate n times: a chain as far as its length goes. */
void		tls_write_certificates(X509 *x, int n);
void		tls_write_key(EVP_PKEY *key, mode_t mode);
/* Both files, and the fingerprint of the certificate. */
void		tls_write_pair(EVP_PKEY *key, int64_t not_after_s, char fingerprint[65]);

/* SHA-256 as OpenSSL says it.  On any thread: no asserts. */
bool		tls_fingerprint_of(const X509 *x, char fingerprint[65]);

/* What the files give; the test fails if they give nothing. */
struct http_tls	*tls_load(void);

#endif
