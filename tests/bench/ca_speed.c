/*
 * What issuing costs, on one thread, without HTTP and disk: each stage from a DER CSR to a checked
 * certificate, beside the bare arithmetic (one verify, one sign) measured between the same requests.
 *
 *     ca_speed [-k DEVICE_KEY] [-c CA_KEY] [-n CSRS] [-r ROUNDS] [-v VERIFY_EVERY]
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ca/ossl.h"
#include "ca/pem.h"

enum { RATE_WINDOW = 64 };	/* the floor is measured in windows between the requests, so that both see the same machine */

enum stage { STAGE_PEM, STAGE_PARSE, STAGE_KEY, STAGE_SUBJECT, STAGE_POP, STAGE_PLAN, STAGE_ISSUE, STAGE_FREE, STAGE_ENCODE,
	STAGES };
static const char *const stage_names[STAGES] = {
	"pem_decode_request", "csr_parse", "keycheck", "subject_check", "pop_verify", "serial_next, plan_new", "issue",
	"free", "pem_encode_certificate"
};

struct shop {
	struct clock		 clock;
	struct serial_source	 serials;
	struct issuer		*issuer;
	struct issue_bench	*bench;
	struct pop		*pop;
	char			**pems;
	size_t			 csrs;
	enum ca_key_alg		 device_alg, ca_alg;
	double			 us[STAGES];
	double			 floor_verify_us, floor_sign_us;
	size_t			 done, floor_done;
};

static double
now_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e6 + (double)ts.tv_nsec / 1e3;
}

static void
must(enum err_code rc, const struct err *e)
{
	if (rc != ERR_OK) {
		(void)fprintf(stderr, "ca_speed: %s: %s\n", err_name(rc), e->log_text);
		exit(1);
	}
}

static void
shop_open(struct shop *s, size_t csrs, unsigned verify_every)
{
	struct ca_request req = { .common_name = "Bench CA", .days = 3650 };
	uint8_t der[LIMIT_CERTIFICATE_BYTES];
	struct ca_key *k = NULL;
	struct err e;
	size_t len = 0;

	s->clock = clock_system;
	serial_source_init(&s->serials, &s->clock, &rnd_system, 0);
	must(ca_key_generate(s->ca_alg, &k, &e), &e);
	must(ca_certificate_self_sign(k, &req, &s->clock, &rnd_system, der, &len, &e), &e);
	must(issuer_new(der, len, k, &s->issuer, &e), &e);
	must(issue_bench_new(s->issuer, verify_every, &s->bench, &e), &e);
	must(pop_new(&s->pop, &e), &e);
	s->csrs = csrs;
	if ((s->pems = calloc(csrs, sizeof(*s->pems))) == NULL)
		exit(1);
}

static EVP_PKEY *
key_make(enum ca_key_alg alg)
{
	EVP_PKEY *key = NULL;

	switch (alg) {
	case CA_KEY_P256:
		key = EVP_EC_gen("P-256");
		break;
	case CA_KEY_P384:
		key = EVP_EC_gen("P-384");
		break;
	case CA_KEY_RSA2048:
		key = EVP_RSA_gen(2048);
		break;
	case CA_KEY_RSA3072:
		key = EVP_RSA_gen(3072);
		break;
	case CA_KEY_RSA4096:
		key = EVP_RSA_gen(4096);
		break;
	}
	if (key == NULL)
		exit(1);
	return key;
}

