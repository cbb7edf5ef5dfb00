/* SipHash-2-4 (Aumasson, Bernstein 2012): a quick hash that nobody can aim at who does not know its key. */
#ifndef ACCESS_SIPHASH_H
#define ACCESS_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

enum { SIPHASH_KEY_BYTES = 16 };

uint64_t	siphash(const uint8_t key[SIPHASH_KEY_BYTES], const void *data, size_t len);

#endif
