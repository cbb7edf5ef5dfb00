/*
 * Writes what this folder makes for others into files, for strangers to read (strangers.py):
 *
 *     write_samples DIR
 *
 * ca.pem, KIND.pem and KIND.key for a P-256 and an RSA server, ca.p7 (certs-only of ca.pem and the servers', in this order),
 * csrattrs.der, and device-KIND.p8 with device-KIND.csr from keygen.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/rnd.h"
#include "ca/certs_only.h"
#include "ca/csrattrs.h"
#include "ca/keygen.h"
#include "ca/pem.h"
#include "ca/tls_cert.h"
#include "csr_maker.h"

static const char *dir;

static void
must(enum err_code rc, const struct err *e)
{
	if (rc != ERR_OK) {
		(void)fprintf(stderr, "%s: %s\n", err_name(rc), e->log_text);
		exit(1);
	}
}

static const char *
path_of(const char *name, const char *suffix)
{
	static char path[1024];

	(void)snprintf(path, sizeof(path), "%s/%s%s", dir, name, suffix);
	return path;
}

static void
put(const char *name, const char *suffix, const void *p, size_t len)
{
	FILE *f = fopen(path_of(name, suffix), "wb");

	if (f == NULL || fwrite(p, 1, len, f) != len || fclose(f) != 0) {
		perror(path_of(name, suffix));
		exit(1);
	}
}

static void
put_pem(const char *name, const struct bytes *der)
{
	char *pem = malloc(pem_certificate_bytes(der->len));

	if (pem == NULL)
		exit(1);
	put(name, ".pem", pem, pem_encode_certificate(der->p, der->len, pem));
	free(pem);
}

/* A server with a key of this kind, under the CA. */
static void
make_server(const char *name, enum ca_key_alg alg, const struct ca_key *ca_key, const struct bytes *ca, struct bytes *ret)
{
	static const char *const names[] = { "line4.example", "localhost", "127.0.0.1", "::1", "*.fixtures.example" };
	struct tls_cert_request req = { .names = names, .count = sizeof(names) / sizeof(names[0]), .days = 90 };
	struct ca_key *key = NULL;
	struct err e;

	must(ca_key_generate(alg, &key, &e), &e);
	must(tls_certificate_issue(ca_key, ca->p, ca->len, key, &req, &clock_system, &rnd_system, ret->p, &ret->len, &e), &e);
	must(ca_key_save(key, path_of(name, ".key"), &e), &e);
	put_pem(name, ret);
	ca_key_free(key);
}

static void
make_device(const char *name, enum maker_key like)
{
	struct device_key *k = NULL;
	struct csr *c = NULL, *made = NULL;
	struct pop *pop = NULL;
	const uint8_t *pkcs8;
	struct bytes der;
	struct err e;
	size_t len;

	make_csr(&(struct recipe){ .key = maker_key(like) }, &der);
	must(pop_new(&pop, &e), &e);
	must(csr_parse(der.p, der.len, &c, &e), &e);
	must(subject_check(c, &e), &e);
	must(keycheck(c, &e), &e);
	must(device_key_new(pop, c, &k, &made, &e), &e);
	pkcs8 = device_key_pkcs8(k, &len);
	put(name, ".p8", pkcs8, len);
	put(name, ".csr", made->der, made->len);
	device_key_free(k);
	csr_free(made);
	csr_free(c);
	pop_free(pop);
}

int
main(int argc, char **argv)
{
	struct ca_request req = { .common_name = "Sample server CA", .days = 365 };
	static struct bytes ca, server[2];
	struct certs_only_part parts[] = { { ca.p, 0 }, { server[0].p, 0 }, { server[1].p, 0 } };
	struct ca_key *ca_key = NULL;
	const uint8_t *attrs;
	uint8_t *bag = NULL;
	struct err e;
	size_t len;

	if (argc != 2) {
		(void)fprintf(stderr, "usage: write_samples DIR\n");
		return 2;
	}
	dir = argv[1];
	must(ca_key_generate(CA_KEY_P256, &ca_key, &e), &e);
	must(ca_certificate_self_sign(ca_key, &req, &clock_system, &rnd_system, ca.p, &ca.len, &e), &e);
	put_pem("ca", &ca);
	make_server("p256", CA_KEY_P256, ca_key, &ca, &server[0]);
	make_server("rsa", CA_KEY_RSA2048, ca_key, &ca, &server[1]);
	parts[0].len = ca.len;
	parts[1].len = server[0].len;
	parts[2].len = server[1].len;
	must(certs_only_encode(parts, 3, &bag, &len, &e), &e);
	put("ca", ".p7", bag, len);
	attrs = csrattrs_der(&len);
	put("csrattrs", ".der", attrs, len);
	make_device("device-p256", MAKER_P256);
	make_device("device-p384", MAKER_P384);
	make_device("device-rsa", MAKER_RSA);
	free(bag);
	ca_key_free(ca_key);
	maker_done();
	return 0;
}