/* O = Example GmbH, CN = device-00000001, a key of its own; PEM. */
static char *
make_csr_pem(enum ca_key_alg alg, size_t number)
{
	char name[32], *text, *copy;
	EVP_PKEY *key = key_make(alg);
	X509_REQ *req = X509_REQ_new();
	X509_NAME *subject = X509_REQ_get_subject_name(req);
	BIO *mem = BIO_new(BIO_s_mem());
	long len;

	(void)snprintf(name, sizeof(name), "device-%08zu", number);
	if (X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_UTF8, (const uint8_t *)"Example GmbH", -1, -1, 0) != 1 ||
	    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const uint8_t *)name, -1, -1, 0) != 1 ||
	    X509_REQ_set_pubkey(req, key) != 1 || X509_REQ_sign(req, key, EVP_sha256()) <= 0 ||
	    PEM_write_bio_X509_REQ(mem, req) != 1 || (len = BIO_get_mem_data(mem, &text)) <= 0 ||
	    (copy = strndup(text, (size_t)len)) == NULL)
		exit(1);
	BIO_free(mem);
	X509_REQ_free(req);
	EVP_PKEY_free(key);
	return copy;
}

static void
shop_fill(struct shop *s)
{
	for (size_t i = 0; i < s->csrs; i++)
		s->pems[i] = make_csr_pem(s->device_alg, i);
}

static void
shop_close(struct shop *s)
{
	for (size_t i = 0; i < s->csrs; i++)
		free(s->pems[i]);
	free(s->pems);
	pop_free(s->pop);
	issue_bench_free(s->bench);
	issuer_free(s->issuer);
}

/* Adds the time since *at to a stage, and sets *at to now. */
static void
lap(struct shop *s, enum stage stage, double *at)
{
	double t = now_us();

	s->us[stage] += t - *at;
	*at = t;
}

static void
issue_one(struct shop *s, const char *pem)
{
	uint8_t der[LIMIT_CSR_BYTES], serial[SERIAL_BYTES];
	static char out[8192];
	struct csr *c = NULL;
	struct plan *p = NULL;
	struct issued *i = NULL;
	const uint8_t *cert;
	struct err e;
	size_t len;
	double at = now_us();

	must(pem_decode_request((const uint8_t *)pem, strlen(pem), der, sizeof(der), &len, &e), &e);
	lap(s, STAGE_PEM, &at);
	must(csr_parse(der, len, &c, &e), &e);
	lap(s, STAGE_PARSE, &at);
	must(keycheck(c, &e), &e);
	lap(s, STAGE_KEY, &at);
	must(subject_check(c, &e), &e);
	lap(s, STAGE_SUBJECT, &at);
	must(pop_verify(s->pop, c, &e), &e);
	lap(s, STAGE_POP, &at);
	must(serial_next(&s->serials, serial, &e), &e);
	must(plan_new(&profile_default, s->issuer, c, clock_now_s(&s->clock), serial, &p, &e), &e);
	lap(s, STAGE_PLAN, &at);
	must(issue(s->bench, p, &i, &e), &e);
	lap(s, STAGE_ISSUE, &at);
	cert = issued_der(i, &len);
	(void)pem_encode_certificate(cert, len, out);
	lap(s, STAGE_ENCODE, &at);
	issued_free(i);
	plan_free(p);
	csr_free(c);
	lap(s, STAGE_FREE, &at);
	s->done++;
}

/* Keys of the same kinds, digests of 32 bytes, contexts made once. */
struct floor {
	EVP_PKEY	*device, *ca;
	EVP_PKEY_CTX	*verify, *sign;
	uint8_t		 digest[32], device_sig[LIMIT_SIGNATURE_BYTES], sig[LIMIT_SIGNATURE_BYTES];
	size_t		 device_sig_len;
};

static EVP_PKEY_CTX *
sign_ctx(EVP_PKEY *key)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);

	if (ctx == NULL || EVP_PKEY_sign_init(ctx) != 1)
		exit(1);
	return ctx;
}

static void
floor_open(struct floor *f, const struct shop *s)
{
	EVP_PKEY_CTX *once;

	f->device = key_make(s->device_alg);
	f->ca = key_make(s->ca_alg);
	f->sign = sign_ctx(f->ca);
	f->verify = EVP_PKEY_CTX_new_from_pkey(NULL, f->device, NULL);
	memset(f->digest, 0x5a, sizeof(f->digest));
	once = sign_ctx(f->device);
	f->device_sig_len = sizeof(f->device_sig);
	if (EVP_PKEY_sign(once, f->device_sig, &f->device_sig_len, f->digest, sizeof(f->digest)) != 1 ||
	    EVP_PKEY_verify_init(f->verify) != 1)
		exit(1);
	EVP_PKEY_CTX_free(once);
}

