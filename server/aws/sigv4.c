#include "aws/sigv4.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hex.h"

enum {
	HASH_BYTES = 32,		/* SHA-256 */
	HASH_HEX_BYTES = 2 * HASH_BYTES + 1,
	SIGNED_HEADERS_MAX = 32,	/* lineca signs six */
	SCOPE_BYTES = 192
};
#define YEAR_10000_S INT64_C(253402300800)

struct span {
	const char	*text;
	size_t		 len;
};

/* ---- encoding (RFC 3986 2.3) */

static bool
is_unreserved(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' ||
	    c == '~';
}

static void
encode(struct buf *out, const char *text, size_t len)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		char escaped[3] = { '%', digits[c >> 4], digits[c & 15] };

		if (is_unreserved(text[i]))
			buf_put(out, text + i, 1);
		else
			buf_put(out, escaped, sizeof(escaped));
	}
}

void
sigv4_encode(struct buf *out, const char *text)
{
	encode(out, text, strlen(text));
}

/* Parts of text between separators, in their order.  NULL: no memory. */
static struct span *
split(const char *text, char separator, size_t *ret_count)
{
	size_t count = 1, n = 0;
	struct span *parts;

	for (const char *p = text; *p != '\0'; p++)
		count += *p == separator;
	if ((parts = calloc(count, sizeof(*parts))) == NULL)
		return NULL;
	for (const char *p = text;; p++) {
		if (*p == separator || *p == '\0') {
			parts[n++] = (struct span){ text, (size_t)(p - text) };
			text = p + 1;
		}
		if (*p == '\0')
			break;
	}
	*ret_count = n;
	return parts;
}

/* ---- the canonical request */

static bool
span_is(const struct span *s, const char *text)
{
	return s->len == strlen(text) && memcmp(s->text, text, s->len) == 0;
}

/* RFC 3986 5.2.4 without dot segments and, as AWS wants it, without empty ones; then every label encoded once more. */
static void
canonical_path(struct buf *out, const char *path)
{
	struct span *parts;
	size_t count, kept = 0, path_len = strlen(path);

	if ((parts = split(path, '/', &count)) == NULL) {
		out->failed = true;
		return;
	}
	for (size_t i = 0; i < count; i++) {
		if (parts[i].len == 0 || span_is(&parts[i], "."))
			continue;
		if (!span_is(&parts[i], ".."))
			parts[kept++] = parts[i];
		else if (kept > 0)
			kept--;
	}
	for (size_t i = 0; i < kept; i++) {
		buf_put(out, "/", 1);
		encode(out, parts[i].text, parts[i].len);
	}
	if (kept == 0 || path[path_len - 1] == '/')
		buf_put(out, "/", 1);
	free(parts);
}

/* A parameter of the query: its name ends at the first '='. */
static size_t
name_len(const struct span *s)
{
	const char *equals = memchr(s->text, '=', s->len);

	return equals == NULL ? s->len : (size_t)(equals - s->text);
}

static int
compare_bytes(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t len = a_len < b_len ? a_len : b_len;
	int order = len == 0 ? 0 : memcmp(a, b, len);

	return order != 0 ? order : (a_len > b_len) - (a_len < b_len);
}

/* By name, then by value: not the same as by the whole text, in which '=' has a place too. */
static int
compare_parameters(const void *va, const void *vb)
{
	const struct span *a = va, *b = vb;
	size_t an = name_len(a), bn = name_len(b);
	int order = compare_bytes(a->text, an, b->text, bn);

	return order != 0 ? order : compare_bytes(a->text + an, a->len - an, b->text + bn, b->len - bn);
}

static void
canonical_query(struct buf *out, const char *query)
{
	struct span *parts;
	size_t count;

	if (query[0] == '\0')
		return;
	if ((parts = split(query, '&', &count)) == NULL) {
		out->failed = true;
		return;
	}
	qsort(parts, count, sizeof(*parts), compare_parameters);
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			buf_put(out, "&", 1);
		buf_put(out, parts[i].text, parts[i].len);
		if (name_len(&parts[i]) == parts[i].len)
			buf_put(out, "=", 1);
	}
	free(parts);
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static int
compare_names(const char *a, const char *b)
{
	while (*a != '\0' && lower(*a) == lower(*b)) {
		a++;
		b++;
	}
	return (unsigned char)lower(*a) - (unsigned char)lower(*b);
}

static void
put_name(struct buf *out, const char *name)
{
	for (; *name != '\0'; name++) {
		char c = lower(*name);

		buf_put(out, &c, 1);
	}
}

/* Without blanks at either end, and one space for each run of them. */
static void
put_value(struct buf *out, const char *value)
{
	static const char blanks[] = " \t\r\n\v\f";

	for (value += strspn(value, blanks); *value != '\0';) {
		size_t word = strcspn(value, blanks);

		buf_put(out, value, word);
		value += word;
		value += strspn(value, blanks);
		if (*value != '\0')
			buf_put(out, " ", 1);
	}
}

