#include "tls_files.h"

#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char tls_dir[64], tls_cert_path[96], tls_key_path[96];

int
tls_files_setup(void **state)
{
	(void)state;
	(void)snprintf(tls_dir, sizeof(tls_dir), "/tmp/lineca-test-tls-XXXXXX");
	assert_non_null(mkdtemp(tls_dir));
	(void)snprintf(tls_cert_path, sizeof(tls_cert_path), "%s/server.pem", tls_dir);
	(void)snprintf(tls_key_path, sizeof(tls_key_path), "%s/server.key", tls_dir);
	return 0;
}

int
tls_files_teardown(void **state)
{
	(void)state;
	(void)unlink(tls_cert_path);
	(void)unlink(tls_key_path);
	assert_int_equal(rmdir(tls_dir), 0);
	return 0;
}

void
tls_write_file(const char *path, const void *data, size_t len, mode_t mode)
{
	FILE *f;

	(void)unlink(path);
	assert_non_null(f = fopen(path, "w"));
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, mode), 0);
}

void
tls_write_bio(const char *path, BIO *mem, mode_t mode)
{
	char *text;
	long len = BIO_get_mem_data(mem, &text);

	tls_write_file(path, text, (size_t)len, mode);
	BIO_free(mem);
}

X509 *
tls_make_certificate(EVP_PKEY *key, const char *cn, int64_t not_after_s)
{
	const struct cert_recipe r = { .cn = cn, .key = key, .not_before_s = BEGINS, .not_after_s = not_after_s };
	X509 *x = make_certificate(&r);

	assert_non_null(x);
	return x;
}

void
tls_write_certificates(X509 *x, int n)
{
	BIO *mem = BIO_new(BIO_s_mem());

	for (int i = 0; i < n; i++)
		assert_int_equal(PEM_write_bio_X509(mem, x), 1);
	tls_write_bio(tls_cert_path, mem, 0644);
}

void
tls_write_key(EVP_PKEY *key, mode_t mode)
{
	BIO *mem = BIO_new(BIO_s_mem());

	assert_int_equal(PEM_write_bio_PrivateKey(mem, key, NULL, NULL, 0, NULL, NULL), 1);
	tls_write_bio(tls_key_path, mem, mode);
}

bool
tls_fingerprint_of(const X509 *x, char fingerprint[65])
{
	uint8_t hash[32];
	unsigned len = 0;

	if (X509_digest(x, EVP_sha256(), hash, &len) != 1 || len != sizeof(hash))
		return false;
	for (size_t i = 0; i < sizeof(hash); i++)
		(void)snprintf(fingerprint + 2 * i, 3, "%02x", hash[i]);
	return true;
}

void
tls_write_pair(EVP_PKEY *key, int64_t not_after_s, char fingerprint[65])
{
	X509 *x = tls_make_certificate(key, "line1", not_after_s);

	tls_write_certificates(x, 1);
	tls_write_key(key, 0600);
	assert_true(tls_fingerprint_of(x, fingerprint));
	X509_free(x);
}

struct http_tls *
tls_load(void)
{
	const struct http_tls_config config = { .certificate_path = tls_cert_path, .key_path = tls_key_path };
	struct http_tls *t = NULL;
	struct err err;

	if (http_tls_new(&config, &t, &err) != ERR_OK)
		fail_msg("%s", err.log_text);
	assert_non_null(t);
	return t;
}

int
tls_files_group_teardown(void **state)
{
	(void)state;
	maker_done();
	return 0;
}
