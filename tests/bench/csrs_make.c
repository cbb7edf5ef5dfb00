/*
 * Requests by the ten thousand.  OpenSSL makes the first one the ordinary way; of the others only the device id, the
 * public key and the signature differ, and those are written over a copy of it.
 */
#include <err.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "tests/bench/csrs.h"
#include "tests/bench/keys.h"

enum {
	DER_BYTES = 2048,
	SIGNATURE_BYTES = 512,
	PUBLIC_BYTES = 256,	/* a P-256 point is 65, a modulus of 2048 bits 256 */
	PEM_BYTES = 4096,
	DEVICE_BYTES = 65	/* the longest common name, RFC 5280 */
};

/* The first request, taken apart. */
struct template {
	unsigned char	tbs[DER_BYTES];		/* CertificationRequestInfo, RFC 2986 section 4.1 */
	size_t		tbs_len;
	size_t		device_at, public_at;	/* in tbs */
	size_t		device_len, public_len;
	unsigned char	algorithm[64];		/* of the signature */
	size_t		algorithm_len;
};

struct job {
	const struct template	*template;
	struct keys		*keys;
	const char		*prefix;
	char			**pem;		/* out: text of request i */
	size_t			 count;
	size_t			 first, step;	/* this thread makes first, first + step, ... */
};

static void
device_name(char *out, const char *prefix, size_t i)
{
	if (snprintf(out, DEVICE_BYTES, "%s-%08zu", prefix, i) >= DEVICE_BYTES)
		errx(1, "the prefix \"%s\" is too long for a common name", prefix);
}

static size_t
find_bytes(const unsigned char *in, size_t len, const void *what, size_t what_len)
{
	const unsigned char *p = memmem(in, len, what, what_len);

	if (p == NULL)
		errx(1, "OpenSSL's own request does not hold what was put into it");
	return (size_t)(p - in);
}

static X509_REQ *
request_by_openssl(EVP_PKEY *key, const char *device)
{
	X509_REQ *req = X509_REQ_new();
	X509_NAME *name;

	if (req == NULL || (name = X509_REQ_get_subject_name(req)) == NULL ||
	    X509_REQ_set_version(req, X509_REQ_VERSION_1) != 1 ||
	    X509_NAME_add_entry_by_txt(name, "O", MBSTRING_ASC, (const unsigned char *)"Line bench", -1, -1, 0) != 1 ||
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)device, -1, -1, 0) != 1 ||
	    X509_REQ_set_pubkey(req, key) != 1 || X509_REQ_sign(req, key, EVP_sha256()) == 0)
		errx(1, "OpenSSL makes no request");
	return req;
}

static void
template_make(struct template *t, struct keys *keys, const char *prefix)
{
	EVP_PKEY *key = keys_get(keys, 0);
	unsigned char public[PUBLIC_BYTES];
	char device[DEVICE_BYTES];
	unsigned char *tbs = NULL, *algorithm = NULL;
	const X509_ALGOR *alg;
	X509_REQ *req;
	int len;

	device_name(device, prefix, 0);
	req = request_by_openssl(key, device);
	if ((len = i2d_re_X509_REQ_tbs(req, &tbs)) <= 0 || (size_t)len > sizeof(t->tbs))
		errx(1, "OpenSSL encodes no request");
	memcpy(t->tbs, tbs, (size_t)len);
	t->tbs_len = (size_t)len;
	X509_REQ_get0_signature(req, NULL, &alg);
	if ((len = i2d_X509_ALGOR(alg, &algorithm)) <= 0 || (size_t)len > sizeof(t->algorithm))
		errx(1, "OpenSSL encodes no algorithm");
	memcpy(t->algorithm, algorithm, (size_t)len);
	t->algorithm_len = (size_t)len;

	t->device_len = strlen(device);
	t->device_at = find_bytes(t->tbs, t->tbs_len, device, t->device_len);
	t->public_len = key_public(key, public, sizeof(public));
	t->public_at = find_bytes(t->tbs, t->tbs_len, public, t->public_len);
	OPENSSL_free(tbs);
	OPENSSL_free(algorithm);
	X509_REQ_free(req);
	EVP_PKEY_free(key);
}

/* Tag and length of DER, X.690 section 8.1.3, up to 65,535 octets. */
static size_t
put_header(unsigned char *out, unsigned char tag, size_t len)
{
	size_t n = 0;

	out[n++] = tag;
	if (len >= 256) {
		out[n++] = 0x82;
		out[n++] = (unsigned char)(len >> 8);
	} else if (len >= 128) {
		out[n++] = 0x81;
	}
	out[n++] = (unsigned char)(len & 0xff);
	return n;
}

