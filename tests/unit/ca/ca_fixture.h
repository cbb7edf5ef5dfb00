/* What most tests here need: an issuing CA, a bench, a pop, and the way from a CSR to a certificate. */
#ifndef TEST_CA_FIXTURE_H
#define TEST_CA_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "csr_maker.h"

#define FIXTURE_NOW_S	INT64_C(1795000000)	/* 2026-11-18 */

struct fixture {
	struct clock		 clock;
	struct serial_source	 serials;
	struct issuer		*issuer;
	struct issue_bench	*bench;
	struct pop		*pop;
	struct err		 e;
};

void	fixture_init(struct fixture *f, enum ca_key_alg alg);
void	fixture_done(struct fixture *f);

/* parse, subject, key, proof; *ret only when all passed. */
enum err_code	fixture_accept(struct fixture *f, const uint8_t *der, size_t len, struct csr **ret);

/* All the way, with profile p. */
enum err_code	fixture_issue(struct fixture *f, const struct profile *p, const uint8_t *der, size_t len,
		    struct issued **ret);

/* Which code does this request get? */
enum err_code	fixture_judge(struct fixture *f, const struct bytes *der);

/* Fails the test with the error's text unless rc is ERR_OK. */
void	must(enum err_code rc, const struct err *e);

/* X509_verify_cert with X509_V_FLAG_X509_STRICT, at FIXTURE_NOW_S, against the fixture's CA. */
void	fixture_verify_strict(struct fixture *f, const uint8_t *der, size_t len);

#endif
