#include <string.h>

#include "base/base64.h"
#include "base/limits.h"
#include "ca/ossl.h"
#include "ca/der.h"
#include "ca/pem.h"

enum {
	LABEL_BYTES_MAX = 64,
	LINE_COLUMNS = 64		/* RFC 7468 2 */
};

static const char begin_mark[] = "-----BEGIN ";
static const char end_mark[] = "-----END ";
static const char dashes[] = "-----";

/* Where decoded bytes go.  What is there after a failure is still looked at: it may be half a private key. */
struct sink {
	uint8_t	*p;
	size_t	 size, len;
};

static bool
is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void
skip(struct der *d, size_t n)
{
	d->p += n;
	d->len -= n;
}

/* Where text first stands in d, or NULL. */
static const uint8_t *
find(struct der d, const char *text)
{
	return d.len == 0 ? NULL : memmem(d.p, d.len, text, strlen(text));
}

/*
 * A line with dashes before the words PRIVATE KEY: every label there is (RSA, EC, ENCRYPTED, OPENSSH, PGP ... BLOCK),
 * whole or cut off.
 */
static bool
holds_key_label(struct der d)
{
	const uint8_t *found;

	while ((found = find(d, "PRIVATE KEY")) != NULL) {
		size_t before = (size_t)(found - d.p), line = before;

		while (line > 0 && d.p[line - 1] != '\n' && d.p[line - 1] != '\r')
			line--;
		if (find((struct der){ d.p + line, before - line }, dashes) != NULL)
			return true;
		skip(&d, before + 1);
	}
	return false;
}

/*
 * Past the header of an element, however badly its length is written: a key that was cut off, or that somebody's own
 * code encoded, is still a key.  *ret_len: what the length says, at most what is there.
 */
static bool
enter(struct der *d, uint8_t tag, size_t *ret_len)
{
	size_t octets, len = 0;

	if (d->len < 2 || d->p[0] != tag)
		return false;
	octets = d->p[1] >= 0x80 ? d->p[1] & 0x7f : 0;
	if (octets > 4 || d->len < 2 + octets)
		return false;
	for (size_t i = 0; i < octets; i++)
		len = len << 8 | d->p[2 + i];
	if (d->p[1] < 0x80)
		len = d->p[1];
	skip(d, 2 + octets);
	*ret_len = len < d->len && d->p[-1] != 0x80 ? len : d->len;
	return true;
}

/*
 * PKCS#8 (RFC 5958) and PKCS#12: SEQUENCE { small INTEGER, SEQUENCE { OID; RSAPrivateKey (RFC 8017 A.1.2): { small
 * INTEGER, INTEGER; ECPrivateKey (RFC 5915): { small INTEGER, OCTET STRING; EncryptedPrivateKeyInfo: { SEQUENCE {
 * OID ... }, OCTET STRING.  A CSR is SEQUENCE { SEQUENCE { INTEGER.
 */
static bool
is_key_der(struct der d)
{
	size_t len;

	if (!enter(&d, DER_SEQUENCE, &len))
		return false;
	if (der_peek(&d, DER_INTEGER)) {
		if (!enter(&d, DER_INTEGER, &len) || len != 1)
			return false;
		skip(&d, len);
		if (der_peek(&d, DER_INTEGER) || der_peek(&d, DER_OCTET_STRING))
			return true;
		return enter(&d, DER_SEQUENCE, &len) && der_peek(&d, DER_OID);
	}
	if (!enter(&d, DER_SEQUENCE, &len) || !der_peek(&d, DER_OID))
		return false;
	skip(&d, len);
	return der_peek(&d, DER_OCTET_STRING);
}

/* In any of the elements that follow one another; white space between them is no disguise. */
static bool
holds_private_key(struct der d)
{
	size_t len;

	if (holds_key_label(d))
		return true;
	while (d.len > 0) {
		while (d.len > 0 && is_space(d.p[0]))
			skip(&d, 1);
		if (is_key_der(d))
			return true;
		if (!enter(&d, DER_SEQUENCE, &len))
			return false;
		skip(&d, len);
	}
	return false;
}

