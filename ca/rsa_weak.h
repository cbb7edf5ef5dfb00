/* RSA moduli that must not be trusted although they look like others.  Inside ca/ only. */
#ifndef CA_RSA_WEAK_H
#define CA_RSA_WEAK_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * ERR_KEY with a client text: even; a factor below 1000; two primes so close that 100 rounds of Fermat's
 * method part them; the fingerprint of ROCA (CVE-2017-15361).  modulus is big endian, without leading zeros.  About
 * 100 us for 2048 bits.  Any thread.
 */
ERR_MUST_CHECK enum err_code	rsa_weak_check(const uint8_t *modulus, size_t len, struct err *e);

#endif
