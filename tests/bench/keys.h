/* Distinct keys for the requests of a bench: fresh ones for P-256, products of a pool of primes for RSA. */
#ifndef BENCH_KEYS_H
#define BENCH_KEYS_H

#include <stddef.h>

#include <openssl/evp.h>

#include "tests/bench/csrs.h"

struct keys;

/* Source of count keys; makes the primes, if any, with so many threads. */
struct keys	*keys_new(enum csrs_key type, size_t count, size_t threads);
void		 keys_free(struct keys *k);

/* Key i, below count: P-256 another at each call, RSA always the same.  The caller frees it.  Any thread. */
EVP_PKEY	*keys_get(struct keys *k, size_t i);

/* What distinguishes the public key in its DER: the uncompressed point, or the modulus.  Returns its length. */
size_t		 key_public(EVP_PKEY *key, unsigned char *out, size_t size);

#endif
