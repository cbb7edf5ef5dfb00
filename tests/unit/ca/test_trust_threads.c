/* One set of CAs, shared by threads that verify all the time: good chains and bad ones, each its own verdict. */
#include "ca_fixture.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "ca/trust.h"
#include "cert_maker.h"

enum { THREADS = 4, ROUNDS = 300, CAS = 20, KINDS = 4 };

static struct err e;

/* What is sent, and what it must be told. */
static struct kind {
	struct bytes	 leaf;
	const char	*refused;	/* NULL: believed */
	char		 name[32];
} kinds[KINDS];

struct worker {
	pthread_t		 thread;
	const struct trust	*trust;
	unsigned		 right;
	struct err		 e;
};

static X509 *
make(const char *cn, EVP_PKEY *key, const X509 *issuer, EVP_PKEY *signer, bool ca, int64_t not_after_s)
{
	struct cert_recipe r = { .cn = cn, .key = key, .issuer = issuer, .signer = signer, .not_before_s = FIXTURE_NOW_S - 86400,
	    .not_after_s = not_after_s, .extensions = CERT_CLIENT_EXTENSIONS };

	if (ca)
		memcpy(r.extensions, ((struct cert_recipe){ .extensions = CERT_CA_EXTENSIONS }).extensions, sizeof(r.extensions));
	return make_certificate(&r);
}

static void
make_kind(struct kind *k, const char *name, const X509 *ca, EVP_PKEY *signer, int64_t not_after_s, const char *refused)
{
	X509 *x = make(name, maker_key(MAKER_P256_OTHER), ca, signer, false, not_after_s);

	certificate_der(x, &k->leaf);
	(void)snprintf(k->name, sizeof(k->name), "%s", name);
	k->refused = refused;
	X509_free(x);
}

/* Many CAs, so that the store has something to sort when the first thread asks. */
static struct trust *
make_world(void)
{
	const int64_t years_s = FIXTURE_NOW_S + INT64_C(1000) * 86400;
	X509 *ca = NULL, *unknown = make("Unknown CA", maker_key(MAKER_P384), NULL, NULL, true, years_s);
	struct trust *t = NULL;

	must(trust_new(&t, &e), &e);
	for (int i = 0; i < CAS; i++) {
		struct bytes der;
		char cn[32];

		X509_free(ca);
		(void)snprintf(cn, sizeof(cn), "CA %d", (i * 7) % CAS);
		ca = make(cn, maker_key(MAKER_P256), NULL, NULL, true, years_s);
		certificate_der(ca, &der);
		must(trust_add(t, der.p, der.len, &e), &e);
	}
	make_kind(&kinds[0], "device-1", ca, maker_key(MAKER_P256), years_s, NULL);
	make_kind(&kinds[1], "device-2", ca, maker_key(MAKER_P256), FIXTURE_NOW_S - 1, "has expired");
	make_kind(&kinds[2], "device-3", unknown, maker_key(MAKER_P384), years_s, "believes");
	make_kind(&kinds[3], "device-4", ca, maker_key(MAKER_P384), years_s, "is not signed");
	X509_free(unknown);
	X509_free(ca);
	return t;
}

static void *
work(void *arg)
{
	struct worker *w = arg;

	for (unsigned n = 0; n < ROUNDS * KINDS; n++) {
		const struct kind *k = &kinds[n % KINDS];
		struct trust_link link = { k->leaf.p, k->leaf.len };
		struct trust_peer p;
		enum err_code rc = trust_verify(w->trust, &link, 1, FIXTURE_NOW_S, &p, &w->e);

		if (k->refused == NULL)
			w->right += rc == ERR_OK && strcmp(p.common_name, k->name) == 0 && ERR_peek_error() == 0;
		else
			w->right += rc == ERR_UNAUTHORIZED && strstr(w->e.client_text, k->refused) != NULL && ERR_peek_error() == 0;
	}
	return NULL;
}

static void
test_shared(void **state)
{
	struct trust *t = make_world();
	struct worker w[THREADS] = { 0 };

	(void)state;
	for (int i = 0; i < THREADS; i++) {
		w[i].trust = t;
		assert_int_equal(pthread_create(&w[i].thread, NULL, work, &w[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(w[i].thread, NULL), 0);
		if (w[i].right != ROUNDS * KINDS)
			fail_msg("thread %d: %u of %d; last: %s", i, w[i].right, ROUNDS * KINDS, w[i].e.log_text);
	}
	trust_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_shared) };
	int rc = cmocka_run_group_tests(tests, NULL, NULL);

	maker_done();
	return rc;
}
