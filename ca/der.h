/*
 * DER (X.690): a strict reader and a writer, enough for PKCS#10 and X.509.  Inside ca/ only.
 *
 * The reader walks over bytes that belong to somebody else and copies nothing.  It accepts definite,
 * shortest lengths and one-octet tags, and nothing else: what two parsers could read differently is refused.
 * The writer (der_write.c) builds backwards from the end of a buffer, so that every length is known when
 * its header is written.  The two share no code: one checks the other (ca/selfcheck.c).
 */
#ifndef CA_DER_H
#define CA_DER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum der_tag {
	DER_BOOLEAN = 0x01,
	DER_INTEGER = 0x02,
	DER_BIT_STRING = 0x03,
	DER_OCTET_STRING = 0x04,
	DER_NULL = 0x05,
	DER_OID = 0x06,
	DER_UTF8_STRING = 0x0c,
	DER_PRINTABLE_STRING = 0x13,
	DER_UTC_TIME = 0x17,
	DER_GENERALIZED_TIME = 0x18,
	DER_UNIVERSAL_STRING = 0x1c,
	DER_BMP_STRING = 0x1e,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31,
	DER_CONTEXT_0 = 0xa0,		/* [0] constructed; + n for [n] */
	DER_CONTEXT_0_PRIMITIVE = 0x80	/* [0] IMPLICIT of a primitive type */
};

/* Some bytes: what is left to read, or what was read.  Borrowed. */
struct der {
	const uint8_t	*p;
	size_t		 len;
};

/*
 * Reads one element off the front of in.  False, and in is where it was: no whole element, an
 * indefinite or not shortest length, a tag of more than one octet.  ret_content may be in: that goes inside.
 */
bool	der_next(struct der *in, uint8_t *ret_tag, struct der *ret_content);

/* The same, and the tag must be this one. */
bool	der_take(struct der *in, uint8_t tag, struct der *ret_content);

/* The same; what comes back is the whole element, with its header. */
bool	der_take_element(struct der *in, uint8_t tag, struct der *ret_element);

/* Is this the tag of the next element? */
bool	der_peek(const struct der *in, uint8_t tag);

/* A BIT STRING of whole octets; what comes back is the octets. */
bool	der_take_octet_bits(struct der *in, struct der *ret_octets);

/* An INTEGER that is not negative and shortest; what comes back is its magnitude, empty for 0. */
bool	der_take_unsigned(struct der *in, struct der *ret_magnitude);

/* Is this content one of an OBJECT IDENTIFIER? */
bool	der_oid_ok(struct der content);

/*
 * Is this one whole element, well formed all the way down?  Looks into constructed elements, at most
 * LIMIT_DER_DEPTH deep, and at the content of BOOLEAN, INTEGER, BIT STRING, NULL and OBJECT IDENTIFIER, and at
 * the length of strings of wide characters.
 */
bool	der_check(struct der element);

bool	der_equal(struct der a, const void *bytes, size_t len);

/* Compares with a string literal. */
#define DER_IS(a, literal)	der_equal((a), (literal), sizeof(literal) - 1)

/* --- the writer --- */

struct der_writer {
	uint8_t	*start;		/* of the buffer */
	uint8_t	*p;		/* the first byte written so far */
	uint8_t	*end;		/* of the buffer */
	bool	 full;		/* something did not fit: nothing of it is valid */
};

void	der_writer_init(struct der_writer *w, uint8_t *buf, size_t len);

/* A place to come back to: der_wrap puts a header before all that was written since. */
size_t	der_mark(const struct der_writer *w);
void	der_wrap(struct der_writer *w, uint8_t tag, size_t mark);

/* Raw bytes, or an element of these bytes. */
void	der_put(struct der_writer *w, const void *bytes, size_t len);
void	der_put_element(struct der_writer *w, uint8_t tag, const void *content, size_t len);

/* A BIT STRING of whole octets. */
void	der_put_octet_bits(struct der_writer *w, const void *bytes, size_t len);

/* A positive INTEGER from its magnitude; leading zero octets are dropped, one put where the sign needs it. */
void	der_put_unsigned(struct der_writer *w, const uint8_t *magnitude, size_t len);

/* Time by RFC 5280 4.1.2.5: UTCTime for 1950 to 2049, GeneralizedTime otherwise.  Years 0 to 9999. */
void	der_put_time(struct der_writer *w, int64_t s);

#define DER_PUT(w, literal)	der_put((w), (literal), sizeof(literal) - 1)

#endif