static void
floor_run(struct floor *f, struct shop *s)
{
	double at = now_us(), t;

	for (int i = 0; i < RATE_WINDOW; i++) {
		size_t len = sizeof(f->sig);

		if (EVP_PKEY_sign(f->sign, f->sig, &len, f->digest, sizeof(f->digest)) != 1)
			exit(1);
	}
	t = now_us();
	s->floor_sign_us += t - at;
	for (int i = 0; i < RATE_WINDOW; i++)
		if (EVP_PKEY_verify(f->verify, f->device_sig, f->device_sig_len, f->digest, sizeof(f->digest)) != 1)
			exit(1);
	s->floor_verify_us += now_us() - t;
	s->floor_done += RATE_WINDOW;
}

static void
floor_close(struct floor *f)
{
	EVP_PKEY_CTX_free(f->sign);
	EVP_PKEY_CTX_free(f->verify);
	EVP_PKEY_free(f->device);
	EVP_PKEY_free(f->ca);
}

static void
report(const struct shop *s)
{
	double all = 0, from_der, floor, n = (double)s->done;

	for (int i = 0; i < STAGES; i++) {
		(void)printf("%-24s %8.2f us\n", stage_names[i], s->us[i] / n);
		all += s->us[i] / n;
	}
	from_der = all - (s->us[STAGE_PEM] + s->us[STAGE_ENCODE]) / n;
	floor = (s->floor_verify_us + s->floor_sign_us) / (double)s->floor_done;
	(void)printf("%-24s %8.2f us  (verify %.2f, sign %.2f)\n", "bare arithmetic", floor,
	    s->floor_verify_us / (double)s->floor_done, s->floor_sign_us / (double)s->floor_done);
	(void)printf("%-24s %8.2f us  = arithmetic + %.2f\n", "DER to certificate", from_der, from_der - floor);
	(void)printf("%-24s %8.2f us  = arithmetic + %.2f, %.0f/s a thread\n", "PEM to PEM", all, all - floor, 1e6 / all);
}

static int
usage(void)
{
	(void)fprintf(stderr, "usage: ca_speed [-k DEVICE_KEY] [-c CA_KEY] [-n CSRS] [-r ROUNDS] [-v VERIFY_EVERY]\n"
	    "keys: p256 (default), p384, rsa2048, rsa3072, rsa4096\n");
	return 2;
}

int
main(int argc, char **argv)
{
	unsigned long csrs = 1000, rounds = 10, verify_every = 1000000, *number;
	struct shop s = { .device_alg = CA_KEY_P256, .ca_alg = CA_KEY_P256 };
	struct floor f = { 0 };
	int opt;

	while ((opt = getopt(argc, argv, "k:c:n:r:v:")) != -1) {
		if (opt == '?' || ((opt == 'k' || opt == 'c') &&
		    ca_key_alg_parse(optarg, opt == 'k' ? &s.device_alg : &s.ca_alg, NULL) != ERR_OK))
			return usage();
		if (opt == 'k' || opt == 'c')
			continue;
		number = opt == 'n' ? &csrs : opt == 'r' ? &rounds : &verify_every;
		if ((*number = strtoul(optarg, NULL, 10)) < 1 || *number > 1000000)
			return usage();
	}
	shop_open(&s, csrs, (unsigned)verify_every);
	shop_fill(&s);
	floor_open(&f, &s);
	for (size_t i = 0; i < csrs * rounds; i++) {
		if (i % RATE_WINDOW == 0)
			floor_run(&f, &s);
		issue_one(&s, s.pems[i % csrs]);
	}
	report(&s);
	floor_close(&f);
	shop_close(&s);
	return 0;
}
