#include "ca_fixture.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64], path[96];
static struct err e;

static int
setup(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/lineca-test-key-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/ca.key", dir);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	(void)unlink(path);
	maker_done();
	return rmdir(dir);
}

static void
test_names(void **state)
{
	static const char *const names[] = { "p256", "p384", "rsa2048", "rsa3072", "rsa4096" };
	static const char *const bad[] = { "", "P256", "p521", "rsa", "rsa1024", "p256 " };
	enum ca_key_alg alg;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		must(ca_key_alg_parse(names[i], &alg, &e), &e);
		assert_string_equal(ca_key_alg_name(alg), names[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(ca_key_alg_parse(bad[i], &alg, &e), ERR_USAGE);
		assert_non_null(strstr(e.client_text, "rsa4096"));
	}
}

static void
test_save_and_load(void **state)
{
	static const enum ca_key_alg algs[] = { CA_KEY_P256, CA_KEY_P384, CA_KEY_RSA2048 };

	(void)state;
	for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
		struct ca_key *k = NULL, *back = NULL;
		struct stat st;

		must(ca_key_generate(algs[i], &k, &e), &e);
		must(ca_key_save(k, path, &e), &e);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
		assert_int_equal(ca_key_save(k, path, &e), ERR_CONFLICT);		/* never over another */
		must(ca_key_load(path, &back, &e), &e);
		assert_int_equal(ca_key_algorithm(back), algs[i]);
		must(ca_key_check(back, ca_key_spki(k), &e), &e);
		ca_key_free(k);
		ca_key_free(back);
		assert_int_equal(unlink(path), 0);
	}
}

static void
put_file(const char *text, size_t len, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), (ssize_t)len);
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(close(fd), 0);
}

static enum err_code
load(void)
{
	struct ca_key *k = NULL;
	enum err_code rc = ca_key_load(path, &k, &e);

	assert_true((rc == ERR_OK) == (k != NULL));
	assert_int_equal(ERR_peek_error(), 0);
	ca_key_free(k);
	return rc;
}

static void
test_modes(void **state)
{
	static const mode_t open_to_others[] = { 0640, 0604, 0660, 0602, 0610, 0777 };
	struct ca_key *k = NULL;

	(void)state;
	must(ca_key_generate(CA_KEY_P256, &k, &e), &e);
	must(ca_key_save(k, path, &e), &e);
	for (size_t i = 0; i < sizeof(open_to_others) / sizeof(open_to_others[0]); i++) {
		assert_int_equal(chmod(path, open_to_others[i]), 0);
		assert_int_equal(load(), ERR_PERMISSION);
	}
	assert_int_equal(chmod(path, 0400), 0);
	assert_int_equal(load(), ERR_OK);
	ca_key_free(k);
	assert_int_equal(unlink(path), 0);
}

/* Every PEM form of a key that OpenSSL writes; and those that are none of ours. */
static void
test_forms(void **state)
{
	EVP_PKEY *ed = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), *small = EVP_RSA_gen(1024);
	BIO *mem = BIO_new(BIO_s_mem());
	char *text;

	(void)state;
#define TRY(write_call, code)	do {							\
	assert_int_equal(BIO_reset(mem), 1);						\
	assert_int_equal(write_call, 1);						\
	size_t text_len = (size_t)BIO_get_mem_data(mem, &text);				\
	put_file(text, text_len, 0600);							\
	assert_int_equal(load(), code);							\
} while (0)
	TRY(PEM_write_bio_PrivateKey(mem, maker_key(MAKER_P256), NULL, NULL, 0, NULL, NULL), ERR_OK);
	TRY(PEM_write_bio_PrivateKey_traditional(mem, maker_key(MAKER_P256), NULL, NULL, 0, NULL, NULL), ERR_OK);
	TRY(PEM_write_bio_PrivateKey_traditional(mem, maker_key(MAKER_RSA), NULL, NULL, 0, NULL, NULL), ERR_OK);
	TRY(PEM_write_bio_PKCS8PrivateKey(mem, maker_key(MAKER_P256), EVP_aes_256_cbc(), "secret", 6, NULL, NULL), ERR_CONFIG);
	TRY(PEM_write_bio_PUBKEY(mem, maker_key(MAKER_P256)), ERR_CONFIG);
	TRY(PEM_write_bio_PrivateKey(mem, ed, NULL, NULL, 0, NULL, NULL), ERR_CONFIG);
	TRY(PEM_write_bio_PrivateKey(mem, small, NULL, NULL, 0, NULL, NULL), ERR_CONFIG);
#undef TRY
	put_file("", 0, 0600);
	assert_int_equal(load(), ERR_CONFIG);
	put_file("-----BEGIN PRIVATE KEY-----\n", 28, 0600);
	assert_int_equal(load(), ERR_CONFIG);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(load(), ERR_CONFIG);		/* no such file */
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(load(), ERR_CONFIG);
	assert_int_equal(rmdir(path), 0);
	EVP_PKEY_free(ed);
	EVP_PKEY_free(small);
	BIO_free(mem);
}

static void
test_save_failures(void **state)
{
	struct ca_key *k = NULL;
	char elsewhere[128];

	(void)state;
	must(ca_key_generate(CA_KEY_P256, &k, &e), &e);
	(void)snprintf(elsewhere, sizeof(elsewhere), "%s/no/such/dir", dir);
	assert_int_equal(ca_key_save(k, elsewhere, &e), ERR_IO);
	assert_int_equal(symlink("/nonexistent/target", path), 0);
	assert_int_not_equal(ca_key_save(k, path, &e), ERR_OK);	/* does not write through a link */
	assert_int_equal(unlink(path), 0);
	ca_key_free(k);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_save_and_load),
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_save_failures),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
