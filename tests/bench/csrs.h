/*
 * Certificate requests to drive a server with: a file of PEM blocks, one after the other, each for another key and
 * another device id.  Made once and kept, so that a bench that is run again starts at once.
 *
 * A bench tool that cannot go on says why and ends: nothing here returns an error.
 */
#ifndef BENCH_CSRS_H
#define BENCH_CSRS_H

#include <stddef.h>

enum csrs_key { CSRS_P256, CSRS_RSA2048 };

/* The requests of a file, in its order. */
struct csrs {
	char	*text;		/* owned: the whole file */
	size_t	*at;		/* owned: request i is text[at[i]] up to text[at[i + 1]] */
	size_t	 n;
};

/*
 * Writes count requests with the subject O=Line bench, CN=<prefix>-<eight digits> to path, at once or not at all.
 *
 * RSA: every modulus is the product of two primes of a pool, each pair used once.  So the keys are distinct and for the
 * server as good as any, and 20,000 of them take some 200 primes, not 40,000.  They share factors: fit for nothing else.
 */
void	csrs_make(const char *path, enum csrs_key key, size_t count, const char *prefix);

void	csrs_read(const char *path, struct csrs *ret);
void	csrs_done(struct csrs *c);

#endif
