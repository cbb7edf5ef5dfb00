#include "ca/rsa_weak.h"

#include <stdbool.h>

#include "ca/ossl.h"

enum {
	SMALL_FACTOR_MAX = 1000,
	ROCA_PRIME_MAX = 167,		/* every ROCA modulus is built over the primes up to 167, or more */
	FERMAT_ROUNDS = 100
};

static bool
is_prime(unsigned n)
{
	for (unsigned d = 2; d * d <= n; d++)
		if (n % d == 0)
			return false;
	return n >= 2;
}

/*
 * n modulo every odd prime below SMALL_FACTOR_MAX.  Dividing a long number is what costs, so it is divided by
 * products of primes that fill a word, and the short remainder by each of them.
 */
static void
small_residues(const BIGNUM *n, BN_ULONG residue[SMALL_FACTOR_MAX])
{
	unsigned p = 3, q;

	while (p < SMALL_FACTOR_MAX) {
		BN_ULONG product = 1, rest;

		for (q = p; q < SMALL_FACTOR_MAX && product <= (BN_ULONG)-1 / q; q += 2)
			if (is_prime(q))
				product *= q;
		rest = BN_mod_word(n, product);
		for (; p < q; p += 2)
			residue[p] = rest % p;
	}
}

static bool
has_small_factor(const BN_ULONG *residue)
{
	for (unsigned p = 3; p < SMALL_FACTOR_MAX; p += 2)
		if (is_prime(p) && residue[p] == 0)
			return true;
	return false;
}

/* Is n mod p one of the powers of 65537 mod p? */
static bool
in_roca_group(BN_ULONG n_mod_p, unsigned p)
{
	unsigned g = 65537 % p, x = 1;

	do {
		if (x == n_mod_p)
			return true;
		x = x * g % p;
	} while (x != 1);
	return false;
}

/*
 * Nemec et al., "The Return of Coppersmith's Attack", 2017: the primes of that generator are
 * k * M + (65537^a mod M), M the product of the first primes, so that the modulus is a power of 65537
 * modulo each of them.  A random modulus is one in about 2^27 times.
 */
static bool
is_roca(const BN_ULONG *residue)
{
	for (unsigned p = 3; p <= ROCA_PRIME_MAX; p += 2)
		if (is_prime(p) && !in_roca_group(residue[p], p))
			return false;
	return true;
}

/* Largest integer whose square is at most n, by Newton's method from above. */
static bool
square_root(BIGNUM *root, const BIGNUM *n, BN_CTX *ctx)
{
	BIGNUM *next;
	bool ok = false;

	BN_CTX_start(ctx);
	if ((next = BN_CTX_get(ctx)) == NULL || !BN_one(next) || !BN_lshift(next, next, (BN_num_bits(n) + 1) / 2))
		goto out;
	do {
		if (BN_copy(root, next) == NULL || !BN_div(next, NULL, n, root, ctx) || !BN_add(next, next, root) ||
		    !BN_rshift1(next, next))
			goto out;
	} while (BN_cmp(next, root) < 0);
	ok = true;
out:
	BN_CTX_end(ctx);
	return ok;
}

/* Cheap: squares are few modulo 64 and modulo 63 * 65 * 11, so hardly any other number comes through. */
static bool
may_be_square(const BIGNUM *n)
{
	static const uint64_t squares_mod_64 = UINT64_C(0x0202021202030213);	/* bit r: r is a square */
	static const unsigned moduli[] = { 63, 65, 11 };
	BN_ULONG rest;

	if ((squares_mod_64 >> BN_mod_word(n, 64) & 1) == 0)
		return false;
	rest = BN_mod_word(n, 63 * 65 * 11);
	for (size_t i = 0; i < sizeof(moduli) / sizeof(moduli[0]); i++) {
		unsigned m = moduli[i], x = 0;

		while (x < m && x * x % m != rest % m)
			x++;
		if (x == m)
			return false;
	}
	return true;
}

/*
 * Fermat: n = a^2 - b^2 = (a + b)(a - b), with a from the root of n upwards.  Returns 1 if that parts n,
 * 0 if not, -1 without memory.
 */
static int
parts_by_fermat(const BIGNUM *n, BN_CTX *ctx)
{
	BIGNUM *a, *b2, *b, *square;
	int rc = -1;

	BN_CTX_start(ctx);
	a = BN_CTX_get(ctx);
	b2 = BN_CTX_get(ctx);
	b = BN_CTX_get(ctx);
	if ((square = BN_CTX_get(ctx)) == NULL || !square_root(a, n, ctx) || !BN_sqr(b2, a, ctx))
		goto out;
	if (BN_cmp(b2, n) == 0) {
		rc = 1;
		goto out;
	}
	if (!BN_add_word(a, 1) || !BN_sqr(b2, a, ctx) || !BN_sub(b2, b2, n))
		goto out;
	for (int i = 0; i < FERMAT_ROUNDS; i++) {
		if (may_be_square(b2)) {
			if (!square_root(b, b2, ctx) || !BN_sqr(square, b, ctx))
				goto out;
			if (BN_cmp(square, b2) == 0) {
				rc = 1;
				goto out;
			}
		}
		/* (a + 1)^2 - n = b2 + 2a + 1 */
		if (!BN_add(b2, b2, a) || !BN_add(b2, b2, a) || !BN_add_word(b2, 1) || !BN_add_word(a, 1))
			goto out;
	}
	rc = 0;
out:
	BN_CTX_end(ctx);
	return rc;
}

enum err_code
rsa_weak_check(const uint8_t *modulus, size_t len, struct err *e)
{
	BIGNUM *n = NULL;
	BN_CTX *ctx = NULL;
	BN_ULONG residue[SMALL_FACTOR_MAX];
	enum err_code rc = ERR_OK;
	int fermat;

	if ((n = BN_bin2bn(modulus, (int)len, NULL)) == NULL || (ctx = BN_CTX_new()) == NULL) {
		rc = ossl_fail(e, ERR_NOMEM, "rsa modulus");
		goto out;
	}
	small_residues(n, residue);
	if (!BN_is_odd(n) || has_small_factor(residue)) {
		rc = err_say(e, ERR_KEY, "The RSA modulus has a small factor: it is broken. Make a new key.");
		goto out;
	}
	if (is_roca(residue)) {
		rc = err_say(e, ERR_KEY, "The RSA key carries the mark of a faulty generator (ROCA, CVE-2017-15361) and can be"
		    " broken. Update the chip's firmware or make the key elsewhere.");
		goto out;
	}
	if ((fermat = parts_by_fermat(n, ctx)) < 0)
		rc = ossl_fail(e, ERR_NOMEM, "rsa modulus");
	else if (fermat > 0)
		rc = err_say(e, ERR_KEY, "The two primes of the RSA key are so close that it can be factored. Make a new key"
		    " with a sound random generator.");
out:
	BN_CTX_free(ctx);
	BN_free(n);
	return rc;
}
