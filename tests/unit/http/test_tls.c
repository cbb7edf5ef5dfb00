/* Certificate and key of the server: what is taken, what is refused and how, and what a reload does and does not.  Files by OpenSSL. */
#include "tls_files.h"

#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHAIN_MAX = 8 };

static struct err err;

/* Refused, in these words among others, and nothing was given. */
static void
refuse(enum err_code rc, const char *path, const char *words)
{
	const struct http_tls_config config = { .certificate_path = tls_cert_path, .key_path = tls_key_path };
	struct http_tls *const untouched = (struct http_tls *)(void *)&err;
	struct http_tls *t = untouched;
	enum err_code got;

	err_clear(&err);
	got = http_tls_new(&config, &t, &err);
	assert_true(t == untouched);
	if (got != rc)
		fail_msg("%s instead of %s: %s", err_name(got), err_name(rc), err.log_text);
	if (strstr(err.log_text, path) == NULL || strstr(err.log_text, words) == NULL)
		fail_msg("\"%s\" does not name %s and \"%s\"", err.log_text, path, words);
	/* what a client has no part in */
	assert_string_equal(err.client_text, "");
}

/* ---- what is taken */

static void
check_facts(const char *fingerprint, int64_t not_after_s)
{
	struct http_tls *t = tls_load();
	char got[65];

	http_tls_fingerprint(t, got);
	assert_string_equal(got, fingerprint);
	assert_int_equal(http_tls_not_after_s(t), not_after_s);
	http_tls_free(t);
}

static void
test_facts(void **state)
{
	static const enum maker_key keys[] = { MAKER_P256, MAKER_P384, MAKER_RSA };
	BIO *mem = BIO_new(BIO_s_mem());
	char fingerprint[65];

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		tls_write_pair(maker_key(keys[i]), ENDS + (int)i, fingerprint);
		check_facts(fingerprint, ENDS + (int)i);
	}
	/* a key that even its owner cannot write; a key in the form before PKCS#8 */
	tls_write_key(maker_key(MAKER_RSA), 0400);
	check_facts(fingerprint, ENDS + 2);
	assert_int_equal(PEM_write_bio_PrivateKey_traditional(mem, maker_key(MAKER_RSA), NULL, NULL, 0, NULL, NULL), 1);
	tls_write_bio(tls_key_path, mem, 0600);
	check_facts(fingerprint, ENDS + 2);
	/* beyond 32 bits, as IEEE 802.1AR has it */
	tls_write_pair(maker_key(MAKER_P256), INT64_C(253402300799), fingerprint);
	check_facts(fingerprint, INT64_C(253402300799));
	http_tls_free(NULL);
}

/* The leaf first: its fingerprint, its end, its key. */
static void
test_chain(void **state)
{
	X509 *ca = tls_make_certificate(maker_key(MAKER_P384), "ca", ENDS + 1000);
	const struct cert_recipe r = {
		.cn = "line1", .key = maker_key(MAKER_P256), .issuer = ca, .signer = maker_key(MAKER_P384),
		.not_before_s = BEGINS, .not_after_s = ENDS
	};
	X509 *leaf = make_certificate(&r);
	BIO *mem = BIO_new(BIO_s_mem());
	struct http_tls *t;

	(void)state;
	tls_write_key(maker_key(MAKER_P256), 0600);
	assert_true(BIO_puts(mem, "words before, as openssl x509 -text writes them\n") > 0);
	assert_int_equal(PEM_write_bio_X509(mem, leaf), 1);
	assert_int_equal(PEM_write_bio_X509(mem, ca), 1);
	tls_write_bio(tls_cert_path, mem, 0644);
	t = tls_load();
	assert_int_equal(http_tls_not_after_s(t), ENDS);
	http_tls_free(t);
	/* the wrong way round it is the CA's certificate with somebody else's key */
	mem = BIO_new(BIO_s_mem());
	assert_int_equal(PEM_write_bio_X509(mem, ca), 1);
	assert_int_equal(PEM_write_bio_X509(mem, leaf), 1);
	tls_write_bio(tls_cert_path, mem, 0644);
	refuse(ERR_CONFIG, tls_key_path, "is not the key of the certificate in");
	tls_write_certificates(leaf, CHAIN_MAX);
	http_tls_free(tls_load());
	tls_write_certificates(leaf, CHAIN_MAX + 1);
	refuse(ERR_CONFIG, tls_cert_path, "more than 8");
	X509_free(leaf);
	X509_free(ca);
}

/* ---- what is refused */

static void
test_mismatch(void **state)
{
	static const enum maker_key others[] = { MAKER_P256_OTHER, MAKER_P384, MAKER_RSA };
	char fingerprint[65];

	(void)state;
	tls_write_pair(maker_key(MAKER_P256), ENDS, fingerprint);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		tls_write_key(maker_key(others[i]), 0600);
		refuse(ERR_CONFIG, tls_key_path, "is not the key of the certificate in");
		refuse(ERR_CONFIG, tls_cert_path, "");	/* both are named */
	}
}