/* Headers in the order of their names; those of one name keep theirs.  false: too many. */
static bool
add_header(struct sigv4_header *sorted, size_t *count, const char *name, const char *value)
{
	size_t at = *count;

	if (at == SIGNED_HEADERS_MAX)
		return false;
	for (; at > 0 && compare_names(sorted[at - 1].name, name) > 0; at--)
		sorted[at] = sorted[at - 1];
	sorted[at] = (struct sigv4_header){ name, value };
	(*count)++;
	return true;
}

static size_t
headers_to_sign(const struct sigv4_request *r, const char *session_token, const char *date,
    struct sigv4_header sorted[SIGNED_HEADERS_MAX])
{
	size_t count = 0;
	bool fits;

	fits = add_header(sorted, &count, "host", r->host) && add_header(sorted, &count, "x-amz-date", date);
	if (session_token[0] != '\0')
		fits = fits && add_header(sorted, &count, "x-amz-security-token", session_token);
	for (size_t i = 0; i < r->headers_count; i++)
		fits = fits && add_header(sorted, &count, r->headers[i].name, r->headers[i].value);
	return fits ? count : 0;
}

static bool
same_as_before(const struct sigv4_header *sorted, size_t i)
{
	return i > 0 && compare_names(sorted[i - 1].name, sorted[i].name) == 0;
}

static void
canonical_headers(struct buf *out, const struct sigv4_header *sorted, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (same_as_before(sorted, i))
			buf_put(out, ",", 1);
		else {
			if (i > 0)
				buf_put(out, "\n", 1);
			put_name(out, sorted[i].name);
			buf_put(out, ":", 1);
		}
		put_value(out, sorted[i].value);
	}
	buf_put(out, "\n", 1);
}

static void
signed_names(struct buf *out, const struct sigv4_header *sorted, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (same_as_before(sorted, i))
			continue;
		if (i > 0)
			buf_put(out, ";", 1);
		put_name(out, sorted[i].name);
	}
}

static bool
sha256_hex(const void *data, size_t len, char hex[HASH_HEX_BYTES])
{
	uint8_t hash[HASH_BYTES];

	if (EVP_Q_digest(NULL, "SHA256", NULL, data, len, hash, NULL) != 1)
		return false;
	hex_encode(hash, sizeof(hash), hex);
	return true;
}

void
sigv4_canonical(const struct sigv4_request *r, const char *session_token, const char *date, struct buf *out)
{
	struct sigv4_header sorted[SIGNED_HEADERS_MAX];
	size_t count = headers_to_sign(r, session_token, date, sorted);
	char hash[HASH_HEX_BYTES];

	if (count == 0 || !sha256_hex(r->body_len == 0 ? "" : r->body, r->body_len, hash)) {
		out->failed = true;
		return;
	}
	buf_puts(out, r->method);
	buf_put(out, "\n", 1);
	canonical_path(out, r->path);
	buf_put(out, "\n", 1);
	canonical_query(out, r->query);
	buf_put(out, "\n", 1);
	canonical_headers(out, sorted, count);
	buf_put(out, "\n", 1);
	signed_names(out, sorted, count);
	buf_put(out, "\n", 1);
	buf_puts(out, hash);
}

/* ---- the signature */

/* HMAC-SHA256 of a text.  out may be the key. */
static bool
hmac(EVP_MAC_CTX *ctx, const uint8_t *key, size_t key_len, const char *text, uint8_t out[HASH_BYTES])
{
	return EVP_MAC_init(ctx, key, key_len, NULL) == 1 &&
	    EVP_MAC_update(ctx, (const unsigned char *)text, strlen(text)) == 1 &&
	    EVP_MAC_final(ctx, out, NULL, HASH_BYTES) == 1;
}

struct scope {
	const char	*secret_key, *day, *region, *service;
};

/* The four keys that lead to the signature, and it: five HMACs cost less than keeping a secret in a cache. */
static bool
sign(const struct scope *s, const char *to_sign, uint8_t signature[HASH_BYTES])
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end() };
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *ctx = mac == NULL ? NULL : EVP_MAC_CTX_new(mac);
	char first[4 + AWS_KEY_BYTES + 1];
	uint8_t key[HASH_BYTES];
	bool ok;

	(void)snprintf(first, sizeof(first), "AWS4%s", s->secret_key);
	ok = ctx != NULL && EVP_MAC_CTX_set_params(ctx, params) == 1 &&
	    hmac(ctx, (const uint8_t *)first, strlen(first), s->day, key) &&
	    hmac(ctx, key, sizeof(key), s->region, key) &&
	    hmac(ctx, key, sizeof(key), s->service, key) &&
	    hmac(ctx, key, sizeof(key), "aws4_request", key) &&
	    hmac(ctx, key, sizeof(key), to_sign, signature);
	OPENSSL_cleanse(first, sizeof(first));
	OPENSSL_cleanse(key, sizeof(key));
	EVP_MAC_CTX_free(ctx);
	EVP_MAC_free(mac);
	return ok;
}