/* RFC 4648 table 1, by character, one more than the value: what is not named is 0 and no base64. */
static const uint8_t base64_values[256] = {
	['A'] = 1, ['B'] = 2, ['C'] = 3, ['D'] = 4, ['E'] = 5, ['F'] = 6, ['G'] = 7, ['H'] = 8,
	['I'] = 9, ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14, ['O'] = 15, ['P'] = 16,
	['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21, ['V'] = 22, ['W'] = 23, ['X'] = 24,
	['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28, ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32,
	['g'] = 33, ['h'] = 34, ['i'] = 35, ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40,
	['o'] = 41, ['p'] = 42, ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48,
	['w'] = 49, ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
	['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62, ['+'] = 63, ['/'] = 64,
};

/* The end of base64 text: n characters of a group are there and text begins with its padding. */
static const char *
finish_base64(struct der text, unsigned n, uint32_t group, struct sink *out)
{
	unsigned pad = 0;

	for (; text.len > 0; skip(&text, 1)) {
		if (text.p[0] == '=')
			pad++;
		else if (text.p[0] == '\0')
			return "there is a NUL byte in it; send the text without its terminating zero";
		else if (!is_space(text.p[0]))
			return pad > 0 ? "there is something after the end of its base64 text" :
			    "there is a character in it that base64 does not have";
	}
	if (n == 0 && pad == 0)
		return NULL;
	if (n < 2 || n + pad != 4)
		return "its base64 text is cut off or its padding (=) is wrong";
	group <<= 6 * (4 - n);
	if ((group & (n == 2 ? 0xffff : 0xff)) != 0)
		return "its base64 text ends in bits that must be zero";
	for (unsigned i = 0; i + 1 < n; i++) {
		if (out->len == out->size)
			return "it is too long";
		out->p[out->len++] = (uint8_t)(group >> (16 - 8 * i));
	}
	return NULL;
}

/* RFC 4648 4, with white space anywhere.  NULL, or what is wrong; what came before that is in out. */
static const char *
decode_base64(struct der text, struct sink *out)
{
	uint32_t group = 0;
	unsigned n = 0;

	for (; text.len > 0; skip(&text, 1)) {
		uint8_t v = base64_values[text.p[0]];

		if (v == 0) {
			if (is_space(text.p[0]))
				continue;
			break;
		}
		group = group << 6 | (v - 1u);
		if (++n < 4)
			continue;
		if (out->size - out->len < 3)
			return "it is too long";
		out->p[out->len++] = (uint8_t)(group >> 16);
		out->p[out->len++] = (uint8_t)(group >> 8);
		out->p[out->len++] = (uint8_t)group;
		group = 0;
		n = 0;
	}
	return finish_base64(text, n, group, out);
}

/* From behind a mark: the label, its dashes, and the line end (or the end of the text). */
static bool
take_label(struct der *d, struct der *ret_label)
{
	const uint8_t *end = find(*d, dashes);

	if (end == NULL || end - d->p > LABEL_BYTES_MAX)
		return false;
	*ret_label = (struct der){ d->p, (size_t)(end - d->p) };
	skip(d, ret_label->len + strlen(dashes));
	while (d->len > 0 && (d->p[0] == ' ' || d->p[0] == '\t' || d->p[0] == '\r'))
		skip(d, 1);
	return d->len == 0 || d->p[0] == '\n';
}

/* One block off the front of d, which begins with begin_mark. */
static const char *
take_block(struct der *d, struct sink *out)
{
	struct der label, end_label, text;
	const uint8_t *end;
	const char *wrong;

	skip(d, strlen(begin_mark));
	if (!take_label(d, &label))
		return "its BEGIN line is broken (curl needs --data-binary, not -d)";
	if ((end = find(*d, end_mark)) == NULL) {
		(void)decode_base64(*d, out);
		return "its END line is missing (is it cut off?)";
	}
	text = (struct der){ d->p, (size_t)(end - d->p) };
	wrong = decode_base64(text, out);
	skip(d, text.len + strlen(end_mark));
	if (wrong != NULL)
		return wrong;
	if (!take_label(d, &end_label) || !der_equal(end_label, label.p, label.len))
		return "its END line does not match its BEGIN line";
	if (!DER_IS(label, "CERTIFICATE REQUEST") && !DER_IS(label, "NEW CERTIFICATE REQUEST"))
		return "its PEM label is not CERTIFICATE REQUEST";
	return NULL;
}

/* Exactly one block; first is where its BEGIN stands.  Further blocks are decoded too: one may hide a key. */
static const char *
decode_pem(struct der body, const uint8_t *first, struct sink *out, bool *ret_key)
{
	const uint8_t *begin = first;
	const char *wrong = NULL, *why;
	unsigned blocks = 0;

	for (; begin != NULL; begin = find(body, begin_mark), blocks++) {
		bool line_start = begin == body.p || begin[-1] == '\n' || begin[-1] == '\r';

		skip(&body, (size_t)(begin - body.p));
		out->len = 0;
		why = take_block(&body, out);
		if (holds_private_key((struct der){ out->p, out->len })) {
			*ret_key = true;
			return NULL;
		}
		if (why == NULL && !line_start)
			why = "its BEGIN line does not begin a line";
		if (wrong == NULL)
			wrong = why;
	}
	if (wrong != NULL)
		return wrong;
	if (blocks > 1)
		return "there is more than one PEM block; send the request alone";
	for (; body.len > 0; skip(&body, 1)) {
		if (body.p[0] == '\0')
			return "there is a NUL byte after its END line; send the text without its terminating zero";
		if (!is_space(body.p[0]))
			return "there is something after its END line";
	}
	return NULL;
}

static const char *
copy_der(struct der body, struct sink *out)
{
	if (body.len > out->size)
		return "it is too long";
	memcpy(out->p, body.p, body.len);
	out->len = body.len;
	return NULL;
}

/* Is this one DER element from the first byte to the last?  Base64 and PEM text never is. */
static bool
is_whole_der(struct der body)
{
	struct der content;

	return der_take(&body, DER_SEQUENCE, &content) && body.len == 0;
}

static const char *
decode_any(struct der body, struct sink *out, bool *ret_key)
{
	const uint8_t *begin;
	const char *wrong;

	/* what some editors write before a text */
	if (body.len > 3 && memcmp(body.p, "\xef\xbb\xbf", 3) == 0)
		skip(&body, 3);
	if (is_whole_der(body))
		wrong = copy_der(body, out);
	else if ((begin = find(body, begin_mark)) != NULL)
		wrong = decode_pem(body, begin, out, ret_key);
	else if (der_peek(&body, DER_SEQUENCE))		/* '0' cannot begin the base64 of a SEQUENCE */
		wrong = copy_der(body, out);
	else
		wrong = decode_base64(body, out);
	*ret_key = *ret_key || holds_private_key(body) || holds_private_key((struct der){ out->p, out->len });
	if (wrong == NULL && out->len == 0)
		wrong = "it is empty";
	return wrong;
}

enum err_code
pem_decode_request(const uint8_t *body, size_t len, uint8_t *der, size_t der_size, size_t *ret_len, struct err *e)
{
	struct sink out = { .p = der, .size = der_size };
	bool key = false;
	const char *wrong = decode_any((struct der){ body, len }, &out, &key);

	if (key || wrong != NULL)
		OPENSSL_cleanse(der, der_size);
	if (key)
		return err_say(e, ERR_PRIVATE_KEY, "A private key was sent. It was not kept, but it has left the device:"
		    " make a new key, and send only the certificate request (CSR).");
	if (wrong != NULL)
		return err_say(e, ERR_CSR_MALFORMED, "The body is not one CSR in PEM, DER or base64: %s.", wrong);
	*ret_len = out.len;
	return ERR_OK;
}

static const char certificate_begin[] = "-----BEGIN CERTIFICATE-----\n";
static const char certificate_end[] = "-----END CERTIFICATE-----\n";

size_t
pem_certificate_bytes(size_t der_len)
{
	return sizeof(certificate_begin) - 1 + base64_bytes(der_len, LINE_COLUMNS) + sizeof(certificate_end);
}

size_t
pem_encode_certificate(const uint8_t *der, size_t der_len, char *out)
{
	char *p = out;

	memcpy(p, certificate_begin, sizeof(certificate_begin) - 1);
	p = base64_put(p + sizeof(certificate_begin) - 1, der, der_len, LINE_COLUMNS);
	memcpy(p, certificate_end, sizeof(certificate_end));
	return (size_t)(p - out) + sizeof(certificate_end) - 1;
}