static size_t
put_bytes(unsigned char *out, const unsigned char *from, size_t len)
{
	memcpy(out, from, len);
	return len;
}

/* The request of key and device; out has DER_BYTES. */
static size_t
request_patched(const struct template *t, EVP_PKEY *key, EVP_MD_CTX *md, const char *device, unsigned char *out)
{
	unsigned char tbs[DER_BYTES], public[PUBLIC_BYTES], sig[SIGNATURE_BYTES], head[8];
	size_t sig_len = sizeof(sig), head_len, n = 0;

	memcpy(tbs, t->tbs, t->tbs_len);
	memcpy(tbs + t->device_at, device, t->device_len);
	if (key_public(key, public, sizeof(public)) != t->public_len)
		errx(1, "a public key of another length");
	memcpy(tbs + t->public_at, public, t->public_len);

	if (EVP_MD_CTX_reset(md) != 1 || EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key) != 1 ||
	    EVP_DigestSign(md, sig, &sig_len, tbs, t->tbs_len) != 1)
		errx(1, "OpenSSL signs no request");

	head_len = put_header(head, 0x03, sig_len + 1);
	head[head_len++] = 0;		/* no unused bits */
	n += put_header(out, 0x30, t->tbs_len + t->algorithm_len + head_len + sig_len);
	n += put_bytes(out + n, tbs, t->tbs_len);
	n += put_bytes(out + n, t->algorithm, t->algorithm_len);
	n += put_bytes(out + n, head, head_len);
	n += put_bytes(out + n, sig, sig_len);
	return n;
}

/* RFC 7468: lines of 64 characters. */
static char *
pem_text(const unsigned char *der, size_t len)
{
	char text[PEM_BYTES];
	char *p = stpcpy(text, "-----BEGIN CERTIFICATE REQUEST-----\n");
	char *copy;

	for (size_t at = 0; at < len; at += 48) {
		p += EVP_EncodeBlock((unsigned char *)p, der + at, len - at < 48 ? (int)(len - at) : 48);
		*p++ = '\n';
	}
	(void)stpcpy(p, "-----END CERTIFICATE REQUEST-----\n");
	if ((copy = strdup(text)) == NULL)
		err(1, NULL);
	return copy;
}

static void *
job_run(void *arg)
{
	const struct job *j = arg;
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	unsigned char der[DER_BYTES];
	char device[DEVICE_BYTES];

	if (md == NULL)
		errx(1, "out of memory");
	for (size_t i = j->first; i < j->count; i += j->step) {
		EVP_PKEY *key = keys_get(j->keys, i);

		device_name(device, j->prefix, i);
		j->pem[i] = pem_text(der, request_patched(j->template, key, md, device, der));
		EVP_PKEY_free(key);
	}
	EVP_MD_CTX_free(md);
	return NULL;
}

static void
write_all(const char *path, char **pem, size_t count)
{
	char tmp[4096];
	FILE *f;

	if (snprintf(tmp, sizeof(tmp), "%s.new", path) >= (int)sizeof(tmp))
		errx(1, "%s: too long", path);
	if ((f = fopen(tmp, "we")) == NULL)
		err(1, "%s", tmp);
	for (size_t i = 0; i < count; i++)
		if (fputs(pem[i], f) == EOF)
			err(1, "%s", tmp);
	if (fclose(f) != 0 || rename(tmp, path) != 0)
		err(1, "%s", path);
}

void
csrs_make(const char *path, enum csrs_key type, size_t count, const char *prefix)
{
	size_t threads = (size_t)sysconf(_SC_NPROCESSORS_ONLN);
	struct keys *keys = keys_new(type, count, threads);
	pthread_t *ids = calloc(threads, sizeof(*ids));
	struct job *jobs = calloc(threads, sizeof(*jobs));
	char **pem = calloc(count, sizeof(*pem));
	struct template t;

	if (ids == NULL || jobs == NULL || pem == NULL)
		err(1, NULL);
	template_make(&t, keys, prefix);
	for (size_t i = 0; i < threads; i++) {
		jobs[i] = (struct job){ .template = &t, .keys = keys, .prefix = prefix, .pem = pem,
		    .count = count, .first = i, .step = threads };
		if (pthread_create(&ids[i], NULL, job_run, &jobs[i]) != 0)
			errx(1, "no thread");
	}
	for (size_t i = 0; i < threads; i++)
		(void)pthread_join(ids[i], NULL);
	write_all(path, pem, count);

	for (size_t i = 0; i < count; i++)
		free(pem[i]);
	free(pem);
	free(jobs);
	free(ids);
	keys_free(keys);
}
