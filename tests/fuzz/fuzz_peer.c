/*
 * A client's certificate, as TLS hands it over.  What holds for every one:
 *
 * - trust_verify and renewal_check refuse with their one code and a sentence for the client; OpenSSL's error queue is empty then;
 * - what is believed is valid at that time and no CA, and what is said of it is fit for a log;
 * - signed anew by a CA that is believed (a fuzzer cannot sign), it is judged by what it says;
 * - a request with its own subject and subjectAltName renews it, wherever such a request is acceptable.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "ca/renewal.h"
#include "ca/trust.h"
#include "cert_maker.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { NOW_S = 1795000000, INPUT_BYTES_MAX = 8 * 1024 };

static struct world {
	EVP_PKEY	*ca_key;
	X509		*ca;
	struct trust	*trust;
	struct csr	*device_1;	/* a request of CN=device-1 */
} world;

static void
world_done(void)
{
	EVP_PKEY_free(world.ca_key);
	X509_free(world.ca);
	trust_free(world.trust);
	csr_free(world.device_1);
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
world_open(void)
{
	struct cert_recipe r = { .cn = "Fuzz CA", .not_before_s = NOW_S - 86400, .not_after_s = NOW_S + 86400,
	    .extensions = CERT_CA_EXTENSIONS };
	static struct bytes der;
	struct err e;

	if (world.trust != NULL)
		return;
	r.key = world.ca_key = EVP_EC_gen("P-256");
	world.ca = make_certificate(&r);
	certificate_der(world.ca, &der);
	must(trust_new(&world.trust, &e), &e);
	must(trust_add(world.trust, der.p, der.len, &e), &e);
	make_csr(&(struct recipe){ .key = maker_key(MAKER_P256) }, &der);
	must(csr_parse(der.p, der.len, &world.device_1, &e), &e);
	must(subject_check(world.device_1, &e), &e);
	(void)atexit(world_done);
}

static void
check_peer(const struct trust_peer *p, const uint8_t *der, size_t len)
{
	uint8_t md[EVP_MAX_MD_SIZE];
	struct err e;

	assert(p->not_after_s > NOW_S);
	assert(p->common_name[0] == '\0' || device_id_check(p->common_name, strlen(p->common_name), &e) == ERR_OK);
	assert(p->serial_number[0] == '\0' || device_id_check(p->serial_number, strlen(p->serial_number), &e) == ERR_OK);
	assert(memchr(p->name, '\0', sizeof(p->name)) != NULL);
	for (const char *c = p->name; *c != '\0'; c++)
		assert(*c >= 0x20 && *c < 0x7f);
	assert(EVP_Digest(der, len, md, NULL, EVP_sha256(), NULL) == 1 && memcmp(md, p->certificate_id, 32) == 0);
}

/* True: it is believed. */
static bool
verify(const uint8_t *der, size_t len)
{
	struct trust_link chain[] = { { der, len }, { der, len } };
	struct trust_peer p;
	struct err e;
	enum err_code rc = trust_verify(world.trust, chain, 2, NOW_S, &p, &e);

	assert(ERR_peek_error() == 0);
	if (rc == ERR_OK) {
		check_peer(&p, der, len);
		return true;
	}
	assert(rc == ERR_UNAUTHORIZED && e.code == rc && e.client_text[0] != '\0');
	return false;
}

/* True: it is renewed by c. */
static bool
renews(const struct csr *c, const uint8_t *der, size_t len)
{
	struct err e;
	enum err_code rc = renewal_check(c, der, len, &e);

	assert(ERR_peek_error() == 0);
	assert(rc == ERR_OK || (rc == ERR_FORBIDDEN && e.code == rc && e.client_text[0] != '\0'));
	return rc == ERR_OK;
}

/* The request that says the same as the certificate. */
static void
renew_itself(X509 *x, const uint8_t *der, size_t len)
{
	static struct bytes subject, attributes, request;
	int at = X509_get_ext_by_NID(x, NID_subject_alt_name, -1), n;
	uint8_t *name = NULL, *san = NULL;
	struct der content;
	struct csr *c = NULL;
	struct err e;

	subject.len = attributes.len = 0;
	n = i2d_X509_NAME(X509_get_subject_name(x), &name);
	content = (struct der){ name, n > 0 ? (size_t)n : 0 };
	if (n > 0 && der_take(&content, DER_SEQUENCE, &content)) {
		bytes_add(&subject, content.p, content.len);
		if (at >= 0 && (n = i2d_X509_EXTENSION(X509_get_ext(x, at), &san)) > 0)
			bytes_add_extension_request(&attributes, san, (size_t)n);
		make_csr(&(struct recipe){ .key = maker_key(MAKER_P256), .subject = &subject, .attributes = &attributes }, &request);
		if (csr_parse(request.p, request.len, &c, &e) == ERR_OK && subject_check(c, &e) == ERR_OK)
			assert(renews(c, der, len));
	}
	csr_free(c);
	OPENSSL_free(name);
	OPENSSL_free(san);
	ERR_clear_error();
}

static void
sign_anew(X509 *x)
{
	static struct bytes der;

	if (X509_set_issuer_name(x, X509_get_subject_name(world.ca)) != 1 || X509_sign(x, world.ca_key, EVP_sha256()) <= 0) {
		ERR_clear_error();
		return;
	}
	certificate_der(x, &der);
	ERR_clear_error();
	if (verify(der.p, der.len))
		assert(X509_check_ca(x) != 1 && X509_cmp_time(X509_get0_notBefore(x), &(time_t){ NOW_S }) < 0);
	ERR_clear_error();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const uint8_t *p = data;
	X509 *x;

	if (len > INPUT_BYTES_MAX)
		return 0;
	world_open();
	(void)verify(data, len);
	(void)renews(world.device_1, data, len);
	x = d2i_X509(NULL, &p, (long)len);
	ERR_clear_error();
	if (x != NULL && p == data + len) {
		renew_itself(x, data, len);
		sign_anew(x);
	}
	X509_free(x);
	return 0;
}
