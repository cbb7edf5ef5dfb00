#include "ca_fixture.h"

#include <string.h>

void
must(enum err_code rc, const struct err *e)
{
	if (rc != ERR_OK)
		fail_msg("%s: %s", err_name(rc), e->log_text);
}

void
fixture_init(struct fixture *f, enum ca_key_alg alg)
{
	struct ca_request req = { .common_name = "Test CA", .days = 3650 };
	uint8_t der[LIMIT_CERTIFICATE_BYTES];
	struct ca_key *k = NULL;
	size_t len = 0;

	memset(f, 0, sizeof(*f));
	f->clock = clock_fixed(FIXTURE_NOW_S * 1000000);
	serial_source_init(&f->serials, &f->clock, &rnd_system, 0);
	must(ca_key_generate(alg, &k, &f->e), &f->e);
	must(ca_certificate_self_sign(k, &req, &f->clock, &rnd_system, der, &len, &f->e), &f->e);
	must(issuer_new(der, len, k, &f->issuer, &f->e), &f->e);
	must(issue_bench_new(f->issuer, 1, &f->bench, &f->e), &f->e);
	must(pop_new(&f->pop, &f->e), &f->e);
}

void
fixture_done(struct fixture *f)
{
	pop_free(f->pop);
	issue_bench_free(f->bench);
	issuer_free(f->issuer);
}

enum err_code
fixture_accept(struct fixture *f, const uint8_t *der, size_t len, struct csr **ret)
{
	struct csr *c = NULL;
	enum err_code rc;

	err_clear(&f->e);
	if ((rc = csr_parse(der, len, &c, &f->e)) != ERR_OK)
		return rc;
	if ((rc = keycheck(c, &f->e)) != ERR_OK || (rc = subject_check(c, &f->e)) != ERR_OK ||
	    (rc = pop_verify(f->pop, c, &f->e)) != ERR_OK) {
		csr_free(c);
		return rc;
	}
	*ret = c;
	return ERR_OK;
}

enum err_code
fixture_judge(struct fixture *f, const struct bytes *der)
{
	struct csr *c = NULL;
	enum err_code rc = fixture_accept(f, der->p, der->len, &c);

	csr_free(c);
	if (rc != ERR_OK) {
		assert_int_equal(f->e.code, rc);
		assert_true(f->e.client_text[0] != '\0');	/* every refusal says what to do */
	}
	assert_int_equal(ERR_peek_error(), 0);			/* the queue is drained */
	return rc;
}

enum err_code
fixture_issue(struct fixture *f, const struct profile *p, const uint8_t *der, size_t len, struct issued **ret)
{
	uint8_t serial[SERIAL_BYTES];
	struct csr *c = NULL;
	struct plan *plan = NULL;
	enum err_code rc;

	if ((rc = fixture_accept(f, der, len, &c)) == ERR_OK && (rc = serial_next(&f->serials, serial, &f->e)) == ERR_OK &&
	    (rc = plan_new(p, f->issuer, c, clock_now_s(&f->clock), serial, &plan, &f->e)) == ERR_OK)
		rc = issue(f->bench, plan, ret, &f->e);
	plan_free(plan);
	csr_free(c);
	return rc;
}

void
fixture_verify_strict(struct fixture *f, const uint8_t *der, size_t len)
{
	const uint8_t *p = der, *ca_p = f->issuer->cert;
	X509 *cert = d2i_X509(NULL, &p, (long)len), *ca = d2i_X509(NULL, &ca_p, (long)f->issuer->cert_len);
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();

	assert_non_null(cert);
	assert_ptr_equal(p, der + len);
	assert_int_equal(X509_STORE_add_cert(store, ca), 1);
	assert_int_equal(X509_STORE_CTX_init(ctx, store, cert, NULL), 1);
	X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_X509_STRICT | X509_V_FLAG_CHECK_SS_SIGNATURE);
	X509_STORE_CTX_set_time(ctx, 0, (time_t)clock_now_s(&f->clock));
	X509_STORE_CTX_set_purpose(ctx, X509_PURPOSE_SSL_CLIENT);
	if (X509_verify_cert(ctx) != 1)
		fail_msg("verify: %s", X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	X509_free(ca);
	X509_free(cert);
}