static void
test_mode(void **state)
{
	static const mode_t bad[] = { 0640, 0604, 0620, 0601, 0644, 0777 };
	char fingerprint[65], words[128];

	(void)state;
	tls_write_pair(maker_key(MAKER_P256), ENDS, fingerprint);
	(void)snprintf(words, sizeof(words), "chmod 600 %s", tls_key_path);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(chmod(tls_key_path, bad[i]), 0);
		refuse(ERR_PERMISSION, tls_key_path, words);
	}
	assert_int_equal(chmod(tls_key_path, 0600), 0);
	http_tls_free(tls_load());
}

/* The setting is wrong, or the file was not brought yet: one of the codes that the header names. */
static void
refuse_missing(const char *path)
{
	const struct http_tls_config config = { .certificate_path = tls_cert_path, .key_path = tls_key_path };
	struct http_tls *t = NULL;
	enum err_code rc = http_tls_new(&config, &t, &err);

	assert_null(t);
	assert_non_null(strstr(err.log_text, path));
	if (rc != ERR_CONFIG && rc != ERR_IO && rc != ERR_PERMISSION)
		fail_msg("%s: %s", err_name(rc), err.log_text);
}

static void
test_missing(void **state)
{
	char fingerprint[65];

	(void)state;
	tls_write_pair(maker_key(MAKER_P256), ENDS, fingerprint);
	assert_int_equal(unlink(tls_key_path), 0);
	refuse_missing(tls_key_path);
	tls_write_key(maker_key(MAKER_P256), 0600);
	assert_int_equal(unlink(tls_cert_path), 0);
	refuse_missing(tls_cert_path);
}

/* A directory where a file was meant. */
static void
test_directory(void **state)
{
	char fingerprint[65];

	(void)state;
	tls_write_pair(maker_key(MAKER_P256), ENDS, fingerprint);
	assert_int_equal(unlink(tls_cert_path), 0);
	assert_int_equal(mkdir(tls_cert_path, 0700), 0);
	refuse(ERR_IO, tls_cert_path, "");
	assert_int_equal(rmdir(tls_cert_path), 0);
}

/* Every way to spoil the text of a file. */
static void
check_broken(const char *path, mode_t mode, const char *words)
{
	static char text[64 * 1024 + 1];
	char *begin, was;
	size_t len;
	FILE *f;

	assert_non_null(f = fopen(path, "r"));
	len = fread(text, 1, sizeof(text), f);
	assert_int_equal(fclose(f), 0);
	tls_write_file(path, text, 0, mode);
	refuse(ERR_CONFIG, path, words);
	tls_write_file(path, "no PEM at all\n", 14, mode);
	refuse(ERR_CONFIG, path, words);
	tls_write_file(path, text, len / 2, mode);
	refuse(ERR_CONFIG, path, words);
	assert_non_null(begin = memchr(text, '\n', len));
	was = begin[1];
	begin[1] = '*';		/* no base64 */
	tls_write_file(path, text, len, mode);
	refuse(ERR_CONFIG, path, words);
	begin[1] = was == 'A' ? 'B' : 'A';	/* base64 of no DER */
	tls_write_file(path, text, len, mode);
	refuse(ERR_CONFIG, path, words);
	begin[1] = was;
	/* more than any certificate or key */
	memset(text + len, '\n', sizeof(text) - len);
	tls_write_file(path, text, sizeof(text), mode);
	refuse(ERR_IO, path, "");
	tls_write_file(path, text, sizeof(text) - 1, mode);
	http_tls_free(tls_load());
	tls_write_file(path, text, len, mode);
}

static void
test_broken(void **state)
{
	char fingerprint[65];

	(void)state;
	tls_write_pair(maker_key(MAKER_P256), ENDS, fingerprint);
	check_broken(tls_cert_path, 0644, "[tls] certificate");
	check_broken(tls_key_path, 0600, "[tls] key");
	check_facts(fingerprint, ENDS);
}

