/* Threads side by side, each with its own bench and pop, one issuer and one source of serials between them. */
#include "ca_fixture.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 4, CERTIFICATES_EACH = 2000, REQUESTS = 16 };

struct worker {
	pthread_t		 thread;
	const struct issuer	*issuer;
	struct serial_source	*serials;
	const struct bytes	*csrs;
	unsigned		 verified;
	uint8_t			 serial[CERTIFICATES_EACH][SERIAL_BYTES];
	struct err		 e;
};

static struct bytes csrs[REQUESTS];

static bool
is_signed_by(const struct issued *i, EVP_PKEY *ca, EVP_PKEY *device)
{
	size_t len;
	const uint8_t *p = issued_der(i, &len);
	X509 *x = d2i_X509(NULL, &p, (long)len);
	bool ok = x != NULL && X509_verify(x, ca) == 1 && EVP_PKEY_eq(X509_get0_pubkey(x), device) == 1;

	X509_free(x);
	return ok;
}

static enum err_code
issue_one(struct worker *w, struct pop *pop, struct issue_bench *bench, unsigned n, struct issued **ret)
{
	const struct bytes *csr = &w->csrs[n % REQUESTS];
	struct csr *c = NULL;
	struct plan *plan = NULL;
	enum err_code rc;

	if ((rc = csr_parse(csr->p, csr->len, &c, &w->e)) == ERR_OK && (rc = keycheck(c, &w->e)) == ERR_OK &&
	    (rc = subject_check(c, &w->e)) == ERR_OK && (rc = pop_verify(pop, c, &w->e)) == ERR_OK &&
	    (rc = serial_next(w->serials, w->serial[n], &w->e)) == ERR_OK &&
	    (rc = plan_new(&profile_default, w->issuer, c, FIXTURE_NOW_S, w->serial[n], &plan, &w->e)) == ERR_OK)
		rc = issue(bench, plan, ret, &w->e);
	plan_free(plan);
	csr_free(c);
	return rc;
}

static void *
work(void *arg)
{
	struct worker *w = arg;
	const uint8_t *p = w->issuer->spki.p;
	EVP_PKEY *ca = d2i_PUBKEY(NULL, &p, (long)w->issuer->spki.len), *device[REQUESTS] = { NULL };
	struct pop *pop = NULL;
	struct issue_bench *bench = NULL;

	for (int i = 0; i < REQUESTS; i++) {
		const uint8_t *q = w->csrs[i].p;
		X509_REQ *req = d2i_X509_REQ(NULL, &q, (long)w->csrs[i].len);

		device[i] = X509_REQ_get_pubkey(req);
		X509_REQ_free(req);
	}
	if (pop_new(&pop, &w->e) == ERR_OK && issue_bench_new(w->issuer, 100, &bench, &w->e) == ERR_OK)
		for (unsigned n = 0; n < CERTIFICATES_EACH; n++) {
			struct issued *i = NULL;

			if (issue_one(w, pop, bench, n, &i) == ERR_OK && is_signed_by(i, ca, device[n % REQUESTS]))
				w->verified++;
			issued_free(i);
		}
	for (int i = 0; i < REQUESTS; i++)
		EVP_PKEY_free(device[i]);
	issue_bench_free(bench);
	pop_free(pop);
	EVP_PKEY_free(ca);
	return NULL;
}

static int
compare(const void *a, const void *b)
{
	return memcmp(a, b, SERIAL_BYTES);
}

static void
test_all_verify(void **state)
{
	static uint8_t serials[THREADS * CERTIFICATES_EACH][SERIAL_BYTES];
	static struct worker w[THREADS];
	struct fixture f;

	(void)state;
	fixture_init(&f, CA_KEY_P256);
	for (int i = 0; i < REQUESTS; i++) {
		EVP_PKEY *key = i == 0 ? EVP_RSA_gen(2048) : EVP_EC_gen(i == 1 ? "P-384" : "P-256");

		make_csr(&(struct recipe){ .key = key }, &csrs[i]);
		EVP_PKEY_free(key);
	}
	for (int t = 0; t < THREADS; t++) {
		w[t].issuer = f.issuer;
		w[t].serials = &f.serials;
		w[t].csrs = csrs;
		assert_int_equal(pthread_create(&w[t].thread, NULL, work, &w[t]), 0);
	}
	for (int t = 0; t < THREADS; t++) {
		assert_int_equal(pthread_join(w[t].thread, NULL), 0);
		if (w[t].verified != CERTIFICATES_EACH)
			fail_msg("thread %d: %u of %d; last error: %s", t, w[t].verified, CERTIFICATES_EACH, w[t].e.log_text);
		memcpy(serials[t * CERTIFICATES_EACH], w[t].serial, sizeof(w[t].serial));
	}
	qsort(serials, THREADS * CERTIFICATES_EACH, SERIAL_BYTES, compare);
	for (size_t i = 1; i < THREADS * CERTIFICATES_EACH; i++)
		assert_true(compare(serials[i - 1], serials[i]) < 0);
	fixture_done(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_all_verify) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