/* "20261120T030000Z": what clock_format_s writes, without its punctuation. */
static bool
format_date(int64_t now_s, char date[SIGV4_DATE_BYTES])
{
	char text[CLOCK_TEXT_BYTES];
	size_t n = 0;

	if (now_s < 0 || now_s >= YEAR_10000_S)
		return false;
	clock_format_s(now_s, text);
	for (const char *p = text; *p != '\0' && n < SIGV4_DATE_BYTES - 1; p++)
		if (*p != '-' && *p != ':')
			date[n++] = *p;
	date[n] = '\0';
	return true;
}

/* Room for the whole canonical request at once: growing would leave copies of the session token behind. */
static void
reserve(struct buf *b, const struct sigv4_request *r, const char *session_token)
{
	size_t room = 1024 + strlen(r->method) + 3 * strlen(r->path) + 2 * strlen(r->query) + 2 + strlen(r->host) +
	    strlen(session_token);

	for (size_t i = 0; i < r->headers_count; i++)
		room += 2 * strlen(r->headers[i].name) + strlen(r->headers[i].value) + 4;
	if ((b->data = malloc(room)) == NULL)
		b->failed = true;
	else
		b->room = room;
}

/* The hash of the canonical request; the request itself is wiped. */
static bool
canonical_hash(const struct sigv4_request *r, const char *session_token, const char *date, char hash[HASH_HEX_BYTES])
{
	struct buf canonical = { 0 };
	bool ok;

	reserve(&canonical, r, session_token);
	sigv4_canonical(r, session_token, date, &canonical);
	ok = !canonical.failed && sha256_hex(canonical.data, canonical.len, hash);
	if (canonical.data != NULL)
		OPENSSL_cleanse(canonical.data, canonical.room);
	buf_done(&canonical);
	return ok;
}

/* "AWS4-HMAC-SHA256 Credential=AKID/scope, SignedHeaders=a;b, Signature=hex" */
static bool
format_authorization(const struct sigv4_request *r, const struct aws_credentials *c, const char *date, const char *scope,
    const char *signature, char authorization[SIGV4_AUTHORIZATION_BYTES])
{
	struct sigv4_header sorted[SIGNED_HEADERS_MAX];
	size_t count = headers_to_sign(r, c->session_token, date, sorted);
	struct buf names = { 0 };
	int n = -1;

	signed_names(&names, sorted, count);
	if (!names.failed && names.data != NULL)
		n = snprintf(authorization, SIGV4_AUTHORIZATION_BYTES,
		    "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s", c->access_key, scope, names.data, signature);
	buf_done(&names);
	return n > 0 && n < SIGV4_AUTHORIZATION_BYTES;
}

enum err_code
sigv4_sign(const struct sigv4_request *r, const struct aws_credentials *c, int64_t now_s, char date[SIGV4_DATE_BYTES],
    char authorization[SIGV4_AUTHORIZATION_BYTES], struct err *e)
{
	char canonical[HASH_HEX_BYTES], signature[HASH_HEX_BYTES], scope[SCOPE_BYTES], day[9], to_sign[SCOPE_BYTES + 128];
	struct scope parts = { c->secret_key, day, r->region, r->service };
	uint8_t mac[HASH_BYTES];
	int n;

	if (!format_date(now_s, date))
		return err_set(e, ERR_INTERNAL, "sign %s: the clock is before 1970 or behind the year 9999", r->method);
	memcpy(day, date, 8);
	day[8] = '\0';
	n = snprintf(scope, sizeof(scope), "%s/%s/%s/aws4_request", day, r->region, r->service);
	if (n < 0 || (size_t)n >= sizeof(scope))
		return err_set(e, ERR_INTERNAL, "sign %s: the names of region and service are too long", r->method);
	if (!canonical_hash(r, c->session_token, date, canonical))
		return err_set(e, ERR_INTERNAL, "sign %s: no memory, more than %d headers, or OpenSSL failed", r->method,
		    SIGNED_HEADERS_MAX);
	(void)snprintf(to_sign, sizeof(to_sign), "AWS4-HMAC-SHA256\n%s\n%s\n%s", date, scope, canonical);
	if (!sign(&parts, to_sign, mac))
		return err_set(e, ERR_INTERNAL, "sign %s: OpenSSL's HMAC-SHA256 failed", r->method);
	hex_encode(mac, sizeof(mac), signature);
	if (!format_authorization(r, c, date, scope, signature, authorization))
		return err_set(e, ERR_INTERNAL, "sign %s: the Authorization header is longer than %d bytes", r->method,
		    SIGV4_AUTHORIZATION_BYTES - 1);
	return ERR_OK;
}