/* PEM, but not what was meant. */
static void
test_other_pem(void **state)
{
	X509 *x = tls_make_certificate(maker_key(MAKER_P256), "line1", ENDS);
	char fingerprint[65];
	BIO *mem;

	(void)state;
	tls_write_pair(maker_key(MAKER_P256), ENDS, fingerprint);
	/* the two changed for one another */
	mem = BIO_new(BIO_s_mem());
	assert_int_equal(PEM_write_bio_X509(mem, x), 1);
	tls_write_bio(tls_key_path, mem, 0600);
	refuse(ERR_CONFIG, tls_key_path, "[tls] key");
	mem = BIO_new(BIO_s_mem());
	assert_int_equal(PEM_write_bio_PrivateKey(mem, maker_key(MAKER_P256), NULL, NULL, 0, NULL, NULL), 1);
	tls_write_bio(tls_cert_path, mem, 0600);
	refuse(ERR_CONFIG, tls_cert_path, "[tls] certificate");
	/* encrypted: nobody is there to type the password */
	tls_write_pair(maker_key(MAKER_P256), ENDS, fingerprint);
	mem = BIO_new(BIO_s_mem());
	assert_int_equal(PEM_write_bio_PKCS8PrivateKey(mem, maker_key(MAKER_P256), EVP_aes_256_cbc(), "secret", 6, NULL, NULL), 1);
	tls_write_bio(tls_key_path, mem, 0600);
	refuse(ERR_CONFIG, tls_key_path, "no unencrypted PEM key");
	mem = BIO_new(BIO_s_mem());
	assert_int_equal(PEM_write_bio_PUBKEY(mem, maker_key(MAKER_P256)), 1);
	tls_write_bio(tls_key_path, mem, 0600);
	refuse(ERR_CONFIG, tls_key_path, "no unencrypted PEM key");
	/* DER */
	tls_write_key(maker_key(MAKER_P256), 0600);
	mem = BIO_new(BIO_s_mem());
	assert_int_equal(i2d_X509_bio(mem, x), 1);
	tls_write_bio(tls_cert_path, mem, 0644);
	refuse(ERR_CONFIG, tls_cert_path, "no PEM certificate");
	X509_free(x);
}

/* A key that cannot be read leaves nothing of itself in an error, which is logged. */
static void
test_no_key_in_error(void **state)
{
	static char text[8192];
	char fingerprint[65], piece[17];
	size_t len;
	FILE *f;

	(void)state;
	tls_write_pair(maker_key(MAKER_P256), ENDS, fingerprint);
	assert_non_null(f = fopen(tls_key_path, "r"));
	len = fread(text, 1, sizeof(text), f);
	assert_int_equal(fclose(f), 0);
	tls_write_file(tls_key_path, text, len - 40, 0600);
	refuse(ERR_CONFIG, tls_key_path, "");
	for (size_t at = strcspn(text, "\n") + 1; at + 16 < len; at += 16) {
		(void)snprintf(piece, sizeof(piece), "%.16s", text + at);
		assert_null(strstr(err.log_text, piece));
	}
}

/* ---- reload */

static void
refuse_reload(struct http_tls *t, const char *fingerprint)
{
	char got[65];

	err_clear(&err);
	assert_int_not_equal(http_tls_reload(t, &err), ERR_OK);
	assert_non_null(strstr(err.log_text, tls_dir));
	http_tls_fingerprint(t, got);
	assert_string_equal(got, fingerprint);
	assert_int_equal(http_tls_not_after_s(t), ENDS);
}

static void
test_reload(void **state)
{
	char first[65], second[65], got[65];
	struct http_tls *t;

	(void)state;
	tls_write_pair(maker_key(MAKER_P256), ENDS, first);
	t = tls_load();
	/* the same once more */
	assert_int_equal(http_tls_reload(t, &err), ERR_OK);
	http_tls_fingerprint(t, got);
	assert_string_equal(got, first);
	/* half of a renewal is there: the new certificate and the old key */
	tls_write_pair(maker_key(MAKER_P256_OTHER), ENDS + 1, second);
	assert_string_not_equal(first, second);
	tls_write_key(maker_key(MAKER_P256), 0600);
	refuse_reload(t, first);
	tls_write_key(maker_key(MAKER_P256_OTHER), 0644);
	refuse_reload(t, first);
	assert_int_equal(unlink(tls_key_path), 0);
	refuse_reload(t, first);
	tls_write_file(tls_key_path, "", 0, 0600);
	refuse_reload(t, first);
	/* and now all of it */
	tls_write_key(maker_key(MAKER_P256_OTHER), 0600);
	assert_int_equal(http_tls_reload(t, &err), ERR_OK);
	http_tls_fingerprint(t, got);
	assert_string_equal(got, second);
	assert_int_equal(http_tls_not_after_s(t), ENDS + 1);
	/* back again */
	tls_write_pair(maker_key(MAKER_RSA), ENDS + 2, first);
	assert_int_equal(http_tls_reload(t, &err), ERR_OK);
	http_tls_fingerprint(t, got);
	assert_string_equal(got, first);
	http_tls_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		FILES(test_facts), FILES(test_chain), FILES(test_mismatch), FILES(test_mode), FILES(test_missing),
		FILES(test_directory), FILES(test_broken), FILES(test_other_pem), FILES(test_no_key_in_error),
		FILES(test_reload),
	};

	return cmocka_run_group_tests(tests, NULL, tls_files_group_teardown);
}
