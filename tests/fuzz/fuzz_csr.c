/*
 * From a request body to a certificate.  The input is a body as a device posts it.  What holds for every one:
 *
 * - a refusal has one of the codes of a bad request, and a sentence for the client; OpenSSL's error queue is empty after it;
 * - what is accepted is issued, and the certificate carries exactly that key and that device id;
 * - a request whose subject is acceptable is accepted when it is signed anew with a good key.  (Otherwise a fuzzer,
 *   which cannot sign, would never come further than the signature.)
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "ca/pem.h"
#include "csr_maker.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { NOW_S = 1795000000 };

static struct shop {
	struct clock		 clock;
	struct serial_source	 serials;
	struct issuer		*issuer;
	struct issue_bench	*bench;
	struct pop		*pop;
} shop;

static void
shop_done(void)
{
	pop_free(shop.pop);
	issue_bench_free(shop.bench);
	issuer_free(shop.issuer);
	maker_done();
}

static void
must(enum err_code rc, const struct err *e)
{
	if (rc != ERR_OK) {
		(void)fprintf(stderr, "%s: %s\n", err_name(rc), e->log_text);
		abort();
	}
}

static void
shop_open(void)
{
	struct ca_request req = { .common_name = "Fuzz CA", .days = 3650 };
	uint8_t der[LIMIT_CERTIFICATE_BYTES];
	struct ca_key *k = NULL;
	struct err e;
	size_t len = 0;

	if (shop.issuer != NULL)
		return;
	shop.clock = clock_fixed(INT64_C(1000000) * NOW_S);
	serial_source_init(&shop.serials, &shop.clock, &rnd_system, 0);
	must(ca_key_generate(CA_KEY_P256, &k, &e), &e);
	must(ca_certificate_self_sign(k, &req, &shop.clock, &rnd_system, der, &len, &e), &e);
	must(issuer_new(der, len, k, &shop.issuer, &e), &e);
	must(issue_bench_new(shop.issuer, 1, &shop.bench, &e), &e);
	must(pop_new(&shop.pop, &e), &e);
	(void)atexit(shop_done);
}

/* Refusals that a request can earn; anything else is our fault. */
static void
check_refusal(enum err_code rc, const struct err *e)
{
	assert(rc == ERR_CSR_MALFORMED || rc == ERR_CSR_SIGNATURE || rc == ERR_PRIVATE_KEY || rc == ERR_KEY ||
	    rc == ERR_SUBJECT);
	assert(e->code == rc && e->client_text[0] != '\0');
	assert(ERR_peek_error() == 0);
}

static void
check_certificate(const struct issued *i, const struct csr *c)
{
	size_t len, spki_len;
	const uint8_t *der = issued_der(i, &len), *p = der, *spki = csr_spki(c, &spki_len);
	X509 *x = d2i_X509(NULL, &p, (long)len);
	uint8_t *key = NULL;
	int key_len;

	assert(x != NULL && p == der + len);
	key_len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &key);
	assert(key_len > 0 && (size_t)key_len == spki_len && memcmp(key, spki, spki_len) == 0);
	assert(strcmp(issued_device_id(i), csr_device_id(c)) == 0 && X509_check_ca(x) == 0);
	assert(ERR_peek_error() == 0);
	OPENSSL_free(key);
	X509_free(x);
}

static void
issue_it(const struct csr *c)
{
	uint8_t serial[SERIAL_BYTES];
	struct plan *plan = NULL;
	struct issued *i = NULL;
	struct err e;

	must(serial_next(&shop.serials, serial, &e), &e);
	must(plan_new(&profile_default, shop.issuer, c, NOW_S, serial, &plan, &e), &e);
	must(issue(shop.bench, plan, &i, &e), &e);
	check_certificate(i, c);
	issued_free(i);
	plan_free(plan);
}

/* Every check, whatever the others say; true if all passed. */
static bool
check_all(struct csr *c, bool *ret_subject_ok)
{
	struct err e;
	enum err_code rc;
	bool ok;

	if (!(*ret_subject_ok = (rc = subject_check(c, &e)) == ERR_OK))
		check_refusal(rc, &e);
	ok = *ret_subject_ok;
	if ((rc = keycheck(c, &e)) != ERR_OK) {
		check_refusal(rc, &e);
		return false;
	}
	if ((rc = pop_verify(shop.pop, c, &e)) != ERR_OK) {
		check_refusal(rc, &e);
		return false;
	}
	return ok;
}

/* The same subject and attributes with a key of ours, signed. */
static void
sign_anew(const struct csr *c)
{
	static struct bytes subject, attributes, der;
	struct recipe r = { .key = maker_key(MAKER_P256), .subject = &subject, .attributes = &attributes };
	struct der rest = { c->spki.p + c->spki.len, (size_t)(c->info.p + c->info.len - (c->spki.p + c->spki.len)) };
	struct csr *anew = NULL;
	struct err e;
	bool subject_ok;

	subject.len = attributes.len = 0;
	bytes_add(&subject, c->subject.p, c->subject.len);
	r.no_attributes = rest.len == 0;
	if (rest.len > 0) {
		assert(der_take(&rest, DER_CONTEXT_0, &rest));
		bytes_add(&attributes, rest.p, rest.len);
	}
	make_csr(&r, &der);
	must(csr_parse(der.p, der.len, &anew, &e), &e);
	assert(check_all(anew, &subject_ok) == subject_ok);
	if (subject_ok)
		issue_it(anew);
	csr_free(anew);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t der[LIMIT_CSR_BYTES];
	struct csr *c = NULL;
	struct err e;
	enum err_code rc;
	bool subject_ok;
	size_t n;

	if (len > LIMIT_BODY_BYTES)
		return 0;
	shop_open();
	if ((rc = pem_decode_request(data, len, der, sizeof(der), &n, &e)) != ERR_OK) {
		check_refusal(rc, &e);
		return 0;
	}
	assert(n > 0 && n <= sizeof(der));
	if ((rc = csr_parse(der, n, &c, &e)) != ERR_OK) {
		check_refusal(rc, &e);
		return 0;
	}
	if (check_all(c, &subject_ok))
		issue_it(c);
	else if (n < LIMIT_CSR_BYTES - 1024)
		sign_anew(c);
	csr_free(c);
	return 0;
}
