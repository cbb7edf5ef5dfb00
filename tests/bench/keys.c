#include <err.h>
#include <pthread.h>
#include <stdlib.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "tests/bench/keys.h"

enum { PRIME_BITS = 1024, MODULUS_BYTES = 256 };

struct keys {
	enum csrs_key	 type;
	BIGNUM		**prime;	/* RSA only */
	size_t		 primes;
};

struct prime_job {
	struct keys	*keys;
	size_t		 first, step;
};

static void *
must(void *p)
{
	if (p == NULL)
		errx(1, "out of memory");
	return p;
}

/* A prime p for which 65537 has an inverse modulo p - 1. */
static void
prime_make(BIGNUM *p)
{
	do {
		if (BN_generate_prime_ex(p, PRIME_BITS, 0, NULL, NULL, NULL) != 1)
			errx(1, "OpenSSL finds no prime");
	} while (BN_mod_word(p, RSA_F4) == 1);
}

static void *
prime_job_run(void *arg)
{
	const struct prime_job *j = arg;

	for (size_t i = j->first; i < j->keys->primes; i += j->step) {
		j->keys->prime[i] = must(BN_new());
		prime_make(j->keys->prime[i]);
	}
	return NULL;
}

static void
primes_make(struct keys *k, size_t threads)
{
	pthread_t *ids = must(calloc(threads, sizeof(*ids)));
	struct prime_job *jobs = must(calloc(threads, sizeof(*jobs)));

	k->prime = must(calloc(k->primes, sizeof(*k->prime)));
	for (size_t i = 0; i < threads; i++) {
		jobs[i] = (struct prime_job){ .keys = k, .first = i, .step = threads };
		if (pthread_create(&ids[i], NULL, prime_job_run, &jobs[i]) != 0)
			errx(1, "no thread");
	}
	for (size_t i = 0; i < threads; i++)
		(void)pthread_join(ids[i], NULL);
	free(jobs);
	free(ids);
}

struct keys *
keys_new(enum csrs_key type, size_t count, size_t threads)
{
	struct keys *k = must(calloc(1, sizeof(*k)));

	k->type = type;
	if (type == CSRS_RSA2048) {
		k->primes = 2;
		while (k->primes * (k->primes - 1) / 2 < count)
			k->primes++;
		primes_make(k, threads);
	}
	return k;
}

void
keys_free(struct keys *k)
{
	if (k == NULL)
		return;
	for (size_t i = 0; i < k->primes; i++)
		BN_free(k->prime[i]);
	free(k->prime);
	free(k);
}

/* Pair number i of the pool: (1,0), (2,0), (2,1), (3,0), ... */
static void
pair_of(size_t i, size_t *ret_a, size_t *ret_b)
{
	size_t a = 1;

	while (i >= a)
		i -= a++;
	*ret_a = a;
	*ret_b = i;
}

/* The private key of the two primes, RFC 8017 section 3.2. */
static EVP_PKEY *
rsa_from_primes(const BIGNUM *p, const BIGNUM *q)
{
	BN_CTX *bn = must(BN_CTX_new());
	OSSL_PARAM_BLD *bld = must(OSSL_PARAM_BLD_new());
	EVP_PKEY_CTX *ctx = must(EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL));
	BIGNUM *n = must(BN_new()), *e = must(BN_new()), *d = must(BN_new());
	BIGNUM *p1 = must(BN_dup(p)), *q1 = must(BN_dup(q)), *phi = must(BN_new());
	BIGNUM *dp = must(BN_new()), *dq = must(BN_new()), *qinv = must(BN_new());
	OSSL_PARAM *params;
	EVP_PKEY *key = NULL;

	if (BN_set_word(e, RSA_F4) != 1 || BN_mul(n, p, q, bn) != 1 ||
	    BN_sub_word(p1, 1) != 1 || BN_sub_word(q1, 1) != 1 || BN_mul(phi, p1, q1, bn) != 1 ||
	    BN_mod_inverse(d, e, phi, bn) == NULL || BN_mod(dp, d, p1, bn) != 1 || BN_mod(dq, d, q1, bn) != 1 ||
	    BN_mod_inverse(qinv, q, p, bn) == NULL)
		errx(1, "two primes make no key");
	if (OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n) != 1 ||
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, e) != 1 ||
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_D, d) != 1 ||
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_FACTOR1, p) != 1 ||
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_FACTOR2, q) != 1 ||
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_EXPONENT1, dp) != 1 ||
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_EXPONENT2, dq) != 1 ||
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, qinv) != 1)
		errx(1, "out of memory");
	params = must(OSSL_PARAM_BLD_to_param(bld));
	if (EVP_PKEY_fromdata_init(ctx) != 1 || EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) != 1)
		errx(1, "OpenSSL takes no RSA key of two primes");

	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	EVP_PKEY_CTX_free(ctx);
	BIGNUM *all[] = { n, e, d, p1, q1, phi, dp, dq, qinv };
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		BN_free(all[i]);
	BN_CTX_free(bn);
	return key;
}

EVP_PKEY *
keys_get(struct keys *k, size_t i)
{
	size_t a, b;

	if (k->type == CSRS_P256)
		return must(EVP_EC_gen("P-256"));
	pair_of(i, &a, &b);
	return rsa_from_primes(k->prime[a], k->prime[b]);
}

size_t
key_public(EVP_PKEY *key, unsigned char *out, size_t size)
{
	BIGNUM *n = NULL;
	size_t len;

	if (EVP_PKEY_is_a(key, "EC")) {
		if (EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, out, size, &len) != 1)
			errx(1, "a key without a public point");
		return len;
	}
	if (size < MODULUS_BYTES || EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n) != 1 ||
	    BN_bn2binpad(n, out, MODULUS_BYTES) != MODULUS_BYTES)
		errx(1, "a key without a modulus of 2048 bits");
	BN_free(n);
	return MODULUS_BYTES;
}
